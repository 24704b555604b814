//! Forms as data: their questions, options, order, and which fact answers which question.
//!
//! Regulators change their forms without notice, so that a form is a file in `law/` and no more: a question names its
//! *source* from the closed list of [`super::source`], maps that source's words to the form's own options, and says when it
//! is asked at all. The program knows no question by its name. Another regulator's form is another file in [`FILES`].

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::source::Source;
use super::{AnswerValue, QuestionId};
use crate::law::Confidence;

/// The forms compiled in, the usual one first.
const FILES: [&str; 2] =
    [include_str!("../../law/ico-report-form.json"), include_str!("../../law/edpb-report-form.json")];

/// The word of a source for *not yet known*.
pub(super) const NOT_YET_KNOWN: &str = "not_yet_known";

/// Which form a report is made on: its name in the data, for example `ico`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormId(String);

impl Default for FormId {
    fn default() -> Self {
        Self("ico".to_owned())
    }
}

impl FormId {
    /// The form with this name, if there is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        FORMS.iter().any(|form| form.id == text).then(|| Self(text.to_owned()))
    }

    /// Its name in the data.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A regulator's form.
#[derive(Debug, Deserialize)]
pub struct Form {
    /// Its name in the data.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whom it goes to, in a word.
    pub authority: String,
    /// Where its questions were read.
    pub source: String,
    /// When, as a month: `2026-11`.
    pub as_of: String,
    /// How sure its wording is, in words.
    pub status: String,
    /// Which of its known editions is asked.
    current: String,
    /// Every question of every edition.
    questions: Vec<Question>,
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// Its stable name.
    pub id: QuestionId,
    /// The part of the form that it belongs to.
    pub section: String,
    /// As the form asks it.
    pub label: String,
    /// What an answer looks like.
    pub kind: Kind,
    /// The article that asks for it, for example `33(3)(a)`.
    pub article: Option<String>,
    /// How sure its wording is.
    pub confidence: Confidence,
    /// The editions of the form that ask it.
    forms: Vec<String>,
    /// The form's options, in its words and order.
    #[serde(default)]
    pub options: Vec<String>,
    /// How sure the options' wording is.
    #[serde(default)]
    pub confidence_options: Option<Confidence>,
    /// Which fact answers it.
    pub source: Source,
    /// The form's option for each word of the source.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// When it is asked; always, without one.
    #[serde(default)]
    pub show_if: Option<Condition>,
    /// Words of the source for which the form has no option: a person chooses.
    #[serde(default)]
    pub no_option: Vec<String>,
    /// When the form takes its own *not yet known*; always, without one.
    #[serde(default)]
    pub unknown_if: Option<Condition>,
    /// Whether a report can do without.
    #[serde(default)]
    pub required: Option<Required>,
    /// It may stay empty: then nothing is missing.
    #[serde(default)]
    pub optional: bool,
    /// Our own details: not looked through for personal data.
    #[serde(default)]
    pub ours: bool,
    /// The question whose instant this one's can't come before.
    #[serde(default)]
    pub not_before: Option<QuestionId>,
    /// What to know about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A short text.
    Text,
    /// A text.
    LongText,
    /// Whom to reach, on several short lines.
    Contact,
    /// One of the options.
    Single,
    /// Some of the options.
    Multi,
    /// A day and a time.
    Instant,
    /// From when until when.
    Period,
    /// A number, and how good it is.
    Count,
}

impl Kind {
    /// The most characters of a written answer that is a text.
    #[must_use]
    pub const fn characters_max(self) -> usize {
        match self {
            Self::Text | Self::Contact => 1_000,
            Self::LongText | Self::Single | Self::Multi | Self::Instant | Self::Period | Self::Count => 8_000,
        }
    }

    /// Whether people write free text in it.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Text | Self::LongText | Self::Contact => true,
            Self::Single | Self::Multi | Self::Instant | Self::Period | Self::Count => false,
        }
    }

    /// Whether the form has options for it.
    #[must_use]
    pub const fn is_choice(self) -> bool {
        match self {
            Self::Single | Self::Multi => true,
            Self::Text | Self::LongText | Self::Contact | Self::Instant | Self::Period | Self::Count => false,
        }
    }
}

/// Whether a report can do without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    /// Never.
    Always,
    /// Not once the legal limit has passed (UK GDPR Article 33(1)).
    WhenLate,
}

/// When a question is asked: conditions over answers to questions before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    /// Another question is answered with one of these options.
    Answer {
        /// Which question.
        question: QuestionId,
        /// Which options.
        is: Vec<String>,
    },
    /// All of them.
    All {
        /// Which.
        all: Vec<Condition>,
    },
    /// At least one of them.
    Any {
        /// Which.
        any: Vec<Condition>,
    },
    /// Not this.
    Not {
        /// Which.
        not: Box<Condition>,
    },
}

impl Condition {
    /// Whether it holds for the answers so far. A question that does not apply, or that nobody answered, is answered with
    /// nothing.
    pub(super) fn holds(&self, answers: &BTreeMap<QuestionId, AnswerValue>) -> bool {
        match self {
            Self::Answer { question, is } => answers.get(question).is_some_and(|answer| {
                let chosen: Vec<&str> = match answer {
                    AnswerValue::Given(text) | AnswerValue::NotYetKnown(text) => text.lines().collect(),
                    AnswerValue::Instant(_)
                    | AnswerValue::Period { .. }
                    | AnswerValue::Missing(_)
                    | AnswerValue::DoesNotApply(_) => Vec::new(),
                };
                is.iter().any(|option| chosen.contains(&option.as_str()))
            }),
            Self::All { all } => all.iter().all(|one| one.holds(answers)),
            Self::Any { any } => any.iter().any(|one| one.holds(answers)),
            Self::Not { not } => !not.holds(answers),
        }
    }

    /// The condition in words: *"Report type" is answered "Follow-up report"*.
    pub(super) fn words(&self, form: &Form) -> String {
        let joined =
            |parts: &[Self], with: &str| parts.iter().map(|part| part.words(form)).collect::<Vec<_>>().join(with);
        match self {
            Self::Answer { question, is } => {
                let asked = form.question(question).map_or(question.as_str(), |question| question.label.as_str());
                let options: Vec<String> = is.iter().map(|option| format!("\u{201c}{option}\u{201d}")).collect();
                format!("\u{201c}{asked}\u{201d} is answered {}", options.join(" or "))
            }
            Self::All { all } => joined(all, " and "),
            Self::Any { any } => joined(any, ", or "),
            Self::Not { not } => format!("not: {}", not.words(form)),
        }
    }

    /// Every question that it looks at, with the options that it looks for.
    #[cfg(test)]
    pub(super) fn looks_at(&self) -> Vec<(&QuestionId, &[String])> {
        match self {
            Self::Answer { question, is } => vec![(question, is)],
            Self::All { all: parts } | Self::Any { any: parts } => parts.iter().flat_map(Self::looks_at).collect(),
            Self::Not { not } => not.looks_at(),
        }
    }
}

impl Question {
    /// The form's option for a word of the source.
    pub(super) fn option_for(&self, word: &str) -> Option<&str> {
        self.words.get(word).map(String::as_str)
    }

    /// The form's own *not yet known*, where it has one.
    #[must_use]
    pub fn unknown_option(&self) -> Option<&str> {
        self.option_for(NOT_YET_KNOWN)
    }
}

impl Form {
    /// Every form.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &FORMS
    }

    /// The form with this name; the usual one for a name that is no longer there.
    #[must_use]
    pub fn of(id: &FormId) -> &'static Self {
        let found = FORMS.iter().find(|form| form.id == id.as_str());
        found.or_else(|| FORMS.first()).unwrap_or(&NOTHING)
    }

    /// The questions of the current edition, in its order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.forms.contains(&self.current))
    }

    /// The question with this name, if the current edition asks it.
    #[must_use]
    pub fn question(&self, id: &QuestionId) -> Option<&Question> {
        self.questions().find(|question| question.id == *id)
    }
}

/// Stands where no form could be read; tests hold that each is.
static NOTHING: Form = Form {
    id: String::new(),
    name: String::new(),
    authority: String::new(),
    source: String::new(),
    as_of: String::new(),
    status: String::new(),
    current: String::new(),
    questions: Vec::new(),
};

static FORMS: LazyLock<Vec<Form>> =
    LazyLock::new(|| FILES.iter().filter_map(|file| serde_json::from_str(file).ok()).collect());

/// How many files there are, for the test that each is read.
#[cfg(test)]
pub(super) const FILES_COUNT: usize = FILES.len();
