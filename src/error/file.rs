//! What can be wrong with files beside their formats' own errors.

use std::error::Error as StdError;
use std::fmt;

use crate::dtype::DType;
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

/// What is wrong with a `.npz` archive.
#[derive(Debug)]
#[non_exhaustive]
pub enum NpzFault {
    /// The `zip` crate's own error: no archive, or a member that is encrypted or compressed in an unknown way.
    Archive(Box<dyn StdError + Send + Sync>),
    /// A member claims to be larger than what is there can stand for.
    Claim {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes that there can be.
        possible: u64,
    },
}

impl NpzFault {
    #[cfg(feature = "npz")]
    pub(crate) fn archive(error: zip::result::ZipError) -> Self {
        Self::Archive(Box::new(error))
    }
}

impl fmt::Display for NpzFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(e) => e.fmt(f),
            Self::Claim { claimed, possible } => {
                write!(f, "the archive claims {claimed} bytes, at most {possible} are possible")
            }
        }
    }
}

/// What is wrong with a safetensors file, or with tensors that are to become one.
#[derive(Debug)]
#[non_exhaustive]
pub enum SafetensorsFault {
    /// The `safetensors` crate's own error.
    Library(Box<dyn StdError + Send + Sync>),
    /// A tensor of a type that this crate does not know.
    UnknownType {
        /// The tensor.
        name: String,
        /// The format's name of the type.
        dtype: String,
    },
    /// Items of a type that the format has no name for.
    Unnamed {
        /// The type.
        dtype: DType,
    },
    /// Two tensors of one name.
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name that the format keeps for itself.
    Reserved {
        /// The name.
        name: &'static str,
    },
    /// Packed items that do not fill their last byte.
    PartialByte {
        /// Bits that they have.
        bits: usize,
    },
    /// Writing on a machine whose byte order the format does not have.
    BigEndianMachine,
}

impl SafetensorsFault {
    #[cfg(feature = "safetensors")]
    pub(crate) fn library(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Library(Box::new(error))
    }

    #[cfg(feature = "safetensors")]
    pub(crate) fn unknown(name: &str, dtype: impl fmt::Display) -> Self {
        let (name, dtype) = (name.into(), dtype.to_string());
        Self::UnknownType { name, dtype }
    }
}

impl fmt::Display for SafetensorsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(e) => e.fmt(f),
            Self::UnknownType { name, dtype } => write!(f, "tensor {name:?} is of the unknown type {dtype}"),
            Self::Unnamed { dtype } => write!(f, "the format has no name for {dtype}"),
            Self::Duplicate { name } => write!(f, "two tensors are named {name:?}; rename one"),
            Self::Reserved { name } => write!(f, "{name:?} is the format's own name; rename the tensor"),
            Self::PartialByte { bits } => {
                write!(
                    f,
                    "{bits} bits of packed items end inside of a byte; pad them to a multiple of 8"
                )
            }
            Self::BigEndianMachine => {
                f.write_str("the format is little-endian, and writing it is for little-endian machines")
            }
        }
    }
}
