//! The two C structs behind one face, and proof that they are laid out as the specification says.
//!
//! # Safety
//!
//! Invariant *live struct*: whoever calls these functions holds a pointer to a struct that is alive and that only they consume. Fields
//! are read and written one by one through raw pointers, because a foreign struct is never ours to take a reference to.
#![allow(unsafe_code)]

use std::mem::offset_of;
use std::ptr;

use dlpack_rs::ffi::{self, DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor};

/// The DLPack version whose rules exports follow: major, minor.
pub const VERSION: (u32, u32) = (1, 3);

// The constants come in three integer types; one is enough.
pub(super) const READ_ONLY: u64 = ffi::DLPACK_FLAG_BITMASK_READ_ONLY;
pub(super) const IS_COPIED: u64 = ffi::DLPACK_FLAG_BITMASK_IS_COPIED;
pub(super) const SUBBYTE_PADDED: u64 = ffi::DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED as u64;

/// One of the two structs that own a DLPack tensor: [`DLManagedTensorVersioned`] or the legacy [`DLManagedTensor`].
///
/// Sealed.
pub trait Abi: sealed::Sealed {}

impl Abi for DLManagedTensor {}
impl Abi for DLManagedTensorVersioned {}

pub(super) mod sealed {
    use super::DLTensor;

    pub trait Sealed: Sized + 'static {
        /// A struct to be handed out.
        fn new(tensor: DLTensor, flags: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self;

        /// The version that the struct is stamped with, if it has a stamp.
        ///
        /// # Safety
        ///
        /// *live struct*.
        unsafe fn version(this: *const Self) -> Option<(u32, u32)>;

        /// The flags; none in a legacy struct.
        ///
        /// # Safety
        ///
        /// *live struct*, of major version 1.
        unsafe fn flags(this: *const Self) -> u64;

        /// Address of the tensor inside of the struct.
        ///
        /// # Safety
        ///
        /// *live struct*, of major version 1.
        unsafe fn tensor(this: *mut Self) -> *mut DLTensor;

        /// Runs the deleter, if there is one.
        ///
        /// # Safety
        ///
        /// *live struct*, never used again.
        unsafe fn delete(this: *mut Self);
    }
}

impl sealed::Sealed for DLManagedTensor {
    #[inline]
    fn new(tensor: DLTensor, _: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self {
        Self {
            dl_tensor: tensor,
            manager_ctx: ptr::null_mut(),
            deleter: Some(deleter),
        }
    }

    unsafe fn version(_: *const Self) -> Option<(u32, u32)> {
        None
    }

    unsafe fn flags(_: *const Self) -> u64 {
        0
    }

    unsafe fn tensor(this: *mut Self) -> *mut DLTensor {
        // SAFETY: *live struct*.
        unsafe { &raw mut (*this).dl_tensor }
    }

    unsafe fn delete(this: *mut Self) {
        // SAFETY: *live struct*.
        if let Some(deleter) = unsafe { (*this).deleter } {
            // SAFETY: the specification's way to end the struct.
            unsafe { deleter(this) };
        }
    }
}

impl sealed::Sealed for DLManagedTensorVersioned {
    #[inline]
    fn new(tensor: DLTensor, flags: u64, deleter: unsafe extern "C" fn(*mut Self)) -> Self {
        let (major, minor) = VERSION;
        Self {
            version: DLPackVersion { major, minor },
            manager_ctx: ptr::null_mut(),
            deleter: Some(deleter),
            flags,
            dl_tensor: tensor,
        }
    }

    unsafe fn version(this: *const Self) -> Option<(u32, u32)> {
        // SAFETY: *live struct*; the version stays where it is in every major version.
        let version = unsafe { (*this).version };
        Some((version.major, version.minor))
    }

    unsafe fn flags(this: *const Self) -> u64 {
        // SAFETY: *live struct*.
        unsafe { (*this).flags }
    }

    unsafe fn tensor(this: *mut Self) -> *mut DLTensor {
        // SAFETY: *live struct*.
        unsafe { &raw mut (*this).dl_tensor }
    }

    unsafe fn delete(this: *mut Self) {
        // SAFETY: *live struct*; the deleter stays where it is in every major version.
        if let Some(deleter) = unsafe { (*this).deleter } {
            // SAFETY: the specification's way to end the struct.
            unsafe { deleter(this) };
        }
    }
}

// The layout that the C header has on 64-bit machines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<DLDataType>() == 4 && size_of::<DLDevice>() == 8 && size_of::<DLPackVersion>() == 8);

    assert!(size_of::<DLTensor>() == 48 && align_of::<DLTensor>() == 8);
    assert!(offset_of!(DLTensor, data) == 0);
    assert!(offset_of!(DLTensor, device) == 8);
    assert!(offset_of!(DLTensor, ndim) == 16);
    assert!(offset_of!(DLTensor, dtype) == 20);
    assert!(offset_of!(DLTensor, shape) == 24);
    assert!(offset_of!(DLTensor, strides) == 32);
    assert!(offset_of!(DLTensor, byte_offset) == 40);

    assert!(size_of::<DLManagedTensor>() == 64);
    assert!(offset_of!(DLManagedTensor, dl_tensor) == 0);
    assert!(offset_of!(DLManagedTensor, manager_ctx) == 48);
    assert!(offset_of!(DLManagedTensor, deleter) == 56);

    assert!(size_of::<DLManagedTensorVersioned>() == 80);
    assert!(offset_of!(DLManagedTensorVersioned, version) == 0);
    assert!(offset_of!(DLManagedTensorVersioned, manager_ctx) == 8);
    assert!(offset_of!(DLManagedTensorVersioned, deleter) == 16);
    assert!(offset_of!(DLManagedTensorVersioned, flags) == 24);
    assert!(offset_of!(DLManagedTensorVersioned, dl_tensor) == 32);

    assert!(READ_ONLY == 1 && IS_COPIED == 2 && SUBBYTE_PADDED == 4);
};
