//! Arrow IPC streams and tensor messages: read, mapped, written; broken ones are errors.
//!
//! # Safety
//!
//! What is mapped lies in a folder of the test's own.
#![cfg(feature = "arrow")]

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray, types::Int8Type};
use viewbridge::files::ipc::{self, NamedTensor};
use viewbridge::{ArrowFault, Buffer, CopyReason, DType, Error, Logical, StridedView, TimeUnit};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn tensor(view: &StridedView<'_>, names: &[&str]) -> Vec<u8> {
    let mut file = Vec::new();
    ipc::write_tensor(&mut file, view, names).unwrap();
    file
}

fn read(file: &[u8]) -> viewbridge::Result<NamedTensor> {
    ipc::tensor_of(Buffer::from_vec(file.to_vec()))
}

#[test]
fn every_number_makes_the_round_trip() -> TestResult {
    let dtypes = [
        DType::I8,
        DType::U8,
        DType::I16,
        DType::U16,
        DType::I32,
        DType::U32,
        DType::I64,
        DType::U64,
        DType::F16,
        DType::F32,
        DType::F64,
    ];
    for dtype in dtypes {
        let bytes = StridedView::from_vec((0..=191_u8).collect());
        let view = bytes
            .slice_axis(0, ..24 * dtype.itemsize())?
            .view_as(dtype.clone())?
            .reshape(&[2, 3, 4])?;
        for view in [
            view.clone(),
            view.transpose(),
            view.permute(&[1, 2, 0])?,
            view.slice_axis(1, 0..0)?,
            view.index_axis(0, 1)?,
        ] {
            let back = read(&tensor(&view, &[]))?.view;
            assert_eq!((back.dtype(), back.shape()), (view.dtype(), view.shape()));
            if !view.is_empty() {
                assert_eq!(back.strides(), view.strides());
            }
            assert_eq!(
                back.to_bytes(viewbridge::Order::C)?,
                view.to_bytes(viewbridge::Order::C)?
            );
        }
    }
    Ok(())
}

#[test]
fn what_a_message_cannot_say_is_copied_or_refused() -> TestResult {
    let view = StridedView::from_vec((0..12_i32).collect()).reshape(&[3, 4])?;
    for other in [view.flip(0)?, view.slice_axis(1, 1..3)?, view.broadcast_to(&[2, 3, 4])?] {
        let mut file = Vec::new();
        let report = ipc::write_tensor(&mut file, &other, &[])?;
        assert!(!report.is_shared());
        let back = read(&file)?.view;
        assert!(back.is_c_contiguous());
        assert_eq!(back.to_vec::<i32>()?, other.to_vec::<i32>()?);
    }
    let swapped = view.view_as(DType::I32.swapped())?;
    assert_eq!(read(&tensor(&swapped, &[]))?.view.dtype(), &DType::I32);
    let mut nothing = Vec::new();
    let times = view.clone().with_logical(Logical::Date { unit: TimeUnit::Day });
    for other in [view.view_as(DType::raw(4))?, view.view_as(DType::C32)?, times] {
        assert!(matches!(
            ipc::write_tensor(&mut nothing, &other, &[]),
            Err(Error::Refused { .. })
        ));
    }
    assert!(ipc::write_tensor(&mut nothing, &view, &["x"]).is_err());
    assert!(nothing.is_empty());
    Ok(())
}

#[test]
fn tensors_begin_on_a_line_and_share_the_file() -> TestResult {
    let view = StridedView::from_vec(vec![1.0_f64, 2.0, 3.0]);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.tensor");
    std::fs::write(&path, tensor(&view, &["x"]))?;
    let read = ipc::read_tensor(&path)?;
    assert_eq!(read.report.reasons().collect::<Vec<_>>(), [&CopyReason::FileRead]);
    assert!(read.value.view.data_ptr().addr().is_multiple_of(64));
    assert_eq!(read.value.names, ["x"]);
    // Several tensors, one behind the other, are what a writer may append.
    assert!(std::fs::metadata(&path)?.len().is_multiple_of(8));
    Ok(())
}

#[cfg(feature = "mmap")]
#[test]
#[allow(unsafe_code)]
fn mapped_tensors_and_streams_copy_nothing() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (tensor_path, stream_path) = (folder.path().join("a.tensor"), folder.path().join("a.arrows"));
    let view = StridedView::from_vec(vec![1.0_f64, 2.0, 3.0]);
    std::fs::write(&tensor_path, tensor(&view, &[]))?;
    // SAFETY: nobody else knows the file.
    let mapped = unsafe { ipc::map_tensor(&tensor_path) }?;
    assert_eq!(mapped.view.owner_kind(), viewbridge::OwnerKind::MappedFile);
    assert_eq!(mapped.view.to_vec::<f64>()?, [1.0, 2.0, 3.0]);
    let batches = batches();
    ipc::write_stream(std::fs::File::create(&stream_path)?, &batches[0].schema(), &batches)?;
    // SAFETY: nobody else knows the file.
    let mapped = unsafe { ipc::map_stream(&stream_path) }?;
    assert!(mapped.is_shared(), "{}", mapped.report);
    assert_eq!(mapped.value, batches);
    Ok(())
}

#[cfg(feature = "mmap")]
#[test]
#[allow(unsafe_code)]
fn every_buffer_of_a_mapped_file_knows_its_place_in_it() -> TestResult {
    use viewbridge::arrow::{Column, Nulls};
    use viewbridge::files::mmap::MappedFile;

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.arrows");
    std::fs::write(&path, stream())?;
    let file = std::fs::read(&path)?;
    // SAFETY: nobody else knows the file.
    let batches = unsafe { ipc::map_stream(&path) }?.value;
    for batch in &batches {
        let column = Column::from_array(batch.column(0), Nulls::Separate)?;
        let (view, validity) = (column.view().clone(), column.row_validity().unwrap());
        assert_eq!(view.file().unwrap().path(), path);
        let range = view.file_range().unwrap();
        let bytes = &file[usize::try_from(range.start)?..usize::try_from(range.end)?];
        assert_eq!(bytes[16..], view.to_vec::<i64>()?[2].to_le_bytes());
        assert_eq!(validity.file_range().unwrap().count(), 1);
        // A part of it, and what has been elsewhere.
        let last = view.slice_axis(0, 2..)?;
        assert_eq!(last.file_range(), Some(range.start + 16..range.end));
        #[cfg(feature = "dlpack")]
        {
            let back = last.to_dlpack(viewbridge::CopyPolicy::Never)?.value.into_view()?;
            assert_eq!(back.file_range(), last.file_range());
        }

        for data in batch.columns().iter().map(|column| column.to_data()) {
            for buffer in data.buffers() {
                let mapped = MappedFile::of(buffer).unwrap();
                let range = mapped.range_of(buffer).unwrap();
                let bytes = &file[usize::try_from(range.start)?..usize::try_from(range.end)?];
                assert_eq!(bytes, buffer.as_slice());
            }
        }
    }
    let own = StridedView::from_vec(vec![1_u8]);
    assert!(own.file().is_none() && MappedFile::of(&[1]).is_none());
    Ok(())
}

fn batches() -> Vec<RecordBatch> {
    let numbers = |start: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![Some(start), None, Some(start + 2)])) };
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "", "ü"]));
    let words: ArrayRef = Arc::new(["x", "y", "x"].into_iter().collect::<DictionaryArray<Int8Type>>());
    (0..3)
        .map(|k| {
            let columns = [("n", numbers(k)), ("t", text.clone()), ("w", words.clone())];
            RecordBatch::try_from_iter(columns).unwrap()
        })
        .collect()
}

fn stream() -> Vec<u8> {
    let (batches, mut file) = (batches(), Vec::new());
    ipc::write_stream(&mut file, &batches[0].schema(), &batches).unwrap();
    file
}

#[test]
fn streams_are_read_in_one_piece() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.arrows");
    std::fs::write(&path, stream())?;
    let read = ipc::read_stream(&path)?;
    assert_eq!(read.value, batches());
    assert_eq!(read.report.reasons().collect::<Vec<_>>(), [&CopyReason::FileRead]);
    // A stream may end without the mark of its end.
    let file = stream();
    std::fs::write(&path, &file[..file.len() - 8])?;
    assert_eq!(ipc::read_stream(&path)?.value.len(), 3);
    assert!(ipc::read_stream(folder.path().join("none")).is_err());
    Ok(())
}

#[test]
fn broken_streams_are_errors() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.arrows");
    let file = stream();
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        ipc::read_stream(&path)
    };
    for len in (1..file.len() - 8).step_by(13) {
        // Between two messages a stream may end.
        if let Ok(some) = read(&file[..len]) {
            assert!(some.value.len() < 3);
        }
    }
    for position in (0..file.len()).step_by(5) {
        let mut broken = file.clone();
        broken[position] ^= 0xff;
        let _ = read(&broken);
    }
    Ok(())
}

/// A `float64` without axes, as pyarrow 26 writes it: its strides, of which there are none, do not lie where 64-bit numbers may.
const SCALAR_OF_PYARROW: [u8; 136] = [
    0xff, 0xff, 0xff, 0xff, 0x78, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0, 0x1a, 0, 6, 0, 5, 0, 8, 0, 0x0c, 0,
    0x0c, 0, 0, 0, 0, 4, 4, 0, 0x20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0e, 0, 0x24, 0, 7, 0, 8, 0,
    0x0c, 0, 0x10, 0, 0x14, 0, 0x0e, 0, 0, 0, 0, 0, 0, 3, 0x2c, 0, 0, 0, 0x1c, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 8, 0, 6, 0, 6, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,
    0, 0, 0, 0xf8, 0x3f,
];

#[test]
fn tensors_without_axes_are_read_and_written() -> TestResult {
    let theirs = read(&SCALAR_OF_PYARROW)?.view;
    assert_eq!((theirs.ndim(), theirs.to_vec::<f64>()?), (0, vec![1.5]));
    let ours = read(&tensor(&theirs, &[]))?.view;
    assert_eq!((ours.ndim(), ours.to_vec::<f64>()?), (0, vec![1.5]));
    for position in 0..SCALAR_OF_PYARROW.len() {
        for change in [1_u8, 0x80, 0xff] {
            let mut broken = SCALAR_OF_PYARROW;
            broken[position] ^= change;
            if let Ok(tensor) = read(&broken) {
                tensor.view.to_bytes(viewbridge::Order::C)?;
            }
        }
    }
    Ok(())
}

#[test]
fn broken_tensors_are_errors() {
    let view = StridedView::from_vec(vec![1.0_f64; 6]).reshape(&[2, 3]).unwrap();
    let file = tensor(&view, &["x", "y"]);
    for len in 0..file.len() {
        assert!(read(&file[..len]).is_err(), "{len} bytes");
    }
    for position in 0..file.len() {
        for bits in [0xff, 0x80, 0x01] {
            let mut broken = file.clone();
            broken[position] ^= bits;
            if let Ok(tensor) = read(&broken) {
                tensor.view.to_bytes(viewbridge::Order::C).unwrap();
            }
        }
    }
    // Another message is none.
    let schema = stream();
    assert!(matches!(
        read(&schema),
        Err(Error::Arrow(ArrowFault::UnsupportedType(_)))
    ));
}
