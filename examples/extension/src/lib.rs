//! An extension module whose functions take any array: NumPy's, a tensor, an Arrow column. `pip install ./examples/extension` builds it.

use pyo3::prelude::*;
use viewbridge::python::PyView;

/// The rows of an array, back to front. Shares memory.
#[pyfunction]
fn reverse_rows(array: PyView) -> PyResult<PyView> {
    Ok(PyView::new(array.view().flip(0)?))
}

/// The sum of all items, which are float64 in any layout and byte order. Copies nothing.
#[pyfunction]
fn total(array: PyView) -> PyResult<f64> {
    let mut sum = 0.0;
    let view = array.view();
    let flat = view.ndim() == 1;
    for row in view.axis_iter(0)? {
        sum += if flat {
            row.get::<f64>(&[])?
        } else {
            total(PyView::new(row))?
        };
    }
    Ok(sum)
}

/// Through which door an array came in, and what was copied on the way.
#[pyfunction]
fn way_in(array: PyView) -> String {
    format!("{}: {}", array.door(), array.report())
}

#[pymodule(gil_used = false)]
fn strided_example(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(reverse_rows, module)?)?;
    module.add_function(wrap_pyfunction!(total, module)?)?;
    module.add_function(wrap_pyfunction!(way_in, module)?)
}
