//! Arrow IPC: files and streams of record batches, and tensor messages.
//!
//! [`read`] is safe and copies the file into aligned memory once; [`map`] maps it, and the arrays share the mapping. What Arrow has to copy
//! in either case, because the file is compressed or a buffer of it misaligned, is found by comparing pointers, and reported.
//!
//! ```
//! use std::sync::Arc;
//! use arrow_schema::Field;
//! use viewbridge::files::ipc;
//! use viewbridge::{CopyPolicy, StridedView};
//!
//! let view = StridedView::from_vec(vec![1.0_f64, 2.0, 3.0]);
//! let array = view.to_arrow(CopyPolicy::IfNeeded)?.value;
//! let field = Field::new("x", array.data_type().clone(), false);
//! let mut file = Vec::new();
//! ipc::write(&mut file, &[(Arc::new(field), array)])?;
//! assert!(file.starts_with(b"ARROW1"));
//! # Ok::<(), viewbridge::Error>(())
//! ```
//!
//! # Safety
//!
//! The only unsafe call passes the promise of the caller of [`map`] on to [`map_file`].
#![allow(unsafe_code)]

mod compressed;
mod describe;
mod scalar;
mod stream;
mod tensor;

use std::collections::HashSet;
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer as ArrowBuffer;
use arrow_data::{ArrayData, BufferSpec, layout};
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::writer::FileWriter;
use arrow_ipc::{Block, Footer, root_as_footer};
use arrow_schema::{ArrowError, FieldRef, Schema};

use crate::arrow::{library, to_arrow_buffer};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord, CopyReport, Part};
use crate::error::{ArrowFault, Error, Result};
#[cfg(feature = "mmap")]
use crate::files::mmap::map_file;
use crate::reason::CopyReason;

use compressed::is_compressed;
pub use describe::{ListedColumn, describe, describe_stream};
#[cfg(feature = "mmap")]
pub use stream::map_stream;
pub use stream::{read_stream, write_stream};
#[cfg(feature = "mmap")]
pub use tensor::map_tensor;
pub use tensor::{NamedTensor, TENSOR, describe_tensor, read_tensor, tensor_of, write_tensor};

/// Bytes of the footer's length and the magic string behind it.
const TRAILER: usize = 10;

/// Writes columns of equal length as an Arrow IPC file of one batch, uncompressed, every buffer on a multiple of 64 bytes.
///
/// Writes in small pieces: wrap a `File` in a [`BufWriter`](std::io::BufWriter).
///
/// # Errors
///
/// [`Error::Io`]; [`ArrowFault::Library`] if columns differ in length, or a field says another type or forbids nulls that are there.
pub fn write<W: Write>(writer: W, columns: &[(FieldRef, ArrayRef)]) -> Result<()> {
    let fields: Vec<FieldRef> = columns.iter().map(|(field, _)| Arc::clone(field)).collect();
    let arrays: Vec<ArrayRef> = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    // Without columns only this says how many rows there are.
    let rows = arrays.first().map_or(0, |array| array.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options).map_err(library)?;
    let mut writer = FileWriter::try_new(writer, &schema).map_err(library)?;
    writer.write(&batch).map_err(library)?;
    writer.finish().map_err(library)
}

/// Reads an Arrow IPC file into memory, once; its arrays share that memory.
///
/// The report has a record of the file ([`CopyReason::FileRead`]), and one of each buffer that Arrow copied beyond that.
///
/// # Errors
///
/// [`Error::Io`], [`Error::OutOfMemory`]; [`ArrowFault::Length`] for a file too short to be one, [`ArrowFault::Block`],
/// [`ArrowFault::Panic`], [`ArrowFault::Library`] for a broken one, [`ArrowFault::Compressed`] for one that this build of Arrow cannot
/// decompress.
pub fn read(path: impl AsRef<Path>) -> Result<Converted<Vec<RecordBatch>>> {
    let memory = super::read_file(path)?;
    let record = CopyRecord::of_items(memory.len(), vec![CopyReason::FileRead]);
    decode(memory, vec![record])
}

/// Maps an Arrow IPC file; its arrays share the mapping, which lives as long as any of them.
///
/// The report has a record of each buffer that Arrow copied: because it was compressed ([`CopyReason::Decompressed`]), or where a writer left it
/// misaligned ([`CopyReason::Realigned`]).
///
/// # Safety
///
/// As long as any of the arrays lives, nobody changes or truncates the file, in this process or another.
///
/// # Errors
///
/// As [`read`].
#[cfg(feature = "mmap")]
pub unsafe fn map(path: impl AsRef<Path>) -> Result<Converted<Vec<RecordBatch>>> {
    // SAFETY: the caller's promise is the one asked for.
    let memory = unsafe { map_file(path) }?;
    decode(memory, Vec::new())
}

/// The batches of a file in memory, and what Arrow copied to make them.
fn decode(memory: Buffer<'static>, records: Vec<CopyRecord>) -> Result<Converted<Vec<RecordBatch>>> {
    let bytes = memory.len();
    let file = to_arrow_buffer(memory, 0, bytes).ok_or(Error::OutOfMemory { bytes })?;
    // Arrow's decoder slices by numbers that it read, and panics where they lie.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_blocks(&file)));
    let batches = decoded.map_err(|_| ArrowFault::Panic)??;
    Ok(reported(&file, batches, records))
}

/// The batches, each of which may have been compressed, with a record of each of their buffers that does not lie in the file.
fn reported(
    file: &ArrowBuffer,
    batches: Vec<(RecordBatch, bool)>,
    mut records: Vec<CopyRecord>,
) -> Converted<Vec<RecordBatch>> {
    let mut seen = HashSet::new();
    for (batch, compressed) in &batches {
        for column in batch.columns() {
            let mut copies = Copies {
                file: file.as_slice().as_ptr_range(),
                compressed: *compressed,
                seen: &mut seen,
                records: &mut records,
            };
            copies.find(&column.to_data());
        }
    }
    Converted {
        value: batches.into_iter().map(|(batch, _)| batch).collect(),
        report: CopyReport::from_records(records),
    }
}

/// The batches, and whether each was compressed.
fn decode_blocks(file: &ArrowBuffer) -> Result<Vec<(RecordBatch, bool)>> {
    let footer = footer(file)?;
    let schema = Arc::new(describe::schema_of(&footer)?);
    let mut decoder = FileDecoder::new(schema, footer.version());
    for block in footer.dictionaries().iter().flatten() {
        let (bytes, compressed) = block_bytes(file, block)?;
        decoder.read_dictionary(block, &bytes).map_err(undecoded(compressed))?;
    }
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let (bytes, compressed) = block_bytes(file, block)?;
        if let Some(batch) = decoder
            .read_record_batch(block, &bytes)
            .map_err(undecoded(compressed))?
        {
            batches.push((batch, compressed));
        }
    }
    Ok(batches)
}

/// The footer, whose length stands in the last ten bytes.
fn footer(file: &[u8]) -> Result<Footer<'_>> {
    let found = file.len();
    let short = |expected| ArrowFault::Length { expected, found };
    let (rest, trailer) = file.split_last_chunk::<TRAILER>().ok_or(short(TRAILER))?;
    let len = read_footer_length(*trailer).map_err(library)?;
    let start = rest.len().checked_sub(len).ok_or(short(len.saturating_add(TRAILER)))?;
    root_as_footer(&rest[start..]).map_err(|error| library(ArrowError::ParseError(error.to_string())))
}

/// Metadata and body of one block, where the footer says they are, and whether the body is compressed.
fn block_bytes(file: &ArrowBuffer, block: &Block) -> Result<(ArrowBuffer, bool)> {
    // The length of a message, which Arrow's decoder takes for granted.
    const PREFIX: usize = 8;
    let (offset, metadata, body) = (block.offset(), block.metaDataLength(), block.bodyLength());
    let range = || -> Option<(Range<usize>, usize)> {
        let start = usize::try_from(offset).ok()?;
        let metadata = usize::try_from(metadata).ok().filter(|&len| len >= PREFIX)?;
        let end = start.checked_add(metadata)?.checked_add(usize::try_from(body).ok()?)?;
        (end <= file.len()).then_some((start..end, metadata))
    };
    let (range, metadata) = range().ok_or(ArrowFault::Block {
        offset,
        metadata,
        body,
        available: file.len(),
    })?;
    let bytes = file.slice_with_length(range.start, range.len());
    let compressed = is_compressed(&bytes, metadata)?;
    Ok((bytes, compressed))
}

/// Arrow's error over a block or a stream: in a compressed one it is most likely that the codec was not built in.
fn undecoded(compressed: bool) -> impl FnOnce(ArrowError) -> Error {
    move |error| match error {
        ArrowError::InvalidArgumentError(_) if compressed => ArrowFault::Compressed(Box::new(error)).into(),
        other => library(other),
    }
}

/// Looks for buffers that do not lie in the file.
struct Copies<'a> {
    file: Range<*const u8>,
    compressed: bool,
    /// Buffers reported already: batches share dictionaries.
    seen: &'a mut HashSet<*const u8>,
    records: &'a mut Vec<CopyRecord>,
}

impl Copies<'_> {
    fn find(&mut self, data: &ArrayData) {
        let specs = layout(data.data_type()).buffers;
        for (k, buffer) in data.buffers().iter().enumerate() {
            let required = match specs.get(k) {
                Some(BufferSpec::FixedWidth { alignment, .. }) => *alignment,
                _ => 1,
            };
            self.check(buffer, Part::Items, required);
        }
        if let Some(nulls) = data.nulls() {
            self.check(nulls.buffer(), Part::Validity, 1);
        }
        for child in data.child_data() {
            self.find(child);
        }
    }

    fn check(&mut self, buffer: &ArrowBuffer, part: Part, required: usize) {
        let (bytes, first) = (buffer.len(), buffer.as_ptr());
        if bytes == 0 || self.file.contains(&first) || !self.seen.insert(first) {
            return;
        }
        let reason = if self.compressed {
            CopyReason::Decompressed
        } else {
            CopyReason::Realigned { required }
        };
        let reasons = vec![reason];
        self.records.push(CopyRecord {
            part,
            bytes,
            reasons: reasons.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::Allocation;
    use arrow_array::{BooleanArray, Int64Array};
    use arrow_schema::Field;

    fn file() -> Vec<u8> {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let bits: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
        let column = |name: &str, array: ArrayRef| {
            let field = Field::new(name, array.data_type().clone(), true);
            (Arc::new(field), array)
        };
        let mut file = Vec::new();
        write(&mut file, &[column("a", numbers), column("b", bits)]).unwrap();
        file
    }

    /// The bytes at an address that is `off` a multiple of 64.
    fn shifted(file: &[u8], off: usize) -> Buffer<'static> {
        let mut memory = Allocation::uninit(file.len() + off, 1).unwrap();
        let bytes = std::iter::repeat_n(&0, off).chain(file);
        for (to, &byte) in memory.as_uninit().iter_mut().zip(bytes) {
            to.write(byte);
        }
        // SAFETY: as many bytes as there are have been written.
        let buffer = unsafe { memory.into_buffer() };
        let first = std::ptr::NonNull::new(buffer.as_ptr().cast_mut().wrapping_add(off)).unwrap();
        let (access, kind) = (buffer.access(), buffer.owner_kind());
        // SAFETY: `off` bytes in, with the rest behind it; the buffer is the owner.
        unsafe { Buffer::from_raw_parts(first, file.len(), access, crate::Device::CPU, kind, buffer) }
    }

    #[test]
    fn aligned_files_are_shared() {
        let decoded = decode(shifted(&file(), 0), Vec::new()).unwrap();
        assert!(decoded.is_shared());
        assert_eq!(decoded.value[0].num_rows(), 3);
    }

    #[test]
    fn misaligned_buffers_are_found_and_reported() {
        let decoded = decode(shifted(&file(), 4), Vec::new()).unwrap();
        let reasons: Vec<_> = decoded.report.reasons().cloned().collect();
        // The bits and the validity need no alignment.
        assert_eq!(reasons, [CopyReason::Realigned { required: 8 }]);
        assert!(decoded.report.bytes_copied() >= 24);
        let numbers = decoded.value[0].column(0).to_data();
        assert_eq!(numbers.buffer::<i64>(0)[2], 3);
    }

    /// What Arrow says where a codec was not built in.
    #[test]
    fn a_codec_that_is_missing_says_what_would_help() {
        let missing = || ArrowError::InvalidArgumentError("lz4 IPC compression not enabled".into());
        let error = undecoded(true)(missing());
        assert!(matches!(error, Error::Arrow(ArrowFault::Compressed(_))), "{error}");
        assert!(
            error.to_string().contains("enable the feature `lz4` or `zstd`"),
            "{error}"
        );
        let error = undecoded(false)(missing());
        assert!(matches!(error, Error::Arrow(ArrowFault::Library(_))), "{error}");
    }

    #[test]
    fn broken_files_are_errors() {
        let file = file();
        for len in 0..file.len() {
            assert!(decode(shifted(&file[..len], 0), Vec::new()).is_err(), "{len} bytes");
        }
        // Any single byte may lie. Not all do harm; none may get out as a panic.
        for position in 0..file.len() {
            for bits in [0xff, 0x80, 0x01] {
                let mut broken = file.clone();
                broken[position] ^= bits;
                let _ = decode(shifted(&broken, 0), Vec::new());
            }
        }
    }
}
