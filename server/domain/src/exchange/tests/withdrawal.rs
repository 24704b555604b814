use super::kit::*;
use crate::clock::{ClockKind, ClockState};
use crate::exchange::{Command, Event, NoticeDelivery, Phase, ReceiveContent, Refusal, Stance};
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
    ReceiveContent::Withdrawal { revision, reason: WithdrawalReason::NotABreach }
}

/// Their withdrawal ends our clock and its ladder with its reason; nothing after it is current.
#[test]
fn a_received_withdrawal_ends_our_clock() {
    let mut story = Stream::received(IncidentKind::Breach);
    story.run(&Command::Tick, hour(52));
    story.run(&receive(2, withdrawal(2)), hour(53));
    let exchange = story.exchange();
    assert!(matches!(exchange.ico_clock.as_ref().unwrap().state, ClockState::NotRequired { .. }));
    assert!(exchange.ladders.iter().all(|ladder| ladder.kind == ClockKind::IcoReport && ladder.ended));
    assert_eq!(story.run(&Command::Tick, hour(100)), []);
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
