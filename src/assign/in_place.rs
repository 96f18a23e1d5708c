//! Moving items one after the other, in an order that was found safe.
//!
//! The kernels of `copy` may read ahead and write in blocks; these must not.
//!
//! # Safety
//!
//! As in `copy::kernels`: every offset that the plan visits lies inside of memory that is readable (source) or writable (destination), by
//! *reach* of [`CopyPlan`](crate::copy::CopyPlan). The memories may be the same.
#![allow(unsafe_code)]

use smallvec::SmallVec;

use super::order::Order;
use crate::copy::{Axis, Item};

/// Moves one item of `size` bytes, and reverses each number of `swap` bytes in it.
type Move = unsafe fn(from: *const u8, to: *mut u8, size: usize, swap: usize);

/// Carries out the plan, item by item in its order. Each item is read whole before it is written.
///
/// # Safety
///
/// Every item of the source layout lies in initialised memory at `src`, every item of the destination layout in writable memory at `dst`,
/// and nobody else writes either meanwhile.
pub(super) unsafe fn walk(order: &Order, src: *const u8, dst: *mut u8) {
    let Item::Bytes { size, swap } = order.plan.item else {
        return;
    };
    let item: Move = match (size, swap) {
        (1, _) => moved::<1>,
        (2, 1) => moved::<2>,
        (4, 1) => moved::<4>,
        (8, 1) => moved::<8>,
        (16, 1) => moved::<16>,
        (_, 1) => run,
        _ => swapped,
    };
    let row: Axis = order.plan.row();
    order.plan.for_each_row(|s, d| {
        let (mut from, mut to) = (src.wrapping_add(s), dst.wrapping_add(d));
        for _ in 0..row.len {
            // SAFETY: *reach*, and the caller's promise.
            unsafe { item(from, to, size, swap) };
            from = from.wrapping_offset(row.src);
            to = to.wrapping_offset(row.dst);
        }
    });
}

/// Adjacent bytes, which may overlap themselves.
unsafe fn run(from: *const u8, to: *mut u8, size: usize, _: usize) {
    // SAFETY: *reach*.
    unsafe { to.copy_from(from, size) };
}

unsafe fn moved<const N: usize>(from: *const u8, to: *mut u8, _: usize, _: usize) {
    // SAFETY: *reach*.
    let item = unsafe { from.cast::<[u8; N]>().read() };
    // SAFETY: *reach*.
    unsafe { to.cast::<[u8; N]>().write(item) };
}

unsafe fn swapped(from: *const u8, to: *mut u8, size: usize, swap: usize) {
    let mut item: SmallVec<[u8; 32]> = SmallVec::from_elem(0, size);
    // SAFETY: *reach*; `item` is memory of its own.
    unsafe { item.as_mut_ptr().copy_from_nonoverlapping(from, size) };
    item.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
    // SAFETY: as above.
    unsafe { to.copy_from_nonoverlapping(item.as_ptr(), size) };
}
