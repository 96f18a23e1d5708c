//! Operations on axes: permute, flip, squeeze, insert, and items of another size.

use super::axes::Axes;
use super::{Layout, MAX_NDIM, Slice, Unit, check_size};
use crate::error::LayoutError;

impl Layout {
    /// The axes in another order: axis `k` of the result is axis `axes[k]` of this layout (NumPy's `transpose`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`], [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`].
    #[inline]
    pub fn permute(&self, axes: &[usize]) -> Result<Self, LayoutError> {
        self.check_permutation(axes)?;
        Ok(self.permuted(axes))
    }

    /// As [`permute`](Self::permute), of axes that are checked.
    #[inline(always)]
    pub(crate) fn permuted(&self, axes: &[usize]) -> Self {
        let source = |k| axes.get(k).copied().unwrap_or(k);
        self.with_axes(self.axes.picked(axes.len(), source), self.offset)
    }

    /// Checks that each axis is named once.
    #[inline]
    pub(crate) fn check_permutation(&self, axes: &[usize]) -> Result<(), LayoutError> {
        if axes.len() != self.ndim() {
            return Err(LayoutError::RankMismatch {
                expected: self.ndim(),
                found: axes.len(),
            });
        }
        self.axis_set(axes).map(|_| ())
    }

    /// Axes as a set, of which bit `k` stands for axis `k`.
    #[inline]
    fn axis_set(&self, axes: &[usize]) -> Result<u64, LayoutError> {
        let mut seen = 0;
        axes.iter().try_for_each(|&axis| self.note_axis(&mut seen, axis))?;
        Ok(seen)
    }

    /// The axes in reverse order (NumPy's `T`).
    #[must_use]
    #[inline(always)]
    pub fn reverse_axes(&self) -> Self {
        let ndim = self.ndim();
        let source = |k: usize| ndim.wrapping_sub(k + 1);
        self.with_axes(self.axes.picked(ndim, source), self.offset)
    }

    /// Two axes in each other's place (NumPy's `swapaxes`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`].
    #[doc(alias = "swapaxes")]
    pub fn swap_axes(&self, a: usize, b: usize) -> Result<Self, LayoutError> {
        self.check_axis(a)?;
        self.check_axis(b)?;
        let source = |k| match k {
            _ if k == a => b,
            _ if k == b => a,
            _ => k,
        };
        Ok(self.with_axes(self.axes.picked(self.ndim(), source), self.offset))
    }

    /// One axis to another place, the others in their order around it (NumPy's `moveaxis`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`].
    #[doc(alias = "moveaxis")]
    pub fn move_axis(&self, from: usize, to: usize) -> Result<Self, LayoutError> {
        self.move_axes(&[from], &[to])
    }

    /// Several axes, each to a place of its own, the others in their order around them (NumPy's `moveaxis`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`] if the lists differ in length, [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`].
    pub fn move_axes(&self, from: &[usize], to: &[usize]) -> Result<Self, LayoutError> {
        let (moved, _) = (self.axis_set(from)?, self.axis_set(to)?);
        if from.len() != to.len() {
            return Err(LayoutError::RankMismatch {
                expected: from.len(),
                found: to.len(),
            });
        }
        let mut rest = (0..self.ndim()).filter(|axis| moved & (1 << axis) == 0);
        let axis_at = |place: usize| to.iter().position(|&to| to == place).map(|k| from[k]);
        let axes = (0..self.ndim()).map(|place| {
            let axis = axis_at(place).or_else(|| rest.next()).unwrap_or(place);
            (self.shape()[axis], self.strides()[axis])
        });
        Ok(self.with_axes(axes.collect(), self.offset))
    }

    /// One axis backwards: `[::-1]`.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::StrideOverflow`] if the stride is `isize::MIN`.
    #[inline]
    pub fn flip(&self, axis: usize) -> Result<Self, LayoutError> {
        self.slice_axis(axis, Slice::ALL.step_by(-1))
    }

    /// Several axes backwards (NumPy's `flip` with a tuple).
    ///
    /// # Errors
    ///
    /// As [`flip`](Self::flip); [`LayoutError::RepeatedAxis`].
    pub fn flip_axes(&self, axes: &[usize]) -> Result<Self, LayoutError> {
        self.axis_set(axes)?;
        axes.iter().try_fold(self.clone(), |layout, &axis| layout.flip(axis))
    }

    /// All axes backwards (NumPy's `flip` without an axis).
    ///
    /// # Errors
    ///
    /// [`LayoutError::StrideOverflow`] if a stride is `isize::MIN`.
    pub fn flip_all(&self) -> Result<Self, LayoutError> {
        (0..self.ndim()).try_fold(self.clone(), |layout, axis| layout.flip(axis))
    }

    /// Turned by `turns` × 90° in the plane of two axes, from the first towards the second (NumPy's `rot90`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`]; [`LayoutError::StrideOverflow`] as for [`flip`](Self::flip).
    pub fn rot90(&self, turns: isize, (a, b): (usize, usize)) -> Result<Self, LayoutError> {
        self.axis_set(&[a, b])?;
        match turns.rem_euclid(4) {
            0 => Ok(self.clone()),
            1 => self.flip(b)?.swap_axes(a, b),
            2 => self.flip(a)?.flip(b),
            _ => self.swap_axes(a, b)?.flip(b),
        }
    }

    /// Without one axis of size 1.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::NotSizeOne`].
    pub fn squeeze_axis(&self, axis: usize) -> Result<Self, LayoutError> {
        self.squeeze_axes(&[axis])
    }

    /// Without several axes of size 1 (NumPy's `squeeze` with a tuple).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`], [`LayoutError::NotSizeOne`].
    pub fn squeeze_axes(&self, axes: &[usize]) -> Result<Self, LayoutError> {
        let gone = self.axis_set(axes)?;
        if let Some(&axis) = axes.iter().find(|&&axis| self.shape()[axis] != 1) {
            let size = self.shape()[axis];
            return Err(LayoutError::NotSizeOne { axis, size });
        }
        Ok(self.without(|axis| gone & (1 << axis) != 0))
    }

    /// Without all axes of size 1.
    #[must_use]
    pub fn squeeze(&self) -> Self {
        self.without(|axis| self.shape()[axis] == 1)
    }

    /// Without some axes, of which the first position is meant.
    fn without(&self, gone: impl Fn(usize) -> bool) -> Self {
        let kept = (0..self.ndim()).filter(|&axis| !gone(axis));
        let axes = kept.map(|axis| (self.shape()[axis], self.strides()[axis]));
        self.with_axes(axes.collect(), self.offset)
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
        result.axes.insert(axis, 1, 0);
        Ok(result)
    }

    /// With new axes of size 1 and stride 0, which are axes `axes` of the result (NumPy's `expand_dims`).
    ///
    /// NumPy reshapes here, and gives the new axes other strides, which mean as little.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`], [`LayoutError::RankTooHigh`].
    #[doc(alias = "expand_dims")]
    pub fn insert_axes(&self, axes: &[usize]) -> Result<Self, LayoutError> {
        let ndim = self.ndim() + axes.len();
        if ndim > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim });
        }
        let mut new = 0_u64;
        for &axis in axes {
            if axis >= ndim {
                return Err(LayoutError::AxisOutOfRange { axis, ndim });
            }
            if new & (1_u64 << axis) != 0 {
                return Err(LayoutError::RepeatedAxis { axis });
            }
            new |= 1 << axis;
        }
        let mut old = self.shape().iter().copied().zip(self.strides().iter().copied());
        let axis = |axis| {
            if new & (1_u64 << axis) != 0 {
                Some((1, 0))
            } else {
                old.next()
            }
        };
        let axes: Axes = (0..ndim).map_while(axis).collect();
        Ok(self.with_axes(axes, self.offset))
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
        result.axes.set(axis, available / itemsize, itemsize.cast_signed());
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
