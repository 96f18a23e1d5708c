//! Writing `.npz` files.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::ops::ControlFlow;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{npy, wide};
use crate::convert::{CopyReport, Piece, Streamed};
use crate::error::{NpzFault, Result};
use crate::files::series::Series;
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
    Ok(write_with(writer, arrays, compression, |_| ControlFlow::Continue(()))?.report)
}

/// As [`write_to`], and tells `progress` of each piece of the items that has been written, until it breaks off.
///
/// Pieces are counted over all arrays, before they are compressed. An archive that was broken off holds the arrays so far, the last of them cut short.
///
/// # Errors
///
/// As [`write_to`].
pub fn write_with(
    writer: impl Write + Seek,
    arrays: &[(&str, &StridedView<'_>)],
    compression: Compression,
    progress: impl FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Streamed> {
    let mut jobs = Vec::with_capacity(arrays.len());
    for (name, view) in arrays {
        jobs.push(npy::Job::new(view).map_err(|error| error.of_array(name))?);
    }
    let mut archive = ZipWriter::new(writer);
    let mut series = Series::new(jobs.iter().map(npy::Job::nbytes).sum(), progress);
    for ((name, view), job) in arrays.iter().zip(&jobs) {
        archive
            .start_file(format!("{name}.npy"), options(view, compression))
            .map_err(NpzFault::archive)?;
        archive.write_all(job.header())?;
        series.write(job.items(), &mut archive)?;
    }
    archive.finish().map_err(NpzFault::archive)?.flush()?;
    Ok(series.done())
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
