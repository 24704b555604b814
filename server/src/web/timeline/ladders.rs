//! Ladders in sentences: whom a step reached, who had a duty in hand, who has seen a step.

use domain::ladder::{LadderChange, Reached};
use domain::values::Actor;

use super::{count, duty_due, who};
use crate::web::words::{Reader, grouped};

/// What follows the words of a step: whom it reached.
pub(in crate::web) fn reached(reached: &Reached) -> String {
    let mut words = String::new();
    if !reached.people.is_empty() {
        words.push_str(&format!("; {} reached", people(reached.people.len())));
    }
    if reached.instead {
        words.push_str(", managers because nobody on call could be");
    }
    if reached.no_mail {
        words.push_str(", without mail");
    }
    if reached.must_see {
        words.push_str(", each asked to say that they have seen it");
    }
    if !reached.unseen.is_empty() {
        words.push_str(&format!("; the step before was not seen by {}", people(reached.unseen.len())));
    }
    words
}

fn people(number: usize) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", grouped(count(number))) }
}

/// What else became of a ladder.
pub(in crate::web) fn changed(change: &LadderChange, by: &Actor, reader: Reader) -> String {
    match change {
        LadderChange::Lapsed { kind, due, holder } => {
            format!(
                "{} had it in hand and it was not done in time, so alarms go on: {}",
                who(holder),
                duty_due(*kind, *due, reader)
            )
        }
        LadderChange::Seen { kind, due } => {
            format!("{} has seen the last step: {}", who(by), duty_due(*kind, *due, reader))
        }
    }
}
