//! What a forced copy costs, as a multiple R of a memcpy of the bytes that it writes, beside the crates that people copy with today.
//!
//! `cargo bench -p viewbridge-benches --bench copy -- [ROW …] [--repeats N] [--ours]`; `--help` has the rest. `copy/race.py` sets the same beside
//! the Python libraries.
//!
//! All contenders of a row run in turn in one process, on one thread where the row does not say otherwise, each into memory of its own that is
//! warm already. The least time of each counts. Before that, their outputs are compared.

#[path = "copy/memory.rs"]
mod memory;
#[path = "copy/peers.rs"]
mod peers;
#[path = "copy/rows.rs"]
mod rows;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

use clap::Parser;
use viewbridge::{CopyPolicy, DType, Layout, Order, Requirements, StridedView, StridedViewMut};
use viewbridge_benches::{Contender, minima};

use memory::{Memory, Pages, Place, hash};
use rows::{Into, Row, Target};

/// What a forced copy costs, beside peers.
#[derive(Parser)]
struct Options {
    /// Rows whose name contains one of these; all without any.
    rows: Vec<String>,
    /// Rounds of the round robin.
    #[arg(long, default_value_t = 15)]
    repeats: usize,
    /// Without the peers.
    #[arg(long)]
    ours: bool,
    /// The names of the rows, and nothing else.
    #[arg(long)]
    list: bool,
    /// Lines of row, contender and R instead of the table.
    #[arg(long)]
    csv: bool,
    /// Pages behind sources and destinations.
    #[arg(long, value_enum, default_value_t = Pages::Huge)]
    pages: Pages,
    /// How many bytes past a line of the cache sources and destinations begin: 16 is where NumPy's do.
    #[arg(long, default_value_t = 0)]
    offset: usize,
    /// The kernels to use, instead of the best that the processor has instructions for: portable, sse2, avx2 or avx512.
    #[arg(long, value_parser = use_instructions)]
    isa: Option<()>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    const fn place(&self) -> Place {
        Place {
            pages: self.pages,
            offset: self.offset,
        }
    }
}

fn use_instructions(name: &str) -> Result<(), String> {
    if viewbridge::convert::use_instructions(name) {
        Ok(())
    } else {
        Err("this processor has no such instructions".into())
    }
}

/// How long a contender may run in all before it drops out of the later rounds.
const BUDGET: Duration = Duration::from_millis(1500);

fn main() {
    let options = Options::parse();
    // What is not in a pool of its own is for one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let wanted =
        |row: &Row| options.rows.is_empty() || options.rows.iter().any(|name| row.name.contains(name.as_str()));
    for row in rows::large().into_iter().chain(rows::small()).filter(wanted) {
        if options.list {
            println!("{}", row.name);
        } else {
            run(&row, &options);
        }
    }
}

fn run(row: &Row, options: &Options) {
    let layout = Layout::contiguous(&row.root, &row.dtype, Order::C).unwrap();
    let root = Memory::filled(layout.nbytes(), options.place());
    let bytes = &root.bytes()[..layout.nbytes()];
    let whole = StridedView::from_slice(bytes);
    let whole = StridedView::new(whole.buffer().clone(), row.dtype.clone(), layout).unwrap();
    let view = (row.view)(whole).unwrap();
    let written = output_bytes(row, &view);
    // Booleans are held against a memcpy of their bytes, not of their bits.
    let compared = written.max(if row.into == Into::BoolBits { view.nbytes() } else { 0 });

    let plain = Memory::filled(compared, options.place());
    let mut memcpy = Memory::new(compared, options.place());
    let mut output = Memory::new(written, options.place());
    let mut theirs: Vec<Memory> = (0..if options.ours { 0 } else { 3 })
        .map(|_| Memory::new(written, options.place()))
        .collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(row.threads)
        .build()
        .unwrap();
    let (from, to) = (plain.bytes(), memcpy.bytes_mut());
    let mut contenders = vec![
        Contender::new("memcpy", || black_box(&mut *to).copy_from_slice(black_box(from))),
        match row.threads {
            1 => ours(row, &view, &mut output),
            _ => in_pool(&pool, ours(row, &view, &mut output)),
        },
    ];
    if !options.ours {
        contenders.extend(peers::peers(row, &view, bytes, &mut theirs));
    }
    contenders.iter_mut().skip(1).for_each(Contender::once);
    let times = minima(&mut contenders, options.repeats, BUDGET);
    let names: Vec<&str> = contenders.iter().map(Contender::name).collect();
    drop(contenders);
    if !matches!(row.into, Into::Fresh | Into::Streamed | Into::Planned) {
        let expected = hash(output.bytes());
        for (name, memory) in names[2..].iter().zip(&theirs) {
            assert_eq!(hash(memory.bytes()), expected, "{}: {name} disagrees", row.name);
        }
    }
    if options.csv {
        for (name, time) in names.iter().zip(&times) {
            println!("\"{}\",{name},{:.4}", row.name, time / times[0]);
        }
    } else {
        print(row, compared, &names, &times);
    }
}

/// The same job by the threads of a pool, into which it is handed each time.
fn in_pool<'a>(pool: &'a rayon::ThreadPool, mut contender: Contender<'a>) -> Contender<'a> {
    Contender::new("viewbridge", move || pool.install(|| contender.once()))
}

/// Bytes that a row writes.
fn output_bytes(row: &Row, view: &StridedView<'_>) -> usize {
    match row.into {
        Into::BoolBytes => view.len(),
        Into::BoolBits => view.len().div_ceil(8),
        _ => view.nbytes(),
    }
}

fn ours<'a>(row: &Row, view: &'a StridedView<'_>, output: &'a mut Memory) -> Contender<'a> {
    let dtype = match row.into {
        Into::Fresh => {
            return Contender::new("viewbridge", move || {
                drop(black_box(black_box(view).to_contiguous(Order::C).unwrap()));
            });
        }
        Into::BoolBits => return ours_into_bits(view, output),
        Into::Stacked => return ours_stacked(view, output),
        Into::Streamed => return ours_streamed(view),
        Into::Swapped => row.dtype.clone().into_native(),
        Into::BoolBytes => DType::BOOL,
        Into::Warm | Into::Planned => row.dtype.clone(),
    };
    let bytes = StridedViewMut::from_slice(output.bytes_mut());
    let mut destination = bytes.view_as(dtype).unwrap().reshape(view.shape()).unwrap();
    if row.into == Into::Planned {
        return Contender::new("viewbridge", move || {
            assert!(black_box(&black_box(view).kernel_into(black_box(&destination))).is_ok());
        });
    }
    Contender::new("viewbridge", move || {
        // By reference: a naive loop has no report that could be moved about.
        assert!(black_box(&black_box(view).copy_into(black_box(&mut destination))).is_ok());
    })
}

fn ours_stacked<'a>(view: &'a StridedView<'_>, output: &'a mut Memory) -> Contender<'a> {
    let columns: Vec<_> = (0..view.shape()[1])
        .map(|k| view.index_axis(1, k.cast_signed()).unwrap())
        .collect();
    let memory = output.uninit();
    Contender::new("viewbridge", move || {
        drop(black_box(
            StridedView::stack_into(black_box(&columns), 1, &mut *memory).unwrap(),
        ));
    })
}

fn ours_streamed<'a>(view: &'a StridedView<'_>) -> Contender<'a> {
    let wanted = Requirements::any("a sink").contiguous(Order::C);
    Contender::new("viewbridge", move || {
        let stream = black_box(view).stream(&wanted, CopyPolicy::Always).unwrap();
        let done = stream.for_each(|piece| {
            black_box(piece.bytes);
            ControlFlow::Continue(())
        });
        assert!(done.unwrap().is_complete());
    })
}

/// Bits have no slice that could be borrowed: the destination owns its memory.
fn ours_into_bits<'a>(view: &'a StridedView<'_>, output: &mut Memory) -> Contender<'a> {
    let memory = viewbridge::Buffer::from_vec(vec![0_u8; view.len().div_ceil(8)]);
    let layout = Layout::contiguous(view.shape(), &DType::BIT, Order::C).unwrap();
    let mut destination = StridedView::new(memory, DType::BIT, layout)
        .unwrap()
        .into_mut()
        .unwrap();
    view.copy_into(&mut destination).unwrap();
    output
        .bytes_mut()
        .copy_from_slice(&destination.as_view().to_bytes(Order::C).unwrap());
    Contender::new("viewbridge", move || {
        black_box(black_box(view).copy_into(black_box(&mut destination)).unwrap());
    })
}

/// One line: ours against the target, then the peers.
fn print(row: &Row, bytes: usize, names: &[&str], times: &[f64]) {
    let (ours, target, unit) = match row.target {
        Target::Ratio(target) => (times[1] / times[0], target, "R "),
        Target::Nanoseconds(target) => (times[1], target, "ns"),
    };
    let verdict = if ours <= target { "met" } else { "MISSED" };
    print!("{:<34} {ours:>8.2} {unit} target {target:>6.2} {verdict:<6}", row.name);
    let cost = |time: f64| match row.target {
        Target::Ratio(_) => time / times[0],
        Target::Nanoseconds(_) => time,
    };
    for (name, &time) in names.iter().zip(times).skip(2) {
        print!("  {name} {:.2}", cost(time));
    }
    #[allow(clippy::cast_precision_loss, reason = "printed with three digits")]
    let speed = bytes as f64 / times[0];
    println!(
        "  {:.3} ms, memcpy {:.3} ms, {speed:.1} GB/s",
        times[1] / 1e6,
        times[0] / 1e6
    );
}
