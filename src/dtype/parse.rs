//! Types as NumPy reads them.
//!
//! Source of the grammar: NumPy, "Data type objects", section "Specifying and constructing data types", and `numpy.lib.format` for the gaps in
//! the headers of files.

use std::str::FromStr;

use super::literal::Cursor;
use super::names::{STRINGS, number};
use super::record::MAX_DEPTH;
use super::{ByteOrder, DType, Field, ItemType, Kind, Logical, Record, TimeUnit};
use crate::error::DTypeFault;

/// Bytes of an unknown name that an error quotes.
const QUOTED: usize = 100;

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

    /// `{'names': […], 'formats': […], 'offsets': […], 'titles': […], 'itemsize': …, 'aligned': …}`
    fn dictionary(&self, cursor: &mut Cursor<'_>, depth: u8) -> Result<Record, DTypeFault> {
        let (mut names, mut formats) = (None, None);
        let (mut offsets, mut titles): (Option<Vec<usize>>, Option<Vec<Option<String>>>) = (None, None);
        let (mut itemsize, mut aligned) = (None, None);
        let start = cursor.position();
        // Said last, and yet true of the formats before.
        let inside = Self {
            aligned: said_to_be_aligned(cursor.rest()).unwrap_or(self.aligned),
            ..*self
        };
        cursor.expect(b'{')?;
        while !cursor.take(b'}') {
            let position = cursor.position();
            let key = cursor.string()?;
            cursor.expect(b':')?;
            let fresh = match &*key {
                "names" => names
                    .replace(all(cursor, |cursor| Ok(cursor.string()?.into_owned()))?)
                    .is_none(),
                "formats" => formats
                    .replace(all(cursor, |cursor| inside.value(cursor, depth + 1))?)
                    .is_none(),
                "offsets" => offsets.replace(all(cursor, |cursor| Ok(cursor.size()?))?).is_none(),
                "titles" => titles.replace(all(cursor, title)?).is_none(),
                "itemsize" => itemsize.replace(cursor.size()?).is_none(),
                "aligned" => aligned.replace(cursor.boolean()?).is_none(),
                _ => false,
            };
            if !fresh {
                return Err(DTypeFault::Key { position });
            }
            if !cursor.take(b',') {
                cursor.expect(b'}')?;
                break;
            }
        }
        let incomplete = || DTypeFault::Key { position: start };
        let names = names.ok_or_else(incomplete)?;
        let formats = formats.ok_or_else(incomplete)?;
        let lengths = [
            Some(formats.len()),
            offsets.as_ref().map(Vec::len),
            titles.as_ref().map(Vec::len),
        ];
        if lengths.iter().flatten().any(|&len| len != names.len()) {
            return Err(incomplete());
        }
        let mut titles = titles.unwrap_or_default().into_iter();
        let items = names.into_iter().zip(formats);
        let fields = items.map(|(name, item)| Field::of_item(name, titles.next().flatten(), item));
        placed(fields.collect(), offsets, itemsize, aligned.unwrap_or(self.aligned))
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

/// What a dictionary says of alignment, wherever in it. The text begins with the dictionary; one that cannot be read says nothing.
fn said_to_be_aligned(text: &str) -> Option<bool> {
    let mut cursor = Cursor::new(text);
    let (mut depth, mut key) = (0_usize, false);
    loop {
        match cursor.peek()? {
            b'\'' | b'"' => {
                let string = cursor.string().ok()?;
                key = depth == 1 && string == "aligned" && cursor.peek() == Some(b':');
                continue;
            }
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth = depth.checked_sub(1).filter(|&depth| depth > 0)?,
            b'T' | b'F' if key => return cursor.boolean().ok(),
            _ => {}
        }
        cursor.skip();
    }
}

/// Gives fields their places, as `np.dtype` does with what a dictionary leaves out.
fn placed(
    fields: Vec<Field>,
    offsets: Option<Vec<usize>>,
    itemsize: Option<usize>,
    aligned: bool,
) -> Result<Record, DTypeFault> {
    let fields = match offsets {
        Some(offsets) => fields
            .into_iter()
            .zip(offsets)
            .map(|(field, offset)| field.at(offset))
            .collect(),
        None if aligned => Record::aligned(fields)?.into_fields(),
        None => Record::packed(fields)?.into_fields(),
    };
    let mut end = 0;
    for field in &fields {
        let field_end = field.nbytes().and_then(|bytes| field.offset().checked_add(bytes));
        end = end.max(field_end.ok_or(DTypeFault::TooLarge)?);
    }
    if aligned {
        let alignment = fields.iter().map(|field| field.dtype().alignment()).max().unwrap_or(1);
        end = end.checked_next_multiple_of(alignment).ok_or(DTypeFault::TooLarge)?;
        Record::new(fields, itemsize.unwrap_or(end))?.with_alignment()
    } else {
        Record::new(fields, itemsize.unwrap_or(end))
    }
}

fn all<T>(
    cursor: &mut Cursor<'_>,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<T, DTypeFault>,
) -> Result<Vec<T>, DTypeFault> {
    let mut items = Vec::new();
    cursor.list(|cursor| {
        items.push(item(cursor)?);
        Ok::<(), DTypeFault>(())
    })?;
    Ok(items)
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

/// A string type of `len` characters or bytes.
fn sized(letter: char, len: usize, order: ByteOrder) -> Option<DType> {
    let len = u32::try_from(len).ok()?;
    let dtype = match letter {
        'S' => DType::bytes(len),
        'U' => DType::text(len),
        _ => DType::raw(len),
    };
    Some(dtype.with_byte_order(order))
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

/// The byte order in front, `None` where there is no sign, and what follows.
fn sign(text: &str) -> (Option<ByteOrder>, &str) {
    let order = match text.bytes().next() {
        Some(b'<') => ByteOrder::Little,
        Some(b'>') => ByteOrder::Big,
        Some(b'=' | b'|') => ByteOrder::NATIVE,
        _ => return (None, text),
    };
    (Some(order), &text[1..])
}

/// One type: sign and code, or sign and name.
fn scalar(text: &str, position: usize) -> Result<ItemType, DTypeFault> {
    let (order, code) = sign(text);
    let order = order.unwrap_or(ByteOrder::NATIVE);
    if matches!(code, "O" | "object" | "object_" | "O8" | "O4") {
        return Err(DTypeFault::Objects { position });
    }
    let unknown = || DTypeFault::Unknown {
        position,
        name: shortened(text).into(),
    };
    let item = match time(code) {
        Some(logical) => ItemType::new(DType::I64).with_logical(logical.ok_or_else(unknown)?),
        None => coded(code)
            .or_else(|| DType::of_own_name(code))
            .ok_or_else(unknown)?
            .into(),
    };
    Ok(item.with_byte_order(order))
}

/// A letter and a size.
fn coded(code: &str) -> Option<DType> {
    let mut rest = code.chars();
    let letter = rest.next()?;
    let size: u32 = number(rest.as_str())?;
    Some(match (letter, size) {
        ('b', 1) => DType::BOOL,
        ('i', 1) => DType::I8,
        ('i', 2) => DType::I16,
        ('i', 4) => DType::I32,
        ('i', 8) => DType::I64,
        ('u', 1) => DType::U8,
        ('u', 2) => DType::U16,
        ('u', 4) => DType::U32,
        ('u', 8) => DType::U64,
        ('f', 2) => DType::F16,
        ('f', 4) => DType::F32,
        ('f', 8) => DType::F64,
        ('f', 16) => DType::native(Kind::Float, 128),
        ('c', 8) => DType::C64,
        ('c', 16) => DType::C128,
        ('c', 32) => DType::native(Kind::Complex, 256),
        ('S' | 'U' | 'V', len) => return sized(letter, usize::try_from(len).ok()?, ByteOrder::NATIVE),
        _ => return None,
    })
}

/// A time, if it begins as one; inside, `None` for a unit that there is not.
fn time(code: &str) -> Option<Option<Logical>> {
    let stamp = |unit| Logical::Timestamp { unit, zone: None };
    let lasting = |unit| Logical::Duration { unit };
    let (rest, meaning): (&str, fn(TimeUnit) -> Logical) =
        if let Some(rest) = code.strip_prefix("M8").or_else(|| code.strip_prefix("datetime64")) {
            (rest, stamp)
        } else if let Some(rest) = code.strip_prefix("m8").or_else(|| code.strip_prefix("timedelta64")) {
            (rest, lasting)
        } else {
            match code {
                "M" => ("", stamp),
                "m" => ("", lasting),
                _ => return None,
            }
        };
    if rest.is_empty() {
        return Some(Some(meaning(TimeUnit::Generic)));
    }
    let inside = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(inside.and_then(unit).map(meaning))
}

/// `ns`, `25s`, `D/2`
fn unit(text: &str) -> Option<TimeUnit> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest) = text.split_at(digits);
    let count = if count.is_empty() { 1 } else { number(count)? };
    let (symbol, parts) = match rest.split_once('/') {
        Some((symbol, parts)) => (symbol, Some(number(parts)?)),
        None => (rest, None),
    };
    let unit = TimeUnit::of_symbol(symbol)?;
    if unit == TimeUnit::Generic {
        return (digits == 0 && parts.is_none()).then_some(unit);
    }
    let unit = unit.times(count)?;
    parts.map_or(Some(unit), |parts| unit.divided(parts))
}

/// The beginning of a text, for an error.
fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(QUOTED))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}
