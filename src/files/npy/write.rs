//! Writing `.npy` files, without ever holding a second copy of the items.

use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use super::Header;
use crate::convert::{CopyPolicy, CopyReport, MemoryUse, Packing, Piece, Plan, Requirements, Stream, Streamed};
use crate::dtype::{DType, Kind};
use crate::error::Result;
use crate::memory::Order;
use crate::view::StridedView;

/// What can be written without a copy, beside the order: bytes that nobody changes under the writer.
const NPY: Requirements = Requirements::any("a .npy file")
    .packing(Packing::BoolBytes)
    .memory(MemoryUse::Immutable)
    .cpu_readable();

/// Writes a view as a `.npy` file, which is created or overwritten.
///
/// Must not be a file that is mapped: overwriting it breaks the promise made when it was.
///
/// # Errors
///
/// As [`write_to`]. What is refused leaves an existing file as it was; after an [`Error::Io`](crate::Error::Io) it may be incomplete.
pub fn write(path: impl AsRef<Path>, view: &StridedView<'_>) -> Result<CopyReport> {
    let job = Job::new(view)?;
    job.run(File::create(path)?)
}

/// What writing a view would cost: shared if its bytes go to the writer as they lie. Touches no item; O(rank).
///
/// # Errors
///
/// As [`write_to`], but for [`Error::Io`](crate::Error::Io).
pub fn plan(view: &StridedView<'_>) -> Result<Plan> {
    let job = Job::new(view)?;
    Ok(view.plan(&job.requirements))
}

/// Writes a view in the `.npy` format.
///
/// Contiguous items (in row-major order, or else in column-major order) are given to the writer as they lie, in one call, and the report is
/// empty. Others are gathered piece by piece in a bounded buffer ([`Stream`]), in row-major order, and the report says why; bits become bytes so. The byte order stays as it is.
///
/// # Errors
///
/// [`NpyFault::Unwritable`](crate::NpyFault::Unwritable) for types without a NumPy name and records whose fields overlap or are out of order,
/// [`Error::Refused`](crate::Error::Refused) for items with a meaning that NumPy has no word for (its times are written) and for memory that the CPU cannot
/// read, [`Error::Io`](crate::Error::Io).
pub fn write_to(writer: impl Write, view: &StridedView<'_>) -> Result<CopyReport> {
    Job::new(view)?.run(writer)
}

/// As [`write_to`], and tells `progress` of each piece of the items that has been written, until it breaks off.
///
/// The header is written before, and not counted. A file that was broken off is no valid `.npy` file.
///
/// # Errors
///
/// As [`write_to`].
pub fn write_with(
    writer: impl Write,
    view: &StridedView<'_>,
    progress: impl FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Streamed> {
    Job::new(view)?.run_with(writer, progress)
}

/// Everything decided, nothing written.
pub(in crate::files) struct Job<'a> {
    header: Vec<u8>,
    requirements: Requirements,
    items: Stream<'a>,
}

impl<'a> Job<'a> {
    pub(in crate::files) fn new(view: &StridedView<'a>) -> Result<Self> {
        let fortran = view.is_f_contiguous() && !view.is_c_contiguous();
        let order = if fortran { Order::F } else { Order::C };
        // NumPy's booleans have a byte each.
        let packed = view.dtype().kind() == Kind::Bool && view.dtype().is_packed();
        let dtype = if packed { DType::BOOL } else { view.dtype().clone() };
        let header = Header {
            dtype,
            logical: view.logical().cloned(),
            order,
            shape: view.shape().to_vec(),
        }
        .encode();
        let mut requirements = NPY.contiguous(order);
        if header.is_err() {
            requirements = requirements.storage_only();
        }
        let items = view.stream(&requirements, CopyPolicy::IfNeeded)?;
        let header = header?;
        Ok(Self {
            header,
            requirements,
            items,
        })
    }

    #[cfg(feature = "npz")]
    pub(in crate::files) fn header(&self) -> &[u8] {
        &self.header
    }

    #[cfg(feature = "npz")]
    pub(in crate::files) fn items(&self) -> &Stream<'a> {
        &self.items
    }

    /// Bytes that go out behind the header.
    #[cfg(feature = "npz")]
    pub(in crate::files) fn nbytes(&self) -> usize {
        self.items.nbytes()
    }

    fn run(&self, mut writer: impl Write) -> Result<CopyReport> {
        writer.write_all(&self.header)?;
        let report = self.items.write_to(&mut writer)?;
        writer.flush()?;
        Ok(report)
    }

    fn run_with(&self, mut writer: impl Write, progress: impl FnMut(Piece<'_>) -> ControlFlow<()>) -> Result<Streamed> {
        writer.write_all(&self.header)?;
        let done = self.items.write_with(&mut writer, progress)?;
        writer.flush()?;
        Ok(done)
    }
}
