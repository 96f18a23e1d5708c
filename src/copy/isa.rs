//! What the processor can do: instruction sets and cache sizes, asked once, at run time.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set that the kernels are compiled for.
///
/// Invariant *supported*: a value exists only if the processor has the instructions, because [`Isa::available`] is the only source, and
/// [`Isa::best`] remembers one of those.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Isa(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Level {
    /// Plain Rust, which every target has, and no instruction by name.
    Portable,
    /// x86-64, with nothing that some of its processors do not have.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// x86-64 with AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VBMI (Ice Lake, Zen 4 and later).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    #[cfg(target_arch = "x86_64")]
    const ALL: &[Self] = &[Self::Portable, Self::Sse2, Self::Avx2, Self::Avx512];
    #[cfg(not(target_arch = "x86_64"))]
    const ALL: &[Self] = &[Self::Portable];

    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
            }
        }
    }
}

/// One more than the index of the level to use; 0 until somebody asked. Racing askers find the same answer.
static BEST: AtomicU8 = AtomicU8::new(0);

impl Isa {
    /// The best that the processor has, or another that [`Isa::use_from_now_on`] was told.
    #[inline]
    #[must_use]
    pub(crate) fn best() -> Self {
        let known = usize::from(BEST.load(Ordering::Relaxed));
        match known.checked_sub(1).and_then(|index| Level::ALL.get(index)) {
            Some(&level) => Self(level),
            None => {
                let best = Self::available().max().unwrap_or(Self(Level::Portable));
                best.use_from_now_on();
                best
            }
        }
    }

    /// Makes this the best: to test and measure a path that the processor would not take. Copies come out the same.
    pub(crate) fn use_from_now_on(self) {
        BEST.store(self.0 as u8 + 1, Ordering::Relaxed);
    }

    /// All that the processor has, the portable path first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        Level::ALL
            .iter()
            .filter(|level| level.is_supported())
            .map(|&level| Self(level))
    }

    #[inline]
    pub(super) const fn level(self) -> Level {
        self.0
    }
}

impl std::fmt::Debug for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => "SSE2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "AVX-512",
        })
    }
}

/// Bytes of the last-level cache: what decides where stores that bypass it begin to pay.
pub(crate) fn last_level_cache() -> usize {
    static BYTES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *BYTES.get_or_init(|| {
        if cfg!(fuzzing) {
            FUZZED_CACHE
        } else {
            largest_cache().unwrap_or(DEFAULT_CACHE)
        }
    })
}

/// What is assumed where the system does not tell.
const DEFAULT_CACHE: usize = 16 << 20;

/// What the fuzzer's copies, which are small, are larger than now and then.
const FUZZED_CACHE: usize = 2 << 10;

/// The largest cache of the first core, as Linux describes it.
fn largest_cache() -> Option<usize> {
    let caches = std::fs::read_dir("/sys/devices/system/cpu/cpu0/cache").ok()?;
    caches
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("size")).ok())
        .filter_map(|size| parse_size(size.trim()))
        .max()
}

/// `32768K`, `32M` or plain bytes.
fn parse_size(text: &str) -> Option<usize> {
    let (digits, unit) = match text.strip_suffix('K') {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_path_is_always_there() {
        assert_eq!(Isa::available().next(), Some(Isa(Level::Portable)));
        assert_eq!(Isa::available().max(), Some(Isa::best()));
    }

    #[test]
    fn sizes_of_caches() {
        assert_eq!(parse_size("32768K"), Some(32 << 20));
        assert_eq!(parse_size("8M"), Some(8 << 20));
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("?"), None);
        assert_eq!(parse_size("18014398509481984K"), None);
        assert_eq!(last_level_cache(), largest_cache().unwrap_or(DEFAULT_CACHE));
        assert!(last_level_cache() >= 1 << 10);
    }
}
