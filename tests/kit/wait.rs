//! Waiting for a condition, with a bound: the only way in which tests wait.
//!
//! The condition is asked again every few milliseconds. That is a poll and not a sleep: the wait ends as soon as the
//! condition holds, and a test never passes or fails because of how long a step happened to take, short of the bound.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a condition is asked.
const EVERY: Duration = Duration::from_millis(10);
/// Long enough for a busy machine; a healthy one answers within milliseconds.
pub const SOON: Duration = Duration::from_secs(20);

/// Waits until the condition gives something.
///
/// # Panics
/// When it does not within the bound; `what` says what was waited for.
pub async fn until<T>(what: &str, bound: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let found = timeout(bound, async {
        loop {
            ticks.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("waited {bound:?} in vain for {what}"))
}
