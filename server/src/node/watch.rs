//! Door 3b: passing time. Which clocks, ladders and fan-outs want attention is asked of the store; what is then true is
//! decided by the rules, level-triggered, so that a node that slept records the same facts late.

use std::sync::Arc;

use chrono_tz::Tz;
use domain::complaint;
use domain::exchange::{self, Exchange};
use domain::incident;
use domain::ladder::Orders;
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment};

use super::exercises::mind_exercises;
use super::rotation::mind_keys;
use super::{DoorError, Node, execute, ladder_mail};
use crate::store::alerts::{self, AlertKind};
use crate::store::{Change, StoreError, Turn, ack_links, answers, due, forms, links, outbox, people, posts, rota};

/// Streams looked at in one transaction (ruling 22: nobody else waits longer than 100 ms).
const STREAMS_MAX: usize = 250;
/// Incidents looked at in one transaction: one may name hundreds of partners.
const INCIDENTS_MAX: usize = 16;
/// Complaints looked at in one transaction.
const COMPLAINTS_MAX: usize = 64;
/// Unfinished fan-outs tried in one step, should the oldest be unreadable.
const FAN_OUTS_TRIED: u32 = 16;
/// Alerts raised in one transaction.
const ALERTS_MAX: u32 = 250;
/// First words noted as waiting in one transaction.
const NOTED_MAX: usize = 250;
/// A link that has ended is kept so long, to tell its holder what became of it and the record who it was for.
const LINKS_KEPT_SECONDS: i64 = 30 * 86_400;
/// Rows swept in one housekeeping.
const SWEPT_MAX: usize = 500;
/// Between two housekeepings, in machine time.
const HOUSEKEEPING_SECONDS: i64 = 600;
/// Between two checkpoints of a ledger that grows (protocol §18).
const CHECKPOINT_SECONDS: i64 = 3_600;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchStep {
    /// Streams in which something was recorded.
    pub ticked: usize,
    /// There is more to do at once.
    pub more: bool,
    /// When something is due next, in duty time.
    pub next_due: Option<Moment>,
}

impl Node {
    /// Does everything that passing time asks now, up to the limits of a step: overdue clocks, ladder steps, one chunk of
    /// the oldest fan-out, alerts for first words without a receipt.
    ///
    /// # Errors
    /// [`DoorError::Store`]; what was recorded before stays.
    pub async fn watch_step(&self) -> Result<WatchStep, DoorError> {
        // Trouble in one part is told after the others had their turn: it must not silence every alarm.
        let fanned_out = self.fan_out_step().await;
        let (exchanges, incidents) = (self.tick_exchanges().await, self.tick_incidents().await);
        let complaints = self.tick_complaints().await;
        let noted = self.note_first_words().await;
        let alerted = self.alert_first_words().await;
        let caught_up = self.catch_up().await;
        let kept_house = self.keep_house().await;
        let parts = [&fanned_out, &exchanges, &incidents, &complaints, &alerted, &caught_up];
        if parts.into_iter().any(|part| matches!(part, Ok(1..))) {
            self.changed();
        }
        let (fanned_out, ticked) = (fanned_out?, exchanges? + incidents? + complaints?);
        let noted = noted?;
        alerted.and(caught_up).and(kept_house)?;
        let next_due = self.store.read(due::next_duty).await?;
        // A full step may have left some; whatever was done may have made more due.
        Ok(WatchStep { ticked, more: ticked + fanned_out > 0 || noted >= NOTED_MAX, next_due })
    }

    /// Carries on with the oldest unfinished fan-out that can be: at most one chunk of exchanges, in a transaction of its
    /// own. One that can't be carried on is logged and holds nobody else up. Says how many incidents were carried on.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn fan_out_step(&self) -> Result<usize, DoorError> {
        for id in self.store.read(|rows| due::open_fan_outs(rows, FAN_OUTS_TRIED)).await? {
            match self.carry_on(id).await {
                Ok(true) => return Ok(1),
                Ok(false) => {}
                Err(error @ (DoorError::Refused(_) | DoorError::Store(StoreError::Corrupt { .. }))) => {
                    tracing::error!(incident = %id, %error, "a fan-out could not be carried on");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }

    async fn carry_on(&self, id: IncidentId) -> Result<bool, DoorError> {
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                let Some(before) = turn.incident(id)? else { return Ok(false) };
                execute::decide(turn, &keys, id, Some(before), incident::Command::Advance).map(|()| true)
            })
            .await
    }

    /// Clocks and ladders of exchanges.
    async fn tick_exchanges(&self) -> Result<usize, DoorError> {
        let now = self.time.now();
        let due = self.store.read(move |rows| due::exchanges(rows, now, STREAMS_MAX)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (by_mail, zone) = (self.mail.is_some(), self.zone);
        self.store.write(now, move |turn| tick_exchanges(turn, &due, zone, by_mail)).await
    }

    /// Clocks and ladders of incidents, with the partners that are still outstanding.
    async fn tick_incidents(&self) -> Result<usize, DoorError> {
        let now = self.time.now();
        let due = self.store.read(move |rows| due::incidents(rows, now, INCIDENTS_MAX)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (by_mail, zone) = (self.mail.is_some(), self.zone);
        self.store
            .write(now, move |turn| {
                let orders = Arc::new(due::orders(turn.rows(), zone, now)?);
                let mut ticked = 0;
                for id in due {
                    ticked += usize::from(tick_incident(turn, id, &orders, by_mail)?);
                }
                Ok::<_, DoorError>(ticked)
            })
            .await
    }

    /// Clocks and ladders of complaints.
    async fn tick_complaints(&self) -> Result<usize, DoorError> {
        let now = self.time.now();
        let due = self.store.read(move |rows| due::complaints(rows, now, COMPLAINTS_MAX)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (by_mail, zone) = (self.mail.is_some(), self.zone);
        self.store.write(now, move |turn| tick_complaints(turn, &due, zone, by_mail)).await
    }

    /// The quarter of an hour of a first word runs whether or not it can be sent. Says how many were noted.
    async fn note_first_words(&self) -> Result<usize, DoorError> {
        let elapsed = self.time.elapsed();
        let unnoted = self.store.read(|rows| outbox::unnoted(rows, NOTED_MAX)).await?;
        let noted = unnoted.len();
        if noted > 0 {
            self.store.write(self.time.now(), move |turn| outbox::note_waiting(turn, &unnoted, elapsed)).await?;
        }
        Ok(noted)
    }

    /// A first word without a receipt a quarter of an hour after it was queued is a person's turn.
    async fn alert_first_words(&self) -> Result<usize, DoorError> {
        let elapsed = self.time.elapsed();
        if self.store.read(move |rows| outbox::unreceipted(rows, elapsed, 1)).await?.is_empty() {
            return Ok(0);
        }
        self.store
            .write(self.time.now(), move |turn| {
                // Asked again in the turn that tells: a receipt may have come since.
                let late = outbox::unreceipted(turn.rows(), elapsed, ALERTS_MAX)?;
                let count = late.len();
                for item in late {
                    let (partner, message) = (Some(item.partner), Some(item.message));
                    alerts::raise(turn, AlertKind::NoReceipt, partner, item.exchange, None, message)?;
                    outbox::mark_alerted(turn, item.message)?;
                }
                Ok::<_, DoorError>(count)
            })
            .await
    }

    /// Sweeps what has expired, minds our keys, and signs a checkpoint of a ledger that grew; a few rows, now and then.
    async fn keep_house(&self) -> Result<(), DoorError> {
        let elapsed = self.time.elapsed();
        if !self.housekeeping.is_due(elapsed, HOUSEKEEPING_SECONDS) {
            return Ok(());
        }
        self.warn_of_keys();
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                people::sweep_sessions(turn, elapsed, SWEPT_MAX)?;
                forms::sweep(turn, elapsed, SWEPT_MAX)?;
                answers::sweep(turn, elapsed, SWEPT_MAX)?;
                posts::sweep(turn, SWEPT_MAX)?;
                rota::sweep(turn, SWEPT_MAX)?;
                links::sweep(turn, elapsed.plus_seconds(-LINKS_KEPT_SECONDS), SWEPT_MAX)?;
                ack_links::sweep(turn, elapsed, SWEPT_MAX)?;
                let newest = turn.newest_checkpoint()?;
                let old = newest.is_none_or(|newest| turn.now().seconds_since(newest.at) >= CHECKPOINT_SECONDS);
                if old {
                    keys.checkpoint(turn)?;
                }
                mind_keys(turn, &keys)?;
                mind_exercises(turn)?;
                Ok::<_, DoorError>(())
            })
            .await
    }
}

fn tick_exchanges(turn: &mut Turn<'_>, ids: &[ExchangeId], zone: Tz, by_mail: bool) -> Result<usize, DoorError> {
    let now = turn.now();
    let tick = exchange::Command::Tick { orders: Arc::new(due::orders(turn.rows(), zone, now)?) };
    let (mut changes, mut steps) = (Vec::new(), Vec::new());
    for (id, before) in readable(turn, ids)? {
        match exchange::decide(before.as_ref(), &tick, turn.now()) {
            Ok(events) if events.is_empty() => {}
            Ok(events) => {
                steps.extend(before.iter().flat_map(|before| ladder_mail::of_exchange(before, &events)));
                changes.push(Change::Exchange { id, before, events });
            }
            Err(refusal) => tracing::warn!(exchange = %id, %refusal, "passing time changed nothing"),
        }
    }
    let ticked = changes.len();
    turn.record(changes)?;
    if by_mail {
        ladder_mail::queue(turn, &steps)?;
    }
    Ok(ticked)
}

fn tick_complaints(turn: &mut Turn<'_>, ids: &[ComplaintId], zone: Tz, by_mail: bool) -> Result<usize, DoorError> {
    let now = turn.now();
    let tick = complaint::Command::Tick { orders: Arc::new(due::orders(turn.rows(), zone, now)?) };
    let (mut changes, mut steps) = (Vec::new(), Vec::new());
    for id in ids.iter().copied() {
        let before = match turn.complaint(id) {
            Ok(before) => before,
            // The others go on.
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(complaint = %id, %error, "a complaint could not be read; its clocks stand still");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match complaint::decide(before.as_ref(), &tick, now) {
            Ok(events) if events.is_empty() => {}
            Ok(events) => {
                steps.extend(before.iter().flat_map(|before| ladder_mail::of_complaint(before, &events)));
                changes.push(Change::Complaint { id, before, events });
            }
            Err(refusal) => tracing::warn!(complaint = %id, %refusal, "passing time changed nothing"),
        }
    }
    let ticked = changes.len();
    turn.record(changes)?;
    if by_mail {
        ladder_mail::queue(turn, &steps)?;
    }
    Ok(ticked)
}

/// The states of exchanges, without those that can't be read: they must not hold the others up.
fn readable(turn: &mut Turn<'_>, ids: &[ExchangeId]) -> Result<Vec<(ExchangeId, Option<Exchange>)>, StoreError> {
    match turn.exchanges(ids) {
        Err(StoreError::Corrupt { .. }) => {}
        states => return states,
    }
    let mut states = Vec::with_capacity(ids.len());
    for id in ids {
        match turn.exchange(*id) {
            Ok(state) => states.push((*id, state)),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(exchange = %id, %error, "an exchange could not be read; its clocks stand still");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(states)
}

fn tick_incident(turn: &mut Turn<'_>, id: IncidentId, orders: &Arc<Orders>, by_mail: bool) -> Result<bool, DoorError> {
    let before = match turn.incident(id) {
        Ok(Some(before)) => before,
        Ok(None) => return Ok(false),
        // Nothing is written yet, and the others go on.
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(incident = %id, %error, "an incident could not be read; its clocks stand still");
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let outstanding = due::outstanding(turn.rows(), id)?;
    match incident::decide(
        Some(&before),
        &incident::Command::Tick { outstanding, orders: Arc::clone(orders) },
        turn.now(),
    ) {
        Ok(decision) if decision.events.is_empty() => Ok(false),
        Ok(decision) => {
            for event in &decision.events {
                if let incident::Event::StepFired { kind, offset_minutes, partners, .. } = event {
                    tracing::info!(incident = %id, kind = kind.word(), offset_minutes, partners, "a ladder step fired");
                }
            }
            let steps = ladder_mail::of_incident(id, &before, &decision.events);
            turn.record(vec![Change::Incident { id, before: Some(before), events: decision.events }])?;
            if by_mail {
                ladder_mail::queue(turn, &steps)?;
            }
            Ok(true)
        }
        Err(refusal) => {
            tracing::warn!(incident = %id, %refusal, "passing time changed nothing");
            Ok(false)
        }
    }
}

/// Remembers when something was last done, in machine time; a clock that jumps back makes it due.
#[derive(Default)]
pub(super) struct LastDone(std::sync::Mutex<Option<Moment>>);

impl LastDone {
    pub(super) fn is_due(&self, elapsed: Moment, every_seconds: i64) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|last| !(0..every_seconds).contains(&elapsed.seconds_since(last)));
        if due {
            *last = Some(elapsed);
        }
        due
    }
}
