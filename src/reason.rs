//! Why bytes are copied, and why a consumer takes a view not even then.
//!
//! One enum serves the plan, the refusal under [`CopyPolicy::Never`](crate::CopyPolicy::Never) and the report alike, so
//! that the three cannot tell different stories.

use std::fmt;

use crate::dtype::{ByteOrder, DType};
use crate::memory::{Access, Device, Order, OwnerKind};

/// Why a copy is needed, or was made.
///
/// Strides are in bytes, or in bits for packed items.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyReason {
    /// The caller asked for a copy.
    Requested,
    /// The items are not in the order that the consumer needs.
    NotContiguous {
        /// Order needed.
        order: Order,
        /// First axis, counted from the fastest, whose stride is another.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// Stride needed.
        expected: isize,
    },
    /// The consumer takes no negative strides.
    NegativeStride {
        /// Axis concerned.
        axis: usize,
        /// Its stride.
        stride: isize,
    },
    /// The consumer takes no stride 0 (a broadcast axis).
    ZeroStride {
        /// Axis concerned.
        axis: usize,
    },
    /// The consumer counts strides in items, and this one is no whole number of them.
    StrideNotMultiple {
        /// Axis concerned.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// Size of an item.
        itemsize: usize,
    },
    /// The address of the first item is no multiple of the alignment that the consumer needs.
    Misaligned {
        /// Bytes by which the address is off.
        offset: usize,
        /// Alignment needed, in bytes.
        required: usize,
    },
    /// The items are in the other byte order.
    ByteOrder {
        /// Byte order found.
        found: ByteOrder,
    },
    /// The items are packed to bits and the consumer needs whole bytes, or the other way round.
    Packing {
        /// Bits of an item there.
        from: usize,
        /// Bits of an item needed.
        to: usize,
    },
    /// The first item of a packed view does not begin at a byte.
    BitOffset {
        /// Bits by which it is off, 1 to 7.
        offset: usize,
    },
    /// The consumer needs memory that nobody writes.
    NotImmutable {
        /// Access that there is.
        access: Access,
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// The consumer writes, and the memory may only be read.
    ReadOnly {
        /// Who owns the memory.
        owner: OwnerKind,
    },
    /// The memory is borrowed, and the result outlives the borrow.
    Borrowed,
    /// The consumer keeps items in memory of its own making.
    OwnMemory,
    /// Source and destination share memory, and no order of the items reads each before it is overwritten.
    Overlap,
    /// The caller asked for some items out of many, by a list of positions or a mask.
    Gather,
    /// The view keeps much more memory alive than it shows.
    Pinned {
        /// Bytes that it shows.
        visible: usize,
        /// Bytes that it keeps alive.
        pinned: usize,
    },
    /// The items were in several pieces, and became one.
    Chunks {
        /// Pieces that there were.
        chunks: usize,
    },
    /// The bytes were read from a file into memory instead of being mapped.
    FileRead,
    /// The bytes were compressed.
    Decompressed,
    /// Nulls were replaced by a value.
    NullsFilled {
        /// Nulls replaced, of rows and of the items inside of them.
        count: usize,
    },
    /// Two masks were combined into one.
    MasksCombined,
    /// Items that stood for others, or for runs of others, were replaced by those.
    Decoded,
    /// Columns were put side by side, or arrays one behind the other.
    Gathered {
        /// Pieces put together.
        pieces: usize,
    },
    /// Items were converted to another type that was asked for by name.
    Cast,
    /// Arrow stored the bytes where it could not use them in place and re-allocated them.
    Realigned {
        /// Alignment that Arrow needs, in bytes.
        required: usize,
    },
}

impl fmt::Display for CopyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("requested"),
            Self::NotContiguous {
                order,
                axis,
                stride,
                expected,
            } => {
                write!(
                    f,
                    "not {order}-contiguous (axis {axis}: stride {stride}, expected {expected})"
                )
            }
            Self::NegativeStride { axis, stride } => write!(f, "negative stride (axis {axis}: {stride})"),
            Self::ZeroStride { axis } => write!(f, "broadcast axis (axis {axis}: stride 0)"),
            Self::StrideNotMultiple { axis, stride, itemsize } => {
                write!(
                    f,
                    "stride no multiple of the itemsize (axis {axis}: {stride} of {itemsize})"
                )
            }
            Self::Misaligned { offset, required } => {
                write!(f, "misaligned ({offset} bytes past a multiple of {required})")
            }
            Self::ByteOrder { found } => write!(f, "{found} byte order"),
            Self::Packing { from, to } => write!(f, "items of {from} bits, needed {to}"),
            Self::BitOffset { offset } => write!(f, "first item {offset} bits into a byte"),
            Self::NotImmutable { access, owner } => {
                write!(f, "{owner} memory that others may write ({access:?})")
            }
            Self::ReadOnly { owner } => write!(f, "read-only {owner} memory"),
            Self::Borrowed => f.write_str("borrowed memory would not live long enough"),
            Self::OwnMemory => f.write_str("it keeps items in memory of its own"),
            Self::Overlap => f.write_str("source and destination overlap"),
            Self::Gather => f.write_str("requested gather"),
            Self::Pinned { visible, pinned } => write!(f, "{visible} bytes keep {pinned} alive"),
            Self::Chunks { chunks } => write!(f, "in {chunks} chunks"),
            Self::FileRead => f.write_str("read from a file"),
            Self::Decompressed => f.write_str("decompressed"),
            Self::NullsFilled { count } => write!(f, "{count} nulls filled"),
            Self::MasksCombined => f.write_str("masks combined"),
            Self::Decoded => f.write_str("decoded"),
            Self::Gathered { pieces } => write!(f, "{pieces} pieces put together"),
            Self::Cast => f.write_str("converted to the type asked for"),
            Self::Realigned { required } => write!(f, "re-allocated by Arrow (alignment {required})"),
        }
    }
}

/// Why a consumer cannot take a view, with or without a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The consumer has no such data type.
    DType {
        /// The data type.
        found: DType,
    },
    /// Records of the other byte order whose fields overlap so that no copy can turn one without the other.
    FieldOrders {
        /// The data type.
        found: DType,
    },
    /// The items mean more than their bits (a time, a decimal), and the consumer has no word for it. Opt in to the
    /// storage integers with [`into_storage`](crate::StridedView::into_storage).
    Logical {
        /// The meaning that would be lost.
        found: crate::dtype::Logical,
    },
    /// Too many axes.
    Rank {
        /// Axes that there are.
        ndim: usize,
        /// Most axes that the consumer takes.
        max: usize,
    },
    /// Too few axes.
    RankTooLow {
        /// Axes that there are.
        ndim: usize,
        /// Fewest axes that the consumer takes.
        min: usize,
    },
    /// The bytes lie on a device that the consumer cannot reach.
    Device {
        /// The device.
        found: Device,
    },
    /// There are no items, and the consumer cannot cope with that.
    Empty {
        /// The shape.
        shape: Vec<usize>,
    },
    /// A copy would be larger than an address space: more items than memory, which a broadcast makes, unpacked to larger ones.
    TooLarge {
        /// Items that there are.
        items: usize,
        /// Bytes that each would need.
        itemsize: usize,
    },
    /// The consumer writes, the memory is read-only, and a copy was not opted into.
    ReadOnly {
        /// Who owns the memory.
        owner: OwnerKind,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DType { found } => write!(f, "it has no data type {found}"),
            Self::FieldOrders { found } => write!(
                f,
                "fields of {found} overlap, so that their byte order cannot be turned; hand fields over one by one"
            ),
            Self::Logical { found } => {
                write!(
                    f,
                    "it cannot say that items are {found}; opt in to the storage integers with into_storage()"
                )
            }
            Self::Rank { ndim, max } => write!(f, "{ndim} axes, it takes at most {max}"),
            Self::RankTooLow { ndim, min } => write!(f, "{ndim} axes, it takes at least {min}; insert one"),
            Self::Device { found } => write!(f, "the bytes lie on {found}"),
            Self::Empty { shape } => write!(f, "shape {shape:?} has no items"),
            Self::TooLarge { items, itemsize } => {
                write!(
                    f,
                    "a copy of {items} items of {itemsize} bytes exceeds the address space; slice first"
                )
            }
            Self::ReadOnly { owner } => {
                write!(
                    f,
                    "it would be allowed to write read-only {owner} memory; copy it, or trust the consumer unsafely"
                )
            }
        }
    }
}

/// Writes reasons as a list with semicolons.
pub(crate) fn write_list(f: &mut fmt::Formatter<'_>, reasons: &[CopyReason]) -> fmt::Result {
    for (k, reason) in reasons.iter().enumerate() {
        if k > 0 {
            f.write_str("; ")?;
        }
        write!(f, "{reason}")?;
    }
    Ok(())
}
