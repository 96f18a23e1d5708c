//! What stands before the data: magic string, version, length, dictionary.

use std::borrow::Cow;
use std::fmt::Write;

use super::wide;
use crate::buffer::Buffer;
use crate::dtype::literal::Cursor;
use crate::dtype::{DType, ItemType, Logical};
use crate::error::{DTypeFault, NpyFault, Result};
use crate::layout::Layout;
use crate::memory::Order;
use crate::view::StridedView;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Bytes that tell a `.npy` file.
#[cfg(feature = "npz")]
pub(in crate::files) const MAGIC_LEN: u64 = 6;

#[cfg(feature = "npz")]
/// Whether bytes open as a `.npy` file does.
pub(in crate::files) fn opens(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

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
/// let header = Header { dtype: DType::F64, logical: None, order: Order::C, shape: vec![3, 4] };
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
    /// What the items mean beyond their bits: NumPy's times.
    pub logical: Option<Logical>,
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
        let prelude = Prelude::parse(bytes, wide(bytes.len()))?;
        let text = prelude.text(&bytes[prelude.start..prelude.end])?;
        Ok((Self::parse_dictionary(&text)?, prelude.end))
    }

    fn parse_dictionary(text: &str) -> Result<Self> {
        let mut cursor = Cursor::new(text);
        let (mut dtype, mut order, mut shape) = (None, None, None);
        cursor.expect(b'{')?;
        while !cursor.take(b'}') {
            let position = cursor.position();
            let key = cursor.string()?;
            cursor.expect(b':')?;
            let known = match &*key {
                "descr" => dtype.replace(item(&mut cursor)?).is_none(),
                "fortran_order" => order.replace(cursor.boolean()?).is_none(),
                "shape" => shape.replace(cursor.sizes()?).is_none(),
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
        let position = text.len();
        let (Some(item), Some(fortran), Some(shape)) = (dtype, order, shape) else {
            return Err(NpyFault::HeaderKey { position }.into());
        };
        Ok(Self {
            dtype: item.dtype().clone(),
            logical: item.logical().cloned(),
            order: if fortran { Order::F } else { Order::C },
            shape,
        })
    }

    /// The bytes that a file with this header opens with: what NumPy writes, in the oldest format that can hold it.
    ///
    /// Their number is a multiple of 64.
    ///
    /// # Errors
    ///
    /// [`NpyFault::Unwritable`] for types that the format has no name for: those that NumPy lacks, records whose fields overlap or are out
    /// of order, and meanings other than NumPy's times.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let dictionary = self.dictionary()?;
        let latin1: Option<Vec<u8>> = dictionary.chars().map(|c| u8::try_from(c).ok()).collect();
        // Field names beyond Latin-1 came with format 3.0, and its UTF-8.
        let (version, text) = match latin1 {
            Some(text) => (2, text),
            None => (3, dictionary.into_bytes()),
        };
        // With the newline. As in NumPy, data that would begin at a multiple anyway gets 64 spaces more.
        let padded = |start: usize| (start + text.len() + 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
        let mut bytes = MAGIC.to_vec();
        let mut end = padded(Prelude::SHORT);
        match u16::try_from(end - Prelude::SHORT) {
            Ok(len) if version == 2 => {
                bytes.extend([1, 0]);
                bytes.extend(len.to_le_bytes());
            }
            _ => {
                end = padded(Prelude::MAX);
                let too_long = |_| NpyFault::HeaderLength {
                    claimed: wide(end),
                    available: u32::MAX.into(),
                };
                let len = u32::try_from(end - Prelude::MAX).map_err(too_long)?;
                bytes.extend([version, 0]);
                bytes.extend(len.to_le_bytes());
            }
        }
        bytes.extend(text);
        bytes.resize(end - 1, b' ');
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Type and meaning in one.
    fn item(&self) -> ItemType {
        let item = ItemType::new(self.dtype.clone());
        match &self.logical {
            Some(logical) => item.with_logical(logical.clone()),
            None => item,
        }
    }

    /// The dictionary as Python prints it, with the room for growth behind.
    fn dictionary(&self) -> Result<String> {
        let descr = self.item().to_descr().ok_or_else(|| NpyFault::Unwritable {
            dtype: self.dtype.clone(),
        })?;
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
            "{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': ({shape}), }}{:room$}",
            ""
        ))
    }

    /// The items that lie in memory as `layout` says.
    pub(super) fn view(self, buffer: Buffer<'_>, layout: Layout) -> Result<StridedView<'_>> {
        let view = StridedView::new(buffer, self.dtype, layout)?;
        Ok(match self.logical {
            Some(logical) => view.with_logical(logical),
            None => view,
        })
    }

    /// Where the items lie, from the start of the data.
    pub(super) fn layout(&self) -> Result<Layout> {
        Ok(Layout::contiguous(&self.shape, &self.dtype, self.order)?)
    }
}

/// The description of the items. NumPy writes no arrays as items: their axes are the array's.
fn item(cursor: &mut Cursor<'_>) -> Result<ItemType, NpyFault> {
    let item = ItemType::from_descr(cursor).map_err(|fault| match fault {
        DTypeFault::Syntax { position } => NpyFault::HeaderSyntax { position },
        DTypeFault::Objects { .. } => NpyFault::Objects,
        fault => NpyFault::Descr { fault },
    })?;
    if item.shape().is_empty() {
        Ok(item)
    } else {
        let fault = DTypeFault::NotPlain { found: item.into() };
        Err(NpyFault::Descr { fault })
    }
}

/// What stands before the dictionary.
#[derive(Debug)]
pub(super) struct Prelude {
    /// Byte at which the dictionary begins.
    start: usize,
    /// Byte at which the data begins.
    pub(super) end: usize,
    /// Whether the dictionary is UTF-8 (format 3.0) and not Latin-1.
    utf8: bool,
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
        let utf8 = rest.first() == Some(&3);
        Ok(Self { start, end, utf8 })
    }

    /// The dictionary as text.
    fn text<'a>(&self, dictionary: &'a [u8]) -> Result<Cow<'a, str>, NpyFault> {
        match std::str::from_utf8(dictionary) {
            Ok(text) if self.utf8 || text.is_ascii() => Ok(text.into()),
            Err(e) if self.utf8 => Err(NpyFault::HeaderSyntax {
                position: e.valid_up_to(),
            }),
            _ => Ok(dictionary.iter().copied().map(char::from).collect()),
        }
    }
}
