//! The loops that move bytes.
//!
//! # Safety
//!
//! The kernels trust the invariant *reach* of [`CopyPlan`] and the contract of [`execute`]: every offset that the plan visits lies inside
//! of memory that is readable (source) or writable (destination), and the two memories are disjoint.
#![allow(unsafe_code)]

mod ahead;
mod bitmap;
mod bits;
mod columns;
mod job;
mod list;
mod picks;
mod pipeline;
mod portable;
mod repeat;
mod rows;
mod runs;
mod simd;
mod staged;
mod sweep;
mod table;
mod transpose;
mod weave;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::mem::MaybeUninit;

use super::classify::Class;
use super::engine::{Engine, SMALLEST_STREAM, Stream};
use super::isa::Isa;
use super::plain::Plain;
use super::plan::{Axis, CopyPlan, Item, for_each};
use super::validity::Bits;
use job::{Job, WIDEST};
use table::Table;

/// Carries out a plan.
///
/// `src` and `dst` point to the start of the two memories, from which the plan's offsets count.
///
/// # Safety
///
/// Every item of the source layout lies in initialised memory at `src`, every item of the destination layout in writable memory at
/// `dst`; if the plan [reads the destination](CopyPlan::reads_destination), that memory is initialised. Nobody else writes either meanwhile, and
/// no byte is in both.
#[inline]
pub(crate) unsafe fn execute(plan: &CopyPlan, src: *const u8, dst: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { execute_by(Engine::best(), plan, src, dst) };
}

/// The same, for a part of a copy of `whole` bytes: lines of the destination go past the caches if those of the whole would.
///
/// # Safety
///
/// As [`execute`].
pub(crate) unsafe fn execute_part(plan: &CopyPlan, whole: usize, src: *const u8, dst: *mut u8) {
    let engine = Engine::new(Isa::best(), Stream::PartOf(whole));
    // SAFETY: the caller's promise.
    unsafe { execute_by(engine, plan, src, dst) };
}

/// The same, with the kernels that `engine` chooses.
///
/// # Safety
///
/// As [`execute`].
#[inline]
pub(super) unsafe fn execute_by(engine: Engine, plan: &CopyPlan, src: *const u8, dst: *mut u8) {
    if let Item::Bytes { size, swap } = plan.item {
        // SAFETY: the caller's promise.
        unsafe { execute_bytes(plan, engine, src, dst, (size, swap)) };
    } else if let Item::Bits {
        src: from,
        dst: to,
        truth,
    } = plan.item
    {
        // SAFETY: the caller's promise.
        unsafe { execute_bits(plan, engine, src, dst, (from, to, truth)) };
    }
}

/// Carries out a plain plan, if it is of one kernel, and small enough for caches and one thread. Says whether it was.
///
/// # Safety
///
/// As [`execute`].
#[inline(always)]
pub(crate) unsafe fn execute_plain(plan: &Plain, src: *const u8, dst: *mut u8) -> bool {
    let Some(axes) = plan.axes() else { return false };
    if plan.bytes >= SMALLEST_STREAM {
        return false;
    }
    let table = Table::of(Isa::best());
    let index = item_index(plan.size).unwrap_or(table.gather.len() - 1);
    let kernel = match plan.class() {
        Class::Run => table.run,
        Class::Repeat => table.repeat,
        Class::Gather => table.gather[index],
        Class::Scatter => table.scatter[index],
        Class::Transpose => table.transpose[index],
        Class::Nothing | Class::Bits | Class::List { .. } => return false,
    };
    let job = Job {
        axes,
        ..Job::once(plan.size, plan.swap, false)
    };
    let (s, d) = plan.start();
    // SAFETY: *reach*; *supported*.
    unsafe { kernel(src.wrapping_add(s), dst.wrapping_add(d), &job) };
    true
}

/// # Safety
///
/// As [`execute`].
unsafe fn execute_bytes(plan: &CopyPlan, engine: Engine, src: *const u8, dst: *mut u8, (size, swap): (usize, usize)) {
    let table = Table::of(engine.isa);
    let index = item_index(size).unwrap_or(table.gather.len() - 1);
    let (kernel, inner) = match plan.class {
        Class::Nothing | Class::Bits => return,
        Class::Run => (table.run, 0),
        Class::Repeat => (table.repeat, 1),
        Class::Gather => (table.gather[index], 1),
        Class::Scatter => (table.scatter[index], 1),
        Class::Transpose => (table.transpose[index], 3),
        Class::List { axes } => {
            let stream = engine.streams(plan.bytes(), plan.class);
            let ends = (src.wrapping_add(plan.src), dst.wrapping_add(plan.dst));
            let job = Job::once(size, swap, stream);
            // SAFETY: the caller's promise.
            unsafe { list::execute(table.list[index], &plan.axes, axes.into(), ends, job) };
            return table.finish(stream);
        }
    };
    let (outer, last) = plan.axes.split_at(plan.axes.len() - inner);
    let stream = engine.streams(plan.bytes(), plan.class);
    let mut job = Job::once(size, swap, stream);
    for (axis, from) in job.axes[3 - inner..].iter_mut().zip(last) {
        *axis = word_by_word(from);
    }
    if outer.is_empty() {
        // SAFETY: *reach*; *supported*.
        unsafe { kernel(src.wrapping_add(plan.src), dst.wrapping_add(plan.dst), &job) };
    } else {
        for_each(outer, (plan.src, plan.dst), |s, d| {
            // SAFETY: *reach*; *supported*.
            unsafe { kernel(src.wrapping_add(s), dst.wrapping_add(d), &job) };
        });
    }
    table.finish(stream);
}

/// An axis, read as it has been written a few nanoseconds ago. As a wider word, which compilers prefer, it could not be read before it has left
/// for the cache: for a small copy that is a tenth of all time.
#[inline(always)]
fn word_by_word(axis: &Axis) -> Axis {
    // SAFETY: the word is borrowed, and initialised.
    let read = |word: &usize| unsafe { std::ptr::read_volatile(word) };
    // SAFETY: as above.
    let read_signed = |word: &isize| unsafe { std::ptr::read_volatile(word) };
    Axis {
        len: read(&axis.len),
        src: read_signed(&axis.src),
        dst: read_signed(&axis.dst),
    }
}

/// Weaves columns of `len` adjacent items of `size` bytes each into the rows of a matrix at `dst`, which lie one behind the other. Says whether it has:
/// if there is no kernel for it, or it is not worth one, nothing is written.
///
/// # Safety
///
/// The items of each column are readable and initialised, so many in all are writable at `dst`; nobody else writes either meanwhile, and no byte is in both.
pub(crate) unsafe fn weave_columns(columns: &[*const u8], size: usize, len: usize, dst: *mut u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe { weave_columns_by(Engine::best(), columns, size, len, dst) }
}

/// The same, with the kernels that `engine` chooses.
///
/// # Safety
///
/// As [`weave_columns`].
pub(super) unsafe fn weave_columns_by(
    engine: Engine,
    columns: &[*const u8],
    size: usize,
    len: usize,
    dst: *mut u8,
) -> bool {
    let bytes = columns.len().saturating_mul(size).saturating_mul(len);
    let Some(index) = item_index(size).filter(|_| engine.streams(bytes, Class::Transpose)) else {
        return false;
    };
    let table = Table::of(engine.isa);
    // SAFETY: the caller's promise; *supported*.
    let done = unsafe { (table.columns[index])(columns, len, dst) };
    table.finish(done);
    done
}

/// # Safety
///
/// As [`execute`].
unsafe fn execute_bits(plan: &CopyPlan, engine: Engine, src: *const u8, dst: *mut u8, item: (usize, usize, bool)) {
    if plan.class == Class::Nothing {
        return;
    }
    let table = Table::of(engine.isa);
    let (&row, outer) = plan.axes.split_last().unwrap_or((&Axis::ONCE, &[]));
    // A byte for each bit, on one of both sides, is what has to find room in the caches.
    let stream = item.2 && engine.streams(row.len, Class::Run);
    for_each(outer, (plan.src, plan.dst), |s, d| {
        // SAFETY: *reach*; *supported*.
        unsafe { bits_row(table, stream, (src, s), (dst, d), row, item) };
    });
    table.finish(stream);
}

/// As [`unpack`](super::validity::unpack), which has checked the lengths.
pub(super) fn unpack(engine: Engine, bits: Bits<'_>, bools: &mut [MaybeUninit<u8>]) {
    let ((from, bit), to, len) = (bits.parts(), bools.as_mut_ptr().cast(), bits.len().min(bools.len()));
    let (table, stream) = (Table::of(engine.isa), engine.streams(len, Class::Run));
    let kernel = table.unpack[usize::from(stream)];
    // SAFETY: *covered*; as many bytes as bits; *supported*.
    unsafe { kernel(from, bit, to, len) };
    table.finish(stream);
}

/// As [`pack`](super::validity::pack), which has checked the lengths.
pub(super) fn pack(engine: Engine, bools: &[u8], bitmap: &mut [MaybeUninit<u8>]) {
    // Bits of the last byte that stand for nothing.
    if let Some(last) = bitmap.last_mut() {
        last.write(0);
    }
    let (to, len) = (
        bitmap.as_mut_ptr().cast(),
        bools.len().min(bitmap.len().saturating_mul(8)),
    );
    let (table, stream) = (Table::of(engine.isa), engine.streams(len, Class::Run));
    let kernel = table.pack[usize::from(stream)];
    // SAFETY: a byte for eight bits, the last of which is initialised; *supported*.
    unsafe { kernel(bools.as_ptr(), to, 0, len) };
    table.finish(stream);
}

/// As [`fill_nulls`](super::validity::fill_nulls), which has checked the lengths.
pub(super) fn fill_nulls(
    engine: Engine,
    values: &[u8],
    validity: Bits<'_>,
    fill: &[u8],
    filled: &mut [MaybeUninit<u8>],
) {
    let (from, to, len) = (values.as_ptr(), filled.as_mut_ptr().cast(), validity.len());
    let Some(index) = item_index(fill.len()) else {
        // SAFETY: *covered*; as many items as bits on both sides.
        return unsafe { bitmap::fill_any(from, validity.parts(), fill.as_ptr(), to, len, fill.len()) };
    };
    let mut line = [0; simd::LINE];
    line.chunks_exact_mut(fill.len())
        .for_each(|item| item.copy_from_slice(fill));
    let (table, stream) = (Table::of(engine.isa), engine.streams(filled.len(), Class::Run));
    let kernel = table.fill[index][usize::from(stream)];
    // SAFETY: *covered*; as many items as bits on both sides; a line of the item; *supported*.
    unsafe { kernel(from, validity.parts(), line.as_ptr(), to, len) };
    table.finish(stream);
}

/// Where kernels for items of `size` bytes are found in the table.
#[inline]
fn item_index(size: usize) -> Option<usize> {
    (size.is_power_of_two() && size <= WIDEST).then(|| size.trailing_zeros() as usize)
}

/// One row of items that are counted in bits, by a kernel for bitmaps where the items are adjacent.
///
/// # Safety
///
/// As [`bits::row`]; *supported*.
unsafe fn bits_row(
    table: &Table,
    stream: bool,
    (src, s): (*const u8, usize),
    (dst, d): (*mut u8, usize),
    row: Axis,
    item: (usize, usize, bool),
) {
    match (item, row.src, row.dst) {
        // SAFETY: *reach*.
        ((1, 8, true), 1, 8) => unsafe { table.unpack[usize::from(stream)](src, s, dst.wrapping_add(d / 8), row.len) },
        // SAFETY: *reach*.
        ((8, 1, true), 8, 1) => unsafe { table.pack[usize::from(stream)](src.wrapping_add(s / 8), dst, d, row.len) },
        // SAFETY: *reach*.
        ((from, to, false), ..) if from == to && row.len == 1 => unsafe { bitmap::move_bits(src, s, dst, d, from) },
        // SAFETY: *reach*.
        _ => unsafe { bits::row(src, dst, s, d, row, item) },
    }
}
