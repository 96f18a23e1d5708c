//! Exclusive views cut into exclusive parts.
//!
//! No two items of an exclusive view share a byte, so that different items may go to different parts, however the parts interleave. What
//! a part must not do is to look at the memory between its items: *confined*.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

use super::StridedViewMut;
use crate::error::{DTypeFault, Error, LayoutError, Result};
use crate::layout::{Slice, Unit};
use crate::view::StridedView;

/// Disjoint parts, each to be written on a thread of its own if you like.
///
/// The parts may interleave (the columns of a row-major matrix do), so that each is confined to its items: a view of the memory behind
/// it ([`StridedView::new`] of its buffer) is refused with [`Error::Confined`].
impl<'a> StridedViewMut<'a> {
    /// Two parts: the positions of an axis before `middle`, and those from there on. O(rank).
    ///
    /// ```
    /// use viewbridge::StridedViewMut;
    ///
    /// let mut items = [0_i32; 6];
    /// let (mut left, mut right) = StridedViewMut::from_slice(&mut items).reshape(&[2, 3])?.split_at(1, 1)?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || left.fill(1));
    ///     scope.spawn(move || right.fill(2));
    /// });
    /// assert_eq!(items, [1, 2, 2, 1, 2, 2]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::IndexOutOfRange`] if `middle` is beyond the end; [`Error::SplitsByte`] for
    /// packed items if a byte would belong to both parts.
    pub fn split_at(self, axis: usize, middle: usize) -> Result<(Self, Self)> {
        let size = self.axis_size(axis)?;
        let cut = isize::try_from(middle).unwrap_or(isize::MAX);
        if middle > size {
            let index = cut;
            return Err(LayoutError::IndexOutOfRange { axis, index, size }.into());
        }
        let inner = self.into_confined();
        let (left, right) = (inner.slice_axis(axis, ..cut)?, inner.slice_axis(axis, cut..)?);
        if !is_apart(&left, &right) {
            let position = middle;
            return Err(Error::SplitsByte { axis, position });
        }
        Ok((Self { inner: left }, Self { inner: right }))
    }

    /// Parts of `size` positions of an axis; the last one may be shorter. O(rank) each.
    ///
    /// ```
    /// use viewbridge::StridedViewMut;
    ///
    /// let mut items = [0_u8; 5];
    /// for (value, mut part) in (1..).zip(StridedViewMut::from_slice(&mut items).chunks(0, 2)?) {
    ///     part.fill::<u8>(value)?;
    /// }
    /// assert_eq!(items, [1, 1, 2, 2, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::ZeroStep`] if `size` is 0, [`Error::SplitsByte`] for packed items if parts would
    /// share a byte.
    pub fn chunks(self, axis: usize, size: usize) -> Result<PartsMut<'a>> {
        if size == 0 {
            return Err(LayoutError::ZeroStep { axis }.into());
        }
        self.parts(axis, size, false)
    }

    /// One part for each position of an axis, which disappears: the rows of a matrix, its columns. O(rank) each.
    ///
    /// ```
    /// use viewbridge::StridedViewMut;
    ///
    /// let mut items = [1, 2, 3, 4, 5, 6];
    /// for mut column in StridedViewMut::from_slice(&mut items).reshape(&[2, 3])?.axis_iter(1)? {
    ///     let sum = column.get::<i32>(&[0])? + column.get::<i32>(&[1])?;
    ///     column.fill(sum)?;
    /// }
    /// assert_eq!(items, [5, 7, 9, 5, 7, 9]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`Error::SplitsByte`] for packed items if parts would share a byte.
    pub fn axis_iter(self, axis: usize) -> Result<PartsMut<'a>> {
        self.parts(axis, 1, true)
    }

    /// One part for each of several fields of the records.
    ///
    /// ```
    /// use viewbridge::{DType, Field, Record, StridedViewMut};
    ///
    /// let record = Record::packed([Field::new("id", DType::U8), Field::new("x", DType::I16)])?;
    /// let points = StridedViewMut::from_vec(vec![0_u8; 6]).view_as(record.into())?;
    /// let [mut id, mut x] = points.split_fields(["id", "x"])?;
    /// id.fill(1_u8)?;
    /// x.fill(-1_i16)?;
    /// assert_eq!(x.get::<i16>(&[1])?, -1);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoRecord`], [`DTypeFault::NoField`], [`DTypeFault::FieldsOverlap`] for fields that share bytes, or the same one twice.
    pub fn split_fields<const N: usize>(self, names: [&str; N]) -> Result<[Self; N]> {
        let inner = self.into_confined();
        let mut taken: Vec<(Range<usize>, &str)> = Vec::with_capacity(N);
        for name in names {
            let field = inner.dtype().field(name)?;
            let bytes = field.offset()..field.offset() + field.nbytes().unwrap_or(0);
            let shares = |other: &Range<usize>| other.start < bytes.end && bytes.start < other.end;
            if let Some((_, other)) = taken.iter().find(|(other, _)| shares(other)) {
                let (first, second) = ((*other).into(), name.into());
                return Err(DTypeFault::FieldsOverlap { first, second }.into());
            }
            taken.push((bytes, name));
        }
        Ok(names.map(|name| Self {
            inner: inner.field(name).expect("the record has the field"),
        }))
    }

    fn parts(self, axis: usize, step: usize, drop_axis: bool) -> Result<PartsMut<'a>> {
        let end = self.axis_size(axis)?;
        let parts = PartsMut {
            inner: self.into_confined(),
            axis,
            step,
            drop_axis,
            next: 0,
            end,
        };
        parts.check_bytes()?;
        Ok(parts)
    }

    fn axis_size(&self, axis: usize) -> Result<usize> {
        let ndim = self.shape().len();
        let size = self.shape().get(axis).copied();
        size.ok_or_else(|| LayoutError::AxisOutOfRange { axis, ndim }.into())
    }

    fn into_confined(self) -> StridedView<'a> {
        let (buffer, dtype, layout, logical) = self.inner.into_parts();
        StridedView::from_parts(buffer.into_confined(), dtype, layout, logical)
    }
}

/// Whether no byte belongs to both of two disjoint parts. Whole items never share one; packed ones are kept to bytes before and after.
fn is_apart(a: &StridedView<'_>, b: &StridedView<'_>) -> bool {
    let (first, second) = (a.layout().byte_span(), b.layout().byte_span());
    let before = first.end <= second.start || second.end <= first.start;
    a.layout().unit() == Unit::Byte || a.is_empty() || b.is_empty() || before
}

/// The parts of a split exclusive view, one after the other: [`StridedViewMut::chunks`], [`StridedViewMut::axis_iter`].
pub struct PartsMut<'a> {
    /// *confined*, and never given out whole.
    inner: StridedView<'a>,
    axis: usize,
    step: usize,
    drop_axis: bool,
    /// First position of the next part.
    next: usize,
    end: usize,
}

impl<'a> PartsMut<'a> {
    /// The parts are the first one moved on by whole strides: if those are whole bytes, the first two stand for all.
    fn check_bytes(&self) -> Result<()> {
        let (Some(first), Some(second)) = (self.part(0), self.part(self.step)) else {
            return Ok(());
        };
        let (layout, axis) = (self.inner.layout(), self.axis);
        let moved = layout.strides()[axis].unsigned_abs().checked_mul(self.step);
        let whole = layout.unit() == Unit::Byte || moved.is_some_and(|bits| bits.is_multiple_of(8));
        if first.is_empty() || (whole && is_apart(&first, &second)) {
            return Ok(());
        }
        let position = self.step;
        Err(Error::SplitsByte { axis, position })
    }

    /// The part that begins at a position, or `None` behind the end.
    fn part(&self, start: usize) -> Option<StridedView<'a>> {
        if start >= self.end {
            return None;
        }
        let stop = start.saturating_add(self.step).min(self.end);
        let (first, stop) = (start.cast_signed(), stop.cast_signed());
        let part = if self.drop_axis {
            self.inner.index_axis(self.axis, first)
        } else {
            self.inner.slice_axis(self.axis, Slice::from(first..stop))
        };
        Some(part.expect("the axis has the position"))
    }
}

impl<'a> Iterator for PartsMut<'a> {
    type Item = StridedViewMut<'a>;

    fn next(&mut self) -> Option<StridedViewMut<'a>> {
        let inner = self.part(self.next)?;
        self.next = self.next.saturating_add(self.step);
        Some(StridedViewMut { inner })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next).div_ceil(self.step);
        (left, Some(left))
    }
}

impl ExactSizeIterator for PartsMut<'_> {}

impl FusedIterator for PartsMut<'_> {}

impl fmt::Debug for PartsMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartsMut {{ {} left of {:?} }}", self.len(), self.inner)
    }
}
