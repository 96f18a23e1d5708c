//! Item types as format strings.
//!
//! Source of the grammar: PEP 3118, the `struct` module, and what NumPy reads and writes.

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;

use crate::dtype::{ByteOrder, Complex, DType, Element, Field, ItemType, Kind, Record};

/// Most levels of records in records.
const MAX_DEPTH: usize = 32;

/// Reads a format. `itemsize` is what the exporter says beside it, for formats of nothing but padding.
pub(super) fn parse(text: &str, itemsize: usize) -> PyResult<ItemType> {
    let mut parser = Parser {
        rest: text.as_bytes(),
        order: Mode::Native,
        text,
    };
    let (mut fields, size) = parser.fields(None, 0)?;
    if let [field] = &fields[..]
        && field.name().is_empty()
        && field.offset() == 0
    {
        return Ok(field.item().clone());
    }
    if fields.is_empty() {
        return Ok(ItemType::new(DType::raw(small(itemsize)?)));
    }
    for (k, field) in fields.iter_mut().enumerate() {
        if field.name().is_empty() {
            *field = renamed(field, &format!("f{k}"));
        }
    }
    let record = Record::new(fields, size).map_err(crate::error::Error::from)?;
    Ok(ItemType::new(record.into()))
}

fn small(bytes: usize) -> PyResult<u32> {
    u32::try_from(bytes).map_err(|_| PyBufferError::new_err("an item of 4 GiB or more"))
}

fn renamed(field: &Field, name: &str) -> Field {
    let made = Field::new(name, field.dtype().clone())
        .at(field.offset())
        .with_shape(field.shape());
    match field.logical() {
        Some(logical) => made.with_logical(logical.clone()),
        None => made,
    }
}

/// What the last sign said of sizes, alignment and byte order.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// `@`: C's sizes, aligned.
    Native,
    /// `=`, `<`, `>`, `!`: standard sizes, packed.
    Standard(ByteOrder),
    /// `^`: C's sizes, packed.
    Unaligned,
}

struct Parser<'a> {
    rest: &'a [u8],
    order: Mode,
    text: &'a str,
}

impl Parser<'_> {
    fn unknown(&self) -> PyErr {
        let position = self.text.len() - self.rest.len();
        PyBufferError::new_err(format!(
            "cannot read the buffer's format {:?} at byte {position}",
            self.text
        ))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn number(&mut self) -> PyResult<Option<usize>> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (text, rest) = self.rest.split_at(digits);
        if digits == 0 {
            return Ok(None);
        }
        self.rest = rest;
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| self.unknown())
    }

    /// Fields up to `end`, or to the end of the text, and the bytes that they take with the padding behind. Unnamed fields have an empty name.
    fn fields(&mut self, end: Option<u8>, depth: usize) -> PyResult<(Vec<Field>, usize)> {
        if depth > MAX_DEPTH {
            return Err(self.unknown());
        }
        let (mut fields, mut offset, mut alignment) = (Vec::new(), 0_usize, 1);
        loop {
            match (self.rest.first(), end) {
                (None, None) => return Ok((fields, self.padded(offset, alignment)?)),
                (None, Some(_)) => return Err(self.unknown()),
                (Some(byte), Some(end)) if *byte == end => {
                    self.rest = &self.rest[1..];
                    return Ok((fields, self.padded(offset, alignment)?));
                }
                (Some(b' ' | b'\n' | b'\t'), _) => {
                    self.rest = &self.rest[1..];
                    continue;
                }
                _ => {}
            }
            if self.mode() {
                continue;
            }
            let shape = self.shape()?;
            let count = self.number()?;
            if self.take(b'x') {
                offset = offset.checked_add(count.unwrap_or(1)).ok_or_else(|| self.unknown())?;
                continue;
            }
            let (dtype, shape) = self.item(count, shape, depth)?;
            if self.order == Mode::Native {
                alignment = alignment.max(dtype.alignment());
                offset = offset
                    .checked_next_multiple_of(dtype.alignment())
                    .ok_or_else(|| self.unknown())?;
            }
            let item = ItemType::new(dtype.clone()).with_shape(&shape);
            let bytes = item.nbytes().ok_or_else(|| self.unknown())?;
            let name = self.name()?;
            fields.push(Field::new(name, dtype).at(offset).with_shape(&shape));
            offset = offset.checked_add(bytes).ok_or_else(|| self.unknown())?;
        }
    }

    /// C's records end on a multiple of their alignment.
    fn padded(&self, size: usize, alignment: usize) -> PyResult<usize> {
        match self.order {
            Mode::Native => size.checked_next_multiple_of(alignment).ok_or_else(|| self.unknown()),
            _ => Ok(size),
        }
    }

    fn mode(&mut self) -> bool {
        let mode = match self.rest.first() {
            Some(b'@') => Mode::Native,
            Some(b'^') => Mode::Unaligned,
            Some(b'=') => Mode::Standard(ByteOrder::NATIVE),
            Some(b'<') => Mode::Standard(ByteOrder::Little),
            Some(b'>' | b'!') => Mode::Standard(ByteOrder::Big),
            _ => return false,
        };
        (self.order, self.rest) = (mode, &self.rest[1..]);
        true
    }

    /// `(2,3)`.
    fn shape(&mut self) -> PyResult<Vec<usize>> {
        let mut shape = Vec::new();
        if self.take(b'(') {
            while !self.take(b')') {
                shape.push(self.number()?.ok_or_else(|| self.unknown())?);
                self.take(b',');
            }
        }
        Ok(shape)
    }

    /// `:name:`.
    fn name(&mut self) -> PyResult<String> {
        if !self.take(b':') {
            return Ok(String::new());
        }
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b':')
            .ok_or_else(|| self.unknown())?;
        let name = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        self.rest = &self.rest[end + 1..];
        Ok(name)
    }

    /// One item; a count before a number makes it an array.
    fn item(&mut self, count: Option<usize>, mut shape: Vec<usize>, depth: usize) -> PyResult<(DType, Vec<usize>)> {
        // Sizes of C's types, which standard formats do not have.
        let (standard, order) = match self.order {
            Mode::Standard(order) => (true, order),
            _ => (false, ByteOrder::NATIVE),
        };
        let long = if standard || cfg!(windows) {
            DType::I32
        } else {
            DType::I64
        };
        let unsigned_long = if standard || cfg!(windows) {
            DType::U32
        } else {
            DType::U64
        };
        let Some((&code, rest)) = self.rest.split_first() else {
            return Err(self.unknown());
        };
        self.rest = rest;
        let number = match code {
            b'?' => DType::BOOL,
            b'b' => DType::I8,
            b'B' => DType::U8,
            b'h' => DType::I16,
            b'H' => DType::U16,
            b'i' => DType::I32,
            b'I' => DType::U32,
            b'l' => long,
            b'L' => unsigned_long,
            b'q' | b'n' => DType::I64,
            b'Q' | b'N' => DType::U64,
            b'e' => DType::F16,
            b'f' => DType::F32,
            b'd' => DType::F64,
            b'g' => DType::new(Kind::Float, 128),
            b'Z' => {
                let Some((&part, rest)) = self.rest.split_first() else {
                    return Err(self.unknown());
                };
                self.rest = rest;
                match part {
                    b'e' => Complex::<half::f16>::DTYPE,
                    b'f' => DType::C64,
                    b'd' => DType::C128,
                    _ => return Err(self.unknown()),
                }
            }
            b'c' => DType::bytes(1),
            b's' | b'p' => return Ok((DType::bytes(small(count.unwrap_or(1))?), shape)),
            b'w' | b'u' => {
                let text = DType::text(small(count.unwrap_or(1))?);
                return Ok((text.with_byte_order(order), shape));
            }
            b'T' if self.take(b'{') => {
                let outer = self.order;
                let (mut fields, size) = self.fields(Some(b'}'), depth + 1)?;
                self.order = outer;
                for (k, field) in fields.iter_mut().enumerate() {
                    if field.name().is_empty() {
                        *field = renamed(field, &format!("f{k}"));
                    }
                }
                let record = Record::new(fields, size).map_err(crate::error::Error::from)?;
                shape.extend(count.filter(|count| *count != 1));
                return Ok((DType::from(record), shape));
            }
            b'O' => {
                return Err(PyTypeError::new_err(
                    "Python objects have no place in a view; convert them to numbers first",
                ));
            }
            _ => return Err(self.unknown()),
        };
        shape.extend(count.filter(|count| *count != 1));
        Ok((number.with_byte_order(order), shape))
    }
}

/// The format of an item, or a `BufferError`.
pub(super) fn print(item: &ItemType) -> PyResult<String> {
    let mut text = String::new();
    if write(item, true, &mut text) {
        return Ok(text);
    }
    let remedy = if item.logical().is_some() {
        "; take the storage integers with .storage()"
    } else {
        ""
    };
    Err(PyBufferError::new_err(format!(
        "the buffer protocol has no format for {item}{remedy}"
    )))
}

/// The code of a number without its byte order.
fn code(dtype: &DType) -> Option<&'static str> {
    Some(match (dtype.kind(), dtype.bits()) {
        (Kind::Bool, 8) => "?",
        (Kind::Int, 8) => "b",
        (Kind::Int, 16) => "h",
        (Kind::Int, 32) => "i",
        (Kind::Int, 64) => "q",
        (Kind::UInt, 8) => "B",
        (Kind::UInt, 16) => "H",
        (Kind::UInt, 32) => "I",
        (Kind::UInt, 64) => "Q",
        (Kind::Float, 16) => "e",
        (Kind::Float, 32) => "f",
        (Kind::Float, 64) => "d",
        (Kind::Float, 128) => "g",
        (Kind::Complex, 64) => "Zf",
        (Kind::Complex, 128) => "Zd",
        _ => return None,
    })
}

/// Appends a format; `false` if there is none. A number on its own needs no sign, which other readers than NumPy do not know.
fn write(item: &ItemType, alone: bool, text: &mut String) -> bool {
    let dtype = item.dtype();
    if item.logical().is_some() || dtype.lanes() != 1 || dtype.is_padded() || dtype.is_packed() {
        return false;
    }
    if !item.shape().is_empty() {
        let sizes: Vec<String> = item.shape().iter().map(ToString::to_string).collect();
        text.push('(');
        text.push_str(&sizes.join(","));
        text.push(')');
    }
    if let Some(record) = dtype.as_record() {
        return write_record(record, text);
    }
    let sign = match dtype.byte_order() {
        _ if dtype.alignment() == 1 => "",
        ByteOrder::Little if alone && dtype.is_native() => "",
        ByteOrder::Big if alone && dtype.is_native() => "",
        ByteOrder::Little => "<",
        ByteOrder::Big => ">",
    };
    if let Some(code) = code(dtype) {
        text.push_str(sign);
        text.push_str(code);
        return true;
    }
    let (letter, unit) = match dtype.kind() {
        Kind::Bytes => ('s', 8),
        Kind::Text => ('w', 32),
        Kind::Raw => ('x', 8),
        _ => return false,
    };
    if letter == 'w' {
        text.push_str(sign);
    }
    text.push_str(&(dtype.bits() / unit).to_string());
    text.push(letter);
    true
}

fn write_record(record: &Record, text: &mut String) -> bool {
    let mut fields: Vec<&Field> = record.fields().iter().collect();
    fields.sort_by_key(|field| field.offset());
    let mut offset = 0;
    text.push_str("T{");
    for field in fields {
        let (Some(gap), Some(bytes)) = (field.offset().checked_sub(offset), field.nbytes()) else {
            return false; // Fields that overlap.
        };
        pad(gap, text);
        // Raw bytes are padding to those who read formats.
        if field.dtype().kind() == Kind::Raw && field.dtype().as_record().is_none() {
            return false;
        }
        if !write(field.item(), false, text) || field.name().contains(':') {
            return false;
        }
        text.push(':');
        text.push_str(field.name());
        text.push(':');
        offset = field.offset() + bytes;
    }
    pad(record.itemsize().saturating_sub(offset), text);
    text.push('}');
    true
}

fn pad(bytes: usize, text: &mut String) {
    if bytes > 0 {
        text.push_str(&bytes.to_string());
        text.push('x');
    }
}
