//! Owned handles of DLPack tensors.
//!
//! # Safety
//!
//! Invariant *consumer*: a [`ManagedTensor`] holds the only right to consume a live struct, obtained by the contract of
//! [`ManagedTensor::from_raw`] or by exporting. It gives it up exactly once: by `into_raw`, or by running the deleter on drop.
#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use dlpack_rs::ffi::{DLManagedTensor, DLManagedTensorVersioned, DLTensor};

use super::abi::{Abi, IS_COPIED, VERSION};
use crate::error::{DlpackFault, Result};

/// A DLPack tensor that this process owns and has not consumed yet. The deleter runs when it is dropped.
///
/// The type of the struct is the parameter: see [`VersionedTensor`] and [`LegacyTensor`]. The raw structs are those of
/// [`dlpack_rs::ffi`], so that every crate built on them, or on the C header, can take the pointer.
///
/// Nothing that the tensor claims is believed until [`into_view`](Self::into_view) or [`view`](Self::view) has checked it.
pub struct ManagedTensor<A: Abi> {
    ptr: NonNull<A>,
}

/// A tensor in the struct of DLPack 1.0 and later.
pub type VersionedTensor = ManagedTensor<DLManagedTensorVersioned>;

/// A tensor in the struct of DLPack before 1.0, which has neither version nor flags.
pub type LegacyTensor = ManagedTensor<DLManagedTensor>;

/// Whether the producer copied to make the tensor.
///
/// There is no "no": producers may omit the flag, and legacy tensors have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProducerCopy {
    /// The producer says so.
    Copied,
    /// The producer does not say.
    Unknown,
}

// SAFETY: *consumer*; by the contract of `from_raw` the deleter may run on any thread.
unsafe impl<A: Abi> Send for ManagedTensor<A> {}
// SAFETY: a shared handle only reads the struct, which nobody else may write while it is owned here.
unsafe impl<A: Abi> Sync for ManagedTensor<A> {}

impl<A: Abi> ManagedTensor<A> {
    /// Takes a tensor over from its producer.
    ///
    /// # Errors
    ///
    /// [`DlpackFault::NullTensor`]; [`DlpackFault::Version`] if the major version is not 1, in which case the deleter has been called.
    ///
    /// # Safety
    ///
    /// `tensor` is NULL or points to a live struct that nobody else consumes, whose deleter may be called on any thread. If the struct's
    /// fields pass the checks, then they are true: shape and strides have `ndim` entries, the memory that they describe is allocated until
    /// the deleter runs, and, if the CPU can read the device, it is initialised and nobody writes it during a call that reads it (whoever hands
    /// over pinned or managed memory has waited for the kernels that use it); with `IS_COPIED`, nobody else uses it at all. The struct's own
    /// fields are not changed by others.
    #[inline]
    pub unsafe fn from_raw(tensor: *mut A) -> Result<Self> {
        let ptr = NonNull::new(tensor).ok_or(DlpackFault::NullTensor)?;
        // *consumer* from here on: an error below drops the handle, which calls the deleter.
        let owned = Self { ptr };
        match owned.version() {
            Some((major, minor)) if major != VERSION.0 => Err(DlpackFault::Version { major, minor }.into()),
            _ => Ok(owned),
        }
    }

    /// A struct of our own making.
    pub(super) fn from_export(ptr: NonNull<A>) -> Self {
        Self { ptr }
    }

    /// Hands the tensor over: whoever takes the pointer calls the deleter.
    #[must_use = "the tensor leaks unless its deleter is called"]
    #[inline]
    pub fn into_raw(self) -> *mut A {
        ManuallyDrop::new(self).ptr.as_ptr()
    }

    /// The struct, for reading while the handle lives.
    #[must_use]
    pub fn as_ptr(&self) -> *const A {
        self.ptr.as_ptr()
    }

    /// The version that the producer stamped on the struct: major, minor. `None` for legacy tensors.
    #[must_use]
    pub fn version(&self) -> Option<(u32, u32)> {
        // SAFETY: *consumer*.
        unsafe { A::version(self.ptr.as_ptr()) }
    }

    /// The producer's flags; 0 for legacy tensors.
    #[must_use]
    pub fn flags(&self) -> u64 {
        // SAFETY: *consumer*; the major version was checked.
        unsafe { A::flags(self.ptr.as_ptr()) }
    }

    /// Whether the producer copied to make the tensor.
    #[must_use]
    pub fn producer_copy(&self) -> ProducerCopy {
        if self.flags() & IS_COPIED != 0 {
            ProducerCopy::Copied
        } else {
            ProducerCopy::Unknown
        }
    }

    /// The tensor's fields, read once.
    ///
    /// One by one: a producer has just written them so, and a wide read of narrow writes has to wait until they have reached the cache.
    #[inline(always)]
    pub(super) fn read(&self) -> DLTensor {
        // SAFETY: *consumer*; the major version was checked.
        let tensor = unsafe { A::tensor(self.ptr.as_ptr()) };
        macro_rules! field {
            ($name:ident) => {
                // SAFETY: *consumer*.
                unsafe { (*tensor).$name }
            };
        }
        DLTensor {
            data: field!(data),
            device: field!(device),
            ndim: field!(ndim),
            dtype: field!(dtype),
            shape: field!(shape),
            strides: field!(strides),
            byte_offset: field!(byte_offset),
        }
    }
}

impl<A: Abi> Drop for ManagedTensor<A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: *consumer*, given up here.
        unsafe { A::delete(self.ptr.as_ptr()) };
    }
}

impl<A: Abi> fmt::Debug for ManagedTensor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedTensor")
            .field("ptr", &self.ptr)
            .field("version", &self.version())
            .field("flags", &self.flags())
            .finish()
    }
}
