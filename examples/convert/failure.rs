//! What can go wrong, and the exit code for it.

use std::fmt;
use std::path::{Path, PathBuf};

use viewbridge::{ArrowFault, CopyReason, Error, NpyFault, Refusal, SafetensorsFault};

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
    NoNames { path: PathBuf },
    /// An array of several that no view shows, or that OUT has no word for.
    Unsupported(Box<Failure>),
    /// OUT is a folder, or a device.
    NoFile { path: PathBuf },
    /// All arrays have been left out.
    NothingLeft { path: PathBuf },
    /// IN and OUT are one file.
    SameFile { path: PathBuf },
    /// A format that is read, and not written.
    OnlyRead { path: PathBuf },
    /// A file that holds no array.
    Empty { path: PathBuf },
    /// More arrays than the format of OUT holds.
    Several { path: PathBuf, names: Vec<String> },
    /// Columns of one Arrow file would have different lengths.
    Lengths {
        path: PathBuf,
        lengths: Vec<(String, usize)>,
    },
    /// No such array.
    NoArray { path: PathBuf, names: Vec<String> },
    /// A result that is not what went in.
    Different { route: String },
}

impl Failure {
    pub(crate) fn file(path: &Path) -> impl FnOnce(Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }

    /// Says which array it was, where there are several.
    pub(crate) fn of_array(self, name: &str) -> Self {
        match self {
            Self::Hop { route, error } => Self::Hop {
                route: format!("{name}: {route}"),
                error,
            },
            Self::Different { route } => Self::Different {
                route: format!("{name}: {route}"),
            },
            other => other,
        }
    }

    /// Says, of one of so many arrays, that the others would go without it.
    pub(crate) fn one_of(self, arrays: usize) -> Self {
        if arrays > 1 && self.is_unsupported() {
            Self::Unsupported(Box::new(self))
        } else {
            self
        }
    }

    /// Whether the array is one that no view shows, or the format has no word for.
    pub(crate) fn is_unsupported(&self) -> bool {
        self.error().is_some_and(is_unsupported)
    }

    /// What went wrong, without where.
    pub(crate) fn cause(&self) -> String {
        self.error().map_or_else(|| self.to_string(), ToString::to_string)
    }

    /// The crate's error, if that is what it is, of whichever array.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Self::Hop { error, .. } | Self::File { error, .. } => match error {
                Error::Array { error, .. } => Some(error),
                other => Some(other),
            },
            Self::Unsupported(failure) => failure.error(),
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
            Self::NoFile { .. }
            | Self::SameFile { .. }
            | Self::UnknownFormat { .. }
            | Self::OnlyRead { .. }
            | Self::NoNames { .. } => 2,
            _ if matches!(self.error(), Some(Error::CopyForbidden { .. })) => 3,
            _ => 1,
        }
    }
}

/// Whether an error says that no view shows an array, or that a format has no word for it.
pub(crate) fn is_unsupported(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused { .. }
            | Error::Nulls { .. }
            | Error::Npy(NpyFault::Unwritable { .. })
            | Error::Safetensors(SafetensorsFault::PartialByte { .. })
            | Error::Arrow(
                ArrowFault::NoView { .. }
                    | ArrowFault::UnsupportedType(_)
                    | ArrowFault::Ragged { .. }
                    | ArrowFault::Spacing { .. }
                    | ArrowFault::MixedTypes { .. }
            )
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hop { route, error } => write!(f, "{route}: {error}")?,
            Self::File { path, error } => write!(f, "{}: {error}", path.display())?,
            Self::UnknownFormat { path } => {
                write!(
                    f,
                    "{}: the extension names no format; name it with --to",
                    path.display()
                )?;
            }
            Self::UnknownContent { path, first } if first.is_empty() => write!(f, "{}: is empty", path.display())?,
            Self::UnknownContent { path, first } => write!(
                f,
                "{}: neither .npy, .npz, .safetensors, Arrow IPC nor Parquet (it opens with \"{}\"); if it holds bare items, say which with --dtype",
                path.display(),
                first.escape_ascii()
            )?,
            Self::NoNames { path } => {
                write!(f, "{}: holds one array without a name; drop --array", path.display())?;
            }
            Self::Unsupported(failure) => {
                return write!(
                    f,
                    "{failure} (or: leave it out with --skip-unsupported, choose one with --array)"
                );
            }
            Self::NoFile { path } => write!(f, "{}: is no file that could be overwritten", path.display())?,
            Self::NothingLeft { path } => {
                write!(f, "{}: no array is left to write; all are unsupported", path.display())?;
            }
            Self::OnlyRead { path } => write!(f, "{}: Parquet is read, and not written", path.display())?,
            Self::Empty { path } => write!(f, "{}: holds no array", path.display())?,
            Self::Several { path, names } => write!(
                f,
                "{}: the format holds one array, and there are {}: {}; choose one with --array, or another format",
                path.display(),
                names.len(),
                names.join(", ")
            )?,
            Self::Lengths { path, lengths } => {
                let lengths: Vec<String> = lengths.iter().map(|(name, len)| format!("{name} has {len}")).collect();
                write!(
                    f,
                    "{}: columns of an Arrow file are equally long ({}); choose one with --array, or another format",
                    path.display(),
                    lengths.join(", ")
                )?;
            }
            Self::SameFile { path } => {
                write!(
                    f,
                    "{}: would overwrite the file that is read; choose another OUT",
                    path.display()
                )?;
            }
            Self::NoArray { path, names } => {
                write!(f, "{}: no such array; there are: {}", path.display(), names.join(", "))?;
            }
            Self::Different { route } => write!(f, "{route}: the result differs from the original")?,
        }
        match self.error() {
            // What is decoded is copied, mapped or not.
            Some(Error::CopyForbidden { reasons, .. }) if reasons.as_slice() == [CopyReason::FileRead] => {
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
