//! The metadata of a field: counted strings, in native byte order, at any address.
//!
//! # Safety
//!
//! What is read relies on *owned struct*: the member points to as many bytes as the counts in it say.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_char;

use super::schema::Text;
use crate::error::{ArrowFault, CDataFault, Result};

/// Most bytes of metadata that are read.
const MAX_BYTES: usize = 1 << 28;

/// Appends the metadata to `text`.
///
/// # Errors
///
/// [`ArrowFault::ListSize`] for more entries or bytes than a 32-bit number can count.
pub(super) fn write<'a>(
    (len, entries): (usize, impl Iterator<Item = (&'a String, &'a String)>),
    text: &mut Text,
) -> Result<()> {
    let count = |items: usize, text: &mut Text| -> Result<()> {
        let count = i32::try_from(items).map_err(|_| ArrowFault::ListSize { items })?;
        text.extend_from_slice(&count.to_ne_bytes());
        Ok(())
    };
    count(len, text)?;
    for (key, value) in entries {
        for string in [key, value] {
            count(string.len(), text)?;
            text.extend_from_slice(string.as_bytes());
        }
    }
    Ok(())
}

/// Reads metadata; NULL is none.
///
/// # Errors
///
/// [`CDataFault::Count`], [`CDataFault::Text`].
///
/// # Safety
///
/// *owned struct* holds for the schema whose member this is.
pub(super) unsafe fn read(metadata: *const c_char) -> Result<HashMap<String, String>> {
    let mut entries = HashMap::new();
    if metadata.is_null() {
        return Ok(entries);
    }
    let mut reader = Reader {
        at: metadata.cast(),
        left: MAX_BYTES,
    };
    // SAFETY: *owned struct*.
    let count = unsafe { reader.count() }?;
    for _ in 0..count {
        // SAFETY: *owned struct*.
        let key = unsafe { reader.string() }?;
        // SAFETY: *owned struct*.
        let value = unsafe { reader.string() }?;
        entries.insert(key, value);
    }
    Ok(entries)
}

struct Reader {
    at: *const u8,
    left: usize,
}

impl Reader {
    /// # Safety
    ///
    /// A 32-bit number follows.
    unsafe fn count(&mut self) -> Result<usize> {
        // SAFETY: the caller's promise.
        let count = unsafe { self.at.cast::<i32>().read_unaligned() };
        self.at = self.at.wrapping_add(size_of::<i32>());
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.left)
            .ok_or_else(|| {
                CDataFault::Count {
                    member: "a count of the metadata",
                    found: count.into(),
                    min: 0,
                    max: i64::try_from(self.left).unwrap_or(i64::MAX),
                }
                .into()
            })
    }

    /// # Safety
    ///
    /// A counted string follows.
    unsafe fn string(&mut self) -> Result<String> {
        // SAFETY: the caller's promise.
        let len = unsafe { self.count() }?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { std::slice::from_raw_parts(self.at, len) };
        self.at = self.at.wrapping_add(len);
        self.left -= len;
        let text = std::str::from_utf8(bytes).map_err(|_| CDataFault::Text { member: "metadata" })?;
        Ok(text.into())
    }
}
