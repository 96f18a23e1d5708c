//! Why a view has to be copied for a consumer: all reasons, in a fixed order.

use super::CopyPolicy;
use super::outline::Facts;
use super::plan::slowest_first;
use super::requirements::{Alignment, LayoutClass, MemoryUse, Packing, Requirements, StrideSign};
use crate::dtype::{DType, Kind};
use crate::layout::{Layout, Unit, whole_items};
use crate::memory::{Access, Order, OwnerKind};
use crate::reason::CopyReason;

/// Everything that makes a copy necessary. `dtype` is the type after the copy, if it differs.
pub(super) fn reasons(
    facts: &Facts<'_>,
    dtype: Option<&DType>,
    requirements: &Requirements,
    policy: CopyPolicy,
) -> Vec<CopyReason> {
    let mut reasons = Vec::new();
    if policy == CopyPolicy::Always {
        reasons.push(CopyReason::Requested);
    }
    let (owner, access) = (facts.owner, facts.access);
    if requirements.outlives && owner == OwnerKind::Borrowed {
        reasons.push(CopyReason::Borrowed);
    }
    match requirements.memory {
        MemoryUse::Immutable if access != Access::Immutable => {
            reasons.push(CopyReason::NotImmutable { access, owner });
        }
        MemoryUse::Write | MemoryUse::WriteOrCopy if !access.is_writable() => {
            reasons.push(CopyReason::ReadOnly { owner })
        }
        MemoryUse::Own => reasons.push(CopyReason::OwnMemory),
        _ => {}
    }
    if facts.layout.is_empty() {
        return reasons;
    }
    if let Some(dtype) = dtype {
        item_reasons(facts.dtype, dtype, &mut reasons);
    }
    place_reasons(facts, requirements, &mut reasons);
    stride_reasons(facts.layout, requirements, &mut reasons);
    reasons
}

/// What has to happen to each item.
fn item_reasons(from: &DType, to: &DType, reasons: &mut Vec<CopyReason>) {
    if from.byte_order() != to.byte_order() {
        let found = from.byte_order();
        reasons.push(CopyReason::ByteOrder { found });
    }
    // A padded bit is as large as a boolean, but only one of its bits counts.
    if (from.bits(), from.is_padded()) != (to.bits(), to.is_padded()) {
        let bits = |dtype: &DType| usize::try_from(dtype.item_bits()).unwrap_or(usize::MAX);
        let (from, to) = (bits(from), bits(to));
        reasons.push(CopyReason::Packing { from, to });
    }
}

/// What is wrong with where the first item is.
fn place_reasons(facts: &Facts<'_>, requirements: &Requirements, reasons: &mut Vec<CopyReason>) {
    let layout = facts.layout;
    if layout.unit() == Unit::Bit {
        let offset = layout.offset() % 8;
        if matches!(requirements.packing, Packing::BoolBytes) && offset != 0 && facts.dtype.kind() != Kind::Bool {
            reasons.push(CopyReason::BitOffset { offset });
        }
        return;
    }
    let item = facts.dtype.alignment();
    let required = match requirements.alignment {
        Alignment::Any => return,
        Alignment::Item => item,
        Alignment::Bytes(bytes) => bytes.max(item),
    };
    let offset = facts.address % required.max(1);
    if offset != 0 {
        reasons.push(CopyReason::Misaligned { offset, required });
    } else if let Some(stride) = layout.misalignment(facts.address, item) {
        let offset = stride.unsigned_abs() % item;
        reasons.push(CopyReason::Misaligned { offset, required: item });
    }
}

/// What is wrong with the strides.
fn stride_reasons(layout: &Layout, requirements: &Requirements, reasons: &mut Vec<CopyReason>) {
    match requirements.layout {
        LayoutClass::Any => {}
        LayoutClass::Contiguous(order) => reasons.extend(gap_reason(layout, order, |axis| axis)),
        LayoutClass::Permuted | LayoutClass::PermutedRows => {
            // A row-major layout, whose strides need not be sorted, is the common case.
            if !layout.is_c_contiguous() {
                let axes = slowest_first(layout, requirements.layout);
                let sorted = layout.permute(&axes).expect("a sort is a permutation");
                reasons.extend(gap_reason(&sorted, Order::C, |axis| axes[axis]));
            }
        }
    }
    // Without items strides mean nothing.
    if (requirements.sign == StrideSign::Any && !requirements.whole_items) || layout.is_empty() {
        return;
    }
    let itemsize = layout.itemsize();
    for (axis, (&dim, &stride)) in layout.shape().iter().zip(layout.strides()).enumerate() {
        if dim <= 1 {
            continue;
        }
        if stride < 0 && requirements.sign != StrideSign::Any {
            reasons.push(CopyReason::NegativeStride { axis, stride });
        }
        // Items of no bytes are never apart, and no copy would change that.
        if stride == 0 && itemsize > 0 && requirements.sign == StrideSign::Positive {
            reasons.push(CopyReason::ZeroStride { axis });
        }
        if requirements.whole_items && whole_items(stride, itemsize, false).is_none() {
            reasons.push(CopyReason::StrideNotMultiple { axis, stride, itemsize });
        }
    }
}

fn gap_reason(layout: &Layout, order: Order, name: impl Fn(usize) -> usize) -> Option<CopyReason> {
    let gap = layout.first_gap(order)?;
    Some(CopyReason::NotContiguous {
        order,
        axis: name(gap.axis),
        stride: gap.stride,
        expected: gap.expected,
    })
}
