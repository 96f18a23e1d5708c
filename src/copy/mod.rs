//! One strided copy: planned without a pointer, executed by kernels.
//!
//! This module knows pointers, layouts and item sizes. Whether to copy at all, and why, is decided in `convert`.

mod kernels;
mod plan;

pub(crate) use kernels::execute;
pub(crate) use plan::{CopyPlan, Kernel};
