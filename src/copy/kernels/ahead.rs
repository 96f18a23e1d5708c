//! Asking for memory before it is read.
//!
//! A processor sees where a stream of loads leads, but not past the end of a page, and not which lines of a strided source are left out. Asking
//! for lines early enough keeps as many of them on their way as it has room for. It pays where the source comes from memory, and costs where it
//! is in a cache already, so that only kernels that stream ask; nor do sources that are read without gaps gain anything.
//!
//! # Safety
//!
//! The one unsafe call is a hint: it follows no pointer that the program could see.
#![allow(unsafe_code)]

use super::simd::LINE;
use crate::copy::plan::Axis;

/// How far ahead, in bytes: two pages. A quarter of that is too late, four times as much no better.
const AHEAD: isize = 8192;

/// Asks for the line that a stream at `from`, each of whose steps is up or down, will come to in a while. Any address will do.
#[inline(always)]
pub(super) fn line(from: *const u8, down: bool) {
    exactly(from.wrapping_offset(if down { -AHEAD } else { AHEAD }));
}

/// Asks for the line that `place` lies in. Any address will do.
#[inline(always)]
pub(super) fn exactly(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; every processor of this architecture has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// As [`line`], for runs of `size` bytes along an axis. Where they lie closer than lines, none is left out, and the processor knows better.
#[inline(always)]
pub(super) fn runs(from: *const u8, row: Axis, size: usize) {
    if row.src.unsigned_abs() <= LINE {
        return;
    }
    let mut from = from;
    for _ in 0..row.len {
        // A run that does not begin with a line ends in one more.
        let start = from.wrapping_sub(from.addr() % LINE);
        for at in (0..from.addr() % LINE + size).step_by(LINE) {
            line(start.wrapping_add(at), row.src < 0);
        }
        from = from.wrapping_offset(row.src);
    }
}

/// As [`line`], for all lines of `bytes` bytes.
#[inline(always)]
pub(super) fn lines(from: *const u8, bytes: usize) {
    for at in (0..bytes).step_by(LINE) {
        line(from.wrapping_add(at), false);
    }
}
