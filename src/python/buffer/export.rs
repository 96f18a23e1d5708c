//! A view as a buffer.
//!
//! # Safety
//!
//! Invariant *loan*: a filled `Py_buffer` holds a reference to the view, which keeps the memory and is never changed, and in `internal` a box of
//! what else it points to, which `__releasebuffer__` frees.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::ptr;
use std::sync::atomic::Ordering;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::format;
use crate::layout::Unit;
use crate::memory::Order;
use crate::python::view::PyView;

/// What a `Py_buffer` points to.
struct Described {
    shape: Vec<isize>,
    strides: Vec<isize>,
    format: CString,
}

#[pymethods]
impl PyView {
    /// # Safety
    ///
    /// As Python calls it: `buffer` can be written, or is NULL.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, buffer: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if buffer.is_null() {
            return Err(PyBufferError::new_err("no place for the buffer"));
        }
        // SAFETY: can be written. Where an error is returned, there is no owner.
        unsafe { (*buffer).obj = ptr::null_mut() };
        let this = slf.get();
        let described = this.describe(flags)?;
        let has = |flag: c_int| flags & flag == flag;
        let view = this.view();
        let mut filled = ffi::Py_buffer::new();
        filled.buf = view.data_ptr().cast_mut().cast();
        filled.len = view.nbytes().cast_signed();
        filled.readonly = c_int::from(!view.access().is_writable());
        filled.itemsize = view.dtype().itemsize().cast_signed();
        filled.ndim = if has(ffi::PyBUF_ND) {
            c_int::try_from(view.ndim())?
        } else {
            1
        };
        let described = Box::into_raw(Box::new(described));
        // SAFETY: just made.
        let parts = unsafe { &mut *described };
        if has(ffi::PyBUF_FORMAT) {
            filled.format = parts.format.as_ptr().cast_mut();
        }
        if has(ffi::PyBUF_ND) && !parts.shape.is_empty() {
            filled.shape = parts.shape.as_mut_ptr();
        }
        if has(ffi::PyBUF_STRIDES) && !parts.shape.is_empty() {
            filled.strides = parts.strides.as_mut_ptr();
        }
        filled.internal = described.cast();
        this.exports().fetch_add(1, Ordering::Relaxed);
        filled.obj = slf.into_ptr();
        // SAFETY: can be written; *loan* from here on.
        unsafe { buffer.write(filled) };
        Ok(())
    }

    /// # Safety
    ///
    /// As Python calls it: `buffer` was filled above, and is given back once.
    unsafe fn __releasebuffer__(&self, buffer: *mut ffi::Py_buffer) {
        // SAFETY: *loan*.
        let described = unsafe { (*buffer).internal }.cast::<Described>();
        if !described.is_null() {
            // SAFETY: *loan*.
            drop(unsafe { Box::from_raw(described) });
            self.exports().fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl PyView {
    /// Shape, strides and format, if the request can be met.
    fn describe(&self, flags: c_int) -> PyResult<Described> {
        let view = self.view();
        let refuse = |text: String| Err(PyBufferError::new_err(text));
        let has = |flag: c_int| flags & flag == flag;
        if !view.device().is_cpu_readable() {
            return refuse(format!("the bytes lie on {}, which the CPU cannot read", view.device()));
        }
        if has(ffi::PyBUF_WRITABLE) && !view.access().is_writable() {
            return refuse("the memory is read-only, and a writable buffer was asked for".to_owned());
        }
        if view.layout().unit() == Unit::Bit {
            return refuse(format!(
                "items of type {} are packed into bytes; convert them to whole bytes first",
                view.dtype()
            ));
        }
        let (c, f) = (
            view.layout().is_contiguous(Order::C),
            view.layout().is_contiguous(Order::F),
        );
        let needs = if has(ffi::PyBUF_C_CONTIGUOUS) || !has(ffi::PyBUF_STRIDES) {
            (c, "row-major order")
        } else if has(ffi::PyBUF_F_CONTIGUOUS) {
            (f, "column-major order")
        } else if has(ffi::PyBUF_ANY_CONTIGUOUS) {
            (c || f, "a contiguous order")
        } else {
            (true, "")
        };
        if let (false, order) = needs {
            return refuse(format!(
                "the items are not in {order}, which the buffer's consumer asks for (shape {:?}, strides {:?}); copy first",
                view.shape(),
                view.strides()
            ));
        }
        let format = if has(ffi::PyBUF_FORMAT) {
            format::print(&view.item_type())?
        } else {
            String::new()
        };
        Ok(Described {
            shape: view.shape().iter().map(|dim| dim.cast_signed()).collect(),
            strides: view.strides().to_vec(),
            format: CString::new(format)?,
        })
    }
}
