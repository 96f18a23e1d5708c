//! Runs of adjacent bytes: one long one, or many short ones.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::job::Job;
use super::simd::{LINE, Simd};
use crate::copy::plan::Axis;

/// One run of `job.size` bytes.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn run<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if job.swap == 1 && !job.stream {
        // SAFETY: *reach*.
        unsafe { dst.copy_from_nonoverlapping(src, job.size) };
    } else {
        // SAFETY: *reach*.
        unsafe { lines::<S>(src, dst, job.size, job.swap, job.stream) };
    }
}

/// `bytes` bytes, line by line.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn lines<S: Simd>(src: *const u8, dst: *mut u8, bytes: usize, swap: usize, stream: bool) {
    let head = dst.align_offset(LINE).min(bytes);
    // Numbers that lie across the lines of the destination cannot be streamed.
    let stream = stream && head.is_multiple_of(swap);
    let head = if stream { head } else { 0 };
    // SAFETY: *reach*.
    unsafe { few::<S>(src, dst, head, swap) };
    let mut done = head;
    while bytes - done >= 4 * LINE {
        for _ in 0..4 {
            // SAFETY: four lines are left, and the head has brought them to their starts.
            unsafe { line::<S>(src.wrapping_add(done), dst.wrapping_add(done), swap, stream) };
            done += LINE;
        }
    }
    while bytes - done >= LINE {
        // SAFETY: as above.
        unsafe { line::<S>(src.wrapping_add(done), dst.wrapping_add(done), swap, stream) };
        done += LINE;
    }
    // SAFETY: *reach*.
    unsafe { few::<S>(src.wrapping_add(done), dst.wrapping_add(done), bytes - done, swap) };
}

/// One line.
///
/// # Safety
///
/// As the module says; `dst` is a multiple of 64 if it is to be streamed.
#[inline(always)]
unsafe fn line<S: Simd>(src: *const u8, dst: *mut u8, swap: usize, stream: bool) {
    // SAFETY: *reach*.
    let mut line = unsafe { S::load(src) };
    if swap > 1 {
        // SAFETY: *supported*.
        line = unsafe { S::swap(line, swap) };
    }
    // SAFETY: *reach*, and the caller's promise.
    unsafe { put::<S>(dst, line, stream) };
}

/// Stores a line, past the caches or not.
///
/// # Safety
///
/// 64 bytes at `dst` are writable; it is a multiple of 64 if it is to be streamed.
#[inline(always)]
pub(super) unsafe fn put<S: Simd>(dst: *mut u8, line: S::Line, stream: bool) {
    if stream {
        // SAFETY: the caller's promise.
        unsafe { S::stream(dst, line) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { S::store(dst, line) };
    }
}

/// Fewer bytes than a line.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn few<S: Simd>(src: *const u8, dst: *mut u8, bytes: usize, swap: usize) {
    if swap == 1 || bytes == 0 {
        // SAFETY: *reach*.
        return unsafe { dst.copy_from_nonoverlapping(src, bytes) };
    }
    let mut line = [0_u8; LINE];
    // SAFETY: *reach*; fewer bytes than the line has.
    unsafe { line.as_mut_ptr().copy_from_nonoverlapping(src, bytes) };
    // SAFETY: a line has 64 bytes.
    let loaded = unsafe { S::load(line.as_ptr()) };
    // SAFETY: *supported*.
    let swapped = unsafe { S::swap(loaded, swap) };
    // SAFETY: as above.
    unsafe { S::store(line.as_mut_ptr(), swapped) };
    // SAFETY: *reach*.
    unsafe { dst.copy_from_nonoverlapping(line.as_ptr(), bytes) };
}

/// Calls `visit` with the addresses of each step of an axis. Wrapping, because the step behind the last may lead anywhere.
#[inline(always)]
pub(super) fn steps(mut src: *const u8, mut dst: *mut u8, axis: Axis, mut visit: impl FnMut(*const u8, *mut u8)) {
    for _ in 0..axis.len {
        visit(src, dst);
        src = src.wrapping_offset(axis.src);
        dst = dst.wrapping_offset(axis.dst);
    }
}

/// Runs of `job.size` bytes along the last axis. Short ones take no call each: two moves of a fixed width that overlap.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn scattered<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let kernel = match job.size {
        _ if job.swap > 1 => long::<S>,
        2 | 3 => short::<2>,
        4..8 => short::<4>,
        8..16 => short::<8>,
        16..32 => short::<16>,
        32..64 => short::<32>,
        64..=128 => short::<64>,
        _ => long::<S>,
    };
    // SAFETY: *reach*; the width is at most the size, and at least half of it.
    unsafe { kernel(src, dst, job) };
}

/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn long<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    steps(src, dst, job.row(), |from, to| {
        // SAFETY: *reach*.
        unsafe { lines::<S>(from, to, job.size, job.swap, job.stream) };
    });
}

/// # Safety
///
/// As the module says; `W ≤ job.size ≤ 2 W`.
#[inline(always)]
unsafe fn short<const W: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let rest = job.size - W;
    if rest == 0 {
        // SAFETY: *reach*.
        return steps(src, dst, job.row(), |from, to| unsafe { copy::<W>(from, to) });
    }
    steps(src, dst, job.row(), |from, to| {
        // SAFETY: *reach*.
        let first = unsafe { from.cast::<[u8; W]>().read() };
        // SAFETY: *reach*.
        let last = unsafe { from.wrapping_add(rest).cast::<[u8; W]>().read() };
        // SAFETY: *reach*.
        unsafe { to.cast::<[u8; W]>().write(first) };
        // SAFETY: *reach*.
        unsafe { to.wrapping_add(rest).cast::<[u8; W]>().write(last) };
    });
}

/// # Safety
///
/// `N` bytes are readable and writable.
#[inline(always)]
pub(super) unsafe fn copy<const N: usize>(src: *const u8, dst: *mut u8) {
    // SAFETY: the caller's promise.
    let item = unsafe { src.cast::<[u8; N]>().read() };
    // SAFETY: the caller's promise.
    unsafe { dst.cast::<[u8; N]>().write(item) };
}

/// Bytes that are put together in the nearest cache before they are streamed.
const STAGE: usize = 4096;

#[repr(align(64))]
struct Stage([MaybeUninit<u8>; STAGE]);

/// Items of `job.size` bytes along the last axis into a destination that is contiguous: `gather` puts a few of them together in the nearest
/// cache, from where whole lines go past the others. Whatever the size of the items and the place of the destination, every line is
/// written once.
///
/// # Safety
///
/// As the module says; the destination's stride is the size of an item; `gather` has the contract of a kernel.
#[inline(always)]
pub(super) unsafe fn staged<S: Simd>(
    src: *const u8,
    dst: *mut u8,
    job: &Job<'_>,
    gather: impl Fn(*const u8, *mut u8, &Job<'_>),
) {
    let row = job.row();
    let chunk = STAGE / job.size;
    if chunk == 0 {
        return gather(src, dst, job);
    }
    let mut stage = Stage([MaybeUninit::uninit(); STAGE]);
    let stage: *mut u8 = stage.0.as_mut_ptr().cast();
    let mut done = 0;
    while done < row.len {
        let len = chunk.min(row.len - done);
        let mut part = Job { stream: false, ..*job };
        part.axes[2].len = len;
        let from = src.wrapping_offset(row.src.wrapping_mul(done.cast_signed()));
        gather(from, stage, &part);
        // SAFETY: the stage has been filled, and the destination is contiguous: *reach*.
        unsafe { lines::<S>(stage, dst.wrapping_add(done * job.size), len * job.size, 1, true) };
        done += len;
    }
}
