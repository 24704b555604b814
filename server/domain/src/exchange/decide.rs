//! The rules of an exchange: which command leads to which events, and which is refused.
//!
//! This file sends each command to its rule and holds what both directions share; `outgoing` has our notices, `incoming`
//! theirs.

use super::{Command, Decision, Direction, Event, Exchange, NoticeDelivery, Phase, Refusal, Survives};
use super::{incoming, outgoing};
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::incident::{WithdrawalReason, next_clock_check, next_overdue, without_reason};
use crate::ladder::{self, LadderState};
use crate::values::{Actor, Digest32, LongText, MessageId, Moment};

/// Decides a command on the exchange as it stands (`None`: the stream is empty). Pure: the same arguments always give
/// the same answer.
///
/// # Errors
/// A [`Refusal`]; then nothing has happened.
pub fn decide(state: Option<&Exchange>, command: &Command, now: Moment) -> Result<Decision, Refusal> {
    if let Command::Open(open) = command {
        return if state.is_none() { Ok(outgoing::open(open, now)) } else { Err(Refusal::AlreadyOpen) };
    }
    if let (None, Command::Receive(receive)) = (state, command) {
        return Ok(incoming::receive_first(receive, now));
    }
    let exchange = state.ok_or(Refusal::NoSuchExchange)?;
    if exchange.anonymised {
        return if *command == Command::Tick { Ok(Vec::new()) } else { Err(Refusal::Anonymised) };
    }
    match command {
        Command::Open(_) => Err(Refusal::AlreadyOpen),
        Command::Queue { facts_version, kind } => outgoing::queue(exchange.sent()?, *facts_version, *kind, now),
        Command::Update { facts_version, kind, anchor, anchored_at, anchor_reason } => {
            let told = outgoing::Told {
                facts_version: *facts_version,
                kind: *kind,
                anchor: *anchor,
                anchored_at: *anchored_at,
                anchor_reason: anchor_reason.as_ref(),
            };
            outgoing::update(exchange.sent()?, &told, now)
        }
        Command::Withdraw { reason, note } => Ok(outgoing::withdraw(exchange.sent()?, *reason, note.as_ref(), now)),
        Command::RecordReceipt { message, toe, receipt_sha256 } => {
            record_receipt(exchange, *message, *toe, *receipt_sha256, now)
        }
        Command::RecordAcknowledgement { acknowledgement, message } => {
            outgoing::record_acknowledgement(exchange.sent()?, acknowledgement, *message, now)
        }
        Command::RecordCall { call, by } => outgoing::record_call(exchange.sent()?, call, by, now),
        Command::Abandon { message, reason, by } => abandon(exchange, *message, reason, by, now),
        Command::Receive(receive) => incoming::receive(exchange.heard()?, receive, now),
        Command::Acknowledge { stance, reference, by, role } => {
            incoming::acknowledge(exchange.heard()?, *stance, reference.as_ref(), by, role, now)
        }
        Command::Link { incident, by } => incoming::link(exchange.heard()?, *incident, by, now),
        Command::TakeInHand { kind, due, by } => take_in_hand(exchange, *kind, *due, by, now),
        Command::Tick => Ok(tick(exchange, now)),
        Command::Anonymise => anonymise(exchange, now),
    }
}

impl Exchange {
    /// The exchange, when we are the one who tells.
    fn sent(&self) -> Result<&Self, Refusal> {
        self.must_go(Direction::Outgoing)
    }

    /// The exchange, when the partner is the one who tells.
    fn heard(&self) -> Result<&Self, Refusal> {
        self.must_go(Direction::Incoming)
    }

    fn must_go(&self, direction: Direction) -> Result<&Self, Refusal> {
        if self.direction == direction { Ok(self) } else { Err(Refusal::WrongDirection) }
    }

    /// How the delivery of a message of ours stands, notice or acknowledgement.
    fn delivery(&self, message: MessageId) -> Option<&NoticeDelivery> {
        let notices = self.notices.iter().map(|notice| (notice.message, &notice.delivery));
        let acknowledgements = self.acknowledgement_messages.iter().map(|it| (it.message, &it.delivery));
        notices.chain(acknowledgements).find(|(id, _)| *id == message).map(|(_, delivery)| delivery)
    }

    fn clocks(&self) -> impl Iterator<Item = &Clock> {
        [&self.notice_clock, &self.acknowledgement_clock, &self.ico_clock].into_iter().flatten()
    }

    fn ladder(&self, clock: &Clock) -> Option<&LadderState> {
        self.ladders.iter().find(|ladder| ladder.kind == clock.kind && ladder.due == clock.due())
    }
}

/// A change of a clock as an event, if there is one.
pub(super) fn changed(kind: ClockKind, change: Option<ClockChange>, now: Moment) -> Option<Event> {
    change.map(|change| Event::ClockChanged { kind, change, at: now })
}

/// Ends every open clock with the withdrawal's reason (ruling 6).
pub(super) fn end_clocks(exchange: &Exchange, reason: WithdrawalReason, now: Moment) -> Vec<Event> {
    let Some(why) = reason.clock_reason() else {
        return Vec::new();
    };
    exchange.clocks().filter_map(|clock| changed(clock.kind, clock.not_required(now, why.clone()), now)).collect()
}

/// A verified receipt. It proves that the partner holds the message since `toe`; the earliest of several counts.
fn record_receipt(
    exchange: &Exchange,
    message: MessageId,
    toe: Moment,
    receipt_sha256: Digest32,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    match exchange.delivery(message).ok_or(Refusal::NoSuchMessage)? {
        NoticeDelivery::Receipted { at } if toe >= *at => return Err(Refusal::NothingChanges),
        NoticeDelivery::Receipted { .. } | NoticeDelivery::Queued | NoticeDelivery::Abandoned => {}
    }
    let mut events = vec![Event::Receipted { message, toe, receipt_sha256, at: now }];
    let tells = |phase: Phase| match phase {
        Phase::Initial | Phase::Update | Phase::Final => true,
        Phase::Withdrawal => false,
    };
    if exchange.notices.iter().any(|notice| notice.message == message && tells(notice.phase)) {
        events.extend(outgoing::told_by_receipt(exchange, toe, now));
    }
    Ok(events)
}

fn abandon(
    exchange: &Exchange,
    message: MessageId,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    match exchange.delivery(message) {
        Some(NoticeDelivery::Queued) => {
            Ok(vec![Event::Abandoned { message, reason: reason.clone(), at: now, by: by.clone() }])
        }
        Some(NoticeDelivery::Receipted { .. } | NoticeDelivery::Abandoned) | None => Err(Refusal::NoSuchMessage),
    }
}

/// Only the ICO clock has its ladder here; the partner clocks' ladders belong to the incident (ruling 11).
fn take_in_hand(
    exchange: &Exchange,
    kind: ClockKind,
    due: Moment,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    let clock = exchange.ico_clock.as_ref().filter(|clock| clock.is_open() && clock.kind == kind && clock.due() == due);
    let clock = clock.ok_or(Refusal::NoSuchDuty)?;
    let holder = exchange.ladder(clock).and_then(|ladder| ladder.in_hand.as_ref());
    if holder.is_some_and(|holder| holder.person() == by.person()) {
        return Err(Refusal::NothingChanges);
    }
    Ok(vec![Event::TakenInHand { kind, due, at: now, by: by.clone() }])
}

fn tick(exchange: &Exchange, now: Moment) -> Vec<Event> {
    let overdue = exchange.clocks().filter_map(|clock| changed(clock.kind, clock.tick(now), now));
    let mut events: Vec<Event> = overdue.collect();
    let clock = exchange.ico_clock.as_ref().filter(|clock| clock.is_open());
    events.extend(clock.and_then(|clock| climb(exchange, clock, now)));
    events
}

/// The next step of the ICO clock's ladder. No step of it lies before its anchor, so that there is always one to fire
/// when any were passed.
fn climb(exchange: &Exchange, clock: &Clock, now: Moment) -> Option<Event> {
    let ladder = exchange.ladder(clock);
    if ladder.is_some_and(|ladder| ladder.in_hand.is_some()) {
        return None;
    }
    let (kind, due) = (clock.kind, clock.due());
    let steps = ladder::decide(due, clock.anchored_at, ladder.and_then(|ladder| ladder.last_offset), now);
    let offset_minutes = steps.fire?;
    Some(Event::StepFired { kind, due, offset_minutes, passed: steps.passed, at: now })
}

fn anonymise(exchange: &Exchange, now: Moment) -> Result<Vec<Event>, Refusal> {
    if exchange.clocks().any(Clock::is_open) {
        return Err(Refusal::DutyOpen);
    }
    let versions = exchange.notices.len().max(exchange.received.len());
    let survives = Survives {
        id: exchange.id,
        partner: exchange.partner,
        case: exchange.case,
        direction: exchange.direction,
        reference: exchange.reference.clone(),
        incident: exchange.incident,
        exercise: exchange.exercise,
        kind: exchange.kind,
        revisions: u32::try_from(versions).unwrap_or(u32::MAX),
        notice_clock: exchange.notice_clock.as_ref().and_then(without_reason),
        acknowledgement_clock: exchange.acknowledgement_clock.as_ref().and_then(without_reason),
        ico_clock: exchange.ico_clock.as_ref().and_then(without_reason),
        stance: exchange.acknowledgements.last().map(|acknowledgement| acknowledgement.stance),
        withdrawn: exchange.withdrawn,
    };
    Ok(vec![Event::Anonymised { survives: Box::new(survives), at: now }])
}

/// When [`Command::Tick`] next has something to do: a clock becomes overdue, or the ICO clock's ladder has a step. May
/// lie in the past: then at once.
#[must_use]
pub fn next_check(exchange: &Exchange) -> Option<Moment> {
    let overdue = exchange.clocks().filter_map(next_overdue);
    let ico = exchange.ico_clock.as_ref().and_then(|clock| next_clock_check(clock, exchange.ladder(clock)));
    overdue.chain(ico).min()
}
