//! `.npy` files against NumPy's own, and against themselves.
//!
//! The golden files are written by NumPy: see `tests/data/npy/make.py`.
//!
//! # Safety
//!
//! Mapped files are those of the test itself, in a directory of its own; raw memory comes from vectors that outlive the views of it.
#![allow(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use viewbridge::files::npy::{self, Header};
use viewbridge::{
    Buffer, CopyReason, DType, Device, Error, Index, Kind, Logical, NpyFault, Order, OwnerKind, Refusal, Slice,
    StridedView, TimeUnit,
};

fn data(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/npy")
        .join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "npy"))
}

fn written(view: &StridedView<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    npy::write_to(&mut file, view).unwrap();
    file
}

fn parse(bytes: &[u8]) -> Result<StridedView<'_>, Error> {
    npy::parse(Buffer::from_slice(bytes))
}

#[test]
fn golden_files_round_trip() {
    let mut count = 0;
    for path in data("") {
        let expected = fs::read(&path).unwrap();
        let view = npy::read(&path).unwrap().value;
        assert_eq!(written(&view), expected, "{path:?}");
        assert_eq!(written(&parse(&expected).unwrap()), expected, "{path:?}");
        count += 1;
    }
    assert_eq!(count, 73);
}

#[test]
fn both_orders_hold_the_same_items() {
    for c in data("").filter(|path| path.to_str().unwrap().ends_with("_c.npy")) {
        let f = PathBuf::from(c.to_str().unwrap().replace("_c.npy", "_f.npy"));
        let (c, f) = (npy::read(c).unwrap().value, npy::read(f).unwrap().value);
        assert!(c.is_c_contiguous() && f.is_f_contiguous() && !f.is_c_contiguous());
        assert_eq!((c.dtype(), c.shape()), (f.dtype(), &[2, 3][..]));
        assert_eq!(c.to_bytes(Order::C).unwrap(), f.to_bytes(Order::C).unwrap());
    }
}

#[test]
fn golden_values() {
    let read = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy");
        npy::read(folder.join(name)).unwrap().value
    };
    assert_eq!(read("big_f8_f.npy").get::<f64>(&[1, 0]).unwrap(), 2.0);
    assert_eq!(read("big_i2_c.npy").to_vec::<i16>().unwrap(), [-7, -4, -1, 2, 5, 8]);
    assert_eq!(
        read("b1_f.npy").to_vec::<bool>().unwrap(),
        [true, false, false, true, false, false]
    );
    assert_eq!(read("scalar.npy").get::<i32>(&[]).unwrap(), -7);
    assert_eq!(read("no_items.npy").shape(), [3, 0, 2]);
}

#[test]
fn records_and_times_are_views_with_fields_and_meanings() {
    let read = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy");
        npy::read(folder.join(name)).unwrap().value
    };
    let times = read("big_M8_25s.npy");
    assert_eq!(
        (times.item_type().to_string().as_str(), times.shape()),
        (">M8[25s]", &[2, 3][..])
    );
    let first = [0, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(times.get::<i64>(&[0, 0]).unwrap(), i64::from_be_bytes(first));

    let nested = read("record_nested.npy").field("in").unwrap();
    assert_eq!((nested.shape(), nested.strides()), (&[2, 3, 2][..], &[87, 29, 9][..]));
    let t = nested.field("t").unwrap();
    assert_eq!(t.item_type().to_string(), ">M8[s]");
    assert_eq!(
        t.get::<i64>(&[0, 0, 1]).unwrap(),
        i64::from_be_bytes([10, 11, 12, 13, 14, 15, 16, 17])
    );

    let gaps = read("record_gaps.npy");
    assert_eq!((gaps.dtype().itemsize(), gaps.dtype().fields()[1].offset()), (15, 8));
    assert_eq!(
        read("record_unicode.npy").field("日本").unwrap().dtype(),
        &DType::F32.swapped()
    );
    assert_eq!(read("record_titled.npy").field("a title").unwrap().dtype(), &DType::I16);
    // Gathered as it is, gaps and all.
    let backwards = gaps.flip(0).unwrap().flip(1).unwrap();
    let back = written(&backwards);
    let back = parse(&back).unwrap();
    assert_eq!((back.dtype(), back.is_c_contiguous()), (gaps.dtype(), true));
    let bytes = |view: &StridedView<'_>| {
        view.to_bytes(Order::C)
            .unwrap()
            .chunks(15)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    assert_eq!(bytes(&back), bytes(&gaps).into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn records_that_numpy_does_not_write_are_refused() {
    for text in [
        "{'names': ['a', 'b'], 'formats': ['i4', 'u1'], 'offsets': [4, 0]}",
        "{'names': ['a', 'b'], 'formats': ['i4', 'u1'], 'offsets': [0, 3]}",
        "{'names': [''], 'formats': ['i4']}",
        "[('a', 'bfloat16')]",
    ] {
        let dtype: DType = text.parse().unwrap();
        let view = StridedView::from_vec(vec![0_u8; dtype.itemsize()])
            .view_as(dtype.clone())
            .unwrap();
        match npy::write_to(Vec::new(), &view) {
            Err(Error::Npy(NpyFault::Unwritable { dtype: found })) => assert_eq!(found, dtype),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_formats_and_spellings() {
    let mut count = 0;
    for path in data("other") {
        let bytes = fs::read(&path).unwrap();
        let view = npy::read(&path).unwrap().value;
        assert_eq!(view.to_vec::<i32>().unwrap(), [-7, -4, -1, 2, 5, 8], "{path:?}");
        assert_eq!(
            view.to_bytes(Order::C).unwrap(),
            parse(&bytes).unwrap().to_bytes(Order::C).unwrap()
        );
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn reading_is_a_reported_copy_into_aligned_memory() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/digits_u8.npy");
    let read = npy::read(path).unwrap();
    assert_eq!(read.report.reasons().collect::<Vec<_>>(), [&CopyReason::FileRead]);
    assert_eq!(read.report.bytes_copied(), 1797 * 64);
    assert_eq!(read.value.pinned_bytes(), 1797 * 64);
    assert!(read.value.data_ptr().addr().is_multiple_of(64));
}

#[test]
#[cfg(feature = "mmap")]
fn mapping_shares_the_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/digits_f64_fortran.npy");
    // SAFETY: nobody writes the file while tests run.
    let mapped = unsafe { npy::map(&path) }.unwrap();
    assert_eq!(
        (mapped.owner_kind(), mapped.layout().offset()),
        (OwnerKind::MappedFile, 128)
    );
    assert!(mapped.is_aligned() && mapped.is_f_contiguous());
    let read = npy::read(&path).unwrap().value;
    assert_eq!(mapped.to_vec::<f64>().unwrap(), read.to_vec::<f64>().unwrap());
}

#[test]
#[cfg(feature = "mmap")]
fn empty_files_map_and_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // SAFETY: nobody else knows the file.
    let buffer = unsafe { viewbridge::files::mmap::map_file(file.path()) }.unwrap();
    assert!(buffer.is_empty());
    assert!(matches!(npy::parse(buffer), Err(Error::Npy(NpyFault::Magic))));
    assert!(viewbridge::files::read_file(file.path()).unwrap().is_empty());
    assert!(matches!(npy::read(file.path()), Err(Error::Npy(NpyFault::Magic))));
}

#[test]
fn whole_files_are_read_aligned() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [7; 1000]).unwrap();
    let buffer = viewbridge::files::read_file(file.path()).unwrap();
    assert_eq!((buffer.len(), buffer.as_ptr().addr() % 64), (1000, 0));
}

#[test]
fn what_numpy_has_no_word_for_is_refused() {
    let unwritable = |dtype: DType| {
        let view = StridedView::from_vec(vec![0_u8; 64]).view_as(dtype.clone()).unwrap();
        matches!(npy::write_to(Vec::new(), &view), Err(Error::Npy(NpyFault::Unwritable { dtype: d })) if d == dtype)
    };
    assert!(unwritable(DType::BF16));
    assert!(unwritable(DType::new(Kind::Float8E5m2, 8)));
    assert!(unwritable(DType::F32.with_lanes(4)));
    let times = StridedView::from_vec(vec![0_i64]).with_logical(Logical::TimeOfDay { unit: TimeUnit::Second });
    let error = npy::write_to(Vec::new(), &times).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                refusal: Refusal::Logical { .. },
                ..
            }
        ),
        "{error}"
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "precious").unwrap();
    npy::write(file.path(), &times).unwrap_err();
    assert_eq!(fs::read(file.path()).unwrap(), b"precious");
}

#[test]
fn bits_become_the_bytes_that_numpy_has_for_booleans() {
    let layout = viewbridge::Layout::contiguous(&[3, 4], &DType::BIT, Order::C).unwrap();
    let memory = [0b1001_0110, 0b1111_0001];
    let bits = StridedView::new(Buffer::from_slice(&memory), DType::BIT, layout).unwrap();
    for view in [bits.clone(), bits.transpose(), bits.flip(1).unwrap()] {
        let mut file = Vec::new();
        let report = npy::write_to(&mut file, &view).unwrap();
        let reasons: Vec<_> = report.reasons().cloned().collect();
        assert!(reasons.contains(&CopyReason::Packing { from: 1, to: 8 }), "{reasons:?}");
        let back = parse(&file).unwrap();
        assert_eq!((back.dtype(), back.shape()), (&DType::BOOL, view.shape()));
        assert_eq!(back.to_vec::<bool>().unwrap(), view.to_vec::<bool>().unwrap());
    }
}

#[test]
fn memory_that_others_write_is_copied_out() {
    let mut items = vec![1_u8, 2, 3, 4];
    let (ptr, len) = (std::ptr::NonNull::from(items.as_mut_slice()).cast(), items.len());
    let access = viewbridge::Access::Shared;
    // SAFETY: the items are kept as the owner, and nobody writes them in this test.
    let buffer = unsafe { Buffer::from_raw_parts(ptr, len, access, Device::CPU, OwnerKind::Foreign, items) };
    let bytes = DType::U8;
    let layout = viewbridge::Layout::contiguous(&[2, 2], &bytes, Order::F).unwrap();
    let view = StridedView::new(buffer, bytes, layout).unwrap();
    let mut file = Vec::new();
    let report = npy::write_to(&mut file, &view).unwrap();
    assert!(matches!(
        report.records()[0].reasons[..],
        [CopyReason::NotImmutable { .. }]
    ));
    assert_eq!(report.bytes_copied(), 4);
    // Column-major, as its bytes are.
    assert!(file.ends_with(&[1, 2, 3, 4]));
    assert_eq!(
        npy::parse(Buffer::from_vec(file)).unwrap().to_vec::<u8>().unwrap(),
        [1, 3, 2, 4]
    );
}

#[test]
fn long_rows_and_long_items_are_streamed() {
    let a = StridedView::from_vec((0..1_500_000_u32).collect())
        .reshape(&[2, 750_000])
        .unwrap();
    for view in [
        a.flip(1).unwrap(),
        a.flip(0).unwrap(),
        a.broadcast_to(&[3, 2, 750_000]).unwrap(),
    ] {
        let mut file = Vec::new();
        let report = npy::write_to(&mut file, &view).unwrap();
        assert_eq!(report.bytes_copied(), view.nbytes());
        assert!(matches!(
            report.records()[0].reasons[..],
            [CopyReason::NotContiguous { order: Order::C, .. }]
        ));
        assert!(file[128..] == view.to_bytes(Order::C).unwrap());
    }
    let long = StridedView::from_vec(vec![7_u8; 6_000_000])
        .view_as(DType::raw(3_000_000))
        .unwrap();
    let long = long.flip(0).unwrap();
    assert!(written(&long)[128..] == long.to_bytes(Order::C).unwrap());
}

/// Notes how much it is given at once.
#[derive(Default)]
struct Sizes(Vec<usize>);

impl std::io::Write for Sizes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn only_contiguous_items_reach_the_writer_as_they_lie() {
    let a = StridedView::from_vec(vec![0_u64; 1 << 20])
        .reshape(&[1024, 1024])
        .unwrap();
    let sizes = |view: &StridedView<'_>| {
        let mut sizes = Sizes::default();
        npy::write_to(&mut sizes, view).unwrap();
        sizes.0
    };
    assert_eq!(sizes(&a), [128, 8 << 20]);
    assert_eq!(sizes(&a.transpose()), [128, 8 << 20]);
    assert_eq!(sizes(&a.flip(0).unwrap()), [&[128][..], &[1 << 20; 8]].concat());
}

/// A view of random strides over up to 4 axes, reversed, permuted, stepped and broadcast.
fn views() -> impl Strategy<Value = StridedView<'static>> {
    let axis = (
        0_usize..6,
        prop::sample::select(vec![-3_isize, -2, -1, 1, 2, 3]),
        any::<bool>(),
    );
    let types = prop::sample::select(vec!["|u1", "<i2", ">f4", "<f8", ">c8", "|S3", ">U2", "u1,>i4"]);
    (prop::collection::vec(axis, 0..4), types, any::<u64>()).prop_map(|(axes, dtype, seed)| {
        let dtype = DType::from_numpy(dtype).unwrap();
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let items: usize = shape.iter().product();
        let bytes: Vec<u8> = (0..items * dtype.itemsize())
            .map(|k| (k * 37 + 11).to_le_bytes()[0])
            .collect();
        let view = StridedView::from_vec(bytes)
            .view_as(dtype)
            .unwrap()
            .reshape(&shape)
            .unwrap();
        let steps: Vec<Index> = axes.iter().map(|axis| Slice::ALL.step_by(axis.1).into()).collect();
        let mut order: Vec<usize> = (0..shape.len()).collect();
        order.sort_by_key(|&axis| (seed >> (8 * axis)) & 0xff);
        let view = view.index(&steps).unwrap().permute(&order).unwrap();
        if axes.iter().any(|axis| axis.2) && view.ndim() < 4 {
            view.broadcast_to(&[&[2], view.shape()].concat()).unwrap()
        } else {
            view
        }
    })
}

/// The format holds bytes, and a file with a `bool` of 2 is written as it was read, gathered or not.
#[test]
fn invalid_booleans_are_written_as_they_are() {
    let mut file = written(&StridedView::from_vec(vec![true, false, true]));
    let last = file.len() - 1;
    file[last] = 2;
    let view = parse(&file).unwrap();
    assert_eq!(written(&view), file);
    assert!(written(&view.flip(0).unwrap()).ends_with(&[2, 0, 1]));
}

proptest! {
    #[test]
    fn writing_is_lossless(view in views()) {
        let file = written(&view);
        let back = npy::parse(Buffer::from_vec(file.clone())).unwrap();
        prop_assert_eq!((back.dtype(), back.shape()), (view.dtype(), view.shape()));
        prop_assert_eq!(back.to_bytes(Order::C).unwrap(), view.to_bytes(Order::C).unwrap());
        let fortran = view.is_f_contiguous() && !view.is_c_contiguous();
        let order = if fortran { Order::F } else { Order::C };
        let (header, offset) = Header::parse(&file).unwrap();
        prop_assert_eq!((header.order, offset % 64), (order, 0));
        let report = npy::write_to(Vec::new(), &view).unwrap();
        prop_assert_eq!(report.is_shared(), view.layout().is_contiguous(order));
        prop_assert_eq!(&file[offset..], view.to_contiguous(order).unwrap().value.to_bytes(order).unwrap());
    }
}
