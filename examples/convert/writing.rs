//! Arrays into a file, which is read back and compared.

use std::collections::BTreeMap;
use std::path::Path;

use viewbridge::files::raw::RawArray;
use viewbridge::{Converted, CopyPolicy, DType, Kind, StridedView};

use crate::failure::Failure;
use crate::format::Format;
use crate::hops::{self, Column, Open, Out};
use crate::progress;
use crate::sources;
use crate::staged::Staged;
use crate::trip::Trip;

type View = StridedView<'static>;

/// An array to be written.
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) view: View,
    /// The Arrow column that shows the same items, which goes into an Arrow file as it is.
    pub(crate) origin: Option<Column>,
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
        if array.origin.is_some() && self.format.is_arrow() {
            return Ok(());
        }
        match hops::check(&array.view, self.format, policy) {
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
        let items = arrays.first().map(|array| bare(&array.view));
        let names: Vec<String> = arrays.iter().map(|array| array.name.clone()).collect();
        let (staged, name) = (Staged::new(self.path)?, self.name());
        let out = Out {
            path: staged.path(),
            name: &name,
        };
        if self.format.is_arrow() {
            self.write_columns(trips, arrays, policy, out)?;
        } else {
            self.write_views(&mut trips[0], &arrays, out)?;
        }
        let spinner = progress::spinner("reading the result back", hops::size_of_file(out.path));
        let written = self.read_back(out.path, items.as_ref());
        spinner.finish_and_clear();
        let mut written = written?;
        if self.format == Format::Safetensors {
            // They stand in an order of the format's own.
            written.sort_by_key(|(name, _)| names.iter().position(|known| known == name));
        }
        let route = || format!("reading {} back", self.path.display());
        if self.format.holds_many() && !written.iter().map(|(name, _)| name).eq(&names) {
            return Err(Failure::Different { route: route() });
        }
        for (trip, (name, view)) in trips[first..].iter_mut().zip(&written) {
            trip.arrive(view).map_err(|failure| failure.of_array(name))?;
        }
        staged.keep()
    }

    fn write_columns(
        &self,
        trips: &mut [Trip],
        arrays: Vec<Array>,
        policy: CopyPolicy,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        let first = trips.len() - arrays.len();
        let mut columns = Vec::new();
        for (trip, array) in trips[first..].iter_mut().zip(arrays) {
            let column = match array.origin {
                Some(origin) => Ok(origin),
                None => hops::to_arrow(trip, &array.view, &array.name, policy),
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
        let views: Vec<(&str, &View)> = arrays.iter().map(|array| (array.name.as_str(), &array.view)).collect();
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

    fn read_back(&self, path: &Path, items: Option<&RawArray>) -> Result<Vec<(String, View)>, Failure> {
        let mut trip = Trip::new("reading back");
        let policy = CopyPolicy::IfNeeded;
        let written = sources::open_as(&mut trip, path, (self.format, items), Open::Read, policy)?;
        let view = |source: &sources::Source| Ok((source.name().to_owned(), source.view(&mut trip, policy)?.0));
        written.arrays.iter().map(view).collect()
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
