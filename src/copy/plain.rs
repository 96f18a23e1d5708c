//! A look in front of the planner: copies about which nothing is unusual.
//!
//! Most copies are of a few axes, which the destination has from slowest to fastest. They are classified in one pass, and what is found out stays in
//! registers: a plan that is written to memory and read again costs as much as it does to make it. What this module says is what
//! [`CopyPlan`](super::plan::CopyPlan) would, and builds with debug assertions hold the two against each other.

use super::classify::{Choice, Class};
use super::plan::{Axis, CopyPlan, Item};
use super::sorted::Sorted;
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, Unit};

/// Most axes.
const MOST: usize = 4;

/// The plan of a copy of at least one item, whose axes have been sorted but not been dealt out.
#[derive(Debug)]
pub(crate) struct Plain {
    sorted: Sorted<MOST>,
    choice: Choice,
    pub(super) size: usize,
    pub(super) swap: usize,
    /// Bytes that are written.
    pub(crate) bytes: usize,
}

impl Plain {
    /// A plan that says nothing, to be [made](Self::look).
    #[inline(always)]
    pub(crate) const fn blank() -> Self {
        Self {
            sorted: Sorted::blank(),
            choice: Choice::InOrder(Class::Nothing),
            size: 0,
            swap: 1,
            bytes: 0,
        }
    }

    /// Makes a blank plan that of a copy. A `false` decides nothing, not even whether the shapes are equal.
    #[inline(always)]
    pub(crate) fn look(&mut self, src: (&DType, &Layout), dst: (&DType, &Layout)) -> bool {
        let Some((size, swap)) = plain_item(src, dst) else {
            return false;
        };
        let Some(items) = self.sorted.collect_plain(src.1, dst.1) else {
            return false;
        };
        // By *size*, no product of lengths and itemsize overflows.
        self.bytes = items.wrapping_mul(size);
        self.size = self.sorted.absorb(size);
        self.swap = swap;
        self.choice = self.sorted.choose(Item::Bytes { size: self.size, swap });
        if matches!(self.choice, Choice::List { .. }) {
            return false;
        }
        debug_assert_eq!(Some(self.to_plan()), CopyPlan::new(src, dst));
        true
    }

    pub(super) fn class(&self) -> Class {
        match self.choice {
            Choice::InOrder(class) | Choice::List { otherwise: class } => class,
            Choice::Transpose { .. } => Class::Transpose,
        }
    }

    /// Lengths of the last axes of the plan, slowest first; 1 where there is none.
    #[inline(always)]
    pub(super) fn extents(&self) -> [usize; 2] {
        let count = self.sorted.count;
        let len = |axis: Option<usize>| axis.and_then(|k| self.sorted.len.get(k)).map_or(1, |&len| len);
        let before = match self.choice {
            Choice::Transpose { across } => Some(across),
            _ => count.checked_sub(2),
        };
        [len(before), len(count.checked_sub(1))]
    }

    /// Where the walk begins, from the start of either memory.
    #[inline(always)]
    pub(super) fn start(&self) -> (usize, usize) {
        self.sorted.start
    }

    /// The axes of a kernel that takes all of them at once. `None` if there are too many for that.
    #[inline(always)]
    pub(super) fn axes(&self) -> Option<[Axis; 3]> {
        let axis = |k: usize| self.sorted.axis(k.min(MOST - 1));
        let count = self.sorted.count;
        match (self.choice, count) {
            (_, 0) => Some([Axis::ONCE; 3]),
            (Choice::Transpose { across }, 2) => Some([Axis::ONCE, axis(across), axis(1)]),
            (Choice::Transpose { across }, 3) => Some([axis(1 - across), axis(across), axis(2)]),
            (Choice::InOrder(_), 1) => Some([Axis::ONCE, Axis::ONCE, axis(0)]),
            _ => None,
        }
    }

    /// The plan that this is a short form of.
    fn to_plan(&self) -> CopyPlan {
        let mut plan = CopyPlan::blank();
        plan.item = Item::Bytes {
            size: self.size,
            swap: self.swap,
        };
        self.sorted.carry_out(self.choice, &mut plan);
        plan
    }
}

/// The bytes of an item, and of each number in it that is reversed, for types that differ in byte order at most and count in bytes. `None` decides
/// nothing.
#[inline(always)]
fn plain_item((src, from): (&DType, &Layout), (dst, to): (&DType, &Layout)) -> Option<(usize, usize)> {
    let alike = (src.kind(), src.bits()) == (dst.kind(), dst.bits())
        && (src.lanes(), src.is_padded()) == (dst.lanes(), dst.is_padded());
    let bytes = (from.unit(), to.unit()) == (Unit::Byte, Unit::Byte);
    if !alike || src.kind() == Kind::Record || !bytes || to.itemsize() == 0 {
        return None;
    }
    let same = src.byte_order() == dst.byte_order();
    Some((to.itemsize(), if same { 1 } else { src.swap_unit() }))
}

#[cfg(test)]
mod tests {
    use super::super::describe::Kernel;
    use super::*;
    use crate::memory::Order;

    fn looked(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Plain> {
        let mut plan = Plain::blank();
        plan.look(src, dst).then_some(plan)
    }

    fn contiguous(shape: &[usize], dtype: &DType) -> Layout {
        Layout::contiguous(shape, dtype, Order::C).unwrap()
    }

    /// All axes of up to three items in any order, gaps, broadcasts and reversals.
    fn sources(shape: &[usize]) -> Vec<Layout> {
        let dtype = DType::U16;
        let mut orders: Vec<Vec<usize>> = vec![vec![]];
        for axis in 0..shape.len() {
            let grown = |order: &Vec<usize>| -> Vec<Vec<usize>> {
                let at = |place| [&order[..place], &[axis], &order[place..]].concat();
                (0..=order.len()).map(at).collect()
            };
            orders = orders.iter().flat_map(grown).collect();
        }
        let layouts = orders.iter().flat_map(|order| {
            let mut inverse = vec![0; order.len()];
            order.iter().enumerate().for_each(|(k, &axis)| inverse[axis] = k);
            let permuted = |more: usize| {
                let large: Vec<usize> = order.iter().map(|&axis| shape[axis] + more).collect();
                contiguous(&large, &dtype).permute(&inverse).unwrap()
            };
            let (mut gaps, whole) = (permuted(1), permuted(0));
            for (axis, &len) in shape.iter().enumerate() {
                gaps = gaps.slice_axis(axis, ..len.cast_signed()).unwrap();
            }
            let flipped = (0..shape.len()).map(|axis| whole.flip(axis).unwrap());
            let repeated = (0..shape.len()).map(|axis| {
                let one = whole.slice_axis(axis, ..1).unwrap();
                one.broadcast_to(shape).unwrap()
            });
            let variants: Vec<Layout> = flipped.chain(repeated).collect();
            [vec![gaps, whole], variants].concat()
        });
        layouts.collect()
    }

    #[test]
    fn the_look_says_what_the_planner_does_unless_there_is_a_list() {
        let dims = [1, 2, 3, 9];
        for code in 0..4_usize.pow(4) {
            let shape: Vec<usize> = [1, 4, 16, 64][..=code % 4]
                .iter()
                .map(|place| dims[code / place % 4])
                .collect();
            let dst = contiguous(&shape, &DType::U16);
            for src in sources(&shape) {
                let (src, dst) = ((&DType::U16, &src), (&DType::U16, &dst));
                let usual = CopyPlan::new(src, dst).unwrap();
                match looked(src, dst) {
                    Some(found) => {
                        assert_eq!(found.to_plan(), usual);
                        let size = |item| match item {
                            Item::Bytes { size, .. } => size,
                            Item::Bits { .. } => unreachable!(),
                        };
                        assert_eq!((found.bytes, found.size), (dst.1.nbytes(), size(usual.item)));
                        assert_eq!(Kernel::look(src, dst), Some(Kernel::of(&usual)));
                        let taken = found.axes();
                        assert!(taken.is_none_or(|axes| axes[3 - usual.axes.len()..] == *usual.axes));
                    }
                    None => assert!(matches!(usual.class, Class::List { .. }), "{usual:?}"),
                }
            }
        }
    }

    #[test]
    fn the_look_leaves_to_the_planner_what_is_unusual() {
        let (u16, four) = (DType::U16, contiguous(&[3, 4], &DType::U16));
        let none =
            |src: (&DType, &Layout), dst: (&DType, &Layout)| assert!(looked(src, dst).is_none(), "{src:?} {dst:?}");
        assert!(looked((&u16, &four), (&u16, &four)).is_some());
        assert!(looked((&u16, &four), (&u16.clone().swapped(), &four)).is_some());
        // Other shapes, no items.
        none((&u16, &four), (&u16, &contiguous(&[4, 3], &u16)));
        none((&u16, &four), (&u16, &contiguous(&[3, 4, 1], &u16)));
        let empty = contiguous(&[0, 4], &u16);
        none((&u16, &empty), (&u16, &empty));
        let nothing = (DType::raw(0), contiguous(&[3], &DType::raw(0)));
        none((&nothing.0, &nothing.1), (&nothing.0, &nothing.1));
        // Destinations that are walked in another order, or downwards; more axes than four.
        none(
            (&u16, &four),
            (&u16, &Layout::contiguous(&[3, 4], &u16, Order::F).unwrap()),
        );
        none((&u16, &four), (&u16, &four.flip(0).unwrap()));
        let five = contiguous(&[2; 5], &u16);
        none((&u16, &five), (&u16, &five));
        // Other types, and bits.
        none((&u16, &four), (&DType::I16, &four));
        let (bits, bytes) = (contiguous(&[9], &DType::BIT), contiguous(&[9], &DType::BOOL));
        none((&DType::BIT, &bits), (&DType::BIT, &bits));
        none((&DType::BIT, &bits), (&DType::BOOL, &bytes));
    }
}
