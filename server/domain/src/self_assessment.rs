//! The ICO's self-assessment: four questions from "is it personal data?" to "who has to be told?".
//!
//! A person answers, each time with a reason; [`assess`] walks the flow and says where the answers lead, step by step with
//! the ground of each. It decides nothing and stops no clock: the 72 hours go on until a named person decides. *Not sure*
//! is an answer, and leads to "treated as reportable". A later assessment is added to the earlier ones, never put in
//! their place. The flow is data (`law/ico-self-assessment.json`).

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::law::Confidence;
use crate::validity::Validity;
use crate::values::LongText;

const FLOW_JSON: &str = include_str!("../law/ico-self-assessment.json");

/// A question of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Whether personal data is involved (UK GDPR Article 4(1)).
    PersonalData,
    /// Whether it is a breach (Article 4(12)).
    Breach,
    /// How likely a risk to people is (Article 33(1)).
    Risk,
    /// Whether the risk is high (Article 34(1)).
    HighRisk,
}

impl Question {
    /// Every question, in order.
    pub const ALL: [Self; 4] = [Self::PersonalData, Self::Breach, Self::Risk, Self::HighRisk];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PersonalData => "personal_data",
            Self::Breach => "breach",
            Self::Risk => "risk",
            Self::HighRisk => "high_risk",
        }
    }
}

/// An answer. Which ones a question takes is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// A risk is unlikely.
    Unlikely,
    /// A risk is unlikely because of what was done.
    Mitigated,
    /// A risk is likely.
    Likely,
    /// A risk is very likely.
    VeryLikely,
    /// The risk is not high.
    NotHigh,
    /// The risk is high.
    High,
    /// Nobody can say yet.
    NotSure,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 9] = [
        Self::Yes,
        Self::No,
        Self::Unlikely,
        Self::Mitigated,
        Self::Likely,
        Self::VeryLikely,
        Self::NotHigh,
        Self::High,
        Self::NotSure,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unlikely => "unlikely",
            Self::Mitigated => "mitigated",
            Self::Likely => "likely",
            Self::VeryLikely => "very_likely",
            Self::NotHigh => "not_high",
            Self::High => "high",
            Self::NotSure => "not_sure",
        }
    }

    /// The answer with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.word() == word)
    }
}

/// Where answers lead: what they point to, for a person to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No personal data is involved.
    NotPersonalData,
    /// Nothing happened to the data.
    NearMiss,
    /// No report, a record with reasons (Articles 33(1) and 33(5)).
    RecordOnly,
    /// Tell the ICO (Article 33(1)).
    TellIco,
    /// Tell the ICO; whether people must be told is open.
    TellIcoPeopleUnclear,
    /// Tell the ICO and the people affected (Articles 33(1) and 34(1)).
    TellIcoAndPeople,
    /// Open: treated as reportable.
    Unclear,
}

impl Outcome {
    /// Every outcome, the one with the fewest duties first.
    pub const ALL: [Self; 7] = [
        Self::NotPersonalData,
        Self::NearMiss,
        Self::RecordOnly,
        Self::TellIco,
        Self::TellIcoPeopleUnclear,
        Self::TellIcoAndPeople,
        Self::Unclear,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotPersonalData => "not_personal_data",
            Self::NearMiss => "near_miss",
            Self::RecordOnly => "record_only",
            Self::TellIco => "tell_ico",
            Self::TellIcoPeopleUnclear => "tell_ico_people_unclear",
            Self::TellIcoAndPeople => "tell_ico_and_people",
            Self::Unclear => "unclear",
        }
    }

    /// Whether the breach is treated as one to report until a person decides.
    #[must_use]
    pub const fn treated_as_reportable(self) -> bool {
        match self {
            Self::NotPersonalData | Self::NearMiss | Self::RecordOnly => false,
            Self::TellIco | Self::TellIcoPeopleUnclear | Self::TellIcoAndPeople | Self::Unclear => true,
        }
    }
}

/// The flow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Flow {
    /// Its stable name.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// From when to when it holds.
    #[serde(flatten)]
    pub validity: Validity,
    /// When it was gathered, as year and month.
    pub as_of: String,
    /// Its questions; the first one starts.
    pub steps: Vec<StepRow>,
    /// Where it can lead.
    pub outcomes: Vec<OutcomeRow>,
    /// What is weighed for the risk.
    pub factors: Factors,
}

/// One question of the flow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StepRow {
    /// Which.
    pub code: Question,
    /// What people are asked.
    pub question: String,
    /// Where the law asks it.
    pub provision: String,
    /// How sure the question is.
    pub confidence: Confidence,
    /// What can be answered.
    pub answers: Vec<AnswerRow>,
}

/// One answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AnswerRow {
    /// Which.
    pub code: Answer,
    /// What people read.
    pub label: String,
    /// Where it leads.
    pub then: Next,
    /// Why it leads there.
    pub ground: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// Where an answer leads, or where a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// To a further question.
    Step(Question),
    /// To the end.
    Outcome(Outcome),
}

/// What an outcome means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutcomeRow {
    /// Which.
    pub code: Outcome,
    /// What people read.
    pub label: String,
    /// What to do about it.
    pub next: String,
    /// Where the law says so.
    pub provision: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// What is weighed for the risk: severity and likelihood together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Factors {
    /// Where they come from.
    pub source: String,
    /// How sure they are.
    pub confidence: Confidence,
    /// Each in words.
    pub weigh: Vec<String>,
}

static FLOW: LazyLock<Flow> = LazyLock::new(|| serde_json::from_str(FLOW_JSON).unwrap_or_default());

/// The flow in force. Tests hold that the file compiled in parses.
#[must_use]
pub fn flow() -> &'static Flow {
    &FLOW
}

/// An answer that a person gave, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// To which question.
    pub question: Question,
    /// What they answered.
    pub answer: Answer,
    /// Their reason.
    pub reason: LongText,
}

/// One step of the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place, from 1.
    pub number: u8,
    /// The answer and its reason.
    pub given: Given,
    /// Where it led.
    pub then: Next,
    /// Why it leads there.
    pub ground: String,
    /// Where the law asks the question.
    pub provision: String,
    /// How sure that is: the less sure of question and answer.
    pub confidence: Confidence,
}

/// A walk through the flow: advice with its working, never a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfAssessment {
    /// The flow and its version: a later flow changes no earlier assessment.
    pub flow: String,
    /// Every step, in order.
    pub working: Vec<Step>,
    /// The question that is asked next, or where the answers lead.
    pub stands: Next,
}

impl SelfAssessment {
    /// Where the answers lead; `None` while a question is open.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.stands {
            Next::Outcome(outcome) => Some(outcome),
            Next::Step(_) => None,
        }
    }
}

/// Why answers can't be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another question comes here.
    #[error("the question here is \u{201c}{}\u{201d}, not \u{201c}{}\u{201d}", .asked.word(), .answered.word())]
    AnotherQuestion {
        /// The one that comes here.
        asked: Question,
        /// The one that was answered.
        answered: Question,
    },
    /// The question does not take this answer.
    #[error("\u{201c}{}\u{201d} is no answer to \u{201c}{}\u{201d}", .answer.word(), .question.word())]
    NotAnAnswer {
        /// The question.
        question: Question,
        /// The answer.
        answer: Answer,
    },
    /// The answers before it already lead to an end.
    #[error("the answers before \u{201c}{}\u{201d} already lead to an end", .0.word())]
    AtTheEnd(Question),
}

/// Follows answers from the first question. Fewer answers than questions stand at the next question.
///
/// # Errors
/// A [`Refusal`] when an answer is out of order, not one of its question's, or after the end.
pub fn assess(given: &[Given]) -> Result<SelfAssessment, Refusal> {
    let flow = flow();
    let mut stands = Next::Step(Question::PersonalData);
    let mut working: Vec<Step> = Vec::new();
    for (number, given) in (1..).zip(given) {
        let step = follow(flow, stands, given, number)?;
        stands = step.then;
        working.push(step);
    }
    Ok(SelfAssessment { flow: flow.id.clone(), working, stands })
}

fn follow(flow: &Flow, stands: Next, given: &Given, number: u8) -> Result<Step, Refusal> {
    let asked = match stands {
        Next::Step(asked) => asked,
        Next::Outcome(_) => return Err(Refusal::AtTheEnd(given.question)),
    };
    if given.question != asked {
        return Err(Refusal::AnotherQuestion { asked, answered: given.question });
    }
    let not_an_answer = Refusal::NotAnAnswer { question: asked, answer: given.answer };
    let row = flow.steps.iter().find(|row| row.code == asked).ok_or(not_an_answer)?;
    let answer = row.answers.iter().find(|answer| answer.code == given.answer).ok_or(not_an_answer)?;
    Ok(Step {
        number,
        given: given.clone(),
        then: answer.then,
        ground: answer.ground.clone(),
        provision: row.provision.clone(),
        confidence: row.confidence.max(answer.confidence),
    })
}
