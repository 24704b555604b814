//! What somebody had in front of them when they assessed or decided: two people at once never overrule each other unseen.

use std::fmt;
use std::str::FromStr;

use super::{Incident, Refusal};
use crate::values::ValueError;

/// The versions that a form showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Of the facts.
    pub facts_version: u32,
    /// How many assessments there were.
    pub assessments: u32,
    /// How many steps of deciding there were: decisions, proposals, answers to them.
    pub decisions: u32,
}

impl Seen {
    /// The versions as they stand.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            facts_version: incident.facts_version,
            assessments: super::fan_out::index(incident.assessments.len()),
            decisions: incident.decisions.steps,
        }
    }

    /// Refuses an assessment of facts that are no longer the newest, or beside another assessment.
    pub(super) fn must_stand_for_assessing(&self, incident: &Incident) -> Result<(), Refusal> {
        if self.facts_version != incident.facts_version {
            return Err(Refusal::FactsChanged { current: incident.facts_version });
        }
        match incident.assessments.last() {
            Some(last) if self.assessments != Self::of(incident).assessments => {
                Err(Refusal::Meanwhile { what: "assessed", by: last.by.clone(), at: last.at })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a decision on what is no longer the newest.
    pub(super) fn must_stand_for_deciding(&self, incident: &Incident) -> Result<(), Refusal> {
        self.must_stand_for_assessing(incident)?;
        match &incident.decisions.last {
            Some((by, at)) if self.decisions != incident.decisions.steps => {
                Err(Refusal::Meanwhile { what: "decided", by: by.clone(), at: *at })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// As a form carries it: `3-1-0`.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.facts_version, self.assessments, self.decisions)
    }
}

impl FromStr for Seen {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut numbers = text.split('-').map(|number| number.parse::<u32>().map_err(|_| ValueError::NotAnId));
        let mut next = || numbers.next().unwrap_or(Err(ValueError::NotAnId));
        let seen = Self { facts_version: next()?, assessments: next()?, decisions: next()? };
        if numbers.next().is_some() { Err(ValueError::NotAnId) } else { Ok(seen) }
    }
}
