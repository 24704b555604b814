//! A controller for whom we process and who agreed no hours: told without a due instant.

use super::kit::*;
use crate::arrangement::{OurRole, Terms};
use crate::clock::{ClockState, Evidence};
use crate::exchange::{Command, Event, Open, Refusal};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::{hour, terms};
use crate::undated::UndatedState;
use crate::values::Hours;

const LIKELY: IncidentKind = IncidentKind::LikelyToGiveRise;

fn opened(own_target: Option<Hours>) -> Stream {
    let Command::Open(open) = open(Some(1)) else { panic!("an opening") };
    let terms = Terms { notice_hours: None, our_role: OurRole::Processor, ..terms() };
    let mut story = Stream::default();
    story.run(&Command::Open(Box::new(Open { terms, own_target, ..*open })), hour(1));
    story
}

/// Aim: no clock runs, the notice states none, nothing is ever overdue; a receipt ends the duty.
#[test]
fn they_are_told_without_a_due_instant() {
    let mut story = opened(None);
    assert_eq!(story.exchange().notice_clock, None);
    assert!(matches!(&story.events[1], Event::NoticeQueued { stated: None, .. }));
    assert_eq!(story.run(&Command::Tick { orders: std::sync::Arc::default() }, hour(9_000)), []);
    assert_eq!(story.refused(&Command::Anonymise, hour(9_000)), Refusal::DutyOpen);
    story.run(&receipt(1, hour(3)), hour(4));
    let owed = story.exchange().undated.as_ref().unwrap();
    assert_eq!(owed.state, UndatedState::Done { at: hour(3), evidence: Evidence::SignedReceipt });
    assert!(story.exchange().acknowledgement_clock.is_some());
}

/// Aim: a target of our own is a clock on our side only; both end together.
#[test]
fn a_target_of_our_own_is_nobody_elses() {
    let mut story = opened(Hours::new(4).ok());
    assert!(story.exchange().notice_clock.as_ref().is_some_and(|clock| clock.own_target && clock.due() == hour(4)));
    assert!(matches!(&story.events[1], Event::NoticeQueued { stated: None, .. }));
    story.run(&Command::Tick { orders: std::sync::Arc::default() }, hour(5));
    story.run(&receipt(1, hour(6)), hour(6));
    let clock = story.exchange().notice_clock.as_ref().unwrap();
    assert!(matches!(clock.state, ClockState::MetLate { .. }));
    assert!(!story.exchange().undated.as_ref().unwrap().is_open());
}

/// Aim: a corrected awareness moves since when it is owed, and the partner is told; a withdrawal ends it.
#[test]
fn it_moves_and_ends_as_clocks_do() {
    let mut story = opened(None);
    let events = story.run(&update(1, LIKELY, hour(-5)), hour(2));
    assert!(matches!(&events[..], [Event::UndatedChanged { .. }, Event::NoticeQueued { stated: None, .. }]));
    assert_eq!(story.exchange().undated.as_ref().unwrap().since, hour(-5));
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(3));
    assert!(matches!(story.exchange().undated.as_ref().unwrap().state, UndatedState::NotRequired { .. }));
}
