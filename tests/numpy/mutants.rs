//! Deliberate mistakes, each of which the comparison has to notice.

use viewbridge::{Error, Index, IndexExpr, Layout, Order, Slice, StridedView};

use super::chain::{Chain, Op, Rule};
use super::replay::{self, Arena};

type View = StridedView<'static>;

/// A wrong variant of some operations; `None` for those that it leaves right.
type Mutant = fn(&Op, &View) -> Option<Result<View, Error>>;

/// Other axes over the memory of a view.
fn other(view: &View, shape: &[usize], strides: &[isize], offset: usize) -> Result<View, Error> {
    let layout = Layout::strided(shape, strides, offset, view.dtype())?;
    StridedView::new(view.buffer().clone(), view.dtype().clone(), layout)
}

/// What is right, with one thing changed.
fn spoilt(
    op: &Op,
    view: &View,
    change: impl FnOnce(&mut Vec<usize>, &mut Vec<isize>, &mut usize),
) -> Result<View, Error> {
    let right = replay::apply(op, view)?;
    let (mut shape, mut strides, mut offset) = (
        right.shape().to_vec(),
        right.strides().to_vec(),
        right.layout().offset(),
    );
    change(&mut shape, &mut strides, &mut offset);
    other(&right, &shape, &strides, offset)
}

fn entries(text: &str) -> Vec<Index> {
    text.parse::<IndexExpr>().expect("generated").to_vec()
}

pub const MUTANTS: &[(&str, Mutant)] = &[
    ("steps are counted down instead of up", |op, view| {
        let Op::Index(text) = op else { return None };
        let stepped = |entry: &Index| matches!(entry, Index::Slice(slice) if slice.step.abs() > 1);
        entries(text).iter().any(stepped).then(|| {
            let mut entries = entries(text);
            entries.retain(|entry| matches!(entry, Index::Slice(_)));
            spoilt(op, view, |shape, _, _| {
                if let Some(dim) = shape.iter_mut().find(|dim| **dim > 1) {
                    *dim -= 1;
                }
            })
        })
    }),
    ("a negative step begins behind the last item", |op, view| {
        let Op::Index(text) = op else { return None };
        let mut entries = entries(text);
        let slice = entries.iter_mut().find_map(|entry| match entry {
            Index::Slice(slice) if slice.step < 0 && slice.start.is_none() => Some(slice),
            _ => None,
        })?;
        slice.start = Some(-2);
        Some(view.index(&entries))
    }),
    ("negative bounds are not counted from the end", |op, view| {
        let Op::Index(text) = op else { return None };
        let mut entries = entries(text);
        for entry in &mut entries {
            if let Index::Slice(slice) = entry {
                slice.stop = slice.stop.map(|stop| stop.max(0));
            }
        }
        Some(view.index(&entries))
    }),
    ("an index out of range is clamped", |op, view| {
        let Op::Index(text) = op else { return None };
        match view.index(&entries(text)) {
            Err(Error::Layout(viewbridge::LayoutError::IndexOutOfRange { .. })) => {
                let clamp = |entry| match entry {
                    Index::At(_) => Index::At(0),
                    other => other,
                };
                Some(view.index(&entries(text).into_iter().map(clamp).collect::<Vec<_>>()))
            }
            _ => None,
        }
    }),
    ("an ellipsis takes an axis even where none is left", |op, view| {
        let Op::Index(text) = op else { return None };
        let mut entries = entries(text);
        let place = entries.iter().position(|entry| *entry == Index::Ellipsis)?;
        entries.insert(place, Index::Slice(Slice::ALL));
        Some(view.index(&entries))
    }),
    ("new axes have the stride of an item", |op, view| {
        let Op::Insert(axes) = op else { return None };
        let item = view.layout().itemsize().cast_signed();
        Some(spoilt(op, view, |_, strides, _| {
            axes.iter().for_each(|&axis| strides[axis] = item)
        }))
    }),
    ("a transpose keeps the strides", |op, view| {
        matches!(op, Op::Transpose).then(|| spoilt(op, view, |_, strides, _| strides.reverse()))
    }),
    ("a permutation is inverted", |op, view| {
        let Op::Permute(axes) = op else { return None };
        view.permute(axes).is_ok().then(|| {
            let inverse: Vec<usize> = (0..axes.len())
                .map(|k| axes.iter().position(|&axis| axis == k).unwrap())
                .collect();
            view.permute(&inverse)
        })
    }),
    ("an axis is swapped instead of moved", |op, view| match op {
        Op::Move(from, to) if from.len() == 1 && to.len() == 1 => Some(view.swap_axes(from[0], to[0])),
        _ => None,
    }),
    ("swapped axes keep their strides", |op, view| {
        let Op::Swap(a, b) = op else { return None };
        Some(spoilt(op, view, |_, strides, _| strides.swap(*a, *b)))
    }),
    ("a flip forgets to move the first item", |op, view| {
        matches!(op, Op::Flip(_) | Op::FlipAll)
            .then(|| spoilt(op, view, |_, _, offset| *offset = view.layout().offset()))
    }),
    ("a turn goes the other way", |op, view| {
        let Op::Rot90(turns, a, b) = op else { return None };
        Some(view.rot90(-turns, (*a, *b)))
    }),
    ("squeezing stops after one axis", |op, view| {
        let one = view.shape().iter().position(|&dim| dim == 1);
        matches!(op, Op::SqueezeAll).then(|| one.map_or(Ok(view.clone()), |axis| view.squeeze_axis(axis)))
    }),
    ("squeezing takes axes of any size", |op, view| {
        let Op::Squeeze(axes) = op else { return None };
        let axis = *axes.first()?;
        Some(view.index_axis(axis, 0))
    }),
    ("reshapes are always row-major", |op, view| {
        let Op::Reshape('F' | 'A', dims) = op else { return None };
        Some(replay::apply(&Op::Reshape('C', dims.clone()), view))
    }),
    ("reshapes never look at the strides", |op, view| {
        let Op::Reshape(_, dims) = op else { return None };
        let shape: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let shape = shape.filter(|shape| shape.iter().product::<usize>() == view.len())?;
        let compact = Layout::contiguous(&shape, view.dtype(), Order::C).ok()?;
        Some(other(view, &shape, compact.strides(), view.layout().offset()))
    }),
    ("broadcast axes keep their strides", |op, view| {
        let Op::Broadcast(shape) = op else { return None };
        let new = shape.len().checked_sub(view.ndim())?;
        Some(spoilt(op, view, |_, strides, _| {
            strides[new..].copy_from_slice(view.strides())
        }))
    }),
    ("repeated items can be written", |op, view| {
        matches!(op, Op::Broadcast(_) | Op::Windows(_) | Op::Diagonal(..)).then(|| {
            let right = replay::apply(op, view)?;
            other(view, right.shape(), right.strides(), right.layout().offset())
        })
    }),
    ("the last window is forgotten", |op, view| {
        let Op::Windows(windows) = op else { return None };
        let axis = windows.first()?.0;
        Some(spoilt(op, view, |shape, _, _| {
            shape[axis] = shape[axis].saturating_sub(1).max(1)
        }))
    }),
    ("windows have the stride of an item", |op, view| {
        matches!(op, Op::Windows(_)).then(|| {
            let item = view.layout().itemsize().cast_signed();
            spoilt(op, view, |_, strides, _| {
                strides.iter_mut().skip(view.ndim()).for_each(|stride| *stride = item)
            })
        })
    }),
    ("diagonals lie on the other side", |op, view| {
        let Op::Diagonal(offset, a, b) = op else { return None };
        Some(view.diagonal(-offset, *a, *b))
    }),
    ("diagonals step along one axis", |op, view| {
        let Op::Diagonal(_, a, _) = op else { return None };
        let stride = *view.strides().get(*a)?;
        Some(spoilt(op, view, |_, strides, _| *strides.last_mut().unwrap() = stride))
    }),
    ("the last pieces are the longer ones", |op, view| {
        let Op::Part(Rule::Near, axis, numbers, k) = op else {
            return None;
        };
        let mirrored = view.flip(*axis).ok()?;
        let count = usize::try_from(numbers[0]).ok().filter(|&n| n > 0)?;
        let piece = Op::Part(Rule::Near, *axis, numbers.clone(), count - 1 - k % count);
        Some(replay::apply(&piece, &mirrored).and_then(|piece| piece.flip(*axis)))
    }),
    ("cuts are not clamped", |op, view| {
        let Op::Part(Rule::At, axis, numbers, k) = op else {
            return None;
        };
        let size = view.shape().get(*axis)?.cast_signed();
        let inside: Vec<isize> = numbers.iter().copied().filter(|n| (-size..=size).contains(n)).collect();
        Some(replay::apply(&Op::Part(Rule::At, *axis, inside, *k), view))
    }),
    ("another item size leaves the shape alone", |op, view| {
        let Op::View(name) = op else { return None };
        let right = view.view_as(replay::dtype(name)).ok()?;
        Some(other(&right, view.shape(), view.strides(), view.layout().offset()))
    }),
    (
        "another item size does not ask whether items are adjacent",
        |op, view| {
            let Op::View(name) = op else { return None };
            let dtype = replay::dtype(name);
            let (&last, outer) = view.shape().split_last()?;
            let shape = [outer, &[last * view.dtype().itemsize() / dtype.itemsize()]].concat();
            let mut strides = view.strides().to_vec();
            *strides.last_mut()? = dtype.itemsize().cast_signed();
            let layout = Layout::strided(&shape, &strides, view.layout().offset(), &dtype).ok()?;
            Some(StridedView::new(view.buffer().clone(), dtype, layout))
        },
    ),
    ("imaginary parts are the real ones", |op, view| {
        matches!(op, Op::Imag).then(|| view.real())
    }),
    ("fields are packed", |op, view| match op {
        Op::Field(name) if name == "c" => Some(spoilt(op, view, |_, _, offset| *offset -= 1)),
        _ => None,
    }),
    ("one byte behind the memory is allowed", |op, view| {
        let Op::Strided(shape, strides, offset) = op else {
            return None;
        };
        let right = view.as_strided(shape, strides, *offset);
        Some(right.or_else(|_| view.as_strided(shape, strides, offset - 1)))
    }),
    ("overlapping items can be written", |op, view| {
        let Op::Strided(shape, strides, offset) = op else {
            return None;
        };
        let right = view.as_strided(shape, strides, *offset).ok()?;
        Some(other(view, shape, strides, right.layout().offset()))
    }),
];

/// The mutants that no chain gives away.
pub fn survivors<'a>(chains: impl Iterator<Item = (&'a Chain, &'a str)> + Clone) -> Vec<&'static str> {
    let mut arena = Arena::new();
    let mut survives = |mutant: Mutant| {
        let apply = move |op: &Op, view: &View| mutant(op, view).unwrap_or_else(|| replay::apply(op, view));
        !chains.clone().any(|(chain, theirs)| {
            let ours = replay::replay(chain, &mut arena, &apply).join(";");
            !super::live::same_answers(&ours, theirs)
        })
    };
    let mut names: Vec<&str> = Vec::new();
    for &(name, mutant) in MUTANTS {
        if survives(mutant) {
            names.push(name);
        }
    }
    names
}
