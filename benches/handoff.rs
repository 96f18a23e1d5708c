//! What handing memory over costs: export, import, wrapping. No byte is copied by anybody.
//!
//! `cargo bench -p viewbridge-benches --bench handoff`
//!
//! # Safety
//!
//! The peers' interfaces are unsafe: their tensors hold a share of the owner of the memory that they point to, and each raw pointer is consumed once.
#![allow(unsafe_code, reason = "the peers' interfaces are unsafe")]

use std::ffi::c_void;
use std::hint::black_box;
use std::sync::Arc;

use arrow_buffer::Buffer;
use criterion::Criterion;
use dlpack_rs::safe::{TensorInfo, cpu_device, dtype_f32, pack_versioned};
use dlpark::Managed;
use dlpark::ffi::{DLDataType, DLDevice, DLManagedTensorVersioned};
use dlpark::metadata::Fixed;
use viewbridge::dlpack::VersionedTensor;
use viewbridge::{CopyPolicy, StridedView};
use viewbridge_benches::{Contender, criterion, race};

type Owner = Arc<Vec<f32>>;

const ITEMS: usize = 4096;

fn main() {
    let mut criterion = criterion();
    export_and_drop::<2>(&mut criterion, [64, 64]);
    export_and_drop::<4>(&mut criterion, [8, 8, 8, 8]);
    round_trip::<2>(&mut criterion, [64, 64]);
    round_trip::<4>(&mut criterion, [8, 8, 8, 8]);
    arrow(&mut criterion);
    criterion.final_summary();
}

fn strides<const N: usize>(shape: [usize; N]) -> [i64; N] {
    let mut strides = [1; N];
    for k in (1..N).rev() {
        strides[k - 1] = strides[k] * i64::try_from(shape[k]).unwrap();
    }
    strides
}

fn ours(shape: &[usize]) -> StridedView<'static> {
    StridedView::from_vec(vec![0_f32; ITEMS]).reshape(shape).unwrap()
}

/// dlpark's fastest form: a rank known at compile time, the owner an `Arc`.
fn dlpark<const N: usize>(owner: &Owner, shape: &[i64; N], strides: &[i64; N]) -> Managed<DLManagedTensorVersioned> {
    let mut tensor = Fixed::<N, _, _>::new(shape, strides)
        .initialize_as::<DLManagedTensorVersioned>(Arc::clone(owner))
        .unwrap();
    tensor
        .set_data(owner.as_ptr().cast::<c_void>().cast_mut())
        .set_device(DLDevice::CPU)
        .set_dtype(DLDataType::F32);
    // SAFETY: the owner keeps the data alive.
    unsafe { tensor.finish() }
}

fn dlpack_rs<const N: usize>(owner: &Owner, shape: &[i64; N], strides: &[i64; N]) {
    let data = owner.as_ptr().cast::<c_void>().cast_mut();
    let info = TensorInfo::strided(data, cpu_device(), dtype_f32(), shape.to_vec(), strides.to_vec());
    let tensor = black_box(pack_versioned(Arc::clone(owner), info, 0));
    // SAFETY: packed above.
    unsafe { (*tensor).deleter.unwrap()(tensor) };
}

fn export_and_drop<const N: usize>(criterion: &mut Criterion, shape: [usize; N]) {
    let (view, owner, strides) = (ours(&shape), Owner::new(vec![0.0; ITEMS]), strides(shape));
    let shape = shape.map(|dim| i64::try_from(dim).unwrap());
    let contenders = vec![
        Contender::new("dlpark, fixed rank", || {
            drop(black_box(dlpark(
                black_box(&owner),
                black_box(&shape),
                black_box(&strides),
            )));
        }),
        Contender::new("viewbridge", || {
            drop(black_box(black_box(&view).to_dlpack(CopyPolicy::Never).unwrap().value));
        }),
        Contender::new("dlpack-rs", || {
            dlpack_rs(black_box(&owner), black_box(&shape), black_box(&strides))
        }),
    ];
    race(criterion, &format!("DLPack export and drop, rank {N}"), contenders);
}

fn round_trip<const N: usize>(criterion: &mut Criterion, shape: [usize; N]) {
    let (view, owner, strides) = (ours(&shape), Owner::new(vec![0.0; ITEMS]), strides(shape));
    let shape = shape.map(|dim| i64::try_from(dim).unwrap());
    let contenders = vec![
        Contender::new("dlpark, fixed rank, borrowed tensor", || {
            let raw = black_box(dlpark(black_box(&owner), black_box(&shape), black_box(&strides)).into_raw());
            // SAFETY: exported above.
            let tensor = unsafe { Managed::from_raw(raw) }.unwrap();
            black_box(&tensor.validate().unwrap());
        }),
        Contender::new("viewbridge, borrowed view", || {
            let raw = black_box(black_box(&view).to_dlpack(CopyPolicy::Never).unwrap().value.into_raw());
            // SAFETY: exported above.
            let tensor = unsafe { VersionedTensor::from_raw(raw) }.unwrap();
            black_box(&tensor.view().unwrap());
        }),
        Contender::new("viewbridge, owning view", || {
            let raw = black_box(black_box(&view).to_dlpack(CopyPolicy::Never).unwrap().value.into_raw());
            // SAFETY: exported above.
            let tensor = unsafe { VersionedTensor::from_raw(raw) }.unwrap();
            black_box(&tensor.into_view().unwrap());
        }),
    ];
    race(
        criterion,
        &format!("DLPack export, validated import, drop, rank {N}"),
        contenders,
    );
}

fn arrow(criterion: &mut Criterion) {
    let view = ours(&[ITEMS]);
    let owner = Owner::new(vec![0.0; ITEMS]);
    let contenders = vec![
        Contender::new("arrow: buffer over an Arc", || {
            let owner = black_box(&owner);
            let ptr = std::ptr::NonNull::new(owner.as_ptr().cast_mut().cast()).unwrap();
            // SAFETY: the owner keeps the data alive.
            let buffer = unsafe { Buffer::from_custom_allocation(ptr, ITEMS * 4, Arc::<Vec<f32>>::clone(owner)) };
            black_box(&buffer);
        }),
        Contender::new("viewbridge: array of a view", || {
            black_box(&black_box(&view).to_arrow(CopyPolicy::Never).unwrap());
        }),
    ];
    race(criterion, "Arrow over existing memory", contenders);
}
