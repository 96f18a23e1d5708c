//! Contenders for one job, measured by criterion and then side by side.
//!
//! Machines are noisy, so that the ratios printed at the end come from a round robin: each contender runs in turn, many times, and the
//! minima count.

use std::time::{Duration, Instant};

use criterion::Criterion;

/// Rounds of the round robin.
const ROUNDS: usize = 25;

/// How long one turn lasts at least.
const TURN: Duration = Duration::from_millis(4);

/// Someone who does the job.
pub struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender whose `job` is one iteration.
    pub fn new(name: &'static str, mut job: impl FnMut() + 'a) -> Self {
        let run = move |iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                job();
            }
            start.elapsed()
        };
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// Runs one job by all contenders and prints each one's time and its ratio to the first.
pub fn race(criterion: &mut Criterion, job: &str, mut contenders: Vec<Contender<'_>>) {
    let mut group = criterion.benchmark_group(job);
    for contender in &mut contenders {
        group.bench_function(contender.name, |bencher| bencher.iter_custom(&mut contender.run));
    }
    group.finish();

    let iterations: Vec<u64> = contenders
        .iter_mut()
        .map(|contender| calibrate(&mut contender.run))
        .collect();
    let mut best = vec![f64::INFINITY; contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, &n), best) in contenders.iter_mut().zip(&iterations).zip(&mut best) {
            let turn = (contender.run)(n);
            // Iterations are few enough to be exact.
            #[allow(clippy::cast_precision_loss)]
            let nanoseconds = turn.as_nanos() as f64 / n as f64;
            *best = best.min(nanoseconds);
        }
    }
    println!("\n{job}: minimum of {ROUNDS} rounds");
    for (contender, time) in contenders.iter().zip(&best) {
        println!("  {:<38} {time:>14.1} ns   R {:>6.2}", contender.name, time / best[0]);
    }
    println!();
}

/// Iterations that fill a turn.
fn calibrate(run: &mut impl FnMut(u64) -> Duration) -> u64 {
    let mut n = 1;
    while run(n) < TURN && n < 1 << 24 {
        n *= 2;
    }
    n
}

/// Criterion with short measurements: it is there for its statistics, the ratios come from the round robin.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .configure_from_args()
}
