//! What can go wrong, and the exit code for it.

use std::fmt;
use std::path::{Path, PathBuf};

use viewbridge::{CopyReason, Error, Refusal};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The crate's own error says what would help.
    Hop { route: String, error: Error },
    /// A file that could not be opened or written.
    File { path: PathBuf, error: Error },
    /// The extension of OUT tells no format.
    UnknownFormat { path: PathBuf },
    /// The content of IN tells no format.
    UnknownContent { path: PathBuf, first: Vec<u8> },
    /// An option that the format of IN has no use for.
    NoColumns { path: PathBuf },
    /// IN and OUT are one file.
    SameFile { path: PathBuf },
    /// No such column.
    NoColumn { path: PathBuf, names: Vec<String> },
    /// A file of several record batches, whose columns are in pieces.
    Batches { path: PathBuf, count: usize },
    /// A result that is not what went in.
    Different { route: String },
}

impl Failure {
    pub(crate) fn file(path: &Path) -> impl FnOnce(Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }

    /// The crate's error, if that is what it is.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Self::Hop { error, .. } | Self::File { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the target cannot express the view, with or without a copy.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.error(), Some(Error::Refused { .. }))
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Different { .. } => 4,
            Self::SameFile { .. } | Self::UnknownFormat { .. } | Self::NoColumns { .. } => 2,
            _ if matches!(self.error(), Some(Error::CopyForbidden { .. })) => 3,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hop { route, error } => write!(f, "{route}: {error}")?,
            Self::File { path, error } => write!(f, "{}: {error}", path.display())?,
            Self::UnknownFormat { path } => {
                write!(
                    f,
                    "{}: neither .npy nor .arrow; name the format with --to",
                    path.display()
                )?;
            }
            Self::UnknownContent { path, first } if first.is_empty() => write!(f, "{}: is empty", path.display())?,
            Self::UnknownContent { path, first } => write!(
                f,
                "{}: neither a .npy nor an Arrow IPC file (it opens with \"{}\"); Arrow streams and other formats are not read",
                path.display(),
                first.escape_ascii()
            )?,
            Self::NoColumns { path } => {
                write!(f, "{}: a .npy file has no columns; drop --column", path.display())?;
            }
            Self::SameFile { path } => {
                write!(
                    f,
                    "{}: would overwrite the file that is read; choose another OUT",
                    path.display()
                )?;
            }
            Self::NoColumn { path, names } => {
                write!(f, "{}: no such column; there are: {}", path.display(), names.join(", "))?;
            }
            Self::Batches { path, count: 0 } => {
                write!(f, "{}: no record batch, hence no rows to convert", path.display())?;
            }
            Self::Batches { path, count } => write!(
                f,
                "{}: {count} record batches, so that no column is in one piece; write the file with a single one",
                path.display()
            )?,
            Self::Different { route } => write!(f, "{route}: the result differs from the original")?,
        }
        match self.error() {
            Some(Error::CopyForbidden { reasons, .. }) if reasons.contains(&CopyReason::FileRead) => {
                f.write_str(" (here: add --map, or drop --copy never)")
            }
            Some(Error::CopyForbidden { .. }) => f.write_str(" (here: drop --copy never)"),
            Some(Error::Refused {
                refusal: Refusal::Logical { .. },
                ..
            }) => f.write_str(" (here: add --storage)"),
            _ => Ok(()),
        }
    }
}
