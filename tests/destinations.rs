//! Where a copy can go: fresh memory, memory of the caller that holds nothing yet, and no memory at all.
#![allow(missing_docs)]

use std::mem::MaybeUninit;

use viewbridge::convert::requirements::C_CONTIGUOUS;
use viewbridge::convert::{Alignment, Packing};
use viewbridge::{
    Buffer, CopyPolicy, CopyReason, DType, Device, Error, Layout, Order, Refusal, Requirements, StridedView,
    StridedViewMut,
};

/// What the bytes beside a destination hold.
const GUARD: u8 = 0xa5;

/// Views whose copies take every path: plain, transposed, reversed, broadcast, swapped, padded, packed, empty.
fn views() -> Vec<StridedView<'static>> {
    let numbers = StridedView::from_vec((0_u32..60).collect())
        .reshape(&[3, 4, 5])
        .unwrap();
    let bytes = StridedView::from_vec((0_u8..=255).collect());
    let bits = |shape: &[usize], strides: &[isize], offset, dtype: DType| {
        let layout = Layout::strided(shape, strides, offset, &dtype).unwrap();
        StridedView::new(bytes.buffer().clone(), dtype, layout).unwrap()
    };
    vec![
        numbers.clone(),
        numbers.transpose(),
        numbers.flip(1).unwrap(),
        numbers.slice_axis(2, ..2).unwrap(),
        numbers.slice_axis(0, ..0).unwrap(),
        numbers.broadcast_to(&[2, 3, 4, 5]).unwrap(),
        numbers.transpose().view_as(DType::U32.swapped()).unwrap(),
        bytes.clone(),
        bytes.reshape(&[64, 4]).unwrap().slice_axis(1, 1..).unwrap().transpose(),
        bits(&[100], &[1], 3, DType::BIT),
        bits(&[9, 7], &[1, 11], 5, DType::BIT),
        bits(&[5, 3], &[12, 60], 4, DType::new(viewbridge::Kind::Int, 12)),
    ]
}

fn uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    unchecked::as_uninit(bytes)
}

/// Initialised memory as memory that need not be.
mod unchecked {
    #![allow(unsafe_code, reason = "the standard library has no safe way to say so")]
    use std::mem::MaybeUninit;

    pub(super) fn as_uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
        let (ptr, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: the same memory; the crate never writes uninitialised bytes into it.
        unsafe { std::slice::from_raw_parts_mut(ptr, len) }
    }
}

#[test]
fn a_copy_into_memory_of_the_caller_is_the_copy_into_fresh_memory() {
    let consumers = [
        C_CONTIGUOUS,
        Requirements::any("F").contiguous(Order::F).native(),
        Requirements::any("bytes")
            .contiguous(Order::C)
            .packing(Packing::BoolBytes),
        Requirements::any("bits").packing(Packing::BoolBits).native(),
        Requirements::any("padded")
            .contiguous(Order::C)
            .packing(Packing::Bytes)
            .native(),
    ];
    for view in views() {
        for consumer in &consumers {
            let fresh = match view.convert(consumer, CopyPolicy::Always) {
                Ok(fresh) => fresh,
                Err(expected) => {
                    let found = view.convert_into(consumer, CopyPolicy::Always, &mut []).unwrap_err();
                    assert_eq!(found.to_string(), expected.to_string());
                    continue;
                }
            };
            let bytes = fresh.report.bytes_copied();
            for (spare, start) in [(0, 0), (1, 1), (70, 3)] {
                let mut memory = vec![GUARD; start + bytes + spare];
                let copy = view
                    .convert_into(consumer, CopyPolicy::Always, &mut uninit(&mut memory)[start..])
                    .unwrap();
                assert_eq!(copy.report, fresh.report);
                let (copy, fresh) = (&copy.value, &fresh.value);
                assert_eq!((copy.dtype(), copy.layout()), (fresh.dtype(), fresh.layout()));
                assert_eq!(
                    copy.to_bytes(Order::C).unwrap(),
                    fresh.to_bytes(Order::C).unwrap(),
                    "{view:?} for {consumer:?}"
                );
                assert!(
                    memory[..start]
                        .iter()
                        .chain(&memory[start + bytes..])
                        .all(|&byte| byte == GUARD)
                );
            }
            if bytes > 0 {
                let mut short = vec![GUARD; bytes - 1];
                let error = view
                    .convert_into(consumer, CopyPolicy::Always, uninit(&mut short))
                    .unwrap_err();
                assert!(
                    matches!(error, Error::TooShort { expected, found } if (expected, found) == (bytes, bytes - 1))
                );
                assert!(short.iter().all(|&byte| byte == GUARD), "nothing is written then");
            }
        }
    }
}

#[test]
fn what_is_shared_leaves_the_memory_alone() {
    let view = StridedView::from_vec(vec![1_i16, 2, 3]);
    let shared = view.convert_into(&C_CONTIGUOUS, CopyPolicy::IfNeeded, &mut []).unwrap();
    assert!(shared.is_shared());
    assert_eq!(shared.value.data_ptr(), view.data_ptr());
    // Where there are no items, another byte order is another name.
    let nothing = view.slice_axis(0, 3..).unwrap().view_as(DType::I16.swapped()).unwrap();
    let renamed = nothing
        .convert_into(&C_CONTIGUOUS.native(), CopyPolicy::IfNeeded, &mut [])
        .unwrap();
    assert!(renamed.is_shared() && renamed.value.dtype().is_native());
    assert!(renamed.value.buffer().same_owner(view.buffer()));
    let reversed = view.flip(0).unwrap();
    let refused = reversed.convert_into(&C_CONTIGUOUS, CopyPolicy::Never, &mut []);
    assert!(matches!(refused, Err(Error::CopyForbidden { bytes: 6, .. })));
}

#[test]
fn a_destination_has_the_alignment_that_is_asked_for() {
    let view = StridedView::from_vec(vec![1_u32, 2, 3, 4]).flip(0).unwrap();
    let mut memory = vec![0_u64; 32];
    let memory: &mut [u8] = bytemuck_bytes(&mut memory);
    let aligned = C_CONTIGUOUS.aligned();
    let odd = view
        .convert_into(&aligned, CopyPolicy::IfNeeded, &mut uninit(memory)[1..])
        .unwrap_err();
    assert!(matches!(odd, Error::Misaligned { required: 4, .. }));
    let even = view
        .convert_into(&aligned, CopyPolicy::IfNeeded, &mut uninit(memory)[4..])
        .unwrap();
    assert!(even.value.is_aligned());
    let lines = C_CONTIGUOUS.alignment(Alignment::Bytes(64));
    let start = 64 - memory.as_ptr().addr() % 64;
    let off = view
        .convert_into(&lines, CopyPolicy::IfNeeded, &mut uninit(memory)[start + 8..])
        .unwrap_err();
    assert!(matches!(off, Error::Misaligned { required: 64, .. }));
    let on = view
        .convert_into(&lines, CopyPolicy::IfNeeded, &mut uninit(memory)[start..])
        .unwrap();
    assert_eq!(on.value.data_ptr().addr() % 64, 0);
    // Items are aligned all the same where less would do.
    let less = C_CONTIGUOUS.alignment(Alignment::Bytes(2));
    let off = view
        .convert_into(&less, CopyPolicy::IfNeeded, &mut uninit(memory)[start + 2..])
        .unwrap_err();
    assert!(matches!(off, Error::Misaligned { required: 4, .. }));
}

/// The bytes of numbers.
fn bytemuck_bytes(numbers: &mut [u64]) -> &mut [u8] {
    bytemuck::cast_slice_mut(numbers)
}

#[test]
fn slices_are_filled_in_row_major_order_and_native_byte_order() {
    let numbers = StridedView::from_vec((0_u32..6).collect()).reshape(&[2, 3]).unwrap();
    let swapped = numbers.transpose().view_as(DType::U32.swapped()).unwrap();
    let mut memory = [MaybeUninit::uninit(); 8];
    let items = swapped.copy_into_slice::<u32>(&mut memory).unwrap();
    assert_eq!(items, [0, 3, 1, 4, 2, 5].map(u32::swap_bytes));
    assert_eq!(numbers.copy_into_slice(&mut memory).unwrap(), [0_u32, 1, 2, 3, 4, 5]);
    assert_eq!(numbers.flip(1).unwrap().to_vec::<u32>().unwrap(), [2, 1, 0, 5, 4, 3]);

    let short = numbers.copy_into_slice::<u32>(&mut memory[..5]);
    assert!(matches!(
        short,
        Err(Error::TooShort {
            expected: 24,
            found: 20
        })
    ));
    let mut memory = [MaybeUninit::uninit(); 6];
    let other = numbers.copy_into_slice::<i32>(&mut memory);
    assert!(matches!(
        other,
        Err(Error::DTypeMismatch {
            expected: DType::I32,
            found: DType::U32
        })
    ));
    let nothing = numbers.slice_axis(0, ..0).unwrap();
    assert_eq!(nothing.copy_into_slice::<u32>(&mut []).unwrap(), [0_u32; 0]);
}

#[test]
fn no_byte_but_0_and_1_becomes_a_bool() {
    let bytes = StridedView::from_vec(vec![0_u8, 1, 1, 2]).view_as(DType::BOOL).unwrap();
    let mut memory = [MaybeUninit::uninit(); 4];
    let error = bytes.flip(0).unwrap().copy_into_slice::<bool>(&mut memory).unwrap_err();
    assert!(matches!(
        error,
        Error::InvalidItem {
            position: 0,
            expected: DType::BOOL
        }
    ));
    let error = bytes.to_vec::<bool>().unwrap_err();
    assert!(matches!(
        error,
        Error::InvalidItem {
            position: 3,
            expected: DType::BOOL
        }
    ));
    let valid = bytes.slice_axis(0, ..3).unwrap();
    assert_eq!(valid.copy_into_slice::<bool>(&mut memory).unwrap(), [false, true, true]);
    assert_eq!(valid.to_vec::<bool>().unwrap(), [false, true, true]);
}

#[test]
fn bytes_come_in_either_order_and_as_they_are() {
    let numbers = StridedView::from_vec(vec![0x0102_u16, 0x0304, 0x0506, 0x0708])
        .view_as(DType::U16.swapped())
        .unwrap();
    let matrix = numbers.reshape(&[2, 2]).unwrap();
    for order in [Order::C, Order::F] {
        let mut memory = [GUARD; 9];
        let bytes = matrix.copy_into_bytes(order, uninit(&mut memory)).unwrap().to_vec();
        assert_eq!(bytes, matrix.to_bytes(order).unwrap());
        assert_eq!(memory[8], GUARD);
    }
    assert!(matches!(
        matrix.copy_into_bytes(Order::C, &mut []),
        Err(Error::TooShort { expected: 8, found: 0 })
    ));
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let many = StridedView::from_vec(vec![1_u8])
        .broadcast_to(&[1 << 40, 1 << 20])
        .unwrap();
    assert!(matches!(many.to_contiguous(Order::C), Err(Error::OutOfMemory { bytes }) if bytes == 1 << 60));
    assert!(matches!(many.to_vec::<u8>(), Err(Error::OutOfMemory { .. })));
    assert!(matches!(many.to_bytes(Order::F), Err(Error::OutOfMemory { .. })));
    let mut memory = [MaybeUninit::uninit(); 100];
    let error = many.copy_into_slice::<u8>(&mut memory).unwrap_err();
    assert!(matches!(error, Error::TooShort { found: 100, .. }));
}

#[test]
fn large_copies_are_whole() {
    // Enough for huge pages, and no multiple of one.
    let side = 1500;
    let items: Vec<u32> = (0..side * side).collect();
    let view = StridedView::from_vec(items)
        .reshape(&[side as usize; 2])
        .unwrap()
        .transpose();
    let expected = |k: u32| k % side * side + k / side;
    let fresh = view.to_contiguous(Order::C).unwrap().value;
    assert!(fresh.data_ptr().addr().is_multiple_of(2 << 20));
    let typed = fresh.typed::<u32>().unwrap();
    assert!(
        typed
            .as_slice()
            .unwrap()
            .iter()
            .zip(0..)
            .all(|(&item, k)| item == expected(k))
    );
    assert!(
        view.to_vec::<u32>()
            .unwrap()
            .into_iter()
            .zip(0..)
            .all(|(item, k)| item == expected(k))
    );
}

#[test]
fn nothing_is_read_from_a_device() {
    #![allow(unsafe_code, reason = "memory on a device exists only behind raw pointers")]
    let device = Device {
        device_type: 2,
        device_id: 0,
    };
    let access = viewbridge::Access::ReadOnly;
    // SAFETY: the CPU cannot read the device, so that nothing is promised of the address.
    let buffer = unsafe { Buffer::from_raw_borrowed(std::ptr::NonNull::dangling(), 8, access, device) };
    let layout = Layout::contiguous(&[8], &DType::U8, Order::C).unwrap();
    let view = StridedView::new(buffer, DType::U8, layout).unwrap();
    let mut memory = [MaybeUninit::uninit(); 8];
    let refused =
        |error: Error| matches!(error, Error::Refused { refusal: Refusal::Device { found }, .. } if found == device);
    assert!(refused(view.copy_into_slice::<u8>(&mut memory).unwrap_err()));
    assert!(refused(view.copy_into_bytes(Order::C, &mut memory).unwrap_err()));
    assert!(refused(
        view.convert_into(&C_CONTIGUOUS, CopyPolicy::Always, &mut memory)
            .unwrap_err()
    ));
    let mut items = [7_u8; 8];
    let error = view.copy_into(&mut StridedViewMut::from_slice(&mut items)).unwrap_err();
    assert!(matches!(error, Error::DeviceMemory { .. }), "{error}");
    assert_eq!(items, [7; 8]);
    let shared = view
        .convert_into(&C_CONTIGUOUS, CopyPolicy::IfNeeded, &mut memory)
        .unwrap();
    assert!(shared.report.reasons().all(|reason| *reason != CopyReason::Requested));
}
