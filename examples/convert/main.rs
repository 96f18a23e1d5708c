//! Takes an array from one format to the next, and prints what each hop cost: shared or copied, why, how fast.
//!
//! ```text
//! cargo run --release --example convert                              # a tour with the data in examples/data
//! cargo run --release --example convert -- in.npy                    # a tour with a file of yours; writes nothing
//! cargo run --release --example convert -- in.npy out.arrow --map    # a conversion
//! cargo run --release --example convert -- in.npz out.safetensors    # of all arrays
//! cargo run --release --example convert -- inspect in.npz            # how they lie in memory, and who would share them
//! cargo run --release --example convert -- --help
//! ```
//!
//! Where to look for what: `hops.rs` calls the crate, a function per bridge; `sources.rs` finds the arrays of a file, `writing.rs` makes one of
//! them; `routes.rs` strings the hops together; `trip.rs` times and verifies them; `staged.rs` gives a file its name once it is right; `headers.rs` and
//! `inspect.rs` plan and do nothing; the rest is command line and output.

mod cli;
mod failure;
mod format;
mod headers;
mod hops;
mod inspect;
mod output;
mod progress;
mod routes;
mod same;
mod sources;
mod staged;
mod trip;
mod writing;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Inspect(args)) = &args.command {
        return finish(inspect::run(args));
    }
    let mut trips = Vec::new();
    let result = match &args.input {
        None => routes::tour_of_samples(&args, &mut trips),
        Some(input) => routes::convert(&args, input, &mut trips),
    };
    // Also after a failure: the hops so far are the best explanation of it.
    let mut out = io::stdout().lock();
    let printed = if args.source.json {
        output::print_json(&trips, result.as_ref().err(), &mut out)
    } else {
        output::print_tables(&trips, &mut out)
    };
    finish(result.map(|()| printed))
}

/// The exit code of what was done and printed.
fn finish(result: Result<io::Result<()>, Failure>) -> ExitCode {
    match result {
        // Whoever closes the pipe early has seen enough.
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
