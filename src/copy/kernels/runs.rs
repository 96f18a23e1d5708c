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
pub(super) unsafe fn line<S: Simd>(src: *const u8, dst: *mut u8, swap: usize, stream: bool) {
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
    if bytes == 0 {
        return;
    }
    if swap == 1 {
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

/// The addresses of each step of an axis. Wrapping, because the step behind the last may lead anywhere.
///
/// An iterator, because the body of a loop is compiled for the instruction set of the kernel that it is in, and a closure is not.
#[inline(always)]
pub(super) const fn steps(src: *const u8, dst: *mut u8, axis: Axis) -> Steps {
    Steps { src, dst, axis }
}

pub(super) struct Steps {
    src: *const u8,
    dst: *mut u8,
    axis: Axis,
}

impl Iterator for Steps {
    type Item = (*const u8, *mut u8);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.axis.len == 0 {
            return None;
        }
        self.axis.len -= 1;
        let step = (self.src, self.dst);
        self.src = self.src.wrapping_offset(self.axis.src);
        self.dst = self.dst.wrapping_offset(self.axis.dst);
        Some(step)
    }
}

/// Runs of `job.size` bytes along the last axis. Short ones take no call each: two moves of a fixed width that overlap.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn scattered<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    match job.size {
        // SAFETY: *reach*; below, the width is at most the size, and at least half of it.
        _ if job.swap > 1 => unsafe { long::<S>(src, dst, job) },
        // SAFETY: as above.
        2 | 3 => unsafe { short::<2>(src, dst, job) },
        // SAFETY: as above.
        4..8 => unsafe { short::<4>(src, dst, job) },
        // SAFETY: as above.
        8..16 => unsafe { short::<8>(src, dst, job) },
        // SAFETY: as above.
        16..32 => unsafe { short::<16>(src, dst, job) },
        // SAFETY: as above.
        32..64 => unsafe { short::<32>(src, dst, job) },
        // SAFETY: as above.
        64..=128 => unsafe { short::<64>(src, dst, job) },
        // SAFETY: as above.
        _ => unsafe { long::<S>(src, dst, job) },
    }
}

/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn long<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    for (from, to) in steps(src, dst, job.row()) {
        // SAFETY: *reach*.
        unsafe { lines::<S>(from, to, job.size, job.swap, job.stream) };
    }
}

/// # Safety
///
/// As the module says; `W ≤ job.size ≤ 2 W`.
#[inline(always)]
unsafe fn short<const W: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let rest = job.size - W;
    if rest == 0 {
        for (from, to) in steps(src, dst, job.row()) {
            // SAFETY: *reach*.
            unsafe { copy::<W>(from, to) };
        }
        return;
    }
    for (from, to) in steps(src, dst, job.row()) {
        // SAFETY: *reach*.
        let first = unsafe { from.cast::<[u8; W]>().read() };
        // SAFETY: *reach*.
        let last = unsafe { from.wrapping_add(rest).cast::<[u8; W]>().read() };
        // SAFETY: *reach*.
        unsafe { to.cast::<[u8; W]>().write(first) };
        // SAFETY: *reach*.
        unsafe { to.wrapping_add(rest).cast::<[u8; W]>().write(last) };
    }
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

/// Bytes that are put together in the nearest cache before they are streamed: whatever the size of the items and the place of the
/// destination, every line of it is then written once.
const STAGE: usize = 4096;

/// Memory in the nearest cache, and the parts of a row that fill it.
#[repr(align(64))]
pub(super) struct Stage([MaybeUninit<u8>; STAGE]);

impl Stage {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self([MaybeUninit::uninit(); STAGE])
    }

    #[inline(always)]
    pub(super) const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// Whether one item at least finds room.
    #[inline(always)]
    pub(super) const fn has_room(size: usize) -> bool {
        size <= STAGE
    }

    /// The parts of the last axis of a job with a contiguous destination: where each comes from, where it goes, and the job for it.
    #[inline(always)]
    pub(super) fn parts<'a>(src: *const u8, dst: *mut u8, job: &Job<'a>) -> Parts<'a> {
        let whole = Job { stream: false, ..*job };
        let (rest, most) = (job.row().len, STAGE / job.size);
        Parts {
            src,
            dst,
            whole,
            rest,
            most,
        }
    }
}

pub(super) struct Parts<'a> {
    src: *const u8,
    dst: *mut u8,
    whole: Job<'a>,
    rest: usize,
    most: usize,
}

impl<'a> Iterator for Parts<'a> {
    type Item = (*const u8, *mut u8, Job<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest == 0 {
            return None;
        }
        let len = self.rest.min(self.most);
        let (from, to, mut part) = (self.src, self.dst, self.whole);
        part.axes[2].len = len;
        self.rest -= len;
        self.src = from.wrapping_offset(part.row().src.wrapping_mul(len.cast_signed()));
        self.dst = to.wrapping_add(len * part.size);
        Some((from, to, part))
    }
}
