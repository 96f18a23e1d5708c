//! Columns side by side: several arrays as one axis.
//!
//! # Safety
//!
//! Invariant *one allocation*: the buffers of a [`Spacing`] are slices of one Arrow buffer, shown by their equal `data_ptr`; all bytes from the lowest
//! column's first to the highest one's last lie inside of it, stay where they are, initialised and unwritten, as long as any clone of any of the
//! buffers lives (see [`super::memory`]).
#![allow(unsafe_code)]

use std::ptr::NonNull;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::Buffer as ArrowBuffer;

use super::levels::leaf_bytes;
use crate::buffer::Buffer;
use crate::error::{ArrowFault, Result};
use crate::memory::{Access, Device, OwnerKind};

/// Columns of one type that are equally spaced in one allocation.
pub(super) struct Spacing {
    pub(super) columns: usize,
    /// Bytes from the start of one column to that of the next.
    pub(super) distance: isize,
    /// The bytes from the lowest column's start to the highest one's end.
    pub(super) memory: Buffer<'static>,
    /// Where in them the first column begins.
    pub(super) start: usize,
}

impl Spacing {
    /// How columns of one type and length lie.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::MixedTypes`]; [`ArrowFault::Spacing`] if they are in several allocations, or not equally spaced.
    pub(super) fn of(columns: &[ArrayRef]) -> Result<Self> {
        same_type(columns)?;
        let mut buffers = Vec::with_capacity(columns.len());
        for column in columns {
            buffers.push(leaf_bytes(column)?);
        }
        let Some(first) = buffers.first() else {
            return Ok(Self {
                columns: 0,
                distance: 0,
                memory: super::memory::from_arrow(&ArrowBuffer::default()),
                start: 0,
            });
        };
        let at = |buffer: &ArrowBuffer| buffer.as_ptr().addr();
        let distance_to = |a: &ArrowBuffer, b: &ArrowBuffer| at(b).wrapping_sub(at(a)).cast_signed();
        let distance = buffers.get(1).map_or(0, |second| distance_to(first, second));
        let uneven = buffers.windows(2).position(|pair| {
            // One allocation of arrow's own is known by its start; a foreign one that is sliced, too.
            pair[0].data_ptr() != pair[1].data_ptr() || distance_to(&pair[0], &pair[1]) != distance
        });
        if let Some(column) = uneven {
            return Err(ArrowFault::Spacing { column: column + 1 }.into());
        }
        let (lowest, highest) = if distance < 0 {
            (&buffers[buffers.len() - 1], first)
        } else {
            (first, &buffers[buffers.len() - 1])
        };
        let len = at(highest) + highest.len() - at(lowest);
        let start = at(first) - at(lowest);
        let pointer = NonNull::from(lowest.as_slice()).cast::<u8>();
        // The pointer of the whole allocation, which reaches all columns.
        let reach = lowest
            .data_ptr()
            .as_ptr()
            .wrapping_add(at(lowest) - lowest.data_ptr().as_ptr().addr());
        let pointer = NonNull::new(reach).unwrap_or(pointer);
        let (access, kind) = (Access::Immutable, OwnerKind::Arrow);
        // SAFETY: *one allocation*.
        let memory = unsafe { Buffer::from_raw_parts(pointer, len, access, Device::CPU, kind, lowest.clone()) };
        Ok(Self {
            columns: buffers.len(),
            distance,
            memory,
            start,
        })
    }
}

/// Refuses columns of several types.
pub(super) fn same_type(columns: &[ArrayRef]) -> Result<()> {
    let Some(first) = columns.first().map(|column| column.data_type()) else {
        return Ok(());
    };
    match columns.iter().position(|column| column.data_type() != first) {
        None => Ok(()),
        Some(column) => Err(ArrowFault::MixedTypes {
            expected: first.to_string().into(),
            column,
            found: columns[column].data_type().to_string().into(),
        }
        .into()),
    }
}
