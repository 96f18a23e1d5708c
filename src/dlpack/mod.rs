//! DLPack, both ways.
