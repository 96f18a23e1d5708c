//! Record batches as matrices, and matrices as record batches.

use std::mem::MaybeUninit;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::ArrayData;
use arrow_schema::{Field, Schema};

use super::column::{Column, Nulls};
use super::dtype::{Leaf, storage};
use super::export::{planned, refused_by};
use super::levels::leaf_bytes;
use super::memory::Place;
use super::spacing::{Spacing, same_type};
use super::{library, memory, numbers};
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport, Requirements};
use crate::dtype::{DType, Element, Kind, Logical};
use crate::error::{ArrowFault, Error, Result};
use crate::layout::{Layout, Unit};
use crate::memory::{Access, Order};
use crate::reason::{CopyReason, Refusal};
use crate::view::StridedView;

/// How a record batch becomes a matrix.
///
/// Unless told otherwise: row-major where a copy is needed, which is allowed; no nulls; and all columns of one type.
///
/// ```
/// use arrow_array::{ArrayRef, Float32Array, Int32Array, RecordBatch};
/// use std::sync::Arc;
/// use viewbridge::DType;
/// use viewbridge::arrow::Matrix;
///
/// let a: ArrayRef = Arc::new(Float32Array::from(vec![0.5, 1.5]));
/// let b: ArrayRef = Arc::new(Int32Array::from(vec![Some(3), None]));
/// let batch = RecordBatch::try_from_iter([("a", a), ("b", b)])?;
///
/// // Nothing is promoted or filled in silence.
/// assert!(Matrix::new().of(&batch).is_err());
/// let matrix = Matrix::new().as_type(DType::F64).fill(f64::NAN).of(&batch)?;
/// assert_eq!(matrix.value.shape(), [2, 2]);
/// assert_eq!(matrix.value.get::<f64>(&[0, 1])?, 3.0);
/// assert!(matrix.value.get::<f64>(&[1, 1])?.is_nan());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    order: Option<Order>,
    policy: CopyPolicy,
    nulls: Nulls,
    common: Option<DType>,
    fill: Option<(DType, Vec<u8>)>,
}

impl Matrix {
    /// The usual.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In this order, whether copied or not. Columns that are equally spaced are column-major, or at a larger pitch: only then are they shared.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// Whether copying is allowed.
    #[must_use]
    pub fn policy(mut self, policy: CopyPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// What to do about nulls. A matrix has no place for masks: [`Nulls::Separate`] is refused like [`Nulls::Forbid`].
    #[must_use]
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = nulls;
        self
    }

    /// Fill nulls with a value of the matrix' type.
    #[must_use]
    pub fn fill<T: Element>(mut self, value: T) -> Self {
        self.fill = Some((T::DTYPE, bytemuck::bytes_of(&value).to_vec()));
        self
    }

    /// Convert columns of other numeric types to this one: `float64`, `float32` or `int64`. Integers round to the nearest float; only types whose range
    /// fits are converted.
    #[must_use]
    pub fn as_type(mut self, dtype: DType) -> Self {
        self.common = Some(dtype);
        self
    }

    /// The matrix of a batch: one row per row, one column per column, of shape `[rows, columns]`.
    ///
    /// Shares memory if the columns are of one type, without nulls, and lie equally spaced in one allocation, as Arrow's IPC reader lays them (at
    /// whatever padding), and as [`StridedView::to_record_batch`] does. Else one copy ([`CopyReason::Gathered`]), beside those of the columns that had to be converted
    /// or filled first.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::MixedTypes`] without a common type, and for a column that cannot be converted to it; [`Error::Nulls`]; [`ArrowFault::NoView`] for types without a fixed width of
    /// whole bytes; [`Error::DTypeMismatch`] for a fill value, or a common type, of another type; [`Error::CopyForbidden`], [`Error::OutOfMemory`].
    pub fn of(&self, batch: &RecordBatch) -> Result<Converted<StridedView<'static>>> {
        self.at(Place::Fresh, batch)
    }

    /// As [`of`](Self::of), but the matrix, where it is a copy, goes to the beginning of `memory`, which may be uninitialised, and borrows it: several times
    /// faster where it has been touched before. Columns that have to be converted or filled first need memory of their own all the same.
    ///
    /// ```
    /// use std::mem::MaybeUninit;
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Float32Array, RecordBatch};
    /// use viewbridge::arrow::Matrix;
    ///
    /// let column = |values: [f32; 2]| Arc::new(Float32Array::from(values.to_vec())) as ArrayRef;
    /// let batch = RecordBatch::try_from_iter([("a", column([1.0, 2.0])), ("b", column([3.0, 4.0]))])?;
    /// let mut memory = [MaybeUninit::uninit(); 64];
    /// let matrix = Matrix::new().of_into(&batch, &mut memory)?;
    /// assert_eq!(matrix.value.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of); [`Error::TooShort`].
    pub fn of_into<'m>(
        &self,
        batch: &RecordBatch,
        memory: &'m mut [MaybeUninit<u8>],
    ) -> Result<Converted<StridedView<'m>>> {
        self.at(Place::Into(memory), batch)
    }

    fn at<'m>(&self, place: Place<'m>, batch: &RecordBatch) -> Result<Converted<StridedView<'m>>> {
        let (columns, records) = self.prepare(batch.columns())?;
        let Some(first) = columns.first() else {
            let layout = Layout::contiguous(&[batch.num_rows(), 0], &DType::U8, Order::C)?;
            let none = StridedView::from_vec(Vec::<u8>::new());
            return StridedView::new(none.buffer().clone(), DType::U8, layout).map(Converted::shared);
        };
        same_type(&columns)?;
        let storage = storage(first.data_type())?;
        if storage.axis.is_some() || storage.dtype.is_packed() {
            return Err(super::dtype::no_view(first.data_type()).into());
        }
        let (rows, dtype) = (batch.num_rows(), storage.dtype);
        let spacing = Spacing::of(&columns);
        if let Ok(spacing) = spacing
            && self.policy != CopyPolicy::Always
        {
            let itemsize = isize::try_from(dtype.itemsize()).unwrap_or(0);
            let shape = [rows, spacing.columns];
            let layout = Layout::strided(&shape, &[itemsize, spacing.distance], spacing.start, &dtype)?;
            let shared = meaning(StridedView::new(spacing.memory, dtype, layout)?, storage.logical);
            let converted = match self.order {
                Some(order) => converted(&shared, order, self.policy, place)?,
                None => Converted::shared(shared),
            };
            return Ok(after(records, converted));
        }
        let bytes = rows * columns.len() * dtype.itemsize();
        let reasons = vec![match self.policy {
            CopyPolicy::Always => CopyReason::Requested,
            _ => CopyReason::Gathered { pieces: columns.len() },
        }];
        if self.policy == CopyPolicy::Never {
            let consumer = "a matrix";
            return Err(Error::CopyForbidden {
                consumer,
                bytes,
                reasons,
            });
        }
        let order = self.order.unwrap_or(Order::C);
        let layout = Layout::contiguous(&[rows, columns.len()], &dtype, order)?;
        let memory = columns.iter().map(leaf_bytes).collect::<Result<Vec<_>>>()?;
        let items = DType::raw(u32::try_from(dtype.itemsize()).unwrap_or(u32::MAX));
        let items: Vec<_> = memory
            .iter()
            .map(|bytes| StridedView::from_slice::<u8>(bytes).view_as(items.clone()))
            .collect::<Result<_, _>>()?;
        // Stacking writes every byte.
        let buffer = place.filled(bytes, |matrix| {
            let axis = match order {
                Order::C => 1,
                Order::F => 0,
            };
            StridedView::stack_into(&items, axis, matrix).map(drop)
        })?;
        let view = meaning(StridedView::new(buffer, dtype, layout)?, storage.logical);
        let report = CopyReport::copied(CopyRecord::of_items(bytes, reasons));
        Ok(after(records, Converted { value: view, report }))
    }

    /// The columns converted and filled as asked for, and what that copied.
    fn prepare(&self, columns: &[ArrayRef]) -> Result<(Vec<ArrayRef>, Vec<CopyRecord>)> {
        let mut records = Vec::new();
        let mut prepared = Vec::with_capacity(columns.len());
        for (position, column) in columns.iter().enumerate() {
            let mut column = Arc::clone(column);
            if let Some(common) = &self.common {
                let cast = numbers::cast(&column, common, position)?;
                records.extend_from_slice(cast.report.records());
                column = cast.value;
            }
            let count = column.null_count();
            if count > 0 {
                column = match (&self.fill, self.nulls) {
                    (Some((dtype, item)), _) => {
                        let filled = filled(&column, dtype, item)?;
                        records.extend_from_slice(filled.report.records());
                        filled.value
                    }
                    (None, Nulls::IgnoreUnspecified) => column,
                    (None, _) => return Err(Error::Nulls { count }),
                };
            }
            prepared.push(column);
        }
        if self.policy == CopyPolicy::Never && !records.is_empty() {
            return Err(Error::CopyForbidden {
                consumer: "a matrix",
                bytes: records.iter().map(|record| record.bytes).sum(),
                reasons: records
                    .into_iter()
                    .flat_map(|record| record.reasons.into_owned())
                    .collect(),
            });
        }
        Ok((prepared, records))
    }
}

fn meaning(view: StridedView<'_>, logical: Option<Logical>) -> StridedView<'_> {
    match logical {
        Some(logical) => view.with_logical(logical),
        None => view,
    }
}

/// The matrix in an order.
fn converted<'m>(
    matrix: &StridedView<'static>,
    order: Order,
    policy: CopyPolicy,
    place: Place<'m>,
) -> Result<Converted<StridedView<'m>>> {
    let requirements = Requirements::any("a matrix").contiguous(order);
    match place {
        Place::Fresh => matrix.convert(&requirements, policy),
        Place::Into(memory) => matrix.convert_into(&requirements, policy, memory),
    }
}

/// What was copied before, before what was copied then.
fn after<T>(mut records: Vec<CopyRecord>, then: Converted<T>) -> Converted<T> {
    records.extend_from_slice(then.report.records());
    Converted {
        value: then.value,
        report: CopyReport::from_records(records),
    }
}

fn filled(column: &ArrayRef, dtype: &DType, item: &[u8]) -> Result<Converted<ArrayRef>> {
    let values = Column::from_array(column, Nulls::Separate)?;
    if values.view().dtype() != dtype {
        return Err(Error::DTypeMismatch {
            expected: values.view().dtype().clone(),
            found: dtype.clone(),
        });
    }
    let filled = values.filled_with(item)?;
    filled.and_then(|view| view.to_arrow(CopyPolicy::IfNeeded))
}

/// What [`StridedView::to_record_batch`] accepts without a copy: columns whose items are adjacent, at any distance of one another.
const COLUMNS: Requirements = super::REQUIREMENTS.contiguous(Order::F).ndim(2, 2);

impl StridedView<'_> {
    /// A matrix as a record batch, one column for each of its own; a name for each, or their numbers.
    ///
    /// Shares memory if the items of each column are adjacent (column-major, also at a larger pitch, or in reverse order of the columns), aligned, native,
    /// immutable and owned. Else copied, once, to column-major. Booleans must be bits whose columns begin at whole bytes, or are copied.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, StridedView};
    /// use viewbridge::arrow::Matrix;
    ///
    /// let columns = StridedView::from_vec(vec![1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0]).reshape(&[2, 3])?.transpose();
    /// let batch = columns.to_record_batch(&["a", "b"], CopyPolicy::Never)?.value;
    /// assert_eq!(batch.num_rows(), 3);
    ///
    /// // … and back, in the same memory.
    /// let matrix = Matrix::new().policy(CopyPolicy::Never).of(&batch)?.value;
    /// assert_eq!(matrix.data_ptr(), columns.data_ptr());
    /// assert_eq!(matrix.strides(), columns.strides());
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_arrow`](Self::to_arrow); [`Error::Refused`] unless there are two axes; [`ArrowFault::Length`] for another number of names.
    pub fn to_record_batch(&self, names: &[&str], policy: CopyPolicy) -> Result<Converted<RecordBatch>> {
        let refused = refused_by(&COLUMNS);
        let leaf = Leaf::of_tensor(self).map_err(&refused)?;
        let ndim = self.ndim();
        if ndim != 2 {
            let (min, max) = (2, 2);
            return Err(refused(if ndim > max {
                Refusal::Rank { ndim, max }
            } else {
                Refusal::RankTooLow { ndim, min }
            }));
        }
        let (expected, found) = (self.shape()[1], names.len());
        if found != 0 && found != expected {
            return Err(ArrowFault::Length { expected, found }.into());
        }
        let converted = if policy != CopyPolicy::Always && columns_are_adjacent(self, &leaf) {
            Converted::shared(self.clone())
        } else {
            self.convert(&planned(Ok(&leaf), COLUMNS), policy)?
        };
        converted.and_then(|view| batch(view, names, leaf))
    }
}

/// Whether each column is an Arrow array as it lies.
fn columns_are_adjacent(view: &StridedView<'_>, leaf: &Leaf) -> bool {
    let (dtype, layout) = (view.dtype(), view.layout());
    let alignment = dtype.alignment().max(leaf.alignment);
    let adjacent = view.shape()[0] <= 1 || view.strides()[0].unsigned_abs() == layout.itemsize();
    layout.unit() == Unit::Byte
        && dtype.kind() != Kind::Bool
        && dtype.is_native()
        && view.access() == Access::Immutable
        && view.device().is_cpu_readable()
        && view.buffer().is_owned()
        && adjacent
        && (view.shape()[0] <= 1 || view.strides()[0] > 0)
        && view.data_ptr().addr().is_multiple_of(alignment)
        && (view.shape()[1] <= 1 || view.strides()[1].unsigned_abs().is_multiple_of(alignment))
}

/// Columns out of a matrix: slices of one buffer, so that they can be recognised as such on the way back.
fn batch(view: StridedView<'_>, names: &[&str], leaf: Leaf) -> Result<Converted<RecordBatch>> {
    let (rows, count) = (view.shape()[0], view.shape()[1]);
    let mut records = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(count);
    if view.layout().unit() == Unit::Bit {
        for k in 0..count.cast_signed() {
            let column = view.index_axis(1, k)?.to_arrow(CopyPolicy::IfNeeded)?;
            records.extend_from_slice(column.report.records());
            arrays.push(column.value);
        }
    } else {
        let (span, start, pitch) = (view.layout().span(), view.layout().offset(), view.strides()[1]);
        let len = rows * view.layout().itemsize();
        let expected = span.len();
        let owned = view.into_static().ok_or(Error::TooShort { expected, found: 0 })?;
        let whole = memory::to_arrow(owned.into_parts().0, span.start, span.len());
        let whole = whole.ok_or(Error::TooShort { expected, found: 0 })?;
        for k in 0..count.cast_signed() {
            let first = (start - span.start).wrapping_add_signed(pitch * k);
            let bytes = if len == 0 {
                whole.clone()
            } else {
                whole.slice_with_length(first, len)
            };
            let data = ArrayData::builder(leaf.data_type.clone()).len(rows).add_buffer(bytes);
            arrays.push(make_array(data.build().map_err(library)?));
        }
    }
    let field = |k: usize| {
        let name = names.get(k).map_or_else(|| k.to_string(), |name| (*name).to_owned());
        Field::new(name, leaf.data_type.clone(), false)
    };
    let schema = Schema::new((0..count).map(field).collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(library)?;
    Ok(Converted {
        value: batch,
        report: CopyReport::from_records(records),
    })
}
