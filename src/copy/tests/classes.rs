//! Which axes are for which kernel: plans as text, without memory.

use super::super::classify::Class;
use super::super::plan::{CopyPlan, Item};
use crate::dtype::DType;
use crate::layout::Layout;
use crate::memory::Order;

/// A plan as its class, bytes of an item, where it begins, and its axes: length, source stride, destination stride.
pub(super) type Planned = (Class, usize, (usize, usize), Vec<(usize, isize, isize)>);

pub(super) fn planned(plan: &CopyPlan) -> Planned {
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
    // Windows, one item or two apart, are rows.
    assert_eq!(
        gathered(&[99, 9], 0, &[8, 8]),
        (Class::Gather, 4, (0, 0), vec![(99, 8, 36), (9, 8, 4)])
    );
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
    let walked: Vec<isize> = gathered(&[2; 12], 0, &many).3[..2].iter().map(|axis| axis.2).collect();
    assert_eq!(walked, [4 << 9, 4 << 7]);
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
    // A single batch is one call, however small.
    assert_eq!(gathered(&[3, 2, 2], 0, &[20, 4, 8]).0, Class::Transpose);
    // The batch that the kernel takes is the fastest axis but across and along.
    assert!(matches!(
        gathered(&[3, 99, 2, 4], 0, &[4, 9000, 900, 90]).0,
        Class::List { .. }
    ));
}
