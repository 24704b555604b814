//! Runs many worlds: `tests/run --simulate N [--from SEED]`. A failing seed is shown with its trace.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use tests::On;
use tests::dice::fresh_seed;
use tests::simulation::{Beginning, run_many, runtime};

/// Several nodes from one seed: what goes wrong between them, and what must hold all the same.
#[derive(Parser)]
struct Simulate {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,

    /// The first of them; a fresh one when left out.
    #[arg(long)]
    from: Option<u64>,

    /// On Postgres (TOCSIN_TEST_POSTGRES names the cluster).
    #[arg(long)]
    postgres: bool,
}

fn main() -> ExitCode {
    let Simulate { seeds, from, postgres } = Simulate::parse();
    let on = if postgres { On::Postgres } else { On::Sqlite };
    let first = from.unwrap_or_else(|| fresh_seed() >> 16);
    let all: Vec<u64> = (first..first.saturating_add(seeds)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("seeds {first} to {} on {on:?}, {threads} at a time", first.saturating_add(seeds).saturating_sub(1));
    let beginning = runtime().block_on(Beginning::found());
    let done = AtomicUsize::new(0);
    let progress = |_| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(100) {
            println!("{done} of {seeds}");
        }
    };
    match run_many(&all, threads, on, &beginning, progress) {
        Ok(told) => {
            println!("{seeds} worlds held: {told:?}");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            print!("{failed}");
            println!("again: tests/run --simulate 1 --from {}", failed.seed);
            ExitCode::FAILURE
        }
    }
}
