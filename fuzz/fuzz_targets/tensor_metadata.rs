//! Any string as the metadata of an `arrow.fixed_shape_tensor`. What parses is written, and parses again to the same; a column that
//! carries it is a view or an error.
#![no_main]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt8Array, make_array};
use arrow_data::ArrayData;
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{DataType, Field};
use libfuzzer_sys::fuzz_target;
use viewbridge::arrow::{Column, FixedShapeTensor, Nulls};

/// Items of one row that are still allocated.
const MANY: usize = 1 << 12;

const ROWS: usize = 2;

fuzz_target!(|metadata: &str| {
    let parsed = FixedShapeTensor::parse(metadata);
    let tensor = parsed.as_ref().ok();
    let size = tensor.map_or(6, FixedShapeTensor::size);
    for size in [size, 6] {
        if size <= MANY {
            column(metadata, tensor, size);
        }
    }
    match parsed {
        Ok(tensor) => describe(&tensor),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// What a tensor says of itself agrees with itself.
fn describe(tensor: &FixedShapeTensor) {
    let again = FixedShapeTensor::parse(&tensor.to_json()).expect("what was written");
    assert_eq!(&again, tensor);
    let mut sorted = (tensor.logical_shape(), tensor.shape().to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    let names = tensor.logical_dim_names().map(|names| names.len());
    assert_eq!(names, tensor.dim_names().map(<[String]>::len));
}

/// Rows of `size` items under a field with this metadata.
fn column(metadata: &str, tensor: Option<&FixedShapeTensor>, size: usize) {
    let array = rows(size);
    let extension = HashMap::from([
        (EXTENSION_TYPE_NAME_KEY.into(), FixedShapeTensor::NAME.into()),
        (EXTENSION_TYPE_METADATA_KEY.into(), metadata.into()),
    ]);
    let field = Field::new("x", array.data_type().clone(), false).with_metadata(extension);
    let column = Column::from_field(&Arc::new(field), &array, Nulls::Forbid);
    let Some(tensor) = tensor else {
        assert!(column.is_err());
        return;
    };
    let Ok(column) = column else {
        // A tensor without items can still be too large: its other dimensions count.
        let dims = tensor.shape().iter().map(|&dim| dim.max(1) as u128);
        let large = dims.fold(1_u128, u128::saturating_mul) > (isize::MAX.unsigned_abs() / ROWS) as u128;
        assert!(tensor.size() != size || large || tensor.shape().len() >= viewbridge::MAX_NDIM);
        return;
    };
    assert_eq!(column.view().shape()[1..], tensor.logical_shape());
    assert_eq!(column.view().shape()[0], ROWS);
    let items = column.view().to_vec::<u8>().expect("bytes");
    assert_eq!(items.len(), ROWS * size);
    assert_eq!(column.array(), &array);
}

fn rows(size: usize) -> ArrayRef {
    let items: UInt8Array = (0..=u8::MAX).cycle().take(ROWS * size).collect();
    let item = Field::new_list_field(DataType::UInt8, false);
    let size = i32::try_from(size).expect("few items");
    let list = ArrayData::builder(DataType::FixedSizeList(Arc::new(item), size));
    let list = list.len(ROWS).add_child_data(items.to_data()).build();
    make_array(list.expect("as many items as the rows need"))
}
