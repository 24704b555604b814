//! Door 3a: outgoing work that is due. Claim, seal, carry, record the outcome.
//!
//! *Contract*: numbered octets are stored before they are sent and never change (ruling 23); a lane's first heartbeat has no
//! number, and is stored with its receipt; nothing counts as told before a verified receipt is stored; an item's outcome is
//! recorded only under the lease that claimed it. *Economy*: batches, leases, wake-ups.
//!
//! Nothing waits for a partner inside a turn, and no partner waits for another: every outcome is recorded when it arrives,
//! a hanging partner holds its own place only, and lanes that failed lately share a few places (the store sees to that),
//! so that dead partners can't fill them all.

mod carry;
mod engine;
mod mail;
mod outcome;
mod polled;
mod receipts;
mod seal;
mod webhook;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::delivery;
use domain::values::{Moment, PartnerId};
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Node;
use super::loops::{CEILING, Causes};
use crate::store::{StoreError, Turn, outbox};

pub(super) use carry::refused;
use outcome::Landed;
pub(super) use outcome::record_receipt;
use seal::{Found, Work};
pub(super) use webhook::Posted;

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
    /// When this start was (machine time).
    started: Moment,
    greeted: Mutex<HashSet<PartnerId>>,
}

impl Lanes {
    pub(super) fn new(started: Moment) -> Self {
        Self { started, greeted: Mutex::new(HashSet::new()) }
    }

    /// Whether a heartbeat that is due may be queued: those that fell due while we were down go out over half a minute.
    fn may_beat(&self, partner: PartnerId, elapsed: Moment) -> bool {
        let waits = self.started.plus_seconds(delivery::start_wait_seconds(partner));
        // A machine's clock that was set back holds nobody up.
        elapsed >= waits || elapsed < self.started
    }

    /// Whether a heartbeat has to go first: the lane has numbered something before, and sent nothing since this start. From
    /// now on it counts as greeted.
    fn must_greet(&self, found: &Found) -> bool {
        let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        found.is_numbered() && greeted.insert(found.partner_id()) && found.has_history()
    }
}

/// A carrying under way; `None` when nothing was sent.
type Flight<'a> = Pin<Box<dyn Future<Output = Option<Box<Landed>>> + Send + 'a>>;

impl Node {
    /// Carries everything that is due now, at most `limit` messages, and waits for all of them.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be claimed.
    pub async fn deliver_step(&self, limit: usize) -> Result<Step, StoreError> {
        let work = self.prepare(limit.min(IN_FLIGHT_MAX), false).await?;
        let carried = work.len();
        let mut flights: FuturesUnordered<Flight<'_>> = work.into_iter().map(|work| self.flight(work)).collect();
        while let Some(first) = flights.next().await {
            let mut landed = Vec::from_iter(first);
            while let Some(Some(next)) = flights.next().now_or_never() {
                landed.extend(next);
            }
            self.record(landed).await;
        }
        self.passing.notify_one();
        Ok(Step { carried, next_due: self.store.read(outbox::next_due).await? })
    }

    /// One message's way to its partner and back.
    fn flight(&self, work: Work) -> Flight<'_> {
        Box::pin(async move {
            let ready = match work {
                Work::Sealed(ready) => *ready,
                Work::Ungreeted(found) => match self.greeted(*found).await {
                    Ok(ready) => ready?,
                    Err(error) => {
                        // The lease lapses and the message is claimed again: never lost.
                        tracing::error!(error = %Causes(&error), "a lane's first heartbeat could not be recorded");
                        return None;
                    }
                },
            };
            Some(Box::new(self.carry(ready).await))
        })
    }

    /// How long the machine may sleep until `due`, in machine time.
    pub(super) fn machine_nap(&self, due: Option<Moment>) -> Duration {
        let micros = due.map(|due| due.micros().saturating_sub(self.time.elapsed().micros()));
        micros.map_or(CEILING, |micros| Duration::from_micros(u64::try_from(micros).unwrap_or_default()).min(CEILING))
    }

    /// Claims what is due, and seals what was never sent on lanes that need no greeting first. `surely`: something is due,
    /// which saves a look.
    async fn prepare(&self, limit: usize, surely: bool) -> Result<Vec<Work>, StoreError> {
        // Nobody would believe it: everything waits for new keys, and people are told ([`super::rotation`]).
        if !self.keys().good_at(self.time.now()) {
            return Ok(Vec::new());
        }
        let (ungreeted, others): (Vec<_>, Vec<_>) =
            self.claim(limit, surely).await?.into_iter().partition(|found| self.lanes.must_greet(found));
        let sealed = self.seal(others).await?.into_iter().map(|ready| Work::Sealed(Box::new(ready)));
        Ok(sealed.chain(ungreeted.into_iter().map(|found| Work::Ungreeted(Box::new(found)))).collect())
    }

    /// Gives back the lanes of work that was not started.
    async fn give_back(&self, work: Vec<Work>) {
        let lanes: Vec<_> = work.iter().map(Work::lane).collect();
        if lanes.is_empty() {
            return;
        }
        let release = move |turn: &mut Turn<'_>| {
            lanes.iter().try_for_each(|(lease, partner, channel)| outbox::release(turn, *lease, *partner, *channel))
        };
        if let Err(error) = self.store.write(self.time.now(), release).await {
            tracing::info!(error = %Causes(&error), "claimed messages wait until their leases lapse");
        }
    }
}
