//! Our errors as Python's exceptions.

use pyo3::PyErr;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyMemoryError, PyTypeError, PyValueError};

use crate::error::{ArrowFault, Error, LayoutError};
use crate::reason;

/// `BufferError` where DLPack, the buffer protocol or a copy that `copy=False` forbids is concerned; else what NumPy raises.
impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        // Remedies by the names that Python has for them.
        let text = || error.to_string().replace("into_storage()", "storage()");
        match &error {
            Error::Layout(
                LayoutError::IndexOutOfRange { .. }
                | LayoutError::TooManyIndices { .. }
                | LayoutError::SecondEllipsis { .. }
                | LayoutError::AxisOutOfRange { .. },
            ) => PyIndexError::new_err(text()),
            Error::CopyForbidden { .. } => PyBufferError::new_err(Forbidden(&error).to_string()),
            Error::Refused { .. } | Error::DeviceMemory { .. } | Error::Dlpack(_) => PyBufferError::new_err(text()),
            Error::DTypeMismatch { .. } | Error::Arrow(ArrowFault::UnsupportedType(_)) => PyTypeError::new_err(text()),
            Error::Nulls { count } => PyValueError::new_err(format!(
                "{count} null{}, and a view has no place for them; take values and validity apart with from_arrow(nulls=\"separate\")",
                if *count == 1 { "" } else { "s" }
            )),
            Error::OutOfMemory { .. } => PyMemoryError::new_err(text()),
            Error::Io(_) => match error {
                Error::Io(error) => error.into(),
                _ => unreachable!("matched above"),
            },
            _ => PyValueError::new_err(text()),
        }
    }
}

impl From<LayoutError> for PyErr {
    fn from(error: LayoutError) -> Self {
        Error::from(error).into()
    }
}

/// A forbidden copy, with Python's word for the policy.
struct Forbidden<'a>(&'a Error);

impl std::fmt::Display for Forbidden<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Error::CopyForbidden {
            consumer,
            bytes,
            reasons,
        } = self.0
        else {
            return self.0.fmt(f);
        };
        write!(
            f,
            "{consumer} needs a copy of {bytes} bytes, and copy=False forbids it: "
        )?;
        reason::write_list(f, reasons)?;
        f.write_str("; allow it with copy=None")
    }
}
