//! The joint decision in sentences: who leads, what was decided, who reported it.

use domain::arrangement::Lead;
use domain::clock::Clock;
use domain::incident::Incident;
use domain::incident::joint::{Change, JointDecision};
use domain::reliance::{Relied, Standing};
use domain::values::{Actor, PartnerId};

use crate::store::queries::joint::Filed;
use crate::web::timeline;
use crate::web::words::{Reader, counted};

/// That a partner's report ends nothing here by itself.
pub(in crate::web) const STAYS_OURS: &str =
    "Our own clock goes on: it stays ours until our data protection officer accepts that we rely on it.";

/// Partners with their names.
pub(in crate::web) type Names = Vec<(PartnerId, String)>;

/// A partner's name.
pub(super) fn name(names: &[(PartnerId, String)], id: PartnerId) -> String {
    let found = names.iter().find(|(known, _)| *known == id);
    found.map_or_else(|| "a partner".to_owned(), |(_, name)| name.clone())
}

/// Who leads, or does something for all.
pub(super) fn who(lead: &Lead, names: &[(PartnerId, String)]) -> String {
    match lead {
        Lead::Us => "we".to_owned(),
        Lead::Each => "each organisation for itself".to_owned(),
        Lead::Partner { partner } => name(names, *partner),
        Lead::Named { name } => format!("\u{201c}{name}\u{201d}, which names no organisation known here"),
    }
}

/// "Yes: we report it", "No".
fn does(who_does: Option<&Lead>, names: &[(PartnerId, String)], we: &str, they: &str) -> String {
    match who_does {
        None => "no".to_owned(),
        Some(Lead::Us) => format!("yes, we {we}"),
        Some(Lead::Each | Lead::Named { .. }) => format!("yes, each organisation {they} for itself"),
        Some(Lead::Partner { partner }) => format!("yes, {} {they}", name(names, *partner)),
    }
}

/// What was decided, on two lines.
pub(super) fn decided(decision: &JointDecision, names: &[(PartnerId, String)]) -> [String; 2] {
    [
        format!("Report to the ICO: {}.", does(decision.reports.as_ref(), names, "report it", "reports it")),
        format!("Tell the people affected: {}.", does(decision.tells.as_ref(), names, "tell them", "tells them")),
    ]
}

/// A change of the chapter as a line of the timeline.
pub(in crate::web) fn of_change(change: &Change, by: &Actor, names: &[(PartnerId, String)], reader: Reader) -> String {
    let by = timeline::who(by);
    match change {
        Change::LeadChosen { lead, reason } => {
            format!("{by} recorded who leads on this incident: {}: {reason}", who(lead, names))
        }
        Change::ViewsAsked { due, .. } => {
            let due = due.map(|due| format!(", by {}", reader.at(due))).unwrap_or_default();
            format!("{by} asked every partner for their view{due}")
        }
        Change::Decided { decision } => {
            let [reports, tells] = decided(decision, names);
            let views = counted(i64::try_from(decision.views.len()).unwrap_or(i64::MAX), "view");
            format!("Joint decision {} by {by}, having considered {views}. {reports} {tells}", decision.number)
        }
        Change::RelianceAccepted { reliance } => {
            let reference = reliance.filing.reference.as_ref().map(ToString::to_string).unwrap_or_default();
            let whose = name(names, reliance.partner);
            format!("{by} accepted that we rely on the report of {whose}, reference {reference}: {}", reliance.reason)
        }
    }
}

/// "Operator reported it to the ICO at 10:00 on …, reference IC-12345."
pub(in crate::web) fn filed(filed: &Filed, reader: Reader) -> String {
    let filing = &filed.filing;
    let reference = match &filing.reference {
        Some(reference) => format!(", reference {reference}"),
        None => String::new(),
    };
    let name = &filed.partner_name;
    format!("{name} reported it to the {} at {}{reference}.", filing.authority, reader.at(filing.at))
}

/// What else there is to know about a report.
pub(super) const fn note(standing: Standing) -> &'static str {
    match standing {
        Standing::Stands => "",
        Standing::NoReference => "They gave no reference. Ask them for it: without one it can\u{2019}t be relied on.",
        Standing::Replaced => "They have told us of another report since.",
        Standing::Withdrawn => "They have withdrawn this case, so it can\u{2019}t be relied on.",
        Standing::OtherAuthority => "It did not go to the ICO, so it says nothing about our clock.",
    }
}

/// Whether several partners say that they reported it: then somebody has to ask them.
pub(in crate::web) fn conflict(found: &[Filed], all: u32) -> String {
    let stand = |filed: &&Filed| matches!(filed.standing, Standing::Stands | Standing::NoReference);
    if all < 2 || found.iter().filter(stand).count() < 2 {
        return String::new();
    }
    format!(
        "{} say that they reported it. Ask them which report covers us before you rely on one.",
        counted(i64::from(all), "partner")
    )
}

/// Whose report we rely on.
pub(in crate::web) fn relied(relied: &Relied, names: &[(PartnerId, String)], reader: Reader) -> String {
    let reliance = &relied.reliance;
    let reference = reliance.filing.reference.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "We rely on the report of {}, reference {reference}: accepted by {} at {}. {}",
        name(names, reliance.partner),
        timeline::who(&relied.by),
        reader.at(relied.at),
        reliance.reason
    )
}

/// Whether our own clock for the report still runs.
pub(super) fn is_open(incident: &Incident) -> bool {
    incident.ico.as_ref().is_some_and(Clock::is_open)
}
