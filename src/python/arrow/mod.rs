//! Arrow's C interfaces in Python capsules, both ways.

mod capsule;
mod chunks;
mod export;
mod import;
mod table;

pub(super) use export::WayBack;
pub(super) use import::{parse_nulls, take};
