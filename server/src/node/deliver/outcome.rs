//! Recording what an attempt came to: one transaction per outcome, and only under the lease that claimed the item.

use domain::delivery::{self, AlertKind as DeliveryAlert};
use domain::exchange;
use domain::values::{ExchangeId, MessageId, Moment, PartnerId};
use serde_json::json;
use webhooks::receipt::VerifiedReceipt;

use super::Node;
use super::carry::Attempt;
use super::seal::Ready;
use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::loops::Causes;
use crate::node::receive::{Witnessed, keep_witnessed};
use crate::node::wire_body::our_digest;
use crate::node::{DoorError, pairing};
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::Partner;
use crate::store::{Change, EntryKind, StoreError, Turn, outbox};

impl Node {
    /// Records an attempt: receipt, clock, item, lane, alerts.
    pub(super) async fn record(&self, ready: Ready, attempt: Attempt) -> Result<(), StoreError> {
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
        let partner = ready.partner.clone();
        let recorded = self
            .store
            .write(now, move |turn| recorded(turn, &ready, &attempt, next, witnessed.as_ref(), elapsed))
            .await?;
        if recorded {
            self.changed();
        } else {
            tracing::info!(partner = %partner.id, "a late worker's outcome was passed over");
        }
        if next.send_manifest {
            // Perhaps another process on the same database replaced our keys.
            if let Err(error) = self.reload_keys().await {
                tracing::warn!(error = %Causes(&error), "our own keys could not be read again");
            }
            self.post_manifest(&partner).await;
        }
        Ok(())
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
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] when the partner does not answer, so that nobody knows how far it
    /// got.
    pub async fn resume_lane(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        let partner = self.partner(id).await?;
        let hello = self.hello(&partner, (1, None), String::new()).await;
        let (octets, receipt) = hello.ok_or(DoorError::Invalid("the partner does not answer now; try again later"))?;
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let head = receipt.receipt().head;
                let subject = Some(id.uuid());
                turn.append(EntryKind::SetSent, None, subject, octets.as_bytes())?;
                turn.append(EntryKind::ReceiptReceived, None, subject, receipt.set().octets().as_bytes())?;
                let lane = outbox::lane(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                let after = match (i64::try_from(head.seq), head.payload_sha256) {
                    (Ok(seq), Some(payload)) if seq >= lane.next_seq => Some((seq, our_digest(payload))),
                    (Ok(_) | Err(_), _) => None,
                };
                outbox::resume_lane(turn, id, after)?;
                alerts::clear(turn, AlertKind::HistoryLost, Some(id), None)?;
                note(turn, &by, "lane_resumed", &json!({ "partner": id, "behind": head.seq }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// When the partner signed a receipt, and with it stated its newest checkpoint.
fn stated_at(receipt: &VerifiedReceipt) -> Option<Moment> {
    Moment::from_unix_seconds(receipt.set().claims().iat).ok()
}

/// The transaction. `false`: the lease was lost, and nothing changed but what a receipt proves.
fn recorded(
    turn: &mut Turn<'_>,
    ready: &Ready,
    attempt: &Attempt,
    next: delivery::Next,
    witnessed: Option<&Witnessed>,
    elapsed: Moment,
) -> Result<bool, StoreError> {
    let claimed = &ready.claimed;
    let partner = ready.partner.id;
    if let Some(receipt) = &attempt.receipt {
        // A proof counts whoever holds the lease by now.
        record_receipt(turn, &ready.partner, claimed.message, claimed.exchange, receipt)?;
        if let Some(witnessed) = witnessed {
            keep_witnessed(turn, partner, witnessed)?;
        }
    }
    let finished = claimed.finished(attempt.heard, attempt.status, elapsed, attempt.took_ms, next);
    let held = outbox::finish(turn, ready.lease, &finished)?;
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
    if let Some(alert) = next.alert {
        let kind = match alert {
            DeliveryAlert::Unconfirmed => AlertKind::Unconfirmed,
            DeliveryAlert::Misdirected { .. } => AlertKind::Misdirected,
            DeliveryAlert::Parked { .. } => AlertKind::Parked,
        };
        alerts::raise(turn, kind, Some(partner), claimed.exchange, claimed.incident, Some(claimed.message))?;
    }
    Ok(held)
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
        let subject = before.as_ref().map_or(partner.id.uuid(), |state| {
            state.incident.map_or(state.id.uuid(), domain::values::IncidentId::uuid)
        });
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
    let ahead = lane.is_some_and(|lane| receipt.receipt().head.seq >= lane.next_seq.unsigned_abs());
    if ahead {
        outbox::stop_lane(turn, partner, "head_ahead")?;
        alerts::raise(turn, AlertKind::HistoryLost, Some(partner), None, None, None)?;
    }
    Ok(ahead)
}
