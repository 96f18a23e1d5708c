//! In which order to move items between places that overlap, so that each is read before it is overwritten. Pure arithmetic.
//!
//! Let the items be walked axis by axis, the slowest first. Of two items, one comes later because of the first axis on which their positions
//! differ. So each axis decides for itself whether to go up or down: going its way, everything that is read later on must stay clear
//! of what is written now, wholly above it or wholly below. How near the two come is a sum over the axes, linear in the positions, and so
//! its extremes lie at the corners of their ranges:
//!
//! ```text
//! read later − written now  =  distance  +  Σ (slower axes: same position)   iₚ · (srcₚ − dstₚ)
//!                                        +    (this axis: j after i)        jₐ · srcₐ − iₐ · dstₐ
//!                                        +  Σ (faster axes: any positions)  j · src − i · dst
//! ```
//!
//! For one axis of positive strides this is NumPy's pair of conditions (`forward`, `backward`), each exact. For more it is sufficient: layouts
//! exist that could be walked in another order. They get a temporary.

use crate::copy::{Axis, CopyPlan, Item};

/// A plan whose axes run in directions that are safe for operands that overlap.
pub(super) struct Order {
    pub(super) plan: CopyPlan,
}

/// The least and the greatest value of something.
#[derive(Clone, Copy)]
struct Range {
    low: i128,
    high: i128,
}

impl Range {
    const fn at(value: i128) -> Self {
        Self {
            low: value,
            high: value,
        }
    }

    /// From 0 to `value`, whichever is less.
    const fn to(value: i128) -> Self {
        if value < 0 {
            Self { low: value, high: 0 }
        } else {
            Self { low: 0, high: value }
        }
    }

    fn around(values: [i128; 3]) -> Self {
        let [a, b, c] = values;
        Self {
            low: a.min(b).min(c),
            high: a.max(b).max(c),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }

    /// Whether two things of `size` bytes that are so far apart never touch.
    const fn is_clear_of(self, size: i128) -> bool {
        self.low >= size || self.high <= -size
    }
}

impl Order {
    /// The order in which a plan is safe, or `None` if none was found. `distance` leads from the source's memory to the destination's.
    pub(super) fn find(plan: &CopyPlan, distance: i128) -> Option<Self> {
        // Bits that are disjoint may share a byte.
        let Item::Bytes { size, .. } = plan.item else {
            return None;
        };
        let size = size as i128;
        let mut plan = plan.clone();
        let mut before = Range::at(plan.src as i128 - plan.dst as i128 - distance);
        for axis in 0..plan.axes.len() {
            let (this, faster) = (plan.axes[axis], &plan.axes[axis + 1..]);
            let rest = faster.iter().map(any_positions).fold(before, Range::plus);
            if rest.plus(upwards(this)).is_clear_of(size) {
                // As it is.
            } else if rest.plus(downwards(this)).is_clear_of(size) {
                turn(&mut plan, axis);
            } else {
                return None;
            }
            let last = this.len as i128 - 1;
            before = before.plus(Range::to(last * (this.src as i128 - this.dst as i128)));
        }
        Some(Self { plan })
    }
}

/// Read at any position, written at any position.
fn any_positions(axis: &Axis) -> Range {
    let last = axis.len as i128 - 1;
    Range::to(last * axis.src as i128).plus(Range::to(-last * axis.dst as i128))
}

/// Written at i, read at j > i.
fn upwards(axis: Axis) -> Range {
    let (last, src, dst) = (axis.len as i128 - 1, axis.src as i128, axis.dst as i128);
    Range::around([src, last * src, last * src - (last - 1) * dst])
}

/// Written at i, read at j < i.
fn downwards(axis: Axis) -> Range {
    let (last, src, dst) = (axis.len as i128 - 1, axis.src as i128, axis.dst as i128);
    Range::around([-dst, -last * dst, (last - 1) * src - last * dst])
}

/// Walks an axis the other way.
fn turn(plan: &mut CopyPlan, axis: usize) {
    let axis = &mut plan.axes[axis];
    let last = (axis.len - 1).cast_signed();
    plan.src = plan.src.wrapping_add_signed(axis.src.wrapping_mul(last));
    plan.dst = plan.dst.wrapping_add_signed(axis.dst.wrapping_mul(last));
    axis.src = axis.src.wrapping_neg();
    axis.dst = axis.dst.wrapping_neg();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::layout::Layout;

    /// The strides of the destination in the order found.
    fn walk(shape: &[usize], src: (&[isize], usize), dst: (&[isize], usize)) -> Option<Vec<isize>> {
        let layout = |(strides, offset)| Layout::strided(shape, strides, offset, &DType::U8).unwrap();
        let (src, dst) = (layout(src), layout(dst));
        let plan = CopyPlan::fused((&DType::U8, &src), (&DType::U8, &dst)).unwrap();
        Order::find(&plan, 0).map(|order| order.plan.axes.iter().map(|axis| axis.dst).collect())
    }

    #[test]
    fn one_axis_goes_away_from_the_source() {
        // x[0:8:2] = x[2:10:2] goes up, and back it goes down.
        assert_eq!(walk(&[4], (&[2], 2), (&[2], 0)), Some(vec![2]));
        assert_eq!(walk(&[4], (&[2], 0), (&[2], 2)), Some(vec![-2]));
    }

    #[test]
    fn runs_are_moved_whole() {
        assert_eq!(walk(&[4], (&[1], 1), (&[1], 0)), Some(vec![]));
    }

    #[test]
    fn different_steps_meet_in_the_middle() {
        // x[0:10:2] = x[1:6], which NumPy gets wrong, goes down; x[0:10:2] = x[2:7] goes no way.
        assert_eq!(walk(&[5], (&[1], 1), (&[2], 0)), Some(vec![-2]));
        assert_eq!(walk(&[5], (&[1], 2), (&[2], 0)), None);
        // x[0:10:2] = x[4:9] reads ahead of every write; x[0:10:2] = x[3:8] just so.
        assert_eq!(walk(&[5], (&[1], 4), (&[2], 0)), Some(vec![2]));
        assert_eq!(walk(&[5], (&[1], 3), (&[2], 0)), Some(vec![2]));
        // x[2:12:2] = x[0:5] goes down.
        assert_eq!(walk(&[5], (&[1], 0), (&[2], 2)), Some(vec![-2]));
    }

    #[test]
    fn each_axis_goes_its_own_way() {
        // Rows move down, columns to the left: a[1:, :-1] = a[:-1, 1:] of 4 × 4 bytes, with runs made impossible by steps of 2.
        let (strides, shape) = (&[16_isize, 2][..], &[3_usize, 3][..]);
        assert_eq!(walk(shape, (strides, 2), (strides, 16)), Some(vec![-16, 2]));
        assert_eq!(walk(shape, (strides, 18), (strides, 0)), Some(vec![16, 2]));
        // Within a row, what is read belongs to another one.
        assert_eq!(walk(shape, (strides, 0), (strides, 18)), Some(vec![-16, 2]));
        assert_eq!(walk(shape, (strides, 0), (strides, 2)), Some(vec![16, -2]));
    }

    #[test]
    fn transposing_in_place_has_no_order() {
        assert_eq!(walk(&[3, 3], (&[1, 3], 0), (&[3, 1], 0)), None);
    }

    #[test]
    fn reversing_in_place_has_no_order() {
        assert_eq!(walk(&[4], (&[-1], 3), (&[1], 0)), None);
    }
}
