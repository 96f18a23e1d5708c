//! Which kernel a plan's axes are for.

use super::plan::{Axis, CopyPlan, Item};
use super::sorted::Sorted;

/// What the axes have in common with what some kernel is good at. The kernel takes the last axes of the plan, the others are walked around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// There is nothing to copy.
    Nothing,
    /// One run of bytes. No axis.
    Run,
    /// The same item (or run) over and over, one behind the other. One axis.
    Repeat,
    /// Items (or runs) from anywhere, one behind the other. One axis.
    Gather,
    /// Items (or runs) from anywhere to anywhere. One axis.
    Scatter,
    /// Rows become columns. Three axes: the batch; the one on which the source is (most nearly) contiguous, upwards; the one on which the
    /// destination is contiguous.
    Transpose,
    /// Small axes, too many to be walked one by one: the offsets of their items are listed once. One axis, then those of the list.
    List {
        /// How many axes are listed.
        axes: u8,
    },
    /// Items counted in bits. One axis.
    Bits,
}

/// The longest list of offsets.
pub(super) const LONGEST_LIST: usize = 1024;

/// Rows (and blocks) of fewer items than this are not worth setting a kernel up for, if there are many.
const SHORT: usize = 8;
const SMALL: usize = 32;

impl<const N: usize> Sorted<N> {
    /// Chooses the class of a plan whose item is known, and gives it the axes in the order that the class wants.
    #[inline(always)]
    pub(super) fn classify(&mut self, plan: &mut CopyPlan) {
        let Item::Bytes { size, .. } = plan.item else {
            plan.class = Class::Bits;
            return self.deal(plan, 0..self.count);
        };
        let Some(last) = self.count.checked_sub(1) else {
            plan.class = Class::Run;
            return self.deal(plan, 0..0);
        };
        plan.class = if self.dst[last] != size.cast_signed() {
            Class::Scatter
        } else if self.src[last] == 0 {
            Class::Repeat
        } else {
            Class::Gather
        };
        if plan.class == Class::Gather
            && self.src[last].unsigned_abs() != size
            && let Some(across) = self.closest(last)
        {
            self.transpose(plan, across);
        } else if last > 0 && self.len[last] < SHORT {
            self.list(plan);
        } else {
            self.deal(plan, 0..self.count);
        }
    }

    /// The axis on which the source steps least, if that is less than on the fastest axis.
    #[inline(always)]
    fn closest(&self, last: usize) -> Option<usize> {
        let mut found = None;
        let mut least = self.src[last].unsigned_abs();
        for k in 0..last {
            let step = self.src[k].unsigned_abs();
            if step != 0 && step < least {
                (found, least) = (Some(k), step);
            }
        }
        found
    }

    /// Makes the axes outer (if there is one), `across` and the last those of a transpose, or lists them if they are small.
    #[inline(always)]
    fn transpose(&mut self, plan: &mut CopyPlan, across: usize) {
        let last = self.count - 1;
        let others = last - 1;
        let batch = (0..last).rev().find(|&axis| axis != across);
        let batch_len = batch.map_or(1, |axis| self.len[axis]);
        let block = self.len[across]
            .saturating_mul(self.len[last])
            .saturating_mul(batch_len);
        if others > 1 && block < SMALL {
            return self.list(plan);
        }
        if self.src[across] < 0 {
            self.turn(across);
        }
        plan.class = Class::Transpose;
        if others == 0 {
            plan.axes.extend([Axis::ONCE].into_iter());
        } else {
            self.deal(plan, (0..last).filter(|&axis| axis != across));
        }
        self.deal(plan, [across, last]);
    }

    /// Lists as many axes as a list is long: in turn the one on which the destination is closest to contiguous, and the source. Then every line
    /// of memory that a list touches is used up by it.
    #[cold]
    #[inline(never)]
    fn list(&self, plan: &mut CopyPlan) {
        let (mut listed, mut items) = (0_u128, 1);
        loop {
            let before = listed;
            let open = |listed: u128, axis: &usize| listed & (1 << *axis) == 0;
            let by_dst = (0..self.count).rev().find(|axis| open(listed, axis));
            listed |= self.if_fits(by_dst, &mut items);
            let by_src = (0..self.count)
                .filter(|axis| open(listed, axis))
                .min_by_key(|&axis| self.src[axis].unsigned_abs());
            listed |= self.if_fits(by_src, &mut items);
            if listed == before {
                break;
            }
        }
        if listed == 0 {
            return self.deal(plan, 0..self.count);
        }
        let pick = |wanted: bool| (0..self.count).filter(move |axis| (listed & (1 << axis) != 0) == wanted);
        let axes = pick(true).count();
        if axes == self.count {
            plan.axes.extend([Axis::ONCE].into_iter());
        }
        self.deal(plan, pick(false).chain(pick(true)));
        plan.class = Class::List {
            axes: u8::try_from(axes).unwrap_or(u8::MAX),
        };
    }

    /// The bit of an axis that still fits into a list of `items`.
    fn if_fits(&self, axis: Option<usize>, items: &mut usize) -> u128 {
        let Some(axis) = axis else { return 0 };
        let more = items.saturating_mul(self.len[axis]);
        if more > LONGEST_LIST {
            return 0;
        }
        *items = more;
        1 << axis
    }
}
