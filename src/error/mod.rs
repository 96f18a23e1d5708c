//! What can go wrong, with the numbers that say where and a remedy that says what to do.
//!
//! There are two enums. [`LayoutError`] is pure arithmetic on shapes and strides. [`Error`] is everything else, and wraps it.
//! Neither holds free text: every variant carries the values that were expected and found.

mod c_data;
mod dtype;
mod fault;
mod file;
mod layout;
mod syntax;

use std::fmt;

pub use c_data::CDataFault;
pub use dtype::DTypeFault;
pub use fault::{ArrowFault, DlpackFault, NoView};
pub use file::{NpyFault, NpzFault, RawFault, SafetensorsFault};
pub use layout::LayoutError;
pub use syntax::{IndexSyntax, IndexSyntaxError};

use crate::dtype::{DType, ItemType};
use crate::memory::OwnerKind;
use crate::reason::{CopyReason, Refusal};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation of this crate failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The shape arithmetic failed.
    Layout(LayoutError),
    /// Text that is no index expression.
    IndexSyntax(IndexSyntaxError),
    /// A copy is needed, and the policy was [`CopyPolicy::Never`](crate::CopyPolicy::Never).
    CopyForbidden {
        /// Who asked: the name of the [`Requirements`](crate::Requirements).
        consumer: &'static str,
        /// Bytes that the copy would write.
        bytes: usize,
        /// Every reason, as the report of the copy would list them.
        reasons: Vec<CopyReason>,
    },
    /// The target cannot express this view, and no copy would help.
    Refused {
        /// Who refused: the name of the [`Requirements`](crate::Requirements).
        consumer: &'static str,
        /// Why.
        refusal: Refusal,
    },
    /// The items are of another type.
    DTypeMismatch {
        /// Type needed.
        expected: DType,
        /// Type found.
        found: DType,
    },
    /// The items mean something else, though their bits are alike: times in another unit, say.
    ItemMismatch {
        /// Type and meaning needed.
        expected: ItemType,
        /// Type and meaning found.
        found: ItemType,
    },
    /// A list of views with at least one was needed.
    NoViews,
    /// Two shapes that must be equal are not.
    ShapeMismatch {
        /// Shape needed.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// Typed access to items whose address is no multiple of their alignment.
    Misaligned {
        /// Address of the first item, or the offending stride.
        found: isize,
        /// Alignment needed, in bytes.
        required: usize,
    },
    /// A slice over items that are not adjacent.
    NotContiguous {
        /// First axis whose stride is not the expected one, counted from the fastest.
        axis: usize,
        /// Its stride, in bytes.
        stride: isize,
        /// Stride that row-major order needs, in bytes.
        expected: isize,
    },
    /// Safe references over memory that somebody else may write.
    NotImmutable {
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// Write access to memory that may only be read.
    ReadOnly {
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// Exclusive access to memory that other views share.
    NotUnique {
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// A writable view whose items overlap, or cannot be shown to be disjoint with reasonable work.
    SelfOverlap {
        /// The axis on which the layout folds back onto itself.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// The smallest stride that would keep items apart.
        expected: usize,
    },
    /// A view of the memory behind a part of a split view: the other parts write there.
    Confined {
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// A cut between packed items that would leave a byte to both sides, which two threads cannot write.
    SplitsByte {
        /// Axis cut.
        axis: usize,
        /// Position of the cut.
        position: usize,
    },
    /// The bytes on a device that the CPU cannot read.
    DeviceMemory {
        /// DLPack device type.
        device_type: u32,
        /// Device number.
        device_id: i32,
    },
    /// A byte that is no valid item, such as a `bool` that is neither 0 nor 1.
    InvalidItem {
        /// Position in row-major order.
        position: usize,
        /// The type that the bytes do not fit.
        expected: DType,
    },
    /// Memory could not be allocated.
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// A slice of memory is too short for what it should hold.
    TooShort {
        /// Bytes needed.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Arrow data with nulls where none are allowed.
    Nulls {
        /// Nulls in the rows and their items.
        count: usize,
    },
    /// A description of a data type that cannot be, or a data type without the part that was asked for.
    DType(DTypeFault),
    /// A DLPack tensor that breaks the protocol.
    Dlpack(DlpackFault),
    /// Arrow data or metadata that no view can be made of.
    Arrow(ArrowFault),
    /// A `.npy` header that breaks the format.
    Npy(NpyFault),
    /// A file without a header that does not hold what it should, or a mapping that cannot do what it should.
    Raw(RawFault),
    /// A `.npz` archive that breaks the format.
    Npz(NpzFault),
    /// A safetensors file that breaks the format, or tensors that it cannot hold.
    Safetensors(SafetensorsFault),
    /// What is wrong with one of the arrays of a file.
    Array {
        /// Its name.
        name: String,
        /// What is wrong.
        error: Box<Error>,
    },
    /// A file could not be read or written.
    Io(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(e) => e.fmt(f),
            Self::IndexSyntax(e) => e.fmt(f),
            Self::CopyForbidden {
                consumer,
                bytes,
                reasons,
            } => {
                write!(
                    f,
                    "{consumer} needs a copy of {bytes} bytes, and the policy forbids it: "
                )?;
                crate::reason::write_list(f, reasons)?;
                f.write_str("; allow it with CopyPolicy::IfNeeded")
            }
            Self::Refused { consumer, refusal } => write!(f, "{consumer} refuses the view: {refusal}"),
            Self::DTypeMismatch { expected, found } => {
                write!(f, "expected items of type {expected}, found {found}")
            }
            Self::ItemMismatch { expected, found } => write!(
                f,
                "expected items of type {expected}, found {found}; take both as they are stored with into_storage()"
            ),
            Self::NoViews => f.write_str("no views; at least one is needed"),
            Self::ShapeMismatch { expected, found } => {
                write!(
                    f,
                    "expected shape {expected:?}, found {found:?}; broadcast or reshape first"
                )
            }
            Self::Misaligned { found, required } => write!(
                f,
                "{found:#x} is no multiple of the alignment of {required} bytes; read items with get(), or copy with to_contiguous"
            ),
            Self::NotContiguous { axis, stride, expected } => write!(
                f,
                "no slice: axis {axis} has a stride of {stride} bytes, row-major order needs {expected}; copy with to_contiguous"
            ),
            Self::NotImmutable { owner } => write!(
                f,
                "memory of kind {owner} may be written by others, so no reference to it is safe; read it with get(), copy it, or promise otherwise with the unsafe assume_immutable()"
            ),
            Self::ReadOnly { owner } => {
                write!(f, "memory of kind {owner} is read-only; copy it to write")
            }
            Self::NotUnique { owner } => {
                write!(
                    f,
                    "other views share this memory of kind {owner}; drop them, or copy it to write"
                )
            }
            Self::SelfOverlap { axis, stride, expected } => write!(
                f,
                "items may overlap: axis {axis} has stride {stride}, {expected} would keep them apart; copy to write"
            ),
            Self::Confined { owner } => write!(
                f,
                "memory of kind {owner} is split among several exclusive views; make views of the part, not of its memory"
            ),
            Self::SplitsByte { axis, position } => write!(
                f,
                "a cut before position {position} of axis {axis} goes through a byte that packed items share; cut at a whole byte, or copy to whole bytes first"
            ),
            Self::DeviceMemory { device_type, device_id } => write!(
                f,
                "the bytes lie on DLPack device type {device_type}, number {device_id}, which the CPU cannot read; copy them to the host with the library that owns them"
            ),
            Self::InvalidItem { position, expected } => {
                write!(
                    f,
                    "item {position} (row-major) is no valid {expected}; view the memory as uint8 to look at it"
                )
            }
            Self::OutOfMemory { bytes } => write!(f, "{bytes} bytes could not be allocated"),
            Self::TooShort { expected, found } => write!(f, "{expected} bytes are needed, {found} are there"),
            Self::Nulls { count } => write!(
                f,
                "{count} null{}, and a view has no place for them; ask for Nulls::Separate to take values and validity apart",
                if *count == 1 { "" } else { "s" }
            ),
            Self::DType(e) => e.fmt(f),
            Self::Dlpack(e) => write!(f, "invalid DLPack tensor: {e}"),
            Self::Arrow(e) => e.fmt(f),
            Self::Npy(e @ NpyFault::Unwritable { .. }) => write!(f, "no .npy file can hold it: {e}"),
            Self::Npy(e) => write!(f, "invalid .npy file: {e}"),
            Self::Raw(e) => write!(f, "raw file: {e}"),
            Self::Npz(e) => write!(f, "invalid .npz file: {e}"),
            Self::Safetensors(e) => write!(f, "safetensors: {e}"),
            Self::Array { name, error } => write!(f, "array {name:?}: {error}"),
            Self::Io(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Layout(e) => Some(e),
            Self::IndexSyntax(e) => Some(e),
            Self::Io(e) => Some(e),
            Self::DType(e) => Some(e),
            Self::Arrow(ArrowFault::Library(e) | ArrowFault::Compressed(e)) => Some(&**e),
            _ => None,
        }
    }
}

impl From<LayoutError> for Error {
    fn from(e: LayoutError) -> Self {
        Self::Layout(e)
    }
}

impl From<IndexSyntaxError> for Error {
    fn from(e: IndexSyntaxError) -> Self {
        Self::IndexSyntax(e)
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

impl From<DTypeFault> for Error {
    fn from(e: DTypeFault) -> Self {
        Self::DType(e)
    }
}

impl From<DlpackFault> for Error {
    fn from(e: DlpackFault) -> Self {
        Self::Dlpack(e)
    }
}

impl From<ArrowFault> for Error {
    fn from(e: ArrowFault) -> Self {
        Self::Arrow(e)
    }
}

impl From<CDataFault> for Error {
    fn from(e: CDataFault) -> Self {
        Self::Arrow(ArrowFault::CData(e))
    }
}

impl Error {
    /// The same error, of one of the arrays of a file.
    #[cfg(any(feature = "npz", feature = "safetensors"))]
    pub(crate) fn of_array(self, name: &str) -> Self {
        Self::Array {
            name: name.into(),
            error: Box::new(self),
        }
    }
}

impl From<NpzFault> for Error {
    fn from(e: NpzFault) -> Self {
        Self::Npz(e)
    }
}

impl From<SafetensorsFault> for Error {
    fn from(e: SafetensorsFault) -> Self {
        Self::Safetensors(e)
    }
}

impl From<RawFault> for Error {
    fn from(e: RawFault) -> Self {
        Self::Raw(e)
    }
}

impl From<NpyFault> for Error {
    fn from(e: NpyFault) -> Self {
        Self::Npy(e)
    }
}
