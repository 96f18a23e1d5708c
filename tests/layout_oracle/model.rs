//! A layout as its definition has it.

use viewbridge::{Dim, Index, Order, Slice, Unit};

/// A layout as its definition has it: the offset of each item, in row-major order.
#[derive(Debug, Clone)]
pub struct Model {
    pub shape: Vec<usize>,
    pub offsets: Vec<isize>,
    pub itemsize: usize,
    pub unit: Unit,
}

/// The names of the errors that an illegal operation may end in.
pub type Refused = Vec<&'static str>;

/// All positions of a shape, the last axis fastest.
pub fn positions(shape: &[usize]) -> Vec<Vec<usize>> {
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
pub fn column_positions(shape: &[usize]) -> Vec<Vec<usize>> {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut all = positions(&reversed);
    all.iter_mut().for_each(|p| p.reverse());
    all
}

impl Model {
    pub fn at(&self, position: &[usize]) -> isize {
        let axes = position.iter().zip(&self.shape);
        self.offsets[axes.fold(0, |k, (&i, &dim)| k * dim + i)]
    }

    /// The items of a new shape, each taken from an old position.
    pub fn gather(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let offsets = positions(&shape).iter().map(|p| self.at(&from(p))).collect();
        Self {
            shape,
            offsets,
            ..*self
        }
    }

    pub fn in_order(&self, order: Order) -> Vec<isize> {
        let positions = match order {
            Order::C => positions(&self.shape),
            Order::F => column_positions(&self.shape),
        };
        positions.iter().map(|p| self.at(p)).collect()
    }

    /// The one stride that each axis can have; `None` where it has no two items.
    pub fn strides(&self) -> Vec<Option<isize>> {
        let origin = vec![0; self.shape.len()];
        let step = |axis: usize| {
            let mut next = origin.clone();
            next[axis] = 1;
            (self.shape[axis] > 1 && !self.offsets.is_empty()).then(|| self.at(&next) - self.at(&origin))
        };
        (0..self.shape.len()).map(step).collect()
    }

    /// Whether some strides reproduce the offsets.
    pub fn is_strided(&self) -> bool {
        let strides = self.strides();
        positions(&self.shape).iter().all(|p| {
            let reach: isize = p.iter().zip(&strides).map(|(&i, s)| i as isize * s.unwrap_or(0)).sum();
            self.at(p) == self.offsets[0] + reach
        })
    }

    pub fn index(&self, indices: &[Index]) -> Result<Self, Refused> {
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

    pub fn reshape(&self, shape: &[Dim], order: Order) -> Result<Self, Refused> {
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

    pub fn broadcast(&self, shape: &[usize]) -> Result<Self, Refused> {
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

    pub fn with_itemsize(&self, itemsize: usize) -> Result<Self, Refused> {
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
pub fn python_slice(slice: Slice, size: usize) -> Vec<usize> {
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
