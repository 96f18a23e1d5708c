//! The table of types: how the items of an Arrow type lie in memory, and which Arrow type a view's items have.

use std::sync::{Arc, LazyLock};

use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, validate_decimal_precision_and_scale,
};
use arrow_schema::{DataType, IntervalUnit, TimeUnit as ArrowUnit};

use crate::dtype::{DType, Field as RecordField, Kind, Logical, Record, TimeUnit};
use crate::error::{ArrowFault, NoView, Result};
use crate::reason::Refusal;
use crate::view::StridedView;

/// How the items of an Arrow type lie in memory.
pub(super) struct Storage {
    pub(super) dtype: DType,
    /// Items of `dtype` that make one Arrow item, where that is a last axis of its own.
    pub(super) axis: Option<usize>,
    pub(super) logical: Option<Logical>,
}

/// The storage of a type that is no list.
///
/// # Errors
///
/// [`ArrowFault::NoView`].
pub(super) fn storage(data_type: &DataType) -> Result<Storage> {
    let (dtype, logical) = match data_type {
        DataType::Interval(IntervalUnit::DayTime) => (DType::I32, Some(Logical::DayTimeInterval)),
        DataType::FixedSizeBinary(_) => (DType::U8, None),
        other => match numbers(other) {
            Some(dtype) => (dtype, None),
            None => meanings(other).ok_or_else(|| no_view(other))?,
        },
    };
    let axis = match data_type {
        DataType::Interval(IntervalUnit::DayTime) => Some(2),
        DataType::FixedSizeBinary(0) => return Err(no_view(data_type).into()),
        DataType::FixedSizeBinary(width) => Some(list_size(*width)?),
        _ => None,
    };
    Ok(Storage { dtype, axis, logical })
}

impl Storage {
    /// Items that are what they look like.
    pub(super) const fn plain(dtype: DType) -> Self {
        Self {
            dtype,
            axis: None,
            logical: None,
        }
    }
}

/// Why a type has no view of its own.
pub(super) fn no_view(data_type: &DataType) -> ArrowFault {
    let because = match data_type {
        DataType::Null | DataType::FixedSizeBinary(0) => NoView::NoBytes,
        DataType::Utf8View | DataType::BinaryView => NoView::ScatteredText,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => NoView::Text,
        DataType::Map(..) => NoView::Map,
        DataType::Union(..) => NoView::Union,
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => NoView::Encoded,
        DataType::Struct(_) => NoView::Columns,
        _ => NoView::Unknown,
    };
    ArrowFault::NoView {
        data_type: data_type.to_string().into(),
        because,
    }
}

/// A width or list size, which Arrow keeps signed.
pub(super) fn list_size(size: i32) -> Result<usize> {
    usize::try_from(size).map_err(|_| ArrowFault::UnsupportedType(format!("of {size} items").into()).into())
}

/// The types that are what they look like.
fn numbers(data_type: &DataType) -> Option<DType> {
    Some(match data_type {
        DataType::Boolean => DType::BIT,
        DataType::Int8 => DType::I8,
        DataType::Int16 => DType::I16,
        DataType::Int32 => DType::I32,
        DataType::Int64 => DType::I64,
        DataType::UInt8 => DType::U8,
        DataType::UInt16 => DType::U16,
        DataType::UInt32 => DType::U32,
        DataType::UInt64 => DType::U64,
        DataType::Float16 => DType::F16,
        DataType::Float32 => DType::F32,
        DataType::Float64 => DType::F64,
        _ => return None,
    })
}

/// The types that mean more than their bits.
fn meanings(data_type: &DataType) -> Option<(DType, Option<Logical>)> {
    let decimal = |&precision: &u8, &scale: &i8| Logical::Decimal { precision, scale };
    let (dtype, logical) = match data_type {
        DataType::Date32 => (DType::I32, Logical::Date { unit: TimeUnit::Day }),
        DataType::Date64 => {
            let unit = TimeUnit::Millisecond;
            (DType::I64, Logical::Date { unit })
        }
        DataType::Time32(unit) => (DType::I32, Logical::TimeOfDay { unit: from_unit(*unit) }),
        DataType::Time64(unit) => (DType::I64, Logical::TimeOfDay { unit: from_unit(*unit) }),
        DataType::Timestamp(unit, zone) => {
            let (unit, zone) = (from_unit(*unit), zone.clone());
            (DType::I64, Logical::Timestamp { unit, zone })
        }
        DataType::Duration(unit) => (DType::I64, Logical::Duration { unit: from_unit(*unit) }),
        DataType::Interval(IntervalUnit::YearMonth) => (DType::I32, Logical::Interval),
        DataType::Interval(IntervalUnit::MonthDayNano) => (month_day_nano().clone(), Logical::Interval),
        DataType::Decimal32(precision, scale) => (DType::I32, decimal(precision, scale)),
        DataType::Decimal64(precision, scale) => (DType::I64, decimal(precision, scale)),
        DataType::Decimal128(precision, scale) => (DType::raw(16), decimal(precision, scale)),
        DataType::Decimal256(precision, scale) => (DType::raw(32), decimal(precision, scale)),
        _ => return None,
    };
    Some((dtype, Some(logical)))
}

/// The record of a calendar interval: fields `months`, `days`, `nanoseconds`, 16 bytes.
pub(super) fn month_day_nano() -> &'static DType {
    static RECORD: LazyLock<DType> = LazyLock::new(|| {
        let fields = [
            ("months", DType::I32),
            ("days", DType::I32),
            ("nanoseconds", DType::I64),
        ];
        let record = Record::aligned(fields.map(|(name, dtype)| RecordField::new(name, dtype)));
        record.expect("16 bytes without a gap").into()
    });
    &RECORD
}

const fn from_unit(unit: ArrowUnit) -> TimeUnit {
    match unit {
        ArrowUnit::Second => TimeUnit::Second,
        ArrowUnit::Millisecond => TimeUnit::Millisecond,
        ArrowUnit::Microsecond => TimeUnit::Microsecond,
        ArrowUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

/// Arrow has no other units, and no multiples; its dates are a type of their own.
const fn to_unit(unit: TimeUnit) -> Option<ArrowUnit> {
    Some(match unit {
        TimeUnit::Second => ArrowUnit::Second,
        TimeUnit::Millisecond => ArrowUnit::Millisecond,
        TimeUnit::Microsecond => ArrowUnit::Microsecond,
        TimeUnit::Nanosecond => ArrowUnit::Nanosecond,
        _ => return None,
    })
}

/// Whether Arrow stores items of this type (after byte order and packing have been dealt with).
pub(super) fn is_storage(dtype: &DType) -> bool {
    plain(dtype).is_some()
}

/// The Arrow type of items without a meaning.
pub(super) fn plain(dtype: &DType) -> Option<DataType> {
    if dtype.lanes() != 1 || dtype.is_padded() {
        return None;
    }
    Some(match (dtype.kind(), dtype.bits()) {
        (Kind::Bool, 1) => DataType::Boolean,
        (Kind::Int, 8) => DataType::Int8,
        (Kind::Int, 16) => DataType::Int16,
        (Kind::Int, 32) => DataType::Int32,
        (Kind::Int, 64) => DataType::Int64,
        (Kind::UInt, 8) => DataType::UInt8,
        (Kind::UInt, 16) => DataType::UInt16,
        (Kind::UInt, 32) => DataType::UInt32,
        (Kind::UInt, 64) => DataType::UInt64,
        (Kind::Float, 16) => DataType::Float16,
        (Kind::Float, 32) => DataType::Float32,
        (Kind::Float, 64) => DataType::Float64,
        (Kind::Record, 128) if dtype == month_day_nano() => DataType::Interval(IntervalUnit::MonthDayNano),
        (Kind::Raw, 8..) => DataType::FixedSizeBinary(i32::try_from(dtype.itemsize()).ok()?),
        _ => return None,
    })
}

/// The Arrow type of a view's items.
pub(super) struct Leaf {
    pub(super) data_type: DataType,
    /// Trailing axes of the view that one Arrow item takes up.
    pub(super) axes: usize,
    /// Alignment that Arrow needs beyond the data type's own, in bytes.
    pub(super) alignment: usize,
}

impl Leaf {
    /// The Arrow type of the items of `view`, whatever their byte order and whether booleans are packed.
    pub(super) fn of(view: &StridedView<'_>) -> Result<Self, Refusal> {
        let found = view.dtype();
        let dtype = if found.kind() == Kind::Bool && found.bits() == 8 {
            DType::BIT.with_lanes(found.lanes())
        } else {
            found.clone().into_native()
        };
        let unmeant = plain(&dtype).ok_or_else(|| Refusal::DType { found: found.clone() })?;
        let Some(logical) = view.logical() else {
            // A record is an interval only if it says so.
            if matches!(unmeant, DataType::Interval(_)) {
                return Err(Refusal::DType { found: found.clone() });
            }
            return Ok(Self {
                data_type: unmeant,
                axes: 0,
                alignment: 1,
            });
        };
        let refusal = || Refusal::Logical { found: logical.clone() };
        if *logical == Logical::DayTimeInterval {
            return day_time(view, &unmeant).ok_or_else(refusal);
        }
        let data_type = meant(&unmeant, logical).ok_or_else(refusal)?;
        let alignment = match data_type {
            DataType::Decimal128(..) | DataType::Decimal256(..) => align_of::<i128>(),
            DataType::Interval(IntervalUnit::MonthDayNano) => align_of::<i64>(),
            _ => 1,
        };
        Ok(Self {
            data_type,
            axes: 0,
            alignment,
        })
    }
}

/// Days and milliseconds, if the last axis still holds both.
fn day_time(view: &StridedView<'_>, storage: &DataType) -> Option<Leaf> {
    let paired = view.ndim() > 1 && view.shape().last() == Some(&2) && *storage == DataType::Int32;
    paired.then_some(Leaf {
        data_type: DataType::Interval(IntervalUnit::DayTime),
        axes: 1,
        alignment: 1,
    })
}

/// The Arrow type of items with a meaning, if there is one for this meaning in this storage.
fn meant(storage: &DataType, logical: &Logical) -> Option<DataType> {
    Some(match (logical, storage) {
        (Logical::Date { unit: TimeUnit::Day }, DataType::Int32) => DataType::Date32,
        (
            Logical::Date {
                unit: TimeUnit::Millisecond,
            },
            DataType::Int64,
        ) => DataType::Date64,
        (Logical::TimeOfDay { unit }, DataType::Int32) => match to_unit(*unit)? {
            unit @ (ArrowUnit::Second | ArrowUnit::Millisecond) => DataType::Time32(unit),
            _ => return None,
        },
        (Logical::TimeOfDay { unit }, DataType::Int64) => match to_unit(*unit)? {
            unit @ (ArrowUnit::Microsecond | ArrowUnit::Nanosecond) => DataType::Time64(unit),
            _ => return None,
        },
        (Logical::Timestamp { unit, zone }, DataType::Int64) => {
            DataType::Timestamp(to_unit(*unit)?, zone.as_ref().map(Arc::clone))
        }
        (Logical::Duration { unit }, DataType::Int64) => DataType::Duration(to_unit(*unit)?),
        (Logical::Interval, DataType::Int32) => DataType::Interval(IntervalUnit::YearMonth),
        (Logical::Interval, DataType::Interval(IntervalUnit::MonthDayNano) | DataType::FixedSizeBinary(16)) => {
            DataType::Interval(IntervalUnit::MonthDayNano)
        }
        (Logical::Decimal { precision, scale }, storage) => decimal(storage, *precision, *scale)?,
        _ => return None,
    })
}

/// A decimal in a storage, if Arrow allows so many digits in it.
fn decimal(storage: &DataType, precision: u8, scale: i8) -> Option<DataType> {
    let bits = match storage {
        DataType::Int32 => 32,
        DataType::Int64 => 64,
        DataType::FixedSizeBinary(16) => 128,
        DataType::FixedSizeBinary(32) => 256,
        _ => return None,
    };
    decimal_of_width(bits, precision, scale)
}

/// A decimal of a width in bits, if Arrow allows so many digits in it.
pub(super) fn decimal_of_width(bits: u32, precision: u8, scale: i8) -> Option<DataType> {
    fn checked<T: DecimalType>(precision: u8, scale: i8) -> Option<DataType> {
        validate_decimal_precision_and_scale::<T>(precision, scale).ok()?;
        Some((T::TYPE_CONSTRUCTOR)(precision, scale))
    }
    match bits {
        32 => checked::<Decimal32Type>(precision, scale),
        64 => checked::<Decimal64Type>(precision, scale),
        128 => checked::<Decimal128Type>(precision, scale),
        256 => checked::<Decimal256Type>(precision, scale),
        _ => None,
    }
}

/// The types of the children that the type demands, in their order; none of a dictionary's.
pub(crate) fn children(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![field.data_type()],
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(dtype: DType, logical: Option<Logical>) -> Result<DataType, Refusal> {
        let bytes = StridedView::from_vec(vec![0_u8; 64]);
        let view = bytes.view_as(dtype).unwrap();
        let view = match logical {
            Some(logical) => view.with_logical(logical),
            None => view,
        };
        Leaf::of(&view).map(|leaf| leaf.data_type)
    }

    #[test]
    fn meanings_that_do_not_fit_their_storage_are_refused() {
        let decimal = |precision, scale| Logical::Decimal { precision, scale };
        let cases = [
            (DType::F32, Logical::Date { unit: TimeUnit::Day }),
            (DType::I64, Logical::Date { unit: TimeUnit::Day }),
            (
                DType::I32,
                Logical::TimeOfDay {
                    unit: TimeUnit::Nanosecond,
                },
            ),
            (DType::I64, Logical::TimeOfDay { unit: TimeUnit::Second }),
            (
                DType::I64,
                Logical::Timestamp {
                    unit: TimeUnit::Day,
                    zone: None,
                },
            ),
            (DType::raw(8), Logical::Interval),
            (DType::I32, Logical::DayTimeInterval),
            (DType::I32, decimal(10, 0)),
            (DType::raw(16), decimal(39, 0)),
            (DType::raw(16), decimal(0, 0)),
            (DType::raw(16), decimal(5, 6)),
            (DType::U64, decimal(5, 0)),
        ];
        for (dtype, logical) in cases {
            let refusal = leaf(dtype.clone(), Some(logical.clone())).unwrap_err();
            assert_eq!(refusal, Refusal::Logical { found: logical }, "{dtype}");
        }
        assert_eq!(
            leaf(DType::raw(32), Some(decimal(76, -3))),
            Ok(DataType::Decimal256(76, -3))
        );
    }

    #[test]
    fn types_that_arrow_lacks_are_refused() {
        for found in [
            DType::C64,
            DType::BF16,
            DType::bytes(4),
            DType::text(2),
            DType::F32.with_lanes(4),
        ] {
            assert_eq!(leaf(found.clone(), None), Err(Refusal::DType { found }));
        }
        assert_eq!(leaf(DType::raw(4), None), Ok(DataType::FixedSizeBinary(4)));
        assert_eq!(leaf(DType::I32.swapped(), None), Ok(DataType::Int32));
        assert_eq!(leaf(DType::BOOL, None), Ok(DataType::Boolean));
    }
}
