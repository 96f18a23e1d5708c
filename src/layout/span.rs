//! Which bytes a layout reaches. The one overflow argument of the crate lives here.

use std::ops::Range;

use super::{Layout, Unit};
use crate::error::LayoutError;

/// What a cheap look at the strides says about the items of one layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disjointness {
    /// No two items share a byte.
    Disjoint,
    /// The axis folds back: its stride is smaller than what the faster axes reach. Items may share bytes.
    MayOverlap {
        /// The axis.
        axis: usize,
        /// The smallest |stride| that would keep its items apart.
        expected: usize,
    },
}

impl Layout {
    /// Lowest and one past the highest **byte** that any item touches, counted from the start of the memory.
    ///
    /// Bytes count here even for packed items. Without items the range is empty. O(rank).
    #[must_use]
    #[doc(alias = "byte_bounds")]
    pub fn byte_span(&self) -> Range<usize> {
        let span = self.span();
        match self.unit {
            Unit::Byte => span,
            Unit::Bit if span.is_empty() => self.byte_offset()..self.byte_offset(),
            Unit::Bit => span.start / Unit::Byte.bits()..span.end.div_ceil(Unit::Byte.bits()),
        }
    }

    /// The byte in which the first item begins, counted from the start of the memory.
    #[must_use]
    pub fn byte_offset(&self) -> usize {
        match self.unit {
            Unit::Byte => self.offset,
            Unit::Bit => self.offset / Unit::Byte.bits(),
        }
    }

    /// As [`byte_span`](Self::byte_span), in the unit of the layout.
    ///
    /// It cannot overflow: by the invariant *span* both ends lie in `0..=isize::MAX`, and each partial sum lies between them,
    /// because every term of one sum has the same sign.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        if self.is_empty() {
            return self.offset..self.offset;
        }
        let (below, above) = reach(self.shape(), self.strides()).expect("by the invariant *span*");
        self.offset - below..self.offset + above + self.itemsize
    }

    /// Checks *span*.
    pub(super) fn check_span(&self) -> Result<(), LayoutError> {
        if self.is_empty() {
            return Ok(());
        }
        let ends = reach(self.shape(), self.strides()).and_then(|(below, above)| {
            let lowest = self.offset.checked_sub(below)?;
            let highest = self.offset.checked_add(above)?.checked_add(self.itemsize)?;
            isize::try_from(highest).ok().map(|_| lowest)
        });
        match ends {
            Some(_) => Ok(()),
            None => Err(self.out_of_bounds()),
        }
    }

    /// The ends of a span that no address can hold; saturating, because 64 axes of 2⁶³ × 2⁶³ exceed every integer.
    #[cold]
    fn out_of_bounds(&self) -> LayoutError {
        let offset = isize::try_from(self.offset).unwrap_or(isize::MAX);
        let (mut lowest, mut highest) = (offset, self.offset.saturating_add(self.itemsize));
        for (&dim, &stride) in self.shape().iter().zip(self.strides()) {
            let steps = isize::try_from(dim - 1).unwrap_or(isize::MAX);
            lowest = lowest.saturating_add(stride.min(0).saturating_mul(steps));
            highest = highest.saturating_add(stride.max(0).unsigned_abs().saturating_mul(dim - 1));
        }
        LayoutError::OutOfBounds {
            lowest,
            highest,
            available: isize::MAX.unsigned_abs(),
        }
    }

    /// Checks that every item lies inside of `len` bytes of memory.
    ///
    /// # Errors
    ///
    /// [`LayoutError::OutOfBounds`] with the bytes reached.
    pub fn check_within(&self, len: usize) -> Result<(), LayoutError> {
        let span = self.byte_span();
        if self.is_empty() || span.end <= len {
            return Ok(());
        }
        Err(LayoutError::OutOfBounds {
            lowest: span.start.cast_signed(),
            highest: span.end,
            available: len,
        })
    }

    /// Whether the items are disjoint, as far as nesting tells: sorted by |stride|, each axis must step over everything that
    /// the faster axes reach.
    ///
    /// [`Disjointness::Disjoint`] is certain. The other answer is not: interleaved layouts exist that are disjoint without
    /// being nested. O(rank²), no allocation up to rank 64.
    #[must_use]
    pub fn disjointness(&self) -> Disjointness {
        if self.is_empty() || self.itemsize == 0 {
            return Disjointness::Disjoint;
        }
        let mut reach = self.itemsize;
        let mut done = 0_u64;
        for _ in 0..self.ndim() {
            let Some((axis, stride)) = self.fastest_axis_outside(done) else {
                break;
            };
            done |= 1 << axis;
            if stride < reach {
                return Disjointness::MayOverlap { axis, expected: reach };
            }
            reach += (self.shape()[axis] - 1) * stride;
        }
        Disjointness::Disjoint
    }

    /// The axis of more than one item with the smallest |stride|, outside of the set `done`.
    fn fastest_axis_outside(&self, done: u64) -> Option<(usize, usize)> {
        (0..self.ndim())
            .filter(|&axis| done & (1 << axis) == 0 && self.shape()[axis] > 1)
            .map(|axis| (axis, self.strides()[axis].unsigned_abs()))
            .min_by_key(|&(_, stride)| stride)
    }
}

/// How far the first bytes of the items reach below and above that of the first item, or `None` if an address cannot say. No dimension is 0.
#[inline]
pub(super) fn reach(shape: &[usize], strides: &[isize]) -> Option<(usize, usize)> {
    let (mut below, mut above) = (0_usize, 0_usize);
    for (&dim, &stride) in shape.iter().zip(strides) {
        if dim > 1 {
            let reach = stride.unsigned_abs().checked_mul(dim - 1)?;
            let side = if stride < 0 { &mut below } else { &mut above };
            *side = side.checked_add(reach)?;
        }
    }
    Some((below, above))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;

    #[test]
    fn spans_reach_both_ways() {
        let layout = Layout::strided(&[3, 4], &[-32, 8], 64, &DType::F64).unwrap();
        assert_eq!(layout.byte_span(), 0..96);
        assert_eq!(Layout::strided(&[], &[], 5, &DType::I32).unwrap().byte_span(), 5..9);
        assert_eq!(
            Layout::strided(&[2, 0], &[1 << 60, 3], 7, &DType::I32)
                .unwrap()
                .byte_span(),
            7..7
        );
        assert_eq!(Layout::strided(&[10], &[1], 6, &DType::BIT).unwrap().byte_span(), 0..2);
    }

    #[test]
    fn spans_beyond_the_address_space_are_errors() {
        let shape = vec![2; 64];
        for stride in [isize::MIN, isize::MAX] {
            let strides = vec![stride; 64];
            // 2⁶⁴ items are already too many; 2⁴⁰ of one byte are not.
            let error = Layout::strided(&shape[..40], &strides[..40], 0, &DType::U8).unwrap_err();
            assert!(matches!(error, LayoutError::OutOfBounds { .. }), "{error}");
        }
        let error = Layout::strided(&[2], &[-8], 7, &DType::U8).unwrap_err();
        assert!(matches!(error, LayoutError::OutOfBounds { lowest: -1, .. }), "{error}");
        assert!(Layout::strided(&[2], &[-7], 7, &DType::U8).is_ok());
    }

    #[test]
    fn nesting_decides_disjointness() {
        let disjoint = |shape: &[usize], strides: &[isize]| {
            Layout::strided(shape, strides, 1000, &DType::I32)
                .unwrap()
                .disjointness()
                == Disjointness::Disjoint
        };
        assert!(disjoint(&[3, 4], &[16, 4]));
        assert!(disjoint(&[4, 3], &[4, -16]));
        assert!(disjoint(&[3, 1], &[4, 0]));
        assert!(disjoint(&[0, 3], &[0, 0]));
        assert!(!disjoint(&[3, 4], &[0, 4]));
        assert!(!disjoint(&[3], &[2]));
        assert!(!disjoint(&[7, 4], &[4, 4]));
    }
}
