//! From an object with one of Arrow's doors to a view.
//!
//! # Safety
//!
//! Invariant *together*: the two structs that one call of a door gives belong together, as the PyCapsule interface has it.
#![allow(unsafe_code)]

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_schema::{DataType, FieldRef};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;

use super::capsule::take_struct;
use super::{chunks, table};
use crate::arrow::ffi::{ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema, import};
use crate::arrow::{Column, Nulls};
use crate::convert::{Converted, CopyReport};
use crate::error::{ArrowFault, Error};
use crate::python::door::Door;
use crate::python::view::PyView;
use crate::view::StridedView;

/// Values, and their validity if it was asked for.
pub(in crate::python) struct Taken {
    pub(in crate::python) values: PyView,
    pub(in crate::python) validity: Option<PyView>,
}

/// Arrow data as it came in.
enum Data {
    Device(ArrowSchema, ArrowDeviceArray),
    Arrays(Arrays),
}

/// A field, and one array or several of its type.
struct Arrays {
    field: FieldRef,
    chunks: Vec<ArrayRef>,
    /// What was copied on the way.
    report: CopyReport,
    door: Door,
}

impl Arrays {
    fn new(field: FieldRef, arrays: Vec<Converted<ArrayRef>>, door: Door) -> Self {
        let mut report = CopyReport::SHARED;
        let take = |array: Converted<ArrayRef>| {
            report.append(&array.report);
            array.value
        };
        let mut chunks: Vec<ArrayRef> = arrays.into_iter().map(take).collect();
        // Empty chunks say nothing; one of them will do where there is nothing else.
        if chunks.iter().any(|chunk| !chunk.is_empty()) {
            chunks.retain(|chunk| !chunk.is_empty());
        } else {
            chunks.truncate(1);
        }
        if chunks.is_empty() {
            chunks.push(new_empty_array(field.data_type()));
        }
        Self {
            field,
            chunks,
            report,
            door,
        }
    }
}

/// What an object with one of Arrow's doors offers; `None` if it has none.
fn data_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Data>> {
    let py = object.py();
    if let Some(method) = object.getattr_opt(intern!(py, "__arrow_c_device_array__"))? {
        let (schema, array) = pair(&method)?;
        let (schema, array) = (take_struct(&schema)?, take_struct::<ArrowDeviceArray>(&array)?);
        return Ok(Some(Data::Device(schema, array)));
    }
    if let Some((field, array)) = array_of(object)? {
        return Ok(Some(Data::Arrays(Arrays::new(field, vec![array], Door::ArrowArray))));
    }
    if let Some(method) = object.getattr_opt(intern!(py, "__arrow_c_stream__"))? {
        let stream: ArrowArrayStream = take_struct(&method.call0()?)?;
        let reader = stream.into_reader()?;
        let field = Arc::clone(reader.field());
        let arrays = reader.collect::<Result<Vec<_>, _>>()?;
        return Ok(Some(Data::Arrays(Arrays::new(field, arrays, Door::ArrowStream))));
    }
    Ok(None)
}

/// The array of an object with `__arrow_c_array__`; `None` if it has no such door.
pub(super) fn array_of(object: &Bound<'_, PyAny>) -> PyResult<Option<(FieldRef, Converted<ArrayRef>)>> {
    let Some(method) = object.getattr_opt(intern!(object.py(), "__arrow_c_array__"))? else {
        return Ok(None);
    };
    let (schema, array) = pair(&method)?;
    let (schema, array): (ArrowSchema, ArrowArray) = (take_struct(&schema)?, take_struct(&array)?);
    // SAFETY: *together*.
    let Converted {
        value: (field, array),
        report,
    } = unsafe { import(&schema, array) }?;
    Ok(Some((field, Converted { value: array, report })))
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn pair<'py>(method: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    method.call0()?.extract()
}

/// The column of an object with one of Arrow's doors; `None` if it has none.
pub(in crate::python) fn take(object: &Bound<'_, PyAny>, nulls: Nulls, copy: Option<bool>) -> PyResult<Option<Taken>> {
    let arrays = match data_of(object)? {
        None => return Ok(None),
        Some(Data::Arrays(arrays)) => arrays,
        Some(Data::Device(schema, array)) => {
            let field = Arc::new(schema.to_field()?);
            if !array.device()?.is_cpu_readable() {
                // SAFETY: *together*.
                let view = unsafe { array.into_view(field.data_type()) }?;
                let values = PyView::taken(view, Door::ArrowDeviceArray, Some(object));
                return Ok(Some(Taken { values, validity: None }));
            }
            // SAFETY: *together*.
            let array = unsafe { array.into_array(field.data_type()) }?;
            Arrays::new(field, vec![array], Door::ArrowDeviceArray)
        }
    };
    if copy == Some(false) && !arrays.report.is_shared() {
        let text = format!("{}, and copy=False forbids it; allow it with copy=None", arrays.report);
        return Err(PyBufferError::new_err(text));
    }
    let columns = arrays
        .chunks
        .iter()
        .map(|chunk| Column::from_field(&arrays.field, chunk, nulls));
    match columns.collect::<Result<Vec<_>, _>>() {
        Ok(columns) if columns.len() == 1 => Ok(Some(single(object, columns, arrays, nulls))),
        Ok(columns) => several(object.py(), &columns, arrays, nulls, copy).map(Some),
        Err(Error::Arrow(ArrowFault::Spacing { .. } | ArrowFault::MixedTypes { .. } | ArrowFault::NoView { .. }))
            if let DataType::Struct(fields) = arrays.field.data_type() =>
        {
            let made = table::matrix(object.py(), fields, &arrays.chunks, nulls, copy)?;
            let base = Some(object).filter(|_| made.is_shared());
            Ok(Some(Taken {
                values: reported(
                    PyView::taken(made.value, arrays.door, base),
                    arrays.report,
                    &made.report,
                ),
                validity: None,
            }))
        }
        Err(error) => Err(error.into()),
    }
}

/// The view of one array, which shares its memory and knows the way back.
fn single(object: &Bound<'_, PyAny>, columns: Vec<Column>, arrays: Arrays, nulls: Nulls) -> Taken {
    let Arrays { report, door, .. } = arrays;
    let taken = |view| PyView::taken(view, door, Some(object));
    let column = columns.into_iter().next().expect("one column");
    let validity = column.row_validity().filter(|_| nulls == Nulls::Separate);
    let values = taken(column.view().clone()).with_report(report).with_column(column);
    let validity = validity.map(taken);
    Taken { values, validity }
}

/// The view of several arrays, joined unless that is forbidden.
fn several(py: Python<'_>, columns: &[Column], arrays: Arrays, nulls: Nulls, copy: Option<bool>) -> PyResult<Taken> {
    if copy == Some(false) {
        let text = format!(
            "the column is in {} chunks, and copy=False forbids to join them; allow it with copy=None",
            columns.len()
        );
        return Err(PyBufferError::new_err(text));
    }
    let validity = match nulls {
        Nulls::Separate => chunks::joined_validity(columns)?,
        _ => None,
    };
    let parts: Vec<StridedView<'static>> = columns.iter().map(|column| column.view().clone()).collect();
    let joined = chunks::join(py, &parts)?;
    let Arrays { report, door, .. } = arrays;
    Ok(Taken {
        values: reported(PyView::taken(joined.value, door, None), report, &joined.report),
        validity: validity.map(|view| PyView::taken(view, door, None)),
    })
}

/// What was copied on the way, and then.
fn reported(view: PyView, mut report: CopyReport, then: &CopyReport) -> PyView {
    report.append(then);
    view.with_report(report)
}

/// The name of a policy about nulls.
pub(in crate::python) fn parse_nulls(name: &str) -> PyResult<Nulls> {
    match name {
        "forbid" => Ok(Nulls::Forbid),
        "separate" => Ok(Nulls::Separate),
        "ignore" => Ok(Nulls::IgnoreUnspecified),
        _ => Err(PyValueError::new_err(format!(
            "nulls is {name:?}, expected \"forbid\", \"separate\" or \"ignore\""
        ))),
    }
}
