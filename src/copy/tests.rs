//! Every kernel of every instruction set against a loop over the items, with guards around the destination.
//!
//! # Safety
//!
//! Memory is as large as the spans of the layouts, and source and destination are vectors of their own.
#![allow(unsafe_code)]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::classify::Class;
use super::engine::{Engine, Stream};
use super::isa::Isa;
use super::kernels::execute_by;
use super::plan::{CopyPlan, Item};
use crate::dtype::{DType, Kind};
use crate::layout::Layout;
use crate::memory::Order;

const GUARD: usize = 80;

/// Bytes that look random, and differ from place to place.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed << 17);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[5]
    };
    (0..len).map(|_| next()).collect()
}

/// Copies by `engine`, and by a loop; the whole memory of the destination must be the same.
fn check(engine: Engine, src: (&DType, &Layout), dst: (&DType, &Layout), shift: usize) -> Class {
    let plan = CopyPlan::new(src, dst).unwrap();
    let source = noise(src.1.byte_span().end, 1);
    let before = noise(dst.1.byte_span().end + 2 * GUARD + 64, 2);
    let start = before.as_ptr().align_offset(64) + shift % 64;
    let (mut expected, mut found) = (before.clone(), before);
    let size = src.1.itemsize();
    let part = match plan.item {
        Item::Bytes { swap, .. } => swap,
        Item::Bits { .. } => unreachable!("these layouts count in bytes"),
    };
    for (s, d) in src.1.offsets().zip(dst.1.offsets()) {
        let item = source[s..s + size].chunks(part).flat_map(|part| part.iter().rev());
        for (to, &from) in expected[start + d..].iter_mut().zip(item) {
            *to = from;
        }
    }
    // SAFETY: the memories are as large as the spans, and disjoint.
    unsafe { execute_by(engine, &plan, source.as_ptr(), found.as_mut_ptr().wrapping_add(start)) };
    let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(
        differ.map(|at| at.wrapping_sub(start)),
        None,
        "{engine:?} {src:?} {dst:?} {plan:?}"
    );
    plan.class
}

fn dtypes() -> Vec<DType> {
    let long = DType::new(Kind::Float, 128);
    let plain = [
        DType::U8,
        DType::U16,
        DType::F32,
        DType::F64,
        DType::C128,
        DType::raw(3),
        DType::raw(12),
        DType::raw(24),
    ];
    let swapped = [
        DType::U16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
        long,
        DType::text(3),
        DType::text(20),
    ];
    plain.into_iter().chain(swapped.map(DType::swapped)).collect()
}

/// A layout with the axes in the order given, gaps, and some of them backwards.
fn layout(shape: &[usize], order: &[usize], gaps: &[usize], flips: usize, dtype: &DType) -> Layout {
    let sorted: Vec<usize> = order.iter().map(|&axis| shape[axis] + gaps[axis]).collect();
    let mut inverse = vec![0; order.len()];
    for (k, &axis) in order.iter().enumerate() {
        inverse[axis] = k;
    }
    let mut layout = Layout::contiguous(&sorted, dtype, Order::C)
        .unwrap()
        .permute(&inverse)
        .unwrap();
    for (axis, &len) in shape.iter().enumerate() {
        layout = layout.slice_axis(axis, ..len.cast_signed()).unwrap();
        if flips & (1 << axis) != 0 {
            layout = layout.flip(axis).unwrap();
        }
    }
    layout
}

/// Both orders of two axes with every extent up to beyond a tile, with and without gaps, aligned and not.
#[test]
fn matrices_of_all_sizes() {
    let extents = [1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 64, 70];
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (k, dtype) in dtypes().iter().enumerate() {
            for (rows, columns) in extents.iter().flat_map(|&rows| extents.map(|columns| (rows, columns))) {
                // A fifth of them at a time, and every pair of extents with three types.
                if (rows + columns + k) % 5 != 0 {
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

/// One axis of every length up to beyond two lines, with every stride from reversed to a few items.
#[test]
fn rows_of_all_lengths() {
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for dtype in dtypes() {
            let native = dtype.clone().into_native();
            let size = dtype.itemsize().cast_signed();
            for len in [1, 2, 3, 5, 8, 9, 16, 17, 33, 64, 65, 130, 200] {
                for stride in [
                    -2 * size,
                    -size,
                    0,
                    size,
                    2 * size,
                    3 * size,
                    4 * size,
                    5 * size,
                    size + 1,
                ] {
                    let start = if stride < 0 {
                        stride.unsigned_abs() * (len - 1)
                    } else {
                        len % 3
                    };
                    let src = Layout::strided(&[len], &[stride], start, &dtype).unwrap();
                    let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
                    check(engine, (&dtype, &src), (&native, &dst), len % 5);
                    if len % 7 == 0 {
                        let dst = Layout::strided(&[len], &[size * 2 + 1], 0, &native).unwrap();
                        check(engine, (&dtype, &src), (&native, &dst), 0);
                    }
                }
            }
        }
    }
}

/// Chunks of several kilobytes, which are put together before they are streamed.
#[test]
fn long_rows() {
    for engine in Engine::all() {
        for dtype in dtypes() {
            let native = dtype.clone().into_native();
            for (stride, shift) in [(1, 0), (2, 0), (3, 1), (-1, 0), (-1, 4), (0, 3), (0, 0), (5, 16)] {
                let len = 4100;
                let stride = stride * dtype.itemsize().cast_signed();
                let start = if stride < 0 {
                    stride.unsigned_abs() * (len - 1)
                } else {
                    0
                };
                let src = Layout::strided(&[len], &[stride], start, &dtype).unwrap();
                let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
                check(engine, (&dtype, &src), (&native, &dst), shift);
            }
        }
    }
}

/// Many axes of two items in random orders: the list.
#[test]
fn many_small_axes() {
    for engine in Engine::all() {
        for (seed, dtype) in (0..).zip(dtypes()) {
            let order = shuffled(11, seed);
            let shape = vec![2; 11];
            let src = layout(&shape, &order, &[0; 11], 0, &dtype);
            let dst = Layout::contiguous(&shape, &dtype, Order::C).unwrap();
            for shift in [0, 16, 3] {
                let class = check(engine, (&dtype, &src), (&dtype, &dst), shift);
                assert!(matches!(class, Class::List { .. }), "{class:?}");
            }
        }
    }
}

fn shuffled(len: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    for (k, random) in noise(len, seed + 5).into_iter().enumerate() {
        order.swap(k, usize::from(random) % len);
    }
    order
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        rng_seed: RngSeed::Fixed(0x57_21de),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any layouts of up to five axes.
    #[test]
    fn layouts(
        dims in prop::collection::vec(prop_oneof![1_usize..5, 1_usize..40, Just(16_usize), Just(64)], 1..6),
        seeds in any::<(u64, u64)>(),
        gaps in prop::collection::vec(prop_oneof![Just(0_usize), Just(0), 0_usize..3], 10),
        flips in (0_usize..32, 0_usize..32),
        (which, shift, engine) in (0_usize..16, 0_usize..64, any::<prop::sample::Index>()),
    ) {
        let mut items = 1;
        let shape: Vec<usize> = dims.into_iter().map(|dim| { let dim = if items * dim > 5_000 { 1 } else { dim }; items *= dim; dim }).collect();
        let ndim = shape.len();
        let dtype = dtypes()[which].clone();
        let native = dtype.clone().into_native();
        let order = |seed: u64| if seed.is_multiple_of(3) { (0..ndim).collect() } else { shuffled(ndim, seed >> 8) };
        let src = layout(&shape, &order(seeds.0), &gaps[..ndim], flips.0, &dtype);
        let dst = layout(&shape, &order(seeds.1), &gaps[5..5 + ndim], flips.1, &native);
        let engines: Vec<Engine> = Engine::all().collect();
        check(engines[engine.index(engines.len())], (&dtype, &src), (&native, &dst), shift);
    }
}
