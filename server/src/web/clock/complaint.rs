//! What a clock of a complaint says. Only the acknowledgement has a time in law; whatever else counts down is a promise of
//! ours, and says so.

use domain::clock::ClockKind;

use super::super::words::Reader;
use crate::store::queries::clocks::Group;

/// The duty as a sentence.
pub(in crate::web) fn duty(kind: ClockKind) -> &'static str {
    if kind == ClockKind::ComplaintPromisedAnswer {
        "Tell whoever complained the outcome"
    } else {
        "Acknowledge a complaint"
    }
}

/// The duty within a sentence, with whose time it is.
pub(in crate::web) fn in_sentence(kind: ClockKind) -> &'static str {
    if kind == ClockKind::ComplaintPromisedAnswer {
        "tell whoever complained the outcome (our own promise)"
    } else if kind == ClockKind::ComplaintPromisedAcknowledgement {
        "acknowledge a complaint (our own promise)"
    } else {
        "acknowledge a complaint, by law"
    }
}

/// What follows it: whose time it is.
pub(super) fn by_whom(kind: ClockKind) -> &'static str {
    if kind == ClockKind::ComplaintAcknowledgement { ", by law" } else { ", as we promise" }
}

/// How it stands while it is open.
pub(super) fn state(kind: ClockKind) -> &'static str {
    if kind == ClockKind::ComplaintPromisedAnswer { "Not answered" } else { "Not acknowledged" }
}

/// What stands before the due instant of a promise.
pub(super) const fn since(past: bool) -> &'static str {
    if past { "our own promise passed" } else { "our own promise:" }
}

/// Past the due instant of the law, before or after its limit.
pub(super) const fn after(within_limit: bool) -> &'static str {
    if within_limit {
        "After 30 days counting the day of receipt, within the legal limit"
    } else {
        "After the legal limit"
    }
}

/// The page of the complaint.
pub(super) fn href(group: &Group) -> String {
    format!("/complaints/{}", group.stream)
}

/// Why it runs, in words.
pub(super) fn anchor(group: &Group, reader: Reader) -> String {
    let from = format!("from {}, {}", reader.at(group.anchored_at), super::when(group.anchor));
    if !group.own_target {
        let limit = group.legal_limit.filter(|limit| *limit != group.due);
        let limit =
            limit.map(|limit| format!(" The legal limit is {}, counting from the day after.", reader.near(limit)));
        return format!(
            "By law: 30 days {from}, counting that day (Data Protection Act 2018, section 164A).{}",
            limit.unwrap_or_default()
        );
    }
    let law = if group.kind == ClockKind::ComplaintPromisedAnswer { " The law names no time." } else { "" };
    format!("Our own promise, counted in working days {from}.{law}")
}
