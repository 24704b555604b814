use super::kit::*;
use crate::clock::{ClockChange, ClockKind, ClockState};
use crate::exchange;
use crate::facts::IncidentKind;
use crate::incident::{Command, Event, FAN_OUT_CHUNK, Refusal, Stage, WithdrawalReason};
use crate::values::Actor;

fn withdraw(reason: WithdrawalReason) -> Command {
    Command::Withdraw { reason, note: Some(long("An authorised audit.")), by: responder() }
}

/// Ruling 6: our clock ends with the withdrawal's reason, ladders fall silent, every partner is told.
#[test]
fn a_withdrawal_ends_everything() {
    let other = |reason: &WithdrawalReason| *reason != WithdrawalReason::NotABreach;
    for reason in WithdrawalReason::ALL.into_iter().filter(other) {
        let mut story = Story::breach(1);
        story.tick(&[], hour(48));
        let events = story.run(&withdraw(reason), hour(49)).events;
        let why = format!("Withdrawn: {}", reason.label());
        assert!(matches!(ico_change(&events), Some(ClockChange::NotRequired { reason, .. }) if reason.as_str() == why));
        assert!(events.contains(&Event::LadderEnded { kind: ClockKind::IcoReport, due: hour(72) }));
        assert_eq!(story.incident().stage, Stage::Withdrawn { reason });
        let asks = story.advance_all();
        assert!(matches!(asks[..], [(_, exchange::Command::Withdraw { .. })]));
        assert_eq!(story.tick(&[], hour(100)), []);
        assert_eq!(WithdrawalReason::from_word(reason.word()), Some(reason));
    }
}

/// What a person had waiting for a second one is gone with it.
#[test]
fn a_withdrawal_drops_proposals() {
    let mut story = Story::breach(1);
    story.run(&Command::ProposeNotRequired { reason: long("Unlikely."), by: dpo(1) }, hour(3));
    story.run(&withdraw(WithdrawalReason::SentInError), hour(4));
    assert!(story.incident().not_required.is_none());
}

/// Ruling 34: one person's "not a breach" does not end the duty to the ICO; two data protection officers' decision does.
#[test]
fn not_a_breach_takes_two() {
    let mut story = Story::breach(1);
    assert_eq!(story.refused(&withdraw(WithdrawalReason::NotABreach), hour(3)), Refusal::DecisionNeeded);
    story.run(&Command::ProposeNotRequired { reason: long("Not a breach."), by: dpo(1) }, hour(3));
    assert_eq!(story.refused(&withdraw(WithdrawalReason::NotABreach), hour(4)), Refusal::DecisionNeeded);
    story.run(&Command::ResolveNotRequired { approve: true, by: dpo(2) }, hour(5));
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(6));
    assert_eq!(story.incident().stage, Stage::Withdrawn { reason: WithdrawalReason::NotABreach });
}

/// Exchanges not yet opened still open, so that the record is whole, but nothing is told any more.
#[test]
fn a_withdrawal_overtakes_opening() {
    let mut story = Story::logged(log(IncidentKind::Breach, FAN_OUT_CHUNK + 50));
    story.run(&Command::Advance, at(LOGGED));
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() }, at(LOGGED));
    story.run(&Command::SendUpdate { by: responder() }, at(LOGGED));
    story.run(&withdraw(WithdrawalReason::SentInError), at(LOGGED));
    let asks = story.advance_all();
    assert_eq!(asks.len(), 50 + FAN_OUT_CHUNK + 50);
    assert!(asks[..50].iter().all(|(_, ask)| matches!(ask, exchange::Command::Open(open) if open.queue.is_none())));
    assert!(asks[50..].iter().all(|(_, ask)| matches!(ask, exchange::Command::Withdraw { .. })));
}

/// A withdrawn incident changes no more.
#[test]
fn a_withdrawn_incident_is_not_open() {
    let mut story = Story::breach(1);
    story.run(&withdraw(WithdrawalReason::DuplicateOf), hour(4));
    let by: fn() -> Actor = responder;
    let refused = [
        withdraw(WithdrawalReason::NotABreach),
        Command::Release { by: by() },
        Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: by() },
        Command::SendUpdate { by: by() },
        Command::DraftReport { by: by() },
        Command::ConvertToBreach { aware_at: hour(3), owed: vec![], by: by() },
        Command::ProposeNotRequired { reason: long("Unlikely."), by: dpo(1) },
        Command::TakeInHand { kind: ClockKind::IcoReport, due: hour(72), by: by() },
        Command::Close { open_duties: vec![], by: by() },
    ];
    for command in refused {
        assert_eq!(story.refused(&command, hour(5)), Refusal::NotOpen { stage: "withdrawn" });
    }
    assert!(matches!(story.incident().ico.as_ref().unwrap().state, ClockState::NotRequired { .. }));
}
