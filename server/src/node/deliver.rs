//! Door 3a: outgoing work that is due. Claim, seal, carry, record the outcome.
//!
//! *Contract*: octets are stored before they are sent and never change; nothing counts as told before a verified receipt is
//! stored; an item's outcome is recorded only under the lease that claimed it. *Economy*: batches, leases, wake-ups.
//!
//! Nothing waits for a partner inside a turn, and no partner waits for another: every outcome is recorded when it arrives,
//! a hanging partner holds its own place only, and lanes that failed lately share a few places (the store sees to that),
//! so that dead partners can't fill them all.

mod carry;
mod mail;
mod outcome;
mod seal;
mod webhook;

use std::collections::HashSet;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::values::{Moment, PartnerId};
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch::Receiver;
use tokio::time::{sleep, timeout};

use super::Node;
use super::loops::{CEILING, Causes, GRACE};
use crate::store::{StoreError, outbox};

pub(super) use outcome::record_receipt;
use seal::Work;

/// Requests under way at once.
pub const IN_FLIGHT_MAX: usize = 128;
/// The first wait after trouble with our own store; doubled up to the ceiling.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Messages carried, whatever came of them.
    pub carried: usize,
    /// When something is due next, in machine time.
    pub next_due: Option<Moment>,
}

/// Which lanes have shown since this start that the partner remembers no more than we do (ruling 27).
pub(super) struct Lanes {
    greeted: Mutex<HashSet<PartnerId>>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self { greeted: Mutex::new(HashSet::new()) }
    }

    /// Whether this lane still has to be greeted; it counts as greeted from now on.
    fn greet(&self, partner: PartnerId) -> bool {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner).insert(partner)
    }
}

/// A carrying under way.
type Flight<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Node {
    /// Carries everything that is due now, at most `limit` messages, and waits for all of them.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be claimed.
    pub async fn deliver_step(&self, limit: usize) -> Result<Step, StoreError> {
        let work = self.prepare(limit.min(IN_FLIGHT_MAX)).await?;
        let carried = work.len();
        let mut flights: FuturesUnordered<Flight<'_>> = work.into_iter().map(|item| self.flight(item)).collect();
        while flights.next().await.is_some() {}
        Ok(Step { carried, next_due: self.store.read(outbox::next_due).await? })
    }

    fn flight(&self, work: Work) -> Flight<'_> {
        Box::pin(async move {
            let carried = match work {
                Work::Sealed(ready) => self.carry(*ready).await,
                Work::Ungreeted(found) => self.greet_and_carry(*found).await,
            };
            if let Err(error) = carried {
                // The lease lapses and the message is carried again: at least once, never lost.
                tracing::error!(error = %Causes(&error), "an outcome could not be recorded");
            }
        })
    }

    /// Repeats the step until told to stop, claiming more as places become free.
    pub(super) async fn deliver_until(&self, mut stop: Receiver<bool>) {
        let mut flights: FuturesUnordered<Flight<'_>> = FuturesUnordered::new();
        let mut wait = FIRST_WAIT;
        while !*stop.borrow() {
            let mut woken = pin!(self.outgoing.notified());
            woken.as_mut().enable();
            let nap = match self.start_due(&mut flights).await {
                Ok(started) => {
                    wait = FIRST_WAIT;
                    // What is due and can't be claimed must not spin.
                    match self.machine_nap(started.next_due) {
                        Duration::ZERO if started.carried == 0 => FIRST_WAIT,
                        nap => nap,
                    }
                }
                Err(error) => {
                    tracing::error!(error = %Causes(&error), "outgoing work could not be claimed; trying again");
                    let nap = wait;
                    wait = (wait * 2).min(CEILING);
                    nap
                }
            };
            tokio::select! {
                () = woken => {}
                () = sleep(nap) => {}
                _ = stop.changed() => {}
                Some(()) = flights.next(), if !flights.is_empty() => {
                    // Those that are done already free their places before the next claim.
                    while let Some(Some(())) = flights.next().now_or_never() {}
                }
            }
        }
        let finish = async { while flights.next().await.is_some() {} };
        if timeout(GRACE, finish).await.is_err() {
            tracing::info!("messages under way were left to be carried again");
        }
    }

    /// Fills the free places and says when a look may find more. While places are full, only a free one matters.
    async fn start_due<'a>(&'a self, flights: &mut FuturesUnordered<Flight<'a>>) -> Result<Step, StoreError> {
        let free = IN_FLIGHT_MAX.saturating_sub(flights.len());
        if free == 0 {
            return Ok(Step { carried: 0, next_due: None });
        }
        let work = self.prepare(free).await?;
        let carried = work.len();
        flights.extend(work.into_iter().map(|work| self.flight(work)));
        Ok(Step { carried, next_due: self.store.read(outbox::next_due).await? })
    }

    /// How long the machine may sleep until `due`, in machine time.
    pub(super) fn machine_nap(&self, due: Option<Moment>) -> Duration {
        let micros = due.map(|due| due.micros().saturating_sub(self.time.elapsed().micros()));
        micros.map_or(CEILING, |micros| Duration::from_micros(u64::try_from(micros).unwrap_or_default()).min(CEILING))
    }

    /// Claims what is due, and seals what was never sent on lanes that need no greeting first.
    async fn prepare(&self, limit: usize) -> Result<Vec<Work>, StoreError> {
        // Nobody would believe it: everything waits for new keys, and people are told ([`super::rotation`]).
        if !self.keys().good_at(self.time.now()) {
            return Ok(Vec::new());
        }
        let (ungreeted, others): (Vec<_>, Vec<_>) = self
            .claim(limit)
            .await?
            .into_iter()
            .partition(|found| found.wants_greeting() && self.lanes.greet(found.partner_id()));
        let sealed = self.seal(others).await?.into_iter().map(|ready| Work::Sealed(Box::new(ready)));
        Ok(sealed.chain(ungreeted.into_iter().map(|found| Work::Ungreeted(Box::new(found)))).collect())
    }
}
