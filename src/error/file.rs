//! What can be wrong with files beside their formats' own errors.

use std::fmt;

use crate::memory::OwnerKind;

/// What is wrong with a file without a header, or with a mapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawFault {
    /// A new file, of which nothing says how long it is to be.
    ShapeMissing,
    /// The file does not end with an item.
    PartialItem {
        /// Bytes from the first item to the end of the file.
        bytes: u64,
        /// Bytes of an item.
        itemsize: usize,
    },
    /// The file ends before the items do.
    Truncated {
        /// Bytes that the file would have to have.
        claimed: u64,
        /// Bytes that it has.
        available: u64,
    },
    /// A name that is no mode.
    Mode {
        /// The name.
        found: String,
    },
    /// An exclusive view of a file that is mapped for reading.
    ReadOnlyMode,
    /// Memory that is not a file's.
    NotMapped {
        /// Who owns it.
        owner: OwnerKind,
    },
}

impl fmt::Display for RawFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShapeMissing => f.write_str("a new file has no length to tell the shape from; give the shape"),
            Self::PartialItem { bytes, itemsize } => write!(
                f,
                "{bytes} bytes are no whole number of items of {itemsize} bytes; give the shape, or another offset"
            ),
            Self::Truncated { claimed, available } => {
                write!(f, "the items would end at byte {claimed}, the file ends at {available}")
            }
            Self::Mode { found } => write!(f, "mode {found:?}, expected r, r+, w+ or c"),
            Self::ReadOnlyMode => {
                f.write_str("mode r cannot write; map it with r+, or with c to keep the file as it is")
            }
            Self::NotMapped { owner } => write!(f, "{owner} memory is no mapped file"),
        }
    }
}
