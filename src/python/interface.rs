//! NumPy's array interface, both ways, and `__array__`.
//!
//! # Safety
//!
//! Invariant *interface*: the pointer in an object's `__array_interface__` is true as long as the object lives, as the protocol has it: it cannot be
//! checked.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use pyo3::exceptions::{PyAttributeError, PyBufferError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::buffer;
use super::door::Door;
use super::owner::Object;
use super::view::PyView;
use crate::buffer::Buffer;
use crate::dtype::literal::Cursor;
use crate::dtype::{DType, ItemType, Kind};
use crate::error::Error;
use crate::layout::{Layout, Placed, Unit};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;

/// The memory of an object with `__array_interface__`; `None` if it has none.
pub(super) fn take(object: &Bound<'_, PyAny>) -> PyResult<Option<PyView>> {
    let Some(interface) = object.getattr_opt(intern!(object.py(), "__array_interface__"))? else {
        return Ok(None);
    };
    let interface = interface.cast_into::<PyDict>()?;
    let entry =
        |key| -> PyResult<Option<Bound<'_, PyAny>>> { Ok(interface.get_item(key)?.filter(|value| !value.is_none())) };
    if entry("mask")?.is_some() {
        return Err(PyBufferError::new_err(
            "the array is masked, and a view has no place for a mask",
        ));
    }
    let needed = |key| entry(key)?.ok_or_else(|| PyValueError::new_err(format!("the array interface has no {key:?}")));
    let item = item_of(&needed("typestr")?, entry("descr")?)?;
    let shape: Vec<usize> = needed("shape")?.extract()?;
    let mut layout = Layout::blank(shape.len().min(crate::layout::MAX_NDIM), item.dtype());
    if shape.len() > crate::layout::MAX_NDIM {
        return Err(crate::error::LayoutError::RankTooHigh { ndim: shape.len() }.into());
    }
    layout.axes_mut().0.copy_from_slice(&shape);
    match entry("strides")? {
        Some(strides) => {
            let strides: Vec<isize> = strides.extract()?;
            if strides.len() != shape.len() {
                let (expected, found) = (shape.len(), strides.len());
                return Err(crate::error::LayoutError::RankMismatch { expected, found }.into());
            }
            layout.axes_mut().1.copy_from_slice(&strides);
        }
        None => layout.make_compact()?,
    }
    let view = match entry("data")? {
        Some(data) if data.cast::<PyTuple>().is_ok() => {
            let (address, read_only): (usize, bool) = data.extract()?;
            at_address(object, address, read_only, layout, &item)?
        }
        // A buffer, or the object itself is one.
        lender => {
            let lender = lender.unwrap_or_else(|| object.clone());
            let offset = entry("offset")?.map_or(Ok(0), |offset| offset.extract())?;
            within(&lender, offset, layout, &item)?
        }
    };
    let view = view.view_as_item(&item)?;
    Ok(Some(PyView::taken(view, Door::ArrayInterface, Some(object))))
}

fn item_of(typestr: &Bound<'_, PyAny>, descr: Option<Bound<'_, PyAny>>) -> PyResult<ItemType> {
    let text: String = typestr.extract()?;
    if text.contains('O') {
        return Err(PyTypeError::new_err(
            "Python objects have no place in a view; convert them to numbers first",
        ));
    }
    let item: ItemType = text.parse().map_err(Error::from)?;
    let Some(descr) = descr.filter(|_| item.dtype().kind() == Kind::Raw) else {
        return Ok(item);
    };
    // A list of fields prints as it is read; fields of raw bytes without a name are gaps.
    let text = descr.str()?;
    let text = text.to_str()?;
    let record = ItemType::from_descr(&mut Cursor::new(text));
    match record {
        Ok(record) if record.nbytes() == item.nbytes() && !record.dtype().fields().is_empty() => Ok(record),
        _ => Ok(item),
    }
}

fn at_address(
    object: &Bound<'_, PyAny>,
    address: usize,
    read_only: bool,
    layout: Layout,
    item: &ItemType,
) -> PyResult<StridedView<'static>> {
    let Placed { layout, below, len } = layout.place()?;
    let start = address
        .checked_sub(below)
        .filter(|start| start.checked_add(len).is_some());
    let ptr = match start
        .map(std::ptr::with_exposed_provenance_mut::<u8>)
        .and_then(NonNull::new)
    {
        Some(ptr) if len > 0 => ptr,
        None if len > 0 => {
            let text = format!("the array interface has items at address {address:#x}, where none can be");
            return Err(PyBufferError::new_err(text));
        }
        _ => NonNull::dangling(),
    };
    let access = if read_only { Access::ReadOnly } else { Access::Shared };
    let (device, kind, owner) = (Device::CPU, OwnerKind::Foreign, Object::new(object));
    // SAFETY: *interface*.
    let memory = unsafe { Buffer::from_raw_parts(ptr, len, access, device, kind, owner) };
    Ok(StridedView::from_parts(memory, item.dtype().clone(), layout, None))
}

fn within(lender: &Bound<'_, PyAny>, offset: usize, layout: Layout, item: &ItemType) -> PyResult<StridedView<'static>> {
    let Some(memory) = buffer::take(lender)? else {
        return Err(PyTypeError::new_err(
            "the array interface has neither an address nor a buffer",
        ));
    };
    let memory = memory.view().buffer().clone();
    let layout = layout.place_at(offset)?;
    Ok(StridedView::new(memory, item.dtype().clone(), layout)?)
}

/// NumPy's type string, for a view that NumPy can have.
pub(super) fn typestr(view: &StridedView<'_>) -> Option<String> {
    match view.dtype().as_record() {
        Some(record) => Some(format!("|V{}", record.itemsize())),
        None => view.item_type().to_numpy(),
    }
}

#[pymethods]
impl PyView {
    /// NumPy's array interface. Views that NumPy cannot have have no such attribute.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let view = self.view();
        let absent = |text: String| PyAttributeError::new_err(text);
        if !view.device().is_cpu_readable() {
            return Err(absent(format!("the bytes lie on {}", view.device())));
        }
        let known = typestr(view).filter(|_| view.layout().unit() == Unit::Byte);
        let typestr = known.ok_or_else(|| absent(format!("NumPy has no dtype {}", view.item_type())))?;
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", PyTuple::new(py, view.shape())?)?;
        interface.set_item("strides", PyTuple::new(py, view.strides())?)?;
        interface.set_item("data", (view.data_ptr().addr(), !view.access().is_writable()))?;
        if view.dtype().as_record().is_some()
            && let Some(descr) = view.item_type().to_descr()
        {
            interface.set_item("descr", literal(py, &descr)?)?;
        }
        interface.set_item("typestr", typestr)?;
        Ok(interface)
    }

    /// The view as a NumPy array.
    ///
    /// Parameters
    /// ----------
    /// dtype : numpy.dtype, optional
    ///     The dtype wanted; another one is a copy.
    /// copy : bool, optional
    ///     True copies always, None if needed, False never.
    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let array = slf.get().to_numpy(slf)?;
        let keywords = PyDict::new(py);
        match (dtype, copy) {
            (None, Some(true)) => array.call_method0("copy"),
            (None, _) => Ok(array),
            (Some(dtype), Some(false))
                if !array
                    .getattr("dtype")?
                    .eq(py.import("numpy")?.call_method1("dtype", (dtype,))?)? =>
            {
                let text = format!(
                    "items of type {} as another dtype need a copy, and copy=False forbids it",
                    slf.get().view().item_type()
                );
                Err(PyValueError::new_err(text))
            }
            (Some(dtype), copy) => {
                keywords.set_item("copy", copy == Some(true))?;
                array.call_method("astype", (dtype,), Some(&keywords))
            }
        }
    }
}

/// A Python literal, which NumPy's descriptions are.
fn literal<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("ast")?.call_method1("literal_eval", (text,))
}

impl PyView {
    /// An array over the same memory, which keeps this object alive.
    pub(super) fn to_numpy<'py>(&self, slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, view) = (slf.py(), self.view());
        if !view.device().is_cpu_readable() {
            let text = format!("the bytes lie on {}, which the CPU cannot read", view.device());
            return Err(PyBufferError::new_err(text));
        }
        let numpy = py.import("numpy")?;
        let holder = py.import("types")?.getattr("SimpleNamespace")?.call0()?;
        holder.setattr("owner", slf)?;
        if view.dtype().as_record().is_some() {
            // As raw bytes, and then by its own dtype: the interface cannot say what a dictionary of fields says.
            let raw = view.view_as(DType::raw(u32::try_from(view.dtype().itemsize())?))?;
            holder.setattr("__array_interface__", self.with_view(py, raw).__array_interface__(py)?)?;
            let item = view.item_type();
            let dtype = item.to_numpy().ok_or_else(|| no_dtype(&item))?;
            let dtype = numpy.call_method1("dtype", (literal(py, &dtype)?,))?;
            return numpy.call_method1("asarray", (holder,))?.call_method1("view", (dtype,));
        }
        let interface = match self.__array_interface__(py) {
            Ok(interface) => interface,
            Err(_) => return self.by_ml_dtypes(py, &numpy, &holder),
        };
        holder.setattr("__array_interface__", interface)?;
        numpy.call_method1("asarray", (holder,))
    }

    /// Types that NumPy knows only with the package `ml_dtypes`.
    fn by_ml_dtypes<'py>(
        &self,
        py: Python<'py>,
        numpy: &Bound<'py, PyAny>,
        holder: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (view, item) = (self.view(), self.view().item_type());
        let known = (view.layout().unit() == Unit::Byte && view.logical().is_none())
            .then(|| py.import("ml_dtypes").ok())
            .flatten();
        let dtype = known
            .and_then(|module| module.getattr(item.to_string()).ok())
            .ok_or_else(|| no_dtype(&item))?;
        let raw = view.view_as(DType::raw(u32::try_from(view.dtype().itemsize())?))?;
        holder.setattr("__array_interface__", self.with_view(py, raw).__array_interface__(py)?)?;
        numpy.call_method1("asarray", (holder,))?.call_method1("view", (dtype,))
    }
}

fn no_dtype(item: &ItemType) -> PyErr {
    PyTypeError::new_err(format!(
        "NumPy has no dtype {item}; view(dtype) reads the bytes as another one, storage() gives up the meaning"
    ))
}
