//! Items as Rust values.
//!
//! # Safety
//!
//! Every dereference relies on the invariants *alive*, *initialised* and *frozen* of [`Buffer`](crate::Buffer), on *in bounds* of
//! [`StridedView`] and *exclusive* of [`StridedViewMut`](crate::StridedViewMut), and on what `typed` and `typed_mut` check on entry and keep as *typed*:
//! native items of type `T`, aligned, every bit pattern valid, on memory that the CPU can read and nobody else writes.
#![allow(unsafe_code)]

mod element;
mod mutable;

use std::fmt;
use std::marker::PhantomData;

use crate::dtype::{DType, Element};
use crate::error::{Error, LayoutError, Result};
use crate::layout::{Layout, Offsets};
use crate::memory::{Access, Order};
use crate::view::StridedView;

pub(crate) use element::to_native;
pub use mutable::{TypedIterMut, TypedViewMut};

/// A view whose items have been checked to be valid `T`: references and slices are safe.
///
/// ```
/// use viewbridge::StridedView;
///
/// let a = StridedView::from_vec((0..6).collect::<Vec<i64>>()).reshape(&[2, 3])?;
/// let typed = a.typed::<i64>()?;
/// assert_eq!(typed.get(&[1, 0]), Some(&3));
/// assert_eq!(typed.as_slice()?, [0, 1, 2, 3, 4, 5]);
///
/// let t = a.transpose();
/// assert!(t.typed::<i64>()?.as_slice().is_err());
/// assert_eq!(t.typed::<i64>()?.iter().copied().collect::<Vec<_>>(), [0, 3, 1, 4, 2, 5]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct TypedView<'a, T> {
    layout: &'a Layout,
    /// Address of the memory.
    base: *const u8,
    items: PhantomData<&'a [T]>,
}

// SAFETY: *typed*: it is a shared reference to immutable `T`, which are `Sync`.
unsafe impl<T: Element> Send for TypedView<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for TypedView<'_, T> {}

impl StridedView<'_> {
    /// Checked access to the items as `T`.
    ///
    /// O(rank); O(items) for `bool`, whose bytes are looked at.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] (byte order and lanes count), [`Error::DeviceMemory`], [`Error::NotImmutable`] if somebody else may
    /// write the memory, [`Error::Misaligned`], [`Error::InvalidItem`] for a `bool` that is neither 0 nor 1.
    pub fn typed<T: Element>(&self) -> Result<TypedView<'_, T>> {
        if self.access() != Access::Immutable {
            let owner = self.owner_kind();
            return Err(Error::NotImmutable { owner });
        }
        self.check_typed::<T>()?;
        Ok(TypedView {
            layout: self.layout(),
            base: self.buffer().as_ptr(),
            items: PhantomData,
        })
    }

    /// *typed*, but for who may write.
    fn check_typed<T: Element>(&self) -> Result<()> {
        self.check_readable()?;
        self.check_dtype(&T::DTYPE)?;
        if let Some(found) = self.misalignment(align_of::<T>()) {
            let required = align_of::<T>();
            return Err(Error::Misaligned { found, required });
        }
        self.check_items(&T::DTYPE)
    }

    fn check_dtype(&self, expected: &DType) -> Result<()> {
        if self.dtype() == expected {
            return Ok(());
        }
        Err(Error::DTypeMismatch {
            expected: expected.clone(),
            found: self.dtype().clone(),
        })
    }

    /// Looks at every item if the type has invalid bit patterns. Only `bool` has.
    #[inline]
    pub(crate) fn check_items(&self, dtype: &DType) -> Result<()> {
        if *dtype == DType::BOOL {
            self.check_bools(dtype)
        } else {
            Ok(())
        }
    }

    fn check_bools(&self, dtype: &DType) -> Result<()> {
        for (position, offset) in self.layout().offsets().enumerate() {
            // SAFETY: *in bounds*, *alive*, *initialised*.
            let byte = unsafe { self.buffer().as_ptr().wrapping_add(offset).read() };
            if byte > 1 {
                let expected = dtype.clone();
                return Err(Error::InvalidItem { position, expected });
            }
        }
        Ok(())
    }
}

/// The same view, as a promise.
impl StridedView<'_> {
    /// The same view, as a promise that nobody writes its memory any more.
    ///
    /// It turns memory that others could write (an imported DLPack tensor, a NumPy array) into memory that safe slices and Arrow
    /// arrays can be made of, without a copy.
    ///
    /// # Safety
    ///
    /// As long as this view, or any view or array made from it, lives, nobody writes the memory.
    #[must_use]
    pub unsafe fn assume_immutable(self) -> Self {
        let (buffer, dtype, layout, logical) = self.into_parts();
        // SAFETY: the caller's promise is the one asked for.
        let buffer = unsafe { buffer.into_immutable() };
        Self::from_parts(buffer, dtype, layout, logical)
    }
}

impl<'a, T: Element> TypedView<'a, T> {
    /// Items along each axis.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.layout.shape()
    }

    /// The item at a position, or `None` if there is none.
    #[must_use]
    pub fn get(&self, position: &[usize]) -> Option<&'a T> {
        let offset = checked_offset(self.layout, position).ok()?;
        // SAFETY: *typed*, *in bounds*.
        Some(unsafe { self.item(offset) })
    }

    /// The items as a slice, in row-major order. O(rank).
    ///
    /// # Errors
    ///
    /// [`Error::NotContiguous`] with the first axis that is in the way.
    pub fn as_slice(&self) -> Result<&'a [T]> {
        check_contiguous(self.layout)?;
        if self.layout.is_empty() {
            return Ok(&[]);
        }
        let first = self.base.wrapping_add(self.layout.offset()).cast::<T>();
        // SAFETY: *typed*, *in bounds*; contiguous as checked.
        Ok(unsafe { std::slice::from_raw_parts(first, self.layout.len()) })
    }

    /// The items in row-major order.
    #[must_use]
    pub fn iter(&self) -> TypedIter<'a, T> {
        TypedIter {
            offsets: self.layout.offsets(),
            view: *self,
        }
    }

    /// # Safety
    ///
    /// `offset` is that of an item of the layout.
    unsafe fn item(&self, offset: usize) -> &'a T {
        let item = self.base.wrapping_add(offset).cast::<T>();
        // SAFETY: *typed*; the caller vouches for the offset.
        unsafe { &*item }
    }
}

/// The items of a [`TypedView`] in row-major order.
#[derive(Clone)]
pub struct TypedIter<'a, T> {
    offsets: Offsets<'a>,
    view: TypedView<'a, T>,
}

impl<'a, T: Element> Iterator for TypedIter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let offset = self.offsets.next()?;
        // SAFETY: *typed*; the offset comes from the layout.
        Some(unsafe { self.view.item(offset) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }
}

impl<T: Element> ExactSizeIterator for TypedIter<'_, T> {}

impl<'a, T: Element> IntoIterator for TypedView<'a, T> {
    type Item = &'a T;
    type IntoIter = TypedIter<'a, T>;

    fn into_iter(self) -> TypedIter<'a, T> {
        self.iter()
    }
}

fn check_contiguous(layout: &Layout) -> Result<()> {
    match layout.first_gap(Order::C) {
        None => Ok(()),
        Some(gap) => Err(Error::NotContiguous {
            axis: gap.axis,
            stride: gap.stride,
            expected: gap.expected,
        }),
    }
}

/// The offset of one item. By *span* no sum overflows once the position is in range.
fn checked_offset(layout: &Layout, position: &[usize]) -> Result<usize, LayoutError> {
    if position.len() != layout.ndim() {
        return Err(LayoutError::RankMismatch {
            expected: layout.ndim(),
            found: position.len(),
        });
    }
    let mut offset = layout.offset();
    for (axis, (&index, &size)) in position.iter().zip(layout.shape()).enumerate() {
        if index >= size {
            let index = isize::try_from(index).unwrap_or(isize::MAX);
            return Err(LayoutError::IndexOutOfRange { axis, index, size });
        }
        if index > 0 {
            offset = offset.wrapping_add_signed(layout.strides()[axis].wrapping_mul(index.cast_signed()));
        }
    }
    Ok(offset)
}

impl<T> fmt::Debug for TypedView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedView {{ shape {:?} }}", self.layout.shape())
    }
}

impl<T> fmt::Debug for TypedIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedIter {{ {} left }}", self.offsets.len())
    }
}
