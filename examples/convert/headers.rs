//! What a file holds, by its headers alone: no item is read.

use std::fs::File;
use std::path::Path;

use arrow_schema::FieldRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use viewbridge::files::ipc::{self, ListedColumn};
use viewbridge::files::raw::RawArray;
use viewbridge::files::{Listed, Opening, Stored, npy, npz, raw, safetensors};
use viewbridge::{ArrowFault, CopyReason, Error, NoView, arrow};

use crate::failure::Failure;
use crate::format::Format;
use crate::inspect::{Entry, Look};
use crate::sources::UNNAMED;
use crate::trip::texts;

/// The arrays of a file of a format that is known; bare items, if that is what they are.
pub(crate) fn entries(
    path: &Path,
    (format, items): (Format, Option<&RawArray>),
    opening: Opening,
) -> Result<Vec<Entry>, Failure> {
    let entries = || -> Result<Vec<Entry>, Error> {
        let file = File::open(path)?;
        let one = |listed: Listed| vec![of_listed(listed, opening)];
        let several = |listed: Vec<Listed>| listed.into_iter().map(|listed| of_listed(listed, opening)).collect();
        Ok(match (format, items) {
            (Format::Npy, _) => one(npy::describe(file)?),
            (Format::Npz, _) => several(npz::describe(file)?),
            (Format::Safetensors, _) => several(safetensors::describe(file)?),
            (Format::Arrow, _) => of_columns(ipc::describe(file)?, opening),
            (Format::Arrows, _) => of_columns(ipc::describe_stream(file)?, opening),
            (Format::Tensor, _) => one(ipc::describe_tensor(file)?.0),
            (Format::Parquet, _) => of_parquet(file)?,
            (Format::Bin, Some(items)) => one(raw::describe(file, items)?),
            (Format::Bin, None) => Vec::new(),
        })
    };
    entries().map_err(Failure::file(path))
}

fn of_listed(listed: Listed, opening: Opening) -> Entry {
    Entry {
        name: listed.name().unwrap_or(UNNAMED).to_owned(),
        batch: None,
        buffers: Vec::new(),
        look: Ok(look(&listed, opening)),
    }
}

fn look(listed: &Listed, opening: Opening) -> Look {
    Look {
        outline: listed.outline(opening),
        file_range: Some(listed.file_range()),
        file_alignment: listed.file_alignment(),
        compressed: listed.stored() == Stored::Compressed,
        opening: texts(&listed.copies(opening)),
    }
}

fn of_columns(columns: Vec<ListedColumn>, opening: Opening) -> Vec<Entry> {
    let several = columns.last().is_some_and(|column| column.batch > 0);
    let entry = |column: ListedColumn| Entry {
        name: column.field.name().clone(),
        batch: several.then_some(column.batch),
        buffers: column.buffers,
        look: match &column.array {
            Ok(listed) => Ok(look(listed, opening)),
            Err(error) => Err(because(error)),
        },
    };
    columns.into_iter().map(entry).collect()
}

/// Why there is no view, and what option would show one.
fn because(error: &Error) -> String {
    match error {
        Error::Arrow(ArrowFault::NoView {
            because: NoView::Unread,
            ..
        }) => format!("{error} (here: add --open)"),
        other => other.to_string(),
    }
}

/// The columns of a Parquet file, as decoding all rows at once would give them. Only the footer is read.
fn of_parquet(file: File) -> Result<Vec<Entry>, Error> {
    let library = |error| ArrowFault::Library(Box::new(error));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(library)?;
    let metadata = builder.metadata();
    let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    // Where every column is a leaf, the footer says how many of its values are null.
    let flat = metadata.file_metadata().schema_descr().num_columns() == builder.schema().fields().len();
    let nulls = |column: usize| -> u64 {
        let groups = metadata.row_groups().iter().filter(|_| flat);
        let statistics = groups.filter_map(|group| group.column(column).statistics());
        statistics.filter_map(|statistics| statistics.null_count_opt()).sum()
    };
    let entry = |(index, field): (usize, &FieldRef)| Entry {
        name: field.name().clone(),
        batch: None,
        buffers: Vec::new(),
        look: match (arrow::outline(field, rows), usize::try_from(nulls(index))) {
            (Ok(_), Ok(count)) if count > 0 => Err(Error::Nulls { count }.to_string()),
            (Ok(outline), _) => Ok(Look {
                outline,
                file_range: None,
                file_alignment: None,
                compressed: true,
                opening: texts(&[CopyReason::FileRead, CopyReason::Decoded]),
            }),
            (Err(error), _) => Err(because(&error)),
        },
    };
    Ok(builder.schema().fields().iter().enumerate().map(entry).collect())
}
