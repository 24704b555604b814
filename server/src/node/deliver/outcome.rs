//! Recording what attempts came to: many in one transaction, each only under the lease that claimed its item.

use std::sync::Arc;

use domain::delivery::{self, AlertKind as DeliveryAlert, Channel, Heard};
use domain::exchange;
use domain::values::{Digest32, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use serde_json::json;
use webhooks::receipt::VerifiedReceipt;
use webhooks::refusal::Refusal;

use super::Node;
use super::carry::Attempt;
use super::receipts::record_receipts;
use super::seal::Ready;
use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::loops::Causes;
use crate::node::receive::{Witnessed, keep_witnessed};
use crate::node::wire_body::our_digest;
use crate::node::{DoorError, catch_up, pairing};
use crate::store::alerts::{self, AlertKind};
use crate::store::outbox::{self, Claimed, Finished};
use crate::store::partners::Partner;
use crate::store::{Change, EntryKind, StoreError, Turn};

/// Outcomes in one transaction.
pub(super) const RECORDED_AT_ONCE: usize = 256;

/// An attempt that ended, with what follows.
pub(super) struct Landed {
    pub(super) ready: Ready,
    pub(super) attempt: Attempt,
    pub(super) next: delivery::Next,
    pub(super) witnessed: Option<Witnessed>,
    /// When it ended (machine time).
    pub(super) elapsed: Moment,
}

impl Landed {
    /// The attempt as the outbox records it.
    pub(super) fn finished(&self) -> Finished {
        let (attempt, claimed) = (&self.attempt, &self.ready.claimed);
        claimed.finished(attempt.heard, attempt.status, self.elapsed, attempt.took_ms, self.next)
    }
}

impl Node {
    /// Decides what follows an attempt, and judges what came with it: outside any turn.
    pub(super) async fn land(&self, ready: Ready, attempt: Attempt) -> Landed {
        let (now, elapsed) = (self.time.now(), self.time.elapsed());
        let claimed = &ready.claimed;
        let mut duty = claimed.duty(now);
        // Back-off counts machine seconds, of which fewer pass while duty time runs fast.
        let speed = i64::from(self.time.speed().max(1));
        duty.remaining_seconds = duty.remaining_seconds.map(|seconds| seconds / speed);
        let next = delivery::after(claimed.sent(), claimed.history(attempt.heard), attempt.heard, elapsed, duty);
        if let Some(error) = &attempt.disbelieved {
            tracing::warn!(partner = %ready.partner.id, message = %claimed.message, %error, "a receipt was not believed");
        }
        let witnessed = attempt
            .receipt
            .as_ref()
            .and_then(|receipt| self.witnessed(&ready.partner, &receipt.receipt().checkpoint, stated_at(receipt)));
        if attempt.conflict == Some(Refusal::SeqConflict)
            && let Err(error) = self.compare_numbers(ready.partner.id).await
        {
            tracing::warn!(%error, "a heartbeat to compare numbers could not be queued");
        }
        if next.send_manifest {
            // Perhaps another process on the same database replaced our keys.
            if let Err(error) = self.reload_keys().await {
                tracing::warn!(error = %Causes(&error), "our own keys could not be read again");
            }
            self.post_manifest(&ready.partner).await;
        }
        Landed { ready, attempt, next, witnessed, elapsed }
    }

    /// Records what landed: receipts, clocks, items, lanes, alerts. In one transaction; when that is refused, each in one of
    /// its own, so that one that can't be recorded holds nobody up.
    #[expect(clippy::vec_box, reason = "they come boxed from their flights, and are large")]
    pub(super) async fn record(&self, landed: Vec<Box<Landed>>) {
        if landed.is_empty() {
            return;
        }
        let landed = Arc::new(landed);
        let all = Arc::clone(&landed);
        let error = match self.store.write(self.time.now(), move |turn| record_all(turn, &all)).await {
            Ok(()) => {
                self.live.send_modify(|version| *version = version.wrapping_add(1));
                return;
            }
            Err(error) => error,
        };
        let lost = matches!(error, StoreError::Unavailable { .. } | StoreError::Busy | StoreError::Stopped);
        if lost || landed.len() == 1 {
            // The leases lapse and the messages are carried again: at least once, never lost.
            tracing::error!(error = %Causes(&error), outcomes = landed.len(), "outcomes could not be recorded");
            return;
        }
        for at in 0..landed.len() {
            let all = Arc::clone(&landed);
            let one =
                move |turn: &mut Turn<'_>| all.get(at).map_or(Ok(true), |landed| recorded(turn, landed)).map(|_| ());
            if let Err(error) = self.store.write(self.time.now(), one).await {
                tracing::error!(error = %Causes(&error), "an outcome could not be recorded");
            }
        }
        self.live.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Keeps a lane's first heartbeat and its receipt, and looks whether the partner remembers more than we do.
    pub(super) async fn record_greeting(
        &self,
        partner: &Partner,
        octets: String,
        receipt: VerifiedReceipt,
    ) -> Result<bool, StoreError> {
        let witnessed = self.witnessed(partner, &receipt.receipt().checkpoint, stated_at(&receipt));
        let partner = partner.id;
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                let subject = Some(partner.uuid());
                turn.append(EntryKind::SetSent, None, subject, octets.as_bytes())?;
                turn.append(EntryKind::ReceiptReceived, None, subject, receipt.set().octets().as_bytes())?;
                if let Some(witnessed) = &witnessed {
                    keep_witnessed(turn, partner, witnessed)?;
                }
                let stopped = compare_heads(turn, partner, &receipt)?;
                outbox::heard_from(turn, partner, elapsed)?;
                Ok(stopped)
            })
            .await
    }
}

impl Node {
    /// A person has looked at a lane that stopped because the partner remembers more of it than we do (a restored backup):
    /// it goes on behind what the partner holds (protocol §8).
    ///
    /// A partner that only asks is not called: what its last receipt said of its head counts.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] when the partner does not answer, so that nobody knows how far it
    /// got.
    pub async fn resume_lane(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        let partner = self.partner(id).await?;
        let hello = match &partner.push_url {
            Some(_) => {
                let hello = self.hello(&partner, (1, None), String::new()).await;
                Some(hello.ok_or(DoorError::Invalid("the partner does not answer now; try again later"))?)
            }
            None => None,
        };
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let lane = outbox::lane(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                let held = match &hello {
                    Some((octets, receipt)) => {
                        let subject = Some(id.uuid());
                        turn.append(EntryKind::SetSent, None, subject, octets.as_bytes())?;
                        turn.append(EntryKind::ReceiptReceived, None, subject, receipt.set().octets().as_bytes())?;
                        held(receipt)
                    }
                    None => outbox::held(turn.rows(), id)?,
                };
                outbox::resume_lane(turn, id, held.filter(|(seq, _)| *seq >= lane.next_seq))?;
                alerts::clear(turn, AlertKind::HistoryLost, Some(id), None)?;
                note(turn, &by, "lane_resumed", &json!({ "partner": id, "behind": held.map(|(seq, _)| seq) }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// The highest number of ours that the partner holds, as a receipt says, with the digest of its payload.
fn held(receipt: &VerifiedReceipt) -> Option<(i64, Digest32)> {
    let head = receipt.receipt().head;
    Some((i64::try_from(head.seq).ok()?, our_digest(head.payload_sha256?)))
}

/// When the partner signed a receipt, and with it stated its newest checkpoint.
fn stated_at(receipt: &VerifiedReceipt) -> Option<Moment> {
    Moment::from_unix_seconds(receipt.set().claims().iat).ok()
}

/// The transaction: receipts that came as they should together, everything else one by one.
fn record_all(turn: &mut Turn<'_>, landed: &[Box<Landed>]) -> Result<(), StoreError> {
    let together = record_receipts(turn, landed)?;
    for (at, one) in landed.iter().enumerate().filter(|(at, _)| !together.contains(at)) {
        if !recorded(turn, one)? {
            tracing::info!(partner = %one.ready.partner.id, at, "a late worker's outcome was passed over");
        }
    }
    Ok(())
}

/// One outcome. `false`: the lease was lost, and nothing changed but what a receipt proves.
fn recorded(turn: &mut Turn<'_>, landed: &Landed) -> Result<bool, StoreError> {
    let Landed { ready, attempt, next, witnessed, elapsed: _ } = landed;
    let claimed = &ready.claimed;
    let partner = ready.partner.id;
    if let Some(receipt) = &attempt.receipt {
        // A proof counts whoever holds the lease by now.
        record_receipt(turn, &ready.partner, claimed.message, claimed.exchange, receipt)?;
        if let Some(witnessed) = witnessed {
            keep_witnessed(turn, partner, witnessed)?;
        }
    }
    if attempt.heard == Heard::Accepted {
        record_acceptance(turn, claimed)?;
    }
    if let Some(kept) = &attempt.note {
        let subject = claimed.incident.map(IncidentId::uuid).or(claimed.exchange.map(ExchangeId::uuid));
        turn.append(EntryKind::OperatorAction, None, subject, kept.to_string().as_bytes())?;
    }
    catch_up::note_skew(turn, partner, claimed.kind, attempt.skew_seconds)?;
    let held = outbox::finish(turn, ready.lease, &landed.finished())?;
    if attempt.disbelieved.is_some() {
        alerts::raise(
            turn,
            AlertKind::BadReceipt,
            Some(partner),
            claimed.exchange,
            claimed.incident,
            Some(claimed.message),
        )?;
    }
    if attempt.conflict.is_some() {
        alerts::raise(
            turn,
            AlertKind::PeerConflict,
            Some(partner),
            claimed.exchange,
            claimed.incident,
            Some(claimed.message),
        )?;
    }
    // Whoever lost the lease no longer knows how the message stands.
    if let Some(alert) = next.alert.filter(|_| held) {
        let kind = match alert {
            DeliveryAlert::Unconfirmed => AlertKind::Unconfirmed,
            DeliveryAlert::Misdirected { .. } => match claimed.channel {
                Channel::Node => AlertKind::Misdirected,
                Channel::Webhook | Channel::Mail => AlertKind::NotTaken,
            },
            DeliveryAlert::Parked { .. } => AlertKind::Parked,
            DeliveryAlert::HeartbeatRefused { .. } => AlertKind::HeartbeatRefused,
        };
        alerts::raise(turn, kind, Some(partner), claimed.exchange, claimed.incident, Some(claimed.message))?;
    }
    Ok(held)
}

/// A webhook's server or a mail server took a message: nothing is proved, but the time to acknowledge runs (ruling 6).
fn record_acceptance(turn: &mut Turn<'_>, claimed: &Claimed) -> Result<(), StoreError> {
    let Some(id) = claimed.exchange else { return Ok(()) };
    let Some(before) = turn.exchange(id)? else { return Ok(()) };
    let command = exchange::Command::RecordAcceptance { message: claimed.message, at: turn.now() };
    match exchange::decide(Some(&before), &command, turn.now()) {
        Ok(events) => turn.record(vec![Change::Exchange { id, before: Some(before), events }]),
        Err(exchange::Refusal::NothingChanges) => Ok(()),
        Err(refusal) => {
            tracing::warn!(exchange = %id, %refusal, "an acceptance changed nothing");
            Ok(())
        }
    }
}

/// Keeps a verified receipt: its octets, the item's end, and what it means for the exchange's clocks. One that proves no
/// more than the one we hold is not kept again.
pub(in crate::node) fn record_receipt(
    turn: &mut Turn<'_>,
    partner: &Partner,
    message: MessageId,
    exchange: Option<ExchangeId>,
    receipt: &VerifiedReceipt,
) -> Result<(), StoreError> {
    let toe = Moment::from_unix_seconds(receipt.toe()).unwrap_or_else(|_| turn.now());
    let before = match exchange {
        Some(id) => turn.exchange(id)?,
        None => None,
    };
    let receipt_sha256 = our_digest(receipt.set().set_sha256());
    let command = exchange::Command::RecordReceipt { message, toe, receipt_sha256 };
    let decided = before.as_ref().map(|state| exchange::decide(Some(state), &command, turn.now()));
    if !matches!(decided, Some(Err(exchange::Refusal::NothingChanges))) {
        let subject =
            before.as_ref().map_or(partner.id.uuid(), |state| state.incident.map_or(state.id.uuid(), IncidentId::uuid));
        let octets = receipt.set().octets().as_bytes();
        let entry = turn.append(EntryKind::ReceiptReceived, None, Some(subject), octets)?;
        match (before, decided) {
            (Some(state), Some(Ok(events))) => {
                turn.record(vec![Change::Exchange { id: state.id, before: Some(state), events }])?;
            }
            (Some(state), Some(Err(refusal))) => {
                tracing::warn!(exchange = %state.id, %refusal, "a receipt changed nothing");
            }
            (None, _) | (_, None) => {}
        }
        outbox::receipted(turn, partner.id, message, entry, toe)?;
    } else if catch_up::is_another(turn, receipt)? {
        let subject = before.map(|state| state.incident.map_or(state.id.uuid(), IncidentId::uuid));
        let octets = receipt.set().octets().as_bytes();
        turn.append(EntryKind::ReceiptReceived, None, subject, octets)?;
    }
    compare_heads(turn, partner.id, receipt)?;
    if receipt.receipt().of.seq.is_none() {
        pairing::heartbeat_receipted(turn, partner)?;
    }
    Ok(())
}

/// A partner that holds a higher number of ours than we remember shows that we lost data: the lane stops until a person
/// has looked (protocol §8). Says whether it was so.
fn compare_heads(turn: &mut Turn<'_>, partner: PartnerId, receipt: &VerifiedReceipt) -> Result<bool, StoreError> {
    let lane = outbox::lane(turn.rows(), partner)?;
    let Some(next_seq) = lane.map(|lane| lane.next_seq.unsigned_abs()) else { return Ok(false) };
    catch_up::mend_loss(turn, partner, receipt, next_seq)?;
    let ahead = receipt.receipt().head.seq >= next_seq;
    if ahead {
        outbox::stop_lane(turn, partner, held(receipt))?;
        alerts::raise(turn, AlertKind::HistoryLost, Some(partner), None, None, None)?;
    }
    Ok(ahead)
}
