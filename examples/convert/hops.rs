//! The hops: one call of the crate each. This is the part to read.
//!
//! # Safety
//!
//! Files are mapped only where nobody writes them: the sample data, files that this process has just written into a folder of its own, and
//! what the user vouches for with `--map`.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{Field, FieldRef};
use viewbridge::arrow::{Column, Nulls};
use viewbridge::convert::Packing;
use viewbridge::files::{ipc, npy};
use viewbridge::{Converted, CopyPolicy, CopyReason, CopyReport, Error, Order, Requirements, StridedView};

use crate::failure::Failure;
use crate::progress::Counted;
use crate::trip::Trip;

type View = StridedView<'static>;

/// How a file becomes memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    Read,
    /// Only for files that nobody writes meanwhile.
    Map,
}

impl Open {
    fn route(self, path: &Path, to: &str) -> String {
        let how = match self {
            Self::Read => "read",
            Self::Map => "mapped",
        };
        format!("{} → {to} ({how})", name(path))
    }
}

/// `.npy` file → view.
pub(crate) fn open_npy(trip: &mut Trip, path: &Path, open: Open, policy: CopyPolicy) -> Result<View, Failure> {
    let bytes = size_of_file(path);
    trip.hop(open.route(path, "view"), bytes, || match open {
        Open::Read => {
            allow(policy, "reading a file", bytes, &[CopyReason::FileRead])?;
            npy::read(path)
        }
        // SAFETY: `Open::Map` is for files that nobody writes.
        Open::Map => unsafe { npy::map(path) }.map(Converted::shared),
    })
}

/// Arrow IPC file → record batches.
pub(crate) fn open_arrow(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
) -> Result<Vec<RecordBatch>, Failure> {
    let bytes = size_of_file(path);
    trip.hop(open.route(path, "Arrow"), bytes, || {
        let batches = match open {
            Open::Read => ipc::read(path),
            // SAFETY: `Open::Map` is for files that nobody writes.
            Open::Map => unsafe { ipc::map(path) },
        }?;
        // What Arrow had to copy is known only afterwards.
        let reasons: Vec<CopyReason> = batches.report.reasons().cloned().collect();
        allow(policy, "opening an Arrow file", batches.report.bytes_copied(), &reasons)?;
        Ok(batches)
    })
}

/// View → the same items in another order.
pub(crate) fn reorder(trip: &mut Trip, view: &View, order: Order, policy: CopyPolicy) -> Result<View, Failure> {
    let wanted = Requirements::any("--order").contiguous(order);
    trip.hop(format!("view → {order} order"), view.nbytes(), || {
        view.convert(&wanted, policy)
    })
}

/// View → Arrow: tensors, or a plain array where there is one axis.
pub(crate) fn to_arrow(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<(FieldRef, ArrayRef), Failure> {
    trip.hop("view → Arrow", view.nbytes(), || {
        if view.ndim() > 1 {
            return view.to_fixed_shape_tensor(policy);
        }
        let array = view.to_arrow(policy)?;
        Ok(array.map(|array| {
            let field = Field::new("values", array.data_type().clone(), false);
            (Arc::new(field) as FieldRef, array)
        }))
    })
}

/// Arrow → view. Never copies.
pub(crate) fn from_arrow(trip: &mut Trip, field: &FieldRef, array: &dyn Array) -> Result<View, Failure> {
    trip.hop("Arrow → view", 0, || {
        let column = Column::from_field(field, array, Nulls::Forbid)?;
        Ok(Converted::shared(column.into_view()))
    })
}

/// View → DLPack → view. What a consumer such as PyTorch does with the tensor goes in between.
pub(crate) fn through_dlpack(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<View, Failure> {
    let tensor = trip.hop("view → DLPack", view.nbytes(), || view.to_dlpack(policy))?;
    trip.hop("DLPack → view", 0, || {
        let view = tensor.into_view()?;
        // DLPack cannot say that nobody writes the memory, so that nobody may rely on it.
        // SAFETY: this process made the tensor, from memory that nobody writes or as a fresh copy, and no consumer has seen it.
        Ok(Converted::shared(unsafe { view.assume_immutable() }))
    })
}

/// Arrow → Arrow IPC file.
pub(crate) fn write_arrow(trip: &mut Trip, field: &FieldRef, array: &ArrayRef, path: &Path) -> Result<(), Failure> {
    trip.write(format!("Arrow → {}", name(path)), || {
        let mut file = Counted::new(File::create(path)?, array.get_buffer_memory_size());
        ipc::write(&mut file, &[(Arc::clone(field), Arc::clone(array))])?;
        Ok(Converted::shared(file.bytes))
    })
}

/// View → `.npy` file.
pub(crate) fn write_npy(trip: &mut Trip, view: &View, path: &Path, policy: CopyPolicy) -> Result<(), Failure> {
    let view = numpy_items(trip, view, policy)?;
    trip.write(format!("view → {}", name(path)), || {
        let plan = npy::plan(&view)?;
        allow(policy, plan.consumer(), plan.bytes_copied(), plan.reasons())?;
        let mut file = Counted::new(File::create(path)?, view.nbytes());
        let report: CopyReport = npy::write_to(&mut file, &view)?;
        let value = file.bytes;
        Ok(Converted { value, report })
    })
}

/// Booleans, which Arrow packs to bits, in the bytes that NumPy has them in. No hop where they are already.
fn numpy_items(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<View, Failure> {
    const NUMPY: Requirements = Requirements::any("NumPy").packing(Packing::BoolBytes);
    if view.plan(&NUMPY).is_shared() {
        return Ok(view.clone());
    }
    trip.hop("bits → bytes", view.nbytes(), || view.convert(&NUMPY, policy))
}

/// What the crate says under [`CopyPolicy::Never`], for copies that it leaves to the caller.
fn allow(policy: CopyPolicy, consumer: &'static str, bytes: usize, reasons: &[CopyReason]) -> Result<(), Error> {
    if policy != CopyPolicy::Never || reasons.is_empty() {
        return Ok(());
    }
    let reasons = reasons.to_vec();
    Err(Error::CopyForbidden {
        consumer,
        bytes,
        reasons,
    })
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// For progress and messages; 0 if unknown.
fn size_of_file(path: &Path) -> usize {
    path.metadata()
        .ok()
        .and_then(|data| usize::try_from(data.len()).ok())
        .unwrap_or(0)
}
