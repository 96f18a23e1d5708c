//! Raw files, read and mapped in all modes.
//!
//! # Safety
//!
//! What is mapped lies in a folder of the test's own, or is a committed file that nobody writes; no test shortens a file that is mapped.
#![cfg(feature = "mmap")]
#![allow(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use viewbridge::files::mmap::Mode;
use viewbridge::files::npy;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::{
    Access, CopyReason, DType, Error, LayoutError, Logical, Order, OwnerKind, RawFault, Slice, StridedView, TimeUnit,
};

/// A folder, and a file in it that holds the bytes 0 to `len - 1`, over and over.
fn file(len: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.bin");
    let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Maps a file that nobody else uses in this test, but as the test says.
fn map(path: &Path, mode: Mode, items: &RawArray) -> Result<StridedView<'static>, Error> {
    // SAFETY: the folder is the test's own, and no test shortens a mapped file.
    unsafe { raw::map(path, mode, items) }
}

fn u16s() -> RawArray {
    RawArray::new(DType::U16)
}

#[test]
fn a_file_is_an_owner_and_its_arrays_are_views() {
    let (_folder, path) = file(64);
    let view = map(&path, Mode::Read, &u16s().shape(&[4, 8])).unwrap();
    assert_eq!(
        (view.owner_kind(), view.access()),
        (OwnerKind::MappedFile, Access::Immutable)
    );
    assert_eq!(view.get::<u16>(&[1, 0]).unwrap(), u16::from_ne_bytes([16, 17]));

    let corner = view.slice_axis(0, 2..).unwrap().slice_axis(1, 6..).unwrap();
    drop(view);
    let mapped = corner.file().unwrap();
    assert_eq!((mapped.path(), mapped.mode()), (path.as_path(), Mode::Read));
    assert_eq!((mapped.range(), corner.file_range()), (0..64, Some(44..64)));
    assert_eq!(corner.pinned_bytes(), 64);
    // The name may go; the memory stays.
    fs::remove_file(&path).unwrap();
    assert_eq!(corner.get::<u16>(&[1, 1]).unwrap(), u16::from_ne_bytes([62, 63]));
}

#[test]
fn every_offset_and_order_will_do() {
    let (_folder, path) = file(20_000);
    for offset in [0, 1, 7, 4095, 4096, 4097, 9999] {
        for order in [Order::C, Order::F] {
            let items = u16s().offset(offset).shape(&[20, 50]).order(order);
            let mapped = map(&path, Mode::Read, &items).unwrap();
            let read = raw::read(&path, &items).unwrap();
            assert_eq!(read.report.reasons().collect::<Vec<_>>(), [&CopyReason::FileRead]);
            assert_eq!(mapped.to_vec::<u16>().unwrap(), read.value.to_vec::<u16>().unwrap());
            assert_eq!(mapped.strides(), read.value.strides());
            assert_eq!(mapped.file_range(), Some(offset..offset + 2000));
            assert_eq!(mapped.is_aligned(), offset % 2 == 0);
        }
    }
}

#[test]
fn without_a_shape_all_items_to_the_end() {
    let (_folder, path) = file(64);
    assert_eq!(map(&path, Mode::Read, &u16s().offset(4)).unwrap().shape(), [30]);
    assert_eq!(raw::read(&path, &u16s().offset(64)).unwrap().value.shape(), [0]);
    let partial = |result: Result<StridedView<'static>, Error>| match result {
        Err(Error::Raw(RawFault::PartialItem { bytes: 61, itemsize: 2 })) => {}
        other => panic!("{other:?}"),
    };
    partial(map(&path, Mode::Read, &u16s().offset(3)));
    partial(raw::read(&path, &u16s().offset(3)).map(|read| read.value));
    // Items of no bytes could be any number.
    let none = raw::read(&path, &RawArray::new(DType::raw(0)));
    assert!(matches!(
        none,
        Err(Error::Raw(RawFault::PartialItem { itemsize: 0, .. }))
    ));
}

#[test]
fn empty_shapes_work_in_every_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.bin");
    for mode in [Mode::Create, Mode::ReadWrite, Mode::Read, Mode::CopyOnWrite] {
        let view = map(&path, mode, &u16s().shape(&[0, 3])).unwrap();
        assert_eq!((view.shape(), view.file_range()), (&[0, 3][..], None));
        assert_eq!(view.flush().ok(), Some(()));
    }
}

#[test]
fn modes_that_write_and_modes_that_do_not() {
    let (_folder, path) = file(16);
    let first = RawArray::new(DType::U8).shape(&[4]);
    for (mode, reaches) in [(Mode::CopyOnWrite, false), (Mode::ReadWrite, true)] {
        // SAFETY: nobody else uses the file.
        let mut view = unsafe { raw::map_mut(&path, mode, &first) }.unwrap();
        view.fill(200_u8).unwrap();
        assert_eq!(view.as_view().to_vec::<u8>().unwrap(), [200; 4]);
        view.flush().unwrap();
        let on_disk = fs::read(&path).unwrap();
        assert_eq!(&on_disk[..4], if reaches { [200; 4] } else { [0, 1, 2, 3] });
        assert_eq!(on_disk.len(), 16);
    }
    // SAFETY: nothing is mapped.
    let refused = unsafe { raw::map_mut(&path, Mode::Read, &first) };
    assert!(matches!(refused, Err(Error::Raw(RawFault::ReadOnlyMode))));
}

/// A range is one of the file; what lies outside of the map, or of what was changed, is nobody's business.
#[test]
fn a_range_or_the_whole_is_flushed() {
    let (_folder, path) = file(20_000);
    let items = RawArray::new(DType::U8).offset(4097).shape(&[9000]);
    // SAFETY: nobody else uses the file.
    let mut view = unsafe { raw::map_mut(&path, Mode::ReadWrite, &items) }.unwrap();
    view.fill(200_u8).unwrap();
    let mapped = view.file().unwrap();
    assert_eq!(mapped.range(), 4097..13_097);
    for range in [
        5000..5001,
        0..u64::MAX,
        13_096..13_097,
        4097..4097,
        0..10,
        50_000..60_000,
    ] {
        mapped.flush_range(range).unwrap();
    }
    mapped.flush().unwrap();
    // A part of the view flushes its own bytes.
    view.as_view().slice_axis(0, 10..20).unwrap().flush().unwrap();
    let on_disk = fs::read(&path).unwrap();
    assert!(on_disk[4097..13_097].iter().all(|byte| *byte == 200));
    assert_ne!((on_disk[4096], on_disk[13_097]), (200, 200));
    // A clone of the file keeps it mapped, too.
    drop(view);
    assert_eq!(mapped.path(), path);
}

#[test]
fn an_exclusive_map_is_frozen_and_regained() {
    let (_folder, path) = file(16);
    // SAFETY: nobody else uses the file.
    let mut view = unsafe { raw::map_mut(&path, Mode::ReadWrite, &u16s()) }.unwrap();
    view.fill(7_u16).unwrap();
    let frozen = view.freeze();
    assert_eq!(frozen.typed::<u16>().unwrap().as_slice().unwrap(), [7; 8]);
    assert!(frozen.file().is_some());
    frozen.into_mut().unwrap().fill(8_u16).unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        [8, 0].repeat(8).iter().map(|b| b.to_owned()).collect::<Vec<u8>>()
    );
}

#[test]
fn a_file_too_short_grows_or_is_refused() {
    let (_folder, path) = file(10);
    let items = u16s().offset(6).shape(&[8]);
    for mode in [Mode::Read, Mode::CopyOnWrite] {
        let fault = RawFault::Truncated {
            claimed: 22,
            available: 10,
        };
        assert!(matches!(map(&path, mode, &items), Err(Error::Raw(found)) if found == fault));
    }
    let grown = map(&path, Mode::ReadWrite, &items).unwrap();
    assert_eq!(grown.get::<u16>(&[7]).unwrap(), 0);
    assert_eq!(
        fs::read(&path).unwrap(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn creating_empties_but_only_once_all_is_well() {
    let (_folder, path) = file(100);
    assert!(matches!(
        map(&path, Mode::Create, &u16s()),
        Err(Error::Raw(RawFault::ShapeMissing))
    ));
    let impossible = u16s().shape(&[usize::MAX, 2]);
    assert!(matches!(
        map(&path, Mode::Create, &impossible),
        Err(Error::Layout(LayoutError::SizeOverflow { .. }))
    ));
    let beyond = u16s().shape(&[8]).offset(u64::MAX - 3);
    assert!(matches!(
        map(&path, Mode::Create, &beyond),
        Err(Error::Raw(RawFault::Truncated { .. }))
    ));
    assert_eq!(fs::read(&path).unwrap().len(), 100, "left alone");

    let view = map(&path, Mode::Create, &u16s().shape(&[3]).offset(2)).unwrap();
    assert_eq!(view.to_vec::<u16>().unwrap(), [0; 3]);
    assert_eq!(fs::read(&path).unwrap(), [0; 8]);
}

#[test]
fn meanings_and_packed_items() {
    let (_folder, path) = file(16);
    let times = RawArray::new(DType::I64).logical(Logical::Duration {
        unit: TimeUnit::Millisecond,
    });
    assert!(map(&path, Mode::Read, &times).unwrap().logical().is_some());
    let bits = raw::read(&path, &RawArray::new(DType::BIT));
    assert!(matches!(bits, Err(Error::Layout(LayoutError::PackedItems { bits: 1 }))));
}

#[test]
fn selecting_by_a_list_copies_out_of_the_file_and_says_so() {
    let (_folder, path) = file(64);
    let view = map(&path, Mode::Read, &u16s()).unwrap();
    let picked = view.take_axis(0, &[0, 30, -1]).unwrap();
    assert_eq!(picked.report.reasons().collect::<Vec<_>>(), [&CopyReason::Gather]);
    assert_eq!(
        (picked.value.owner_kind(), picked.report.bytes_copied()),
        (OwnerKind::Heap, 6)
    );
    assert!(picked.value.file().is_none());
    let owner = OwnerKind::Heap;
    assert!(matches!(picked.value.flush(), Err(Error::Raw(RawFault::NotMapped { owner: found })) if found == owner));
}

#[test]
fn names_of_modes_are_those_of_numpy() {
    let modes = ["r", "r+", "w+", "c"].map(|name| name.parse::<Mode>().unwrap());
    assert_eq!(modes, [Mode::Read, Mode::ReadWrite, Mode::Create, Mode::CopyOnWrite]);
    assert_eq!("rw".parse::<Mode>(), Err(RawFault::Mode { found: "rw".into() }));
}

#[test]
fn what_is_written_is_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.bin");
    let view = StridedView::from_vec((0..24_u32).collect())
        .reshape(&[2, 3, 4])
        .unwrap();
    assert!(raw::write(&path, &view).unwrap().is_shared());
    let turned = view.transpose();
    let report = raw::write(&path, &turned).unwrap();
    assert_eq!(report.bytes_copied(), 96);
    let back = raw::read(&path, &RawArray::new(DType::U32).shape(&[4, 3, 2]))
        .unwrap()
        .value;
    assert_eq!(back.to_vec::<u32>().unwrap(), turned.to_vec::<u32>().unwrap());
}

#[test]
fn bits_are_written_as_bytes_and_progress_is_told() {
    use std::ops::ControlFlow;
    use viewbridge::convert::{CopyPolicy, Packing, Requirements};

    let items = [true, false, false, true, false, true, true, false].repeat(3);
    let packing = Requirements::any("bits").packing(Packing::BoolBits);
    let bits = StridedView::from_vec(items).convert(&packing, CopyPolicy::IfNeeded);
    let bits = bits.unwrap().value;
    assert_eq!(
        raw::plan(&bits).to_string(),
        "a raw file: copied (24 bytes) because items of 1 bits, needed 8"
    );
    let (mut file, mut pieces) = (Vec::new(), 0);
    let done = raw::write_with(&mut file, &bits, |_| {
        pieces += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(done.is_complete() && pieces == 1);
    assert_eq!(file, [1, 0, 0, 1, 0, 1, 1, 0].repeat(3));
}

/// Runs one test of this file in a process of its own, which finds its task in the environment.
fn child(test: &str, path: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("VIEWBRIDGE_TEST_FILE", path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// The file that a child process is to work on; `None` in the parent, where the test has nothing to do.
fn task() -> Option<PathBuf> {
    std::env::var_os("VIEWBRIDGE_TEST_FILE").map(PathBuf::from)
}

#[test]
fn child_adds_one_to_each_item() {
    let Some(path) = task() else { return };
    // SAFETY: the parent waits meanwhile.
    let mut view = unsafe { raw::map_mut(path, Mode::ReadWrite, &u16s()) }.unwrap();
    for item in view.typed_mut::<u16>().unwrap().as_mut_slice().unwrap() {
        *item += 1;
    }
    view.flush().unwrap();
}

#[test]
fn two_processes_see_each_others_flushes() {
    let (_folder, path) = file(0);
    let view = map(&path, Mode::ReadWrite, &u16s().shape(&[1000])).unwrap();
    for round in 1..=3 {
        assert!(child("child_adds_one_to_each_item", &path).wait().unwrap().success());
        assert_eq!(view.to_vec::<u16>().unwrap(), vec![round; 1000]);
    }
}

#[test]
fn child_shortens_the_file() {
    let Some(path) = task() else { return };
    // So that the parent is in the middle of it.
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(5000)
        .unwrap();
}

/// Reading is the safe way: a file that shrinks meanwhile is an error, never a signal.
#[test]
fn a_file_shortened_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinking.npy");
    let mut errors = 0;
    for _ in 0..5 {
        let header = npy::Header {
            dtype: DType::U8,
            logical: None,
            order: Order::C,
            shape: vec![1 << 30],
        };
        fs::write(&path, header.encode().unwrap()).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len((1 << 30) + 128).unwrap();
        let mut child = child("child_shortens_the_file", &path);
        match npy::read(&path) {
            Err(Error::Io(error)) => {
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
                errors += 1;
            }
            Err(Error::Npy(_)) | Ok(_) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(child.wait().unwrap().success());
        if errors > 0 {
            return;
        }
    }
    panic!("the child never came in between");
}

/// Bytes of this process that are in memory.
#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

/// A file larger than memory costs what is looked at.
#[cfg(target_os = "linux")]
#[test]
fn only_the_pages_asked_for_are_read() {
    if task().is_none() {
        // Alone in a process, because other tests use memory, too.
        let path = Path::new("-");
        assert!(
            child("only_the_pages_asked_for_are_read", path)
                .wait()
                .unwrap()
                .success()
        );
        return;
    }
    const LEN: u64 = 64 << 30;
    const LOOK: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.bin");
    fs::File::create(&path).unwrap().set_len(LEN).unwrap();
    let before = resident_bytes();
    let view = map(&path, Mode::Read, &RawArray::new(DType::U64).shape(&[1 << 13, 1 << 20])).unwrap();
    assert_eq!(view.pinned_bytes() as u64, LEN);
    let middle = view
        .index_axis(0, 5000)
        .unwrap()
        .slice_axis(0, Slice::from(..isize::try_from(LOOK / 8).unwrap()))
        .unwrap();
    assert_eq!(middle.nbytes(), LOOK);
    let sum: u64 = middle.typed::<u64>().unwrap().as_slice().unwrap().iter().sum();
    assert_eq!(sum, 0);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 4 * LOOK, "{grown} bytes for {LOOK}");
}
