//! Who may read, who may write, and what is said to those who may not.
#![allow(missing_docs)]
#![allow(
    unsafe_code,
    reason = "memory that others may write, and memory of devices, exist only behind raw pointers"
)]

use std::ptr::NonNull;

use viewbridge::convert::{Alignment, MemoryUse, Part};
use viewbridge::{
    Access, ArrowFault, Buffer, ByteOrder, CopyPolicy, CopyReason, DType, DTypeFault, Device, DlpackFault, Error,
    Index, Kind, Layout, LayoutError, Logical, NpyFault, Order, Overlap, OwnerKind, Refusal, Requirements, StridedView,
    StridedViewMut, TimeUnit,
};

fn contiguous(buffer: Buffer<'static>, dtype: DType, shape: &[usize]) -> StridedView<'static> {
    let layout = Layout::contiguous(shape, &dtype, Order::C).unwrap();
    StridedView::new(buffer, dtype, layout).unwrap()
}

/// Six 32-bit integers, 0 to 5, that somebody else owns.
fn foreign(access: Access) -> StridedView<'static> {
    let owner: Vec<i32> = (0..6).collect();
    let ptr = NonNull::from(owner.as_slice()).cast();
    // SAFETY: the vector keeps the bytes where they are, and nobody writes them.
    let buffer = unsafe { Buffer::from_raw_parts(ptr, 24, access, Device::CPU, OwnerKind::Dlpack, owner) };
    contiguous(buffer, DType::I32, &[2, 3])
}

/// Memory of a device that does not exist, behind an address that nobody may read.
fn on_device() -> StridedView<'static> {
    let device = Device {
        device_type: 4711,
        device_id: 3,
    };
    let nowhere = NonNull::<u64>::dangling().cast();
    // SAFETY: the CPU cannot read the device, so that nothing is claimed of the bytes.
    let buffer = unsafe { Buffer::from_raw_parts(nowhere, 48, Access::Immutable, device, OwnerKind::Foreign, ()) };
    contiguous(buffer, DType::F64, &[2, 3])
}

#[test]
fn references_need_memory_that_nobody_writes() {
    for access in [Access::Shared, Access::ReadOnly] {
        let view = foreign(access);
        let error = view.typed::<i32>().unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotImmutable {
                    owner: OwnerKind::Dlpack
                }
            ),
            "{error}"
        );
        // Values are no references.
        assert_eq!(view.get::<i32>(&[1, 2]).unwrap(), 5);
        assert_eq!(view.to_vec::<i32>().unwrap(), [0, 1, 2, 3, 4, 5]);
    }
    let view = foreign(Access::Immutable);
    assert_eq!(view.typed::<i32>().unwrap().as_slice().unwrap(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_promise_makes_memory_immutable() {
    let view = foreign(Access::Shared);
    // SAFETY: nobody writes the memory of the test.
    let view = unsafe { view.assume_immutable() };
    assert_eq!(view.access(), Access::Immutable);
    assert_eq!(view.typed::<i32>().unwrap().get(&[0, 1]), Some(&1));
}

#[test]
fn rights_only_shrink() {
    let writable = foreign(Access::Shared);
    assert!(writable.access().is_writable());
    for view in [
        writable.transpose(),
        writable.flip(0).unwrap(),
        writable.reshape(&[6]).unwrap(),
        writable.clone(),
    ] {
        assert_eq!(view.access(), Access::Shared);
    }
    let broadcast = writable.broadcast_to(&[2, 2, 3]).unwrap();
    assert_eq!(broadcast.access(), Access::ReadOnly);
    assert_eq!(broadcast.index_axis(0, 0).unwrap().access(), Access::ReadOnly);
    assert_eq!(writable.access(), Access::Shared);
    assert_eq!(
        foreign(Access::Immutable).broadcast_to(&[2, 2, 3]).unwrap().access(),
        Access::Immutable
    );
    assert_eq!(
        foreign(Access::ReadOnly).broadcast_to(&[2, 2, 3]).unwrap().access(),
        Access::ReadOnly
    );
    for access in [Access::Shared, Access::ReadOnly] {
        let (_, error) = foreign(access).into_mut().unwrap_err();
        let named = match access {
            // Not read-only: it can be written, but not by one view alone.
            Access::Shared => matches!(error, Error::NotUnique { .. }),
            _ => matches!(error, Error::ReadOnly { .. }),
        };
        assert!(named, "{error}");
    }
}

#[test]
fn references_need_alignment() {
    let bytes = StridedView::from_vec(vec![0_u8; 33]);
    let off = usize::from(bytes.data_ptr().addr().is_multiple_of(2));
    let start = isize::try_from(off).unwrap();
    let view = bytes
        .slice_axis(0, start..start + 32)
        .unwrap()
        .view_as(DType::F64)
        .unwrap();
    assert!(!view.is_aligned());
    let error = view.typed::<f64>().unwrap_err();
    assert!(matches!(error, Error::Misaligned { required: 8, .. }), "{error}");
    assert_eq!(view.get::<f64>(&[3]).unwrap().to_bits(), 0);
    // Aligned at first, misaligned from the second item on.
    let words = StridedView::from_vec(vec![0_u64; 4]);
    let layout = Layout::strided(&[2], &[12], 0, &DType::F64).unwrap();
    let view = StridedView::new(words.buffer().clone(), DType::F64, layout).unwrap();
    let error = view.typed::<f64>().unwrap_err();
    assert!(matches!(error, Error::Misaligned { found: 12, required: 8 }), "{error}");
    // The stride of a single item is never taken.
    assert!(view.slice_axis(0, ..1).unwrap().typed::<f64>().is_ok());
}

#[test]
fn bools_are_looked_at() {
    let view = StridedView::from_vec(vec![1_u8, 0, 2, 1]).view_as(DType::BOOL).unwrap();
    let error = view.typed::<bool>().unwrap_err();
    assert!(matches!(error, Error::InvalidItem { position: 2, .. }), "{error}");
    let error = view.reshape(&[2, 2]).unwrap().get::<bool>(&[1, 0]).unwrap_err();
    assert!(matches!(error, Error::InvalidItem { position: 2, .. }), "{error}");
    assert!(view.get::<bool>(&[0]).unwrap());
    assert!(matches!(
        view.to_vec::<bool>(),
        Err(Error::InvalidItem { position: 2, .. })
    ));
    // Only the items of the view count.
    let valid = view.slice_axis(0, ..2).unwrap();
    assert_eq!(valid.typed::<bool>().unwrap().as_slice().unwrap(), [true, false]);

    let mut bytes = [1_u8, 7];
    let mut view = StridedViewMut::from_slice(&mut bytes).view_as(DType::BOOL).unwrap();
    assert!(matches!(
        view.typed_mut::<bool>(),
        Err(Error::InvalidItem { position: 1, .. })
    ));
}

#[test]
fn the_other_byte_order_is_read_but_not_referenced() {
    let view = StridedView::from_vec(vec![0x0102_u16, 0x0304])
        .view_as(DType::U16.swapped())
        .unwrap();
    let error = view.typed::<u16>().unwrap_err();
    assert!(matches!(error, Error::DTypeMismatch { .. }), "{error}");
    assert_eq!(view.get::<u16>(&[1]).unwrap(), 0x0403);
    assert_eq!(view.to_vec::<u16>().unwrap(), [0x0201, 0x0403]);
    assert!(matches!(view.get::<i16>(&[1]), Err(Error::DTypeMismatch { .. })));
    assert!(matches!(view.typed::<i16>(), Err(Error::DTypeMismatch { .. })));
    let lanes = StridedView::from_vec(vec![0_u16; 2])
        .view_as(DType::U16.with_lanes(2))
        .unwrap();
    assert!(lanes.typed::<u16>().is_err() && lanes.get::<u16>(&[0]).is_err());
}

#[test]
fn positions_are_checked() {
    let view = StridedView::from_vec((0..6).collect::<Vec<i32>>())
        .reshape(&[2, 3])
        .unwrap();
    let error = |position: &[usize]| match view.get::<i32>(position).unwrap_err() {
        Error::Layout(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(error(&[0]), LayoutError::RankMismatch { expected: 2, found: 1 });
    let beyond = LayoutError::IndexOutOfRange {
        axis: 1,
        index: 3,
        size: 3,
    };
    assert_eq!(error(&[0, 3]), beyond);
    assert!(matches!(
        error(&[usize::MAX, 0]),
        LayoutError::IndexOutOfRange { axis: 0, .. }
    ));
    let typed = view.typed::<i32>().unwrap();
    assert_eq!(
        (typed.get(&[1, 1]), typed.get(&[2, 0]), typed.get(&[0])),
        (Some(&4), None, None)
    );
    assert_eq!(typed.iter().len(), 6);
    let empty = view.slice_axis(0, 2..).unwrap();
    assert!(empty.get::<i32>(&[0, 0]).is_err());
    assert_eq!(empty.typed::<i32>().unwrap().iter().next(), None);
}

#[test]
fn slices_need_row_major_items() {
    let view = StridedView::from_vec((0..6).collect::<Vec<i32>>())
        .reshape(&[2, 3])
        .unwrap();
    let turned = view.transpose();
    let error = turned.typed::<i32>().unwrap().as_slice().unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotContiguous {
                axis: 1,
                stride: 12,
                expected: 4
            }
        ),
        "{error}"
    );
    assert_eq!(
        turned.typed::<i32>().unwrap().iter().copied().collect::<Vec<_>>(),
        [0, 3, 1, 4, 2, 5]
    );
    let mut items = [1_i32, 2, 3];
    let mut view = StridedViewMut::from_slice(&mut items).flip(0).unwrap();
    let mut typed = view.typed_mut::<i32>().unwrap();
    assert!(matches!(typed.as_mut_slice(), Err(Error::NotContiguous { .. })));
    *typed.get_mut(&[0]).unwrap() = 30;
    assert!(typed.get_mut(&[3]).is_none());
    assert_eq!(items, [1, 2, 30]);
}

#[test]
fn exclusive_views_do_not_overlap_themselves() {
    let overlapping = |shape: &[usize], strides: &[isize]| {
        let layout = Layout::strided(shape, strides, 8, &DType::I32).unwrap();
        let buffer = Buffer::from_vec(vec![0_i32; 10]);
        StridedView::new(buffer, DType::I32, layout)
            .unwrap()
            .into_mut()
            .map_err(|(_, e)| e)
    };
    for (shape, strides) in [
        (&[3][..], &[0][..]),
        (&[3], &[2]),
        (&[2, 2], &[4, 4]),
        (&[2, 2], &[4, -6]),
        (&[3, 2], &[4, 8]),
    ] {
        let error = overlapping(shape, strides).unwrap_err();
        assert!(matches!(error, Error::SelfOverlap { .. }), "{error}");
    }
    for (shape, strides) in [
        (&[3][..], &[4][..]),
        (&[3, 1], &[-4, 0]),
        (&[2, 2], &[4, 8]),
        (&[0, 5], &[0, 0]),
        // Neither axis steps over the other: items 0, 2, 4 and 3, 5, 7.
        (&[3, 2], &[8, 12]),
    ] {
        assert!(overlapping(shape, strides).is_ok(), "{shape:?} {strides:?}");
    }
}

#[test]
fn views_lie_inside_of_their_memory() {
    let buffer = Buffer::from_vec(vec![0_i32; 4]);
    let new = |shape: &[usize], strides: &[isize], offset| {
        let layout = Layout::strided(shape, strides, offset, &DType::I32)?;
        StridedView::new(buffer.clone(), DType::I32, layout)
    };
    assert!(new(&[4], &[4], 0).is_ok());
    assert!(new(&[4], &[-4], 12).is_ok());
    assert!(new(&[3], &[6], 0).is_ok());
    for (shape, strides, offset) in [
        (&[4], &[4], 1),
        (&[5], &[4], 0),
        (&[4], &[-4], 11),
        (&[1], &[0], 13),
        (&[2], &[isize::MAX], 0),
    ] {
        let error = new(shape, strides, offset).unwrap_err();
        assert!(
            matches!(error, Error::Layout(LayoutError::OutOfBounds { .. })),
            "{error}"
        );
    }
    // Without items there is nothing to be outside.
    assert!(new(&[0, 9], &[isize::MIN, isize::MAX], usize::MAX).is_ok());
    let other = Layout::contiguous(&[2], &DType::F64, Order::C).unwrap();
    assert!(StridedView::new(buffer.clone(), DType::I32, other).is_err());
    let bits = Layout::contiguous(&[129], &DType::BIT, Order::C).unwrap();
    assert!(StridedView::new(buffer.clone(), DType::BIT, bits.clone()).is_err());
    assert!(StridedView::new(buffer, DType::BIT, bits.slice_axis(0, ..128).unwrap()).is_ok());
}

/// Layouts without items may point anywhere; every operation on them still works and touches nothing.
#[test]
fn views_without_items_point_nowhere_and_harm_nobody() {
    let layout = Layout::strided(&[3, 0], &[isize::MIN, isize::MAX], usize::MAX, &DType::I32).unwrap();
    let view = StridedView::new(Buffer::from_slice::<u8>(&[]), DType::I32, layout).unwrap();
    assert!(view.typed::<i32>().unwrap().as_slice().unwrap().is_empty());
    assert!(view.to_vec::<i32>().unwrap().is_empty());
    assert!(view.index_axis(0, 2).unwrap().to_bytes(Order::F).unwrap().is_empty());
    assert!(view.is_aligned() && view.is_c_contiguous() && view.is_f_contiguous());
    let _ = (view.data_ptr(), view.transpose().data_ptr(), view.nbytes());
    let copy = view.convert(&Requirements::any("a copy"), CopyPolicy::Always).unwrap();
    assert_eq!(copy.report.bytes_copied(), 0);
    let mut target = StridedViewMut::from_vec(Vec::<i32>::new()).reshape(&[3, 0]).unwrap();
    view.copy_into(&mut target).unwrap();
    assert!(
        view.reshape(&[0, 7])
            .unwrap()
            .flip(1)
            .unwrap()
            .broadcast_to(&[2, 0, 7])
            .unwrap()
            .is_empty()
    );
}

/// What a consumer needs of the items, it gets of no items too: without a copy, because there is none to make.
#[test]
fn views_without_items_take_the_type_that_is_needed() {
    let native = Requirements::any("native").native();
    let view = StridedView::from_vec(Vec::<u32>::new())
        .view_as(DType::U32.swapped())
        .unwrap();
    let converted = view.convert(&native, CopyPolicy::Never).unwrap();
    assert!(converted.is_shared() && view.plan(&native).is_shared());
    assert_eq!(converted.value.dtype(), &DType::U32);
    assert!(converted.value.typed::<u32>().is_ok());
}

#[test]
fn memory_is_shared_on_one_device_only() {
    let at_one_address = |device| {
        let nowhere = NonNull::<u64>::dangling().cast();
        // SAFETY: as in `on_device`; the two devices that are asked for do not exist.
        let buffer = unsafe { Buffer::from_raw_parts(nowhere, 48, Access::Immutable, device, OwnerKind::Foreign, ()) };
        contiguous(buffer, DType::F64, &[2, 3])
    };
    let device = on_device().device();
    let (here, again) = (at_one_address(device), at_one_address(device));
    assert!(here.may_share_memory(&again));
    assert_eq!(here.shares_memory(&again, 1), Overlap::Shared);
    // The same address elsewhere is other memory.
    let there = at_one_address(Device { device_id: 4, ..device });
    assert!(!here.may_share_memory(&there));
    assert_eq!(here.shares_memory(&there, 1), Overlap::Disjoint);
}

#[test]
fn devices_are_described_and_not_read() {
    let view = on_device();
    assert_eq!(view.device().to_string(), "device_type_4711:3");
    // Metadata.
    let part = view
        .transpose()
        .index(&[Index::from(1..), Index::NewAxis])
        .unwrap()
        .flip(0)
        .unwrap();
    assert_eq!(part.shape(), [2, 1, 2]);
    assert_eq!(
        view.reshape(&[6]).unwrap().broadcast_to(&[4, 6]).unwrap().shape(),
        [4, 6]
    );
    assert_eq!(view.view_as(DType::U8).unwrap().shape(), [2, 24]);
    assert!(view.is_c_contiguous() && !view.to_string_of_debug().is_empty());
    assert!(view.to_contiguous(Order::C).unwrap().is_shared());
    assert!(view.to_static(CopyPolicy::IfNeeded).unwrap().is_shared());

    // Items.
    let device = |error: Error| {
        matches!(
            error,
            Error::DeviceMemory {
                device_type: 4711,
                device_id: 3
            }
        )
    };
    assert!(device(view.get::<f64>(&[0, 0]).unwrap_err()));
    assert!(device(view.typed::<f64>().unwrap_err()));
    let mut target = [0_f64; 6];
    let mut target = StridedViewMut::from_slice(&mut target).reshape(&[2, 3]).unwrap();
    assert!(device(view.copy_into(&mut target).unwrap_err()));
    let refused = |error: Error| {
        matches!(
            error,
            Error::Refused {
                refusal: Refusal::Device { .. },
                ..
            }
        )
    };
    assert!(refused(view.to_vec::<f64>().unwrap_err()));
    assert!(refused(view.to_bytes(Order::C).unwrap_err()));
    assert!(refused(view.to_contiguous(Order::F).unwrap_err()));
    let reader = Requirements::any("a reader").cpu_readable();
    assert!(view.plan(&reader).refusal().is_some());
    assert!(refused(view.convert(&reader, CopyPolicy::Never).unwrap_err()));
    assert!(refused(
        view.convert(&Requirements::any("a copy"), CopyPolicy::Always)
            .unwrap_err()
    ));
}

trait DebugText {
    fn to_string_of_debug(&self) -> String;
}

impl DebugText for StridedView<'_> {
    fn to_string_of_debug(&self) -> String {
        format!("{self:?}")
    }
}

#[test]
fn consumers_refuse_what_no_copy_mends() {
    let view = StridedView::from_vec(vec![0_i64; 4]);
    let refusal = |view: &StridedView<'_>, wanted: &Requirements| view.plan(wanted).refusal().cloned();
    let floats = Requirements::any("floats").dtypes(|dtype| dtype.kind() == Kind::Float);
    assert_eq!(refusal(&view, &floats), Some(Refusal::DType { found: DType::I64 }));
    let matrices = Requirements::any("matrices").ndim(2, 3);
    assert_eq!(refusal(&view, &matrices), Some(Refusal::RankTooLow { ndim: 1, min: 2 }));
    let deep = view.reshape(&[1, 2, 2, 1]).unwrap();
    assert_eq!(refusal(&deep, &matrices), Some(Refusal::Rank { ndim: 4, max: 3 }));
    let days = Logical::Date { unit: TimeUnit::Day };
    let dates = view.clone().with_logical(days.clone());
    let plain = Requirements::any("plain").storage_only();
    assert_eq!(refusal(&dates, &plain), Some(Refusal::Logical { found: days.clone() }));
    assert_eq!(refusal(&dates.clone().into_storage(), &plain), None);
    // Slices and copies keep the meaning; another type has none.
    let copy = dates.flip(0).unwrap().to_contiguous(Order::C).unwrap();
    assert_eq!(copy.value.logical(), Some(&days));
    assert_eq!(dates.view_as(DType::U64).unwrap().logical(), None);
    // A type that only a copy yields is judged as what it becomes.
    let native = Requirements::any("native").native().dtypes(DType::is_native);
    let swapped = view.view_as(DType::I64.swapped()).unwrap();
    assert_eq!(
        (refusal(&swapped, &native), swapped.plan(&native).bytes_copied()),
        (None, 32)
    );
}

/// Every error says something, with its numbers.
fn says(error: &dyn std::fmt::Display, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is missing: {text}");
    }
    assert!(
        !text.is_empty() && text == text.trim() && !text.ends_with('.'),
        "{text:?}"
    );
}

#[test]
fn layout_errors_speak() {
    use LayoutError as E;
    let (axis, next, stride, factor) = (11, 12, -13, 14);
    says(&E::RankTooHigh { ndim: 65 }, &["65", "64", "squeeze"]);
    says(&E::RankMismatch { expected: 2, found: 3 }, &["2", "3"]);
    says(
        &E::SizeOverflow {
            shape: vec![7, 8],
            itemsize: 9,
        },
        &["[7, 8]", "9"],
    );
    let outside = E::OutOfBounds {
        lowest: -5,
        highest: 17,
        available: 16,
    };
    says(&outside, &["-5", "17", "16", "reduce"]);
    says(&E::AxisOutOfRange { axis, ndim: 3 }, &["11", "3", "from 0"]);
    says(&E::RepeatedAxis { axis }, &["11", "once"]);
    says(
        &E::IndexOutOfRange {
            axis,
            index: -4,
            size: 3,
        },
        &["11", "-4", "3"],
    );
    says(&E::TooManyIndices { given: 4, ndim: 3 }, &["4", "3"]);
    says(&E::SecondEllipsis { position: 2 }, &["2", "at most one"]);
    says(&E::ZeroStep { axis }, &["11"]);
    says(&E::StrideOverflow { axis, stride, factor }, &["11", "-13", "14"]);
    says(&E::NotSizeOne { axis, size: 5 }, &["11", "5"]);
    says(
        &E::ReshapeSize {
            from: 6,
            to: vec![4, 2],
        },
        &["6", "[4, 2]"],
    );
    says(&E::ReshapeUnknown { items: 6, known: 4 }, &["6", "4"]);
    says(&E::SecondUnknown { position: 1 }, &["1"]);
    let blocked = E::ReshapeBlocked {
        axis,
        next,
        stride,
        expected: 15,
    };
    says(&blocked, &["11", "12", "-13", "15", "to_contiguous"]);
    says(
        &E::Broadcast {
            axis,
            size: 3,
            target: 4,
        },
        &["11", "3", "4"],
    );
    says(&E::BroadcastRank { ndim: 3, target: 2 }, &["3", "2", "squeeze"]);
    says(
        &E::ReinterpretStride { stride, expected: 4 },
        &["-13", "4", "to_contiguous"],
    );
    says(
        &E::ReinterpretSize {
            available: 6,
            itemsize: 4,
        },
        &["6", "4"],
    );
    says(&E::PackedItems { bits: 3 }, &["3", "whole bytes"]);
}

#[test]
fn reasons_and_refusals_speak() {
    use CopyReason as R;
    let (axis, stride, owner) = (3, -8, OwnerKind::MappedFile);
    says(&R::Requested, &["requested"]);
    let gap = R::NotContiguous {
        order: Order::F,
        axis,
        stride,
        expected: 16,
    };
    says(&gap, &["F-contiguous", "3", "-8", "16"]);
    says(&R::NegativeStride { axis, stride }, &["3", "-8"]);
    says(&R::ZeroStride { axis }, &["3"]);
    says(
        &R::StrideNotMultiple {
            axis,
            stride,
            itemsize: 7,
        },
        &["3", "-8", "7"],
    );
    says(
        &R::Misaligned {
            offset: 5,
            required: 64,
        },
        &["5", "64"],
    );
    says(&R::ByteOrder { found: ByteOrder::Big }, &["big-endian"]);
    says(&R::Packing { from: 1, to: 8 }, &["1", "8"]);
    says(&R::BitOffset { offset: 5 }, &["5"]);
    let access = Access::ReadOnly;
    says(&R::NotImmutable { access, owner }, &["ReadOnly", "mapped file"]);
    says(&R::ReadOnly { owner }, &["mapped file"]);
    says(&R::Borrowed, &["borrowed"]);
    says(&R::FileRead, &["file"]);
    says(&R::Realigned { required: 8 }, &["8"]);

    says(&Refusal::DType { found: DType::BF16 }, &["bfloat16"]);
    says(
        &Refusal::Logical {
            found: Logical::Interval,
        },
        &["intervals", "into_storage"],
    );
    says(&Refusal::Rank { ndim: 4, max: 3 }, &["4", "3"]);
    says(&Refusal::RankTooLow { ndim: 1, min: 2 }, &["1", "2", "insert"]);
    says(
        &Refusal::Device {
            found: on_device().device(),
        },
        &["4711", "3"],
    );
    says(&Refusal::TooLarge { items: 77, itemsize: 8 }, &["77", "8", "slice"]);
    says(&Refusal::ReadOnly { owner }, &["mapped file", "copy"]);
}

#[test]
fn errors_speak() {
    use Error as E;
    let owner = OwnerKind::Arrow;
    says(&E::Layout(LayoutError::ZeroStep { axis: 9 }), &["9"]);
    let forbidden = E::CopyForbidden {
        consumer: "BLAS",
        bytes: 96,
        reasons: vec![CopyReason::Borrowed, CopyReason::ZeroStride { axis: 2 }],
    };
    says(
        &forbidden,
        &["BLAS", "96", "borrowed", "axis 2", "CopyPolicy::IfNeeded"],
    );
    let refusal = Refusal::Rank { ndim: 4, max: 3 };
    says(
        &E::Refused {
            consumer: "BLAS",
            refusal,
        },
        &["BLAS", "4", "3"],
    );
    let (expected, found) = (DType::F32, DType::I8);
    says(&E::DTypeMismatch { expected, found }, &["float32", "int8"]);
    let (expected, found) = (vec![2, 3], vec![3, 2]);
    says(&E::ShapeMismatch { expected, found }, &["[2, 3]", "[3, 2]", "reshape"]);
    says(
        &E::Misaligned {
            found: 0x1001,
            required: 8,
        },
        &["0x1001", "8", "to_contiguous"],
    );
    let (axis, stride) = (1, 12);
    says(
        &E::NotContiguous {
            axis,
            stride,
            expected: 4,
        },
        &["1", "12", "4", "to_contiguous"],
    );
    says(&E::NotImmutable { owner }, &["Arrow", "assume_immutable"]);
    says(&E::ReadOnly { owner }, &["Arrow", "copy"]);
    says(&E::NotUnique { owner }, &["Arrow", "copy"]);
    says(
        &E::SelfOverlap {
            axis,
            stride,
            expected: 16,
        },
        &["1", "12", "16", "copy"],
    );
    says(
        &E::DeviceMemory {
            device_type: 2,
            device_id: 7,
        },
        &["2", "7", "copy"],
    );
    says(
        &E::InvalidItem {
            position: 5,
            expected: DType::BOOL,
        },
        &["5", "bool", "uint8"],
    );
    says(&E::OutOfMemory { bytes: 99 }, &["99"]);
    says(&E::TooShort { expected: 8, found: 7 }, &["8", "7"]);
    says(&E::Nulls { count: 3 }, &["3"]);
    says(&E::Dlpack(DlpackFault::NullTensor), &["DLPack", "NULL"]);
    says(&E::Arrow(ArrowFault::MetadataSyntax), &["JSON"]);
    says(&E::Npy(NpyFault::Magic), &[".npy"]);
    says(&E::Io(std::io::Error::other("the disk is gone")), &["the disk is gone"]);
}

#[test]
fn faults_of_bridges_speak() {
    use {ArrowFault as A, DlpackFault as D, NpyFault as N};
    says(&D::Version { major: 9, minor: 4 }, &["9.4", "1"]);
    says(&D::Rank { ndim: -3 }, &["-3", "64"]);
    says(&D::NullShape { ndim: 2 }, &["2"]);
    says(&D::NullStrides { ndim: 2 }, &["2", "1.2"]);
    says(&D::NullData { items: 5 }, &["5"]);
    says(&D::Dimension { axis: 1, size: -2 }, &["1", "-2"]);
    says(
        &D::Stride {
            axis: 1,
            stride: i64::MAX,
        },
        &["1", "9223372036854775807"],
    );
    says(&D::ByteOffset { byte_offset: u64::MAX }, &["18446744073709551615"]);
    let (code, bits, lanes) = (99, 7, 2);
    says(&D::DataType { code, bits, lanes }, &["99", "7", "2"]);

    says(&A::UnsupportedType("Utf8View".into()), &["Utf8View"]);
    says(&A::Length { expected: 3, found: 4 }, &["3", "4"]);
    says(&A::MetadataKey { key: "shape" }, &["shape"]);
    says(
        &A::Permutation {
            found: vec![0, 0],
            ndim: 2,
        },
        &["[0, 0]", "2"],
    );
    says(&A::DimNames { found: 1, ndim: 2 }, &["1", "2"]);
    says(
        &A::TensorSize {
            shape: vec![2, 3],
            list_size: 7,
        },
        &["[2, 3]", "7"],
    );
    says(&A::NotRows { axis: 3 }, &["3", "to_arrow"]);
    says(&A::ListSize { items: 1 << 40 }, &["1099511627776", "2147483647"]);
    says(&A::Library("a library's words".into()), &["a library's words"]);

    says(&N::Version { major: 4, minor: 1 }, &["4.1", "3.0"]);
    says(
        &N::HeaderLength {
            claimed: 10,
            available: 9,
        },
        &["10", "9"],
    );
    says(&N::HeaderSyntax { position: 12 }, &["12"]);
    says(&N::HeaderKey { position: 12 }, &["12", "fortran_order"]);
    let fault = DTypeFault::Unknown {
        position: 11,
        name: "<q9".into(),
    };
    says(&N::Descr { fault }, &["<q9", "11"]);
    says(&N::Objects, &["Python"]);
    says(
        &N::Truncated {
            claimed: 10,
            available: 9,
        },
        &["10", "9"],
    );
    says(&N::Unwritable { dtype: DType::BF16 }, &["bfloat16"]);
}

#[test]
fn plans_and_reports_tell_the_same_story() {
    let view = StridedView::from_vec(vec![0_u16; 6])
        .reshape(&[2, 3])
        .unwrap()
        .transpose();
    let wanted = Requirements::any("a printer")
        .contiguous(Order::C)
        .memory(MemoryUse::Read);
    let plan = view.plan(&wanted);
    says(&plan, &["a printer", "copied (12 bytes)", "not C-contiguous"]);
    assert_eq!(plan.consumer(), wanted.consumer());
    let copy = view.convert(&wanted, CopyPolicy::IfNeeded).unwrap();
    says(&copy.report, &["copied 12 bytes", "not C-contiguous"]);
    assert_eq!(copy.report.records()[0].part, Part::Items);
    says(&view.plan(&Requirements::any("a friend")), &["a friend: shared"]);
    let matrices = Requirements::any("a cube").ndim(3, 3);
    says(&view.plan(&matrices), &["a cube: refused", "2 axes"]);
    let aligned = Requirements::any("a disk").alignment(Alignment::Bytes(4096));
    let copy = view.convert(&aligned, CopyPolicy::Always).unwrap();
    assert_eq!(copy.value.data_ptr().addr() % 4096, 0);
    // Steps one after the other keep their records.
    let twice = view
        .to_contiguous(Order::C)
        .unwrap()
        .and_then(|view| view.to_contiguous(Order::F))
        .unwrap();
    assert_eq!((twice.report.records().len(), twice.report.bytes_copied()), (2, 24));
    assert!(
        twice
            .map(|view| view.len())
            .try_map(|len| if len == 6 { Ok(len) } else { Err(len) })
            .is_ok()
    );
}
