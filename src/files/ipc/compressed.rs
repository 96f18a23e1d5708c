//! What compressed bodies claim to hold, before Arrow makes room for it.

use arrow_ipc::{Message, RecordBatch, root_as_message};

use crate::error::{ArrowFault, Result};
use crate::files::wide;

/// The most bytes that one compressed byte can stand for: a block of Zstandard that repeats one byte holds 128 KiB in four. LZ4 stays below 256.
const MOST: u64 = 32 << 10;

/// Bytes in front of a compressed buffer, which say how long it was.
const PREFIX: usize = 8;

/// Whether the body of a block, of items or of a dictionary, is compressed. Its metadata, with or without the length in front, take `metadata` bytes.
///
/// # Errors
///
/// [`ArrowFault::Claim`] for a buffer that claims to hold more than it can.
pub(super) fn is_compressed(block: &[u8], metadata: usize) -> Result<bool> {
    let message = match block {
        [0xff, 0xff, 0xff, 0xff, _, _, _, _, message @ ..] | [_, _, _, _, message @ ..] => message,
        _ => return Ok(false),
    };
    let Ok(message) = root_as_message(message) else {
        return Ok(false);
    };
    check(&message, block.get(metadata..).unwrap_or_default())
}

/// As [`is_compressed`], of a message and its body.
pub(super) fn check(message: &Message<'_>, body: &[u8]) -> Result<bool> {
    let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else {
        return Ok(false);
    };
    if batch.compression().is_none() {
        return Ok(false);
    }
    check_claims(&batch, body)?;
    Ok(true)
}

fn check_claims(batch: &RecordBatch<'_>, body: &[u8]) -> Result<(), ArrowFault> {
    for buffer in batch.buffers().iter().flatten() {
        let bytes = || {
            let start = usize::try_from(buffer.offset()).ok()?;
            body.get(start..start.checked_add(usize::try_from(buffer.length()).ok()?)?)
        };
        // What lies outside is Arrow's to refuse; -1 says that the buffer is not compressed.
        let Some((claimed, rest)) = bytes().and_then(<[u8]>::split_first_chunk::<PREFIX>) else {
            continue;
        };
        let possible = wide(rest.len()).saturating_mul(MOST);
        match u64::try_from(i64::from_le_bytes(*claimed)) {
            Ok(claimed) if claimed > possible => return Err(ArrowFault::Claim { claimed, possible }),
            _ => {}
        }
    }
    Ok(())
}
