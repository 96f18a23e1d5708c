//! Any bytes as an Arrow IPC file: batches that are valid throughout, or an error.
#![no_main]

use std::panic::{self, catch_unwind};
use std::sync::{Mutex, PoisonError};

use arrow_array::{Array, RecordBatch};
use libfuzzer_sys::fuzz_target;
use viewbridge::arrow::{Column, Nulls};
use viewbridge::files::ipc;
use viewbridge::{CopyPolicy, StridedView};

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
    match ipc::read(file.path()) {
        Ok(batches) => batches.value.iter().for_each(check),
        Err(error) => assert!(!error.to_string().is_empty()),
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
