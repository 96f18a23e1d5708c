//! Arrow, both ways, sharing memory wherever Arrow can say what the view says.
//!
//! Into a view, [`Column`] never copies: it keeps field, validity and array beside the view, so that the way back is lossless. Out of a
//! view, [`StridedView::to_arrow`] and [`StridedView::to_fixed_shape_tensor`] copy only if the layout, the memory or the type forces them
//! to, once, and say so.
//!
//! | Arrow | view | meaning carried |
//! |---|---|---|
//! | integers, floats | the same type | – |
//! | Boolean | [`DType::BIT`], at any bit offset | – |
//! | Date, Time, Timestamp, Duration | `int32` or `int64` | [`Logical`] with unit and zone |
//! | Interval: YearMonth | `int32` | [`Logical::Interval`] |
//! | Interval: DayTime | `int32`, with a last axis of 2 | [`Logical::DayTimeInterval`] |
//! | Interval: MonthDayNano | records of `months`, `days`, `nanoseconds` | [`Logical::Interval`] |
//! | Decimal32, Decimal64 | `int32`, `int64` | [`Logical::Decimal`] |
//! | Decimal128, Decimal256 | 16, 32 opaque bytes | [`Logical::Decimal`] |
//! | FixedSizeBinary(w) | `uint8`, with a last axis of w | – |
//! | FixedSizeList, nested | one axis more for each | – |
//! | List, LargeList, ListView, LargeListView, nested | likewise, if all rows have one length; rows of a ListView may overlap | – |
//! | Binary, LargeBinary | `uint8`, with a last axis, if all rows have one length | – |
//! | Struct | one axis more, if its columns have one type and are equally spaced | – |
//! | `arrow.bool8` | [`DType::BOOL`] | – |
//! | `arrow.fixed_shape_tensor` | the tensor's axes, permuted as its metadata says | – |
//!
//! Opaque items of w bytes without a meaning become FixedSizeBinary(w). Data types that Arrow lacks (complex numbers, bfloat16) are refused, and so
//! are Arrow types that are no one view ([`ArrowFault::NoView`] says why): [`Parts`] takes many of them apart.
//!
//! ```
//! use std::sync::Arc;
//! use arrow_array::{Array, ArrayRef, Float32Array};
//! use viewbridge::{CopyPolicy, StridedView};
//! use viewbridge::arrow::{Column, Nulls};
//!
//! let array: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0, 4.0]));
//! let column = Column::from_array(&array, Nulls::Forbid)?;
//! let matrix = column.view().reshape(&[2, 2])?;
//!
//! // Rows of a row-major matrix are a list each, in the same memory …
//! let lists = matrix.to_arrow(CopyPolicy::Never)?.value;
//! assert_eq!(lists.len(), 2);
//! // … and a transposed one is copied, once, and says why.
//! let copied = matrix.transpose().to_arrow(CopyPolicy::IfNeeded)?;
//! assert_eq!(copied.report.bytes_copied(), 16);
//! # Ok::<(), viewbridge::Error>(())
//! ```

mod batch;
mod build;
mod column;
mod dtype;
mod export;
pub mod ffi;
mod levels;
mod lists;
mod memory;
mod nulls;
mod numbers;
mod outline;
mod parts;
mod primitive;
mod reader;
mod rows;
mod spacing;
mod tensor;
mod variable;

pub use batch::Matrix;
pub use column::{Column, Nulls};
pub use export::{requirements_of, tensor_requirements_of};

pub use outline::outline;
pub use parts::{Child, Parts, decode};
pub use reader::{TensorColumn, concat};
pub use tensor::FixedShapeTensor;
pub use variable::VariableShapeTensor;

use arrow_schema::ArrowError;

#[cfg(doc)]
use crate::StridedView;
use crate::convert::{LayoutClass, MemoryUse, Packing, Requirements};
#[cfg(doc)]
use crate::dtype::{DType, Logical};
use crate::error::{ArrowFault, Error};
use crate::layout::MAX_NDIM;
use crate::memory::Order;

pub(crate) use dtype::children;
pub(crate) use memory::to_arrow as to_arrow_buffer;

/// What an Arrow array accepts: row-major, aligned, native, immutable memory that outlives borrows, booleans as bits, at least one axis.
///
/// Decimal128 and Decimal256 need a higher alignment than their items of opaque bytes ask for: [`requirements_of`] adds it.
pub const REQUIREMENTS: Requirements = device_requirements().cpu_readable();

/// What an `arrow.fixed_shape_tensor` accepts: as [`REQUIREMENTS`], but the axes behind the first may be permuted, and there is one.
pub const FIXED_SHAPE_TENSOR: Requirements = any("arrow.fixed_shape_tensor")
    .cpu_readable()
    .layout_class(LayoutClass::PermutedRows)
    .ndim(2, MAX_NDIM);

/// What a bare Arrow buffer accepts: row-major, aligned, native, immutable items of whole bytes that outlive borrows. Their type does not go with them.
pub const BUFFER: Requirements = Requirements::any("an Arrow buffer")
    .aligned()
    .native()
    .memory(MemoryUse::Immutable)
    .dtypes(|dtype| !dtype.is_packed())
    .contiguous(Order::C)
    .cpu_readable()
    .outlives_borrow();

const fn any(consumer: &'static str) -> Requirements {
    Requirements::any(consumer)
        .aligned()
        .native()
        .memory(MemoryUse::Immutable)
        .packing(Packing::BoolBits)
        .dtypes(dtype::is_storage)
        .outlives_borrow()
}

/// As [`REQUIREMENTS`], wherever the memory is.
const fn device_requirements() -> Requirements {
    any("Arrow").contiguous(Order::C).ndim(1, MAX_NDIM)
}

/// Arrow's own error as ours.
pub(crate) fn library(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::Io(error),
        other => ArrowFault::Library(Box::new(other)).into(),
    }
}
