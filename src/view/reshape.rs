//! Other shapes of the same items.

use super::StridedView;
use crate::error::Result;
use crate::layout::{Axes, Dim};
use crate::memory::Order;

/// The same items in other shapes. Nothing is copied; O(rank), without an allocation up to rank 6.
impl StridedView<'_> {
    /// The same items in another shape, in row-major order, without a copy.
    ///
    /// # Errors
    ///
    /// As [`Layout::reshape`](crate::Layout::reshape); [`LayoutError::ReshapeBlocked`](crate::LayoutError::ReshapeBlocked) says which axes only a copy could merge.
    #[inline(always)]
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        Ok(self.reshaped(self.layout.reshaped(shape, Order::C)?))
    }

    /// As [`reshape`](Self::reshape), in either order, with one dimension left open.
    ///
    /// ```
    /// use viewbridge::{Dim, Order, StridedView};
    ///
    /// let a = StridedView::from_vec(vec![0_u8; 12]);
    /// assert_eq!(a.reshape_with(&[Dim::Size(3), Dim::Rest], Order::F)?.strides(), [1, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::reshape`](crate::Layout::reshape).
    #[inline(always)]
    pub fn reshape_with(&self, shape: &[Dim], order: Order) -> Result<Self> {
        Ok(self.reshaped(self.layout.reshaped(shape, order)?))
    }

    #[inline(always)]
    fn reshaped(&self, axes: Axes) -> Self {
        self.with_layout(self.layout.with_axes(axes, self.layout.offset()))
    }
}
