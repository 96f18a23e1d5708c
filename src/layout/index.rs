//! Basic indexing: integers, slices, an ellipsis, new axes.
//!
//! Source of the rules: Python's `slice.indices` and NumPy, "Basic indexing".

mod expression;
mod macros;
mod slice;

use super::axes::Axes;
use super::{Layout, MAX_NDIM};
use crate::error::LayoutError;

pub use self::expression::IndexExpr;
pub use self::slice::{Position, Slice};

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

    /// First position, number of items and stride of a slice. An axis that ends up empty keeps its stride, as in NumPy; so does one that ends up with an
    /// item, if the step leads out of every memory.
    #[inline]
    fn resolve_slice(&self, axis: usize, slice: Slice) -> Result<(usize, usize, isize), LayoutError> {
        let stride = self.strides()[axis];
        let (start, len) = slice
            .resolve(self.shape()[axis])
            .ok_or(LayoutError::ZeroStep { axis })?;
        if len == 0 {
            return Ok((0, 0, stride));
        }
        match stride.checked_mul(slice.step) {
            Some(stepped) => Ok((start, len, stepped)),
            None if len == 1 && slice.step.unsigned_abs() > 1 => Ok((start, len, stride)),
            None => Err(LayoutError::StrideOverflow {
                axis,
                stride,
                factor: slice.step,
            }),
        }
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
    }

    #[test]
    fn a_step_out_of_every_memory_leaves_an_item() {
        let a = cube();
        for step in [isize::MAX, isize::MIN] {
            let one = a.slice_axis(0, Slice::ALL.step_by(step)).unwrap();
            assert_eq!((one.shape(), one.strides()), (&[1, 3, 4][..], a.strides()));
            assert_eq!(one.offset(), if step > 0 { 0 } else { 96 });
        }
        // Where nothing is stepped to, strides may be anything.
        let wide = Layout::strided(&[3, 0], &[isize::MAX / 2 + 1, 8], 0, &DType::F64).unwrap();
        let error = wide.slice_axis(0, Slice::ALL.step_by(2)).unwrap_err();
        assert!(matches!(error, LayoutError::StrideOverflow { axis: 0, .. }));
    }
}
