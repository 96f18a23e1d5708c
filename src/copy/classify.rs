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

/// What is to become of sorted axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// They stay in this order.
    InOrder(Class),
    /// This one moves up to the last one.
    Transpose { across: usize },
    /// As many as are worth it are listed. If there are none, they stay in this order.
    List { otherwise: Class },
}

impl<const N: usize> Sorted<N> {
    /// Gives a plan its class, and the axes in the order that the class wants.
    #[inline(always)]
    pub(super) fn carry_out(&self, choice: Choice, plan: &mut CopyPlan) {
        match choice {
            Choice::InOrder(class) => {
                plan.class = class;
                self.deal(plan, 0..self.count);
            }
            Choice::Transpose { across } => {
                let last = self.count - 1;
                plan.class = Class::Transpose;
                if last == 1 {
                    plan.axes.push(Axis::ONCE);
                } else {
                    self.deal(plan, (0..last).filter(|&axis| axis != across));
                }
                self.deal(plan, [across, last]);
            }
            Choice::List { otherwise } => {
                plan.class = otherwise;
                self.list(plan);
            }
        }
    }

    /// What is to become of the axes. Those of a transpose are walked so that the source ascends.
    #[inline(always)]
    pub(super) fn choose(&mut self, item: Item) -> Choice {
        let Item::Bytes { size, .. } = item else {
            return Choice::InOrder(Class::Bits);
        };
        let Some(last) = self.count.checked_sub(1) else {
            return Choice::InOrder(Class::Run);
        };
        let (src, dst) = (self.src[last], self.dst[last]);
        let class = if dst != size.cast_signed() {
            Class::Scatter
        } else if src == 0 {
            Class::Repeat
        } else {
            Class::Gather
        };
        if class == Class::Gather
            && src.unsigned_abs() != size
            && let Some(across) = self.closest(last)
        {
            self.transpose(across, class)
        } else if last > 0 && self.len[last] < SHORT {
            Choice::List { otherwise: class }
        } else {
            Choice::InOrder(class)
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
    fn transpose(&mut self, across: usize, otherwise: Class) -> Choice {
        let last = self.count - 1;
        if last > 2 {
            // The slowest axis that the kernel takes.
            let batch = last - 1 - usize::from(across == last - 1);
            // No number of items overflows, by *size*.
            let block = self.len[across]
                .wrapping_mul(self.len[last])
                .wrapping_mul(self.len[batch]);
            if block < SMALL {
                return Choice::List { otherwise };
            }
        }
        if self.src[across] < 0 {
            self.turn(across);
        }
        Choice::Transpose { across }
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
            plan.axes.push(Axis::ONCE);
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
