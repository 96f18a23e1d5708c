//! candle: its CPU tensors as views, and views as its tensors.
//!
//! A tensor of candle is a `Vec` behind a lock. So a view of one lasts as long as the lock is [`Held`], and a view becomes a tensor by a copy
//! alone ([`StridedView::to_candle`], profile [`CANDLE`]), which the report calls
//! [`OwnMemory`](crate::CopyReason::OwnMemory).
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use viewbridge::interop::candle::Held;
//!
//! let tensor = Tensor::arange(0_u32, 6, &Device::Cpu)?.reshape((2, 3))?.t()?;
//! let held = Held::of(&tensor);
//! let view = held.view()?; // the same memory
//! assert_eq!((view.shape(), view.strides()), (&[3, 2][..], &[4, 12][..]));
//!
//! let copied = view.flip(0)?.to_candle()?;
//! assert_eq!(copied.report.bytes_copied(), 24);
//! assert_eq!(copied.value.to_vec2::<u32>()?, [[2, 5], [1, 4], [0, 3]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Safety
//!
//! - *one byte*: candle's 8-bit floats are a transparent struct around a `u8`.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, DeviceLocation, Layout as CandleLayout, Storage, StorageRef, Tensor, WithDType};
use half::{bf16, f16};

use crate::buffer::Buffer;
use crate::convert::{Converted, CopyPolicy};
use crate::dlpack::consumers::CANDLE;
use crate::dtype::{ByteOrder, DType, Element, Kind};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::reason::Refusal;
use crate::view::StridedView;

/// A tensor whose memory nobody writes meanwhile: candle's read lock on its storage.
///
/// Operations that make new tensors go on; those that write this one in place (`slice_set`, `inplace_op1`) wait until it is dropped, on the
/// thread that holds it for ever.
#[derive(Debug)]
pub struct Held<'t> {
    storage: StorageRef<'t>,
    layout: &'t CandleLayout,
}

impl<'t> Held<'t> {
    /// Waits until nobody writes the tensor.
    #[must_use]
    pub fn of(tensor: &'t Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    /// The tensor's items, where they are. Never copies.
    ///
    /// # Errors
    ///
    /// [`Error::DeviceMemory`] for tensors that are not on the CPU, [`Error::Refused`] for 6-bit and 4-bit floats, of which candle does not say how they
    /// lie, [`LayoutError::RankTooHigh`](crate::LayoutError::RankTooHigh) beyond 64 axes.
    pub fn view(&self) -> Result<StridedView<'_>> {
        let Storage::Cpu(storage) = &*self.storage else {
            return Err(elsewhere(self.storage.device().location()));
        };
        let (buffer, dtype) = items(storage)?;
        let size = dtype.itemsize();
        // Items of a `Vec` have addresses, and so have the distances between them.
        let strides: Vec<isize> = self
            .layout
            .stride()
            .iter()
            .map(|&stride| stride.saturating_mul(size).cast_signed())
            .collect();
        let offset = self.layout.start_offset() * size;
        let layout = Layout::strided(self.layout.dims(), &strides, offset, &dtype)?;
        StridedView::new(buffer, dtype, layout)
    }
}

impl StridedView<'_> {
    /// The items as a tensor of candle on the CPU. Always copies, in row-major order and native byte order.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for types that candle lacks, for items that mean more than their bits, and for memory that the CPU cannot read;
    /// [`Error::OutOfMemory`].
    pub fn to_candle(&self) -> Result<Converted<Tensor>> {
        match self.dtype().clone().with_byte_order(ByteOrder::NATIVE) {
            DType::U8 => self.to_tensor::<u8>(),
            DType::U32 => self.to_tensor::<u32>(),
            DType::I16 => self.to_tensor::<i16>(),
            DType::I32 => self.to_tensor::<i32>(),
            DType::I64 => self.to_tensor::<i64>(),
            DType::BF16 => self.to_tensor::<bf16>(),
            DType::F16 => self.to_tensor::<f16>(),
            DType::F64 => self.to_tensor::<f64>(),
            _ => self.to_tensor::<f32>(),
        }
    }

    fn to_tensor<T: Element + WithDType>(&self) -> Result<Converted<Tensor>> {
        // The profile asks for memory of its own: nothing but an empty view goes without a copy.
        let items = self
            .to_vec_if_needed::<T>(&CANDLE, CopyPolicy::IfNeeded)?
            .unwrap_or_else(|| Converted::shared(Vec::new()));
        let tensor = |items| Tensor::from_vec(items, self.shape(), &candle_core::Device::Cpu);
        Ok(items.map(|items| tensor(items).expect("as many items as the shape has, on the CPU")))
    }
}

/// The whole memory of a tensor.
fn items(storage: &CpuStorage) -> Result<(Buffer<'_>, DType)> {
    fn of<T: Element>(items: &[T]) -> (Buffer<'_>, DType) {
        (Buffer::from_slice(items), T::DTYPE)
    }
    let refused = |kind, bits| {
        let refusal = Refusal::DType {
            found: DType::new(kind, bits),
        };
        let consumer = "a view of a candle tensor";
        Err(Error::Refused { consumer, refusal })
    };
    Ok(match storage {
        CpuStorage::U8(items) => of(items),
        CpuStorage::U32(items) => of(items),
        CpuStorage::I16(items) => of(items),
        CpuStorage::I32(items) => of(items),
        CpuStorage::I64(items) => of(items),
        CpuStorage::BF16(items) => of(items),
        CpuStorage::F16(items) => of(items),
        CpuStorage::F32(items) => of(items),
        CpuStorage::F64(items) => of(items),
        CpuStorage::F8E4M3(items) => {
            let first = items.as_ptr().cast::<u8>();
            // SAFETY: *one byte*.
            let bytes = unsafe { std::slice::from_raw_parts(first, items.len()) };
            (Buffer::from_slice(bytes), DType::new(Kind::Float8E4m3fn, 8))
        }
        CpuStorage::F8E8M0(bytes) => (Buffer::from_slice(bytes), DType::new(Kind::Float8E8m0fnu, 8)),
        CpuStorage::F6E2M3(_) => return refused(Kind::Float6E2m3fn, 6),
        CpuStorage::F6E3M2(_) => return refused(Kind::Float6E3m2fn, 6),
        CpuStorage::F4(_) => return refused(Kind::Float4E2m1fn, 4),
    })
}

/// The device as DLPack numbers it.
fn elsewhere(location: DeviceLocation) -> Error {
    let (device_type, id) = match location {
        DeviceLocation::Cpu => (1, 0),
        DeviceLocation::Cuda { gpu_id } => (2, gpu_id),
        DeviceLocation::Metal { gpu_id } => (8, gpu_id),
    };
    Error::DeviceMemory {
        device_type,
        device_id: i32::try_from(id).unwrap_or(i32::MAX),
    }
}
