//! The arrays of a file, whatever its format.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::FieldRef;
use viewbridge::files::NamedView;
use viewbridge::files::raw::RawArray;
use viewbridge::{CopyPolicy, StridedView};

use crate::cli::SourceArgs;
use crate::failure::Failure;
use crate::format::Format;
use crate::hops::{self, Column, Open};
use crate::trip::Trip;

type View = StridedView<'static>;

/// The name of an array whose file has none for it.
pub(crate) const UNNAMED: &str = "values";

/// An opened file.
pub(crate) struct Sources {
    pub(crate) arrays: Vec<Source>,
    /// What a safetensors file says beside its tensors.
    pub(crate) remarks: BTreeMap<String, String>,
}

/// One array of a file.
pub(crate) struct Source {
    /// Nothing in a file that holds one array and no name for it.
    name: Option<String>,
    held: Held,
}

enum Held {
    View(View),
    /// An Arrow column, in as many pieces as there are record batches.
    Column {
        field: FieldRef,
        pieces: Vec<ArrayRef>,
    },
}

/// The file of the command line. Its content tells the format, unless it is said to be bare items.
pub(crate) fn open(trip: &mut Trip, path: &Path, args: &SourceArgs, policy: CopyPolicy) -> Result<Sources, Failure> {
    let open = if args.map { Open::Map } else { Open::Read };
    let items = args.raw();
    let format = if items.is_some() {
        Format::Bin
    } else {
        Format::of_file(path)?
    };
    let mut sources = open_as(trip, path, (format, items.as_ref()), open, policy)?;
    if let Some(wanted) = &args.array {
        sources.keep(path, wanted)?;
    }
    if sources.arrays.is_empty() {
        return Err(Failure::Empty { path: path.to_owned() });
    }
    Ok(sources)
}

/// A file of a format that is known; bare items, if that is what they are.
pub(crate) fn open_as(
    trip: &mut Trip,
    path: &Path,
    (format, items): (Format, Option<&RawArray>),
    open: Open,
    policy: CopyPolicy,
) -> Result<Sources, Failure> {
    let mut remarks = BTreeMap::new();
    let arrays = match (format, items) {
        (Format::Npy, _) => vec![Source::unnamed(hops::open_npy(trip, path, open, policy)?)],
        (Format::Npz, _) => named(hops::open_npz(trip, path, open, policy)?),
        (Format::Safetensors, _) => {
            let file = hops::open_safetensors(trip, path, open, policy)?;
            remarks = file.metadata;
            named(file.tensors)
        }
        (Format::Arrow, _) => columns(&hops::open_arrow(trip, path, open, policy)?),
        (Format::Arrows, _) => columns(&hops::open_arrows(trip, path, open, policy)?),
        (Format::Tensor, _) => vec![Source::unnamed(hops::open_tensor(trip, path, open, policy)?)],
        (Format::Parquet, _) => columns(&hops::open_parquet(trip, path, policy)?),
        (Format::Bin, Some(items)) => vec![Source::unnamed(hops::open_raw(trip, path, open, policy, items)?)],
        (Format::Bin, None) => return Err(Failure::Empty { path: path.to_owned() }),
    };
    Ok(Sources { arrays, remarks })
}

impl Sources {
    pub(crate) fn names(&self) -> Vec<String> {
        self.arrays.iter().map(|array| array.name().to_owned()).collect()
    }

    /// Drops all arrays but one.
    fn keep(&mut self, path: &Path, wanted: &str) -> Result<(), Failure> {
        let path = || path.to_owned();
        if self.arrays.iter().any(|array| array.name.is_none()) {
            return Err(Failure::NoNames { path: path() });
        }
        let index = self.arrays.iter().position(|array| array.name() == wanted);
        let index = index.ok_or_else(|| Failure::NoArray {
            path: path(),
            names: self.names(),
        })?;
        self.arrays = vec![self.arrays.swap_remove(index)];
        Ok(())
    }
}

impl Source {
    fn unnamed(view: View) -> Self {
        let held = Held::View(view);
        Self { name: None, held }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(UNNAMED)
    }

    /// The array as a view, and as the Arrow column that it was, if that is in one piece.
    pub(crate) fn view(&self, trip: &mut Trip, policy: CopyPolicy) -> Result<(View, Option<Column>), Failure> {
        match &self.held {
            Held::View(view) => Ok((view.clone(), None)),
            Held::Column { field, pieces } => {
                let view = hops::from_batches(trip, field, pieces, policy)?;
                let column = match pieces.as_slice() {
                    [array] => Some((field.clone(), array.clone())),
                    _ => None,
                };
                Ok((view, column))
            }
        }
    }

    /// As [`view`](Self::view), each piece on its own, so that nothing is copied.
    pub(crate) fn piecewise(&self, trip: &mut Trip) -> Vec<Result<View, Failure>> {
        match &self.held {
            Held::View(view) => vec![Ok(view.clone())],
            Held::Column { field, pieces } => {
                let view = |piece: &ArrayRef| hops::from_arrow(trip, field, piece);
                pieces.iter().map(view).collect()
            }
        }
    }
}

fn named(views: Vec<NamedView<'static>>) -> Vec<Source> {
    let source = |NamedView { name, view }| Source {
        name: Some(name),
        held: Held::View(view),
    };
    views.into_iter().map(source).collect()
}

/// The columns of record batches. Without a batch there are none, because only a batch says what they are.
fn columns(batches: &[RecordBatch]) -> Vec<Source> {
    let Some(first) = batches.first() else {
        return Vec::new();
    };
    let schema = first.schema();
    let fields = schema.fields().iter().enumerate();
    let source = |(index, field): (usize, &FieldRef)| Source {
        name: Some(field.name().clone()),
        held: Held::Column {
            field: field.clone(),
            pieces: batches.iter().map(|batch| batch.column(index).clone()).collect(),
        },
    };
    fields.map(source).collect()
}
