//! Every error of a view's arithmetic, with the numbers that it carries.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use viewbridge::{DType, Dim, Error, Layout, LayoutError as E, Order, Slice, StridedView, broadcast_shape, s};

fn view(shape: &[usize]) -> StridedView<'static> {
    StridedView::from_vec(vec![0_i32; shape.iter().product()])
        .reshape(shape)
        .unwrap()
}

/// The layout error of a view operation.
fn of<T>(result: Result<T, Error>) -> E {
    match result {
        Err(Error::Layout(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("no error"),
    }
}

fn cases() -> Vec<(E, E)> {
    let a = view(&[2, 3, 4]);
    let t = a.transpose();
    let bits = Layout::contiguous(&[8], &DType::BIT, Order::C).unwrap();
    let wide = Layout::strided(&[1, 3], &[isize::MIN, 1], 0, &DType::U8).unwrap();
    let whole = |axis, size| E::NotSizeOne { axis, size };
    let beyond = |axis, ndim| E::AxisOutOfRange { axis, ndim };
    let twice = |axis| E::RepeatedAxis { axis };
    let lists = |expected, found| E::RankMismatch { expected, found };
    let index = |axis, index, size| E::IndexOutOfRange { axis, index, size };
    vec![
        // Indices.
        (of(a.index(&s![0, -4])), index(1, -4, 3)),
        (of(a.index(&s![..., 4])), index(2, 4, 4)),
        (of(a.index_axis(0, 2)), index(0, 2, 2)),
        (of(a.index_axis(0, isize::MIN)), index(0, isize::MIN, 2)),
        (of(view(&[0]).index(&s![0])), index(0, 0, 0)),
        (of(a.index(&s![0, 0, 0, 0])), E::TooManyIndices { given: 4, ndim: 3 }),
        (of(a.index(&s![..., None, ...])), E::SecondEllipsis { position: 2 }),
        (of(a.index(&s![:, ::0])), E::ZeroStep { axis: 1 }),
        (of(a.slice_axis(2, Slice::ALL.step_by(0))), E::ZeroStep { axis: 2 }),
        (of(a.slice_axis(3, ..)), beyond(3, 3)),
        (of(a.index_axis(7, 0)), beyond(7, 3)),
        (
            wide.flip(0).unwrap_err(),
            E::StrideOverflow {
                axis: 0,
                stride: isize::MIN,
                factor: -1,
            },
        ),
        // Axes.
        (of(a.permute(&[0, 1])), lists(3, 2)),
        (of(a.permute(&[0, 1, 3])), beyond(3, 3)),
        (of(a.permute(&[0, 1, 1])), twice(1)),
        (of(a.swap_axes(0, 3)), beyond(3, 3)),
        (of(a.move_axis(0, 3)), beyond(3, 3)),
        (of(a.move_axes(&[0, 1], &[0])), lists(2, 1)),
        (of(a.move_axes(&[2, 2], &[0, 1])), twice(2)),
        (of(a.move_axes(&[0, 1], &[2, 2])), twice(2)),
        (of(a.flip(3)), beyond(3, 3)),
        (of(a.flip_axes(&[1, 1])), twice(1)),
        (of(a.rot90(1, (0, 0))), twice(0)),
        (of(a.rot90(0, (0, 5))), beyond(5, 3)),
        (of(a.squeeze_axis(1)), whole(1, 3)),
        (of(a.squeeze_axes(&[3])), beyond(3, 3)),
        (of(view(&[1]).squeeze_axes(&[0, 0])), twice(0)),
        (of(a.insert_axis(5)), beyond(5, 4)),
        (of(a.insert_axes(&[0, 5])), beyond(5, 5)),
        (of(a.insert_axes(&[0, 0])), twice(0)),
        (of(view(&[1; 64]).insert_axis(0)), E::RankTooHigh { ndim: 65 }),
        // Repetition.
        (of(a.broadcast_to(&[3, 4])), E::BroadcastRank { ndim: 3, target: 2 }),
        (
            of(a.broadcast_to(&[2, 2, 5, 4])),
            E::Broadcast {
                axis: 2,
                size: 3,
                target: 5,
            },
        ),
        (
            broadcast_shape(&[&[3], &[2, 4]]).unwrap_err(),
            E::BroadcastConflict {
                axis: 1,
                operand: 1,
                size: 4,
                expected: 3,
            },
        ),
        (
            of(view(&[1]).broadcast_to(&[1 << 40, 1 << 40])),
            E::SizeOverflow {
                shape: vec![1 << 40, 1 << 40],
                itemsize: 4,
            },
        ),
        (
            of(a.sliding_windows(&[(1, 4)])),
            E::WindowTooLarge {
                axis: 1,
                window: 4,
                size: 3,
            },
        ),
        (of(a.sliding_windows(&[(3, 1)])), beyond(3, 3)),
        (of(a.diagonal(0, 1, 1)), twice(1)),
        (of(a.diagonal(0, 0, 3)), beyond(3, 3)),
        (of(a.as_strided(&[2], &[], 0)), lists(1, 0)),
        (
            of(a.as_strided(&[2], &[4], 92)),
            E::OutOfBounds {
                lowest: 92,
                highest: 100,
                available: 96,
            },
        ),
        (
            of(a.as_strided(&[], &[], -1)),
            E::OutOfBounds {
                lowest: -1,
                highest: 0,
                available: 96,
            },
        ),
        // Pieces.
        (
            of(a.split(2, 3).map(|_| ())),
            E::UnevenSplit {
                axis: 2,
                size: 4,
                sections: 3,
            },
        ),
        (
            of(a.array_split(0, 0).map(|_| ())),
            E::UnevenSplit {
                axis: 0,
                size: 2,
                sections: 0,
            },
        ),
        (of(a.chunks(1, 0).map(|_| ())), E::EmptyChunks { axis: 1 }),
        (of(a.split_at_each(3, &[1]).map(|_| ())), beyond(3, 3)),
        (of(a.axis_iter(4).map(|_| ())), beyond(4, 3)),
        // Shapes.
        (
            of(a.reshape(&[5, 5])),
            E::ReshapeSize {
                from: 24,
                to: vec![5, 5],
            },
        ),
        (
            of(a.reshape_with(&[Dim::Rest, Dim::Size(5)], Order::C)),
            E::ReshapeUnknown { items: 24, known: 5 },
        ),
        (
            of(view(&[0, 2]).reshape_with(&[Dim::Rest, Dim::Size(0)], Order::C)),
            E::ReshapeUnknown { items: 0, known: 0 },
        ),
        (
            of(a.reshape_with(&[Dim::Rest, Dim::Size(2), Dim::Rest], Order::C)),
            E::SecondUnknown { position: 2 },
        ),
        (
            of(t.reshape(&[24])),
            E::ReshapeBlocked {
                axis: 0,
                next: 1,
                stride: 4,
                expected: 48,
            },
        ),
        (
            of(a.reshape_with(&[Dim::Size(2), Dim::Size(12)], Order::F)),
            E::ReshapeBlocked {
                axis: 2,
                next: 1,
                stride: 4,
                expected: 48,
            },
        ),
        // Items of other types.
        (
            of(t.view_as(DType::U8)),
            E::ReinterpretStride {
                stride: 48,
                expected: 4,
            },
        ),
        (
            of(a.view_as(DType::raw(3))),
            E::ReinterpretSize {
                available: 16,
                itemsize: 3,
            },
        ),
        (
            of(view(&[]).view_as(DType::U64)),
            E::ReinterpretSize {
                available: 4,
                itemsize: 8,
            },
        ),
        (bits.with_itemsize(1).unwrap_err(), E::PackedItems { bits: 1 }),
    ]
}

#[test]
fn every_error_carries_its_numbers() {
    for (found, expected) in cases() {
        assert_eq!(found, expected);
        assert!(!found.to_string().is_empty());
    }
}

#[test]
fn no_error_is_left_out() {
    let name = |error: &E| format!("{error:?}").split([' ', '{']).next().unwrap().to_owned();
    let reached: BTreeSet<String> = cases().iter().map(|(error, _)| name(error)).collect();
    let source = include_str!("../src/error/layout.rs");
    let body = source
        .split("pub enum LayoutError {")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap();
    // Variants stand four spaces in.
    let variants = body
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    let all: BTreeSet<String> = variants
        .filter(|name| !name.starts_with(' '))
        .map(str::to_owned)
        .collect();
    assert!(all.len() > 20);
    assert_eq!(all.difference(&reached).collect::<Vec<_>>(), Vec::<&String>::new());
}
