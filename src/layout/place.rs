//! Layouts that others describe, who know only where the first item is.

use super::{Dims, INLINE_NDIM, Layout, Unit, check_size, size_overflow};
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
    dims: [isize; 2 * INLINE_NDIM],
    ndim: usize,
    itemsize: usize,
    pub(crate) below: usize,
    pub(crate) len: usize,
}

impl PlacedAxes {
    #[inline(always)]
    pub(crate) fn to_layout(&self) -> Layout {
        Layout {
            dims: Dims::from_buf_and_len(self.dims, 2 * self.ndim),
            offset: self.below,
            itemsize: self.itemsize,
            unit: Unit::Byte,
        }
    }
}

impl Layout {
    /// A layout of items of whole bytes about whose axes nothing is unusual, from entries read one by one: sizes, and strides in items. `None`
    /// decides nothing: [`Layout::place`] has the last word, and errors.
    ///
    /// One pass, without a branch on what it finds, into fresh memory: this is most of what taking a foreign tensor over costs.
    #[inline(always)]
    pub(crate) fn place_plain(
        ndim: usize,
        itemsize: usize,
        size: impl Fn(usize) -> Option<isize>,
        stride: impl Fn(usize) -> Option<isize>,
    ) -> Option<PlacedAxes> {
        if ndim > INLINE_NDIM {
            return None;
        }
        let mut dims = [0; 2 * INLINE_NDIM];
        let (item, mut items, mut unusual) = (itemsize.cast_signed(), itemsize.cast_signed(), false);
        for (axis, entry) in dims.iter_mut().enumerate().take(ndim) {
            let dim = size(axis)?;
            *entry = dim;
            let (product, wraps) = items.overflowing_mul(dim);
            items = product;
            unusual |= wraps | (dim <= 0);
        }
        // Six axes of so much each stay within an address, so that the sums need no look.
        const REACH_BITS: u32 = 60;
        let (mut below, mut above, mut magnitudes) = (0_isize, item, 0_isize);
        for axis in 0..ndim {
            let (stride, wraps) = stride(axis)?.overflowing_mul(item);
            unusual |= wraps;
            dims[ndim + axis] = stride;
            let (reach, wraps) = stride.overflowing_mul(dims[axis].wrapping_sub(1));
            unusual |= wraps;
            // All ones if negative: what is below the first item goes to one sum, what is above to the other.
            let sign = reach >> (isize::BITS - 1);
            magnitudes |= reach ^ sign;
            below = below.wrapping_sub(reach & sign);
            above = above.wrapping_add(reach & !sign);
        }
        if unusual || magnitudes >> REACH_BITS != 0 {
            return None;
        }
        let (below, above) = (below.unsigned_abs(), above.unsigned_abs());
        let len = below.checked_add(above).filter(|&len| isize::try_from(len).is_ok())?;
        Some(PlacedAxes {
            dims,
            ndim,
            itemsize,
            below,
            len,
        })
    }

    /// A layout of `ndim` axes without items, to be filled in place by those who read a shape from elsewhere.
    pub(crate) fn blank(ndim: usize, dtype: &DType) -> Self {
        let (itemsize, unit) = Self::item_of(dtype);
        let dims = Dims::from_elem(0, 2 * ndim);
        Self {
            dims,
            offset: 0,
            itemsize,
            unit,
        }
    }

    /// Shape and strides of a [`Layout::blank`], to be filled. The invariants do not hold until [`Layout::place`] has said so.
    pub(crate) fn axes_mut(&mut self) -> (&mut [isize], &mut [isize]) {
        let ndim = self.ndim();
        self.dims.as_mut_slice().split_at_mut(ndim)
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
        let (shape, strides) = (self.shape(), self.strides());
        let (mut size, mut below, mut above) = (self.itemsize.max(1), 0_usize, self.itemsize);
        // Overflows are collected rather than branched upon.
        let (mut empty, mut too_large, mut too_far) = (false, false, false);
        for (&dim, &stride) in shape.iter().zip(strides) {
            let (product, overflow) = size.overflowing_mul(dim.max(1));
            (size, too_large) = (product, too_large | overflow);
            empty |= dim == 0;
            let (reach, overflow) = stride.unsigned_abs().overflowing_mul(dim.saturating_sub(1));
            too_far |= overflow;
            let side = if stride < 0 { &mut below } else { &mut above };
            let (sum, overflow) = side.overflowing_add(reach);
            *side = sum;
            too_far |= overflow;
        }
        if too_large || isize::try_from(size).is_err() {
            return Err(size_overflow(shape, self.itemsize));
        }
        if empty {
            let (below, len) = (0, 0);
            return Ok(Placed {
                layout: self,
                below,
                len,
            });
        }
        let units_per_byte = Unit::Byte.bits() / self.unit.bits();
        // Bits begin with the byte that holds the lowest one.
        let below = if units_per_byte == 1 {
            Some(below)
        } else {
            below.checked_next_multiple_of(units_per_byte)
        };
        let ends = below.and_then(|below| Some((below, below.checked_add(above)?)));
        let (below, len) = match ends {
            Some((below, len)) if !too_far && isize::try_from(len).is_ok() => (below, len),
            _ => {
                self.offset = below.unwrap_or(usize::MAX);
                return Err(self.out_of_bounds());
            }
        };
        self.offset = below;
        Ok(Placed {
            layout: self,
            below: below / units_per_byte,
            len: len.div_ceil(units_per_byte),
        })
    }
}
