//! Assessing the risk of an incident: what was asked, a severity score with the choices behind it, the ICO's
//! self-assessment, and what all of it came to on that day.
//!
//! An assessment looks at one version of the facts and keeps its results under the names of the tables that gave them, so
//! that neither newer facts nor newer tables change it. A newer assessment is added to the earlier ones. It decides nothing
//! and stops no clock ([`super::decision`] does).

mod choose;

use serde::{Deserialize, Serialize};

pub use self::choose::{Chosen, ChosenContext, Fault, Part, Picked};

use super::decide::must_be_open;
use super::{Event, Incident, Refusal as Refused, Seen, decision, ico};
use crate::clock::Clock;
use crate::facts::{Facts, Partly, YesNo};
use crate::precedent;
use crate::report::ReportState;
use crate::self_assessment::{self, Given, Next, Outcome};
use crate::severity::{self, Flags, Inputs, Level, Quarters};
use crate::suggestion::{self, Asked, Circumstances, Ground, Question, ToIco, ToPeople};
use crate::values::{Actor, Known, LongText, Moment, Role};

/// Assessments of one incident.
pub const ASSESSMENTS_MAX: usize = 50;
/// Octets of one assessment, as it is kept: about two hundred lines of reasons.
pub const OCTETS_MAX: usize = 65_536;
/// Cases of the guidelines that are named with an assessment.
const CASES: usize = 3;

/// One assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// 1, 2, 3 …
    pub number: u32,
    /// The version of the facts that it looked at.
    pub facts_version: u32,
    /// What the facts don't hold.
    pub asked: Asked,
    /// The choices behind the score, with the reason of each that no fact gives.
    pub inputs: Inputs,
    /// The answers to the ICO's self-assessment, with reasons.
    pub answers: Vec<Given>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<LongText>,
    /// What it came to.
    pub results: Results,
}

/// What an assessment came to, under the names of the tables that gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// The severity method and its version.
    pub method: String,
    /// The score.
    pub severity: Quarters,
    /// Its level.
    pub level: Level,
    /// The self-assessment and its version.
    pub flow: String,
    /// Where its answers lead.
    pub outcome: Outcome,
    /// What was suggested; nothing for circumstances that are only likely to give rise to a breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// The nearest cases of the guidelines, nearest first.
    pub cases: Vec<CaseName>,
}

/// What was suggested, by the names of its grounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The rules and their version.
    pub rules: String,
    /// About reporting to the ICO.
    pub to_ico: ToIco,
    /// Why, by [`Ground::id`].
    pub ico_grounds: Vec<String>,
    /// About telling people.
    pub to_people: ToPeople,
    /// Why, by [`Ground::id`].
    pub people_grounds: Vec<String>,
    /// What was still to be found out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Question>,
}

/// A case of a guideline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseName {
    /// The guideline's short name.
    pub guideline: String,
    /// The case's number there.
    pub number: String,
}

/// An assessment as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessed {
    /// It.
    pub assessment: Assessment,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

impl Assessed {
    /// Whether newer facts are known by now.
    #[must_use]
    pub const fn is_older_than_the_facts(&self, incident: &Incident) -> bool {
        self.assessment.facts_version < incident.facts_version
    }
}

/// What was recorded. A file format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// The incident was assessed.
    Assessed {
        /// How.
        assessment: Box<Assessment>,
    },
}

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Assess the facts as they stand.
    Assess(Box<Assess>),
}

/// All that a person says when they assess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assess {
    /// What they had in front of them.
    pub seen: Seen,
    /// What the facts don't hold.
    pub asked: Asked,
    /// The choices behind the score.
    pub chosen: Chosen,
    /// The answers to the ICO's self-assessment.
    pub answers: Vec<Given>,
    /// Anything else.
    pub note: Option<LongText>,
}

/// Why an assessment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something is missing or needs a reason; each place is named.
    #[error("{}", Fault::list(.0))]
    Incomplete(Vec<Fault>),
    /// The method can't work it out.
    #[error(transparent)]
    Severity(#[from] severity::Refusal),
    /// The contents were erased.
    #[error("its facts are no longer kept")]
    NoFacts,
    /// There are [`ASSESSMENTS_MAX`] of them.
    #[error("this incident was assessed {ASSESSMENTS_MAX} times: no more are taken")]
    TooMany,
    /// It is longer than [`OCTETS_MAX`].
    #[error("these texts together are longer than one assessment may be; shorten some")]
    TooLong,
    /// Only responders and data protection officers may.
    #[error("only responders and data protection officers may assess")]
    RoleNeeded,
}

pub(super) fn decide(incident: &Incident, command: &Command, by: &Actor, now: Moment) -> Result<Vec<Event>, Refused> {
    let Command::Assess(assess) = command;
    must_be_open(incident)?;
    match ico::role(by) {
        Some(Role::Dpo | Role::Responder) => {}
        Some(Role::Reporter | Role::Manager | Role::Administrator | Role::Auditor) | None => {
            return Err(Refusal::RoleNeeded.into());
        }
    }
    let assessment = assessed(incident, assess)?;
    let again = |last: &Assessed| {
        let same = Assessment { number: last.assessment.number, ..assessment.clone() };
        last.assessment == same && last.by.person() == by.person()
    };
    // The same form sent twice.
    if incident.assessments.last().is_some_and(again) {
        return Err(Refused::NothingChanges);
    }
    assess.seen.must_stand_for_assessing(incident)?;
    if incident.assessments.len() >= ASSESSMENTS_MAX {
        return Err(Refusal::TooMany.into());
    }
    let is_reportable = assessment.results.advice.as_ref().is_some_and(|it| it.to_ico == ToIco::SuggestReporting);
    let change = Change::Assessed { assessment: Box::new(assessment) };
    if serde_json::to_vec(&change).map_or(usize::MAX, |octets| octets.len()) > OCTETS_MAX {
        return Err(Refusal::TooLong.into());
    }
    let mut events = vec![Event::Assessment { change, at: now, by: by.clone() }];
    // Whoever opens the report finds a draft.
    let is_due = incident.ico.as_ref().is_some_and(Clock::is_open);
    if is_reportable && is_due && incident.report == ReportState::None {
        events.push(ico::drafted(incident, Actor::Node, now));
    }
    Ok(events)
}

/// Everything that is missing in choices and answers, so that a form can say all of it at once.
#[must_use]
pub fn faults(facts: &Facts, chosen: &Chosen, answers: &[Given]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let _ = choose::inputs(facts, chosen, &mut faults);
    let _ = choose::walked(answers, &mut faults);
    faults
}

fn assessed(incident: &Incident, assess: &Assess) -> Result<Assessment, Refusal> {
    let facts = incident.facts.as_ref().ok_or(Refusal::NoFacts)?;
    let mut faults = Vec::new();
    let inputs = choose::inputs(facts, &assess.chosen, &mut faults);
    let walked = choose::walked(&assess.answers, &mut faults);
    let (Some(mut inputs), Some((flow, outcome))) = (inputs, walked) else {
        return Err(Refusal::Incomplete(faults));
    };
    let circumstances = Circumstances::of(facts, assess.asked);
    inputs.flags = flags(inputs.flags, &circumstances);
    let score = severity::score(&inputs)?;
    let near = precedent::nearest_cases(&circumstances, CASES);
    let results = Results {
        method: score.method,
        severity: score.severity,
        level: score.level,
        flow,
        outcome,
        advice: decision::is_a_breach_so_far(incident).then(|| advice(&circumstances)),
        cases: near
            .into_iter()
            .map(|near| CaseName { guideline: near.what.guideline.clone(), number: near.what.number.clone() })
            .collect(),
    };
    Ok(Assessment {
        number: Seen::of(incident).assessments.saturating_add(1),
        facts_version: incident.facts_version,
        asked: assess.asked,
        inputs,
        answers: assess.answers.clone(),
        note: assess.note.clone(),
        results,
    })
}

/// Unreadable data count as such only once it is shown that the means are strong and the key is safe.
fn flags(from_facts: Flags, of: &Circumstances) -> Flags {
    let fails = of.asked.strong == Known::Known(YesNo::No) || of.asked.key_safe == Known::Known(YesNo::No);
    let unintelligible = match of.unintelligible {
        Known::Known(Partly::Yes) if of.is_protected() => Known::Known(true),
        Known::Known(Partly::Yes) if !fails => Known::NotYetKnown,
        Known::Known(Partly::Yes | Partly::Partly | Partly::No) => Known::Known(false),
        Known::NotYetKnown => Known::NotYetKnown,
    };
    Flags { unintelligible, ..from_facts }
}

fn advice(circumstances: &Circumstances) -> Advice {
    let suggestion = suggestion::suggest(circumstances);
    let names = |grounds: &[Ground]| grounds.iter().map(|ground| ground.id.to_owned()).collect();
    Advice {
        rules: suggestion::RULES.to_owned(),
        to_ico: suggestion.to_ico.advice(),
        ico_grounds: names(suggestion.to_ico.grounds()),
        to_people: suggestion.to_people.advice(),
        people_grounds: names(suggestion.to_people.grounds()),
        open: suggestion.open,
    }
}

pub(super) fn record(assessments: &mut Vec<Assessed>, change: &Change, at: Moment, by: &Actor) {
    let Change::Assessed { assessment } = change;
    assessments.push(Assessed { assessment: (**assessment).clone(), at, by: by.clone() });
}

impl Assessment {
    /// The score with its working, if the tables in force are still those that gave it.
    #[must_use]
    pub fn score(&self) -> Option<severity::Score> {
        let score = severity::score(&self.inputs).ok()?;
        let same = score.method == self.results.method && score.severity == self.results.severity;
        same.then_some(score)
    }

    /// The self-assessment with its working, if the flow in force is still the one that was walked.
    #[must_use]
    pub fn self_assessment(&self) -> Option<self_assessment::SelfAssessment> {
        let walked = self_assessment::assess(&self.answers).ok()?;
        let same = walked.flow == self.results.flow && walked.stands == Next::Outcome(self.results.outcome);
        same.then_some(walked)
    }
}
