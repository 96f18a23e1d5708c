//! From a view to a tensor that others own.
//!
//! # Safety
//!
//! Invariant *one block*: an exported struct is the head of an [`Export`] block, allocated by [`Export::allocate`] with room for shape and strides
//! behind it, and freed by [`delete`], which runs once. The block holds a claim to the memory until then.
#![allow(unsafe_code)]

use std::alloc::{Layout as Block, alloc, dealloc};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLTensor};

use super::abi::{Abi, IS_COPIED, READ_ONLY, SUBBYTE_PADDED};
use super::dtype;
use super::managed::{LegacyTensor, ManagedTensor, VersionedTensor};
use crate::buffer::Claim;
use crate::convert::{Converted, CopyPolicy, MemoryUse, Packing, Plan, Requirements};
use crate::error::{Error, Result};
use crate::layout::whole_items;
use crate::view::StridedView;

/// What a versioned DLPack tensor can express: any strides that are whole items, native byte order, booleans in bytes, and the data types of
/// the specification. Consumers may accept less.
pub const VERSIONED: Requirements = Requirements::any("DLPack")
    .whole_items()
    .native()
    .packing(Packing::BoolBytes)
    .dtypes(|dtype| dtype::export(dtype).is_some())
    .storage_only()
    .outlives_borrow();

/// What a legacy DLPack tensor can express: less than a versioned one by the flags. It cannot say that memory is read-only, so that read-only
/// memory is refused.
pub const LEGACY: Requirements = legacy(MemoryUse::Write);

/// As [`LEGACY`], but read-only memory is copied instead of refused.
pub const LEGACY_OR_COPY: Requirements = legacy(MemoryUse::WriteOrCopy);

/// As [`LEGACY`], for consumers that are trusted not to write.
const LEGACY_TRUSTED: Requirements = legacy(MemoryUse::Read);

const fn legacy(memory: MemoryUse) -> Requirements {
    let mut requirements = VERSIONED
        .memory(memory)
        .dtypes(|dtype| dtype::export(dtype).is_some() && !dtype.is_padded());
    requirements.consumer = "legacy DLPack";
    requirements
}

impl StridedView<'_> {
    /// This view as a DLPack tensor that owns a share of the memory ([`VERSIONED`]).
    ///
    /// The tensor is marked read-only unless the memory is [`Access::Shared`](crate::Access::Shared) or freshly copied. One allocation.
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`] under [`CopyPolicy::Never`], [`Error::Refused`] for data types and meanings that DLPack does not have,
    /// [`Error::OutOfMemory`].
    #[inline]
    pub fn to_dlpack(&self, policy: CopyPolicy) -> Result<Converted<VersionedTensor>> {
        export::<Versioned>(self, policy)
    }

    /// This view as a tensor in the struct of DLPack before 1.0 ([`LEGACY`]).
    ///
    /// # Errors
    ///
    /// As [`to_dlpack`](Self::to_dlpack); [`Refusal::ReadOnly`](crate::Refusal::ReadOnly) for read-only memory, because the consumer may write.
    /// [`to_dlpack_legacy_or_copy`](Self::to_dlpack_legacy_or_copy) copies it instead.
    #[inline]
    pub fn to_dlpack_legacy(&self, policy: CopyPolicy) -> Result<Converted<LegacyTensor>> {
        export::<Legacy>(self, policy)
    }

    /// As [`to_dlpack_legacy`](Self::to_dlpack_legacy), but read-only memory is a reason to copy ([`LEGACY_OR_COPY`]).
    ///
    /// # Errors
    ///
    /// As [`to_dlpack`](Self::to_dlpack).
    #[inline]
    pub fn to_dlpack_legacy_or_copy(&self, policy: CopyPolicy) -> Result<Converted<LegacyTensor>> {
        export::<LegacyOrCopy>(self, policy)
    }

    /// As [`to_dlpack_legacy`](Self::to_dlpack_legacy), but read-only memory is handed out as it is.
    ///
    /// # Errors
    ///
    /// As [`to_dlpack`](Self::to_dlpack).
    ///
    /// # Safety
    ///
    /// If the memory is read-only, the consumer does not write it.
    #[inline]
    pub unsafe fn to_dlpack_legacy_trusted(&self, policy: CopyPolicy) -> Result<Converted<LegacyTensor>> {
        export::<LegacyTrusted>(self, policy)
    }
}

/// A way out: the struct to fill, and what it can express.
trait Door {
    type Abi: Abi;
    const LIMITS: Requirements;
    /// What is left to ask of a view whose data type and strides the export itself looks at, because it has to translate them anyway.
    const PLAIN: Requirements = {
        let mut limits = Self::LIMITS.dtypes(|_| true);
        limits.whole_items = false;
        limits
    };
}

macro_rules! doors {
    ($($name:ident: $abi:ty = $limits:expr;)*) => {$(
        enum $name {}
        impl Door for $name {
            type Abi = $abi;
            const LIMITS: Requirements = $limits;
        }
    )*};
}

doors! {
    Versioned: DLManagedTensorVersioned = VERSIONED;
    Legacy: DLManagedTensor = LEGACY;
    LegacyOrCopy: DLManagedTensor = LEGACY_OR_COPY;
    LegacyTrusted: DLManagedTensor = LEGACY_TRUSTED;
}

#[inline]
fn export<D: Door>(view: &StridedView<'_>, policy: CopyPolicy) -> Result<Converted<ManagedTensor<D::Abi>>> {
    match export_plain::<D>(view, policy) {
        Some(tensor) => Ok(Converted::shared(tensor)),
        None => export_planned::<D>(view, policy),
    }
}

/// The common case, which returns in a register. `None` decides nothing.
#[inline(never)]
fn export_plain<D: Door>(view: &StridedView<'_>, policy: CopyPolicy) -> Option<ManagedTensor<D::Abi>> {
    let itemsize = view.layout().itemsize();
    let dtype = dtype::export(view.dtype())?;
    if !itemsize.is_power_of_two() || view.dtype().is_padded() || !Plan::is_plain(view, &D::PLAIN, policy) {
        return None;
    }
    let (shift, rest) = (itemsize.trailing_zeros(), itemsize.cast_signed() - 1);
    let whole_items = |stride: isize, _| (stride & rest == 0).then_some(stride >> shift);
    Export::allocate(view, view.buffer().claim()?, dtype, flags(view, false), whole_items)
}

#[cold]
#[inline(never)]
fn export_planned<D: Door>(view: &StridedView<'_>, policy: CopyPolicy) -> Result<Converted<ManagedTensor<D::Abi>>> {
    let converted = view.convert(&D::LIMITS, policy)?;
    let copied = !converted.is_shared();
    converted.try_map(|view| {
        let claim = view.buffer().claim().expect("the requirements exclude borrowed memory");
        let dtype = dtype::export(view.dtype()).expect("the requirements exclude other types");
        let (itemsize, empty) = (view.layout().itemsize(), view.is_empty());
        let divide = |stride, dim| whole_items(stride, itemsize, empty || dim <= 1);
        let bytes = Export::<D::Abi>::block(view.ndim()).size();
        let tensor = Export::allocate(&view, claim, dtype, flags(&view, copied), divide);
        tensor.ok_or(Error::OutOfMemory { bytes })
    })
}

/// A struct to be handed out, and what it needs to live. Shape and strides follow behind.
#[repr(C)]
struct Export<A> {
    managed: A,
    /// Dropped by the deleter alone.
    claim: ManuallyDrop<Claim>,
    /// Our own count: the one in `managed` is the consumer's to spoil.
    ndim: usize,
}

impl<A: Abi> Export<A> {
    #[inline(always)]
    fn block(ndim: usize) -> Block {
        let size = size_of::<Self>() + 2 * ndim * size_of::<i64>();
        Block::from_size_align(size, align_of::<Self>()).expect("64 axes fit")
    }

    /// A new block for a view that meets the requirements, or `None` if there is no memory for it or a stride is no number of items.
    #[inline(always)]
    fn allocate(
        view: &StridedView<'_>,
        claim: Claim,
        dtype: DLDataType,
        flags: u64,
        whole_items: impl Fn(isize, usize) -> Option<isize>,
    ) -> Option<ManagedTensor<A>> {
        let ndim = view.ndim();
        let block = Self::block(ndim);
        // SAFETY: the block is not empty.
        let memory = unsafe { alloc(block) }.cast::<Self>();
        let head = NonNull::new(memory)?;
        // The alignment of `Self` is that of a pointer, and so is that of `i64`, behind it.
        let shape = memory.wrapping_add(1).cast::<i64>();
        let strides = shape.wrapping_add(ndim);
        let mut empty = false;
        for (axis, (&dim, &stride)) in view.shape().iter().zip(view.strides()).enumerate() {
            let Some(stride) = whole_items(stride, dim) else {
                // SAFETY: *one block*, of which nobody knows yet.
                unsafe { dealloc(memory.cast(), block) };
                return None;
            };
            empty |= dim == 0;
            // What means nothing goes out as 1: some consumers look at it all the same.
            let stride = if dim == 1 { 1 } else { stride };
            // SAFETY: *one block*: there is room for `ndim` entries.
            unsafe { shape.wrapping_add(axis).write(to_i64(dim.cast_signed())) };
            // SAFETY: as above.
            unsafe { strides.wrapping_add(axis).write(to_i64(stride)) };
        }
        if empty {
            // SAFETY: *one block*: there is room for `ndim` entries.
            unsafe { write_ones(strides, ndim) };
        }
        let tensor = describe(view, dtype, empty, (shape, strides));
        let export = Self {
            managed: A::new(tensor, flags, delete::<A>),
            claim: ManuallyDrop::new(claim),
            ndim,
        };
        // SAFETY: *one block*: fresh memory, large enough.
        unsafe { head.write(export) };
        Some(ManagedTensor::from_export(head.cast()))
    }
}

/// # Safety
///
/// There is room for `ndim` entries.
#[cold]
unsafe fn write_ones(entries: *mut i64, ndim: usize) {
    for axis in 0..ndim {
        // SAFETY: there is room.
        unsafe { entries.wrapping_add(axis).write(1) };
    }
}

/// Where the first item is: `data` and `byte_offset`.
#[inline(always)]
fn locate(view: &StridedView<'_>, empty: bool) -> (*mut c_void, u64) {
    if empty {
        return (ptr::null_mut(), 0);
    }
    if !view.device().has_addresses() {
        let offset = view.layout().byte_offset();
        let offset = u64::try_from(offset).expect("at most 64 bits");
        return (view.buffer().as_ptr().cast_mut().cast(), offset);
    }
    // Older consumers ignore the offset.
    (view.data_ptr().cast_mut().cast(), 0)
}

#[inline(always)]
pub(super) fn describe(
    view: &StridedView<'_>,
    dtype: DLDataType,
    empty: bool,
    (shape, strides): (*mut i64, *mut i64),
) -> DLTensor {
    let device = view.device();
    let (data, byte_offset) = locate(view, empty);
    DLTensor {
        data,
        device: DLDevice {
            device_type: device.device_type,
            device_id: device.device_id,
        },
        ndim: i32::try_from(view.ndim()).expect("at most 64 axes"),
        dtype,
        shape,
        strides,
        byte_offset,
    }
}

/// The flags, from the facts.
#[inline(always)]
fn flags(view: &StridedView<'_>, copied: bool) -> u64 {
    let mut flags = 0;
    if copied {
        flags |= IS_COPIED;
    } else if !view.access().is_writable() {
        flags |= READ_ONLY;
    }
    if view.dtype().is_padded() {
        flags |= SUBBYTE_PADDED;
    }
    flags
}

/// Address-sized integers are at most 64 bits wide.
#[inline(always)]
pub(super) fn to_i64(value: isize) -> i64 {
    i64::try_from(value).expect("isize fits in i64")
}

/// The deleter of every exported struct: gives up the claim to the memory and frees the block.
///
/// An owner that panics in its drop must not unwind into C: the panic is caught, and the block freed all the same.
///
/// # Safety
///
/// *one block*: `managed` came from [`Export::allocate`], and this is the first call.
unsafe extern "C" fn delete<A: Abi>(managed: *mut A) {
    if managed.is_null() {
        return;
    }
    let export = managed.cast::<Export<A>>();
    // SAFETY: *one block*.
    let ndim = unsafe { (*export).ndim };
    // SAFETY: *one block*.
    let claim = unsafe { &raw mut (*export).claim };
    // SAFETY: *one block*; the claim leaves it here.
    let claim = unsafe { claim.read() };
    // SAFETY: *one block*: it was allocated with this layout; nothing in it is used any more.
    unsafe { dealloc(export.cast(), Export::<A>::block(ndim)) };
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(ManuallyDrop::into_inner(claim))));
    if let Err(panic) = dropped {
        // What was thrown can throw when it is dropped. There is nobody to tell any more.
        let thrown = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        std::mem::forget(thrown);
    }
}
