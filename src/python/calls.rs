//! The calls that take nanoseconds: `asview`, `from_dlpack`, `View.__dlpack__` and `View.__dlpack_device__`.
//!
//! To read arguments by a signature costs as much as the hand-over itself. So each of the four is a C function that looks for the one call that
//! consumers make, and leaves every other to a function with a signature, which also has its documentation and words its errors.
//!
//! # Safety
//!
//! - Invariant *fastcall*: Python calls a function of `METH_FASTCALL | METH_KEYWORDS` attached, with `count` positional arguments, one more for each
//!   name, all of them alive during the call; `names` is a tuple of strings, or NULL.
//! - Invariant *method*: a method descriptor of a type hands on objects of that type alone.
//! - Invariant *uncounted*: pyo3 does not know that the thread is attached, so that no `Py` may be dropped here: it would be kept until somebody
//!   attaches. What drops some is called by [`full`], or attaches.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyInt, PyString, PyTuple};
use pyo3::{PyTypeInfo, ffi};

use super::view::PyView;
use super::{capsule, export, functions, import};
use crate::dlpack::exchange::takes_versioned;
use crate::memory::Device;
use crate::view::StridedView;

type Quick = ffi::PyCFunctionFastWithKeywords;
type Object = *mut ffi::PyObject;

/// A function with a signature, for all calls but the plain one, and what Python knows of the quick one.
struct Full {
    function: PyOnceLock<Py<PyCFunction>>,
    definition: OnceLock<Definition>,
}

/// For good: functions point to it.
struct Definition(Box<UnsafeCell<ffi::PyMethodDef>>);

// SAFETY: Python alone looks at it, and does not write it.
unsafe impl Send for Definition {}
// SAFETY: as above.
unsafe impl Sync for Definition {}

impl Full {
    const fn new() -> Self {
        Self {
            function: PyOnceLock::new(),
            definition: OnceLock::new(),
        }
    }

    /// What Python is to know of the quick function: the name, and the signature and documentation of the full one.
    fn describe(
        &self,
        py: Python<'_>,
        name: &'static CStr,
        quick: Quick,
        full: Bound<'_, PyCFunction>,
    ) -> PyResult<*mut ffi::PyMethodDef> {
        let signature: String = full.getattr("__text_signature__")?.extract()?;
        let doc: String = full.getattr("__doc__")?.extract()?;
        let doc = CString::new(format!("{}{signature}\n--\n\n{doc}", name.to_string_lossy()))?;
        let _ = self.function.set(py, full.unbind());
        let definition = self.definition.get_or_init(|| {
            Definition(Box::new(UnsafeCell::new(ffi::PyMethodDef {
                ml_name: name.as_ptr(),
                ml_meth: ffi::PyMethodDefPointer {
                    PyCFunctionFastWithKeywords: quick,
                },
                ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
                ml_doc: doc.into_raw(),
            })))
        });
        Ok(definition.0.get())
    }
}

static ASVIEW: Full = Full::new();
static FROM_DLPACK: Full = Full::new();
static DLPACK: Full = Full::new();
static DEVICE: Full = Full::new();

/// The functions, for a module.
pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let full = wrap_pyfunction!(functions::asview, module)?;
    add(module, ASVIEW.describe(py, c"asview", asview, full)?)?;
    let full = wrap_pyfunction!(functions::from_dlpack, module)?;
    add(module, FROM_DLPACK.describe(py, c"from_dlpack", from_dlpack, full)?)
}

fn add(module: &Bound<'_, PyModule>, described: *mut ffi::PyMethodDef) -> PyResult<()> {
    // SAFETY: described for good; without a `self`.
    let function = unsafe { ffi::PyCFunction_NewEx(described, ptr::null_mut(), module.name()?.as_ptr()) };
    // SAFETY: a new reference, or NULL with an exception set.
    let function = unsafe { Bound::from_owned_ptr_or_err(module.py(), function) }?;
    module.add_function(function.cast_into()?)
}

/// `View.__dlpack__`.
pub(super) fn dlpack_method(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let full = wrap_pyfunction!(export::dlpack, py)?;
    method(py, DLPACK.describe(py, c"__dlpack__", dlpack, full)?)
}

/// `View.__dlpack_device__`.
pub(super) fn device_method(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let full = wrap_pyfunction!(export::dlpack_device, py)?;
    method(py, DEVICE.describe(py, c"__dlpack_device__", dlpack_device, full)?)
}

fn method(py: Python<'_>, described: *mut ffi::PyMethodDef) -> PyResult<Py<PyAny>> {
    let class = PyView::type_object(py);
    // SAFETY: described for good; the type is that of views.
    let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), described) };
    // SAFETY: a new reference, or NULL with an exception set.
    Ok(unsafe { Bound::from_owned_ptr_or_err(py, method) }?.unbind())
}

/// Runs the body of a C function: a new reference, or NULL with an exception set. No panic leaves it.
#[inline(always)]
fn guarded(body: impl FnOnce(Python<'_>) -> Object) -> Object {
    // SAFETY: *fastcall*: attached.
    let py = unsafe { Python::assume_attached() };
    catch_unwind(AssertUnwindSafe(|| body(py))).unwrap_or_else(|_| {
        PyRuntimeError::new_err("a panic in viewbridge").restore(py);
        ptr::null_mut()
    })
}

/// The result of work that pyo3 knows to be attached.
#[cold]
fn attached<'py>(py: Python<'py>, work: impl FnOnce() -> PyResult<Bound<'py, PyAny>>) -> Object {
    Python::attach(|_| match work() {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    })
}

/// The arguments of a call, as Python passes them.
#[derive(Clone, Copy)]
struct Arguments {
    values: *const Object,
    count: ffi::Py_ssize_t,
    names: Object,
}

impl Arguments {
    /// The only argument, if there is one, and no name.
    #[inline(always)]
    fn only<'py>(&self, py: Python<'py>) -> Option<Borrowed<'_, 'py, PyAny>> {
        if self.count != 1 || !self.names.is_null() {
            return None;
        }
        // SAFETY: *fastcall*: one argument.
        let value = unsafe { self.values.read() };
        // SAFETY: *fastcall*: alive during the call.
        Some(unsafe { Borrowed::from_ptr(py, value) })
    }
}

/// Calls the function with a signature.
#[cold]
fn full(py: Python<'_>, function: &Full, slf: Option<Object>, given: Arguments) -> Object {
    attached(py, || {
        let function = function
            .function
            .get(py)
            .expect("described before it can be called")
            .bind(py);
        let value = |position: usize| {
            // SAFETY: *fastcall*: as many as are counted and named.
            let value = unsafe { given.values.wrapping_add(position).read() };
            // SAFETY: *fastcall*: alive.
            unsafe { Bound::from_borrowed_ptr(py, value) }
        };
        let count = given.count.unsigned_abs();
        // SAFETY: *method*.
        let slf = slf.map(|slf| unsafe { Bound::from_borrowed_ptr(py, slf) });
        let positional: Vec<_> = slf.into_iter().chain((0..count).map(value)).collect();
        let positional = PyTuple::new(py, positional)?;
        if given.names.is_null() {
            return function.call1(positional);
        }
        let keywords = PyDict::new(py);
        // SAFETY: *fastcall*.
        let names = unsafe { Bound::from_borrowed_ptr(py, given.names) };
        for (position, name) in names.cast::<PyTuple>()?.iter().enumerate() {
            keywords.set_item(name, value(count + position))?;
        }
        function.call(positional, Some(&keywords))
    })
}

/// # Safety
///
/// *fastcall*.
unsafe extern "C" fn asview(_: Object, values: *const Object, count: ffi::Py_ssize_t, names: Object) -> Object {
    let given = Arguments { values, count, names };
    guarded(|py| {
        let Some(object) = given.only(py) else {
            return full(py, &ASVIEW, None, given);
        };
        match import::plain(&object) {
            Ok(Some(view)) => view.into_ptr(),
            Ok(None) => full(py, &ASVIEW, None, given),
            // What DLPack cannot express has other doors.
            Err(error) => attached(py, || {
                let view = import::take_otherwise(&object, None, Some(error))?;
                Ok(Bound::new(py, view)?.into_any())
            }),
        }
    })
}

/// # Safety
///
/// *fastcall*.
unsafe extern "C" fn from_dlpack(_: Object, values: *const Object, count: ffi::Py_ssize_t, names: Object) -> Object {
    let given = Arguments { values, count, names };
    guarded(|py| {
        let Some(object) = given.only(py) else {
            return full(py, &FROM_DLPACK, None, given);
        };
        match import::plain(&object) {
            Ok(Some(view)) => view.into_ptr(),
            Ok(None) => full(py, &FROM_DLPACK, None, given),
            Err(error) => attached(py, || Err(error)),
        }
    })
}

/// The names of `__dlpack__`'s arguments, as literals of other modules have them.
struct Names {
    max_version: Py<PyString>,
    others: [Py<PyString>; 3],
}

static NAMES: PyOnceLock<Names> = PyOnceLock::new();

impl Names {
    #[inline(always)]
    fn get(py: Python<'_>) -> &Self {
        NAMES.get_or_init(py, || {
            let name = |name| PyString::intern(py, name).unbind();
            Self {
                max_version: name("max_version"),
                others: ["dl_device", "copy", "stream"].map(name),
            }
        })
    }
}

impl Arguments {
    /// Whether a consumer asks for a versioned capsule, and for nothing else. A `false` decides nothing.
    #[inline(always)]
    fn ask_for_a_version(&self, py: Python<'_>) -> bool {
        if self.count != 0 || self.names.is_null() {
            return false;
        }
        let known = Names::get(py);
        // SAFETY: *fastcall*: a tuple.
        let count = unsafe { ffi::PyTuple_Size(self.names) };
        let mut versioned = false;
        for position in 0..count {
            // SAFETY: *fastcall*: within the tuple.
            let name = unsafe { ffi::PyTuple_GetItem(self.names, position) };
            // SAFETY: *fastcall*: a value for each name.
            let value = unsafe { self.values.wrapping_offset(position).read() };
            if name == known.max_version.as_ptr() {
                versioned = is_versioned(py, value);
                if !versioned {
                    return false;
                }
            } else if !is_none(value) || !known.others.iter().any(|other| name == other.as_ptr()) {
                return false;
            }
        }
        versioned
    }
}

fn is_none(value: Object) -> bool {
    // SAFETY: `None` is always there.
    ptr::eq(value, unsafe { ffi::Py_None() })
}

/// Whether a value is a pair of numbers that names a version with flags.
#[inline(always)]
fn is_versioned(py: Python<'_>, value: Object) -> bool {
    // SAFETY: *fastcall*: alive.
    let value = unsafe { Borrowed::from_ptr(py, value) };
    let Ok(pair) = value.cast_exact::<PyTuple>() else {
        return false;
    };
    if pair.len() != 2 {
        return false;
    }
    let number = |position| pair.get_borrowed_item(position).ok().and_then(number);
    let (major, minor) = (number(0), number(1));
    takes_versioned(major.zip(minor))
}

/// A number as it stands: nothing that would have to be asked for it.
#[inline(always)]
fn number(value: Borrowed<'_, '_, PyAny>) -> Option<u32> {
    let value = value.cast_exact::<PyInt>().ok()?;
    // SAFETY: an integer. One that is too large sets an exception, and is -1.
    let number = unsafe { ffi::PyLong_AsLong(value.as_ptr()) };
    if number == -1 {
        // SAFETY: attached.
        unsafe { ffi::PyErr_Clear() };
    }
    u32::try_from(number).ok()
}

/// # Safety
///
/// *fastcall* and *method*.
unsafe extern "C" fn dlpack(slf: Object, values: *const Object, count: ffi::Py_ssize_t, names: Object) -> Object {
    let given = Arguments { values, count, names };
    guarded(|py| {
        // SAFETY: *method*.
        let view = unsafe { view_of(py, &slf) };
        if view.device() == Device::CPU
            && given.ask_for_a_version(py)
            && let Some(tensor) = view.to_dlpack_plain()
        {
            return match capsule::give(py, tensor) {
                Ok(capsule) => capsule.into_ptr(),
                Err(error) => attached(py, || Err(error)),
            };
        }
        full(py, &DLPACK, Some(slf), given)
    })
}

/// # Safety
///
/// *fastcall* and *method*.
unsafe extern "C" fn dlpack_device(
    slf: Object,
    values: *const Object,
    count: ffi::Py_ssize_t,
    names: Object,
) -> Object {
    static CPU: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let given = Arguments { values, count, names };
    guarded(|py| {
        // SAFETY: *method*.
        let view = unsafe { view_of(py, &slf) };
        let (Device::CPU, 0, true) = (view.device(), count, names.is_null()) else {
            return full(py, &DEVICE, Some(slf), given);
        };
        let Device { device_type, device_id } = Device::CPU;
        let pair = CPU.get_or_try_init(py, || Ok((device_type, device_id).into_pyobject(py)?.unbind()));
        match pair {
            Ok(pair) => pair.bind(py).clone().into_any().into_ptr(),
            Err(error) => attached(py, || Err(error)),
        }
    })
}

/// The view of a method's `self`.
///
/// # Safety
///
/// *method*.
#[inline(always)]
unsafe fn view_of<'a>(py: Python<'a>, slf: &'a Object) -> &'a StridedView<'static> {
    // SAFETY: *fastcall*: alive during the call.
    let slf: Borrowed<'a, 'a, PyAny> = unsafe { Borrowed::from_ptr(py, *slf) };
    // SAFETY: *method*.
    let slf: Borrowed<'a, 'a, PyView> = unsafe { slf.cast_unchecked() };
    slf.get().view()
}
