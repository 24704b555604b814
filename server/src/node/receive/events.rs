//! What each kind of message does to our record.

use domain::exchange::{self, Direction, Exchange, Receive, ReceiveContent};
use domain::values::{CaseId, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;
use webhooks::message::{Event, Head};
use webhooks::push::VerifiedSet;
use webhooks::receipt::{Expectation, match_receipt};
use webhooks::refusal::Refusal;

use super::Fresh;
use super::{Received, Witnessed, said};
use crate::node::keys::OnlineKeys;
use crate::node::wire_body::{self, our_digest, wire_digest};
use crate::node::{deliver, pairing};
use crate::store::alerts::{self, AlertKind};
use crate::store::inbox::{self, Sighting};
use crate::store::partners::Partner;
use crate::store::{Change, StoreError, Turn, outbox};

/// Where a message belongs.
pub(super) struct Effect {
    /// What its ledger entries are filed under: our incident, else the exchange.
    pub(super) subject: Option<Uuid>,
    pub(super) exchange: Option<ExchangeId>,
}

impl Effect {
    pub(super) const NONE: Self = Self { subject: None, exchange: None };

    pub(super) fn of(exchange: &Exchange) -> Self {
        let subject = exchange.incident.map_or(exchange.id.uuid(), IncidentId::uuid);
        Self { subject: Some(subject), exchange: Some(exchange.id) }
    }
}

/// The word of an event in the inbox.
pub(super) const fn word(event: &Event) -> &'static str {
    match event {
        Event::Notified(_) => "notified",
        Event::Updated(_) => "updated",
        Event::Withdrawn(_) => "withdrawn",
        Event::Acknowledged(_) => "acknowledged",
        Event::Message(_) => "message",
        Event::Filed(_) => "filed",
        Event::Verification(_) => "verification",
        Event::Receipt(_) => "receipt",
    }
}

/// Decides on a new message and records what follows. The inner error is a reason not to take it at all.
pub(super) fn decide(
    turn: &mut Turn<'_>,
    partner: &Partner,
    set: &VerifiedSet,
    fresh: &Fresh,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let message = MessageId::from_uuid(set.claims().jti);
    let case = match set.event() {
        Event::Verification(_) | Event::Receipt(_) => return Ok(Ok(Effect::NONE)),
        Event::Notified(_)
        | Event::Updated(_)
        | Event::Withdrawn(_)
        | Event::Acknowledged(_)
        | Event::Message(_)
        | Event::Filed(_) => match wire_body::case_of(set.claims()) {
            Some(case) => case,
            None => return Ok(Err("the case is not a UUID")),
        },
    };
    match set.event() {
        Event::Notified(notice) | Event::Updated(notice) => {
            let content = wire_body::notice_content(notice, case);
            receive(turn, partner, set, Place { case, message, fresh: *fresh }, content)
        }
        Event::Withdrawn(withdrawn) => {
            let claims = set.claims();
            let made_at = Moment::from_unix_seconds(claims.toe.unwrap_or(claims.iat)).unwrap_or_else(|_| turn.now());
            let content = wire_body::withdrawal_content(withdrawn, made_at);
            receive(turn, partner, set, Place { case, message, fresh: *fresh }, content)
        }
        Event::Acknowledged(said) => acknowledged(turn, partner, message, case, said),
        Event::Message(message) => said::message(turn, partner, case, set.claims(), message),
        Event::Filed(filed) => said::filed(turn, partner, case, set.claims(), filed),
        Event::Verification(_) | Event::Receipt(_) => Ok(Ok(Effect::NONE)),
    }
}

#[derive(Clone, Copy)]
struct Place {
    case: CaseId,
    message: MessageId,
    fresh: Fresh,
}

/// A notice, an update or a withdrawal.
fn receive(
    turn: &mut Turn<'_>,
    partner: &Partner,
    set: &VerifiedSet,
    place: Place,
    content: ReceiveContent,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let Place { case, message, fresh } = place;
    let known = inbox::exchange_of_case(turn, partner.id, Direction::Incoming, case)?;
    let id = known.unwrap_or(fresh.exchange);
    let before = match known {
        Some(id) => turn.exchange(id)?,
        None => None,
    };
    if before.is_none() && matches!(content, ReceiveContent::Withdrawal { .. }) {
        alerts::raise(turn, AlertKind::UnknownCase, Some(partner.id), None, None, Some(message))?;
    }
    let command = exchange::Command::Receive(Box::new(Receive {
        id,
        partner: partner.id,
        case,
        message,
        set_sha256: our_digest(set.set_sha256()),
        exercise: set.event().exercise(),
        law: fresh.law,
        content,
    }));
    match exchange::decide(before.as_ref(), &command, turn.now()) {
        Ok(events) => {
            let (after, first) = (events.iter().fold(before.clone(), exchange::evolve), before.is_none());
            turn.record(vec![Change::Exchange { id, before, events }])?;
            if first {
                said::place_waiting(turn, partner, case, id)?;
            }
            Ok(Ok(after.as_ref().map_or(Effect::NONE, Effect::of)))
        }
        Err(exchange::Refusal::ExerciseChanged) => Ok(Err("the exercise mark of a case cannot change")),
        // Stored and signed for all the same: our bookkeeping is no reason to deny what we hold.
        Err(refusal) => {
            tracing::warn!(exchange = %id, %refusal, "a partner's message was stored without effect");
            alerts::raise(turn, AlertKind::WithoutEffect, Some(partner.id), known, None, Some(message))?;
            Ok(Ok(before.as_ref().map_or(Effect::NONE, Effect::of)))
        }
    }
}

/// A named person at the partner has read our notice.
fn acknowledged(
    turn: &mut Turn<'_>,
    partner: &Partner,
    message: MessageId,
    case: CaseId,
    said: &webhooks::message::Acknowledged,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let Some(acknowledgement) = wire_body::acknowledgement(said) else {
        return Ok(Err("a name or an instant is not acceptable"));
    };
    let known = inbox::exchange_of_case(turn, partner.id, Direction::Outgoing, case)?;
    let Some((id, before)) = (match known {
        Some(id) => turn.exchange(id)?.map(|state| (id, state)),
        None => None,
    }) else {
        alerts::raise(turn, AlertKind::UnknownCase, Some(partner.id), None, None, Some(message))?;
        return Ok(Ok(Effect::NONE));
    };
    let effect = Effect::of(&before);
    let command = exchange::Command::RecordAcknowledgement { acknowledgement, message };
    match exchange::decide(Some(&before), &command, turn.now()) {
        Ok(events) => turn.record(vec![Change::Exchange { id, before: Some(before), events }])?,
        Err(refusal) => {
            tracing::warn!(exchange = %id, %refusal, "an acknowledgement was stored without effect");
            alerts::raise(turn, AlertKind::WithoutEffect, Some(partner.id), Some(id), None, Some(message))?;
        }
    }
    Ok(Ok(effect))
}

/// A receipt that came as a message of its own (protocol §8, poll). Answered by nothing.
pub(super) fn receipt(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    partner: &Partner,
    set: &VerifiedSet,
    elapsed: Moment,
) -> Result<Received, StoreError> {
    let Event::Receipt(stated) = set.event() else { return Ok(Received::AcceptedNoReceipt) };
    let message = MessageId::from_uuid(stated.of.jti);
    let Some(sent) = outbox::sent(turn.rows(), partner.id, message)? else {
        // A heartbeat is forgotten once it is receipted; its receipt may come again, because our answer was lost.
        if stated.of.seq.is_none() {
            return Ok(Received::AcceptedNoReceipt);
        }
        alerts::raise(turn, AlertKind::BadReceipt, Some(partner.id), None, None, Some(message))?;
        return Ok(Received::Refused(Refusal::BadEvent));
    };
    let mut versions: Vec<_> = sent.set_sha256.into_iter().map(wire_digest).collect();
    let mut since = sent.first_attempt_at;
    if let Some(octets) = outbox::sealed_octets(turn.rows(), message)? {
        versions.extend(keys.versions(&octets));
        since = wire_body::sent_since(&octets, since);
    }
    let expected = Expectation {
        jti: stated.of.jti,
        seq: sent.seq.map(i64::unsigned_abs),
        set_sha256: &versions,
        first_attempt: since.map_or(0, Moment::unix_seconds),
    };
    match match_receipt(set.clone(), &expected, turn.now().unix_seconds()) {
        Ok(receipt) => {
            deliver::record_receipt(turn, partner, message, sent.exchange, &receipt)?;
            outbox::poll::proven(turn, partner.id, message, elapsed)?;
            outbox::heard_from(turn, partner.id, elapsed)?;
            Ok(Received::AcceptedNoReceipt)
        }
        Err(error) => {
            tracing::warn!(partner = %partner.id, %message, %error, "a receipt was not believed");
            alerts::raise(turn, AlertKind::BadReceipt, Some(partner.id), None, None, Some(message))?;
            Ok(Received::Refused(Refusal::BadEvent))
        }
    }
}

/// A sign of life: its head may show that the tail of the sender's messages is missing here.
pub(super) fn heartbeat(
    turn: &mut Turn<'_>,
    partner: &Partner,
    head: Option<Head>,
    elapsed: Moment,
) -> Result<(), StoreError> {
    if let Some(head) = head {
        inbox::note_head(turn, partner.id, head.seq, elapsed)?;
    }
    pairing::heard_heartbeat(turn, partner)
}

/// Keeps a partner's checkpoint; one that goes back or contradicts an earlier one is a person's turn.
pub(in crate::node) fn keep_witnessed(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    witnessed: &Witnessed,
) -> Result<(), StoreError> {
    let Witnessed { stated_at, size, root, note } = witnessed;
    match inbox::keep_checkpoint_seen(turn, partner, *size, *root, note, *stated_at)? {
        Sighting::Consistent => Ok(()),
        Sighting::Shrunk | Sighting::Forked => {
            tracing::error!(%partner, size = witnessed.size, "a partner's ledger contradicts what it showed before");
            alerts::raise(turn, AlertKind::LedgerContradiction, Some(partner), None, None, None)
        }
    }
}
