//! Files as owners of memory.

#[cfg(feature = "arrow")]
pub mod ipc;
