//! The mapping itself: which part of which file, and how it gets back to the disk.
//!
//! # Safety
//!
//! *address alone*: a [`MappedFile`] gives out the address and the length of its mapping and never forms a reference into it, so that mapping is
//! sound whatever becomes of the file. Who follows the address relies on the promise made to the functions that map.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};

use super::live;
use crate::buffer::Buffer;
use crate::error::{RawFault, Result};
use crate::files::wide;
use crate::layout::Layout;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// What a mapped file may be used for: the modes of NumPy's `memmap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `r`: reading.
    Read,
    /// `r+`: reading and writing an existing file.
    ReadWrite,
    /// `w+`: reading and writing a new file, or one that is emptied first.
    Create,
    /// `c`: reading and writing, but what is written stays in memory.
    CopyOnWrite,
}

impl Mode {
    /// Whether writes reach the file.
    #[must_use]
    pub const fn writes_file(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Create)
    }
}

/// NumPy's names.
impl std::str::FromStr for Mode {
    type Err = RawFault;

    fn from_str(name: &str) -> Result<Self, RawFault> {
        match name {
            "r" | "readonly" => Ok(Self::Read),
            "r+" | "readwrite" => Ok(Self::ReadWrite),
            "w+" | "write" => Ok(Self::Create),
            "c" | "copyonwrite" => Ok(Self::CopyOnWrite),
            _ => Err(RawFault::Mode { found: name.into() }),
        }
    }
}

/// A part of a file as memory. Every view of the memory knows it: [`StridedView::file`].
///
/// Cheap to clone. A clone keeps the file mapped, too.
#[derive(Debug, Clone)]
pub struct MappedFile(Arc<Mapping>);

#[derive(Debug)]
pub(super) struct Mapping {
    map: MmapRaw,
    path: PathBuf,
    mode: Mode,
    /// Where the mapping begins, in bytes from the start of the file.
    start: u64,
}

impl Mapping {
    /// The addresses that are mapped: at least one, because an empty mapping has a place, too.
    pub(super) fn addresses(&self) -> Range<usize> {
        let start = self.map.as_ptr().addr();
        start..start + self.map.len().max(1)
    }
}

/// Before the addresses can become somebody else's.
impl Drop for Mapping {
    fn drop(&mut self) {
        live::forget(self);
    }
}

impl MappedFile {
    /// Maps `len` bytes from byte `start` on. The mapping gives out its address and nothing else, which is safe whatever becomes of the file.
    pub(in crate::files) fn new(file: &File, path: &Path, mode: Mode, start: u64, len: usize) -> Result<Self> {
        let mut options = MmapOptions::new();
        // Pages and their granularity are the library's business: any start will do.
        options.offset(start).len(len);
        let map = match mode {
            Mode::Read => options.map_raw_read_only(file)?,
            Mode::ReadWrite | Mode::Create => options.map_raw(file)?,
            Mode::CopyOnWrite => map_copy(&options, file)?,
        };
        // Relative names mean another file after a change of the working directory.
        let path = std::path::absolute(path)?;
        let mapping = Arc::new(Mapping { map, path, mode, start });
        live::note(&mapping);
        Ok(Self(mapping))
    }

    /// The mapped file that bytes in memory are a part of, if they are; of no bytes, where their address is.
    ///
    /// For memory that other libraries have a share of, such as the buffers of Arrow arrays. O(log of the maps that are open).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        live::at(bytes.as_ptr().addr()).map(Self)
    }

    /// Which bytes of the file some bytes in memory are, if they are all of this mapping.
    #[must_use]
    pub fn range_of(&self, bytes: &[u8]) -> Option<Range<u64>> {
        let start = bytes.as_ptr().addr().checked_sub(self.0.map.as_ptr().addr())?;
        let end = start.checked_add(bytes.len())?;
        (end <= self.len()).then(|| self.0.start + wide(start)..self.0.start + wide(end))
    }

    pub(super) fn as_mut_ptr(&self) -> *mut u8 {
        self.0.map.as_mut_ptr()
    }

    /// The name under which the file was opened, made absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What it was mapped for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// Bytes mapped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.map.len()
    }

    /// Whether no byte is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which bytes of the file are mapped.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.0.start..self.0.start + wide(self.len())
    }

    /// Waits until everything that was written is on the disk. Nothing to do in modes that do not write the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io): a full disk, say.
    pub fn flush(&self) -> Result<()> {
        self.flush_range(self.range())
    }

    /// As [`flush`](Self::flush), for some bytes of the file; those that are not mapped do not count.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_range(&self, bytes: Range<u64>) -> Result<()> {
        let mapped = self.range();
        let (start, end) = (bytes.start.max(mapped.start), bytes.end.min(mapped.end));
        if start >= end || !self.0.mode.writes_file() {
            return Ok(());
        }
        let in_memory = crate::files::in_memory;
        self.0
            .map
            .flush_range(in_memory(start - mapped.start)?, in_memory(end - start)?)?;
        Ok(())
    }
}

/// A private mapping.
#[allow(unsafe_code)]
fn map_copy(options: &MmapOptions, file: &File) -> Result<MmapRaw> {
    // SAFETY: *address alone*: the map is turned into one that gives out no more.
    Ok(unsafe { options.map_copy(file) }?.into())
}

/// The mapped file that memory is a part of.
fn file(buffer: &Buffer<'_>) -> Option<MappedFile> {
    // Elsewhere the same number means another place.
    let here = buffer.device().is_cpu_readable();
    here.then(|| live::at(buffer.as_ptr().addr()))?.map(MappedFile)
}

/// The bytes of a file that items in its memory span.
fn span(file: &MappedFile, buffer: &Buffer<'_>, layout: &Layout) -> Option<Range<u64>> {
    let first = buffer.as_ptr().addr().checked_sub(file.0.map.as_ptr().addr())?;
    let start = file.range().start + wide(first);
    let span = layout.byte_span();
    (!span.is_empty()).then(|| start + wide(span.start)..start + wide(span.end))
}

fn flush(buffer: &Buffer<'_>, layout: &Layout) -> Result<()> {
    let owner = buffer.owner_kind();
    let file = file(buffer).ok_or(RawFault::NotMapped { owner })?;
    span(&file, buffer, layout).map_or(Ok(()), |range| file.flush_range(range))
}

/// Files behind views.
impl StridedView<'_> {
    /// The file that the memory is a part of, if it is mapped by this crate: whoever has a share of the memory by now, Arrow or a DLPack tensor.
    #[must_use]
    #[doc(alias = "filename")]
    pub fn file(&self) -> Option<MappedFile> {
        file(self.buffer())
    }

    /// The bytes of the file that the items span, gaps included; `None` if there is no file or there are no items.
    #[must_use]
    pub fn file_range(&self) -> Option<Range<u64>> {
        span(&self.file()?, self.buffer(), self.layout())
    }

    /// Waits until what was written to the items is on the disk, and whatever lies between them (NumPy's `memmap.flush`).
    ///
    /// # Errors
    ///
    /// [`RawFault::NotMapped`] for other memory; [`Error::Io`](crate::Error::Io).
    pub fn flush(&self) -> Result<()> {
        flush(self.buffer(), self.layout())
    }
}

/// Files behind exclusive views.
impl StridedViewMut<'_> {
    /// As [`StridedView::file`].
    #[must_use]
    pub fn file(&self) -> Option<MappedFile> {
        file(self.buffer())
    }

    /// As [`StridedView::flush`].
    ///
    /// # Errors
    ///
    /// As [`StridedView::flush`].
    pub fn flush(&self) -> Result<()> {
        flush(self.buffer(), self.layout())
    }
}
