//! Basic indexing: integers, slices, an ellipsis, new axes.
//!
//! Source of the rules: Python's `slice.indices` and NumPy, "Basic indexing".

mod expression;
mod macros;

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use super::axes::Axes;
use super::{Layout, MAX_NDIM};
use crate::error::LayoutError;

pub use self::expression::IndexExpr;

/// Python's `start:stop:step`.
///
/// Positions count from the end if negative, and are clamped to the axis. A missing start or stop is the end of the axis that the
/// direction of the step implies.
///
/// ```
/// use viewbridge::Slice;
///
/// let reversed = Slice::ALL.step_by(-1);
/// assert_eq!(reversed.resolve(5), Some((4, 5)));
/// assert_eq!(Slice::from(-3..).resolve(5), Some((2, 3)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// First position.
    pub start: Option<isize>,
    /// Position before which to stop.
    pub stop: Option<isize>,
    /// Distance between positions; not 0.
    pub step: isize,
}

impl Slice {
    /// The whole axis (`:`).
    pub const ALL: Self = Self {
        start: None,
        stop: None,
        step: 1,
    };

    /// `start:stop:step`.
    #[must_use]
    pub const fn new(start: Option<isize>, stop: Option<isize>, step: isize) -> Self {
        Self { start, stop, step }
    }

    /// The same bounds with another step (`start:stop:step`).
    #[must_use]
    pub const fn step_by(mut self, step: isize) -> Self {
        self.step = step;
        self
    }

    /// First position and number of positions on an axis of `size` items, or `None` if the step is 0.
    ///
    /// The rule is Python's `slice.indices`. Where nothing is selected, the first position is meaningless. No axis is longer than
    /// `isize::MAX`; a larger `size` counts as that.
    #[must_use]
    #[inline]
    pub fn resolve(self, size: usize) -> Option<(usize, usize)> {
        let (step, len) = (self.step, isize::try_from(size).unwrap_or(isize::MAX));
        if step == 0 {
            return None;
        }
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let clamp = |position: isize| {
            let position = if position < 0 {
                position.saturating_add(len)
            } else {
                position
            };
            position.clamp(low, high)
        };
        let start = self.start.map_or(if step > 0 { low } else { high }, clamp);
        let stop = self.stop.map_or(if step > 0 { high } else { low }, clamp);
        let distance = if step > 0 { stop - start } else { start - stop };
        if distance <= 0 {
            return Some((0, 0));
        }
        let (last, stride) = (distance.unsigned_abs() - 1, step.unsigned_abs());
        // A division is the dearest part of a slice.
        let count = if stride.is_power_of_two() {
            (last >> stride.trailing_zeros()) + 1
        } else {
            last / stride + 1
        };
        Some((start.unsigned_abs(), count))
    }
}

/// A number that says where on an axis: negative ones count from the end.
///
/// Numbers that no axis can have (beyond `isize::MAX`) become the nearest that is none either.
pub trait Position: Copy + sealed::Sealed {
    /// The number as indices count.
    fn place(self) -> isize;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! positions {
    ($($number:ty),*) => { $(
        impl sealed::Sealed for $number {}

        impl Position for $number {
            #[inline]
            fn place(self) -> isize {
                isize::try_from(self).unwrap_or(isize::MAX)
            }
        }

        impl From<$number> for Index {
            #[inline]
            fn from(position: $number) -> Self {
                Self::At(position.place())
            }
        }
    )* };
}

positions!(isize, usize, i32);

impl From<RangeFull> for Slice {
    #[inline]
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

impl<P: Position> From<Range<P>> for Slice {
    #[inline]
    fn from(r: Range<P>) -> Self {
        Self::new(Some(r.start.place()), Some(r.end.place()), 1)
    }
}

impl<P: Position> From<RangeFrom<P>> for Slice {
    #[inline]
    fn from(r: RangeFrom<P>) -> Self {
        Self::new(Some(r.start.place()), None, 1)
    }
}

impl<P: Position> From<RangeTo<P>> for Slice {
    #[inline]
    fn from(r: RangeTo<P>) -> Self {
        Self::new(None, Some(r.end.place()), 1)
    }
}

/// The stop of an inclusive range as that of a half-open one: behind −1 comes the end of the axis, not its start.
fn past(last: isize) -> Option<isize> {
    last.checked_add(1).filter(|&stop| stop != 0)
}

impl<P: Position> From<RangeInclusive<P>> for Slice {
    #[inline]
    fn from(r: RangeInclusive<P>) -> Self {
        Self::new(Some(r.start().place()), past(r.end().place()), 1)
    }
}

impl<P: Position> From<RangeToInclusive<P>> for Slice {
    #[inline]
    fn from(r: RangeToInclusive<P>) -> Self {
        Self::new(None, past(r.end.place()), 1)
    }
}

/// One entry of a basic index expression.
///
/// Integers and ranges convert into it: `view.index(&[Index::from(0), Index::from(1..), Index::NewAxis])`. The macro [`s!`](crate::s) writes
/// whole expressions as NumPy does, and [`IndexExpr`] reads them from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// One position, which removes the axis; negative counts from the end.
    At(isize),
    /// A slice, which keeps the axis.
    Slice(Slice),
    /// As many whole axes as are left over (`...`).
    Ellipsis,
    /// A new axis of size 1 and stride 0 (`None`, `np.newaxis`).
    NewAxis,
}

impl<T: Into<Slice>> From<T> for Index {
    #[inline]
    fn from(slice: T) -> Self {
        Self::Slice(slice.into())
    }
}

/// What one axis becomes, and where the first item goes.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    axis: usize,
    dim: usize,
    stride: isize,
    offset: usize,
}

impl Layout {
    /// Basic indexing: NumPy's `a[indices]`. Axes that no entry names are kept whole.
    ///
    /// # Errors
    ///
    /// [`LayoutError::TooManyIndices`], [`LayoutError::SecondEllipsis`], [`LayoutError::RankTooHigh`], and per axis
    /// [`LayoutError::IndexOutOfRange`], [`LayoutError::ZeroStep`] and [`LayoutError::StrideOverflow`].
    #[inline]
    pub fn index(&self, indices: &[Index]) -> Result<Self, LayoutError> {
        let (axes, offset) = self.indexed(indices)?;
        Ok(self.with_axes(axes, offset))
    }

    fn indexed(&self, indices: &[Index]) -> Result<(Axes, usize), LayoutError> {
        let whole = self.check_indices(indices)?;
        let (mut axes, mut offset, mut axis) = (Axes::NONE, self.offset, 0);
        for index in indices {
            match *index {
                Index::NewAxis => axes.push(1, 0),
                Index::Ellipsis => axis = self.keep(&mut axes, axis, whole),
                Index::At(at) => {
                    offset = self.shifted(offset, axis, self.resolve_index(axis, at)?);
                    axis += 1;
                }
                Index::Slice(slice) => {
                    let (start, len, stride) = self.resolve_slice(axis, slice)?;
                    if len > 0 {
                        offset = self.shifted(offset, axis, start);
                    }
                    axes.push(len, stride);
                    axis += 1;
                }
            }
        }
        self.keep(&mut axes, axis, self.ndim() - axis);
        let ndim = axes.shape().len();
        if ndim > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim });
        }
        Ok((axes, offset))
    }

    /// Keeps `count` axes from `axis` on as they are. The axis behind them.
    fn keep(&self, axes: &mut Axes, axis: usize, count: usize) -> usize {
        for k in axis..axis + count {
            axes.push(self.shape()[k], self.strides()[k]);
        }
        axis + count
    }

    /// The layout at one position of an axis, which disappears.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::IndexOutOfRange`].
    #[inline]
    pub fn index_axis(&self, axis: usize, position: isize) -> Result<Self, LayoutError> {
        let offset = self.picked_offset(axis, position)?;
        Ok(self.without_axis(axis, offset))
    }

    /// Where the first item is once one position of an axis is picked.
    #[inline]
    pub(crate) fn picked_offset(&self, axis: usize, position: isize) -> Result<usize, LayoutError> {
        self.check_axis(axis)?;
        Ok(self.shifted(self.offset, axis, self.resolve_index(axis, position)?))
    }

    #[inline(always)]
    pub(crate) fn without_axis(&self, axis: usize, offset: usize) -> Self {
        let source = |k| k + usize::from(k >= axis);
        self.with_axes(self.axes.picked(self.ndim() - 1, source), offset)
    }

    /// The layout of a slice along one axis.
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::ZeroStep`], [`LayoutError::StrideOverflow`].
    #[inline]
    pub fn slice_axis(&self, axis: usize, slice: impl Into<Slice>) -> Result<Self, LayoutError> {
        Ok(self.with_cut(self.cut(axis, slice.into())?))
    }

    /// What a slice makes of one axis.
    #[inline]
    pub(crate) fn cut(&self, axis: usize, slice: Slice) -> Result<Cut, LayoutError> {
        self.check_axis(axis)?;
        let (start, dim, stride) = self.resolve_slice(axis, slice)?;
        let offset = if dim > 0 {
            self.shifted(self.offset, axis, start)
        } else {
            self.offset
        };
        Ok(Cut {
            axis,
            dim,
            stride,
            offset,
        })
    }

    #[inline(always)]
    pub(crate) fn with_cut(&self, cut: Cut) -> Self {
        self.with_axes(self.axes.with(cut.axis, cut.dim, cut.stride), cut.offset)
    }

    /// Number of axes that an ellipsis stands for.
    fn check_indices(&self, indices: &[Index]) -> Result<usize, LayoutError> {
        let (mut given, mut ellipsis) = (0, false);
        for (position, index) in indices.iter().enumerate() {
            match index {
                Index::At(_) | Index::Slice(_) => given += 1,
                Index::NewAxis => {}
                Index::Ellipsis if ellipsis => return Err(LayoutError::SecondEllipsis { position }),
                Index::Ellipsis => ellipsis = true,
            }
        }
        let ndim = self.ndim();
        ndim.checked_sub(given)
            .ok_or(LayoutError::TooManyIndices { given, ndim })
    }

    #[inline]
    fn resolve_index(&self, axis: usize, index: isize) -> Result<usize, LayoutError> {
        let size = self.shape()[axis];
        let position = if index < 0 {
            index.saturating_add(size.cast_signed())
        } else {
            index
        };
        usize::try_from(position)
            .ok()
            .filter(|&position| position < size)
            .ok_or(LayoutError::IndexOutOfRange { axis, index, size })
    }

    /// First position, number of items and stride of a slice. An axis that ends up empty keeps its stride, as in NumPy.
    #[inline]
    fn resolve_slice(&self, axis: usize, slice: Slice) -> Result<(usize, usize, isize), LayoutError> {
        let stride = self.strides()[axis];
        let (start, len) = slice
            .resolve(self.shape()[axis])
            .ok_or(LayoutError::ZeroStep { axis })?;
        if len == 0 {
            return Ok((0, 0, stride));
        }
        let stepped = stride.checked_mul(slice.step).ok_or(LayoutError::StrideOverflow {
            axis,
            stride,
            factor: slice.step,
        })?;
        Ok((start, len, stepped))
    }

    /// `offset` moved by `position` items along an axis.
    ///
    /// By *span* this is exact whenever there are items. Without items the offset means nothing; it stays where it is if the move
    /// would leave the address space.
    #[inline]
    pub(super) fn shifted(&self, offset: usize, axis: usize, position: usize) -> usize {
        position
            .cast_signed()
            .checked_mul(self.strides()[axis])
            .and_then(|delta| offset.checked_add_signed(delta))
            .filter(|&moved| isize::try_from(moved).is_ok())
            .unwrap_or(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Order};

    fn cube() -> Layout {
        Layout::contiguous(&[2, 3, 4], &DType::F64, Order::C).unwrap()
    }

    #[test]
    fn slices_clamp_as_python_does() {
        // (start, stop, step, size) → positions, taken from CPython's slice.indices.
        let cases = [
            (None, None, 1, 5, vec![0, 1, 2, 3, 4]),
            (None, None, -1, 5, vec![4, 3, 2, 1, 0]),
            (Some(-2), None, 1, 5, vec![3, 4]),
            (Some(10), None, -2, 5, vec![4, 2, 0]),
            (Some(-9), Some(9), 3, 5, vec![0, 3]),
            (Some(3), Some(-9), -1, 5, vec![3, 2, 1, 0]),
            (Some(2), Some(2), 1, 5, vec![]),
            (None, None, -1, 0, vec![]),
            (Some(isize::MIN), Some(isize::MAX), isize::MAX, 5, vec![0]),
            (Some(isize::MAX), Some(isize::MIN), isize::MIN, 5, vec![4]),
        ];
        for (start, stop, step, size, expected) in cases {
            let (first, count) = Slice::new(start, stop, step).resolve(size).unwrap();
            let found: Vec<isize> = (0..count.cast_signed())
                .map(|k| first.cast_signed() + k * step)
                .collect();
            assert_eq!(found, expected, "{start:?}:{stop:?}:{step} of {size}");
        }
    }

    #[test]
    fn index_expressions() {
        let a = cube();
        let picked = a
            .index(&[Index::At(-1), Index::Ellipsis, Index::from(1..), Index::NewAxis])
            .unwrap();
        assert_eq!((picked.shape(), picked.strides()), (&[3, 3, 1][..], &[32, 8, 0][..]));
        assert_eq!(picked.offset(), 96 + 8);
        assert_eq!(a.index(&[]).unwrap(), a);
    }

    #[test]
    fn an_empty_slice_points_at_the_axis_start() {
        let a = cube().slice_axis(0, 1..1).unwrap();
        assert_eq!((a.shape(), a.offset()), (&[0, 3, 4][..], 0));
    }

    #[test]
    fn refused_index_expressions() {
        use LayoutError as E;
        let a = cube();
        let error = |indices: &[Index]| a.index(indices).unwrap_err();
        assert_eq!(error(&[Index::At(0); 4]), E::TooManyIndices { given: 4, ndim: 3 });
        assert_eq!(error(&[Index::Ellipsis; 2]), E::SecondEllipsis { position: 1 });
        let out_of_range = E::IndexOutOfRange {
            axis: 1,
            index: -4,
            size: 3,
        };
        assert_eq!(error(&[Index::from(..), Index::At(-4)]), out_of_range);
        assert_eq!(error(&[Index::Slice(Slice::ALL.step_by(0))]), E::ZeroStep { axis: 0 });
        assert!(matches!(error(&[Index::NewAxis; 62]), E::RankTooHigh { ndim: 65 }));
        let huge = Slice::ALL.step_by(isize::MAX);
        assert!(matches!(
            error(&[Index::Slice(huge)]),
            E::StrideOverflow { axis: 0, .. }
        ));
    }

    #[test]
    fn inclusive_ranges_reach_the_end() {
        assert_eq!(Slice::from(..=-1).resolve(4), Some((0, 4)));
        assert_eq!(Slice::from(1..=2).resolve(4), Some((1, 2)));
        assert_eq!(Slice::from(..=1).resolve(4), Some((0, 2)));
    }
}
