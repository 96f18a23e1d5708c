//! The way back: items written to positions of a list.

use super::{chosen, resolve, truth};
use crate::convert::{CopyRecord, CopyReport};
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

impl StridedViewMut<'_> {
    /// Overwrites the given positions of an axis, one after the other: NumPy's `a[positions] = source` for the first axis. The source is broadcast to the
    /// shape that [`take_axis`](StridedView::take_axis) would have; where a position occurs twice, the last one stays.
    ///
    /// ```
    /// use viewbridge::{StridedView, StridedViewMut};
    ///
    /// let mut a = StridedViewMut::from_vec(vec![0_i32; 6]).reshape(&[2, 3])?;
    /// a.put_axis(1, &[-1, 0], &StridedView::from_slice(&[7, 8]))?;
    /// assert_eq!(a.as_view().to_vec::<i32>()?, [8, 0, 7, 8, 0, 7]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AxisOutOfRange`](crate::LayoutError::AxisOutOfRange), [`IndexOutOfRange`](crate::LayoutError::IndexOutOfRange), before anything is
    /// written; those of [`assign`](Self::assign).
    #[doc(alias = "scatter")]
    pub fn put_axis(&mut self, axis: usize, positions: &[isize], source: &StridedView<'_>) -> Result<CopyReport> {
        let places = resolve(self.shape(), axis, positions)?;
        let mut shape = self.shape().to_vec();
        shape[axis] = places.len();
        let source = source.fit(&shape)?;
        if source.dtype() == self.dtype() {
            source.check_items(self.dtype())?;
        }
        for (k, place) in (0_isize..).zip(places) {
            let mut target = self.reborrow().index_axis(axis, place.cast_signed())?;
            let _ = source.index_axis(axis, k)?.copy_into(&mut target)?;
        }
        let bytes = Layout::contiguous(&shape, self.dtype(), Order::C)?.nbytes();
        let record = CopyRecord::of_items(bytes, vec![CopyReason::Requested]);
        Ok(CopyReport::copied(record))
    }

    /// Overwrites the items at which a mask is true: NumPy's `a[mask] = source`. The mask covers all axes or the first few; the source is broadcast to
    /// the shape that [`select`](StridedView::select) would have.
    ///
    /// ```
    /// use viewbridge::{StridedView, StridedViewMut};
    ///
    /// let mut a = StridedViewMut::from_vec(vec![1, -2, 3, -4]).reshape(&[2, 2])?;
    /// let negative = StridedView::from_slice(&[false, true, false, true]).reshape(&[2, 2])?;
    /// a.put(&negative, &StridedView::from_slice(&[0]))?;
    /// assert_eq!(a.as_view().to_vec::<i32>()?, [1, 0, 3, 0]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`select`](StridedView::select) for the mask, before anything is written; those of [`assign`](Self::assign).
    pub fn put(&mut self, mask: &StridedView<'_>, source: &StridedView<'_>) -> Result<CopyReport> {
        let covered = mask.ndim().min(self.shape().len());
        let mask = truth(mask, &self.shape()[..covered])?;
        let shape = [&[chosen(&mask)], &self.shape()[covered..]].concat();
        let source = source.fit(&shape)?;
        if source.dtype() == self.dtype() {
            source.check_items(self.dtype())?;
        }
        let (dtype, layout) = (self.dtype().clone(), self.layout().clone());
        let (dims, strides) = (&layout.shape()[covered..], &layout.strides()[covered..]);
        let starts = layout
            .leading_offsets(covered)
            .zip(&mask)
            .filter(|(_, chosen)| **chosen);
        for (k, (start, _)) in (0_isize..).zip(starts) {
            if source.is_empty() {
                break;
            }
            let block = Layout::strided(dims, strides, start, &dtype)?;
            let (buffer, ..) = self.as_view().into_parts();
            let mut target = StridedViewMut::of_part(StridedView::from_parts(buffer, dtype.clone(), block, None));
            let _ = source.index_axis(0, k)?.copy_into(&mut target)?;
        }
        let bytes = Layout::contiguous(&shape, &dtype, Order::C)?.nbytes();
        let record = CopyRecord::of_items(bytes, vec![CopyReason::Requested]);
        Ok(CopyReport::copied(record))
    }
}
