//! Fresh memory for the results of copies.
//!
//! What is copied into fresh memory waits for the system to hand out its pages more than for the copy itself. From 4 MiB on the memory is
//! aligned to 2 MiB and the system advised to use pages of that size: one fault where there would be 512.
//!
//! # Safety
//!
//! Invariant *owned block*: `ptr` was returned by `alloc` for `layout`, whose size is not 0, and nobody else frees it; or the size is 0 and
//! `ptr` dangles at the alignment.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::ptr::NonNull;

use crate::buffer::Buffer;
use crate::error::{Error, Result};

/// Alignment of fresh memory, in bytes: a cache line, which is also what Arrow recommends.
pub(crate) const ALIGNMENT: usize = 64;

/// From so many bytes on, fresh memory is made for huge pages.
const HUGE_FROM: usize = 4 << 20;

/// The size of a huge page, in bytes: that of x86-64, and of AArch64 with pages of 4 KiB. Elsewhere it is an alignment like any other.
const HUGE_PAGE: usize = 2 << 20;

/// A block of bytes, freed on drop.
#[derive(Debug)]
pub(crate) struct Allocation {
    ptr: NonNull<u8>,
    layout: Layout,
}

// SAFETY: *owned block*: nobody else knows the pointer.
unsafe impl Send for Allocation {}

impl Allocation {
    /// `len` bytes that must be written before they are read, aligned to `alignment` and to [`ALIGNMENT`].
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`], never an abort.
    pub(crate) fn uninit(len: usize, alignment: usize) -> Result<Self> {
        let out_of_memory = || Error::OutOfMemory { bytes: len };
        let pages = if len < HUGE_FROM { ALIGNMENT } else { HUGE_PAGE };
        let alignment = alignment.max(pages);
        let layout = Layout::from_size_align(len, alignment).map_err(|_| out_of_memory())?;
        if len == 0 {
            let ptr = NonNull::without_provenance(NonZero::new(alignment).ok_or_else(out_of_memory)?);
            return Ok(Self { ptr, layout });
        }
        // SAFETY: the size is not 0.
        let ptr = unsafe { alloc(layout) };
        let ptr = NonNull::new(ptr).ok_or_else(out_of_memory)?;
        let mut memory = Self { ptr, layout };
        advise_huge_pages(memory.as_uninit());
        Ok(memory)
    }

    /// The bytes, to be written.
    pub(crate) fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: *owned block*, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr().cast(), self.layout.size()) }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The memory as a buffer.
    ///
    /// # Safety
    ///
    /// All bytes have been written.
    pub(crate) unsafe fn into_buffer(self) -> Buffer<'static> {
        let (ptr, len) = (self.ptr, self.layout.size());
        // SAFETY: *owned block*, and the caller initialised it.
        unsafe { Buffer::from_unique(ptr, len, self) }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: *owned block*.
            unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
        }
    }
}

/// Fresh memory of `len` bytes of 0.
///
/// # Errors
///
/// [`Error::OutOfMemory`].
#[cfg(feature = "python")]
pub(crate) fn zeroes(len: usize) -> Result<Buffer<'static>> {
    let mut memory = Allocation::uninit(len, 1)?;
    memory.as_uninit().fill(MaybeUninit::new(0));
    // SAFETY: all bytes have just been written.
    Ok(unsafe { memory.into_buffer() })
}

/// A `Vec` with room for `len` items, never an abort. Its memory is not aligned to huge pages, but those that lie inside are used.
///
/// # Errors
///
/// [`Error::OutOfMemory`].
pub(crate) fn vec_of<T>(len: usize) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    items.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    advise_huge_pages(items.spare_capacity_mut());
    Ok(items)
}

/// Asks for huge pages behind all of the memory that whole ones fit into. Does nothing for less than [`HUGE_FROM`] bytes, and on systems that
/// cannot be asked.
fn advise_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    if size_of_val(memory) < HUGE_FROM {
        return;
    }
    let (start, len) = (memory.as_mut_ptr().cast::<u8>(), size_of_val(memory));
    let skipped = start.align_offset(HUGE_PAGE);
    let whole = len.saturating_sub(skipped) / HUGE_PAGE * HUGE_PAGE;
    #[cfg(target_os = "linux")]
    if whole > 0 {
        let page = start.wrapping_add(skipped).cast();
        // SAFETY: the pages lie inside of `memory`; the advice changes none of their bytes. It may be turned down, which changes nothing.
        unsafe { libc::madvise(page, whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = whole;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memory_is_made_for_huge_pages() {
        for (len, alignment) in [
            (0, 64),
            (1, 64),
            (HUGE_FROM - 1, 64),
            (HUGE_FROM, HUGE_PAGE),
            (HUGE_FROM + 1, HUGE_PAGE),
        ] {
            let mut memory = Allocation::uninit(len, 1).unwrap();
            assert!(memory.as_mut_ptr().addr().is_multiple_of(alignment), "{len}");
            assert_eq!(memory.as_uninit().len(), len);
        }
        let mut memory = Allocation::uninit(10, 4096).unwrap();
        assert!(memory.as_mut_ptr().addr().is_multiple_of(4096));
    }

    /// The kernel marks mappings that huge pages were asked for with `hg`.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_has_been_asked() {
        let Ok(_) = std::fs::metadata("/sys/kernel/mm/transparent_hugepage") else {
            return;
        };
        let mut items = vec_of::<u64>(8 << 20).unwrap();
        let inside = items.spare_capacity_mut()[4 << 20..].as_ptr().addr();
        let mut memory = Allocation::uninit(64 << 20, 1).unwrap();
        for address in [inside, memory.as_mut_ptr().addr()] {
            assert!(flags_of(address).split(' ').any(|flag| flag == "hg"));
        }
    }

    /// The flags of the mapping that an address lies in.
    #[cfg(target_os = "linux")]
    fn flags_of(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut here = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let bounds = range.map(|(a, b)| (usize::from_str_radix(a, 16), usize::from_str_radix(b, 16)));
            match bounds {
                Some((Ok(start), Ok(end))) => here = (start..end).contains(&address),
                _ if here && line.starts_with("VmFlags:") => return line.to_owned(),
                _ => {}
            }
        }
        panic!("no mapping at {address:#x}");
    }

    #[test]
    fn out_of_memory_is_an_error() {
        let bytes = isize::MAX.unsigned_abs() / 2;
        assert!(matches!(Allocation::uninit(bytes, 1), Err(Error::OutOfMemory { bytes: b }) if b == bytes));
        assert!(matches!(vec_of::<u16>(usize::MAX), Err(Error::OutOfMemory { .. })));
        assert!(matches!(vec_of::<u16>(bytes / 2), Err(Error::OutOfMemory { bytes: b }) if b == bytes / 2 * 2));
    }
}
