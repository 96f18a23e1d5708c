//! Rows of items that begin inside of bytes.
//!
//! Bits count from the least significant one, as Arrow's bitmaps and DLPack's packed types do.
//!
//! # Safety
//!
//! As the module above, with offsets in bits: every byte that holds a bit of a visited item lies inside of its memory (*reach*).
#![allow(unsafe_code)]

use super::super::plan::Axis;

/// Moves one row of items of `from` bits into items of `to` bits.
///
/// # Safety
///
/// *reach*; the destination is initialised.
pub(super) unsafe fn row(
    src: *const u8,
    dst: *mut u8,
    mut s: usize,
    mut d: usize,
    row: Axis,
    (from, to, truth): (usize, usize, bool),
) {
    for _ in 0..row.len {
        // SAFETY: the caller's promise, item by item.
        unsafe { item(src, dst, s, d, (from, to, truth)) };
        s = s.wrapping_add_signed(row.src);
        d = d.wrapping_add_signed(row.dst);
    }
}

/// Moves one item, eight bits at a time.
///
/// # Safety
///
/// *reach*; the destination is initialised.
unsafe fn item(src: *const u8, dst: *mut u8, s: usize, d: usize, (from, to, truth): (usize, usize, bool)) {
    let mut done = 0;
    while done < to {
        let write = (to - done).min(8);
        let read = from.saturating_sub(done).min(8);
        let value = match (truth, done) {
            // SAFETY: *reach*.
            (false, _) => unsafe { load(src, s + done, read) },
            // SAFETY: *reach*.
            (true, 0) => unsafe { any(src, s, from) }.into(),
            (true, _) => 0,
        };
        // SAFETY: *reach*.
        unsafe { store(dst, d + done, write, value) };
        done += write;
    }
}

/// Whether any of `width` bits is set.
///
/// # Safety
///
/// The bytes that hold `bit..bit + width` can be read.
unsafe fn any(memory: *const u8, bit: usize, width: usize) -> bool {
    (0..width).step_by(8).any(|done| {
        // SAFETY: the caller's promise.
        let bits = unsafe { load(memory, bit + done, (width - done).min(8)) };
        bits != 0
    })
}

/// Up to 8 bits, possibly from two bytes.
///
/// # Safety
///
/// The bytes that hold `bit..bit + width` can be read.
unsafe fn load(memory: *const u8, bit: usize, width: usize) -> u8 {
    if width == 0 {
        return 0;
    }
    let (byte, shift) = (memory.wrapping_add(bit / 8), bit % 8);
    // SAFETY: the caller's promise.
    let mut value = unsafe { byte.read() } >> shift;
    if shift + width > 8 {
        // SAFETY: the caller's promise; the item reaches into the second byte.
        value |= unsafe { byte.wrapping_add(1).read() } << (8 - shift);
    }
    value & mask(width)
}

/// Overwrites up to 8 bits, possibly of two bytes, and leaves their neighbours alone.
///
/// # Safety
///
/// The bytes that hold `bit..bit + width` can be written; if they are not one whole byte, they are initialised.
unsafe fn store(memory: *mut u8, bit: usize, width: usize, value: u8) {
    let (byte, shift) = (memory.wrapping_add(bit / 8), bit % 8);
    if (shift, width) == (0, 8) {
        // SAFETY: the caller's promise.
        return unsafe { byte.write(value) };
    }
    // SAFETY: the caller's promise.
    let old = unsafe { byte.read() };
    let low = old & !(mask(width) << shift) | (value & mask(width)) << shift;
    // SAFETY: the caller's promise.
    unsafe { byte.write(low) };
    if shift + width > 8 {
        let (second, split) = (byte.wrapping_add(1), 8 - shift);
        // SAFETY: the caller's promise; the item reaches into the second byte.
        let old = unsafe { second.read() };
        let high = old & !(mask(width) >> split) | (value & mask(width)) >> split;
        // SAFETY: as above.
        unsafe { second.write(high) };
    }
}

/// The lowest `width` bits, 1 to 8.
const fn mask(width: usize) -> u8 {
    u8::MAX >> (8 - width)
}
