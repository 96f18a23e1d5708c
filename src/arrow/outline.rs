//! Views of columns that have not been read, by their types.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::new_empty_array;
use arrow_schema::{DataType, FieldRef};

use super::column::{Column, Nulls};
use crate::convert::Outline;
use crate::error::{ArrowFault, NoView, Result};
use crate::layout::Layout;
use crate::memory::{Access, Device, Order, OwnerKind};

/// The view that a column of so many rows and no nulls will be, as far as its type alone tells; its address is known to be as aligned as its items.
///
/// ```
/// use std::sync::Arc;
/// use arrow_schema::{DataType, Field};
/// use viewbridge::arrow;
///
/// let item = Field::new_list_field(DataType::Float32, false);
/// let field = Field::new("points", DataType::FixedSizeList(Arc::new(item), 3), false);
/// let outline = arrow::outline(&Arc::new(field), 1000)?;
/// assert_eq!((outline.layout().shape(), outline.layout().strides()), (&[1000, 3][..], &[12, 4][..]));
/// # Ok::<(), viewbridge::Error>(())
/// ```
///
/// # Errors
///
/// As [`Column::from_field`]; [`NoView::Unread`] for lists, binary data and structs, whose data tell whether they are even.
pub fn outline(field: &FieldRef, rows: usize) -> Result<Outline> {
    if told_by_data(field.data_type()) {
        return Err(ArrowFault::NoView {
            data_type: field.data_type().to_string().into(),
            because: NoView::Unread,
        }
        .into());
    }
    // Type, axes and meaning are those of a column without rows. Arrow makes one of any type, but may panic over a broken one.
    let column = catch_unwind(AssertUnwindSafe(|| {
        let empty = new_empty_array(field.data_type());
        Column::from_field(field, &empty, Nulls::Forbid)
    }));
    let column = column.map_err(|_| ArrowFault::Panic)??;
    let view = column.view();
    let tensor = column.tensor();
    let mut shape = vec![rows];
    shape.extend(tensor.map_or(&[][..], |tensor| tensor.shape()));
    let behind = shape.len()..view.ndim();
    shape.extend(&view.shape()[behind.clone()]);
    let mut layout = Layout::contiguous(&shape, view.dtype(), Order::C)?;
    if let Some(tensor) = tensor {
        let axes = tensor.physical_axes().map(|axis| axis + 1);
        let axes: Vec<usize> = std::iter::once(0).chain(axes).chain(behind).collect();
        layout = layout.permute(&axes)?;
    }
    Ok(Outline {
        dtype: view.dtype().clone(),
        logical: view.logical().cloned(),
        address: view.dtype().alignment(),
        layout,
        access: Access::Immutable,
        device: Device::CPU,
        owner: OwnerKind::Arrow,
    })
}

/// Whether the data alone tell how the items of a type lie: lists and binary data may be even, the columns of a struct evenly spaced.
fn told_by_data(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(field, _) => told_by_data(field.data_type()),
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => true,
        DataType::Binary | DataType::LargeBinary | DataType::Struct(_) => true,
        _ => false,
    }
}
