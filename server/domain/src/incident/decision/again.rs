//! Whether somebody asks once more for what they decided last: a button pressed twice.

use super::{Ask, Incident, What};
use crate::values::{Actor, LongText};

/// Whether the newest step of deciding is this very one, by the same person: the same question, answer and reasons.
#[must_use]
pub fn is_asked_again(incident: &Incident, ask: &Ask, by: &Actor) -> bool {
    let decisions = &incident.decisions;
    let same_person = |who: &Actor| by.person().is_some() && who.person() == by.person();
    let last = |wanted: &What, reasons: &LongText| {
        decisions.made.last().is_some_and(|made| {
            made.what == *wanted && made.reasons == *reasons && made.second.is_none() && same_person(&made.by)
        })
    };
    decisions.last.as_ref().is_some_and(|(who, _)| same_person(who))
        && match ask {
            Ask::Report { reasons } => last(&What::Report, reasons),
            Ask::People { people, reasons } => last(&What::People { people: people.clone() }, reasons),
            Ask::ExplainDelay { reasons } => last(&What::Delay, reasons),
            Ask::ProposeNotRequired { reasons } => {
                incident.not_required.as_ref().is_some_and(|waits| waits.reason == *reasons && same_person(&waits.by))
            }
            Ask::ProposeNotABreach { ground, reasons } => decisions
                .not_a_breach
                .as_ref()
                .is_some_and(|waits| waits.ground == *ground && waits.reasons == *reasons && same_person(&waits.by)),
            // Their answer is another person's.
            Ask::ResolveNotRequired { .. } | Ask::ResolveNotABreach { .. } => false,
        }
}
