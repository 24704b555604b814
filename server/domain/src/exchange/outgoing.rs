//! Our notices to a partner: opened, told, corrected, withdrawn; and what proves that they were told.
//!
//! The notice clock is met by a receipt for any revision of the notice, by a recorded call, or by the partner's own
//! acknowledgement, at the instant of that evidence (rulings 4 and 6). None of them ends a delivery but its own receipt
//! (ruling 7).

use super::decide::{changed, undated_changed};
use super::withdrawal::end_clocks;
use super::{
    Acknowledgement, BACKDATE_SECONDS_MAX, Call, Event, Exchange, Notice, NoticeDelivery, Open, Phase, Refusal,
    StatedClock,
};
use crate::clock::{Anchor, Clock, ClockKind, Evidence};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::undated::{Undated, UndatedDuty};
use crate::values::{Actor, ExchangeId, LongText, MessageId, Moment};

/// The label under which the ids of notices are derived.
const NOTICE: &str = "notice";

/// What a newer snapshot says.
pub(super) struct Told<'a> {
    pub(super) facts_version: u32,
    pub(super) kind: IncidentKind,
    pub(super) anchor: Anchor,
    pub(super) anchored_at: Moment,
    pub(super) anchor_reason: Option<&'a LongText>,
}

pub(super) fn open(open: &Open, now: Moment) -> Vec<Event> {
    let anchored_at = open.anchored_at.floor_second();
    let (kind, agreed) = (ClockKind::PartnerNotice, open.terms.notice_hours);
    // Without hours the law's words stand: "without undue delay" (UK GDPR Article 33(2)).
    let undated = agreed.is_none().then(|| Undated::start(UndatedDuty::ControllerTold, open.anchor, anchored_at));
    let clock = match agreed {
        Some(hours) => Some(Clock::start(kind, open.anchor, anchored_at, hours)),
        None => open.own_target.map(|hours| Clock::target(kind, open.anchor, anchored_at, hours)),
    };
    let first = open.queue.map(|facts_version| Event::NoticeQueued {
        notice: notice(open.id, 1, Phase::Initial, facts_version),
        kind: open.kind,
        stated: clock.as_ref().and_then(stated),
        anchor_reason: None,
        at: now,
    });
    let opened = Event::Opened {
        id: open.id,
        partner: open.partner,
        case: open.case,
        reference: open.reference.clone(),
        incident: open.incident,
        exercise: open.exercise,
        kind: open.kind,
        terms: open.terms.clone(),
        clock,
        undated,
        at: now,
    };
    [opened].into_iter().chain(first).collect()
}

fn notice(exchange: ExchangeId, revision: u32, phase: Phase, facts_version: u32) -> Notice {
    let message = MessageId::derive(exchange, NOTICE, revision);
    Notice { revision, phase, message, facts_version, delivery: NoticeDelivery::Queued }
}

/// The clock as the notice states it, so that both sides compute the same due instant. A target of our own is nobody
/// else's business.
fn stated(clock: &Clock) -> Option<StatedClock> {
    let agreed = StatedClock { anchor: clock.anchor, at: clock.anchored_at, hours: clock.hours };
    (!clock.own_target).then_some(agreed)
}

pub(super) fn queue(
    exchange: &Exchange,
    facts_version: u32,
    kind: IncidentKind,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_stand(exchange)?;
    if !exchange.notices.is_empty() {
        return Ok(Vec::new());
    }
    let stated = exchange.notice_clock.as_ref().and_then(stated);
    let notice = notice(exchange.id, 1, Phase::Initial, facts_version);
    Ok(vec![Event::NoticeQueued { notice, kind, stated, anchor_reason: None, at: now }])
}

/// A held notice has nothing to update, but its clock moves. Otherwise the partner is told when anything differs from
/// what they were told last.
pub(super) fn update(exchange: &Exchange, told: &Told<'_>, now: Moment) -> Result<Vec<Event>, Refusal> {
    must_stand(exchange)?;
    let anchored_at = told.anchored_at.floor_second();
    let change = exchange.notice_clock.as_ref().and_then(|clock| clock.reanchor(told.anchor, anchored_at));
    let after = exchange.notice_clock.clone().map(|clock| change.iter().fold(clock, Clock::evolve));
    let undated = exchange.undated.as_ref().filter(|owed| owed.is_open());
    let shifted = undated.and_then(|owed| owed.moved(told.anchor, anchored_at));
    let moved = change.is_some() || shifted.is_some();
    let mut events: Vec<Event> = changed(ClockKind::PartnerNotice, change, now).into_iter().collect();
    events.extend(undated_changed(shifted, now));
    if let Some(last) = exchange.notices.last() {
        let newer = told.facts_version > last.facts_version;
        if newer || moved || told.kind != exchange.kind {
            let facts_version = told.facts_version.max(last.facts_version);
            events.push(Event::NoticeQueued {
                notice: notice(exchange.id, last.revision.saturating_add(1), Phase::Update, facts_version),
                kind: told.kind,
                stated: after.as_ref().and_then(stated),
                anchor_reason: told.anchor_reason.filter(|_| moved).cloned(),
                at: now,
            });
        }
    }
    Ok(events)
}

fn must_stand(exchange: &Exchange) -> Result<(), Refusal> {
    if exchange.withdrawn.is_some() { Err(Refusal::Withdrawn) } else { Ok(()) }
}

/// The withdrawal is carried like any notice, also while earlier ones still are: they may arrive first.
pub(super) fn withdraw(
    exchange: &Exchange,
    reason: WithdrawalReason,
    note: Option<&LongText>,
    now: Moment,
) -> Vec<Event> {
    if exchange.withdrawn.is_some() {
        return Vec::new();
    }
    let mut events = vec![match exchange.notices.last() {
        Some(last) => Event::WithdrawalQueued {
            notice: notice(exchange.id, last.revision.saturating_add(1), Phase::Withdrawal, 0),
            reason,
            note: note.cloned(),
            at: now,
        },
        None => Event::WithdrawnUnsent { reason, at: now },
    }];
    events.extend(end_clocks(exchange, reason, None, now));
    events
}

/// What a receipt for a notice, in any revision, proves.
pub(super) fn told_by_receipt(exchange: &Exchange, toe: Moment, now: Moment) -> Vec<Event> {
    let met = exchange.notice_clock.as_ref().and_then(|clock| clock.meet(toe, Evidence::SignedReceipt));
    let mut events: Vec<Event> = changed(ClockKind::PartnerNotice, met, now).into_iter().collect();
    events.extend(controller_told(exchange, toe, Evidence::SignedReceipt, now));
    events.extend(start_acknowledgement(exchange, Anchor::Receipt, toe, now));
    events
}

/// What evidence that the partner was told does to the duty to tell a controller for whom we process.
fn controller_told(exchange: &Exchange, at: Moment, evidence: Evidence, now: Moment) -> Option<Event> {
    undated_changed(exchange.undated.as_ref().and_then(|owed| owed.done(at, evidence)), now)
}

/// What a webhook's or a mail server's acceptance of a notice starts. It meets nothing.
pub(super) fn taken(exchange: &Exchange, at: Moment, now: Moment) -> Vec<Event> {
    start_acknowledgement(exchange, Anchor::Accepted, at, now)
}

/// The acknowledgement clock starts at the first instant at which the partner was told (ruling 6): evidence of an
/// earlier one moves it there. An acknowledgement that came before that evidence meets it at once.
fn start_acknowledgement(exchange: &Exchange, anchor: Anchor, at: Moment, now: Moment) -> Vec<Event> {
    let at = at.floor_second();
    let kind = ClockKind::PartnerAcknowledgement;
    match (&exchange.acknowledgement_clock, &exchange.terms) {
        (Some(clock), _) if at < clock.anchored_at => {
            changed(kind, clock.reanchor(anchor, at), now).into_iter().collect()
        }
        (None, Some(terms)) if exchange.withdrawn.is_none() => {
            let clock = Clock::start(kind, anchor, at, terms.acknowledgement_hours);
            let early = exchange.acknowledgements.first();
            let met = early.and_then(|it| clock.meet(evidenced(it, &clock, now), evidence(it)));
            [Event::ClockStarted { clock }].into_iter().chain(changed(kind, met, now)).collect()
        }
        (Some(_), _) | (None, Some(_) | None) => Vec::new(),
    }
}

/// The instant of an acknowledgement as evidence. The partner states it; it counts no earlier than the duty began and no
/// later than we heard of it.
fn evidenced(acknowledgement: &Acknowledgement, clock: &Clock, now: Moment) -> Moment {
    acknowledgement.at.min(now).max(clock.anchored_at)
}

/// Signed by the partner's node, or given through a link (ruling 6).
const fn evidence(acknowledgement: &Acknowledgement) -> Evidence {
    if acknowledgement.by_link { Evidence::LinkAcknowledgement } else { Evidence::SignedAcknowledgement }
}

/// The acknowledgement also proves that they were told, should every receipt be missing.
pub(super) fn record_acknowledgement(
    exchange: &Exchange,
    acknowledgement: &Acknowledgement,
    message: MessageId,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    // The same words as the last ones; after others they say that somebody went back to them.
    if exchange.acknowledgements.last() == Some(acknowledgement) {
        return Err(Refusal::NothingChanges);
    }
    let mut events = vec![Event::Acknowledged { acknowledgement: acknowledgement.clone(), message, at: now }];
    let clocks = [&exchange.notice_clock, &exchange.acknowledgement_clock].into_iter().flatten();
    for clock in clocks.filter(|clock| clock.is_open()) {
        let met = clock.meet(evidenced(acknowledgement, clock, now), evidence(acknowledgement));
        events.extend(changed(clock.kind, met, now));
    }
    if let Some(owed) = exchange.undated.as_ref().filter(|owed| owed.is_open()) {
        let at = acknowledgement.at.min(now).max(owed.since);
        events.extend(controller_told(exchange, at, evidence(acknowledgement), now));
    }
    Ok(events)
}

/// A recorded call or meeting. It ends the notice clock, never a delivery.
pub(super) fn record_call(exchange: &Exchange, call: &Call, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    if call.at > now {
        return Err(Refusal::InFuture);
    }
    let since = exchange.notice_clock.as_ref().map(|clock| clock.anchored_at);
    if since.or_else(|| exchange.undated.as_ref().map(|owed| owed.since)).is_some_and(|since| call.at < since) {
        return Err(Refusal::BeforeAnchor);
    }
    let backdated = call.at.plus_seconds(BACKDATE_SECONDS_MAX) < now;
    if backdated && call.backdate_reason.is_none() {
        return Err(Refusal::ReasonMissing);
    }
    let mut events = vec![Event::CallRecorded { call: call.clone(), backdated, at: now, by: by.clone() }];
    let met = exchange.notice_clock.as_ref().and_then(|clock| clock.meet(call.at, Evidence::RecordedCall));
    events.extend(changed(ClockKind::PartnerNotice, met, now));
    events.extend(controller_told(exchange, call.at, Evidence::RecordedCall, now));
    events.extend(start_acknowledgement(exchange, Anchor::RecordedCall, call.at, now));
    Ok(events)
}
