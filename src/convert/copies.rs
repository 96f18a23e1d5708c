//! Copies by their NumPy names: what is copied, in which order, and when not.

use super::{Converted, CopyPolicy, CopyRecord, CopyReport, Requirements};
use crate::error::Result;
use crate::layout::Dim;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

const OWNED: Requirements = Requirements::any("a copy");

impl<'a> StridedView<'a> {
    /// The items in memory of their own, whatever the view: NumPy's `a.copy(order="K")`. Always copies.
    ///
    /// The axes keep the order of their strides, so that a column-major array stays one; gaps, broadcasts and negative strides are gone. Type, byte
    /// order and packing stay.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec(vec![1_i32; 1000]).reshape(&[10, 100])?;
    /// let small = a.slice_axis(1, ..3)?.transpose().to_owned()?.value;
    /// assert_eq!((small.strides(), small.pinned_bytes()), (&[4, 12][..], 120));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) if the bytes lie on a device, [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn to_owned(&self) -> Result<Converted<StridedView<'static>>> {
        let copy = self.convert(&OWNED, CopyPolicy::Always)?;
        Ok(copy.map(|view| view.into_static().expect("fresh memory is owned")))
    }

    /// The items in memory of their own if the view keeps more memory alive than it shows; else shared.
    ///
    /// As [`compact_if`](Self::compact_if) with a ratio of 1. Drop the other views of the memory, and this one, to release it.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec(vec![0_i64; 10_000]);
    /// let subset = a.slice_axis(0, ..100)?;
    /// assert_eq!((subset.nbytes(), subset.pinned_bytes()), (800, 80_000));
    /// let subset = subset.compact()?;
    /// assert_eq!(subset.report.to_string(), "copied 800 bytes (800 bytes keep 80000 alive)");
    /// assert_eq!(subset.value.pinned_bytes(), 800);
    /// assert!(a.compact()?.is_shared()); // nothing to gain
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`compact_if`](Self::compact_if).
    pub fn compact(&self) -> Result<Converted<Self>> {
        self.compact_if(1)
    }

    /// As [`compact`](Self::compact), but only if more than `ratio` times as many bytes are kept alive as are shown.
    ///
    /// Borrowed memory is not kept alive by a view, and so always shared. A view that shows its memory more than once (a broadcast) is never
    /// made larger.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) if the bytes would have to be copied from a device,
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn compact_if(&self, ratio: usize) -> Result<Converted<Self>> {
        let (visible, pinned) = (self.nbytes(), self.pinned_bytes());
        if pinned <= visible.saturating_mul(ratio.max(1)) {
            return Ok(Converted::shared(self.clone()));
        }
        let value = self.convert(&OWNED, CopyPolicy::Always)?.value;
        let reasons = vec![CopyReason::Pinned { visible, pinned }];
        let report = CopyReport::copied(CopyRecord::of_items(value.nbytes(), reasons));
        Ok(Converted { value, report })
    }

    /// All items on one axis, contiguous, in row-major or column-major order: NumPy's `ravel`. Shares if the items are contiguous in that
    /// order, else copies.
    ///
    /// [`reshape`](Self::reshape) also gives one axis where strides allow it, and never copies; it guarantees no contiguity.
    ///
    /// ```
    /// use viewbridge::{Order, StridedView};
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?;
    /// assert!(a.ravel(Order::C)?.is_shared());
    /// let columns = a.ravel(Order::F)?;
    /// assert_eq!(columns.report.bytes_copied(), 24);
    /// assert_eq!(columns.value.to_vec::<i32>()?, [0, 3, 1, 4, 2, 5]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_contiguous`](Self::to_contiguous).
    pub fn ravel(&self, order: Order) -> Result<Converted<Self>> {
        self.to_contiguous(order)?.try_map(|view| view.flat(order))
    }

    /// As [`ravel`](Self::ravel), but always copies: NumPy's `flatten`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) if the bytes lie on a device, [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn flatten(&self, order: Order) -> Result<Converted<StridedView<'static>>> {
        let copy = self.convert(&OWNED.contiguous(order), CopyPolicy::Always)?;
        let copy = copy.map(|view| view.into_static().expect("fresh memory is owned"));
        copy.try_map(|view| view.flat(order))
    }

    fn flat(&self, order: Order) -> Result<Self> {
        self.reshape_with(&[Dim::Size(self.len())], order)
    }
}
