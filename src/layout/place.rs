//! Layouts that others describe: filled in place, then checked and placed.
//!
//! In place, because moving what was just written, word by word, costs as much as the checks themselves.

use super::{Dims, INLINE_NDIM, Layout, Unit, check_size, size_overflow};
use crate::dtype::DType;
use crate::error::LayoutError;
use crate::memory::Order;

impl Layout {
    /// A layout of `ndim` axes without items, to be filled in place by those who read a shape from elsewhere.
    #[inline(always)]
    pub(crate) fn blank(ndim: usize, dtype: &DType) -> Self {
        let (itemsize, unit) = Self::item_of(dtype);
        let dims = if ndim <= INLINE_NDIM {
            Dims::from_buf_and_len([0; 2 * INLINE_NDIM], 2 * ndim)
        } else {
            Dims::from_elem(0, 2 * ndim)
        };
        Self {
            dims,
            offset: 0,
            itemsize,
            unit,
        }
    }

    /// Shape and strides of a [`Layout::blank`], to be filled. The invariants do not hold until [`Layout::place`] has said so.
    #[inline(always)]
    pub(crate) fn axes_mut(&mut self) -> (&mut [isize], &mut [isize]) {
        let ndim = self.ndim();
        self.dims.as_mut_slice().split_at_mut(ndim)
    }

    /// Puts the first item of a [`Layout::blank`] whose axes are filled. The caller upholds the invariants.
    #[inline(always)]
    pub(crate) fn set_offset(&mut self, offset: usize) {
        self.offset = offset;
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
    ///
    /// Returns the bytes in front of the first item, and all bytes reached. One pass: this is most of what checking a foreign tensor costs.
    pub(crate) fn place(&mut self) -> Result<(usize, usize), LayoutError> {
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
            return Ok((0, 0));
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
        Ok((below / units_per_byte, len.div_ceil(units_per_byte)))
    }
}
