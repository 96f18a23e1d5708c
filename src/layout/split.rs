//! An axis cut into pieces.

use super::{Layout, Slice};
use crate::error::LayoutError;

/// The pieces of an axis, one slice after the other. Made by [`Layout::split`] and its kin; costs no memory, whatever the number of pieces.
#[derive(Debug, Clone)]
pub struct Parts<'p> {
    rule: Rule<'p>,
    size: usize,
    /// Pieces given out from the front.
    next: usize,
    count: usize,
}

#[derive(Debug, Clone)]
enum Rule<'p> {
    /// Pieces of `len` items, the first `longer` of which have one more.
    Sections { len: usize, longer: usize },
    /// Pieces of `len` items, the last perhaps shorter.
    Chunks { len: usize },
    /// Pieces that begin at some positions.
    Positions(&'p [isize]),
}

impl Layout {
    /// One axis in `sections` pieces of equal length (NumPy's `split`). Each piece is a slice: `layout.slice_axis(axis, piece)`.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Order};
    ///
    /// let a = Layout::contiguous(&[6], &DType::U8, Order::C)?;
    /// let halves = a.split(0, 2)?.map(|piece| a.slice_axis(0, piece));
    /// let offsets = halves.map(|half| Ok(half?.offset())).collect::<Result<Vec<_>, viewbridge::LayoutError>>()?;
    /// assert_eq!(offsets, [0, 3]);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::UnevenSplit`] if the pieces would not be equal, or there are to be none.
    pub fn split(&self, axis: usize, sections: usize) -> Result<Parts<'static>, LayoutError> {
        let parts = self.array_split(axis, sections)?;
        if self.shape()[axis].is_multiple_of(sections) {
            return Ok(parts);
        }
        let size = self.shape()[axis];
        Err(LayoutError::UnevenSplit { axis, size, sections })
    }

    /// One axis in `sections` pieces of nearly equal length: the first ones have one item more (NumPy's `array_split`).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::UnevenSplit`] if there are to be no pieces.
    pub fn array_split(&self, axis: usize, sections: usize) -> Result<Parts<'static>, LayoutError> {
        self.check_axis(axis)?;
        let size = self.shape()[axis];
        let len = size
            .checked_div(sections)
            .ok_or(LayoutError::UnevenSplit { axis, size, sections })?;
        let longer = size % sections;
        Ok(Parts::new(Rule::Sections { len, longer }, size, sections))
    }

    /// One axis in pieces of `len` items, the last of which may be shorter (as `chunks` of slices).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`]; [`LayoutError::EmptyChunks`] if `len` is 0.
    pub fn chunks(&self, axis: usize, len: usize) -> Result<Parts<'static>, LayoutError> {
        self.check_axis(axis)?;
        let size = self.shape()[axis];
        if len == 0 {
            return Err(LayoutError::EmptyChunks { axis });
        }
        Ok(Parts::new(Rule::Chunks { len }, size, size.div_ceil(len)))
    }

    /// One axis cut at `positions`, which act as bounds of slices do: they are clamped, and count from the end if negative (NumPy's `split`
    /// with a list).
    ///
    /// # Errors
    ///
    /// [`LayoutError::AxisOutOfRange`].
    pub fn split_at_each<'p>(&self, axis: usize, positions: &'p [isize]) -> Result<Parts<'p>, LayoutError> {
        self.check_axis(axis)?;
        Ok(Parts::new(
            Rule::Positions(positions),
            self.shape()[axis],
            positions.len() + 1,
        ))
    }
}

impl<'p> Parts<'p> {
    fn new(rule: Rule<'p>, size: usize, count: usize) -> Self {
        let next = 0;
        Self {
            rule,
            size,
            next,
            count,
        }
    }

    fn part(&self, k: usize) -> Slice {
        let bounds = |start: usize, end: usize| Slice::from(start.min(self.size)..end.min(self.size));
        match self.rule {
            Rule::Sections { len, longer } => {
                let start = |k: usize| k * len + k.min(longer);
                bounds(start(k), start(k + 1))
            }
            Rule::Chunks { len } => bounds(k * len, (k * len).saturating_add(len)),
            Rule::Positions(positions) => Slice {
                start: k.checked_sub(1).map(|before| positions[before]),
                stop: positions.get(k).copied(),
                step: 1,
            },
        }
    }
}

impl Iterator for Parts<'_> {
    type Item = Slice;

    fn next(&mut self) -> Option<Slice> {
        (self.next < self.count).then(|| {
            self.next += 1;
            self.part(self.next - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Parts<'_> {
    fn next_back(&mut self) -> Option<Slice> {
        (self.next < self.count).then(|| {
            self.count -= 1;
            self.part(self.count)
        })
    }
}

impl ExactSizeIterator for Parts<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Order};

    /// First position and length of each piece.
    fn pieces(parts: Parts<'_>, size: usize) -> Vec<(usize, usize)> {
        parts.map(|piece| piece.resolve(size).unwrap()).collect()
    }

    fn line(size: usize) -> Layout {
        Layout::contiguous(&[size], &DType::U8, Order::C).unwrap()
    }

    #[test]
    fn pieces_follow_each_other() {
        let a = line(7);
        assert_eq!(pieces(a.split(0, 7).unwrap(), 7)[6], (6, 1));
        assert_eq!(pieces(a.array_split(0, 3).unwrap(), 7), [(0, 3), (3, 2), (5, 2)]);
        assert_eq!(pieces(a.chunks(0, 3).unwrap(), 7), [(0, 3), (3, 3), (6, 1)]);
        assert_eq!(
            pieces(a.split_at_each(0, &[2, -1]).unwrap(), 7),
            [(0, 2), (2, 4), (6, 1)]
        );
        let backwards: Vec<Slice> = a.chunks(0, 3).unwrap().rev().collect();
        assert_eq!(backwards[0], Slice::from(6..7));
    }

    #[test]
    fn more_pieces_than_items() {
        let parts = line(2).array_split(0, usize::MAX).unwrap();
        assert_eq!(parts.len(), usize::MAX);
        let first: Vec<_> = parts.take(3).map(|piece| piece.resolve(2).unwrap()).collect();
        assert_eq!(first, [(0, 1), (1, 1), (0, 0)]);
    }

    #[test]
    fn refused_splits() {
        let a = line(7);
        let uneven = |sections| LayoutError::UnevenSplit {
            axis: 0,
            size: 7,
            sections,
        };
        assert_eq!(a.split(0, 2).unwrap_err(), uneven(2));
        assert_eq!(a.split(0, 0).unwrap_err(), uneven(0));
        assert_eq!(a.array_split(0, 0).unwrap_err(), uneven(0));
        assert_eq!(a.chunks(0, 0).unwrap_err(), LayoutError::EmptyChunks { axis: 0 });
        assert_eq!(
            a.split_at_each(1, &[]).unwrap_err(),
            LayoutError::AxisOutOfRange { axis: 1, ndim: 1 }
        );
    }
}
