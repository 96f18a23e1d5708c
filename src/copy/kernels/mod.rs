//! The loops that move bytes.
//!
//! # Safety
//!
//! The kernels trust the invariant *reach* of [`CopyPlan`] and the contract of [`execute`]: every offset that the plan visits lies inside
//! of memory that is readable (source) or writable (destination), and the two memories are disjoint.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bitmap;
mod bits;
mod bytes;
mod portable;
mod simd;
mod table;

use std::mem::MaybeUninit;

use super::isa::{Isa, last_level_cache};
use super::plan::{Axis, CopyPlan, Kernel};
use super::validity::Bits;
use table::Table;

/// Whether a destination of `bytes` contiguous bytes should be written past the caches: it would push out half of what they hold, and come
/// back from memory once for nothing.
fn streams(bytes: usize) -> bool {
    bytes >= SMALLEST_STREAM && bytes >= last_level_cache() / 2
}

/// No cache is small enough for streaming less than this to pay.
const SMALLEST_STREAM: usize = 1 << 20;

/// As [`unpack`](super::validity::unpack), which has checked the lengths.
pub(super) fn unpack(isa: Isa, bits: Bits<'_>, bools: &mut [MaybeUninit<u8>]) {
    let ((from, bit), to, len) = (bits.parts(), bools.as_mut_ptr().cast(), bits.len().min(bools.len()));
    let (table, stream) = (Table::of(isa), streams(len));
    let kernel = table.unpack[usize::from(stream)];
    // SAFETY: *covered*; as many bytes as bits; *supported*.
    unsafe { kernel(from, bit, to, len) };
    table.finish(stream);
}

/// As [`pack`](super::validity::pack), which has checked the lengths.
pub(super) fn pack(isa: Isa, bools: &[u8], bitmap: &mut [MaybeUninit<u8>]) {
    // Bits of the last byte that stand for nothing.
    if let Some(last) = bitmap.last_mut() {
        last.write(0);
    }
    let (to, len) = (
        bitmap.as_mut_ptr().cast(),
        bools.len().min(bitmap.len().saturating_mul(8)),
    );
    // SAFETY: a byte for eight bits, the last of which is initialised; *supported*.
    unsafe { (Table::of(isa).pack)(bools.as_ptr(), to, 0, len) };
}

/// As [`fill_nulls`](super::validity::fill_nulls), which has checked the lengths.
pub(super) fn fill_nulls(isa: Isa, values: &[u8], validity: Bits<'_>, fill: &[u8], filled: &mut [MaybeUninit<u8>]) {
    let (from, to, len) = (values.as_ptr(), filled.as_mut_ptr().cast(), validity.len());
    let Some(index) = item_index(fill.len()) else {
        // SAFETY: *covered*; as many items as bits on both sides.
        return unsafe { bitmap::fill_any(from, validity.parts(), fill.as_ptr(), to, len, fill.len()) };
    };
    let mut line = [0; simd::LINE];
    line.chunks_exact_mut(fill.len())
        .for_each(|item| item.copy_from_slice(fill));
    let (table, stream) = (Table::of(isa), streams(filled.len()));
    let kernel = table.fill[index][usize::from(stream)];
    // SAFETY: *covered*; as many items as bits on both sides; a line of the item; *supported*.
    unsafe { kernel(from, validity.parts(), line.as_ptr(), to, len) };
    table.finish(stream);
}

/// Where kernels for items of `size` bytes are found in the table.
fn item_index(size: usize) -> Option<usize> {
    match size {
        1 => Some(0),
        2 => Some(1),
        4 => Some(2),
        8 => Some(3),
        16 => Some(4),
        _ => None,
    }
}

/// Carries out a plan.
///
/// `src` and `dst` point to the start of the two memories, from which the plan's offsets count.
///
/// # Safety
///
/// Every item of the source layout lies in initialised memory at `src`, every item of the destination layout in writable memory at
/// `dst`; if the kernel [`reads the destination`](Kernel::reads_destination), that memory is initialised. Nobody else writes either meanwhile, and no byte is in both.
pub(crate) unsafe fn execute(plan: &CopyPlan, src: *const u8, dst: *mut u8) {
    let row = plan.row();
    match plan.kernel {
        Kernel::Nothing => {}
        Kernel::Run { bytes } => plan.for_each_row(|s, d| {
            // SAFETY: *reach*, and the caller's promise.
            unsafe { bytes::runs(src, dst, s, d, row, bytes) };
        }),
        Kernel::Item { size } => {
            let items = bytes::items_kernel(size);
            plan.for_each_row(|s, d| {
                // SAFETY: *reach*, and the caller's promise.
                unsafe { items(src, dst, s, d, row, size) };
            });
        }
        Kernel::Swap { size } => {
            let swap = bytes::swap_kernel(size);
            plan.for_each_row(|s, d| {
                // SAFETY: *reach*, and the caller's promise.
                unsafe { swap(src, dst, s, d, row, size) };
            });
        }
        Kernel::Bits {
            src: from,
            dst: to,
            truth,
        } => {
            let table = Table::of(Isa::best());
            plan.for_each_row(|s, d| {
                // SAFETY: *reach*, and the caller's promise; *supported*.
                unsafe { bits_row(table, (src, s), (dst, d), row, (from, to, truth)) };
            });
        }
    }
}

/// One row of items that are counted in bits, by a kernel for bitmaps where the items are adjacent.
///
/// # Safety
///
/// As [`bits::row`]; *supported*.
unsafe fn bits_row(
    table: &Table,
    (src, s): (*const u8, usize),
    (dst, d): (*mut u8, usize),
    row: Axis,
    item: (usize, usize, bool),
) {
    match (item, row.src, row.dst) {
        // SAFETY: *reach*.
        ((1, 8, true), 1, 8) => unsafe { table.unpack[0](src, s, dst.wrapping_add(d / 8), row.len) },
        // SAFETY: *reach*.
        ((8, 1, true), 8, 1) => unsafe { (table.pack)(src.wrapping_add(s / 8), dst, d, row.len) },
        // SAFETY: *reach*.
        ((from, to, false), ..) if from == to && row.len == 1 => unsafe { bitmap::move_bits(src, s, dst, d, from) },
        // SAFETY: *reach*.
        _ => unsafe { bits::row(src, dst, s, d, row, item) },
    }
}
