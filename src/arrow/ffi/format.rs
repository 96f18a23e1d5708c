//! Format strings: the types of Arrow that need no child to be known, and those that do.

use std::borrow::Cow;
use std::ffi::CStr;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};

use crate::arrow::library;
use crate::dtype::{DType, Kind};
use crate::error::{ArrowFault, CDataFault, Result};

/// The format string of a type.
///
/// # Errors
///
/// [`ArrowFault::UnsupportedType`] for types that the specification has no letters for.
pub(super) fn write(data_type: &DataType) -> Result<Cow<'static, str>> {
    Ok(match data_type {
        DataType::Dictionary(key, _) => return write(key),
        DataType::Timestamp(unit, zone) => format!("ts{}:{}", unit_letter(*unit), zone.as_deref().unwrap_or("")).into(),
        DataType::FixedSizeBinary(width) => format!("w:{width}").into(),
        DataType::Decimal32(precision, scale) => format!("d:{precision},{scale},32").into(),
        DataType::Decimal64(precision, scale) => format!("d:{precision},{scale},64").into(),
        DataType::Decimal128(precision, scale) => format!("d:{precision},{scale}").into(),
        DataType::Decimal256(precision, scale) => format!("d:{precision},{scale},256").into(),
        DataType::FixedSizeList(_, size) => format!("+w:{size}").into(),
        DataType::Union(fields, mode) => {
            let ids: Vec<String> = fields.iter().map(|(id, _)| id.to_string()).collect();
            let mode = if *mode == UnionMode::Dense { 'd' } else { 's' };
            format!("+u{mode}:{}", ids.join(",")).into()
        }
        other => match constant(other) {
            Some(format) => letters(format).into(),
            None => nested(other)
                .ok_or_else(|| ArrowFault::UnsupportedType(other.to_string().into()))?
                .into(),
        },
    })
}

/// The letters of nested types without a number in them.
fn nested(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::List(_) => "+l",
        DataType::LargeList(_) => "+L",
        DataType::ListView(_) => "+vl",
        DataType::LargeListView(_) => "+vL",
        DataType::Struct(_) => "+s",
        DataType::Map(..) => "+m",
        DataType::RunEndEncoded(..) => "+r",
        _ => return None,
    })
}

fn unit_letter(unit: TimeUnit) -> char {
    match unit {
        TimeUnit::Second => 's',
        TimeUnit::Millisecond => 'm',
        TimeUnit::Microsecond => 'u',
        TimeUnit::Nanosecond => 'n',
    }
}

/// The format string of a type for which it is always the same.
pub(super) fn constant(data_type: &DataType) -> Option<&'static CStr> {
    Some(match data_type {
        DataType::Float32 => c"f",
        DataType::Float64 => c"g",
        DataType::Int32 => c"i",
        DataType::Int64 => c"l",
        DataType::UInt8 => c"C",
        DataType::Int8 => c"c",
        DataType::Int16 => c"s",
        DataType::UInt16 => c"S",
        DataType::UInt32 => c"I",
        DataType::UInt64 => c"L",
        DataType::Float16 => c"e",
        DataType::Boolean => c"b",
        DataType::Null => c"n",
        DataType::Binary => c"z",
        DataType::LargeBinary => c"Z",
        DataType::BinaryView => c"vz",
        DataType::Utf8 => c"u",
        DataType::LargeUtf8 => c"U",
        DataType::Utf8View => c"vu",
        DataType::Date32 => c"tdD",
        DataType::Date64 => c"tdm",
        DataType::Time32(TimeUnit::Second) => c"tts",
        DataType::Time32(TimeUnit::Millisecond) => c"ttm",
        DataType::Time64(TimeUnit::Microsecond) => c"ttu",
        DataType::Time64(TimeUnit::Nanosecond) => c"ttn",
        DataType::Duration(TimeUnit::Second) => c"tDs",
        DataType::Duration(TimeUnit::Millisecond) => c"tDm",
        DataType::Duration(TimeUnit::Microsecond) => c"tDu",
        DataType::Duration(TimeUnit::Nanosecond) => c"tDn",
        DataType::Interval(IntervalUnit::YearMonth) => c"tiM",
        DataType::Interval(IntervalUnit::DayTime) => c"tiD",
        DataType::Interval(IntervalUnit::MonthDayNano) => c"tin",
        _ => return None,
    })
}

/// The format string of numbers without a meaning, in native byte order, that Arrow has.
#[inline]
pub(super) fn of_numbers(dtype: &DType) -> Option<&'static CStr> {
    if dtype.lanes() != 1 {
        return None;
    }
    Some(match (dtype.kind(), dtype.bits()) {
        (Kind::Float, 32) => c"f",
        (Kind::Float, 64) => c"g",
        (Kind::Float, 16) => c"e",
        (Kind::Int, 8) => c"c",
        (Kind::Int, 16) => c"s",
        (Kind::Int, 32) => c"i",
        (Kind::Int, 64) => c"l",
        (Kind::UInt, 8) => c"C",
        (Kind::UInt, 16) => c"S",
        (Kind::UInt, 32) => c"I",
        (Kind::UInt, 64) => c"L",
        _ => return None,
    })
}

fn letters(format: &'static CStr) -> &'static str {
    format.to_str().expect("ASCII")
}

/// The type of which a format string is always the same.
fn fixed(format: &str) -> Option<DataType> {
    if let [letter] = format.as_bytes() {
        return of_letter(*letter);
    }
    Some(match format {
        "vz" => DataType::BinaryView,
        "vu" => DataType::Utf8View,
        "tdD" => DataType::Date32,
        "tdm" => DataType::Date64,
        "tts" => DataType::Time32(TimeUnit::Second),
        "ttm" => DataType::Time32(TimeUnit::Millisecond),
        "ttu" => DataType::Time64(TimeUnit::Microsecond),
        "ttn" => DataType::Time64(TimeUnit::Nanosecond),
        "tDs" => DataType::Duration(TimeUnit::Second),
        "tDm" => DataType::Duration(TimeUnit::Millisecond),
        "tDu" => DataType::Duration(TimeUnit::Microsecond),
        "tDn" => DataType::Duration(TimeUnit::Nanosecond),
        "tiM" => DataType::Interval(IntervalUnit::YearMonth),
        "tiD" => DataType::Interval(IntervalUnit::DayTime),
        "tin" => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

fn of_letter(letter: u8) -> Option<DataType> {
    Some(match letter {
        b'f' => DataType::Float32,
        b'g' => DataType::Float64,
        b'i' => DataType::Int32,
        b'l' => DataType::Int64,
        b'C' => DataType::UInt8,
        b'c' => DataType::Int8,
        b's' => DataType::Int16,
        b'S' => DataType::UInt16,
        b'I' => DataType::UInt32,
        b'L' => DataType::UInt64,
        b'e' => DataType::Float16,
        b'b' => DataType::Boolean,
        b'n' => DataType::Null,
        b'z' => DataType::Binary,
        b'Z' => DataType::LargeBinary,
        b'u' => DataType::Utf8,
        b'U' => DataType::LargeUtf8,
        _ => return None,
    })
}

/// The type of a format string and its children.
///
/// # Errors
///
/// [`CDataFault::Format`]; [`CDataFault::Count`] for a wrong number of children.
pub(super) fn read(format: &str, children: Vec<FieldRef>, keys_sorted: bool) -> Result<DataType> {
    if children.is_empty()
        && let Some(data_type) = flat(format)
    {
        return Ok(data_type);
    }
    let fault = || CDataFault::Format { format: format.into() };
    let Some(letters) = format.strip_prefix('+') else {
        expect_children(children, [])?;
        return Ok(flat(format).ok_or_else(fault)?);
    };
    Ok(match letters {
        "l" => DataType::List(only(children)?),
        "L" => DataType::LargeList(only(children)?),
        "vl" => DataType::ListView(only(children)?),
        "vL" => DataType::LargeListView(only(children)?),
        "s" => DataType::Struct(Fields::from(children)),
        "m" => DataType::Map(map_entries(children)?, keys_sorted),
        "r" => run_ends(children)?,
        _ => match letters.split_once(':').ok_or_else(fault)? {
            ("w", size) => {
                let size: i32 = number(size).filter(|size| *size >= 0).ok_or_else(fault)?;
                DataType::FixedSizeList(only(children)?, size)
            }
            ("ud", ids) => union(ids, children, UnionMode::Dense)?.ok_or_else(fault)?,
            ("us", ids) => union(ids, children, UnionMode::Sparse)?.ok_or_else(fault)?,
            _ => return Err(fault().into()),
        },
    })
}

/// The type of a format string without children.
fn flat(format: &str) -> Option<DataType> {
    if let Some(data_type) = fixed(format) {
        return Some(data_type);
    }
    match format.split_once(':')? {
        ("w", width) => number::<i32>(width)
            .filter(|width| *width >= 0)
            .map(DataType::FixedSizeBinary),
        ("d", rest) => decimal(rest),
        ("tss", zone) => Some(timestamp(TimeUnit::Second, zone)),
        ("tsm", zone) => Some(timestamp(TimeUnit::Millisecond, zone)),
        ("tsu", zone) => Some(timestamp(TimeUnit::Microsecond, zone)),
        ("tsn", zone) => Some(timestamp(TimeUnit::Nanosecond, zone)),
        _ => None,
    }
}

fn timestamp(unit: TimeUnit, zone: &str) -> DataType {
    DataType::Timestamp(unit, (!zone.is_empty()).then(|| Arc::from(zone)))
}

/// `precision,scale` or `precision,scale,bits`.
fn decimal(rest: &str) -> Option<DataType> {
    let parts: Vec<&str> = rest.split(',').collect();
    let (precision, scale, bits) = match parts[..] {
        [precision, scale] => (precision, scale, "128"),
        [precision, scale, bits] => (precision, scale, bits),
        _ => return None,
    };
    let (precision, scale): (u8, i8) = (number(precision)?, number(scale)?);
    crate::arrow::dtype::decimal_of_width(number(bits)?, precision, scale)
}

/// A number in digits, with a sign at most.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.parse().ok()
}

fn union(ids: &str, children: Vec<FieldRef>, mode: UnionMode) -> Result<Option<DataType>> {
    let ids: Option<Vec<i8>> = if ids.is_empty() {
        Some(Vec::new())
    } else {
        ids.split(',').map(number).collect()
    };
    // Negative ids, and more than one child of an id, are arrow-rs' to refuse; it panics over different numbers of both.
    let Some(ids) = ids.filter(|ids| ids.len() == children.len()) else {
        return Ok(None);
    };
    let fields = UnionFields::try_new(ids, children).map_err(library)?;
    Ok(Some(DataType::Union(fields, mode)))
}

/// A struct of two, the keys never null.
fn map_entries(children: Vec<FieldRef>) -> Result<FieldRef> {
    let entries = only(children)?;
    match entries.data_type() {
        DataType::Struct(pair) if pair.len() == 2 => Ok(entries),
        other => Err(ArrowFault::UnsupportedType(format!("Map of {other}").into()).into()),
    }
}

fn run_ends(children: Vec<FieldRef>) -> Result<DataType> {
    let [ends, values] = expect_children(children, [(), ()])?;
    match ends.data_type() {
        DataType::Int16 | DataType::Int32 | DataType::Int64 => Ok(DataType::RunEndEncoded(ends, values)),
        other => Err(ArrowFault::UnsupportedType(format!("RunEndEncoded by {other}").into()).into()),
    }
}

fn only(children: Vec<FieldRef>) -> Result<FieldRef> {
    expect_children(children, [()]).map(|[child]| child)
}

fn expect_children<const N: usize>(children: Vec<FieldRef>, _: [(); N]) -> Result<[Arc<Field>; N]> {
    let found = i64::try_from(children.len()).unwrap_or(i64::MAX);
    let wanted = i64::try_from(N).unwrap_or(i64::MAX);
    children.try_into().map_err(|_| {
        CDataFault::Count {
            member: "n_children of the schema",
            found,
            min: wanted,
            max: wanted,
        }
        .into()
    })
}
