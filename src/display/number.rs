//! Floats in columns, as NumPy's `FloatingFormat` writes them: the fewest digits that tell a number from its neighbours, at most so many
//! behind the point, points below each other; with exponents where magnitudes differ much.

use super::column::Real;

/// Most digits behind the point (NumPy's `precision`).
const PRECISION: usize = 8;

/// How the floats of a column are written.
pub(super) struct Style {
    precision: usize,
    imaginary: bool,
    /// Digits of the exponents, or `None` without.
    exponent: Option<usize>,
    /// Characters before and behind the point.
    before: usize,
    behind: usize,
}

impl Style {
    pub(super) fn new(values: &[Real], imaginary: bool, precision: Option<usize>) -> Self {
        let finite = || values.iter().filter(|value| value.exact.is_finite());
        let sizes = || finite().map(|value| value.short.abs()).filter(|&size| size > 0.0);
        let (most, least) = (sizes().fold(0.0, f64::max), sizes().fold(f64::INFINITY, f64::min));
        let scientific = sizes().next().is_some() && (most >= 1e8 || least < 1e-4 || most / least > 1000.0);
        let mut style = Self {
            precision: precision.unwrap_or(PRECISION),
            imaginary,
            exponent: scientific.then_some(0),
            before: 0,
            behind: 0,
        };
        for value in finite() {
            let (whole, rest, exponent) = style.digits(*value);
            style.before = style.before.max(whole.len());
            style.behind = style.behind.max(rest.len());
            let digits = exponent.trim_start_matches(['+', '-']).len();
            style.exponent = style.exponent.map(|most| most.max(digits));
        }
        let tail = style.tail();
        for value in values.iter().filter(|value| !value.exact.is_finite()) {
            let width = style.odd(value.exact).len();
            style.before = style.before.max(width.saturating_sub(tail));
        }
        style
    }

    /// Characters from the point on.
    fn tail(&self) -> usize {
        let exponent = self.exponent.map_or(0, |digits| digits + 2);
        1 + self.behind + exponent
    }

    pub(super) fn text(&self, value: Real) -> String {
        let exact = value.exact;
        let mark = if self.imaginary { "j" } else { "" };
        let before = self.before;
        if !exact.is_finite() {
            let width = before + self.tail();
            return format!("{:>width$}{mark}", self.odd(exact));
        }
        let (mut whole, mut rest, mut exponent) = self.digits(value);
        let behind = self.behind;
        if self.exponent.is_some() && rest.len() < behind {
            // As many digits as the others have: its own, not zeroes.
            (whole, rest, exponent) = self.parts(&format!("{exact:.behind$e}"), exact);
        }
        match self.exponent {
            Some(digits) => {
                let (sign, power) = exponent.split_at(1);
                format!("{whole:>before$}.{rest:0<behind$}e{sign}{power:0>digits$}{mark}")
            }
            None => {
                let behind = behind + mark.len();
                format!("{whole:>before$}.{:<behind$}", format!("{rest}{mark}"))
            }
        }
    }

    fn odd(&self, value: f64) -> String {
        let text = if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        };
        let sign = if self.imaginary && (value.is_nan() || value > 0.0) {
            "+"
        } else {
            ""
        };
        format!("{sign}{text}")
    }

    /// The digits before the point with the sign, those behind it, and the exponent with its sign, if any.
    fn digits(&self, Real { exact, short: value }: Real) -> (String, String, String) {
        let precision = self.precision;
        let scientific = self.exponent.is_some();
        let shortest = if scientific {
            format!("{value:e}")
        } else {
            format!("{value}")
        };
        let mantissa = shortest.split('e').next().unwrap_or_default();
        let behind = mantissa.split_once('.').map_or(0, |(_, rest)| rest.len());
        match (behind > precision, scientific) {
            (false, _) => self.parts(&shortest, value),
            (true, true) => self.parts(&format!("{exact:.precision$e}"), value),
            (true, false) => self.parts(&format!("{exact:.precision$}"), value),
        }
    }

    fn parts(&self, text: &str, value: f64) -> (String, String, String) {
        let (digits, power) = text.split_once('e').unwrap_or((text, "0"));
        let (minus, power) = power.strip_prefix('-').map_or(("+", power), |power| ("-", power));
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let plus = if self.imaginary && !value.is_sign_negative() {
            "+"
        } else {
            ""
        };
        (
            format!("{plus}{whole}"),
            rest.trim_end_matches('0').to_owned(),
            format!("{minus}{power:0>2}"),
        )
    }
}

/// The number of the fewest digits that `round` takes for `value`: what a float of fewer bits would be written as.
pub(super) fn shortest(exact: f64, round: impl Fn(f64) -> f64) -> Real {
    let candidate = |digits: usize| format!("{exact:.digits$e}").parse::<f64>().ok();
    let short = (0..17)
        .filter_map(candidate)
        .find(|&short| round(short) == exact)
        .unwrap_or(exact);
    Real { exact, short }
}
