//! Columns of views that were changed: the rows that a view still shows, with their nulls.
//!
//! Which rows those are is read off the view: its distance from the column's, and its strides, in units of the column's rows. Nothing is followed by these
//! numbers but the array's own slices, so that a view of any origin may be asked about: one that has been a tensor of another library meanwhile, too.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::{Buffer as ArrowBuffer, MutableBuffer};
use arrow_data::ArrayData;
use arrow_data::transform::MutableArrayData;
use arrow_schema::{DataType, Field, FieldRef};

use super::column::{Column, Nulls};
use super::export::physical;
use super::library;
use super::parts::{bytes_of, extend};
use super::tensor::FixedShapeTensor;
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport};
use crate::error::{ArrowFault, Error, Result};
use crate::layout::Unit;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

impl Column {
    /// The column of a changed view of this one: what the view shows, as an array of the same type, with the nulls of the same rows.
    ///
    /// The view shows some of the column's rows, each whole. Rows that follow one another are shared; others (every second one, in reverse) are copied, and
    /// reported. The axes of an `arrow.fixed_shape_tensor` may have been permuted, or reshaped if they have no names: the new field says so.
    ///
    /// O(rows) where rows are copied; else as [`Column::from_field`].
    ///
    /// ```
    /// use arrow_array::{Array, Int32Array};
    /// use viewbridge::CopyPolicy;
    /// use viewbridge::arrow::{Column, Nulls};
    ///
    /// let column = Column::from_array(&Int32Array::from(vec![Some(1), None, Some(3)]), Nulls::Separate)?;
    /// let rest = column.view().slice_axis(0, 1..)?;
    /// let rest = column.with_view(&rest, CopyPolicy::Never)?.value;
    /// assert_eq!(rest.array().as_ref(), &Int32Array::from(vec![None, Some(3)]));
    ///
    /// let reversed = column.with_view(&column.view().flip(0)?, CopyPolicy::IfNeeded)?;
    /// assert_eq!(reversed.value.array().as_ref(), &Int32Array::from(vec![Some(3), None, Some(1)]));
    /// assert_eq!(
    ///     reversed.report.to_string(),
    ///     "copied 13 bytes (not C-contiguous (axis 0: stride -4, expected 4))"
    /// );
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ArrowFault::NotRows`] for a view of other memory, of parts of rows, of rows repeated by a stride of 0, or with axes that are not the column's;
    /// [`Error::DTypeMismatch`] for items of another type, [`Error::DeviceMemory`], [`Error::CopyForbidden`], [`Error::OutOfMemory`].
    pub fn with_view(&self, view: &StridedView<'_>, policy: CopyPolicy) -> Result<Converted<Self>> {
        view.check_readable()?;
        if view.dtype() != self.view().dtype() {
            return Err(Error::DTypeMismatch {
                expected: self.view().dtype().clone(),
                found: view.dtype().clone(),
            });
        }
        let field = self.field_for(view)?;
        let rows = Rows::of(self, view)?;
        let array = rows.out_of(self.array(), view, policy)?;
        array.try_map(|array| Self::from_field(&field, &array, Nulls::IgnoreUnspecified))
    }

    /// The field of rows whose axes are the view's.
    fn field_for(&self, view: &StridedView<'_>) -> Result<FieldRef> {
        let Some(other) = first_other_axis(self.view(), view) else {
            return Ok(Arc::clone(self.field()));
        };
        let refusal = || ArrowFault::NotRows { axis: other };
        let tensor = self.tensor().ok_or_else(refusal)?;
        let changed = match axes_in_order(self.view(), view, tensor.shape().len()) {
            Some(order) => permuted(tensor, &order)?,
            None => self.reshaped(tensor, view)?.ok_or_else(refusal)?,
        };
        let mut metadata = self.field().metadata().clone();
        metadata.extend(changed.field_metadata());
        Ok(Arc::new(Field::clone(self.field()).with_metadata(metadata)))
    }

    /// The tensor of rows that are as dense as they were, seen through other axes. `None` if they are not, or have names, which are those of the old axes.
    fn reshaped(&self, tensor: &FixedShapeTensor, view: &StridedView<'_>) -> Result<Option<FixedShapeTensor>> {
        let whole = self.view().ndim() == tensor.shape().len() + 1;
        if tensor.dim_names().is_some() || !whole || view.ndim() == 0 {
            return Ok(None);
        }
        let row = if view.shape()[0] > 1 {
            view.slice_axis(0, 0..1)?
        } else {
            view.clone()
        };
        let (changed, row) = physical(&row)?;
        let dense = row.is_c_contiguous() && changed.size() == tensor.size();
        Ok(dense.then_some(changed))
    }
}

/// The first axis behind the rows that is not the column's.
fn first_other_axis(column: &StridedView<'_>, view: &StridedView<'_>) -> Option<usize> {
    let ndim = column.ndim().min(view.ndim());
    let same = |axis: usize| match view.is_empty() {
        // Nobody steps where there is nothing: a library in between may have made other strides of it.
        true => column.shape()[axis] == view.shape()[axis],
        false => same_axis((column, axis), (view, axis)),
    };
    let other = (1..ndim).find(|&axis| !same(axis));
    other.or_else(|| (column.ndim() != view.ndim()).then_some(ndim))
}

/// Whether two axes step alike, as far as they step.
fn same_axis((a, i): (&StridedView<'_>, usize), (b, j): (&StridedView<'_>, usize)) -> bool {
    let dim = a.shape()[i];
    dim == b.shape()[j] && (dim <= 1 || a.strides()[i] == b.strides()[j])
}

/// For each of the tensor's `count` axes in the view, the one that it was in the column, counted behind the rows; `None` if the axes are others.
fn axes_in_order(column: &StridedView<'_>, view: &StridedView<'_>, count: usize) -> Option<Vec<usize>> {
    if column.ndim() != view.ndim() || column.ndim() <= count {
        return None;
    }
    let mut left: Vec<usize> = (1..=count).collect();
    let mut order = Vec::with_capacity(count);
    for axis in 1..=count {
        let found = left.iter().position(|&old| same_axis((column, old), (view, axis)))?;
        order.push(left.remove(found) - 1);
    }
    let behind = count + 1..column.ndim();
    behind
        .into_iter()
        .all(|axis| same_axis((column, axis), (view, axis)))
        .then_some(order)
}

/// The tensor with its logical axes in another order.
fn permuted(tensor: &FixedShapeTensor, order: &[usize]) -> Result<FixedShapeTensor> {
    let physical: Vec<usize> = tensor.physical_axes().collect();
    let permutation: Vec<usize> = order.iter().map(|&axis| physical[axis]).collect();
    let mut changed = FixedShapeTensor::new(tensor.shape().to_vec())?;
    if let Some(names) = tensor.dim_names() {
        changed = changed.with_dim_names(names.to_vec())?;
    }
    if permutation.is_sorted() {
        return Ok(changed);
    }
    changed.with_permutation(permutation)
}

/// Some rows of a column: `count` of them from `start` on, `step` apart.
struct Rows {
    start: usize,
    step: isize,
    count: usize,
}

impl Rows {
    /// The rows of `column` that begin where those of `view` do.
    fn of(column: &Column, view: &StridedView<'_>) -> Result<Self> {
        let refusal = || ArrowFault::NotRows { axis: 0 };
        let (all, count) = (column.array().len(), *view.shape().first().ok_or_else(refusal)?);
        if view.is_empty() {
            // There are no addresses to go by. Rows that are all alike need none.
            let known = count == 0 || count == all || (count < all && column.null_count() == 0);
            let (start, step) = (0, 1);
            return known
                .then_some(Self { start, step, count })
                .ok_or_else(|| refusal().into());
        }
        let found = Self::found(column.view(), view, count);
        Ok(found.filter(|rows| rows.are_within(all)).ok_or_else(refusal)?)
    }

    fn found(column: &StridedView<'_>, view: &StridedView<'_>, count: usize) -> Option<Self> {
        let distance = first_unit(view)?.checked_sub(first_unit(column)?)?;
        if column.shape()[0] <= 1 || distance == 0 && count <= 1 {
            let (start, step) = (0, 1);
            return (distance == 0 && count <= 1).then_some(Self { start, step, count });
        }
        let row = column.strides()[0];
        let exact = |by: isize| (row != 0 && by % row == 0).then(|| by / row);
        let step = if count <= 1 { 1 } else { exact(view.strides()[0])? };
        let start = usize::try_from(exact(distance)?).ok()?;
        (step != 0).then_some(Self { start, step, count })
    }

    /// Whether none lies before the first or behind the last of `all` rows.
    fn are_within(&self, all: usize) -> bool {
        let steps = self.count.saturating_sub(1);
        let last = isize::try_from(steps)
            .ok()
            .and_then(|steps| steps.checked_mul(self.step))
            .and_then(|way| self.start.checked_add_signed(way));
        self.start < all && last.is_some_and(|last| last < all)
    }

    fn out_of(&self, array: &ArrayRef, view: &StridedView<'_>, policy: CopyPolicy) -> Result<Converted<ArrayRef>> {
        if self.step == 1 && policy != CopyPolicy::Always {
            return Ok(Converted::shared(array.slice(self.start, self.count)));
        }
        let reason = if self.step == 1 {
            CopyReason::Requested
        } else {
            let stride = view.strides()[0];
            CopyReason::NotContiguous {
                order: Order::C,
                axis: 0,
                stride,
                expected: stride / self.step,
            }
        };
        let reasons = vec![reason];
        if policy == CopyPolicy::Never {
            return Err(Error::CopyForbidden {
                consumer: "an Arrow column",
                bytes: view.nbytes(),
                reasons,
            });
        }
        let data = array.to_data();
        let mut rows = MutableArrayData::new(vec![&data], false, self.count);
        if self.step == 1 {
            extend(&mut rows, self.start..self.start + self.count);
        } else {
            let mut row = self.start;
            for _ in 0..self.count {
                extend(&mut rows, row..row + 1);
                row = row.wrapping_add_signed(self.step);
            }
        }
        let data = side_by_side(rows.freeze())?;
        let report = CopyReport::copied(CopyRecord::of_items(bytes_of(&data), reasons));
        Ok(Converted {
            value: make_array(data),
            report,
        })
    }
}

/// An array just made, whose structs of numbers of one type have their columns equally spaced in one buffer: an axis, as they were.
fn side_by_side(data: ArrayData) -> Result<ArrayData> {
    let mut children = data.child_data().to_vec();
    if children.is_empty() || matches!(data.data_type(), DataType::Dictionary(..)) {
        return Ok(data);
    }
    for child in &mut children {
        *child = side_by_side(child.clone())?;
    }
    if let (DataType::Struct(_), [first, _, ..]) = (data.data_type(), &children[..])
        && first.data_type().is_primitive()
        && children.iter().all(|child| child.data_type() == first.data_type())
    {
        children = in_one_buffer(&children)?;
    }
    data.into_builder().child_data(children).build().map_err(library)
}

/// Columns of one type, each in a part of one buffer.
fn in_one_buffer(columns: &[ArrayData]) -> Result<Vec<ArrayData>> {
    let bytes = |column: &ArrayData| column.buffers().first().cloned().unwrap_or_default();
    let len = columns.iter().map(|column| bytes(column).len()).max().unwrap_or(0);
    let pitch = len.next_multiple_of(LINE);
    let mut all = MutableBuffer::new(pitch * columns.len());
    for column in columns {
        let start = all.len();
        all.extend_from_slice(bytes(column).as_slice());
        all.resize(start + pitch, 0);
    }
    let all = ArrowBuffer::from(all);
    let column = |(k, column): (usize, &ArrayData)| {
        let part = all.slice_with_length(k * pitch, bytes(column).len());
        column
            .clone()
            .into_builder()
            .buffers(vec![part])
            .build()
            .map_err(library)
    };
    columns.iter().enumerate().map(column).collect()
}

/// What columns are padded to, in bytes, as in Arrow's files.
const LINE: usize = 64;

/// Where a view with items begins: its address in bytes, or in bits if items are packed.
fn first_unit(view: &StridedView<'_>) -> Option<isize> {
    match view.layout().unit() {
        Unit::Byte => isize::try_from(view.data_ptr().addr()).ok(),
        Unit::Bit => {
            let start = isize::try_from(view.buffer().as_ptr().addr()).ok()?;
            start.checked_mul(8)?.checked_add_unsigned(view.layout().offset())
        }
    }
}
