//! Some items out of many, by a list of positions or a mask: NumPy's "fancy" indexing. Always copies, and says so
//! ([`CopyReason::Gather`]).

mod put;
mod rows;

use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::error::{Error, LayoutError, Result};
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Copies of some of the items. The results are row-major, in memory of their own.
impl StridedView<'_> {
    /// The given positions of an axis, in the given order: NumPy's `np.take(a, positions, axis)`. Negative positions count from the end; a
    /// position may occur more than once.
    ///
    /// What lies behind the axis is copied in runs where it is contiguous. O(items of the result).
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..12).collect::<Vec<i32>>()).reshape(&[3, 4])?;
    /// let rows = a.take_axis(0, &[-1, 0, 0])?;
    /// assert_eq!(rows.value.to_vec::<i32>()?, [8, 9, 10, 11, 0, 1, 2, 3, 0, 1, 2, 3]);
    /// assert_eq!(rows.report.to_string(), "copied 48 bytes (requested gather)");
    /// assert_eq!(a.take_axis(1, &[2])?.value.shape(), [3, 1]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`LayoutError::IndexOutOfRange`], [`LayoutError::SizeOverflow`], [`Error::DeviceMemory`],
    /// [`Error::OutOfMemory`].
    #[doc(alias = "fancy indexing")]
    #[doc(alias = "take")]
    pub fn take_axis(&self, axis: usize, positions: &[isize]) -> Result<Converted<StridedView<'static>>> {
        let places = resolve(self.shape(), axis, positions)?;
        self.gather(axis, &places)
    }

    /// The positions of an axis at which a mask is true: NumPy's `np.compress(mask, a, axis)`. The mask is a view of booleans, one to a byte or
    /// one to a bit, with one axis.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?;
    /// let mask = StridedView::from_slice(&[true, false, true]);
    /// assert_eq!(a.select_axis(1, &mask)?.value.to_vec::<i32>()?, [0, 2, 3, 5]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`], [`Error::ShapeMismatch`] unless the mask has as many items as the axis,
    /// [`Error::DTypeMismatch`] for a mask of anything else, [`Error::InvalidItem`] for a `bool` that is neither 0 nor 1,
    /// [`Error::DeviceMemory`], [`Error::OutOfMemory`].
    #[doc(alias = "compress")]
    pub fn select_axis(&self, axis: usize, mask: &StridedView<'_>) -> Result<Converted<StridedView<'static>>> {
        let mask = truth(mask, &[axis_size(self.shape(), axis)?])?;
        let mut places = Vec::new();
        reserve(&mut places, chosen(&mask))?;
        places.extend(mask.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(k, _)| k));
        self.gather(axis, &places)
    }

    /// The items at which a mask is true, on one axis: NumPy's `a[mask]`. The mask covers all axes or the first few; those that it does not cover
    /// stay.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?;
    /// let odd = StridedView::from_slice(&[false, true, false, true, false, true]).reshape(&[2, 3])?;
    /// assert_eq!(a.select(&odd)?.value.to_vec::<i32>()?, [1, 3, 5]);
    ///
    /// let rows = StridedView::from_slice(&[false, true]);
    /// assert_eq!(a.select(&rows)?.value.shape(), [1, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] unless the shape of the mask is that of the first axes; otherwise as [`select_axis`](Self::select_axis).
    #[doc(alias = "boolean mask")]
    pub fn select(&self, mask: &StridedView<'_>) -> Result<Converted<StridedView<'static>>> {
        let covered = mask.ndim().min(self.ndim());
        let mask = truth(mask, &self.shape()[..covered])?;
        let shape = [&[chosen(&mask)], &self.shape()[covered..]].concat();
        let starts = self.layout().leading_offsets(covered);
        let starts = starts.zip(&mask).filter(|(_, chosen)| **chosen);
        self.gathered(&shape, covered, starts.map(|(start, _)| start))
    }

    /// Positions of an axis, all of which it has.
    fn gather(&self, axis: usize, places: &[usize]) -> Result<Converted<StridedView<'static>>> {
        let mut shape = self.shape().to_vec();
        shape[axis] = places.len();
        let stride = self.strides()[axis];
        let place = move |start: usize| {
            // By *span*, the offset of every item is an address.
            let step = move |&place: &usize| start.wrapping_add_signed(stride.wrapping_mul(place.cast_signed()));
            places.iter().map(step)
        };
        let starts = self.layout().leading_offsets(axis).flat_map(place);
        self.gathered(&shape, axis + 1, starts)
    }

    /// The blocks of the axes from `inner` on that begin at `starts`, one behind the other in a view of shape `shape`.
    fn gathered(
        &self,
        shape: &[usize],
        inner: usize,
        starts: impl Iterator<Item = usize>,
    ) -> Result<Converted<StridedView<'static>>> {
        let value = self.copy_blocks(shape, inner, starts)?;
        let record = CopyRecord::of_items(value.nbytes(), vec![CopyReason::Gather]);
        let report = CopyReport::copied(record);
        Ok(Converted { value, report })
    }
}

/// The positions as they count from the start of an axis.
fn resolve(shape: &[usize], axis: usize, positions: &[isize]) -> Result<Vec<usize>> {
    let size = axis_size(shape, axis)?;
    let mut places = Vec::new();
    reserve(&mut places, positions.len())?;
    for &index in positions {
        let end = if index < 0 { size.cast_signed() } else { 0 };
        let place = usize::try_from(index.saturating_add(end)).ok();
        let place = place.filter(|&place| place < size);
        places.push(place.ok_or(LayoutError::IndexOutOfRange { axis, index, size })?);
    }
    Ok(places)
}

/// The items of a mask, which is to have a certain shape.
fn truth(mask: &StridedView<'_>, shape: &[usize]) -> Result<Vec<bool>> {
    if mask.shape() != shape {
        return Err(Error::ShapeMismatch {
            expected: shape.to_vec(),
            found: mask.shape().to_vec(),
        });
    }
    mask.check_readable()?;
    mask.to_vec()
}

fn chosen(mask: &[bool]) -> usize {
    mask.iter().filter(|&&chosen| chosen).count()
}

fn axis_size(shape: &[usize], axis: usize) -> Result<usize> {
    let ndim = shape.len();
    let size = shape.get(axis).copied();
    size.ok_or_else(|| LayoutError::AxisOutOfRange { axis, ndim }.into())
}

fn reserve(places: &mut Vec<usize>, len: usize) -> Result<()> {
    let bytes = len.saturating_mul(size_of::<usize>());
    let reserved = places.try_reserve_exact(len);
    reserved.map_err(|_| Error::OutOfMemory { bytes })
}
