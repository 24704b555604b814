//! What a partner message about a case, or a filing, does to our record.
//!
//! Both are kept and signed for whatever they do: our bookkeeping is no reason to deny what we hold. A person is told that
//! there is something to read until somebody has read it.

use domain::exchange::{self, Direction, Exchange, Refusal};
use domain::values::{CaseId, MessageId};
use webhooks::message::{Filed, Message};
use webhooks::set::Claims;

use super::events::Effect;
use crate::node::wire_body;
use crate::store::alerts::{self, AlertKind};
use crate::store::inbox;
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

/// The case as we tell it, or as they do.
fn exchange_of(turn: &mut Turn<'_>, partner: &Partner, case: CaseId) -> Result<Option<Exchange>, StoreError> {
    for direction in [Direction::Outgoing, Direction::Incoming] {
        if let Some(id) = inbox::exchange_of_case(turn, partner.id, direction, case)? {
            return turn.exchange(id);
        }
    }
    Ok(None)
}
