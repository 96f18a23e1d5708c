//! One strided copy: planned without a pointer, executed by kernels.
//!
//! This module knows pointers, layouts and item sizes. Whether to copy at all, and why, is decided in `convert`.

mod isa;
mod kernels;
mod plan;
#[allow(dead_code, reason = "the Arrow bridge still packs and fills item by item")]
pub(crate) mod validity;

pub(crate) use kernels::execute;
pub(crate) use plan::{Axis, CopyPlan, Kernel};
