//! The simulation as a test: a fixed set of seeds, and a fresh one that is shown when it fails. `tests/run --simulate N`
//! runs many more.

use tests::On;
use tests::dice::fresh_seed;
use tests::simulation::{Beginning, power_goes_at_every_look, run, run_many, runtime};

/// Seeds of the fixed set on SQLite.
const ON_SQLITE: u64 = 40;
/// Seeds of the fixed set on Postgres: their parties are founded anew each time.
const ON_POSTGRES: u64 = 4;
/// Side by side.
const THREADS: usize = 2;

/// Aim: whatever goes wrong between three nodes, nothing is lost or done twice, and in the end they agree.
#[test]
fn worlds_on_sqlite() {
    let seeds: Vec<u64> = (1..=ON_SQLITE).chain([fresh_seed()]).collect();
    worlds(On::Sqlite, &seeds);
}

/// Aim: the same on Postgres.
#[test]
fn worlds_on_postgres() {
    let seeds: Vec<u64> = (1..=ON_POSTGRES).chain([fresh_seed()]).collect();
    worlds(On::Postgres, &seeds);
}

fn worlds(on: On, seeds: &[u64]) {
    let beginning = runtime().block_on(Beginning::found());
    let told = run_many(seeds, THREADS, on, &beginning, |_| {}).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(told.cases > seeds.len(), "hardly anything happened: {told:?}");
}

/// Aim: a seed tells the same story every time, so that a failing one can be looked into.
#[test]
fn a_seed_tells_one_story() {
    let runtime = runtime();
    let beginning = runtime.block_on(Beginning::found());
    for seed in [7, 8, 9] {
        let [one, other] = [(); 2].map(|()| run(&runtime, seed, On::Sqlite, &beginning).expect("it holds").1);
        assert_eq!(one, other, "seed {seed}");
    }
}

/// Aim: wherever the power goes while messages are fetched or delivered, at either end, nobody waits for what does not come.
#[test]
fn power_goes_at_every_look_of_a_piece_of_work() {
    let runtime = runtime();
    let beginning = runtime.block_on(Beginning::found());
    let cuts = power_goes_at_every_look(&runtime, &beginning).unwrap_or_else(|violation| panic!("{violation:?}"));
    assert!(cuts > 40, "only {cuts} cuts");
}
