//! What NumPy answered once, so that it need not be there.
//!
//! `VIEWBRIDGE_WRITE_VECTORS=1` with a live NumPy writes `vectors.txt` anew.

use std::collections::HashMap;

use super::chain::Chain;
use super::live::{random_chain, same_answers};
use super::mutants;
use super::python::Oracle;
use super::replay::{self, Arena};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/vectors.txt");
const VECTORS: usize = 2400;

/// Chains of one or two operations and their answers, without that of the root.
fn stored() -> Vec<(Chain, String)> {
    let text = std::fs::read_to_string(FILE).expect("committed");
    let line = |line: &str| {
        let (chain, answers) = line.split_once('=').expect("chain=answers");
        (Chain::parse(chain), answers.to_owned())
    };
    text.lines().map(line).collect()
}

fn without_root(answers: &str) -> &str {
    answers.split_once(';').map_or("", |(_, rest)| rest)
}

#[test]
fn chains_do_what_numpy_did() {
    if std::env::var_os("VIEWBRIDGE_WRITE_VECTORS").is_some() {
        write();
    }
    let (mut arena, mut wrong) = (Arena::new(), Vec::new());
    let vectors = stored();
    assert!(vectors.len() >= 2000);
    for (chain, theirs) in &vectors {
        let ours = replay::replay(chain, &mut arena, &replay::apply).join(";");
        if !same_answers(without_root(&ours), theirs) {
            wrong.push(format!("{chain}\n    viewbridge {ours}\n    NumPy      …;{theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} chains differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn vectors_give_every_mutant_away() {
    // Where the answer of the root is left out, so is it here.
    let mut arena = Arena::new();
    let vectors: Vec<(Chain, String)> = stored()
        .into_iter()
        .map(|(chain, theirs)| {
            let root = replay::replay(&chain, &mut arena, &replay::apply).swap_remove(0);
            (chain, format!("{root};{theirs}"))
        })
        .collect();
    let survivors = mutants::survivors(vectors.iter().map(|(chain, theirs)| (chain, theirs.as_str())));
    assert!(mutants::MUTANTS.len() >= 12);
    assert!(survivors.is_empty(), "{survivors:#?}");
}

/// Chains in which every operation occurs often, as NumPy answers them.
fn write() {
    let mut oracle = Oracle::start().expect("only NumPy writes vectors");
    let mut lines: Vec<String> = Vec::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for seed in 1_000_000.. {
        let mut chain = random_chain(seed);
        chain.ops.truncate(1 + usize::from(seed % 4 == 0));
        let names = chain
            .ops
            .iter()
            .map(|op| op.to_string().split(' ').next().unwrap().to_owned());
        let names: Vec<String> = names.collect();
        // Not much more of one operation than of another.
        let least = names
            .iter()
            .map(|name| counts.get(name).copied().unwrap_or(0))
            .min()
            .unwrap_or(0);
        if least > lines.len() / 12 + 3 || lines.iter().any(|line| line.starts_with(&format!("{chain}="))) {
            continue;
        }
        oracle.ask(&chain.to_string());
        lines.push(format!("{chain}={}", without_root(&oracle.answer())));
        names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        if lines.len() == VECTORS {
            break;
        }
    }
    println!("{counts:#?}");
    std::fs::write(FILE, lines.join("\n") + "\n").expect("in the checkout");
}
