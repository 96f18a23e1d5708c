//! A view's memory in plain words.

use std::fmt;
use std::ops::Range;

use crate::dtype::{DType, Logical};
use crate::layout::{Overlap, Unit};
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Rounds of the search for items that share a byte: plenty for a layout met in practice, and a moment for a hostile one.
const OVERLAP_BUDGET: usize = 100;

/// Everything there is to know about a view's memory but its items. Made by [`StridedView::info`]; prints as a table.
///
/// ```
/// use viewbridge::StridedView;
///
/// let a = StridedView::from_vec(vec![0.0_f64; 1_000_000]).reshape(&[1000, 1000])?;
/// let info = a.slice_axis(0, ..10)?.info();
/// assert_eq!((info.nbytes, info.pinned_bytes), (80_000, 8_000_000)); // a small view keeps a large parent alive
/// assert!(info.to_string().ends_with("pinned bytes:  8,000,000"));
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Items along each axis.
    pub shape: Vec<usize>,
    /// Distance between neighbours along each axis, in `unit`.
    pub strides: Vec<isize>,
    /// What the strides count.
    pub unit: Unit,
    /// The type of one item.
    pub dtype: DType,
    /// What the items mean beyond their bits, if anything.
    pub logical: Option<Logical>,
    /// Bytes of one item; for packed items, the bytes that a single one would need.
    pub itemsize: usize,
    /// Address of the first item. Without items it means nothing.
    pub address: usize,
    /// Lowest and one past the highest byte that any item touches, counted from the start of the memory.
    pub byte_span: Range<usize>,
    /// Whether the items are contiguous in row-major order.
    pub c_contiguous: bool,
    /// Whether the items are contiguous in column-major order.
    pub f_contiguous: bool,
    /// Whether every item is aligned as its type is.
    pub aligned: bool,
    /// Who may write the memory.
    pub access: Access,
    /// Whether the view is exclusive: it alone may read and write its items.
    pub exclusive: bool,
    /// What keeps the memory alive.
    pub owner: OwnerKind,
    /// Where the memory is.
    pub device: Device,
    /// Whether two items share a byte, as far as that can be told with little work.
    pub self_overlap: Overlap,
    /// Bytes of the memory that the view is of, seen and unseen: NumPy's `base`.
    pub memory_bytes: usize,
    /// Bytes that the items would fill if they were contiguous.
    pub nbytes: usize,
    /// Bytes that stay allocated because of this view.
    pub pinned_bytes: usize,
}

impl StridedView<'_> {
    /// A description of the memory, to print or to look things up in. Touches no item; O(rank²) beside a bounded search for self-overlap.
    #[must_use]
    #[doc(alias = "array_info")]
    pub fn info(&self) -> Info {
        Info {
            shape: self.shape().to_vec(),
            strides: self.strides().to_vec(),
            unit: self.layout().unit(),
            dtype: self.dtype().clone(),
            logical: self.logical().cloned(),
            itemsize: self.dtype().itemsize(),
            address: self.data_ptr().addr(),
            byte_span: self.layout().byte_span(),
            c_contiguous: self.is_c_contiguous(),
            f_contiguous: self.is_f_contiguous(),
            aligned: self.is_aligned(),
            access: self.access(),
            exclusive: false,
            owner: self.owner_kind(),
            device: self.device(),
            self_overlap: self.layout().overlaps_itself(OVERLAP_BUDGET),
            memory_bytes: self.buffer().len(),
            nbytes: self.nbytes(),
            pinned_bytes: self.pinned_bytes(),
        }
    }
}

impl StridedViewMut<'_> {
    /// As [`StridedView::info`].
    #[must_use]
    pub fn info(&self) -> Info {
        Info {
            exclusive: true,
            ..self.inner().info()
        }
    }
}

/// One line for each fact, with thousands separators, and without a line break at the end.
impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Byte => "bytes",
            Unit::Bit => "bits",
        };
        writeln!(f, "shape:         {}", Tuple(&self.shape))?;
        writeln!(f, "strides:       {} {unit}", Tuple(&self.strides))?;
        writeln!(f, "dtype:         {} ({} bytes)", self.dtype, Grouped(self.itemsize))?;
        if let Some(logical) = &self.logical {
            writeln!(f, "meaning:       {logical}")?;
        }
        writeln!(f, "data ptr:      {:#x}", self.address)?;
        let (start, end) = (Grouped(self.byte_span.start), Grouped(self.byte_span.end));
        writeln!(f, "byte span:     {start} to {end} of {}", Grouped(self.memory_bytes))?;
        writeln!(f, "C-contiguous:  {}", self.c_contiguous)?;
        writeln!(f, "F-contiguous:  {}", self.f_contiguous)?;
        writeln!(f, "aligned:       {}", self.aligned)?;
        let overlap = match self.self_overlap {
            Overlap::Disjoint => "false",
            Overlap::Shared => "true",
            Overlap::TooHard => "too hard to tell",
        };
        writeln!(f, "self-overlap:  {overlap}")?;
        if self.exclusive {
            writeln!(f, "writeable:     true (exclusive)")?;
        } else {
            writeln!(f, "writeable:     {} ({:?})", self.access.is_writable(), self.access)?;
        }
        writeln!(f, "owner:         {}", self.owner)?;
        writeln!(f, "device:        {}", self.device)?;
        writeln!(f, "nbytes:        {}", Grouped(self.nbytes))?;
        write!(f, "pinned bytes:  {}", Grouped(self.pinned_bytes))
    }
}

/// A list as Python prints a tuple.
pub(crate) struct Tuple<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for Tuple<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (k, item) in self.0.iter().enumerate() {
            let separator = if k == 0 { "" } else { ", " };
            write!(f, "{separator}{item}")?;
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// A number with a comma between groups of three digits.
pub(crate) struct Grouped(pub(crate) usize);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let first = (digits.len() - 1) % 3 + 1;
        f.write_str(&digits[..first])?;
        digits.as_bytes()[first..].chunks(3).try_for_each(|group| {
            f.write_str(",")?;
            group.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let grouped = |number| Grouped(number).to_string();
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }

    #[test]
    fn prints_like_array_info() {
        let a = StridedView::from_vec(vec![0_i32; 1200]).reshape(&[100, 12]).unwrap();
        let b = a.slice_axis(0, 10..20).unwrap().flip(0).unwrap();
        let mut info = b.info();
        info.address = 0x1000;
        assert_eq!(
            info.to_string(),
            "shape:         (10, 12)
strides:       (-48, 4) bytes
dtype:         int32 (4 bytes)
data ptr:      0x1000
byte span:     480 to 960 of 4,800
C-contiguous:  false
F-contiguous:  false
aligned:       true
self-overlap:  false
writeable:     false (Immutable)
owner:         heap
device:        cpu
nbytes:        480
pinned bytes:  4,800"
        );
    }

    #[test]
    fn tuples_print_as_in_python() {
        assert_eq!(Tuple::<usize>(&[]).to_string(), "()");
        assert_eq!(Tuple(&[5]).to_string(), "(5,)");
    }
}
