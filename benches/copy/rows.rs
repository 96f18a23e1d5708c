//! The rows of the tables: what is copied, what it may cost, and which peers can do the same.

use viewbridge::{DType, Kind, Result, Slice, StridedView};

/// Makes the view of a row out of its row-major memory.
type MakeView = fn(StridedView<'_>) -> Result<StridedView<'_>>;

/// How the items reach the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// Row-major memory that is there already.
    Warm,
    /// Memory that the copy allocates and gives back to the system after each copy.
    Fresh,
    /// As [`Into::Warm`], by columns that know nothing of each other: those of the view.
    Stacked,
    /// Nowhere: it is only found out how [`Into::Warm`] would be done.
    Planned,
    /// Nowhere: each piece of a stream is looked at and forgotten.
    Streamed,
    /// As [`Into::Warm`], the numbers in the other byte order.
    Swapped,
    /// As [`Into::Warm`], booleans of one bit as bytes.
    BoolBytes,
    /// As [`Into::Warm`], booleans of one byte as bits.
    BoolBits,
}

/// What the cost of a row is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// A multiple of a memcpy of the bytes written.
    Ratio(f64),
    /// Nanoseconds.
    Nanoseconds(f64),
}

/// One copy.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    pub(crate) dtype: DType,
    /// Shape of the row-major memory that the view is made of.
    pub(crate) root: Vec<usize>,
    pub(crate) view: MakeView,
    pub(crate) into: Into,
    /// Threads that this crate may use; the peers are for one.
    pub(crate) threads: usize,
    /// As the crate `transpose` sees the work: so many matrices of (width, height), one behind the other.
    pub(crate) matrices: Option<(usize, usize, usize)>,
}

impl Row {
    fn new(name: &'static str, target: f64, dtype: DType, root: &[usize], view: MakeView) -> Self {
        Self {
            name,
            target: Target::Ratio(target),
            dtype,
            root: root.to_vec(),
            view,
            into: Into::Warm,
            threads: 1,
            matrices: None,
        }
    }

    /// A matrix and its axes swapped.
    fn transposed(name: &'static str, target: f64, dtype: DType, (height, width): (usize, usize)) -> Self {
        Self::new(name, target, dtype, &[height, width], |a| Ok(a.transpose())).with_matrices(1, width, height)
    }

    fn with_matrices(mut self, count: usize, width: usize, height: usize) -> Self {
        self.matrices = Some((count, width, height));
        self
    }

    fn into(mut self, into: Into) -> Self {
        self.into = into;
        self
    }

    fn by_two_threads(mut self, target: f64) -> Self {
        self.threads = 2;
        self.target = Target::Ratio(target);
        self
    }

    /// Every other run of so many items, 32 MiB of them.
    fn pitched(name: &'static str, target: f64, dtype: DType, items: usize, view: MakeView) -> Self {
        let rows = (64 << 20) / (2 * items * dtype.itemsize());
        Self::new(name, target, dtype, &[rows, 2 * items], view)
    }

    fn nanoseconds(mut self, target: f64) -> Self {
        self.target = Target::Nanoseconds(target);
        self
    }
}

/// Work that memory bounds.
pub(crate) fn large() -> Vec<Row> {
    let (u8, u16, f32, f64) = (DType::U8, DType::U16, DType::F32, DType::F64);
    let (c128, columns) = (DType::C128, DType::F64);
    let transposed = Row::transposed;
    let every_second: MakeView = |a| a.slice_axis(0, Slice::ALL.step_by(2));
    let reversed: MakeView = |a| a.flip(0);
    let whole: MakeView = |a| Ok(a);
    vec![
        Row::new("contiguous 64 MiB", 1.05, u8.clone(), &[64 << 20], whole),
        transposed("transpose 4096² f32", 1.0, f32.clone(), (4096, 4096)),
        Row::new(
            "transpose [1,4096,4096] f32",
            1.05,
            f32.clone(),
            &[1, 4096, 4096],
            |a| a.permute(&[0, 2, 1]),
        ),
        transposed("transpose 4096² f64", 0.9, f64.clone(), (4096, 4096)),
        transposed("transpose 4080×4112 f32", 1.0, f32.clone(), (4080, 4112)),
        transposed("transpose 4093×4099 f32", 1.7, f32.clone(), (4093, 4099)),
        transposed("transpose 4093×4099 f64", 1.7, f64.clone(), (4093, 4099)),
        transposed("transpose 8192² u8", 1.6, u8.clone(), (8192, 8192)),
        transposed("transpose 4096×8192 u16", 1.4, u16, (4096, 8192)),
        transposed("transpose 2048² 16 bytes", 0.95, c128, (2048, 2048)),
        transposed("transpose 256² f32 in L2", 1.2, f32.clone(), (256, 256)),
        transposed("transpose 192² f64 in L2", 1.1, f64.clone(), (192, 192)),
        transposed("transpose 512² u8 in L2", 1.8, u8.clone(), (512, 512)),
        Row::new(
            "NHWC→NCHW u8 [64,256,256,3]",
            1.15,
            u8.clone(),
            &[64, 256, 256, 3],
            |a| a.permute(&[0, 3, 1, 2]),
        )
        .with_matrices(64, 3, 65536),
        Row::new(
            "NCHW→NHWC u8 [64,3,256,256]",
            1.05,
            u8.clone(),
            &[64, 3, 256, 256],
            |a| a.permute(&[0, 2, 3, 1]),
        )
        .with_matrices(64, 65536, 3),
        Row::new(
            "permute (3,1,0,2) 64⁴ f32",
            1.4,
            f32.clone(),
            &[64, 64, 64, 64],
            |a| a.permute(&[3, 1, 0, 2]),
        ),
        Row::new("a[::2] f64 large", 1.1, f64.clone(), &[8 << 20], every_second),
        Row::new("a[::2] f64 in L2", 1.5, f64.clone(), &[64 << 10], every_second),
        Row::new("a[:, ::3] f64", 1.45, f64.clone(), &[4096, 3072], |a| {
            a.slice_axis(1, Slice::ALL.step_by(3))
        }),
        Row::new("a[::-1] f64", 0.7, f64.clone(), &[4 << 20], reversed),
        Row::new("a[::-1] u8", 0.7, u8.clone(), &[32 << 20], reversed),
        Row::new("sliding window 1M×16 f32", 0.55, f32.clone(), &[(1 << 20) + 15], |a| {
            let windows = viewbridge::Layout::strided(&[1 << 20, 16], &[4, 4], 0, a.dtype())?;
            StridedView::new(a.buffer().clone(), a.dtype().clone(), windows)
        }),
        Row::new("broadcast (3,)→(4M,3) f64", 0.55, f64.clone(), &[3], |a| {
            a.broadcast_to(&[4 << 20, 3])
        }),
        Row::new("byte swap 4", 0.75, f32.clone().swapped(), &[8 << 20], whole).into(Into::Swapped),
        Row::new("byte swap 8", 0.75, f64.clone().swapped(), &[4 << 20], whole).into(Into::Swapped),
        Row::pitched("rows of 12 B, pitch 24", 1.3, f32.clone(), 3, |a| a.slice_axis(1, ..3)),
        Row::pitched("rows of 16 B, pitch 32", 1.1, f32.clone(), 4, |a| a.slice_axis(1, ..4)),
        Row::pitched("rows of 64 B, pitch 128", 1.4, f32.clone(), 16, |a| {
            a.slice_axis(1, ..16)
        }),
        Row::pitched("rows of 256 B, pitch 512", 1.3, f32.clone(), 64, |a| {
            a.slice_axis(1, ..64)
        }),
        Row::new(
            "batch [262144,8,8] f32 (0,2,1)",
            0.8,
            f32.clone(),
            &[262_144, 8, 8],
            |a| a.permute(&[0, 2, 1]),
        )
        .with_matrices(262_144, 8, 8),
        transposed("[n,3]→[3,n] f32", 0.9, f32.clone(), (4 << 20, 3)),
        transposed("[3,n]→[n,3] f32", 0.9, f32.clone(), (3, 4 << 20)),
        Row::new("rank 22 of size 2, permuted, f64", 2.5, f64, &[2; 22], |a| {
            // Any order without neighbours that stay neighbours.
            a.permute(&[
                9, 2, 17, 6, 13, 21, 4, 11, 0, 15, 8, 19, 3, 12, 20, 7, 1, 16, 10, 5, 18, 14,
            ])
        }),
        Row::new("16 columns × 1M f64 → matrix", 0.8, columns, &[16, 1_000_000], |a| {
            Ok(a.transpose())
        })
        .into(Into::Stacked),
        Row::new("bitmap→bool bytes 100M", 0.6, DType::BIT, &[100_000_000], whole).into(Into::BoolBytes),
        Row::new(
            "bool bytes→bitmap 100M",
            0.6,
            DType::new(Kind::Bool, 8),
            &[100_000_000],
            whole,
        )
        .into(Into::BoolBits),
        transposed("fresh: transpose 4096² f32", 2.4, f32.clone(), (4096, 4096)).into(Into::Fresh),
        transposed("stream: transpose 4096² f32", 1.5, f32.clone(), (4096, 4096)).into(Into::Streamed),
        transposed("2T: transpose 4096² f32", 1.0, f32.clone(), (4096, 4096)).by_two_threads(0.8),
        transposed("2T: transpose 8192² u8", 1.6, u8, (8192, 8192)).by_two_threads(1.6),
        Row::new("2T: contiguous 64 MiB", 1.05, f32, &[16 << 20], whole).by_two_threads(1.05),
    ]
}

/// Work that dispatch bounds.
pub(crate) fn small() -> Vec<Row> {
    let transposed = |name, target, dtype, side| Row::transposed(name, 0.0, dtype, (side, side)).nanoseconds(target);
    let planned = |name, root: &[usize], view| {
        let row = Row::new(name, 0.0, DType::F32, root, view);
        row.into(Into::Planned).nanoseconds(15.0)
    };
    let whole: MakeView = |a| Ok(a);
    let every_second: MakeView = |a| {
        let mut axes = 0..a.ndim();
        axes.try_fold(a, |a, axis| a.slice_axis(axis, Slice::ALL.step_by(2)))
    };
    vec![
        transposed("small: transpose 8² f32", 30.0, DType::F32, 8),
        transposed("small: transpose 32² f32", 75.0, DType::F32, 32),
        transposed("small: transpose 32² f64", 110.0, DType::F64, 32),
        transposed("small: transpose 64² u8", 130.0, DType::U8, 64),
        planned("plan: rank 1, contiguous", &[64], whole),
        planned("plan: rank 2, contiguous", &[8, 8], whole),
        planned("plan: rank 3, contiguous", &[8, 8, 8], whole),
        planned("plan: rank 4, contiguous", &[8, 8, 8, 8], whole),
        planned("plan: rank 2, transposed", &[8, 8], |a| Ok(a.transpose())),
        planned("plan: rank 3, transposed", &[8, 8, 8], |a| Ok(a.transpose())),
        planned("plan: rank 4, transposed", &[8, 8, 8, 8], |a| Ok(a.transpose())),
        planned("plan: rank 1, broadcast", &[1], |a| a.broadcast_to(&[64])),
        planned("plan: rank 2, broadcast", &[8], |a| a.broadcast_to(&[8, 8])),
        planned("plan: rank 3, broadcast", &[8, 1], |a| a.broadcast_to(&[8, 8, 8])),
        planned("plan: rank 4, broadcast", &[8, 1, 8], |a| a.broadcast_to(&[8, 8, 8, 8])),
        planned("plan: rank 1, gathered", &[64], every_second),
        planned("plan: rank 2, gathered", &[32, 32], every_second),
        planned("plan: rank 3, gathered", &[32, 32, 32], every_second),
        planned("plan: rank 4, gathered", &[32, 32, 32, 32], every_second),
    ]
}
