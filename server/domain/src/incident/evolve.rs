//! The fold of an incident's stream. Total: it only records, never refuses and never looks at the time.

use super::costs::Costs;
use super::lessons::Lessons;
use super::telling::Telling;
use super::{
    AwarenessOf, Duties, Event, FanOut, FanOutWork, Incident, NotRequiredProposal, Stage, Survives, WithdrawalReason,
    assessment, decision, fan_out, register,
};
use crate::clock::{ClockChange, ClockKind};
use crate::facts::IncidentKind;
use crate::ladder::LadderState;
use crate::report::ReportState;
use crate::values::{Actor, Moment};

/// The state after a stream of events; `None` when nothing was logged.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Incident> {
    events.into_iter().fold(None, evolve)
}

/// The state after one more event. An event that no [`Event::Logged`] or [`Event::Anonymised`] came before changes
/// nothing: a fold may start after erased contents (ruling 16).
#[must_use]
pub fn evolve(state: Option<Incident>, event: &Event) -> Option<Incident> {
    if let Event::Anonymised { survives, .. } = event {
        return Some(survivor(survives));
    }
    match state {
        Some(incident) => Some(incident.after(event)),
        None => begun(event),
    }
}

fn begun(event: &Event) -> Option<Incident> {
    if let Event::Register { change, .. } = event {
        return Some(register::begin(change));
    }
    let Event::Logged {
        id, reference, kind, exercise, facts, awareness, services, owed, held, opened_from, rules, ..
    } = event
    else {
        return None;
    };
    Some(Incident {
        id: *id,
        reference: reference.clone(),
        kind: *kind,
        exercise: *exercise,
        facts: Some((**facts).clone()),
        facts_version: 1,
        sent_version: 0,
        awareness: *awareness,
        services: services.clone(),
        owed: owed.clone(),
        owed_when_logged: fan_out::index(owed.len()),
        stage: if *held { Stage::Held } else { Stage::Active },
        fan_outs: Vec::new(),
        ico: None,
        ladders: Vec::new(),
        report: ReportState::None,
        not_required: None,
        correction: None,
        opened_from: *opened_from,
        told_filed: false,
        register: Box::default(),
        telling: Telling::default(),
        lessons: Lessons::default(),
        costs: Costs::default(),
        joint: Box::default(),
        rules: *rules,
        duties: Duties::default(),
        assessments: Vec::new(),
        decisions: Box::default(),
        reports: Box::default(),
    })
}

fn survivor(survives: &Survives) -> Incident {
    Incident {
        id: survives.id,
        reference: survives.reference.clone(),
        kind: survives.kind,
        exercise: survives.exercise,
        facts: None,
        facts_version: survives.facts_version,
        sent_version: 0,
        awareness: survives.awareness,
        services: survives.services.clone(),
        owed: Vec::new(),
        owed_when_logged: 0,
        stage: Stage::Anonymised,
        fan_outs: Vec::new(),
        ico: survives.ico.clone(),
        ladders: Vec::new(),
        report: ReportState::None,
        not_required: None,
        correction: None,
        opened_from: None,
        told_filed: false,
        register: Box::new(survives.register.clone()),
        telling: Telling { survived: survives.told.clone(), ..Telling::default() },
        lessons: Lessons { survived: survives.cause.clone(), ..Lessons::default() },
        costs: Costs { survived: survives.costs.clone(), ..Costs::default() },
        joint: Box::default(),
        rules: survives.rules,
        duties: survives.duties.clone(),
        assessments: Vec::new(),
        decisions: Box::default(),
        reports: Box::default(),
    }
}

impl Incident {
    fn after(mut self, event: &Event) -> Self {
        match event {
            Event::ClockStarted { clock } => {
                if clock.kind == ClockKind::IcoReport {
                    self.ico = Some(clock.clone());
                }
            }
            Event::ClockChanged { kind, change, .. } => self.change_clock(*kind, change),
            Event::FanOutStarted { fan_out, .. } => self.start_fan_out(fan_out),
            Event::FanOutAdvanced { done, finished } => self.advance_fan_out(*done, *finished),
            Event::Released { .. } => self.stage = Stage::Active,
            Event::FactsUpdated { version, facts, .. } => {
                self.facts = Some((**facts).clone());
                self.facts_version = *version;
            }
            Event::CorrectionProposed { proposal, .. } => self.correction = Some(proposal.clone()),
            Event::CorrectionRefused { .. } => self.correction = None,
            Event::AwarenessCorrected { of, is, second, .. } => {
                self.awareness = self.awareness.with(*of, *is);
                if second.is_some() {
                    self.correction = None;
                }
            }
            Event::BecameBreach { aware_at, owed, .. } => {
                self.kind = IncidentKind::Breach;
                self.awareness = self.awareness.with(AwarenessOf::Breach, *aware_at);
                self.owed.extend(owed.iter().cloned());
                self.decisions.begin_anew();
            }
            Event::Withdrawn { reason, .. } => self.withdraw(*reason),
            Event::Closed { .. } => self.stage = Stage::Closed,
            Event::StepFired { kind, due, offset_minutes, reached, .. } => {
                with_ladder(&mut self.ladders, *kind, *due, |it| it.fire(*offset_minutes, reached));
            }
            Event::StepsPassed { kind, due, offsets, .. } => self.reach(*kind, *due, offsets.last().copied()),
            Event::LadderEnded { kind, due } => with_ladder(&mut self.ladders, *kind, *due, |it| it.ended = true),
            Event::TakenInHand { kind, due, at, by } => {
                with_ladder(&mut self.ladders, *kind, *due, |it| it.take(by, *at));
            }
            Event::Ladder { change, by, .. } => {
                with_ladder(&mut self.ladders, change.kind(), change.due(), |it| it.change(change, by));
            }
            Event::ReportDrafted { gaps, at, .. } => {
                self.report = ReportState::Draft { opened_at: *at, gaps: gaps.clone() };
            }
            Event::ReportSubmitted { submission, .. } => {
                self.report = ReportState::Submitted { submission: submission.clone() };
                self.not_required = None;
            }
            Event::NotRequiredProposed { proposal } => {
                self.not_required = Some(proposal.clone());
                decision::not_required_proposed(&mut self, proposal);
            }
            Event::NotRequiredResolved { approved, at, by } => self.resolve_not_required(*approved, *at, by),
            Event::Assessment { change, at, by } => assessment::record(&mut self.assessments, change, *at, by),
            Event::Decision { change, at, by } => decision::record(&mut self, change, *at, by),
            Event::Telling { change, at, by } => self.telling = self.telling.after(change, *at, by),
            Event::Lessons { change, at, by } => self.lessons = self.lessons.after(change, *at, by),
            Event::Costs { change, at, by } => self.costs = self.costs.after(change, *at, by),
            Event::Duties { change, .. } => self.duties.record(change),
            Event::Report { change, at, by } => self.reports.apply(change, *at, by),
            Event::Joint { change, at, by } => self.joint.after(change, by, *at),
            Event::Logged { .. } | Event::Register { .. } | Event::Anonymised { .. } => {}
        }
        self
    }

    fn withdraw(&mut self, reason: WithdrawalReason) {
        self.stage = Stage::Withdrawn { reason };
        self.not_required = None;
        self.correction = None;
        self.decisions.drop_waiting();
    }

    fn change_clock(&mut self, kind: ClockKind, change: &ClockChange) {
        if kind == ClockKind::IcoReport {
            self.ico = self.ico.take().map(|clock| clock.evolve(change));
        } else {
            self.duties.change_target(kind, change);
        }
    }

    /// What a fan-out sends is the facts as they stand; a held incident sends nothing.
    fn start_fan_out(&mut self, fan_out: &FanOut) {
        let sends = match fan_out.work {
            FanOutWork::Open { queue } => queue,
            FanOutWork::Release => true,
            FanOutWork::Update { .. } => self.stage == Stage::Active,
            FanOutWork::Withdraw { .. } | FanOutWork::AskViews { .. } | FanOutWork::TellDecision { .. } => false,
            FanOutWork::TellFiled { .. } => {
                self.told_filed = true;
                false
            }
        };
        if sends {
            self.sent_version = self.facts_version;
        }
        self.fan_outs.push(fan_out.clone());
    }

    fn advance_fan_out(&mut self, done: u32, finished: bool) {
        if let Some(fan_out) = self.fan_outs.first_mut() {
            fan_out.done = done;
        }
        if finished && !self.fan_outs.is_empty() {
            self.fan_outs.remove(0);
        }
    }

    /// A duty that is outstanding again goes on where its ladder stood.
    fn reach(&mut self, kind: ClockKind, due: Moment, offset: Option<i32>) {
        with_ladder(&mut self.ladders, kind, due, |ladder| {
            ladder.last_offset = offset.or(ladder.last_offset);
            ladder.ended = false;
        });
    }

    fn resolve_not_required(&mut self, approved: bool, at: Moment, by: &Actor) {
        decision::not_required_resolved(self, approved, at, by);
        let Some(proposal) = self.not_required.take() else {
            return;
        };
        if approved {
            let NotRequiredProposal { reason, by: proposed_by, .. } = proposal;
            self.report = ReportState::NotRequired { reason, proposed_by, approved_by: by.clone(), at };
        }
    }
}

/// Changes the ladder of this duty, which begins with its first event.
pub(crate) fn with_ladder(
    ladders: &mut Vec<LadderState>,
    kind: ClockKind,
    due: Moment,
    change: impl FnOnce(&mut LadderState),
) {
    if let Some(ladder) = ladders.iter_mut().find(|ladder| ladder.kind == kind && ladder.due == due) {
        change(ladder);
    } else {
        let mut ladder = LadderState::new(kind, due);
        change(&mut ladder);
        ladders.push(ladder);
    }
}
