//! One copy by several threads, each with a part of the destination.
//!
//! The parts are made of layouts, before anything is planned, so that each of them is planned and copied as if there were no others.
//!
//! # Safety
//!
//! *apart*: the items of a destination are disjoint, so that no two parts share a byte; packed items are cut only where [`cut`] finds a place
//! at which parts begin with bytes of their own. Sources are only read.
#![allow(unsafe_code)]

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::copy::{CopyPlan, execute_part};
use crate::dtype::DType;
use crate::layout::{Disjointness, Layout, Slice, Unit};

/// So many bytes per thread at least: with less, one is done before another has woken up.
const PART: usize = 4 << 20;

/// Threads should not write to the same line of a cache.
const LINE: usize = 64;

/// How many steps away from the middle a better place to cut is looked for: enough for any stride to come to a line.
const WINDOW: usize = LINE * 8;

/// The two memories of a copy.
#[derive(Clone, Copy)]
pub(super) struct Job<'d> {
    pub(super) dtypes: (&'d DType, &'d DType),
    pub(super) src: *const u8,
    pub(super) dst: *mut u8,
    /// Bytes of the destination in all.
    pub(super) whole: usize,
}

// SAFETY: *apart*.
unsafe impl Send for Job<'_> {}
// SAFETY: *apart*.
unsafe impl Sync for Job<'_> {}

/// How many threads should share a copy of so many bytes.
pub(super) fn threads_for(bytes: usize) -> usize {
    match bytes / PART {
        0 | 1 => 1,
        parts => parts.min(rayon::current_num_threads()),
    }
}

impl Job<'_> {
    /// Copies from one layout to another of the same shape, in so many parts.
    ///
    /// # Safety
    ///
    /// As [`execute`](crate::copy::execute).
    pub(super) unsafe fn run(self, from: &Layout, to: &Layout, parts: usize) {
        let cut = if parts > 1 {
            cut(to, self.dst.addr(), parts)
        } else {
            None
        };
        let Some((axis, at)) = cut else {
            let (src, dst) = self.dtypes;
            if let Some(plan) = CopyPlan::new((src, from), (dst, to)) {
                // SAFETY: the caller's promise.
                unsafe { execute_part(&plan, self.whole, self.src, self.dst) };
            }
            return;
        };
        let halves = |layout: &Layout| {
            let half = |range: Slice| layout.slice_axis(axis, range).expect("the cut lies within the axis");
            (half((..at).into()), half((at..).into()))
        };
        let (from, to) = (halves(from), halves(to));
        let few = parts / 2;
        rayon::join(
            // SAFETY: *apart*, and the caller's promise for each part.
            || unsafe { self.run(&from.0, &to.0, few) },
            // SAFETY: as above.
            || unsafe { self.run(&from.1, &to.1, parts - few) },
        );
    }
}

/// Where to cut a destination, whose memory begins at `address`, so that `parts / 2` of `parts` parts of equal size lie on one side: an axis,
/// and the position on it with which the other side begins. `None` if it cannot be cut.
fn cut(to: &Layout, address: usize, parts: usize) -> Option<(usize, usize)> {
    let axis = axis_to_cut(to, parts)?;
    let (len, stride) = (to.shape()[axis], to.strides()[axis]);
    let middle = (len.saturating_mul(parts / 2) / parts).clamp(1, len - 1);
    // In the unit of the layout, of which a line has so many.
    let per_byte = 8 / to.unit().bits();
    let line = LINE * per_byte;
    let step = stride.rem_euclid(line.cast_signed()).cast_unsigned();
    // Where strides are negative, the first part is the higher one.
    let border = |at: usize| at - usize::from(stride < 0);
    let past_line = |at: usize| (address % LINE * per_byte + to.offset() % line + border(at) % line * step) % line;
    let near = (0..WINDOW)
        .flat_map(|distance| [middle.checked_sub(distance), middle.checked_add(distance)])
        .flatten()
        .filter(|at| (1..len).contains(at));
    let fits = |unit: usize| near.clone().find(|&at| past_line(at).is_multiple_of(unit));
    let at = fits(line).or_else(|| if to.unit() == Unit::Bit { fits(8) } else { Some(middle) });
    Some((axis, at?))
}

/// The axis of the largest steps that is long enough for parts of equal size, or else that of the largest steps.
fn axis_to_cut(to: &Layout, parts: usize) -> Option<usize> {
    let mut axes: SmallVec<[usize; 8]> = (0..to.ndim()).filter(|&axis| to.shape()[axis] > 1).collect();
    axes.sort_by_key(|&axis| Reverse(to.strides()[axis].unsigned_abs()));
    if to.unit() == Unit::Bit {
        // Parts have bytes of their own if the slower axes step from byte to byte, and the items of the faster ones lie between two steps.
        let whole = |axis: &&usize| to.offset().is_multiple_of(8) && to.strides()[**axis] % 8 == 0;
        axes.truncate(axes.iter().take_while(whole).count() + 1);
        axes.retain(|axis| to.strides()[*axis] > 0);
        if to.disjointness() != Disjointness::Disjoint {
            return None;
        }
    }
    let long = |axis: &usize| to.shape()[*axis] >= parts.saturating_mul(8);
    axes.iter().copied().find(long).or(axes.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Order;
    use std::collections::BTreeSet;

    fn compact(shape: &[usize], dtype: &DType) -> Layout {
        Layout::contiguous(shape, dtype, Order::C).unwrap()
    }

    #[test]
    fn parts_begin_with_lines_where_they_can() {
        // 1003 * 12 bytes are no whole lines; 16 rows are.
        let rows = compact(&[5000, 1003], &DType::raw(12));
        assert_eq!(cut(&rows, 0, 2), Some((0, 2496)));
        assert_eq!(cut(&rows, 8, 2), Some((0, 2494)));
        let one = compact(&[1 << 20], &DType::U8);
        assert_eq!(cut(&one, 0, 2), Some((0, 1 << 19)));
        assert_eq!(cut(&one, 1, 2), Some((0, (1 << 19) - 1)));
        assert_eq!(cut(&one, 0, 3), Some((0, 349_504))); // one of three, to the line
        // No row but the first begins with a line.
        let odd = Layout::strided(&[100], &[64], 3, &DType::U8).unwrap();
        assert_eq!(cut(&odd, 0, 2), Some((0, 50)));
    }

    #[test]
    fn few_rows_are_cut_across() {
        assert_eq!(cut(&compact(&[3, 1 << 20], &DType::F32), 0, 2), Some((1, 1 << 19)));
        assert_eq!(cut(&compact(&[2, 2, 2], &DType::F32), 0, 2), Some((0, 1)));
        assert_eq!(cut(&compact(&[1, 1], &DType::F32), 0, 2), None);
        assert_eq!(
            cut(&compact(&[1000, 1000], &DType::F32).flip(0).unwrap(), 0, 4),
            Some((0, 500))
        );
    }

    #[test]
    fn bits_are_cut_between_bytes() {
        assert_eq!(cut(&compact(&[10_000], &DType::BIT), 0, 2), Some((0, 5120)));
        let shifted = Layout::strided(&[10_000], &[1], 3, &DType::BIT).unwrap();
        assert_eq!(cut(&shifted, 0, 2), Some((0, 5120 - 3)));
        // 100 rows of 33 bits: each eighth begins with a byte.
        assert_eq!(cut(&compact(&[100, 33], &DType::BIT), 0, 2), Some((0, 48)));
        // Seven rows that never do, and cannot be cut across.
        assert_eq!(cut(&compact(&[7, 33], &DType::BIT), 0, 2), None);
        // Rows of whole bytes can.
        assert_eq!(cut(&compact(&[3, 8000], &DType::BIT), 0, 2), Some((1, 4096)));
        // Not so if they begin inside of bytes: the end of one and the beginning of the next would go to different threads.
        let shifted = Layout::strided(&[3, 8000], &[8000, 1], 4, &DType::BIT).unwrap();
        assert_eq!(cut(&shifted, 0, 2), None);
        // Backwards, or one in another: left alone.
        assert_eq!(cut(&compact(&[10_000], &DType::BIT).flip(0).unwrap(), 0, 2), None);
        let interleaved = Layout::strided(&[3, 5], &[5, 3], 0, &DType::BIT).unwrap();
        assert_eq!(cut(&interleaved, 0, 2), None);
    }
    #[test]
    fn no_byte_belongs_to_two_parts() {
        let strides: [&[isize]; 6] = [&[1, 9], &[9, 1], &[16, 1], &[1, 16], &[24, 3], &[40, -2]];
        for (strides, offset) in strides
            .iter()
            .flat_map(|strides| (20..29).map(move |offset| (strides, offset)))
        {
            let layout = Layout::strided(&[9, 9], strides, offset, &DType::BIT).unwrap();
            let Some((axis, at)) = cut(&layout, 0, 2) else { continue };
            let bytes = |range: Slice| -> BTreeSet<usize> {
                layout
                    .slice_axis(axis, range)
                    .unwrap()
                    .offsets()
                    .map(|bit| bit / 8)
                    .collect()
            };
            let (first, second) = (bytes((..at).into()), bytes((at..).into()));
            assert!(first.is_disjoint(&second), "{layout:?} cut at {at} of axis {axis}");
        }
    }
}
