//! The power goes in the middle of one piece of work: at its first look at the time, at its second, and so on to its last.

use tokio::runtime::Runtime;

use super::ground::Beginning;
use super::network::Weather;
use super::view::{Violation, must};
use super::world::World;
use crate::database::On;

/// Looks that a piece of work takes at most.
const LOOKS_MAX: i64 = 300;
/// Between two pieces of work: longer than a lease, and than a partner rests that was not reached.
const BETWEEN_SECONDS: i64 = 301;

/// A piece of work between two nodes.
#[derive(Debug, Clone, Copy)]
enum Work {
    Delivers,
    Polls,
}

/// Who works, and whose power goes. The first party tells the others; the last one asks for its messages.
const ALL: [(usize, Work, usize); 4] =
    [(3, Work::Polls, 3), (3, Work::Polls, 0), (0, Work::Delivers, 1), (0, Work::Delivers, 0)];

/// Cuts the power at every look of a poll and of a delivery, at either end. Gives how often.
///
/// # Errors
/// [`Violation`] when somebody waits for what does not come any more, or anything else does not hold.
pub fn power_goes_at_every_look(runtime: &Runtime, beginning: &Beginning) -> Result<usize, Violation> {
    runtime.block_on(async {
        let mut cuts = 0;
        for (who, work, cut) in ALL {
            let mut world = World::begin(1, On::Sqlite, beginning).await;
            world.network.set(Weather::default());
            cuts += world.cut_at_every_look(who, work, cut).await?;
            for seat in &world.seats {
                seat.party.node.stop().await;
            }
        }
        Ok(cuts)
    })
}

impl World {
    async fn cut_at_every_look(&mut self, who: usize, work: Work, cut: usize) -> Result<usize, Violation> {
        for looks in 0..LOOKS_MAX {
            self.log(0).await?;
            self.time.advance(BETWEEN_SECONDS);
            self.seats[cut].time.cut_after(looks);
            match work {
                // One message at a time, until nothing is left for anybody.
                Work::Delivers => while self.deliver(who).await? > 0 && self.seats[cut].up {},
                Work::Polls => drop(self.poll(who).await?),
            }
            let went = !self.seats[cut].up;
            self.seats[cut].time.restore();
            if went {
                self.start(cut).await;
            }
            for who in 0..self.seats.len() {
                self.settle(who).await?;
            }
            self.check().await?;
            if !went {
                must(looks > 0, || format!("{who} {work:?} without a look of {cut}"))?;
                return usize::try_from(looks).map_err(|error| Violation(error.to_string()));
            }
        }
        Err(Violation(format!("{who} {work:?} without an end")))
    }
}
