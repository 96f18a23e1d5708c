//! Files without a header, and numbers at their limits: the same error from reading and from mapping, before anything is allocated.
#![cfg(feature = "mmap")]
#![allow(unsafe_code, reason = "maps files of a folder that nobody else knows")]

use std::fs;
use std::path::Path;

use viewbridge::files::mmap::Mode;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::{DType, Error, LayoutError, RawFault, Result, StridedView};

/// Read, and mapped in the modes that do not make files longer.
fn all_ways(path: &Path, items: &RawArray) -> [Result<StridedView<'static>>; 3] {
    // SAFETY: nobody writes the file meanwhile.
    let map = |mode| unsafe { raw::map(path, mode, items) };
    let read = raw::read(path, items).map(|read| read.value);
    [read, map(Mode::Read), map(Mode::CopyOnWrite)]
}

#[test]
fn truncation_at_every_byte() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let items = RawArray::new(DType::U16).offset(3).shape(&[5]);
    for available in 0..20_u8 {
        fs::write(file.path(), (0..available).collect::<Vec<_>>()).unwrap();
        let available = u64::from(available);
        for found in all_ways(file.path(), &items) {
            match found {
                Ok(view) => {
                    assert!(available >= 13);
                    assert_eq!(view.get::<u16>(&[4]).unwrap(), u16::from_ne_bytes([11, 12]));
                }
                Err(Error::Raw(fault)) => {
                    assert!(available < 13);
                    assert_eq!(fault, RawFault::Truncated { claimed: 13, available });
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn claims_beyond_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [7; 16]).unwrap();
    let bytes = |shape: &[usize], offset| RawArray::new(DType::U8).shape(shape).offset(offset);
    let hostile = [
        (bytes(&[17], 0), 17),
        (bytes(&[1], 16), 17),
        (bytes(&[0], 17), 17),
        (bytes(&[1 << 40, 1 << 22], 0), 1 << 62),
        (bytes(&[1 << 62], 1 << 62), 1 << 63),
        (bytes(&[0], u64::MAX), u64::MAX),
        (bytes(&[1], u64::MAX), u64::MAX),
        (RawArray::new(DType::U8).offset(u64::MAX), u64::MAX),
        (RawArray::new(DType::U8).offset(17), 17),
    ];
    for (items, most) in hostile {
        for found in all_ways(file.path(), &items) {
            match found {
                Err(Error::Raw(RawFault::Truncated { claimed, .. })) => assert_eq!(claimed, most, "{items:?}"),
                other => panic!("{items:?}: {other:?}"),
            }
        }
    }
    for offset in 0..=16 {
        for found in all_ways(file.path(), &bytes(&[0, 5], offset)) {
            assert_eq!(found.unwrap().shape(), [0, 5]);
        }
    }
}

#[test]
fn shapes_beyond_the_address_space() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [7; 16]).unwrap();
    let shapes = [
        &[usize::MAX][..],
        &[1 << 62],
        &[1 << 32, 1 << 32],
        &[usize::MAX, usize::MAX],
    ];
    for shape in shapes {
        let items = RawArray::new(DType::U16).shape(shape);
        for found in all_ways(file.path(), &items) {
            assert!(
                matches!(found, Err(Error::Layout(LayoutError::SizeOverflow { .. }))),
                "{shape:?}: {found:?}"
            );
        }
        for mode in [Mode::ReadWrite, Mode::Create] {
            // SAFETY: nobody else uses the file.
            let found = unsafe { raw::map_mut(file.path(), mode, &items) };
            assert!(matches!(found, Err(Error::Layout(_))), "{shape:?}");
        }
        assert_eq!(fs::read(file.path()).unwrap(), [7; 16], "left alone");
    }
}
