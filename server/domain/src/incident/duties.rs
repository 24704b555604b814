//! Duties of an incident for which the law names no time: telling people once the risk to them was decided to be high
//! (UK GDPR Article 34(1)), and following up a report to the ICO that left something out (Article 33(4)).
//!
//! [`Undated`] duties have no due instant. Beside one there may be a target of our own: hours that the node's people set
//! for every incident, or an instant that a person set for this one. A target is a clock with a ladder, marked as ours.
//!
//! Other chapters start and end these duties by `start`, `done` and `not_required`, in the decision that says so.

use serde::{Deserialize, Serialize};

use super::decide::must_be_open;
use super::{Event, Incident, watch};
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, Evidence};
use crate::clock_terms::Law;
use crate::undated::{Targets, Undated, UndatedChange, UndatedDuty};
use crate::values::{Actor, Line, LongText, Moment};

/// A target lies at most so far ahead: a year, as 366 elapsed days.
const TARGET_SECONDS_MAX: i64 = 366 * 24 * 3_600;
/// A duty's reason is a line; a decision's reason may be longer, and is kept whole with the decision.
const REASON_CHARS: usize = 200;

/// What the node's settings say, frozen on an incident when it is logged: later settings do not reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// The law under which we report.
    #[serde(default)]
    pub law: Law,
    /// For every service hit we only process, on a controller's behalf: the report to the regulator is theirs (UK GDPR
    /// Article 33(2)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub processor_only: bool,
    /// Our own targets where the law names no time.
    #[serde(default)]
    pub targets: Targets,
}

impl Rules {
    /// Whether they are those of every incident logged before there were any.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The chapter's state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Duties {
    /// At most one of each, the newest; those before it are in the ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undated: Vec<Undated>,
    /// Targets of our own, at most one for each of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Clock>,
}

/// What is decided about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// One is owed.
    Started {
        /// It.
        duty: Undated,
    },
    /// One was done, moved, or decided not to be owed.
    Changed {
        /// Which.
        duty: UndatedDuty,
        /// How.
        how: UndatedChange,
        /// Why in full, where the line in `how` is shorter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<LongText>,
    },
    /// A target of our own was set, or moved.
    TargetSet {
        /// The clock that runs to it.
        clock: Clock,
    },
}

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It is owed from an instant on. What starts it follows from the duty.
    Start {
        /// Which.
        duty: UndatedDuty,
        /// Since when.
        since: Moment,
    },
    /// We aim at an instant.
    SetTarget {
        /// Which.
        duty: UndatedDuty,
        /// By when.
        due: Moment,
    },
    /// It was done.
    RecordDone {
        /// Which.
        duty: UndatedDuty,
        /// When.
        at: Moment,
    },
    /// It is not owed after all.
    NotRequired {
        /// Which.
        duty: UndatedDuty,
        /// Why.
        reason: LongText,
    },
}

/// Why one was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing of the kind is owed.
    #[error("there is no such duty to see to")]
    NotOwed,
    /// It is owed already.
    #[error("this duty is on the record already")]
    AlreadyOwed,
    /// An instant after now, or before the duty began.
    #[error("this cannot have been before the duty began, or later than now")]
    Time,
    /// A target that lies behind us, or more than a year ahead.
    #[error("a target lies ahead, and at most a year")]
    Target,
}

pub(super) fn decide(
    incident: &Incident,
    command: &Command,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, super::Refusal> {
    match command {
        Command::Start { duty, since } => {
            must_be_open(incident)?;
            if *since > now {
                return Err(Refusal::Time.into());
            }
            let events = start(incident, *duty, *since, by, now);
            if events.is_empty() { Err(Refusal::AlreadyOwed.into()) } else { Ok(events) }
        }
        Command::SetTarget { duty, due } => {
            must_be_open(incident)?;
            set_target(incident, *duty, *due, by, now)
        }
        Command::RecordDone { duty, at } => {
            let owed = incident.duties.open(*duty).ok_or(Refusal::NotOwed)?;
            if *at > now || *at < owed.since {
                return Err(Refusal::Time.into());
            }
            Ok(done(incident, *duty, *at, by, now))
        }
        Command::NotRequired { duty, reason } => {
            incident.duties.open(*duty).ok_or(Refusal::NotOwed)?;
            Ok(not_required(incident, *duty, reason, by, now))
        }
    }
}

/// The duty is owed from `since` on: nothing when it is owed already. Where the node's people set a target for every
/// incident, its clock starts too.
pub(super) fn start(incident: &Incident, duty: UndatedDuty, since: Moment, by: &Actor, now: Moment) -> Vec<Event> {
    let anchor = match duty {
        UndatedDuty::PeopleTold => Anchor::HighRiskDecided,
        UndatedDuty::FollowUp => Anchor::ReportIncomplete,
        // Owed to one partner: its exchange has it.
        UndatedDuty::ControllerTold => return Vec::new(),
    };
    if incident.duties.open(duty).is_some() {
        return Vec::new();
    }
    let event = |change| Event::Duties { change, at: now, by: by.clone() };
    let target = incident.rules.targets.of(duty);
    let clock = target.map(|hours| Clock::target(duty.target_kind(), anchor, since, hours));
    let started = Change::Started { duty: Undated::start(duty, anchor, since) };
    let target = clock.map(|clock| event(Change::TargetSet { clock }));
    [event(started)].into_iter().chain(target).collect()
}

/// The duty was done at `at`: it ends with its target. Nothing when nothing of the kind is owed.
pub(super) fn done(incident: &Incident, duty: UndatedDuty, at: Moment, by: &Actor, now: Moment) -> Vec<Event> {
    let evidence = match duty {
        UndatedDuty::PeopleTold | UndatedDuty::ControllerTold => Evidence::RecordedTelling,
        UndatedDuty::FollowUp => Evidence::RecordedSubmission,
    };
    let how = incident.duties.open(duty).and_then(|owed| owed.done(at, evidence));
    let target = incident.duties.target(duty.target_kind()).and_then(|clock| clock.meet(at, evidence));
    end(incident, duty, (how, None), target, by, now)
}

/// The duty is not owed after all, with the reason: it ends with its target. Nothing when nothing of the kind is owed.
pub(super) fn not_required(
    incident: &Incident,
    duty: UndatedDuty,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Vec<Event> {
    let short: String = reason.as_str().chars().take(REASON_CHARS).collect();
    // What is no fault in a longer text is none here.
    let Ok(why) = Line::stored(&short) else { return Vec::new() };
    let whole = (short.len() < reason.as_str().len()).then(|| reason.clone());
    ended(incident, duty, &why, whole, by, now)
}

/// Nothing is owed any more: a withdrawal, or that it was no breach, ends every one that is open, with its reason.
pub(super) fn none_required(incident: &Incident, why: &Line, by: &Actor, now: Moment) -> Vec<Event> {
    UndatedDuty::ALL.into_iter().flat_map(|duty| ended(incident, duty, why, None, by, now)).collect()
}

fn ended(
    incident: &Incident,
    duty: UndatedDuty,
    why: &Line,
    whole: Option<LongText>,
    by: &Actor,
    now: Moment,
) -> Vec<Event> {
    let how = incident.duties.open(duty).and_then(|owed| owed.not_required(now, why.clone()));
    let target = incident.duties.target(duty.target_kind()).and_then(|clock| clock.not_required(now, why.clone()));
    end(incident, duty, (how, whole), target, by, now)
}

fn end(
    incident: &Incident,
    duty: UndatedDuty,
    (how, reason): (Option<UndatedChange>, Option<LongText>),
    target: Option<ClockChange>,
    by: &Actor,
    now: Moment,
) -> Vec<Event> {
    let Some(how) = how else { return Vec::new() };
    let kind = duty.target_kind();
    let mut events = vec![Event::Duties { change: Change::Changed { duty, how, reason }, at: now, by: by.clone() }];
    events.extend(target.map(|change| Event::ClockChanged { kind, change, at: now }));
    events.extend(watch::end_ladders(incident, &[kind]));
    events
}

/// A person aims at an instant, in the place of an earlier target. One that was missed stays on the record.
fn set_target(
    incident: &Incident,
    duty: UndatedDuty,
    due: Moment,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, super::Refusal> {
    let owed = incident.duties.open(duty).ok_or(Refusal::NotOwed)?;
    let due = due.floor_second();
    if due <= now || due.seconds_since(now) > TARGET_SECONDS_MAX {
        return Err(Refusal::Target.into());
    }
    let kind = duty.target_kind();
    if incident.duties.target(kind).is_some_and(|clock| clock.is_open() && clock.due() == due) {
        return Err(super::Refusal::NothingChanges);
    }
    let clock = Clock::target_until(kind, owed.anchor, owed.since, due);
    let mut events = watch::end_ladders(incident, &[kind]);
    events.push(Event::Duties { change: Change::TargetSet { clock }, at: now, by: by.clone() });
    Ok(events)
}

impl Duties {
    /// One that is still to be done.
    #[must_use]
    pub fn open(&self, duty: UndatedDuty) -> Option<&Undated> {
        self.undated.iter().find(|owed| owed.duty == duty && owed.is_open())
    }

    /// How many are still to be done.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.undated.iter().filter(|owed| owed.is_open()).count()
    }

    /// The target on a clock of this kind.
    #[must_use]
    pub fn target(&self, kind: ClockKind) -> Option<&Clock> {
        self.targets.iter().find(|clock| clock.kind == kind)
    }

    pub(super) fn record(&mut self, change: &Change) {
        match change {
            Change::Started { duty } => {
                self.targets.retain(|clock| clock.kind != duty.duty.target_kind());
                self.undated.retain(|owed| owed.duty != duty.duty);
                self.undated.push(duty.clone());
            }
            Change::Changed { duty, how, .. } => {
                for owed in self.undated.iter_mut().filter(|owed| owed.duty == *duty) {
                    *owed = owed.clone().evolve(how);
                }
            }
            Change::TargetSet { clock } => {
                self.targets.retain(|old| old.kind != clock.kind);
                self.targets.push(clock.clone());
            }
        }
    }

    pub(super) fn change_target(&mut self, kind: ClockKind, change: &ClockChange) {
        for clock in self.targets.iter_mut().filter(|clock| clock.kind == kind) {
            *clock = clock.clone().evolve(change);
        }
    }

    /// What survives erasure: codes and instants.
    pub(super) fn without_reasons(&self, erased: &Line) -> Self {
        Self {
            undated: self.undated.iter().map(|owed| owed.without_reason(erased)).collect(),
            targets: self.targets.iter().filter_map(super::without_reason).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.undated.is_empty() && self.targets.is_empty()
    }
}
