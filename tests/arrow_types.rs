//! Arrow's types as views: lists, structs, text, encoded and extension types; and what becomes of nulls.
#![cfg(feature = "arrow")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListViewBuilder};
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{Buffer as ArrowBuffer, IntervalMonthDayNano, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields, UnionFields};
use proptest::prelude::*;
use viewbridge::arrow::{Child, Column, FixedShapeTensor, Nulls, Parts, decode};
use viewbridge::{ArrowFault, CopyPolicy, CopyReason, DType, Error, Logical, NoView, StridedView};

type TestResult = Result<(), Error>;

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int32, true))
}

fn ints(n: i32) -> ArrayRef {
    Arc::new(Int32Array::from((0..n).collect::<Vec<_>>()))
}

fn field_of(array: &dyn Array) -> FieldRef {
    Arc::new(Field::new("x", array.data_type().clone(), true))
}

fn view(array: &dyn Array) -> StridedView<'static> {
    let column = Column::from_array(array, Nulls::Forbid).unwrap();
    assert_eq!(column.array().to_data(), array.to_data());
    column.into_view()
}

fn fault(array: &dyn Array) -> ArrowFault {
    match Column::from_array(array, Nulls::IgnoreUnspecified) {
        Err(Error::Arrow(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn first_byte(array: &dyn Array) -> *const u8 {
    let data = array.to_data();
    data.buffers()[0].as_ptr()
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Lists
// ---------------------------------------------------------------------------------------------------------------------------------

#[test]
fn even_lists_are_axes() -> TestResult {
    let items = ints(24);
    let list: ArrayRef = Arc::new(ListArray::new(
        item(),
        OffsetBuffer::from_lengths([3; 8]),
        Arc::clone(&items),
        None,
    ));
    let large = LargeListArray::new(item(), OffsetBuffer::from_lengths([3; 8]), Arc::clone(&items), None);
    for array in [list.clone(), Arc::new(large) as ArrayRef] {
        let whole = view(&array);
        assert_eq!((whole.shape(), whole.strides()), (&[8, 3][..], &[12, 4][..]));
        assert_eq!(whole.data_ptr(), first_byte(&items));
        let sliced = view(&array.slice(2, 5));
        assert_eq!(sliced.to_vec::<i32>()?, (6..21).collect::<Vec<_>>());
        assert_eq!(view(&array.slice(3, 0)).shape(), [0, 0]);
    }
    // Lists of lists of fixed size.
    let outer = Arc::new(Field::new_list_field(list.data_type().clone(), true));
    let outer = FixedSizeListArray::new(outer, 2, list, None);
    let nested = view(&outer.slice(1, 3));
    assert_eq!(nested.shape(), [3, 2, 3]);
    assert_eq!(nested.to_vec::<i32>()?, (6..24).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn ragged_lists_are_refused_and_their_rows_are_arrays() -> TestResult {
    let lengths = OffsetBuffer::from_lengths([2, 2, 3, 2]);
    let list = ListArray::new(item(), lengths, ints(9), None);
    assert!(matches!(
        fault(&list),
        ArrowFault::Ragged {
            row: 2,
            expected: 2,
            found: 3
        }
    ));
    assert_eq!(view(&list.slice(0, 2)).shape(), [2, 2]);
    let Parts::Rows { rows, .. } = Parts::of(&field_of(&list), &list)?.value else {
        panic!("rows");
    };
    assert_eq!(view(rows[2].as_ref().unwrap()).to_vec::<i32>()?, [4, 5, 6]);
    Ok(())
}

fn list_view(offsets: Vec<i32>, sizes: Vec<i32>) -> ListViewArray {
    ListViewArray::new(item(), offsets.into(), sizes.into(), ints(10), None)
}

#[test]
fn list_views_that_overlap_are_windows() -> TestResult {
    let windows = view(&list_view(vec![1, 2, 3, 4], vec![3; 4]));
    assert_eq!((windows.shape(), windows.strides()), (&[4, 3][..], &[4, 4][..]));
    assert_eq!(windows.to_vec::<i32>()?, [1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]);
    let apart = list_view(vec![0, 4, 8], vec![2; 3]);
    assert_eq!(view(&apart).strides(), [16, 4]);
    assert_eq!(view(&apart.slice(1, 2)).to_vec::<i32>()?, [4, 5, 8, 9]);
    let repeated = view(&list_view(vec![5, 5, 5], vec![2; 3]));
    assert_eq!(
        (repeated.strides(), repeated.to_vec::<i32>()?),
        (&[0, 4][..], vec![5, 6, 5, 6, 5, 6])
    );

    // Validity goes the same ways.
    let mut builder = ListViewBuilder::new(Int32Builder::new());
    builder.values().append_option(None);
    builder.values().append_value(1);
    builder.append(true);
    builder.values().append_value(2);
    builder.values().append_option(None);
    builder.append(true);
    let column = Column::from_array(&builder.finish(), Nulls::Separate)?;
    let bits = column.item_validity(1).unwrap();
    assert_eq!(bits.to_vec::<bool>()?, [false, true, true, false]);
    Ok(())
}

#[test]
fn list_views_of_no_one_distance_are_refused() {
    for (offsets, sizes) in [
        (vec![0, 2, 5], vec![2, 2, 2]),
        (vec![0, 2, 4], vec![2, 1, 2]),
        (vec![4, 2, 0], vec![2, 2, 2]),
        (vec![0, 2, 1], vec![2, 2, 2]),
    ] {
        assert!(matches!(fault(&list_view(offsets, sizes)), ArrowFault::Ragged { .. }));
    }
}

#[test]
fn binary_data_of_one_length_is_a_matrix_of_bytes() -> TestResult {
    let binary = BinaryArray::from_vec(vec![b"abc", b"def", b"ghi"]);
    assert_eq!(view(&binary).to_vec::<u8>()?, b"abcdefghi");
    let sliced = view(&binary.slice(1, 2));
    assert_eq!(
        (sliced.shape(), sliced.to_vec::<u8>()?),
        (&[2, 3][..], b"defghi".to_vec())
    );
    assert!(matches!(
        fault(&BinaryArray::from_vec(vec![b"ab", b"c"])),
        ArrowFault::Ragged {
            row: 1,
            expected: 2,
            found: 1
        }
    ));
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Structs
// ---------------------------------------------------------------------------------------------------------------------------------

/// Columns of `rows` floats each, `pitch` items apart in one allocation.
fn spaced(columns: usize, rows: usize, pitch: usize) -> StructArray {
    let items: Vec<f64> = (0..u32::try_from(columns * pitch).unwrap()).map(f64::from).collect();
    let memory = ArrowBuffer::from_vec(items);
    let arrays = (0..columns).map(|k| -> ArrayRef {
        let values = ScalarBuffer::<f64>::new(memory.clone(), k * pitch, rows);
        Arc::new(Float64Array::new(values, None))
    });
    let arrays: Vec<ArrayRef> = arrays.collect();
    let fields: Fields = (0..columns)
        .map(|k| Field::new(k.to_string(), DataType::Float64, true))
        .collect();
    StructArray::new(fields, arrays, None)
}

#[test]
fn columns_at_equal_distances_are_an_axis() -> TestResult {
    let columns = spaced(3, 5, 8);
    let matrix = view(&columns);
    assert_eq!((matrix.shape(), matrix.strides()), (&[5, 3][..], &[8, 64][..]));
    assert_eq!(matrix.get::<f64>(&[4, 2])?, 20.0);
    assert_eq!(matrix.data_ptr(), first_byte(columns.column(0)));
    let sliced = view(&columns.slice(2, 2));
    assert_eq!(sliced.to_vec::<f64>()?, [2.0, 10.0, 18.0, 3.0, 11.0, 19.0]);

    let (a, b, c) = (columns.column(0), columns.column(1), columns.column(2));
    let reversed = StructArray::new(columns.fields().clone(), vec![c.clone(), b.clone(), a.clone()], None);
    assert_eq!(view(&reversed).strides(), [8, -64]);
    assert_eq!(view(&reversed).get::<f64>(&[1, 0])?, 17.0);
    let uneven = StructArray::new(columns.fields().clone(), vec![a.clone(), c.clone(), b.clone()], None);
    assert!(matches!(fault(&uneven), ArrowFault::Spacing { column: 2 }));
    let elsewhere: ArrayRef = Arc::new(Float64Array::from(vec![0.0; 5]));
    let elsewhere = StructArray::new(columns.fields().clone(), vec![a.clone(), b.clone(), elsewhere], None);
    assert!(matches!(fault(&elsewhere), ArrowFault::Spacing { column: 2 }));
    Ok(())
}

#[test]
fn the_nulls_of_a_struct_are_those_of_its_columns() -> TestResult {
    let fields = Fields::from(vec![
        Field::new("a", DataType::Int32, false),
        Field::new("b", DataType::Int32, true),
    ]);
    let b: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None]));
    let nulls = NullBuffer::from(vec![true, false, true]);
    let array = StructArray::new(fields, vec![ints(3), b], Some(nulls));
    let parts = Parts::of(&field_of(&array), &array)?;
    let Parts::Columns(columns) = &parts.value else {
        panic!("columns")
    };
    let validity = |child: &Child| child.array.nulls().unwrap().iter().collect::<Vec<_>>();
    assert_eq!(validity(&columns[0]), [true, false, true]);
    assert_eq!(validity(&columns[1]), [true, false, false]);
    assert!(columns[0].field.is_nullable());
    // The first shares the mask of the struct, the second needed one of its own.
    assert_eq!(parts.report.reasons().collect::<Vec<_>>(), [&CopyReason::MasksCombined]);
    let column = columns[0].column(Nulls::Separate)?;
    assert_eq!(column.view().data_ptr(), first_byte(array.column(0)));
    Ok(())
}

#[test]
fn intervals_are_records() -> TestResult {
    let array = IntervalMonthDayNanoArray::from(vec![
        IntervalMonthDayNano::new(1, 2, 3),
        IntervalMonthDayNano::new(-4, 5, -6),
    ]);
    let records = view(&array);
    assert_eq!(records.logical(), Some(&Logical::Interval));
    let field = |name| records.field(name);
    assert_eq!(field("months")?.strides(), [16]);
    assert_eq!(field("months")?.to_vec::<i32>()?, [1, -4]);
    assert_eq!(field("days")?.to_vec::<i32>()?, [2, 5]);
    assert_eq!(field("nanoseconds")?.to_vec::<i64>()?, [3, -6]);
    assert_eq!(records.to_arrow(CopyPolicy::Never)?.value.to_data(), array.to_data());
    // Records of the same fields that do not say that they are intervals are none.
    assert!(records.into_storage().to_arrow(CopyPolicy::IfNeeded).is_err());
    Ok(())
}

#[test]
fn decimals_are_words_too() -> TestResult {
    let array = Decimal128Array::from(vec![1, -1])
        .with_precision_and_scale(5, 2)
        .unwrap();
    let words = view(&array).insert_axis(1)?.view_as(DType::U64)?;
    assert_eq!(
        (words.shape(), words.to_vec::<u64>()?),
        (&[2, 2][..], vec![1, 0, u64::MAX, u64::MAX])
    );
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Encoded types, text, unions, extension types
// ---------------------------------------------------------------------------------------------------------------------------------

#[test]
fn dictionaries_are_keys_and_values() -> TestResult {
    let keys = Int8Array::from(vec![Some(2), None, Some(0), Some(2)]);
    let array = DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["a", "b", "c"])));
    let sliced = array.slice(1, 3);
    let field = Arc::new(Field::clone(&field_of(&array)).with_dict_is_ordered(true));
    let Parts::Dictionary { keys, values, ordered } = Parts::of(&field, &sliced)?.value else {
        panic!("a dictionary");
    };
    assert!(ordered);
    assert_eq!(keys.view().get::<i8>(&[2])?, 2);
    assert_eq!(keys.row_validity().unwrap().to_vec::<bool>()?, [false, true, true]);
    assert_eq!(values.array.len(), 3);
    let decoded = decode(&sliced)?;
    assert_eq!(
        decoded.value.to_data(),
        StringArray::from(vec![None, Some("a"), Some("c")]).to_data()
    );
    assert_eq!(decoded.report.reasons().collect::<Vec<_>>(), [&CopyReason::Decoded]);
    assert!(decode(&ints(3))?.is_shared());

    let nothing = DictionaryArray::new(
        Int8Array::from(vec![None, None]),
        Arc::new(Int32Array::from(Vec::<i32>::new())),
    );
    assert_eq!(decode(&nothing)?.value.null_count(), 2);
    Ok(())
}

#[test]
fn runs_are_ends_and_values() -> TestResult {
    let values = Float32Array::from(vec![Some(1.0), None, Some(3.0)]);
    let array = RunArray::try_new(&Int16Array::from(vec![2, 3, 6]), &values).unwrap();
    let expected = [Some(1.0), Some(1.0), None, Some(3.0), Some(3.0), Some(3.0)];
    for (offset, len) in [(0, 6), (1, 3), (2, 1), (3, 3), (6, 0)] {
        let sliced = array.slice(offset, len);
        let parts = Parts::of(&field_of(&sliced), &sliced)?.value;
        let Parts::Runs {
            run_ends,
            values,
            offset: start,
            len: rows,
        } = parts
        else {
            panic!("runs")
        };
        assert_eq!((start, rows), (offset, len));
        assert_eq!(run_ends.to_vec::<i16>()?, [2, 3, 6]);
        assert_eq!(values.array.len(), 3);
        let decoded = decode(&sliced)?.value;
        let expected = Float32Array::from(expected[offset..offset + len].to_vec());
        assert_eq!(decoded.to_data(), expected.to_data());
    }
    Ok(())
}

#[test]
fn text_is_bytes_and_offsets() -> TestResult {
    let text = LargeStringArray::from(vec![Some("ab"), None, Some("ü")]).slice(1, 2);
    let Parts::Text {
        offsets,
        bytes,
        validity,
    } = Parts::of(&field_of(&text), &text)?.value
    else {
        panic!("text");
    };
    assert_eq!(offsets.to_vec::<i64>()?, [2, 2, 4]);
    assert_eq!(bytes.to_vec::<u8>()?, "abü".as_bytes());
    assert_eq!(validity.unwrap().to_vec::<bool>()?, [false, true]);
    Ok(())
}

#[test]
fn sparse_unions_are_their_children() -> TestResult {
    let fields = [
        (3_i8, Field::new("a", DataType::Int32, true)),
        (7, Field::new("b", DataType::Float64, true)),
    ];
    let fields: UnionFields = fields.into_iter().map(|(id, field)| (id, Arc::new(field))).collect();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5]));
    let ids: ScalarBuffer<i8> = vec![3, 7, 3].into();
    let sparse = UnionArray::try_new(fields.clone(), ids.clone(), None, vec![ints(3), Arc::clone(&floats)]).unwrap();
    let sliced = sparse.slice(1, 2);
    let Parts::Union { type_ids, children } = Parts::of(&field_of(&sliced), &sliced)?.value else {
        panic!("a union");
    };
    assert_eq!(type_ids.to_vec::<i8>()?, [7, 3]);
    let ids: Vec<i8> = children.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [3, 7]);
    assert_eq!(children[1].1.column(Nulls::Forbid)?.view().to_vec::<f64>()?, [1.5, 2.5]);

    let offsets: ScalarBuffer<i32> = vec![0, 0, 1].into();
    let dense = UnionArray::try_new(fields, vec![3, 7, 3].into(), Some(offsets), vec![ints(3), floats]).unwrap();
    assert!(Parts::of(&field_of(&dense), &dense).is_err());
    Ok(())
}

#[test]
fn bool8_is_a_bool_of_one_byte() -> TestResult {
    let name = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.bool8".to_owned())]);
    let field = Arc::new(Field::new("x", DataType::Int8, true).with_metadata(name));
    let column = Column::from_field(&field, &Int8Array::from(vec![0, 1, 1]).slice(1, 2), Nulls::Forbid)?;
    assert_eq!(column.view().typed::<bool>()?.as_slice()?, [true, true]);
    let other = Column::from_field(&field, &Int8Array::from(vec![0, 2]), Nulls::Forbid);
    assert!(matches!(other, Err(Error::InvalidItem { position: 1, .. })));
    Ok(())
}

#[test]
fn what_no_view_shows_says_why() {
    let none: ArrayRef = Arc::new(FixedSizeBinaryArray::try_new_with_len(0, ArrowBuffer::default(), None, 2).unwrap());
    let dictionary: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::from_iter(["a", "a"]));
    let cases: Vec<(ArrayRef, NoView)> = vec![
        (Arc::new(NullArray::new(2)), NoView::NoBytes),
        (none, NoView::NoBytes),
        (Arc::new(StringArray::from(vec!["a"])), NoView::Text),
        (Arc::new(StringViewArray::from(vec!["a"])), NoView::ScatteredText),
        (dictionary, NoView::Encoded),
        (Arc::new(StructArray::new_empty_fields(2, None)), NoView::NoBytes),
    ];
    for (array, expected) in cases {
        match fault(&array) {
            ArrowFault::NoView { because, .. } => assert_eq!(because, expected),
            other => panic!("{other}"),
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Nulls
// ---------------------------------------------------------------------------------------------------------------------------------

/// Lists of two, with nulls in rows and items as the masks say.
fn nested(rows: Option<Vec<bool>>, items: Option<Vec<bool>>, n: usize) -> ArrayRef {
    let values: Vec<i16> = (1..=i16::try_from(2 * n).unwrap()).collect();
    let items = Int16Array::new(values.into(), items.map(NullBuffer::from));
    let field = Arc::new(Field::new_list_field(DataType::Int16, true));
    Arc::new(FixedSizeListArray::new(
        field,
        2,
        Arc::new(items),
        rows.map(NullBuffer::from),
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn filled_is_what_it_should_be(
        rows in prop::option::of(prop::collection::vec(any::<bool>(), 20)),
        items in prop::option::of(prop::collection::vec(any::<bool>(), 40)),
        start in 0_usize..20,
    ) {
        let array = nested(rows.clone(), items.clone(), 20).slice(start, 20 - start);
        let column = Column::from_array(&array, Nulls::Separate).unwrap();
        let filled = column.filled(-7_i16).unwrap();
        let valid = |k: usize| rows.as_ref().is_none_or(|rows| rows[k / 2]) && items.as_ref().is_none_or(|items| items[k]);
        let expected: Vec<i16> = (2 * start..40)
            .map(|k| if valid(k) { i16::try_from(k).unwrap() + 1 } else { -7 })
            .collect();
        prop_assert_eq!(filled.value.to_vec::<i16>().unwrap(), expected);
        prop_assert_eq!(filled.is_shared(), column.null_count() == 0);
        let mask = column.validity().unwrap().value;
        let expected: Vec<bool> = (2 * start..40).map(valid).collect();
        match mask {
            Some(mask) => prop_assert_eq!(mask.to_vec::<bool>().unwrap(), expected),
            None => prop_assert!(expected.iter().all(|&valid| valid)),
        }
    }
}

#[test]
fn memory_of_the_caller_is_filled_as_fresh_memory_is() -> TestResult {
    fn check<T: viewbridge::Element + PartialEq + std::fmt::Debug>(column: &Column, value: T) -> TestResult {
        let expected = column.filled(value)?.value.to_vec::<T>()?;
        let mut memory: Vec<T> = Vec::with_capacity(expected.len() + 3);
        assert_eq!(column.filled_into_slice(value, memory.spare_capacity_mut())?, expected);
        if let Some(short) = expected.len().checked_sub(1) {
            let mut memory: Vec<T> = Vec::with_capacity(short);
            let short = &mut memory.spare_capacity_mut()[..short];
            let error = column.filled_into_slice(value, short).unwrap_err();
            assert!(matches!(error, Error::TooShort { .. }), "{error}");
        }
        Ok(())
    }
    let bits = |n| Some((0..n).map(|k| k % 3 != 0).collect::<Vec<_>>());
    for (rows, items, n) in [
        (None, None, 30),
        (bits(30), None, 30),
        (None, bits(60), 30),
        (bits(30), bits(60), 30),
        (bits(0), bits(0), 0),
    ] {
        let array = nested(rows, items, n);
        let column = Column::from_array(&array, Nulls::Separate)?;
        check(&column, -1_i16)?;
        let wrong = column.filled_into_slice(1.0_f64, &mut []).unwrap_err();
        assert!(matches!(wrong, Error::DTypeMismatch { .. }), "{wrong}");
    }
    let flags = BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)]);
    check(&Column::from_array(&flags, Nulls::Separate)?, true)?;
    check(&Column::from_array(&flags.slice(1, 3), Nulls::Separate)?, false)?;
    // Rows that do not lie in order.
    let reversed = Column::from_array(&flags, Nulls::Separate)?;
    let reversed = reversed
        .with_view(&reversed.view().flip(0)?, CopyPolicy::IfNeeded)?
        .value;
    check(&reversed, false)
}

#[test]
fn a_row_mask_is_broadcast_without_a_copy() -> TestResult {
    let column = Column::from_array(&nested(Some(vec![true, false, true]), None, 3), Nulls::Separate)?;
    let mask = column.validity()?;
    assert!(mask.is_shared());
    let mask = mask.value.unwrap();
    assert_eq!((mask.shape(), mask.strides()), (&[3, 2][..], &[1, 0][..]));
    let bytes = column.mask(0)?.unwrap();
    assert_eq!(bytes.value.dtype(), &DType::BOOL);
    assert_eq!(
        bytes.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Packing { from: 1, to: 8 }]
    );
    assert!(column.mask(1)?.is_none());
    Ok(())
}

#[test]
fn nulls_of_bits_and_tensors_and_bytes_are_filled() -> TestResult {
    let bits = BooleanArray::from(vec![Some(true), None, Some(false), None]);
    let column = Column::from_array(&bits.slice(1, 3), Nulls::Separate)?;
    let filled = column.filled(true)?.value;
    assert_eq!(
        (filled.dtype(), filled.to_vec::<bool>()?),
        (&DType::BIT, vec![true, false, true])
    );
    assert_eq!(column.filled(false)?.value.to_vec::<bool>()?, [false, false, false]);

    let tensor = FixedShapeTensor::new(vec![2, 3])?.with_permutation(vec![1, 0])?;
    let values: Vec<Option<i32>> = (0..12).map(|k| (k % 4 != 1).then_some(k)).collect();
    let items: ArrayRef = Arc::new(Int32Array::from(values));
    let array = FixedSizeListArray::new(item(), 6, items, None);
    let field = Arc::new(field_of(&array).as_ref().clone().with_metadata(tensor.field_metadata()));
    let column = Column::from_field(&field, &array, Nulls::Separate)?;
    let filled = column.filled(-1_i32)?.value;
    assert_eq!(filled.strides(), column.view().strides());
    assert_eq!(filled.to_vec::<i32>()?, [0, 3, -1, 4, 2, -1, 6, -1, 7, 10, 8, 11]);

    let bytes = FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some(*b"ab"), None].into_iter(), 2).unwrap();
    let column = Column::from_array(&bytes, Nulls::Separate)?;
    assert_eq!(column.filled(b'-')?.value.to_vec::<u8>()?, b"ab--");
    assert!(matches!(column.filled(1.0_f64), Err(Error::DTypeMismatch { .. })));
    assert!(matches!(
        column.filled_with(&[0, 0]),
        Err(Error::TooShort { expected: 1, found: 2 })
    ));

    // Windows that share their items, and so their masks.
    let windows = Int32Array::from(vec![Some(0), None, Some(2), Some(3)]);
    let windows = ListViewArray::new(item(), vec![0, 1, 2].into(), vec![2; 3].into(), Arc::new(windows), None);
    let column = Column::from_array(&windows, Nulls::Separate)?;
    assert_eq!(column.filled(9_i32)?.value.to_vec::<i32>()?, [0, 9, 9, 2, 2, 3]);
    Ok(())
}
