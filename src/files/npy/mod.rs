//! NumPy's `.npy` files.
//!
//! Formats 1.0, 2.0 and 3.0 are read, in both orders and byte orders. What is written is byte for byte what NumPy writes.
//! Records and times are read and written; Python objects are errors.
//!
//! Source of the format: NumPy, `numpy.lib.format`.
//!
//! ```
//! use viewbridge::{StridedView, files::npy};
//!
//! let a = StridedView::from_vec((0..12).map(f64::from).collect()).reshape(&[3, 4])?;
//!
//! // Column-major items are contiguous too: their bytes go to the writer as they are.
//! let mut file = Vec::new();
//! assert!(npy::write_to(&mut file, &a.transpose())?.is_shared());
//!
//! let b = npy::parse(viewbridge::Buffer::from_vec(file))?;
//! assert_eq!((b.shape(), b.strides()), (&[4, 3][..], &[8, 32][..]));
//! assert_eq!(b.get::<f64>(&[1, 2])?, 9.0);
//! # Ok::<(), viewbridge::Error>(())
//! ```

mod header;
#[cfg(feature = "mmap")]
mod map;
mod write;

use std::fs::File;
use std::io::{Read, Seek};
use std::ops::Range;
use std::path::Path;

pub use header::Header;
#[cfg(feature = "npz")]
pub(super) use header::{MAGIC_LEN, opens};
#[cfg(feature = "mmap")]
pub use map::{create, map, map_mut};
#[cfg(feature = "npz")]
pub(super) use write::Job;
pub use write::{plan, write, write_to, write_with};

use self::header::Prelude;
use super::listed::{self, Listed, Stored};
use super::{read, wide};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::error::{NpyFault, Result};
use crate::layout::Layout;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Reads a `.npy` file into memory aligned to 64 bytes.
///
/// Only what the header claims is read; bytes behind it are left alone. Nothing is allocated that the size of the file does not
/// justify.
///
/// # Errors
///
/// [`Error::Npy`](crate::Error::Npy), [`Error::Layout`](crate::Error::Layout) for shapes beyond the address space,
/// [`Error::Io`](crate::Error::Io), [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub fn read(path: impl AsRef<Path>) -> Result<Converted<StridedView<'static>>> {
    let mut file = File::open(path)?;
    let available = file.metadata()?.len();
    let value = read_from(&mut file, available)?;
    let report = CopyReport::copied(CopyRecord::of_items(value.nbytes(), vec![CopyReason::FileRead]));
    Ok(Converted { value, report })
}

/// Reads what a reader of `available` bytes says is a `.npy` file.
pub(super) fn read_from(reader: &mut impl Read, available: u64) -> Result<StridedView<'static>> {
    let header = read_header(reader, available)?;
    let (header, offset) = Header::parse(&header)?;
    let layout = header.layout()?;
    check_data(&layout, offset, available)?;
    header.view(read::exactly(reader, layout.nbytes())?, layout)
}

/// What a `.npy` file holds. Only the header is read.
///
/// # Errors
///
/// As [`read`], but for the lack of memory.
pub fn describe(mut reader: impl Read + Seek) -> Result<Listed> {
    let available = listed::available(&mut reader)?;
    reader.rewind()?;
    describe_from(&mut reader, available)
}

/// As [`describe`], for a reader of `available` bytes that is where the file begins.
pub(super) fn describe_from(reader: &mut impl Read, available: u64) -> Result<Listed> {
    let (header, offset) = Header::parse(&read_header(reader, available)?)?;
    let layout = header.layout()?;
    check_data(&layout, offset, available)?;
    let start = wide(offset);
    Ok(Listed {
        name: None,
        range: start..start + wide(layout.nbytes()),
        layout,
        dtype: header.dtype,
        logical: header.logical,
        stored: Stored::Plain,
        whole: false,
        arrow: None,
    })
}

/// The view that a `.npy` file in memory describes. Shares the memory; only the header is looked at.
///
/// Items may be misaligned if the memory is, or if the file was written by something other than NumPy.
///
/// # Errors
///
/// As [`read`]; [`Error::Refused`](crate::Error::Refused) if the CPU cannot read the memory.
pub fn parse(buffer: Buffer<'_>) -> Result<StridedView<'_>> {
    let whole = 0..buffer.len();
    parse_within(buffer, whole)
}

/// As [`parse`], for a file that is some of the bytes in memory.
pub(super) fn parse_within(buffer: Buffer<'_>, range: Range<usize>) -> Result<StridedView<'_>> {
    let bytes = StridedView::of_items(buffer.clone(), DType::U8).slice_axis(0, range.clone())?;
    // Copied, because the memory may be one that others write.
    let first = |len: usize| {
        bytes
            .slice_axis(0, ..len.min(bytes.len()).cast_signed())?
            .to_vec::<u8>()
    };
    let available = wide(bytes.len());
    let prelude = Prelude::parse(&first(Prelude::MAX)?, available)?;
    let (header, offset) = Header::parse(&first(prelude.end)?)?;
    let layout = header.layout()?;
    check_data(&layout, offset, available)?;
    header.view(buffer, layout.place_at(range.start + offset)?)
}

/// The bytes of a file up to its data.
fn read_header(file: &mut impl Read, available: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(wide(Prelude::MAX)).read_to_end(&mut bytes)?;
    let prelude = Prelude::parse(&bytes, available)?;
    let rest = prelude.end.saturating_sub(bytes.len());
    file.take(wide(rest)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses a header that claims more data than there is.
fn check_data(layout: &Layout, offset: usize, available: u64) -> Result<(), NpyFault> {
    let claimed = wide(layout.nbytes());
    let available = available.saturating_sub(wide(offset));
    if claimed <= available {
        Ok(())
    } else {
        Err(NpyFault::Truncated { claimed, available })
    }
}
