//! A fan-out among processes that are killed at random moments: not how fast, but whether anything is lost.

use tests::On;
use tests::dice::{Dice, fresh_seed};
use tests::storm::{over_the_receiver, over_the_sender};

use crate::measure::{Report, Stopwatch};

/// Ends with a panic when something was lost, told twice, or does not verify.
pub(crate) async fn run(on: On, partners: usize, kills: usize, seed: Option<u64>, report: &mut Report) {
    let seed = seed.unwrap_or_else(fresh_seed);
    eprintln!("kills by seed {seed}");
    let mut dice = Dice::new(seed);
    let watch = Stopwatch::start();
    over_the_receiver(on, partners, kills, &mut dice).await;
    report.tell("the receiver was killed again and again", watch.seconds(), "s");
    let watch = Stopwatch::start();
    over_the_sender(on, partners, kills, &mut dice).await;
    report.tell("the sender was killed again and again", watch.seconds(), "s");
    // Whoever loses a notice does not get here.
    report.limit("notices lost or told twice", 0.0, "notices", 0.0);
}
