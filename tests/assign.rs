//! Writing: filling, assigning, moving within, splitting. Whatever overlaps, the truth is "copy the source first, then assign".
#![allow(missing_docs)]
#![allow(
    unsafe_code,
    reason = "memory that others may write exists only behind raw pointers, and writing it takes a promise"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use std::ptr::NonNull;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::{
    Access, Buffer, CopyReason, DType, Device, Error, Index, Kind, Layout, LayoutError, Order, Overlap, OwnerKind,
    Slice, StridedView, StridedViewMut,
};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0xa551),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn slice(start: isize, stop: isize, step: isize) -> Index {
    Index::Slice(Slice::new(Some(start), Some(stop), step))
}

fn count(items: i32) -> StridedViewMut<'static> {
    StridedViewMut::from_vec((0..items).collect::<Vec<i32>>())
}

/// Memory that everybody may write: NumPy's.
fn shared(bytes: Vec<u8>) -> Buffer<'static> {
    let len = bytes.len();
    let mut owner = bytes;
    let ptr = NonNull::from(owner.as_mut_slice()).cast();
    // SAFETY: the vector keeps the bytes where they are; the tests have one thread.
    unsafe { Buffer::from_raw_parts(ptr, len, Access::Shared, Device::CPU, OwnerKind::Foreign, owner) }
}

fn all_bytes(buffer: &Buffer<'_>) -> Vec<u8> {
    let layout = Layout::contiguous(&[buffer.len()], &DType::U8, Order::C).unwrap();
    let view = StridedView::new(buffer.clone(), DType::U8, layout).unwrap();
    view.to_vec().unwrap()
}

#[test]
fn numpy_s_wrong_example_comes_out_right() {
    // x = arange(10); x[0:10:2] = x[1:6]: NumPy 2.4.6 says 1, 2, 3, 3, 5.
    let mut x = count(10);
    let even = [slice(0, 10, 2)];
    let report = x.copy_within(&[slice(1, 6, 1)], &even).unwrap();
    assert_eq!(
        x.as_view().index(&even).unwrap().to_vec::<i32>().unwrap(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(report.reasons().collect::<Vec<_>>(), [&CopyReason::Requested]);

    let memory = StridedViewMut::from_vec((0..10).collect::<Vec<i32>>()).share();
    let (to, from) = (memory.index(&even).unwrap(), memory.slice_axis(0, 1..6).unwrap());
    // SAFETY: one thread.
    let report = unsafe { to.assign_shared(&from) }.unwrap();
    assert_eq!(to.to_vec::<i32>().unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(report.bytes_copied(), 20);
}

#[test]
fn a_temporary_is_made_only_where_no_order_will_do_and_reported() {
    let reasons = |from: Index, to: Index| {
        let mut x = count(10);
        let report = x.copy_within(&[from], &[to]).unwrap();
        let reasons: Vec<CopyReason> = report.reasons().cloned().collect();
        (reasons, report.bytes_copied())
    };
    let once = || (vec![CopyReason::Requested], 20);
    assert_eq!(reasons(slice(0, 5, 1), slice(5, 10, 1)), once());
    assert_eq!(reasons(slice(0, 5, 1), slice(1, 6, 1)), once());
    assert_eq!(reasons(slice(2, 7, 1), slice(1, 6, 1)), once());
    assert_eq!(reasons(slice(0, 9, 2), slice(1, 10, 2)), once());
    // Interleaved, in reverse: no byte is in both.
    assert_eq!(
        reasons(Index::Slice(Slice::new(Some(9), None, -2)), slice(0, 10, 2)),
        once()
    );
    assert_eq!(reasons(slice(1, 6, 1), slice(1, 6, 1)), (vec![], 0));
    let twice = (vec![CopyReason::Overlap, CopyReason::Requested], 40);
    assert_eq!(reasons(slice(2, 7, 1), slice(0, 10, 2)), twice);
    assert_eq!(reasons(slice(6, 1, -1), slice(2, 7, 1)), twice);
}

/// Memory that begins at another address, and is in part the same: NumPy's views of one array, each of which says where its own first byte is.
#[test]
fn overlap_is_found_between_memories_of_different_starts() {
    let bytes: Vec<u8> = (0..24).collect();
    let half = Layout::contiguous(&[12], &DType::U8, Order::C).unwrap();
    for (from, to) in (0..12).flat_map(|from| (0..12).map(move |to| (from, to))) {
        let mut bytes = bytes.clone();
        let memory = bytes.as_mut_ptr();
        let part = |start: usize| {
            let ptr = NonNull::new(memory.wrapping_add(start)).unwrap();
            // SAFETY: twelve bytes of the vector, which outlives the part and is used by nobody else meanwhile.
            let part = unsafe { Buffer::from_raw_parts(ptr, 12, Access::Shared, Device::CPU, OwnerKind::Foreign, ()) };
            StridedView::new(part, DType::U8, half.clone()).unwrap()
        };
        for (source, target) in [
            (part(from), part(to)),
            (part(from).flip(0).unwrap(), part(to)),
            (
                part(from).slice_axis(0, ..6).unwrap(),
                part(to).slice_axis(0, Slice::ALL.step_by(2)).unwrap(),
            ),
        ] {
            let wanted = source.to_vec::<u8>().unwrap();
            // SAFETY: one thread.
            unsafe { target.assign_shared(&source) }.unwrap();
            assert_eq!(
                target.to_vec::<u8>().unwrap(),
                wanted,
                "{from} to {to}: {source:?} {target:?}"
            );
        }
    }
}

/// A slice of `len` positions of an axis, in steps of up to `step`, either way.
fn slice_of(size: isize, len: isize, step: isize) -> impl Strategy<Value = Index> {
    (1..=step, 0..size, any::<bool>()).prop_map(move |(step, start, back)| {
        let reach = (len - 1) * step;
        let low = start % (size - reach);
        if back {
            let stop = (low > 0).then(|| low - 1);
            Index::Slice(Slice::new(Some(low + reach), stop, -step))
        } else {
            slice(low, low + reach + 1, step)
        }
    })
}

/// Two slices of one axis, of equal length.
fn slices_of(size: isize) -> impl Strategy<Value = (Index, Index)> {
    (1..=size).prop_flat_map(move |len| {
        let step = (size - 1).checked_div(len - 1).unwrap_or(3).clamp(1, 3);
        (slice_of(size, len, step), slice_of(size, len, step))
    })
}

/// A root and two index expressions whose results have the same shape.
fn parts() -> impl Strategy<Value = (Vec<usize>, Vec<Index>, Vec<Index>, DType, bool)> {
    let dtype = prop_oneof![
        Just(DType::U8),
        Just(DType::raw(3)),
        Just(DType::F64.swapped()),
        Just(DType::BIT),
        Just(DType::new(Kind::Float4E2m1fn, 4)),
    ];
    (prop::collection::vec(1..9_usize, 0..4), dtype, any::<bool>()).prop_flat_map(|(shape, dtype, fortran)| {
        let axes: Vec<_> = shape.iter().map(|&size| slices_of(size.cast_signed())).collect();
        axes.prop_map(move |pairs| {
            let (from, to) = pairs.into_iter().unzip();
            (shape.clone(), from, to, dtype.clone(), fortran)
        })
    })
}

/// Memory in which each byte differs from its neighbours.
fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|k| (k * 151 + k / 7 + 3) as u8).collect()
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn moving_within_equals_copying_first((shape, from, to, dtype, fortran) in parts()) {
        let order = if fortran { Order::F } else { Order::C };
        let layout = Layout::contiguous(&shape, &dtype, order).unwrap();
        let root = || {
            let memory = Buffer::from_vec(noise(layout.byte_span().end));
            StridedView::new(memory, dtype.clone(), layout.clone()).unwrap().into_mut().unwrap()
        };
        let mut expected = root();
        let copy = expected.as_view().index(&from).unwrap().to_owned().unwrap().value;
        copy.copy_into(&mut expected.reborrow().index(&to).unwrap()).unwrap();

        let mut found = root();
        let report = found.copy_within(&from, &to).unwrap();
        prop_assert_eq!(
            all_bytes(found.freeze().buffer()),
            all_bytes(expected.freeze().buffer()),
            "{:?} {:?} {:?} {:?}: {}", &shape, &from, &to, &dtype, report
        );
    }
}

/// Two layouts of one shape over 80 bytes of memory, of any small strides.
fn pair() -> impl Strategy<Value = (Layout, Layout, DType, DType)> {
    let dtypes = prop_oneof![
        Just((DType::I16, DType::I16)),
        Just((DType::I16, DType::I16.swapped())),
        Just((DType::C64.swapped(), DType::C64)),
        Just((DType::U8, DType::U8)),
        Just((DType::BIT, DType::BOOL)),
        Just((DType::raw(3), DType::raw(3))),
    ];
    let axes = prop::collection::vec((1..5_usize, -9..10_isize, -9..10_isize), 0..4);
    (axes, dtypes, 0..40_usize, 0..40_usize).prop_filter_map("in bounds and disjoint", |(axes, dtypes, s, d)| {
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let src: Vec<isize> = axes.iter().map(|axis| axis.1).collect();
        let dst: Vec<isize> = axes.iter().map(|axis| axis.2).collect();
        let src = Layout::strided(&shape, &src, s, &dtypes.0).ok()?;
        let dst = Layout::strided(&shape, &dst, d, &dtypes.1).ok()?;
        (src.check_within(80).is_ok() && dst.check_within(80).is_ok() && dst.overlaps_itself(1000) == Overlap::Disjoint)
            .then_some((src, dst, dtypes.0, dtypes.1))
    })
}

proptest! {
    #![proptest_config(config(6_000))]

    #[test]
    fn assigning_shared_memory_equals_copying_first((src, dst, from, to) in pair()) {
        let views = |memory: &Buffer<'static>| {
            let view = |dtype: &DType, layout: &Layout| {
                StridedView::new(memory.clone(), dtype.clone(), layout.clone()).unwrap()
            };
            (view(&from, &src), view(&to, &dst))
        };
        let (expected, found) = (shared(noise(80)), shared(noise(80)));
        let (source, target) = views(&expected);
        let copy = source.to_owned().unwrap().value;
        // SAFETY: one thread.
        unsafe { target.assign_shared(&copy) }.unwrap();
        let (source, target) = views(&found);
        // SAFETY: one thread.
        let report = unsafe { target.assign_shared(&source) }.unwrap();
        prop_assert_eq!(all_bytes(&found), all_bytes(&expected), "{:?} to {:?}: {}", &src, &dst, report);
    }
}

#[test]
fn shared_memory_is_written_only_where_that_is_allowed() {
    let source = StridedView::from_slice(&[1_u8, 2, 3]);
    let frozen = StridedView::from_vec(vec![0_u8; 3]);
    // SAFETY: one thread.
    let error = unsafe { frozen.assign_shared(&source) }.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { owner: OwnerKind::Heap }), "{error}");

    let memory = shared(vec![0; 8]);
    let windows = Layout::strided(&[3, 3], &[1, 1], 0, &DType::U8).unwrap();
    let windows = StridedView::new(memory.clone(), DType::U8, windows).unwrap();
    // SAFETY: one thread.
    let error = unsafe { windows.assign_shared(&source) }.unwrap_err();
    assert!(matches!(error, Error::SelfOverlap { .. }), "{error}");

    let view = StridedView::new(
        memory,
        DType::U8,
        Layout::contiguous(&[8], &DType::U8, Order::C).unwrap(),
    )
    .unwrap();
    // SAFETY: one thread.
    let error = unsafe { view.broadcast_to(&[8]).unwrap().assign_shared(&source) }.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    // SAFETY: one thread.
    let error = unsafe { view.assign_shared(&source) }.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Layout(LayoutError::Broadcast {
                axis: 0,
                size: 3,
                target: 8
            })
        ),
        "{error}"
    );
}

#[test]
fn assignment_broadcasts_as_numpy_does() {
    let mut a = count(6).reshape(&[2, 3]).unwrap();
    let column = StridedView::from_vec(vec![8, 9]).reshape(&[2, 1]).unwrap();
    a.assign(&column).unwrap();
    assert_eq!(a.as_view().to_vec::<i32>().unwrap(), [8, 8, 8, 9, 9, 9]);
    // Leading axes of size 1 drop out.
    a.assign(&StridedView::from_vec(vec![1, 2, 3]).reshape(&[1, 1, 1, 3]).unwrap())
        .unwrap();
    assert_eq!(a.as_view().to_vec::<i32>().unwrap(), [1, 2, 3, 1, 2, 3]);
    let wide = StridedView::from_vec(vec![0; 12]).reshape(&[2, 2, 3]).unwrap();
    let error = a.assign(&wide).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::BroadcastRank { ndim: 3, target: 2 })),
        "{error}"
    );
    let error = a.assign(&StridedView::from_slice(&[1.0_f32])).unwrap_err();
    assert!(matches!(error, Error::DTypeMismatch { .. }), "{error}");
}

#[test]
fn bytes_and_bits_convert_on_the_way() {
    let mut bits = StridedView::new(
        Buffer::from_vec(vec![0_u8; 2]),
        DType::BIT,
        Layout::contiguous(&[2, 5], &DType::BIT, Order::C).unwrap(),
    )
    .unwrap()
    .into_mut()
    .unwrap();
    bits.assign(&StridedView::from_slice(&[true, false, true, true, false]))
        .unwrap();
    bits.set(&[1, 4], true).unwrap();
    bits.set(&[0, 0], false).unwrap();
    let expected = [false, false, true, true, false, true, false, true, true, true];
    assert_eq!(bits.as_view().to_vec::<bool>().unwrap(), expected);
    assert!(bits.get::<bool>(&[1, 4]).unwrap());
    bits.fill(true).unwrap();
    assert_eq!(all_bytes(bits.freeze().buffer()), [0xff, 0x03]); // and no bit beyond
}

#[test]
fn filling_reaches_every_item_and_nothing_else() {
    for (rows, columns, step) in [
        (3, 5, 1),
        (3, 2000, 1),
        (2, 90, 2),
        (1, 10_000, 1),
        (0, 4, 1),
        (7, 1, 1),
    ] {
        let guard = rows * columns * step + 16;
        let mut items = vec![7_u16; guard];
        let memory = StridedViewMut::from_slice(&mut items).slice_axis(0, 8..).unwrap();
        let inside = memory.slice_axis(0, ..(rows * columns * step) as isize).unwrap();
        let matrix = inside.reshape(&[rows, columns * step]).unwrap();
        let mut view = matrix
            .slice_axis(1, Slice::ALL.step_by(step as isize))
            .unwrap()
            .flip(0)
            .unwrap();
        view.fill(0x1234_u16).unwrap();
        let expected = |k: usize| {
            let inside = k
                .checked_sub(8)
                .is_some_and(|k| k < rows * columns * step && k % step == 0);
            if inside { 0x1234 } else { 7 }
        };
        assert!(
            items.iter().enumerate().all(|(k, &item)| item == expected(k)),
            "{rows} {columns} {step}"
        );
    }
}

#[test]
fn filling_takes_items_that_rust_has_no_word_for() {
    let nibble = DType::new(Kind::Float4E2m1fn, 4);
    let layout = Layout::contiguous(&[3], &nibble, Order::C).unwrap();
    let view = StridedView::new(Buffer::from_vec(vec![0xaa_u8; 2]), nibble, layout).unwrap();
    let mut view = view.into_mut().unwrap();
    view.fill_bytes(&[0x05]).unwrap();
    assert_eq!(all_bytes(view.freeze().buffer()), [0x55, 0xa5]);

    let mut flags = [true; 3];
    let mut view = StridedViewMut::from_slice(&mut flags);
    assert!(matches!(view.fill_bytes(&[2]), Err(Error::InvalidItem { .. })));
    view.fill_bytes(&[0]).unwrap();
    let error = view.fill_bytes(&[0, 0]).unwrap_err();
    let expected = LayoutError::ReinterpretSize {
        available: 2,
        itemsize: 1,
    };
    assert!(matches!(error, Error::Layout(e) if e == expected));
    assert!(matches!(view.fill(1_u8), Err(Error::DTypeMismatch { .. })));
    assert_eq!(flags, [false; 3]);
}

#[test]
fn items_are_set_in_the_byte_order_of_the_view() {
    let mut view = StridedViewMut::from_vec(vec![0_u8; 9]).slice_axis(0, 1..).unwrap();
    let swapped = DType::U32.swapped();
    let mut words = view.reborrow().view_as(swapped).unwrap();
    words.set(&[1], 0x0102_0304_u32).unwrap();
    assert_eq!(words.get::<u32>(&[1]).unwrap(), 0x0102_0304);
    assert!(matches!(
        words.set(&[2], 0_u32),
        Err(Error::Layout(LayoutError::IndexOutOfRange {
            axis: 0,
            index: 2,
            size: 2
        }))
    ));
    assert!(matches!(
        words.set(&[0, 0], 0_u32),
        Err(Error::Layout(LayoutError::RankMismatch { expected: 1, found: 2 }))
    ));
    assert!(matches!(words.set(&[0], 0_i32), Err(Error::DTypeMismatch { .. })));
    assert_eq!(view.as_view().to_vec::<u8>().unwrap(), [0, 0, 0, 0, 1, 2, 3, 4]);
}

#[test]
fn mutable_iteration_sees_every_item_once_in_row_major_order() {
    let mut view = count(12).reshape(&[3, 4]).unwrap().transpose().flip(1).unwrap();
    let mut typed = view.typed_mut::<i32>().unwrap();
    assert_eq!(
        typed.iter().copied().collect::<Vec<_>>(),
        [8, 4, 0, 9, 5, 1, 10, 6, 2, 11, 7, 3]
    );
    assert_eq!(typed.iter_mut().len(), 12);
    // All at once: the borrow checker takes our word that they are disjoint.
    let items: Vec<&mut i32> = typed.iter_mut().collect();
    for (k, item) in items.into_iter().enumerate() {
        *item = k as i32;
    }
    assert_eq!(typed.get(&[3, 2]), Some(&11));
    assert_eq!(view.as_view().to_vec::<i32>().unwrap(), (0..12).collect::<Vec<_>>());
}

#[test]
fn parts_are_disjoint_whatever_the_axis() {
    for axis in 0..2 {
        let mut view = count(12).reshape(&[3, 4]).unwrap();
        let size = view.shape()[axis];
        for middle in 0..=size {
            let (mut left, mut right) = view.reborrow().split_at(axis, middle).unwrap();
            assert_eq!((left.shape()[axis], right.shape()[axis]), (middle, size - middle));
            thread::scope(|scope| {
                scope.spawn(|| left.fill(1).unwrap());
                scope.spawn(|| right.fill(2).unwrap());
            });
            let sum: i32 = view.as_view().to_vec::<i32>().unwrap().iter().sum();
            assert_eq!(sum as usize, 12 / size * (middle + 2 * (size - middle)));
        }
        assert!(matches!(
            view.reborrow().split_at(axis, size + 1),
            Err(Error::Layout(LayoutError::IndexOutOfRange { .. }))
        ));
        let mut lens: Vec<usize> = view
            .reborrow()
            .chunks(axis, 2)
            .unwrap()
            .map(|part| part.shape()[axis])
            .collect();
        assert_eq!(lens.iter().sum::<usize>(), size);
        assert_eq!(lens.remove(0), 2);
        for (k, mut part) in view.reborrow().axis_iter(axis).unwrap().enumerate() {
            part.fill(k as i32).unwrap();
        }
        let last = view.as_view().index_axis(axis, -1).unwrap().to_vec::<i32>().unwrap();
        assert!(last.iter().all(|&item| item as usize == size - 1));
    }
    let view = count(4);
    assert!(matches!(
        view.chunks(0, 0),
        Err(Error::Layout(LayoutError::ZeroStep { axis: 0 }))
    ));
    let error = count(4).axis_iter(1).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::AxisOutOfRange { axis: 1, ndim: 1 })),
        "{error}"
    );
}

#[test]
fn a_part_shows_its_own_items_and_no_memory_between_them() {
    let (left, right) = count(6).reshape(&[2, 3]).unwrap().split_at(1, 1).unwrap();
    let left = left.freeze();
    let whole = Layout::contiguous(&[6], &DType::I32, Order::C).unwrap();
    let error = StridedView::new(left.buffer().clone(), DType::I32, whole.clone()).unwrap_err();
    assert!(matches!(error, Error::Confined { owner: OwnerKind::Heap }), "{error}");
    let reborrowed = right.as_view();
    let error = StridedView::new(reborrowed.buffer().clone(), DType::I32, whole.clone()).unwrap_err();
    assert!(matches!(error, Error::Confined { .. }), "{error}");
    let error = left.as_strided(&[6], &[4], 0).unwrap_err();
    assert!(matches!(error, Error::Confined { .. }), "{error}");
    // The items themselves are as good as any.
    assert_eq!(left.typed::<i32>().unwrap().iter().copied().collect::<Vec<_>>(), [0, 3]);
    // The last part has the memory for itself again.
    let (left, error) = left.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }), "{error}");
    drop(right);
    let left = left.into_mut().unwrap().freeze();
    assert!(StridedView::new(left.buffer().clone(), DType::I32, whole).is_ok());
}

#[test]
fn bits_are_split_at_whole_bytes_only() {
    let bits = |shape: &[usize]| {
        let layout = Layout::contiguous(shape, &DType::BIT, Order::C).unwrap();
        let view = StridedView::new(Buffer::from_vec(vec![0_u8; 8]), DType::BIT, layout).unwrap();
        view.into_mut().unwrap()
    };
    assert!(bits(&[20]).split_at(0, 8).is_ok());
    let error = bits(&[20]).split_at(0, 9).unwrap_err();
    assert!(matches!(error, Error::SplitsByte { axis: 0, position: 9 }), "{error}");
    assert!(bits(&[2, 20]).split_at(1, 8).is_err()); // interleaved
    assert!(bits(&[3, 16]).axis_iter(0).is_ok());
    assert!(bits(&[3, 12]).axis_iter(0).is_err());
    assert!(bits(&[2, 16]).axis_iter(1).is_err());
    assert!(bits(&[60]).chunks(0, 16).is_ok());
    assert!(bits(&[60]).flip(0).unwrap().chunks(0, 16).is_err()); // begins within a byte
    assert!(bits(&[3]).chunks(0, 4).is_ok()); // one part
}

#[test]
fn what_overlaps_itself_is_never_written() {
    let windows = Layout::strided(&[3, 3], &[4, 4], 0, &DType::I32).unwrap();
    let view = StridedView::new(Buffer::from_vec(vec![0_i32; 5]), DType::I32, windows).unwrap();
    let (_, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::SelfOverlap { .. }), "{error}");
}

#[test]
fn writing_is_regained_when_the_last_view_is() {
    let view = count(6).freeze();
    let other = view.slice_axis(0, 1..3).unwrap();
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { owner: OwnerKind::Heap }), "{error}");
    drop(other);
    let mut view = view.into_mut().unwrap();
    view.set(&[0], 9).unwrap();
    // Read-only is for good: what was broadcast is no more writable than what was lent.
    let view = view.freeze().broadcast_to(&[2, 6]).unwrap();
    assert!(view.index_axis(0, 0).unwrap().access() == Access::Immutable);
    let (_, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::SelfOverlap { .. }), "{error}");
}

#[cfg(feature = "arrow")]
#[test]
fn writing_is_regained_when_an_arrow_array_is_gone() {
    use viewbridge::CopyPolicy;

    let view = count(4).freeze();
    let array = view.to_arrow(CopyPolicy::Never).unwrap().value;
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }), "{error}");
    drop(array);
    assert!(view.into_mut().is_ok());
}

#[cfg(feature = "dlpack")]
#[test]
fn writing_is_regained_when_a_tensor_is_gone_and_not_on_its_other_side() {
    use viewbridge::CopyPolicy;

    let view = count(4).freeze();
    let tensor = view.to_dlpack(CopyPolicy::Never).unwrap().value;
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }), "{error}");
    let other_side = tensor.into_view().unwrap();
    assert_eq!(other_side.data_ptr(), view.data_ptr());
    let (other_side, error) = other_side.into_mut().unwrap_err();
    assert!(
        matches!(error, Error::ReadOnly { .. } | Error::NotUnique { .. }),
        "{error}"
    );
    drop(other_side);
    assert!(view.into_mut().is_ok());
}
