use std::collections::HashSet;

use super::solver::{Term, reaches, simplified};
use super::*;
use crate::{DType, Order};

fn bytes(shape: &[usize], strides: &[isize], offset: usize, itemsize: u32) -> Layout {
    Layout::strided(shape, strides, offset, &DType::raw(itemsize)).unwrap()
}

fn terms(pairs: &[(i128, i128)]) -> Vec<Term> {
    pairs.iter().map(|&(factor, bound)| Term { factor, bound }).collect()
}

fn answer(pairs: &[(i128, i128)], target: i128, budget: usize) -> Overlap {
    reaches(terms(pairs), target, budget)
}

#[test]
fn terms_are_merged_and_trimmed() {
    let found = simplified(terms(&[(8, 3), (1, 7), (100, 2), (8, 4), (30, 9)]), 90);
    assert_eq!(found, terms(&[(1, 7), (8, 7), (30, 3)]));
}

#[test]
fn sums_reach_what_enumeration_reaches() {
    for pairs in [
        &[(6, 3), (10, 2), (15, 4)][..],
        &[(4, 5), (6, 2), (9, 3)],
        &[(2, 1), (3, 1), (7, 2), (11, 1)],
        &[(5, 9), (7, 9)],
        &[(3, 4)],
    ] {
        let mut reached = HashSet::from([0]);
        for &(factor, bound) in pairs {
            reached = reached
                .iter()
                .flat_map(|value| (0..=bound).map(move |x| value + factor * x))
                .collect();
        }
        for target in 0..120 {
            let found = answer(pairs, target, 1000);
            assert_eq!(
                found == Overlap::Shared,
                reached.contains(&target),
                "{pairs:?} {target}"
            );
            assert_ne!(found, Overlap::TooHard);
        }
    }
}

#[test]
fn two_terms_are_decided_at_once() {
    let (a, b) = ((1 << 62) - 57, (1 << 61) - 1);
    assert_eq!(
        answer(&[(a, 1 << 40), (b, 1 << 40)], a * 123_456 + b * 987_654, 1),
        Overlap::Shared
    );
    assert_eq!(
        answer(&[(a, 1 << 40), (b, 1 << 40)], a * 123_456 + b * 987_654 + 1, 1),
        Overlap::Disjoint
    );
}

#[test]
fn products_beyond_128_bits_are_reduced() {
    // The largest that a mixture of bytes and bits may come to.
    let (a, b) = ((1 << 67) - 19, (1 << 66) - 5);
    let target = 5 * a + 7 * b;
    assert_eq!(answer(&[(a, 9), (b, 9)], target, 1), Overlap::Shared);
    assert_eq!(answer(&[(a, 9), (b, 9)], target - 1, 1), Overlap::Disjoint);
}

#[test]
fn itemsizes_count() {
    let doubles = bytes(&[5], &[16], 0, 8);
    assert_eq!(doubles.shares_memory(&bytes(&[5], &[16], 4, 4), 1), Overlap::Shared);
    assert_eq!(doubles.shares_memory(&bytes(&[5], &[16], 8, 4), 1), Overlap::Disjoint);
    assert_eq!(doubles.shares_memory(&bytes(&[5], &[16], 15, 2), 1), Overlap::Shared);
    // A single item has no axis, and is not nothing.
    assert_eq!(doubles.shares_memory(&bytes(&[], &[], 39, 1), 1), Overlap::Shared);
    assert_eq!(doubles.shares_memory(&bytes(&[], &[], 40, 1), 1), Overlap::Disjoint);
    assert_eq!(
        bytes(&[], &[], 3, 1).shares_memory(&bytes(&[], &[], 3, 1), 0),
        Overlap::Shared
    );
}

#[test]
fn nothing_is_shared_without_items() {
    let (full, empty) = (bytes(&[9], &[1], 0, 1), bytes(&[0, 3], &[1, 1], 4, 1));
    for (a, b) in [(&full, &empty), (&empty, &full), (&empty, &empty)] {
        assert!(!a.may_share_memory(b));
        assert_eq!(a.shares_memory(b, 1), Overlap::Disjoint);
    }
    assert_eq!(empty.overlaps_itself(0), Overlap::Disjoint);
    let sizeless = bytes(&[3], &[0], 4, 0);
    assert!(!sizeless.may_share_memory(&full) && !full.may_share_memory(&sizeless));
    assert_eq!(sizeless.shares_memory(&full, 1), Overlap::Disjoint);
    assert_eq!(sizeless.overlaps_itself(0), Overlap::Disjoint);
}

#[test]
fn bits_are_told_apart_within_a_byte() {
    let bits =
        |shape: &[usize], strides: &[isize], offset| Layout::strided(shape, strides, offset, &DType::BIT).unwrap();
    let (even, odd) = (bits(&[8], &[2], 0), bits(&[8], &[2], 1));
    assert!(even.may_share_memory(&odd));
    assert_eq!(even.shares_memory(&odd, 1), Overlap::Disjoint);
    // Beside bytes, each byte is eight bits.
    assert_eq!(odd.shares_memory(&bytes(&[1], &[1], 1, 1), 1), Overlap::Shared);
    assert_eq!(bytes(&[1], &[1], 2, 1).shares_memory(&odd, 1), Overlap::Disjoint);
    assert_eq!(
        bytes(&[3], &[3], 0, 1).shares_memory(&bits(&[2], &[24], 12), 10),
        Overlap::Disjoint
    );
    assert_eq!(
        bytes(&[3], &[3], 0, 1).shares_memory(&bits(&[2], &[20], 12), 10),
        Overlap::Disjoint
    );
    assert_eq!(
        bytes(&[3], &[3], 0, 1).shares_memory(&bits(&[2], &[13], 12), 10),
        Overlap::Shared
    );
}

#[test]
fn distances_move_the_other_memory() {
    let (a, b) = (bytes(&[4], &[16], 0, 8), bytes(&[2], &[-16], 16, 8));
    assert_eq!(a.shares_memory_at(&b, 8, 1), Overlap::Disjoint);
    assert_eq!(a.shares_memory_at(&b, -16, 1), Overlap::Shared);
    assert_eq!(a.shares_memory_at(&b, 1 << 64, 1), Overlap::Disjoint);
    assert!(a.may_share_memory_at(&b, -23) && !a.may_share_memory_at(&b, -24));
    assert!(a.may_share_memory_at(&b, 55) && !a.may_share_memory_at(&b, 56));
}

#[test]
fn self_overlap_is_exact() {
    let overlap =
        |shape: &[usize], strides: &[isize], itemsize| bytes(shape, strides, 99, itemsize).overlaps_itself(100);
    assert_eq!(overlap(&[3, 2], &[2, 3], 1), Overlap::Disjoint);
    assert_eq!(overlap(&[4, 2], &[2, -3], 1), Overlap::Disjoint);
    assert_eq!(overlap(&[4, 3], &[2, 3], 1), Overlap::Shared);
    assert_eq!(overlap(&[3, 2], &[2, 3], 2), Overlap::Shared);
    assert_eq!(overlap(&[2, 2], &[4, 4], 4), Overlap::Shared);
    assert_eq!(overlap(&[2], &[3], 4), Overlap::Shared);
    assert_eq!(overlap(&[2, 1], &[0, 3], 4), Overlap::Shared);
    assert_eq!(overlap(&[1, 3], &[0, 4], 4), Overlap::Disjoint);
    assert_eq!(overlap(&[], &[], 4), Overlap::Disjoint);
}

#[test]
fn without_a_budget_only_bounds_and_divisors_speak() {
    let cube = Layout::contiguous(&[2, 3, 4], &DType::F64, Order::C).unwrap();
    assert_eq!(cube.overlaps_itself(0), Overlap::Disjoint);
    assert_eq!(cube.shares_memory(&cube, 0), Overlap::TooHard);
    assert_eq!(cube.shares_memory(&cube, 1), Overlap::Shared);
    let (even, odd) = (bytes(&[4], &[2], 0, 1), bytes(&[4], &[2], 1, 1));
    assert_eq!(even.shares_memory(&odd, 0), Overlap::Disjoint);
}
