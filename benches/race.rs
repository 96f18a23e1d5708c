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
    run: Box<dyn FnMut(u64) -> Duration + Send + 'a>,
}

impl<'a> Contender<'a> {
    /// Who it is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Does the job once, untimed.
    pub fn once(&mut self) {
        (self.run)(1);
    }

    /// A contender whose `job` is one iteration.
    pub fn new(name: &'static str, mut job: impl FnMut() + Send + 'a) -> Self {
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

    let best = minima(&mut contenders, ROUNDS, Duration::MAX);
    println!("\n{job}: minimum of {ROUNDS} rounds");
    for (contender, time) in contenders.iter().zip(&best) {
        println!("  {:<38} {time:>14.1} ns   R {:>6.2}", contender.name, time / best[0]);
    }
    println!();
}

/// The least nanoseconds per iteration of each contender, over so many rounds in turn.
///
/// Whoever has used up `budget` drops out of the later rounds (after three at least), so that slow peers do not hold the others up.
pub fn minima(contenders: &mut [Contender<'_>], rounds: usize, budget: Duration) -> Vec<f64> {
    let iterations: Vec<u64> = contenders
        .iter_mut()
        .map(|contender| calibrate(&mut contender.run))
        .collect();
    let mut best = vec![f64::INFINITY; contenders.len()];
    let mut spent = vec![Duration::ZERO; contenders.len()];
    for round in 0..rounds {
        for (k, contender) in contenders.iter_mut().enumerate() {
            if round >= 3 && spent[k] > budget {
                continue;
            }
            if iterations[k] > 1 {
                // Whoever ran before has left the caches in a state of its own.
                (contender.run)(1);
            }
            let turn = (contender.run)(iterations[k]);
            spent[k] += turn;
            // Iterations are few enough to be exact.
            #[allow(clippy::cast_precision_loss)]
            let nanoseconds = turn.as_nanos() as f64 / iterations[k] as f64;
            best[k] = best[k].min(nanoseconds);
        }
    }
    best
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
