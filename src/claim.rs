//! Shared ownership in one word: what keeps memory alive, without the memory.
//!
//! An `Arc<dyn Send>` is two words, and handing memory over is so quick that the second one counts: written as two and read as one, it has to wait
//! until both have reached the cache.
//!
//! # Safety
//!
//! - *counted*: as long as a [`Claim`] exists, its block is allocated, and `count` is the number of claims.
//! - *untouched owner*: after a block is made, the owner inside is never accessed again but to be dropped, by [`end`], once.
//! - *its own end*: `end` is [`end`] for the type of owner that the block was made with.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use crate::memory::OwnerKind;
use sync::{AtomicUsize, Ordering, fence};

#[cfg(not(loom))]
mod sync {
    pub(super) use std::sync::atomic::{AtomicUsize, Ordering, fence};
}

#[cfg(loom)]
mod sync {
    pub(super) use loom::sync::atomic::{AtomicUsize, Ordering, fence};
}

/// A share of an owner. The last one to go drops the owner, on its own thread.
pub(crate) struct Claim(NonNull<Head>);

/// What is known of an owner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) kind: OwnerKind,
    /// Bytes beyond the buffer that stay allocated as long as the owner lives.
    pub(crate) spare: usize,
    /// Whether the last claim may write the memory.
    pub(crate) reclaimable: bool,
}

struct Head {
    count: AtomicUsize,
    end: unsafe fn(NonNull<Head>),
    facts: Facts,
}

#[repr(C)]
struct Owned<O> {
    head: Head,
    owner: O,
}

// SAFETY: *untouched owner*: a claim gives no access to the owner, so that only its drop crosses threads, and for that `Send` is enough,
// which `new` asks for.
unsafe impl Send for Claim {}
// SAFETY: as for `Send`: a shared claim can be cloned, and its facts be read, which are `Sync`.
unsafe impl Sync for Claim {}

impl Claim {
    /// The first claim. One allocation. `facts` looks at the owner where it stays from now on.
    #[inline]
    pub(crate) fn new<O: Send + 'static, T>(facts: Facts, owner: O, look: impl FnOnce(&O) -> T) -> (Self, T) {
        let head = Head {
            count: AtomicUsize::new(1),
            end: end::<O>,
            facts,
        };
        let block: NonNull<Owned<O>> = NonNull::from(Box::leak(Box::new(Owned { head, owner })));
        // From here on a panic ends the owner.
        let claim = Self(block.cast());
        // SAFETY: *counted*; the look is over before anybody can end the owner.
        let seen = look(&unsafe { block.as_ref() }.owner);
        (claim, seen)
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: *counted*.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(crate) fn facts(&self) -> Facts {
        self.head().facts
    }

    /// Changes what is known of an owner that nobody else knows yet.
    #[cfg(feature = "arrow")]
    pub(crate) fn facts_mut(&mut self) -> Option<&mut Facts> {
        if !self.is_only() {
            return None;
        }
        // SAFETY: *counted*: the only claim, mutably borrowed.
        Some(unsafe { &mut self.0.as_mut().facts })
    }

    /// Whether there is no other claim. If so there will be none as long as this one is mutably borrowed: claims come from claims.
    #[inline]
    pub(crate) fn is_only(&mut self) -> bool {
        // Acquire: what others did with the memory before they gave up their claims has happened.
        self.head().count.load(Ordering::Acquire) == 1
    }

    /// Whether the two are shares of the same owner.
    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Gives the claim up. If it was the last, the owner is left to be dropped with the result.
    #[inline]
    pub(crate) fn into_last(self) -> Option<LastClaim> {
        let this = ManuallyDrop::new(self);
        // Release: what this claim did with the memory happens before the owner goes.
        if this.head().count.fetch_sub(1, Ordering::Release) != 1 {
            return None;
        }
        fence(Ordering::Acquire);
        Some(LastClaim(this.0))
    }
}

/// What is left when the last claim has been given up: the duty to drop the owner.
pub(crate) struct LastClaim(NonNull<Head>);

impl Drop for LastClaim {
    fn drop(&mut self) {
        // SAFETY: *counted*.
        let end = unsafe { self.0.as_ref() }.end;
        // SAFETY: *its own end*; *counted*: there is no claim any more.
        unsafe { end(self.0) };
    }
}

impl Clone for Claim {
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed: a claim comes from a claim, which keeps the block alive meanwhile.
        let before = self.head().count.fetch_add(1, Ordering::Relaxed);
        if before > isize::MAX.unsigned_abs() {
            // Only `mem::forget` in a loop gets here; a wrapping count would free memory in use.
            std::process::abort();
        }
        Self(self.0)
    }
}

impl Drop for Claim {
    #[inline]
    fn drop(&mut self) {
        // The common case of a view that was never cloned needs no read-modify-write: nobody else is there to race with.
        if self.is_only() {
            drop(LastClaim(self.0));
        } else {
            drop(Self(self.0).into_last());
        }
    }
}

/// Drops an owner and frees its block. If the owner panics, the block is freed all the same, and the panic goes on.
///
/// # Safety
///
/// `head` is that of an `Owned<O>` made by [`Claim::new`], and this is the first call.
#[cold]
unsafe fn end<O>(head: NonNull<Head>) {
    // SAFETY: boxed there.
    drop(unsafe { Box::from_raw(head.cast::<Owned<O>>().as_ptr()) });
}

/// All orders in which claims can come and go on several threads: `RUSTFLAGS='--cfg loom' cargo test --lib --no-default-features claim`.
#[cfg(all(test, loom))]
mod tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    const FACTS: Facts = Facts {
        kind: OwnerKind::Heap,
        spare: 0,
        reclaimable: true,
    };

    /// What the owner keeps. Loom reports reads and writes that nothing puts in an order.
    struct Memory(UnsafeCell<u32>);

    // SAFETY: loom looks at every access.
    unsafe impl Send for Memory {}
    // SAFETY: as above.
    unsafe impl Sync for Memory {}

    impl Memory {
        fn read(&self) -> u32 {
            // SAFETY: loom looks at every access.
            self.0.with(|value| unsafe { *value })
        }

        fn write(&self, new: u32) {
            // SAFETY: as above.
            self.0.with_mut(|value| unsafe { *value = new });
        }
    }

    /// Its drop writes the memory, as freeing it would.
    struct Owner(Arc<Memory>);

    impl Drop for Owner {
        fn drop(&mut self) {
            assert_ne!(self.0.read(), 99, "dropped twice");
            self.0.write(99);
        }
    }

    fn claim() -> (Claim, Arc<Memory>) {
        let memory = Arc::new(Memory(UnsafeCell::new(0)));
        let (claim, ()) = Claim::new(FACTS, Owner(Arc::clone(&memory)), |_| ());
        (claim, memory)
    }

    #[test]
    fn the_owner_goes_once_and_after_all_reads() {
        loom::model(|| {
            let (claim, memory) = claim();
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (claim, memory) = (claim.clone(), Arc::clone(&memory));
                    thread::spawn(move || {
                        assert_eq!(memory.read(), 0);
                        drop(claim);
                    })
                })
                .collect();
            drop(claim.into_last());
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(memory.read(), 99);
        });
    }

    #[test]
    fn a_claim_that_comes_while_another_goes_counts() {
        loom::model(|| {
            let (claim, memory) = claim();
            let (other, view) = (claim.clone(), Arc::clone(&memory));
            let thread = thread::spawn(move || {
                let again = other.clone();
                drop(other);
                assert_eq!(view.read(), 0);
                drop(again);
            });
            drop(claim.into_last());
            thread.join().unwrap();
            assert_eq!(memory.read(), 99);
        });
    }

    #[test]
    fn the_only_claim_may_write() {
        loom::model(|| {
            let (mut claim, memory) = claim();
            let (other, view) = (claim.clone(), Arc::clone(&memory));
            let reader = thread::spawn(move || {
                assert_eq!(view.read(), 0);
                drop(other);
            });
            if claim.is_only() {
                memory.write(7);
            }
            reader.join().unwrap();
        });
    }
}
