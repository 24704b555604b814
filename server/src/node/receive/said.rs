//! What a partner message about a case, or a filing, does to our record.
//!
//! Both are kept and signed for whatever they do: our bookkeeping is no reason to deny what we hold. A person is told that
//! there is something to read until somebody has read it.

use domain::exchange::{self, Direction, Exchange, Refusal};
use domain::values::{CaseId, ExchangeId, MessageId};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::message::{Event, Filed, Message};
use webhooks::set::{Claims, check_claims};

use super::events::Effect;
use crate::node::wire_body;
use crate::store::alerts::{self, AlertKind};
use crate::store::inbox;
use crate::store::inbox::unplaced::{self, Unplaced};
use crate::store::partners::Partner;
use crate::store::{Change, StoreError, Turn};

/// A message about a case. The inner error is a reason not to take it at all.
pub(super) fn message(
    turn: &mut Turn<'_>,
    partner: &Partner,
    case: CaseId,
    claims: &Claims,
    said: &Message,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let Some(heard) = wire_body::heard(claims, said) else {
        return Ok(Err("a text or an instant is not acceptable"));
    };
    let command = exchange::Command::Hear(Box::new(heard));
    hear(turn, partner, (case, MessageId::from_uuid(claims.jti)), &command, AlertKind::MessageUnread)
}

/// The partner reported the case to a regulator.
pub(super) fn filed(
    turn: &mut Turn<'_>,
    partner: &Partner,
    case: CaseId,
    claims: &Claims,
    filed: &Filed,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let Some(heard) = wire_body::heard_filed(claims, filed) else {
        return Ok(Err("a text or an instant is not acceptable"));
    };
    let command = exchange::Command::HearFiled(Box::new(heard));
    hear(turn, partner, (case, MessageId::from_uuid(claims.jti)), &command, AlertKind::PartnerFiled)
}

fn hear(
    turn: &mut Turn<'_>,
    partner: &Partner,
    (case, message): (CaseId, MessageId),
    command: &exchange::Command,
    alert: AlertKind,
) -> Result<Result<Effect, &'static str>, StoreError> {
    let Some(before) = exchange_of(turn, partner, case)? else {
        alerts::raise(turn, AlertKind::UnknownCase, Some(partner.id), None, None, Some(message))?;
        return Ok(Ok(Effect::NONE));
    };
    let (id, incident, effect) = (before.id, before.incident, Effect::of(&before));
    match exchange::decide(Some(&before), command, turn.now()) {
        Ok(events) => {
            turn.record(vec![Change::Exchange { id, before: Some(before), events }])?;
            alerts::raise(turn, alert, Some(partner.id), Some(id), incident, Some(message))?;
        }
        Err(Refusal::ExerciseChanged) => return Ok(Err("the exercise mark of a case cannot change")),
        Err(refusal) => {
            tracing::warn!(exchange = %id, %refusal, "a partner's message was stored without effect");
            alerts::raise(turn, AlertKind::WithoutEffect, Some(partner.id), Some(id), incident, Some(message))?;
        }
    }
    Ok(Ok(effect))
}

/// A case is known from now on: what came before its notice does now what it would have done.
pub(super) fn place_waiting(
    turn: &mut Turn<'_>,
    partner: &Partner,
    case: CaseId,
    exchange: ExchangeId,
) -> Result<(), StoreError> {
    for Unplaced { message: id, case: noted, octets } in unplaced::of(turn, partner.id, case)? {
        let read = read(&octets);
        let of = read.as_ref().and_then(|(claims, _)| wire_body::case_of(claims));
        if noted.is_none() {
            unplaced::note(turn, partner.id, id, of)?;
        }
        let Some((claims, event)) = read.filter(|_| of == Some(case)) else { continue };
        let done = match event {
            Event::Message(said) => message(turn, partner, case, &claims, &said)?,
            Event::Filed(told) => filed(turn, partner, case, &claims, &told)?,
            Event::Notified(_)
            | Event::Updated(_)
            | Event::Withdrawn(_)
            | Event::Acknowledged(_)
            | Event::Verification(_)
            | Event::Receipt(_) => continue,
        };
        match done {
            Ok(_) => {
                unplaced::place(turn, partner.id, id, exchange)?;
                alerts::clear(turn, AlertKind::UnknownCase, Some(partner.id), Some(id))?;
            }
            // It is signed for already, and stays what it was: a message that belongs nowhere.
            Err(why) => tracing::warn!(partner = %partner.id, message = %id, why, "a message does not fit its case"),
        }
    }
    Ok(())
}

/// Claims and event of octets that were verified before they were stored.
fn read(octets: &[u8]) -> Option<(Claims, Event)> {
    let payload = CompactToken::parse(octets, TokenType::Set).ok()?.payload_object().ok()?;
    let aud = payload.get("aud")?;
    let own_issuer = aud.as_str().or_else(|| aud.as_array()?.first()?.as_str())?;
    let checked = check_claims(&payload, own_issuer, i64::MAX).ok()?;
    let event = Event::parse(&checked.event_name, &checked.event_body).ok()?;
    Some((checked.claims, event))
}

/// The case as we tell it, or as they do.
fn exchange_of(turn: &mut Turn<'_>, partner: &Partner, case: CaseId) -> Result<Option<Exchange>, StoreError> {
    for direction in [Direction::Outgoing, Direction::Incoming] {
        if let Some(id) = inbox::exchange_of_case(turn, partner.id, direction, case)? {
            return turn.exchange(id);
        }
    }
    Ok(None)
}
