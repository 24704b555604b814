//! Several nodes from one seed: what goes wrong between them, and what must hold all the same (architecture: tests).
//!
//! A world is four parties, one of which polls, with real nodes and stores in one process. Their times are moved by hand and are wrong; the
//! network between them loses, repeats, delays and mixes up; their power goes between any two writes; backups take the
//! place of databases; keys are replaced and pairings suspended while messages are under way. People log, correct, talk,
//! withdraw, acknowledge, call, report and erase. Then nothing goes wrong any more, and everything must come to rest.
//!
//! One step is awaited before the next begins, and everything that could differ between two runs is drawn from the seed, so
//! that a failing seed is a bug report. What the seed does not choose: keys, salts, cases and references, which come from
//! the operating system and decide nothing here.
//!
//! | after each step | at the end |
//! |---|---|
//! | a receipt implies that the partner's ledger holds those octets | all nodes agree on revision, stance, withdrawal |
//! | a message is stored once and applied once; a case stands in one exchange | nothing is left open |
//! | a message has one payload, a number of a lane one message | every ledger verifies |
//! | a clock ends in one way; lateness stays | every ledger folds to its tables |
//! | a ladder step is recorded once | every ledger is the one that partners witnessed |

mod acts;
mod ground;
mod invariants;
mod network;
mod power;
mod time;
mod view;
mod world;

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

pub use self::ground::Beginning;
pub use self::power::power_goes_at_every_look;
pub use self::view::Violation;
pub(crate) use self::view::claims;
use self::world::World;
use crate::database::On;

/// Steps of a world in which things go wrong.
const STEPS: std::ops::Range<i64> = 30..75;
/// Longer than any world takes, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// Lines of a trace that are shown.
const SHOWN: usize = 4_000;

/// What one world was like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Steps.
    pub steps: usize,
    /// Cases that passed between parties.
    pub cases: usize,
    /// Times a node lost its power.
    pub power_cuts: usize,
    /// Ledger entries in all.
    pub entries: i64,
}

/// A world in which something did not hold.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// Which database.
    pub on: On,
    /// What did not hold.
    pub what: String,
    /// What happened, in order.
    pub trace: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.trace.len().saturating_sub(SHOWN);
        writeln!(f, "seed {} on {:?}; {hidden} lines before:", self.seed, self.on)?;
        for line in &self.trace[hidden..] {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {} on {:?} failed: {}", self.seed, self.on, self.what)
    }
}

/// A runtime on which a world runs the same way every time: one thread for its tasks, one for its reads.
///
/// # Panics
/// When no thread can be had.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_current_thread().max_blocking_threads(1).enable_all().build().expect("a runtime")
}

/// Runs the world of a seed.
///
/// # Errors
/// [`Failed`] when something does not hold, or anything panics.
pub fn run(runtime: &Runtime, seed: u64, on: On, beginning: &Beginning) -> Result<(Told, Vec<String>), Box<Failed>> {
    runtime.block_on(async {
        let mut world = World::begin(seed, on, beginning).await;
        let ended = timeout(PATIENCE, AssertUnwindSafe(story(&mut world, beginning)).catch_unwind()).await;
        let what = match ended {
            // Stopping a node might wait for the same thing.
            Err(_) => format!("after {PATIENCE:?} this has not ended: {}", world.doing),
            Ok(ended) => {
                for seat in &world.seats {
                    seat.party.node.stop().await;
                }
                match ended {
                    Ok(Ok(told)) => return Ok((told, world.trace)),
                    Ok(Err(Violation(what))) => what,
                    Err(payload) => format!("something panicked: {}", message(payload.as_ref())),
                }
            }
        };
        let said = world.network.said();
        world.trace.extend(said);
        for (who, seat) in world.seats.iter_mut().enumerate() {
            world.trace.push(format!("alerts at {who}: {}", seat.peek.alerts().join(", ")));
        }
        Err(Box::new(Failed { seed, on, what, trace: world.trace }))
    })
}

async fn story(world: &mut World, beginning: &Beginning) -> Result<Told, Violation> {
    world.check().await?;
    for _ in 0..world.dice.within(STEPS) {
        world.step().await?;
        world.check().await?;
    }
    world.calm_down().await?;
    world.judge(beginning).await?;
    Ok(Told {
        steps: world.steps,
        cases: world.seats.iter().map(|seat| seat.view.exchanges.len()).sum(),
        power_cuts: world.trace.iter().filter(|line| line.ends_with("has no power")).count(),
        entries: world.seats.iter().map(|seat| seat.view.size()).sum(),
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// Runs many seeds on so many threads; gives what the worlds were like together, or the first failure.
///
/// # Errors
/// The failure of the lowest seed that was reached.
///
/// # Panics
/// When no thread can be had.
pub fn run_many(
    seeds: &[u64],
    threads: usize,
    on: On,
    beginning: &Beginning,
    progress: impl Fn(usize) + Sync,
) -> Result<Told, Box<Failed>> {
    let next = AtomicU64::new(0);
    let work = || {
        let runtime = runtime();
        let mut all = Told::default();
        loop {
            let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            let Some(seed) = seeds.get(at) else { return Ok(all) };
            match run(&runtime, *seed, on, beginning) {
                Ok((told, _)) => all = all.and(told),
                Err(failed) => {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    return Err(failed);
                }
            }
            progress(at);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut all = Told::default();
        let mut failed: Option<Box<Failed>> = None;
        for worker in workers {
            match worker.join().expect("a worker ends by itself") {
                Ok(told) => all = all.and(told),
                Err(other) if failed.as_ref().is_none_or(|first| other.seed < first.seed) => failed = Some(other),
                Err(_) => {}
            }
        }
        failed.map_or(Ok(all), Err)
    })
}

impl Told {
    const fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            cases: self.cases + other.cases,
            power_cuts: self.power_cuts + other.power_cuts,
            entries: self.entries + other.entries,
        }
    }
}
