//! Assessments in the timeline's words.

use domain::incident::assessment::Change;
use domain::values::Actor;

use super::super::timeline::who;
use super::labels;

/// What was recorded, as a sentence.
#[must_use]
pub fn words(change: &Change, by: &Actor) -> String {
    let Change::Assessed { assessment } = change;
    let results = &assessment.results;
    format!(
        "Assessment {} by {}: severity {}, {}; {}",
        assessment.number,
        who(by),
        results.severity,
        labels::level(results.level).to_lowercase(),
        lower_first(labels::outcome(results.outcome))
    )
}

/// "Points to: …" → "points to: …"
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
