//! `arrow.variable_shape_tensor`: rows that are tensors of one rank and different shapes.
//!
//! The storage is a struct of `data`, a list of each row's items, and `shape`, a FixedSizeList of 32-bit sizes; see the specification ("Canonical
//! Extension Types").

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Int32Array, ListArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use serde_json::{Map, Value};

use super::column::{Column, Nulls, check_type};
use super::library;
use super::reader::concat;
use super::tensor::{DIM_NAMES, FixedShapeTensor, PERMUTATION, names, sizes};
use crate::convert::{Converted, CopyPolicy};
use crate::error::{ArrowFault, Error, Result};
use crate::view::StridedView;

const UNIFORM_SHAPE: &str = "uniform_shape";

/// The metadata of an `arrow.variable_shape_tensor`: what the rows have in common. All of it is that of the *physical* dimensions.
///
/// ```
/// use viewbridge::{CopyPolicy, StridedView};
/// use viewbridge::arrow::{Nulls, VariableShapeTensor};
///
/// let tall = StridedView::from_vec((0..6_i32).collect()).reshape(&[3, 2])?;
/// let wide = StridedView::from_vec((6..10_i32).collect()).reshape(&[1, 4])?;
/// let (field, array) = VariableShapeTensor::build(&[tall, wide])?.value;
///
/// let tensor = VariableShapeTensor::of_field(&field)?.unwrap();
/// let rows = tensor.rows(&array, Nulls::Forbid)?;
/// let rows: Vec<_> = rows.iter().flatten().map(StridedView::shape).collect();
/// assert_eq!(rows, [[3, 2], [1, 4]]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VariableShapeTensor {
    ndim: usize,
    dim_names: Option<Vec<String>>,
    permutation: Option<Vec<usize>>,
    uniform_shape: Option<Vec<Option<usize>>>,
}

impl VariableShapeTensor {
    /// The name of the extension type.
    pub const NAME: &'static str = "arrow.variable_shape_tensor";

    /// Row-major tensors of a rank.
    ///
    /// # Errors
    ///
    /// As [`FixedShapeTensor::new`].
    pub fn new(ndim: usize) -> Result<Self> {
        FixedShapeTensor::new(vec![1; ndim])?;
        Ok(Self {
            ndim,
            dim_names: None,
            permutation: None,
            uniform_shape: None,
        })
    }

    /// Reads the metadata, a JSON object or nothing.
    ///
    /// # Errors
    ///
    /// As [`FixedShapeTensor::parse`]; [`ArrowFault::MetadataKey`] for a `uniform_shape` of another rank.
    pub fn parse(metadata: &str, ndim: usize) -> Result<Self> {
        let mut tensor = Self::new(ndim)?;
        if metadata.is_empty() {
            return Ok(tensor);
        }
        let object: Map<String, Value> = serde_json::from_str(metadata).map_err(|_| ArrowFault::MetadataSyntax)?;
        let entry = |key: &str| object.get(key).filter(|value| !value.is_null());
        // The rules of names and permutations are those of tensors of one shape.
        let mut checked = FixedShapeTensor::new(vec![1; ndim])?;
        if let Some(value) = entry(DIM_NAMES) {
            let found = names(value).ok_or(ArrowFault::MetadataKey { key: DIM_NAMES })?;
            checked = checked.with_dim_names(found)?;
        }
        if let Some(value) = entry(PERMUTATION) {
            let found = sizes(value).ok_or(ArrowFault::MetadataKey { key: PERMUTATION })?;
            checked = checked.with_permutation(found)?;
        }
        tensor.dim_names = checked.dim_names().map(<[String]>::to_vec);
        tensor.permutation = checked.permutation().map(<[usize]>::to_vec);
        if let Some(value) = entry(UNIFORM_SHAPE) {
            let found = uniform(value).filter(|shape| shape.len() == ndim);
            tensor.uniform_shape = Some(found.ok_or(ArrowFault::MetadataKey { key: UNIFORM_SHAPE })?);
        }
        Ok(tensor)
    }

    /// The metadata as the specification wants it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Map::new();
        if let Some(names) = &self.dim_names {
            object.insert(DIM_NAMES.into(), Value::from(names.clone()));
        }
        if let Some(axes) = &self.permutation {
            object.insert(PERMUTATION.into(), Value::from(axes.clone()));
        }
        if let Some(shape) = &self.uniform_shape {
            let sizes = shape.iter().map(|size| size.map_or(Value::Null, Value::from));
            object.insert(UNIFORM_SHAPE.into(), Value::Array(sizes.collect()));
        }
        Value::Object(object).to_string()
    }

    /// The tensor type that a field declares, or `None` if it declares another extension type or none.
    ///
    /// # Errors
    ///
    /// As [`VariableShapeTensor::parse`]; [`ArrowFault::UnsupportedType`] over storage that is no such struct.
    pub fn of_field(field: &Field) -> Result<Option<Self>> {
        if field.extension_type_name() != Some(Self::NAME) {
            return Ok(None);
        }
        let other = || {
            let name = format!("{} over {}", Self::NAME, field.data_type());
            ArrowFault::UnsupportedType(name.into())
        };
        let DataType::Struct(parts) = field.data_type() else {
            return Err(other().into());
        };
        let (Some((_, data)), Some((_, shape))) = (parts.find("data"), parts.find("shape")) else {
            return Err(other().into());
        };
        match (data.data_type(), shape.data_type()) {
            (DataType::List(_), DataType::FixedSizeList(item, ndim)) if *item.data_type() == DataType::Int32 => {
                let ndim = super::dtype::list_size(*ndim)?;
                Self::parse(field.extension_type_metadata().unwrap_or(""), ndim).map(Some)
            }
            _ => Err(other().into()),
        }
    }

    /// Dimensions of every row.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.ndim
    }

    /// Names of the physical dimensions.
    #[must_use]
    pub fn dim_names(&self) -> Option<&[String]> {
        self.dim_names.as_deref()
    }

    /// The physical dimension that each logical one is; `None` if they are the same.
    #[must_use]
    pub fn permutation(&self) -> Option<&[usize]> {
        self.permutation.as_deref()
    }

    /// The sizes of the dimensions that are the same in every row; `None` where they differ.
    #[must_use]
    pub fn uniform_shape(&self) -> Option<&[Option<usize>]> {
        self.uniform_shape.as_deref()
    }

    /// A view of each row, with its axes in their logical order, sharing memory; `None` for rows that are null.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::UnsupportedType`] for an array that is not of this storage; [`ArrowFault::TensorSize`] for a row whose shape is not that of its
    /// items; [`Error::Nulls`] under [`Nulls::Forbid`], for rows and items alike; those of [`Column::from_array`].
    pub fn rows(&self, array: &dyn Array, nulls: Nulls) -> Result<Vec<Option<StridedView<'static>>>> {
        let (columns, data, shapes) = self.storage(array)?;
        let count = columns.null_count() + data.null_count();
        if count > 0 && nulls == Nulls::Forbid {
            return Err(Error::Nulls { count });
        }
        let row = |k: usize| {
            if columns.is_null(k) || data.is_null(k) || shapes.is_null(k) {
                return Ok(None);
            }
            let items = Column::from_array(&data.value(k), nulls)?.into_view();
            let shape = self.shape(&shapes.value(k), items.shape()[0])?;
            self.permuted(items.reshape(&shape)?, 0).map(Some)
        };
        (0..array.len()).map(row).collect()
    }

    /// All rows as one view, sharing memory, if all have one shape and none is null.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows); [`ArrowFault::Ragged`] if the shapes differ: stacking them would need padding.
    pub fn batch(&self, array: &dyn Array) -> Result<StridedView<'static>> {
        let (columns, data, shapes) = self.storage(array)?;
        let count = columns.null_count() + data.null_count() + shapes.null_count();
        if count > 0 {
            return Err(Error::Nulls { count });
        }
        let view = Column::from_array(data, Nulls::Forbid)?.into_view();
        let Some(rows) = data.len().checked_sub(1) else {
            return view.reshape(&[&[0], &vec![1; self.ndim][..]].concat());
        };
        let first = self.shape(&shapes.value(0), view.shape()[1])?;
        for row in 1..=rows {
            let next = self.shape(&shapes.value(row), view.shape()[1])?;
            if let Some(axis) = (0..self.ndim).find(|&axis| next[axis] != first[axis]) {
                let (expected, found) = (first[axis], next[axis]);
                return Err(ArrowFault::Ragged { row, expected, found }.into());
            }
        }
        self.permuted(view.reshape(&[&[data.len()], &first[..]].concat())?, 1)
    }

    fn storage<'a>(&self, array: &'a dyn Array) -> Result<(&'a StructArray, &'a ListArray, &'a FixedSizeListArray)> {
        let parts = || {
            let columns = array.as_struct_opt()?;
            let data = columns.column_by_name("data")?.as_list_opt::<i32>()?;
            let shape = columns.column_by_name("shape")?.as_fixed_size_list_opt()?;
            let fits = usize::try_from(shape.value_length()) == Ok(self.ndim);
            (fits && *shape.values().data_type() == DataType::Int32).then_some((columns, data, shape))
        };
        parts().ok_or_else(|| {
            let name = format!("{} over {}", Self::NAME, array.data_type());
            ArrowFault::UnsupportedType(name.into()).into()
        })
    }

    /// The sizes of a row of so many items.
    fn shape(&self, sizes: &ArrayRef, items: usize) -> Result<Vec<usize>> {
        let sizes = sizes.as_primitive::<Int32Type>();
        let valid = sizes.null_count() == 0;
        let shape: Option<Vec<usize>> = sizes.values().iter().map(|&size| usize::try_from(size).ok()).collect();
        let product = |shape: &Vec<usize>| shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
        shape
            .filter(|shape| valid && product(shape) == Some(items))
            .ok_or_else(|| {
                ArrowFault::TensorSize {
                    shape: sizes
                        .values()
                        .iter()
                        .map(|&size| usize::try_from(size).unwrap_or(0))
                        .collect(),
                    list_size: i32::try_from(items).unwrap_or(i32::MAX),
                }
                .into()
            })
    }

    fn permuted(&self, view: StridedView<'static>, rows: usize) -> Result<StridedView<'static>> {
        match &self.permutation {
            Some(axes) => view.permute(&(0..rows).chain(axes.iter().map(|axis| axis + rows)).collect::<Vec<_>>()),
            None => Ok(view),
        }
    }

    /// Views of one type and rank as the rows of a column, and its field (named `tensor`).
    ///
    /// The items of all rows are put one behind the other, a copy; a single row-major view is shared.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::Length`] for no view at all, whose type would be anybody's guess; [`Error::DTypeMismatch`]; [`Error::ShapeMismatch`] for another
    /// rank; [`ArrowFault::ListSize`]; those of [`StridedView::to_arrow`].
    pub fn build(views: &[StridedView<'static>]) -> Result<Converted<(FieldRef, ArrayRef)>> {
        let first = views.first().ok_or(ArrowFault::Length { expected: 1, found: 0 })?;
        let tensor = Self::new(first.ndim())?;
        let (mut flat, mut sizes, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = Vec::new();
        for view in views {
            if view.ndim() != tensor.ndim {
                return Err(Error::ShapeMismatch {
                    expected: first.shape().to_vec(),
                    found: view.shape().to_vec(),
                });
            }
            for &items in view.shape() {
                sizes.push(i32::try_from(items).map_err(|_| ArrowFault::ListSize { items })?);
            }
            lengths.push(view.len());
            // Rows that are to be put together are copied there, whatever their order; a single one has to be in order.
            let row = view.ravel(crate::Order::C)?;
            before.extend_from_slice(row.report.records());
            flat.push(row.value);
        }
        let items: usize = lengths.iter().sum();
        i32::try_from(items).map_err(|_| ArrowFault::ListSize { items })?;
        let gathered = concat(&flat)?.and_then(|items| items.to_arrow(CopyPolicy::IfNeeded))?;
        let mut report = crate::CopyReport::from_records(before);
        report.append(&gathered.report);
        let item = Arc::new(Field::new_list_field(gathered.value.data_type().clone(), false));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let data = ListArray::try_new(item, offsets, gathered.value, None).map_err(library)?;
        let sizes: ArrayRef = Arc::new(Int32Array::new(ScalarBuffer::from(sizes), None));
        let item = Arc::new(Field::new_list_field(DataType::Int32, false));
        let ndim = i32::try_from(tensor.ndim).unwrap_or(i32::MAX);
        let shape = FixedSizeListArray::try_new_with_length(item, ndim, sizes, None, views.len()).map_err(library)?;
        let fields = Fields::from(vec![
            Field::new("data", data.data_type().clone(), false),
            Field::new("shape", shape.data_type().clone(), false),
        ]);
        let array = StructArray::try_new(fields, vec![Arc::new(data), Arc::new(shape)], None).map_err(library)?;
        let metadata = HashMap::from([
            (EXTENSION_TYPE_NAME_KEY.into(), Self::NAME.into()),
            (EXTENSION_TYPE_METADATA_KEY.into(), tensor.to_json()),
        ]);
        let field = Field::new("tensor", array.data_type().clone(), false).with_metadata(metadata);
        check_type(&field, &array)?;
        Ok(Converted {
            value: (Arc::new(field), Arc::new(array)),
            report,
        })
    }
}

/// Sizes that are not negative, or null.
fn uniform(value: &Value) -> Option<Vec<Option<usize>>> {
    let size = |value: &Value| match value {
        Value::Null => Some(None),
        other => other.as_u64().and_then(|size| usize::try_from(size).ok()).map(Some),
    };
    value.as_array()?.iter().map(size).collect()
}
