//! Rows that become columns.
//!
//! ```text
//!            across ─►                     along ─►
//!   along  ┌─────────────┐        across ┌──────────┐
//!     │    │ a b c d ... │          │    │ a e i .. │
//!     ▼    │ e f g h ... │          ▼    │ b f j .. │
//!          │ i j k l ... │               │ c g k .. │
//!          └─────────────┘               └──────────┘
//!               source                    destination
//! ```
//!
//! A tile is a square in which every row of the source and every row of the destination is one whole line (where the instruction set has
//! registers for that): each line is read once and written once. Where the extents are no multiple of a tile, the last tile overlaps the
//! one before it: writing an item twice is cheaper than a loop over the rest. Where they are smaller than a tile, smaller tiles do it.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::job::Job;
use super::rows::turn;
use super::runs::{copy, put};
use super::simd::{LINE, Simd};
use super::sweep::tiled;
use super::weave;

/// A square of items that is moved at once.
pub(super) trait Tile {
    /// Bytes of an item.
    const SIZE: usize;
    /// Rows of the source, which are columns of the destination.
    const ALONG: usize;
    /// Columns of the source, which are rows of the destination.
    const ACROSS: usize;
    /// What takes over where the extents are smaller; itself, if single items do.
    type Smaller: Tile;
    /// Whether nothing smaller is left.
    const LAST: bool = false;
    /// Bytes that a streamed tile writes at once, and whose multiples its rows must lie at.
    const GRAIN: usize = LINE;

    /// Rows of the source that are packed at once, if a tile can be taken apart; else 0.
    const GROUP: usize = 0;

    /// Moves a tile. The rows of the source are `pitch` bytes apart, those of the destination `to_pitch`.
    ///
    /// # Safety
    ///
    /// *reach* for the items of the tile, *supported*. If it is to be streamed, `to` and `to_pitch` are multiples of its grain.
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish);

    /// Reads one of the groups of rows of a tile, the first row of which is at `from`, into `packed`, which has a line for each row of the tile. Numbers of
    /// `swap` bytes are reversed.
    ///
    /// # Safety
    ///
    /// *reach* for a line in each row of the group, *supported*; the tile can be taken apart.
    unsafe fn pack(from: *const u8, pitch: isize, packed: *mut u8, group: usize, swap: usize) {
        let _ = (from, pitch, packed, group, swap);
    }

    /// Writes [`PART`] lines of a tile, whose groups have all been packed: the part of that number. `to` is the start of the tile.
    ///
    /// # Safety
    ///
    /// As [`tile`](Self::tile); the tile can be taken apart.
    unsafe fn emit(packed: *const u8, part: usize, to: *mut u8, to_pitch: isize, stream: bool) {
        let _ = (packed, part, to, to_pitch, stream);
    }
}

/// Lines that a tile is written by when it is taken apart.
pub(super) const PART: usize = 16;

/// What happens to a line on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish {
    /// Bytes of each number that is reversed; 1 if none is.
    pub(super) swap: usize,
    /// Whether it goes past the caches.
    pub(super) stream: bool,
    /// Whether both sides are in the second cache: then it pays to shuffle by loads. In the nearest one, and where memory is waited for, the shortest way
    /// through the registers is the best.
    pub(super) second: bool,
}

impl Finish {
    /// Into the nearest cache.
    #[inline(always)]
    pub(super) const fn near(swap: usize) -> Self {
        let (stream, second) = (false, false);
        Self { swap, stream, second }
    }
}

/// The lines of a tile in the nearest cache. Rows at a distance that is a power of two push each other out of it; here they do not.
#[repr(align(64))]
pub(super) struct Packed([MaybeUninit<u8>; LINE * LINE]);

impl Packed {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self([MaybeUninit::uninit(); LINE * LINE])
    }

    #[inline(always)]
    pub(super) const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// Moves `count` lines that lie one behind the other to rows that are `to_pitch` bytes apart.
///
/// # Safety
///
/// They have been written. *reach* for a line in each row, *supported*; aligned if they are to be streamed.
#[inline(always)]
pub(super) unsafe fn send<S: Simd>(lines: *const u8, count: usize, to: *mut u8, to_pitch: isize, stream: bool) {
    let mut to = to;
    for k in 0..count {
        // SAFETY: the caller's promise.
        let line = unsafe { S::load(lines.wrapping_add(k * LINE)) };
        // SAFETY: the caller's promise.
        unsafe { put::<S>(to, line, stream) };
        to = to.wrapping_offset(to_pitch);
    }
}

/// The batch of the first axis: each with the largest tiles that fit.
///
/// # Safety
///
/// As the module says; the last axis is contiguous in the destination.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, T: Tile, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [_, across, along] = job.axes;
    // SAFETY: *reach*.
    if unsafe { weave::transpose::<S, N>(src, dst, job) } {
        return;
    }
    if across.src != N.cast_signed() {
        // SAFETY: *reach*.
        unsafe { single::<N>(src, dst, job) };
    } else if along.len >= T::ALONG && across.len >= T::ACROSS {
        // SAFETY: *reach*.
        unsafe { tiled::<S, T>(src, dst, job) };
    } else if along.len >= T::Smaller::ALONG && across.len >= T::Smaller::ACROSS {
        // SAFETY: *reach*.
        unsafe { tiled::<S, T::Smaller>(src, dst, job) };
    } else {
        type Least<T> = <<T as Tile>::Smaller as Tile>::Smaller;
        if !T::Smaller::LAST && along.len >= Least::<T>::ALONG && across.len >= Least::<T>::ACROSS {
            // SAFETY: *reach*.
            unsafe { tiled::<S, Least<T>>(src, dst, job) };
        } else {
            // SAFETY: *reach*.
            unsafe { single::<N>(src, dst, job) };
        }
    }
}

/// Item by item, from wherever they are, in blocks that the caches hold.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn single<const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    blocks(src, dst, job, |from, to| {
        if job.swap == 1 {
            // SAFETY: *reach*.
            unsafe { copy::<N>(from, to) };
        } else {
            // SAFETY: *reach*.
            unsafe { turn::<N>(from, to, job.swap) };
        }
    });
}

/// As [`single`], with items of any size.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn single_any(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    blocks(src, dst, job, |from, to| {
        // SAFETY: *reach*.
        unsafe { to.copy_from_nonoverlapping(from, job.size) };
        if job.swap > 1 {
            for number in (0..job.size).step_by(job.swap) {
                let number = to.wrapping_add(number).cast::<u8>();
                // SAFETY: *reach*: just written.
                unsafe { std::slice::from_raw_parts_mut(number, job.swap) }.reverse();
            }
        }
    });
}

/// Calls `visit` for each item, block by block.
#[inline(always)]
fn blocks(src: *const u8, dst: *mut u8, job: &Job<'_>, visit: impl Fn(*const u8, *mut u8)) {
    const BLOCK: usize = 32;
    let [batch, across, along] = job.axes;
    let place = |b: usize, c: usize, a: usize| {
        let steps = |stride: isize, step: usize| stride.wrapping_mul(step.cast_signed());
        let from = src
            .wrapping_offset(steps(batch.src, b))
            .wrapping_offset(steps(across.src, c));
        let to = dst
            .wrapping_offset(steps(batch.dst, b))
            .wrapping_offset(steps(across.dst, c));
        (
            from.wrapping_offset(steps(along.src, a)),
            to.wrapping_offset(steps(along.dst, a)),
        )
    };
    for b in 0..batch.len {
        for a_start in (0..along.len).step_by(BLOCK) {
            for c_start in (0..across.len).step_by(BLOCK) {
                for c in c_start..across.len.min(c_start + BLOCK) {
                    let (mut from, mut to) = place(b, c, a_start);
                    for _ in a_start..along.len.min(a_start + BLOCK) {
                        visit(from, to);
                        from = from.wrapping_offset(along.src);
                        to = to.wrapping_offset(along.dst);
                    }
                }
            }
        }
    }
}
