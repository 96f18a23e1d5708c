//! Whole conversions, as the command line asks for them.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use viewbridge::arrow::FixedShapeTensor;
use viewbridge::files::{ipc, npz, safetensors};

use super::*;
use crate::trip::{Check, Outcome};

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

/// Two columns that are views, and two that no view shows.
fn table(folder: &Path) -> PathBuf {
    use arrow_array::{ArrayRef, Int64Array, StringViewArray};

    let path = folder.join("table.arrow");
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("text", Arc::new(StringViewArray::from(vec!["a", "b", "c"]))),
        ("some", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("m", Arc::new(Int64Array::from(vec![4, 5, 6]))),
    ];
    let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
    let fields = batch.schema().fields().iter().cloned().collect::<Vec<_>>();
    let columns: Vec<_> = fields.into_iter().zip(batch.columns().iter().cloned()).collect();
    ipc::write(File::create(&path).unwrap(), &columns).unwrap();
    path
}

#[test]
fn what_no_view_shows_is_an_error_that_names_the_column_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (table(folder.path()), folder.path().join("out.npz"));
    let failure = run(&from, &to, &[]).unwrap_err();
    let said = failure.to_string();
    assert!(
        said.starts_with("text: ") && said.contains("--skip-unsupported"),
        "{said}"
    );
    assert_eq!(failure.exit_code(), 1);
    assert!(!to.exists());

    let trips = run(&from, &to, &["--skip-unsupported"]).unwrap();
    let names: Vec<&str> = trips.iter().map(|trip| trip.name.as_str()).collect();
    assert_eq!(names[1..], ["n", "m", "text (left out)", "some (left out)"]);
    let arrays = npz::read(&to).unwrap().value;
    assert_eq!(
        arrays.iter().map(|array| array.name.as_str()).collect::<Vec<_>>(),
        ["n", "m"]
    );

    // One array more than the format holds, and none at all.
    let one = folder.path().join("out.npy");
    let several = run(&from, &one, &["--skip-unsupported"]);
    assert!(matches!(several, Err(Failure::Several { names, .. }) if names == ["n", "m"]));
    let only = run(&from, &one, &["--skip-unsupported", "--array", "text"]);
    assert!(matches!(only, Err(Failure::Hop { .. })));
}

/// From Arrow to Arrow nothing is lost, whether or not a view shows it.
#[test]
fn what_no_view_shows_goes_from_arrow_to_arrow_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let from = table(folder.path());
    let [stream, back] = ["out.arrows", "back.arrow"].map(|name| folder.path().join(name));
    run(&from, &stream, &[]).unwrap();
    let trips = run(&stream, &back, &["--copy", "never", "--map"]).unwrap();
    let text = trips.iter().find(|trip| trip.name == "text").unwrap();
    let outcomes: Vec<_> = text.rows.iter().map(|row| (row.outcome, row.check)).collect();
    assert_eq!(
        outcomes,
        [(Outcome::Refused, Check::Nothing), (Outcome::Shared, Check::Identical)]
    );
    let [before, after] = [&from, &back].map(|path| ipc::read(path).unwrap().value);
    assert_eq!(before, after);

    // One other form was asked for, which such columns have not.
    let ordered = folder.path().join("ordered.arrow");
    assert!(run(&from, &ordered, &["--order", "c"]).is_err());
}

/// Arrow's own stream of several batches becomes one batch, so that the columns are put together.
#[test]
fn what_no_view_shows_is_put_together_from_several_batches() {
    use arrow_array::{RecordBatch, StringArray};

    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in.arrows", "out.arrow"].map(|name| folder.path().join(name));
    let batch = |items: Vec<Option<&str>>| {
        RecordBatch::try_from_iter_with_nullable([("s", Arc::new(StringArray::from(items)) as _, true)]).unwrap()
    };
    let batches = [batch(vec![Some("x"), None]), batch(vec![Some("zz")])];
    ipc::write_stream(File::create(&from).unwrap(), &batches[0].schema(), &batches).unwrap();
    let forbidden = run(&from, &to, &["--copy", "never", "--map"]).unwrap_err();
    assert!(forbidden.to_string().contains("2 pieces"), "{forbidden}");
    let trips = run(&from, &to, &[]).unwrap();
    assert!(
        trips[0]
            .rows
            .iter()
            .any(|row| row.outcome == Outcome::Copied && row.why == ["2 pieces put together"])
    );
    let expected = batch(vec![Some("x"), None, Some("zz")]);
    assert_eq!(ipc::read(&to).unwrap().value, [expected]);
}

#[test]
fn what_a_format_has_no_word_for_is_left_out_likewise() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in.safetensors", "out.npz"].map(|name| folder.path().join(name));
    let half = StridedView::from_vec(vec![0_u16; 2])
        .view_as(viewbridge::DType::BF16)
        .unwrap();
    let whole = StridedView::from_vec(vec![1_i32, 2]);
    safetensors::write(&from, &[("half", &half), ("whole", &whole)], []).unwrap();
    assert!(run(&from, &to, &[]).unwrap_err().to_string().starts_with("half: "));
    assert!(!to.exists());
    run(&from, &to, &["--skip-unsupported"]).unwrap();
    assert_eq!(npz::read(&to).unwrap().value[0].name, "whole");
}

/// Nothing is written before everything is known, and what was there stays.
#[test]
fn a_forbidden_copy_leaves_the_file_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("in.npy");
    let columns = StridedView::from_vec((0..12).collect::<Vec<i32>>())
        .reshape(&[3, 4])
        .unwrap()
        .transpose();
    viewbridge::files::npy::write(&from, &columns).unwrap();
    for name in ["out.safetensors", "out.bin", "out.arrow", "out.arrows"] {
        let to = folder.path().join(name);
        std::fs::write(&to, "before").unwrap();
        let options = ["--map", "--copy", "never"];
        assert_eq!(run(&from, &to, &options).unwrap_err().exit_code(), 3, "{name}");
        assert_eq!(std::fs::read(&to).unwrap(), b"before");
        run(&from, &to, &["--map"]).unwrap();
        assert!(std::fs::read(&to).unwrap().len() > 47);
    }
    for name in ["out.npy", "out.npz", "out.tensor"] {
        run(&from, &folder.path().join(name), &["--map", "--copy", "never"]).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 8);
}

#[test]
fn tensor_messages_are_told_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in.tensor", "out.npy"].map(|name| folder.path().join(name));
    let view = StridedView::from_vec(vec![1.5_f32, 2.5, 3.5, 4.5])
        .reshape(&[2, 2])
        .unwrap();
    ipc::write_tensor(File::create(&from).unwrap(), &view.transpose(), &[]).unwrap();
    run(&from, &to, &[]).unwrap();
    let back = viewbridge::files::npy::read(&to).unwrap().value;
    assert_eq!(back.to_vec::<f32>().unwrap(), [1.5, 3.5, 2.5, 4.5]);
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
