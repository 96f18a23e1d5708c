//! DLPack, both ways: versioned and legacy tensors.
//!
//! A view goes out with [`StridedView::to_dlpack`](crate::StridedView::to_dlpack) (or `to_dlpack_legacy`) as a [`ManagedTensor`], an owned
//! handle whose raw pointer any consumer takes. A foreign pointer comes in through [`ManagedTensor::from_raw`], the one `unsafe` door;
//! everything that it claims is then checked, once, on the way to a view.
//!
//! ```
//! use viewbridge::dlpack::VersionedTensor;
//! use viewbridge::{CopyPolicy, StridedView};
//!
//! let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?.transpose();
//! let exported = a.to_dlpack(CopyPolicy::Never)?; // shares, or says why it cannot
//! let pointer = exported.value.into_raw(); // to the consumer
//!
//! // SAFETY: the pointer is a live tensor that nobody else consumes.
//! let tensor = unsafe { VersionedTensor::from_raw(pointer) }?;
//! let b = tensor.into_view()?;
//! assert_eq!((b.shape(), b.strides()), (a.shape(), a.strides()));
//! assert_eq!(b.data_ptr(), a.data_ptr());
//! # Ok::<(), viewbridge::Error>(())
//! ```
//!
//! # Rules
//!
//! The source is the specification's header, version 1.3.
//!
//! | | out | in |
//! |---|---|---|
//! | version | stamped 1.3 | another major version: error, after calling the deleter and touching nothing else |
//! | strides | always given, in items, signs and zeros as they are; where they mean nothing, as in a row-major tensor | NULL is row-major in legacy tensors and up to 1.1, an error from 1.2 on |
//! | `byte_offset` | 0, the pointer is moved; kept apart from a handle ([`has_addresses`](crate::Device::has_addresses)) | honoured |
//! | `READ_ONLY` | set unless the memory is [`Access::Shared`](crate::Access::Shared) or a fresh copy | [`Access::ReadOnly`](crate::Access::ReadOnly); without it [`Access::Shared`](crate::Access::Shared) |
//! | `IS_COPIED` | set on copies | [`ProducerCopy`]; with it, [`into_view_mut`](ManagedTensor::into_view_mut) writes |
//! | `IS_SUBBYTE_TYPE_PADDED` | set on padded types | honoured; unknown flags are ignored |
//! | no items | `data` is NULL | `data` may be anything |
//! | ownership | one block, taken from the thread's last deleted tensor where there is one; given back by the deleter, on any thread, no panic crosses | the deleter runs exactly once, on every path |

mod abi;
mod block;
mod borrow;
pub mod consumers;
mod dtype;
pub mod exchange;
mod export;
mod import;
mod managed;
#[cfg(feature = "python")]
mod prototype;

pub use abi::{Abi, VERSION};
pub use borrow::{BORROWED, BorrowedTensor};
/// The structs as the C header has them.
pub use dlpack_rs::ffi;
pub use export::{LEGACY, LEGACY_OR_COPY, VERSIONED};
pub use managed::{LegacyTensor, ManagedTensor, ProducerCopy, VersionedTensor};
#[cfg(feature = "python")]
pub(crate) use prototype::allocate_like;
