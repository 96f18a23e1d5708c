//! Shape, strides and offset: the arithmetic of views, without a pointer.
//!
//! Everything here is pure. [`Layout`] states its invariants once; the operations in `transform` and `reshape` keep them.

mod axes;
mod index;
mod offsets;
mod order;
mod overlap;
mod parts;
#[cfg(feature = "dlpack")]
mod place;
mod repeat;
mod reshape;
mod span;
mod split;
mod transform;

use smallvec::SmallVec;

pub(crate) use self::axes::Axes;
pub use self::index::{Index, IndexExpr, Position, Slice};
pub use self::offsets::Offsets;
pub use self::overlap::Overlap;
#[cfg(feature = "dlpack")]
pub(crate) use self::place::{Placed, PlacedAxes};
pub use self::repeat::broadcast_shape;
pub use self::reshape::Dim;
pub use self::span::Disjointness;
pub use self::split::Parts;

use crate::dtype::DType;
use crate::error::LayoutError;
use crate::memory::Order;

/// Most axes that a layout has (NumPy's limit).
pub const MAX_NDIM: usize = 64;

/// Axes up to which shape and strides lie in the layout itself, without an allocation.
pub(crate) const INLINE_NDIM: usize = 6;

/// What strides and offsets count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes.
    Byte,
    /// Bits, for packed items ([`DType::is_packed`]).
    Bit,
}

impl Unit {
    pub(crate) const fn bits(self) -> usize {
        match self {
            Self::Byte => 1 << 3,
            Self::Bit => 1,
        }
    }
}

/// Shape, signed strides and the offset of the first item.
///
/// ```text
/// address(i₀ … iₙ₋₁) = start of memory + offset + Σ iₖ · strideₖ
/// ```
///
/// Strides and offset count **bytes**; only the layouts of packed items ([`DType::BIT`], 4-bit floats) count bits, because
/// their items begin inside of bytes ([`unit`](Self::unit) tells).
///
/// ```
/// use viewbridge::{Layout, Order, DType};
///
/// let layout = Layout::contiguous(&[2, 3, 4], &DType::F64, Order::C)?;
/// assert_eq!(layout.strides(), [96, 32, 8]);
/// let reversed = layout.flip(0)?;
/// assert_eq!(reversed.strides(), [-96, 32, 8]);
/// assert_eq!(reversed.offset(), 96);
/// assert_eq!(reversed.span(), 0..192);
/// # Ok::<(), viewbridge::LayoutError>(())
/// ```
///
/// # Invariants
///
/// - *rank*: at most [`MAX_NDIM`] axes.
/// - *size*: the product of the dimensions (0 counted as 1) times the itemsize is at most `isize::MAX`.
/// - *span*: unless some dimension is 0, every unit of every item lies in `0..=isize::MAX`, counted from the start of the
///   memory. A layout without items reaches nothing, and its strides and offset may be anything.
///
/// Equality is by representation: the strides of axes of size 1 count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    axes: Axes,
    offset: usize,
    itemsize: usize,
    unit: Unit,
}

impl Layout {
    /// A contiguous layout at offset 0.
    ///
    /// Without items, all strides are 0, as in arrays that NumPy allocates.
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    pub fn contiguous(shape: &[usize], dtype: &DType, order: Order) -> Result<Self, LayoutError> {
        let (itemsize, unit) = Self::item_of(dtype);
        Self::contiguous_items(shape, itemsize, unit, order)
    }

    /// A layout of any strides.
    ///
    /// `strides` and `offset` count bytes, or bits if `dtype` is packed. The strides of axes of size 1, and all of them if there
    /// are no items, mean nothing and may be anything.
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`] if shape and strides differ in length, [`LayoutError::RankTooHigh`],
    /// [`LayoutError::SizeOverflow`], and [`LayoutError::OutOfBounds`] if an item would lie before the start of the memory or
    /// beyond the address space.
    pub fn strided(shape: &[usize], strides: &[isize], offset: usize, dtype: &DType) -> Result<Self, LayoutError> {
        if shape.len() != strides.len() {
            return Err(LayoutError::RankMismatch {
                expected: shape.len(),
                found: strides.len(),
            });
        }
        let (itemsize, unit) = Self::item_of(dtype);
        check_size(shape, itemsize)?;
        let layout = Self {
            axes: Axes::new(shape, strides),
            offset,
            itemsize,
            unit,
        };
        layout.check_span()?;
        Ok(layout)
    }

    /// The itemsize of `dtype` and the unit that it counts in.
    #[inline(always)]
    pub(crate) fn item_of(dtype: &DType) -> (usize, Unit) {
        if dtype.is_packed() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "packed items have at most 255 × 65535 bits"
            )]
            let bits = dtype.item_bits() as usize;
            (bits, Unit::Bit)
        } else {
            (dtype.itemsize(), Unit::Byte)
        }
    }

    pub(crate) fn contiguous_items(
        shape: &[usize],
        itemsize: usize,
        unit: Unit,
        order: Order,
    ) -> Result<Self, LayoutError> {
        check_size(shape, itemsize)?;
        let mut layout = Self {
            axes: Axes::blank(shape.len()),
            offset: 0,
            itemsize,
            unit,
        };
        layout.axes.parts_mut().0.copy_from_slice(shape);
        if !layout.is_empty() {
            layout.fill_compact_strides(order);
        }
        Ok(layout)
    }

    /// Checks axes whose first item is so many bytes into a memory that nothing is known of but its start.
    pub(crate) fn place_at(mut self, byte_offset: usize) -> Result<Self, LayoutError> {
        check_size(self.shape(), self.itemsize)?;
        let units_per_byte = Unit::Byte.bits() / self.unit.bits();
        self.offset = byte_offset.saturating_mul(units_per_byte);
        self.check_span()?;
        Ok(self)
    }

    /// The same memory seen through other axes. The caller upholds the invariants.
    #[inline(always)]
    pub(crate) fn with_axes(&self, axes: Axes, offset: usize) -> Self {
        Self { axes, offset, ..*self }
    }

    /// Number of axes.
    #[must_use]
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// Items along each axis.
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.axes.shape()
    }

    /// Shape and strides at one look, or `None` if there are too many axes for that.
    #[inline(always)]
    pub(crate) fn few_axes(&self) -> Option<(&[usize], &[isize])> {
        self.axes.inline_parts()
    }

    /// Distance between neighbours along each axis, in **bytes** (bits for packed items).
    #[must_use]
    #[inline]
    pub fn strides(&self) -> &[isize] {
        self.axes.strides()
    }

    /// Position of the first item, in bytes (bits for packed items) from the start of the memory.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Size of one item, in bytes (bits for packed items).
    #[must_use]
    #[inline]
    pub fn itemsize(&self) -> usize {
        self.itemsize
    }

    /// What strides, offset and itemsize count.
    #[must_use]
    #[inline]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Number of items.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether there are no items: some dimension is 0.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Bytes that the items would fill if they were contiguous (NumPy's `nbytes`).
    #[must_use]
    #[inline]
    pub fn nbytes(&self) -> usize {
        match self.unit {
            Unit::Byte => self.len() * self.itemsize,
            Unit::Bit => (self.len() * self.itemsize).div_ceil(Unit::Byte.bits()),
        }
    }

    /// Strides counted in items, or `None` if some stride is no whole number of them.
    ///
    /// Strides that mean nothing (axes of size 1, all of them without items) never stand in the way; they are rounded down.
    #[must_use]
    pub fn element_strides(&self) -> Option<SmallVec<[isize; INLINE_NDIM]>> {
        let meaningless = self.is_empty();
        let axes = self.shape().iter().zip(self.strides());
        axes.map(|(&dim, &stride)| whole_items(stride, self.itemsize, meaningless || dim <= 1))
            .collect()
    }

    /// Whether the layouts address the same items in the same places: strides that mean nothing are ignored.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let meaningful = |(k, &dim): (usize, &usize)| dim <= 1 || self.strides()[k] == other.strides()[k];
        self.shape() == other.shape()
            && self.itemsize == other.itemsize
            && self.unit == other.unit
            && (self.is_empty() || (self.offset == other.offset && self.shape().iter().enumerate().all(meaningful)))
    }

    #[inline(always)]
    fn check_axis(&self, axis: usize) -> Result<(), LayoutError> {
        let ndim = self.ndim();
        if axis < ndim {
            Ok(())
        } else {
            Err(LayoutError::AxisOutOfRange { axis, ndim })
        }
    }

    /// Adds `axis` to a set of axes that it is no member of yet.
    #[inline(always)]
    fn note_axis(&self, seen: &mut u64, axis: usize) -> Result<(), LayoutError> {
        self.check_axis(axis)?;
        if *seen & (1 << axis) != 0 {
            return Err(LayoutError::RepeatedAxis { axis });
        }
        *seen |= 1 << axis;
        Ok(())
    }
}

/// A stride in items, or `None` if it is no whole number of them and means something.
#[inline]
pub(crate) fn whole_items(stride: isize, itemsize: usize, meaningless: bool) -> Option<isize> {
    let item = itemsize.cast_signed();
    let (quotient, remainder) = if itemsize.is_power_of_two() {
        // Divisions would be the dearest part of handing a view over.
        (stride >> item.trailing_zeros(), stride & (item - 1))
    } else if item > 0 {
        (stride.div_euclid(item), stride.rem_euclid(item))
    } else {
        (0, stride)
    };
    (remainder == 0 || meaningless).then_some(quotient)
}

/// Holds *rank* and *size*.
fn check_size(shape: &[usize], itemsize: usize) -> Result<(), LayoutError> {
    if shape.len() > MAX_NDIM {
        return Err(LayoutError::RankTooHigh { ndim: shape.len() });
    }
    let mut size = itemsize.max(1);
    for &dim in shape {
        size = match size.checked_mul(dim.max(1)) {
            Some(size) if isize::try_from(size).is_ok() => size,
            _ => return Err(size_overflow(shape, itemsize)),
        };
    }
    Ok(())
}

#[cold]
fn size_overflow(shape: &[usize], itemsize: usize) -> LayoutError {
    LayoutError::SizeOverflow {
        shape: shape.to_vec(),
        itemsize,
    }
}
