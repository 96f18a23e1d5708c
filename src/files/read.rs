//! Bytes from a file into fresh memory.
//!
//! # Safety
//!
//! Invariant *owned block* of [`Allocation`]: its `len` bytes are ours alone to write.
#![allow(unsafe_code)]

use std::io::Read;
#[cfg(any(feature = "arrow", feature = "safetensors"))]
use std::io::{ErrorKind, Seek, SeekFrom};
#[cfg(any(feature = "arrow", feature = "safetensors"))]
use std::ops::Range;

use crate::allocation::Allocation;
use crate::buffer::Buffer;
use crate::error::Result;
#[cfg(any(feature = "arrow", feature = "safetensors"))]
use crate::files::wide;

/// Bytes read at once: few enough that zeroing them beforehand stays in the cache.
const CHUNK: usize = 256 << 10;

/// Reads `len` bytes into fresh memory, aligned to 64 bytes.
///
/// # Errors
///
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory), and [`Error::Io`](crate::Error::Io) where there are fewer bytes.
pub(super) fn exactly(source: &mut impl Read, len: usize) -> Result<Buffer<'static>> {
    let mut memory = Allocation::uninit(len, 1)?;
    let mut start = 0;
    while start < len {
        let chunk = CHUNK.min(len - start);
        let at = memory.as_mut_ptr().wrapping_add(start);
        // `Read` may look at what it overwrites, so that it has to be something.
        // SAFETY: *owned block*; `start + chunk <= len`.
        unsafe { at.write_bytes(0, chunk) };
        // SAFETY: *owned block*; these bytes have just been initialised, and nothing else refers to them.
        let chunk = unsafe { std::slice::from_raw_parts_mut(at, chunk) };
        source.read_exact(chunk)?;
        start += chunk.len();
    }
    // SAFETY: the loop has written every byte.
    Ok(unsafe { memory.into_buffer() })
}

/// Some bytes of a file that are known to be there. Memory grows with what is read.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io).
#[cfg(any(feature = "arrow", feature = "safetensors"))]
pub(super) fn bytes_at(reader: &mut (impl Read + Seek), range: Range<u64>) -> Result<Vec<u8>> {
    let len = range.end - range.start;
    reader.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    reader.take(len).read_to_end(&mut bytes)?;
    if wide(bytes.len()) < len {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::io::ErrorKind;

    #[test]
    fn reads_exactly_so_many_bytes() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let bytes: Vec<u8> = (0..=255).cycle().take(len + 5).collect();
            let buffer = exactly(&mut bytes.as_slice(), len).unwrap();
            assert!(buffer.as_ptr().addr().is_multiple_of(64));
            let view = crate::StridedView::of_items(buffer, crate::DType::U8);
            assert_eq!(view.typed::<u8>().unwrap().as_slice().unwrap(), &bytes[..len]);
        }
    }

    #[test]
    fn a_source_that_ends_early_is_an_error() {
        match exactly(&mut [0_u8; 10].as_slice(), 11) {
            Err(Error::Io(e)) => assert_eq!(e.kind(), ErrorKind::UnexpectedEof),
            other => panic!("{other:?}"),
        }
    }
}
