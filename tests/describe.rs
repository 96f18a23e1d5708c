//! Files described by their headers: what is said is what opening them gives, and no item is read for it.
//!
//! # Safety
//!
//! What is mapped lies in a folder of the test's own, or is a committed file that nobody writes.
#![cfg(all(feature = "dlpack", feature = "mmap"))]
#![allow(unsafe_code, reason = "maps files that nobody writes")]

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use viewbridge::dlpack::consumers;
use viewbridge::files::mmap::Mode;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::files::{Listed, Opening, npy};
use viewbridge::{CopyReason, DType, Error, NpyFault, StridedView};

fn data(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file())
}

/// The description is that of the view: what it is, how it lies, and what every consumer makes of it.
fn assert_describes(listed: &Listed, opening: Opening, view: &StridedView<'_>, what: &dyn std::fmt::Debug) {
    let outline = listed.outline(opening);
    assert_eq!(
        (listed.dtype(), listed.logical(), listed.layout().shape()),
        (view.dtype(), view.logical(), view.shape()),
        "{what:?}"
    );
    assert_eq!(listed.layout().strides(), view.strides(), "{what:?}");
    assert_eq!(outline.owner_kind(), view.owner_kind(), "{what:?} {opening:?}");
    assert_eq!(outline.is_aligned(), view.is_aligned(), "{what:?} {opening:?}");
    for consumer in consumers::ALL {
        let (told, found) = (outline.plan(consumer), view.plan(consumer));
        assert_eq!(told, found, "{what:?} {opening:?} {}", consumer.consumer());
    }
    if opening == Opening::Map && listed.copies(opening).is_empty() && view.nbytes() > 0 {
        assert_eq!(Some(listed.file_range()), view.file_range(), "{what:?}");
    }
    if let Some(alignment) = outline.alignment() {
        assert!(view.data_ptr().addr().is_multiple_of(alignment), "{what:?} {opening:?}");
    }
}

/// A file of which some bytes are not to be touched.
struct Guarded {
    file: Cursor<Vec<u8>>,
    untouched: Range<u64>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.file.position();
        let read = self.file.read(buffer)?;
        let inside = start < self.untouched.end && self.file.position() > self.untouched.start;
        assert!(!inside || read == 0, "{start} and {read} bytes on: read an item");
        Ok(read)
    }
}

impl Seek for Guarded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn guarded(path: &Path, untouched: Range<u64>) -> Guarded {
    let file = Cursor::new(fs::read(path).unwrap());
    Guarded { file, untouched }
}

#[test]
fn npy_files_are_what_their_headers_say() {
    let mut count = 0;
    for path in data("npy").filter(|path| path.extension().is_some_and(|end| end == "npy")) {
        let listed = npy::describe(File::open(&path).unwrap()).unwrap();
        let read = npy::read(&path).unwrap().value;
        // SAFETY: nobody writes the golden files.
        let mapped = unsafe { npy::map(&path) }.unwrap();
        assert_describes(&listed, Opening::Read, &read, &path);
        assert_describes(&listed, Opening::Map, &mapped, &path);
        assert_eq!(listed.copies(Opening::Read), [CopyReason::FileRead]);
        assert_eq!(npy::describe(guarded(&path, listed.file_range())).unwrap(), listed);
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn raw_files_are_what_the_caller_says() {
    let path = data("npy").next().unwrap();
    for offset in [0, 1, 6, 64] {
        let items = RawArray::new(DType::U16).offset(offset).shape(&[3, 5]);
        let listed = raw::describe(File::open(&path).unwrap(), &items).unwrap();
        let read = raw::read(&path, &items).unwrap().value;
        // SAFETY: nobody writes the golden files.
        let mapped = unsafe { raw::map(&path, Mode::Read, &items) }.unwrap();
        assert_describes(&listed, Opening::Read, &read, &offset);
        assert_describes(&listed, Opening::Map, &mapped, &offset);
        let alignment = (offset > 0).then(|| 1 << offset.trailing_zeros());
        assert_eq!((listed.name(), listed.file_alignment()), (None, alignment));
    }
}

#[test]
fn a_file_cut_off_behind_its_header_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    npy::write(&path, &StridedView::from_vec(vec![0_f64; 100])).unwrap();
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        match npy::describe(Cursor::new(&whole[..len])) {
            Err(Error::Npy(NpyFault::Truncated {
                claimed: 800,
                available,
            })) if len >= 128 => {
                assert_eq!(available, u64::try_from(len - 128).unwrap());
            }
            Err(Error::Npy(_)) if len < 128 => {}
            other => panic!("{len}: {other:?}"),
        }
    }
}

/// Sixty-four gigabytes of nothing, described in no time.
#[test]
fn a_file_larger_than_memory_is_described_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.npy");
    let header = npy::Header {
        dtype: DType::F64,
        logical: None,
        order: viewbridge::Order::F,
        shape: vec![1 << 20, 1 << 13],
    };
    fs::write(&path, header.encode().unwrap()).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(128 + (64 << 30))
        .unwrap();
    let listed = npy::describe(File::open(&path).unwrap()).unwrap();
    assert_eq!(listed.file_range(), 128..128 + (64 << 30));
    let plan = listed.outline(Opening::Map).plan(&consumers::PYARROW_FIXED_SHAPE);
    assert_eq!(plan.bytes_copied(), 64 << 30);
    assert!(listed.outline(Opening::Map).plan(&consumers::NUMPY).is_shared());
}

#[cfg(feature = "npz")]
mod npz {
    use super::*;
    use viewbridge::files::npz::{self, Compression};
    use viewbridge::files::{NamedView, Stored};

    fn check(path: &Path) {
        let listed = npz::describe(File::open(path).unwrap()).unwrap();
        let read = npz::read(path).unwrap().value;
        // SAFETY: nobody writes the file.
        let mapped = unsafe { npz::map(path) }.unwrap().value;
        assert_eq!(listed.len(), read.len());
        for (listed, NamedView { name, view }) in listed.iter().zip(&read) {
            assert_eq!(listed.name(), Some(name.as_str()));
            assert_describes(listed, Opening::Read, view, name);
        }
        for (listed, NamedView { name, view }) in listed.iter().zip(&mapped) {
            assert_describes(listed, Opening::Map, view, name);
            let copied = listed.stored() == Stored::Compressed;
            assert_eq!(view.owner_kind() == viewbridge::OwnerKind::Heap, copied);
            assert_eq!(listed.copies(Opening::Map).contains(&CopyReason::Decompressed), copied);
        }
    }

    #[test]
    fn archives_are_what_their_members_headers_say() {
        for path in data("archives").filter(|path| path.extension().is_some_and(|end| end == "npz")) {
            check(&path);
        }
    }

    #[test]
    fn items_of_archives_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let big = StridedView::from_vec((0..100_000_u32).map(|k| k.wrapping_mul(2_654_435_761)).collect());
        npz::write(&path, &[("a", &big), ("b", &big)], Compression::Stored).unwrap();
        check(&path);
        let listed = npz::describe(File::open(&path).unwrap()).unwrap();
        for array in &listed {
            assert!(array.file_alignment() >= Some(64));
            // The directory at the end is looked for a few bytes at a time.
            let Range { start, end } = array.file_range();
            assert_eq!(npz::describe(guarded(&path, start..end - 2048)).unwrap(), listed);
        }
        npz::write(&path, &[("a", &big)], Compression::Deflated).unwrap();
        check(&path);
        let range = npz::describe(File::open(&path).unwrap()).unwrap()[0].file_range();
        // As much as it takes to inflate a header.
        assert!(range.end - range.start > 350_000);
        npz::describe(guarded(&path, range.start + (64 << 10)..range.end - 2048)).unwrap();
    }

    #[test]
    fn broken_archives_are_errors() {
        for name in ["stored", "deflated"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/archives/{name}.npz"));
            let whole = fs::read(path).unwrap();
            for len in 0..whole.len() {
                assert!(npz::describe(Cursor::new(&whole[..len])).is_err(), "{len} bytes");
            }
            for position in 0..whole.len() {
                let mut broken = whole.clone();
                broken[position] ^= 0x81;
                let _ = npz::describe(Cursor::new(broken));
            }
        }
    }
}

#[cfg(feature = "safetensors")]
mod safetensors {
    use super::*;
    use viewbridge::files::safetensors;

    #[test]
    fn models_are_what_their_headers_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives/all.safetensors");
        let listed = safetensors::describe(File::open(&path).unwrap()).unwrap();
        let read = safetensors::read(&path).unwrap().value.tensors;
        // SAFETY: nobody writes the golden files.
        let mapped = unsafe { safetensors::map(&path) }.unwrap().tensors;
        assert_eq!(listed.len(), read.len());
        assert!(listed.len() > 5);
        for ((listed, read), mapped) in listed.iter().zip(&read).zip(&mapped) {
            assert_eq!(listed.name(), Some(read.name.as_str()));
            assert_describes(listed, Opening::Read, &read.view, &read.name);
            assert_describes(listed, Opening::Map, &mapped.view, &read.name);
        }
        let first = listed[0].file_range().start;
        let untouched = guarded(&path, first..u64::MAX);
        assert_eq!(safetensors::describe(untouched).unwrap(), listed);
        // What the header claims is held against the file's length.
        let whole = fs::read(&path).unwrap();
        for len in 0..whole.len() {
            assert!(
                safetensors::describe(Cursor::new(&whole[..len])).is_err(),
                "{len} bytes"
            );
        }
    }
}

#[cfg(feature = "arrow")]
mod ipc {
    use super::*;
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float64Array,
        Int8Array, Int64Array, IntervalDayTimeArray, IntervalMonthDayNanoArray, ListArray, NullArray, RecordBatch,
        StringArray, StringViewArray, StructArray, TimestampSecondArray, UInt16Array, types,
    };
    use arrow_schema::{Field, FieldRef, Schema};
    use viewbridge::arrow::{Column, Nulls};
    use viewbridge::files::ipc::{self, ListedColumn};
    use viewbridge::{ArrowFault, CopyPolicy, NoView};

    /// A column of every sort, among those that no view shows.
    fn columns() -> Vec<(FieldRef, ArrayRef)> {
        let plain = |name: &str, array: ArrayRef| {
            let field = Field::new(name, array.data_type().clone(), true);
            (Arc::new(field), array)
        };
        let tensor = StridedView::from_vec((0..18_i16).collect())
            .reshape(&[3, 2, 3])
            .unwrap();
        let swapped = tensor.permute(&[0, 2, 1]).unwrap();
        let named = |name: &str, view: &StridedView<'static>| {
            let (field, array) = view.to_fixed_shape_tensor(CopyPolicy::Never).unwrap().value;
            (Arc::new(field.as_ref().clone().with_name(name)), array)
        };
        let lists = tensor.to_arrow(CopyPolicy::Never).unwrap().value;
        let keyed: DictionaryArray<types::Int8Type> = ["x", "y", "x"].into_iter().collect();
        let text = StringArray::from(vec!["a", "", "ü"]);
        let even = ListArray::from_iter_primitive::<types::Int32Type, _, _>([
            Some([Some(1), Some(2)]),
            Some([Some(3), Some(4)]),
            Some([Some(5), Some(6)]),
        ]);
        let two = StructArray::from(vec![
            (
                Arc::new(Field::new("p", arrow_schema::DataType::Int8, false)),
                Arc::new(Int8Array::from(vec![1, 2, 3])) as ArrayRef,
            ),
            (
                Arc::new(Field::new("q", arrow_schema::DataType::Int8, false)),
                Arc::new(Int8Array::from(vec![1, 2, 3])) as ArrayRef,
            ),
        ]);
        vec![
            plain("bits", Arc::new(BooleanArray::from(vec![true, false, true]))),
            plain("text", Arc::new(text.clone())),
            plain("numbers", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))),
            plain("some null", Arc::new(UInt16Array::from(vec![None, Some(1), None]))),
            plain(
                "scattered",
                Arc::new(StringViewArray::from(vec!["a", "longer than twelve bytes", "c"])),
            ),
            plain("days", Arc::new(Date32Array::from(vec![1, 2, 3]))),
            plain("even lists", Arc::new(even)),
            plain(
                "times",
                Arc::new(TimestampSecondArray::from(vec![1, 2, 3]).with_timezone("+01:00")),
            ),
            plain("none", Arc::new(NullArray::new(3))),
            plain("nested", lists),
            plain("two columns", Arc::new(two)),
            plain("words", Arc::new(keyed)),
            named("tensors", &tensor),
            plain("small", Arc::new(Int8Array::from(vec![1, 2, 3]))),
            named("turned", &swapped),
            plain("decimals", Arc::new(Decimal128Array::from(vec![1, 2, 3]))),
            plain(
                "opaque",
                Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8; 3], [2; 3], [3; 3]].iter()).unwrap()),
            ),
            plain(
                "spans",
                Arc::new(IntervalDayTimeArray::from(vec![types::IntervalDayTime::new(1, 2); 3])),
            ),
            plain(
                "months",
                Arc::new(IntervalMonthDayNanoArray::from(vec![
                    types::IntervalMonthDayNano::new(
                        1, 2, 3
                    );
                    3
                ])),
            ),
            plain("last", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ]
    }

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        ipc::write(&mut file, &columns()).unwrap();
        file
    }

    fn stream() -> Vec<u8> {
        let (fields, arrays): (Vec<_>, Vec<_>) = columns().into_iter().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let mut file = Vec::new();
        ipc::write_stream(&mut file, &batch.schema(), &[batch.clone(), batch.slice(1, 2)]).unwrap();
        file
    }

    /// Types of which only the data tell whether they are views.
    fn is_unread(column: &ListedColumn) -> bool {
        matches!(
            &column.array,
            Err(Error::Arrow(ArrowFault::NoView {
                because: NoView::Unread,
                ..
            }))
        )
    }

    fn check(listed: &[ListedColumn], batches: &[RecordBatch], opening: Opening) {
        assert_eq!(
            listed.len(),
            batches.iter().map(RecordBatch::num_columns).sum::<usize>()
        );
        let mut views = 0;
        for listed in listed {
            let (schema, batch) = (batches[listed.batch].schema(), &batches[listed.batch]);
            let (index, field) = schema.column_with_name(listed.field.name()).unwrap();
            assert_eq!((field, listed.rows), (listed.field.as_ref(), batch.num_rows()));
            let column = Column::from_field(&listed.field, batch.column(index), Nulls::Forbid);
            match (&listed.array, column) {
                (Ok(array), Ok(column)) => {
                    assert_describes(array, opening, column.view(), listed.field.name());
                    views += 1;
                }
                (Err(told), Err(found)) if !is_unread(listed) => assert_eq!(told.to_string(), found.to_string()),
                (Err(_), _) if is_unread(listed) => {
                    assert!(["even lists", "two columns"].contains(&listed.field.name().as_str()));
                }
                (told, found) => panic!("{}: {told:?} but {found:?}", listed.field),
            }
        }
        assert_eq!(views, 13 * batches.len());
    }

    #[test]
    fn files_and_streams_are_what_their_metadata_say() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.arrow", "a.arrows"].map(|name| folder.path().join(name));
        fs::write(&a, file()).unwrap();
        fs::write(&b, stream()).unwrap();
        let listed = ipc::describe(File::open(&a).unwrap()).unwrap();
        check(&listed, &ipc::read(&a).unwrap().value, Opening::Read);
        // SAFETY: nobody else knows the file.
        check(&listed, &unsafe { ipc::map(&a) }.unwrap().value, Opening::Map);
        let listed = ipc::describe_stream(File::open(&b).unwrap()).unwrap();
        check(&listed, &ipc::read_stream(&b).unwrap().value, Opening::Read);
        // SAFETY: nobody else knows the file.
        check(&listed, &unsafe { ipc::map_stream(&b) }.unwrap().value, Opening::Map);
    }

    /// Written by pyarrow: see `tests/data/ipc/make.py`.
    #[test]
    fn compressed_columns_are_copies_mapped_or_not() {
        for codec in ["lz4", "zstd"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/ipc/{codec}.arrow"));
            let [column] = &ipc::describe(File::open(&path).unwrap()).unwrap()[..] else {
                panic!("one column")
            };
            let array = column.array.as_ref().unwrap();
            assert_eq!(array.copies(Opening::Map), [CopyReason::Decompressed]);
            assert!(array.file_range().end - array.file_range().start < 1000);
            // SAFETY: nobody writes the golden files.
            let batches = unsafe { ipc::map(&path) }.unwrap();
            let reasons: Vec<_> = batches.report.reasons().cloned().collect();
            assert_eq!(reasons, [CopyReason::Decompressed]);
            let view = Column::from_array(batches.value[0].column(0), Nulls::Forbid)
                .unwrap()
                .into_view();
            assert_eq!((array.layout().shape(), array.dtype()), (view.shape(), view.dtype()));
            assert!(view.file().is_none());
        }
    }

    #[test]
    fn bodies_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.arrow");
        for (bytes, is_stream) in [(file(), false), (stream(), true)] {
            fs::write(&path, bytes).unwrap();
            let describe = |file: Guarded| match is_stream {
                true => ipc::describe_stream(file).unwrap(),
                false => ipc::describe(file).unwrap(),
            };
            let listed = describe(guarded(&path, 0..0));
            let buffers = listed.iter().flat_map(|column| &column.buffers);
            let mut count = 0;
            for (_, range) in buffers {
                describe(guarded(&path, range.clone()));
                count += 1;
            }
            assert!(count > 20, "{count}");
        }
    }

    #[test]
    fn broken_metadata_are_errors() {
        for (bytes, describe) in [
            (
                file(),
                ipc::describe as fn(Cursor<Vec<u8>>) -> viewbridge::Result<Vec<ListedColumn>>,
            ),
            (stream(), ipc::describe_stream),
        ] {
            let whole = describe(Cursor::new(bytes.clone())).unwrap().len();
            for len in 0..bytes.len() {
                // A stream may end behind any of its messages.
                match describe(Cursor::new(bytes[..len].to_vec())) {
                    Ok(found) => assert!(found.len() <= whole && bytes.starts_with(&[0xff; 4]), "{len} bytes"),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
            for position in (0..bytes.len()).step_by(3) {
                for bits in [0xff, 0x80, 0x01] {
                    let mut broken = bytes.clone();
                    broken[position] ^= bits;
                    let _ = describe(Cursor::new(broken));
                }
            }
        }
        let other = ipc::describe(Cursor::new(b"ARROW1\0\0 no footer ARROW1".to_vec()));
        assert!(matches!(other, Err(Error::Arrow(_))));
    }

    #[test]
    fn tensor_messages_are_what_their_metadata_say() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tensor");
        let view = StridedView::from_vec((0..24_i32).collect())
            .reshape(&[2, 3, 4])
            .unwrap();
        let mut file = Vec::new();
        ipc::write_tensor(&mut file, &view.permute(&[1, 0, 2]).unwrap(), &["x", "y", "z"]).unwrap();
        fs::write(&path, file).unwrap();
        let (listed, names) = ipc::describe_tensor(File::open(&path).unwrap()).unwrap();
        assert_eq!(names, ["x", "y", "z"]);
        assert_describes(
            &listed,
            Opening::Read,
            &ipc::read_tensor(&path).unwrap().value.view,
            &"read",
        );
        // SAFETY: nobody else knows the file.
        let mapped = unsafe { ipc::map_tensor(&path) }.unwrap();
        assert_describes(&listed, Opening::Map, &mapped.view, &"mapped");
        ipc::describe_tensor(guarded(&path, listed.file_range())).unwrap();
    }
}
