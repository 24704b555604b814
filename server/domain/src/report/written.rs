//! What a person writes in the place of the facts' answer, and what is wrong with it.

use serde::{Deserialize, Serialize};

use super::form::{Kind, Question};
use super::{AnswerValue, Sheet};
use crate::values::{Count, CountBasis, LongText, Moment, Text};

/// An option of a form, in its words.
pub type OptionText = Text<400>;

/// Answers with *not yet known* where the form has no words of its own for it.
const NOT_YET_KNOWN: &str = "Not yet known";

/// An answer that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Written {
    /// A text.
    Text {
        /// It.
        text: LongText,
    },
    /// Options of the form, in its words.
    Options {
        /// Which, in the form's order.
        options: Vec<OptionText>,
    },
    /// An instant.
    Instant {
        /// It.
        at: Moment,
    },
    /// From when until when.
    Period {
        /// When it began.
        from: Moment,
        /// When it ended, if it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Moment>,
        /// Both are estimates.
        estimated: bool,
    },
    /// A number.
    Count {
        /// It.
        count: Count,
    },
    /// Nobody knows yet.
    NotYetKnown,
}

/// What is wrong with an answer. Public: each is a sentence for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The form has no such question.
    #[error("this form has no such question")]
    NoSuchQuestion,
    /// Another kind of answer is asked for.
    #[error("this question takes another kind of answer")]
    WrongKind,
    /// An option that is not the form's.
    #[error("choose from the form\u{2019}s own options")]
    NotAnOption,
    /// Nothing chosen.
    #[error("choose at least one option")]
    NoOption,
    /// Several of which only one may be.
    #[error("choose one option only")]
    OneOption,
    /// *Not yet known* and something that is known.
    #[error("choose \u{201c}{0}\u{201d} alone, or take it away")]
    UnknownAlone(String),
    /// The record knows it: whether this is the first report or one that follows up.
    #[error("the record of the reports says this; it can't be written")]
    OfTheRecord,
    /// Too long.
    #[error("use {max} characters or fewer")]
    TooLong {
        /// The most characters.
        max: usize,
    },
    /// An instant after now.
    #[error("it cannot be in the future")]
    InFuture,
    /// The end before the beginning.
    #[error("it cannot have ended before it began")]
    EndsBeforeItBegins,
    /// Before the instant of another question.
    #[error("it cannot be before the answer to \u{201c}{0}\u{201d}")]
    Before(String),
    /// The most is smaller than the figure.
    #[error("the most cannot be smaller than the figure itself")]
    SmallerMost,
    /// It was rewritten too often.
    #[error("this answer was written {0} times; take the facts\u{2019} answer, or change the facts")]
    TooOften(usize),
}

impl Written {
    /// The answer as a form takes it.
    #[must_use]
    pub fn value(&self, question: &Question) -> AnswerValue {
        let unknown = question.unknown_option().unwrap_or(NOT_YET_KNOWN);
        match self {
            Self::Text { text } => AnswerValue::Given(text.to_string()),
            Self::Options { options } => {
                let text = options.iter().map(OptionText::as_str).collect::<Vec<_>>().join("\n");
                if text == unknown { AnswerValue::NotYetKnown(text) } else { AnswerValue::Given(text) }
            }
            Self::Instant { at } => AnswerValue::Instant(*at),
            Self::Period { from, to, estimated } => AnswerValue::Period { from: *from, to: *to, estimated: *estimated },
            Self::Count { count } => AnswerValue::Given(count_words(count)),
            Self::NotYetKnown => AnswerValue::NotYetKnown(unknown.to_owned()),
        }
    }

    /// What is wrong with it as an answer to this question, if anything is.
    #[must_use]
    pub fn fault(&self, question: &Question, now: Moment) -> Option<Fault> {
        let takes = |right: bool| (!right).then_some(Fault::WrongKind);
        match self {
            Self::Text { text } => takes(question.kind.is_text()).or_else(|| {
                let max = question.kind.characters_max();
                (text.as_str().chars().count() > max).then_some(Fault::TooLong { max })
            }),
            Self::Options { options } => takes(question.kind.is_choice()).or_else(|| wrong_options(options, question)),
            Self::Instant { at } => {
                takes(question.kind == Kind::Instant).or_else(|| (*at > now).then_some(Fault::InFuture))
            }
            Self::Period { from, to, .. } => takes(question.kind == Kind::Period).or_else(|| {
                let latest = to.unwrap_or(*from).max(*from);
                if latest > now {
                    return Some(Fault::InFuture);
                }
                to.is_some_and(|to| to < *from).then_some(Fault::EndsBeforeItBegins)
            }),
            Self::Count { count } => takes(question.kind == Kind::Count)
                .or_else(|| count.max.is_some_and(|max| max < count.value).then_some(Fault::SmallerMost)),
            // A choice says it with its own option, where the form has one.
            Self::NotYetKnown => takes(!question.kind.is_choice() || question.unknown_option().is_some()),
        }
    }
}

fn wrong_options(options: &[OptionText], question: &Question) -> Option<Fault> {
    let mut seen: Vec<&OptionText> = Vec::new();
    for option in options {
        if !question.options.iter().any(|known| known == option.as_str()) || seen.contains(&option) {
            return Some(Fault::NotAnOption);
        }
        seen.push(option);
    }
    let unknown = question.unknown_option();
    match (options, question.kind) {
        ([], _) => Some(Fault::NoOption),
        ([_], _) => None,
        (_, Kind::Single) => Some(Fault::OneOption),
        (several, _) => {
            let unknown = unknown.filter(|unknown| several.iter().any(|option| option.as_str() == *unknown));
            unknown.map(|unknown| Fault::UnknownAlone(unknown.to_owned()))
        }
    }
}

/// The question whose instant comes before one that it may not come before, if there is one among the answers of a sheet.
#[must_use]
pub fn in_order(sheet: &Sheet) -> Option<(&'static Question, Fault)> {
    let began = |value: &AnswerValue| match value {
        AnswerValue::Instant(at) => Some(*at),
        // An estimate is no bound.
        AnswerValue::Period { from, estimated: false, .. } => Some(*from),
        AnswerValue::Period { .. }
        | AnswerValue::Given(_)
        | AnswerValue::NotYetKnown(_)
        | AnswerValue::Missing(_)
        | AnswerValue::DoesNotApply(_) => None,
    };
    sheet.answers().find_map(|answer| {
        let earlier = sheet.answer(answer.asked.not_before.as_ref()?)?;
        let (at, bound) = (began(&answer.value)?, began(&earlier.value)?);
        (at < bound).then(|| (answer.asked, Fault::Before(earlier.question.clone())))
    })
}

/// The ICO asks for the most that may be affected; how good the figure is goes with it.
pub(super) fn count_words(count: &Count) -> String {
    let value = count.value;
    match (count.max.filter(|max| *max > value), count.basis) {
        (Some(max), CountBasis::Exact | CountBasis::Approximate) => {
            format!("Up to {max} (best present figure: {value})")
        }
        (Some(max), CountBasis::Minimum) => format!("Up to {max} (at least {value})"),
        (None, CountBasis::Exact) => value.to_string(),
        (None, CountBasis::Approximate) => format!("About {value} (an estimate)"),
        (None, CountBasis::Minimum) => format!("At least {value}; the most that may be affected is not yet known"),
    }
}
