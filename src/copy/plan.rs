//! The plan of a copy: which axes to walk, in which order, with which kernel. Pure arithmetic.

use smallvec::SmallVec;

use crate::dtype::{DType, Kind};
use crate::layout::{Layout, Unit};

/// An axis to walk. Strides are in bytes, or in bits for a [`Kernel::Bits`] plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) src: isize,
    pub(crate) dst: isize,
}

/// What happens at each position of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// There is nothing to copy.
    Nothing,
    /// So many adjacent bytes move as they are.
    Run { bytes: usize },
    /// An item of `size` bytes moves.
    Item { size: usize },
    /// A number of `size` bytes moves with its bytes reversed.
    Swap { size: usize },
    /// `src` bits become `dst` bits: the lower ones as they are, the rest 0. As a truth value, any bit set becomes 1.
    Bits { src: usize, dst: usize, truth: bool },
}

impl Kernel {
    /// Whether bytes of the destination may be read before they are written: those that hold bits beside the ones to be written.
    pub(crate) const fn reads_destination(self) -> bool {
        match self {
            Self::Bits { src, dst, truth } => !dst.is_multiple_of(8) || (src == dst && !truth),
            _ => false,
        }
    }
}

/// How to fill one layout from another of the same shape.
///
/// Invariant *reach*: the positions that [`CopyPlan::for_each`] visits are those of the items (or parts of items) of both layouts, each
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyPlan {
    /// Slowest first, by |destination stride|; at least two items each, no two that could be one.
    pub(crate) axes: SmallVec<[Axis; 8]>,
    /// Where the walk begins, from the start of the memory.
    pub(crate) src: usize,
    pub(crate) dst: usize,
    pub(crate) kernel: Kernel,
}

impl CopyPlan {
    /// Plans a copy of `src` into `dst`, or `None` if the types differ in more than byte order and packing.
    ///
    /// The shapes are equal and the items of `dst` are disjoint.
    pub(crate) fn new(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let kernel = Self::choose(src.0, dst.0)?;
        let mut plan = Self {
            axes: SmallVec::new(),
            src: 0,
            dst: 0,
            kernel,
        };
        if dst.1.is_empty() || dst.1.itemsize() == 0 {
            plan.kernel = Kernel::Nothing;
            return Some(plan);
        }
        // Bytes of existing memory, so that their bits can be counted too.
        let bits = matches!(kernel, Kernel::Bits { .. });
        let scale = |layout: &Layout| -> isize { if bits && layout.unit() == Unit::Byte { 8 } else { 1 } };
        let (src_scale, dst_scale) = (scale(src.1), scale(dst.1));
        plan.src = src.1.offset() * src_scale.unsigned_abs();
        plan.dst = dst.1.offset() * dst_scale.unsigned_abs();
        for (axis, &len) in src.1.shape().iter().enumerate() {
            if len > 1 {
                plan.push(Axis {
                    len,
                    src: src.1.strides()[axis] * src_scale,
                    dst: dst.1.strides()[axis] * dst_scale,
                });
            }
        }
        plan.axes
            .sort_by_key(|axis| std::cmp::Reverse((axis.dst.unsigned_abs(), axis.src.unsigned_abs())));
        plan.split_items(src.0, src.1.itemsize());
        plan.fuse();
        plan.absorb_runs();
        Some(plan)
    }

    /// The kernel for one item.
    fn choose(src: &DType, dst: &DType) -> Option<Kernel> {
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
            return Some(Kernel::Bits { src, dst, truth });
        }
        if src.is_packed() {
            let bits = usize::try_from(src.item_bits()).ok()?;
            return Some(Kernel::Bits {
                src: bits,
                dst: bits,
                truth: false,
            });
        }
        Some(if src.byte_order() == dst.byte_order() {
            Kernel::Item { size: src.itemsize() }
        } else {
            Kernel::Swap { size: src.swap_unit() }
        })
    }

    /// Adds an axis, walked so that the destination ascends.
    fn push(&mut self, mut axis: Axis) {
        if axis.dst < 0 {
            let last = (axis.len - 1).cast_signed();
            self.src = self.src.wrapping_add_signed(axis.src.wrapping_mul(last));
            self.dst = self.dst.wrapping_add_signed(axis.dst.wrapping_mul(last));
            axis.src = axis.src.wrapping_neg();
            axis.dst = axis.dst.wrapping_neg();
        }
        self.axes.push(axis);
    }

    /// Makes the parts of an item (halves of complex numbers, characters, lanes) the fastest axis where the kernel moves parts.
    fn split_items(&mut self, dtype: &DType, itemsize: usize) {
        let (len, src, dst) = match self.kernel {
            Kernel::Swap { size } => (itemsize / size, size, size),
            Kernel::Bits { src, dst, truth } if truth || src != dst => (dtype.lanes().into(), src, dst),
            _ => return,
        };
        if len > 1 {
            let (src, dst) = (src.cast_signed(), dst.cast_signed());
            self.axes.push(Axis { len, src, dst });
        }
    }

    /// Merges neighbours that step as one axis in both operands.
    fn fuse(&mut self) {
        let mut fused: SmallVec<[Axis; 8]> = SmallVec::new();
        for &axis in &self.axes {
            let steps = |stride: isize| stride.checked_mul(axis.len.cast_signed());
            match fused.last_mut() {
                Some(outer) if Some(outer.src) == steps(axis.src) && Some(outer.dst) == steps(axis.dst) => {
                    *outer = Axis {
                        len: outer.len * axis.len,
                        ..axis
                    };
                }
                _ => fused.push(axis),
            }
        }
        self.axes = fused;
    }

    /// Lets the kernel move the fastest axis at once where its items are adjacent in both operands.
    fn absorb_runs(&mut self) {
        let adjacent = |axis: &Axis, size: usize| axis.src == size.cast_signed() && axis.dst == size.cast_signed();
        match self.kernel {
            Kernel::Item { size } => {
                let run = self.pop_if(|axis| adjacent(axis, size));
                if run.is_some() || self.axes.is_empty() {
                    let bytes = size * run.map_or(1, |axis| axis.len);
                    self.kernel = Kernel::Run { bytes };
                }
            }
            Kernel::Bits { src, dst, truth: false } if src == dst => {
                if let Some(run) = self.pop_if(|axis| adjacent(axis, src)) {
                    let bits = src * run.len;
                    self.kernel = Kernel::Bits {
                        src: bits,
                        dst: bits,
                        truth: false,
                    };
                }
            }
            _ => {}
        }
    }

    /// Takes the fastest axis off if it is as wanted.
    fn pop_if(&mut self, wanted: impl Fn(&Axis) -> bool) -> Option<Axis> {
        self.axes.last().is_some_and(wanted).then(|| self.axes.pop())?
    }

    /// Calls `visit` with the source and destination offsets of each row: each position of all axes but the fastest.
    pub(crate) fn for_each_row(&self, mut visit: impl FnMut(usize, usize)) {
        let outer = &self.axes[..self.axes.len().saturating_sub(1)];
        let mut position: SmallVec<[usize; 8]> = SmallVec::from_elem(0, outer.len());
        let (mut src, mut dst) = (self.src, self.dst);
        loop {
            visit(src, dst);
            let mut k = outer.len();
            loop {
                let Some(next) = k.checked_sub(1) else { return };
                k = next;
                let axis = outer[k];
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

    /// The fastest axis; a single step where there is none.
    pub(crate) fn row(&self) -> Axis {
        const ONCE: Axis = Axis { len: 1, src: 0, dst: 0 };
        self.axes.last().copied().unwrap_or(ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Order;

    fn plan(dtype: &DType, src: &Layout, order: Order) -> CopyPlan {
        let dst = Layout::contiguous(src.shape(), dtype, order).unwrap();
        CopyPlan::new((dtype, src), (dtype, &dst)).unwrap()
    }

    #[test]
    fn contiguous_copies_are_one_run() {
        let src = Layout::contiguous(&[3, 1, 4, 5], &DType::F32, Order::C).unwrap();
        let plan = plan(&DType::F32, &src, Order::C);
        assert_eq!((plan.axes.len(), plan.kernel), (0, Kernel::Run { bytes: 240 }));
    }

    #[test]
    fn matching_permutations_are_one_run() {
        let src = Layout::contiguous(&[3, 4, 5], &DType::F32, Order::F).unwrap();
        let plan = plan(&DType::F32, &src, Order::F);
        assert_eq!((plan.axes.len(), plan.kernel), (0, Kernel::Run { bytes: 240 }));
    }

    #[test]
    fn rows_fuse_around_a_gap() {
        let whole = Layout::contiguous(&[2, 3, 8], &DType::F64, Order::C).unwrap();
        let src = whole.slice_axis(2, 1..5).unwrap();
        let plan = plan(&DType::F64, &src, Order::C);
        let rows = Axis {
            len: 6,
            src: 64,
            dst: 32,
        };
        assert_eq!((&plan.axes[..], plan.kernel), (&[rows][..], Kernel::Run { bytes: 32 }));
        assert_eq!(plan.src, 8);
    }

    #[test]
    fn negative_destinations_are_walked_upwards() {
        let src = Layout::contiguous(&[4], &DType::I16, Order::C).unwrap();
        let dst = src.flip(0).unwrap();
        let plan = CopyPlan::new((&DType::I16, &src), (&DType::I16, &dst)).unwrap();
        let row = Axis {
            len: 4,
            src: -2,
            dst: 2,
        };
        assert_eq!((plan.row(), plan.src, plan.dst), (row, 6, 0));
    }

    #[test]
    fn swaps_walk_the_parts_of_an_item() {
        let src = Layout::contiguous(&[3], &DType::C64, Order::C).unwrap();
        let plan = CopyPlan::new((&DType::C64.swapped(), &src), (&DType::C64, &src)).unwrap();
        let row = Axis { len: 6, src: 4, dst: 4 };
        assert_eq!((plan.row(), plan.kernel), (row, Kernel::Swap { size: 4 }));
    }

    #[test]
    fn types_that_differ_in_value_have_no_plan() {
        let layout = Layout::contiguous(&[3], &DType::F32, Order::C).unwrap();
        assert_eq!(CopyPlan::new((&DType::F32, &layout), (&DType::I32, &layout)), None);
    }

    #[test]
    fn rows_visit_each_position_once() {
        let src = Layout::contiguous(&[2, 3, 4], &DType::U8, Order::C).unwrap();
        let src = src.permute(&[2, 0, 1]).unwrap().flip(1).unwrap();
        let plan = plan(&DType::U8, &src, Order::C);
        let mut pairs = Vec::new();
        plan.for_each_row(|s, d| {
            for k in 0..plan.row().len.cast_signed() {
                pairs.push((
                    s.wrapping_add_signed(k * plan.row().src),
                    d.wrapping_add_signed(k * plan.row().dst),
                ));
            }
        });
        pairs.sort_by_key(|&(_, d)| d);
        let expected: Vec<_> = src.offsets().zip(0..).collect();
        assert_eq!(pairs, expected);
    }
}
