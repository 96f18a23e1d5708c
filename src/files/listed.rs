//! Arrays of a file as the file describes them, before anything of them is read.

use std::io::{Seek, SeekFrom};
use std::ops::Range;

use super::wide;
use crate::convert::Outline;
use crate::dtype::{DType, Logical};
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::{Access, Device, OwnerKind};
use crate::reason::CopyReason;

/// The least that the address of a map is a multiple of, in bytes: a page of the machines with the smallest.
const PAGE: u64 = 4096;

/// What the memory of files that are read is aligned to, in bytes.
const READ: u64 = 64;

/// How a file becomes memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opening {
    /// By reading it into memory of our own.
    Read,
    /// By mapping it.
    Map,
}

/// How the items of an array stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stored {
    /// As they are in memory.
    Plain,
    /// Compressed: opening them is a copy, mapped or not.
    Compressed,
}

/// An array of a file as the file describes it. Its items have not been read, and where they are compressed not even looked for.
///
/// ```
/// use viewbridge::files::{Opening, npy};
/// use viewbridge::{Order, Requirements, StridedView};
///
/// let mut file = std::io::Cursor::new(Vec::new());
/// let columns = StridedView::from_vec(vec![0_f32; 6]).reshape(&[2, 3])?.transpose();
/// npy::write_to(&mut file, &columns)?;
///
/// let array = npy::describe(&mut file)?;
/// assert_eq!((array.layout().shape(), array.file_range()), (&[3, 2][..], 128..152));
/// let plan = array.outline(Opening::Map).plan(&Requirements::any("consumer").contiguous(Order::C));
/// assert_eq!(plan.to_string(), "consumer: copied (24 bytes) because not C-contiguous (axis 1: stride 12, expected 4)");
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub(super) name: Option<String>,
    pub(super) dtype: DType,
    pub(super) logical: Option<Logical>,
    /// From the first item on.
    pub(super) layout: Layout,
    pub(super) range: Range<u64>,
    pub(super) stored: Stored,
    /// Whether reading brings the whole file into memory, and the array with it, instead of the array alone.
    pub(super) whole: bool,
    /// Whether the view is one of Arrow's memory, and what Arrow brings the items to, in bytes.
    pub(super) arrow: Option<usize>,
}

impl Listed {
    /// Its name; `None` in a file that holds one array and has no name for it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The type of one item.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// What the items mean beyond their bits.
    #[must_use]
    pub fn logical(&self) -> Option<&Logical> {
        self.logical.as_ref()
    }

    /// How the items lie, once they are in memory, from the first one on.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The bytes of the file that hold the items; where they are compressed, with whatever header is compressed with them.
    #[must_use]
    pub fn file_range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// How the items stand there.
    #[must_use]
    pub fn stored(&self) -> Stored {
        self.stored
    }

    /// The highest power of two, in bytes, that the place of the first item in the file is a multiple of; `None` at its very start, and without items.
    #[must_use]
    pub fn file_alignment(&self) -> Option<u64> {
        let placed = self.range.start > 0 && !self.range.is_empty();
        placed.then(|| 1 << self.range.start.trailing_zeros())
    }

    /// What opening the array copies; nothing if it shares the mapped file.
    #[must_use]
    pub fn copies(&self, opening: Opening) -> Vec<CopyReason> {
        let mut reasons = Vec::new();
        if opening == Opening::Read {
            reasons.push(CopyReason::FileRead);
        }
        if self.stored == Stored::Compressed {
            reasons.push(CopyReason::Decompressed);
        }
        if let Some(required) = self.realigned() {
            reasons.push(CopyReason::Realigned { required });
        }
        reasons
    }

    /// The view that opening the file will give. Its address is right as far as can be told: modulo 4096 in a map, modulo 64 in memory that is read into.
    #[must_use]
    pub fn outline(&self, opening: Opening) -> Outline {
        let moved = self.stored == Stored::Compressed || self.realigned().is_some();
        let mapped = opening == Opening::Map && !moved;
        let base = match self.arrow {
            _ if mapped => PAGE,
            // Arrow decompresses into memory as it comes, and then sees to what the type needs.
            Some(alignment) if self.stored == Stored::Compressed => wide(alignment),
            _ => READ,
        };
        let in_file = mapped || (!moved && self.whole);
        let place = if in_file { self.range.start % base } else { 0 };
        let owner = match self.arrow {
            Some(_) => OwnerKind::Arrow,
            None if mapped => OwnerKind::MappedFile,
            None => OwnerKind::Heap,
        };
        Outline {
            dtype: self.dtype.clone(),
            logical: self.logical.clone(),
            layout: self.layout.clone(),
            access: Access::Immutable,
            device: Device::CPU,
            owner,
            address: usize::try_from(base + place).unwrap_or(usize::MAX),
        }
    }

    /// What Arrow would bring items to that are not there in the file.
    fn realigned(&self) -> Option<usize> {
        let there = self.stored == Stored::Plain && !self.range.is_empty();
        self.arrow
            .filter(|&alignment| there && !self.range.start.is_multiple_of(wide(alignment)))
    }
}

/// The bytes that a reader has in all. Leaves it anywhere.
pub(super) fn available(reader: &mut impl Seek) -> Result<u64> {
    Ok(reader.seek(SeekFrom::End(0))?)
}
