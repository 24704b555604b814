//! The loop around delivery: it keeps the places full while something is due, and records what landed while more is under
//! way. Three things go on at once, each at most once: claiming and sealing, carrying, and recording.
//!
//! Batches make themselves: while one claim or record is with the store, the next one gathers. Nothing is held back for a
//! batch to fill, so that a lone message goes at once.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use domain::values::Moment;
use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Sleep, sleep, timeout};

use super::outcome::{Landed, RECORDED_AT_ONCE};
use super::seal::Work;
use super::{FIRST_WAIT, IN_FLIGHT_MAX};
use crate::node::Node;
use crate::node::loops::{CEILING, Causes, GRACE};
use crate::store::{StoreError, outbox};

/// Messages claimed and sealed that wait for a place, or landed and wait to be recorded.
const WAITING_MAX: usize = 128;
/// So many places have to be free before more is claimed: a claim costs nearly the same for one message as for many.
const REFILL: usize = 64;
/// Receipts start clocks that are hours long: while they keep coming, the watch need not look at every batch.
const WATCH_EVERY_SECONDS: i64 = 1;

/// What a look at the outbox found.
struct Found {
    work: Vec<Work>,
    /// How long nothing more is due; `None` when more may be due at once.
    nap: Option<Duration>,
}

type Recording<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Work in its three stages, and when to look for more.
struct Desk<'a> {
    node: &'a Arc<Node>,
    looking: JoinSet<Result<Found, StoreError>>,
    ready: VecDeque<Work>,
    flights: JoinSet<Option<Box<Landed>>>,
    /// Boxed as they come: moving one costs a pointer.
    #[expect(clippy::vec_box, reason = "they come boxed from their flights, and are large")]
    landed: Vec<Box<Landed>>,
    recording: Option<Recording<'a>>,
    recorded: usize,
    /// Something may be due now.
    due: bool,
    nap: Pin<Box<Sleep>>,
    /// The wait after trouble with our own store.
    wait: Duration,
    /// When the watch was last told that clocks may have changed (machine time).
    told_watch: Option<Moment>,
}

impl Node {
    /// Carries what is due until told to stop.
    pub(in crate::node) async fn deliver_until(self: Arc<Self>, mut stop: Receiver<bool>) {
        let mut desk = Desk {
            node: &self,
            looking: JoinSet::new(),
            ready: VecDeque::new(),
            flights: JoinSet::new(),
            landed: Vec::new(),
            recording: None,
            recorded: 0,
            due: true,
            nap: Box::pin(sleep(CEILING)),
            wait: FIRST_WAIT,
            told_watch: None,
        };
        while !*stop.borrow() {
            let mut woken = pin!(self.outgoing.notified());
            woken.as_mut().enable();
            desk.go_on();
            tokio::select! {
                Some(found) = desk.looking.join_next() => desk.found(found),
                Some(landed) = desk.flights.join_next() => desk.land(landed),
                () = done(&mut desk.recording) => desk.kept(),
                () = woken => desk.due = true,
                () = desk.nap.as_mut() => desk.due = true,
                _ = stop.changed() => {}
            }
        }
        desk.finish().await;
    }

    async fn look(&self, limit: usize, surely: bool) -> Result<Found, StoreError> {
        let work = self.prepare(limit, surely).await?;
        if work.len() >= limit {
            return Ok(Found { work, nap: None });
        }
        // What is due and can't be claimed must not spin.
        let nap = match self.machine_nap(self.store.read(outbox::next_due).await?) {
            Duration::ZERO if work.is_empty() => FIRST_WAIT,
            nap => nap,
        };
        Ok(Found { work, nap: Some(nap) })
    }
}

impl Desk<'_> {
    /// Messages in all stages behind claiming.
    fn used(&self) -> usize {
        self.ready.len() + self.flights.len() + self.landed.len() + self.recorded
    }

    /// Starts whatever may start now.
    fn go_on(&mut self) {
        while self.flights.len() < IN_FLIGHT_MAX
            && let Some(work) = self.ready.pop_front()
        {
            let node = Arc::clone(self.node);
            self.flights.spawn(async move { node.flight(work).await });
        }
        if self.recording.is_none() && !self.landed.is_empty() {
            let rest = self.landed.split_off(self.landed.len().min(RECORDED_AT_ONCE));
            let batch = std::mem::replace(&mut self.landed, rest);
            self.recorded = batch.len();
            self.recording = Some(Box::pin(self.node.record(batch)));
        }
        let free = (IN_FLIGHT_MAX + WAITING_MAX).saturating_sub(self.used());
        if self.due && self.looking.is_empty() && free >= REFILL {
            self.due = false;
            let node = Arc::clone(self.node);
            // While others are under way there was more than could be taken before.
            let surely = !self.ready.is_empty();
            self.looking.spawn(async move { node.look(free, surely).await });
        }
    }

    fn found(&mut self, found: Result<Result<Found, StoreError>, JoinError>) {
        let nap = match found {
            Ok(Ok(found)) => {
                self.wait = FIRST_WAIT;
                self.ready.extend(found.work);
                self.due |= found.nap.is_none();
                found.nap.unwrap_or(CEILING)
            }
            Ok(Err(error)) => {
                tracing::error!(error = %Causes(&error), "outgoing work could not be claimed; trying again");
                self.backs_off()
            }
            Err(error) => {
                tracing::error!(%error, "claiming outgoing work panicked; trying again");
                self.backs_off()
            }
        };
        self.nap = Box::pin(sleep(nap));
    }

    fn backs_off(&mut self) -> Duration {
        let nap = self.wait;
        self.wait = (self.wait * 2).min(CEILING);
        nap
    }

    /// Takes in what landed, with all that landed meanwhile.
    fn land(&mut self, first: Result<Option<Box<Landed>>, JoinError>) {
        let mut next = Some(first);
        while let Some(landed) = next {
            match landed {
                Ok(landed) => self.landed.extend(landed),
                // The lease lapses and the message is carried again: at least once, never lost.
                Err(error) => tracing::error!(%error, "carrying a message panicked"),
            }
            next = self.flights.try_join_next();
        }
        // A lane that was given back untried may have more.
        self.due = true;
    }

    /// A record was kept: its lanes may have more, and clocks may have changed.
    fn kept(&mut self) {
        self.recorded = 0;
        self.due = true;
        let now = self.node.time.elapsed();
        let lately = self.told_watch.is_some_and(|told| (0..WATCH_EVERY_SECONDS).contains(&now.seconds_since(told)));
        if !lately || self.used() == 0 {
            self.told_watch = Some(now);
            self.node.passing.notify_one();
        }
    }

    /// Lets what is under way finish within a bound, and gives back what was not sent.
    async fn finish(mut self) {
        self.looking.abort_all();
        let finish = async {
            done_or_none(&mut self.recording).await;
            while let Some(landed) = self.flights.join_next().await {
                self.landed.extend(landed.ok().flatten());
            }
            self.node.record(std::mem::take(&mut self.landed)).await;
        };
        if timeout(GRACE, finish).await.is_err() {
            tracing::info!("messages under way were left to be carried again");
        }
        self.node.give_back(self.ready.into()).await;
    }
}

async fn done(recording: &mut Option<Recording<'_>>) {
    match recording {
        Some(under_way) => {
            under_way.as_mut().await;
            *recording = None;
        }
        None => pending().await,
    }
}

async fn done_or_none(recording: &mut Option<Recording<'_>>) {
    if recording.is_some() {
        done(recording).await;
    }
}
