//! What the record says of ourselves, and of whom we tell.

use std::collections::BTreeSet;

use super::{Fact, On, codes, yes_or_no};
use crate::arrangement::OurRole;
use crate::facts::Contact;
use crate::incident::Incident;
use crate::values::{Line, LongText};

const UNSAID: &str = "The record of this organisation does not say. An administrator can add it there.";
const UNSAID_ONCE: &str =
    "\u{201c}About this organisation\u{201d} does not say. Answer it there once for every report.";
const NO_CONTACT: &str = "No e-mail address or telephone number is set for this contact. Add one to the record.";

pub(super) fn report_type(on: &On<'_>) -> Fact {
    if on.number > 1 { codes("follow_up", "A follow-up") } else { codes("initial", "The first report") }
}

pub(super) fn size(on: &On<'_>) -> Fact {
    on.about.standing.size.map_or(Fact::Nothing(UNSAID_ONCE), |size| codes(size.word(), size.label()))
}

pub(super) fn first_contact(on: &On<'_>) -> Fact {
    // Whoever follows up has reported before.
    if on.number > 1 {
        return yes_or_no(false);
    }
    on.about.standing.reported_before.map_or(Fact::Nothing(UNSAID_ONCE), |before| yes_or_no(!before))
}

pub(super) fn code_of_conduct(on: &On<'_>) -> Fact {
    on.about.standing.code_of_conduct.map_or(Fact::Nothing(UNSAID_ONCE), yes_or_no)
}

/// The data protection officer; whoever reports, when nobody else is named.
pub(super) fn officer<'a>(on: &On<'a>) -> &'a Contact {
    on.about.organisation.dpo.as_ref().unwrap_or(&on.about.organisation.contact)
}

pub(super) fn dpo(on: &On<'_>) -> Fact {
    if on.about.organisation.dpo.is_some() { contact(officer(on)) } else { Fact::Text("Same as above".to_owned()) }
}

/// What can be said once a partner is owed a notice.
pub(super) fn told(on: &On<'_>, say: impl FnOnce(&Incident) -> Fact) -> Fact {
    if on.incident.owed.is_empty() {
        return Fact::Nothing("No partner is owed a notice; a person knows whether others are involved.");
    }
    say(on.incident)
}

pub(super) fn line(line: Option<&Line>) -> Fact {
    line.map_or(Fact::Nothing(UNSAID), |line| Fact::Text(line.to_string()))
}

pub(super) fn text(text: Option<&LongText>) -> Fact {
    text.map_or(Fact::Nothing(UNSAID_ONCE), |text| Fact::Text(text.to_string()))
}

fn ways(contact: &Contact) -> Vec<String> {
    let others = [
        ("E-mail", contact.email.as_ref()),
        ("Telephone", contact.phone.as_ref()),
        ("Out of hours", contact.out_of_hours.as_ref()),
    ];
    others.into_iter().filter_map(|(what, line)| line.map(|line| format!("{what}: {line}"))).collect()
}

pub(super) fn reach(contact: &Contact) -> Fact {
    let ways = ways(contact);
    if ways.is_empty() { Fact::Nothing(NO_CONTACT) } else { Fact::Text(ways.join("\n")) }
}

pub(super) fn contact(contact: &Contact) -> Fact {
    let ways = ways(contact);
    if ways.is_empty() {
        return Fact::Nothing(NO_CONTACT);
    }
    Fact::Text(format!("{}\n{}", contact.role, ways.join("\n")))
}

/// How many partners are told, and under which agreements; never which partners.
pub(super) fn partners_told(incident: &Incident) -> String {
    let titles: BTreeSet<&str> = incident
        .owed
        .iter()
        .flat_map(|owed| &owed.terms.arrangements)
        .map(|arrangement| arrangement.title.as_str())
        .collect();
    let titles: Vec<&str> = titles.into_iter().collect();
    let parties: Vec<String> = OurRole::ALL.into_iter().filter_map(|role| with_role(incident, role)).collect();
    let parties = parties.join(", ");
    if titles.is_empty() { parties } else { format!("{parties}, under: {}", titles.join("; ")) }
}

/// "2 joint controllers", by what we are to them.
fn with_role(incident: &Incident, role: OurRole) -> Option<String> {
    let (one, several) = match role {
        OurRole::JointController => ("joint controller", "joint controllers"),
        OurRole::Controller => ("processor of ours", "processors of ours"),
        OurRole::Processor => ("controller that we work for", "controllers that we work for"),
    };
    match incident.owed.iter().filter(|owed| owed.terms.our_role == role).count() {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {several}")),
    }
}
