//! From a view to a tensor that others own.
//!
//! # Safety
//!
//! Invariant *one block*: an exported struct is the head of an [`Export`] block, allocated by [`Export::allocate`] with room for shape and strides
//! behind it, and given back by [`delete`], which runs once. The block holds a claim to the memory until then.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::slice;

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLTensor};

use super::abi::{Abi, IS_COPIED, READ_ONLY, SUBBYTE_PADDED};
use super::block;
use super::dtype;
use super::managed::{LegacyTensor, ManagedTensor, VersionedTensor};
use crate::claim::{Claim, LastClaim};
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
    /// The tensor is marked read-only unless the memory is [`Access::Shared`](crate::Access::Shared) or freshly copied. One allocation
    /// of up to 192 bytes; none where a tensor that this thread deleted has left its block.
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`] under [`CopyPolicy::Never`], [`Error::Refused`] for data types and meanings that DLPack does not have,
    /// [`Error::OutOfMemory`].
    #[inline]
    pub fn to_dlpack(&self, policy: CopyPolicy) -> Result<Converted<VersionedTensor>> {
        export::<Versioned>(self, policy)
    }

    /// As [`to_dlpack`](Self::to_dlpack), where nothing is to be translated and nothing copied. `None` decides nothing.
    #[cfg(feature = "python")]
    #[inline]
    pub(crate) fn to_dlpack_plain(&self) -> Option<VersionedTensor> {
        export_plain::<Versioned>(self, CopyPolicy::Never)
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
///
/// In two halves, before and after the allocation: what would have to be kept over that call costs more than to be read again.
#[inline(never)]
fn export_plain<D: Door>(view: &StridedView<'_>, policy: CopyPolicy) -> Option<ManagedTensor<D::Abi>> {
    let itemsize = view.layout().itemsize();
    if !dtype::is_plain(view.dtype()) || !itemsize.is_power_of_two() || !Plan::is_plain(view, &D::PLAIN, policy) {
        return None;
    }
    let (shape, strides) = view.layout().few_axes()?;
    let rest = itemsize.wrapping_sub(1).cast_signed();
    if strides.iter().fold(0, |bits, stride| bits | stride) & rest != 0 {
        return None;
    }
    let memory = Export::allocate(shape.len())?;
    let claim = view.buffer().claim()?;
    Some(fill_plain(memory, view, claim))
}

#[inline(never)]
fn fill_plain<A: Abi>(memory: NonNull<Export<A>>, view: &StridedView<'_>, claim: Claim) -> ManagedTensor<A> {
    let axes = view.layout().few_axes().unwrap_or_default();
    let shift = view.layout().itemsize().trailing_zeros();
    let (dtype, flags) = (dtype::export_plain(view.dtype()), flags(view, false));
    // SAFETY: *one block*, just allocated for this view.
    unsafe {
        Export::fill(memory, view, axes, claim, (dtype, flags), |stride, _| {
            stride.wrapping_shr(shift)
        })
    }
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
        let divide = |stride, dim| {
            let items = whole_items(stride, itemsize, empty || dim <= 1);
            items.expect("the requirements exclude other strides")
        };
        let bytes = block::bytes(size_of::<Export<D::Abi>>(), view.ndim());
        let memory = Export::allocate(view.ndim()).ok_or(Error::OutOfMemory { bytes })?;
        let (axes, kind) = ((view.shape(), view.strides()), (dtype, flags(&view, copied)));
        // SAFETY: *one block*, just allocated for this view.
        Ok(unsafe { Export::fill(memory, &view, axes, claim, kind, divide) })
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
    /// A new block, or `None` if there is no memory for it.
    #[inline(always)]
    fn allocate(ndim: usize) -> Option<NonNull<Self>> {
        const { assert!(align_of::<Self>() <= align_of::<u64>()) };
        block::allocate(size_of::<Self>(), ndim).map(NonNull::cast)
    }

    /// Gives a block back.
    ///
    /// # Safety
    ///
    /// *one block*; nothing in it is used any more.
    #[inline(always)]
    unsafe fn free(block: NonNull<Self>, ndim: usize) {
        // SAFETY: *one block*: made by `allocate`, for as many axes.
        unsafe { block::free(block.cast(), size_of::<Self>(), ndim) };
    }

    /// Fills a block for a view that meets the requirements. `divide` gives a stride in items.
    ///
    /// # Safety
    ///
    /// *one block*: `head` is a block for as many axes, and nobody knows it yet.
    #[inline(always)]
    unsafe fn fill(
        head: NonNull<Self>,
        view: &StridedView<'_>,
        (sizes, distances): (&[usize], &[isize]),
        claim: Claim,
        (dtype, flags): (DLDataType, u64),
        divide: impl Fn(isize, usize) -> isize,
    ) -> ManagedTensor<A> {
        let (ndim, memory) = (sizes.len(), head.as_ptr());
        // The alignment of `Self` is that of a pointer, and so is that of `i64`, behind it.
        let shape = memory.wrapping_add(1).cast::<i64>();
        let strides = shape.wrapping_add(ndim);
        let (mut size, mut distance, mut small) = (shape, strides, false);
        for (&dim, &stride) in sizes.iter().zip(distances) {
            small |= dim <= 1;
            // SAFETY: *one block*: there is room for `ndim` entries.
            unsafe { size.write(to_i64(dim.cast_signed())) };
            // SAFETY: as above.
            unsafe { distance.write(to_i64(divide(stride, dim))) };
            (size, distance) = (size.wrapping_add(1), distance.wrapping_add(1));
        }
        let empty = small && {
            // SAFETY: *one block*: `ndim` entries, just written.
            let strides = unsafe { slice::from_raw_parts_mut(strides, ndim) };
            tidy(sizes, strides)
        };
        let tensor = describe(view, dtype, (ndim, empty), (shape, strides));
        let export = Self {
            managed: A::new(tensor, flags, delete::<A>),
            claim: ManuallyDrop::new(claim),
            ndim,
        };
        // SAFETY: *one block*: fresh memory, large enough.
        unsafe { head.write(export) };
        ManagedTensor::from_export(head.cast())
    }
}

/// Makes strides that mean nothing those that a row-major tensor would have there, because some consumers look at them all the same. Says whether
/// there are no items, in which case no stride means anything.
#[inline(never)]
pub(super) fn tidy(sizes: &[usize], strides: &mut [i64]) -> bool {
    let empty = sizes.contains(&0);
    // Of the axis behind: what its items are apart, all together.
    let mut behind = 1_i64;
    for (&dim, stride) in sizes.iter().zip(strides).rev() {
        if empty || dim == 1 {
            *stride = behind;
        }
        let dim = i64::try_from(dim.max(1)).unwrap_or(i64::MAX);
        behind = stride.saturating_mul(dim);
    }
    empty
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
    (ndim, empty): (usize, bool),
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
        ndim: i32::try_from(ndim).expect("at most 64 axes"),
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
    let Some(block) = NonNull::new(managed.cast::<Export<A>>()) else {
        return;
    };
    let export = block.as_ptr();
    // SAFETY: *one block*.
    let ndim = unsafe { (*export).ndim };
    // SAFETY: *one block*.
    let claim = unsafe { &raw mut (*export).claim };
    // SAFETY: *one block*; the claim leaves it here.
    let claim = unsafe { claim.read() };
    // SAFETY: *one block*: all that is in it has left.
    unsafe { Export::free(block, ndim) };
    if let Some(last) = ManuallyDrop::into_inner(claim).into_last() {
        end(last);
    }
}

/// Drops an owner. What it throws can throw when it is dropped, and there is nobody to tell any more.
#[cold]
#[inline(never)]
fn end(last: LastClaim) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(last)));
    if let Err(panic) = dropped {
        let thrown = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        std::mem::forget(thrown);
    }
}
