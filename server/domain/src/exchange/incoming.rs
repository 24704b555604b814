//! A partner's notice to us: received, acknowledged by a person, taken over by an incident of ours.
//!
//! Receiving starts our own 72 hours when the partner says that it is a breach, or is still looking (ruling 9). It also
//! meets their contract clock, which we judge by the instant that our receipt gives them, so that both sides agree.

use super::decide::changed;
use super::withdrawal::{self, end_clocks};
use super::{
    Acknowledgement, Event, Exchange, Phase, Receive, ReceiveContent, ReceivedVersion, Refusal, Stance, StatedClock,
};
use crate::clock::{Anchor, Clock, ClockKind, Evidence};
use crate::clock_terms::Law;
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::values::{Actor, IncidentId, Line, MessageId, Moment};

/// The label under which the ids of our acknowledgements are derived.
const ACKNOWLEDGED: &str = "acknowledged";

/// The first message of a case. It may be the withdrawal, when that overtook the notice.
pub(super) fn receive_first(receive: &Receive, now: Moment) -> Vec<Event> {
    let mut events = vec![recorded(receive, now)];
    if let ReceiveContent::Notice { kind, clock, .. } = &receive.content {
        events.extend(clock.iter().flat_map(|stated| judged(stated, now, now)));
        events.extend(own_clock(*kind, receive.law, now));
    }
    events
}

/// A later message of a case. Whatever arrives is recorded; only the highest revision is current, and nothing is after a
/// withdrawal (protocol §11).
pub(super) fn receive(exchange: &Exchange, receive: &Receive, now: Moment) -> Result<Vec<Event>, Refusal> {
    if receive.exercise != exchange.exercise {
        return Err(Refusal::ExerciseChanged);
    }
    if exchange.received.iter().any(|version| version.message == receive.message) {
        return Err(Refusal::NothingChanges);
    }
    let mut events = vec![recorded(receive, now)];
    match &receive.content {
        ReceiveContent::Notice { revision, kind, clock, .. } if exchange.takes(*revision) => {
            events.extend(clock.iter().flat_map(|stated| restated(exchange, stated, now)));
            // An incident of ours that took the notice over decides by itself what is a breach.
            if exchange.ico_clock.is_none() && exchange.incident.is_none() {
                events.extend(own_clock(*kind, receive.law, now));
            }
        }
        ReceiveContent::Withdrawal { revision, reason, made_at } if exchange.takes(*revision) => {
            events.extend(end_clocks(exchange, *reason, withdrawal::stated(*made_at, now), now));
        }
        ReceiveContent::Notice { .. } | ReceiveContent::Withdrawal { .. } => {}
    }
    Ok(events)
}

fn recorded(receive: &Receive, now: Moment) -> Event {
    let version = |revision, phase| ReceivedVersion {
        revision,
        phase,
        message: receive.message,
        set_sha256: receive.set_sha256,
        at: now,
        made_at: None,
    };
    match &receive.content {
        ReceiveContent::Notice { revision, phase, kind, reference, clock } => Event::NoticeReceived {
            id: receive.id,
            partner: receive.partner,
            case: receive.case,
            exercise: receive.exercise,
            kind: *kind,
            reference: reference.clone(),
            stated: *clock,
            version: version(*revision, *phase),
        },
        ReceiveContent::Withdrawal { revision, reason, made_at } => Event::WithdrawalReceived {
            id: receive.id,
            partner: receive.partner,
            case: receive.case,
            exercise: receive.exercise,
            reason: *reason,
            version: ReceivedVersion {
                made_at: withdrawal::stated(*made_at, now),
                ..version(*revision, Phase::Withdrawal)
            },
        },
    }
}

/// Our ICO clock, when the partner does not rule a breach out (ruling 9).
fn own_clock(kind: IncidentKind, law: Law, now: Moment) -> Option<Event> {
    match kind {
        IncidentKind::Breach | IncidentKind::UnderInvestigation => {
            Some(Event::ClockStarted { clock: Clock::report(law, Anchor::NoticeReceived, now.floor_second()) })
        }
        IncidentKind::LikelyToGiveRise => None,
    }
}

/// Their contract clock, met by our receipt for what reached us at `received_at`.
fn judged(stated: &StatedClock, received_at: Moment, now: Moment) -> Vec<Event> {
    let clock = Clock::start(ClockKind::PartnerNotice, stated.anchor, stated.at.floor_second(), stated.hours);
    // The receipt's `toe`: whole seconds, rounded up (ruling 2).
    let toe = Moment::from_unix_seconds(received_at.unix_seconds_up()).unwrap_or(received_at);
    let met = clock.meet(toe, Evidence::SignedReceipt);
    [Event::ClockStarted { clock }].into_iter().chain(changed(ClockKind::PartnerNotice, met, now)).collect()
}

/// A newer revision may correct the anchor, or be the first to state a clock; the first one received still meets it.
fn restated(exchange: &Exchange, stated: &StatedClock, now: Moment) -> Vec<Event> {
    match &exchange.notice_clock {
        Some(clock) => {
            let change = clock.reanchor(stated.anchor, stated.at.floor_second());
            changed(ClockKind::PartnerNotice, change, now).into_iter().collect()
        }
        None => judged(stated, exchange.received.first().map_or(now, |first| first.at), now),
    }
}

/// What a person here says after reading.
pub(super) struct Read<'a> {
    pub(super) stance: Stance,
    pub(super) reference: Option<&'a Line>,
    pub(super) by: &'a Actor,
    pub(super) role: &'a Line,
    pub(super) deleted: bool,
}

/// Also after a withdrawal: a notice that reached the wrong partner is answered with "deleted".
pub(super) fn acknowledge(exchange: &Exchange, read: &Read<'_>, now: Moment) -> Result<Vec<Event>, Refusal> {
    let Read { stance, reference, by, role, deleted } = *read;
    if deleted && exchange.withdrawn != Some(WithdrawalReason::WrongRecipient) {
        return Err(Refusal::NothingToDelete);
    }
    let name = match by {
        Actor::Person { name, .. } => name.clone(),
        Actor::Console | Actor::Node | Actor::Partner { .. } => return Err(Refusal::PersonNeeded),
    };
    let acknowledgement = Acknowledgement {
        revision_seen: exchange.received.iter().map(|version| version.revision).max().unwrap_or(0),
        stance,
        reference: reference.cloned(),
        name,
        role: role.clone(),
        at: now.floor_second(),
        by_link: false,
        deleted,
    };
    let repeats =
        |last: &Acknowledgement| Acknowledgement { at: acknowledgement.at, ..last.clone() } == acknowledgement;
    if exchange.acknowledgements.last().is_some_and(repeats) {
        return Err(Refusal::NothingChanges);
    }
    let number = u32::try_from(exchange.acknowledgements.len()).unwrap_or(u32::MAX).saturating_add(1);
    let message = MessageId::derive(exchange.id, ACKNOWLEDGED, number);
    Ok(vec![Event::AcknowledgementQueued { message, acknowledgement, at: now, by: by.clone() }])
}

/// The caller passes the ICO clock, as it stood before, to the incident that takes it over.
pub(super) fn link(exchange: &Exchange, incident: IncidentId, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    if exchange.incident.is_some() {
        return Err(Refusal::AlreadyLinked);
    }
    Ok(vec![Event::Linked { incident, at: now, by: by.clone() }])
}

impl Exchange {
    /// The highest revision of their notice, withdrawals apart.
    pub(super) fn newest_notice(&self) -> Option<u32> {
        let notices = self.received.iter().filter(|version| version.phase != Phase::Withdrawal);
        notices.map(|version| version.revision).max()
    }

    /// Whether a revision that arrives now is current.
    pub(super) fn takes(&self, revision: u32) -> bool {
        self.withdrawn.is_none() && self.newest_notice().is_none_or(|newest| revision > newest)
    }
}
