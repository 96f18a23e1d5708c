//! DLPack out and in: values, sharing, reports, ownership, and tensors that lie.
//!
//! # Safety
//!
//! The other side of the C interface is played here: structs are boxed, outlive their use, and are consumed once. Where they lie, the checks must
//! find out before anything is read; no lie is told that the contract of `from_raw` excludes.
#![cfg(feature = "dlpack")]
#![allow(unsafe_code, reason = "the other side of a C interface is played here")]

mod foreign;

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion};
use foreign::Producer;
use proptest::prelude::*;
use viewbridge::dlpack::{LEGACY, LegacyTensor, ProducerCopy, VERSIONED, VersionedTensor};
use viewbridge::{
    Access, Buffer, CopyPolicy, CopyReason, DType, Device, DlpackFault, Error, Kind, Layout, LayoutError, Logical,
    Order, OwnerKind, Refusal, Slice, StridedView, StridedViewMut, TimeUnit,
};

fn import(tensor: *mut DLManagedTensorVersioned) -> viewbridge::Result<StridedView<'static>> {
    // SAFETY: a live tensor of this test; where it lies, the checks must find out before anything is read.
    unsafe { VersionedTensor::from_raw(tensor) }?.into_view()
}

fn import_legacy(tensor: *mut DLManagedTensor) -> viewbridge::Result<StridedView<'static>> {
    // SAFETY: as above.
    unsafe { LegacyTensor::from_raw(tensor) }?.into_view()
}

fn arange(shape: &[usize]) -> StridedView<'static> {
    let items: i32 = shape.iter().product::<usize>().try_into().unwrap();
    StridedView::from_vec((0..items).collect()).reshape(shape).unwrap()
}

#[test]
fn a_foreign_tensor_becomes_a_view_and_is_deleted_once() {
    let producer = Producer::new(&[2, 3], &[3, 1]);
    let (deleted, data) = (Arc::clone(&producer.deleted), producer.data.as_ptr());
    let view = import(producer.versioned(|t| t.dl_tensor.byte_offset = 16)).unwrap();
    assert_eq!(view.data_ptr(), data.wrapping_add(2).cast());
    assert_eq!(view.to_vec::<i64>().unwrap(), [2, 3, 4, 5, 6, 7]);
    assert_eq!((view.owner_kind(), view.access()), (OwnerKind::Dlpack, Access::Shared));
    let slice = view.index_axis(0, 1).unwrap();
    drop(view);
    assert_eq!(deleted.load(Ordering::SeqCst), 0);
    std::thread::spawn(move || drop(slice)).join().unwrap();
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}

#[test]
fn a_handle_deletes_once_without_a_view() {
    let producer = Producer::new(&[2], &[1]);
    let deleted = Arc::clone(&producer.deleted);
    // SAFETY: a live tensor of this test.
    let tensor = unsafe { VersionedTensor::from_raw(producer.versioned(|_| {})) }.unwrap();
    assert_eq!(tensor.view().unwrap().to_vec::<i64>().unwrap(), [0, 1]);
    assert_eq!(tensor.version(), Some((1, 3)));
    drop(tensor);
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}

#[test]
fn a_missing_deleter_leaves_ownership_with_the_producer() {
    let mut producer = Producer::new(&[2], &[1]);
    let mut managed = DLManagedTensor {
        dl_tensor: producer.tensor(),
        manager_ctx: ptr::null_mut(),
        deleter: None,
    };
    let view = import_legacy(&raw mut managed).unwrap();
    assert_eq!(view.to_vec::<i64>().unwrap(), [0, 1]);
}

#[test]
fn flags_come_in() {
    let import = |flags: u64| {
        // SAFETY: a live tensor of this test.
        unsafe { VersionedTensor::from_raw(Producer::new(&[2], &[1]).versioned(|t| t.flags = flags)) }.unwrap()
    };
    let access = |flags| import(flags).into_view().unwrap().access();
    assert_eq!(
        (access(0), access(1), access(1 << 40)),
        (Access::Shared, Access::ReadOnly, Access::Shared)
    );
    assert_eq!(import(2).producer_copy(), ProducerCopy::Copied);
    assert_eq!(import(1).producer_copy(), ProducerCopy::Unknown);
}

#[test]
fn null_strides_are_compact_where_the_version_allows() {
    let compact = |major, minor| {
        import(Producer::new(&[2, 3], &[]).versioned(|t| {
            t.version = DLPackVersion { major, minor };
            t.dl_tensor.strides = ptr::null_mut();
        }))
    };
    assert_eq!(compact(1, 1).unwrap().strides(), [24, 8]);
    assert!(matches!(
        compact(1, 2),
        Err(Error::Dlpack(DlpackFault::NullStrides { ndim: 2 }))
    ));
    assert!(matches!(
        compact(1, 9),
        Err(Error::Dlpack(DlpackFault::NullStrides { ndim: 2 }))
    ));
    let legacy = Producer::new(&[2, 3], &[]).legacy(|t| t.dl_tensor.strides = ptr::null_mut());
    assert_eq!(import_legacy(legacy).unwrap().strides(), [24, 8]);
}

#[test]
fn scalars_need_neither_shape_nor_strides() {
    let view = import(Producer::new(&[], &[]).versioned(|t| {
        t.dl_tensor.shape = ptr::null_mut();
        t.dl_tensor.strides = ptr::null_mut();
    }))
    .unwrap();
    assert_eq!((view.ndim(), view.get::<i64>(&[]).unwrap()), (0, 0));
}

#[test]
fn empty_tensors_need_no_data_and_their_strides_mean_nothing() {
    let view = import(Producer::new(&[3, 0], &[i64::MAX, i64::MIN]).versioned(|t| t.dl_tensor.data = ptr::null_mut()));
    assert_eq!(view.unwrap().shape(), [3, 0]);
}

#[test]
fn strides_of_single_items_mean_nothing() {
    let view = import(Producer::new(&[1, 3], &[i64::MIN, 1]).versioned(|_| {})).unwrap();
    assert!(view.is_c_contiguous());
    assert_eq!(view.to_vec::<i64>().unwrap(), [0, 1, 2]);
}

#[test]
fn negative_and_zero_strides_come_in() {
    let producer = Producer::new(&[2, 3, 2], &[0, -2, 1]);
    let view = import(producer.versioned(|t| t.dl_tensor.byte_offset = 32)).unwrap();
    assert_eq!(view.to_vec::<i64>().unwrap(), [4, 5, 2, 3, 0, 1, 4, 5, 2, 3, 0, 1]);
    assert_eq!(view.layout().byte_span(), 0..48);
}

/// Every field at its limits. Each case must end in the named error, with the deleter run once and nothing dereferenced.
#[test]
fn tensors_that_lie_are_refused() {
    type Edit = fn(&mut DLManagedTensorVersioned);
    type Expected = fn(&Error) -> bool;
    type Case = (&'static str, &'static [i64], &'static [i64], Edit, Expected);
    macro_rules! fault {
        ($pattern:pat) => {
            |error| matches!(error, Error::Dlpack($pattern))
        };
    }
    let overflow: Expected = |error| {
        matches!(
            error,
            Error::Layout(LayoutError::SizeOverflow { .. } | LayoutError::OutOfBounds { .. })
        )
    };
    use DlpackFault as F;
    let cases: &[Case] = &[
        (
            "major 0",
            &[2],
            &[1],
            |t| t.version.major = 0,
            fault!(F::Version { major: 0, .. }),
        ),
        (
            "major 2",
            &[2],
            &[1],
            |t| t.version.major = 2,
            fault!(F::Version { major: 2, .. }),
        ),
        (
            "ndim -1",
            &[2],
            &[1],
            |t| t.dl_tensor.ndim = -1,
            fault!(F::Rank { ndim: -1 }),
        ),
        (
            "ndim 65",
            &[2],
            &[1],
            |t| t.dl_tensor.ndim = 65,
            fault!(F::Rank { ndim: 65 }),
        ),
        (
            "ndim max",
            &[2],
            &[1],
            |t| t.dl_tensor.ndim = i32::MAX,
            fault!(F::Rank { .. }),
        ),
        (
            "ndim min",
            &[2],
            &[1],
            |t| t.dl_tensor.ndim = i32::MIN,
            fault!(F::Rank { .. }),
        ),
        (
            "no shape",
            &[2],
            &[1],
            |t| t.dl_tensor.shape = ptr::null_mut(),
            fault!(F::NullShape { ndim: 1 }),
        ),
        (
            "no strides",
            &[2],
            &[1],
            |t| t.dl_tensor.strides = ptr::null_mut(),
            fault!(F::NullStrides { ndim: 1 }),
        ),
        (
            "no data",
            &[2],
            &[1],
            |t| t.dl_tensor.data = ptr::null_mut(),
            fault!(F::NullData { items: 2 }),
        ),
        (
            "dim -1",
            &[2, -1],
            &[1, 1],
            |_| {},
            fault!(F::Dimension { axis: 1, size: -1 }),
        ),
        (
            "dim min",
            &[i64::MIN],
            &[1],
            |_| {},
            fault!(F::Dimension { axis: 0, .. }),
        ),
        ("dim max", &[i64::MAX], &[1], |_| {}, overflow),
        (
            "product overflows",
            &[1 << 31, 1 << 31, 4],
            &[1, 1, 1],
            |_| {},
            overflow,
        ),
        (
            "product overflows beside 0",
            &[0, 1 << 62, 8],
            &[1, 1, 1],
            |_| {},
            overflow,
        ),
        ("product wraps to small", &[1 << 32, 1 << 32], &[0, 0], |_| {}, overflow),
        (
            "stride max",
            &[2],
            &[i64::MAX],
            |_| {},
            fault!(F::Stride {
                axis: 0,
                stride: i64::MAX
            }),
        ),
        (
            "stride min",
            &[2],
            &[i64::MIN],
            |_| {},
            fault!(F::Stride { axis: 0, .. }),
        ),
        (
            "stride × item overflows",
            &[2],
            &[1 << 60],
            |_| {},
            fault!(F::Stride { axis: 0, .. }),
        ),
        ("span overflows", &[3, 3], &[1 << 59, 1 << 59], |_| {}, overflow),
        (
            "span overflows below",
            &[3, 3],
            &[-(1 << 59), -(1 << 59)],
            |_| {},
            overflow,
        ),
        (
            "reaches below address 0",
            &[2],
            &[-(1 << 58)],
            |_| {},
            fault!(F::ByteOffset { .. }),
        ),
        (
            "offset max",
            &[2],
            &[1],
            |t| t.dl_tensor.byte_offset = u64::MAX,
            fault!(F::ByteOffset { .. }),
        ),
        (
            "offset wraps the end",
            &[2],
            &[1],
            |t| t.dl_tensor.byte_offset = u64::MAX - (t.dl_tensor.data.addr() as u64) - 8,
            fault!(F::ByteOffset { .. }),
        ),
        (
            "bits 0",
            &[2],
            &[1],
            |t| t.dl_tensor.dtype.bits = 0,
            fault!(F::DataType { bits: 0, .. }),
        ),
        (
            "lanes 0",
            &[2],
            &[1],
            |t| t.dl_tensor.dtype.lanes = 0,
            fault!(F::DataType { lanes: 0, .. }),
        ),
        (
            "bool of 1 bit",
            &[2],
            &[1],
            |t| {
                t.dl_tensor.dtype = DLDataType {
                    code: 6,
                    bits: 1,
                    lanes: 1,
                }
            },
            fault!(F::DataType { .. }),
        ),
        (
            "fp4 of 8 bits",
            &[2],
            &[1],
            |t| {
                t.dl_tensor.dtype = DLDataType {
                    code: 17,
                    bits: 8,
                    lanes: 1,
                }
            },
            fault!(F::DataType { .. }),
        ),
        (
            "fp6 of 8 bits",
            &[2],
            &[1],
            |t| {
                t.dl_tensor.dtype = DLDataType {
                    code: 15,
                    bits: 8,
                    lanes: 1,
                }
            },
            fault!(F::DataType { .. }),
        ),
        (
            "lanes max on a large shape",
            &[1 << 50],
            &[0],
            |t| t.dl_tensor.dtype.lanes = u16::MAX,
            overflow,
        ),
    ];
    for (name, shape, strides, edit, expected) in cases {
        let producer = Producer::new(shape, strides);
        let deleted = Arc::clone(&producer.deleted);
        let error = import(producer.versioned(edit)).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
        assert_eq!(deleted.load(Ordering::SeqCst), 1, "{name}: the deleter");
    }
    let error = import(ptr::null_mut()).unwrap_err();
    assert!(matches!(error, Error::Dlpack(DlpackFault::NullTensor)));
}

#[test]
fn rank_64_comes_in() {
    let view = import(Producer::new(&[1; 64], &[1; 64]).versioned(|_| {})).unwrap();
    assert_eq!((view.ndim(), view.len()), (64, 1));
}

#[test]
fn misaligned_tensors_are_views_without_slices() {
    let view = import(Producer::new(&[2], &[1]).versioned(|t| t.dl_tensor.byte_offset = 1)).unwrap();
    // SAFETY: nobody writes the memory of this test.
    let view = unsafe { view.assume_immutable() };
    assert!(!view.is_aligned());
    assert!(matches!(
        view.typed::<i64>(),
        Err(Error::Misaligned { required: 8, .. })
    ));
    assert_eq!(view.get::<i64>(&[0]).unwrap(), 1 << 56);
}

#[test]
fn foreign_booleans_are_looked_at() {
    let view = import(Producer::new(&[3], &[8]).versioned(|t| {
        t.dl_tensor.dtype = DLDataType {
            code: 6,
            bits: 8,
            lanes: 1,
        };
    }))
    .unwrap();
    // SAFETY: nobody writes the memory of this test.
    let view = unsafe { view.assume_immutable() };
    assert!(matches!(
        view.typed::<bool>(),
        Err(Error::InvalidItem { position: 2, .. })
    ));
}

#[test]
fn packed_types_count_in_bits() {
    let fp4 = DLDataType {
        code: 17,
        bits: 4,
        lanes: 1,
    };
    let view = import(Producer::new(&[2, 3], &[3, 1]).versioned(|t| t.dl_tensor.dtype = fp4)).unwrap();
    assert_eq!(
        (view.strides(), view.nbytes(), view.layout().byte_span()),
        (&[12, 4][..], 3, 0..3)
    );
    // A row in the middle of a byte cannot go out as it is.
    let row = view.index_axis(0, 1).unwrap();
    let out = row.to_dlpack(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(
        out.report.records()[0].reasons[..],
        [CopyReason::BitOffset { offset: 4 }]
    );
    // Padded lanes are bytes.
    let padded = import(Producer::new(&[3], &[1]).versioned(|t| {
        t.dl_tensor.dtype = fp4;
        t.flags = 4;
    }))
    .unwrap();
    assert_eq!(padded.strides(), [1]);
    assert_eq!(padded.to_dlpack(CopyPolicy::Never).unwrap().value.flags(), 4);
    assert!(matches!(
        padded.to_dlpack_legacy(CopyPolicy::IfNeeded),
        Err(Error::Refused {
            refusal: Refusal::DType { .. },
            ..
        })
    ));
}

#[test]
fn device_memory_passes_through_unread() {
    let device = |t: &mut DLManagedTensorVersioned| {
        t.dl_tensor.device = DLDevice {
            device_type: 2,
            device_id: 3,
        };
        t.dl_tensor.data = ptr::without_provenance_mut(0x10000);
    };
    let view = import(Producer::new(&[4, 5], &[5, 1]).versioned(device)).unwrap();
    let moved = view.slice_axis(0, Slice::ALL.step_by(-2)).unwrap().transpose();
    assert!(matches!(
        moved.get::<i64>(&[0, 0]),
        Err(Error::DeviceMemory {
            device_type: 2,
            device_id: 3
        })
    ));
    assert!(matches!(
        moved.to_contiguous(Order::C),
        Err(Error::Refused {
            refusal: Refusal::Device {
                found: Device {
                    device_type: 2,
                    device_id: 3
                }
            },
            ..
        })
    ));
    let tensor = moved.to_dlpack(CopyPolicy::Never).unwrap().value;
    // SAFETY: a live tensor of this test.
    let fields = unsafe { &(*tensor.as_ptr()).dl_tensor };
    assert_eq!((fields.device.device_type, fields.device.device_id), (2, 3));
    assert_eq!(fields.data.addr(), 0x10000 + 3 * 40);
}

#[test]
fn exports_say_what_they_are() {
    let a = arange(&[2, 3]);
    let out = a.slice_axis(1, 1..).unwrap().to_dlpack(CopyPolicy::IfNeeded).unwrap();
    assert!(out.is_shared());
    assert_eq!((out.value.version(), out.value.flags()), (Some((1, 3)), 1));
    // SAFETY: a live tensor of this test.
    let fields = unsafe { &(*out.value.as_ptr()).dl_tensor };
    assert_eq!(fields.data.cast_const().cast(), a.data_ptr().wrapping_add(4));
    assert_eq!((fields.ndim, fields.byte_offset), (2, 0));
    assert_eq!((fields.dtype.code, fields.dtype.bits, fields.dtype.lanes), (0, 32, 1));
    // SAFETY: two entries each.
    let strides = unsafe { std::slice::from_raw_parts(fields.strides, 2) };
    assert_eq!(strides, [3, 1]);
    let empty = arange(&[2, 0]).to_dlpack(CopyPolicy::Never).unwrap().value;
    // SAFETY: a live tensor of this test.
    assert!(unsafe { (*empty.as_ptr()).dl_tensor.data }.is_null());
}

#[test]
fn writable_memory_goes_out_writable() {
    let shared = StridedViewMut::from_vec(vec![1_i32, 2, 3]).share();
    assert_eq!(shared.to_dlpack(CopyPolicy::Never).unwrap().value.flags(), 0);
    let legacy = shared.to_dlpack_legacy(CopyPolicy::Never).unwrap().value;
    assert_eq!(legacy.into_view().unwrap().access(), Access::Shared);
    // What is broadcast is read-only from then on.
    let repeated = shared.broadcast_to(&[2, 3]).unwrap();
    assert_eq!(repeated.to_dlpack(CopyPolicy::Never).unwrap().value.flags(), 1);
}

#[test]
fn copies_are_marked_and_writable() {
    let a = arange(&[2, 3]);
    let out = a.to_dlpack(CopyPolicy::Always).unwrap();
    assert_eq!(out.value.flags(), 2);
    assert_eq!(out.report.records()[0].reasons[..], [CopyReason::Requested]);
    assert_eq!(out.value.producer_copy(), ProducerCopy::Copied);
}

#[test]
fn read_only_memory_into_legacy_is_a_choice() {
    let a = arange(&[2, 3]);
    let owner = OwnerKind::Heap;
    let refused = a.to_dlpack_legacy(CopyPolicy::IfNeeded).unwrap_err();
    assert!(matches!(
        refused,
        Error::Refused {
            refusal: Refusal::ReadOnly { owner: OwnerKind::Heap },
            ..
        }
    ));
    assert_eq!(a.plan(&LEGACY).refusal(), Some(&Refusal::ReadOnly { owner }));
    let copied = a.to_dlpack_legacy_or_copy(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(copied.report.records()[0].reasons[..], [CopyReason::ReadOnly { owner }]);
    // SAFETY: this test does not write.
    let trusted = unsafe { a.to_dlpack_legacy_trusted(CopyPolicy::Never) }.unwrap();
    assert_eq!(trusted.value.into_view().unwrap().data_ptr(), a.data_ptr());
}

#[test]
fn what_dlpack_cannot_say_is_copied_with_every_reason_or_refused() {
    let bytes: Vec<u8> = (0..40).collect();
    let layout = Layout::strided(&[3, 2], &[9, 4], 1, &DType::I32).unwrap();
    let view = StridedView::new(Buffer::from_slice(&bytes), DType::I32.swapped(), layout).unwrap();
    let expected = [
        CopyReason::Borrowed,
        CopyReason::ByteOrder {
            found: DType::I32.swapped().byte_order(),
        },
        CopyReason::StrideNotMultiple {
            axis: 0,
            stride: 9,
            itemsize: 4,
        },
    ];
    assert_eq!(view.plan(&VERSIONED).reasons(), expected);
    let out = view.to_dlpack(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(out.report.records().len(), 1);
    assert_eq!(out.report.records()[0].reasons[..], expected);
    assert_eq!(
        out.value.into_view().unwrap().to_vec::<i32>().unwrap(),
        view.to_vec::<i32>().unwrap()
    );
    let Err(Error::CopyForbidden { reasons, bytes: 24, .. }) = view.to_dlpack(CopyPolicy::Never) else {
        panic!("a copy was forbidden");
    };
    assert_eq!(reasons, expected);

    let text = arange(&[4]).view_as(DType::bytes(4)).unwrap();
    assert!(matches!(
        text.to_dlpack(CopyPolicy::Always),
        Err(Error::Refused {
            refusal: Refusal::DType { .. },
            ..
        })
    ));
    let times = arange(&[4]).with_logical(Logical::Duration { unit: TimeUnit::Second });
    assert!(matches!(
        times.to_dlpack(CopyPolicy::Always),
        Err(Error::Refused {
            refusal: Refusal::Logical { .. },
            ..
        })
    ));
    assert!(times.into_storage().to_dlpack(CopyPolicy::Never).is_ok());
}

#[test]
fn packed_booleans_become_bytes() {
    let layout = Layout::strided(&[10], &[1], 3, &DType::BIT).unwrap();
    let bits = StridedView::new(Buffer::from_vec(vec![0b1010_1000_u8, 0b0001_0110]), DType::BIT, layout).unwrap();
    let out = bits.to_dlpack(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(
        out.report.records()[0].reasons[..],
        [CopyReason::Packing { from: 1, to: 8 }]
    );
    let values = out.value.into_view().unwrap().to_vec::<bool>().unwrap();
    let expected: Vec<bool> = (0..10).map(|k| bits.get::<bool>(&[k]).unwrap()).collect();
    assert_eq!(values, expected);
    assert_eq!(expected[..4], [true, false, true, false]);
}

#[test]
fn our_owner_lives_until_the_consumer_is_done() {
    let owner: Arc<[i32]> = Arc::from([1, 2, 3]);
    let view = StridedView::from_owner(Arc::clone(&owner));
    let tensor = view.to_dlpack(CopyPolicy::Never).unwrap().value;
    drop(view);
    assert_eq!(Arc::strong_count(&owner), 2);
    let pointer = tensor.into_raw().addr();
    std::thread::spawn(move || {
        let pointer = ptr::with_exposed_provenance_mut::<DLManagedTensorVersioned>(pointer);
        // SAFETY: the tensor was handed over to this thread.
        let deleter = unsafe { (*pointer).deleter }.unwrap();
        // SAFETY: the specification's way to end it.
        unsafe { deleter(pointer) };
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn a_panicking_owner_does_not_unwind_into_c() {
    struct Panicking(Vec<u8>, Arc<AtomicUsize>);
    impl AsRef<[u8]> for Panicking {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Panicking {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
            panic!("dropped on cue");
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let view = StridedView::from_owner::<u8, _>(Panicking(vec![1, 2], Arc::clone(&drops)));
    let tensor = view.to_dlpack(CopyPolicy::Never).unwrap().value;
    drop(view);
    drop(tensor);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn consumers_may_spoil_the_fields() {
    let owner: Arc<[i32]> = Arc::from([1, 2, 3, 4]);
    let tensor = StridedView::from_owner(Arc::clone(&owner)).reshape(&[2, 2]).unwrap();
    let pointer = tensor.to_dlpack(CopyPolicy::Never).unwrap().value.into_raw();
    drop(tensor);
    // SAFETY: the consumer owns the struct now.
    let fields = unsafe { &mut (*pointer).dl_tensor };
    fields.ndim = 7;
    fields.shape = ptr::null_mut();
    // SAFETY: as above.
    drop(unsafe { VersionedTensor::from_raw(pointer) });
    assert_eq!(Arc::strong_count(&owner), 1);
}

fn dtypes() -> impl Strategy<Value = DType> {
    let kinds = [
        DType::BOOL,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::C32,
        DType::C64,
        DType::C128,
        DType::new(Kind::Bcomplex, 32),
        DType::new(Kind::Float8E4m3fn, 8),
        DType::new(Kind::Float4E2m1fn, 4).with_lanes(2),
        DType::new(Kind::Float, 32).with_lanes(4),
        DType::new(Kind::OpaqueHandle, 64),
        DType::new(Kind::Other(99), 24),
    ];
    prop::sample::select(kinds.to_vec())
}

/// A random view: a contiguous root, then steps, reversals, a permutation and now and then a broadcast axis.
fn views() -> impl Strategy<Value = StridedView<'static>> {
    let axes = prop::collection::vec((0_usize..5, prop::sample::select(vec![1_isize, 2, -1, -2, 3])), 0..5);
    (dtypes(), axes, any::<bool>(), any::<bool>(), 0_usize..3).prop_map(|(dtype, axes, flip, broadcast, skew)| {
        let shape: Vec<usize> = axes.iter().map(|&(dim, _)| dim).collect();
        let layout = Layout::contiguous(&shape, &dtype, Order::C).unwrap();
        let bytes: Vec<u8> = (0..layout.nbytes() + skew)
            .map(|k| (k * 37 % 251).to_le_bytes()[0])
            .collect();
        let layout = Layout::strided(&shape, layout.strides(), skew, &dtype).unwrap();
        let mut view = StridedView::new(Buffer::from_vec(bytes), dtype, layout).unwrap();
        for (axis, &(_, step)) in axes.iter().enumerate() {
            view = view.slice_axis(axis, Slice::ALL.step_by(step)).unwrap();
        }
        if flip {
            view = view.transpose();
        }
        if broadcast {
            let mut target = view.shape().to_vec();
            target.insert(0, 2);
            view = view.broadcast_to(&target).unwrap();
        }
        view
    })
}

proptest! {
    #[test]
    fn round_trips_share_and_keep_everything(view in views()) {
        let out = view.to_dlpack(CopyPolicy::Never).unwrap();
        prop_assert!(out.is_shared());
        prop_assert!(view.plan(&VERSIONED).is_shared());
        let back = out.value.into_view().unwrap();
        prop_assert_eq!(back.dtype(), view.dtype());
        prop_assert_eq!(back.shape(), view.shape());
        if !view.is_empty() {
            prop_assert_eq!(back.data_ptr(), view.data_ptr());
            let axes = view.shape().iter().zip(view.strides()).zip(back.strides());
            prop_assert!(axes.into_iter().all(|((&dim, before), after)| dim == 1 || before == after));
        }
        prop_assert_eq!(back.to_bytes(Order::C).unwrap(), view.to_bytes(Order::C).unwrap());
        prop_assert_eq!(back.access(), Access::ReadOnly);

        let copy = view.to_dlpack_legacy_or_copy(CopyPolicy::IfNeeded).unwrap();
        prop_assert_eq!(copy.report.bytes_copied(), view.nbytes());
        let back = copy.value.into_view().unwrap();
        prop_assert_eq!(back.to_bytes(Order::C).unwrap(), view.to_bytes(Order::C).unwrap());
    }
}
