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

use super::job::Job;
use super::rows::turn;
use super::runs::copy;
use super::simd::{LINE, Simd};
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

    /// Moves a tile. The rows of the source are `pitch` bytes apart, those of the destination `to_pitch`.
    ///
    /// # Safety
    ///
    /// *reach* for the items of the tile, *supported*. If it is to be streamed, `to` and `to_pitch` are multiples of its grain.
    unsafe fn tile(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize, finish: Finish);
}

/// What happens to a line on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish {
    /// Bytes of each number that is reversed; 1 if none is.
    pub(super) swap: usize,
    /// Whether it goes past the caches.
    pub(super) stream: bool,
}

/// Items along and across that are worked on together, so that the lines of both operands stay in the nearer caches until they are used up.
const MACRO_ALONG: usize = 256;
const MACRO_ACROSS: usize = 1024;

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
        unsafe { tiled::<T>(src, dst, job) };
    } else if along.len >= T::Smaller::ALONG && across.len >= T::Smaller::ACROSS {
        // SAFETY: *reach*.
        unsafe { tiled::<T::Smaller>(src, dst, job) };
    } else {
        type Least<T> = <<T as Tile>::Smaller as Tile>::Smaller;
        if !T::Smaller::LAST && along.len >= Least::<T>::ALONG && across.len >= Least::<T>::ACROSS {
            // SAFETY: *reach*.
            unsafe { tiled::<Least<T>>(src, dst, job) };
        } else {
            // SAFETY: *reach*.
            unsafe { single::<N>(src, dst, job) };
        }
    }
}

/// # Safety
///
/// As the module says; the extents are at least those of a tile.
#[inline(always)]
unsafe fn tiled<T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [batch, across, along] = job.axes;
    let aligned = |stride: isize| stride.unsigned_abs().is_multiple_of(LINE);
    let exact = along.len == T::ALONG && across.len == T::ACROSS;
    let head = dst.align_offset(LINE) / T::SIZE;
    // Whole lines; or smaller rows one behind the other, which are whole lines together.
    let whole = T::GRAIN == LINE && aligned(across.dst);
    let adjacent = exact && across.dst == T::GRAIN.cast_signed() && head == 0;
    let stream = job.stream
        && T::ALONG * T::SIZE == T::GRAIN
        && (whole || adjacent)
        && aligned(batch.dst)
        && dst.wrapping_add(head * T::SIZE).addr().is_multiple_of(LINE)
        && head + T::ALONG <= along.len;
    let head = if stream { head } else { 0 };
    let finish = Finish { swap: job.swap, stream };
    let (mut src, mut dst) = (src, dst);
    for _ in 0..batch.len {
        if exact {
            // SAFETY: *reach*; all tiles of the batch are aligned if they are streamed.
            unsafe { T::tile(src, along.src, dst, across.dst, finish) };
        } else {
            // SAFETY: *reach*.
            unsafe { sweep::<T>(src, dst, job, head, finish) };
        }
        src = src.wrapping_offset(batch.src);
        dst = dst.wrapping_offset(batch.dst);
    }
}

/// One matrix, macro tile by macro tile, each of them row by row of the destination.
///
/// # Safety
///
/// As the module says; the extents are at least those of a tile; if it is to be streamed, the rows of the destination are aligned `head`
/// items from their start.
#[inline(always)]
unsafe fn sweep<T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>, head: usize, finish: Finish) {
    let [_, across, along] = job.axes;
    let (wide, high) = (MACRO_ALONG / T::SIZE, MACRO_ACROSS / T::SIZE);
    let (wide, high) = (wide.max(T::ALONG), high.max(T::ACROSS));
    let cached = Finish {
        stream: false,
        ..finish
    };
    let (last_a, last_c) = (along.len - T::ALONG, across.len - T::ACROSS);
    for c_start in (0..across.len).step_by(high) {
        for a_start in (head..along.len).step_by(wide) {
            for c in (c_start..across.len.min(c_start + high)).step_by(T::ACROSS) {
                let c = c.min(last_c);
                let from = src.wrapping_add(c * T::SIZE);
                let to = dst.wrapping_offset(across.dst.wrapping_mul(c.cast_signed()));
                if head > 0 && a_start == head {
                    // SAFETY: *reach*.
                    unsafe { T::tile(from, along.src, to, across.dst, cached) };
                }
                for a in (a_start..along.len.min(a_start + wide)).step_by(T::ALONG) {
                    // Tiles that lie across lines are not streamed.
                    let (a, finish) = if a <= last_a { (a, finish) } else { (last_a, cached) };
                    let from = from.wrapping_offset(along.src.wrapping_mul(a.cast_signed()));
                    // SAFETY: *reach*.
                    unsafe { T::tile(from, along.src, to.wrapping_add(a * T::SIZE), across.dst, finish) };
                }
            }
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
