use super::kit::*;
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, ClockState};
use crate::facts::{Facts, IncidentKind, Precision};
use crate::incident::{Awareness, Command, Duty, Event, FanOutWork, Log, Refusal, Stage, decide};
use crate::values::{Hours, Moment};

fn refusal(log: Log) -> Refusal {
    decide(None, &Command::Log(Box::new(log)), at(LOGGED)).expect_err("refused")
}

/// Logging starts the ICO clock and fixes everybody who is owed in one commit.
#[test]
fn a_breach_starts_the_ico_clock_and_the_fan_out() {
    let story = Story::logged(log(IncidentKind::Breach, 3));
    let incident = story.incident();
    let ico = incident.ico.as_ref().unwrap();
    assert_eq!((ico.anchor, ico.anchored_at, ico.due()), (Anchor::AwareOfBreach, at(AWARE), hour(72)));
    assert_eq!(incident.fan_outs.len(), 1);
    assert_eq!(incident.fan_outs[0].work, FanOutWork::Open { queue: true });
    assert_eq!((incident.fan_outs[0].from, incident.fan_outs[0].until), (0, 3));
    assert_eq!((incident.facts_version, incident.sent_version), (1, 1));
    assert_eq!(incident.stage, Stage::Active);
}

/// Circumstances start no ICO clock; holding sends nothing.
#[test]
fn held_circumstances_open_without_queueing() {
    let story = Story::logged(Log { hold: true, ..log(IncidentKind::LikelyToGiveRise, 2) });
    let incident = story.incident();
    assert!(incident.ico.is_none());
    assert_eq!(incident.fan_outs[0].work, FanOutWork::Open { queue: false });
    assert_eq!((incident.stage.clone(), incident.sent_version), (Stage::Held, 0));
}

/// Nobody owed: no fan-out.
#[test]
fn a_sole_controller_has_no_fan_out() {
    assert!(Story::logged(log(IncidentKind::Breach, 0)).incident().fan_outs.is_empty());
}

/// Anchors are whole seconds by construction.
#[test]
fn awareness_is_floored_to_the_second() {
    let breach = Some(at("2026-03-03T02:10:00.999999Z"));
    let story =
        Story::logged(Log { awareness: Awareness { circumstances: None, breach }, ..log(IncidentKind::Breach, 1) });
    assert_eq!(story.incident().awareness.breach, Some(at(AWARE)));
    assert_eq!(story.incident().ico.as_ref().unwrap().anchored_at, at(AWARE));
}

/// A stream is logged once, and nothing else happens before.
#[test]
fn an_incident_is_logged_once() {
    let story = Story::breach(1);
    let again = Command::Log(Box::new(log(IncidentKind::Breach, 1)));
    assert_eq!(story.refused(&again, at(LOGGED)), Refusal::AlreadyLogged);
    assert_eq!(decide(None, &Command::Advance, at(LOGGED)), Err(Refusal::NoSuchIncident));
}

/// Each kind needs its own instant of awareness.
#[test]
fn awareness_must_fit_the_kind() {
    let none = Awareness { circumstances: None, breach: None };
    for kind in [IncidentKind::Breach, IncidentKind::LikelyToGiveRise, IncidentKind::UnderInvestigation] {
        assert_eq!(refusal(Log { awareness: none, ..log(kind, 1) }), Refusal::AwarenessMissing);
    }
    let only_circumstances = Awareness { circumstances: Some(at(AWARE)), breach: None };
    let log = Log { awareness: only_circumstances, ..log(IncidentKind::Breach, 1) };
    assert_eq!(refusal(log), Refusal::AwarenessMissing);
}

fn aware_at(instant: Moment, facts: Facts) -> Log {
    let awareness = Awareness { circumstances: None, breach: Some(instant) };
    Log { awareness, facts, ..log(IncidentKind::Breach, 1) }
}

/// Ruling 5: not in the future.
#[test]
fn awareness_in_the_future_is_refused() {
    assert_eq!(refusal(aware_at(at(LOGGED).plus_seconds(1), facts())), Refusal::AwarenessInFuture);
    Story::logged(aware_at(at(LOGGED), facts()));
}

/// Ruling 5: not before it began, unless that is an estimate.
#[test]
fn awareness_before_the_occurrence_needs_an_estimate() {
    let began = at("2026-03-03T02:10:01Z");
    let exact = occurring("2026-03-03T02:10:01Z", Precision::Exact);
    assert_eq!(refusal(aware_at(at(AWARE), exact.clone())), Refusal::AwarenessBeforeOccurrence { began });
    Story::logged(aware_at(began, exact));
    Story::logged(aware_at(at(AWARE), occurring("2026-03-03T02:10:01Z", Precision::Estimated)));
}

/// Ruling 5: more than a year ago needs a reason.
#[test]
fn old_awareness_needs_a_reason() {
    let year_ago = at("2025-03-03T03:00:00Z");
    Story::logged(aware_at(year_ago, facts()));
    let older = aware_at(year_ago.plus_seconds(-1), facts());
    assert_eq!(refusal(older.clone()), Refusal::AwarenessNeedsReason);
    Story::logged(Log { old_reason: Some(long("Found in an audit.")), ..older });
}

fn received_clock() -> Clock {
    Clock::start(ClockKind::IcoReport, Anchor::NoticeReceived, hour(-30), Hours::ICO)
}

/// Ruling 9: the clock of a partner's notice moves here with its anchor, also for mere circumstances; its steps so far
/// don't fire again.
#[test]
fn a_clock_moves_from_a_received_notice() {
    for kind in [IncidentKind::Breach, IncidentKind::LikelyToGiveRise] {
        let opened_from = Some((exchange_id(9), Some(received_clock())));
        let mut story = Story::logged(Log { opened_from, ..log(kind, 0) });
        assert_eq!(story.incident().ico, Some(received_clock()));
        assert_eq!(story.incident().opened_from, Some(exchange_id(9)));
        assert_eq!(story.tick(&[], at(LOGGED)), []);
    }
    let late = Clock { state: ClockState::Overdue, anchored_at: hour(-80), ..received_clock() };
    let opened_from = Some((exchange_id(9), Some(late.clone())));
    let mut story = Story::logged(Log { opened_from, ..log(IncidentKind::Breach, 0) });
    let passed = |event: &Event| matches!(event, Event::StepsPassed { offsets, .. } if offsets.last() == Some(&480));
    assert!(story.events.iter().any(passed), "{:?}", story.events);
    assert_eq!(story.tick(&[], at(LOGGED)), []);
}

/// Our own awareness from before the notice moves that clock earlier, never later.
#[test]
fn earlier_own_awareness_moves_a_received_clock() {
    let opened_from = Some((exchange_id(9), Some(received_clock())));
    let log = Log { opened_from, ..aware_at(hour(-40), facts()) };
    let story = Story::logged(log);
    let change = ico_change(&story.events).unwrap();
    assert_eq!(*change, ClockChange::Reanchored { anchor: Anchor::AwareOfBreach, at: hour(-40), term: None });
    assert_eq!(story.incident().ico.as_ref().unwrap().due(), hour(32));
}

/// Facts are versioned; an edit on a version that is no longer current is refused.
#[test]
fn facts_are_versioned() {
    let mut story = Story::breach(1);
    let edit = |base_version, summary: &str| Command::UpdateFacts {
        base_version,
        facts: newer_facts(summary),
        by: responder(),
    };
    story.run(&edit(1, "Two mailboxes."), hour(2));
    assert_eq!((story.incident().facts_version, story.incident().sent_version), (2, 1));
    assert_eq!(story.refused(&edit(1, "Three mailboxes."), hour(2)), Refusal::FactsChanged { current: 2 });
    assert_eq!(story.refused(&edit(2, "Two mailboxes."), hour(2)), Refusal::NothingChanges);
}

/// Closing waits for every duty, fan-out and proposal.
#[test]
fn closing_waits_for_every_duty() {
    let close = |open_duties: &[_]| Command::Close { open_duties: open_duties.to_vec(), by: responder() };
    let notices = [(ClockKind::PartnerNotice, 2), (ClockKind::PartnerAcknowledgement, 0)];
    let mut story = Story::circumstances(1);
    let theirs = Duty::Partners { kind: ClockKind::PartnerNotice, open: 2 };
    assert_eq!(story.refused(&close(&notices), hour(5)), Refusal::DutiesOpen { duties: vec![theirs] });
    let breach = Story::logged(log(IncidentKind::Breach, 1));
    let own = vec![Duty::IcoReport, Duty::People, Duty::FanOut];
    assert_eq!(breach.refused(&close(&[]), hour(5)), Refusal::DutiesOpen { duties: own });
    story.run(&close(&[]), hour(5));
    assert_eq!(story.incident().stage, Stage::Closed);
    assert_eq!(story.refused(&close(&[]), hour(5)), Refusal::NotOpen { stage: "closed" });
    assert_eq!(story.tick(&[group(ClockKind::PartnerNotice, hour(48), hour(0), 1)], hour(60)), []);
}
