//! Bounded linear equations: Σ factorₖ · xₖ = target with 0 ≤ xₖ ≤ boundₖ, in whole numbers.
//!
//! ```text
//! reaches(sum, target):
//!     a single term: true, because its factor divides the target and its total covers it
//!     for each value of the small half that
//!         both halves' factors allow:  value ≡ 0 (mod gcd of small),  value ≡ target (mod gcd of large)
//!         both halves' totals allow:   target − total of large ≤ value ≤ total of small
//!         reaches(small, value) and reaches(large, target − value)  →  true
//!     false
//! ```
//!
//! Where a sum is cut decides the work. Axes that nest leave a single value at the cut between them, as a number leaves one digit in
//! each place: each axis is decided by itself, and two terms are always decided at once. What remains is a search that factors and
//! totals prune.
//!
//! # Sizes
//!
//! By the invariant *span* of layouts, a total is at most 2·2⁶³ bytes, or 2⁶⁷ bits, for two layouts or one with doubled bounds. Sums
//! and differences of totals fit 128 bits; the one product that might not is reduced as it grows ([`product_modulo`]).

use super::Overlap;

/// `factor · x`, with 0 ≤ x ≤ `bound`. Both are positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) factor: i128,
    pub(super) bound: i128,
}

/// Whether the terms add up to `target` in some way: [`Overlap::Shared`] if so.
pub(super) fn reaches(terms: Vec<Term>, target: i128, budget: usize) -> Overlap {
    let mut search = Search::new(budget, &terms);
    match Sum::new(&simplified(terms, target)) {
        Some(sum) if sum.admits(target) => search.reaches(&sum, target),
        None if target == 0 => Overlap::Shared,
        _ => Overlap::Disjoint,
    }
}

/// Whether the terms add up to half of their total in another way than with each one at half of its bound. Bounds are even.
pub(super) fn returns(mut terms: Vec<Term>, budget: usize) -> Overlap {
    terms.sort_unstable_by_key(|term| term.factor);
    let mut search = Search::new(budget, &terms);
    Sum::new(&terms).map_or(Overlap::Disjoint, |sum| search.returns(&sum))
}

/// The terms sorted by factor, those of equal factors as one, without those that exceed the target at the first step.
///
/// O(n log n) for n terms.
pub(super) fn simplified(mut terms: Vec<Term>, target: i128) -> Vec<Term> {
    terms.sort_unstable_by_key(|term| term.factor);
    terms.dedup_by(|next, kept| {
        let same = next.factor == kept.factor;
        if same {
            kept.bound += next.bound;
        }
        same
    });
    for term in &mut terms {
        term.bound = term.bound.min(target / term.factor);
    }
    terms.retain(|term| term.bound > 0);
    terms
}

/// Terms, cut in two again and again.
#[derive(Debug)]
struct Sum {
    /// Divides every value.
    gcd: i128,
    /// The largest value; the smallest is 0.
    total: i128,
    /// `None` for a single term, which reaches every multiple of its factor up to its total.
    halves: Option<Box<Halves>>,
}

#[derive(Debug)]
struct Halves {
    /// The terms of smaller factors.
    small: Sum,
    large: Sum,
    /// What a value of `small`, counted in its gcd, is known modulo: `large.gcd / sum.gcd`.
    modulus: i128,
    /// Of `small.gcd / sum.gcd`, modulo `modulus`.
    inverse: i128,
}

impl Sum {
    /// Cuts terms that are sorted by factor where the fewest values are to be tried. `None` if there are none. O(n²) for n terms.
    fn new(terms: &[Term]) -> Option<Self> {
        if let [term] = terms {
            let (gcd, total) = (term.factor, term.factor * term.bound);
            return Some(Self {
                gcd,
                total,
                halves: None,
            });
        }
        let (small, large) = terms.split_at_checked(best_cut(terms)?)?;
        let (small, large) = (Self::new(small)?, Self::new(large)?);
        let common = gcd(small.gcd, large.gcd);
        let modulus = large.gcd / common;
        Some(Self {
            gcd: common,
            total: small.total + large.total,
            halves: Some(Box::new(Halves {
                inverse: inverse(small.gcd / common, modulus),
                small,
                large,
                modulus,
            })),
        })
    }

    /// Whether gcd and bounds leave `target` open.
    fn admits(&self, target: i128) -> bool {
        (0..=self.total).contains(&target) && target % self.gcd == 0
    }
}

impl Halves {
    /// The values of the small half, from `least` on, that admit themselves and leave to the large half one that it admits.
    ///
    /// Counted in `small.gcd`, they are one residue class. `common` is the gcd of the halves, and divides `target`.
    fn values(&self, target: i128, common: i128, least: i128) -> impl Iterator<Item = i128> + use<> {
        let (unit, modulus) = (self.small.gcd, self.modulus);
        let residue = product_modulo(target / common % modulus, self.inverse, modulus);
        let lowest = least.max(target - self.large.total);
        let from = lowest / unit + i128::from(lowest % unit > 0);
        let last = self.small.total.min(target) / unit;
        std::iter::successors(Some(from + (residue - from).rem_euclid(modulus)), move |x| {
            Some(x + modulus)
        })
        .take_while(move |&x| x <= last)
        .map(move |x| x * unit)
    }
}

/// One search, and what it may cost.
#[derive(Debug)]
struct Search {
    /// Dead ends that may still be met.
    left: usize,
}

impl Search {
    /// A budget in rounds of as many dead ends as there are terms: where axes nest, an axis of few items may be guessed wrong once.
    fn new(budget: usize, terms: &[Term]) -> Self {
        Self {
            left: budget.saturating_mul(terms.len()),
        }
    }

    /// Whether the sum takes the value `target`, which it admits.
    fn reaches(&mut self, sum: &Sum, target: i128) -> Overlap {
        let Some(halves) = &sum.halves else {
            return Overlap::Shared;
        };
        if self.left == 0 {
            return Overlap::TooHard;
        }
        let mut values = halves.values(target, sum.gcd, 0).peekable();
        if values.peek().is_none() {
            self.left -= 1;
        }
        self.any(values, |search, value| search.both(halves, target, value))
    }

    /// As the function [`returns`], for a sum.
    ///
    /// Ways come in pairs, mirrored at the middle; the one in which the small half is not below its own is looked for. Each half is visited
    /// once in this manner, so that no budget is needed for it.
    fn returns(&mut self, sum: &Sum) -> Overlap {
        let Some(halves) = &sum.halves else {
            return Overlap::Disjoint;
        };
        let (target, middle) = (sum.total / 2, halves.small.total / 2);
        self.any(halves.values(target, sum.gcd, middle), |search, value| {
            if value > middle {
                return search.both(halves, target, value);
            }
            match search.returns(&halves.small) {
                Overlap::Disjoint => search.returns(&halves.large),
                found => found,
            }
        })
    }

    /// Whether the halves take `value` and the rest of `target`.
    fn both(&mut self, halves: &Halves, target: i128, value: i128) -> Overlap {
        match self.reaches(&halves.small, value) {
            Overlap::Shared => self.reaches(&halves.large, target - value),
            missed => missed,
        }
    }

    /// The first answer that is not [`Overlap::Disjoint`].
    fn any(
        &mut self,
        mut values: impl Iterator<Item = i128>,
        mut answer: impl FnMut(&mut Self, i128) -> Overlap,
    ) -> Overlap {
        values
            .find_map(|value| Some(answer(self, value)).filter(|&found| found != Overlap::Disjoint))
            .unwrap_or(Overlap::Disjoint)
    }
}

/// Where to cut sorted terms in two so that the halves leave the fewest values open, or `None` if there are not two. O(n) gcds.
fn best_cut(terms: &[Term]) -> Option<usize> {
    let step =
        |(divisor, total): (i128, i128), term: &Term| (gcd(divisor, term.factor), total + term.factor * term.bound);
    let mut below: Vec<(i128, i128)> = Vec::with_capacity(terms.len());
    for term in terms {
        below.push(step(below.last().copied().unwrap_or((0, 0)), term));
    }
    let mut above = (0, 0);
    let cuts = (1..terms.len()).rev().map(|cut| {
        above = step(above, &terms[cut]);
        let ((small, below), (large, above)) = (below[cut - 1], above);
        // The quotient by the least common multiple, which itself might not fit.
        (below.min(above) / small / (large / gcd(small, large)), cut)
    });
    cuts.min().map(|(_, cut)| cut)
}

/// The greatest common divisor; that of 0 and a number is the number.
fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The x in `0..modulus` with `number · x ≡ 1`, by Euclid's algorithm. The arguments have no common divisor.
fn inverse(number: i128, modulus: i128) -> i128 {
    let (mut a, mut b) = (number % modulus, modulus);
    let (mut x, mut y) = (1, 0);
    while b != 0 {
        let quotient = a / b;
        (a, b) = (b, a - quotient * b);
        (x, y) = (y, x - quotient * y);
    }
    x.rem_euclid(modulus)
}

/// `a · b` modulo `modulus`, for factors in `0..modulus` of up to 126 bits.
fn product_modulo(mut a: i128, mut b: i128, modulus: i128) -> i128 {
    if let Some(product) = a.checked_mul(b) {
        return product % modulus;
    }
    let mut product = 0;
    while b > 0 {
        if b & 1 == 1 {
            product = (product + a) % modulus;
        }
        a = 2 * a % modulus;
        b >>= 1;
    }
    product
}
