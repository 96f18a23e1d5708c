//! What a layout says of itself, against the model.

use std::collections::HashSet;

use viewbridge::{DType, Disjointness, Kind, Layout, LayoutError, Order, Unit};

use super::model::Model;

/// Everything that a layout says of itself must follow from the offsets.
pub fn check(layout: &Layout, model: &Model) {
    assert_eq!(layout.shape(), model.shape);
    assert_eq!((layout.itemsize(), layout.unit()), (model.itemsize, model.unit));
    assert_eq!(layout.len(), model.offsets.len());
    assert_eq!(layout.is_empty(), model.offsets.is_empty());
    assert_eq!(layout.offsets().len(), model.offsets.len());
    let offsets: Vec<isize> = layout.offsets().map(|o| o as isize).collect();
    assert_eq!(offsets, model.offsets, "{layout:?}");

    let bits = if model.unit == Unit::Bit { 8 } else { 1 };
    assert_eq!(layout.nbytes(), (model.offsets.len() * model.itemsize).div_ceil(bits));
    if let (Some(&low), Some(&high)) = (model.offsets.iter().min(), model.offsets.iter().max()) {
        let (low, high) = (low as usize, high as usize + model.itemsize);
        assert_eq!(layout.span(), low..high);
        assert_eq!(layout.byte_span(), low / bits..high.div_ceil(bits));
        assert!(layout.check_within(high.div_ceil(bits)).is_ok());
        let short = layout.check_within(high.div_ceil(bits) - 1);
        assert!(matches!(short, Err(LayoutError::OutOfBounds { .. })));
    } else {
        assert!(layout.byte_span().is_empty());
        assert!(layout.check_within(0).is_ok());
    }

    for order in [Order::C, Order::F] {
        let sequence = model.in_order(order);
        let compact = |(k, &o): (usize, &isize)| o == sequence[0] + (k * model.itemsize) as isize;
        assert_eq!(
            layout.is_contiguous(order),
            sequence.iter().enumerate().all(compact),
            "{order} {layout:?}"
        );
    }

    let strides = model.strides();
    let whole = strides.iter().flatten().all(|s| s % model.itemsize as isize == 0);
    let elements = layout.element_strides();
    assert_eq!(elements.is_some(), whole, "{layout:?}");
    for (found, stride) in elements.iter().flatten().zip(&strides) {
        assert!(
            stride.is_none_or(|s| s == found * model.itemsize as isize),
            "{layout:?}"
        );
    }

    let mut seen = HashSet::new();
    let overlap = model
        .offsets
        .iter()
        .flat_map(|&o| o..o + model.itemsize as isize)
        .any(|unit| !seen.insert(unit));
    let disjoint = layout.disjointness() == Disjointness::Disjoint;
    assert!(!(overlap && disjoint), "{layout:?}");
    let permuted = layout.permute(&layout.axes_by_stride()).unwrap();
    if permuted.is_c_contiguous() {
        assert!(disjoint, "compact in some order, hence disjoint: {layout:?}");
    }
    check_equivalence(layout, model);
}

/// Strides that mean nothing are ignored, all others count.
pub fn check_equivalence(layout: &Layout, model: &Model) {
    let dtype = dtype_of(model);
    let strides: Vec<isize> = model.strides().iter().map(|s| s.unwrap_or(-77)).collect();
    let offset = model.offsets.first().map_or(3, |&o| o as usize);
    let twin = Layout::strided(&model.shape, &strides, offset, &dtype).unwrap();
    assert!(
        layout.is_equivalent(&twin) && twin.is_equivalent(layout),
        "{layout:?} {twin:?}"
    );
    assert_eq!(twin.offsets().collect::<Vec<_>>(), layout.offsets().collect::<Vec<_>>());
    if !model.offsets.is_empty() {
        let moved = Layout::strided(&model.shape, &strides, offset + 1, &dtype).unwrap();
        assert!(!layout.is_equivalent(&moved));
    }
    for axis in (0..strides.len()).filter(|&axis| model.strides()[axis].is_some()) {
        let mut other = strides.clone();
        other[axis] += 1;
        if let Ok(other) = Layout::strided(&model.shape, &other, offset, &dtype) {
            assert!(!layout.is_equivalent(&other));
        }
    }
}

pub fn dtype_of(model: &Model) -> DType {
    match (model.unit, model.itemsize) {
        (Unit::Byte, n) => DType::raw(n as u32),
        (Unit::Bit, 1) => DType::BIT,
        (Unit::Bit, n) => DType::new(Kind::Float4E2m1fn, n as u8),
    }
}
