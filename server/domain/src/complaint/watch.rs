//! What passing time does to a complaint: lateness, steps of its ladders; and who stops one.
//!
//! Everything owed on a complaint by an instant is a [`Clock`] that follows from what is on the record: the limits fixed when
//! it was logged, the acknowledgement and the answer. Each has a ladder of its own, by the plan of its kind. As everywhere,
//! now is compared with what is due, so that a second look at the same instant finds nothing to do, and of several steps
//! slept through only the most urgent one fires.

use super::{Complaint, Event, Refusal};
use crate::clock::{Anchor, Clock, ClockKind, ClockState, Evidence};
use crate::ladder::{self, LadderCommand, LadderState, Orders};
use crate::values::{Actor, Moment};

/// One thing owed by an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The duty. Alarms, steps and *Overdue* go by its due instant.
    pub clock: Clock,
    /// The law's limit, where the law can be read as giving longer: whether the duty was met late is judged by this one.
    pub limit: Option<Moment>,
}

pub(super) fn tick(complaint: &Complaint, orders: &Orders, now: Moment) -> Vec<Event> {
    let mut events = Vec::new();
    for Owed { clock, .. } in complaint.owed().iter().filter(|owed| owed.clock.is_open()) {
        events.extend(clock.tick(now).map(|_| Event::BecameOverdue { kind: clock.kind, due: clock.due(), at: now }));
        events.extend(climb(complaint, clock, orders, now));
    }
    events
}

/// The next step of a ladder, which goes on when whoever had it in hand let the stated time go by. Steps that lie before
/// its anchor are passed with the first that fires.
fn climb(complaint: &Complaint, clock: &Clock, orders: &Orders, now: Moment) -> Vec<Event> {
    let (kind, due) = (clock.kind, clock.due());
    let ladder = complaint.ladder(kind, due);
    let plan = orders.plan(kind);
    let mut events = Vec::new();
    if let Some(held) = ladder.filter(|ladder| ladder.in_hand.is_some()) {
        let Some(change) = ladder::lapsed(held, &plan, now) else { return Vec::new() };
        events.push(Event::Ladder { change, at: now, by: Actor::Node });
    }
    let last_offset = ladder.and_then(|ladder| ladder.last_offset);
    let steps = ladder::decide(&plan, due, clock.anchored_at, last_offset, now);
    if let Some(offset_minutes) = steps.fire {
        let reached = orders.reach(kind, offset_minutes, ladder);
        events.push(Event::StepFired { kind, due, offset_minutes, passed: steps.passed, reached, at: now });
    }
    events
}

/// A named person stops one ladder; another may take it over.
pub(super) fn take_in_hand(
    complaint: &Complaint,
    kind: ClockKind,
    due: Moment,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    complaint.must_owe(kind, due)?;
    let holder = complaint.ladder(kind, due).and_then(|ladder| ladder.in_hand.as_ref());
    if holder.is_some_and(|holder| holder.person() == by.person()) {
        return Err(Refusal::InHandAlready);
    }
    Ok(vec![Event::TakenInHand { kind, due, at: now, by: by.clone() }])
}

/// What a person asks of a ladder, beside taking it in hand.
pub(super) fn command(
    complaint: &Complaint,
    command: &LadderCommand,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    let LadderCommand::MarkSeen { kind, due } = *command;
    complaint.must_owe(kind, due)?;
    let change = ladder::command(complaint.ladder(kind, due), command, by)?;
    Ok(vec![Event::Ladder { change, at: now, by: by.clone() }])
}

impl Complaint {
    /// Everything owed on it by an instant, done or not. That the law names no time for the answer is not among it.
    #[must_use]
    pub fn owed(&self) -> Vec<Owed> {
        let answered = self.answered.map(|(at, _)| (at, Evidence::Answer));
        let acknowledged = self.acknowledged_at.map(|at| (at, Evidence::RecordedAcknowledgement)).or(answered);
        let by_law = self.due.acknowledgement.map(|limits| {
            let clock = self.clock(ClockKind::ComplaintAcknowledgement, limits.alarm);
            self.judged(clock, Some(limits.limit), acknowledged)
        });
        let promise = |kind, due, done| {
            let clock = Clock { own_target: true, ..self.clock(kind, due) };
            self.judged(clock, None, done)
        };
        let acknowledgement = self.due.promised_acknowledgement;
        let answer = self.due.promised_answer;
        by_law
            .into_iter()
            .chain(acknowledgement.map(|due| promise(ClockKind::ComplaintPromisedAcknowledgement, due, acknowledged)))
            .chain(answer.map(|due| promise(ClockKind::ComplaintPromisedAnswer, due, answered)))
            .collect()
    }

    fn clock(&self, kind: ClockKind, due: Moment) -> Clock {
        Clock::until(kind, Anchor::ComplaintReceived, self.received_at, due)
    }

    /// The clock as the record has it: ended by the instant of what was done, never by when that was recorded.
    fn judged(&self, mut clock: Clock, limit: Option<Moment>, done: Option<(Moment, Evidence)>) -> Owed {
        let overdue = self.overdue.contains(&clock.kind);
        clock.state = match done {
            Some((at, evidence)) if at > limit.unwrap_or(clock.due()) => ClockState::MetLate { at, evidence },
            Some((at, evidence)) => ClockState::Met { at, evidence, proved_late: overdue && at <= clock.due() },
            None if overdue => ClockState::Overdue,
            None => ClockState::Running,
        };
        Owed { clock, limit }
    }

    fn ladder(&self, kind: ClockKind, due: Moment) -> Option<&LadderState> {
        self.ladders.iter().find(|ladder| ladder.kind == kind && ladder.due == due)
    }

    fn must_owe(&self, kind: ClockKind, due: Moment) -> Result<(), Refusal> {
        let owes = self.owed().iter().any(|owed| {
            let clock = &owed.clock;
            clock.is_open() && clock.kind == kind && clock.due() == due
        });
        if owes { Ok(()) } else { Err(Refusal::NoSuchDuty) }
    }

    /// The complaint after something happened to one of its ladders.
    pub(super) fn climbed(mut self, kind: ClockKind, due: Moment, change: impl FnOnce(&mut LadderState)) -> Self {
        match self.ladders.iter_mut().find(|ladder| ladder.kind == kind && ladder.due == due) {
            Some(ladder) => change(ladder),
            None => {
                let mut ladder = LadderState::new(kind, due);
                change(&mut ladder);
                self.ladders.push(ladder);
            }
        }
        self
    }
}
