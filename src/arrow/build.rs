//! Arrow types that are built out of views beside plain arrays and tensors.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, StructArray};
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, FieldRef};

use super::column::BOOL8;
use super::library;
use crate::convert::{Converted, CopyPolicy, CopyReport, Packing};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::view::StridedView;

/// What says that bytes are booleans.
fn bool8_metadata() -> HashMap<String, String> {
    HashMap::from([(EXTENSION_TYPE_NAME_KEY.to_owned(), BOOL8.to_owned())])
}

impl StridedView<'_> {
    /// Booleans as an array of `arrow.bool8`, a byte each, and its field (named `bool8`). Where [`to_arrow`](Self::to_arrow) has to pack bytes into bits, this
    /// shares them; packed bits are copied instead.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, StridedView};
    ///
    /// let view = StridedView::from_vec(vec![true, false, true]);
    /// let (field, array) = view.to_bool8(CopyPolicy::Never)?.value;
    /// assert_eq!(field.extension_type_name(), Some("arrow.bool8"));
    /// assert_eq!(array.data_type().to_string(), "Int8");
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// Several axes become lists, whose innermost items are of that type: their field has the extension's name.
    ///
    /// # Errors
    ///
    /// As [`to_arrow`](Self::to_arrow); [`Error::DTypeMismatch`] for items that are no booleans.
    pub fn to_bool8(&self, policy: CopyPolicy) -> Result<Converted<(FieldRef, ArrayRef)>> {
        if self.dtype().kind() != crate::Kind::Bool || self.dtype().lanes() != 1 {
            return Err(Error::DTypeMismatch {
                expected: DType::BOOL,
                found: self.dtype().clone(),
            });
        }
        const BYTES: crate::Requirements = super::REQUIREMENTS.packing(Packing::BoolBytes).dtypes(|_| true);
        super::export::check_list_sizes(self)?;
        self.convert(&BYTES, policy)?.try_map(|bytes| {
            let shape = bytes.shape();
            let items = bytes.reshape(&[bytes.len()])?.view_as(DType::I8)?;
            let mut array = items.to_arrow(CopyPolicy::Never)?.value;
            let mut item = Field::new_list_field(DataType::Int8, false).with_metadata(bool8_metadata());
            for axis in (1..shape.len()).rev() {
                let (rows, size) = (shape[..axis].iter().product(), super::export::list_size(shape[axis])?);
                let lists = FixedSizeListArray::try_new_with_length(Arc::new(item), size, array, None, rows);
                array = Arc::new(lists.map_err(library)?);
                item = Field::new_list_field(array.data_type().clone(), false);
            }
            Ok((Arc::new(item.with_name("bool8")), array))
        })
    }

    /// Records as an array of structs, one column per field; fields that are arrays become lists.
    ///
    /// Columns share where a field is contiguous all by itself (records of one field); else each is copied once, and reported.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, DType, Field, Record, StridedView};
    ///
    /// let record = Record::packed([Field::new("id", DType::U16), Field::new("x", DType::U8)])?;
    /// let records = StridedView::from_vec((0..6_u8).collect()).view_as(record.into())?;
    /// let structs = records.to_struct_array(CopyPolicy::IfNeeded)?;
    /// assert_eq!(structs.value.num_columns(), 2);
    /// assert_eq!(structs.report.bytes_copied(), 6);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_arrow`](Self::to_arrow), for each field; [`DTypeFault::NoRecord`](crate::DTypeFault::NoRecord).
    pub fn to_struct_array(&self, policy: CopyPolicy) -> Result<Converted<StructArray>> {
        let mut report = CopyReport::SHARED;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for part in self.dtype().expect_record()?.fields() {
            let part_view = self.field(part.name())?;
            let column: ArrayRef = if part.dtype().as_record().is_some() && part.logical().is_none() {
                let nested = part_view.to_struct_array(policy)?;
                report.append(&nested.report);
                Arc::new(nested.value)
            } else {
                let column = part_view.to_arrow(policy)?;
                report.append(&column.report);
                column.value
            };
            fields.push(Field::new(part.name(), column.data_type().clone(), false));
            columns.push(column);
        }
        let value =
            StructArray::try_new_with_length(fields.into(), columns, None, self.shape().first().copied().unwrap_or(0));
        Ok(Converted {
            value: value.map_err(library)?,
            report,
        })
    }
}
