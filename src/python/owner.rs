//! What keeps memory alive from Python's side, dropped on whichever thread.
//!
//! # Safety
//!
//! Invariant *filled*: the `Py_buffer` of a [`Lent`] was filled by `PyObject_GetBuffer`, stays in its box, and is released once.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::prelude::*;

/// A Python object. Dropped with the interpreter attached; after its end, not at all: the object has gone with it, or will never go.
pub(super) struct Object(ManuallyDrop<Py<PyAny>>);

impl Object {
    pub(super) fn new(object: &Bound<'_, PyAny>) -> Self {
        Self(ManuallyDrop::new(object.clone().unbind()))
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        Python::try_attach(|_| {
            // SAFETY: dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        });
    }
}

/// Memory lent through the buffer protocol, given back on drop.
pub(super) struct Lent(NonNull<ffi::Py_buffer>);

// SAFETY: *filled*: the buffer is only read, and released with the interpreter attached.
unsafe impl Send for Lent {}

impl Lent {
    /// Asks an object for its buffer, with shape, strides and format, whether it may be written or not.
    pub(super) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: the place is fresh and stays where it is.
        let code = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *buffer, ffi::PyBUF_FULL_RO) };
        if code != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        // *filled* from here on.
        Ok(Self(NonNull::from(Box::leak(buffer))))
    }

    pub(super) fn buffer(&self) -> &ffi::Py_buffer {
        // SAFETY: *filled*; nobody writes it meanwhile.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let place = self.0;
        // After the end of the interpreter nobody is there to take it back: it leaks.
        Python::try_attach(|_| {
            // SAFETY: *filled*, given up here.
            unsafe { ffi::PyBuffer_Release(place.as_ptr()) };
            // SAFETY: it came from a box.
            drop(unsafe { Box::from_raw(place.as_ptr()) });
        });
    }
}
