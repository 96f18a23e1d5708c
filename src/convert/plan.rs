//! A view held against requirements: share, copy or refuse.

use std::fmt;

use super::CopyPolicy;
use super::outline::Facts;
use super::reasons::reasons;
use super::report::{CopyRecord, CopyReport};
use super::requirements::{Alignment, LayoutClass, MemoryUse, Packing, Requirements, StrideSign};
use crate::copy::Kernel;
use crate::copy::records::runs;
use crate::dtype::{DType, Kind};
use crate::error::{Error, Result};
use crate::layout::{Layout, Unit};
use crate::memory::{Access, Order};
use crate::reason::{CopyReason, Refusal, write_list};
use crate::view::StridedView;

/// What handing a view to a consumer will cost: nothing, one copy, or a refusal.
///
/// Made by [`StridedView::plan`] without touching the items. Conversion goes by the same plan, so that asking beforehand gives the true
/// answer.
///
/// ```
/// use viewbridge::{DType, Requirements, StridedView, Order};
///
/// let a = StridedView::from_vec(vec![0_u16; 6]).view_as(DType::U16.swapped())?.reshape(&[2, 3])?;
/// let plan = a.transpose().plan(&Requirements::any("consumer").contiguous(Order::C).native());
/// assert_eq!(plan.bytes_copied(), 12);
/// assert_eq!(plan.reasons().len(), 2); // one pass will do for both
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    consumer: &'static str,
    decision: Decision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Share,
    /// Shared, but as items of another type, because there are no items: no reasons.
    Rename(Box<PlannedCopy>),
    Copy(Box<PlannedCopy>),
    Refuse(Box<Refusal>),
}

/// The copy that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedCopy {
    pub(super) reasons: Vec<CopyReason>,
    pub(super) dtype: DType,
    pub(super) layout: Layout,
    /// What the address of the copy must be a multiple of, in bytes.
    pub(super) alignment: usize,
    /// What will carry it out.
    pub(super) kernel: Option<Kernel>,
}

impl PlannedCopy {
    /// What will be said of it.
    pub(super) fn report(&self) -> CopyReport {
        CopyReport::copied(CopyRecord::of_items(self.layout.nbytes(), self.reasons.clone()))
    }
}

impl Plan {
    /// Whether no byte will be copied.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.decision, Decision::Share | Decision::Rename(_))
    }

    /// Everything that makes a copy necessary; empty if the memory is shared or the view refused.
    #[must_use]
    pub fn reasons(&self) -> &[CopyReason] {
        match &self.decision {
            Decision::Copy(copy) => &copy.reasons,
            _ => &[],
        }
    }

    /// Bytes that the copy will write; 0 without one.
    #[must_use]
    pub fn bytes_copied(&self) -> usize {
        match &self.decision {
            Decision::Copy(copy) => copy.layout.nbytes(),
            _ => 0,
        }
    }

    /// How the copy will be carried out, if there is one: by which kernel, and what it owes that to.
    #[must_use]
    pub fn kernel(&self) -> Option<Kernel> {
        match &self.decision {
            Decision::Copy(copy) => copy.kernel,
            _ => None,
        }
    }

    /// Why the consumer cannot take the view at all.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.decision {
            Decision::Refuse(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The consumer planned for.
    #[must_use]
    pub fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// The plan for what is known of a view.
    pub(super) fn of_facts(facts: &Facts<'_>, requirements: &Requirements, policy: CopyPolicy) -> Self {
        let (consumer, decision) = (requirements.consumer, decide(facts, requirements, policy));
        Self { consumer, decision }
    }

    #[inline]
    pub(super) fn new(view: &StridedView<'_>, requirements: &Requirements, policy: CopyPolicy) -> Self {
        let decision = if Self::is_plain(view, requirements, policy) {
            Decision::Share
        } else {
            decide(&Facts::of(view), requirements, policy)
        };
        let consumer = requirements.consumer;
        Self { consumer, decision }
    }

    /// Whether a view can be shared because nothing about it is unusual. A `false` decides nothing.
    ///
    /// Handing over takes nanoseconds, and collecting reasons would be most of them.
    #[inline(always)]
    pub(crate) fn is_plain(view: &StridedView<'_>, requirements: &Requirements, policy: CopyPolicy) -> bool {
        let plain = looks_plain(view, requirements, policy);
        debug_assert!(!plain || decide(&Facts::of(view), requirements, policy) == Decision::Share);
        plain
    }

    /// The copy to make, if any; an error where the plan ends in none. Without reasons there is nothing to copy but the names.
    #[inline]
    pub(super) fn into_copy(self, policy: CopyPolicy) -> Result<Option<PlannedCopy>> {
        let consumer = self.consumer;
        match self.decision {
            Decision::Share => Ok(None),
            Decision::Refuse(refusal) => Err(Error::Refused {
                consumer,
                refusal: *refusal,
            }),
            Decision::Copy(copy) if policy == CopyPolicy::Never => Err(Error::CopyForbidden {
                consumer,
                bytes: copy.layout.nbytes(),
                reasons: copy.reasons,
            }),
            Decision::Rename(copy) | Decision::Copy(copy) => Ok(Some(*copy)),
        }
    }
}

/// [`Plan::is_plain`], which checks it in debug builds.
#[inline(always)]
fn looks_plain(view: &StridedView<'_>, requirements: &Requirements, policy: CopyPolicy) -> bool {
    let (dtype, layout, buffer) = (view.dtype(), view.layout(), view.buffer());
    let immutable = buffer.access() == Access::Immutable;
    let place = match requirements.alignment {
        Alignment::Any => true,
        // With the strides of a contiguous layout the first item decides.
        Alignment::Item => view.data_ptr().addr().is_multiple_of(dtype.alignment()),
        Alignment::Bytes(_) => false,
    };
    let order = match requirements.layout {
        LayoutClass::Any => requirements.alignment == Alignment::Any,
        LayoutClass::Contiguous(order) => layout.is_contiguous(order),
        LayoutClass::Permuted | LayoutClass::PermutedRows => layout.is_c_contiguous(),
    };
    policy != CopyPolicy::Always
        && dtype.is_native()
        && layout.unit() == Unit::Byte
        && (dtype.kind() != Kind::Bool || (dtype.bits() == 8 && requirements.packing != Packing::BoolBits))
        && match requirements.memory {
            MemoryUse::Read => true,
            MemoryUse::Immutable => immutable,
            MemoryUse::Write | MemoryUse::WriteOrCopy => buffer.access().is_writable(),
            MemoryUse::Own => false,
        }
        && (!requirements.outlives || buffer.is_owned())
        && requirements.devices.is_none_or(|reaches| reaches(buffer.device()))
        && (requirements.logical || view.logical().is_none())
        && (!requirements.items || !layout.is_empty())
        && (requirements.ndim.0..=requirements.ndim.1).contains(&layout.ndim())
        && place
        && order
        && requirements.sign == StrideSign::Any
        && !requirements.whole_items
        && (requirements.dtypes)(dtype)
}

fn decide(facts: &Facts<'_>, requirements: &Requirements, policy: CopyPolicy) -> Decision {
    let dtype = target_dtype(facts.dtype, requirements);
    if let Some(refusal) = refusal(facts, dtype.as_ref().unwrap_or(facts.dtype), requirements, policy) {
        return Decision::Refuse(Box::new(refusal));
    }
    let reasons = reasons(facts, dtype.as_ref(), requirements, policy);
    if reasons.is_empty() && dtype.is_none() {
        return Decision::Share;
    }
    // Copying needs to read.
    if !reasons.is_empty() && !facts.device.is_cpu_readable() {
        return Decision::Refuse(Box::new(Refusal::Device { found: facts.device }));
    }
    let dtype = dtype.unwrap_or_else(|| facts.dtype.clone());
    let Some(layout) = target_layout(facts.layout, &dtype, requirements.layout) else {
        let (items, itemsize) = (facts.layout.len(), dtype.itemsize());
        return Decision::Refuse(Box::new(Refusal::TooLarge { items, itemsize }));
    };
    let alignment = match requirements.alignment {
        Alignment::Bytes(bytes) => bytes,
        _ => 1,
    };
    let copy = Box::new(PlannedCopy {
        reasons,
        kernel: Kernel::of_copy((facts.dtype, facts.layout), (&dtype, &layout)),
        layout,
        dtype,
        alignment,
    });
    if copy.reasons.is_empty() {
        Decision::Rename(copy)
    } else {
        Decision::Copy(copy)
    }
}

/// The data type after the copy, if it differs.
fn target_dtype(dtype: &DType, requirements: &Requirements) -> Option<DType> {
    let boolean = dtype.kind() == Kind::Bool;
    let mut target = match requirements.packing {
        Packing::BoolBytes | Packing::Bytes if boolean && dtype.bits() == 1 => {
            Some(DType::BOOL.with_lanes(dtype.lanes()))
        }
        Packing::BoolBits if boolean && (dtype.bits() == 8 || dtype.is_padded()) => {
            Some(DType::BIT.with_lanes(dtype.lanes()))
        }
        Packing::Bytes if dtype.is_packed() => Some(dtype.clone().padded()),
        _ => None,
    };
    if requirements.native && !dtype.is_native() {
        target = Some(target.unwrap_or_else(|| dtype.clone()).into_native());
    }
    target
}

/// Row-major, column-major, or (where any order will do) the axes in the order of their strides. `None` if the items, which a
/// broadcast can make many and unpacking larger, would exceed the address space.
fn target_layout(from: &Layout, dtype: &DType, class: LayoutClass) -> Option<Layout> {
    let compact = |shape: &[usize], order| {
        let (itemsize, unit) = Layout::item_of(dtype);
        Layout::contiguous_items(shape, itemsize, unit, order).ok()
    };
    if let LayoutClass::Contiguous(order) = class {
        return compact(from.shape(), order);
    }
    let axes = slowest_first(from, class);
    let sorted: Vec<usize> = axes.iter().map(|&axis| from.shape()[axis]).collect();
    let mut inverse = vec![0; axes.len()];
    for (k, &axis) in axes.iter().enumerate() {
        inverse[axis] = k;
    }
    compact(&sorted, Order::C)?.permute(&inverse).ok()
}

fn refusal(facts: &Facts<'_>, dtype: &DType, requirements: &Requirements, policy: CopyPolicy) -> Option<Refusal> {
    let (min, max) = requirements.ndim;
    let (ndim, found) = (facts.layout.ndim(), facts.device);
    // What is wider than a byte has no padded form.
    let unpadded = requirements.packing == Packing::Bytes && dtype.is_packed();
    if unpadded || !(requirements.dtypes)(dtype) {
        let found = facts.dtype.clone();
        return Some(Refusal::DType { found });
    }
    if let (Some(from), Some(to)) = (facts.dtype.as_record(), dtype.as_record())
        && from != to
        && runs(from, to).is_none()
    {
        let found = facts.dtype.clone();
        return Some(Refusal::FieldOrders { found });
    }
    if !requirements.logical
        && let Some(found) = facts.logical.cloned()
    {
        return Some(Refusal::Logical { found });
    }
    if ndim > max {
        return Some(Refusal::Rank { ndim, max });
    }
    if ndim < min {
        return Some(Refusal::RankTooLow { ndim, min });
    }
    if requirements.devices.is_some_and(|reaches| !reaches(found)) {
        return Some(Refusal::Device { found });
    }
    if requirements.items && facts.layout.is_empty() {
        let shape = facts.layout.shape().to_vec();
        return Some(Refusal::Empty { shape });
    }
    let copies = policy == CopyPolicy::Always;
    if requirements.memory == MemoryUse::Write && !facts.access.is_writable() && !copies {
        let owner = facts.owner;
        return Some(Refusal::ReadOnly { owner });
    }
    None
}

/// The axes in the order of their strides, as far as the class leaves it open.
pub(super) fn slowest_first(layout: &Layout, class: LayoutClass) -> Vec<usize> {
    match class {
        LayoutClass::PermutedRows => layout.rows_by_stride(),
        _ => layout.axes_by_stride(),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.decision {
            Decision::Share | Decision::Rename(_) => write!(f, "{}: shared", self.consumer),
            Decision::Refuse(refusal) => write!(f, "{}: refused because {refusal}", self.consumer),
            Decision::Copy(copy) => {
                write!(f, "{}: copied ({} bytes) because ", self.consumer, copy.layout.nbytes())?;
                write_list(f, &copy.reasons)
            }
        }
    }
}
