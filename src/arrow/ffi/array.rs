//! Exported arrays: the structs, and the block that they point to.
//!
//! # Safety
//!
//! Invariant *one block*: what an exported array points to (the list of its buffers, its children) lies in one [`Block`], which every struct of the tree
//! knows by its `private_data`, beside the owners that keep the buffers' memory alive and unwritten. `live` counts the structs that have not been
//! released; whoever releases the last one frees the block. A child that a consumer moved away keeps the block alive, as the specification demands.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicUsize;

use arrow_buffer::Buffer as ArrowBuffer;
use smallvec::SmallVec;

use super::abi::{self, ArrowArray, drop_quietly, release_tree};
use crate::claim::Claim;

/// What keeps a buffer's memory alive.
pub(super) enum Owner {
    Arrow(ArrowBuffer),
    View(Claim),
}

/// One node of the tree, with positions instead of pointers.
pub(super) struct Node {
    pub(super) length: usize,
    pub(super) null_count: usize,
    pub(super) offset: usize,
    /// Its buffers in [`Tree::buffers`].
    pub(super) buffers: Range<usize>,
    /// Its children in [`Tree::nodes`].
    pub(super) children: Range<usize>,
    pub(super) dictionary: Option<usize>,
}

/// An array being exported. Node 0 is the root.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) nodes: SmallVec<[Node; 2]>,
    pub(super) buffers: SmallVec<[*const c_void; 4]>,
    pub(super) owners: SmallVec<[Owner; 2]>,
}

impl Tree {
    /// The block, and the root that points into it. One allocation for up to two levels.
    pub(super) fn into_array(self) -> ArrowArray {
        let count = self.nodes.len();
        let mut block = Box::new(Block {
            live: AtomicUsize::new(count),
            buffers: self.buffers,
            nodes: (1..count).map(|_| ArrowArray::empty()).collect(),
            links: SmallVec::from_elem(ptr::null_mut(), count - 1),
            owners: self.owners,
        });
        let (buffers, nodes, links) = (
            block.buffers.as_mut_ptr(),
            block.nodes.as_mut_ptr(),
            block.links.as_mut_ptr(),
        );
        let block = Box::into_raw(block);
        let fill = |node: &Node| {
            let mut array = ArrowArray::empty();
            array.length = to_i64(node.length);
            array.null_count = to_i64(node.null_count);
            array.offset = to_i64(node.offset);
            array.n_buffers = to_i64(node.buffers.len());
            array.n_children = to_i64(node.children.len());
            array.buffers = buffers.wrapping_add(node.buffers.start);
            if !node.children.is_empty() {
                array.children = links.wrapping_add(node.children.start - 1);
            }
            if let Some(position) = node.dictionary {
                array.dictionary = nodes.wrapping_add(position - 1);
            }
            array.release = Some(release);
            array.private_data = block.cast();
            array
        };
        for (position, node) in self.nodes.iter().enumerate().skip(1) {
            let place = nodes.wrapping_add(position - 1);
            // SAFETY: *one block*: a place for each node but the root, which nobody else knows yet.
            unsafe { place.write(fill(node)) };
            // SAFETY: as above.
            unsafe { links.wrapping_add(position - 1).write(place) };
        }
        fill(&self.nodes[0])
    }
}

/// Lengths of what is in memory fit.
pub(super) fn to_i64(value: usize) -> i64 {
    i64::try_from(value).expect("counts of what is in memory fit in i64")
}

/// What the structs of one exported array point to.
struct Block {
    live: AtomicUsize,
    buffers: SmallVec<[*const c_void; 4]>,
    nodes: SmallVec<[ArrowArray; 1]>,
    links: SmallVec<[*mut ArrowArray; 2]>,
    #[expect(dead_code, reason = "kept to be dropped")]
    owners: SmallVec<[Owner; 2]>,
}

impl abi::Block for Block {
    fn live(&self) -> &AtomicUsize {
        &self.live
    }

    unsafe fn free(block: NonNull<Self>) {
        // SAFETY: *one block*: boxed in `into_array`.
        drop_quietly(unsafe { Box::from_raw(block.as_ptr()) });
    }
}

/// # Safety
///
/// *one block*, and the struct is not released.
unsafe extern "C" fn release(array: *mut ArrowArray) {
    // SAFETY: *one block*.
    unsafe { release_tree::<_, Block>(array) };
}
