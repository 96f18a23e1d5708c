//! Whether layouts touch the same bytes: exactly, within a budget of work.
//!
//! Two items share a byte if the axes' steps and the bytes within the items add up to the same place. Counted from the lowest byte of the
//! one layout and down from the highest of the other, that is a bounded linear equation, for `solver` to decide.
//!
//! Source of the rules: NumPy's `shares_memory` and `may_share_memory`.

mod solver;
#[cfg(test)]
mod tests;

use self::solver::Term;
use super::{Disjointness, Layout, Unit};

/// Whether some byte (bit, for packed items) belongs to two layouts, or to two items of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// No byte is shared: proven.
    Disjoint,
    /// Some byte is shared: proven.
    Shared,
    /// The budget was spent before an answer was found.
    TooHard,
}

/// The lowest and the highest place that a layout touches, in a unit that another layout shares.
struct Extent {
    lowest: i128,
    highest: i128,
    /// How many of the unit make one of the layout's own.
    scale: i128,
}

impl Layout {
    /// Whether the layouts could share memory, as far as the first and the last **byte** of each tell. O(rank).
    ///
    /// Both count from the same start of memory. "No" is certain; "yes" is not ([`shares_memory`](Self::shares_memory)). Layouts without
    /// items share nothing.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Order, Overlap};
    ///
    /// let all = Layout::contiguous(&[10], &DType::F64, Order::C)?;
    /// let even = Layout::strided(&[5], &[16], 0, &DType::F64)?;
    /// let odd = Layout::strided(&[5], &[16], 8, &DType::F64)?;
    /// assert!(even.may_share_memory(&odd)); // interleaved
    /// assert_eq!(even.shares_memory(&odd, 1), Overlap::Disjoint);
    /// assert_eq!(even.shares_memory(&all, 1), Overlap::Shared);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    #[must_use]
    pub fn may_share_memory(&self, other: &Self) -> bool {
        self.may_share_memory_at(other, 0)
    }

    /// As [`may_share_memory`](Self::may_share_memory), for memory of the other layout that starts `distance` bytes after this one's.
    pub(crate) fn may_share_memory_at(&self, other: &Self, distance: i128) -> bool {
        let (a, b) = (self.byte_span(), other.byte_span());
        let before = |start: usize, end: usize, shift: i128| (start as i128) + shift < end as i128;
        self.touches() && other.touches() && before(a.start, b.end, -distance) && before(b.start, a.end, distance)
    }

    /// Whether some item of each layout touches the same byte, of which itemsizes are part. Exact.
    ///
    /// Both layouts count from the same start of memory. Bits decide where one of them is of packed items. Layouts without items share
    /// nothing.
    ///
    /// The question is NP-hard in the number of axes, so the search is bounded: `budget` counts rounds of as many dead ends as the
    /// layouts have axes of more than one item and itemsizes of more than one byte, together; when they are spent the answer is
    /// [`Overlap::TooHard`]. A dead end costs O(rank), preparing the search O(rank²). A budget of 1 is enough for slices of one layout
    /// whose axes nest, whatever their steps (tested, not proven); without any, bounds and divisors alone must tell.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Overlap};
    ///
    /// // x[::2] of 64-bit items beside x.view("f4")[1::4]: strides of 16 bytes, starts 4 bytes apart, and yet the same bytes.
    /// let doubles = Layout::strided(&[5], &[16], 0, &DType::F64)?;
    /// let singles = Layout::strided(&[5], &[16], 4, &DType::F32)?;
    /// assert_eq!(doubles.shares_memory(&singles, 1), Overlap::Shared);
    /// let others = Layout::strided(&[5], &[16], 8, &DType::F32)?;
    /// assert_eq!(doubles.shares_memory(&others, 1), Overlap::Disjoint);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    #[must_use]
    pub fn shares_memory(&self, other: &Self, budget: usize) -> Overlap {
        self.shares_memory_at(other, 0, budget)
    }

    /// As [`shares_memory`](Self::shares_memory), for memory of the other layout that starts `distance` bytes after this one's.
    pub(crate) fn shares_memory_at(&self, other: &Self, distance: i128, budget: usize) -> Overlap {
        let unit = if self.unit == other.unit { self.unit } else { Unit::Bit };
        let (Some(a), Some(b)) = (
            Extent::of(self, unit, 0),
            Extent::of(other, unit, distance * per(Unit::Byte, unit)),
        ) else {
            return Overlap::Disjoint;
        };
        if a.lowest > b.highest || b.lowest > a.highest {
            return Overlap::Disjoint;
        }
        // lowest of a + Σ = highest of b − Σ. Seen from the other ends it is the same equation: the nearer ends make smaller numbers.
        let target = (b.highest - a.lowest).min(a.highest - b.lowest);
        let mut terms = self.terms(a.scale);
        terms.extend(other.terms(b.scale));
        solver::reaches(terms, target, budget)
    }

    /// Whether two items of the layout share a byte (a bit, if they are packed). Exact.
    ///
    /// [`disjointness`](Self::disjointness) comes first: where nesting shows that items are disjoint, this costs O(rank²) and no
    /// allocation. `budget` is that of [`shares_memory`](Self::shares_memory).
    ///
    /// ```
    /// use viewbridge::{DType, Disjointness, Layout, Overlap};
    ///
    /// // Bytes 0, 2, 4 and 3, 5, 7: no axis steps over the other, and yet no byte is taken twice.
    /// let braid = Layout::strided(&[3, 2], &[2, 3], 0, &DType::U8)?;
    /// assert!(matches!(braid.disjointness(), Disjointness::MayOverlap { .. }));
    /// assert_eq!(braid.overlaps_itself(10), Overlap::Disjoint);
    ///
    /// let windows = Layout::strided(&[3, 3], &[1, 1], 0, &DType::U8)?;
    /// assert_eq!(windows.overlaps_itself(10), Overlap::Shared);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    #[must_use]
    pub fn overlaps_itself(&self, budget: usize) -> Overlap {
        if self.disjointness() == Disjointness::Disjoint {
            return Overlap::Disjoint;
        }
        let mut axes = self.shape().iter().zip(self.strides());
        if axes.any(|(&dim, &stride)| dim > 1 && stride == 0) {
            return Overlap::Shared;
        }
        // The positions of two items differ by −bound to bound along each axis: twice the bound, counted from −bound.
        let mut terms = self.terms(1);
        terms.iter_mut().for_each(|term| term.bound *= 2);
        solver::returns(terms, budget)
    }

    /// Whether there are items, and of a size: a span alone does not say.
    fn touches(&self) -> bool {
        !self.is_empty() && self.itemsize > 0
    }

    /// What leads from the lowest place that the layout touches to the others: each axis, and the bytes (bits) of an item. What leads
    /// nowhere is left out.
    fn terms(&self, scale: i128) -> Vec<Term> {
        let axes = self.shape().iter().zip(self.strides());
        let within = Term {
            factor: 1,
            bound: self.itemsize as i128 * scale - 1,
        };
        axes.map(|(&dim, &stride)| Term {
            factor: stride.unsigned_abs() as i128 * scale,
            bound: dim as i128 - 1,
        })
        .chain([within])
        .filter(|term| term.factor > 0 && term.bound > 0)
        .collect()
    }
}

impl Extent {
    /// `None` if the layout has no places. `shift` counts in `unit`.
    fn of(layout: &Layout, unit: Unit, shift: i128) -> Option<Self> {
        let (span, scale) = (layout.span(), per(layout.unit, unit));
        layout.touches().then(|| Self {
            lowest: span.start as i128 * scale + shift,
            highest: span.end as i128 * scale + shift - 1,
            scale,
        })
    }
}

/// How many of the smaller unit make one of the other.
fn per(unit: Unit, smaller: Unit) -> i128 {
    (unit.bits() / smaller.bits()) as i128
}
