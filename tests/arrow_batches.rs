//! Record batches as matrices and back, streams of batches as views, and the Arrow types that are built out of views.
#![cfg(feature = "arrow")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use viewbridge::arrow::ffi::ArrowArrayStream;
use viewbridge::arrow::{Column, Matrix, Nulls, TensorColumn, VariableShapeTensor, concat};
use viewbridge::{
    ArrowFault, CopyPolicy, CopyReason, DType, Error, Field as RecordField, Logical, Order, Record, StridedView,
    TimeUnit,
};

type TestResult = Result<(), Error>;

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values.into_iter().collect::<Vec<_>>()))
}

fn batch(columns: impl IntoIterator<Item = ArrayRef>) -> RecordBatch {
    let columns = columns.into_iter().enumerate();
    RecordBatch::try_from_iter(columns.map(|(k, column)| (k.to_string(), column))).unwrap()
}

/// Rows 0..n of `columns` columns: row + column / 100.
fn apart(columns: u8, rows: u16) -> RecordBatch {
    batch((0..columns).map(|c| floats((0..rows).map(|r| f64::from(r) + f64::from(c) / 100.0))))
}

#[test]
fn columns_of_several_allocations_are_gathered_once() -> TestResult {
    for (columns, rows) in [(1, 5), (3, 7), (16, 1000), (2, 0)] {
        let batch = apart(columns, rows);
        for order in [Order::C, Order::F] {
            let matrix = Matrix::new().order(order).policy(CopyPolicy::Always).of(&batch)?;
            assert_eq!(matrix.value.shape(), [usize::from(rows), usize::from(columns)]);
            for (r, c) in [(0, 0), (rows / 2, columns / 2), (rows.saturating_sub(1), columns - 1)] {
                if rows > 0 {
                    let found = matrix.value.get::<f64>(&[usize::from(r), usize::from(c)])?;
                    assert_eq!(found, f64::from(r) + f64::from(c) / 100.0);
                }
            }
            let contiguous = match order {
                Order::C => matrix.value.is_c_contiguous(),
                Order::F => matrix.value.is_f_contiguous(),
            };
            assert!(contiguous);
            assert_eq!(
                matrix.report.bytes_copied(),
                usize::from(rows) * usize::from(columns) * 8
            );
        }
    }
    let gathered = Matrix::new().of(&apart(3, 4))?;
    assert_eq!(
        gathered.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Gathered { pieces: 3 }]
    );
    let refused = Matrix::new().policy(CopyPolicy::Never).of(&apart(3, 4));
    assert!(matches!(refused, Err(Error::CopyForbidden { bytes: 96, .. })));
    Ok(())
}

#[test]
fn matrices_in_memory_of_the_caller() -> TestResult {
    let batch = apart(3, 5);
    for order in [None, Some(Order::C), Some(Order::F)] {
        let matrix = order.map_or(Matrix::new(), |order| Matrix::new().order(order));
        let expected = matrix.of(&batch)?;
        let mut memory = vec![std::mem::MaybeUninit::uninit(); expected.value.nbytes() + 9];
        let first = memory.as_ptr().cast::<u8>();
        let found = matrix.of_into(&batch, &mut memory)?;
        assert_eq!(found.report, expected.report);
        assert_eq!(
            (found.value.shape(), found.value.strides()),
            (expected.value.shape(), expected.value.strides())
        );
        assert_eq!(found.value.to_bytes(Order::C)?, expected.value.to_bytes(Order::C)?);
        assert_eq!(found.value.data_ptr(), first);
        let short = &mut memory[..expected.value.nbytes() - 1];
        assert!(matches!(matrix.of_into(&batch, short), Err(Error::TooShort { .. })));
    }
    // What is shared leaves the memory alone; what is shared in another order does not.
    let columns = StridedView::from_vec((0..6_i32).collect())
        .reshape(&[2, 3])?
        .transpose();
    let batch = columns.to_record_batch(&[], CopyPolicy::Never)?.value;
    assert_eq!(
        Matrix::new().of_into(&batch, &mut [])?.value.data_ptr(),
        columns.data_ptr()
    );
    let mut memory = vec![std::mem::MaybeUninit::uninit(); 24];
    let rows = Matrix::new().order(Order::C).of_into(&batch, &mut memory)?;
    assert_eq!(
        (rows.report.bytes_copied(), rows.value.to_vec::<i32>()?),
        (24, vec![0, 3, 1, 4, 2, 5])
    );
    Ok(())
}

#[test]
fn other_item_sizes_are_gathered_too() -> TestResult {
    fn check<T: ArrowPrimitiveType>(values: Vec<T::Native>) -> TestResult
    where
        T::Native: viewbridge::Element + PartialEq,
    {
        let column: ArrayRef = Arc::new(PrimitiveArray::<T>::new(values.clone().into(), None));
        let reversed: ArrayRef = Arc::new(PrimitiveArray::<T>::new(
            values.iter().rev().copied().collect::<Vec<_>>().into(),
            None,
        ));
        let matrix = Matrix::new().of(&batch([column, reversed]))?.value;
        let n = values.len();
        let expected: Vec<T::Native> = (0..n).flat_map(|k| [values[k], values[n - 1 - k]]).collect();
        assert!(matrix.to_vec::<T::Native>()? == expected);
        Ok(())
    }
    check::<UInt8Type>((0..200).collect())?;
    check::<Int16Type>((0..300).collect())?;
    check::<Int32Type>((0..3000).collect())?;
    check::<UInt64Type>((0..129).collect())?;
    let decimal = |n: i128| -> ArrayRef {
        Arc::new(
            Decimal128Array::from(vec![n, n + 1])
                .with_precision_and_scale(20, 3)
                .unwrap(),
        )
    };
    let matrix = Matrix::new().of(&batch([decimal(5), decimal(-7)]))?.value;
    assert_eq!(
        matrix.logical(),
        Some(&Logical::Decimal {
            precision: 20,
            scale: 3
        })
    );
    let back = matrix.to_arrow(CopyPolicy::Never)?.value;
    assert_eq!(back.as_fixed_size_list().value(1).to_data(), {
        let row = Decimal128Array::from(vec![6, -6])
            .with_precision_and_scale(20, 3)
            .unwrap();
        row.to_data()
    });
    Ok(())
}

#[test]
fn nothing_is_promoted_in_silence() -> TestResult {
    let mixed = batch([
        Arc::new(UInt64Array::from(vec![1, u64::MAX])) as ArrayRef,
        Arc::new(Int64Array::from(vec![-1, 2])),
    ]);
    let refused = Matrix::new().of(&mixed);
    assert!(matches!(
        refused,
        Err(Error::Arrow(ArrowFault::MixedTypes { column: 1, .. }))
    ));
    let named = Matrix::new().as_type(DType::F64).of(&mixed)?;
    assert_eq!(named.value.to_vec::<f64>()?, [1.0, -1.0, 18446744073709551616.0, 2.0]);
    assert!(named.report.reasons().any(|reason| *reason == CopyReason::Cast));
    // What does not fit is refused, whoever asks.
    let refused = Matrix::new().as_type(DType::I64).of(&mixed);
    assert!(matches!(
        refused,
        Err(Error::Arrow(ArrowFault::MixedTypes { column: 0, .. }))
    ));
    assert!(matches!(
        Matrix::new().as_type(DType::U8).of(&mixed),
        Err(Error::DTypeMismatch { .. })
    ));
    let text = batch([Arc::new(StringArray::from(vec!["a"])) as ArrayRef]);
    assert!(Matrix::new().as_type(DType::F64).of(&text).is_err());
    assert!(Matrix::new().of(&text).is_err());
    Ok(())
}

#[test]
fn nulls_of_columns_are_refused_filled_or_ignored_by_name() -> TestResult {
    let holes: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
    let batch = batch([holes, floats([3.0, 4.0])]);
    assert!(matches!(Matrix::new().of(&batch), Err(Error::Nulls { count: 1 })));
    assert!(matches!(
        Matrix::new().nulls(Nulls::Separate).of(&batch),
        Err(Error::Nulls { .. })
    ));
    let filled = Matrix::new().fill(-1.0_f64).of(&batch)?;
    assert_eq!(filled.value.to_vec::<f64>()?, [1.0, 3.0, -1.0, 4.0]);
    assert!(
        filled
            .report
            .reasons()
            .any(|reason| *reason == CopyReason::NullsFilled { count: 1 })
    );
    assert!(matches!(
        Matrix::new().fill(0_i32).of(&batch),
        Err(Error::DTypeMismatch { .. })
    ));
    assert_eq!(
        Matrix::new()
            .nulls(Nulls::IgnoreUnspecified)
            .of(&batch)?
            .value
            .get::<f64>(&[1, 1])?,
        4.0
    );
    Ok(())
}

#[test]
fn matrices_and_batches_share_memory_both_ways() -> TestResult {
    let memory = StridedView::from_vec((0..40).map(f64::from).collect::<Vec<_>>());
    let padded = memory.reshape(&[4, 10])?.slice_axis(1, 1..7)?.transpose();
    for matrix in [
        padded.clone(),
        padded.flip(1)?,
        padded.slice_axis(0, 2..2)?,
        padded.slice_axis(1, 1..)?,
    ] {
        let batch = matrix.to_record_batch(&[], CopyPolicy::Never)?;
        assert!(batch.is_shared());
        assert_eq!(
            (batch.value.num_rows(), batch.value.num_columns()),
            (matrix.shape()[0], matrix.shape()[1])
        );
        let back = Matrix::new().policy(CopyPolicy::Never).of(&batch.value)?.value;
        assert_eq!(back.to_vec::<f64>()?, matrix.to_vec::<f64>()?);
        if !matrix.is_empty() {
            assert_eq!((back.data_ptr(), back.strides()), (matrix.data_ptr(), matrix.strides()));
        }
    }
    // Row-major is copied, and so is what is reversed along the rows.
    for matrix in [padded.transpose(), padded.flip(0)?] {
        let batch = matrix.to_record_batch(&[], CopyPolicy::IfNeeded)?;
        assert!(!batch.is_shared());
        assert_eq!(
            Matrix::new().of(&batch.value)?.value.to_vec::<f64>()?,
            matrix.to_vec::<f64>()?
        );
    }
    assert!(memory.to_record_batch(&[], CopyPolicy::IfNeeded).is_err());
    assert!(
        memory
            .reshape(&[4, 5, 2])?
            .to_record_batch(&[], CopyPolicy::IfNeeded)
            .is_err()
    );
    assert!(padded.to_record_batch(&["a"], CopyPolicy::IfNeeded).is_err());
    Ok(())
}

#[test]
fn batches_of_bits_and_times_keep_their_types() -> TestResult {
    let bits = StridedView::from_vec(vec![true, false, true, true, false, false]).reshape(&[3, 2])?;
    let batch = bits.to_record_batch(&["a", "b"], CopyPolicy::IfNeeded)?.value;
    assert_eq!(
        batch.column(0).as_boolean().iter().flatten().collect::<Vec<_>>(),
        [true, true, false]
    );
    let times = StridedView::from_vec(vec![1_i64, 2, 3, 4]).with_logical(Logical::Timestamp {
        unit: TimeUnit::Microsecond,
        zone: Some("UTC".into()),
    });
    let batch = times
        .reshape(&[2, 2])?
        .transpose()
        .to_record_batch(&[], CopyPolicy::Never)?
        .value;
    assert_eq!(batch.column(1).as_primitive::<TimestampMicrosecondType>().value(0), 3);
    let back = Matrix::new().of(&batch)?;
    assert!(back.is_shared());
    assert_eq!(back.value.logical(), times.logical());
    Ok(())
}

#[test]
fn padded_columns_of_an_ipc_file_are_one_matrix() -> Result<(), Box<dyn std::error::Error>> {
    let batch = apart(5, 13);
    let schema = batch.schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .cloned()
        .zip(batch.columns().iter().cloned())
        .collect();
    let file = tempfile::NamedTempFile::new()?;
    viewbridge::files::ipc::write(file.reopen()?, &columns)?;
    let read = viewbridge::files::ipc::read(file.path())?.value;
    let matrix = Matrix::new().policy(CopyPolicy::Never).of(&read[0])?.value;
    // 13 items of 8 bytes, padded to a multiple of 64.
    assert_eq!(matrix.strides(), [8, 128]);
    assert_eq!(matrix.get::<f64>(&[12, 4])?, 12.04);
    Ok(())
}

#[test]
fn streams_give_one_view_per_batch() -> TestResult {
    let images = StridedView::from_vec((0..48_i32).collect())
        .reshape(&[4, 3, 4])?
        .permute(&[0, 2, 1])?;
    let (field, array) = images.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
    let schema = Arc::new(Schema::new(vec![Arc::clone(&field)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).map_err(Error::from)?;
    let slices = || [(0, 1), (1, 3)].map(|(start, len)| Ok::<_, ArrowError>(batch.slice(start, len)));
    let views = TensorColumn::new(&schema, "tensor", slices(), Nulls::Forbid)?.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(views[1].shape(), [3, 4, 3]);
    assert_eq!(views[1].strides(), images.strides());
    assert_eq!(views[0].data_ptr(), images.data_ptr());

    let all = TensorColumn::new(&schema, "tensor", slices(), Nulls::Forbid)?.read_all()?;
    assert_eq!(all.value.to_vec::<i32>()?, images.to_vec::<i32>()?);
    assert_eq!(
        all.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Gathered { pieces: 2 }]
    );
    let one = TensorColumn::new(&schema, "tensor", slices().into_iter().take(1), Nulls::Forbid)?.read_all()?;
    assert!(one.is_shared());

    // The same out of a C stream.
    let stream = ArrowArrayStream::new(Arc::clone(&schema), vec![Ok(batch.slice(2, 2))]);
    let reader = stream.into_reader()?.into_batches()?;
    let mut column = TensorColumn::new(
        &schema,
        "tensor",
        reader.map(|batch| Ok::<_, Error>(batch?.value)),
        Nulls::Forbid,
    )?;
    let column = column.next_column().unwrap()?;
    assert_eq!(column.tensor().unwrap().logical_shape(), [4, 3]);
    assert_eq!(column.view().get::<i32>(&[0, 0, 0])?, 24);

    assert!(TensorColumn::new(&schema, "other", slices(), Nulls::Forbid).is_err());
    let failing = [Err::<RecordBatch, _>(ArrowError::ComputeError("x".into()))];
    assert!(
        TensorColumn::new(&schema, "tensor", failing, Nulls::Forbid)?
            .next()
            .unwrap()
            .is_err()
    );
    let other = apart(1, 2);
    let mut other = TensorColumn::new(&schema, "tensor", [Ok::<_, ArrowError>(other)], Nulls::Forbid)?;
    assert!(other.next().unwrap().is_err());
    Ok(())
}

#[test]
fn chunks_are_put_together_bit_by_bit_where_they_must() -> TestResult {
    let bits = |values: &[bool]| {
        let array = BooleanArray::from(values.to_vec());
        Column::from_array(&array, Nulls::Forbid).unwrap().into_view()
    };
    let whole = concat(&[bits(&[true, false, true]), bits(&[]), bits(&[false, true])])?;
    assert_eq!(whole.value.dtype(), &DType::BIT);
    assert_eq!(whole.value.to_vec::<bool>()?, [true, false, true, false, true]);
    let a = StridedView::from_vec(vec![1_u8, 2]);
    assert!(matches!(
        concat(&[a.clone(), StridedView::from_vec(vec![1_i8])]),
        Err(Error::DTypeMismatch { .. })
    ));
    assert!(matches!(
        concat(&[a.clone(), a.insert_axis(0)?]),
        Err(Error::ShapeMismatch { .. })
    ));
    assert!(concat(&[]).is_err());
    Ok(())
}

#[test]
fn bool8_shares_bytes_and_copies_bits() -> TestResult {
    let bytes = StridedView::from_vec(vec![true, false, true, true]).reshape(&[2, 2])?;
    // Lists of booleans: the innermost items are of the type.
    for shape in [&[2, 2][..], &[1, 4], &[2, 1, 2], &[2, 2, 1, 1]] {
        let bytes = bytes.reshape(shape)?;
        let (field, array) = bytes.to_bool8(CopyPolicy::Never)?.value;
        let back = Column::from_field(&field, &array, Nulls::Forbid)?;
        assert_eq!((back.view().shape(), back.view().dtype()), (shape, &DType::BOOL));
        assert_eq!(back.view().data_ptr(), bytes.data_ptr());
        assert_eq!(
            back.with_view(&back.view().slice_axis(0, 1..)?, CopyPolicy::Never)?
                .value
                .field(),
            &field
        );
    }
    let turned = StridedView::from_vec(vec![true, true, false, false])
        .reshape(&[2, 2])?
        .transpose();
    let (field, array) = turned.to_bool8(CopyPolicy::IfNeeded)?.value;
    assert_eq!(
        Column::from_field(&field, &array, Nulls::Forbid)?
            .view()
            .to_vec::<bool>()?,
        [true, false, true, false]
    );
    let row = bytes.index_axis(0, 1)?;
    let (field, array) = row.to_bool8(CopyPolicy::Never)?.value;
    let back = Column::from_field(&field, &array, Nulls::Forbid)?.into_view();
    assert_eq!((back.data_ptr(), back.dtype()), (row.data_ptr(), &DType::BOOL));
    let packed = Column::from_array(&BooleanArray::from(vec![true, false]), Nulls::Forbid)?.into_view();
    assert!(packed.to_bool8(CopyPolicy::Never).is_err());
    let copied = packed.to_bool8(CopyPolicy::IfNeeded)?;
    assert_eq!(
        copied.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Packing { from: 1, to: 8 }]
    );
    assert!(
        StridedView::from_vec(vec![1_u8])
            .to_bool8(CopyPolicy::IfNeeded)
            .is_err()
    );
    Ok(())
}

#[test]
fn records_become_structs() -> TestResult {
    let inner = Record::packed([RecordField::new("re", DType::F32), RecordField::new("im", DType::F32)])?;
    let record = Record::packed([
        RecordField::new("id", DType::U16),
        RecordField::new("rgb", DType::U8).with_shape(&[3]),
        RecordField::new("z", inner.into()),
    ])?;
    let itemsize = record.itemsize();
    let bytes = StridedView::from_vec((0..u8::try_from(2 * itemsize).unwrap()).collect::<Vec<u8>>());
    let records = bytes.view_as(record.into())?;
    let structs = records.to_struct_array(CopyPolicy::IfNeeded)?;
    let columns = &structs.value;
    assert_eq!(
        columns.column(0).as_primitive::<UInt16Type>().values(),
        &[0x0100, 0x0e0d]
    );
    let rgb = columns.column(1).as_fixed_size_list().value(1);
    assert_eq!(rgb.as_primitive::<UInt8Type>().values(), &[15, 16, 17]);
    assert_eq!(columns.column(2).as_struct().num_columns(), 2);
    assert_eq!(structs.report.records().len(), 4);
    assert!(records.to_struct_array(CopyPolicy::Never).is_err());
    assert!(bytes.to_struct_array(CopyPolicy::IfNeeded).is_err());
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------------------
// arrow.variable_shape_tensor
// ---------------------------------------------------------------------------------------------------------------------------------

fn rows(shapes: &[&[usize]]) -> Vec<StridedView<'static>> {
    let mut next = 0;
    let mut row = |shape: &&[usize]| {
        let len: i32 = shape.iter().map(|&dim| i32::try_from(dim).unwrap()).product();
        next += len;
        StridedView::from_vec((next - len..next).collect::<Vec<i32>>())
            .reshape(shape)
            .unwrap()
    };
    shapes.iter().map(&mut row).collect()
}

#[test]
fn ragged_tensors_are_a_view_per_row() -> TestResult {
    let views = rows(&[&[2, 3], &[1, 4], &[0, 7]]);
    let built = VariableShapeTensor::build(&views)?;
    assert_eq!(
        built.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Gathered { pieces: 3 }]
    );
    let (field, array) = built.value;
    let tensor = VariableShapeTensor::of_field(&field)?.unwrap();
    assert_eq!((tensor.ndim(), tensor.to_json()), (2, "{}".into()));
    for (row, view) in tensor.rows(&array, Nulls::Forbid)?.iter().zip(&views) {
        let row = row.as_ref().unwrap();
        assert_eq!(
            (row.shape(), row.to_vec::<i32>()?),
            (view.shape(), view.to_vec::<i32>()?)
        );
    }
    assert!(matches!(
        tensor.batch(&array),
        Err(Error::Arrow(ArrowFault::Ragged { row: 1, .. }))
    ));
    Ok(())
}

#[test]
fn tensors_of_one_shape_are_one_view() -> TestResult {
    let (field, array) = VariableShapeTensor::build(&rows(&[&[2, 3], &[2, 3]]))?.value;
    let tensor = VariableShapeTensor::of_field(&field)?.unwrap();
    let batch = tensor.batch(&array)?;
    assert_eq!(
        (batch.shape(), batch.to_vec::<i32>()?),
        (&[2, 2, 3][..], (0..12).collect::<Vec<_>>())
    );
    let permuted = VariableShapeTensor::parse(
        r#"{"permutation":[1,0],"dim_names":["a","b"],"uniform_shape":[2,null]}"#,
        2,
    )?;
    assert_eq!(permuted.batch(&array)?.strides(), [24, 4, 12]);
    assert_eq!(permuted.uniform_shape(), Some(&[Some(2), None][..]));
    assert_eq!(VariableShapeTensor::parse(&permuted.to_json(), 2)?, permuted);
    assert_eq!(tensor.batch(&array.slice(0, 0))?.shape(), [0, 1, 1]);
    // [2, 3] and [3, 2] have as many items.
    let (_, array) = VariableShapeTensor::build(&rows(&[&[2, 3], &[3, 2]]))?.value;
    assert!(matches!(
        tensor.batch(&array),
        Err(Error::Arrow(ArrowFault::Ragged { row: 1, .. }))
    ));
    Ok(())
}

#[test]
fn malformed_variable_tensors_are_errors() -> TestResult {
    for metadata in [
        "[]",
        "x",
        r#"{"permutation":[0]}"#,
        r#"{"permutation":[0,0]}"#,
        r#"{"permutation":"x"}"#,
        r#"{"dim_names":["a"]}"#,
        r#"{"dim_names":[1,2]}"#,
        r#"{"uniform_shape":[1]}"#,
        r#"{"uniform_shape":[-1,2]}"#,
        r#"{"uniform_shape":3}"#,
    ] {
        assert!(VariableShapeTensor::parse(metadata, 2).is_err(), "{metadata}");
    }
    assert!(VariableShapeTensor::new(65).is_err());
    let name = HashMap::from([("ARROW:extension:name".to_owned(), VariableShapeTensor::NAME.to_owned())]);
    let other = Field::new("x", DataType::Int32, false).with_metadata(name);
    assert!(VariableShapeTensor::of_field(&other).is_err());
    let (_, array) = VariableShapeTensor::build(&rows(&[&[2, 3]]))?.value;
    assert!(VariableShapeTensor::new(3)?.rows(&array, Nulls::Forbid).is_err());
    assert!(
        VariableShapeTensor::new(2)?
            .rows(&Int32Array::from(vec![1]), Nulls::Forbid)
            .is_err()
    );
    assert!(VariableShapeTensor::build(&[]).is_err());
    assert!(VariableShapeTensor::build(&rows(&[&[1], &[1, 1]])).is_err());

    // Shapes that lie.
    let columns = array.as_struct();
    let lie = |sizes: Vec<Option<i32>>, nulls: Option<NullBuffer>| {
        let item = Arc::new(Field::new_list_field(DataType::Int32, true));
        let shape = FixedSizeListArray::new(item, 2, Arc::new(Int32Array::from(sizes)), nulls);
        let fields = vec![
            columns.fields()[0].as_ref().clone(),
            Field::new("shape", shape.data_type().clone(), true),
        ];
        StructArray::new(
            Fields::from(fields),
            vec![Arc::clone(columns.column(0)), Arc::new(shape)],
            None,
        )
    };
    let tensor = VariableShapeTensor::new(2)?;
    for sizes in [
        [Some(2), Some(4)],
        [Some(-2), Some(-3)],
        [Some(i32::MAX), Some(i32::MAX)],
        [Some(6), None],
    ] {
        let array = lie(sizes.to_vec(), None);
        let error = tensor.rows(&array, Nulls::Forbid).unwrap_err();
        assert!(matches!(error, Error::Arrow(ArrowFault::TensorSize { .. })), "{error}");
        assert!(tensor.batch(&array).is_err());
    }
    let null = lie(vec![Some(2), Some(3)], Some(NullBuffer::from(vec![false])));
    assert!(tensor.rows(&null, Nulls::Separate)?[0].is_none());
    Ok(())
}
