//! The fold of an exchange's stream. Total: it only records, never refuses and never looks at the time.

use super::{
    AcknowledgementMessage, Asked, Direction, Event, Exchange, Filing, Notice, NoticeDelivery, Phase, ReceivedVersion,
    Said, SaidMark, Survives, ToldFiling, WithdrawnAt,
};
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::facts::IncidentKind;
use crate::incident::{WithdrawalReason, with_ladder};
use crate::reliance::Relied;
use crate::undated::{Undated, UndatedChange};
use crate::values::{CaseId, ExchangeId, Line, MessageId, Moment, PartnerId};

/// The state after a stream of events; `None` when there were none.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Exchange> {
    events.into_iter().fold(None, evolve)
}

/// The state after one more event. An event that no first one came before changes nothing: a fold may start after erased
/// contents (ruling 16).
#[must_use]
pub fn evolve(state: Option<Exchange>, event: &Event) -> Option<Exchange> {
    if let Event::Anonymised { survives, .. } = event {
        return Some(survivor(survives));
    }
    Some(state.or_else(|| begun(event))?.after(event))
}

/// The exchange that a stream's first event begins, before that event is recorded in it.
fn begun(event: &Event) -> Option<Exchange> {
    match event {
        Event::Opened { id, partner, case, reference, incident, exercise, kind, terms, .. } => {
            let mut exchange = empty(*id, *partner, *case, Direction::Outgoing, reference.clone());
            exchange.incident = Some(*incident);
            exchange.exercise = *exercise;
            exchange.kind = *kind;
            exchange.terms = Some(terms.clone());
            Some(exchange)
        }
        Event::NoticeReceived { id, partner, case, exercise, kind, reference, .. } => {
            let mut exchange = empty(*id, *partner, *case, Direction::Incoming, reference.clone());
            exchange.exercise = *exercise;
            exchange.kind = *kind;
            Some(exchange)
        }
        // A withdrawal that overtook its notice: their reference is not known yet, so the case stands for it.
        Event::WithdrawalReceived { id, partner, case, exercise, .. } => {
            let reference = Line::parse(&case.to_string()).ok()?;
            let mut exchange = empty(*id, *partner, *case, Direction::Incoming, reference);
            exchange.exercise = *exercise;
            Some(exchange)
        }
        Event::NoticeQueued { .. }
        | Event::WithdrawalQueued { .. }
        | Event::WithdrawnUnsent { .. }
        | Event::Receipted { .. }
        | Event::ClockStarted { .. }
        | Event::ClockChanged { .. }
        | Event::Acknowledged { .. }
        | Event::CallRecorded { .. }
        | Event::Abandoned { .. }
        | Event::AcknowledgementQueued { .. }
        | Event::Linked { .. }
        | Event::StepFired { .. }
        | Event::TakenInHand { .. }
        | Event::Ladder { .. }
        | Event::Accepted { .. }
        | Event::MessageQueued { .. }
        | Event::MessageReceived { .. }
        | Event::MessageRead { .. }
        | Event::AssistanceChanged { .. }
        | Event::FiledQueued { .. }
        | Event::FiledReceived { .. }
        | Event::RelianceAccepted { .. }
        | Event::UndatedChanged { .. }
        | Event::Anonymised { .. } => None,
    }
}

const fn empty(id: ExchangeId, partner: PartnerId, case: CaseId, direction: Direction, reference: Line) -> Exchange {
    Exchange {
        id,
        partner,
        case,
        direction,
        incident: None,
        exercise: false,
        reference,
        kind: IncidentKind::UnderInvestigation,
        terms: None,
        notices: Vec::new(),
        received: Vec::new(),
        notice_clock: None,
        undated: None,
        acknowledgement_clock: None,
        ico_clock: None,
        ladders: Vec::new(),
        acknowledgements: Vec::new(),
        acknowledgement_messages: Vec::new(),
        calls: Vec::new(),
        said: Vec::new(),
        asked: Vec::new(),
        filings: Vec::new(),
        reliance: None,
        withdrawn: None,
        withdrawn_at: None,
        anonymised: false,
    }
}

fn survivor(survives: &Survives) -> Exchange {
    Exchange {
        incident: survives.incident,
        exercise: survives.exercise,
        kind: survives.kind,
        notice_clock: survives.notice_clock.clone(),
        undated: survives.undated.clone(),
        acknowledgement_clock: survives.acknowledgement_clock.clone(),
        ico_clock: survives.ico_clock.clone(),
        withdrawn: survives.withdrawn,
        asked: survives.asked.clone(),
        anonymised: true,
        ..empty(survives.id, survives.partner, survives.case, survives.direction, survives.reference.clone())
    }
}

impl Exchange {
    pub(super) fn after(mut self, event: &Event) -> Self {
        match event {
            Event::Opened { clock, undated, .. } => self.open(clock.as_ref(), undated.as_ref()),
            Event::ClockStarted { clock } => self.start_clock(clock),
            Event::UndatedChanged { change, .. } => self.change_undated(change),
            Event::NoticeQueued { notice, kind, .. } => {
                self.notices.push(notice.clone());
                self.kind = *kind;
            }
            Event::WithdrawalQueued { notice, reason, at, .. } => {
                self.notices.push(notice.clone());
                // Said again, it was withdrawn when it was said first.
                self.withdrawn.get_or_insert(*reason);
                self.withdrawn_at.get_or_insert(WithdrawnAt::ours(*at));
            }
            Event::WithdrawnUnsent { reason, .. } => self.withdrawn = Some(*reason),
            Event::Receipted { message, toe, .. } => self.receipt(*message, *toe),
            Event::Abandoned { message, .. } => self.deliver(*message, &NoticeDelivery::Abandoned),
            Event::ClockChanged { kind, change, .. } => self.change_clock(*kind, change),
            Event::Acknowledged { acknowledgement, .. } => self.acknowledgements.push(acknowledgement.clone()),
            Event::AcknowledgementQueued { message, acknowledgement, .. } => {
                self.acknowledgements.push(acknowledgement.clone());
                let delivery = NoticeDelivery::Queued;
                self.acknowledgement_messages.push(AcknowledgementMessage { message: *message, delivery });
            }
            Event::CallRecorded { call, .. } => self.calls.push(call.clone()),
            Event::NoticeReceived { kind, reference, version, .. } => {
                if self.newest_notice().is_none_or(|newest| version.revision > newest) {
                    self.kind = *kind;
                    self.reference = reference.clone();
                }
                self.received.push(version.clone());
            }
            Event::WithdrawalReceived { reason, version, .. } => self.withdraw(*reason, version),
            Event::Linked { incident, .. } => {
                self.incident = Some(*incident);
                self.ico_clock = None;
                self.ladders.iter_mut().for_each(|ladder| ladder.ended = true);
            }
            Event::StepFired { kind, due, offset_minutes, reached, .. } => {
                with_ladder(&mut self.ladders, *kind, *due, |ladder| ladder.fire(*offset_minutes, reached));
            }
            Event::TakenInHand { kind, due, at, by } => {
                with_ladder(&mut self.ladders, *kind, *due, |ladder| ladder.take(by, *at));
            }
            Event::Ladder { change, by, .. } => {
                with_ladder(&mut self.ladders, change.kind(), change.due(), |ladder| ladder.change(change, by));
            }
            Event::Accepted { message, accepted_at, .. } => {
                self.deliver(*message, &NoticeDelivery::Accepted { at: *accepted_at });
            }
            Event::MessageQueued { said, clock, .. } => {
                self.say(said, clock.as_ref(), Some(NoticeDelivery::Queued));
            }
            Event::MessageReceived { said, clock, .. } => self.say(said, clock.as_ref(), None),
            Event::MessageRead { message, .. } => {
                self.said.iter_mut().filter(|mark| mark.message == *message).for_each(|mark| mark.read = true);
            }
            Event::AssistanceChanged { request, change, .. } => self.change_asked(*request, change),
            Event::FiledQueued { message, filing, .. } => self.file(*message, filing, Some(NoticeDelivery::Queued)),
            Event::FiledReceived { message, filing, .. } => self.file(*message, filing, None),
            Event::RelianceAccepted { reliance, at, by } => {
                self.reliance = Some(Box::new(Relied { reliance: (**reliance).clone(), by: by.clone(), at: *at }));
            }
            Event::Anonymised { .. } => {}
        }
        self
    }

    fn file(&mut self, message: MessageId, filing: &Filing, delivery: Option<NoticeDelivery>) {
        self.filings.push(ToldFiling { message, filing: filing.clone(), delivery });
    }

    fn open(&mut self, clock: Option<&Clock>, undated: Option<&Undated>) {
        clock.into_iter().for_each(|clock| self.start_clock(clock));
        self.undated = undated.cloned();
    }

    fn change_undated(&mut self, change: &UndatedChange) {
        self.undated = self.undated.take().map(|owed| owed.evolve(change));
    }

    fn receipt(&mut self, message: MessageId, toe: Moment) {
        self.deliver(message, &NoticeDelivery::Receipted { at: toe });
        let withdrawal = |it: &Notice| it.message == message && it.phase == Phase::Withdrawal;
        if self.notices.iter().any(withdrawal) {
            self.withdrawn_at = self.withdrawn_at.map(|withdrawn| withdrawn.held_since(toe));
        }
    }

    fn say(&mut self, said: &Said, clock: Option<&Clock>, delivery: Option<NoticeDelivery>) {
        self.asked.extend(clock.map(|clock| Asked::of(said, clock)));
        let Said { message, kind, re, at, .. } = said;
        let read = delivery.is_some();
        self.said.push(SaidMark { message: *message, kind: *kind, re: *re, at: *at, delivery, read });
    }

    /// A ladder ends with the last clock that is on it.
    fn change_asked(&mut self, request: MessageId, change: &ClockChange) {
        for asked in self.asked.iter_mut().filter(|asked| asked.request == request) {
            asked.clock = asked.clock.clone().evolve(change);
        }
        let climbs = |due| self.asked.iter().any(|asked| asked.clock.is_open() && asked.clock.due() == due);
        for ladder in self.ladders.iter_mut().filter(|ladder| ladder.kind == ClockKind::Assistance) {
            ladder.ended |= !climbs(ladder.due);
        }
    }

    fn clock_mut(&mut self, kind: ClockKind) -> Option<&mut Option<Clock>> {
        Some(match kind {
            ClockKind::PartnerNotice => &mut self.notice_clock,
            ClockKind::PartnerAcknowledgement => &mut self.acknowledgement_clock,
            ClockKind::IcoReport => &mut self.ico_clock,
            // Requests have a clock each, and events of their own; the others are an incident's or a complaint's.
            ClockKind::Assistance
            | ClockKind::PeopleTold
            | ClockKind::FollowUp
            | ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer => return None,
        })
    }

    fn start_clock(&mut self, clock: &Clock) {
        if let Some(slot) = self.clock_mut(clock.kind) {
            *slot = Some(clock.clone());
        }
    }

    /// A ladder ends with its clock.
    fn change_clock(&mut self, kind: ClockKind, change: &ClockChange) {
        let Some(clock) = self.clock_mut(kind) else { return };
        *clock = clock.take().map(|clock| clock.evolve(change));
        if clock.as_ref().is_some_and(|clock| !clock.is_open()) {
            let ladders = self.ladders.iter_mut().filter(|ladder| ladder.kind == kind);
            ladders.for_each(|ladder| ladder.ended = true);
        }
    }

    fn deliver(&mut self, message: MessageId, delivery: &NoticeDelivery) {
        let notices = self.notices.iter_mut().map(|Notice { message, delivery, .. }| (*message, delivery));
        let acknowledgements = self.acknowledgement_messages.iter_mut().map(|it| (it.message, &mut it.delivery));
        let said = self.said.iter_mut().filter_map(|it| Some((it.message, it.delivery.as_mut()?)));
        let filed = self.filings.iter_mut().filter_map(|it| Some((it.message, it.delivery.as_mut()?)));
        let messages = notices.chain(acknowledgements).chain(said).chain(filed);
        for (_, stands) in messages.filter(|(id, _)| *id == message) {
            stands.clone_from(delivery);
        }
    }

    fn withdraw(&mut self, reason: WithdrawalReason, version: &ReceivedVersion) {
        if self.takes(version.revision) {
            self.withdrawn = Some(reason);
            self.withdrawn_at = Some(WithdrawnAt::theirs(version));
        }
        self.received.push(version.clone());
    }
}
