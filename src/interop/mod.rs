//! Arrays of other Rust libraries, each behind a feature of its own. Arrow and DLPack are the bridges to all that is not listed here.

#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "ndarray")]
pub mod ndarray;
