//! DLPack tensors in Python capsules.
//!
//! # Safety
//!
//! Invariant *protocol*: a capsule named `dltensor` or `dltensor_versioned` holds a live struct that nobody has consumed. Whoever renames it
//! to `used_…` consumes the struct, and nobody else does. The rename happens in one step, under the capsule's lock.
#![allow(unsafe_code)]

use std::ffi::CStr;

use dlpack_rs::ffi::{DLManagedTensor, DLManagedTensorVersioned};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;

use super::owner::undisturbed;
use crate::dlpack::exchange::{LEGACY_CAPSULE, VERSIONED_CAPSULE};
use crate::dlpack::{Abi, LegacyTensor, ManagedTensor, VersionedTensor};

/// The names of a struct's capsules.
pub(super) trait Named: Abi + Sized + 'static {
    const NAME: &'static CStr;
    const USED: &'static CStr;
}

impl Named for DLManagedTensor {
    const NAME: &'static CStr = LEGACY_CAPSULE.0;
    const USED: &'static CStr = LEGACY_CAPSULE.1;
}

impl Named for DLManagedTensorVersioned {
    const NAME: &'static CStr = VERSIONED_CAPSULE.0;
    const USED: &'static CStr = VERSIONED_CAPSULE.1;
}

/// A tensor out of a capsule, which is used up.
pub(super) enum Taken {
    Versioned(VersionedTensor),
    Legacy(LegacyTensor),
}

/// Consumes a capsule: renames it before anything that can fail.
pub(super) fn take(capsule: &Bound<'_, PyAny>) -> PyResult<Taken> {
    with_critical_section(capsule, || {
        if let Some(tensor) = rename::<DLManagedTensorVersioned>(capsule) {
            // SAFETY: *protocol*.
            return Ok(Taken::Versioned(unsafe { VersionedTensor::from_raw(tensor) }?));
        }
        if let Some(tensor) = rename::<DLManagedTensor>(capsule) {
            // SAFETY: *protocol*.
            return Ok(Taken::Legacy(unsafe { LegacyTensor::from_raw(tensor) }?));
        }
        Err(no_tensor(capsule))
    })
}

/// The tensor of a capsule of this name, which is renamed; `None` if it has another name.
#[inline]
fn rename<A: Named>(capsule: &Bound<'_, PyAny>) -> Option<*mut A> {
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyCapsule_CheckExact(capsule.as_ptr()) } == 0 {
        return None;
    }
    // Asked for the pointer at once: to ask whether there is one first would compare the names twice.
    // SAFETY: a capsule, which compares the names.
    let tensor = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), A::NAME.as_ptr()) };
    if tensor.is_null() {
        // SAFETY: attached; the error is that of the name.
        unsafe { ffi::PyErr_Clear() };
        return None;
    }
    // SAFETY: a capsule; the name is static.
    unsafe { ffi::PyCapsule_SetName(capsule.as_ptr(), A::USED.as_ptr()) };
    Some(tensor.cast())
}

#[cold]
fn no_tensor(capsule: &Bound<'_, PyAny>) -> PyErr {
    let used = [DLManagedTensorVersioned::USED, DLManagedTensor::USED];
    let is_used = used.iter().any(|name| {
        // SAFETY: any object may be asked.
        unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), name.as_ptr()) != 0 }
    });
    if is_used {
        return PyBufferError::new_err(
            "the DLPack capsule has been consumed already; ask the producer for another one",
        );
    }
    PyTypeError::new_err(format!("expected a DLPack capsule, found {}", capsule.get_type()))
}

/// A capsule that owns a tensor until somebody consumes it.
#[inline]
pub(super) fn give<A: Named>(py: Python<'_>, tensor: ManagedTensor<A>) -> PyResult<Bound<'_, PyAny>> {
    let pointer = tensor.into_raw();
    // SAFETY: the pointer is not NULL, the name static, the destructor that of this name.
    let capsule = unsafe { ffi::PyCapsule_New(pointer.cast(), A::NAME.as_ptr(), Some(destroy::<A>)) };
    // SAFETY: a new reference, or NULL with an exception set.
    let capsule = unsafe { Bound::from_owned_ptr_or_err(py, capsule) };
    if capsule.is_err() {
        // SAFETY: no capsule took the tensor over.
        drop(unsafe { ManagedTensor::from_raw(pointer) });
    }
    capsule
}

/// Ends a tensor that nobody consumed.
///
/// # Safety
///
/// *protocol*; called by Python, attached, as the capsule's destructor.
unsafe extern "C" fn destroy<A: Named>(capsule: *mut ffi::PyObject) {
    // SAFETY: Python passes the capsule that dies.
    if unsafe { ffi::PyCapsule_IsValid(capsule, A::NAME.as_ptr()) } == 0 {
        return;
    }
    // SAFETY: a capsule of this name.
    let tensor: *mut A = unsafe { ffi::PyCapsule_GetPointer(capsule, A::NAME.as_ptr()) }.cast();
    // SAFETY: destructors run attached.
    let py = unsafe { Python::assume_attached() };
    undisturbed(py, || {
        // SAFETY: *protocol*: not consumed.
        drop(unsafe { ManagedTensor::from_raw(tensor) });
    });
}
