//! The message to the people affected as a paper: what its reader gets and nothing else, so that copies can be addressed and
//! sent. Before anybody has kept a version it is the first draft that the facts make, marked, its gaps named before all else.

use chrono_tz::Tz;
use domain::incident::Incident;
use domain::incident::telling::Wording;
use domain::report::Organisation;
use domain::values::Moment;

use super::paper::{Level, Mark, Paper};

/// The message of an incident, printed at `now` for people in a zone.
#[must_use]
pub fn paper(incident: &Incident, wording: &Wording, organisation: &Organisation, now: Moment, zone: Tz) -> Paper {
    let new = |title: &str| {
        let paper = Paper::new(title, organisation.name.as_str(), now, zone);
        if incident.exercise { paper.mark(Mark::Exercise) } else { paper }
    };
    match wording {
        Wording::Kept(version) => {
            let mut paper = new(version.letter.heading.as_str());
            for part in version.letter.sections() {
                paper.heading(Level::One, part.heading);
                paper.text(part.text);
            }
            paper
        }
        Wording::FirstDraft(proposal) => {
            let mut paper = new(proposal.heading()).mark(Mark::Draft);
            let missing = proposal.sections().filter(|part| part.text.is_empty());
            let missing: Vec<String> = missing.map(|part| part.heading.to_owned()).collect();
            if !missing.is_empty() {
                paper.heading(Level::One, "What is missing");
                paper.text("No fact answers these parts yet. Every part has to be there before the message goes out.");
                paper.list(missing);
            }
            for part in proposal.sections() {
                paper.heading(Level::One, part.heading);
                paper.text(if part.text.is_empty() { "Missing." } else { part.text });
            }
            paper
        }
    }
}

/// What its file is named after.
#[must_use]
pub fn stem(incident: &Incident, wording: &Wording) -> String {
    let drill = if incident.exercise { "EXERCISE-" } else { "" };
    let version = wording.version().map_or_else(|| "DRAFT".to_owned(), |number| format!("version-{number}"));
    format!("{drill}{}-message-to-people-{version}", incident.reference)
}
