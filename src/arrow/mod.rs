//! Arrow, both ways.
