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
use super::managed::{ManagedTensor, ProducerCopy};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::error::{DlpackFault, Error, Result};
use crate::layout::{Layout, MAX_NDIM, Placed, PlacedAxes};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// The first minor version of DLPack 1 that forbids NULL strides.
const STRIDES_REQUIRED: (u32, u32) = (1, 2);

impl<A: Abi> ManagedTensor<A> {
    /// The tensor as a view that owns it. The deleter runs when the last view is dropped, or before an error is returned.
    ///
    /// One allocation, for the reference count. The memory is [`Access::ReadOnly`] if the producer says so, else [`Access::Shared`]: safe
    /// slices and Arrow arrays of it need [`assume_immutable`](StridedView::assume_immutable), or a copy. Memory on a device is not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Dlpack`], or [`Error::Layout`] if shape and strides exceed the address space.
    #[inline(always)]
    pub fn into_view(self) -> Result<StridedView<'static>> {
        let (tensor, version, flags) = (self.read(), self.version(), self.flags());
        view_of(&tensor, version, flags, |ptr, len| {
            let (access, device) = (access(flags), device(&tensor));
            // SAFETY: *consumer*: the tensor is the owner, and it vouches for what was checked.
            unsafe { Buffer::from_raw_parts(ptr, len, access, device, OwnerKind::Dlpack, self) }
        })
    }

    /// The tensor as an exclusive view, to be written, if the producer says that it copied for us: such a tensor is nobody else's.
    ///
    /// # Errors
    ///
    /// [`Error::NotUnique`] if the producer does not say so, and as [`assume_exclusive`](Self::assume_exclusive).
    pub fn into_view_mut(self) -> Result<StridedViewMut<'static>> {
        if self.producer_copy() != ProducerCopy::Copied {
            let owner = OwnerKind::Dlpack;
            return Err(Error::NotUnique { owner });
        }
        // SAFETY: by the contract of `from_raw` the flag is true.
        unsafe { self.assume_exclusive() }
    }

    /// The tensor as an exclusive view, to be written, on the caller's word that it is nobody else's.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`] if the producer forbids writing, [`Error::DeviceMemory`] where the CPU cannot write, [`Error::SelfOverlap`], and as
    /// [`into_view`](Self::into_view).
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes the memory until the deleter runs.
    pub unsafe fn assume_exclusive(self) -> Result<StridedViewMut<'static>> {
        let (tensor, version, flags) = (self.read(), self.version(), self.flags());
        let (device, kind) = (device(&tensor), OwnerKind::Dlpack);
        if flags & READ_ONLY != 0 {
            return Err(Error::ReadOnly { owner: kind });
        }
        let view = view_of(&tensor, version, flags, |ptr, len| {
            // SAFETY: *consumer*, and the caller's word.
            unsafe { Buffer::from_exclusive(ptr, len, device, kind, self) }
        })?;
        view.check_readable()?;
        view.into_mut().map_err(|(_, error)| error)
    }

    /// A view of the tensor for as long as the handle is borrowed. Allocates nothing up to rank 6.
    ///
    /// # Errors
    ///
    /// As [`into_view`](Self::into_view).
    #[inline(always)]
    pub fn view(&self) -> Result<StridedView<'_>> {
        let (tensor, version, flags) = (self.read(), self.version(), self.flags());
        view_of(&tensor, version, flags, |ptr, len| {
            // SAFETY: *consumer*: the handle is borrowed as long as the buffer, and vouches for what was checked.
            unsafe { Buffer::from_raw_borrowed(ptr, len, access(flags), device(&tensor)) }
        })
    }
}

impl<'a> StridedView<'a> {
    /// A view of a tensor that somebody else keeps alive: of what the exchange API's `dltensor_from_py_object_no_sync` fills in, or of an argument of
    /// a C function. Allocates nothing up to rank 6. NULL strides are those of a row-major tensor.
    ///
    /// # Errors
    ///
    /// As [`ManagedTensor::into_view`].
    ///
    /// # Safety
    ///
    /// As [`ManagedTensor::from_raw`], with the lifetime `'a` in place of the deleter.
    pub unsafe fn from_dl_tensor(tensor: &'a DLTensor) -> Result<Self> {
        view_of(tensor, None, 0, |ptr, len| {
            // SAFETY: the caller's contract.
            unsafe { Buffer::from_raw_borrowed(ptr, len, Access::Shared, device(tensor)) }
        })
    }
}

/// Checks a tensor, and puts the view together from its memory: address of the lowest byte reached (or a handle), and bytes.
#[inline(always)]
fn view_of<'a>(
    tensor: &DLTensor,
    version: Option<(u32, u32)>,
    flags: u64,
    memory: impl FnOnce(NonNull<u8>, usize) -> Buffer<'a>,
) -> Result<StridedView<'a>> {
    if let Some((axes, ptr)) = describe_plain(tensor) {
        let (buffer, dtype) = (memory(ptr, axes.len), dtype::plain(tensor.dtype));
        return Ok(StridedView::from_parts(buffer, dtype, axes.to_layout(), None));
    }
    let Described {
        dtype,
        layout,
        ptr,
        len,
    } = describe(tensor, version, flags)?;
    let buffer = memory(ptr, len);
    Ok(StridedView::from_parts(buffer, dtype, layout, None))
}

#[inline(always)]
fn access(flags: u64) -> Access {
    if flags & READ_ONLY != 0 {
        Access::ReadOnly
    } else {
        Access::Shared
    }
}

#[inline(always)]
fn device(tensor: &DLTensor) -> Device {
    Device {
        device_type: tensor.device.device_type,
        device_id: tensor.device.device_id,
    }
}

/// Checks a tensor about which nothing is unusual. `None` decides nothing: [`describe`] has the last word.
///
/// Returns the axes, and the address of the lowest byte that they reach.
#[inline(always)]
fn describe_plain(tensor: &DLTensor) -> Option<(PlacedAxes, NonNull<u8>)> {
    let itemsize = dtype::plain_itemsize(tensor.dtype)?;
    if tensor.shape.is_null() || tensor.strides.is_null() || !device(tensor).has_addresses() {
        return None;
    }
    let ndim = usize::try_from(tensor.ndim).ok()?;
    let entry = |entries| move |axis| usize::try_from(read_entry(entries, axis).cast_unsigned()).ok();
    let axes = Layout::place_plain(ndim, itemsize, entry(tensor.shape), entry(tensor.strides))?;
    let ptr = locate(tensor, 0, axes.len)?;
    debug_assert!(describe(tensor, None, 0).is_ok_and(|that| {
        let this = (dtype::plain(tensor.dtype), axes.to_layout(), ptr, axes.len);
        (that.dtype, that.layout, that.ptr, that.len) == this
    }));
    Some((axes, ptr))
}

fn ndim(tensor: &DLTensor) -> Result<usize, DlpackFault> {
    match usize::try_from(tensor.ndim) {
        Ok(ndim) if ndim <= MAX_NDIM => Ok(ndim),
        _ => Err(DlpackFault::Rank { ndim: tensor.ndim }),
    }
}

/// What is known of a tensor that passed the checks.
pub(super) struct Described {
    pub(super) dtype: DType,
    pub(super) layout: Layout,
    /// The lowest byte reached, or the handle that the memory hides behind.
    ptr: NonNull<u8>,
    /// Bytes that the layout reaches, counted from there.
    len: usize,
}

/// Checks everything that a tensor claims. Reads its shape and strides, and none of its items.
#[cold]
#[inline(never)]
pub(super) fn describe(tensor: &DLTensor, version: Option<(u32, u32)>, flags: u64) -> Result<Described> {
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
    if !device(tensor).has_addresses() {
        return describe_handle(tensor, dtype, layout);
    }
    let Placed { layout, below, len } = layout.place()?;
    let ptr = locate(tensor, below, len).ok_or_else(|| {
        if tensor.data.is_null() {
            DlpackFault::NullData { items: layout.len() }
        } else {
            let byte_offset = tensor.byte_offset;
            DlpackFault::ByteOffset { byte_offset }
        }
    })?;
    Ok(Described {
        dtype,
        layout,
        ptr,
        len,
    })
}

/// A tensor whose `data` is no address but the name of a memory, the start of which is all that is known: nothing may lie in front of it.
fn describe_handle(tensor: &DLTensor, dtype: DType, layout: Layout) -> Result<Described> {
    let byte_offset = tensor.byte_offset;
    let offset = isize::try_from(byte_offset).map_err(|_| DlpackFault::ByteOffset { byte_offset })?;
    let layout = layout.place_at(offset.unsigned_abs())?;
    let (ptr, len) = if layout.is_empty() {
        (NonNull::dangling(), 0)
    } else {
        let items = layout.len();
        let handle = NonNull::new(tensor.data).ok_or(DlpackFault::NullData { items })?;
        (handle.cast(), layout.byte_span().end)
    };
    Ok(Described {
        dtype,
        layout,
        ptr,
        len,
    })
}

fn read_shape(tensor: &DLTensor, layout: &mut Layout) -> Result<(), DlpackFault> {
    let (shape, _) = layout.axes_mut();
    if !shape.is_empty() && tensor.shape.is_null() {
        return Err(DlpackFault::NullShape { ndim: tensor.ndim });
    }
    for (axis, dim) in shape.iter_mut().enumerate() {
        let size = read_entry(tensor.shape, axis);
        *dim = usize::try_from(size).map_err(|_| DlpackFault::Dimension { axis, size })?;
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

/// The address of the lowest byte reached, or `None` if it cannot be there.
#[inline(always)]
fn locate(tensor: &DLTensor, below: usize, len: usize) -> Option<NonNull<u8>> {
    let data: *mut u8 = tensor.data.cast();
    // DLPack has no items of no bytes: without bytes there are no items, and the address means nothing.
    if len == 0 {
        return Some(NonNull::dangling());
    }
    if data.is_null() {
        return None;
    }
    let first = data.addr().checked_add(usize::try_from(tensor.byte_offset).ok()?)?;
    let lowest = first.checked_sub(below)?;
    lowest.checked_add(len)?;
    NonNull::new(data.with_addr(lowest))
}

/// One entry of shape or strides, which a hostile producer may have put anywhere.
#[inline(always)]
fn read_entry(entries: *const i64, axis: usize) -> i64 {
    // SAFETY: by the contract of `from_raw` there are `ndim` entries, and `axis` is below.
    unsafe { entries.wrapping_add(axis).read_unaligned() }
}
