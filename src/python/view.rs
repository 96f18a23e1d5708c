//! The view as a Python object.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::door::Door;
use super::exchange;
use super::import;
use crate::convert::{Converted, CopyReport};
use crate::view::StridedView;

/// A view of any array's memory: Python's `viewbridge.View`.
///
/// As an argument of a `#[pyfunction]` it takes every object that offers its memory; as a result every array library takes it. Rust code works on
/// [`view`](Self::view).
#[pyclass(name = "View", module = "viewbridge", frozen, weakref)]
#[derive(Debug)]
pub struct PyView {
    view: StridedView<'static>,
    /// The object that the memory was taken from: whom to ask to synchronise a device.
    base: Option<Py<PyAny>>,
    door: Door,
    foreign_copy: bool,
    report: CopyReport,
}

impl PyView {
    /// A view for Python. Other Python objects may write the memory only if its access is [`Access::Shared`](crate::Access::Shared).
    #[must_use]
    pub fn new(view: StridedView<'static>) -> Self {
        Self::taken(view, Door::Rust, None)
    }

    /// A view of the memory of `base`.
    #[inline]
    pub(super) fn taken(view: StridedView<'static>, door: Door, base: Option<&Bound<'_, PyAny>>) -> Self {
        Self {
            view,
            base: base.map(|base| base.clone().unbind()),
            door,
            foreign_copy: false,
            report: CopyReport::SHARED,
        }
    }

    /// The memory.
    #[must_use]
    #[inline]
    pub fn view(&self) -> &StridedView<'static> {
        &self.view
    }

    /// The memory alone.
    #[must_use]
    pub fn into_view(self) -> StridedView<'static> {
        self.view
    }

    /// How the memory came in.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// What was copied to make the view, by this crate. Whether the producer copied, it alone knows.
    #[must_use]
    pub fn report(&self) -> &CopyReport {
        &self.report
    }

    /// Notes that the producer says it copied: the memory is no longer that of the object.
    pub(super) fn note_foreign_copy(&mut self) {
        self.foreign_copy = true;
        if self.view.device().is_cpu_readable() {
            self.base = None;
        }
    }

    pub(super) fn is_foreign_copy(&self) -> bool {
        self.foreign_copy
    }

    pub(super) fn base<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyAny>> {
        self.base.as_ref().map(|base| base.bind(py))
    }

    /// A second handle.
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            view: self.view.clone(),
            base: self.base.as_ref().map(|base| base.clone_ref(py)),
            report: self.report.clone(),
            ..*self
        }
    }

    /// What was made out of this view, perhaps by a copy.
    pub(super) fn converted(&self, converted: Converted<StridedView<'static>>) -> Self {
        Self {
            view: converted.value,
            base: None,
            report: converted.report,
            ..*self
        }
    }
}

/// Any array, through the first door that it offers.
impl<'py> FromPyObject<'_, 'py> for PyView {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        import::take(&object, None)
    }
}

#[pymethods]
impl PyView {
    /// The DLPack C exchange API, for consumers that know it.
    #[classattr]
    fn __dlpack_c_exchange_api__(py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(exchange::offer(py)?.unbind())
    }

    /// Items along each axis.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.shape())
    }

    /// Distance between neighbours along each axis, in bytes.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.strides())
    }

    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.view.ndim()
    }

    /// Number of items.
    #[getter]
    fn size(&self) -> usize {
        self.view.len()
    }

    /// Bytes of one item.
    #[getter]
    fn itemsize(&self) -> usize {
        self.view.dtype().itemsize()
    }

    /// Bytes that the items would fill if they were contiguous.
    #[getter]
    fn nbytes(&self) -> usize {
        self.view.nbytes()
    }

    /// Address of the first item.
    #[getter]
    fn data_ptr(&self) -> usize {
        self.view.data_ptr().addr()
    }
}
