//! Hops strung together.

use std::collections::BTreeMap;
use std::path::Path;

use viewbridge::{CopyPolicy, Error, Slice, StridedView};

use crate::cli::Args;
use crate::failure::Failure;
use crate::format::Format;
use crate::hops::{self, Open, Out};
use crate::sources::{self, Source, UNNAMED};
use crate::trip::Trip;
use crate::writing::{Array, Items, Target};

type View = StridedView<'static>;

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
    let column = hops::to_arrow(trip, view, UNNAMED, policy)?;
    let name = hops::name(arrow_path);
    let out = Out {
        path: arrow_path,
        name: &name,
    };
    hops::write_arrow(trip, &[column], out)?;
    let written = sources::open_as(trip, arrow_path, (Format::Arrow, None), Open::Map, policy)?;
    let [column] = written.arrays.as_slice() else {
        let path = arrow_path.to_owned();
        return Err(Failure::Empty { path });
    };
    let (view, _) = column.view(trip, policy)?;
    trip.arrive(&view)?;
    let view = hops::through_dlpack(trip, &view, policy)?;
    trip.arrive(&view)?;
    let array = Array {
        name: UNNAMED.to_owned(),
        items: Items::View(view.into(), None),
    };
    let target = Target {
        path: npy_path,
        format: Format::Npy,
        remarks: &BTreeMap::new(),
    };
    target.write_verified(std::slice::from_mut(trip), vec![array], policy)
}

/// A file of the user's: into another one, or round in memory. A trip for each array, and one in front for the file if there are several.
pub(crate) fn convert(args: &Args, input: &Path, trips: &mut Vec<Trip>) -> Result<(), Failure> {
    let policy = args.policy();
    let target = args.target(input)?;
    trips.push(Trip::new(input.display().to_string()));
    let sources = sources::open(&mut trips[0], input, &args.source, policy)?;
    let several = sources.arrays.len() > 1;
    let target = target.as_ref().map(|(path, format)| Target {
        path,
        format: *format,
        remarks: &sources.remarks,
    });
    if let Some(target) = target.as_ref().filter(|_| !args.skip_unsupported) {
        target.check_count(&sources.names())?;
    }
    let (mut arrays, mut left_out) = (Vec::new(), Vec::new());
    for source in &sources.arrays {
        if several {
            trips.push(Trip::new(source.name()));
        }
        let trip = trips.last_mut().expect("one for the file at least");
        match prepare(args, trip, source, target.as_ref()) {
            Ok(array) => arrays.push(array),
            Err(failure) if several && args.skip_unsupported && failure.is_unsupported() => {
                left_out.extend(trips.pop());
            }
            Err(failure) => return Err(failure.of_array(source.name()).one_of(sources.arrays.len())),
        }
    }
    let done = arrive(trips, target.as_ref(), arrays, policy);
    if done.is_ok() && several {
        trips[0].all_identical();
    }
    // Behind the others, so that what was done stands together.
    trips.extend(left_out.into_iter().map(Trip::left_out));
    done
}

/// To the file, or round in memory.
fn arrive(
    trips: &mut [Trip],
    target: Option<&Target<'_>>,
    arrays: Vec<Array>,
    policy: CopyPolicy,
) -> Result<(), Failure> {
    match target {
        Some(target) => {
            let names: Vec<String> = arrays.iter().map(|array| array.name.clone()).collect();
            target.check_count(&names)?;
            target.write_verified(trips, arrays, policy)
        }
        None => {
            let first = trips.len() - arrays.len();
            let views = arrays.iter().filter_map(|array| Some((&array.name, array.view()?)));
            trips[first..]
                .iter_mut()
                .zip(views)
                .try_for_each(|(trip, (name, view))| {
                    tour_in_memory(trip, view, policy).map_err(|failure| failure.of_array(name))
                })
        }
    }
}

/// An array as it is to be written: its view is what all others are compared with.
fn prepare(args: &Args, trip: &mut Trip, source: &Source, target: Option<&Target<'_>>) -> Result<Array, Failure> {
    let policy = args.policy();
    let name = source.name().to_owned();
    let (mut view, mut origin) = match source.view(trip, policy) {
        Err(failure) if failure.is_unsupported() && passes_through(args, target) => {
            let column = source.column(trip, policy).unwrap_or(Err(failure))?;
            let items = Items::Column(column);
            return Ok(Array { name, items });
        }
        seen => seen?,
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
    let items = Items::View(view.into(), origin);
    let array = Array { name, items };
    if let Some(target) = target {
        target.check(trip, &array, policy)?;
    }
    Ok(array)
}

/// Whether a column that no view shows can be written all the same: from Arrow to Arrow, by those who ask for no other form.
fn passes_through(args: &Args, target: Option<&Target<'_>>) -> bool {
    target.is_some_and(|target| target.format.is_arrow()) && args.order().is_none() && !args.storage
}

/// Arrow and back, DLPack and back. What one of them cannot express is skipped.
fn tour_in_memory(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<(), Failure> {
    for bridge in [through_arrow, hops::through_dlpack] {
        match bridge(trip, view, policy) {
            Ok(view) => trip.arrive(&view)?,
            Err(failure) if failure.is_refusal() => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn through_arrow(trip: &mut Trip, view: &View, policy: CopyPolicy) -> Result<View, Failure> {
    let (field, array) = hops::to_arrow(trip, view, UNNAMED, policy)?;
    hops::from_arrow(trip, &field, &array)
}

#[cfg(test)]
mod tests;
