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
use viewbridge::{Buffer, DType, Error, Index, Kind, Layout, Order, Overlap, Slice, StridedView, Unit};

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
    #![proptest_config(config(10_000))]

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
    prop::collection::vec((0..1000_usize, 0..1000_usize, -6..=6_isize), 5)
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
    #![proptest_config(config(10_000))]

    #[test]
    fn slices_of_one_parent_need_a_budget_of_one(
        shape in prop::collection::vec(1..7_usize, 0..=5),
        (itemsize, gap) in (1..10_u32, 0..2_usize),
        (a, b) in (cuts(), cuts()),
    ) {
        let (a, b) = slices(&shape, itemsize, gap, &a, &b);
        prop_assert_eq!(a.shares_memory(&b, 1), certain(share(&a, &b)), "{:?} {:?}", a, b);
    }
}

#[test]
fn axes_are_decided_one_by_one() {
    // Rows 0, 5, 10 beside 1, 8, 15; columns that meet at every sixth. A search column by column would fail 500 times.
    let whole = Layout::contiguous(&[16, 1000], &DType::F64, Order::C).unwrap();
    let part = |row, rows, columns| {
        let rows = Index::Slice(Slice::new(Some(row), None, rows));
        whole.index(&[rows, Index::Slice(Slice::ALL.step_by(columns))]).unwrap()
    };
    let (a, b) = (part(0, 5, 2).slice_axis(0, ..3).unwrap(), part(1, 7, 3));
    assert_eq!(a.shares_memory(&b, 1), Overlap::Disjoint);
    assert_eq!(part(0, 5, 2).shares_memory(&b, 1), Overlap::Shared);
}

/// How long a search may take that is given up, in a build without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);

/// Strides without a pattern: neither nested nor of a common divisor.
fn scattered(ndim: usize, bits: u32, seed: u64) -> Vec<isize> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> (64 - bits)) as isize | 1
    };
    (0..ndim).map(|_| next()).collect()
}

#[test]
fn searches_end_with_the_budget() {
    let began = Instant::now();
    let mut given_up = 0;
    for (ndim, bits, seed) in [(62, 56, 1), (40, 57, 2), (62, 30, 3), (24, 58, 4), (20, 40, 5)] {
        let shape = vec![2; ndim];
        let a = Layout::strided(&shape, &scattered(ndim, bits, seed), 0, &DType::U8).unwrap();
        let b = Layout::strided(&shape, &scattered(ndim, bits, seed + 100), 12_345, &DType::BIT).unwrap();
        for budget in [0, 1, 1000] {
            for found in [
                a.overlaps_itself(budget),
                a.shares_memory(&b, budget),
                b.shares_memory(&a, budget),
            ] {
                given_up += usize::from(found == Overlap::TooHard);
            }
        }
    }
    assert!(given_up > 0, "none of the questions was hard");
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn what_is_too_hard_is_not_written() {
    let layout = Layout::strided(&[2; 16], &scattered(16, 20, 0), 0, &DType::U8).unwrap();
    assert_eq!(layout.overlaps_itself(10_000), Overlap::TooHard);
    let memory = Buffer::from_vec(vec![0_u8; layout.byte_span().end]);
    let (_, error) = StridedView::new(memory, DType::U8, layout)
        .unwrap()
        .into_mut()
        .unwrap_err();
    assert!(matches!(error, Error::SelfOverlap { .. }), "{error}");
}

fn hostile_size() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 0..4_usize,
        1 => Just(isize::MAX as usize),
        1 => Just(1 << 31),
        1 => Just((1 << 60) - 1),
        1 => Just(3_037_000_499),
    ]
}

fn hostile_stride() -> impl Strategy<Value = isize> {
    prop_oneof![
        -9..10_isize,
        Just(isize::MIN),
        Just(isize::MAX - 1),
        Just(isize::MAX / 2),
        Just(-isize::MAX / 3),
        Just(1 << 31),
        Just((1 << 61) - 1),
        Just(3_037_000_499),
    ]
}

fn hostile_layout() -> impl Strategy<Value = Layout> {
    let dtype = prop_oneof![
        Just(DType::BIT),
        Just(DType::U8),
        Just(DType::raw(7)),
        Just(DType::raw(u32::MAX))
    ];
    let axes = prop_oneof![
        prop::collection::vec((hostile_size(), hostile_stride()), 1..4),
        prop::collection::vec((0..3_usize, -(1_isize << 58)..1 << 58), 6..20),
        prop::collection::vec((1..3_usize, hostile_stride()), 64),
    ];
    let offset = prop_oneof![
        0..100_usize,
        Just(isize::MAX as usize / 2),
        Just(isize::MAX as usize / 3 * 2)
    ];
    (axes, offset, dtype).prop_filter_map("an address space", |(axes, offset, dtype)| {
        // Axes that no address holds are left out, as long as rank allows.
        let (mut shape, mut strides) = (Vec::new(), Vec::new());
        for (size, stride) in axes {
            shape.push(size);
            strides.push(stride);
            if Layout::strided(&shape, &strides, offset, &dtype).is_err() {
                *shape.last_mut().unwrap() = 1;
            }
        }
        Layout::strided(&shape, &strides, offset, &dtype).ok()
    })
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn hostile_numbers_end_in_answers(a in hostile_layout(), b in hostile_layout()) {
        for budget in [0, 1, 30] {
            let (ab, ba) = (a.shares_memory(&b, budget), b.shares_memory(&a, budget));
            prop_assert!(ab == ba || ab == Overlap::TooHard || ba == Overlap::TooHard);
            prop_assert!(ab != Overlap::Shared || a.may_share_memory(&b));
            prop_assert_ne!(a.shares_memory(&a, budget), certain(a.is_empty()));
            let _ = a.overlaps_itself(budget);
        }
        prop_assert_eq!(a.may_share_memory(&b), b.may_share_memory(&a));
        // The first item of a layout is shared with the layout.
        if !a.is_empty() {
            let first = Layout::strided(&[], &[], a.offset(), &if a.unit() == Unit::Bit { DType::BIT } else { DType::U8 });
            prop_assert_ne!(a.shares_memory(&first.unwrap(), 100), Overlap::Disjoint);
        }
    }
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn exclusive_views_are_those_that_do_not_fold(layout in layout(DType::U16)) {
        let memory = Buffer::from_vec(vec![0xAA_u8; layout.byte_span().end]);
        let view = StridedView::new(memory, DType::U16, layout.clone()).unwrap();
        match view.into_mut() {
            Ok(mut view) => {
                prop_assert!(!folds(&layout));
                let items: Vec<u16> = (0..layout.len() as u16).collect();
                let source = StridedView::from_vec(items.clone()).reshape(layout.shape()).unwrap();
                source.copy_into(&mut view).unwrap();
                prop_assert_eq!(view.as_view().to_vec::<u16>().unwrap(), items);
            }
            Err((view, error)) => {
                prop_assert!(folds(view.layout()));
                let refused = matches!(error, Error::SelfOverlap { .. });
                prop_assert!(refused);
            }
        }
    }
}

#[test]
fn views_of_different_buffers_meet_by_address() {
    let items: Vec<i32> = (0..12).collect();
    let (low, high) = (
        StridedView::from_slice(&items[..8]),
        StridedView::from_slice(&items[4..]),
    );
    assert!(low.may_share_memory(&high));
    assert_eq!(low.shares_memory(&high, 1), Overlap::Shared);
    assert_eq!(high.shares_memory(&low, 1), Overlap::Shared);
    let every = |view: &StridedView<'_>, start| -> Vec<i32> {
        view.slice_axis(0, Slice::new(Some(start), None, 2))
            .unwrap()
            .to_vec()
            .unwrap()
    };
    assert_eq!((every(&low, 0)[2], every(&high, 1)[0]), (4, 5));
    for (a, b, found) in [
        (0, 0, Overlap::Shared),
        (0, 1, Overlap::Disjoint),
        (1, 1, Overlap::Shared),
    ] {
        let a = low.slice_axis(0, Slice::new(Some(a), None, 2)).unwrap();
        let b = high
            .slice_axis(0, Slice::new(Some(b), None, 2))
            .unwrap()
            .flip(0)
            .unwrap();
        assert!(a.may_share_memory(&b));
        assert_eq!((a.shares_memory(&b, 1), b.shares_memory(&a, 1)), (found, found));
    }
    let (first, last) = (low.slice_axis(0, ..4).unwrap(), high);
    assert!(!first.may_share_memory(&last));
    assert_eq!(first.shares_memory(&last, 0), Overlap::Disjoint);
}
