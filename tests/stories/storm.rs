//! Storms: real processes, killed at random moments in the middle of a fan-out. `bench storm` is the long form.

use tests::dice::{Dice, fresh_seed};
use tests::storm::{over_the_receiver, over_the_sender};
use tests::{On, both};

both!(a_sender_that_is_killed_loses_nobody, a_receiver_that_is_killed_loses_nothing);

/// Partners, or notices, of the short form.
const MANY: usize = 100;
/// Kills of the short form.
const KILLS: usize = 3;

/// The sender of a fan-out is killed three times at random: every partner holds its notice once, with a receipt that
/// verifies.
async fn a_sender_that_is_killed_loses_nobody(on: On) {
    let seed = fresh_seed();
    eprintln!("kills by seed {seed}");
    over_the_sender(on, MANY, KILLS, &mut Dice::new(seed)).await;
}

/// The receiver of many notices is killed three times at random: every case stands once, and no receipt was given for
/// nothing.
async fn a_receiver_that_is_killed_loses_nothing(on: On) {
    let seed = fresh_seed();
    eprintln!("kills by seed {seed}");
    over_the_receiver(on, MANY, KILLS, &mut Dice::new(seed)).await;
}
