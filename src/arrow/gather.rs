//! Columns into a row-major matrix: several memories, one copy.
//!
//! A block of rows is put together in a small buffer that stays in the first-level cache; from there whole lines go to the matrix, past the cache where
//! the matrix is larger than it.
//!
//! # Safety
//!
//! [`copy`] and [`stream`] write through pointers to memory that they were lent exclusively, and no further than it goes.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Bytes of a block: half of a first-level cache.
const BLOCK: usize = 16 << 10;

/// Bytes from which a matrix is written past the cache: what is larger than that does not stay in it.
const LARGE: usize = 8 << 20;

/// Rows go together by so many, so that blocks of any item begin at a line.
const ROWS: usize = 64;

/// Fills `matrix` with one item of each column per row, row by row. Every byte of it is written.
///
/// # Panics
///
/// Unless all columns have the same number of bytes, which is a whole number of items of `size` bytes, and `matrix` has as many as all of them.
pub(super) fn rows(columns: &[&[u8]], size: usize, matrix: &mut [MaybeUninit<u8>]) {
    let total: usize = columns.iter().map(|column| column.len()).sum();
    assert_eq!(total, matrix.len());
    assert!(columns.windows(2).all(|pair| pair[0].len() == pair[1].len()));
    match size {
        0 => {}
        1 => rows_of::<1>(columns, matrix),
        2 => rows_of::<2>(columns, matrix),
        4 => rows_of::<4>(columns, matrix),
        8 => rows_of::<8>(columns, matrix),
        16 => rows_of::<16>(columns, matrix),
        _ => rows_of_any(columns, size, matrix),
    }
}

/// Fills `matrix` with one column behind the other. Every byte of it is written.
///
/// # Panics
///
/// Unless `matrix` has as many bytes as all columns.
pub(super) fn columns(columns: &[&[u8]], mut matrix: &mut [MaybeUninit<u8>]) {
    for column in columns {
        let (part, rest) = matrix.split_at_mut(column.len());
        copy(column, part);
        matrix = rest;
    }
    assert!(matrix.is_empty());
}

fn rows_of<const SIZE: usize>(columns: &[&[u8]], matrix: &mut [MaybeUninit<u8>]) {
    let Some(first) = columns.first() else { return };
    let pitch = columns.len() * SIZE;
    let items = first.len() / SIZE;
    assert_eq!(items * SIZE, first.len());
    let block = (BLOCK / pitch).next_multiple_of(ROWS);
    let mut scratch = vec![0_u8; block * pitch];
    let large = matrix.len() >= LARGE;
    for (k, part) in matrix.chunks_mut(block * pitch).enumerate() {
        let rows = part.len() / pitch;
        let from = k * block * SIZE;
        for (position, column) in columns.iter().enumerate() {
            let items = column[from..from + rows * SIZE].as_chunks::<SIZE>().0;
            let places = scratch[position * SIZE..].chunks_mut(pitch);
            for (place, item) in places.zip(items) {
                place[..SIZE].copy_from_slice(item);
            }
        }
        let done = &scratch[..part.len()];
        if large {
            stream(done, part);
        } else {
            copy(done, part);
        }
    }
}

/// Writes every byte of `to`.
///
/// # Panics
///
/// Unless both have as many.
fn copy(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    assert_eq!(from.len(), to.len());
    // SAFETY: as many bytes on both sides, lent exclusively on one of them.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr().cast(), from.len()) };
}

/// Items of other sizes, one by one.
fn rows_of_any(columns: &[&[u8]], size: usize, matrix: &mut [MaybeUninit<u8>]) {
    let places = matrix.chunks_exact_mut(size);
    for (k, place) in places.enumerate() {
        let (row, column) = (k / columns.len(), k % columns.len());
        copy(&columns[column][row * size..][..size], place);
    }
}

/// Copies past the cache, if the processor can and both places allow it.
#[cfg(target_arch = "x86_64")]
fn stream(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
    const WIDTH: usize = size_of::<__m128i>();
    assert_eq!(from.len(), to.len());
    if !to.as_ptr().addr().is_multiple_of(WIDTH) {
        copy(from, to);
        return;
    }
    let whole = from.len() / WIDTH * WIDTH;
    for (source, place) in from[..whole]
        .chunks_exact(WIDTH)
        .zip(to[..whole].chunks_exact_mut(WIDTH))
    {
        // SAFETY: a slice of 16 bytes, at any address.
        let line = unsafe { _mm_loadu_si128(source.as_ptr().cast()) };
        // SAFETY: 16 bytes of the lent memory, at a multiple of 16.
        unsafe { _mm_stream_si128(place.as_mut_ptr().cast(), line) };
    }
    // SAFETY: every x86-64 has it.
    unsafe { _mm_sfence() };
    copy(&from[whole..], &mut to[whole..]);
}

#[cfg(not(target_arch = "x86_64"))]
fn stream(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    copy(from, to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_finds_its_place() {
        for (columns, size, rows_) in [
            (1, 1, 1),
            (3, 2, 7),
            (16, 8, 1000),
            (5, 4, 64),
            (2, 16, 65),
            (7, 12, 33),
            (3, 8, 0),
            (4, 8, 300_000),
        ] {
            let memory: Vec<Vec<u8>> = (0..columns)
                .map(|c| {
                    (0..rows_ * size)
                        .map(|k| usize::to_le_bytes(k * 31 + c * 17)[0])
                        .collect()
                })
                .collect();
            let slices: Vec<&[u8]> = memory.iter().map(Vec::as_slice).collect();
            let mut matrix = vec![MaybeUninit::new(0_u8); columns * rows_ * size];
            rows(&slices, size, &mut matrix);
            for row in (0..rows_).step_by(rows_ / 50 + 1) {
                for (c, column) in memory.iter().enumerate() {
                    let place = (row * columns + c) * size;
                    for k in 0..size {
                        // SAFETY: initialised above.
                        assert_eq!(unsafe { matrix[place + k].assume_init() }, column[row * size + k]);
                    }
                }
            }
        }
    }
}
