//! Index expressions as text, in NumPy's syntax.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use super::{Index, Slice};
use crate::error::{IndexSyntax, IndexSyntaxError};

/// An index expression that was read from text: NumPy's syntax between the brackets.
///
/// Entries are integers, slices `start:stop:step`, `...`, and `None` or `newaxis` for a new axis. Numbers are decimal. Space between
/// words means nothing, nor does a comma behind the last entry. No text at all is an expression without entries, which keeps all axes whole;
/// NumPy has none such.
///
/// ```
/// use viewbridge::{IndexExpr, StridedView, s};
///
/// let expression: IndexExpr = "::-1, ..., 3".parse()?;
/// assert_eq!(*expression, s![::-1, ..., 3]);
/// assert_eq!(expression.to_string(), "::-1, ..., 3");
///
/// let a = StridedView::from_vec((0..8).collect::<Vec<i32>>()).reshape(&[2, 4])?;
/// assert_eq!(a.index(&expression)?.to_vec::<i32>()?, [7, 3]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IndexExpr(Vec<Index>);

impl Deref for IndexExpr {
    type Target = [Index];

    fn deref(&self) -> &[Index] {
        &self.0
    }
}

impl From<Vec<Index>> for IndexExpr {
    fn from(entries: Vec<Index>) -> Self {
        Self(entries)
    }
}

impl FromStr for IndexExpr {
    type Err = IndexSyntaxError;

    /// # Errors
    ///
    /// [`IndexSyntaxError`] with the byte at which reading ended.
    fn from_str(text: &str) -> Result<Self, IndexSyntaxError> {
        Reader { text, at: 0 }.expression()
    }
}

impl fmt::Display for IndexExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, entry) in self.0.iter().enumerate() {
            write!(f, "{}{entry}", if k > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// As NumPy writes it.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(position) => position.fmt(f),
            Self::Slice(slice) => slice.fmt(f),
            Self::Ellipsis => f.write_str("..."),
            Self::NewAxis => f.write_str("None"),
        }
    }
}

/// `start:stop:step`, without what is left open and a step of 1.
impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(start) = self.start {
            write!(f, "{start}")?;
        }
        f.write_str(":")?;
        if let Some(stop) = self.stop {
            write!(f, "{stop}")?;
        }
        match self.step {
            1 => Ok(()),
            step => write!(f, ":{step}"),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Bytes read, all of them of whole characters.
    at: usize,
}

impl Reader<'_> {
    fn expression(mut self) -> Result<IndexExpr, IndexSyntaxError> {
        let mut entries = Vec::new();
        while self.peek().is_some() {
            entries.push(self.entry()?);
            if !self.take(",") && self.peek().is_some() {
                return Err(self.fault(IndexSyntax::ExpectedComma));
            }
        }
        Ok(IndexExpr(entries))
    }

    fn entry(&mut self) -> Result<Index, IndexSyntaxError> {
        if self.take("...") {
            return Ok(Index::Ellipsis);
        }
        if self.take("None") || self.take("newaxis") || self.take("np.newaxis") {
            return Ok(Index::NewAxis);
        }
        let start = self.number()?;
        if !self.take(":") {
            return start.map_or_else(|| Err(self.fault(IndexSyntax::ExpectedEntry)), |at| Ok(Index::At(at)));
        }
        let stop = self.number()?;
        let step = if self.take(":") { self.number()? } else { None };
        Ok(Index::Slice(Slice::new(start, stop, step.unwrap_or(1))))
    }

    /// A decimal number with a sign or without, if one comes next.
    fn number(&mut self) -> Result<Option<isize>, IndexSyntaxError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let sign = usize::from(rest.starts_with(['-', '+']));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return match sign {
                0 => Ok(None),
                _ => Err(self.fault(IndexSyntax::ExpectedDigits)),
            };
        }
        let number = rest[..sign + digits]
            .parse()
            .map_err(|_| self.fault(IndexSyntax::NumberTooLarge))?;
        self.at += sign + digits;
        Ok(Some(number))
    }

    /// Reads `word`, if it comes next.
    fn take(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.text[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.text[self.at..].chars().next()
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn fault(&mut self, fault: IndexSyntax) -> IndexSyntaxError {
        self.skip_space();
        IndexSyntaxError {
            position: self.at,
            found: self.text[self.at..].chars().next(),
            fault,
        }
    }
}
