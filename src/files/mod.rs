//! Files as owners of memory.
