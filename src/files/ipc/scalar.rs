//! Tensor messages without axes, as pyarrow writes them.
//!
//! Their (no) strides are a vector of 64-bit numbers at an address that is no multiple of 8. The FlatBuffers verifier looks at that although there is
//! nothing to read, and refuses the message. What it means can be said without: a tensor need not have strides.

use std::borrow::Cow;
use std::ops::Range;

use arrow_ipc::{Message, MessageHeader, Tensor};

/// The metadata of a message as the verifier takes it: without strides, if it is of a tensor whose strides are none, at a place that is none for numbers of
/// 64 bits. All else is as it was.
///
/// Nothing is believed but what lies in `metadata`; the result is to be verified as any other.
pub(super) fn readable(metadata: &[u8]) -> Cow<'_, [u8]> {
    without_strides(metadata).map_or(Cow::Borrowed(metadata), Cow::Owned)
}

fn without_strides(metadata: &[u8]) -> Option<Vec<u8>> {
    let message = follow(metadata, 0)?;
    let (_, kind) = field(metadata, message, Message::VT_HEADER_TYPE)?;
    if *metadata.get(kind)? != MessageHeader::Tensor.0 {
        return None;
    }
    let (_, header) = field(metadata, message, Message::VT_HEADER)?;
    let tensor = follow(metadata, header)?;
    let (entry, strides) = field(metadata, tensor, Tensor::VT_STRIDES)?;
    let vector = follow(metadata, strides)?;
    let first = vector.checked_add(4)?;
    if u32_at(metadata, vector)? != 0 || first.is_multiple_of(8) {
        return None;
    }
    let mut changed = metadata.to_vec();
    changed.get_mut(entry)?.fill(0);
    Some(changed)
}

/// Where the offset at `position` leads.
fn follow(bytes: &[u8], position: usize) -> Option<usize> {
    position.checked_add(usize::try_from(u32_at(bytes, position)?).ok()?)
}

/// The entry of a field in the `vtable` of the table at `table`, and where the field is. `None` if it is not there.
fn field(bytes: &[u8], table: usize, entry: u16) -> Option<(Range<usize>, usize)> {
    let entry = usize::from(entry);
    let back = i32::from_le_bytes(bytes.get(table..)?.first_chunk().copied()?);
    let vtable = table.checked_add_signed(isize::try_from(back.checked_neg()?).ok()?)?;
    if usize::from(u16_at(bytes, vtable)?) < entry + 2 {
        return None;
    }
    let entry = vtable.checked_add(entry)?;
    match u16_at(bytes, entry)? {
        0 => None,
        offset => Some((entry..entry + 2, table.checked_add(usize::from(offset))?)),
    }
}

fn u32_at(bytes: &[u8], position: usize) -> Option<u32> {
    bytes.get(position..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u16_at(bytes: &[u8], position: usize) -> Option<u16> {
    bytes.get(position..)?.first_chunk().copied().map(u16::from_le_bytes)
}
