#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use chrono::{DateTime, FixedOffset};
use proptest::prelude::*;

use super::*;

const DEADLINES: &str = include_str!("../../law/deadline-vectors.csv");
const TIMELINESS: &str = include_str!("../../law/timeliness-vectors.csv");

/// Rows of a CSV file without its heading; quoted fields hold no line breaks there.
fn rows(csv: &str) -> Vec<Vec<String>> {
    csv.lines().skip(1).map(fields).collect()
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn contract(anchored_at: Moment) -> Clock {
    Clock::start(ClockKind::PartnerNotice, Anchor::AwareOfCircumstances, anchored_at, Hours::CONTRACT)
}

/// The law of the place that a vector names.
fn law(zone: &str) -> Law {
    if zone == "Europe/London" { Law::Uk } else { Law::Eu }
}

fn ico(anchored_at: Moment) -> Clock {
    Clock::report(Law::Uk, Anchor::AwareOfBreach, anchored_at)
}

#[test]
fn every_deadline_vector() {
    let rows = rows(DEADLINES);
    assert_eq!(rows.len(), 51);
    for row in rows {
        let [case, rule, zone, event_local, event_utc, start, due, due_local, ..] = row.as_slice() else {
            panic!("a short row: {row:?}");
        };
        let aware = at(event_utc);
        let report = Clock::report(law(zone), Anchor::AwareOfBreach, aware);
        assert_eq!(at(event_local), aware, "{case}");
        let (period_start, deadline) = match rule.as_str() {
            "contract_48h_elapsed" => (contract(aware).anchored_at, contract(aware).due()),
            "art33_72h_elapsed_strict" => (report.anchored_at, report.due()),
            "art33_72h_clock_hour" => (aware.next_full_hour(), report.legal_limit().unwrap()),
            other => panic!("unknown rule {other}"),
        };
        assert_eq!(period_start, at(start), "{case} {rule}");
        assert_eq!(deadline, at(due), "{case} {rule}");
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        let local: DateTime<FixedOffset> = deadline.to_chrono().with_timezone(&zone).fixed_offset();
        let expected = DateTime::parse_from_rfc3339(due_local).unwrap();
        assert_eq!((local, local.offset()), (expected, expected.offset()), "{case} {rule}");
    }
}

#[test]
fn every_timeliness_vector() {
    let rows = rows(TIMELINESS);
    assert_eq!(rows.len(), 8);
    for row in rows {
        let [case, rule, aware, sent, expected, ..] = row.as_slice() else { panic!("a short row: {row:?}") };
        let (aware, sent) = (at(aware), at(sent));
        let late = |clock: Clock, evidence| match clock.meet(sent, evidence) {
            Some(ClockChange::Met { late, .. }) => late,
            other => panic!("{case}: {other:?}"),
        };
        let limit = ico(aware).legal_limit().unwrap();
        let verdict = match rule.as_str() {
            // Refused where commands are decided; the arithmetic only has to show it.
            "any" if sent < aware => "invalid",
            "contract_48h_elapsed" if late(contract(aware), Evidence::SignedReceipt) => "late",
            "art33_72h_elapsed_strict" | "art33_72h_clock_hour" if sent > limit => "late",
            "art33_72h_elapsed_strict" if late(ico(aware), Evidence::RecordedSubmission) => "late_vs_strict",
            "contract_48h_elapsed" | "art33_72h_elapsed_strict" | "art33_72h_clock_hour" => "on_time",
            other => panic!("unknown rule {other}"),
        };
        assert_eq!(verdict, expected, "{case}");
    }
}

#[test]
fn at_the_due_instant_a_duty_is_still_in_time() {
    let clock = contract(at("2026-03-03T02:10:00Z"));
    assert_eq!(clock.tick(clock.due()), None);
    let overdue = Moment::from_micros(clock.due().micros() + 1).unwrap();
    assert_eq!(clock.tick(overdue), Some(ClockChange::BecameOverdue));
}

#[test]
fn lateness_is_judged_by_the_instant_of_the_evidence() {
    let clock = contract(at("2026-03-03T02:10:00Z")).evolve(&ClockChange::BecameOverdue);
    let in_time = clock.due().plus_seconds(-3_600);
    let met = clock.clone().evolve(&clock.meet(in_time, Evidence::SignedReceipt).unwrap());
    assert_eq!(met.state, ClockState::Met { at: in_time, evidence: Evidence::SignedReceipt, proved_late: true });
}

#[test]
fn an_earlier_receipt_may_still_prove_a_late_duty_met() {
    let clock = contract(at("2026-03-03T02:10:00Z"));
    let late = clock.due().plus_seconds(1);
    let clock = clock.clone().evolve(&clock.meet(late, Evidence::RecordedCall).unwrap());
    assert_eq!(clock.meet(late.plus_seconds(5), Evidence::SignedReceipt), None);
    let earlier = clock.due();
    let met = clock.clone().evolve(&clock.meet(earlier, Evidence::SignedReceipt).unwrap());
    assert!(matches!(met.state, ClockState::Met { proved_late: true, .. }));
}

#[test]
fn an_earlier_anchor_rejudges_a_met_duty_and_a_later_one_moves_only_a_running_clock() {
    let clock = contract(at("2026-03-03T02:10:00Z"));
    let met = clock.clone().evolve(&clock.meet(clock.due(), Evidence::SignedReceipt).unwrap());
    let (earlier, later) = (clock.anchored_at.plus_seconds(-60), clock.anchored_at.plus_seconds(60));
    let rejudged = met.clone().evolve(&met.reanchor(Anchor::AwareOfCircumstances, earlier).unwrap());
    assert!(matches!(rejudged.state, ClockState::MetLate { .. }));
    assert_eq!(rejudged.reanchor(Anchor::AwareOfCircumstances, later), None);
    assert_eq!(met.reanchor(Anchor::AwareOfCircumstances, later), None);
    assert!(clock.reanchor(Anchor::AwareOfCircumstances, later).is_some());
    let overdue = clock.evolve(&ClockChange::BecameOverdue);
    assert_eq!(overdue.reanchor(Anchor::AwareOfCircumstances, later), None);
}

#[test]
fn only_the_ico_clock_has_a_legal_limit_and_it_is_never_earlier() {
    let aware = at("2026-03-03T02:00:00Z");
    assert_eq!(contract(aware).legal_limit(), None);
    assert_eq!(ico(aware).legal_limit(), Some(at("2026-03-06T03:00:00Z")));
}

/// Aim: before Article 4A there is one limit; a correction across that day takes what the law gave on the new one,
/// and the European Union's law is not the United Kingdom's.
#[test]
fn the_law_of_the_anchors_day_counts() {
    let (before, since) = (at("2025-08-19T22:59:59Z"), at("2025-08-19T23:00:00Z"));
    let (old, new) = (ico(before), ico(since));
    assert!(old.one_limit && !new.one_limit);
    assert_eq!((old.legal_limit(), old.hours.get()), (Some(old.due()), 72));
    assert_eq!(new.legal_limit(), Some(at("2025-08-23T00:00:00Z")));
    assert!(!Clock::report(Law::Eu, Anchor::AwareOfBreach, before).one_limit);
    let change = new.reanchor(Anchor::AwareOfBreach, before).unwrap();
    assert_eq!(new.clone().evolve(&change), old);
    assert_eq!(old.clone().evolve(&old.reanchor(Anchor::AwareOfBreach, since).unwrap()), new);
    // Recorded before there was a choice: as it was shown then.
    let recorded = r#"{"kind":"ico_report","anchor":"aware_of_breach","anchored_at":"2025-01-01T09:00:00Z",
        "hours":72,"state":{"state":"running"}}"#;
    let recorded: Clock = serde_json::from_str(recorded).unwrap();
    assert_eq!((recorded.law, recorded.legal_limit()), (Law::Uk, Some(at("2025-01-04T10:00:00Z"))));
}

#[test]
fn clocks_and_changes_are_stored_and_read_back() {
    let clock = ico(at("2026-03-03T02:10:00Z"));
    let reason = Line::parse("No personal data was involved").unwrap();
    let changes = [
        ClockChange::BecameOverdue,
        clock.meet(clock.due(), Evidence::RecordedSubmission).unwrap(),
        ClockChange::Reanchored { anchor: Anchor::AwareOfBreach, at: clock.due(), term: None },
        clock.not_required(clock.due(), reason).unwrap(),
    ];
    for change in changes {
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<ClockChange>(&json).unwrap(), change);
        let clock = clock.clone().evolve(&change);
        let json = serde_json::to_string(&clock).unwrap();
        assert_eq!(serde_json::from_str::<Clock>(&json).unwrap(), clock);
        assert!(json.contains(clock.state.word()));
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Tick,
    Meet,
    NotRequired,
    Reanchor,
}

proptest! {
    /// Whatever happens in whatever order, a clock ends at most once, stays ended, and recorded lateness goes away
    /// only through evidence from before the due instant.
    #[test]
    fn a_clock_ends_once(acts in prop::collection::vec(
        (prop::sample::select(vec![Act::Tick, Act::Meet, Act::NotRequired, Act::Reanchor]), 0..100_i64), 1..30,
    )) {
        let start = at("2026-03-03T02:10:00Z");
        let mut clock = contract(start);
        let mut ends = 0;
        for (act, hours) in acts {
            let moment = start.plus_seconds(hours * 3_600);
            let change = match act {
                Act::Tick => clock.tick(moment),
                Act::Meet => clock.meet(moment, Evidence::SignedReceipt),
                Act::NotRequired => clock.not_required(moment, Line::parse("withdrawn").unwrap()),
                Act::Reanchor => clock.reanchor(Anchor::AwareOfBreach, moment),
            };
            let Some(change) = change else { continue };
            let before = clock.clone();
            clock = clock.evolve(&change);
            ends += u32::from(before.is_open() && !clock.is_open());
            prop_assert!(before.is_open() || !clock.is_open(), "an ended clock stays ended");
            if matches!(before.state, ClockState::MetLate { .. }) && !matches!(clock.state, ClockState::MetLate { .. }) {
                let in_time = matches!(clock.state, ClockState::Met { at, .. } if at <= clock.due());
                prop_assert!(in_time, "lateness stays: {:?}", clock);
            }
            if matches!(before.state, ClockState::Overdue) {
                prop_assert!(!matches!(clock.state, ClockState::Running));
            }
        }
        prop_assert!(ends <= 1);
    }

    /// The statute's limit is later than the strict one, by up to an hour (deadlines, "72 hours"), since Article 4A.
    #[test]
    fn the_legal_limit_is_up_to_an_hour_later(micros in 1_755_648_000_000_000..4_000_000_000_000_000_i64) {
        let clock = ico(Moment::from_micros(micros).unwrap());
        let gap = clock.legal_limit().unwrap().micros() - clock.due().micros();
        prop_assert!(gap > 0 && gap <= 3_600_000_000);
    }
}

#[test]
fn a_quoted_field_of_the_vectors_is_read_whole() {
    assert_eq!(fields("a,\"b, c\",d")[1], "b, c");
}
