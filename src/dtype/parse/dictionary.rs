//! A record as a dictionary of names, formats, offsets, titles and sizes.

use super::super::literal::Cursor;
use super::super::{Field, Record};
use super::{Parser, title};
use crate::error::DTypeFault;

impl Parser {
    /// `{'names': […], 'formats': […], 'offsets': […], 'titles': […], 'itemsize': …, 'aligned': …}`
    pub(super) fn dictionary(&self, cursor: &mut Cursor<'_>, depth: u8) -> Result<Record, DTypeFault> {
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
