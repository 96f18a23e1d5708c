//! safetensors files as mapped memory.
//!
//! # Safety
//!
//! The only unsafe call passes the caller's promise on to [`map_file`].
#![allow(unsafe_code)]

use std::path::Path;

use super::Tensors;
use crate::error::Result;
use crate::files::mmap::map_file;

/// Maps a file. Nothing is copied; pages are read when they are touched.
///
/// # Errors
///
/// As [`parse`](super::parse); [`Error::Io`](crate::Error::Io).
///
/// # Safety
///
/// As [`map_file`]: nobody writes the file or makes it shorter as long as one of the views lives.
pub unsafe fn map(path: impl AsRef<Path>) -> Result<Tensors<'static>> {
    // SAFETY: the caller's promise is the one asked for.
    let buffer = unsafe { map_file(path) }?;
    super::parse(buffer)
}
