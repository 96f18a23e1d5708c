//! Random chains. The distribution matters: it is what lets chains of three operations find what single ones do not.

use viewbridge::{DType, Index, IndexExpr, Kind, Slice, StridedView};

use super::chain::{Op, Root, Rule};

const SIZES: [usize; 8] = [0, 1, 1, 2, 2, 3, 4, 6];
const DTYPES: [&str; 18] = [
    "u1", "u1", "<u2", "<u4", "<u8", "<i2", "<f4", "<f8", "<f8", ">u4", ">f8", "<c8", "<c16", "V3", "V6", "S5", "<U2",
    "record",
];

/// Random numbers from a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap();
        usize::try_from(self.next() % n).unwrap()
    }

    fn between(&mut self, low: isize, high: isize) -> isize {
        low + self.below((high - low + 1).unsigned_abs()).cast_signed()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn size(&mut self) -> usize {
        *self.pick(&SIZES)
    }

    fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut axes: Vec<usize> = (0..n).collect();
        for k in (1..n).rev() {
            axes.swap(k, self.below(k + 1));
        }
        axes
    }

    /// Some axes, each once; sometimes one that is not there, or one twice.
    fn some_axes(&mut self, ndim: usize) -> Vec<usize> {
        let mut axes = self.shuffled(ndim);
        axes.truncate(self.below(ndim + 1));
        match self.below(12) {
            0 => axes.push(ndim),
            1 if !axes.is_empty() => axes.push(axes[0]),
            _ => {}
        }
        axes
    }

    /// An axis; sometimes one that is not there.
    fn axis(&mut self, ndim: usize) -> usize {
        if ndim == 0 || self.one_in(16) {
            ndim
        } else {
            self.below(ndim)
        }
    }
}

pub fn root(dice: &mut Dice) -> Root {
    let dtype = *dice.pick(&DTYPES);
    let itemsize = super::replay::dtype(dtype).itemsize().cast_signed();
    let ndim = dice.below(5);
    let shape: Vec<usize> = (0..ndim).map(|_| dice.size()).collect();
    let kind = dice.below(4);
    let mut axes: Vec<usize> = (0..ndim).collect();
    if kind != 1 {
        axes.reverse();
    }
    let (mut strides, mut reach) = (vec![0; ndim], itemsize);
    for axis in axes {
        strides[axis] = if kind < 2 {
            reach
        } else {
            *dice.pick(&[reach, reach, -reach, 0, reach + itemsize, 3, -itemsize])
        };
        reach = strides[axis].abs().max(1) * shape[axis].max(1).cast_signed();
    }
    let reaches = || {
        shape
            .iter()
            .zip(&strides)
            .map(|(&n, s)| n.saturating_sub(1).cast_signed() * s)
    };
    let below = reaches().filter(|r| *r < 0).sum::<isize>().unsigned_abs();
    let above = reaches().filter(|r| *r > 0).sum::<isize>().unsigned_abs();
    let offset = below + *dice.pick(&[0, 0, 0, 8, 16, 3]);
    if offset + above + itemsize.unsigned_abs() > 4000 {
        return self::root(dice);
    }
    Root {
        misalignment: if dice.one_in(2) { 0 } else { dice.below(16) },
        writable: !dice.one_in(4),
        dtype: dtype.into(),
        shape,
        strides,
        offset,
    }
}

fn slice(dice: &mut Dice, size: usize) -> Slice {
    let edge = size.cast_signed() + 2;
    let mut bound = || (!dice.one_in(3)).then(|| dice.between(-edge, edge));
    let (start, stop) = (bound(), bound());
    let step = if dice.one_in(40) {
        0
    } else {
        *dice.pick(&[1, 1, -1, 2, -2, 3, -3])
    };
    Slice::new(start, stop, step)
}

fn index(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let (mut entries, mut axis) = (Vec::new(), 0);
    let count = dice.below(view.ndim() + 2);
    while entries.len() < count {
        let size = view.shape().get(axis).copied().unwrap_or(2);
        entries.push(match dice.below(16) {
            0..8 => Index::Slice(slice(dice, size)),
            8..12 => {
                let (low, high) = if dice.one_in(6) { (1, 0) } else { (0, 1) };
                Index::At(dice.between(-size.cast_signed() - low, size.cast_signed() - high))
            }
            12..14 => Index::NewAxis,
            _ => Index::Ellipsis,
        });
        axis += usize::from(matches!(entries.last(), Some(Index::At(_) | Index::Slice(_))));
    }
    Op::Index(IndexExpr::from(entries).to_string())
}

/// A shape of as many items, with 1s put in; sometimes with an unknown dimension, or of other items.
fn reshape(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let mut dims: Vec<isize> = Vec::new();
    let mut left = view.len();
    if left == 0 {
        dims = dice
            .pick(&[&[0][..], &[2, 0], &[0, 3, 2], &[1, 0, 1], &[4, 1, 0, 2]])
            .to_vec();
    }
    if dice.one_in(3) {
        // The present shape, axes merged and 1s dropped: what strided views can often do.
        dims = view
            .shape()
            .iter()
            .filter(|&&n| n != 1)
            .map(|n| n.cast_signed())
            .collect();
        for _ in 0..dice.below(3) {
            if dims.len() > 1 {
                let k = dice.below(dims.len() - 1);
                dims[k] *= dims.remove(k + 1);
            }
        }
        left = 1;
    }
    while left > 1 {
        let divisors: Vec<usize> = (2..=left).filter(|d| left.is_multiple_of(*d)).collect();
        let dim = *dice.pick(&divisors);
        dims.push(dim.cast_signed());
        left /= dim;
    }
    for _ in 0..*dice.pick(&[0, 0, 1, 2]) {
        dims.insert(dice.below(dims.len() + 1), 1);
    }
    if !dims.is_empty() && dice.one_in(4) {
        let k = dice.below(dims.len());
        dims[k] = -1;
        if dice.one_in(8) {
            dims.push(-1);
        }
    }
    if dice.one_in(20) {
        dims.push(2);
    }
    Op::Reshape(*dice.pick(&['C', 'C', 'F', 'A']), dims)
}

fn broadcast(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let mut shape: Vec<usize> = (0..dice.below(3)).map(|_| dice.size()).collect();
    for &dim in view.shape() {
        let other = dice.size();
        shape.push(if dim == 1 || dice.one_in(16) { other } else { dim });
    }
    if dice.one_in(16) {
        shape.truncate(view.ndim().saturating_sub(1));
    }
    if dice.one_in(3) {
        let keep = dice.below(shape.len() + 1);
        return Op::Together(shape.split_off(keep));
    }
    Op::Broadcast(shape)
}

fn windows(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let count = dice.below(3);
    let mut pair = || {
        let axis = dice.axis(view.ndim());
        let size = view.shape().get(axis).copied().unwrap_or(1);
        (axis, dice.below(size.min(3) + 2))
    };
    Op::Windows((0..=count).map(|_| pair()).collect())
}

fn part(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let axis = dice.axis(view.ndim());
    let size = view.shape().get(axis).copied().unwrap_or(1);
    let divisors: Vec<usize> = (1..=size).filter(|d| size.is_multiple_of(*d)).collect();
    let least = if dice.one_in(8) { 0 } else { 1 };
    let (rule, numbers) = match dice.below(4) {
        0 if !divisors.is_empty() && !dice.one_in(6) => (Rule::Even, vec![dice.pick(&divisors).cast_signed()]),
        0 => (Rule::Even, vec![dice.between(0, 4)]),
        1 => (Rule::Near, vec![dice.between(least, 5)]),
        2 => (Rule::Chunks, vec![dice.between(least, 4)]),
        _ => {
            let edge = size.cast_signed() + 2;
            (
                Rule::At,
                (0..dice.below(4)).map(|_| dice.between(-edge, edge)).collect(),
            )
        }
    };
    Op::Part(rule, axis, numbers, dice.below(4))
}

/// Any strides over the memory around the view: sometimes beyond it.
fn strided(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let ndim = dice.below(4);
    let shape: Vec<usize> = (0..ndim).map(|_| dice.size()).collect();
    let item = view.layout().itemsize().cast_signed();
    let strides: Vec<isize> = (0..ndim)
        .map(|_| *dice.pick(&[0, item, -item, 2 * item, 3, -1, 7 * item]))
        .collect();
    let start = view.layout().offset().cast_signed();
    let offset = match dice.below(8) {
        // The first byte, the one before it, the last item, the byte behind it.
        0 => -start,
        1 => -start - 1,
        2 => 8192 - item - start,
        3 => 8193 - item - start,
        _ => dice.between(-8, 200),
    };
    Op::Strided(shape, strides, offset)
}

fn item_part(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    match view.dtype().kind() {
        Kind::Complex => {
            if dice.one_in(2) {
                Op::Real
            } else {
                Op::Imag
            }
        }
        _ if view.dtype().as_record().is_some() => Op::Field((*dice.pick(&["a", "b", "c", "d"])).into()),
        _ if *view.dtype() == DType::F64 && dice.one_in(2) => Op::Real,
        _ => Op::View((*dice.pick(&DTYPES)).into()),
    }
}

/// An operation that makes sense for the view; sometimes one that does not.
pub fn op(dice: &mut Dice, view: &StridedView<'_>) -> Op {
    let ndim = view.ndim();
    match dice.below(32) {
        0..7 => index(dice, view),
        7..11 => reshape(dice, view),
        11..13 => broadcast(dice, view),
        13..15 => item_part(dice, view),
        15 => {
            let mut axes = dice.shuffled(ndim);
            match dice.below(12) {
                0 => axes.push(0),
                1 if ndim > 1 => axes[0] = axes[1],
                2 if ndim > 0 => axes[0] = ndim,
                _ => {}
            }
            Op::Permute(axes)
        }
        16 => Op::Transpose,
        17 => Op::Swap(dice.axis(ndim), dice.axis(ndim)),
        18 => {
            let from = dice.some_axes(ndim);
            let mut to = dice.shuffled(ndim);
            to.truncate(from.len());
            Op::Move(from, to)
        }
        19 | 20 => Op::Flip(dice.some_axes(ndim)),
        21 => Op::FlipAll,
        22 | 23 if ndim > 1 => {
            let axes = dice.shuffled(ndim);
            Op::Rot90(
                dice.between(-5, 5),
                axes[0],
                if dice.one_in(12) { axes[0] } else { axes[1] },
            )
        }
        24 | 25 => {
            let axes = dice.below(3);
            Op::Insert((0..axes).map(|_| dice.below(ndim + axes)).collect())
        }
        26 => Op::SqueezeAll,
        27 => {
            let ones: Vec<usize> = (0..ndim)
                .filter(|&axis| view.shape()[axis] == 1 || dice.one_in(8))
                .collect();
            Op::Squeeze(ones)
        }
        28 => windows(dice, view),
        29 if ndim > 1 => {
            let axes = dice.shuffled(ndim);
            Op::Diagonal(
                dice.between(-3, 3),
                axes[0],
                if dice.one_in(12) { axes[0] } else { axes[1] },
            )
        }
        30 => part(dice, view),
        31 if !view.is_empty() => strided(dice, view),
        _ => index(dice, view),
    }
}
