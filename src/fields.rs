//! Views of the parts of items: fields of records, halves of complex numbers.

use crate::dtype::{DType, ItemType, Kind};
use crate::error::{DTypeFault, Result};
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Views of parts of items. Nothing is copied; O(rank) beside the search for a name, without an allocation up to rank 6.
impl StridedView<'_> {
    /// The field of a name (or a title) of every record: NumPy's `a['name']`.
    ///
    /// The strides stay those of the records. The axes of a field that is an array come behind those of the view. The result has the
    /// meaning of the field.
    ///
    /// ```
    /// use viewbridge::{DType, Field, Record, StridedView};
    ///
    /// let record = Record::packed([Field::new("id", DType::U16), Field::new("rgb", DType::U8).with_shape(&[3])])?;
    /// let bytes = StridedView::from_vec((0..20_u8).collect());
    /// let pixels = bytes.view_as(record.into())?;
    ///
    /// let rgb = pixels.field("rgb")?;
    /// assert_eq!((rgb.shape(), rgb.strides()), (&[4, 3][..], &[5, 1][..]));
    /// assert_eq!(rgb.index_axis(0, 1)?.to_vec::<u8>()?, [7, 8, 9]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoRecord`], [`DTypeFault::NoField`]; [`LayoutError::RankTooHigh`](crate::LayoutError::RankTooHigh).
    pub fn field(&self, name: &str) -> Result<Self> {
        let field = self.dtype().field(name)?;
        self.part(field.offset(), field.item())
    }

    /// Several fields of every record, as smaller records in the same places: NumPy's `a[['x', 'z']]`.
    ///
    /// One allocation, for the new record.
    ///
    /// # Errors
    ///
    /// As [`Record::select`](crate::Record::select); [`DTypeFault::NoRecord`].
    pub fn select_fields(&self, names: &[&str]) -> Result<Self> {
        let record = self.dtype().expect_record()?.select(names)?;
        let (buffer, layout) = (self.buffer().clone(), self.layout().clone());
        Ok(Self::from_parts(buffer, record.into(), layout, self.shared_logical()))
    }

    /// What lies `offset` bytes into each item: inside of it.
    fn part(&self, offset: usize, item: &ItemType) -> Result<Self> {
        let dtype = item.dtype().clone();
        // *in bounds*: the caller's promise.
        let layout = self.layout().part(offset, dtype.itemsize(), item.shape())?;
        let buffer = self.buffer().clone();
        Ok(Self::from_parts(buffer, dtype, layout, item.shared_logical()))
    }

    /// Type and meaning of the items in one: what NumPy calls the array's dtype.
    #[must_use]
    pub fn item_type(&self) -> ItemType {
        let item = ItemType::new(self.dtype().clone());
        match self.shared_logical() {
            Some(logical) => item.with_logical(logical),
            None => item,
        }
    }

    /// The same bytes as items of another type, with its meaning; the axes of items that are arrays come behind the others. No value
    /// is converted.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let a = StridedView::from_vec((0..24).collect::<Vec<i64>>());
    /// assert_eq!(a.view_as_item(&"M8[ms]".parse()?)?.item_type().to_string(), "datetime64[ms]");
    /// let pairs = a.view_as_item(&"(2,)i8".parse()?)?;
    /// assert_eq!((pairs.shape(), pairs.strides()), (&[12, 2][..], &[16, 8][..]));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StridedView::view_as`]; [`LayoutError::RankTooHigh`](crate::LayoutError::RankTooHigh), [`DTypeFault::TooLarge`].
    pub fn view_as_item(&self, item: &ItemType) -> Result<Self> {
        let view = match item.shape() {
            [] => self.view_as(item.dtype().clone())?,
            _ => {
                let bytes = item.nbytes().and_then(|bytes| u32::try_from(bytes).ok());
                self.view_as(DType::raw(bytes.ok_or(DTypeFault::TooLarge)?))?
            }
        };
        // *in bounds*: the whole item, in other words.
        view.part(0, item)
    }

    /// The real parts of complex numbers; real numbers as they are (NumPy's `a.real`).
    ///
    /// ```
    /// use viewbridge::{Complex, StridedView};
    ///
    /// let a = StridedView::from_vec(vec![Complex { re: 1.0_f64, im: 2.0 }, Complex { re: 3.0, im: 4.0 }]);
    /// assert_eq!(a.real()?.to_vec::<f64>()?, [1.0, 3.0]);
    /// assert_eq!(a.imag()?.to_vec::<f64>()?, [2.0, 4.0]);
    /// assert_eq!(a.imag()?.strides(), [16]);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoComplex`] for what is no number, and for items of several lanes.
    pub fn real(&self) -> Result<Self> {
        match self.dtype().kind() {
            Kind::Bool | Kind::Int | Kind::UInt | Kind::Float | Kind::Bfloat if self.logical().is_none() => {
                Ok(self.clone())
            }
            _ => self.half(0),
        }
    }

    /// The imaginary parts of complex numbers (NumPy's `a.imag`).
    ///
    /// # Errors
    ///
    /// [`DTypeFault::NoComplex`]; for real numbers too: NumPy makes an array of zeroes, and here nothing is made.
    pub fn imag(&self) -> Result<Self> {
        self.half(1)
    }

    /// The first or second half of complex numbers.
    fn half(&self, second: usize) -> Result<Self> {
        let half = self.dtype().half().ok_or_else(|| DTypeFault::NoComplex {
            found: self.dtype().clone(),
        })?;
        let size = half.itemsize();
        // *in bounds*: two halves are one item.
        let layout = self.layout().part(second * size, size, &[])?;
        Ok(Self::from_parts(self.buffer().clone(), half, layout, None))
    }
}

/// Exclusive views of parts of items: parts of disjoint items are disjoint.
impl StridedViewMut<'_> {
    /// As [`StridedView::field`]. Fields of a record may overlap each other, but never those of another one.
    ///
    /// # Errors
    ///
    /// As [`StridedView::field`].
    pub fn field(self, name: &str) -> Result<Self> {
        self.map(|view| view.field(name))
    }

    /// As [`StridedView::select_fields`]. What lies between the fields is not written.
    ///
    /// # Errors
    ///
    /// As [`StridedView::select_fields`].
    pub fn select_fields(self, names: &[&str]) -> Result<Self> {
        self.map(|view| view.select_fields(names))
    }

    /// As [`StridedView::real`].
    ///
    /// # Errors
    ///
    /// As [`StridedView::real`].
    pub fn real(self) -> Result<Self> {
        self.map(|view| view.real())
    }

    /// As [`StridedView::imag`].
    ///
    /// # Errors
    ///
    /// As [`StridedView::imag`].
    pub fn imag(self) -> Result<Self> {
        self.map(|view| view.imag())
    }
}

impl DType {
    /// The type of either half of a complex number of one lane, in the same byte order.
    fn half(&self) -> Option<Self> {
        let kind = match self.kind() {
            Kind::Complex => Kind::Float,
            Kind::Bcomplex => Kind::Bfloat,
            _ => return None,
        };
        let bits = u8::try_from(self.bits() / 2).ok()?;
        let whole = self.lanes() == 1 && self.bits().is_multiple_of(16);
        whole.then(|| Self::new(kind, bits).with_byte_order(self.byte_order()))
    }
}
