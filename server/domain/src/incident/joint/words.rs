//! A joint decision as a partner reads it. Nobody is named but the reader and us: which others are concerned is not theirs to
//! know (ruling 13).

use super::JointDecision;
use crate::arrangement::Lead;
use crate::values::{LongText, PartnerId};

/// The message; every decision's reasons leave room for the rest, and a test holds that.
pub(super) fn of(decision: &JointDecision, to: Option<PartnerId>) -> Option<LongText> {
    let earlier = if decision.number > 1 { " It takes the place of the one before." } else { "" };
    let reports = match &decision.reports {
        None => "no.".to_owned(),
        Some(who) => format!("yes. {}", does(who, to, "report it", "reports it")),
    };
    let tells = match &decision.tells {
        None => "no.".to_owned(),
        Some(who) => format!("yes. {}", does(who, to, "tell them", "tells them")),
    };
    LongText::stored(&format!(
        "Joint decision {}.{earlier}\nReport to the ICO: {reports}\nTell the people affected: {tells}\n\nReasons: {}\n\n\
         Your own duties stay yours until your data protection officer decides on them.",
        decision.number, decision.reasons
    ))
    .ok()
}

fn does(who: &Lead, to: Option<PartnerId>, you: &str, they: &str) -> String {
    match who {
        Lead::Us => format!("We {you}."),
        Lead::Each => format!("Each organisation {they} for itself."),
        Lead::Partner { partner } if to == Some(*partner) => format!("You {you}."),
        Lead::Partner { .. } | Lead::Named { .. } => format!("Another organisation {they}."),
    }
}
