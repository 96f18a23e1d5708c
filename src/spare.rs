//! Blocks of memory that are needed for a moment, over and over: each thread keeps the last small one of each kind for its next call.
//!
//! Handing memory over takes some nanoseconds, and half of them would go to the allocator. What is handed out is mostly given back by the thread that
//! hands out the next one, so that one block a thread and kind is all that it takes. A thread gives its blocks back when it ends.
//!
//! # Safety
//!
//! - *whole block*: [`Spare::allocate`] gives out memory of so many bytes (rounded up to those of a small block), at the alignment of a `u64`, that nobody
//!   else refers to; [`Spare::free`] takes it back once, for the same number.
//! - *spare*: the block that a thread keeps is a small one of its kind that was given back.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

/// Bytes of the small blocks of each kind.
const SMALL: [usize; 3] = [192, 320, 320];

/// Exported DLPack tensors: both structs, what is noted behind them, and two numbers for each of six axes.
#[cfg(feature = "dlpack")]
pub(crate) type Tensors = Spare<0>;

/// What exported Arrow arrays point to, up to three levels.
#[cfg(feature = "arrow")]
pub(crate) type Arrays = Spare<1>;

/// What exported Arrow schemas point to, up to four levels.
#[cfg(feature = "arrow")]
pub(crate) type Schemas = Spare<2>;

/// A kind of block.
pub(crate) enum Spare<const KIND: usize> {}

impl<const KIND: usize> Spare<KIND> {
    /// Bytes of a small block of this kind.
    pub(crate) const SMALL: usize = SMALL[KIND];

    /// A block, or `None` if there is no memory for it.
    #[inline(always)]
    pub(crate) fn allocate(bytes: usize) -> Option<NonNull<u8>> {
        if bytes <= Self::SMALL
            && let Ok(Some(block)) = KEPT.try_with(|kept| kept.0[KIND].take())
        {
            return Some(block);
        }
        fresh(layout(bytes.max(Self::SMALL)))
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// *whole block*, made for as many bytes.
    #[inline(always)]
    pub(crate) unsafe fn free(block: NonNull<u8>, bytes: usize) {
        let keep = |kept: &Kept| {
            let place = &kept.0[KIND];
            let empty = place.get().is_none();
            if empty {
                place.set(Some(block));
            }
            empty
        };
        // A thread that ends keeps nothing any more.
        let kept = bytes <= Self::SMALL && KEPT.try_with(keep).unwrap_or(false);
        if !kept {
            // SAFETY: *whole block*.
            unsafe { dealloc(block.as_ptr(), layout(bytes.max(Self::SMALL))) };
        }
    }
}

#[inline(always)]
fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, align_of::<u64>()).expect("a few levels or axes fit")
}

/// Out of the way: what a caller keeps over this call would be kept in vain most of the time.
#[cold]
#[inline(never)]
fn fresh(layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: no block is empty.
    NonNull::new(unsafe { alloc(layout) })
}

/// The blocks that a thread keeps.
struct Kept([Cell<Option<NonNull<u8>>>; SMALL.len()]);

impl Drop for Kept {
    fn drop(&mut self) {
        for (place, bytes) in self.0.iter().zip(SMALL) {
            if let Some(block) = place.take() {
                // SAFETY: *spare*.
                unsafe { dealloc(block.as_ptr(), layout(bytes)) };
            }
        }
    }
}

thread_local! {
    static KEPT: Kept = const { Kept([const { Cell::new(None) }; SMALL.len()]) };
}
