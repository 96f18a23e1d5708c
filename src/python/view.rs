//! The view as a Python object.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::door::Door;
use super::dtype::PyDType;
use super::exchange;
use super::import;
use super::owner::Kept;
use super::report::PyReport;
use crate::arrow::Column;
use crate::convert::{Converted, CopyReport};
use crate::dlpack::BorrowedTensor;
use crate::view::StridedView;

/// A view of any array's memory: Python's `viewbridge.View`.
///
/// As an argument of a `#[pyfunction]` it takes every object that offers its memory; as a result every array library takes it. Rust code works on
/// [`view`](Self::view).
#[pyclass(name = "View", module = "viewbridge", frozen, weakref, freelist = 16)]
#[derive(Debug)]
pub struct PyView {
    view: Kept,
    /// The object that the memory was taken from: whom to ask to synchronise a device.
    base: Option<Py<PyAny>>,
    door: Door,
    foreign_copy: bool,
    /// What few views have, and what would make all of them slower to move about.
    beside: Option<Arc<Beside>>,
    /// Buffers lent out and not given back.
    exports: AtomicUsize,
    /// What the exchange API's borrowed tensors point to, from the first one on.
    lent: OnceLock<Box<BorrowedTensor<'static>>>,
}

/// What there is to know of a view beyond its memory.
#[derive(Debug, Clone)]
struct Beside {
    /// What was copied to make it.
    report: CopyReport,
    /// The Arrow array of which it showed all rows when it was taken: the way back.
    column: Option<Column>,
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
            view: Kept::new(view),
            base: base.map(|base| base.clone().unbind()),
            door,
            foreign_copy: false,
            beside: None,
            exports: AtomicUsize::new(0),
            lent: OnceLock::new(),
        }
    }

    /// The same view with another history.
    pub(super) fn with_report(self, report: CopyReport) -> Self {
        if report.is_shared() && self.beside.is_none() {
            return self;
        }
        let column = self.column().cloned();
        let beside = Some(Arc::new(Beside { report, column }));
        Self { beside, ..self }
    }

    /// The same view as one of an Arrow array, which is never written.
    pub(super) fn with_column(self, column: Column) -> Self {
        let (report, column) = (self.report().clone(), Some(column));
        let beside = Some(Arc::new(Beside { report, column }));
        Self { beside, ..self }
    }

    /// The Arrow array that the view was taken from, of which it may show a part by now.
    pub(super) fn column(&self) -> Option<&Column> {
        self.beside.as_ref()?.column.as_ref()
    }

    /// The memory.
    #[must_use]
    #[inline]
    pub fn view(&self) -> &StridedView<'static> {
        self.view.view()
    }

    /// The memory alone.
    #[must_use]
    pub fn into_view(self) -> StridedView<'static> {
        self.view.into_view()
    }

    /// How the memory came in.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// What was copied to make the view, by this crate. Whether the producer copied, it alone knows.
    #[must_use]
    pub fn report(&self) -> &CopyReport {
        static NOTHING: CopyReport = CopyReport::SHARED;
        self.beside.as_deref().map_or(&NOTHING, |beside| &beside.report)
    }

    /// Notes that the producer says it copied: the memory is no longer that of the object.
    pub(super) fn note_foreign_copy(&mut self) {
        self.foreign_copy = true;
        if self.view().device().is_cpu_readable() {
            self.base = None;
        }
    }

    pub(super) fn is_foreign_copy(&self) -> bool {
        self.foreign_copy
    }

    pub(super) fn exports(&self) -> &AtomicUsize {
        &self.exports
    }

    pub(super) fn lent(&self) -> &OnceLock<Box<BorrowedTensor<'static>>> {
        &self.lent
    }

    pub(super) fn base<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyAny>> {
        self.base.as_ref().map(|base| base.bind(py))
    }

    /// A second handle.
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        self.with_view(py, self.view().clone())
    }

    /// Another view of the same memory.
    pub(super) fn with_view(&self, py: Python<'_>, view: StridedView<'static>) -> Self {
        Self {
            view: Kept::new(view),
            base: self.base.as_ref().map(|base| base.clone_ref(py)),
            door: self.door,
            foreign_copy: self.foreign_copy,
            beside: self.beside.clone(),
            exports: AtomicUsize::new(0),
            lent: OnceLock::new(),
        }
    }

    /// What was made out of this view: another view of its memory, or a copy, which is NumPy's to write.
    pub(super) fn converted(&self, py: Python<'_>, converted: Converted<StridedView<'static>>) -> Self {
        if converted.is_shared() {
            return self.with_view(py, converted.value);
        }
        let made = Self::taken(import::writable(converted.value), self.door, None);
        made.with_report(converted.report)
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
        PyTuple::new(py, self.view().shape())
    }

    /// Distance between neighbours along each axis, in bytes (in bits, for packed items).
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view().strides())
    }

    /// The type of one item.
    #[getter]
    fn dtype(&self) -> PyDType {
        PyDType(self.view().item_type())
    }

    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.view().ndim()
    }

    /// Number of items.
    #[getter]
    fn size(&self) -> usize {
        self.view().len()
    }

    /// Bytes of one item.
    #[getter]
    fn itemsize(&self) -> usize {
        self.view().dtype().itemsize()
    }

    /// Bytes that the items would fill if they were contiguous.
    #[getter]
    fn nbytes(&self) -> usize {
        self.view().nbytes()
    }

    /// Bytes that stay allocated because of this view.
    #[getter]
    fn pinned_nbytes(&self) -> usize {
        self.view().pinned_bytes()
    }

    /// What keeps the memory alive, in a word.
    #[getter]
    fn owner(&self) -> String {
        self.view().owner_kind().to_string()
    }

    /// The object that the memory was taken from, or None if it was made here.
    #[getter(base)]
    fn base_object<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.base(py).cloned()
    }

    /// Address of the first item.
    #[getter]
    fn data_ptr(&self) -> usize {
        self.view().data_ptr().addr()
    }

    /// Where the memory is.
    #[getter]
    fn device(&self) -> String {
        self.view().device().to_string()
    }

    /// Facts about layout and rights.
    #[getter]
    fn flags(&self) -> super::report::PyFlags {
        super::report::PyFlags::of(self.view())
    }

    /// Through which door the memory came, and what was copied to make this view.
    #[getter(report)]
    fn report_object(&self) -> PyReport {
        PyReport::of(self)
    }

    /// Buffers lent out through the buffer protocol and not given back.
    #[getter(exports)]
    fn exports_now(&self) -> usize {
        self.exports.load(std::sync::atomic::Ordering::Relaxed)
    }
}
