//! What a plan will do, in words.

use std::fmt;

use super::classify::Class;
use super::engine::Engine;
use super::isa::Isa;
use super::plain::Plain;
use super::plan::{CopyPlan, Item};
use crate::dtype::DType;
use crate::layout::Layout;

/// How a copy will be carried out on this machine: by which kernel, and why by that.
///
/// A part of a [`Plan`](crate::Plan), to be read by people. What it says may change with every version; the bytes that are copied do not.
///
/// ```
/// use viewbridge::{StridedView, convert::requirements::C_CONTIGUOUS};
///
/// let a = StridedView::from_vec(vec![0.0_f32; 1024]).reshape(&[32, 32])?;
/// assert!(a.plan(&C_CONTIGUOUS).kernel().is_none()); // shared
/// let kernel = a.transpose().plan(&C_CONTIGUOUS).kernel().unwrap();
/// assert!(kernel.to_string().starts_with("transpose of 32 × 32 items of 4 bytes"));
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    class: Class,
    item: Item,
    /// Items along the last axes of the plan, slowest first; 1 where there is none.
    extents: [usize; 2],
    isa: Isa,
    streams: bool,
}

impl Kernel {
    /// What carries out a copy of `src` into `dst`, or `None` if the types differ in more than byte order and packing.
    ///
    /// The shapes are equal and the items of `dst` are disjoint.
    #[inline]
    pub(crate) fn of_copy(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        Self::look(src, dst).or_else(|| CopyPlan::new(src, dst).map(|plan| Self::of(&plan)))
    }

    /// The same, if nothing about the copy is unusual. `None` decides nothing.
    #[inline(always)]
    pub(crate) fn look(src: (&DType, &Layout), dst: (&DType, &Layout)) -> Option<Self> {
        let (mut plain, engine) = (Plain::blank(), Engine::best());
        plain.look(src, dst).then(|| Self {
            class: plain.class(),
            item: Item::Bytes {
                size: plain.size,
                swap: plain.swap,
            },
            extents: plain.extents(),
            isa: engine.isa,
            streams: engine.streams(plain.bytes, plain.class()),
        })
    }

    /// What carries out a plan.
    #[inline(always)]
    pub(crate) fn of(plan: &CopyPlan) -> Self {
        let engine = Engine::best();
        let extent = |from_end: usize| {
            let axis = plan.axes.len().checked_sub(from_end);
            axis.map_or(1, |axis| plan.axes[axis].len)
        };
        Self {
            class: plan.class,
            item: plan.item,
            extents: [extent(2), extent(1)],
            isa: engine.isa,
            streams: engine.streams(plan.bytes(), plan.class),
        }
    }

    /// Whether whole lines of the destination go past the caches, because there are too many for them.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.streams
    }
}

/// Makes all later copies of this process use the kernels for these instructions: `portable`, `sse2`, `avx2` or `avx512`. Says `false`, and changes
/// nothing, if the processor does not have them. The results of copies do not depend on it.
///
/// For benchmarks. No part of the interface that versions promise to keep.
#[doc(hidden)]
#[must_use]
pub fn use_instructions(name: &str) -> bool {
    let plain = |isa: &Isa| isa.to_string().replace('-', "").to_lowercase();
    let Some(isa) = Isa::available().find(|isa| plain(isa) == name) else {
        return false;
    };
    isa.use_from_now_on();
    true
}

/// The kernel, what it moves, what that is owed to, and the instruction set.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [slow, fast] = self.extents;
        match self.class {
            Class::Nothing => return f.write_str("nothing to copy"),
            Class::Run => f.write_str("one run: adjacent in both memories,")?,
            Class::Repeat => write!(f, "{fast} times the same,")?,
            Class::Gather => write!(f, "rows of {fast} from strided to contiguous memory,")?,
            Class::Scatter => write!(f, "rows of {fast} to strided memory,")?,
            Class::Transpose => write!(f, "transpose of {slow} × {fast}")?,
            Class::List { axes } => write!(f, "list of offsets over {axes} small axes,")?,
            Class::Bits => write!(f, "rows of {fast} that begin inside of bytes,")?,
        }
        match self.item {
            Item::Bytes { size, swap: 1 } => write!(f, " items of {size} bytes")?,
            Item::Bytes { size, swap } => write!(f, " items of {size} bytes, numbers of {swap} bytes swapped")?,
            Item::Bits { src, dst, .. } if src == dst => write!(f, " items of {src} bits")?,
            Item::Bits { src, dst, .. } => write!(f, " items of {src} bits as {dst}")?,
        }
        let past = if self.streams { ", past the caches" } else { "" };
        write!(f, " ({}{past})", self.isa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Order;

    /// The description without the instruction set, which depends on the machine.
    fn described(dtype: &DType, src: &Layout, to: &DType) -> String {
        let dst = Layout::contiguous(src.shape(), to, Order::C).unwrap();
        let plan = CopyPlan::new((dtype, src), (to, &dst)).unwrap();
        let text = Kernel::of(&plan).to_string();
        text.split(" (").next().unwrap().to_string()
    }

    #[test]
    fn instructions_are_known_by_name() {
        let best = Isa::best().to_string().replace('-', "").to_lowercase();
        assert!(use_instructions(&best));
        assert!(!use_instructions("sve"));
        assert_eq!(Isa::available().max(), Some(Isa::best()));
    }

    #[test]
    fn plans_say_what_they_do() {
        let f32 = |shape: &[usize]| Layout::contiguous(shape, &DType::F32, Order::C).unwrap();
        let plain = |layout: &Layout| described(&DType::F32, layout, &DType::F32);
        assert_eq!(
            plain(&f32(&[3, 4])),
            "one run: adjacent in both memories, items of 48 bytes"
        );
        assert_eq!(plain(&f32(&[0, 4])), "nothing to copy");
        assert_eq!(
            plain(&f32(&[30, 40]).reverse_axes()),
            "transpose of 40 × 30 items of 4 bytes"
        );
        assert_eq!(
            plain(&f32(&[30, 40]).slice_axis(1, ..3).unwrap()),
            "rows of 30 from strided to contiguous memory, items of 12 bytes"
        );
        assert_eq!(
            plain(&f32(&[3]).broadcast_to(&[9, 3]).unwrap()),
            "9 times the same, items of 12 bytes"
        );
        assert_eq!(
            described(&DType::F32.swapped(), &f32(&[9]), &DType::F32),
            "one run: adjacent in both memories, items of 36 bytes, numbers of 4 bytes swapped"
        );
        let bits = Layout::contiguous(&[70], &DType::BIT, Order::C).unwrap();
        assert_eq!(
            described(&DType::BIT, &bits, &DType::BOOL),
            "rows of 70 that begin inside of bytes, items of 1 bits as 8"
        );
    }
}
