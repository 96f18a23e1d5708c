//! Rust types that can be items.
//!
//! # Safety
//!
//! Invariant *pair*: `Complex<T>` is two `T` behind each other (`repr(C)`, one type, hence no padding), so every property
//! that holds for all bit patterns of `T` holds for those of `Complex<T>`.
#![allow(unsafe_code)]

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};
use half::{bf16, f16};

use super::{DType, Kind};

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that an item can be read or written as: `bool`, the integers up to 64 bits, `f16`, `bf16`, `f32`, `f64` and
/// [`Complex`].
///
/// Sealed: that a type's bits agree with its [`DType`] is this crate's promise.
pub trait Element: CheckedBitPattern + NoUninit + Send + Sync + sealed::Sealed {
    /// The data type, in native byte order.
    const DTYPE: DType;
}

/// A complex number as C, C++, NumPy and DLPack store it: real part first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C)]
pub struct Complex<T> {
    /// Real part.
    pub re: T,
    /// Imaginary part.
    pub im: T,
}

// SAFETY: *pair*; all zeroes are a valid `T`.
unsafe impl<T: Zeroable> Zeroable for Complex<T> {}
// SAFETY: *pair*; every bit pattern is a valid `T`, and there is no padding.
unsafe impl<T: Pod> Pod for Complex<T> {}

macro_rules! elements {
    ($($ty:ty => $dtype:expr),* $(,)?) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: DType = $dtype;
        }
    )*};
}

elements! {
    bool => DType::BOOL,
    i8 => DType::I8,
    i16 => DType::I16,
    i32 => DType::I32,
    i64 => DType::I64,
    u8 => DType::U8,
    u16 => DType::U16,
    u32 => DType::U32,
    u64 => DType::U64,
    f16 => DType::F16,
    bf16 => DType::BF16,
    f32 => DType::F32,
    f64 => DType::F64,
    Complex<f16> => DType::C32,
    Complex<bf16> => DType::new(Kind::Bcomplex, 32),
    Complex<f32> => DType::C64,
    Complex<f64> => DType::C128,
}
