//! Arrow, both ways: what is shared, what is copied and why, and what comes back.
//!
//! # Safety
//!
//! Raw memory comes from vectors that outlive the views of it, and nobody writes it where a test promises so.
#![cfg(feature = "arrow")]
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{BooleanBuffer, IntervalDayTime, IntervalMonthDayNano, NullBuffer, i256};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef};
use half::f16;
use proptest::prelude::*;
use viewbridge::arrow::{
    Column, FIXED_SHAPE_TENSOR, FixedShapeTensor, Nulls, REQUIREMENTS, requirements_of, tensor_requirements_of,
};
use viewbridge::{
    Access, ArrowFault, Buffer, CopyPolicy, CopyReason, DType, Device, Error, Field as RecordField, Index, Layout,
    LayoutError, Logical, Order, OwnerKind, Record, Refusal, Slice, StridedView, TimeUnit,
};

type TestResult = Result<(), Error>;

// ---------------------------------------------------------------------------------------------------------------------------------
// Arrow → view → Arrow
// ---------------------------------------------------------------------------------------------------------------------------------

/// One array of six items for each type, with the data type, shape and meaning that its view has.
fn every_type() -> Vec<(ArrayRef, DType, Vec<usize>, Option<Logical>)> {
    fn row<A: Array + 'static>(array: A, dtype: DType) -> (ArrayRef, DType, Vec<usize>, Option<Logical>) {
        (Arc::new(array), dtype, vec![6], None)
    }
    fn meant<A: Array + 'static>(
        array: A,
        dtype: DType,
        logical: Logical,
    ) -> (ArrayRef, DType, Vec<usize>, Option<Logical>) {
        (Arc::new(array), dtype, vec![6], Some(logical))
    }
    let time = |unit| Logical::TimeOfDay { unit };
    let since = |unit, zone: Option<&str>| Logical::Timestamp {
        unit,
        zone: zone.map(Arc::from),
    };
    let lasting = |unit| Logical::Duration { unit };
    let decimal = |precision, scale| Logical::Decimal { precision, scale };
    let (i32s, i64s) = (vec![1, -2, 3, -4, 5, -6], vec![1_i64, -2, 3, -4, 5, -6]);
    let i128s: Vec<i128> = i64s.iter().map(|&n| i128::from(n)).collect();
    let i256s: Vec<i256> = i128s.iter().map(|&n| i256::from_i128(n)).collect();
    let halves: Vec<f16> = (0..6).map(|n: i8| f16::from(n)).collect();
    let days: Vec<_> = i32s.iter().map(|&n| IntervalDayTime::new(n, n * 100)).collect();
    let months: Vec<_> = i32s.iter().map(|&n| IntervalMonthDayNano::new(n, n * 2, 7)).collect();
    use TimeUnit::*;
    let mut all = vec![
        row(Int8Array::from(vec![1, -2, 3, -4, 5, -6]), DType::I8),
        row(Int16Array::from(vec![1, -2, 3, -4, 5, -6]), DType::I16),
        row(Int32Array::from(i32s.clone()), DType::I32),
        row(Int64Array::from(i64s.clone()), DType::I64),
        row(UInt8Array::from(vec![1, 2, 3, 4, 5, 6]), DType::U8),
        row(UInt16Array::from(vec![1, 2, 3, 4, 5, 6]), DType::U16),
        row(UInt32Array::from(vec![1, 2, 3, 4, 5, 6]), DType::U32),
        row(UInt64Array::from(vec![1, 2, 3, 4, 5, 6]), DType::U64),
        row(Float16Array::from(halves), DType::F16),
        row(Float32Array::from(vec![1.5; 6]), DType::F32),
        row(Float64Array::from(vec![1.5; 6]), DType::F64),
        row(
            BooleanArray::from(vec![true, false, true, true, false, false]),
            DType::BIT,
        ),
        meant(Date32Array::from(i32s.clone()), DType::I32, Logical::Date { unit: Day }),
        meant(
            Date64Array::from(i64s.clone()),
            DType::I64,
            Logical::Date { unit: Millisecond },
        ),
        meant(Time32SecondArray::from(i32s.clone()), DType::I32, time(Second)),
        meant(
            Time32MillisecondArray::from(i32s.clone()),
            DType::I32,
            time(Millisecond),
        ),
        meant(
            Time64MicrosecondArray::from(i64s.clone()),
            DType::I64,
            time(Microsecond),
        ),
        meant(Time64NanosecondArray::from(i64s.clone()), DType::I64, time(Nanosecond)),
        meant(
            TimestampSecondArray::from(i64s.clone()),
            DType::I64,
            since(Second, None),
        ),
        meant(
            TimestampMillisecondArray::from(i64s.clone()).with_timezone("Europe/Vienna"),
            DType::I64,
            since(Millisecond, Some("Europe/Vienna")),
        ),
        meant(
            TimestampMicrosecondArray::from(i64s.clone()).with_timezone("+05:30"),
            DType::I64,
            since(Microsecond, Some("+05:30")),
        ),
        meant(
            TimestampNanosecondArray::from(i64s.clone()).with_timezone("UTC"),
            DType::I64,
            since(Nanosecond, Some("UTC")),
        ),
        meant(DurationSecondArray::from(i64s.clone()), DType::I64, lasting(Second)),
        meant(
            DurationMillisecondArray::from(i64s.clone()),
            DType::I64,
            lasting(Millisecond),
        ),
        meant(
            DurationMicrosecondArray::from(i64s.clone()),
            DType::I64,
            lasting(Microsecond),
        ),
        meant(
            DurationNanosecondArray::from(i64s.clone()),
            DType::I64,
            lasting(Nanosecond),
        ),
        meant(
            IntervalYearMonthArray::from(i32s.clone()),
            DType::I32,
            Logical::Interval,
        ),
        meant(
            IntervalMonthDayNanoArray::from(months),
            Record::aligned([
                RecordField::new("months", DType::I32),
                RecordField::new("days", DType::I32),
                RecordField::new("nanoseconds", DType::I64),
            ])
            .unwrap()
            .into(),
            Logical::Interval,
        ),
        meant(
            Decimal32Array::from(i32s).with_precision_and_scale(7, 2).unwrap(),
            DType::I32,
            decimal(7, 2),
        ),
        meant(
            Decimal64Array::from(i64s).with_precision_and_scale(18, -2).unwrap(),
            DType::I64,
            decimal(18, -2),
        ),
        meant(
            Decimal128Array::from(i128s).with_precision_and_scale(38, 9).unwrap(),
            DType::raw(16),
            decimal(38, 9),
        ),
        meant(
            Decimal256Array::from(i256s).with_precision_and_scale(76, 0).unwrap(),
            DType::raw(32),
            decimal(76, 0),
        ),
    ];
    let days: ArrayRef = Arc::new(IntervalDayTimeArray::from(days));
    all.push((days, DType::I32, vec![6, 2], Some(Logical::DayTimeInterval)));
    all
}

/// The array as rows of lists of `size`, with the item fields that this crate writes.
fn in_lists(items: ArrayRef, size: i32) -> ArrayRef {
    let field = Field::new_list_field(items.data_type().clone(), false);
    Arc::new(FixedSizeListArray::try_new(Arc::new(field), size, items, None).unwrap())
}

/// Addresses of all data buffers, children included.
fn pointers(array: &dyn Array) -> Vec<*const u8> {
    fn collect(data: &ArrayData, into: &mut Vec<*const u8>) {
        into.extend(data.buffers().iter().map(|buffer| buffer.as_ptr()));
        for child in data.child_data() {
            collect(child, into);
        }
    }
    let mut into = Vec::new();
    collect(&array.to_data(), &mut into);
    into
}

/// Arrow → view → Arrow, through the column and through the view alone.
fn round_trip(array: &ArrayRef) -> StridedView<'static> {
    let column = Column::from_array(array, Nulls::Forbid).unwrap();
    let back = column.array();
    assert_eq!(back.data_type(), array.data_type());
    assert_eq!(back, array);
    assert_eq!(pointers(&back), pointers(array));

    let view = column.into_view();
    assert_eq!(
        (view.owner_kind(), view.access()),
        (OwnerKind::Arrow, Access::Immutable)
    );
    let again = view.to_arrow(CopyPolicy::Never).unwrap();
    assert!(again.is_shared());
    assert_eq!(again.value.data_type(), array.data_type());
    assert_eq!(&again.value, array);
    if !view.is_empty() && *view.dtype() != DType::BIT {
        assert_eq!(pointers(&again.value), pointers(array));
        assert_eq!(pointers(&again.value), [view.data_ptr()]);
    }
    view
}

#[test]
fn every_type_makes_the_round_trip() {
    for (array, dtype, shape, logical) in every_type() {
        let view = round_trip(&array);
        assert_eq!(
            (view.dtype(), view.shape(), view.logical()),
            (&dtype, &shape[..], logical.as_ref()),
            "{}",
            array.data_type()
        );
    }
}

#[test]
fn every_type_makes_the_round_trip_sliced() {
    for (array, _, shape, logical) in every_type() {
        for (offset, len) in [(0, 6), (1, 5), (2, 3), (5, 1), (6, 0), (0, 0)] {
            let view = round_trip(&array.slice(offset, len));
            assert_eq!(view.shape()[0], len);
            assert_eq!(view.shape()[1..], shape[1..]);
            assert_eq!(view.logical(), logical.as_ref());
        }
    }
}

#[test]
fn every_type_makes_the_round_trip_nested_and_sliced_at_every_level() {
    for (items, _, inner, _) in every_type() {
        let items = items.slice(0, 6);
        let shaped = |shape: &[usize]| [shape, &inner[1..]].concat();
        assert_eq!(round_trip(&in_lists(Arc::clone(&items), 2)).shape(), shaped(&[3, 2]));
        assert_eq!(round_trip(&in_lists(items.slice(1, 4), 2)).shape(), shaped(&[2, 2]));
        assert_eq!(
            round_trip(&in_lists(Arc::clone(&items), 2).slice(1, 2)).shape(),
            shaped(&[2, 2])
        );
        let deep = in_lists(in_lists(items.slice(1, 5), 1).slice(1, 4), 2).slice(1, 1);
        let view = round_trip(&deep);
        assert_eq!(view.shape(), shaped(&[1, 2, 1]));
        // Offsets of 1, 1 and 2 items.
        let flat = Column::from_array(&items, Nulls::Forbid).unwrap().into_view();
        let expected = flat.slice_axis(0, 4..6).unwrap();
        assert_eq!(view.to_bytes(Order::C).unwrap(), expected.to_bytes(Order::C).unwrap());
    }
}

#[test]
fn lists_without_items_keep_their_length() {
    let none: ArrayRef = Arc::new(Int32Array::from(Vec::<i32>::new()));
    let field = Arc::new(Field::new_list_field(DataType::Int32, false));
    let rows = FixedSizeListArray::try_new_with_length(field, 0, none, None, 5).unwrap();
    let rows: ArrayRef = Arc::new(rows);
    assert_eq!(round_trip(&rows).shape(), [5, 0]);
    assert_eq!(round_trip(&rows.slice(1, 2)).shape(), [2, 0]);
    let nested = FixedSizeListArray::try_new(
        Arc::new(Field::new_list_field(rows.data_type().clone(), false)),
        5,
        Arc::clone(&rows),
        None,
    );
    assert_eq!(round_trip(&(Arc::new(nested.unwrap()) as ArrayRef)).shape(), [1, 5, 0]);
    assert_eq!(round_trip(&in_lists(rows.slice(0, 0), 3)).shape(), [0, 3, 0]);
}

#[test]
fn fixed_size_binary_is_bytes() -> TestResult {
    let words = FixedSizeBinaryArray::try_from_iter([b"abc", b"def", b"ghi"].into_iter()).unwrap();
    let sliced = words.slice(1, 2);
    let column = Column::from_array(&sliced, Nulls::Forbid)?;
    assert_eq!(
        (column.view().shape(), column.view().dtype()),
        (&[2, 3][..], &DType::U8)
    );
    assert_eq!(column.view().to_vec::<u8>()?, b"defghi");
    assert_eq!(column.view().data_ptr(), sliced.value_data().as_ptr());
    assert_eq!(column.array().to_data(), sliced.to_data());

    // As opaque items they go back to what they were.
    let opaque = column.view().view_as(DType::raw(3))?.squeeze_axis(1)?;
    let back = opaque.to_arrow(CopyPolicy::Never)?.value;
    assert_eq!(back.to_data(), sliced.to_data());
    assert_eq!(pointers(&back), [column.view().data_ptr()]);
    Ok(())
}

#[test]
fn halves_of_intervals_lose_their_meaning_by_name_only() -> TestResult {
    let days = IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 2), IntervalDayTime::new(3, 4)]);
    let view = Column::from_array(&days, Nulls::Forbid)?.into_view();
    let half = view.index_axis(1, 0)?;
    assert!(matches!(
        half.to_arrow(CopyPolicy::IfNeeded),
        Err(Error::Refused {
            refusal: Refusal::Logical { .. },
            ..
        })
    ));
    let integers = half.into_storage().to_arrow(CopyPolicy::IfNeeded)?.value;
    assert_eq!(integers.to_data(), Int32Array::from(vec![1, 3]).to_data());
    Ok(())
}

#[test]
fn tensors_of_intervals_are_refused_as_planned() -> TestResult {
    let days = IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 2); 6]);
    let view = Column::from_array(&days, Nulls::Forbid)?
        .into_view()
        .reshape(&[3, 2, 2])?;
    let plan = view.plan(&tensor_requirements_of(&view));
    match view.to_fixed_shape_tensor(CopyPolicy::IfNeeded) {
        Err(Error::Refused { refusal, consumer }) => {
            assert_eq!((plan.refusal(), plan.consumer()), (Some(&refusal), consumer));
        }
        other => panic!("{other:?}"),
    }
    assert!(view.to_arrow(CopyPolicy::Never)?.is_shared());
    Ok(())
}

#[test]
fn types_without_a_strided_form_are_refused() {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(NullArray::new(3)),
        Arc::new(StringArray::from(vec!["a", "b"])),
        Arc::new(BinaryViewArray::from(vec![&b"a"[..]])),
        Arc::new(StructArray::new_empty_fields(2, None)),
        Arc::new(DictionaryArray::<Int8Type>::from_iter(["a", "a"])),
        in_lists(Arc::new(StringArray::from(vec!["a", "b"])), 2),
    ];
    for array in arrays {
        let error = Column::from_array(&array, Nulls::IgnoreUnspecified).unwrap_err();
        assert!(matches!(error, Error::Arrow(ArrowFault::NoView { .. })), "{error}");
    }
}

#[test]
fn more_levels_than_axes_are_an_error() {
    let mut array: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    for _ in 0..63 {
        array = in_lists(array, 1);
    }
    assert_eq!(round_trip(&array).ndim(), 64);
    let error = Column::from_array(&in_lists(array, 1), Nulls::Forbid).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::RankTooHigh { .. })),
        "{error}"
    );
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Nulls
// ---------------------------------------------------------------------------------------------------------------------------------

/// [[1, null], null, [5, 6]], where the second row hides two values.
fn with_nulls() -> ArrayRef {
    let items = Int16Array::from(vec![Some(1), None, Some(3), Some(4), Some(5), Some(6)]);
    let field = Arc::new(Field::new("values", DataType::Int16, true));
    let rows = NullBuffer::from(vec![true, false, true]);
    Arc::new(FixedSizeListArray::try_new(field, 2, Arc::new(items), Some(rows)).unwrap())
}

#[test]
fn nulls_are_refused_with_their_count() {
    let array = with_nulls();
    let count = |array: &ArrayRef| match Column::from_array(array, Nulls::default()) {
        Err(Error::Nulls { count }) => count,
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&array), 2);
    assert_eq!(count(&array.slice(0, 1)), 1);
    assert_eq!(count(&array.slice(1, 2)), 1);
    assert!(Column::from_array(&array.slice(2, 1), Nulls::Forbid).is_ok());
}

#[test]
fn nulls_stand_beside_the_values_level_by_level() -> TestResult {
    for nulls in [Nulls::Separate, Nulls::IgnoreUnspecified] {
        let array = with_nulls();
        for start in 0..3 {
            let sliced = array.slice(start, 3 - start);
            let column = Column::from_array(&sliced, nulls)?;
            assert_eq!((column.levels(), column.view().shape()), (2, &[3 - start, 2][..]));
            assert_eq!(column.view().get::<i16>(&[2 - start, 1])?, 6);
            let rows = column.row_validity().map(|bits| bits.to_vec::<bool>()).transpose()?;
            let items = column.item_validity(1).map(|bits| bits.to_vec::<bool>()).transpose()?;
            assert_eq!(rows, (start < 2).then(|| vec![true, false, true][start..].to_vec()));
            assert_eq!(items, (start < 1).then(|| vec![true, false, true, true, true, true]));
            assert!(column.item_validity(2).is_none());
            assert_eq!(column.array(), &sliced);
            assert_eq!(column.array().null_count(), sliced.null_count());
        }
    }
    let column = Column::from_array(&with_nulls(), Nulls::Separate)?;
    assert_eq!(column.null_count(), 2);
    let mask = column.row_validity().unwrap().insert_axis(1)?.broadcast_to(&[3, 2])?;
    assert_eq!(mask.to_vec::<bool>()?, [true, true, false, false, true, true]);
    Ok(())
}

#[test]
fn validity_shares_the_bitmap() -> TestResult {
    let array = Int32Array::from((0..40).map(|n| (n % 3 != 0).then_some(n)).collect::<Vec<_>>());
    let sliced = array.slice(11, 20);
    let column = Column::from_array(&sliced, Nulls::Separate)?;
    let bits = column.row_validity().unwrap();
    let nulls = sliced.nulls().unwrap();
    assert_eq!(bits.buffer().as_ptr(), nulls.buffer().as_ptr());
    assert_eq!(bits.to_vec::<bool>()?, nulls.iter().collect::<Vec<_>>());
    assert_eq!(bits.owner_kind(), OwnerKind::Arrow);
    Ok(())
}

#[test]
fn an_all_valid_bitmap_is_no_null() -> TestResult {
    let nulls = NullBuffer::new(BooleanBuffer::new_set(4));
    let array = Int32Array::try_new(vec![1, 2, 3, 4].into(), Some(nulls)).unwrap();
    let column = Column::from_array(&array, Nulls::Forbid)?;
    assert!(column.row_validity().is_none());
    // It comes back all the same.
    assert_eq!(column.array().nulls(), array.nulls());
    Ok(())
}

#[test]
fn fields_and_arrays_must_agree() {
    let field = Arc::new(Field::new("x", DataType::Int64, true));
    let error = Column::from_field(&field, &Int32Array::from(vec![1]), Nulls::Forbid).unwrap_err();
    assert!(matches!(error, Error::Arrow(ArrowFault::FieldType { .. })), "{error}");
}

// ---------------------------------------------------------------------------------------------------------------------------------
// View → Arrow → view
// ---------------------------------------------------------------------------------------------------------------------------------

/// 240 bytes that differ, as 5 × 6 items of a type (fewer bytes for smaller items).
fn matrix(dtype: &DType) -> StridedView<'static> {
    let bytes = 30 * dtype.itemsize();
    let bytes: Vec<u8> = (0..bytes).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let bytes = if *dtype == DType::BOOL {
        bytes.iter().map(|byte| byte % 2).collect()
    } else {
        bytes
    };
    // Aligned for everything, which a Vec<u8> need not be.
    let aligned =
        StridedView::from_vec(bytes).convert(&viewbridge::Requirements::any("aligned memory"), CopyPolicy::Always);
    aligned
        .unwrap()
        .value
        .view_as(dtype.clone())
        .unwrap()
        .reshape(&[5, 6])
        .unwrap()
}

static NUMBERS: [DType; 12] = [
    DType::BOOL,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::F32,
    DType::F64,
];

fn dtypes() -> Vec<DType> {
    let swapped = NUMBERS.iter().cloned().map(DType::swapped);
    let mut all: Vec<_> = NUMBERS.iter().cloned().chain(swapped).collect();
    all.extend([DType::raw(1), DType::raw(3), DType::raw(16)]);
    all.dedup();
    all
}

/// The layouts of NumPy's world.
fn layouts(view: &StridedView<'static>) -> Vec<(&'static str, StridedView<'static>)> {
    let step = |step| Index::Slice(Slice::ALL.step_by(step));
    vec![
        ("C", view.clone()),
        ("F", view.transpose()),
        ("rows", view.slice_axis(0, 1..4).unwrap()),
        ("columns", view.slice_axis(1, 1..4).unwrap()),
        ("strided", view.index(&[step(2), step(3)]).unwrap()),
        ("reversed", view.index(&[step(-1), step(-1)]).unwrap()),
        ("one row", view.index_axis(0, 2).unwrap()),
        ("one column", view.index_axis(1, 2).unwrap()),
        (
            "broadcast",
            view.insert_axis(1).unwrap().broadcast_to(&[5, 2, 6]).unwrap(),
        ),
        ("reshaped", view.reshape(&[2, 3, 5]).unwrap()),
        ("empty", view.slice_axis(1, 3..3).unwrap()),
        ("no rows", view.slice_axis(0, 5..).unwrap()),
        ("inserted", view.insert_axis(0).unwrap().insert_axis(3).unwrap()),
    ]
}

/// The values in row-major order, in native bytes.
fn values(view: &StridedView<'_>) -> Vec<u8> {
    if view.dtype().kind() == viewbridge::Kind::Bool {
        return view.to_vec::<bool>().unwrap().into_iter().map(u8::from).collect();
    }
    let native = viewbridge::Requirements::any("native items").native();
    let native = view.convert(&native, CopyPolicy::IfNeeded).unwrap();
    native.value.to_bytes(Order::C).unwrap()
}

/// Plan, refusal and report tell one story; returns it.
fn to_arrow(view: &StridedView<'_>) -> (ArrayRef, Vec<CopyReason>) {
    let plan = view.plan(&requirements_of(view));
    let never = view.to_arrow(CopyPolicy::Never);
    let converted = view.to_arrow(CopyPolicy::IfNeeded).unwrap();
    let reported: Vec<_> = converted.report.reasons().cloned().collect();
    assert_eq!(plan.reasons(), reported);
    assert_eq!(plan.bytes_copied(), converted.report.bytes_copied());
    match never {
        Ok(shared) => assert!(shared.is_shared() && reported.is_empty()),
        Err(Error::CopyForbidden {
            reasons,
            bytes,
            consumer,
        }) => {
            assert_eq!(reasons, reported);
            assert_eq!((bytes, consumer), (plan.bytes_copied(), "Arrow"));
        }
        Err(other) => panic!("{other}"),
    }
    (converted.value, reported)
}

#[test]
fn views_of_every_type_and_layout_make_the_round_trip() {
    for dtype in dtypes() {
        for (name, view) in layouts(&matrix(&dtype)) {
            let (array, reasons) = to_arrow(&view);
            let back = Column::from_array(&array, Nulls::Forbid).unwrap().into_view();
            let shape = if dtype.kind() == viewbridge::Kind::Raw {
                [view.shape(), &[dtype.itemsize()]].concat()
            } else {
                view.shape().to_vec()
            };
            assert_eq!(back.shape(), shape, "{dtype} {name}");
            assert_eq!(values(&back), values(&view), "{dtype} {name}");
            assert_eq!(array.len(), view.shape()[0]);

            let booleans = dtype == DType::BOOL && !view.is_empty();
            let swapped = !dtype.is_native() && !view.is_empty();
            let contiguous = view.is_c_contiguous();
            let kinds = usize::from(booleans) + usize::from(swapped) + usize::from(!contiguous);
            assert_eq!(reasons.len(), kinds, "{dtype} {name}: {reasons:?}");
            if reasons.is_empty() && !view.is_empty() {
                assert_eq!(pointers(&array), [view.data_ptr()], "{dtype} {name}");
            }
        }
    }
}

#[test]
fn bare_buffers_share_or_say_why_not() -> TestResult {
    let view = StridedView::from_vec((0..6_u16).collect()).reshape(&[2, 3])?;
    let part = view.slice_axis(0, 1..)?;
    let shared = part.to_arrow_buffer(CopyPolicy::Never)?.value;
    assert_eq!(
        (shared.as_ptr(), shared.as_slice()),
        (part.data_ptr(), &[3, 0, 4, 0, 5, 0][..])
    );
    drop((view.clone(), part));
    assert_eq!(shared.as_slice(), [3, 0, 4, 0, 5, 0]);
    // What is no run of items is put into one, swapped if need be.
    let turned = view.transpose().to_arrow_buffer(CopyPolicy::IfNeeded)?;
    assert_eq!(turned.report.bytes_copied(), 12);
    assert_eq!(turned.value.typed_data::<u16>(), [0, 3, 1, 4, 2, 5]);
    assert!(view.transpose().to_arrow_buffer(CopyPolicy::Never).is_err());
    assert!(!view.to_arrow_buffer(CopyPolicy::Always)?.is_shared());
    let borrowed = [1_u8, 2];
    let copied = StridedView::from_slice(&borrowed).to_arrow_buffer(CopyPolicy::IfNeeded)?;
    assert_eq!(copied.report.records()[0].reasons[..], [CopyReason::Borrowed]);
    assert_eq!(copied.value.as_slice(), borrowed);
    // Any items of whole bytes, and none.
    let text = StridedView::from_vec(b"abcdef".to_vec()).view_as(DType::bytes(3))?;
    assert_eq!(text.to_arrow_buffer(CopyPolicy::Never)?.value.as_slice(), b"abcdef");
    assert!(
        view.slice_axis(1, ..0)?
            .to_arrow_buffer(CopyPolicy::Never)?
            .value
            .is_empty()
    );
    let bits = Column::from_array(&BooleanArray::from(vec![true; 3]), Nulls::Forbid)?.into_view();
    let refused = bits.to_arrow_buffer(CopyPolicy::IfNeeded).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Refused {
                refusal: Refusal::DType { .. },
                ..
            }
        ),
        "{refused}"
    );
    Ok(())
}

#[test]
fn each_reason_is_named() {
    let view = matrix(&DType::I32);
    assert_eq!(
        to_arrow(&view.transpose()).1,
        [CopyReason::NotContiguous {
            order: Order::C,
            axis: 1,
            stride: 24,
            expected: 4
        }]
    );
    let swapped = view.view_as(DType::I32.swapped()).unwrap();
    let found = swapped.dtype().byte_order();
    assert_eq!(to_arrow(&swapped).1, [CopyReason::ByteOrder { found }]);
    assert_eq!(
        to_arrow(&matrix(&DType::BOOL)).1,
        [CopyReason::Packing { from: 8, to: 1 }]
    );

    let bytes = matrix(&DType::U64).reshape(&[30]).unwrap().view_as(DType::U8).unwrap();
    let misaligned = bytes.slice_axis(0, 1..9).unwrap().view_as(DType::I64).unwrap();
    assert_eq!(
        to_arrow(&misaligned).1,
        [CopyReason::Misaligned { offset: 1, required: 8 }]
    );

    let items = [1_i32, 2, 3];
    let (array, reasons) = to_arrow(&StridedView::from_slice(&items));
    assert_eq!(reasons, [CopyReason::Borrowed]);
    assert_ne!(pointers(&array), [items.as_ptr().cast()]);

    let always = view.to_arrow(CopyPolicy::Always).unwrap();
    assert_eq!(always.report.reasons().collect::<Vec<_>>(), [&CopyReason::Requested]);
}

#[test]
fn memory_that_others_may_write_is_copied() {
    let items: Arc<[u16]> = Arc::from([1, 2, 3, 4]);
    let first = NonNull::from(&*items).cast();
    // SAFETY: the owner keeps the items, and nobody writes them.
    let buffer = unsafe {
        Buffer::from_raw_parts(
            first,
            8,
            Access::ReadOnly,
            Device::CPU,
            OwnerKind::Foreign,
            Arc::clone(&items),
        )
    };
    let layout = Layout::contiguous(&[4], &DType::U16, Order::C).unwrap();
    let view = StridedView::new(buffer, DType::U16, layout).unwrap();
    let (access, owner) = (Access::ReadOnly, OwnerKind::Foreign);
    assert_eq!(to_arrow(&view).1, [CopyReason::NotImmutable { access, owner }]);
    // SAFETY: nobody writes them.
    let frozen = unsafe { view.assume_immutable() };
    assert_eq!(pointers(&to_arrow(&frozen).0), [items.as_ptr().cast()]);
}

#[test]
fn device_memory_is_refused_untouched() {
    let cuda = Device {
        device_type: 2,
        device_id: 0,
    };
    // SAFETY: no CPU memory is claimed, and the pointer is never read.
    let buffer =
        unsafe { Buffer::from_raw_parts(NonNull::dangling(), 8, Access::Immutable, cuda, OwnerKind::Foreign, ()) };
    let layout = Layout::contiguous(&[8], &DType::U8, Order::C).unwrap();
    let view = StridedView::new(buffer, DType::U8, layout).unwrap();
    for policy in [CopyPolicy::Never, CopyPolicy::IfNeeded, CopyPolicy::Always] {
        let refusal = Refusal::Device { found: cuda };
        match view.to_arrow(policy) {
            Err(Error::Refused { refusal: found, .. }) => assert_eq!(found, refusal),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_arrow_cannot_say_is_refused() {
    let refused = |view: &StridedView<'_>| match view.to_arrow(CopyPolicy::IfNeeded) {
        Err(Error::Refused { consumer, refusal }) => {
            assert_eq!(consumer, "Arrow");
            assert_eq!(view.plan(&requirements_of(view)).refusal(), Some(&refusal));
            refusal
        }
        other => panic!("{other:?}"),
    };
    let scalar = matrix(&DType::F32).index(&[Index::At(0), Index::At(0)]).unwrap();
    assert_eq!(refused(&scalar), Refusal::RankTooLow { ndim: 0, min: 1 });
    for found in [
        DType::C64,
        DType::BF16,
        DType::bytes(3),
        DType::raw(0),
        DType::F32.with_lanes(2),
    ] {
        let layout = Layout::contiguous(&[0], &found, Order::C).unwrap();
        let view = StridedView::new(Buffer::from_vec(Vec::<u8>::new()), found.clone(), layout).unwrap();
        assert_eq!(refused(&view), Refusal::DType { found });
    }
    let nonsense = Logical::Date { unit: TimeUnit::Second };
    let view = matrix(&DType::I32).with_logical(nonsense.clone());
    assert_eq!(refused(&view), Refusal::Logical { found: nonsense });
}

#[test]
fn axes_beyond_an_arrow_list_size_are_an_error_before_any_copy() {
    let items = (1_usize << 31) + 1;
    let long = StridedView::from_vec(vec![7_u8]).broadcast_to(&[1, items]).unwrap();
    for result in [
        long.to_arrow(CopyPolicy::IfNeeded).map(|_| ()),
        long.to_fixed_shape_tensor(CopyPolicy::IfNeeded).map(|_| ()),
    ] {
        match result {
            Err(Error::Arrow(ArrowFault::ListSize { items: found })) => assert_eq!(found, items),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn decimals_need_the_alignment_of_their_integer() {
    let meaning = Logical::Decimal {
        precision: 20,
        scale: 3,
    };
    let words = matrix(&DType::U64).reshape(&[30]).unwrap();
    let decimals = |from: isize| {
        let part = words.slice_axis(0, from..from + 8).unwrap();
        part.view_as(DType::raw(16)).unwrap().with_logical(meaning.clone())
    };
    let (array, reasons) = to_arrow(&decimals(0));
    assert_eq!(array.data_type(), &DataType::Decimal128(20, 3));
    assert!(reasons.is_empty());
    let (array, reasons) = to_arrow(&decimals(1));
    assert_eq!(
        reasons,
        [CopyReason::Misaligned {
            offset: 8,
            required: 16
        }]
    );
    let back = Column::from_array(&array, Nulls::Forbid).unwrap().into_view();
    assert_eq!(values(&back), values(&decimals(1)));
    // Without the meaning any address will do.
    assert!(to_arrow(&decimals(1).into_storage()).1.is_empty());
}

#[test]
fn bits_are_shared_at_every_offset() -> TestResult {
    let truth: Vec<bool> = (0..70).map(|n| n % 3 == 0 || n % 7 == 1).collect();
    let array = BooleanArray::from(truth.clone());
    let memory = array.values().inner().as_ptr();
    for offset in 0..24 {
        for len in [0, 1, 7, 8, 9, 46] {
            let sliced: ArrayRef = Arc::new(array.slice(offset, len));
            let view = round_trip(&sliced);
            assert_eq!(view.to_vec::<bool>()?, truth[offset..offset + len]);
            assert!(len == 0 || view.data_ptr() == memory.wrapping_add(offset / 8));
            let back = view.to_arrow(CopyPolicy::Never)?.value;
            assert!(len == 0 || pointers(&back) == [view.data_ptr()]);
            let rows = view.slice_axis(0, ..isize::try_from(len / 2 * 2).unwrap())?;
            let rows = rows.reshape(&[len / 2, 2])?;
            let lists = rows.to_arrow(CopyPolicy::Never)?.value;
            let back = Column::from_array(&lists, Nulls::Forbid)?.into_view();
            assert_eq!(back.to_vec::<bool>()?, truth[offset..offset + len / 2 * 2]);
        }
    }
    let view = Column::from_array(&array, Nulls::Forbid)?.into_view();
    let odd = view.index(&[Index::Slice(Slice::ALL.step_by(-2))])?;
    let (copied, reasons) = to_arrow(&odd);
    assert!(matches!(
        reasons[..],
        [CopyReason::NotContiguous {
            stride: -2,
            expected: 1,
            ..
        }]
    ));
    let back = Column::from_array(&copied, Nulls::Forbid)?.into_view();
    assert_eq!(back.to_vec::<bool>()?, odd.to_vec::<bool>()?);
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------------------
// arrow.fixed_shape_tensor
// ---------------------------------------------------------------------------------------------------------------------------------

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for position in 0..n {
            let mut longer = shorter.clone();
            longer.insert(position, n - 1);
            all.push(longer);
        }
    }
    all
}

fn tensor_field(metadata: &str, storage: &DataType) -> FieldRef {
    let metadata: HashMap<String, String> = HashMap::from([
        ("ARROW:extension:name".into(), FixedShapeTensor::NAME.into()),
        ("ARROW:extension:metadata".into(), metadata.into()),
    ]);
    Arc::new(Field::new("images", storage.clone(), true).with_metadata(metadata))
}

#[test]
fn three_cycles_follow_the_specification() -> TestResult {
    // Physical [2, 3, 4]; logical dimension i is physical dimension permutation[i].
    let items: ArrayRef = Arc::new(Int32Array::from((0..48).collect::<Vec<_>>()));
    let rows = in_lists(items, 24);
    let metadata = r#"{"shape":[2,3,4],"permutation":[2,0,1],"dim_names":["a","b","c"]}"#;
    let field = tensor_field(metadata, rows.data_type());
    let column = Column::from_field(&field, &rows, Nulls::Forbid)?;
    let view = column.view();
    assert_eq!(view.shape(), [2, 4, 2, 3]);
    assert_eq!(view.strides(), [96, 4, 48, 16]);
    // Row 1, logical (3, 1, 2): physical (1, 2, 3).
    assert_eq!(view.get::<i32>(&[1, 3, 1, 2])?, 24 + 12 + 2 * 4 + 3);
    let tensor = column.tensor().unwrap();
    assert_eq!(tensor.logical_dim_names().unwrap(), ["c", "a", "b"]);
    assert_eq!(tensor.logical_shape(), view.shape()[1..]);
    assert_eq!(column.field(), &field);
    assert_eq!(column.array(), &rows);
    assert_eq!(pointers(column.array()), pointers(&rows));

    let back = view.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
    let written = FixedShapeTensor::of_field(&back.0)?.unwrap();
    assert_eq!(
        (written.shape(), written.permutation()),
        (&[2, 3, 4][..], Some(&[2, 0, 1][..]))
    );
    assert_eq!(&back.1, &rows);
    assert_eq!(pointers(&back.1), pointers(&rows));
    Ok(())
}

#[test]
fn every_permutation_of_the_axes_behind_the_rows_shares() -> TestResult {
    let compact = StridedView::from_vec((0..240_i32).collect()).reshape(&[2, 3, 4, 5, 2])?;
    for permutation in permutations(4) {
        let axes: Vec<usize> = std::iter::once(0)
            .chain(permutation.iter().map(|axis| axis + 1))
            .collect();
        let view = compact.permute(&axes)?;
        assert!(view.plan(&tensor_requirements_of(&view)).is_shared());
        let (field, array) = view.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
        assert_eq!(pointers(&array), [compact.data_ptr()]);
        let tensor = FixedShapeTensor::of_field(&field)?.unwrap();
        assert_eq!(tensor.shape(), [3, 4, 5, 2]);
        let expected = (permutation != [0, 1, 2, 3]).then_some(&permutation[..]);
        assert_eq!(tensor.permutation(), expected);
        let back = Column::from_field(&field, &array, Nulls::Forbid)?.into_view();
        assert!(back.layout().is_equivalent(view.layout()));
        assert_eq!(back.to_vec::<i32>()?, view.to_vec::<i32>()?);
    }
    Ok(())
}

#[test]
fn other_layouts_are_copied_into_tensors_once() -> TestResult {
    for dtype in [DType::I32, DType::F64.swapped(), DType::BOOL] {
        let view = matrix(&dtype);
        let cases = [
            view.transpose(),
            view.flip(1)?,
            view.flip(0)?,
            view.index(&[Index::Slice(Slice::ALL.step_by(2)), Index::Slice(Slice::ALL.step_by(2))])?,
            view.reshape(&[2, 3, 5])?.permute(&[1, 2, 0])?,
            view.reshape(&[2, 3, 5])?.permute(&[0, 2, 1])?.flip(2)?,
            view.insert_axis(1)?.broadcast_to(&[5, 3, 6])?,
        ];
        for view in cases {
            let plan = view.plan(&tensor_requirements_of(&view));
            assert!(!plan.is_shared());
            let converted = view.to_fixed_shape_tensor(CopyPolicy::IfNeeded)?;
            assert_eq!(converted.report.records().len(), 1);
            assert_eq!(converted.report.reasons().cloned().collect::<Vec<_>>(), plan.reasons());
            match view.to_fixed_shape_tensor(CopyPolicy::Never) {
                Err(Error::CopyForbidden { reasons, .. }) => assert_eq!(reasons, plan.reasons()),
                other => panic!("{other:?}"),
            }
            let (field, array) = converted.value;
            let back = Column::from_field(&field, &array, Nulls::Forbid)?.into_view();
            assert_eq!((back.shape(), values(&back)), (view.shape(), values(&view)));
        }
    }
    Ok(())
}

#[test]
fn odd_shapes_of_tensors() -> TestResult {
    let view = matrix(&DType::I32);
    for shape in [&[1, 30][..], &[30, 1], &[30, 1, 1], &[1, 1, 5, 1, 6]] {
        let shaped = view.reshape(shape)?;
        let (field, array) = shaped.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
        let back = Column::from_field(&field, &array, Nulls::Forbid)?.into_view();
        assert_eq!(back.shape(), shape);
    }
    for empty in [
        view.slice_axis(0, 0..0)?,
        view.slice_axis(1, 0..0)?.transpose(),
        view.slice_axis(1, 0..0)?,
    ] {
        let (field, array) = empty.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
        let back = Column::from_field(&field, &array, Nulls::Forbid)?.into_view();
        assert_eq!(back.shape(), empty.shape());
    }
    let error = view
        .index_axis(0, 0)?
        .to_fixed_shape_tensor(CopyPolicy::IfNeeded)
        .unwrap_err();
    let too_low = Refusal::RankTooLow { ndim: 1, min: 2 };
    assert!(matches!(error, Error::Refused { refusal, .. } if refusal == too_low));
    Ok(())
}

#[test]
fn tensors_of_lists_and_of_nullable_items() -> TestResult {
    let items = Int32Array::from((0..24).map(|n| (n != 5).then_some(n)).collect::<Vec<_>>());
    let pairs: ArrayRef = {
        let field = Arc::new(Field::new_list_field(DataType::Int32, true));
        Arc::new(FixedSizeListArray::try_new(field, 2, Arc::new(items), None).unwrap())
    };
    let rows = in_lists(pairs, 6);
    let field = tensor_field(r#"{"shape":[2,3],"permutation":[1,0]}"#, rows.data_type());
    assert!(matches!(
        Column::from_field(&field, &rows, Nulls::Forbid),
        Err(Error::Nulls { count: 1 })
    ));
    let column = Column::from_field(&field, &rows, Nulls::Separate)?;
    assert_eq!(column.view().shape(), [2, 3, 2, 2]);
    assert_eq!(column.levels(), 3);
    let valid = column.item_validity(2).unwrap();
    assert_eq!((valid.shape(), valid.layout().offset()), (&[2, 3, 2, 2][..], 0));
    // Item 5 of row 0: physical (0, 2), second of its pair.
    let mut invalid = Vec::new();
    for n in 0..valid.len() {
        let position = [n / 12, n / 4 % 3, n / 2 % 2, n % 2];
        if !valid.get::<bool>(&position)? {
            invalid.push(position);
        }
    }
    assert_eq!(invalid, [[0, 2, 0, 1]]);
    Ok(())
}

/// Metadata of rows of six items that cannot be, by the error that it gives.
const MALFORMED: &[(&str, &[&str])] = &[
    (
        "MetadataSyntax",
        &[
            "",
            "null",
            "[]",
            "[2,3]",
            "{",
            "{}}",
            r#"{"shape":[2,3],}"#,
            r#"{"shape":[2,3"#,
            "\u{0}",
        ],
    ),
    (
        r#"MetadataKey { key: "shape" }"#,
        &[
            "{}",
            r#"{"Shape":[2,3]}"#,
            r#"{"shape":null}"#,
            r#"{"shape":6}"#,
            r#"{"shape":"[2,3]"}"#,
            r#"{"shape":["2","3"]}"#,
            r#"{"shape":[2,-3]}"#,
            r#"{"shape":[2.0,3]}"#,
            r#"{"shape":[2,null]}"#,
            r#"{"shape":[[2],3]}"#,
            r#"{"shape":{"0":2}}"#,
            r#"{"shape":[1e300]}"#,
            r#"{"shape":[18446744073709551616]}"#,
        ],
    ),
    (
        "Permutation",
        &[
            r#"{"shape":[2,3],"permutation":[1]}"#,
            r#"{"shape":[2,3],"permutation":[]}"#,
            r#"{"shape":[2,3],"permutation":[0,0]}"#,
            r#"{"shape":[2,3],"permutation":[1,2]}"#,
            r#"{"shape":[2,3],"permutation":[0,1,2]}"#,
            r#"{"shape":[2,3],"permutation":[0,18446744073709551615]}"#,
        ],
    ),
    (
        r#"MetadataKey { key: "permutation" }"#,
        &[
            r#"{"shape":[2,3],"permutation":[0,-1]}"#,
            r#"{"shape":[2,3],"permutation":"10"}"#,
            r#"{"shape":[2,3],"permutations":7}"#,
            r#"{"shape":[2,3],"permutation":[1,0],"permutations":[0,1]}"#,
        ],
    ),
    (
        "DimNames",
        &[
            r#"{"shape":[2,3],"dim_names":["a"]}"#,
            r#"{"shape":[2,3],"dim_names":["a","b","c"]}"#,
        ],
    ),
    (
        r#"MetadataKey { key: "dim_names" }"#,
        &[
            r#"{"shape":[2,3],"dim_names":"ab"}"#,
            r#"{"shape":[2,3],"dim_names":["a",null]}"#,
            r#"{"shape":[2,3],"dim_names":[1,2]}"#,
        ],
    ),
    (
        "TensorSize",
        &[
            r#"{"shape":[2,4]}"#,
            r#"{"shape":[]}"#,
            r#"{"shape":[0]}"#,
            r#"{"shape":[65536,65536]}"#,
        ],
    ),
    (
        "SizeOverflow",
        &[
            r#"{"shape":[4294967296,4294967296]}"#,
            r#"{"shape":[18446744073709551615,18446744073709551615,0]}"#,
        ],
    ),
];

#[test]
fn malformed_metadata_is_a_typed_error() {
    let rows = in_lists(Arc::new(Int8Array::from(vec![0; 12])), 6);
    let check = |metadata: &str, expected: &str| {
        let field = tensor_field(metadata, rows.data_type());
        let error = Column::from_field(&field, &rows, Nulls::Forbid).unwrap_err();
        let variant = format!("{error:?}");
        assert!(variant.contains(expected), "{metadata:.60}: {variant}");
        assert!(!error.to_string().is_empty());
    };
    for (expected, cases) in MALFORMED {
        for metadata in *cases {
            check(metadata, expected);
        }
    }
    assert!(MALFORMED.iter().map(|(_, cases)| cases.len()).sum::<usize>() > 30);
    check(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), "MetadataSyntax");
    let wide = vec!["1"; 65].join(",");
    check(&format!(r#"{{"shape":[{wide}]}}"#), "RankTooHigh { ndim: 65 }");
}

#[test]
fn tensors_need_metadata_and_lists() {
    let rows = in_lists(Arc::new(Int8Array::from(vec![0; 12])), 6);
    let name = [("ARROW:extension:name".to_owned(), FixedShapeTensor::NAME.to_owned())];
    let bare = Field::new("x", rows.data_type().clone(), true).with_metadata(HashMap::from(name));
    let error = Column::from_field(&Arc::new(bare), &rows, Nulls::Forbid).unwrap_err();
    assert!(matches!(error, Error::Arrow(ArrowFault::MetadataSyntax)), "{error}");

    let field = tensor_field(r#"{"shape":[1]}"#, &DataType::Int8);
    let error = Column::from_field(&field, &Int8Array::from(vec![0]), Nulls::Forbid).unwrap_err();
    assert!(matches!(error, Error::Arrow(ArrowFault::UnsupportedType(_))), "{error}");

    // A row that is a scalar.
    let ones = in_lists(Arc::new(Int8Array::from(vec![0; 3])), 1);
    let field = tensor_field(r#"{"shape":[]}"#, ones.data_type());
    assert_eq!(
        Column::from_field(&field, &ones, Nulls::Forbid).unwrap().view().shape(),
        [3]
    );
}

proptest! {
    #[test]
    fn metadata_never_panics(text in r#"\{"(shape|permutation|dim_names)":[\[\]0-9,"a\-{}null ]{0,20}(,"permutation":[\[\]0-9,]{0,9})?\}"#) {
        let _ = FixedShapeTensor::parse(&text);
    }

    /// Lists of lists of random sizes, sliced at random at each level, against a view that is sliced alike.
    #[test]
    fn random_nesting(
        sizes in prop::collection::vec(1_i32..4, 0..4),
        cuts in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 4),
        bits in any::<bool>(),
    ) {
        let total = 96;
        let mut array: ArrayRef = if bits {
            Arc::new(BooleanArray::from((0..total).map(|n| n % 5 < 2).collect::<Vec<_>>()))
        } else {
            Arc::new(Int32Array::from((0..total).collect::<Vec<_>>()))
        };
        let mut view = Column::from_array(&array, Nulls::Forbid).unwrap().into_view();
        let cut = |array: &ArrayRef, (from, to): (f64, f64)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
            let at = |part: f64| (part * array.len() as f64) as usize;
            let (from, to) = (at(from.min(to)), at(from.max(to)));
            (from, to - from)
        };
        for (level, &size) in sizes.iter().enumerate() {
            let (from, len) = cut(&array, cuts[level]);
            let step = usize::try_from(size).unwrap();
            let len = len / step * step;
            let part = |view: &StridedView<'static>| {
                view.slice_axis(0, from.cast_signed()..(from + len).cast_signed()).unwrap()
            };
            array = in_lists(array.slice(from, len), size);
            view = part(&view);
            let shape = [&[len / step, step], &view.shape()[1..]].concat();
            view = view.reshape(&shape).unwrap();
        }
        let back = round_trip(&array);
        prop_assert_eq!(back.shape(), view.shape());
        prop_assert_eq!(values(&back), values(&view));
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Owners
// ---------------------------------------------------------------------------------------------------------------------------------

/// Items that count their drops.
struct Counted(Vec<u32>, Arc<AtomicUsize>);

impl AsRef<[u32]> for Counted {
    fn as_ref(&self) -> &[u32] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn arrays_outlive_views_and_views_arrays() -> TestResult {
    let drops = Arc::new(AtomicUsize::new(0));
    let count = || drops.load(Ordering::SeqCst);
    let owner = Counted((0..1000).collect(), Arc::clone(&drops));
    let view = StridedView::from_owner(owner);
    let array = view.to_arrow(CopyPolicy::Never)?.value;
    drop(view);
    assert_eq!(array.as_any().downcast_ref::<UInt32Array>().unwrap().value(999), 999);

    let again = Column::from_array(&array.slice(10, 5), Nulls::Forbid)?.into_view();
    drop(array);
    assert_eq!(again.to_vec::<u32>()?, [10, 11, 12, 13, 14]);
    let (field, tensors) = again.reshape(&[1, 5])?.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
    drop(again);
    assert_eq!(count(), 0);
    let column = Column::from_field(&field, &tensors, Nulls::Forbid)?;
    drop(tensors);
    std::thread::spawn(move || {
        assert_eq!(column.view().get::<u32>(&[0, 4]).unwrap(), 14);
        drop(column);
    })
    .join()
    .unwrap();
    assert_eq!(count(), 1);
    Ok(())
}

#[test]
fn shared_memory_cannot_be_taken_back_for_writing() -> TestResult {
    let view = StridedView::from_vec(vec![1_u32, 2, 3]);
    let array = view.to_arrow(CopyPolicy::Never)?.value;
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }));
    drop(array);
    assert!(view.into_mut().is_ok());

    // Arrow cannot take it for writing either, and a view of Arrow's memory keeps Arrow from it.
    let array = StridedView::from_vec(vec![1_u32]).to_arrow(CopyPolicy::Never)?.value;
    let array = array.as_any().downcast_ref::<UInt32Array>().unwrap().clone();
    assert!(array.into_builder().is_err());
    let array = UInt32Array::from(vec![1, 2]);
    let view = Column::from_array(&array, Nulls::Forbid)?.into_view();
    let array = array.into_builder().unwrap_err();
    drop((view, array));
    Ok(())
}

#[test]
fn pinned_bytes_are_those_of_the_allocation() -> TestResult {
    let array = Int64Array::from((0..1000).collect::<Vec<_>>());
    let few = Column::from_array(&array.slice(500, 2), Nulls::Forbid)?.into_view();
    assert_eq!((few.nbytes(), few.pinned_bytes()), (16, 8000));
    Ok(())
}

#[test]
fn requirements_can_be_asked_beforehand() {
    let view = matrix(&DType::I32);
    assert!(view.plan(&REQUIREMENTS).is_shared());
    assert!(view.transpose().plan(&FIXED_SHAPE_TENSOR).bytes_copied() == 120);
    assert_eq!(view.transpose().plan(&REQUIREMENTS).bytes_copied(), 120);
    assert!(
        view.transpose()
            .plan(&REQUIREMENTS)
            .to_string()
            .starts_with("Arrow: copied")
    );
}

// ---------------------------------------------------------------------------------------------------------------------------------
// IPC files
// ---------------------------------------------------------------------------------------------------------------------------------

mod ipc {
    use super::*;
    use std::io::BufWriter;
    use viewbridge::files::ipc;

    /// Columns of every type, with nulls, tensors and text.
    fn columns() -> Vec<(FieldRef, ArrayRef)> {
        let mut columns: Vec<(FieldRef, ArrayRef)> = Vec::new();
        for (array, ..) in every_type() {
            let name = columns.len().to_string();
            columns.push((Arc::new(Field::new(name, array.data_type().clone(), false)), array));
        }
        let rows = StridedView::from_vec((0..36_i32).collect())
            .reshape(&[6, 2, 3])
            .unwrap();
        let permuted = rows.permute(&[0, 2, 1]).unwrap();
        columns.push(permuted.to_fixed_shape_tensor(CopyPolicy::Never).unwrap().value);
        let nulls: ArrayRef = Arc::new(Int32Array::from(vec![None, Some(2), None, Some(4), None, Some(6)]));
        columns.push((Arc::new(Field::new("nulls", DataType::Int32, true)), nulls));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "bc", "", "d", "e", "f"]));
        columns.push((Arc::new(Field::new("text", DataType::Utf8, false)), text));
        columns
    }

    fn write(columns: &[(FieldRef, ArrayRef)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        ipc::write(BufWriter::new(file.as_file()), columns).unwrap();
        file
    }

    fn check(batches: &[RecordBatch], columns: &[(FieldRef, ArrayRef)]) {
        assert_eq!(batches.len(), 1);
        for (k, (field, array)) in columns.iter().enumerate() {
            assert_eq!(batches[0].schema().field(k), &**field);
            assert_eq!(batches[0].column(k), array);
        }
    }

    #[test]
    fn reading_copies_the_file_once() -> TestResult {
        let columns = columns();
        let file = write(&columns);
        let read = ipc::read(file.path())?;
        check(&read.value, &columns);
        assert_eq!(read.report.reasons().collect::<Vec<_>>(), [&CopyReason::FileRead]);
        let bytes = file.as_file().metadata()?.len();
        assert_eq!(read.report.bytes_copied(), usize::try_from(bytes).unwrap());
        Ok(())
    }

    #[cfg(feature = "mmap")]
    #[test]
    fn mapping_shares_the_file() -> TestResult {
        let columns = columns();
        let file = write(&columns);
        let bytes = usize::try_from(file.as_file().metadata()?.len()).unwrap();
        // SAFETY: nobody changes the file.
        let mapped = unsafe { ipc::map(file.path()) }?;
        assert!(mapped.is_shared(), "{}", mapped.report);
        check(&mapped.value, &columns);

        // All items lie within one file's length of each other, on the same pages as a second view of them.
        let batch = &mapped.value[0];
        let mut addresses = Vec::new();
        for (k, column) in batch.columns().iter().enumerate() {
            let schema = batch.schema();
            let field = Arc::new(schema.field(k).clone());
            match Column::from_field(&field, column, Nulls::Separate) {
                Ok(column) => addresses.push(column.view().data_ptr().addr()),
                Err(error) => assert_eq!(field.name(), "text", "{error}"),
            }
        }
        let (low, high) = (addresses.iter().min().unwrap(), addresses.iter().max().unwrap());
        assert!(high - low < bytes);
        assert!(addresses.iter().all(|address| address % 8 == low % 8));

        // The permuted tensor comes back as it was, and the mapping outlives batches and file.
        let k = every_type().len();
        let field = Arc::new(batch.schema().field(k).clone());
        let view = Column::from_field(&field, batch.column(k), Nulls::Forbid)?.into_view();
        drop((mapped, file));
        assert_eq!((view.shape(), view.strides()), (&[6, 3, 2][..], &[24, 4, 12][..]));
        assert_eq!(view.get::<i32>(&[5, 2, 1])?, 35);
        Ok(())
    }

    #[test]
    fn columns_that_do_not_fit_are_errors() {
        let column =
            |array: ArrayRef, nullable| (Arc::new(Field::new("x", array.data_type().clone(), nullable)), array);
        let two: ArrayRef = Arc::new(Int8Array::from(vec![1, 2]));
        let one: ArrayRef = Arc::new(Int8Array::from(vec![1]));
        let null: ArrayRef = Arc::new(Int8Array::from(vec![None, Some(1)]));
        let other = (Arc::new(Field::new("x", DataType::Int16, true)), Arc::clone(&one));
        for columns in [
            vec![column(Arc::clone(&two), false), column(one, false)],
            vec![column(null, false)],
            vec![other],
        ] {
            let error = ipc::write(Vec::new(), &columns).unwrap_err();
            assert!(matches!(error, Error::Arrow(ArrowFault::Library(_))), "{error}");
        }
        let mut file = Vec::new();
        ipc::write(&mut file, &[]).unwrap();
        assert!(!file.is_empty());
    }

    #[test]
    fn files_that_are_none_are_errors() -> TestResult {
        let error = ipc::read("/no/such/file").unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error}");
        for bytes in [
            &b""[..],
            b"ARROW1",
            b"ARROW1\0\0ARROW1",
            b"\xff\xff\xff\x7fARROW1",
            b"\xff\xff\xff\xffARROW1",
        ] {
            let file = tempfile::NamedTempFile::new()?;
            std::fs::write(file.path(), bytes)?;
            let error = ipc::read(file.path()).unwrap_err();
            assert!(matches!(error, Error::Arrow(_)), "{error}");
            #[cfg(feature = "mmap")]
            {
                // SAFETY: nobody changes the file.
                let error = unsafe { ipc::map(file.path()) }.unwrap_err();
                assert!(matches!(error, Error::Arrow(_)), "{error}");
            }
        }
        Ok(())
    }

    /// Written by pyarrow: see `tests/data/ipc/make.py`. The tests build Arrow with both codecs.
    #[test]
    fn compressed_files_are_decompressed_and_say_so() -> TestResult {
        for codec in ["lz4", "zstd"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ipc");
            let path = folder.join(codec).with_extension("arrow");
            let batches = ipc::read(&path)?;
            let column = batches.value[0].column(0);
            assert_eq!(
                Column::from_array(column, Nulls::Forbid)?.view().to_vec::<i64>()?,
                [0; 1000]
            );
            let reasons: Vec<_> = batches.report.reasons().cloned().collect();
            assert_eq!(reasons, [CopyReason::FileRead, CopyReason::Decompressed]);
            assert!(batches.report.bytes_copied() >= 8000);
        }
        Ok(())
    }
}
