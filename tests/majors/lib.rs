//! Arrays of arrow 59 as views, and as arrays of arrow 60, in one process: the C Data Interface is the door between versions.
//!
//! # Safety
//!
//! The structs of both sides are those of the specification, bit for bit; each pair was exported together and is taken once.
#![cfg(test)]
#![allow(unsafe_code)]

use std::sync::Arc;

use arrow59_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow59_array::{Array as _, ArrayRef as ArrayRef59, FixedSizeListArray, Float64Array, Int32Array, StringArray};
use arrow59_schema::{DataType as DataType59, Field as Field59};
use viewbridge::CopyPolicy;
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowSchema};
use viewbridge::arrow::{Column, Nulls};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// An array of arrow 59 as one of arrow 60.
fn forward(array: &ArrayRef59) -> Result<(arrow_schema::FieldRef, arrow_array::ArrayRef)> {
    let (mut array, mut schema) = to_ffi(&array.to_data())?;
    // SAFETY: the struct of the specification.
    let taken = unsafe { ArrowArray::take((&raw mut array).cast()) }?;
    // SAFETY: the struct of the specification.
    let schema = unsafe { ArrowSchema::take((&raw mut schema).cast()) }?;
    // SAFETY: exported together.
    let imported = unsafe { ffi::import(&schema, taken) }?;
    assert!(imported.is_shared());
    Ok(imported.value)
}

/// … and back.
fn back(array: ArrowArray, schema: ArrowSchema) -> Result<ArrayRef59> {
    let (mut array, mut schema) = (array, schema);
    // SAFETY: the struct of the specification; `from_raw` marks it as moved.
    let array = unsafe { FFI_ArrowArray::from_raw((&raw mut array).cast()) };
    // SAFETY: as above.
    let schema = unsafe { FFI_ArrowSchema::from_raw((&raw mut schema).cast()) };
    // SAFETY: exported together.
    let data = unsafe { from_ffi(array, &schema) }?;
    Ok(arrow59_array::make_array(data))
}

fn pointers59(data: &arrow59_data::ArrayData) -> Vec<*const u8> {
    let own = data.buffers().iter().map(|buffer| buffer.as_ptr());
    own.chain(data.child_data().iter().flat_map(pointers59)).collect()
}

fn arrays() -> Vec<ArrayRef59> {
    let items: ArrayRef59 = Arc::new(Int32Array::from((0..24).collect::<Vec<_>>()));
    let item = Arc::new(Field59::new_list_field(DataType59::Int32, false));
    vec![
        Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)])),
        Arc::new(StringArray::from(vec!["a", "ü"])),
        Arc::new(FixedSizeListArray::new(item, 6, items, None)),
    ]
}

#[test]
fn arrays_cross_from_one_major_to_the_other_and_back_in_the_same_memory() -> Result<()> {
    for array in arrays() {
        let pointers = pointers59(&array.to_data());
        let (field, newer) = forward(&array)?;
        let exported = ArrowArray::from_array(&newer).value;
        let again = back(exported, ArrowSchema::from_field(&field)?)?;
        assert_eq!(&again, &array);
        assert_eq!(pointers59(&again.to_data()), pointers);
    }
    Ok(())
}

#[test]
fn arrays_of_the_older_major_are_views_of_the_same_memory() -> Result<()> {
    let array = &arrays()[2];
    let (field, newer) = forward(array)?;
    let view = Column::from_field(&field, &newer, Nulls::Forbid)?.into_view();
    assert_eq!((view.shape(), view.dtype().itemsize()), (&[4, 6][..], 4));
    assert_eq!(vec![view.data_ptr()], pointers59(&array.to_data()));

    // A view is an array of arrow 59 without an array of arrow 60 in between.
    let (schema, exported) = view.slice_axis(0, 1..3)?.to_arrow_c(CopyPolicy::Never)?.value;
    let rows = back(exported, schema)?;
    assert_eq!(rows.len(), 2);
    assert_eq!(pointers59(&rows.to_data()), [view.data_ptr().wrapping_add(24)]);
    Ok(())
}
