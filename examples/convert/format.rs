//! File formats, and how to tell them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use viewbridge::files::ipc;

use crate::failure::Failure;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// NumPy's, of one array.
    Npy,
    /// NumPy's archive of arrays, written uncompressed.
    Npz,
    /// safetensors.
    Safetensors,
    /// Arrow IPC file.
    Arrow,
    /// Arrow IPC stream.
    Arrows,
    /// Arrow IPC tensor message.
    Tensor,
    /// Read only.
    #[value(skip)]
    Parquet,
    /// Bare items in row-major order.
    Bin,
}

impl Format {
    pub(crate) fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "safetensors" => Some(Self::Safetensors),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            "arrows" => Some(Self::Arrows),
            "tensor" => Some(Self::Tensor),
            "parquet" => Some(Self::Parquet),
            "bin" | "raw" => Some(Self::Bin),
            _ => None,
        }
    }

    /// The format that the first bytes of a file tell, and how long it is. Bare items say nothing of themselves.
    pub(crate) fn of_content(first: &[u8], len: u64) -> Option<Self> {
        const MAGIC: [(&[u8], Format); 6] = [
            (b"\x93NUMPY", Format::Npy),
            (b"PK\x03\x04", Format::Npz),
            // Without any member.
            (b"PK\x05\x06", Format::Npz),
            (b"ARROW1", Format::Arrow),
            (b"PAR1", Format::Parquet),
            // A message without a length would be the end of the stream.
            (b"\xff\xff\xff\xff", Format::Arrows),
        ];
        let known = MAGIC.iter().find(|(magic, _)| first.starts_with(magic));
        known
            .map(|&(_, format)| format)
            .or_else(|| is_safetensors(first, len).then_some(Self::Safetensors))
    }

    /// The format of a file, told by its content.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::file(path)(error.into());
        let file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        let mut first = Vec::new();
        (&file).take(9).read_to_end(&mut first).map_err(io)?;
        let path = path.to_owned();
        let format = Self::of_content(&first, len).ok_or(Failure::UnknownContent { path, first })?;
        // Both are messages; what the first one is stands inside of it.
        if format == Self::Arrows && ipc::describe_tensor(file).is_ok() {
            return Ok(Self::Tensor);
        }
        Ok(format)
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Safetensors => "safetensors",
            Self::Arrow => "arrow",
            Self::Arrows => "arrows",
            Self::Tensor => "tensor",
            Self::Parquet => "parquet",
            Self::Bin => "bin",
        }
    }

    /// Whether a file holds any number of arrays.
    pub(crate) fn holds_many(self) -> bool {
        !matches!(self, Self::Npy | Self::Tensor | Self::Bin)
    }

    /// Whether arrays are columns of one length.
    pub(crate) fn is_arrow(self) -> bool {
        matches!(self, Self::Arrow | Self::Arrows)
    }
}

/// The length of a JSON object that the file has room for, and its first character.
fn is_safetensors(first: &[u8], len: u64) -> bool {
    let Some((header, rest)) = first.split_first_chunk::<8>() else {
        return false;
    };
    let end = u64::from_le_bytes(*header).checked_add(8);
    rest.first() == Some(&b'{') && end.is_some_and(|end| end <= len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_the_format() {
        let cases: [(&[u8], Option<Format>); 9] = [
            (b"\x93NUMPY\x01\x00v", Some(Format::Npy)),
            (b"PK\x03\x04\x14\x00\x00\x00\x00", Some(Format::Npz)),
            (b"ARROW1\x00\x00\xff", Some(Format::Arrow)),
            (b"\xff\xff\xff\xff\x78\x00\x00\x00\x10", Some(Format::Arrows)),
            (b"PAR1\x15\x04\x15\x00\x15", Some(Format::Parquet)),
            (b"\x08\x00\x00\x00\x00\x00\x00\x00{", Some(Format::Safetensors)),
            (b"\x09\x00\x00\x00\x00\x00\x00\x00{", None),
            (b"\xff\xff\xff\x7f\xff\xff\xff\xff{", None),
            (b"PK", None),
        ];
        for (first, format) in cases {
            assert_eq!(Format::of_content(first, 16), format, "{}", first.escape_ascii());
        }
    }
}
