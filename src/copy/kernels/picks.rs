//! Lines picked out of runs that repeat: every other item, rows of 12 bytes out of 24, in whatever line they begin.
//!
//! ```text
//!   source:       |aaaa....bbbb....cccc....|dddd....eeee....ffff....|
//!                     └─── window ───┘ └─── window ───┘
//!   destination:  |aabbbbccccddddee|
//! ```
//!
//! The bytes of one line of the destination lie in a few windows of the source, each as wide as a register. Where they are in them is the same again after
//! some lines, because the runs repeat; so it is written down once for each line of such a period ([`Phase`]), and then each line takes a load and a permutation
//! for each of its windows, and one store of a whole line. Where the destination begins, and whether numbers are reversed, is part of what is written down, and costs
//! nothing more.
//!
//! # Safety
//!
//! As [`Kernel`](super::job::Kernel) says: *reach*, *supported*. What lies between two runs is read, too: it lies between items that are readable. *within*: all
//! windows of the periods that are walked lie between the first and the last byte of the runs.
#![allow(unsafe_code)]

use std::ops::Range;

use smallvec::SmallVec;

use super::ahead;
use super::job::Job;
use super::runs::put;
use super::simd::{LINE, Simd};
use super::weave::NOWHERE;

/// Most windows of a part of a line, and most lines that are asked for at each.
pub(super) const MOST: usize = 4;

/// Most lines of a period.
const LONGEST: usize = 16;

/// Fewer bytes are not worth writing a period down, nor are fewer periods.
const LEAST: usize = 32 << 10;

/// So many periods are worth writing one down.
const FEWEST: usize = 128;

/// Where the bytes of one line come from.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Phase {
    /// For each window, where in it each byte is, or that it is not.
    pub(super) places: [[u8; LINE]; MOST],
    /// Where the windows of each unit begin, counted from the start of the period. Units that need fewer have some of them twice.
    pub(super) windows: [[isize; MOST]; MOST],
    /// Lines to ask for, counted in the same way.
    asks: [isize; MOST],
}

impl Phase {
    const EMPTY: Self = Self {
        places: [[NOWHERE; LINE]; MOST],
        windows: [[0; MOST]; MOST],
        asks: [0; MOST],
    };
}

/// Runs of bytes, one behind the other in the destination: where each byte of it comes from, counted from the first run.
#[derive(Clone, Copy)]
struct Runs {
    size: usize,
    pitch: isize,
    /// Bytes of the numbers that are to be reversed.
    swap: usize,
}

impl Runs {
    const fn of(job: &Job<'_>) -> Self {
        Self {
            size: job.size,
            pitch: job.row().src,
            swap: job.swap,
        }
    }

    #[inline(always)]
    const fn place(&self, at: usize) -> isize {
        let (run, byte) = (at / self.size, at % self.size);
        self.pitch * run.cast_signed() + (byte ^ (self.swap - 1)).cast_signed()
    }

    /// The places of one line of the destination, or of what is left of it.
    fn line(&self, first: usize) -> [isize; LINE] {
        let (mut run, mut byte) = (self.pitch * (first / self.size).cast_signed(), first % self.size);
        std::array::from_fn(|_| {
            let place = run + (byte ^ (self.swap - 1)).cast_signed();
            byte += 1;
            if byte == self.size {
                (run, byte) = (run + self.pitch, 0);
            }
            place
        })
    }

    /// Lines of the destination after which everything repeats.
    const fn period(&self) -> usize {
        self.size >> min(self.size.trailing_zeros(), LINE.trailing_zeros())
    }
}

const fn min(a: u32, b: u32) -> u32 {
    if a < b { a } else { b }
}

/// What repeats.
struct Period {
    phases: SmallVec<[Phase; LONGEST]>,
    /// How far the source goes on meanwhile.
    step: isize,
    /// Most windows of a part of a line, or lines to ask for.
    most: usize,
    /// The lowest and the highest byte that windows cover, counted from the start of the period.
    covered: (isize, isize),
}

impl Period {
    /// The period that begins with byte `head` of the destination, for a source at `src` and registers of `unit` bytes; `None` if it is too long, or lines have too many
    /// windows.
    #[inline(never)]
    fn new(runs: Runs, head: usize, src: usize, unit: usize) -> Option<Self> {
        let lines = runs.period();
        let base = runs.pitch * (head / runs.size).cast_signed();
        let mut period = Self {
            phases: SmallVec::new(),
            step: runs.pitch * (lines * LINE / runs.size).cast_signed(),
            most: 2,
            covered: (isize::MAX, isize::MIN),
        };
        let (mut asks, mut first, mut last) = (SmallVec::<[isize; LONGEST * MOST]>::new(), None, None);
        for line in 0..lines {
            let places = runs.line(head + line * LINE).map(|place| place - base);
            let mut phase = Phase::EMPTY;
            for part in 0..LINE / unit {
                period.write(&mut phase, part, &places[part * unit..][..unit], runs.pitch < 0)?;
            }
            period.phases.push(phase);
            for place in places {
                let line = (src.cast_signed() + base + place) >> LINE.trailing_zeros();
                // The next period asks for what both touch.
                if last.replace(line) != Some(line)
                    && line != *first.get_or_insert(line) + period.step / LINE.cast_signed()
                {
                    asks.push(place);
                }
            }
        }
        period.ask(&asks)?;
        Some(period)
    }

    /// Writes down the windows of one part of a line.
    fn write(&mut self, phase: &mut Phase, part: usize, places: &[isize], down: bool) -> Option<()> {
        let unit = places.len();
        let (mut found, mut open) = (0, u64::MAX >> (LINE - unit));
        while open != 0 {
            let left = || places.iter().enumerate().filter(|(k, _)| open >> k & 1 == 1);
            // Windows go on in the direction of the runs: what they cover beyond this part belongs to later ones.
            let start = if down {
                left().map(|(_, &place)| place).max()? + 1 - unit.cast_signed()
            } else {
                left().map(|(_, &place)| place).min()?
            };
            let mut seen = 0;
            for (k, &place) in left() {
                if let Some(at) = u8::try_from(place - start).ok().filter(|&at| usize::from(at) < unit) {
                    phase.places.get_mut(found)?[part * unit + k] = at;
                    seen |= 1 << k;
                }
            }
            phase.windows[found][part] = start;
            self.covered.0 = self.covered.0.min(start);
            self.covered.1 = self.covered.1.max(start + unit.cast_signed());
            open &= !seen;
            found += 1;
        }
        self.most = self.most.max(found);
        for window in found..MOST {
            phase.windows[window][part] = phase.windows[0][part];
        }
        Some(())
    }

    /// Deals out what is to be asked for.
    fn ask(&mut self, asks: &[isize]) -> Option<()> {
        // None is to be asked for where runs overlap so much that a period has gone on by less than a line.
        let each = asks.len().div_ceil(self.phases.len()).max(1);
        let mut shares = asks.chunks(each);
        let mut share = asks;
        for phase in &mut self.phases {
            share = shares.next().unwrap_or(share);
            for (ask, &place) in phase.asks.iter_mut().zip(share.iter().cycle()) {
                *ask = place;
            }
        }
        self.most = self.most.max(each);
        (self.most <= MOST).then_some(())
    }
}

/// Runs into a contiguous destination. Says whether it was done: not if there are too few of them, or their lines too different.
///
/// # Safety
///
/// As the module says; the destination's stride is the size.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd>(src: *const u8, dst: *mut u8, job: &Job<'_>) -> bool {
    let Some(unit) = S::PICKS else { return false };
    let (row, runs) = (job.row(), Runs::of(job));
    let bytes = row.len * job.size;
    let lines = runs.period();
    if runs.pitch == 0 || lines > LONGEST || bytes < LEAST || bytes / LINE / lines < FEWEST {
        return false;
    }
    let head = dst.align_offset(LINE);
    let Some(period) = Period::new(runs, head, src.addr(), unit) else {
        return false;
    };
    let base = src.wrapping_offset(runs.pitch * (head / runs.size).cast_signed());
    let periods = whole(&period, runs, row.len, head);
    // SAFETY: *reach*: these are fewer bytes than there are.
    unsafe { few(src, dst, runs, 0..head) };
    let to = dst.wrapping_add(head);
    match period.most {
        // SAFETY: *within*: `whole` has counted the periods.
        2 => unsafe { walk::<S, 2>(base, to, &period, periods, job.stream) },
        // SAFETY: as above.
        3 => unsafe { walk::<S, 3>(base, to, &period, periods, job.stream) },
        // SAFETY: as above.
        _ => unsafe { walk::<S, 4>(base, to, &period, periods, job.stream) },
    }
    // SAFETY: *reach*.
    unsafe { few(src, dst, runs, head + periods * lines * LINE..bytes) };
    true
}

/// How many periods from byte `head` on have all of their windows between the first and the last byte of the runs, and their lines in the destination.
fn whole(period: &Period, runs: Runs, count: usize, head: usize) -> usize {
    let first = runs.pitch * (head / runs.size).cast_signed();
    let last = runs.pitch * (count - 1).cast_signed();
    // Windows move on with the periods; the end that they come closer to is the one that they may not cross.
    let room = if runs.pitch < 0 {
        first + period.covered.0 - last
    } else {
        last + runs.size.cast_signed() - (first + period.covered.1)
    };
    let by_source = usize::try_from(room).map_or(0, |room| room / period.step.unsigned_abs() + 1);
    by_source.min((count * runs.size - head) / (period.phases.len() * LINE))
}

/// Some periods, line by line.
///
/// # Safety
///
/// *within*; as many lines at `to` are writable, and it is the start of one.
#[inline(always)]
unsafe fn walk<S: Simd, const K: usize>(from: *const u8, to: *mut u8, period: &Period, periods: usize, stream: bool) {
    let (mut from, mut to) = (from, to);
    if let [phase] = period.phases[..] {
        // What is the same for all lines stays in registers.
        for _ in 0..periods {
            // SAFETY: the caller's promise.
            unsafe { line::<S, K>(from, to, &phase, stream, period.step < 0) };
            from = from.wrapping_offset(period.step);
            to = to.wrapping_add(LINE);
        }
        return;
    }
    for _ in 0..periods {
        for phase in &period.phases {
            // SAFETY: the caller's promise.
            unsafe { line::<S, K>(from, to, phase, stream, period.step < 0) };
            to = to.wrapping_add(LINE);
        }
        from = from.wrapping_offset(period.step);
    }
}

/// One line.
///
/// # Safety
///
/// *within*; a line at `to` is writable, and it is the start of one.
#[inline(always)]
unsafe fn line<S: Simd, const K: usize>(from: *const u8, to: *mut u8, phase: &Phase, stream: bool, down: bool) {
    if stream {
        for &ask in phase.asks.iter().take(K) {
            ahead::line(from.wrapping_offset(ask), down);
        }
    }
    // SAFETY: the caller's promise.
    let line = unsafe { S::pick::<K>(from, phase) };
    // SAFETY: the caller's promise.
    unsafe { put::<S>(to, line, stream) };
}

/// Some bytes of the destination, one by one.
///
/// # Safety
///
/// *reach*.
#[inline(always)]
unsafe fn few(src: *const u8, dst: *mut u8, runs: Runs, bytes: Range<usize>) {
    for at in bytes {
        // SAFETY: *reach*.
        let byte = unsafe { src.wrapping_offset(runs.place(at)).read() };
        // SAFETY: *reach*.
        unsafe { dst.wrapping_add(at).write(byte) };
    }
}
