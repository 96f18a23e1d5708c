//! safetensors files: named tensors behind a JSON header, as models are shared in.
//!
//! [`read`] brings the file into memory of our own once; `map` shares its pages. Either way each tensor is a view of the same memory. The header is
//! checked as the `safetensors` crate checks it: every byte of the file belongs to exactly one tensor. Tensors that begin at odd addresses are views like
//! all others; a consumer that needs alignment has them copied, and reported.
//!
//! ```
//! use viewbridge::StridedView;
//! use viewbridge::files::safetensors;
//!
//! let weight = StridedView::from_vec((0..6).map(|k| k as f32).collect()).reshape(&[2, 3])?;
//! let mut file = Vec::new();
//! let report = safetensors::write_to(&mut file, &[("w", &weight), ("w.T", &weight.transpose())], [("format", "pt")])?;
//! assert_eq!(report.bytes_copied(), 24); // the second had to be brought into row-major order
//!
//! let model = safetensors::parse(viewbridge::Buffer::from_vec(file))?;
//! assert_eq!(model.metadata["format"], "pt");
//! assert_eq!(model.get("w.T").unwrap().to_vec::<f32>()?, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
//! # Ok::<(), viewbridge::Error>(())
//! ```

mod dtype;
mod header;
#[cfg(feature = "mmap")]
mod map;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use ::safetensors::tensor::TensorInfo;

#[cfg(feature = "mmap")]
pub use map::map;
pub use write::{plan, write, write_to, write_with};

use self::header::Header;
use super::listed::{self, Listed, Stored};
use super::{NamedView, read, wide};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::error::Result;
#[cfg(doc)]
use crate::error::SafetensorsFault;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Bytes in front of the header, which say how long it is.
const PREFIX: usize = 8;

/// What a safetensors file holds.
#[derive(Debug, Clone)]
pub struct Tensors<'a> {
    /// The tensors, in the order of their bytes, and then of their names.
    pub tensors: Vec<NamedView<'a>>,
    /// The file's own remarks: `__metadata__`.
    pub metadata: BTreeMap<String, String>,
}

impl<'a> Tensors<'a> {
    /// The tensor of a name. O(tensors).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StridedView<'a>> {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .map(|tensor| &tensor.view)
    }
}

/// Reads a file into memory of its own, once; its tensors share that memory.
///
/// # Errors
///
/// As [`parse`]; [`Error::Io`](crate::Error::Io), [`Error::OutOfMemory`](crate::Error::OutOfMemory). The header is checked before anything is allocated
/// for the tensors.
pub fn read(path: impl AsRef<Path>) -> Result<Converted<Tensors<'static>>> {
    let mut file = File::open(path)?;
    let len = super::in_memory(file.metadata()?.len())?;
    let buffer = read::exactly(&mut file, len)?;
    let report = CopyReport::copied(CopyRecord::of_items(len, vec![CopyReason::FileRead]));
    Ok(Converted {
        value: parse(buffer)?,
        report,
    })
}

/// What a file holds: its tensors in the order of their bytes, and then of their names. Only the header is read.
///
/// # Errors
///
/// As [`parse`]; [`Error::Io`](crate::Error::Io).
pub fn describe(mut reader: impl Read + Seek) -> Result<Vec<Listed>> {
    let available = listed::available(&mut reader)?;
    let prefix = read::bytes_at(&mut reader, 0..available.min(wide(PREFIX)))?;
    let end = wide(Header::end(&prefix, available)?);
    let header = Header::parse(&read::bytes_at(&mut reader, 0..end)?, available)?;
    let start = wide(header.start);
    let listed = |(name, info): (String, TensorInfo)| {
        let (dtype, layout) = Header::describe(&name, &info)?;
        let (first, last) = info.data_offsets;
        Ok(Listed {
            name: Some(name),
            dtype,
            logical: None,
            layout,
            range: start + wide(first)..start + wide(last),
            stored: Stored::Plain,
            whole: true,
            arrow: None,
        })
    };
    header.tensors.into_iter().map(listed).collect()
}

/// The tensors of a file in memory. Shares the memory; only the header is looked at. O(tensors).
///
/// # Errors
///
/// [`SafetensorsFault`] for a broken header; [`Error::NotImmutable`](crate::Error::NotImmutable) for memory that others may write;
/// [`Error::Layout`](crate::Error::Layout) for tensors of more than [`MAX_NDIM`](crate::MAX_NDIM) axes.
pub fn parse(buffer: Buffer<'_>) -> Result<Tensors<'_>> {
    let bytes = StridedView::of_items(buffer.clone(), DType::U8);
    let Header {
        tensors,
        metadata,
        start,
    } = {
        let bytes = bytes.typed::<u8>()?;
        let bytes = bytes.as_slice()?;
        let end = Header::end(bytes, wide(bytes.len()))?;
        Header::parse(&bytes[..end], wide(bytes.len()))?
    };
    let view = |(name, info): (String, TensorInfo)| {
        let (dtype, layout) = Header::describe(&name, &info)?;
        let view = StridedView::new(buffer.clone(), dtype, layout.place_at(start + info.data_offsets.0)?)?;
        Ok(NamedView { name, view })
    };
    Ok(Tensors {
        tensors: tensors.into_iter().map(view).collect::<Result<_>>()?,
        metadata,
    })
}
