//! Random operations, on the layout and on the model.

use std::collections::HashSet;

use viewbridge::{DType, Dim, Index, Kind, Layout, LayoutError, Order, Slice};

use super::axes;
use super::model::{Model, Refused, positions};

const SIZES: [usize; 8] = [0, 1, 1, 2, 2, 3, 4, 6];

/// Random decisions, so that one list of numbers describes a whole chain and shrinks as a list of numbers does.
pub struct Dice<'a>(pub std::slice::Iter<'a, u16>);

impl Dice<'_> {
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n.max(1)
    }

    pub fn between(&mut self, low: isize, high: isize) -> isize {
        low + self.below((high - low + 1) as usize) as isize
    }

    pub fn size(&mut self) -> usize {
        SIZES[self.below(SIZES.len())]
    }
}

pub fn root(dice: &mut Dice<'_>) -> (Layout, Model) {
    let dtype = match dice.below(8) {
        0 => DType::BIT,
        1 => DType::new(Kind::Float4E2m1fn, 4),
        2 => DType::raw(3),
        3 => DType::raw(6),
        4 => DType::U8,
        5 => DType::I16,
        6 => DType::F32,
        _ => DType::F64,
    };
    let ndim = dice.below(5);
    let shape: Vec<usize> = (0..ndim).map(|_| dice.size()).collect();
    let layout = match dice.below(4) {
        0 | 1 => Layout::contiguous(&shape, &dtype, Order::C).unwrap(),
        2 => Layout::contiguous(&shape, &dtype, Order::F).unwrap(),
        _ => {
            let item = if dice.below(2) == 0 {
                Layout::contiguous(&[], &dtype, Order::C).unwrap().itemsize()
            } else {
                1
            };
            let strides: Vec<isize> = (0..ndim).map(|_| dice.between(-14, 14) * item as isize).collect();
            let below: usize = shape
                .iter()
                .zip(&strides)
                .map(|(&d, &s)| d.saturating_sub(1) * s.min(0).unsigned_abs())
                .sum();
            Layout::strided(&shape, &strides, below + dice.below(9), &dtype).unwrap()
        }
    };
    let offsets = positions(&shape)
        .iter()
        .map(|p| {
            let reach: isize = p.iter().zip(layout.strides()).map(|(&i, &s)| i as isize * s).sum();
            layout.offset() as isize + reach
        })
        .collect();
    let (itemsize, unit) = (layout.itemsize(), layout.unit());
    (
        layout,
        Model {
            shape,
            offsets,
            itemsize,
            unit,
        },
    )
}

pub fn slice(dice: &mut Dice<'_>, size: usize) -> Slice {
    let edge = size as isize + 2;
    let mut bound = |open: usize| (dice.below(3) != open).then(|| dice.between(-edge, edge));
    let (start, stop) = (bound(0), bound(1));
    let step = [1, 1, -1, 2, -2, 3, -3, 0][dice.below(8)];
    Slice::new(start, stop, step)
}

/// A shape of the same number of items, or nearly.
pub fn target_shape(dice: &mut Dice<'_>, model: &Model) -> Vec<Dim> {
    let mut dims: Vec<usize> = Vec::new();
    let mut left = model.offsets.len();
    if left == 0 {
        dims.extend([0, 0, 2, 3, 1][..].iter().take(1 + dice.below(4)));
    }
    while left > 1 {
        let divisors: Vec<usize> = (2..=left).filter(|d| left.is_multiple_of(*d)).collect();
        let pick = divisors[dice.below(divisors.len())];
        dims.push(pick);
        left /= pick;
    }
    for _ in 0..dice.below(3) {
        let place = dice.below(dims.len() + 1);
        dims.insert(place, 1);
    }
    let mut dims: Vec<Dim> = dims.into_iter().map(Dim::Size).collect();
    for _ in 0..[0, 0, 0, 1, 1, 1, 2, 0][dice.below(8)] {
        let place = dice.below(dims.len() + 1);
        if place < dims.len() {
            dims[place] = Dim::Rest;
        } else {
            dims.push(Dim::Rest);
        }
    }
    if dice.below(8) == 0 {
        let size = dice.size();
        dims.push(Dim::Size(size));
    }
    dims
}

/// What was done, what the layout made of it, what the model did.
pub type Outcome = (String, Result<Layout, LayoutError>, Result<Model, Refused>);

/// One random operation, on the layout and on the model.
pub fn step(dice: &mut Dice<'_>, layout: &Layout, model: &Model) -> Outcome {
    let ndim = model.shape.len();
    let axis = dice.below(ndim + 1);
    let beyond = || Err(vec!["AxisOutOfRange"]);
    // A basic index that leaves all axes before `axis` alone.
    let on_axis = |entry: Index| [vec![Index::from(..); axis], vec![entry]].concat();
    match dice.below(20) {
        13.. => axes::step(dice, layout, model),
        0 | 1 => {
            let mut indices = Vec::new();
            for k in 0..dice.below(ndim + 2) {
                let size = model.shape.get(k).copied().unwrap_or(1);
                indices.push(match dice.below(8) {
                    0..=3 => Index::Slice(slice(dice, size)),
                    4 | 5 => Index::At(dice.between(-(size as isize) - 1, size as isize)),
                    6 => Index::NewAxis,
                    _ => Index::Ellipsis,
                });
            }
            (
                format!("index {indices:?}"),
                layout.index(&indices),
                model.index(&indices),
            )
        }
        2 => {
            let size = model.shape.get(axis).copied().unwrap_or(1) as isize;
            let i = dice.between(-size - 1, size);
            let expected = if axis < ndim {
                model.index(&on_axis(Index::At(i)))
            } else {
                beyond()
            };
            (format!("index_axis {axis} {i}"), layout.index_axis(axis, i), expected)
        }
        3 => {
            let s = slice(dice, model.shape.get(axis).copied().unwrap_or(1));
            let expected = if axis < ndim {
                model.index(&on_axis(Index::Slice(s)))
            } else {
                beyond()
            };
            (format!("slice_axis {axis} {s:?}"), layout.slice_axis(axis, s), expected)
        }
        4 => {
            let axis = axis + dice.below(8) / 7;
            let expected = if axis <= ndim {
                model.index(&[vec![Index::from(..); axis], vec![Index::NewAxis]].concat())
            } else {
                beyond()
            };
            (format!("insert_axis {axis}"), layout.insert_axis(axis), expected)
        }
        5 => {
            let mut axes: Vec<usize> = (0..ndim).collect();
            for k in (1..ndim).rev() {
                axes.swap(k, dice.below(k + 1));
            }
            let spoil = dice.below(12);
            match spoil {
                0 => axes.push(0),
                1 if ndim > 1 => axes[0] = axes[1],
                2 if ndim > 0 => axes[0] = ndim,
                _ => {}
            }
            let expected = if axes.len() != ndim {
                Err(vec!["RankMismatch"])
            } else if axes.contains(&ndim) {
                beyond()
            } else if axes.iter().collect::<HashSet<_>>().len() < ndim {
                Err(vec!["RepeatedAxis"])
            } else {
                let shape = axes.iter().map(|&a| model.shape[a]).collect();
                Ok(model.gather(shape, |p| {
                    (0..ndim)
                        .map(|a| p[axes.iter().position(|&b| b == a).unwrap()])
                        .collect()
                }))
            };
            (format!("permute {axes:?}"), layout.permute(&axes), expected)
        }
        6 => {
            let shape = model.shape.iter().rev().copied().collect();
            let expected = model.gather(shape, |p| p.iter().rev().copied().collect());
            ("reverse_axes".into(), Ok(layout.reverse_axes()), Ok(expected))
        }
        7 | 8 => {
            let shape = target_shape(dice, model);
            let order = [Order::C, Order::F][dice.below(2)];
            let name = format!("reshape {shape:?} {order}");
            (name, layout.reshape(&shape, order), model.reshape(&shape, order))
        }
        9 => {
            let mut shape: Vec<usize> = (0..dice.below(3)).map(|_| dice.size()).collect();
            for &dim in &model.shape {
                let other = dice.size();
                shape.push(if dim == 1 || dice.below(8) == 0 { other } else { dim });
            }
            if dice.below(8) == 0 {
                shape.truncate(ndim.saturating_sub(1));
            }
            (
                format!("broadcast_to {shape:?}"),
                layout.broadcast_to(&shape),
                model.broadcast(&shape),
            )
        }
        10 => {
            let expected = if axis < ndim {
                let last = model.shape[axis].wrapping_sub(1);
                Ok(model.gather(model.shape.clone(), |p| {
                    let mut p = p.to_vec();
                    p[axis] = last - p[axis];
                    p
                }))
            } else {
                beyond()
            };
            (format!("flip {axis}"), layout.flip(axis), expected)
        }
        11 => {
            if dice.below(2) == 0 {
                let shape = model.shape.iter().copied().filter(|&d| d != 1).collect();
                let expected = Model { shape, ..model.clone() };
                return ("squeeze".into(), Ok(layout.squeeze()), Ok(expected));
            }
            let expected = match model.shape.get(axis) {
                None => beyond(),
                Some(1) => {
                    let mut shape = model.shape.clone();
                    shape.remove(axis);
                    Ok(Model { shape, ..model.clone() })
                }
                Some(_) => Err(vec!["NotSizeOne"]),
            };
            (format!("squeeze_axis {axis}"), layout.squeeze_axis(axis), expected)
        }
        _ => {
            let itemsize = [0, 1, 2, 3, 4, 6, 8, 12][dice.below(8)];
            let expected = model.with_itemsize(itemsize);
            (
                format!("with_itemsize {itemsize}"),
                layout.with_itemsize(itemsize),
                expected,
            )
        }
    }
}
