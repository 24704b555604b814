//! The ICO report: answers and the facts they come from, what is missing, submission.
//!
//! The form can't be saved half-way, so that a person must have every answer ready before opening it. Forms are data
//! (`form`): a question names the source that answers it from a closed list (`source`). A person may write another
//! answer, which is kept beside the fact's own (`written`); a form filled with both is a [`Sheet`]. What is decided about
//! a report is a chapter of its incident ([`crate::incident::report`]). *Not yet known* is an answer that the law allows (UK
//! GDPR Article 33(4)): it never blocks a report, and it stays on the list of what is missing.

mod form;
mod sheet;
mod source;
mod standing;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::facts::Contact;
use crate::values::{Actor, Line, LongText, Moment, Text};

pub use form::{Condition, Form, FormId, Kind, Question, Required};
pub(crate) use sheet::value_digest;
pub use sheet::{
    Change, FrozenAnswer, Sheet, Warning, fill, fill_current, gaps, missing_required, out_of_date, sections,
    unlike_the_facts, warnings,
};
pub use source::{Mend, Source};
pub use standing::{About, OrganisationSize, Standing};
pub use written::{Fault, OptionText, Written, in_order};

/// The name of a question in a form's data; unique over all forms.
pub type QuestionId = Text<60>;

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

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Stable name of the question.
    pub id: String,
    /// The question as the form asks it.
    pub question: String,
    /// The article of the UK GDPR that asks for it, for example `33(3)(a)`.
    pub article: Option<String>,
    /// All that the form's data say of it.
    pub asked: &'static Question,
    /// The answer: a person's, where one was written, else the fact's.
    pub value: AnswerValue,
    /// Where it comes from, in words: a fact, or a person.
    pub from: String,
    /// What the facts answer, whoever wrote something else.
    pub fact: AnswerValue,
    /// The version of the written answers: 0 before anybody wrote one. Going back to the facts' answer is a version too.
    pub version: u32,
    /// What a person wrote, if that stands.
    pub written: Option<Written>,
    /// The facts answer something else than they did when it was written.
    pub fact_changed: bool,
    /// It is asked: the answers before it call for it.
    pub applies: bool,
}

impl Answer {
    /// Whether a person wrote an option, a time or a number, and the facts say another one.
    #[must_use]
    pub fn is_unlike_the_facts(&self) -> bool {
        // People write times to the minute.
        let minute = |at: Moment| at.micros().div_euclid(60_000_000);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        self.written.is_some()
            && match (&self.fact, &self.value) {
                (AnswerValue::Given(_) | AnswerValue::Instant(_) | AnswerValue::Period { .. }, value)
                    if !value.is_said() =>
                {
                    false
                }
                (AnswerValue::Given(fact), AnswerValue::Given(said)) => {
                    !self.asked.kind.is_text() && lines(fact) != lines(said)
                }
                (AnswerValue::Instant(fact), AnswerValue::Instant(said)) => minute(*fact) != minute(*said),
                (AnswerValue::Period { from, to, .. }, AnswerValue::Period { from: since, to: until, .. }) => {
                    minute(*from) != minute(*since) || to.map(minute) != until.map(minute)
                }
                (AnswerValue::Given(_), _) => !self.asked.kind.is_text(),
                (AnswerValue::Instant(_) | AnswerValue::Period { .. }, _) => true,
                (AnswerValue::NotYetKnown(_) | AnswerValue::Missing(_) | AnswerValue::DoesNotApply(_), _) => false,
            }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerValue {
    /// A text to paste; of several options one a line.
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
    /// Nothing answers it: why, and what to do.
    Missing(String),
    /// The question does not apply: why.
    DoesNotApply(String),
}

impl AnswerValue {
    /// Whether something is still to be found out.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Missing(_) | Self::NotYetKnown(_) => true,
            Self::Given(_) | Self::Instant(_) | Self::Period { .. } | Self::DoesNotApply(_) => false,
        }
    }

    /// Whether it goes into the regulator's form.
    #[must_use]
    pub const fn is_said(&self) -> bool {
        match self {
            Self::Given(_) | Self::Instant(_) | Self::Period { .. } | Self::NotYetKnown(_) => true,
            Self::Missing(_) | Self::DoesNotApply(_) => false,
        }
    }
}
