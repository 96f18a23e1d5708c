//! Times and decimals as text: ISO 8601, and digits with a point.

use crate::dtype::TimeUnit;

/// Not a time, to NumPy.
const NOT_A_TIME: i128 = i64::MIN as i128;

const DAY: i128 = 86_400;

/// Ticks of a unit in a second if there are several, seconds in a tick if not.
enum Scale {
    Seconds(i128),
    Parts { ticks: i128, digits: usize },
}

/// `None` for units that are no fixed number of seconds.
fn scale(unit: TimeUnit) -> Option<Scale> {
    let parts = |digits: u8| Scale::Parts {
        ticks: 10_i128.pow(digits.into()),
        digits: digits.into(),
    };
    Some(match unit {
        TimeUnit::Week => Scale::Seconds(7 * DAY),
        TimeUnit::Day => Scale::Seconds(DAY),
        TimeUnit::Hour => Scale::Seconds(3600),
        TimeUnit::Minute => Scale::Seconds(60),
        TimeUnit::Second => Scale::Seconds(1),
        TimeUnit::Millisecond => parts(3),
        TimeUnit::Microsecond => parts(6),
        TimeUnit::Nanosecond => parts(9),
        TimeUnit::Picosecond => parts(12),
        TimeUnit::Femtosecond => parts(15),
        TimeUnit::Attosecond => parts(18),
        TimeUnit::Year | TimeUnit::Month | TimeUnit::Generic | TimeUnit::Multiple(_) => return None,
    })
}

/// A time since 1970, in ISO 8601; as precise as its unit, as NumPy writes it.
pub(super) fn timestamp(value: i128, unit: TimeUnit) -> Option<String> {
    if value == NOT_A_TIME {
        return Some("NaT".to_owned());
    }
    let (value, unit) = (value.checked_mul(unit.count().into())?, unit.base());
    match unit {
        TimeUnit::Year => return Some(year(1970 + value)),
        TimeUnit::Month => {
            let (whole, month) = (1970 + value.div_euclid(12), value.rem_euclid(12) + 1);
            return Some(format!("{}-{month:02}", year(whole)));
        }
        _ => {}
    }
    let (seconds, fraction) = split(value, unit)?;
    let (date, clock) = (date(seconds.div_euclid(DAY)), clock(seconds.rem_euclid(DAY)));
    Some(match unit {
        TimeUnit::Week | TimeUnit::Day => date,
        TimeUnit::Hour => format!("{date}T{}", &clock[..2]),
        TimeUnit::Minute => format!("{date}T{}", &clock[..5]),
        _ => format!("{date}T{clock}{fraction}"),
    })
}

/// A date since 1970, whatever its unit.
pub(super) fn calendar_date(value: i128, unit: TimeUnit) -> Option<String> {
    let (seconds, _) = split(value, unit)?;
    Some(date(seconds.div_euclid(DAY)))
}

/// A time since midnight.
pub(super) fn time_of_day(value: i128, unit: TimeUnit) -> Option<String> {
    let (seconds, fraction) = split(value, unit)?;
    (0..DAY)
        .contains(&seconds)
        .then(|| format!("{}{fraction}", clock(seconds)))
}

/// A number of units.
pub(super) fn duration(value: i128, unit: TimeUnit) -> String {
    if value == NOT_A_TIME {
        return "NaT".to_owned();
    }
    let (value, unit) = (value.saturating_mul(unit.count().into()), unit.base());
    match unit {
        TimeUnit::Generic => value.to_string(),
        _ => format!("{value} {unit}"),
    }
}

/// An integer times 10^−scale.
pub(super) fn decimal(value: i128, scale: i8) -> String {
    let digits = value.unsigned_abs().to_string();
    let sign = if value < 0 { "-" } else { "" };
    let behind = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        let zeroes = if value == 0 { 0 } else { behind };
        return format!("{sign}{digits}{}", "0".repeat(zeroes));
    }
    let width = behind + 1;
    let digits = format!("{digits:0>width$}");
    let (whole, rest) = digits.split_at(digits.len() - behind);
    format!("{sign}{whole}.{rest}")
}

/// Whole seconds, and the fraction as text.
fn split(value: i128, unit: TimeUnit) -> Option<(i128, String)> {
    Some(match scale(unit)? {
        Scale::Seconds(seconds) => (value.checked_mul(seconds)?, String::new()),
        Scale::Parts { ticks, digits } => {
            let fraction = value.rem_euclid(ticks);
            (value.div_euclid(ticks), format!(".{fraction:0digits$}"))
        }
    })
}

fn clock(seconds: i128) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The day of the Gregorian calendar, so many days after 1970-01-01. Years run from March in between, so that leap days come last; 400 of them
/// have 146,097 days.
fn date(days: i128) -> String {
    const ERA: i128 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let (month, day) = ((march + 2) % 12 + 1, day - (153 * march + 2) / 5 + 1);
    let year = year + 400 * era + i128::from(month <= 2);
    format!("{}-{month:02}-{day:02}", self::year(year))
}

fn year(year: i128) -> String {
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}", year.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // Found with Python's datetime.
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
    }

    #[test]
    fn times_are_as_precise_as_their_unit() {
        let stamp = |value, unit| timestamp(value, unit).unwrap();
        assert_eq!(stamp(-1, TimeUnit::Nanosecond), "1969-12-31T23:59:59.999999999");
        assert_eq!(
            stamp(1_709_210_096_789, TimeUnit::Millisecond),
            "2024-02-29T12:34:56.789"
        );
        assert_eq!(stamp(i128::from(i64::MIN), TimeUnit::Second), "NaT");
        assert_eq!(stamp(19_782, TimeUnit::Day), "2024-02-29");
        assert_eq!(stamp(-1, TimeUnit::Week), "1969-12-25");
        assert_eq!(stamp(-1, TimeUnit::Month), "1969-12");
        assert_eq!(stamp(54, TimeUnit::Year), "2024");
        assert_eq!(stamp(25, TimeUnit::Hour), "1970-01-02T01");
        assert_eq!(stamp(61, TimeUnit::Minute), "1970-01-01T01:01");
        assert_eq!(stamp(3, TimeUnit::Second.times(25).unwrap()), "1970-01-01T00:01:15");
        assert_eq!(timestamp(1, TimeUnit::Generic), None);
        assert_eq!(
            time_of_day(3_661_000_001, TimeUnit::Microsecond).unwrap(),
            "01:01:01.000001"
        );
        assert_eq!(time_of_day(DAY, TimeUnit::Second), None);
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!(decimal(-12_345, 2), "-123.45");
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(5, -3), "5000");
        assert_eq!(decimal(0, -3), "0");
        assert_eq!(decimal(-5, 0), "-5");
    }
}
