//! The doors through which an object comes in.

use std::fmt;

/// How memory came in from Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Door {
    /// Not at all: Rust made it.
    Rust,
    /// The DLPack C exchange API.
    ExchangeApi,
    /// `__dlpack__`, with a versioned capsule.
    Dlpack,
    /// `__dlpack__`, with a capsule of DLPack before 1.0.
    DlpackLegacy,
    /// The buffer protocol.
    Buffer,
    /// `__arrow_c_device_array__`.
    ArrowDeviceArray,
    /// `__arrow_c_array__`.
    ArrowArray,
    /// `__arrow_c_stream__`.
    ArrowStream,
    /// `__array_interface__`.
    ArrayInterface,
    /// A file.
    File,
}

impl Door {
    /// The name of the attribute or protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::ExchangeApi => "__dlpack_c_exchange_api__",
            Self::Dlpack => "__dlpack__",
            Self::DlpackLegacy => "__dlpack__ (legacy)",
            Self::Buffer => "buffer protocol",
            Self::ArrowDeviceArray => "__arrow_c_device_array__",
            Self::ArrowArray => "__arrow_c_array__",
            Self::ArrowStream => "__arrow_c_stream__",
            Self::ArrayInterface => "__array_interface__",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
