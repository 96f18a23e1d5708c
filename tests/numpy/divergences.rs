//! Where the crate differs from NumPy on purpose. Each difference is a test of its own; a last one holds NumPy to its part.

use viewbridge::{
    Access, Buffer, DType, DTypeFault, Error, Layout, LayoutError, Order, Overlap, Slice, StridedView, StridedViewMut,
    s,
};

use super::python::Oracle;

fn doubles(n: usize) -> StridedView<'static> {
    StridedView::from_vec(vec![0.0_f64; n])
}

fn layout_error(result: Result<StridedView<'_>, Error>) -> LayoutError {
    match result {
        Err(Error::Layout(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// NumPy's wraps.
#[test]
fn a_step_that_overflows_the_stride_of_one_item_leaves_it() {
    let wide = Layout::strided(&[2], &[1 << 62], 0, &DType::U8).unwrap();
    let one = wide.slice_axis(0, Slice::ALL.step_by(4)).unwrap();
    assert_eq!((one.shape(), one.strides()), (&[1][..], &[1 << 62][..]));
}

/// NumPy's wraps here, too.
#[test]
fn a_step_that_overflows_a_stride_without_items_is_an_error() {
    let wide = Layout::strided(&[9, 0], &[1 << 62, 1], 0, &DType::U8).unwrap();
    let error = wide.slice_axis(0, Slice::ALL.step_by(4)).unwrap_err();
    let expected = LayoutError::StrideOverflow {
        axis: 0,
        stride: 1 << 62,
        factor: 4,
    };
    assert_eq!(error, expected);
}

#[test]
fn no_item_lies_before_the_memory() {
    let a = StridedView::from_vec(vec![0_u8; 4]);
    let expected = LayoutError::OutOfBounds {
        lowest: -1,
        highest: 0,
        available: 4,
    };
    assert_eq!(layout_error(a.as_strided(&[1], &[1], -1)), expected);
    assert!(a.as_strided(&[1], &[1], 3).is_ok());
    assert!(a.as_strided(&[1], &[1], 4).is_err());
}

#[test]
fn spans_do_not_wrap() {
    let a = StridedView::from_vec(vec![0_u8; 4]);
    let error = layout_error(a.as_strided(&[5], &[1 << 62], 0));
    assert!(matches!(error, LayoutError::OutOfBounds { highest, .. } if highest > 1 << 62));
}

#[test]
fn as_strided_is_exact_to_the_byte_and_knows_the_whole_memory() {
    let all = StridedView::from_vec((0..16_u8).collect());
    let words = all.slice_axis(0, 4..12).unwrap().view_as(DType::U16).unwrap();
    let reach = |shape: &[usize], strides: &[isize], offset| words.as_strided(shape, strides, offset);
    // Bytes 0..16 are there, whatever of them the view shows.
    assert_eq!(reach(&[8], &[2], -4).unwrap().len(), 8);
    assert!(reach(&[8], &[2], -3).is_err());
    assert!(reach(&[8], &[2], -5).is_err());
    assert!(reach(&[2, 2], &[9, 5], -4).is_ok());
    assert!(reach(&[2, 2], &[10, 5], -4).is_err());
    assert!(reach(&[3], &[-2], 0).is_ok());
    assert!(reach(&[3], &[-3], 0).is_err());
    // Nothing is reached without items.
    assert!(reach(&[0, 9], &[999, 1 << 60], 11).is_ok());
}

#[test]
fn items_that_overlap_are_read_only() {
    let mut bytes = [0_u8; 8];
    let shared = StridedViewMut::from_slice(&mut bytes).share();
    let access = |shape: &[usize], strides: &[isize]| shared.as_strided(shape, strides, 0).unwrap().access();
    assert_eq!(access(&[2, 3], &[3, 1]), Access::Shared);
    assert_eq!(access(&[2, 3], &[2, 1]), Access::ReadOnly);
    // Braided, and apart.
    assert_eq!(access(&[3, 2], &[2, 3]), Access::Shared);
}

#[test]
fn read_only_is_for_ever() {
    let mut items = [0.0_f64; 9];
    let a = StridedViewMut::from_slice(&mut items).reshape(&[3, 3]).unwrap().share();
    assert_eq!(a.access(), Access::Shared);
    let repeated = [
        a.broadcast_to(&[2, 3, 3]).unwrap(),
        a.broadcast_to(&[3, 3]).unwrap(),
        a.sliding_windows(&[(0, 2)]).unwrap(),
        a.diagonal(0, 0, 1).unwrap(),
        StridedView::broadcast_together(&[&a]).unwrap().remove(0),
    ];
    for view in repeated {
        let every_operation = [
            view.index(&s![..., ::1]),
            view.index_axis(0, 0),
            view.slice_axis(0, 1..),
            Ok(view.transpose()),
            view.swap_axes(0, 0),
            view.move_axis(0, 0),
            view.flip(0),
            view.flip_all(),
            view.insert_axis(0),
            Ok(view.squeeze()),
            view.reshape_with(&[viewbridge::Dim::Rest], Order::C),
            view.as_strided(&[2], &[8], 0),
            view.view_as(DType::I64),
            view.view_as(DType::C128),
            view.split(0, 1).map(|mut parts| parts.next().unwrap()),
            view.chunks(0, 2).map(|mut parts| parts.next().unwrap()),
            view.axis_iter(0).map(|mut parts| parts.next().unwrap()),
            view.broadcast_to(&[1, 1, 1, 1]),
            view.sliding_windows(&[(0, 1)]),
            view.real(),
            Ok(view.clone()),
            Ok(view.clone().into_storage()),
        ];
        for result in every_operation.into_iter().flatten() {
            assert_eq!(result.access(), Access::ReadOnly, "{result:?}");
        }
        assert!(matches!(view.into_mut(), Err((_, Error::ReadOnly { .. }))));
    }
}

#[test]
fn bytes_decide_overlap_and_a_scalar_is_an_item() {
    let x = doubles(10);
    let even = x.index(&s![::2]).unwrap();
    let halves = x.view_as(DType::F32).unwrap().index(&s![1::4]).unwrap();
    assert_eq!(even.shares_memory(&halves, 1), Overlap::Shared);
    let scalar = x.index(&s![4]).unwrap();
    assert_eq!((scalar.ndim(), scalar.shares_memory(&even, 1)), (0, Overlap::Shared));
    assert_eq!(x.index(&s![5]).unwrap().shares_memory(&even, 1), Overlap::Disjoint);
}

#[test]
fn new_axes_have_stride_zero() {
    assert_eq!(doubles(3).insert_axes(&[0]).unwrap().strides(), [0, 8]);
}

#[test]
fn broadcasting_together_gives_every_axis_of_one_item_stride_zero() {
    let row = doubles(3).reshape(&[1, 3]).unwrap();
    let together = StridedView::broadcast_together(&[&row, &doubles(3)]).unwrap();
    assert_eq!(together[0].strides(), [0, 8]);
}

#[test]
fn no_imaginary_zeroes_are_made_up() {
    let error = doubles(3).imag().unwrap_err();
    assert!(matches!(error, Error::DType(DTypeFault::NoComplex { .. })));
}

#[test]
fn an_axis_that_is_not_there_cannot_be_squeezed() {
    let scalar = doubles(1).reshape(&[]).unwrap();
    let expected = LayoutError::AxisOutOfRange { axis: 0, ndim: 0 };
    assert_eq!(layout_error(scalar.squeeze_axis(0)), expected);
}

#[test]
fn an_index_that_leaves_no_axis_is_a_view() {
    let a = doubles(3);
    let item = a.index(&s![1]).unwrap();
    assert!(item.shape().is_empty());
    assert!(item.buffer().same_owner(a.buffer()));
}

#[test]
fn sizes_are_checked_with_empty_axes_counted_as_one() {
    // Here NumPy agrees.
    let memory = Buffer::from_vec(vec![0_u8; 8]);
    let error = Layout::strided(&[0, 1 << 62, 8], &[0; 3], 0, &DType::U8).unwrap_err();
    assert!(matches!(error, LayoutError::SizeOverflow { .. }));
    let empty = Layout::strided(&[0, 1 << 60], &[0; 2], 0, &DType::U8).unwrap();
    assert!(StridedView::new(memory, DType::U8, empty).is_ok());
}

/// Were one of these to change, NumPy would have closed the hole, or the crate would have to follow.
#[test]
fn numpy_does_what_the_crate_does_not() {
    let Some(mut oracle) = Oracle::start() else { return };
    let facts = [
        ("step", "0"),
        ("negative offset", "-1"),
        ("wrapped span", "4611686018427387904"),
        ("as_strided", "True"),
        ("writable again", "True"),
        ("assignment", "1,2,3,3,5"),
        ("expand_dims", "24,8"),
        ("broadcast_arrays", "24,8"),
        ("imaginary", "False"),
        ("squeeze of nothing", "0"),
        ("scalar", "False"),
    ];
    for (name, expected) in facts {
        oracle.ask(&format!("?{name}"));
        assert_eq!(oracle.answer(), expected, "{name}");
    }
}
