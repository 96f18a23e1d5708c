//! Arrow arrays as views, with everything beside them that a view cannot say.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, FieldRef};
use smallvec::smallvec;

use super::levels::{self, Levels, Validity};
use super::tensor::FixedShapeTensor;
use crate::dtype::DType;
#[cfg(doc)]
use crate::error::LayoutError;
use crate::error::{ArrowFault, Error, Result};
use crate::view::StridedView;

/// What to do about nulls, of rows and of the items inside of them. An all-valid bitmap is no null.
///
/// The fourth way is to fill them: [`Column::filled`], a method of its own because it may copy.
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
    validity: Validity,
    nulls: usize,
    tensor: Option<FixedShapeTensor>,
}

impl Column {
    /// The view of an array. O(levels), plus counting the nulls of sliced bitmaps, plus O(rows) for lists and binary data, whose offsets must be
    /// evenly spaced.
    ///
    /// # Errors
    ///
    /// [`Error::Nulls`] under [`Nulls::Forbid`]; [`ArrowFault::NoView`] for types that no view can show, which says what to do instead;
    /// [`ArrowFault::Ragged`] for rows of different lengths; [`ArrowFault::Spacing`] for a struct whose columns are not equally spaced;
    /// [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    pub fn from_array(array: &dyn Array, nulls: Nulls) -> Result<Self> {
        let field = Field::new("", array.data_type().clone(), array.is_nullable());
        Self::from_field(&Arc::new(field), array, nulls)
    }

    /// The view of an array with its field, whose extension metadata is honoured.
    ///
    /// # Errors
    ///
    /// As [`Column::from_array`]; [`ArrowFault::FieldType`] if field and array disagree; for `arrow.fixed_shape_tensor` those of
    /// [`FixedShapeTensor::parse`], [`ArrowFault::TensorSize`], and [`ArrowFault::UnsupportedType`] over storage that is no FixedSizeList; for
    /// `arrow.bool8` [`Error::InvalidItem`] over a byte that is neither 0 nor 1.
    pub fn from_field(field: &FieldRef, array: &dyn Array, nulls: Nulls) -> Result<Self> {
        check_type(field, array)?;
        let plain = field.metadata().is_empty();
        let tensor = if plain {
            None
        } else {
            FixedShapeTensor::of_field(field)?
        };
        if plain && let Some(view) = levels::numbers(array)? {
            return Ok(Self {
                view,
                validity: smallvec![None],
                field: Arc::clone(field),
                array: array.slice(0, array.len()),
                nulls: 0,
                tensor,
            });
        }
        let array = array.slice(0, array.len());
        let levels = Levels::of(&array, tensor.as_ref())?;
        let count = levels.null_count();
        if count > 0 && nulls == Nulls::Forbid {
            return Err(Error::Nulls { count });
        }
        Ok(Self {
            view: seen_as(field, levels.view()?)?,
            validity: levels.validity()?,
            field: Arc::clone(field),
            array,
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
    /// For an array of a view that has been sliced, see [`with_view`](Self::with_view); of one that is no longer made of whole rows, [`StridedView::to_arrow`].
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

/// Refuses a field that is not the array's.
pub(super) fn check_type(field: &Field, array: &dyn Array) -> Result<()> {
    if field.data_type() == array.data_type() {
        return Ok(());
    }
    Err(ArrowFault::FieldType {
        field: field.data_type().to_string().into(),
        array: array.data_type().to_string().into(),
    }
    .into())
}

/// The name of the extension type whose booleans have a byte each.
pub(super) const BOOL8: &str = "arrow.bool8";

/// The view as the extension type of its items says.
fn seen_as(field: &Field, view: StridedView<'static>) -> Result<StridedView<'static>> {
    let items = items_of(field);
    if *items.data_type() != DataType::Int8 || items.extension_type_name() != Some(BOOL8) {
        return Ok(view);
    }
    let bools = view.view_as(DType::BOOL)?;
    // Any byte but 0 is true in Arrow; in Rust only 1 is.
    bools.typed::<bool>()?;
    Ok(bools)
}

/// The field of the innermost items of lists.
fn items_of(mut field: &Field) -> &Field {
    while let DataType::FixedSizeList(item, _)
    | DataType::List(item)
    | DataType::LargeList(item)
    | DataType::ListView(item)
    | DataType::LargeListView(item) = field.data_type()
    {
        field = item;
    }
    field
}
