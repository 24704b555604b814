#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use chrono_tz::Europe::London;
use uuid::Uuid;

use super::*;
use crate::incident::tests::kit::{dpo, hold_golden, line, long};
use crate::working_time::{first_instant, last_instant};

const VECTORS: &str = include_str!("../../testdata/complaint-clock-vectors.csv");

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn received() -> Moment {
    at("2026-11-23T10:00:00Z")
}

fn log() -> Log {
    Log {
        id: ComplaintId::from_uuid(Uuid::from_u128(0xcc)),
        reference: line("CP-2026-0007"),
        received_at: received(),
        channel: Channel::Email,
        category: Category::Security,
        about: long("A street report was sent to the wrong contractor."),
        incident: Some(IncidentId::from_uuid(Uuid::from_u128(1))),
        due: Due::of(Law::Uk, true, received(), &London).unwrap(),
        by: dpo(1),
    }
}

fn run(state: &mut Option<Complaint>, command: &Command, now: Moment) -> Vec<Event> {
    let events = decide(state.as_ref(), command, now).unwrap();
    for event in &events {
        *state = evolve(state.take(), event);
    }
    events
}

/// Aim: every given vector through what a logged complaint holds, at whatever hour of its day it came.
#[test]
fn every_complaint_vector() {
    let rows: Vec<Vec<&str>> = VECTORS.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let day: chrono::NaiveDate = row[1].parse().unwrap();
        let expected = last_instant(row[5].parse().unwrap(), &London);
        for received in [first_instant(day, &London), last_instant(day, &London)] {
            let due = Due::of(Law::Uk, true, received, &London).unwrap();
            let found = match (row[4], row[3]) {
                ("working_days_england_wales", "5") => due.promised_acknowledgement,
                ("working_days_england_wales", "20") => due.promised_answer,
                ("calendar_days_s164A_from_day_after_receipt", _) => due.acknowledgement.map(|limits| limits.limit),
                ("calendar_days_s164A_strict_receipt_day_counts", _) => due.acknowledgement.map(|limits| limits.alarm),
                other => panic!("unknown rule {other:?}"),
            };
            assert_eq!(found, Some(expected), "{}", row[0]);
        }
    }
}

/// Aim: no duty is made up: none before the law's first day or in another law, no promise that nobody made, no date for the
/// answer in law.
#[test]
fn nothing_is_owed_that_nobody_says() {
    let of = |law, promised, day: &str| Due::of(law, promised, at(day), &London).unwrap();
    assert_eq!(of(Law::Uk, false, "2026-06-18T10:00:00Z"), Due::default());
    assert_eq!(of(Law::Eu, false, "2026-11-23T10:00:00Z"), Due::default());
    let due = of(Law::Uk, false, "2026-06-19T10:00:00Z");
    assert!(due.acknowledgement.is_some() && due.promised_acknowledgement.is_none() && due.promised_answer.is_none());
    // Holidays of those years are not known: refused, not guessed.
    assert!(Due::of(Law::Uk, true, at("2034-12-20T10:00:00Z"), &London).is_err());
}

/// Aim: the way of a complaint, and that lateness is judged by the instants on the record.
#[test]
fn it_is_acknowledged_and_answered() {
    let mut state = None;
    run(&mut state, &Command::Log(Box::new(log())), at("2026-11-24T09:00:00Z"));
    let complaint = state.clone().unwrap();
    assert_eq!(complaint.next_due(), Some(at("2026-11-30T23:59:59.999999Z")));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-22T23:00:00Z")), Some(Timeliness::InTime));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-23T12:00:00Z")), Some(Timeliness::WithinLegalLimit));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-24T00:00:00Z")), Some(Timeliness::Late));
    let now = at("2027-01-05T09:00:00Z");
    let refused = |command: &Command, state: &Option<Complaint>| decide(state.as_ref(), command, now).unwrap_err();
    let acknowledge = |text: &str| Command::Acknowledge { at: at(text), by: dpo(1) };
    assert_eq!(refused(&acknowledge("2026-11-23T09:59:59Z"), &state), Refusal::BeforeReceipt);
    assert_eq!(refused(&acknowledge("2027-01-05T09:00:01Z"), &state), Refusal::InFuture);
    assert_eq!(refused(&Command::Anonymise, &state), Refusal::NotAnswered);
    run(&mut state, &acknowledge("2026-12-22T12:00:00Z"), now);
    assert_eq!(refused(&acknowledge("2026-12-22T12:00:00Z"), &state), Refusal::AlreadyAcknowledged);
    // Recorded late, done in time.
    assert_eq!(state.as_ref().unwrap().acknowledgement_in_law(now), Some(Timeliness::InTime));
    assert_eq!(state.as_ref().unwrap().next_due(), Some(at("2026-12-21T23:59:59.999999Z")));
    run(&mut state, &Command::Note { note: long("Asked the contractor."), by: dpo(1) }, now);
    let answer = Command::Answer { at: now, outcome: Outcome::Upheld, note: Some(long("Sorry.")), by: dpo(1) };
    run(&mut state, &answer, now);
    assert_eq!(refused(&answer, &state), Refusal::AlreadyAnswered);
    let complaint = state.clone().unwrap();
    assert_eq!((complaint.stage, complaint.next_due(), complaint.notes), (Stage::Answered, None, 1));
    run(&mut state, &Command::Anonymise, now);
    let kept = serde_json::to_string(&state).unwrap();
    assert!(!kept.contains("contractor") && kept.contains("CP-2026-0007"));
    assert_eq!(refused(&acknowledge("2026-12-22T12:00:00Z"), &state), Refusal::Anonymised);
}

/// The JSON of every event is frozen.
#[test]
fn events_keep_their_form() {
    let (at, by) = (at("2026-11-24T09:00:00Z"), dpo(1));
    let logged = decide(None, &Command::Log(Box::new(log())), at).unwrap().remove(0);
    let state = evolve(None, &logged).unwrap();
    let survives = Box::new(Complaint { about: None, stage: Stage::Anonymised, ..state });
    let answered = Event::Answered { answered_at: at, outcome: Outcome::NotForUs, note: None, at, by: by.clone() };
    hold_golden(
        "complaint",
        &["logged", "acknowledged", "noted", "answered", "anonymised"],
        &[
            ("logged", logged),
            ("acknowledged", Event::Acknowledged { acknowledged_at: at, at, by: by.clone() }),
            ("noted", Event::Noted { note: long("Asked the contractor."), at, by }),
            ("answered", answered),
            ("anonymised", Event::Anonymised { survives, at }),
        ],
    );
    for (word, label) in Category::ALL.iter().map(|it| (it.word(), it.label())) {
        assert!(Category::from_word(word).is_some() && !label.is_empty());
    }
}
