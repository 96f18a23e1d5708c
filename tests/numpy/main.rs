//! Views held against NumPy: chains of operations, live where there is a NumPy, and as it answered before where there is none.
//!
//! `VIEWBRIDGE_PYTHON` names an interpreter with NumPy 2.1 or later; CI's is that of `.ci/venv`. `VIEWBRIDGE_CHAINS` says how many chains, `VIEWBRIDGE_SEED`
//! from which seed on.
#![allow(missing_docs)]
#![allow(unreachable_pub, reason = "the modules of a test")]
#![allow(
    unsafe_code,
    reason = "memory that every view may write: the model that is compared with"
)]

mod chain;
mod divergences;
mod generate;
mod live;
mod mutants;
mod python;
mod replay;
mod vectors;
