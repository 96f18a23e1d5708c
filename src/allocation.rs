//! Fresh memory for the results of copies.
//!
//! # Safety
//!
//! Invariant *owned block*: `ptr` was returned by `alloc` (or `alloc_zeroed`) for `layout`, whose size is not 0, and nobody else
//! frees it; or the size is 0 and `ptr` dangles at the alignment.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::buffer::Buffer;
use crate::error::{Error, Result};

/// Alignment of fresh memory, in bytes: a cache line, which is also what Arrow recommends.
pub(crate) const ALIGNMENT: usize = 64;

/// A block of bytes, freed on drop.
#[derive(Debug)]
pub(crate) struct Allocation {
    ptr: NonNull<u8>,
    layout: Layout,
}

// SAFETY: *owned block*: nobody else knows the pointer.
unsafe impl Send for Allocation {}

impl Allocation {
    /// `len` bytes that must be written before they are read.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`], never an abort.
    pub(crate) fn uninit(len: usize, alignment: usize) -> Result<Self> {
        // SAFETY: `with` calls it with a layout of non-zero size.
        Self::with(len, alignment, |layout| unsafe { alloc(layout) })
    }

    /// `len` bytes of 0.
    ///
    /// # Errors
    ///
    /// As [`Allocation::uninit`].
    pub(crate) fn zeroed(len: usize, alignment: usize) -> Result<Self> {
        // SAFETY: `with` calls it with a layout of non-zero size.
        Self::with(len, alignment, |layout| unsafe { alloc_zeroed(layout) })
    }

    /// Aligned to [`ALIGNMENT`] at least.
    fn with(len: usize, alignment: usize, allocate: impl Fn(Layout) -> *mut u8) -> Result<Self> {
        let out_of_memory = || Error::OutOfMemory { bytes: len };
        let alignment = alignment.max(ALIGNMENT);
        let layout = Layout::from_size_align(len, alignment).map_err(|_| out_of_memory())?;
        let ptr = if len == 0 {
            Some(NonNull::without_provenance(
                std::num::NonZero::new(alignment).ok_or_else(out_of_memory)?,
            ))
        } else {
            NonNull::new(allocate(layout))
        };
        Ok(Self {
            ptr: ptr.ok_or_else(out_of_memory)?,
            layout,
        })
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The memory as a buffer.
    ///
    /// # Safety
    ///
    /// All bytes have been written.
    pub(crate) unsafe fn into_buffer(self) -> Buffer<'static> {
        let (ptr, len) = (self.ptr, self.layout.size());
        // SAFETY: *owned block*, and the caller initialised it.
        unsafe { Buffer::from_unique(ptr, len, self) }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: *owned block*.
            unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
        }
    }
}
