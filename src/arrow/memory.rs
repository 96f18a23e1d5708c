//! Arrow's buffers and ours: each keeps the other alive.
//!
//! # Safety
//!
//! Into Arrow the calls rely on *alive*, *initialised* and *frozen* of [`Buffer`], and on *in bounds* of the view that named the bytes. Out of
//! Arrow they rely on *shared is frozen*: the bytes that `arrow_buffer::Buffer::as_slice` lends stay where they are, initialised and unwritten,
//! as long as any clone of that buffer lives (Arrow hands out write access only to the last one).
//!
//! Fresh memory, and the caller's, is written in full before it is read: the callers of [`fresh`], [`Place::filled`] and [`written`] say by whom.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer as ArrowBuffer;

use crate::allocation::Allocation;
use crate::buffer::Buffer;
use crate::convert::{Alignment, CopyPolicy, Plan, Requirements};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;

/// The bytes of an Arrow buffer, kept alive by it. Never copies.
pub(super) fn from_arrow(buffer: &ArrowBuffer) -> Buffer<'static> {
    let bytes = NonNull::from(buffer.as_slice());
    // Arrow does not know the capacity of memory that is not its own, and says 0.
    let spare = buffer.capacity().saturating_sub(buffer.len());
    let owner = buffer.clone();
    let (access, kind) = (Access::Immutable, OwnerKind::Arrow);
    // SAFETY: *shared is frozen*.
    let memory = unsafe { Buffer::from_raw_parts(bytes.cast(), bytes.len(), access, Device::CPU, kind, owner) };
    memory.with_spare(spare)
}

/// `len` bytes of a buffer from byte `start` on, as an Arrow buffer that keeps the whole alive; `None` if they are not all there, or the
/// memory is not immutable CPU memory. Never copies.
pub(crate) fn to_arrow(buffer: Buffer<'static>, start: usize, len: usize) -> Option<ArrowBuffer> {
    if len == 0 {
        // Aligned for every type, which a pointer past some end need not be.
        return Some(ArrowBuffer::default());
    }
    let inside = start.checked_add(len).is_some_and(|end| end <= buffer.len());
    if !inside || buffer.access() != Access::Immutable || !buffer.device().is_cpu_readable() {
        return None;
    }
    let first = NonNull::new(buffer.as_mut_ptr().wrapping_add(start))?;
    // The owner is only ever dropped, so that a panic elsewhere cannot leave it half-changed.
    let owner = Arc::new(AssertUnwindSafe(buffer));
    // SAFETY: *alive*, *initialised*, *frozen*; inside as checked.
    Some(unsafe { ArrowBuffer::from_custom_allocation(first, len, owner) })
}

/// The items of a view that is a buffer as it lies ([`super::BUFFER`]), as an Arrow buffer that keeps their memory alive. `None` decides nothing.
#[inline(always)]
pub(super) fn of_plain(view: &StridedView<'_>, policy: CopyPolicy) -> Option<ArrowBuffer> {
    // Of a power of two, or the plan has the word.
    let itemsize = view.layout().itemsize();
    let aligned = itemsize.is_power_of_two() && view.data_ptr().addr() & (itemsize - 1) == 0;
    if !aligned || view.is_empty() || !Plan::is_plain(view, &PLAIN, policy) {
        return None;
    }
    let first = NonNull::new(view.data_ptr().cast_mut())?;
    // A claim is only ever dropped, so that a panic elsewhere cannot leave it half-changed.
    let owner = Arc::new(AssertUnwindSafe(view.buffer().claim()?));
    // SAFETY: *alive*, *initialised*, *frozen*; *in bounds* of a row-major view whose items are whole bytes.
    Some(unsafe { ArrowBuffer::from_custom_allocation(first, view.nbytes(), owner) })
}

/// What is left to ask where the address was looked at.
const PLAIN: Requirements = super::BUFFER.alignment(Alignment::Any).dtypes(|_| true);

/// Memory of so many bytes, all of which `write` writes, unless it fails.
pub(super) fn try_fresh(
    len: usize,
    write: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<()>,
) -> Result<Buffer<'static>> {
    let mut memory = Allocation::uninit(len, 1)?;
    write(memory.as_uninit())?;
    // SAFETY: `write` has written every byte.
    Ok(unsafe { memory.into_buffer() })
}

/// Where bytes that are made go: fresh memory, or the caller's, which may be uninitialised.
pub(super) enum Place<'m> {
    Fresh,
    Into(&'m mut [MaybeUninit<u8>]),
}

impl<'m> Place<'m> {
    /// So many bytes, all of which `write` writes, unless it fails.
    ///
    /// # Errors
    ///
    /// Those of `write`; [`Error::OutOfMemory`], [`Error::TooShort`].
    pub(super) fn filled(
        self,
        len: usize,
        write: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<()>,
    ) -> Result<Buffer<'m>> {
        match self {
            Self::Fresh => try_fresh(len, write),
            Self::Into(memory) => Ok(Buffer::from_slice::<u8>(written(memory, len, write)?)),
        }
    }
}

/// The first `len` items of the caller's memory, all bytes of which `write` writes, unless it fails.
///
/// # Errors
///
/// Those of `write`; [`Error::TooShort`].
pub(super) fn written<T: Element>(
    memory: &mut [MaybeUninit<T>],
    len: usize,
    write: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<()>,
) -> Result<&mut [T]> {
    let (expected, found) = (len.saturating_mul(size_of::<T>()), size_of_val(memory));
    let items = memory.get_mut(..len).ok_or(Error::TooShort { expected, found })?;
    let first = items.as_mut_ptr();
    // SAFETY: the same memory, borrowed mutably; its bytes need not be initialised.
    write(unsafe { std::slice::from_raw_parts_mut(first.cast(), expected) })?;
    // SAFETY: `write` has written every byte, and what it writes are items of `T`.
    Ok(unsafe { std::slice::from_raw_parts_mut(first.cast(), len) })
}

/// Memory of so many bytes, all of which `write` writes.
pub(super) fn fresh(len: usize, write: impl FnOnce(&mut [MaybeUninit<u8>])) -> Result<Buffer<'static>> {
    try_fresh(len, |memory| {
        write(memory);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_counts_as_pinned() {
        let mut items = Vec::with_capacity(1000);
        items.extend([1_u64, 2, 3]);
        let memory = from_arrow(&ArrowBuffer::from_vec(items));
        assert_eq!((memory.len(), memory.pinned_bytes()), (24, 8000));
    }

    #[test]
    fn only_bytes_that_are_there_leave() {
        let memory = Buffer::from_vec(vec![1_u8, 2, 3]);
        assert_eq!(to_arrow(memory.clone(), 1, 2).unwrap().as_slice(), [2, 3]);
        assert!(to_arrow(memory.clone(), 2, 2).is_none());
        assert!(to_arrow(memory.clone(), usize::MAX, 2).is_none());
        assert!(to_arrow(memory, usize::MAX, 0).unwrap().is_empty());
    }
}
