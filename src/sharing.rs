//! Whether views share memory, by address.

use crate::layout::Overlap;
use crate::view::StridedView;

/// Memory that two views have in common, whoever owns it.
impl StridedView<'_> {
    /// Whether the views could share memory, as far as the lowest and the highest address of each tell (NumPy's `may_share_memory`).
    /// O(rank).
    ///
    /// "No" is certain; "yes" is not. Views on different devices, and views without items, share nothing.
    #[must_use]
    #[doc(alias = "overlaps")]
    pub fn may_share_memory(&self, other: &StridedView<'_>) -> bool {
        self.device() == other.device()
            && self
                .layout()
                .may_share_memory_at(other.layout(), self.distance_to(other))
    }

    /// Whether some item of each view touches the same byte (NumPy's `shares_memory`). Exact, within a budget of work.
    ///
    /// Addresses decide, not owners: views of different buffers share memory if the buffers do. Views on different devices, and views
    /// without items, share nothing. [`Layout::shares_memory`](crate::Layout::shares_memory) says what `budget` buys, and where 1 is enough.
    ///
    /// ```
    /// use viewbridge::{DType, Overlap, Slice, StridedView};
    ///
    /// let x = StridedView::from_vec(vec![0.0_f64; 10]);
    /// let even = x.slice_axis(0, Slice::ALL.step_by(2))?;
    /// let odd = x.slice_axis(0, Slice::new(Some(1), None, 2))?;
    /// assert!(even.may_share_memory(&odd));
    /// assert_eq!(even.shares_memory(&odd, 1), Overlap::Disjoint);
    ///
    /// // The upper halves of the even items. Strides and starts alone do not tell; the sizes of the items do.
    /// let halves = x.view_as(DType::F32)?.slice_axis(0, Slice::new(Some(1), None, 4))?;
    /// assert_eq!(even.shares_memory(&halves, 1), Overlap::Shared);
    /// assert_eq!(odd.shares_memory(&halves, 1), Overlap::Disjoint);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    #[must_use]
    pub fn shares_memory(&self, other: &StridedView<'_>, budget: usize) -> Overlap {
        if self.device() != other.device() {
            return Overlap::Disjoint;
        }
        self.layout()
            .shares_memory_at(other.layout(), self.distance_to(other), budget)
    }

    /// Bytes from the start of this view's memory to that of the other's.
    fn distance_to(&self, other: &StridedView<'_>) -> i128 {
        let start = |view: &StridedView<'_>| view.buffer().as_ptr().addr() as i128;
        start(other) - start(self)
    }
}
