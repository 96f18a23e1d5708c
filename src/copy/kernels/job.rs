//! What a kernel is told.

use super::list::Packing;
use crate::copy::plan::Axis;

/// A kernel: moves the items of `job` from `src` on to `dst` on.
///
/// # Safety
///
/// *reach*: the steps of the job's axes from `src` and `dst` on lead to `size` readable (writable) bytes each; the two memories are
/// disjoint. *supported*: the processor has the instructions that the kernel was compiled for.
pub(super) type Kernel = unsafe fn(src: *const u8, dst: *mut u8, job: &Job<'_>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    /// Slowest first; kernels of one axis look at the last one only.
    pub(super) axes: [Axis; 3],
    /// Bytes of an item.
    pub(super) size: usize,
    /// Bytes of each number in it that is to be reversed; 1 if none is.
    pub(super) swap: usize,
    /// Whether whole lines of the destination go past the caches.
    pub(super) stream: bool,
    /// The offsets of items around each step, for kernels that walk a list.
    pub(super) list: &'a [(isize, isize)],
    /// The buffers between which the list moves items, if any.
    pub(super) packing: Option<&'a Packing>,
    /// How far from this source the next one is.
    pub(super) next: isize,
}

impl Job<'_> {
    /// A single step, without a list.
    #[inline(always)]
    pub(super) const fn once(size: usize, swap: usize, stream: bool) -> Self {
        Self {
            axes: [Axis::ONCE; 3],
            size,
            swap,
            stream,
            list: &[],
            packing: None,
            next: 0,
        }
    }

    /// The fastest axis.
    pub(super) const fn row(&self) -> Axis {
        self.axes[2]
    }
}

/// Sixteen bytes that kernels move at most as one item.
pub(super) const WIDEST: usize = 16;

/// An item with the bytes of each of its numbers reversed.
#[inline(always)]
pub(super) fn swapped<const N: usize>(mut item: [u8; N], swap: usize) -> [u8; N] {
    if swap == N {
        item.reverse();
    } else {
        item.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
    }
    item
}
