//! DLPack tensors whose fields may say anything: a typed error or a view, and the deleter runs exactly once.
//!
//! A field can lie in ways that no check finds out, and the contract of `from_raw` excludes those. So views are read only where they lie
//! inside of the producer's memory; others are described and handed on.
#![no_main]
#![allow(unsafe_code, reason = "the other side of a C interface is played here")]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor};
use libfuzzer_sys::fuzz_target;
use viewbridge::dlpack::{Abi, LegacyTensor, ManagedTensor, VersionedTensor};
use viewbridge::{Access, CopyPolicy, Layout, MAX_NDIM, Order, OwnerKind, Result, StridedView};
use viewbridge_fuzz::{Choices, bit, bits_per_unit, consumers, set_bit};

/// Bytes of the producer's memory.
const MEMORY: usize = 512;

/// Bytes of a view that are still copied.
const MANY: usize = 1 << 14;

thread_local! {
    /// How often a deleter ran.
    static DELETED: Cell<usize> = const { Cell::new(0) };
    /// Address of the producer's memory.
    static PRODUCED: Cell<usize> = const { Cell::new(0) };
}

fuzz_target!(|data: &[u8]| {
    DELETED.set(0);
    let mut choices = Choices::new(data);
    let (legacy, deletes, borrows) = (choices.coin(), choices.below(16) != 15, choices.coin());
    let producer = Producer::new(&mut choices);
    if legacy {
        let managed = producer.into_legacy(deletes);
        // SAFETY: live until the deleter runs; the fields may lie, and what passes the checks is read only where it is true.
        consume(unsafe { LegacyTensor::from_raw(managed) }, borrows);
        // SAFETY: without a deleter the tensor is still the producer's.
        finish(deletes, || drop(unsafe { take_legacy(managed) }));
    } else {
        let managed = producer.into_versioned(deletes, &mut choices);
        // SAFETY: as above.
        consume(unsafe { VersionedTensor::from_raw(managed) }, borrows);
        // SAFETY: as above.
        finish(deletes, || drop(unsafe { take_versioned(managed) }));
    }
});

/// The memory of another library. A byte of it tells its place.
#[expect(dead_code, reason = "kept alive for the pointers in the tensor")]
struct Producer {
    shape: Vec<i64>,
    strides: Vec<i64>,
    memory: Box<[u8]>,
    tensor: DLTensor,
}

fn memory() -> Box<[u8]> {
    (0..MEMORY).map(|k| (k * 7 + (k >> 8)).to_le_bytes()[0]).collect()
}

impl Producer {
    /// Shape and strides have as many entries as `ndim` says, or none if it is no rank.
    fn new(choices: &mut Choices<'_>) -> Self {
        let ndim = match choices.below(8) {
            7 => choices.extreme(),
            6 => choices.between(0, 70),
            _ => choices.between(0, 4),
        };
        let ndim = i32::try_from(ndim).unwrap_or(i32::MIN);
        let rank = usize::try_from(ndim).ok().filter(|&rank| rank <= MAX_NDIM).unwrap_or(0);
        let (tame, place) = (choices.coin(), choices.below(8));
        let mut entry = |low, high| {
            let wild = !tame && choices.coin();
            let number = if wild {
                choices.extreme()
            } else {
                choices.between(low, high)
            };
            i64::try_from(number).unwrap_or(i64::MAX)
        };
        let mut shape: Vec<i64> = (0..rank).map(|_| entry(0, 4)).collect();
        let mut strides: Vec<i64> = (0..rank).map(|_| entry(-4, 8)).collect();
        let byte_offset = entry(0, 256).cast_unsigned();
        let mut memory = memory();
        PRODUCED.set(memory.as_ptr().addr());
        let field = |pointer: *mut i64, odd| if place == odd { ptr::null_mut() } else { pointer };
        let (shape_field, strides_field) = (field(shape.as_mut_ptr(), 7), field(strides.as_mut_ptr(), 6));
        let data: *mut c_void = match place {
            5 => ptr::null_mut(),
            4 => ptr::without_provenance_mut(choices.extreme_size()),
            _ => memory.as_mut_ptr().cast(),
        };
        let tensor = DLTensor {
            data,
            device: device(choices),
            ndim,
            dtype: dtype(choices),
            shape: shape_field,
            strides: strides_field,
            byte_offset,
        };
        Self {
            shape,
            strides,
            memory,
            tensor,
        }
    }

    fn into_legacy(self, deletes: bool) -> *mut DLManagedTensor {
        Box::into_raw(Box::new(DLManagedTensor {
            dl_tensor: self.tensor,
            manager_ctx: Box::into_raw(Box::new(self)).cast(),
            deleter: deletes.then_some(delete_legacy),
        }))
    }

    fn into_versioned(self, deletes: bool, choices: &mut Choices<'_>) -> *mut DLManagedTensorVersioned {
        let wild = |c: &mut Choices<'_>| u32::try_from(c.extreme()).unwrap_or(u32::MAX);
        let major = if choices.below(8) == 7 { wild(choices) } else { 1 };
        let minor = if choices.below(8) == 7 {
            wild(choices)
        } else {
            u32::from(choices.coin()) * 3
        };
        let flags = match choices.below(4) {
            3 => choices.extreme_size() as u64,
            _ => choices.below(8) as u64,
        };
        Box::into_raw(Box::new(DLManagedTensorVersioned {
            version: DLPackVersion { major, minor },
            dl_tensor: self.tensor,
            manager_ctx: Box::into_raw(Box::new(self)).cast(),
            deleter: deletes.then_some(delete_versioned),
            flags,
        }))
    }
}

fn dtype(choices: &mut Choices<'_>) -> DLDataType {
    let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let bits = match choices.below(4) {
        3 => choices.below(256),
        _ => choices.pick(&[8, 16, 32, 64, 4, 1, 6, 12]),
    };
    let lanes = match choices.below(4) {
        3 => choices.below(1 << 16),
        _ => choices.pick(&[1, 2, 3]),
    };
    DLDataType {
        code: byte(choices.below(24)),
        bits: byte(bits),
        lanes: u16::try_from(lanes).unwrap_or(u16::MAX),
    }
}

fn device(choices: &mut Choices<'_>) -> DLDevice {
    let wild = choices.below(8) == 7;
    let device_type = if wild { choices.below(20) } else { 1 };
    DLDevice {
        device_type: u32::try_from(device_type).unwrap_or(1),
        device_id: i32::from(wild),
    }
}

/// # Safety
///
/// The tensor was made by [`Producer::into_legacy`] and is not used any more.
unsafe fn take_legacy(managed: *mut DLManagedTensor) -> Box<Producer> {
    // SAFETY: boxed there.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: boxed there.
    unsafe { Box::from_raw(managed.manager_ctx.cast()) }
}

/// # Safety
///
/// The tensor was made by [`Producer::into_versioned`] and is not used any more.
unsafe fn take_versioned(managed: *mut DLManagedTensorVersioned) -> Box<Producer> {
    // SAFETY: boxed there.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: boxed there.
    unsafe { Box::from_raw(managed.manager_ctx.cast()) }
}

unsafe extern "C" fn delete_legacy(managed: *mut DLManagedTensor) {
    DELETED.set(DELETED.get() + 1);
    // SAFETY: the consumer is done with the tensor. A second call is a double free, which the sanitizer reports.
    drop(unsafe { take_legacy(managed) });
}

unsafe extern "C" fn delete_versioned(managed: *mut DLManagedTensorVersioned) {
    DELETED.set(DELETED.get() + 1);
    // SAFETY: as above.
    drop(unsafe { take_versioned(managed) });
}

/// The deleter ran once; without one, the tensor is left to its producer.
fn finish(deletes: bool, free: impl FnOnce()) {
    assert_eq!(DELETED.get(), usize::from(deletes));
    if !deletes {
        free();
    }
}

fn consume<A: Abi>(tensor: Result<ManagedTensor<A>>, borrows: bool) {
    let viewed = tensor.and_then(|tensor| {
        if borrows {
            look(&tensor.view()?);
        }
        tensor.into_view()
    });
    match viewed {
        Ok(view) => {
            assert_eq!((DELETED.get(), view.owner_kind()), (0, OwnerKind::Dlpack));
            look(&view);
            hand_on(&view);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Everything that a view can be asked, and its items where they are the producer's.
fn look(view: &StridedView<'_>) {
    assert!(!format!("{view:?}").is_empty() && view.access() != Access::Immutable);
    assert!(view.layout().check_within(view.buffer().len()).is_ok());
    for consumer in consumers() {
        assert!(!view.plan(&consumer).to_string().is_empty());
    }
    if view.ndim() > 0 {
        let _ = (view.flip(0), view.index_axis(0, -1), view.slice_axis(0, 1..));
    }
    let _ = (view.transpose(), view.squeeze(), view.reshape(&[view.len()]));
    if view.nbytes() <= MANY && view.device().is_cpu_readable() {
        read(view);
    }
}

/// Reads all items of a view that lies in the producer's memory, and holds them against a copy of that.
fn read(view: &StridedView<'_>) {
    if view.is_empty() {
        return assert!(view.to_bytes(Order::C).expect("no items").is_empty());
    }
    let Some(start) = start_in_memory(view) else {
        return;
    };
    let memory = memory();
    let found = view.to_bytes(Order::C).expect("readable");
    assert_eq!(
        found,
        gather(&memory[start..], view.layout(), view.nbytes()),
        "{view:?}"
    );
}

/// Where in the producer's memory a view begins, if all of it lies there.
fn start_in_memory(view: &StridedView<'_>) -> Option<usize> {
    let start = view.buffer().as_ptr().addr().checked_sub(PRODUCED.get())?;
    (start.checked_add(view.buffer().len())? <= MEMORY).then_some(start)
}

/// The items of a layout, bit by bit.
fn gather(memory: &[u8], layout: &Layout, bytes: usize) -> Vec<u8> {
    let mut gathered = vec![0; bytes];
    let unit = bits_per_unit(layout);
    let size = layout.itemsize() * unit;
    for (k, offset) in layout.offsets().enumerate() {
        for i in 0..size {
            set_bit(&mut gathered, k * size + i, bit(memory, offset * unit + i));
        }
    }
    gathered
}

/// A view goes out as it came in.
fn hand_on(view: &StridedView<'static>) {
    if let Ok(exported) = view.to_dlpack(CopyPolicy::Never) {
        compare(view, &exported.value.into_view().expect("our own tensor"));
    }
    if let Ok(exported) = view.to_dlpack_legacy(CopyPolicy::Never) {
        compare(view, &exported.value.into_view().expect("our own tensor"));
    }
}

fn compare(view: &StridedView<'_>, again: &StridedView<'_>) {
    assert_eq!((view.dtype(), view.shape()), (again.dtype(), again.shape()));
    assert_eq!((view.device(), view.access()), (again.device(), again.access()));
    if !view.is_empty() {
        assert_eq!(view.data_ptr(), again.data_ptr());
        let axes = view.shape().iter().zip(view.strides()).zip(again.strides());
        assert!(
            axes.clone().all(|((&dim, a), b)| dim == 1 || a == b),
            "{view:?} {again:?}"
        );
    }
}
