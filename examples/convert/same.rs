//! Whether two views show the same items, bit by bit.

use viewbridge::convert::{CopyPolicy, Packing, Requirements};
use viewbridge::{Error, Order, Slice, StridedView};

/// Items in one form: row-major, native, booleans in bytes.
const COMPARABLE: Requirements = Requirements::any("comparison")
    .contiguous(Order::C)
    .native()
    .packing(Packing::BoolBytes);

/// Bytes compared at once, so that the comparison of large views needs little memory.
const PIECE: usize = 8 << 20;

/// Whether shapes, types (but for byte order and packing) and all bits are equal.
pub(crate) fn same_items(a: &StridedView<'_>, b: &StridedView<'_>) -> Result<bool, Error> {
    if a.shape() != b.shape() {
        return Ok(false);
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

fn comparable<'a>(view: &StridedView<'a>) -> Result<StridedView<'a>, Error> {
    Ok(view.convert(&COMPARABLE, CopyPolicy::IfNeeded)?.value)
}
