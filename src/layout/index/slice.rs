//! Slices of one axis, and the ranges that become them.
//!
//! Source of the rules: Python's `slice.indices`.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use super::Index;

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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn inclusive_ranges_reach_the_end() {
        assert_eq!(Slice::from(..=-1).resolve(4), Some((0, 4)));
        assert_eq!(Slice::from(1..=2).resolve(4), Some((1, 2)));
        assert_eq!(Slice::from(..=1).resolve(4), Some((0, 2)));
    }
}
