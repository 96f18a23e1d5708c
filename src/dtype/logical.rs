//! What items mean beyond their bits.

use std::fmt;
use std::sync::Arc;

use super::TimeUnit;

/// The meaning of items that are stored as integers or opaque bytes.
///
/// An annotation of a view that all its slices keep. A bridge that has no word for it (DLPack has none) refuses the view
/// instead of dropping the meaning; [`into_storage`](crate::StridedView::into_storage) drops it by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Logical {
    /// Time since the Unix epoch, in a time zone or without one. Without, it is NumPy's `datetime64`.
    ///
    /// NumPy reads the smallest integer (`i64::MIN`) as "not a time", and so in a [`Duration`](Self::Duration); Arrow does not. The bits travel
    /// unchanged.
    Timestamp {
        /// Unit of the integers.
        unit: TimeUnit,
        /// Time zone as Arrow writes it.
        zone: Option<Arc<str>>,
    },
    /// Time since midnight.
    TimeOfDay {
        /// Unit of the integers.
        unit: TimeUnit,
    },
    /// Calendar date as time since the Unix epoch.
    Date {
        /// Unit of the integers: days or milliseconds.
        unit: TimeUnit,
    },
    /// Elapsed time: NumPy's `timedelta64`.
    Duration {
        /// Unit of the integers.
        unit: TimeUnit,
    },
    /// Calendar interval: an integer of months, or 16 opaque bytes of months, days and nanoseconds.
    Interval,
    /// Calendar interval whose last axis holds two integers: days, then milliseconds.
    DayTimeInterval,
    /// Decimal number: the integer times 10^−scale.
    Decimal {
        /// Significant digits.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
}

impl fmt::Display for Logical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timestamp { unit, zone: None } => write!(f, "timestamps in {unit}"),
            Self::Timestamp { unit, zone: Some(zone) } => write!(f, "timestamps in {unit} ({zone})"),
            Self::TimeOfDay { unit } => write!(f, "times of day in {unit}"),
            Self::Date { unit } => write!(f, "dates in {unit}"),
            Self::Duration { unit } => write!(f, "durations in {unit}"),
            Self::Interval => f.write_str("calendar intervals"),
            Self::DayTimeInterval => f.write_str("calendar intervals of days and milliseconds"),
            Self::Decimal { precision, scale } => write!(f, "decimals ({precision}, {scale})"),
        }
    }
}
