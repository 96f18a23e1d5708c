//! Arrow's C interfaces in Python capsules, both ways.
//!
//! # Safety
//!
//! Invariant *capsule*: a capsule with a name of the Arrow PyCapsule interface points to a struct of that kind, released or not, which only the
//! capsule's destructor touches besides whoever moves the struct out of it.
//!
//! Invariant *as given*: memory that Python may write goes to Arrow as it is, as pyarrow itself does with NumPy arrays; what is exported is
//! pointers, and nothing here reads items through them.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, FieldRef};
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::door::Door;
use super::import::writable;
use super::view::PyView;
use crate::allocation::zeroes;
use crate::arrow::ffi::{ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema, import};
use crate::arrow::{Column, Nulls};
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::layout::Layout;
use crate::memory::{Access, Order};
use crate::reason::CopyReason;
use crate::view::StridedView;

/// A struct of the Arrow PyCapsule interface.
trait Struct: Sized + 'static {
    const NAME: &'static CStr;

    /// # Safety
    ///
    /// *capsule*.
    unsafe fn take_from(place: *mut Self) -> crate::error::Result<Self>;
}

macro_rules! structs {
    ($($ty:ty: $name:literal;)*) => {$(
        impl Struct for $ty {
            const NAME: &'static CStr = $name;

            unsafe fn take_from(place: *mut Self) -> crate::error::Result<Self> {
                // SAFETY: *capsule*.
                unsafe { Self::take(place) }
            }
        }
    )*};
}

structs! {
    ArrowSchema: c"arrow_schema";
    ArrowArray: c"arrow_array";
    ArrowDeviceArray: c"arrow_device_array";
    ArrowArrayStream: c"arrow_array_stream";
}

/// Moves the struct out of a capsule.
fn take_struct<T: Struct>(capsule: &Bound<'_, PyAny>) -> PyResult<T> {
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), T::NAME.as_ptr()) } == 0 {
        let text = format!("expected a capsule named {:?}, found {}", T::NAME, capsule.get_type());
        return Err(PyTypeError::new_err(text));
    }
    // SAFETY: a capsule of this name.
    let place = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), T::NAME.as_ptr()) };
    // SAFETY: *capsule*.
    Ok(unsafe { T::take_from(place.cast()) }?)
}

/// A capsule that owns a struct.
fn give_struct<T: Struct>(py: Python<'_>, value: T) -> PyResult<Bound<'_, PyAny>> {
    let place = Box::into_raw(Box::new(value));
    // SAFETY: not NULL; the name is static; the destructor is that of this type.
    let capsule = unsafe { ffi::PyCapsule_New(place.cast::<c_void>(), T::NAME.as_ptr(), Some(destroy::<T>)) };
    // SAFETY: a new reference, or NULL with an exception set.
    let capsule = unsafe { Bound::from_owned_ptr_or_err(py, capsule) };
    if capsule.is_err() {
        // SAFETY: no capsule took it over.
        drop(unsafe { Box::from_raw(place) });
    }
    capsule
}

/// Frees the struct of a capsule, which its drop releases if nobody has moved it out.
///
/// # Safety
///
/// *capsule*; called by Python, attached.
unsafe extern "C" fn destroy<T: Struct>(capsule: *mut ffi::PyObject) {
    // SAFETY: the capsule that dies, of this name.
    let place: *mut T = unsafe { ffi::PyCapsule_GetPointer(capsule, T::NAME.as_ptr()) }.cast();
    if place.is_null() {
        return;
    }
    // SAFETY: destructors run attached.
    let py = unsafe { Python::assume_attached() };
    let raised = PyErr::take(py);
    // SAFETY: made by `give_struct`.
    drop(unsafe { Box::from_raw(place) });
    if let Some(raised) = raised {
        raised.restore(py);
    }
}

/// Arrow data as it came in.
enum Data {
    Device(ArrowSchema, ArrowDeviceArray),
    Arrays(FieldRef, Vec<Converted<ArrayRef>>, Door),
}

/// What an object with one of Arrow's doors offers; `None` if it has none.
fn data_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Data>> {
    let py = object.py();
    let method = |name| object.getattr_opt(name);
    if let Some(method) = method(intern!(py, "__arrow_c_device_array__"))? {
        let (schema, array) = pair(&method)?;
        let (schema, array) = (take_struct(&schema)?, take_struct::<ArrowDeviceArray>(&array)?);
        return Ok(Some(Data::Device(schema, array)));
    }
    if let Some(method) = method(intern!(py, "__arrow_c_array__"))? {
        let (schema, array) = pair(&method)?;
        let (schema, array): (ArrowSchema, ArrowArray) = (take_struct(&schema)?, take_struct(&array)?);
        // SAFETY: *capsule*: the two came together.
        let Converted {
            value: (field, array),
            report,
        } = unsafe { import(&schema, array) }?;
        let array = Converted { value: array, report };
        return Ok(Some(Data::Arrays(field, vec![array], Door::ArrowArray)));
    }
    if let Some(method) = method(intern!(py, "__arrow_c_stream__"))? {
        let stream: ArrowArrayStream = take_struct(&method.call0()?)?;
        let reader = stream.into_reader()?;
        let field = Arc::clone(reader.field());
        let arrays = reader.collect::<Result<Vec<_>, _>>()?;
        return Ok(Some(Data::Arrays(field, arrays, Door::ArrowStream)));
    }
    Ok(None)
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn pair<'py>(method: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    method.call0()?.extract()
}

/// Values, and their validity if it was asked for.
pub(super) struct Taken {
    pub(super) values: PyView,
    pub(super) validity: Option<PyView>,
}

/// The column of an object with one of Arrow's doors; `None` if it has none.
pub(super) fn take(object: &Bound<'_, PyAny>, nulls: Nulls, copy: Option<bool>) -> PyResult<Option<Taken>> {
    let Some(data) = data_of(object)? else {
        return Ok(None);
    };
    let base = Some(object);
    let (field, mut arrays, door) = match data {
        Data::Device(schema, array) => {
            let field = Arc::new(schema.to_field()?);
            if !array.device()?.is_cpu_readable() {
                // SAFETY: *capsule*: the two came together.
                let view = unsafe { array.into_view(field.data_type()) }?;
                let values = PyView::taken(view, Door::ArrowDeviceArray, base);
                return Ok(Some(Taken { values, validity: None }));
            }
            // SAFETY: *capsule*: the two came together.
            let array = unsafe { array.into_array(field.data_type()) }?;
            (field, vec![array], Door::ArrowDeviceArray)
        }
        Data::Arrays(field, arrays, door) => (field, arrays, door),
    };
    if let DataType::Struct(fields) = field.data_type() {
        let names: Vec<&String> = fields.iter().map(|field| field.name()).collect();
        let text = format!("a table has several columns, and a view is one array; take one of {names:?}");
        return Err(PyTypeError::new_err(text));
    }
    // Empty chunks say nothing; one of them will do where there is nothing else.
    let filled = arrays.iter().filter(|array| !array.value.is_empty()).count();
    if filled > 0 {
        arrays.retain(|array| !array.value.is_empty());
    } else {
        arrays.truncate(1);
    }
    if arrays.is_empty() {
        let empty = arrow_array::new_empty_array(field.data_type());
        arrays.push(Converted::shared(empty));
    }
    let columns = arrays
        .iter()
        .map(|array| Column::from_field(&field, &array.value, nulls));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut report = CopyReport::SHARED;
    for array in &arrays {
        report.append(&array.report);
    }
    if copy == Some(false) && !report.is_shared() {
        return Err(PyBufferError::new_err(format!(
            "{report}, and copy=False forbids it; allow it with copy=None"
        )));
    }
    let taken = |view, report| PyView::taken(view, door, base).with_report(report);
    if let [column] = &columns[..] {
        let validity = column.row_validity().filter(|_| nulls == Nulls::Separate);
        return Ok(Some(Taken {
            values: taken(column.view().clone(), report),
            validity: validity.map(|bits| taken(bits, CopyReport::SHARED)),
        }));
    }
    let chunks: Vec<StridedView<'static>> = columns.iter().map(|column| column.view().clone()).collect();
    if copy == Some(false) {
        let text = format!(
            "the column is in {} chunks, and copy=False forbids to join them; allow it with copy=None",
            chunks.len()
        );
        return Err(PyBufferError::new_err(text));
    }
    let validity = match nulls {
        Nulls::Separate => joined_validity(&columns)?,
        _ => None,
    };
    let joined = join(object.py(), &chunks)?;
    report.append(&joined.report);
    Ok(Some(Taken {
        values: PyView::taken(joined.value, door, None).with_report(report),
        validity: validity.map(|view| PyView::taken(view, door, None)),
    }))
}

/// The chunks behind each other in fresh memory: one copy.
fn join(py: Python<'_>, chunks: &[StridedView<'static>]) -> PyResult<Converted<StridedView<'static>>> {
    let first = &chunks[0];
    let rows: usize = chunks.iter().map(|chunk| chunk.shape()[0]).sum();
    let mut shape = first.shape().to_vec();
    shape[0] = rows;
    // Bits of one chunk and the next may share a byte.
    let dtype = if *first.dtype() == DType::BIT {
        DType::BOOL
    } else {
        first.dtype().clone()
    };
    let layout = Layout::contiguous(&shape, &dtype, Order::C)?;
    let bytes = layout.nbytes();
    let fresh = StridedView::new(zeroes(bytes)?, dtype, layout)?;
    let mut target = fresh.into_mut().map_err(|(_, error)| error)?;
    py.detach(|| -> crate::error::Result<()> {
        let mut start = 0;
        for chunk in chunks {
            let end = start + chunk.shape()[0].cast_signed();
            chunk.copy_into(&mut target.reborrow().slice_axis(0, start..end)?)?;
            start = end;
        }
        Ok(())
    })?;
    let value = match first.logical() {
        Some(logical) => target.share().with_logical(logical.clone()),
        None => target.share(),
    };
    let reasons = vec![CopyReason::Chunks { chunks: chunks.len() }];
    Ok(Converted {
        value,
        report: CopyReport::copied(CopyRecord::of_items(bytes, reasons)),
    })
}

/// One byte per row, since bitmaps do not end at bytes.
fn joined_validity(columns: &[Column]) -> PyResult<Option<StridedView<'static>>> {
    if columns.iter().all(|column| column.row_validity().is_none()) {
        return Ok(None);
    }
    let mut all = Vec::new();
    for column in columns {
        match column.row_validity() {
            Some(bits) => all.extend(bits.to_vec::<bool>()?),
            None => all.resize(all.len() + column.view().shape()[0], true),
        }
    }
    Ok(Some(writable(StridedView::from_vec(all))))
}

impl PyView {
    /// The view as Arrow may have it: what Python may write, as it is.
    fn for_arrow(&self) -> PyResult<StridedView<'static>> {
        let view = self.view().clone();
        if view.device().is_cpu_readable() && view.access() != Access::Immutable {
            // SAFETY: *as given*.
            return Ok(unsafe { view.assume_immutable() });
        }
        Ok(view)
    }
}

#[pymethods]
impl PyView {
    /// The Arrow type of the view as a capsule: a number or boolean for one axis, fixed-size lists for each axis more.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (schema, _) = self.to_arrow_c(py)?;
        give_struct(py, schema)
    }

    /// The view as Arrow data: a pair of capsules, schema and array.
    ///
    /// Shares row-major, aligned, native memory; all else is copied.
    ///
    /// Parameters
    /// ----------
    /// requested_schema : capsule, optional
    ///     Not looked at: the protocol lets a producer give what it has.
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
        // SAFETY: the two were exported together.
        let (field, array) = unsafe { import(&schema, array) }?.value;
        give_struct(py, ArrowArrayStream::of_arrays(field, vec![Ok(array)]))
    }

    /// The view as Arrow data of the device that it lies on: a pair of capsules, schema and device array.
    #[pyo3(signature = (requested_schema=None, **kwargs))]
    fn __arrow_c_device_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, pyo3::types::PyDict>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        // The protocol: unknown keywords must be None.
        for (name, value) in kwargs.into_iter().flatten() {
            if !value.is_none() {
                let text = format!("__arrow_c_device_array__ does not know the keyword {name}");
                return Err(pyo3::exceptions::PyNotImplementedError::new_err(text));
            }
        }
        let view = self.for_arrow()?;
        let policy = CopyPolicy::IfNeeded;
        let (schema, array) = super::export::detached(py, view.nbytes(), || view.to_arrow_device(policy))?.value;
        PyTuple::new(py, [give_struct(py, schema)?, give_struct(py, array)?])
    }
}

impl PyView {
    fn to_arrow_c(&self, py: Python<'_>) -> PyResult<(ArrowSchema, ArrowArray)> {
        let view = self.for_arrow()?;
        let made = super::export::detached(py, view.nbytes(), || view.to_arrow_c(CopyPolicy::IfNeeded))?;
        Ok(made.value)
    }
}

/// The name of a policy about nulls.
pub(super) fn parse_nulls(name: &str) -> PyResult<Nulls> {
    match name {
        "forbid" => Ok(Nulls::Forbid),
        "separate" => Ok(Nulls::Separate),
        "ignore" => Ok(Nulls::IgnoreUnspecified),
        _ => Err(PyValueError::new_err(format!(
            "nulls is {name:?}, expected \"forbid\", \"separate\" or \"ignore\""
        ))),
    }
}
