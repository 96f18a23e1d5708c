//! A description of the items of a file without a header, with numbers at their limits: read and mapped alike, and the bytes are the file's.
#![no_main]
#![allow(unsafe_code, reason = "maps a file that nobody else knows")]

use libfuzzer_sys::fuzz_target;
use viewbridge::files::mmap::Mode;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::{Order, StridedView};
use viewbridge_fuzz::Choices;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let mut items = RawArray::new(choices.dtype()).order(choices.order());
    let start = choices.extreme_size();
    items = items.offset(start as u64);
    if choices.coin() {
        items = items.shape(&choices.several(4, Choices::extreme_size));
    }
    let bytes = choices.rest();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("room for a file");

    let read = raw::read(file.path(), &items).map(|read| read.value);
    // Modes that make files longer are left out: a shape may well be one of terabytes that a file system grants.
    for mode in [Mode::Read, Mode::CopyOnWrite] {
        // SAFETY: the file is the target's own, and nobody writes it meanwhile.
        let mapped = unsafe { raw::map(file.path(), mode, &items) };
        match (&read, &mapped) {
            (Ok(read), Ok(mapped)) => {
                assert_eq!(
                    (read.shape(), read.strides(), read.dtype()),
                    (mapped.shape(), mapped.strides(), mapped.dtype())
                );
                assert_eq!(in_file_order(read), in_file_order(mapped));
                assert_eq!(in_file_order(read), &bytes[start.min(bytes.len())..][..read.nbytes()]);
            }
            (Err(read), Err(mapped)) => assert_eq!(read.to_string(), mapped.to_string()),
            (read, mapped) => panic!("{read:?} but {mapped:?}"),
        }
    }
});

fn in_file_order(view: &StridedView<'_>) -> Vec<u8> {
    let order = if view.is_c_contiguous() { Order::C } else { Order::F };
    view.to_bytes(order).expect("as many bytes as the file has")
}
