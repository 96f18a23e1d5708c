//! Any bytes as a `.npz` file, in memory and on the disk. What reads is what is shared, and is written and read again the same.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use viewbridge::files::npz::{self, Compression};
use viewbridge::files::{NamedView, npy};
use viewbridge::{Buffer, Order, StridedView};

fuzz_target!(|data: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), data).expect("room for a file");
    let read = npz::read(file.path());
    let shared = npz::parse(Buffer::from_vec(data.to_vec()));
    for error in [read.as_ref().err(), shared.as_ref().err()].into_iter().flatten() {
        assert!(!error.to_string().is_empty());
    }
    let Ok(shared) = shared else {
        return assert!(read.is_err(), "read looks at no less");
    };
    let read_fails = read.is_err();
    if let Ok(read) = read {
        assert_same(&read.value, &shared.value);
    }
    let described = match npz::describe(Cursor::new(data)) {
        Ok(described) => described,
        // A member that ends with its header has its checksum looked at, as reading does and sharing does not.
        Err(error) => return assert!(read_fails, "{error}"),
    };
    assert_eq!(described.len(), shared.value.len());
    for (listed, array) in described.iter().zip(&shared.value) {
        assert_eq!(listed.name(), Some(array.name.as_str()));
        assert_eq!(
            (listed.dtype(), listed.layout().shape()),
            (array.view.dtype(), array.view.shape())
        );
        assert!(listed.file_range().end <= data.len() as u64);
    }
    for compression in [Compression::Stored, Compression::Deflated] {
        round_trip(&shared.value, compression);
    }
});

fn round_trip(arrays: &[NamedView<'_>], compression: Compression) {
    // A shape of many digits can be beyond what a header holds.
    let writable = arrays.iter().filter(|array| npy::plan(&array.view).is_ok());
    // The names of an archive are an attacker's; what they are written as is for `tests/archives.rs` to say.
    let names: Vec<_> = (0..arrays.len()).map(|k| k.to_string()).collect();
    let arrays: Vec<_> = writable.cloned().zip(&names).collect();
    let list: Vec<(&str, &StridedView<'_>)> = arrays
        .iter()
        .map(|(array, name)| (name.as_str(), &array.view))
        .collect();
    let mut file = Cursor::new(Vec::new());
    npz::write_to(&mut file, &list, compression).expect("each can be written");
    let again = npz::parse(Buffer::from_vec(file.into_inner())).expect("what was written");
    let arrays: Vec<_> = arrays
        .into_iter()
        .map(|(array, name)| NamedView {
            name: name.clone(),
            ..array
        })
        .collect();
    assert_same(&again.value, &arrays);
}

fn assert_same(a: &[NamedView<'_>], b: &[NamedView<'_>]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!(
            (&a.name, a.view.dtype(), a.view.shape()),
            (&b.name, b.view.dtype(), b.view.shape())
        );
        let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).expect("as many bytes as the file justifies");
        assert_eq!(bytes(&a.view), bytes(&b.view));
    }
}
