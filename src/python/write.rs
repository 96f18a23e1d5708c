//! Writing, under NumPy's rules.
//!
//! # Safety
//!
//! Invariant *NumPy's rules*: whoever writes memory that Python shares keeps other threads away from it, as with NumPy; within this thread nothing
//! else runs during the call.
#![allow(unsafe_code)]

use pyo3::prelude::*;

use super::export::detached;
use crate::view::StridedView;

/// Overwrites the items of `target` with those of `source`, which is broadcast and may overlap it.
pub(super) fn assign(py: Python<'_>, target: &StridedView<'static>, source: &StridedView<'static>) -> PyResult<()> {
    // SAFETY: *NumPy's rules*.
    detached(py, target.nbytes(), || unsafe { target.assign_shared(source) })?;
    Ok(())
}
