//! The hops: one call of the crate each. This is the part to read.
//!
//! # Safety
//!
//! Files are mapped only where nobody writes them: the sample data, files that this process has just written into a folder of its own, and
//! what the user vouches for with `--map`.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, FieldRef, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use viewbridge::arrow::{self, Nulls};
use viewbridge::files::mmap::Mode;
use viewbridge::files::npz::Compression;
use viewbridge::files::raw::RawArray;
use viewbridge::files::safetensors::Tensors;
use viewbridge::files::{NamedView, ipc, npy, npz, raw, safetensors};
use viewbridge::{ArrowFault, Converted, CopyPolicy, CopyReason, CopyReport, Error, Order, Requirements, StridedView};

use crate::failure::Failure;
use crate::format::Format;
use crate::progress::{Bar, Counted};
use crate::trip::Trip;

type View = StridedView<'static>;

/// An Arrow column as it is in a file: with its name, its dimension names, its nullability.
pub(crate) type Column = (FieldRef, ArrayRef);

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

/// File → what it holds.
fn open_file<T>(
    trip: &mut Trip,
    (path, open): (&Path, Open),
    to: &str,
    policy: CopyPolicy,
    read: impl FnOnce() -> Result<Converted<T>, Error>,
    map: impl FnOnce() -> Result<Converted<T>, Error>,
) -> Result<T, Failure> {
    const CONSUMER: &str = "opening a file";
    let bytes = size_of_file(path);
    trip.hop(open.route(path, to), bytes, || {
        if open == Open::Read {
            allow(policy, CONSUMER, bytes, &[CopyReason::FileRead])?;
            return read();
        }
        let opened = map()?;
        // What was compressed or misaligned is known only afterwards.
        let reasons: Vec<CopyReason> = opened.report.reasons().cloned().collect();
        allow(policy, CONSUMER, opened.report.bytes_copied(), &reasons)?;
        Ok(opened)
    })
}

/// `.npy` file → view.
pub(crate) fn open_npy(trip: &mut Trip, path: &Path, open: Open, policy: CopyPolicy) -> Result<View, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { npy::map(path) }.map(Converted::shared);
    open_file(trip, (path, open), "view", policy, || npy::read(path), map)
}

/// `.npz` file → views.
pub(crate) fn open_npz(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
) -> Result<Vec<NamedView<'static>>, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { npz::map(path) };
    open_file(trip, (path, open), "views", policy, || npz::read(path), map)
}

/// safetensors file → views, and the file's remarks.
pub(crate) fn open_safetensors(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
) -> Result<Tensors<'static>, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { safetensors::map(path) }.map(Converted::shared);
    open_file(trip, (path, open), "views", policy, || safetensors::read(path), map)
}

/// File of bare items → view.
pub(crate) fn open_raw(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
    items: &RawArray,
) -> Result<View, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { raw::map(path, Mode::Read, items) }.map(Converted::shared);
    open_file(trip, (path, open), "view", policy, || raw::read(path, items), map)
}

/// File with an Arrow IPC tensor message → view.
pub(crate) fn open_tensor(trip: &mut Trip, path: &Path, open: Open, policy: CopyPolicy) -> Result<View, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { ipc::map_tensor(path) }.map(Converted::shared);
    open_file(trip, (path, open), "view", policy, || ipc::read_tensor(path), map).map(|tensor| tensor.view)
}

/// Arrow IPC file → record batches.
pub(crate) fn open_arrow(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
) -> Result<Vec<RecordBatch>, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { ipc::map(path) };
    open_file(trip, (path, open), "Arrow", policy, || ipc::read(path), map)
}

/// Arrow IPC stream in a file → record batches.
pub(crate) fn open_arrows(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
) -> Result<Vec<RecordBatch>, Failure> {
    // SAFETY: `Open::Map` is for files that nobody writes.
    let map = || unsafe { ipc::map_stream(path) };
    open_file(trip, (path, open), "Arrow", policy, || ipc::read_stream(path), map)
}

/// Parquet file → record batches. Always a copy, mapped or not.
pub(crate) fn open_parquet(trip: &mut Trip, path: &Path, policy: CopyPolicy) -> Result<Vec<RecordBatch>, Failure> {
    /// Rows of a batch: as many as most files have, and few enough for a file that lies about them.
    const ROWS: usize = 1 << 20;
    let (reasons, bytes) = ([CopyReason::FileRead, CopyReason::Decoded], size_of_file(path));
    trip.decode(Open::Read.route(path, "Arrow"), bytes, &reasons, || {
        allow(policy, "decoding a Parquet file", bytes, &reasons)?;
        let decoder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(ArrowError::from);
        let batches = decoder.and_then(|decoder| decoder.with_batch_size(ROWS).build().map_err(ArrowError::from));
        let batches = batches.and_then(Iterator::collect::<Result<Vec<RecordBatch>, _>>);
        let batches = batches.map_err(|error| ArrowFault::Library(Box::new(error)))?;
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        Ok((batches, bytes))
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
pub(crate) fn to_arrow(trip: &mut Trip, view: &View, name: &str, policy: CopyPolicy) -> Result<Column, Failure> {
    trip.hop("view → Arrow", view.nbytes(), || {
        if view.ndim() > 1 {
            let tensors = view.to_fixed_shape_tensor(policy)?;
            return Ok(tensors.map(|(field, array)| (Arc::new(field.as_ref().clone().with_name(name)), array)));
        }
        let array = view.to_arrow(policy)?;
        Ok(array.map(|array| {
            let field = Field::new(name, array.data_type().clone(), false);
            (Arc::new(field) as FieldRef, array)
        }))
    })
}

/// Arrow → view. Never copies.
pub(crate) fn from_arrow(trip: &mut Trip, field: &FieldRef, array: &dyn Array) -> Result<View, Failure> {
    trip.hop("Arrow → view", 0, || {
        let column = arrow::Column::from_field(field, array, Nulls::Forbid)?;
        Ok(Converted::shared(column.into_view()))
    })
}

/// A column in the pieces of several record batches → one view. A copy, if there are several.
pub(crate) fn from_batches(
    trip: &mut Trip,
    field: &FieldRef,
    pieces: &[ArrayRef],
    policy: CopyPolicy,
) -> Result<View, Failure> {
    if let [array] = pieces {
        return from_arrow(trip, field, array);
    }
    let bytes = pieces.iter().map(|piece| piece.get_buffer_memory_size()).sum();
    trip.hop(format!("{} record batches → view", pieces.len()), bytes, || {
        let column = |piece: &ArrayRef| Ok(arrow::Column::from_field(field, piece, Nulls::Forbid)?.into_view());
        let views = pieces.iter().map(column).collect::<Result<Vec<View>, Error>>()?;
        let (bytes, count) = (views.iter().map(|view| view.nbytes()).sum(), views.len());
        allow(
            policy,
            "one view of all record batches",
            bytes,
            &[CopyReason::Gathered { pieces: count }],
        )?;
        arrow::concat(&views)
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

/// A file to write, and what to call it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out<'a> {
    pub(crate) path: &'a Path,
    pub(crate) name: &'a str,
}

/// Arrow → Arrow IPC file, of one batch.
pub(crate) fn write_arrow(trip: &mut Trip, columns: &[Column], out: Out<'_>) -> Result<(), Failure> {
    write_columns(trip, columns, out, |file| ipc::write(file, columns))
}

/// Arrow → file with an Arrow IPC stream, of one batch.
pub(crate) fn write_arrows(trip: &mut Trip, columns: &[Column], out: Out<'_>) -> Result<(), Failure> {
    write_columns(trip, columns, out, |file| {
        let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns.iter().cloned().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        let batch = batch.map_err(|error| ArrowFault::Library(Box::new(error)))?;
        ipc::write_stream(file, &batch.schema(), std::slice::from_ref(&batch))
    })
}

fn write_columns(
    trip: &mut Trip,
    columns: &[Column],
    out: Out<'_>,
    write: impl FnOnce(&mut BufWriter<Counted<File>>) -> Result<(), Error>,
) -> Result<(), Failure> {
    let expected = columns.iter().map(|(_, array)| array.get_buffer_memory_size()).sum();
    write_file(trip, "Arrow", out, |file| {
        let mut file = BufWriter::new(Counted::new(file, expected));
        write(&mut file)?;
        file.flush()?;
        Ok(CopyReport::SHARED)
    })
}

/// View → `.npy` file.
pub(crate) fn write_npy(trip: &mut Trip, view: &View, out: Out<'_>) -> Result<(), Failure> {
    write_file(trip, "view", out, |file| {
        let bar = Bar::new(view.nbytes());
        Ok(npy::write_with(file, view, |piece| bar.piece(piece))?.report)
    })
}

/// Views → `.npz` file, as they are.
pub(crate) fn write_npz(trip: &mut Trip, views: &[(&str, &View)], out: Out<'_>) -> Result<(), Failure> {
    write_file(trip, "views", out, |file| {
        let (bar, file) = (Bar::new(bytes_of(views)), BufWriter::new(file));
        Ok(npz::write_with(file, views, Compression::Stored, |piece| bar.piece(piece))?.report)
    })
}

/// Views and remarks → safetensors file.
pub(crate) fn write_safetensors(
    trip: &mut Trip,
    views: &[(&str, &View)],
    remarks: &BTreeMap<String, String>,
    out: Out<'_>,
) -> Result<(), Failure> {
    write_file(trip, "views", out, |file| {
        let (bar, file) = (Bar::new(bytes_of(views)), BufWriter::new(file));
        let remarks = remarks.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(safetensors::write_with(file, views, remarks, |piece| bar.piece(piece))?.report)
    })
}

/// View → Arrow IPC tensor message.
pub(crate) fn write_tensor(trip: &mut Trip, view: &View, out: Out<'_>) -> Result<(), Failure> {
    write_file(trip, "view", out, |file| {
        let mut file = BufWriter::new(Counted::new(file, view.nbytes()));
        let report = ipc::write_tensor(&mut file, view, &[])?;
        file.flush()?;
        Ok(report)
    })
}

/// View → bare items.
pub(crate) fn write_raw(trip: &mut Trip, view: &View, out: Out<'_>) -> Result<(), Failure> {
    write_file(trip, "view", out, |file| {
        let bar = Bar::new(view.nbytes());
        Ok(raw::write_with(file, view, |piece| bar.piece(piece))?.report)
    })
}

fn write_file(
    trip: &mut Trip,
    from: &str,
    out: Out<'_>,
    write: impl FnOnce(File) -> Result<CopyReport, Error>,
) -> Result<(), Failure> {
    trip.write(format!("{from} → {}", out.name), || {
        let report = write(File::create(out.path)?)?;
        let value = size_of_file(out.path);
        Ok(Converted { value, report })
    })
}

fn bytes_of(views: &[(&str, &View)]) -> usize {
    views.iter().map(|(_, view)| view.nbytes()).sum()
}

/// What writing a view in a format will cost, which the policy may forbid. Without a file, and without a look at the items.
pub(crate) fn check(view: &View, format: Format, policy: CopyPolicy) -> Result<(), Error> {
    let plan = match format {
        Format::Npy | Format::Npz => npy::plan(view)?,
        Format::Safetensors => safetensors::plan(view)?,
        Format::Bin => raw::plan(view),
        Format::Tensor => view.plan(&ipc::TENSOR),
        Format::Arrow | Format::Arrows if view.ndim() > 1 => view.plan(&arrow::tensor_requirements_of(view)),
        Format::Arrow | Format::Arrows => view.plan(&arrow::requirements_of(view)),
        Format::Parquet => return Ok(()),
    };
    let consumer = plan.consumer();
    if let Some(refusal) = plan.refusal() {
        let refusal = refusal.clone();
        return Err(Error::Refused { consumer, refusal });
    }
    allow(policy, consumer, plan.bytes_copied(), plan.reasons())
}

/// What the crate says under [`CopyPolicy::Never`], for copies that it leaves to the caller.
pub(crate) fn allow(
    policy: CopyPolicy,
    consumer: &'static str,
    bytes: usize,
    reasons: &[CopyReason],
) -> Result<(), Error> {
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

pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// For progress and messages; 0 if unknown.
pub(crate) fn size_of_file(path: &Path) -> usize {
    path.metadata()
        .ok()
        .and_then(|data| usize::try_from(data.len()).ok())
        .unwrap_or(0)
}
