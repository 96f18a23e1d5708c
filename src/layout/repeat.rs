//! Layouts that show items more than once, or along more axes than one: broadcasts, windows, diagonals.

use super::axes::Axes;
use super::{Layout, MAX_NDIM, check_size};
use crate::error::LayoutError;

/// The shape that layouts of several shapes can all be broadcast to (NumPy's `broadcast_shapes`).
///
/// Shapes are aligned at their last axes; each axis has the size that some shape gives it, of which all others have either that or 1.
///
/// ```
/// assert_eq!(viewbridge::broadcast_shape(&[&[3, 1], &[4], &[]])?, [3, 4]);
/// # Ok::<(), viewbridge::LayoutError>(())
/// ```
///
/// # Errors
///
/// [`LayoutError::BroadcastConflict`], [`LayoutError::RankTooHigh`].
pub fn broadcast_shape(shapes: &[&[usize]]) -> Result<Vec<usize>, LayoutError> {
    let ndim = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    if ndim > MAX_NDIM {
        return Err(LayoutError::RankTooHigh { ndim });
    }
    let mut result = vec![1; ndim];
    for (operand, shape) in shapes.iter().enumerate() {
        let new = ndim - shape.len();
        for (axis, (target, &size)) in result[new..].iter_mut().zip(*shape).enumerate() {
            match (*target, size) {
                (1, _) => *target = size,
                (_, 1) => {}
                (expected, _) if expected == size => {}
                (expected, _) => {
                    return Err(LayoutError::BroadcastConflict {
                        axis: new + axis,
                        operand,
                        size,
                        expected,
                    });
                }
            }
        }
    }
    Ok(result)
}

impl Layout {
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
        let mut axes = Axes::blank(shape.len());
        let (target, strides) = axes.parts_mut();
        target.copy_from_slice(shape);
        for (axis, &target) in shape.iter().enumerate().skip(new) {
            let (size, stride) = (self.shape()[axis - new], self.strides()[axis - new]);
            match size {
                1 => {}
                _ if size == target => strides[axis] = stride,
                _ => return Err(LayoutError::Broadcast { axis, size, target }),
            }
        }
        Ok(self.with_axes(axes, self.offset))
    }

    /// All windows: for each pair `(axis, size)` the axis counts where a window of `size` items begins, and a new last axis counts the
    /// items in it (NumPy's `sliding_window_view`).
    ///
    /// An axis may be named more than once: the windows of windows. A window of no items fits once more than there are items.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Order};
    ///
    /// let a = Layout::contiguous(&[10, 6], &DType::F64, Order::C)?;
    /// let windows = a.sliding_windows(&[(0, 3), (1, 2)])?;
    /// assert_eq!((windows.shape(), windows.strides()), (&[8, 5, 3, 2][..], &[48, 8, 48, 8][..]));
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::WindowTooLarge`], [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    #[doc(alias = "sliding_window_view")]
    pub fn sliding_windows(&self, windows: &[(usize, usize)]) -> Result<Self, LayoutError> {
        let ndim = self.ndim() + windows.len();
        if ndim > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim });
        }
        windows.iter().try_for_each(|&(axis, _)| self.check_axis(axis))?;
        let mut axes = self.axes.clone();
        for &(axis, window) in windows {
            let (shape, strides) = axes.parts_mut();
            let (size, stride) = (shape[axis], strides[axis]);
            let places = (size + 1).checked_sub(window);
            shape[axis] =
                places
                    .filter(|&places| places > 0)
                    .ok_or(LayoutError::WindowTooLarge { axis, window, size })?;
            axes.push(window, stride);
        }
        check_size(axes.shape(), self.itemsize)?;
        Ok(self.with_axes(axes, self.offset))
    }

    /// The diagonal of two axes, which disappear, as a new last axis (NumPy's `diagonal`).
    ///
    /// Item `k` of it is where the first axis is at `k` and the second at `k + offset`; below the main diagonal, with a negative `offset`, where
    /// the first is at `k - offset` and the second at `k`. A diagonal beyond the corner has no items.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::RepeatedAxis`].
    pub fn diagonal(&self, offset: isize, first: usize, second: usize) -> Result<Self, LayoutError> {
        self.check_axis(first)?;
        self.check_axis(second)?;
        if first == second {
            return Err(LayoutError::RepeatedAxis { axis: second });
        }
        let (shape, strides) = (self.shape(), self.strides());
        let (moved, skipped) = if offset < 0 {
            (first, offset.unsigned_abs())
        } else {
            (second, offset.unsigned_abs())
        };
        let left = |axis: usize| {
            if axis == moved {
                shape[axis].saturating_sub(skipped)
            } else {
                shape[axis]
            }
        };
        let len = left(first).min(left(second));
        let start = if len > 0 {
            self.shifted(self.offset, moved, skipped)
        } else {
            self.offset
        };
        // By *span* the sum is an address where there is a second item; elsewhere it means nothing.
        let stride = strides[first].saturating_add(strides[second]);
        let kept = (0..self.ndim()).filter(|&axis| axis != first && axis != second);
        let axes = kept.map(|axis| (shape[axis], strides[axis])).chain([(len, stride)]);
        Ok(self.with_axes(axes.collect(), start))
    }
}

#[cfg(test)]
mod tests {
    use super::super::INLINE_NDIM;
    use super::*;
    use crate::{DType, Order};

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
    fn shapes_together() {
        assert_eq!(broadcast_shape(&[]).unwrap(), [0; 0]);
        assert_eq!(broadcast_shape(&[&[5, 1, 3], &[2, 1], &[1]]).unwrap(), [5, 2, 3]);
        assert_eq!(broadcast_shape(&[&[1], &[0]]).unwrap(), [0]);
        let conflict = LayoutError::BroadcastConflict {
            axis: 1,
            operand: 2,
            size: 4,
            expected: 3,
        };
        assert_eq!(broadcast_shape(&[&[1], &[2, 3], &[4]]).unwrap_err(), conflict);
    }

    #[test]
    fn windows_may_repeat_an_axis() {
        let a = Layout::contiguous(&[6], &DType::I16, Order::C).unwrap();
        let twice = a.sliding_windows(&[(0, 2), (0, 3)]).unwrap();
        assert_eq!((twice.shape(), twice.strides()), (&[3, 2, 3][..], &[2, 2, 2][..]));
        assert_eq!(a.sliding_windows(&[(0, 0)]).unwrap().shape(), [7, 0]);
        let error = LayoutError::WindowTooLarge {
            axis: 0,
            window: 4,
            size: 3,
        };
        assert_eq!(a.sliding_windows(&[(0, 4), (0, 4)]).unwrap_err(), error);
        let most = Layout::contiguous(&[1; INLINE_NDIM], &DType::I16, Order::C).unwrap();
        assert_eq!(most.sliding_windows(&[(0, 1); 58]).unwrap().ndim(), MAX_NDIM);
        assert_eq!(
            most.sliding_windows(&[(0, 1); 59]).unwrap_err(),
            LayoutError::RankTooHigh { ndim: 65 }
        );
        let wide = Layout::strided(&[1 << 40], &[0], 0, &DType::U8).unwrap();
        let error = wide.sliding_windows(&[(0, 1 << 39)]).unwrap_err();
        assert!(matches!(error, LayoutError::SizeOverflow { .. }));
    }

    #[test]
    fn diagonals() {
        let a = Layout::contiguous(&[3, 4], &DType::I32, Order::C).unwrap();
        let diagonal = |offset| {
            let d = a.diagonal(offset, 0, 1).unwrap();
            (d.shape()[0], d.strides()[0], d.offset())
        };
        assert_eq!(diagonal(0), (3, 20, 0));
        assert_eq!(diagonal(2), (2, 20, 8));
        assert_eq!(diagonal(-1), (2, 20, 16));
        assert_eq!(diagonal(4).0, 0);
        assert_eq!(diagonal(isize::MIN).0, 0);
        assert_eq!(a.diagonal(0, 1, 1).unwrap_err(), LayoutError::RepeatedAxis { axis: 1 });
    }
}
