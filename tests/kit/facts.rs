//! Incidents to log: no people, no places, nothing that could be anybody's.

use domain::facts::{Facts, Nature};
use domain::values::{Known, LongText, Title};
use serde_json::json;

/// What is known in the first hour: little, and plainly so.
///
/// # Panics
/// Never, for a title that is a title.
#[must_use]
pub fn first_hour(title: &str) -> Facts {
    serde_json::from_value(json!({
        "title": title,
        "summary": "A mailbox of the case team was open to somebody outside. The access has been closed.",
        "occurred": "not_yet_known",
        "aware_basis": "The security team saw a sign-in from an address that is not ours.",
        "discovery_method": "own_detection",
        "nature": {"known": ["confidentiality"]},
        "ongoing": {"known": "no"},
        "cause": "not_yet_known",
        "ico_category": {"known": "Cyber"},
        "data_unintelligible": {"known": "no"},
        "recipients_of_data": "not_yet_known",
        "data_categories": {"known": ["basic_identifiers"]},
        "subject_categories": "not_yet_known",
        "data_subjects": "not_yet_known",
        "records": "not_yet_known",
        "likely_consequences": "not_yet_known",
        "risk_view": "not_yet_known",
        "containment": {"known": "The password was changed and open sessions were ended."},
        "mitigation": "not_yet_known",
    }))
    .expect("facts of the first hour")
}

/// The same facts, some hours later.
///
/// # Panics
/// Never.
#[must_use]
pub fn more_is_known(before: &Facts) -> Facts {
    Facts {
        title: Title::parse(&format!("{} (more is known)", before.title)).expect("a title"),
        nature: Known::Known([Nature::Confidentiality, Nature::Availability].into()),
        likely_consequences: Known::Known(LongText::parse("Unwanted messages to people affected.").expect("a text")),
        ..before.clone()
    }
}
