//! Reshape without a copy.
//!
//! Source of the rule: NumPy's `_attempt_nocopy_reshape`.

use super::axes::Axes;
use super::{INLINE_NDIM, Layout, MAX_NDIM, check_size};
use crate::error::LayoutError;
use crate::memory::Order;

/// A dimension of a shape asked for: a size, or whatever is left over.
///
/// Converts from `usize`. NumPy writes the unknown dimension as −1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dim {
    /// So many items.
    Size(usize),
    /// What the other dimensions leave (−1 in NumPy). At most one.
    Rest,
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Self::Size(size)
    }
}

impl Layout {
    /// The same items in another shape, read and filled in `order`, without a copy.
    ///
    /// O(rank). The same shape gives the same strides.
    ///
    /// # Errors
    ///
    /// [`LayoutError::ReshapeBlocked`] with the first pair of axes that would have to be adjacent in memory and are not;
    /// [`LayoutError::ReshapeSize`], [`LayoutError::ReshapeUnknown`], [`LayoutError::SecondUnknown`],
    /// [`LayoutError::RankTooHigh`].
    #[inline]
    pub fn reshape(&self, shape: &[Dim], order: Order) -> Result<Self, LayoutError> {
        Ok(self.with_axes(self.reshaped(shape, order)?, self.offset))
    }

    /// As [`reshape`](Self::reshape), of dimensions of either type; not yet a layout.
    #[inline(always)]
    pub(crate) fn reshaped<D: Copy + Into<Dim>>(&self, shape: &[D], order: Order) -> Result<Axes, LayoutError> {
        let plain = if order == Order::C {
            self.axes.reshaped_plain(shape, self.itemsize)
        } else {
            None
        };
        match plain {
            Some(axes) => Ok(axes),
            None => self.reshaped_any(shape, order),
        }
    }

    fn reshaped_any<D: Copy + Into<Dim>>(&self, shape: &[D], order: Order) -> Result<Axes, LayoutError> {
        // An unknown dimension counts as another shape even where it is not, as in NumPy: strides that mean nothing are made anew.
        if same_shape(shape, self.shape()) {
            return Ok(self.axes.clone());
        }
        let mut axes = self.resolved(shape)?;
        let (shape, strides) = axes.parts_mut();
        if self.is_contiguous(order) {
            fill_compact(shape, strides, self.itemsize, order);
        } else {
            self.regroup(shape, strides, order)?;
        }
        Ok(axes)
    }

    /// Axes of the shape asked for, the unknown dimension replaced. They hold as many items as the layout; their strides are still 0.
    fn resolved<D: Copy + Into<Dim>>(&self, shape: &[D]) -> Result<Axes, LayoutError> {
        let (items, ndim) = (self.len(), shape.len());
        if ndim > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim });
        }
        let mut axes = Axes::blank(ndim);
        let (sizes, _) = axes.parts_mut();
        let (mut known, mut rest) = (Some(1_usize), None);
        for (position, (size, &dim)) in sizes.iter_mut().zip(shape).enumerate() {
            match dim.into() {
                Dim::Size(n) => {
                    *size = n;
                    known = known.and_then(|known| known.checked_mul(n));
                }
                Dim::Rest if rest.is_some() => return Err(LayoutError::SecondUnknown { position }),
                Dim::Rest => rest = Some(position),
            }
        }
        match (rest, known) {
            (None, Some(known)) if known == items => {}
            (None, _) => {
                let to = sizes.to_vec();
                return Err(LayoutError::ReshapeSize { from: items, to });
            }
            (Some(position), Some(known)) if known != 0 && items.is_multiple_of(known) => {
                sizes[position] = items / known
            }
            (Some(_), known) => {
                let known = known.unwrap_or(usize::MAX);
                return Err(LayoutError::ReshapeUnknown { items, known });
            }
        }
        // As many items as there were are not too many; without items the other dimensions may be.
        if items == 0 {
            check_size(sizes, self.itemsize)?;
        }
        Ok(axes)
    }

    /// Walks old and new axes with two cursors, both from the front: the smallest groups of either whose products match are the same items. Fills
    /// the strides of the new ones. There are items.
    fn regroup(&self, shape: &[usize], strides: &mut [isize], order: Order) -> Result<(), LayoutError> {
        let old = self.shape();
        let skip_ones = |axis: usize| (axis..old.len()).find(|&axis| old[axis] != 1).unwrap_or(old.len());
        let (mut from, mut to) = (skip_ones(0), 0);
        while from < old.len() && to < shape.len() {
            let (first, first_new) = (from, to);
            let (mut last, mut have, mut want) = (from, old[from], shape[to]);
            (from, to) = (skip_ones(from + 1), to + 1);
            while have != want {
                if have < want {
                    self.check_mergeable(last, from, order)?;
                    have *= old[from];
                    (last, from) = (from, skip_ones(from + 1));
                } else {
                    want *= shape[to];
                    to += 1;
                }
            }
            let fastest = match order {
                Order::C => self.strides()[last],
                Order::F => self.strides()[first],
            };
            spread_stride(fastest, &shape[first_new..to], &mut strides[first_new..to], order);
        }
        // Only axes of size 1 are left; NumPy gives them the stride that the next axis would have.
        let last = match (to.checked_sub(1), order) {
            (None, _) => self.itemsize.cast_signed(),
            (Some(k), Order::C) => strides[k],
            (Some(k), Order::F) => strides[k].saturating_mul(shape[k].cast_signed()),
        };
        strides[to..].fill(last);
        Ok(())
    }

    /// Whether two old axes, one behind the other but for axes of size 1, are adjacent in memory, so that they act as one.
    fn check_mergeable(&self, axis: usize, next: usize, order: Order) -> Result<(), LayoutError> {
        let (slow, fast) = match order {
            Order::C => (axis, next),
            Order::F => (next, axis),
        };
        let (stride, size) = (self.strides()[slow], self.shape()[fast].cast_signed());
        match self.strides()[fast].checked_mul(size) {
            Some(expected) if expected == stride => Ok(()),
            // A product that is no address is no stride either.
            expected => Err(LayoutError::ReshapeBlocked {
                axis: slow,
                next: fast,
                stride,
                expected: expected.unwrap_or_else(|| self.strides()[fast].saturating_mul(size)),
            }),
        }
    }
}

impl Axes {
    /// Row-major items whose strides are exact even where they mean nothing, in another shape of known sizes. `None` decides nothing.
    ///
    /// One pass over all places that an axis can have, used or not, so that shape and strides are written where they are to stay.
    #[inline(always)]
    fn reshaped_plain<D: Copy + Into<Dim>>(&self, shape: &[D], itemsize: usize) -> Option<Self> {
        let (own_shape, own_strides) = self.inline_parts()?;
        let (mut bytes, mut plain) = (itemsize, shape.len() <= INLINE_NDIM);
        for k in (0..INLINE_NDIM).rev() {
            if k < own_shape.len() {
                plain &= own_strides[k] == bytes.cast_signed();
                bytes = bytes.wrapping_mul(own_shape[k]);
            }
        }
        let (mut sizes, mut strides, mut next) = ([0; INLINE_NDIM], [0; INLINE_NDIM], itemsize);
        for k in (0..INLINE_NDIM).rev() {
            if let Some(&dim) = shape.get(k) {
                strides[k] = next.cast_signed();
                sizes[k] = match dim.into() {
                    Dim::Size(size) => size,
                    Dim::Rest => 0,
                };
                let (product, wraps) = next.overflowing_mul(sizes[k]);
                next = product;
                plain &= !wraps;
            }
        }
        (plain && next == bytes && bytes != 0).then(|| Self::inline(shape.len(), sizes, strides))
    }
}

#[inline]
fn same_shape<D: Copy + Into<Dim>>(shape: &[D], old: &[usize]) -> bool {
    shape.len() == old.len() && shape.iter().zip(old).all(|(&dim, &size)| dim.into() == Dim::Size(size))
}

/// The strides of contiguous items; dimensions of size 0 count as 1, as in NumPy.
fn fill_compact(shape: &[usize], strides: &mut [isize], itemsize: usize, order: Order) {
    let mut next = itemsize.cast_signed();
    let mut fill = |(stride, &dim): (&mut isize, &usize)| {
        *stride = next;
        // By *size* this is an address.
        next *= dim.max(1).cast_signed();
    };
    let axes = strides.iter_mut().zip(shape);
    match order {
        Order::C => axes.rev().for_each(&mut fill),
        Order::F => axes.for_each(&mut fill),
    }
}

/// Gives a group of new axes the strides of the merged old one, which ends in `fastest`.
fn spread_stride(fastest: isize, shape: &[usize], strides: &mut [isize], order: Order) {
    let mut next = fastest;
    let mut fill = |(stride, &dim): (&mut isize, &usize)| {
        *stride = next;
        // Saturating, because the step behind the slowest axis is never taken and need not be an address.
        next = next.saturating_mul(dim.cast_signed());
    };
    let axes = strides.iter_mut().zip(shape);
    match order {
        Order::C => axes.rev().for_each(&mut fill),
        Order::F => axes.for_each(&mut fill),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    fn sizes(shape: &[usize]) -> Vec<Dim> {
        shape.iter().copied().map(Dim::from).collect()
    }

    #[test]
    fn reshapes_share() {
        let a = Layout::contiguous(&[2, 3, 4], &DType::F64, Order::C).unwrap();
        let b = a.reshape(&sizes(&[6, 1, 4]), Order::C).unwrap();
        assert_eq!(b.strides(), [32, 32, 8]);
        let every_second = Layout::strided(&[4], &[16], 0, &DType::F64).unwrap();
        let c = every_second.reshape(&[Dim::Size(2), Dim::Rest], Order::C).unwrap();
        assert_eq!((c.shape(), c.strides()), (&[2, 2][..], &[32, 16][..]));
        assert_eq!(
            every_second.reshape(&sizes(&[1, 4, 1]), Order::C).unwrap().strides(),
            [64, 16, 16]
        );
    }

    #[test]
    fn the_blocking_axes_are_named() {
        let t = Layout::strided(&[4, 3], &[8, 32], 0, &DType::F64).unwrap();
        let expected = LayoutError::ReshapeBlocked {
            axis: 0,
            next: 1,
            stride: 8,
            expected: 96,
        };
        assert_eq!(t.reshape(&sizes(&[12]), Order::C).unwrap_err(), expected);
        assert_eq!(t.reshape(&sizes(&[12]), Order::F).unwrap().strides(), [8]);
    }

    #[test]
    fn unknown_dimensions() {
        use LayoutError as E;
        let a = Layout::contiguous(&[6], &DType::I8, Order::C).unwrap();
        let error = |shape: &[Dim]| a.reshape(shape, Order::C).unwrap_err();
        assert!(matches!(
            error(&[Dim::Rest, Dim::Rest]),
            E::SecondUnknown { position: 1 }
        ));
        assert!(matches!(
            error(&[Dim::Rest, Dim::Size(4)]),
            E::ReshapeUnknown { items: 6, known: 4 }
        ));
        assert!(matches!(
            error(&[Dim::Rest, Dim::Size(0)]),
            E::ReshapeUnknown { known: 0, .. }
        ));
        assert!(matches!(error(&[Dim::Size(5)]), E::ReshapeSize { from: 6, .. }));
        assert!(matches!(
            error(&[Dim::Size(usize::MAX), Dim::Size(2)]),
            E::ReshapeSize { .. }
        ));
        let empty = Layout::contiguous(&[0, 4], &DType::I8, Order::C).unwrap();
        let reshaped = empty.reshape(&sizes(&[2, 0, 3]), Order::C).unwrap();
        assert_eq!(reshaped.strides(), [3, 3, 1]);
    }
}
