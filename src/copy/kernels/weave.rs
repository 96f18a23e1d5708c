//! Two to four streams, interleaved and back: pixels and their planes, pairs, every third item.
//!
//! ```text
//!   woven:  a b c a b c a b c ...       streams:  a a a ...
//!                                                 b b b ...
//!                                                 c c c ...
//! ```
//!
//! As many bytes of the woven side as make a line of each stream are loaded at once, and each line of the other side is picked out of them,
//! byte by byte, by a permutation known beforehand.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*.
#![allow(unsafe_code)]

use super::ahead;
use super::job::Job;
use super::rows::turn;
use super::simd::{LINE, Simd};
use crate::copy::plan::Axis;

/// Most streams.
const MOST: usize = 4;

/// Where no byte comes from: a permutation leaves 0 there.
pub(super) const NOWHERE: u8 = 0x80;

/// The permutations for `K` streams of items of `N` bytes, in units of `U` bytes: byte `p` of unit `to` comes from byte `[to][from][p]` of
/// unit `from`, for one `from`.
pub(super) struct Places<const K: usize, const N: usize, const U: usize>;

impl<const K: usize, const N: usize, const U: usize> Places<K, N, U> {
    /// From `K` woven units to a unit of each stream.
    pub(super) const UNWEAVE: [[[u8; U]; K]; K] = Self::places(false);
    /// From a unit of each stream to `K` woven units.
    pub(super) const WEAVE: [[[u8; U]; K]; K] = Self::places(true);

    #[allow(clippy::cast_possible_truncation, reason = "places within 64 bytes")]
    const fn places(weave: bool) -> [[[u8; U]; K]; K] {
        let mut places = [[[NOWHERE; U]; K]; K];
        let mut at = 0;
        while at < K * U {
            // Byte `at` of the woven units is one of item `at / N`, which is the next of its stream.
            let (item, byte) = (at / N, at % N);
            let (stream, offset) = (item % K, item / K * N + byte);
            if weave {
                places[at / U][stream][at % U] = offset as u8;
            } else {
                places[stream][at / U][offset] = (at % U) as u8;
            }
            at += 1;
        }
        places
    }
}

/// How many streams are woven into memory in which the next item of the same stream is `stride` bytes further, if it is for this module.
#[inline(always)]
fn ways(stride: isize, size: usize) -> Option<usize> {
    let ways = stride.unsigned_abs() / size;
    let exact = stride > 0 && ways * size == stride.unsigned_abs();
    (exact && (2..=MOST).contains(&ways)).then_some(ways)
}

/// A transpose, if one of its matrices' extents is that small and woven. Says whether it was.
///
/// # Safety
///
/// As the module says; the job is that of a transpose of items of `N` bytes.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) -> bool {
    let [batch, across, along] = job.axes;
    let item = N.cast_signed();
    if across.src != item || along.dst != item {
        return false;
    }
    let unweave = ways(along.src, N).filter(|&ways| across.len <= ways);
    let weave = ways(across.dst, N).filter(|&ways| along.len == ways);
    let (mut src, mut dst) = (src, dst);
    for _ in 0..batch.len {
        match (unweave, weave) {
            // SAFETY: *reach*.
            (Some(2), _) => unsafe { from_woven::<S, 2, N>(src, dst, job) },
            // SAFETY: *reach*.
            (Some(3), _) => unsafe { from_woven::<S, 3, N>(src, dst, job) },
            // SAFETY: *reach*.
            (Some(_), _) => unsafe { from_woven::<S, 4, N>(src, dst, job) },
            // SAFETY: *reach*.
            (None, Some(2)) => unsafe { to_woven::<S, 2, N>(src, dst, job) },
            // SAFETY: *reach*.
            (None, Some(3)) => unsafe { to_woven::<S, 3, N>(src, dst, job) },
            // SAFETY: *reach*.
            (None, Some(_)) => unsafe { to_woven::<S, 4, N>(src, dst, job) },
            (None, None) => return false,
        }
        src = src.wrapping_offset(batch.src);
        dst = dst.wrapping_offset(batch.dst);
    }
    true
}

/// Every second, third or fourth item. Says whether it was that.
///
/// # Safety
///
/// As the module says; the job is that of a gather of items of `N` bytes.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) -> bool {
    let one = Job {
        axes: [
            Axis::ONCE,
            Axis {
                src: N.cast_signed(),
                ..Axis::ONCE
            },
            job.row(),
        ],
        ..*job
    };
    // SAFETY: *reach*.
    unsafe { transpose::<S, N>(src, dst, &one) }
}

/// `across.len` of the `K` streams woven at `src`.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn from_woven<S: Simd, const K: usize, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [_, across, along] = job.axes;
    let per_line = LINE / N;
    let head = dst.addr().wrapping_neg() % LINE;
    let aligned = head.is_multiple_of(N) && across.dst.unsigned_abs().is_multiple_of(LINE) | (across.len == 1);
    let stream = job.stream && aligned && head / N <= along.len;
    let head = if stream { head / N } else { 0 };
    // Behind the last items that count, memory may end.
    let spare = usize::from(across.len < K);
    // SAFETY: *reach*.
    unsafe { singles::<N>(src, dst, job, 0..head) };
    let mut done = head;
    while along.len - done >= per_line + spare {
        let (from, mut to) = (src.wrapping_add(done * K * N), [std::ptr::null_mut(); K]);
        let mut at = dst.wrapping_add(done * N);
        if stream {
            ahead::lines(from, K * LINE);
        }
        for to in to.iter_mut().take(across.len) {
            *to = at;
            at = at.wrapping_offset(across.dst);
        }
        // SAFETY: *reach*: all items up to the last line of them, and those between them.
        unsafe { S::unweave::<K, N>(from, &to[..across.len.min(K)], job.swap, stream) };
        done += per_line;
    }
    // SAFETY: *reach*.
    unsafe { singles::<N>(src, dst, job, done..along.len) };
}

/// `K` streams, woven at `dst`.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn to_woven<S: Simd, const K: usize, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    let [_, across, along] = job.axes;
    let per_line = LINE / N;
    // The first item of the first stream that begins a line.
    let head = (0..per_line.min(across.len)).find(|&item| dst.wrapping_add(item * K * N).addr().is_multiple_of(LINE));
    let stream = job.stream && head.is_some();
    let head = if stream { head.unwrap_or(0) } else { 0 };
    let mut rows = *job;
    rows.axes[1] = along;
    rows.axes[2] = across;
    // SAFETY: *reach*.
    unsafe { singles::<N>(src, dst, &rows, 0..head) };
    let mut done = head;
    while across.len - done >= per_line {
        let (mut from, to) = ([std::ptr::null(); K], dst.wrapping_add(done * K * N));
        let mut at = src.wrapping_add(done * N);
        for from in &mut from {
            *from = at;
            at = at.wrapping_offset(along.src);
        }
        // SAFETY: *reach*.
        unsafe { S::weave::<K, N>(&from, to, job.swap, stream) };
        done += per_line;
    }
    // SAFETY: *reach*.
    unsafe { singles::<N>(src, dst, &rows, done..across.len) };
}

/// Some of the items of the last axis, for each step of the one before.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn singles<const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>, items: std::ops::Range<usize>) {
    let [_, outer, inner] = job.axes;
    for item in items {
        let mut from = src.wrapping_offset(inner.src.wrapping_mul(item.cast_signed()));
        let mut to = dst.wrapping_offset(inner.dst.wrapping_mul(item.cast_signed()));
        for _ in 0..outer.len {
            // SAFETY: *reach*.
            unsafe { turn::<N>(from, to, job.swap) };
            from = from.wrapping_offset(outer.src);
            to = to.wrapping_offset(outer.dst);
        }
    }
}
