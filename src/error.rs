//! What can go wrong, with the numbers that say where and a remedy that says what to do.
//!
//! There are two enums. [`LayoutError`] is pure arithmetic on shapes and strides. [`Error`] is everything else, and wraps it.
//! Neither holds free text: every variant carries the values that were expected and found.

use std::fmt;

use crate::dtype::DType;
use crate::memory::OwnerKind;
use crate::reason::{CopyReason, Refusal};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a shape and its strides are no valid layout, or why an operation on a layout is impossible without a copy.
///
/// Axes count from 0. Strides are in the layout's unit: bytes, or bits for packed items
/// ([`Layout::unit`](crate::Layout::unit)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// More axes than [`MAX_NDIM`](crate::MAX_NDIM).
    RankTooHigh {
        /// Axes asked for.
        ndim: usize,
    },
    /// Two lists that need one entry per axis differ in length.
    RankMismatch {
        /// Entries needed.
        expected: usize,
        /// Entries given.
        found: usize,
    },
    /// Items × itemsize exceeds `isize::MAX` (dimensions of size 0 count as 1, as in NumPy).
    SizeOverflow {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Size of one item, in the layout's unit.
        itemsize: usize,
    },
    /// An item would lie outside of the memory.
    OutOfBounds {
        /// Lowest unit reached, relative to the start of the memory; saturating.
        lowest: isize,
        /// One past the highest unit reached; saturating.
        highest: usize,
        /// Units that the memory has.
        available: usize,
    },
    /// An axis that the layout does not have.
    AxisOutOfRange {
        /// Axis asked for.
        axis: usize,
        /// Axes that there are.
        ndim: usize,
    },
    /// The same axis twice.
    RepeatedAxis {
        /// The axis named twice.
        axis: usize,
    },
    /// An index beyond its axis.
    IndexOutOfRange {
        /// Axis indexed.
        axis: usize,
        /// Index asked for; negative counts from the end.
        index: isize,
        /// Size of the axis.
        size: usize,
    },
    /// More indices than axes.
    TooManyIndices {
        /// Integers and slices given.
        given: usize,
        /// Axes that there are.
        ndim: usize,
    },
    /// An index expression with more than one ellipsis.
    SecondEllipsis {
        /// Position of the second ellipsis in the index expression.
        position: usize,
    },
    /// A slice with step 0.
    ZeroStep {
        /// Axis sliced.
        axis: usize,
    },
    /// Stride × step (or its negation) does not fit in `isize`. NumPy wraps here.
    StrideOverflow {
        /// Axis concerned.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// The factor.
        factor: isize,
    },
    /// Squeezing an axis whose size is not 1.
    NotSizeOne {
        /// Axis concerned.
        axis: usize,
        /// Its size.
        size: usize,
    },
    /// A reshape that changes the number of items.
    ReshapeSize {
        /// Items that there are.
        from: usize,
        /// The shape asked for.
        to: Vec<usize>,
    },
    /// A reshape whose unknown dimension cannot be derived: the known ones do not divide the items, or their product is 0.
    ReshapeUnknown {
        /// Items that there are.
        items: usize,
        /// Product of the known dimensions.
        known: usize,
    },
    /// A reshape with more than one unknown dimension.
    SecondUnknown {
        /// Position of the second unknown dimension.
        position: usize,
    },
    /// A reshape that only a copy can do: two axes that would have to merge are not adjacent in memory.
    ReshapeBlocked {
        /// The slower of the two axes.
        axis: usize,
        /// The faster of the two axes.
        next: usize,
        /// Stride of the slower axis.
        stride: isize,
        /// Stride that it would need.
        expected: isize,
    },
    /// A shape that cannot be broadcast to the shape asked for.
    Broadcast {
        /// Axis of the target shape.
        axis: usize,
        /// Size there is.
        size: usize,
        /// Size asked for.
        target: usize,
    },
    /// A broadcast to fewer axes than there are.
    BroadcastRank {
        /// Axes that there are.
        ndim: usize,
        /// Axes asked for.
        target: usize,
    },
    /// A change of itemsize over a last axis whose items are not adjacent.
    ReinterpretStride {
        /// Stride of the last axis.
        stride: isize,
        /// Stride needed: the present itemsize.
        expected: usize,
    },
    /// A change of itemsize that does not divide the bytes of the last axis (or of a 0-d item).
    ReinterpretSize {
        /// Bytes along the last axis, or of the only item.
        available: usize,
        /// The new itemsize.
        itemsize: usize,
    },
    /// The operation counts in bytes, but the items are packed: they count in bits.
    PackedItems {
        /// Bits of one item.
        bits: usize,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RankTooHigh { ndim } => {
                write!(
                    f,
                    "{ndim} axes, but at most {} are supported; reshape or squeeze first",
                    crate::MAX_NDIM
                )
            }
            Self::RankMismatch { expected, found } => {
                write!(f, "expected one entry for each of {expected} axes, found {found}")
            }
            Self::SizeOverflow { shape, itemsize } => {
                write!(
                    f,
                    "shape {shape:?} of items of size {itemsize} exceeds the address space"
                )
            }
            Self::OutOfBounds {
                lowest,
                highest,
                available,
            } => write!(
                f,
                "the layout reaches {lowest}..{highest}, but the memory holds 0..{available}; reduce the shape, the strides or the offset"
            ),
            Self::AxisOutOfRange { axis, ndim } => {
                write!(f, "axis {axis} of a layout with {ndim} axes; axes count from 0")
            }
            Self::RepeatedAxis { axis } => write!(f, "axis {axis} is named twice; name each axis once"),
            Self::IndexOutOfRange { axis, index, size } => {
                write!(f, "index {index} is out of range for axis {axis} with size {size}")
            }
            Self::TooManyIndices { given, ndim } => {
                write!(f, "{given} indices for a layout with {ndim} axes")
            }
            Self::SecondEllipsis { position } => {
                write!(
                    f,
                    "a second ellipsis at position {position}; an index expression holds at most one"
                )
            }
            Self::ZeroStep { axis } => write!(f, "slice step 0 on axis {axis}; a step is not zero"),
            Self::StrideOverflow { axis, stride, factor } => {
                write!(
                    f,
                    "stride {stride} of axis {axis} times {factor} does not fit in an address"
                )
            }
            Self::NotSizeOne { axis, size } => {
                write!(
                    f,
                    "axis {axis} has size {size}; only axes of size 1 can be squeezed away"
                )
            }
            Self::ReshapeSize { from, to } => {
                write!(f, "{from} items cannot take the shape {to:?}")
            }
            Self::ReshapeUnknown { items, known } => {
                write!(
                    f,
                    "the unknown dimension cannot be derived from {items} items over known dimensions of product {known}"
                )
            }
            Self::SecondUnknown { position } => {
                write!(
                    f,
                    "a second unknown dimension at position {position}; at most one can be derived"
                )
            }
            Self::ReshapeBlocked {
                axis,
                next,
                stride,
                expected,
            } => write!(
                f,
                "axes {axis} and {next} cannot merge without a copy: stride {stride} of axis {axis} would have to be {expected}; copy with to_contiguous first"
            ),
            Self::Broadcast { axis, size, target } => {
                write!(
                    f,
                    "axis {axis} has size {size} and cannot be broadcast to {target}; only size 1 can"
                )
            }
            Self::BroadcastRank { ndim, target } => {
                write!(f, "{ndim} axes cannot be broadcast to {target}; index or squeeze first")
            }
            Self::ReinterpretStride { stride, expected } => write!(
                f,
                "an item of another size needs adjacent items on the last axis: stride {stride}, expected {expected}; copy with to_contiguous first"
            ),
            Self::ReinterpretSize { available, itemsize } => {
                write!(f, "{available} bytes are no whole number of items of {itemsize} bytes")
            }
            Self::PackedItems { bits } => {
                write!(
                    f,
                    "items of {bits} bits are packed and have no byte strides; convert to whole bytes first"
                )
            }
        }
    }
}

impl std::error::Error for LayoutError {}

/// Why an operation of this crate failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The shape arithmetic failed.
    Layout(LayoutError),
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
    /// A writable view whose items overlap, or cannot be shown to be disjoint.
    SelfOverlap {
        /// The axis on which the layout folds back onto itself.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// The smallest stride that would keep items apart.
        expected: usize,
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
    /// A DLPack tensor that breaks the protocol.
    Dlpack(DlpackFault),
    /// Arrow data or metadata that no view can be made of.
    Arrow(ArrowFault),
    /// A `.npy` header that breaks the format.
    Npy(NpyFault),
    /// A file could not be read or written.
    Io(std::io::Error),
}

/// What is wrong with a DLPack tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DlpackFault {
    /// The pointer to the tensor is NULL.
    NullTensor,
    /// A major version with another struct layout: nothing but the deleter was touched.
    Version {
        /// Major version found.
        major: u32,
        /// Minor version found.
        minor: u32,
    },
    /// `ndim` is negative or above 64.
    Rank {
        /// `ndim` found.
        ndim: i32,
    },
    /// `shape` is NULL though `ndim` is not 0.
    NullShape {
        /// `ndim` found.
        ndim: i32,
    },
    /// `strides` is NULL in a version (1.2 and later) that forbids it.
    NullStrides {
        /// `ndim` found.
        ndim: i32,
    },
    /// `data` is NULL though the tensor has items.
    NullData {
        /// Number of items.
        items: usize,
    },
    /// A negative or too large dimension.
    Dimension {
        /// Axis concerned.
        axis: usize,
        /// Size found.
        size: i64,
    },
    /// A stride whose bytes do not fit in an address.
    Stride {
        /// Axis concerned.
        axis: usize,
        /// Stride found, in elements.
        stride: i64,
    },
    /// `byte_offset`, or an address reached from it, lies beyond the address space.
    ByteOffset {
        /// `byte_offset` found.
        byte_offset: u64,
    },
    /// A data type with bits or lanes that its code does not allow.
    DataType {
        /// Type code.
        code: u8,
        /// Bits of one lane.
        bits: u8,
        /// Lanes.
        lanes: u16,
    },
}

/// What is wrong with Arrow data or metadata.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArrowFault {
    /// The type has no strided form, or none yet.
    UnsupportedType(Box<str>),
    /// A field says one type, and the array beside it has another.
    FieldType {
        /// Type of the field.
        field: Box<str>,
        /// Type of the array.
        array: Box<str>,
    },
    /// Array, field and child data disagree in length.
    Length {
        /// Items that the type and the parent demand.
        expected: usize,
        /// Items found.
        found: usize,
    },
    /// The metadata of an extension type is no JSON object.
    MetadataSyntax,
    /// A key of the metadata is missing or has another type than the specification gives it.
    MetadataKey {
        /// The key.
        key: &'static str,
    },
    /// `permutation` is no permutation of the axes.
    Permutation {
        /// Value found.
        found: Vec<usize>,
        /// Number of axes.
        ndim: usize,
    },
    /// `dim_names` does not name every axis.
    DimNames {
        /// Names found.
        found: usize,
        /// Number of axes.
        ndim: usize,
    },
    /// The product of the tensor's shape is not the size of the list that stores it.
    TensorSize {
        /// The tensor's shape.
        shape: Vec<usize>,
        /// Size of the list.
        list_size: i32,
    },
    /// An axis is longer than an Arrow list size can say (`i32::MAX`).
    ListSize {
        /// Items of one row.
        items: usize,
    },
    /// A footer of an IPC file that names bytes which the file does not have.
    Block {
        /// First byte of the block.
        offset: i64,
        /// Bytes of the block's metadata.
        metadata: i32,
        /// Bytes of the block's body.
        body: i64,
        /// Bytes of the file.
        available: usize,
    },
    /// A compressed IPC file that this build cannot decompress, with Arrow's own error.
    Compressed(Box<dyn std::error::Error + Send + Sync>),
    /// Arrow's decoder panicked over a broken file. The panic went no further.
    Panic,
    /// Arrow's own error.
    Library(Box<dyn std::error::Error + Send + Sync>),
}

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
    /// A data type that is unknown, or no plain one.
    Descr {
        /// The type as the header has it.
        descr: Box<str>,
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(e) => e.fmt(f),
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
            Self::Dlpack(e) => write!(f, "invalid DLPack tensor: {e}"),
            Self::Arrow(e) => e.fmt(f),
            Self::Npy(e) => write!(f, "invalid .npy file: {e}"),
            Self::Io(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for DlpackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullTensor => f.write_str("the pointer is NULL"),
            Self::Version { major, minor } => {
                write!(
                    f,
                    "version {major}.{minor}, expected major version 1; ask the producer for max_version (1, x)"
                )
            }
            Self::Rank { ndim } => write!(f, "ndim is {ndim}, expected 0 to {}", crate::MAX_NDIM),
            Self::NullShape { ndim } => write!(f, "shape is NULL though ndim is {ndim}"),
            Self::NullStrides { ndim } => {
                write!(
                    f,
                    "strides is NULL though ndim is {ndim}, which DLPack forbids from version 1.2 on"
                )
            }
            Self::NullData { items } => write!(f, "data is NULL though the tensor has {items} items"),
            Self::Dimension { axis, size } => write!(f, "axis {axis} has size {size}"),
            Self::Stride { axis, stride } => {
                write!(
                    f,
                    "axis {axis} has a stride of {stride} elements, which no address can hold"
                )
            }
            Self::ByteOffset { byte_offset } => {
                write!(f, "byte_offset {byte_offset} leads out of the address space")
            }
            Self::DataType { code, bits, lanes } => {
                write!(f, "type code {code} with {bits} bits and {lanes} lanes is not defined")
            }
        }
    }
}

impl fmt::Display for ArrowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedType(name) => write!(f, "Arrow type {name} has no strided form"),
            Self::Length { expected, found } => write!(f, "expected {expected} Arrow items, found {found}"),
            Self::MetadataSyntax => f.write_str("the extension metadata is no JSON object"),
            Self::MetadataKey { key } => {
                write!(
                    f,
                    "the extension metadata has no valid entry {key:?}; the Arrow specification defines it"
                )
            }
            Self::Permutation { found, ndim } => write!(f, "{found:?} is no permutation of {ndim} axes"),
            Self::DimNames { found, ndim } => write!(f, "{found} dimension names for {ndim} axes"),
            Self::TensorSize { shape, list_size } => {
                write!(
                    f,
                    "a tensor of shape {shape:?} does not fill a list of size {list_size}"
                )
            }
            Self::ListSize { items } => {
                write!(
                    f,
                    "{items} items in one row, but an Arrow list size ends at {}",
                    i32::MAX
                )
            }
            Self::FieldType { field, array } => {
                write!(
                    f,
                    "the field is of type {field}, the array of type {array}; cast one of them"
                )
            }
            Self::Block {
                offset,
                metadata,
                body,
                available,
            } => write!(
                f,
                "the footer names {metadata} + {body} bytes from byte {offset} of a file of {available}"
            ),
            Self::Compressed(e) => write!(
                f,
                "the file is compressed, and cannot be decompressed ({e}); write it without compression, or enable the feature `lz4` or `zstd` of arrow-ipc"
            ),
            Self::Panic => f.write_str("Arrow's decoder panicked; the file is broken"),
            Self::Library(e) => e.fmt(f),
        }
    }
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
            Self::Descr { descr } => write!(
                f,
                "data type {descr:?}, where a plain number, a boolean, S, U or V can be read; save records field by field, and times as integers"
            ),
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Layout(e) => Some(e),
            Self::Io(e) => Some(e),
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

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
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

impl From<NpyFault> for Error {
    fn from(e: NpyFault) -> Self {
        Self::Npy(e)
    }
}
