//! Files of many arrays: `.npz` and safetensors, golden, round trip, hostile.
//!
//! # Safety
//!
//! What is mapped lies in a folder of the test's own, or is a committed file that nobody writes; no test shortens a file that is mapped.
#![cfg(all(feature = "npz", feature = "safetensors", feature = "mmap"))]
#![allow(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use viewbridge::files::npz::{self, Compression};
use viewbridge::files::{NamedView, safetensors};
use viewbridge::{
    Buffer, CopyReason, DType, Error, Kind, NpzFault, Order, OwnerKind, Refusal, SafetensorsFault, Slice, StridedView,
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/archives")
        .join(name)
}

fn names(arrays: &[NamedView<'_>]) -> Vec<String> {
    arrays.iter().map(|array| array.name.clone()).collect()
}

fn same(a: &StridedView<'_>, b: &StridedView<'_>) -> bool {
    let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).unwrap();
    (a.shape(), a.dtype(), a.logical()) == (b.shape(), b.dtype(), b.logical()) && bytes(a) == bytes(b)
}

// --- .npz

#[test]
fn archives_of_numpy_are_read_and_mapped() {
    let stored = npz::read(golden("stored.npz")).unwrap();
    assert_eq!(
        names(&stored.value),
        ["counts", "big", "columns", "times", "none", "scalar"]
    );
    assert_eq!(stored.value[0].view.to_vec::<i32>().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(stored.value[1].view.dtype().to_string(), ">f8");
    assert!(stored.value[2].view.is_f_contiguous());
    assert_eq!(stored.value[3].view.to_vec::<i64>().unwrap(), [1_795_651_200, i64::MIN]);
    assert_eq!(stored.value[4].view.shape(), [0, 2]);
    assert_eq!(stored.value[5].view.get::<f64>(&[]).unwrap(), 1.5);
    assert!(stored.report.reasons().all(|reason| *reason == CopyReason::FileRead));

    // SAFETY: nobody writes the golden files.
    let mapped = unsafe { npz::map(golden("stored.npz")) }.unwrap();
    assert!(mapped.is_shared());
    for (mapped, read) in mapped.value.iter().zip(&stored.value) {
        assert!(same(&mapped.view, &read.view), "{}", read.name);
        assert_eq!(mapped.view.owner_kind(), OwnerKind::MappedFile);
    }
}

#[test]
fn deflated_arrays_are_copies_and_say_so() {
    // SAFETY: nobody writes the golden files.
    let arrays = unsafe { npz::map(golden("deflated.npz")) }.unwrap();
    assert_eq!(arrays.report.bytes_copied(), 8000 + 24 + 32 + 12 + 16 + 8);
    assert!(
        arrays
            .report
            .reasons()
            .any(|reason| *reason == CopyReason::Decompressed)
    );
    assert_eq!(arrays.value[0].view.to_vec::<f64>().unwrap(), vec![0.0; 1000]);
}

#[test]
fn what_is_written_is_aligned_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npz");
    let a = StridedView::from_vec((0..24_i16).collect())
        .reshape(&[2, 3, 4])
        .unwrap();
    let odd = a.slice_axis(2, Slice::ALL.step_by(3)).unwrap();
    let arrays = [("a", &a), ("a/odd", &odd), ("ä", &a)];
    for compression in [Compression::Stored, Compression::Deflated] {
        let report = npz::write(&path, &arrays, compression).unwrap();
        assert_eq!(report.bytes_copied(), odd.nbytes());
        // SAFETY: the folder is the test's own.
        let mapped = unsafe { npz::map(&path) }.unwrap();
        assert_eq!(mapped.is_shared(), compression == Compression::Stored);
        assert_eq!(names(&mapped.value), ["a", "a/odd", "ä"]);
        for (found, (_, expected)) in mapped.value.iter().zip(arrays) {
            assert!(same(&found.view, expected));
            assert!(found.view.data_ptr().addr().is_multiple_of(64));
        }
    }
    let twice = npz::write(&path, &[("a", &a), ("a", &a)], Compression::Stored);
    assert!(matches!(twice, Err(Error::Npz(NpzFault::Archive(_)))));
}

/// Booleans in bits.
fn packed(items: &[bool]) -> StridedView<'static> {
    use viewbridge::convert::{CopyPolicy, Packing, Requirements};

    let bits = Requirements::any("bits").packing(Packing::BoolBits);
    let view = StridedView::from_vec(items.to_vec());
    view.convert(&bits, CopyPolicy::IfNeeded).unwrap().value
}

/// Progress over all arrays as one, pieces in order, and a break that ends it.
#[test]
fn writing_tells_how_far_it_is() {
    use std::io::Cursor;
    use std::ops::ControlFlow;

    let a = StridedView::from_vec((0..600_000_u32).collect())
        .reshape(&[600, 1000])
        .unwrap();
    let bits = packed(&[false, true].repeat(8));
    let turned = a.transpose();
    let arrays = [("a", &a), ("bits", &bits), ("turned", &turned)];
    let total = 2 * a.nbytes() + 16;
    let follow = |until: usize, offsets: &mut Vec<usize>, piece: viewbridge::convert::Piece<'_>| {
        assert_eq!(piece.total, total);
        assert_eq!(piece.offset, offsets.last().copied().unwrap_or(0));
        offsets.push(piece.offset + piece.bytes.len());
        if piece.offset < until {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    for until in [usize::MAX, 0, a.nbytes() + 16] {
        let (mut offsets, mut file) = (Vec::new(), Cursor::new(Vec::new()));
        let stored = Compression::Stored;
        let done = npz::write_with(&mut file, &arrays, stored, |piece| follow(until, &mut offsets, piece)).unwrap();
        assert_eq!((done.bytes, done.total), (*offsets.last().unwrap(), total));
        assert_eq!(done.is_complete(), until == usize::MAX);
        if done.is_complete() {
            assert!(offsets.len() > 4);
            // Column-major items lie as the format wants them.
            assert_eq!(done.report.bytes_copied(), 16);
            let mut whole = Cursor::new(Vec::new());
            npz::write_to(&mut whole, &arrays, stored).unwrap();
            assert_eq!(file.get_ref(), whole.get_ref());
            let back = npz::parse(Buffer::from_vec(whole.into_inner())).unwrap().value;
            assert_eq!(back[1].view.to_vec::<bool>().unwrap(), bits.to_vec::<bool>().unwrap());
            assert!(same(&back[2].view, &turned));
        }

        let (mut offsets, mut file) = (Vec::new(), Vec::new());
        let done = safetensors::write_with(&mut file, &arrays, [], |piece| follow(until, &mut offsets, piece)).unwrap();
        assert_eq!((done.bytes, done.total), (*offsets.last().unwrap(), total));
        assert_eq!(done.is_complete(), until == usize::MAX);
        if done.is_complete() {
            let mut whole = Vec::new();
            let report = safetensors::write_to(&mut whole, &arrays, []).unwrap();
            assert_eq!((file, done.report), (whole, report));
        }
    }
}

#[test]
fn an_archive_is_left_alone_if_an_array_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npz");
    fs::write(&path, "before").unwrap();
    let half = StridedView::from_vec(vec![0_u16; 2]).view_as(DType::BF16).unwrap();
    match npz::write(&path, &[("half", &half)], Compression::Stored) {
        Err(Error::Array { name, .. }) => assert_eq!(name, "half"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).unwrap(), b"before");
}

/// Every truncation, which is an error, and every byte changed: an error or an array, never a panic.
fn break_everywhere(whole: &[u8], parses: impl Fn(Vec<u8>) -> bool) {
    for len in 0..whole.len() {
        assert!(!parses(whole[..len].to_vec()), "{len} bytes");
    }
    for position in 0..whole.len() {
        for bits in [0xff, 0x80, 0x01] {
            let mut broken = whole.to_vec();
            broken[position] ^= bits;
            parses(broken);
        }
    }
}

#[test]
fn broken_archives_are_errors() {
    let whole = fs::read(golden("stored.npz")).unwrap();
    break_everywhere(&whole, |bytes| npz::parse(Buffer::from_vec(bytes)).is_ok());
    let whole = fs::read(golden("deflated.npz")).unwrap();
    for position in 0..whole.len() {
        let mut broken = whole.clone();
        broken[position] ^= 0x81;
        let _ = npz::parse(Buffer::from_vec(broken));
        assert!(npz::parse(Buffer::from_vec(whole[..position].to_vec())).is_err());
    }
}

#[test]
fn changed_bytes_are_noticed_by_their_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.npz");
    let mut bytes = fs::read(golden("stored.npz")).unwrap();
    let item = bytes.windows(4).position(|window| window == [3, 0, 0, 0]).unwrap();
    bytes[item] = 4;
    fs::write(&path, bytes).unwrap();
    match npz::read(&path) {
        Err(Error::Array { name, error }) => {
            assert_eq!(name, "counts.npy");
            assert!(matches!(*error, Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData));
        }
        other => panic!("{other:?}"),
    }
}

/// A deflated member cannot stand for more than 1032 times its bytes.
#[test]
fn claims_that_nothing_can_justify_are_refused_before_allocation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claim.npz");
    let view = StridedView::from_vec(vec![0_u8; 100]);
    npz::write(&path, &[("a", &view)], Compression::Deflated).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // The central directory says 228 bytes (header and items); let it say 4 GiB, nearly.
    let size = 228_u32.to_le_bytes();
    let directory = bytes.windows(4).rposition(|window| window == size).unwrap();
    bytes[directory..directory + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    match npz::read(&path) {
        Err(Error::Array { error, .. }) => match *error {
            Error::Npz(NpzFault::Claim {
                claimed: 0xffff_fff0,
                possible,
            }) => assert!(possible < 1 << 20),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A stored member says its size twice. Found by the fuzzer: the two must not be believed by turns.
#[test]
fn a_stored_member_of_two_sizes_is_an_error() {
    let mut file = std::io::Cursor::new(Vec::new());
    npz::write_to(
        &mut file,
        &[("a", &StridedView::from_vec(vec![1_u8, 2, 3]))],
        Compression::Stored,
    )
    .unwrap();
    let mut file = file.into_inner();
    // The size in the central directory, 24 bytes behind its signature.
    let at = file.windows(4).position(|four| four == b"PK\x01\x02").unwrap() + 24;
    assert_eq!(file[at..at + 4], 131_u32.to_le_bytes());
    for size in [41_u32, 130, 132] {
        file[at..at + 4].copy_from_slice(&size.to_le_bytes());
        let path = tempfile::NamedTempFile::new().unwrap();
        fs::write(path.path(), &file).unwrap();
        let said = [
            npz::read(path.path()).unwrap_err().to_string(),
            npz::parse(Buffer::from_slice(&file)).unwrap_err().to_string(),
            npz::describe(std::io::Cursor::new(&file)).unwrap_err().to_string(),
        ];
        assert!(said.iter().all(|text| text.contains("131 are possible")), "{said:?}");
    }
}

#[test]
fn members_that_are_no_arrays_are_bytes() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.npz");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.add_directory("folder", stored).unwrap();
    archive.start_file("notes.txt", stored).unwrap();
    archive.write_all(b"hello").unwrap();
    archive.finish().unwrap();
    // SAFETY: the folder is the test's own.
    let mapped = unsafe { npz::map(&path) }.unwrap().value;
    for arrays in [npz::read(&path).unwrap().value, mapped] {
        assert_eq!(names(&arrays), ["notes.txt"]);
        assert_eq!(arrays[0].view.to_vec::<u8>().unwrap(), b"hello");
    }
}

// --- safetensors

#[test]
fn models_of_pytorch_are_read_and_mapped() {
    let path = golden("all.safetensors");
    let read = safetensors::read(&path).unwrap();
    assert_eq!(read.report.bytes_copied() as u64, fs::metadata(&path).unwrap().len());
    // SAFETY: nobody writes the golden files.
    let mapped = unsafe { safetensors::map(&path) }.unwrap();
    assert_eq!(mapped.metadata["format"], "pt");
    assert_eq!(mapped.tensors.len(), 19);
    for (mapped, read) in mapped.tensors.iter().zip(&read.value.tensors) {
        assert!(same(&mapped.view, &read.view));
        assert_eq!(mapped.view.owner_kind(), OwnerKind::MappedFile);
    }
    let get = |name: &str| mapped.get(name).unwrap();
    assert_eq!(get("float32").to_vec::<f32>().unwrap(), [0.0, 1.0, 2.0]);
    assert_eq!(get("int64").shape(), [1, 3]);
    assert_eq!(get("bool").to_vec::<bool>().unwrap(), [false, true, true]);
    assert_eq!(*get("bfloat16").dtype(), DType::BF16);
    assert_eq!(get("float8_e4m3fn").dtype().kind(), Kind::Float8E4m3fn);
    assert_eq!((get("scalar").ndim(), get("none").shape()), (0, &[2, 0][..]));
    let four = get("float4_e2m1fn_x2");
    assert_eq!((four.dtype().item_bits(), four.shape()), (4, &[1, 4][..]));
    assert_eq!(four.to_bytes(Order::C).unwrap(), [0x21, 0x43]);
    // Items behind odd numbers of bytes are views, too.
    assert!(mapped.get("missing").is_none());
}

/// What the reference implementation wrote, byte for byte.
#[test]
fn written_byte_for_byte_as_the_reference_does() {
    let path = golden("all.safetensors");
    let model = safetensors::read(&path).unwrap().value;
    let mut tensors: Vec<_> = model.tensors.iter().map(|t| (t.name.as_str(), &t.view)).collect();
    tensors.reverse();
    let mut file = Vec::new();
    let report = safetensors::write_to(&mut file, &tensors, [("format", "pt")]).unwrap();
    assert!(report.is_shared());
    assert_eq!(file, fs::read(&path).unwrap());
}

#[test]
fn scattered_and_swapped_tensors_are_copied_in_one_pass() {
    let a = StridedView::from_vec((0..12_u16).collect()).reshape(&[3, 4]).unwrap();
    let swapped = StridedView::from_vec(
        a.to_vec::<u16>()
            .unwrap()
            .iter()
            .map(|x| x.swap_bytes())
            .collect::<Vec<_>>(),
    )
    .view_as(DType::U16.swapped())
    .unwrap()
    .reshape(&[3, 4])
    .unwrap();
    let mut file = Vec::new();
    let report = safetensors::write_to(&mut file, &[("t", &swapped.transpose())], []).unwrap();
    assert_eq!(report.records().len(), 1);
    assert_eq!(report.reasons().count(), 2);
    let back = safetensors::parse(Buffer::from_vec(file)).unwrap();
    assert!(same(back.get("t").unwrap(), &a.transpose()));
}

#[test]
fn what_the_format_cannot_hold() {
    let text = StridedView::from_vec(vec![0_u32; 2]).view_as(DType::text(1)).unwrap();
    let fours = StridedView::from_vec(vec![0x21_u8; 2]);
    let fours = StridedView::new(
        fours.buffer().clone(),
        DType::new(Kind::Float4E2m1fn, 4),
        viewbridge::Layout::contiguous(&[3], &DType::new(Kind::Float4E2m1fn, 4), Order::C).unwrap(),
    )
    .unwrap();
    let bytes = StridedView::from_vec(vec![0_u8; 2]);
    let write = |tensors: &[(&str, &StridedView<'_>)]| {
        let mut file = Vec::new();
        let error = safetensors::write_to(&mut file, tensors, []).unwrap_err();
        assert!(file.is_empty());
        match error {
            Error::Array { error, .. } => *error,
            other => other,
        }
    };
    assert!(matches!(
        write(&[("t", &text)]),
        Error::Refused {
            refusal: Refusal::DType { .. },
            ..
        }
    ));
    assert!(matches!(
        write(&[("f", &fours)]),
        Error::Safetensors(SafetensorsFault::PartialByte { bits: 12 })
    ));
    assert!(matches!(
        write(&[("b", &bytes), ("b", &bytes)]),
        Error::Safetensors(SafetensorsFault::Duplicate { .. })
    ));
    assert!(matches!(
        write(&[("__metadata__", &bytes)]),
        Error::Safetensors(SafetensorsFault::Reserved { .. })
    ));
}

#[test]
fn broken_headers_are_errors() {
    let whole = fs::read(golden("all.safetensors")).unwrap();
    break_everywhere(&whole, |bytes| safetensors::parse(Buffer::from_vec(bytes)).is_ok());
    let file = |header: &str, data: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        safetensors::parse(Buffer::from_vec(bytes))
    };
    assert!(file(r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, 3).is_ok());
    let hostile = [
        (r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}"#, 4),
        (r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[3,0]}}"#, 3),
        (r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, 4),
        (r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, 4),
        (r#"{"a":{"dtype":"U9","shape":[3],"data_offsets":[0,3]}}"#, 3),
        (r#"{"a":{"dtype":"U8","shape":[-3],"data_offsets":[0,3]}}"#, 3),
        (
            r#"{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
            0,
        ),
        (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, 2),
        (
            r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,18446744073709551615]}}"#,
            3,
        ),
        (r#"[]"#, 0),
        (r#"{"a":{}}"#, 0),
    ];
    for (header, data) in hostile {
        assert!(matches!(file(header, data), Err(Error::Safetensors(_))), "{header}");
    }
    let ones = vec!["1"; 65].join(",");
    let deep = format!(r#"{{"a":{{"dtype":"U8","shape":[{ones}],"data_offsets":[0,1]}}}}"#);
    assert!(matches!(file(&deep, 1), Err(Error::Layout(_))));
    let long = [u64::MAX.to_le_bytes(), *b"{}      "].concat();
    assert!(matches!(
        safetensors::parse(Buffer::from_vec(long)),
        Err(Error::Safetensors(_))
    ));
}

fn arrays() -> impl Strategy<Value = Vec<StridedView<'static>>> {
    let array = (prop::collection::vec(0_usize..4, 0..4), 0..4_usize, any::<bool>()).prop_map(|(shape, kind, turn)| {
        let len: usize = shape.iter().product();
        let view = match kind {
            0 => StridedView::from_vec((0_u8..).take(len).collect()),
            1 => StridedView::from_vec((0_i16..).take(len).map(f32::from).collect()),
            2 => StridedView::from_vec((-3_i64..).take(len).collect()),
            _ => StridedView::from_vec((0..len).map(|k| k % 2 == 1).collect()),
        };
        let view = view.reshape(&shape).unwrap();
        if turn { view.transpose() } else { view }
    });
    prop::collection::vec(array, 0..5)
}

proptest! {
    #[test]
    fn any_arrays_come_back(arrays in arrays()) {
        let names: Vec<String> = (0..arrays.len()).map(|k| format!("array \"{k}\"\n, ä€")).collect();
        let list: Vec<_> = names.iter().map(String::as_str).zip(&arrays).collect();
        let mut file = Vec::new();
        safetensors::write_to(&mut file, &list, []).unwrap();
        let model = safetensors::parse(Buffer::from_vec(file)).unwrap();
        for (name, view) in &list {
            prop_assert!(same(model.get(name).unwrap(), view));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        npz::write(&path, &list, Compression::Stored).unwrap();
        for (found, (name, view)) in npz::read(&path).unwrap().value.iter().zip(&list) {
            prop_assert_eq!(&found.name, name);
            prop_assert!(same(&found.view, view));
        }
    }
}
