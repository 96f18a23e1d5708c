//! Mapped files: the page cache as memory, read on demand.
//!
//! # Safety
//!
//! The caller of [`map_file`] promises that nobody writes or shortens the file: *frozen* and *initialised* of
//! [`Buffer`] follow from that. *alive* holds because the buffer owns the mapping.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;

use memmap2::Mmap;

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
    let file = File::open(path)?;
    // SAFETY: the caller promises what memmap2 asks for.
    let map = unsafe { Mmap::map(&file) }?;
    let bytes: &[u8] = &map;
    let (ptr, len) = (NonNull::from(bytes).cast(), bytes.len());
    let (access, device) = (Access::Immutable, Device::CPU);
    // SAFETY: the mapping stays where it is as long as `map` lives, and nobody writes it, by the caller's promise.
    Ok(unsafe { Buffer::from_raw_parts(ptr, len, access, device, OwnerKind::MappedFile, map) })
}
