//! `__dlpack__` and `__dlpack_device__`.
//!
//! # Safety
//!
//! Invariant *same memory*: a view whose device is renamed, or whose rights are fewer, shows the bytes of the view that owns it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use pyo3::exceptions::PyBufferError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::import::{call, parse_device};
use super::view::PyView;
use super::{calls, capsule};
use crate::buffer::Buffer;
use crate::convert::CopyPolicy;
use crate::dlpack::VERSION;
use crate::dlpack::exchange::takes_versioned;
use crate::memory::{Access, Device};
use crate::view::StridedView;

/// The stream that stands for "do not synchronise".
const NO_SYNC: i64 = -1;

/// The array API's `copy` as a policy.
pub(super) fn policy(copy: Option<bool>) -> CopyPolicy {
    match copy {
        None => CopyPolicy::IfNeeded,
        Some(true) => CopyPolicy::Always,
        Some(false) => CopyPolicy::Never,
    }
}

/// Bytes from which on a copy lets other threads run.
const LARGE: usize = 1 << 20;

/// Runs what may copy so many bytes: without the interpreter, if they are many.
pub(super) fn detached<T: Send>(py: Python<'_>, bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    if bytes >= LARGE { py.detach(work) } else { work() }
}

/// The memory as a DLPack capsule, for a consumer's ``from_dlpack``.
///
/// Parameters
/// ----------
/// stream : int, optional
///     The consumer's stream, for memory on a device: it is handed on to the object that the view was taken from, which orders its own
///     work before that of the consumer. -1 asks for no synchronisation.
/// max_version : tuple of int, optional
///     The newest DLPack version that the consumer understands. Without it the capsule is one of DLPack before 1.0.
/// dl_device : tuple of int, optional
///     The device wanted. Memory is not moved.
/// copy : bool, optional
///     True copies always, None if needed, False never.
///
/// Returns
/// -------
/// capsule
///
/// Raises
/// ------
/// BufferError
///     If a copy is needed and forbidden, if DLPack has no such dtype, if the memory is on another device, or if it is read-only and the
///     consumer's version cannot say so.
#[pyfunction]
#[pyo3(
    name = "__dlpack__",
    signature = (slf, /, *, stream=None, max_version=None, dl_device=None, copy=None),
    text_signature = "($self, /, *, stream=None, max_version=None, dl_device=None, copy=None)"
)]
pub(super) fn dlpack<'py>(
    slf: &Bound<'py, PyView>,
    stream: Option<&Bound<'py, PyAny>>,
    max_version: Option<(u32, u32)>,
    dl_device: Option<&Bound<'py, PyAny>>,
    copy: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, this) = (slf.py(), slf.get());
    if stream.is_some() || this.view().device() != Device::CPU {
        this.synchronise(py, stream)?;
    }
    let renamed = dl_device.map(|device| this.on_device(device)).transpose()?;
    let view = renamed.as_ref().unwrap_or(this.view());
    // Without a copy there is nothing to let others run for.
    let bytes = if copy == Some(false) || view.is_c_contiguous() && copy.is_none() {
        0
    } else {
        view.nbytes()
    };
    if takes_versioned(max_version) {
        let tensor = detached(py, bytes, || view.to_dlpack(policy(copy)))?;
        capsule::give(py, tensor.value)
    } else {
        let tensor = detached(py, bytes, || view.to_dlpack_legacy(policy(copy)))?;
        capsule::give(py, tensor.value)
    }
}

/// The device as DLPack's pair of numbers: type, id.
#[pyfunction]
#[pyo3(name = "__dlpack_device__", signature = (slf, /), text_signature = "($self, /)")]
pub(super) fn dlpack_device(slf: &Bound<'_, PyView>) -> (u32, i32) {
    let Device { device_type, device_id } = slf.get().view().device();
    (device_type, device_id)
}

#[pymethods]
impl PyView {
    #[classattr]
    #[pyo3(name = "__dlpack__")]
    fn dlpack_method(py: Python<'_>) -> PyResult<Py<PyAny>> {
        calls::dlpack_method(py)
    }

    #[classattr]
    #[pyo3(name = "__dlpack_device__")]
    fn dlpack_device_method(py: Python<'_>) -> PyResult<Py<PyAny>> {
        calls::device_method(py)
    }
}

impl PyView {
    /// Has the producer order its pending work before that of `stream`.
    ///
    /// Nothing is launched here, so that only the producer has work to wait for. Without a producer (a bare capsule came in) the consumer of
    /// that capsule has synchronised.
    #[cold]
    fn synchronise<'py>(&self, py: Python<'py>, stream: Option<&Bound<'py, PyAny>>) -> PyResult<()> {
        let device = self.view().device();
        if device == Device::CPU {
            let text = "the CPU has no streams: stream must be None";
            return Err(PyBufferError::new_err(text));
        }
        if stream.is_some_and(|stream| stream.extract::<i64>().is_ok_and(|stream| stream == NO_SYNC)) {
            return Ok(());
        }
        // Host memory comes synchronised, unless the consumer insists.
        if stream.is_none() && device.is_cpu_readable() {
            return Ok(());
        }
        let Some(method) = self.base(py).and_then(|base| base.getattr("__dlpack__").ok()) else {
            return Ok(());
        };
        let keywords = PyDict::new(py);
        keywords.set_item(intern!(py, "stream"), stream)?;
        keywords.set_item(intern!(py, "max_version"), VERSION)?;
        // The capsule itself is not needed; dropping it runs the deleter.
        call(&method, &keywords).map(drop)
    }

    /// The same memory under the name of another device that can read it.
    #[cold]
    fn on_device(&self, device: &Bound<'_, PyAny>) -> PyResult<StridedView<'static>> {
        let view = self.view();
        let Some(wanted) = parse_device(Some(device))? else {
            return Ok(view.clone());
        };
        let found = view.device();
        if wanted == found {
            return Ok(view.clone());
        }
        if wanted != Device::CPU || !found.is_cpu_readable() {
            let text =
                format!("the memory is on {found}, and is not moved to {wanted}; let the library that owns it move it");
            return Err(PyBufferError::new_err(text));
        }
        Ok(renamed(view, wanted, view.access()))
    }
}

/// The same memory under the name of another device that can read it, and with no more rights than it has.
pub(super) fn renamed(view: &StridedView<'static>, device: Device, access: Access) -> StridedView<'static> {
    let (old, dtype, layout) = (view.buffer().clone(), view.dtype().clone(), view.layout().clone());
    let (ptr, len, kind) = (old.as_ptr().cast_mut(), old.len(), old.owner_kind());
    let ptr = NonNull::new(ptr).unwrap_or(NonNull::dangling());
    // SAFETY: *same memory*: the old buffer keeps it alive.
    let buffer = unsafe { Buffer::from_raw_parts(ptr, len, access, device, kind, old) };
    StridedView::from_parts(buffer, dtype, layout, view.shared_logical())
}
