//! Reshape without a copy.
//!
//! Source of the rule: NumPy's `_attempt_nocopy_reshape`.

use smallvec::SmallVec;

use super::axes::Axes;
use super::{INLINE_NDIM, Layout, check_size};
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

type Shape = SmallVec<[usize; INLINE_NDIM]>;

/// Replaces the unknown dimension.
fn resolve_shape(shape: &[Dim], items: usize) -> Result<Shape, LayoutError> {
    let rest = || shape.iter().enumerate().filter(|(_, d)| **d == Dim::Rest);
    if let Some((position, _)) = rest().nth(1) {
        return Err(LayoutError::SecondUnknown { position });
    }
    let sizes = |unknown| {
        shape
            .iter()
            .map(move |d| if let Dim::Size(n) = d { *n } else { unknown })
    };
    let known = sizes(1).try_fold(1_usize, |product, n| product.checked_mul(n));
    if rest().next().is_none() {
        return match known {
            Some(n) if n == items => Ok(sizes(1).collect()),
            _ => Err(LayoutError::ReshapeSize {
                from: items,
                to: sizes(1).collect(),
            }),
        };
    }
    match known {
        Some(known) if known != 0 && items.is_multiple_of(known) => Ok(sizes(items / known).collect()),
        _ => Err(LayoutError::ReshapeUnknown {
            items,
            known: known.unwrap_or(usize::MAX),
        }),
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
    pub fn reshape(&self, shape: &[Dim], order: Order) -> Result<Self, LayoutError> {
        // An unknown dimension counts as another shape even where it is not, as in NumPy: strides that mean nothing are made anew.
        if shape.iter().copied().eq(self.shape().iter().copied().map(Dim::Size)) {
            return Ok(self.clone());
        }
        let shape = resolve_shape(shape, self.len())?;
        check_size(&shape, self.itemsize)?;
        if self.is_empty() {
            return self.reshape_empty(&shape, order);
        }
        Ok(self.with_axes(self.reshaped(&shape, order)?, self.offset))
    }

    /// Without items any strides do; NumPy takes those of a layout whose dimensions 0 count as 1.
    fn reshape_empty(&self, shape: &[usize], order: Order) -> Result<Self, LayoutError> {
        let filled: Shape = shape.iter().map(|&dim| dim.max(1)).collect();
        let compact = Self::contiguous_items(&filled, self.itemsize, self.unit, order)?;
        Ok(self.with_axes(Axes::new(shape, compact.strides()), self.offset))
    }

    /// Walks old and new axes with two cursors, both from the front.
    fn reshaped(&self, shape: &[usize], order: Order) -> Result<Axes, LayoutError> {
        let old: Group = (0..self.ndim())
            .filter(|&axis| self.shape()[axis] != 1)
            .map(|axis| (axis, self.shape()[axis], self.strides()[axis]))
            .collect();
        let mut axes = Axes::blank(shape.len());
        let (new_shape, strides) = axes.parts_mut();
        new_shape.copy_from_slice(shape);
        let (mut from, mut to) = (0, 0);
        while from < old.len() && to < shape.len() {
            let (group, new_group) = matching_groups(&old[from..], &shape[to..]);
            let group = &old[from..from + group];
            check_mergeable(group, order)?;
            spread_stride(
                group,
                &shape[to..to + new_group],
                &mut strides[to..to + new_group],
                order,
            );
            from += group.len();
            to += new_group;
        }
        // Only axes of size 1 are left; NumPy gives them the stride that the next axis would have.
        let last = match (to.checked_sub(1), order) {
            (None, _) => self.itemsize.cast_signed(),
            (Some(k), Order::C) => strides[k],
            (Some(k), Order::F) => strides[k].saturating_mul(shape[k].cast_signed()),
        };
        strides[to..].fill(last);
        Ok(axes)
    }
}

/// Old axes that are not of size 1: number, size, stride.
type Group = SmallVec<[(usize, usize, isize); INLINE_NDIM]>;

/// Whether neighbours within a group of old axes are adjacent in memory, so that they act as one axis.
fn check_mergeable(group: &[(usize, usize, isize)], order: Order) -> Result<(), LayoutError> {
    for pair in group.windows(2) {
        let (slow, fast) = match order {
            Order::C => (pair[0], pair[1]),
            Order::F => (pair[1], pair[0]),
        };
        // In 128 bits: the product of a wild pair may be no address.
        if slow.2 as i128 != fast.1.cast_signed() as i128 * fast.2 as i128 {
            return Err(LayoutError::ReshapeBlocked {
                axis: slow.0,
                next: fast.0,
                stride: slow.2,
                expected: fast.1.cast_signed().saturating_mul(fast.2),
            });
        }
    }
    Ok(())
}

/// Gives a group of new axes the strides of the merged old one, fastest axis first.
fn spread_stride(group: &[(usize, usize, isize)], shape: &[usize], strides: &mut [isize], order: Order) {
    // Saturating, because the step behind the slowest axis is never taken and need not be an address.
    let step = |stride: isize, dim: usize| stride.saturating_mul(dim.cast_signed());
    match order {
        Order::C => {
            let fastest = group[group.len() - 1].2;
            (0..shape.len()).rev().fold(fastest, |stride, k| {
                strides[k] = stride;
                step(stride, shape[k])
            });
        }
        Order::F => {
            (0..shape.len()).fold(group[0].2, |stride, k| {
                strides[k] = stride;
                step(stride, shape[k])
            });
        }
    }
}

/// The smallest numbers of leading old and new axes whose products match. Neither list has a 0, the totals are equal.
fn matching_groups(old: &[(usize, usize, isize)], new: &[usize]) -> (usize, usize) {
    let (mut from, mut to) = (1, 1);
    let (mut have, mut want) = (old[0].1, new[0]);
    while have != want {
        if have < want {
            have *= old[from].1;
            from += 1;
        } else {
            want *= new[to];
            to += 1;
        }
    }
    (from, to)
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
