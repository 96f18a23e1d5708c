//! The few Python literals that a header consists of.

use crate::dtype::DType;
use crate::error::{NpyFault, Result};
use crate::memory::Order;

/// Bytes of an unknown data type that an error quotes.
const QUOTED: usize = 100;

/// Reads literals one after the other. White space before each is skipped.
///
/// Bytes beyond ASCII end up in an error wherever they stand, so that the encoding of the header does not matter.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next literal begins.
    pub(super) fn position(&mut self) -> usize {
        self.rest();
        self.at
    }

    /// What follows the white space.
    fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes[self.at..].trim_ascii_start();
        self.at = self.bytes.len() - rest.len();
        rest
    }

    fn fault(&self) -> NpyFault {
        NpyFault::HeaderSyntax { position: self.at }
    }

    /// Takes a character if it comes next.
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let found = self.rest().first() == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    /// Takes a character that must come next.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), NpyFault> {
        if self.take(wanted) { Ok(()) } else { Err(self.fault()) }
    }

    /// Takes a word if it comes next.
    fn take_word(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Only white space is left.
    pub(super) fn end(&mut self) -> Result<(), NpyFault> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.fault())
        }
    }

    /// A string without escapes; no name that a header holds needs one.
    pub(super) fn string(&mut self) -> Result<&'a [u8], NpyFault> {
        let (&quote, rest) = self.rest().split_first().ok_or_else(|| self.fault())?;
        if !matches!(quote, b'\'' | b'"') {
            return Err(self.fault());
        }
        let len = rest.iter().position(|&byte| byte == quote || byte == b'\\');
        match len {
            Some(len) if rest[len] == quote => {
                self.at += len + 2;
                Ok(&rest[..len])
            }
            _ => {
                self.at += 1 + len.unwrap_or(rest.len());
                Err(self.fault())
            }
        }
    }

    /// The data type. Lists (records) and tuples (arrays as items) are quoted in the error.
    pub(super) fn dtype(&mut self) -> Result<DType> {
        let rest = self.rest();
        if matches!(rest.first(), Some(b'[' | b'(')) {
            let descr = text(&rest[..bracketed(rest).min(QUOTED)]);
            return Err(NpyFault::Descr { descr }.into());
        }
        let name = self.string()?;
        DType::from_numpy(&text(&name[..name.len().min(QUOTED)]))
    }

    /// `True` for column-major order, `False` for row-major order.
    pub(super) fn order(&mut self) -> Result<Order, NpyFault> {
        if self.take_word(b"True") {
            Ok(Order::F)
        } else if self.take_word(b"False") {
            Ok(Order::C)
        } else {
            Err(self.fault())
        }
    }

    /// A tuple of sizes.
    pub(super) fn sizes(&mut self) -> Result<Vec<usize>, NpyFault> {
        let mut sizes = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            sizes.push(self.size()?);
            // Without a comma, a single number in parentheses is a number and no tuple.
            if !self.take(b',') {
                if sizes.len() == 1 {
                    return Err(self.fault());
                }
                self.expect(b')')?;
                break;
            }
        }
        Ok(sizes)
    }

    /// A number without a sign, with the `L` of Python 2 or without. Python takes no leading zeros.
    fn size(&mut self) -> Result<usize, NpyFault> {
        let rest = self.rest();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        if len > 1 && digits.starts_with('0') {
            return Err(self.fault());
        }
        let size = digits.parse().map_err(|_| self.fault())?;
        self.at += len;
        if matches!(self.bytes.get(self.at), Some(b'L' | b'l')) {
            self.at += 1;
        }
        Ok(size)
    }
}

/// Bytes up to the bracket that closes the first one; all of them if none does.
fn bracketed(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let closes = bytes.iter().position(|byte| {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    closes.map_or(bytes.len(), |last| last + 1)
}

/// Bytes for an error message: UTF-8 as in format 3.0, or Latin-1 as in the others.
fn text(bytes: &[u8]) -> Box<str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples() {
        let sizes = |text: &str| Cursor::new(text.as_bytes()).sizes().ok();
        assert_eq!(sizes("()"), Some(vec![]));
        assert_eq!(sizes(" ( 5 , ) "), Some(vec![5]));
        assert_eq!(sizes("(3,4)"), Some(vec![3, 4]));
        assert_eq!(sizes("(3L, 0L,)"), Some(vec![3, 0]));
        for wrong in [
            "",
            "(",
            "(5)",
            "5,",
            "(,)",
            "(3 4)",
            "(-1,)",
            "(+1,)",
            "(3.0,)",
            "(3,,)",
            "(05,)",
            "(3, 4",
            "[3, 4]",
            "((3,),)",
            "(True,)",
            "(0x10,)",
            "(99999999999999999999,)",
            "(3 L,)",
        ] {
            assert_eq!(sizes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn strings() {
        let string = |text: &'static str| Cursor::new(text.as_bytes()).string().ok();
        assert_eq!(string("'a'"), Some(&b"a"[..]));
        assert_eq!(string("  \"it's\""), Some(&b"it's"[..]));
        assert_eq!(string("''"), Some(&b""[..]));
        for wrong in ["", "'", "'a", "a'", "'a\"", "'\\x41'", "b"] {
            assert_eq!(string(wrong), None, "{wrong:?}");
        }
    }
}
