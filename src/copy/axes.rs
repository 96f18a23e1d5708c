//! The axes of a plan.
//!
//! # Safety
//!
//! *filled*: the first `count` places of [`Axes::few`] have been written, and `count` is at most [`ROOM`]; both are true of [`Axes::NONE`], and only
//! [`Axes::push`] changes either.
#![allow(unsafe_code)]

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

/// An axis to walk. Strides are in bytes, or in bits where the items are [`Item::Bits`](super::plan::Item::Bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) src: isize,
    pub(crate) dst: isize,
}

impl Axis {
    /// A single step.
    pub(crate) const ONCE: Self = Self { len: 1, src: 0, dst: 0 };
}

/// Axes that a plan has room for.
const ROOM: usize = 8;

/// The axes of a plan, in place up to [`ROOM`]. As `SmallVec`, but adding an axis is a few words and no call. Places without an axis are not
/// written: to do so took longer than to plan a small copy.
#[derive(Clone)]
pub(crate) struct Axes {
    few: [MaybeUninit<Axis>; ROOM],
    count: usize,
    /// All of them, if they are more.
    many: Vec<Axis>,
}

impl Axes {
    pub(super) const NONE: Self = Self {
        few: [MaybeUninit::uninit(); ROOM],
        count: 0,
        many: Vec::new(),
    };

    /// Adds an axis behind those that are there.
    #[inline(always)]
    pub(super) fn push(&mut self, axis: Axis) {
        if let Some(place) = self.few.get_mut(self.count) {
            place.write(axis);
            self.count += 1;
        } else {
            self.push_one_of_many(axis);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_one_of_many(&mut self, axis: Axis) {
        if self.many.is_empty() {
            self.many = self.to_vec();
        }
        self.many.push(axis);
    }
}

impl Deref for Axes {
    type Target = [Axis];

    #[inline(always)]
    fn deref(&self) -> &[Axis] {
        if self.many.is_empty() {
            // SAFETY: *filled*.
            unsafe { std::slice::from_raw_parts(self.few.as_ptr().cast(), self.count) }
        } else {
            &self.many
        }
    }
}

impl DerefMut for Axes {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Axis] {
        if self.many.is_empty() {
            // SAFETY: *filled*.
            unsafe { std::slice::from_raw_parts_mut(self.few.as_mut_ptr().cast(), self.count) }
        } else {
            &mut self.many
        }
    }
}

impl fmt::Debug for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Axes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Axes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_beyond_the_room_for_them() {
        let mut axes = Axes::NONE;
        for len in 0..2 * ROOM {
            assert_eq!((axes.len(), axes.clone()), (len, axes.clone()));
            axes.push(Axis { len, ..Axis::ONCE });
            axes[len].src = 3;
            assert_eq!(axes.last(), Some(&Axis { len, src: 3, dst: 0 }));
        }
        assert!(axes.iter().map(|axis| axis.len).eq(0..2 * ROOM));
    }
}
