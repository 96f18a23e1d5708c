//! The offsets of all items, one after the other: the definition that everything faster is tested against.

use smallvec::SmallVec;

use super::Layout;

/// The offsets of a layout's items in row-major order, each in the layout's unit from the start of the memory.
///
/// Made by [`Layout::offsets`].
#[derive(Debug, Clone)]
pub struct Offsets<'a> {
    layout: &'a Layout,
    position: SmallVec<[usize; 6]>,
    next: usize,
    left: usize,
}

impl Layout {
    /// The offset of each item in row-major order, counted as [`offset`](Layout::offset) is. O(rank) memory.
    ///
    /// ```
    /// use viewbridge::{DType, Layout, Order};
    ///
    /// let t = Layout::contiguous(&[2, 3], &DType::I32, Order::C)?.reverse_axes();
    /// assert_eq!(t.offsets().collect::<Vec<_>>(), [0, 12, 4, 16, 8, 20]);
    /// # Ok::<(), viewbridge::LayoutError>(())
    /// ```
    #[must_use]
    pub fn offsets(&self) -> Offsets<'_> {
        self.leading_offsets(self.ndim())
    }

    /// The offset of the first item of each block that has one position on the first `axes` axes.
    pub(crate) fn leading_offsets(&self, axes: usize) -> Offsets<'_> {
        Offsets {
            layout: self,
            position: SmallVec::from_elem(0, axes),
            next: self.offset,
            left: self.shape()[..axes].iter().product(),
        }
    }
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.next;
        for axis in (0..self.position.len()).rev() {
            let stride = self.layout.strides()[axis];
            self.position[axis] += 1;
            if self.position[axis] < self.layout.shape()[axis] {
                // By *span*, the offset of every item is an address.
                self.next = self.next.wrapping_add_signed(stride);
                break;
            }
            let back = stride.wrapping_mul((self.position[axis] - 1).cast_signed());
            self.next = self.next.wrapping_add_signed(back.wrapping_neg());
            self.position[axis] = 0;
        }
        Some(current)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Offsets<'_> {}
