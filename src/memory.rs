//! Plain words about memory, shared by all layers: where it is, who owns it, who may write it, in which order it runs.

use std::fmt;

/// The order in which the items of a contiguous layout follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "row-major")]
#[doc(alias = "column-major")]
pub enum Order {
    /// Row-major: the last axis is the fastest.
    C,
    /// Column-major (Fortran): the first axis is the fastest.
    F,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::C => "C",
            Self::F => "F",
        })
    }
}

/// Who may write memory while a view of it lives.
///
/// Rights only ever shrink: no operation on a view turns [`Access::ReadOnly`] back into anything else.
///
/// | | this view writes | others may write | safe `&[T]` | DLPack | NumPy |
/// |---|---|---|---|---|---|
/// | `Immutable` | no | no | yes | `READ_ONLY` | `writeable=False` |
/// | `ReadOnly` | no | yes | no | `READ_ONLY` | `writeable=False` |
/// | `Shared` | yes, unsafely | yes | no | – | `writeable=True` |
///
/// Exclusive write access is no value of this enum but a type of its own,
/// [`StridedViewMut`](crate::StridedViewMut).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nobody writes the memory as long as any view of it lives.
    Immutable,
    /// The memory may not be written through this view, but somebody else might write it.
    ReadOnly,
    /// The memory may be written through every view of it, by anybody: NumPy's model.
    Shared,
}

impl Access {
    /// What remains of the right once writing is given up: [`Access::Shared`] becomes [`Access::ReadOnly`].
    #[must_use]
    pub const fn read_only(self) -> Self {
        match self {
            Self::Shared => Self::ReadOnly,
            other => other,
        }
    }

    /// Whether a write through a view with this right would be legal.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Shared)
    }
}

/// What keeps the memory of a view alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnerKind {
    /// Nothing: the borrow checker does.
    Borrowed,
    /// A Rust allocation: a `Vec`, a box, an `Arc`, or any [`from_owner`](crate::StridedView::from_owner) value.
    Heap,
    /// An Arrow buffer.
    Arrow,
    /// A DLPack tensor of another library.
    Dlpack,
    /// A mapped file.
    MappedFile,
    /// Something behind a raw pointer.
    Foreign,
}

impl fmt::Display for OwnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Borrowed => "borrowed",
            Self::Heap => "heap",
            Self::Arrow => "Arrow",
            Self::Dlpack => "DLPack",
            Self::MappedFile => "mapped file",
            Self::Foreign => "foreign",
        })
    }
}

/// Where memory is, in DLPack's terms.
///
/// Unknown device types are kept as numbers, so that they travel through unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device {
    /// DLPack's `DLDeviceType`.
    pub device_type: u32,
    /// Number of the device; 0 for the CPU, pinned and managed memory.
    pub device_id: i32,
}

impl Device {
    /// Ordinary memory (`kDLCPU`).
    pub const CPU: Self = Self {
        device_type: 1,
        device_id: 0,
    };

    const CUDA_HOST: u32 = 3;
    const ROCM_HOST: u32 = 11;
    const CUDA_MANAGED: u32 = 13;

    /// Whether pointers to the memory are addresses, which arithmetic may move: CPU, CUDA, ROCm and oneAPI memory.
    ///
    /// The pointer to memory on any other device, a `cl_mem` say, or an `id<MTLBuffer>`, is taken for a handle. It stays as it is, and the place of
    /// the first item beside it; [`data_ptr`](crate::StridedView::data_ptr) of a view of such memory means nothing.
    #[must_use]
    pub const fn has_addresses(self) -> bool {
        matches!(
            self.device_type,
            1 | 2 | Self::CUDA_HOST | 10 | Self::ROCM_HOST | Self::CUDA_MANAGED | 14
        )
    }

    /// Whether the CPU can read the bytes: ordinary memory, pinned host memory (CUDA, ROCm) and CUDA managed memory.
    ///
    /// Pinned and managed memory may be in use by a running kernel; whoever hands it over must have synchronised.
    #[must_use]
    pub const fn is_cpu_readable(self) -> bool {
        matches!(
            self.device_type,
            1 | Self::CUDA_HOST | Self::ROCM_HOST | Self::CUDA_MANAGED
        )
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.device_type {
            1 => return f.write_str("cpu"),
            2 => "cuda",
            3 => "cuda_host",
            4 => "opencl",
            7 => "vulkan",
            8 => "metal",
            9 => "vpi",
            10 => "rocm",
            11 => "rocm_host",
            12 => "ext_dev",
            13 => "cuda_managed",
            14 => "oneapi",
            15 => "webgpu",
            16 => "hexagon",
            17 => "maia",
            18 => "trn",
            19 => "tpu",
            20 => "tpu_host",
            other => return write!(f, "device_type_{other}:{}", self.device_id),
        };
        write!(f, "{name}:{}", self.device_id)
    }
}
