//! What stands before the tensors: eight bytes of length, and a JSON object.
//!
//! Read here and not by the `safetensors` crate, which puts it into a hash table and out again, in twice the time. What is valid is the same, but that two
//! tensors of one name are an error here: there, the second one wins.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use ::safetensors::tensor::TensorInfo;
use ::safetensors::{Dtype, SafeTensorError};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{PREFIX, dtype};
use crate::dtype::DType;
use crate::error::{Result, SafetensorsFault};
use crate::files::wide;
use crate::layout::Layout;
use crate::memory::Order;

/// The longest header that is read, in bytes: the reference implementation's limit.
const MAX_LEN: u64 = 100_000_000;

/// The key of the file's own remarks.
pub(super) const METADATA: &str = "__metadata__";

/// A valid header.
#[derive(Debug)]
pub(super) struct Header {
    /// In the order of their bytes, and then of their names: tensors without items may share a place.
    pub(super) tensors: Vec<(String, TensorInfo)>,
    pub(super) metadata: BTreeMap<String, String>,
    /// Bytes in front of the first tensor.
    pub(super) start: usize,
}

impl Header {
    /// Where the header of a file of `available` bytes ends that begins with these.
    pub(super) fn end(prefix: &[u8], available: u64) -> Result<usize, SafetensorsFault> {
        let len = prefix
            .first_chunk::<PREFIX>()
            .ok_or_else(|| fault(SafeTensorError::HeaderTooSmall))?;
        let len = u64::from_le_bytes(*len);
        if len > MAX_LEN {
            return Err(fault(SafeTensorError::HeaderTooLarge));
        }
        let end = wide(PREFIX) + len;
        let end = usize::try_from(end).ok().filter(|_| end <= available);
        end.ok_or_else(|| fault(SafeTensorError::InvalidHeaderLength))
    }

    /// Parses the bytes of a file of `available` bytes up to the end of its header.
    pub(super) fn parse(bytes: &[u8], available: u64) -> Result<Self> {
        let start = bytes.len();
        let text = std::str::from_utf8(&bytes[PREFIX..]);
        let text = text.map_err(|error| fault(SafeTensorError::InvalidHeader(error)))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let entries = json.deserialize_map(Entries).and_then(|entries| {
            json.end()?;
            Ok(entries)
        });
        let (mut tensors, metadata) =
            entries.map_err(|error| fault(SafeTensorError::InvalidHeaderDeserialization(error)))?;
        check_names(&tensors)?;
        let place = |(name, info): &(String, TensorInfo), (other, at): &(String, TensorInfo)| {
            (info.data_offsets, name).cmp(&(at.data_offsets, other))
        };
        tensors.sort_unstable_by(place);
        let end = check_offsets(&tensors)?;
        if end.checked_add(start).map(wide) != Some(available) {
            return Err(fault(SafeTensorError::MetadataIncompleteBuffer).into());
        }
        Ok(Self {
            tensors,
            metadata,
            start,
        })
    }

    /// The type of a tensor, and how its items lie from the first one on.
    pub(super) fn describe(name: &str, info: &TensorInfo) -> Result<(DType, Layout)> {
        let dtype = dtype::from_file(info.dtype).ok_or_else(|| SafetensorsFault::unknown(name, info.dtype))?;
        let layout = Layout::contiguous(&info.shape, &dtype, Order::C)?;
        Ok((dtype, layout))
    }
}

fn fault(error: SafeTensorError) -> SafetensorsFault {
    SafetensorsFault::library(error)
}

/// Refuses two tensors of one name.
fn check_names(tensors: &[(String, TensorInfo)]) -> Result<(), SafetensorsFault> {
    // As most files have them.
    if tensors.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Ok(());
    }
    let mut seen = HashSet::with_capacity(tensors.len());
    match tensors.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(SafetensorsFault::Duplicate { name: name.clone() }),
        None => Ok(()),
    }
}

/// Every byte belongs to one tensor, which has as many as its shape and type say. Returns how many bytes there are.
fn check_offsets(tensors: &[(String, TensorInfo)]) -> Result<usize, SafetensorsFault> {
    let mut place = 0;
    for (name, info) in tensors {
        let (start, end) = info.data_offsets;
        if start != place || end < start {
            return Err(fault(SafeTensorError::InvalidOffset(name.clone())));
        }
        if bytes_of(info.dtype, &info.shape)? != end - start {
            return Err(fault(SafeTensorError::TensorInvalidInfo));
        }
        place = end;
    }
    Ok(place)
}

fn bytes_of(dtype: Dtype, shape: &[usize]) -> Result<usize, SafetensorsFault> {
    let items = shape.iter().try_fold(1_usize, |items, &dim| items.checked_mul(dim));
    let bits = items.and_then(|items| items.checked_mul(dtype.bitsize()));
    let bits = bits.ok_or_else(|| fault(SafeTensorError::ValidationOverflow))?;
    if bits.is_multiple_of(8) {
        Ok(bits / 8)
    } else {
        Err(fault(SafeTensorError::MisalignedSlice))
    }
}

/// The entries of the object: tensors in the order of the text, and remarks.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = (Vec<(String, TensorInfo)>, BTreeMap<String, String>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut tensors, mut metadata) = (Vec::new(), None);
        while let Some(name) = map.next_key::<String>()? {
            if name != METADATA {
                tensors.push((name, map.next_value()?));
            } else if metadata.replace(map.next_value::<Option<_>>()?).is_some() {
                return Err(A::Error::duplicate_field(METADATA));
            }
        }
        Ok((tensors, metadata.flatten().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::safetensors::SafeTensors;

    /// A file of so many bytes behind a header.
    fn file(header: &str, bytes: usize) -> Vec<u8> {
        let mut file = wide(header.len()).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.resize(file.len() + bytes, 0);
        file
    }

    fn parse(file: &[u8]) -> Result<Header> {
        let end = Header::end(file, wide(file.len()))?;
        Header::parse(&file[..end], wide(file.len()))
    }

    /// Everything the reference implementation says of a header, right or wrong, is said here, too.
    #[test]
    fn agrees_with_the_reference_implementation() {
        let one = r#""dtype":"U8","shape":[2],"data_offsets":[0,2]"#;
        let headers = [
            (r"{}".to_owned(), 0),
            (r"{}".to_owned(), 1),
            (format!(r#"{{"a":{{{one}}}}}"#), 2),
            (format!(r#"{{"a":{{{one}}}}}"#), 3),
            (format!(r#"{{"a":{{{one}}}}}"#), 1),
            (format!(r#"{{"a":{{{one},"more":[1,{{}}]}}}}  "#), 2),
            (format!(r#"{{"a":{{{one}}}}} x"#), 2),
            (format!(r#"{{"__metadata__":null,"a":{{{one}}}}}"#), 2),
            (format!(r#"{{"a":{{{one}}},"__metadata__":{{"k":"v","k":"w"}}}}"#), 2),
            (format!(r#"{{"a":{{{one}}},"__metadata__":{{"k":1}}}}"#), 2),
            (format!(r#"{{"__metadata__":{{}},"a":{{{one}}},"__metadata__":{{}}}}"#), 2),
            (r#"{"a":{"dtype":"U8","shape":[2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U9","shape":[2],"data_offsets":[0,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2,3]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#.to_owned(), 1),
            (r#"{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,2]}}"#.to_owned(), 2),
            (r#"{"a":{"dtype":"U8","shape":[18446744073709551615,0],"data_offsets":[0,0]}}"#.to_owned(), 0),
            (r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,18446744073709551615]}}"#.to_owned(), 0),
            (
                r#"{"z":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
                    .to_owned(),
                0,
            ),
            (r"[]".to_owned(), 0),
            (r"".to_owned(), 0),
            (r#"{"a":1}"#.to_owned(), 0),
        ];
        for (header, bytes) in headers {
            let file = file(&header, bytes);
            let reference = SafeTensors::read_metadata(&file);
            match (parse(&file), reference) {
                (Ok(found), Ok((len, reference))) => {
                    assert_eq!(found.start, PREFIX + len);
                    assert_eq!(
                        found.metadata.len(),
                        reference.metadata().as_ref().map_or(0, |all| all.len())
                    );
                    assert_eq!(found.tensors.len(), reference.tensors().len(), "{header}");
                    for (name, info) in &found.tensors {
                        let same = reference.info(name).unwrap();
                        assert_eq!(
                            (info.dtype, &info.shape, info.data_offsets),
                            (same.dtype, &same.shape, same.data_offsets)
                        );
                    }
                }
                (Err(found), Err(reference)) => {
                    let (found, reference) = (found.to_string(), reference.to_string());
                    // What is wrong with the JSON, and where, serde says in other words on the way through a hash table.
                    let kind = reference.split(" header:").next().unwrap_or_default();
                    assert!(found.contains(kind), "{header}: {found} but {reference}");
                }
                (found, reference) => panic!("{header}: {found:?} but {reference:?}"),
            }
        }
    }

    #[test]
    fn two_tensors_of_one_name_are_an_error() {
        let one = r#""a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
        let found = parse(&file(&format!("{{{one},{one}}}"), 0)).unwrap_err();
        assert!(matches!(found, crate::Error::Safetensors(SafetensorsFault::Duplicate { name }) if name == "a"));
    }

    #[test]
    fn lengths_beyond_the_file_are_errors_before_anything_is_read() {
        for (prefix, available) in [
            (7_u64, 14),
            (MAX_LEN + 1, u64::MAX),
            (u64::MAX, u64::MAX),
            (MAX_LEN, 1000),
        ] {
            assert!(Header::end(&prefix.to_le_bytes(), available).is_err(), "{prefix}");
        }
        assert!(Header::end(&[0; 7], 7).is_err());
        assert_eq!(Header::end(&MAX_LEN.to_le_bytes(), u64::MAX).unwrap(), 100_000_008);
    }
}
