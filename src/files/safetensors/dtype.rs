//! The data types of the format, which are little-endian.

use ::safetensors::Dtype;

use crate::dtype::{ByteOrder, DType, Kind};

/// Packed types count their shape in items, four, six or eight bits each.
static TYPES: [(Dtype, DType); 22] = [
    (Dtype::BOOL, DType::BOOL),
    (Dtype::F4, DType::new(Kind::Float4E2m1fn, 4)),
    (Dtype::F6_E2M3, DType::new(Kind::Float6E2m3fn, 6)),
    (Dtype::F6_E3M2, DType::new(Kind::Float6E3m2fn, 6)),
    (Dtype::U8, DType::U8),
    (Dtype::I8, DType::I8),
    (Dtype::F8_E5M2, DType::new(Kind::Float8E5m2, 8)),
    (Dtype::F8_E4M3, DType::new(Kind::Float8E4m3fn, 8)),
    (Dtype::F8_E8M0, DType::new(Kind::Float8E8m0fnu, 8)),
    (Dtype::F8_E4M3FNUZ, DType::new(Kind::Float8E4m3fnuz, 8)),
    (Dtype::F8_E5M2FNUZ, DType::new(Kind::Float8E5m2fnuz, 8)),
    (Dtype::I16, DType::I16),
    (Dtype::U16, DType::U16),
    (Dtype::F16, DType::F16),
    (Dtype::BF16, DType::BF16),
    (Dtype::I32, DType::I32),
    (Dtype::U32, DType::U32),
    (Dtype::F32, DType::F32),
    (Dtype::C64, DType::C64),
    (Dtype::F64, DType::F64),
    (Dtype::I64, DType::I64),
    (Dtype::U64, DType::U64),
];

/// `None` for types that the `safetensors` crate knows and this one does not yet.
pub(super) fn from_file(dtype: Dtype) -> Option<DType> {
    let (_, found) = TYPES.iter().find(|(known, _)| *known == dtype)?;
    Some(found.clone().with_byte_order(ByteOrder::Little))
}

/// `None` for types without a name in the format.
pub(super) fn to_file(dtype: &DType) -> Option<Dtype> {
    TYPES.iter().find(|(_, known)| known == dtype).map(|(name, _)| *name)
}
