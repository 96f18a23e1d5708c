//! Python, for authors of extension modules: [`PyView`] takes any array as an argument, and any library takes it as a result.
//!
//! ```no_run
//! use pyo3::prelude::*;
//! use viewbridge::python::PyView;
//!
//! /// The rows of any two-dimensional array, back to front: a NumPy array, a tensor, an Arrow array … No byte is copied.
//! #[pyfunction]
//! fn reverse_rows(array: PyView) -> PyResult<PyView> {
//!     Ok(PyView::new(array.view().flip(0)?))
//! }
//! ```
//!
//! # The way in
//!
//! An object is taken through the first of these doors that it offers; [`PyView::door`] says which it was:
//!
//! 1. the DLPack C exchange API (`__dlpack_c_exchange_api__` on its type),
//! 2. `__dlpack__`,
//! 3. the buffer protocol,
//! 4. `__arrow_c_device_array__`, `__arrow_c_array__`, `__arrow_c_stream__`,
//! 5. `__array_interface__`.
//!
//! A door that cannot express the object (DLPack has no times and no records) is passed by.
//!
//! # Rights
//!
//! NumPy's: memory that its owner may write is [`Access::Shared`](crate::Access::Shared), and a write through any view is seen by all. The Rust
//! side never forms a slice over memory that Python may write.
//!
//! # Device memory
//!
//! Memory that the CPU cannot read passes through undereferenced. A [`PyView`] remembers the object that it was taken from, and hands the stream
//! that a consumer names on to it, so that the producer's pending work is ordered before the consumer's.

mod arrow;
mod ask;
mod buffer;
mod calls;
mod capsule;
mod door;
mod dtype;
mod error;
mod exchange;
mod export;
mod files;
mod functions;
mod import;
mod index;
mod interface;
mod methods;
mod owner;
mod pickle;
mod predict;
mod report;
mod scalar;
mod show;
mod view;
mod write;

pub use door::Door;
pub use dtype::PyDType;
pub use functions::register;
pub use predict::PyPrediction;
pub use report::{PyFlags, PyInfo, PyReport};
pub use view::PyView;
