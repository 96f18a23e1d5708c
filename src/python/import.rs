//! From a Python object to a view.

use dlpack_rs::ffi::DLManagedTensorVersioned;
use pyo3::exceptions::{PyBufferError, PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};
use pyo3::{PyTypeInfo, intern};

use super::capsule::{self, Taken};
use super::door::Door;
use super::export::detached;
use super::view::PyView;
use super::{arrow, ask, buffer, exchange, interface};
use crate::arrow::Nulls;
use crate::convert::{CopyPolicy, Requirements};
use crate::dlpack::{ManagedTensor, ProducerCopy, VERSION};
use crate::memory::Device;
use crate::view::StridedView;

/// What to ask of a producer: the arguments of the array API's `from_dlpack`.
#[derive(Clone, Copy, Default)]
pub(super) struct Wish {
    pub(super) device: Option<Device>,
    pub(super) copy: Option<bool>,
}

/// A door behind those of DLPack: `None` if the object does not have it.
type Other = fn(&Bound<'_, PyAny>, Option<bool>) -> PyResult<Option<PyView>>;

/// Any array, through the first door that it offers and that can express it.
pub(super) fn take(object: &Bound<'_, PyAny>, copy: Option<bool>) -> PyResult<PyView> {
    let py = object.py();
    let wish = Wish { copy, device: None };
    if let Ok(view) = object.cast::<PyView>() {
        return finish(py, view.get().clone_ref(py), wish);
    }
    exchange::refuse_lazy(object)?;
    // What DLPack has no word for (times, records, foreign byte order) may go through another door.
    match dlpack(object, wish) {
        Ok(Some(view)) => Ok(view),
        Ok(None) => take_otherwise(object, copy, None),
        Err(error) => take_otherwise(object, copy, Some(error)),
    }
}

/// Any array, through the doors behind those of DLPack, which is not there or gave an error.
pub(super) fn take_otherwise(object: &Bound<'_, PyAny>, copy: Option<bool>, first: Option<PyErr>) -> PyResult<PyView> {
    let py = object.py();
    let wish = Wish { copy, device: None };
    let first = match first {
        // An interrupt is no answer.
        Some(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
        other => other,
    };
    let doors: [Other; 3] = [
        |object, _| buffer::take(object),
        |object, copy| Ok(arrow::take(object, Nulls::Forbid, copy)?.map(|taken| taken.values)),
        |object, _| interface::take(object),
    ];
    let mut last = None;
    for door in doors {
        match door(object, copy) {
            Ok(Some(view)) => return finish(py, view, wish),
            Ok(None) => {}
            Err(error) if error.is_instance_of::<PyException>(py) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    match (last, first) {
        (Some(last), first) => {
            if let Some(first) = first {
                last.set_cause(py, Some(first));
            }
            Err(last)
        }
        (None, Some(first)) => Err(first),
        (None, None) => Err(PyTypeError::new_err(format!(
            "{} offers no memory: it has neither DLPack, nor a buffer, nor Arrow data, nor an array interface",
            object.get_type()
        ))),
    }
}

/// The common case, straight into a Python object: a versioned capsule of an object without surprises. `None` decides nothing.
///
/// A view is some 300 bytes, and moving it from result to result costs as much as making it.
#[inline]
pub(super) fn plain<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyView>>> {
    if !exchange::is_plain(object)? {
        let view = object.cast_exact::<PyView>().ok();
        return view
            .map(|view| Bound::new(object.py(), view.get().clone_ref(object.py())))
            .transpose();
    }
    let Some(capsule) = ask::capsule_of(object)? else {
        return Ok(None);
    };
    match capsule::take(&capsule)? {
        Taken::Versioned(tensor) if tensor.producer_copy() == ProducerCopy::Unknown => {
            let view = PyView::taken(tensor.into_view()?, Door::Dlpack, Some(object));
            Bound::new(object.py(), view).map(Some)
        }
        taken => Bound::new(object.py(), admit(taken, Some(object))?).map(Some),
    }
}

/// As the array API's `from_dlpack`. A capsule will do, too.
pub(super) fn from_dlpack(object: &Bound<'_, PyAny>, wish: Wish) -> PyResult<PyView> {
    exchange::refuse_lazy(object)?;
    if let Some(view) = dlpack(object, wish)? {
        return Ok(view);
    }
    if PyCapsule::is_type_of(object) {
        return finish(object.py(), admit(capsule::take(object)?, None)?, wish);
    }
    Err(PyTypeError::new_err(format!("{} has no __dlpack__", object.get_type())))
}

/// Through one of DLPack's doors; `None` if there is neither. The object is none whose items are not what the bytes say.
fn dlpack(object: &Bound<'_, PyAny>, wish: Wish) -> PyResult<Option<PyView>> {
    if let Ok(view) = object.cast::<PyView>() {
        return finish(object.py(), view.get().clone_ref(object.py()), wish).map(Some);
    }
    // The table has no word for a copy, and the copies of some producers do not say that they are any.
    let table_will_do = wish.device.is_none() && wish.copy != Some(true);
    if let Some(tensor) = exchange::tensor_of(object, table_will_do)? {
        let base = Some(object);
        return finish(object.py(), admit_tensor(tensor, Door::ExchangeApi, base)?, wish).map(Some);
    }
    if wish.device.is_none()
        && wish.copy.is_none()
        && let Some(capsule) = ask::capsule_of(object)?
    {
        return admit(capsule::take(&capsule)?, Some(object)).map(Some);
    }
    let Some(method) = object.getattr_opt(intern!(object.py(), "__dlpack__"))? else {
        return Ok(None);
    };
    let (keywords, asked_copy) = keywords(object, wish)?;
    let (capsule, understood) = call(&method, &keywords)?;
    let mut view = admit(capsule::take(&capsule)?, Some(object))?;
    if asked_copy && understood {
        // Taken at its word: some producers copy and do not say so.
        view.note_foreign_copy();
        return Ok(Some(view));
    }
    finish(object.py(), view, wish).map(Some)
}

/// The keywords for a producer, and whether it is asked for a copy. Memory that the CPU can read is copied here, so that the copy is certain.
fn keywords<'py>(object: &Bound<'py, PyAny>, wish: Wish) -> PyResult<(Bound<'py, PyDict>, bool)> {
    let keywords = PyDict::new(object.py());
    keywords.set_item(intern!(object.py(), "max_version"), VERSION)?;
    if wish.device.is_none() && wish.copy.is_none() {
        return Ok((keywords, false));
    }
    let there = device_of(object)?;
    let moved = wish.device.filter(|wanted| there != Some(*wanted));
    if let Some(Device { device_type, device_id }) = moved {
        keywords.set_item("dl_device", (device_type, device_id))?;
    }
    let readable = there.is_none_or(Device::is_cpu_readable) && moved.is_none();
    let asked = wish.copy.filter(|copy| !copy || !readable);
    if let Some(copy) = asked {
        keywords.set_item("copy", copy)?;
    }
    Ok((keywords, asked == Some(true)))
}

/// What a producer says of its device.
fn device_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Device>> {
    let Some(method) = object.getattr_opt(intern!(object.py(), "__dlpack_device__"))? else {
        return Ok(None);
    };
    let pair = method.call0()?;
    let (device_type, device_id) = (pair.get_item(0)?, pair.get_item(1)?);
    Ok(Some(Device {
        // An enumeration, as often as not.
        device_type: device_type.extract()?,
        device_id: device_id.extract()?,
    }))
}

/// Calls `__dlpack__` with the new keywords, and without them if it does not know them. Says whether it knew them.
pub(super) fn call<'py>(
    method: &Bound<'py, PyAny>,
    keywords: &Bound<'py, PyDict>,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let py = method.py();
    match method.call(PyTuple::empty(py), Some(keywords)) {
        Ok(capsule) => Ok((capsule, true)),
        Err(error) if ask::is_about_arguments(py, &error) => {
            if keywords.contains(intern!(py, "dl_device"))? {
                let text = "the producer cannot move the memory to another device";
                let refused = PyBufferError::new_err(text);
                refused.set_cause(py, Some(error));
                return Err(refused);
            }
            let old = PyDict::new(py);
            if let Some(stream) = keywords.get_item(intern!(py, "stream"))? {
                old.set_item(intern!(py, "stream"), stream)?;
            }
            Ok((method.call((), Some(&old))?, false))
        }
        Err(error) => Err(error),
    }
}

fn admit(taken: Taken, base: Option<&Bound<'_, PyAny>>) -> PyResult<PyView> {
    match taken {
        Taken::Versioned(tensor) => admit_tensor(tensor, Door::Dlpack, base),
        Taken::Legacy(tensor) => Ok(PyView::taken(tensor.into_view()?, Door::DlpackLegacy, base)),
    }
}

/// A checked view. A copy that the producer made has nothing to do with the object any more.
fn admit_tensor(
    tensor: ManagedTensor<DLManagedTensorVersioned>,
    door: Door,
    base: Option<&Bound<'_, PyAny>>,
) -> PyResult<PyView> {
    let copied = tensor.producer_copy() == ProducerCopy::Copied;
    let mut view = PyView::taken(tensor.into_view()?, door, base);
    if copied {
        view.note_foreign_copy();
    }
    Ok(view)
}

/// What was asked for and the producer did not do.
pub(super) fn finish(py: Python<'_>, view: PyView, wish: Wish) -> PyResult<PyView> {
    if let Some(wanted) = wish.device
        && wanted != view.view().device()
        && !(wanted == Device::CPU && view.view().device().is_cpu_readable())
    {
        let found = view.view().device();
        let text = format!("the memory is on {found}, not on {wanted}; the producer did not move it");
        return Err(PyBufferError::new_err(text));
    }
    match wish.copy {
        Some(true) if !view.is_foreign_copy() => view.copied(py),
        Some(false) if view.is_foreign_copy() => {
            let text = "the producer copied, and copy=False forbids it; allow it with copy=None";
            Err(PyBufferError::new_err(text))
        }
        _ => Ok(view),
    }
}

impl PyView {
    /// A copy of its own, with the axes in the order of memory.
    fn copied(&self, py: Python<'_>) -> PyResult<Self> {
        const OWN: Requirements = Requirements::any("a copy");
        let view = self.view();
        let made = detached(py, view.nbytes(), || view.convert(&OWN, CopyPolicy::Always))?;
        Ok(self.converted(py, made))
    }
}

/// A fresh copy as NumPy has it: for everybody to write.
pub(super) fn writable(view: StridedView<'static>) -> StridedView<'static> {
    match view.into_mut() {
        Ok(view) => view.share(),
        Err((view, _)) => view,
    }
}

/// A device as Python callers name it: `None`, `"cpu"`, `"cuda:1"`, or DLPack's pair of numbers.
pub(super) fn parse_device(device: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Device>> {
    const NAMES: [(&str, u32); 9] = [
        ("cpu", 1),
        ("cuda", 2),
        ("cuda_host", 3),
        ("opencl", 4),
        ("vulkan", 7),
        ("metal", 8),
        ("rocm", 10),
        ("rocm_host", 11),
        ("cuda_managed", 13),
    ];
    let Some(device) = device else {
        return Ok(None);
    };
    if let Ok((device_type, device_id)) = device.extract() {
        return Ok(Some(Device { device_type, device_id }));
    }
    // Other libraries' device objects print as their names.
    let text = device.str()?;
    let text = text.to_str()?;
    let (name, number) = text.split_once(':').unwrap_or((text, "0"));
    let known = NAMES.iter().find(|(known, _)| *known == name);
    match (known, number.parse()) {
        (Some(&(_, device_type)), Ok(device_id)) => Ok(Some(Device { device_type, device_id })),
        _ => Err(PyValueError::new_err(format!(
            "unknown device {text:?}; name one as \"cpu\", \"cuda:0\" or (device_type, device_id)"
        ))),
    }
}
