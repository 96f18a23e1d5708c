//! Lines as registers of AVX-512.
//!
//! # Safety
//!
//! As [`Simd`] says: *supported* is AVX-512 F, BW, DQ, VL and VBMI.
#![allow(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "masks keep the bits that count")]

use std::arch::x86_64::*;

use super::super::picks::Phase;
use super::super::runs::put;
use super::super::simd::{LINE, SWAPS, Simd};
use super::super::weave::Places;
use super::avx2::Avx2;

#[derive(Clone, Copy)]
pub(in super::super) struct Avx512;

impl Simd for Avx512 {
    type Line = __m512i;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const u8) -> Self::Line {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store(to: *mut u8, line: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), line) };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn stream(to: *mut u8, line: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_stream_si512(to.cast(), line) };
    }

    #[inline(always)]
    fn prefetch(from: *const u8, nearest: bool) {
        super::wide::prefetch(from, nearest);
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn fence() {
        _mm_sfence();
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn expand(bits: u64) -> Self::Line {
        _mm512_maskz_set1_epi8(bits, 1)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn squeeze(line: Self::Line) -> u64 {
        _mm512_test_epi8_mask(line, line)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn select<const N: usize>(bits: u64, set: Self::Line, clear: Self::Line) -> Self::Line {
        match N {
            1 => _mm512_mask_blend_epi8(bits, clear, set),
            2 => _mm512_mask_blend_epi16(bits as u32, clear, set),
            4 => _mm512_mask_blend_epi32(bits as u16, clear, set),
            8 => _mm512_mask_blend_epi64(bits as u8, clear, set),
            _ => {
                // An item of 16 bytes is two lanes of 8.
                let lanes = ((bits & 1) * 0x03)
                    | ((bits >> 1 & 1) * 0x0c)
                    | ((bits >> 2 & 1) * 0x30)
                    | ((bits >> 3 & 1) * 0xc0);
                _mm512_mask_blend_epi64(lanes as u8, clear, set)
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn swap(line: Self::Line, by: usize) -> Self::Line {
        _mm512_shuffle_epi8(line, swap_mask(by))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    unsafe fn reverse<const N: usize>(line: Self::Line) -> Self::Line {
        const { assert!(N <= 16) };
        _mm512_permutexvar_epi8(reversal::<N>(), line)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    unsafe fn unweave<const K: usize, const N: usize>(from: *const u8, to: &[*mut u8], swap: usize, stream: bool) {
        let mut woven = [_mm512_setzero_si512(); K];
        for (k, line) in woven.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *line = unsafe { loaded(from.wrapping_add(k * LINE), swap) };
        }
        for (&to, places) in to.iter().zip(&Places::<K, N, LINE>::UNWEAVE) {
            let line = picked(&woven, places);
            // SAFETY: the caller's promise.
            unsafe { put::<Self>(to, line, stream) };
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    unsafe fn weave<const K: usize, const N: usize>(from: &[*const u8; K], to: *mut u8, swap: usize, stream: bool) {
        let mut streams = [_mm512_setzero_si512(); K];
        for (line, &from) in streams.iter_mut().zip(from) {
            // SAFETY: the caller's promise.
            *line = unsafe { loaded(from, swap) };
        }
        for (k, places) in Places::<K, N, LINE>::WEAVE.iter().enumerate() {
            let line = picked(&streams, places);
            // SAFETY: the caller's promise.
            unsafe { put::<Self>(to.wrapping_add(k * LINE), line, stream) };
        }
    }

    const PICKS: Option<usize> = Avx2::PICKS;

    /// In pieces of 16 bytes, as AVX2 does: from memory, permutations of whole lines took longer (rows of 12 bytes 1.25 instead of 1.06).
    #[inline]
    #[target_feature(enable = "avx2,avx512f")]
    unsafe fn pick<const K: usize>(from: *const u8, phase: &Phase) -> Self::Line {
        // SAFETY: the caller's promise.
        let [low, high] = unsafe { Avx2::pick::<K>(from, phase) };
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// # Safety
///
/// 64 bytes are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn loaded(from: *const u8, swap: usize) -> __m512i {
    // SAFETY: the caller's promise.
    let line = unsafe { Avx512::load(from) };
    if swap > 1 {
        _mm512_shuffle_epi8(line, swap_mask(swap))
    } else {
        line
    }
}

/// One line, picked byte by byte out of several.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn picked<const K: usize>(lines: &[__m512i; K], places: &[[u8; LINE]; K]) -> __m512i {
    let mut result = _mm512_setzero_si512();
    for (&line, places) in lines.iter().zip(places) {
        result = merged(result, line, places);
    }
    result
}

/// The bytes of `line` that have a place, the others as they were.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn merged(before: __m512i, line: __m512i, places: &[u8; LINE]) -> __m512i {
    // SAFETY: 64 bytes.
    let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
    let nowhere = _mm512_movepi8_mask(places);
    _mm512_mask_permutexvar_epi8(before, !nowhere, places, line)
}

/// Where each byte comes from, if the numbers of `by` bytes are reversed.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn swap_mask(by: usize) -> __m512i {
    // SAFETY: a row of the table has sixteen bytes.
    let row = unsafe { _mm_loadu_si128(SWAPS[by.trailing_zeros() as usize].as_ptr().cast()) };
    _mm512_broadcast_i32x4(row)
}

/// Where each byte comes from, if the items of `N` bytes change places.
#[inline]
#[target_feature(enable = "avx512f")]
fn reversal<const N: usize>() -> __m512i {
    let mut places = [0_u8; 64];
    let mut k = 0;
    while k < 64 {
        places[k] = (64 - N - k / N * N + k % N) as u8;
        k += 1;
    }
    // SAFETY: 64 bytes.
    unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
}
