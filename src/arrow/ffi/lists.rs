//! Numbers, and FixedSizeLists of numbers, without nulls: what most views are as Arrow. Their structs are written straight into one block, which a thread
//! keeps for the next export.
//!
//! # Safety
//!
//! Invariant *one block*: what an exported struct of this module points to lies in one [`Numbers`] or [`Sizes`], which every struct of the tree knows by its
//! `private_data`, with a [`Level`] for each level but the first behind it. `live` counts the structs that have not been released, and `bytes` says
//! how large the block is, whatever a consumer writes into the structs; whoever releases the last one gives the block back (*whole block* of
//! [`crate::spare`]). A child that a consumer moved away keeps the block alive, as the specification demands.
#![allow(unsafe_code)]

use std::alloc::{Layout, handle_alloc_error};
use std::ffi::{CStr, c_void};
use std::mem::{ManuallyDrop, offset_of};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicUsize;

use super::abi::{self, ArrowArray, ArrowSchema, drop_quietly, release_tree};
use super::array::{Owner, to_i64};
use crate::spare::{Arrays, Schemas};

/// A struct below another one, and the list of children, of one, that the other one has.
#[repr(C)]
struct Level<T> {
    node: T,
    link: *mut T,
}

/// The head of an exported array's block.
#[repr(C)]
struct Numbers {
    live: AtomicUsize,
    bytes: usize,
    owner: ManuallyDrop<Owner>,
    /// No validity, which is all that lists have, and the values.
    buffers: [*const c_void; 2],
}

/// An array of lists, the lengths of whose levels are given from the rows to the items, which begin at `first` and are kept alive by `owner`.
#[inline(always)]
pub(super) fn array(rows: usize, below: &[usize], first: *const u8, owner: Owner) -> ArrowArray {
    let block = numbers(below, first, owner);
    array_node(block, (0, below.len()), rows)
}

/// The block, with all levels but the first.
#[inline(always)]
fn numbers(below: &[usize], first: *const u8, owner: Owner) -> NonNull<Numbers> {
    let bytes = size_of::<Numbers>() + below.len() * size_of::<Level<ArrowArray>>();
    let block = Arrays::allocate(bytes)
        .unwrap_or_else(|| no_memory(bytes))
        .cast::<Numbers>();
    let head = block.as_ptr();
    let numbers = Numbers {
        live: AtomicUsize::new(below.len() + 1),
        bytes,
        owner: ManuallyDrop::new(owner),
        buffers: [ptr::null(), first.cast()],
    };
    // SAFETY: *one block*, just allocated.
    unsafe { head.write(numbers) };
    for (k, &length) in below.iter().enumerate() {
        let node = array_node(block, (k + 1, below.len()), length);
        // SAFETY: *one block*: there is a place for each level but the first.
        unsafe { write(head.wrapping_add(1).cast::<Level<ArrowArray>>().wrapping_add(k), node) };
    }
    block
}

/// The struct of a level; the last one has the items.
#[inline(always)]
fn array_node(block: NonNull<Numbers>, (level, last): (usize, usize), length: usize) -> ArrowArray {
    let (head, leaf) = (block.as_ptr(), level == last);
    let next = head.wrapping_add(1).cast::<Level<ArrowArray>>().wrapping_add(level);
    ArrowArray {
        length: to_i64(length),
        null_count: 0,
        offset: 0,
        n_buffers: if leaf { 2 } else { 1 },
        n_children: if leaf { 0 } else { 1 },
        buffers: head.wrapping_byte_add(offset_of!(Numbers, buffers)).cast(),
        children: if leaf { ptr::null_mut() } else { link(next) },
        dictionary: ptr::null_mut(),
        release: Some(release_array),
        private_data: head.cast(),
    }
}

impl abi::Block for Numbers {
    #[inline(always)]
    fn live(&self) -> &AtomicUsize {
        &self.live
    }

    #[inline(always)]
    unsafe fn free(block: NonNull<Self>) {
        // SAFETY: *one block*: the owner leaves it here.
        let Self { bytes, owner, .. } = unsafe { block.read() };
        // SAFETY: *one block*: all that is in it has left.
        unsafe { Arrays::free(block.cast(), bytes) };
        end(ManuallyDrop::into_inner(owner));
    }
}

/// Drops an owner; its last claim may end in a panic.
#[inline(always)]
fn end(owner: Owner) {
    match owner {
        Owner::View(claim) => {
            if let Some(last) = claim.into_last() {
                drop_quietly(last);
            }
        }
        Owner::Arrow(buffer) => drop_quietly(buffer),
    }
}

/// # Safety
///
/// *one block*, and the struct is not released.
unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    // SAFETY: *one block*.
    unsafe { release_tree::<_, Numbers>(array) };
}

/// The head of an exported schema's block.
#[repr(C)]
struct Sizes {
    live: AtomicUsize,
    bytes: usize,
}

/// A list size, and what is below.
#[repr(C)]
struct SizedLevel {
    below: Level<ArrowSchema>,
    format: [u8; FORMAT],
}

/// Bytes of the format of a list: `+w:`, ten digits, and the 0.
const FORMAT: usize = 14;

/// A schema without names but those of the lists' items, which are called `item`: its items have the format `leaf`, its rows `flags`, and each list a size that is not negative
/// and its items' flags. Without lists there is no block.
#[inline(always)]
pub(super) fn schema(leaf: &'static CStr, flags: i64, lists: &[(i32, i64)]) -> ArrowSchema {
    let block = if lists.is_empty() {
        None
    } else {
        Some(sizes(leaf, lists))
    };
    schema_node(block, leaf, (0, lists.len()), flags)
}

/// The block, with all levels but the first.
fn sizes(leaf: &'static CStr, lists: &[(i32, i64)]) -> NonNull<Sizes> {
    let bytes = size_of::<Sizes>() + lists.len() * size_of::<SizedLevel>();
    let block = Schemas::allocate(bytes)
        .unwrap_or_else(|| no_memory(bytes))
        .cast::<Sizes>();
    let head = block.as_ptr();
    let live = AtomicUsize::new(lists.len() + 1);
    // SAFETY: *one block*, just allocated.
    unsafe { head.write(Sizes { live, bytes }) };
    for (k, &(size, flags)) in lists.iter().enumerate() {
        let place = head.wrapping_add(1).cast::<SizedLevel>().wrapping_add(k);
        let node = schema_node(Some(block), leaf, (k + 1, lists.len()), flags);
        // SAFETY: *one block*: there is a place for each level but the first.
        unsafe { write(place.cast(), node) };
        // SAFETY: as above.
        unsafe { format_place(place).write(format_of(size).0) };
    }
    block
}

/// The struct of a level; the last one has the items.
#[inline(always)]
fn schema_node(
    block: Option<NonNull<Sizes>>,
    leaf: &'static CStr,
    (level, last): (usize, usize),
    flags: i64,
) -> ArrowSchema {
    let head = block.map_or(ptr::null_mut(), NonNull::as_ptr);
    let next = head.wrapping_add(1).cast::<SizedLevel>().wrapping_add(level);
    let is_leaf = level == last;
    ArrowSchema {
        format: if is_leaf {
            leaf.as_ptr()
        } else {
            format_place(next).cast()
        },
        name: if level == 0 { c"".as_ptr() } else { c"item".as_ptr() },
        metadata: ptr::null(),
        flags,
        n_children: if is_leaf { 0 } else { 1 },
        children: if is_leaf { ptr::null_mut() } else { link(next.cast()) },
        dictionary: ptr::null_mut(),
        release: Some(if block.is_some() { release_schema } else { release_leaf }),
        private_data: head.cast(),
    }
}

impl abi::Block for Sizes {
    fn live(&self) -> &AtomicUsize {
        &self.live
    }

    unsafe fn free(block: NonNull<Self>) {
        // SAFETY: *one block*.
        let bytes = unsafe { block.as_ref() }.bytes;
        // SAFETY: *one block*: nothing in it needs to be dropped.
        unsafe { Schemas::free(block.cast(), bytes) };
    }
}

/// # Safety
///
/// *one block*, and the struct is not released.
unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    // SAFETY: *one block*.
    unsafe { release_tree::<_, Sizes>(schema) };
}

/// Nothing to free.
unsafe extern "C" fn release_leaf(schema: *mut ArrowSchema) {
    // SAFETY: a struct of `schema`, given up here.
    unsafe { (*schema).release = None };
}

/// The format of a list of so many items, not negative, with its 0, and its length.
pub(super) fn format_of(size: i32) -> ([u8; FORMAT], usize) {
    let mut text = *b"+w:\0\0\0\0\0\0\0\0\0\0\0";
    let mut rest = size.unsigned_abs();
    let digits = rest
        .checked_ilog10()
        .map_or(1, |log| usize::try_from(log).unwrap_or(0) + 1);
    for place in text[3..3 + digits].iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    (text, 3 + digits + 1)
}

/// The list of children in a level.
#[inline(always)]
fn link<T>(level: *mut Level<T>) -> *mut *mut T {
    level.wrapping_byte_add(offset_of!(Level<T>, link)).cast()
}

#[inline(always)]
fn format_place(level: *mut SizedLevel) -> *mut [u8; FORMAT] {
    level.wrapping_byte_add(offset_of!(SizedLevel, format)).cast()
}

/// Writes a level whose link leads to its own node.
///
/// # Safety
///
/// `level` is a place for one.
#[inline(always)]
unsafe fn write<T>(level: *mut Level<T>, node: T) {
    // The node comes first.
    let link = level.cast::<T>();
    // SAFETY: the caller's promise.
    unsafe { level.write(Level { node, link }) };
}

#[cold]
fn no_memory(bytes: usize) -> ! {
    handle_alloc_error(Layout::from_size_align(bytes, align_of::<u64>()).unwrap_or(Layout::new::<Numbers>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_lists() {
        for size in [0, 1, 9, 10, 99, 100, 12_345, i32::MAX] {
            let (text, len) = format_of(size);
            assert_eq!(text[..len], *format!("+w:{size}\0").as_bytes());
        }
    }
}
