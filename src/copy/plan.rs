//! The plan of a copy: which axes to walk, in which order, and what moves at each step. Pure arithmetic.
//!
//! ```text
//! drop axes of one item ─► walk the destination upwards ─► sort by |destination stride| ─► fuse in both operands ─► classify
//! ```
//!
//! Small copies are won or lost here: nothing is allocated up to eight axes, and nothing is divided.

use smallvec::SmallVec;

use super::classify::Class;
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, Unit};

/// An axis to walk. Strides are in bytes, or in bits where the items are [`Item::Bits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) src: isize,
    pub(crate) dst: isize,
}

impl Axis {
    /// A single step.
    pub(crate) const ONCE: Self = Self { len: 1, src: 0, dst: 0 };

    /// How far the last step is from the first, in both operands. Wrapping, because what matters is the sum over all axes.
    fn reach(&self) -> (isize, isize) {
        let steps = (self.len - 1).cast_signed();
        (self.src.wrapping_mul(steps), self.dst.wrapping_mul(steps))
    }
}

pub(crate) type Axes = SmallVec<[Axis; 8]>;

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
    /// Plans a copy of `src` into `dst`, or `None` if the types differ in more than byte order and packing.
    ///
    /// The shapes are equal and the items of `dst` are disjoint.
    #[inline(always)]
    pub(crate) fn new(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let mut plan = Self::fused(src, dst)?;
        if !plan.is_empty() {
            plan.classify();
        }
        Some(plan)
    }

    /// The same, with the axes still from slowest to fastest, for whoever walks them himself.
    #[inline(always)]
    pub(crate) fn fused(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let mut plan = Self {
            axes: Axes::new(),
            src: src.1.offset(),
            dst: dst.1.offset(),
            item: choose(src.0, dst.0)?,
            class: Class::Nothing,
        };
        if dst.1.is_empty() || dst.1.itemsize() == 0 {
            return Some(plan);
        }
        plan.class = Class::Scatter;
        plan.collect(src.1, dst.1);
        if let Item::Bits { .. } = plan.item {
            plan.split_lanes(src.0);
        }
        plan.fuse();
        if !matches!(plan.item, Item::Bytes { swap: 2.., .. }) {
            plan.absorb_run();
        }
        Some(plan)
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

    /// The axes of more than one item, slowest first.
    #[inline]
    fn collect(&mut self, src: &Layout, dst: &Layout) {
        // Bytes of existing memory count in bits where items do.
        let bits = matches!(self.item, Item::Bits { .. });
        let scale = |layout: &Layout| u32::from(bits && layout.unit() == Unit::Byte) * 3;
        let (src_scale, dst_scale) = (scale(src), scale(dst));
        self.src <<= src_scale;
        self.dst <<= dst_scale;
        let strides = src.strides().iter().zip(dst.strides());
        for (&len, (&src, &dst)) in src.shape().iter().zip(strides) {
            if len > 1 {
                self.insert(Axis {
                    len,
                    src: src << src_scale,
                    dst: dst << dst_scale,
                });
            }
        }
    }

    /// Adds an axis at its place, walked so that the destination ascends.
    #[inline]
    fn insert(&mut self, mut axis: Axis) {
        if axis.dst < 0 {
            self.turn(&mut axis);
        }
        let key = |axis: &Axis| (axis.dst, axis.src.unsigned_abs());
        let mut at = self.axes.len();
        self.axes.push(axis);
        while at > 0 && key(&self.axes[at - 1]) < key(&axis) {
            self.axes[at] = self.axes[at - 1];
            at -= 1;
        }
        self.axes[at] = axis;
    }

    /// Walks an axis from its other end.
    pub(super) fn turn(&mut self, axis: &mut Axis) {
        let (src, dst) = axis.reach();
        self.src = self.src.wrapping_add_signed(src);
        self.dst = self.dst.wrapping_add_signed(dst);
        axis.src = axis.src.wrapping_neg();
        axis.dst = axis.dst.wrapping_neg();
    }

    /// Makes the lanes of an item the fastest axis where each changes its width.
    fn split_lanes(&mut self, dtype: &DType) {
        let Item::Bits { src, dst, truth } = self.item else {
            return;
        };
        let len = dtype.lanes().into();
        if (truth || src != dst) && len > 1 {
            let (src, dst) = (src.cast_signed(), dst.cast_signed());
            self.axes.push(Axis { len, src, dst });
        }
    }

    /// Merges neighbours that step as one axis in both operands.
    #[inline]
    fn fuse(&mut self) {
        let mut kept = 0;
        for k in 1..self.axes.len() {
            let axis = self.axes[k];
            let outer = &mut self.axes[kept];
            // What steps further than an address can say is no neighbour.
            let steps = |stride: isize| stride.checked_mul(axis.len.cast_signed());
            if Some(outer.src) == steps(axis.src) && Some(outer.dst) == steps(axis.dst) {
                outer.len *= axis.len;
                (outer.src, outer.dst) = (axis.src, axis.dst);
            } else {
                kept += 1;
                self.axes[kept] = axis;
            }
        }
        self.axes.truncate(kept + 1);
    }

    /// Makes one item of the fastest axis where its items are adjacent in both operands.
    #[inline]
    pub(super) fn absorb_run(&mut self) {
        let Some(&Axis { len, src, dst }) = self.axes.last() else {
            return;
        };
        let adjacent = |size: usize| src == size.cast_signed() && dst == src;
        match &mut self.item {
            Item::Bytes { size, .. } if adjacent(*size) => *size *= len,
            Item::Bits { src, dst, truth: false } if src == dst && adjacent(*src) => {
                *src *= len;
                *dst = *src;
            }
            _ => return,
        }
        self.axes.pop();
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
#[inline]
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
