//! `.npy` files mapped for writing.
#![cfg(feature = "mmap")]
#![allow(unsafe_code, reason = "maps files of a folder that nobody else knows")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use viewbridge::files::mmap::Mode;
use viewbridge::files::npy::{self, Header};
use viewbridge::{
    DType, Error, LayoutError, Logical, NpyFault, Order, RawFault, Result, StridedView, StridedViewMut, TimeUnit,
};

fn header(shape: &[usize], order: Order) -> Header {
    Header {
        dtype: DType::I16,
        logical: None,
        order,
        shape: shape.to_vec(),
    }
}

/// A file that holds the numbers from 0 on.
fn file(shape: &[usize]) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let items = (0..).take(shape.iter().product()).collect();
    npy::write(&path, &StridedView::from_vec::<i16>(items).reshape(shape).unwrap()).unwrap();
    (folder, path)
}

fn map_mut(path: &Path, mode: Mode) -> Result<StridedViewMut<'static>> {
    // SAFETY: the folder is the test's own, and one map is open at a time.
    unsafe { npy::map_mut(path, mode) }
}

fn create(path: &Path, header: &Header) -> Result<StridedViewMut<'static>> {
    // SAFETY: as above.
    unsafe { npy::create(path, header) }
}

#[test]
fn writes_reach_the_file_or_stay_private() {
    let (_folder, path) = file(&[2, 3]);
    let before = fs::read(&path).unwrap();
    for (mode, reaches) in [(Mode::CopyOnWrite, false), (Mode::ReadWrite, true)] {
        let mut view = map_mut(&path, mode).unwrap();
        assert_eq!((view.shape(), view.dtype()), (&[2, 3][..], &DType::I16));
        assert_eq!(view.as_view().to_vec::<i16>().unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(view.file().unwrap().range(), 128..140);
        view.set(&[1, 0], 7_i16).unwrap();
        view.flush().unwrap();
        drop(view);
        let found = npy::read(&path).unwrap().value.to_vec::<i16>().unwrap();
        assert_eq!(
            found,
            if reaches {
                [0, 1, 2, 7, 4, 5]
            } else {
                [0, 1, 2, 3, 4, 5]
            }
        );
        assert_eq!(fs::read(&path).unwrap()[..128], before[..128]);
    }
}

#[test]
fn new_files_are_those_that_writing_zeros_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    fs::write(&path, vec![9; 1000]).unwrap();
    for shape in [&[2, 3][..], &[], &[0], &[3, 0, 2]] {
        for order in [Order::C, Order::F] {
            let view = create(&path, &header(shape, order)).unwrap();
            assert_eq!(view.shape(), shape);
            drop(view);
            let mut expected = header(shape, order).encode().unwrap();
            expected.resize(expected.len() + 2 * shape.iter().product::<usize>(), 0);
            assert_eq!(fs::read(&path).unwrap(), expected);
        }
    }
}

#[test]
fn columns_and_times_are_what_the_header_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let unit = TimeUnit::Millisecond;
    let header = Header {
        dtype: DType::I64,
        logical: Some(Logical::Duration { unit }),
        order: Order::F,
        shape: vec![2, 3],
    };
    let mut view = create(&path, &header).unwrap();
    assert_eq!(
        (view.strides(), view.as_view().logical()),
        (&[8, 16][..], header.logical.as_ref())
    );
    view.set(&[1, 2], 5_i64).unwrap();
    drop(view);
    let read = npy::read(&path).unwrap().value;
    assert_eq!(
        (read.get::<i64>(&[1, 2]).unwrap(), read.logical()),
        (5, header.logical.as_ref())
    );
    assert!(read.is_f_contiguous());
}

/// The header and the items are those of one file, even if its name is another's in between.
#[test]
fn a_name_that_changes_hands_mixes_no_two_files() {
    let (folder, path) = file(&[1000]);
    let other = folder.path().join("other");
    // Of another shape and type, so that its header would not do.
    let long = StridedView::from_vec(vec![0x0102_0304_u32; 4000]);
    std::thread::scope(|scope| {
        let renames = scope.spawn(|| {
            let short = StridedView::from_vec(vec![7_i16; 1000]);
            for _ in 0..300 {
                for view in [&long, &short] {
                    npy::write(&other, view).unwrap();
                    fs::rename(&other, &path).unwrap();
                }
            }
        });
        while !renames.is_finished() {
            let view = map_mut(&path, Mode::CopyOnWrite).unwrap();
            let view = view.as_view();
            match view.shape() {
                [4000] => assert_eq!(view.get::<u32>(&[3999]).unwrap(), 0x0102_0304),
                [1000] => assert!([7, 999].contains(&view.get::<i16>(&[999]).unwrap())),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn modes_of_other_functions_are_refused() {
    let (_folder, path) = file(&[4]);
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        map_mut(&path, Mode::Read),
        Err(Error::Raw(RawFault::ReadOnlyMode))
    ));
    assert!(matches!(
        map_mut(&path, Mode::Create),
        Err(Error::Raw(RawFault::ShapeMissing))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// A file without a header grows if it is too short; one with a header is broken then.
#[test]
fn truncation_at_every_byte_is_an_error_and_leaves_the_file() {
    let (_folder, path) = file(&[4]);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        for mode in [Mode::ReadWrite, Mode::CopyOnWrite] {
            assert!(matches!(map_mut(&path, mode), Err(Error::Npy(_))), "{len}");
        }
        assert_eq!(fs::read(&path).unwrap(), &whole[..len]);
    }
}

#[test]
fn impossible_headers_leave_an_existing_file() {
    let (_folder, path) = file(&[4]);
    let before = fs::read(&path).unwrap();
    let beyond = create(&path, &header(&[usize::MAX, 2], Order::C));
    assert!(matches!(beyond, Err(Error::Layout(LayoutError::SizeOverflow { .. }))));
    let unnamed = Header {
        dtype: DType::BF16,
        ..header(&[4], Order::C)
    };
    let unnamed = create(&path, &unnamed);
    assert!(matches!(unnamed, Err(Error::Npy(NpyFault::Unwritable { .. }))));
    assert_eq!(fs::read(&path).unwrap(), before);
}
