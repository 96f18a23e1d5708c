//! What several tests draw their cases from.

use proptest::prelude::*;
use viewbridge::{Field, ItemType, Record};

/// What is no record.
fn plain() -> impl Strategy<Value = ItemType> {
    let codes = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16 c32 S0 S7 U0 U3 V0 V9 bfloat16 float8_e5m2 complex32 float32x2 int128";
    let codes: Vec<&str> = codes.split(' ').collect();
    let units = "generic Y M W D h m s ms us ns ps fs as 25s 7D 3Y";
    let units: Vec<&str> = units.split(' ').collect();
    let time = (any::<bool>(), prop::sample::select(units)).prop_map(|(stamp, unit)| {
        let letter = if stamp { "M8" } else { "m8" };
        format!("{letter}[{unit}]")
    });
    let text = prop_oneof![prop::sample::select(codes).prop_map(str::to_owned), time];
    (text, any::<bool>()).prop_map(|(text, big)| {
        let sign = if big { '>' } else { '<' };
        format!("{sign}{text}").parse().expect("one of the known types")
    })
}

/// The shape of an item, usually none.
pub(crate) fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(0_usize..4, 1..4)]
}

/// A field from a name's number, a title or none, a gap before it.
fn field(k: usize, (name, item, shape, title, gap): (String, ItemType, Vec<usize>, bool, usize)) -> (Field, usize) {
    let mut field = Field::new(format!("{k}{name}"), item.dtype().clone()).with_shape(&shape);
    if let Some(logical) = item.logical() {
        field = field.with_logical(logical.clone());
    }
    if title {
        field = field.with_title(format!("title {k}"));
    }
    (field, gap)
}

/// Types of every sort: plain ones, times, records up to three deep with shapes, titles, gaps and overlaps.
pub(crate) fn items() -> impl Strategy<Value = ItemType> {
    plain().prop_recursive(3, 20, 4, |inner| {
        let part = (any::<String>(), inner, shape(), any::<bool>(), 0_usize..3);
        (prop::collection::vec(part, 0..4), 0_u8..3, 0_usize..5).prop_map(|(parts, form, end)| {
            let placed: Vec<(Field, usize)> = parts.into_iter().enumerate().map(|(k, part)| field(k, part)).collect();
            let fields = placed.iter().map(|part| part.0.clone());
            let record = match form {
                0 => Record::packed(fields),
                1 => Record::aligned(fields),
                _ => {
                    let fields: Vec<Field> = placed.iter().map(|(field, gap)| field.clone().at(*gap)).collect();
                    let most = fields
                        .iter()
                        .map(|field| field.offset() + field.nbytes().unwrap())
                        .max();
                    Record::new(fields, most.unwrap_or(0) + end)
                }
            };
            ItemType::new(record.unwrap().into())
        })
    })
}
