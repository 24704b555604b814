use super::kit::*;
use crate::clock::ClockState;
use crate::exchange::{Command, Refusal, Stance, fold};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;

/// Only when no duty is open, and once; afterwards nothing changes any more.
#[test]
fn only_what_is_over_is_erased() {
    let mut story = Stream::queued();
    assert_eq!(story.refused(&Command::Anonymise, hour(2)), Refusal::DutyOpen);
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(2));
    story.run(&Command::Anonymise, hour(3));
    assert_eq!(story.refused(&Command::Anonymise, hour(4)), Refusal::Anonymised);
    assert_eq!(story.refused(&receipt(1, hour(4)), hour(4)), Refusal::Anonymised);
    assert_eq!(story.run(&tick(), hour(99)), []);
}

/// No free text or name survives, and the last event alone gives the same state as the whole stream (ruling 16).
#[test]
fn no_free_text_survives() {
    let mut story = Stream::queued();
    story.run(&call(hour(2), None), hour(2));
    story.run(&acknowledged(Stance::Affected, hour(3)), hour(3));
    let events = story.run(&Command::Anonymise, hour(4));
    let json = serde_json::to_string(&events).unwrap();
    for text in ["Duty desk", "R. Example", "B-2026-0117", "agreement"] {
        assert!(!json.contains(text), "{json}");
    }
    assert_eq!(fold(&events).as_ref(), Some(story.exchange()));
    assert!(json.contains("affected"), "the last stance does");
}

/// A clock's reason was free text: it is replaced.
#[test]
fn a_reason_is_replaced() {
    let mut story = Stream::received(IncidentKind::Breach);
    assert_eq!(story.refused(&Command::Anonymise, hour(4)), Refusal::DutyOpen);
    let content = crate::exchange::ReceiveContent::Withdrawal {
        revision: 2,
        reason: WithdrawalReason::NotABreach,
        made_at: hour(3),
    };
    story.run(&receive(2, content), hour(4));
    story.run(&Command::Anonymise, hour(5));
    let state = &story.exchange().ico_clock.as_ref().unwrap().state;
    assert!(matches!(state, ClockState::NotRequired { reason, .. } if reason.as_str() == "erased"));
}
