//! Items of 1, 2, 4, 8 or 16 bytes along one axis.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use super::ahead;
use super::job::{Job, swapped};
use super::picks;
use super::runs::{Stage, copy, line, lines, put, scattered, steps};
use super::simd::{LINE, Simd};
use super::weave;

/// Items from anywhere to anywhere.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn scatter<const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if job.swap == 1 {
        for (from, to) in steps(src, dst, job.row()) {
            // SAFETY: *reach*.
            unsafe { copy::<N>(from, to) };
        }
    } else {
        for (from, to) in steps(src, dst, job.row()) {
            // SAFETY: *reach*.
            unsafe { turn::<N>(from, to, job.swap) };
        }
    }
}

/// Copies an item and reverses its numbers.
///
/// # Safety
///
/// `N` bytes are readable and writable.
#[inline(always)]
pub(super) unsafe fn turn<const N: usize>(src: *const u8, dst: *mut u8, swap: usize) {
    // SAFETY: the caller's promise.
    let item = unsafe { src.cast::<[u8; N]>().read() };
    let item = if swap > 1 { swapped(item, swap) } else { item };
    // SAFETY: the caller's promise.
    unsafe { dst.cast::<[u8; N]>().write(item) };
}

/// Items from anywhere into a contiguous destination.
///
/// # Safety
///
/// As the module says; the destination's stride is `N`.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if job.row().src == N.cast_signed().wrapping_neg() {
        // SAFETY: *reach*.
        unsafe { reverse::<S, N>(src, dst, job) };
    // SAFETY: *reach*.
    } else if unsafe { repeating::<S, N>(src, dst, job) } {
        // Done.
    } else if job.stream {
        let mut stage = Stage::new();
        for (from, to, part) in Stage::parts(src, dst, job) {
            ahead::runs(from, part.row(), N);
            // SAFETY: *reach*; the stage has room for the part.
            unsafe { scatter::<N>(from, stage.as_mut_ptr(), &part) };
            // SAFETY: *reach*; the stage has been filled.
            unsafe { lines::<S>(stage.as_mut_ptr(), to, part.row().len * part.size, 1, true) };
        }
    } else {
        // SAFETY: *reach*.
        unsafe { scatter::<N>(src, dst, job) };
    }
}

/// Items at a distance that repeats. Says whether there were enough of them, near enough. Weaving needs nothing to be written down first, picking streams lines
/// wherever they begin.
///
/// # Safety
///
/// As [`gather`].
#[inline(always)]
unsafe fn repeating<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) -> bool {
    // SAFETY: the caller's promise.
    let picked = job.stream && unsafe { picks::gather::<S>(src, dst, job) };
    // SAFETY: the caller's promise.
    let done = picked || unsafe { weave::gather::<S, N>(src, dst, job) };
    // SAFETY: the caller's promise.
    done || !job.stream && unsafe { picks::gather::<S>(src, dst, job) }
}

/// Bytes from which on a run has so many lines of its own that the one which it shares with the next may wait for both.
const LONG: usize = 4 * LINE;

/// Runs of any size into a contiguous destination.
///
/// # Safety
///
/// As the module says; the destination's stride is the size.
#[inline(always)]
pub(super) unsafe fn gather_any<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let whole_lines = job.size.is_multiple_of(LINE) && dst.addr().is_multiple_of(LINE);
    if job.stream && whole_lines {
        for (from, to) in steps(src, dst, job.row()) {
            for at in (0..job.size).step_by(LINE) {
                ahead::line(from.wrapping_add(at), job.row().src < 0);
                // SAFETY: *reach*; aligned.
                unsafe { line::<S>(from.wrapping_add(at), to.wrapping_add(at), job.swap, true) };
            }
        }
    // SAFETY: *reach*.
    } else if unsafe { picks::gather::<S>(src, dst, job) } {
        // Done.
    } else if job.stream && job.size.is_multiple_of(LINE) && job.size >= LONG && job.swap == 1 {
        // SAFETY: *reach*; the destination begins in the midst of a line.
        unsafe { joined::<S>(src, dst, job) };
    } else if job.stream && Stage::has_room(job.size) {
        let mut stage = Stage::new();
        for (from, to, part) in Stage::parts(src, dst, job) {
            ahead::runs(from, part.row(), job.size);
            // SAFETY: *reach*; the stage has room for the part.
            unsafe { scattered::<S>(from, stage.as_mut_ptr(), &part) };
            // SAFETY: *reach*; the stage has been filled.
            unsafe { lines::<S>(stage.as_mut_ptr(), to, part.row().len * part.size, 1, true) };
        }
    } else {
        // SAFETY: *reach*.
        unsafe { scattered::<S>(src, dst, job) };
    }
}

/// Runs of whole lines into a contiguous destination that does not begin with one: all lines are streamed, those across two runs put together first.
///
/// # Safety
///
/// As the module says; the destination's stride is the size, a multiple of [`LINE`], and its start is none.
#[inline(always)]
unsafe fn joined<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let (row, head, last) = (job.row(), dst.align_offset(LINE), job.size - LINE);
    let mut joint = Stage::new();
    let (low, high) = (joint.as_mut_ptr(), joint.as_mut_ptr().wrapping_add(LINE));
    // SAFETY: *reach*: a run has more than a line.
    unsafe { dst.copy_from_nonoverlapping(src, head) };
    let mut left = row.len;
    for (from, to) in steps(src, dst, row) {
        for at in (0..last).step_by(LINE) {
            ahead::line(from.wrapping_add(at), row.src < 0);
            // SAFETY: *reach*: it ends within the run; the head has brought it to the start of a line.
            unsafe { line::<S>(from.wrapping_add(at + head), to.wrapping_add(at + head), 1, true) };
        }
        ahead::line(from.wrapping_add(last), row.src < 0);
        left -= 1;
        if left == 0 {
            // SAFETY: *reach*: the end of the last run.
            unsafe {
                to.wrapping_add(last + head)
                    .copy_from_nonoverlapping(from.wrapping_add(last + head), LINE - head)
            };
        } else {
            // SAFETY: *reach*: the last line of the run; there is room for two.
            unsafe { line::<S>(from.wrapping_add(last), low, 1, false) };
            // SAFETY: *reach*: the first line of the next run.
            unsafe { line::<S>(from.wrapping_offset(row.src), high, 1, false) };
            // SAFETY: both have been written; the destination is the start of a line, as above.
            unsafe { line::<S>(low.wrapping_add(head), to.wrapping_add(last + head), 1, true) };
        }
    }
}

/// Items that lie in memory in reverse order.
///
/// # Safety
///
/// As the module says; the strides are `-N` and `N`.
#[inline(always)]
unsafe fn reverse<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let row = job.row();
    let per_line = LINE / N;
    // Items that lie across lines never come to the start of one; `align_offset` says so with a giant number.
    let head = dst.cast::<[u8; N]>().align_offset(LINE);
    let stream = job.stream && head < row.len;
    let head = if stream { head } else { 0 };
    let place = |item: usize| (src.wrapping_sub(item * N), dst.wrapping_add(item * N));
    let mut few = *job;
    few.axes[2].len = head;
    // SAFETY: *reach*.
    unsafe { scatter::<N>(src, dst, &few) };
    let mut done = head;
    while row.len - done >= per_line {
        let (from, to) = place(done);
        // SAFETY: *reach*: a line of items ends with the one at `from`.
        let mut line = unsafe { S::load(from.wrapping_sub(LINE - N)) };
        // SAFETY: *supported*.
        line = unsafe { S::reverse::<N>(line) };
        if job.swap > 1 {
            // SAFETY: *supported*.
            line = unsafe { S::swap(line, job.swap) };
        }
        // SAFETY: *reach*; the head has brought `to` to the start of a line.
        unsafe { put::<S>(to, line, stream) };
        done += per_line;
    }
    few.axes[2].len = row.len - done;
    let (from, to) = place(done);
    // SAFETY: *reach*.
    unsafe { scatter::<N>(from, to, &few) };
}
