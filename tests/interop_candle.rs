//! candle's tensors as views at the same addresses, and views as its tensors.
#![cfg(feature = "candle")]
#![allow(missing_docs)]

use candle_core::{CpuStorage, DType as CandleType, Device, Storage, Tensor, WithDType};
use half::{bf16, f16};
use viewbridge::interop::candle::Held;
use viewbridge::{CopyReason, DType, Element, Error, Kind, Refusal, StridedView};

fn numbers(shape: &[usize]) -> Tensor {
    let len = u32::try_from(shape.iter().product::<usize>()).unwrap();
    Tensor::arange(0, len, &Device::Cpu).unwrap().reshape(shape).unwrap()
}

/// Address of item 0 of the tensor's memory.
fn memory<T: WithDType>(tensor: &Tensor) -> *const u8 {
    let (storage, _) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        panic!("elsewhere")
    };
    T::cpu_storage_as_slice(storage).unwrap().as_ptr().cast()
}

fn items(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn every_layout_that_candle_makes_is_shared() {
    let tensor = numbers(&[4, 3, 5]);
    let memory = memory::<u32>(&tensor);
    let layouts = [
        (tensor.clone(), 0),
        (tensor.t().unwrap(), 0),
        (tensor.permute((2, 0, 1)).unwrap(), 0),
        (tensor.narrow(0, 1, 2).unwrap(), 60),
        (tensor.narrow(2, 3, 2).unwrap().t().unwrap(), 12),
        (tensor.narrow(1, 0, 1).unwrap().broadcast_as((4, 3, 5)).unwrap(), 0),
        (tensor.narrow(0, 2, 0).unwrap(), 0),
    ];
    for (tensor, offset) in layouts {
        let held = Held::of(&tensor);
        let view = held.view().unwrap();
        assert_eq!(view.shape(), tensor.dims());
        assert_eq!(view.to_vec::<u32>().unwrap(), items(&tensor), "{tensor:?}");
        if !view.is_empty() {
            assert_eq!(view.data_ptr(), memory.wrapping_add(offset), "{tensor:?}");
        }
        let back = view.to_candle().unwrap();
        assert_eq!(
            (items(&back.value), back.report.bytes_copied()),
            (items(&tensor), view.nbytes())
        );
    }
}

fn there_and_back<T: Element + WithDType>(one: T) {
    let tensor = Tensor::from_vec(vec![one; 6], (2, 3), &Device::Cpu).unwrap();
    let held = Held::of(&tensor);
    let view = held.view().unwrap();
    assert_eq!(
        (view.dtype(), view.data_ptr()),
        (&<T as Element>::DTYPE, memory::<T>(&tensor))
    );
    let copied = view.to_candle().unwrap();
    assert_eq!(copied.report.reasons().collect::<Vec<_>>(), [&CopyReason::OwnMemory]);
    assert_eq!(
        (copied.value.dims(), copied.value.dtype()),
        (&[2, 3][..], tensor.dtype())
    );
    assert_ne!(memory::<T>(&copied.value), memory::<T>(&tensor));
}

#[test]
fn every_type_of_both() {
    there_and_back(1_u8);
    there_and_back(1_u32);
    there_and_back(1_i16);
    there_and_back(1_i32);
    there_and_back(1_i64);
    there_and_back(f16::ONE);
    there_and_back(bf16::ONE);
    there_and_back(1.0_f32);
    there_and_back(1.0_f64);
}

#[test]
fn eight_bit_floats_are_seen_by_their_bits() {
    let tensor = Tensor::new(&[1.0_f32, -2.0], &Device::Cpu)
        .unwrap()
        .to_dtype(CandleType::F8E4M3)
        .unwrap();
    let held = Held::of(&tensor);
    let view = held.view().unwrap();
    assert_eq!(view.dtype(), &DType::new(Kind::Float8E4m3fn, 8));
    assert_eq!(view.view_as(DType::U8).unwrap().to_vec::<u8>().unwrap(), [0x38, 0xc0]);
    assert!(matches!(
        view.to_candle().unwrap_err(),
        Error::Refused {
            refusal: Refusal::DType { .. },
            ..
        }
    ));
}

#[test]
fn what_candle_lacks_is_refused() {
    let refused = |view: &StridedView<'_>| match view.to_candle().unwrap_err() {
        Error::Refused { refusal, .. } => refusal,
        other => panic!("{other}"),
    };
    assert!(matches!(
        refused(&StridedView::from_vec(vec![1_u16])),
        Refusal::DType { .. }
    ));
    assert!(matches!(
        refused(&StridedView::from_vec(vec![true])),
        Refusal::DType { .. }
    ));
    let swapped = StridedView::from_vec(vec![0x0100_u16.cast_signed()])
        .view_as(DType::I16.swapped())
        .unwrap();
    let tensor = swapped.to_candle().unwrap();
    assert_eq!(tensor.value.to_vec1::<i16>().unwrap(), [1]);
    assert_eq!(tensor.report.reasons().count(), 2);

    let storage = Storage::Cpu(CpuStorage::F4(vec![0; 2]));
    let tensor = Tensor::from_storage(storage, (4,), candle_core::op::BackpropOp::none(), false);
    let error = Held::of(&tensor).view().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                refusal: Refusal::DType { .. },
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_held_tensor_is_not_written() {
    let tensor = numbers(&[4]);
    let held = Held::of(&tensor);
    let (waiting, other) = (tensor.clone(), numbers(&[4]));
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || waiting.slice_set(&(other + 9.0).unwrap(), 0, 0).unwrap());
        // Long enough for a writer that does not wait.
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(held.view().unwrap().to_vec::<u32>().unwrap(), [0, 1, 2, 3]);
        drop(held);
        writer.join().unwrap();
    });
    assert_eq!(items(&tensor), [9, 10, 11, 12]);
}
