//! Where the values of an array are, found without a look at them: for memory of devices.
//!
//! # Safety
//!
//! Only structs are followed, by *owned struct* (see [`super::abi`]); never a buffer.
#![allow(unsafe_code)]

use std::ffi::c_void;

use arrow_schema::DataType;

use super::MAX_DEPTH;
use super::abi::{ArrowArray, child};
use super::check::{at_least, bytes, entry, expect, expect_counts, span};
use crate::error::{CDataFault, Error, Result};

/// Where the values of an array are, without a look at them.
pub(super) struct DeviceItems {
    pub(super) leaf: DataType,
    /// Rows, then a list size for each level.
    pub(super) shape: Vec<usize>,
    /// Items before the first.
    pub(super) offset: usize,
    pub(super) values: *const c_void,
}

impl DeviceItems {
    /// Steps down through lists.
    ///
    /// # Safety
    ///
    /// *owned struct*, of this type.
    pub(super) unsafe fn read(root: &ArrowArray, data_type: &DataType) -> Result<Self> {
        let (mut array, mut data_type) = (root, data_type);
        let first = span(root)?;
        let (mut shape, mut rows, mut offset) = (vec![first.length], first.length, first.offset);
        for _ in 0..MAX_DEPTH {
            no_nulls(array)?;
            let DataType::FixedSizeList(item, size) = data_type else {
                expect_counts(array, 2, 0)?;
                let values = entry(array, 1)?;
                return Ok(Self {
                    leaf: data_type.clone(),
                    shape,
                    offset,
                    values,
                });
            };
            expect_counts(array, 1, 1)?;
            let size = usize::try_from(*size).unwrap_or(0);
            // SAFETY: *owned struct*; the count was checked.
            array = unsafe { child(array.children, 0, "a child of the array") }?;
            data_type = item.data_type();
            let items = span(array)?;
            let needed = offset.checked_add(rows).and_then(|end| end.checked_mul(size));
            at_least(items.length, needed)?;
            shape.push(size);
            rows *= size;
            offset = bytes(offset, size, array)?
                .checked_add(items.offset)
                .ok_or(CDataFault::TooLong {
                    length: array.length,
                    offset: array.offset,
                })?;
        }
        Err(CDataFault::Depth { max: MAX_DEPTH }.into())
    }
}

/// Refuses nulls, and a bitmap that nobody has counted the nulls of.
fn no_nulls(array: &ArrowArray) -> Result<()> {
    expect("null_count", array.null_count, -1, array.length)?;
    match usize::try_from(array.null_count) {
        Ok(0) => Ok(()),
        Ok(count) => Err(Error::Nulls { count }),
        Err(_) if array.n_buffers > 0 && !entry(array, 0)?.is_null() => {
            expect("null_count of an array with validity", array.null_count, 0, 0)
        }
        Err(_) => Ok(()),
    }
}
