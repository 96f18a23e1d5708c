//! DLPack's data types and ours.

use dlpack_rs::ffi::DLDataType;

use crate::dtype::{DType, Kind};
use crate::error::DlpackFault;

/// Kinds by type code, in the order of the header. Codes behind the last one are kept as [`Kind::Other`].
const KINDS: [Kind; 19] = [
    Kind::Int,
    Kind::UInt,
    Kind::Float,
    Kind::OpaqueHandle,
    Kind::Bfloat,
    Kind::Complex,
    Kind::Bool,
    Kind::Float8E3m4,
    Kind::Float8E4m3,
    Kind::Float8E4m3b11fnuz,
    Kind::Float8E4m3fn,
    Kind::Float8E4m3fnuz,
    Kind::Float8E5m2,
    Kind::Float8E5m2fnuz,
    Kind::Float8E8m0fnu,
    Kind::Float6E2m3fn,
    Kind::Float6E3m2fn,
    Kind::Float4E2m1fn,
    Kind::Bcomplex,
];

/// The type code of a kind. A table would have to be searched; every export asks.
const fn code(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::Int => 0,
        Kind::UInt => 1,
        Kind::Float => 2,
        Kind::OpaqueHandle => 3,
        Kind::Bfloat => 4,
        Kind::Complex => 5,
        Kind::Bool => 6,
        Kind::Float8E3m4 => 7,
        Kind::Float8E4m3 => 8,
        Kind::Float8E4m3b11fnuz => 9,
        Kind::Float8E4m3fn => 10,
        Kind::Float8E4m3fnuz => 11,
        Kind::Float8E5m2 => 12,
        Kind::Float8E5m2fnuz => 13,
        Kind::Float8E8m0fnu => 14,
        Kind::Float6E2m3fn => 15,
        Kind::Float6E3m2fn => 16,
        Kind::Float4E2m1fn => 17,
        Kind::Bcomplex => 18,
        // The known codes have kinds of their own.
        Kind::Other(code) if code > 18 => code,
        Kind::Bytes | Kind::Text | Kind::Raw | Kind::Record | Kind::Other(_) => return None,
    })
}

/// The data type of a tensor. `padded` is the flag `IS_SUBBYTE_TYPE_PADDED`.
///
/// Both dialects of 4-bit floats pass: one lane of 4 bits, and PyTorch's two lanes to a byte.
#[inline]
pub(super) fn import(dtype: DLDataType, padded: bool) -> Result<DType, DlpackFault> {
    let DLDataType { code, bits, lanes } = dtype;
    let kind = KINDS.get(usize::from(code)).copied().unwrap_or(Kind::Other(code));
    if bits == 0 || lanes == 0 || !allows(kind, bits, lanes) {
        return Err(DlpackFault::DataType { code, bits, lanes });
    }
    let dtype = DType::new(kind, bits).with_lanes(lanes);
    Ok(if padded { dtype.padded() } else { dtype })
}

/// Bytes of an integer or a float of whole bytes, the common case. `None` decides nothing.
#[inline(always)]
pub(super) fn plain_itemsize(dtype: DLDataType) -> Option<usize> {
    let plain = dtype.code < 3 && dtype.lanes == 1 && dtype.bits >= 8 && dtype.bits.is_multiple_of(8);
    plain.then_some(usize::from(dtype.bits / 8))
}

/// [`import`] for those types that have a [`plain_itemsize`].
#[inline(always)]
pub(super) fn plain(dtype: DLDataType) -> DType {
    let kind = match dtype.code {
        0 => Kind::Int,
        1 => Kind::UInt,
        _ => Kind::Float,
    };
    DType::new(kind, dtype.bits)
}

/// The widths that the header defines for a type code.
const fn allows(kind: Kind, bits: u8, lanes: u16) -> bool {
    match kind {
        Kind::Bool => bits == 8 && lanes == 1,
        Kind::Complex => bits.is_multiple_of(2),
        Kind::Bfloat => bits == 16,
        Kind::Bcomplex => bits == 32,
        Kind::Float4E2m1fn => bits == 4,
        Kind::Float6E2m3fn | Kind::Float6E3m2fn => bits == 6,
        Kind::Float8E3m4
        | Kind::Float8E4m3
        | Kind::Float8E4m3b11fnuz
        | Kind::Float8E4m3fn
        | Kind::Float8E4m3fnuz
        | Kind::Float8E5m2
        | Kind::Float8E5m2fnuz
        | Kind::Float8E8m0fnu => bits == 8,
        _ => true,
    }
}

/// Whether a type is an integer or a float of whole bytes. `false` decides nothing.
#[inline(always)]
pub(super) fn is_plain(dtype: &DType) -> bool {
    matches!(dtype.kind(), Kind::Int | Kind::UInt | Kind::Float)
        && dtype.lanes() == 1
        && dtype.is_native()
        && (8..=u64::from(u8::MAX)).contains(&dtype.bits())
}

/// [`export`] for those types that are [plain](is_plain).
#[inline(always)]
pub(super) fn export_plain(dtype: &DType) -> DLDataType {
    debug_assert!(is_plain(dtype));
    // As a jump would cost more than the look.
    let code = u8::from(dtype.kind() == Kind::UInt) | u8::from(dtype.kind() == Kind::Float) << 1;
    let [bits, ..] = dtype.bits().to_le_bytes();
    DLDataType { code, bits, lanes: 1 }
}

/// The triple for a data type, or `None` if DLPack has no such type.
#[inline]
pub(super) fn export(dtype: &DType) -> Option<DLDataType> {
    let code = code(dtype.kind())?;
    let (bits, lanes) = (u8::try_from(dtype.bits()).ok()?, dtype.lanes());
    let defined = bits != 0 && lanes != 0 && allows(dtype.kind(), bits, lanes);
    (defined && dtype.is_native()).then_some(DLDataType { code, bits, lanes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triple(code: u8, bits: u8, lanes: u16) -> DLDataType {
        DLDataType { code, bits, lanes }
    }

    #[test]
    fn every_code_width_and_lane_count_comes_back_or_is_refused() {
        let mut refused = 0;
        for code in 0..=u8::MAX {
            for bits in 0..=u8::MAX {
                for lanes in [0, 1, 2, 4, 300, u16::MAX] {
                    for padded in [false, true] {
                        let Ok(dtype) = import(triple(code, bits, lanes), padded) else {
                            refused += 1;
                            continue;
                        };
                        let back = export(&dtype).expect("what comes in goes out");
                        assert_eq!((back.code, back.bits, back.lanes), (code, bits, lanes));
                        assert_eq!(dtype.is_padded(), padded && bits < 8);
                    }
                }
            }
        }
        assert!(refused > 0);
    }

    #[test]
    fn codes_have_the_numbers_of_the_header() {
        let known = [
            (0, 32, DType::I32),
            (1, 8, DType::U8),
            (2, 64, DType::F64),
            (4, 16, DType::BF16),
            (5, 64, DType::C64),
            (6, 8, DType::BOOL),
            (8, 8, DType::new(Kind::Float8E4m3, 8)),
            (14, 8, DType::new(Kind::Float8E8m0fnu, 8)),
            (17, 4, DType::new(Kind::Float4E2m1fn, 4)),
            (18, 32, DType::new(Kind::Bcomplex, 32)),
            (77, 24, DType::new(Kind::Other(77), 24)),
        ];
        for (code, bits, dtype) in known {
            assert_eq!(import(triple(code, bits, 1), false), Ok(dtype));
        }
    }

    #[test]
    fn undefined_widths_are_errors() {
        for (code, bits, lanes) in [
            (17, 8, 1),
            (15, 8, 1),
            (16, 4, 1),
            (6, 1, 1),
            (6, 8, 2),
            (8, 4, 1),
            (5, 63, 1),
        ] {
            let fault = DlpackFault::DataType { code, bits, lanes };
            assert_eq!(import(triple(code, bits, lanes), false), Err(fault));
        }
    }

    #[test]
    fn types_of_numpy_alone_stay_behind() {
        for dtype in [
            DType::new(Kind::Other(2), 32),
            DType::bytes(4),
            DType::text(1),
            DType::raw(3),
            DType::BIT,
            DType::F32.swapped(),
        ] {
            assert!(export(&dtype).is_none(), "{dtype}");
        }
    }
}
