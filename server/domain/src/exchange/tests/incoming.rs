use super::kit::*;
use crate::clock::{Anchor, ClockChange, ClockKind, ClockState, Evidence};
use crate::exchange::{
    Command, Direction, Event, NoticeDelivery, ReceiveContent, Refusal, Stance, StatedClock, next_check,
};
use crate::facts::IncidentKind;
use crate::incident::tests::kit::*;
use crate::ladder::Plans;
use crate::values::{Actor, Digest32, IncidentId, MessageId, Moment};

const ICO: ClockKind = ClockKind::IcoReport;

fn link(n: u128) -> Command {
    Command::Link { incident: IncidentId::from_uuid(uuid(n)), by: responder() }
}

fn acknowledge(stance: Stance, by: Actor) -> Command {
    Command::Acknowledge { stance, reference: Some(line("B-7")), by, role: line("security_team"), deleted: false }
}

/// Ruling 9: a breach, or what may be one, starts our 72 hours at receipt; mere circumstances don't.
#[test]
fn a_notice_starts_our_clock() {
    for kind in [IncidentKind::Breach, IncidentKind::UnderInvestigation] {
        let story = Stream::received(kind);
        let exchange = story.exchange();
        let ico = exchange.ico_clock.as_ref().unwrap();
        assert_eq!(
            (ico.anchor, ico.due(), exchange.direction),
            (Anchor::NoticeReceived, hour(75), Direction::Incoming)
        );
    }
    assert!(Stream::received(IncidentKind::LikelyToGiveRise).exchange().ico_clock.is_none());
}

/// Ruling 10: the same clocks run in an exercise, and its mark never changes.
#[test]
fn an_exercise_runs_the_same_clocks() {
    let mut drill = received(1, their_notice(1, IncidentKind::Breach));
    drill.exercise = true;
    let mut story = Stream::default();
    story.run(&Command::Receive(Box::new(drill)), hour(3));
    assert!(story.exchange().exercise && story.exchange().ico_clock.is_some());
    let unmarked = receive(2, their_notice(2, IncidentKind::Breach));
    assert_eq!(story.refused(&unmarked, hour(4)), Refusal::ExerciseChanged);
}

/// Our anchor is a whole second; their clock is judged by the instant our receipt gives, rounded up.
#[test]
fn both_sides_judge_the_same_instant() {
    let just_before = Moment::from_micros(hour(48).micros() - 1).unwrap();
    let just_after = Moment::from_micros(hour(48).micros() + 1).unwrap();
    for (now, toe, late) in [(just_before, hour(48), false), (just_after, hour(48).plus_seconds(1), true)] {
        let mut story = Stream::default();
        let events = story.run(&receive(1, their_notice(1, IncidentKind::Breach)), now);
        let met = ClockChange::Met { at: toe, evidence: Evidence::SignedReceipt, late, proved_late: false };
        assert_eq!(change(&events, ClockKind::PartnerNotice), Some(&met));
        assert_eq!(story.exchange().ico_clock.as_ref().unwrap().anchored_at, now.floor_second());
    }
}

/// A later revision that turns into a breach starts our clock then, once.
#[test]
fn turning_into_a_breach_starts_our_clock() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&receive(2, their_notice(2, IncidentKind::Breach)), hour(10));
    assert_eq!(story.exchange().ico_clock.as_ref().unwrap().anchored_at, hour(10));
    story.run(&receive(3, their_notice(3, IncidentKind::Breach)), hour(20));
    story.run(&receive(4, their_notice(4, IncidentKind::LikelyToGiveRise)), hour(21));
    let ico = story.exchange().ico_clock.as_ref().unwrap();
    assert_eq!((ico.anchored_at, ico.is_open()), (hour(10), true), "only a person decides that it is none");
}

/// Lower and equal revisions are recorded and not current; the same message says nothing new.
#[test]
fn the_highest_revision_is_current() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&receive(2, their_notice(3, IncidentKind::LikelyToGiveRise)), hour(4));
    for (n, revision) in [(3, 2), (4, 3)] {
        let events = story.run(&receive(n, their_notice(revision, IncidentKind::Breach)), hour(5));
        assert!(matches!(events[..], [Event::NoticeReceived { .. }]));
    }
    let exchange = story.exchange();
    assert_eq!((exchange.kind, exchange.reference.as_str()), (IncidentKind::LikelyToGiveRise, "their 3"));
    assert_eq!(exchange.received.len(), 4);
    assert!(exchange.ico_clock.is_none());
    let again = receive(4, their_notice(9, IncidentKind::Breach));
    assert_eq!(story.refused(&again, hour(6)), Refusal::NothingChanges);
}

fn stating(revision: u32, anchored_at: Option<Moment>) -> ReceiveContent {
    match their_notice(revision, IncidentKind::LikelyToGiveRise) {
        ReceiveContent::Notice { revision, phase, kind, reference, clock } => {
            let clock = clock.zip(anchored_at).map(|(clock, at)| StatedClock { at, ..clock });
            ReceiveContent::Notice { revision, phase, kind, reference, clock }
        }
        other @ ReceiveContent::Withdrawal { .. } => other,
    }
}

/// A corrected anchor of theirs: earlier may show that they were late; later un-breaches nothing.
#[test]
fn a_restated_clock_is_judged_again() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&receive(2, stating(2, Some(hour(-50)))), hour(4));
    let clock = story.exchange().notice_clock.clone().unwrap();
    assert!(matches!(clock.state, ClockState::MetLate { at, .. } if at == hour(3)));
    story.run(&receive(3, stating(3, Some(hour(2)))), hour(5));
    assert_eq!(story.exchange().notice_clock, Some(clock));
}

/// A clock first stated by an update is met by the receipt of the first word.
#[test]
fn a_clock_stated_later_is_met_by_the_first_word() {
    let mut story = Stream::default();
    story.run(&receive(1, stating(1, None)), hour(3));
    assert!(story.exchange().notice_clock.is_none());
    story.run(&receive(2, stating(2, Some(hour(0)))), hour(90));
    let state = &story.exchange().notice_clock.as_ref().unwrap().state;
    assert!(matches!(state, ClockState::Met { at, .. } if *at == hour(3)));
}

/// A person acknowledges; the message is carried until receipted, abandoned by a person at most.
#[test]
fn a_person_acknowledges() {
    let mut story = Stream::received(IncidentKind::Breach);
    story.run(&acknowledge(Stance::Assessing, responder()), hour(4));
    let message = MessageId::derive(exchange_id(0), "acknowledged", 1);
    assert_eq!(story.exchange().acknowledgement_messages[0].message, message);
    assert_eq!(story.exchange().acknowledgements[0].revision_seen, 1);
    assert_eq!(story.refused(&acknowledge(Stance::Assessing, responder()), hour(5)), Refusal::NothingChanges);
    assert_eq!(story.refused(&acknowledge(Stance::Affected, Actor::Node), hour(5)), Refusal::PersonNeeded);
    let receipt = Command::RecordReceipt { message, toe: hour(5), receipt_sha256: Digest32::of(b"receipt") };
    assert_eq!(story.run(&receipt, hour(5)).len(), 1);
    assert_eq!(story.refused(&receipt, hour(6)), Refusal::NothingChanges);
    story.run(&acknowledge(Stance::Affected, responder()), hour(7));
    let second = MessageId::derive(exchange_id(0), "acknowledged", 2);
    let abandon = Command::Abandon { message: second, reason: long("The pairing ended."), by: responder() };
    story.run(&abandon, hour(8));
    assert_eq!(story.exchange().acknowledgement_messages[1].delivery, NoticeDelivery::Abandoned);
    assert!(story.exchange().ico_clock.as_ref().unwrap().is_open(), "acknowledging reports nothing to the ICO");
}

/// An incident of ours takes the clock over, once; from then on it decides what is a breach.
#[test]
fn linking_moves_the_clock() {
    let mut story = Stream::received(IncidentKind::Breach);
    story.run(&tick(), hour(51));
    story.run(&link(5), hour(52));
    let exchange = story.exchange();
    assert_eq!((exchange.incident, &exchange.ico_clock), (Some(IncidentId::from_uuid(uuid(5))), &None));
    assert!(exchange.ladders.iter().all(|ladder| ladder.ended));
    assert_eq!(story.refused(&link(6), hour(52)), Refusal::AlreadyLinked);
    story.run(&receive(2, their_notice(2, IncidentKind::Breach)), hour(53));
    assert!(story.exchange().ico_clock.is_none());
    assert_eq!(next_check(story.exchange(), &Plans::default()), None);
}

/// The ladder of our clock fires each step once, and stops when a person takes it in hand.
#[test]
fn the_ladder_climbs_until_taken_in_hand() {
    let mut story = Stream::received(IncidentKind::Breach);
    for (now, offset) in [(hour(51), -1_440), (hour(71), -360), (hour(77), 120)] {
        let events = story.run(&tick(), now);
        let fired =
            |event: &Event| matches!(event, Event::StepFired { offset_minutes, .. } if *offset_minutes == offset);
        assert!(events.iter().any(fired), "{events:?}");
        assert_eq!(story.run(&tick(), now), []);
    }
    let take = |due| Command::TakeInHand { kind: ICO, due, by: responder() };
    assert_eq!(story.refused(&take(hour(74)), hour(78)), Refusal::NoSuchDuty);
    story.run(&take(hour(75)), hour(78));
    assert_eq!(story.refused(&take(hour(75)), hour(78)), Refusal::NothingChanges);
    assert_eq!(story.run(&tick(), hour(81)), []);
    assert_eq!(next_check(story.exchange(), &Plans::default()), Some(hour(82)), "in hand, it lapses");
    let lapsed = story.run(&tick(), hour(82));
    assert!(
        matches!(&lapsed[..], [Event::Ladder { by: Actor::Node, .. }, Event::StepFired { offset_minutes: 420, .. }]),
        "{lapsed:?}"
    );
}

/// The next check is exact: just before it, nothing happens.
#[test]
fn the_next_check_is_exact() {
    let mut story = Stream::received(IncidentKind::Breach);
    for _ in 0..12 {
        let next = next_check(story.exchange(), &Plans::default()).unwrap();
        assert_eq!(story.run(&tick(), Moment::from_micros(next.micros() - 1).unwrap()), []);
        assert_ne!(story.run(&tick(), next), []);
    }
}

/// What belongs to our own notices is refused here.
#[test]
fn the_other_direction_is_refused() {
    let story = Stream::received(IncidentKind::Breach);
    for command in [
        Command::Queue { facts_version: 1, kind: IncidentKind::Breach },
        update(2, IncidentKind::Breach, hour(0)),
        withdraw(crate::incident::WithdrawalReason::NotABreach),
        acknowledged(Stance::Affected, hour(4)),
        call(hour(4), None),
    ] {
        assert_eq!(story.refused(&command, hour(4)), Refusal::WrongDirection);
    }
    assert_eq!(story.refused(&open(None), hour(4)), Refusal::AlreadyOpen);
}
