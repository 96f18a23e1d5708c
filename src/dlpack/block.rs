//! Where exported structs live: blocks of memory, of which each thread keeps the last small one for its next export.
//!
//! Handing a tensor over takes some nanoseconds, and half of them would go to the allocator. Exports of up to six axes have blocks of one size;
//! the deleter leaves such a block to the thread that it runs on, unless that has one already, and a thread gives its block back when it ends.
//!
//! # Safety
//!
//! - *whole block*: [`allocate`] gives out memory of [`layout`] for the head and so many axes that nobody else refers to, and [`free`] takes it
//!   back once.
//! - *spare*: the block that a thread keeps is a small one that was given back.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

/// Axes that a small block has room for.
const SMALL_NDIM: usize = 6;

/// Bytes of a small block: the larger of the two structs, what we note behind it, and two numbers an axis.
const SMALL: usize = 96 + 2 * SMALL_NDIM * size_of::<i64>();

/// The layout of a block whose head takes `head` bytes.
#[inline(always)]
pub(super) fn layout(head: usize, ndim: usize) -> Layout {
    const { assert!(align_of::<i64>() <= align_of::<u64>()) };
    let exact = head + 2 * ndim * size_of::<i64>();
    let size = if is_small(head, ndim) { SMALL } else { exact };
    Layout::from_size_align(size, align_of::<u64>()).expect("64 axes fit")
}

#[inline(always)]
const fn is_small(head: usize, ndim: usize) -> bool {
    ndim <= SMALL_NDIM && head <= SMALL - 2 * SMALL_NDIM * size_of::<i64>()
}

/// The block that a thread keeps.
struct Spare(Cell<Option<NonNull<u8>>>);

impl Drop for Spare {
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            // SAFETY: *spare*.
            unsafe { dealloc(block.as_ptr(), layout(0, 0)) };
        }
    }
}

thread_local! {
    static SPARE: Spare = const { Spare(Cell::new(None)) };
}

/// A block, or `None` if there is no memory for it.
#[inline(always)]
pub(super) fn allocate(head: usize, ndim: usize) -> Option<NonNull<u8>> {
    if is_small(head, ndim)
        && let Ok(Some(block)) = SPARE.try_with(|spare| spare.0.take())
    {
        return Some(block);
    }
    fresh(layout(head, ndim))
}

/// Out of the way: what a caller keeps over this call would be kept in vain most of the time.
#[cold]
#[inline(never)]
fn fresh(layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: no block is empty.
    NonNull::new(unsafe { alloc(layout) })
}

/// Takes a block back.
///
/// # Safety
///
/// *whole block*, made for the same numbers.
#[inline(always)]
pub(super) unsafe fn free(block: NonNull<u8>, head: usize, ndim: usize) {
    // A thread that ends keeps nothing any more.
    let kept = is_small(head, ndim)
        && SPARE
            .try_with(|spare| {
                let empty = spare.0.get().is_none();
                if empty {
                    spare.0.set(Some(block));
                }
                empty
            })
            .unwrap_or(false);
    if !kept {
        // SAFETY: *whole block*.
        unsafe { dealloc(block.as_ptr(), layout(head, ndim)) };
    }
}
