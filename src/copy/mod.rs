//! One strided copy: planned without a pointer, executed by kernels.
//!
//! This module knows pointers, layouts and item sizes. Whether to copy at all, and why, is decided in `convert`.

mod axes;
mod classify;
mod describe;
mod engine;
mod isa;
mod kernels;
mod plain;
mod plan;
pub(crate) mod records;
mod sorted;
#[cfg_attr(
    not(feature = "arrow"),
    allow(dead_code, reason = "only Arrow has bitmaps of its own")
)]
pub(crate) mod validity;

pub use describe::{Kernel, use_instructions};
pub(crate) use kernels::{execute, execute_part, execute_plain, weave_columns};
pub(crate) use plain::Plain;
pub(crate) use plan::{Axis, CopyPlan, Item};

#[cfg(test)]
mod tests;
