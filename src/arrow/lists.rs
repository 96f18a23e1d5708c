//! Lists whose rows are evenly spaced, and so an axis.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_schema::DataType;

use crate::error::{ArrowFault, Result};

/// The rows of a list array that all have one length, at even distances.
pub(super) struct Rows {
    /// The items, from the first of the first row on.
    pub(super) items: ArrayRef,
    /// Items of each row.
    pub(super) size: usize,
    /// Items from the start of one row to that of the next. Less than `size` where rows overlap, as those of a ListView may.
    pub(super) step: usize,
}

impl Rows {
    /// The rows of a list; `None` if the array is no list.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::Ragged`], [`ArrowFault::Length`]. O(rows) but for FixedSizeList.
    pub(super) fn of(array: &ArrayRef) -> Result<Option<Self>> {
        let len = array.len();
        let (size, step, start, items) = match array.data_type() {
            DataType::FixedSizeList(_, size) => {
                let list = array.as_fixed_size_list();
                let size = super::dtype::list_size(*size)?;
                (size, size, 0, list.values())
            }
            DataType::List(_) => of_offsets(array.as_list::<i32>().value_offsets(), array.as_list::<i32>().values())?,
            DataType::LargeList(_) => {
                of_offsets(array.as_list::<i64>().value_offsets(), array.as_list::<i64>().values())?
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                of_views(list.value_offsets(), list.value_sizes(), list.values())?
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                of_views(list.value_offsets(), list.value_sizes(), list.values())?
            }
            _ => return Ok(None),
        };
        let expected = if len == 0 {
            Some(0)
        } else {
            (len - 1).checked_mul(step).and_then(|last| last.checked_add(size))
        };
        match expected.filter(|expected| start + expected <= items.len()) {
            Some(expected) => Ok(Some(Self {
                items: items.slice(start, expected),
                size,
                step,
            })),
            None => Err(ArrowFault::Length {
                expected: expected.unwrap_or(usize::MAX),
                found: items.len(),
            }
            .into()),
        }
    }
}

type Even<'a> = (usize, usize, usize, &'a ArrayRef);

fn of_offsets<'a, O: OffsetSizeTrait>(offsets: &[O], items: &'a ArrayRef) -> Result<Even<'a>> {
    let (start, size) = even_offsets(offsets)?;
    Ok((size, size, start, items))
}

/// The first offset, and the distance that all have.
///
/// # Errors
///
/// [`ArrowFault::Ragged`].
pub(super) fn even_offsets<O: OffsetSizeTrait>(offsets: &[O]) -> Result<(usize, usize)> {
    let start = offsets.first().map_or(0, |first| first.as_usize());
    let size = offsets.get(1).map_or(start, |second| second.as_usize()) - start;
    match offsets
        .windows(2)
        .position(|pair| pair[1].as_usize() - pair[0].as_usize() != size)
    {
        None => Ok((start, size)),
        Some(row) => Err(ArrowFault::Ragged {
            row,
            expected: size,
            found: offsets[row + 1].as_usize() - offsets[row].as_usize(),
        }
        .into()),
    }
}

fn of_views<'a, O: OffsetSizeTrait>(offsets: &[O], sizes: &[O], items: &'a ArrayRef) -> Result<Even<'a>> {
    let ragged = |row, expected, found: O| ArrowFault::Ragged {
        row,
        expected,
        found: found.as_usize(),
    };
    let size = sizes.first().map_or(0, |size| size.as_usize());
    if let Some(row) = sizes.iter().position(|found| found.as_usize() != size) {
        return Err(ragged(row, size, sizes[row]).into());
    }
    let start = offsets.first().map_or(0, |first| first.as_usize());
    let step = match offsets.get(1) {
        // Rows that run backwards would need a negative step.
        Some(second) => second.as_usize().checked_sub(start).ok_or(ragged(1, start, *second))?,
        None => size,
    };
    let uneven = offsets
        .windows(2)
        .position(|pair| pair[1].as_usize().checked_sub(pair[0].as_usize()) != Some(step));
    match uneven {
        None => Ok((size, step, start, items)),
        Some(row) => Err(ragged(row + 1, offsets[row].as_usize() + step, offsets[row + 1]).into()),
    }
}
