//! `arrow.fixed_shape_tensor`: our own codec for its metadata.
//!
//! Arrow's canonical extension type of a FixedSizeList whose rows are tensors of one shape. The rules are those of the specification
//! ("Canonical Extension Types"); what is read is more than what is written, because writers differ:
//!
//! - the specification's key is `permutation`; `permutations`, which some versions of arrow-rs write, is read too;
//! - absent keys are omitted, and `null` is read as absent;
//! - unknown keys are ignored.

use std::collections::HashMap;

use arrow_schema::Field;
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use serde_json::{Map, Value};

use crate::error::{ArrowFault, LayoutError, Result};
use crate::layout::MAX_NDIM;

const SHAPE: &str = "shape";
pub(super) const DIM_NAMES: &str = "dim_names";
pub(super) const PERMUTATION: &str = "permutation";
/// The key that the specification does not have.
const PERMUTATION_MISSPELT: &str = "permutations";

/// The metadata of an `arrow.fixed_shape_tensor`: what one row looks like.
///
/// Shape and names are those of the *physical* dimensions, in the order in which they lie in memory (row-major). Logical dimension `i` is
/// physical dimension `permutation[i]`.
///
/// ```
/// use viewbridge::arrow::FixedShapeTensor;
///
/// let tensor = FixedShapeTensor::parse(r#"{"shape": [100, 200, 500], "permutation": [2, 0, 1]}"#)?;
/// assert_eq!(tensor.logical_shape(), [500, 100, 200]);
/// assert_eq!(tensor.to_json(), r#"{"permutation":[2,0,1],"shape":[100,200,500]}"#);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FixedShapeTensor {
    /// Invariants: at most [`MAX_NDIM`] entries whose product fits in `usize`; the others have as many entries, and the permutation is one.
    shape: Vec<usize>,
    dim_names: Option<Vec<String>>,
    permutation: Option<Vec<usize>>,
}

impl FixedShapeTensor {
    /// The name of the extension type.
    pub const NAME: &'static str = "arrow.fixed_shape_tensor";

    /// Row-major tensors of a shape.
    ///
    /// # Errors
    ///
    /// [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    pub fn new(shape: Vec<usize>) -> Result<Self> {
        if shape.len() > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim: shape.len() }.into());
        }
        let product = shape
            .iter()
            .try_fold(1_usize, |size, &dim| size.checked_mul(dim.max(1)));
        if product.is_none() {
            return Err(LayoutError::SizeOverflow { shape, itemsize: 1 }.into());
        }
        Ok(Self {
            shape,
            dim_names: None,
            permutation: None,
        })
    }

    /// With names of the physical dimensions.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::DimNames`] unless there is one for each.
    pub fn with_dim_names(mut self, names: Vec<String>) -> Result<Self> {
        let (found, ndim) = (names.len(), self.shape.len());
        if found != ndim {
            return Err(ArrowFault::DimNames { found, ndim }.into());
        }
        self.dim_names = Some(names);
        Ok(self)
    }

    /// With logical dimensions in another order: dimension `i` is physical dimension `permutation[i]`.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::Permutation`].
    pub fn with_permutation(mut self, permutation: Vec<usize>) -> Result<Self> {
        let ndim = self.shape.len();
        let mut sorted = permutation.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..ndim) {
            let found = permutation;
            return Err(ArrowFault::Permutation { found, ndim }.into());
        }
        self.permutation = Some(permutation);
        Ok(self)
    }

    /// Reads the metadata, a JSON object.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::MetadataSyntax`], [`ArrowFault::MetadataKey`], [`ArrowFault::DimNames`], [`ArrowFault::Permutation`],
    /// [`LayoutError::RankTooHigh`], [`LayoutError::SizeOverflow`].
    pub fn parse(metadata: &str) -> Result<Self> {
        let object: Map<String, Value> = serde_json::from_str(metadata).map_err(|_| ArrowFault::MetadataSyntax)?;
        let entry = |key: &str| object.get(key).filter(|value| !value.is_null());
        let shape = entry(SHAPE).and_then(sizes);
        let mut tensor = Self::new(shape.ok_or(ArrowFault::MetadataKey { key: SHAPE })?)?;
        if let Some(value) = entry(DIM_NAMES) {
            let names = names(value).ok_or(ArrowFault::MetadataKey { key: DIM_NAMES })?;
            tensor = tensor.with_dim_names(names)?;
        }
        let (right, misspelt) = (entry(PERMUTATION), entry(PERMUTATION_MISSPELT));
        if let Some(value) = right.or(misspelt) {
            let agree = misspelt.is_none_or(|other| other == value);
            let axes = sizes(value).filter(|_| agree);
            tensor = tensor.with_permutation(axes.ok_or(ArrowFault::MetadataKey { key: PERMUTATION })?)?;
        }
        Ok(tensor)
    }

    /// The metadata as the specification wants it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Map::new();
        object.insert(SHAPE.into(), Value::from(self.shape.clone()));
        if let Some(names) = &self.dim_names {
            object.insert(DIM_NAMES.into(), Value::from(names.clone()));
        }
        if let Some(axes) = &self.permutation {
            object.insert(PERMUTATION.into(), Value::from(axes.clone()));
        }
        Value::Object(object).to_string()
    }

    /// The tensor type that a field declares, or `None` if it declares another extension type or none.
    ///
    /// # Errors
    ///
    /// As [`FixedShapeTensor::parse`]; missing metadata is [`ArrowFault::MetadataSyntax`].
    pub fn of_field(field: &Field) -> Result<Option<Self>> {
        let metadata = field.metadata();
        if metadata
            .get(EXTENSION_TYPE_NAME_KEY)
            .is_none_or(|name| name != Self::NAME)
        {
            return Ok(None);
        }
        let json = metadata.get(EXTENSION_TYPE_METADATA_KEY).map_or("", String::as_str);
        Self::parse(json).map(Some)
    }

    /// The metadata of a field of this type.
    #[must_use]
    pub fn field_metadata(&self) -> HashMap<String, String> {
        HashMap::from([
            (EXTENSION_TYPE_NAME_KEY.into(), Self::NAME.into()),
            (EXTENSION_TYPE_METADATA_KEY.into(), self.to_json()),
        ])
    }

    /// Sizes of the physical dimensions, slowest first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Names of the physical dimensions.
    #[must_use]
    pub fn dim_names(&self) -> Option<&[String]> {
        self.dim_names.as_deref()
    }

    /// The physical dimension that each logical one is; `None` if they are the same.
    #[must_use]
    pub fn permutation(&self) -> Option<&[usize]> {
        self.permutation.as_deref()
    }

    /// Sizes of the logical dimensions: those of the view.
    #[must_use]
    pub fn logical_shape(&self) -> Vec<usize> {
        self.physical_axes().map(|axis| self.shape[axis]).collect()
    }

    /// Names of the logical dimensions: those of the view's axes behind the first.
    #[must_use]
    pub fn logical_dim_names(&self) -> Option<Vec<&str>> {
        let names = self.dim_names()?;
        Some(self.physical_axes().map(|axis| names[axis].as_str()).collect())
    }

    /// Items of one row.
    #[must_use]
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The physical dimension of each logical one.
    pub(super) fn physical_axes(&self) -> impl Iterator<Item = usize> {
        let axes = self.permutation.as_deref();
        (0..self.shape.len()).map(move |axis| axes.map_or(axis, |axes| axes[axis]))
    }
}

/// An array of integers that are not negative.
pub(super) fn sizes(value: &Value) -> Option<Vec<usize>> {
    let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
    value.as_array()?.iter().map(size).collect()
}

/// An array of strings.
pub(super) fn names(value: &Value) -> Option<Vec<String>> {
    let name = |value: &Value| value.as_str().map(Into::into);
    value.as_array()?.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example() {
        // "For logical [500, 100, 200], physical [100, 200, 500] and permutation [2, 0, 1]."
        let json = r#"{ "shape": [100, 200, 500], "dim_names": ["C", "H", "W"], "permutation": [2, 0, 1] }"#;
        let tensor = FixedShapeTensor::parse(json).unwrap();
        assert_eq!(tensor.logical_shape(), [500, 100, 200]);
        assert_eq!(tensor.logical_dim_names().unwrap(), ["W", "C", "H"]);
        assert_eq!(FixedShapeTensor::parse(&tensor.to_json()).unwrap(), tensor);
    }

    #[test]
    fn absent_keys_are_not_written() {
        let tensor = FixedShapeTensor::new(vec![2, 0]).unwrap();
        assert_eq!(tensor.to_json(), r#"{"shape":[2,0]}"#);
        assert_eq!(tensor.size(), 0);
    }

    #[test]
    fn both_spellings_and_nulls_are_read() {
        for json in [
            r#"{"shape":[2,3],"permutation":[1,0]}"#,
            r#"{"shape":[2,3],"permutations":[1,0]}"#,
            r#"{"shape":[2,3],"permutations":[1,0],"permutation":[1,0],"dim_names":null}"#,
            r#"{"shape":[2,3],"permutations":[1,0],"permutation":null,"colour":{"x":1}}"#,
        ] {
            let tensor = FixedShapeTensor::parse(json).unwrap();
            assert_eq!(tensor.permutation(), Some(&[1, 0][..]), "{json}");
            assert_eq!(tensor.dim_names(), None);
        }
    }
}
