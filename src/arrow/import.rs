//! Out of Arrow arrays into views.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::{Buffer as ArrowBuffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef};

use super::dtype::{Storage, list_size, storage};
use super::memory;
use super::tensor::FixedShapeTensor;
use crate::dtype::DType;
use crate::error::{ArrowFault, Error, LayoutError, Result};
use crate::layout::{Layout, MAX_NDIM};
use crate::memory::Order;
use crate::view::StridedView;

/// What to do about nulls, of rows and of the items inside of them. An all-valid bitmap is no null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Nulls {
    /// Refuse them; the error says how many.
    #[default]
    Forbid,
    /// Hand them out beside the values: [`Column::row_validity`], [`Column::item_validity`]. The values under them are unspecified.
    Separate,
    /// Use the values under them, which the Arrow format leaves unspecified. The way back still has the nulls.
    IgnoreUnspecified,
}

/// An Arrow column as a view, with everything beside it that a view cannot say: field, validity of every level, the tensor's names.
///
/// Making one never copies. Nested lists add an axis each; a field of the extension type `arrow.fixed_shape_tensor` gives the tensor's axes, in
/// their logical order. Other extension types are seen as their storage.
///
/// ```
/// use arrow_array::{Array, ArrayRef, Int32Array};
/// use viewbridge::arrow::{Column, Nulls};
///
/// let array = Int32Array::from(vec![Some(1), None, Some(3)]);
/// assert_eq!(
///     Column::from_array(&array, Nulls::Forbid).unwrap_err().to_string(),
///     "1 null, and a view has no place for them; ask for Nulls::Separate to take values and validity apart"
/// );
///
/// let column = Column::from_array(&array, Nulls::Separate)?;
/// assert_eq!(column.view().get::<i32>(&[2])?, 3);
/// assert_eq!(column.row_validity().unwrap().to_vec::<bool>()?, [true, false, true]);
/// assert_eq!(column.array(), &(std::sync::Arc::new(array) as ArrayRef));
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Clone)]
pub struct Column {
    view: StridedView<'static>,
    field: FieldRef,
    array: ArrayRef,
    /// One entry for the rows and one for the items of each list level.
    validity: Vec<Option<StridedView<'static>>>,
    nulls: usize,
    tensor: Option<FixedShapeTensor>,
}

impl Column {
    /// The view of an array. O(levels), plus counting the nulls of sliced bitmaps.
    ///
    /// # Errors
    ///
    /// [`Error::Nulls`] under [`Nulls::Forbid`]; [`ArrowFault::UnsupportedType`]; [`LayoutError::RankTooHigh`],
    /// [`LayoutError::SizeOverflow`].
    pub fn from_array(array: &dyn Array, nulls: Nulls) -> Result<Self> {
        let field = Field::new("", array.data_type().clone(), array.is_nullable());
        Self::from_field(&Arc::new(field), array, nulls)
    }

    /// The view of an array with its field, whose extension metadata is honoured.
    ///
    /// # Errors
    ///
    /// As [`Column::from_array`]; [`ArrowFault::FieldType`] if field and array disagree; for `arrow.fixed_shape_tensor` those of
    /// [`FixedShapeTensor::parse`], [`ArrowFault::TensorSize`], and [`ArrowFault::UnsupportedType`] over storage that is no FixedSizeList.
    pub fn from_field(field: &FieldRef, array: &dyn Array, nulls: Nulls) -> Result<Self> {
        if field.data_type() != array.data_type() {
            return Err(ArrowFault::FieldType {
                field: field.data_type().to_string().into(),
                array: array.data_type().to_string().into(),
            }
            .into());
        }
        let tensor = FixedShapeTensor::of_field(field)?;
        let levels = Levels::descend(array.to_data(), tensor.as_ref())?;
        let count = levels.null_count();
        if count > 0 && nulls == Nulls::Forbid {
            return Err(Error::Nulls { count });
        }
        Ok(Self {
            view: levels.view()?,
            validity: levels.validity()?,
            field: Arc::clone(field),
            array: array.slice(0, array.len()),
            nulls: count,
            tensor,
        })
    }

    /// The values, sharing the array's memory. Under a null they are unspecified.
    #[must_use]
    pub fn view(&self) -> &StridedView<'static> {
        &self.view
    }

    /// The values alone.
    #[must_use]
    pub fn into_view(self) -> StridedView<'static> {
        self.view
    }

    /// The field, or for [`Column::from_array`] one without a name.
    #[must_use]
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// The tensor that a row is, if the field says so.
    #[must_use]
    pub fn tensor(&self) -> Option<&FixedShapeTensor> {
        self.tensor.as_ref()
    }

    /// Nulls of all levels together.
    #[must_use]
    pub fn null_count(&self) -> usize {
        self.nulls
    }

    /// Levels that can have nulls: the rows, and the items of each list.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.validity.len()
    }

    /// Which rows are valid, as bits ([`DType::BIT`]) that share the array's memory; `None` if all are.
    #[must_use]
    pub fn row_validity(&self) -> Option<StridedView<'static>> {
        self.item_validity(0)
    }

    /// Which items of a level are valid, as bits that share the array's memory; `None` if all are, or there is no such level.
    ///
    /// Level 0 is that of the rows. The axes are the first ones of the view: append axes of size 1 and
    /// [broadcast](StridedView::broadcast_to) to see one bit per item.
    #[must_use]
    pub fn item_validity(&self, level: usize) -> Option<StridedView<'static>> {
        self.validity.get(level)?.clone()
    }

    /// The way back: the array as it came, nulls included, which keeps the memory of the view alive.
    ///
    /// For an array of a view that has been sliced or otherwise changed, see [`StridedView::to_arrow`].
    #[must_use]
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column")
            .field("field", &self.field)
            .field("view", &self.view)
            .field("nulls", &self.nulls)
            .finish()
    }
}

/// What an array is made of, from the rows down to the items.
struct Levels {
    /// Nulls of each level, and the number of axes down to it.
    nulls: Vec<(Option<NullBuffer>, usize)>,
    /// Sizes in the order of memory.
    shape: Vec<usize>,
    /// The physical axis of each axis of the view, as far as a tensor permutes them; the axes behind are as they are.
    axes: Vec<usize>,
    storage: Storage,
    buffer: ArrowBuffer,
    /// Items of the view's data type before the first one.
    offset: usize,
}

impl Levels {
    /// Steps down through the lists. Each slice's offset is passed on to the child, which Arrow leaves to the reader.
    fn descend(mut data: ArrayData, tensor: Option<&FixedShapeTensor>) -> Result<Self> {
        if let Some(tensor) = tensor {
            check_tensor(tensor, data.data_type())?;
        }
        let (mut nulls, mut shape, mut axes) = (Vec::new(), vec![data.len()], vec![0]);
        loop {
            nulls.push((data.nulls().cloned(), shape.len()));
            let DataType::FixedSizeList(_, size) = *data.data_type() else {
                break;
            };
            let size = list_size(size)?;
            data = child(&data, size)?;
            match tensor.filter(|_| nulls.len() == 1) {
                Some(tensor) => {
                    axes.extend(tensor.physical_axes().map(|axis| axis + 1));
                    shape.extend_from_slice(tensor.shape());
                }
                None => shape.push(size),
            }
            if shape.len() > MAX_NDIM {
                return Err(LayoutError::RankTooHigh { ndim: shape.len() }.into());
            }
        }
        let storage = storage(data.data_type())?;
        shape.extend(storage.axis);
        let too_far = ArrowFault::Length {
            expected: data.len(),
            found: 0,
        };
        let offset = data.offset().checked_mul(storage.axis.unwrap_or(1));
        let (Some(offset), Some(buffer)) = (offset, data.buffers().first().cloned()) else {
            return Err(too_far.into());
        };
        Ok(Self {
            nulls,
            shape,
            axes,
            storage,
            buffer,
            offset,
        })
    }

    fn null_count(&self) -> usize {
        let counts = self.nulls.iter().flat_map(|(nulls, _)| nulls);
        counts.map(NullBuffer::null_count).sum()
    }

    fn view(&self) -> Result<StridedView<'static>> {
        let Storage { dtype, logical, .. } = &self.storage;
        let view = self.over(&self.buffer, dtype, self.shape.len(), self.offset)?;
        Ok(match logical {
            Some(logical) => view.with_logical(logical.clone()),
            None => view,
        })
    }

    fn validity(&self) -> Result<Vec<Option<StridedView<'static>>>> {
        let bits = |(nulls, ndim): &(Option<NullBuffer>, usize)| {
            let nulls = nulls.as_ref().filter(|nulls| nulls.null_count() > 0);
            nulls
                .map(|nulls| self.over(nulls.buffer(), &DType::BIT, *ndim, nulls.offset()))
                .transpose()
        };
        self.nulls.iter().map(bits).collect()
    }

    /// The first `ndim` axes over a buffer whose first item is number `offset`.
    fn over(&self, buffer: &ArrowBuffer, dtype: &DType, ndim: usize, offset: usize) -> Result<StridedView<'static>> {
        let shape = &self.shape[..ndim];
        let compact = Layout::contiguous(shape, dtype, Order::C)?;
        let offset = offset
            .checked_mul(compact.itemsize())
            .ok_or(LayoutError::SizeOverflow {
                shape: shape.to_vec(),
                itemsize: compact.itemsize(),
            })?;
        let layout = Layout::strided(shape, compact.strides(), offset, dtype)?;
        let view = StridedView::new(memory::from_arrow(buffer), dtype.clone(), layout)?;
        let permuted = self.axes.iter().copied().chain(self.axes.len()..).take(ndim);
        view.permute(&permuted.collect::<Vec<_>>())
    }
}

/// The items of lists of `size`, without those before and behind the slice.
fn child(data: &ArrayData, size: usize) -> Result<ArrayData> {
    let expected = data.len().checked_mul(size);
    let end = data
        .offset()
        .checked_add(data.len())
        .and_then(|end| end.checked_mul(size));
    match (data.child_data().first(), expected, end) {
        (Some(child), Some(len), Some(end)) if end <= child.len() => Ok(child.slice(end - len, len)),
        (child, expected, _) => Err(ArrowFault::Length {
            expected: expected.unwrap_or(usize::MAX),
            found: child.map_or(0, ArrayData::len),
        }
        .into()),
    }
}

/// Holds a tensor against the list that stores it.
fn check_tensor(tensor: &FixedShapeTensor, storage: &DataType) -> Result<()> {
    let DataType::FixedSizeList(_, size) = *storage else {
        let name = format!("{} over {storage}", FixedShapeTensor::NAME);
        return Err(ArrowFault::UnsupportedType(name.into()).into());
    };
    if i32::try_from(tensor.size()) == Ok(size) {
        return Ok(());
    }
    Err(ArrowFault::TensorSize {
        shape: tensor.shape().to_vec(),
        list_size: size,
    }
    .into())
}
