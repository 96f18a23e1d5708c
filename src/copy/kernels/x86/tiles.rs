//! Tiles in registers of 32 bytes.
//!
//! # Safety
//!
//! As [`Tile`] says: *reach*; *supported* is AVX2.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::simd::LINE;
use super::super::transpose::{Finish, Packed, Tile, send};
use super::avx2::{Avx2, swap_mask};
use super::narrow::{Narrow, Quads};

/// `L` rows of 32 bytes, in each half of which there is a square of its own.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed_halves<const N: usize, const L: usize>(mut rows: [__m256i; L]) -> [__m256i; L] {
    for _ in 0..L.trailing_zeros() {
        let mut next = rows;
        for k in 0..L / 2 {
            let (upper, lower) = (rows[k], rows[k + L / 2]);
            (next[2 * k], next[2 * k + 1]) = match N {
                1 => (_mm256_unpacklo_epi8(upper, lower), _mm256_unpackhi_epi8(upper, lower)),
                2 => (_mm256_unpacklo_epi16(upper, lower), _mm256_unpackhi_epi16(upper, lower)),
                4 => (_mm256_unpacklo_epi32(upper, lower), _mm256_unpackhi_epi32(upper, lower)),
                8 => (_mm256_unpacklo_epi64(upper, lower), _mm256_unpackhi_epi64(upper, lower)),
                _ => (upper, lower),
            };
        }
        rows = next;
    }
    rows
}

/// A square of 32-byte rows: 8 × 8 items of 4 bytes, 4 × 4 of 8, 2 × 2 of 16. `H` is half the length of a row.
pub(in super::super) struct Middle<const N: usize, const H: usize>;

impl<const N: usize, const H: usize> Tile for Middle<N, H> {
    const SIZE: usize = N;
    const ALONG: usize = 2 * H;
    const ACROSS: usize = 2 * H;
    type Smaller = Narrow<N, H>;
    const GRAIN: usize = 32;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        let far = from.wrapping_offset(pitch.wrapping_mul(H.cast_signed()));
        // SAFETY: *reach*.
        let top = transposed_halves::<N, H>(unsafe { rows(from, pitch, finish.swap) });
        // SAFETY: *reach*.
        let bottom = transposed_halves::<N, H>(unsafe { rows(far, pitch, finish.swap) });
        // The lower halves are the first columns, the upper ones the rest.
        let mut to = to;
        for (&top, &bottom) in top.iter().zip(&bottom) {
            let column = _mm256_permute2x128_si256::<0x20>(top, bottom);
            // SAFETY: *reach*.
            unsafe { put(to, column, finish.stream) };
            to = to.wrapping_offset(to_pitch);
        }
        for (top, bottom) in top.into_iter().zip(bottom) {
            let column = _mm256_permute2x128_si256::<0x31>(top, bottom);
            // SAFETY: *reach*.
            unsafe { put(to, column, finish.stream) };
            to = to.wrapping_offset(to_pitch);
        }
    }
}

/// # Safety
///
/// *reach*; `to` is a multiple of 32 if it is to be streamed.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn put(to: *mut u8, half: __m256i, stream: bool) {
    if stream {
        // SAFETY: the caller's promise.
        unsafe { _mm256_stream_si256(to.cast(), half) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), half) };
    }
}

/// # Safety
///
/// *reach*: 32 bytes in each row.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn rows<const L: usize>(from: *const u8, pitch: isize, swap: usize) -> [__m256i; L] {
    let mask = swap_mask(swap);
    let mut rows = [_mm256_setzero_si256(); L];
    let mut at = from;
    for row in &mut rows {
        // SAFETY: *reach*.
        *row = unsafe { _mm256_loadu_si256(at.cast()) };
        at = at.wrapping_offset(pitch);
    }
    if swap > 1 {
        for row in &mut rows {
            *row = _mm256_shuffle_epi8(*row, mask);
        }
    }
    rows
}

/// A square of whole lines, put together from smaller ones; if it is to be streamed, in the nearest cache first. `L` is the length of a row,
/// `H` that of 16 bytes.
pub(in super::super) struct Lines<const N: usize, const L: usize, const H: usize>;

/// Rows at a distance of pages are read faster in halves of a line, others as few at a time as the narrower tiles do.
const PAGE: usize = 4096;

impl<const N: usize, const L: usize, const H: usize> Tile for Lines<N, L, H> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Middle<N, H>;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        if !finish.stream {
            // SAFETY: *reach*.
            return unsafe { blocks::<N, L, H>(from, pitch, to, to_pitch, finish.swap) };
        }
        if N >= 8 || (N == 4 && !pitch.unsigned_abs().is_multiple_of(PAGE)) {
            // SAFETY: *reach*; aligned, by the caller's promise.
            return unsafe { Quads::<N, L, H>::tile(from, pitch, to, to_pitch, finish) };
        }
        let mut packed = Packed::new();
        let packed = packed.as_mut_ptr();
        // SAFETY: `L` lines are at most 64.
        unsafe { blocks::<N, L, H>(from, pitch, packed, LINE.cast_signed(), finish.swap) };
        // SAFETY: the blocks have filled `L` lines; *reach*; aligned, by the caller's promise.
        unsafe { send::<Avx2>(packed, L, to, to_pitch, true) };
    }
}

/// # Safety
///
/// *reach* for `L × L` items.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn blocks<const N: usize, const L: usize, const H: usize>(
    from: *const u8,
    pitch: isize,
    to: *mut u8,
    to_pitch: isize,
    swap: usize,
) {
    let finish = Finish::near(swap);
    let place = |a: usize, c: usize| {
        let from = from
            .wrapping_offset(pitch.wrapping_mul(a.cast_signed()))
            .wrapping_add(c * N);
        let to = to
            .wrapping_offset(to_pitch.wrapping_mul(c.cast_signed()))
            .wrapping_add(a * N);
        (from, to)
    };
    if N >= 4 {
        for c in (0..L).step_by(2 * H) {
            for a in (0..L).step_by(2 * H) {
                let (from, to) = place(a, c);
                // SAFETY: *reach*.
                unsafe { Middle::<N, H>::tile(from, pitch, to, to_pitch, finish) };
            }
        }
        return;
    }
    // Rows of small items fill 16 bytes of a column: both halves are stored apart.
    for a in (0..L).step_by(H) {
        for c in (0..L).step_by(2 * H) {
            let (from, mut near) = place(a, c);
            let mut far = near.wrapping_offset(to_pitch.wrapping_mul(H.cast_signed()));
            // SAFETY: *reach*.
            for column in transposed_halves::<N, H>(unsafe { rows(from, pitch, swap) }) {
                let (low, high) = (_mm256_castsi256_si128(column), _mm256_extracti128_si256::<1>(column));
                // SAFETY: *reach*.
                unsafe { _mm_storeu_si128(near.cast(), low) };
                // SAFETY: *reach*.
                unsafe { _mm_storeu_si128(far.cast(), high) };
                near = near.wrapping_offset(to_pitch);
                far = far.wrapping_offset(to_pitch);
            }
        }
    }
}
