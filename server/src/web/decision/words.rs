//! Decisions in words: on the record, in the timeline, and as precedents.

use domain::incident::decision::{Basis, Change, Decided, People, What};
use domain::values::Actor;

use super::super::timeline::who;

/// What was decided about reporting, from its word in the tables.
#[must_use]
pub fn to_ico(word: &str) -> &'static str {
    match word {
        "report" => "Reported to the ICO",
        "not_required" => "No report was required",
        "not_a_breach" => "Not a breach",
        _ => "Decided",
    }
}

/// What was decided about telling people, from its word in the tables.
#[must_use]
pub fn to_people(word: &str) -> &'static str {
    match word {
        "tell" | "required_by_regulator" => "People were to be told",
        "out_of_proportion" => "A public notice in place of telling each person",
        "risk_not_high" => "People were not told: the risk was not high",
        "unreadable" => "People were not told: nobody could read the data",
        "high_risk_removed" => "People were not told: the high risk was removed",
        _ => "Decided about people",
    }
}

/// What was decided, as a heading.
#[must_use]
pub fn what(what: &What) -> String {
    match what {
        What::Report => "Report it to the ICO".to_owned(),
        What::NotRequired => "No report to the ICO is required: a risk to people is unlikely".to_owned(),
        What::NotABreach { ground } => format!("It was not a breach. {}", ground.label()),
        What::People { people } => people.label().to_owned(),
        What::Delay => "Why the report is late".to_owned(),
    }
}

/// What it rests on.
#[must_use]
pub const fn provision(what: &What) -> &'static str {
    match what {
        What::Report | What::NotRequired | What::Delay => "UK GDPR Article 33(1)",
        What::NotABreach { .. } => "UK GDPR Article 4(1)(12)",
        What::People { people } => people.provision(),
    }
}

/// What it says beside the reasons: the public communication, or where the ICO requires it.
#[must_use]
pub fn more(what: &What) -> String {
    match what {
        What::People { people: People::OutOfProportion { public_communication } } => {
            format!("Public communication: {public_communication}")
        }
        What::People { people: People::RequiredByRegulator { reference: Some(reference) } } => {
            format!("The ICO\u{2019}s reference: {reference}")
        }
        What::People { .. } | What::Report | What::NotRequired | What::NotABreach { .. } | What::Delay => String::new(),
    }
}

/// "On version 2 of the facts and assessment 1".
#[must_use]
pub fn basis(basis: &Basis) -> String {
    match basis.assessment {
        Some(number) => format!("On version {} of the facts and assessment {number}", basis.facts_version),
        None => format!("On version {} of the facts; nobody had assessed it", basis.facts_version),
    }
}

/// "By C. Officer (…)", "Proposed by …, approved by …".
#[must_use]
pub fn by(decided: &Decided) -> String {
    match &decided.second {
        None => format!("By {}", who(&decided.by)),
        Some(second) => format!(
            "Proposed by {}, {} by {}",
            who(&decided.by),
            if second.approved { "approved" } else { "turned down" },
            who(&second.by)
        ),
    }
}

/// What was recorded, as a sentence of the timeline.
#[must_use]
pub fn line(change: &Change, by: &Actor) -> String {
    match change {
        Change::DecidedToReport { reasons, .. } => format!("{} decided to report it to the ICO: {reasons}", who(by)),
        Change::PeopleDecided { people, reasons, .. } => {
            format!("{} decided about telling people. {}: {reasons}", who(by), people.label())
        }
        Change::DelayExplained { reasons, .. } => {
            format!("{} recorded why the report to the ICO is late: {reasons}", who(by))
        }
        Change::NotABreachProposed { ground, reasons, .. } => {
            format!("{} proposed that it was not a breach. {}: {reasons}", who(by), ground.label())
        }
        Change::NotABreachResolved { approved: true } => format!("{} approved: it was not a breach", who(by)),
        Change::NotABreachResolved { approved: false } => {
            format!("{} turned down that it was not a breach", who(by))
        }
    }
}
