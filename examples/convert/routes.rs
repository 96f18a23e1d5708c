//! Hops strung together.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow_array::ArrayRef;
use arrow_schema::FieldRef;
use viewbridge::arrow::{Column, Nulls};
use viewbridge::files::{ipc, npy};
use viewbridge::{CopyPolicy, Error, Slice, StridedView};

use crate::cli::{Args, Format};
use crate::failure::Failure;
use crate::hops::{self, Open};
use crate::progress;
use crate::trip::Trip;

type View = StridedView<'static>;

/// An Arrow column as it is in a file: with its name, its dimension names, its nullability.
type Origin = (FieldRef, ArrayRef);

/// A file of the sample data, and what to look at of it.
struct Sample {
    name: &'static str,
    file: &'static str,
    select: fn(&View) -> Result<View, Error>,
}

/// 1797 images of 8 × 8 pixels.
const SAMPLES: [Sample; 9] = [
    Sample {
        name: "as stored",
        file: "digits_f64.npy",
        select: |images| Ok(images.clone()),
    },
    Sample {
        name: "rows and columns of each image swapped",
        file: "digits_f64.npy",
        select: |images| images.permute(&[0, 2, 1]),
    },
    Sample {
        name: "one axis of bytes",
        file: "digits_u8.npy",
        select: |images| images.reshape(&[images.len()]),
    },
    Sample {
        name: "transposed",
        file: "digits_f64.npy",
        select: |images| Ok(images.transpose()),
    },
    Sample {
        name: "last image first",
        file: "digits_f64.npy",
        select: |images| images.flip(0),
    },
    Sample {
        name: "every third image",
        file: "digits_f64.npy",
        select: |images| images.slice_axis(0, Slice::ALL.step_by(3)),
    },
    Sample {
        name: "first image, broadcast",
        file: "digits_f64.npy",
        select: |images| images.slice_axis(0, ..1)?.broadcast_to(&[1000, 8, 8]),
    },
    Sample {
        name: "column-major file",
        file: "digits_f64_fortran.npy",
        select: |images| Ok(images.clone()),
    },
    Sample {
        name: "big-endian file",
        file: "digits_f64_big_endian.npy",
        select: |images| Ok(images.clone()),
    },
];

/// Each sample: `.npy` file → view → Arrow → Arrow file → Arrow → view → DLPack → view → `.npy` file.
pub(crate) fn tour_of_samples(args: &Args, trips: &mut Vec<Trip>) -> Result<(), Failure> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let folder = tempfile::tempdir().map_err(|error| Failure::file(&std::env::temp_dir())(error.into()))?;
    for (number, sample) in SAMPLES.iter().enumerate() {
        trips.push(Trip::new(sample.name));
        let trip = trips.last_mut().expect("just pushed");
        let images = hops::open_npy(trip, &data.join(sample.file), Open::Map, args.policy())?;
        let view = (sample.select)(&images).map_err(Failure::file(&data))?;
        trip.arrive(&view)?;
        // Files of their own, because those of earlier trips may still be mapped.
        let file = |extension| folder.path().join(format!("{number}.{extension}"));
        tour_with_files(trip, &view, &file("arrow"), &file("npy"), args.policy())?;
    }
    Ok(())
}

fn tour_with_files(
    trip: &mut Trip,
    view: &View,
    arrow_path: &Path,
    npy_path: &Path,
    policy: CopyPolicy,
) -> Result<(), Failure> {
    let (field, array) = hops::to_arrow(trip, view, policy)?;
    hops::write_arrow(trip, &field, &array, arrow_path)?;
    let (view, _) = open_column(trip, arrow_path, Open::Map, policy, None)?;
    trip.arrive(&view)?;
    let view = hops::through_dlpack(trip, &view, policy)?;
    trip.arrive(&view)?;
    write_verified(trip, &view, None, npy_path, Format::Npy, policy)
}

/// A file of the user's: into another one, or round in memory.
pub(crate) fn convert(args: &Args, input: &Path, trips: &mut Vec<Trip>) -> Result<(), Failure> {
    let policy = args.policy();
    let target = args.target(input)?;
    let open = if args.map { Open::Map } else { Open::Read };
    trips.push(Trip::new(input.display().to_string()));
    let trip = trips.last_mut().expect("just pushed");

    let (mut view, mut origin) = match format_of(input)? {
        Format::Npy if args.column.is_some() => {
            let path = input.to_owned();
            return Err(Failure::NoColumns { path });
        }
        Format::Npy => (hops::open_npy(trip, input, open, policy)?, None),
        Format::Arrow => {
            let (view, origin) = open_column(trip, input, open, policy, args.column.as_deref())?;
            (view, Some(origin))
        }
    };
    if args.storage {
        view = view.into_storage();
    }
    if args.storage || args.order().is_some() || policy == CopyPolicy::Always {
        origin = None;
    }
    trip.arrive(&view)?;
    if let Some(order) = args.order() {
        view = hops::reorder(trip, &view, order, policy)?;
        trip.arrive(&view)?;
    }
    match target {
        None => tour_in_memory(trip, view, policy),
        Some((path, format)) => write_verified(trip, &view, origin, &path, format, policy),
    }
}

/// Arrow and back, DLPack and back. What one of them cannot express is skipped.
fn tour_in_memory(trip: &mut Trip, view: View, policy: CopyPolicy) -> Result<(), Failure> {
    for bridge in [through_arrow, hops::through_dlpack] {
        match bridge(trip, &view, policy) {
            Ok(view) => trip.arrive(&view)?,
            Err(failure) if failure.is_refusal() => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn through_arrow(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<View, Failure> {
    let (field, array) = hops::to_arrow(trip, view, policy)?;
    hops::from_arrow(trip, &field, &array)
}

/// Writes a file, reads it back and compares. The reading back is no hop of the trip. An `origin` that shows the same items goes into an
/// Arrow file as it is.
fn write_verified(
    trip: &mut Trip,
    view: &View,
    origin: Option<Origin>,
    path: &Path,
    format: Format,
    policy: CopyPolicy,
) -> Result<(), Failure> {
    match format {
        Format::Npy => hops::write_npy(trip, view, path, policy)?,
        Format::Arrow => {
            let (field, array) = match origin {
                Some(origin) => origin,
                None => hops::to_arrow(trip, view, policy)?,
            };
            hops::write_arrow(trip, &field, &array, path)?;
        }
    }
    let spinner = progress::spinner("reading the result back", view.nbytes());
    let written = read_back(path, format);
    spinner.finish_and_clear();
    trip.arrive(&written?)
}

fn read_back(path: &Path, format: Format) -> Result<View, Failure> {
    if format == Format::Npy {
        return Ok(npy::read(path).map_err(Failure::file(path))?.value);
    }
    let batches = ipc::read(path).map_err(Failure::file(path))?.value;
    let (field, array) = pick(path, &batches, None)?;
    let column = Column::from_field(&field, &array, Nulls::Forbid).map_err(Failure::file(path))?;
    Ok(column.into_view())
}

/// Arrow IPC file → Arrow → view of one column.
fn open_column(
    trip: &mut Trip,
    path: &Path,
    open: Open,
    policy: CopyPolicy,
    name: Option<&str>,
) -> Result<(View, Origin), Failure> {
    let batches = hops::open_arrow(trip, path, open, policy)?;
    let (field, array) = pick(path, &batches, name)?;
    let view = hops::from_arrow(trip, &field, &array)?;
    Ok((view, (field, array)))
}

/// The named column, or the first one, of a file with a single batch.
fn pick(path: &Path, batches: &[arrow_array::RecordBatch], name: Option<&str>) -> Result<Origin, Failure> {
    let path = || path.to_owned();
    let [batch] = batches else {
        let count = batches.len();
        return Err(Failure::Batches { path: path(), count });
    };
    let schema = batch.schema();
    let index = match name {
        Some(name) => schema.index_of(name).ok(),
        None => Some(0).filter(|_| batch.num_columns() > 0),
    };
    let names = || schema.fields().iter().map(|field| field.name().clone()).collect();
    let index = index.ok_or_else(|| Failure::NoColumn {
        path: path(),
        names: names(),
    })?;
    Ok((schema.fields()[index].clone(), batch.column(index).clone()))
}

fn format_of(path: &Path) -> Result<Format, Failure> {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut first));
    read.map_err(|error| Failure::file(path)(error.into()))?;
    let path = path.to_owned();
    Format::of_content(&first).ok_or(Failure::UnknownContent { path, first })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;
    use viewbridge::arrow::FixedShapeTensor;

    use super::*;

    #[test]
    fn an_arrow_column_keeps_its_field_on_the_way_into_arrow() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from.arrow", "to.arrow"].map(|name| folder.path().join(name));
        let view = StridedView::from_vec((0..12).collect::<Vec<i32>>())
            .reshape(&[2, 2, 3])
            .unwrap();
        let (field, array) = view.to_fixed_shape_tensor(CopyPolicy::Never).unwrap().value;
        let tensor = FixedShapeTensor::of_field(&field).unwrap().unwrap();
        let tensor = tensor.with_dim_names(vec!["y".into(), "x".into()]).unwrap();
        let field = field
            .as_ref()
            .clone()
            .with_name("images")
            .with_metadata(tensor.field_metadata());
        let file = File::create(&from).unwrap();
        ipc::write(file, &[(Arc::new(field.clone()), array)]).unwrap();

        let args = Args::parse_from([Path::new("convert"), &from, &to]);
        convert(&args, &from, &mut Vec::new()).unwrap();
        let batches = ipc::read(&to).unwrap().value;
        assert_eq!(batches[0].schema().field(0), &field);
    }
}
