//! What can be wrong with a shape and its strides.

use std::fmt;

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
    /// Shapes that cannot be broadcast together.
    BroadcastConflict {
        /// Axis of the common shape.
        axis: usize,
        /// Number of the shape that does not fit those before it.
        operand: usize,
        /// Its size along the axis.
        size: usize,
        /// Size that the shapes before it have there.
        expected: usize,
    },
    /// A window of more items than its axis has.
    WindowTooLarge {
        /// Axis concerned.
        axis: usize,
        /// Items in the window.
        window: usize,
        /// Items along the axis, or places that windows named before have left.
        size: usize,
    },
    /// An axis that cannot be cut into so many pieces of equal length, or into none.
    UnevenSplit {
        /// Axis concerned.
        axis: usize,
        /// Its size.
        size: usize,
        /// Pieces asked for.
        sections: usize,
    },
    /// An axis to be cut into pieces without items.
    EmptyChunks {
        /// Axis concerned.
        axis: usize,
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
            Self::BroadcastConflict {
                axis,
                operand,
                size,
                expected,
            } => write!(
                f,
                "shape {operand} has size {size} along axis {axis} of the common shape, where others have {expected}; only size 1 can be broadcast"
            ),
            Self::WindowTooLarge { axis, window, size } => {
                write!(f, "a window of {window} items on axis {axis}, which has {size}")
            }
            Self::UnevenSplit {
                axis,
                size,
                sections: 0,
            } => {
                write!(f, "axis {axis} of size {size} cut into no pieces; ask for at least one")
            }
            Self::UnevenSplit { axis, size, sections } => write!(
                f,
                "axis {axis} of size {size} makes no {sections} pieces of equal length; array_split allows unequal ones"
            ),
            Self::EmptyChunks { axis } => write!(f, "axis {axis} cut into pieces of no items; ask for at least one"),
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
