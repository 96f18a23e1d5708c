//! Views as Arrow data.
//!
//! # Safety
//!
//! - Invariant *as given*: memory that Python may write goes to Arrow as it is, as pyarrow itself does with NumPy arrays; what is exported is
//!   pointers, and nothing here reads items through them.
//! - Invariant *together*: two structs that were exported together belong together.
#![allow(unsafe_code)]

use std::fmt;

use pyo3::exceptions::{PyBufferError, PyNotImplementedError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::capsule::give_struct;
use super::import::array_of;
use crate::arrow::ffi::{ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema, import};
use crate::arrow::{Column, Nulls};
use crate::convert::CopyPolicy;
use crate::error::{ArrowFault, Error};
use crate::memory::Access;
use crate::python::door::Door;
use crate::python::exchange;
use crate::python::export::detached;
use crate::python::view::PyView;
use crate::view::StridedView;

/// What a view shows of the Arrow array that it was taken from.
pub(in crate::python) enum WayBack {
    /// Whole rows: with all that a view cannot say, its field and its nulls.
    Rows(Box<Column>),
    /// It came from none, or shows something else than rows.
    None,
    /// It shows something else than rows, and there were nulls, so many.
    NullsLost(usize),
}

impl fmt::Display for WayBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(_) => f.write_str("rows of an Arrow array"),
            Self::None => f.write_str("no rows of an Arrow array"),
            Self::NullsLost(nulls) => write!(
                f,
                "the view does not show whole rows of its Arrow array any more, so that its {nulls} null{} cannot follow; copy() gives them up",
                if *nulls == 1 { "" } else { "s" }
            ),
        }
    }
}

impl PyView {
    /// The view as Arrow may have it: what Python may write, as it is.
    fn for_arrow(&self) -> StridedView<'static> {
        let view = self.view().clone();
        if view.device().is_cpu_readable() && view.access() != Access::Immutable {
            // SAFETY: *as given*.
            return unsafe { view.assume_immutable() };
        }
        view
    }

    /// What leads back to the Arrow array that the view was taken from, under a policy for copying rows that do not follow one another.
    pub(in crate::python) fn way_back(&self, py: Python<'_>, policy: CopyPolicy) -> PyResult<WayBack> {
        let asked;
        let column = match (self.column(), self.base(py)) {
            (Some(column), _) => column,
            // DLPack lost what the producer can still say.
            (None, Some(base)) if matches!(self.door(), Door::Dlpack | Door::ExchangeApi) => {
                if !exchange::is_arrow(base)? {
                    return Ok(WayBack::None);
                }
                let Some((field, array)) = array_of(base)? else {
                    return Ok(WayBack::None);
                };
                let Ok(column) = Column::from_field(&field, &array.value, Nulls::IgnoreUnspecified) else {
                    return Ok(WayBack::None);
                };
                asked = column;
                &asked
            }
            _ => return Ok(WayBack::None),
        };
        let view = self.view();
        if view.logical() == column.view().logical() {
            match detached(py, view.nbytes(), || column.with_view(view, policy)) {
                Ok(rows) => return Ok(WayBack::Rows(Box::new(rows.value))),
                Err(Error::Arrow(ArrowFault::NotRows { .. }) | Error::DTypeMismatch { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(match column.null_count() {
            0 => WayBack::None,
            nulls => WayBack::NullsLost(nulls),
        })
    }

    /// The rows of an Arrow array that the view shows; `None` if it is none of these.
    fn rows(&self, py: Python<'_>) -> PyResult<Option<Column>> {
        match self.way_back(py, CopyPolicy::IfNeeded)? {
            WayBack::Rows(column) => Ok(Some(*column)),
            WayBack::None => Ok(None),
            lost @ WayBack::NullsLost(_) => Err(PyBufferError::new_err(lost.to_string())),
        }
    }

    fn to_arrow_c(&self, py: Python<'_>) -> PyResult<(ArrowSchema, ArrowArray)> {
        if let Some(column) = self.rows(py)? {
            let array = ArrowArray::from_array(column.array());
            return Ok((ArrowSchema::from_field(column.field())?, array.value));
        }
        let view = self.for_arrow();
        let made = detached(py, view.nbytes(), || view.to_arrow_c(CopyPolicy::IfNeeded))?;
        Ok(made.value)
    }

    fn to_arrow_device(&self, py: Python<'_>) -> PyResult<(ArrowSchema, ArrowDeviceArray)> {
        if let Some(column) = self.rows(py)? {
            let array = ArrowDeviceArray::from_array(column.array());
            return Ok((ArrowSchema::from_field(column.field())?, array.value));
        }
        let view = self.for_arrow();
        let made = detached(py, view.nbytes(), || view.to_arrow_device(CopyPolicy::IfNeeded))?;
        Ok(made.value)
    }
}

#[pymethods]
impl PyView {
    /// The Arrow type of the view as a capsule: that of the Arrow array whose rows it shows; else a number or boolean for one axis, fixed-size lists for
    /// each axis more.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (schema, _) = self.to_arrow_c(py)?;
        give_struct(py, schema)
    }

    /// The view as Arrow data: a pair of capsules, schema and array.
    ///
    /// A view of an Arrow array's rows gives an array of the identical type, with the nulls of these rows. Else row-major, aligned, native memory
    /// is shared, and all else copied. Memory that may be written is shared all the same, as pyarrow shares that of NumPy arrays.
    ///
    /// Parameters
    /// ----------
    /// requested_schema : capsule, optional
    ///     Not looked at: the protocol lets a producer give what it has.
    ///
    /// Returns
    /// -------
    /// tuple of capsule
    ///
    /// Raises
    /// ------
    /// BufferError
    ///     If Arrow has no such type, or if the view shows parts of rows of an array with nulls.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        let (schema, array) = self.to_arrow_c(py)?;
        PyTuple::new(py, [give_struct(py, schema)?, give_struct(py, array)?])
    }

    /// The view as a stream of one Arrow array.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = requested_schema;
        let (schema, array) = self.to_arrow_c(py)?;
        // SAFETY: *together*.
        let (field, array) = unsafe { import(&schema, array) }?.value;
        give_struct(py, ArrowArrayStream::of_arrays(field, vec![Ok(array)]))
    }

    /// The view as Arrow data of the device that it lies on: a pair of capsules, schema and device array.
    #[pyo3(signature = (requested_schema=None, **kwargs))]
    fn __arrow_c_device_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        // The protocol: unknown keywords must be None.
        for (name, value) in kwargs.into_iter().flatten() {
            if !value.is_none() {
                let text = format!("__arrow_c_device_array__ does not know the keyword {name}");
                return Err(PyNotImplementedError::new_err(text));
            }
        }
        let (schema, array) = self.to_arrow_device(py)?;
        PyTuple::new(py, [give_struct(py, schema)?, give_struct(py, array)?])
    }
}
