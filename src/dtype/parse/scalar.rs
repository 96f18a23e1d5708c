//! One type by its code or its name: `<f8`, `M8[25s]`, `float64`.

use super::super::names::number;
use super::super::{ByteOrder, DType, ItemType, Kind, Logical, TimeUnit};
use crate::error::DTypeFault;

/// Bytes of an unknown name that an error quotes.
const QUOTED: usize = 100;

/// The byte order in front, `None` where there is no sign, and what follows.
pub(super) fn sign(text: &str) -> (Option<ByteOrder>, &str) {
    let order = match text.bytes().next() {
        Some(b'<') => ByteOrder::Little,
        Some(b'>') => ByteOrder::Big,
        Some(b'=' | b'|') => ByteOrder::NATIVE,
        _ => return (None, text),
    };
    (Some(order), &text[1..])
}

/// One type: sign and code, or sign and name.
pub(super) fn scalar(text: &str, position: usize) -> Result<ItemType, DTypeFault> {
    let (order, code) = sign(text);
    let order = order.unwrap_or(ByteOrder::NATIVE);
    if matches!(code, "O" | "object" | "object_" | "O8" | "O4") {
        return Err(DTypeFault::Objects { position });
    }
    let unknown = || DTypeFault::Unknown {
        position,
        name: shortened(text).into(),
    };
    let item = match time(code) {
        Some(logical) => ItemType::new(DType::I64).with_logical(logical.ok_or_else(unknown)?),
        None => coded(code)
            .or_else(|| DType::of_own_name(code))
            .ok_or_else(unknown)?
            .into(),
    };
    Ok(item.with_byte_order(order))
}

/// A string type of `len` characters or bytes.
pub(super) fn sized(letter: char, len: usize, order: ByteOrder) -> Option<DType> {
    let len = u32::try_from(len).ok()?;
    let dtype = match letter {
        'S' => DType::bytes(len),
        'U' => DType::text(len),
        _ => DType::raw(len),
    };
    Some(dtype.with_byte_order(order))
}

/// A letter and a size.
fn coded(code: &str) -> Option<DType> {
    let mut rest = code.chars();
    let letter = rest.next()?;
    let size: u32 = number(rest.as_str())?;
    Some(match (letter, size) {
        ('b', 1) => DType::BOOL,
        ('i', 1) => DType::I8,
        ('i', 2) => DType::I16,
        ('i', 4) => DType::I32,
        ('i', 8) => DType::I64,
        ('u', 1) => DType::U8,
        ('u', 2) => DType::U16,
        ('u', 4) => DType::U32,
        ('u', 8) => DType::U64,
        ('f', 2) => DType::F16,
        ('f', 4) => DType::F32,
        ('f', 8) => DType::F64,
        ('f', 16) => DType::native(Kind::Float, 128),
        ('c', 8) => DType::C64,
        ('c', 16) => DType::C128,
        ('c', 32) => DType::native(Kind::Complex, 256),
        ('S' | 'U' | 'V', len) => return sized(letter, usize::try_from(len).ok()?, ByteOrder::NATIVE),
        _ => return None,
    })
}

/// A time, if it begins as one; inside, `None` for a unit that there is not.
fn time(code: &str) -> Option<Option<Logical>> {
    let stamp = |unit| Logical::Timestamp { unit, zone: None };
    let lasting = |unit| Logical::Duration { unit };
    let (rest, meaning): (&str, fn(TimeUnit) -> Logical) =
        if let Some(rest) = code.strip_prefix("M8").or_else(|| code.strip_prefix("datetime64")) {
            (rest, stamp)
        } else if let Some(rest) = code.strip_prefix("m8").or_else(|| code.strip_prefix("timedelta64")) {
            (rest, lasting)
        } else {
            match code {
                "M" => ("", stamp),
                "m" => ("", lasting),
                _ => return None,
            }
        };
    if rest.is_empty() {
        return Some(Some(meaning(TimeUnit::Generic)));
    }
    let inside = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(inside.and_then(unit).map(meaning))
}

/// `ns`, `25s`, `D/2`
fn unit(text: &str) -> Option<TimeUnit> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest) = text.split_at(digits);
    let count = if count.is_empty() { 1 } else { number(count)? };
    let (symbol, parts) = match rest.split_once('/') {
        Some((symbol, parts)) => (symbol, Some(number(parts)?)),
        None => (rest, None),
    };
    let unit = TimeUnit::of_symbol(symbol)?;
    if unit == TimeUnit::Generic {
        return (digits == 0 && parts.is_none()).then_some(unit);
    }
    let unit = unit.times(count)?;
    parts.map_or(Some(unit), |parts| unit.divided(parts))
}

/// The beginning of a text, for an error.
pub(super) fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(QUOTED))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}
