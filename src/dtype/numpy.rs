//! NumPy's type strings: `<f8`, `|b1`, `>U3`.
//!
//! Source of the grammar: NumPy, "Array interface protocol", key `typestr`.

use super::{ByteOrder, DType, Kind};
use crate::error::{NpyFault, Result};

impl DType {
    /// Parses a NumPy type string such as `<f8`, `|b1`, `>i4`, `S5` or `<U3`.
    ///
    /// `=`, `|` and no sign at all mean native byte order.
    ///
    /// # Errors
    ///
    /// [`NpyFault::Objects`] for `O`, [`NpyFault::Descr`] for everything that is no plain type: unknown letters, sizes that
    /// the letter does not come in, records, and times.
    pub fn from_numpy(descr: &str) -> Result<Self> {
        let unknown = || NpyFault::Descr { descr: descr.into() };
        let (order, rest) = match descr.as_bytes().first() {
            Some(b'<') => (ByteOrder::Little, &descr[1..]),
            Some(b'>') => (ByteOrder::Big, &descr[1..]),
            Some(b'=' | b'|') => (ByteOrder::NATIVE, &descr[1..]),
            _ => (ByteOrder::NATIVE, descr),
        };
        let letter = *rest.as_bytes().first().ok_or_else(unknown)?;
        if letter == b'O' {
            return Err(NpyFault::Objects.into());
        }
        if !letter.is_ascii() {
            return Err(unknown().into());
        }
        let digits = &rest[1..];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unknown().into());
        }
        let size: u32 = digits.parse().map_err(|_| unknown())?;
        let dtype = match (letter, size) {
            (b'b', 1) => Self::BOOL,
            (b'i', 1) => Self::I8,
            (b'i', 2) => Self::I16,
            (b'i', 4) => Self::I32,
            (b'i', 8) => Self::I64,
            (b'u', 1) => Self::U8,
            (b'u', 2) => Self::U16,
            (b'u', 4) => Self::U32,
            (b'u', 8) => Self::U64,
            (b'f', 2) => Self::F16,
            (b'f', 4) => Self::F32,
            (b'f', 8) => Self::F64,
            (b'f', 16) => Self::new(Kind::Float, 128),
            (b'c', 8) => Self::C64,
            (b'c', 16) => Self::C128,
            (b'S', n) => Self::bytes(n),
            (b'U', n) => Self::text(n),
            (b'V', n) => Self::raw(n),
            _ => return Err(unknown().into()),
        };
        Ok(dtype.with_byte_order(order))
    }

    /// NumPy's type string, or `None` if NumPy has no such type (bfloat16, 8-bit floats, packed bits, lanes).
    #[must_use]
    pub fn to_numpy(&self) -> Option<String> {
        if self.lanes != 1 || self.padded {
            return None;
        }
        let letter = match (self.kind, self.bits) {
            (Kind::Bool, 8) => 'b',
            (Kind::Int, 8 | 16 | 32 | 64) => 'i',
            (Kind::UInt, 8 | 16 | 32 | 64) => 'u',
            (Kind::Float, 16 | 32 | 64 | 128) => 'f',
            (Kind::Complex, 64 | 128) => 'c',
            (Kind::Bytes, bits) if bits.is_multiple_of(8) => 'S',
            (Kind::Text, bits) if bits.is_multiple_of(32) => 'U',
            (Kind::Raw, bits) if bits.is_multiple_of(8) => 'V',
            _ => return None,
        };
        let sign = match (self.swap_unit(), self.order) {
            (1, _) => '|',
            (_, ByteOrder::Little) => '<',
            (_, ByteOrder::Big) => '>',
        };
        let size = if self.kind == Kind::Text {
            self.bits / 32
        } else {
            self.bits / 8
        };
        Some(format!("{sign}{letter}{size}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_strings_round_trip() {
        for s in [
            "|b1", "|i1", "<i2", ">i4", "<i8", "|u1", ">u2", "<u4", ">u8", "<f2", ">f4", "<f8", "<f16", "<c8", ">c16",
            "|S5", "<U3", ">U7", "|V16", "|S0",
        ] {
            assert_eq!(DType::from_numpy(s).unwrap().to_numpy().as_deref(), Some(s), "{s}");
        }
    }

    #[test]
    fn fractions_of_characters_have_no_type_string() {
        for (kind, bits) in [(Kind::Bytes, 12), (Kind::Text, 40), (Kind::Raw, 7)] {
            assert_eq!(DType::new(kind, bits).to_numpy(), None);
        }
    }

    #[test]
    fn signs_of_single_bytes_mean_nothing() {
        for s in ["<u1", ">u1", "|u1", "=u1", "u1"] {
            assert_eq!(DType::from_numpy(s).unwrap(), DType::U8);
        }
    }

    #[test]
    fn unknown_strings_are_errors() {
        for s in [
            "",
            "<",
            "f",
            "f3",
            "<f99999999999",
            "x8",
            "<M8[ns]",
            "f8 ",
            "é8",
            "<é8",
            "f+8",
            "b8",
            "c4",
        ] {
            assert!(DType::from_numpy(s).is_err(), "{s:?}");
        }
    }
}
