//! What happened to the bytes.

use std::borrow::Cow;
use std::fmt;

use smallvec::{SmallVec, smallvec};

use crate::reason::{CopyReason, write_list};

/// A value, and whether bytes were copied to make it.
///
/// Everything that may copy returns this type, and nothing else does.
///
/// ```
/// use viewbridge::{Order, StridedView};
///
/// let a = StridedView::from_vec(vec![1.0_f32; 6]).reshape(&[2, 3])?;
/// assert!(a.to_contiguous(Order::C)?.is_shared());
///
/// let copied = a.to_contiguous(Order::F)?;
/// assert_eq!(copied.report.bytes_copied(), 24);
/// assert_eq!(
///     copied.report.to_string(),
///     "copied 24 bytes (not F-contiguous (axis 0: stride 12, expected 4))"
/// );
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "the report says whether bytes were copied; take `.value` to ignore it"]
pub struct Converted<T> {
    /// The result.
    pub value: T,
    /// What was copied to make it, and why.
    pub report: CopyReport,
}

impl<T> Converted<T> {
    /// A value that shares all its memory.
    pub const fn shared(value: T) -> Self {
        Self {
            value,
            report: CopyReport::SHARED,
        }
    }

    /// Whether no byte was copied.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.report.is_shared()
    }

    /// Another value with the same history.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Converted<U> {
        Converted {
            value: f(self.value),
            report: self.report,
        }
    }

    /// Another step that may fail.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    pub fn try_map<U, E>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<Converted<U>, E> {
        let value = f(self.value)?;
        let report = self.report;
        Ok(Converted { value, report })
    }

    /// Another step that may fail or copy; the report lists the copies of both.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    pub fn and_then<U, E>(self, f: impl FnOnce(T) -> Result<Converted<U>, E>) -> Result<Converted<U>, E> {
        let mut next = f(self.value)?;
        let mut report = self.report;
        report.records.append(&mut next.report.records);
        Ok(Converted {
            value: next.value,
            report,
        })
    }
}

/// All copies that one operation made. Empty means that the result shares its memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Mostly one, which takes no allocation.
    records: SmallVec<[CopyRecord; 1]>,
}

impl CopyReport {
    /// Nothing was copied.
    pub const SHARED: Self = Self {
        records: SmallVec::new_const(),
    };

    /// One copy.
    #[inline(always)]
    pub(crate) fn copied(record: CopyRecord) -> Self {
        Self {
            records: smallvec![record],
        }
    }

    /// So many copies.
    pub(crate) fn from_records(records: Vec<CopyRecord>) -> Self {
        Self {
            records: records.into(),
        }
    }

    /// Adds the copies of another step.
    #[cfg(any(feature = "arrow", feature = "python"))]
    pub(crate) fn append(&mut self, later: &Self) {
        self.records.extend(later.records.iter().cloned());
    }

    /// The copies, in the order in which they were made.
    #[must_use]
    pub fn records(&self) -> &[CopyRecord] {
        &self.records
    }

    /// The copies, to be listed with others.
    #[cfg(any(feature = "npz", feature = "safetensors"))]
    pub(crate) fn into_records(self) -> impl Iterator<Item = CopyRecord> {
        self.records.into_iter()
    }

    /// Whether no byte was copied.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes written by all copies together.
    #[must_use]
    pub fn bytes_copied(&self) -> usize {
        self.records.iter().map(|record| record.bytes).sum()
    }

    /// The reasons of all copies.
    pub fn reasons(&self) -> impl Iterator<Item = &CopyReason> {
        self.records.iter().flat_map(|record| record.reasons.iter())
    }
}

/// One pass over bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyRecord {
    /// What the bytes are.
    pub part: Part,
    /// Bytes written.
    pub bytes: usize,
    /// Everything that made the copy necessary; one pass dealt with all of it.
    pub reasons: Cow<'static, [CopyReason]>,
}

impl CopyRecord {
    #[inline(always)]
    pub(crate) fn of_items(bytes: usize, reasons: impl Into<Cow<'static, [CopyReason]>>) -> Self {
        let (part, reasons) = (Part::Items, reasons.into());
        Self { part, bytes, reasons }
    }
}

/// What the bytes of a [`CopyRecord`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The items.
    Items,
    /// A validity bitmap.
    Validity,
}

impl fmt::Display for CopyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Items => "",
            Part::Validity => " of validity",
        };
        write!(f, "copied {} bytes{part} (", self.bytes)?;
        write_list(f, &self.reasons)?;
        f.write_str(")")
    }
}

/// `shared`, or the copies one after the other.
impl fmt::Display for CopyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_shared() {
            return f.write_str("shared");
        }
        for (k, record) in self.records.iter().enumerate() {
            if k > 0 {
                f.write_str(", ")?;
            }
            record.fmt(f)?;
        }
        Ok(())
    }
}
