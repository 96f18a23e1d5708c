//! The type of items as a Python object.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyInt, PyString, PyTuple, PyType};

use crate::dtype::{ByteOrder, DType, ItemType};
use crate::error::Error;

/// The type of an item: NumPy's dtypes, and those that only DLPack and Arrow have.
///
/// Equal to a NumPy dtype, and to any name of one, that means the same.
#[pyclass(name = "DType", module = "viewbridge", frozen)]
#[derive(Debug, Clone)]
pub struct PyDType(pub(super) ItemType);

/// Anything that names a dtype: a string, a NumPy dtype, a scalar type.
pub(super) fn parse(object: &Bound<'_, PyAny>) -> PyResult<ItemType> {
    if let Ok(dtype) = object.cast::<PyDType>() {
        return Ok(dtype.get().0.clone());
    }
    if let Ok(text) = object.cast::<PyString>() {
        let text = text.to_str()?;
        return text.parse().map_err(|error| no_dtype(text, error));
    }
    let py = object.py();
    if let Ok(class) = object.cast::<PyType>() {
        let plain = [
            (py.get_type::<PyBool>(), "?"),
            (py.get_type::<PyInt>(), "i8"),
            (py.get_type::<PyFloat>(), "f8"),
            (py.get_type::<PyComplex>(), "c16"),
            (py.get_type::<PyBytes>(), "S0"),
            (py.get_type::<PyString>(), "U0"),
        ];
        if let Some((_, name)) = plain.iter().find(|(known, _)| known.is(class)) {
            return name.parse().map_err(|error| no_dtype(name, error));
        }
    }
    // NumPy's dtypes print as what makes them, and so do lists and dictionaries of fields; torch's print with the module before.
    let text = match object.getattr_opt("str")? {
        Some(short) if object.getattr_opt("names")?.is_none_or(|names| names.is_none()) && !short.is_callable() => {
            let short: String = short.extract()?;
            // Types of other packages are raw bytes to NumPy, but have a name.
            if short.contains('V') {
                object.getattr("name")?.extract()?
            } else {
                short
            }
        }
        _ if object.is_instance_of::<PyType>() => match object.getattr_opt("dtype")?.filter(|_| false) {
            Some(_) => String::new(),
            None => return parse(&py.import("numpy")?.call_method1("dtype", (object,))?),
        },
        _ => object.str()?.to_str()?.to_owned(),
    };
    let text = text.strip_prefix("torch.").unwrap_or(&text);
    let text = text
        .strip_prefix("void")
        .map_or(text.to_owned(), |bits| match bits.parse::<u32>() {
            Ok(bits) => format!("V{}", bits / 8),
            Err(_) => text.to_owned(),
        });
    text.parse().map_err(|error| no_dtype(&text, error))
}

fn no_dtype(text: &str, error: crate::error::DTypeFault) -> PyErr {
    PyTypeError::new_err(format!("{text:?} is no dtype: {}", Error::from(error)))
}

#[pymethods]
impl PyDType {
    #[new]
    fn new(dtype: &Bound<'_, PyAny>) -> PyResult<Self> {
        parse(dtype).map(Self)
    }

    /// Bytes of one item.
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.nbytes().unwrap_or(usize::MAX)
    }

    /// Bits of one item, without padding between lanes.
    #[getter]
    fn bits(&self) -> u64 {
        self.0.dtype().bits()
    }

    /// The name, as NumPy would have it.
    #[getter]
    fn name(&self) -> String {
        self.0.to_string()
    }

    /// NumPy's type string, or None if NumPy has no such type.
    #[getter]
    fn str(&self) -> Option<String> {
        match self.0.dtype().as_record() {
            Some(record) => Some(format!("|V{}", record.itemsize())),
            None => self.0.to_numpy(),
        }
    }

    /// NumPy's sign of the byte order: ``<``, ``>``, or ``|`` where bytes have none.
    #[getter]
    fn byteorder(&self) -> char {
        match self.0.dtype() {
            dtype if dtype.alignment() == 1 => '|',
            dtype if dtype.byte_order() == ByteOrder::Little => '<',
            _ => '>',
        }
    }

    /// What the address of an item is to be a multiple of, in bytes.
    #[getter]
    fn alignment(&self) -> usize {
        self.0.dtype().alignment()
    }

    /// Names of a record's fields, or None.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let record = self.0.dtype().as_record();
        record
            .map(|record| PyTuple::new(py, record.fields().iter().map(|field| field.name())))
            .transpose()
    }

    /// The same type as a NumPy dtype.
    fn numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text = self
            .0
            .to_numpy()
            .ok_or_else(|| PyTypeError::new_err(format!("NumPy has no dtype {}", self.0)))?;
        let literal = if text.starts_with(['[', '{', '(']) {
            py.import("ast")?.call_method1("literal_eval", (text,))?
        } else {
            PyString::new(py, &text).into_any()
        };
        py.import("numpy")?.call_method1("dtype", (literal,))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        parse(other).is_ok_and(|other| other == self.0)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("DType({:?})", self.0.to_string())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().into_any(), (slf.get().0.to_string(),)))
    }
}

impl From<DType> for PyDType {
    fn from(dtype: DType) -> Self {
        Self(ItemType::new(dtype))
    }
}
