//! The view: memory, a data type and a layout. What it is and where it comes from; the operations are in the modules below, one per concept.

mod axes;
mod dtype;
mod index;
mod parts;
mod repeat;
mod reshape;

pub use self::parts::Pieces;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::dtype::{DType, Element, Logical};
use crate::error::{Error, LayoutError, Result};
use crate::layout::Layout;
use crate::memory::{Access, Device, Order, OwnerKind};

/// A type-erased view of strided memory: NumPy's `ndarray` without the arithmetic.
///
/// ```text
/// StridedView
/// ├── buffer ──► owner ──► [ memory ................................ ]
/// ├── dtype: float64                 ▲ offset = 32
/// └── layout: shape (2, 4), strides (32, 8) bytes
///
/// address(i₀ … iₙ₋₁) = start of memory + offset + Σ iₖ · strideₖ
/// ```
///
/// All operations on the type itself are free: they rewrite shape, strides and offset, share the memory, and return a
/// `StridedView`. What may have to copy returns a [`Converted`](crate::Converted) instead and says what it did.
///
/// Views that hold a share of their memory's owner are `StridedView<'static>`: cheap to clone, `Send` and `Sync`. Views of borrowed
/// memory carry the lifetime of the borrow.
///
/// ```
/// use viewbridge::StridedView;
///
/// let a = StridedView::from_vec((0..24).map(f64::from).collect()).reshape(&[2, 3, 4])?;
/// assert_eq!(a.strides(), [96, 32, 8]);
///
/// let b = a.flip(0)?.slice_axis(1, 1..)?.transpose();
/// assert_eq!((b.shape(), b.strides()), (&[4, 2, 2][..], &[8, 32, -96][..]));
/// assert_eq!(b.get::<f64>(&[0, 0, 0])?, 16.0);
/// assert!(b.buffer().same_owner(a.buffer()));
/// # Ok::<(), viewbridge::Error>(())
/// ```
pub struct StridedView<'a> {
    /// Invariant *in bounds*: every item of `layout` lies inside of `buffer`, and the itemsize of `layout` is that of `dtype`.
    buffer: Buffer<'a>,
    dtype: DType,
    layout: Layout,
    logical: Option<Arc<Logical>>,
}

/// Another claim to the same memory.
impl Clone for StridedView<'_> {
    #[inline]
    fn clone(&self) -> Self {
        self.with_layout(self.layout.clone())
    }
}

/// Where views come from.
impl<'a> StridedView<'a> {
    /// A view of `buffer`: the one door through which every view goes. Any layout will do whose items lie inside.
    ///
    /// ```
    /// use viewbridge::{Buffer, DType, Layout, StridedView};
    ///
    /// // Windows of three over five items, each one item further: they overlap.
    /// let memory = Buffer::from_vec(vec![1_i32, 2, 3, 4, 5]);
    /// let windows = Layout::strided(&[3, 3], &[4, 4], 0, &DType::I32)?;
    /// let view = StridedView::new(memory.clone(), DType::I32, windows)?;
    /// assert_eq!(view.index_axis(0, 2)?.to_vec::<i32>()?, [3, 4, 5]);
    ///
    /// let beyond = Layout::strided(&[4, 3], &[4, 4], 0, &DType::I32)?;
    /// assert!(StridedView::new(memory, DType::I32, beyond).is_err());
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::OutOfBounds`] if an item would lie outside of the buffer, [`LayoutError::ReinterpretSize`] if the layout
    /// was made for items of another size, [`Error::Confined`] if the buffer is that of a part of a split view.
    pub fn new(buffer: Buffer<'a>, dtype: DType, layout: Layout) -> Result<Self> {
        let (itemsize, unit) = Layout::item_of(&dtype);
        if (layout.itemsize(), layout.unit()) != (itemsize, unit) {
            return Err(LayoutError::ReinterpretSize {
                available: layout.itemsize(),
                itemsize,
            }
            .into());
        }
        buffer.check_reach(&layout)?;
        Ok(Self::from_parts(buffer, dtype, layout, None))
    }

    /// Puts the parts together. The caller upholds *in bounds*.
    #[inline]
    pub(crate) fn from_parts(buffer: Buffer<'a>, dtype: DType, layout: Layout, logical: Option<Arc<Logical>>) -> Self {
        debug_assert!(layout.check_within(buffer.len()).is_ok());
        Self {
            buffer,
            dtype,
            layout,
            logical,
        }
    }

    /// A view of a borrowed slice, one axis. Allocates nothing.
    ///
    /// ```compile_fail
    /// # use viewbridge::StridedView;
    /// let escaped: StridedView<'static> = {
    ///     let items = vec![1, 2, 3];
    ///     StridedView::from_slice(&items) // error: `items` does not live long enough
    /// };
    /// ```
    #[must_use]
    pub fn from_slice<T: Element>(items: &'a [T]) -> Self {
        Self::of_items(Buffer::from_slice(items), T::DTYPE)
    }

    /// One axis over the whole of a buffer.
    pub(crate) fn of_items(buffer: Buffer<'a>, dtype: DType) -> Self {
        let items = buffer.len().checked_div(dtype.itemsize()).unwrap_or(0);
        let (itemsize, unit) = Layout::item_of(&dtype);
        let layout = Layout::contiguous_items(&[items], itemsize, unit, Order::C)
            .expect("a buffer of whole items is within the address space");
        Self::from_parts(buffer, dtype, layout, None)
    }

    /// The same view for as long as this one is borrowed, without a share of the owner.
    ///
    /// Views of it count no references, which is most of what views of an owned one cost: look around in it, and keep what is worth keeping by
    /// the same operations on this one.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..6).collect::<Vec<i32>>()).reshape(&[2, 3])?;
    /// let here = a.as_borrowed();
    /// for k in 0..3 {
    ///     assert_eq!(here.index_axis(1, k)?.len(), 2);
    /// }
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn as_borrowed(&self) -> StridedView<'_> {
        StridedView {
            buffer: self.buffer.reborrow(),
            dtype: self.dtype.clone(),
            layout: self.layout.clone(),
            logical: self.logical.clone(),
        }
    }

    /// The same view over other axes of the same memory. The caller upholds *in bounds*.
    #[inline(always)]
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Self::from_parts(self.buffer.clone(), self.dtype.clone(), layout, self.logical.clone())
    }
}

impl StridedView<'static> {
    /// A view that owns a `Vec`, one axis. The items stay where they are.
    #[must_use]
    pub fn from_vec<T: Element>(items: Vec<T>) -> Self {
        Self::of_items(Buffer::from_vec(items), T::DTYPE)
    }

    /// A view that owns a boxed slice, one axis. The items stay where they are.
    #[must_use]
    pub fn from_boxed_slice<T: Element>(items: Box<[T]>) -> Self {
        Self::from_vec(items.into_vec())
    }

    /// A view of anything that owns items: an `Arc<[T]>`, an array, a memory-mapped file, a type of your own. One axis.
    ///
    /// The owner is dropped when the last view is, on whichever thread that happens. If its drop panics, so does the drop of the view;
    /// across a C interface the panic is caught.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use viewbridge::StridedView;
    ///
    /// let shared: Arc<[i32]> = Arc::from([1, 2, 3]);
    /// let view = StridedView::from_owner(Arc::clone(&shared));
    /// assert_eq!(view.data_ptr(), shared.as_ptr().cast());
    /// ```
    #[must_use]
    pub fn from_owner<T: Element, O: AsRef<[T]> + Send + 'static>(owner: O) -> Self {
        Self::of_items(Buffer::from_owner(owner), T::DTYPE)
    }
}

/// What a view is.
impl<'a> StridedView<'a> {
    /// The memory.
    #[must_use]
    #[inline]
    pub fn buffer(&self) -> &Buffer<'a> {
        &self.buffer
    }

    /// The type of one item.
    #[must_use]
    #[inline]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// What the items mean beyond their bits, if anything.
    #[must_use]
    pub fn logical(&self) -> Option<&Logical> {
        self.logical.as_deref()
    }

    /// Shape, strides and offset.
    #[must_use]
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Items along each axis.
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// Distance between neighbours along each axis, in **bytes** (bits for packed items).
    #[must_use]
    #[inline]
    pub fn strides(&self) -> &[isize] {
        self.layout.strides()
    }

    /// Number of axes.
    #[must_use]
    #[inline]
    pub fn ndim(&self) -> usize {
        self.layout.ndim()
    }

    /// Number of items (NumPy's `size`).
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether there are no items.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Bytes that the items would fill if they were contiguous. Compare [`pinned_bytes`](Self::pinned_bytes).
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.layout.nbytes()
    }

    /// Bytes that stay allocated because of this view: those of the whole memory, however little the view shows of it.
    #[must_use]
    pub fn pinned_bytes(&self) -> usize {
        self.buffer.pinned_bytes()
    }

    /// Who may write the memory.
    #[must_use]
    pub fn access(&self) -> Access {
        self.buffer.access()
    }

    /// Where the memory is.
    #[must_use]
    pub fn device(&self) -> Device {
        self.buffer.device()
    }

    /// What keeps the memory alive.
    #[must_use]
    pub fn owner_kind(&self) -> OwnerKind {
        self.buffer.owner_kind()
    }

    /// Address of the first item; of the byte in which it begins, if items are packed.
    ///
    /// Without items the address means nothing.
    #[must_use]
    #[inline]
    pub fn data_ptr(&self) -> *const u8 {
        // Wrapping, because the offset of a layout without items may lie anywhere.
        self.buffer.as_ptr().wrapping_add(self.layout.byte_offset())
    }

    /// Whether the address of every item is a multiple of the dtype's alignment (NumPy's `ALIGNED` flag). O(rank).
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        self.misalignment(self.dtype.alignment()).is_none()
    }

    /// The first address or stride that is no multiple of `alignment` bytes.
    pub(crate) fn misalignment(&self, alignment: usize) -> Option<isize> {
        self.layout.misalignment(self.data_ptr().addr(), alignment)
    }

    /// Whether the items are contiguous in row-major order ([`Layout::is_c_contiguous`]).
    #[must_use]
    pub fn is_c_contiguous(&self) -> bool {
        self.layout.is_c_contiguous()
    }

    /// Whether the items are contiguous in column-major order ([`Layout::is_f_contiguous`]).
    #[must_use]
    pub fn is_f_contiguous(&self) -> bool {
        self.layout.is_f_contiguous()
    }

    /// Refuses memory that the CPU cannot read.
    pub(crate) fn check_readable(&self) -> Result<()> {
        let Device { device_type, device_id } = self.device();
        if self.device().is_cpu_readable() {
            Ok(())
        } else {
            Err(Error::DeviceMemory { device_type, device_id })
        }
    }
}

impl<'a> StridedView<'a> {
    /// The view with a claim to its memory that does not depend on a borrow, or `None` if the memory is borrowed.
    pub(crate) fn into_static(self) -> Option<StridedView<'static>> {
        let buffer = self.buffer.into_static()?;
        Some(StridedView::from_parts(buffer, self.dtype, self.layout, self.logical))
    }

    /// The parts: memory, data type, layout, meaning.
    pub(crate) fn into_parts(self) -> (Buffer<'a>, DType, Layout, Option<Arc<Logical>>) {
        (self.buffer, self.dtype, self.layout, self.logical)
    }

    /// The meaning of the items, to be shared with another view.
    pub(crate) fn shared_logical(&self) -> Option<Arc<Logical>> {
        self.logical.clone()
    }
}

/// One line: type, shape, strides and owner, and no items.
impl fmt::Debug for StridedView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning: Cow<'_, str> = match &self.logical {
            Some(logical) => format!(" ({logical})").into(),
            None => "".into(),
        };
        write!(
            f,
            "StridedView {{ {}{meaning}, shape {:?}, strides {:?}, offset {}, {} memory, {:?} }}",
            self.dtype,
            self.shape(),
            self.strides(),
            self.layout.offset(),
            self.owner_kind(),
            self.access()
        )
    }
}
