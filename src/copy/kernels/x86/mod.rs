//! The instruction sets of x86-64: lines, and the tiles that transposes are made of.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod narrow;
pub(super) mod sse2;
pub(super) mod tiles;
pub(super) mod wide;
