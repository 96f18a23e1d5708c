//! The dispatch table: every kernel, compiled for every instruction set.
//!
//! # Safety
//!
//! The entries of a table may be called where its instruction set is there: *supported*, which an [`Isa`] proves. Beyond that, each has the
//! contract of the kernel that it is named after.
#![allow(unsafe_code)]

use super::bitmap;
use super::portable::Portable;
use super::simd::Simd;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use crate::copy::isa::{Isa, Level};

/// A kernel of [`bitmap::unpack`] or [`bitmap::pack`].
type Unpack = unsafe fn(src: *const u8, bit: usize, dst: *mut u8, len: usize);
type Pack = unsafe fn(src: *const u8, dst: *mut u8, bit: usize, len: usize);
/// A kernel of [`bitmap::fill`].
type Fill = unsafe fn(values: *const u8, bits: (*const u8, usize), fill: *const u8, dst: *mut u8, len: usize);

/// Where there are two entries, the second one streams past the caches.
pub(super) struct Table {
    pub(super) unpack: [Unpack; 2],
    pub(super) pack: Pack,
    /// By the logarithm of the itemsize, 1 to 16 bytes.
    pub(super) fill: [[Fill; 2]; 5],
    /// Orders streamed stores before all later ones.
    pub(super) fence: unsafe fn(),
}

impl Table {
    /// The table of an instruction set.
    #[inline]
    pub(super) const fn of(isa: Isa) -> &'static Self {
        match isa.level() {
            Level::Portable => &PORTABLE,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &AVX512,
        }
    }

    /// Makes what was streamed visible to others, if anything was.
    #[inline]
    pub(super) fn finish(&self, streamed: bool) {
        if streamed {
            // SAFETY: *supported*: only an `Isa` gives out its table.
            unsafe { (self.fence)() };
        }
    }
}

/// Compiles every kernel for one instruction set. The kernels are inlined into functions that have its instructions, and everything that
/// they call is inlined with them.
macro_rules! table {
    ($simd:ty $(, $features:literal)?) => {{
        /// # Safety
        ///
        /// As [`bitmap::unpack`].
        $(#[target_feature(enable = $features)])?
        unsafe fn unpack<const STREAM: bool>(src: *const u8, bit: usize, dst: *mut u8, len: usize) {
            // SAFETY: the caller's promise.
            unsafe { bitmap::unpack::<$simd, STREAM>(src, bit, dst, len) };
        }
        /// # Safety
        ///
        /// As [`bitmap::pack`].
        $(#[target_feature(enable = $features)])?
        unsafe fn pack(src: *const u8, dst: *mut u8, bit: usize, len: usize) {
            // SAFETY: the caller's promise.
            unsafe { bitmap::pack::<$simd>(src, dst, bit, len) };
        }
        /// # Safety
        ///
        /// As [`bitmap::fill`].
        $(#[target_feature(enable = $features)])?
        unsafe fn fill<const N: usize, const STREAM: bool>(
            values: *const u8,
            bits: (*const u8, usize),
            fill: *const u8,
            dst: *mut u8,
            len: usize,
        ) {
            // SAFETY: the caller's promise.
            unsafe { bitmap::fill::<$simd, N, STREAM>(values, bits, fill, dst, len) };
        }
        Table {
            unpack: [unpack::<false>, unpack::<true>],
            pack,
            fill: [
                [fill::<1, false>, fill::<1, true>],
                [fill::<2, false>, fill::<2, true>],
                [fill::<4, false>, fill::<4, true>],
                [fill::<8, false>, fill::<8, true>],
                [fill::<16, false>, fill::<16, true>],
            ],
            fence: <$simd>::fence,
        }
    }};
}

static PORTABLE: Table = table!(Portable);
#[cfg(target_arch = "x86_64")]
static AVX2: Table = table!(Avx2, "avx2");
#[cfg(target_arch = "x86_64")]
static AVX512: Table = table!(Avx512, "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi");
