use super::kit::*;
use crate::clock::{Anchor, ClockChange, ClockState};
use crate::exchange;
use crate::facts::{IncidentKind, Precision};
use crate::incident::{AwarenessOf, Command, Event, FanOutWork, Log, Refusal};
use crate::values::{Actor, Moment, Role};

fn correct(of: AwarenessOf, at: Moment) -> Command {
    Command::CorrectAwareness { of, at, reason: long("The log shows it."), by: responder() }
}

fn resolve(confirm: bool, by: Actor) -> Command {
    Command::ResolveCorrection { confirm, by }
}

fn colleague() -> Actor {
    person(2, Role::Manager)
}

/// An earlier instant takes effect at once: our clock moves, and every partner is told with the reason.
#[test]
fn an_earlier_correction_takes_effect_at_once() {
    let mut story = Story::breach(2);
    let events = story.run(&correct(AwarenessOf::Breach, hour(-5)), hour(2)).events;
    let moved = ClockChange::Reanchored { anchor: Anchor::AwareOfBreach, at: hour(-5), term: None };
    assert_eq!(ico_change(&events), Some(&moved));
    assert_eq!(story.incident().awareness.breach, Some(hour(-5)));
    let asks = story.advance_all();
    let exchange::Command::Update { anchored_at, anchor_reason, .. } = &asks[1].1 else { panic!("{asks:?}") };
    assert_eq!((*anchored_at, anchor_reason.clone()), (hour(-5), Some(long("The log shows it."))));
}

/// Ruling 4: an earlier anchor re-judges even a duty already met.
#[test]
fn an_earlier_correction_makes_a_met_report_late() {
    let mut story = Story::breach(0);
    story.run(&super::ico::submitted(hour(70)), hour(71));
    story.run(&correct(AwarenessOf::Breach, hour(-5)), hour(72));
    assert!(matches!(story.incident().ico.as_ref().unwrap().state, ClockState::MetLate { .. }));
}

/// A later instant waits for another person; until then nothing moves.
#[test]
fn a_later_correction_waits_for_a_second_person() {
    let mut story = Story::breach(1);
    let events = story.run(&correct(AwarenessOf::Breach, hour(0).plus_seconds(60)), hour(2)).events;
    assert!(matches!(events[..], [Event::CorrectionProposed { .. }]));
    assert_eq!(story.incident().awareness.breach, Some(hour(0)));
    assert_eq!(story.refused(&correct(AwarenessOf::Breach, hour(1)), hour(2)), Refusal::NoSuchProposal);
    assert_eq!(story.refused(&resolve(true, responder()), hour(2)), Refusal::SecondPersonNeeded);
    assert_eq!(story.refused(&resolve(true, Actor::Node), hour(2)), Refusal::SecondPersonNeeded);
    let events = story.run(&resolve(true, colleague()), hour(2)).events;
    assert!(matches!(&events[0], Event::AwarenessCorrected { by, second: Some(second), .. }
        if *by == responder() && *second == colleague()));
    assert_eq!(story.incident().ico.as_ref().unwrap().anchored_at, hour(0).plus_seconds(60));
    assert!(story.incident().correction.is_none());
    assert_eq!(story.incident().fan_outs.len(), 1);
}

/// Who proposed a correction may drop it again.
#[test]
fn a_waiting_correction_can_be_dropped() {
    let mut story = Story::breach(1);
    assert_eq!(story.refused(&resolve(false, responder()), hour(2)), Refusal::NoSuchProposal);
    story.run(&correct(AwarenessOf::Breach, hour(1)), hour(2));
    story.run(&resolve(false, responder()), hour(2));
    assert!(story.incident().correction.is_none());
    assert_eq!(story.incident().awareness.breach, Some(hour(0)));
}

/// Ruling 4: a later anchor never removes recorded lateness.
#[test]
fn a_later_correction_leaves_lateness() {
    let mut story = Story::breach(0);
    story.run(&correct(AwarenessOf::Breach, hour(20)), hour(71));
    story.tick(&[], hour(73));
    story.run(&resolve(true, colleague()), hour(74));
    let ico = story.incident().ico.as_ref().unwrap();
    assert_eq!((ico.state.clone(), ico.anchored_at), (ClockState::Overdue, hour(0)));
    assert_eq!(story.incident().awareness.breach, Some(hour(20)), "the fact itself is corrected");
}

/// The checks of logging hold for corrections too; a reason is always there.
#[test]
fn corrections_are_checked() {
    let exact = occurring("2026-03-03T01:00:00Z", Precision::Exact);
    let story = Story::logged(Log { facts: exact, ..log(IncidentKind::Breach, 1) });
    let began = at("2026-03-03T01:00:00Z");
    assert_eq!(story.refused(&correct(AwarenessOf::Breach, hour(3)), hour(2)), Refusal::AwarenessInFuture);
    let early = correct(AwarenessOf::Breach, hour(-3));
    assert_eq!(story.refused(&early, hour(2)), Refusal::AwarenessBeforeOccurrence { began });
    assert_eq!(story.refused(&correct(AwarenessOf::Breach, hour(0)), hour(2)), Refusal::NothingChanges);
    let mut circumstances = Story::circumstances(1);
    assert_eq!(circumstances.refused(&correct(AwarenessOf::Breach, hour(0)), hour(2)), Refusal::NotYetABreach);
    circumstances.run(&correct(AwarenessOf::Circumstances, hour(-24 * 500)), hour(2));
}

/// Only a moved anchor is news to partners.
#[test]
fn a_correction_behind_the_anchor_tells_nobody() {
    let mut story = Story::circumstances(1);
    convert(&mut story, hour(10), 0, hour(12));
    story.advance_all();
    story.run(&correct(AwarenessOf::Breach, hour(9)), hour(12));
    assert!(story.incident().fan_outs.is_empty());
    assert_eq!(story.incident().ico.as_ref().unwrap().anchored_at, hour(9));
}

fn convert(story: &mut Story, aware_at: Moment, new: usize, now: Moment) -> Vec<Event> {
    let owed = (100..100 + new).map(owed).collect();
    story.run(&Command::ConvertToBreach { aware_at, owed, by: responder() }, now).events
}

/// Becoming a breach starts the ICO clock, updates the old partners with the earlier anchor, and opens the new ones.
#[test]
fn circumstances_become_a_breach() {
    let mut story = Story::circumstances(2);
    convert(&mut story, hour(60), 1, hour(61));
    let incident = story.incident();
    assert_eq!(incident.kind, IncidentKind::Breach);
    assert_eq!(incident.ico.as_ref().unwrap().due(), hour(132));
    assert_eq!(incident.owed.len(), 3);
    assert_eq!(incident.fan_outs[1].work, FanOutWork::Open { queue: true });
    let asks = story.advance_all();
    for (_, ask) in &asks[..2] {
        let exchange::Command::Update { kind, anchor, anchored_at, .. } = ask else { panic!("{ask:?}") };
        let expected = (IncidentKind::Breach, Anchor::AwareOfCircumstances, hour(0));
        assert_eq!((*kind, *anchor, *anchored_at), expected);
    }
    let exchange::Command::Open(open) = &asks[2].1 else { panic!("{asks:?}") };
    assert_eq!((open.anchor, open.anchored_at, open.queue), (Anchor::AwareOfBreach, hour(60), Some(1)));
    let again = Command::ConvertToBreach { aware_at: hour(61), owed: vec![], by: responder() };
    assert_eq!(story.refused(&again, hour(62)), Refusal::AlreadyBreach);
}

/// A partner already owed is not owed twice; a held incident stays held.
#[test]
fn converting_while_held_queues_nothing() {
    let mut story = Story::held(2);
    let owed = vec![owed(1), owed(7)];
    story.run(&Command::ConvertToBreach { aware_at: hour(1), owed, by: responder() }, hour(2));
    assert_eq!(story.incident().owed.len(), 3);
    assert_eq!(story.incident().fan_outs[1].work, FanOutWork::Open { queue: false });
    assert_eq!(story.incident().sent_version, 0);
    story.advance_all();
    story.run(&Command::Release { by: responder() }, hour(2));
    assert_eq!(story.advance_all().len(), 3);
}

/// Awareness of the breach is checked like any other.
#[test]
fn conversion_is_checked() {
    let story = Story::circumstances(1);
    let convert = |aware_at| Command::ConvertToBreach { aware_at, owed: vec![], by: responder() };
    assert_eq!(story.refused(&convert(hour(3)), hour(2)), Refusal::AwarenessInFuture);
    assert_eq!(story.refused(&convert(hour(-24 * 400)), hour(2)), Refusal::AwarenessNeedsReason);
}
