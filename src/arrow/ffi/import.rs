//! Arrays in: checked, then described to arrow-rs, which validates them.
//!
//! # Safety
//!
//! Everything relies on *owned struct* of the array that is imported, which the type given belongs to: numbers that pass the checks here are true.
//! The struct stays alive in an `Arc` that every buffer holds, and is released when the last of them is gone.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, UnionArray, make_array};
use arrow_buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer, ScalarBuffer};
use arrow_data::{ArrayData, BufferSpec, layout};
use arrow_schema::{DataType, FieldRef, IntervalUnit, UnionMode};

use super::abi::{ArrowArray, ArrowSchema, child};
use super::check::{Span, at_least, bytes, entry, expect, expect_counts, span};
use super::{MAX_CHILDREN, MAX_DEPTH};
use crate::arrow::{children, library, primitive};
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::error::{ArrowFault, CDataFault, Result};
use crate::reason::CopyReason;

/// The array of another library, and its field, whose extension metadata is kept. Shares the memory.
///
/// The report has a record of each buffer whose address arrow-rs could not use ([`CopyReason::Misaligned`]).
///
/// # Errors
///
/// Those of [`ArrowSchema::to_field`] and [`ArrowArray::into_array`]. The array is released in any case.
///
/// # Safety
///
/// As [`ArrowArray::into_array`]: `schema` came with `array`.
pub unsafe fn import(schema: &ArrowSchema, array: ArrowArray) -> Result<Converted<(FieldRef, ArrayRef)>> {
    let field = schema.to_field()?;
    // SAFETY: the caller's promise.
    let array = unsafe { array.into_array(field.data_type()) }?;
    Ok(array.map(|array| (Arc::new(field), array)))
}

impl ArrowArray {
    /// The array as one of arrow-rs, sharing the memory.
    ///
    /// O(items) where arrow-rs has to validate (text, offsets, dictionary keys, bitmaps to count nulls in), O(levels) for numbers.
    ///
    /// # Errors
    ///
    /// [`CDataFault`] for what breaks the interface's rules; [`ArrowFault::Length`] for children that are too short; [`ArrowFault::Library`] for what
    /// does not survive arrow-rs' validation. The array is released then.
    ///
    /// # Safety
    ///
    /// `data_type` is the type of the schema that came with this array.
    pub unsafe fn into_array(self, data_type: &DataType) -> Result<Converted<ArrayRef>> {
        if self.is_released() {
            return Err(CDataFault::Released { name: "ArrowArray" }.into());
        }
        let owner = Arc::new(self);
        let mut importer = Importer {
            owner: &owner,
            records: Vec::new(),
        };
        if data_type.is_primitive() {
            let array = importer.numbers(&owner, data_type)?;
            return Ok(importer.finish(array));
        }
        // What is known to panic in arrow-rs is checked beforehand; that it is all there is, is not ours to promise.
        let read = AssertUnwindSafe(|| importer.array(&owner, data_type, MAX_DEPTH));
        let array = catch_unwind(read).map_err(|_| ArrowFault::Panic)??;
        Ok(importer.finish(array))
    }
}

struct Importer<'a> {
    owner: &'a Arc<ArrowArray>,
    records: Vec<CopyRecord>,
}

impl Importer<'_> {
    #[inline]
    fn finish(self, value: ArrayRef) -> Converted<ArrayRef> {
        if self.records.is_empty() {
            return Converted::shared(value);
        }
        let report = CopyReport::from_records(self.records);
        Converted { value, report }
    }

    /// The array at one level. Numbers, and lists of them, are put together directly.
    fn array(&mut self, array: &ArrowArray, data_type: &DataType, depth: usize) -> Result<ArrayRef> {
        if data_type.is_primitive() {
            return self.numbers(array, data_type);
        }
        match data_type {
            DataType::FixedSizeList(item, size) if *size > 0 && array.offset == 0 => {
                let span = span(array)?;
                expect_counts(array, 1, 1)?;
                let nulls = self.validity(array, &span)?;
                let size_items = usize::try_from(*size).unwrap_or(0);
                let values = self.child(array, 0, item.data_type(), depth)?;
                let needed = at_least(values.len(), span.end.checked_mul(size_items))?;
                let values = if needed == values.len() {
                    values
                } else {
                    values.slice(0, needed)
                };
                let list = FixedSizeListArray::try_new(Arc::clone(item), *size, values, nulls);
                Ok(Arc::new(list.map_err(library)?))
            }
            DataType::Union(..) => self.union(array, data_type, depth),
            _ => Ok(make_array(self.data(array, data_type, depth)?)),
        }
    }

    fn numbers(&mut self, array: &ArrowArray, data_type: &DataType) -> Result<ArrayRef> {
        let span = span(array)?;
        expect_counts(array, 2, 0)?;
        let nulls = self.validity(array, &span)?;
        let width = data_type.primitive_width().unwrap_or(1);
        let alignment = match data_type {
            DataType::Decimal128(..) | DataType::Decimal256(..) => align_of::<i128>(),
            DataType::Interval(IntervalUnit::DayTime) => align_of::<i32>(),
            DataType::Interval(IntervalUnit::MonthDayNano) => align_of::<i64>(),
            _ => width,
        };
        let values = self.buffer(array, 1, bytes(span.end, width, array)?, alignment)?;
        let range = if values.is_empty() {
            (0, 0)
        } else {
            (span.offset, span.length)
        };
        let made = primitive::from_buffer(data_type, values, range, nulls);
        made.unwrap_or_else(|| Err(ArrowFault::UnsupportedType(data_type.to_string().into()).into()))
    }

    fn child(&mut self, array: &ArrowArray, index: usize, data_type: &DataType, depth: usize) -> Result<ArrayRef> {
        let depth = depth.checked_sub(1).ok_or(CDataFault::Depth { max: MAX_DEPTH })?;
        // SAFETY: *owned struct*; there are as many children as the type has, which was checked.
        let place = unsafe { child(array.children, index, "a child of the array") }?;
        if place.is_released() {
            return Err(CDataFault::Released {
                name: "child ArrowArray",
            }
            .into());
        }
        self.array(place, data_type, depth)
    }

    fn data(&mut self, array: &ArrowArray, data_type: &DataType, depth: usize) -> Result<ArrayData> {
        let span = span(array)?;
        let layout = layout(data_type);
        let first = usize::from(layout.can_contain_null_mask);
        let children = children(data_type);
        if layout.variadic {
            expect("n_buffers", array.n_buffers, 3, MAX_CHILDREN)?;
            expect("n_children", array.n_children, 0, 0)?;
        } else {
            expect_counts(array, first + layout.buffers.len(), children.len())?;
        }
        let nulls = if layout.can_contain_null_mask {
            self.validity(array, &span)?
        } else {
            expect(
                "null_count",
                array.null_count,
                -1,
                if *data_type == DataType::Null { i64::MAX } else { 0 },
            )?;
            None
        };
        let mut data = ArrayData::builder(data_type.clone())
            .len(span.length)
            .offset(span.offset)
            .nulls(nulls);
        for buffer in self.buffers(array, data_type, &span, &layout.buffers)? {
            data = data.add_buffer(buffer);
        }
        for (index, child_type) in children.into_iter().enumerate() {
            let values = self.child(array, index, child_type, depth)?;
            let needed = match data_type {
                DataType::Struct(_) => Some(span.end),
                DataType::FixedSizeList(_, size) => {
                    usize::try_from(*size).ok().and_then(|size| span.end.checked_mul(size))
                }
                _ => Some(0),
            };
            at_least(values.len(), needed)?;
            data = data.add_child_data(values.to_data());
        }
        if let DataType::Dictionary(_, values) = data_type {
            let depth = depth.checked_sub(1).ok_or(CDataFault::Depth { max: MAX_DEPTH })?;
            let mut place = array.dictionary;
            // SAFETY: *owned struct*; a list of one.
            let place = unsafe { child(&raw mut place, 0, "the dictionary of the array") }?;
            if place.is_released() {
                return Err(CDataFault::Released {
                    name: "dictionary ArrowArray",
                }
                .into());
            }
            data = data.add_child_data(self.array(place, values, depth)?.to_data());
        }
        data.build().map_err(library)
    }

    /// The buffers behind the validity, of the sizes that the type demands.
    fn buffers(
        &mut self,
        array: &ArrowArray,
        data_type: &DataType,
        span: &Span,
        specs: &[BufferSpec],
    ) -> Result<Vec<ArrowBuffer>> {
        let mut buffers = Vec::new();
        for (position, spec) in specs.iter().enumerate() {
            let index = position + 1;
            match spec {
                BufferSpec::FixedWidth { byte_width, alignment } => {
                    let items = if position == 0 {
                        items_of_first(data_type, span)
                    } else {
                        span.end
                    };
                    let len = bytes(items, *byte_width, array)?;
                    buffers.push(self.buffer(array, index, len, *alignment)?);
                }
                BufferSpec::BitMap => buffers.push(self.buffer(array, index, span.end.div_ceil(8), 1)?),
                // Behind offsets, the last of which is its size.
                BufferSpec::VariableWidth => {
                    let wide = matches!(data_type, DataType::LargeBinary | DataType::LargeUtf8);
                    let len = last_offset(buffers.first(), wide)?;
                    buffers.push(self.buffer(array, index, len, 1)?);
                }
                BufferSpec::AlwaysNull => {}
            }
        }
        if matches!(data_type, DataType::BinaryView | DataType::Utf8View) {
            self.view_buffers(array, &mut buffers)?;
        }
        Ok(buffers)
    }

    /// The buffers of text behind the views. The last buffer has their sizes.
    fn view_buffers(&mut self, array: &ArrowArray, buffers: &mut Vec<ArrowBuffer>) -> Result<()> {
        let count = usize::try_from(array.n_buffers).unwrap_or(0).saturating_sub(3);
        let sizes = self.buffer(array, count + 2, count * size_of::<i64>(), align_of::<i64>())?;
        for (k, size) in sizes.typed_data::<i64>().iter().enumerate() {
            let size = usize::try_from(*size).map_err(|_| CDataFault::Count {
                member: "the size of a buffer",
                found: *size,
                min: 0,
                max: i64::MAX,
            })?;
            buffers.push(self.buffer(array, k + 2, size, 1)?);
        }
        Ok(())
    }

    /// One buffer of `len` bytes, shared if its address will do.
    fn buffer(&mut self, array: &ArrowArray, index: usize, len: usize, alignment: usize) -> Result<ArrowBuffer> {
        if len == 0 {
            return Ok(ArrowBuffer::default());
        }
        let Some(first) = NonNull::new(entry(array, index)?.cast_mut().cast::<u8>()) else {
            return Err(CDataFault::NullBuffer { index, expected: len }.into());
        };
        if isize::try_from(len).is_err() {
            return Err(CDataFault::TooLong {
                length: array.length,
                offset: array.offset,
            }
            .into());
        }
        let offset = first.as_ptr().addr() % alignment.max(1);
        if offset == 0 {
            let owner = Arc::clone(self.owner);
            // SAFETY: *owned struct*; the array keeps the memory alive, and lives in the owner.
            return Ok(unsafe { ArrowBuffer::from_custom_allocation(first, len, owner) });
        }
        // SAFETY: *owned struct*.
        let bytes = unsafe { std::slice::from_raw_parts(first.as_ptr(), len) };
        let reasons = vec![CopyReason::Misaligned {
            offset,
            required: alignment,
        }];
        self.records.push(CopyRecord::of_items(len, reasons));
        Ok(ArrowBuffer::from(bytes))
    }

    /// The validity; `None` if nothing is null.
    fn validity(&mut self, array: &ArrowArray, span: &Span) -> Result<Option<NullBuffer>> {
        expect("null_count", array.null_count, -1, array.length)?;
        if array.null_count == 0 || span.length == 0 {
            return Ok(None);
        }
        if entry(array, 0)?.is_null() {
            expect("null_count of an array without validity", array.null_count, -1, 0)?;
            return Ok(None);
        }
        let bits = self.buffer(array, 0, span.end.div_ceil(8), 1)?;
        let nulls = NullBuffer::new(BooleanBuffer::new(bits, span.offset, span.length));
        Ok((nulls.null_count() > 0).then_some(nulls))
    }

    fn union(&mut self, array: &ArrowArray, data_type: &DataType, depth: usize) -> Result<ArrayRef> {
        let DataType::Union(fields, mode) = data_type else {
            return Err(ArrowFault::UnsupportedType(data_type.to_string().into()).into());
        };
        let span = span(array)?;
        let dense = *mode == UnionMode::Dense;
        expect("null_count of a union", array.null_count, -1, 0)?;
        expect_counts(array, if dense { 2 } else { 1 }, fields.len())?;
        let ids = self.buffer(array, 0, span.end, 1)?;
        let ids = ScalarBuffer::<i8>::new(ids, span.offset, span.length);
        let offsets = if dense {
            let bytes = bytes(span.end, size_of::<i32>(), array)?;
            let offsets = self.buffer(array, 1, bytes, align_of::<i32>())?;
            Some(ScalarBuffer::<i32>::new(offsets, span.offset, span.length))
        } else {
            None
        };
        let mut children = Vec::new();
        for (index, (_, field)) in fields.iter().enumerate() {
            let values = self.child(array, index, field.data_type(), depth)?;
            if dense {
                children.push(values);
            } else {
                at_least(values.len(), Some(span.end))?;
                children.push(values.slice(span.offset, span.length));
            }
        }
        let union = UnionArray::try_new(fields.clone(), ids, offsets, children);
        Ok(Arc::new(union.map_err(library)?))
    }
}

/// Whether the first buffer has one entry more than there are items.
fn has_offsets(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::List(_)
            | DataType::LargeList(_)
            | DataType::Map(..)
    )
}

/// Entries of the first buffer. Without items a producer need not have the one offset.
fn items_of_first(data_type: &DataType, span: &Span) -> usize {
    if has_offsets(data_type) && span.end > 0 {
        span.end + 1
    } else {
        span.end
    }
}

/// The last offset, which is the size of what lies behind.
fn last_offset(offsets: Option<&ArrowBuffer>, wide: bool) -> Result<usize> {
    let Some(offsets) = offsets.filter(|offsets| !offsets.is_empty()) else {
        return Ok(0);
    };
    let (position, last) = if wide {
        let offsets = offsets.typed_data::<i64>();
        (offsets.len() - 1, offsets.last().copied())
    } else {
        let offsets = offsets.typed_data::<i32>();
        (offsets.len() - 1, offsets.last().copied().map(i64::from))
    };
    let found = last.unwrap_or(0);
    usize::try_from(found).map_err(|_| CDataFault::Offsets { position, found }.into())
}
