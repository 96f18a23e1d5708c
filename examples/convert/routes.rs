//! Hops strung together.

use std::collections::BTreeMap;
use std::path::Path;

use viewbridge::{CopyPolicy, Error, Slice, StridedView};

use crate::cli::Args;
use crate::failure::Failure;
use crate::format::Format;
use crate::hops::{self, Open};
use crate::sources::{self, Source, UNNAMED};
use crate::trip::Trip;
use crate::writing::{Array, Target};

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
    hops::write_arrow(trip, &[column], arrow_path)?;
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
        view,
        origin: None,
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
    if let Some((path, format)) = &target
        && several
        && !format.holds_many()
    {
        return Err(Failure::Several {
            path: path.clone(),
            names: sources.names(),
        });
    }
    let mut arrays = Vec::new();
    for source in &sources.arrays {
        let name = source.name();
        if several {
            trips.push(Trip::new(name));
        }
        let trip = trips.last_mut().expect("one for the file at least");
        arrays.push(prepare(args, trip, source).map_err(|failure| failure.of_array(name))?);
    }
    match &target {
        None => {
            let first = trips.len() - arrays.len();
            for (trip, array) in trips[first..].iter_mut().zip(&arrays) {
                tour_in_memory(trip, &array.view, policy).map_err(|failure| failure.of_array(&array.name))?;
            }
        }
        Some((path, format)) => {
            let (format, remarks) = (*format, &sources.remarks);
            let target = Target { path, format, remarks };
            target.write_verified(trips, arrays, policy)?;
        }
    }
    if several {
        trips[0].all_identical();
    }
    Ok(())
}

/// An array as it is to be written: its view is what all others are compared with.
fn prepare(args: &Args, trip: &mut Trip, source: &Source) -> Result<Array, Failure> {
    let policy = args.policy();
    let (mut view, mut origin) = source.view(trip, policy)?;
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
    let name = source.name().to_owned();
    Ok(Array { name, view, origin })
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
mod tests {
    use std::fs::File;
    use std::path::PathBuf;
    use std::sync::Arc;

    use clap::Parser;
    use viewbridge::arrow::FixedShapeTensor;
    use viewbridge::files::{ipc, npz, safetensors};

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

    fn run(from: &Path, to: &Path, options: &[&str]) -> Result<Vec<Trip>, Failure> {
        let paths = [Path::new("convert"), from, to].map(|path| path.to_str().unwrap());
        let args = Args::parse_from(paths.iter().chain(options));
        let mut trips = Vec::new();
        convert(&args, from, &mut trips).map(|()| trips)
    }

    /// Of the same length, but for the third.
    fn archive(folder: &Path, count: usize) -> PathBuf {
        let path = folder.join("in.npz");
        let x = StridedView::from_vec((0..12).map(f64::from).collect())
            .reshape(&[3, 4])
            .unwrap();
        let y = StridedView::from_vec(vec![true, false, true]);
        let z = StridedView::from_vec(vec![7_u8; 5]);
        npz::write(
            &path,
            &[("x", &x), ("y", &y), ("z", &z)][..count],
            npz::Compression::Deflated,
        )
        .unwrap();
        path
    }

    #[test]
    fn all_arrays_go_round_through_all_formats_that_hold_several() {
        let folder = tempfile::tempdir().unwrap();
        let mut from = archive(folder.path(), 2);
        for name in ["a.arrow", "b.safetensors", "c.arrows", "d.npz"] {
            let to = folder.path().join(name);
            let trips = run(&from, &to, &[]).unwrap();
            assert_eq!(trips.len(), 3, "{name}");
            from = to;
        }
        let mut arrays = npz::read(&from).unwrap().value;
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!((arrays[0].name.as_str(), arrays[0].view.shape()), ("x", &[3, 4][..]));
        assert_eq!(arrays[1].view.to_vec::<bool>().unwrap(), [true, false, true]);
    }

    #[test]
    fn bare_items_are_what_the_command_line_says() {
        let folder = tempfile::tempdir().unwrap();
        let from = archive(folder.path(), 3);
        let [bin, back] = ["x.bin", "x.safetensors"].map(|name| folder.path().join(name));
        run(&from, &bin, &["--array", "x"]).unwrap();
        let options = [
            "--dtype",
            "<f8",
            "--shape",
            "2,4",
            "--offset",
            "32",
            "--stored-order",
            "f",
        ];
        run(&bin, &back, &options).unwrap();
        let tensors = safetensors::read(&back).unwrap().value;
        let expected: Vec<f64> = [4, 6, 8, 10, 5, 7, 9, 11].map(f64::from).into();
        assert_eq!(tensors.get(UNNAMED).unwrap().to_vec::<f64>().unwrap(), expected);
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused_before_a_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let from = archive(folder.path(), 3);
        for (name, code) in [
            ("a.arrow", 1),
            ("b.arrows", 1),
            ("c.npy", 1),
            ("d.bin", 1),
            ("e.parquet", 2),
            ("f.x", 2),
        ] {
            let to = folder.path().join(name);
            assert_eq!(run(&from, &to, &[]).unwrap_err().exit_code(), code, "{name}");
            assert!(!to.exists(), "{name}");
        }
        let to = folder.path().join("z.npy");
        assert!(matches!(run(&from, &to, &["--array", "w"]), Err(Failure::NoArray { names, .. }) if names.len() == 3));
        assert_eq!(
            run(&from, &to, &["--copy", "never", "--array", "z"])
                .unwrap_err()
                .exit_code(),
            3
        );
    }

    #[test]
    fn record_batches_become_one_array_and_the_trip_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["in.arrows", "out.npy"].map(|name| folder.path().join(name));
        let batch = |range: std::ops::Range<i32>| {
            let array = StridedView::from_vec(range.collect::<Vec<i32>>())
                .to_arrow(CopyPolicy::Never)
                .unwrap()
                .value;
            arrow_array::RecordBatch::try_from_iter([("n", array)]).unwrap()
        };
        let batches = [batch(0..3), batch(3..5)];
        ipc::write_stream(File::create(&from).unwrap(), &batches[0].schema(), &batches).unwrap();
        let trips = run(&from, &to, &[]).unwrap();
        assert_eq!(trips[0].rows[1].why, ["2 pieces put together"]);
        let view = viewbridge::files::npy::read(&to).unwrap().value;
        assert_eq!(view.to_vec::<i32>().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(
            run(&from, &to, &["--map", "--copy", "never"]).unwrap_err().exit_code(),
            3
        );
    }

    #[test]
    fn parquet_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["in.parquet", "out.npz"].map(|name| folder.path().join(name));
        let column = |k: i64| -> arrow_array::ArrayRef { Arc::new(arrow_array::Int64Array::from(vec![k, k + 1])) };
        let batch = arrow_array::RecordBatch::try_from_iter([("a", column(1)), ("b", column(5))]).unwrap();
        let file = File::create(&from).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();

        run(&from, &to, &[]).unwrap();
        let arrays = npz::read(&to).unwrap().value;
        assert_eq!(arrays[1].view.to_vec::<i64>().unwrap(), [5, 6]);
        assert_eq!(
            run(&from, &to, &["--map", "--copy", "never"]).unwrap_err().exit_code(),
            3
        );
    }
}
