//! Columns of changed views: what follows, what is copied, what is refused.
#![cfg(feature = "arrow")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, FixedSizeListArray, Int8Array, Int32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef};
use viewbridge::arrow::{Column, FixedShapeTensor, Nulls};
use viewbridge::{ArrowFault, CopyPolicy, CopyReason, DType, Error, Order, StridedView};

type TestResult = Result<(), Error>;

/// Three nullable rows, the middle one null, of four items each, of which some are null.
fn lists() -> ArrayRef {
    let items = Int32Array::from_iter((0..12).map(|k| (k % 5 != 1).then_some(k)));
    let field = Arc::new(Field::new_list_field(DataType::Int32, true));
    let rows = NullBuffer::from(vec![true, false, true]);
    Arc::new(FixedSizeListArray::new(field, 4, Arc::new(items), Some(rows)))
}

/// Tensors of shape [2, 3, 4] in four rows, the second one null; `json` is put beside the shape.
fn tensors(json: &str) -> (FieldRef, ArrayRef) {
    let items = Arc::new(Int32Array::from_iter_values(0..96));
    let item = Arc::new(Field::new_list_field(DataType::Int32, false));
    let rows = NullBuffer::from(vec![true, false, true, true]);
    let array: ArrayRef = Arc::new(FixedSizeListArray::new(item, 24, items, Some(rows)));
    let metadata = HashMap::from([
        ("ARROW:extension:name".to_owned(), FixedShapeTensor::NAME.to_owned()),
        (
            "ARROW:extension:metadata".to_owned(),
            format!(r#"{{"shape":[2,3,4]{json}}}"#),
        ),
        ("mine".to_owned(), "kept".to_owned()),
    ]);
    let field = Field::new("t", array.data_type().clone(), true).with_metadata(metadata);
    (Arc::new(field), array)
}

fn tensor_column(json: &str) -> Result<Column, Error> {
    let (field, array) = tensors(json);
    Column::from_field(&field, &array, Nulls::Separate)
}

#[track_caller]
fn refused_at(axis: usize, column: &Column, view: &StridedView<'_>) {
    match column.with_view(view, CopyPolicy::IfNeeded) {
        Err(Error::Arrow(ArrowFault::NotRows { axis: found })) => assert_eq!(found, axis),
        other => panic!("{other:?}"),
    }
}

#[test]
fn slices_take_their_nulls_along() -> TestResult {
    let column = Column::from_array(&lists(), Nulls::Separate)?;
    let part = column.view().slice_axis(0, 1..)?;
    let part = column.with_view(&part, CopyPolicy::Never)?.value;
    assert_eq!(part.array(), &lists().slice(1, 2));
    assert_eq!(part.field(), column.field());
    assert_eq!(part.row_validity().unwrap().to_vec::<bool>()?, [false, true]);
    assert_eq!(part.view().data_ptr(), column.view().index_axis(0, 1)?.data_ptr());
    // A part of a part, too.
    let last = column.with_view(&part.view().slice_axis(0, 1..)?, CopyPolicy::Never)?;
    assert_eq!(last.value.array(), &lists().slice(2, 1));
    Ok(())
}

#[test]
fn every_second_row_is_copied_with_its_nulls() -> TestResult {
    let column = Column::from_array(&lists(), Nulls::Separate)?;
    let reversed = column.view().flip(0)?;
    let forbidden = column.with_view(&reversed, CopyPolicy::Never).unwrap_err();
    assert!(
        matches!(forbidden, Error::CopyForbidden { bytes: 48, .. }),
        "{forbidden}"
    );
    let reversed = column.with_view(&reversed, CopyPolicy::IfNeeded)?;
    assert_eq!(
        reversed.report.records()[0].reasons[..],
        [CopyReason::NotContiguous {
            order: Order::C,
            axis: 0,
            stride: -16,
            expected: 16
        }]
    );
    for row in 0..3 {
        assert_eq!(&reversed.value.array().slice(row, 1), &lists().slice(2 - row, 1));
    }
    let always = column.with_view(column.view(), CopyPolicy::Always)?;
    assert_eq!(always.report.records()[0].reasons[..], [CopyReason::Requested]);
    assert_eq!(always.value.array(), &lists());
    assert_ne!(always.value.view().data_ptr(), column.view().data_ptr());
    Ok(())
}

#[test]
fn bits_are_counted_one_by_one() -> TestResult {
    let bits: ArrayRef = Arc::new(BooleanArray::from_iter(
        (0..40).map(|k| (k % 7 != 0).then_some(k % 3 == 0)),
    ));
    let sliced = bits.slice(3, 30);
    let column = Column::from_array(&sliced, Nulls::Separate)?;
    let part = column.view().slice_axis(0, 5..20)?;
    let shared = column.with_view(&part, CopyPolicy::Never)?.value;
    assert_eq!(shared.array(), &bits.slice(8, 15));
    let steps = column.view().slice_axis(0, viewbridge::Slice::new(Some(4), None, -2))?;
    let copied = column.with_view(&steps, CopyPolicy::IfNeeded)?.value;
    for (row, from) in [4, 2, 0].into_iter().enumerate() {
        assert_eq!(&copied.array().slice(row, 1), &sliced.slice(from, 1));
    }
    Ok(())
}

#[test]
fn permuted_tensors_say_so_in_their_field() -> TestResult {
    for json in [
        "",
        r#","dim_names":["C","H","W"]"#,
        r#","permutation":[2,0,1],"dim_names":["C","H","W"]"#,
    ] {
        let column = tensor_column(json)?;
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let axes: Vec<usize> = std::iter::once(0).chain(order.iter().map(|axis| axis + 1)).collect();
            let view = column.view().slice_axis(0, 1..)?.permute(&axes)?;
            let changed = column.with_view(&view, CopyPolicy::Never)?.value;
            assert_eq!(
                (changed.view().shape(), changed.view().strides()),
                (view.shape(), view.strides())
            );
            assert_eq!(changed.view().data_ptr(), view.data_ptr());
            assert_eq!(changed.array(), &column.array().slice(1, 3));
            assert_eq!(changed.field().metadata()["mine"], "kept");
            let names = |column: &Column| {
                let tensor = column.tensor().unwrap().clone();
                tensor
                    .logical_dim_names()
                    .map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>())
            };
            let expected = names(&column).map(|old| order.map(|axis| old[axis].clone()).to_vec());
            assert_eq!(names(&changed), expected);
        }
    }
    Ok(())
}

#[test]
fn tensors_without_names_are_reshaped() -> TestResult {
    let column = tensor_column("")?;
    for shape in [&[4, 24][..], &[4, 6, 4], &[4, 4, 3, 2], &[4, 2, 1, 3, 4]] {
        let view = column.view().reshape(shape)?;
        let changed = column.with_view(&view, CopyPolicy::Never)?.value;
        assert_eq!(changed.view().shape(), shape);
        assert_eq!(changed.array(), column.array());
        assert_eq!(
            changed.row_validity().unwrap().to_vec::<bool>()?,
            [true, false, true, true]
        );
    }
    // Axes that were put together out of order, and then permuted.
    let view = column
        .view()
        .reshape(&[4, 6, 4])?
        .permute(&[0, 2, 1])?
        .slice_axis(0, ..1)?;
    let changed = column.with_view(&view, CopyPolicy::Never)?.value;
    assert_eq!(changed.tensor().unwrap().permutation(), Some(&[1, 0][..]));
    assert_eq!(changed.view().strides()[1..], view.strides()[1..]);
    // Names belong to the axes that there were.
    let named = tensor_column(r#","dim_names":["C","H","W"]"#)?;
    refused_at(1, &named, &named.view().reshape(&[4, 24])?);
    Ok(())
}

#[test]
fn what_is_not_made_of_whole_rows_is_refused() -> TestResult {
    let column = Column::from_array(&lists(), Nulls::Separate)?;
    let view = column.view();
    refused_at(1, &column, &view.slice_axis(1, 1..3)?);
    refused_at(1, &column, &view.slice_axis(1, ..2)?);
    refused_at(1, &column, &view.flip(1)?);
    refused_at(1, &column, &view.reshape(&[12])?);
    refused_at(2, &column, &view.reshape(&[3, 4, 1])?);
    refused_at(1, &column, &view.index_axis(0, 0)?);
    refused_at(0, &column, &view.index_axis(0, 0)?.broadcast_to(&[3, 4])?);
    // Windows of four over all items begin within rows.
    refused_at(0, &column, &view.reshape(&[12])?.sliding_windows(&[(0, 4)])?);
    // Other memory, before or behind: also that of a copy.
    refused_at(0, &column, &StridedView::from_vec(vec![0_i32; 12]).reshape(&[3, 4])?);
    let part = column.with_view(&view.slice_axis(0, 1..2)?, CopyPolicy::Never)?.value;
    refused_at(0, &part, &view.slice_axis(0, ..1)?);
    refused_at(0, &part, view);
    let scalar = view.reshape(&[12])?.index_axis(0, 0)?;
    let numbers = Column::from_array(&Int32Array::from(vec![1, 2]), Nulls::Forbid)?;
    refused_at(0, &numbers, &scalar);
    let other = column
        .with_view(&view.view_as(DType::F32)?, CopyPolicy::IfNeeded)
        .unwrap_err();
    assert!(matches!(other, Error::DTypeMismatch { .. }), "{other}");
    Ok(())
}

#[test]
fn views_without_items_are_rows_if_that_says_which() -> TestResult {
    let column = Column::from_array(&lists(), Nulls::Separate)?;
    let none = column
        .with_view(&column.view().slice_axis(0, 2..2)?, CopyPolicy::Never)?
        .value;
    assert_eq!(none.array(), &lists().slice(0, 0));
    let field = Arc::new(Field::new_list_field(DataType::Int32, true));
    let empty = |nulls| {
        let items = Arc::new(Int32Array::from(Vec::<i32>::new()));
        let lists = FixedSizeListArray::try_new_with_length(Arc::clone(&field), 0, items, nulls, 3).unwrap();
        Column::from_array(&lists, Nulls::Separate)
    };
    let plain = empty(None)?;
    let two = plain
        .with_view(&plain.view().slice_axis(0, 1..)?, CopyPolicy::Never)?
        .value;
    assert_eq!(two.array().len(), 2);
    let nullable = empty(Some(NullBuffer::from(vec![true, false, true])))?;
    assert_eq!(
        nullable.with_view(nullable.view(), CopyPolicy::Never)?.value.array(),
        nullable.array()
    );
    refused_at(0, &nullable, &nullable.view().slice_axis(0, 1..)?);
    Ok(())
}

#[test]
fn extension_types_stay() -> TestResult {
    let metadata = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.bool8".to_owned())]);
    let field = Arc::new(Field::new("b", DataType::Int8, true).with_metadata(metadata));
    let array: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None, Some(0), None]));
    let column = Column::from_field(&field, &array, Nulls::Separate)?;
    let part = column
        .with_view(&column.view().slice_axis(0, 1..3)?, CopyPolicy::Never)?
        .value;
    assert_eq!((part.field(), part.array()), (&field, &array.slice(1, 2)));
    assert_eq!(part.view().dtype(), &DType::BOOL);
    Ok(())
}

/// A view that has been elsewhere is known by its address.
#[cfg(feature = "dlpack")]
#[test]
fn tensors_find_their_way_back() -> TestResult {
    let column = Column::from_array(&lists(), Nulls::Separate)?;
    let tensor = column.view().slice_axis(0, 1..)?.to_dlpack(CopyPolicy::Never)?.value;
    let back = column.with_view(&tensor.into_view()?, CopyPolicy::Never)?.value;
    assert_eq!(back.array(), &lists().slice(1, 2));
    Ok(())
}

#[test]
fn ragged_rows_stay_out_of_it() -> TestResult {
    use arrow_array::ListArray;
    let even = ListArray::from_iter_primitive::<Int32Type, _, _>((0..4).map(|k| Some(vec![Some(k), Some(k + 1)])));
    let column = Column::from_array(&even, Nulls::Forbid)?;
    let part = column
        .with_view(&column.view().slice_axis(0, 1..3)?, CopyPolicy::Never)?
        .value;
    assert_eq!(part.array().as_ref(), &even.slice(1, 2));
    Ok(())
}
