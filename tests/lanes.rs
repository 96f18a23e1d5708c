//! Lanes of items as an axis, and an axis as lanes.
#![allow(missing_docs)]

use viewbridge::{Buffer, DType, DTypeFault, Error, Kind, Layout, LayoutError, Order, StridedView, Unit};

#[test]
fn lanes_come_and_go_in_any_layout() {
    let view = StridedView::from_vec((0..48_u16).collect())
        .reshape(&[4, 3, 4])
        .unwrap();
    let items = view.flip(0).unwrap().last_axis_as_lanes().unwrap();
    assert_eq!(
        (items.dtype(), items.strides()),
        (&DType::U16.with_lanes(4), &[-24, 8][..])
    );
    let back = items.transpose().lanes_as_axis().unwrap();
    assert_eq!((back.shape(), back.strides()), (&[3, 4, 4][..], &[8, -24, 2][..]));
    let one = view.lanes_as_axis().unwrap();
    assert_eq!(one.shape(), [4, 3, 4, 1]);
    assert_eq!(one.last_axis_as_lanes().unwrap().dtype(), &DType::U16);
}

#[test]
fn pairs_of_nibbles_are_a_byte() {
    let fp4 = DType::new(Kind::Float4E2m1fn, 4);
    let pairs = StridedView::from_vec(vec![0x21_u8, 0x43, 0x65])
        .view_as(fp4.clone().with_lanes(2))
        .unwrap();
    let nibbles = pairs.slice_axis(0, 1..).unwrap().lanes_as_axis().unwrap();
    assert_eq!((nibbles.layout().unit(), nibbles.layout().offset()), (Unit::Bit, 8));
    assert_eq!((nibbles.shape(), nibbles.strides()), (&[2, 2][..], &[8, 4][..]));
    let back = nibbles.last_axis_as_lanes().unwrap();
    assert_eq!(back.dtype(), pairs.dtype());
    assert_eq!(
        (back.layout().unit(), back.layout().offset(), back.strides()),
        (Unit::Byte, 1, &[1][..])
    );

    let row = Layout::strided(&[2], &[4], 4, &fp4).unwrap();
    let row = StridedView::new(Buffer::from_vec(vec![0_u8; 2]), fp4, row).unwrap();
    assert!(matches!(
        row.last_axis_as_lanes(),
        Err(Error::Layout(LayoutError::PackedItems { bits: 4 }))
    ));
}

#[test]
fn what_cannot_be_lanes_is_an_error() {
    let view = StridedView::from_vec(vec![0_f32; 6]).reshape(&[2, 3]).unwrap();
    assert!(matches!(
        view.transpose().last_axis_as_lanes(),
        Err(Error::Layout(LayoutError::ReinterpretStride {
            stride: 12,
            expected: 4
        }))
    ));
    let scalar = view.index_axis(0, 0).unwrap().index_axis(0, 0).unwrap();
    assert!(matches!(
        scalar.last_axis_as_lanes(),
        Err(Error::Layout(LayoutError::AxisOutOfRange { .. }))
    ));
    let lanes = view.last_axis_as_lanes().unwrap();
    assert!(matches!(
        lanes.last_axis_as_lanes(),
        Err(Error::DType(DTypeFault::NoLanes { items: 2, .. }))
    ));
    let none = view.slice_axis(1, 3..).unwrap();
    assert!(matches!(
        none.last_axis_as_lanes(),
        Err(Error::DType(DTypeFault::NoLanes { items: 0, .. }))
    ));
    let many = StridedView::from_vec(vec![0_u8; 65536]);
    assert!(matches!(
        many.last_axis_as_lanes(),
        Err(Error::DType(DTypeFault::NoLanes { items: 65536, .. }))
    ));
    let record = StridedView::from_vec(vec![0_u8; 6])
        .view_as("u1,i2".parse().unwrap())
        .unwrap();
    assert!(matches!(
        record.last_axis_as_lanes(),
        Err(Error::DType(DTypeFault::NoLanes { .. }))
    ));
    let deep = view.reshape(&[&[1; 62][..], &[2, 3]].concat()).unwrap();
    assert!(matches!(
        deep.lanes_as_axis(),
        Err(Error::Layout(LayoutError::RankTooHigh { ndim: 65 }))
    ));
    assert_eq!(view.to_bytes(Order::C).unwrap().len(), 24);
}
