//! The register's words on pages and in files: labels of codes, and what happened to its chapter.

use domain::incident::register::{Change, Outcome};

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
