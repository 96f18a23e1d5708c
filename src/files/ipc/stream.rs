//! Arrow IPC streams: messages one behind the other, without a footer.
//!
//! # Safety
//!
//! The only unsafe call passes the promise of the caller of [`map_stream`] on to [`map_file`].
#![allow(unsafe_code)]

use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer as ArrowBuffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::root_as_message;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};

use super::scalar::readable;
use super::{compressed, reported, undecoded};
use crate::arrow::{library, to_arrow_buffer};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord};
use crate::error::{ArrowFault, Error, Result};
#[cfg(feature = "mmap")]
use crate::files::mmap::map_file;
use crate::files::{in_memory, read_file, wide};
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
        let Placed { metadata, body } = message;
        let metadata = readable(&file[metadata]);
        let parsed = root_as_message(&metadata).map_err(unparsed)?;
        compressed |= compressed::check(&parsed, &file[body.clone()])?;
        at = body.end;
    }
    Ok(compressed)
}

/// Where the parts of a message are.
pub(super) struct Placed {
    pub(super) metadata: Range<usize>,
    pub(super) body: Range<usize>,
}

/// The message that begins at a byte; `None` at the end of the stream.
pub(super) fn message_at(file: &[u8], at: usize) -> Result<Option<Placed>> {
    let available = wide(file.len());
    let prefix = &file[at..file.len().min(at.saturating_add(PREFIX))];
    let Some(metadata) = metadata_at(prefix, wide(at), available)? else {
        return Ok(None);
    };
    // What lies in the file lies in memory.
    let here = |range: Range<u64>| Ok::<_, Error>(in_memory(range.start)?..in_memory(range.end)?);
    let place = here(metadata.clone())?;
    let body = here(body_at(&file[place.clone()], metadata, available)?)?;
    let metadata = place;
    Ok(Some(Placed { metadata, body }))
}

/// The most bytes that stand in front of the metadata of a message.
pub(super) const PREFIX: usize = 8;

fn outside((at, available): (u64, u64), metadata: i32, body: i64) -> Error {
    let available = usize::try_from(available).unwrap_or(usize::MAX);
    let offset = i64::try_from(at).unwrap_or(i64::MAX);
    ArrowFault::Block {
        offset,
        metadata,
        body,
        available,
    }
    .into()
}

/// Where the metadata of the message is that begins at a byte of a file of `available` bytes, with these; `None` at the end of the stream.
pub(super) fn metadata_at(prefix: &[u8], at: u64, available: u64) -> Result<Option<Range<u64>>> {
    let word = |k: usize| {
        let word = prefix.get(k..).and_then(|rest| rest.first_chunk());
        word.map(|word| i32::from_le_bytes(*word))
    };
    let short = || outside((at, available), 0, 0);
    let (len, start) = match word(0) {
        None if prefix.is_empty() => return Ok(None),
        None => return Err(short()),
        // Before version 1.0 there was no marker of four bytes before the length.
        Some(-1) => (word(4).ok_or_else(short)?, at + 8),
        Some(len) => (len, at + 4),
    };
    if len == 0 {
        return Ok(None);
    }
    let end = u64::try_from(len).ok().and_then(|len| start.checked_add(len));
    match end.filter(|end| *end <= available) {
        Some(end) => Ok(Some(start..end)),
        None => Err(outside((at, available), len, 0)),
    }
}

fn unparsed(error: flatbuffers::InvalidFlatbuffer) -> Error {
    library(ArrowError::ParseError(error.to_string()))
}

/// Where the body of a message is whose metadata is that at `place`.
pub(super) fn body_at(metadata: &[u8], place: Range<u64>, available: u64) -> Result<Range<u64>> {
    let body = root_as_message(&readable(metadata)).map_err(unparsed)?.bodyLength();
    let end = u64::try_from(body).ok().and_then(|len| place.end.checked_add(len));
    match end.filter(|end| *end <= available) {
        Some(end) => Ok(place.end..end),
        None => {
            let len = i32::try_from(metadata.len()).unwrap_or(i32::MAX);
            Err(outside((place.start, available), len, body))
        }
    }
}
