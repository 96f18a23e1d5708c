//! Contiguity, and the strides that make it.

use super::Layout;
use crate::memory::Order;

/// An axis whose stride is not what an order needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) axis: usize,
    pub(crate) stride: isize,
    pub(crate) expected: isize,
}

impl Layout {
    /// Whether the items follow each other in row-major order without gaps.
    ///
    /// NumPy's relaxed rule: axes of size 1 are skipped, a layout without items is contiguous, and so is one without axes. A
    /// layout of one axis is contiguous only if its stride is the itemsize.
    #[must_use]
    #[doc(alias = "row-major")]
    pub fn is_c_contiguous(&self) -> bool {
        self.first_gap(Order::C).is_none()
    }

    /// Whether the items follow each other in column-major order without gaps. Rules as for
    /// [`is_c_contiguous`](Self::is_c_contiguous).
    #[must_use]
    #[doc(alias = "column-major")]
    pub fn is_f_contiguous(&self) -> bool {
        self.first_gap(Order::F).is_none()
    }

    /// Whether the layout is contiguous in `order`.
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        self.first_gap(order).is_none()
    }

    /// The fastest axis that breaks `order`.
    pub(crate) fn first_gap(&self, order: Order) -> Option<Gap> {
        if self.is_empty() {
            return None;
        }
        let mut expected = self.itemsize.cast_signed();
        for k in 0..self.ndim() {
            let axis = self.axis_by_speed(k, order);
            let (dim, stride) = (self.shape()[axis], self.strides()[axis]);
            if dim == 1 {
                continue;
            }
            if stride != expected {
                return Some(Gap { axis, stride, expected });
            }
            expected *= dim.cast_signed();
        }
        None
    }

    /// The order that NumPy calls `A`: column-major for items that are contiguous in that order and not in row-major, else row-major.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Order};
    ///
    /// let rows = Layout::contiguous(&[2, 3], &DType::F64, Order::C)?;
    /// assert_eq!(rows.natural_order(), Order::C);
    /// assert_eq!(rows.reverse_axes().natural_order(), Order::F);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    #[must_use]
    pub fn natural_order(&self) -> Order {
        if self.is_f_contiguous() && !self.is_c_contiguous() {
            Order::F
        } else {
            Order::C
        }
    }

    /// The axes from slowest to fastest by |stride|, axes of equal stride (and those of size 1) in their present order:
    /// the order that NumPy calls `K`.
    ///
    /// Together with a row-major layout it says whether this one is a permuted contiguous one:
    /// `layout.permute(&layout.axes_by_stride())?.is_c_contiguous()`.
    #[must_use]
    pub fn axes_by_stride(&self) -> Vec<usize> {
        let mut axes: Vec<usize> = (0..self.ndim()).collect();
        // A stable sort cannot compare axes of size 1, whose strides mean nothing, with others: they would have to equal all of
        // them. They sort as what their neighbour on the right has.
        let mut keys = vec![0; self.ndim()];
        let mut last = self.itemsize;
        for axis in (0..self.ndim()).rev() {
            if self.shape()[axis] > 1 {
                last = self.strides()[axis].unsigned_abs();
            }
            keys[axis] = last;
        }
        axes.sort_by_key(|&axis| std::cmp::Reverse(keys[axis]));
        axes
    }

    /// As [`axes_by_stride`](Self::axes_by_stride), with the first axis first whatever its stride.
    pub(crate) fn rows_by_stride(&self) -> Vec<usize> {
        let mut axes = self.axes_by_stride();
        // Stable: the others keep their order.
        axes.sort_by_key(|&axis| axis != 0);
        axes
    }

    /// The first of the address of the first item and the strides that is no multiple of `alignment` bytes.
    pub(crate) fn misalignment(&self, address: usize, alignment: usize) -> Option<isize> {
        if self.is_empty() || alignment <= 1 {
            return None;
        }
        let strides = self.shape().iter().zip(self.strides()).filter(|(dim, _)| **dim > 1);
        std::iter::once(address.cast_signed())
            .chain(strides.map(|(_, &stride)| stride))
            .find(|value| !value.unsigned_abs().is_multiple_of(alignment))
    }

    /// The `k`-th axis of `order`, fastest first.
    fn axis_by_speed(&self, k: usize, order: Order) -> usize {
        match order {
            Order::C => self.ndim() - 1 - k,
            Order::F => k,
        }
    }

    /// Overwrites the strides with the compact ones. The dimensions are not 0.
    pub(super) fn fill_compact_strides(&mut self, order: Order) {
        let mut stride = self.itemsize.cast_signed();
        for k in 0..self.ndim() {
            let axis = self.axis_by_speed(k, order);
            let (shape, strides) = self.axes.parts_mut();
            strides[axis] = stride;
            stride *= shape[axis].cast_signed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;

    fn both(shape: &[usize], strides: &[isize]) -> (bool, bool) {
        let layout = Layout::strided(shape, strides, 0, &DType::F64).unwrap();
        (layout.is_c_contiguous(), layout.is_f_contiguous())
    }

    #[test]
    fn numpy_rules() {
        assert_eq!(both(&[], &[]), (true, true));
        assert_eq!(both(&[5], &[8]), (true, true));
        assert_eq!(both(&[5], &[16]), (false, false));
        assert_eq!(both(&[3, 4], &[32, 8]), (true, false));
        assert_eq!(both(&[3, 4], &[8, 24]), (false, true));
        assert_eq!(both(&[3, 1], &[8, -999]), (true, true));
        assert_eq!(both(&[3, 0], &[999, 7]), (true, true));
    }

    #[test]
    fn empty_layouts_have_stride_zero() {
        let layout = Layout::contiguous(&[3, 0, 2], &DType::F64, Order::F).unwrap();
        assert_eq!(layout.strides(), [0, 0, 0]);
    }

    #[test]
    fn axes_sort_by_stride() {
        let layout = Layout::strided(&[2, 1, 3, 4], &[12, 7, 4, 24], 0, &DType::I32).unwrap();
        assert_eq!(layout.axes_by_stride(), [3, 0, 1, 2]);
        assert!(layout.permute(&[3, 0, 1, 2]).unwrap().is_c_contiguous());
    }
}
