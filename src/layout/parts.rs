//! Parts of items: a layout of what lies at the same place in each.

use super::{Layout, MAX_NDIM, check_size};
use crate::error::LayoutError;

impl Layout {
    /// What lies `offset` units into each item: row-major arrays of `shape`, whose axes come behind the present ones, of items of
    /// `itemsize`. O(rank), without an allocation up to rank 6.
    ///
    /// The part lies inside of the item; the caller sees to that.
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankTooHigh`]; [`LayoutError::SizeOverflow`] for a shape with a 0 whose other sizes are beyond all bounds.
    pub(crate) fn part(&self, offset: usize, itemsize: usize, shape: &[usize]) -> Result<Self, LayoutError> {
        // A layout without items may begin anywhere.
        let offset = self.offset.wrapping_add(offset);
        if shape.is_empty() {
            return Ok(Self {
                offset,
                itemsize,
                ..self.clone()
            });
        }
        let ndim = self.ndim() + shape.len();
        if ndim > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim });
        }
        let mut axes = self.axes.clone();
        shape.iter().for_each(|&dim| axes.push(dim, 0));
        check_size(axes.shape(), itemsize)?;
        let (_, strides) = axes.parts_mut();
        let mut stride = itemsize;
        for (k, &dim) in shape.iter().enumerate().rev() {
            strides[self.ndim() + k] = stride.cast_signed();
            stride *= dim.max(1);
        }
        Ok(Self {
            axes,
            offset,
            itemsize,
            unit: self.unit,
        })
    }
}
