//! Copies by several threads: the same bytes as by one, whatever the layout.
#![cfg(feature = "rayon")]
#![allow(missing_docs)]

use std::mem::MaybeUninit;

use rayon::{ThreadPool, ThreadPoolBuilder};
use viewbridge::convert::Packing;
use viewbridge::{CopyPolicy, DType, Layout, Order, Requirements, Slice, StridedView, StridedViewMut};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

const C: Requirements = Requirements::any("row-major").contiguous(Order::C);
const F: Requirements = Requirements::any("column-major").contiguous(Order::F);
const BOOLS: Requirements = Requirements::any("bytes")
    .contiguous(Order::C)
    .packing(Packing::BoolBytes);

/// Copies of a little more than 8 MiB, which go through every kind of kernel.
fn copies() -> Vec<(&'static str, StridedView<'static>, Requirements)> {
    let bytes: Vec<u8> = (0..18_u32 << 20)
        .map(|k| k.wrapping_mul(0x9e37_79b9).to_le_bytes()[3])
        .collect();
    let memory = StridedView::from_vec(bytes);
    let of = |dtype: DType, shape: &[usize]| {
        let layout = Layout::contiguous(shape, &dtype, Order::C).unwrap();
        StridedView::new(memory.buffer().clone(), dtype, layout).unwrap()
    };
    let bits = |shape: &[usize], strides: &[isize], offset| {
        let layout = Layout::strided(shape, strides, offset, &DType::BIT).unwrap();
        StridedView::new(memory.buffer().clone(), DType::BIT, layout).unwrap()
    };
    let numbers = of(DType::F32, &[1433, 1501]);
    vec![
        ("contiguous", of(DType::U8, &[9_345_677]), C),
        ("matrix, transposed", numbers.clone(), F),
        ("rows", numbers.slice_axis(1, 1..1500).unwrap(), C),
        (
            "every second",
            of(DType::F64, &[2_200_001])
                .slice_axis(0, Slice::ALL.step_by(2))
                .unwrap(),
            C,
        ),
        ("reversed", of(DType::U16, &[5_000_001]).flip(0).unwrap(), C),
        ("few long rows", of(DType::F32, &[800_003, 3]), F),
        (
            "channels",
            of(DType::U8, &[3, 1000, 1001, 3]).permute(&[0, 3, 1, 2]).unwrap(),
            C,
        ),
        ("many short axes", of(DType::F64, &[2; 21]), F),
        (
            "broadcast",
            of(DType::F64, &[3]).broadcast_to(&[400_001, 3]).unwrap(),
            C,
        ),
        ("odd items", of(DType::raw(11), &[900, 1100]), F),
        ("bits", bits(&[70_000_007], &[1], 3), C),
        ("bits in rows", bits(&[9001, 8001], &[11_003, 1], 5), C),
        ("bits as bytes", bits(&[9_000_007], &[1], 3), BOOLS),
        ("bits in columns as bytes", bits(&[1800, 5003], &[1, 1803], 5), BOOLS),
    ]
}

#[test]
fn several_threads_copy_what_one_does() {
    let (one, two, five) = (pool(1), pool(2), pool(5));
    for (name, view, wanted) in copies() {
        let copy = || view.convert(&wanted, CopyPolicy::Always).unwrap().value;
        let expected = bytes_of(&one.install(copy));
        assert!(expected.len() > 8 << 20, "{name}");
        for threads in [&two, &five] {
            assert!(bytes_of(&threads.install(copy)) == expected, "{name}");
        }
    }
}

/// The bytes of a contiguous copy.
fn bytes_of(copy: &StridedView<'_>) -> Vec<u8> {
    pool(1).install(|| {
        let order = if copy.is_c_contiguous() { Order::C } else { Order::F };
        copy.to_bytes(order).unwrap()
    })
}

#[test]
fn byte_order_is_changed_by_several_threads() {
    let numbers: Vec<u64> = (0..3_000_001)
        .map(|k: u64| k.wrapping_mul(0x0102_0304_0506_0708))
        .collect();
    let view = StridedView::from_slice(&numbers).view_as(DType::U64.swapped()).unwrap();
    let mut memory = vec![MaybeUninit::uninit(); numbers.len()];
    let found = pool(3).install(|| view.copy_into_slice::<u64>(&mut memory).unwrap());
    assert!(
        found
            .iter()
            .zip(&numbers)
            .all(|(found, number)| *found == number.swap_bytes())
    );
}

#[test]
fn what_lies_between_the_items_of_a_destination_stays() {
    let (rows, columns) = (2003, 1501);
    let source: Vec<u32> = (1..).take(rows * columns).collect();
    let source = StridedView::from_slice(&source)
        .reshape(&[columns, rows])
        .unwrap()
        .transpose();
    let mut memory = vec![0_u32; rows * (columns + 3)];
    let destination = StridedViewMut::from_slice(&mut memory)
        .reshape(&[rows, columns + 3])
        .unwrap();
    let mut destination = destination.slice_axis(1, 1..=columns).unwrap().flip(0).unwrap();
    pool(4).install(|| source.copy_into(&mut destination)).unwrap();
    for (row, items) in memory.chunks(columns + 3).rev().enumerate() {
        assert_eq!((items[0], items[columns + 1], items[columns + 2]), (0, 0, 0));
        assert!(
            items[1..=columns]
                .iter()
                .zip(0_u32..)
                .all(|(item, k)| *item == k * 2003 + u32::try_from(row).unwrap() + 1)
        );
    }
}
