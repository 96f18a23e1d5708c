//! The README's table of outcomes, held to the code: each cell is what the plan says.
//!
//! After a change that is meant: `VIEWBRIDGE_UPDATE=1 cargo test --test readme` writes the table anew.
//!
//! # Safety
//!
//! Device memory is made up, and nothing here may read it: the planner must not.
#![cfg(all(feature = "arrow", feature = "dlpack"))]
#![allow(unsafe_code, reason = "device memory is made up")]

use std::fmt::Write;
use std::path::Path;
use std::ptr::NonNull;

use viewbridge::dlpack::{LEGACY, VERSIONED};
use viewbridge::{
    Access, Buffer, CopyPolicy, DType, Device, Layout, Logical, Order, OwnerKind, Plan, Result, StridedView,
    StridedViewMut, TimeUnit, arrow, files::npy,
};

const BEGIN: &str = "<!-- outcomes: held to the code by tests/readme.rs -->\n";
const END: &str = "<!-- end of outcomes -->";

fn heap() -> StridedView<'static> {
    StridedView::from_vec((0..24_i16).map(f32::from).collect())
        .reshape(&[2, 3, 4])
        .unwrap()
}

/// Values of 4 bytes behind a tag of one byte, as in a packed record of 5 bytes.
fn record_field() -> StridedView<'static> {
    let layout = Layout::strided(&[3, 2], &[10, 5], 1, &DType::F32).unwrap();
    StridedView::new(Buffer::from_vec(vec![0_u8; 30]), DType::F32, layout).unwrap()
}

/// Memory that the CPU must not touch: nothing here may read it.
fn cuda() -> StridedView<'static> {
    let device = Device {
        device_type: 2,
        device_id: 0,
    };
    // SAFETY: the CPU cannot read the device, so that nothing is asked of the memory.
    let buffer =
        unsafe { Buffer::from_raw_parts(NonNull::dangling(), 24, Access::Shared, device, OwnerKind::Foreign, ()) };
    StridedView::new(
        buffer,
        DType::F32,
        Layout::contiguous(&[3, 2], &DType::F32, Order::C).unwrap(),
    )
    .unwrap()
}

fn views() -> Vec<(&'static str, StridedView<'static>)> {
    static ITEMS: [f32; 6] = [0.0; 6];
    let times = StridedView::from_vec(vec![0_i64; 6])
        .reshape(&[3, 2])
        .unwrap()
        .with_logical(Logical::Timestamp {
            unit: TimeUnit::Nanosecond,
            zone: None,
        });
    let zoned = Logical::Timestamp {
        unit: TimeUnit::Nanosecond,
        zone: Some("UTC".into()),
    };
    let record: DType = "u2, >f4".parse().unwrap();
    let records = StridedView::from_vec(vec![0_u8; 36]).view_as(record).unwrap();
    let records = records.reshape(&[3, 2]).unwrap();
    let bits = Layout::strided(&[5, 2], &[2, 1], 3, &DType::BIT).unwrap();
    let imported = heap().to_dlpack(CopyPolicy::Never).unwrap().value.into_view().unwrap();
    let big_endian = heap().view_as(DType::F32.swapped()).unwrap();
    let text = StridedView::from_vec(vec![0_u8; 48])
        .reshape(&[3, 16])
        .unwrap()
        .view_as(DType::text(2))
        .unwrap();
    let bf16 = heap().index_axis(0, 0).unwrap().view_as(DType::BF16).unwrap();
    vec![
        ("a row-major `Vec`", heap()),
        (
            "the same, writable (`StridedViewMut::share`)",
            StridedViewMut::from_vec(vec![0_f32; 24])
                .reshape(&[2, 3, 4])
                .unwrap()
                .share(),
        ),
        ("the last two axes swapped", heap().permute(&[0, 2, 1]).unwrap()),
        ("transposed", heap().transpose()),
        ("reversed, `a[::-1]`", heap().flip(0).unwrap()),
        ("broadcast", heap().broadcast_to(&[2, 2, 3, 4]).unwrap()),
        ("big-endian", big_endian),
        ("a field of packed records", record_field()),
        (
            "a borrowed slice",
            StridedView::from_slice(&ITEMS).reshape(&[3, 2]).unwrap(),
        ),
        ("a DLPack tensor", imported),
        (
            "booleans in bytes",
            StridedView::from_vec(vec![true; 10]).reshape(&[5, 2]).unwrap(),
        ),
        (
            "booleans in bits (Arrow)",
            StridedView::new(Buffer::from_vec(vec![0_u8; 2]), DType::BIT, bits).unwrap(),
        ),
        ("timestamps", times.clone()),
        ("timestamps of a time zone", times.with_logical(zoned)),
        ("records", records),
        ("fixed-length text", text),
        ("bfloat16", bf16),
        ("CUDA memory", cuda()),
    ]
}

const LEGACY_TARGET: &str = "legacy DLPack";

type Target = (&'static str, fn(&StridedView<'_>) -> Result<Plan>);

const TARGETS: [Target; 5] = [
    ("DLPack", |view| Ok(view.plan(&VERSIONED))),
    (LEGACY_TARGET, |view| Ok(view.plan(&LEGACY))),
    ("Arrow array", |view| Ok(view.plan(&arrow::requirements_of(view)))),
    ("Arrow tensor", |view| {
        Ok(view.plan(&arrow::tensor_requirements_of(view)))
    }),
    ("`.npy`", npy::plan),
];

fn table() -> String {
    let mut table = String::from("| from | to | outcome |\n|---|---|---|\n");
    for (number, (name, view)) in views().into_iter().enumerate() {
        // One row for all targets of the same fate.
        let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
        for (target, plan) in TARGETS {
            // What legacy tensors cannot say has nothing to do with the layout: the first two rows tell all.
            if target == LEGACY_TARGET && number >= 2 {
                continue;
            }
            let outcome = match plan(&view) {
                Ok(plan) => plan.to_string().split_once(": ").unwrap().1.to_owned(),
                Err(error) => format!("refused because {error}"),
            };
            match rows.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, targets)) => targets.push(target),
                None => rows.push((outcome, vec![target])),
            }
        }
        for (k, (outcome, targets)) in rows.iter().enumerate() {
            let name = if k == 0 { name } else { "" };
            writeln!(table, "| {name} | {} | {outcome} |", targets.join(", ")).unwrap();
        }
    }
    table
}

#[test]
fn the_table_of_outcomes_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the table's first mark");
    let (found, after) = rest.split_once(END).expect("the table's last mark");
    if std::env::var_os("VIEWBRIDGE_UPDATE").is_some() {
        std::fs::write(&path, [before, BEGIN, &table(), END, after].concat()).unwrap();
    } else {
        assert_eq!(found, table(), "README.md says otherwise");
    }
}
