//! Lines as four registers of SSE2, which every processor of this architecture has.
//!
//! It has no instruction that picks bytes from anywhere. Streams are woven and unwoven by shuffles of a pack of cards instead: the two halves of `K`
//! registers are interleaved, item by item. Of `m` items, that takes number `p` to `2 p` modulo `m - 1`, so that a few rounds, forth or back, multiply
//! by any power of two; and to unweave `K` streams is to multiply by `m / K`.
//!
//! # Safety
//!
//! As [`Simd`] says; *supported* holds on all of x86-64.
#![allow(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "words of which the lower half counts")]

use std::arch::x86_64::*;

use super::super::simd::Simd;

#[derive(Clone, Copy)]
pub(in super::super) struct Sse2;

/// A quarter of a line.
type Unit = __m128i;

/// Bytes of a unit.
const UNIT: usize = 16;

impl Simd for Sse2 {
    type Line = [Unit; 4];

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn load(from: *const u8) -> Self::Line {
        // SAFETY: the caller's promise.
        [0, 1, 2, 3].map(|k| unsafe { _mm_loadu_si128(from.wrapping_add(k * UNIT).cast()) })
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn store(to: *mut u8, line: Self::Line) {
        for (k, unit) in line.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm_storeu_si128(to.wrapping_add(k * UNIT).cast(), unit) };
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn stream(to: *mut u8, line: Self::Line) {
        for (k, unit) in line.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm_stream_si128(to.wrapping_add(k * UNIT).cast(), unit) };
        }
    }

    #[inline(always)]
    fn prefetch(from: *const u8, nearest: bool) {
        super::wide::prefetch(from, nearest);
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn fence() {
        _mm_sfence();
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn expand(bits: u64) -> Self::Line {
        let one = _mm_set1_epi8(1);
        [0, 16, 32, 48].map(|k| _mm_and_si128(masks::<1>(bits >> k), one))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn squeeze(line: Self::Line) -> u64 {
        let zero = _mm_setzero_si128();
        let mut zeros = 0;
        for (k, unit) in line.into_iter().enumerate() {
            let here = _mm_movemask_epi8(_mm_cmpeq_epi8(unit, zero));
            zeros |= u64::from(here.cast_unsigned()) << (UNIT * k);
        }
        !zeros
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn select<const N: usize>(bits: u64, set: Self::Line, clear: Self::Line) -> Self::Line {
        let mut line = clear;
        for (k, unit) in line.iter_mut().enumerate() {
            let mask = masks::<N>(bits >> (UNIT / N * k));
            *unit = _mm_or_si128(_mm_and_si128(mask, set[k]), _mm_andnot_si128(mask, *unit));
        }
        line
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn swap(line: Self::Line, by: usize) -> Self::Line {
        line.map(|unit| swapped(unit, by))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn reverse<const N: usize>([a, b, c, d]: Self::Line) -> Self::Line {
        [d, c, b, a].map(|unit| {
            // All bytes, and then those of each item back.
            let bytes = swapped(unit, UNIT);
            if N == UNIT { unit } else { swapped(bytes, N) }
        })
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn unweave<const K: usize, const N: usize>(from: *const u8, to: &[*mut u8], swap: usize, stream: bool) {
        for part in 0..4 {
            let mut units = [_mm_setzero_si128(); K];
            for (k, unit) in units.iter_mut().enumerate() {
                let at = from.wrapping_add(UNIT * (part * K + k));
                // SAFETY: the caller's promise.
                *unit = swapped(unsafe { _mm_loadu_si128(at.cast()) }, swap);
            }
            for _ in 0..(UNIT / N).trailing_zeros() {
                units = shuffled::<K, N>(units);
            }
            for (&to, unit) in to.iter().zip(units) {
                // SAFETY: the caller's promise.
                unsafe { put(to.wrapping_add(UNIT * part), unit, stream) };
            }
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    unsafe fn weave<const K: usize, const N: usize>(from: &[*const u8; K], to: *mut u8, swap: usize, stream: bool) {
        for part in 0..4 {
            let mut units = [_mm_setzero_si128(); K];
            for (unit, from) in units.iter_mut().zip(from) {
                // SAFETY: the caller's promise.
                *unit = swapped(unsafe { _mm_loadu_si128(from.wrapping_add(UNIT * part).cast()) }, swap);
            }
            if K == 3 {
                for _ in 0..(UNIT / N).trailing_zeros() {
                    units = unshuffled::<K, N>(units);
                }
            } else {
                // The number of items is a power of two, and so the rounds forth are those back.
                for _ in 0..K.trailing_zeros() {
                    units = shuffled::<K, N>(units);
                }
            }
            for (k, unit) in units.into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { put(to.wrapping_add(UNIT * (part * K + k)), unit, stream) };
            }
        }
    }
}

/// # Safety
///
/// 16 bytes are writable, and aligned if they are to be streamed.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) unsafe fn put(to: *mut u8, unit: Unit, stream: bool) {
    if stream {
        // SAFETY: the caller's promise.
        unsafe { _mm_stream_si128(to.cast(), unit) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { _mm_storeu_si128(to.cast(), unit) };
    }
}

/// The lower and the upper halves of two units, interleaved item by item.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn interleaved<const N: usize>(a: Unit, b: Unit) -> (Unit, Unit) {
    match N {
        1 => (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)),
        2 => (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)),
        4 => (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b)),
        8 => (_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)),
        _ => (a, b),
    }
}

/// The first half of all items interleaved with the second.
#[inline]
#[target_feature(enable = "sse2")]
fn shuffled<const K: usize, const N: usize>(units: [Unit; K]) -> [Unit; K] {
    let mut result = units;
    if K == 3 {
        let [a, b, c] = [units[0], units[1], units[2]];
        result[0] = interleaved::<N>(a, _mm_unpackhi_epi64(b, b)).0;
        result[1] = interleaved::<N>(_mm_unpackhi_epi64(a, a), c).0;
        result[2] = interleaved::<N>(b, _mm_unpackhi_epi64(c, c)).0;
    } else {
        for k in 0..K / 2 {
            (result[2 * k], result[2 * k + 1]) = interleaved::<N>(units[k], units[K / 2 + k]);
        }
    }
    result
}

/// Every second item, and behind them the others: [`shuffled`] undone, for three units.
#[inline]
#[target_feature(enable = "sse2")]
fn unshuffled<const K: usize, const N: usize>(units: [Unit; K]) -> [Unit; K] {
    let mut result = units;
    let [a, b, c] = [units[0], units[1], units[2]];
    result[0] = dealt::<N, false, false>(a, b);
    result[1] = dealt::<N, false, true>(c, a);
    result[2] = dealt::<N, true, true>(b, c);
    result
}

/// Every second item of two units, each from the first or (if said so) the second one on.
#[inline]
#[target_feature(enable = "sse2")]
fn dealt<const N: usize, const A: bool, const B: bool>(a: Unit, b: Unit) -> Unit {
    match N {
        1 => _mm_packus_epi16(bytes::<A>(a), bytes::<B>(b)),
        2 => _mm_packs_epi32(words::<A>(a), words::<B>(b)),
        4 => {
            let (a, b) = (_mm_castsi128_ps(a), _mm_castsi128_ps(b));
            _mm_castps_si128(match (A, B) {
                (false, false) => _mm_shuffle_ps::<0b10_00_10_00>(a, b),
                (false, true) => _mm_shuffle_ps::<0b11_01_10_00>(a, b),
                (true, false) => _mm_shuffle_ps::<0b10_00_11_01>(a, b),
                (true, true) => _mm_shuffle_ps::<0b11_01_11_01>(a, b),
            })
        }
        _ => {
            let (a, b) = (_mm_castsi128_pd(a), _mm_castsi128_pd(b));
            _mm_castpd_si128(match (A, B) {
                (false, false) => _mm_shuffle_pd::<0b00>(a, b),
                (false, true) => _mm_shuffle_pd::<0b10>(a, b),
                (true, false) => _mm_shuffle_pd::<0b01>(a, b),
                (true, true) => _mm_shuffle_pd::<0b11>(a, b),
            })
        }
    }
}

/// The lower or upper byte of each word, as a word.
#[inline]
#[target_feature(enable = "sse2")]
fn bytes<const UPPER: bool>(unit: Unit) -> Unit {
    if UPPER {
        _mm_srli_epi16::<8>(unit)
    } else {
        _mm_and_si128(unit, _mm_set1_epi16(0xff))
    }
}

/// The lower or upper word of each 32 bits, as a number with the same sign: they can only be packed so.
#[inline]
#[target_feature(enable = "sse2")]
fn words<const UPPER: bool>(unit: Unit) -> Unit {
    let upper = if UPPER { unit } else { _mm_slli_epi32::<16>(unit) };
    _mm_srai_epi32::<16>(upper)
}

/// The bytes of each number of `by` bytes (1, 2, 4, 8 or 16) reversed.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn swapped(unit: Unit, by: usize) -> Unit {
    if by == 1 {
        return unit;
    }
    let pairs = _mm_or_si128(_mm_slli_epi16::<8>(unit), _mm_srli_epi16::<8>(unit));
    match by {
        2 => pairs,
        4 => _mm_shufflehi_epi16::<0b10_11_00_01>(_mm_shufflelo_epi16::<0b10_11_00_01>(pairs)),
        _ => {
            let halves = _mm_shufflehi_epi16::<0b00_01_10_11>(_mm_shufflelo_epi16::<0b00_01_10_11>(pairs));
            if by == 8 {
                halves
            } else {
                _mm_shuffle_epi32::<0b01_00_11_10>(halves)
            }
        }
    }
}

/// The lowest bits, each as ones all over an item of `N` bytes.
#[inline]
#[target_feature(enable = "sse2")]
fn masks<const N: usize>(bits: u64) -> Unit {
    let low = _mm_cvtsi64_si128(bits.cast_signed());
    match N {
        1 => {
            let twice = _mm_unpacklo_epi8(low, low);
            let copies = _mm_shuffle_epi32::<0b01_01_00_00>(_mm_unpacklo_epi16(twice, twice));
            let pick = _mm_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
            _mm_cmpeq_epi8(_mm_and_si128(copies, pick), pick)
        }
        2 => {
            let pick = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
            _mm_cmpeq_epi16(_mm_and_si128(_mm_set1_epi16(bits as i16), pick), pick)
        }
        4 | 8 => {
            let pick = if N == 4 {
                _mm_setr_epi32(1, 2, 4, 8)
            } else {
                _mm_setr_epi32(1, 1, 2, 2)
            };
            _mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32(bits as i32), pick), pick)
        }
        _ => _mm_set1_epi32((bits as i32 & 1).wrapping_neg()),
    }
}
