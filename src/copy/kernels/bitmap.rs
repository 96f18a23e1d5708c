//! Bitmaps as bytes and back, and values with a bitmap of which ones count.
//!
//! Bits count from the least significant one of each byte on, as Arrow's do. A bitmap may begin at any bit: 64 bits are put together from
//! nine bytes where they must be.
//!
//! # Safety
//!
//! The bytes that hold the bits named are readable (writable where they are the destination), and so are the bytes and items that go with
//! them; source and destination are disjoint. No other byte is touched. *supported* holds for `S`.
#![allow(unsafe_code)]

use super::ahead;
use super::simd::{LINE, Simd};

/// `len` bits, from bit `bit` of `src` on, as bytes of 0 or 1.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn unpack<S: Simd, const STREAM: bool>(src: *const u8, bit: usize, dst: *mut u8, len: usize) {
    let head = if STREAM { dst.align_offset(LINE).min(len) } else { 0 };
    // SAFETY: the caller's promise.
    unsafe { unpack_few(src, bit, dst, head) };
    let mut done = head;
    while len - done >= LINE {
        // SAFETY: the caller's promise: 64 bits are left.
        let bits = unsafe { word(src, bit + done) };
        let to = dst.wrapping_add(done);
        // SAFETY: *supported*.
        let line = unsafe { S::expand(bits) };
        if STREAM {
            // SAFETY: 64 bytes are left, and the head has brought `to` to the start of a line.
            unsafe { S::stream(to, line) };
        } else {
            // SAFETY: 64 bytes are left.
            unsafe { S::store(to, line) };
        }
        done += LINE;
    }
    // SAFETY: the caller's promise.
    unsafe { unpack_few(src, bit + done, dst.wrapping_add(done), len - done) };
}

/// Fewer than 64 bits as bytes.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
unsafe fn unpack_few(src: *const u8, bit: usize, dst: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    let bits = unsafe { few(src, bit, len) };
    for k in 0..len {
        let truth = (bits >> k).to_le_bytes()[0] & 1;
        // SAFETY: the caller's promise.
        unsafe { dst.wrapping_add(k).write(truth) };
    }
}

/// `len` bytes as bits, 0 where the byte is 0, from bit `bit` of `dst` on. Neighbouring bits keep their values: the bytes at both ends
/// are initialised unless the bits begin and end with a byte.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn pack<S: Simd, const STREAM: bool>(src: *const u8, dst: *mut u8, bit: usize, len: usize) {
    let head = (bit.wrapping_neg() % 8).min(len);
    // SAFETY: the caller's promise.
    unsafe { pack_few(src, dst, bit, head) };
    let mut done = head;
    if STREAM {
        // SAFETY: the caller's promise; the head has brought the bits to the start of a byte.
        done += unsafe { pack_lines::<S>(src.wrapping_add(head), dst.wrapping_add((bit + head) / 8), len - head) };
    }
    while len - done >= LINE {
        // SAFETY: 64 bytes are left.
        let line = unsafe { S::load(src.wrapping_add(done)) };
        // SAFETY: *supported*.
        let bits = unsafe { S::squeeze(line) };
        let to = dst.wrapping_add((bit + done) / 8).cast::<[u8; 8]>();
        // SAFETY: 64 bits are left, and the head has brought them to the start of a byte.
        unsafe { to.write(bits.to_le_bytes()) };
        done += LINE;
    }
    while done < len {
        let count = (len - done).min(8);
        // SAFETY: the caller's promise.
        unsafe { pack_few(src.wrapping_add(done), dst, bit + done, count) };
        done += count;
    }
}

/// As many of `len` bytes as whole lines of bits, past the caches, and those before the first line. Says how many.
///
/// # Safety
///
/// As the module says; the bits begin with a byte.
#[inline(always)]
unsafe fn pack_lines<S: Simd>(src: *const u8, dst: *mut u8, len: usize) -> usize {
    let head = dst.align_offset(LINE);
    if len / 8 < head + LINE {
        return 0;
    }
    for k in 0..head {
        // SAFETY: there are more bytes than these.
        unsafe { pack_few(src.wrapping_add(8 * k), dst, 8 * k, 8) };
    }
    let mut done = 8 * head;
    while len - done >= 8 * LINE {
        let mut words = [0_u64; LINE / 8];
        for (k, word) in words.iter_mut().enumerate() {
            // SAFETY: eight lines are left.
            let line = unsafe { S::load(src.wrapping_add(done + k * LINE)) };
            // SAFETY: *supported*.
            *word = unsafe { S::squeeze(line) }.to_le();
        }
        // SAFETY: a line of words.
        let line = unsafe { S::load(words.as_ptr().cast()) };
        // SAFETY: the bits of eight lines are left, and the head has brought them to the start of one.
        unsafe { S::stream(dst.wrapping_add(done / 8), line) };
        done += 8 * LINE;
    }
    done
}

/// Up to eight bytes as bits of one byte.
///
/// # Safety
///
/// As the module says; the bits lie in one byte.
#[inline(always)]
unsafe fn pack_few(src: *const u8, dst: *mut u8, bit: usize, len: usize) {
    let (to, shift) = (dst.wrapping_add(bit / 8), bit % 8);
    let mut bits = 0_u8;
    for k in 0..len {
        // SAFETY: the caller's promise.
        let byte = unsafe { src.wrapping_add(k).read() };
        bits |= u8::from(byte != 0) << (shift + k);
    }
    if len == 8 {
        // SAFETY: the caller's promise; the byte may not be initialised.
        unsafe { to.write(bits) };
    } else if len > 0 {
        let mask = (u8::MAX >> (8 - len)) << shift;
        // SAFETY: the caller's promise: some of its bits are not ours, so that it is initialised.
        let old = unsafe { to.read() };
        // SAFETY: as above.
        unsafe { to.write(old & !mask | bits) };
    }
}

/// `len` bits from one place to another; their neighbours keep their values.
///
/// # Safety
///
/// As the module says; the destination is initialised.
#[inline(always)]
pub(super) unsafe fn move_bits(src: *const u8, from: usize, dst: *mut u8, to: usize, len: usize) {
    let head = (to.wrapping_neg() % 8).min(len);
    // SAFETY: the caller's promise.
    unsafe { move_few(src, from, dst, to, head) };
    let mut done = head;
    while len - done >= 64 {
        // SAFETY: 64 bits are left.
        let bits = unsafe { word(src, from + done) };
        let place = dst.wrapping_add((to + done) / 8).cast::<[u8; 8]>();
        // SAFETY: as above, and the head has brought them to the start of a byte.
        unsafe { place.write(bits.to_le_bytes()) };
        done += 64;
    }
    while done < len {
        let count = (len - done).min(8);
        // SAFETY: the caller's promise.
        unsafe { move_few(src, from + done, dst, to + done, count) };
        done += count;
    }
}

/// Up to eight bits into one byte.
///
/// # Safety
///
/// As the module says; the bits written lie in one initialised byte.
#[inline(always)]
unsafe fn move_few(src: *const u8, from: usize, dst: *mut u8, to: usize, len: usize) {
    if len == 0 {
        return;
    }
    // SAFETY: the caller's promise.
    let bits = unsafe { few(src, from, len) }.to_le_bytes()[0];
    let (place, shift) = (dst.wrapping_add(to / 8), to % 8);
    let mask = (u8::MAX >> (8 - len)) << shift;
    // SAFETY: the caller's promise.
    let old = unsafe { place.read() };
    // SAFETY: the caller's promise.
    unsafe { place.write(old & !mask | bits << shift & mask) };
}

/// Items of `N` bytes (1, 2, 4, 8 or 16): those of `values` whose bit is set, `fill` for the others.
///
/// # Safety
///
/// As the module says; `fill` is readable for a line, which repeats the item.
#[inline(always)]
pub(super) unsafe fn fill<S: Simd, const N: usize, const STREAM: bool>(
    values: *const u8,
    (bitmap, bit): (*const u8, usize),
    fill: *const u8,
    dst: *mut u8,
    len: usize,
) {
    // A destination between two items never comes to the start of a line; `align_offset` says so with a giant number.
    let head = if STREAM {
        dst.cast::<[u8; N]>().align_offset(LINE).min(len)
    } else {
        0
    };
    // SAFETY: the caller's promise.
    unsafe { fill_few::<N>(values, (bitmap, bit), fill, dst, head) };
    // SAFETY: the caller's promise.
    let clear = unsafe { S::load(fill) };
    let (per_line, mut done) = (LINE / N, head);
    while len - done >= 64 {
        // SAFETY: 64 bits are left.
        let mut bits = unsafe { word(bitmap, bit + done) };
        for part in 0..N {
            let at = (done + part * per_line) * N;
            if STREAM {
                ahead::line(values.wrapping_add(at), false);
            }
            // SAFETY: 64 items are left: `N` lines.
            let set = unsafe { S::load(values.wrapping_add(at)) };
            // SAFETY: *supported*.
            let line = unsafe { S::select::<N>(bits, set, clear) };
            if STREAM {
                // SAFETY: as for the load, and the head has brought the lines to their starts.
                unsafe { S::stream(dst.wrapping_add(at), line) };
            } else {
                // SAFETY: as for the load.
                unsafe { S::store(dst.wrapping_add(at), line) };
            }
            bits = bits.unbounded_shr(u32::try_from(per_line).unwrap_or(0));
        }
        done += 64;
    }
    let (from, to) = (values.wrapping_add(done * N), dst.wrapping_add(done * N));
    // SAFETY: the caller's promise.
    unsafe { fill_few::<N>(from, (bitmap, bit + done), fill, to, len - done) };
}

/// A few items.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn fill_few<const N: usize>(
    values: *const u8,
    (bitmap, bit): (*const u8, usize),
    fill: *const u8,
    dst: *mut u8,
    len: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { fill_any(values, (bitmap, bit), fill, dst, len, N) };
}

/// Items of any size.
///
/// # Safety
///
/// As the module says.
#[inline(always)]
pub(super) unsafe fn fill_any(
    values: *const u8,
    (bitmap, bit): (*const u8, usize),
    fill: *const u8,
    dst: *mut u8,
    len: usize,
    size: usize,
) {
    for k in 0..len {
        // SAFETY: the caller's promise.
        let valid = unsafe { few(bitmap, bit + k, 1) } == 1;
        let from = if valid { values.wrapping_add(k * size) } else { fill };
        // SAFETY: the caller's promise.
        unsafe { dst.wrapping_add(k * size).copy_from_nonoverlapping(from, size) };
    }
}

/// Sixty-four bits.
///
/// # Safety
///
/// The bytes that hold bits `bit..bit + 64` are readable.
#[inline(always)]
unsafe fn word(memory: *const u8, bit: usize) -> u64 {
    let (from, shift) = (memory.wrapping_add(bit / 8), bit % 8);
    // SAFETY: the caller's promise.
    let low = u64::from_le_bytes(unsafe { from.cast::<[u8; 8]>().read() });
    if shift == 0 {
        return low;
    }
    // SAFETY: 64 bits that begin inside of a byte end in the ninth.
    let high = u64::from(unsafe { from.wrapping_add(8).read() });
    low >> shift | high << (64 - shift)
}

/// Fewer than 64 bits.
///
/// # Safety
///
/// The bytes that hold bits `bit..bit + len` are readable.
#[inline(always)]
unsafe fn few(memory: *const u8, bit: usize, len: usize) -> u64 {
    let (from, shift) = (memory.wrapping_add(bit / 8), bit % 8);
    let mut bits = 0_u128;
    for k in 0..(shift + len).div_ceil(8) {
        // SAFETY: the caller's promise.
        let byte = unsafe { from.wrapping_add(k).read() };
        bits |= u128::from(byte) << (8 * k);
    }
    let kept = (bits >> shift) & ((1 << len) - 1);
    u64::try_from(kept).unwrap_or(0)
}
