use super::kit::*;
use crate::clock::{ClockChange, ClockState, Evidence};
use crate::incident::{Command, Duty, Event, Refusal, WithdrawalReason};
use crate::report::{ReportState, Submission, SubmissionChannel};
use crate::values::{Actor, Moment, Role};

fn submission(at: Moment) -> Submission {
    let (ico_reference, delay_reasons, proof) = (Some(line("IC-123")), None, None);
    Submission { at, channel: SubmissionChannel::OnlineForm, ico_reference, delay_reasons, proof }
}

pub(super) fn submitted(at: Moment) -> Command {
    recorded(submission(at), dpo(1))
}

fn propose(by: Actor) -> Command {
    Command::ProposeNotRequired { reason: long(&"A risk is unlikely. ".repeat(40)), by }
}

fn resolve(approve: bool, by: Actor) -> Command {
    Command::ResolveNotRequired { approve, by }
}

fn open_duties_of_a_proposal() -> Refusal {
    Refusal::DutiesOpen { duties: vec![Duty::IcoReport, Duty::NotRequiredWaiting, Duty::People] }
}

/// A submission ends the clock at the instant it was made, not when it was recorded.
#[test]
fn a_submission_ends_the_clock() {
    let mut story = Story::breach(0);
    story.tick(&[], hour(50));
    let events = story.run(&submitted(hour(71)), hour(90)).events;
    let evidence = Evidence::RecordedSubmission;
    let met = ClockChange::Met { at: hour(71), evidence, late: false, proved_late: false };
    assert_eq!(ico_change(&events), Some(&met));
    assert!(events.iter().any(|event| matches!(event, Event::LadderEnded { .. })));
    assert_eq!(story.tick(&[], hour(91)), []);
    assert_eq!(story.refused(&submitted(hour(71)), hour(92)), Refusal::AlreadySubmitted);
    assert_eq!(story.refused(&Command::DraftReport { by: dpo(1) }, hour(92)), Refusal::AlreadySubmitted);
    assert_eq!(story.refused(&propose(dpo(1)), hour(92)), Refusal::AlreadySubmitted);
}

/// Ruling 8: late after 72 hours; reasons compulsory only after the legal limit.
#[test]
fn delay_reasons_are_compulsory_after_the_legal_limit() {
    let limit = at("2026-03-06T03:00:00Z");
    let mut story = Story::breach(0);
    assert_eq!(story.incident().ico.as_ref().unwrap().legal_limit(), Some(limit));
    assert_eq!(story.refused(&submitted(limit.plus_seconds(1)), hour(99)), Refusal::DelayReasonMissing);
    let reasoned = Submission { delay_reasons: Some(long("Facts were missing.")), ..submission(hour(80)) };
    let mut other = Story::breach(0);
    other.run(&recorded(reasoned, responder()), hour(99));
    story.run(&submitted(limit), hour(99));
    for story in [story, other] {
        assert!(matches!(story.incident().ico.as_ref().unwrap().state, ClockState::MetLate { .. }));
    }
}

/// Neither in the future nor before awareness; only a responder or a data protection officer records it.
#[test]
fn a_submission_is_checked() {
    let story = Story::breach(0);
    assert_eq!(story.refused(&submitted(hour(6)), hour(5)), Refusal::SubmissionTime);
    assert_eq!(story.refused(&submitted(hour(-1)), hour(5)), Refusal::SubmissionTime);
    for by in [Actor::Node, person(5, Role::Manager), person(5, Role::Administrator)] {
        let command = recorded(submission(hour(4)), by);
        assert_eq!(story.refused(&command, hour(5)), Refusal::DpoNeeded);
    }
}

/// A submission from before a withdrawal can still be recorded.
#[test]
fn a_submission_survives_withdrawal() {
    let mut story = Story::breach(0);
    story.run(&Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() }, hour(4));
    let events = story.run(&submitted(hour(3)), hour(5)).events;
    assert!(matches!(events[..], [Event::ReportSubmitted { .. }, Event::Report { .. }]));
}

/// Two data protection officers end the clock; its reason is cut to a line, the decision keeps it whole.
#[test]
fn not_required_takes_two_officers() {
    let mut story = Story::breach(0);
    assert_eq!(story.refused(&propose(responder()), hour(3)), Refusal::DpoNeeded);
    assert_eq!(story.refused(&resolve(true, dpo(2)), hour(3)), Refusal::NoSuchProposal);
    story.run(&propose(dpo(1)), hour(3));
    assert_eq!(story.refused(&propose(dpo(2)), hour(3)), Refusal::NothingChanges);
    assert_eq!(story.refused(&resolve(true, dpo(1)), hour(3)), Refusal::SecondPersonNeeded);
    assert_eq!(story.refused(&resolve(true, responder()), hour(3)), Refusal::DpoNeeded);
    assert_eq!(
        story.refused(&Command::Close { open_duties: vec![], by: dpo(1) }, hour(3)),
        open_duties_of_a_proposal()
    );
    story.run(&resolve(true, dpo(2)), hour(4));
    let incident = story.incident();
    assert!(matches!(&incident.report, ReportState::NotRequired { proposed_by, approved_by, at, .. }
        if (proposed_by, approved_by, *at) == (&dpo(1), &dpo(2), hour(4))));
    assert!(matches!(incident.ico.as_ref().unwrap().state, ClockState::NotRequired { .. }));
    assert_eq!(story.refused(&propose(dpo(1)), hour(5)), Refusal::NothingChanges);
}

/// Turning it down leaves the clock running; the proposer may do that too.
#[test]
fn not_required_can_be_turned_down() {
    let mut story = Story::breach(0);
    story.run(&propose(dpo(1)), hour(3));
    story.run(&resolve(false, dpo(1)), hour(3));
    assert!(story.incident().ico.as_ref().unwrap().is_open());
    assert!(story.incident().not_required.is_none());
    story.run(&propose(dpo(2)), hour(3));
}

/// Without an ICO clock there is no duty to decide on.
#[test]
fn not_required_needs_a_duty() {
    assert_eq!(Story::circumstances(1).refused(&propose(dpo(1)), hour(3)), Refusal::NoSuchDuty);
}

/// A draft lists what the facts leave out, is opened once, and may follow a decision that none was required.
#[test]
fn a_report_is_drafted_once() {
    let mut story = Story::breach(0);
    let draft = Command::DraftReport { by: dpo(1) };
    story.run(&draft, hour(3));
    assert!(matches!(&story.incident().report, ReportState::Draft { gaps, opened_at }
        if gaps.contains(&"cause".to_owned()) && *opened_at == hour(3)));
    assert_eq!(story.refused(&draft, hour(3)), Refusal::NothingChanges);
    story.run(&propose(dpo(1)), hour(3));
    story.run(&resolve(true, dpo(2)), hour(4));
    story.run(&draft, hour(5));
    story.run(&submitted(hour(6)), hour(6));
    assert!(matches!(story.incident().ico.as_ref().unwrap().state, ClockState::NotRequired { .. }));
}
