//! What people read: printed views beside NumPy's, types that NumPy lacks, memory that may not be looked at.
#![allow(missing_docs)]
#![allow(
    unsafe_code,
    reason = "memory of devices, and memory that others may write, exist only behind raw pointers"
)]

use std::ptr::NonNull;

use half::f16;
use viewbridge::{
    Access, Buffer, Complex, DType, Device, Field, Kind, Layout, Logical, Order, Overlap, OwnerKind, Record,
    StridedView, StridedViewMut, TimeUnit,
};

/// Arrays as `tests/data/numpy_print.py` had NumPy print them.
const PRINTED: &str = include_str!("data/numpy_print.txt");

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The text without the line about the memory.
fn items(view: &StridedView<'_>) -> String {
    let text = view.to_string();
    text.rsplit_once('\n').unwrap().0.to_owned()
}

fn view(bytes: Vec<u8>, dtype: DType, shape: &[usize]) -> StridedView<'static> {
    let layout = Layout::contiguous(shape, &dtype, Order::C).unwrap();
    StridedView::new(Buffer::from_vec(bytes), dtype, layout).unwrap()
}

#[test]
fn numbers_print_as_in_numpy() {
    let mut cases = 0;
    let mut lines = PRINTED.lines().peekable();
    while let Some(line) = lines.next() {
        let [descr, shape, hex] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let shape: Vec<usize> = shape.split(',').filter_map(|dim| dim.parse().ok()).collect();
        let mut expected = Vec::new();
        while let Some(printed) = lines.next_if(|line| line.starts_with("    ")) {
            expected.push(&printed[4..]);
        }
        let view = view(bytes_of(hex), DType::from_numpy(descr).unwrap(), &shape);
        assert_eq!(items(&view), expected.join("\n"), "{descr} {shape:?}");
        cases += 1;
    }
    assert!(cases > 60, "{cases}");
}

#[test]
fn a_precision_bounds_the_digits_behind_the_point() {
    let view = StridedView::from_vec(vec![1.0_f64 / 3.0, 20.0]);
    assert!(format!("{view:.2}").starts_with("[ 0.33 20.  ]\n"));
    assert!(format!("{view:.0}").starts_with("[ 0. 20.]\n"));
}

#[test]
fn every_type_prints() {
    let raw = |bytes: &[u8], dtype: DType, items_: usize| items(&view(bytes.to_vec(), dtype, &[items_]));
    assert_eq!(items(&StridedView::from_slice(&[true, false])), "[ true false]");
    assert_eq!(raw(&[0b0101], DType::BIT, 3), "[ true false  true]");
    assert_eq!(raw(b"ab\0x\"\n", DType::bytes(3), 2), r#"[b"ab"    b"x\"\n"]"#);
    let text: Vec<u8> = "aé☃\0".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert_eq!(raw(&text, DType::text(2), 2), r#"["aé" "☃" ]"#);
    assert_eq!(raw(&[1, 0xff, 2, 3], DType::raw(2), 2), "[0x01ff 0x0203]");
    assert_eq!(
        raw(&[0; 20], DType::raw(20), 1),
        "[0x00000000000000000000000000000000...]"
    );
    assert_eq!(raw(&[0x2f, 0x80], DType::new(Kind::Int, 4), 4), "[-1  2  0 -8]");
    assert_eq!(raw(&[0xff; 16], DType::new(Kind::Int, 128), 1), "[-1]");
    assert_eq!(
        raw(&[1, 2, 3, 4, 5, 6], DType::U8.with_lanes(3), 2),
        "[<1, 2, 3> <4, 5, 6>]"
    );
    assert_eq!(raw(&[0x21], DType::new(Kind::Float4E2m1fn, 4), 2), "[0.5 1. ]");
    assert_eq!(
        raw(&[0x7f, 0x80, 0x81], DType::new(Kind::Float8E8m0fnu, 8), 3),
        "[1. 2. 4.]"
    );
    assert_eq!(raw(&[1, 2], DType::new(Kind::Other(99), 8), 2), "[0x01 0x02]");
    assert_eq!(items(&StridedView::from_slice(&[f16::from_f32(0.1)])), "[0.1]");
    let half = Complex {
        re: f16::from_f32(0.1),
        im: f16::from_f32(-2.0),
    };
    assert_eq!(items(&StridedView::from_slice(&[half])), "[0.1-2.j]");
    assert_eq!(
        items(&StridedView::from_slice(&[half]).index_axis(0, 0).unwrap()),
        "0.1-2.j"
    );
}

#[test]
fn times_and_decimals_print_as_what_they_mean() {
    let numbers = StridedView::from_slice(&[0_i64, 1_500, i64::MIN]);
    let meaning = |logical| items(&numbers.clone().with_logical(logical));
    let (unit, zone) = (TimeUnit::Millisecond, None);
    assert_eq!(
        meaning(Logical::Timestamp { unit, zone }),
        "[1970-01-01T00:00:00.000 1970-01-01T00:00:01.500                     NaT]"
    );
    assert_eq!(
        meaning(Logical::Duration { unit }),
        "[   0 milliseconds 1500 milliseconds               NaT]"
    );
    let days = StridedView::from_slice(&[19_782_i32]).with_logical(Logical::Date { unit: TimeUnit::Day });
    assert_eq!(items(&days), "[2024-02-29]");
    let decimal = Logical::Decimal { precision: 9, scale: 2 };
    let prices = StridedView::from_slice(&[5_i32, -12_345]).with_logical(decimal);
    assert_eq!(items(&prices), "[   0.05 -123.45]");
    assert!(prices.to_string().contains("int32 (decimals (9, 2)), shape (2,)"));
}

#[test]
fn records_print_field_by_field_in_columns() {
    let record = Record::packed([
        Field::new("id", DType::U8),
        Field::new("x", DType::I16.swapped()),
        Field::new("rgb", DType::U8).with_shape(&[3]),
        Field::new("name", DType::bytes(2)),
    ])
    .unwrap();
    let bytes = [1, 0, 5, 1, 2, 3, b'a', 0, 20, 0xff, 0xff, 10, 20, 30, b'b', b'c'];
    let view = view(bytes.to_vec(), record.into(), &[2]);
    assert_eq!(
        items(&view),
        "[( 1,  5, [ 1  2  3], b\"a\" ) (20, -1, [10 20 30], b\"bc\")]"
    );
}

#[test]
fn views_too_large_to_print_say_so() {
    // No axis is long enough to be elided, and no summary would end.
    let many = StridedView::from_slice(&[1_u8]).broadcast_to(&[6; 20]).unwrap();
    assert!(
        many.to_string()
            .starts_with("<3,656,158,440,062,976 items>\nuint8, shape (6, 6, ")
    );
    let long = StridedView::from_slice(&[1_u8]).broadcast_to(&[1 << 60]).unwrap();
    assert!(long.to_string().starts_with("[1 1 1 ... 1 1 1]\n"));
}

#[test]
fn memory_of_others_is_read_by_value_and_that_of_devices_not_at_all() {
    let foreign = |device, access| {
        let owner = vec![1_u8, 2, 3];
        let ptr = NonNull::from(owner.as_slice()).cast();
        // SAFETY: the vector keeps the bytes where they are, and nobody writes them.
        let buffer = unsafe { Buffer::from_raw_parts(ptr, 3, access, device, OwnerKind::Dlpack, owner) };
        StridedView::new(
            buffer,
            DType::U8,
            Layout::contiguous(&[3], &DType::U8, Order::C).unwrap(),
        )
        .unwrap()
    };
    assert_eq!(
        foreign(Device::CPU, Access::Shared).to_string(),
        "[1 2 3]\nuint8, shape (3,), strides (1,) bytes, DLPack memory (Shared)"
    );
    let cuda = Device {
        device_type: 2,
        device_id: 1,
    };
    assert_eq!(
        foreign(cuda, Access::ReadOnly).to_string(),
        "<3 items on cuda:1>\nuint8, shape (3,), strides (1,) bytes, DLPack memory (ReadOnly) on cuda:1"
    );
    assert!(
        foreign(cuda, Access::ReadOnly)
            .info()
            .to_string()
            .contains("device:        cuda:1")
    );
}

#[test]
fn exclusive_views_print_too() {
    let mut items = [1, 2];
    let view = StridedViewMut::from_slice(&mut items);
    assert_eq!(
        view.to_string(),
        "[1 2]\nint32, shape (2,), strides (4,) bytes, borrowed memory (exclusive)"
    );
    let view = StridedViewMut::from_vec(vec![1_u8]);
    assert!(view.to_string().ends_with("heap memory (exclusive)"));
    assert!(
        view.info().exclusive
            && view
                .info()
                .to_string()
                .contains("writeable:     true (exclusive)\nowner:         heap")
    );
}

#[test]
fn info_knows_what_overlaps_itself() {
    let windows = StridedView::from_vec(vec![0_u8; 5]).sliding_windows(&[(0, 3)]).unwrap();
    assert_eq!(windows.info().self_overlap, Overlap::Shared);
    assert!(windows.info().to_string().contains("self-overlap:  true"));
    let info = StridedView::from_vec(vec![0_u8; 5]).slice_axis(0, 1..3).unwrap().info();
    assert_eq!(
        (info.self_overlap, info.memory_bytes, info.byte_span),
        (Overlap::Disjoint, 5, 1..3)
    );
}
