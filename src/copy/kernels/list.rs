//! Many small axes: the offsets of the items of the innermost ones are listed once, and the others walked with the list.
//!
//! ```text
//!   source ──whole lines──► a buffer ──item by item──► another ──whole lines──► destination
//! ```
//!
//! Axes of 2, with strides that are powers of two, are what such arrays are made of: a few dozen places, each some lines long, all of which claim the
//! same few places of the caches and push each other out. So the lines of the source are put side by side first, those of the destination leave
//! when they are complete, and items are moved one by one only between two buffers that the nearest cache holds.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, with the offsets of the list added to each step; *supported*. *packed*: [`Packing::new`] numbers
//! the items of a list by their places in two buffers, which have room for all of them.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use smallvec::SmallVec;

use super::ahead;
use super::job::{Job, Kernel, WIDEST};
use super::rows::turn;
use super::runs::{copy, line, lines, put, steps};
use super::simd::{LINE, Simd};
use crate::copy::classify::LONGEST_LIST;
use crate::copy::plan::{Axis, for_each};

/// Bytes of the longest list of the widest items.
const BUFFER: usize = LONGEST_LIST * WIDEST;

/// Fewer items than this are no trouble to the caches.
const FEWEST: usize = 256;

/// Lists the offsets of the last `listed` axes, and walks the others with them.
///
/// # Safety
///
/// As the module says, of `src` and `dst` and the axes.
pub(super) unsafe fn execute(
    kernel: Kernel,
    axes: &[Axis],
    listed: usize,
    (src, dst): (*const u8, *mut u8),
    job: Job<'_>,
) {
    let (walked, listed) = axes.split_at(axes.len() - listed);
    let mut list: SmallVec<[(isize, isize); LONGEST_LIST]> = SmallVec::new();
    let packing = Packing::new(listed, job.size);
    let numbered = packing.as_ref().map_or(listed, |packing| &packing.axes);
    for_each(numbered, (0, 0), |s, d| list.push((s.cast_signed(), d.cast_signed())));
    let job = Job {
        list: &list,
        packing: packing.as_ref(),
        ..job
    };
    let run = |s: usize, d: usize, job: &Job<'_>| {
        // SAFETY: *reach*; *supported*.
        unsafe { kernel(src.wrapping_add(s), dst.wrapping_add(d), job) };
    };
    if packing.is_none() {
        let (&row, outer) = walked.split_last().unwrap_or((&Axis::ONCE, &[]));
        let axes = [Axis::ONCE, Axis::ONCE, row];
        return for_each(outer, (0, 0), |s, d| run(s, d, &Job { axes, ..job }));
    }
    // One step behind, so that each step knows where the next one reads.
    let mut last = None;
    let mut step = |s: usize, d: usize| {
        if let Some((from, to)) = last.replace((s, d)) {
            let next = s.wrapping_sub(from).cast_signed();
            run(from, to, &Job { next, ..job });
        }
    };
    for_each(walked, (0, 0), &mut step);
    step(0, 0);
}

/// One side of a list: the places that whole lines come from or go to.
struct Side {
    /// Offsets of the places.
    places: SmallVec<[isize; BUFFER / LINE]>,
    /// Bytes of each: whole lines.
    bytes: usize,
    /// The distance of the listed axes in the buffer in which the places lie side by side.
    strides: SmallVec<[isize; 16]>,
}

impl Side {
    /// `None` if places are no whole lines.
    fn new(listed: &[Axis], size: usize, stride: impl Fn(&Axis) -> isize) -> Option<Self> {
        let (mut bytes, mut strides) = (size, SmallVec::<[isize; 16]>::from_elem(0, listed.len()));
        while let Some(k) = (0..listed.len()).find(|&k| strides[k] == 0 && stride(&listed[k]) == bytes.cast_signed()) {
            strides[k] = bytes.cast_signed();
            bytes *= listed[k].len;
        }
        let apart: SmallVec<[usize; 16]> = (0..listed.len()).filter(|&k| strides[k] == 0).collect();
        let mut next = bytes;
        for &k in apart.iter().rev() {
            strides[k] = next.cast_signed();
            next *= listed[k].len;
        }
        let axis = |&k: &usize| Axis {
            len: listed[k].len,
            src: stride(&listed[k]),
            dst: 0,
        };
        let (axes, mut places) = (
            apart.iter().map(axis).collect::<SmallVec<[Axis; 16]>>(),
            SmallVec::new(),
        );
        for_each(&axes, (0, 0), |offset, _| places.push(offset.cast_signed()));
        bytes.is_multiple_of(LINE).then_some(Self { places, bytes, strides })
    }
}

/// How a list is carried out by way of two buffers.
pub(super) struct Packing {
    src: Side,
    dst: Side,
    /// The listed axes as they lie in the buffers.
    axes: SmallVec<[Axis; 16]>,
}

impl std::fmt::Debug for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packing")
            .field("axes", &self.axes)
            .finish_non_exhaustive()
    }
}

impl Packing {
    /// `None` if the list is better off without, or its items are moved by [`list_any`].
    fn new(listed: &[Axis], size: usize) -> Option<Self> {
        let items: usize = listed.iter().map(|axis| axis.len).product();
        if !(FEWEST..=LONGEST_LIST).contains(&items) || size > WIDEST || !size.is_power_of_two() {
            return None;
        }
        let src = Side::new(listed, size, |axis| axis.src)?;
        let dst = Side::new(listed, size, |axis| axis.dst)?;
        let strides = src.strides.iter().zip(&dst.strides);
        let axes = listed.iter().zip(strides).map(|(axis, (&src, &dst))| Axis {
            len: axis.len,
            src,
            dst,
        });
        let axes = axes.collect();
        Some(Self { src, dst, axes })
    }
}

#[repr(align(64))]
struct Buffer([MaybeUninit<u8>; BUFFER]);

impl Buffer {
    const fn new() -> Self {
        Self([MaybeUninit::uninit(); BUFFER])
    }

    const fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// The items of a list, around each step of the last axis.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn list<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if let Some(packing) = job.packing {
        // SAFETY: *reach*.
        return unsafe { packed::<S, N>(src, dst, job, packing) };
    }
    for (from, to) in steps(src, dst, job.row()) {
        // SAFETY: *reach*.
        unsafe { items::<N>(from, to, job) };
    }
}

/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn items<const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    if job.swap == 1 {
        for &(s, d) in job.list {
            // SAFETY: *reach*.
            unsafe { copy::<N>(src.wrapping_offset(s), dst.wrapping_offset(d)) };
        }
    } else {
        for &(s, d) in job.list {
            // SAFETY: *reach*.
            unsafe { turn::<N>(src.wrapping_offset(s), dst.wrapping_offset(d), job.swap) };
        }
    }
}

/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn packed<S: Simd, const N: usize>(src: *const u8, dst: *mut u8, job: &Job<'_>, packing: &Packing) {
    let (mut sources, mut results) = (Buffer::new(), Buffer::new());
    let (sources, results) = (sources.start(), results.start());
    let (mut at, bytes) = (sources, packing.src.bytes);
    for &place in &packing.src.places {
        for part in (0..bytes).step_by(LINE) {
            let from = src.wrapping_offset(place).wrapping_add(part);
            ahead::exactly(from.wrapping_offset(job.next));
            // SAFETY: *reach*; *packed*.
            unsafe { line::<S>(from, at, 1, false) };
            at = at.wrapping_add(LINE);
        }
    }
    // SAFETY: *packed*.
    unsafe { items::<N>(sources, results, job) };
    let (mut at, bytes) = (results.cast_const(), packing.dst.bytes);
    for &place in &packing.dst.places {
        let to = dst.wrapping_offset(place);
        let stream = job.stream && to.addr().is_multiple_of(LINE);
        for part in (0..bytes).step_by(LINE) {
            // SAFETY: *packed*: written by the list.
            let line = unsafe { S::load(at) };
            // SAFETY: *reach*.
            unsafe { put::<S>(to.wrapping_add(part), line, stream) };
            at = at.wrapping_add(LINE);
        }
    }
}

/// As [`list`], with items of any size.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn list_any<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) {
    for (from, to) in steps(src, dst, job.row()) {
        for &(s, d) in job.list {
            let (from, to) = (from.wrapping_offset(s), to.wrapping_offset(d));
            // SAFETY: *reach*.
            unsafe { lines::<S>(from, to, job.size, job.swap, false) };
        }
    }
}
