//! What is held against the numbers of an array before a pointer of it is followed.
//!
//! # Safety
//!
//! The one read relies on *owned struct* (see [`super::abi`]).
#![allow(unsafe_code)]

use std::ffi::c_void;

use super::abi::ArrowArray;
use crate::error::{ArrowFault, CDataFault, Result};

/// An array's numbers, checked.
pub(super) struct Span {
    pub(super) offset: usize,
    pub(super) length: usize,
    /// One past the last item, from the start of the buffers.
    pub(super) end: usize,
}

/// Length and offset, if they are possible.
pub(super) fn span(array: &ArrowArray) -> Result<Span> {
    expect("length", array.length, 0, i64::MAX)?;
    expect("offset", array.offset, 0, i64::MAX)?;
    let number = |value| usize::try_from(value).ok();
    let checked = || {
        let (length, offset) = (number(array.length)?, number(array.offset)?);
        let end = length.checked_add(offset).filter(|end| isize::try_from(*end).is_ok())?;
        Some(Span { offset, length, end })
    };
    checked().ok_or_else(|| {
        CDataFault::TooLong {
            length: array.length,
            offset: array.offset,
        }
        .into()
    })
}

pub(super) fn bytes(items: usize, width: usize, array: &ArrowArray) -> Result<usize> {
    items.checked_mul(width).ok_or_else(|| {
        CDataFault::TooLong {
            length: array.length,
            offset: array.offset,
        }
        .into()
    })
}

pub(super) fn expect(member: &'static str, found: i64, min: i64, max: i64) -> Result<()> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(CDataFault::Count {
        member,
        found,
        min,
        max,
    }
    .into())
}

/// Exactly so many buffers and children.
pub(super) fn expect_counts(array: &ArrowArray, buffers: usize, children: usize) -> Result<()> {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    expect("n_buffers", array.n_buffers, number(buffers), number(buffers))?;
    expect("n_children", array.n_children, number(children), number(children))
}

/// At least so many items in a child; returns the number needed.
pub(super) fn at_least(found: usize, needed: Option<usize>) -> Result<usize> {
    needed.filter(|needed| *needed <= found).ok_or_else(|| {
        ArrowFault::Length {
            expected: needed.unwrap_or(usize::MAX),
            found,
        }
        .into()
    })
}

/// Entry `index` of the list of buffers, which has as many as was checked.
pub(super) fn entry(array: &ArrowArray, index: usize) -> Result<*const c_void> {
    if array.buffers.is_null() {
        return Err(CDataFault::NullPointer { member: "buffers" }.into());
    }
    // SAFETY: *owned struct*: the list has `n_buffers` entries.
    Ok(unsafe { array.buffers.wrapping_add(index).read_unaligned() })
}
