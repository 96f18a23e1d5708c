//! Types as NumPy reads them.
//!
//! Source of the grammar: NumPy, "Data type objects", section "Specifying and constructing data types", and `numpy.lib.format` for the gaps in
//! the headers of files.

mod dictionary;
mod scalar;

use std::str::FromStr;

use self::scalar::{scalar, shortened, sign, sized};
use super::literal::Cursor;
use super::names::{STRINGS, number};
use super::record::MAX_DEPTH;
use super::{ByteOrder, DType, Field, ItemType, Kind, Record};
use crate::error::DTypeFault;

impl FromStr for ItemType {
    type Err = DTypeFault;

    /// Reads what NumPy's `np.dtype` reads from a string (`<f8`, `M8[25s]`, `float64`, `u1, (2,3)f4`), and lists, tuples and dictionaries as they
    /// print (`[('a', '<i4'), ('b', 'u1', (3,))]`).
    ///
    /// # Errors
    ///
    /// [`DTypeFault`], with the byte of the text where there is one. O(length).
    fn from_str(text: &str) -> Result<Self, DTypeFault> {
        Parser {
            gaps: false,
            aligned: false,
        }
        .text(text)
    }
}

impl FromStr for DType {
    type Err = DTypeFault;

    /// As [`ItemType`]'s, for types without a shape and without a meaning.
    ///
    /// # Errors
    ///
    /// [`DTypeFault`]; [`DTypeFault::NotPlain`] for times and arrays, which take an [`ItemType`].
    fn from_str(text: &str) -> Result<Self, DTypeFault> {
        let found: ItemType = text.parse()?;
        if found.shape.is_empty() && found.logical.is_none() {
            Ok(found.dtype)
        } else {
            Err(DTypeFault::NotPlain { found: found.into() })
        }
    }
}

impl DType {
    /// Parses a NumPy type string such as `<f8`, `|b1`, `>i4`, `S5` or `<U3`, or anything else that [`FromStr`] takes.
    ///
    /// `=`, `|` and no sign at all mean native byte order.
    ///
    /// # Errors
    ///
    /// As [`FromStr`].
    pub fn from_numpy(descr: &str) -> Result<Self, DTypeFault> {
        descr.parse()
    }
}

impl ItemType {
    /// Reads the description in the header of a `.npy` file, where fields of raw bytes without a name are gaps, and types that NumPy lacks
    /// have no name.
    pub(crate) fn from_descr(cursor: &mut Cursor<'_>) -> Result<Self, DTypeFault> {
        let (position, text) = (cursor.position(), cursor.rest());
        let item = Parser {
            gaps: true,
            aligned: false,
        }
        .value(cursor, 0)?;
        if item.shape.is_empty() && item.to_descr().is_none() {
            let name = shortened(&text[..text.len() - cursor.rest().len()]).into();
            return Err(DTypeFault::Unknown { position, name });
        }
        Ok(item)
    }
}

struct Parser {
    /// Whether raw bytes without a name are a gap.
    gaps: bool,
    /// Whether fields are aligned unless a dictionary says otherwise: inside of one that says they are, as in NumPy.
    aligned: bool,
}

impl Parser {
    /// A literal, or the inside of a string.
    fn text(&self, text: &str) -> Result<ItemType, DTypeFault> {
        let mut cursor = Cursor::new(text);
        let literal = match cursor.peek() {
            Some(b'[' | b'{' | b'\'' | b'"') => true,
            // `(2,3)f8` is none, and `('<f8', (2, 3))` is one.
            Some(b'(') => {
                let mut inside = cursor.clone();
                inside.take(b'(') && matches!(inside.peek(), Some(b'\'' | b'"' | b'[' | b'{' | b'('))
            }
            _ => false,
        };
        if !literal {
            return self.string(text, 0);
        }
        let item = self.value(&mut cursor, 0)?;
        cursor.end()?;
        Ok(item)
    }

    /// A string, a list or dictionary of fields, or a tuple of a type and a shape.
    fn value(&self, cursor: &mut Cursor<'_>, depth: u8) -> Result<ItemType, DTypeFault> {
        if depth > MAX_DEPTH {
            return Err(DTypeFault::TooDeep { limit: MAX_DEPTH });
        }
        match cursor.peek() {
            Some(b'[') => self.fields(cursor, depth).map(|record| DType::from(record).into()),
            Some(b'{') => self.dictionary(cursor, depth).map(|record| DType::from(record).into()),
            Some(b'(') => {
                cursor.expect(b'(')?;
                let base = self.value(cursor, depth + 1)?;
                cursor.expect(b',')?;
                let item = shaped(cursor, base)?;
                cursor.take(b',');
                cursor.expect(b')')?;
                Ok(item)
            }
            _ => {
                let position = cursor.position() + 1;
                self.string(&cursor.string()?, position)
            }
        }
    }

    /// `[('name', type), (('title', 'name'), type, shape), …]`
    fn fields(&self, cursor: &mut Cursor<'_>, depth: u8) -> Result<Record, DTypeFault> {
        let (mut fields, mut end) = (Vec::new(), 0_usize);
        let mut index = 0_usize;
        cursor.list(|cursor| {
            cursor.expect(b'(')?;
            let (name, title) = name_and_title(cursor)?;
            cursor.expect(b',')?;
            let mut item = self.value(cursor, depth + 1)?;
            if cursor.take(b',') && cursor.peek() != Some(b')') {
                item = shaped(cursor, item)?;
                cursor.take(b',');
            }
            cursor.expect(b')')?;
            let start = end;
            end = item
                .nbytes()
                .and_then(|bytes| start.checked_add(bytes))
                .ok_or(DTypeFault::TooLarge)?;
            let gap = self.gaps && name.is_empty() && title.is_none() && item.dtype.kind() == Kind::Raw;
            if !gap {
                let name = if name.is_empty() { format!("f{index}") } else { name };
                fields.push(Field::of_item(name, title, item).at(start));
            }
            index += 1;
            Ok::<(), DTypeFault>(())
        })?;
        if self.gaps {
            return Record::new(fields, end);
        }
        self.in_a_row(fields)
    }

    /// Fields one behind the other.
    fn in_a_row(&self, fields: Vec<Field>) -> Result<Record, DTypeFault> {
        if self.aligned {
            Record::aligned(fields)
        } else {
            Record::packed(fields)
        }
    }

    /// What `np.dtype` makes of a string that begins at byte `base` of the text: one type, or several with commas between them.
    fn string(&self, text: &str, base: usize) -> Result<ItemType, DTypeFault> {
        if let Ok(item) = scalar(text, base) {
            return Ok(item);
        }
        let mut elements = Vec::new();
        let mut rest = text;
        let comma = loop {
            let position = base + (text.len() - rest.len());
            let (item, behind) = element(rest, position)?;
            elements.push(item);
            rest = behind.trim_start();
            match rest.strip_prefix(',').map(str::trim_start) {
                Some("") => break true,
                Some(next) => rest = next,
                None if rest.is_empty() && behind.is_empty() => break elements.len() > 1,
                None => {
                    let position = base + (text.len() - behind.len());
                    return Err(DTypeFault::Syntax { position });
                }
            }
        };
        if let (false, Some(item)) = (comma, elements.pop_if(|_| !comma)) {
            return Ok(item);
        }
        let fields = elements.into_iter().enumerate();
        let fields = fields.map(|(k, item)| Field::of_item(format!("f{k}"), None, item));
        Ok(DType::from(self.in_a_row(fields.collect())?).into())
    }
}

/// A string or `None`.
fn title(cursor: &mut Cursor<'_>) -> Result<Option<String>, DTypeFault> {
    if cursor.take_word("None") {
        return Ok(None);
    }
    Ok(Some(cursor.string()?.into_owned()))
}

/// A name, or a tuple of title and name.
fn name_and_title(cursor: &mut Cursor<'_>) -> Result<(String, Option<String>), DTypeFault> {
    if !cursor.take(b'(') {
        return Ok((cursor.string()?.into_owned(), None));
    }
    let title = title(cursor)?;
    cursor.expect(b',')?;
    let name = cursor.string()?.into_owned();
    cursor.take(b',');
    cursor.expect(b')')?;
    Ok((name, title))
}

/// An item that is an array of others: a tuple of sizes, or one size. A size behind a string type without one is its length.
fn shaped(cursor: &mut Cursor<'_>, item: ItemType) -> Result<ItemType, DTypeFault> {
    let position = cursor.position();
    let mut shape = match cursor.peek() {
        Some(b'(') => cursor.sizes()?,
        _ => {
            let size = cursor.size()?;
            let string = STRINGS.iter().find(|string| string.1 == item.dtype.kind());
            if let (Some(string), 0, []) = (string, item.dtype.bits(), &*item.shape) {
                return sized(string.0, size, item.dtype.byte_order())
                    .map(ItemType::new)
                    .ok_or(DTypeFault::Syntax { position });
            }
            vec![size]
        }
    };
    shape.extend(&item.shape);
    if shape.len() > crate::MAX_NDIM {
        return Err(DTypeFault::Syntax { position });
    }
    Ok(item.with_shape(&shape))
}

/// A byte order, a repeat count or shape, and a type; and what follows.
fn element(text: &str, position: usize) -> Result<(ItemType, &str), DTypeFault> {
    let fault = |rest: &str| DTypeFault::Syntax {
        position: position + (text.len() - rest.len()),
    };
    let (first, rest) = sign(text);
    let mut cursor = Cursor::new(rest);
    let (shape, rest) = match rest.bytes().next() {
        Some(b'(') => (
            Some(cursor.sizes().map_err(|e| fault(&rest[e.position..]))?),
            cursor.rest(),
        ),
        Some(b'0'..=b'9') => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (
                Some(vec![number(&rest[..digits]).ok_or_else(|| fault(rest))?]),
                rest[digits..].trim_start_matches(' '),
            )
        }
        _ => (None, rest),
    };
    let (second, rest) = sign(rest);
    if first.is_some() && second.is_some() && first != second {
        return Err(fault(rest));
    }
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'?' | b'_');
    let mut len = rest.bytes().take_while(|byte| word(byte)).count();
    if rest[len..].starts_with('[') {
        len += rest[len..].find(']').ok_or_else(|| fault(""))? + 1;
    }
    // What begins with no word is named as a whole.
    let (code, behind) = if len == 0 { (rest, "") } else { rest.split_at(len) };
    let at = position + (text.len() - rest.len());
    let mut item = scalar(code, at)?.with_byte_order(first.or(second).unwrap_or(ByteOrder::NATIVE));
    if let Some(shape) = shape {
        if shape.len() > crate::MAX_NDIM {
            return Err(fault(text));
        }
        item = item.with_shape(&shape);
    }
    Ok((item, behind))
}
