//! The DLPack C exchange API: offered by [`PyView`](super::PyView), and consumed where a type offers it.
//!
//! # Safety
//!
//! Invariant *table*: a capsule named [`CAPSULE`] on a type points to a table that lives as long as the process, and whose functions may be called,
//! attached, with objects of that type.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use dlpack_rs::ffi::{DLDeviceType, DLManagedTensorVersioned, DLPackExchangeAPI, DLPackExchangeAPIHeader, DLTensor};
use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::{ffi, intern};

use super::door::Door;
use super::view::PyView;
use crate::convert::CopyPolicy;
use crate::dlpack::exchange::{CAPSULE, find, version};
use crate::dlpack::{self, BorrowedTensor, VersionedTensor};

/// What is known of a type, for good: types are looked up at every call.
struct Slot {
    /// NULL, [`BUSY`], or a type that is kept alive.
    class: AtomicPtr<ffi::PyTypeObject>,
    /// Its table, or NULL if it has none.
    table: AtomicPtr<DLPackExchangeAPI>,
    lazy: AtomicBool,
    arrow: AtomicBool,
}

impl Slot {
    #[inline(always)]
    fn facts(&self) -> Facts {
        Facts {
            // SAFETY: *table*: put there by `facts_beyond`.
            table: unsafe { self.table.load(Ordering::Relaxed).as_ref() },
            lazy: self.lazy.load(Ordering::Relaxed),
            arrow: self.arrow.load(Ordering::Relaxed),
        }
    }
}

/// What the exchange needs to know of a type.
#[derive(Clone, Copy)]
struct Facts {
    table: Option<&'static DLPackExchangeAPI>,
    /// Whether its objects may be more than their bytes: PyTorch conjugates and negates when items are read, and records gradients.
    lazy: bool,
    /// Whether its objects are Arrow arrays, too.
    arrow: bool,
}

const SLOTS: usize = 256;
const PROBES: usize = 8;
static KNOWN: [Slot; SLOTS] = [const {
    Slot {
        class: AtomicPtr::new(ptr::null_mut()),
        table: AtomicPtr::new(ptr::null_mut()),
        lazy: AtomicBool::new(false),
        arrow: AtomicBool::new(false),
    }
}; SLOTS];
const BUSY: *mut ffi::PyTypeObject = ptr::without_provenance_mut(1);

/// The tensor of an object whose type offers the table; `None` if it does not, or is not wanted.
#[inline]
pub(super) fn tensor_of(object: &Bound<'_, PyAny>, table_wanted: bool) -> PyResult<Option<VersionedTensor>> {
    let facts = facts_of(object)?;
    let Some(table) = facts.table.filter(|_| table_wanted) else {
        return Ok(None);
    };
    let Some(function) = table.managed_tensor_from_py_object_no_sync else {
        return Ok(None);
    };
    let mut tensor = ptr::null_mut();
    // SAFETY: *table*: the object is of the type.
    let code = unsafe { function(object.as_ptr().cast(), &raw mut tensor) };
    if code != 0 {
        return Err(PyErr::take(object.py()).unwrap_or_else(|| {
            let text = "the producer's exchange API failed without an exception";
            PyRuntimeError::new_err(text)
        }));
    }
    // SAFETY: *table*: a live struct that is ours to consume.
    Ok(Some(unsafe { VersionedTensor::from_raw(tensor) }?))
}

/// Refuses objects whose items are conjugated or negated when they are read, whatever the door: their bytes say something else. And those whose
/// gradients are recorded: their own `__dlpack__` refuses them, and the table of their type does not.
#[inline]
pub(super) fn refuse_lazy(object: &Bound<'_, PyAny>) -> PyResult<()> {
    if facts_of(object)?.lazy {
        ask_lazy(object)
    } else {
        Ok(())
    }
}

/// Whether an object's type is known to offer no table and to be what its bytes say.
#[inline]
pub(super) fn is_plain(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let facts = facts_of(object)?;
    Ok(facts.table.is_none() && !facts.lazy)
}

/// Whether an object's type has the door of Arrow's arrays. To ask the object costs more, where it has not.
pub(super) fn is_arrow(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(facts_of(object)?.arrow)
}

fn ask_lazy(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = object.py();
    for (question, remedy) in [
        (intern!(py, "is_neg"), "resolve_neg"),
        (intern!(py, "is_conj"), "resolve_conj"),
    ] {
        if object.call_method0(question)?.is_truthy()? {
            let text = format!("the items are not what the bytes say ({question} is true); call {remedy}() first");
            return Err(PyBufferError::new_err(text));
        }
    }
    if let Some(tracked) = object.getattr_opt(intern!(py, "requires_grad"))?
        && tracked.is_truthy()?
    {
        let text = "the tensor requires gradients, and a view would write it behind their back; call detach() first";
        return Err(PyBufferError::new_err(text));
    }
    Ok(())
}

#[inline]
fn facts_of(object: &Bound<'_, PyAny>) -> PyResult<Facts> {
    let class = object.get_type_ptr();
    let first = class.addr() >> 4;
    let slot = &KNOWN[first % SLOTS];
    if slot.class.load(Ordering::Acquire) == class {
        return Ok(slot.facts());
    }
    facts_beyond(object, class, first)
}

/// The facts of a type that is not where it would be first, or not known yet.
#[inline(never)]
fn facts_beyond(object: &Bound<'_, PyAny>, class: *mut ffi::PyTypeObject, first: usize) -> PyResult<Facts> {
    // Types that meet in a slot move on to the next, a few steps far.
    let slots = (first..first + PROBES).map(|position| &KNOWN[position % SLOTS]);
    for slot in slots.clone() {
        if slot.class.load(Ordering::Acquire) == class {
            return Ok(slot.facts());
        }
    }
    let facts = look_up(object)?;
    let is_free = |slot: &&Slot| {
        let (free, taken) = (ptr::null_mut(), BUSY);
        let won = slot
            .class
            .compare_exchange(free, taken, Ordering::Relaxed, Ordering::Relaxed);
        won.is_ok()
    };
    if let Some(slot) = slots.clone().find(is_free) {
        let found = facts
            .table
            .map_or(ptr::null_mut(), |table| ptr::from_ref(table).cast_mut());
        slot.table.store(found, Ordering::Relaxed);
        slot.lazy.store(facts.lazy, Ordering::Relaxed);
        slot.arrow.store(facts.arrow, Ordering::Relaxed);
        // Its address must not become that of another type.
        std::mem::forget(object.get_type());
        slot.class.store(class, Ordering::Release);
    }
    Ok(facts)
}

#[cold]
fn look_up(object: &Bound<'_, PyAny>) -> PyResult<Facts> {
    let (py, class) = (object.py(), object.get_type());
    let lazy = class.hasattr(intern!(py, "is_neg"))? && class.hasattr(intern!(py, "is_conj"))?;
    let capsule = class.getattr_opt(intern!(py, "__dlpack_c_exchange_api__"))?;
    let table = capsule.and_then(|capsule| table_in(&capsule));
    let arrow = class.hasattr(intern!(py, "__arrow_c_array__"))?;
    Ok(Facts { table, lazy, arrow })
}

fn table_in(capsule: &Bound<'_, PyAny>) -> Option<&'static DLPackExchangeAPI> {
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), CAPSULE.as_ptr()) } == 0 {
        return None;
    }
    // SAFETY: a capsule of this name.
    let header = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), CAPSULE.as_ptr()) };
    // SAFETY: *table*.
    unsafe { find(header.cast()) }
}

/// The table that views offer.
struct Offer(DLPackExchangeAPI);

// SAFETY: never written.
unsafe impl Sync for Offer {}

static OFFER: Offer = Offer(DLPackExchangeAPI {
    header: DLPackExchangeAPIHeader {
        version: version(),
        prev_api: ptr::null_mut(),
    },
    managed_tensor_allocator: Some(allocate),
    managed_tensor_from_py_object_no_sync: Some(from_object),
    managed_tensor_to_py_object_no_sync: Some(to_object),
    dltensor_from_py_object_no_sync: Some(borrow_object),
    current_work_stream: Some(current_stream),
});

/// The capsule for the type.
pub(super) fn offer(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let table = (&raw const OFFER.0).cast_mut();
    // SAFETY: static pointer and name; there is nothing to destroy.
    let capsule = unsafe { ffi::PyCapsule_New(table.cast(), CAPSULE.as_ptr(), None) };
    // SAFETY: a new reference, or NULL with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, capsule) }
}

/// Runs the body of a C function: 0, or −1 with an exception set. No panic leaves it.
fn guarded(body: impl FnOnce(Python<'_>) -> PyResult<()>) -> c_int {
    // SAFETY: *table*: callers are attached.
    let py = unsafe { Python::assume_attached() };
    let result = catch_unwind(AssertUnwindSafe(|| body(py)));
    let result = result.unwrap_or_else(|_| Err(PyRuntimeError::new_err("a panic in viewbridge")));
    match result {
        Ok(()) => 0,
        Err(error) => {
            error.restore(py);
            -1
        }
    }
}

/// # Safety
///
/// As the specification has it: `object` is a borrowed view, `out` can be written.
unsafe extern "C" fn from_object(object: *mut c_void, out: *mut *mut DLManagedTensorVersioned) -> c_int {
    guarded(|py| {
        // SAFETY: a borrowed reference.
        let object = unsafe { Bound::from_borrowed_ptr(py, object.cast()) };
        let view = object.cast::<PyView>()?.get();
        let tensor = view.view().to_dlpack(CopyPolicy::IfNeeded)?.value;
        // SAFETY: `out` can be written.
        unsafe { out.write(tensor.into_raw()) };
        Ok(())
    })
}

/// A tensor for as long as the object lives: its shape and strides lie beside the view. Never copies; read-only memory is refused, of which the struct
/// could not tell.
///
/// # Safety
///
/// As the specification has it: `object` is a borrowed view, `out` can be written.
unsafe extern "C" fn borrow_object(object: *mut c_void, out: *mut DLTensor) -> c_int {
    guarded(|py| {
        // SAFETY: a borrowed reference.
        let object = unsafe { Bound::from_borrowed_ptr(py, object.cast()) };
        let tensor = object.cast::<PyView>()?.get().borrowed()?.as_dl_tensor();
        // SAFETY: `out` can be written.
        unsafe { out.write(tensor) };
        Ok(())
    })
}

impl PyView {
    /// The view as a tensor that nobody owns, made once.
    fn borrowed(&self) -> PyResult<&BorrowedTensor<'static>> {
        if let Some(tensor) = self.lent().get() {
            return Ok(tensor);
        }
        let tensor = self.view().borrow_dlpack()?;
        // SAFETY: whoever follows it holds the object, and with it the view's memory, as the specification has it.
        let tensor = Box::new(unsafe { tensor.detach() });
        Ok(self.lent().get_or_init(|| tensor))
    }
}

/// # Safety
///
/// As the specification has it: `tensor` is stolen, `out` can be written.
unsafe extern "C" fn to_object(tensor: *mut DLManagedTensorVersioned, out: *mut *mut c_void) -> c_int {
    guarded(|py| {
        // SAFETY: a live struct that is ours to consume.
        let tensor = unsafe { VersionedTensor::from_raw(tensor) }?;
        let view = PyView::taken(tensor.into_view()?, Door::ExchangeApi, None);
        let object = Bound::new(py, view)?.into_ptr();
        // SAFETY: `out` can be written.
        unsafe { out.write(object.cast()) };
        Ok(())
    })
}

/// The CPU has no streams, and of other devices we launch nothing.
///
/// # Safety
///
/// As the specification has it: `out` can be written.
unsafe extern "C" fn current_stream(_: DLDeviceType::Type, _: i32, out: *mut *mut c_void) -> c_int {
    // SAFETY: `out` can be written.
    unsafe { out.write(ptr::null_mut()) };
    0
}

type SetError = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char);

/// A new tensor of zeroes, on the CPU. Called without the interpreter.
///
/// # Safety
///
/// As the specification has it: `prototype` is alive, `out` can be written.
unsafe extern "C" fn allocate(
    prototype: *mut DLTensor,
    out: *mut *mut DLManagedTensorVersioned,
    context: *mut c_void,
    set_error: Option<SetError>,
) -> c_int {
    // SAFETY: the prototype is alive.
    let made = catch_unwind(AssertUnwindSafe(|| unsafe { dlpack::allocate_like(prototype) }));
    let message = match made {
        Ok(Ok(tensor)) => {
            // SAFETY: `out` can be written.
            unsafe { out.write(tensor.into_raw()) };
            return 0;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a panic in viewbridge".to_owned(),
    };
    if let (Some(set_error), Ok(message)) = (set_error, std::ffi::CString::new(message)) {
        // SAFETY: the caller's own function, with strings that live until it returns.
        unsafe { set_error(context, c"BufferError".as_ptr(), message.as_ptr()) };
    }
    -1
}
