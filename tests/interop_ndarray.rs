//! ndarray's arrays as views and views as its arrays: same items at the same addresses, or a reason.
#![cfg(feature = "ndarray")]
#![allow(missing_docs)]

use ndarray::{Array, Array2, ArrayD, ArrayView, Axis, IxDyn, ShapeBuilder, Slice as NdSlice, arr1, arr2, s};
use proptest::collection::vec;
use proptest::prelude::*;
use viewbridge::{
    Access, Complex, CopyPolicy, CopyReason, DType, Error, Layout, LayoutError, StridedView, StridedViewMut,
};

fn numbers(shape: &[usize]) -> ArrayD<i32> {
    let len = i32::try_from(shape.iter().product::<usize>()).unwrap();
    Array::from_shape_vec(IxDyn(shape), (0..len).collect()).unwrap()
}

/// A step, possibly backwards, that leaves something of most axes.
fn sliced(size: usize, start: usize, step: isize) -> NdSlice {
    NdSlice::new(isize::try_from(start.min(size)).unwrap(), None, step)
}

fn reordered(array: ArrayD<i32>, rotation: usize) -> ArrayD<i32> {
    let axes: Vec<usize> = (0..array.ndim())
        .map(|axis| (axis + rotation) % array.ndim().max(1))
        .collect();
    array.permuted_axes(axes)
}

/// The same items, seen by both, at the same addresses.
fn same(view: &StridedView<'_>, array: ArrayView<'_, i32, IxDyn>) {
    assert_eq!(view.shape(), array.shape());
    assert_eq!(view.to_vec::<i32>().unwrap(), array.iter().copied().collect::<Vec<_>>());
    let back = view.as_ndarray::<i32>().unwrap();
    assert_eq!(back, array);
    for (a, b) in back.iter().zip(array.iter()) {
        assert_eq!(std::ptr::from_ref(a), std::ptr::from_ref(b));
    }
}

proptest! {
    #[test]
    fn any_array_goes_there_and_back(
        shape in vec(0_usize..5, 0..5),
        cuts in vec((0_usize..3, prop_oneof![-3_isize..0, 1_isize..4]), 5),
        rotation in 0_usize..5,
    ) {
        let mut array = reordered(numbers(&shape), rotation);
        for (axis, &(start, step)) in (0..array.ndim()).zip(&cuts) {
            let slice = sliced(array.len_of(Axis(axis)), start, step);
            array.slice_axis_inplace(Axis(axis), slice);
        }
        same(&StridedView::try_from(array.view()).unwrap(), array.view());

        let shared = array.clone().into_shared();
        let view = StridedView::try_from(shared.clone()).unwrap();
        same(&view, shared.view());

        let expected: Vec<i32> = array.iter().map(|item| item * 2).collect();
        let mut exclusive = StridedViewMut::try_from(array.view_mut()).unwrap();
        exclusive.as_ndarray_mut::<i32>().unwrap().mapv_inplace(|item| item * 2);
        prop_assert_eq!(exclusive.as_view().to_vec::<i32>().unwrap(), expected.clone());
        prop_assert_eq!(array.iter().copied().collect::<Vec<_>>(), expected.clone());

        let (first, empty) = (array.as_ptr(), array.is_empty());
        let owned = StridedView::try_from(array).unwrap();
        prop_assert_eq!(owned.to_vec::<i32>().unwrap(), expected);
        prop_assert!(empty || owned.data_ptr() == first.cast());
    }

    /// Layouts that ndarray itself never makes.
    #[test]
    fn any_view_goes_out(
        shape in vec(0_usize..4, 0..5),
        strides in vec(-3_isize..4, 5),
    ) {
        let strides: Vec<isize> = strides[..shape.len()].iter().map(|stride| stride * 4).collect();
        let memory = StridedView::from_vec((0..100).collect::<Vec<i32>>());
        let view = memory.as_strided(&shape, &strides, 160).unwrap();
        let array = view.as_ndarray::<i32>().unwrap();
        prop_assert_eq!(array.shape(), view.shape());
        prop_assert_eq!(array.iter().copied().collect::<Vec<_>>(), view.to_vec::<i32>().unwrap());
        let copy = view.to_ndarray::<i32>(CopyPolicy::Always).unwrap();
        prop_assert_eq!(copy.value.view(), array);
        prop_assert_eq!(copy.report.bytes_copied(), view.nbytes());
    }

    #[test]
    fn any_exclusive_view_goes_out_or_says_why_not(
        shape in vec(0_usize..4, 0..4),
        strides in vec(-6_isize..7, 4),
    ) {
        let strides: Vec<isize> = strides[..shape.len()].iter().map(|stride| stride * 4).collect();
        let view = StridedView::from_vec(vec![0_i32; 100]).as_strided(&shape, &strides, 200).unwrap();
        let Ok(mut exclusive) = view.into_mut() else { return Ok(()); };
        match exclusive.as_ndarray_mut::<i32>() {
            Ok(mut array) => {
                array.fill(7);
                prop_assert!(exclusive.as_view().to_vec::<i32>().unwrap().iter().all(|&item| item == 7));
            }
            Err(error) => prop_assert!(matches!(error, Error::SelfOverlap { .. }), "{}", error),
        }
    }
}

#[test]
fn an_array_taken_over_may_be_written_by_its_last_view() {
    let array = arr2(&[[1, 2, 3], [4, 5, 6]]).slice_move(s![.., ..;-1]);
    let first = array.as_ptr();
    let view = StridedView::try_from(array).unwrap();
    assert_eq!((view.strides(), view.data_ptr()), (&[12, -4][..], first.cast()));
    let mut view = view.into_mut().unwrap();
    view.as_ndarray_mut::<i32>().unwrap()[[0, 0]] = 9;
    assert_eq!(view.as_view().to_vec::<i32>().unwrap(), [9, 2, 1, 6, 5, 4]);
}

#[test]
fn a_shared_array_is_counted() {
    let mut array = arr1(&[1.0_f64, 2.0]).into_shared();
    let view = StridedView::try_from(array.clone()).unwrap();
    assert_eq!(
        (view.access(), view.data_ptr()),
        (Access::Immutable, array.as_ptr().cast())
    );
    assert!(view.clone().into_mut().is_err());
    // ndarray copies before it writes what another holds.
    array[0] = 5.0;
    assert_eq!(view.to_vec::<f64>().unwrap(), [1.0, 2.0]);
}

#[test]
fn a_view_knows_its_items_only() {
    let array = arr1(&[1_u8, 2, 3, 4, 5]);
    let even = StridedView::try_from(array.slice(s![..;2])).unwrap();
    let error = even.as_strided(&[5], &[1], 0).unwrap_err();
    assert!(matches!(error, Error::Confined { .. }), "{error}");
    assert!(
        StridedView::try_from(array.view())
            .unwrap()
            .as_strided(&[2], &[3], 0)
            .is_ok()
    );
}

#[test]
fn what_ndarray_has_no_word_for_is_copied_with_all_reasons() {
    let bytes = StridedView::from_vec((0_u8..40).collect::<Vec<u8>>());
    let layout = Layout::strided(&[3], &[6], 1, &DType::I32).unwrap();
    let odd = StridedView::new(bytes.buffer().clone(), DType::I32.swapped(), layout).unwrap();
    let Err(Error::CopyForbidden { reasons, bytes, .. }) = odd.as_ndarray::<i32>() else {
        panic!("shared")
    };
    assert_eq!(bytes, 12);
    assert!(
        reasons
            .iter()
            .any(|reason| matches!(reason, CopyReason::ByteOrder { .. })),
        "{reasons:?}"
    );
    assert!(reasons.len() == 3, "{reasons:?}");
    let copied = odd.to_ndarray::<i32>(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(copied.report.reasons().cloned().collect::<Vec<_>>(), reasons);
    assert_eq!(copied.value, arr1(&[0x0102_0304, 0x0708_090a, 0x0d0e_0f10]).into_dyn());
}

#[test]
fn types_and_bits_are_checked() {
    let view = StridedView::from_vec(vec![0_u8, 1, 2]);
    assert!(matches!(view.as_ndarray::<i8>(), Err(Error::DTypeMismatch { .. })));
    let flags = view.view_as(DType::BOOL).unwrap();
    assert!(matches!(
        flags.as_ndarray::<bool>(),
        Err(Error::InvalidItem { position: 2, .. })
    ));
    assert!(flags.slice_axis(0, ..2).unwrap().as_ndarray::<bool>().is_ok());
    let complex = StridedView::from_vec(vec![Complex { re: 1.0_f32, im: 2.0 }]);
    assert_eq!(complex.as_ndarray::<Complex<f32>>().unwrap()[[0]].im, 2.0);
}

#[test]
fn shared_memory_is_copied() {
    let shared = StridedView::from_vec(vec![1, 2, 3]).into_mut().unwrap().share();
    let Err(Error::CopyForbidden { reasons, .. }) = shared.as_ndarray::<i32>() else {
        panic!("a safe reference to memory that others write")
    };
    assert!(matches!(reasons[..], [CopyReason::NotImmutable { .. }]), "{reasons:?}");
    assert_eq!(
        shared.to_ndarray::<i32>(CopyPolicy::IfNeeded).unwrap().value,
        arr1(&[1, 2, 3]).into_dyn()
    );
}

#[test]
fn overlapping_items_may_be_read_and_interleaved_ones_not_written() {
    let windows = StridedView::from_vec((0..6).collect::<Vec<i32>>())
        .sliding_windows(&[(0, 3)])
        .unwrap();
    assert_eq!(windows.as_ndarray::<i32>().unwrap().shape(), [4, 3]);
    // Apart, though neither axis steps over the other: 0, 2, 4 and 3, 5, 7.
    let interleaved = StridedView::from_vec(vec![0_i32; 8])
        .as_strided(&[2, 3], &[12, 8], 0)
        .unwrap();
    let mut interleaved = interleaved.into_mut().unwrap();
    let error = interleaved.as_ndarray_mut::<i32>().unwrap_err();
    assert!(
        matches!(
            error,
            Error::SelfOverlap {
                axis: 0,
                stride: 12,
                expected: 20
            }
        ),
        "{error}"
    );
}

#[test]
fn more_axes_than_a_view_has_are_an_error() {
    let array = ArrayD::<u8>::zeros(IxDyn(&[1; 65]));
    let error = StridedView::try_from(array.view()).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::RankTooHigh { ndim: 65 })),
        "{error}"
    );
    assert!(StridedView::try_from(array).is_err());
    let array = ArrayD::<u8>::zeros(IxDyn(&[1; 64]));
    assert_eq!(
        StridedView::try_from(array.view())
            .unwrap()
            .as_ndarray::<u8>()
            .unwrap()
            .ndim(),
        64
    );
}

#[test]
fn column_major_arrays_and_empty_ones() {
    let columns = Array2::<f32>::zeros((3, 2).f());
    let view = StridedView::try_from(columns.view()).unwrap();
    assert!(view.is_f_contiguous());
    let empty = Array2::<f32>::zeros((3, 0));
    let view = StridedView::try_from(empty.view()).unwrap();
    assert_eq!(view.as_ndarray::<f32>().unwrap().shape(), [3, 0]);
    assert_eq!(StridedView::try_from(empty).unwrap().shape(), [3, 0]);
}
