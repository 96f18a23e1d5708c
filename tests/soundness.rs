//! Safe code that tried to break memory safety, and must not.
//!
//! Each test is a counterexample that once worked, or one that a reader of the unsafe code would try first.
#![allow(missing_docs)]

use viewbridge::convert::Packing;
use viewbridge::{CopyPolicy, DType, Error, Kind, Order, Requirements, StridedView, StridedViewMut};

fn bytes_of(view: &StridedView<'_>) -> Vec<u8> {
    view.to_bytes(Order::C).unwrap()
}

#[test]
fn borrowed_bools_cannot_be_written_as_other_types() {
    let mut flags = [false; 4];
    let error = StridedViewMut::from_slice(&mut flags).view_as(DType::U8).unwrap_err();
    assert!(matches!(error, Error::DTypeMismatch { .. }), "{error}");
    // Lanes are another type too, and the way back from them would be unguarded.
    let lanes = DType::BOOL.with_lanes(4);
    assert!(StridedViewMut::from_slice(&mut flags).view_as(lanes).is_err());
    assert!(StridedViewMut::from_slice(&mut flags).view_as(DType::BOOL).is_ok());
}

#[test]
fn copies_bring_no_invalid_bool_into_borrowed_bools() {
    let mut flags = [false; 3];
    let source = StridedView::from_vec(vec![1_u8, 2, 0]).view_as(DType::BOOL).unwrap();
    let error = source
        .copy_into(&mut StridedViewMut::from_slice(&mut flags))
        .unwrap_err();
    assert!(matches!(error, Error::InvalidItem { position: 1, .. }), "{error}");
    assert_eq!(flags, [false; 3]);

    let valid = StridedView::from_vec(vec![1_u8, 1, 0]).view_as(DType::BOOL).unwrap();
    valid.copy_into(&mut StridedViewMut::from_slice(&mut flags)).unwrap();
    assert_eq!(flags, [true, true, false]);
}

/// Types that no bridge makes, but that `DType::new` can: byte order is for numbers that fill their items.
#[test]
fn odd_types_have_no_byte_order_to_swap() {
    for (kind, bits, lanes) in [
        (Kind::Text, 8, 1),
        (Kind::Text, 40, 1),
        (Kind::Text, 4, 2),
        (Kind::Complex, 33, 8),
        (Kind::Bcomplex, 40, 1),
        (Kind::Complex, 65, 8),
        (Kind::Float, 24, 1),
    ] {
        let dtype = DType::new(kind, bits).with_lanes(lanes);
        assert_eq!(dtype.clone().swapped(), dtype, "{dtype}");
        let items: Vec<u8> = (0..=255).collect();
        let whole = items.len() / dtype.itemsize() * dtype.itemsize();
        let view = StridedView::from_slice(&items[..whole])
            .view_as(dtype.swapped())
            .unwrap();
        let copy = view
            .convert(&Requirements::any("native").native(), CopyPolicy::Always)
            .unwrap();
        assert_eq!(bytes_of(&copy.value), items[..whole], "{}", view.dtype());
    }
}

/// Every byte of a copy is written, whatever is done to the lanes.
#[test]
fn padded_bits_in_lanes_become_bytes() {
    let items = [1_u8, 0, 3, 0x80, 0, 1, 0, 0];
    let padded = DType::BIT.padded().with_lanes(4);
    let view = StridedView::from_slice(&items).view_as(padded).unwrap();
    let wanted = Requirements::any("bools").packing(Packing::Bytes);
    for policy in [CopyPolicy::IfNeeded, CopyPolicy::Always] {
        let copy = view.convert(&wanted, policy).unwrap();
        assert_eq!(copy.value.dtype(), &DType::BOOL.with_lanes(4));
        assert_eq!(bytes_of(&copy.value), [1, 0, 1, 1, 0, 1, 0, 0]);
    }
}

#[test]
fn truth_looks_at_all_bits() {
    let wide = DType::new(Kind::Bool, 16);
    let view = StridedView::from_slice(&[0_u8, 1, 0, 0, 1, 0, 0, 0x80])
        .view_as(wide.clone())
        .unwrap();
    let mut flags = [false; 4];
    view.copy_into(&mut StridedViewMut::from_slice(&mut flags)).unwrap();
    assert_eq!(flags, [true, false, true, true]);

    let mut bytes = [9_u8; 8];
    let mut back = StridedViewMut::from_slice(&mut bytes).view_as(wide).unwrap();
    StridedView::from_slice(&flags).copy_into(&mut back).unwrap();
    assert_eq!(bytes, [1, 0, 0, 0, 1, 0, 1, 0]);
}

/// Items without bits fill items with bits: with zeroes, not with what was there.
#[test]
fn nothing_becomes_false() {
    let nothing = DType::new(Kind::Bool, 0);
    let layout = viewbridge::Layout::strided(&[3], &[0], 0, &nothing).unwrap();
    let view = StridedView::new(viewbridge::Buffer::from_slice(&[0_u8]), nothing, layout).unwrap();
    let mut flags = [true; 3];
    view.copy_into(&mut StridedViewMut::from_slice(&mut flags)).unwrap();
    assert_eq!(flags, [false; 3]);
}

/// Eight one-bit lanes are one byte; as booleans they are eight. A broadcast makes that more than an address space.
#[test]
fn copies_beyond_the_address_space_are_refused_and_do_not_panic() {
    let bits = DType::BIT.with_lanes(8);
    let view = StridedView::from_slice(&[0b101_u8]).view_as(bits).unwrap();
    let bools = Requirements::any("bools").packing(Packing::BoolBytes);
    let copy = view.convert(&bools, CopyPolicy::IfNeeded).unwrap();
    assert_eq!(bytes_of(&copy.value), [1, 0, 1, 0, 0, 0, 0, 0]);

    let giant = view.broadcast_to(&[1 << 62]).unwrap();
    assert!(giant.plan(&bools).refusal().is_some());
    assert!(matches!(
        giant.convert(&bools, CopyPolicy::IfNeeded),
        Err(Error::Refused { .. })
    ));
    assert!(matches!(giant.to_vec::<u8>(), Err(Error::Refused { .. })));
}

#[test]
fn a_part_of_a_split_view_sees_no_memory_between_its_items() {
    let mut items = [0_u8; 6];
    let matrix = StridedViewMut::from_slice(&mut items).reshape(&[2, 3]).unwrap();
    let (left, mut right) = matrix.split_at(1, 1).unwrap();
    let seen = left.as_view();
    let turned = seen.as_borrowed().transpose();
    for view in [&seen, &turned] {
        let error = view.as_strided(&[6], &[1], 0).unwrap_err();
        assert!(matches!(error, Error::Confined { .. }), "{error}");
    }
    right.fill(1_u8).unwrap();
    assert!(left.freeze().as_strided(&[2], &[1], 0).is_err());
}
