//! What people read for the words of the tables: the labels are the tables' own.

use domain::self_assessment::{self, flow};
use domain::severity::{
    Availability, Confidentiality, DataContext, FactName, Identifier, Integrity, Intent, Level, Row, method,
};

pub(super) fn context(context: DataContext) -> &'static str {
    method().contexts.iter().find(|row| row.code == context).map_or(context.word(), |row| &row.label)
}

pub(super) fn identifier(identifier: Identifier) -> &'static str {
    method().identifiers.iter().find(|row| row.code == identifier).map_or(identifier.word(), |row| &row.label)
}

/// The label of a level, such as "Very high".
pub(in crate::web) fn level(level: Level) -> &'static str {
    method().levels.iter().find(|row| row.code == level).map_or(level.word(), |row| &row.label)
}

/// The label of an outcome, such as "Points to: tell the ICO".
pub(in crate::web) fn outcome(outcome: self_assessment::Outcome) -> &'static str {
    flow().outcomes.iter().find(|row| row.code == outcome).map_or(outcome.word(), |row| &row.label)
}

pub(super) fn question(question: self_assessment::Question) -> &'static str {
    flow().steps.iter().find(|row| row.code == question).map_or(question.word(), |row| &row.question)
}

pub(super) fn answer(question: self_assessment::Question, answer: self_assessment::Answer) -> &'static str {
    let step = flow().steps.iter().find(|row| row.code == question);
    let row = step.and_then(|step| step.answers.iter().find(|row| row.code == answer));
    row.map_or(answer.word(), |row| &row.label)
}

/// The fact that a choice comes from, as the facts are called on pages.
pub(super) const fn fact(name: FactName) -> &'static str {
    match name {
        FactName::Nature => "what was lost",
        FactName::Cause => "the cause",
        FactName::Recipients => "who may have received the data",
        FactName::DataCategories => "the kinds of data",
    }
}

/// The options of a circumstance: word, label, and what it adds to the score.
pub(super) fn options<T: Copy>(rows: &'static [Row<T>], word: fn(T) -> &'static str) -> Vec<(&'static str, String)> {
    rows.iter().map(|row| (word(row.code), format!("{} (adds {})", row.label, row.quarters))).collect()
}

/// A circumstance as a form asks it: name, question, options.
type Asked = (&'static str, &'static str, Vec<(&'static str, String)>);

/// The four circumstances.
pub(super) fn circumstances() -> [Asked; 4] {
    let rows = &method().circumstances;
    [
        (
            "confidentiality",
            "Who may have seen the data?",
            options::<Confidentiality>(&rows.confidentiality, Confidentiality::word),
        ),
        ("integrity", "Was the data changed?", options::<Integrity>(&rows.integrity, Integrity::word)),
        ("availability", "Was the data out of reach?", options::<Availability>(&rows.availability, Availability::word)),
        ("intent", "Was it done on purpose?", options::<Intent>(&rows.intent, Intent::word)),
    ]
}
