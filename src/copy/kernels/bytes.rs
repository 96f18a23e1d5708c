//! Rows of whole bytes: runs, items, byte-swapped numbers.
//!
//! # Safety
//!
//! As the module above: every offset of the row lies inside of its memory (*reach*).
#![allow(unsafe_code)]

use super::super::plan::Axis;

/// Moves one row: `row.len` things of `size` bytes, the first at `src + s` and `dst + d`.
pub(super) type RowKernel = unsafe fn(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, size: usize);

/// Calls `visit` with the addresses of each step of a row. Wrapping, because offsets are unsigned and strides are not; the addresses
/// themselves lie in their memories.
#[inline(always)]
fn steps(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, mut visit: impl FnMut(*const u8, *mut u8)) {
    let (mut from, mut to) = (src.wrapping_add(s), dst.wrapping_add(d));
    for _ in 0..row.len {
        visit(from, to);
        from = from.wrapping_offset(row.src);
        to = to.wrapping_offset(row.dst);
    }
}

/// Runs of `bytes` adjacent bytes.
///
/// # Safety
///
/// *reach*.
pub(super) unsafe fn runs(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, bytes: usize) {
    steps(src, dst, s, d, row, |from, to| {
        // SAFETY: *reach*.
        unsafe { to.copy_from_nonoverlapping(from, bytes) };
    });
}

/// The kernel for items of `size` bytes: loads and stores of the right width where there are such.
pub(super) fn items_kernel(size: usize) -> RowKernel {
    match size {
        1 => items::<1>,
        2 => items::<2>,
        4 => items::<4>,
        8 => items::<8>,
        16 => items::<16>,
        _ => runs,
    }
}

unsafe fn items<const N: usize>(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, _: usize) {
    steps(src, dst, s, d, row, |from, to| {
        // SAFETY: *reach*.
        let item = unsafe { from.cast::<[u8; N]>().read() };
        // SAFETY: *reach*.
        unsafe { to.cast::<[u8; N]>().write(item) };
    });
}

/// The kernel for numbers of `size` bytes, reversed.
pub(super) fn swap_kernel(size: usize) -> RowKernel {
    match size {
        2 => swap::<2>,
        4 => swap::<4>,
        8 => swap::<8>,
        16 => swap::<16>,
        _ => swap_any,
    }
}

unsafe fn swap<const N: usize>(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, _: usize) {
    steps(src, dst, s, d, row, |from, to| {
        // SAFETY: *reach*.
        let mut item = unsafe { from.cast::<[u8; N]>().read() };
        item.reverse();
        // SAFETY: *reach*.
        unsafe { to.cast::<[u8; N]>().write(item) };
    });
}

unsafe fn swap_any(src: *const u8, dst: *mut u8, s: usize, d: usize, row: Axis, size: usize) {
    steps(src, dst, s, d, row, |from, to| {
        for k in 0..size {
            // SAFETY: *reach*.
            let byte = unsafe { from.wrapping_add(size - 1 - k).read() };
            // SAFETY: *reach*.
            unsafe { to.wrapping_add(k).write(byte) };
        }
    });
}
