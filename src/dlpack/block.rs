//! How large the block of an exported struct is: the struct, and two numbers an axis behind it.
//!
//! # Safety
//!
//! *whole block* (see [`crate::spare`]), for the head and so many axes.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use crate::spare::Tensors;

/// Bytes of a block whose head takes `head` bytes.
#[inline(always)]
pub(super) const fn bytes(head: usize, ndim: usize) -> usize {
    const { assert!(align_of::<i64>() <= align_of::<u64>()) };
    head + 2 * ndim * size_of::<i64>()
}

/// A block, or `None` if there is no memory for it.
#[inline(always)]
pub(super) fn allocate(head: usize, ndim: usize) -> Option<NonNull<u8>> {
    Tensors::allocate(bytes(head, ndim))
}

/// Takes a block back.
///
/// # Safety
///
/// *whole block*, made for the same numbers.
#[inline(always)]
pub(super) unsafe fn free(block: NonNull<u8>, head: usize, ndim: usize) {
    // SAFETY: *whole block*.
    unsafe { Tensors::free(block, bytes(head, ndim)) };
}
