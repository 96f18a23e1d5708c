//! Records: items with named fields at byte offsets.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ByteOrder, DType, ItemType, Kind, Logical};
use crate::error::DTypeFault;

/// Records inside of records go no deeper than this, so that nothing that walks them runs out of stack.
pub(crate) const MAX_DEPTH: u8 = 32;

/// One field of a [`Record`]: a name, an offset, and the type of what lies there.
///
/// A field has what a view has: a storage type, possibly a meaning ([`Logical`]), possibly a shape of its own (NumPy's subarray).
///
/// ```
/// use viewbridge::{DType, Field};
///
/// let field = Field::new("matrix", DType::F32).with_shape(&[2, 3]).at(8);
/// assert_eq!((field.offset(), field.nbytes()), (8, Some(24)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    name: Box<str>,
    title: Option<Box<str>>,
    offset: usize,
    item: ItemType,
}

impl Field {
    /// A field of one item at offset 0. [`Record::packed`] and [`Record::aligned`] give it a place; so does [`at`](Self::at).
    #[must_use]
    pub fn new(name: impl Into<Box<str>>, dtype: DType) -> Self {
        Self {
            name: name.into(),
            title: None,
            offset: 0,
            item: dtype.into(),
        }
    }

    /// A field of what a description says, at offset 0.
    pub(super) fn of_item(name: String, title: Option<String>, item: ItemType) -> Self {
        Self {
            name: name.into(),
            title: title.map(Into::into),
            offset: 0,
            item,
        }
    }

    /// The same field at another offset, in bytes from the start of the record.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// The same field as a row-major array of items.
    #[must_use]
    pub fn with_shape(mut self, shape: &[usize]) -> Self {
        self.item = self.item.with_shape(shape);
        self
    }

    /// The same field with a meaning attached to its items.
    #[must_use]
    pub fn with_logical(mut self, logical: Logical) -> Self {
        self.item = self.item.with_logical(logical);
        self
    }

    /// The same field with a title: a second name, which NumPy allows and this crate carries along.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Box<str>>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title, if there is one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Bytes from the start of the record to the start of the field.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The type of one item of the field.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.item.dtype
    }

    /// Items along each axis of the field, which has none unless it is an array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.item.shape
    }

    /// What the items mean beyond their bits, if anything.
    #[must_use]
    pub fn logical(&self) -> Option<&Logical> {
        self.item.logical()
    }

    /// What lies there: storage type, shape and meaning.
    #[must_use]
    pub fn item(&self) -> &ItemType {
        &self.item
    }

    /// Bytes of all items of the field, or `None` beyond the address space.
    #[must_use]
    pub fn nbytes(&self) -> Option<usize> {
        self.item.nbytes()
    }

    /// The same field over items of another byte order.
    fn with_byte_order(&self, order: ByteOrder) -> Self {
        Self {
            item: self.item.clone().with_byte_order(order),
            ..self.clone()
        }
    }
}

/// The fields of an item: NumPy's structured data type.
///
/// Fields lie where their offsets say, in any order; they may overlap, and there may be gaps (NumPy's padding).
///
/// ```
/// use viewbridge::{DType, Field, Record};
///
/// let point = Record::aligned([Field::new("id", DType::U8), Field::new("x", DType::F64)])?;
/// assert_eq!((point.itemsize(), point.fields()[1].offset()), (16, 8));
///
/// let dtype = DType::from(point);
/// assert_eq!(dtype.itemsize(), 16);
/// assert_eq!(dtype.field("x")?.dtype(), &DType::F64);
/// # Ok::<(), viewbridge::DTypeFault>(())
/// ```
///
/// # Invariants
///
/// - *inside*: every field lies inside of the item, whose size is at most [`u32::MAX`] bytes.
/// - *names*: no two fields share a name or a title.
/// - *depth*: records inside of records go at most 32 deep.
/// - Fields consist of whole bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    fields: Box<[Field]>,
    itemsize: u32,
    aligned: bool,
    depth: u8,
}

impl Record {
    /// Fields at the offsets that they have, in items of `itemsize` bytes.
    ///
    /// # Errors
    ///
    /// [`DTypeFault::FieldBeyond`] for a field that does not lie inside, [`DTypeFault::FieldName`] for a name that is there twice,
    /// [`DTypeFault::PackedField`], [`DTypeFault::TooDeep`], [`DTypeFault::TooLarge`].
    pub fn new(fields: impl Into<Box<[Field]>>, itemsize: usize) -> Result<Self, DTypeFault> {
        let fields = fields.into();
        let mut names = HashSet::with_capacity(fields.len());
        let mut depth = 0;
        for field in &fields {
            for name in std::iter::once(&field.name).chain(&field.title) {
                if !names.insert(&**name) {
                    return Err(DTypeFault::FieldName { name: name.clone() });
                }
            }
            if field.dtype().is_packed() {
                return Err(DTypeFault::PackedField {
                    name: field.name.clone(),
                });
            }
            let end = field.nbytes().and_then(|bytes| field.offset.checked_add(bytes));
            if end.is_none_or(|end| end > itemsize) {
                return Err(DTypeFault::FieldBeyond {
                    name: field.name.clone(),
                    offset: field.offset,
                    itemsize,
                });
            }
            depth = depth.max(field.dtype().as_record().map_or(0, |record| record.depth));
        }
        if depth >= MAX_DEPTH {
            return Err(DTypeFault::TooDeep { limit: MAX_DEPTH });
        }
        Ok(Self {
            fields,
            itemsize: u32::try_from(itemsize).map_err(|_| DTypeFault::TooLarge)?,
            aligned: false,
            depth: depth + 1,
        })
    }

    /// Fields one behind the other, without a gap, whatever their alignment. Offsets that they have are replaced.
    ///
    /// # Errors
    ///
    /// As [`Record::new`].
    pub fn packed(fields: impl IntoIterator<Item = Field>) -> Result<Self, DTypeFault> {
        let (fields, end) = in_a_row(fields, |_| 1)?;
        Self::new(fields, end)
    }

    /// Fields as a C compiler lays them out: each aligned as its type is, and the item padded to the largest alignment. Offsets
    /// that they have are replaced.
    ///
    /// # Errors
    ///
    /// As [`Record::new`].
    pub fn aligned(fields: impl IntoIterator<Item = Field>) -> Result<Self, DTypeFault> {
        let (fields, end) = in_a_row(fields, DType::alignment)?;
        let alignment = fields.iter().map(|field| field.dtype().alignment()).max().unwrap_or(1);
        let itemsize = end.checked_next_multiple_of(alignment).ok_or(DTypeFault::TooLarge)?;
        Self::new(fields, itemsize)?.with_alignment()
    }

    /// The same record as one that is aligned as its fields are (NumPy's `align=True`): [`DType::alignment`] is then that of the
    /// field with the largest, and 1 else.
    ///
    /// # Errors
    ///
    /// [`DTypeFault::FieldAlignment`] if an offset, or the itemsize, is no multiple of it.
    pub fn with_alignment(mut self) -> Result<Self, DTypeFault> {
        for field in &self.fields {
            let alignment = field.dtype().alignment();
            for place in [field.offset, self.itemsize()] {
                if !place.is_multiple_of(alignment) {
                    let (name, offset) = (field.name.clone(), place);
                    return Err(DTypeFault::FieldAlignment {
                        name,
                        offset,
                        alignment,
                    });
                }
            }
        }
        self.aligned = true;
        Ok(self)
    }

    /// The fields, in the order in which they were named.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(super) fn into_fields(self) -> Vec<Field> {
        self.fields.into()
    }

    /// The field of a name or a title. O(fields).
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoField`].
    pub fn field(&self, name: &str) -> Result<&Field, DTypeFault> {
        let named = |field: &&Field| field.name() == name || field.title() == Some(name);
        self.fields.iter().find(named).ok_or_else(|| no_field(name))
    }

    /// A record of some of the fields, in the order asked for, each where it is, in items of the same size: the type of NumPy's
    /// `a[['x', 'z']]`.
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoField`]; [`DTypeFault::FieldName`] for a name asked for twice.
    pub fn select(&self, names: &[&str]) -> Result<Self, DTypeFault> {
        let fields: Result<Vec<Field>, _> = names.iter().map(|name| self.field(name).cloned()).collect();
        let selected = Self::new(fields?, self.itemsize())?;
        Ok(Self {
            aligned: self.aligned,
            ..selected
        })
    }

    /// Bytes of one item.
    #[must_use]
    pub fn itemsize(&self) -> usize {
        // 32 bits fit wherever the layouts of this crate do.
        usize::try_from(self.itemsize).unwrap_or(usize::MAX)
    }

    /// Whether the record is aligned as its fields are (NumPy's `isalignedstruct`).
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        self.aligned
    }

    /// The alignment of the item, in bytes.
    pub(super) fn alignment(&self) -> usize {
        let fields = self.fields.iter().filter(|_| self.aligned);
        fields.map(|field| field.dtype().alignment()).max().unwrap_or(1)
    }

    /// Swapped if any field is.
    fn byte_order(&self) -> ByteOrder {
        if self.fields.iter().all(|field| field.dtype().is_native()) {
            ByteOrder::NATIVE
        } else {
            ByteOrder::SWAPPED
        }
    }

    /// The same record with every field in `order`.
    fn with_byte_order(&self, order: ByteOrder) -> Self {
        Self {
            fields: self.fields.iter().map(|field| field.with_byte_order(order)).collect(),
            ..*self
        }
    }
}

#[cold]
fn no_field(name: &str) -> DTypeFault {
    DTypeFault::NoField { name: name.into() }
}

/// Places fields behind each other. Returns them, and where the last one ends.
fn in_a_row(
    fields: impl IntoIterator<Item = Field>,
    alignment: impl Fn(&DType) -> usize,
) -> Result<(Vec<Field>, usize), DTypeFault> {
    let mut end = 0_usize;
    let mut placed = Vec::new();
    for field in fields {
        let start = end.checked_next_multiple_of(alignment(field.dtype()));
        let start = start.ok_or(DTypeFault::TooLarge)?;
        let bytes = field.nbytes().ok_or(DTypeFault::TooLarge)?;
        end = start.checked_add(bytes).ok_or(DTypeFault::TooLarge)?;
        placed.push(field.at(start));
    }
    Ok((placed, end))
}

impl From<Record> for DType {
    fn from(record: Record) -> Self {
        Self::of_record(Arc::new(record))
    }
}

impl DType {
    fn of_record(record: Arc<Record>) -> Self {
        Self {
            kind: Kind::Record,
            order: record.byte_order(),
            bits: u64::from(record.itemsize) * 8,
            record: Some(record),
            ..Self::raw(0)
        }
    }

    /// The record that items are, if they are.
    #[must_use]
    pub fn as_record(&self) -> Option<&Record> {
        self.record.as_deref()
    }

    /// The fields of a record; none if items are none.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        self.as_record().map_or(&[], Record::fields)
    }

    /// The field of a name or a title. O(fields).
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoField`], [`DTypeFault::NoRecord`].
    pub fn field(&self, name: &str) -> Result<&Field, DTypeFault> {
        self.expect_record()?.field(name)
    }

    pub(crate) fn expect_record(&self) -> Result<&Record, DTypeFault> {
        self.as_record()
            .ok_or_else(|| DTypeFault::NoRecord { found: self.clone() })
    }

    /// The record with every field in `order`.
    pub(super) fn record_with_byte_order(self, order: ByteOrder) -> Self {
        match &self.record {
            Some(record) => Self::of_record(Arc::new(record.with_byte_order(order))),
            None => self,
        }
    }
}
