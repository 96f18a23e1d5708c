//! One item at a time, by value: whatever its alignment, byte order and packing, and whoever else may write the memory.
//!
//! # Safety
//!
//! Reads rely on *alive* and *initialised* of [`Buffer`](crate::Buffer) and on *in bounds* of [`StridedView`]; writes on *exclusive* of
//! [`StridedViewMut`] as well. No reference to an item is formed.
#![allow(unsafe_code)]

use super::checked_offset;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Bytes of the largest [`Element`].
const MAX_ELEMENT: usize = 16;

impl StridedView<'_> {
    /// One item by value. Unaligned, byte-swapped and bit-packed items are read as they should be, and no reference is formed, so
    /// that the memory may be one that others write.
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`](crate::LayoutError::RankMismatch), [`LayoutError::IndexOutOfRange`](crate::LayoutError::IndexOutOfRange), [`Error::DTypeMismatch`], [`Error::DeviceMemory`],
    /// [`Error::InvalidItem`] for a `bool` that is neither 0 nor 1.
    pub fn get<T: Element>(&self, position: &[usize]) -> Result<T> {
        self.check_readable()?;
        let offset = checked_offset(self.layout(), position)?;
        let mut item = [0_u8; MAX_ELEMENT];
        let item = &mut item[..size_of::<T>()];
        if is_bit_as_bool::<T>(self.dtype()) {
            self.read_bytes(offset / 8, item);
            item[0] = (item[0] >> (offset % 8)) & 1;
        } else {
            self.check_dtype(&T::DTYPE.with_byte_order(self.dtype().byte_order()))?;
            self.read_bytes(offset, item);
        }
        to_native(item, self.dtype());
        bytemuck::checked::try_pod_read_unaligned(item).map_err(|_| Error::InvalidItem {
            position: row_major_position(self.layout(), position),
            expected: T::DTYPE,
        })
    }

    /// Reads bytes of an item that `checked_offset` found.
    pub(crate) fn read_bytes(&self, offset: usize, item: &mut [u8]) {
        let source = self.buffer().as_ptr().wrapping_add(offset);
        // SAFETY: *in bounds*, *alive*, *initialised*: `item` is as long as an item of this view, or the one byte that holds it.
        unsafe { source.copy_to_nonoverlapping(item.as_mut_ptr(), item.len()) };
    }
}

impl StridedViewMut<'_> {
    /// As [`StridedView::get`].
    ///
    /// # Errors
    ///
    /// As [`StridedView::get`].
    pub fn get<T: Element>(&self, position: &[usize]) -> Result<T> {
        self.as_view().get(position)
    }

    /// Writes one item: NumPy's `a[position] = value`. The value takes the byte order of the view, and a `bool` the form of a bit where items
    /// are bits.
    ///
    /// ```
    /// use viewbridge::{DType, StridedViewMut};
    ///
    /// let mut view = StridedViewMut::from_vec(vec![0_u16; 4]).view_as(DType::U16.swapped())?.reshape(&[2, 2])?;
    /// view.set(&[1, 0], 0x0102_u16)?;
    /// assert_eq!(view.get::<u16>(&[1, 0])?, 0x0102);
    /// assert_eq!(view.as_view().view_as(DType::U8)?.to_vec::<u8>()?, [0, 0, 0, 0, 1, 2, 0, 0]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankMismatch`](crate::LayoutError::RankMismatch),
    /// [`LayoutError::IndexOutOfRange`](crate::LayoutError::IndexOutOfRange), [`Error::DTypeMismatch`].
    pub fn set<T: Element>(&mut self, position: &[usize], value: T) -> Result<()> {
        let offset = checked_offset(self.layout(), position)?;
        let mut item = [0_u8; MAX_ELEMENT];
        let item = &mut item[..size_of::<T>()];
        item.copy_from_slice(bytemuck::bytes_of(&value));
        if is_bit_as_bool::<T>(self.dtype()) {
            let mut byte = [0];
            self.as_view().read_bytes(offset / 8, &mut byte);
            let bit = 1 << (offset % 8);
            byte[0] = if item[0] == 0 { byte[0] & !bit } else { byte[0] | bit };
            self.write_bytes(offset / 8, &byte);
            return Ok(());
        }
        let found = T::DTYPE.with_byte_order(self.dtype().byte_order());
        if *self.dtype() != found {
            let expected = self.dtype().clone();
            return Err(Error::DTypeMismatch { expected, found });
        }
        to_native(item, self.dtype());
        self.write_bytes(offset, item);
        Ok(())
    }

    /// Writes the bytes of an item that `checked_offset` found.
    fn write_bytes(&mut self, offset: usize, item: &[u8]) {
        let target = self.base_ptr().wrapping_add(offset);
        // SAFETY: *in bounds*, *alive*, *exclusive*: `item` is as long as an item of this view, or the one byte that holds it.
        unsafe { target.copy_from_nonoverlapping(item.as_ptr(), item.len()) };
    }
}

/// Whether items are bits, to be read and written as `bool`.
fn is_bit_as_bool<T: Element>(dtype: &DType) -> bool {
    *dtype == DType::BIT && T::DTYPE == DType::BOOL
}

/// Turns the bytes of an item of `dtype` into those of a native one, or back.
pub(crate) fn to_native(item: &mut [u8], dtype: &DType) {
    if !dtype.is_native() {
        item.chunks_exact_mut(dtype.swap_unit()).for_each(<[u8]>::reverse);
    }
}

/// The number of items before a position in row-major order.
fn row_major_position(layout: &Layout, position: &[usize]) -> usize {
    let axes = position.iter().zip(layout.shape());
    axes.fold(0, |items, (&index, &size)| items * size + index)
}
