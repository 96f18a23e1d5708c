//! Basic indexing of views: integers, slices, an ellipsis, new axes.

use super::StridedView;
use crate::error::Result;
use crate::layout::{Index, Slice};

/// Parts of a view. Nothing is copied; O(rank), without an allocation up to rank 6.
impl StridedView<'_> {
    /// Basic indexing: NumPy's `a[indices]`.
    ///
    /// ```
    /// use viewbridge::{IndexExpr, StridedView, s};
    ///
    /// let a = StridedView::from_vec((0..12).collect::<Vec<i32>>()).reshape(&[3, 4])?;
    /// assert_eq!(a.index(&s![-1, ::-2])?.to_vec::<i32>()?, [11, 9]);
    /// assert_eq!(a.index(&"..., 0".parse::<IndexExpr>()?)?.to_vec::<i32>()?, [0, 4, 8]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::index`](crate::Layout::index).
    #[inline]
    pub fn index(&self, indices: &[Index]) -> Result<Self> {
        Ok(self.with_layout(self.layout.index(indices)?))
    }

    /// The view at one position of an axis, which disappears; negative positions count from the end.
    ///
    /// # Errors
    ///
    /// As [`Layout::index_axis`](crate::Layout::index_axis).
    #[inline(always)]
    pub fn index_axis(&self, axis: usize, position: isize) -> Result<Self> {
        let offset = self.layout.picked_offset(axis, position)?;
        Ok(self.with_layout(self.layout.without_axis(axis, offset)))
    }

    /// A slice along one axis: `view.slice_axis(0, 1..)`, `view.slice_axis(0, Slice::ALL.step_by(-1))`.
    ///
    /// # Errors
    ///
    /// As [`Layout::slice_axis`](crate::Layout::slice_axis).
    #[inline(always)]
    pub fn slice_axis(&self, axis: usize, slice: impl Into<Slice>) -> Result<Self> {
        let cut = self.layout.cut(axis, slice.into())?;
        Ok(self.with_layout(self.layout.with_cut(cut)))
    }
}
