//! What can be wrong with files.

use std::error::Error as StdError;
use std::fmt;

use super::DTypeFault;
use crate::dtype::DType;
use crate::memory::OwnerKind;

/// What is wrong with a `.npy` file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NpyFault {
    /// The file does not open with the magic string of the format.
    Magic,
    /// A format version other than 1.0, 2.0 and 3.0.
    Version {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// The header claims to be longer than the file, or than any real header is.
    HeaderLength {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes that there can be.
        available: u64,
    },
    /// The header is no Python dictionary of the three known keys.
    HeaderSyntax {
        /// Byte of the header at which reading it stopped.
        position: usize,
    },
    /// A key is missing, repeated or unknown.
    HeaderKey {
        /// Byte of the header at which the key stands, or the header's length where one is missing.
        position: usize,
    },
    /// A data type that is unknown or impossible, or an array of items as an item.
    Descr {
        /// What is wrong with it, and at which byte of the header.
        fault: DTypeFault,
    },
    /// Python objects: their bytes are pointers of another process.
    Objects,
    /// The header claims more data than the file holds.
    Truncated {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes found.
        available: u64,
    },
    /// A data type or layout that the format cannot express.
    Unwritable {
        /// The data type.
        dtype: DType,
    },
}

impl fmt::Display for NpyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it does not open with \\x93NUMPY"),
            Self::Version { major, minor } => write!(f, "format {major}.{minor}, expected 1.0, 2.0 or 3.0"),
            Self::HeaderLength { claimed, available } => {
                write!(f, "the header claims {claimed} bytes, at most {available} are possible")
            }
            Self::HeaderSyntax { position } => write!(f, "the header cannot be read at byte {position}"),
            Self::HeaderKey { position } => write!(
                f,
                "expected each of the keys descr, fortran_order and shape once (byte {position} of the header)"
            ),
            Self::Descr { fault } => fault.fmt(f),
            Self::Objects => {
                f.write_str("it holds Python objects, which only Python can read; save them with a numeric type")
            }
            Self::Truncated { claimed, available } => {
                write!(
                    f,
                    "the header claims {claimed} bytes of data, the file holds {available}"
                )
            }
            Self::Unwritable { dtype } => write!(f, "the format has no name for {dtype}"),
        }
    }
}

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
