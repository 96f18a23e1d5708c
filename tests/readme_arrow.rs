//! The README's table of Arrow's types, held to the code: each line is what becomes of an array.
//!
//! After a change that is meant: `VIEWBRIDGE_UPDATE=1 cargo test --test readme_arrow` writes the table anew.
#![cfg(feature = "arrow")]

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::*;
use arrow_buffer::{IntervalDayTime, IntervalMonthDayNano, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields, UnionFields};
use viewbridge::Error;
use viewbridge::arrow::{Column, FixedShapeTensor, Nulls, Parts};

const BEGIN: &str = "<!-- arrow types: held to the code by tests/readme_arrow.rs -->\n";
const END: &str = "<!-- end of arrow types -->";

fn ints() -> ArrayRef {
    Arc::new(Int32Array::from(vec![0, 1, 2, 3, 4, 5]))
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int32, true))
}

fn structs(spaced: bool) -> ArrayRef {
    let whole = ScalarBuffer::<i32>::from(vec![0; 8]);
    let column = |k: usize| -> ArrayRef { Arc::new(Int32Array::new(whole.slice(4 * k, 3), None)) };
    let apart: ArrayRef = Arc::new(Int32Array::from(vec![0; 3]));
    let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int32, true));
    let columns = vec![column(0), if spaced { column(1) } else { apart }];
    Arc::new(StructArray::new(Fields::from(fields.to_vec()), columns, None))
}

fn union(dense: bool) -> ArrayRef {
    let fields: UnionFields = [(0_i8, Arc::new(Field::new("a", DataType::Int32, true)))]
        .into_iter()
        .collect();
    let offsets = dense.then(|| vec![0, 1, 2, 3, 4, 5].into());
    Arc::new(UnionArray::try_new(fields, vec![0_i8; 6].into(), offsets, vec![ints()]).unwrap())
}

/// What stands in the first column, and an array of that kind.
fn arrays() -> Vec<(&'static str, ArrayRef)> {
    let map = {
        let mut map = builder::MapBuilder::new(None, builder::StringBuilder::new(), Int32Array::builder(1));
        map.append(true).unwrap();
        map.finish()
    };
    let lists = |lengths: [usize; 3]| ListArray::new(item(), OffsetBuffer::from_lengths(lengths), ints(), None);
    let windows = ListViewArray::new(item(), vec![0, 1, 2].into(), vec![3; 3].into(), ints(), None);
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 6]), &Int32Array::from(vec![7, 8])).unwrap();
    let decimal = Decimal128Array::from(vec![1, 2])
        .with_precision_and_scale(20, 2)
        .unwrap();
    vec![
        ("integers, floats", ints()),
        (
            "Boolean",
            Arc::new(BooleanArray::from(vec![true, false, true]).slice(1, 2)),
        ),
        (
            "Date, Time, Timestamp, Duration",
            Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC")),
        ),
        (
            "Decimal32, Decimal64",
            Arc::new(Decimal64Array::from(vec![1, 2]).with_precision_and_scale(9, 2).unwrap()),
        ),
        ("Decimal128, Decimal256", Arc::new(decimal)),
        (
            "Interval: YearMonth",
            Arc::new(IntervalYearMonthArray::from(vec![1, 2])),
        ),
        (
            "Interval: DayTime",
            Arc::new(IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 2)])),
        ),
        (
            "Interval: MonthDayNano",
            Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(
                1, 2, 3,
            )])),
        ),
        (
            "FixedSizeBinary(3)",
            Arc::new(FixedSizeBinaryArray::try_from_iter([b"abc"].into_iter()).unwrap()),
        ),
        (
            "FixedSizeList(2)",
            Arc::new(FixedSizeListArray::new(item(), 2, ints(), None)),
        ),
        ("List, LargeList of one length", Arc::new(lists([2, 2, 2]))),
        ("… of several", Arc::new(lists([2, 3, 1]))),
        ("ListView that overlaps", Arc::new(windows)),
        ("Struct, equally spaced", structs(true)),
        ("… of several allocations", structs(false)),
        (
            "Binary of one length",
            Arc::new(BinaryArray::from_vec(vec![b"ab", b"cd"])),
        ),
        (
            "Utf8, and Binary of several",
            Arc::new(StringArray::from(vec!["a", "bc"])),
        ),
        (
            "Dictionary",
            Arc::new(["a", "a"].into_iter().collect::<DictionaryArray<Int8Type>>()),
        ),
        ("RunEndEncoded", Arc::new(runs)),
        ("Union, sparse", union(false)),
        ("Union, dense", union(true)),
        ("Map", Arc::new(map)),
        ("Utf8View, BinaryView", Arc::new(StringViewArray::from(vec!["a"]))),
        ("Null", Arc::new(NullArray::new(2))),
    ]
}

fn extensions() -> Vec<(&'static str, FieldRef, ArrayRef)> {
    let tensor = FixedShapeTensor::new(vec![3, 1])
        .unwrap()
        .with_permutation(vec![1, 0])
        .unwrap();
    let list: ArrayRef = Arc::new(FixedSizeListArray::new(item(), 3, ints(), None));
    let field =
        |array: &ArrayRef, metadata| Arc::new(Field::new("x", array.data_type().clone(), true).with_metadata(metadata));
    let bools: ArrayRef = Arc::new(Int8Array::from(vec![0, 1]));
    let bool8 = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.bool8".to_owned())]);
    vec![
        (
            "`arrow.fixed_shape_tensor`, (3, 1) permuted",
            field(&list, tensor.field_metadata()),
            list,
        ),
        ("`arrow.bool8`", field(&bools, bool8), bools),
    ]
}

fn outcome(field: &FieldRef, array: &ArrayRef) -> String {
    let error: Error = match Column::from_field(field, array, Nulls::Forbid) {
        Ok(column) => {
            let view = column.view();
            let meaning = view
                .logical()
                .map_or_else(String::new, |logical| format!(", {logical}"));
            return format!(
                "shared: {}{meaning}, shape {:?}, strides {:?}",
                view.dtype(),
                view.shape(),
                view.strides()
            );
        }
        Err(error) => error,
    };
    let parts = match Parts::of(field, array) {
        Ok(parts) => format!("{:?}", parts.value),
        Err(_) => return format!("refused: {error}"),
    };
    let kind = parts.split([' ', '(']).next().unwrap_or_default();
    format!("`Parts::{kind}`; as one view refused: {error}")
}

/// The text without the parameters of a type, which Arrow's majors print differently.
fn without_parameters(text: &str) -> String {
    let parts = text.split_once("Arrow type ").and_then(|(before, rest)| {
        let (arrow_type, after) = rest.split_once(" is no view")?;
        let (name, _) = arrow_type.split_once('(')?;
        Some(format!("{before}Arrow type {name}(…) is no view{after}"))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

fn table() -> String {
    let mut table = String::from("| Arrow | as a view |\n|---|---|\n");
    let plain = arrays().into_iter().map(|(name, array)| {
        let field = Arc::new(Field::new("x", array.data_type().clone(), true));
        (name, field, array)
    });
    for (name, field, array) in plain.chain(extensions()) {
        // A bar ends a cell.
        let outcome = without_parameters(&outcome(&field, &array)).replace('|', "\\|");
        writeln!(table, "| {name} | {outcome} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_arrow_types_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("VIEWBRIDGE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            found, table,
            "the README tells another story; VIEWBRIDGE_UPDATE=1 rewrites it"
        );
    }
}
