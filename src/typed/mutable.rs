//! Items of an exclusive view as Rust values, for reading and writing.
//!
//! # Safety
//!
//! As the module above, with *exclusive* of [`StridedViewMut`]: no two items share a byte, so that references to different items never
//! alias.
#![allow(unsafe_code)]

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::{TypedIter, TypedView, check_contiguous, checked_offset};
use crate::dtype::Element;
use crate::error::Result;
use crate::layout::{Layout, Offsets};
use crate::view_mut::StridedViewMut;

/// An exclusive view whose items have been checked to be valid `T`.
///
/// ```
/// use viewbridge::StridedViewMut;
///
/// let mut items = [1.0_f32, 2.0, 3.0];
/// let mut view = StridedViewMut::from_slice(&mut items).flip(0)?;
/// *view.typed_mut::<f32>()?.get_mut(&[0]).unwrap() = 9.0;
/// assert_eq!(items, [1.0, 2.0, 9.0]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
pub struct TypedViewMut<'a, T> {
    layout: &'a Layout,
    /// Address of the memory.
    base: *mut u8,
    items: PhantomData<&'a mut [T]>,
}

// SAFETY: *typed*, *exclusive*: it is an exclusive reference to `T`, which are `Send`.
unsafe impl<T: Element> Send for TypedViewMut<'_, T> {}
// SAFETY: as above: shared, it only reads, and `T` are `Sync`.
unsafe impl<T: Element> Sync for TypedViewMut<'_, T> {}

impl StridedViewMut<'_> {
    /// Checked exclusive access to the items as `T`.
    ///
    /// # Errors
    ///
    /// As [`StridedView::typed`](crate::StridedView::typed).
    pub fn typed_mut<T: Element>(&mut self) -> Result<TypedViewMut<'_, T>> {
        self.as_view().check_typed::<T>()?;
        let base = self.base_ptr();
        Ok(TypedViewMut {
            layout: self.layout(),
            base,
            items: PhantomData,
        })
    }
}

impl<T: Element> TypedViewMut<'_, T> {
    /// The item at a position, for writing, or `None` if there is none.
    #[must_use]
    pub fn get_mut(&mut self, position: &[usize]) -> Option<&mut T> {
        let offset = checked_offset(self.layout, position).ok()?;
        let item = self.base.wrapping_add(offset).cast::<T>();
        // SAFETY: *typed*, *in bounds*, *exclusive*; `self` is borrowed as long as the reference lives.
        Some(unsafe { &mut *item })
    }

    /// The items as a mutable slice, in row-major order. O(rank).
    ///
    /// # Errors
    ///
    /// [`Error::NotContiguous`](crate::Error::NotContiguous) with the first axis that is in the way.
    pub fn as_mut_slice(&mut self) -> Result<&mut [T]> {
        check_contiguous(self.layout)?;
        if self.layout.is_empty() {
            return Ok(&mut []);
        }
        let first = self.base.wrapping_add(self.layout.offset()).cast::<T>();
        // SAFETY: *typed*, *in bounds*, *exclusive*; contiguous as checked.
        Ok(unsafe { std::slice::from_raw_parts_mut(first, self.layout.len()) })
    }
    /// Items along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// The item at a position, for reading, or `None` if there is none.
    #[must_use]
    pub fn get(&self, position: &[usize]) -> Option<&T> {
        self.as_typed().get(position)
    }

    /// The items in row-major order, for reading.
    #[must_use]
    pub fn iter(&self) -> TypedIter<'_, T> {
        self.as_typed().iter()
    }

    /// The items in row-major order, for writing.
    ///
    /// ```
    /// use viewbridge::{Slice, StridedViewMut};
    ///
    /// let mut items = [1, 2, 3, 4, 5];
    /// let mut even = StridedViewMut::from_slice(&mut items).slice_axis(0, Slice::ALL.step_by(2))?;
    /// for item in even.typed_mut::<i32>()?.iter_mut() {
    ///     *item *= 10;
    /// }
    /// assert_eq!(items, [10, 2, 30, 4, 50]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    pub fn iter_mut(&mut self) -> TypedIterMut<'_, T> {
        TypedIterMut {
            offsets: self.layout.offsets(),
            base: self.base,
            items: PhantomData,
        }
    }

    /// The same items for reading only.
    fn as_typed(&self) -> TypedView<'_, T> {
        TypedView {
            layout: self.layout,
            base: self.base,
            items: PhantomData,
        }
    }
}

/// The items of a [`TypedViewMut`] in row-major order, for writing.
pub struct TypedIterMut<'a, T> {
    offsets: Offsets<'a>,
    base: *mut u8,
    items: PhantomData<&'a mut [T]>,
}

// SAFETY: *typed*, *exclusive*: it is an exclusive reference to `T`, which are `Send`.
unsafe impl<T: Element> Send for TypedIterMut<'_, T> {}

impl<'a, T: Element> Iterator for TypedIterMut<'a, T> {
    type Item = &'a mut T;

    fn next(&mut self) -> Option<&'a mut T> {
        let item = self.base.wrapping_add(self.offsets.next()?).cast::<T>();
        // SAFETY: *typed*, *exclusive*: the offsets are those of the layout, each item's once, and no two items share a byte.
        Some(unsafe { &mut *item })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }
}

impl<T: Element> ExactSizeIterator for TypedIterMut<'_, T> {}

impl<T: Element> FusedIterator for TypedIterMut<'_, T> {}

impl<'a, T: Element> IntoIterator for TypedViewMut<'a, T> {
    type Item = &'a mut T;
    type IntoIter = TypedIterMut<'a, T>;

    fn into_iter(self) -> TypedIterMut<'a, T> {
        TypedIterMut {
            offsets: self.layout.offsets(),
            base: self.base,
            items: PhantomData,
        }
    }
}

impl<T> fmt::Debug for TypedViewMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedViewMut {{ shape {:?} }}", self.layout.shape())
    }
}

impl<T> fmt::Debug for TypedIterMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedIterMut {{ {} left }}", self.offsets.len())
    }
}
