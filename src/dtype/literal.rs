//! The few Python literals that data types and file headers consist of.

use std::borrow::Cow;

use crate::error::{DTypeFault, Error, NpyFault};

/// Text that is no such literal, and the byte at which reading it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) position: usize,
}

impl From<Unreadable> for DTypeFault {
    fn from(Unreadable { position }: Unreadable) -> Self {
        Self::Syntax { position }
    }
}

impl From<Unreadable> for NpyFault {
    fn from(Unreadable { position }: Unreadable) -> Self {
        Self::HeaderSyntax { position }
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        NpyFault::from(unreadable).into()
    }
}

/// Reads literals one after the other. White space before each is skipped.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next literal begins.
    pub(crate) fn position(&mut self) -> usize {
        self.rest();
        self.at
    }

    /// What follows the white space.
    pub(crate) fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_ascii_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn fault(&self) -> Unreadable {
        Unreadable { position: self.at }
    }

    /// The next character.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.rest().bytes().next()
    }

    /// Passes over the next character, whatever it is.
    pub(crate) fn skip(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// Takes a character if it comes next.
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Takes a character that must come next.
    pub(crate) fn expect(&mut self, wanted: u8) -> Result<(), Unreadable> {
        if self.take(wanted) { Ok(()) } else { Err(self.fault()) }
    }

    /// Takes a word if it comes next.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// `True` or `False`.
    pub(crate) fn boolean(&mut self) -> Result<bool, Unreadable> {
        if self.take_word("True") {
            Ok(true)
        } else if self.take_word("False") {
            Ok(false)
        } else {
            Err(self.fault())
        }
    }

    /// Only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Unreadable> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.fault())
        }
    }

    /// A string in either quotes, with the escapes that Python prints.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        let quote = match self.peek() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return Err(self.fault()),
        };
        self.at += 1;
        let text = self.text;
        let run = |at: usize| {
            let rest = &text[at..];
            let stop = rest.bytes().position(|byte| byte == quote || byte == b'\\');
            stop.map(|len| (&rest[..len], rest.as_bytes()[len] == quote))
        };
        let mut string = Cow::Borrowed("");
        loop {
            let Some((plain, ends)) = run(self.at) else {
                self.at = text.len();
                return Err(self.fault());
            };
            string += plain;
            self.at += plain.len();
            if ends {
                self.at += 1;
                return Ok(string);
            }
            string.to_mut().push(self.escape()?);
        }
    }

    /// The character of an escape sequence.
    fn escape(&mut self) -> Result<char, Unreadable> {
        let rest = &self.text[self.at + 1..];
        let letter = rest.bytes().next().ok_or_else(|| self.fault())?;
        let (digits, plain) = match letter {
            b'\\' | b'\'' | b'"' => (0, char::from(letter)),
            b'n' => (0, '\n'),
            b'r' => (0, '\r'),
            b't' => (0, '\t'),
            b'x' => (2, '\0'),
            b'u' => (4, '\0'),
            b'U' => (8, '\0'),
            _ => return Err(self.fault()),
        };
        let coded = || {
            let digits = rest.get(1..=digits)?;
            let valid = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| valid)?)
        };
        let character = if digits == 0 { Some(plain) } else { coded() };
        let character = character.ok_or_else(|| self.fault())?;
        self.at += 2 + digits;
        Ok(character)
    }

    /// A tuple of sizes.
    pub(crate) fn sizes(&mut self) -> Result<Vec<usize>, Unreadable> {
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
    pub(crate) fn size(&mut self) -> Result<usize, Unreadable> {
        let rest = self.rest();
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = &rest[..len];
        if len > 1 && digits.starts_with('0') {
            return Err(self.fault());
        }
        let size = digits.parse().map_err(|_| self.fault())?;
        self.at += len;
        if matches!(rest.as_bytes().get(len), Some(b'L' | b'l')) {
            self.at += 1;
        }
        Ok(size)
    }

    /// A list, or a tuple, of whatever `item` reads.
    pub(crate) fn list<F: From<Unreadable>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), F>,
    ) -> Result<(), F> {
        let close = if self.take(b'(') {
            b')'
        } else {
            self.expect(b'[')?;
            b']'
        };
        while !self.take(close) {
            item(self)?;
            if !self.take(b',') {
                self.expect(close)?;
                break;
            }
        }
        Ok(())
    }
}

/// A string as Python prints it.
pub(super) fn quoted(string: &str) -> String {
    use std::fmt::Write;
    let quote = if string.contains('\'') && !string.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut text = String::from(quote);
    for c in string.chars() {
        let beside: String = ['a', c].into_iter().collect();
        // Rust's rule for what can be printed, which is Python's; a combining character is, behind another one.
        let printable = beside.escape_debug().count() == 2;
        let written = match c {
            '\n' => text.write_str("\\n"),
            '\r' => text.write_str("\\r"),
            '\t' => text.write_str("\\t"),
            '\\' => text.write_str("\\\\"),
            _ if c == quote => write!(text, "\\{c}"),
            '\'' | '"' => text.write_char(c),
            _ if printable => text.write_char(c),
            '\0'..='\u{ff}' => write!(text, "\\x{:02x}", u32::from(c)),
            '\u{100}'..='\u{ffff}' => write!(text, "\\u{:04x}", u32::from(c)),
            _ => write!(text, "\\U{:08x}", u32::from(c)),
        };
        written.expect("a String takes everything");
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples() {
        let sizes = |text: &str| Cursor::new(text).sizes().ok();
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
        let string = |text: &'static str| Cursor::new(text).string().ok();
        assert_eq!(string("'a'").as_deref(), Some("a"));
        assert_eq!(string("  \"it's\"").as_deref(), Some("it's"));
        assert_eq!(string("''").as_deref(), Some(""));
        assert_eq!(
            string(r"'\\ \' \x41\u00e9\U0001f600\n'").as_deref(),
            Some("\\ ' Aé😀\n")
        );
        for wrong in [
            "",
            "'",
            "'a",
            "a'",
            "'a\"",
            "b",
            r"'\",
            r"'\'",
            r"'\q'",
            r"'\x4'",
            r"'\x+4'",
            r"'\ud800'",
            r"'\U00110000'",
            r"'\xé'",
        ] {
            assert_eq!(string(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn strings_are_quoted_as_python_does() {
        for (string, text) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("a\"b", "'a\"b'"),
            ("é\n\u{7f}", "'é\\n\\x7f'"),
            ("\u{200b}\u{a0}", "'\\u200b\\xa0'"),
            ("e\u{301}", "'e\u{301}'"),
            ("日本😀\u{e0001}", "'日本😀\\U000e0001'"),
        ] {
            assert_eq!(quoted(string), text);
            assert_eq!(Cursor::new(text).string().as_deref(), Ok(string));
        }
    }
}
