//! The Python module `viewbridge._viewbridge`: the crate's `python` feature, by its Python names.

use pyo3::prelude::*;

/// Views of any array's memory.
#[pymodule(gil_used = false)]
fn _viewbridge(module: &Bound<'_, PyModule>) -> PyResult<()> {
    viewbridge::python::register(module)
}
