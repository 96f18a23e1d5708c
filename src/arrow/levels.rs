//! Out of nested arrays into one layout.
//!
//! An array is described from its rows down to its items. Every level has rows of its own, which lie at even distances (*step*, in rows of the level
//! below), so that the address of an item is a sum over the levels: a strided view. Lists and binary data have to be shown to be even.

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryType, ByteArrayType, LargeBinaryType};
use arrow_array::{Array, ArrayRef, GenericByteArray};
use arrow_buffer::{Buffer as ArrowBuffer, NullBuffer};
use arrow_schema::DataType;
use smallvec::{SmallVec, smallvec};

use super::dtype::{Storage, storage};
use super::lists::{Rows, even_offsets};
use super::spacing::Spacing;
use super::tensor::FixedShapeTensor;
use super::{memory, primitive};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::error::{ArrowFault, LayoutError, NoView, Result};
use crate::layout::{Layout, MAX_NDIM};
use crate::memory::Order;
use crate::view::StridedView;

/// The mask of each level that has nulls.
pub(super) type Validity = SmallVec<[Option<StridedView<'static>>; 1]>;

/// A number for each axis.
type Sizes = SmallVec<[usize; 6]>;

/// What an array is made of, from the rows down to the items.
pub(super) struct Levels {
    /// The nulls of each level, and the number of axes down to it.
    nulls: SmallVec<[(Option<NullBuffer>, usize); 2]>,
    /// Sizes in the order of memory.
    shape: Sizes,
    /// For each axis but the first: how many steps along it one step along the axis before takes.
    steps: Sizes,
    /// The physical axis of each axis of the view, as far as a tensor permutes them; the axes behind are as they are.
    axes: Sizes,
    items: Items,
}

/// Where the items are.
struct Items {
    memory: Buffer<'static>,
    storage: Storage,
    /// Where the first item is: in bytes, or bits if items are packed.
    offset: usize,
    /// A last axis across columns, and its stride in bytes.
    columns: Option<(usize, isize)>,
}

impl Levels {
    /// Steps down through the lists. A tensor gives the first list its axes.
    pub(super) fn of(array: &ArrayRef, tensor: Option<&FixedShapeTensor>) -> Result<Self> {
        if let Some(tensor) = tensor {
            check_tensor(tensor, array.data_type())?;
        }
        let mut array = ArrayRef::clone(array);
        let (mut nulls, mut steps) = (SmallVec::new(), Sizes::new());
        let (mut shape, mut axes): (Sizes, Sizes) = (smallvec![array.len()], smallvec![0]);
        loop {
            nulls.push((array.nulls().cloned(), shape.len()));
            let Some(rows) = Rows::of(&array)? else { break };
            match tensor.filter(|_| nulls.len() == 1) {
                Some(tensor) => {
                    axes.extend(tensor.physical_axes().map(|axis| axis + 1));
                    shape.extend_from_slice(tensor.shape());
                    steps.extend_from_slice(tensor.shape());
                }
                None => {
                    shape.push(rows.size);
                    steps.push(rows.step);
                }
            }
            array = rows.items;
            if shape.len() > MAX_NDIM {
                return Err(LayoutError::RankTooHigh { ndim: shape.len() }.into());
            }
        }
        let items = match array.data_type() {
            DataType::Struct(_) => Items::of_columns(&array)?,
            DataType::Binary => Items::of_binary::<BinaryType>(array.as_bytes(), (&mut shape, &mut steps))?,
            DataType::LargeBinary => Items::of_binary::<LargeBinaryType>(array.as_bytes(), (&mut shape, &mut steps))?,
            _ => Items::of_leaf(&array, (&mut shape, &mut steps))?,
        };
        Ok(Self {
            nulls,
            shape,
            steps,
            axes,
            items,
        })
    }

    pub(super) fn null_count(&self) -> usize {
        let counts = self.nulls.iter().flat_map(|(nulls, _)| nulls);
        counts.map(NullBuffer::null_count).sum()
    }

    pub(super) fn view(&self) -> Result<StridedView<'static>> {
        let Items {
            memory,
            storage: Storage { dtype, logical, .. },
            offset,
            columns,
        } = &self.items;
        let view = self.over(memory.clone(), (dtype, *offset), self.shape.len(), *columns)?;
        Ok(match logical {
            Some(logical) => view.with_logical(logical.clone()),
            None => view,
        })
    }

    pub(super) fn validity(&self) -> Result<Validity> {
        let bits = |(nulls, ndim): &(Option<NullBuffer>, usize)| {
            let nulls = nulls.as_ref().filter(|nulls| nulls.null_count() > 0);
            let over = |nulls: &NullBuffer| {
                let memory = memory::from_arrow(nulls.buffer());
                self.over(memory, (&DType::BIT, nulls.offset()), *ndim, None)
            };
            nulls.map(over).transpose()
        };
        self.nulls.iter().map(bits).collect()
    }

    /// The first `ndim` axes over memory whose first item is at `offset`, and the axis across columns behind them.
    fn over(
        &self,
        memory: Buffer<'static>,
        (dtype, offset): (&DType, usize),
        ndim: usize,
        columns: Option<(usize, isize)>,
    ) -> Result<StridedView<'static>> {
        let mut shape = Sizes::from_slice(&self.shape[..ndim]);
        let (itemsize, _) = Layout::item_of(dtype);
        let too_large = || LayoutError::SizeOverflow {
            shape: self.shape.to_vec(),
            itemsize,
        };
        let mut strides = Sizes::from_elem(itemsize, ndim);
        for axis in (1..ndim).rev() {
            strides[axis - 1] = strides[axis].checked_mul(self.steps[axis - 1]).ok_or_else(too_large)?;
        }
        let mut strides = strides
            .into_iter()
            .map(|stride| isize::try_from(stride).map_err(|_| too_large()))
            .collect::<Result<SmallVec<[isize; 6]>, _>>()?;
        if let Some((count, stride)) = columns {
            shape.push(count);
            strides.push(stride);
        }
        let layout = Layout::strided(&shape, &strides, offset, dtype)?;
        let view = StridedView::new(memory, dtype.clone(), layout)?;
        if self.axes.len() == 1 {
            return Ok(view);
        }
        let permuted = self.axes.iter().copied().chain(self.axes.len()..).take(shape.len());
        view.permute(&permuted.collect::<Vec<_>>())
    }
}

/// The view of an array of numbers without nulls, which have one level: most arrays are that, and the general description of nothing costs more
/// than the view.
pub(super) fn numbers(array: &dyn Array) -> Result<Option<StridedView<'static>>> {
    let values = primitive::values(array).filter(|_| array.null_count() == 0);
    let Some(values) = values else { return Ok(None) };
    let Storage { dtype, logical, axis } = storage(array.data_type())?;
    if axis.is_some() {
        return Ok(None);
    }
    let layout = Layout::contiguous(&[array.len()], &dtype, Order::C)?;
    let view = StridedView::new(memory::from_arrow(values), dtype, layout)?;
    Ok(Some(match logical {
        Some(logical) => view.with_logical(logical),
        None => view,
    }))
}

/// Sizes and steps of the axes so far.
type Axes<'a> = (&'a mut Sizes, &'a mut Sizes);

impl Items {
    /// Items of a type that is no list, and the axis that they are themselves, if any.
    fn of_leaf(array: &ArrayRef, (shape, steps): Axes<'_>) -> Result<Self> {
        let storage = storage(array.data_type())?;
        if let Some(size) = storage.axis {
            shape.push(size);
            steps.push(size);
        }
        let (buffer, offset) = match array.as_boolean_opt() {
            Some(bits) => (bits.values().inner().clone(), bits.values().offset()),
            None => (leaf_bytes(array)?, 0),
        };
        Ok(Self {
            memory: memory::from_arrow(&buffer),
            storage,
            offset,
            columns: None,
        })
    }

    /// Binary data of one length.
    fn of_binary<T: ByteArrayType>(array: &GenericByteArray<T>, (shape, steps): Axes<'_>) -> Result<Self> {
        let (start, size) = even_offsets(array.value_offsets())?;
        shape.push(size);
        steps.push(size);
        Ok(Self {
            memory: memory::from_arrow(array.values()),
            storage: Storage::plain(DType::U8),
            offset: start,
            columns: None,
        })
    }

    /// The columns of a struct as a last axis.
    fn of_columns(array: &ArrayRef) -> Result<Self> {
        let columns = array.as_struct().columns();
        let no_view = |because| ArrowFault::NoView {
            data_type: array.data_type().to_string().into(),
            because,
        };
        let Some(first) = columns.first() else {
            return Err(no_view(NoView::NoBytes).into());
        };
        // A mask of its own for each column is no axis of one mask.
        let plain = |column: &ArrayRef| primitive::values(column).is_some() && column.null_count() == 0;
        if !columns.iter().all(plain) {
            return Err(no_view(NoView::Columns).into());
        }
        let storage = storage(first.data_type())?;
        if storage.axis.is_some() {
            return Err(no_view(NoView::Columns).into());
        }
        let spacing = Spacing::of(columns)?;
        Ok(Self {
            memory: spacing.memory,
            storage,
            offset: spacing.start,
            columns: Some((spacing.columns, spacing.distance)),
        })
    }
}

/// The bytes of the items of an array whose items have a fixed width of whole bytes, without those before and behind its slice.
///
/// # Errors
///
/// [`ArrowFault::NoView`].
pub(super) fn leaf_bytes(array: &ArrayRef) -> Result<ArrowBuffer> {
    if let Some(values) = primitive::values(array) {
        return Ok(values.clone());
    }
    let data = array.to_data();
    let DataType::FixedSizeBinary(width) = data.data_type() else {
        return Err(super::dtype::no_view(array.data_type()).into());
    };
    let width = super::dtype::list_size(*width)?;
    let (start, len) = (data.offset().checked_mul(width), data.len().checked_mul(width));
    match (data.buffers().first(), start, len) {
        (Some(bytes), Some(start), Some(len)) if start.checked_add(len).is_some_and(|end| end <= bytes.len()) => {
            Ok(bytes.slice_with_length(start, len))
        }
        _ => Err(ArrowFault::Length {
            expected: data.len(),
            found: 0,
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
