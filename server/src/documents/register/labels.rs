//! The register's words for people: labels of codes, and a filter in words.

use domain::incident_type::TypeCode;

use super::query::NAMES;
use super::{category_label, cause_label, data_label};
use crate::store::queries::register::Choices;

/// Where a line can stand.
pub const STATES: [(&str, &str); 9] = [
    ("held", "Held back"),
    ("active", "Open"),
    ("closed", "Closed"),
    ("not_a_breach", "Not a breach"),
    ("withdrawn", "Withdrawn for another reason"),
    ("received", "Notice received"),
    ("read", "Notice read"),
    ("linked", "Notice taken over"),
    ("anonymised", "Erased"),
];
/// How the duty to report to the ICO can stand.
pub const ICO: [(&str, &str); 6] = [
    ("running", "Still to be decided"),
    ("overdue", "Overdue"),
    ("met", "Reported within 72 hours"),
    ("met_late", "Reported later"),
    ("not_required", "Not required"),
    ("none", "No clock"),
];
/// Where a line comes from.
pub const SOURCES: [(&str, &str); 3] =
    [("own", "Logged here"), ("notice", "Notice received"), ("imported", "From an earlier register")];
/// What it is.
pub const KINDS: [(&str, &str); 3] = [
    ("breach", "A breach"),
    ("likely_to_give_rise", "Likely to lead to one"),
    ("under_investigation", "Being looked into"),
];
/// With drills, without, or nothing else.
pub const EXERCISES: [(&str, &str); 3] =
    [("no", "Leave exercises out"), ("only", "Exercises only"), ("all", "With exercises")];

/// The label of a word; the word itself when it has none.
pub fn label(labels: &[(&str, &'static str)], word: &str) -> String {
    labels.iter().find(|(known, _)| *known == word).map_or(word, |(_, label)| label).to_owned()
}

/// What a filter asks, each thing in words.
#[must_use]
pub fn chosen<'a>(given: impl Fn(&str) -> &'a str, choices: &Choices) -> Vec<String> {
    let partner =
        |value: &str| choices.partners.iter().find(|(id, _)| id.to_string() == value).map(|(_, name)| name.clone());
    let service =
        |value: &str| choices.services.iter().find(|(id, _)| id.to_string() == value).map(|(_, name)| name.clone());
    let said = |name: &str| {
        let value = given(name).trim();
        if value.is_empty() {
            return None;
        }
        Some(match name {
            "text" => format!("\u{201c}{value}\u{201d}"),
            "state" => label(&STATES, value),
            "ico" => label(&ICO, value),
            "kind" => label(&KINDS, value),
            "source" => label(&SOURCES, value),
            "exercise" => label(&EXERCISES, value),
            "cause" => cause_label(value).to_owned(),
            "category" => category_label(value).to_owned(),
            "data" => data_label(value).to_owned(),
            "type" => TypeCode::from_word(value).map_or_else(|| value.to_owned(), |kind| kind.label().to_owned()),
            "partner" => partner(value).unwrap_or_else(|| value.to_owned()),
            "service" => service(value).unwrap_or_else(|| value.to_owned()),
            "from" => format!("from {value}"),
            _ => format!("up to {value}"),
        })
    };
    NAMES.into_iter().filter_map(said).collect()
}
