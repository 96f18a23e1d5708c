//! ndarray: its arrays and views as views here, and the other way round.
//!
//! | from | to | |
//! |---|---|---|
//! | `Array`, `ArcArray` | [`StridedView<'static>`](StridedView) | `try_from`: takes it over, shares the items |
//! | `ArrayView` | [`StridedView`] | `try_from`: borrows |
//! | `ArrayViewMut` | [`StridedViewMut`] | `try_from`: borrows exclusively |
//! | [`StridedView`] | `ArrayViewD` | [`as_ndarray`](StridedView::as_ndarray): shares, or says why not |
//! | [`StridedViewMut`] | `ArrayViewMutD` | [`as_ndarray_mut`](StridedViewMut::as_ndarray_mut) |
//! | [`StridedView`] | `CowArray` | [`to_ndarray`](StridedView::to_ndarray): shares if possible, else copies and reports |
//!
//! ndarray counts strides in items, and its arrays have one Rust type: misaligned or byte-swapped items, packed booleans and strides that are no whole
//! number of items have to be copied. Reversed, gapped, broadcast and overlapping layouts do not. Its complex numbers are those of `num-complex`,
//! which are no [`Element`].
//!
//! A column of Arrow data in ndarray's arithmetic, without a copy:
//!
#![cfg_attr(
    feature = "arrow",
    doc = "
```
use arrow_array::Float64Array;
use viewbridge::arrow::{Column, Nulls};

let prices = Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]);
let column = Column::from_array(&prices, Nulls::Forbid)?;
let table = column.view().reshape(&[2, 2])?;
assert_eq!(table.as_ndarray::<f64>()?.sum_axis(ndarray::Axis(0)), ndarray::arr1(&[4.0, 6.0]).into_dyn());
# Ok::<(), viewbridge::Error>(())
```
"
)]
//! # Safety
//!
//! - *borrowed*: an array of ndarray promises for its lifetime what `&[T]` (or `&mut [T]`) promises of each of its items; of the bytes between
//!   them it promises nothing, so that buffers with gaps are *confined*.
//! - *counted*: as long as one `ArcArray` of an allocation lives, no other is the only one, and only the only one writes.
//! - *out*: what goes out has passed [`REQUIREMENTS`], and its items are `T` by type and by bits: with *in bounds* of [`StridedView`] and *exclusive* of
//!   [`StridedViewMut`] that is all that ndarray asks for, but for empty layouts, which get no pointer of ours.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use ndarray::{
    ArcArray, Array, ArrayD, ArrayView, ArrayViewD, ArrayViewMut, ArrayViewMutD, Axis, CowArray, Dimension, IxDyn,
    RawArrayView, RawArrayViewMut, ShapeBuilder,
};

use crate::buffer::Buffer;
use crate::convert::{Converted, CopyPolicy, MemoryUse, Packing, Requirements};
use crate::dtype::Element;
#[cfg(doc)]
use crate::error::LayoutError;
use crate::error::{Error, Result};
use crate::layout::{Disjointness, Layout};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// What an ndarray view accepts: aligned native items, whole items between them, memory that nobody writes and the CPU reads.
pub const REQUIREMENTS: Requirements = Requirements::any("ndarray")
    .aligned()
    .native()
    .whole_items()
    .packing(Packing::Bytes)
    .memory(MemoryUse::Immutable)
    .cpu_readable();

/// Takes the array over: the items stay where they are, and the last view of them may write ([`StridedViewMut`]'s `try_from`).
///
/// # Errors
///
/// [`LayoutError::RankTooHigh`] beyond 64 axes; the array is dropped then.
impl<T: Element, D: Dimension> TryFrom<Array<T, D>> for StridedView<'static> {
    type Error = Error;

    fn try_from(array: Array<T, D>) -> Result<Self> {
        let (shape, strides) = (array.shape().to_vec(), byte_strides::<T>(array.strides()));
        let (items, first) = array.into_raw_vec_and_offset();
        // Without items there is no first one, and any place will do.
        let offset = first.unwrap_or(0) * size_of::<T>();
        let layout = Layout::strided(&shape, &strides, offset, &T::DTYPE)?;
        Self::new(Buffer::from_vec(items), T::DTYPE, layout)
    }
}

/// Takes a share of the array.
///
/// # Errors
///
/// [`LayoutError::RankTooHigh`] beyond 64 axes.
impl<T: Element, D: Dimension + 'static> TryFrom<ArcArray<T, D>> for StridedView<'static> {
    type Error = Error;

    fn try_from(array: ArcArray<T, D>) -> Result<Self> {
        let (ptr, layout) = placed(array.as_ptr(), array.shape(), array.strides())?;
        let (access, device, kind) = (Access::Immutable, Device::CPU, OwnerKind::Heap);
        // SAFETY: *counted*, and the owner is a share.
        let buffer = unsafe { Buffer::from_raw_parts(ptr, layout.byte_span().end, access, device, kind, array) };
        Ok(Self::from_parts(with_gaps(buffer, &layout), T::DTYPE, layout, None))
    }
}

/// Borrows the array.
///
/// # Errors
///
/// [`LayoutError::RankTooHigh`] beyond 64 axes.
impl<'a, T: Element, D: Dimension> TryFrom<ArrayView<'a, T, D>> for StridedView<'a> {
    type Error = Error;

    fn try_from(array: ArrayView<'a, T, D>) -> Result<Self> {
        let (ptr, layout) = placed(array.as_ptr(), array.shape(), array.strides())?;
        // SAFETY: *borrowed*.
        let buffer = unsafe { Buffer::from_raw_borrowed(ptr, layout.byte_span().end, Access::Immutable, Device::CPU) };
        Ok(Self::from_parts(with_gaps(buffer, &layout), T::DTYPE, layout, None))
    }
}

/// Borrows the array, exclusively.
///
/// # Errors
///
/// [`LayoutError::RankTooHigh`] beyond 64 axes.
impl<'a, T: Element, D: Dimension> TryFrom<ArrayViewMut<'a, T, D>> for StridedViewMut<'a> {
    type Error = Error;

    fn try_from(mut array: ArrayViewMut<'a, T, D>) -> Result<Self> {
        let first = array.as_mut_ptr();
        let (ptr, layout) = placed(first, array.shape(), array.strides())?;
        // SAFETY: *borrowed*.
        let buffer = unsafe { Buffer::from_raw_borrowed(ptr, layout.byte_span().end, Access::Immutable, Device::CPU) };
        let view = StridedView::from_parts(with_gaps(buffer, &layout), T::DTYPE, layout, None);
        Ok(Self::of_part(view))
    }
}

impl StridedView<'_> {
    /// The same items as a view of ndarray. Never copies. O(rank); O(items) for `bool`, whose bytes are looked at.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?.flip(1)?;
    /// let array = a.as_ndarray::<i32>()?;
    /// assert_eq!(array, ndarray::arr2(&[[2, 1, 0], [5, 4, 3]]).into_dyn());
    /// assert_eq!(array.sum(), 15);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`] with everything that ndarray has no word for ([`REQUIREMENTS`]), [`Error::Refused`] for memory that the CPU cannot
    /// read, [`Error::DTypeMismatch`], [`Error::InvalidItem`] for a `bool` that is neither 0 nor 1.
    pub fn as_ndarray<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        shown(&self.as_borrowed().convert(&REQUIREMENTS, CopyPolicy::Never)?.value)
    }

    /// The same items as an array of ndarray: a view if possible, else a row-major copy.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, DType, StridedView};
    ///
    /// let big_endian = StridedView::from_vec(vec![0x0100_u16, 0x0200]).view_as(DType::U16.swapped())?;
    /// let array = big_endian.to_ndarray::<u16>(CopyPolicy::IfNeeded)?;
    /// assert_eq!(array.report.to_string(), "copied 4 bytes (big-endian byte order)");
    /// assert_eq!(array.value, ndarray::arr1(&[1, 2]).into_dyn());
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`as_ndarray`](Self::as_ndarray), [`Error::CopyForbidden`] under [`CopyPolicy::Never`] only; [`Error::OutOfMemory`].
    pub fn to_ndarray<T: Element>(&self, policy: CopyPolicy) -> Result<Converted<CowArray<'_, T, IxDyn>>> {
        let Some(items) = self.to_vec_if_needed::<T>(&REQUIREMENTS, policy)? else {
            return Ok(Converted::shared(self.as_ndarray::<T>()?.into()));
        };
        let array = |items| ArrayD::from_shape_vec(self.shape(), items).expect("as many items as the shape has");
        Ok(items.map(|items| array(items).into()))
    }
}

impl StridedViewMut<'_> {
    /// The same items as a mutable view of ndarray. O(rank²); O(items) for `bool`, whose bytes are looked at.
    ///
    /// ```
    /// use viewbridge::StridedViewMut;
    ///
    /// let mut items = [1.0_f64, 2.0, 3.0, 4.0];
    /// let mut columns = StridedViewMut::from_slice(&mut items).reshape(&[2, 2])?.transpose();
    /// columns.as_ndarray_mut::<f64>()?.index_axis_mut(ndarray::Axis(0), 0).fill(0.0);
    /// assert_eq!(items, [0.0, 2.0, 0.0, 4.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StridedView::as_ndarray`]; [`Error::SelfOverlap`] for interleaved axes, whose items are apart but not in the nested way that ndarray
    /// asks for.
    pub fn as_ndarray_mut<T: Element>(&mut self) -> Result<ArrayViewMutD<'_, T>> {
        // To ask only: what is shared is the view itself.
        let _shared = self
            .as_view()
            .convert(&REQUIREMENTS.memory(MemoryUse::Read), CopyPolicy::Never)?;
        if let Disjointness::MayOverlap { axis, expected } = self.layout().disjointness() {
            let stride = self.strides()[axis];
            return Err(Error::SelfOverlap { axis, stride, expected });
        }
        self.typed_mut::<T>()?;
        let first = self.data_ptr().cast::<T>();
        let axes = Axes::of(self.layout());
        if axes.is_empty() {
            return Ok(ArrayViewMut::from_shape(axes.shape, &mut []).expect("no items"));
        }
        let lowest = first.wrapping_sub(axes.below);
        // SAFETY: *out*, nested as checked.
        let mut raw = unsafe { RawArrayViewMut::from_shape_ptr(axes.shape.strides(axes.strides), lowest) };
        for axis in axes.reversed {
            raw.invert_axis(axis);
        }
        // SAFETY: *out*; the view is borrowed exclusively for as long as the array lives.
        Ok(unsafe { raw.deref_into_view_mut() })
    }
}

/// The items of a view that has passed [`REQUIREMENTS`].
fn shown<'a, T: Element>(view: &StridedView<'a>) -> Result<ArrayViewD<'a, T>> {
    view.typed::<T>()?;
    let axes = Axes::of(view.layout());
    if axes.is_empty() {
        return Ok(ArrayView::from_shape(axes.shape, &[]).expect("no items"));
    }
    let lowest = view.data_ptr().cast::<T>().wrapping_sub(axes.below);
    // SAFETY: *out*.
    let mut raw = unsafe { RawArrayView::from_shape_ptr(axes.shape.strides(axes.strides), lowest) };
    for axis in axes.reversed {
        raw.invert_axis(axis);
    }
    // SAFETY: *out*; the view borrows or owns the memory for `'a`.
    Ok(unsafe { raw.deref_into_view() })
}

/// Axes as ndarray takes them: from the lowest item on, reversed afterwards.
struct Axes {
    shape: IxDyn,
    /// In items, none negative.
    strides: IxDyn,
    reversed: Vec<Axis>,
    /// Items between the lowest and the first.
    below: usize,
}

impl Axes {
    /// Those of a layout whose strides are whole items.
    fn of(layout: &Layout) -> Self {
        let signed = layout.element_strides().expect("whole items, as the plan has checked");
        let (mut strides, mut reversed, mut below) = (IxDyn::zeros(layout.ndim()), Vec::new(), 0);
        // Strides that mean nothing stay 0.
        let meaningful = |axis: usize| layout.shape()[axis] > 1 && !layout.is_empty();
        for axis in (0..layout.ndim()).filter(|&axis| meaningful(axis)) {
            strides[axis] = signed[axis].unsigned_abs();
            if signed[axis] < 0 {
                below += strides[axis] * (layout.shape()[axis] - 1);
                reversed.push(Axis(axis));
            }
        }
        Self {
            shape: IxDyn(layout.shape()),
            strides,
            reversed,
            below,
        }
    }

    fn is_empty(&self) -> bool {
        self.shape.slice().contains(&0)
    }
}

/// Strides in bytes. Those that no address can have mean nothing.
fn byte_strides<T>(strides: &[isize]) -> Vec<isize> {
    let size = size_of::<T>().cast_signed();
    strides.iter().map(|stride| stride.saturating_mul(size)).collect()
}

/// The lowest byte of an array, and its layout from there on.
fn placed<T: Element>(first: *const T, shape: &[usize], strides: &[isize]) -> Result<(NonNull<u8>, Layout)> {
    let strides = byte_strides::<T>(strides);
    let reversed = shape
        .iter()
        .zip(&strides)
        .filter(|(dim, stride)| **dim > 1 && **stride < 0);
    let below = if shape.contains(&0) {
        0
    } else {
        reversed.map(|(dim, stride)| (dim - 1) * stride.unsigned_abs()).sum()
    };
    let layout = Layout::strided(shape, &strides, below, &T::DTYPE)?;
    let lowest = first.cast_mut().cast::<u8>().wrapping_sub(below);
    Ok((NonNull::new(lowest).expect("no array of ndarray lies at null"), layout))
}

/// A buffer of the bytes that a layout reaches, *confined* to its items if there are gaps between them.
fn with_gaps<'a>(buffer: Buffer<'a>, layout: &Layout) -> Buffer<'a> {
    if layout.is_c_contiguous() || layout.is_f_contiguous() {
        buffer
    } else {
        buffer.into_confined()
    }
}
