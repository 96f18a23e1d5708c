//! Raw files as mapped memory.
//!
//! # Safety
//!
//! The unsafe calls pass the caller's promise on to the mapping.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use super::RawArray;
#[cfg(doc)]
use crate::Access;
use crate::error::{RawFault, Result};
use crate::files::mmap::{MappedFile, Mode, exclusive, shared};
use crate::layout::Layout;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Maps items of a file without a header (NumPy's `memmap`).
///
/// | `mode` | NumPy | the file | the views |
/// |---|---|---|---|
/// | [`Mode::Read`] | `r` | must be long enough | [`Access::Immutable`] |
/// | [`Mode::ReadWrite`] | `r+` | is extended if it is too short and the shape is given | [`Access::Shared`] |
/// | [`Mode::Create`] | `w+` | is created, or emptied; the shape must be given | [`Access::Shared`] |
/// | [`Mode::CopyOnWrite`] | `c` | must be long enough, and never changes | [`Access::Shared`] |
///
/// Every byte offset will do. To write through safe code, use [`map_mut`].
///
/// # Errors
///
/// [`RawFault`]; [`Error::Layout`](crate::Error::Layout) for shapes beyond the address space and packed items;
/// [`Error::Io`](crate::Error::Io). An existing file is left as it was by all but the last.
///
/// # Safety
///
/// As long as the view, or another one of its memory, lives, nobody makes the file shorter; nobody writes the mapped part of it (in mode `r` at
/// all, in the other modes during a call that reads it), in this process or another one.
pub unsafe fn map(path: impl AsRef<Path>, mode: Mode, items: &RawArray) -> Result<StridedView<'static>> {
    let path = path.as_ref();
    let (mapped, layout) = place(&mut open(path, mode)?, path, mode, items)?;
    // SAFETY: the caller's promise is the one asked for.
    items.view(unsafe { shared(mapped) }, layout)
}

/// As [`map`], for the only one who uses the mapped part of the file.
///
/// In [`Mode::CopyOnWrite`] the file may have any number of readers, and never changes.
///
/// # Errors
///
/// As [`map`]; [`RawFault::ReadOnlyMode`] for [`Mode::Read`].
///
/// # Safety
///
/// As long as the view, or one made of it, lives, nobody makes the file shorter, and nobody else writes the mapped part of it. In modes `r+` and `w+`
/// nobody else in this process reads it, either; other processes see what was written, whenever the operating system lets them.
pub unsafe fn map_mut(path: impl AsRef<Path>, mode: Mode, items: &RawArray) -> Result<StridedViewMut<'static>> {
    let path = path.as_ref();
    if mode == Mode::Read {
        return Err(RawFault::ReadOnlyMode.into());
    }
    let mut file = open(path, mode)?;
    // SAFETY: the caller's promise is the one asked for.
    unsafe { map_opened(&mut file, path, mode, items) }
}

/// As [`map_mut`], of a file that is open for what the mode does.
///
/// # Safety
///
/// As [`map_mut`].
pub(in crate::files) unsafe fn map_opened(
    file: &mut Opened,
    path: &Path,
    mode: Mode,
    items: &RawArray,
) -> Result<StridedViewMut<'static>> {
    let (mapped, layout) = place(file, path, mode, items)?;
    // SAFETY: the caller's promise is the one asked for.
    let view = items.view(unsafe { exclusive(mapped) }, layout)?;
    view.into_mut().map_err(|(_, error)| error)
}

/// A file as its mode needs it. A file that is to be made, or emptied, is opened only when that is to happen.
pub(in crate::files) type Opened = Option<File>;

/// Opens a file for what its mode does.
pub(in crate::files) fn open(path: &Path, mode: Mode) -> Result<Opened> {
    if mode == Mode::Create {
        return Ok(None);
    }
    let mut options = File::options();
    Ok(Some(options.read(true).write(mode.writes_file()).open(path)?))
}

/// Maps the place of the items, and makes the file long enough if it may be. Nothing is done to the file before everything is checked.
fn place(file: &mut Opened, path: &Path, mode: Mode, items: &RawArray) -> Result<(MappedFile, Layout)> {
    if mode == Mode::Create && !items.has_shape() {
        return Err(RawFault::ShapeMissing.into());
    }
    // What is to be emptied counts as empty.
    let available = match file {
        Some(file) => file.metadata()?.len(),
        None => 0,
    };
    let layout = items.layout(available)?;
    let end = items.end(&layout)?;
    let grows = mode.writes_file() && items.has_shape();
    if !grows {
        items.check(&layout, available)?;
    }
    let file = match file {
        Some(file) => file,
        None => {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(true);
            file.insert(options.open(path)?)
        }
    };
    if end > available && grows {
        file.set_len(end)?;
    }
    let mapped = MappedFile::new(file, path, mode, items.start(), layout.nbytes())?;
    Ok((mapped, layout))
}
