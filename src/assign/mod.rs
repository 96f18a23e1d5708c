//! Writing into views: filling, assigning, and copying between places that may be the same.
//!
//! Whatever the overlap, the result is that of copying the source first and then assigning. Mostly that takes no copy: `order` looks for
//! an order of the items in which each is read before it is overwritten, and `in_place` walks it. Where there is none, a temporary is made,
//! and the report says so ([`CopyReason::Overlap`]).
//!
//! # Safety
//!
//! The calls of the copy engine and of `in_place` rely on *alive*, *initialised* and *in bounds* for both operands; on *exclusive* of
//! [`StridedViewMut`], or on the contract of [`StridedView::assign_shared`], for the destination.
#![allow(unsafe_code)]

mod fill;
mod in_place;
mod order;

use crate::convert::run::Target;
use crate::convert::{CopyPolicy, CopyRecord, CopyReport, Requirements};
use crate::copy::CopyPlan;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Index, Layout, Overlap, Unit};
use crate::memory::Access;
use crate::reason::CopyReason;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

use self::order::Order;

/// What telling overlap exactly may cost. NumPy spends as much on every copy; slices of one parent need no more.
const OVERLAP_BUDGET: usize = 1;

impl StridedViewMut<'_> {
    /// Overwrites the items with those of another view, which is broadcast to this shape: NumPy's `a[...] = source`. One pass, whatever the byte
    /// order and the packing of both.
    ///
    /// As in NumPy, leading axes of size 1 that this view does not have are dropped from the source.
    ///
    /// ```
    /// use viewbridge::{StridedView, StridedViewMut};
    ///
    /// let mut matrix = StridedViewMut::from_vec(vec![0_i32; 6]).reshape(&[2, 3])?;
    /// let report = matrix.assign(&StridedView::from_slice(&[1, 2, 3]))?;
    /// assert_eq!(report.bytes_copied(), 24);
    /// assert_eq!(matrix.as_view().to_vec::<i32>()?, [1, 2, 3, 1, 2, 3]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Broadcast`](crate::LayoutError::Broadcast), [`BroadcastRank`](crate::LayoutError::BroadcastRank), and those of [`StridedView::copy_into`].
    pub fn assign(&mut self, source: &StridedView<'_>) -> Result<CopyReport> {
        source.fit(self.shape())?.copy_into(self)
    }

    /// Overwrites one part of the view with another, however they overlap: NumPy's `a[to] = a[from]`, done right. The source is broadcast to
    /// the shape of the destination.
    ///
    /// The result is that of copying the source first. Where the items can be moved one by one in some order, nothing else happens; else the report
    /// lists a temporary copy as well, with [`CopyReason::Overlap`].
    ///
    /// ```
    /// use viewbridge::{Index, Slice, StridedViewMut};
    ///
    /// let (tail, even) = ([Index::from(1..6)], [Index::from(Slice::from(0..10).step_by(2))]);
    ///
    /// // x[0:10:2] = x[1:6], which NumPy 2.4 gets wrong: it writes 1, 2, 3, 3, 5.
    /// let mut x = StridedViewMut::from_vec((0..10).collect::<Vec<i32>>());
    /// let report = x.copy_within(&tail, &even)?;
    /// assert_eq!(x.as_view().index(&even)?.to_vec::<i32>()?, [1, 2, 3, 4, 5]);
    /// assert_eq!(report.to_string(), "copied 20 bytes (requested)"); // the last item first
    ///
    /// // x[0:10:2] = x[2:7]: in any order some item would be overwritten before it is read.
    /// let report = x.copy_within(&[Index::from(2..7)], &even)?;
    /// assert_eq!(report.bytes_copied(), 40);
    /// assert!(report.to_string().starts_with("copied 20 bytes (source and destination overlap), "));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Layout::index`] for either expression, [`Broadcast`](crate::LayoutError::Broadcast),
    /// [`BroadcastRank`](crate::LayoutError::BroadcastRank),
    /// [`Error::OutOfMemory`].
    pub fn copy_within(&mut self, from: &[Index], to: &[Index]) -> Result<CopyReport> {
        let target = self.layout().index(to)?;
        let dtype = self.dtype().clone();
        let memory = self.base_ptr();
        let source = self.as_view().index(from)?.fit(target.shape())?;
        // SAFETY: both are parts of this view: *alive*, *initialised*, *in bounds*, *exclusive*.
        unsafe { assign(&source, (&dtype, &target, memory)) }
    }
}

impl StridedView<'_> {
    /// Overwrites the items of this view with those of another, which is broadcast to this shape and may overlap it in any way: NumPy's
    /// `a[...] = source` under NumPy's rules, where every view of writable memory may write it ([`Access::Shared`]).
    ///
    /// The result is that of copying the source first. The report lists a temporary copy, with [`CopyReason::Overlap`], if one was needed.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes the items of this view, and nobody writes those of `source`, during the call.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`] unless the access is [`Access::Shared`], [`Error::SelfOverlap`], [`Error::DeviceMemory`],
    /// [`Broadcast`](crate::LayoutError::Broadcast),
    /// [`BroadcastRank`](crate::LayoutError::BroadcastRank), [`Error::DTypeMismatch`], [`Error::InvalidItem`],
    /// [`Error::OutOfMemory`].
    pub unsafe fn assign_shared(&self, source: &StridedView<'_>) -> Result<CopyReport> {
        if self.access() != Access::Shared {
            let owner = self.owner_kind();
            return Err(Error::ReadOnly { owner });
        }
        self.check_readable()?;
        source.check_readable()?;
        self.check_disjoint()?;
        let source = source.fit(self.shape())?;
        if source.dtype() == self.dtype() {
            source.check_items(self.dtype())?;
        }
        let to = (self.dtype(), self.layout(), self.buffer().as_mut_ptr());
        // SAFETY: *alive*, *initialised*, *in bounds*; shared memory may be written, and the caller keeps others away.
        unsafe { assign(&source, to) }
    }

    /// The view in another shape, for assignment: without the leading axes of size 1 that are too many, then broadcast.
    pub(crate) fn fit(&self, shape: &[usize]) -> Result<Self> {
        let mut source = self.clone();
        while source.ndim() > shape.len() && source.shape()[0] == 1 {
            source = source.index_axis(0, 0)?;
        }
        source.broadcast_to(shape)
    }
}

/// Fills a layout of memory with the items of `source`, of the same shape, as if they had been copied first.
///
/// # Safety
///
/// The items of the layout lie in initialised memory behind the pointer, are disjoint and may be written. Nobody else reads or writes
/// them, or writes those of `source`, meanwhile.
unsafe fn assign(source: &StridedView<'_>, (dtype, to, memory): (&DType, &Layout, *mut u8)) -> Result<CopyReport> {
    let (from, start) = (source.layout(), source.buffer().as_ptr());
    let (target, done) = (
        Target { dtype, layout: to },
        CopyRecord::of_items(to.nbytes(), &[CopyReason::Requested]),
    );
    let distance = memory.addr() as i128 - start.addr() as i128;
    if are_apart(from, to, distance) {
        // SAFETY: the caller's promise, and no byte is in both.
        unsafe { source.overwrite(&target, memory) }?;
        return Ok(CopyReport::copied(done));
    }
    if source.dtype() == dtype && is_same_place(from, to, distance) {
        return Ok(CopyReport::SHARED);
    }
    let whole = source.field_moves(dtype, to)?.is_none();
    let walk = CopyPlan::fused((source.dtype(), from), (dtype, to)).filter(|_| whole);
    if let Some(order) = walk.and_then(|walk| Order::find(&walk, distance)) {
        // SAFETY: the caller's promise; in this order each item is read before it is overwritten.
        unsafe { in_place::walk(&order, start, memory) };
        return Ok(CopyReport::copied(done));
    }
    let copy = source
        .convert(&Requirements::any("a temporary"), CopyPolicy::Always)?
        .value;
    let bytes = copy.nbytes();
    // SAFETY: the caller's promise; the copy is memory of its own.
    unsafe { copy.overwrite(&target, memory) }?;
    let first = CopyRecord::of_items(bytes, vec![CopyReason::Overlap]);
    Ok(CopyReport::from_records(vec![first, done]))
}

/// Whether certainly no byte is in both. `distance` leads from the memory of the first to that of the second.
fn are_apart(from: &Layout, to: &Layout, distance: i128) -> bool {
    let whole = from.unit() == Unit::Byte && to.unit() == Unit::Byte;
    // Packed items can be disjoint and yet share a byte, which the exact test does not see.
    !from.may_share_memory_at(to, distance)
        || (whole && from.shares_memory_at(to, distance, OVERLAP_BUDGET) == Overlap::Disjoint)
}

/// Whether each item of one is the same bytes as that of the other.
fn is_same_place(from: &Layout, to: &Layout, distance: i128) -> bool {
    distance == 0 && from.is_equivalent(to)
}
