//! Layouts against a naive model: the explicit list of where every item is.
//!
//! The model knows no strides. An operation gathers offsets by position, so that it cannot share a mistake with the arithmetic.
#![allow(missing_docs)]
#![allow(unreachable_pub, reason = "the modules of a test")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

mod axes;
mod check;
mod model;
mod steps;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::{DType, Dim, Disjointness, Index, Layout, LayoutError, Order, Slice};

use self::check::check;
use self::steps::{Dice, root, step};
/// The variant of an error.
fn name(error: &LayoutError) -> String {
    let debug = format!("{error:?}");
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap().into()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn chains_of_operations_agree_with_the_model(
        first in prop::collection::vec(any::<u16>(), 20),
        operations in prop::collection::vec(prop::collection::vec(any::<u16>(), 24), 1..=4),
    ) {
        let (mut layout, mut model) = root(&mut Dice(first.iter()));
        check(&layout, &model);
        for operation in &operations {
            let (what, found, expected) = step(&mut Dice(operation.iter()), &layout, &model);
            match (found, expected) {
                (Ok(after), Ok(expected)) if expected.offsets.len() < 3000 => {
                    check(&after, &expected);
                    (layout, model) = (after, expected);
                }
                (Ok(_), Ok(_)) => {}
                (Err(error), Err(allowed)) => prop_assert!(
                    allowed.contains(&name(&error).as_str()),
                    "{what} on {layout:?}: {error:?}, expected {allowed:?}"
                ),
                (found, expected) => {
                    prop_assert!(false, "{what} on {layout:?}: {found:?}, expected {expected:?}");
                }
            }
        }
    }

    /// Whatever the numbers: a typed error or a layout that keeps its invariants, no panic, no overflow.
    #[test]
    fn hostile_numbers_end_in_errors(
        shape in prop::collection::vec(hostile_size(), 0..5),
        strides in prop::collection::vec(hostile_stride(), 5),
        offset in hostile_size(),
        other in prop::collection::vec(hostile_size(), 0..5),
        (a, b, c) in (hostile_stride(), hostile_stride(), hostile_stride()),
        bit in any::<bool>(),
    ) {
        let dtype = if bit { DType::BIT } else { DType::C128 };
        for order in [Order::C, Order::F] {
            if let Ok(layout) = Layout::contiguous(&shape, &dtype, order) {
                touch(&layout, &other, (a, b, c));
            }
        }
        if let Ok(layout) = Layout::strided(&shape, &strides[..shape.len()], offset, &dtype) {
            touch(&layout, &other, (a, b, c));
        }
        let slice = Slice::new(Some(a), Some(b), c);
        for size in other {
            prop_assert_eq!(slice.resolve(size).is_none(), c == 0);
            if let Some((first, count)) = slice.resolve(size) {
                prop_assert!(count == 0 || first < size);
            }
        }
    }
}

fn hostile_size() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..4_usize,
        Just(usize::MAX),
        Just(usize::MAX - 1),
        Just(isize::MAX as usize),
        Just(isize::MAX as usize + 1),
        Just(1 << 31),
        Just(1 << 32),
        Just(1 << 60),
        Just(3_037_000_500),
    ]
}

fn hostile_stride() -> impl Strategy<Value = isize> {
    prop_oneof![
        -3..4_isize,
        Just(isize::MIN),
        Just(isize::MIN + 1),
        Just(isize::MAX),
        Just(isize::MAX - 1),
        Just(1 << 60),
        Just(-(1 << 60)),
    ]
}

/// Calls everything there is and looks at the invariants of what comes back.
fn touch(layout: &Layout, shape: &[usize], (a, b, c): (isize, isize, isize)) {
    let dims: Vec<Dim> = shape.iter().copied().map(Dim::Size).collect();
    let mut open = dims.clone();
    open.push(Dim::Rest);
    let s = Slice::new(Some(a), Some(b), c);
    let mut results = vec![
        layout.index(&[Index::Slice(s), Index::NewAxis]),
        layout.index(&[Index::At(a), Index::Ellipsis, Index::At(b)]),
        layout.broadcast_to(shape),
        layout.with_itemsize(shape.len()),
        layout.with_itemsize(usize::MAX),
        Ok(layout.reverse_axes()),
        Ok(layout.squeeze()),
        layout.permute(shape),
        layout.flip_all(),
        layout.flip_axes(shape),
        layout.squeeze_axes(shape),
        layout.insert_axes(shape),
        layout.move_axes(shape, &[0, 1]),
        layout.move_axes(&[1, 0], shape),
        layout.sliding_windows(&shape.iter().map(|&size| (0, size)).collect::<Vec<_>>()),
    ];
    for order in [Order::C, Order::F] {
        results.push(layout.reshape(&dims, order));
        results.push(layout.reshape(&open, order));
        results.push(layout.reshape(&[Dim::Size(1), Dim::Rest, Dim::Size(1)], order));
    }
    for axis in (0..=layout.ndim()).chain([usize::MAX]) {
        results.push(layout.index_axis(axis, a));
        results.push(layout.slice_axis(axis, s));
        results.push(layout.flip(axis));
        results.push(layout.insert_axis(axis));
        results.push(layout.squeeze_axis(axis));
        for size in shape.iter().copied().chain([a.unsigned_abs()]) {
            results.push(layout.sliding_windows(&[(axis, size)]));
            results.push(layout.swap_axes(axis, size));
            results.push(layout.rot90(a, (axis, size)));
            results.push(layout.diagonal(b, axis, size));
            let pieces = [
                layout.split(axis, size),
                layout.array_split(axis, size),
                layout.chunks(axis, size),
            ];
            for parts in pieces.into_iter().flatten() {
                let (first, last) = (parts.clone().next(), parts.clone().next_back());
                results.extend(
                    [first, last]
                        .into_iter()
                        .flatten()
                        .map(|piece| layout.slice_axis(axis, piece)),
                );
            }
        }
        results.extend(
            layout
                .split_at_each(axis, &[a, b, c])
                .into_iter()
                .flatten()
                .map(|piece| layout.slice_axis(axis, piece)),
        );
        results.push(layout.diagonal(c, axis, 0));
    }
    for layout in results.iter().flatten().chain([layout]) {
        let span = layout.byte_span();
        assert!(span.start <= span.end);
        assert!(layout.is_empty() || span.end <= isize::MAX as usize);
        assert!(layout.nbytes() <= isize::MAX as usize);
        assert!(layout.is_equivalent(layout) && layout.ndim() <= viewbridge::MAX_NDIM);
        let _ = (
            layout.is_c_contiguous(),
            layout.is_f_contiguous(),
            layout.disjointness(),
        );
        let _ = (layout.element_strides(), layout.axes_by_stride(), layout.byte_offset());
        let _ = (layout.offsets().take(3).count(), layout.check_within(0));
    }
    for error in results.iter().filter_map(|r| r.as_ref().err()) {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn ranks_end_at_64() {
    let most = vec![1; 64];
    let layout = Layout::contiguous(&most, &DType::F64, Order::C).unwrap();
    assert_eq!((layout.ndim(), layout.len()), (64, 1));
    let too_many = Layout::contiguous(&[1; 65], &DType::F64, Order::C).unwrap_err();
    assert_eq!(too_many, LayoutError::RankTooHigh { ndim: 65 });
    let strided = Layout::strided(&[1; 65], &[0; 65], 0, &DType::F64).unwrap_err();
    assert_eq!(strided, LayoutError::RankTooHigh { ndim: 65 });
    assert_eq!(
        layout.insert_axis(0).unwrap_err(),
        LayoutError::RankTooHigh { ndim: 65 }
    );
    assert!(matches!(
        layout.index(&[Index::NewAxis]),
        Err(LayoutError::RankTooHigh { ndim: 65 })
    ));
    assert!(matches!(
        layout.broadcast_to(&[1; 65]),
        Err(LayoutError::RankTooHigh { ndim: 65 })
    ));
    let dims = vec![Dim::Size(1); 65];
    assert!(matches!(
        layout.reshape(&dims, Order::C),
        Err(LayoutError::RankTooHigh { ndim: 65 })
    ));
    // One in, one out stays legal.
    assert_eq!(layout.index(&[Index::At(0), Index::NewAxis]).unwrap().ndim(), 64);
    assert!(layout.index(&[Index::At(0); 64]).unwrap().shape().is_empty());
    assert_eq!(
        layout
            .reverse_axes()
            .permute(&(0..64).rev().collect::<Vec<_>>())
            .unwrap()
            .ndim(),
        64
    );
    assert_eq!(layout.disjointness(), Disjointness::Disjoint);
    touch(&layout, &most, (0, 1, 1));
}

#[test]
fn sizes_end_at_isize_max_with_empty_axes_counted_as_one() {
    let limit = isize::MAX as usize;
    assert!(Layout::contiguous(&[limit], &DType::U8, Order::C).is_ok());
    assert!(Layout::contiguous(&[limit], &DType::BIT, Order::C).is_ok());
    for (shape, dtype) in [
        (&[limit + 1][..], DType::U8),
        (&[limit][..], DType::I16),
        (&[0, 1 << 62, 8][..], DType::U8),
        (&[usize::MAX, usize::MAX][..], DType::U8),
        (&[0, usize::MAX][..], DType::BIT),
    ] {
        let error = Layout::contiguous(shape, &dtype, Order::F).unwrap_err();
        assert!(matches!(error, LayoutError::SizeOverflow { .. }), "{error}");
    }
}

#[test]
fn strides_that_no_address_holds() {
    let wide = Layout::strided(&[1, 3], &[isize::MIN, 1], 0, &DType::U8).unwrap();
    let overflow = wide.flip(0).unwrap_err();
    let expected = LayoutError::StrideOverflow {
        axis: 0,
        stride: isize::MIN,
        factor: -1,
    };
    assert_eq!(overflow, expected);
    // A step out of every memory leaves the one item, and the stride that means nothing.
    let stepped = wide.slice_axis(0, Slice::ALL.step_by(2)).unwrap();
    assert_eq!(stepped, wide);
    // Where there are no items, the axis is stepped along, if only on paper.
    let empty = Layout::strided(&[3, 0], &[isize::MIN, 1], 0, &DType::U8).unwrap();
    let stepped = empty.slice_axis(0, Slice::ALL.step_by(2)).unwrap_err();
    assert!(matches!(stepped, LayoutError::StrideOverflow { factor: 2, .. }));
    // An axis of one item is never stepped along.
    assert_eq!(wide.byte_span(), 0..3);
    assert_eq!(wide.index_axis(0, -1).unwrap().byte_span(), 0..3);
}
