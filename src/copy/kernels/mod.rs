//! The loops that move bytes.
//!
//! # Safety
//!
//! The kernels trust the invariant *reach* of [`CopyPlan`] and the contract of [`execute`]: every offset that the plan visits lies inside
//! of memory that is readable (source) or writable (destination), and the two memories are disjoint.
#![allow(unsafe_code)]

mod bits;
mod bytes;

use super::plan::{CopyPlan, Kernel};

/// Carries out a plan.
///
/// `src` and `dst` point to the start of the two memories, from which the plan's offsets count.
///
/// # Safety
///
/// Every item of the source layout lies in initialised memory at `src`, every item of the destination layout in writable memory at
/// `dst`; for [`Kernel::Bits`] that memory is initialised. Nobody else writes either meanwhile, and no byte is in both.
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
        } => plan.for_each_row(|s, d| {
            // SAFETY: *reach*, and the caller's promise.
            unsafe { bits::row(src, dst, s, d, row, (from, to, truth)) };
        }),
    }
}
