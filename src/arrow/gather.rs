//! Columns into a matrix: several memories, one copy.
//!
//! For row-major order a block of rows is put side by side in a small buffer that stays in the cache, from where the copy engine transposes it into the
//! matrix.

use std::mem::MaybeUninit;

use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Order;
use crate::view::StridedView;

/// Bytes of a block: a part of a second-level cache.
const BLOCK: usize = 128 << 10;

/// Rows go together by so many, so that the blocks of the matrix begin at a line.
const ROWS: usize = 64;

/// Between the columns of a block, so that they do not fall into the same places of the cache.
const GAP: usize = 64;

/// Fills `matrix` with one item of each column per row, row by row. Every byte of it is written.
///
/// All columns have the same number of items of `size` bytes, and `matrix` as many bytes as all of them.
///
/// # Errors
///
/// Those of [`StridedView::copy_into_bytes`].
pub(super) fn rows(columns: &[&[u8]], size: usize, matrix: &mut [MaybeUninit<u8>]) -> Result<()> {
    let row = columns.len() * size;
    let Some(block) = BLOCK.checked_div(row).map(|rows| rows.max(1).next_multiple_of(ROWS)) else {
        return Ok(());
    };
    let dtype = DType::raw(u32::try_from(size).unwrap_or(u32::MAX));
    let pitch = block * size + GAP;
    let mut scratch = vec![0_u8; pitch * columns.len()];
    for (k, part) in matrix.chunks_mut(block * row).enumerate() {
        let (from, len) = (k * block * size, part.len() / columns.len());
        for (column, place) in columns.iter().zip(scratch.chunks_mut(pitch)) {
            place[..len].copy_from_slice(&column[from..from + len]);
        }
        let strides = [size, pitch].map(usize::cast_signed);
        let layout = Layout::strided(&[len / size, columns.len()], &strides, 0, &dtype)?;
        let block = StridedView::new(Buffer::from_slice(&scratch), dtype.clone(), layout)?;
        block.copy_into_bytes(Order::C, part)?;
    }
    Ok(())
}

/// Fills `matrix` with one column behind the other. Every byte of it is written.
///
/// # Errors
///
/// As [`rows`].
pub(super) fn columns(columns: &[&[u8]], mut matrix: &mut [MaybeUninit<u8>]) -> Result<()> {
    for column in columns {
        let (part, rest) = matrix.split_at_mut(column.len());
        StridedView::from_slice(column).copy_into_bytes(Order::C, part)?;
        matrix = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow::memory::try_fresh;

    #[test]
    fn every_item_finds_its_place() {
        let cases = [
            (1, 1, 1),
            (3, 2, 7),
            (16, 8, 1025),
            (5, 4, 64),
            (2, 16, 65),
            (7, 12, 33),
            (3, 8, 0),
            (300, 8, 70),
            (4, 8, 30_000),
        ];
        for (columns, size, rows_) in cases {
            let memory: Vec<Vec<u8>> = (0..columns)
                .map(|c| {
                    (0..rows_ * size)
                        .map(|k| usize::to_le_bytes(k * 31 + c * 17)[0])
                        .collect()
                })
                .collect();
            let slices: Vec<&[u8]> = memory.iter().map(Vec::as_slice).collect();
            let matrix = try_fresh(columns * rows_ * size, |matrix| rows(&slices, size, matrix)).unwrap();
            let matrix = StridedView::of_items(matrix, DType::U8).to_vec::<u8>().unwrap();
            for row in 0..rows_ {
                for (c, column) in memory.iter().enumerate() {
                    let place = (row * columns + c) * size;
                    assert_eq!(matrix[place..place + size], column[row * size..(row + 1) * size]);
                }
            }
        }
    }
}
