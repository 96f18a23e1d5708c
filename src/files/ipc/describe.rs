//! What Arrow IPC files and streams hold, by their metadata: no body is read.

use std::io::{Read, Seek};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_data::{BufferSpec, layout};
use arrow_ipc::{Block, FieldNode, Footer, MetadataVersion, RecordBatch, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, DataType, FieldRef, Schema, UnionMode};

use super::TRAILER;
use super::stream::PREFIX;
use crate::arrow::{self, children, library};
#[cfg(doc)]
use crate::arrow::{Column, Nulls};
use crate::convert::{Outline, Part};
use crate::error::{ArrowFault, Error, Result};
use crate::files::listed::{self, Listed, Stored};
use crate::files::read::bytes_at;
use crate::files::wide;

/// A column of one record batch, as the file describes it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListedColumn {
    /// Its field in the schema.
    pub field: FieldRef,
    /// Which of the record batches.
    pub batch: usize,
    /// Rows of that batch.
    pub rows: usize,
    /// Nulls of the rows and of the items inside of them.
    pub nulls: usize,
    /// Where in the file its buffers are, those of its children included: validity, offsets, items. Buffers of no bytes are left out.
    pub buffers: Vec<(Part, Range<u64>)>,
    /// The view that it will be; the error is the one that [`Column::from_field`] with [`Nulls::Forbid`] will give, or
    /// [`NoView::Unread`](crate::NoView::Unread).
    pub array: Result<Listed>,
}

/// What an Arrow IPC file holds. The footer is read, and the metadata of each record batch.
///
/// # Errors
///
/// [`ArrowFault::Length`], [`ArrowFault::Block`], [`ArrowFault::Library`], [`ArrowFault::Panic`] for a broken file, [`Error::Io`].
pub fn describe(mut reader: impl Read + Seek) -> Result<Vec<ListedColumn>> {
    let available = listed::available(&mut reader)?;
    let bytes = footer_bytes(&mut reader, available)?;
    let footer = root_as_footer(&bytes).map_err(parse_error)?;
    let schema = schema_of(&footer)?;
    let mut columns = Vec::new();
    for (batch, block) in footer.recordBatches().iter().flatten().enumerate() {
        let (metadata, body) = parts(block, available)?;
        let metadata = bytes_at(&mut reader, metadata)?;
        let message = match metadata.as_slice() {
            [0xff, 0xff, 0xff, 0xff, _, _, _, _, message @ ..] | [_, _, _, _, message @ ..] => message,
            _ => return Err(malformed("a message without a length")),
        };
        let message = root_as_message(message).map_err(parse_error)?;
        let record = message.header_as_record_batch();
        let record = record.ok_or_else(|| malformed("a block that is no record batch"))?;
        columns.extend(columns_of(&schema, &record, message.version(), batch, body)?);
    }
    Ok(columns)
}

/// What a file with an Arrow IPC stream holds. The metadata of its messages is read, and their bodies are passed over.
///
/// # Errors
///
/// As [`describe`].
pub fn describe_stream(mut reader: impl Read + Seek) -> Result<Vec<ListedColumn>> {
    let available = listed::available(&mut reader)?;
    let (mut at, mut schema, mut columns, mut batch) = (0, None, Vec::new(), 0);
    while let Some(message) = next_message(&mut reader, at, available)? {
        let Message { metadata, body } = message;
        at = body.end;
        let message = root_as_message(&metadata).map_err(parse_error)?;
        if let Some(found) = message.header_as_schema() {
            schema = Some(checked_schema(found)?);
        } else if let Some(record) = message.header_as_record_batch() {
            let schema = schema
                .as_ref()
                .ok_or_else(|| malformed("a record batch before the schema"))?;
            columns.extend(columns_of(schema, &record, message.version(), batch, body)?);
            batch += 1;
        } else if message.header_as_dictionary_batch().is_none() {
            let what = format!("message {:?} in a stream", message.header_type());
            return Err(ArrowFault::UnsupportedType(what.into()).into());
        }
    }
    schema.map_or_else(|| Err(malformed("a stream without a schema")), |_| Ok(columns))
}

/// The metadata of a message, and where its body is.
pub(super) struct Message {
    pub(super) metadata: Vec<u8>,
    pub(super) body: Range<u64>,
}

/// The message that begins at a byte of a file of `available` bytes; `None` at the end of the stream.
pub(super) fn next_message(reader: &mut (impl Read + Seek), at: u64, available: u64) -> Result<Option<Message>> {
    let prefix = bytes_at(reader, at..available.min(at + wide(PREFIX)))?;
    let Some(range) = super::stream::metadata_at(&prefix, at, available)? else {
        return Ok(None);
    };
    let metadata = bytes_at(reader, range.clone())?;
    let body = super::stream::body_at(&metadata, range, available)?;
    Ok(Some(Message { metadata, body }))
}

fn footer_bytes(reader: &mut (impl Read + Seek), available: u64) -> Result<Vec<u8>> {
    let short = |expected| ArrowFault::Length {
        expected,
        found: usize::try_from(available).unwrap_or(usize::MAX),
    };
    let end = available.checked_sub(wide(TRAILER)).ok_or(short(TRAILER))?;
    let trailer = bytes_at(reader, end..available)?;
    let trailer = trailer.first_chunk::<TRAILER>().ok_or(short(TRAILER))?;
    let len = arrow_ipc::reader::read_footer_length(*trailer).map_err(library)?;
    let start = end.checked_sub(wide(len)).ok_or(short(len.saturating_add(TRAILER)))?;
    bytes_at(reader, start..end)
}

/// The schema of a file.
pub(super) fn schema_of(footer: &Footer<'_>) -> Result<Schema> {
    let schema = footer.schema();
    checked_schema(schema.ok_or_else(|| malformed("no schema in the footer"))?)
}

fn checked_schema(schema: arrow_ipc::Schema<'_>) -> Result<Schema> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err(library(ArrowError::IpcError("written in the other byte order".into())));
    }
    // Panics where its successor in arrow 60 returns an error; arrow 59 has no other.
    #[allow(deprecated)]
    let schema = catch_unwind(AssertUnwindSafe(|| arrow_ipc::convert::fb_to_schema(schema)));
    Ok(schema.map_err(|_| ArrowFault::Panic)?)
}

/// Metadata and body of a block, if the file has them.
fn parts(block: &Block, available: u64) -> Result<(Range<u64>, Range<u64>)> {
    let (offset, metadata, body) = (block.offset(), block.metaDataLength(), block.bodyLength());
    let parts = || {
        let start = u64::try_from(offset).ok()?;
        let middle = start.checked_add(u64::try_from(metadata).ok()?)?;
        let end = middle.checked_add(u64::try_from(body).ok()?)?;
        (end <= available).then_some((start..middle, middle..end))
    };
    let fault = || ArrowFault::Block {
        offset,
        metadata,
        body,
        available: usize::try_from(available).unwrap_or(usize::MAX),
    };
    Ok(parts().ok_or_else(fault)?)
}

fn columns_of(
    schema: &Schema,
    record: &RecordBatch<'_>,
    version: MetadataVersion,
    batch: usize,
    body: Range<u64>,
) -> Result<Vec<ListedColumn>> {
    let (nodes, buffers) = record.nodes().zip(record.buffers()).ok_or_else(ends_early)?;
    let mut walk = Walk {
        nodes: nodes.iter(),
        buffers: buffers.iter(),
        variadic: record.variadicBufferCounts().map(|counts| counts.iter()),
        // Unions had a validity of their own before.
        unions_have_validity: version < MetadataVersion::V5,
        body,
        found: Found::default(),
    };
    let stored = match record.compression() {
        Some(_) => Stored::Compressed,
        None => Stored::Plain,
    };
    let rows = usize::try_from(record.length()).map_err(|_| malformed("a negative number of rows"))?;
    let column = |field: &FieldRef| {
        let found = walk.column(field.data_type())?;
        let array = array(field, rows, stored, &found);
        Ok(ListedColumn {
            field: field.clone(),
            batch,
            rows,
            nulls: found.nulls,
            buffers: found.buffers,
            array,
        })
    };
    schema.fields().iter().map(column).collect()
}

/// What the metadata of a batch says of one of its columns.
#[derive(Default)]
struct Found {
    nulls: usize,
    buffers: Vec<(Part, Range<u64>)>,
    /// The last buffer, empty or not: that of the items, in a column of one leaf.
    last: Range<u64>,
}

/// A walk over the nodes and buffers of a batch, which stand in the order of the schema, parents before their children.
struct Walk<N, B, V> {
    nodes: N,
    buffers: B,
    variadic: Option<V>,
    unions_have_validity: bool,
    body: Range<u64>,
    found: Found,
}

impl<'m, N, B, V> Walk<N, B, V>
where
    N: Iterator<Item = &'m FieldNode>,
    B: Iterator<Item = &'m arrow_ipc::Buffer>,
    V: Iterator<Item = i64>,
{
    fn column(&mut self, data_type: &DataType) -> Result<Found> {
        self.array(data_type)?;
        Ok(std::mem::take(&mut self.found))
    }

    fn array(&mut self, data_type: &DataType) -> Result<()> {
        let node = self.nodes.next().ok_or_else(ends_early)?;
        self.found.nulls += usize::try_from(node.null_count()).map_err(|_| malformed("a negative number of nulls"))?;
        if !matches!(data_type, DataType::Null | DataType::RunEndEncoded(..))
            && (self.unions_have_validity || !matches!(data_type, DataType::Union(..)))
        {
            self.buffer(Part::Validity)?;
        }
        for _ in 0..self.own_buffers(data_type)? {
            self.buffer(Part::Items)?;
        }
        children(data_type).into_iter().try_for_each(|child| self.array(child))
    }

    /// Buffers beside the validity.
    fn own_buffers(&mut self, data_type: &DataType) -> Result<usize> {
        use DataType as D;
        Ok(match data_type {
            D::Null | D::FixedSizeList(..) | D::Struct(_) | D::RunEndEncoded(..) => 0,
            D::Utf8 | D::LargeUtf8 | D::Binary | D::LargeBinary | D::ListView(_) | D::LargeListView(_) => 2,
            D::Union(_, UnionMode::Dense) => 2,
            D::Utf8View | D::BinaryView => {
                let more = self.variadic.as_mut().and_then(Iterator::next).ok_or_else(ends_early)?;
                1 + usize::try_from(more).map_err(|_| malformed("a negative number of buffers"))?
            }
            _ => 1,
        })
    }

    fn buffer(&mut self, part: Part) -> Result<()> {
        let buffer = self.buffers.next().ok_or_else(ends_early)?;
        let place = || {
            let start = self.body.start.checked_add(u64::try_from(buffer.offset()).ok()?)?;
            let end = start.checked_add(u64::try_from(buffer.length()).ok()?)?;
            (end <= self.body.end).then_some(start..end)
        };
        let range = place().ok_or_else(|| malformed("a buffer outside of its batch"))?;
        if !range.is_empty() {
            self.found.buffers.push((part, range.clone()));
        }
        self.found.last = range;
        Ok(())
    }
}

/// The view that a column of so many rows will be.
fn array(field: &FieldRef, rows: usize, stored: Stored, found: &Found) -> Result<Listed> {
    let outline = arrow::outline(field, rows)?;
    if found.nulls > 0 {
        return Err(Error::Nulls { count: found.nulls });
    }
    let Outline {
        dtype, logical, layout, ..
    } = outline;
    let (expected, available) = (layout.nbytes(), found.last.end - found.last.start);
    if stored == Stored::Plain && wide(expected) > available {
        let found = usize::try_from(available).unwrap_or(usize::MAX);
        return Err(ArrowFault::Length { expected, found }.into());
    }
    let start = found.last.start;
    let end = match stored {
        Stored::Plain => start + wide(expected),
        Stored::Compressed => found.last.end,
    };
    Ok(Listed {
        name: Some(field.name().clone()),
        dtype,
        logical,
        layout,
        range: start..end,
        stored,
        whole: true,
        arrow: Some(alignment(field.data_type())),
    })
}

/// What Arrow brings the items of a type to, in bytes.
fn alignment(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeList(field, _) => alignment(field.data_type()),
        other => match layout(other).buffers.first() {
            Some(BufferSpec::FixedWidth { alignment, .. }) => *alignment,
            _ => 1,
        },
    }
}

fn malformed(what: &str) -> Error {
    library(ArrowError::ParseError(what.into()))
}

fn ends_early() -> Error {
    malformed("a batch with fewer parts than its schema has")
}

fn parse_error(error: flatbuffers::InvalidFlatbuffer) -> Error {
    library(ArrowError::ParseError(error.to_string()))
}
