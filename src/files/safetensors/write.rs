//! Writing safetensors files, one tensor after the other, without ever holding a second copy of one.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::TensorInfo;
use serde_json::Value;

use super::header::METADATA;
use super::{PREFIX, dtype};
use crate::convert::{CopyPolicy, CopyReport, MemoryUse, Packing, Piece, Plan, Requirements, Stream, Streamed};
use crate::dtype::{ByteOrder, Kind};
use crate::error::{Result, SafetensorsFault};
use crate::files::series::Series;
use crate::memory::Order;
use crate::view::StridedView;

/// What can be written without a copy.
const SAFETENSORS: Requirements = Requirements::any("a .safetensors file")
    .contiguous(Order::C)
    .native()
    .packing(Packing::BoolBytes)
    .memory(MemoryUse::Immutable)
    .cpu_readable()
    .storage_only()
    .dtypes(|dtype| dtype::to_file(dtype).is_some());

/// Writes tensors and remarks as a safetensors file, which is created or overwritten.
///
/// Must not be a file that is mapped: overwriting it breaks the promise made when it was.
///
/// # Errors
///
/// As [`write_to`]. What is refused leaves an existing file as it was; after an [`Error::Io`](crate::Error::Io) it may be incomplete.
pub fn write<'m>(
    path: impl AsRef<Path>,
    tensors: &[(&str, &StridedView<'_>)],
    metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
) -> Result<CopyReport> {
    let job = Job::new(tensors, metadata)?;
    job.run(File::create(path)?)
}

/// Writes tensors and remarks in the safetensors format.
///
/// As the reference implementation does, tensors stand in the order of their alignment, widest first, and among equals in that of their names: what is
/// written is byte for byte what it writes. Tensors that are not contiguous, or big-endian, go through a bounded buffer, and the report says so.
///
/// # Errors
///
/// [`SafetensorsFault::Duplicate`], [`SafetensorsFault::Reserved`] for the names; [`Error::Refused`](crate::Error::Refused) for types that the format
/// has no name for, items with a meaning, and memory that the CPU cannot read; [`SafetensorsFault::PartialByte`] for packed items that end inside
/// of a byte; [`Error::Io`](crate::Error::Io).
pub fn write_to<'m>(
    writer: impl Write,
    tensors: &[(&str, &StridedView<'_>)],
    metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
) -> Result<CopyReport> {
    Job::new(tensors, metadata)?.run(writer)
}

/// As [`write_to`], and tells `progress` of each piece of the items that has been written, until it breaks off.
///
/// Pieces are counted over all tensors. A file that was broken off is no valid one.
///
/// # Errors
///
/// As [`write_to`].
pub fn write_with<'m>(
    writer: impl Write,
    tensors: &[(&str, &StridedView<'_>)],
    metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    progress: impl FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Streamed> {
    Job::new(tensors, metadata)?.run_with(writer, progress)
}

/// What writing a tensor would cost: shared if its bytes go to the writer as they lie. Touches no item; O(rank).
///
/// # Errors
///
/// [`SafetensorsFault::PartialByte`] for packed items that end inside of a byte.
pub fn plan(view: &StridedView<'_>) -> Result<Plan> {
    let plan = view.plan(&SAFETENSORS);
    if plan.refusal().is_none() {
        check_bits(view, view.dtype().kind() == Kind::Bool)?;
    }
    Ok(plan)
}

/// Everything decided, nothing written.
struct Job<'a> {
    header: String,
    tensors: Vec<Stream<'a>>,
}

/// A tensor, and how the header is to call it.
struct Planned<'n, 'a> {
    name: &'n str,
    dtype: Dtype,
    shape: Vec<usize>,
    items: Stream<'a>,
}

impl<'a> Job<'a> {
    fn new<'m>(
        tensors: &[(&str, &StridedView<'a>)],
        metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Result<Self> {
        if ByteOrder::NATIVE == ByteOrder::Big {
            return Err(SafetensorsFault::BigEndianMachine.into());
        }
        let mut names = HashSet::new();
        let mut all = Vec::with_capacity(tensors.len());
        for &(name, view) in tensors {
            if !names.insert(name) {
                return Err(SafetensorsFault::Duplicate { name: name.into() }.into());
            }
            all.push(planned(name, view).map_err(|error| error.of_array(name))?);
        }
        all.sort_by(|a, b| b.dtype.cmp(&a.dtype).then(a.name.cmp(b.name)));
        let header = header(&all, metadata)?;
        let tensors = all.into_iter().map(|tensor| tensor.items).collect();
        Ok(Self { header, tensors })
    }

    fn run(&self, mut writer: impl Write) -> Result<CopyReport> {
        self.write_header(&mut writer)?;
        let mut records = Vec::new();
        for tensor in &self.tensors {
            records.extend(tensor.write_to(&mut writer)?.into_records());
        }
        writer.flush()?;
        Ok(CopyReport::from_records(records))
    }

    fn run_with(&self, mut writer: impl Write, progress: impl FnMut(Piece<'_>) -> ControlFlow<()>) -> Result<Streamed> {
        self.write_header(&mut writer)?;
        let total = self.tensors.iter().map(Stream::nbytes).sum();
        let mut series = Series::new(total, progress);
        for tensor in &self.tensors {
            series.write(tensor, &mut writer)?;
        }
        writer.flush()?;
        Ok(series.done())
    }

    fn write_header(&self, writer: &mut impl Write) -> Result<()> {
        let len = self.header.len().next_multiple_of(PREFIX);
        writer.write_all(&crate::files::wide(len).to_le_bytes())?;
        // Widths of a format count characters; a length is one of bytes.
        let padding = len - self.header.len();
        write!(writer, "{}{:padding$}", self.header, "")?;
        Ok(())
    }
}

/// Refuses packed items that end inside of a byte, unless they are to be unpacked.
fn check_bits(view: &StridedView<'_>, unpacked: bool) -> Result<(), SafetensorsFault> {
    let bits = view.layout().itemsize() * view.len();
    if view.dtype().is_packed() && !unpacked && !bits.is_multiple_of(8) {
        return Err(SafetensorsFault::PartialByte { bits });
    }
    Ok(())
}

fn planned<'n, 'a>(name: &'n str, view: &StridedView<'a>) -> Result<Planned<'n, 'a>> {
    if name == METADATA {
        return Err(SafetensorsFault::Reserved { name: METADATA }.into());
    }
    let items = view.stream(&SAFETENSORS, CopyPolicy::IfNeeded)?;
    check_bits(view, !items.dtype().is_packed())?;
    let dtype = dtype::to_file(items.dtype()).ok_or_else(|| SafetensorsFault::Unnamed {
        dtype: items.dtype().clone(),
    })?;
    let shape = view.shape().to_vec();
    Ok(Planned {
        name,
        dtype,
        shape,
        items,
    })
}

/// The dictionary, whose keys stand in the order of the bytes.
fn header<'m>(tensors: &[Planned<'_, '_>], metadata: impl IntoIterator<Item = (&'m str, &'m str)>) -> Result<String> {
    let metadata: BTreeMap<&str, &str> = metadata.into_iter().collect();
    let mut header = String::from("{");
    let mut entry = |name: &str, value: String| {
        let separator = if header.len() > 1 { "," } else { "" };
        write!(header, "{separator}{}:{value}", Value::from(name)).expect("a String takes everything");
    };
    if !metadata.is_empty() {
        entry(METADATA, json(&metadata)?);
    }
    let mut start = 0_usize;
    for tensor in tensors {
        let end = start + tensor.items.nbytes();
        let info = TensorInfo {
            dtype: tensor.dtype,
            shape: tensor.shape.clone(),
            data_offsets: (start, end),
        };
        entry(tensor.name, json(&info)?);
        start = end;
    }
    header.push('}');
    Ok(header)
}

fn json(value: &impl serde::Serialize) -> Result<String, SafetensorsFault> {
    serde_json::to_string(value).map_err(SafetensorsFault::library)
}
