//! The rules of an incident: which command leads to which events, and which is refused.
//!
//! This file sends each command to its rule and holds the plain ones; awareness, fan-outs, the ICO report, passing time
//! and erasure have files of their own.

use super::{
    Command, Decision, Event, FanOutWork, Incident, Log, Refusal, Rules, Stage, WithdrawalReason, assessment,
    awareness, costs, decision, duties, erase, fan_out, ico, joint, lessons, register, report, telling, watch,
};
use crate::clock::{Anchor, Clock, ClockKind};
use crate::facts::{Facts, IncidentKind};
use crate::ladder::{self, Plan};
use crate::values::{Actor, LongText, Moment};

/// Decides a command on the incident as it stands (`None`: nothing logged yet). Pure: the same arguments always give the
/// same answer.
///
/// # Errors
/// A [`Refusal`]; then nothing has happened.
pub fn decide(state: Option<&Incident>, command: &Command, now: Moment) -> Result<Decision, Refusal> {
    if let Command::Log(log) = command {
        return match state {
            None => log_incident(log, now),
            Some(_) => Err(Refusal::AlreadyLogged),
        };
    }
    if let (None, Command::Register { command, by }) = (state, command) {
        return Ok(Decision::of(register::decide(command, by, now)?));
    }
    let incident = state.ok_or(Refusal::NoSuchIncident)?;
    match command {
        Command::Log(_) | Command::Register { .. } => Err(Refusal::AlreadyLogged),
        Command::Release { by } => release(incident, by, now).map(Decision::of),
        Command::Advance => fan_out::advance(incident),
        Command::UpdateFacts { base_version, facts, by } => {
            update_facts(incident, *base_version, facts, by, now).map(Decision::of)
        }
        Command::SendUpdate { by } => send_update(incident, by, now).map(Decision::of),
        Command::CorrectAwareness { of, at, reason, by } => {
            awareness::correct(incident, *of, *at, reason, by, now).map(Decision::of)
        }
        Command::ResolveCorrection { confirm, by } => awareness::resolve(incident, *confirm, by, now).map(Decision::of),
        Command::ConvertToBreach { aware_at, owed, by } => {
            awareness::convert(incident, *aware_at, owed, by, now).map(Decision::of)
        }
        Command::Withdraw { reason, note, by } => withdraw(incident, *reason, note.as_ref(), by, now).map(Decision::of),
        Command::TakeInHand { kind, due, by } => watch::take_in_hand(incident, *kind, *due, by, now).map(Decision::of),
        Command::DraftReport { by } => ico::draft(incident, by, now).map(Decision::of),
        Command::TellFiled { by } => ico::tell_filed(incident, by, now),
        Command::ProposeNotRequired { reason, by } => {
            ico::propose_not_required(incident, reason, by, now).map(Decision::of)
        }
        Command::ResolveNotRequired { approve, by } => {
            ico::resolve_not_required(incident, *approve, by, now).map(Decision::of)
        }
        Command::Close { open_duties, by } => close(incident, open_duties, by, now).map(Decision::of),
        Command::Tick { outstanding, orders } => Ok(Decision::of(watch::tick(incident, outstanding, orders, now))),
        Command::Ladder { command, by } => watch::command(incident, command, by, now).map(Decision::of),
        Command::Assessment { command, by } => assessment::decide(incident, command, by, now).map(Decision::of),
        Command::Decision { command, by } => decision::decide(incident, command, by, now).map(Decision::of),
        Command::Anonymise { by: _ } => erase::anonymise(incident, now).map(Decision::of),
        Command::Telling { command, by } => telling::decide(incident, command, by, now).map(Decision::of),
        Command::Lessons { command, by } => lessons::decide(incident, command, by, now).map(Decision::of),
        Command::Costs { command, by } => costs::decide(incident, command, by, now).map(Decision::of),
        Command::Joint { command, by } => joint::decide(incident, command, by, now),
        Command::Duties { command, by } => duties::decide(incident, command, by, now).map(Decision::of),
        Command::Report { command, by } => report::decide(incident, command, by, now).map(Decision::of),
    }
}

impl Decision {
    fn of(events: Vec<Event>) -> Self {
        Self { events, asks: Vec::new() }
    }
}

/// Refuses unless the incident is held or active.
pub(super) fn must_be_open(incident: &Incident) -> Result<(), Refusal> {
    if incident.stage.is_open() { Ok(()) } else { Err(Refusal::NotOpen { stage: incident.stage.word() }) }
}

/// Refuses unless somebody other than `first` acts.
pub(super) fn must_be_second(first: &Actor, second: &Actor) -> Result<(), Refusal> {
    match (first.person(), second.person()) {
        (Some(first), Some(second)) if first != second => Ok(()),
        (Some(_) | None, Some(_) | None) => Err(Refusal::SecondPersonNeeded),
    }
}

fn log_incident(log: &Log, now: Moment) -> Result<Decision, Refusal> {
    let awareness = awareness::checked(log, now)?;
    let mut events = vec![Event::Logged {
        id: log.id,
        reference: log.reference.clone(),
        kind: log.kind,
        exercise: log.exercise,
        facts: Box::new(log.facts.clone()),
        awareness,
        old_reason: log.old_reason.clone(),
        services: log.services.clone(),
        owed: log.owed.clone(),
        held: log.hold,
        opened_from: log.opened_from.as_ref().map(|(exchange, _)| *exchange),
        rules: log.rules,
        at: now,
        by: log.by.clone(),
    }];
    let own = match log.kind {
        IncidentKind::Breach => awareness.breach.and_then(|aware_at| own_ico_clock(log.rules, aware_at)),
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => None,
    };
    let moved = log.opened_from.as_ref().and_then(|(_, clock)| clock.as_ref());
    match moved.filter(|clock| clock.kind == ClockKind::IcoReport && clock.is_open()) {
        Some(moved) => events.extend(take_over(moved, own.as_ref(), &log.plans.of(ClockKind::IcoReport), now)),
        None => events.extend(own.map(|clock| Event::ClockStarted { clock })),
    }
    let work = FanOutWork::Open { queue: !log.hold };
    events.extend(fan_out::start(work, 0, log.owed.len(), &log.by, now));
    Ok(Decision::of(events))
}

/// Our ICO clock for a breach of our own (UK GDPR Article 33(1)). There is none where we only process: then the controller
/// reports (Article 33(2)).
pub(super) fn own_ico_clock(rules: Rules, aware_at: Moment) -> Option<Clock> {
    (!rules.processor_only).then(|| Clock::report(rules.law, Anchor::AwareOfBreach, aware_at))
}

/// The ICO clock of a partner's notice moves here with its anchor (ruling 9). Awareness of our own from before the notice
/// moves it earlier, as any correction would. Steps that fired there don't fire here again.
fn take_over(moved: &Clock, own: Option<&Clock>, plan: &Plan, now: Moment) -> Vec<Event> {
    let mut events = vec![Event::ClockStarted { clock: moved.clone() }];
    let earlier = own
        .filter(|own| own.anchored_at < moved.anchored_at)
        .and_then(|own| moved.reanchor(own.anchor, own.anchored_at));
    if let Some(change) = earlier {
        events.push(Event::ClockChanged { kind: ClockKind::IcoReport, change, at: now });
        return events;
    }
    let steps = ladder::decide(plan, moved.due(), moved.anchored_at, None, now);
    let offsets: Vec<i32> = steps.passed.into_iter().chain(steps.fire).collect();
    if !offsets.is_empty() {
        events.push(Event::StepsPassed { kind: ClockKind::IcoReport, due: moved.due(), offsets, at: now });
    }
    events
}

fn release(incident: &Incident, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    if incident.stage != Stage::Held {
        return Err(Refusal::NotHeld);
    }
    let mut events = vec![Event::Released { at: now, by: by.clone() }];
    events.extend(fan_out::start(FanOutWork::Release, 0, incident.owed.len(), by, now));
    Ok(events)
}

fn update_facts(
    incident: &Incident,
    base_version: u32,
    facts: &Facts,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    if base_version != incident.facts_version {
        return Err(Refusal::FactsChanged { current: incident.facts_version });
    }
    if incident.facts.as_ref() == Some(facts) {
        return Err(Refusal::NothingChanges);
    }
    let version = incident.facts_version.saturating_add(1);
    Ok(vec![Event::FactsUpdated { version, facts: Box::new(facts.clone()), at: now, by: by.clone() }])
}

/// A moved anchor or a changed kind reaches the partners by a fan-out of its own, so that here only newer facts count.
/// While notices are held there is nothing to update.
fn send_update(incident: &Incident, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    if incident.stage == Stage::Held || incident.owed.is_empty() || incident.facts_version <= incident.sent_version {
        return Err(Refusal::NothingToSend);
    }
    Ok(update_partners(incident, None, by, now))
}

/// Sends the whole current content, with the anchor as it stands (protocol §6: never a difference). While notices are
/// held, only the clocks move.
pub(super) fn update_partners(
    incident: &Incident,
    anchor_reason: Option<LongText>,
    by: &Actor,
    now: Moment,
) -> Vec<Event> {
    let work = FanOutWork::Update { facts_version: incident.facts_version, anchor_reason };
    fan_out::start(work, 0, incident.owed.len(), by, now).into_iter().collect()
}

/// Open clocks end with the withdrawal's reason (ruling 6); every ladder falls silent. "Not a breach" would end the duty
/// to the ICO on one person's word, so while that clock runs the decision of two data protection officers comes first
/// (ruling 34).
fn withdraw(
    incident: &Incident,
    reason: WithdrawalReason,
    note: Option<&LongText>,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    if reason == WithdrawalReason::NotABreach && incident.ico.as_ref().is_some_and(Clock::is_open) {
        return Err(Refusal::DecisionNeeded);
    }
    let mut events = vec![Event::Withdrawn { reason, note: note.cloned(), at: now, by: by.clone() }];
    let ended = incident.ico.as_ref().zip(reason.clock_reason()).and_then(|(clock, why)| clock.not_required(now, why));
    events.extend(ended.map(|change| Event::ClockChanged { kind: ClockKind::IcoReport, change, at: now }));
    events.extend(reason.clock_reason().iter().flat_map(|why| duties::none_required(incident, why, by, now)));
    events.extend(watch::end_ladders(incident, &ClockKind::ALL));
    let work = FanOutWork::Withdraw { reason, note: note.cloned() };
    events.extend(fan_out::start(work, 0, incident.owed.len(), by, now));
    Ok(events)
}

/// Every duty that is still open is named in the refusal, so that nobody has to guess what is left.
fn close(
    incident: &Incident,
    open_duties: &[(ClockKind, u32)],
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    let duties = decision::open_duties(incident, open_duties);
    if !duties.is_empty() {
        return Err(Refusal::DutiesOpen { duties });
    }
    let mut events = watch::end_ladders(incident, &ClockKind::ALL);
    events.push(Event::Closed { at: now, by: by.clone() });
    Ok(events)
}
