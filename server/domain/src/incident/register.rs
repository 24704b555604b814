//! The register's chapter of an incident: what it comes to in codes and counts, and incidents taken over from an earlier
//! register.
//!
//! Article 33(5) asks for a record of every breach, so a register that was kept elsewhere is taken over whole. What is
//! taken over is over: it starts no clock, owes nobody a notice and can't be changed. Codes and counts survive erasure
//! ([`Figures`]), so that statistics do not change when words are erased.

use serde::{Deserialize, Serialize};

use super::decision::What;
use super::{Awareness, Event, Incident, Stage, WithdrawalReason};
use crate::facts::{Cause, DataCategory, Facts, IcoCategory, IncidentKind, Nature, SubjectCategory};
use crate::report::ReportState;
use crate::values::{Actor, Count, IncidentId, Known, Line, Moment, Options, ServiceId};

/// The chapter's state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Register {
    /// It was taken over from an earlier register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// What the facts came to, once they are erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// What was decided, once the decisions are erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

/// What an earlier register says beside the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// When it was entered there.
    pub recorded_at: Moment,
    /// Whether it was reported to the ICO.
    pub outcome: Outcome,
    /// The ICO's case reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_reference: Option<Line>,
}

/// What an earlier register says of a report to the ICO. It is that register's word, not a decision made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Nothing.
    NotStated,
    /// Reported then.
    Reported {
        /// When.
        at: Moment,
    },
    /// Not reported.
    NotReported,
}

/// What facts come to in codes and counts: what lists filter by and statistics count. No words of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// What was lost.
    pub nature: Known<Options<Nature>>,
    /// Cyber or not.
    pub category: Known<IcoCategory>,
    /// The cause.
    pub cause: Known<Cause>,
    /// Kinds of data.
    pub data: Known<Options<DataCategory>>,
    /// Kinds of people.
    pub subjects: Known<Options<SubjectCategory>>,
    /// How many people.
    pub people: Known<Count>,
    /// How many records.
    pub records: Known<Count>,
}

/// What was decided, in codes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decided {
    /// About reporting to the ICO; none when nobody decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting: Option<Reporting>,
    /// About telling the people affected: one of [`WORDS`](super::decision::People::WORDS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Line>,
}

/// What was decided about reporting to the ICO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reporting {
    /// To report.
    Report,
    /// No report is required.
    NotRequired,
    /// It was no breach.
    NotABreach,
}

impl Reporting {
    /// Every one, in the order shown.
    pub const ALL: [Self; 3] = [Self::Report, Self::NotRequired, Self::NotABreach];

    /// The word in events and figures.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::NotRequired => "not_required",
            Self::NotABreach => "not_a_breach",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Report => "To report to the ICO",
            Self::NotRequired => "That no report is required",
            Self::NotABreach => "That it was not a breach",
        }
    }
}

/// An entry of an earlier register, as it is taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id here.
    pub id: IncidentId,
    /// Its reference there, and here.
    pub reference: Line,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// The facts.
    pub facts: Box<Facts>,
    /// When it became known.
    pub awareness: Awareness,
    /// Which services.
    pub services: Options<ServiceId>,
    /// It turned out to be no breach.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_a_breach: bool,
    /// What else that register says.
    pub imported: Imported,
}

/// What happened to the chapter. A file format: frozen by golden files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// The incident was taken over from an earlier register: the first event of its stream.
    Imported {
        /// It.
        record: Box<Record>,
    },
}

/// What a person asks of the chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take over an entry of an earlier register.
    Import(Box<Record>),
}

/// Why that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither awareness is given.
    #[error("say when you became aware")]
    AwarenessMissing,
    /// An instant after now.
    #[error("an entry of an earlier register can't be dated in the future")]
    InFuture,
    /// Reported, or entered, before anybody knew.
    #[error("a report or an entry can't be earlier than awareness")]
    BeforeAwareness,
}

impl Register {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.imported.is_none() && self.figures.is_none() && self.decided.is_none()
    }
}

impl Figures {
    /// Of facts.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        Self {
            nature: facts.nature.clone(),
            category: facts.ico_category,
            cause: facts.cause,
            data: facts.data_categories.clone(),
            subjects: facts.subject_categories.clone(),
            people: facts.data_subjects,
            records: facts.records,
        }
    }
}

impl Incident {
    /// What its facts come to, or came to before they were erased.
    #[must_use]
    pub fn figures(&self) -> Figures {
        match &self.facts {
            Some(facts) => Figures::of(facts),
            None => self.register.figures.clone().unwrap_or_default(),
        }
    }

    /// What was decided on it, or had been before that was erased.
    #[must_use]
    pub fn decided(&self) -> Decided {
        if let Some(kept) = &self.register.decided {
            return kept.clone();
        }
        let reporting = self.decisions.report().and_then(|decided| match decided.what {
            What::Report => Some(Reporting::Report),
            What::NotRequired => Some(Reporting::NotRequired),
            What::NotABreach { .. } => Some(Reporting::NotABreach),
            What::People { .. } | What::Delay => None,
        });
        let people = self.decisions.people().and_then(|(_, people)| Line::parse(people.word()).ok());
        Decided { reporting, people }
    }
}

/// Only the first thing of a stream.
///
/// # Errors
/// [`Refusal`]
pub(super) fn decide(command: &Command, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    let Command::Import(record) = command;
    let (_, aware) = record.awareness.contract_anchor().ok_or(Refusal::AwarenessMissing)?;
    let reported = match record.imported.outcome {
        Outcome::Reported { at } => Some(at),
        Outcome::NotStated | Outcome::NotReported => None,
    };
    let given = [record.awareness.circumstances, record.awareness.breach, Some(record.imported.recorded_at), reported];
    if given.into_iter().flatten().any(|at| at > now) {
        return Err(Refusal::InFuture);
    }
    if record.imported.recorded_at < aware || reported.is_some_and(|at| at < aware) {
        return Err(Refusal::BeforeAwareness);
    }
    let change = Change::Imported { record: record.clone() };
    Ok(vec![Event::Register { change, at: now, by: by.clone() }])
}

/// The state that a stream begins with.
pub(super) fn begin(change: &Change) -> Incident {
    let Change::Imported { record } = change;
    let stage =
        if record.not_a_breach { Stage::Withdrawn { reason: WithdrawalReason::NotABreach } } else { Stage::Closed };
    Incident {
        id: record.id,
        reference: record.reference.clone(),
        kind: record.kind,
        exercise: false,
        facts: Some((*record.facts).clone()),
        facts_version: 1,
        sent_version: 0,
        awareness: record.awareness,
        services: record.services.clone(),
        owed: Vec::new(),
        owed_when_logged: 0,
        stage,
        fan_outs: Vec::new(),
        ico: None,
        ladders: Vec::new(),
        report: ReportState::None,
        not_required: None,
        correction: None,
        opened_from: None,
        told_filed: false,
        assessments: Vec::new(),
        decisions: Box::default(),
        reports: Box::default(),
        register: Box::new(Register { imported: Some(record.imported.clone()), ..Register::default() }),
        telling: super::telling::Telling::default(),
        lessons: super::lessons::Lessons::default(),
        costs: super::costs::Costs::default(),
        joint: Box::default(),
        rules: super::Rules::default(),
        duties: super::Duties::default(),
    }
}

/// What is left of the chapter after erasure.
pub(super) fn kept(incident: &Incident) -> Register {
    let imported = incident.register.imported.as_ref();
    Register {
        imported: imported.map(|imported| Imported { ico_reference: None, ..imported.clone() }),
        figures: Some(incident.figures()),
        decided: Some(incident.decided()).filter(|decided| *decided != Decided::default()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::incident::tests::kit::{dpo, facts, hour, incident_id, line};
    use crate::incident::{self, evolve, fold};
    use crate::ladder::Plans;
    use crate::values::CountBasis;

    fn record() -> Record {
        let count = Count { value: 12, basis: CountBasis::Exact, max: None };
        Record {
            id: incident_id(),
            reference: line("OLD-7"),
            kind: IncidentKind::Breach,
            facts: Box::new(Facts {
                cause: Known::Known(Cause::InternalAccidental),
                data_categories: Known::Known(BTreeSet::from([DataCategory::Health])),
                data_subjects: Known::Known(count),
                ..facts()
            }),
            awareness: Awareness { circumstances: None, breach: Some(hour(0)) },
            services: BTreeSet::new(),
            not_a_breach: false,
            imported: Imported {
                recorded_at: hour(2),
                outcome: Outcome::Reported { at: hour(30) },
                ico_reference: Some(line("IC-9")),
            },
        }
    }

    fn import(record: Record, at: i64) -> Result<Vec<Event>, incident::Refusal> {
        let command = incident::Command::Register { command: Command::Import(Box::new(record)), by: dpo(1) };
        incident::decide(None, &command, hour(at)).map(|decision| {
            assert!(decision.asks.is_empty(), "nobody is told");
            decision.events
        })
    }

    /// Aim: an entry taken over is over: no clock, nobody owed, nothing more to decide; a second time is refused.
    #[test]
    fn what_is_taken_over_is_over() {
        let events = import(record(), 100).unwrap();
        assert_eq!(events.len(), 1);
        let incident = fold(&events).unwrap();
        assert_eq!((incident.stage.word(), &incident.ico, incident.owed.len()), ("closed", &None, 0));
        assert_eq!(incident::next_check(&incident, &Plans::default()), None);
        let again = incident::Command::Register { command: Command::Import(Box::new(record())), by: dpo(1) };
        assert_eq!(incident::decide(Some(&incident), &again, hour(101)), Err(incident::Refusal::AlreadyLogged));
        let reopened = incident::Command::Release { by: dpo(1) };
        assert_eq!(
            incident::decide(Some(&incident), &reopened, hour(101)),
            Err(incident::Refusal::NotOpen { stage: "closed" })
        );
        let not_a_breach = fold(&import(Record { not_a_breach: true, ..record() }, 100).unwrap()).unwrap();
        assert_eq!(not_a_breach.stage, Stage::Withdrawn { reason: WithdrawalReason::NotABreach });
    }

    /// Aim: dates out of order and in the future are refused.
    #[test]
    fn dates_are_in_order() {
        assert_eq!(import(record(), 29), Err(Refusal::InFuture.into()));
        let early = Imported { recorded_at: hour(-1), ..record().imported };
        assert_eq!(import(Record { imported: early, ..record() }, 100), Err(Refusal::BeforeAwareness.into()));
        let early = Imported { outcome: Outcome::Reported { at: hour(-1) }, ..record().imported };
        assert_eq!(import(Record { imported: early, ..record() }, 100), Err(Refusal::BeforeAwareness.into()));
        let unaware = Awareness { circumstances: None, breach: None };
        assert_eq!(import(Record { awareness: unaware, ..record() }, 100), Err(Refusal::AwarenessMissing.into()));
    }

    /// Aim: what was decided survives erasure in codes, its reasons do not.
    #[test]
    fn decisions_survive_in_codes() {
        let mut state = fold(&import(record(), 100).unwrap()).unwrap();
        assert_eq!(state.decided(), Decided::default(), "an earlier register's word is no decision made here");
        let basis = crate::incident::decision::Basis { facts_version: 1, assessment: None };
        let reasons = crate::values::LongText::parse("Planted reasons").unwrap();
        let decided = |what, at| crate::incident::decision::Decided {
            what,
            reasons: reasons.clone(),
            basis,
            at: hour(at),
            by: dpo(1),
            second: None,
        };
        let people = crate::incident::decision::People::HighRiskRemoved;
        state.decisions.made = vec![decided(What::NotRequired, 3), decided(What::People { people }, 4)];
        let before = state.decided();
        assert_eq!(before.reporting, Some(Reporting::NotRequired));
        assert_eq!(before.people.as_ref().map(Line::as_str), Some("high_risk_removed"));
        let events =
            incident::decide(Some(&state), &incident::Command::Anonymise { by: dpo(1) }, hour(101)).unwrap().events;
        let after = events.iter().fold(Some(state), evolve).unwrap();
        assert_eq!(after.decided(), before);
        assert!(!serde_json::to_string(&events).unwrap().contains("Planted"));
    }

    /// Aim: codes and counts survive erasure, words do not, and the erased stream folds to the same.
    #[test]
    fn figures_survive_erasure() {
        let state = fold(&import(record(), 100).unwrap()).unwrap();
        let before = state.figures();
        let erase = incident::Command::Anonymise { by: dpo(1) };
        let events = incident::decide(Some(&state), &erase, hour(101)).unwrap().events;
        let after = events.iter().fold(Some(state), evolve).unwrap();
        assert_eq!(after.figures(), before);
        assert_eq!(before.cause, Known::Known(Cause::InternalAccidental));
        assert_eq!(after.register.imported.as_ref().map(|imported| imported.recorded_at), Some(hour(2)));
        let json = serde_json::to_string(&events).unwrap();
        assert!(!json.contains("IC-9") && !json.contains("mailbox"), "{json}");
        assert_eq!(fold(&events), Some(after));
    }
}
