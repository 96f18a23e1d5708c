//! Units of time: those of NumPy, which include Arrow's.

use std::fmt;
use std::num::NonZero;

/// The unit of a time or a duration.
///
/// ```
/// use viewbridge::TimeUnit;
///
/// let unit = TimeUnit::Second.times(25).unwrap();
/// assert_eq!((unit.base(), unit.count()), (TimeUnit::Second, 25));
/// assert_eq!(TimeUnit::Second.times(1), Some(TimeUnit::Second));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Calendar years.
    Year,
    /// Calendar months.
    Month,
    /// Weeks.
    Week,
    /// Days.
    Day,
    /// Hours.
    Hour,
    /// Minutes.
    Minute,
    /// Seconds.
    Second,
    /// 10⁻³ seconds.
    Millisecond,
    /// 10⁻⁶ seconds.
    Microsecond,
    /// 10⁻⁹ seconds.
    Nanosecond,
    /// 10⁻¹² seconds.
    Picosecond,
    /// 10⁻¹⁵ seconds.
    Femtosecond,
    /// 10⁻¹⁸ seconds.
    Attosecond,
    /// No unit: NumPy's generic times.
    Generic,
    /// Several of one of the units above, made by [`TimeUnit::times`]: NumPy's `[25s]`.
    Multiple(Multiple),
}

/// At least two of a unit that is no multiple itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Multiple {
    count: NonZero<u32>,
    /// Position in [`UNITS`].
    unit: u8,
}

/// The plain units from the longest on: NumPy's symbol, a word.
const UNITS: [(TimeUnit, &str, &str); 13] = [
    (TimeUnit::Year, "Y", "years"),
    (TimeUnit::Month, "M", "months"),
    (TimeUnit::Week, "W", "weeks"),
    (TimeUnit::Day, "D", "days"),
    (TimeUnit::Hour, "h", "hours"),
    (TimeUnit::Minute, "m", "minutes"),
    (TimeUnit::Second, "s", "seconds"),
    (TimeUnit::Millisecond, "ms", "milliseconds"),
    (TimeUnit::Microsecond, "us", "microseconds"),
    (TimeUnit::Nanosecond, "ns", "nanoseconds"),
    (TimeUnit::Picosecond, "ps", "picoseconds"),
    (TimeUnit::Femtosecond, "fs", "femtoseconds"),
    (TimeUnit::Attosecond, "as", "attoseconds"),
];

impl TimeUnit {
    /// So many of this unit at once. Multiples multiply; generic times have none.
    ///
    /// `None` for a count of 0, and where the count exceeds `i32::MAX`, NumPy's limit.
    #[must_use]
    pub fn times(self, count: u32) -> Option<Self> {
        let count = self
            .count()
            .checked_mul(count)
            .filter(|&count| i32::try_from(count).is_ok())?;
        let count = NonZero::new(count)?;
        let unit = u8::try_from(self.base().position()?).ok()?;
        Some(match count.get() {
            1 => self.base(),
            _ => Self::Multiple(Multiple { count, unit }),
        })
    }

    /// The unit of which this one is a multiple: itself, usually.
    #[must_use]
    pub fn base(self) -> Self {
        match self {
            Self::Multiple(multiple) => UNITS[usize::from(multiple.unit)].0,
            plain => plain,
        }
    }

    /// How many of its base it is.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::Multiple(multiple) => multiple.count.get(),
            _ => 1,
        }
    }

    /// NumPy's symbol of the base; none for generic times.
    pub(super) fn symbol(self) -> &'static str {
        self.base().position().map_or("", |k| UNITS[k].1)
    }

    /// The plain unit of a symbol, in ASCII or with the Greek letter for micro.
    pub(super) fn of_symbol(symbol: &str) -> Option<Self> {
        match symbol {
            "generic" => Some(Self::Generic),
            "μs" => Some(Self::Microsecond),
            _ => UNITS.iter().find(|unit| unit.1 == symbol).map(|unit| unit.0),
        }
    }

    fn position(self) -> Option<usize> {
        UNITS.iter().position(|unit| unit.0 == self)
    }

    /// A whole part of this unit, in shorter units: half a day is 12 hours.
    ///
    /// Of the shorter units the longest that comes out even, as NumPy reads `[D/2]`.
    pub(super) fn divided(self, parts: u32) -> Option<Self> {
        if parts == 1 {
            return Some(self);
        }
        let shorter: &[(Self, u32)] = match self.base() {
            Self::Year => &[(Self::Month, 12), (Self::Week, 52), (Self::Day, 365)],
            Self::Month => &[(Self::Week, 4), (Self::Day, 30), (Self::Hour, 720)],
            Self::Week => &[(Self::Day, 7), (Self::Hour, 168), (Self::Minute, 10_080)],
            Self::Day => &[(Self::Hour, 24), (Self::Minute, 1440), (Self::Second, 86_400)],
            Self::Hour => &[(Self::Minute, 60), (Self::Second, 3600)],
            Self::Minute => &[(Self::Second, 60), (Self::Millisecond, 60_000)],
            Self::Generic => return None,
            _ => &[],
        };
        let thousandths = self.base().position().into_iter().flat_map(|k| {
            let decimal = UNITS.get(k.max(6) + 1..).unwrap_or(&[]).iter().zip([1000, 1_000_000]);
            decimal.map(|(unit, parts)| (unit.0, parts))
        });
        let thousandths = thousandths.filter(|_| shorter.is_empty());
        let (unit, all) = shorter
            .iter()
            .copied()
            .chain(thousandths)
            .find(|(_, all)| parts != 0 && all.is_multiple_of(parts))?;
        unit.times(self.count())?.times(all / parts)
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Multiple(multiple) = self {
            write!(f, "steps of {} ", multiple.count)?;
        }
        f.write_str(self.base().position().map_or("no unit", |k| UNITS[k].2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_multiply_up_to_the_limit() {
        let half = TimeUnit::Hour.times(30).and_then(|unit| unit.times(4)).unwrap();
        assert_eq!(
            (half.base(), half.count(), half.to_string()),
            (TimeUnit::Hour, 120, "steps of 120 hours".into())
        );
        assert_eq!(TimeUnit::Day.times(0), None);
        assert!(TimeUnit::Day.times(0x7fff_ffff).is_some());
        assert_eq!(TimeUnit::Day.times(0x8000_0000), None);
        assert_eq!(TimeUnit::Generic.times(2), None);
    }

    #[test]
    fn parts_are_those_of_numpy() {
        let parts = |unit: TimeUnit, parts| unit.divided(parts);
        assert_eq!(parts(TimeUnit::Year, 3), TimeUnit::Month.times(4));
        assert_eq!(parts(TimeUnit::Year, 13), TimeUnit::Week.times(4));
        assert_eq!(parts(TimeUnit::Day, 2), TimeUnit::Hour.times(12));
        assert_eq!(parts(TimeUnit::Second, 10), TimeUnit::Millisecond.times(100));
        assert_eq!(parts(TimeUnit::Second, 2000), TimeUnit::Microsecond.times(500));
        assert_eq!(parts(TimeUnit::Femtosecond, 10), TimeUnit::Attosecond.times(100));
        assert_eq!(
            parts(TimeUnit::Second.times(3).unwrap(), 10),
            TimeUnit::Millisecond.times(300)
        );
        for (unit, count) in [
            (TimeUnit::Year, 7),
            (TimeUnit::Attosecond, 10),
            (TimeUnit::Generic, 2),
            (TimeUnit::Second, 0),
        ] {
            assert_eq!(parts(unit, count), None);
        }
    }
}
