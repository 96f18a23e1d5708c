//! Out of views into Arrow arrays.

use std::sync::{Arc, LazyLock};

use arrow_array::{Array, ArrayRef, FixedSizeListArray, make_array};
use arrow_buffer::Buffer as ArrowBuffer;
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef};

use super::dtype::{Leaf, plain};
use super::tensor::FixedShapeTensor;
use super::{BUFFER, FIXED_SHAPE_TENSOR, REQUIREMENTS, library, memory, primitive};
use crate::convert::{Alignment, Converted, CopyPolicy, Requirements};
use crate::error::{ArrowFault, Error, Result};
use crate::layout::Unit;
use crate::reason::Refusal;
use crate::view::StridedView;

/// What [`StridedView::to_arrow`] asks of this very view: [`REQUIREMENTS`], with the alignment that its Arrow type needs, and no meaning that
/// Arrow has no type for.
///
/// ```
/// use viewbridge::{StridedView, arrow};
///
/// let view = StridedView::from_vec(vec![0_i64; 6]);
/// let plan = view.flip(0)?.plan(&arrow::requirements_of(&view));
/// assert_eq!(plan.bytes_copied(), 48);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[must_use]
pub fn requirements_of(view: &StridedView<'_>) -> Requirements {
    planned(Leaf::of(view).as_ref(), REQUIREMENTS)
}

/// What [`StridedView::to_fixed_shape_tensor`] asks of this very view: [`FIXED_SHAPE_TENSOR`], likewise.
#[must_use]
pub fn tensor_requirements_of(view: &StridedView<'_>) -> Requirements {
    planned(Leaf::of_tensor(view).as_ref(), FIXED_SHAPE_TENSOR)
}

/// `base`, with what the Arrow type of the view's items adds to it.
pub(super) fn planned(leaf: Result<&Leaf, &Refusal>, base: Requirements) -> Requirements {
    match leaf {
        Ok(Leaf { alignment: 1, .. }) => base,
        Ok(leaf) => base.alignment(Alignment::Bytes(leaf.alignment)),
        // The plan refuses then as the conversion does.
        Err(_) => base.storage_only(),
    }
}

impl Leaf {
    /// As [`Leaf::of`], without days and milliseconds: one item, whose two halves no permutation may part.
    pub(super) fn of_tensor(view: &StridedView<'_>) -> Result<Self, Refusal> {
        let leaf = Self::of(view)?;
        match view.logical() {
            Some(found) if leaf.axes > 0 => Err(Refusal::Logical { found: found.clone() }),
            _ => Ok(leaf),
        }
    }
}

impl StridedView<'_> {
    /// The view as an Arrow array: primitive or Boolean for one axis, FixedSizeLists (of items named `item`, not nullable) for each axis more.
    ///
    /// Items with a [`Logical`](crate::Logical) meaning get the Arrow type of that meaning. Shares memory that is row-major, aligned, native,
    /// immutable and owned ([`REQUIREMENTS`]); booleans must be bits. All else is copied, once.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, StridedView};
    ///
    /// let view = StridedView::from_vec((0..6_i16).collect()).reshape(&[3, 2])?;
    /// let array = view.to_arrow(CopyPolicy::Never)?.value;
    /// assert_eq!(array.data_type().to_string(), "FixedSizeList(2 x non-null Int16)");
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for no axis at all, device memory, or a type or meaning that Arrow lacks; [`ArrowFault::ListSize`] for an axis, other
    /// than the first, of more than `i32::MAX` items; [`Error::CopyForbidden`], [`Error::OutOfMemory`].
    pub fn to_arrow(&self, policy: CopyPolicy) -> Result<Converted<ArrayRef>> {
        if let Some(array) = numbers_as_they_lie(self, policy) {
            return Ok(Converted::shared(array));
        }
        let leaf = Leaf::of(self).map_err(refused_by(&REQUIREMENTS))?;
        check_list_sizes(self)?;
        let converted = self.convert(&planned(Ok(&leaf), REQUIREMENTS), policy)?;
        converted.try_map(|view| {
            let axes = view.ndim() - leaf.axes;
            if axes == 1 && leaf.data_type.is_primitive() {
                return numbers(view, leaf);
            }
            let shape = view.shape()[..axes].to_vec();
            lists(items(view, leaf)?, &shape).map(make_array)
        })
    }

    /// The items as a bare Arrow buffer, row by row, without their type: what arrow-rs' own constructors take ([`BUFFER`]).
    ///
    /// ```
    /// use arrow_array::{ArrayRef, Float32Array};
    /// use viewbridge::{CopyPolicy, StridedView};
    ///
    /// let view = StridedView::from_vec(vec![1.0_f32, 2.0, 3.0, 4.0]).reshape(&[2, 2])?;
    /// let buffer = view.to_arrow_buffer(CopyPolicy::Never)?.value;
    /// assert_eq!(buffer.as_ptr(), view.data_ptr());
    /// let array = Float32Array::new(buffer.into(), None);
    /// assert_eq!(array.value(3), 4.0);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for device memory and packed items ([`to_arrow`](Self::to_arrow) takes bits); [`Error::CopyForbidden`], [`Error::OutOfMemory`].
    #[inline]
    pub fn to_arrow_buffer(&self, policy: CopyPolicy) -> Result<Converted<ArrowBuffer>> {
        match memory::of_plain(self, policy) {
            Some(buffer) => Ok(Converted::shared(buffer)),
            None => planned_buffer(self, policy),
        }
    }

    /// The view as a column of tensors, one per position of the first axis, and the field that says so (named `tensor`).
    ///
    /// Shares memory whose rows are its slowest axis and whose other axes, in any order, are contiguous: the metadata has a `permutation`
    /// ([`FIXED_SHAPE_TENSOR`]). All else is copied, once, in the order that it has.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, StridedView};
    /// use viewbridge::arrow::FixedShapeTensor;
    ///
    /// let images = StridedView::from_vec(vec![0_u8; 2 * 4 * 5 * 3]).reshape(&[2, 4, 5, 3])?;
    /// let channels_first = images.permute(&[0, 3, 1, 2])?;
    /// let (field, _) = channels_first.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
    /// let tensor = FixedShapeTensor::of_field(&field)?.unwrap();
    /// assert_eq!(tensor.shape(), [4, 5, 3]);
    /// assert_eq!(tensor.permutation(), Some(&[2, 0, 1][..]));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StridedView::to_arrow`], but [`ArrowFault::ListSize`] for rows of more than `i32::MAX` items, and one axis is too few.
    pub fn to_fixed_shape_tensor(&self, policy: CopyPolicy) -> Result<Converted<(FieldRef, ArrayRef)>> {
        let leaf = Leaf::of_tensor(self).map_err(refused_by(&FIXED_SHAPE_TENSOR))?;
        let size = list_size(self.shape().iter().skip(1).product())?;
        let converted = self.convert(&planned(Ok(&leaf), FIXED_SHAPE_TENSOR), policy)?;
        converted.try_map(|view| {
            let (tensor, physical) = physical(&view)?;
            let rows = physical.shape()[0];
            let data = list(items(physical, leaf)?, rows, size)?;
            let field = Field::new("tensor", data.data_type().clone(), false).with_metadata(tensor.field_metadata());
            Ok((Arc::new(field), make_array(data)))
        })
    }
}

/// The buffer of a view that is not plain, or is to be copied.
#[cold]
fn planned_buffer(view: &StridedView<'_>, policy: CopyPolicy) -> Result<Converted<ArrowBuffer>> {
    view.convert(&BUFFER, policy)?.try_map(|view| {
        let (start, expected) = (view.layout().byte_offset(), view.nbytes());
        let buffer = view.into_static().map(|view| view.into_parts().0);
        let buffer = buffer.and_then(|buffer| memory::to_arrow(buffer, start, expected));
        // What was planned is owned and immutable, and its bytes are there.
        buffer.ok_or(Error::TooShort { expected, found: 0 })
    })
}

/// Numbers without a meaning that are an Arrow array, or lists of them, as they lie: the case that is worth a path of its own. `None` decides nothing.
fn numbers_as_they_lie(view: &StridedView<'_>, policy: CopyPolicy) -> Option<ArrayRef> {
    let shape = view.shape();
    if view.logical().is_some() || shape.is_empty() || shape[1..].iter().any(|&size| i32::try_from(size).is_err()) {
        return None;
    }
    let data_type = plain(view.dtype()).filter(DataType::is_numeric)?;
    let bytes = memory::of_plain(view, policy)?;
    let mut array = primitive::from_buffer(&data_type, bytes, (0, view.len()), None)?.ok()?;
    for axis in (1..shape.len()).rev() {
        let rows = shape[..axis].iter().product();
        let (item, size) = (item_of(array.data_type()), i32::try_from(shape[axis]).ok()?);
        let lists = FixedSizeListArray::try_new_with_length(item, size, array, None, rows);
        array = Arc::new(lists.ok()?);
    }
    Some(array)
}

/// The field of the items of a list. Those of numbers are made once.
fn item_of(data_type: &DataType) -> FieldRef {
    static NUMBERS: LazyLock<Vec<FieldRef>> = LazyLock::new(|| {
        let fields = NUMERIC.map(|data_type| Arc::new(Field::new_list_field(data_type, false)));
        fields.into()
    });
    let known = NUMBERS.iter().find(|item| item.data_type() == data_type);
    known.map_or_else(|| Arc::new(Field::new_list_field(data_type.clone(), false)), Arc::clone)
}

/// Numbers without a meaning, the more frequent ones first.
const NUMERIC: [DataType; 11] = [
    DataType::Float32,
    DataType::Float64,
    DataType::UInt8,
    DataType::Int64,
    DataType::Int32,
    DataType::Float16,
    DataType::Int8,
    DataType::Int16,
    DataType::UInt16,
    DataType::UInt32,
    DataType::UInt64,
];

/// Refuses axes, other than the first, that are longer than a list can be.
pub(super) fn check_list_sizes(view: &StridedView<'_>) -> Result<()> {
    view.shape()
        .iter()
        .skip(1)
        .try_for_each(|&items| list_size(items).map(drop))
}

pub(super) fn refused_by(requirements: &Requirements) -> impl Fn(Refusal) -> Error {
    let consumer = requirements.consumer();
    move |refusal| Error::Refused { consumer, refusal }
}

/// A dimension as Arrow writes it.
pub(super) fn list_size(items: usize) -> Result<i32> {
    i32::try_from(items).map_err(|_| ArrowFault::ListSize { items }.into())
}

/// The view with its axes in the order of memory, and the metadata that leads back.
pub(super) fn physical<'a>(view: &StridedView<'a>) -> Result<(FixedShapeTensor, StridedView<'a>)> {
    if view.is_c_contiguous() {
        let tensor = FixedShapeTensor::new(view.shape()[1..].to_vec())?;
        return Ok((tensor, view.clone()));
    }
    let axes = view.layout().rows_by_stride();
    let physical = view.permute(&axes)?;
    let mut permutation = vec![0; axes.len() - 1];
    for (position, &axis) in axes.iter().enumerate().skip(1) {
        permutation[axis - 1] = position - 1;
    }
    let tensor = FixedShapeTensor::new(physical.shape()[1..].to_vec())?.with_permutation(permutation)?;
    Ok((tensor, physical))
}

/// The items of a row-major view that fulfils [`REQUIREMENTS`], as the array that the lists are wrapped around.
fn items(view: StridedView<'_>, leaf: Leaf) -> Result<ArrayData> {
    let (buffer, bit, len) = bytes(view, &leaf)?;
    let array = ArrayData::builder(leaf.data_type)
        .len(len)
        .offset(bit)
        .add_buffer(buffer);
    array.build().map_err(library)
}

/// One axis of numbers, as an array.
fn numbers(view: StridedView<'_>, leaf: Leaf) -> Result<ArrayRef> {
    let (buffer, _, len) = bytes(view, &leaf)?;
    let misaligned = || ArrowFault::UnsupportedType(leaf.data_type.to_string().into()).into();
    primitive::from_buffer(&leaf.data_type, buffer, (0, len), None).unwrap_or_else(|| Err(misaligned()))
}

/// The bytes of the items, how many bits into them the first one begins, and how many items there are.
fn bytes(view: StridedView<'_>, leaf: &Leaf) -> Result<(ArrowBuffer, usize, usize)> {
    let axes = view.ndim() - leaf.axes;
    let len = view.shape()[..axes].iter().product();
    let start = view.layout().byte_offset();
    let (bit, bytes) = match view.layout().unit() {
        Unit::Byte => (0, view.nbytes()),
        Unit::Bit if view.is_empty() => (0, 0),
        Unit::Bit => {
            let bit = view.layout().offset() % 8;
            (bit, (bit + view.len()).div_ceil(8))
        }
    };
    let buffer = view.into_static().map(|view| view.into_parts().0);
    let buffer = buffer.and_then(|buffer| memory::to_arrow(buffer, start, bytes));
    // What was planned is owned and immutable, and its bytes are there.
    let buffer = buffer.ok_or(Error::TooShort {
        expected: bytes,
        found: 0,
    })?;
    Ok((buffer, bit, len))
}

/// Wraps items in a list per axis behind the first.
fn lists(items: ArrayData, shape: &[usize]) -> Result<ArrayData> {
    (1..shape.len()).rev().try_fold(items, |child, axis| {
        let len = shape[..axis].iter().product();
        list(child, len, list_size(shape[axis])?)
    })
}

/// `len` lists of `size` items each. [`ArrayData`], unlike the array's own constructor, keeps the length of lists without items.
fn list(child: ArrayData, len: usize, size: i32) -> Result<ArrayData> {
    let list = ArrayData::builder(DataType::FixedSizeList(item_of(child.data_type()), size));
    list.len(len).add_child_data(child).build().map_err(library)
}
