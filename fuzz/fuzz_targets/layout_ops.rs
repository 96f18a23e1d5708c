//! Chains of operations on layouts.
//!
//! Small ones are held against a model that knows no strides: the list of where every item is. Hostile ones must end in an error or in a
//! layout that keeps its invariants.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viewbridge::{Buffer, CopyPolicy, DType, Dim, Index, IndexExpr, Layout, MAX_NDIM, Order, Slice, StridedView, Unit};
use viewbridge_fuzz::{Choices, MANY, bits_per_unit, consumers, contiguous};

/// Operations of a chain.
const STEPS: usize = 12;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        syntax(text);
    }
    let mut choices = Choices::new(data);
    if choices.coin() {
        hostile(&mut choices);
    } else {
        small(&mut choices);
    }
});

/// Text is an index expression that reads back as it is written, or goes wrong somewhere in it.
fn syntax(text: &str) {
    match text.parse::<IndexExpr>() {
        Ok(expression) => assert_eq!(expression.to_string().parse(), Ok(expression)),
        Err(error) => assert_eq!(text[error.position..].chars().next(), error.found),
    }
}

/// Where every item is, in row-major order.
#[derive(Debug, Clone)]
struct Model {
    shape: Vec<usize>,
    offsets: Vec<usize>,
    itemsize: usize,
    unit: Unit,
}

/// All positions of a shape; the last axis is the fastest in row-major order, the first in the other.
fn positions(shape: &[usize], order: Order) -> Vec<Vec<usize>> {
    let count: usize = shape.iter().product();
    let position = |mut k: usize| {
        let mut position = vec![0; shape.len()];
        let mut digit = |axis: usize| {
            position[axis] = k % shape[axis];
            k /= shape[axis];
        };
        match order {
            Order::C => (0..shape.len()).rev().for_each(&mut digit),
            Order::F => (0..shape.len()).for_each(&mut digit),
        }
        position
    };
    (0..count).map(position).collect()
}

impl Model {
    fn of(layout: &Layout) -> Self {
        let offset = |position: Vec<usize>| {
            let axes = position.iter().zip(layout.strides());
            let moved: isize = axes.map(|(i, stride)| i.cast_signed() * stride).sum();
            layout.offset().checked_add_signed(moved).expect("below the first item")
        };
        Self {
            shape: layout.shape().to_vec(),
            offsets: positions(layout.shape(), Order::C).into_iter().map(offset).collect(),
            itemsize: layout.itemsize(),
            unit: layout.unit(),
        }
    }

    fn at(&self, position: &[usize]) -> usize {
        let axes = position.iter().zip(&self.shape);
        self.offsets[axes.fold(0, |k, (i, dim)| k * dim + i)]
    }

    /// The items of another shape, each from a position of this one.
    fn gather(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let offsets = positions(&shape, Order::C).iter().map(|p| self.at(&from(p))).collect();
        Self {
            shape,
            offsets,
            ..*self
        }
    }

    fn permute(&self, axes: &[usize]) -> Option<Self> {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..self.shape.len()) {
            return None;
        }
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        Some(self.gather(shape, |p| {
            let mut old = vec![0; p.len()];
            axes.iter().zip(p).for_each(|(&axis, &i)| old[axis] = i);
            old
        }))
    }

    fn broadcast(&self, shape: &[usize]) -> Option<Self> {
        let new = shape.len().checked_sub(self.shape.len())?;
        let mut axes = self.shape.iter().zip(&shape[new..]);
        axes.all(|(dim, target)| *dim == 1 || dim == target).then(|| {
            self.gather(shape.to_vec(), |p| {
                let axes = p[new..].iter().zip(&self.shape);
                axes.map(|(&i, &dim)| if dim == 1 { 0 } else { i }).collect()
            })
        })
    }

    fn index(&self, indices: &[Index]) -> Option<Self> {
        let named = |i: &&Index| matches!(i, Index::At(_) | Index::Slice(_));
        let whole = self.shape.len().checked_sub(indices.iter().filter(named).count())?;
        let mut entries = indices.to_vec();
        match indices.iter().filter(|i| **i == Index::Ellipsis).count() {
            0 => entries.push(Index::Ellipsis),
            1 => {}
            _ => return None,
        }
        let mut shape = Vec::new();
        // For each old axis the positions kept, and the new axis that counts them.
        let mut axes: Vec<(Vec<usize>, Option<usize>)> = Vec::new();
        for entry in entries {
            let dim = self.shape.get(axes.len()).copied();
            let kept = match entry {
                Index::NewAxis => {
                    shape.push(1);
                    continue;
                }
                Index::Ellipsis => {
                    for _ in 0..whole {
                        let dim = self.shape[axes.len()];
                        axes.push(((0..dim).collect(), Some(shape.len())));
                        shape.push(dim);
                    }
                    continue;
                }
                Index::At(i) => {
                    axes.push((vec![place(i, dim?)?], None));
                    continue;
                }
                Index::Slice(slice) => kept(slice, dim?)?,
            };
            let new = shape.len();
            shape.push(kept.len());
            axes.push((kept, Some(new)));
        }
        Some(self.gather(shape, |p| {
            axes.iter().map(|(kept, new)| kept[new.map_or(0, |k| p[k])]).collect()
        }))
    }

    /// The items in another shape, if some strides lead to them.
    fn reshape(&self, shape: &[Dim], order: Order) -> Option<Self> {
        let size = |dim: &Dim| if let Dim::Size(n) = dim { Some(*n) } else { None };
        let known: usize = shape.iter().filter_map(size).product();
        let rest = match shape.iter().filter(|dim| size(dim).is_none()).count() {
            0 => (known == self.offsets.len()).then_some(0),
            1 => self.offsets.len().checked_div(known),
            _ => None,
        }?;
        let shape: Vec<usize> = shape.iter().map(|dim| size(dim).unwrap_or(rest)).collect();
        if shape.iter().product::<usize>() != self.offsets.len() {
            return None;
        }
        let sequence = positions(&self.shape, order).into_iter().map(|p| self.at(&p));
        let mut placed: Vec<_> = positions(&shape, order).into_iter().zip(sequence).collect();
        placed.sort();
        let offsets = placed.into_iter().map(|(_, offset)| offset).collect();
        let result = Self {
            shape,
            offsets,
            ..*self
        };
        result.is_strided().then_some(result)
    }

    /// The offset of one position from the first item.
    fn reach(&self, position: &[usize]) -> isize {
        self.at(position).cast_signed() - self.offsets[0].cast_signed()
    }

    /// Whether some strides reproduce the offsets: those that the second item along each axis tells.
    fn is_strided(&self) -> bool {
        let all = positions(&self.shape, Order::C);
        let stride = |axis: usize| {
            let mut second = vec![0; self.shape.len()];
            second[axis] = 1;
            if self.shape[axis] > 1 { self.reach(&second) } else { 0 }
        };
        let strides: Vec<isize> = (0..self.shape.len())
            .map(|axis| if all.is_empty() { 0 } else { stride(axis) })
            .collect();
        all.iter().all(|p| {
            let axes = p.iter().zip(&strides);
            self.reach(p) == axes.map(|(i, stride)| i.cast_signed() * stride).sum::<isize>()
        })
    }

    /// The bytes of the last axis, cut into items of another size.
    fn with_itemsize(&self, itemsize: usize) -> Option<Self> {
        if self.unit == Unit::Bit {
            return None;
        }
        if itemsize == self.itemsize {
            return Some(self.clone());
        }
        let (&dim, outer) = self.shape.split_last()?;
        let available = dim * self.itemsize;
        let fits = match itemsize {
            0 => false,
            _ if itemsize < self.itemsize => self.itemsize.is_multiple_of(itemsize),
            _ => available.is_multiple_of(itemsize),
        };
        let rows = self.offsets.chunks(dim.max(1));
        let adjacent = |row: &[usize]| row.windows(2).all(|pair| pair[0] + self.itemsize == pair[1]);
        if !fits || !rows.clone().all(adjacent) {
            return None;
        }
        let count = available / itemsize;
        let offsets = rows.flat_map(|row| (0..count).map(|k| row[0] + k * itemsize)).collect();
        let shape = [outer, &[count]].concat();
        Some(Self {
            shape,
            offsets,
            itemsize,
            ..*self
        })
    }
}

/// A position on an axis, counted from its start.
fn place(i: isize, dim: usize) -> Option<usize> {
    let i = if i < 0 { i + dim.cast_signed() } else { i };
    usize::try_from(i).ok().filter(|&i| i < dim)
}

/// The positions that Python's slice keeps, found by walking.
fn kept(slice: Slice, dim: usize) -> Option<Vec<usize>> {
    let (len, step) = (dim.cast_signed(), slice.step);
    let bound = |bound: isize| if bound < 0 { bound + len } else { bound };
    let (start, stop) = (slice.start.map(bound), slice.stop.map(bound));
    let mut kept = Vec::new();
    let (mut i, end) = match step {
        0 => return None,
        1.. => (start.unwrap_or(0).max(0), stop.unwrap_or(len).min(len)),
        _ => (start.unwrap_or(len - 1).min(len - 1), stop.unwrap_or(-1).max(-1)),
    };
    while (step > 0 && i < end) || (step < 0 && i > end) {
        kept.push(i.unsigned_abs());
        i += step;
    }
    Some(kept)
}

/// A chain of operations on a view, each held against the model.
fn small(choices: &mut Choices<'_>) {
    let dtype = choices.dtype();
    let layout = choices.small_layout(&dtype);
    let memory = Buffer::from_vec(vec![0_u8; 1 << 15]);
    let mut view = StridedView::new(memory, dtype, layout).expect("small numbers");
    let mut model = Model::of(view.layout());
    check(view.layout(), &model);
    for _ in 0..STEPS {
        if choices.is_over() || model.offsets.len() > 4 * MANY || view.ndim() > 8 {
            break;
        }
        let before = format!("{view:?}");
        let (what, found, expected) = step(choices, &view, &model);
        match (found, expected) {
            (Ok(after), Some(expected)) => {
                check(after.layout(), &expected);
                (view, model) = (after, expected);
            }
            (Err(error), None) => assert!(!error.to_string().is_empty()),
            (found, expected) => panic!("{what} of {before}: {found:?}, expected {expected:?}"),
        }
    }
}

type Step = (String, viewbridge::Result<StridedView<'static>>, Option<Model>);

impl Model {
    fn flip(&self, axes: &[usize]) -> Self {
        self.gather(self.shape.clone(), |p| {
            let flipped = |axis: usize| self.shape[axis] - 1 - p[axis];
            (0..p.len())
                .map(|k| if axes.contains(&k) { flipped(k) } else { p[k] })
                .collect()
        })
    }

    /// The items of some positions of an axis.
    fn take(&self, axis: usize, positions: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = positions.len();
        self.gather(shape, |p| {
            let mut old = p.to_vec();
            old[axis] = positions[p[axis]];
            old
        })
    }

    /// A quarter turn in the plane of two axes.
    fn turn(&self, a: usize, b: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.swap(a, b);
        self.gather(shape, |p| {
            let mut old = p.to_vec();
            (old[a], old[b]) = (p[b], self.shape[b] - 1 - p[a]);
            old
        })
    }

    fn windows(&self, windows: &[(usize, usize)]) -> Option<Self> {
        let mut shape = self.shape.clone();
        for &(axis, window) in windows {
            let size = shape.get_mut(axis)?;
            *size = (*size + 1).checked_sub(window).filter(|&places| places > 0)?;
        }
        shape.extend(windows.iter().map(|window| window.1));
        Some(self.gather(shape, |p| {
            let (places, within) = p.split_at(self.shape.len());
            let mut old = places.to_vec();
            windows.iter().zip(within).for_each(|(window, i)| old[window.0] += i);
            old
        }))
    }

    fn diagonal(&self, offset: isize, a: usize, b: usize) -> Self {
        let steps = |k: usize| (k + offset.min(0).unsigned_abs(), k + offset.max(0).unsigned_abs());
        let len = (0..)
            .take_while(|&k| steps(k).0 < self.shape[a] && steps(k).1 < self.shape[b])
            .count();
        let rest: Vec<usize> = (0..self.shape.len()).filter(|&axis| axis != a && axis != b).collect();
        let mut shape: Vec<usize> = rest.iter().map(|&axis| self.shape[axis]).collect();
        shape.push(len);
        self.gather(shape, |p| {
            let mut old = vec![0; self.shape.len()];
            rest.iter().zip(p).for_each(|(&axis, &i)| old[axis] = i);
            (old[a], old[b]) = steps(p[rest.len()]);
            old
        })
    }
}

/// Operations on axes, each held against what it does to positions.
fn axes_step(choices: &mut Choices<'_>, view: &StridedView<'static>, model: &Model) -> Step {
    let ndim = view.ndim();
    let (a, b) = (choices.below(ndim + 1), choices.below(ndim + 1));
    let inside = a < ndim && b < ndim;
    match choices.below(7) {
        0 => {
            let mut axes: Vec<usize> = (0..ndim).collect();
            let expected = inside.then(|| {
                axes.swap(a, b);
                model.permute(&axes)
            });
            (format!("swap_axes({a}, {b})"), view.swap_axes(a, b), expected.flatten())
        }
        1 => {
            let mut axes: Vec<usize> = (0..ndim).collect();
            let expected = inside.then(|| {
                let axis = axes.remove(a);
                axes.insert(b, axis);
                model.permute(&axes)
            });
            (format!("move_axis({a}, {b})"), view.move_axis(a, b), expected.flatten())
        }
        2 => {
            let axes = if a == b { vec![a] } else { vec![a, b] };
            let expected = inside.then(|| model.flip(&axes));
            (format!("flip_axes({axes:?})"), view.flip_axes(&axes), expected)
        }
        3 => {
            let turns = choices.between(-5, 5);
            let turned = || (0..turns.rem_euclid(4)).fold(model.clone(), |model, _| model.turn(a, b));
            let expected = (inside && a != b).then(turned);
            (format!("rot90({turns}, {a}, {b})"), view.rot90(turns, (a, b)), expected)
        }
        4 => {
            let windows = choices.several(2, |c| (c.below(ndim + 1), c.below(4)));
            let found = view.sliding_windows(&windows);
            (format!("sliding_windows({windows:?})"), found, model.windows(&windows))
        }
        5 => {
            let offset = choices.between(-4, 4);
            let expected = (inside && a != b).then(|| model.diagonal(offset, a, b));
            (
                format!("diagonal({offset}, {a}, {b})"),
                view.diagonal(offset, a, b),
                expected,
            )
        }
        _ => {
            let (len, k) = (1 + choices.below(3), choices.below(4));
            let all: Vec<usize> = (0..model.shape.get(a).copied().unwrap_or(0)).collect();
            let expected = (a < ndim).then(|| {
                let positions = all.chunks(len).nth(k);
                positions.map_or_else(|| model.clone(), |positions| model.take(a, positions))
            });
            let found = view
                .chunks(a, len)
                .map(|mut pieces| pieces.nth(k).unwrap_or_else(|| view.clone()));
            (format!("chunks({a}, {len}), number {k}"), found, expected)
        }
    }
}

fn step(choices: &mut Choices<'_>, view: &StridedView<'static>, model: &Model) -> Step {
    let ndim = view.ndim();
    let axis = choices.below(ndim + 1);
    // A picked axis as an index expression, which the model knows.
    let at = |entry: Index| (axis < ndim).then(|| [vec![Index::Slice(Slice::ALL); axis], vec![entry]].concat());
    match choices.below(16) {
        11.. => axes_step(choices, view, model),
        0 => {
            let indices = choices.several(5, |c| c.index(|c| c.between(-7, 7)));
            (format!("{indices:?}"), view.index(&indices), model.index(&indices))
        }
        1 => {
            let i = choices.between(-7, 7);
            let expected = at(Index::At(i)).and_then(|indices| model.index(&indices));
            (format!("index_axis({axis}, {i})"), view.index_axis(axis, i), expected)
        }
        2 => {
            let slice = choices.slice(|c| c.between(-7, 7));
            let expected = at(Index::Slice(slice)).and_then(|indices| model.index(&indices));
            let what = format!("slice_axis({axis}, {slice:?})");
            (what, view.slice_axis(axis, slice), expected)
        }
        3 => {
            let reverse = Index::Slice(Slice::ALL.step_by(-1));
            let expected = at(reverse).and_then(|indices| model.index(&indices));
            (format!("flip({axis})"), view.flip(axis), expected)
        }
        4 => {
            let mut axes: Vec<usize> = (0..ndim).collect();
            for k in 1..ndim {
                axes.swap(k, choices.below(k + 1));
            }
            if choices.below(8) == 7 {
                axes.push(axis);
            }
            (format!("permute({axes:?})"), view.permute(&axes), model.permute(&axes))
        }
        5 => {
            let axes: Vec<usize> = (0..ndim).rev().collect();
            ("transpose".into(), Ok(view.transpose()), model.permute(&axes))
        }
        6 => {
            let size = model.shape.get(axis).copied();
            let expected = (size == Some(1)).then(|| at(Index::At(0)).and_then(|indices| model.index(&indices)));
            (
                format!("squeeze_axis({axis})"),
                view.squeeze_axis(axis),
                expected.flatten(),
            )
        }
        7 => {
            let indices = [vec![Index::Slice(Slice::ALL); axis], vec![Index::NewAxis]].concat();
            (
                format!("insert_axis({axis})"),
                view.insert_axis(axis),
                model.index(&indices),
            )
        }
        8 => {
            let mut shape = choices.several(2, |c| c.below(4));
            for &dim in &model.shape {
                let other = choices.below(4);
                shape.push(if dim == 1 || choices.below(8) == 7 { other } else { dim });
            }
            (
                format!("broadcast_to({shape:?})"),
                view.broadcast_to(&shape),
                model.broadcast(&shape),
            )
        }
        9 => {
            let (shape, order) = (target_shape(choices, model.offsets.len()), choices.order());
            let found = view.reshape_with(&shape, order);
            (
                format!("reshape({shape:?}, {order})"),
                found,
                model.reshape(&shape, order),
            )
        }
        _ => {
            let itemsize = choices.pick(&[1, 2, 3, 4, 6, 8, 12, 16, 0_u8]);
            let found = view.view_as(DType::raw(itemsize.into()));
            (
                format!("view_as(raw {itemsize})"),
                found,
                model.with_itemsize(itemsize.into()),
            )
        }
    }
}

/// A shape of the same number of items, or nearly.
fn target_shape(choices: &mut Choices<'_>, items: usize) -> Vec<Dim> {
    let mut left = items;
    let mut shape = Vec::new();
    while left > 1 && shape.len() < 6 {
        let divisors: Vec<usize> = (1..=left).filter(|n| left.is_multiple_of(*n)).collect();
        let dim = choices.pick(&divisors);
        shape.push(Dim::Size(dim));
        left /= dim;
    }
    shape.push(Dim::Size(left));
    if choices.below(4) == 3 {
        let axis = choices.below(shape.len());
        shape[axis] = Dim::Rest;
    }
    if choices.below(8) == 7 {
        shape.push(choices.pick(&[Dim::Rest, Dim::Size(0), Dim::Size(2)]));
    }
    shape
}

/// Everything that a layout says of itself must follow from the offsets.
fn check(layout: &Layout, model: &Model) {
    assert_eq!(layout.shape(), model.shape);
    assert_eq!((layout.itemsize(), layout.unit()), (model.itemsize, model.unit));
    assert_eq!(layout.offsets().collect::<Vec<_>>(), model.offsets, "{layout:?}");
    if let (Some(&low), Some(&high)) = (model.offsets.iter().min(), model.offsets.iter().max()) {
        let bytes = 8 / bits_per_unit(layout);
        assert_eq!(layout.span(), low..high + model.itemsize, "{layout:?}");
        if model.itemsize > 0 {
            let end = (high + model.itemsize).div_ceil(bytes);
            assert_eq!(layout.byte_span(), low / bytes..end, "{layout:?}");
        }
    }
    for order in [Order::C, Order::F] {
        let sequence = positions(layout.shape(), order).into_iter().map(|p| model.at(&p));
        let compact = sequence
            .enumerate()
            .all(|(k, offset)| offset == model.offsets[0] + k * model.itemsize);
        assert_eq!(layout.is_contiguous(order), compact, "{order} {layout:?}");
    }
    touch(layout);
}

/// A chain of operations with numbers of any size.
fn hostile(choices: &mut Choices<'_>) {
    let dtype = choices.dtype();
    let shape = choices.several(6, Choices::extreme_size);
    let root = if choices.coin() {
        Layout::contiguous(&shape, &dtype, choices.order())
    } else {
        let strides = choices.several(6, Choices::extreme);
        Layout::strided(&shape, &strides, choices.extreme_size(), &dtype)
    };
    let mut layout = root.unwrap_or_else(|_| contiguous(&[1], &dtype, Order::C));
    touch(&layout);
    for _ in 0..STEPS {
        match wild_step(choices, &layout) {
            Ok(after) => layout = after,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        touch(&layout);
    }
    plan(layout, dtype);
}

fn wild_step(choices: &mut Choices<'_>, layout: &Layout) -> Result<Layout, viewbridge::LayoutError> {
    let axis = if choices.below(8) == 7 {
        choices.extreme_size()
    } else {
        choices.below(layout.ndim())
    };
    match choices.below(18) {
        0 => layout.index(&choices.several(70, |c| c.index(Choices::extreme))),
        1 => layout.index_axis(axis, choices.extreme()),
        2 => layout.slice_axis(axis, choices.slice(Choices::extreme)),
        3 => layout.flip(axis),
        4 => layout.permute(&choices.several(70, |c| c.below(9))),
        5 => Ok(layout.reverse_axes()),
        6 => layout.squeeze_axis(axis),
        7 => Ok(layout.squeeze()),
        8 => layout.insert_axis(axis),
        12 => layout.move_axes(&choices.several(3, |c| c.below(9)), &choices.several(3, |c| c.below(9))),
        13 => layout.rot90(choices.extreme(), (axis, choices.below(9))),
        14 => layout.sliding_windows(&choices.several(70, |c| (c.below(9), c.extreme_size()))),
        15 => layout.diagonal(choices.extreme(), axis, choices.below(9)),
        16 => layout.insert_axes(&choices.several(70, |c| c.below(70))),
        17 => {
            let sections = choices.extreme_size();
            let parts = if choices.coin() {
                layout.array_split(axis, sections)?
            } else {
                layout.chunks(axis, sections)?
            };
            parts
                .take(2)
                .last()
                .map_or_else(|| layout.flip_all(), |piece| layout.slice_axis(axis, piece))
        }
        9 => {
            let mut shape = choices.several(70, Choices::extreme_size);
            let keep = |&dim: &usize| if dim == 1 { choices.extreme_size() } else { dim };
            shape.extend(layout.shape().iter().map(keep).collect::<Vec<_>>());
            layout.broadcast_to(&shape)
        }
        10 => {
            let mut shape = choices.several(70, |c| Dim::Size(c.extreme_size()));
            if choices.coin() {
                shape.push(Dim::Rest);
            }
            layout.reshape(&shape, choices.order())
        }
        _ => layout.with_itemsize(choices.extreme_size()),
    }
}

/// What a layout says of itself keeps the invariants, whatever the numbers.
fn touch(layout: &Layout) {
    assert!(layout.ndim() <= MAX_NDIM);
    assert!(layout.nbytes() <= isize::MAX.unsigned_abs());
    let span = layout.byte_span();
    assert!(span.start <= span.end);
    assert!(layout.is_empty() || span.end <= isize::MAX.unsigned_abs());
    assert!(layout.is_equivalent(layout));
    let _ = (
        layout.is_c_contiguous(),
        layout.is_f_contiguous(),
        layout.disjointness(),
    );
    let _ = (layout.element_strides(), layout.byte_offset(), layout.check_within(0));
    assert!(
        layout
            .offsets()
            .take(3)
            .all(|offset| offset <= isize::MAX.unsigned_abs())
    );
    let axes = layout.axes_by_stride();
    assert!(layout.permute(&axes).is_ok(), "{axes:?}");
}

/// Layouts that reach few bytes, be they of many items, are views: their plans must hold. Nothing large is copied.
fn plan(layout: Layout, dtype: DType) {
    let memory = [0_u64; 32];
    let Ok(view) = StridedView::new(Buffer::from_slice(&memory), dtype, layout) else {
        return;
    };
    for consumer in consumers() {
        let plan = view.plan(&consumer);
        assert!(!plan.to_string().is_empty());
        let shared = view.convert(&consumer, CopyPolicy::Never);
        assert_eq!(shared.is_ok(), plan.is_shared(), "{plan} {shared:?}");
    }
}
