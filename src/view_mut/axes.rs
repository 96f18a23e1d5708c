//! Other axes over the same items, to be written.

use super::StridedViewMut;
use crate::error::Result;

/// The operations on axes of [`StridedView`](crate::StridedView) that keep items apart.
impl StridedViewMut<'_> {
    /// As [`StridedView::swap_axes`](crate::StridedView::swap_axes).
    ///
    /// # Errors
    ///
    /// As [`Layout::swap_axes`](crate::Layout::swap_axes).
    pub fn swap_axes(self, a: usize, b: usize) -> Result<Self> {
        self.map(|view| view.swap_axes(a, b))
    }

    /// As [`StridedView::move_axis`](crate::StridedView::move_axis).
    ///
    /// # Errors
    ///
    /// As [`Layout::move_axis`](crate::Layout::move_axis).
    pub fn move_axis(self, from: usize, to: usize) -> Result<Self> {
        self.map(|view| view.move_axis(from, to))
    }

    /// As [`StridedView::move_axes`](crate::StridedView::move_axes).
    ///
    /// # Errors
    ///
    /// As [`Layout::move_axes`](crate::Layout::move_axes).
    pub fn move_axes(self, from: &[usize], to: &[usize]) -> Result<Self> {
        self.map(|view| view.move_axes(from, to))
    }

    /// As [`StridedView::flip_axes`](crate::StridedView::flip_axes).
    ///
    /// # Errors
    ///
    /// As [`Layout::flip_axes`](crate::Layout::flip_axes).
    pub fn flip_axes(self, axes: &[usize]) -> Result<Self> {
        self.map(|view| view.flip_axes(axes))
    }

    /// As [`StridedView::flip_all`](crate::StridedView::flip_all).
    ///
    /// # Errors
    ///
    /// As [`Layout::flip_all`](crate::Layout::flip_all).
    pub fn flip_all(self) -> Result<Self> {
        self.map(|view| view.flip_all())
    }

    /// As [`StridedView::rot90`](crate::StridedView::rot90).
    ///
    /// # Errors
    ///
    /// As [`Layout::rot90`](crate::Layout::rot90).
    pub fn rot90(self, turns: isize, plane: (usize, usize)) -> Result<Self> {
        self.map(|view| view.rot90(turns, plane))
    }

    /// As [`StridedView::insert_axes`](crate::StridedView::insert_axes).
    ///
    /// # Errors
    ///
    /// As [`Layout::insert_axes`](crate::Layout::insert_axes).
    pub fn insert_axes(self, axes: &[usize]) -> Result<Self> {
        self.map(|view| view.insert_axes(axes))
    }

    /// As [`StridedView::squeeze_axes`](crate::StridedView::squeeze_axes).
    ///
    /// # Errors
    ///
    /// As [`Layout::squeeze_axes`](crate::Layout::squeeze_axes).
    pub fn squeeze_axes(self, axes: &[usize]) -> Result<Self> {
        self.map(|view| view.squeeze_axes(axes))
    }

    /// As [`StridedView::diagonal`](crate::StridedView::diagonal), to be written: no item is on a diagonal twice.
    ///
    /// ```
    /// use viewbridge::StridedViewMut;
    ///
    /// let mut items = [0_i32; 9];
    /// StridedViewMut::from_slice(&mut items).reshape(&[3, 3])?.diagonal(0, 0, 1)?.fill(1)?;
    /// assert_eq!(items, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Layout::diagonal`](crate::Layout::diagonal).
    pub fn diagonal(self, offset: isize, first: usize, second: usize) -> Result<Self> {
        self.map(|view| view.diagonal(offset, first, second))
    }

    /// As [`StridedView::squeeze`](crate::StridedView::squeeze).
    #[must_use]
    pub fn squeeze(self) -> Self {
        let inner = self.inner.squeeze();
        Self { inner }
    }
}
