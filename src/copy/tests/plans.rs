//! What is planned, without memory: every byte once, and which axes for which kernel.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::classify::Class;
use super::super::engine::{Engine, Stream};
use super::super::isa::{Isa, last_level_cache};
use super::super::plan::{CopyPlan, Item, for_each};
use super::{check, layout, shuffled};
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, MAX_NDIM};
use crate::memory::Order;

/// A plan as its class, bytes of an item, where it begins, and its axes: length, source stride, destination stride.
type Planned = (Class, usize, (usize, usize), Vec<(usize, isize, isize)>);

fn planned(plan: &CopyPlan) -> Planned {
    let Item::Bytes { size, .. } = plan.item else {
        unreachable!("{plan:?}")
    };
    let axes = plan.axes.iter().map(|axis| (axis.len, axis.src, axis.dst)).collect();
    (plan.class, size, (plan.src, plan.dst), axes)
}

/// Items of 4 bytes from one place to another.
fn plan(shape: &[usize], src: (usize, &[isize]), dst: (usize, &[isize])) -> Planned {
    let layout = |(offset, strides)| Layout::strided(shape, strides, offset, &DType::F32).unwrap();
    let (src, dst) = (layout(src), layout(dst));
    planned(&CopyPlan::new((&DType::F32, &src), (&DType::F32, &dst)).unwrap())
}

/// The same into memory without gaps.
fn gathered(shape: &[usize], offset: usize, strides: &[isize]) -> Planned {
    let dst = Layout::contiguous(shape, &DType::F32, Order::C).unwrap();
    plan(shape, (offset, strides), (0, dst.strides()))
}

const ONCE: (usize, isize, isize) = (1, 0, 0);

#[test]
fn what_is_adjacent_in_both_is_one_run() {
    let run = |size, start| (Class::Run, size, start, vec![]);
    assert_eq!(gathered(&[], 8, &[]), run(4, (8, 0)));
    assert_eq!(gathered(&[3, 4], 0, &[16, 4]), run(48, (0, 0)));
    // Axes of one item step nowhere, whatever they say; those of the same order are one in any order.
    assert_eq!(gathered(&[3, 1, 4, 1], 0, &[16, 999, 4, -7]), run(48, (0, 0)));
    assert_eq!(plan(&[4, 3], (0, &[4, 16]), (8, &[4, 16])), run(48, (0, 8)));
    // Both backwards is both forwards.
    assert_eq!(plan(&[3, 4], (44, &[-16, -4]), (44, &[-16, -4])), run(48, (0, 0)));
    assert_eq!(gathered(&[0, 4], 0, &[16, 4]), (Class::Nothing, 4, (0, 0), vec![]));
}

#[test]
fn neighbours_that_step_as_one_are_one_axis() {
    // Every second item of all rows, and of rows with a gap behind them: in the source, in the destination.
    assert_eq!(
        gathered(&[3, 40], 0, &[320, 8]),
        (Class::Gather, 4, (0, 0), vec![(120, 8, 4)])
    );
    let gap = vec![(3, 328, 160), (40, 8, 4)];
    assert_eq!(gathered(&[3, 40], 0, &[328, 8]), (Class::Gather, 4, (0, 0), gap));
    assert_eq!(
        plan(&[3, 40], (0, &[160, 4]), (0, &[168, 4])),
        (Class::Scatter, 160, (0, 0), vec![(3, 160, 168)])
    );
    // Three axes, of which the last two are one.
    let two = vec![(9, 1000, 480), (120, 8, 4)];
    assert_eq!(
        gathered(&[9, 3, 40], 0, &[1000, 320, 8]),
        (Class::Gather, 4, (0, 0), two)
    );
}

#[test]
fn a_stride_of_0_is_a_repetition() {
    assert_eq!(
        gathered(&[9, 3], 0, &[0, 4]),
        (Class::Repeat, 12, (0, 0), vec![(9, 0, 12)])
    );
    let each = vec![(5, 4, 36), (9, 0, 4)];
    assert_eq!(gathered(&[5, 9], 0, &[4, 0]), (Class::Repeat, 4, (0, 0), each));
}

#[test]
fn rows_are_gathered_and_scattered() {
    // The first three of forty; every second one; backwards.
    assert_eq!(
        gathered(&[30, 3], 0, &[160, 4]),
        (Class::Gather, 12, (0, 0), vec![(30, 160, 12)])
    );
    assert_eq!(gathered(&[30], 0, &[8]), (Class::Gather, 4, (0, 0), vec![(30, 8, 4)]));
    assert_eq!(
        gathered(&[30], 116, &[-4]),
        (Class::Gather, 4, (116, 0), vec![(30, -4, 4)])
    );
    // To where every second one is; what goes down in the destination goes up, and the source the other way.
    let up = (Class::Scatter, 4, (0, 0), vec![(30, 4, 8)]);
    assert_eq!(plan(&[30], (0, &[4]), (0, &[8])), up);
    assert_eq!(plan(&[30], (116, &[-4]), (232, &[-8])), up);
    // Rows that are walked backwards are not transposed, even where a slower axis steps less.
    assert_eq!(
        gathered(&[9, 9], 32, &[2, -4]),
        (Class::Gather, 4, (32, 0), vec![(9, 2, 36), (9, -4, 4)])
    );
}

#[test]
fn rows_that_become_columns_are_transposed() {
    let square = |start, across, along| (Class::Transpose, 4, (start, 0), vec![ONCE, across, along]);
    assert_eq!(gathered(&[40, 30], 0, &[4, 160]), square(0, (40, 4, 120), (30, 160, 4)));
    // Columns backwards are walked from their other end, so that the source goes up.
    assert_eq!(
        gathered(&[40, 30], 156, &[-4, 160]),
        (
            Class::Transpose,
            4,
            (0, 39 * 120),
            vec![ONCE, (40, 4, -120), (30, 160, 4)]
        )
    );
    // Rows backwards stay so.
    assert_eq!(
        gathered(&[40, 30], 29 * 160, &[4, -160]),
        square(29 * 160, (40, 4, 120), (30, -160, 4))
    );
    // The batch comes first, wherever it is in the destination.
    assert_eq!(
        gathered(&[5, 40, 30], 0, &[4800, 4, 160]),
        (
            Class::Transpose,
            4,
            (0, 0),
            vec![(5, 4800, 4800), (40, 4, 120), (30, 160, 4)]
        )
    );
    assert_eq!(
        gathered(&[40, 5, 30], 0, &[4, 5000, 160]).3,
        vec![(5, 5000, 120), (40, 4, 600), (30, 160, 4)]
    );
    // Across is the axis on which the source steps least, not one on which it stands still.
    assert_eq!(
        gathered(&[6, 40, 30], 0, &[0, 8, 800]).3,
        vec![(6, 0, 4800), (40, 8, 120), (30, 800, 4)]
    );
    assert_eq!(
        gathered(&[40, 6, 30], 0, &[8, 400, 800]).3,
        vec![(6, 400, 120), (40, 8, 720), (30, 800, 4)]
    );
}

#[test]
fn short_rows_and_small_blocks_are_listed() {
    // Rows of seven are too short, of eight not; one row is one row.
    let every_second = |columns: usize| gathered(&[100, columns], 0, &[400, 8]);
    assert_eq!(every_second(7).0, Class::List { axes: 2 });
    assert_eq!(every_second(8).0, Class::Gather);
    assert_eq!(gathered(&[7], 0, &[8]).0, Class::Gather);
    // As many axes as a list of 1024 offsets has room for, in turn those closest to contiguous in either memory.
    let many = (0..12).map(|k| 4 << ((k * 5 + 1) % 12)).collect::<Vec<isize>>();
    assert_eq!(gathered(&[2; 12], 0, &many).0, Class::List { axes: 10 });
    assert_eq!(gathered(&[2; 12], 0, &many).3.len(), 12);
    let many = (0..10).map(|k| 4 << ((k * 3 + 1) % 10)).collect::<Vec<isize>>();
    let all = gathered(&[2; 10], 0, &many);
    assert_eq!((all.0, all.3.len()), (Class::List { axes: 10 }, 11));
    // One axis is too long for a list: it is walked, with a list of the other.
    let rows = vec![(1025, 400, 28), (7, 8, 4)];
    assert_eq!(
        gathered(&[1025, 7], 0, &[400, 8]),
        (Class::List { axes: 1 }, 4, (0, 0), rows)
    );
    // A block of 32 items is worth tiles, one of 31 is not, if there are many of them.
    let many_blocks = |batch: usize, across: usize, along: usize| {
        let pitch = 4 * across.cast_signed();
        let matrix = pitch * along.cast_signed() + 4;
        let batches = matrix * batch.cast_signed() + 4;
        gathered(&[99, batch, across, along], 0, &[batches, matrix, 4, pitch]).0
    };
    assert_eq!(many_blocks(2, 4, 4), Class::Transpose);
    assert!(matches!(many_blocks(2, 3, 5), Class::List { .. }));
    // A single batch of small blocks is one of many tiles.
    assert_eq!(gathered(&[99, 2, 2], 0, &[20, 4, 8]).0, Class::Transpose);
}

/// Each byte of the destination, and the byte of the source that it comes from.
fn moves_of(plan: &CopyPlan) -> BTreeMap<usize, usize> {
    let (_, size, start, _) = planned(plan);
    let mut moves = BTreeMap::new();
    if !plan.is_empty() {
        for_each(&plan.axes, start, |src, dst| {
            for byte in 0..size {
                let before = moves.insert(dst.wrapping_add(byte), src.wrapping_add(byte));
                assert_eq!(
                    before, None,
                    "byte {byte} of the item at {dst} is written twice by {plan:?}"
                );
            }
        });
    }
    moves
}

fn moves(src: &Layout, dst: &Layout) -> BTreeMap<usize, usize> {
    let items = src.offsets().zip(dst.offsets());
    items
        .flat_map(|(s, d)| (0..src.itemsize()).map(move |byte| (d + byte, s + byte)))
        .collect()
}

/// A shape of so many axes, most of which have one item.
fn shape(ndim: usize, dims: &[usize]) -> Vec<usize> {
    let mut items = 1;
    let mut fit = |dim: usize| {
        let dim = if items * dim > 600 { 1 } else { dim };
        items *= dim;
        dim
    };
    dims.iter().cycle().take(ndim).map(|&dim| fit(dim)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        rng_seed: RngSeed::Fixed(0x57_21de),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the class, the steps of a plan are the items of both layouts, each once: up to 64 axes, for memory that nobody has.
    #[test]
    fn plans_lead_to_every_byte_once(
        ndim in prop_oneof![0..=8_usize, 0..=MAX_NDIM],
        dims in prop::collection::vec(prop_oneof![Just(1_usize), Just(2), 1_usize..9], 1..80),
        seeds in (any::<usize>(), any::<usize>()),
        gaps in prop::collection::vec(prop_oneof![Just(0_usize), Just(0), 0_usize..3], 128),
        flips in (any::<usize>(), any::<usize>()),
        (far, size) in (0_u32..30, 1_u32..6),
    ) {
        let shape = shape(ndim, &dims);
        let dtype = DType::raw(size);
        let order = |seed: usize| if seed.is_multiple_of(3) { (0..ndim).collect() } else { shuffled(ndim, seed >> 8) };
        // Gaps would multiply with each axis.
        let gaps = |from: usize| (0..ndim).map(|axis| if shape[axis] > 1 { gaps[from + axis] } else { 0 }).collect::<Vec<_>>();
        let src = layout(&shape, &order(seeds.0), &gaps(0), flips.0, &dtype);
        let dst = layout(&shape, &order(seeds.1), &gaps(64), flips.1, &dtype);
        // The source further apart than memory is large; or on top of itself.
        let strides: Vec<isize> = src.strides().iter().map(|stride| if far == 0 { 0 } else { stride << (far / 2) }).collect();
        let offset = if far == 0 { 0 } else { src.offset() << (far / 2) };
        let src = Layout::strided(&shape, &strides, offset, &dtype).unwrap();
        let plan = CopyPlan::new((&dtype, &src), (&dtype, &dst)).unwrap();
        prop_assert_eq!(moves_of(&plan), moves(&src, &dst), "{:?}", plan);
        let walk = CopyPlan::fused((&dtype, &src), (&dtype, &dst)).unwrap();
        prop_assert_eq!(moves_of(&walk), moves(&src, &dst), "{:?}", walk);
    }
}

/// As many axes as there can be: each copy is made by every engine.
#[test]
fn copies_have_up_to_64_axes() {
    for engine in Engine::all() {
        for ndim in [8, 9, 10, 22, 63, MAX_NDIM] {
            // Ten axes of two items, the last of all among them.
            let shape: Vec<usize> = (1..=ndim)
                .map(|axis| if axis + 10 > ndim || axis == 1 { 2 } else { 1 })
                .collect();
            for (seed, dtype) in [DType::U8, DType::F32, DType::F64.swapped(), DType::raw(3)]
                .into_iter()
                .enumerate()
            {
                let native = dtype.clone().into_native();
                let src = layout(&shape, &shuffled(ndim, seed), &vec![0; ndim], seed, &dtype);
                let dst = Layout::contiguous(&shape, &native, Order::C).unwrap();
                check(engine, (&dtype, &src), (&native, &dst), seed * 16);
            }
        }
    }
}

/// Lines go past the caches where the copy is larger than half of the largest one, transposed an eighth; nothing else does at any size.
#[test]
fn large_copies_are_streamed() {
    let half = (last_level_cache() / 2).max(1 << 20);
    let eighth = (last_level_cache() / 8).max(1 << 20);
    let large = Engine::new(Isa::best(), Stream::Large);
    let one_run = [Class::Run, Class::Repeat, Class::Gather, Class::List { axes: 3 }];
    for (class, from) in one_run
        .into_iter()
        .map(|class| (class, half))
        .chain([(Class::Transpose, eighth)])
    {
        assert!(
            large.streams(from, class) && !large.streams(from - 1, class),
            "{class:?}"
        );
        // A part does as the whole would.
        let part = |whole| Engine::new(Isa::best(), Stream::PartOf(whole)).streams(1 << 10, class);
        assert!(part(from) && !part(from - 1), "{class:?}");
    }
    for class in [Class::Scatter, Class::Bits, Class::Nothing] {
        assert!(!large.streams(usize::MAX, class), "{class:?}");
    }
}

/// What a plan writes, which is what decides: not an item, and not an axis of it.
#[test]
fn plans_know_how_many_bytes_they_write() {
    let shape = [5, 30, 40];
    for order in [[0, 1, 2], [2, 1, 0], [0, 2, 1]] {
        for dtype in [DType::U8, DType::F64, DType::raw(3)] {
            let src = layout(&shape, &order, &[1, 0, 1], 0, &dtype);
            let dst = Layout::contiguous(&shape, &dtype, Order::C).unwrap();
            let plan = CopyPlan::new((&dtype, &src), (&dtype, &dst)).unwrap();
            assert_eq!(plan.bytes(), dst.nbytes(), "{plan:?}");
        }
    }
}

/// Bytes that hold bits of others beside those written are read first, so that they must have been written before; whole items are not.
#[test]
fn only_bits_need_a_destination_that_holds_something() {
    let reads = |from: &DType, to: &DType| {
        let layout = |dtype: &DType| Layout::contiguous(&[3, 5], dtype, Order::C).unwrap();
        let (src, dst) = (layout(from).reverse_axes(), layout(to).reverse_axes());
        CopyPlan::new((from, &src), (to, &dst)).unwrap().reads_destination()
    };
    let nibble = DType::new(Kind::UInt, 4);
    assert!(!reads(&DType::F32, &DType::F32.swapped()));
    assert!(!reads(&DType::BIT, &DType::BOOL));
    assert!(!reads(&nibble, &nibble.clone().padded()));
    assert!(reads(&DType::BOOL, &DType::BIT));
    assert!(reads(&DType::BIT, &DType::BIT));
    assert!(reads(&nibble.clone().padded(), &nibble));
    // The last byte of a run is written bit by bit, even if all of its bits are.
    let bits = Layout::contiguous(&[16], &DType::BIT, Order::C).unwrap();
    let run = CopyPlan::new((&DType::BIT, &bits), (&DType::BIT, &bits)).unwrap();
    assert!(run.reads_destination());
}
