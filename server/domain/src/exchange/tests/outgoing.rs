use super::kit::*;
use crate::clock::{Anchor, ClockChange, ClockKind, ClockState, Evidence};
use crate::exchange::{Command, Event, NoticeDelivery, Phase, Refusal, Stance, StatedClock, decide, next_check};
use crate::facts::IncidentKind;
use crate::incident::tests::kit::*;
use crate::ladder::Plans;
use crate::values::{Hours, IncidentId, MessageId, Moment};

const NOTICE: ClockKind = ClockKind::PartnerNotice;
const ACKNOWLEDGEMENT: ClockKind = ClockKind::PartnerAcknowledgement;
const LIKELY: IncidentKind = IncidentKind::LikelyToGiveRise;

fn met(at: Moment, evidence: Evidence, late: bool, proved_late: bool) -> ClockChange {
    ClockChange::Met { at, evidence, late, proved_late }
}

/// Opening freezes the terms, starts the clock and queues the first notice, which states that clock.
#[test]
fn opening_starts_the_clock_and_queues() {
    let story = Stream::queued();
    let exchange = story.exchange();
    assert_eq!(exchange.notice_clock.as_ref().unwrap().due(), hour(48));
    assert_eq!(exchange.notices.len(), 1);
    assert_eq!((exchange.notices[0].revision, exchange.notices[0].message), (1, notice_message(1)));
    let stated = StatedClock { anchor: Anchor::AwareOfCircumstances, at: hour(0), hours: Hours::CONTRACT };
    assert!(matches!(&story.events[1], Event::NoticeQueued { stated: Some(found), .. } if *found == stated));
    assert_eq!(story.refused(&open(None), hour(1)), Refusal::AlreadyOpen);
    assert_eq!(decide(None, &tick(), hour(1)), Err(Refusal::NoSuchExchange));
}

/// A held notice is queued once, with the incident's kind as it is then.
#[test]
fn a_held_notice_is_queued_once() {
    let mut story = Stream::held();
    let queue = Command::Queue { facts_version: 3, kind: IncidentKind::Breach };
    story.run(&queue, hour(2));
    assert_eq!(story.exchange().kind, IncidentKind::Breach);
    assert_eq!(story.exchange().notices[0].facts_version, 3);
    assert_eq!(story.run(&queue, hour(2)), []);
}

/// A newer snapshot is told; the same one is not told twice.
#[test]
fn an_update_is_told_once() {
    let mut story = Stream::queued();
    assert_eq!(story.run(&update(1, LIKELY, hour(0)), hour(2)), []);
    let events = story.run(&update(2, LIKELY, hour(0)), hour(2));
    assert!(matches!(&events[..], [Event::NoticeQueued { notice, anchor_reason: None, .. }]
        if (notice.revision, notice.phase, notice.facts_version) == (2, Phase::Update, 2)));
    assert_eq!(story.run(&update(2, LIKELY, hour(0)), hour(2)), []);
    assert_eq!(story.run(&update(2, IncidentKind::Breach, hour(0)), hour(2)).len(), 1);
}

/// A moved anchor moves the clock and is told with its reason, even without newer facts.
#[test]
fn a_moved_anchor_is_told() {
    let mut story = Stream::queued();
    let events = story.run(&update(1, LIKELY, hour(-5)), hour(2));
    let moved = ClockChange::Reanchored { anchor: Anchor::AwareOfCircumstances, at: hour(-5), term: None };
    assert_eq!(change(&events, NOTICE), Some(&moved));
    assert!(matches!(&events[1], Event::NoticeQueued { stated: Some(stated), anchor_reason: Some(_), .. }
        if stated.at == hour(-5)));
}

/// Ruling 4: once late, a later anchor moves nothing, and the notice states the clock as it stands.
#[test]
fn a_later_anchor_leaves_an_overdue_clock() {
    let mut story = Stream::queued();
    story.run(&tick(), hour(49));
    assert_eq!(story.run(&update(1, LIKELY, hour(5)), hour(50)), []);
    let events = story.run(&update(2, LIKELY, hour(5)), hour(50));
    assert!(matches!(&events[..], [Event::NoticeQueued { stated: Some(stated), .. }] if stated.at == hour(0)));
}

/// While held, only the clock moves.
#[test]
fn a_held_update_moves_only_the_clock() {
    let mut story = Stream::held();
    let events = story.run(&update(2, LIKELY, hour(-5)), hour(2));
    assert!(matches!(events[..], [Event::ClockChanged { .. }]));
    assert!(story.exchange().notices.is_empty());
}

/// A receipt ends the delivery and the clock, and starts the acknowledgement's.
#[test]
fn a_receipt_meets_the_notice() {
    let mut story = Stream::queued();
    let events = story.run(&receipt(1, hour(2)), hour(3));
    assert_eq!(change(&events, NOTICE), Some(&met(hour(2), Evidence::SignedReceipt, false, false)));
    let acknowledgement = story.exchange().acknowledgement_clock.as_ref().unwrap();
    assert_eq!((acknowledgement.anchor, acknowledgement.due()), (Anchor::Receipt, hour(10)));
    assert_eq!(story.exchange().notices[0].delivery, NoticeDelivery::Receipted { at: hour(2) });
    let unknown = Command::RecordReceipt {
        message: MessageId::from_uuid(uuid(9)),
        toe: hour(2),
        receipt_sha256: crate::values::Digest32::of(b""),
    };
    assert_eq!(story.refused(&unknown, hour(3)), Refusal::NoSuchMessage);
}

/// Ruling 4: a receipt fetched late but dated in time is in time, and marked so.
#[test]
fn a_receipt_in_time_proved_late() {
    let mut story = Stream::queued();
    story.run(&tick(), hour(49));
    let events = story.run(&receipt(1, hour(47)), hour(49));
    assert_eq!(change(&events, NOTICE), Some(&met(hour(47), Evidence::SignedReceipt, false, true)));
    assert!(matches!(story.exchange().notice_clock.as_ref().unwrap().state, ClockState::Met { proved_late: true, .. }));
}

/// At the due instant itself a receipt is in time; a second later it is late.
#[test]
fn the_due_instant_is_in_time() {
    for (toe, late) in [(hour(48), false), (hour(48).plus_seconds(1), true)] {
        let mut story = Stream::queued();
        let events = story.run(&receipt(1, toe), hour(48));
        assert_eq!(change(&events, NOTICE), Some(&met(toe, Evidence::SignedReceipt, late, false)));
    }
}

/// Of several receipts for one message the earliest counts; a later one says nothing new.
#[test]
fn the_earliest_receipt_counts() {
    let mut story = Stream::queued();
    story.run(&receipt(1, hour(50)), hour(50));
    assert_eq!(story.refused(&receipt(1, hour(50)), hour(51)), Refusal::NothingChanges);
    assert_eq!(story.refused(&receipt(1, hour(51)), hour(51)), Refusal::NothingChanges);
    let events = story.run(&receipt(1, hour(47)), hour(51));
    assert_eq!(change(&events, NOTICE), Some(&met(hour(47), Evidence::SignedReceipt, false, true)));
    assert_eq!(story.exchange().acknowledgement_clock.as_ref().unwrap().anchored_at, hour(47));
}

/// A receipt for any revision proves the notice, also when the first one is still under way.
#[test]
fn a_receipt_for_an_update_meets_the_notice() {
    let mut story = Stream::queued();
    story.run(&update(2, LIKELY, hour(0)), hour(2));
    story.run(&receipt(2, hour(3)), hour(3));
    assert!(!story.exchange().notice_clock.as_ref().unwrap().is_open());
    assert_eq!(story.exchange().notices[0].delivery, NoticeDelivery::Queued);
}

/// The partner's acknowledgement ends its clock; a later one replaces only the stance.
#[test]
fn an_acknowledgement_ends_its_clock() {
    let mut story = Stream::queued();
    story.run(&receipt(1, hour(2)), hour(2));
    let events = story.run(&acknowledged(Stance::Assessing, hour(4)), hour(5));
    let expected = met(hour(4), Evidence::SignedAcknowledgement, false, false);
    assert_eq!(change(&events, ACKNOWLEDGEMENT), Some(&expected));
    assert_eq!(story.refused(&acknowledged(Stance::Assessing, hour(4)), hour(6)), Refusal::NothingChanges);
    assert_eq!(story.run(&acknowledged(Stance::NotAffected, hour(20)), hour(20)).len(), 1);
    assert_eq!(story.exchange().acknowledgements.len(), 2);
}

/// Who goes back to what they said first has said it again, though in the same words and the same second.
#[test]
fn an_acknowledgement_may_be_taken_back() {
    let mut story = Stream::queued();
    for stance in [Stance::NotAffected, Stance::Affected, Stance::NotAffected] {
        story.run(&acknowledged(stance, hour(4)), hour(5));
    }
    assert_eq!(story.exchange().acknowledgements.last().map(|last| last.stance), Some(Stance::NotAffected));
}

/// Without any receipt the acknowledgement proves the notice; a receipt afterwards starts a clock that is met at once.
#[test]
fn an_acknowledgement_without_a_receipt() {
    let mut story = Stream::queued();
    let events = story.run(&acknowledged(Stance::Affected, hour(4)), hour(5));
    assert_eq!(change(&events, NOTICE), Some(&met(hour(4), Evidence::SignedAcknowledgement, false, false)));
    assert!(story.exchange().acknowledgement_clock.is_none());
    story.run(&receipt(1, hour(2)), hour(6));
    let clock = story.exchange().acknowledgement_clock.as_ref().unwrap();
    assert_eq!((clock.anchored_at, clock.is_open()), (hour(2), false));
}

/// A partner's statement about its own past or future does not bend our clocks.
#[test]
fn an_acknowledgement_counts_within_what_we_know() {
    for (claimed, counted) in [(hour(-400), hour(0)), (hour(400), hour(5))] {
        let mut story = Stream::queued();
        let events = story.run(&acknowledged(Stance::Affected, claimed), hour(5));
        assert_eq!(change(&events, NOTICE), Some(&met(counted, Evidence::SignedAcknowledgement, false, false)));
    }
}

/// Ruling 7: a call ends the clock and starts the acknowledgement's; the delivery goes on.
#[test]
fn a_call_ends_the_clock_only() {
    let mut story = Stream::queued();
    let events = story.run(&call(hour(2), None), hour(2));
    assert_eq!(change(&events, NOTICE), Some(&met(hour(2), Evidence::RecordedCall, false, false)));
    assert!(matches!(events[0], Event::CallRecorded { backdated: false, .. }));
    assert_eq!(story.exchange().notices[0].delivery, NoticeDelivery::Queued);
    assert_eq!(story.exchange().acknowledgement_clock.as_ref().unwrap().anchor, Anchor::RecordedCall);
    story.run(&receipt(1, hour(1)), hour(3));
    let clock = story.exchange().acknowledgement_clock.as_ref().unwrap();
    assert_eq!((clock.anchor, clock.anchored_at), (Anchor::Receipt, hour(1)), "the first of both");
}

/// Ruling 4: a call more than an hour ago needs a reason and is flagged; never in the future or before the duty.
#[test]
fn a_call_is_checked() {
    let story = Stream::queued();
    assert_eq!(story.refused(&call(hour(3), None), hour(2)), Refusal::InFuture);
    assert_eq!(story.refused(&call(hour(-1), Some("Busy.")), hour(2)), Refusal::BeforeAnchor);
    assert_eq!(story.refused(&call(hour(2), None), hour(3).plus_seconds(1)), Refusal::ReasonMissing);
    let events = Stream::queued().run(&call(hour(2), None), hour(3));
    assert!(matches!(events[0], Event::CallRecorded { backdated: false, .. }));
    let events = Stream::queued().run(&call(hour(2), Some("Busy.")), hour(5));
    assert!(matches!(events[0], Event::CallRecorded { backdated: true, .. }));
}

/// A person ends a delivery once, with a reason; a receipt that comes after all still counts.
#[test]
fn a_delivery_is_abandoned_once() {
    let mut story = Stream::queued();
    let message = notice_message(1);
    let abandon = Command::Abandon { message, reason: long("Told by telephone."), by: responder() };
    story.run(&abandon, hour(2));
    assert_eq!(story.exchange().notices[0].delivery, NoticeDelivery::Abandoned);
    assert!(story.exchange().notice_clock.as_ref().unwrap().is_open(), "the duty goes on");
    assert_eq!(story.refused(&abandon, hour(2)), Refusal::NoSuchMessage);
    story.run(&receipt(1, hour(3)), hour(3));
    assert_eq!(story.exchange().notices[0].delivery, NoticeDelivery::Receipted { at: hour(3) });
}

/// Lateness begins just after the due instant, once, and that is the next check.
#[test]
fn lateness_begins_once() {
    let mut story = Stream::queued();
    let next = next_check(story.exchange(), &Plans::default()).unwrap();
    assert_eq!(next.micros(), hour(48).micros() + 1);
    assert_eq!(story.run(&tick(), hour(48)), []);
    let events = story.run(&tick(), next);
    assert_eq!(change(&events, NOTICE), Some(&ClockChange::BecameOverdue));
    assert_eq!(story.run(&tick(), next), []);
    assert_eq!(next_check(story.exchange(), &Plans::default()), None);
}

/// What belongs to a notice received is refused here.
#[test]
fn the_other_direction_is_refused() {
    let story = Stream::queued();
    let incident = IncidentId::from_uuid(uuid(4));
    let (by, role) = (responder(), line("analyst"));
    for command in [
        receive(1, their_notice(1, LIKELY)),
        Command::Link { incident, by: by.clone() },
        Command::Acknowledge { stance: Stance::Affected, reference: None, by: by.clone(), role, deleted: false },
    ] {
        assert_eq!(story.refused(&command, hour(2)), Refusal::WrongDirection);
    }
    let take = Command::TakeInHand { kind: NOTICE, due: hour(48), by };
    assert_eq!(story.refused(&take, hour(2)), Refusal::NoSuchDuty, "that ladder belongs to the incident");
}
