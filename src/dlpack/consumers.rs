//! What the libraries take that people hand tensors to, found out by handing them tensors.
//!
//! `tests/consumers/probe.py` makes tensors of every type and layout, field by field, and notes what became of each; the profiles here are held to
//! its table by `tests/dlpack_profiles.rs`. A consumer that copies in silence does not take a tensor as it is: its profile says so beforehand.
//!
//! ```
//! use viewbridge::StridedView;
//! use viewbridge::dlpack::consumers;
//!
//! let a = StridedView::from_vec(vec![0_f32; 6]).reshape(&[2, 3])?.flip(0)?;
//! let takers = consumers::ALL.iter().filter(|consumer| a.plan(consumer).is_shared());
//! assert!(takers.map(|consumer| consumer.consumer()).eq(["NumPy", "TVM FFI"]));
//! println!("{}", a.plan(&consumers::PYTORCH));
//! // PyTorch: copied (24 bytes) because negative stride (axis 0: -12)
//! # Ok::<(), viewbridge::Error>(())
//! ```
//!
//! | profile | version | struct | strides | read-only memory | devices |
//! |---|---|---|---|---|---|
//! | [`NUMPY`] | 2.4 | versioned | any | stays read-only | all that the CPU reads |
//! | [`PYTORCH`] | 2.15 | versioned | not negative | **taken as writable** | CPU, CUDA, ROCm, Metal, oneAPI, MAIA |
//! | [`JAX`], [`JAX_X64`] | 0.10 | legacy | dense, in any order; the address a multiple of 64, else it copies | refused by legacy DLPack | CPU, CUDA and its pinned memory, ROCm |
//! | [`PYARROW_ARRAY`] | 26 | versioned | one axis, contiguous | stays read-only | CPU |
//! | [`PYARROW_TENSOR`] | 26 | versioned | not negative | stays read-only | CPU |
//! | [`PYARROW_FIXED_SHAPE`] | 26 | versioned | row-major; **gaps yield other items**, none or no axes a crash | stays read-only | CPU |
//! | [`CUPY`] | from its source | versioned | any | **taken as writable** | CUDA and its managed memory, ROCm |
//! | [`TVM_FFI`] | 0.1 | versioned | any | **taken as writable** | all |
//! | [`CANDLE`] | 0.11 | – | row-major, always a copy | – | CPU |
//!
//! polars 2.1 and nanoarrow 0.9 take no DLPack tensors; they are reached through Arrow.

use super::export::{LEGACY, VERSIONED};
use crate::convert::{Alignment, LayoutClass, MemoryUse, Requirements, StrideSign};
use crate::dtype::{DType, Kind};
use crate::memory::{Device, Order};

/// `numpy.from_dlpack`.
pub const NUMPY: Requirements = VERSIONED
    .named("NumPy")
    .dtypes(|dtype| is_number(dtype) || is_complex(dtype) || is_bool(dtype))
    .cpu_readable();

/// `torch.from_dlpack`.
///
/// PyTorch has no read-only tensors and ignores the flag: what is handed over read-only is shared, and protected by nothing but the manners of
/// the code that uses it. `PYTORCH.memory(MemoryUse::Write)` refuses such memory, `MemoryUse::WriteOrCopy` copies it.
pub const PYTORCH: Requirements = VERSIONED
    .named("PyTorch")
    .strides(StrideSign::NonNegative)
    .dtypes(torch_dtype)
    .devices(|device| matches!(device.device_type, CPU | CUDA | METAL | ROCM | ONE_API | MAIA));

/// `jax.dlpack.from_dlpack`, as JAX is by default: 64-bit numbers are refused, because it would make them 32-bit ones.
///
/// JAX asks for legacy tensors, which cannot say that memory is read-only. It does not write, but to donated buffers; who trusts it with
/// read-only memory says so: `JAX.memory(MemoryUse::Read)` to plan, [`to_dlpack_legacy_trusted`](crate::StridedView::to_dlpack_legacy_trusted) to
/// export.
pub const JAX: Requirements = jax("JAX").dtypes(|dtype| jax_dtype(dtype) && dtype.bits() < wide(dtype));

/// [`JAX`] with `jax_enable_x64`.
pub const JAX_X64: Requirements = jax("JAX (x64)").dtypes(jax_dtype);

const fn jax(name: &'static str) -> Requirements {
    LEGACY
        .named(name)
        .layout_class(LayoutClass::Permuted)
        .alignment(Alignment::Bytes(64))
        .devices(|device| matches!(device.device_type, CPU | CUDA | CUDA_HOST | ROCM))
}

/// `pyarrow.Array.from_dlpack`.
pub const PYARROW_ARRAY: Requirements = pyarrow("pyarrow.Array").contiguous(Order::C).ndim(1, 1);

/// `pyarrow.Tensor.from_dlpack`.
pub const PYARROW_TENSOR: Requirements = pyarrow("pyarrow.Tensor").strides(StrideSign::NonNegative);

/// `pyarrow.FixedShapeTensorArray.from_dlpack`: the first axis are the rows.
///
/// It does not look for gaps: `arange(24).reshape(4, 6)[::2]` comes out as other items. The profile asks for a copy.
pub const PYARROW_FIXED_SHAPE: Requirements = pyarrow("pyarrow.FixedShapeTensorArray")
    .contiguous(Order::C)
    .ndim(1, 32)
    .some_items();

const fn pyarrow(name: &'static str) -> Requirements {
    VERSIONED
        .named(name)
        .dtypes(is_number)
        .devices(|device| device.device_type == CPU)
}

/// `cupy.from_dlpack`.
///
/// Like PyTorch, CuPy takes read-only memory as writable.
pub const CUPY: Requirements = VERSIONED
    .named("CuPy")
    .dtypes(|dtype| is_number(dtype) || is_complex(dtype) || is_bool(dtype))
    .devices(|device| matches!(device.device_type, CUDA | CUDA_MANAGED | ROCM));

/// `tvm_ffi.from_dlpack`, which looks for the C exchange API first: all that DLPack has (its `dtype` has no name for complex numbers).
///
/// Like PyTorch, it takes read-only memory as writable.
pub const TVM_FFI: Requirements = VERSIONED.named("TVM FFI");

/// Tensors of the candle crate, which on the CPU are a `Vec` and nothing else.
pub const CANDLE: Requirements = Requirements::any("candle")
    .contiguous(Order::C)
    .native()
    .storage_only()
    .memory(MemoryUse::Own)
    .dtypes(candle_dtype)
    .cpu_readable();

/// All profiles.
pub const ALL: &[&Requirements] = &[
    &NUMPY,
    &PYTORCH,
    &JAX,
    &JAX_X64,
    &PYARROW_ARRAY,
    &PYARROW_TENSOR,
    &PYARROW_FIXED_SHAPE,
    &CUPY,
    &TVM_FFI,
    &CANDLE,
];

const CPU: u32 = Device::CPU.device_type;
const CUDA: u32 = 2;
const CUDA_HOST: u32 = 3;
const METAL: u32 = 8;
const ROCM: u32 = 10;
const CUDA_MANAGED: u32 = 13;
const ONE_API: u32 = 14;
const MAIA: u32 = 17;

/// Integers and IEEE floats of the usual widths.
const fn is_number(dtype: &DType) -> bool {
    dtype.lanes() == 1
        && matches!(
            (dtype.kind(), dtype.bits()),
            (Kind::Int | Kind::UInt, 8 | 16 | 32 | 64) | (Kind::Float, 16 | 32 | 64)
        )
}

const fn is_complex(dtype: &DType) -> bool {
    dtype.lanes() == 1 && matches!((dtype.kind(), dtype.bits()), (Kind::Complex, 64 | 128))
}

const fn is_bool(dtype: &DType) -> bool {
    dtype.lanes() == 1 && matches!((dtype.kind(), dtype.bits()), (Kind::Bool, 8))
}

/// Half-precision complex numbers, the eight-bit floats that it has itself, and pairs of 4-bit floats come on top.
fn torch_dtype(dtype: &DType) -> bool {
    let more = match (dtype.kind(), dtype.lanes()) {
        (Kind::Bfloat, 1) => true,
        (Kind::Complex, 1) => dtype.bits() == 32,
        (
            Kind::Float8E4m3fn | Kind::Float8E4m3fnuz | Kind::Float8E5m2 | Kind::Float8E5m2fnuz | Kind::Float8E8m0fnu,
            1,
        ) => true,
        (Kind::Float4E2m1fn, 2) => !dtype.is_padded(),
        _ => false,
    };
    more || is_number(dtype) || is_complex(dtype) || is_bool(dtype)
}

/// All eight-bit floats and bfloat16 come on top.
fn jax_dtype(dtype: &DType) -> bool {
    let more = matches!(
        dtype.kind(),
        Kind::Bfloat
            | Kind::Float8E3m4
            | Kind::Float8E4m3
            | Kind::Float8E4m3b11fnuz
            | Kind::Float8E4m3fn
            | Kind::Float8E4m3fnuz
            | Kind::Float8E5m2
            | Kind::Float8E5m2fnuz
            | Kind::Float8E8m0fnu
    );
    (more && dtype.lanes() == 1) || is_number(dtype) || is_complex(dtype) || is_bool(dtype)
}

/// Bits from which on JAX takes a number for a wide one.
const fn wide(dtype: &DType) -> u64 {
    match dtype.kind() {
        Kind::Complex => 128,
        _ => 64,
    }
}

fn candle_dtype(dtype: &DType) -> bool {
    let known = match dtype.kind() {
        Kind::UInt => matches!(dtype.bits(), 8 | 32),
        Kind::Int => matches!(dtype.bits(), 16 | 32 | 64),
        Kind::Bfloat => true,
        Kind::Float => is_number(dtype),
        _ => false,
    };
    known && dtype.lanes() == 1
}
