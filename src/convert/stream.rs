//! Bytes of a view one after the other, through a bounded buffer: for views that are larger than memory, and for writers.
//!
//! # Safety
//!
//! *ours*: the buffer is memory of our own, initialised from the start, and nobody refers to it while a piece is copied into it.
#![allow(unsafe_code)]

use std::io::Write;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;

use super::plan::PlannedCopy;
use super::run::Target;
use super::{CopyPolicy, CopyRecord, CopyReport, LayoutClass, MemoryUse, Plan, Requirements};
use crate::allocation::Allocation;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, Unit};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// The least and the most that is gathered at once where the caller leaves it open, in bytes.
const BUFFER: (usize, usize) = (1 << 20, 32 << 20);

/// How much of the source should be read from one place before the next: some lines of the cache, in bytes.
const SOURCE_RUN: usize = 256;

/// The bytes of a view in the form that a consumer accepts, to be taken one piece after the other. Made by [`StridedView::stream`].
///
/// ```
/// use std::ops::ControlFlow;
/// use viewbridge::{CopyPolicy, Order, Requirements, StridedView};
///
/// const FILE: Requirements = Requirements::any("a file").contiguous(Order::C).native();
///
/// let columns = StridedView::from_vec((0_u16..5000).collect()).reshape(&[50, 100])?.transpose();
/// let stream = columns.stream(&FILE, CopyPolicy::IfNeeded)?;
/// let mut file = Vec::new();
/// let done = stream.with_buffer(1024).for_each(|piece| {
///     file.extend_from_slice(piece.bytes);
///     println!("{} of {}", piece.offset + piece.bytes.len(), piece.total);
///     ControlFlow::Continue(())
/// })?;
/// assert!(done.is_complete());
/// assert_eq!(file, columns.to_bytes(Order::C)?);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stream<'a> {
    /// The items, with the axes turned so that their bytes go out in row-major order.
    items: StridedView<'a>,
    /// The data type that goes out.
    dtype: DType,
    /// Why the items cannot go out as they lie; none if they can.
    reasons: Vec<CopyReason>,
    buffer: usize,
}

/// Some of the bytes of a [`Stream`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Bytes that went out before.
    pub offset: usize,
    /// Bytes that the whole stream has.
    pub total: usize,
}

/// How far a [`Stream`] went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Streamed {
    /// Bytes that went out.
    pub bytes: usize,
    /// Bytes that the whole stream has.
    pub total: usize,
    /// What was copied to that end, and why. Empty if the bytes went out as they lie.
    pub report: CopyReport,
}

impl Streamed {
    /// Whether nobody stopped it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.bytes == self.total
    }
}

impl<'a> StridedView<'a> {
    /// The bytes of this view in the form that a consumer accepts, to be taken piece by piece; where the requirements leave the order open, it is
    /// row-major. Touches no item; O(rank).
    ///
    /// Bytes that lie as they are wanted in memory that nobody writes go out from where they are. All others are gathered in a buffer: one pass
    /// over the items, byte order and packing included, with no more memory than the buffer has.
    ///
    /// # Errors
    ///
    /// As [`convert`](Self::convert), but for the lack of memory: [`Error::CopyForbidden`](crate::Error::CopyForbidden),
    /// [`Error::Refused`](crate::Error::Refused).
    pub fn stream(&self, requirements: &Requirements, policy: CopyPolicy) -> Result<Stream<'a>> {
        let order = match requirements.layout {
            LayoutClass::Contiguous(order) => order,
            _ => Order::C,
        };
        let mut wanted = requirements.clone().contiguous(order).memory(MemoryUse::Immutable);
        wanted.outlives = false;
        let (dtype, mut reasons) = match Plan::new(self, &wanted, policy).into_copy(policy)? {
            None => (self.dtype().clone(), Vec::new()),
            Some(PlannedCopy { dtype, reasons, .. }) => (dtype, reasons),
        };
        let offset = self.layout().offset() % 8;
        if reasons.is_empty() && self.layout().unit() == Unit::Bit && offset != 0 {
            reasons.push(CopyReason::BitOffset { offset });
            if policy == CopyPolicy::Never {
                let (consumer, bytes) = (wanted.consumer, self.nbytes());
                return Err(Error::CopyForbidden {
                    consumer,
                    bytes,
                    reasons,
                });
            }
        }
        let mut items = match order {
            Order::C => self.clone(),
            Order::F => self.transpose(),
        };
        let mut dtype = dtype;
        if let Some(record) = self.dtype().as_record()
            && dtype == *self.dtype()
        {
            // Whole items, with what lies between their fields.
            dtype = DType::raw(u32::try_from(record.itemsize()).unwrap_or(u32::MAX));
            items = items.view_as(dtype.clone())?;
        }
        let buffer = default_buffer(&items, &dtype);
        Ok(Stream {
            items,
            dtype,
            reasons,
            buffer,
        })
    }
}

/// What is gathered at once: whole lines of the cache from wherever the source is contiguous, within [`BUFFER`].
fn default_buffer(items: &StridedView<'_>, dtype: &DType) -> usize {
    let axes = items.shape().iter().zip(items.strides()).enumerate();
    let fastest = axes
        .filter(|(_, (dim, stride))| **dim > 1 && **stride != 0)
        .min_by_key(|(_, (_, stride))| stride.unsigned_abs());
    let Some((axis, (&dim, &stride))) = fastest else {
        return BUFFER.0;
    };
    let inner: usize = items.shape()[axis + 1..].iter().product();
    let run = dim.min(SOURCE_RUN.div_ceil(stride.unsigned_abs()));
    inner
        .saturating_mul(run)
        .saturating_mul(dtype.itemsize().max(1))
        .clamp(BUFFER.0, BUFFER.1)
}

impl<'a> Stream<'a> {
    /// With a buffer of so many bytes, or of one item if that is larger. By default it has 1 MiB, and up to 32 MiB where fewer bytes would make
    /// the copy read the same lines of the source again and again (a transposed matrix of very long rows).
    #[must_use]
    pub fn with_buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// The data type of the items that go out.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Bytes that will go out.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        // The plan has seen to it that they are not too many.
        match Layout::item_of(&self.dtype) {
            (bytes, Unit::Byte) => self.items.len() * bytes,
            (bits, Unit::Bit) => (self.items.len() * bits).div_ceil(8),
        }
    }

    /// Everything that makes gathering necessary; empty if the bytes go out as they lie.
    #[must_use]
    pub fn reasons(&self) -> &[CopyReason] {
        &self.reasons
    }

    /// Hands the bytes to `sink`, piece by piece, until it breaks off.
    ///
    /// Each piece is valid during the call only. After a break [`Streamed::bytes`] counts up to and including the last piece handed out, and
    /// the report says what was copied until then.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) for the buffer.
    pub fn for_each(&self, mut sink: impl FnMut(Piece<'_>) -> ControlFlow<()>) -> Result<Streamed> {
        let total = self.nbytes();
        let mut out = Outlet {
            sink: &mut sink,
            offset: 0,
            total,
        };
        let report = if self.reasons.is_empty() {
            // A break leaves nothing to do.
            let _ = self.put_as_they_lie(&mut out);
            CopyReport::SHARED
        } else {
            let mut gather = Gather::new(&self.dtype, self.buffer, total)?;
            if gather.put(&self.items, &mut out)?.is_continue() {
                let _ = gather.finish(&mut out);
            }
            CopyReport::copied(CopyRecord::of_items(out.offset, self.reasons.clone()))
        };
        let bytes = out.offset;
        Ok(Streamed { bytes, total, report })
    }

    /// Hands out bytes of items that are contiguous, of memory that nobody writes.
    fn put_as_they_lie(&self, out: &mut Outlet<'_>) -> ControlFlow<()> {
        let (start, len) = (self.items.data_ptr(), self.nbytes());
        if len == 0 {
            return ControlFlow::Continue(());
        }
        // SAFETY: *alive*, *initialised*, *in bounds*; *frozen*, because the plan asked for immutable memory.
        let bytes = unsafe { std::slice::from_raw_parts(start, len) };
        // Bits that stand for nothing go out as 0, whatever they are.
        let bits = match Layout::item_of(&self.dtype) {
            (_, Unit::Byte) => 0,
            (bits, Unit::Bit) => self.items.len() * bits % 8,
        };
        let (whole, last) = bytes.split_at(len - usize::from(bits > 0));
        for piece in whole.chunks(self.buffer.max(1)) {
            out.put(piece)?;
        }
        last.iter().try_for_each(|byte| out.put(&[byte & low_bits(bits)]))
    }

    /// Writes all bytes: in one call if they go out as they lie.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io); [`Error::OutOfMemory`](crate::Error::OutOfMemory) for the buffer.
    pub fn write_to(&self, writer: impl Write) -> Result<CopyReport> {
        let whole = self.reasons.is_empty().then(|| self.clone().with_buffer(usize::MAX));
        let stream = whole.as_ref().unwrap_or(self);
        Ok(stream.write_with(writer, |_| ControlFlow::Continue(()))?.report)
    }

    /// Writes the bytes, and tells `progress` of each piece that has been written, until it breaks off.
    ///
    /// # Errors
    ///
    /// As [`write_to`](Self::write_to).
    pub fn write_with(
        &self,
        mut writer: impl Write,
        mut progress: impl FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> Result<Streamed> {
        let mut failed = None;
        let done = self.for_each(|piece| match writer.write_all(piece.bytes) {
            Ok(()) => progress(piece),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(done), |error| Err(error.into()))
    }
}

/// A byte with so many bits set, fewer than 8, from the lowest on.
const fn low_bits(bits: usize) -> u8 {
    (1 << bits) - 1
}

/// Where pieces go.
struct Outlet<'s> {
    sink: &'s mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    offset: usize,
    total: usize,
}

impl Outlet<'_> {
    fn put(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let (offset, total) = (self.offset, self.total);
        self.offset += bytes.len();
        (self.sink)(Piece { bytes, offset, total })
    }
}

/// The buffer in which items are gathered, in row-major order. Counts in units: bytes, or bits for packed items.
struct Gather<'d> {
    dtype: &'d DType,
    itemsize: usize,
    unit: Unit,
    memory: Allocation,
    /// Units that are there.
    filled: usize,
    /// Units that there is room for.
    capacity: usize,
}

impl<'d> Gather<'d> {
    fn new(dtype: &'d DType, buffer: usize, total: usize) -> Result<Self> {
        let (itemsize, unit) = Layout::item_of(dtype);
        // Packed items may begin inside of the byte that was left over.
        let item = (itemsize * unit.bits()).div_ceil(8) + usize::from(unit == Unit::Bit);
        let bytes = buffer.min(total).max(item);
        let mut memory = Allocation::uninit(bytes, 1)?;
        memory.as_uninit().fill(MaybeUninit::new(0));
        let capacity = bytes * 8 / unit.bits();
        Ok(Self {
            dtype,
            itemsize,
            unit,
            memory,
            filled: 0,
            capacity,
        })
    }

    /// Gathers items. What does not fit in the buffer is split along its first axis, then along the next.
    fn put(&mut self, items: &StridedView<'_>, out: &mut Outlet<'_>) -> Result<ControlFlow<()>> {
        let units = items.len() * self.itemsize;
        if units > self.capacity - self.filled && self.flush(out).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if units <= self.capacity - self.filled {
            self.place(items)?;
            return Ok(ControlFlow::Continue(()));
        }
        let rows = items.shape()[0];
        let step = (self.capacity - self.filled) / (units / rows);
        for first in (0..rows).step_by(step.max(1)) {
            let last = rows.min(first + step.max(1));
            let part = if step == 0 {
                items.index_axis(0, first.cast_signed())?
            } else {
                items.slice_axis(0, first.cast_signed()..last.cast_signed())?
            };
            if self.put(&part, out)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Copies items for which there is room.
    fn place(&mut self, items: &StridedView<'_>) -> Result<()> {
        let compact = Layout::contiguous_items(items.shape(), self.itemsize, self.unit, Order::C)?;
        let layout = Layout::strided(items.shape(), compact.strides(), self.filled, self.dtype)?;
        let target = Target {
            dtype: self.dtype,
            layout: &layout,
        };
        // SAFETY: *ours*; the items have been planned to be readable, and there is room for them.
        unsafe { items.overwrite(&target, self.memory.as_mut_ptr()) }?;
        self.filled += items.len() * self.itemsize;
        Ok(())
    }

    /// Lets whole bytes go, and keeps the bits of a byte that has just begun.
    fn flush(&mut self, out: &mut Outlet<'_>) -> ControlFlow<()> {
        let bits = self.filled * self.unit.bits();
        self.filled = bits % 8 / self.unit.bits();
        self.send(bits / 8, out)?;
        if self.filled > 0 {
            let bytes = self.bytes_mut();
            bytes[0] = bytes[bits / 8];
        }
        ControlFlow::Continue(())
    }

    /// Lets everything go. Bits of the last byte that stand for nothing are 0.
    fn finish(&mut self, out: &mut Outlet<'_>) -> ControlFlow<()> {
        let bits = self.filled * self.unit.bits();
        if !bits.is_multiple_of(8) {
            let last = &mut self.bytes_mut()[bits / 8];
            *last &= low_bits(bits % 8);
        }
        self.filled = 0;
        self.send(bits.div_ceil(8), out)
    }

    fn send(&mut self, bytes: usize, out: &mut Outlet<'_>) -> ControlFlow<()> {
        if bytes == 0 {
            return ControlFlow::Continue(());
        }
        out.put(&self.bytes_mut()[..bytes])
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_uninit();
        let (ptr, len) = (memory.as_mut_ptr().cast(), memory.len());
        // SAFETY: *ours*.
        unsafe { std::slice::from_raw_parts_mut(ptr, len) }
    }
}
