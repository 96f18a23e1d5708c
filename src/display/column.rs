//! Aligned columns: what items look like is decided once for all of them.

use super::number;

/// One item, as the pieces that align.
pub(super) struct Cell(pub(super) Vec<Piece>);

/// A piece of an item.
#[derive(Clone)]
pub(super) enum Piece {
    /// As it is: brackets and commas of records.
    Fixed(&'static str),
    /// To the right: integers, times.
    Right(String),
    /// To the left: text.
    Left(String),
    /// At the point. `imaginary` parts have a sign, and a `j` behind them.
    Float { value: Real, imaginary: bool },
}

/// A float, and the shortest number that would be read as it.
#[derive(Clone, Copy)]
pub(super) struct Real {
    pub(super) exact: f64,
    pub(super) short: f64,
}

/// How the pieces at one place of all items are written.
enum Column {
    Right(usize),
    Left(usize),
    Float(number::Style),
}

/// The columns of all items.
pub(super) struct Columns(Vec<Column>);

impl Columns {
    pub(super) fn new(cells: &[Cell], precision: Option<usize>) -> Self {
        let pieces = cells.iter().map(|cell| cell.0.len()).max().unwrap_or(0);
        let column = |k: usize| {
            let here = || cells.iter().filter_map(move |cell| cell.0.get(k));
            let width = |text: &String| text.chars().count();
            match here().next() {
                Some(Piece::Float { imaginary, .. }) => {
                    let values = here().filter_map(|piece| match piece {
                        Piece::Float { value, .. } => Some(*value),
                        _ => None,
                    });
                    Column::Float(number::Style::new(&values.collect::<Vec<_>>(), *imaginary, precision))
                }
                Some(Piece::Left(_)) => Column::Left(here().filter_map(Piece::text).map(width).max().unwrap_or(0)),
                _ => Column::Right(here().filter_map(Piece::text).map(width).max().unwrap_or(0)),
            }
        };
        Self((0..pieces).map(column).collect())
    }

    pub(super) fn text(&self, cell: &Cell) -> String {
        let mut text = String::new();
        for (piece, column) in cell.0.iter().zip(&self.0) {
            match (piece, column) {
                (Piece::Fixed(fixed), _) => text.push_str(fixed),
                (Piece::Float { value, .. }, Column::Float(style)) => text.push_str(&style.text(*value)),
                (Piece::Right(word) | Piece::Left(word), Column::Left(width)) => {
                    text.push_str(&format!("{word:<width$}"))
                }
                (Piece::Right(word) | Piece::Left(word), Column::Right(width)) => {
                    text.push_str(&format!("{word:>width$}"));
                }
                (Piece::Right(word) | Piece::Left(word), Column::Float(_)) => text.push_str(word),
                (Piece::Float { value, .. }, _) => text.push_str(&value.short.to_string()),
            }
        }
        text
    }
}

impl Piece {
    fn text(&self) -> Option<&String> {
        match self {
            Self::Right(text) | Self::Left(text) => Some(text),
            _ => None,
        }
    }
}
