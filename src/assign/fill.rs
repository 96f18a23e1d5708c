//! The same item everywhere.
//!
//! # Safety
//!
//! Relies on *alive*, *in bounds* and *exclusive* of [`StridedViewMut`], and on *reach* of [`CopyPlan`].
#![allow(unsafe_code)]

use crate::buffer::Buffer;
use crate::copy::CopyPlan;
use crate::copy::records::is_dense;
use crate::dtype::Element;
use crate::error::{LayoutError, Result};
use crate::layout::{Layout, Unit};
use crate::memory::Order;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Bytes of a pattern to copy from: they stay in the nearest cache.
const BLOCK: usize = 4096;

/// Adjacent bytes from which on blocks are faster than items.
const SHORT_RUN: usize = 64;

impl StridedViewMut<'_> {
    /// Overwrites every item with `value`, which takes the byte order of the view; a `bool` the form of bits where items are bits.
    ///
    /// ```
    /// use viewbridge::{DType, StridedViewMut};
    ///
    /// let mut view = StridedViewMut::from_vec(vec![0_u32; 3]).view_as(DType::U32.swapped())?;
    /// view.fill(7_u32)?;
    /// assert_eq!(view.as_view().to_vec::<u32>()?, [7, 7, 7]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`](crate::Error::DTypeMismatch).
    pub fn fill<T: Element>(&mut self, value: T) -> Result<()> {
        let items = [value];
        self.fill_with(&StridedView::from_slice(&items).index_axis(0, 0)?)
    }

    /// Overwrites every item with the same bytes, as they are: in the byte order of the view, and for packed items in the lowest bits. For types
    /// that no Rust value has: text, raw bytes, records, 4-bit floats.
    ///
    /// ```
    /// use viewbridge::{DType, StridedViewMut};
    ///
    /// let mut view = StridedViewMut::from_vec(vec![0_u8; 6]).view_as(DType::bytes(3))?;
    /// view.fill_bytes(b"ab\0")?;
    /// assert_eq!(view.as_view().to_bytes(viewbridge::Order::C)?, b"ab\0ab\0");
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::ReinterpretSize`] unless there are [`itemsize`](crate::DType::itemsize) bytes,
    /// [`Error::InvalidItem`](crate::Error::InvalidItem) for a `bool` that is neither 0 nor 1.
    pub fn fill_bytes(&mut self, item: &[u8]) -> Result<()> {
        let (available, itemsize) = (item.len(), self.dtype().itemsize());
        if available != itemsize {
            return Err(LayoutError::ReinterpretSize { available, itemsize }.into());
        }
        let layout = Layout::contiguous(&[], self.dtype(), Order::C)?;
        self.fill_with(&StridedView::new(
            Buffer::from_slice(item),
            self.dtype().clone(),
            layout,
        )?)
    }

    /// As [`assign`](Self::assign) from a view without axes.
    fn fill_with(&mut self, item: &StridedView<'_>) -> Result<()> {
        let spread = item.broadcast_to(self.shape())?;
        let (dtype, layout) = (self.dtype().clone(), self.layout().clone());
        // Of the same type on both sides: the first item, once written, spreads as it is.
        let plan = CopyPlan::fused((&dtype, spread.layout()), (&dtype, &layout)).filter(|plan| {
            let adjacent = plan.row().dst.unsigned_abs() == layout.itemsize();
            layout.unit() == Unit::Byte
                && spread.layout().unit() == Unit::Byte
                && !plan.is_empty()
                && is_dense(&dtype)
                && adjacent
                && plan.row().len > SHORT_RUN / layout.itemsize()
        });
        let Some(plan) = plan else {
            spread.copy_into(self)?;
            return Ok(());
        };
        let first = Layout::strided(&[], &[], plan.dst, &dtype)?;
        let (buffer, _, _, _) = self.as_view().into_parts();
        let mut first = StridedViewMut::of_part(StridedView::from_parts(buffer, dtype, first, None));
        item.copy_into(&mut first)?;
        let (run, memory) = (plan.row().len * layout.itemsize(), self.base_ptr());
        // SAFETY: by *reach* the row at `plan.dst` is a run of bytes of this view, and its first item is written.
        unsafe { spread_run(memory.wrapping_add(plan.dst), layout.itemsize(), run) };
        plan.for_each_row(|_, row| {
            if row != plan.dst {
                let (from, to) = (memory.wrapping_add(plan.dst), memory.wrapping_add(row));
                // SAFETY: *reach*, *exclusive*: the rows are disjoint runs of bytes of this view.
                unsafe { to.copy_from_nonoverlapping(from, run) };
            }
        });
        Ok(())
    }
}

/// Repeats the first `size` bytes up to `len` bytes, a multiple of that.
///
/// # Safety
///
/// `first..first + len` can be written; the first `size` bytes of it are initialised.
unsafe fn spread_run(first: *mut u8, size: usize, len: usize) {
    let mut done = size;
    while done < len {
        // Doubling up to a block of whole items, then block by block.
        let block = if done > BLOCK {
            BLOCK / size.min(BLOCK) * size
        } else {
            done
        };
        let next = block.min(len - done);
        // SAFETY: the caller's promise: both lie in the run, one behind the other.
        unsafe { first.wrapping_add(done).copy_from_nonoverlapping(first, next) };
        done += next;
    }
}
