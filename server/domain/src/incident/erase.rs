//! Erasure at the end of retention: what survives is codes, counts, references and instants (ruling 16).

use super::{Duty, Event, Incident, Refusal, Stage, Survives, fan_out, lessons, register};
use crate::clock::{Clock, ClockState};
use crate::values::{Line, Moment};

/// Stands where a free-text reason stood.
pub(crate) const ERASED: &str = "erased";

/// Only when every duty is decided: closed, or withdrawn with every partner told.
pub(super) fn anonymise(incident: &Incident, now: Moment) -> Result<Vec<Event>, Refusal> {
    let withdrawn = match incident.stage {
        Stage::Closed => None,
        Stage::Withdrawn { reason } => Some(reason),
        Stage::Held | Stage::Active | Stage::Anonymised => {
            return Err(Refusal::NotOpen { stage: incident.stage.word() });
        }
    };
    if !incident.fan_outs.is_empty() {
        return Err(Refusal::DutiesOpen { duties: vec![Duty::FanOut] });
    }
    lessons::must_be_over(&incident.lessons)?;
    let survives = Survives {
        id: incident.id,
        reference: incident.reference.clone(),
        kind: incident.kind,
        exercise: incident.exercise,
        facts_version: incident.facts_version,
        awareness: incident.awareness,
        services: incident.services.clone(),
        owed: fan_out::index(incident.owed.len()),
        ico: incident.ico.as_ref().and_then(without_reason),
        withdrawn,
        register: register::kept(incident),
        told: incident.telling.told(),
        cause: incident.lessons.kind().cloned(),
        costs: incident.costs.standing().collect(),
        rules: incident.rules,
        duties: Line::parse(ERASED).map(|erased| incident.duties.without_reasons(&erased)).unwrap_or_default(),
    };
    Ok(vec![Event::Anonymised { survives: Box::new(survives), at: now }])
}

/// The clock with a free-text reason replaced.
pub(crate) fn without_reason(clock: &Clock) -> Option<Clock> {
    let state = match &clock.state {
        ClockState::NotRequired { at, reason: _ } => {
            ClockState::NotRequired { at: *at, reason: Line::parse(ERASED).ok()? }
        }
        ClockState::Running | ClockState::Overdue | ClockState::Met { .. } | ClockState::MetLate { .. } => {
            clock.state.clone()
        }
    };
    Some(Clock { state, ..clock.clone() })
}
