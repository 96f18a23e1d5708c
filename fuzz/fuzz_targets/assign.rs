//! Writing where source and destination may be the same: the truth is "copy the source first, then assign". Gathers against one position at a time,
//! fills and parts against loops, and text that never panics.
#![no_main]
#![allow(
    unsafe_code,
    reason = "memory that others may write exists only behind raw pointers, and writing it takes a promise"
)]

use std::ptr::NonNull;

use libfuzzer_sys::fuzz_target;
use viewbridge::{
    Access, Buffer, DType, Device, Error, Layout, Order, Overlap, OwnerKind, StridedView, StridedViewMut,
};
use viewbridge_fuzz::{Choices, contiguous};

/// Bytes behind what is written.
const GUARD: usize = 9;

/// Rounds of the exact overlap test: more than small layouts need.
const PLENTY: usize = 100_000;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    for _ in 0..4 {
        match choices.below(5) {
            0 | 1 => shared(&mut choices),
            2 => within(&mut choices),
            3 => gather(&mut choices),
            _ => parts(&mut choices),
        }
    }
});

fn noise(len: usize, seed: usize) -> Vec<u8> {
    (0..len + GUARD)
        .map(|k| (k * 151 + k / 7 + seed).to_le_bytes()[0])
        .collect()
}

/// All bytes of memory.
fn all_bytes(buffer: &Buffer<'_>) -> Vec<u8> {
    let layout = contiguous(&[buffer.len()], &DType::U8, Order::C);
    let view = StridedView::new(buffer.clone(), DType::U8, layout).expect("all its bytes");
    view.to_vec().expect("bytes")
}

/// Memory that everybody may write.
fn writable(bytes: &[u8]) -> Buffer<'static> {
    let (len, mut owner) = (bytes.len(), bytes.to_vec());
    let ptr = NonNull::from(owner.as_mut_slice()).cast();
    // SAFETY: the vector keeps the bytes where they are, and the fuzzer has one thread.
    unsafe { Buffer::from_raw_parts(ptr, len, Access::Shared, Device::CPU, OwnerKind::Foreign, owner) }
}

/// The type itself, or one that copies convert from or to it.
fn relative(choices: &mut Choices<'_>, dtype: &DType) -> DType {
    match choices.below(5) {
        0 => dtype.clone().swapped(),
        1 if *dtype == DType::BOOL => DType::BIT,
        1 if *dtype == DType::BIT => DType::BOOL,
        2 => dtype.clone().padded(),
        _ => dtype.clone(),
    }
}

/// A layout of a given shape with small strides.
fn like(choices: &mut Choices<'_>, shape: &[usize], dtype: &DType) -> Layout {
    let (itemsize, unit) = (
        contiguous(&[], dtype, Order::C).itemsize().cast_signed(),
        choices.coin(),
    );
    let scale = if unit { itemsize } else { 1 };
    let strides: Vec<isize> = shape.iter().map(|_| choices.between(-12, 12) * scale).collect();
    let below = |(dim, stride): (&usize, &isize)| dim.saturating_sub(1) * stride.min(&0).unsigned_abs();
    let below: usize = shape.iter().zip(&strides).map(below).sum();
    Layout::strided(shape, &strides, below + choices.below(12), dtype).expect("small numbers")
}

/// One view of shared memory assigned to another.
fn shared(choices: &mut Choices<'_>) {
    let from = choices.dtype();
    let to = relative(choices, &from);
    let source = choices.small_layout(&from);
    let target = like(choices, source.shape(), &to);
    if target.overlaps_itself(PLENTY) != Overlap::Disjoint {
        return;
    }
    let before = noise(source.byte_span().end.max(target.byte_span().end), choices.below(256));
    let views = |memory: &Buffer<'static>| {
        let view = |dtype: &DType, layout: &Layout| StridedView::new(memory.clone(), dtype.clone(), layout.clone());
        (
            view(&from, &source).expect("inside"),
            view(&to, &target).expect("inside"),
        )
    };
    let (expected, found) = (writable(&before), writable(&before));
    let (src, dst) = views(&expected);
    let copy = src.to_owned().expect("few items").value;
    // SAFETY: one thread.
    let wanted = unsafe { dst.assign_shared(&copy) };
    let (src, dst) = views(&found);
    // SAFETY: one thread.
    let done = unsafe { dst.assign_shared(&src) };
    assert_eq!(wanted.is_ok(), done.is_ok(), "{wanted:?} {done:?}");
    assert_eq!(
        all_bytes(&found),
        all_bytes(&expected),
        "{from} {source:?} to {to} {target:?}: {done:?}"
    );
}

/// A view that may be written, of bytes known beforehand.
fn exclusive(choices: &mut Choices<'_>) -> Option<(StridedViewMut<'static>, Layout)> {
    let dtype = choices.dtype();
    let layout = choices.small_layout(&dtype);
    if layout.overlaps_itself(PLENTY) != Overlap::Disjoint {
        return None;
    }
    let memory = Buffer::from_vec(noise(layout.byte_span().end, choices.below(256)));
    let view = StridedView::new(memory, dtype, layout.clone()).expect("inside");
    Some((view.into_mut().expect("the only view"), layout))
}

/// The same, twice.
fn twins(choices: &mut Choices<'_>) -> Option<(StridedViewMut<'static>, StridedViewMut<'static>)> {
    let (first, layout) = exclusive(choices)?;
    let (bytes, dtype) = (all_bytes(first.as_view().buffer()), first.dtype().clone());
    let second = StridedView::new(Buffer::from_vec(bytes), dtype, layout).expect("inside");
    Some((first, second.into_mut().expect("the only view")))
}

/// One part of an exclusive view assigned to another.
fn within(choices: &mut Choices<'_>) {
    let Some((mut found, mut expected)) = twins(choices) else {
        return;
    };
    let from = choices.several(4, |c| c.index(|c| c.between(-6, 6)));
    let to = choices.several(4, |c| c.index(|c| c.between(-6, 6)));
    let done = found.copy_within(&from, &to);
    let copy_first = || -> Result<(), Error> {
        let copy = expected.as_view().index(&from)?.to_owned()?.value;
        expected.reborrow().index(&to)?.assign(&copy)?;
        Ok(())
    };
    let wanted = { copy_first }();
    match (&done, &wanted) {
        (Ok(_), Ok(())) => {}
        // Of the same type there is nothing to convert, and so no item to look at.
        (Ok(_), Err(Error::InvalidItem { .. })) => return,
        _ => assert!(done.is_err() && wanted.is_err(), "{done:?} {wanted:?}"),
    }
    let (found, expected) = (
        all_bytes(found.as_view().buffer()),
        all_bytes(expected.as_view().buffer()),
    );
    assert_eq!(found, expected, "{from:?} to {to:?}: {done:?}");
}

/// Positions of an axis, taken and put back; and the view as text.
fn gather(choices: &mut Choices<'_>) {
    let dtype = choices.dtype();
    let layout = choices.small_layout(&dtype);
    let memory = Buffer::from_vec(noise(layout.byte_span().end, choices.below(256)));
    let view = StridedView::new(memory, dtype, layout).expect("inside");
    let text = view.to_string();
    assert!(text.lines().count() > 1 && !view.info().to_string().is_empty());
    if view.ndim() == 0 {
        return;
    }
    let axis = choices.below(view.ndim());
    let size = view.shape()[axis].cast_signed();
    let positions = choices.several(6, |c| c.between(-size - 1, size));
    match view.take_axis(axis, &positions) {
        Ok(taken) => {
            assert_eq!(taken.report.bytes_copied(), taken.value.nbytes());
            for (k, &position) in (0..).zip(&positions) {
                let found = taken.value.index_axis(axis, k).expect("as many");
                let expected = view.index_axis(axis, position).expect("a position");
                let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).expect("few items");
                assert_eq!(bytes(&found), bytes(&expected), "{view:?} {axis} {positions:?}");
            }
        }
        Err(error) => {
            let beyond = |&position: &isize| !(-size..size).contains(&position);
            assert!(positions.iter().any(beyond), "{error}");
        }
    }
}

/// Parts of an exclusive view, each filled with its number: together they are the whole.
fn parts(choices: &mut Choices<'_>) {
    let Some((mut view, _)) = exclusive(choices) else {
        return;
    };
    let (itemsize, ndim) = (view.dtype().itemsize(), view.shape().len());
    if ndim == 0 || view.dtype().kind() == DType::BOOL.kind() {
        return;
    }
    let axis = choices.below(ndim);
    let size = view.shape()[axis];
    let step = 1 + choices.below(3);
    let before = all_bytes(view.as_view().buffer());
    let parts = match view.reborrow().chunks(axis, step) {
        Ok(parts) => parts,
        Err(Error::SplitsByte { .. }) => return assert!(view.dtype().is_packed()),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(parts.len(), size.div_ceil(step));
    for (number, mut part) in (1_u8..).zip(parts) {
        part.fill_bytes(&vec![number; itemsize]).expect("an item");
    }
    for position in 0..size {
        let number = u8::try_from(position / step + 1).expect("few parts");
        let part = view
            .as_view()
            .index_axis(axis, position.cast_signed())
            .expect("a position");
        let whole = part.dtype().item_bits().is_multiple_of(8);
        let bytes = part.to_bytes(Order::C).expect("few items");
        assert!(
            !whole || bytes.iter().all(|&byte| byte == number),
            "{view:?} {axis} {step}"
        );
    }
    let after = all_bytes(view.as_view().buffer());
    let end = before.len() - GUARD;
    assert_eq!(after[end..], before[end..]);
}
