//! Matrices of small items, past the caches: one block leaves while the next one is read.
//!
//! A tile of bytes is work for the processor: four shuffles a line. Done between asking for lines and writing some, it is time in which memory waits. So
//! tiles are taken apart. A few rows of the next block are *packed* (read, and shuffled as far as they are for themselves) into a buffer, then a few lines
//! of this block are finished and streamed from another. Rows are read from their start in the block to its end, which for a stretch of memory is the
//! fastest there is, and no line has to wait in a cache where rows at a distance that is a power of two push each other out.
//!
//! ```text
//!   source ──pack──► next block ┐
//!                               ├ change places
//!   destination ◄─emit── block ◄┘
//! ```
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*. *buffers*: there are two, each with room for [`ALONG`] times [`Blocks::high`] tiles,
//! aligned to lines; what is emitted of one has been packed before.
#![allow(unsafe_code)]

use super::job::Job;
use super::simd::{LINE, Simd};
use super::sweep::Grid;
use super::transpose::{PART, Tile};
use crate::allocation::Allocation;
use crate::copy::plan::Axis;

/// Tiles of a block along: the destination is written in pairs of lines.
const ALONG: usize = 2;

/// Bytes of a row of the source in a block. Half as many took a tenth longer, a quarter of them two thirds.
const ACROSS: usize = 2048;

/// How many lines are asked for in advance.
const AHEAD: usize = 128;

/// The batch of the first axis. Says whether there was memory for it.
///
/// # Safety
///
/// As the module says; the tiles are as [`tiled`](super::sweep::tiled) wants them, and can be taken apart.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, T: Tile>(
    src: *const u8,
    dst: *mut u8,
    job: &Job<'_>,
    rows: Grid,
    columns: Grid,
) -> bool {
    let blocks = Blocks::new::<T>(job, rows, columns);
    let bytes = ALONG * blocks.high * T::ALONG * LINE;
    let Ok(mut memory) = Allocation::uninit(2 * bytes, LINE) else {
        return false;
    };
    let (mut full, mut free) = (memory.as_mut_ptr(), memory.as_mut_ptr().wrapping_add(bytes));
    let mut reader = Reader::<T>::new(src, &blocks);
    let mut ahead = Reader::<T>::new(src, &blocks);
    for _ in 0..AHEAD / T::GROUP {
        ahead.ask::<S>(&blocks);
    }
    let mut block = Block::default();
    for _ in 0..blocks.packs::<T>(block) {
        ahead.ask::<S>(&blocks);
        // SAFETY: *reach*, *buffers*.
        unsafe { reader.pack(&blocks, full, job.swap) };
    }
    loop {
        let next = blocks.next(block);
        let mut left = next.map_or(0, |next| blocks.packs::<T>(next));
        let mut pack = |most: usize| {
            for _ in 0..left.min(most) {
                ahead.ask::<S>(&blocks);
                // SAFETY: *reach*, *buffers*.
                unsafe { reader.pack(&blocks, free, job.swap) };
            }
            left -= left.min(most);
        };
        // SAFETY: *reach*, *buffers*.
        unsafe { blocks.emit::<T>(block, full, dst, || pack(PART / T::GROUP)) };
        pack(usize::MAX);
        let Some(next) = next else {
            return true;
        };
        (block, full, free) = (next, free, full);
    }
}

/// A block by its first tile.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    matrix: usize,
    column: usize,
    row: usize,
}

/// How the blocks of a batch of matrices lie.
struct Blocks {
    rows: Grid,
    columns: Grid,
    axes: [Axis; 3],
    /// Most tiles of a block across.
    high: usize,
}

impl Blocks {
    #[inline(always)]
    fn new<T: Tile>(job: &Job<'_>, rows: Grid, columns: Grid) -> Self {
        Self {
            rows,
            columns,
            axes: job.axes,
            high: (ACROSS / (T::ACROSS * T::SIZE)).max(1).min(columns.count),
        }
    }

    /// The block behind this one: along first, then across, then in the next matrix.
    #[inline(always)]
    fn next(&self, block: Block) -> Option<Block> {
        let Block { matrix, column, row } = block;
        if row + ALONG < self.rows.count {
            let row = row + ALONG;
            return Some(Block { row, ..block });
        }
        if column + self.high < self.columns.count {
            let (column, row) = (column + self.high, 0);
            return Some(Block { matrix, column, row });
        }
        let (matrix, column, row) = (matrix + 1, 0, 0);
        (matrix < self.axes[0].len).then_some(Block { matrix, column, row })
    }

    /// Tiles of a block along and across.
    #[inline(always)]
    fn extents(&self, block: Block) -> (usize, usize) {
        (
            ALONG.min(self.rows.count - block.row),
            self.high.min(self.columns.count - block.column),
        )
    }

    /// Groups of rows of tiles that a block has.
    #[inline(always)]
    fn packs<T: Tile>(&self, block: Block) -> usize {
        let (along, across) = self.extents(block);
        along * across * (T::ALONG / T::GROUP)
    }

    /// Writes a block that has been packed, and calls `between` as often as it writes.
    ///
    /// # Safety
    ///
    /// As the module says.
    #[inline(always)]
    unsafe fn emit<T: Tile>(&self, block: Block, packed: *const u8, dst: *mut u8, mut between: impl FnMut()) {
        let [batch, across, _] = self.axes;
        let (wide, high) = self.extents(block);
        let dst = dst.wrapping_offset(batch.dst.wrapping_mul(block.matrix.cast_signed()));
        for c in 0..high {
            let column = self.columns.place(block.column + c).cast_signed();
            let to = dst.wrapping_offset(across.dst.wrapping_mul(column));
            for part in 0..T::ACROSS / PART {
                for a in 0..wide {
                    between();
                    let to = to.wrapping_add(self.rows.place(block.row + a) * T::SIZE);
                    let tile = packed.wrapping_add((ALONG * c + a) * T::ALONG * LINE);
                    // Tiles that lie across lines are not streamed.
                    let stream = to.addr().is_multiple_of(LINE);
                    // SAFETY: *reach*, *buffers*.
                    unsafe { T::emit(tile, part, to, across.dst, stream) };
                }
            }
        }
    }
}

/// Where the next rows are read: tile by tile across, a group of rows at a time.
struct Reader<T> {
    src: *const u8,
    block: Block,
    extents: (usize, usize),
    /// The tile of the block, and the group of its rows.
    column: usize,
    row: usize,
    group: usize,
    /// The first of the rows.
    start: *const u8,
    done: bool,
    tile: std::marker::PhantomData<T>,
}

impl<T: Tile> Reader<T> {
    #[inline(always)]
    fn new(src: *const u8, blocks: &Blocks) -> Self {
        let mut reader = Self {
            src,
            block: Block::default(),
            extents: blocks.extents(Block::default()),
            column: 0,
            row: 0,
            group: 0,
            start: src,
            done: false,
            tile: std::marker::PhantomData,
        };
        reader.find_rows(blocks);
        reader
    }

    #[inline(always)]
    fn find_rows(&mut self, blocks: &Blocks) {
        let [batch, _, along] = blocks.axes;
        let row = blocks.rows.place(self.block.row + self.row) + self.group * T::GROUP;
        self.start = self
            .src
            .wrapping_offset(batch.src.wrapping_mul(self.block.matrix.cast_signed()))
            .wrapping_offset(along.src.wrapping_mul(row.cast_signed()));
    }

    /// Where the rows begin in the tile that comes next.
    #[inline(always)]
    fn place(&self, blocks: &Blocks) -> *const u8 {
        let column = blocks.columns.place(self.block.column + self.column);
        self.start.wrapping_add(column * T::SIZE)
    }

    #[inline(always)]
    fn advance(&mut self, blocks: &Blocks) {
        self.column += 1;
        if self.column < self.extents.1 {
            return;
        }
        self.column = 0;
        self.group += 1;
        if self.group == T::ALONG / T::GROUP {
            self.group = 0;
            self.row += 1;
            if self.row == self.extents.0 {
                self.row = 0;
                match blocks.next(self.block) {
                    Some(next) => {
                        self.block = next;
                        self.extents = blocks.extents(next);
                    }
                    None => self.done = true,
                }
            }
        }
        self.find_rows(blocks);
    }

    /// Asks for the lines of the next rows, if there are any.
    #[inline(always)]
    fn ask<S: Simd>(&mut self, blocks: &Blocks) {
        if self.done {
            return;
        }
        let mut from = self.place(blocks);
        for _ in 0..T::GROUP {
            S::prefetch(from, true);
            from = from.wrapping_offset(blocks.axes[2].src);
        }
        self.advance(blocks);
    }

    /// Packs the next rows.
    ///
    /// # Safety
    ///
    /// As the module says; there are rows left.
    #[inline(always)]
    unsafe fn pack(&mut self, blocks: &Blocks, packed: *mut u8, swap: usize) {
        let tile = packed.wrapping_add((ALONG * self.column + self.row) * T::ALONG * LINE);
        // SAFETY: *reach*, *buffers*.
        unsafe { T::pack(self.place(blocks), blocks.axes[2].src, tile, self.group, swap) };
        self.advance(blocks);
    }
}
