//! Overlap of layouts against the sets of the places that their items take.
#![allow(missing_docs)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::{DType, Index, Kind, Layout, Order, Overlap, Slice, Unit};

/// More dead ends than the small layouts of these tests have.
const PLENTY: usize = 1_000_000;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Every bit that an item takes, once for each item that takes it.
fn bits(layout: &Layout) -> Vec<usize> {
    let scale = if layout.unit() == Unit::Bit { 1 } else { 8 };
    layout
        .offsets()
        .flat_map(|offset| offset * scale..(offset + layout.itemsize()) * scale)
        .collect()
}

fn share(a: &Layout, b: &Layout) -> bool {
    let taken: HashSet<usize> = bits(a).into_iter().collect();
    bits(b).iter().any(|bit| taken.contains(bit))
}

fn folds(layout: &Layout) -> bool {
    let mut taken = HashSet::new();
    !bits(layout).into_iter().all(|bit| taken.insert(bit))
}

/// The answer in full.
fn certain(overlaps: bool) -> Overlap {
    if overlaps { Overlap::Shared } else { Overlap::Disjoint }
}

fn dtype() -> impl Strategy<Value = DType> {
    prop_oneof![
        6 => (0..10_u32).prop_map(DType::raw),
        1 => Just(DType::BIT),
        1 => Just(DType::new(Kind::Float4E2m1fn, 4)),
    ]
}

/// A small layout of any strides, moved to where its lowest item may be.
fn layout(dtype: DType) -> impl Strategy<Value = Layout> {
    let axis = (
        prop::sample::select(vec![0, 1, 2, 2, 3, 3, 4, 5]),
        -20..=20_isize,
        0..4_usize,
    );
    (prop::collection::vec(axis, 0..=4), 0..50_usize).prop_map(move |(axes, lowest)| {
        let item = Layout::contiguous(&[], &dtype, Order::C).unwrap().itemsize() as isize;
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        // Some strides are whole items.
        let strides: Vec<isize> = axes
            .iter()
            .map(|&(_, stride, whole)| if whole == 0 { stride % 7 * item } else { stride })
            .collect();
        let below: usize = shape
            .iter()
            .zip(&strides)
            .map(|(&dim, stride)| dim.saturating_sub(1) * stride.min(&0).unsigned_abs())
            .sum();
        Layout::strided(&shape, &strides, lowest + below, &dtype).unwrap()
    })
}

fn any_layout() -> impl Strategy<Value = Layout> {
    dtype().prop_flat_map(layout)
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn pairs_share_what_their_places_share(a in any_layout(), b in any_layout()) {
        let shared = share(&a, &b);
        prop_assert_eq!(a.shares_memory(&b, PLENTY), certain(shared));
        prop_assert_eq!(b.shares_memory(&a, PLENTY), certain(shared));
        prop_assert!(a.may_share_memory(&b) || !shared);
        let bytes = |layout: &Layout| bits(layout).iter().map(|bit| bit / 8).collect::<Vec<_>>();
        let (a_bytes, b_bytes) = (bytes(&a), bytes(&b));
        let apart = |low: &[usize], high: &[usize]| low.iter().max() < high.iter().min();
        let bounds = !a_bytes.is_empty() && !b_bytes.is_empty() && !apart(&a_bytes, &b_bytes) && !apart(&b_bytes, &a_bytes);
        prop_assert_eq!(a.may_share_memory(&b), bounds);
        // A small budget may leave the question open, and never answers it wrongly.
        for budget in 0..3 {
            let found = a.shares_memory(&b, budget);
            prop_assert!(found == Overlap::TooHard || found == certain(shared));
        }
    }

    #[test]
    fn items_overlap_where_a_place_is_taken_twice(layout in any_layout()) {
        let folded = certain(folds(&layout));
        prop_assert_eq!(layout.overlaps_itself(PLENTY), folded);
        for budget in 0..3 {
            let found = layout.overlaps_itself(budget);
            prop_assert!(found == Overlap::TooHard || found == folded);
        }
    }
}

/// A slice of an axis with random ends and a random step, or one position of it.
fn cut(size: usize, (first, last, step): (usize, usize, isize)) -> Index {
    let (first, last) = (first % size, last % size);
    if step == 0 {
        return Index::At(first as isize);
    }
    let (low, high) = (first.min(last) as isize, first.max(last) as isize);
    Index::Slice(if step > 0 {
        Slice::new(Some(low), Some(high + 1), step)
    } else {
        Slice::new(Some(high), (low > 0).then_some(low - 1), step)
    })
}

type Cuts = Vec<(usize, usize, isize)>;

fn cuts() -> impl Strategy<Value = Cuts> {
    prop::collection::vec((0..1000_usize, 0..1000_usize, -6..=6_isize), 8)
}

fn slices(shape: &[usize], itemsize: u32, gap: usize, a: &Cuts, b: &Cuts) -> (Layout, Layout) {
    // Rows that are longer than their items: the parent need not be contiguous.
    let padded: Vec<usize> = shape.iter().map(|dim| dim + gap).collect();
    let whole = Layout::contiguous(&padded, &DType::raw(itemsize), Order::C).unwrap();
    let part = |cuts: &Cuts| {
        let indices: Vec<Index> = shape.iter().zip(cuts).map(|(&dim, &c)| cut(dim, c)).collect();
        whole.index(&indices).unwrap()
    };
    (part(a), part(b).reverse_axes())
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn slices_of_one_parent_need_a_budget_of_one(
        shape in prop::collection::vec(1..9_usize, 0..=4),
        (itemsize, gap) in (1..10_u32, 0..2_usize),
        (a, b) in (cuts(), cuts()),
    ) {
        let (a, b) = slices(&shape, itemsize, gap, &a, &b);
        prop_assert_eq!(a.shares_memory(&b, 1), certain(share(&a, &b)), "{:?} {:?}", a, b);
    }
}

#[test]
fn hmm() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::new(config(1));
    let mut hist = std::collections::BTreeMap::new();
    for _ in 0..150000 {
        let s = (
            prop::collection::vec(1..5_usize, 3..=7),
            1..10_u32,
            0..2_usize,
            cuts(),
            cuts(),
        );
        let (shape, i, g, a, b) = s.new_tree(&mut runner).unwrap().current();
        let (a, b) = slices(&shape, i, g, &a, &b);
        let n = (1..).find(|&n| a.shares_memory(&b, n) != Overlap::TooHard).unwrap();
        if n == 2 && hist.get(&2).is_none() {
            println!("{a:?}\n{b:?}");
        }
        *hist.entry(n).or_insert(0) += 1;
    }
    println!("{hist:?}");
}
