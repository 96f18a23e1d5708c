//! Transposes, and columns that become a matrix.
//!
//! # Safety
//!
//! As in the module above.
#![allow(unsafe_code)]

use super::super::classify::Class;
use super::super::engine::{Engine, Stream};
use super::super::isa::Isa;
use super::super::kernels::weave_columns_by;
use super::{check, dtypes, layout, noise, sample, sample_of};
use crate::dtype::DType;
use crate::layout::Layout;
use crate::memory::Order;

/// Both orders of two axes with every extent up to beyond a tile, with and without gaps, aligned and not.
#[test]
fn matrices_of_all_sizes() {
    let extents = [1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 64, 70];
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in dtypes().iter().enumerate() {
            for (rows, columns) in extents.iter().flat_map(|&rows| extents.map(|columns| (rows, columns))) {
                // A fifth of them at a time, and every pair of extents with three types.
                if (rows + columns + k) % 5 != 0 || !wanted() {
                    continue;
                }
                let (flips, shift) = (rows % 4, [0, 0, 1, 8][(rows + columns + k) % 4]);
                let native = dtype.clone().into_native();
                let src = layout(&[rows, columns], &[1, 0], &[0, columns % 2], flips, dtype);
                let gap = (k + rows) % 2 * 3;
                check(
                    engine,
                    (dtype, &src),
                    (&native, &layout(&[rows, columns], &[0, 1], &[0, gap], 0, &native)),
                    shift,
                );
            }
        }
    }
}

/// Matrices whose rows go on in the next matrix, and rows one behind the other, at lines and in the midst of them.
#[test]
fn rows_that_go_on() {
    let mut wanted = sample_of(2);
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in dtypes().iter().enumerate() {
            let native = dtype.clone().into_native();
            let line = (64 / dtype.itemsize()).max(1);
            for (n, (across, batch, along)) in [
                (line, 3, line),
                (line * 4, 2, line * 4),
                (line * 5 + 3, 3, line + 1),
                (line + 1, 5, line * 3 + 2),
                (line * 9 + 1, 1, line * 2),
                (line * 2, 1, line * 2 + 1),
                // More of a row than is put together at once; rows too long for it.
                (line + 3, 2, line * 4 + line / 4 * 3),
                (line * 4 + 1, 3, line * 4 + 1),
                (line, 1, line * 5 + line / 2),
            ]
            .into_iter()
            .enumerate()
            {
                if across * batch * along > 45_000 {
                    continue;
                }
                // With a gap behind each matrix of the source, or they would be one.
                let gaps = [n % 2 * 3, 0, 1 + n % 3];
                let src = layout(&[across, batch, along], &[1, 2, 0], &gaps, 0, dtype);
                let dst = Layout::contiguous(&[across, batch, along], &native, Order::C).unwrap();
                for shift in [0, 16, [1, 40, 63][(n + k) % 3]] {
                    if wanted() {
                        check(engine, (dtype, &src), (&native, &dst), shift);
                    }
                }
            }
        }
    }
}

/// Small items, so many that one block is packed while another one leaves: several of them, with rows and columns that begin and end anywhere, and matrices one behind
/// the other.
#[test]
fn blocks_of_small_items() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream == Stream::Always) {
        for dtype in [DType::U8, DType::U16, DType::U16.swapped()] {
            let (native, size) = (dtype.clone().into_native(), dtype.itemsize());
            let line = 64 / size;
            for (batch, across, along) in [
                (1, 2048 / size + 5, 3 * line),
                (2, line + 3, 7 * line + 1),
                (3, 2 * line, 4 * line),
                (1, 7 * line + 9, 6 * line + 7),
            ] {
                let pitch = (along * size).next_multiple_of(64).cast_signed();
                let matrix = pitch * across.cast_signed();
                let strides = [matrix, pitch, size.cast_signed()];
                let dst = Layout::strided(&[batch, across, along], &strides, 0, &native).unwrap();
                for (gap, shift) in [(0, 0), (0, 16), (59, 48), (128 - across % 64, 48), (1, 3)] {
                    if !wanted() {
                        continue;
                    }
                    let src = layout(&[batch, across, along], &[0, 2, 1], &[0, gap, 0], 0, &dtype);
                    check(engine, (&dtype, &src), (&native, &dst), shift);
                }
            }
        }
    }
}

/// Columns that have nothing to do with each other, in each number, length and place.
#[test]
fn columns_that_lie_anywhere() {
    let (mut wanted, mut asked, mut done) = (sample_of(2), 0, 0);
    for engine in Engine::all().filter(|engine| engine.stream == Stream::Always) {
        for size in [1, 2, 4, 8, 16] {
            for (count, len) in [(5, 70), (8, 64), (16, 129), (17, 300), (67, 65), (130, 71)] {
                for shift in [0, 16, 5] {
                    if !wanted() {
                        continue;
                    }
                    asked += 1;
                    let columns: Vec<Vec<u8>> = (0..count).map(|k| noise(k % 7 + len * size, k)).collect();
                    let starts: Vec<*const u8> = columns.iter().enumerate().map(|(k, c)| c[k % 7..].as_ptr()).collect();
                    let mut memory = vec![0xa5; 128 + count * len * size + 64];
                    let start = memory.as_ptr().align_offset(64) + shift;
                    let place = memory[start..].as_mut_ptr();
                    // SAFETY: as many items behind each start, and room for all of them.
                    if !unsafe { weave_columns_by(engine, &starts, size, len, place) } {
                        assert!(memory.iter().all(|&byte| byte == 0xa5), "written and denied");
                        continue;
                    }
                    done += 1;
                    for (row, items) in memory[start..].chunks_exact(count * size).take(len).enumerate() {
                        for (k, item) in items.chunks_exact(size).enumerate() {
                            assert_eq!(
                                item,
                                &columns[k][k % 7 + row * size..][..size],
                                "{engine:?} {size} {count} {row} {k}"
                            );
                        }
                    }
                    let end = start + count * len * size;
                    let guards = memory[..start].iter().chain(&memory[end..]);
                    assert!(
                        guards.into_iter().all(|&byte| byte == 0xa5),
                        "{engine:?} {size} {count}"
                    );
                }
            }
        }
    }
    // They are not all denied.
    assert!(4 * done > asked, "{done} of {asked}");
}

#[test]
fn large_transposes_are_streamed() {
    for isa in Isa::available() {
        let engine = Engine::new(isa, Stream::Large);
        for dtype in [DType::U8, DType::F32, DType::F64.swapped()] {
            let side = 1536 / dtype.itemsize() + 24;
            let native = dtype.clone().into_native();
            let src = Layout::contiguous(&[side, side * 2], &dtype, Order::F).unwrap();
            let dst = Layout::contiguous(&[side, side * 2], &native, Order::C).unwrap();
            assert_eq!(check(engine, (&dtype, &src), (&native, &dst), 16), Class::Transpose);
        }
    }
}
