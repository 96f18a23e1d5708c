//! Which of the kernels carry a copy out.

use super::classify::Class;
use super::isa::{Isa, last_level_cache};

/// A choice of kernels. [`Engine::best`] is the one to use; the others are there to be tested and measured against it.
///
/// The result of a copy does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Engine {
    pub(super) isa: Isa,
    pub(super) stream: Stream,
}

/// When lines of the destination go past the caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// When there are so many of them that they would not find room there.
    Large,
    /// As [`Stream::Large`], for a part of a copy of so many bytes in all.
    PartOf(usize),
    /// Whenever the kernel can.
    #[cfg(test)]
    Always,
    /// Not at all.
    #[cfg(test)]
    Never,
}

/// No cache is small enough for streaming less than this to pay, in bytes. The fuzzer, whose copies are small, is to see it all the same.
pub(super) const SMALLEST_STREAM: usize = if cfg!(fuzzing) { 1 << 9 } else { 1 << 20 };

impl Engine {
    /// The best for this processor.
    #[inline]
    pub(crate) fn best() -> Self {
        Self::new(Isa::best(), Stream::Large)
    }

    pub(crate) const fn new(isa: Isa, stream: Stream) -> Self {
        Self { isa, stream }
    }

    /// Every choice that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Isa::available()
            .flat_map(|isa| [Stream::Large, Stream::Always, Stream::Never].map(|stream| Self::new(isa, stream)))
    }

    /// Whether a destination of `bytes` bytes should be written past the caches: it would push out half of what they hold, and come back from
    /// memory once for nothing. Transposes, which leave lines waiting to be completed, gain from less on.
    #[inline]
    pub(super) fn streams(self, bytes: usize, class: Class) -> bool {
        let share = match class {
            Class::Run | Class::Repeat | Class::Gather | Class::List { .. } => 2,
            Class::Transpose => 8,
            _ => return false,
        };
        let large = |bytes: usize| bytes >= SMALLEST_STREAM && bytes >= last_level_cache() / share;
        match self.stream {
            Stream::Large => large(bytes),
            Stream::PartOf(whole) => large(bytes.max(whole)),
            #[cfg(test)]
            Stream::Always => true,
            #[cfg(test)]
            Stream::Never => false,
        }
    }
}
