//! The register's words on pages: labels of codes, and what happened to its chapter.

use domain::incident::register::{Change, Outcome};

use crate::documents::register::labels::{ICO, STATES, label};
use crate::web::field::Tag;

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
