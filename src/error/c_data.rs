//! What can be wrong with the structs of Arrow's C interfaces.

use std::fmt;

/// What is wrong with an `ArrowSchema`, `ArrowArray`, `ArrowArrayStream` or `ArrowDeviceArray` of another library.
///
/// Everything that needs no trust is checked before any memory of the producer is followed. The struct is released in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CDataFault {
    /// The pointer to a struct is NULL.
    NullStruct {
        /// The struct.
        name: &'static str,
    },
    /// The struct has been released, or moved to somebody else.
    Released {
        /// The struct.
        name: &'static str,
    },
    /// A pointer of a struct is NULL, and must not be.
    NullPointer {
        /// The member.
        member: &'static str,
    },
    /// A number of a struct is not what the type, or the interface, allows.
    Count {
        /// The member.
        member: &'static str,
        /// The number found.
        found: i64,
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// `length` and `offset` together go beyond the address space.
    TooLong {
        /// `length` found.
        length: i64,
        /// `offset` found.
        offset: i64,
    },
    /// A buffer is NULL though the array has items in it.
    NullBuffer {
        /// Position among the array's buffers.
        index: usize,
        /// Bytes that it should have.
        expected: usize,
    },
    /// A format string that the specification does not have.
    Format {
        /// The string.
        format: Box<str>,
    },
    /// A string that is no UTF-8.
    Text {
        /// The member.
        member: &'static str,
    },
    /// Types are nested too deeply.
    Depth {
        /// Most levels allowed.
        max: usize,
    },
    /// Offsets that run backwards, or are negative.
    Offsets {
        /// Position of the first wrong one.
        position: usize,
        /// Its value.
        found: i64,
    },
    /// The producer of a stream failed.
    Stream {
        /// Its error code.
        code: i32,
        /// What it said, if anything.
        message: Box<str>,
    },
    /// Memory of a device, where only the CPU's will do.
    Device {
        /// Device type, numbered as in DLPack.
        device_type: i32,
        /// Number of the device.
        device_id: i64,
    },
    /// The producer has not finished writing, and only its device can wait for it.
    SyncEvent,
}

impl fmt::Display for CDataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullStruct { name } => write!(f, "the pointer to the {name} is NULL"),
            Self::Released { name } => write!(
                f,
                "the {name} has been released, or moved elsewhere; each can be taken once"
            ),
            Self::NullPointer { member } => write!(f, "{member} is NULL"),
            Self::Count {
                member,
                found,
                min,
                max,
            } if min == max => write!(f, "{member} is {found}, expected {min}"),
            Self::Count {
                member,
                found,
                min,
                max,
            } => write!(f, "{member} is {found}, expected {min} to {max}"),
            Self::TooLong { length, offset } => {
                write!(f, "length {length} and offset {offset} lead out of the address space")
            }
            Self::NullBuffer { index, expected } => {
                write!(f, "buffer {index} is NULL, and should have {expected} bytes")
            }
            Self::Format { format } => write!(f, "format {format:?} is none of Arrow's"),
            Self::Text { member } => write!(f, "{member} is no UTF-8"),
            Self::Depth { max } => write!(f, "types are nested more than {max} levels deep"),
            Self::Offsets { position, found } => {
                write!(
                    f,
                    "offset {position} is {found}, which is negative or less than the one before"
                )
            }
            Self::Stream { code, message } => {
                write!(f, "the producer of the stream failed with code {code}: {message}")
            }
            Self::Device { device_type, device_id } => write!(
                f,
                "the bytes lie on device type {device_type}, number {device_id}; look at them as a view, or copy them to the host with the library that owns them"
            ),
            Self::SyncEvent => f.write_str(
                "the array comes with an event to wait for; wait with the library of its device, then take the array",
            ),
        }
    }
}
