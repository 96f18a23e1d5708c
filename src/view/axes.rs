//! Other axes over the same items.

use super::StridedView;
use crate::error::Result;
use crate::layout::Slice;

/// The same items along other axes. Nothing is copied; O(rank), without an allocation up to rank 6.
///
/// Axes count from 0, and never from the end.
impl StridedView<'_> {
    /// The axes in another order: axis `k` of the result is axis `axes[k]` of this view.
    ///
    /// # Errors
    ///
    /// As [`Layout::permute`](crate::Layout::permute).
    #[inline(always)]
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        self.layout.check_permutation(axes)?;
        Ok(self.with_layout(self.layout.permuted(axes)))
    }

    /// The axes in reverse order (NumPy's `T`).
    #[must_use]
    #[inline(always)]
    pub fn transpose(&self) -> Self {
        self.with_layout(self.layout.reverse_axes())
    }

    /// Two axes in each other's place (NumPy's `swapaxes`).
    ///
    /// # Errors
    ///
    /// As [`Layout::swap_axes`](crate::Layout::swap_axes).
    #[doc(alias = "swapaxes")]
    pub fn swap_axes(&self, a: usize, b: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.swap_axes(a, b)?))
    }

    /// One axis to another place, the others in their order around it (NumPy's `moveaxis`).
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let pixels = StridedView::from_vec(vec![0_u8; 4 * 5 * 3]).reshape(&[4, 5, 3])?;
    /// let planes = pixels.move_axis(2, 0)?;
    /// assert_eq!((planes.shape(), planes.strides()), (&[3, 4, 5][..], &[1, 15, 3][..]));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::move_axis`](crate::Layout::move_axis).
    #[doc(alias = "moveaxis")]
    pub fn move_axis(&self, from: usize, to: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.move_axis(from, to)?))
    }

    /// Several axes, each to a place of its own, the others in their order around them (NumPy's `moveaxis`).
    ///
    /// # Errors
    ///
    /// As [`Layout::move_axes`](crate::Layout::move_axes).
    pub fn move_axes(&self, from: &[usize], to: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.move_axes(from, to)?))
    }

    /// One axis backwards.
    ///
    /// # Errors
    ///
    /// As [`Layout::flip`](crate::Layout::flip).
    #[inline]
    pub fn flip(&self, axis: usize) -> Result<Self> {
        self.slice_axis(axis, Slice::ALL.step_by(-1))
    }

    /// Several axes backwards.
    ///
    /// # Errors
    ///
    /// As [`Layout::flip_axes`](crate::Layout::flip_axes).
    pub fn flip_axes(&self, axes: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.flip_axes(axes)?))
    }

    /// All axes backwards.
    ///
    /// # Errors
    ///
    /// As [`Layout::flip_all`](crate::Layout::flip_all).
    pub fn flip_all(&self) -> Result<Self> {
        Ok(self.with_layout(self.layout.flip_all()?))
    }

    /// Turned by `turns` × 90° in the plane of two axes, from the first towards the second.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec(vec![1, 2, 3, 4]).reshape(&[2, 2])?;
    /// assert_eq!(a.rot90(1, (0, 1))?.to_vec::<i32>()?, [2, 4, 1, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::rot90`](crate::Layout::rot90).
    pub fn rot90(&self, turns: isize, plane: (usize, usize)) -> Result<Self> {
        Ok(self.with_layout(self.layout.rot90(turns, plane)?))
    }

    /// With a new axis of size 1 before axis `axis` (NumPy's `np.newaxis`).
    ///
    /// # Errors
    ///
    /// As [`Layout::insert_axis`](crate::Layout::insert_axis).
    pub fn insert_axis(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.insert_axis(axis)?))
    }

    /// With new axes of size 1, which are axes `axes` of the result (NumPy's `expand_dims`).
    ///
    /// # Errors
    ///
    /// As [`Layout::insert_axes`](crate::Layout::insert_axes).
    #[doc(alias = "expand_dims")]
    pub fn insert_axes(&self, axes: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.insert_axes(axes)?))
    }

    /// Without any axis of size 1.
    #[must_use]
    pub fn squeeze(&self) -> Self {
        self.with_layout(self.layout.squeeze())
    }

    /// Without one axis of size 1.
    ///
    /// # Errors
    ///
    /// As [`Layout::squeeze_axis`](crate::Layout::squeeze_axis).
    pub fn squeeze_axis(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.squeeze_axis(axis)?))
    }

    /// Without several axes of size 1.
    ///
    /// # Errors
    ///
    /// As [`Layout::squeeze_axes`](crate::Layout::squeeze_axes).
    pub fn squeeze_axes(&self, axes: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.squeeze_axes(axes)?))
    }
}
