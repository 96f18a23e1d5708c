//! Arrow IPC streams: messages one behind the other, without a footer.
//!
//! # Safety
//!
//! The only unsafe call passes the promise of the caller of [`map_stream`] on to [`map_file`].
#![allow(unsafe_code)]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer as ArrowBuffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::root_as_message;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};

use super::{is_compressed, reported, undecoded};
use crate::arrow::{library, to_arrow_buffer};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord};
use crate::error::{ArrowFault, Error, Result};
#[cfg(feature = "mmap")]
use crate::files::mmap::map_file;
use crate::files::read_file;
use crate::reason::CopyReason;

/// Writes batches of one schema as an Arrow IPC stream, uncompressed.
///
/// # Errors
///
/// [`Error::Io`]; [`ArrowFault::Library`] for a batch of another schema.
pub fn write_stream<W: Write>(writer: W, schema: &Schema, batches: &[RecordBatch]) -> Result<()> {
    let mut writer = StreamWriter::try_new(writer, schema).map_err(library)?;
    for batch in batches {
        writer.write(batch).map_err(library)?;
    }
    writer.finish().map_err(library)
}

/// Reads an Arrow IPC stream out of a file into memory, once; its arrays share that memory.
///
/// # Errors
///
/// As [`read`](super::read); [`ArrowFault::Block`] for a message that the file does not have in full.
pub fn read_stream(path: impl AsRef<Path>) -> Result<Converted<Vec<RecordBatch>>> {
    let memory = read_file(path)?;
    let record = CopyRecord::of_items(memory.len(), vec![CopyReason::FileRead]);
    decode_stream(memory, vec![record])
}

/// Maps a file with an Arrow IPC stream; its arrays share the mapping.
///
/// # Safety
///
/// As [`map`](super::map).
///
/// # Errors
///
/// As [`read_stream`].
#[cfg(feature = "mmap")]
pub unsafe fn map_stream(path: impl AsRef<Path>) -> Result<Converted<Vec<RecordBatch>>> {
    // SAFETY: the caller's promise is the one asked for.
    let memory = unsafe { map_file(path) }?;
    decode_stream(memory, Vec::new())
}

/// The batches of a stream in memory, which may be that of a socket or a shared segment; its arrays share the memory.
///
/// The report has `records` of what was copied before, and one of each buffer that Arrow copied.
pub(super) fn decode_stream(memory: Buffer<'static>, records: Vec<CopyRecord>) -> Result<Converted<Vec<RecordBatch>>> {
    let bytes = memory.len();
    let file = to_arrow_buffer(memory, 0, bytes).ok_or(Error::OutOfMemory { bytes })?;
    let compressed = scan(&file)?;
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(&file)));
    let batches = decoded.map_err(|_| ArrowFault::Panic)?;
    let batches = batches.map_err(undecoded(compressed))?;
    let batches = batches.into_iter().map(|batch| (batch, compressed)).collect();
    Ok(reported(&file, batches, records))
}

fn decode(file: &ArrowBuffer) -> Result<Vec<RecordBatch>, ArrowError> {
    let (mut decoder, mut rest, mut batches) = (StreamDecoder::new(), file.clone(), Vec::new());
    while !rest.is_empty() {
        if let Some(batch) = decoder.decode(&mut rest)? {
            batches.push(batch);
        }
    }
    decoder.finish()?;
    Ok(batches)
}

/// Walks over the messages, which have to be there in full, and says whether any is compressed.
fn scan(file: &[u8]) -> Result<bool> {
    let (mut at, mut compressed) = (0, false);
    while let Some(message) = message_at(file, at)? {
        compressed |= is_compressed(&file[at..]);
        at = message.body.end;
    }
    Ok(compressed)
}

/// Where the parts of a message are.
pub(super) struct Placed {
    pub(super) metadata: std::ops::Range<usize>,
    pub(super) body: std::ops::Range<usize>,
}

/// The message that begins at a byte; `None` at the end of the stream.
pub(super) fn message_at(file: &[u8], at: usize) -> Result<Option<Placed>> {
    let word = |at: usize| {
        let bytes = file.get(at..at.checked_add(4)?)?;
        Some(i32::from_le_bytes(bytes.try_into().ok()?))
    };
    let block = |metadata, body| ArrowFault::Block {
        offset: i64::try_from(at).unwrap_or(i64::MAX),
        metadata,
        body,
        available: file.len(),
    };
    let first = match word(at) {
        None if at == file.len() => return Ok(None),
        None => return Err(block(0, 0).into()),
        Some(first) => first,
    };
    // Before version 1.0 there was no marker of four bytes before the length.
    let (len, start) = if first == -1 {
        (word(at + 4).ok_or(block(0, 0))?, at + 8)
    } else {
        (first, at + 4)
    };
    if len == 0 {
        return Ok(None);
    }
    let metadata = usize::try_from(len)
        .ok()
        .and_then(|len| Some(start..start.checked_add(len)?));
    let metadata = metadata.filter(|range| range.end <= file.len()).ok_or(block(len, 0))?;
    let parse = |error: flatbuffers::InvalidFlatbuffer| library(ArrowError::ParseError(error.to_string()));
    let body_len = root_as_message(&file[metadata.clone()]).map_err(parse)?.bodyLength();
    let body = usize::try_from(body_len)
        .ok()
        .and_then(|len| Some(metadata.end..metadata.end.checked_add(len)?));
    let body = body
        .filter(|range| range.end <= file.len())
        .ok_or(block(len, body_len))?;
    Ok(Some(Placed { metadata, body }))
}
