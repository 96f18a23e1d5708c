//! Any bytes as an Arrow IPC file, stream or tensor message: batches that are valid throughout, or an error. What their metadata alone say is no other.
#![no_main]

use std::io::Cursor;
use std::panic::{self, catch_unwind};
use std::sync::{Mutex, PoisonError};

use arrow_array::{Array, RecordBatch};
use libfuzzer_sys::fuzz_target;
use viewbridge::arrow::{Column, Nulls};
use viewbridge::files::ipc::{self, ListedColumn};
use viewbridge::{Buffer, CopyPolicy, StridedView};

/// Items of a view that are still read.
const MANY: usize = 1 << 16;

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

// Arrow's decoder panics over broken files, and `read` catches that. The fuzzer's own hook aborts at any panic; in its place, only one that
// gets out of the target ends in a crash.
fuzz_target!(
    init: panic::set_hook(Box::new(|info| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    })),
    |data: &[u8]| {
        if catch_unwind(|| read(data)).is_err() {
            eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
            std::process::abort();
        }
    }
);

fn read(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), data).expect("room for a file");
    let (as_file, as_stream) = (ipc::read(file.path()), ipc::read_stream(file.path()));
    let described = [
        ipc::describe(Cursor::new(data)),
        ipc::describe_stream(Cursor::new(data)),
    ];
    for (batches, described) in [as_file, as_stream].into_iter().zip(described) {
        if let (Ok(batches), Ok(described)) = (&batches, &described) {
            described.iter().for_each(|column| compare(column, &batches.value));
        }
        match batches {
            Ok(batches) => batches.value.iter().for_each(check),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let (tensor, described) = (
        ipc::tensor_of(Buffer::from_vec(data.to_vec())),
        ipc::describe_tensor(Cursor::new(data)),
    );
    match (tensor, described) {
        (Ok(tensor), Ok((listed, names))) => {
            assert_eq!((&names, listed.layout().shape()), (&tensor.names, tensor.view.shape()));
            assert_eq!(listed.layout().strides(), tensor.view.strides());
            read_all(&tensor.view);
        }
        (Err(error), Err(other)) => assert_eq!(error.to_string(), other.to_string()),
        (tensor, described) => panic!("{tensor:?} but {described:?}"),
    }
}

/// A column that is described as a view is that view.
fn compare(described: &ListedColumn, batches: &[RecordBatch]) {
    let (Ok(listed), Some(batch)) = (&described.array, batches.get(described.batch)) else {
        return;
    };
    let schema = batch.schema();
    let found = schema.fields().iter().zip(batch.columns());
    let mut found = found.filter(|(field, _)| **field == described.field);
    let Some((field, array)) = found.next().filter(|_| found.next().is_none()) else {
        return;
    };
    if let Ok(column) = Column::from_field(field, array, Nulls::Separate) {
        let view = column.view();
        assert_eq!((listed.dtype(), listed.layout().shape()), (view.dtype(), view.shape()));
        assert!(view.is_empty() || listed.layout().strides() == view.strides());
    }
}

/// Every column is what Arrow allows, and every view of one can be read.
fn check(batch: &RecordBatch) {
    let schema = batch.schema();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        array.to_data().validate_full().expect("decoded");
        if let Ok(column) = Column::from_field(field, array, Nulls::Separate) {
            read_all(column.view());
            if let Some(validity) = column.row_validity() {
                read_all(&validity);
            }
        }
    }
}

fn read_all(view: &StridedView<'_>) {
    if view.nbytes() <= MANY {
        view.to_bytes(viewbridge::Order::C).expect("memory of our own");
        let _ = view.to_arrow(CopyPolicy::IfNeeded);
    }
}
