//! Copies against a loop over the bits of every item, and the story that plan, refusal and report tell of them.
//!
//! # Safety
//!
//! Memory that others may write exists only behind raw pointers: here they point into vectors that the buffer owns, and nobody writes.
#![allow(missing_docs)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]
#![allow(unsafe_code, reason = "memory that others may write exists only behind raw pointers")]

use std::ptr::NonNull;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::convert::{Alignment, LayoutClass, MemoryUse, Packing, StrideSign};
use viewbridge::{
    Access, Buffer, Complex, CopyPolicy, CopyReason, DType, Device, Element, Error, Kind, Layout, Order, OwnerKind,
    Refusal, Requirements, StridedView, StridedViewMut, Unit,
};

/// A data type, and the bytes of the parts that byte order reverses, which are also its alignment.
type Typed = (DType, usize);

fn dtypes() -> Vec<Typed> {
    let f4 = DType::new(Kind::Float4E2m1fn, 4);
    vec![
        (DType::U8, 1),
        (DType::I16, 2),
        (DType::BF16, 2),
        (DType::F32, 4),
        (DType::I64, 8),
        (DType::F64, 8),
        (DType::C32, 2),
        (DType::C64, 4),
        (DType::C128, 8),
        (DType::new(Kind::Float, 128), 16),
        (DType::bytes(3), 1),
        (DType::raw(5), 1),
        (DType::raw(24), 1),
        (DType::text(2), 4),
        (DType::F32.with_lanes(3), 4),
        (DType::BOOL, 1),
        (DType::BIT, 1),
        (DType::BIT.with_lanes(3), 1),
        (DType::BIT.with_lanes(8), 1),
        (f4.clone(), 1),
        (f4.clone().with_lanes(3), 1),
        (f4.padded(), 1),
        (DType::new(Kind::Float6E2m3fn, 6), 1),
        (DType::new(Kind::Int, 12), 1),
    ]
}

/// Random decisions from a list of numbers, which shrinks as such.
struct Dice<'a>(std::slice::Iter<'a, u16>);

impl Dice<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n.max(1)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn dtype(&mut self) -> Typed {
        let (dtype, part) = self.pick(&dtypes());
        if self.below(2) == 0 {
            (dtype, part)
        } else {
            (dtype.swapped(), part)
        }
    }

    fn shape(&mut self) -> Vec<usize> {
        let mut items = 1;
        (0..self.below(6))
            .map(|_| {
                let dim = self.pick(&[0, 1, 1, 2, 2, 3, 4, 5, 3, 4, 5, 9]);
                let dim = if items * dim > 200 { 1 } else { dim };
                items *= dim.max(1);
                dim
            })
            .collect()
    }
}

/// Bits of an item, and bits per unit of its layout.
fn item_of(dtype: &DType) -> (usize, usize) {
    let bits = dtype.item_bits() as usize;
    if bits.is_multiple_of(8) { (bits, 8) } else { (bits, 1) }
}

/// A layout of any strides, and the units of memory that it needs.
fn any_layout(dice: &mut Dice<'_>, shape: &[usize], dtype: &DType) -> (Layout, usize) {
    let (bits, unit) = item_of(dtype);
    let size = (bits / unit) as isize;
    let pad = dice.below(17);
    let mut strides = disjoint_strides(dice, shape, size, 2);
    for stride in &mut strides {
        match dice.below(8) {
            0 => *stride = 0,
            1 => *stride = dice.below(29) as isize - 14,
            _ => {}
        }
    }
    finish(shape, &strides, pad, dtype)
}

/// Strides that keep items apart: axes in any order, gaps, any sign. Tight where `gaps` says so.
fn disjoint_strides(dice: &mut Dice<'_>, shape: &[usize], size: isize, gaps: usize) -> Vec<isize> {
    let mut axes: Vec<usize> = (0..shape.len()).rev().collect();
    match dice.below(4) {
        0 => axes.reverse(),
        1 => {
            for k in (1..axes.len()).rev() {
                axes.swap(k, dice.below(k + 1));
            }
        }
        _ => {}
    }
    let (gappy, flips) = (dice.below(3) < gaps, dice.below(3) == 0);
    let mut reach = size;
    let mut strides = vec![0; shape.len()];
    for axis in axes {
        let gap = if gappy { [0, 0, 1, size, 3][dice.below(5)] } else { 0 };
        let sign = if flips && dice.below(2) == 0 { -1 } else { 1 };
        strides[axis] = sign * (reach + gap);
        if shape[axis] > 0 {
            reach += (shape[axis] as isize - 1) * (reach + gap);
        }
    }
    strides
}

fn finish(shape: &[usize], strides: &[isize], pad: usize, dtype: &DType) -> (Layout, usize) {
    let reach = |keep: fn(isize) -> isize| -> usize {
        let axes = shape.iter().zip(strides);
        axes.map(|(&d, &s)| d.saturating_sub(1) * keep(s).unsigned_abs()).sum()
    };
    let (below, above) = (reach(|s| s.min(0)), reach(|s| s.max(0)));
    let (bits, unit) = item_of(dtype);
    let layout = Layout::strided(shape, strides, below + pad, dtype).unwrap();
    (layout, (below + pad + above) * unit + bits + 64)
}

fn bits_at(memory: &[u8], start: usize, count: usize) -> Vec<bool> {
    (start..start + count)
        .map(|b| memory[b / 8] >> (b % 8) & 1 == 1)
        .collect()
}

/// The bits of every item in row-major order.
fn items(memory: &[u8], layout: &Layout, dtype: &DType) -> Vec<Vec<bool>> {
    let (bits, unit) = item_of(dtype);
    layout.offsets().map(|o| bits_at(memory, o * unit, bits)).collect()
}

/// One item as another type: lane by lane, in the naive way.
fn converted(item: &[bool], (from, part): (&DType, usize), to: &DType) -> Vec<bool> {
    let lane = |dtype: &DType| if dtype.is_padded() { 8 } else { dtype.bits() as usize };
    if from.byte_order() != to.byte_order() {
        let bytes: Vec<&[bool]> = item.chunks(8).collect();
        return bytes
            .chunks(part)
            .flat_map(|p| p.iter().rev().copied().flatten().copied())
            .collect();
    }
    item.chunks(lane(from))
        .flat_map(|bits| {
            let mut bits = bits.to_vec();
            if from.kind() == Kind::Bool && from.bits() != to.bits() {
                bits = vec![bits.contains(&true)];
            }
            bits.resize(lane(to), false);
            bits
        })
        .collect()
}

fn whole_memory<'a>(buffer: &Buffer<'a>) -> StridedView<'a> {
    let layout = Layout::contiguous(&[buffer.len()], &DType::U8, Order::C).unwrap();
    StridedView::new(buffer.clone(), DType::U8, layout).unwrap()
}

/// All bytes behind a view of immutable memory.
fn memory_of(view: &StridedView<'_>) -> Vec<u8> {
    let bytes = whole_memory(view.buffer());
    bytes.typed::<u8>().unwrap().as_slice().unwrap().to_vec()
}

/// Memory of each kind of access over the same bytes.
fn buffer(dice: &mut Dice<'_>, memory: &[u8]) -> Buffer<'static> {
    let access = match dice.below(6) {
        0 => Access::ReadOnly,
        1 => Access::Shared,
        _ => return Buffer::from_vec(memory.to_vec()),
    };
    let owner = memory.to_vec();
    let ptr = NonNull::from(owner.as_slice()).cast();
    // SAFETY: the vector owns the bytes, does not move them, and nobody writes them.
    unsafe { Buffer::from_raw_parts(ptr, memory.len(), access, Device::CPU, OwnerKind::Foreign, owner) }
}

/// What a consumer accepts, as plain values that the model can look at.
#[derive(Debug, Clone)]
struct Wanted {
    class: LayoutClass,
    sign: StrideSign,
    whole: bool,
    alignment: Alignment,
    native: bool,
    packing: Packing,
    immutable: bool,
    owned: bool,
}

impl Wanted {
    fn random(dice: &mut Dice<'_>) -> Self {
        use {LayoutClass as L, Packing as P, StrideSign as S};
        let (c, f) = (L::Contiguous(Order::C), L::Contiguous(Order::F));
        Self {
            class: dice.pick(&[L::Any, L::Any, c, f, L::Permuted]),
            sign: dice.pick(&[S::Any, S::Any, S::NonNegative, S::Positive]),
            whole: dice.below(3) == 0,
            alignment: dice.pick(&[
                Alignment::Any,
                Alignment::Any,
                Alignment::Item,
                Alignment::Bytes(2),
                Alignment::Bytes(64),
                Alignment::Bytes(256),
            ]),
            native: dice.below(2) == 0,
            packing: dice.pick(&[P::Any, P::BoolBytes, P::BoolBits, P::Bytes]),
            immutable: dice.below(3) == 0,
            owned: dice.below(3) == 0,
        }
    }

    fn requirements(&self) -> Requirements {
        let mut wanted = Requirements::any("the test")
            .layout_class(self.class)
            .strides(self.sign)
            .alignment(self.alignment)
            .packing(self.packing);
        if self.whole {
            wanted = wanted.whole_items();
        }
        if self.native {
            wanted = wanted.native();
        }
        if self.immutable {
            wanted = wanted.memory(MemoryUse::Immutable);
        }
        if self.owned {
            wanted = wanted.outlives_borrow();
        }
        wanted
    }

    fn target(&self, dtype: &DType) -> DType {
        let bit = dtype.kind() == Kind::Bool && dtype.bits() == 1;
        let target = match self.packing {
            Packing::BoolBytes | Packing::Bytes if bit => DType::BOOL.with_lanes(dtype.lanes()),
            Packing::BoolBits if dtype.kind() == Kind::Bool => DType::BIT.with_lanes(dtype.lanes()),
            Packing::Bytes if !dtype.item_bits().is_multiple_of(8) => dtype.clone().padded(),
            _ => dtype.clone(),
        };
        if self.native { target.into_native() } else { target }
    }

    /// The reasons that a look at every single item finds.
    fn reasons(&self, view: &StridedView<'_>, part: usize) -> Vec<String> {
        let mut found = Vec::new();
        if self.owned && view.owner_kind() == OwnerKind::Borrowed {
            found.push("Borrowed".to_string());
        }
        if self.immutable && view.access() != Access::Immutable {
            found.push("NotImmutable".into());
        }
        let offsets: Vec<usize> = view.layout().offsets().collect();
        let Some(&first) = offsets.first() else {
            return found;
        };
        let (from, to) = (view.dtype(), self.target(view.dtype()));
        if from.byte_order() != to.byte_order() {
            found.push("ByteOrder".into());
        }
        if from.item_bits() != to.item_bits() {
            found.push("Packing".into());
        }
        let size = view.layout().itemsize();
        if view.layout().unit() == Unit::Bit {
            if self.packing == Packing::BoolBytes && from.kind() != Kind::Bool && first % 8 != 0 {
                found.push("BitOffset".into());
            }
        } else {
            let address = |o: usize| view.buffer().as_ptr().addr() + o;
            let (item, start) = match self.alignment {
                Alignment::Item => (part, part),
                Alignment::Bytes(n) => (part, n.max(part)),
                _ => (1, 1),
            };
            if address(first) % start != 0 || offsets.iter().any(|&o| address(o) % item != 0) {
                found.push("Misaligned".into());
            }
        }
        let transposed: Vec<usize> = view.layout().reverse_axes().offsets().collect();
        let adjacent = |offsets: &[usize]| offsets.iter().enumerate().all(|(k, &o)| o == first + k * size);
        let fits = match self.class {
            LayoutClass::Contiguous(Order::C) => adjacent(&offsets),
            LayoutClass::Contiguous(Order::F) => {
                // Column-major of a view is row-major of its transpose.
                adjacent(&transposed)
            }
            LayoutClass::Permuted => {
                let mut sorted = offsets.clone();
                sorted.sort_unstable();
                adjacent(&sorted)
            }
            _ => true,
        };
        if !fits {
            found.push("NotContiguous".into());
        }
        for (axis, (&dim, &stride)) in view.shape().iter().zip(view.strides()).enumerate() {
            let wrong = [
                (stride < 0 && self.sign != StrideSign::Any, "NegativeStride"),
                (stride == 0 && self.sign == StrideSign::Positive, "ZeroStride"),
                (self.whole && stride % size as isize != 0, "StrideNotMultiple"),
            ];
            found.extend(
                wrong
                    .iter()
                    .filter(|(w, _)| dim > 1 && *w)
                    .map(|(_, name)| format!("{name} {axis}")),
            );
        }
        found
    }
}

fn names(reasons: &[CopyReason]) -> Vec<String> {
    let name = |reason: &CopyReason| match reason {
        CopyReason::NegativeStride { axis, .. } => format!("NegativeStride {axis}"),
        CopyReason::ZeroStride { axis } => format!("ZeroStride {axis}"),
        CopyReason::StrideNotMultiple { axis, .. } => format!("StrideNotMultiple {axis}"),
        other => format!("{other:?}").split(' ').next().unwrap().to_string(),
    };
    let mut names: Vec<String> = reasons.iter().map(name).collect();
    names.sort();
    names
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0xc0_91e5),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn random_view<'a>(dice: &mut Dice<'_>, noise: &[u8], memory: &'a mut Vec<u8>) -> (StridedView<'a>, usize) {
    let (dtype, part) = dice.dtype();
    let shape = dice.shape();
    let (layout, bits) = any_layout(dice, &shape, &dtype);
    memory.extend(noise.iter().cycle().take(bits / 8));
    let buffer = if dice.below(3) == 0 {
        Buffer::from_slice(memory)
    } else {
        buffer(dice, memory)
    };
    (StridedView::new(buffer, dtype, layout).unwrap(), part)
}

proptest! {
    #![proptest_config(config(4_000))]

    /// Asking, refusing, copying and reporting agree with each other and with the naive model; the result is what was required.
    #[test]
    fn conversions(
        numbers in prop::collection::vec(any::<u16>(), 48),
        noise in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>(), any::<u8>()], 61),
    ) {
        let mut dice = Dice(numbers.iter());
        let mut memory = Vec::new();
        let wanted = Wanted::random(&mut dice);
        let (view, part) = random_view(&mut dice, &noise, &mut memory);
        let requirements = wanted.requirements();
        let plan = view.plan(&requirements);
        if wanted.target(view.dtype()).is_packed() && wanted.packing == Packing::Bytes {
            let refused = matches!(plan.refusal(), Some(Refusal::DType { .. }));
            prop_assert!(refused, "{}", plan);
            let converted = view.convert(&requirements, CopyPolicy::IfNeeded);
            prop_assert!(converted.is_err());
            return Ok(());
        }
        let mut expected = wanted.reasons(&view, part);
        expected.sort();
        prop_assert_eq!(names(plan.reasons()), expected.clone(), "{:?} {:?}", wanted, view);
        prop_assert_eq!(plan.is_shared(), expected.is_empty());

        match view.convert(&requirements, CopyPolicy::Never) {
            Ok(shared) => prop_assert!(shared.is_shared() && plan.is_shared()),
            Err(Error::CopyForbidden { consumer, bytes, reasons }) => {
                prop_assert_eq!((consumer, bytes, &reasons[..]), ("the test", plan.bytes_copied(), plan.reasons()));
                prop_assert!(!reasons.is_empty());
            }
            Err(other) => prop_assert!(false, "{}", other),
        }

        let original = noise.iter().cycle().take(view.buffer().len()).copied().collect::<Vec<u8>>();
        let source = items(&original, view.layout(), view.dtype());
        for policy in [CopyPolicy::IfNeeded, CopyPolicy::Always] {
            let result = view.convert(&requirements, policy).unwrap();
            let value = &result.value;
            prop_assert_eq!(value.dtype(), &wanted.target(view.dtype()));
            prop_assert_eq!(value.shape(), view.shape());
            prop_assert!(value.plan(&requirements).is_shared(), "{:?} {:?}", wanted, value);
            if policy == CopyPolicy::IfNeeded && plan.is_shared() {
                prop_assert!(result.is_shared());
                prop_assert!(value.buffer().same_owner(view.buffer()));
                prop_assert!(value.is_empty() || value.data_ptr() == view.data_ptr(), "{value:?} {view:?} {wanted:?}");
                continue;
            }
            prop_assert_eq!(result.report.records().len(), 1);
            let reasons: Vec<CopyReason> = result.report.reasons().cloned().collect();
            let requested = usize::from(policy == CopyPolicy::Always);
            prop_assert_eq!(reasons[..requested].contains(&CopyReason::Requested), requested == 1);
            prop_assert_eq!(&reasons[requested..], plan.reasons());
            prop_assert_eq!(result.report.bytes_copied(), value.nbytes());
            prop_assert!(value.is_empty() || !value.buffer().same_owner(view.buffer()));
            let copy = memory_of(value);
            let found = items(&copy, value.layout(), value.dtype());
            let naive: Vec<_> = source.iter().map(|i| converted(i, (view.dtype(), part), value.dtype())).collect();
            prop_assert_eq!(found, naive, "{:?} to {:?}", view, value);
            // Bits beyond the last item are 0.
            let used = value.len() * item_of(value.dtype()).0;
            prop_assert!(bits_at(&copy, used, copy.len() * 8 - used).iter().all(|bit| !bit));
        }
    }

    /// Destinations of any disjoint layout: items arrive, and not a bit around or between them changes.
    #[test]
    fn copies_into_places(
        numbers in prop::collection::vec(any::<u16>(), 64),
        noise in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 61),
    ) {
        let mut dice = Dice(numbers.iter());
        let mut memory = Vec::new();
        let (view, part) = random_view(&mut dice, &noise, &mut memory);
        let from = view.dtype().clone();
        let mut to = match dice.below(3) {
            0 => from.clone(),
            1 if from.kind() == Kind::Bool => [DType::BOOL, DType::BIT][dice.below(2)].clone().with_lanes(from.lanes()),
            1 if from.bits() < 8 => from.clone().padded(),
            _ => from.clone().swapped(),
        };
        if dice.below(2) == 0 {
            to = to.into_native();
        }
        let (bits, unit) = item_of(&to);
        let strides = disjoint_strides(&mut dice, view.shape(), (bits / unit) as isize, 2);
        let (layout, needed) = finish(view.shape(), &strides, dice.below(17), &to);
        let before: Vec<u8> = noise.iter().rev().cycle().take(needed / 8 + 1).map(|b| !b).collect();
        let destination = StridedView::new(Buffer::from_vec(before.clone()), to.clone(), layout.clone()).unwrap();
        let mut destination = destination.into_mut().map_err(|(_, e)| e).unwrap();

        let original: Vec<u8> = noise.iter().cycle().take(view.buffer().len()).copied().collect();
        let naive: Vec<_> = items(&original, view.layout(), &from)
            .iter()
            .map(|i| converted(i, (&from, part), &to))
            .collect();
        let mut expected = before.clone();
        for (item, offset) in naive.iter().zip(layout.offsets()) {
            for (k, &bit) in item.iter().enumerate() {
                let at = offset * unit + k;
                expected[at / 8] = expected[at / 8] & !(1 << (at % 8)) | u8::from(bit) << (at % 8);
            }
        }
        let invalid = to == DType::BOOL && from == DType::BOOL && naive.iter().any(|i| i[1..].contains(&true));
        match view.copy_into(&mut destination) {
            Ok(report) => {
                prop_assert!(!invalid);
                prop_assert_eq!(report.bytes_copied(), layout.nbytes());
                prop_assert_eq!(report.reasons().collect::<Vec<_>>(), [&CopyReason::Requested]);
                prop_assert_eq!(memory_of(&destination.freeze()), expected, "{:?} into {:?}", view, layout);
            }
            Err(Error::InvalidItem { .. }) if invalid => prop_assert_eq!(memory_of(&destination.freeze()), before),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn bytes_in_either_order(
        numbers in prop::collection::vec(any::<u16>(), 40),
        noise in prop::collection::vec(any::<u8>(), 61),
    ) {
        let mut memory = Vec::new();
        let (view, _) = random_view(&mut Dice(numbers.iter()), &noise, &mut memory);
        let original: Vec<u8> = noise.iter().cycle().take(view.buffer().len()).copied().collect();
        for (order, ordered) in [(Order::C, view.layout().clone()), (Order::F, view.layout().reverse_axes())] {
            let mut bits = items(&original, &ordered, view.dtype()).concat();
            bits.resize(bits.len().next_multiple_of(8), false);
            let bytes: Vec<u8> = bits
                .chunks(8)
                .map(|byte| byte.iter().rev().fold(0, |value, &bit| value << 1 | u8::from(bit)))
                .collect();
            prop_assert_eq!(view.to_bytes(order).unwrap(), bytes);
        }
    }
}

/// Each value of `to_vec` is what `get` reads at its position.
fn values<T: Element + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let size = size_of::<T>();
    for swapped in [false, true] {
        let dtype = if swapped { T::DTYPE.swapped() } else { T::DTYPE };
        // Misaligned, with gaps, one axis backwards, transposed.
        let strides = [(size + 1) as isize, -((size + 1) as isize) * 4];
        let layout = Layout::strided(&[4, 3], &strides, 1 + (size + 1) * 8, &dtype).unwrap();
        let view = StridedView::new(Buffer::from_slice(bytes), dtype, layout).unwrap();
        let vec = view.to_vec::<T>().unwrap();
        let read = |k: usize| view.get::<T>(&[k / 3, k % 3]).unwrap();
        assert_eq!(vec, (0..12).map(read).collect::<Vec<_>>());
        let raw = view.layout().offsets().map(|o| &bytes[o..o + size]);
        let units = if swapped { T::DTYPE.alignment() } else { 1 };
        for (item, raw) in vec.iter().zip(raw) {
            let native: Vec<u8> = raw.chunks(units).flat_map(|part| part.iter().rev()).copied().collect();
            assert_eq!(bytes_of(item), if units > 1 { native } else { raw.to_vec() });
        }
    }
}

fn bytes_of<T: Element>(item: &T) -> Vec<u8> {
    let item = std::slice::from_ref(item);
    StridedView::from_slice(item)
        .view_as(DType::raw(size_of::<T>() as u32))
        .unwrap()
        .to_bytes(Order::C)
        .unwrap()
}

#[test]
fn to_vec_reads_what_get_reads() {
    let bytes: Vec<u8> = (0..=255).map(|k: u8| k & 0x3f).collect();
    values::<u8>(&bytes);
    values::<i16>(&bytes);
    values::<u32>(&bytes);
    values::<f32>(&bytes);
    values::<i64>(&bytes);
    values::<f64>(&bytes);
    values::<Complex<f32>>(&bytes);
    values::<Complex<f64>>(&bytes);
    let flags: Vec<u8> = (0..=255).map(|k: u8| k.count_ones() as u8 & 1).collect();
    values::<bool>(&flags);
}

#[test]
fn packed_bits_become_bools_at_every_offset() {
    let bytes = [0b1011_0010_u8, 0b0110_1101, 0b1111_0000];
    for offset in 0..8 {
        for stride in [-1_isize, 1, 2] {
            let start = if stride < 0 { offset + 6 } else { offset };
            let layout = Layout::strided(&[7], &[stride], start, &DType::BIT).unwrap();
            let view = StridedView::new(Buffer::from_slice(&bytes), DType::BIT, layout).unwrap();
            let expected: Vec<bool> = (0..7)
                .map(|k| start.wrapping_add_signed(k * stride))
                .map(|bit| bytes[bit / 8] >> (bit % 8) & 1 == 1)
                .collect();
            assert_eq!(view.to_vec::<bool>().unwrap(), expected);
            let singles: Vec<bool> = (0..7).map(|k| view.get(&[k]).unwrap()).collect();
            assert_eq!(singles, expected);
        }
    }
}

#[test]
fn three_reasons_one_pass() {
    let bytes: Vec<u8> = (0..64).collect();
    let layout = Layout::strided(&[3, 4], &[4, -13], 1 + 39, &DType::I32).unwrap();
    let view = StridedView::new(Buffer::from_slice(&bytes), DType::I32.swapped(), layout).unwrap();
    let wanted = Requirements::any("a consumer").contiguous(Order::C).native().aligned();
    let copy = view.convert(&wanted, CopyPolicy::IfNeeded).unwrap();
    let [record] = copy.report.records() else {
        panic!("{}", copy.report)
    };
    assert_eq!(record.bytes, 48);
    assert_eq!(names(&record.reasons), ["ByteOrder", "Misaligned", "NotContiguous"]);
    assert_eq!(
        copy.value.get::<i32>(&[0, 0]).unwrap(),
        i32::from_be_bytes([40, 41, 42, 43])
    );
    assert!(copy.report.to_string().starts_with("copied 48 bytes ("));
}

#[test]
fn a_refused_destination_stays_as_it_was() {
    let source = StridedView::from_slice(&[1_i32, 2, 3]);
    let mut items = [7_i32; 4];
    let shape = source
        .copy_into(&mut StridedViewMut::from_slice(&mut items))
        .unwrap_err();
    assert!(matches!(shape, Error::ShapeMismatch { .. }), "{shape}");
    let mut floats = [7_f32; 3];
    let dtype = source
        .copy_into(&mut StridedViewMut::from_slice(&mut floats))
        .unwrap_err();
    assert!(matches!(dtype, Error::DTypeMismatch { .. }), "{dtype}");
    // The same kind of number is not enough.
    let mut longs = [7_i64; 3];
    let width = source
        .copy_into(&mut StridedViewMut::from_slice(&mut longs))
        .unwrap_err();
    assert!(matches!(width, Error::DTypeMismatch { .. }), "{width}");
    assert_eq!((items, floats, longs), ([7; 4], [7.0; 3], [7; 3]));
}

/// More than any machine has: an error, where an allocation would abort.
#[test]
fn giant_copies_are_errors() {
    let view = StridedView::from_slice(&[1_u8]).broadcast_to(&[1 << 62]).unwrap();
    assert!(matches!(
        view.to_contiguous(Order::C),
        Err(Error::OutOfMemory { bytes }) if bytes == 1 << 62
    ));
}

#[test]
fn writers_are_refused_read_only_memory_unless_they_get_a_copy() {
    let view = StridedView::from_vec(vec![1_u8, 2]);
    let writer = Requirements::any("a writer").memory(MemoryUse::Write);
    assert!(view.plan(&writer).refusal().is_some());
    for policy in [CopyPolicy::Never, CopyPolicy::IfNeeded] {
        assert!(matches!(view.convert(&writer, policy), Err(Error::Refused { .. })));
    }
    let copy = view.convert(&writer, CopyPolicy::Always).unwrap();
    assert_eq!(names(&copy.report.records()[0].reasons), ["ReadOnly", "Requested"]);
    assert!(copy.value.into_mut().is_ok());
}

#[test]
fn items_of_no_bytes_are_not_broadcast() {
    let positive = Requirements::any("the test").strides(StrideSign::Positive);
    let layout = Layout::strided(&[3, 2], &[-3, 18], 6, &DType::raw(0)).unwrap();
    let view = StridedView::new(Buffer::from_vec(vec![0_u8; 24]), DType::raw(0), layout).unwrap();
    let copy = view.convert(&positive, CopyPolicy::IfNeeded).unwrap().value;
    assert_eq!(copy.strides(), [0, 0]);
    assert!(copy.plan(&positive).is_shared());
}
