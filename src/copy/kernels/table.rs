//! The dispatch table: every kernel, compiled for every instruction set.
//!
//! # Safety
//!
//! The entries of a table may be called where its instruction set is there: *supported*, which an [`Isa`] proves. Beyond that, each has the
//! contract of the kernel that it is named after.
#![allow(unsafe_code)]

use super::columns::{self, Columns};
use super::job::{Job, Kernel};
use super::portable::{Portable, Square};
use super::simd::Simd;
#[cfg(target_arch = "x86_64")]
use super::x86::{avx2::Avx2, avx512::Avx512, narrow::Quads, sse2::Sse2, tiles::Lines, wide::Wide};
use super::{bitmap, list, repeat, rows, runs, transpose};
use crate::copy::isa::{Isa, Level};

/// A kernel of [`bitmap::unpack`] or [`bitmap::pack`].
type Unpack = unsafe fn(src: *const u8, bit: usize, dst: *mut u8, len: usize);
type Pack = unsafe fn(src: *const u8, dst: *mut u8, bit: usize, len: usize);
/// A kernel of [`bitmap::fill`].
type Fill = unsafe fn(values: *const u8, bits: (*const u8, usize), fill: *const u8, dst: *mut u8, len: usize);

/// Where there are two entries, the second one streams past the caches.
pub(super) struct Table {
    pub(super) run: Kernel,
    pub(super) repeat: Kernel,
    /// By the logarithm of the itemsize, 1 to 16 bytes; then the one for any size. So are those below.
    pub(super) gather: [Kernel; 6],
    pub(super) scatter: [Kernel; 6],
    pub(super) transpose: [Kernel; 6],
    pub(super) list: [Kernel; 6],
    /// By the logarithm of the itemsize, 1 to 16 bytes.
    pub(super) columns: [Columns; 5],
    pub(super) unpack: [Unpack; 2],
    pub(super) pack: [Pack; 2],
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
            Level::Sse2 => &SSE2,
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

/// Functions of the type [`Kernel`] around generic ones.
macro_rules! kernels {
    ($features:literal, $simd:ty, $($rest:tt)*) => { kernels! { @ [target_feature(enable = $features)] $($rest)* } };
    ($simd:ty, $($rest:tt)*) => { kernels! { @ [inline(never)] $($rest)* } };
    (@ $attribute:tt $name:ident($($size:ident)?) = $kernel:expr; $($rest:tt)*) => {
        /// # Safety
        ///
        /// That of a [`Kernel`].
        # $attribute
        unsafe fn $name$(<const $size: usize>)?(src: *const u8, dst: *mut u8, job: &Job<'_>) {
            // SAFETY: the caller's promise.
            unsafe { $kernel(src, dst, job) };
        }
        kernels! { @ $attribute $($rest)* }
    };
    (@ $attribute:tt) => {};
}

/// A transpose for tiles of items of 1, 2, 4, 8 and 16 bytes, and one for any.
macro_rules! squares {
    ($name:ident, $any:ident, $one:ty, $two:ty, $four:ty, $eight:ty, $sixteen:ty) => {
        [
            $name::<$one, 1>,
            $name::<$two, 2>,
            $name::<$four, 4>,
            $name::<$eight, 8>,
            $name::<$sixteen, 16>,
            $any,
        ]
    };
}

/// Compiles every kernel for one instruction set. The kernels are inlined into functions that have its instructions, and everything that
/// they call is inlined with them.
macro_rules! table {
    ($simd:ty, [$($tile:ty),*] $(, $features:literal)?) => {{
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
        unsafe fn pack<const STREAM: bool>(src: *const u8, dst: *mut u8, bit: usize, len: usize) {
            // SAFETY: the caller's promise.
            unsafe { bitmap::pack::<$simd, STREAM>(src, dst, bit, len) };
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
        kernels! { $($features,)? $simd,
            run() = runs::run::<$simd>;
            repeat() = repeat::repeat::<$simd>;
            gather(N) = rows::gather::<$simd, N>;
            gather_any() = rows::gather_any::<$simd>;
            scatter(N) = rows::scatter::<N>;
            scatter_any() = runs::scattered::<$simd>;
            transpose_any() = transpose::single_any;
            list(N) = list::list::<$simd, N>;
            list_any() = list::list_any::<$simd>;
        }
        /// # Safety
        ///
        /// As [`transpose::transpose`].
        $(#[target_feature(enable = $features)])?
        unsafe fn transpose<T: transpose::Tile, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
            // SAFETY: the caller's promise.
            unsafe { transpose::transpose::<$simd, T, N>(src, dst, job) };
        }
        /// # Safety
        ///
        /// As [`columns::weave`].
        $(#[target_feature(enable = $features)])?
        unsafe fn weave<T: transpose::Tile>(columns: &[*const u8], len: usize, dst: *mut u8) -> bool {
            // SAFETY: the caller's promise.
            unsafe { columns::weave::<$simd, T>(columns, len, dst) }
        }
        Table {
            run,
            repeat,
            gather: [gather::<1>, gather::<2>, gather::<4>, gather::<8>, gather::<16>, gather_any],
            scatter: [scatter::<1>, scatter::<2>, scatter::<4>, scatter::<8>, scatter::<16>, scatter_any],
            transpose: squares!(transpose, transpose_any, $($tile),*),
            list: [list::<1>, list::<2>, list::<4>, list::<8>, list::<16>, list_any],
            columns: [$(weave::<$tile>),*],
            unpack: [unpack::<false>, unpack::<true>],
            pack: [pack::<false>, pack::<true>],
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

static PORTABLE: Table = table!(
    Portable,
    [Square<1, 64>, Square<2, 32>, Square<4, 16>, Square<8, 8>, Square<16, 4>]
);
#[cfg(target_arch = "x86_64")]
static SSE2: Table = table!(
    Sse2,
    [Quads<1, 64, 16>, Quads<2, 32, 8>, Quads<4, 16, 4>, Quads<8, 8, 2>, Quads<16, 4, 1>],
    "sse2"
);
#[cfg(target_arch = "x86_64")]
static AVX2: Table = table!(
    Avx2,
    [Lines<1, 64, 16>, Lines<2, 32, 8>, Lines<4, 16, 4>, Lines<8, 8, 2>, Lines<16, 4, 1>],
    "avx2"
);
#[cfg(target_arch = "x86_64")]
static AVX512: Table = table!(
    Avx512,
    [Wide<1, 64, 16>, Wide<2, 32, 8>, Wide<4, 16, 4>, Wide<8, 8, 2>, Wide<16, 4, 1>],
    "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"
);
