//! Memory and whoever keeps it alive.
//!
//! # Safety
//!
//! Everything else in the crate relies on what a [`Buffer`] promises:
//!
//! - *alive*: `ptr..ptr + len` stays allocated as long as the buffer, or any clone of it, exists: because `owner` keeps it, or
//!   because `'a` borrows it.
//! - *initialised*: on a device that the CPU can read, all `len` bytes are initialised.
//! - *frozen*: with [`Access::Immutable`], nobody writes those bytes while the buffer or a clone exists. Exception: an exclusive
//!   view ([`StridedViewMut`](crate::StridedViewMut)) holds the only buffer, or the only mutable borrow, and writes through it.
//! - *confined*: parts of a split exclusive view hold buffers of the same memory, of which each may touch its own items only. No view is made
//!   of such a buffer but from a view of the part.
//! - *untouched owner* (see [`Claim`]): after a buffer is built, the owner is never accessed again but to be dropped.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::claim::{Claim, Facts};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::memory::{Access, Device, OwnerKind};

/// A piece of memory, its owner, and the rights to it. NumPy calls it a base.
///
/// Cheap to clone: the owner is reference-counted. A buffer over borrowed memory has no owner; its lifetime keeps it from
/// outliving the borrow.
///
/// ```
/// use viewbridge::{Access, Buffer, OwnerKind};
///
/// let mut items = Vec::with_capacity(100);
/// items.extend([1_u16, 2, 3]);
/// let memory = Buffer::from_vec(items);
/// assert_eq!(memory.len(), 6); // bytes
/// assert!(memory.pinned_bytes() >= 200); // the spare capacity stays allocated too
/// assert_eq!((memory.owner_kind(), memory.access()), (OwnerKind::Heap, Access::Immutable));
/// ```
#[doc(alias = "base")]
#[derive(Clone)]
pub struct Buffer<'a> {
    ptr: NonNull<u8>,
    len: usize,
    owner: Option<Claim>,
    device: Device,
    access: Access,
    /// *confined*.
    confined: bool,
    borrow: PhantomData<&'a [u8]>,
}

// SAFETY: the pointer is used only as *alive* and *frozen* (or the contract of a foreign owner) allow, from any thread; the owner
// is `Send`, and shared only as argued above.
unsafe impl Send for Buffer<'_> {}
// SAFETY: as for `Send`; a shared buffer gives out copies of its pointer and nothing else.
unsafe impl Sync for Buffer<'_> {}

impl<'a> Buffer<'a> {
    /// Borrowed memory. Allocates nothing.
    #[must_use]
    pub fn from_slice<T: Element>(items: &'a [T]) -> Self {
        Self::borrowed(NonNull::from(items).cast(), size_of_val(items))
    }

    /// Mutably borrowed memory. The caller makes the only view of it an exclusive one.
    pub(crate) fn from_slice_mut<T: Element>(items: &'a mut [T]) -> Self {
        let len = size_of_val(items);
        Self::borrowed(NonNull::from(items).cast(), len)
    }

    #[inline]
    fn borrowed(ptr: NonNull<u8>, len: usize) -> Self {
        Self {
            ptr,
            len,
            owner: None,
            device: Device::CPU,
            access: Access::Immutable,
            confined: false,
            borrow: PhantomData,
        }
    }

    /// Memory behind a raw pointer that something else keeps alive for `'a`. Allocates nothing.
    ///
    /// # Safety
    ///
    /// As [`Buffer::from_raw_parts`], for the lifetime `'a` instead of the owner's.
    #[must_use]
    #[inline]
    pub unsafe fn from_raw_borrowed(ptr: NonNull<u8>, len: usize, access: Access, device: Device) -> Self {
        Self::borrowed(ptr, len).with_place(access, device)
    }

    /// The same memory, for as long as `self` is borrowed.
    #[inline]
    pub(crate) fn reborrow(&self) -> Buffer<'_> {
        Buffer {
            confined: self.confined,
            ..Self::borrowed(self.ptr, self.len).with_place(self.access, self.device)
        }
    }

    /// The same memory as one of the parts of a split view sees it: *confined*.
    pub(crate) fn into_confined(self) -> Self {
        let confined = true;
        Self { confined, ..self }
    }

    /// Whether a layout that was not made from one of a view of this memory may be seen through: it stays inside, and nobody else writes there
    /// (*confined*).
    pub(crate) fn check_reach(&self, layout: &Layout) -> Result<()> {
        layout.check_within(self.len)?;
        let owner = self.owner_kind();
        if self.confined {
            Err(Error::Confined { owner })
        } else {
            Ok(())
        }
    }

    #[inline]
    const fn with_place(mut self, access: Access, device: Device) -> Self {
        self.access = access;
        self.device = device;
        self
    }

    /// The same memory with no more rights than `access` leaves ([`Access::read_only`]).
    pub(crate) fn into_read_only(self) -> Self {
        let access = self.access.read_only();
        Self { access, ..self }
    }

    /// The same memory, for everybody to write. Only an exclusive view may call this: no other claim to the memory relies on *frozen*.
    pub(crate) fn into_shared(self) -> Self {
        let access = Access::Shared;
        Self { access, ..self }
    }

    /// The same memory as a promise that nobody writes it.
    ///
    /// # Safety
    ///
    /// *frozen* must hold from here on.
    pub(crate) unsafe fn into_immutable(self) -> Self {
        Self {
            access: Access::Immutable,
            ..self
        }
    }

    /// The owner's claim as one that lives for ever, or `None` if the memory is borrowed.
    #[inline]
    pub(crate) fn into_static(self) -> Option<Buffer<'static>> {
        // *alive* holds by the owner, whatever the lifetime.
        let owner = Some(self.owner?);
        Some(Buffer {
            owner,
            confined: self.confined,
            ..Buffer::borrowed(self.ptr, self.len).with_place(self.access, self.device)
        })
    }

    /// A share of the owner, or `None` if the memory is borrowed.
    #[cfg(any(feature = "arrow", feature = "dlpack"))]
    #[inline]
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.owner.clone()
    }

    /// Address of the first byte.
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// Address of the first byte, for writing where the rights allow it.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Bytes that a view may reach.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Who may write the memory.
    #[must_use]
    #[inline]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Where the memory is.
    #[must_use]
    #[inline]
    pub fn device(&self) -> Device {
        self.device
    }

    /// What keeps the memory alive.
    #[must_use]
    #[inline]
    pub fn owner_kind(&self) -> OwnerKind {
        self.owner
            .as_ref()
            .map_or(OwnerKind::Borrowed, |owner| owner.facts().kind)
    }

    /// Whether an owner keeps the memory alive, rather than a borrow.
    #[inline]
    pub(crate) fn is_owned(&self) -> bool {
        self.owner.is_some()
    }

    /// Bytes that stay allocated because of this buffer; 0 if it is borrowed.
    #[must_use]
    pub fn pinned_bytes(&self) -> usize {
        self.owner.as_ref().map_or(0, |owner| self.len + owner.facts().spare)
    }

    /// Whether the two keep the same owner alive (borrowed memory: begin at the same address).
    #[must_use]
    pub fn same_owner(&self, other: &Buffer<'_>) -> bool {
        match (&self.owner, &other.owner) {
            (Some(a), Some(b)) => a.is_same(b),
            (None, None) => self.ptr == other.ptr,
            _ => false,
        }
    }

    /// Whether this is the last claim to memory that its last owner may write. If so, no other part is left that could confine it.
    pub(crate) fn is_reclaimable(&mut self) -> bool {
        let last = self.access == Access::Immutable
            && self
                .owner
                .as_mut()
                .is_some_and(|owner| owner.facts().reclaimable && owner.is_only());
        self.confined &= !last;
        last
    }
}

impl Buffer<'static> {
    /// Takes a `Vec` over, its spare capacity included. One small allocation for the reference count; the items stay where they are.
    #[must_use]
    pub fn from_vec<T: Element>(mut items: Vec<T>) -> Self {
        // Taken mutably, so that the last owner may write through it.
        let ptr = NonNull::from(items.as_mut_slice()).cast();
        let len = size_of_val(items.as_slice());
        let facts = Facts {
            kind: OwnerKind::Heap,
            spare: items.capacity() * size_of::<T>() - len,
            reclaimable: true,
        };
        Self::owned(ptr, len, facts, items)
    }

    /// Takes any owner of items over, for as long as a view of them lives.
    ///
    /// `as_ref` is called once, after the owner has reached the place where it stays. The owner may be dropped on any thread.
    #[must_use]
    pub fn from_owner<T: Element, O: AsRef<[T]> + Send + 'static>(owner: O) -> Self {
        let facts = Facts {
            kind: OwnerKind::Heap,
            spare: 0,
            reclaimable: false,
        };
        // *frozen*: the shared borrow that `as_ref` takes never ends, as the owner is not touched again.
        let (claim, (ptr, len)) = Claim::new(facts, owner, |owner| {
            let items = owner.as_ref();
            (NonNull::from(items).cast(), size_of_val(items))
        });
        Self {
            owner: Some(claim),
            ..Self::borrowed(ptr, len)
        }
    }

    /// Memory behind a raw pointer, kept alive by `owner`.
    ///
    /// `len` is in bytes. `owner` is dropped, on whichever thread, when the last view of the memory is gone: exactly once.
    ///
    /// # Safety
    ///
    /// As long as `owner` lives, `ptr..ptr + len` is allocated and, if the CPU can read `device`, initialised and readable. It is
    /// written by others only as `access` says, never during a call that reads it, and with [`Access::Immutable`] not at all.
    #[inline]
    pub unsafe fn from_raw_parts<O: Send + 'static>(
        ptr: NonNull<u8>,
        len: usize,
        access: Access,
        device: Device,
        kind: OwnerKind,
        owner: O,
    ) -> Self {
        let facts = Facts {
            kind,
            spare: 0,
            reclaimable: false,
        };
        Self::owned(ptr, len, facts, owner).with_place(access, device)
    }

    /// The same memory, of which the owner keeps `spare` bytes more allocated than the buffer shows. Only for a buffer just made.
    #[cfg(feature = "arrow")]
    pub(crate) fn with_spare(mut self, spare: usize) -> Self {
        if let Some(facts) = self.owner.as_mut().and_then(Claim::facts_mut) {
            facts.spare = spare;
        }
        self
    }

    /// Memory of our own that nobody else knows, of `len` initialised bytes.
    ///
    /// # Safety
    ///
    /// `owner` owns `ptr..ptr + len` alone, and those bytes are initialised.
    pub(crate) unsafe fn from_unique<O: Send + 'static>(ptr: NonNull<u8>, len: usize, owner: O) -> Self {
        // SAFETY: the caller's contract, and the CPU reads its own memory.
        unsafe { Self::from_exclusive(ptr, len, Device::CPU, OwnerKind::Heap, owner) }
    }

    /// Memory behind a raw pointer that nobody else uses as long as `owner` lives: the last claim to it may write.
    ///
    /// # Safety
    ///
    /// As [`Buffer::from_raw_parts`] with [`Access::Immutable`]; and nobody else reads `ptr..ptr + len`.
    pub(crate) unsafe fn from_exclusive<O: Send + 'static>(
        ptr: NonNull<u8>,
        len: usize,
        device: Device,
        kind: OwnerKind,
        owner: O,
    ) -> Self {
        let facts = Facts {
            kind,
            spare: 0,
            reclaimable: true,
        };
        Self::owned(ptr, len, facts, owner).with_place(Access::Immutable, device)
    }

    #[inline]
    fn owned<O: Send + 'static>(ptr: NonNull<u8>, len: usize, facts: Facts, owner: O) -> Self {
        let (claim, ()) = Claim::new(facts, owner, |_| ());
        Self {
            owner: Some(claim),
            ..Self::borrowed(ptr, len)
        }
    }
}

impl fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("ptr", &self.ptr)
            .field("len", &self.len)
            .field("access", &self.access)
            .field("device", &self.device)
            .field("owner", &self.owner_kind())
            .finish()
    }
}
