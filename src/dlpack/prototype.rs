//! New tensors after the pattern of others: what the C exchange API calls an allocator.
//!
//! # Safety
//!
//! The contract of [`allocate_like`].
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use dlpack_rs::ffi::DLTensor;

use super::import::describe;
use super::managed::VersionedTensor;
use crate::allocation::zeroes;
use crate::convert::CopyPolicy;
use crate::error::{DlpackFault, Error, Result};
use crate::layout::Layout;
use crate::memory::{Device, Order};
use crate::view::StridedView;

/// A new row-major tensor of zeroes on the CPU, with the shape and the data type of a prototype, of which nothing else is read.
///
/// # Errors
///
/// [`Error::DeviceMemory`] if the prototype names another device; [`Error::Dlpack`], [`Error::Layout`], [`Error::OutOfMemory`].
///
/// # Safety
///
/// `prototype` is NULL or points to a live tensor whose `shape` has `ndim` entries.
pub(crate) unsafe fn allocate_like(prototype: *const DLTensor) -> Result<VersionedTensor> {
    if prototype.is_null() {
        return Err(DlpackFault::NullTensor.into());
    }
    // SAFETY: not NULL, hence alive.
    let mut tensor = unsafe { prototype.read() };
    let (device_type, device_id) = (tensor.device.device_type, tensor.device.device_id);
    if device_type != Device::CPU.device_type {
        return Err(Error::DeviceMemory { device_type, device_id });
    }
    (tensor.data, tensor.strides, tensor.byte_offset) =
        (NonNull::<u64>::dangling().as_ptr().cast(), ptr::null_mut(), 0);
    let described = describe(&tensor, None, 0)?;
    let (dtype, layout) = (described.dtype, described.layout);
    let layout = Layout::contiguous(layout.shape(), &dtype, Order::C)?;
    let buffer = zeroes(layout.nbytes())?;
    let view = StridedView::from_parts(buffer.into_shared(), dtype, layout, None);
    Ok(view.to_dlpack(CopyPolicy::Never)?.value)
}
