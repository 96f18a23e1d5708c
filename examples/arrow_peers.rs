//! Functions that other libraries' arrays are handed through, for a script in Python to call (`tests/peers/arrow.py`): in by the C interfaces, through
//! a view of this crate, and out again.
//!
//! # Safety
//!
//! Every function's pointers come from the script: structs that another library filled, places for structs that it takes, C strings, and places for as
//! many numbers as the function says.
#![allow(unsafe_code, reason = "the door is C's")]

use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::sync::Arc;

use arrow_schema::Schema;
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema};
use viewbridge::arrow::{Column, Nulls};
use viewbridge::files::ipc;
use viewbridge::{CopyPolicy, Result, StridedView};

fn code(result: Result<()>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

/// # Safety
///
/// As the module says.
unsafe fn import(
    schema: *mut ArrowSchema,
    array: *mut ArrowArray,
) -> Result<viewbridge::Converted<(arrow_schema::FieldRef, arrow_array::ArrayRef)>> {
    // SAFETY: the script's promise.
    let schema = unsafe { ArrowSchema::take(schema) }?;
    // SAFETY: the script's promise.
    let array = unsafe { ArrowArray::take(array) }?;
    // SAFETY: the script's promise.
    unsafe { ffi::import(&schema, array) }
}

/// In, and out again into the same places.
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_array(schema: *mut ArrowSchema, array: *mut ArrowArray) -> c_int {
    code((|| {
        // SAFETY: the script's promise.
        let imported = unsafe { import(schema, array) }?;
        assert!(imported.is_shared(), "{}", imported.report);
        let (field, values) = imported.value;
        // SAFETY: places of the script, which are empty now.
        unsafe { schema.write(ArrowSchema::from_field(&field)?) };
        // SAFETY: as above.
        unsafe { array.write(ArrowArray::from_array(&values).value) };
        Ok(())
    })())
}

/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_stream(stream: *mut ArrowArrayStream) -> c_int {
    code((|| {
        // SAFETY: the script's promise.
        let reader = unsafe { ArrowArrayStream::take(stream) }?.into_reader()?;
        let field = Arc::clone(reader.field());
        let chunks = reader.map(|chunk| Ok(chunk?.value)).collect::<Result<Vec<_>>>()?;
        let again = ArrowArrayStream::of_arrays(field, chunks.into_iter().map(Ok).collect::<Vec<_>>());
        // SAFETY: a place of the script, which is empty now.
        unsafe { stream.write(again) };
        Ok(())
    })())
}

/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_device(schema: *mut ArrowSchema, array: *mut ArrowDeviceArray) -> c_int {
    code((|| {
        // SAFETY: the script's promise.
        let taken = unsafe { ArrowSchema::take(schema) }?;
        // SAFETY: the script's promise.
        let imported = unsafe { ArrowDeviceArray::take(array) }?;
        let field = taken.to_field()?;
        // SAFETY: the script's promise.
        let values = unsafe { imported.into_array(field.data_type()) }?.value;
        // SAFETY: places of the script, which are empty now.
        unsafe { schema.write(ArrowSchema::from_field(&field)?) };
        // SAFETY: as above.
        unsafe { array.write(ArrowDeviceArray::from_array(&values).value) };
        Ok(())
    })())
}

/// Address, rank, shape and strides of the view of an array; `numbers` has room for 2 + 2 × 8. `dtype` gets the name, with room for 32.
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_describe(
    schema: *mut ArrowSchema,
    array: *mut ArrowArray,
    numbers: *mut i64,
    dtype: *mut u8,
) -> c_int {
    code((|| {
        // SAFETY: the script's promise.
        let (field, values) = unsafe { import(schema, array) }?.value;
        let column = Column::from_field(&field, &values, Nulls::Separate)?;
        let view = column.view();
        // SAFETY: the script's promise.
        let numbers = unsafe { std::slice::from_raw_parts_mut(numbers, 18) };
        numbers[0] = i64::try_from(view.data_ptr().addr()).expect("an address");
        numbers[1] = i64::try_from(view.ndim()).expect("a rank");
        for (axis, (&dim, &stride)) in view.shape().iter().zip(view.strides()).enumerate() {
            numbers[2 + axis] = i64::try_from(dim).expect("a size");
            numbers[10 + axis] = i64::try_from(stride).expect("a stride");
        }
        let name = view.dtype().to_string();
        // SAFETY: the script's promise.
        let place = unsafe { std::slice::from_raw_parts_mut(dtype, 32) };
        place[..name.len()].copy_from_slice(name.as_bytes());
        place[name.len()] = 0;
        Ok(())
    })())
}

/// The view of a column, permuted by `axes` behind the rows, as a column of tensors.
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_tensor(
    schema: *mut ArrowSchema,
    array: *mut ArrowArray,
    axes: *const usize,
    count: usize,
) -> c_int {
    code((|| {
        // SAFETY: the script's promise.
        let (field, values) = unsafe { import(schema, array) }?.value;
        // SAFETY: the script's promise.
        let axes = unsafe { std::slice::from_raw_parts(axes, count) };
        let axes: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect();
        let view = Column::from_field(&field, &values, Nulls::Forbid)?
            .into_view()
            .permute(&axes)?;
        let (field, values) = view.to_fixed_shape_tensor(CopyPolicy::Never)?.value;
        // SAFETY: places of the script, which are empty now.
        unsafe { schema.write(ArrowSchema::from_field(&field)?) };
        // SAFETY: as above.
        unsafe { array.write(ArrowArray::from_array(&values).value) };
        Ok(())
    })())
}

/// # Safety
///
/// As the module says.
unsafe fn path<'a>(path: *const c_char) -> &'a str {
    // SAFETY: the script's promise.
    unsafe { CStr::from_ptr(path) }.to_str().expect("a path in UTF-8")
}

/// A tensor message read, and written again.
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_ipc_tensor(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the script's promise.
    let from = unsafe { path(from) };
    // SAFETY: the script's promise.
    let to = unsafe { path(to) };
    code((|| {
        let tensor = ipc::read_tensor(from)?.value;
        let names: Vec<&str> = tensor.names.iter().map(String::as_str).collect();
        assert!(ipc::write_tensor(File::create(to)?, &tensor.view, &names)?.is_shared());
        Ok(())
    })())
}

/// A file of record batches read, and written again as a stream (or the other way round).
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_ipc(from: *const c_char, to: *const c_char, from_stream: bool) -> c_int {
    // SAFETY: the script's promise.
    let from = unsafe { path(from) };
    // SAFETY: the script's promise.
    let to = unsafe { path(to) };
    code((|| {
        let batches = if from_stream {
            ipc::read_stream(from)
        } else {
            ipc::read(from)
        }?
        .value;
        if from_stream {
            let batch = &batches[0];
            let columns: Vec<_> = batch
                .schema()
                .fields()
                .iter()
                .cloned()
                .zip(batch.columns().iter().cloned())
                .collect();
            ipc::write(File::create(to)?, &columns)
        } else {
            let schema = batches
                .first()
                .map_or_else(|| Arc::new(Schema::empty()), |batch| batch.schema());
            ipc::write_stream(File::create(to)?, &schema, &batches)
        }
    })())
}

/// A view straight as C structs: `[3, 2]` of `float32`.
///
/// # Safety
///
/// As the module says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vb_view(schema: *mut ArrowSchema, array: *mut ArrowArray) -> c_int {
    code((|| {
        let view = StridedView::from_vec(vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).reshape(&[3, 2])?;
        let (view_schema, view_array) = view.to_arrow_c(CopyPolicy::Never)?.value;
        // SAFETY: places of the script, which are empty.
        unsafe { schema.write(view_schema) };
        // SAFETY: as above.
        unsafe { array.write(view_array) };
        Ok(())
    })())
}
