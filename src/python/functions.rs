//! The functions of the Python package.

use pyo3::prelude::*;

use super::import::{self, Wish, parse_device};
use super::view::PyView;

/// Adds everything that the Python package has to a module.
///
/// # Errors
///
/// Those of the interpreter.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyView>()?;
    module.add_function(wrap_pyfunction!(asview, module)?)?;
    module.add_function(wrap_pyfunction!(from_dlpack, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}

/// A view of any array's memory.
///
/// Parameters
/// ----------
/// obj : object
///     Anything that offers its memory.
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
fn asview(obj: &Bound<'_, PyAny>, copy: Option<bool>) -> PyResult<PyView> {
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
fn from_dlpack(x: &Bound<'_, PyAny>, device: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<PyView> {
    let device = parse_device(device)?;
    import::from_dlpack(x, Wish { device, copy })
}
