//! Strided memory views with NumPy's memory model, bridged to Arrow and DLPack.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod allocation;
mod buffer;
pub mod convert;
mod copy;
mod dtype;
mod error;
mod info;
mod layout;
mod memory;
mod reason;
mod typed;
mod view;
mod view_mut;

pub use buffer::Buffer;
pub use convert::{Converted, CopyPolicy, CopyRecord, CopyReport, Plan, Requirements};
pub use dtype::{ByteOrder, Complex, DType, Element, Kind, Logical, TimeUnit};
pub use error::{ArrowFault, DlpackFault, Error, LayoutError, NpyFault, Result};
pub use info::Info;
pub use layout::{Dim, Disjointness, Index, Layout, MAX_NDIM, Offsets, Slice, Unit};
pub use memory::{Access, Device, Order, OwnerKind};
pub use reason::{CopyReason, Refusal};
pub use typed::{TypedView, TypedViewMut};
pub use view::StridedView;
pub use view_mut::StridedViewMut;

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "dlpack")]
pub mod dlpack;
pub mod files;
