//! Arrow's C interfaces: Data, Stream and Device, out and in, without arrow-rs' own importer.
//!
//! The structs are those of the specification (`arrow/c/abi.h`), bit for bit, so that every library of every language that speaks Arrow, and
//! every version of arrow-rs, can take them. They are how arrays cross from one arrow major version to another.
//!
//! - Out: [`ArrowSchema::from_field`], [`ArrowArray::from_array`], [`ArrowArrayStream::new`], [`ArrowDeviceArray::from_array`]; from a view
//!   straight, without an array in between, [`StridedView::to_arrow_c`](crate::StridedView::to_arrow_c).
//! - In: `take` moves a struct out of where its producer put it (a capsule of Python's, say); [`import`], [`ArrowArrayStream::into_reader`] and
//!   [`ArrowDeviceArray::into_view`] check it and give arrays and views that share its memory.
//!
//! What comes in is checked before a pointer of it is followed: numbers of buffers and children, lengths, NULLs, formats, strings, depth. The arrays
//! made of it are validated by arrow-rs afterwards, so that safe code can rely on them. A buffer whose address does not have the alignment that
//! arrow-rs needs is copied, and [the report](crate::CopyReport) says so. Extension metadata stays with the field.
//!
//! ```
//! use std::sync::Arc;
//! use arrow_array::{Array, ArrayRef, Int32Array};
//! use arrow_schema::{DataType, Field};
//! use viewbridge::arrow::ffi::{self, ArrowArray, ArrowSchema};
//!
//! let array: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
//! let field = Field::new("x", DataType::Int32, true);
//! let (schema, exported) = (ArrowSchema::from_field(&field)?, ArrowArray::from_array(&array));
//!
//! // SAFETY: the two were exported above, and belong together.
//! let back = unsafe { ffi::import(&schema, exported.value) }?;
//! assert!(back.is_shared());
//! assert_eq!(back.value, (Arc::new(field), array));
//! # Ok::<(), viewbridge::Error>(())
//! ```

mod abi;
mod array;
mod check;
mod device;
mod export;
mod format;
mod import;
mod items;
mod lists;
mod metadata;
mod schema;
mod stream;
mod view;

pub use abi::{ArrowArray, ArrowSchema};
pub use device::ArrowDeviceArray;
pub use import::import;
pub use stream::{ArrowArrayStream, BatchReader, StreamReader};

/// Most levels of nested types that are followed, as deep as arrow-rs' own recursion goes safely.
const MAX_DEPTH: usize = 64;

/// Most children of one type.
const MAX_CHILDREN: i64 = 1 << 20;
