//! A view cut into pieces along an axis.

use super::StridedView;
use crate::error::Result;
use crate::layout::{Parts, Slice};

/// Pieces of a view. Nothing is copied, and the pieces are made one by one.
impl<'a> StridedView<'a> {
    /// One axis in `sections` pieces of equal length (NumPy's `split`).
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>());
    /// let sums: Vec<i32> = a.split(0, 3)?.map(|part| part.to_vec::<i32>().unwrap().iter().sum()).collect();
    /// assert_eq!(sums, [1, 5, 9]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::split`](crate::Layout::split).
    pub fn split(&self, axis: usize, sections: usize) -> Result<impl Pieces<'a>> {
        Ok(self.pieces(axis, self.layout.split(axis, sections)?))
    }

    /// One axis in `sections` pieces of nearly equal length: the first ones have one item more (NumPy's `array_split`).
    ///
    /// # Errors
    ///
    /// As [`Layout::array_split`](crate::Layout::array_split).
    pub fn array_split(&self, axis: usize, sections: usize) -> Result<impl Pieces<'a>> {
        Ok(self.pieces(axis, self.layout.array_split(axis, sections)?))
    }

    /// One axis in pieces of `len` items, the last of which may be shorter.
    ///
    /// # Errors
    ///
    /// As [`Layout::chunks`](crate::Layout::chunks).
    pub fn chunks(&self, axis: usize, len: usize) -> Result<impl Pieces<'a>> {
        Ok(self.pieces(axis, self.layout.chunks(axis, len)?))
    }

    /// One axis cut at `positions` (NumPy's `split` with a list).
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>());
    /// let lengths: Vec<usize> = a.split_at_each(0, &[1, -1])?.map(|part| part.len()).collect();
    /// assert_eq!(lengths, [1, 4, 1]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::split_at_each`](crate::Layout::split_at_each).
    pub fn split_at_each<'p>(&self, axis: usize, positions: &'p [isize]) -> Result<impl Pieces<'a> + use<'a, 'p>> {
        Ok(self.pieces(axis, self.layout.split_at_each(axis, positions)?))
    }

    /// The views at each position of an axis, which disappears.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?;
    /// let columns: Vec<Vec<i32>> = a.axis_iter(1)?.map(|column| column.to_vec().unwrap()).collect();
    /// assert_eq!(columns, [[0, 3], [1, 4], [2, 5]]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`](crate::LayoutError::AxisOutOfRange).
    pub fn axis_iter(&self, axis: usize) -> Result<impl Pieces<'a>> {
        Ok(self
            .chunks(axis, 1)?
            .map(move |piece| piece.index_axis(axis, 0).expect("a piece of one item")))
    }

    fn pieces<'p>(&self, axis: usize, parts: Parts<'p>) -> impl Pieces<'a> + use<'a, 'p> {
        let view = self.clone();
        parts.map(move |piece: Slice| {
            view.slice_axis(axis, piece)
                .expect("a slice of step 1 on an axis that there is")
        })
    }
}

/// Views one after the other, from either end; how many is known.
pub trait Pieces<'a>: ExactSizeIterator<Item = StridedView<'a>> + DoubleEndedIterator {}

impl<'a, I: ExactSizeIterator<Item = StridedView<'a>> + DoubleEndedIterator> Pieces<'a> for I {}
