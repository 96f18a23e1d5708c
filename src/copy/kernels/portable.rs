//! Lines in plain Rust: the path that every target has.
//!
//! # Safety
//!
//! As [`Simd`] says; *supported* holds everywhere.
#![allow(unsafe_code)]

use super::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    type Line = [u64; 8];

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self::Line {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[u64; 8]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut u8, line: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[u64; 8]>().write_unaligned(line) };
    }

    #[inline(always)]
    unsafe fn stream(to: *mut u8, line: Self::Line) {
        // SAFETY: the caller's promise.
        unsafe { Self::store(to, line) };
    }

    #[inline(always)]
    unsafe fn fence() {}

    #[inline(always)]
    unsafe fn expand(bits: u64) -> Self::Line {
        bits.to_le_bytes().map(expand8)
    }

    #[inline(always)]
    unsafe fn squeeze(line: Self::Line) -> u64 {
        u64::from_le_bytes(line.map(squeeze8))
    }

    #[inline(always)]
    unsafe fn select<const N: usize>(bits: u64, set: Self::Line, clear: Self::Line) -> Self::Line {
        let mut line = clear;
        for (k, word) in line.iter_mut().enumerate() {
            let mask = match N {
                1 => expand8((bits >> (8 * k)).to_le_bytes()[0]) * 0xff,
                2 => spread::<4>(bits >> (4 * k)) * 0xffff,
                4 => spread::<2>(bits >> (2 * k)) * 0xffff_ffff,
                8 => (bits >> k & 1).wrapping_neg(),
                _ => (bits >> (k / 2) & 1).wrapping_neg(),
            };
            *word ^= (*word ^ set[k]) & mask;
        }
        line
    }
}

/// The lowest `PARTS` bits, each at the bottom of its part of the word.
#[inline(always)]
fn spread<const PARTS: usize>(bits: u64) -> u64 {
    let mut word = 0;
    for k in 0..PARTS {
        word |= (bits >> k & 1) << (64 / PARTS * k);
    }
    if cfg!(target_endian = "big") {
        turned::<PARTS>(word)
    } else {
        word
    }
}

/// The parts in reverse order: the first one in memory is the highest on big-endian machines.
fn turned<const PARTS: usize>(word: u64) -> u64 {
    let mut result = 0;
    for k in 0..PARTS {
        result |= (word >> (64 / PARTS * k) & 1) << (64 / PARTS * (PARTS - 1 - k));
    }
    result
}

/// Eight bits as bytes of 0 or 1, the lowest first in memory.
#[inline(always)]
pub(super) fn expand8(bits: u8) -> u64 {
    // One bit is kept of each copy.
    let copies = u64::from(bits) * 0x0101_0101_0101_0101;
    truths(copies & 0x8040_2010_0804_0201).to_le()
}

/// Eight bytes as bits: 0 where the byte is 0.
#[inline(always)]
pub(super) fn squeeze8(bytes: u64) -> u8 {
    // The product collects bit 0 of byte k in bit 56 + k.
    (truths(bytes.to_le()).wrapping_mul(0x0102_0408_1020_4080) >> 56).to_le_bytes()[0]
}

/// 1 for each byte that is not 0.
#[inline(always)]
const fn truths(bytes: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // The sum carries into the highest bit of a byte, and never out of it.
    (((bytes & LOW) + LOW) | bytes) >> 7 & 0x0101_0101_0101_0101
}
