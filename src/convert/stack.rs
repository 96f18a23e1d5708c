//! Many views into one: the columns of a table as a matrix.
//!
//! # Safety
//!
//! *room*: memory that is borrowed mutably, or fresh, and as long as the layout of the result; the scratch memory is ours, and as long as its
//! own layout. Every item of a layout lies in its memory.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::run::Target;
use super::{Converted, CopyRecord, CopyReport};
use crate::allocation::Allocation;
use crate::buffer::Buffer;
use crate::copy::{CopyPlan, execute_part, weave_columns};
use crate::dtype::DType;
use crate::error::{Error, LayoutError, Result};
use crate::layout::{Layout, Slice, Unit};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Bytes that are gathered before their rows become columns: they stay in the cache meanwhile.
const SCRATCH: usize = 1 << 20;

/// The fewest items that are taken from one view at a time.
const FEWEST: usize = 64;

/// Bytes between the columns in the scratch memory, so that those of powers of two do not fight for the same places of the cache.
const GAP: usize = 64;

impl StridedView<'_> {
    /// The items of several views of the same shape and type in one, along a new axis: NumPy's `stack`. Row-major; always copies.
    ///
    /// With the new axis behind the others, columns become the matrix of their rows, at the speed of a transpose.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let (x, y) = (StridedView::from_slice(&[1, 2, 3]), StridedView::from_slice(&[10, 20, 30]));
    /// let rows = StridedView::stack(&[x, y], 1)?.value;
    /// assert_eq!(rows.shape(), [3, 2]);
    /// assert_eq!(rows.to_vec::<i32>()?, [1, 10, 2, 20, 3, 30]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoViews`] without any; [`Error::ShapeMismatch`], [`Error::DTypeMismatch`] if one is not like the first (byte order and packing
    /// may differ), [`Error::ItemMismatch`] if the items mean something else; [`LayoutError::AxisOutOfRange`],
    /// [`LayoutError::RankTooHigh`]; [`Error::DeviceMemory`], [`Error::OutOfMemory`].
    pub fn stack(views: &[StridedView<'_>], axis: usize) -> Result<Converted<StridedView<'static>>> {
        let job = Stack::new(views, axis)?;
        let mut memory = Allocation::uninit(job.layout.nbytes(), 1)?;
        job.run(memory.as_uninit())?;
        // SAFETY: a row-major layout covers all bytes, and all of its items have been written.
        let buffer = unsafe { memory.into_buffer() };
        Ok(job.result(buffer))
    }

    /// As [`stack`](Self::stack), into memory of the caller, which may be uninitialised, and which the result borrows.
    ///
    /// # Errors
    ///
    /// As [`stack`](Self::stack), but for the lack of memory; [`Error::TooShort`].
    pub fn stack_into<'m>(
        views: &[StridedView<'_>],
        axis: usize,
        memory: &'m mut [MaybeUninit<u8>],
    ) -> Result<Converted<StridedView<'m>>> {
        let job = Stack::new(views, axis)?;
        let (expected, found) = (job.layout.nbytes(), memory.len());
        let memory = memory.get_mut(..expected).ok_or(Error::TooShort { expected, found })?;
        job.run(memory)?;
        let (ptr, len) = (memory.as_ptr().cast::<u8>(), memory.len());
        // SAFETY: as in `stack`; borrowed as long as the result.
        let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
        Ok(job.result(Buffer::from_slice(bytes)))
    }
}

/// Views that fit together, and the layout of the result.
struct Stack<'v, 'a> {
    views: &'v [StridedView<'a>],
    axis: usize,
    dtype: &'v DType,
    layout: Layout,
}

impl<'v, 'a> Stack<'v, 'a> {
    fn new(views: &'v [StridedView<'a>], axis: usize) -> Result<Self> {
        let first = views.first().ok_or(Error::NoViews)?;
        let (ndim, dtype) = (first.ndim(), first.dtype());
        if axis > ndim {
            return Err(LayoutError::AxisOutOfRange { axis, ndim: ndim + 1 }.into());
        }
        let mut shape = first.shape().to_vec();
        shape.insert(axis, views.len());
        let layout = Layout::contiguous(&shape, dtype, Order::C)?;
        for view in views {
            view.check_readable()?;
            if view.shape() != first.shape() {
                let (expected, found) = (first.shape().to_vec(), view.shape().to_vec());
                return Err(Error::ShapeMismatch { expected, found });
            }
            if view.logical() != first.logical() {
                let (expected, found) = (first.item_type(), view.item_type());
                return Err(Error::ItemMismatch { expected, found });
            }
            let single = Layout::contiguous(first.shape(), dtype, Order::C)?;
            view.copy_plan(dtype, &single)?;
        }
        Ok(Self {
            views,
            axis,
            dtype,
            layout,
        })
    }

    fn result<'m>(self, buffer: Buffer<'m>) -> Converted<StridedView<'m>> {
        let record = CopyRecord::of_items(self.layout.nbytes(), vec![CopyReason::Requested]);
        let logical = self.views.first().and_then(StridedView::shared_logical);
        Converted {
            value: StridedView::from_parts(buffer, self.dtype.clone(), self.layout, logical),
            report: CopyReport::copied(record),
        }
    }

    /// Writes all bytes of the result.
    fn run(&self, memory: &mut [MaybeUninit<u8>]) -> Result<()> {
        if self.layout.unit() == Unit::Bit {
            memory.fill(MaybeUninit::new(0));
        }
        let to = memory.as_mut_ptr().cast();
        let behind = self.axis + 1 == self.layout.ndim();
        if behind && self.layout.unit() == Unit::Byte && self.layout.itemsize() > 0 {
            if self.weave(to) {
                return Ok(());
            }
            let rows = SCRATCH / (self.views.len() * self.layout.itemsize());
            let mut scratch = Scratch::new(self, rows.max(FEWEST).min(self.views[0].len().max(1)))?;
            return scratch.put(self.views, to);
        }
        for (k, view) in self.views.iter().enumerate() {
            let layout = self.layout.index_axis(self.axis, k.cast_signed())?;
            let target = Target {
                dtype: self.dtype,
                layout: &layout,
            };
            // SAFETY: *room*; each view has a part of its own.
            unsafe { view.overwrite(&target, to) }?;
        }
        Ok(())
    }
}

impl Stack<'_, '_> {
    /// Views whose items are adjacent, and already of the type of the result, straight from where they are. Says whether they were.
    fn weave(&self, to: *mut u8) -> bool {
        let adjacent = |view: &StridedView<'_>| view.is_c_contiguous() && view.dtype() == self.dtype;
        if !self.views.iter().all(adjacent) {
            return false;
        }
        // As many as there are views.
        let columns: Vec<_> = self.views.iter().map(StridedView::data_ptr).collect();
        // SAFETY: *room*; views of one shape, each item of which lies in its memory.
        unsafe { weave_columns(&columns, self.layout.itemsize(), self.views[0].len(), to) }
    }
}

/// Where some items of each view lie behind each other until there are enough of them for the rows of the result.
struct Scratch<'d> {
    dtype: &'d DType,
    itemsize: usize,
    /// Bytes of the whole result.
    whole: usize,
    memory: Allocation,
    /// Items of each view that there is room for, and the bytes from one view to the next.
    rows: usize,
    pitch: usize,
    /// Rows of the result that have been written.
    done: usize,
}

impl<'d> Scratch<'d> {
    fn new(job: &Stack<'d, '_>, rows: usize) -> Result<Self> {
        let itemsize = job.layout.itemsize();
        let pitch = (rows * itemsize).next_multiple_of(GAP) + GAP;
        Ok(Self {
            dtype: job.dtype,
            itemsize,
            whole: job.layout.nbytes(),
            memory: Allocation::uninit(pitch * job.views.len(), 1)?,
            rows,
            pitch,
            done: 0,
        })
    }

    /// Writes the next rows of the result, those of `views`, which are parts of the views at the same place. What does not fit is split along
    /// the first axis, then along the next.
    fn put<'a>(&mut self, views: &[StridedView<'a>], to: *mut u8) -> Result<()> {
        let items = views[0].len();
        if items <= self.rows {
            return self.put_rows(views, items, to);
        }
        let outer = views[0].shape()[0];
        let step = self.rows * outer / items;
        for first in (0..outer).step_by(step.max(1)) {
            let part = |view: &StridedView<'a>| {
                if step == 0 {
                    return view.index_axis(0, first.cast_signed());
                }
                view.slice_axis(0, Slice::from(first..outer.min(first + step)))
            };
            // As many as there are columns, however many blocks.
            let parts = views.iter().map(part).collect::<Result<Vec<_>>>()?;
            self.put(&parts, to)?;
        }
        Ok(())
    }

    fn put_rows(&mut self, views: &[StridedView<'_>], rows: usize, to: *mut u8) -> Result<()> {
        let compact = Layout::contiguous(views[0].shape(), self.dtype, Order::C)?;
        for (k, view) in views.iter().enumerate() {
            let layout = Layout::strided(view.shape(), compact.strides(), k * self.pitch, self.dtype)?;
            let target = Target {
                dtype: self.dtype,
                layout: &layout,
            };
            // SAFETY: *room*: there is for so many items of each view.
            unsafe { view.overwrite(&target, self.memory.as_mut_ptr()) }?;
        }
        let (item, width) = (self.itemsize, views.len() * self.itemsize);
        let strides = |row: usize, column: usize| [row.cast_signed(), column.cast_signed()];
        let shape = [rows, views.len()];
        let from = Layout::strided(&shape, &strides(item, self.pitch), 0, self.dtype)?;
        let onto = Layout::strided(&shape, &strides(width, item), self.done * width, self.dtype)?;
        if let Some(plan) = CopyPlan::new((self.dtype, &from), (self.dtype, &onto)) {
            // SAFETY: *room*; the items have just been gathered.
            unsafe { execute_part(&plan, self.whole, self.memory.as_mut_ptr(), to) };
        }
        self.done += rows;
        Ok(())
    }
}
