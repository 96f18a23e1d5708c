//! The buffer protocol (PEP 3118), both ways.

mod export;
mod format;
mod import;

pub(super) use import::take;
