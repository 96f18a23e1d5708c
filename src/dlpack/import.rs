//! From a foreign tensor to a checked view.
//!
//! # Safety
//!
//! Invariant *consumer* of [`ManagedTensor`], and the contract of [`ManagedTensor::from_raw`]: what passes the checks of [`describe`] is
//! true of the memory.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use dlpack_rs::ffi::DLTensor;
use smallvec::SmallVec;

use super::abi::{Abi, READ_ONLY, SUBBYTE_PADDED};
use super::dtype;
use super::managed::ManagedTensor;
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::error::{DlpackFault, Error, Result};
use crate::layout::{Layout, MAX_NDIM, Unit};
use crate::memory::{Access, Device, Order, OwnerKind};
use crate::view::StridedView;

/// The first minor version of DLPack 1 that forbids NULL strides.
const STRIDES_REQUIRED: (u32, u32) = (1, 2);

/// Everything that a tensor says, checked and owned.
struct Description {
    ptr: NonNull<u8>,
    len: usize,
    access: Access,
    device: Device,
    dtype: DType,
    layout: Layout,
}

impl<A: Abi> ManagedTensor<A> {
    /// The tensor as a view that owns it. The deleter runs when the last view is dropped, or before an error is returned.
    ///
    /// One allocation, for the reference count. The memory is [`Access::ReadOnly`] if the producer says so, else [`Access::Shared`]: safe
    /// slices and Arrow arrays of it need [`assume_immutable`](StridedView::assume_immutable), or a copy. Memory on a device is not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Dlpack`], or [`Error::Layout`] if shape and strides exceed the address space.
    pub fn into_view(self) -> Result<StridedView<'static>> {
        let this = describe(&self.read(), self.version(), self.flags())?;
        // SAFETY: *consumer*: the tensor is the owner, and it vouches for what was checked.
        let buffer =
            unsafe { Buffer::from_raw_parts(this.ptr, this.len, this.access, this.device, OwnerKind::Dlpack, self) };
        Ok(StridedView::from_parts(buffer, this.dtype, this.layout, None))
    }

    /// A view of the tensor for as long as the handle is borrowed. Allocates nothing up to rank 6.
    ///
    /// # Errors
    ///
    /// As [`into_view`](Self::into_view).
    pub fn view(&self) -> Result<StridedView<'_>> {
        let this = describe(&self.read(), self.version(), self.flags())?;
        // SAFETY: *consumer*: the handle is borrowed as long as the view, and vouches for what was checked.
        let buffer = unsafe { Buffer::from_raw_borrowed(this.ptr, this.len, this.access, this.device) };
        Ok(StridedView::from_parts(buffer, this.dtype, this.layout, None))
    }
}

/// Checks everything that a tensor claims. Reads its shape and strides, and none of its items.
fn describe(tensor: &DLTensor, version: Option<(u32, u32)>, flags: u64) -> Result<Description> {
    let dtype = dtype::import(tensor.dtype, flags & SUBBYTE_PADDED != 0)?;
    let shape = read_shape(tensor)?;
    let strides = read_strides(tensor, version, &shape, &dtype)?;
    let (layout, below) = place(&shape, strides.as_deref(), &dtype)?;
    let span = layout.byte_span();
    let ptr = locate(tensor, &layout, below, span.len())?;
    Ok(Description {
        ptr,
        len: span.len(),
        access: if flags & READ_ONLY != 0 {
            Access::ReadOnly
        } else {
            Access::Shared
        },
        device: Device {
            device_type: tensor.device.device_type,
            device_id: tensor.device.device_id,
        },
        dtype,
        layout,
    })
}

fn read_shape(tensor: &DLTensor) -> Result<SmallVec<[usize; 6]>> {
    let ndim = tensor.ndim;
    let axes = usize::try_from(ndim)
        .ok()
        .filter(|&axes| axes <= MAX_NDIM)
        .ok_or(DlpackFault::Rank { ndim })?;
    if axes > 0 && tensor.shape.is_null() {
        return Err(DlpackFault::NullShape { ndim }.into());
    }
    (0..axes)
        .map(|axis| {
            let size = read_entry(tensor.shape, axis);
            isize::try_from(size)
                .ok()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| DlpackFault::Dimension { axis, size }.into())
        })
        .collect()
}

/// The strides in the unit of the data type's layout, or `None` if they are NULL and may be.
fn read_strides(
    tensor: &DLTensor,
    version: Option<(u32, u32)>,
    shape: &[usize],
    dtype: &DType,
) -> Result<Option<SmallVec<[isize; 6]>>> {
    if shape.is_empty() {
        return Ok(Some(SmallVec::new()));
    }
    if tensor.strides.is_null() {
        return if version.is_some_and(|version| version >= STRIDES_REQUIRED) {
            Err(DlpackFault::NullStrides { ndim: tensor.ndim }.into())
        } else {
            Ok(None)
        };
    }
    let (itemsize, _) = Layout::item_of(dtype);
    let empty = shape.contains(&0);
    let stride = |(axis, &dim): (usize, &usize)| {
        let stride = read_entry(tensor.strides, axis);
        let scaled = isize::try_from(stride)
            .ok()
            .and_then(|stride| stride.checked_mul(itemsize.cast_signed()));
        match scaled {
            Some(scaled) => Ok(scaled),
            // It is never stepped along.
            None if dim <= 1 || empty => Ok(0),
            None => Err(DlpackFault::Stride { axis, stride }.into()),
        }
    };
    shape.iter().enumerate().map(stride).collect::<Result<_>>().map(Some)
}

/// The layout with its lowest byte at 0, and the bytes from there to the first item.
fn place(shape: &[usize], strides: Option<&[isize]>, dtype: &DType) -> Result<(Layout, usize)> {
    let Some(strides) = strides else {
        return Ok((Layout::contiguous(shape, dtype, Order::C)?, 0));
    };
    let (_, unit) = Layout::item_of(dtype);
    let reach = |(&dim, &stride): (&usize, &isize)| match dim {
        0 | 1 => Some(0),
        _ => stride.min(0).unsigned_abs().checked_mul(dim - 1),
    };
    let below = if shape.contains(&0) {
        Some(0)
    } else {
        let mut axes = shape.iter().zip(strides).map(reach);
        axes.try_fold(0_usize, |sum, reach| sum.checked_add(reach?))
    };
    // Where the sum overflows, so does the layout: let that say so.
    let below = below.unwrap_or(usize::MAX);
    let (offset, bytes) = match unit {
        Unit::Byte => (below, below),
        Unit::Bit => (
            below.checked_next_multiple_of(8).unwrap_or(usize::MAX),
            below.div_ceil(8),
        ),
    };
    Ok((Layout::strided(shape, strides, offset, dtype)?, bytes))
}

/// The address of the lowest byte.
fn locate(tensor: &DLTensor, layout: &Layout, below: usize, len: usize) -> Result<NonNull<u8>> {
    if layout.is_empty() {
        return Ok(NonNull::dangling());
    }
    let data: *mut u8 = tensor.data.cast();
    if data.is_null() {
        return Err(DlpackFault::NullData { items: layout.len() }.into());
    }
    let byte_offset = tensor.byte_offset;
    let offset = usize::try_from(byte_offset).ok();
    let lowest = offset
        .and_then(|offset| data.addr().checked_add(offset))
        .and_then(|first| first.checked_sub(below))
        .filter(|lowest| lowest.checked_add(len).is_some());
    let ptr = lowest.and_then(|lowest| NonNull::new(data.with_addr(lowest)));
    ptr.ok_or(Error::Dlpack(DlpackFault::ByteOffset { byte_offset }))
}

/// One entry of shape or strides, which a hostile producer may have put anywhere.
fn read_entry(entries: *const i64, axis: usize) -> i64 {
    // SAFETY: by the contract of `from_raw` there are `ndim` entries, and `axis` is below.
    unsafe { entries.wrapping_add(axis).read_unaligned() }
}
