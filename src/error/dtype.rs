//! What can be wrong with a data type or its description.

use std::fmt;

use crate::dtype::{DType, ItemType};

/// Why there is no such data type, or why it has no such part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DTypeFault {
    /// The description is no literal of the kind that NumPy prints.
    Syntax {
        /// Byte at which reading it stopped.
        position: usize,
    },
    /// A name or a type string that is unknown: the letter, a size that the letter does not come in, the unit of a time.
    Unknown {
        /// Byte at which it begins.
        position: usize,
        /// The name, or the beginning of a long one.
        name: Box<str>,
    },
    /// Python objects: their bytes are pointers of another process.
    Objects {
        /// Byte at which their type stands.
        position: usize,
    },
    /// A dictionary of fields without names or formats, with a key that is unknown or there twice, or with lists of different lengths.
    Key {
        /// Byte of the key, or of the dictionary.
        position: usize,
    },
    /// A type with a meaning or a shape, where storage alone is wanted.
    NotPlain {
        /// What the description says.
        found: Box<ItemType>,
    },
    /// Items are no records.
    NoRecord {
        /// What they are.
        found: DType,
    },
    /// The record has no field of this name.
    NoField {
        /// The name asked for.
        name: Box<str>,
    },
    /// Two fields share a name or a title.
    FieldName {
        /// The name.
        name: Box<str>,
    },
    /// A field does not lie inside of the record.
    FieldBeyond {
        /// Its name.
        name: Box<str>,
        /// Where it begins, in bytes.
        offset: usize,
        /// Bytes of the record.
        itemsize: usize,
    },
    /// A field is no whole number of bytes.
    PackedField {
        /// Its name.
        name: Box<str>,
    },
    /// A record that is to be aligned has a field, or an end, that is not.
    FieldAlignment {
        /// The field's name.
        name: Box<str>,
        /// Its offset, or the itemsize of the record.
        offset: usize,
        /// The field's alignment, in bytes.
        alignment: usize,
    },
    /// Records inside of records go too deep.
    TooDeep {
        /// As deep as they may go.
        limit: u8,
    },
    /// An item would be of more than `u32::MAX` bytes.
    TooLarge,
    /// Two fields share bytes, so that they cannot be written apart.
    FieldsOverlap {
        /// Name of the one.
        first: Box<str>,
        /// Name of the other.
        second: Box<str>,
    },
    /// So many items cannot be the lanes of one: they are records, or have lanes already, or are none or more than `u16::MAX`.
    NoLanes {
        /// What they are.
        found: DType,
        /// How many there are.
        items: usize,
    },
    /// Items are no complex numbers.
    NoComplex {
        /// What they are.
        found: DType,
    },
}

impl fmt::Display for DTypeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { position } => write!(f, "the data type cannot be read at byte {position}"),
            Self::Unknown { position, name } => write!(f, "no data type is called {name:?} (byte {position})"),
            Self::Objects { position } => write!(
                f,
                "Python objects (byte {position}), which only Python can read; save them with a numeric type"
            ),
            Self::Key { position } => write!(
                f,
                "expected names and formats, and offsets, titles, itemsize and aligned where needed, each once and as many of each (byte {position})"
            ),
            Self::NotPlain { found } => write!(f, "{found} is more than a storage type; parse it as an ItemType"),
            Self::NoRecord { found } => write!(f, "items of type {found} have no fields"),
            Self::NoField { name } => write!(f, "no field is named {name:?}"),
            Self::FieldName { name } => write!(f, "two fields are named {name:?}"),
            Self::FieldBeyond { name, offset, itemsize } => {
                write!(
                    f,
                    "field {name:?} at byte {offset} does not lie inside of {itemsize} bytes"
                )
            }
            Self::PackedField { name } => {
                write!(f, "field {name:?} is no whole number of bytes; pad its type")
            }
            Self::FieldAlignment {
                name,
                offset,
                alignment,
            } => {
                write!(
                    f,
                    "field {name:?} needs alignment {alignment}, and {offset} is no multiple of it"
                )
            }
            Self::TooDeep { limit } => write!(f, "records inside of records go deeper than {limit}"),
            Self::TooLarge => write!(f, "an item would be of more than {} bytes", u32::MAX),
            Self::FieldsOverlap { first, second } => {
                write!(
                    f,
                    "fields {first:?} and {second:?} share bytes; write one after the other"
                )
            }
            Self::NoLanes { found, items } => write!(
                f,
                "{items} items of type {found} cannot be the lanes of one, which takes 1 to {} numbers of one lane",
                u16::MAX
            ),
            Self::NoComplex { found } => write!(f, "items of type {found} have no real and imaginary part"),
        }
    }
}

impl std::error::Error for DTypeFault {}
