//! What to do about nulls: masks beside the values, or a value in their place.

use std::mem::MaybeUninit;

use super::column::Column;
use super::memory::{fresh, try_fresh, written};
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport, Packing, Part, Requirements};
use crate::copy::validity::{Bits, fill_nulls, pack, unpack};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::layout::{Layout, Unit};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Nulls as masks, or filled.
impl Column {
    /// Which items count, over the whole shape of the view: the masks of all levels together, as bits.
    ///
    /// The mask of one level is shared and broadcast to the axes behind it with strides of 0; those of several are combined into one, a reported copy
    /// ([`CopyReason::MasksCombined`]). `None` if nothing is null.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn validity(&self) -> Result<Converted<Option<StridedView<'static>>>> {
        let masks = self.masks()?;
        match &masks[..] {
            [] => Ok(Converted::shared(None)),
            [mask] => Ok(Converted::shared(Some(mask.clone()))),
            _ => {
                let bits = combined(&masks)?;
                let mut record = CopyRecord::of_items(bits.nbytes(), vec![CopyReason::MasksCombined]);
                record.part = Part::Validity;
                Ok(Converted {
                    value: Some(bits),
                    report: CopyReport::copied(record),
                })
            }
        }
    }

    /// The mask of a level ([`item_validity`](Self::item_validity)) with a byte of 0 or 1 for each bit: for consumers that have no bits, DLPack among
    /// them. A reported copy; `None` if nothing at that level is null.
    ///
    /// ```
    /// use arrow_array::Int32Array;
    /// use viewbridge::arrow::{Column, Nulls};
    ///
    /// let column = Column::from_array(&Int32Array::from(vec![Some(1), None]), Nulls::Separate)?;
    /// let mask = column.mask(0)?.unwrap();
    /// assert_eq!(mask.value.typed::<bool>()?.as_slice()?, [true, false]);
    /// assert_eq!(mask.report.bytes_copied(), 2);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn mask(&self, level: usize) -> Result<Option<Converted<StridedView<'static>>>> {
        let Some(bits) = self.item_validity(level) else {
            return Ok(None);
        };
        let value = unpacked(&bits)?;
        let reasons = vec![CopyReason::Packing { from: 1, to: 8 }];
        let (part, bytes) = (Part::Validity, value.nbytes());
        let report = CopyReport::copied(CopyRecord {
            part,
            bytes,
            reasons: reasons.into(),
        });
        Ok(Some(Converted { value, report }))
    }

    /// The values with `value` in place of every null, at whatever level. Shared if there are no nulls; else copied once
    /// ([`CopyReason::NullsFilled`]). The type stays what it is.
    ///
    /// ```
    /// use arrow_array::Float64Array;
    /// use viewbridge::arrow::{Column, Nulls};
    ///
    /// let column = Column::from_array(&Float64Array::from(vec![Some(1.0), None, Some(3.0)]), Nulls::Separate)?;
    /// let filled = column.filled(0.0_f64)?;
    /// assert_eq!(filled.value.to_vec::<f64>()?, [1.0, 0.0, 3.0]);
    /// assert_eq!(filled.report.to_string(), "copied 24 bytes (1 nulls filled)");
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] if `value` is of another type than the items (bits are filled by a `bool`); [`Error::OutOfMemory`].
    pub fn filled<T: Element>(&self, value: T) -> Result<Converted<StridedView<'static>>> {
        self.check_value::<T>()?;
        self.filled_with(bytemuck::bytes_of(&value))
    }

    /// As [`filled`](Self::filled), in row-major order at the beginning of `memory`, which may be uninitialised: several times faster where it has been touched
    /// before. Bits become bytes.
    ///
    /// ```
    /// use arrow_array::Float64Array;
    /// use viewbridge::arrow::{Column, Nulls};
    ///
    /// let column = Column::from_array(&Float64Array::from(vec![Some(1.0), None, Some(3.0)]), Nulls::Separate)?;
    /// let mut items = Vec::with_capacity(3);
    /// assert_eq!(column.filled_into_slice(-1.0, items.spare_capacity_mut())?, [1.0, -1.0, 3.0]);
    /// # items.push(0.0_f64);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled); [`Error::TooShort`].
    pub fn filled_into_slice<'m, T: Element>(&self, value: T, memory: &'m mut [MaybeUninit<T>]) -> Result<&'m mut [T]> {
        self.check_value::<T>()?;
        if self.null_count() == 0 {
            return self.view().copy_into_slice(memory);
        }
        let (values, bits) = self.rows_and_bits()?;
        let item = bytemuck::bytes_of(&value).repeat(values.len().checked_div(bits.len()).unwrap_or(0));
        // `fill_into` writes every byte: an item of the column, or the value.
        written(memory, self.view().len(), |filled| {
            fill_into(&values, &bits, &item, filled)
        })
    }

    /// The values in row-major order, with bytes for bits, and row-major masks of as many items, or of equal runs of them.
    fn rows_and_bits(&self) -> Result<(StridedView<'static>, StridedView<'static>)> {
        let view = self.view();
        let packed = *view.dtype() == DType::BIT;
        let mut levels = (0..self.levels()).filter_map(|level| self.item_validity(level));
        if let (Some(bits), None) = (levels.next(), levels.next())
            && !packed
            && view.is_c_contiguous()
            && bits.is_c_contiguous()
        {
            return Ok((view.clone(), bits));
        }
        let values = if packed { unpacked(view)? } else { self.in_row_order()? };
        Ok((values, combined(&self.masks()?)?))
    }

    /// Refuses a value that is no item of the column.
    fn check_value<T: Element>(&self) -> Result<()> {
        let expected = match self.view().dtype() {
            bit if *bit == DType::BIT => DType::BOOL,
            other => other.clone(),
        };
        let found = T::DTYPE;
        if found == expected {
            Ok(())
        } else {
            Err(Error::DTypeMismatch { expected, found })
        }
    }

    /// As [`filled`](Self::filled), with the bytes of one item: for types that Rust has none for. Bits are filled by a byte of 0 or 1.
    ///
    /// # Errors
    ///
    /// [`Error::TooShort`] if there are more or fewer bytes than an item has; [`Error::OutOfMemory`].
    pub fn filled_with(&self, item: &[u8]) -> Result<Converted<StridedView<'static>>> {
        let expected = self.view().dtype().itemsize();
        if item.len() != expected {
            return Err(Error::TooShort {
                expected,
                found: item.len(),
            });
        }
        if self.null_count() == 0 {
            return Ok(Converted::shared(self.view().clone()));
        }
        let value = if *self.view().dtype() == DType::BIT {
            self.filled_bits(item)?
        } else {
            match self.filled_in_place_order(item)? {
                Some(filled) => filled,
                None => self.filled_in_row_order(item)?,
            }
        };
        let count = self.null_count();
        let record = CopyRecord::of_items(value.nbytes(), vec![CopyReason::NullsFilled { count }]);
        Ok(Converted {
            value,
            report: CopyReport::copied(record),
        })
    }

    /// One mask, whose bits are in the order of the values: a single pass. `None` if they are not.
    fn filled_in_place_order(&self, item: &[u8]) -> Result<Option<StridedView<'static>>> {
        let mut levels = (0..self.levels()).filter_map(|level| self.item_validity(level));
        let (Some(bits), None) = (levels.next(), levels.next()) else {
            return Ok(None);
        };
        let view = self.view();
        let axes = if view.is_c_contiguous() {
            (0..view.ndim()).collect()
        } else {
            view.layout().rows_by_stride()
        };
        let inner: Vec<usize> = axes.iter().copied().filter(|&axis| axis < bits.ndim()).collect();
        let (values, bits) = (view.permute(&axes)?, bits.permute(&inner)?);
        let closed = axes[..inner.len()] == inner[..];
        if !closed || !values.is_c_contiguous() || !bits.is_c_contiguous() {
            return Ok(None);
        }
        // An item of the mask is this many of the view.
        let each = values.len().checked_div(bits.len()).unwrap_or(0);
        let filled = fill(&values, &bits, &item.repeat(each))?;
        let mut inverse = vec![0; axes.len()];
        for (position, &axis) in axes.iter().enumerate() {
            inverse[axis] = position;
        }
        filled.permute(&inverse).map(Some)
    }

    /// Any masks over any layout: gathered in row-major order first.
    fn filled_in_row_order(&self, item: &[u8]) -> Result<StridedView<'static>> {
        fill(&self.in_row_order()?, &combined(&self.masks()?)?, item)
    }

    /// The values, gathered if need be.
    fn in_row_order(&self) -> Result<StridedView<'static>> {
        let rows = Requirements::any("filled values")
            .contiguous(Order::C)
            .outlives_borrow();
        Ok(self.view().convert(&rows, CopyPolicy::IfNeeded)?.value)
    }

    /// As bytes, and back.
    fn filled_bits(&self, item: &[u8]) -> Result<StridedView<'static>> {
        let bits = combined(&self.masks()?)?;
        let filled = fill(&unpacked(self.view())?, &bits, &[u8::from(item != [0])])?;
        packed(&filled)
    }

    /// The masks of all levels that have nulls, broadcast to the shape of the view.
    fn masks(&self) -> Result<Vec<StridedView<'static>>> {
        let masks = (0..self.levels()).filter_map(|level| self.item_validity(level));
        masks
            .map(|mut mask| {
                while mask.ndim() < self.view().ndim() {
                    mask = mask.insert_axis(mask.ndim())?;
                }
                mask.broadcast_to(self.view().shape())
            })
            .collect()
    }
}

/// Masks of one shape as one, in row-major bits.
fn combined(masks: &[StridedView<'static>]) -> Result<StridedView<'static>> {
    let mut bytes: Option<Vec<u8>> = None;
    let mut shape = Vec::new();
    for mask in masks {
        let next = unpacked(mask)?.view_as(DType::U8)?.to_vec::<u8>()?;
        shape = mask.shape().to_vec();
        match &mut bytes {
            None => bytes = Some(next),
            Some(bytes) => bytes.iter_mut().zip(next).for_each(|(all, one)| *all &= one),
        }
    }
    packed(
        &StridedView::from_vec(bytes.unwrap_or_default())
            .view_as(DType::BOOL)?
            .reshape(&shape)?,
    )
}

/// Bits as row-major bytes of 0 and 1.
fn unpacked(bits: &StridedView<'_>) -> Result<StridedView<'static>> {
    let layout = Layout::contiguous(bits.shape(), &DType::BOOL, Order::C)?;
    let buffer = if bits.is_c_contiguous() {
        let memory = StridedView::of_items(bits.buffer().clone(), DType::U8);
        let memory = memory.typed::<u8>()?;
        let bits = in_bitmap(memory.as_slice()?, bits)?;
        // `unpack` writes every byte.
        fresh(bits.len(), |bools| unpack(bits, bools))?
    } else {
        let bytes = Requirements::any("a mask of bytes")
            .contiguous(Order::C)
            .packing(Packing::BoolBytes);
        bits.convert(&bytes, CopyPolicy::Always)?
            .value
            .buffer()
            .clone()
            .into_static()
            .ok_or(Error::TooShort {
                expected: bits.len(),
                found: 0,
            })?
    };
    Ok(StridedView::from_parts(buffer, DType::BOOL, layout, None))
}

/// Row-major bytes of 0 and 1 as bits.
fn packed(bools: &StridedView<'_>) -> Result<StridedView<'static>> {
    let layout = Layout::contiguous_items(bools.shape(), 1, Unit::Bit, Order::C)?;
    let bytes = bools.view_as(DType::U8)?.reshape(&[bools.len()])?;
    let bytes = bytes.typed::<u8>()?;
    let bytes = bytes.as_slice()?;
    // `pack` writes every byte.
    let buffer = fresh(bytes.len().div_ceil(8), |bitmap| pack(bytes, bitmap))?;
    Ok(StridedView::from_parts(buffer, DType::BIT, layout, None))
}

/// Row-major values, with `item` where a bit is not set. As many bits as items of that size.
fn fill(values: &StridedView<'_>, bits: &StridedView<'_>, item: &[u8]) -> Result<StridedView<'static>> {
    let layout = Layout::contiguous_items(values.shape(), values.layout().itemsize(), Unit::Byte, Order::C)?;
    // `fill_into` writes every byte.
    let buffer = try_fresh(values.nbytes(), |filled| fill_into(values, bits, item, filled))?;
    let (dtype, logical) = (values.dtype().clone(), values.shared_logical());
    Ok(StridedView::from_parts(buffer, dtype, layout, logical))
}

/// As [`fill`], over as many bytes, each of which is written.
fn fill_into(
    values: &StridedView<'_>,
    bits: &StridedView<'_>,
    item: &[u8],
    filled: &mut [MaybeUninit<u8>],
) -> Result<()> {
    let bytes = values.reshape(&[values.len()])?.view_as(DType::U8)?;
    let bytes = bytes.typed::<u8>()?;
    let memory = StridedView::of_items(bits.buffer().clone(), DType::U8);
    let memory = memory.typed::<u8>()?;
    let bits = in_bitmap(memory.as_slice()?, bits)?;
    fill_nulls(bytes.as_slice()?, bits, item, filled);
    Ok(())
}

/// The bits of a row-major view.
fn in_bitmap<'a>(memory: &'a [u8], bits: &StridedView<'_>) -> Result<Bits<'a>> {
    let too_short = Error::TooShort {
        expected: bits.nbytes(),
        found: memory.len(),
    };
    Bits::new(memory, bits.layout().offset(), bits.len()).ok_or(too_short)
}
