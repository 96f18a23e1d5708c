//! What is planned, without memory: every byte once; for which types; how many bytes, and where they go.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::classify::Class;
use super::super::describe::Kernel;
use super::super::engine::{Engine, Stream};
use super::super::isa::{Isa, last_level_cache};
use super::super::plain::Plain;
use super::super::plan::{CopyPlan, Item, for_each};
use super::classes::planned;
use super::{check, layout, shuffled};
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, MAX_NDIM};
use crate::memory::Order;

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

#[test]
fn there_is_a_plan_for_types_that_differ_in_byte_order_and_packing_alone() {
    let item = |from: &DType, to: &DType| {
        let layout = |dtype: &DType| Layout::contiguous(&[3], dtype, Order::C).unwrap();
        let ((src, dst), mut plain) = ((layout(from), layout(to)), Plain::blank());
        let plan = CopyPlan::new((from, &src), (to, &dst));
        // The look in front of the planner sees no more than the planner does.
        let seen = plain.look((from, &src), (to, &dst));
        assert!(!seen || plan.is_some(), "{from} {to}");
        plan.map(|plan| plan.item)
    };
    let bytes = |size, swap| Some(Item::Bytes { size, swap });
    let bits = |src, dst, truth| Some(Item::Bits { src, dst, truth });
    assert_eq!(item(&DType::F32, &DType::F32), bytes(12, 1));
    assert_eq!(item(&DType::F32, &DType::F32.swapped()), bytes(12, 4));
    assert_eq!(item(&DType::C64.swapped(), &DType::C64), bytes(24, 4));
    // A run of bits is one item, truth values are not.
    assert_eq!(item(&DType::BIT, &DType::BIT), bits(3, 3, false));
    assert_eq!(item(&DType::BIT, &DType::BOOL), bits(1, 8, true));
    let (nibble, bool16) = (DType::new(Kind::UInt, 4), DType::new(Kind::Bool, 16));
    assert_eq!(item(&nibble, &nibble.clone().padded()), bits(4, 8, false));
    assert_eq!(item(&bool16, &DType::BOOL), bits(16, 8, true));
    // Other kinds, widths, lanes, fields.
    let record = |text: &str| text.parse::<DType>().unwrap();
    for (from, to) in [
        (DType::I32, DType::F32),
        (DType::I32, DType::I64),
        (DType::F64, DType::F32),
        (DType::F32.with_lanes(2), DType::F32.with_lanes(3)),
        (DType::F32, DType::F32.with_lanes(2)),
        (DType::BIT.with_lanes(2), DType::BOOL),
        (nibble, DType::new(Kind::UInt, 6)),
        (DType::raw(4), DType::raw(5)),
        (record("u1,i4"), record("u1,>i4")),
        (record("u1,i4"), record("i4,u1")),
    ] {
        assert_eq!(item(&from, &to), None, "{from} {to}");
        assert_eq!(item(&to, &from), None, "{to} {from}");
    }
    assert_eq!(item(&record("u1,i4"), &record("u1,i4")), bytes(15, 1));
}

#[test]
fn items_of_no_bytes_and_no_items_are_nothing_to_copy() {
    let nothing = DType::raw(0);
    for (shape, dtype) in [
        (&[][..], &nothing),
        (&[3, 2], &nothing),
        (&[0, 4], &DType::F32),
        (&[4, 0], &DType::F32),
    ] {
        let layout = Layout::contiguous(shape, dtype, Order::C).unwrap();
        let copy = ((dtype, &layout), (dtype, &layout));
        assert!(CopyPlan::new(copy.0, copy.1).unwrap().is_empty());
        assert!(CopyPlan::fused(copy.0, copy.1).unwrap().is_empty());
        assert!(!Plain::blank().look(copy.0, copy.1));
    }
}

/// Whoever walks a plan himself gets the axes from slowest to fastest, runs as one item, and numbers that are swapped one by one.
#[test]
fn plans_to_be_walked_keep_their_order() {
    let fused = |from: &DType| {
        let src = Layout::contiguous(&[40, 30], from, Order::C).unwrap().reverse_axes();
        let dst = Layout::contiguous(&[30, 40], &DType::F32, Order::C).unwrap();
        planned(&CopyPlan::fused((from, &src), (&DType::F32, &dst)).unwrap())
    };
    let axes = vec![(30, 4, 160), (40, 120, 4)];
    assert_eq!(fused(&DType::F32), (Class::Scatter, 4, (0, 0), axes));
    let run = |from: &DType| {
        let layout = Layout::contiguous(&[30], &DType::F32, Order::C).unwrap();
        planned(&CopyPlan::fused((from, &layout), (&DType::F32, &layout)).unwrap()).1
    };
    assert_eq!((run(&DType::F32), run(&DType::F32.swapped())), (120, 4));
}

/// What a kernel says of itself is what will be done, also where the planner has no short way.
#[test]
fn kernels_say_whether_they_stream() {
    let rows = last_level_cache().max(1 << 20);
    let streams = |dst: &Layout| {
        let src = Layout::contiguous(dst.shape(), &DType::F32, Order::C).unwrap();
        let plan = CopyPlan::new((&DType::F32, &src), (&DType::F32, dst)).unwrap();
        let kernel = Kernel::of(&plan);
        assert_eq!(Kernel::of_copy((&DType::F32, &src), (&DType::F32, dst)), Some(kernel));
        (kernel.streams(), kernel.to_string().contains("past the caches"))
    };
    let columns = |rows: usize| Layout::contiguous(&[rows, 30], &DType::F32, Order::F).unwrap();
    assert_eq!(streams(&columns(rows)), (true, true));
    assert_eq!(streams(&columns(100)), (false, false));
    // What goes to strided memory never does.
    let apart = Layout::strided(&[rows], &[12], 0, &DType::F32).unwrap();
    assert_eq!(streams(&apart), (false, false));
}
