//! Tables as views of two axes: rows, and columns of one type.
//!
//! # Safety
//!
//! Invariant *side by side*: columns that came in as one C struct are foreign memory, alive and unwritten as long as any view of them is. If each
//! begins where the one before ends, every byte between the first one's start and the last one's end is one of theirs, so that the views, kept
//! together, keep all of it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::Fields;
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::chunks::{fresh_of, parts_of};
use crate::arrow::{Column, Nulls};
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::error::Error;
use crate::layout::{Layout, Unit};
use crate::memory::{Access, Device, Order, OwnerKind};
use crate::reason::CopyReason;
use crate::view::StridedView;

/// The rows of all chunks, and their columns: shared if they lie side by side, else a column-major copy, unless that is forbidden.
pub(super) fn matrix(
    py: Python<'_>,
    fields: &Fields,
    chunks: &[ArrayRef],
    nulls: Nulls,
    copy: Option<bool>,
) -> PyResult<Converted<StridedView<'static>>> {
    let mut columns = columns_of(fields, chunks, nulls)?;
    check_types(fields, &columns)?;
    if chunks.len() == 1 {
        let single: Vec<StridedView<'static>> = columns.iter().map(|parts| parts[0].clone()).collect();
        if let Some(shared) = side_by_side(&single)? {
            return Ok(Converted::shared(shared));
        }
    }
    if copy == Some(false) {
        let text = format!(
            "the {} columns lie apart in {}, and copy=False forbids to put them together; allow it with copy=None",
            columns.len(),
            parts_of(chunks.len())
        );
        return Err(PyBufferError::new_err(text));
    }
    let rows = chunks.iter().map(Array::len).sum();
    let mut target = fresh_of(&columns[0][0], &[rows, columns.len()], Order::F)?;
    py.detach(|| -> crate::error::Result<()> {
        for (position, parts) in (0..).zip(&mut columns) {
            let mut start = 0;
            for part in parts {
                let end = start + part.len().cast_signed();
                let mut place = target.reborrow().index_axis(1, position)?;
                part.copy_into(&mut place.reborrow().slice_axis(0, start..end)?)?;
                start = end;
            }
        }
        Ok(())
    })?;
    let mut reasons = vec![CopyReason::Gathered { pieces: columns.len() }];
    if chunks.len() > 1 {
        reasons.push(CopyReason::Chunks { chunks: chunks.len() });
    }
    let value = target.share();
    let report = CopyReport::copied(CopyRecord::of_items(value.nbytes(), reasons));
    let value = match columns[0][0].logical() {
        Some(logical) => value.with_logical(logical.clone()),
        None => value,
    };
    Ok(Converted { value, report })
}

/// For each column its parts in the chunks.
fn columns_of(fields: &Fields, chunks: &[ArrayRef], nulls: Nulls) -> PyResult<Vec<Vec<StridedView<'static>>>> {
    let nulls = match nulls {
        // A matrix has no place for masks.
        Nulls::Separate => Nulls::Forbid,
        nulls => nulls,
    };
    for chunk in chunks {
        let count = chunk.null_count();
        if count > 0 && nulls == Nulls::Forbid {
            return Err(no_place(count));
        }
    }
    let column = |(position, field)| -> PyResult<Vec<StridedView<'static>>> {
        let part = |chunk: &ArrayRef| Column::from_field(field, chunk.as_struct().column(position), nulls);
        let parts = chunks.iter().map(part).map(|part| match part {
            Ok(column) => Ok(column.into_view()),
            Err(Error::Nulls { count }) => Err(no_place(count)),
            Err(error) => Err(error.into()),
        });
        parts.collect()
    };
    fields.iter().enumerate().map(column).collect()
}

#[cold]
fn no_place(count: usize) -> PyErr {
    PyValueError::new_err(format!(
        "{count} null{} in a table, and a matrix has no place for them; fill them, take the columns one by one, or use what lies under them with nulls=\"ignore\"",
        if count == 1 { "" } else { "s" }
    ))
}

/// Columns of one type, with one axis each.
fn check_types(fields: &Fields, columns: &[Vec<StridedView<'static>>]) -> PyResult<()> {
    let names: Vec<&String> = fields.iter().map(|field| field.name()).collect();
    let Some(first) = columns.first() else {
        return Err(PyTypeError::new_err("a table without columns has no items"));
    };
    let (first, expected) = (&first[0], first[0].item_type());
    for (name, column) in names.iter().zip(columns) {
        let found = column[0].item_type();
        if found != expected || column[0].ndim() != 1 {
            let text = format!(
                "column {name:?} is of type {found}{}, and {:?} of {expected}: a view has items of one type; take one of {names:?}",
                if column[0].ndim() == 1 {
                    ""
                } else {
                    " with axes of its own"
                },
                names[0]
            );
            return Err(PyTypeError::new_err(text));
        }
    }
    debug_assert_eq!(first.ndim(), 1);
    Ok(())
}

/// One view of columns of which each begins where the one before ends; `None` if they do not.
fn side_by_side(columns: &[StridedView<'static>]) -> PyResult<Option<StridedView<'static>>> {
    let (first, last) = (&columns[0], &columns[columns.len() - 1]);
    let bytes = first.nbytes();
    if first.layout().unit() != Unit::Byte || columns.iter().any(|column| !column.is_c_contiguous()) {
        return Ok(None);
    }
    let follows =
        |a: &StridedView<'_>, b: &StridedView<'_>| a.data_ptr().addr().checked_add(bytes) == Some(b.data_ptr().addr());
    let pairs = || columns.windows(2);
    let forwards = pairs().all(|pair| follows(&pair[0], &pair[1]));
    if bytes > 0 && !forwards && !pairs().all(|pair| follows(&pair[1], &pair[0])) {
        return Ok(None);
    }
    let (lowest, step) = if forwards {
        (first, bytes.cast_signed())
    } else {
        (last, -bytes.cast_signed())
    };
    let (count, dtype) = (columns.len(), first.dtype().clone());
    let start = if forwards { 0 } else { bytes * (count - 1) };
    let pointer = NonNull::new(lowest.data_ptr().cast_mut()).filter(|_| bytes > 0);
    let (pointer, device, kind) = (pointer.unwrap_or(NonNull::dangling()), Device::CPU, OwnerKind::Arrow);
    let owner = columns.to_vec();
    // SAFETY: *side by side*.
    let memory = unsafe { Buffer::from_raw_parts(pointer, bytes * count, Access::Immutable, device, kind, owner) };
    let strides = [dtype.itemsize().cast_signed(), step];
    let layout = Layout::strided(&[first.len(), count], &strides, start, &dtype)?;
    let view = StridedView::new(memory, dtype, layout)?;
    Ok(Some(match first.logical() {
        Some(logical) => view.with_logical(logical.clone()),
        None => view,
    }))
}
