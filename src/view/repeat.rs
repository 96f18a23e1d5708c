//! Views that show items more than once, and are read-only therefore.

use super::StridedView;
use crate::error::Result;

/// Items seen more than once. Nothing is copied; O(rank), without an allocation up to rank 6.
impl StridedView<'_> {
    /// Repeated to a larger shape with strides of 0. The result is read-only.
    ///
    /// # Errors
    ///
    /// As [`Layout::broadcast_to`](crate::Layout::broadcast_to).
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        let mut result = self.with_layout(self.layout.broadcast_to(shape)?);
        result.buffer = result.buffer.into_read_only();
        Ok(result)
    }
}
