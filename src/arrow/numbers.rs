//! Columns of numbers as columns of a type that was asked for by name.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::DataType;

use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::error::{ArrowFault, Error, Result};
use crate::reason::CopyReason;

/// A column as one of `dtype`; shared if it is already. Nulls stay.
///
/// # Errors
///
/// [`Error::DTypeMismatch`] if `dtype` is none of `float64`, `float32` and `int64`; [`ArrowFault::MixedTypes`] for a column whose range does not fit.
pub(super) fn cast(column: &ArrayRef, dtype: &DType, position: usize) -> Result<Converted<ArrayRef>> {
    let target = match dtype {
        dtype if *dtype == DType::F64 => DataType::Float64,
        dtype if *dtype == DType::F32 => DataType::Float32,
        dtype if *dtype == DType::I64 => DataType::Int64,
        other => {
            return Err(Error::DTypeMismatch {
                expected: DType::F64,
                found: other.clone(),
            });
        }
    };
    if *column.data_type() == target {
        return Ok(Converted::shared(Arc::clone(column)));
    }
    let cast = match target {
        DataType::Float64 => to_f64(column),
        DataType::Float32 => to_f32(column),
        _ => to_i64(column),
    };
    let value = cast.ok_or_else(|| ArrowFault::MixedTypes {
        expected: target.to_string().into(),
        column: position,
        found: column.data_type().to_string().into(),
    })?;
    let bytes = value.len() * dtype.itemsize();
    let report = CopyReport::copied(CopyRecord::of_items(bytes, vec![CopyReason::Cast]));
    Ok(Converted { value, report })
}

/// Each item converted.
fn each<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    column: &ArrayRef,
    convert: impl Fn(S::Native) -> T::Native,
) -> ArrayRef {
    let column = column.as_primitive::<S>();
    let values = column.values().iter().map(|&value| convert(value)).collect();
    Arc::new(PrimitiveArray::<T>::new(values, column.nulls().cloned()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "asked for by name: integers round to the nearest float"
)]
fn to_f64(column: &ArrayRef) -> Option<ArrayRef> {
    type To = Float64Type;
    Some(match column.data_type() {
        DataType::Int8 => each::<Int8Type, To>(column, f64::from),
        DataType::Int16 => each::<Int16Type, To>(column, f64::from),
        DataType::Int32 => each::<Int32Type, To>(column, f64::from),
        DataType::Int64 => each::<Int64Type, To>(column, |value| value as f64),
        DataType::UInt8 => each::<UInt8Type, To>(column, f64::from),
        DataType::UInt16 => each::<UInt16Type, To>(column, f64::from),
        DataType::UInt32 => each::<UInt32Type, To>(column, f64::from),
        DataType::UInt64 => each::<UInt64Type, To>(column, |value| value as f64),
        DataType::Float16 => each::<Float16Type, To>(column, f64::from),
        DataType::Float32 => each::<Float32Type, To>(column, f64::from),
        _ => return None,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "asked for by name: integers round to the nearest float"
)]
fn to_f32(column: &ArrayRef) -> Option<ArrayRef> {
    type To = Float32Type;
    Some(match column.data_type() {
        DataType::Int8 => each::<Int8Type, To>(column, f32::from),
        DataType::Int16 => each::<Int16Type, To>(column, f32::from),
        DataType::Int32 => each::<Int32Type, To>(column, |value| value as f32),
        DataType::Int64 => each::<Int64Type, To>(column, |value| value as f32),
        DataType::UInt8 => each::<UInt8Type, To>(column, f32::from),
        DataType::UInt16 => each::<UInt16Type, To>(column, f32::from),
        DataType::UInt32 => each::<UInt32Type, To>(column, |value| value as f32),
        DataType::UInt64 => each::<UInt64Type, To>(column, |value| value as f32),
        DataType::Float16 => each::<Float16Type, To>(column, f32::from),
        _ => return None,
    })
}

fn to_i64(column: &ArrayRef) -> Option<ArrayRef> {
    type To = Int64Type;
    Some(match column.data_type() {
        DataType::Int8 => each::<Int8Type, To>(column, i64::from),
        DataType::Int16 => each::<Int16Type, To>(column, i64::from),
        DataType::Int32 => each::<Int32Type, To>(column, i64::from),
        DataType::UInt8 => each::<UInt8Type, To>(column, i64::from),
        DataType::UInt16 => each::<UInt16Type, To>(column, i64::from),
        DataType::UInt32 => each::<UInt32Type, To>(column, i64::from),
        _ => return None,
    })
}
