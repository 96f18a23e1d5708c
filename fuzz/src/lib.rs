//! What the fuzz targets share: decisions made from the fuzzer's bytes, and items looked at bit by bit.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use viewbridge::{DType, Index, Kind, Layout, Order, Requirements, Slice, Unit};

/// Data types of every sort that layouts and copies tell apart.
pub static DTYPES: LazyLock<Vec<DType>> = LazyLock::new(|| {
    vec![
        DType::U8,
        DType::I16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
        DType::BF16,
        DType::BOOL,
        DType::BIT,
        DType::BIT.with_lanes(3),
        DType::BIT.with_lanes(8),
        DType::BOOL.with_lanes(3),
        DType::I16.swapped(),
        DType::C64.swapped(),
        DType::F64.with_lanes(2).swapped(),
        DType::text(2).swapped(),
        DType::bytes(5),
        DType::raw(3),
        DType::raw(0),
        DType::new(Kind::Float4E2m1fn, 4),
        DType::new(Kind::Float4E2m1fn, 4).padded(),
        DType::new(Kind::Float6E2m3fn, 6).with_lanes(3),
        DType::new(Kind::UInt, 12),
        DType::new(Kind::Int, 128),
    ]
});

/// Most items of a small layout. Many small inputs find more than few large ones.
pub const MANY: usize = 60;

/// Most items of a large one.
pub const LARGE: usize = 2000;

/// Numbers at which arithmetic breaks.
const EDGES: [isize; 12] = [
    0,
    1,
    -1,
    isize::MAX,
    isize::MAX - 1,
    isize::MIN,
    isize::MIN + 1,
    1 << 31,
    1 << 32,
    1 << 60,
    -(1 << 60),
    3_037_000_500,
];

/// Decisions, one after the other. Where the bytes end, each decision is the first of its choices.
#[derive(Debug)]
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    /// Decisions made from the fuzzer's bytes.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    /// Whether every further decision would be the first choice.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that no decision has used.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }

    /// A number below `end`, or 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.int_in_range(0..=end.saturating_sub(1)).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: isize, high: isize) -> isize {
        self.0.int_in_range(low..=high).unwrap_or(low)
    }

    /// Yes or no.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    /// One of some.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// A data type.
    pub fn dtype(&mut self) -> DType {
        self.pick(&DTYPES)
    }

    /// An order.
    pub fn order(&mut self) -> Order {
        self.pick(&[Order::C, Order::F])
    }

    /// A number of any size, often one at which arithmetic breaks.
    pub fn extreme(&mut self) -> isize {
        match self.below(4) {
            0 | 1 => self.between(-4, 4),
            2 => self.pick(&EDGES),
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    /// As [`extreme`](Self::extreme), without a sign.
    pub fn extreme_size(&mut self) -> usize {
        self.extreme().cast_unsigned()
    }

    /// Up to `max` results of a decision.
    pub fn several<T>(&mut self, max: usize, mut decide: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| decide(self)).collect()
    }

    /// A slice whose numbers come from `number`.
    pub fn slice(&mut self, mut number: impl FnMut(&mut Self) -> isize) -> Slice {
        let start = self.coin().then(|| number(self));
        let stop = self.coin().then(|| number(self));
        let step = if self.coin() { number(self) } else { 1 };
        Slice::new(start, stop, step)
    }

    /// An entry of an index expression whose numbers come from `number`.
    pub fn index(&mut self, number: impl FnMut(&mut Self) -> isize) -> Index {
        let mut number = number;
        match self.below(5) {
            0 => Index::Ellipsis,
            1 => Index::NewAxis,
            2 => Index::At(number(self)),
            _ => Index::Slice(self.slice(number)),
        }
    }

    /// A layout of a few items with small strides of either sign, which may overlap. Its items begin at the offset 0 or a little above.
    pub fn small_layout(&mut self, dtype: &DType) -> Layout {
        let mut shape = self.several(4, |c| c.pick(&[2, 3, 1, 0, 5]));
        while shape.iter().product::<usize>() > MANY {
            shape.pop();
        }
        match self.below(4) {
            0 => contiguous(&shape, dtype, Order::C),
            1 => contiguous(&shape, dtype, Order::F),
            _ => self.strided(&shape, dtype),
        }
    }

    /// A layout of up to [`LARGE`] items, as large as the tiles and lines of the copy kernels, and a little larger: axes in any order, gaps, some backwards, some
    /// of one item over and over.
    pub fn large_layout(&mut self, dtype: &DType) -> Layout {
        let mut shape: Vec<usize> = Vec::new();
        for _ in 0..=self.below(4) {
            let dim = match self.below(4) {
                0 => self.pick(&[2, 3, 4]),
                1 => self.pick(&[8, 16, 32, 64]),
                _ => 1 + self.below(140),
            };
            let items: usize = shape.iter().product();
            shape.push(dim.min(LARGE / items).max(1));
        }
        let mut order: Vec<usize> = (0..shape.len()).collect();
        (0..shape.len()).for_each(|axis| order.swap(axis, self.below(axis + 1)));
        let gaps: Vec<usize> = shape.iter().map(|_| self.pick(&[0, 0, 0, 1, 3])).collect();
        let whole: Vec<usize> = order.iter().map(|&axis| shape[axis] + gaps[axis]).collect();
        let compact = contiguous(&whole, dtype, Order::C);
        let mut strides = vec![0; shape.len()];
        let mut below = 0;
        for (&axis, &stride) in order.iter().zip(compact.strides()) {
            strides[axis] = match self.below(8) {
                0 => 0,
                1 => {
                    below += (shape[axis] - 1) * stride.unsigned_abs();
                    -stride
                }
                _ => stride,
            };
        }
        Layout::strided(&shape, &strides, below + self.below(70), dtype).expect("small numbers")
    }

    fn strided(&mut self, shape: &[usize], dtype: &DType) -> Layout {
        let item = contiguous(&[], dtype, Order::C).itemsize().cast_signed();
        let unit = if self.coin() { item } else { 1 };
        let strides: Vec<isize> = shape.iter().map(|_| self.between(-20, 20) * unit).collect();
        let axes = shape.iter().zip(&strides);
        let below: usize = axes
            .map(|(dim, stride)| dim.saturating_sub(1) * stride.min(&0).unsigned_abs())
            .sum();
        let offset = below + self.below(10);
        Layout::strided(shape, &strides, offset, dtype).expect("small numbers")
    }
}

/// A contiguous layout of small numbers.
///
/// # Panics
///
/// If the numbers are not small.
#[must_use]
pub fn contiguous(shape: &[usize], dtype: &DType, order: Order) -> Layout {
    Layout::contiguous(shape, dtype, order).expect("small numbers")
}

/// The requirements of all consumers in the crate.
#[must_use]
pub fn consumers() -> [Requirements; 8] {
    use viewbridge::convert::requirements::{C_CONTIGUOUS, F_CONTIGUOUS};
    use viewbridge::convert::{Alignment, LayoutClass, Packing, StrideSign};
    use viewbridge::{arrow, dlpack};
    [
        C_CONTIGUOUS,
        F_CONTIGUOUS,
        dlpack::VERSIONED,
        dlpack::LEGACY_OR_COPY,
        arrow::REQUIREMENTS,
        arrow::FIXED_SHAPE_TENSOR,
        Requirements::any("bytes").packing(Packing::Bytes).aligned().native(),
        Requirements::any("strides")
            .layout_class(LayoutClass::Permuted)
            .strides(StrideSign::Positive)
            .alignment(Alignment::Bytes(128))
            .outlives_borrow(),
    ]
}

/// Bits in one unit of a layout's offsets.
#[must_use]
pub fn bits_per_unit(layout: &Layout) -> usize {
    match layout.unit() {
        Unit::Byte => 8,
        Unit::Bit => 1,
    }
}

/// Bits of one lane, padding included.
///
/// # Panics
///
/// If there are more than can be counted.
#[must_use]
pub fn lane_bits(dtype: &DType) -> usize {
    let bits = if dtype.is_padded() { 8 } else { dtype.bits() };
    usize::try_from(bits).expect("few bits")
}

/// One bit of memory, least significant first.
#[must_use]
pub fn bit(memory: &[u8], position: usize) -> bool {
    memory[position / 8] >> (position % 8) & 1 == 1
}

/// Writes one bit.
pub fn set_bit(memory: &mut [u8], position: usize, value: bool) {
    let mask = 1 << (position % 8);
    if value {
        memory[position / 8] |= mask;
    } else {
        memory[position / 8] &= !mask;
    }
}
