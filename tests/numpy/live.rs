//! Random chains, live.

use std::io::Write;

use super::chain::{Chain, Op};
use super::generate::{self, Dice};
use super::mutants;
use super::python::Oracle;
use super::replay::{self, Arena};

/// Chains that failed once, and are asked first ever after.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/regressions.txt");

/// More items would make the oracle slow, and find nothing more.
const MOST_ITEMS: usize = 2000;

/// Questions on their way.
const AHEAD: usize = 256;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// A chain of up to five operations, then a write, a question about overlap, and an assignment from an earlier view of the chain.
pub fn random_chain(seed: u64) -> Chain {
    let mut dice = Dice::new(seed);
    let root = generate::root(&mut dice);
    let mut chain = Chain { root, ops: Vec::new() };
    let length = 1 + dice.below(5);
    replay::walk(&chain.root.clone(), |view| {
        if chain.ops.len() == length {
            return None;
        }
        loop {
            let op = generate::op(&mut dice, view);
            match replay::apply(&op, view) {
                Ok(next) if next.len() > MOST_ITEMS => {}
                result => {
                    chain.ops.push(op);
                    return Some(result.unwrap_or_else(|_| view.clone()));
                }
            }
        }
    });
    chain.ops.push(Op::Write(dice.below(1000)));
    chain.ops.push(Op::Overlap(dice.below(10)));
    chain.ops.push(Op::Assign(dice.below(10)));
    chain
}

/// Where the answers differ, if they do: the operation, and both answers.
fn difference(chain: &Chain, ours: &[String], theirs: &str) -> Option<String> {
    let theirs: Vec<&str> = theirs.split(';').collect();
    let steps = std::iter::once(chain.root.to_string()).chain(chain.ops.iter().map(ToString::to_string));
    for (k, step) in steps.enumerate() {
        let (ours, theirs) = (
            ours.get(k).map_or("", |text| text),
            theirs.get(k).copied().unwrap_or(""),
        );
        if !same(ours, theirs) {
            return Some(format!(
                "step {k}, {step}:\n    viewbridge {ours}\n    NumPy      {theirs}"
            ));
        }
    }
    None
}

/// Whether two answers are the same, as far as NumPy's messages can tell kinds of errors apart.
pub fn same(ours: &str, theirs: &str) -> bool {
    let coarse = |text: &str| text.replace("ReinterpretStride", "Reinterpret");
    ours == theirs || (ours.starts_with('X') && coarse(ours) == coarse(theirs))
}

/// As [`same`], for all answers to a chain.
pub fn same_answers(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (ours.split(';'), theirs.split(';'));
    ours.clone().count() == theirs.clone().count() && ours.zip(theirs).all(|(ours, theirs)| same(ours, theirs))
}

fn ask(oracle: &mut Oracle, chain: &Chain, arena: &mut Arena) -> Option<String> {
    oracle.ask(&chain.to_string());
    let theirs = oracle.answer();
    difference(chain, &replay::replay(chain, arena, &replay::apply), &theirs)
}

/// The smallest chain that still fails: without each operation in turn, with smaller roots.
fn shrink(oracle: &mut Oracle, mut chain: Chain, arena: &mut Arena) -> Chain {
    loop {
        let mut smaller = Vec::new();
        for k in 0..chain.ops.len() {
            let mut without = chain.clone();
            without.ops.remove(k);
            smaller.push(without);
        }
        let mut root = |change: &dyn Fn(&mut super::chain::Root)| {
            let mut changed = chain.clone();
            change(&mut changed.root);
            smaller.push(changed);
        };
        root(&|root| root.misalignment = 0);
        root(&|root| root.writable = true);
        for axis in 0..chain.root.shape.len() {
            root(&|root| root.shape[axis] = root.shape[axis].saturating_sub(1));
            root(&|root| {
                root.shape.remove(axis);
                root.strides.remove(axis);
            });
        }
        let fails = |next: &Chain| *next != chain && ask(oracle, next, arena).is_some();
        match smaller.into_iter().find(fails) {
            Some(next) => chain = next,
            None => return chain,
        }
    }
}

#[test]
fn chains_do_what_numpy_does() {
    let Some(mut oracle) = Oracle::start() else { return };
    let (count, seed) = (setting("VIEWBRIDGE_CHAINS", 2000), setting("VIEWBRIDGE_SEED", 0x5eed));
    let mut arena = Arena::new();
    let stored = std::fs::read_to_string(REGRESSIONS).unwrap_or_default();
    let stored = stored.lines().filter(|line| !line.starts_with('#')).map(Chain::parse);
    let mut chains = stored.chain((0..count).map(|k| random_chain(seed.wrapping_add(k))));

    let mut waiting = std::collections::VecDeque::new();
    let mut failures = Vec::new();
    let (mut asked, mut steps) = (0, 0);
    loop {
        while waiting.len() < AHEAD
            && let Some(chain) = chains.next()
        {
            oracle.ask(&chain.to_string());
            waiting.push_back(chain);
        }
        let Some(chain) = waiting.pop_front() else { break };
        let theirs = oracle.answer();
        (asked, steps) = (asked + 1, steps + chain.ops.len());
        let ours = replay::replay(&chain, &mut arena, &replay::apply);
        if difference(&chain, &ours, &theirs).is_some() && failures.len() < 10 {
            failures.push(chain);
        }
    }
    println!("{asked} chains of {steps} operations, from seed {seed}");
    let shrunk: Vec<Chain> = failures
        .into_iter()
        .map(|chain| shrink(&mut oracle, chain, &mut arena))
        .collect();
    for chain in &shrunk {
        store(chain);
    }
    let reports = shrunk.iter().map(|chain| {
        let difference = ask(&mut oracle, chain, &mut arena).unwrap_or_default();
        format!("{chain}\n  {difference}\n")
    });
    let reports: String = reports.collect();
    assert!(reports.is_empty(), "{} chains or more differ:\n{reports}", shrunk.len());
}

/// The standing check that the comparison can fail: it does, for each of the deliberate mistakes.
#[test]
fn numpy_gives_every_mutant_away() {
    let Some(mut oracle) = Oracle::start() else { return };
    let chains: Vec<Chain> = (0..2000).map(random_chain).collect();
    let answers: Vec<String> = chains
        .iter()
        .map(|chain| {
            oracle.ask(&chain.to_string());
            oracle.answer()
        })
        .collect();
    let survivors = mutants::survivors(chains.iter().zip(answers.iter().map(String::as_str)));
    assert!(survivors.is_empty(), "{survivors:#?}");
}

/// Remembers a chain that failed.
fn store(chain: &Chain) {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(REGRESSIONS);
    let known = std::fs::read_to_string(REGRESSIONS).unwrap_or_default();
    if let Ok(mut file) = file
        && !known.lines().any(|line| line == chain.to_string())
    {
        let _ = writeln!(file, "{chain}");
    }
}
