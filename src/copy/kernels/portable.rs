//! Lines in plain Rust: the path that every target has.
//!
//! # Safety
//!
//! As [`Simd`] says; *supported* holds everywhere.
#![allow(unsafe_code)]

use super::job::swapped;
use super::runs::{copy, line};
use super::simd::{LINE, Simd};
use super::transpose::{Finish, Packed, Tile, send};

#[derive(Clone, Copy)]
pub(super) struct Portable;

/// A square of items, `L` in 64 bytes.
pub(super) struct Square<const N: usize, const L: usize>;

impl<const N: usize, const L: usize> Tile for Square<N, L> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Plain<N, 4>;

    #[inline(always)]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        let (mut rows, mut columns) = (Packed::new(), Packed::new());
        let (rows, columns) = (rows.as_mut_ptr(), columns.as_mut_ptr());
        let mut row = from;
        for a in 0..L {
            // SAFETY: *reach*; as many lines as a square has rows.
            unsafe { line::<Portable>(row, rows.wrapping_add(a * LINE), finish.swap, false) };
            row = row.wrapping_offset(pitch);
        }
        // SAFETY: both squares are there; the rows have just been written.
        unsafe { blocks::<N>(rows, columns) };
        // SAFETY: written by the blocks; *reach*, aligned if it is to be streamed.
        unsafe { send::<Portable>(columns, L, to, to_pitch, finish.stream) };
    }
}

/// Rows of one line of items of `N` bytes become columns, block by block.
///
/// # Safety
///
/// `LINE / N` lines are readable and writable.
#[inline(always)]
unsafe fn blocks<const N: usize>(rows: *const u8, columns: *mut u8) {
    // Items of a word; blocks of so many rows and columns.
    let side = (8 / N).max(1);
    for c in (0..LINE / N).step_by(side) {
        for a in (0..LINE / N).step_by(side) {
            let (from, to) = (
                rows.wrapping_add(a * LINE + c * N),
                columns.wrapping_add(c * LINE + a * N),
            );
            match N {
                // SAFETY: the caller's promise.
                1 => unsafe { words::<1, 8>(from, to) },
                // SAFETY: the caller's promise.
                2 => unsafe { words::<2, 4>(from, to) },
                // SAFETY: the caller's promise.
                4 => unsafe { words::<4, 2>(from, to) },
                // SAFETY: the caller's promise.
                _ => unsafe { copy::<N>(from, to) },
            }
        }
    }
}

/// A block of `K` words of `K` items of `N` bytes: halves of words change places with those of the words half a block further, then quarters.
///
/// # Safety
///
/// 8 bytes in each of `K` lines are readable and writable.
#[inline(always)]
unsafe fn words<const N: usize, const K: usize>(from: *const u8, to: *mut u8) {
    let mut words = [0_u64; K];
    for (k, word) in words.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *word = u64::from_le_bytes(unsafe { from.wrapping_add(k * LINE).cast::<[u8; 8]>().read() });
    }
    let mut half = K / 2;
    while half > 0 {
        let bits = 8 * N * half;
        let low = u64::MAX / ((1 << bits) + 1);
        for k in (0..K).filter(|k| k & half == 0) {
            let (first, second) = (words[k], words[k + half]);
            words[k] = (first & low) | (second & low) << bits;
            words[k + half] = (first >> bits & low) | (second & !low);
        }
        half /= 2;
    }
    for (k, word) in words.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.wrapping_add(k * LINE).cast::<[u8; 8]>().write(word.to_le_bytes()) };
    }
}

/// A square of `L × L` items in plain Rust.
pub(super) struct Plain<const N: usize, const L: usize>;

impl<const N: usize, const L: usize> Tile for Plain<N, L> {
    const SIZE: usize = N;
    const ALONG: usize = L;
    const ACROSS: usize = L;
    type Smaller = Self;
    const LAST: bool = true;

    #[inline(always)]
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish) {
        let mut columns = [[[0_u8; N]; L]; L];
        let mut row = from;
        for a in 0..L {
            // SAFETY: *reach*.
            let items = unsafe { row.cast::<[[u8; N]; L]>().read() };
            for (column, item) in columns.iter_mut().zip(items) {
                column[a] = if finish.swap == 1 {
                    item
                } else {
                    swapped(item, finish.swap)
                };
            }
            row = row.wrapping_offset(pitch);
        }
        let mut column = to;
        for items in columns {
            // SAFETY: *reach*.
            unsafe { column.cast::<[[u8; N]; L]>().write(items) };
            column = column.wrapping_offset(to_pitch);
        }
    }
}

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

    const STREAMS: bool = false;

    #[inline(always)]
    fn prefetch(_: *const u8, _: bool) {}

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

    #[inline(always)]
    unsafe fn swap(line: Self::Line, by: usize) -> Self::Line {
        match by {
            2 => line.map(|word| ((word & 0x00ff_00ff_00ff_00ff) << 8) | ((word >> 8) & 0x00ff_00ff_00ff_00ff)),
            4 => line.map(|word| word.swap_bytes().rotate_left(32)),
            8 => line.map(u64::swap_bytes),
            16 => Self::pairs(line.map(u64::swap_bytes)),
            _ => line,
        }
    }

    #[inline(always)]
    unsafe fn reverse<const N: usize>(mut line: Self::Line) -> Self::Line {
        line.reverse();
        match N {
            1 => line.map(u64::swap_bytes),
            2 => line.map(|word| {
                let halves = word.rotate_left(32);
                ((halves & 0x0000_ffff_0000_ffff) << 16) | ((halves >> 16) & 0x0000_ffff_0000_ffff)
            }),
            4 => line.map(|word| word.rotate_left(32)),
            8 => line,
            _ => Self::pairs(line),
        }
    }

    #[inline(always)]
    unsafe fn unweave<const K: usize, const N: usize>(from: *const u8, to: &[*mut u8], swap: usize, _: bool) {
        // SAFETY: the caller's promise.
        let woven = unsafe { gathered::<K>(std::array::from_fn(|k| from.wrapping_add(k * LINE)), swap) };
        let mut streams = [[0; LINE]; K];
        for (k, stream) in streams.iter_mut().enumerate() {
            let items = stream.as_chunks_mut::<N>().0.iter_mut();
            let picked = woven.as_flattened().as_chunks::<N>().0.iter().skip(k).step_by(K);
            items.zip(picked).for_each(|(item, from)| *item = *from);
        }
        for (&to, stream) in to.iter().zip(streams) {
            // SAFETY: the caller's promise.
            unsafe { to.cast::<[u8; LINE]>().write(stream) };
        }
    }

    #[inline(always)]
    unsafe fn weave<const K: usize, const N: usize>(from: &[*const u8; K], to: *mut u8, swap: usize, _: bool) {
        // SAFETY: the caller's promise.
        let streams = unsafe { gathered::<K>(*from, swap) };
        let mut woven = [[0; LINE]; K];
        for (k, stream) in streams.iter().enumerate() {
            let items = woven
                .as_flattened_mut()
                .as_chunks_mut::<N>()
                .0
                .iter_mut()
                .skip(k)
                .step_by(K);
            let picked = stream.as_chunks::<N>().0;
            items.zip(picked).for_each(|(item, from)| *item = *from);
        }
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[[u8; LINE]; K]>().write(woven) };
    }
}

/// Lines from several places, their numbers reversed.
///
/// # Safety
///
/// 64 bytes at each place are readable.
#[inline(always)]
unsafe fn gathered<const K: usize>(from: [*const u8; K], swap: usize) -> [[u8; LINE]; K] {
    let mut lines = [[0; LINE]; K];
    for (to, from) in lines.iter_mut().zip(from) {
        // SAFETY: the caller's promise; a line has 64 bytes.
        unsafe { line::<Portable>(from, to.as_mut_ptr(), swap, false) };
    }
    lines
}

impl Portable {
    /// The words of each pair swapped.
    fn pairs([a, b, c, d, e, f, g, h]: [u64; 8]) -> [u64; 8] {
        [b, a, d, c, f, e, h, g]
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
