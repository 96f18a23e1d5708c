//! The axes of a copy while it is planned: sorted, fused, and then dealt out to a [`CopyPlan`] in the order that its class wants.
//!
//! Lengths and strides lie in arrays of their own. Axes as structs would be moved about as wide words just after they were written as narrow
//! ones, and each such move waits until the processor has put them together: that alone made planning twice as slow.

use super::plan::{Axis, CopyPlan, Item};
use crate::layout::{Layout, Unit};

/// Up to `N` axes, slowest first by destination stride. Only the first `count` entries mean anything.
#[derive(Debug)]
pub(super) struct Sorted<const N: usize> {
    pub(super) count: usize,
    pub(super) len: [usize; N],
    pub(super) src: [isize; N],
    pub(super) dst: [isize; N],
    /// Where the walk begins, from the start of either memory.
    pub(super) start: (usize, usize),
}

impl<const N: usize> Sorted<N> {
    /// No axes. To be filled where it is: it is too large to be moved.
    #[inline(always)]
    pub(super) const fn blank() -> Self {
        Self {
            count: 0,
            len: [0; N],
            src: [0; N],
            dst: [0; N],
            start: (0, 0),
        }
    }

    /// The axes of more than one item, walked so that the destination ascends. There are less than `N` axes.
    #[inline(always)]
    pub(super) fn collect(&mut self, item: Item, src: &Layout, dst: &Layout) {
        // Bytes of existing memory count in bits where items do.
        let bits = matches!(item, Item::Bits { .. });
        let scale = |layout: &Layout| u32::from(bits && layout.unit() == Unit::Byte) * 3;
        let (src_scale, dst_scale) = (scale(src), scale(dst));
        self.start = (src.offset() << src_scale, dst.offset() << dst_scale);
        let strides = src.strides().iter().zip(dst.strides());
        for (&len, (&src, &dst)) in src.shape().iter().zip(strides).take(N - 1) {
            if len > 1 {
                self.insert(len, src << src_scale, dst << dst_scale);
            }
        }
    }

    /// What [`collect`](Self::collect) and [`fuse`](Self::fuse) leave of at most `N` axes that the destination has from slowest to fastest, all of
    /// them upwards, and the number of items. `None` where that is not so, or the shapes differ; then nothing here means anything.
    #[inline(always)]
    pub(super) fn collect_plain(&mut self, src: &Layout, dst: &Layout) -> Option<usize> {
        let (Some((shape, src_strides)), Some((dst_shape, dst_strides))) = (src.few_axes(), dst.few_axes()) else {
            return None;
        };
        if shape.len() != dst_shape.len() || shape.len() > N {
            return None;
        }
        self.start = (src.offset(), dst.offset());
        let (mut last, mut items) = (Axis::ONCE, 1_usize);
        let axes = shape.iter().zip(src_strides).zip(dst_shape.iter().zip(dst_strides));
        for ((&len, &src), (&dst_len, &dst)) in axes {
            if len != dst_len {
                return None;
            }
            if len == 1 {
                continue;
            }
            if len == 0 || dst <= 0 {
                return None;
            }
            // Wrapping is exact: by *size*; and by *span*, axes that differ by as much as a wrapped product does would not find room in one memory.
            items = items.wrapping_mul(len);
            let steps = |stride: isize| stride.wrapping_mul(len.cast_signed());
            let fused = self.count > 0 && (last.src, last.dst) == (steps(src), steps(dst));
            if fused {
                last.len = last.len.wrapping_mul(len);
            } else {
                if self.count > 0 && last.dst <= dst {
                    return None;
                }
                last.len = len;
                self.count += 1;
            }
            (last.src, last.dst) = (src, dst);
            self.set((self.count - 1).min(N - 1), last.len, src, dst);
        }
        Some(items)
    }

    #[inline(always)]
    fn insert(&mut self, len: usize, src: isize, dst: isize) {
        let (mut src, mut dst) = (src, dst);
        if dst < 0 {
            (src, dst) = self.turned(len, src, dst);
        }
        let mut at = self.count;
        while at > 0 && (self.dst[at - 1], self.src[at - 1].unsigned_abs()) < (dst, src.unsigned_abs()) {
            self.len[at] = self.len[at - 1];
            self.src[at] = self.src[at - 1];
            self.dst[at] = self.dst[at - 1];
            at -= 1;
        }
        self.set(at, len, src, dst);
        self.count += 1;
    }

    #[inline(always)]
    fn set(&mut self, at: usize, len: usize, src: isize, dst: isize) {
        self.len[at] = len;
        self.src[at] = src;
        self.dst[at] = dst;
    }

    /// Begins at the other end of an axis, and gives the strides with which it is walked from there. Wrapping, because what matters is the sum
    /// over all axes.
    #[inline(always)]
    fn turned(&mut self, len: usize, src: isize, dst: isize) -> (isize, isize) {
        let steps = (len - 1).cast_signed();
        self.start.0 = self.start.0.wrapping_add_signed(src.wrapping_mul(steps));
        self.start.1 = self.start.1.wrapping_add_signed(dst.wrapping_mul(steps));
        (src.wrapping_neg(), dst.wrapping_neg())
    }

    /// Walks an axis from its other end.
    #[inline(always)]
    pub(super) fn turn(&mut self, axis: usize) {
        let (src, dst) = self.turned(self.len[axis], self.src[axis], self.dst[axis]);
        (self.src[axis], self.dst[axis]) = (src, dst);
    }

    /// Adds the fastest axis.
    pub(super) fn push(&mut self, len: usize, src: isize, dst: isize) {
        self.set(self.count, len, src, dst);
        self.count += 1;
    }

    /// Merges neighbours that step as one axis in both operands.
    #[inline(always)]
    pub(super) fn fuse(&mut self) {
        let mut kept = 0;
        for k in 1..self.count {
            let (len, src, dst) = (self.len[k], self.src[k], self.dst[k]);
            // What steps further than an address can say is no neighbour.
            let steps = |stride: isize| stride.checked_mul(len.cast_signed());
            if Some(self.src[kept]) == steps(src) && Some(self.dst[kept]) == steps(dst) {
                let len = self.len[kept] * len;
                self.set(kept, len, src, dst);
            } else {
                kept += 1;
                self.set(kept, len, src, dst);
            }
        }
        self.count = self.count.min(kept + 1);
    }

    /// Makes one item of the fastest axis where its items are adjacent in both operands.
    #[inline(always)]
    pub(super) fn absorb_run(&mut self, item: &mut Item) {
        match item {
            Item::Bytes { size, .. } => *size = self.absorb(*size),
            Item::Bits { src, dst, truth: false } if src == dst => {
                *src = self.absorb(*src);
                *dst = *src;
            }
            Item::Bits { .. } => {}
        }
    }

    /// The same, for items that are `size` bytes (or bits) apart where they are adjacent. Returns what they are after that.
    #[inline(always)]
    pub(super) fn absorb(&mut self, size: usize) -> usize {
        let Some(last) = self.count.checked_sub(1) else {
            return size;
        };
        let adjacent = size.cast_signed();
        if (self.src[last], self.dst[last]) != (adjacent, adjacent) {
            return size;
        }
        self.count = last;
        size * self.len[last]
    }

    #[inline(always)]
    pub(super) fn axis(&self, k: usize) -> Axis {
        Axis {
            len: self.len[k],
            src: self.src[k],
            dst: self.dst[k],
        }
    }

    /// Adds some of the axes to a plan, and tells it where the walk begins.
    #[inline(always)]
    pub(super) fn deal(&self, plan: &mut CopyPlan, axes: impl IntoIterator<Item = usize>) {
        plan.src = self.start.0;
        plan.dst = self.start.1;
        for k in axes {
            plan.axes.push(self.axis(k));
        }
    }
}
