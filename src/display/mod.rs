//! Views as text: the items as NumPy prints them, and a line about their memory.

mod column;
mod item;
mod number;
mod small_float;
mod time;

use std::fmt;

use self::column::{Cell, Columns};
use crate::info::{Grouped, Tuple};
use crate::layout::Unit;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Views of more items are summarised (NumPy's `threshold`).
const THRESHOLD: usize = 1000;

/// So many positions at either end of an axis stand for a long one (NumPy's `edgeitems`).
const EDGE: usize = 3;

/// Characters of a line (NumPy's `linewidth`).
const WIDTH: usize = 75;

/// More items than this are not printed, summarised or not: as many axes of a few positions make.
const MOST: usize = 10_000;

/// The items as NumPy prints them, then a line with type, shape, strides and owner.
///
/// Columns are aligned; of more than 1000 items, three at either end of each axis stand for all; long rows wrap. A precision
/// (`{:.3}`) bounds the digits behind the point of floats, 8 otherwise. Items of every type print: text and byte strings quoted, times as ISO 8601
/// says, records in parentheses, what has no notation in hexadecimal digits.
///
/// No reference to the items is formed, so that the memory may be one that others write (though not during the call). What the CPU cannot read
/// is not read: the text says where it is.
///
/// ```
/// use viewbridge::StridedView;
///
/// let a = StridedView::from_vec(vec![1.0, 20.5, -3.0, 4.0]).reshape(&[2, 2])?;
/// assert_eq!(
///     a.to_string(),
///     "[[ 1.  20.5]\n [-3.   4. ]]\nfloat64, shape (2, 2), strides (16, 8) bytes, heap memory (Immutable)"
/// );
/// # Ok::<(), viewbridge::Error>(())
/// ```
impl fmt::Display for StridedView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_items(f)?;
        let rights = format!("{:?}", self.access());
        write!(f, "\n{}", LayoutLine { view: self, rights })
    }
}

/// As for [`StridedView`].
impl fmt::Display for StridedViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rights = "exclusive".to_owned();
        let view = self.inner();
        view.write_items(f)?;
        write!(f, "\n{}", LayoutLine { view, rights })
    }
}

/// What there is to say in one line.
struct LayoutLine<'a> {
    view: &'a StridedView<'a>,
    rights: String,
}

impl fmt::Display for LayoutLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { view, rights } = self;
        write!(f, "{}", view.dtype())?;
        if let Some(logical) = view.logical() {
            write!(f, " ({logical})")?;
        }
        let unit = match view.layout().unit() {
            Unit::Byte => "bytes",
            Unit::Bit => "bits",
        };
        let (shape, strides) = (Tuple(view.shape()), Tuple(view.strides()));
        let owner = view.owner_kind();
        write!(
            f,
            ", shape {shape}, strides {strides} {unit}, {owner} memory ({rights})"
        )?;
        if view.device() != crate::memory::Device::CPU {
            write!(f, " on {}", view.device())?;
        }
        Ok(())
    }
}

impl StridedView<'_> {
    fn write_items(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.device().is_cpu_readable() {
            return write!(f, "<{} items on {}>", Grouped(self.len()), self.device());
        }
        let summary = self.len() > THRESHOLD;
        let shown: Vec<Vec<Option<usize>>> = self.shape().iter().map(|&dim| positions(dim, summary)).collect();
        let places = shown.iter().map(|axis| axis.iter().flatten().count());
        let count = places.fold(1, usize::saturating_mul);
        if count > MOST {
            return write!(f, "<{} items>", Grouped(self.len()));
        }
        if count == 0 {
            return f.write_str("[]");
        }
        let mut cells = Vec::with_capacity(count);
        let mut position = vec![0; self.ndim()];
        self.collect(&shown, &mut position, 0, &mut cells);
        let columns = Columns::new(&cells, f.precision());
        let words: Vec<String> = cells.iter().map(|cell| columns.text(cell)).collect();
        let mut words = words.iter().map(String::as_str);
        f.write_str(&bracket(&shown, &mut words, " ", WIDTH))
    }

    /// The items at the positions shown, in row-major order.
    fn collect(&self, shown: &[Vec<Option<usize>>], position: &mut [usize], axis: usize, cells: &mut Vec<Cell>) {
        let Some(here) = shown.get(axis) else {
            return cells.push(self.cell(position));
        };
        for &place in here.iter().flatten() {
            position[axis] = place;
            self.collect(shown, position, axis + 1, cells);
        }
    }
}

/// The positions of an axis to show; `None` stands for those left out.
fn positions(dim: usize, summary: bool) -> Vec<Option<usize>> {
    if !summary || dim <= 2 * EDGE {
        return (0..dim).map(Some).collect();
    }
    let (first, last) = ((0..EDGE).map(Some), (dim - EDGE..dim).map(Some));
    first.chain([None]).chain(last).collect()
}

/// Words in brackets, in the way of NumPy's `_formatArray`: one line for each position of the last axis but one, blank lines between larger
/// blocks. `indent` stands in front of lines but the first.
fn bracket<'a>(
    shown: &[Vec<Option<usize>>],
    words: &mut impl Iterator<Item = &'a str>,
    indent: &str,
    width: usize,
) -> String {
    let Some((here, faster)) = shown.split_first() else {
        return words.next().unwrap_or_default().to_owned();
    };
    let mut text = String::new();
    if faster.is_empty() {
        let mut line = indent.to_owned();
        for (k, place) in here.iter().enumerate() {
            let last = k + 1 == here.len();
            let word = place.map_or("...", |_| words.next().unwrap_or_default());
            let room = if last { width } else { width.saturating_sub(1) };
            let full = line.chars().count() + word.chars().count() > room && line.len() > indent.len();
            if full {
                text.push_str(line.trim_end());
                text.push('\n');
                indent.clone_into(&mut line);
            }
            line.push_str(word);
            if !last {
                line.push(' ');
            }
        }
        text.push_str(&line);
    } else {
        let between = "\n".repeat(faster.len());
        let deeper = format!("{indent} ");
        for (k, place) in here.iter().enumerate() {
            if k > 0 {
                text.push_str(&between);
            }
            text.push_str(indent);
            match place {
                Some(_) => text.push_str(&bracket(faster, words, &deeper, width.saturating_sub(1))),
                None => text.push_str("..."),
            }
        }
    }
    format!("[{}]", text.get(indent.len()..).unwrap_or_default())
}
