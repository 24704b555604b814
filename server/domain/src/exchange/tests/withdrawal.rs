use super::kit::*;
use super::said::{HELP, hear, say};
use crate::clock::{ClockKind, ClockState};
use crate::exchange::{Command, Event, MessageKind, NoticeDelivery, Phase, ReceiveContent, Refusal, Stance};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;

const LIKELY: IncidentKind = IncidentKind::LikelyToGiveRise;

/// A withdrawal is carried like a notice, ends open clocks with its reason, and happens once.
#[test]
fn a_withdrawal_is_carried() {
    let mut story = Stream::queued();
    let events = story.run(&withdraw(WithdrawalReason::NotABreach), hour(2));
    assert!(matches!(&events[0], Event::WithdrawalQueued { notice, .. }
        if (notice.revision, notice.phase, notice.message) == (2, Phase::Withdrawal, notice_message(2))));
    assert!(matches!(&story.exchange().notice_clock.as_ref().unwrap().state, ClockState::NotRequired { reason, .. }
        if reason.as_str() == "Withdrawn: It is not a breach"));
    assert_eq!(story.run(&withdraw(WithdrawalReason::SentInError), hour(3)), []);
    assert_eq!(story.refused(&update(2, LIKELY, hour(0)), hour(3)), Refusal::Withdrawn);
    let queue = Command::Queue { facts_version: 1, kind: LIKELY };
    assert_eq!(story.refused(&queue, hour(3)), Refusal::Withdrawn);
}

/// Notices and withdrawal are still carried until receipted; receipts then start nothing.
#[test]
fn receipts_after_a_withdrawal_start_nothing() {
    let mut story = Stream::queued();
    story.run(&withdraw(WithdrawalReason::WrongRecipient), hour(2));
    for revision in [1, 2] {
        let events = story.run(&receipt(revision, hour(3)), hour(3));
        assert!(matches!(events[..], [Event::Receipted { .. }]));
    }
    assert!(story.exchange().notices.iter().all(|notice| matches!(notice.delivery, NoticeDelivery::Receipted { .. })));
    assert!(story.exchange().acknowledgement_clock.is_none());
    assert_eq!(story.run(&acknowledged(Stance::NotAffected, hour(4)), hour(4)).len(), 1);
}

/// A receipt for a withdrawal proves no notice.
#[test]
fn a_receipt_for_a_withdrawal_meets_nothing() {
    let mut story = Stream::queued();
    story.run(&receipt(1, hour(50)), hour(50));
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(51));
    let events = story.run(&receipt(2, hour(40)), hour(52));
    assert!(matches!(events[..], [Event::Receipted { .. }]));
}

/// Nothing was told: nothing is carried.
#[test]
fn a_held_notice_is_withdrawn_unsent() {
    let mut story = Stream::held();
    let events = story.run(&withdraw(WithdrawalReason::SentInError), hour(2));
    assert!(matches!(events[0], Event::WithdrawnUnsent { .. }));
    assert!(story.exchange().notices.is_empty());
    assert_eq!(story.exchange().withdrawn, Some(WithdrawalReason::SentInError));
}

fn withdrawal(revision: u32) -> ReceiveContent {
    ReceiveContent::Withdrawal { revision, reason: WithdrawalReason::NotABreach, made_at: hour(3) }
}

/// Their withdrawal ends our clock and its ladder with its reason; nothing after it is current.
#[test]
fn a_received_withdrawal_ends_our_clock() {
    let mut story = Stream::received(IncidentKind::Breach);
    story.run(&tick(), hour(52));
    story.run(&receive(2, withdrawal(2)), hour(53));
    let exchange = story.exchange();
    assert!(matches!(exchange.ico_clock.as_ref().unwrap().state, ClockState::NotRequired { .. }));
    assert!(exchange.ladders.iter().all(|ladder| ladder.kind == ClockKind::IcoReport && ladder.ended));
    assert_eq!(story.run(&tick(), hour(100)), []);
    let events = story.run(&receive(3, their_notice(3, IncidentKind::Breach)), hour(101));
    assert!(matches!(events[..], [Event::NoticeReceived { .. }]));
    assert_eq!(story.exchange().received.len(), 3);
}

/// A withdrawal older than the notice held is recorded and changes nothing.
#[test]
fn an_overtaken_withdrawal_is_not_current() {
    let mut story = Stream::received(IncidentKind::Breach);
    story.run(&receive(2, their_notice(3, IncidentKind::Breach)), hour(4));
    story.run(&receive(3, withdrawal(2)), hour(5));
    assert_eq!(story.exchange().withdrawn, None);
    assert!(story.exchange().ico_clock.as_ref().unwrap().is_open());
}

/// A withdrawal may overtake its notice: the case is withdrawn, and the notice starts nothing when it comes.
#[test]
fn a_withdrawal_may_come_first() {
    let mut story = Stream::default();
    story.run(&receive(2, withdrawal(2)), hour(3));
    assert_eq!(story.exchange().withdrawn, Some(WithdrawalReason::NotABreach));
    assert_eq!(story.exchange().reference.as_str(), case_id(0).to_string());
    story.run(&receive(1, their_notice(1, IncidentKind::Breach)), hour(4));
    let exchange = story.exchange();
    assert_eq!((exchange.kind, exchange.reference.as_str()), (IncidentKind::Breach, "their 1"));
    assert!(exchange.ico_clock.is_none() && exchange.notice_clock.is_none());
}

fn open_requests(story: &Stream) -> usize {
    story.exchange().asked.iter().filter(|asked| asked.clock.is_open()).count()
}

/// Aim: what the partner asked before they held our withdrawal ends with it, as it did on their side; whether their receipt
/// comes before the request or after it. What they asked later stands.
#[test]
fn a_request_that_crosses_our_withdrawal_ends_with_it() {
    let mut story = Stream::queued();
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(3));
    story.run(&hear(1, HELP, None, Some(hour(30)), hour(4)), hour(4));
    story.run(&hear(2, HELP, None, Some(hour(30)), hour(7)), hour(7));
    assert_eq!(open_requests(&story), 2, "who knows what they know");
    story.run(&receipt(2, hour(5)), hour(8));
    assert_eq!(open_requests(&story), 1);
    let events = story.run(&hear(3, HELP, None, Some(hour(30)), hour(5)), hour(9));
    assert!(matches!(events[..], [Event::MessageReceived { .. }, Event::AssistanceChanged { .. }]), "{events:?}");
    story.run(&hear(4, HELP, None, Some(hour(30)), hour(6)), hour(9));
    assert_eq!(open_requests(&story), 2);
    story.run(&say(HELP, None, Some(hour(30))), hour(9));
    assert_eq!(open_requests(&story), 3, "asked although withdrawn");
}

/// Aim: the same, seen from the other side: what they asked before they withdrew ends, in whatever order it comes.
#[test]
fn a_request_that_their_withdrawal_overtakes_ends_with_it() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&hear(1, HELP, None, Some(hour(30)), hour(4)), hour(4));
    story.run(&hear(2, HELP, None, Some(hour(30)), hour(6)), hour(7));
    story.run(&say(HELP, None, Some(hour(30))), hour(7));
    let made_at = hour(5);
    let withdrawal = ReceiveContent::Withdrawal { revision: 2, reason: WithdrawalReason::NotABreach, made_at };
    story.run(&receive(2, withdrawal), hour(8));
    assert_eq!(open_requests(&story), 1, "asked after they withdrew, and here first");
    story.run(&hear(3, HELP, None, Some(hour(30)), hour(5)), hour(9));
    assert_eq!(open_requests(&story), 1);
    story.run(&hear(4, HELP, None, Some(hour(30)), hour(6)), hour(9));
    story.run(&say(HELP, None, Some(hour(30))), hour(9));
    assert_eq!(open_requests(&story), 3);
}

/// Aim: a data subject's request is owed an answer whatever crosses what.
#[test]
fn a_forwarded_request_stands() {
    let mut story = Stream::queued();
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(3));
    story.run(&hear(1, MessageKind::ForwardedRequest, None, Some(hour(30)), hour(2)), hour(4));
    story.run(&receipt(2, hour(5)), hour(5));
    assert_eq!(open_requests(&story), 1);
}
