//! Items that begin inside of bytes, or change their width, against a loop over their bits.
//!
//! # Safety
//!
//! As in the module above.
#![allow(unsafe_code)]

use super::super::engine::{Engine, Stream};
use super::super::isa::Isa;
use super::super::kernels::execute_by;
use super::super::plan::{CopyPlan, Item};
use super::{GUARD, noise, sample};
use crate::dtype::{DType, Kind};
use crate::layout::Layout;
use crate::memory::Order;

/// As [`check`], bit by bit: for items that begin inside of bytes, or change their width.
fn check_bits(engine: Engine, src: (&DType, &Layout), dst: (&DType, &Layout)) {
    let plan = CopyPlan::new(src, dst).unwrap();
    let Item::Bits { truth, .. } = plan.item else {
        unreachable!("{plan:?}")
    };
    let source = noise(src.1.byte_span().end, 3);
    // Every second one ends with its last bits: a byte too many is seen by the sanitizer even if it keeps its value.
    let behind = if src.1.len().is_multiple_of(2) { GUARD } else { 0 };
    let mut found = noise(GUARD + dst.1.byte_span().end + behind, 4);
    let mut expected = found.clone();
    let width = |dtype: &DType, layout: &Layout| {
        let unit = layout.unit().bits();
        let lane = if dtype.is_padded() {
            8
        } else {
            usize::try_from(dtype.bits()).unwrap()
        };
        (unit, lane)
    };
    let ((src_unit, from), (dst_unit, to)) = (width(src.0, src.1), width(dst.0, dst.1));
    for (s, d) in src.1.offsets().zip(dst.1.offsets()) {
        for lane in 0..usize::from(src.0.lanes()) {
            let (s, d) = (s * src_unit + lane * from, GUARD * 8 + d * dst_unit + lane * to);
            let bit = |bit: usize| source[bit / 8] >> (bit % 8) & 1;
            for k in 0..to {
                let value = match (truth, k) {
                    (true, 0) => u8::from((s..s + from).any(|at| bit(at) == 1)),
                    (false, k) if k < from => bit(s + k),
                    _ => 0,
                };
                let (byte, mask) = (&mut expected[(d + k) / 8], 1 << ((d + k) % 8));
                *byte = *byte & !mask | if value == 1 { mask } else { 0 };
            }
        }
    }
    // SAFETY: the memories are as large as the spans, disjoint and initialised.
    unsafe { execute_by(engine, &plan, source.as_ptr(), found.as_mut_ptr().wrapping_add(GUARD)) };
    if found != expected {
        let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
        panic!("byte {differ:?} of {dst:?} from {src:?} by {engine:?}: {plan:?}");
    }
}

/// Bits from any place to any other, as bits or as bytes, one behind the other and further apart.
#[test]
fn bits_from_anywhere_to_anywhere() {
    let four = DType::new(Kind::UInt, 4);
    let wide = DType::new(Kind::Bool, 16);
    let types = [
        (DType::BIT, DType::BIT),
        (DType::BIT, DType::BOOL),
        (DType::BOOL, DType::BIT),
        (DType::BIT.with_lanes(3), DType::BOOL.with_lanes(3)),
        (four.clone(), four.clone()),
        (four.clone(), four.clone().padded()),
        (four.clone().padded(), four),
        (DType::new(Kind::UInt, 12), DType::new(Kind::UInt, 12)),
        // Truth values of two bytes: any bit of either counts, and the second one is written, too.
        (wide.clone(), DType::BIT),
        (DType::BIT, wide.clone()),
        (DType::BOOL.with_lanes(2), wide.with_lanes(2)),
    ];
    let mut wanted = sample();
    for isa in Isa::available() {
        let engine = Engine::new(isa, Stream::Large);
        for (from, to) in &types {
            for (len, start) in [1_usize, 2, 7, 8, 9, 63, 64, 65, 130, 200]
                .into_iter()
                .flat_map(|len| (0..9).map(move |start| (len, start)))
            {
                if !wanted() {
                    continue;
                }
                // One row or three, the items of which are adjacent or not, at any place of a byte.
                let rows = 1 + (start + len) % 2 * 2;
                let place = |dtype: &DType, start: usize, step: isize| {
                    let item = match Layout::contiguous(&[], dtype, Order::C).unwrap().unit().bits() {
                        1 => isize::try_from(dtype.item_bits()).unwrap(),
                        _ => dtype.itemsize().cast_signed(),
                    };
                    let row = item * step * (len.cast_signed() + 1) + 1;
                    Layout::strided(&[rows, len], &[row, item * step], start, dtype).unwrap()
                };
                for (step, other) in [(1, 1), (2, 1), (1, 3)] {
                    let (src, dst) = (place(from, start, step), place(to, (start * 5 + len) % 8, other));
                    check_bits(engine, (from, &src), (to, &dst));
                }
            }
        }
    }
}
