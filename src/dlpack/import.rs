//! From a foreign tensor to a checked view.
//!
//! # Safety
//!
//! Invariant *consumer* of [`ManagedTensor`], and the contract of [`ManagedTensor::from_raw`]: what passes the checks of [`describe`] is
//! true of the memory.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use dlpack_rs::ffi::DLTensor;

use super::abi::{Abi, READ_ONLY, SUBBYTE_PADDED};
use super::dtype;
use super::managed::ManagedTensor;
use crate::buffer::Buffer;
use crate::dtype::DType;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{DlpackFault, Result};
use crate::layout::{Layout, MAX_NDIM, Placed};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;

/// The first minor version of DLPack 1 that forbids NULL strides.
const STRIDES_REQUIRED: (u32, u32) = (1, 2);

/// Everything that a tensor says, checked and owned.
struct Description {
    dtype: DType,
    layout: Layout,
    ptr: NonNull<u8>,
    len: usize,
    access: Access,
    device: Device,
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
    #[inline]
    pub fn into_view(self) -> Result<StridedView<'static>> {
        let tensor = self.read();
        match describe_plain(&tensor, self.flags()) {
            Some(this) => Ok(self.own(this)),
            None => {
                let this = describe(&tensor, self.version(), self.flags())?;
                Ok(self.own(this))
            }
        }
    }

    /// A view of the tensor for as long as the handle is borrowed. Allocates nothing up to rank 6.
    ///
    /// # Errors
    ///
    /// As [`into_view`](Self::into_view).
    #[inline]
    pub fn view(&self) -> Result<StridedView<'_>> {
        let tensor = self.read();
        match describe_plain(&tensor, self.flags()) {
            Some(this) => Ok(self.borrow(this)),
            None => Ok(self.borrow(describe(&tensor, self.version(), self.flags())?)),
        }
    }

    #[inline(always)]
    fn own(self, this: Description) -> StridedView<'static> {
        // SAFETY: *consumer*: the tensor is the owner, and it vouches for what was checked.
        let buffer =
            unsafe { Buffer::from_raw_parts(this.ptr, this.len, this.access, this.device, OwnerKind::Dlpack, self) };
        StridedView::from_parts(buffer, this.dtype, this.layout, None)
    }

    #[inline(always)]
    fn borrow(&self, this: Description) -> StridedView<'_> {
        // SAFETY: *consumer*: the handle is borrowed as long as the view, and vouches for what was checked.
        let buffer = unsafe { Buffer::from_raw_borrowed(this.ptr, this.len, this.access, this.device) };
        StridedView::from_parts(buffer, this.dtype, this.layout, None)
    }
}

/// Checks a tensor about which nothing is unusual. `None` decides nothing: [`describe`] has the last word.
#[inline(always)]
fn describe_plain(tensor: &DLTensor, flags: u64) -> Option<Description> {
    let dtype = dtype::import_plain(tensor.dtype)?;
    if tensor.shape.is_null() || tensor.strides.is_null() {
        return None;
    }
    let ndim = usize::try_from(tensor.ndim).ok()?;
    let entry = |entries| move |axis| isize::try_from(read_entry(entries, axis)).ok();
    let itemsize = dtype.bits() / 8;
    let itemsize = usize::try_from(itemsize).ok()?;
    let placed = Layout::place_plain(ndim, itemsize, entry(tensor.shape), entry(tensor.strides))?;
    let this = finish(tensor, flags, dtype, placed).ok()?;
    debug_assert!(
        describe(tensor, None, flags)
            .is_ok_and(|that| (&that.layout, that.ptr, that.len) == (&this.layout, this.ptr, this.len))
    );
    Some(this)
}

fn ndim(tensor: &DLTensor) -> Result<usize, DlpackFault> {
    match usize::try_from(tensor.ndim) {
        Ok(ndim) if ndim <= MAX_NDIM => Ok(ndim),
        _ => Err(DlpackFault::Rank { ndim: tensor.ndim }),
    }
}

/// Checks everything that a tensor claims. Reads its shape and strides, and none of its items.
#[cold]
#[inline(never)]
fn describe(tensor: &DLTensor, version: Option<(u32, u32)>, flags: u64) -> Result<Description> {
    let dtype = dtype::import(tensor.dtype, flags & SUBBYTE_PADDED != 0)?;
    let mut layout = Layout::blank(ndim(tensor)?, &dtype);
    read_shape(tensor, &mut layout)?;
    if layout.ndim() == 0 || !tensor.strides.is_null() {
        read_strides(tensor, &mut layout)?;
    } else if version.is_some_and(|version| version >= STRIDES_REQUIRED) {
        return Err(DlpackFault::NullStrides { ndim: tensor.ndim }.into());
    } else {
        layout.make_compact()?;
    }
    Ok(finish(tensor, flags, dtype, layout.place()?)?)
}

#[inline(always)]
fn finish(tensor: &DLTensor, flags: u64, dtype: DType, placed: Placed) -> Result<Description, DlpackFault> {
    let Placed { layout, below, len } = placed;
    Ok(Description {
        ptr: locate(tensor, &layout, below, len)?,
        dtype,
        layout,
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
    })
}

fn read_shape(tensor: &DLTensor, layout: &mut Layout) -> Result<(), DlpackFault> {
    let (shape, _) = layout.axes_mut();
    if !shape.is_empty() && tensor.shape.is_null() {
        return Err(DlpackFault::NullShape { ndim: tensor.ndim });
    }
    for (axis, dim) in shape.iter_mut().enumerate() {
        let size = read_entry(tensor.shape, axis);
        match isize::try_from(size) {
            Ok(size) if size >= 0 => *dim = size,
            _ => return Err(DlpackFault::Dimension { axis, size }),
        }
    }
    Ok(())
}

/// In the unit of the data type's layout.
fn read_strides(tensor: &DLTensor, layout: &mut Layout) -> Result<(), DlpackFault> {
    let itemsize = layout.itemsize().cast_signed();
    let (shape, strides) = layout.axes_mut();
    for (axis, (scaled, dim)) in strides.iter_mut().zip(&*shape).enumerate() {
        let stride = read_entry(tensor.strides, axis);
        *scaled = match isize::try_from(stride)
            .ok()
            .and_then(|stride| stride.checked_mul(itemsize))
        {
            Some(scaled) => scaled,
            // It is never stepped along.
            None if *dim <= 1 || shape.contains(&0) => 0,
            None => return Err(DlpackFault::Stride { axis, stride }),
        };
    }
    Ok(())
}

/// The address of the lowest byte.
#[inline(always)]
fn locate(tensor: &DLTensor, layout: &Layout, below: usize, len: usize) -> Result<NonNull<u8>, DlpackFault> {
    // DLPack has no items of no bytes.
    if len == 0 {
        return Ok(NonNull::dangling());
    }
    let data: *mut u8 = tensor.data.cast();
    if data.is_null() {
        return Err(DlpackFault::NullData { items: layout.len() });
    }
    let byte_offset = tensor.byte_offset;
    let offset = usize::try_from(byte_offset).ok();
    let lowest = offset
        .and_then(|offset| data.addr().checked_add(offset))
        .and_then(|first| first.checked_sub(below))
        .filter(|lowest| lowest.checked_add(len).is_some());
    let ptr = lowest.and_then(|lowest| NonNull::new(data.with_addr(lowest)));
    ptr.ok_or(DlpackFault::ByteOffset { byte_offset })
}

/// One entry of shape or strides, which a hostile producer may have put anywhere.
#[inline(always)]
fn read_entry(entries: *const i64, axis: usize) -> i64 {
    // SAFETY: by the contract of `from_raw` there are `ndim` entries, and `axis` is below.
    unsafe { entries.wrapping_add(axis).read_unaligned() }
}
