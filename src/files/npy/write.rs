//! Writing `.npy` files, without ever holding a second copy of the items.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::Header;
use crate::convert::{CopyRecord, CopyReport, MemoryUse, Plan, Requirements};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::memory::Order;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// What can be written without a copy, beside the order: bytes that nobody changes under the writer.
const NPY: Requirements = Requirements::any("a .npy file")
    .memory(MemoryUse::Immutable)
    .cpu_readable();

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// Writes a view as a `.npy` file, which is created or overwritten.
///
/// Must not be a file that is mapped: overwriting it breaks the promise made when it was.
///
/// # Errors
///
/// As [`write_to`]. What is refused leaves an existing file as it was; after an [`Error::Io`] it may be incomplete.
pub fn write(path: impl AsRef<Path>, view: &StridedView<'_>) -> Result<CopyReport> {
    let job = Job::new(view)?;
    job.run(File::create(path)?)
}

/// What writing a view would cost: shared if its bytes go to the writer as they lie. Touches no item; O(rank).
///
/// # Errors
///
/// As [`write_to`], but for [`Error::Io`].
pub fn plan(view: &StridedView<'_>) -> Result<Plan> {
    Ok(Job::new(view)?.plan)
}

/// Writes a view in the `.npy` format.
///
/// Contiguous items (in row-major order, or else in column-major order) are given to the writer as they lie, in one call, and the
/// report is empty. Others are gathered piece by piece in a buffer of 1 MiB, in row-major order, and the report says why.
/// The byte order stays as it is.
///
/// # Errors
///
/// [`NpyFault::Unwritable`](crate::NpyFault::Unwritable) for types without a NumPy name and records whose fields overlap or are out of order,
/// [`Error::Refused`] for items with a meaning that NumPy has no word for (its times are written) and for memory that the CPU cannot
/// read, [`Error::Io`].
pub fn write_to(writer: impl Write, view: &StridedView<'_>) -> Result<CopyReport> {
    Job::new(view)?.run(writer)
}

/// Everything decided, nothing written.
struct Job<'a> {
    header: Vec<u8>,
    /// The items, with the axes turned so that they are written in row-major order.
    items: StridedView<'a>,
    plan: Plan,
}

impl<'a> Job<'a> {
    fn new(view: &StridedView<'a>) -> Result<Self> {
        let fortran = view.is_f_contiguous() && !view.is_c_contiguous();
        let (order, items) = if fortran {
            (Order::F, view.transpose())
        } else {
            (Order::C, view.clone())
        };
        let header = Header {
            dtype: view.dtype().clone(),
            logical: view.logical().cloned(),
            order,
            shape: view.shape().to_vec(),
        }
        .encode();
        let mut requirements = NPY.contiguous(order);
        if header.is_err() {
            requirements = requirements.storage_only();
        }
        let plan = view.plan(&requirements);
        match plan.refusal() {
            None => Ok(Self {
                header: header?,
                items,
                plan,
            }),
            Some(refusal) => Err(Error::Refused {
                consumer: plan.consumer(),
                refusal: refusal.clone(),
            }),
        }
    }

    fn run(&self, mut writer: impl Write) -> Result<CopyReport> {
        writer.write_all(&self.header)?;
        let bytes = self.items.nbytes();
        if self.plan.is_shared() {
            write_contiguous(&mut writer, &self.items)?;
            writer.flush()?;
            return Ok(CopyReport::SHARED);
        }
        let buffer = vec![0; BUFFER.min(bytes)];
        Stream {
            writer: &mut writer,
            buffer,
        }
        .put(&self.items)?;
        writer.flush()?;
        let reasons = self.plan.reasons().to_vec();
        Ok(CopyReport::copied(CopyRecord::of_items(bytes, reasons)))
    }
}

/// Writes row-major items as they lie.
fn write_contiguous(writer: &mut impl Write, items: &StridedView<'_>) -> Result<()> {
    if items.nbytes() > 0 {
        let bytes = items.reshape(&[items.len()])?.view_as(DType::U8)?;
        writer.write_all(bytes.typed::<u8>()?.as_slice()?)?;
    }
    Ok(())
}

/// Writes items of any layout in row-major order, through a buffer.
struct Stream<'w, W> {
    writer: &'w mut W,
    buffer: Vec<u8>,
}

impl<W: Write> Stream<'_, W> {
    /// Splits what does not fit in the buffer along its first axis, then along the next.
    fn put(&mut self, items: &StridedView<'_>) -> Result<()> {
        let bytes = items.nbytes();
        if bytes <= self.buffer.len() {
            return self.put_slab(items);
        }
        let Some(&rows) = items.shape().first() else {
            // One item of more bytes than the buffer has.
            return self.put(&items.reshape(&[1])?.view_as(DType::U8)?);
        };
        let step = self.buffer.len() / (bytes / rows);
        for first in (0..rows).step_by(step.max(1)) {
            if step == 0 {
                self.put(&items.index_axis(0, first.cast_signed())?)?;
            } else {
                let last = rows.min(first + step);
                self.put_slab(&items.slice_axis(0, first.cast_signed()..last.cast_signed())?)?;
            }
        }
        Ok(())
    }

    /// Writes items that fit in the buffer. Their bytes, whatever they are: a `bool` of 2 and the gaps of a record are written as they
    /// would be without a copy.
    fn put_slab(&mut self, items: &StridedView<'_>) -> Result<()> {
        if *items.dtype() == DType::BOOL {
            return self.put_slab(&items.view_as(DType::U8)?);
        }
        if items.dtype().as_record().is_some() {
            let itemsize = u32::try_from(items.dtype().itemsize()).unwrap_or(u32::MAX);
            return self.put_slab(&items.view_as(DType::raw(itemsize))?);
        }
        let bytes = &mut self.buffer[..items.nbytes()];
        if !bytes.is_empty() {
            let slab = StridedViewMut::from_slice(bytes).view_as(items.dtype().clone())?;
            items.copy_into(&mut slab.reshape(items.shape())?)?;
            self.writer.write_all(bytes)?;
        }
        Ok(())
    }
}
