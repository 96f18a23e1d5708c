//! One allocation per export, or none where an earlier tensor has left its block; one per owned import, none per borrowed import.
//!
//! # Safety
//!
//! The allocator counts and defers to the system's, whose contract it therefore keeps.
#![cfg(feature = "dlpack")]
#![allow(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use viewbridge::{CopyPolicy, StridedView};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it defers to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(ptr, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.with(Cell::get);
    let result = work();
    (result, ALLOCATIONS.with(Cell::get) - before)
}

/// A thread keeps the block of one tensor that it deleted, for the next.
#[test]
fn a_block_that_came_back_is_used_again() {
    let view = StridedView::from_vec(vec![0_f32; 64]).reshape(&[8, 8]).unwrap();
    let export = || view.to_dlpack(CopyPolicy::Never).unwrap().value;
    let ((a, b), count) = allocations(|| (export(), export()));
    assert_eq!(count, 2, "two at once");
    drop((a, b));
    let ((a, b), count) = allocations(|| (export(), export()));
    assert_eq!(count, 1, "one block was kept");
    // Another thread has none, whichever thread made the tensor that it deletes.
    let counts = std::thread::scope(|scope| {
        let other = scope.spawn(|| allocations(|| drop(a)).1 + allocations(export).1);
        other.join().unwrap()
    });
    assert_eq!(counts, 0, "it keeps the block that it deleted");
    drop(b);
    let legacy = viewbridge::StridedViewMut::from_vec(vec![0_f32; 64]).share();
    let (tensor, count) = allocations(|| legacy.to_dlpack_legacy(CopyPolicy::Never).unwrap());
    assert_eq!(count, 0, "blocks of both structs are alike");
    drop(tensor);
    let deep = view.reshape(&[2, 2, 2, 2, 2, 2, 1]).unwrap();
    let counts = [(); 2].map(|()| allocations(|| drop(deep.to_dlpack(CopyPolicy::Never).unwrap())).1);
    assert!(counts[0] > 0, "large blocks are not kept");
    assert_eq!(counts[0], counts[1]);
}

#[test]
fn exports_allocate_once() {
    for shape in [&[][..], &[64], &[8, 8], &[4, 4, 2, 2], &[2; 6]] {
        // On a thread of its own, which has no block left over.
        std::thread::scope(|scope| scope.spawn(|| export_allocates_once(shape)).join().unwrap());
    }
}

fn export_allocates_once(shape: &[usize]) {
    let view = StridedView::from_vec(vec![0_f32; shape.iter().product()])
        .reshape(shape)
        .unwrap();
    let (tensor, count) = allocations(|| view.to_dlpack(CopyPolicy::Never).unwrap());
    assert_eq!(count, 1, "export of {shape:?}");
    let (borrowed, count) = allocations(|| tensor.value.view().unwrap());
    assert_eq!(count, 0, "borrowed import of {shape:?}");
    drop(borrowed);
    let shared = viewbridge::StridedViewMut::from_vec(vec![0_f32; view.len()]).share();
    let shared = shared.reshape(shape).unwrap();
    let (described, count) = allocations(|| shared.borrow_dlpack().unwrap());
    assert_eq!(count, 0, "borrowed export of {shape:?}");
    drop(described);
    let (owned, count) = allocations(|| tensor.value.into_view().unwrap());
    assert_eq!(count, 1, "owned import of {shape:?}");
    drop(owned);
}
