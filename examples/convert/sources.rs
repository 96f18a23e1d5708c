//! The arrays of a file, whatever its format.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use arrow_data::ArrayData;
use arrow_data::transform::MutableArrayData;
use arrow_schema::FieldRef;
use viewbridge::files::NamedView;
use viewbridge::files::raw::RawArray;
use viewbridge::{Converted, CopyPolicy, CopyReason, StridedView};

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

    /// The Arrow column, as it is; `None` if the array is none.
    pub(crate) fn column(&self, trip: &mut Trip, policy: CopyPolicy) -> Option<Result<Column, Failure>> {
        match &self.held {
            Held::View(_) => None,
            Held::Column { field, pieces } => {
                let array = in_one_piece(trip, pieces, policy);
                Some(array.map(|array| (field.clone(), array)))
            }
        }
    }

    /// Whether this is the column, its description included.
    pub(crate) fn is_column(&self, (field, array): &Column) -> bool {
        matches!(&self.held, Held::Column { field: own, pieces } if own == field && matches!(pieces.as_slice(), [piece] if piece == array))
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

/// A column in the pieces of several record batches → one array, whether or not a view can show it. A copy, if there are several.
fn in_one_piece(trip: &mut Trip, pieces: &[ArrayRef], policy: CopyPolicy) -> Result<ArrayRef, Failure> {
    if let [array] = pieces {
        return trip.hop("Arrow → Arrow", 0, || Ok(Converted::shared(array.clone())));
    }
    let bytes = pieces.iter().map(|piece| piece.get_buffer_memory_size()).sum();
    let reasons = [CopyReason::Gathered { pieces: pieces.len() }];
    let route = format!("{} record batches → Arrow", pieces.len());
    if let Err(error) = hops::allow(policy, "one array of all record batches", bytes, &reasons) {
        return trip.hop(route, 0, || Err(error));
    }
    trip.decode(route, bytes, &reasons, || {
        let data: Vec<ArrayData> = pieces.iter().map(|piece| piece.to_data()).collect();
        let mut joined = MutableArrayData::new(data.iter().collect(), false, data.iter().map(ArrayData::len).sum());
        for (index, piece) in data.iter().enumerate() {
            joined.try_extend(index, 0, piece.len())?;
        }
        let array = make_array(joined.freeze());
        let bytes = array.get_buffer_memory_size();
        Ok((array, bytes))
    })
}
