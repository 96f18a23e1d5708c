//! Blocks of items, copied one behind the other.
//!
//! # Safety
//!
//! The copies rely on *alive*, *initialised* and *in bounds* of the view, on *reach* of [`CopyPlan`], and on fresh memory that has room for
//! every block.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use crate::allocation::Allocation;
use crate::copy::{CopyPlan, execute};
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Order;
use crate::view::StridedView;

impl StridedView<'_> {
    /// The blocks that begin at `starts`, in a row-major view of shape `shape` in fresh memory. A block is an item of all axes before `inner`,
    /// with the axes from there on. There are as many as the shape has room for.
    pub(super) fn copy_blocks(
        &self,
        shape: &[usize],
        inner: usize,
        starts: impl Iterator<Item = usize>,
    ) -> Result<StridedView<'static>> {
        self.check_readable()?;
        let dtype = self.dtype();
        let layout = Layout::contiguous(shape, dtype, Order::C)?;
        let mut starts = starts.peekable();
        let memory = match starts.peek() {
            Some(&first) if !layout.is_empty() => {
                let axes = inner..self.ndim();
                let (dims, strides) = (&self.shape()[axes.clone()], &self.strides()[axes]);
                // Where the first block is, so that negative strides stay inside.
                let source = Layout::strided(dims, strides, first, dtype)?;
                let target = Layout::contiguous(dims, dtype, Order::C)?;
                let plan = self.with_layout(source).copy_plan(dtype, &target)?;
                let mut memory = Allocation::uninit(layout.nbytes(), 1)?;
                if plan.reads_destination() {
                    // Bits are written into bytes that must be there already.
                    memory.as_uninit().fill(MaybeUninit::new(0));
                }
                let size = target.len() * target.itemsize();
                // SAFETY: *alive*, *initialised*, *in bounds*; as many blocks as the fresh memory has room for.
                unsafe { copy(plan, first, self.buffer().as_ptr(), memory.as_mut_ptr(), size, starts) };
                memory
            }
            _ => Allocation::uninit(0, 1)?,
        };
        // SAFETY: the blocks cover a compact layout, so that every byte is written; or they were zeroed.
        let buffer = unsafe { memory.into_buffer() };
        Ok(StridedView::from_parts(
            buffer,
            dtype.clone(),
            layout,
            self.shared_logical(),
        ))
    }
}

/// Copies blocks of `size` bytes (bits, if packed), planned for the one at `first`.
///
/// # Safety
///
/// The block at each of `starts` lies in initialised memory at `src`; at `dst` is room for all of them.
unsafe fn copy(
    mut plan: CopyPlan,
    first: usize,
    src: *const u8,
    dst: *mut u8,
    size: usize,
    starts: impl Iterator<Item = usize>,
) {
    match plan.as_run() {
        Some(bytes) => {
            let block = match bytes {
                1 => block::<1>,
                2 => block::<2>,
                4 => block::<4>,
                8 => block::<8>,
                16 => block::<16>,
                _ => run,
            };
            let mut to = dst;
            for start in starts {
                // SAFETY: the caller's promise.
                unsafe { block(src.wrapping_add(start), to, bytes) };
                to = to.wrapping_add(bytes);
            }
        }
        None => {
            let (at, mut to) = (plan.src.wrapping_sub(first), plan.dst);
            for start in starts {
                plan.src = at.wrapping_add(start);
                plan.dst = to;
                // SAFETY: the caller's promise, for a block moved as a whole.
                unsafe { execute(&plan, src, dst) };
                to += size;
            }
        }
    }
}

unsafe fn block<const N: usize>(from: *const u8, to: *mut u8, _: usize) {
    // SAFETY: as for `copy`.
    let item = unsafe { from.cast::<[u8; N]>().read() };
    // SAFETY: as for `copy`.
    unsafe { to.cast::<[u8; N]>().write(item) };
}

unsafe fn run(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: as for `copy`.
    unsafe { to.copy_from_nonoverlapping(from, bytes) };
}
