//! Free means free: metadata operations on views of up to six axes allocate nothing.
//!
//! # Safety
//!
//! The allocator counts and defers to the system's, whose contract it therefore keeps.
#![allow(missing_docs)]
#![allow(unsafe_code, reason = "a global allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use viewbridge::{Buffer, CopyPolicy, Dim, Index, Layout, Order, Requirements, Slice, StridedView, StridedViewMut, s};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: it is the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, block: Block) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, block) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread during a call.
fn allocations<T>(operation: impl FnOnce() -> T) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    let result = operation();
    let after = ALLOCATIONS.with(Cell::get);
    drop(result);
    after - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| vec![1_u8; 10]), 1);
    assert_eq!(allocations(|| 1 + 1), 0);
}

#[test]
fn metadata_operations_allocate_nothing() {
    let view = StridedView::from_vec(vec![0_f32; 64])
        .reshape(&[2, 2, 2, 2, 2, 2])
        .unwrap();
    let small = view.index(&[Index::At(0), Index::At(0)]).unwrap();
    let pick = [
        Index::At(0),
        Index::Ellipsis,
        Index::Slice(Slice::ALL.step_by(-1)),
        Index::NewAxis,
    ];
    assert_eq!(allocations(|| view.clone()), 0);
    assert_eq!(allocations(|| view.transpose()), 0);
    assert_eq!(allocations(|| view.permute(&[1, 0, 3, 2, 5, 4]).unwrap()), 0);
    assert_eq!(allocations(|| view.index(&pick).unwrap()), 0);
    assert_eq!(allocations(|| view.index_axis(3, 1).unwrap()), 0);
    assert_eq!(allocations(|| view.slice_axis(5, 1..).unwrap()), 0);
    assert_eq!(allocations(|| view.flip(2).unwrap()), 0);
    assert_eq!(allocations(|| view.squeeze()), 0);
    assert_eq!(allocations(|| small.insert_axis(0).unwrap()), 0);
    assert_eq!(
        allocations(|| small.insert_axis(0).unwrap().squeeze_axis(0).unwrap()),
        0
    );
    assert_eq!(allocations(|| small.broadcast_to(&[3, 3, 2, 2, 2, 2]).unwrap()), 0);
    assert_eq!(allocations(|| view.view_as(viewbridge::DType::U16).unwrap()), 0);
    assert_eq!(allocations(|| view.reshape(&[4, 4, 4]).unwrap()), 0);
    assert_eq!(
        allocations(|| view.reshape_with(&[Dim::Rest, Dim::Size(8)], Order::F).is_err()),
        0
    );
    // Even where a copy is needed.
    assert_eq!(allocations(|| view.transpose().reshape(&[64]).is_err()), 0);
    assert_eq!(
        allocations(|| view.transpose().reshape_with(&[Dim::Rest], Order::F).unwrap()),
        0
    );
    assert_eq!(allocations(|| view.as_borrowed().transpose().len()), 0);
    assert_eq!(allocations(|| view.index(&s![1, ..., ::-1, None]).unwrap()), 0);
}

#[test]
fn operations_on_axes_allocate_nothing() {
    let view = StridedView::from_vec(vec![0_f32; 64])
        .reshape(&[2, 2, 2, 2, 2, 2])
        .unwrap();
    let small = view.index(&s![0, 0, 0]).unwrap();
    let ones = small.insert_axes(&[0, 2]).unwrap();
    assert_eq!(allocations(|| view.swap_axes(0, 5).unwrap()), 0);
    assert_eq!(allocations(|| view.move_axis(0, 5).unwrap()), 0);
    assert_eq!(allocations(|| view.move_axes(&[0, 1], &[4, 5]).unwrap()), 0);
    assert_eq!(allocations(|| view.flip_axes(&[0, 3]).unwrap()), 0);
    assert_eq!(allocations(|| view.flip_all().unwrap()), 0);
    assert_eq!(allocations(|| view.rot90(1, (2, 4)).unwrap()), 0);
    assert_eq!(allocations(|| view.diagonal(1, 2, 4).unwrap()), 0);
    assert_eq!(
        allocations(|| small.sliding_windows(&[(0, 2), (1, 1), (2, 2)]).unwrap()),
        0
    );
    assert_eq!(allocations(|| small.insert_axes(&[0, 2, 4]).unwrap()), 0);
    assert_eq!(allocations(|| ones.squeeze_axes(&[0, 2]).unwrap()), 0);
    assert_eq!(allocations(|| small.as_strided(&[2, 2], &[8, 4], 0).unwrap()), 0);
    assert_eq!(
        allocations(|| view.chunks(0, 1).unwrap().map(|piece| piece.len()).sum::<usize>()),
        0
    );
    assert_eq!(
        allocations(|| view.axis_iter(3).unwrap().map(|piece| piece.len()).sum::<usize>()),
        0
    );
}

#[test]
fn borrowing_allocates_nothing() {
    let mut items = [1_u16; 12];
    assert_eq!(allocations(|| StridedView::from_slice(&items).len()), 0);
    assert_eq!(
        allocations(|| StridedViewMut::from_slice(&mut items)
            .reshape(&[3, 4])
            .unwrap()
            .layout()
            .len()),
        0
    );
}

#[test]
fn reading_allocates_nothing() {
    let view = StridedView::from_vec(vec![1_i64; 24]).reshape(&[2, 3, 4]).unwrap();
    let sum = || view.typed::<i64>().unwrap().iter().sum::<i64>() + view.get::<i64>(&[1, 2, 3]).unwrap();
    assert_eq!(allocations(sum), 0);
    assert_eq!(
        allocations(|| view.typed::<i64>().unwrap().as_slice().unwrap().len()),
        0
    );
}

#[test]
fn sharing_allocates_nothing() {
    let view = StridedView::from_vec(vec![1_i64; 24]).reshape(&[2, 3, 4]).unwrap();
    let c = Requirements::any("c")
        .contiguous(Order::C)
        .native()
        .aligned()
        .whole_items();
    assert_eq!(allocations(|| view.plan(&c)), 0);
    assert_eq!(allocations(|| view.convert(&c, CopyPolicy::Never).unwrap()), 0);
    assert_eq!(allocations(|| view.to_static(CopyPolicy::Never).unwrap()), 0);
    assert_eq!(allocations(|| view.to_contiguous(Order::C).unwrap()), 0);
}

/// Whatever is found out about a copy before it is made lies on the stack, up to eight axes.
#[test]
fn planning_a_copy_allocates_nothing() {
    let shape = [2, 3, 2, 3, 2, 3, 2, 3];
    for ndim in 0..=8 {
        let shape = &shape[..ndim];
        let items = StridedView::from_vec(vec![0_i16; shape.iter().product()]);
        let plain = items.reshape(shape).unwrap();
        let halved = shape.iter().map(|&dim| dim / 2 + dim % 2).collect::<Vec<_>>();
        let every_second = (0..ndim).fold(plain.clone(), |view, axis| {
            view.slice_axis(axis, Slice::ALL.step_by(2)).unwrap()
        });
        let one = StridedView::from_vec(vec![0_i16]).reshape(&[]).unwrap();
        let repeated = one.broadcast_to(shape).unwrap();
        let swapped = plain.view_as(viewbridge::DType::I16.swapped()).unwrap();
        for (view, shape) in [
            (&plain, shape),
            (&plain.transpose(), plain.transpose().shape()),
            (&plain.flip_all().unwrap(), shape),
            (&repeated, shape),
            (&every_second, &halved[..]),
            (&swapped, shape),
        ] {
            let items = vec![0_i16; shape.iter().product()];
            let target = StridedViewMut::from_vec(items).reshape(shape).unwrap();
            assert_eq!(allocations(|| view.kernel_into(&target).unwrap()), 0, "{view:?}");
        }
    }
}

/// The report lies where it is returned to, lists of offsets and squares of items on the stack.
#[test]
fn copying_into_a_place_allocates_nothing() {
    let noise = |len: usize| {
        (0_u16..)
            .map(|k| k.wrapping_mul(0x9e37))
            .take(len)
            .collect::<Vec<u16>>()
    };
    let items = |shape: &[usize]| {
        let items = StridedView::from_vec(noise(shape.iter().product()));
        items.reshape(shape).unwrap()
    };
    let every_second = |view: &StridedView<'static>, axis| view.slice_axis(axis, Slice::ALL.step_by(2)).unwrap();
    let bits = Layout::contiguous(&[9, 77], &viewbridge::DType::BIT, Order::C).unwrap();
    let bits = StridedView::new(Buffer::from_vec(vec![0x5a_u8; 99]), viewbridge::DType::BIT, bits).unwrap();
    let bits = bits.slice_axis(1, 3..).unwrap();
    let (matrix, many) = (items(&[64, 96]), items(&[2, 3, 4, 2, 3, 4, 2, 3]));
    let copies = [
        ("a run", matrix.clone()),
        (
            "swapped numbers",
            matrix.view_as(viewbridge::DType::U16.swapped()).unwrap(),
        ),
        (
            "one item over and over",
            items(&[1, 1]).broadcast_to(&[64, 96]).unwrap(),
        ),
        ("rows", matrix.slice_axis(1, 5..).unwrap()),
        ("every second item", every_second(&matrix, 1)),
        ("reversed items", matrix.flip(1).unwrap()),
        ("a transpose", matrix.transpose()),
        (
            "a batch of transposes",
            items(&[5, 30, 40]).permute(&[0, 2, 1]).unwrap(),
        ),
        ("channels", items(&[40, 50, 3]).permute(&[2, 0, 1]).unwrap()),
        ("a list", many.permute(&[7, 2, 5, 0, 3, 6, 1, 4]).unwrap()),
        ("eight axes backwards", many.flip_all().unwrap()),
        ("eight axes turned round", many.transpose()),
        ("bits", bits),
    ];
    for (name, view) in copies {
        let native = view.dtype().clone().into_native();
        let layout = Layout::contiguous(view.shape(), &native, Order::C).unwrap();
        let whole = Buffer::from_vec(vec![0_u8; layout.nbytes()]);
        let mut target = StridedView::new(whole, native, layout).unwrap().into_mut().unwrap();
        let done = allocations(|| view.copy_into(&mut target).unwrap());
        assert_eq!(done, 0, "{name}");
    }
}
