//! What can be wrong with the text of an index expression.

use std::fmt;

/// Text that is no index expression ([`IndexExpr`](crate::IndexExpr)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSyntaxError {
    /// The byte of the text where it goes wrong.
    pub position: usize,
    /// The character there, or `None` at the end of the text.
    pub found: Option<char>,
    /// What is wrong.
    pub fault: IndexSyntax,
}

/// What an index expression lacks where reading it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexSyntax {
    /// An integer, a slice, `...`, `None` or `newaxis` should come here.
    ExpectedEntry,
    /// A comma, or the end, should come here.
    ExpectedComma,
    /// A sign without a number.
    ExpectedDigits,
    /// A number beyond what an address holds.
    NumberTooLarge,
}

impl fmt::Display for IndexSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.fault {
            IndexSyntax::ExpectedEntry => "expected an integer, a slice, '...', 'None' or 'newaxis'",
            IndexSyntax::ExpectedComma => "expected a comma or the end",
            IndexSyntax::ExpectedDigits => "expected digits behind the sign",
            IndexSyntax::NumberTooLarge => "expected a number that an address can hold",
        };
        write!(f, "index expression, byte {}: {expected}, found ", self.position)?;
        match self.found {
            Some(found) => write!(f, "{found:?}"),
            None => f.write_str("the end of the text"),
        }
    }
}

impl std::error::Error for IndexSyntaxError {}
