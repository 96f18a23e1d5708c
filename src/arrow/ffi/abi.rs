//! The structs of the specification, and who releases them.
//!
//! # Safety
//!
//! Invariant *owned struct*: a struct of these types whose `release` is set belongs to whoever holds the value; its members describe what the
//! specification says they do, as far as they pass the checks of this module's users, until `release` has been called. It is obtained by
//! exporting, or by the contract of `take`. Dropping the value calls `release`, once.
//!
//! The members are private: nobody can edit them after they were checked.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{CDataFault, Result};

/// A type, its name and its metadata: `struct ArrowSchema` of the Arrow C Data Interface.
#[repr(C)]
pub struct ArrowSchema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    pub(super) flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut ArrowSchema,
    pub(super) dictionary: *mut ArrowSchema,
    pub(super) release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    pub(super) private_data: *mut c_void,
}

/// The buffers of an array: `struct ArrowArray` of the Arrow C Data Interface. Its type comes beside it, in an [`ArrowSchema`].
#[repr(C)]
pub struct ArrowArray {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    pub(super) n_buffers: i64,
    pub(super) n_children: i64,
    pub(super) buffers: *mut *const c_void,
    pub(super) children: *mut *mut ArrowArray,
    pub(super) dictionary: *mut ArrowArray,
    pub(super) release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    pub(super) private_data: *mut c_void,
}

macro_rules! owned_struct {
    ($name:ident, $empty:expr) => {
        // SAFETY: *owned struct*: the specification lets a struct be released on any thread, and nobody else touches it.
        unsafe impl Send for $name {}
        // SAFETY: a shared reference only reads the struct, which does not change while it is owned.
        unsafe impl Sync for $name {}

        impl $name {
            /// A struct that holds nothing: one that is to be filled by a producer.
            #[must_use]
            pub const fn empty() -> Self {
                $empty
            }

            /// Moves a struct out of its place, which is marked as released.
            ///
            /// # Errors
            ///
            /// [`CDataFault::NullStruct`], [`CDataFault::Released`].
            ///
            /// # Safety
            ///
            /// `place` is NULL or points to a struct that may be written and that nobody else uses meanwhile. Unless it is released, what its members say
            /// is true, as far as it can be: strings end in a 0; arrays of pointers have as many entries as the counts say; buffers have the
            /// sizes that type, length and offset demand, and nobody writes them until `release` has been called, which may happen on any thread.
            pub unsafe fn take(place: *mut Self) -> Result<Self> {
                let name = stringify!($name);
                if place.is_null() {
                    return Err(CDataFault::NullStruct { name }.into());
                }
                // SAFETY: the caller's promise.
                let taken = unsafe { place.read() };
                // SAFETY: as above. The value there has moved into `taken`, and must not be dropped.
                unsafe { place.write(Self::empty()) };
                if taken.release.is_none() {
                    return Err(CDataFault::Released { name }.into());
                }
                Ok(taken)
            }

            /// Whether there is nothing in it: never filled, released, or moved away.
            #[must_use]
            pub const fn is_released(&self) -> bool {
                self.release.is_none()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: *owned struct*, given up here.
                    unsafe { release(self) };
                    self.release = None;
                }
            }
        }
    };
}
pub(super) use owned_struct;

owned_struct!(
    ArrowSchema,
    Self {
        format: std::ptr::null(),
        name: std::ptr::null(),
        metadata: std::ptr::null(),
        flags: 0,
        n_children: 0,
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
);

owned_struct!(
    ArrowArray,
    Self {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: std::ptr::null_mut(),
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
);

/// What schemas and arrays have in common: both are trees.
pub(super) trait TreeStruct: Sized {
    fn children(&self) -> (i64, *mut *mut Self);
    fn dictionary(&self) -> *mut Self;
    fn private_data(&self) -> *mut c_void;
    fn release(&mut self) -> &mut Option<unsafe extern "C" fn(*mut Self)>;
}

macro_rules! tree_struct {
    ($name:ident) => {
        impl TreeStruct for $name {
            fn children(&self) -> (i64, *mut *mut Self) {
                (self.n_children, self.children)
            }

            fn dictionary(&self) -> *mut Self {
                self.dictionary
            }

            fn private_data(&self) -> *mut c_void {
                self.private_data
            }

            fn release(&mut self) -> &mut Option<unsafe extern "C" fn(*mut Self)> {
                &mut self.release
            }
        }
    };
}

tree_struct!(ArrowSchema);
tree_struct!(ArrowArray);

/// A block that structs of one exported tree point into. Counts those that are not released.
pub(super) trait Block {
    fn live(&self) -> &AtomicUsize;

    /// Gives the block back, and drops what it keeps alive.
    ///
    /// # Safety
    ///
    /// No struct of the block is left, and this is the first call.
    unsafe fn free(block: NonNull<Self>);
}

/// What the `release` callback of every exported struct does: releases what is still there of its subtree, and frees the block with the last struct.
///
/// Structs that are still in the block are ended together, so that one count is enough for all of them; a child that was moved away counts for itself.
///
/// # Safety
///
/// `place` is a struct that was exported, not released, whose `private_data` is a `B` that counts it.
#[inline(always)]
pub(super) unsafe fn release_tree<T: TreeStruct, B: Block>(place: *mut T) {
    // SAFETY: the caller's promise: the members of a live struct are as they were exported.
    let this = unsafe { &mut *place };
    let Some(block) = NonNull::new(this.private_data().cast::<B>()) else {
        return;
    };
    let (count, children) = this.children();
    let below = count != 0 || !this.dictionary().is_null();
    // Written before the block, in which the struct may lie, can go.
    let release = this.release().take();
    let mut ended = 1;
    if below && let Some(release) = release {
        // SAFETY: the caller's promise.
        ended += unsafe { end_below((count, children), this.dictionary(), (release, block.as_ptr().cast())) };
    }
    // SAFETY: the caller's promise: this struct was live until now.
    let live = unsafe { block.as_ref() }.live();
    // Acquire: if these are all, what others did before they released theirs has happened; and nobody is left to release another meanwhile.
    if live.load(Ordering::Acquire) == ended || live.fetch_sub(ended, Ordering::AcqRel) == ended {
        // SAFETY: the caller's promise: these were the last.
        unsafe { B::free(block) };
    }
}

/// A struct's callback, and the block it belongs to: what tells the structs of a tree from others.
type Tree<T> = (unsafe extern "C" fn(*mut T), *mut c_void);

/// Ends the structs below another one, and says how many. Those of another tree, which a consumer has put there, are released as theirs say.
///
/// # Safety
///
/// As [`release_tree`], for the struct whose children and dictionary these are.
unsafe fn end_below<T: TreeStruct>((count, children): (i64, *mut *mut T), dictionary: *mut T, tree: Tree<T>) -> usize {
    let mut ended = 0;
    for k in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the list has as many entries.
        let child = unsafe { children.wrapping_add(k).read() };
        // SAFETY: a struct of the same tree.
        ended += unsafe { end_place(child, tree) };
    }
    // SAFETY: a struct of the same tree, or NULL.
    ended + unsafe { end_place(dictionary, tree) }
}

/// # Safety
///
/// As [`release_tree`], but `place` may be NULL, or released, or of another tree.
unsafe fn end_place<T: TreeStruct>(place: *mut T, tree: Tree<T>) -> usize {
    if place.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise. A child that was moved away is marked as released.
    let this = unsafe { &mut *place };
    let Some(release) = *this.release() else {
        return 0;
    };
    if this.private_data() != tree.1 || !std::ptr::fn_addr_eq(release, tree.0) {
        // SAFETY: as above.
        unsafe { release(place) };
        return 0;
    }
    *this.release() = None;
    let (children, dictionary) = (this.children(), this.dictionary());
    // SAFETY: the caller's promise.
    1 + unsafe { end_below(children, dictionary, tree) }
}

/// Drops what must not unwind into C. What was thrown can throw when it is dropped; there is nobody to tell any more.
pub(super) fn drop_quietly<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(catch_unwind(AssertUnwindSafe(|| drop(panic))));
    }
}

impl ArrowArray {
    /// `length`: rows.
    #[must_use]
    pub const fn length(&self) -> i64 {
        self.length
    }

    /// `offset`: rows in the buffers before the first one.
    #[must_use]
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// `null_count`; -1 where the producer has not counted.
    #[must_use]
    pub const fn null_count(&self) -> i64 {
        self.null_count
    }
}

impl fmt::Debug for ArrowSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowSchema")
            .field("flags", &self.flags)
            .field("n_children", &self.n_children)
            .field("released", &self.is_released())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ArrowArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowArray")
            .field("length", &self.length)
            .field("null_count", &self.null_count)
            .field("offset", &self.offset)
            .field("n_buffers", &self.n_buffers)
            .field("n_children", &self.n_children)
            .field("released", &self.is_released())
            .finish_non_exhaustive()
    }
}

/// The struct behind entry `index` of a list of `count`, or behind a single pointer.
///
/// # Errors
///
/// [`CDataFault::NullPointer`].
///
/// # Safety
///
/// *owned struct* holds for the parent, whose list `entries` is, with more than `index` entries.
pub(super) unsafe fn child<'a, T>(entries: *mut *mut T, index: usize, member: &'static str) -> Result<&'a T> {
    let fault = CDataFault::NullPointer { member };
    if entries.is_null() {
        return Err(fault.into());
    }
    // SAFETY: the caller's promise.
    let entry = unsafe { entries.wrapping_add(index).read_unaligned() };
    if entry.is_null() || !entry.is_aligned() {
        return Err(fault.into());
    }
    // SAFETY: *owned struct* of the parent covers its children.
    Ok(unsafe { &*entry })
}
