//! Tiles in registers of 16 bytes, and squares of whole lines that are put together from them.
//!
//! # Safety
//!
//! As [`Tile`] says: *reach*; *supported* holds on all of x86-64.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::simd::LINE;
use super::super::transpose::{Finish, Packed, Tile, send};
use super::sse2::{Sse2, interleaved, put, swapped};

/// A square of 16-byte rows: 16 × 16 items of 1 byte, 8 × 8 of 2, 4 × 4 of 4, 2 × 2 of 8, one of 16.
pub(in super::super) struct Narrow<const N: usize, const L: usize>;

impl<const N: usize, const L: usize> Tile for Narrow<N, L> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Self;
    const LAST: bool = true;

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        let mut to = to;
        // SAFETY: *reach*.
        for column in transposed::<N, L>(unsafe { rows(from, pitch, finish.swap) }) {
            // SAFETY: *reach*.
            unsafe { _mm_storeu_si128(to.cast(), column) };
            to = to.wrapping_offset(to_pitch);
        }
    }
}

/// # Safety
///
/// *reach*: 16 bytes in each row.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn rows<const R: usize>(from: *const u8, pitch: isize, swap: usize) -> [__m128i; R] {
    let mut rows = [_mm_setzero_si128(); R];
    let mut at = from;
    for row in &mut rows {
        // SAFETY: *reach*.
        *row = unsafe { _mm_loadu_si128(at.cast()) };
        at = at.wrapping_offset(pitch);
    }
    if swap > 1 {
        for row in &mut rows {
            *row = swapped(*row, swap);
        }
    }
    rows
}

/// `log₂ L` rounds of the same step: each row of the upper half is interleaved with its partner in the lower half.
#[inline]
#[target_feature(enable = "sse2")]
fn transposed<const N: usize, const L: usize>(mut rows: [__m128i; L]) -> [__m128i; L] {
    for _ in 0..L.trailing_zeros() {
        let mut next = rows;
        for k in 0..L / 2 {
            (next[2 * k], next[2 * k + 1]) = interleaved::<N>(rows[k], rows[k + L / 2]);
        }
        rows = next;
    }
    rows
}

/// A square of 32-byte rows. Each is written from its start to its end, so that rows one behind the other can be streamed.
pub(in super::super) struct Pairs<const N: usize, const H: usize>;

impl<const N: usize, const H: usize> Tile for Pairs<N, H> {
    const SIZE: usize = N;
    const ALONG: usize = 2 * H;
    const ACROSS: usize = 2 * H;
    type Smaller = Narrow<N, H>;
    const GRAIN: usize = 32;

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        let mut to = to;
        for from in [from, from.wrapping_add(16)] {
            let far = from.wrapping_offset(pitch.wrapping_mul(H.cast_signed()));
            // SAFETY: *reach*.
            let near = transposed::<N, H>(unsafe { rows(from, pitch, finish.swap) });
            // SAFETY: *reach*.
            let far = transposed::<N, H>(unsafe { rows(far, pitch, finish.swap) });
            for (near, far) in near.into_iter().zip(far) {
                // SAFETY: *reach*, and the caller's promise.
                unsafe { put(to, near, finish.stream) };
                // SAFETY: as above.
                unsafe { put(to.wrapping_add(16), far, finish.stream) };
                to = to.wrapping_offset(to_pitch);
            }
        }
    }
}

/// A square of whole lines; `L` is the length of a row, `H` that of 16 bytes. If it is to be streamed, its columns are put together in the nearest cache,
/// and leave it line by line.
pub(in super::super) struct Quads<const N: usize, const L: usize, const H: usize>;

impl<const N: usize, const L: usize, const H: usize> Tile for Quads<N, L, H> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Pairs<N, H>;

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        if !finish.stream {
            // SAFETY: *reach*.
            return unsafe { blocks::<N, L, H, false>(from, pitch, to, to_pitch, finish.swap) };
        }
        let mut columns = Packed::new();
        let columns = columns.as_mut_ptr();
        // SAFETY: *reach*; as many lines as a square has columns.
        unsafe { blocks::<N, L, H, true>(from, pitch, columns, LINE.cast_signed(), finish.swap) };
        // SAFETY: just written; *reach*; aligned, by the caller's promise.
        unsafe { send::<Sse2>(columns, L, to, to_pitch, true) };
    }
}

/// All blocks of a square. Where the destination is `NEAR`, its lines are one behind the other, and a few rows of the source are read from their start to
/// their end: where their pitch is a power of two, more would push each other out of the nearest cache. Else the lines of the destination are completed
/// one by one.
///
/// # Safety
///
/// *reach* for `L × L` items.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn blocks<const N: usize, const L: usize, const H: usize, const NEAR: bool>(
    from: *const u8,
    pitch: isize,
    to: *mut u8,
    to_pitch: isize,
    swap: usize,
) {
    if NEAR {
        for a in (0..L).step_by(high::<N, H>()) {
            for c in (0..L).step_by(H) {
                // SAFETY: *reach*.
                unsafe { block::<N, H>((from, pitch), (to, LINE.cast_signed()), (a, c), swap) };
            }
        }
    } else {
        for c in (0..L).step_by(H) {
            for a in (0..L).step_by(high::<N, H>()) {
                // SAFETY: *reach*.
                unsafe { block::<N, H>((from, pitch), (to, to_pitch), (a, c), swap) };
            }
        }
    }
}

/// Rows of a block. Sixteen rows of bytes would take all the registers that there are.
const fn high<const N: usize, const H: usize>() -> usize {
    if N == 1 { H / 2 } else { H }
}

/// One block: the rows from `a` on, the columns from `c` on.
///
/// # Safety
///
/// *reach*.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn block<const N: usize, const H: usize>(
    (from, pitch): (*const u8, isize),
    (to, to_pitch): (*mut u8, isize),
    (a, c): (usize, usize),
    swap: usize,
) {
    let from = from
        .wrapping_offset(pitch.wrapping_mul(a.cast_signed()))
        .wrapping_add(c * N);
    let to = to
        .wrapping_offset(to_pitch.wrapping_mul(c.cast_signed()))
        .wrapping_add(a * N);
    if N == 1 {
        // SAFETY: *reach*.
        unsafe { half(from, pitch, to, to_pitch) };
    } else {
        // SAFETY: *reach*.
        unsafe { Narrow::<N, H>::tile(from, pitch, to, to_pitch, Finish::near(swap)) };
    }
}

/// Eight rows of sixteen bytes.
///
/// # Safety
///
/// *reach*.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn half(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize) {
    let mut to = to;
    // SAFETY: *reach*.
    for columns in transposed::<1, 8>(unsafe { rows(from, pitch, 1) }) {
        // SAFETY: *reach*.
        unsafe { _mm_storel_epi64(to.cast(), columns) };
        to = to.wrapping_offset(to_pitch);
        let upper = _mm_castsi128_pd(columns);
        // SAFETY: *reach*.
        unsafe { _mm_storeh_pd(to.cast(), upper) };
        to = to.wrapping_offset(to_pitch);
    }
}
