//! Views that show items more than once, or along more axes than one: they are read-only.

use super::StridedView;
use crate::error::{LayoutError, Result};
use crate::layout::{Layout, Overlap, broadcast_shape};

/// What the search for items that share bytes may cost before a view is held to be one of overlapping items.
const SELF_OVERLAP_BUDGET: usize = 100;

/// Items seen more than once, read-only. Nothing is copied; O(rank), without an allocation up to rank 6.
impl<'a> StridedView<'a> {
    /// Repeated to a larger shape with strides of 0. The result is read-only.
    ///
    /// # Errors
    ///
    /// As [`Layout::broadcast_to`].
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        Ok(self.read_only_layout(self.layout.broadcast_to(shape)?))
    }

    /// Several views repeated to one common shape (NumPy's `broadcast_arrays`). The results are read-only.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let column = StridedView::from_vec(vec![10, 20]).reshape(&[2, 1])?;
    /// let row = StridedView::from_vec(vec![1, 2, 3]);
    /// let together = StridedView::broadcast_together(&[&column, &row])?;
    /// assert_eq!(together[0].to_vec::<i32>()?, [10, 10, 10, 20, 20, 20]);
    /// assert_eq!(together[1].to_vec::<i32>()?, [1, 2, 3, 1, 2, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`broadcast_shape`] and [`Layout::broadcast_to`].
    #[doc(alias = "broadcast_arrays")]
    pub fn broadcast_together(views: &[&Self]) -> Result<Vec<Self>> {
        let shapes: Vec<&[usize]> = views.iter().map(|view| view.shape()).collect();
        let shape = broadcast_shape(&shapes)?;
        views.iter().map(|view| view.broadcast_to(&shape)).collect()
    }

    /// All windows of some sizes: for each pair `(axis, size)` the axis counts where a window begins, and a new last axis counts the items in it
    /// (NumPy's `sliding_window_view`). The result is read-only.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec(vec![1, 2, 3, 4]);
    /// assert_eq!(a.sliding_windows(&[(0, 3)])?.to_vec::<i32>()?, [1, 2, 3, 2, 3, 4]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::sliding_windows`].
    #[doc(alias = "sliding_window_view")]
    pub fn sliding_windows(&self, windows: &[(usize, usize)]) -> Result<Self> {
        Ok(self.read_only_layout(self.layout.sliding_windows(windows)?))
    }

    /// The diagonal of two axes as a new last axis (NumPy's `diagonal`). The result is read-only.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..9).collect::<Vec<i32>>()).reshape(&[3, 3])?;
    /// assert_eq!(a.diagonal(0, 0, 1)?.to_vec::<i32>()?, [0, 4, 8]);
    /// assert_eq!(a.diagonal(-1, 0, 1)?.to_vec::<i32>()?, [3, 7]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::diagonal`].
    pub fn diagonal(&self, offset: isize, first: usize, second: usize) -> Result<Self> {
        Ok(self.read_only_layout(self.layout.diagonal(offset, first, second)?))
    }

    /// Any shape and strides over the same memory, as long as every byte of every item lies inside of it. The result is read-only if items
    /// overlap, or might.
    ///
    /// `strides` count bytes (bits for packed items), as does `offset`: from the first item of this view to that of the result. The memory is the
    /// whole buffer, whatever part of it this view shows.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec(vec![1_u16, 2, 3, 4, 5]).slice_axis(0, 1..)?;
    /// assert_eq!(a.as_strided(&[3, 2], &[2, 4], -2)?.to_vec::<u16>()?, [1, 3, 2, 4, 3, 5]);
    /// assert!(a.as_strided(&[3, 2], &[2, 4], 0).is_err()); // one item beyond the end
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::strided`]; [`LayoutError::OutOfBounds`] if an item would lie outside of the memory, by as little as a byte;
    /// [`Error::Confined`](crate::Error::Confined) for a part of a split view.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: isize) -> Result<Self> {
        let start = self.layout.offset();
        let moved = start.checked_add_signed(offset).ok_or(LayoutError::OutOfBounds {
            lowest: start.cast_signed().saturating_add(offset),
            highest: start,
            available: self.buffer.len(),
        })?;
        let layout = Layout::strided(shape, strides, moved, &self.dtype)?;
        self.buffer.check_reach(&layout)?;
        Ok(match layout.overlaps_itself(SELF_OVERLAP_BUDGET) {
            Overlap::Disjoint => self.with_layout(layout),
            Overlap::Shared | Overlap::TooHard => self.read_only_layout(layout),
        })
    }

    /// The same memory through another layout, not to be written.
    fn read_only_layout(&self, layout: Layout) -> Self {
        let mut result = self.with_layout(layout);
        result.buffer = result.buffer.into_read_only();
        result
    }
}
