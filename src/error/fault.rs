//! What can be wrong with what comes from other libraries.

use std::fmt;

use super::CDataFault;

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
    /// A type that no view shows.
    NoView {
        /// The type.
        data_type: Box<str>,
        /// Why, and what to do instead.
        because: NoView,
    },
    /// Rows of different lengths, where a view needs them equal.
    Ragged {
        /// The first row whose length, or distance to the row before, is another.
        row: usize,
        /// Items, or distance, that the rows before have.
        expected: usize,
        /// What this row has.
        found: usize,
    },
    /// Columns that are not equally spaced in one allocation, so that no axis runs across them.
    Spacing {
        /// The first column that is not where it should be.
        column: usize,
    },
    /// Columns of different types, where one is needed.
    MixedTypes {
        /// The type of the columns before.
        expected: Box<str>,
        /// The first column of another.
        column: usize,
        /// Its type.
        found: Box<str>,
    },
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
    /// A view that is to be put back into its column, and does not show whole rows of it.
    NotRows {
        /// The first axis that is not the column's; 0 if the rows are not.
        axis: usize,
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
    /// A struct of the C interfaces that breaks their rules.
    CData(CDataFault),
    /// A compressed buffer of an IPC file that claims to hold more than it can.
    Claim {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes that there can be.
        possible: u64,
    },
    /// A compressed IPC file that this build cannot decompress, with Arrow's own error.
    Compressed(Box<dyn std::error::Error + Send + Sync>),
    /// Arrow's decoder panicked over a broken file. The panic went no further.
    Panic,
    /// Arrow's own error.
    Library(Box<dyn std::error::Error + Send + Sync>),
}

/// Why a type of Arrow has no view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoView {
    /// There are no bytes.
    NoBytes,
    /// Items lie in several buffers, each where its own pointer says.
    ScatteredText,
    /// Text of different lengths: bytes and offsets are views.
    Text,
    /// Keys and values in rows of different lengths.
    Map,
    /// Each row has a type of its own.
    Union,
    /// Items stand for others: keys and values are views, and decoding copies.
    Encoded,
    /// Columns of several types: each is a view.
    Columns,
    /// Rows are null, and the type has no place to say so.
    NoMask,
    /// What tells how its rows lie is data, which has not been read.
    Unread,
    /// There is none yet.
    Unknown,
}

impl fmt::Display for NoView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBytes => "its items have no bytes",
            Self::ScatteredText => "its items are scattered over buffers; cast it to Utf8 or Binary first",
            Self::Text => "its items differ in length; look at bytes and offsets with arrow::Parts",
            Self::Map => "its rows are lists of pairs; take keys and values out of it first",
            Self::Union => "each row has a type of its own; take the children of a sparse union with arrow::Parts",
            Self::Encoded => "its items stand for others; look at keys and values with arrow::Parts, or decode it",
            Self::Columns => "its columns are of different types; look at each with arrow::Parts",
            Self::NoMask => "it has no place for the nulls of its rows; take them from the struct",
            Self::Unread => "its data tell how its rows lie, and have not been read; open the file to see",
            Self::Unknown => "there is no layout for it",
        })
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
            Self::NoView { data_type, because } => write!(f, "Arrow type {data_type} is no view: {because}"),
            Self::Ragged { row, expected, found } => write!(
                f,
                "row {row} has {found} where those before have {expected}; take the rows one by one with arrow::Parts"
            ),
            Self::Spacing { column } => write!(
                f,
                "column {column} is not as far from the one before as the others are; copy them together with arrow::Matrix"
            ),
            Self::MixedTypes {
                expected,
                column,
                found,
            } => write!(
                f,
                "column {column} is of type {found}, those before of {expected}; cast them, or name a common type"
            ),
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
            Self::NotRows { axis } => write!(
                f,
                "axis {axis} of the view is not the column's, so that its nulls cannot follow; convert it with to_arrow, and take the nulls from Column::validity"
            ),
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
                "the file is compressed, and cannot be decompressed ({e}); write it without compression, or enable the feature `lz4` or `zstd`"
            ),
            Self::Claim { claimed, possible } => {
                write!(
                    f,
                    "a compressed buffer claims {claimed} bytes, at most {possible} are possible"
                )
            }
            Self::CData(e) => write!(f, "invalid Arrow C data: {e}"),
            Self::Panic => f.write_str("Arrow's decoder panicked; the file is broken"),
            Self::Library(e) => e.fmt(f),
        }
    }
}
