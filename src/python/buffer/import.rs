//! A buffer as a view.
//!
//! # Safety
//!
//! *filled* of [`Lent`]: the exporter vouches for what the struct says, until it is released.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr::NonNull;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::format;
use crate::buffer::Buffer;
use crate::dtype::{DType, ItemType};
use crate::layout::{Layout, Placed};
use crate::memory::{Access, Device, OwnerKind};
use crate::python::door::Door;
use crate::python::owner::Lent;
use crate::python::view::PyView;
use crate::view::StridedView;

/// The memory of an object with the buffer protocol; `None` if it has none.
pub(in crate::python) fn take(object: &Bound<'_, PyAny>) -> PyResult<Option<PyView>> {
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
        return Ok(None);
    }
    let lent = Lent::of(object)?;
    let buffer = lent.buffer();
    if !buffer.suboffsets.is_null() {
        let text = "the buffer is not strided memory: it has suboffsets; copy it first";
        return Err(PyBufferError::new_err(text));
    }
    let item = item_of(buffer)?;
    let Placed { layout, below, len } = layout_of(buffer, item.dtype())?.place()?;
    let access = match buffer.readonly {
        0 => Access::Shared,
        // The only objects whose memory nobody ever writes.
        _ if object.is_exact_instance_of::<PyBytes>() => Access::Immutable,
        _ => Access::ReadOnly,
    };
    let first: *mut u8 = buffer.buf.cast();
    let ptr = match NonNull::new(first.wrapping_sub(below)) {
        Some(ptr) if len > 0 => ptr,
        None if len > 0 => return Err(PyBufferError::new_err("the buffer is NULL, but has items")),
        _ => NonNull::dangling(),
    };
    // SAFETY: *filled*; the lender keeps the memory until the loan is dropped.
    let memory = unsafe { Buffer::from_raw_parts(ptr, len, access, Device::CPU, OwnerKind::Foreign, lent) };
    let view = StridedView::from_parts(memory, item.dtype().clone(), layout, None);
    Ok(Some(PyView::taken(
        view.view_as_item(&item)?,
        Door::Buffer,
        Some(object),
    )))
}

fn item_of(buffer: &ffi::Py_buffer) -> PyResult<ItemType> {
    let itemsize = usize::try_from(buffer.itemsize).map_err(|_| PyBufferError::new_err("negative itemsize"))?;
    let text = if buffer.format.is_null() {
        "B"
    } else {
        // SAFETY: *filled*: a string that ends in a 0.
        let text = unsafe { CStr::from_ptr(buffer.format) };
        let not_ascii = |_| PyBufferError::new_err("the buffer's format is no text");
        text.to_str().map_err(not_ascii)?
    };
    let item = format::parse(text, itemsize)?;
    if item.nbytes() != Some(itemsize) {
        let text = format!(
            "format {text:?} has items of {:?} bytes, and the buffer {itemsize}",
            item.nbytes()
        );
        return Err(PyBufferError::new_err(text));
    }
    Ok(item)
}

/// Shape and strides, to be placed.
fn layout_of(buffer: &ffi::Py_buffer, dtype: &DType) -> PyResult<Layout> {
    let ndim = usize::try_from(buffer.ndim).unwrap_or(usize::MAX);
    if ndim > crate::layout::MAX_NDIM {
        return Err(crate::error::LayoutError::RankTooHigh { ndim }.into());
    }
    let mut layout = Layout::blank(ndim, dtype);
    let (shape, strides) = layout.axes_mut();
    if ndim > 0 && buffer.shape.is_null() {
        return Err(PyBufferError::new_err("the buffer has axes, and no shape"));
    }
    for (axis, (dim, stride)) in shape.iter_mut().zip(strides).enumerate() {
        // SAFETY: *filled*: one entry per axis.
        let size = unsafe { buffer.shape.wrapping_add(axis).read() };
        *dim = usize::try_from(size).map_err(|_| PyBufferError::new_err("negative dimension"))?;
        if !buffer.strides.is_null() {
            // SAFETY: *filled*: one entry per axis.
            *stride = unsafe { buffer.strides.wrapping_add(axis).read() };
        }
    }
    if buffer.strides.is_null() {
        layout.make_compact()?;
    }
    Ok(layout)
}
