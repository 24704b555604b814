//! What is decided and recorded about telling the people affected (UK GDPR Article 34).

use super::{Fact, codes};
use crate::facts::RiskView;
use crate::incident::Incident;
use crate::incident::decision::People;

const NOBODY: &str = "It is not recorded that people were told.";
const UNDECIDED: &str = "Nobody has decided about telling people. A data protection officer decides it.";

pub(super) fn told(incident: &Incident) -> Fact {
    let decided = incident.decisions.people().map(|(_, people)| people);
    let high = high_risk(incident, decided);
    match (decided, incident.telling.first_told_at()) {
        (Some(People::OutOfProportion { .. }), _) if !told_each(incident) => codes("exempt", "No: Article 34(3)"),
        (_, Some(_)) => match high {
            Some(true) => codes("told_high_risk", "Yes: the risk is high"),
            Some(false) => codes("told_not_high_risk", "Yes, although the risk is not high"),
            None => codes("told", "Yes"),
        },
        (Some(People::Tell | People::RequiredByRegulator { .. }), None) if high == Some(true) => {
            codes("planned_high_risk", "No, they will be told: the risk is high")
        }
        (Some(People::Tell | People::RequiredByRegulator { .. }), None) => codes("planned", "No, they will be told"),
        (Some(People::RiskNotHigh), None) => codes("not_needed", "No: the risk is not high"),
        (Some(People::Unreadable | People::HighRiskRemoved | People::OutOfProportion { .. }), None) => {
            codes("exempt", "No: Article 34(3)")
        }
        (None, None) => Fact::Unknown,
    }
}

/// Whether somebody was told otherwise than by a public notice.
fn told_each(incident: &Incident) -> bool {
    incident.telling.told().iter().any(|told| !told.channel.is_public())
}

/// Whether the risk was held to be high when it was decided to tell people; what we know of it, unless that was decided.
fn high_risk(incident: &Incident, decided: Option<&People>) -> Option<bool> {
    match decided {
        Some(People::RiskNotHigh) => Some(false),
        Some(
            People::Tell
            | People::RequiredByRegulator { .. }
            | People::Unreadable
            | People::HighRiskRemoved
            | People::OutOfProportion { .. },
        )
        | None => {
            let view = incident.facts.as_ref().and_then(|facts| facts.risk_view.as_option());
            view.map(|view| *view == RiskView::HighRisk)
        }
    }
}

pub(super) fn told_at(incident: &Incident) -> Fact {
    incident.telling.first_told_at().map_or(Fact::Nothing(NOBODY), Fact::Instant)
}

pub(super) fn exempt(incident: &Incident) -> Fact {
    match incident.decisions.people().map(|(_, people)| people) {
        Some(people @ (People::Unreadable | People::HighRiskRemoved | People::OutOfProportion { .. })) => {
            codes(people.word(), people.label())
        }
        Some(People::Tell | People::RequiredByRegulator { .. } | People::RiskNotHigh) => {
            Fact::Nothing("Another decision about telling people stands.")
        }
        None => Fact::Nothing(UNDECIDED),
    }
}

pub(super) fn reasons(incident: &Incident) -> Fact {
    let Some((decided, people)) = incident.decisions.people() else { return Fact::Nothing(UNDECIDED) };
    match people {
        People::OutOfProportion { public_communication } => {
            Fact::Text(format!("{}\n\nPublic communication: {public_communication}", decided.reasons))
        }
        People::Tell
        | People::RequiredByRegulator { .. }
        | People::RiskNotHigh
        | People::Unreadable
        | People::HighRiskRemoved => Fact::Text(decided.reasons.to_string()),
    }
}

pub(super) fn all(incident: &Incident) -> Fact {
    let telling = &incident.telling;
    match (telling.first_told_at(), telling.is_complete()) {
        (None, _) => Fact::Nothing(NOBODY),
        (Some(_), true) => codes("all", "All of them"),
        (Some(_), false) => codes("some", "Not all of them yet"),
    }
}

pub(super) fn how(incident: &Incident) -> Fact {
    let told = incident.telling.told();
    match (told.iter().any(|told| told.channel.is_public()), told_each(incident)) {
        (false, false) => Fact::Nothing(NOBODY),
        (true, false) => codes("public", "By a public notice"),
        (false, true) => codes("each", "Each of them"),
        (true, true) => codes("both", "Each of them, and by a public notice"),
    }
}

/// The message that went out last, but for whom to ask: that is about us.
pub(super) fn what(incident: &Incident) -> Fact {
    let telling = &incident.telling;
    let newest = telling.standing().last().and_then(|wave| telling.version(wave.communication.version));
    let Some(version) = newest else { return Fact::Nothing(NOBODY) };
    let texts = version.letter.free_texts();
    Fact::Text(texts.map(|(_, text)| text).join("\n\n"))
}
