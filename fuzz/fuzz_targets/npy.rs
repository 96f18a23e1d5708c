//! Any bytes as a `.npy` file. What parses is written, and parses again to the same items.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use viewbridge::files::npy::{self, Header};
use viewbridge::{Buffer, Error, Order, StridedView};

fuzz_target!(|data: &[u8]| {
    let header = Header::parse(data);
    let described = npy::describe(Cursor::new(data));
    let view = match npy::parse(Buffer::from_vec(data.to_vec())) {
        Ok(view) => view,
        Err(error) => return assert_eq!(error.to_string(), described.expect_err("the same").to_string()),
    };
    let described = described.expect("a file that parses");
    assert_eq!(
        (described.dtype(), described.layout().shape()),
        (view.dtype(), view.shape())
    );
    assert!(described.file_range().end <= data.len() as u64);
    let (header, _) = header.expect("a file has a header");
    assert_eq!((&header.dtype, &*header.shape), (view.dtype(), view.shape()));
    round_trip(&view);
    if view.ndim() > 0 {
        // A layout that is gathered piece by piece.
        round_trip(&view.flip(0).expect("an axis of a file"));
    }
});

fn round_trip(view: &StridedView<'_>) {
    let mut file = Vec::new();
    match npy::write_to(&mut file, view) {
        Ok(_) => {}
        // The format's header has an end, and a shape of many digits can be beyond it.
        Err(Error::Npy(_)) => return,
        Err(error) => panic!("{error}"),
    }
    let again = npy::parse(Buffer::from_vec(file)).expect("what was written");
    assert_eq!((again.dtype(), again.shape()), (view.dtype(), view.shape()));
    let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).expect("as many bytes as the file has");
    assert_eq!(bytes(&again), bytes(view));
}
