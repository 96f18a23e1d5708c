//! What one item is: kind, bits, lanes, byte order.

mod element;
mod item;
pub(crate) mod literal;
mod logical;
mod names;
mod parse;
mod print;
mod record;
mod time;

use std::fmt;
use std::sync::Arc;

pub use element::{Complex, Element};
pub use item::ItemType;
pub use logical::Logical;
pub use record::{Field, Record};
pub use time::{Multiple, TimeUnit};

/// The kind of number (or other thing) that an item is.
///
/// Together with the bits of one lane it is what DLPack calls a type code and what NumPy calls a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Boolean: a byte of 0 or 1, or one packed bit.
    Bool,
    /// Signed integer.
    Int,
    /// Unsigned integer.
    UInt,
    /// IEEE 754 floating point.
    Float,
    /// bfloat16.
    Bfloat,
    /// Complex number: two IEEE floats, real part first. Its bits count both.
    Complex,
    /// Complex number: two bfloat16, real part first.
    Bcomplex,
    /// 8-bit float, 3 exponent and 4 mantissa bits.
    Float8E3m4,
    /// 8-bit float, 4 exponent and 3 mantissa bits, IEEE-like.
    Float8E4m3,
    /// 8-bit float e4m3 with exponent bias 11, finite, no negative zero.
    Float8E4m3b11fnuz,
    /// 8-bit float e4m3, finite.
    Float8E4m3fn,
    /// 8-bit float e4m3, finite, no negative zero.
    Float8E4m3fnuz,
    /// 8-bit float, 5 exponent and 2 mantissa bits, IEEE-like.
    Float8E5m2,
    /// 8-bit float e5m2, finite, no negative zero.
    Float8E5m2fnuz,
    /// 8-bit exponent without sign or mantissa.
    Float8E8m0fnu,
    /// 6-bit float, 2 exponent and 3 mantissa bits.
    Float6E2m3fn,
    /// 6-bit float, 3 exponent and 2 mantissa bits.
    Float6E3m2fn,
    /// 4-bit float, 2 exponent bits and 1 mantissa bit.
    Float4E2m1fn,
    /// A handle that means something only to its producer.
    OpaqueHandle,
    /// A byte string of fixed length, zero-padded (NumPy `S`).
    Bytes,
    /// UCS-4 text of fixed length, zero-padded (NumPy `U`).
    Text,
    /// Bytes without a meaning (NumPy `V`).
    Raw,
    /// Named fields at byte offsets ([`Record`]).
    Record,
    /// A DLPack type code that this crate does not know. It travels through unchanged; typed access refuses it.
    Other(u8),
}

/// The order of the bytes of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The byte order of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "little") {
        Self::Little
    } else {
        Self::Big
    };

    /// The byte order that this machine does not have.
    pub const SWAPPED: Self = if cfg!(target_endian = "little") {
        Self::Big
    } else {
        Self::Little
    };
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little-endian",
            Self::Big => "big-endian",
        })
    }
}

/// The type of one item: NumPy's dtype, DLPack's `DLDataType`.
///
/// Equality is exact: lanes, byte order and packing included.
///
/// ```
/// use viewbridge::DType;
///
/// assert_eq!(DType::F64.itemsize(), 8);
/// assert_eq!(DType::F64.swapped().to_string(), ">f8");
/// assert_eq!(DType::of::<f32>(), DType::F32);
/// assert_eq!(DType::from_numpy("<i4")?, DType::I32);
/// # Ok::<(), viewbridge::DTypeFault>(())
/// ```
///
/// `DType` is deliberately not `Copy`: a record shares its fields. To clone or compare any other type costs a few words and a look at a
/// null pointer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DType {
    kind: Kind,
    order: ByteOrder,
    padded: bool,
    lanes: u16,
    bits: u64,
    /// The fields, if and only if items have some: then `kind` is [`Kind::Record`], `bits` counts the whole item, and `order` is swapped if
    /// any field is.
    record: Option<Arc<Record>>,
}

impl DType {
    /// Boolean, one byte each.
    pub const BOOL: Self = Self::native(Kind::Bool, 8);
    /// Boolean, packed eight to a byte, least significant bit first: Arrow's form.
    pub const BIT: Self = Self::native(Kind::Bool, 1);
    /// Signed 8-bit integer.
    pub const I8: Self = Self::native(Kind::Int, 8);
    /// Signed 16-bit integer.
    pub const I16: Self = Self::native(Kind::Int, 16);
    /// Signed 32-bit integer.
    pub const I32: Self = Self::native(Kind::Int, 32);
    /// Signed 64-bit integer.
    pub const I64: Self = Self::native(Kind::Int, 64);
    /// Unsigned 8-bit integer.
    pub const U8: Self = Self::native(Kind::UInt, 8);
    /// Unsigned 16-bit integer.
    pub const U16: Self = Self::native(Kind::UInt, 16);
    /// Unsigned 32-bit integer.
    pub const U32: Self = Self::native(Kind::UInt, 32);
    /// Unsigned 64-bit integer.
    pub const U64: Self = Self::native(Kind::UInt, 64);
    /// IEEE half precision.
    pub const F16: Self = Self::native(Kind::Float, 16);
    /// bfloat16.
    pub const BF16: Self = Self::native(Kind::Bfloat, 16);
    /// IEEE single precision.
    pub const F32: Self = Self::native(Kind::Float, 32);
    /// IEEE double precision.
    pub const F64: Self = Self::native(Kind::Float, 64);
    /// Complex number of two half-precision floats.
    pub const C32: Self = Self::native(Kind::Complex, 32);
    /// Complex number of two single-precision floats.
    pub const C64: Self = Self::native(Kind::Complex, 64);
    /// Complex number of two double-precision floats.
    pub const C128: Self = Self::native(Kind::Complex, 128);

    const fn native(kind: Kind, bits: u64) -> Self {
        Self {
            kind,
            order: ByteOrder::NATIVE,
            padded: false,
            lanes: 1,
            bits,
            record: None,
        }
    }

    /// The type of `bits` bits per item in native byte order, with one lane.
    ///
    /// Nothing is checked against a list of known widths: 128-bit floats and 4-bit integers are types too. What a bridge cannot
    /// express, it refuses. A [`Kind::Record`] has fields and is made of a [`Record`]; without any it is [`Kind::Raw`].
    #[must_use]
    pub const fn new(kind: Kind, bits: u8) -> Self {
        let kind = match kind {
            Kind::Record => Kind::Raw,
            other => other,
        };
        Self::native(kind, bits as u64)
    }

    /// Fixed-length byte strings of `len` bytes (NumPy `S`).
    #[must_use]
    pub const fn bytes(len: u32) -> Self {
        Self::native(Kind::Bytes, len as u64 * 8)
    }

    /// Fixed-length UCS-4 text of `len` characters (NumPy `U`).
    #[must_use]
    pub const fn text(len: u32) -> Self {
        Self::native(Kind::Text, len as u64 * 32)
    }

    /// Items of `len` bytes without a meaning (NumPy `V`).
    #[must_use]
    pub const fn raw(len: u32) -> Self {
        Self::native(Kind::Raw, len as u64 * 8)
    }

    /// The type of a Rust element.
    #[must_use]
    pub fn of<T: Element>() -> Self {
        T::DTYPE
    }

    /// The same type with `lanes` values per item (DLPack's vector types). Without effect on records.
    #[must_use]
    pub const fn with_lanes(mut self, lanes: u16) -> Self {
        if self.record.is_none() {
            self.lanes = lanes;
        }
        self
    }

    /// The same type with each sub-byte lane in a byte of its own (DLPack's `IS_SUBBYTE_TYPE_PADDED`). Without effect on
    /// types of whole bytes.
    #[must_use]
    pub const fn padded(mut self) -> Self {
        self.padded = self.bits < 8;
        self
    }

    /// The same type in `order`; a record, with every field in it. Without effect on types whose parts are single bytes.
    #[must_use]
    pub fn with_byte_order(mut self, order: ByteOrder) -> Self {
        if self.record.is_some() {
            return self.record_with_byte_order(order);
        }
        if self.swap_unit() > 1 {
            self.order = order;
        }
        self
    }

    /// The same type in the byte order that this machine does not have.
    #[must_use]
    pub fn swapped(self) -> Self {
        self.with_byte_order(ByteOrder::SWAPPED)
    }

    /// The same type in the byte order of this machine.
    #[must_use]
    pub fn into_native(self) -> Self {
        self.with_byte_order(ByteOrder::NATIVE)
    }

    /// The kind of an item.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Bits of one lane, without padding.
    #[must_use]
    pub const fn bits(&self) -> u64 {
        self.bits
    }

    /// Values per item: 1 but for DLPack's vector types.
    #[must_use]
    pub const fn lanes(&self) -> u16 {
        self.lanes
    }

    /// The byte order; native for types whose parts are single bytes, and for a record whose fields all are.
    #[must_use]
    pub const fn byte_order(&self) -> ByteOrder {
        self.order
    }

    /// Whether the bytes are in the order of this machine.
    #[must_use]
    pub const fn is_native(&self) -> bool {
        matches!(
            (self.order, ByteOrder::NATIVE),
            (ByteOrder::Little, ByteOrder::Little) | (ByteOrder::Big, ByteOrder::Big)
        )
    }

    /// Whether each sub-byte lane has a byte of its own.
    #[must_use]
    pub const fn is_padded(&self) -> bool {
        self.padded
    }

    /// Whether an item is no whole number of bytes, so that a layout counts in bits.
    #[must_use]
    pub const fn is_packed(&self) -> bool {
        !self.item_bits().is_multiple_of(8)
    }

    /// Bits from the start of an item to its end, padding included.
    #[must_use]
    pub const fn item_bits(&self) -> u64 {
        let lane = if self.padded { 8 } else { self.bits };
        lane * self.lanes as u64
    }

    /// Bytes that one item occupies; for packed items, the bytes that a single one would need.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "constructors bound an item to u32::MAX UCS-4 characters, below 2^37 bits"
    )]
    pub const fn itemsize(&self) -> usize {
        self.item_bits().div_ceil(8) as usize
    }

    /// The alignment of the corresponding C type, in bytes.
    ///
    /// Complex numbers and vector lanes align as their parts do; byte strings and raw bytes align to 1, and so do records unless they are
    /// made to be aligned ([`Record::aligned`]).
    #[must_use]
    pub fn alignment(&self) -> usize {
        match &self.record {
            Some(record) => record.alignment(),
            None => self.swap_unit(),
        }
    }

    /// Bytes of the part that has a byte order: a number, a half of a complex number, a character.
    ///
    /// Items are a whole number of parts. Types of odd widths, which have none, count as single bytes.
    #[must_use]
    pub(crate) const fn swap_unit(&self) -> usize {
        let part = match self.kind {
            Kind::Bytes | Kind::Raw | Kind::Record | Kind::Other(_) => 8,
            Kind::Text => 32,
            Kind::Complex | Kind::Bcomplex => self.bits / 2,
            _ => self.bits,
        };
        let whole = part >= 16 && part.is_power_of_two() && self.bits.is_multiple_of(part);
        if whole { (part / 8) as usize } else { 1 }
    }
}
