//! Writing `.npz` files.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{npy, wide};
use crate::convert::CopyReport;
use crate::error::{NpzFault, Result};
use crate::view::StridedView;

/// Whether arrays are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// As they are, each at a multiple of 64 bytes, so that they can be mapped (NumPy's `savez`, which does not align them).
    #[default]
    Stored,
    /// Deflated (NumPy's `savez_compressed`).
    Deflated,
}

/// Writes arrays as a `.npz` file, which is created or overwritten.
///
/// Must not be a file that is mapped: overwriting it breaks the promise made when it was.
///
/// # Errors
///
/// As [`write_to`]. What is refused leaves an existing file as it was; after an [`Error::Io`](crate::Error::Io) it may be incomplete.
pub fn write(
    path: impl AsRef<Path>,
    arrays: &[(&str, &StridedView<'_>)],
    compression: Compression,
) -> Result<CopyReport> {
    check(arrays)?;
    write_to(BufWriter::new(File::create(path)?), arrays, compression)
}

/// Writes arrays in the `.npz` format, each as [`npy::write_to`] writes it. The same arrays give the same bytes, whenever they are written.
///
/// # Errors
///
/// [`Error::Array`](crate::Error::Array) around what [`npy::write_to`] refuses, before anything is written; [`NpzFault::Archive`] for names that are given
/// twice; [`Error::Io`](crate::Error::Io).
pub fn write_to(
    writer: impl Write + Seek,
    arrays: &[(&str, &StridedView<'_>)],
    compression: Compression,
) -> Result<CopyReport> {
    check(arrays)?;
    let mut archive = ZipWriter::new(writer);
    let mut records = Vec::new();
    for (name, view) in arrays {
        archive
            .start_file(format!("{name}.npy"), options(view, compression))
            .map_err(NpzFault::archive)?;
        records.extend(npy::write_to(&mut archive, view)?.into_records());
    }
    archive.finish().map_err(NpzFault::archive)?.flush()?;
    Ok(CopyReport::from_records(records))
}

/// Asks of every array whether it can be written.
fn check(arrays: &[(&str, &StridedView<'_>)]) -> Result<()> {
    arrays
        .iter()
        .try_for_each(|(name, view)| npy::plan(view).map(drop).map_err(|error| error.of_array(name)))
}

fn options(view: &StridedView<'_>, compression: Compression) -> SimpleFileOptions {
    // Beyond what the old form of a size can hold; the header of the array counts, too.
    let large = wide(view.nbytes()) >= u64::from(u32::MAX) - (1 << 20);
    let options = SimpleFileOptions::default()
        .last_modified_time(zip::DateTime::default())
        .large_file(large);
    match compression {
        Compression::Stored => options.compression_method(CompressionMethod::Stored).with_alignment(64),
        Compression::Deflated => options.compression_method(CompressionMethod::Deflated),
    }
}
