//! DLPack between strangers: who may write, memory behind handles, tensors for the duration of a call, and the table of exchange functions.
//!
//! # Safety
//!
//! The other side of the C interface is played here: structs outlive their use and are consumed once; memory on devices is made up and never touched.
#![cfg(feature = "dlpack")]
#![allow(unsafe_code, reason = "the other side of a C interface is played here")]

mod foreign;

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dlpack_rs::ffi::{
    DLDevice, DLManagedTensorVersioned, DLPackExchangeAPI, DLPackExchangeAPIHeader, DLPackVersion, DLTensor,
};
use foreign::Producer;
use viewbridge::dlpack::{BORROWED, LegacyTensor, VersionedTensor, exchange};
use viewbridge::{
    Access, CopyPolicy, CopyReason, DType, Device, DlpackFault, Error, LayoutError, Order, OwnerKind, Refusal, Slice,
    StridedView, StridedViewMut,
};

const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;

fn handle(producer: Producer, edit: impl FnOnce(&mut DLManagedTensorVersioned)) -> VersionedTensor {
    // SAFETY: a live tensor of this test, which nobody else consumes.
    unsafe { VersionedTensor::from_raw(producer.versioned(edit)) }.unwrap()
}

fn on_device(device_type: u32) -> impl FnOnce(&mut DLManagedTensorVersioned) {
    move |tensor| {
        tensor.dl_tensor.device = DLDevice {
            device_type,
            device_id: 0,
        }
    }
}

#[test]
fn what_was_copied_for_us_is_ours_to_write() {
    let producer = Producer::new(&[2, 3], &[3, 1]);
    let (deleted, data) = (Arc::clone(&producer.deleted), producer.data.as_ptr());
    let mut view = handle(producer, |t| t.flags = IS_COPIED).into_view_mut().unwrap();
    assert_eq!(view.data_ptr().cast_const(), data.cast());
    StridedView::from_slice(&[7_u64, 8, 9])
        .view_as(DType::I64)
        .unwrap()
        .copy_into(&mut view.reborrow().index_axis(0, 1).unwrap())
        .unwrap();
    // Written, it is as immutable as memory of our own: a safe slice of it.
    let frozen = view.freeze();
    assert_eq!(frozen.typed::<i64>().unwrap().as_slice().unwrap(), [0, 1, 2, 7, 8, 9]);
    assert_eq!(
        (frozen.owner_kind(), deleted.load(Ordering::SeqCst)),
        (OwnerKind::Dlpack, 0)
    );
    drop(frozen);
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}

/// A refusal runs the deleter, too.
#[test]
fn what_may_be_others_is_not() {
    type Expected = fn(&Error) -> bool;
    let cases: [(&str, Producer, u64, u32, Expected); 5] = [
        ("no word of a copy", Producer::new(&[2], &[1]), 0, 1, |e| {
            matches!(
                e,
                Error::NotUnique {
                    owner: OwnerKind::Dlpack
                }
            )
        }),
        (
            "a copy to be read",
            Producer::new(&[2], &[1]),
            IS_COPIED | READ_ONLY,
            1,
            |e| {
                matches!(
                    e,
                    Error::ReadOnly {
                        owner: OwnerKind::Dlpack
                    }
                )
            },
        ),
        (
            "items that share bytes",
            Producer::new(&[2, 2], &[1, 1]),
            IS_COPIED,
            1,
            |e| matches!(e, Error::SelfOverlap { .. }),
        ),
        ("a copy on a device", Producer::new(&[2], &[1]), IS_COPIED, 2, |e| {
            matches!(e, Error::DeviceMemory { device_type: 2, .. })
        }),
        ("a copy that lies", Producer::new(&[-2], &[1]), IS_COPIED, 1, |e| {
            matches!(e, Error::Dlpack(DlpackFault::Dimension { axis: 0, size: -2 }))
        }),
    ];
    for (name, producer, flags, device_type, expected) in cases {
        let deleted = Arc::clone(&producer.deleted);
        let tensor = handle(producer, |tensor| {
            tensor.flags = flags;
            on_device(device_type)(tensor);
        });
        let error = tensor.into_view_mut().expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
        assert_eq!(deleted.load(Ordering::SeqCst), 1, "{name}");
    }
}

#[test]
fn a_promise_does_for_the_flag() {
    // SAFETY: nobody else knows the memory of the producer.
    let promised = |tensor: VersionedTensor| unsafe { tensor.assume_exclusive() };
    let view = promised(handle(Producer::new(&[4], &[-1]), |t| t.dl_tensor.byte_offset = 24)).unwrap();
    assert_eq!(view.freeze().to_vec::<i64>().unwrap(), [3, 2, 1, 0]);
    let refused = promised(handle(Producer::new(&[4], &[1]), |t| t.flags = READ_ONLY));
    assert!(matches!(refused, Err(Error::ReadOnly { .. })));
    let legacy = Producer::new(&[2], &[1]).legacy(|_| {});
    // SAFETY: a live tensor of this test.
    let legacy = unsafe { LegacyTensor::from_raw(legacy) }.unwrap();
    // SAFETY: nobody else knows the memory of the producer.
    assert!(unsafe { legacy.assume_exclusive() }.is_ok());
}

#[test]
fn our_own_copies_come_back_writable() {
    let a = StridedView::from_vec(vec![1_i32, 2, 3]);
    let copy = a.to_dlpack(CopyPolicy::Always).unwrap().value;
    let back = copy.into_view_mut().unwrap();
    assert_eq!(back.freeze().to_vec::<i32>().unwrap(), [1, 2, 3]);
    let shared = a.to_dlpack(CopyPolicy::Never).unwrap().value;
    assert!(matches!(shared.into_view_mut(), Err(Error::NotUnique { .. })));
}

/// A `cl_mem`, an `id<MTLBuffer>`, and whatever names the memory of a device that is not known.
#[test]
fn a_handle_is_kept_as_it_is_and_the_offset_beside_it() {
    for device_type in [4, 7, 8, 9, 12, 15, 16, 17, 18, 19, 20, 999] {
        let handle_of_device = 0xdead_beef_usize;
        let tensor = handle(Producer::new(&[4, 5], &[5, 1]), |tensor| {
            on_device(device_type)(tensor);
            tensor.dl_tensor.data = ptr::without_provenance_mut(handle_of_device);
            tensor.dl_tensor.byte_offset = 24;
        });
        let view = tensor.into_view().unwrap();
        assert_eq!((view.layout().offset(), view.layout().byte_span()), (24, 24..184));
        let moved = view.slice_axis(0, Slice::ALL.step_by(-2)).unwrap().transpose();
        assert!(matches!(moved.get::<i64>(&[0, 0]), Err(Error::DeviceMemory { .. })));
        assert!(matches!(moved.to_contiguous(Order::C), Err(Error::Refused { .. })));
        let out = moved.to_dlpack(CopyPolicy::Never).unwrap().value;
        // SAFETY: our own tensor, alive.
        let fields = unsafe { &(*out.as_ptr()).dl_tensor };
        assert_eq!(
            (fields.data.addr(), fields.byte_offset),
            (handle_of_device, 24 + 3 * 40)
        );
        assert_eq!(out.into_view().unwrap().layout(), moved.layout());
    }
}

/// Where the memory of a handle ends only the device knows, but it begins at 0.
#[test]
fn nothing_lies_in_front_of_a_handle() {
    let with_offset = |byte_offset| {
        let producer = Producer::new(&[3], &[-1]);
        let deleted = Arc::clone(&producer.deleted);
        let view = handle(producer, |tensor| {
            on_device(4)(tensor);
            tensor.dl_tensor.byte_offset = byte_offset;
        })
        .into_view();
        (view, deleted)
    };
    assert_eq!(with_offset(16).0.unwrap().layout().byte_span(), 0..24);
    for (byte_offset, fault) in [(15, false), (u64::MAX, true)] {
        let (view, deleted) = with_offset(byte_offset);
        match view.unwrap_err() {
            Error::Dlpack(DlpackFault::ByteOffset { .. }) => assert!(fault),
            Error::Layout(LayoutError::OutOfBounds { .. }) => assert!(!fault),
            other => panic!("{other:?}"),
        }
        assert_eq!(deleted.load(Ordering::SeqCst), 1);
    }
    let nothing = handle(Producer::new(&[3], &[1]), |tensor| {
        on_device(8)(tensor);
        tensor.dl_tensor.data = ptr::null_mut();
    });
    assert!(matches!(
        nothing.into_view(),
        Err(Error::Dlpack(DlpackFault::NullData { items: 3 }))
    ));
}

/// By the contract of `from_raw`, whoever hands over pinned or managed memory has waited for the kernels that use it.
#[test]
fn pinned_and_managed_memory_is_read_like_any_other() {
    for (device_type, readable) in [
        (1, true),
        (2, false),
        (3, true),
        (10, false),
        (11, true),
        (13, true),
        (14, false),
    ] {
        let view = handle(Producer::new(&[3], &[1]), on_device(device_type))
            .into_view()
            .unwrap();
        let items = view.to_vec::<i64>();
        assert_eq!(items.is_ok(), readable, "{}", view.device());
        if let Ok(items) = items {
            assert_eq!(items, [0, 1, 2]);
        }
        let out = view.to_dlpack(CopyPolicy::Never).unwrap().value.into_view().unwrap();
        assert_eq!(out.device(), view.device());
    }
}

#[test]
fn known_devices_have_names() {
    let name = |device_type| {
        Device {
            device_type,
            device_id: 1,
        }
        .to_string()
    };
    for device_type in (2..=20).filter(|device_type| ![5, 6].contains(device_type)) {
        assert!(!name(device_type).starts_with("device_type"), "{device_type}");
    }
    assert_eq!(
        (name(1), name(2), name(77)),
        ("cpu".into(), "cuda:1".into(), "device_type_77:1".into())
    );
}

/// The dialects of a tensor for the duration of a call: sum of its items, by following its pointers as C does.
unsafe fn sum(tensor: &DLTensor) -> f64 {
    let ndim = usize::try_from(tensor.ndim).unwrap();
    let entries = |entries: *const i64| -> Vec<isize> {
        let entry = |axis| {
            // SAFETY: the caller's: the tensor is true.
            let entry = unsafe { *entries.wrapping_add(axis) };
            isize::try_from(entry).unwrap()
        };
        (0..ndim).map(entry).collect()
    };
    let (shape, strides) = (entries(tensor.shape), entries(tensor.strides));
    let items: isize = shape.iter().product();
    let place = |mut k: isize| {
        let axes = shape.iter().zip(&strides).rev();
        axes.fold(0, |at, (dim, stride)| {
            let index = k % dim;
            k /= dim;
            at + index * stride
        })
    };
    let data: *const f64 = tensor.data.cast();
    // SAFETY: as above.
    (0..items).map(|k| unsafe { *data.wrapping_offset(place(k)) }).sum()
}

#[test]
fn a_call_borrows_a_view() {
    let mut items: Vec<f64> = (0..24).map(f64::from).collect();
    let a = StridedViewMut::from_slice(&mut items)
        .reshape(&[2, 3, 4])
        .unwrap()
        .share();
    for (view, expected) in [
        (a.clone(), 276.0),
        (a.flip(1).unwrap().transpose(), 276.0),
        (a.slice_axis(2, Slice::ALL.step_by(-3)).unwrap(), 138.0),
        (
            a.index_axis(0, 1)
                .unwrap()
                .index_axis(0, 1)
                .unwrap()
                .index_axis(0, 1)
                .unwrap(),
            17.0,
        ),
    ] {
        let tensor = view.borrow_dlpack().unwrap();
        // Moved, it still points into itself.
        let moved = Box::new(tensor);
        let fields = moved.as_dl_tensor();
        assert_eq!(
            (fields.data.cast_const(), fields.byte_offset),
            (view.data_ptr().cast(), 0)
        );
        // SAFETY: the view and the description are alive.
        assert_eq!(unsafe { sum(&fields) }, expected);
        // SAFETY: as above.
        let back = unsafe { StridedView::from_dl_tensor(&fields) }.unwrap();
        assert_eq!(back.to_vec::<f64>().unwrap(), view.to_vec::<f64>().unwrap());
        assert_eq!(
            (back.owner_kind(), back.access()),
            (OwnerKind::Borrowed, Access::Shared)
        );
    }
}

#[test]
fn a_call_may_write_what_it_borrows() {
    let a = StridedView::from_vec(vec![1.0_f64; 4]);
    let refused = a.borrow_dlpack().unwrap_err();
    assert!(matches!(
        refused,
        Error::Refused {
            refusal: Refusal::ReadOnly { .. },
            ..
        }
    ));
    assert!(a.plan(&BORROWED).refusal().is_some());
    // SAFETY: the sum does not write.
    let trusted = unsafe { a.borrow_dlpack_trusted() }.unwrap();
    // SAFETY: the view and the description are alive.
    assert_eq!(unsafe { sum(&trusted.as_dl_tensor()) }, 4.0);
    let swapped = StridedViewMut::from_vec(vec![1.0_f64])
        .share()
        .view_as(DType::F64.swapped())
        .unwrap();
    let Err(Error::CopyForbidden { reasons, .. }) = swapped.borrow_dlpack() else {
        panic!("a borrow never copies");
    };
    assert!(matches!(reasons[..], [CopyReason::ByteOrder { .. }]));
}

#[test]
fn an_object_may_keep_a_description_beside_its_view() {
    struct Object {
        tensor: viewbridge::dlpack::BorrowedTensor<'static>,
        view: StridedView<'static>,
    }
    let view = StridedViewMut::from_vec(vec![2.0_f64; 3]).share();
    // SAFETY: the view is dropped with the description, and nothing follows it afterwards.
    let tensor = unsafe { view.borrow_dlpack().unwrap().detach() };
    let object = Box::new(Object { tensor, view });
    // SAFETY: the object is alive.
    assert_eq!(unsafe { sum(&object.tensor.as_dl_tensor()) }, 6.0);
    assert_eq!(object.view.len(), 3);
}

unsafe extern "C" fn allocate(
    _: *mut DLTensor,
    _: *mut *mut DLManagedTensorVersioned,
    _: *mut c_void,
    _: Option<unsafe extern "C" fn(*mut c_void, *const std::ffi::c_char, *const std::ffi::c_char)>,
) -> std::ffi::c_int {
    -1
}

unsafe extern "C" fn from_object(_: *mut c_void, _: *mut *mut DLManagedTensorVersioned) -> std::ffi::c_int {
    -1
}

unsafe extern "C" fn to_object(_: *mut DLManagedTensorVersioned, _: *mut *mut c_void) -> std::ffi::c_int {
    -1
}

unsafe extern "C" fn stream(_: u32, _: i32, _: *mut *mut c_void) -> std::ffi::c_int {
    -1
}

/// Tables that live as long as the test.
#[derive(Default)]
struct Tables(Vec<*mut DLPackExchangeAPI>);

impl Tables {
    fn add(&mut self, major: u32, prev_api: *mut DLPackExchangeAPI) -> *mut DLPackExchangeAPI {
        let version = DLPackVersion { major, minor: 9 };
        let table = Box::into_raw(Box::new(DLPackExchangeAPI {
            header: DLPackExchangeAPIHeader {
                version,
                prev_api: prev_api.cast(),
            },
            managed_tensor_allocator: Some(allocate),
            managed_tensor_from_py_object_no_sync: Some(from_object),
            managed_tensor_to_py_object_no_sync: Some(to_object),
            dltensor_from_py_object_no_sync: None,
            current_work_stream: Some(stream),
        }));
        self.0.push(table);
        table
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        for &table in &self.0 {
            // SAFETY: boxed above.
            drop(unsafe { Box::from_raw(table) });
        }
    }
}

#[test]
fn the_table_of_our_major_version_is_found() {
    let mut tables = Tables::default();
    // SAFETY: tables live until the end of the test, and so is what is found in them used.
    let find = |table: *mut DLPackExchangeAPI| unsafe { exchange::find(table) }.map(ptr::from_ref);
    let ours = tables.add(1, ptr::null_mut());
    let newer = tables.add(2, ours);
    assert_eq!(find(tables.add(3, newer)), Some(ours.cast_const()));
    assert!(find(tables.add(2, ptr::null_mut())).is_none());
    assert!(find(ptr::null_mut()).is_none());
    // A way that leads in circles ends.
    let circle = tables.add(2, ptr::null_mut());
    // SAFETY: alive, and nobody else looks.
    unsafe { (*circle).header.prev_api = circle.cast() };
    assert!(find(circle).is_none());
    let broken = tables.add(1, ptr::null_mut());
    // SAFETY: as above.
    unsafe { (*broken).current_work_stream = None };
    assert!(find(broken).is_none());
    assert_eq!(
        (exchange::version().major, exchange::version().minor),
        viewbridge::dlpack::VERSION
    );
}

/// The deleter is called although nothing else of the struct can be read.
#[test]
fn another_major_version_is_deleted_untouched() {
    let producer = Producer::new(&[2], &[1]);
    let deleted = Arc::clone(&producer.deleted);
    let raw = producer.versioned(|tensor| {
        tensor.version.major = 2;
        // What lies behind the flags has another meaning in another major version.
        tensor.dl_tensor.ndim = i32::MIN;
        tensor.dl_tensor.shape = ptr::without_provenance_mut(1);
        tensor.dl_tensor.data = ptr::without_provenance_mut(1);
    });
    // SAFETY: a live tensor of this test.
    let error = unsafe { VersionedTensor::from_raw(raw) }.unwrap_err();
    assert!(matches!(
        error,
        Error::Dlpack(DlpackFault::Version { major: 2, minor: 3 })
    ));
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}
