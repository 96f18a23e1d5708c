//! `.npy` files as mapped memory.
//!
//! # Safety
//!
//! The unsafe calls pass the caller's promise on to the mapping.
#![allow(unsafe_code)]

use std::io::Write;
use std::path::Path;

use super::{Header, check_data, read_header};
use crate::error::{RawFault, Result};
use crate::files::mmap::{Mode, map_file};
use crate::files::raw::{self, RawArray};
use crate::files::wide;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Maps a `.npy` file. Nothing is copied; pages are read when they are touched.
///
/// # Errors
///
/// As [`parse`](super::parse); [`Error::Io`](crate::Error::Io).
///
/// # Safety
///
/// As [`map_file`]: nobody writes the file or makes it shorter as long as the view, or another one of its memory, lives.
pub unsafe fn map(path: impl AsRef<Path>) -> Result<StridedView<'static>> {
    // SAFETY: the caller's promise is the one asked for.
    let buffer = unsafe { map_file(path) }?;
    super::parse(buffer)
}

/// Maps the items of a `.npy` file for writing: those of the file ([`Mode::ReadWrite`]), or private ones that begin as the file's
/// ([`Mode::CopyOnWrite`]), as NumPy's `open_memmap` does. The header stays as it is.
///
/// What is written is on the disk after [`StridedViewMut::flush`] at the latest.
///
/// # Errors
///
/// As [`read`](super::read), but for memory; [`RawFault::ReadOnlyMode`] for [`Mode::Read`], and [`RawFault::ShapeMissing`] for [`Mode::Create`], which
/// [`create`] is there for.
///
/// # Safety
///
/// As [`raw::map_mut`]: as long as the view, or one made of it, lives, nobody makes the file shorter, and nobody else writes it; nor, in mode
/// [`Mode::ReadWrite`], reads it in this process.
pub unsafe fn map_mut(path: impl AsRef<Path>, mode: Mode) -> Result<StridedViewMut<'static>> {
    match mode {
        Mode::Read => return Err(RawFault::ReadOnlyMode.into()),
        Mode::Create => return Err(RawFault::ShapeMissing.into()),
        Mode::ReadWrite | Mode::CopyOnWrite => {}
    }
    let path = path.as_ref();
    // Opened once: what is mapped is what the header was read of, whatever the name means by then.
    let file = raw::open(path, mode)?;
    let mut reader = file.as_ref().ok_or(RawFault::ShapeMissing)?;
    let available = reader.metadata()?.len();
    let (header, offset) = Header::parse(&read_header(&mut reader, available)?)?;
    // Files that are too short are broken, and not to be extended as those without a header are.
    check_data(&header.layout()?, offset, available)?;
    // SAFETY: the caller's promise is the one asked for.
    unsafe { raw::map_opened(&mut { file }, path, mode, &items(header, offset)) }
}

/// Makes a `.npy` file of zeros, or overwrites one, and maps its items for writing (NumPy's `open_memmap` in mode `w+`).
///
/// For arrays that are larger than memory, or come into being piece by piece. The zeros take no room on most file systems until they are written over.
///
/// ```
/// use viewbridge::files::npy::{self, Header};
/// use viewbridge::{DType, Order};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("squares.npy");
/// let header = Header { dtype: DType::I64, logical: None, order: Order::C, shape: vec![4] };
/// // SAFETY: nobody else knows the file.
/// let mut squares = unsafe { npy::create(&path, &header) }?;
/// for (item, k) in squares.typed_mut::<i64>()?.iter_mut().zip(0..) {
///     *item = k * k;
/// }
/// squares.flush()?;
/// drop(squares);
/// assert_eq!(npy::read(&path)?.value.to_vec::<i64>()?, [0, 1, 4, 9]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
///
/// # Errors
///
/// As [`Header::encode`]; [`Error::Layout`](crate::Error::Layout) for shapes beyond the address space; [`Error::Io`](crate::Error::Io). An existing file is left as
/// it was by all but the last.
///
/// # Safety
///
/// As [`map_mut`]; and the file is not mapped already, because it is emptied first.
pub unsafe fn create(path: impl AsRef<Path>, header: &Header) -> Result<StridedViewMut<'static>> {
    let (path, bytes) = (path.as_ref(), header.encode()?);
    let items = items(header.clone(), bytes.len());
    let mut file = raw::open(path, Mode::Create)?;
    // SAFETY: the caller's promise is the one asked for. The header, which is written afterwards, lies in front of the mapped part.
    let view = unsafe { raw::map_opened(&mut file, path, Mode::Create, &items) }?;
    if let Some(mut file) = file {
        file.write_all(&bytes)?;
    }
    Ok(view)
}

/// The items of a file, `offset` bytes behind its start.
fn items(header: Header, offset: usize) -> RawArray {
    let items = RawArray::new(header.dtype)
        .shape(&header.shape)
        .order(header.order)
        .offset(wide(offset));
    match header.logical {
        Some(logical) => items.logical(logical),
        None => items,
    }
}
