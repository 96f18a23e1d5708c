//! Arrow's C structs in Python capsules.
//!
//! # Safety
//!
//! Invariant *capsule*: a capsule with a name of the Arrow PyCapsule interface points to a struct of that kind, released or not, which only the
//! capsule's destructor touches besides whoever moves the struct out of it.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::arrow::ffi::{ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema};
use crate::python::owner::undisturbed;

/// A struct of the Arrow PyCapsule interface.
pub(super) trait Struct: Sized + 'static {
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
pub(super) fn take_struct<T: Struct>(capsule: &Bound<'_, PyAny>) -> PyResult<T> {
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
pub(super) fn give_struct<T: Struct>(py: Python<'_>, value: T) -> PyResult<Bound<'_, PyAny>> {
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
    undisturbed(py, || {
        // SAFETY: made by `give_struct`.
        drop(unsafe { Box::from_raw(place) });
    });
}
