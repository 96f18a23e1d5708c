//! Which kernel a plan's axes are for.

use super::plan::{Axes, Axis, CopyPlan, Item};

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

impl CopyPlan {
    /// Chooses the class, and moves its axes to the end.
    pub(super) fn classify(&mut self) {
        self.absorb_run();
        let Item::Bytes { size, .. } = self.item else {
            self.class = Class::Bits;
            return;
        };
        let Some((&last, outer)) = self.axes.split_last() else {
            self.class = Class::Run;
            return;
        };
        let item = size.cast_signed();
        self.class = if last.dst != item {
            Class::Scatter
        } else if last.src == 0 {
            Class::Repeat
        } else {
            Class::Gather
        };
        if self.class == Class::Gather
            && last.src.unsigned_abs() != size
            && let Some(across) = closest(outer, last)
        {
            self.transpose(across);
        } else if last.len < SHORT && !outer.is_empty() {
            self.list();
        }
    }

    /// Makes the axes outer (if there is one), `across` and the last those of a transpose, or lists them if they are small.
    fn transpose(&mut self, across: usize) {
        let along = self.axes[self.axes.len() - 1];
        let mut rows = self.axes[across];
        let others = self.axes.len() - 2;
        let batch = (0..=others).rev().find(|&axis| axis != across);
        let batch_len = batch.map_or(1, |axis| self.axes[axis].len);
        let block = rows.len.saturating_mul(along.len).saturating_mul(batch_len);
        if others > 1 && block < SMALL {
            return self.list();
        }
        if rows.src < 0 {
            self.turn(&mut rows);
        }
        for axis in across..others {
            self.axes[axis] = self.axes[axis + 1];
        }
        self.axes[others] = rows;
        if others == 0 {
            self.axes.clear();
            self.axes.push(Axis::ONCE);
            self.axes.push(rows);
            self.axes.push(along);
        }
        self.class = Class::Transpose;
    }

    /// Lists as many axes as a list is long: in turn the one on which the destination is closest to contiguous, and the source. Then every line
    /// of memory that a list touches is used up by it.
    fn list(&mut self) {
        let (mut listed, mut items) = (0_u64, 1);
        loop {
            let before = listed;
            let open = |listed: u64, axis: &usize| listed & (1 << *axis) == 0;
            let by_dst = (0..self.axes.len()).rev().find(|axis| open(listed, axis));
            listed |= self.if_fits(by_dst, &mut items);
            let by_src = (0..self.axes.len())
                .filter(|axis| open(listed, axis))
                .min_by_key(|&axis| self.axes[axis].src.unsigned_abs());
            listed |= self.if_fits(by_src, &mut items);
            if listed == before {
                break;
            }
        }
        if listed == 0 {
            return;
        }
        let pick = |wanted: bool| {
            let axes = self.axes.iter().enumerate();
            axes.filter(move |(axis, _)| (listed & (1 << axis) != 0) == wanted)
                .map(|(_, axis)| *axis)
        };
        let walked: Axes = pick(false).collect();
        let axes: Axes = walked.iter().copied().chain(pick(true)).collect();
        self.class = Class::List {
            axes: u8::try_from(axes.len() - walked.len()).unwrap_or(u8::MAX),
        };
        self.axes = axes;
        if walked.is_empty() {
            self.axes.insert(0, Axis::ONCE);
        }
    }

    /// The bit of an axis that still fits into a list of `items`.
    fn if_fits(&self, axis: Option<usize>, items: &mut usize) -> u64 {
        let Some(axis) = axis else { return 0 };
        let more = items.saturating_mul(self.axes[axis].len);
        if more > LONGEST_LIST {
            return 0;
        }
        *items = more;
        1 << axis
    }
}

/// The axis on which the source steps least, if that is less than on the fastest axis.
fn closest(outer: &[Axis], fastest: Axis) -> Option<usize> {
    let mut found = None;
    let mut least = fastest.src.unsigned_abs();
    for (k, axis) in outer.iter().enumerate() {
        let step = axis.src.unsigned_abs();
        if step != 0 && step < least {
            (found, least) = (Some(k), step);
        }
    }
    found
}
