//! The operations on axes, by where each item of the result comes from.

use viewbridge::{Layout, Parts, Slice};

use super::model::{Model, Refused, python_slice};
use super::steps::{Dice, Outcome};

/// An axis, or at times the one behind the last.
fn any_axis(dice: &mut Dice<'_>, ndim: usize) -> usize {
    let beyond = dice.below(8) / 7;
    dice.below(ndim + beyond)
}

/// What is wrong with axes of which each may be named once.
fn refused(axes: &[usize], ndim: usize) -> Option<Refused> {
    let mut errors = Vec::new();
    for (k, axis) in axes.iter().enumerate() {
        if *axis >= ndim {
            errors.push("AxisOutOfRange");
        }
        if axes[..k].contains(axis) {
            errors.push("RepeatedAxis");
        }
    }
    (!errors.is_empty()).then_some(errors)
}

impl Model {
    /// Axis `k` of the result is axis `axes[k]` of this one.
    fn permuted(&self, axes: &[usize]) -> Self {
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        self.gather(shape, |p| {
            let mut old = vec![0; p.len()];
            axes.iter().zip(p).for_each(|(&axis, &i)| old[axis] = i);
            old
        })
    }

    fn flipped(&self, axes: &[usize]) -> Self {
        self.gather(self.shape.clone(), |p| {
            let mut old = p.to_vec();
            axes.iter().for_each(|&axis| old[axis] = self.shape[axis] - 1 - p[axis]);
            old
        })
    }

    /// A quarter turn: item (i, j) comes from (j, last − i).
    fn turned(&self, a: usize, b: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.swap(a, b);
        self.gather(shape, |p| {
            let mut old = p.to_vec();
            (old[a], old[b]) = (p[b], self.shape[b] - 1 - p[a]);
            old
        })
    }

    fn windows(&self, windows: &[(usize, usize)]) -> Result<Self, Refused> {
        let mut shape = self.shape.clone();
        for &(axis, size) in windows {
            if axis >= self.shape.len() {
                return Err(vec!["AxisOutOfRange"]);
            }
            if size > shape[axis] {
                return Err(vec!["WindowTooLarge", "AxisOutOfRange"]);
            }
            shape[axis] = shape[axis] + 1 - size;
        }
        let ndim = shape.len();
        shape.extend(windows.iter().map(|&(_, size)| size));
        Ok(self.gather(shape, |p| {
            let mut old = p[..ndim].to_vec();
            windows
                .iter()
                .zip(&p[ndim..])
                .for_each(|(&(axis, _), i)| old[axis] += i);
            old
        }))
    }

    /// The positions along both axes that differ by the offset, one after the other.
    fn diagonal(&self, offset: isize, a: usize, b: usize) -> Self {
        let pairs: Vec<(usize, usize)> = (0..self.shape[a])
            .flat_map(|i| (0..self.shape[b]).map(move |j| (i, j)))
            .filter(|&(i, j)| j as isize - i as isize == offset)
            .collect();
        let others: Vec<usize> = (0..self.shape.len()).filter(|&axis| axis != a && axis != b).collect();
        let mut shape: Vec<usize> = others.iter().map(|&axis| self.shape[axis]).collect();
        shape.push(pairs.len());
        self.gather(shape, |p| {
            let mut old = vec![0; self.shape.len()];
            others.iter().zip(p).for_each(|(&axis, &i)| old[axis] = i);
            (old[a], old[b]) = pairs[*p.last().unwrap()];
            old
        })
    }

    /// Some positions of an axis.
    fn taken(&self, axis: usize, positions: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = positions.len();
        self.gather(shape, |p| {
            let mut old = p.to_vec();
            old[axis] = positions[p[axis]];
            old
        })
    }
}

/// Items dealt to `sections` pieces as cards are, then put in order.
fn dealt(size: usize, sections: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![0; sections];
    (0..size).for_each(|k| counts[k % sections] += 1);
    let mut items = 0..size;
    counts
        .into_iter()
        .map(|count| items.by_ref().take(count).collect())
        .collect()
}

/// A piece of an axis, against the positions that it should have.
fn piece(dice: &mut Dice<'_>, layout: &Layout, model: &Model, axis: usize) -> Outcome {
    let Some(&size) = model.shape.get(axis) else {
        let error = layout.chunks(axis, 1).map(|_| layout.clone());
        return (format!("chunks {axis}"), error, Err(vec!["AxisOutOfRange"]));
    };
    let count = dice.below(5);
    let cuts: Vec<isize> = (0..count)
        .map(|_| dice.between(-(size as isize) - 2, size as isize + 2))
        .collect();
    let rule = dice.below(4);
    let (name, parts, expected): (_, Result<Parts<'_>, _>, Result<Vec<Vec<usize>>, Refused>) = match rule {
        0 if count == 0 || size % count != 0 => ("split", layout.split(axis, count), Err(vec!["UnevenSplit"])),
        0 => ("split", layout.split(axis, count), Ok(dealt(size, count))),
        1 if count == 0 => ("array_split", layout.array_split(axis, count), Err(vec!["UnevenSplit"])),
        1 => ("array_split", layout.array_split(axis, count), Ok(dealt(size, count))),
        2 if count == 0 => ("chunks", layout.chunks(axis, count), Err(vec!["EmptyChunks"])),
        2 => {
            let all: Vec<usize> = (0..size).collect();
            (
                "chunks",
                layout.chunks(axis, count),
                Ok(all.chunks(count).map(<[usize]>::to_vec).collect()),
            )
        }
        _ => {
            let mut bounds: Vec<Option<isize>> = cuts.iter().copied().map(Some).collect();
            bounds.insert(0, None);
            bounds.push(None);
            let pieces = bounds
                .windows(2)
                .map(|pair| python_slice(Slice::new(pair[0], pair[1], 1), size))
                .collect();
            ("split_at_each", layout.split_at_each(axis, &cuts), Ok(pieces))
        }
    };
    let name = format!("{name} {axis} {count} {cuts:?}");
    match (parts, expected) {
        (Ok(parts), Ok(expected)) => {
            assert_eq!(parts.len(), expected.len(), "{name} on {layout:?}");
            let backwards: Vec<Slice> = parts.clone().rev().collect();
            let forwards: Vec<Slice> = parts.collect();
            assert!(forwards.iter().rev().eq(&backwards));
            if forwards.is_empty() {
                return (name, Ok(layout.clone()), Ok(model.clone()));
            }
            let k = dice.below(forwards.len());
            (
                name,
                layout.slice_axis(axis, forwards[k]),
                Ok(model.taken(axis, &expected[k])),
            )
        }
        (parts, expected) => (name, parts.map(|_| layout.clone()), expected.map(|_| model.clone())),
    }
}

/// One random operation on axes.
pub fn step(dice: &mut Dice<'_>, layout: &Layout, model: &Model) -> Outcome {
    let ndim = model.shape.len();
    let some_axes = |dice: &mut Dice<'_>| -> Vec<usize> { (0..dice.below(4)).map(|_| any_axis(dice, ndim)).collect() };
    let (a, b) = (dice.below(ndim + 1), dice.below(ndim + 1));
    let inside = a.max(b) < ndim;
    match dice.below(9) {
        0 => {
            let swapped = |axis| match axis {
                _ if axis == a => b,
                _ if axis == b => a,
                _ => axis,
            };
            let axes: Vec<usize> = (0..ndim).map(swapped).collect();
            let expected = if inside {
                Ok(model.permuted(&axes))
            } else {
                Err(vec!["AxisOutOfRange"])
            };
            (format!("swap_axes {a} {b}"), layout.swap_axes(a, b), expected)
        }
        1 => {
            let (from, to) = (some_axes(dice), some_axes(dice));
            let mut errors: Refused = [&from, &to]
                .into_iter()
                .filter_map(|axes| refused(axes, ndim))
                .flatten()
                .collect();
            if from.len() != to.len() {
                errors.push("RankMismatch");
            }
            let expected = if errors.is_empty() {
                // As the words say: the others in their order, then each axis put into its place, the foremost place first.
                let mut axes: Vec<usize> = (0..ndim).filter(|axis| !from.contains(axis)).collect();
                let mut moves: Vec<(usize, usize)> = to.iter().copied().zip(from.iter().copied()).collect();
                moves.sort_unstable();
                moves.into_iter().for_each(|(place, axis)| axes.insert(place, axis));
                Ok(model.permuted(&axes))
            } else {
                Err(errors)
            };
            (
                format!("move_axes {from:?} {to:?}"),
                layout.move_axes(&from, &to),
                expected,
            )
        }
        2 => {
            let axes = some_axes(dice);
            let expected = refused(&axes, ndim).map_or_else(|| Ok(model.flipped(&axes)), Err);
            (format!("flip_axes {axes:?}"), layout.flip_axes(&axes), expected)
        }
        3 => {
            let all: Vec<usize> = (0..ndim).collect();
            ("flip_all".into(), layout.flip_all(), Ok(model.flipped(&all)))
        }
        4 => {
            let turns = dice.between(-6, 6);
            let expected = refused(&[a, b], ndim).map_or_else(
                || Ok((0..turns.rem_euclid(4)).fold(model.clone(), |model, _| model.turned(a, b))),
                Err,
            );
            (format!("rot90 {turns} {a} {b}"), layout.rot90(turns, (a, b)), expected)
        }
        5 => {
            let count = dice.below(3);
            let axes: Vec<usize> = (0..count).map(|_| any_axis(dice, ndim + count)).collect();
            let expected = refused(&axes, ndim + count).map_or_else(
                || {
                    let mut shape = model.shape.clone();
                    let mut sorted = axes.clone();
                    sorted.sort_unstable();
                    sorted.into_iter().for_each(|axis| shape.insert(axis, 1));
                    Ok(Model { shape, ..model.clone() })
                },
                Err,
            );
            (format!("insert_axes {axes:?}"), layout.insert_axes(&axes), expected)
        }
        6 => {
            let axes = some_axes(dice);
            let mut errors = refused(&axes, ndim).unwrap_or_default();
            if axes
                .iter()
                .any(|&axis| model.shape.get(axis).is_some_and(|&dim| dim != 1))
            {
                errors.push("NotSizeOne");
            }
            let expected = if errors.is_empty() {
                let kept = (0..ndim).filter(|axis| !axes.contains(axis));
                let shape = kept.map(|axis| model.shape[axis]).collect();
                Ok(Model { shape, ..model.clone() })
            } else {
                Err(errors)
            };
            (format!("squeeze_axes {axes:?}"), layout.squeeze_axes(&axes), expected)
        }
        7 => {
            if dice.below(2) == 0 {
                let offset = dice.between(-4, 4);
                let expected = refused(&[a, b], ndim).map_or_else(|| Ok(model.diagonal(offset, a, b)), Err);
                return (
                    format!("diagonal {offset} {a} {b}"),
                    layout.diagonal(offset, a, b),
                    expected,
                );
            }
            let windows: Vec<(usize, usize)> = (0..dice.below(3))
                .map(|_| (any_axis(dice, ndim), dice.below(4)))
                .collect();
            (
                format!("windows {windows:?}"),
                layout.sliding_windows(&windows),
                model.windows(&windows),
            )
        }
        _ => piece(dice, layout, model, a),
    }
}
