//! The ICO report: answers and the facts they come from, what is missing, submission.
//!
//! The form can't be saved half-way, so that a person must have every answer ready before opening it. Questions, options
//! and order are data (`form`); which fact answers which question is code (`answers`). *Not yet known* is an answer
//! that the law allows (UK GDPR Article 33(4)): it never blocks a report, and it stays on the list of what is missing.

mod answers;
mod form;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::facts::Contact;
use crate::incident::Incident;
use crate::values::{Actor, Line, LongText, Moment};

/// Where the report of an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "report")]
pub enum ReportState {
    /// No draft was opened yet.
    #[default]
    None,
    /// A draft is open.
    Draft {
        /// Since when.
        opened_at: Moment,
        /// Questions that no fact answered when it was opened, by id.
        gaps: Vec<String>,
    },
    /// A person recorded that it was submitted.
    Submitted {
        /// What they recorded.
        submission: Submission,
    },
    /// Two data protection officers decided that none is required (Article 33(1): a risk to people is unlikely).
    NotRequired {
        /// Why.
        reason: LongText,
        /// Who proposed it.
        proposed_by: Actor,
        /// Who approved it.
        approved_by: Actor,
        /// When it was approved.
        at: Moment,
    },
}

/// A recorded submission to the ICO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When it was submitted.
    pub at: Moment,
    /// How.
    pub channel: SubmissionChannel,
    /// The case reference that the ICO gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_reference: Option<Line>,
    /// Why it was late (Article 33(1)); compulsory after the legal limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_reasons: Option<LongText>,
    /// Where the proof is kept, for example the mail with the copy of the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Line>,
}

/// How a report was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionChannel {
    /// The ICO's online form.
    OnlineForm,
    /// By e-mail.
    Email,
    /// By telephone.
    Telephone,
    /// By post.
    Post,
}

impl SubmissionChannel {
    /// Every channel, in the order shown.
    pub const ALL: [Self; 4] = [Self::OnlineForm, Self::Email, Self::Telephone, Self::Post];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnlineForm => "online_form",
            Self::Email => "email",
            Self::Telephone => "telephone",
            Self::Post => "post",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OnlineForm => "The ICO's online form",
            Self::Email => "E-mail",
            Self::Telephone => "Telephone",
            Self::Post => "Post",
        }
    }

    /// The channel with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// Who reports: what the last part of the form asks about us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// The controller's legal name.
    pub name: Line,
    /// Who makes the report.
    pub contact: Contact,
    /// The data protection officer, when that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpo: Option<Contact>,
    /// Registered address, on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Line>,
    /// ICO registration number, or the reason for having none. Free text: no format is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_registration: Option<Line>,
    /// Business sector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<Line>,
}

/// One part of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its questions, in the form's order.
    pub answers: Vec<Answer>,
}

/// One question with what the facts answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Stable name of the question.
    pub id: String,
    /// The question as the form asks it.
    pub question: String,
    /// The article of the UK GDPR that asks for it, for example `33(3)(a)`.
    pub article: Option<String>,
    /// The answer.
    pub value: AnswerValue,
    /// Which fact it comes from, in words.
    pub from: String,
}

/// What the facts answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerValue {
    /// A text to paste.
    Given(String),
    /// An instant; the page shows it in the reader's zone.
    Instant(Moment),
    /// When it began and, if it has, ended.
    Period {
        /// When it began.
        from: Moment,
        /// When it ended; `None` while it goes on or is not known to have ended.
        to: Option<Moment>,
        /// Both are estimates.
        estimated: bool,
    },
    /// The form's own *Not yet known* or *Don't know*: a valid answer (Article 33(4)), and still to be found out.
    NotYetKnown(String),
    /// No fact answers it: why, and what to do.
    Missing(String),
    /// The question does not apply: why.
    DoesNotApply(String),
}

/// The form filled from the facts as they stand at `now`, in the form's order. The questions are those of the newer form
/// where the two known forms differ, none twice.
#[must_use]
pub fn sections(incident: &Incident, organisation: &Organisation, now: Moment) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for question in form::QUESTIONS.iter() {
        let (value, from) = answers::answer(question, incident, organisation, now);
        let answer = Answer {
            id: question.id.clone(),
            question: question.label.clone(),
            article: question.article.clone(),
            value,
            from: from.to_owned(),
        };
        match sections.last_mut() {
            Some(section) if section.title == question.section => section.answers.push(answer),
            Some(_) | None => sections.push(Section { title: question.section.clone(), answers: vec![answer] }),
        }
    }
    sections
}

/// Questions still open, by id, in the form's order: missing, or answered *not yet known*.
#[must_use]
pub fn gaps(sections: &[Section]) -> Vec<String> {
    sections
        .iter()
        .flat_map(|section| &section.answers)
        .filter(|answer| match answer.value {
            AnswerValue::Missing(_) | AnswerValue::NotYetKnown(_) => true,
            AnswerValue::Given(_)
            | AnswerValue::Instant(_)
            | AnswerValue::Period { .. }
            | AnswerValue::DoesNotApply(_) => false,
        })
        .map(|answer| answer.id.clone())
        .collect()
}
