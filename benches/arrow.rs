//! Arrow: what handing arrays over costs beside arrow-rs, and the passes over bytes that Arrow needs beside a memcpy.
//!
//! `cargo bench -p viewbridge-benches --bench arrow [-- handing-over memory bits nulls columns]`; with `VIEWBRIDGE_PYTHON` naming an interpreter that has pyarrow and polars, their part of the race
//! follows (`arrow.py`). R is the time over that of a memcpy of the same output; destinations are warm unless they are said to be fresh.
//!
//! # Safety
//!
//! The interfaces of C are unsafe: each pair of structs was exported together, and is taken once.
#![allow(unsafe_code, reason = "the interfaces of C are unsafe")]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::ffi::{from_ffi, to_ffi};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, RecordBatch, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowSchema};
use viewbridge::arrow::{Column, Matrix, Nulls};
use viewbridge::convert::{Packing, Requirements};
use viewbridge::{CopyPolicy, StridedView};
use viewbridge_benches::{Contender, minima};

fn main() {
    let parts: [(&str, fn()); 5] = [
        ("handing-over", handing_over),
        ("memory", array_of_a_view),
        ("bits", bits),
        ("nulls", nulls),
        ("columns", columns),
    ];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            run();
        }
    }
    if let Some(python) = std::env::var_os("VIEWBRIDGE_PYTHON") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/arrow.py");
        Command::new(python).arg(script).status().expect("the interpreter runs");
    }
}

/// Runs the contenders in turn; R is relative to the first.
fn race(job: &str, mut contenders: Vec<Contender<'_>>) {
    let best = minima(&mut contenders, 25, Duration::from_secs(4));
    println!("{job}");
    for (contender, time) in contenders.iter().zip(&best) {
        println!("  {:<44} {time:>14.1} ns   R {:>6.2}", contender.name(), time / best[0]);
    }
    println!();
}

fn list(rows: i32) -> ArrayRef {
    let items: ArrayRef = Arc::new(Int32Array::from((0..rows * 8).collect::<Vec<_>>()));
    let item = Arc::new(Field::new_list_field(DataType::Int32, false));
    Arc::new(FixedSizeListArray::new(item, 8, items, None))
}

fn handing_over() {
    let number: ArrayRef = Arc::new(Int32Array::from((0..4096).collect::<Vec<_>>()));
    for (kind, array) in [("Int32", number), ("FixedSizeList", list(512))] {
        let field = Field::new("", array.data_type().clone(), false);
        let column = Column::from_array(&array, Nulls::Forbid).expect("no nulls");
        race(
            &format!("C export and release, {kind}"),
            vec![
                Contender::new("arrow-rs: to_ffi", || {
                    black_box(to_ffi(&black_box(&array).to_data()).expect("exported"));
                }),
                Contender::new("viewbridge: of an array", || {
                    let schema = ArrowSchema::from_field(black_box(&field)).expect("exported");
                    black_box((schema, ArrowArray::from_array(black_box(&array)).value));
                }),
                Contender::new("viewbridge: of a view", || {
                    black_box(
                        black_box(column.view())
                            .to_arrow_c(CopyPolicy::Never)
                            .expect("exported")
                            .value,
                    );
                }),
            ],
        );
        race(
            &format!("C export, import, release, {kind}"),
            vec![
                Contender::new("arrow-rs", || {
                    let (array, schema) = to_ffi(&black_box(&array).to_data()).expect("exported");
                    // SAFETY: exported together.
                    black_box(make_array(unsafe { from_ffi(array, &schema) }.expect("imported")));
                }),
                Contender::new("viewbridge", || {
                    let schema = ArrowSchema::from_field(black_box(&field)).expect("exported");
                    let array = ArrowArray::from_array(black_box(&array)).value;
                    // SAFETY: exported together.
                    black_box(unsafe { ffi::import(&schema, array) }.expect("imported").value);
                }),
            ],
        );
    }
}

fn array_of_a_view() {
    let view = StridedView::from_vec(vec![0_f32; 4096]);
    let matrix = view.reshape(&[64, 64]).expect("as many items");
    let owner = Arc::new(vec![0_f32; 4096]);
    race(
        "Arrow over existing memory",
        vec![
            Contender::new("arrow-rs: buffer over an Arc", || {
                let owner = black_box(&owner);
                let ptr = std::ptr::NonNull::new(owner.as_ptr().cast_mut().cast()).expect("a vector");
                // SAFETY: the owner keeps the data alive.
                let buffer = unsafe { Buffer::from_custom_allocation(ptr, 4096 * 4, Arc::<Vec<f32>>::clone(owner)) };
                black_box(&buffer);
            }),
            Contender::new("viewbridge: buffer of a view", || {
                black_box(&black_box(&view).to_arrow_buffer(CopyPolicy::Never).expect("shared"));
            }),
            Contender::new("arrow-rs: array over an Arc", || {
                let owner = black_box(&owner);
                let ptr = std::ptr::NonNull::new(owner.as_ptr().cast_mut().cast()).expect("a vector");
                // SAFETY: the owner keeps the data alive.
                let buffer = unsafe { Buffer::from_custom_allocation(ptr, 4096 * 4, Arc::<Vec<f32>>::clone(owner)) };
                let array: ArrayRef = Arc::new(Float32Array::new(ScalarBuffer::from(buffer), None));
                black_box(&array);
            }),
            Contender::new("viewbridge: array of a view", || {
                black_box(&black_box(&view).to_arrow(CopyPolicy::Never).expect("shared"));
            }),
            Contender::new("arrow-rs: lists over an Arc", || {
                let owner = black_box(&owner);
                let ptr = std::ptr::NonNull::new(owner.as_ptr().cast_mut().cast()).expect("a vector");
                // SAFETY: the owner keeps the data alive.
                let buffer = unsafe { Buffer::from_custom_allocation(ptr, 4096 * 4, Arc::<Vec<f32>>::clone(owner)) };
                let items: ArrayRef = Arc::new(Float32Array::new(ScalarBuffer::from(buffer), None));
                let item = Arc::new(Field::new_list_field(DataType::Float32, false));
                let array: ArrayRef = Arc::new(FixedSizeListArray::new(item, 64, items, None));
                black_box(&array);
            }),
            Contender::new("viewbridge: lists of a matrix", || {
                black_box(&black_box(&matrix).to_arrow(CopyPolicy::Never).expect("shared"));
            }),
            Contender::new("viewbridge: view of an array", {
                let array = view.to_arrow(CopyPolicy::Never).expect("shared").value;
                move || {
                    black_box(&Column::from_array(black_box(&array), Nulls::Forbid).expect("numbers"));
                }
            }),
        ],
    );
}

const BITS: usize = 100_000_000;

fn memcpy<'a>(from: &'a [u8], to: &'a mut [u8]) -> Contender<'a> {
    Contender::new("memcpy", move || {
        black_box(&mut *to).copy_from_slice(black_box(from));
    })
}

fn bits() {
    let bools: Vec<bool> = (0..BITS).map(|k| k % 3 == 0).collect();
    let packed = BooleanArray::from(bools.clone());
    let bytes = StridedView::from_vec(bools.clone());
    let source: Vec<u8> = vec![1; BITS];
    let mut target = vec![0; BITS];
    let mut warm = vec![MaybeUninit::new(false); BITS];
    let view = Column::from_array(&packed, Nulls::Forbid).expect("bits").into_view();
    race(
        "bits to bool bytes, 100 M",
        vec![
            memcpy(&source, &mut target),
            Contender::new("viewbridge: copy_into_slice", || {
                black_box(black_box(&view).copy_into_slice::<bool>(&mut warm).expect("memory"));
            }),
            Contender::new("viewbridge: to_vec (fresh memory)", || {
                black_box(black_box(&view).to_vec::<bool>().expect("memory"));
            }),
            Contender::new("arrow-rs: values().iter().collect() (fresh)", || {
                black_box(black_box(packed.values()).iter().collect::<Vec<bool>>());
            }),
        ],
    );
    let mut target = vec![0; BITS];
    let mut warm = vec![MaybeUninit::new(0); BITS / 8];
    const AS_BITS: Requirements = Requirements::any("bits").packing(Packing::BoolBits);
    race(
        "bool bytes to bits, 100 M (R to as many bytes)",
        vec![
            memcpy(&source, &mut target),
            Contender::new("viewbridge: convert_into", || {
                let bits = black_box(&bytes).convert_into(&AS_BITS, CopyPolicy::IfNeeded, &mut warm);
                black_box(bits.expect("memory").value);
            }),
            Contender::new("viewbridge: to_arrow (fresh memory)", || {
                black_box(black_box(&bytes).to_arrow(CopyPolicy::IfNeeded).expect("memory").value);
            }),
            Contender::new("arrow-rs: BooleanBuffer::from (fresh)", || {
                black_box(BooleanBuffer::from(black_box(&bools[..])));
            }),
        ],
    );
}

fn nulls() {
    const N: usize = 8 << 20;
    let values: Vec<f64> = vec![1.5; N];
    let valid: Vec<bool> = (0..N).map(|k| k.wrapping_mul(2_654_435_761) & 64 != 0).collect();
    let array = Float64Array::new(ScalarBuffer::from(values), Some(NullBuffer::from(valid)));
    let column = Column::from_array(&array, Nulls::Separate).expect("numbers");
    let source = vec![1_u8; N * 8];
    let mut target = vec![0; N * 8];
    let mut warm = vec![MaybeUninit::new(0.0); N];
    race(
        "null fill, 8 Mi f64, half of them null",
        vec![
            memcpy(&source, &mut target),
            Contender::new("viewbridge: filled_into_slice", || {
                black_box(column.filled_into_slice(0.0_f64, &mut warm).expect("memory"));
            }),
            Contender::new("viewbridge: filled (fresh memory)", || {
                black_box(column.filled(0.0_f64).expect("memory").value);
            }),
            Contender::new("arrow-rs: iter().map(unwrap_or).collect() (fresh)", || {
                black_box(
                    black_box(&array)
                        .iter()
                        .map(|item| item.unwrap_or(0.0))
                        .collect::<Vec<f64>>(),
                );
            }),
        ],
    );
}

fn columns() {
    const ROWS: usize = 1_000_000;
    const COLUMNS: usize = 16;
    let column = |k: usize| -> ArrayRef {
        // Behind each other with gaps that differ, so that nobody finds them equally spaced.
        let mut values = Vec::with_capacity(ROWS + 8 * k);
        values.resize(ROWS, 1.5_f64);
        Arc::new(Float64Array::from(values))
    };
    let batch = RecordBatch::try_from_iter((0..COLUMNS).map(|k| (k.to_string(), column(k)))).expect("equal lengths");
    let source = vec![1_u8; ROWS * COLUMNS * 8];
    let mut target = vec![0; ROWS * COLUMNS * 8];
    let mut warm = vec![MaybeUninit::new(0); ROWS * COLUMNS * 8];
    let mut loops = vec![0.0; ROWS * COLUMNS];
    let columns: Vec<Float64Array> = batch
        .columns()
        .iter()
        .map(|column| Float64Array::from(column.to_data()))
        .collect();
    let matrix = Matrix::new().policy(CopyPolicy::Always);
    race(
        "16 columns of 1 M f64 to a row-major matrix",
        vec![
            memcpy(&source, &mut target),
            Contender::new("viewbridge: Matrix::of_into", || {
                black_box(matrix.of_into(black_box(&batch), &mut warm).expect("memory").value);
            }),
            Contender::new("viewbridge: Matrix::of (fresh memory)", || {
                black_box(matrix.of(black_box(&batch)).expect("memory").value);
            }),
            Contender::new("a loop over rows and columns", || {
                for (row, items) in loops.chunks_exact_mut(COLUMNS).enumerate() {
                    for (item, column) in items.iter_mut().zip(&columns) {
                        *item = column.values()[row];
                    }
                }
                black_box(&loops);
            }),
        ],
    );
}
