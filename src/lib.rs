//! Strided memory views with NumPy's memory model, bridged to Arrow and DLPack. Bytes are copied only when a layout leaves no choice, and
//! every copy says how many and why.
//!
//! # The model
//!
//! A [`StridedView`] is a pointer, a [`DType`], a shape, signed strides in **bytes**, and a share of whoever owns the memory:
//!
//! ```text
//! address(i₀ … iₙ₋₁) = start of memory + offset + Σ iₖ · strideₖ
//! ```
//!
//! Slicing, transposing, reversing, broadcasting and (where the strides allow) reshaping rewrite those numbers and touch no item.
//!
//! # The bridges
//!
//! | from and to | |
//! |---|---|
//! | Rust memory | [`from_vec`](StridedView::from_vec), [`from_slice`](StridedView::from_slice), [`from_owner`](StridedView::from_owner), [`typed`](StridedView::typed), [`to_vec`](StridedView::to_vec) |
#![cfg_attr(
    feature = "arrow",
    doc = "| Arrow | [`arrow::Column`], [`to_arrow`](StridedView::to_arrow), [`to_fixed_shape_tensor`](StridedView::to_fixed_shape_tensor), [`files::ipc`] |"
)]
#![cfg_attr(
    feature = "dlpack",
    doc = "| DLPack | [`dlpack::VersionedTensor`], [`to_dlpack`](StridedView::to_dlpack) |"
)]
#![cfg_attr(
    feature = "candle",
    doc = "| candle | [`interop::candle::Held`], [`to_candle`](StridedView::to_candle) |"
)]
#![cfg_attr(
    feature = "ndarray",
    doc = "| ndarray | `try_from`, [`as_ndarray`](StridedView::as_ndarray), [`to_ndarray`](StridedView::to_ndarray), [`interop::ndarray`] |"
)]
//! | files | [`files::npy`], [`files::raw`] |
#![cfg_attr(feature = "npz", doc = "| | [`files::npz`] |")]
#![cfg_attr(feature = "safetensors", doc = "| | [`files::safetensors`] |")]
//!
//! # Copies
//!
//! What a consumer accepts is a [`Requirements`] value. [`plan`](StridedView::plan) says beforehand what handing a view over will cost;
//! [`convert`](StridedView::convert) does it; [`CopyPolicy`] decides whether it may copy. Everything that may copy returns a
//! [`Converted`], whose report lists each copy with its [`CopyReason`]s. Everything else shares memory: its type says so.
//!
//! ```
//! use viewbridge::{CopyPolicy, Error, Order, StridedView};
//!
//! let images = StridedView::from_vec(vec![0_u8; 4 * 8 * 8]).reshape(&[4, 8, 8])?;
//! let columns = images.transpose(); // shares
//! assert_eq!(columns.strides(), [1, 8, 64]);
//!
//! let rows = columns.to_contiguous(Order::C)?; // has to copy, and says so
//! assert_eq!(rows.report.bytes_copied(), 256);
//! println!("{}", rows.report);
//!
//! // The same question, with "no" for an answer.
//! let refused = columns.convert(&viewbridge::convert::requirements::C_CONTIGUOUS, CopyPolicy::Never);
//! assert!(matches!(refused, Err(Error::CopyForbidden { bytes: 256, .. })));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Rights
//!
//! [`Access`] says who may write the memory while a view lives. Safe slices exist only over memory that nobody writes; writing takes a
//! [`StridedViewMut`], which is exclusive; memory that others may write is read item by item or copied.
//!
//! # Features
//!
//! `arrow`, `dlpack`, `mmap`, `npz` and `safetensors` are on by default; the core needs none of them. `python` adds conversions for authors of Python
//! extension modules. With `rayon`, copies of 8 MiB and more are shared out among the threads of the current pool. `ndarray` and `candle` add
//! views of their arrays, and arrays of views.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod allocation;
#[cfg(feature = "arrow")]
pub mod arrow;
mod assign;
mod buffer;
mod claim;
pub mod convert;
mod copy;
mod display;
#[cfg(feature = "dlpack")]
pub mod dlpack;
mod dtype;
mod error;
mod fields;
pub mod files;
mod gather;
mod info;
#[cfg(any(feature = "candle", feature = "ndarray"))]
pub mod interop;
mod lanes;
mod layout;
mod memory;
#[cfg(feature = "python")]
pub mod python;
mod reason;
mod sharing;
#[cfg(any(feature = "arrow", feature = "dlpack"))]
mod spare;
mod typed;
mod view;
mod view_mut;

pub use buffer::Buffer;
pub use convert::{Converted, CopyPolicy, CopyRecord, CopyReport, Outline, Plan, Requirements};
pub use dtype::{ByteOrder, Complex, DType, Element, Field, ItemType, Kind, Logical, Multiple, Record, TimeUnit};
pub use error::{
    ArrowFault, CDataFault, DTypeFault, DlpackFault, Error, IndexSyntax, IndexSyntaxError, LayoutError, NoView,
    NpyFault, NpzFault, RawFault, Result, SafetensorsFault,
};
pub use info::Info;
pub use layout::{
    Dim, Disjointness, Index, IndexExpr, Layout, MAX_NDIM, Offsets, Overlap, Parts, Position, Slice, Unit,
    broadcast_shape,
};
pub use memory::{Access, Device, Order, OwnerKind};
pub use reason::{CopyReason, Refusal};
pub use typed::{TypedIter, TypedIterMut, TypedView, TypedViewMut};
pub use view::{Pieces, StridedView};
pub use view_mut::{PartsMut, StridedViewMut};

#[cfg(all(doctest, feature = "arrow", feature = "dlpack"))]
#[doc = include_str!("../README.md")]
struct Readme;
