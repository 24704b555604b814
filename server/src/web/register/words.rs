//! The register's words on pages: labels of codes, and what happened to its chapter.

use domain::incident::register::{Change, Outcome};

use crate::web::field::Tag;

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
pub const EXERCISES: [(&str, &str); 3] = [("no", "Leave exercises out"), ("only", "Exercises only"), ("all", "All")];

/// The label of a word; the word itself when it has none.
pub fn label(labels: &[(&str, &'static str)], word: &str) -> String {
    labels.iter().find(|(known, _)| *known == word).map_or(word, |(_, label)| label).to_owned()
}

/// Where a line stands, in shape, word and colour.
pub fn state_tag(state: &str) -> Tag {
    let words = label(&STATES, state);
    match state {
        "held" | "received" => Tag::amber(words),
        "active" | "read" | "linked" => Tag::blue(words),
        "closed" => Tag::green(words),
        _ => Tag::grey(words),
    }
}

/// How the duty to report stands.
pub fn ico_tag(ico: &str) -> Tag {
    let words = label(&ICO, ico);
    match ico {
        "overdue" | "met_late" => Tag::red(words),
        "running" => Tag::amber(words),
        "met" => Tag::green(words),
        _ => Tag::grey(words),
    }
}

/// What happened, in a sentence without a full stop.
pub fn changed(change: &Change, who: &str) -> String {
    let Change::Imported { record } = change;
    let outcome = match record.imported.outcome {
        Outcome::Reported { .. } => "; by that register it was reported to the ICO",
        Outcome::NotReported => "; by that register it was not reported to the ICO",
        Outcome::NotStated => "",
    };
    format!("Taken over from an earlier register by {who}{outcome}")
}
