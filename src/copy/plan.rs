//! The plan of a copy: which axes to walk, in which order, and what moves at each step. Pure arithmetic.
//!
//! ```text
//! drop axes of one item ─► walk the destination upwards ─► sort by |destination stride| ─► fuse in both operands ─► classify
//! ```
//!
//! Small copies are won or lost here: nothing is allocated up to eight axes, and nothing is divided.

use smallvec::SmallVec;

pub(crate) use super::axes::{Axes, Axis};
use super::classify::Class;
use super::sorted::Sorted;
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, MAX_NDIM};

/// Room for one axis more than layouts of most ranks have, of nearly all, and of any.
const FEW: usize = 5;
const MORE: usize = 9;
const MANY: usize = MAX_NDIM + 2;

/// What moves at each step of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// `size` bytes. Each number of `swap` bytes in them is reversed; a `swap` of 1 leaves all as they are.
    Bytes { size: usize, swap: usize },
    /// `src` bits become `dst` bits: the lower ones as they are, the rest 0. As a truth value, any bit set becomes 1.
    Bits { src: usize, dst: usize, truth: bool },
}

/// How to fill one layout from another of the same shape.
///
/// Invariant *reach*: the steps of the axes from (`src`, `dst`) on are the positions of the items (or runs or parts of items) of both layouts,
/// each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyPlan {
    /// No two that could be one. Slowest first by destination stride, but for those that the class has moved to the end.
    pub(crate) axes: Axes,
    /// Where the walk begins, from the start of the memory.
    pub(crate) src: usize,
    pub(crate) dst: usize,
    pub(crate) item: Item,
    pub(super) class: Class,
}

impl CopyPlan {
    /// A plan that does nothing, to be [made](Self::make).
    #[inline(always)]
    pub(crate) const fn blank() -> Self {
        Self {
            axes: Axes::NONE,
            src: 0,
            dst: 0,
            item: Item::Bytes { size: 0, swap: 1 },
            class: Class::Nothing,
        }
    }

    /// Plans a copy of `src` into `dst`, or `None` if the types differ in more than byte order and packing.
    ///
    /// The shapes are equal and the items of `dst` are disjoint.
    #[inline(always)]
    pub(crate) fn new(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let mut plan = Self::blank();
        plan.make(src, dst).then_some(plan)
    }

    /// Makes a blank plan that of [`new`](Self::new), where it is: moving a plan costs as much as making it. Says whether there is one.
    #[inline(always)]
    pub(crate) fn make(&mut self, src: (&DType, &Layout), dst: (&DType, &Layout)) -> bool {
        let Some(item) = choose(src.0, dst.0) else { return false };
        self.item = item;
        if dst.1.is_empty() || dst.1.itemsize() == 0 {
            return true;
        }
        let ndim = dst.1.ndim();
        if ndim < FEW {
            self.make_of::<FEW>(src, dst.1);
        } else if ndim < MORE {
            self.make_of::<MORE>(src, dst.1);
        } else {
            self.make_of::<MANY>(src, dst.1);
        }
        true
    }

    #[inline(never)]
    fn make_of<const N: usize>(&mut self, src: (&DType, &Layout), dst: &Layout) {
        let mut sorted = Sorted::<N>::blank();
        self.sort(src, dst, &mut sorted);
        sorted.absorb_run(&mut self.item);
        let choice = sorted.choose(self.item);
        sorted.carry_out(choice, self);
    }

    /// The same, with the axes still from slowest to fastest, for whoever walks them himself.
    pub(crate) fn fused(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let mut plan = Self {
            item: choose(src.0, dst.0)?,
            ..Self::blank()
        };
        if dst.1.is_empty() || dst.1.itemsize() == 0 {
            return Some(plan);
        }
        plan.class = Class::Scatter;
        let mut sorted = Sorted::<MANY>::blank();
        plan.sort(src, dst.1, &mut sorted);
        if !matches!(plan.item, Item::Bytes { swap: 2.., .. }) {
            sorted.absorb_run(&mut plan.item);
        }
        sorted.deal(&mut plan, 0..sorted.count);
        Some(plan)
    }

    #[inline(always)]
    fn sort<const N: usize>(&self, src: (&DType, &Layout), dst: &Layout, sorted: &mut Sorted<N>) {
        sorted.collect(self.item, src.1, dst);
        if let Item::Bits {
            src: from,
            dst: to,
            truth,
        } = self.item
        {
            // The lanes of an item are the fastest axis where each changes its width.
            let lanes = src.0.lanes().into();
            if (truth || from != to) && lanes > 1 {
                sorted.push(lanes, from.cast_signed(), to.cast_signed());
            }
        }
        sorted.fuse();
    }

    /// Whether there is nothing to copy.
    pub(crate) fn is_empty(&self) -> bool {
        self.class == Class::Nothing
    }

    /// Whether bytes of the destination may be read before they are written: those that hold bits beside the ones to be written.
    pub(crate) const fn reads_destination(&self) -> bool {
        match self.item {
            Item::Bits { src, dst, truth } => !dst.is_multiple_of(8) || (src == dst && !truth),
            Item::Bytes { .. } => false,
        }
    }

    /// Bytes that are written, but for [`Item::Bits`].
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        let size = match self.item {
            Item::Bytes { size, .. } => size,
            Item::Bits { .. } => 0,
        };
        self.axes.iter().fold(size, |bytes, axis| bytes * axis.len)
    }

    /// The number of bytes, if all that the plan does is to move adjacent ones as they are.
    pub(crate) fn as_run(&self) -> Option<usize> {
        match (self.class, self.item) {
            (Class::Run, Item::Bytes { size, swap: 1 }) => Some(size),
            _ => None,
        }
    }

    /// Calls `visit` with the source and destination offsets of each row: each position of all axes but the fastest.
    pub(crate) fn for_each_row(&self, visit: impl FnMut(usize, usize)) {
        let outer = &self.axes[..self.axes.len().saturating_sub(1)];
        for_each(outer, (self.src, self.dst), visit);
    }

    /// The fastest axis; a single step where there is none.
    pub(crate) fn row(&self) -> Axis {
        self.axes.last().copied().unwrap_or(Axis::ONCE)
    }
}

/// Calls `visit` with the source and destination offsets of each position of the axes, the last one fastest.
pub(super) fn for_each(axes: &[Axis], (mut src, mut dst): (usize, usize), mut visit: impl FnMut(usize, usize)) {
    let mut position: SmallVec<[usize; 8]> = SmallVec::from_elem(0, axes.len());
    loop {
        visit(src, dst);
        let mut k = axes.len();
        loop {
            let Some(next) = k.checked_sub(1) else { return };
            k = next;
            let axis = axes[k];
            position[k] += 1;
            // Wrapping, because one operand may step below the start of its memory and back between two items.
            if position[k] < axis.len {
                src = src.wrapping_add_signed(axis.src);
                dst = dst.wrapping_add_signed(axis.dst);
                break;
            }
            let back = (axis.len - 1).cast_signed();
            src = src.wrapping_add_signed(axis.src.wrapping_mul(back).wrapping_neg());
            dst = dst.wrapping_add_signed(axis.dst.wrapping_mul(back).wrapping_neg());
            position[k] = 0;
        }
    }
}

/// What moves for one item, or `None` if the values would have to change.
#[inline(always)]
fn choose(src: &DType, dst: &DType) -> Option<Item> {
    let same = (src.kind(), src.lanes()) == (dst.kind(), dst.lanes());
    let truth = src.kind() == Kind::Bool && src.bits() != dst.bits();
    if !same || (src.bits() != dst.bits() && !truth) {
        return None;
    }
    if src.kind() == Kind::Record && src != dst {
        return None;
    }
    let lane = |dtype: &DType| usize::try_from(if dtype.is_padded() { 8 } else { dtype.bits() }).ok();
    if truth || src.is_padded() != dst.is_padded() {
        let (src, dst) = (lane(src)?, lane(dst)?);
        return Some(Item::Bits { src, dst, truth });
    }
    if src.is_packed() {
        let bits = usize::try_from(src.item_bits()).ok()?;
        return Some(Item::Bits {
            src: bits,
            dst: bits,
            truth: false,
        });
    }
    let (size, same) = (src.itemsize(), src.byte_order() == dst.byte_order());
    let swap = if same { 1 } else { src.swap_unit() };
    Some(Item::Bytes { size, swap })
}
