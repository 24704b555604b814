use std::sync::Arc;

use super::kit::*;
use crate::clock::{ClockChange, ClockKind};
use crate::incident::{Command, Event, Refusal, STEP_NAMES_MAX, next_check};
use crate::ladder::{LadderChange, LadderCommand, LadderRefusal, Orders, Plan, Plans, Reachable};
use crate::report::ReportState;
use crate::values::{Actor, Moment, Role};

const NOTICE: ClockKind = ClockKind::PartnerNotice;
const ICO: ClockKind = ClockKind::IcoReport;

fn fired(events: &[Event]) -> Vec<(ClockKind, i32, u32)> {
    let step = |event: &Event| match event {
        Event::StepFired { kind, offset_minutes, partners, .. } => Some((*kind, *offset_minutes, *partners)),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

/// One step names everybody outstanding, at most so many by name, and fires once.
#[test]
fn a_step_fires_once_for_all_partners() {
    let mut story = Story::circumstances(30);
    let groups = [group(NOTICE, hour(48), hour(0), 30)];
    assert_eq!(story.tick(&groups, hour(23)), []);
    let events = story.tick(&groups, hour(24));
    assert_eq!(fired(&events), [(NOTICE, -1_440, 30)]);
    assert!(matches!(&events[0], Event::StepFired { first, .. } if first.len() == STEP_NAMES_MAX));
    assert_eq!(story.tick(&groups, hour(24)), [], "a second look finds nothing");
}

/// After a long sleep the most urgent step fires, the others are recorded with it.
#[test]
fn slept_through_steps_are_one_alarm() {
    let mut story = Story::circumstances(1);
    let groups = [group(NOTICE, hour(48), hour(0), 1)];
    let events = story.tick(&groups, hour(47));
    assert!(matches!(&events[..], [Event::StepFired { offset_minutes: -120, passed, .. }]
        if *passed == [-1_440, -720, -360]));
    assert_eq!(fired(&story.tick(&groups, hour(50))), [(NOTICE, 120, 1)]);
}

/// Steps from before the anchor are recorded as passed, and never fire.
#[test]
fn steps_before_the_anchor_pass() {
    let mut story = Story::circumstances(1);
    let groups = [group(ClockKind::PartnerAcknowledgement, hour(10), hour(2), 1)];
    let events = story.tick(&groups, hour(2));
    assert!(matches!(&events[..], [Event::StepsPassed { offsets, .. }] if *offsets == [-1_440, -720]));
    assert_eq!(story.tick(&groups, hour(2)), []);
    assert_eq!(fired(&story.tick(&groups, hour(4))), [(ClockKind::PartnerAcknowledgement, -360, 1)]);
}

/// Nobody outstanding: the ladder ends, once; outstanding again: it goes on where it stood.
#[test]
fn a_ladder_ends_with_its_last_partner() {
    let mut story = Story::circumstances(1);
    let groups = [group(NOTICE, hour(48), hour(0), 1)];
    story.tick(&groups, hour(24));
    assert_eq!(story.tick(&[], hour(25)), [Event::LadderEnded { kind: NOTICE, due: hour(48) }]);
    assert_eq!(story.tick(&[], hour(25)), []);
    assert_eq!(story.tick(&groups, hour(26)), []);
    assert_eq!(fired(&story.tick(&groups, hour(36))), [(NOTICE, -720, 1)]);
}

/// Our own clock: overdue, its ladder, and a draft report at its first step, by the node, once.
#[test]
fn the_ico_ladder_drafts_the_report() {
    let mut story = Story::breach(0);
    let events = story.tick(&[], hour(48));
    assert_eq!(fired(&events), [(ICO, -1_440, 0)]);
    assert!(matches!(&events[1], Event::ReportDrafted { by: Actor::Node, .. }));
    assert_eq!(fired(&story.tick(&[], hour(60))), [(ICO, -720, 0)]);
    assert!(matches!(story.incident().report, ReportState::Draft { opened_at, .. } if opened_at == hour(48)));
    let events = story.tick(&[], hour(72).plus_seconds(1));
    assert_eq!(ico_change(&events), Some(&ClockChange::BecameOverdue));
    assert_eq!(fired(&events), [(ICO, 0, 0)]);
    assert_eq!(story.tick(&[], hour(72).plus_seconds(1)), []);
}

fn take(kind: ClockKind, due: Moment, by: Actor) -> Command {
    Command::TakeInHand { kind, due, by }
}

/// A named person silences one ladder; a new due instant is a new ladder.
#[test]
fn taken_in_hand_is_silent() {
    let mut story = Story::circumstances(1);
    let groups = [group(NOTICE, hour(48), hour(0), 1)];
    story.tick(&groups, hour(24));
    story.run(&take(NOTICE, hour(48), responder()), hour(25));
    assert_eq!(story.tick(&groups, hour(28)), []);
    assert_eq!(story.refused(&take(NOTICE, hour(48), responder()), hour(28)), Refusal::NothingChanges);
    story.run(&take(NOTICE, hour(48), dpo(1)), hour(28));
    let earlier = [group(NOTICE, hour(47), hour(-1), 1)];
    let events = story.tick(&earlier, hour(60));
    assert_eq!(fired(&events), [(NOTICE, 780, 1)]);
}

/// In hand, nothing happens for the stated time: the ladder goes on once, with the most urgent step, and the record says who
/// had it.
#[test]
fn taken_in_hand_goes_on_when_nothing_happens() {
    let mut story = Story::circumstances(1);
    let groups = [group(NOTICE, hour(48), hour(0), 1)];
    story.tick(&groups, hour(24));
    story.run(&take(NOTICE, hour(48), responder()), hour(45));
    assert_eq!(story.tick(&groups, Moment::from_micros(hour(49).micros() - 1).unwrap()), []);
    let events = story.tick(&groups, hour(49));
    assert!(
        matches!(&events[0], Event::Ladder { change: LadderChange::Lapsed { holder, .. }, by: Actor::Node, .. } if *holder == responder()),
        "{events:?}"
    );
    assert_eq!(fired(&events), [(NOTICE, 60, 1)]);
    assert_eq!(story.tick(&groups, hour(49)), []);
    story.run(&take(NOTICE, hour(48), responder()), hour(49));
}

/// Who has not seen a step that asked them to say so is named by the next one.
#[test]
fn who_has_not_seen_a_step_is_named_at_the_next() {
    let mut story = Story::circumstances(1);
    let groups = [group(NOTICE, hour(48), hour(0), 1)];
    let mut plan = Plan::built_in(NOTICE);
    plan.steps.iter_mut().for_each(|step| step.must_see = true);
    let mut plans = Plans::default();
    plans.set(NOTICE, plan);
    let of = |actor: Actor| Reachable { person: actor.person().unwrap(), roles: vec![Role::Responder] };
    let people = vec![of(responder()), of(dpo(1))];
    let orders = Arc::new(Orders { plans, people, on_call: Vec::new() });
    let tick = || Command::Tick { outstanding: groups.to_vec(), orders: Arc::clone(&orders) };
    story.run(&tick(), hour(24));
    let seen = |by| Command::Ladder { command: LadderCommand::MarkSeen { kind: NOTICE, due: hour(48) }, by };
    story.run(&seen(dpo(1)), hour(25));
    assert_eq!(story.refused(&seen(dpo(1)), hour(25)), Refusal::Ladder(LadderRefusal::SeenAlready));
    let events = story.run(&tick(), hour(36)).events;
    let unseen = responder().person().unwrap();
    assert!(
        matches!(&events[..], [Event::StepFired { reached, .. }] if reached.unseen == [unseen] && reached.people.len() == 2),
        "{events:?}"
    );
}

/// A duty can be taken in hand before its first step, and only if it can exist.
#[test]
fn only_a_real_duty_is_taken_in_hand() {
    let mut story = Story::breach(1);
    let ack = ClockKind::PartnerAcknowledgement;
    for (kind, due) in [(NOTICE, hour(47)), (ICO, hour(71)), (ack, hour(7)), (ack, hour(30))] {
        assert_eq!(story.refused(&take(kind, due, responder()), hour(2)), Refusal::NoSuchDuty);
    }
    for (kind, due) in [(NOTICE, hour(48)), (ICO, hour(72)), (ack, hour(9))] {
        story.run(&take(kind, due, responder()), hour(2));
    }
    assert_eq!(next_check(story.incident(), &Plans::default()), Some(hour(6)), "in hand, it lapses");
}

/// The next check is the next step or lateness of our own clock: just before it, nothing happens.
#[test]
fn the_next_check_is_exact() {
    assert_eq!(next_check(Story::circumstances(1).incident(), &Plans::default()), None);
    let mut story = Story::breach(0);
    for _ in 0..20 {
        let next = next_check(story.incident(), &Plans::default()).unwrap();
        let before = Moment::from_micros(next.micros() - 1).unwrap();
        assert_eq!(story.tick(&[], before), []);
        assert_ne!(story.tick(&[], next), []);
    }
    story.run(&super::ico::submitted(hour(71)), hour(100));
    assert_eq!(next_check(story.incident(), &Plans::default()), None);
}
