//! Lines as two registers of AVX2.
//!
//! # Safety
//!
//! As [`Simd`] says: *supported* is AVX2.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::picks::Phase;
use super::super::simd::{SWAPS, Simd};
use super::super::weave::Places;

#[derive(Clone, Copy)]
pub(in super::super) struct Avx2;

type Half = __m256i;

impl Simd for Avx2 {
    type Line = [Half; 2];

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(from: *const u8) -> Self::Line {
        // SAFETY: the caller's promise.
        let low = unsafe { _mm256_loadu_si256(from.cast()) };
        // SAFETY: the caller's promise.
        [low, unsafe { _mm256_loadu_si256(from.wrapping_add(32).cast()) }]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store(to: *mut u8, [low, high]: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), low) };
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.wrapping_add(32).cast(), high) };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn stream(to: *mut u8, [low, high]: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_stream_si256(to.cast(), low) };
        // SAFETY: the caller's promise.
        unsafe { _mm256_stream_si256(to.wrapping_add(32).cast(), high) };
    }

    #[inline(always)]
    fn prefetch(from: *const u8, nearest: bool) {
        super::wide::prefetch(from, nearest);
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn fence() {
        _mm_sfence();
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn expand(bits: u64) -> Self::Line {
        let one = _mm256_set1_epi8(1);
        let [low, high] = bits_to_masks(bits);
        [_mm256_and_si256(low, one), _mm256_and_si256(high, one)]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn squeeze([low, high]: Self::Line) -> u64 {
        let zero = _mm256_setzero_si256();
        let zeros = |half| u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(half, zero)).cast_unsigned());
        !(zeros(low) | zeros(high) << 32)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn select<const N: usize>(bits: u64, set: Self::Line, clear: Self::Line) -> Self::Line {
        let masks = match N {
            1 => bits_to_masks(bits),
            2 => bits_to_lanes16(bits),
            4 => bits_to_lanes32(bits),
            8 => bits_to_lanes64(bits),
            _ => {
                // An item of 16 bytes is two lanes of 8.
                let twice = |bits: u64| ((bits & 1) * 3) | ((bits >> 1 & 1) * 12);
                bits_to_lanes64(twice(bits) | twice(bits >> 2) << 4)
            }
        };
        [
            _mm256_blendv_epi8(clear[0], set[0], masks[0]),
            _mm256_blendv_epi8(clear[1], set[1], masks[1]),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn swap(line: Self::Line, by: usize) -> Self::Line {
        let mask = swap_mask(by);
        [_mm256_shuffle_epi8(line[0], mask), _mm256_shuffle_epi8(line[1], mask)]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn reverse<const N: usize>([low, high]: Self::Line) -> Self::Line {
        let turned = |half| match N {
            8 => _mm256_permute4x64_epi64::<0b00_01_10_11>(half),
            16 => _mm256_permute2x128_si256::<1>(half, half),
            _ => {
                let bytes = _mm256_shuffle_epi8(half, swap_mask(16));
                let bytes = if N > 1 {
                    _mm256_shuffle_epi8(bytes, swap_mask(N))
                } else {
                    bytes
                };
                _mm256_permute2x128_si256::<1>(bytes, bytes)
            }
        };
        [turned(high), turned(low)]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn unweave<const K: usize, const N: usize>(from: *const u8, to: &[*mut u8], swap: usize, stream: bool) {
        for half in 0..2 {
            let mut woven = [_mm256_setzero_si256(); K];
            for (k, line) in woven.iter_mut().enumerate() {
                let near = from.wrapping_add(UNIT * (2 * half * K + k));
                // SAFETY: the caller's promise.
                let low = unsafe { _mm_loadu_si128(near.cast()) };
                // SAFETY: the caller's promise.
                let high = unsafe { _mm_loadu_si128(near.wrapping_add(UNIT * K).cast()) };
                *line = swapped(_mm256_set_m128i(high, low), swap);
            }
            for (&to, places) in to.iter().zip(&Places::<K, N, UNIT>::UNWEAVE) {
                let (line, to) = (picked(&woven, places), to.wrapping_add(half * 2 * UNIT).cast());
                if stream {
                    // SAFETY: the caller's promise.
                    unsafe { _mm256_stream_si256(to, line) };
                } else {
                    // SAFETY: the caller's promise.
                    unsafe { _mm256_storeu_si256(to, line) };
                }
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn weave<const K: usize, const N: usize>(from: &[*const u8; K], to: *mut u8, swap: usize, stream: bool) {
        for half in 0..2 {
            let mut streams = [_mm256_setzero_si256(); K];
            for (line, from) in streams.iter_mut().zip(from) {
                // SAFETY: the caller's promise.
                let loaded = unsafe { _mm256_loadu_si256(from.wrapping_add(half * 2 * UNIT).cast()) };
                *line = swapped(loaded, swap);
            }
            for (k, places) in Places::<K, N, UNIT>::WEAVE.iter().enumerate() {
                let line = picked(&streams, places);
                let near = to.wrapping_add(UNIT * (2 * half * K + k));
                let (low, high) = (_mm256_castsi256_si128(line), _mm256_extracti128_si256::<1>(line));
                // SAFETY: the caller's promise.
                unsafe { put_unit(near, low, stream) };
                // SAFETY: the caller's promise.
                unsafe { put_unit(near.wrapping_add(UNIT * K), high, stream) };
            }
        }
    }

    const PICKS: Option<usize> = Some(UNIT);

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn pick<const K: usize>(from: *const u8, phase: &Phase) -> Self::Line {
        let mut result = [_mm256_setzero_si256(); 2];
        for (places, windows) in phase.places.iter().zip(&phase.windows).take(K) {
            for (half, line) in result.iter_mut().enumerate() {
                // SAFETY: 32 bytes of a line.
                let places = unsafe { _mm256_loadu_si256(places.as_ptr().wrapping_add(32 * half).cast()) };
                // SAFETY: the caller's promise.
                let low = unsafe { _mm_loadu_si128(from.wrapping_offset(windows[2 * half]).cast()) };
                // SAFETY: the caller's promise.
                let high = unsafe { _mm_loadu_si128(from.wrapping_offset(windows[2 * half + 1]).cast()) };
                let part = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), places);
                *line = _mm256_or_si256(*line, part);
            }
        }
        result
    }
}

/// Bytes within which AVX2 permutes single ones.
const UNIT: usize = 16;

/// # Safety
///
/// 16 bytes are writable, and aligned if they are to be streamed.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn put_unit(to: *mut u8, unit: __m128i, stream: bool) {
    if stream {
        // SAFETY: the caller's promise.
        unsafe { _mm_stream_si128(to.cast(), unit) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { _mm_storeu_si128(to.cast(), unit) };
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn swapped(half: Half, swap: usize) -> Half {
    if swap > 1 {
        _mm256_shuffle_epi8(half, swap_mask(swap))
    } else {
        half
    }
}

/// Two units, each picked byte by byte out of several.
#[inline]
#[target_feature(enable = "avx2")]
fn picked<const K: usize>(halves: &[Half; K], places: &[[u8; UNIT]; K]) -> Half {
    let mut result = _mm256_setzero_si256();
    for (&half, places) in halves.iter().zip(places) {
        // SAFETY: 16 bytes.
        let places = unsafe { _mm_loadu_si128(places.as_ptr().cast()) };
        let part = _mm256_shuffle_epi8(half, _mm256_broadcastsi128_si256(places));
        result = _mm256_or_si256(result, part);
    }
    result
}

/// Where each byte comes from, if the numbers of `by` bytes are reversed.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn swap_mask(by: usize) -> __m256i {
    // SAFETY: a row of the table has sixteen bytes.
    let row = unsafe { _mm_loadu_si128(SWAPS[by.trailing_zeros() as usize].as_ptr().cast()) };
    _mm256_broadcastsi128_si256(row)
}

/// Each bit as a byte of ones.
#[inline]
#[target_feature(enable = "avx2")]
fn bits_to_masks(bits: u64) -> [Half; 2] {
    // Every byte gets the byte that its bit is in, then keeps that bit.
    let spread = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let pick = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    [bits, bits >> 32].map(|bits| {
        let copies = _mm256_set1_epi64x((bits & 0xffff_ffff).cast_signed());
        let bytes = _mm256_shuffle_epi8(copies, spread);
        _mm256_cmpeq_epi8(_mm256_and_si256(bytes, pick), pick)
    })
}

/// Each bit as two bytes of ones.
#[inline]
#[target_feature(enable = "avx2")]
fn bits_to_lanes16(bits: u64) -> [Half; 2] {
    let pick = _mm256_setr_epi16(
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768,
    );
    [bits, bits >> 16].map(|bits| {
        let copies = _mm256_set1_epi64x(((bits & 0xffff) * 0x0001_0001_0001_0001).cast_signed());
        _mm256_cmpeq_epi16(_mm256_and_si256(copies, pick), pick)
    })
}

/// Each bit as four bytes of ones.
#[inline]
#[target_feature(enable = "avx2")]
fn bits_to_lanes32(bits: u64) -> [Half; 2] {
    let pick = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    [bits, bits >> 8].map(|bits| {
        let copies = _mm256_set1_epi64x(((bits & 0xff) * 0x0000_0001_0000_0001).cast_signed());
        _mm256_cmpeq_epi32(_mm256_and_si256(copies, pick), pick)
    })
}

/// Each bit as eight bytes of ones.
#[inline]
#[target_feature(enable = "avx2")]
fn bits_to_lanes64(bits: u64) -> [Half; 2] {
    let pick = _mm256_setr_epi64x(1, 2, 4, 8);
    [bits, bits >> 4].map(|bits| {
        let copies = _mm256_set1_epi64x(bits.cast_signed());
        _mm256_cmpeq_epi64(_mm256_and_si256(copies, pick), pick)
    })
}
