//! Columns that lie anywhere, woven into the rows of a matrix.
//!
//! ```text
//!   column 0  ─line─┐
//!   column 1  ─line─┤ a tile's lines ──► tile ──► stage ──whole lines──► matrix
//!   column 2  ─line─┘
//! ```
//!
//! Each item is read once from memory and written once to it. Lines of as many columns as a tile has rows are put one below the other first, because a tile wants
//! its rows at a distance, and columns of their own have none.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, here of `len` adjacent items at each column, and of the rows of all of them at the destination, which lie one
//! behind the other; *supported*.
#![allow(unsafe_code)]

use super::simd::{LINE, Simd};
use super::staged::{self, SHEET, STAGE};
use super::sweep::{Grid, head};
use super::transpose::{Packed, Tile};
use crate::allocation::Allocation;

/// How far ahead of a tile the lines of its columns are asked for, in bytes.
const AHEAD: usize = 1024;

/// Fewer columns than this are woven without tiles, by those who gather them first.
const FEWEST: usize = 5;

/// Weaves columns of `len` items each, past the caches. Says whether it has: there may be too few or too many of them.
pub(super) type Columns = unsafe fn(columns: &[*const u8], len: usize, dst: *mut u8) -> bool;

/// A [`Columns`] for the tiles `T` and the smaller ones.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn weave<S: Simd, T: Tile>(columns: &[*const u8], len: usize, dst: *mut u8) -> bool {
    type Least<T> = <<T as Tile>::Smaller as Tile>::Smaller;
    if columns.len() < FEWEST {
        return false;
    }
    if columns.len() >= T::ALONG {
        // SAFETY: *reach*.
        unsafe { woven::<S, T>(columns, len, dst) }
    } else if columns.len() >= T::Smaller::ALONG {
        // SAFETY: *reach*.
        unsafe { woven::<S, T::Smaller>(columns, len, dst) }
    } else if !T::Smaller::LAST && columns.len() >= Least::<T>::ALONG {
        // SAFETY: *reach*.
        unsafe { woven::<S, Least<T>>(columns, len, dst) }
    } else {
        false
    }
}

/// # Safety
///
/// As the module says; there are at least as many columns as a tile has rows.
#[inline(always)]
unsafe fn woven<S: Simd, T: Tile>(columns: &[*const u8], len: usize, dst: *mut u8) -> bool {
    let row = columns.len() * T::SIZE;
    if len < T::ACROSS || row * T::ACROSS > SHEET {
        return false;
    }
    let Ok(mut memory) = Allocation::uninit(STAGE, LINE) else {
        return false;
    };
    // Where the first column begins a line, others are likely to.
    let across = Grid::new(len, T::ACROSS, head::<T>(columns[0].addr(), 0));
    let along = Grid::new(columns.len(), T::ALONG, 0);
    let mut lines = Packed::new();
    let lines = lines.as_mut_ptr();
    let source = |a: usize, c: usize| {
        for (k, column) in columns[a..a + T::ALONG].iter().enumerate() {
            let from = column.wrapping_add(c * T::SIZE);
            S::prefetch(from.wrapping_add(AHEAD), true);
            let to = lines.wrapping_add(k * LINE);
            // SAFETY: *reach*; at most 64 lines of 64 bytes.
            unsafe { to.copy_from_nonoverlapping(from, T::ACROSS * T::SIZE) };
        }
        (lines.cast_const(), LINE.cast_signed())
    };
    // SAFETY: *reach*; the stage is as long as it has to be, and the rows of a tile find room in a sheet.
    unsafe { staged::sheet::<S, T>(source, dst, row, (along, across), 1, memory.as_mut_ptr()) };
    true
}
