//! NumPy's `.npz` files: zip archives of `.npy` files.
//!
//! [`read`] brings every array into memory of its own. `map` shares the file's pages where an array is stored as it is, and inflates those that are
//! compressed, which is a copy and reported. Members that are no `.npy` files are axes of bytes, as in NumPy.
//!
//! ```
//! use viewbridge::StridedView;
//! use viewbridge::files::npz::{self, Compression};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("arrays.npz");
//! let (x, y) = (StridedView::from_vec(vec![1.5_f64; 4]), StridedView::from_vec(vec![1_u8, 2, 3]));
//! npz::write(&path, &[("x", &x), ("y", &y)], Compression::Deflated)?;
//!
//! let arrays = npz::read(&path)?.value;
//! assert_eq!(arrays[1].name, "y");
//! assert_eq!(arrays[1].view.to_vec::<u8>()?, [1, 2, 3]);
//! # Ok::<(), viewbridge::Error>(())
//! ```

#[cfg(feature = "mmap")]
mod map;
mod write;

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

#[cfg(feature = "mmap")]
pub use map::map;
pub use write::{Compression, write, write_to, write_with};

use super::listed::{self, Listed, Stored};
use super::{NamedView, npy, read, wide};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::error::{Error, NpzFault, Result};
use crate::layout::Layout;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// The most bytes that one byte of a deflated stream can stand for.
const MOST_INFLATED: u64 = 1032;

/// Reads all arrays of an archive into memory aligned to 64 bytes, and checks their checksums.
///
/// # Errors
///
/// [`NpzFault`] for a broken archive, and for members that are encrypted or compressed in another way than by deflating; [`Error::Array`] around
/// what is wrong with one of the arrays: all that [`npy::read`] finds, and a checksum that is not the one noted
/// ([`Error::Io`] of kind [`InvalidData`](std::io::ErrorKind::InvalidData)). Nothing is allocated that the size of the file does not justify: a deflated
/// member is at most 1032 times smaller than its array.
pub fn read(path: impl AsRef<Path>) -> Result<Converted<Vec<NamedView<'static>>>> {
    let file = File::open(path)?;
    let available = file.metadata()?.len();
    let mut archive = open(BufReader::new(file))?;
    let (mut arrays, mut records) = (Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let Some(mut member) = Member::open(&mut archive, index, available)? else {
            continue;
        };
        let view = member.read().map_err(|error| error.of_array(&member.name))?;
        records.push(member.record(&view));
        arrays.push(member.named(view));
    }
    Ok(Converted {
        value: arrays,
        report: CopyReport::from_records(records),
    })
}

/// What an archive holds. The central directory is read, and the header of each member and its array: for those that are deflated, as much as it takes to
/// inflate that.
///
/// # Errors
///
/// As [`read`], but for the lack of memory and for what only the items tell, their checksums.
pub fn describe(mut reader: impl Read + Seek) -> Result<Vec<Listed>> {
    let available = listed::available(&mut reader)?;
    let mut archive = open(reader)?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let Some(mut member) = Member::open(&mut archive, index, available)? else {
            continue;
        };
        let listed = member
            .describe(available)
            .map_err(|error| error.of_array(&member.name))?;
        arrays.push(listed);
    }
    Ok(arrays)
}

/// The arrays of an archive in memory. Those that are stored as they are share the memory, and their checksums are not looked at; those that are
/// deflated are copies ([`CopyReason::Decompressed`]).
///
/// # Errors
///
/// As [`read`]; [`Error::NotImmutable`] for memory that others may write.
pub fn parse(buffer: Buffer<'_>) -> Result<Converted<Vec<NamedView<'_>>>> {
    let bytes = StridedView::of_items(buffer.clone(), DType::U8);
    let bytes = bytes.typed::<u8>()?;
    let bytes = bytes.as_slice()?;
    let mut archive = open(Cursor::new(bytes))?;
    let (mut arrays, mut records) = (Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let Some(mut member) = Member::open(&mut archive, index, wide(bytes.len()))? else {
            continue;
        };
        let range = member
            .range()
            .filter(|range| member.is_stored() && range.end <= bytes.len());
        let view = match range {
            Some(range) if npy::opens(&bytes[range.clone()]) => npy::parse_within(buffer.clone(), range),
            Some(range) => StridedView::of_items(buffer.clone(), DType::U8).slice_axis(0, range),
            None => member.read().inspect(|view| {
                records.push(CopyRecord::of_items(view.nbytes(), vec![CopyReason::Decompressed]));
            }),
        };
        let view = view.map_err(|error| error.of_array(&member.name))?;
        arrays.push(member.named(view));
    }
    Ok(Converted {
        value: arrays,
        report: CopyReport::from_records(records),
    })
}

fn open<R: Read + Seek>(reader: R) -> Result<ZipArchive<R>, NpzFault> {
    ZipArchive::new(reader).map_err(NpzFault::archive)
}

/// One file of an archive.
struct Member<'r, R: Read> {
    name: String,
    file: ZipFile<'r, R>,
}

impl<'r, R: Read + Seek> Member<'r, R> {
    /// Opens a member, unless it is a folder. Its size is one that it can have in a file of `available` bytes.
    fn open(archive: &'r mut ZipArchive<R>, index: usize, available: u64) -> Result<Option<Self>> {
        let file = archive.by_index(index).map_err(NpzFault::archive)?;
        if file.is_dir() {
            return Ok(None);
        }
        let name = file.name().map_err(NpzFault::archive)?.into_owned();
        let (claimed, stored) = (file.size(), file.compressed_size().min(available));
        let (possible, is_stored) = match file.compression() {
            CompressionMethod::Stored => (stored, true),
            _ => (stored.saturating_mul(MOST_INFLATED), false),
        };
        // What is stored as it is has one size, whichever of the two fields says it.
        if claimed > possible || (is_stored && claimed != possible) {
            let fault = NpzFault::Claim { claimed, possible };
            return Err(Error::from(fault).of_array(&name));
        }
        Ok(Some(Self { name, file }))
    }

    fn is_stored(&self) -> bool {
        self.file.compression() == CompressionMethod::Stored
    }

    /// What its header says, in a file of `available` bytes.
    fn describe(&mut self, available: u64) -> Result<Listed> {
        let claimed = self.file.size();
        let start = self.file.data_start().unwrap_or(available);
        let mut first = Vec::new();
        (&mut self.file).take(npy::MAGIC_LEN).read_to_end(&mut first)?;
        let mut listed = if npy::opens(&first) {
            npy::describe_from(&mut Cursor::new(first).chain(&mut self.file), claimed)?
        } else {
            let len = super::in_memory(claimed)?;
            Listed {
                name: None,
                dtype: DType::U8,
                logical: None,
                layout: Layout::contiguous(&[len], &DType::U8, Order::C)?,
                range: 0..claimed,
                stored: Stored::Plain,
                whole: false,
                arrow: None,
            }
        };
        let place = if self.is_stored() {
            listed.range
        } else {
            listed.stored = Stored::Compressed;
            0..self.file.compressed_size()
        };
        // What has no bytes may be anywhere, and reads as nothing.
        let start = if place.end == 0 { start.min(available) } else { start };
        let at = |byte: u64| start.checked_add(byte).filter(|end| *end <= available);
        let ends = at(place.start).zip(at(place.end));
        let (start, end) = ends.ok_or(NpzFault::Claim {
            claimed: place.end,
            possible: available.saturating_sub(start),
        })?;
        listed.range = start..end;
        listed.name = Some(self.array_name());
        Ok(listed)
    }

    /// The array, in memory of its own.
    fn read(&mut self) -> Result<StridedView<'static>> {
        let claimed = self.file.size();
        let mut first = Vec::new();
        (&mut self.file).take(npy::MAGIC_LEN).read_to_end(&mut first)?;
        let is_npy = npy::opens(&first);
        let mut bytes = Cursor::new(first).chain(&mut self.file);
        let view = if is_npy {
            npy::read_from(&mut bytes, claimed)?
        } else {
            let len = super::in_memory(claimed)?;
            StridedView::of_items(read::exactly(&mut bytes, len)?, DType::U8)
        };
        // What NumPy leaves behind the items, too; and the checksum is compared at the end only.
        std::io::copy(&mut bytes, &mut std::io::sink())?;
        Ok(view)
    }

    /// What reading the array was.
    fn record(&self, view: &StridedView<'_>) -> CopyRecord {
        let mut reasons = vec![CopyReason::FileRead];
        if !self.is_stored() {
            reasons.push(CopyReason::Decompressed);
        }
        CopyRecord::of_items(view.nbytes(), reasons)
    }

    /// The name that NumPy gives the array.
    fn array_name(&self) -> String {
        self.name.strip_suffix(".npy").unwrap_or(&self.name).to_owned()
    }

    /// The array under its name.
    fn named<'a>(&self, view: StridedView<'a>) -> NamedView<'a> {
        let name = self.array_name();
        NamedView { name, view }
    }

    /// The bytes of the file that hold a member as it is.
    fn range(&self) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(self.file.data_start()?).ok()?;
        let len = usize::try_from(self.file.compressed_size()).ok()?;
        Some(start..start.checked_add(len)?)
    }
}
