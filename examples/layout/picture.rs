//! What there is to draw: which item lies where.

use viewbridge::{DType, Layout};

/// Most items of a picture; what lies beyond is left out.
const MOST_ITEMS: usize = 400;

/// Most cells of memory.
const MOST_CELLS: usize = 600;

/// Most cells in a row of memory.
const MOST_IN_ROW: usize = 16;

/// A view over its memory, cut into the largest cells that no item begins or ends within.
pub(crate) struct Picture {
    pub(crate) title: String,
    /// Type, shape, strides and offset.
    pub(crate) caption: String,
    /// Sizes of the last two axes, and how often they repeat.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) planes: usize,
    /// Byte of the first byte of each item, in row-major order.
    pub(crate) items: Vec<usize>,
    /// Bytes of a cell, cells of an item, cells in a row.
    pub(crate) cell: usize,
    pub(crate) cells_per_item: usize,
    pub(crate) cells_per_row: usize,
    /// The items in each cell of the memory.
    pub(crate) memory: Vec<Vec<usize>>,
    /// What is left out, if anything.
    pub(crate) note: Option<String>,
}

impl Picture {
    /// The picture of `view`, of which the items of `root` are the memory.
    pub(crate) fn new(title: String, dtype: &DType, root: &Layout, view: &Layout) -> Self {
        let (shape, strides, itemsize) = (view.shape(), view.strides(), view.itemsize().max(1));
        let tail = |k: usize| shape.len().checked_sub(k).map_or(1, |axis| shape[axis]);
        let items: Vec<usize> = view.offsets().take(MOST_ITEMS).collect();
        let grains = items.iter().copied().chain([itemsize, root.itemsize().max(1)]);
        let cell = grains.fold(0, greatest_common_divisor);
        let (cells_per_item, len) = (itemsize / cell, root.byte_span().end.div_ceil(cell));
        // A row of the array; of a long one, whole items.
        let item = (root.itemsize() / cell).max(1);
        let row = match root.shape().last().copied().unwrap_or(1) * item {
            row if row <= MOST_IN_ROW => row.max(1),
            _ => (MOST_IN_ROW / item).max(1) * item.min(MOST_IN_ROW),
        };
        let mut memory = vec![Vec::new(); len.min(MOST_CELLS)];
        for (item, &start) in items.iter().enumerate() {
            for place in memory.iter_mut().skip(start / cell).take(cells_per_item) {
                place.push(item);
            }
        }
        let left_out = view.len() > MOST_ITEMS || len > MOST_CELLS;
        Self {
            title,
            caption: format!(
                "{dtype}, shape {}, strides {} bytes, offset {}",
                tuple(shape),
                tuple(strides),
                view.offset()
            ),
            rows: tail(2),
            columns: tail(1),
            planes: shape.iter().rev().skip(2).product(),
            items,
            cell,
            cells_per_item,
            cells_per_row: row,
            memory,
            note: left_out.then(|| format!("the first {MOST_ITEMS} items and {MOST_CELLS} cells")),
        }
    }

    /// How much a cell is, in words.
    pub(crate) fn grain(&self) -> String {
        match self.cell {
            1 => "byte by byte".to_owned(),
            bytes => format!("{bytes} bytes a cell"),
        }
    }

    /// Where in the memory a byte lies: 0 at its start, 1 at its end.
    pub(crate) fn height(&self, byte: usize) -> f64 {
        let last = self.memory.len().saturating_sub(1).max(1) * self.cell;
        as_float(byte.min(last)) / as_float(last)
    }
}

/// A tuple as Python prints it.
fn tuple<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    match &items[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", items.join(", ")),
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A small number.
pub(crate) fn as_float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The colour of a height: from dark violet through blue and green to yellow, as red, green and blue.
pub(crate) fn colour(height: f64) -> [u8; 3] {
    const STOPS: [[f64; 3]; 5] = [
        [72.0, 33.0, 115.0],
        [59.0, 82.0, 139.0],
        [33.0, 145.0, 140.0],
        [94.0, 201.0, 98.0],
        [253.0, 231.0, 37.0],
    ];
    let steps = [0.25, 0.5, 0.75, 1.0];
    let step = steps.iter().position(|&end| height <= end).unwrap_or(3);
    let within = (height * 4.0 - as_float(step)).clamp(0.0, 1.0);
    let mix = |k: usize| {
        let value = STOPS[step][k] + within * (STOPS[step + 1][k] - STOPS[step][k]);
        (0..=u8::MAX).find(|&byte| f64::from(byte) >= value).unwrap_or(u8::MAX)
    };
    [mix(0), mix(1), mix(2)]
}
