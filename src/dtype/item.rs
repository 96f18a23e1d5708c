//! All that a description of items says: storage, shape, meaning.

use std::sync::Arc;

use super::{ByteOrder, DType, Logical};

/// What NumPy calls a dtype: a storage type ([`DType`]), a meaning where there is one ([`Logical`]), and the shape of an item that is an
/// array of such.
///
/// Reads and prints what NumPy does: type strings, names, comma-separated lists, and the lists and dictionaries of records.
///
/// ```
/// use viewbridge::{DType, ItemType, Logical, TimeUnit};
///
/// let times: ItemType = ">M8[25s]".parse()?;
/// assert_eq!(times.dtype(), &DType::I64.swapped());
/// let unit = TimeUnit::Second.times(25).unwrap();
/// assert_eq!(times.logical(), Some(&Logical::Timestamp { unit, zone: None }));
///
/// let record: ItemType = "u1, (2,3)f4, M8[ns]".parse()?;
/// assert_eq!(record.to_string(), "[('f0', 'u1'), ('f1', '<f4', (2, 3)), ('f2', '<M8[ns]')]");
/// assert_eq!(record.to_string().parse::<ItemType>()?, record);
/// # Ok::<(), viewbridge::DTypeFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemType {
    pub(super) dtype: DType,
    pub(super) shape: Box<[usize]>,
    pub(super) logical: Option<Arc<Logical>>,
}

impl ItemType {
    /// Items of a storage type, without a meaning or a shape.
    #[must_use]
    pub fn new(dtype: DType) -> Self {
        Self {
            dtype,
            shape: Box::default(),
            logical: None,
        }
    }

    /// The same type as items that are row-major arrays.
    #[must_use]
    pub fn with_shape(mut self, shape: &[usize]) -> Self {
        self.shape = shape.into();
        self
    }

    /// The same type with a meaning.
    #[must_use]
    pub fn with_logical(mut self, logical: impl Into<Arc<Logical>>) -> Self {
        self.logical = Some(logical.into());
        self
    }

    /// The storage type.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Sizes of an item that is an array; empty if it is none.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What the items mean beyond their bits, if anything.
    #[must_use]
    pub fn logical(&self) -> Option<&Logical> {
        self.logical.as_deref()
    }

    /// The meaning, to be shared with a view.
    pub(crate) fn shared_logical(&self) -> Option<Arc<Logical>> {
        self.logical.clone()
    }

    /// Bytes of one item, array and all; `None` beyond the address space.
    #[must_use]
    pub fn nbytes(&self) -> Option<usize> {
        let items = |size: usize, &dim: &usize| size.checked_mul(dim);
        self.shape.iter().try_fold(self.dtype.itemsize(), items)
    }

    /// The same type in another byte order.
    pub(super) fn with_byte_order(self, order: ByteOrder) -> Self {
        Self {
            dtype: self.dtype.with_byte_order(order),
            ..self
        }
    }
}

impl From<DType> for ItemType {
    fn from(dtype: DType) -> Self {
        Self::new(dtype)
    }
}
