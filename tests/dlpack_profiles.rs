//! The profiles of consumers, held to what the real libraries did: `tests/consumers/facts.tsv`, which `tests/consumers/probe.py` writes.
//!
//! # Safety
//!
//! Memory on devices is made up, and never touched.
#![cfg(feature = "dlpack")]
#![allow(unsafe_code, reason = "memory on devices is made up")]

use std::collections::BTreeMap;
use std::ptr::NonNull;

use viewbridge::convert::MemoryUse;
use viewbridge::dlpack::consumers;
use viewbridge::{
    Access, Buffer, CopyPolicy, CopyReason, DType, Device, Error, Kind, Layout, OwnerKind, Refusal, Requirements,
    StridedView,
};

const FACTS: &str = include_str!("consumers/facts.tsv");

/// One tensor in the hands of one consumer.
struct Fact {
    line: &'static str,
    consumer: &'static str,
    triple: [u16; 3],
    shape: Vec<usize>,
    /// In items.
    strides: Vec<isize>,
    /// Bytes past a multiple of 4096.
    offset: usize,
    flags: &'static str,
    device: u32,
    legacy: bool,
    outcome: &'static str,
}

fn numbers<T: std::str::FromStr>(list: &str) -> Vec<T> {
    let list = list.trim_matches(['(', ')']);
    let parsed = list.split(',').filter(|entry| !entry.is_empty()).map(str::parse);
    parsed.map(|entry| entry.ok().expect("a number")).collect()
}

fn facts() -> impl Iterator<Item = Fact> {
    FACTS.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[
            consumer,
            _,
            dtype,
            shape,
            strides,
            offset,
            flags,
            device,
            asked,
            outcome,
            _,
        ] = &fields[..]
        else {
            panic!("eleven fields: {line}");
        };
        Fact {
            line,
            consumer,
            triple: numbers(dtype).try_into().expect("code, bits, lanes"),
            shape: numbers(shape),
            strides: numbers(strides),
            offset: offset.parse().expect("bytes"),
            flags,
            device: device.parse().expect("a device type"),
            legacy: asked == "legacy",
            outcome,
        }
    })
}

fn profile(consumer: &str) -> &'static Requirements {
    match consumer {
        "numpy" => &consumers::NUMPY,
        "torch" => &consumers::PYTORCH,
        "jax" => &consumers::JAX,
        "jax_x64" => &consumers::JAX_X64,
        "pyarrow_array" => &consumers::PYARROW_ARRAY,
        "pyarrow_tensor" => &consumers::PYARROW_TENSOR,
        "pyarrow_fixed_shape" => &consumers::PYARROW_FIXED_SHAPE,
        other => panic!("no profile of {other}"),
    }
}

/// Memory for every tensor of the table, the first item of which lies in its middle.
const MEMORY: usize = 1 << 14;
const MIDDLE: usize = 8192;

fn buffer(fact: &Fact) -> Buffer<'static> {
    let mut memory = vec![0_u64; MEMORY / 4];
    let start = memory.as_mut_ptr().cast::<u8>();
    let aligned = start.wrapping_add(start.addr().wrapping_neg() % 4096);
    let access = if fact.flags.contains('r') {
        Access::Immutable
    } else {
        Access::Shared
    };
    let (device_type, device_id) = (fact.device, 0);
    let device = Device { device_type, device_id };
    let start = NonNull::new(aligned).expect("allocated");
    // SAFETY: the vector is the owner, and holds twice as much; nobody writes it.
    unsafe { Buffer::from_raw_parts(start, MEMORY, access, device, OwnerKind::Foreign, memory) }
}

/// The view that the tensor of a fact shows.
fn view(fact: &Fact) -> StridedView<'static> {
    let [code, bits, lanes] = fact.triple;
    let kinds = [
        Kind::Int,
        Kind::UInt,
        Kind::Float,
        Kind::OpaqueHandle,
        Kind::Bfloat,
        Kind::Complex,
        Kind::Bool,
        Kind::Float8E3m4,
        Kind::Float8E4m3,
        Kind::Float8E4m3b11fnuz,
        Kind::Float8E4m3fn,
        Kind::Float8E4m3fnuz,
        Kind::Float8E5m2,
        Kind::Float8E5m2fnuz,
        Kind::Float8E8m0fnu,
        Kind::Float6E2m3fn,
        Kind::Float6E3m2fn,
        Kind::Float4E2m1fn,
        Kind::Bcomplex,
    ];
    let other = Kind::Other(u8::try_from(code).expect("a code"));
    let kind = kinds.get(usize::from(code)).copied().unwrap_or(other);
    let mut dtype = DType::new(kind, u8::try_from(bits).expect("bits")).with_lanes(lanes);
    if fact.flags.contains('p') {
        dtype = dtype.padded();
    }
    let unit = Layout::contiguous(&[1], &dtype, viewbridge::Order::C).expect("one item");
    let per_byte = if dtype.is_packed() { 8 } else { 1 };
    let strides: Vec<isize> = fact
        .strides
        .iter()
        .map(|stride| stride * unit.itemsize().cast_signed())
        .collect();
    let offset = (MIDDLE + fact.offset) * per_byte;
    let layout = Layout::strided(&fact.shape, &strides, offset, &dtype).expect("a layout of the table");
    StridedView::new(buffer(fact), dtype, layout).expect("inside of the memory")
}

/// The strides of a tensor, but where they mean nothing those of a row-major one.
fn tidied(fact: &Fact) -> Vec<isize> {
    let (mut strides, mut behind) = (fact.strides.clone(), 1);
    for (stride, &dim) in strides.iter_mut().zip(&fact.shape).rev() {
        if dim <= 1 || fact.shape.contains(&0) {
            *stride = behind;
        }
        behind = *stride * dim.max(1).cast_signed();
    }
    strides
}

/// Whether a tensor has strides that mean nothing and are others than ours would be.
fn is_odd(fact: &Fact) -> bool {
    fact.strides != tidied(fact)
}

fn exported_strides(view: &StridedView<'_>) -> Vec<isize> {
    let tensor = view.to_dlpack(CopyPolicy::Never).expect("any strides go out").value;
    // SAFETY: our own tensor, alive.
    let strides = unsafe { (*tensor.as_ptr()).dl_tensor.strides };
    let entry = |axis| {
        // SAFETY: one entry for each axis.
        let stride = unsafe { *strides.wrapping_add(axis) };
        isize::try_from(stride).unwrap()
    };
    (0..view.ndim()).map(entry).collect()
}

#[test]
fn profiles_say_what_the_real_consumers_did() {
    let mut checked: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for fact in facts() {
        let view = view(&fact);
        // No such device on the machine of the probe, or a tensor that we never make.
        if fact.outcome == "absent" || is_odd(&fact) {
            continue;
        }
        let plan = view.plan(profile(fact.consumer));
        let taken = fact.outcome == "shared";
        assert_eq!(plan.is_shared(), taken, "{plan}: {}", fact.line);
        *checked.entry((fact.consumer, fact.outcome)).or_default() += 1;
    }
    for (consumer, outcome, least) in [
        ("numpy", "shared", 80),
        ("numpy", "refused", 40),
        ("torch", "shared", 80),
        ("torch", "refused", 40),
        ("jax", "copied", 12),
        ("jax_x64", "shared", 50),
        ("pyarrow_array", "shared", 30),
        ("pyarrow_tensor", "refused", 60),
        ("pyarrow_fixed_shape", "wrong", 6),
        ("pyarrow_fixed_shape", "crashed", 4),
    ] {
        let found = checked.get(&(consumer, outcome)).copied().unwrap_or(0);
        assert!(found >= least, "{consumer} {outcome}: {found} facts held");
    }
}

/// That is how tensors come to be taken by consumers that look at such strides.
#[test]
fn strides_that_mean_nothing_go_out_as_in_a_row_major_tensor() {
    let mut odd = 0;
    for fact in facts().filter(|fact| fact.triple == [2, 32, 1]) {
        odd += usize::from(is_odd(&fact));
        assert_eq!(exported_strides(&view(&fact)), tidied(&fact), "{}", fact.line);
    }
    assert!(odd > 40, "{odd}");
}

/// What a profile asks a copy for, it takes after the copy.
#[test]
fn copies_for_a_consumer_are_what_it_takes() {
    let mut copies = 0;
    for fact in facts().filter(|fact| fact.device == 1) {
        let (view, profile) = (view(&fact), profile(fact.consumer));
        let plan = view.plan(profile);
        let copied = match view.convert(&profile.clone().memory(MemoryUse::WriteOrCopy), CopyPolicy::IfNeeded) {
            Ok(converted) => converted.value,
            Err(error) => {
                assert!(matches!(error, Error::Refused { .. }), "{}", fact.line);
                continue;
            }
        };
        copies += usize::from(!plan.is_shared());
        assert!(
            copied.plan(&profile.clone().memory(MemoryUse::Read)).is_shared(),
            "{}",
            fact.line
        );
    }
    assert!(copies > 100, "{copies}");
}

#[test]
fn the_struct_that_a_consumer_asks_for_is_the_one_of_its_profile() {
    for fact in facts().filter(|fact| fact.outcome == "shared") {
        let read_only = StridedView::from_vec(vec![0_f32; 16]).plan(profile(fact.consumer));
        let refused = matches!(read_only.refusal(), Some(Refusal::ReadOnly { .. }));
        assert_eq!(refused, fact.legacy, "{}", fact.line);
    }
}

#[test]
fn profiles_without_a_probe_follow_the_source() {
    let fact = |device| Fact {
        line: "",
        consumer: "cupy",
        triple: [2, 32, 1],
        shape: vec![4],
        strides: vec![-1],
        offset: 0,
        flags: "r",
        device,
        legacy: false,
        outcome: "",
    };
    for (device, reached) in [(1, false), (2, true), (3, false), (10, true), (13, true)] {
        let plan = view(&fact(device)).plan(&consumers::CUPY);
        assert_eq!(plan.is_shared(), reached, "{plan}");
        assert_eq!(
            matches!(plan.refusal(), Some(Refusal::Device { .. })),
            !reached,
            "{plan}"
        );
    }
    let plan = StridedView::from_vec(vec![0_f32; 4]).plan(&consumers::CANDLE);
    assert_eq!(plan.reasons(), [CopyReason::OwnMemory]);
    let refused = StridedView::from_vec(vec![0_u16; 4]).plan(&consumers::CANDLE);
    assert!(matches!(refused.refusal(), Some(Refusal::DType { .. })));
}

#[test]
fn every_profile_is_listed_once() {
    let mut names: Vec<&str> = consumers::ALL.iter().map(|consumer| consumer.consumer()).collect();
    let listed = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), listed), (10, 10));
}
