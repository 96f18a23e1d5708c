//! Mapped files: the page cache as memory, read on demand.
//!
//! A file is an owner of memory, its arrays are views. The last view unmaps the file, which cannot be closed under a live one. A view knows
//! which file it is of ([`StridedView::file`](crate::StridedView::file)), also after a detour through Arrow or DLPack: memory that is alive and lies in a
//! live map is of that map.
//!
//! Every map is `unsafe` to make, private ones too: who shortens the file takes pages away from under any of them, and touching those is a signal. Whoever
//! cannot vouch for a file reads it ([`read_file`](super::read_file) and the `read` of each format).
//!
//! # Safety
//!
//! The callers of the functions that map promise that nobody shortens the file, and who writes it: *initialised* and, as the mode says, *frozen*
//! or *exclusive* of [`Buffer`] follow from that. *alive* holds because the buffer owns the mapping.
#![allow(unsafe_code)]

mod file;
mod live;

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;

pub use file::{MappedFile, Mode};

use crate::buffer::Buffer;
use crate::error::Result;
use crate::memory::{Access, Device, OwnerKind};

/// Maps a whole file, read-only. Its pages are read when they are touched; an empty file works.
///
/// The last view of the memory unmaps it. The file itself may be deleted or replaced by another meanwhile.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io).
///
/// # Safety
///
/// As long as the buffer or a view of it lives, nobody writes the file or makes it shorter, in this process or another one. A write
/// would change bytes that safe references see; a read beyond the end of a shortened file raises a signal.
pub unsafe fn map_file(path: impl AsRef<Path>) -> Result<Buffer<'static>> {
    let path = path.as_ref();
    let file = File::open(path)?;
    let len = super::in_memory(file.metadata()?.len())?;
    let mapped = MappedFile::new(&file, path, Mode::Read, 0, len)?;
    // SAFETY: the caller's promise is the one asked for.
    Ok(unsafe { shared(mapped) })
}

/// The mapping as memory that many views share.
///
/// # Safety
///
/// As long as the buffer lives nobody shortens the file, and others write it as the mode's access says.
pub(super) unsafe fn shared(mapped: MappedFile) -> Buffer<'static> {
    let access = match mapped.mode() {
        Mode::Read => Access::Immutable,
        Mode::ReadWrite | Mode::Create | Mode::CopyOnWrite => Access::Shared,
    };
    let (ptr, len) = extent(&mapped);
    // SAFETY: the mapping stays where it is as long as `mapped` lives; the rest is the caller's promise.
    unsafe { Buffer::from_raw_parts(ptr, len, access, Device::CPU, OwnerKind::MappedFile, mapped) }
}

/// The mapping as memory that a single view uses.
///
/// # Safety
///
/// As [`shared`]; and nobody else writes the file, or reads it through another mapping of this process, as long as the buffer lives.
pub(super) unsafe fn exclusive(mapped: MappedFile) -> Buffer<'static> {
    let (ptr, len) = extent(&mapped);
    // SAFETY: as in `shared`; and nobody else uses the bytes, by the caller's promise.
    unsafe { Buffer::from_exclusive(ptr, len, Device::CPU, OwnerKind::MappedFile, mapped) }
}

fn extent(mapped: &MappedFile) -> (NonNull<u8>, usize) {
    let ptr = NonNull::new(mapped.as_mut_ptr()).unwrap_or(NonNull::dangling());
    (ptr, mapped.len())
}
