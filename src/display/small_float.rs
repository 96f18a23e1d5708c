//! Floats of 4, 6 and 8 bits as numbers.
//!
//! Source of the formats: OCP, "Microscaling Formats" and "8-bit Floating Point"; for the `fnuz` forms, the paper by Noune et al.; their meaning is
//! that of Python's `ml_dtypes`.

use crate::dtype::Kind;

/// What the bits of a format mean.
struct Format {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    odd: Odd,
}

/// Which codes are no numbers.
enum Odd {
    /// The highest exponent: infinities and NaNs, as in IEEE 754.
    Ieee,
    /// All ones but for the sign: NaN.
    Ones,
    /// The sign alone: NaN. There is no negative zero.
    MinusZero,
    /// None.
    Nothing,
}

const fn format(kind: Kind) -> Option<Format> {
    let (exponent, mantissa, bias, odd) = match kind {
        Kind::Float8E3m4 => (3, 4, 3, Odd::Ieee),
        Kind::Float8E4m3 => (4, 3, 7, Odd::Ieee),
        Kind::Float8E4m3b11fnuz => (4, 3, 11, Odd::MinusZero),
        Kind::Float8E4m3fn => (4, 3, 7, Odd::Ones),
        Kind::Float8E4m3fnuz => (4, 3, 8, Odd::MinusZero),
        Kind::Float8E5m2 => (5, 2, 15, Odd::Ieee),
        Kind::Float8E5m2fnuz => (5, 2, 16, Odd::MinusZero),
        Kind::Float6E2m3fn => (2, 3, 1, Odd::Nothing),
        Kind::Float6E3m2fn => (3, 2, 3, Odd::Nothing),
        Kind::Float4E2m1fn => (2, 1, 1, Odd::Nothing),
        _ => return None,
    };
    Some(Format {
        exponent,
        mantissa,
        bias,
        odd,
    })
}

/// The number that a code stands for, or `None` if the kind is not one of these.
pub(super) fn value(kind: Kind, code: u8) -> Option<f64> {
    if kind == Kind::Float8E8m0fnu {
        let power = f64::from(i32::from(code) - 127);
        return Some(if code == u8::MAX { f64::NAN } else { power.exp2() });
    }
    let format = format(kind)?;
    let code = u32::from(code);
    let (most, ones) = ((1 << format.exponent) - 1, (1 << format.mantissa) - 1);
    let (exponent, mantissa) = (code >> format.mantissa & most, code & ones);
    let negative = code >> (format.mantissa + format.exponent) & 1 == 1;
    let nan = match format.odd {
        Odd::Ieee => exponent == most && mantissa != 0,
        Odd::Ones => exponent == most && mantissa == ones,
        Odd::MinusZero => negative && exponent == 0 && mantissa == 0,
        Odd::Nothing => false,
    };
    let fraction = f64::from(mantissa) / f64::from(ones + 1);
    let power = |exponent: u32| f64::from(exponent.cast_signed() - format.bias).exp2();
    let size = match exponent {
        _ if nan => f64::NAN,
        _ if exponent == most && matches!(format.odd, Odd::Ieee) => f64::INFINITY,
        0 => fraction * power(1),
        _ => (1.0 + fraction) * power(exponent),
    };
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_they_mean_to_ml_dtypes() {
        // Kind, codes, Σ code · value over finite values, NaNs, infinities, greatest, least above 0: found with ml_dtypes 0.5.
        for (kind, codes, sum, nans, infinities, greatest, least) in [
            (Kind::Float8E3m4, 256, -47_616.0, 30, 2, 15.5, 0.015_625),
            (Kind::Float8E4m3, 256, -376_816.0, 14, 2, 240.0, 0.001_953_125),
            (Kind::Float8E4m3b11fnuz, 256, -47_103.0, 1, 0, 30.0, 0.000_122_070_312_5),
            (Kind::Float8E4m3fn, 256, -692_208.0, 2, 0, 448.0, 0.001_953_125),
            (Kind::Float8E4m3fnuz, 256, -376_824.0, 1, 0, 240.0, 0.000_976_562_5),
            (
                Kind::Float8E5m2,
                256,
                -46_137_343.968_75,
                6,
                2,
                57_344.0,
                (-16_f64).exp2(),
            ),
            (
                Kind::Float8E5m2fnuz,
                256,
                -46_137_343.984_375,
                1,
                0,
                57_344.0,
                (-17_f64).exp2(),
            ),
            (Kind::Float6E2m3fn, 64, -2688.0, 0, 0, 7.5, 0.125),
            (Kind::Float6E3m2fn, 64, -5600.0, 0, 0, 28.0, 0.062_5),
            (Kind::Float4E2m1fn, 16, -144.0, 0, 0, 6.0, 0.5),
        ] {
            let values: Vec<f64> = (0..codes)
                .map(|code| value(kind, u8::try_from(code).unwrap()).unwrap())
                .collect();
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let weighted = (0_u32..).zip(&values).filter(|(_, value)| value.is_finite());
            assert_eq!(
                weighted.map(|(code, value)| f64::from(code) * value).sum::<f64>(),
                sum,
                "{kind:?}"
            );
            assert_eq!(values.iter().filter(|value| value.is_nan()).count(), nans, "{kind:?}");
            assert_eq!(
                values.iter().filter(|value| value.is_infinite()).count(),
                infinities,
                "{kind:?}"
            );
            assert_eq!(finite().fold(0.0, f64::max), greatest, "{kind:?}");
            let positive = finite().filter(|&value| value > 0.0);
            assert_eq!(positive.fold(f64::INFINITY, f64::min), least, "{kind:?}");
        }
        assert_eq!(value(Kind::Float8E8m0fnu, 254), Some(127_f64.exp2()));
        assert!(value(Kind::Float8E8m0fnu, 255).unwrap().is_nan());
        assert_eq!(value(Kind::Int, 1), None);
    }
}
