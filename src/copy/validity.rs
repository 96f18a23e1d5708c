//! Bitmaps, and the items that they are about: what Arrow packs, unpacks and marks as null.
//!
//! # Safety
//!
//! Only the tests have an unsafe call, over bytes that they have initialised.

use std::mem::MaybeUninit;

use super::engine::Engine;
use super::kernels;

/// Bits of a bitmap, counted from the least significant one of each byte on.
///
/// Invariant *covered*: the bytes hold all of the bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    start: usize,
    len: usize,
}

impl<'a> Bits<'a> {
    /// The `len` bits from bit `start` on, or `None` if there are fewer.
    pub(crate) fn new(bytes: &'a [u8], start: usize, len: usize) -> Option<Self> {
        let end = start.checked_add(len)?;
        (end.div_ceil(8) <= bytes.len()).then_some(Self { bytes, start, len })
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The first byte that holds a bit, and where in it the bits begin.
    pub(super) fn parts(&self) -> (*const u8, usize) {
        let first = (self.start / 8).min(self.bytes.len());
        (self.bytes[first..].as_ptr(), self.start % 8)
    }
}

/// Each bit as a byte of 0 or 1. Every byte of `bools` is written.
///
/// # Panics
///
/// If there are not as many bytes as bits.
pub(crate) fn unpack(bits: Bits<'_>, bools: &mut [MaybeUninit<u8>]) {
    assert_eq!(bits.len(), bools.len());
    kernels::unpack(Engine::best(), bits, bools);
}

/// Each byte as a bit, 1 unless the byte is 0. Every byte of `bitmap` is written; the bits behind the last one are 0.
///
/// # Panics
///
/// If `bitmap` is not as long as that takes.
pub(crate) fn pack(bools: &[u8], bitmap: &mut [MaybeUninit<u8>]) {
    assert_eq!(bitmap.len(), bools.len().div_ceil(8));
    kernels::pack(Engine::best(), bools, bitmap);
}

/// The items of `values` whose bit is set, and `fill` in place of the others: one pass. `fill` is one item; every byte of `filled` is
/// written.
///
/// # Panics
///
/// If `values` and `filled` are not as long as there are bits, times the length of an item.
pub(crate) fn fill_nulls(values: &[u8], validity: Bits<'_>, fill: &[u8], filled: &mut [MaybeUninit<u8>]) {
    assert_eq!(Some(values.len()), validity.len().checked_mul(fill.len()));
    assert_eq!(values.len(), filled.len());
    kernels::fill_nulls(Engine::best(), values, validity, fill, filled);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: u8 = 0xa5;

    /// Bytes that look random.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[5]
        };
        (0..len).map(|_| next()).collect()
    }

    /// What `write` makes of `len` bytes between guards, `shift` bytes past a multiple of 64.
    fn written(len: usize, shift: usize, write: impl Fn(&mut [MaybeUninit<u8>])) -> Vec<u8> {
        let mut memory = vec![MaybeUninit::new(GUARD); 64 + shift + len + 64];
        let start = memory.as_ptr().align_offset(64) + shift;
        write(&mut memory[start..start + len]);
        // Every byte was initialised, and none is written but by `write`.
        let bytes: Vec<u8> = memory.into_iter().map(assume).collect();
        assert!(
            bytes[..start]
                .iter()
                .chain(&bytes[start + len..])
                .all(|&byte| byte == GUARD)
        );
        bytes[start..start + len].to_vec()
    }

    #[allow(unsafe_code)]
    fn assume(byte: MaybeUninit<u8>) -> u8 {
        // SAFETY: `written` begins with initialised bytes, and nothing makes a byte uninitialised.
        unsafe { byte.assume_init() }
    }

    const LENGTHS: [usize; 14] = [0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 130, 200, 255, 513];

    #[test]
    fn bits_become_bytes() {
        let bytes = noise(100);
        for engine in Engine::all() {
            for (start, len) in (0..9).flat_map(|start| LENGTHS.map(|len| (start, len))) {
                // No more bytes than hold the bits: one read too far is seen by the sanitizer.
                let bytes = bytes[..(start + len).div_ceil(8)].to_vec();
                let bits = Bits::new(&bytes, start, len).unwrap();
                let bools = written(len, start % 3, |bools| kernels::unpack(engine, bits, bools));
                let naive: Vec<u8> = (start..start + len).map(|k| bytes[k / 8] >> (k % 8) & 1).collect();
                assert_eq!(bools, naive, "{engine:?} {start} {len}");
            }
        }
    }

    #[test]
    fn bytes_become_bits() {
        let bools: Vec<u8> = noise(1800).iter().map(|byte| byte & 0x82).collect();
        for engine in Engine::all() {
            // A few lengths more: those of whole lines of bits.
            let lengths = || LENGTHS.into_iter().chain([1100, 1536, 1700]);
            for (start, len) in (0..3).flat_map(|start| lengths().map(move |len| (start, len))) {
                let bools = bools[start..start + len].to_vec();
                let bitmap = written(len.div_ceil(8), start, |bitmap| kernels::pack(engine, &bools, bitmap));
                let mut naive = vec![0; len.div_ceil(8)];
                for (k, &byte) in bools.iter().enumerate() {
                    naive[k / 8] |= u8::from(byte != 0) << (k % 8);
                }
                assert_eq!(bitmap, naive, "{engine:?} {start} {len}");
            }
        }
    }

    #[test]
    fn nulls_become_the_item_that_fills() {
        let (bitmap, values) = (noise(90), noise(32 * 520));
        for (engine, size) in Engine::all().flat_map(|engine| [1, 2, 3, 4, 8, 12, 16, 32].map(|size| (engine, size))) {
            for (start, len) in [0, 1, 5, 8]
                .into_iter()
                .flat_map(|start| LENGTHS.map(|len| (start, len)))
            {
                let bitmap = bitmap[..(start + len).div_ceil(8)].to_vec();
                let validity = Bits::new(&bitmap, start, len).unwrap();
                let (values, fill) = (values[start..start + len * size].to_vec(), &noise(99)[99 - size..]);
                let filled = written(len * size, start, |to| {
                    kernels::fill_nulls(engine, &values, validity, fill, to)
                });
                let valid = |k: usize| bitmap[(start + k) / 8] >> ((start + k) % 8) & 1 == 1;
                let items = values.chunks_exact(size).enumerate();
                let naive: Vec<u8> = items
                    .flat_map(|(k, item)| if valid(k) { item } else { fill })
                    .copied()
                    .collect();
                assert_eq!(filled, naive, "{engine:?} {size} {start} {len}");
            }
        }
    }

    #[test]
    fn bitmaps_cover_their_bits() {
        assert!(Bits::new(&[0], 3, 5).is_some());
        assert!(Bits::new(&[0], 3, 6).is_none());
        assert!(Bits::new(&[], usize::MAX, 2).is_none());
        assert!(Bits::new(&[0], usize::MAX, 2).is_none());
        assert!(Bits::new(&[], 0, 0).is_some());
    }
}
