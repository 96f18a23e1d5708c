//! Layouts against a naive model: the explicit list of where every item is.
//!
//! The model knows no strides. An operation gathers offsets by position, so that it cannot share a mistake with the arithmetic.
#![allow(missing_docs)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::{DType, Dim, Disjointness, Index, Kind, Layout, LayoutError, Order, Slice, Unit};

const SIZES: [usize; 8] = [0, 1, 1, 2, 2, 3, 4, 6];

/// A layout as its definition has it: the offset of each item, in row-major order.
#[derive(Debug, Clone)]
struct Model {
    shape: Vec<usize>,
    offsets: Vec<isize>,
    itemsize: usize,
    unit: Unit,
}

/// The names of the errors that an illegal operation may end in.
type Refused = Vec<&'static str>;

/// All positions of a shape, the last axis fastest.
fn positions(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &dim in shape {
        all = all
            .into_iter()
            .flat_map(|p: Vec<usize>| (0..dim).map(move |i| [p.clone(), vec![i]].concat()))
            .collect();
    }
    all
}

/// All positions of a shape, the first axis fastest.
fn column_positions(shape: &[usize]) -> Vec<Vec<usize>> {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut all = positions(&reversed);
    all.iter_mut().for_each(|p| p.reverse());
    all
}

impl Model {
    fn at(&self, position: &[usize]) -> isize {
        let axes = position.iter().zip(&self.shape);
        self.offsets[axes.fold(0, |k, (&i, &dim)| k * dim + i)]
    }

    /// The items of a new shape, each taken from an old position.
    fn gather(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let offsets = positions(&shape).iter().map(|p| self.at(&from(p))).collect();
        Self {
            shape,
            offsets,
            ..*self
        }
    }

    fn in_order(&self, order: Order) -> Vec<isize> {
        let positions = match order {
            Order::C => positions(&self.shape),
            Order::F => column_positions(&self.shape),
        };
        positions.iter().map(|p| self.at(p)).collect()
    }

    /// The one stride that each axis can have; `None` where it has no two items.
    fn strides(&self) -> Vec<Option<isize>> {
        let origin = vec![0; self.shape.len()];
        let step = |axis: usize| {
            let mut next = origin.clone();
            next[axis] = 1;
            (self.shape[axis] > 1 && !self.offsets.is_empty()).then(|| self.at(&next) - self.at(&origin))
        };
        (0..self.shape.len()).map(step).collect()
    }

    /// Whether some strides reproduce the offsets.
    fn is_strided(&self) -> bool {
        let strides = self.strides();
        positions(&self.shape).iter().all(|p| {
            let reach: isize = p.iter().zip(&strides).map(|(&i, s)| i as isize * s.unwrap_or(0)).sum();
            self.at(p) == self.offsets[0] + reach
        })
    }

    fn index(&self, indices: &[Index]) -> Result<Self, Refused> {
        let named = indices
            .iter()
            .filter(|i| matches!(i, Index::At(_) | Index::Slice(_)))
            .count();
        let ellipses = indices.iter().filter(|i| matches!(i, Index::Ellipsis)).count();
        let mut errors = Vec::new();
        if named > self.shape.len() {
            errors.push("TooManyIndices");
        }
        if ellipses > 1 {
            errors.push("SecondEllipsis");
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let whole = self.shape.len() - named;
        let mut entries = indices.to_vec();
        if ellipses == 0 {
            entries.push(Index::Ellipsis);
        }
        // For each old axis, the positions that remain, or the one that was picked; for each new one, where it comes from.
        let mut shape = Vec::new();
        let mut old: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
        for entry in entries {
            match entry {
                Index::NewAxis => shape.push(1),
                Index::Ellipsis => {
                    for _ in 0..whole {
                        let dim = self.shape[old.len()];
                        old.push((Some(shape.len()), (0..dim).collect()));
                        shape.push(dim);
                    }
                }
                Index::At(i) => {
                    let dim = self.shape[old.len()] as isize;
                    if i < -dim || i >= dim {
                        errors.push("IndexOutOfRange");
                    }
                    old.push((None, vec![i.rem_euclid(dim.max(1)) as usize]));
                }
                Index::Slice(slice) => {
                    let kept = python_slice(slice, self.shape[old.len()]);
                    if slice.step == 0 {
                        errors.push("ZeroStep");
                    }
                    shape.push(kept.len());
                    old.push((Some(shape.len() - 1), kept));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(self.gather(shape, |p| {
            old.iter()
                .map(|(new, kept)| kept[new.map_or(0, |axis| p[axis])])
                .collect()
        }))
    }

    fn reshape(&self, shape: &[Dim], order: Order) -> Result<Self, Refused> {
        let known: usize = shape
            .iter()
            .map(|d| match d {
                Dim::Size(n) => *n,
                Dim::Rest => 1,
            })
            .product();
        let open = shape.iter().filter(|d| **d == Dim::Rest).count();
        let items = self.offsets.len();
        match open {
            0 if known != items => return Err(vec!["ReshapeSize"]),
            0 => {}
            1 if known == 0 || !items.is_multiple_of(known) => return Err(vec!["ReshapeUnknown"]),
            1 => {}
            _ => return Err(vec!["SecondUnknown"]),
        }
        let shape: Vec<usize> = shape
            .iter()
            .map(|d| match d {
                Dim::Size(n) => *n,
                Dim::Rest => items / known,
            })
            .collect();
        let sequence = self.in_order(order);
        let mut result = Self { shape, ..self.clone() };
        let filled = match order {
            Order::C => positions(&result.shape),
            Order::F => column_positions(&result.shape),
        };
        let mut placed: Vec<_> = filled.into_iter().zip(sequence).collect();
        placed.sort();
        result.offsets = placed.into_iter().map(|(_, offset)| offset).collect();
        if result.is_strided() {
            Ok(result)
        } else {
            Err(vec!["ReshapeBlocked"])
        }
    }

    fn broadcast(&self, shape: &[usize]) -> Result<Self, Refused> {
        let Some(new) = shape.len().checked_sub(self.shape.len()) else {
            return Err(vec!["BroadcastRank"]);
        };
        if self.shape.iter().zip(&shape[new..]).any(|(&d, &t)| d != 1 && d != t) {
            return Err(vec!["Broadcast"]);
        }
        Ok(self.gather(shape.to_vec(), |p| {
            p[new..].iter().zip(&self.shape).map(|(&i, &d)| i.min(d - 1)).collect()
        }))
    }

    fn with_itemsize(&self, itemsize: usize) -> Result<Self, Refused> {
        if self.unit == Unit::Bit {
            return Err(vec!["PackedItems"]);
        }
        if itemsize == self.itemsize {
            return Ok(self.clone());
        }
        let Some((&dim, outer)) = self.shape.split_last() else {
            return Err(vec!["ReinterpretSize"]);
        };
        let mut errors = Vec::new();
        if self
            .strides()
            .last()
            .is_some_and(|s| s.is_some_and(|s| s != self.itemsize as isize))
        {
            errors.push("ReinterpretStride");
        }
        let bytes = dim * self.itemsize;
        let fits = itemsize != 0
            && if itemsize < self.itemsize {
                self.itemsize.is_multiple_of(itemsize)
            } else {
                bytes.is_multiple_of(itemsize)
            };
        if !fits {
            errors.push("ReinterpretSize");
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let shape = [outer, &[bytes / itemsize]].concat();
        let offsets = positions(&shape)
            .iter()
            .map(|p| {
                let (&k, row) = p.split_last().unwrap();
                self.at(&[row, &[0]].concat()) + (k * itemsize) as isize
            })
            .collect();
        Ok(Self {
            shape,
            offsets,
            itemsize,
            unit: self.unit,
        })
    }
}

/// The positions that Python's `range(size)[start:stop:step]` keeps, found by walking.
fn python_slice(slice: Slice, size: usize) -> Vec<usize> {
    let (n, step) = (size as isize, slice.step);
    let place = |bound: isize| if bound < 0 { bound + n } else { bound };
    let (start, stop) = (slice.start.map(place), slice.stop.map(place));
    let mut kept = Vec::new();
    if step > 0 {
        let mut i = start.unwrap_or(0).max(0);
        while i < stop.unwrap_or(n).min(n) {
            kept.push(i as usize);
            i += step;
        }
    } else if step < 0 {
        let mut i = start.unwrap_or(n - 1).min(n - 1);
        while i > stop.unwrap_or(-1).max(-1) {
            kept.push(i as usize);
            i += step;
        }
    }
    kept
}

/// Everything that a layout says of itself must follow from the offsets.
fn check(layout: &Layout, model: &Model) {
    assert_eq!(layout.shape(), model.shape);
    assert_eq!((layout.itemsize(), layout.unit()), (model.itemsize, model.unit));
    assert_eq!(layout.len(), model.offsets.len());
    assert_eq!(layout.is_empty(), model.offsets.is_empty());
    assert_eq!(layout.offsets().len(), model.offsets.len());
    let offsets: Vec<isize> = layout.offsets().map(|o| o as isize).collect();
    assert_eq!(offsets, model.offsets, "{layout:?}");

    let bits = if model.unit == Unit::Bit { 8 } else { 1 };
    assert_eq!(layout.nbytes(), (model.offsets.len() * model.itemsize).div_ceil(bits));
    if let (Some(&low), Some(&high)) = (model.offsets.iter().min(), model.offsets.iter().max()) {
        let (low, high) = (low as usize, high as usize + model.itemsize);
        assert_eq!(layout.span(), low..high);
        assert_eq!(layout.byte_span(), low / bits..high.div_ceil(bits));
        assert!(layout.check_within(high.div_ceil(bits)).is_ok());
        let short = layout.check_within(high.div_ceil(bits) - 1);
        assert!(matches!(short, Err(LayoutError::OutOfBounds { .. })));
    } else {
        assert!(layout.byte_span().is_empty());
        assert!(layout.check_within(0).is_ok());
    }

    for order in [Order::C, Order::F] {
        let sequence = model.in_order(order);
        let compact = |(k, &o): (usize, &isize)| o == sequence[0] + (k * model.itemsize) as isize;
        assert_eq!(
            layout.is_contiguous(order),
            sequence.iter().enumerate().all(compact),
            "{order} {layout:?}"
        );
    }

    let strides = model.strides();
    let whole = strides.iter().flatten().all(|s| s % model.itemsize as isize == 0);
    let elements = layout.element_strides();
    assert_eq!(elements.is_some(), whole, "{layout:?}");
    for (found, stride) in elements.iter().flatten().zip(&strides) {
        assert!(
            stride.is_none_or(|s| s == found * model.itemsize as isize),
            "{layout:?}"
        );
    }

    let mut seen = HashSet::new();
    let overlap = model
        .offsets
        .iter()
        .flat_map(|&o| o..o + model.itemsize as isize)
        .any(|unit| !seen.insert(unit));
    let disjoint = layout.disjointness() == Disjointness::Disjoint;
    assert!(!(overlap && disjoint), "{layout:?}");
    let permuted = layout.permute(&layout.axes_by_stride()).unwrap();
    if permuted.is_c_contiguous() {
        assert!(disjoint, "compact in some order, hence disjoint: {layout:?}");
    }
    check_equivalence(layout, model);
}

/// Strides that mean nothing are ignored, all others count.
fn check_equivalence(layout: &Layout, model: &Model) {
    let dtype = dtype_of(model);
    let strides: Vec<isize> = model.strides().iter().map(|s| s.unwrap_or(-77)).collect();
    let offset = model.offsets.first().map_or(3, |&o| o as usize);
    let twin = Layout::strided(&model.shape, &strides, offset, &dtype).unwrap();
    assert!(
        layout.is_equivalent(&twin) && twin.is_equivalent(layout),
        "{layout:?} {twin:?}"
    );
    assert_eq!(twin.offsets().collect::<Vec<_>>(), layout.offsets().collect::<Vec<_>>());
    if !model.offsets.is_empty() {
        let moved = Layout::strided(&model.shape, &strides, offset + 1, &dtype).unwrap();
        assert!(!layout.is_equivalent(&moved));
    }
    for axis in (0..strides.len()).filter(|&axis| model.strides()[axis].is_some()) {
        let mut other = strides.clone();
        other[axis] += 1;
        if let Ok(other) = Layout::strided(&model.shape, &other, offset, &dtype) {
            assert!(!layout.is_equivalent(&other));
        }
    }
}

fn dtype_of(model: &Model) -> DType {
    match (model.unit, model.itemsize) {
        (Unit::Byte, n) => DType::raw(n as u32),
        (Unit::Bit, 1) => DType::BIT,
        (Unit::Bit, n) => DType::new(Kind::Float4E2m1fn, n as u8),
    }
}

/// Random decisions, so that one list of numbers describes a whole chain and shrinks as a list of numbers does.
struct Dice<'a>(std::slice::Iter<'a, u16>);

impl Dice<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n.max(1)
    }

    fn between(&mut self, low: isize, high: isize) -> isize {
        low + self.below((high - low + 1) as usize) as isize
    }

    fn size(&mut self) -> usize {
        SIZES[self.below(SIZES.len())]
    }
}

fn root(dice: &mut Dice<'_>) -> (Layout, Model) {
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

fn slice(dice: &mut Dice<'_>, size: usize) -> Slice {
    let edge = size as isize + 2;
    let mut bound = |open: usize| (dice.below(3) != open).then(|| dice.between(-edge, edge));
    let (start, stop) = (bound(0), bound(1));
    let step = [1, 1, -1, 2, -2, 3, -3, 0][dice.below(8)];
    Slice::new(start, stop, step)
}

/// A shape of the same number of items, or nearly.
fn target_shape(dice: &mut Dice<'_>, model: &Model) -> Vec<Dim> {
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

/// One random operation, on the layout and on the model.
fn step(
    dice: &mut Dice<'_>,
    layout: &Layout,
    model: &Model,
) -> (String, Result<Layout, LayoutError>, Result<Model, Refused>) {
    let ndim = model.shape.len();
    let axis = dice.below(ndim + 1);
    let beyond = || Err(vec!["AxisOutOfRange"]);
    // A basic index that leaves all axes before `axis` alone.
    let on_axis = |entry: Index| [vec![Index::from(..); axis], vec![entry]].concat();
    match dice.below(13) {
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
    let stepped = wide.slice_axis(0, Slice::ALL.step_by(2)).unwrap_err();
    assert!(matches!(stepped, LayoutError::StrideOverflow { factor: 2, .. }));
    // An axis of one item is never stepped along.
    assert_eq!(wide.byte_span(), 0..3);
    assert_eq!(wide.index_axis(0, -1).unwrap().byte_span(), 0..3);
}
