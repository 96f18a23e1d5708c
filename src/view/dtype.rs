//! The same bytes as items of another type, or with another meaning.

use std::sync::Arc;

use super::StridedView;
use crate::dtype::{DType, Logical};
use crate::error::{LayoutError, Result};

/// Other types of item over the same memory. Nothing is copied; O(rank), without an allocation up to rank 6.
impl StridedView<'_> {
    /// The same bytes as items of another type (NumPy's `view(dtype)`); no value is converted.
    ///
    /// Drops the logical meaning of the items.
    ///
    /// # Errors
    ///
    /// As [`Layout::with_itemsize`](crate::Layout::with_itemsize); packed items are refused unless the type is the same.
    pub fn view_as(&self, dtype: DType) -> Result<Self> {
        let mut result = self.clone();
        if dtype != self.dtype {
            if dtype.is_packed() {
                let bits = usize::try_from(dtype.item_bits()).unwrap_or(usize::MAX);
                return Err(LayoutError::PackedItems { bits }.into());
            }
            result.layout = self.layout.with_itemsize(dtype.itemsize())?;
            result.dtype = dtype;
        }
        Ok(result.into_storage())
    }

    /// The same view with a meaning attached to its items.
    #[must_use]
    pub fn with_logical(mut self, logical: Logical) -> Self {
        self.logical = Some(Arc::new(logical));
        self
    }

    /// The same view without what its items mean: times become integers, decimals their unscaled digits.
    #[must_use]
    pub fn into_storage(mut self) -> Self {
        self.logical = None;
        self
    }
}
