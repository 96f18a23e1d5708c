//! `.npz` files as mapped memory.
//!
//! # Safety
//!
//! The only unsafe call passes the caller's promise on to [`map_file`].
#![allow(unsafe_code)]

use std::path::Path;

use crate::convert::Converted;
use crate::error::Result;
use crate::files::NamedView;
use crate::files::mmap::map_file;

/// Maps an archive: [`parse`](super::parse) over the file's pages.
///
/// NumPy puts arrays at any byte, so that they may be misaligned; [`write`](super::write()) aligns them.
///
/// # Errors
///
/// As [`read`](super::read).
///
/// # Safety
///
/// As [`map_file`]: nobody writes the file or makes it shorter as long as one of the views lives.
pub unsafe fn map(path: impl AsRef<Path>) -> Result<Converted<Vec<NamedView<'static>>>> {
    // SAFETY: the caller's promise is the one asked for.
    let buffer = unsafe { map_file(path) }?;
    super::parse(buffer)
}
