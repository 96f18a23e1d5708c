//! What keeps memory alive from Python's side, dropped on whichever thread.
//!
//! # Safety
//!
//! - Invariant *filled*: the `Py_buffer` of a [`Lent`] was filled by `PyObject_GetBuffer`, stays in its box, and is released once.
//! - Invariant *kept*: the view of a [`Kept`] is there until it is taken out or dropped, after which nobody looks at it.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::view::StridedView;

/// Runs what may end other people's objects, and leaves an exception on its way alone: their code may look at it, or lose it.
pub(super) fn undisturbed(_: Python<'_>, work: impl FnOnce()) {
    // SAFETY: attached.
    if unsafe { ffi::PyErr_Occurred() }.is_null() {
        return work();
    }
    let (mut class, mut value, mut traceback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: attached.
    unsafe { ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback) };
    work();
    // SAFETY: as fetched.
    unsafe { ffi::PyErr_Restore(class, value, traceback) };
}

/// A view that an object holds. Objects die while exceptions are on their way.
#[derive(Debug)]
pub(super) struct Kept(ManuallyDrop<StridedView<'static>>);

impl Kept {
    #[inline]
    pub(super) fn new(view: StridedView<'static>) -> Self {
        Self(ManuallyDrop::new(view))
    }

    #[inline]
    pub(super) fn view(&self) -> &StridedView<'static> {
        &self.0
    }

    pub(super) fn into_view(self) -> StridedView<'static> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: *kept*: `this` is not dropped.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl Drop for Kept {
    #[inline]
    fn drop(&mut self) {
        let mut place = Some(&mut self.0);
        let mut end = || {
            if let Some(view) = place.take() {
                // SAFETY: *kept*: once.
                unsafe { ManuallyDrop::drop(view) };
            }
        };
        Python::try_attach(|py| undisturbed(py, &mut end));
        // After the end of the interpreter there are no exceptions.
        end();
    }
}

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
