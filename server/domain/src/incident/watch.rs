//! What passing time does to an incident: lateness, ladder steps, a draft report; and who stops a ladder.
//!
//! Level-triggered: now is compared with what is due, so that a second look at the same instant finds nothing to do and a
//! node that slept records the same facts late. A ladder belongs to a clock kind and due instant, not to a partner: one
//! step names everybody outstanding (ruling 11).

use super::decide::must_be_open;
use super::{Event, Incident, Outstanding, Refusal, STEP_NAMES_MAX, ico};
use crate::clock::{Clock, ClockKind, ClockState};
use crate::ladder::{self, LadderCommand, LadderState, Orders, Plans};
use crate::report::ReportState;
use crate::values::{Actor, Moment};

pub(super) fn tick(incident: &Incident, outstanding: &[Outstanding], orders: &Orders, now: Moment) -> Vec<Event> {
    if !incident.stage.is_open() {
        return Vec::new();
    }
    let mut events: Vec<Event> = Vec::new();
    for clock in incident.own_clocks() {
        events.extend(clock.tick(now).map(|change| Event::ClockChanged { kind: clock.kind, change, at: now }));
    }
    let own: Vec<Outstanding> = incident.own_clocks().filter(|clock| clock.is_open()).map(own_group).collect();
    let partners = outstanding.iter().filter(|group| own.iter().all(|own| own.kind != group.kind));
    let groups: Vec<&Outstanding> = partners.chain(&own).collect();
    for group in &groups {
        events.extend(climb(incident, group, orders, now));
    }
    let silent = |ladder: &LadderState| {
        !ladder.ended && groups.iter().all(|group| (group.kind, group.due) != (ladder.kind, ladder.due))
    };
    events.extend(incident.ladders.iter().filter(|ladder| silent(ladder)).map(ended));
    events
}

/// A clock of the incident itself as a group of its own: it names no partner.
fn own_group(clock: &Clock) -> Outstanding {
    Outstanding { kind: clock.kind, due: clock.due(), anchored_at: clock.anchored_at, partners: 0, first: Vec::new() }
}

/// The next step of one ladder, which goes on when whoever had it in hand let the stated time go by. A step on the ICO clock's ladder also drafts the report, when nobody has.
fn climb(incident: &Incident, group: &Outstanding, orders: &Orders, now: Moment) -> Vec<Event> {
    let Outstanding { kind, due, .. } = *group;
    let ladder = incident.ladder(kind, due);
    let plan = orders.plan(kind);
    let mut events = Vec::new();
    if let Some(held) = ladder.filter(|ladder| ladder.in_hand.is_some()) {
        let Some(change) = ladder::lapsed(held, &plan, now) else { return Vec::new() };
        events.push(Event::Ladder { change, at: now, by: Actor::Node });
    }
    let last_offset = ladder.and_then(|ladder| ladder.last_offset);
    let steps = ladder::decide(&plan, due, group.anchored_at, last_offset, now);
    let Some(offset_minutes) = steps.fire else {
        let passed = (!steps.passed.is_empty()).then_some(steps.passed);
        events.extend(passed.map(|offsets| Event::StepsPassed { kind, due, offsets, at: now }));
        return events;
    };
    let reached = orders.reach(kind, offset_minutes, ladder);
    let first = group.first.iter().take(STEP_NAMES_MAX).copied().collect();
    let partners = group.partners;
    let passed = steps.passed;
    events.push(Event::StepFired { kind, due, offset_minutes, passed, partners, first, reached, at: now });
    if kind == ClockKind::IcoReport && incident.report == ReportState::None {
        events.push(ico::drafted(incident, Actor::Node, now));
    }
    events
}

/// Ends every ladder of these duties that has not ended.
pub(super) fn end_ladders(incident: &Incident, kinds: &[ClockKind]) -> Vec<Event> {
    let climbing = incident.ladders.iter().filter(|ladder| !ladder.ended && kinds.contains(&ladder.kind));
    climbing.map(ended).collect()
}

const fn ended(ladder: &LadderState) -> Event {
    Event::LadderEnded { kind: ladder.kind, due: ladder.due }
}

/// A named person stops one ladder; another may take it over. A new due instant is a new ladder.
pub(super) fn take_in_hand(
    incident: &Incident,
    kind: ClockKind,
    due: Moment,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    let ladder = incident.ladder(kind, due);
    if !incident.has_duty(kind, due, now) && ladder.is_none_or(|ladder| ladder.ended) {
        return Err(Refusal::NoSuchDuty);
    }
    let holder = ladder.and_then(|ladder| ladder.in_hand.as_ref());
    if holder.is_some_and(|holder| holder.person() == by.person()) {
        return Err(Refusal::NothingChanges);
    }
    Ok(vec![Event::TakenInHand { kind, due, at: now, by: by.clone() }])
}

/// What a person asks of a ladder, beside taking it in hand.
pub(super) fn command(
    incident: &Incident,
    command: &LadderCommand,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    let LadderCommand::MarkSeen { kind, due } = *command;
    let change = ladder::command(incident.ladder(kind, due), command, by)?;
    Ok(vec![Event::Ladder { change, at: now, by: by.clone() }])
}

impl Incident {
    /// The clocks that are the incident's own: the ICO report, and targets of our own.
    pub fn own_clocks(&self) -> impl Iterator<Item = &Clock> {
        self.ico.iter().chain(&self.duties.targets)
    }

    fn ladder(&self, kind: ClockKind, due: Moment) -> Option<&LadderState> {
        self.ladders.iter().find(|ladder| ladder.kind == kind && ladder.due == due)
    }

    /// Whether a duty of this kind can be due at this instant. Partner clocks live in their own streams, so this asks
    /// what the frozen terms allow: a notice is due at its anchor + hours; an acknowledgement, whose clock starts
    /// somewhere between awareness and now, within that span + hours (its group's instant is floored to the minute).
    fn has_duty(&self, kind: ClockKind, due: Moment, now: Moment) -> bool {
        let mut owed = (0_u32..).zip(&self.owed);
        match kind {
            ClockKind::IcoReport | ClockKind::PeopleTold | ClockKind::FollowUp => {
                self.own_clocks().any(|clock| clock.kind == kind && clock.is_open() && clock.due() == due)
            }
            ClockKind::PartnerNotice => owed.any(|(at, owed)| {
                let hours = owed.terms.notice_hours.or(self.rules.targets.controller_told);
                self.notice_anchor(at)
                    .zip(hours)
                    .is_some_and(|((_, anchored), hours)| anchored.plus_hours(hours) == due)
            }),
            ClockKind::PartnerAcknowledgement => owed.any(|(at, owed)| {
                let hours = owed.terms.acknowledgement_hours;
                let earliest = self.notice_anchor(at).map(|(_, anchored)| anchored.plus_hours(hours).floor_minute());
                earliest.is_some_and(|earliest| earliest <= due) && due <= now.plus_hours(hours)
            }),
            // Whoever asks names the instant.
            ClockKind::Assistance => due.seconds_since(now) <= crate::exchange::DUE_SECONDS_MAX,
            // A complaint is a stream of its own.
            ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer => false,
        }
    }
}

/// When [`super::Command::Tick`] next has something to do for the incident's own clocks and their ladders. Partner duties
/// are not in it: their instants are with their clocks. May lie in the past: then at once.
#[must_use]
pub fn next_check(incident: &Incident, plans: &Plans) -> Option<Moment> {
    if !incident.stage.is_open() {
        return None;
    }
    let checks = incident.own_clocks();
    checks.filter_map(|clock| next_clock_check(clock, incident.ladder(clock.kind, clock.due()), plans)).min()
}

/// When passing time next changes a clock or climbs its ladder.
fn next_clock_check(clock: &Clock, ladder: Option<&LadderState>, plans: &Plans) -> Option<Moment> {
    if !clock.is_open() {
        return None;
    }
    [next_overdue(clock), next_on_ladder(clock, ladder, plans)].into_iter().flatten().min()
}

/// When the ladder of an open clock next has something to do: a step, or the lapse of a taking in hand.
pub(crate) fn next_on_ladder(clock: &Clock, ladder: Option<&LadderState>, plans: &Plans) -> Option<Moment> {
    let plan = plans.of(clock.kind);
    match ladder {
        Some(ladder) if ladder.in_hand.is_some() => ladder.lapses_at(&plan),
        Some(ladder) => ladder::next_step(&plan, clock.due(), clock.anchored_at, ladder.last_offset),
        None => ladder::next_step(&plan, clock.due(), clock.anchored_at, None),
    }
}

/// When a running clock becomes overdue: the first instant after the due one, which itself is still in time.
pub(crate) fn next_overdue(clock: &Clock) -> Option<Moment> {
    match clock.state {
        ClockState::Running => Moment::from_micros(clock.due().micros().saturating_add(1)).ok(),
        ClockState::Overdue | ClockState::Met { .. } | ClockState::MetLate { .. } | ClockState::NotRequired { .. } => {
            None
        }
    }
}
