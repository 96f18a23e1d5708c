//! A column of tensors out of a stream of record batches, batch by batch: what a training loop reads.

use std::fmt;
use std::mem::MaybeUninit;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, FieldRef, Schema};

use super::column::{Column, Nulls};
use super::library;
use super::memory::{fresh, try_fresh};
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::error::{ArrowFault, Error, Result};
use crate::layout::{Layout, Unit};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        library(error)
    }
}

/// One column of a stream of record batches: a view per batch, sharing the batch's memory.
///
/// The batches are those of any reader of arrow-rs, of a [`BatchReader`](super::ffi::BatchReader), of a list. Every batch has one type, so that all
/// views have the same axes behind the first; a tensor column gives those of its tensors. A DLPack tensor of a view is one call away, and
/// copies as little.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, RecordBatch};
/// use arrow_schema::{ArrowError, Schema};
/// use viewbridge::{CopyPolicy, StridedView};
/// use viewbridge::arrow::{Nulls, TensorColumn};
///
/// let images = StridedView::from_vec(vec![0_u8; 10 * 8 * 8]).reshape(&[10, 8, 8])?;
/// let (field, array) = images.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
/// let schema = Arc::new(Schema::new(vec![field]));
/// let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array])?;
/// let stream = [0, 4, 8].map(|start| Ok::<_, ArrowError>(batch.slice(start, 2)));
///
/// for tensor in TensorColumn::new(&schema, "tensor", stream, Nulls::Forbid)? {
///     let tensor = tensor?;
///     assert_eq!(tensor.shape(), [2, 8, 8]);
///     let _for_torch = tensor.to_dlpack(CopyPolicy::Never)?.value;
/// }
/// # Ok::<(), viewbridge::Error>(())
/// ```
pub struct TensorColumn<I> {
    batches: I,
    position: usize,
    field: FieldRef,
    nulls: Nulls,
}

impl<I, E> TensorColumn<I>
where
    I: Iterator<Item = Result<RecordBatch, E>>,
    E: Into<Error>,
{
    /// The column of a name.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::Library`] if there is none.
    pub fn new(schema: &Schema, name: &str, batches: impl IntoIterator<IntoIter = I>, nulls: Nulls) -> Result<Self> {
        let position = schema.index_of(name).map_err(library)?;
        Ok(Self {
            batches: batches.into_iter(),
            position,
            field: schema.fields()[position].clone(),
            nulls,
        })
    }

    /// The next batch's column, with its masks.
    ///
    /// # Errors
    ///
    /// Those of the stream; [`ArrowFault::FieldType`] for a batch of another type; those of [`Column::from_field`].
    pub fn next_column(&mut self) -> Option<Result<Column>> {
        let batch = match self.batches.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error.into())),
        };
        let Some(array) = batch.columns().get(self.position) else {
            let (expected, found) = (self.position + 1, batch.num_columns());
            return Some(Err(ArrowFault::Length { expected, found }.into()));
        };
        Some(Column::from_field(&self.field, array, self.nulls))
    }

    /// All batches' columns together, as one view: shared if there is one batch, else a reported copy ([`CopyReason::Gathered`]).
    ///
    /// # Errors
    ///
    /// As [`next_column`](Self::next_column) and [`concat()`].
    pub fn read_all(self) -> Result<Converted<StridedView<'static>>> {
        concat(&self.collect::<Result<Vec<_>>>()?)
    }
}

impl<I> TensorColumn<I> {
    /// The column's field.
    #[must_use]
    pub fn field(&self) -> &FieldRef {
        &self.field
    }
}

impl<I, E> Iterator for TensorColumn<I>
where
    I: Iterator<Item = Result<RecordBatch, E>>,
    E: Into<Error>,
{
    type Item = Result<StridedView<'static>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_column()?.map(Column::into_view))
    }
}

impl<I> fmt::Debug for TensorColumn<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorColumn")
            .field("field", &self.field)
            .field("nulls", &self.nulls)
            .finish_non_exhaustive()
    }
}

/// Views of one type, one behind the other along the first axis. A single one is shared; more are copied once, to row-major order.
///
/// ```
/// use viewbridge::{StridedView, arrow};
///
/// let chunks = [StridedView::from_vec(vec![1, 2]), StridedView::from_vec(vec![3])];
/// let whole = arrow::concat(&chunks)?;
/// assert_eq!(whole.value.to_vec::<i32>()?, [1, 2, 3]);
/// assert_eq!(whole.report.to_string(), "copied 12 bytes (2 pieces put together)");
/// # Ok::<(), viewbridge::Error>(())
/// ```
///
/// # Errors
///
/// [`ArrowFault::Length`] for none at all; [`Error::DTypeMismatch`], [`Error::ShapeMismatch`] if they disagree in more than the first axis;
/// [`Error::OutOfMemory`].
pub fn concat(chunks: &[StridedView<'static>]) -> Result<Converted<StridedView<'static>>> {
    let (first, rest) = chunks
        .split_first()
        .ok_or(ArrowFault::Length { expected: 1, found: 0 })?;
    if rest.is_empty() {
        return Ok(Converted::shared(first.clone()));
    }
    let mut shape = first.shape().to_vec();
    for chunk in rest {
        if chunk.dtype() != first.dtype() || chunk.logical() != first.logical() {
            return Err(Error::DTypeMismatch {
                expected: first.dtype().clone(),
                found: chunk.dtype().clone(),
            });
        }
        if chunk.ndim() != first.ndim() || first.ndim() == 0 || chunk.shape()[1..] != first.shape()[1..] {
            return Err(Error::ShapeMismatch {
                expected: first.shape().to_vec(),
                found: chunk.shape().to_vec(),
            });
        }
        shape[0] += chunk.shape()[0];
    }
    let layout = Layout::contiguous(&shape, first.dtype(), Order::C)?;
    let (bytes, pieces) = (layout.nbytes(), chunks.len());
    let value = if layout.unit() == Unit::Byte {
        // Row-major chunks one behind the other fill every byte.
        let memory = try_fresh(bytes, |mut left| {
            for chunk in chunks {
                let (part, rest) = left.split_at_mut(chunk.nbytes());
                chunk.copy_into_bytes(Order::C, part)?;
                left = rest;
            }
            Ok(())
        })?;
        StridedView::new(memory, first.dtype().clone(), layout)?
    } else {
        concat_bits(chunks, layout)?
    };
    let value = match first.logical() {
        Some(logical) => value.with_logical(logical.clone()),
        None => value,
    };
    let record = CopyRecord::of_items(bytes, vec![CopyReason::Gathered { pieces }]);
    Ok(Converted {
        value,
        report: CopyReport::copied(record),
    })
}

/// Chunks that may end inside of a byte.
fn concat_bits(chunks: &[StridedView<'static>], layout: Layout) -> Result<StridedView<'static>> {
    let memory = fresh(layout.nbytes(), |bytes| bytes.fill(MaybeUninit::new(0)))?;
    let whole = StridedView::new(memory, chunks[0].dtype().clone(), layout)?;
    let mut whole = whole.into_mut().map_err(|(_, error)| error)?;
    let mut row = 0;
    for chunk in chunks {
        let end = row + chunk.shape()[0];
        chunk.copy_into(&mut whole.reborrow().slice_axis(0, row..end)?)?;
        row = end;
    }
    Ok(whole.freeze())
}
