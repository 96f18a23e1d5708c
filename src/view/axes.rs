//! Other axes over the same items.

use super::StridedView;
use crate::error::Result;

/// The same items along other axes. Nothing is copied; O(rank), without an allocation up to rank 6.
impl StridedView<'_> {
    /// The axes in another order: axis `k` of the result is axis `axes[k]` of this view.
    ///
    /// # Errors
    ///
    /// As [`Layout::permute`](crate::Layout::permute).
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.permute(axes)?))
    }

    /// The axes in reverse order (NumPy's `T`).
    #[must_use]
    pub fn transpose(&self) -> Self {
        self.with_layout(self.layout.reverse_axes())
    }

    /// One axis backwards.
    ///
    /// # Errors
    ///
    /// As [`Layout::flip`](crate::Layout::flip).
    pub fn flip(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.flip(axis)?))
    }

    /// With a new axis of size 1 before axis `axis` (NumPy's `np.newaxis`).
    ///
    /// # Errors
    ///
    /// As [`Layout::insert_axis`](crate::Layout::insert_axis).
    pub fn insert_axis(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.insert_axis(axis)?))
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
}
