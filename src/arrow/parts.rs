//! Arrays that are no one view, taken apart into views and arrays that may be.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ByteArrayType, Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow_array::{Array, ArrayRef, GenericByteArray, OffsetSizeTrait, RunArray, UnionArray, make_array};
use arrow_buffer::NullBuffer;
use arrow_data::ArrayData;
use arrow_data::transform::MutableArrayData;
use arrow_schema::{DataType, Field, FieldRef, UnionMode};

use super::column::{Column, Nulls};
use super::{dtype, library, memory};
use crate::convert::{Converted, CopyRecord, CopyReport, Part};
use crate::dtype::DType;
use crate::error::{ArrowFault, NoView, Result};
use crate::layout::{Layout, Unit};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// An array inside of another, with its field.
#[derive(Debug, Clone)]
pub struct Child {
    /// The field.
    pub field: FieldRef,
    /// The array, sharing the memory of the whole.
    pub array: ArrayRef,
}

impl Child {
    /// The array as a view.
    ///
    /// # Errors
    ///
    /// As [`Column::from_field`].
    pub fn column(&self, nulls: Nulls) -> Result<Column> {
        Column::from_field(&self.field, &self.array, nulls)
    }
}

/// What an array is made of that is no one view. Nothing but bitmaps is ever copied.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::StringArray;
/// use arrow_schema::{DataType, Field};
/// use viewbridge::arrow::Parts;
///
/// let text = StringArray::from(vec!["ab", "", "cde"]);
/// let field = Arc::new(Field::new("text", DataType::Utf8, false));
/// let Parts::Text { offsets, bytes, .. } = Parts::of(&field, &text)?.value else {
///     unreachable!("text is text");
/// };
/// assert_eq!(offsets.to_vec::<i32>()?, [0, 2, 2, 5]);
/// assert_eq!(bytes.to_vec::<u8>()?, b"abcde");
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Parts {
    /// The columns of a struct. A row that is null as a whole is null in each.
    Columns(Vec<Child>),
    /// Positions in a table of values.
    Dictionary {
        /// The positions, one for each row, and which rows are null.
        keys: Column,
        /// The table.
        values: Child,
        /// Whether the order of the table means something.
        ordered: bool,
    },
    /// Runs of equal values.
    Runs {
        /// For each run of the whole array, before slicing, the row at which it ends.
        run_ends: StridedView<'static>,
        /// The value of each run.
        values: Child,
        /// Rows of the whole array before the first.
        offset: usize,
        /// Rows.
        len: usize,
    },
    /// Text or binary data: item k is `bytes[offsets[k]..offsets[k + 1]]`.
    Text {
        /// One more than there are rows, `int32` or `int64`.
        offsets: StridedView<'static>,
        /// The bytes of all items, `uint8`.
        bytes: StridedView<'static>,
        /// Which rows are not null, as bits; `None` if all are not.
        validity: Option<StridedView<'static>>,
    },
    /// Lists of any length: the items of each row, `None` where it is null.
    Rows {
        /// What the items are.
        item: FieldRef,
        /// The items, sharing memory.
        rows: Vec<Option<ArrayRef>>,
    },
    /// A sparse union: row k is row k of the child with id `type_ids[k]`.
    Union {
        /// The ids, `int8`.
        type_ids: StridedView<'static>,
        /// Each child with its id.
        children: Vec<(i8, Child)>,
    },
}

impl Parts {
    /// Takes an array apart. O(children); O(rows) for lists, and for the masks of a struct with nulls.
    ///
    /// The report has a record of each mask that had to be combined with that of its struct ([`CopyReason::MasksCombined`]).
    ///
    /// # Errors
    ///
    /// [`ArrowFault::NoView`] for what cannot be taken apart so, with the reason; [`ArrowFault::FieldType`].
    pub fn of(field: &FieldRef, array: &dyn Array) -> Result<Converted<Self>> {
        super::column::check_type(field, array)?;
        let shared = |parts| Ok(Converted::shared(parts));
        match array.data_type() {
            DataType::Struct(_) => columns(array),
            DataType::Dictionary(..) => shared(dictionary(field, array)?),
            DataType::RunEndEncoded(ends, values) => shared(match ends.data_type() {
                DataType::Int16 => runs::<Int16Type>(array, values)?,
                DataType::Int32 => runs::<Int32Type>(array, values)?,
                _ => runs::<Int64Type>(array, values)?,
            }),
            DataType::Utf8 => shared(text(array.as_string::<i32>())?),
            DataType::LargeUtf8 => shared(text(array.as_string::<i64>())?),
            DataType::Binary => shared(text(array.as_binary::<i32>())?),
            DataType::LargeBinary => shared(text(array.as_binary::<i64>())?),
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let row = |k| list.is_valid(k).then(|| list.value(k));
                shared(rows(item, array.len(), row))
            }
            DataType::LargeList(item) => {
                let list = array.as_list::<i64>();
                let row = |k| list.is_valid(k).then(|| list.value(k));
                shared(rows(item, array.len(), row))
            }
            DataType::ListView(item) => {
                let list = array.as_list_view::<i32>();
                let row = |k| list.is_valid(k).then(|| list.value(k));
                shared(rows(item, array.len(), row))
            }
            DataType::LargeListView(item) => {
                let list = array.as_list_view::<i64>();
                let row = |k| list.is_valid(k).then(|| list.value(k));
                shared(rows(item, array.len(), row))
            }
            DataType::FixedSizeList(item, _) => {
                let list = array.as_fixed_size_list();
                let row = |k| list.is_valid(k).then(|| list.value(k));
                shared(rows(item, array.len(), row))
            }
            DataType::Union(_, UnionMode::Sparse) => shared(union(array.as_union())?),
            other => Err(dtype::no_view(other).into()),
        }
    }
}

fn rows(item: &FieldRef, len: usize, row: impl Fn(usize) -> Option<ArrayRef>) -> Parts {
    Parts::Rows {
        item: Arc::clone(item),
        rows: (0..len).map(row).collect(),
    }
}

fn columns(array: &dyn Array) -> Result<Converted<Parts>> {
    let columns = array.as_struct();
    let mut records = Vec::new();
    let mut children = Vec::with_capacity(columns.num_columns());
    for (field, column) in columns.fields().iter().zip(columns.columns()) {
        let (array, copied) = masked(column, columns.nulls())?;
        if let Some(bytes) = copied {
            let (part, reasons) = (Part::Validity, vec![CopyReason::MasksCombined]);
            records.push(CopyRecord {
                part,
                bytes,
                reasons: reasons.into(),
            });
        }
        // A column that has the nulls of its struct is nullable.
        let field = if array.null_count() > 0 && !field.is_nullable() {
            Arc::new(Field::clone(field).with_nullable(true))
        } else {
            Arc::clone(field)
        };
        children.push(Child { field, array });
    }
    Ok(Converted {
        value: Parts::Columns(children),
        report: CopyReport::from_records(records),
    })
}

/// A column that is null where its struct is, and the bytes of the new mask, if one had to be made.
fn masked(column: &ArrayRef, parent: Option<&NullBuffer>) -> Result<(ArrayRef, Option<usize>)> {
    let Some(parent) = parent.filter(|nulls| nulls.null_count() > 0) else {
        return Ok((Arc::clone(column), None));
    };
    if matches!(
        column.data_type(),
        DataType::Null | DataType::Union(..) | DataType::RunEndEncoded(..)
    ) {
        return Err(ArrowFault::NoView {
            data_type: format!("{} in a struct with nulls", column.data_type()).into(),
            because: NoView::NoMask,
        }
        .into());
    }
    let combined = NullBuffer::union(column.nulls(), Some(parent));
    let copied = column.nulls().is_some();
    let bytes = combined.as_ref().map_or(0, |nulls| nulls.buffer().len());
    let data = column
        .to_data()
        .into_builder()
        .nulls(combined)
        .build()
        .map_err(library)?;
    Ok((make_array(data), copied.then_some(bytes)))
}

fn dictionary(field: &FieldRef, array: &dyn Array) -> Result<Parts> {
    let dictionary = array.as_any_dictionary();
    let values = Arc::clone(dictionary.values());
    Ok(Parts::Dictionary {
        keys: Column::from_array(dictionary.keys(), Nulls::Separate)?,
        values: Child {
            field: Arc::new(Field::new("values", values.data_type().clone(), values.is_nullable())),
            array: values,
        },
        ordered: field.dict_is_ordered() == Some(true),
    })
}

fn runs<R: RunEndIndexType>(array: &dyn Array, field: &FieldRef) -> Result<Parts> {
    let runs = run_array::<R>(array)?;
    let ends = runs.run_ends();
    let dtype = dtype::storage(&R::DATA_TYPE)?.dtype;
    Ok(Parts::Runs {
        run_ends: StridedView::of_items(memory::from_arrow(ends.inner().inner()), dtype),
        values: Child {
            field: Arc::clone(field),
            array: Arc::clone(runs.values()),
        },
        offset: ends.offset(),
        len: ends.len(),
    })
}

fn run_array<R: RunEndIndexType>(array: &dyn Array) -> Result<&RunArray<R>> {
    let found = array.as_any().downcast_ref::<RunArray<R>>();
    Ok(found.ok_or_else(|| dtype::no_view(array.data_type()))?)
}

fn text<T: ByteArrayType>(array: &GenericByteArray<T>) -> Result<Parts> {
    let offsets = if T::Offset::IS_LARGE { DType::I64 } else { DType::I32 };
    Ok(Parts::Text {
        offsets: StridedView::of_items(memory::from_arrow(array.offsets().inner().inner()), offsets),
        bytes: StridedView::of_items(memory::from_arrow(array.values()), DType::U8),
        validity: array
            .nulls()
            .filter(|nulls| nulls.null_count() > 0)
            .map(bits)
            .transpose()?,
    })
}

/// A mask as a view of bits.
pub(super) fn bits(nulls: &NullBuffer) -> Result<StridedView<'static>> {
    let layout = Layout::contiguous_items(&[nulls.len()], 1, Unit::Bit, Order::C)?;
    let layout = Layout::strided(&[nulls.len()], layout.strides(), nulls.offset(), &DType::BIT)?;
    StridedView::new(memory::from_arrow(nulls.buffer()), DType::BIT, layout)
}

fn union(array: &UnionArray) -> Result<Parts> {
    let children = array.fields().iter().map(|(id, field)| {
        let child = Child {
            field: Arc::clone(field),
            array: Arc::clone(array.child(id)),
        };
        (id, child)
    });
    Ok(Parts::Union {
        type_ids: StridedView::of_items(memory::from_arrow(array.type_ids().inner()), DType::I8),
        children: children.collect(),
    })
}

/// The values that a dictionary or runs stand for, in full: always a copy ([`CopyReason::Decoded`]). Other arrays are shared as they are.
///
/// ```
/// use arrow_array::{ArrayRef, DictionaryArray, Int32Array, types::Int8Type};
/// use viewbridge::arrow;
///
/// let encoded: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().collect();
/// let decoded = arrow::decode(&encoded)?;
/// assert_eq!(decoded.value.len(), 3);
/// assert!(!decoded.is_shared());
/// # Ok::<(), viewbridge::Error>(())
/// ```
///
/// # Errors
///
/// [`ArrowFault::NoView`] for run ends of an unknown type.
pub fn decode(array: &dyn Array) -> Result<Converted<ArrayRef>> {
    let data = match array.data_type() {
        DataType::Dictionary(..) => decode_dictionary(array),
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => decode_runs::<Int16Type>(array)?,
            DataType::Int32 => decode_runs::<Int32Type>(array)?,
            _ => decode_runs::<Int64Type>(array)?,
        },
        _ => return Ok(Converted::shared(array.slice(0, array.len()))),
    };
    let record = CopyRecord::of_items(bytes_of(&data), vec![CopyReason::Decoded]);
    Ok(Converted {
        value: make_array(data),
        report: CopyReport::copied(record),
    })
}

/// Bytes of all buffers of an array just made.
pub(super) fn bytes_of(data: &ArrayData) -> usize {
    let own: usize = data.buffers().iter().map(|buffer| buffer.len()).sum();
    let nulls = data.nulls().map_or(0, |nulls| nulls.buffer().len());
    own + nulls + data.child_data().iter().map(bytes_of).sum::<usize>()
}

fn decode_dictionary(array: &dyn Array) -> ArrayData {
    let dictionary = array.as_any_dictionary();
    let (keys, values) = (dictionary.keys(), dictionary.values().to_data());
    let mut decoded = MutableArrayData::new(vec![&values], keys.null_count() > 0, array.len());
    if values.is_empty() {
        extend_nulls(&mut decoded, array.len());
        return decoded.freeze();
    }
    for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
        if keys.is_valid(row) {
            extend(&mut decoded, key..key + 1);
        } else {
            extend_nulls(&mut decoded, 1);
        }
    }
    decoded.freeze()
}

fn decode_runs<R: RunEndIndexType>(array: &dyn Array) -> Result<ArrayData> {
    use arrow_buffer::ArrowNativeType;
    let runs = run_array::<R>(array)?;
    let (ends, values) = (runs.run_ends(), runs.values().to_data());
    let mut decoded = MutableArrayData::new(vec![&values], false, array.len());
    let (mut row, last) = (ends.offset(), ends.offset() + ends.len());
    for (run, end) in ends.values().iter().enumerate() {
        let end = end.as_usize().min(last);
        for _ in row..end {
            extend(&mut decoded, run..run + 1);
        }
        row = row.max(end);
    }
    Ok(decoded.freeze())
}

/// Some items more. The fallible successors of these two came with arrow 60.
#[allow(deprecated)]
pub(super) fn extend(made: &mut MutableArrayData<'_>, items: Range<usize>) {
    made.extend(0, items.start, items.end);
}

#[allow(deprecated)]
fn extend_nulls(decoded: &mut MutableArrayData<'_>, count: usize) {
    decoded.extend_nulls(count);
}
