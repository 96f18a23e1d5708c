//! Operations on axes of exclusive views: the layouts of the shared ones, to be written.
#![allow(missing_docs)]

use viewbridge::{Dim, Error, Order, Slice, StridedView, StridedViewMut, s};

type Shared = fn(&StridedView<'static>) -> Result<StridedView<'static>, Error>;
type Exclusive = fn(StridedViewMut<'static>) -> Result<StridedViewMut<'static>, Error>;

const OPERATIONS: &[(&str, Shared, Exclusive)] = &[
    ("index", |v| v.index(&s![..., ::-1, 0]), |v| v.index(&s![..., ::-1, 0])),
    ("index_axis", |v| v.index_axis(1, -1), |v| v.index_axis(1, -1)),
    (
        "slice_axis",
        |v| v.slice_axis(1, Slice::ALL.step_by(-2)),
        |v| v.slice_axis(1, Slice::ALL.step_by(-2)),
    ),
    ("insert_axis", |v| v.insert_axis(1), |v| v.insert_axis(1)),
    ("insert_axes", |v| v.insert_axes(&[0, 4]), |v| v.insert_axes(&[0, 4])),
    ("permute", |v| v.permute(&[2, 0, 1]), |v| v.permute(&[2, 0, 1])),
    ("transpose", |v| Ok(v.transpose()), |v| Ok(v.transpose())),
    ("swap_axes", |v| v.swap_axes(0, 1), |v| v.swap_axes(0, 1)),
    ("move_axis", |v| v.move_axis(0, 2), |v| v.move_axis(0, 2)),
    (
        "move_axes",
        |v| v.move_axes(&[0, 2], &[1, 0]),
        |v| v.move_axes(&[0, 2], &[1, 0]),
    ),
    ("flip", |v| v.flip(1), |v| v.flip(1)),
    ("flip_axes", |v| v.flip_axes(&[0, 1]), |v| v.flip_axes(&[0, 1])),
    ("flip_all", StridedView::flip_all, StridedViewMut::flip_all),
    ("rot90", |v| v.rot90(1, (0, 1)), |v| v.rot90(1, (0, 1))),
    ("diagonal", |v| v.diagonal(1, 0, 1), |v| v.diagonal(1, 0, 1)),
    ("squeeze", |v| Ok(v.squeeze()), |v| Ok(v.squeeze())),
    ("squeeze_axis", |v| v.squeeze_axis(2), |v| v.squeeze_axis(2)),
    ("squeeze_axes", |v| v.squeeze_axes(&[2]), |v| v.squeeze_axes(&[2])),
    ("reshape", |v| v.reshape(&[3, 2]), |v| v.reshape(&[3, 2])),
    (
        "reshape_with",
        |v| v.reshape_with(&[Dim::Rest], Order::C),
        |v| v.reshape_with(&[Dim::Rest], Order::C),
    ),
];

#[test]
fn exclusive_views_have_the_layouts_of_shared_ones() {
    for (name, shared, exclusive) in OPERATIONS {
        let items: Vec<u16> = (0..6).collect();
        let view = StridedView::from_vec(items.clone()).reshape(&[2, 3, 1]).unwrap();
        let expected = shared(&view).unwrap();
        let mut found = exclusive(StridedViewMut::from_vec(items).reshape(&[2, 3, 1]).unwrap()).unwrap();
        assert_eq!(found.layout(), expected.layout(), "{name}");
        found.fill(7_u16).unwrap();
        assert_eq!(
            found.freeze().to_vec::<u16>().unwrap(),
            vec![7; expected.len()],
            "{name}"
        );
    }
}

#[test]
fn a_refused_operation_changes_nothing() {
    let mut items = [1_u16, 2, 3, 4];
    let mut view = StridedViewMut::from_slice(&mut items);
    assert!(view.reborrow().swap_axes(0, 1).is_err());
    assert!(view.reborrow().diagonal(0, 0, 0).is_err());
    view.reborrow()
        .flip_all()
        .unwrap()
        .slice_axis(0, ..1)
        .unwrap()
        .fill(9_u16)
        .unwrap();
    assert_eq!(items, [1, 2, 3, 9]);
}
