//! The functions of the Python package.

use std::path::PathBuf;

use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::dtype::PyDType;
use super::import::{self, Wish, parse_device};
use super::predict::{self, PyPrediction};
use super::report::{PyFlags, PyInfo, PyReport};
use super::view::PyView;
use super::{arrow, buffer, calls, dtype, files, pickle};
use crate::layout::Overlap;
use crate::view::StridedView;

/// Adds everything that the Python package has to a module.
///
/// # Errors
///
/// Those of the interpreter.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyView>()?;
    module.add_class::<PyDType>()?;
    module.add_class::<PyReport>()?;
    module.add_class::<PyFlags>()?;
    module.add_class::<PyInfo>()?;
    module.add_class::<PyPrediction>()?;
    calls::add_to(module)?;
    for function in [
        wrap_pyfunction!(from_arrow, module)?,
        wrap_pyfunction!(frombuffer, module)?,
        wrap_pyfunction!(open_npy, module)?,
        wrap_pyfunction!(memmap, module)?,
        wrap_pyfunction!(shares_memory, module)?,
        wrap_pyfunction!(may_share_memory, module)?,
        wrap_pyfunction!(byte_bounds, module)?,
        wrap_pyfunction!(broadcast_arrays, module)?,
        wrap_pyfunction!(as_strided, module)?,
        wrap_pyfunction!(sliding_window_view, module)?,
        wrap_pyfunction!(info, module)?,
        wrap_pyfunction!(explain, module)?,
        wrap_pyfunction!(_rebuild, module)?,
    ] {
        module.add_function(function)?;
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}

/// A view of any array's memory.
///
/// Parameters
/// ----------
/// obj : object
///     Anything that offers its memory: through the DLPack C exchange API, ``__dlpack__``, the buffer protocol, ``__arrow_c_device_array__``,
///     ``__arrow_c_array__``, ``__arrow_c_stream__`` or ``__array_interface__``. The first of these that it has and that can express it is taken.
/// copy : bool, optional
///     True copies always, None if needed, False never.
///
/// Returns
/// -------
/// View
///     A view that keeps the memory alive. Its ``report`` says through which door the memory came, and what was copied.
///
/// Raises
/// ------
/// TypeError
///     If the object offers no memory.
/// BufferError
///     If a copy is needed and ``copy`` is False, or if the object breaks its protocol.
#[pyfunction]
#[pyo3(signature = (obj, *, copy=None))]
pub(super) fn asview(obj: &Bound<'_, PyAny>, copy: Option<bool>) -> PyResult<PyView> {
    import::take(obj, copy)
}

/// A view of the memory of an object with ``__dlpack__``, or of a DLPack capsule.
///
/// Parameters
/// ----------
/// x : object
///     The producer.
/// device : str or tuple of int, optional
///     The device wanted, as ``"cpu"``, ``"cuda:0"`` or DLPack's pair of numbers. The producer is asked to move the memory there.
/// copy : bool, optional
///     True copies always, None if needed, False never.
///
/// Returns
/// -------
/// View
///
/// Raises
/// ------
/// BufferError
///     If a copy is needed and ``copy`` is False, if the producer cannot move the memory, or if it breaks the protocol.
#[pyfunction]
#[pyo3(signature = (x, /, *, device=None, copy=None))]
pub(super) fn from_dlpack(
    x: &Bound<'_, PyAny>,
    device: Option<&Bound<'_, PyAny>>,
    copy: Option<bool>,
) -> PyResult<PyView> {
    let device = parse_device(device)?;
    import::from_dlpack(x, Wish { device, copy })
}

/// A view of Arrow data: an array, a column in chunks, a series.
///
/// Parameters
/// ----------
/// obj : object
///     Anything with ``__arrow_c_device_array__``, ``__arrow_c_array__`` or ``__arrow_c_stream__``.
/// nulls : {"forbid", "separate", "ignore"}
///     What to do about nulls: an error; values and validity apart; or the values under them, which Arrow leaves unspecified.
/// copy : bool, optional
///     True copies always, None if needed (to join chunks), False never.
///
/// Returns
/// -------
/// View, or a pair of View and View or None
///     With ``nulls="separate"`` the values, and which rows are valid (None if all are).
#[pyfunction]
#[pyo3(signature = (obj, *, nulls="forbid", copy=None))]
fn from_arrow<'py>(obj: &Bound<'py, PyAny>, nulls: &str, copy: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
    let py = obj.py();
    let Some(taken) = arrow::take(obj, arrow::parse_nulls(nulls)?, copy)? else {
        return Err(PyTypeError::new_err(format!(
            "{} has none of Arrow's C interfaces",
            obj.get_type()
        )));
    };
    let values = import::finish(py, taken.values, Wish { copy, device: None })?;
    let values = Bound::new(py, values)?.into_any();
    if nulls != "separate" {
        return Ok(values);
    }
    let validity = taken.validity.map(|view| Bound::new(py, view)).transpose()?;
    Ok((values, validity).into_pyobject(py)?.into_any())
}

/// One axis of items over the memory of an object with the buffer protocol.
///
/// Parameters
/// ----------
/// buffer : object
///     Its memory has to be contiguous.
/// dtype : dtype
/// count : int
///     Items wanted; -1 for all.
/// offset : int
///     Bytes before the first item.
#[pyfunction]
#[pyo3(signature = (buffer, dtype=None, count=-1, offset=0))]
fn frombuffer(
    buffer: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    count: isize,
    offset: isize,
) -> PyResult<PyView> {
    let Some(taken) = buffer::take(buffer)? else {
        return Err(PyTypeError::new_err(format!(
            "{} has no buffer protocol",
            buffer.get_type()
        )));
    };
    let item = dtype.map_or_else(|| Ok("f8".parse()?), dtype::parse)?;
    if !taken.view().is_c_contiguous() {
        return Err(PyValueError::new_err(
            "the buffer is not contiguous; asview() takes it as it is",
        ));
    }
    let made = files::items(taken.view(), &item, count, offset)?;
    Ok(taken.with_view(buffer.py(), made))
}

/// A ``.npy`` file as a view.
///
/// Parameters
/// ----------
/// path : path
/// mmap : bool
///     True maps the file: nothing is read before it is looked at, and the file must not change meanwhile. False reads it.
#[pyfunction]
#[pyo3(signature = (path, *, mmap=false))]
fn open_npy(py: Python<'_>, path: PathBuf, mmap: bool) -> PyResult<PyView> {
    files::open_npy(py, &path, mmap)
}

/// A file of bare items as a mapped view. The file must not be made shorter meanwhile.
///
/// Parameters
/// ----------
/// path : path
/// dtype : dtype
/// mode : {"r", "c", "r+", "w+"}
///     Read-only; copy-on-write, so that the file stays as it is; written through to the file; or to a new file.
/// offset : int
///     Bytes before the first item.
/// shape : int or tuple of int, optional
///     Without it, one axis over the rest of the file.
/// order : {"C", "F"}
#[pyfunction]
#[pyo3(signature = (path, dtype=None, mode="r", offset=0, shape=None, order="C"))]
fn memmap(
    py: Python<'_>,
    path: PathBuf,
    dtype: Option<&Bound<'_, PyAny>>,
    mode: &str,
    offset: u64,
    shape: Option<super::methods::Axes>,
    order: &str,
) -> PyResult<PyView> {
    let item = dtype.map_or_else(|| Ok("u1".parse()?), dtype::parse)?;
    let shape = shape.map(super::methods::Axes::into_sizes).transpose()?;
    files::memmap(py, &path, &item, mode, offset, shape, order)
}

fn overlap(a: &StridedView<'_>, b: &StridedView<'_>, max_work: Option<usize>) -> PyResult<bool> {
    match a.shares_memory(b, max_work.unwrap_or(10_000_000)) {
        Overlap::Shared => Ok(true),
        Overlap::Disjoint => Ok(false),
        Overlap::TooHard => Err(PyRuntimeError::new_err(
            "max_work is used up; give more, or ask may_share_memory",
        )),
    }
}

/// Whether some byte is an item's of both.
///
/// Parameters
/// ----------
/// a, b : object
///     Any two arrays.
/// max_work : int, optional
///     What the search may cost.
///
/// Raises
/// ------
/// RuntimeError
///     If that was not enough.
#[pyfunction]
#[pyo3(signature = (a, b, /, max_work=None))]
fn shares_memory(a: PyView, b: PyView, max_work: Option<usize>) -> PyResult<bool> {
    overlap(a.view(), b.view(), max_work)
}

/// Whether the two could share memory, as far as their lowest and highest addresses tell.
#[pyfunction]
#[pyo3(signature = (a, b, /))]
fn may_share_memory(a: PyView, b: PyView) -> bool {
    a.view().may_share_memory(b.view())
}

/// The lowest address that an item touches, and the one past the highest.
#[pyfunction]
fn byte_bounds(a: PyView) -> (usize, usize) {
    let start = a.view().buffer().as_ptr().addr();
    let span = a.view().layout().byte_span();
    (start.wrapping_add(span.start), start.wrapping_add(span.end))
}

/// Views of all arrays, repeated to one shape; read-only.
#[pyfunction]
#[pyo3(signature = (*args))]
fn broadcast_arrays<'py>(py: Python<'py>, args: Vec<PyView>) -> PyResult<Bound<'py, PyTuple>> {
    let views: Vec<&StridedView<'static>> = args.iter().map(PyView::view).collect();
    let made = StridedView::broadcast_together(&views)?;
    let made = args
        .iter()
        .zip(made)
        .map(|(arg, view)| Bound::new(py, arg.with_view(py, view)));
    PyTuple::new(py, made.collect::<PyResult<Vec<_>>>()?)
}

/// The memory of an array with other axes. Always checked: every item lies inside of the memory.
///
/// Parameters
/// ----------
/// x : object
/// shape, strides : tuple of int, optional
///     Strides are in bytes. Default: those of the array.
/// offset : int
///     Bytes from the array's first item to that of the result.
///
/// Returns
/// -------
/// View
///     Read-only if items overlap.
#[pyfunction]
#[pyo3(signature = (x, shape=None, strides=None, *, offset=0))]
fn as_strided(
    py: Python<'_>,
    x: PyView,
    shape: Option<Vec<usize>>,
    strides: Option<Vec<isize>>,
    offset: isize,
) -> PyResult<PyView> {
    let shape = shape.unwrap_or_else(|| x.view().shape().to_vec());
    let strides = strides.unwrap_or_else(|| x.view().strides().to_vec());
    Ok(x.with_view(py, x.view().as_strided(&shape, &strides, offset)?))
}

/// All windows of a shape over an array, behind its own axes; read-only.
///
/// Parameters
/// ----------
/// x : object
/// window_shape : int or tuple of int
/// axis : int or tuple of int, optional
///     The axes that the windows slide along; all of them by default.
#[pyfunction]
#[pyo3(signature = (x, window_shape, axis=None))]
fn sliding_window_view(
    py: Python<'_>,
    x: PyView,
    window_shape: super::methods::Axes,
    axis: Option<super::methods::Axes>,
) -> PyResult<PyView> {
    let sizes = window_shape.into_sizes()?;
    let ndim = x.view().ndim();
    let axes = match axis {
        Some(axes) => axes.resolve(ndim)?,
        None => (0..ndim).collect(),
    };
    if axes.len() != sizes.len() {
        let text = format!("{} window sizes for {} axes", sizes.len(), axes.len());
        return Err(PyValueError::new_err(text));
    }
    let windows: Vec<(usize, usize)> = axes.into_iter().zip(sizes).collect();
    Ok(x.with_view(py, x.view().sliding_windows(&windows)?))
}

/// Everything there is to know about an array's memory but its items.
#[pyfunction]
fn info(obj: PyView) -> PyInfo {
    PyInfo::of(obj.view())
}

/// What handing an array over costs: which consumer takes it without a copy, which with one, which not, and why.
///
/// Parameters
/// ----------
/// obj : object
///     Any array.
/// target : str, optional
///     One consumer, by name.
///
/// Returns
/// -------
/// Prediction, or a list of all
///     "shared" means that the consumer takes the memory as it is. "copied" means that it does not: it refuses, or copies in silence, and
///     ``View.prepare(target)`` makes the one copy that it takes. "refused" means that no copy would help.
#[pyfunction]
#[pyo3(signature = (obj, target=None))]
fn explain<'py>(py: Python<'py>, obj: PyView, target: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let mut predictions = predict::predict(py, &obj, target)?;
    match (target, predictions.pop()) {
        (Some(_), Some(one)) => Ok(Bound::new(py, one)?.into_any()),
        (_, last) => {
            predictions.extend(last);
            Ok(predictions.into_pyobject(py)?.into_any())
        }
    }
}

/// A view out of a pickle.
#[pyfunction]
fn _rebuild(
    payload: &Bound<'_, PyAny>,
    dtype: &str,
    shape: Vec<usize>,
    order: &str,
    writable: bool,
) -> PyResult<PyView> {
    pickle::rebuild(payload, dtype, shape, order, writable)
}
