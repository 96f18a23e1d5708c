//! Lanes of items as an axis, and an axis as lanes.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{DTypeFault, LayoutError, Result};
use crate::layout::{Layout, Unit};
use crate::view::StridedView;

/// Bits in a byte.
const BITS: usize = 8;

impl StridedView<'_> {
    /// The lanes of every item as a last axis of items of one lane. An item of one lane gives an axis of size 1. Nothing is copied.
    ///
    /// ```
    /// use viewbridge::{DType, StridedView};
    ///
    /// let points = StridedView::from_vec((0..12).map(f64::from).collect()).view_as(DType::F64.with_lanes(4))?;
    /// let lanes = points.lanes_as_axis()?;
    /// assert_eq!((lanes.shape(), lanes.strides()), (&[3, 4][..], &[32, 8][..]));
    /// assert_eq!(lanes.last_axis_as_lanes()?.dtype(), points.dtype());
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankTooHigh`]; [`LayoutError::OutOfBounds`] for lanes of less than a byte so far into memory that their bits cannot be counted.
    pub fn lanes_as_axis(&self) -> Result<Self> {
        let lane = self.dtype().clone().with_lanes(1);
        let lanes = usize::from(self.dtype().lanes());
        let (size, unit) = Layout::item_of(&lane);
        let scale = if unit == self.layout().unit() { 1 } else { BITS };
        // Beyond counting means beyond memory, or no items at all.
        let scaled = |stride: &isize| stride.saturating_mul(scale.cast_signed());
        let shape: SmallVec<[usize; 8]> = self.shape().iter().copied().chain([lanes]).collect();
        let strides = self.strides().iter().map(scaled).chain([size.cast_signed()]);
        let strides: SmallVec<[isize; 8]> = strides.collect();
        let offset = self.layout().offset().saturating_mul(scale);
        self.with_items(lane.clone(), Layout::strided(&shape, &strides, offset, &lane)?)
    }

    /// The last axis as the lanes of longer items (DLPack's vector types). Nothing is copied.
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoLanes`] for records, for items that have lanes already, and for an axis of none or more than [`u16::MAX`] items;
    /// [`LayoutError::ReinterpretStride`] if its items are not adjacent; [`LayoutError::AxisOutOfRange`] without an axis;
    /// [`LayoutError::PackedItems`] if whole bytes would begin inside of bytes.
    pub fn last_axis_as_lanes(&self) -> Result<Self> {
        let Some(axis) = self.ndim().checked_sub(1) else {
            return Err(LayoutError::AxisOutOfRange { axis: 0, ndim: 0 }.into());
        };
        let (dim, stride, itemsize) = (self.shape()[axis], self.strides()[axis], self.layout().itemsize());
        let lanes = u16::try_from(dim).ok().filter(|&lanes| lanes > 0);
        let single = self.dtype().lanes() == 1 && self.dtype().as_record().is_none();
        let Some(lanes) = lanes.filter(|_| single) else {
            let found = self.dtype().clone();
            return Err(DTypeFault::NoLanes { found, items: dim }.into());
        };
        if dim != 1 && !self.is_empty() && stride != itemsize.cast_signed() {
            let expected = itemsize;
            return Err(LayoutError::ReinterpretStride { stride, expected }.into());
        }
        let dtype = self.dtype().clone().with_lanes(lanes);
        let (strides, offset) = (&self.strides()[..axis], self.layout().offset());
        let layout = if self.layout().unit() == Unit::Bit && !dtype.is_packed() {
            let whole = |bits: &isize| bits.unsigned_abs().is_multiple_of(BITS);
            let meaningful = self.shape().iter().zip(strides).filter(|(dim, _)| **dim > 1);
            if !offset.is_multiple_of(BITS) || !meaningful.map(|(_, stride)| stride).all(whole) {
                return Err(LayoutError::PackedItems { bits: itemsize }.into());
            }
            let strides: SmallVec<[isize; 8]> = strides.iter().map(|bits| bits / BITS.cast_signed()).collect();
            Layout::strided(&self.shape()[..axis], &strides, offset / BITS, &dtype)?
        } else {
            Layout::strided(&self.shape()[..axis], strides, offset, &dtype)?
        };
        self.with_items(dtype, layout)
    }

    /// The same bytes as other items, which lie inside of those of this view.
    fn with_items(&self, dtype: DType, layout: Layout) -> Result<Self> {
        let buffer = self.buffer().clone();
        Ok(Self::from_parts(buffer, dtype, layout, self.shared_logical()))
    }
}
