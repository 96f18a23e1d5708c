//! Whether two views show the same items, bit by bit.

use viewbridge::convert::{CopyPolicy, Packing, Requirements};
use viewbridge::{DType, Error, Kind, Order, Slice, StridedView};

/// Items in one form: row-major, native, booleans in bytes.
const COMPARABLE: Requirements = Requirements::any("comparison")
    .contiguous(Order::C)
    .native()
    .packing(Packing::BoolBytes);

/// Bytes compared at once, so that the comparison of large views needs little memory.
const PIECE: usize = 8 << 20;

/// Whether shapes, types (but for byte order, packing, and the axis that Arrow gives to the bytes of opaque items) and all bits are equal.
pub(crate) fn same_items(a: &StridedView<'_>, b: &StridedView<'_>) -> Result<bool, Error> {
    if a.shape() != b.shape() {
        return same_opaque_items(a, b);
    }
    let longest = (0..a.ndim()).max_by_key(|&axis| a.shape()[axis]);
    match longest {
        Some(axis) if a.nbytes() > PIECE && a.shape()[axis] > 1 => {
            let middle = (a.shape()[axis] / 2).cast_signed();
            let same = |range: Slice| same_items(&a.slice_axis(axis, range)?, &b.slice_axis(axis, range)?);
            Ok(same(Slice::from(..middle))? && same(Slice::from(middle..))?)
        }
        _ => {
            let (a, b) = (comparable(a)?, comparable(b)?);
            Ok(a.dtype() == b.dtype() && a.to_bytes(Order::C)? == b.to_bytes(Order::C)?)
        }
    }
}

/// Whether one view shows opaque items of w bytes, and the other w bytes along a last axis of their own: what Arrow makes of them.
fn same_opaque_items(a: &StridedView<'_>, b: &StridedView<'_>) -> Result<bool, Error> {
    let (opaque, bytes) = if a.ndim() < b.ndim() { (a, b) } else { (b, a) };
    let width = bytes.shape().last().copied();
    if opaque.dtype().kind() != Kind::Raw || *bytes.dtype() != DType::U8 || width != Some(opaque.dtype().itemsize()) {
        return Ok(false);
    }
    let joined = bytes.view_as(opaque.dtype().clone())?.squeeze_axis(bytes.ndim() - 1)?;
    Ok(opaque.shape() == joined.shape() && same_items(opaque, &joined)?)
}

fn comparable<'a>(view: &StridedView<'a>) -> Result<StridedView<'a>, Error> {
    Ok(view.convert(&COMPARABLE, CopyPolicy::IfNeeded)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_items_equal_their_bytes() {
        let bytes = StridedView::from_vec((0..42_u8).collect()).reshape(&[2, 3, 7]).unwrap();
        let opaque = bytes.view_as(DType::raw(7)).unwrap().squeeze_axis(2).unwrap();
        assert!(same_items(&opaque, &bytes).unwrap());
        assert!(same_items(&bytes, &opaque).unwrap());
        assert!(!same_items(&opaque, &bytes.flip(0).unwrap()).unwrap());
        let narrower = bytes.slice_axis(2, ..6).unwrap();
        assert!(!same_items(&opaque, &narrower).unwrap());
        assert!(!same_items(&opaque.slice_axis(0, ..1).unwrap(), &bytes).unwrap());
    }
}
