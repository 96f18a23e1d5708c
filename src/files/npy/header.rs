//! What stands before the data: magic string, version, length, dictionary.

use std::fmt::Write;

use super::literal::Cursor;
use super::wide;
use crate::dtype::DType;
use crate::error::{NpyFault, Result};
use crate::layout::Layout;
use crate::memory::Order;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header that is read, in bytes. Real ones are far shorter; NumPy itself stops at 10,000 characters.
const MAX_LEN: u64 = 1 << 20;

/// Data begins at a multiple of so many bytes.
const ALIGNMENT: usize = 64;

/// Room that NumPy leaves for the axis that grows when data is appended, in digits.
const GROWTH_DIGITS: usize = 21;

/// What the header of a `.npy` file says.
///
/// ```
/// use viewbridge::{DType, Order, files::npy::Header};
///
/// let header = Header { dtype: DType::F64, order: Order::C, shape: vec![3, 4] };
/// let bytes = header.encode()?;
/// assert_eq!(bytes.len(), 128);
/// assert!(bytes[10..].starts_with(b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }"));
/// assert_eq!(Header::parse(&bytes)?, (header, 128));
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The type of one item.
    pub dtype: DType,
    /// The order in which the items stand.
    pub order: Order,
    /// Items along each axis.
    pub shape: Vec<usize>,
}

impl Header {
    /// Parses a header, and says at which byte the data begins.
    ///
    /// `bytes` begin as the file does and may hold as much of it as you like, but at least the header. The dictionary is read
    /// as NumPy reads it: keys in any order, either quotes, the long integers of Python 2.
    ///
    /// # Errors
    ///
    /// [`Error::Npy`](crate::Error::Npy).
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize)> {
        let Prelude { start, end } = Prelude::parse(bytes, wide(bytes.len()))?;
        Ok((Self::parse_dictionary(&bytes[start..end])?, end))
    }

    fn parse_dictionary(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let (mut dtype, mut order, mut shape) = (None, None, None);
        cursor.expect(b'{')?;
        while !cursor.take(b'}') {
            let position = cursor.position();
            let key = cursor.string()?;
            cursor.expect(b':')?;
            let known = match key {
                b"descr" => dtype.replace(cursor.dtype()?).is_none(),
                b"fortran_order" => order.replace(cursor.order()?).is_none(),
                b"shape" => shape.replace(cursor.sizes()?).is_none(),
                _ => false,
            };
            if !known {
                return Err(NpyFault::HeaderKey { position }.into());
            }
            if !cursor.take(b',') {
                cursor.expect(b'}')?;
                break;
            }
        }
        cursor.end()?;
        let position = bytes.len();
        let (Some(dtype), Some(order), Some(shape)) = (dtype, order, shape) else {
            return Err(NpyFault::HeaderKey { position }.into());
        };
        Ok(Self { dtype, order, shape })
    }

    /// The bytes that a file with this header opens with: what NumPy writes, in the oldest format that can hold it.
    ///
    /// Their number is a multiple of 64.
    ///
    /// # Errors
    ///
    /// [`NpyFault::Unwritable`] for types that NumPy has no name for.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let text = self.dictionary()?;
        // With the newline. As in NumPy, data that would begin at a multiple anyway gets 64 spaces more.
        let padded = |start: usize| (start + text.len() + 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
        let mut bytes = MAGIC.to_vec();
        let end = padded(Prelude::SHORT);
        if let Ok(len) = u16::try_from(end - Prelude::SHORT) {
            bytes.extend([1, 0]);
            bytes.extend(len.to_le_bytes());
            bytes.extend(text.as_bytes());
            bytes.resize(end - 1, b' ');
        } else {
            let end = padded(Prelude::MAX);
            let too_long = || NpyFault::HeaderLength {
                claimed: wide(end),
                available: u32::MAX.into(),
            };
            let len = u32::try_from(end - Prelude::MAX).map_err(|_| too_long())?;
            bytes.extend([2, 0]);
            bytes.extend(len.to_le_bytes());
            bytes.extend(text.as_bytes());
            bytes.resize(end - 1, b' ');
        }
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The dictionary as Python prints it, with the room for growth behind.
    fn dictionary(&self) -> Result<String> {
        let unwritable = || NpyFault::Unwritable {
            dtype: self.dtype.clone(),
        };
        let descr = self.dtype.to_numpy().ok_or_else(unwritable)?;
        let (fortran, growing) = match self.order {
            Order::C => ("False", self.shape.first()),
            Order::F => ("True", self.shape.last()),
        };
        let mut shape = String::new();
        for (k, size) in self.shape.iter().enumerate() {
            let separator = if k == 0 { "" } else { " " };
            write!(shape, "{separator}{size},").expect("a String takes everything");
        }
        if self.shape.len() > 1 {
            shape.pop();
        }
        let room = growing.map_or(0, |size| GROWTH_DIGITS.saturating_sub(size.to_string().len()));
        Ok(format!(
            "{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}{:room$}",
            ""
        ))
    }

    /// Where the items lie, from the start of the data.
    pub(super) fn layout(&self) -> Result<Layout> {
        Ok(Layout::contiguous(&self.shape, &self.dtype, self.order)?)
    }
}

/// What stands before the dictionary.
#[derive(Debug)]
pub(super) struct Prelude {
    /// Byte at which the dictionary begins.
    start: usize,
    /// Byte at which the data begins.
    pub(super) end: usize,
}

impl Prelude {
    /// Bytes before the dictionary in format 1.0, whose length takes two.
    const SHORT: usize = 10;
    /// Bytes before the dictionary in later formats, whose length takes four.
    pub(super) const MAX: usize = 12;

    /// Parses the first [`MAX`](Self::MAX) bytes (or more, or all that there are) of a file of `available` bytes.
    ///
    /// The header that it finds lies inside of the file.
    pub(super) fn parse(bytes: &[u8], available: u64) -> Result<Self, NpyFault> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(NpyFault::Magic)?;
        let too_long = |claimed| NpyFault::HeaderLength { claimed, available };
        let (start, len) = match *rest {
            [1, 0, a, b, ..] => (Self::SHORT, u16::from_le_bytes([a, b]).into()),
            [2 | 3, 0, a, b, c, d, ..] => (Self::MAX, u32::from_le_bytes([a, b, c, d])),
            [1, 0, ..] => return Err(too_long(wide(Self::SHORT))),
            [2 | 3, 0, ..] | [_] | [] => return Err(too_long(wide(Self::MAX))),
            [major, minor, ..] => return Err(NpyFault::Version { major, minor }),
        };
        let claimed = wide(start) + u64::from(len);
        let end = usize::try_from(claimed).map_err(|_| too_long(claimed))?;
        if claimed > available {
            return Err(too_long(claimed));
        }
        if u64::from(len) > MAX_LEN {
            let available = MAX_LEN;
            return Err(NpyFault::HeaderLength { claimed, available });
        }
        Ok(Self { start, end })
    }
}
