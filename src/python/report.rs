//! What happened, and what there is: reports, flags and facts as Python objects.

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::view::PyView;
use crate::info::Info;
use crate::layout::Overlap;
use crate::view::StridedView;

/// Through which door memory came, and what was copied to make a view of it.
#[pyclass(name = "Report", module = "viewbridge", frozen, get_all)]
#[derive(Debug)]
pub struct PyReport {
    /// The protocol.
    door: &'static str,
    /// Whether no byte was copied here.
    shared: bool,
    /// True if the producer says that it copied, None if it does not say: protocols have no "no".
    producer_copied: Option<bool>,
    /// Bytes that were copied here.
    bytes_copied: usize,
    /// Why.
    reasons: Vec<String>,
    /// The same in words.
    text: String,
}

impl PyReport {
    pub(super) fn of(view: &PyView) -> Self {
        let report = view.report();
        Self {
            door: view.door().name(),
            shared: report.is_shared(),
            producer_copied: view.is_foreign_copy().then_some(true),
            bytes_copied: report.bytes_copied(),
            reasons: report.reasons().map(ToString::to_string).collect(),
            text: report.to_string(),
        }
    }
}

#[pymethods]
impl PyReport {
    fn __str__(&self) -> String {
        let producer = if self.producer_copied == Some(true) {
            ", copied by the producer"
        } else {
            ""
        };
        format!("{}: {}{producer}", self.door, self.text)
    }

    fn __repr__(&self) -> String {
        format!("<Report {}>", self.__str__())
    }
}

/// Facts about layout and rights, by attribute or by NumPy's names.
#[pyclass(name = "Flags", module = "viewbridge", frozen, get_all)]
#[derive(Debug)]
pub struct PyFlags {
    /// Row-major without gaps.
    c_contiguous: bool,
    /// Column-major without gaps.
    f_contiguous: bool,
    /// Whether the memory may be written.
    writeable: bool,
    /// Whether every item is aligned as its type is.
    aligned: bool,
}

impl PyFlags {
    pub(super) fn of(view: &StridedView<'_>) -> Self {
        Self {
            c_contiguous: view.is_c_contiguous(),
            f_contiguous: view.is_f_contiguous(),
            writeable: view.access().is_writable(),
            aligned: view.is_aligned(),
        }
    }
}

#[pymethods]
impl PyFlags {
    /// Contiguous in one order at least.
    #[getter]
    fn contiguous(&self) -> bool {
        self.c_contiguous || self.f_contiguous
    }

    fn __getitem__(&self, name: &str) -> PyResult<bool> {
        match name {
            "C_CONTIGUOUS" | "C" => Ok(self.c_contiguous),
            "F_CONTIGUOUS" | "F" => Ok(self.f_contiguous),
            "WRITEABLE" | "W" => Ok(self.writeable),
            "ALIGNED" | "A" => Ok(self.aligned),
            _ => Err(PyKeyError::new_err(name.to_owned())),
        }
    }

    fn __repr__(&self) -> String {
        let word = |flag| if flag { "True" } else { "False" };
        format!(
            "  C_CONTIGUOUS : {}\n  F_CONTIGUOUS : {}\n  WRITEABLE : {}\n  ALIGNED : {}",
            word(self.c_contiguous),
            word(self.f_contiguous),
            word(self.writeable),
            word(self.aligned)
        )
    }
}

/// Everything there is to know about a view's memory but its items. Prints as a table.
#[pyclass(name = "Info", module = "viewbridge", frozen)]
#[derive(Debug)]
pub struct PyInfo {
    info: Info,
    overlap: Overlap,
}

impl PyInfo {
    pub(super) fn of(view: &StridedView<'_>) -> Self {
        let overlap = view.layout().overlaps_itself(10_000);
        Self {
            info: view.info(),
            overlap,
        }
    }
}

#[pymethods]
impl PyInfo {
    /// Items along each axis.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.info.shape)
    }

    /// Distance between neighbours along each axis, in bytes (in bits, for packed items).
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.info.strides)
    }

    /// The type of one item.
    #[getter]
    fn dtype(&self) -> String {
        self.info.dtype.to_string()
    }

    /// Bytes of one item.
    #[getter]
    fn itemsize(&self) -> usize {
        self.info.itemsize
    }

    /// Address of the first item.
    #[getter]
    fn address(&self) -> usize {
        self.info.address
    }

    /// Lowest and one past the highest byte that any item touches, from the start of the memory.
    #[getter]
    fn byte_span(&self) -> (usize, usize) {
        (self.info.byte_span.start, self.info.byte_span.end)
    }

    /// Row-major without gaps.
    #[getter]
    fn c_contiguous(&self) -> bool {
        self.info.c_contiguous
    }

    /// Column-major without gaps.
    #[getter]
    fn f_contiguous(&self) -> bool {
        self.info.f_contiguous
    }

    /// Whether every item is aligned as its type is.
    #[getter]
    fn aligned(&self) -> bool {
        self.info.aligned
    }

    /// Whether the memory may be written.
    #[getter]
    fn writeable(&self) -> bool {
        self.info.access.is_writable()
    }

    /// What keeps the memory alive.
    #[getter]
    fn owner(&self) -> String {
        self.info.owner.to_string()
    }

    /// Where the memory is.
    #[getter]
    fn device(&self) -> String {
        self.info.device.to_string()
    }

    /// Bytes that the items would fill if they were contiguous.
    #[getter]
    fn nbytes(&self) -> usize {
        self.info.nbytes
    }

    /// Bytes that stay allocated because of the view.
    #[getter]
    fn pinned_nbytes(&self) -> usize {
        self.info.pinned_bytes
    }

    /// Whether two items share a byte; None if that is too hard to tell.
    #[getter]
    fn overlaps_itself(&self) -> Option<bool> {
        match self.overlap {
            Overlap::Disjoint => Some(false),
            Overlap::Shared => Some(true),
            Overlap::TooHard => None,
        }
    }

    fn __str__(&self) -> String {
        self.info.to_string()
    }

    fn __repr__(&self) -> String {
        self.info.to_string()
    }
}
