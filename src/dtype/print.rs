//! Types as NumPy prints them.
//!
//! Source of the forms: NumPy, `numpy/_core/_dtype.py` and `numpy.lib.format`, and the documents "Data type objects" and "Array interface".

use std::fmt::{self, Write};

use super::literal::quoted;
use super::names::STRINGS;
use super::{ByteOrder, DType, Field, ItemType, Kind, Logical, Record, TimeUnit};

impl DType {
    /// NumPy's type string, or `None` if NumPy has no such string (bfloat16, 8-bit floats, packed bits, lanes, records).
    #[must_use]
    pub fn to_numpy(&self) -> Option<String> {
        type_string(self, None)
    }

    /// Whether the bytes have an order: one sign stands for those that have none.
    fn sign(&self) -> char {
        match (self.swap_unit(), self.byte_order()) {
            (1, _) => '|',
            (_, ByteOrder::Little) => '<',
            (_, ByteOrder::Big) => '>',
        }
    }

    /// NumPy's letter, and the size as it stands behind it.
    fn letter(&self) -> Option<(char, u64)> {
        if self.lanes != 1 || self.padded {
            return None;
        }
        let letter = match (self.kind, self.bits) {
            (Kind::Bool, 8) => 'b',
            (Kind::Int, 8 | 16 | 32 | 64) => 'i',
            (Kind::UInt, 8 | 16 | 32 | 64) => 'u',
            (Kind::Float, 16 | 32 | 64 | 128) => 'f',
            (Kind::Complex, 64 | 128 | 256) => 'c',
            (kind, bits) => {
                let string = STRINGS.iter().find(|string| string.1 == kind)?;
                return bits.is_multiple_of(string.2).then_some((string.0, bits / string.2));
            }
        };
        Some((letter, self.bits / 8))
    }
}

impl ItemType {
    /// The text that makes NumPy's `np.dtype` (for a list or a dictionary: its value) this type, or `None` where NumPy has no such type.
    ///
    /// A type string for what is no record, a list for records without gaps, else a dictionary. The text gives the same type again; that of NumPy
    /// itself loses the gaps of aligned records inside of records, and fields without a name.
    ///
    /// ```
    /// use viewbridge::{DType, Field, ItemType, Record};
    ///
    /// let record = Record::new([Field::new("a", DType::I32).at(4), Field::new("b", DType::U8)], 8)?;
    /// assert_eq!(
    ///     ItemType::new(record.into()).to_numpy().unwrap(),
    ///     "{'names': ['a', 'b'], 'formats': ['<i4', 'u1'], 'offsets': [4, 0], 'itemsize': 8}"
    /// );
    /// assert_eq!(ItemType::new(DType::BF16).to_numpy(), None);
    /// # Ok::<(), viewbridge::DTypeFault>(())
    /// ```
    #[must_use]
    pub fn to_numpy(&self) -> Option<String> {
        if self.shape.is_empty() && self.dtype.as_record().is_none() {
            return type_string(&self.dtype, self.logical());
        }
        let mut printer = Printer::default();
        printer.item(self);
        printer.numpy.then_some(printer.text)
    }

    /// The description that stands in the header of a `.npy` file (and is NumPy's `dtype.descr`), or `None` where there is none: for types that
    /// NumPy lacks, and for records whose fields overlap or are out of order.
    #[must_use]
    pub fn to_descr(&self) -> Option<String> {
        if !self.shape.is_empty() {
            return None;
        }
        match self.dtype.as_record() {
            Some(record) if self.logical.is_none() => descr(record),
            _ => type_string(&self.dtype, self.logical()).map(|string| format!("'{string}'")),
        }
    }
}

/// As NumPy's `str(dtype)`: the name of types in native byte order (`float64`), the type string of swapped ones and of strings (`>f8`, `|S5`),
/// lists and dictionaries for records; and names of the same manner for what NumPy does not have.
///
/// What is printed parses, and gives the same type.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_record() {
            Some(record) => {
                let mut printer = Printer::default();
                printer.record(record);
                f.write_str(&printer.text)
            }
            None => f.write_str(&name(self)),
        }
    }
}

/// As NumPy's `str(dtype)`, as [`DType`]'s. A meaning that NumPy has no word for (a time zone, a decimal) follows in parentheses, and does not
/// parse.
impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shape.is_empty() && self.dtype.as_record().is_none() {
            return match (self.logical(), time(&self.dtype, self.logical())) {
                (None, _) => self.dtype.fmt(f),
                (Some(_), Some((long, _, unit))) if self.dtype.is_native() => write!(f, "{long}{unit}"),
                (Some(_), Some((_, short, unit))) => write!(f, "{}{short}{unit}", self.dtype.sign()),
                (Some(logical), None) => write!(f, "{} ({logical})", self.dtype),
            };
        }
        let mut printer = Printer::default();
        printer.item(self);
        f.write_str(&printer.text)
    }
}

/// A plain type as `str(dtype)` names it.
fn name(dtype: &DType) -> String {
    let string = matches!(dtype.kind, Kind::Bytes | Kind::Text | Kind::Raw);
    match dtype.to_numpy() {
        Some(text) if string || !dtype.is_native() => text,
        _ => dtype.own_name(),
    }
}

/// NumPy's long and short name of a time, and its unit in brackets.
fn time(dtype: &DType, logical: Option<&Logical>) -> Option<(&'static str, &'static str, String)> {
    let (unit, long, short) = match logical? {
        Logical::Timestamp { unit, zone: None } => (*unit, "datetime64", "M8"),
        Logical::Duration { unit } => (*unit, "timedelta64", "m8"),
        _ => return None,
    };
    let bracketed = match (unit, unit.count()) {
        (TimeUnit::Generic, _) => String::new(),
        (_, 1) => format!("[{}]", unit.symbol()),
        (_, count) => format!("[{count}{}]", unit.symbol()),
    };
    (dtype.letter() == Some(('i', 8))).then_some((long, short, bracketed))
}

/// Sign, letter, size: NumPy's `dtype.str`.
fn type_string(dtype: &DType, logical: Option<&Logical>) -> Option<String> {
    let sign = dtype.sign();
    if logical.is_some() {
        return time(dtype, logical).map(|(_, short, unit)| format!("{sign}{short}{unit}"));
    }
    let (letter, size) = dtype.letter()?;
    Some(format!("{sign}{letter}{size}"))
}

/// A tuple as Python prints it.
fn tuple(shape: &[usize]) -> String {
    match shape {
        [size] => format!("({size},)"),
        sizes => format!("({})", joined(sizes.iter().map(usize::to_string))),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The name of a field as lists have it: with its title, if there is one.
fn named(field: &Field) -> String {
    match field.title() {
        Some(title) => format!("({}, {})", quoted(title), quoted(field.name())),
        None => quoted(field.name()),
    }
}

/// Prints records as NumPy's `str(dtype)`.
struct Printer {
    text: String,
    /// Whether NumPy has all of it.
    numpy: bool,
    /// Whether records are aligned where nothing else is said: inside of a dictionary that says so.
    aligned: bool,
}

impl Default for Printer {
    fn default() -> Self {
        Self {
            text: String::new(),
            numpy: true,
            aligned: false,
        }
    }
}

impl Printer {
    /// A record or a string in quotes; with a shape, a tuple of both.
    fn item(&mut self, item: &ItemType) {
        if item.shape.is_empty() {
            return self.base(item);
        }
        self.text.push('(');
        self.base(item);
        self.add(format_args!(", {})", tuple(&item.shape)));
    }

    /// An item without its shape.
    fn base(&mut self, item: &ItemType) {
        // NumPy takes a shape behind a string without a length for its length.
        let unsized_string = item.dtype.bits == 0 && STRINGS.iter().any(|string| string.1 == item.dtype.kind);
        self.numpy &= item.shape.is_empty() || !unsized_string;
        match (item.dtype.as_record(), item.logical()) {
            (Some(record), None) => self.record(record),
            (None, logical) if self.short(&item.dtype, logical) => {}
            _ => {
                self.numpy = false;
                let flat = ItemType {
                    shape: Box::default(),
                    ..item.clone()
                };
                let text = match item.dtype.as_record() {
                    Some(_) => format!(
                        "{} ({})",
                        flat.dtype,
                        item.logical().map(Logical::to_string).unwrap_or_default()
                    ),
                    None => flat.to_string(),
                };
                self.text.push_str(&quoted(&text));
            }
        }
    }

    /// The short form of what NumPy has: without a sign where there is nothing to tell, and without a size of 0.
    fn short(&mut self, dtype: &DType, logical: Option<&Logical>) -> bool {
        let Some(text) = type_string(dtype, logical) else {
            return false;
        };
        let short = match text.trim_start_matches('|') {
            "b1" => "?",
            "S0" => "S",
            "<U0" => "<U",
            ">U0" => ">U",
            "V0" => "V",
            other => other,
        };
        self.text.push_str(&quoted(short));
        true
    }

    fn record(&mut self, record: &Record) {
        let named = record.fields().iter().all(|field| !field.name().is_empty());
        let fields = record.fields().iter().cloned();
        let in_a_row = if self.aligned {
            Record::aligned(fields)
        } else {
            Record::packed(fields)
        };
        let outside = std::mem::replace(&mut self.aligned, record.is_aligned());
        // A list gives a field without a name one.
        if named && in_a_row.as_ref() == Ok(record) {
            self.list(record);
        } else {
            self.dictionary(record, outside);
        }
        self.aligned = outside;
    }

    fn list(&mut self, record: &Record) {
        self.text.push('[');
        self.separated(record.fields(), |printer, field| {
            printer.add(format_args!("({}, ", named(field)));
            printer.base(field.item());
            if !field.shape().is_empty() {
                printer.add(format_args!(", {}", tuple(field.shape())));
            }
            printer.text.push(')');
        });
        self.text.push(']');
    }

    fn dictionary(&mut self, record: &Record, outside: bool) {
        let fields = record.fields();
        let names = joined(fields.iter().map(|field| quoted(field.name())));
        self.add(format_args!("{{'names': [{names}], 'formats': ["));
        self.separated(fields, |printer, field| printer.item(field.item()));
        let offsets = joined(fields.iter().map(|field| field.offset().to_string()));
        self.add(format_args!("], 'offsets': [{offsets}]"));
        if fields.iter().any(|field| field.title().is_some()) {
            let titles = joined(fields.iter().map(|field| field.title().map_or("None".into(), quoted)));
            self.add(format_args!(", 'titles': [{titles}]"));
        }
        // NumPy has no words for this: a record inside of an aligned one is aligned.
        self.numpy &= !outside || record.is_aligned();
        let aligned = match (outside, record.is_aligned()) {
            (false, true) => ", 'aligned': True",
            (true, false) => ", 'aligned': False",
            _ => "",
        };
        self.add(format_args!(", 'itemsize': {}{aligned}}}", record.itemsize()));
    }

    fn separated(&mut self, fields: &[Field], each: impl Fn(&mut Self, &Field)) {
        for (k, field) in fields.iter().enumerate() {
            self.text.push_str(if k == 0 { "" } else { ", " });
            each(self, field);
        }
    }

    fn add(&mut self, text: fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes everything");
    }
}

/// A record as a list in which gaps are fields without a name.
fn descr(record: &Record) -> Option<String> {
    let mut entries = Vec::with_capacity(record.fields().len());
    let mut end = 0;
    let pad_to = |end: &mut usize, start: usize, entries: &mut Vec<String>| -> Option<()> {
        let gap = start.checked_sub(*end)?;
        if gap > 0 {
            entries.push(format!("('', '|V{gap}')"));
        }
        *end = start;
        Some(())
    };
    for field in record.fields() {
        pad_to(&mut end, field.offset(), &mut entries)?;
        // A field without a name would be read as a gap.
        if field.name().is_empty() {
            return None;
        }
        let base = ItemType {
            shape: Box::default(),
            ..field.item().clone()
        };
        let shape = match field.shape() {
            [] => String::new(),
            shape => format!(", {}", tuple(shape)),
        };
        entries.push(format!("({}, {}{shape})", named(field), base.to_descr()?));
        end += field.nbytes()?;
    }
    pad_to(&mut end, record.itemsize(), &mut entries)?;
    Some(format!("[{}]", entries.join(", ")))
}
