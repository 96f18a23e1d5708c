//! From a foreign tensor to a checked view.
//!
//! # Safety
//!
//! Invariant *consumer* of [`ManagedTensor`], and the contract of [`ManagedTensor::from_raw`]: what passes the checks of [`describe`] is
//! true of the memory.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use bytemuck::cast_slice;
use dlpack_rs::ffi::DLTensor;

use super::abi::{Abi, READ_ONLY, SUBBYTE_PADDED};
use super::dtype;
use super::managed::ManagedTensor;
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::error::{DlpackFault, Error, Result};
use crate::layout::{Dims, Layout, MAX_NDIM, Placed};
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
#[inline(always)]
fn describe(tensor: &DLTensor, version: Option<(u32, u32)>, flags: u64) -> Result<Description> {
    let dtype = dtype::import(tensor.dtype, flags & SUBBYTE_PADDED != 0)?;
    let axes = usize::try_from(tensor.ndim)
        .ok()
        .filter(|&axes| axes <= MAX_NDIM)
        .ok_or(DlpackFault::Rank { ndim: tensor.ndim })?;
    let mut dims = read_shape(tensor, axes)?;
    if !tensor.strides.is_null() || axes == 0 {
        read_strides(tensor, &dtype, &mut dims)?;
    } else if version.is_some_and(|version| version >= STRIDES_REQUIRED) {
        return Err(DlpackFault::NullStrides { ndim: tensor.ndim }.into());
    } else {
        let compact = Layout::contiguous(cast_slice(&dims), &dtype, Order::C)?;
        dims.extend_from_slice(compact.strides());
    }
    let Placed { layout, below, len } = Layout::around_first_item(dims, &dtype)?;
    Ok(Description {
        ptr: locate(tensor, &layout, below, len)?,
        len,
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

/// The shape, with room for the strides behind it.
#[inline(always)]
fn read_shape(tensor: &DLTensor, axes: usize) -> Result<Dims> {
    let mut dims = Dims::with_capacity(2 * axes);
    if axes > 0 && tensor.shape.is_null() {
        return Err(DlpackFault::NullShape { ndim: tensor.ndim }.into());
    }
    for axis in 0..axes {
        let size = read_entry(tensor.shape, axis);
        match isize::try_from(size) {
            Ok(dim) if dim >= 0 => dims.push(dim),
            _ => return Err(DlpackFault::Dimension { axis, size }.into()),
        }
    }
    Ok(dims)
}

/// Puts the strides behind the shape, in the unit of the data type's layout.
#[inline(always)]
fn read_strides(tensor: &DLTensor, dtype: &DType, dims: &mut Dims) -> Result<()> {
    let (itemsize, _) = Layout::item_of(dtype);
    let axes = dims.len();
    let empty = dims.contains(&0);
    for axis in 0..axes {
        let stride = read_entry(tensor.strides, axis);
        let scaled = isize::try_from(stride).ok();
        match scaled.and_then(|stride| stride.checked_mul(itemsize.cast_signed())) {
            Some(scaled) => dims.push(scaled),
            // It is never stepped along.
            None if dims[axis] <= 1 || empty => dims.push(0),
            None => return Err(DlpackFault::Stride { axis, stride }.into()),
        }
    }
    Ok(())
}

/// The address of the lowest byte.
#[inline(always)]
fn locate(tensor: &DLTensor, layout: &Layout, below: usize, len: usize) -> Result<NonNull<u8>> {
    // DLPack has no items of no bytes.
    if len == 0 {
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
#[inline(always)]
fn read_entry(entries: *const i64, axis: usize) -> i64 {
    // SAFETY: by the contract of `from_raw` there are `ndim` entries, and `axis` is below.
    unsafe { entries.wrapping_add(axis).read_unaligned() }
}
