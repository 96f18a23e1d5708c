//! What one item looks like.

use std::fmt::Write;

use half::{bf16, f16};
use smallvec::SmallVec;

use super::column::{Cell, Piece, Real};
use super::{number, small_float, time};
use crate::dtype::{DType, Field, Kind, Logical};
use crate::layout::Unit;
use crate::view::StridedView;

/// Bytes without a notation of their own are shown up to here.
const LONGEST_HEX: usize = 16;

/// Items of a field that is an array are shown up to here.
const LONGEST_FIELD: usize = 6;

impl StridedView<'_> {
    /// The item at a position that there is.
    pub(super) fn cell(&self, position: &[usize]) -> Cell {
        let strides = self.strides().iter().zip(position);
        let offset = strides.fold(self.layout().offset(), |offset, (&stride, &position)| {
            // By *span* every item has an address.
            offset.wrapping_add_signed(stride.wrapping_mul(position.cast_signed()))
        });
        let mut pieces = Vec::new();
        self.with_item(offset, |item| {
            write_item(item, self.dtype(), self.logical(), &mut pieces);
        });
        Cell(pieces)
    }

    /// Reads the bytes of an item; packed ones from bit 0 on.
    fn with_item(&self, offset: usize, look: impl FnOnce(&[u8])) {
        let mut item: SmallVec<[u8; 32]> = SmallVec::from_elem(0, self.dtype().itemsize());
        match self.layout().unit() {
            Unit::Byte => self.read_bytes(offset, &mut item),
            Unit::Bit => {
                for bit in 0..self.layout().itemsize() {
                    let mut byte = [0];
                    self.read_bytes((offset + bit) / 8, &mut byte);
                    item[bit / 8] |= (byte[0] >> ((offset + bit) % 8) & 1) << (bit % 8);
                }
            }
        }
        look(&item);
    }
}

/// The pieces of an item.
fn write_item(item: &[u8], dtype: &DType, logical: Option<&Logical>, pieces: &mut Vec<Piece>) {
    if let Some(record) = dtype.as_record() {
        pieces.push(Piece::Fixed("("));
        for (k, field) in record.fields().iter().enumerate() {
            if k > 0 {
                pieces.push(Piece::Fixed(", "));
            }
            write_field(item, field, pieces);
        }
        return pieces.push(Piece::Fixed(")"));
    }
    if dtype.lanes() == 1 {
        return write_lane(item, dtype, logical, pieces);
    }
    pieces.push(Piece::Fixed("<"));
    let one = dtype.clone().with_lanes(1);
    let bits = if dtype.is_padded() {
        8
    } else {
        usize::try_from(dtype.bits()).unwrap_or(usize::MAX)
    };
    for lane in 0..usize::from(dtype.lanes()).min(LONGEST_FIELD) {
        if lane > 0 {
            pieces.push(Piece::Fixed(", "));
        }
        write_lane(&bits_of(item, lane * bits, bits), &one, logical, pieces);
    }
    let all = usize::from(dtype.lanes()) <= LONGEST_FIELD;
    pieces.push(Piece::Fixed(if all { ">" } else { ", ...>" }));
}

/// `len` bits from `start` on, as bytes.
fn bits_of(item: &[u8], start: usize, len: usize) -> SmallVec<[u8; 32]> {
    let mut bytes: SmallVec<[u8; 32]> = SmallVec::from_elem(0, len.div_ceil(8));
    for bit in 0..len {
        let set = item
            .get((start + bit) / 8)
            .is_some_and(|byte| byte >> ((start + bit) % 8) & 1 == 1);
        bytes[bit / 8] |= u8::from(set) << (bit % 8);
    }
    bytes
}

fn write_field(item: &[u8], field: &Field, pieces: &mut Vec<Piece>) {
    let (size, items) = (field.dtype().itemsize(), field.shape().iter().product::<usize>());
    let one = |k: usize| {
        item.get(field.offset() + k * size..field.offset() + (k + 1) * size)
            .unwrap_or(&[])
    };
    if field.shape().is_empty() {
        return write_item(one(0), field.dtype(), field.logical(), pieces);
    }
    pieces.push(Piece::Fixed("["));
    for k in 0..items.min(LONGEST_FIELD) {
        if k > 0 {
            pieces.push(Piece::Fixed(" "));
        }
        write_item(one(k), field.dtype(), field.logical(), pieces);
    }
    pieces.push(Piece::Fixed(if items > LONGEST_FIELD { " ...]" } else { "]" }));
}

/// One value.
fn write_lane(item: &[u8], dtype: &DType, logical: Option<&Logical>, pieces: &mut Vec<Piece>) {
    let mut native: SmallVec<[u8; 32]> = SmallVec::from_slice(item);
    if dtype.is_packed() || dtype.itemsize() == item.len() {
        crate::typed::to_native(&mut native, dtype);
    }
    let item = &native[..];
    if let Some(text) = logical.and_then(|logical| meaning(item, dtype, logical)) {
        return pieces.push(Piece::Right(text));
    }
    let float = |value: Real| Piece::Float {
        value,
        imaginary: false,
    };
    match dtype.kind() {
        Kind::Bool => pieces.push(Piece::Right(item.iter().any(|&byte| byte != 0).to_string())),
        Kind::Int if item.len() <= 16 => pieces.push(Piece::Right(signed(item, dtype).to_string())),
        Kind::UInt if item.len() <= 16 => pieces.push(Piece::Right(unsigned(item, dtype).to_string())),
        Kind::Complex | Kind::Bcomplex => {
            let (re, im) = item.split_at(item.len() / 2);
            match (real(re, dtype.kind()), real(im, dtype.kind())) {
                (Some(re), Some(value)) => pieces.extend([float(re), Piece::Float { value, imaginary: true }]),
                _ => pieces.push(Piece::Right(hex(item))),
            }
        }
        Kind::Text => pieces.push(Piece::Left(format!("{:?}", text(item)))),
        Kind::Bytes => {
            let end = item.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            pieces.push(Piece::Left(format!("b\"{}\"", item[..end].escape_ascii())));
        }
        kind => match real(item, kind) {
            Some(value) => pieces.push(float(value)),
            None => pieces.push(Piece::Right(hex(item))),
        },
    }
}

/// What an integer means.
fn meaning(item: &[u8], dtype: &DType, logical: &Logical) -> Option<String> {
    if dtype.kind() != Kind::Int || item.len() > 16 {
        return None;
    }
    let value = signed(item, dtype);
    match logical {
        Logical::Timestamp { unit, .. } => time::timestamp(value, *unit),
        Logical::Date { unit } => time::calendar_date(value, *unit),
        Logical::TimeOfDay { unit } => time::time_of_day(value, *unit),
        Logical::Duration { unit } => Some(time::duration(value, *unit)),
        Logical::Decimal { scale, .. } => Some(time::decimal(value, *scale)),
        _ => None,
    }
}

/// A float of any of the formats that have a notation. The bytes are native.
fn real(item: &[u8], kind: Kind) -> Option<Real> {
    Some(match (kind, item) {
        (Kind::Float | Kind::Complex, &[a, b]) => {
            let value = f16::from_ne_bytes([a, b]).to_f64();
            number::shortest(value, |short| f16::from_f64(short).to_f64())
        }
        (Kind::Bfloat | Kind::Bcomplex, &[a, b]) => {
            let value = bf16::from_ne_bytes([a, b]).to_f64();
            number::shortest(value, |short| bf16::from_f64(short).to_f64())
        }
        (Kind::Float | Kind::Complex, &[a, b, c, d]) => {
            let value = f32::from_ne_bytes([a, b, c, d]);
            let exact = f64::from(value);
            let short = value.to_string().parse().unwrap_or(exact);
            Real { exact, short }
        }
        (Kind::Float | Kind::Complex, &[a, b, c, d, e, f, g, h]) => {
            let exact = f64::from_ne_bytes([a, b, c, d, e, f, g, h]);
            Real { exact, short: exact }
        }
        (kind, &[code]) => {
            let exact = small_float::value(kind, code)?;
            Real { exact, short: exact }
        }
        _ => return None,
    })
}

/// Up to 128 bits as an integer; what is beyond the bits of the type does not count.
fn unsigned(item: &[u8], dtype: &DType) -> u128 {
    let byte = |value: u128, &byte: &u8| value << 8 | u128::from(byte);
    let value = if cfg!(target_endian = "little") {
        item.iter().rev().fold(0, byte)
    } else {
        item.iter().fold(0, byte)
    };
    let unused = u32::try_from(u64::from(u128::BITS).saturating_sub(dtype.bits())).unwrap_or(0);
    value.checked_shl(unused).unwrap_or(0).checked_shr(unused).unwrap_or(0)
}

fn signed(item: &[u8], dtype: &DType) -> i128 {
    let unused = u32::try_from(u64::from(u128::BITS).saturating_sub(dtype.bits())).unwrap_or(0);
    let value = unsigned(item, dtype).checked_shl(unused).unwrap_or(0).cast_signed();
    value.checked_shr(unused).unwrap_or(0)
}

/// UCS-4 characters up to the zeroes at the end.
fn text(item: &[u8]) -> String {
    let codes = item.as_chunks::<4>().0.iter().map(|code| u32::from_ne_bytes(*code));
    let text: String = codes
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.trim_end_matches('\0').to_owned()
}

fn hex(item: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in item.iter().take(LONGEST_HEX) {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    if item.len() > LONGEST_HEX {
        text.push_str("...");
    }
    text
}
