//! Transposes whose rows lie one behind the other and begin anywhere, streamed all the same.
//!
//! Only whole lines of the destination can go past the caches, and where its rows begin or end in the midst of a line, tiles do not have them. So tiles
//! are put together in a *stage* in the nearest cache: a few rows, a few lines of each. Whole lines leave it, and what is left of the last one waits
//! for the rest.
//!
//! ```text
//!   destination  ..|......xx|xxxxxxxx|xxxxxxxx|xx......|..      (| is where lines begin)
//!   stage                 xx xxxxxxxx xxxxxxxx xx
//!                         └─────── streamed ──┘└ waits in front of what comes next
//! ```
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*. *stage*: behind its first line there is room for [`ROWS`] rows of [`BLOCK`] bytes that
//! are [`PITCH`] bytes apart, or for [`SHEET`] bytes.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::job::Job;
use super::runs::lines;
use super::simd::{LINE, Simd};
use super::sweep::{Ahead, Grid, LONG, head, whole};
use super::transpose::{Finish, Tile};
use crate::allocation::Allocation;

/// Rows of the stage, and the bytes that are put into each at a time.
const ROWS: usize = 64;
const BLOCK: usize = 4 * LINE;

/// Bytes of a row of the source that are read at a time, where that makes no more than [`ROWS`].
const WIDTH: usize = 4 * LINE;

/// Bytes from one row of the stage to the next: a block, and in front of it what the last line of the one before has left. No power of two.
const PITCH: usize = BLOCK + LINE;

/// Bytes that are put together of a destination without gaps, the rows of which are short.
pub(super) const SHEET: usize = 8 << 10;

/// Bytes of the stage.
pub(super) const STAGE: usize = ROWS * PITCH + LINE;

/// Copies of fewer bytes are not worth a stage, but for those of the tests.
const WORTH: usize = if cfg!(any(test, fuzzing)) { LINE } else { 64 << 10 };

/// A transpose whose rows are no whole lines, but lie one behind the other. Says whether it was.
///
/// # Safety
///
/// As the module says; the extents are at least those of a tile, which has whole lines.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>) -> bool {
    let [batch, across, along] = job.axes;
    let row = along.len * T::SIZE;
    let aligned = dst.addr().is_multiple_of(LINE) && (batch.len == 1 || whole(batch.dst));
    let long = along.len >= LONG * T::ALONG;
    if row * across.len * batch.len < WORTH || long || (whole(across.dst) && aligned) {
        return false;
    }
    let behind = |stride: isize| stride == row.cast_signed();
    let together = batch.len > 1 && behind(batch.dst);
    let sheets = behind(across.dst) && row * T::ACROSS <= SHEET;
    if !together && !sheets {
        return false;
    }
    // Without memory it goes through the caches.
    let Ok(mut memory) = Allocation::uninit(STAGE, LINE) else {
        return false;
    };
    let stage = memory.as_mut_ptr();
    let matrices = if together { batch.len } else { 1 };
    let (mut src, mut dst) = (src, dst);
    for _ in (0..batch.len).step_by(matrices) {
        if sheets && !together {
            let grids = (
                Grid::new(along.len, T::ALONG, 0),
                Grid::new(across.len, T::ACROSS, head::<T>(src.addr(), along.src)),
            );
            let source = |a: usize, c: usize| {
                let from = src.wrapping_offset(along.src.wrapping_mul(a.cast_signed()));
                (from.wrapping_add(c * T::SIZE), along.src)
            };
            // SAFETY: *reach*, *stage*.
            unsafe { sheet::<S, T>(source, dst, row, grids, job.swap, stage) };
        } else {
            // SAFETY: *reach*, *stage*.
            unsafe { rows::<S, T>(src, dst, job, matrices, stage) };
        }
        src = src.wrapping_offset(batch.src);
        dst = dst.wrapping_offset(batch.dst);
    }
    true
}

/// A matrix, or several that lie side by side in the destination: a few rows at a time, from their start to their end.
///
/// # Safety
///
/// As the module says; the extents are at least those of a tile.
#[inline(always)]
unsafe fn rows<S: Simd, T: Tile>(src: *const u8, dst: *mut u8, job: &Job<'_>, matrices: usize, stage: *mut u8) {
    let [batch, across, along] = job.axes;
    let pitch = PITCH.cast_signed();
    let staged = stage.wrapping_add(LINE);
    let columns = Grid::new(across.len, T::ACROSS, head::<T>(src.addr(), along.src));
    let grid = Grid::new(along.len, T::ALONG, 0);
    let (high, wide) = (
        (WIDTH / T::SIZE).min(ROWS).div_ceil(T::ACROSS),
        (BLOCK / (T::ALONG * T::SIZE)).max(1),
    );
    let finish = Finish::near(job.swap);
    for c_start in (0..columns.count).step_by(high) {
        let c_end = columns.count.min(c_start + high);
        let first = columns.place(c_start);
        let height = columns.place(c_end - 1) + T::ACROSS - first;
        let place = |matrix: usize, c: usize, a: usize| {
            src.wrapping_offset(batch.src.wrapping_mul(matrix.cast_signed()))
                .wrapping_offset(along.src.wrapping_mul(a.cast_signed()))
                .wrapping_add(c * T::SIZE)
        };
        let mut to = dst.wrapping_offset(across.dst.wrapping_mul(first.cast_signed()));
        // Bytes from here on that are in the stage already.
        let mut waiting = None;
        for matrix in 0..matrices {
            for a_start in (0..grid.count).step_by(wide) {
                let a_end = grid.count.min(a_start + wide);
                let from = grid.place(a_start);
                let next = if a_end < grid.count {
                    place(matrix, first, grid.place(a_end))
                } else if matrix + 1 < matrices {
                    place(matrix + 1, first, 0)
                } else {
                    place(0, columns.place(c_end.min(columns.count - 1)), 0)
                };
                let lines = height * T::SIZE / LINE + 1;
                let tiles = (a_end - a_start) * (c_end - c_start);
                let each = (wide * T::ALONG * lines).div_ceil(tiles);
                let mut ahead = Ahead::new(next, along.src, height * T::SIZE);
                let end = (grid.place(a_end - 1) + T::ALONG - from) * T::SIZE;
                let step = if a_end < grid.count {
                    grid.place(a_end)
                } else {
                    along.len
                } - from;
                let last = a_end == grid.count && matrix + 1 == matrices;
                let part = Part {
                    waiting,
                    end,
                    next: (!last).then_some(step * T::SIZE),
                };
                let next_to = to.wrapping_add(step * T::SIZE);
                for c in c_start..c_end {
                    let column = columns.place(c);
                    let far = (column - first).cast_signed();
                    let near = staged.wrapping_offset(pitch.wrapping_mul(far));
                    for a in a_start..a_end {
                        ahead.ask::<S, T>(each);
                        let a = grid.place(a);
                        let near = near.wrapping_add((a - from) * T::SIZE);
                        // SAFETY: *reach*, *stage*.
                        unsafe { T::tile(place(matrix, column, a), along.src, near, pitch, finish) };
                    }
                    // The next tile may overlap this one.
                    let complete = if c + 1 < c_end {
                        columns.place(c + 1)
                    } else {
                        first + height
                    };
                    for row in far..(complete - first).cast_signed() {
                        let near = pitch.wrapping_mul(row);
                        let to = to.wrapping_offset(across.dst.wrapping_mul(row));
                        // SAFETY: *reach*, *stage*.
                        unsafe { part.put::<S>(staged.wrapping_offset(near), to) };
                    }
                }
                to = next_to;
                waiting = Some(end - step * T::SIZE);
            }
        }
    }
}

/// A matrix whose rows of `row` bytes are short, and one behind the other. `source` says where the tile of an item along and one across is, and how far its rows
/// are apart.
///
/// # Safety
///
/// As the module says, of what `source` says; the extents of the grids, along and across, are at least those of a tile; so many rows as a tile has find room in
/// [`SHEET`].
#[inline(always)]
pub(super) unsafe fn sheet<S: Simd, T: Tile>(
    mut source: impl FnMut(usize, usize) -> (*const u8, isize),
    dst: *mut u8,
    row: usize,
    (grid, columns): (Grid, Grid),
    swap: usize,
    stage: *mut u8,
) {
    let high = (SHEET / (row * T::ACROSS)).max(1);
    let finish = Finish::near(swap);
    let staged = stage.wrapping_add(LINE);
    let (mut to, mut waiting) = (dst, None);
    for c_start in (0..columns.count).step_by(high) {
        let c_end = columns.count.min(c_start + high);
        let first = columns.place(c_start);
        for a in 0..grid.count {
            let a = grid.place(a);
            for c in c_start..c_end {
                let c = columns.place(c);
                let near = staged.wrapping_add((c - first) * row + a * T::SIZE);
                let (from, pitch) = source(a, c);
                // SAFETY: *reach*, *stage*.
                unsafe { T::tile(from, pitch, near, row.cast_signed(), finish) };
            }
        }
        let end = (columns.place(c_end - 1) + T::ACROSS - first) * row;
        let last = c_end == columns.count;
        let step = if last {
            end
        } else {
            (columns.place(c_end) - first) * row
        };
        let part = Part {
            waiting,
            end,
            next: (!last).then_some(step),
        };
        // SAFETY: *reach*, *stage*.
        unsafe { part.put::<S>(staged, to) };
        (to, waiting) = (to.wrapping_add(step), Some(end - step));
    }
}

/// What the stage has of a row.
struct Part {
    /// Bytes at its start that were there before, the first of them after a line that has left; none at the start of the row.
    waiting: Option<usize>,
    /// Bytes in all: at least a line.
    end: usize,
    /// Where in these bytes the next part begins, if this is not the last.
    next: Option<usize>,
}

impl Part {
    /// Streams the whole lines of a row from `staged` to `to`, and moves the rest to where the next part needs it.
    ///
    /// # Safety
    ///
    /// As the module says; a line in front of `staged` is writable, and holds what has waited.
    #[inline(always)]
    unsafe fn put<S: Simd>(&self, staged: *mut u8, to: *mut u8) {
        let off = |bytes: usize| to.wrapping_add(bytes).addr() % LINE;
        // From the line that was not complete to the one that is not yet. It may begin in front of this part.
        let begin = self
            .waiting
            .map_or(0, |waiting| waiting.cast_signed() - off(waiting).cast_signed());
        let rest = if self.next.is_some() { off(self.end) } else { 0 };
        let bytes = (self.end - rest).cast_signed() - begin;
        let (from, to) = (staged.wrapping_offset(begin), to.wrapping_offset(begin));
        // SAFETY: *reach*, *stage*.
        unsafe { lines::<S>(from, to, bytes.unsigned_abs(), 1, true) };
        if let Some(step) = self.next {
            let last = staged.wrapping_add(self.end - LINE);
            let last = last.cast::<MaybeUninit<[u8; LINE]>>();
            // SAFETY: *stage*: the last line of this part, and as much up to where the next one has the same bytes.
            unsafe { last.wrapping_byte_sub(step).copy_from(last, 1) };
        }
    }
}
