//! Our errors as Python's exceptions.

use pyo3::PyErr;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyMemoryError, PyTypeError, PyValueError};

use crate::error::{ArrowFault, Error, LayoutError};

/// What the texts of errors advise, and what that is in Python. Longer ones come before what they contain.
const IN_PYTHON: [(&str, &str); 14] = [
    ("and the policy forbids it", "and copy=False forbids it"),
    ("CopyPolicy::IfNeeded", "copy=None"),
    (
        "ask for Nulls::Separate to take values and validity apart",
        "take values and validity apart with from_arrow(nulls=\"separate\")",
    ),
    ("into_storage()", "storage()"),
    ("read items with get(), or copy with to_contiguous", "copy() it"),
    (
        "read it with get(), copy it, or promise otherwise with the unsafe assume_immutable()",
        "copy() it",
    ),
    ("copy with to_contiguous", "copy() it"),
    (
        "look at bytes and offsets with arrow::Parts",
        "take its bytes and its offsets, each as an array",
    ),
    (
        "take the children of a sparse union with arrow::Parts",
        "take the children of a sparse union",
    ),
    (
        "look at keys and values with arrow::Parts",
        "take its keys and its values, each as an array",
    ),
    ("look at each with arrow::Parts", "take them one by one"),
    ("take the rows one by one with arrow::Parts", "take the rows one by one"),
    (
        "copy them together with arrow::Matrix",
        "take them as a table, which copies them together",
    ),
    ("cast it to Utf8 or Binary first", "cast it to string or binary first"),
];

/// The text of an error in Python's words.
fn in_python(error: &Error) -> String {
    let swap = |text: String, (rust, python): (&str, &str)| text.replace(rust, python);
    IN_PYTHON.into_iter().fold(error.to_string(), swap)
}

/// `BufferError` where DLPack, the buffer protocol or a copy that `copy=False` forbids is concerned; else what NumPy raises.
impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let text = in_python(&error);
        match error {
            Error::Layout(
                LayoutError::IndexOutOfRange { .. }
                | LayoutError::TooManyIndices { .. }
                | LayoutError::SecondEllipsis { .. }
                | LayoutError::AxisOutOfRange { .. },
            ) => PyIndexError::new_err(text),
            Error::CopyForbidden { .. } | Error::Refused { .. } | Error::DeviceMemory { .. } | Error::Dlpack(_) => {
                PyBufferError::new_err(text)
            }
            Error::DTypeMismatch { .. } | Error::Arrow(ArrowFault::UnsupportedType(_)) => PyTypeError::new_err(text),
            Error::OutOfMemory { .. } => PyMemoryError::new_err(text),
            Error::Io(error) => error.into(),
            _ => PyValueError::new_err(text),
        }
    }
}

impl From<LayoutError> for PyErr {
    fn from(error: LayoutError) -> Self {
        Error::from(error).into()
    }
}
