//! The line: 64 bytes, and what the kernels ask of an instruction set to do with them.
//!
//! Kernels are written once, over [`Simd`]; each instruction set implements it in a file of its own, and [`table`](super::table) compiles
//! the kernels for each. A line is one register with AVX-512, two with AVX2, four with SSE2, or with NEON, which is what compilers make of the
//! portable one.
//!
//! # Safety
//!
//! Every method may be called only where the processor has the instruction set (*supported*), and follows its pointers for as many bytes as
//! it says.
#![allow(unsafe_code)]

use super::picks::Phase;
use super::weave::NOWHERE;

/// Bytes of a line: of a cache line, on the machines that matter.
pub(super) const LINE: usize = 64;

pub(super) trait Simd: Copy {
    /// Sixty-four bytes.
    type Line: Copy;

    /// # Safety
    ///
    /// 64 bytes at `from` are readable.
    unsafe fn load(from: *const u8) -> Self::Line;

    /// # Safety
    ///
    /// 64 bytes at `to` are writable.
    unsafe fn store(to: *mut u8, line: Self::Line);

    /// Stores past the caches. Needs a [`fence`](Self::fence) before anybody else reads.
    ///
    /// # Safety
    ///
    /// 64 bytes at `to` are writable; `to` is a multiple of 64.
    unsafe fn stream(to: *mut u8, line: Self::Line);

    /// Whether [`stream`](Self::stream) goes past the caches.
    const STREAMS: bool = true;

    /// Asks for a line to be brought into the nearest cache, or into the one behind it. Any address will do: nothing is read that the program
    /// could see.
    fn prefetch(from: *const u8, nearest: bool);

    /// Orders streamed stores before all later ones.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn fence();

    /// Each bit as a byte of 0 or 1.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn expand(bits: u64) -> Self::Line;

    /// Each byte as a bit: 0 if it is 0.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn squeeze(line: Self::Line) -> u64;

    /// Items of `N` bytes (1, 2, 4, 8, 16) from `set` where the bit is set, else from `clear`. There are `64 / N` bits that count.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn select<const N: usize>(bits: u64, set: Self::Line, clear: Self::Line) -> Self::Line;

    /// The bytes of each number of `by` bytes (2, 4, 8 or 16) reversed.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn swap(line: Self::Line, by: usize) -> Self::Line;

    /// The items of `N` bytes (1, 2, 4, 8 or 16) in reverse order.
    ///
    /// # Safety
    ///
    /// *supported*.
    unsafe fn reverse<const N: usize>(line: Self::Line) -> Self::Line;

    /// A line of each of the first streams of `K` that are woven at `from`, to where `to` says. Numbers of `swap` bytes are reversed.
    ///
    /// # Safety
    ///
    /// `K` lines at `from` are readable, a line at each of `to` is writable and aligned if it is to be streamed.
    unsafe fn unweave<const K: usize, const N: usize>(from: *const u8, to: &[*mut u8], swap: usize, stream: bool);

    /// A line of each of `K` streams, woven at `to`. Numbers of `swap` bytes are reversed.
    ///
    /// # Safety
    ///
    /// A line at each of `from` is readable; `K` lines at `to` are writable and aligned if they are to be streamed.
    unsafe fn weave<const K: usize, const N: usize>(from: &[*const u8; K], to: *mut u8, swap: usize, stream: bool);

    /// Bytes of the windows that the method below picks a line out of, if there are instructions for it.
    const PICKS: Option<usize> = None;

    /// A line, picked out of the first `K` windows of each of its parts, for a period that begins at `from`.
    ///
    /// # Safety
    ///
    /// Those windows are readable.
    #[inline(always)]
    unsafe fn pick<const K: usize>(from: *const u8, phase: &Phase) -> Self::Line {
        let mut line = [0_u8; LINE];
        for (places, &[window, ..]) in phase.places.iter().zip(&phase.windows).take(K) {
            for (byte, &place) in line.iter_mut().zip(places).filter(|&(_, &place)| place != NOWHERE) {
                // SAFETY: the caller's promise.
                *byte = unsafe { from.wrapping_offset(window).wrapping_add(place.into()).read() };
            }
        }
        // SAFETY: a line.
        unsafe { Self::load(line.as_ptr()) }
    }
}

/// Where byte `k` of sixteen comes from, if the numbers of `1 << row` bytes are reversed.
pub(super) const SWAPS: [[u8; 16]; 5] = {
    let mut swaps = [[0; 16]; 5];
    let mut row = 0;
    while row < 5 {
        let mut k = 0_u8;
        while k < 16 {
            swaps[row][k as usize] = k ^ ((1 << row) - 1);
            k += 1;
        }
        row += 1;
    }
    swaps
};
