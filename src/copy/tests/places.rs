//! Destinations that begin at every place of a line, and runs and items of every size that some kernel treats on its own.
//!
//! # Safety
//!
//! As in the module above.
#![allow(unsafe_code)]

use super::super::classify::Class;
use super::super::engine::{Engine, Stream};
use super::super::kernels::execute_plain;
use super::super::plain::Plain;
use super::{check, layout, sample, sample_of};
use crate::dtype::{DType, Kind};
use crate::layout::Layout;
use crate::memory::Order;

/// Sizes of items, in bytes: those with kernels of their own, those at which two overlapping moves of a fixed width become wider ones, and their neighbours.
const SIZES: [u32; 31] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 192, 256, 257, 320,
    4096, 4100,
];

/// Items of all sizes, and of those that are numbers in the other byte order.
fn items() -> impl Iterator<Item = DType> {
    let numbers = [
        DType::U16,
        DType::F32,
        DType::C64,
        DType::F64,
        DType::C128,
        DType::new(Kind::Float, 128),
        DType::F32.with_lanes(3),
        DType::F64.with_lanes(8),
        DType::U16.with_lanes(96),
        DType::text(65),
    ];
    SIZES.map(DType::raw).into_iter().chain(numbers.map(DType::swapped))
}

/// What the source of a row of `len` items looks like.
#[derive(Debug, Clone, Copy)]
enum Row {
    Adjacent,
    TheSame,
    Backwards,
    /// Every so manyth item.
    Every(isize),
    /// So many bytes between two items.
    Gap(isize),
    /// A byte further apart than every second item.
    Odd,
}

const ROWS: [Row; 10] = [
    Row::Adjacent,
    Row::TheSame,
    Row::Backwards,
    Row::Every(2),
    Row::Every(3),
    Row::Every(4),
    Row::Every(-3),
    Row::Gap(1),
    Row::Gap(67),
    Row::Odd,
];

impl Row {
    fn of(self, len: usize, dtype: &DType) -> Layout {
        let size = dtype.itemsize().cast_signed();
        let stride = match self {
            Self::Adjacent => size,
            Self::TheSame => 0,
            Self::Backwards => -size,
            Self::Every(step) => step * size,
            Self::Gap(gap) => size + gap,
            Self::Odd => 2 * size + 1,
        };
        let start = stride.min(0).unsigned_abs() * len.saturating_sub(1);
        Layout::strided(&[len], &[stride], start, dtype).unwrap()
    }
}

/// Every item, every row, every place of a line, streamed or not. Each item sees each row at a fifth of the places, each place each row with a fifth of the items.
#[test]
fn rows_begin_anywhere_in_a_line() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in items().enumerate() {
            let native = dtype.clone().into_native();
            // Some lines, and a part of one; some items at least.
            let len = (5 * 64 + 37) / dtype.itemsize() + 3;
            let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
            for (n, row) in ROWS.into_iter().enumerate() {
                let src = row.of(len, &dtype);
                for shift in (0..64).filter(|shift| (shift + n + k) % 5 == 0) {
                    if wanted() {
                        check(engine, (&dtype, &src), (&native, &dst), shift);
                    }
                }
            }
        }
    }
}

/// Rows of no item, of one, and of as many as are near a line and near the bits of a word, one behind the other and further apart.
#[test]
fn rows_are_of_any_length() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in items().filter(|dtype| dtype.itemsize() <= 129).enumerate() {
            let native = dtype.clone().into_native();
            for (n, row) in ROWS.into_iter().enumerate() {
                for (m, len) in [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]
                    .into_iter()
                    .enumerate()
                {
                    if (k + n + m) % 3 > 0 || !wanted() {
                        continue;
                    }
                    let src = row.of(len, &dtype);
                    let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
                    check(engine, (&dtype, &src), (&native, &dst), k * 7 + m);
                    let gap = native.itemsize().cast_signed() + 3;
                    let apart = Layout::strided(&[len], &[gap], 0, &native).unwrap();
                    check(engine, (&dtype, &src), (&native, &apart), m);
                }
            }
        }
    }
}

/// Rows of whole items that are cut out of longer ones, as pictures are: runs of every size, into memory without gaps and back.
#[test]
fn pieces_of_rows() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in items().filter(|dtype| dtype.itemsize() <= 129).enumerate() {
            let native = dtype.clone().into_native();
            for (n, (rows, columns)) in [(40, 3), (9, 8), (3, 64), (17, 16), (5, 33), (2, 200)]
                .into_iter()
                .enumerate()
            {
                if !wanted() {
                    continue;
                }
                let part = layout(&[rows, columns], &[0, 1], &[0, 1 + n % 2], 0, &dtype);
                let whole = Layout::contiguous(&[rows, columns], &native, Order::C).unwrap();
                let class = check(engine, (&dtype, &part), (&native, &whole), k * 5 + n);
                let swapped = dtype != native && columns < 8;
                assert!(
                    matches!(class, Class::Gather) || swapped && matches!(class, Class::List { .. }),
                    "{class:?}"
                );
                let (part, whole) = (
                    layout(&[rows, columns], &[0, 1], &[0, 2], k % 4, &native),
                    Layout::contiguous(&[rows, columns], &dtype, Order::C).unwrap(),
                );
                check(engine, (&dtype, &whole), (&native, &part), n);
            }
        }
    }
}

/// Transposes of every item, at every place of a line: matrices as large as a tile, a little larger and smaller, of several tiles; a batch of them, and rows that go on in the next matrix.
#[test]
fn matrices_begin_anywhere_in_a_line() {
    let mut wanted = sample_of(2);
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in items().filter(|dtype| dtype.itemsize() <= 24).enumerate() {
            let native = dtype.clone().into_native();
            let line = (64 / dtype.itemsize()).max(1);
            let shapes = [
                (2, line, line),
                (1, line + 3, 2 * line + 1),
                (3, 2, 40),
                (2, 40, 3),
                (1, line / 2 + 1, line),
            ];
            for (n, (batch, across, along)) in shapes.into_iter().enumerate() {
                for shift in (0..64).filter(|shift| shift % 32 == 0 || (shift + n + k) % 6 == 0) {
                    if !wanted() {
                        continue;
                    }
                    let shape = [batch, across, along];
                    let src = layout(&shape, &[0, 2, 1], &[0, shift % 2, 0], [0, 2, 4][shift % 3], &dtype);
                    // The batch outside, or between the rows; with a gap or without.
                    let (order, gap) = (
                        [[0, 1, 2], [1, 0, 2]][(shift / 2 + k) % 2],
                        [0, 5, 1][(shift / 4 + n) % 3],
                    );
                    let dst = layout(&shape, &order, &[0, 0, gap], 0, &native);
                    check(engine, (&dtype, &src), (&native, &dst), shift);
                }
            }
        }
    }
}

/// Batches of single tiles, of which the matrices or their rows begin with a line, or only the first one does.
#[test]
fn tiles_are_streamed_only_where_all_of_their_rows_begin_with_lines() {
    let mut wanted = sample_of(3);
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for dtype in items().filter(|dtype| dtype.itemsize() <= 16) {
            let native = dtype.clone().into_native();
            let (size, line) = (dtype.itemsize().cast_signed(), 64 / dtype.itemsize());
            // A tile of lines, the smaller ones of half and a quarter of one, and the smallest in plain Rust.
            for side in [line, line / 2, line / 4, 4] {
                let side = side.max(1);
                let row = side.cast_signed() * size;
                for (pitch, gap) in [
                    (row, 0),
                    (row, size),
                    (64, 0),
                    (64, size),
                    (64, 64),
                    (row + size, 0),
                    (row + 64, 32),
                ] {
                    if pitch < row || !wanted() {
                        continue;
                    }
                    let shape = [3, side, side];
                    let matrix = pitch * side.cast_signed() + gap;
                    let dst = Layout::strided(&shape, &[matrix, pitch, size], 0, &native).unwrap();
                    // Too far apart to be woven.
                    let src = layout(&shape, &[0, 2, 1], &[0, 6, 0], 0, &dtype);
                    for shift in [0, 32] {
                        check(engine, (&dtype, &src), (&native, &dst), shift);
                    }
                }
            }
        }
    }
}

/// Rows of the source that are one page apart, or two, or nearly: all of them have the same place in the nearest cache, and some tiles read them otherwise.
#[test]
fn rows_may_be_pages_apart() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for dtype in items().filter(|dtype| dtype.itemsize() <= 16) {
            let (native, line) = (dtype.clone().into_native(), 64 / dtype.itemsize());
            for (n, pitch) in [4096, 4096 + dtype.itemsize(), 8192].into_iter().enumerate() {
                if !wanted() {
                    continue;
                }
                let shape = [line + n, 2 * line - n];
                let strides = [dtype.itemsize().cast_signed(), pitch.cast_signed()];
                let src = Layout::strided(&shape, &strides, n * 32, &dtype).unwrap();
                for (gap, shift) in [(0, 0), (n, 0), (n * line, 16)] {
                    let dst = layout(&shape, &[0, 1], &[0, gap], 0, &native);
                    check(engine, (&dtype, &src), (&native, &dst), shift);
                }
            }
        }
    }
}

/// Pixels of two to five channels, and planes that are nearly such: some of the channels, every second one, windows that overlap, room for more channels than there are.
#[test]
fn streams_are_woven_and_taken_apart() {
    let mut wanted = sample_of(5);
    let engines = Engine::all().filter(|engine| engine.stream != Stream::Large);
    for (engine, (k, dtype)) in engines.flat_map(|engine| items().enumerate().map(move |item| (engine, item))) {
        let (native, size) = (dtype.clone().into_native(), dtype.itemsize().cast_signed());
        if size > 16 {
            continue;
        }
        // So many pixels: some lines of each channel, and a part of one.
        let pixels = 200 / dtype.itemsize() + 5;
        for (channels, of, step) in [
            (2, 2, 1),
            (3, 3, 1),
            (4, 4, 1),
            (5, 5, 1),
            (1, 4, 1),
            (3, 4, 1),
            (2, 4, 2),
            (2, 3, 2),
            (5, 2, 1),
            (3, 2, 1),
        ] {
            let shape = [channels, pixels];
            let woven = |dtype: &DType| Layout::strided(&shape, &[step * size, of * size], 3, dtype).unwrap();
            let planes = |dtype: &DType, gap: usize| layout(&shape, &[0, 1], &[0, gap], 0, dtype);
            for (shift, gap) in [(0, 0), (16, 64 - pixels % 64), (k, 3), (k + 31, 64 - pixels % 64)] {
                if !wanted() {
                    continue;
                }
                check(
                    engine,
                    (&dtype, &woven(&dtype)),
                    (&native, &planes(&native, gap)),
                    shift,
                );
                // Where pixels overlap there is no way back.
                if (channels.cast_signed() - 1) * step < of {
                    check(
                        engine,
                        (&dtype, &planes(&dtype, gap)),
                        (&native, &woven(&native)),
                        shift,
                    );
                }
            }
        }
    }
}

/// What a plain plan leaves to others writes nothing: copies that may have to go past the caches, or to several threads.
#[test]
fn large_copies_are_no_small_ones() {
    let (len, kept) = (1 << 20, 0x5a);
    for (len, done) in [(len - 1, true), (len, false)] {
        let layout = Layout::contiguous(&[len], &DType::U8, Order::C).unwrap();
        let (source, mut found) = (vec![1_u8; len], vec![kept; len]);
        let mut plan = Plain::blank();
        assert!(plan.look((&DType::U8, &layout), (&DType::U8, &layout)));
        // SAFETY: the memories are as large as the layout, and disjoint.
        let whether = unsafe { execute_plain(&plan, source.as_ptr(), found.as_mut_ptr()) };
        assert_eq!(whether, done);
        assert!(found.iter().all(|&byte| byte == if done { 1 } else { kept }));
    }
}
