//! Memory to copy from and into: aligned as the crate aligns its own, with huge pages or without.
//!
//! # Safety
//!
//! *owned block*: `ptr` was returned by `alloc` for `layout`, of which `offset` bytes are not used, and nobody else frees it. Its bytes are initialised from the start.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Which pages stand behind the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pages {
    /// 2 MiB where the system has them, as behind the crate's own fresh memory and NumPy's arrays.
    Huge,
    /// 4 KiB, as behind a large `Vec` on most systems.
    Small,
}

/// Where memory lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) pages: Pages,
    /// How many bytes behind the start of a page (or huge page) the first one that is used lies: 16 is where a large block from `malloc`
    /// begins, and with it NumPy's arrays.
    pub(crate) offset: usize,
}

/// A block of bytes, 0 at first.
pub(crate) struct Memory {
    ptr: NonNull<u8>,
    layout: Layout,
    /// Bytes in front of the first one that is used.
    offset: usize,
}

impl Memory {
    /// `len` bytes, all of them touched.
    pub(crate) fn new(len: usize, place: Place) -> Self {
        let Place { pages, offset } = place;
        let alignment = if len >= 4 << 20 { 2 << 20 } else { 4096 };
        let layout = Layout::from_size_align(offset + len.max(1), alignment).unwrap();
        // SAFETY: the size is not 0.
        let ptr = NonNull::new(unsafe { alloc(layout) }).expect("memory for a benchmark");
        #[cfg(target_os = "linux")]
        if pages == Pages::Huge && alignment > 4096 {
            // SAFETY: *owned block*; the advice changes no byte.
            unsafe { libc::madvise(ptr.as_ptr().cast(), layout.size(), libc::MADV_HUGEPAGE) };
        }
        // The first touch, which decides about the pages: zeroed memory of this alignment would have been touched before the advice.
        // SAFETY: *owned block*.
        unsafe { ptr.write_bytes(0, layout.size()) };
        Self { ptr, layout, offset }
    }

    const fn start(&self) -> *mut u8 {
        self.ptr.as_ptr().wrapping_add(self.offset)
    }

    const fn len(&self) -> usize {
        self.layout.size() - self.offset
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: *owned block*.
        unsafe { std::slice::from_raw_parts(self.start(), self.len()) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: *owned block*, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len()) }
    }

    /// The bytes as memory that need not be initialised.
    pub(crate) fn uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: *owned block*, borrowed mutably; nobody writes anything uninitialised.
        unsafe { std::slice::from_raw_parts_mut(self.start().cast(), self.len()) }
    }

    /// Items that are anything but repeated, and never a NaN or a `bool` of 2: every byte is 0 or 1.
    pub(crate) fn filled(len: usize, place: Place) -> Self {
        let mut memory = Self::new(len, place);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for word in memory.bytes_mut().chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let bits = (state & 0x0101_0101_0101_0101).to_le_bytes();
            word.copy_from_slice(&bits[..word.len()]);
        }
        memory
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: *owned block*.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

/// A fingerprint of bytes, to compare outputs without keeping them.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut lanes = [0xcbf2_9ce4_8422_2325_u64; 4];
    let blocks = bytes.chunks_exact(32);
    let mut rest = u64::try_from(bytes.len()).unwrap();
    for &byte in blocks.remainder() {
        rest = (rest ^ u64::from(byte)).wrapping_mul(PRIME);
    }
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            *lane = (*lane ^ u64::from_le_bytes(word.try_into().unwrap()))
                .wrapping_mul(PRIME)
                .rotate_left(29);
        }
    }
    lanes
        .iter()
        .fold(rest, |hash, lane| (hash ^ lane).wrapping_mul(PRIME).rotate_left(31))
}
