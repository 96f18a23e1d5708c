//! Every kernel of every instruction set against a loop over the items, with guards around the destination.
//!
//! # Safety
//!
//! Memory is as large as the spans of the layouts, and source and destination are vectors of their own.
#![allow(unsafe_code)]

mod bits;
mod classes;
mod places;
mod plans;
mod squares;

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::classify::Class;
use super::engine::{Engine, Stream};
use super::isa::Isa;
use super::kernels::{execute_by, execute_plain};
use super::plain::Plain;
use super::plan::{CopyPlan, Item};
use crate::dtype::{DType, Kind};
use crate::layout::Layout;
use crate::memory::Order;

/// Bytes at both ends of a destination that must stay as they are: more than a line, so that one too many is seen.
const GUARD: usize = 80;

/// Bytes that look random, and are never again in the order in which they are here. Made once: under valgrind that takes longer than most copies.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    (0..25_013).flat_map(|_| next()).collect()
});

/// Bytes that look random, and differ from place to place and from seed to seed; no more memory than they take.
fn noise(len: usize, seed: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    let mut start = seed % NOISE.len() * 8191 % NOISE.len();
    while bytes.len() < len {
        let more = (NOISE.len() - start).min(len - bytes.len());
        bytes.extend_from_slice(&NOISE[start..start + more]);
        start = 0;
    }
    bytes
}

/// Copies by `engine`, and by a loop; the whole memory of the destination must be the same. It has guards at both ends, and begins `shift` bytes behind
/// the start of a line. The source ends with its last item.
fn check(engine: Engine, src: (&DType, &Layout), dst: (&DType, &Layout), shift: usize) -> Class {
    let plan = CopyPlan::new(src, dst).unwrap();
    let Item::Bytes { swap, .. } = plan.item else {
        unreachable!("these layouts count in bytes: {plan:?}")
    };
    let source = noise(src.1.byte_span().end, 1);
    let mut found = noise(dst.1.byte_span().end + 2 * GUARD + 2 * 64, 2);
    let start = GUARD + found.as_ptr().wrapping_add(GUARD).align_offset(64) + shift % 64;
    let (mut expected, size) = (found.clone(), src.1.itemsize());
    for (s, d) in src.1.offsets().zip(dst.1.offsets()) {
        let item = &mut expected[start + d..][..size];
        item.copy_from_slice(&source[s..s + size]);
        if swap > 1 {
            item.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
        }
    }
    // The short way, where there is one.
    let mut plain = Plain::blank();
    if engine == Engine::new(Isa::best(), Stream::Never) && plain.look(src, dst) {
        let mut found = found.clone();
        // SAFETY: the memories are as large as the spans, and disjoint.
        let done = unsafe { execute_plain(&plain, source.as_ptr(), found.as_mut_ptr().wrapping_add(start)) };
        assert!(!done || found == expected, "{src:?} {dst:?} {plain:?}");
    }
    // SAFETY: as above.
    unsafe { execute_by(engine, &plan, source.as_ptr(), found.as_mut_ptr().wrapping_add(start)) };
    if found != expected {
        let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
        let at = differ.map(|at| at.cast_signed() - start.cast_signed());
        panic!("byte {at:?} of {shift}+{dst:?} from {src:?} by {engine:?}: {plan:?}");
    }
    plan.class
}

/// Says which of the cases to run: all, or one of `VIEWBRIDGE_EVERY`, for tools under which each takes a hundred times as long.
fn sample() -> impl FnMut() -> bool {
    sample_of(1)
}

/// The same, but so many times as often: where a kernel has few cases, one of them at least.
fn sample_of(times: usize) -> impl FnMut() -> bool {
    let every = std::env::var("VIEWBRIDGE_EVERY");
    let every: usize = every.map_or(1, |every| every.parse().expect("VIEWBRIDGE_EVERY is a number"));
    let (every, mut case) = ((every / times).max(1), 0);
    move || {
        case += 1;
        case % every == 0
    }
}

fn dtypes() -> Vec<DType> {
    let long = DType::new(Kind::Float, 128);
    let plain = [
        DType::U8,
        DType::U16,
        DType::F32,
        DType::F64,
        DType::C128,
        DType::raw(3),
        DType::raw(12),
        DType::raw(24),
    ];
    let swapped = [
        DType::U16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
        long,
        DType::text(3),
        DType::text(20),
    ];
    plain.into_iter().chain(swapped.map(DType::swapped)).collect()
}

/// A layout with the axes in the order given, gaps, and some of them backwards.
fn layout(shape: &[usize], order: &[usize], gaps: &[usize], flips: usize, dtype: &DType) -> Layout {
    let sorted: Vec<usize> = order.iter().map(|&axis| shape[axis] + gaps[axis]).collect();
    let mut inverse = vec![0; order.len()];
    for (k, &axis) in order.iter().enumerate() {
        inverse[axis] = k;
    }
    let mut layout = Layout::contiguous(&sorted, dtype, Order::C)
        .unwrap()
        .permute(&inverse)
        .unwrap();
    for (axis, &len) in shape.iter().enumerate() {
        layout = layout.slice_axis(axis, ..len.cast_signed()).unwrap();
        if flips & (1 << axis) != 0 {
            layout = layout.flip(axis).unwrap();
        }
    }
    layout
}

/// One axis of every length up to beyond two lines, with every stride from reversed to a few items.
#[test]
fn rows_of_all_lengths() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for dtype in dtypes() {
            let native = dtype.clone().into_native();
            let size = dtype.itemsize().cast_signed();
            for len in [1, 2, 3, 5, 8, 9, 16, 17, 33, 64, 65, 130, 200] {
                for stride in [
                    -2 * size,
                    -size,
                    0,
                    size,
                    2 * size,
                    3 * size,
                    4 * size,
                    5 * size,
                    size + 1,
                ] {
                    if !wanted() {
                        continue;
                    }
                    let start = if stride < 0 {
                        stride.unsigned_abs() * (len - 1)
                    } else {
                        len % 3
                    };
                    let src = Layout::strided(&[len], &[stride], start, &dtype).unwrap();
                    let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
                    check(engine, (&dtype, &src), (&native, &dst), len % 5);
                    let apart = Layout::strided(&[len], &[size * 2 + 1], 0, &native).unwrap();
                    check(engine, (&dtype, &src), (&native, &apart), len % 3);
                }
            }
        }
    }
}

/// Chunks of several kilobytes, which are put together before they are streamed.
#[test]
fn long_rows() {
    let mut wanted = sample();
    for engine in Engine::all() {
        for dtype in dtypes() {
            let native = dtype.clone().into_native();
            for (stride, shift) in [(1, 0), (2, 0), (3, 1), (-1, 0), (-1, 4), (0, 3), (0, 0), (5, 16)] {
                if !wanted() {
                    continue;
                }
                let len = 4100;
                let stride = stride * dtype.itemsize().cast_signed();
                let start = if stride < 0 {
                    stride.unsigned_abs() * (len - 1)
                } else {
                    0
                };
                let src = Layout::strided(&[len], &[stride], start, &dtype).unwrap();
                let dst = Layout::contiguous(&[len], &native, Order::C).unwrap();
                check(engine, (&dtype, &src), (&native, &dst), shift);
            }
        }
    }
}

/// Rows of every few bytes out of a little more, upwards and downwards, so many of them that the pattern in which they repeat is written down once.
#[test]
fn rows_that_repeat() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (dtype, width) in [
            (DType::U8, 1..21_usize),
            (DType::U8, 40..42),
            (DType::F32, 1..18),
            (DType::F32.swapped(), 1..6),
            (DType::F64.swapped(), 1..4),
            (DType::U8, 192..194),
            (DType::F64, 32..33),
        ]
        .into_iter()
        .flat_map(|(dtype, widths)| widths.map(move |width| (dtype.clone(), width)))
        {
            let (native, size) = (dtype.clone().into_native(), dtype.itemsize() * width);
            for (gap, down, shift) in [
                (1, false, 16),
                (size, false, 0),
                (size + 1, true, 3),
                (2 * size, false, 16),
                (3 * size, true, 16),
                (500, true, 40),
            ] {
                if !wanted() {
                    continue;
                }
                let (count, pitch) = (
                    (32_768 / size + 1).max(4200 / (size & size.wrapping_neg()) * 2) + gap % 7,
                    size + gap,
                );
                let (start, step) = if down {
                    ((count - 1) * pitch, -pitch.cast_signed())
                } else {
                    (gap % 5, pitch.cast_signed())
                };
                let strides = [step, dtype.itemsize().cast_signed()];
                let src = Layout::strided(&[count, width], &strides, start, &dtype).unwrap();
                let dst = Layout::contiguous(&[count, width], &native, Order::C).unwrap();
                assert_eq!(check(engine, (&dtype, &src), (&native, &dst), shift), Class::Gather);
            }
        }
    }
}

/// Windows that overlap, at every place of a line that memory can have: some lie in one line, and the next ones as well.
#[test]
fn windows_that_overlap() {
    let mut wanted = sample();
    for engine in Engine::all().filter(|engine| engine.stream != Stream::Large) {
        for (dtype, width, pitch) in [
            (DType::F32, 16, 4),
            (DType::F32, 16, 60),
            (DType::F32, 3, 4),
            (DType::U16.swapped(), 16, 2),
            (DType::U8, 12, 1),
            (DType::U8, 64, 1),
            (DType::U8, 128, 16),
            (DType::raw(4), 1, 1),
            (DType::raw(16), 1, 4),
        ] {
            let (native, count) = (dtype.clone().into_native(), 40_000 / dtype.itemsize() / width + 129);
            for (start, shift) in [(0, 0), (16, 0), (32, 16), (48, 16), (0, 16), (5, 63)] {
                for down in [false, true] {
                    if !wanted() {
                        continue;
                    }
                    let (start, step) = if down {
                        (start + (count - 1) * pitch, -pitch.cast_signed())
                    } else {
                        (start, pitch.cast_signed())
                    };
                    let src = Layout::strided(&[count, width], &[step, dtype.itemsize().cast_signed()], start, &dtype)
                        .unwrap();
                    let dst = Layout::contiguous(&[count, width], &native, Order::C).unwrap();
                    check(engine, (&dtype, &src), (&native, &dst), shift);
                }
            }
        }
    }
}

/// Many axes of few items in random orders: the list.
#[test]
fn many_small_axes() {
    let shapes: [&[usize]; 3] = [&[2; 11], &[4, 2, 4, 2, 2, 4, 2, 4, 2], &[2, 4, 3, 4, 2, 4, 2, 3, 2]];
    let mut wanted = sample_of(2);
    for engine in Engine::all() {
        // Of 32 bytes, too, which no kernel moves as one.
        for (seed, dtype) in (0..).zip(dtypes().into_iter().chain([DType::raw(32), DType::raw(64)])) {
            for (shape, shift) in shapes
                .into_iter()
                .flat_map(|shape| [(shape, 0), (shape, 16), (shape, 3)])
            {
                if !wanted() {
                    continue;
                }
                let order = shuffled(shape.len(), seed);
                let src = layout(shape, &order, &vec![0; shape.len()], 0, &dtype);
                let dst = Layout::contiguous(shape, &dtype, Order::C).unwrap();
                let class = check(engine, (&dtype, &src), (&dtype, &dst), shift);
                assert!(matches!(class, Class::List { .. } | Class::Transpose), "{class:?}");
            }
        }
    }
}

fn shuffled(len: usize, seed: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    for (k, random) in noise(len, seed + 5).into_iter().enumerate() {
        order.swap(k, usize::from(random) % len);
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        rng_seed: RngSeed::Fixed(0x57_21de),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any layouts of up to five axes.
    #[test]
    fn layouts(
        dims in prop::collection::vec(prop_oneof![1_usize..5, 1_usize..40, Just(16_usize), Just(64)], 1..6),
        seeds in any::<(usize, usize)>(),
        gaps in prop::collection::vec(prop_oneof![Just(0_usize), Just(0), 0_usize..3], 10),
        flips in (0_usize..32, 0_usize..32),
        (which, shift, engine) in (0_usize..16, 0_usize..64, any::<prop::sample::Index>()),
    ) {
        let mut items = 1;
        let shape: Vec<usize> = dims.into_iter().map(|dim| { let dim = if items * dim > 5_000 { 1 } else { dim }; items *= dim; dim }).collect();
        let ndim = shape.len();
        let dtype = dtypes()[which].clone();
        let native = dtype.clone().into_native();
        let order = |seed: usize| if seed.is_multiple_of(3) { (0..ndim).collect() } else { shuffled(ndim, seed >> 8) };
        let src = layout(&shape, &order(seeds.0), &gaps[..ndim], flips.0, &dtype);
        let dst = layout(&shape, &order(seeds.1), &gaps[5..5 + ndim], flips.1, &native);
        let engines: Vec<Engine> = Engine::all().collect();
        check(engines[engine.index(engines.len())], (&dtype, &src), (&native, &dst), shift);
    }
}
