//! Files as owners of memory.
//!
//! [`read_file`] and [`npy::read`] bring bytes into memory of our own: a file that changes or shrinks meanwhile is an error at worst.
//! `mmap::map_file` and `npy::map` share the file's pages instead, which the caller has to vouch for: they are `unsafe`.
//!
//! What a file holds is known without either: `describe` of each format reads its headers and no item, and says of every array how it lies and what
//! opening it would cost ([`Listed`]). It takes any reader that can seek, so that a few requests do for a file far away.

#[cfg(feature = "arrow")]
pub mod ipc;
mod listed;
#[cfg(feature = "mmap")]
pub mod mmap;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
pub mod raw;
mod read;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(any(feature = "npz", feature = "safetensors"))]
mod series;

use std::fs::File;
use std::path::Path;

pub use listed::{Listed, Opening, Stored};

use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::view::StridedView;

/// One of the arrays of a file that holds several.
#[derive(Debug, Clone)]
pub struct NamedView<'a> {
    /// Its name.
    pub name: String,
    /// The array.
    pub view: StridedView<'a>,
}

/// Reads a whole file into memory of its own, aligned to 64 bytes.
///
/// For regular files: the size that the file system gives is what is read. Bytes appended meanwhile are left out.
///
/// # Errors
///
/// [`Error::Io`], of kind [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) if the file shrinks meanwhile;
/// [`Error::OutOfMemory`].
pub fn read_file(path: impl AsRef<Path>) -> Result<Buffer<'static>> {
    let mut file = File::open(path)?;
    let len = in_memory(file.metadata()?.len())?;
    read::exactly(&mut file, len)
}

/// A number of bytes that has to fit in the address space.
fn in_memory(bytes: u64) -> Result<usize> {
    usize::try_from(bytes).map_err(|_| Error::OutOfMemory { bytes: usize::MAX })
}

/// A number of bytes as file sizes count them.
fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
