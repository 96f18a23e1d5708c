//! What a consumer accepts.

use crate::dtype::DType;
use crate::layout::MAX_NDIM;
use crate::memory::{Device, Order};

/// The layouts that a consumer accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutClass {
    /// Any strides.
    Any,
    /// Contiguous in one order.
    Contiguous(Order),
    /// Contiguous once the axes are sorted: any permutation of a row-major array.
    Permuted,
    /// As [`Permuted`](Self::Permuted), but the first axis (the rows of a column) is the slowest.
    PermutedRows,
}

/// The signs of strides that a consumer accepts, on axes of more than one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StrideSign {
    /// Any.
    Any,
    /// Not negative.
    NonNegative,
    /// Positive: neither negative nor broadcast.
    Positive,
}

/// The addresses that a consumer accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alignment {
    /// Any.
    Any,
    /// Every item on a multiple of the data type's alignment.
    Item,
    /// Every item on a multiple of the data type's alignment, the first one on a multiple of so many bytes: a power of two.
    Bytes(usize),
}

/// How a consumer wants items of less than a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// As they are.
    Any,
    /// As they are, but booleans one to a byte, and the first packed item at the start of a byte.
    BoolBytes,
    /// As they are, but booleans one to a bit.
    BoolBits,
    /// All in whole bytes.
    Bytes,
}

/// What a consumer does with the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryUse {
    /// It reads, and copes with others writing.
    Read,
    /// It relies on nobody writing.
    Immutable,
    /// It may write, and cannot be told not to: read-only memory is refused, unless the caller asks for a copy.
    Write,
    /// It may write, and cannot be told not to: read-only memory is copied.
    WriteOrCopy,
    /// It keeps items in memory of its own making, and nothing else: always a copy.
    Own,
}

/// Everything that a consumer accepts. Held against a view it yields a [`Plan`](crate::Plan).
///
/// Starts from [`Requirements::any`]; each method adds one limit.
///
/// ```
/// use viewbridge::{CopyPolicy, Order, Requirements, StridedView};
///
/// const BLAS: Requirements = Requirements::any("BLAS").contiguous(Order::F).native().aligned();
///
/// let a = StridedView::from_vec(vec![0.0_f64; 6]).reshape(&[2, 3])?;
/// let plan = a.plan(&BLAS);
/// assert!(!plan.is_shared());
/// println!("{plan}");
/// assert!(a.transpose().convert(&BLAS, CopyPolicy::Never)?.is_shared());
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Requirements {
    pub(crate) consumer: &'static str,
    pub(crate) layout: LayoutClass,
    pub(crate) sign: StrideSign,
    pub(crate) whole_items: bool,
    pub(crate) alignment: Alignment,
    pub(crate) native: bool,
    pub(crate) packing: Packing,
    pub(crate) memory: MemoryUse,
    pub(crate) devices: Option<fn(Device) -> bool>,
    pub(crate) dtypes: fn(&DType) -> bool,
    pub(crate) logical: bool,
    /// Fewest and most.
    pub(crate) ndim: (usize, usize),
    pub(crate) items: bool,
    pub(crate) outlives: bool,
}

/// Row-major.
pub const C_CONTIGUOUS: Requirements = Requirements::any("C order").contiguous(Order::C);

/// Column-major.
pub const F_CONTIGUOUS: Requirements = Requirements::any("F order").contiguous(Order::F);

impl Requirements {
    /// A consumer that accepts every view.
    #[must_use]
    pub const fn any(consumer: &'static str) -> Self {
        Self {
            consumer,
            layout: LayoutClass::Any,
            sign: StrideSign::Any,
            whole_items: false,
            alignment: Alignment::Any,
            native: false,
            packing: Packing::Any,
            memory: MemoryUse::Read,
            devices: None,
            dtypes: |_| true,
            logical: true,
            ndim: (0, MAX_NDIM),
            items: false,
            outlives: false,
        }
    }

    /// The consumer's name, for plans and errors.
    #[must_use]
    pub const fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// Contiguous in `order`.
    #[must_use]
    pub const fn contiguous(self, order: Order) -> Self {
        self.layout_class(LayoutClass::Contiguous(order))
    }

    /// Layouts of a class.
    #[must_use]
    pub const fn layout_class(mut self, class: LayoutClass) -> Self {
        self.layout = class;
        self
    }

    /// Strides of certain signs.
    #[must_use]
    pub const fn strides(mut self, sign: StrideSign) -> Self {
        self.sign = sign;
        self
    }

    /// Strides that are whole numbers of items.
    #[must_use]
    pub const fn whole_items(mut self) -> Self {
        self.whole_items = true;
        self
    }

    /// Items aligned as their type is.
    #[must_use]
    pub const fn aligned(self) -> Self {
        self.alignment(Alignment::Item)
    }

    /// Addresses of a certain alignment.
    #[must_use]
    pub const fn alignment(mut self, alignment: Alignment) -> Self {
        self.alignment = alignment;
        self
    }

    /// Native byte order.
    #[must_use]
    pub const fn native(mut self) -> Self {
        self.native = true;
        self
    }

    /// A packing of items of less than a byte.
    #[must_use]
    pub const fn packing(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// What becomes of the memory.
    #[must_use]
    pub const fn memory(mut self, memory: MemoryUse) -> Self {
        self.memory = memory;
        self
    }

    /// Memory that the CPU can read; other memory is refused.
    #[must_use]
    pub const fn cpu_readable(self) -> Self {
        self.devices(Device::is_cpu_readable)
    }

    /// Only memory on devices for which `reaches` holds; other memory is refused.
    #[must_use]
    pub const fn devices(mut self, reaches: fn(Device) -> bool) -> Self {
        self.devices = Some(reaches);
        self
    }

    /// Only data types for which `accepts` holds, judged after byte order and packing; others are refused.
    #[must_use]
    pub const fn dtypes(mut self, accepts: fn(&DType) -> bool) -> Self {
        self.dtypes = accepts;
        self
    }

    /// No items that mean more than their bits ([`Logical`](crate::Logical)); such views are refused.
    #[must_use]
    pub const fn storage_only(mut self) -> Self {
        self.logical = false;
        self
    }

    /// Only so many axes; others are refused.
    #[must_use]
    pub const fn ndim(mut self, min: usize, max: usize) -> Self {
        self.ndim = (min, max);
        self
    }

    /// At least one item; views without any are refused.
    #[must_use]
    pub const fn some_items(mut self) -> Self {
        self.items = true;
        self
    }

    /// Under another name, for plans and errors.
    #[must_use]
    pub const fn named(mut self, consumer: &'static str) -> Self {
        self.consumer = consumer;
        self
    }

    /// Memory that does not depend on a borrow.
    #[must_use]
    pub const fn outlives_borrow(mut self) -> Self {
        self.outlives = true;
        self
    }

    /// Borrowed memory will do: the consumer is done before the borrow is.
    #[must_use]
    pub const fn may_be_borrowed(mut self) -> Self {
        self.outlives = false;
        self
    }
}
