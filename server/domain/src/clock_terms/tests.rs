#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono_tz::{Europe, Tz};
use proptest::prelude::*;

use super::*;
use crate::clock::{Anchor, Clock};

const DEADLINES: &str = include_str!("../../law/deadline-vectors.csv");
const TIMELINESS: &str = include_str!("../../law/timeliness-vectors.csv");
const COMPLAINTS: &str = include_str!("../../testdata/complaint-clock-vectors.csv");

/// Only the last fields, which are notes, are ever quoted.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn term(regime: Regime, duty: Duty, on: &str) -> &'static Term {
    in_force(regime, duty, day(on)).unwrap()
}

fn limits(regime: Regime, duty: Duty, started: Moment, zone: Tz) -> Limits {
    let term = in_force(regime, duty, date_in(started, &zone)).unwrap();
    term.due(started, &zone, Some(Hours::CONTRACT)).unwrap().limits().unwrap()
}

#[test]
fn every_deadline_vector_follows_from_the_terms() {
    let rows = rows(DEADLINES);
    assert_eq!(rows.len(), 51);
    for row in rows {
        let [case, rule, zone, _, started, _, due, ..] = row.as_slice() else { panic!("a short row: {row:?}") };
        let zone: Tz = zone.parse().unwrap();
        let law = if zone == Europe::London { Regime::Uk } else { Regime::Eu };
        let found = match *rule {
            "contract_48h_elapsed" => limits(Regime::Agreement, Duty::PartnerNotice, at(started), zone).limit,
            "art33_72h_elapsed_strict" => limits(law, Duty::RegulatorReport, at(started), zone).alarm,
            "art33_72h_clock_hour" => limits(law, Duty::RegulatorReport, at(started), zone).limit,
            other => panic!("unknown rule {other}"),
        };
        assert_eq!(found, at(due), "{case} {rule}");
    }
}

#[test]
fn every_timeliness_vector_follows_from_the_terms() {
    let rows = rows(TIMELINESS);
    assert_eq!(rows.len(), 8);
    for row in rows {
        let [case, rule, aware, sent, expected, ..] = row.as_slice() else { panic!("a short row: {row:?}") };
        let (aware, sent) = (at(aware), at(sent));
        let (regime, duty) = match *rule {
            "contract_48h_elapsed" => (Regime::Agreement, Duty::PartnerNotice),
            "art33_72h_elapsed_strict" | "art33_72h_clock_hour" => (Regime::Uk, Duty::RegulatorReport),
            // Refused where commands are decided, before any limit is looked at.
            "any" => {
                assert!(sent < aware && *expected == "invalid", "{case}");
                continue;
            }
            other => panic!("unknown rule {other}"),
        };
        let verdict = match (limits(regime, duty, aware, Europe::London).timeliness(sent), *rule) {
            (Timeliness::InTime, _) | (Timeliness::WithinLegalLimit, "art33_72h_clock_hour") => "on_time",
            (Timeliness::WithinLegalLimit, _) => "late_vs_strict",
            (Timeliness::Late, _) => "late",
        };
        assert_eq!(verdict, *expected, "{case}");
    }
}

/// The day that a complaint is due is the row's, at whatever hour of its day the complaint came.
#[test]
fn every_complaint_vector_follows_from_the_terms() {
    let (rows, zone) = (rows(COMPLAINTS), Europe::London);
    assert_eq!(rows.len(), 24);
    for row in rows {
        let [case, received, _, days, rule, due, _] = row.as_slice() else { panic!("a short row: {row:?}") };
        let (regime, duty) = match (*rule, *days) {
            ("working_days_england_wales", "5") => (Regime::ServiceLevel, Duty::ComplaintAcknowledgement),
            ("working_days_england_wales", "20") => (Regime::ServiceLevel, Duty::ComplaintAnswer),
            (_, "30") => (Regime::Uk, Duty::ComplaintAcknowledgement),
            other => panic!("unknown rule {other:?}"),
        };
        let received = day(received);
        for started in [crate::working_time::first_instant(received, &zone), last_instant(received, &zone)] {
            let Limits { alarm, limit } = limits(regime, duty, started, zone);
            let found = match *rule {
                "working_days_england_wales" | "calendar_days_s164A_from_day_after_receipt" => limit,
                "calendar_days_s164A_strict_receipt_day_counts" => alarm,
                other => panic!("unknown rule {other}"),
            };
            assert_eq!(found, last_instant(day(due), &zone), "{case}");
            assert!(alarm <= limit, "{case}");
        }
    }
}

/// The number of rows, that none of them shares a day with another for the same duty, and that each says where it is from.
#[test]
fn the_data_is_whole() {
    assert_eq!((terms().len(), proposals().len()), (15, 1));
    for (index, term) in terms().iter().enumerate() {
        assert!(!term.starts.is_empty() && !term.provision.is_empty() && !term.source.is_empty(), "{term:?}");
        assert!(term.validity.from.zip(term.validity.until).is_none_or(|(from, until)| from <= until), "{term:?}");
        for other in terms().iter().skip(index + 1) {
            let same = (term.regime, term.duty) == (other.regime, other.duty);
            assert!(!same || !term.validity.overlaps(other.validity), "{term:?} {other:?}");
        }
    }
    // Every regime and duty that can be named has a term.
    assert!(Regime::ALL.iter().all(|regime| terms().iter().any(|term| term.regime == *regime)));
    assert!(Duty::ALL.iter().all(|duty| terms().iter().any(|term| term.duty == *duty)));
    // What cannot be relied on says so.
    let unsure = terms().iter().filter(|term| term.confidence == Confidence::Unverified).count();
    let unsure_dates = terms().iter().filter(|term| term.confidence_dates == Confidence::Unverified).count();
    assert_eq!((unsure, unsure_dates), (1, 10));
    let json = serde_json::to_value(terms()).unwrap();
    assert_eq!(serde_json::from_value::<Vec<Term>>(json).unwrap(), terms());
}

#[test]
fn a_rule_holds_from_its_first_day() {
    let report = |on| &term(Regime::Uk, Duty::RegulatorReport, on).length;
    assert!(matches!(report("2025-08-19"), Length::ElapsedHours { .. }));
    assert!(matches!(report("2025-08-20"), Length::FullHours { .. }));
    let complaint = |on| in_force(Regime::Uk, Duty::ComplaintAcknowledgement, day(on));
    assert!(complaint("2026-06-18").is_none() && complaint("2026-06-19").is_some());
    assert!(in_force(Regime::Eu, Duty::ComplaintAcknowledgement, day("2026-11-22")).is_none());
    assert!(in_force(Regime::Agreement, Duty::PartnerNotice, day("2023-10-04")).is_none());
}

#[test]
fn a_proposal_is_never_in_force() {
    for proposal in proposals() {
        let hours = |term: &Term| {
            let Length::FullHours { hours } = term.length else { panic!("{term:?}") };
            hours.get()
        };
        assert_eq!(hours(proposal), 96);
        for on in ["2019-01-01", "2026-11-22", "2099-12-31"] {
            assert_eq!(hours(term(proposal.regime, proposal.duty, on)), 72);
        }
    }
}

/// Where the law says "without undue delay" there are no limits, whatever target somebody set.
#[test]
fn no_statutory_deadline_is_never_faked() {
    let mut seen = 0;
    let started = at("2026-11-18T10:20:00Z");
    for term in terms() {
        let Length::NoStatutoryDeadline { words } = &term.length else { continue };
        for own in [None, Some(Hours::ICO)] {
            let due = term.due(started, &Europe::London, own).unwrap();
            let own_target = own.map(|hours| started.plus_hours(hours));
            assert_eq!(due, Due::NoStatutoryDeadline { words, own_target });
            assert_eq!(due.limits(), None);
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
    for (regime, duty) in [
        (Regime::Uk, Duty::PeopleTold),
        (Regime::Uk, Duty::ProcessorNotice),
        (Regime::Uk, Duty::FollowUp),
        (Regime::Uk, Duty::ComplaintAnswer),
        (Regime::Eu, Duty::PeopleTold),
        (Regime::Eu, Duty::ProcessorNotice),
        (Regime::Eu, Duty::FollowUp),
    ] {
        assert!(matches!(term(regime, duty, "2026-11-22").length, Length::NoStatutoryDeadline { .. }));
    }
}

/// An arrangement's hours win over the agreement's usual ones; without hours there is no clock.
#[test]
fn an_agreement_runs_as_the_arrangement_says() {
    let started = at("2026-11-18T10:20:00Z");
    let term = term(Regime::Agreement, Duty::PartnerNotice, "2026-11-18");
    assert_eq!(term.length, Length::AsAgreed { usual: Hours::CONTRACT });
    let due = |own| term.due(started, &Europe::London, own).unwrap();
    let own = Hours::new(24).unwrap();
    assert_eq!(due(Some(own)), Due::Limits(Limits::one(started.plus_hours(own))));
    assert_eq!((due(None), due(None).limits()), (Due::NothingAgreed, None));
}

/// Nobody shortens or lengthens what the law sets.
#[test]
fn own_hours_do_not_move_a_legal_limit() {
    let started = at("2026-11-18T10:20:00Z");
    for (regime, duty) in [
        (Regime::Uk, Duty::RegulatorReport),
        (Regime::Eu, Duty::RegulatorReport),
        (Regime::Uk, Duty::ComplaintAcknowledgement),
        (Regime::ServiceLevel, Duty::ComplaintAnswer),
    ] {
        let term = term(regime, duty, "2026-11-18");
        let due = |own| term.due(started, &Europe::London, own).unwrap();
        assert_eq!(due(None), due(Some(Hours::ACKNOWLEDGEMENT)));
    }
}

#[test]
fn working_days_beyond_the_holidays_known_are_refused() {
    let answer = term(Regime::ServiceLevel, Duty::ComplaintAnswer, "2030-12-20");
    assert!(answer.due(at("2030-12-20T09:00:00Z"), &Europe::London, None).is_err());
    // Days by date need no holidays: an elapsed month is one in any year.
    let complaint = term(Regime::Uk, Duty::ComplaintAcknowledgement, "2040-02-01");
    let due = complaint.due(at("2040-02-01T09:00:00Z"), &Europe::London, None).unwrap().limits().unwrap();
    assert_eq!(due, Limits { alarm: at("2040-03-01T23:59:59.999999Z"), limit: at("2040-03-02T23:59:59.999999Z") });
}

/// A complaint that came in winter time is due at the end of a day in summer time, and the other way round.
#[test]
fn days_end_right_across_a_change_of_clocks() {
    let complaint = |received, zone| limits(Regime::Uk, Duty::ComplaintAcknowledgement, at(received), zone);
    let spring = complaint("2027-03-22T23:30:00Z", Europe::London);
    assert_eq!(spring.alarm, at("2027-04-20T22:59:59.999999Z"));
    assert_eq!(spring.limit, at("2027-04-21T22:59:59.999999Z"));
    // Half past midnight on 1 October in London, still September in UTC.
    let autumn = complaint("2026-09-30T23:30:00Z", Europe::London);
    assert_eq!(autumn.alarm, at("2026-10-30T23:59:59.999999Z"));
    assert_eq!(autumn.limit, at("2026-10-31T23:59:59.999999Z"));
}

/// The lengths that agreements usually name, and what is shown where no report can be told.
#[test]
fn the_usual_lengths_are_the_datas() {
    assert_eq!(usual(Duty::PartnerNotice).get(), 48);
    assert_eq!(usual(Duty::PartnerAcknowledgement).get(), 8);
    // Before the first day known the first rule known stands.
    let long_ago = at("1999-01-01T09:00:00Z");
    let terms = Law::ALL.map(|law| (law.report_term(long_ago).hours.get(), law.report_term(long_ago).one_limit));
    assert_eq!(terms, [(72, true), (72, false)]);
    assert!(Law::ALL.into_iter().all(|law| Law::from_word(law.word()) == Some(law)));
}

proptest! {
    /// The day of the law's place is the one that its zone shows, summer and winter.
    #[test]
    fn the_laws_day_is_that_of_its_zone(seconds in 946_684_800..2_000_000_000_i64) {
        let at = Moment::from_unix_seconds(seconds).unwrap();
        prop_assert_eq!(Law::Uk.day(at), date_in(at, &Europe::London));
        prop_assert_eq!(Law::Eu.day(at), date_in(at, &Europe::Brussels));
    }

    /// The running ICO clock and the data agree on both limits for every awareness since Article 4A.
    #[test]
    fn the_ico_clock_runs_as_the_data_says(micros in 1_755_648_000_000_000..4_000_000_000_000_000_i64) {
        let aware = Moment::from_micros(micros).unwrap();
        let clock = Clock::report(Law::Uk, Anchor::AwareOfBreach, aware);
        let limits = limits(Regime::Uk, Duty::RegulatorReport, aware, Europe::London);
        prop_assert_eq!((clock.due(), clock.legal_limit()), (limits.alarm, Some(limits.limit)));
        prop_assert!(limits.alarm < limits.limit);
    }
}
