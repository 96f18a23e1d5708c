//! The integration files of the Arrow project: read, taken through a view and through C, and found unchanged.
//!
//! They are not in this repository. `ARROW_TEST_DATA` names the folder `data` of a checkout of `apache/arrow-testing`, as it does for every
//! implementation of Arrow; elsewhere the test says that it did not run. `tests/peers/arrow.py` has the same types out of pyarrow.
#![cfg(feature = "arrow")]
#![allow(unsafe_code, reason = "the interfaces of C")]

use std::path::{Path, PathBuf};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_data::ArrayData;
use arrow_schema::FieldRef;
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowSchema};
use viewbridge::arrow::{Column, Nulls, Parts};
use viewbridge::files::ipc;
use viewbridge::{ArrowFault, CopyPolicy, Error, Order, Slice};

/// All files below `folder` whose names end so, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Where the items are. An array without any has at most the one offset, which each library makes anew.
fn pointers(data: &ArrayData) -> Vec<*const u8> {
    let own = data.buffers().iter();
    let own = own.filter(|buffer| !buffer.is_empty() && !data.is_empty());
    let own = own.map(|buffer| buffer.as_ptr());
    own.chain(data.child_data().iter().flat_map(pointers)).collect()
}

/// Through the C Data Interface and back, with the same buffers.
fn through_c(field: &FieldRef, array: &ArrayRef) {
    let schema = ArrowSchema::from_field(field).unwrap();
    // SAFETY: the two belong together.
    let back = unsafe { ffi::import(&schema, ArrowArray::from_array(array).value) }.unwrap();
    assert!(back.is_shared(), "{}", back.report);
    assert_eq!((&back.value.0, &back.value.1), (field, array));
    assert_eq!(
        pointers(&back.value.1.to_data()),
        pointers(&array.to_data()),
        "{field:?}"
    );
}

/// As a view and back, whole and in part. `false` for types, or rows, that are no one view.
fn through_a_view(field: &FieldRef, array: &ArrayRef) -> bool {
    let column = match Column::from_field(field, array, Nulls::Separate) {
        Ok(column) => column,
        Err(Error::Arrow(
            ArrowFault::NoView { .. }
            | ArrowFault::Ragged { .. }
            | ArrowFault::Spacing { .. }
            | ArrowFault::Length { .. },
        )) => return false,
        Err(other) => panic!("{field:?}: {other}"),
    };
    assert_eq!((column.array(), column.field()), (array, field));
    let view = column.view();
    assert_eq!(view.shape()[0], array.len());
    let rebuilt = view.to_arrow(CopyPolicy::IfNeeded).unwrap().value;
    let rebuilt = Column::from_array(&rebuilt, Nulls::Forbid).unwrap();
    assert_eq!(
        rebuilt.view().to_bytes(Order::C).unwrap(),
        view.to_bytes(Order::C).unwrap()
    );
    if array.len() > 2 {
        let part = view.slice_axis(0, Slice::new(Some(1), Some(-1), 1)).unwrap();
        let part = column.with_view(&part, CopyPolicy::Never).unwrap().value;
        assert_eq!(part.array(), &array.slice(1, array.len() - 2));
    }
    true
}

/// What is the same in two lists of batches, which may be cut otherwise.
fn check_equal(file: &[RecordBatch], stream: &[RecordBatch], path: &Path) {
    assert_eq!(file.len(), stream.len(), "{}", path.display());
    // Some writers name the entries of a map anew in one of the two.
    if path.ends_with("generated_map_non_canonical.arrow_file") {
        return;
    }
    for (a, b) in file.iter().zip(stream) {
        assert_eq!(a.schema(), b.schema(), "{}", path.display());
        assert!(a == b, "{}", path.display());
    }
}

#[test]
fn arrows_own_files_come_through() {
    let Some(data) = std::env::var_os("ARROW_TEST_DATA") else {
        println!("skipped: ARROW_TEST_DATA names no folder");
        return;
    };
    let folder = Path::new(&data).join("arrow-ipc-stream/integration");
    let (mut read, mut columns, mut views, mut refused) = (0, 0, 0, Vec::new());
    for path in files(&folder, "arrow_file") {
        let batches = match (ipc::read(&path), ipc::read_stream(path.with_extension("stream"))) {
            (Ok(file), Ok(stream)) => {
                check_equal(&file.value, &stream.value, &path);
                file.value
            }
            (Err(error), _) | (_, Err(error)) => {
                refused.push(format!("{}: {error}", path.strip_prefix(&folder).unwrap().display()));
                continue;
            }
        };
        read += 1;
        for batch in &batches {
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                columns += 1;
                through_c(field, array);
                views += usize::from(through_a_view(field, array));
                let _ = Parts::of(field, array);
            }
        }
    }
    println!(
        "{read} files, {columns} columns, {views} of them views; refused:\n{}",
        refused.join("\n")
    );
    assert!(read >= 20 && views >= 100, "the folder holds the files");
    // Big-endian files are refused by name; compressed ones need a feature of arrow-rs.
    for refusal in &refused {
        let known = ["bigendian", "compression"];
        assert!(known.iter().any(|folder| refusal.contains(folder)), "{refusal}");
    }
}

/// What fuzzers have found in other implementations: an error, or batches that can be looked at.
#[test]
fn files_that_broke_others_are_errors() {
    let Some(data) = std::env::var_os("ARROW_TEST_DATA") else {
        println!("skipped: ARROW_TEST_DATA names no folder");
        return;
    };
    let (mut tried, mut read) = (0, 0);
    for folder in ["arrow-ipc-file", "arrow-ipc-stream", "arrow-ipc-tensor-stream"] {
        for entry in std::fs::read_dir(Path::new(&data).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            tried += 1;
            for batches in [ipc::read(&path), ipc::read_stream(&path)].into_iter().flatten() {
                read += 1;
                for batch in &batches.value {
                    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                        if let Ok(column) = Column::from_field(field, array, Nulls::Separate) {
                            column.view().to_bytes(Order::C).unwrap();
                        }
                    }
                }
            }
            if let Ok(tensor) = ipc::read_tensor(&path) {
                read += 1;
                tensor.value.view.to_bytes(Order::C).unwrap();
            }
        }
    }
    println!("{tried} files, {read} of them readable");
    assert!(tried > 10, "the folder holds the files");
}
