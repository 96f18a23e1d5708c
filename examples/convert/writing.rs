//! Arrays into a file, which is read back and compared.

use std::collections::BTreeMap;
use std::path::Path;

use viewbridge::files::raw::RawArray;
use viewbridge::{Converted, CopyPolicy, DType, Kind, StridedView};

use crate::failure::Failure;
use crate::format::Format;
use crate::hops::{self, Column, Open, Out};
use crate::progress;
use crate::sources::{self, Source};
use crate::staged::Staged;
use crate::trip::Trip;

type View = StridedView<'static>;

/// An array to be written.
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) items: Items,
}

pub(crate) enum Items {
    /// A view, and the Arrow column that shows the same items, if there is one: it goes into an Arrow file as it is.
    View(Box<View>, Option<Column>),
    /// An Arrow column that no view shows, which only an Arrow file takes.
    Column(Column),
}

impl Array {
    pub(crate) fn view(&self) -> Option<&View> {
        match &self.items {
            Items::View(view, _) => Some(view),
            Items::Column(_) => None,
        }
    }
}

/// A file to write.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a Path,
    pub(crate) format: Format,
    /// For a format that has a place for them.
    pub(crate) remarks: &'a BTreeMap<String, String>,
}

impl Target<'_> {
    /// Whether the format has a word for an array, and the policy lets it be written. The hop is noted only if it will not happen.
    pub(crate) fn check(&self, trip: &mut Trip, array: &Array, policy: CopyPolicy) -> Result<(), Failure> {
        let view = match &array.items {
            Items::Column(_) => return Ok(()),
            Items::View(_, Some(_)) if self.format.is_arrow() => return Ok(()),
            Items::View(view, _) => view,
        };
        match hops::check(view, self.format, policy) {
            Ok(()) => Ok(()),
            refused => trip.hop(format!("view → {}", self.name()), 0, || {
                refused.map(Converted::shared)
            }),
        }
    }

    /// Whether the format holds so many arrays.
    pub(crate) fn check_count(&self, names: &[String]) -> Result<(), Failure> {
        let path = || self.path.to_owned();
        if names.is_empty() {
            return Err(Failure::NothingLeft { path: path() });
        }
        if names.len() > 1 && !self.format.holds_many() {
            let names = names.to_vec();
            return Err(Failure::Several { path: path(), names });
        }
        Ok(())
    }

    fn name(&self) -> String {
        hops::name(self.path)
    }

    /// Writes a file, reads it back and compares. Only then it gets its name. The reading back is no hop of the trips: one for each array, and one in front for the file if there
    /// are several.
    pub(crate) fn write_verified(
        &self,
        trips: &mut [Trip],
        arrays: Vec<Array>,
        policy: CopyPolicy,
    ) -> Result<(), Failure> {
        let first = trips.len() - arrays.len();
        // What shows the items in the file: without it, there is no knowing what bare items are.
        let items = arrays.first().and_then(Array::view).map(bare);
        let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
        let (staged, name) = (Staged::new(self.path)?, self.name());
        let out = Out {
            path: staged.path(),
            name: &name,
        };
        if self.format.is_arrow() {
            self.write_columns(trips, &arrays, policy, out)?;
        } else {
            self.write_views(&mut trips[0], &arrays, out)?;
        }
        let mut reading = Trip::new("reading back");
        let spinner = progress::spinner("reading the result back", hops::size_of_file(out.path));
        let file = (self.format, items.as_ref());
        let written = sources::open_as(&mut reading, out.path, file, Open::Read, CopyPolicy::IfNeeded);
        spinner.finish_and_clear();
        let mut written = written?.arrays;
        if self.format == Format::Safetensors {
            // They stand in an order of the format's own.
            written.sort_by_key(|source| names.iter().position(|known| *known == source.name()));
        }
        if self.format.holds_many() && !written.iter().map(Source::name).eq(names) {
            let route = format!("reading {} back", self.path.display());
            return Err(Failure::Different { route });
        }
        for (trip, (array, source)) in trips[first..].iter_mut().zip(arrays.iter().zip(&written)) {
            let arrived = match &array.items {
                Items::Column(column) => trip.arrive_unseen(source.is_column(column)),
                Items::View(..) => source
                    .view(&mut reading, CopyPolicy::IfNeeded)
                    .and_then(|(view, _)| trip.arrive(&view)),
            };
            arrived.map_err(|failure| failure.of_array(&array.name))?;
        }
        staged.keep()
    }

    fn write_columns(
        &self,
        trips: &mut [Trip],
        arrays: &[Array],
        policy: CopyPolicy,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        let first = trips.len() - arrays.len();
        let mut columns = Vec::new();
        for (trip, array) in trips[first..].iter_mut().zip(arrays) {
            let column = match &array.items {
                Items::Column(column) | Items::View(_, Some(column)) => Ok(column.clone()),
                Items::View(view, None) => hops::to_arrow(trip, view, &array.name, policy),
            };
            columns.push(column.map_err(|failure| failure.of_array(&array.name))?);
        }
        let lengths = || columns.iter().map(|(_, array)| array.len());
        if lengths().any(|len| Some(len) != lengths().next()) {
            let names = columns.iter().map(|(field, _)| field.name().clone());
            return Err(Failure::Lengths {
                path: self.path.to_owned(),
                lengths: names.zip(lengths()).collect(),
            });
        }
        match self.format {
            Format::Arrows => hops::write_arrows(&mut trips[0], &columns, out),
            _ => hops::write_arrow(&mut trips[0], &columns, out),
        }
    }

    fn write_views(&self, trip: &mut Trip, arrays: &[Array], out: Out<'_>) -> Result<(), Failure> {
        let views = arrays
            .iter()
            .filter_map(|array| Some((array.name.as_str(), array.view()?)));
        let views: Vec<(&str, &View)> = views.collect();
        match (self.format, views.as_slice()) {
            (Format::Npz, views) => hops::write_npz(trip, views, out),
            (Format::Safetensors, views) => hops::write_safetensors(trip, views, self.remarks, out),
            (Format::Npy, [(_, view)]) => hops::write_npy(trip, view, out),
            (Format::Tensor, [(_, view)]) => hops::write_tensor(trip, view, out),
            (Format::Bin, [(_, view)]) => hops::write_raw(trip, view, out),
            (Format::Parquet, _) => Err(Failure::OnlyRead {
                path: self.path.to_owned(),
            }),
            (_, views) => Err(Failure::Several {
                path: self.path.to_owned(),
                names: views.iter().map(|(name, _)| (*name).to_owned()).collect(),
            }),
        }
    }
}

/// What the bare items of a view are: bits come as bytes.
fn bare(view: &View) -> RawArray {
    let dtype = match view.dtype().kind() {
        Kind::Bool => DType::BOOL,
        _ => view.dtype().clone(),
    };
    let items = RawArray::new(dtype).shape(view.shape());
    match view.logical() {
        Some(logical) => items.logical(logical.clone()),
        None => items,
    }
}
