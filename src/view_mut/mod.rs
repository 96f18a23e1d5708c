//! Exclusive views: the only way to write.

mod axes;
mod parts;

use std::fmt;

pub use parts::PartsMut;

use crate::buffer::Buffer;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::layout::{Dim, Disjointness, Index, Layout, Overlap, Slice};
use crate::memory::{Access, Device, Order, OwnerKind};
use crate::view::StridedView;

/// What the search for items that share bytes may cost. Layouts met in practice take 1; a hostile one of 60 axes is given up within
/// a fraction of a second.
const SELF_OVERLAP_BUDGET: usize = 10_000;

/// An exclusive view of strided memory: no other view sees it, and no two of its items share a byte.
///
/// It comes from memory that is mutably borrowed or uniquely owned. The operations are those of [`StridedView`] that keep items
/// apart (all but broadcasting); they consume the view, because two views of the same memory would not be exclusive.
///
/// ```
/// use viewbridge::{StridedView, StridedViewMut};
///
/// let mut items = [0_i32; 6];
/// let column = StridedView::from_slice(&[7, 8]);
/// let mut matrix = StridedViewMut::from_slice(&mut items).reshape(&[2, 3])?;
/// column.copy_into(&mut matrix.reborrow().index_axis(1, 2)?)?;
/// assert_eq!(items, [0, 0, 7, 0, 0, 8]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
pub struct StridedViewMut<'a> {
    /// Invariant *exclusive*: this is the only buffer, or the only mutable borrow, of memory that may be written, on the CPU; or, of a split
    /// view, the only one for these items (*confined*). The items of the layout are disjoint. The inner view is given out only as a borrow. Memory borrowed as `[bool]` keeps
    /// the type [`DType::BOOL`], and only 0 and 1 are written to it.
    inner: StridedView<'a>,
}

impl<'a> StridedViewMut<'a> {
    /// An exclusive view of a mutably borrowed slice, one axis. Allocates nothing.
    #[must_use]
    pub fn from_slice<T: Element>(items: &'a mut [T]) -> Self {
        Self {
            inner: StridedView::of_items(Buffer::from_slice_mut(items), T::DTYPE),
        }
    }

    /// Part of an exclusive view, which is borrowed meanwhile: the caller vouches for *exclusive*.
    pub(crate) fn of_part(inner: StridedView<'a>) -> Self {
        Self { inner }
    }

    /// The view inside, to be looked at: a clone of it would break *exclusive*.
    pub(crate) fn inner(&self) -> &StridedView<'a> {
        &self.inner
    }

    /// A shared view for as long as this one is borrowed: write through it again afterwards.
    #[must_use]
    pub fn as_view(&self) -> StridedView<'_> {
        self.inner.as_borrowed()
    }

    /// An exclusive view for as long as this one is borrowed, to slice without giving this one up.
    #[must_use]
    pub fn reborrow(&mut self) -> StridedViewMut<'_> {
        StridedViewMut { inner: self.as_view() }
    }

    /// Gives up writing. The memory can then be shared.
    #[must_use]
    pub fn freeze(self) -> StridedView<'a> {
        self.inner
    }

    /// Gives up exclusiveness for NumPy's model: every view of the memory may write it ([`Access::Shared`]).
    ///
    /// This is how writable memory goes out: to a DLPack consumer, say, that is to fill it.
    #[must_use]
    pub fn share(self) -> StridedView<'a> {
        let (buffer, dtype, layout, logical) = self.inner.into_parts();
        StridedView::from_parts(buffer.into_shared(), dtype, layout, logical)
    }

    /// The data type of one item.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        self.inner.dtype()
    }

    /// Shape, strides and offset.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        self.inner.layout()
    }

    /// Items along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.inner.shape()
    }

    /// Distance between neighbours along each axis, in **bytes** (bits for packed items).
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        self.inner.strides()
    }

    /// Where the memory is.
    #[must_use]
    pub fn device(&self) -> Device {
        self.inner.device()
    }

    /// Address of the first item, for writing.
    #[must_use]
    pub fn data_ptr(&mut self) -> *mut u8 {
        self.inner
            .buffer()
            .as_mut_ptr()
            .wrapping_add(self.layout().byte_offset())
    }

    /// The memory, to ask about it.
    #[cfg(feature = "mmap")]
    pub(crate) fn buffer(&self) -> &Buffer<'a> {
        self.inner.buffer()
    }

    /// Address of the memory, for writing.
    pub(crate) fn base_ptr(&mut self) -> *mut u8 {
        self.inner.buffer().as_mut_ptr()
    }

    /// As [`StridedView::index`].
    ///
    /// # Errors
    ///
    /// As [`Layout::index`].
    pub fn index(self, indices: &[Index]) -> Result<Self> {
        self.map(|view| view.index(indices))
    }

    /// As [`StridedView::index_axis`].
    ///
    /// # Errors
    ///
    /// As [`Layout::index_axis`].
    pub fn index_axis(self, axis: usize, position: isize) -> Result<Self> {
        self.map(|view| view.index_axis(axis, position))
    }

    /// As [`StridedView::slice_axis`].
    ///
    /// # Errors
    ///
    /// As [`Layout::slice_axis`].
    pub fn slice_axis(self, axis: usize, slice: impl Into<Slice>) -> Result<Self> {
        self.map(|view| view.slice_axis(axis, slice))
    }

    /// As [`StridedView::insert_axis`].
    ///
    /// # Errors
    ///
    /// As [`Layout::insert_axis`].
    pub fn insert_axis(self, axis: usize) -> Result<Self> {
        self.map(|view| view.insert_axis(axis))
    }

    /// As [`StridedView::permute`].
    ///
    /// # Errors
    ///
    /// As [`Layout::permute`].
    pub fn permute(self, axes: &[usize]) -> Result<Self> {
        self.map(|view| view.permute(axes))
    }

    /// As [`StridedView::transpose`].
    #[must_use]
    pub fn transpose(self) -> Self {
        Self {
            inner: self.inner.transpose(),
        }
    }

    /// As [`StridedView::flip`].
    ///
    /// # Errors
    ///
    /// As [`Layout::flip`].
    pub fn flip(self, axis: usize) -> Result<Self> {
        self.map(|view| view.flip(axis))
    }

    /// As [`StridedView::squeeze_axis`].
    ///
    /// # Errors
    ///
    /// As [`Layout::squeeze_axis`].
    pub fn squeeze_axis(self, axis: usize) -> Result<Self> {
        self.map(|view| view.squeeze_axis(axis))
    }

    /// As [`StridedView::reshape`].
    ///
    /// # Errors
    ///
    /// As [`Layout::reshape`].
    pub fn reshape(self, shape: &[usize]) -> Result<Self> {
        self.map(|view| view.reshape(shape))
    }

    /// As [`StridedView::reshape_with`].
    ///
    /// # Errors
    ///
    /// As [`Layout::reshape`].
    pub fn reshape_with(self, shape: &[Dim], order: Order) -> Result<Self> {
        self.map(|view| view.reshape_with(shape, order))
    }

    /// As [`StridedView::view_as`], but booleans stay booleans: the memory may be a slice of `bool`, into which nothing but 0 and 1 may
    /// be written.
    ///
    /// # Errors
    ///
    /// As [`StridedView::view_as`]; [`Error::DTypeMismatch`] for booleans as another type.
    pub fn view_as(self, dtype: DType) -> Result<Self> {
        if *self.dtype() == DType::BOOL && dtype != DType::BOOL {
            let expected = DType::BOOL;
            return Err(Error::DTypeMismatch { expected, found: dtype });
        }
        self.map(|view| view.view_as(dtype))
    }

    /// The intermediate second claim does not outlive the call, and none of the operations makes items overlap.
    pub(crate) fn map(self, operation: impl FnOnce(&StridedView<'a>) -> Result<StridedView<'a>>) -> Result<Self> {
        operation(&self.inner).map(|inner| Self { inner })
    }
}

impl StridedViewMut<'static> {
    /// An exclusive view that owns a `Vec`, one axis. The items stay where they are.
    #[must_use]
    pub fn from_vec<T: Element>(items: Vec<T>) -> Self {
        Self {
            inner: StridedView::from_vec(items),
        }
    }
}

impl<'a> StridedView<'a> {
    /// Regains write access, if this is the last view of memory that a Rust allocation owns.
    ///
    /// # Errors
    ///
    /// [`Error::NotUnique`] if other views share the memory, others may write it or a foreign owner holds it; [`Error::ReadOnly`] if it
    /// is borrowed or may only be read; [`Error::SelfOverlap`] if items overlap, or if that is too hard to tell
    /// ([`Layout::overlaps_itself`] with a budget of 10,000). The view is given back beside the error.
    #[expect(clippy::result_large_err, reason = "a view that cannot be written must not be lost")]
    pub fn into_mut(self) -> Result<StridedViewMut<'a>, (Self, Error)> {
        let owner = self.owner_kind();
        if self.access() == Access::Shared {
            return Err((self, Error::NotUnique { owner }));
        }
        if self.access() == Access::ReadOnly || owner == OwnerKind::Borrowed {
            return Err((self, Error::ReadOnly { owner }));
        }
        if let Err(error) = self.check_disjoint() {
            return Err((self, error));
        }
        let (mut buffer, dtype, layout, logical) = self.into_parts();
        let unique = buffer.is_reclaimable();
        let inner = Self::from_parts(buffer, dtype, layout, logical);
        if unique {
            Ok(StridedViewMut { inner })
        } else {
            Err((inner, Error::NotUnique { owner }))
        }
    }

    /// Refuses to write what overlaps itself.
    pub(crate) fn check_disjoint(&self) -> Result<()> {
        if let Disjointness::MayOverlap { axis, expected } = self.layout().disjointness()
            && self.layout().overlaps_itself(SELF_OVERLAP_BUDGET) != Overlap::Disjoint
        {
            let stride = self.strides()[axis];
            return Err(Error::SelfOverlap { axis, stride, expected });
        }
        Ok(())
    }
}

impl fmt::Debug for StridedViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mut{:?}", self.inner)
    }
}
