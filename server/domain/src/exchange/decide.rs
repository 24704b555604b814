//! The rules of an exchange: which command leads to which events, and which is refused.
//!
//! This file sends each command to its rule and holds what both directions share; `outgoing` has our notices, `incoming`
//! theirs.

use super::{
    Acknowledgement, Asked, Command, Decision, Direction, Event, Exchange, NoticeDelivery, Phase, Refusal, Survives,
};
use super::{filing, incoming, outgoing, said, withdrawal};
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::incident::{ERASED, next_on_ladder, next_overdue, without_reason};
use crate::ladder::{self, LadderCommand, LadderState, Orders, Plans};
use crate::undated::{Undated, UndatedChange};
use crate::values::{Actor, Digest32, Line, LongText, MessageId, Moment};

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
        return if matches!(command, Command::Tick { .. }) { Ok(Vec::new()) } else { Err(Refusal::Anonymised) };
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
        Command::RecordAcceptance { message, at } => record_acceptance(exchange, *message, *at, now),
        Command::RecordAcknowledgement { acknowledgement, message } => {
            let acknowledgement = Acknowledgement { by_link: false, ..acknowledgement.clone() };
            outgoing::record_acknowledgement(exchange.sent()?, &acknowledgement, *message, now)
        }
        Command::RecordLinkAcknowledgement { acknowledgement, message } => {
            let acknowledgement = Acknowledgement { by_link: true, ..acknowledgement.clone() };
            outgoing::record_acknowledgement(exchange.sent()?, &acknowledgement, *message, now)
        }
        Command::RecordCall { call, by } => outgoing::record_call(exchange.sent()?, call, by, now),
        Command::Abandon { message, reason, by } => abandon(exchange, *message, reason, by, now),
        Command::Receive(receive) => incoming::receive(exchange.heard()?, receive, now),
        Command::Acknowledge { stance, reference, by, role, deleted } => {
            let read = incoming::Read { stance: *stance, reference: reference.as_ref(), by, role, deleted: *deleted };
            incoming::acknowledge(exchange.heard()?, &read, now)
        }
        Command::Say(say) => said::say(exchange, say, now),
        Command::Hear(hear) => said::hear(exchange, hear, now),
        Command::ReadMessage { message, by } => said::read(exchange, *message, by, now),
        Command::TellFiled { filing, by } => filing::tell(exchange, filing, by, now),
        Command::HearFiled(heard) => filing::hear(exchange, heard, now),
        Command::Link { incident, by } => incoming::link(exchange.heard()?, *incident, by, now),
        Command::TakeInHand { kind, due, by } => take_in_hand(exchange, *kind, *due, by, now),
        Command::AcceptReliance { message, set_sha256, reason, by } => {
            filing::rely_on(exchange, *message, *set_sha256, reason, by, now)
        }
        Command::Tick { orders } => Ok(tick(exchange, orders, now)),
        Command::Ladder { command, by } => on_ladder(exchange, command, by, now),
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

    /// How the delivery of a message of ours stands, whatever it carries.
    fn delivery(&self, message: MessageId) -> Option<&NoticeDelivery> {
        let notices = self.notices.iter().map(|notice| (notice.message, &notice.delivery));
        let acknowledgements = self.acknowledgement_messages.iter().map(|it| (it.message, &it.delivery));
        let said = self.said.iter().filter_map(|it| Some((it.message, it.delivery.as_ref()?)));
        let filed = self.filings.iter().filter_map(|it| Some((it.message, it.delivery.as_ref()?)));
        let all = notices.chain(acknowledgements).chain(said).chain(filed);
        all.into_iter().find(|(id, _)| *id == message).map(|(_, delivery)| delivery)
    }

    pub(super) fn clocks(&self) -> impl Iterator<Item = &Clock> {
        [&self.notice_clock, &self.acknowledgement_clock, &self.ico_clock].into_iter().flatten()
    }

    /// Open clocks with a ladder of their own here.
    fn climbing(&self) -> impl Iterator<Item = &Clock> {
        let ico = self.ico_clock.iter().filter(|clock| clock.is_open());
        ico.chain(self.owed_answers().map(|asked| &asked.clock))
    }

    fn ladder(&self, clock: &Clock) -> Option<&LadderState> {
        self.ladders.iter().find(|ladder| ladder.kind == clock.kind && ladder.due == clock.due())
    }
}

/// A change of a clock as an event, if there is one.
pub(super) fn changed(kind: ClockKind, change: Option<ClockChange>, now: Moment) -> Option<Event> {
    change.map(|change| Event::ClockChanged { kind, change, at: now })
}

/// A change of the duty to tell a controller for whom we process as an event, if there is one.
pub(super) fn undated_changed(change: Option<UndatedChange>, now: Moment) -> Option<Event> {
    change.map(|change| Event::UndatedChanged { change, at: now })
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
        NoticeDelivery::Receipted { .. }
        | NoticeDelivery::Queued
        | NoticeDelivery::Accepted { .. }
        | NoticeDelivery::Abandoned => {}
    }
    let mut events = vec![Event::Receipted { message, toe, receipt_sha256, at: now }];
    if tells(exchange, message) {
        events.extend(outgoing::told_by_receipt(exchange, toe, now));
    }
    events.extend(withdrawal::receipted(exchange, message, toe, now));
    Ok(events)
}

/// Whether a message is a notice of ours, and not its withdrawal.
fn tells(exchange: &Exchange, message: MessageId) -> bool {
    exchange.notices.iter().any(|notice| {
        notice.message == message
            && match notice.phase {
                Phase::Initial | Phase::Update | Phase::Final => true,
                Phase::Withdrawal => false,
            }
    })
}

/// A 2xx of a webhook, or a mail server's word. It ends the carrying and no duty (ruling 6).
fn record_acceptance(exchange: &Exchange, message: MessageId, at: Moment, now: Moment) -> Result<Vec<Event>, Refusal> {
    match exchange.delivery(message).ok_or(Refusal::NoSuchMessage)? {
        NoticeDelivery::Queued => {}
        NoticeDelivery::Receipted { .. } | NoticeDelivery::Accepted { .. } | NoticeDelivery::Abandoned => {
            return Err(Refusal::NothingChanges);
        }
    }
    let accepted_at = at.min(now);
    let mut events = vec![Event::Accepted { message, accepted_at, at: now }];
    if tells(exchange, message) {
        events.extend(outgoing::taken(exchange, accepted_at, now));
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
        Some(NoticeDelivery::Receipted { .. } | NoticeDelivery::Accepted { .. } | NoticeDelivery::Abandoned) | None => {
            Err(Refusal::NoSuchMessage)
        }
    }
}

/// The ICO clock has its ladder here, and so have requests to us while there is no incident of ours; every other ladder
/// belongs to the incident (ruling 11).
fn take_in_hand(
    exchange: &Exchange,
    kind: ClockKind,
    due: Moment,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    let mut climbing = exchange.climbing();
    let clock = climbing.find(|clock| clock.kind == kind && clock.due() == due).ok_or(Refusal::NoSuchDuty)?;
    let holder = exchange.ladder(clock).and_then(|ladder| ladder.in_hand.as_ref());
    if holder.is_some_and(|holder| holder.person() == by.person()) {
        return Err(Refusal::NothingChanges);
    }
    Ok(vec![Event::TakenInHand { kind, due, at: now, by: by.clone() }])
}

fn tick(exchange: &Exchange, orders: &Orders, now: Moment) -> Vec<Event> {
    let overdue = exchange.clocks().filter_map(|clock| changed(clock.kind, clock.tick(now), now));
    let unanswered = exchange.asked.iter().filter_map(|asked| said::changed(asked, asked.clock.tick(now), now));
    let mut events: Vec<Event> = overdue.chain(unanswered).collect();
    let mut ladders: Vec<&Clock> = exchange.climbing().collect();
    // Requests due at one instant share their ladder.
    ladders.sort_by_key(|clock| (clock.kind, clock.due(), clock.anchored_at));
    ladders.dedup_by_key(|clock| (clock.kind, clock.due()));
    events.extend(ladders.into_iter().flat_map(|clock| climb(exchange, clock, orders, now)));
    events
}

/// The next step of a ladder, which goes on when whoever had it in hand let the stated time go by. Steps that lie before
/// its anchor are passed with the first that fires.
fn climb(exchange: &Exchange, clock: &Clock, orders: &Orders, now: Moment) -> Vec<Event> {
    let ladder = exchange.ladder(clock);
    let (kind, due) = (clock.kind, clock.due());
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

/// What a person asks of a ladder, beside taking it in hand.
fn on_ladder(exchange: &Exchange, command: &LadderCommand, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    let LadderCommand::MarkSeen { kind, due } = *command;
    let ladder = exchange.ladders.iter().find(|ladder| ladder.kind == kind && ladder.due == due);
    let change = ladder::command(ladder, command, by)?;
    Ok(vec![Event::Ladder { change, at: now, by: by.clone() }])
}

fn anonymise(exchange: &Exchange, now: Moment) -> Result<Vec<Event>, Refusal> {
    let ours = exchange.asked.iter().filter(|asked| asked.is_our_duty()).map(|asked| &asked.clock);
    if exchange.clocks().chain(ours).any(Clock::is_open) || exchange.undated.as_ref().is_some_and(Undated::is_open) {
        return Err(Refusal::DutyOpen);
    }
    // What the partner still owes us holds nothing up, and ends with what was asked.
    let erased = Line::parse(ERASED).ok();
    let unanswered = |asked: &Asked| erased.clone().and_then(|why| asked.clock.not_required(now, why));
    let mut events: Vec<Event> =
        exchange.asked.iter().filter_map(|asked| said::changed(asked, unanswered(asked), now)).collect();
    let exchange = &events.iter().fold(exchange.clone(), Exchange::after);
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
        undated: exchange.undated.as_ref().zip(erased.as_ref()).map(|(owed, erased)| owed.without_reason(erased)),
        acknowledgement_clock: exchange.acknowledgement_clock.as_ref().and_then(without_reason),
        ico_clock: exchange.ico_clock.as_ref().and_then(without_reason),
        stance: exchange.acknowledgements.last().map(|acknowledgement| acknowledgement.stance),
        withdrawn: exchange.withdrawn,
        asked: exchange
            .asked
            .iter()
            .filter_map(|it| Some(Asked { clock: without_reason(&it.clock)?, ..it.clone() }))
            .collect(),
        filed_at: exchange.filings.iter().rfind(|told| told.delivery.is_none()).map(|told| told.filing.at),
    };
    events.push(Event::Anonymised { survives: Box::new(survives), at: now });
    Ok(events)
}

/// When [`Command::Tick`] next has something to do: a clock becomes overdue, or a ladder here has a step. May lie in the
/// past: then at once.
#[must_use]
pub fn next_check(exchange: &Exchange, plans: &Plans) -> Option<Moment> {
    let clocks = exchange.clocks().chain(exchange.asked.iter().map(|asked| &asked.clock));
    let overdue = clocks.filter_map(next_overdue);
    let climbing = exchange.climbing().filter_map(|clock| next_on_ladder(clock, exchange.ladder(clock), plans));
    overdue.chain(climbing).min()
}
