//! Matrices tile by tile: which tile comes next, and what of the source is asked for meanwhile.
//!
//! Two tiles along, and as many across as make 2 KiB of each row of the source, are a *block*. Its destination is written in pairs of lines, which
//! memory likes better than single ones. Its source is no stream that the processor would see coming: rows far apart, and a few lines of each. So every
//! tile asks for a few lines of the next block.
//!
//! Where rows begin in the midst of a line, the first tile overlaps the second one, which begins with a line.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use super::job::Job;
use super::pipeline;
use super::simd::{LINE, Simd};
use super::staged;
use super::transpose::{Finish, Tile};
use crate::copy::plan::Axis;

/// Tiles of a block along, and bytes of a row of the source in it.
const ALONG: usize = 2;
const ACROSS: usize = 2048;

/// Most bytes of a block: as many more are on their way.
const BLOCK: usize = 128 << 10;

/// From so many bytes on, the lines of the next block are asked for: less lies in the nearer caches, or might as well.
const FAR: usize = if cfg!(test) { 1 << 14 } else { 1 << 20 };

/// Fewer bytes lie in the nearest cache, with those of the other side.
const NEAR: usize = if cfg!(test) { 1 << 12 } else { 16 << 10 };

/// Tiles that an axis must have for one more at its start, which brings the others to the starts of lines.
pub(super) const LONG: usize = 6;

/// The batch of the first axis, each with the tiles `T`.
///
/// # Safety
///
/// As the module says; the last axis is contiguous in the destination, the one before it in the source; the extents are at least those of a tile.
#[inline(always)]
pub(super) unsafe fn tiled<S: Simd, T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [batch, across, along] = job.axes;
    if along.len == T::ALONG && across.len == T::ACROSS {
        // SAFETY: *reach*.
        return unsafe { single_tiles::<T>(src, dst, job) };
    }
    let streams = job.stream && S::STREAMS && T::GRAIN == LINE && T::ALONG * T::SIZE == LINE;
    // SAFETY: *reach*; tiles of whole lines.
    if streams && unsafe { staged::transpose::<S, T>(src, dst, job) } {
        return;
    }
    let bytes = batch.len * across.len * along.len * T::SIZE;
    let columns = Grid::new(across.len, T::ACROSS, head::<T>(src.addr(), along.src));
    let rows = Grid::new(along.len, T::ALONG, head::<T>(dst.addr(), across.dst));
    let sweep = Sweep {
        rows,
        columns,
        along,
        across,
        finish: Finish {
            swap: job.swap,
            stream: streams && whole(across.dst),
            second: (NEAR..FAR).contains(&bytes),
        },
    };
    let far = bytes >= FAR;
    if sweep.finish.stream && far && T::GROUP > 0 {
        // SAFETY: *reach*; the tiles can be taken apart.
        let done = unsafe { pipeline::transpose::<S, T>(src, dst, job, rows, columns) };
        if done {
            return;
        }
    }
    let (mut src, mut dst) = (src, dst);
    for left in (0..batch.len).rev() {
        let next = if left > 0 { src.wrapping_offset(batch.src) } else { src };
        // SAFETY: *reach*.
        unsafe { sweep.matrix::<S, T>(src, dst, next, far) };
        src = next;
        dst = dst.wrapping_offset(batch.dst);
    }
}

/// Whether steps of `stride` bytes lead from line to line.
pub(super) const fn whole(stride: isize) -> bool {
    stride.unsigned_abs().is_multiple_of(LINE)
}

/// Items in front of the first that begins a line, if that is so in each row of the pitch; else 0.
#[inline(always)]
pub(super) fn head<T: Tile>(start: usize, pitch: isize) -> usize {
    let bytes = start.wrapping_neg() % LINE;
    if whole(pitch) && bytes.is_multiple_of(T::SIZE) {
        bytes / T::SIZE
    } else {
        0
    }
}

/// A batch of matrices that are one tile each.
///
/// # Safety
///
/// As the module says; the extents are those of a tile.
#[inline(always)]
unsafe fn single_tiles<T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [batch, across, along] = job.axes;
    // Whole lines; or smaller rows one behind the other, which are whole lines together.
    let lines = T::GRAIN == LINE && whole(across.dst) || across.dst == T::GRAIN.cast_signed();
    let stream =
        job.stream && T::ALONG * T::SIZE == T::GRAIN && lines && whole(batch.dst) && dst.addr().is_multiple_of(LINE);
    let finish = Finish {
        stream,
        ..Finish::near(job.swap)
    };
    let (mut src, mut dst) = (src, dst);
    for _ in 0..batch.len {
        // SAFETY: *reach*; all tiles of the batch are aligned if they are streamed.
        unsafe { T::tile(src, along.src, dst, across.dst, finish) };
        src = src.wrapping_offset(batch.src);
        dst = dst.wrapping_offset(batch.dst);
    }
}

/// Where the tiles of an axis lie. The first and the last may overlap their neighbours.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    tile: usize,
    /// Items by which the first tile and the second overlap.
    overlap: usize,
    /// Where the last tile begins.
    last: usize,
    pub(super) count: usize,
}

impl Grid {
    /// For an axis of `len` items, at least those of a tile. A tile is to begin behind the first `head`, if that is worth its while.
    #[inline(always)]
    pub(super) fn new(len: usize, tile: usize, head: usize) -> Self {
        let head = if len >= LONG * tile { head % tile } else { 0 };
        let overlap = if head > 0 { tile - head } else { 0 };
        Self {
            tile,
            overlap,
            last: len - tile,
            count: (len + overlap).div_ceil(tile),
        }
    }

    /// The first item of a tile.
    #[inline(always)]
    pub(super) fn place(&self, index: usize) -> usize {
        index
            .wrapping_mul(self.tile)
            .saturating_sub(self.overlap)
            .min(self.last)
    }
}

/// How matrices of a batch are walked through.
struct Sweep {
    rows: Grid,
    columns: Grid,
    along: Axis,
    across: Axis,
    finish: Finish,
}

impl Sweep {
    /// One matrix, block by block, along first. The lines of what follows are asked for if it is `far`; `next` is the matrix after this one.
    ///
    /// # Safety
    ///
    /// As the module says; the rows of the destination are multiples of lines apart if they are to be streamed.
    #[inline(always)]
    unsafe fn matrix<S: Simd, T: Tile>(&self, src: *const u8, dst: *mut u8, next: *const u8, far: bool) {
        let high = self.high::<T>();
        for c_start in (0..self.columns.count).step_by(high) {
            let c_end = self.columns.count.min(c_start + high);
            for a_start in (0..self.rows.count).step_by(ALONG) {
                let a_end = self.rows.count.min(a_start + ALONG);
                let mut ahead = if !far {
                    Ahead::nothing()
                } else if a_end < self.rows.count {
                    self.ahead::<T>(src, a_end, c_start)
                } else if c_end < self.columns.count {
                    self.ahead::<T>(src, 0, c_end)
                } else {
                    self.ahead::<T>(next, 0, 0)
                };
                for c in c_start..c_end {
                    let c = self.columns.place(c);
                    let from = src.wrapping_add(c * T::SIZE);
                    let to = dst.wrapping_offset(self.across.dst.wrapping_mul(c.cast_signed()));
                    for a in a_start..a_end {
                        ahead.ask::<S, T>(T::ALONG);
                        let a = self.rows.place(a);
                        let from = from.wrapping_offset(self.along.src.wrapping_mul(a.cast_signed()));
                        let to = to.wrapping_add(a * T::SIZE);
                        let finish = Finish {
                            // Tiles that lie across lines are not streamed.
                            stream: self.finish.stream && to.addr().is_multiple_of(LINE),
                            ..self.finish
                        };
                        // SAFETY: *reach*.
                        unsafe { T::tile(from, self.along.src, to, self.across.dst, finish) };
                    }
                }
            }
        }
    }

    /// Tiles of a block across: a few more than usual rather than one block of a few.
    #[inline(always)]
    fn high<T: Tile>(&self) -> usize {
        let width = ACROSS.min(BLOCK / (ALONG * T::ALONG));
        let usual = (width / T::SIZE / T::ACROSS).max(1);
        self.columns.count.div_ceil((self.columns.count / usual).max(1))
    }

    /// The lines of the block of the tiles `a` and `c` on.
    #[inline(always)]
    fn ahead<T: Tile>(&self, src: *const u8, a: usize, c: usize) -> Ahead {
        let high = self.high::<T>();
        let (a, c) = (self.rows.place(a), self.columns.place(c));
        let start = src
            .wrapping_offset(self.along.src.wrapping_mul(a.cast_signed()))
            .wrapping_add(c * T::SIZE);
        let bytes = (high * T::ACROSS).min(self.across.len - c) * T::SIZE;
        Ahead::new(start, self.along.src, bytes)
    }
}

/// Lines that will be wanted: so many of each row, row by row.
pub(super) struct Ahead {
    row: *const u8,
    pitch: isize,
    line: usize,
    lines: usize,
}

impl Ahead {
    #[inline(always)]
    pub(super) const fn nothing() -> Self {
        Self {
            row: std::ptr::null(),
            pitch: 0,
            line: 0,
            lines: 0,
        }
    }

    #[inline(always)]
    pub(super) fn new(row: *const u8, pitch: isize, bytes: usize) -> Self {
        Self {
            row,
            pitch,
            line: 0,
            lines: (row.addr() % LINE + bytes).div_ceil(LINE),
        }
    }

    /// Asks for the next few.
    #[inline(always)]
    pub(super) fn ask<S: Simd, T: Tile>(&mut self, mut count: usize) {
        // The nearest one has no room for so many rows at a distance that is a power of two.
        let nearest = T::ALONG <= 16;
        while self.lines > 0 && count > 0 {
            let few = count.min(self.lines - self.line);
            for line in self.line..self.line + few {
                S::prefetch(self.row.wrapping_add(line * LINE), nearest);
            }
            count -= few;
            self.line += few;
            if self.line == self.lines {
                self.line = 0;
                self.row = self.row.wrapping_offset(self.pitch);
            }
        }
    }
}
