//! Primitive arrays, without the general description that arrow-rs builds and validates for every array: making one is most of what handing
//! it over costs.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, downcast_primitive};
use arrow_buffer::{ArrowNativeType, Buffer as ArrowBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::library;
use crate::error::{ArrowFault, Result};

/// `len` items of a primitive type from item `offset` on; `None` if the type is another, or the buffer misaligned.
///
/// # Errors
///
/// [`ArrowFault::Length`] if the buffer is too short, or the nulls are of another number.
pub(super) fn from_buffer(
    data_type: &DataType,
    buffer: ArrowBuffer,
    (offset, len): (usize, usize),
    nulls: Option<NullBuffer>,
) -> Option<Result<ArrayRef>> {
    macro_rules! make {
        ($t:ty) => {
            make::<$t>(data_type, buffer, (offset, len), nulls)
        };
    }
    downcast_primitive! {
        data_type => (make),
        _ => None
    }
}

fn make<T: ArrowPrimitiveType>(
    data_type: &DataType,
    buffer: ArrowBuffer,
    (offset, len): (usize, usize),
    nulls: Option<NullBuffer>,
) -> Option<Result<ArrayRef>> {
    if !buffer.as_ptr().cast::<T::Native>().is_aligned() {
        return None;
    }
    let width = T::Native::get_byte_width();
    let needed = offset.checked_add(len).and_then(|end| end.checked_mul(width));
    if needed.is_none_or(|needed| needed > buffer.len()) {
        return Some(Err(ArrowFault::Length {
            expected: len,
            found: buffer.len() / width,
        }
        .into()));
    }
    // A slice counts the allocation once more, and the whole does not.
    let values = if needed == Some(buffer.len()) && offset == 0 {
        ScalarBuffer::from(buffer)
    } else {
        ScalarBuffer::<T::Native>::new(buffer, offset, len)
    };
    let array = match PrimitiveArray::<T>::try_new(values, nulls) {
        Ok(array) => array,
        Err(error) => return Some(Err(library(error))),
    };
    Some(Ok(if array.data_type() == data_type {
        Arc::new(array)
    } else {
        Arc::new(array.with_data_type(data_type.clone()))
    }))
}

/// The values of a primitive array.
pub(super) fn values(array: &dyn Array) -> Option<&ArrowBuffer> {
    fn of<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<&ArrowBuffer> {
        let array = array.as_any().downcast_ref::<PrimitiveArray<T>>()?;
        Some(array.values().inner())
    }
    macro_rules! values {
        ($t:ty) => {
            of::<$t>(array)
        };
    }
    downcast_primitive! {
        array.data_type() => (values),
        _ => None
    }
}
