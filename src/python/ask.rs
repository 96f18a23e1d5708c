//! The plain question to a producer, `__dlpack__(max_version=…)`, in one call without a bound method and without a dictionary: what a hand-over of
//! nanoseconds would otherwise mostly cost.
//!
//! # Safety
//!
//! Invariant *exported*: `PyObject_VectorcallMethod` has been part of CPython since 3.9, with one signature, and of its stable ABI since 3.12; 3.11, the
//! oldest version that this crate supports, exports it too, and no longer changes.
#![allow(unsafe_code)]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The capsule of an object that knows the new keyword. `None` decides nothing: there may be no such method, or an older one.
#[cfg(unix)]
#[inline]
pub(super) fn capsule_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    use pyo3::exceptions::PyAttributeError;
    use pyo3::ffi;
    use pyo3::intern;
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyTuple;

    unsafe extern "C" {
        fn PyObject_VectorcallMethod(
            name: *mut ffi::PyObject,
            args: *const *mut ffi::PyObject,
            nargsf: usize,
            kwnames: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject;
    }

    static KEYWORD: PyOnceLock<(Py<PyTuple>, Py<PyAny>)> = PyOnceLock::new();
    let py = object.py();
    let (names, version) = KEYWORD.get_or_try_init(py, || {
        // Producers know their own names by address.
        let names = PyTuple::new(py, [intern!(py, "max_version")])?.unbind();
        let version = crate::dlpack::VERSION.into_pyobject(py)?.into_any().unbind();
        PyResult::Ok((names, version))
    })?;
    let (name, args) = (intern!(py, "__dlpack__"), [object.as_ptr(), version.as_ptr()]);
    // SAFETY: *exported*; one positional argument, the object, and one value for each of the names.
    let capsule = unsafe { PyObject_VectorcallMethod(name.as_ptr(), args.as_ptr(), 1, names.as_ptr()) };
    // SAFETY: a new reference, or NULL with an exception set.
    match unsafe { Bound::from_owned_ptr_or_err(py, capsule) } {
        Ok(capsule) => Ok(Some(capsule)),
        Err(error) if error.is_instance_of::<PyAttributeError>(py) || is_about_arguments(py, &error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a function says that it does not know the arguments, and not that it does not like its object: older producers are asked again without.
pub(super) fn is_about_arguments(py: Python<'_>, error: &PyErr) -> bool {
    let words = ["argument", "keyword", "parameter", "max_version"];
    error.is_instance_of::<PyTypeError>(py) && {
        let text = error.value(py).to_string();
        words.iter().any(|word| text.contains(word))
    }
}

/// Where the stable ABI is all that there is.
#[cfg(not(unix))]
pub(super) fn capsule_of<'py>(_: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(None)
}
