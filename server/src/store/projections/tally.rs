//! What a state counts for in statistics. A change counts for the difference of after and before, so that figures made
//! again from the entries are the same, and nothing is ever counted by reading the history.
//!
//! What is counted belongs to the month in which it began: an incident to that of awareness, a duty to that of its anchor,
//! a notice received to that of its arrival. Drills count for nothing.

use std::collections::BTreeMap;

use chrono::Datelike as _;
use domain::clock::{Clock, ClockState};
use domain::exchange::{Direction, Exchange};
use domain::ico_bands;
use domain::incident::costs::Costs;
use domain::incident::{Incident, Stage, WithdrawalReason};
use domain::values::{Known, Moment};

use super::{register, words};

/// Octets of a partner, or none for everybody.
type Scope = Vec<u8>;

/// How many of what, by month and scope; of costs how many pence.
pub(in crate::store) type Tallies = BTreeMap<(i32, Scope, String), i64>;

/// Upper ends, in minutes, of the classes in which lengths of time are counted; the last class has none.
pub(in crate::store) const SPREAD_MINUTES: [i64; 14] =
    [5, 15, 30, 60, 120, 240, 480, 720, 1_440, 2_160, 2_880, 4_320, 10_080, 43_200];

/// A month as a number: twelve times the year, and the month from 0.
pub(in crate::store) fn month(at: Moment) -> i32 {
    let date = at.to_chrono().date_naive();
    date.year().saturating_mul(12).saturating_add(i32::try_from(date.month0()).unwrap_or(0))
}

/// Adds what `after` counts for and takes away what `before` did.
pub(super) fn incident(tallies: &mut Tallies, before: Option<&Incident>, after: Option<&Incident>) {
    change(tallies, before.map(of_incident), after.map(of_incident));
}

/// The same of an exchange. Nothing is worked out where nothing that counts has changed.
pub(super) fn exchange(tallies: &mut Tallies, before: Option<&Exchange>, after: &Exchange) {
    let same = |before: &Exchange| {
        before.notice_clock == after.notice_clock
            && before.acknowledgement_clock == after.acknowledgement_clock
            && before.ico_clock == after.ico_clock
            && before.received.first() == after.received.first()
    };
    if before.is_some_and(same) {
        return;
    }
    change(tallies, before.map(of_exchange), Some(of_exchange(after)));
}

fn change(tallies: &mut Tallies, before: Option<Counted>, after: Option<Counted>) {
    for (counted, by) in [(before, -1), (after, 1)] {
        for (key, many) in counted.into_iter().flatten() {
            let n = tallies.entry(key).or_default();
            *n = n.saturating_add(many.saturating_mul(by));
        }
    }
}

/// What a state counts for: one under most keys, under those of costs its pence.
type Counted = Vec<((i32, Scope, String), i64)>;

fn of_incident(incident: &Incident) -> Counted {
    let Some((_, aware)) = incident.awareness.contract_anchor().filter(|_| !incident.exercise) else {
        return Vec::new();
    };
    let figures = incident.figures();
    let or_unknown = |word: Option<&'static str>| word.unwrap_or(register::UNKNOWN);
    let mut codes = vec![
        "incidents".to_owned(),
        format!("kind.{}", words::kind(incident.kind)),
        format!("cause.{}", or_unknown(figures.cause.as_option().map(|cause| cause.word()))),
        format!("category.{}", or_unknown(figures.category.as_option().map(|category| category.word()))),
        format!("people.{}", register::people_band(&figures)),
        // For tables that cross the two.
        format!(
            "cause_by_people.{}.{}",
            or_unknown(figures.cause.as_option().map(|cause| cause.word())),
            register::people_band(&figures)
        ),
    ];
    if incident.stage == (Stage::Withdrawn { reason: WithdrawalReason::NotABreach }) {
        codes.push("not_a_breach".to_owned());
    }
    match &figures.data {
        Known::Known(data) => codes.extend(data.iter().map(|data| format!("data.{}", data.word()))),
        Known::NotYetKnown => codes.push(format!("data.{}", register::UNKNOWN)),
    }
    codes.extend(incident.lessons.kind().map(|kind| format!("type.{}", kind.word())));
    let decided = incident.decided();
    codes.extend(decided.reporting.map(|reporting| format!("decided.{}", reporting.word())));
    codes.extend(decided.people.map(|people| format!("people_decided.{people}")));
    codes.extend(incident.telling.first_told_at().map(|_| "people_told".to_owned()));
    let (state, _, ended) = register::ico(incident);
    if state != "none" {
        let band = ended.filter(|_| state.starts_with("met")).and_then(|ended| ico_bands::time_to_report(aware, ended));
        codes.push(format!("ico.{state}.{}", band.map_or("none", |band| band.code.as_str())));
    }
    let month = month(aware);
    let ones = codes.into_iter().map(|code| (code, 1));
    ones.chain(of_costs(&incident.costs)).map(|(code, many)| ((month, Scope::new(), code), many)).collect()
}

/// `cost.` and a kind: pence under it. `cost_estimated`: pence of all kinds that are estimates. `cost_incidents`: one if any
/// cost stands, and the same with a dot and each kind that has one, so that an amount of few incidents can be left out.
fn of_costs(costs: &Costs) -> Vec<(String, i64)> {
    let kinds = costs.by_kind();
    if kinds.is_empty() {
        return Vec::new();
    }
    let mut counted = vec![("cost_incidents".to_owned(), 1), ("cost_estimated".to_owned(), costs.estimated())];
    for (kind, pence) in kinds {
        counted.push((format!("cost.{}", kind.word()), pence));
        counted.push((format!("cost_incidents.{}", kind.word()), 1));
    }
    counted
}

fn of_exchange(exchange: &Exchange) -> Counted {
    if exchange.exercise {
        return Vec::new();
    }
    match exchange.direction {
        Direction::Outgoing => {
            let mut counted = Counted::new();
            if let Some((month, code)) = exchange.notice_clock.as_ref().and_then(|clock| spread("notice", clock)) {
                counted.push(((month, exchange.partner.as_bytes().to_vec(), code.clone()), 1));
                counted.push(((month, Scope::new(), code), 1));
            }
            let acknowledgement = exchange.acknowledgement_clock.as_ref().and_then(|clock| spread("read", clock));
            counted.extend(acknowledgement.map(|(month, code)| ((month, Scope::new(), code), 1)));
            counted
        }
        Direction::Incoming => {
            let clocks = [&exchange.notice_clock, &exchange.ico_clock];
            let stated = clocks.into_iter().flatten().map(|clock| clock.anchored_at).next();
            let arrived = exchange.received.first().map(|version| version.at).or(stated);
            arrived.map(|at| ((month(at), Scope::new(), "received".to_owned()), 1)).into_iter().collect()
        }
    }
}

/// "notice.met.4": how a duty ended, or that it is late, and the class of how long it took. A duty that still runs in time,
/// or was lifted, counts for nothing.
fn spread(duty: &str, clock: &Clock) -> Option<(i32, String)> {
    let (verdict, at) = match clock.state {
        ClockState::Met { at, .. } => ("met", Some(at)),
        ClockState::MetLate { at, .. } => ("late", Some(at)),
        ClockState::Overdue => ("late", None),
        ClockState::Running | ClockState::NotRequired { .. } => return None,
    };
    let class = at.map_or_else(|| "open".to_owned(), |at| class(at.seconds_since(clock.anchored_at)).to_string());
    Some((month(clock.anchored_at), format!("{duty}.{verdict}.{class}")))
}

/// The class of a length of time in seconds.
fn class(seconds: i64) -> usize {
    SPREAD_MINUTES.iter().take_while(|minutes| **minutes * 60 < seconds).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: a bound belongs to the class that it ends, and what is longer than all has a class of its own.
    #[test]
    fn classes_end_with_their_bounds() {
        assert_eq!((class(-5), class(300), class(301), class(48 * 3_600)), (0, 0, 1, 10));
        assert_eq!(class(i64::MAX), SPREAD_MINUTES.len());
    }
}
