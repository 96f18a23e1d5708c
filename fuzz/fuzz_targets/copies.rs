//! Copies and conversions against a loop that moves every item bit by bit.
//!
//! Each instruction set that the processor has gets its turn; so do, by a threshold that is lower for the fuzzer, lines that go past the caches.
//!
//! The source lies in memory of exactly the bytes that it reaches, so that the sanitizer sees a step too far; the destination has bytes
//! around and between its items, which must stay as they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viewbridge::convert::{Alignment, LayoutClass, Packing, StrideSign, use_instructions};
use viewbridge::{
    Buffer, CopyPolicy, DType, Disjointness, Error, Kind, Layout, Order, Requirements, StridedView, StridedViewMut,
};
use viewbridge_fuzz::{Choices, bit, bits_per_unit, contiguous, lane_bits, set_bit};

/// Bytes behind a destination.
const GUARD: usize = 9;

/// Conversions of one view.
const CONVERSIONS: usize = 3;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    // An instruction set that is not there leaves the one before.
    let _ = use_instructions(choices.pick(&["avx512", "avx2", "sse2", "portable"]));
    let dtype = choices.dtype();
    // Large ones take the loop, bit by bit, a hundred times as long.
    let layout = if choices.below(4) < 3 {
        choices.small_layout(&dtype)
    } else {
        choices.large_layout(&dtype)
    };
    let memory = noise(layout.byte_span().end, choices.below(1 << 16), dtype.kind());
    let view = StridedView::new(Buffer::from_vec(memory.clone()), dtype, layout).expect("memory of its size");
    to_bytes(&view, &memory);
    copy_into(&mut choices, &view, &memory);
    for _ in 0..CONVERSIONS {
        convert(&mut choices, &view, &memory);
    }
});

/// Bytes that differ from their neighbours; for booleans, valid ones most of the time.
fn noise(len: usize, seed: usize, kind: Kind) -> Vec<u8> {
    let mut state = seed as u64 * 2 + 1;
    let valid = kind == Kind::Bool && !seed.is_multiple_of(4);
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let byte = state.to_le_bytes()[3];
        if valid { byte & 1 } else { byte }
    };
    (0..len).map(byte).collect()
}

/// An item of memory as the bits of its lanes, in native byte order and without padding.
fn lanes(memory: &[u8], position: usize, dtype: &DType) -> Vec<Vec<bool>> {
    let width = lane_bits(dtype);
    let lane = |k: usize| -> Vec<bool> {
        let mut bits: Vec<bool> = (0..width).map(|i| bit(memory, position + k * width + i)).collect();
        swap(&mut bits, dtype);
        bits
    };
    (0..dtype.lanes().into()).map(lane).collect()
}

/// Turns the bytes of each number round, if they are not in native order.
fn swap(bits: &mut [bool], dtype: &DType) {
    if !dtype.is_native() {
        for number in bits.chunks_mut(8 * dtype.alignment()) {
            let bytes: Vec<&[bool]> = number.chunks(8).rev().collect();
            let turned = bytes.concat();
            number.copy_from_slice(&turned);
        }
    }
}

/// A lane of one type as a lane of another: truth values of another width are 0 or 1, all else keeps its bits and loses its padding.
fn lane_as(lane: &[bool], from: &DType, to: &DType) -> Vec<bool> {
    let mut bits = vec![false; lane_bits(to)];
    if from.kind() == Kind::Bool && from.bits() != to.bits() {
        bits[0] = lane.contains(&true);
    } else {
        let meant = usize::try_from(to.bits()).expect("few bits").min(lane.len());
        let kept = if from.is_padded() == to.is_padded() {
            lane.len()
        } else {
            meant
        };
        bits[..kept].copy_from_slice(&lane[..kept]);
    }
    bits
}

/// The loop: `to` in `memory` with the items of `from`.
fn fill(memory: &mut [u8], to: (&DType, &Layout), source: &[u8], from: (&DType, &Layout)) {
    let position = |layout: &Layout, offset: usize| offset * bits_per_unit(layout);
    for (src, dst) in from.1.offsets().zip(to.1.offsets()) {
        let mut at = position(to.1, dst);
        for lane in lanes(source, position(from.1, src), from.0) {
            let mut bits = lane_as(&lane, from.0, to.0);
            swap(&mut bits, to.0);
            for bit in bits {
                set_bit(memory, at, bit);
                at += 1;
            }
        }
    }
}

/// The bytes of a contiguous layout with the items of a view; the bits behind the last one are 0.
fn filled(view: &StridedView<'_>, memory: &[u8], to: (&DType, &Layout)) -> Vec<u8> {
    let mut bytes = vec![0; to.1.nbytes()];
    fill(&mut bytes, to, memory, (view.dtype(), view.layout()));
    bytes
}

fn to_bytes(view: &StridedView<'_>, memory: &[u8]) {
    for order in [Order::C, Order::F] {
        // In column-major order the layout, and not the loop, puts the items where they belong.
        let layout = contiguous(view.shape(), view.dtype(), order);
        let expected = filled(view, memory, (view.dtype(), &layout));
        assert_eq!(view.to_bytes(order).expect("few items"), expected, "{view:?} {order}");
    }
}

/// Whether items of one type can be copied to another: they differ in byte order and packing alone.
fn are_kin(from: &DType, to: &DType) -> bool {
    (from.kind(), from.lanes()) == (to.kind(), to.lanes()) && (from.bits() == to.bits() || from.kind() == Kind::Bool)
}

/// The type itself, a relative, or any other.
fn relative(choices: &mut Choices<'_>, dtype: &DType) -> DType {
    let truth = dtype.kind() == Kind::Bool;
    match choices.below(6) {
        0 | 1 => dtype.clone(),
        2 => dtype.clone().swapped(),
        3 => dtype.clone().padded(),
        4 if truth => choices.pick(&[DType::BOOL, DType::BIT]).with_lanes(dtype.lanes()),
        _ => choices.dtype(),
    }
}

/// A layout of the same shape whose items do not overlap: a permuted contiguous one with gaps, flipped here and there.
fn destination(choices: &mut Choices<'_>, shape: &[usize], dtype: &DType) -> Layout {
    let gapped: Vec<usize> = shape.iter().map(|dim| dim + choices.below(3)).collect();
    let compact = contiguous(&gapped, dtype, choices.order());
    let skip = choices.below(10);
    let strides = compact
        .strides()
        .iter()
        .map(|stride| stride * if choices.coin() { 2 } else { 1 });
    let strides: Vec<isize> = strides.collect();
    let mut layout = Layout::strided(shape, &strides, skip, dtype).expect("small numbers");
    for axis in 0..shape.len() {
        if choices.coin() {
            layout = layout.flip(axis).expect("an axis");
        }
    }
    layout
}

/// A view that may be written, of bytes known beforehand; `None` if its items may overlap.
fn writable(dtype: DType, layout: Layout) -> Option<(StridedViewMut<'static>, Vec<u8>)> {
    if layout.disjointness() != Disjointness::Disjoint {
        return None;
    }
    let before = noise(layout.byte_span().end + GUARD, 77, Kind::UInt);
    let view = StridedView::new(Buffer::from_vec(before.clone()), dtype, layout).expect("memory of its size");
    Some((view.into_mut().expect("the only view"), before))
}

fn copy_into(choices: &mut Choices<'_>, view: &StridedView<'_>, memory: &[u8]) {
    let dtype = relative(choices, view.dtype());
    let layout = destination(choices, view.shape(), &dtype);
    let Some((mut to, before)) = writable(dtype.clone(), layout.clone()) else {
        return;
    };
    let mut expected = before.clone();
    let copied = view.copy_into(&mut to);
    match &copied {
        Ok(report) => {
            assert!(are_kin(view.dtype(), &dtype));
            assert_eq!(report.bytes_copied(), layout.nbytes());
            fill(&mut expected, (&dtype, &layout), memory, (view.dtype(), view.layout()));
        }
        Err(Error::InvalidItem { .. }) => assert_eq!((view.dtype(), &dtype), (&DType::BOOL, &DType::BOOL)),
        Err(Error::DTypeMismatch { .. }) => assert!(!are_kin(view.dtype(), &dtype)),
        Err(error) => panic!("{error}"),
    }
    let bytes = contiguous(&[before.len()], &DType::U8, Order::C);
    let after = StridedView::new(to.freeze().buffer().clone(), DType::U8, bytes).expect("all its bytes");
    let after = after.to_vec::<u8>().expect("bytes");
    assert_eq!(after, expected, "{view:?} into {dtype} {layout:?}: {copied:?}");
}

/// Any requirements.
fn requirements(choices: &mut Choices<'_>) -> Requirements {
    let order = LayoutClass::Contiguous(choices.order());
    let any = Requirements::any("the fuzzer")
        .layout_class(choices.pick(&[
            LayoutClass::Any,
            order,
            LayoutClass::Permuted,
            LayoutClass::PermutedRows,
        ]))
        .strides(choices.pick(&[StrideSign::Any, StrideSign::NonNegative, StrideSign::Positive]))
        .alignment(choices.pick(&[Alignment::Any, Alignment::Item, Alignment::Bytes(256)]))
        .packing(choices.pick(&[Packing::Any, Packing::BoolBytes, Packing::BoolBits, Packing::Bytes]));
    match choices.below(4) {
        0 => any,
        1 => any.native(),
        2 => any.whole_items(),
        _ => any.native().whole_items(),
    }
}

/// A conversion shares or copies as planned, meets what was required, and has the same items.
fn convert(choices: &mut Choices<'_>, view: &StridedView<'_>, memory: &[u8]) {
    let requirements = requirements(choices);
    let policy = choices.pick(&[CopyPolicy::IfNeeded, CopyPolicy::Never, CopyPolicy::Always]);
    let plan = view.plan(&requirements);
    let converted = match view.convert(&requirements, policy) {
        Ok(converted) => converted,
        Err(Error::CopyForbidden { .. }) => return assert!(policy == CopyPolicy::Never && !plan.is_shared()),
        Err(Error::Refused { .. }) => return assert!(plan.refusal().is_some(), "{plan}"),
        Err(error) => panic!("{error}"),
    };
    let value = converted.value;
    if policy != CopyPolicy::Always {
        assert_eq!(converted.report.bytes_copied(), plan.bytes_copied());
        assert_eq!(converted.report.is_shared(), plan.is_shared());
        assert_eq!(value.buffer().same_owner(view.buffer()), plan.is_shared());
    }
    assert!(
        value.plan(&requirements).is_shared(),
        "{view:?} to {value:?}: {}",
        value.plan(&requirements)
    );
    assert_eq!(value.shape(), view.shape());
    assert!(are_kin(view.dtype(), value.dtype()));
    let compact = contiguous(view.shape(), value.dtype(), Order::C);
    let expected = filled(view, memory, (value.dtype(), &compact));
    assert_eq!(
        value.to_bytes(Order::C).expect("few items"),
        expected,
        "{view:?} to {value:?}"
    );
}
