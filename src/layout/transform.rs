//! Operations on axes: permute, flip, squeeze, insert, broadcast, and items of another size.

use super::{Dims, Layout, MAX_NDIM, Slice, Unit, check_size};
use crate::error::LayoutError;

impl Layout {
    /// The axes in another order: axis `k` of the result is axis `axes[k]` of this layout (NumPy's `transpose`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`], [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`].
    pub fn permute(&self, axes: &[usize]) -> Result<Self, LayoutError> {
        if axes.len() != self.ndim() {
            return Err(LayoutError::RankMismatch {
                expected: self.ndim(),
                found: axes.len(),
            });
        }
        let mut result = self.clone();
        let mut seen = 0_u64;
        for (k, &axis) in axes.iter().enumerate() {
            self.check_axis(axis)?;
            if seen & (1 << axis) != 0 {
                return Err(LayoutError::RepeatedAxis { axis });
            }
            seen |= 1 << axis;
            result.dims[k] = self.dims[axis];
            result.dims[self.ndim() + k] = self.dims[self.ndim() + axis];
        }
        Ok(result)
    }

    /// The axes in reverse order (NumPy's `T`).
    #[must_use]
    pub fn reverse_axes(&self) -> Self {
        let mut result = self.clone();
        let ndim = self.ndim();
        result.dims[..ndim].reverse();
        result.dims[ndim..].reverse();
        result
    }

    /// One axis backwards: `[::-1]`.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::StrideOverflow`] if the stride is `isize::MIN`.
    pub fn flip(&self, axis: usize) -> Result<Self, LayoutError> {
        self.slice_axis(axis, Slice::ALL.step_by(-1))
    }

    /// Without one axis of size 1.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::NotSizeOne`].
    pub fn squeeze_axis(&self, axis: usize) -> Result<Self, LayoutError> {
        self.check_axis(axis)?;
        match self.shape()[axis] {
            1 => self.index_axis(axis, 0),
            size => Err(LayoutError::NotSizeOne { axis, size }),
        }
    }

    /// Without all axes of size 1.
    #[must_use]
    pub fn squeeze(&self) -> Self {
        let kept = |&axis: &usize| self.shape()[axis] != 1;
        let shape: Dims = (0..self.ndim()).filter(kept).map(|k| self.dims[k]).collect();
        let strides: Dims = (0..self.ndim()).filter(kept).map(|k| self.strides()[k]).collect();
        self.with_axes(bytemuck::cast_slice(&shape), &strides, self.offset)
    }

    /// With a new axis of size 1 and stride 0 before axis `axis` (NumPy's `np.newaxis`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`] if `axis` is beyond the number of axes, [`LayoutError::RankTooHigh`].
    pub fn insert_axis(&self, axis: usize) -> Result<Self, LayoutError> {
        let ndim = self.ndim();
        if axis > ndim {
            return Err(LayoutError::AxisOutOfRange { axis, ndim: ndim + 1 });
        }
        if ndim == MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim: ndim + 1 });
        }
        let mut result = self.clone();
        result.dims.insert(ndim + axis, 0);
        result.dims.insert(axis, 1);
        Ok(result)
    }

    /// Repeated to a larger shape: new leading axes and axes of size 1 get stride 0 (NumPy's `broadcast_to`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::BroadcastRank`], [`LayoutError::Broadcast`], [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self, LayoutError> {
        let new = shape.len().checked_sub(self.ndim()).ok_or(LayoutError::BroadcastRank {
            ndim: self.ndim(),
            target: shape.len(),
        })?;
        check_size(shape, self.itemsize)?;
        let mut strides = Dims::from_elem(0, shape.len());
        for (axis, &target) in shape.iter().enumerate().skip(new) {
            let (size, stride) = (self.shape()[axis - new], self.strides()[axis - new]);
            match size {
                1 => {}
                _ if size == target => strides[axis] = stride,
                _ => return Err(LayoutError::Broadcast { axis, size, target }),
            }
        }
        Ok(self.with_axes(shape, &strides, self.offset))
    }

    /// The same bytes as items of another size (NumPy's `view(dtype)`), which changes the last axis.
    ///
    /// `itemsize` is in bytes. An equal size always works. Another size needs adjacent items on the last axis (or a single one, or
    /// none); its bytes must be a whole number of new items.
    ///
    /// # Errors
    ///
    /// [`LayoutError::PackedItems`], [`LayoutError::ReinterpretStride`], [`LayoutError::ReinterpretSize`].
    pub fn with_itemsize(&self, itemsize: usize) -> Result<Self, LayoutError> {
        if self.unit == Unit::Bit {
            return Err(LayoutError::PackedItems { bits: self.itemsize });
        }
        let mut result = self.clone();
        if itemsize == self.itemsize {
            return Ok(result);
        }
        result.itemsize = itemsize;
        let Some(axis) = self.ndim().checked_sub(1) else {
            return Err(LayoutError::ReinterpretSize {
                available: self.itemsize,
                itemsize,
            });
        };
        let (dim, stride) = (self.shape()[axis], self.strides()[axis]);
        if dim != 1 && !self.is_empty() && stride != self.itemsize.cast_signed() {
            return Err(LayoutError::ReinterpretStride {
                stride,
                expected: self.itemsize,
            });
        }
        // A smaller item must divide a larger one even where there is no item, as in NumPy.
        let splits = itemsize != 0 && self.itemsize.is_multiple_of(itemsize);
        let available = dim * self.itemsize;
        if !splits && (itemsize < self.itemsize || !available.is_multiple_of(itemsize)) {
            return Err(LayoutError::ReinterpretSize { available, itemsize });
        }
        result.dims[axis] = (available / itemsize).cast_signed();
        result.dims[self.ndim() + axis] = itemsize.cast_signed();
        check_size(result.shape(), itemsize)?;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Order};

    fn matrix() -> Layout {
        Layout::contiguous(&[3, 4], &DType::I32, Order::C).unwrap()
    }

    #[test]
    fn axes() {
        let a = matrix();
        let t = a.permute(&[1, 0]).unwrap();
        assert_eq!((t.shape(), t.strides()), (&[4, 3][..], &[4, 16][..]));
        assert_eq!(t, a.reverse_axes());
        assert_eq!(a.permute(&[0, 0]).unwrap_err(), LayoutError::RepeatedAxis { axis: 0 });
        assert!(matches!(a.permute(&[0]), Err(LayoutError::RankMismatch { .. })));
        assert!(matches!(a.permute(&[0, 2]), Err(LayoutError::AxisOutOfRange { .. })));

        let f = a.flip(1).unwrap();
        assert_eq!((f.strides(), f.offset()), (&[16, -4][..], 12));
        assert_eq!(f.flip(1).unwrap(), a);

        let wide = a.insert_axis(1).unwrap();
        assert_eq!((wide.shape(), wide.strides()), (&[3, 1, 4][..], &[16, 0, 4][..]));
        assert_eq!(wide.squeeze(), a);
        assert_eq!(wide.squeeze_axis(1).unwrap(), a);
        assert_eq!(
            wide.squeeze_axis(0).unwrap_err(),
            LayoutError::NotSizeOne { axis: 0, size: 3 }
        );
    }

    #[test]
    fn broadcasts() {
        let row = Layout::contiguous(&[1, 3], &DType::F64, Order::C).unwrap();
        let b = row.broadcast_to(&[5, 1, 3]).unwrap();
        assert_eq!(b.strides(), [0, 0, 8]);
        assert!(matches!(row.broadcast_to(&[4]), Err(LayoutError::BroadcastRank { .. })));
        assert!(matches!(
            row.broadcast_to(&[2, 4]),
            Err(LayoutError::Broadcast {
                axis: 1,
                size: 3,
                target: 4
            })
        ));
        assert!(matches!(
            row.broadcast_to(&[1 << 62, 3]),
            Err(LayoutError::SizeOverflow { .. })
        ));
        assert!(row.broadcast_to(&[0, 3]).unwrap().is_empty());
    }

    #[test]
    fn items_of_another_size() {
        let a = matrix();
        let bytes = a.with_itemsize(1).unwrap();
        assert_eq!((bytes.shape(), bytes.strides()), (&[3, 16][..], &[16, 1][..]));
        assert_eq!(bytes.with_itemsize(8).unwrap().shape(), [3, 2]);
        assert!(matches!(
            a.with_itemsize(3),
            Err(LayoutError::ReinterpretSize {
                available: 16,
                itemsize: 3
            })
        ));
        assert!(matches!(
            a.reverse_axes().with_itemsize(2),
            Err(LayoutError::ReinterpretStride {
                stride: 16,
                expected: 4
            })
        ));
        assert!(a.reverse_axes().with_itemsize(4).is_ok());
        let scalar = Layout::contiguous(&[], &DType::I32, Order::C).unwrap();
        assert!(matches!(
            scalar.with_itemsize(2),
            Err(LayoutError::ReinterpretSize { .. })
        ));
    }
}
