//! Any text as the description of a data type. What parses prints, in every form, as text that means the same, and gives views.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viewbridge::{Buffer, DType, ItemType, Layout, Order, StridedView};

/// Bytes of an item that is looked at in memory.
const SMALL: usize = 1 << 12;

fuzz_target!(|text: &str| {
    let item: ItemType = match text.parse() {
        Ok(item) => item,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    assert_eq!(item.to_string().parse().as_ref(), Ok(&item));
    if let Some(text) = item.to_numpy() {
        assert_eq!(text.parse().as_ref(), Ok(&item), "{text}");
    }
    let bytes = item.nbytes().unwrap_or(usize::MAX);
    if bytes <= SMALL && !item.dtype().is_packed() {
        let memory = Buffer::from_vec(vec![7_u8; 2 * bytes]);
        let raw = DType::raw(u32::try_from(bytes).expect("few bytes"));
        let layout = Layout::contiguous(&[2], &raw, Order::C).expect("a small layout");
        let view = StridedView::new(memory, raw, layout).expect("as many bytes");
        fields(&view.view_as_item(&item).unwrap_or(view));
    }
});

/// Every field is a view inside of the memory, and so is every field of that.
fn fields(view: &StridedView<'_>) {
    for field in view.dtype().fields() {
        let Ok(part) = view.field(field.name()) else { continue };
        assert!(part.layout().byte_span().end <= view.buffer().len());
        fields(&part);
    }
    if view.len() <= 64 {
        let bytes = view.to_bytes(Order::C).expect("few bytes");
        assert_eq!(bytes.len(), view.nbytes());
    }
}
