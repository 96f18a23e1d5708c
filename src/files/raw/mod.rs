//! Files of bare items, without a header that says what they are: what NumPy's `memmap`, `fromfile` and `tofile` deal with.
//!
//! The caller says what they are ([`RawArray`]). [`read`] brings them into memory of our own; `map` and `map_mut` share the file's pages.
//!
//! ```
//! use viewbridge::files::raw::{self, RawArray};
//! use viewbridge::{DType, StridedView};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("items.bin");
//! let a = StridedView::from_vec(vec![1_i32, 2, 3, 4, 5, 6]).reshape(&[2, 3])?;
//! raw::write(&path, &a)?;
//!
//! // The second row: one axis from byte 12 to the end.
//! let tail = raw::read(&path, &RawArray::new(DType::I32).offset(12))?;
//! assert_eq!(tail.value.to_vec::<i32>()?, [4, 5, 6]);
//! assert_eq!(tail.report.bytes_copied(), 12);
//! # Ok::<(), viewbridge::Error>(())
//! ```

#[cfg(feature = "mmap")]
mod map;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

#[cfg(feature = "mmap")]
pub use map::{map, map_mut};
#[cfg(feature = "mmap")]
pub(super) use map::{map_opened, open};

use super::listed::{self, Listed, Stored};
use super::read;
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport, Packing, Piece, Plan, Requirements, Streamed};
use crate::dtype::{DType, Logical};
use crate::error::{LayoutError, RawFault, Result};
use crate::layout::Layout;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// What can be written without a copy: any bytes that the CPU reads. What the items mean, the file leaves to its reader.
const RAW: Requirements = Requirements::any("a raw file")
    .contiguous(Order::C)
    .packing(Packing::BoolBytes)
    .cpu_readable();

/// What the items of a file without a header are: the arguments of NumPy's `memmap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawArray {
    dtype: DType,
    logical: Option<Logical>,
    shape: Option<Vec<usize>>,
    order: Order,
    offset: u64,
}

impl RawArray {
    /// Items of a type, along one axis, from the first byte of the file to the last.
    #[must_use]
    pub fn new(dtype: DType) -> Self {
        Self {
            dtype,
            logical: None,
            shape: None,
            order: Order::C,
            offset: 0,
        }
    }

    /// What the items mean beyond their bits.
    #[must_use]
    pub fn logical(mut self, logical: Logical) -> Self {
        self.logical = Some(logical);
        self
    }

    /// So many items along each axis, instead of all that there are along one.
    #[must_use]
    pub fn shape(mut self, shape: &[usize]) -> Self {
        self.shape = Some(shape.to_vec());
        self
    }

    /// The order in which the items of a shape stand; row-major by default.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Bytes of the file in front of the first item: any number.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }

    /// Where the first item is, in bytes from the start of the file.
    #[cfg(feature = "mmap")]
    pub(super) fn start(&self) -> u64 {
        self.offset
    }

    /// Whether the shape is given, so that the file need not say how many items there are.
    #[cfg(feature = "mmap")]
    pub(super) fn has_shape(&self) -> bool {
        self.shape.is_some()
    }

    /// How the items lie, from the first one on, in a file of `available` bytes. Does not look at whether they are all there.
    pub(super) fn layout(&self, available: u64) -> Result<Layout> {
        if self.dtype.is_packed() {
            let bits = usize::try_from(self.dtype.item_bits()).unwrap_or(usize::MAX);
            return Err(LayoutError::PackedItems { bits }.into());
        }
        let shape = match &self.shape {
            Some(shape) => shape.clone(),
            None => vec![self.items_in(available)?],
        };
        Ok(Layout::contiguous(&shape, &self.dtype, self.order)?)
    }

    /// How many items there are behind the offset.
    fn items_in(&self, available: u64) -> Result<usize> {
        let itemsize = self.dtype.itemsize();
        let bytes = available.checked_sub(self.offset).ok_or(RawFault::Truncated {
            claimed: self.offset,
            available,
        })?;
        let partial = RawFault::PartialItem { bytes, itemsize };
        let bytes = super::in_memory(bytes)?;
        match bytes.checked_div(itemsize) {
            Some(items) if items * itemsize == bytes => Ok(items),
            _ => Err(partial.into()),
        }
    }

    /// Refuses a file that ends before the items do.
    pub(super) fn check(&self, layout: &Layout, available: u64) -> Result<()> {
        let claimed = self.end(layout)?;
        if claimed > available {
            return Err(RawFault::Truncated { claimed, available }.into());
        }
        Ok(())
    }

    /// The byte of the file behind the last item.
    pub(super) fn end(&self, layout: &Layout) -> Result<u64> {
        let bytes = super::wide(layout.nbytes());
        let out = RawFault::Truncated {
            claimed: u64::MAX,
            available: self.offset,
        };
        Ok(self.offset.checked_add(bytes).ok_or(out)?)
    }

    /// The items in memory that begins with the first one.
    pub(super) fn view(&self, buffer: Buffer<'static>, layout: Layout) -> Result<StridedView<'static>> {
        let view = StridedView::new(buffer, self.dtype.clone(), layout)?;
        Ok(match &self.logical {
            Some(logical) => view.with_logical(logical.clone()),
            None => view,
        })
    }
}

/// Reads items into memory aligned to 64 bytes (NumPy's `fromfile`). Only their bytes are read.
///
/// # Errors
///
/// [`RawFault`], [`Error::Layout`](crate::Error::Layout) for shapes beyond the address space and packed items;
/// [`Error::Io`](crate::Error::Io), of kind [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) if the file shrinks meanwhile;
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory). Nothing is allocated that the size of the file does not justify.
pub fn read(path: impl AsRef<Path>, items: &RawArray) -> Result<Converted<StridedView<'static>>> {
    let mut file = File::open(path)?;
    let available = file.metadata()?.len();
    let layout = items.layout(available)?;
    items.check(&layout, available)?;
    file.seek(SeekFrom::Start(items.offset))?;
    let bytes = layout.nbytes();
    let value = items.view(read::exactly(&mut file, bytes)?, layout)?;
    let report = CopyReport::copied(CopyRecord::of_items(bytes, vec![CopyReason::FileRead]));
    Ok(Converted { value, report })
}

/// Where items lie in a file. Only its size is asked for.
///
/// # Errors
///
/// As [`read`], but for the lack of memory.
pub fn describe(mut reader: impl Seek, items: &RawArray) -> Result<Listed> {
    let available = listed::available(&mut reader)?;
    let layout = items.layout(available)?;
    items.check(&layout, available)?;
    Ok(Listed {
        name: None,
        dtype: items.dtype.clone(),
        logical: items.logical.clone(),
        range: items.offset..items.end(&layout)?,
        layout,
        stored: Stored::Plain,
        whole: false,
        arrow: None,
    })
}

/// Writes the items in row-major order and in the byte order that they have, and nothing else (NumPy's `tofile`); booleans in bytes, as NumPy has
/// them. The file is created or overwritten.
///
/// Must not be a file that is mapped: overwriting it breaks the promise made when it was.
///
/// # Errors
///
/// As [`write_to`]. What is refused leaves an existing file as it was; after an [`Error::Io`](crate::Error::Io) it may be incomplete.
pub fn write(path: impl AsRef<Path>, view: &StridedView<'_>) -> Result<CopyReport> {
    let items = view.stream(&RAW, CopyPolicy::IfNeeded)?;
    items.write_to(File::create(path)?)
}

/// What writing a view would cost: shared if its bytes go to the writer as they lie. Touches no item; O(rank).
pub fn plan(view: &StridedView<'_>) -> Plan {
    view.plan(&RAW)
}

/// As [`write()`], to any writer.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused) for memory that the CPU cannot read, [`Error::Io`](crate::Error::Io).
pub fn write_to(mut writer: impl Write, view: &StridedView<'_>) -> Result<CopyReport> {
    let report = view.stream(&RAW, CopyPolicy::IfNeeded)?.write_to(&mut writer)?;
    writer.flush()?;
    Ok(report)
}

/// As [`write_to`], and tells `progress` of each piece that has been written, until it breaks off.
///
/// # Errors
///
/// As [`write_to`].
pub fn write_with(
    mut writer: impl Write,
    view: &StridedView<'_>,
    progress: impl FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Streamed> {
    let stream = view.stream(&RAW, CopyPolicy::IfNeeded)?;
    let done = stream.write_with(&mut writer, progress)?;
    writer.flush()?;
    Ok(done)
}
