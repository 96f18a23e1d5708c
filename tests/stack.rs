//! Views that become one along a new axis: the same items as those of a loop.
#![allow(missing_docs)]

use std::mem::MaybeUninit;

use viewbridge::{DType, Error, Layout, LayoutError, Logical, Order, StridedView, TimeUnit};

/// What `stack` should give: view by view, item by item.
fn expected(views: &[StridedView<'_>], axis: usize) -> Vec<u8> {
    let itemsize = views[0].dtype().itemsize();
    let outer: usize = views[0].shape()[..axis].iter().product();
    let inner: usize = views[0].shape()[axis..].iter().product::<usize>() * itemsize;
    let bytes: Vec<Vec<u8>> = views.iter().map(|view| view.to_bytes(Order::C).unwrap()).collect();
    (0..outer)
        .flat_map(|row| {
            bytes
                .iter()
                .flat_map(move |bytes| bytes[row * inner..(row + 1) * inner].to_vec())
        })
        .collect()
}

/// Columns of different layouts and the same items: contiguous, every second, reversed, a column of a matrix.
fn columns(count: usize, rows: usize, dtype: &DType) -> Vec<StridedView<'static>> {
    let itemsize = dtype.itemsize();
    (0..count)
        .map(|k| {
            let step = [1, 2, 7, 1][k % 4];
            let bytes = (0..rows * step * itemsize)
                .map(|b| (b.wrapping_mul(31) ^ k).to_le_bytes()[0])
                .collect::<Vec<u8>>();
            let memory = StridedView::from_vec(bytes);
            let stride = (step * itemsize).cast_signed();
            let column = Layout::strided(&[rows], &[stride], 0, dtype).unwrap();
            let column = StridedView::new(memory.buffer().clone(), dtype.clone(), column).unwrap();
            if k % 3 == 1 { column.flip(0).unwrap() } else { column }
        })
        .collect()
}

#[test]
fn columns_become_a_matrix() {
    for dtype in [
        DType::U8,
        DType::I16,
        DType::raw(3),
        DType::F32,
        DType::F64,
        DType::C128,
    ] {
        for count in [1, 2, 3, 16, 33] {
            for rows in [0, 1, 5, 1000, 9001] {
                let views = columns(count, rows, &dtype);
                let stacked = StridedView::stack(&views, 1).unwrap();
                assert_eq!(stacked.value.shape(), [rows, count]);
                assert_eq!(stacked.report.bytes_copied(), rows * count * dtype.itemsize());
                assert!(
                    stacked.value.to_bytes(Order::C).unwrap() == expected(&views, 1),
                    "{dtype} {count} {rows}"
                );
            }
        }
    }
}

#[test]
fn any_axis_can_be_the_new_one() {
    let numbers = StridedView::from_vec((0_u32..2 * 3 * 50 * 40).collect())
        .reshape(&[2, 3, 50, 40])
        .unwrap();
    let views: Vec<_> = (0..2)
        .map(|k| numbers.index_axis(0, k).unwrap().permute(&[2, 0, 1]).unwrap())
        .chain([numbers
            .index_axis(0, 0)
            .unwrap()
            .permute(&[2, 0, 1])
            .unwrap()
            .flip(2)
            .unwrap()])
        .collect();
    for axis in 0..=3 {
        let stacked = StridedView::stack(&views, axis).unwrap().value;
        assert_eq!(stacked.shape()[axis], 3);
        assert_eq!(
            stacked.to_bytes(Order::C).unwrap(),
            expected(&views, axis),
            "axis {axis}"
        );
        for (k, view) in (0..).zip(&views) {
            assert_eq!(
                stacked.index_axis(axis, k).unwrap().to_vec::<u32>().unwrap(),
                view.to_vec::<u32>().unwrap()
            );
        }
    }
}

#[test]
fn byte_order_and_packing_become_those_of_the_first() {
    let (a, b) = (
        StridedView::from_vec(vec![1_u16, 2]),
        StridedView::from_vec(vec![3_u16, 4]),
    );
    let swapped = StridedView::from_vec(vec![3_u16.swap_bytes(), 4_u16.swap_bytes()]);
    let swapped = swapped.view_as(DType::U16.swapped()).unwrap();
    let same = StridedView::stack(&[a.clone(), b], 1).unwrap().value;
    let mixed = StridedView::stack(&[a, swapped], 1).unwrap().value;
    assert_eq!(same.to_vec::<u16>().unwrap(), [1, 3, 2, 4]);
    assert_eq!(mixed.to_vec::<u16>().unwrap(), [1, 3, 2, 4]);
    let bits = |byte: u8| {
        let layout = Layout::contiguous(&[3], &DType::BIT, Order::C).unwrap();
        StridedView::new(StridedView::from_vec(vec![byte]).buffer().clone(), DType::BIT, layout).unwrap()
    };
    let stacked = StridedView::stack(&[bits(0b101), bits(0b011)], 1).unwrap().value;
    assert_eq!(
        stacked.to_vec::<bool>().unwrap(),
        [true, true, false, true, true, false]
    );
}

#[test]
fn memory_of_the_caller_is_filled_to_the_end_of_the_result() {
    let views = columns(5, 100, &DType::F32);
    let mut memory = vec![MaybeUninit::new(0xa5_u8); 2010];
    let stacked = StridedView::stack_into(&views, 1, &mut memory).unwrap().value;
    assert_eq!(stacked.to_bytes(Order::C).unwrap(), expected(&views, 1));
    let short = StridedView::stack_into(&views, 1, &mut memory[..1999]).unwrap_err();
    assert!(matches!(
        short,
        Error::TooShort {
            expected: 2000,
            found: 1999
        }
    ));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let a = StridedView::from_vec(vec![1_i64, 2]);
    assert!(matches!(StridedView::stack(&[], 0), Err(Error::NoViews)));
    let axis = StridedView::stack(std::slice::from_ref(&a), 2).unwrap_err();
    assert!(matches!(
        axis,
        Error::Layout(LayoutError::AxisOutOfRange { axis: 2, ndim: 2 })
    ));
    let long = StridedView::from_vec(vec![1_i64, 2, 3]);
    assert!(matches!(
        StridedView::stack(&[a.clone(), long], 0),
        Err(Error::ShapeMismatch { .. })
    ));
    let other = StridedView::from_vec(vec![1_u64, 2]);
    assert!(matches!(
        StridedView::stack(&[a.clone(), other], 0),
        Err(Error::DTypeMismatch { .. })
    ));
    let times = a.clone().with_logical(Logical::Duration { unit: TimeUnit::Second });
    let mixed = StridedView::stack(&[a, times.clone()], 0).unwrap_err();
    assert!(matches!(mixed, Error::ItemMismatch { .. }), "{mixed}");
    let both = StridedView::stack(&[times.clone(), times.clone()], 0).unwrap().value;
    assert_eq!(both.logical(), times.logical());
    let many = StridedView::from_vec(vec![1_u8])
        .broadcast_to(&[1 << 40, 1 << 20])
        .unwrap();
    assert!(matches!(StridedView::stack(&[many], 2), Err(Error::OutOfMemory { .. })));
}
