//! Python's index expressions.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyList, PySlice, PyString, PyTuple};

use crate::layout::{Index, Slice};
use crate::view::StridedView;

/// What stands between the brackets.
pub(super) enum Key {
    /// Basic indexing, and whether it names one item: integers alone, one for each axis.
    Basic(Vec<Index>, bool),
    /// A field of a record.
    Field(String),
    /// Several fields of a record.
    Fields(Vec<String>),
}

impl Key {
    pub(super) fn of(key: &Bound<'_, PyAny>, ndim: usize) -> PyResult<Self> {
        if let Ok(name) = key.cast::<PyString>() {
            return Ok(Self::Field(name.to_string()));
        }
        if let Ok(names) = key.cast::<PyList>()
            && !names.is_empty()
            && names.iter().all(|name| name.is_instance_of::<PyString>())
        {
            return Ok(Self::Fields(names.extract()?));
        }
        let indices = match key.cast::<PyTuple>() {
            Ok(entries) => entries
                .iter()
                .map(|entry| index_of(&entry))
                .collect::<PyResult<Vec<_>>>()?,
            Err(_) => vec![index_of(key)?],
        };
        let item = indices.len() == ndim && indices.iter().all(|index| matches!(index, Index::At(_)));
        Ok(Self::Basic(indices, item))
    }

    /// The part of a view that the key names.
    pub(super) fn part(&self, view: &StridedView<'static>) -> PyResult<StridedView<'static>> {
        Ok(match self {
            Self::Basic(indices, _) => view.index(indices)?,
            Self::Field(name) => view.field(name)?,
            Self::Fields(names) => view.select_fields(&names.iter().map(String::as_str).collect::<Vec<_>>())?,
        })
    }
}

fn index_of(entry: &Bound<'_, PyAny>) -> PyResult<Index> {
    let py = entry.py();
    if entry.is_none() {
        return Ok(Index::NewAxis);
    }
    if entry.is(PyEllipsis::get(py)) {
        return Ok(Index::Ellipsis);
    }
    if let Ok(slice) = entry.cast::<PySlice>() {
        return slice_of(slice);
    }
    // A boolean is an integer to Python, and a mask to NumPy.
    if !entry.is_instance_of::<PyBool>()
        && entry.hasattr(pyo3::intern!(py, "__index__"))?
        && let Some(position) = clamped(entry)?
    {
        return Ok(Index::At(position));
    }
    Err(PyIndexError::new_err(
        "a view is indexed by integers, slices, ellipsis, None and field names; positions and masks gather a copy: use take() and select()",
    ))
}

/// An integer of any size, as far as an address reaches. `None` for what has no integer value after all.
fn clamped(entry: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    let py = entry.py();
    let integer = match py.import("operator")?.call_method1("index", (entry,)) {
        Ok(integer) => integer,
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => return Ok(None),
        Err(error) => return Err(error),
    };
    match integer.extract() {
        Ok(position) => Ok(Some(position)),
        Err(_) if integer.lt(0)? => Ok(Some(isize::MIN)),
        Err(_) => Ok(Some(isize::MAX)),
    }
}

fn slice_of(slice: &Bound<'_, PySlice>) -> PyResult<Index> {
    let part = |name| -> PyResult<Option<isize>> {
        let part = slice.getattr(name)?;
        if part.is_none() {
            return Ok(None);
        }
        if let Ok(position) = part.extract() {
            return Ok(Some(position));
        }
        clamped(&part)?.map(Some).ok_or_else(|| {
            let text = "slice indices must be integers or None or have an __index__ method";
            pyo3::exceptions::PyTypeError::new_err(text)
        })
    };
    let py = slice.py();
    let (start, stop) = (part(pyo3::intern!(py, "start"))?, part(pyo3::intern!(py, "stop"))?);
    let step = part(pyo3::intern!(py, "step"))?.unwrap_or(1);
    Ok(Index::Slice(Slice::new(start, stop, step)))
}
