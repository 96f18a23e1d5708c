//! Tiles of whole lines in registers of 64 bytes: 64 × 64 items of 1 byte, 32 × 32 of 2, 16 × 16 of 4, 8 × 8 of 8, 4 × 4 of 16.
//!
//! Items of 1 and 2 bytes are first put together with those below them to 4 bytes, in a buffer that stays in the nearest cache. The rows
//! of the source would not: where their pitch is a power of two, all of them have the same place there.
//!
//! # Safety
//!
//! As [`Tile`] says: *reach*; *supported* is AVX-512 F and BW.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::simd::{LINE, Simd};
use super::super::transpose::{Finish, PART, Packed, Tile};
use super::avx512::{Avx512, swap_mask};
use super::tiles::{Lines, Middle};

/// `L` is the length of a row, `H` that of 16 bytes.
pub(in super::super) struct Wide<const N: usize, const L: usize, const H: usize>;

impl<const N: usize, const L: usize, const H: usize> Tile for Wide<N, L, H> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Middle<N, H>;
    const GROUP: usize = if N <= 2 { 4 / N } else { 0 };

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn pack(from: *const u8, pitch: isize, packed: *mut u8, group: usize, swap: usize) {
        let packed = packed.wrapping_add(group * LINE);
        if N == 1 {
            // SAFETY: *reach*.
            unsafe { pack_bytes(from, pitch, packed) };
        } else {
            // SAFETY: *reach*.
            unsafe { pack_pairs(from, pitch, packed, swap) };
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn emit(packed: *const u8, part: usize, to: *mut u8, to_pitch: isize, stream: bool) {
        // SAFETY: all lines have been packed.
        let columns = transposed16(unsafe { rows(packed.wrapping_add(PART * part * LINE), LINE.cast_signed(), 1) });
        let to = to.wrapping_offset(to_pitch.wrapping_mul(4 * part.cast_signed()));
        // SAFETY: *reach*; aligned, by the caller's promise.
        unsafe { quarters::<H>(columns, to, to_pitch, stream) };
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        match N {
            // SAFETY: *reach*.
            1 | 2 => unsafe { small::<Self>(from, pitch, to, to_pitch, finish) },
            // Streamed lines are closer together when they have been put together before; and what is shuffled by loads does not wait for shuffles.
            // SAFETY: *reach*; aligned, by the caller's promise.
            4 if finish.stream || finish.second => unsafe {
                Lines::<4, 16, 4>::tile(from, pitch, to, to_pitch, finish)
            },
            4 => {
                // SAFETY: *reach*.
                let lines = transposed16(unsafe { rows(from, pitch, finish.swap) });
                // SAFETY: *reach*.
                unsafe { columns(lines, to, to_pitch, finish.stream) };
            }
            // SAFETY: as above.
            8 if finish.stream => unsafe { Lines::<8, 8, 2>::tile(from, pitch, to, to_pitch, finish) },
            // SAFETY: as above.
            16 if finish.stream => unsafe { Lines::<16, 4, 1>::tile(from, pitch, to, to_pitch, finish) },
            8 => {
                // SAFETY: *reach*.
                let lines = transposed8(unsafe { rows(from, pitch, finish.swap) });
                // SAFETY: *reach*.
                unsafe { columns(lines, to, to_pitch, finish.stream) };
            }
            _ => {
                // SAFETY: *reach*.
                let lines = transposed4(unsafe { rows(from, pitch, finish.swap) });
                // SAFETY: *reach*.
                unsafe { columns(lines, to, to_pitch, finish.stream) };
            }
        }
    }
}

/// # Safety
///
/// *reach*: 64 bytes in each of `R` rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn rows<const R: usize>(from: *const u8, pitch: isize, swap: usize) -> [__m512i; R] {
    let mut rows = [_mm512_setzero_si512(); R];
    let mut at = from;
    for row in &mut rows {
        // SAFETY: *reach*.
        *row = unsafe { Avx512::load(at) };
        at = at.wrapping_offset(pitch);
    }
    if swap > 1 {
        let mask = swap_mask(swap);
        for row in &mut rows {
            *row = _mm512_shuffle_epi8(*row, mask);
        }
    }
    rows
}

/// # Safety
///
/// *reach*: 64 bytes in each of `R` rows, which are aligned if they are to be streamed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn columns<const R: usize>(lines: [__m512i; R], mut to: *mut u8, pitch: isize, stream: bool) {
    if stream {
        for line in lines {
            // SAFETY: *reach*, and the caller's promise.
            unsafe { Avx512::stream(to, line) };
            to = to.wrapping_offset(pitch);
        }
    } else {
        for line in lines {
            // SAFETY: *reach*.
            unsafe { Avx512::store(to, line) };
            to = to.wrapping_offset(pitch);
        }
    }
}

/// 16 × 16 items of 4 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed16(rows: [__m512i; 16]) -> [__m512i; 16] {
    let mut pairs = rows;
    for k in (0..16).step_by(2) {
        pairs[k] = _mm512_unpacklo_epi32(rows[k], rows[k + 1]);
        pairs[k + 1] = _mm512_unpackhi_epi32(rows[k], rows[k + 1]);
    }
    // In 16 bytes of `fours[4 i + j]`, at `l`: column 4 l + j of rows 4 i to 4 i + 3.
    let mut fours = pairs;
    for k in (0..16).step_by(4) {
        fours[k] = _mm512_unpacklo_epi64(pairs[k], pairs[k + 2]);
        fours[k + 1] = _mm512_unpackhi_epi64(pairs[k], pairs[k + 2]);
        fours[k + 2] = _mm512_unpacklo_epi64(pairs[k + 1], pairs[k + 3]);
        fours[k + 3] = _mm512_unpackhi_epi64(pairs[k + 1], pairs[k + 3]);
    }
    let mut columns = fours;
    for j in 0..4 {
        let quarter = transposed4([fours[j], fours[4 + j], fours[8 + j], fours[12 + j]]);
        for l in 0..4 {
            columns[4 * l + j] = quarter[l];
        }
    }
    columns
}

/// 8 × 8 items of 8 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed8(rows: [__m512i; 8]) -> [__m512i; 8] {
    let mut pairs = rows;
    for k in (0..8).step_by(2) {
        pairs[k] = _mm512_unpacklo_epi64(rows[k], rows[k + 1]);
        pairs[k + 1] = _mm512_unpackhi_epi64(rows[k], rows[k + 1]);
    }
    let mut columns = pairs;
    for j in 0..2 {
        let quarter = transposed4([pairs[j], pairs[2 + j], pairs[4 + j], pairs[6 + j]]);
        for l in 0..4 {
            columns[2 * l + j] = quarter[l];
        }
    }
    columns
}

/// 4 × 4 items of 16 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed4([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
    let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
    [
        _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even),
        _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd),
        _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even),
        _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd),
    ]
}

/// A tile of items of 1 or 2 bytes: all of its groups, then all of its parts.
///
/// # Safety
///
/// *reach*, aligned if they are to be streamed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn small<T: Tile>(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
    let mut packed = Packed::new();
    let packed = packed.as_mut_ptr();
    let mut at = from;
    for group in 0..T::ALONG / T::GROUP {
        // SAFETY: *reach*; there are at most as many lines as are packed.
        unsafe { T::pack(at, pitch, packed, group, finish.swap) };
        at = at.wrapping_offset(pitch.wrapping_mul(T::GROUP.cast_signed()));
    }
    for part in 0..T::ACROSS / PART {
        // SAFETY: *reach*; all groups are packed.
        unsafe { T::emit(packed, part, to, to_pitch, finish.stream) };
    }
}

/// Four rows of bytes, put together to items of 4.
///
/// # Safety
///
/// *reach*; a line is writable at every sixteenth of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn pack_bytes(from: *const u8, pitch: isize, packed: *mut u8) {
    // SAFETY: *reach*.
    let [a, b, c, d] = unsafe { rows::<4>(from, pitch, 1) };
    let (ab, cd) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
    let (ab_far, cd_far) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
    // In 4 bytes of `parts[j]`, at `4 l + i`: column 16 l + 4 j + i of four rows.
    let parts = [
        _mm512_unpacklo_epi16(ab, cd),
        _mm512_unpackhi_epi16(ab, cd),
        _mm512_unpacklo_epi16(ab_far, cd_far),
        _mm512_unpackhi_epi16(ab_far, cd_far),
    ];
    for (j, part) in parts.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { Avx512::store(packed.wrapping_add(PART * j * LINE), part) };
    }
}

/// Two rows of pairs of bytes, put together to items of 4.
///
/// # Safety
///
/// *reach*; a line is writable at every sixteenth of 32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn pack_pairs(from: *const u8, pitch: isize, packed: *mut u8, swap: usize) {
    // SAFETY: *reach*.
    let [a, b] = unsafe { rows::<2>(from, pitch, swap) };
    // In 4 bytes of part `j`, at `4 l + i`: column 8 l + 4 j + i of two rows.
    let parts = [_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)];
    for (j, part) in parts.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { Avx512::store(packed.wrapping_add(PART * j * LINE), part) };
    }
}

/// Sixteen lines, of which each four are adjacent rows and the next four `APART` rows further.
///
/// # Safety
///
/// *reach*, aligned if they are to be streamed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn quarters<const APART: usize>(lines: [__m512i; 16], to: *mut u8, pitch: isize, stream: bool) {
    for l in 0..4 {
        let to = to.wrapping_offset(pitch.wrapping_mul((APART * l).cast_signed()));
        let four = [lines[4 * l], lines[4 * l + 1], lines[4 * l + 2], lines[4 * l + 3]];
        // SAFETY: *reach*.
        unsafe { columns(four, to, pitch, stream) };
    }
}

/// Asks for a line, into the nearest cache or the one behind it.
#[inline(always)]
pub(super) fn prefetch(from: *const u8, nearest: bool) {
    if nearest {
        // SAFETY: a hint: it follows no pointer.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    } else {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) };
    }
}
