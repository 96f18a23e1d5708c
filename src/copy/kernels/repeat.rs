//! One item over and over.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use super::job::Job;
use super::runs::{lines, put, scattered};
use super::simd::{LINE, Simd};

/// The longest item that is made a pattern of lines; a longer one is copied again and again.
const LONGEST: usize = 64;

/// So many lines hold a whole number of the longest items, and one more, so that a pattern can begin anywhere in its first line.
#[repr(align(64))]
struct Pattern([u8; (LONGEST + 1) * LINE]);

/// The item at `src` at each step of a contiguous destination. A pattern of whole lines is made once, and nothing is read but that.
///
/// # Safety
///
/// As the module says; the strides are 0 and the size of an item.
#[inline(always)]
pub(super) unsafe fn repeat<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let size = job.size;
    let bytes = size * job.row().len;
    if size > LONGEST || bytes < 2 * LINE {
        // SAFETY: *reach*.
        return unsafe { scattered_or_single::<S>(src, dst, job) };
    }
    let head = dst.align_offset(LINE);
    // Behind so many lines the pattern begins again.
    let period = size >> size.trailing_zeros().min(LINE.trailing_zeros());
    let mut pattern = Pattern([0; (LONGEST + 1) * LINE]);
    let pattern = pattern.0.as_mut_ptr();
    let filled = (period + 1) * LINE;
    // SAFETY: *reach*; an item is no longer than a line.
    unsafe { lines::<S>(src, pattern, size, job.swap, false) };
    let mut have = size;
    while have < filled {
        let more = have.min(filled - have);
        // SAFETY: the pattern has room for `filled` bytes, of which `have` are written.
        unsafe { pattern.wrapping_add(have).copy_from_nonoverlapping(pattern, more) };
        have += more;
    }
    // SAFETY: *reach*; the head is shorter than a line.
    unsafe { dst.copy_from_nonoverlapping(pattern, head) };
    let (mut done, mut at) = (head, head);
    while bytes - done >= LINE {
        // SAFETY: the pattern has `period` lines from `head` on.
        let line = unsafe { S::load(pattern.wrapping_add(at)) };
        // SAFETY: *reach*; the head has brought `dst` to the start of a line.
        unsafe { put::<S>(dst.wrapping_add(done), line, job.stream) };
        done += LINE;
        at += LINE;
        if at == head + period * LINE {
            at = head;
        }
    }
    // SAFETY: *reach*; a whole line of the pattern is left, and fewer bytes than that.
    unsafe {
        dst.wrapping_add(done)
            .copy_from_nonoverlapping(pattern.wrapping_add(at), bytes - done)
    };
}

/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn scattered_or_single<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if job.size > 1 {
        // SAFETY: *reach*.
        unsafe { scattered::<S>(src, dst, job) };
    } else {
        // SAFETY: *reach*.
        let byte = unsafe { src.read() };
        // SAFETY: *reach*.
        unsafe { dst.write_bytes(byte, job.row().len) };
    }
}
