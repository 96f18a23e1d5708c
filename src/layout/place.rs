//! Layouts that others describe, who know only where the first item is.

use super::axes::Axes;
use super::span::reach;
use super::{INLINE_NDIM, Layout, Unit, check_size};
use crate::dtype::DType;
use crate::error::LayoutError;
use crate::memory::Order;

/// A layout whose memory begins with the lowest byte that it reaches.
pub(crate) struct Placed {
    pub(crate) layout: Layout,
    /// Bytes in front of the first item.
    pub(crate) below: usize,
    /// Bytes reached.
    pub(crate) len: usize,
}

/// The parts of a [`Placed`] layout of whole bytes. Put together only where they are to stay: moving them piece by piece costs more than
/// checking them.
pub(crate) struct PlacedAxes {
    shape: [usize; INLINE_NDIM],
    strides: [isize; INLINE_NDIM],
    ndim: usize,
    itemsize: usize,
    pub(crate) len: usize,
}

impl PlacedAxes {
    #[inline(always)]
    pub(crate) fn to_layout(&self) -> Layout {
        Layout {
            axes: Axes::inline(self.ndim, self.shape, self.strides),
            offset: 0,
            itemsize: self.itemsize,
            unit: Unit::Byte,
        }
    }
}

impl Layout {
    /// A layout of items of whole bytes about whose axes nothing is unusual, from entries read one by one: sizes, and strides in items. `None`
    /// decides nothing: [`Layout::place`] has the last word, and errors.
    ///
    /// Unusual are more than six axes, no items, negative strides, and numbers that need more than 27 bits: six products of two such, and an
    /// item of 32 bytes, stay within an address, so that no sum needs a look. This is most of what taking a foreign tensor over costs.
    #[inline(always)]
    pub(crate) fn place_plain(
        ndim: usize,
        itemsize: usize,
        size: impl Fn(usize) -> Option<usize>,
        stride: impl Fn(usize) -> Option<usize>,
    ) -> Option<PlacedAxes> {
        // Before anything is read: where there is no rank there are no entries.
        if ndim > INLINE_NDIM {
            return None;
        }
        const BITS: u32 = 27;
        const ITEM_BITS: u32 = 5;
        let (mut shape, mut strides) = ([1; INLINE_NDIM], [0; INLINE_NDIM]);
        let (mut numbers, mut last, mut items, mut unusual) = (0, 0_usize, itemsize, false);
        // Always six times round, so that all entries stay in registers until they are written once, where they are to stay.
        for axis in 0..INLINE_NDIM {
            if axis >= ndim {
                continue;
            }
            let (dim, stride) = (size(axis)?, stride(axis)?);
            let steps = dim.wrapping_sub(1);
            numbers |= steps | stride;
            last = last.wrapping_add(steps.wrapping_mul(stride));
            let (product, wraps) = items.overflowing_mul(dim);
            items = product;
            unusual |= wraps;
            shape[axis] = dim;
            strides[axis] = stride.wrapping_mul(itemsize).cast_signed();
        }
        let unusual =
            unusual | (numbers >> BITS != 0) | (itemsize >> ITEM_BITS != 0) | (items > isize::MAX.unsigned_abs());
        if unusual {
            return None;
        }
        Some(PlacedAxes {
            shape,
            strides,
            ndim,
            itemsize,
            len: (last + 1) * itemsize,
        })
    }

    /// A layout of `ndim` axes without items, to be filled in place by those who read a shape from elsewhere.
    pub(crate) fn blank(ndim: usize, dtype: &DType) -> Self {
        let (itemsize, unit) = Self::item_of(dtype);
        Self {
            axes: Axes::blank(ndim),
            offset: 0,
            itemsize,
            unit,
        }
    }

    /// Shape and strides of a [`Layout::blank`], to be filled. The invariants do not hold until [`Layout::place`] has said so.
    pub(crate) fn axes_mut(&mut self) -> (&mut [usize], &mut [isize]) {
        self.axes.parts_mut()
    }

    /// Gives a [`Layout::blank`] whose shape is filled the strides of a row-major one.
    pub(crate) fn make_compact(&mut self) -> Result<(), LayoutError> {
        check_size(self.shape(), self.itemsize)?;
        if !self.is_empty() {
            self.fill_compact_strides(Order::C);
        }
        Ok(())
    }

    /// Checks axes of which only the place of the first item is known, and puts that so that the lowest byte reached is the first of the memory.
    pub(crate) fn place(mut self) -> Result<Placed, LayoutError> {
        check_size(self.shape(), self.itemsize)?;
        let mut below = 0;
        if !self.is_empty() {
            let units_per_byte = Unit::Byte.bits() / self.unit.bits();
            // Bits begin with the byte that holds the lowest one. Where the reach is no address, neither is the layout: the check says so.
            let lowest = reach(self.shape(), self.strides()).map_or(usize::MAX, |(below, _)| below);
            self.offset = lowest.checked_next_multiple_of(units_per_byte).unwrap_or(usize::MAX);
            self.check_span()?;
            below = self.byte_offset();
        }
        let len = self.byte_span().len();
        Ok(Placed {
            layout: self,
            below,
            len,
        })
    }
}
