//! dlpark as an independent peer: its tensors in our hands, and ours in its.
//!
//! It lives here because it is no dependency of the crate: `cargo test -p viewbridge-benches --test dlpark`.
//!
//! # Safety
//!
//! The structs of both crates are those of the C header, so that pointers to one are pointers to the other. Each raw pointer is consumed once; the
//! owner of a tensor keeps its memory.
#![allow(unsafe_code, reason = "two libraries meet at a C interface")]

use std::ffi::c_void;
use std::sync::Arc;

use dlpark::ffi::{DLDataType, DLDevice, DLDeviceType, DLManagedTensor, DLManagedTensorVersioned};
use dlpark::metadata::Dynamic;
use dlpark::{DlpackFlags, Managed};
use viewbridge::dlpack::{LegacyTensor, VersionedTensor};
use viewbridge::{Access, Buffer, CopyPolicy, DType, Error, Kind, Layout, Order, StridedView};

type Owner = Arc<Vec<u64>>;

/// Words of memory, and the one that tensors begin with.
const WORDS: usize = 4096;
const FIRST: usize = 2048;

/// Every type code, at its usual widths.
fn triples() -> Vec<(u8, u8, u16)> {
    let widths = |code, bits: &[u8]| bits.iter().map(move |&bits| (code, bits, 1)).collect::<Vec<_>>();
    let mut triples = widths(0, &[8, 16, 32, 64, 128]);
    triples.extend(widths(1, &[8, 16, 32, 64]));
    triples.extend(widths(2, &[16, 32, 64, 128]));
    triples.extend(widths(5, &[32, 64, 128]));
    triples.extend([(3, 64, 1), (4, 16, 1), (6, 8, 1), (18, 32, 1), (99, 24, 1)]);
    triples.extend((7..=14).map(|code| (code, 8, 1)));
    triples.extend([(2, 32, 4), (17, 4, 2), (0, 8, 3)]);
    triples
}

/// Shapes and strides, in items.
fn layouts() -> Vec<(Vec<i64>, Vec<i64>)> {
    [
        (&[][..], &[][..]),
        (&[5], &[1]),
        (&[2, 3], &[3, 1]),
        (&[2, 3], &[1, 2]),
        (&[2, 3, 4], &[4, 8, 1]),
        (&[4, 3], &[6, 2]),
        (&[4], &[-1]),
        (&[3, 2], &[-2, -1]),
        (&[3, 4], &[0, 1]),
        (&[3, 3], &[1, 1]),
        (&[1, 4], &[4, 1]),
        (&[2, 1, 3], &[3, 3, 1]),
        (&[2, 2, 2, 2], &[8, 4, 2, 1]),
        (&[1, 2, 1, 2, 1, 2, 1], &[8, 4, 4, 2, 2, 1, 1]),
        (&[0], &[1]),
        (&[3, 0], &[1, 1]),
    ]
    .into_iter()
    .map(|(shape, strides): (&[i64], &[i64])| (shape.to_vec(), strides.to_vec()))
    .collect()
}

fn triple((code, bits, lanes): (u8, u8, u16)) -> DLDataType {
    // SAFETY: three plain numbers, one behind the other, in both.
    unsafe { std::mem::transmute::<[u8; 4], DLDataType>([code, bits, lanes.to_ne_bytes()[0], lanes.to_ne_bytes()[1]]) }
}

fn owner() -> Owner {
    Arc::new((0..WORDS as u64).collect())
}

fn first(owner: &Owner) -> *mut c_void {
    owner.as_ptr().wrapping_add(FIRST).cast::<c_void>().cast_mut()
}

macro_rules! produce {
    ($abi:ty, $owner:expr, $shape:expr, $strides:expr, $triple:expr, $device:expr, $flags:expr) => {{
        let mut tensor = Dynamic::new(&$shape[..], &$strides[..])
            .initialize_as::<$abi>(Arc::clone($owner))
            .unwrap();
        tensor
            .set_data(first($owner))
            .set_device($device)
            .set_dtype(triple($triple));
        // SAFETY: what the flags say is true here.
        unsafe { tensor.set_flags_unchecked($flags) };
        // SAFETY: the owner keeps the data alive.
        unsafe { tensor.finish() }
    }};
}

fn check(view: &StridedView<'_>, owner: &Owner, shape: &[i64], strides: &[i64], (code, bits, lanes): (u8, u8, u16)) {
    let name = format!("{code} {bits} {lanes} {shape:?} {strides:?}");
    let sizes: Vec<i64> = view.shape().iter().map(|&dim| i64::try_from(dim).unwrap()).collect();
    assert_eq!(sizes, shape, "{name}");
    assert_eq!(
        (view.dtype().bits(), view.dtype().lanes()),
        (bits.into(), lanes),
        "{name}"
    );
    if !view.is_empty() {
        let distances = view.layout().element_strides().expect("whole items");
        let distances: Vec<i64> = distances.iter().map(|&stride| i64::try_from(stride).unwrap()).collect();
        assert_eq!(distances, strides, "{name}");
        assert_eq!(view.data_ptr(), first(owner).cast_const().cast(), "{name}");
    }
}

#[test]
fn its_tensors_are_our_views() {
    for kind in triples() {
        for (shape, strides) in layouts() {
            let owner = owner();
            for (flags, access) in [
                (DlpackFlags::empty(), Access::Shared),
                (DlpackFlags::READ_ONLY, Access::ReadOnly),
            ] {
                let tensor = produce!(
                    DLManagedTensorVersioned,
                    &owner,
                    shape,
                    strides,
                    kind,
                    DLDevice::CPU,
                    flags
                );
                // SAFETY: handed over.
                let tensor = unsafe { VersionedTensor::from_raw(tensor.into_raw().cast()) }.unwrap();
                assert_eq!(tensor.version().map(|(major, _)| major), Some(1));
                let view = tensor.into_view().unwrap();
                assert_eq!(view.access(), access);
                check(&view, &owner, &shape, &strides, kind);
            }
            let legacy = produce!(
                DLManagedTensor,
                &owner,
                shape,
                strides,
                kind,
                DLDevice::CPU,
                DlpackFlags::empty()
            );
            // SAFETY: handed over.
            let legacy = unsafe { LegacyTensor::from_raw(legacy.into_raw().cast()) }.unwrap();
            check(&legacy.view().unwrap(), &owner, &shape, &strides, kind);
            assert_eq!(Arc::strong_count(&owner), 2);
            drop(legacy);
            assert_eq!(Arc::strong_count(&owner), 1);
        }
    }
}

#[test]
fn its_devices_are_ours() {
    for device_type in [2, 3, 7, 10, 13, 14, 77] {
        let owner = owner();
        let device = DLDevice {
            device_type: DLDeviceType(device_type),
            device_id: 5,
        };
        let tensor = produce!(
            DLManagedTensorVersioned,
            &owner,
            [4_i64],
            [1_i64],
            (2, 32, 1),
            device,
            DlpackFlags::empty()
        );
        // SAFETY: handed over.
        let view = unsafe { VersionedTensor::from_raw(tensor.into_raw().cast()) }
            .unwrap()
            .into_view()
            .unwrap();
        assert_eq!((view.device().device_type, view.device().device_id), (device_type, 5));
        // And back, with the device untouched.
        let back = view.to_dlpack(CopyPolicy::Never).unwrap().value.into_raw();
        // SAFETY: handed over.
        let back: Managed<DLManagedTensorVersioned> = unsafe { Managed::from_raw(back.cast()) }.unwrap();
        assert_eq!(back.validate().unwrap().device(), device);
    }
}

/// What dlpark says that it copied is ours to write.
#[test]
fn its_copies_are_ours() {
    let owner = owner();
    let tensor = produce!(
        DLManagedTensorVersioned,
        &owner,
        [4_i64],
        [1_i64],
        (1, 64, 1),
        DLDevice::CPU,
        DlpackFlags::IS_COPIED
    );
    // SAFETY: handed over.
    let tensor = unsafe { VersionedTensor::from_raw(tensor.into_raw().cast()) }.unwrap();
    assert!(tensor.into_view_mut().is_ok());
}

/// Views over the same memory as dlpark's tensors.
fn view(
    owner: &Owner,
    (code, bits, lanes): (u8, u8, u16),
    shape: &[i64],
    strides: &[i64],
) -> Option<StridedView<'static>> {
    struct Bytes(Owner);
    impl AsRef<[u64]> for Bytes {
        fn as_ref(&self) -> &[u64] {
            &self.0
        }
    }
    let kind = match code {
        0 => Kind::Int,
        1 => Kind::UInt,
        2 => Kind::Float,
        3 => Kind::OpaqueHandle,
        4 => Kind::Bfloat,
        5 => Kind::Complex,
        6 => Kind::Bool,
        8 => Kind::Float8E4m3,
        14 => Kind::Float8E8m0fnu,
        17 => Kind::Float4E2m1fn,
        18 => Kind::Bcomplex,
        99 => Kind::Other(99),
        _ => return None,
    };
    let dtype = DType::new(kind, bits).with_lanes(lanes);
    let unit = Layout::contiguous(&[1], &dtype, Order::C).unwrap();
    let sizes: Vec<usize> = shape.iter().map(|&dim| usize::try_from(dim).unwrap()).collect();
    let item = i64::try_from(unit.itemsize()).unwrap();
    let scaled: Vec<isize> = strides
        .iter()
        .map(|&stride| isize::try_from(stride * item).unwrap())
        .collect();
    let offset = FIRST * 8 * if dtype.is_packed() { 8 } else { 1 };
    let layout = Layout::strided(&sizes, &scaled, offset, &dtype).unwrap();
    Some(StridedView::new(Buffer::from_owner(Bytes(Arc::clone(owner))), dtype, layout).unwrap())
}

#[test]
fn our_tensors_are_what_it_validates() {
    let mut seen = 0;
    for kind in triples() {
        for (shape, strides) in layouts() {
            let owner = owner();
            let Some(view) = view(&owner, kind, &shape, &strides) else {
                continue;
            };
            let raw = view.to_dlpack(CopyPolicy::Never).unwrap().value.into_raw();
            drop(view);
            // SAFETY: handed over.
            let managed: Managed<DLManagedTensorVersioned> = unsafe { Managed::from_raw(raw.cast()) }.unwrap();
            assert_eq!(managed.flags(), DlpackFlags::READ_ONLY);
            let tensor = managed.validate().unwrap();
            assert_eq!((tensor.shape(), tensor.dtype()), (&shape[..], triple(kind)));
            assert_eq!((tensor.device(), tensor.byte_offset()), (DLDevice::CPU, 0));
            if shape.contains(&0) {
                assert!(tensor.data_ptr().is_null());
            } else {
                assert_eq!(tensor.strides().unwrap_or_default(), strides);
                assert_eq!(tensor.data_ptr(), first(&owner).cast_const());
            }
            assert_eq!(Arc::strong_count(&owner), 2);
            drop(managed);
            assert_eq!(Arc::strong_count(&owner), 1);
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn it_reads_our_items() {
    let items: Vec<f32> = (0..6).map(|k| k as f32).collect();
    for shape in [&[6][..], &[2, 3], &[1, 6], &[2, 1, 3, 1]] {
        let view = StridedView::from_vec(items.clone()).reshape(shape).unwrap();
        let raw = view.to_dlpack(CopyPolicy::Never).unwrap().value.into_raw();
        // SAFETY: handed over.
        let managed: Managed<DLManagedTensorVersioned> = unsafe { Managed::from_raw(raw.cast()) }.unwrap();
        // SAFETY: nobody writes the memory.
        let found = unsafe { managed.validate().unwrap().cpu_slice::<f32>() }.unwrap();
        assert_eq!(found, items);
    }
    // An axis of one item with a stride of its own is contiguous; its test for that is a comparison of strides, and ours fit it.
    let odd = StridedView::from_vec(items.clone())
        .reshape(&[6])
        .unwrap()
        .insert_axis(0)
        .unwrap();
    assert!(odd.is_c_contiguous());
    let raw = odd.to_dlpack(CopyPolicy::Never).unwrap().value.into_raw();
    // SAFETY: handed over.
    let managed: Managed<DLManagedTensorVersioned> = unsafe { Managed::from_raw(raw.cast()) }.unwrap();
    assert!(managed.validate().unwrap().is_compact().unwrap());
}

/// It has no answer to read-only memory in a legacy tensor, and no copies; we do.
#[test]
fn what_it_refuses_we_offer_by_name() {
    let view = StridedView::from_vec(vec![1.0_f32, 2.0]);
    assert!(matches!(
        view.to_dlpack_legacy(CopyPolicy::IfNeeded),
        Err(Error::Refused { .. })
    ));
    let copied = view.to_dlpack_legacy_or_copy(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(copied.report.bytes_copied(), 8);
    // SAFETY: handed over.
    let managed: Managed<DLManagedTensor> = unsafe { Managed::from_raw(copied.value.into_raw().cast()) }.unwrap();
    // SAFETY: nobody else has the copy.
    assert_eq!(
        unsafe { managed.validate().unwrap().cpu_slice::<f32>() }.unwrap(),
        [1.0, 2.0]
    );
}
