//! Copies, and those of records among them: field by field, and yet once through the memory.
//!
//! # Safety
//!
//! As in `run`. What a run moves lies inside of the items that it belongs to: *inside* of [`Record`].
#![allow(unsafe_code)]

use crate::copy::records::{Run, covers, runs};
use crate::copy::{CopyPlan, execute};
use crate::dtype::{DType, Record};
use crate::error::{Error, Result};
use crate::layout::{Layout, MAX_NDIM};
use crate::view::StridedView;

/// Bytes of records that all runs go through before the next records have their turn: they fit the first cache.
const BLOCK: usize = 16 << 10;

/// How records of one layout get into another of the same shape, in parts: not every byte of them moves, or not every one alike.
pub(crate) struct FieldMoves<'a> {
    runs: Vec<Run>,
    src: &'a Layout,
    dst: &'a Layout,
}

impl StridedView<'_> {
    /// The parts in which this view is copied over other items: of records, the fields alone. `None` if one plan does it all.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] if records differ in more than byte order and the places of fields.
    #[inline]
    pub(crate) fn field_moves<'a>(&'a self, dtype: &DType, dst: &'a Layout) -> Result<Option<FieldMoves<'a>>> {
        let (Some(from), Some(to)) = (self.dtype().as_record(), dtype.as_record()) else {
            return Ok(None);
        };
        self.field_moves_of((from, to), dtype, dst)
    }

    fn field_moves_of<'a>(
        &'a self,
        (from, to): (&Record, &Record),
        dtype: &DType,
        dst: &'a Layout,
    ) -> Result<Option<FieldMoves<'a>>> {
        let runs = runs(from, to).ok_or_else(|| self.mismatch(dtype))?;
        let whole = self.dtype() == dtype && covers(&runs, to.itemsize());
        let src = self.layout();
        Ok((!whole).then_some(FieldMoves { runs, src, dst }))
    }

    #[cold]
    pub(super) fn mismatch(&self, expected: &DType) -> Error {
        Error::DTypeMismatch {
            expected: expected.clone(),
            found: self.dtype().clone(),
        }
    }
}

impl FieldMoves<'_> {
    /// Whether bytes of a compact destination are not written.
    pub(super) fn leaves_bytes(&self) -> bool {
        !covers(&self.runs, self.dst.itemsize())
    }

    /// Moves the items.
    ///
    /// # Safety
    ///
    /// As [`execute`].
    pub(super) unsafe fn execute(&self, from: *const u8, to: *mut u8) {
        for_each_block(self.src, self.dst, &mut |src, dst| {
            for plan in self.runs.iter().flat_map(|run| plans(*run, src, dst)) {
                // SAFETY: the caller's promise; runs lie inside of the items (*inside*), and the items are among the caller's.
                unsafe { execute(&plan, from, to) };
            }
        });
    }
}

/// The plans for one run of bytes of every record: one, but where there is no axis left to tell its numbers apart.
fn plans(run: Run, src: &Layout, dst: &Layout) -> impl Iterator<Item = CopyPlan> {
    let (found, wanted) = run.dtypes();
    let size = wanted.itemsize();
    let numbers = run.len / size;
    let one_by_one = numbers == 1 || dst.ndim() == MAX_NDIM;
    let times = if one_by_one { numbers } else { 1 };
    (0..times).map(move |k| {
        let axis: &[usize] = if one_by_one { &[] } else { &[numbers] };
        let part = |layout: &Layout, at| {
            layout
                .part(at + k * size, size, axis)
                .expect("there is room for an axis")
        };
        let (src, dst) = (part(src, run.src), part(dst, run.dst));
        CopyPlan::new((&found, &src), (&wanted, &dst)).expect("the same number in either byte order")
    })
}

/// Calls `visit` with parts of two layouts of the same shape, each small enough to stay in the cache, until all items have had their turn.
fn for_each_block(src: &Layout, dst: &Layout, visit: &mut impl FnMut(&Layout, &Layout)) {
    let axis = dst.axes_by_stride().into_iter().find(|&axis| dst.shape()[axis] > 1);
    let (Some(axis), true) = (axis, dst.nbytes() > BLOCK) else {
        return visit(src, dst);
    };
    let len = dst.shape()[axis];
    let step = (BLOCK / (dst.nbytes() / len).max(1)).clamp(1, len);
    for first in (0..len).step_by(step) {
        let range = first.cast_signed()..len.min(first + step).cast_signed();
        let part = |layout: &Layout| layout.slice_axis(axis, range.clone()).expect("an axis of the layout");
        for_each_block(&part(src), &part(dst), visit);
    }
}
