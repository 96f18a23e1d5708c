//! Chains through this crate, described as the oracle describes NumPy's.
//!
//! # Safety
//!
//! *arena*: the memory of a replay is one allocation that outlives its views, all of which are made of one raw pointer to it and of the access `Shared` or
//! `ReadOnly`; nothing else refers to it while they live.

use std::ptr::NonNull;
use std::sync::OnceLock;

use viewbridge::{
    Access, Buffer, DType, Device, Dim, Error, Field, IndexExpr, Layout, LayoutError, Order, Overlap, Record,
    StridedView,
};

use super::chain::{Chain, Op, Root, Rule};

/// Bytes that a view may reach; the oracle knows the same numbers.
const SIZE: usize = 8192;
const ALIGNMENT: usize = 64;
const TOP: usize = SIZE + 16 + ALIGNMENT;

/// More dead ends than these small layouts have.
const PLENTY: usize = 1_000_000;

/// All memory, guard bytes included.
#[repr(align(64))]
#[derive(Clone)]
pub struct Arena([u8; TOP.next_multiple_of(ALIGNMENT)]);

impl Arena {
    pub fn new() -> Box<Self> {
        let mut arena = Box::new(Self([0; TOP.next_multiple_of(ALIGNMENT)]));
        arena.reset();
        arena
    }

    fn reset(&mut self) {
        let pattern = (0..=250).cycle();
        self.0.iter_mut().zip(pattern).for_each(|(byte, value)| *byte = value);
    }
}

pub fn dtype(name: &str) -> DType {
    static RECORD: OnceLock<DType> = OnceLock::new();
    if name != "record" {
        return DType::from_numpy(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let record = || {
        let fields = [
            Field::new("a", DType::U8),
            Field::new("b", DType::from_numpy(">i2").unwrap()).at(1),
            Field::new("c", DType::F32).at(4),
        ];
        Record::new(fields, 9).unwrap().into()
    };
    RECORD.get_or_init(record).clone()
}

/// The checksum that the oracle computes (CRC-32).
pub fn checksum(bytes: impl IntoIterator<Item = u8>) -> u32 {
    static TABLE: OnceLock<[u32; 256]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|byte| {
            let byte = u32::try_from(byte).unwrap();
            (0..8).fold(
                byte,
                |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
            )
        })
    });
    !bytes.into_iter().fold(!0, |crc, byte| {
        let entry = (crc ^ u32::from(byte)) & 0xff;
        crc >> 8 ^ table[entry as usize]
    })
}

/// How one operation is carried out: rightly, or with a deliberate mistake.
pub type Apply = dyn Fn(&Op, &StridedView<'static>) -> Result<StridedView<'static>, Error>;

/// The answers to a chain.
pub fn replay(chain: &Chain, arena: &mut Arena, apply: &Apply) -> Vec<String> {
    let base = NonNull::from(&mut arena.0).cast::<u8>();
    let root = match root(&chain.root, base) {
        Ok(root) => root,
        Err(error) => return vec![format!("X {error}")],
    };
    let mut answers = vec![describe(&root)];
    let mut views = vec![root];
    for op in &chain.ops {
        let view = views.last().expect("the root");
        answers.push(match op {
            Op::Write(k) => {
                let answer = write(view, *k, base);
                restore(base);
                answer
            }
            Op::Overlap(k) => overlap(view, &views[k % views.len()]),
            Op::Assign(k) => {
                let answer = assign(view, &views[k % views.len()], base);
                restore(base);
                answer
            }
            _ => match apply(op, view) {
                Ok(next) => {
                    let answer = describe(&next);
                    views.push(next);
                    answer
                }
                Err(error) => format!("X {}", name(&error)),
            },
        });
    }
    answers
}

/// Leads a view from one operation to the next, as long as there is one.
pub fn walk(from: &Root, mut next: impl FnMut(&StridedView<'static>) -> Option<StridedView<'static>>) {
    let mut arena = Arena::new();
    let base = NonNull::from(&mut arena.0).cast::<u8>();
    let mut view = root(from, base).expect("a root inside of its memory");
    while let Some(after) = next(&view) {
        view = after;
    }
}

fn root(root: &Root, base: NonNull<u8>) -> Result<StridedView<'static>, Error> {
    let access = if root.writable {
        Access::Shared
    } else {
        Access::ReadOnly
    };
    // SAFETY: within *arena*.
    let start = unsafe { base.add(root.misalignment) };
    // SAFETY: *arena*: the views are gone before the memory is.
    let memory = unsafe { Buffer::from_raw_borrowed(start, SIZE, access, Device::CPU) };
    let dtype = dtype(&root.dtype);
    let layout = Layout::strided(&root.shape, &root.strides, root.offset, &dtype)?;
    StridedView::new(memory, dtype, layout)
}

/// What the crate makes of an operation.
pub fn apply(op: &Op, view: &StridedView<'static>) -> Result<StridedView<'static>, Error> {
    match op {
        Op::Index(text) => view.index(&text.parse::<IndexExpr>()?),
        Op::Permute(axes) => view.permute(axes),
        Op::Transpose => Ok(view.transpose()),
        Op::Swap(a, b) => view.swap_axes(*a, *b),
        Op::Move(from, to) => view.move_axes(from, to),
        Op::Flip(axes) => view.flip_axes(axes),
        Op::FlipAll => view.flip_all(),
        Op::Rot90(turns, a, b) => view.rot90(*turns, (*a, *b)),
        Op::Insert(axes) => view.insert_axes(axes),
        Op::SqueezeAll => Ok(view.squeeze()),
        Op::Squeeze(axes) => view.squeeze_axes(axes),
        Op::Reshape(order, dims) => {
            let dims: Vec<Dim> = dims
                .iter()
                .map(|&n| usize::try_from(n).map_or(Dim::Rest, Dim::Size))
                .collect();
            let order = match order {
                'C' => Order::C,
                'F' => Order::F,
                _ => view.layout().natural_order(),
            };
            view.reshape_with(&dims, order)
        }
        Op::Broadcast(shape) => view.broadcast_to(shape),
        Op::Together(shape) => {
            let other = StridedView::from_slice(&[0_u8][..])
                .index(&[0_isize.into()])?
                .broadcast_to(shape)?;
            StridedView::broadcast_together(&[view, &other]).map(|mut views| views.swap_remove(0))
        }
        Op::Windows(windows) => view.sliding_windows(windows),
        Op::Diagonal(offset, a, b) => view.diagonal(*offset, *a, *b),
        Op::Part(rule, axis, numbers, k) => {
            let number = numbers.first().map_or(0, |n| n.unsigned_abs());
            let pick = |pieces: Vec<StridedView<'static>>| pieces.get(k % pieces.len().max(1)).unwrap_or(view).clone();
            Ok(pick(match rule {
                Rule::Even => view.split(*axis, number)?.collect(),
                Rule::Near => view.array_split(*axis, number)?.collect(),
                Rule::Chunks => view.chunks(*axis, number)?.collect(),
                Rule::At => view.split_at_each(*axis, numbers)?.collect(),
            }))
        }
        Op::View(name) => view.view_as(dtype(name)),
        Op::Strided(shape, strides, offset) => view.as_strided(shape, strides, *offset),
        Op::Real => view.real(),
        Op::Imag => view.imag(),
        Op::Field(name) => view.field(name),
        Op::Write(_) | Op::Overlap(_) | Op::Assign(_) => unreachable!("no operation that makes a view"),
    }
}

fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// As the oracle describes.
pub fn describe(view: &StridedView<'_>) -> String {
    let flags = [
        (view.is_c_contiguous(), 'C'),
        (view.is_f_contiguous(), 'F'),
        (view.is_aligned(), 'A'),
        (view.access().is_writable(), 'W'),
    ];
    let flags: String = flags.iter().filter(|(on, _)| *on).map(|&(_, flag)| flag).collect();
    let offset = if view.is_empty() {
        "-".into()
    } else {
        view.layout().offset().to_string()
    };
    let sum = |order| checksum(view.to_bytes(order).expect("items of whole bytes that the CPU reads"));
    let (shape, strides) = (join(view.shape()), join(view.strides()));
    format!(
        "{shape}|{strides}|{offset}|{flags}|{:x}|{:x}",
        sum(Order::C),
        sum(Order::F)
    )
}

/// Writes one item where the view says that it is, and sums all memory up.
fn write(view: &StridedView<'_>, k: usize, base: NonNull<u8>) -> String {
    if !view.access().is_writable() {
        return if view.is_empty() {
            sum_of(base)
        } else {
            "X ReadOnly".into()
        };
    }
    if let Some(offset) = view.layout().offsets().nth(k % view.len().max(1)) {
        let pattern = b"ABCD".iter().cycle().take(view.layout().itemsize());
        for (k, &byte) in pattern.enumerate() {
            let place = view.buffer().as_ptr().cast_mut().wrapping_add(offset + k);
            assert!((base.as_ptr()..base.as_ptr().wrapping_add(TOP)).contains(&place));
            // SAFETY: *arena*; the access is `Shared`, and the place was just held against the memory.
            unsafe { place.write(byte) };
        }
    }
    sum_of(base)
}

/// Assigns a view of the same memory, and sums all memory up.
fn assign(view: &StridedView<'_>, source: &StridedView<'_>, base: NonNull<u8>) -> String {
    if view.dtype() != source.dtype() {
        return "-".into();
    }
    // SAFETY: *arena*: nobody else reads or writes it now.
    match unsafe { view.assign_shared(source) } {
        Ok(_) => sum_of(base),
        Err(Error::ReadOnly { .. }) => "X ReadOnly".into(),
        Err(Error::SelfOverlap { .. }) => "X SelfOverlap".into(),
        Err(error) => format!("X {}", name(&error)),
    }
}

fn sum_of(base: NonNull<u8>) -> String {
    // SAFETY: *arena*.
    let all = unsafe { std::slice::from_raw_parts(base.as_ptr(), TOP) };
    format!("{:x}", checksum(all.iter().copied()))
}

fn restore(base: NonNull<u8>) {
    for k in 0..TOP {
        let value = u8::try_from(k % 251).expect("below 251");
        let place = base.as_ptr().wrapping_add(k);
        // SAFETY: *arena*.
        unsafe { place.write(value) };
    }
}

/// By bounds, and exactly; the exact answer also against the sets of bytes.
fn overlap(a: &StridedView<'_>, b: &StridedView<'_>) -> String {
    let bytes = |view: &StridedView<'_>| -> Vec<usize> {
        let (start, item) = (view.buffer().as_ptr().addr(), view.layout().itemsize());
        let mut bytes: Vec<usize> = view
            .layout()
            .offsets()
            .flat_map(|o| start + o..start + o + item)
            .collect();
        bytes.sort_unstable();
        bytes
    };
    let (ours, theirs) = (bytes(a), bytes(b));
    let truth = ours.iter().any(|byte| theirs.binary_search(byte).is_ok());
    let exact = a.shares_memory(b, PLENTY);
    let expected = if truth { Overlap::Shared } else { Overlap::Disjoint };
    assert_eq!(exact, expected, "{a:?} and {b:?}");
    format!(
        "{}{}",
        u8::from(a.may_share_memory(b)),
        u8::from(exact == Overlap::Shared)
    )
}

/// The kind of an error, as far as NumPy's messages tell.
fn name(error: &Error) -> String {
    use LayoutError as E;
    let Error::Layout(error) = error else {
        return match error {
            Error::DType(_) | Error::DTypeMismatch { .. } => "Field".into(),
            other => panic!("{other:?}"),
        };
    };
    match error {
        E::IndexOutOfRange { axis, index, size } => return format!("IndexOutOfRange {index} {axis} {size}"),
        E::TooManyIndices { .. } => "TooManyIndices",
        E::SecondEllipsis { .. } => "SecondEllipsis",
        E::ZeroStep { .. } => "ZeroStep",
        E::AxisOutOfRange { .. } => "AxisOutOfRange",
        E::RepeatedAxis { .. } => "RepeatedAxis",
        E::RankMismatch { .. } => "RankMismatch",
        E::NotSizeOne { .. } => "NotSizeOne",
        E::ReshapeSize { .. } | E::ReshapeUnknown { .. } | E::SecondUnknown { .. } => "Reshape",
        E::ReshapeBlocked { .. } => "ReshapeBlocked",
        E::Broadcast { .. } | E::BroadcastRank { .. } | E::BroadcastConflict { .. } => "Broadcast",
        E::WindowTooLarge { .. } => "WindowTooLarge",
        E::UnevenSplit { .. } | E::EmptyChunks { .. } => "UnevenSplit",
        E::ReinterpretStride { .. } => "ReinterpretStride",
        E::ReinterpretSize { .. } => "Reinterpret",
        E::OutOfBounds { .. } => "OutOfBounds",
        E::SizeOverflow { .. } => "TooLarge",
        other => panic!("{other:?}"),
    }
    .into()
}
