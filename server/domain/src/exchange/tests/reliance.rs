use super::kit::*;
use crate::clock::{ClockChange, ClockKind, ClockState};
use crate::exchange::{Command, Event, Filing, HearFiled, Refusal};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;
use crate::reliance::{Refusal as Reliance, Standing};
use crate::values::{Actor, Digest32, MessageId, Role};

/// What is wrong with a filing, how it then stands, and why nobody relies on it.
type Spoilt = (fn(&mut Filing), Standing, Reliance);

fn message(n: u128) -> MessageId {
    MessageId::from_uuid(uuid(0x88 + n))
}

/// They tell us of a report, at the fifth hour.
fn told(story: &mut Stream, n: u128, change: impl FnOnce(&mut Filing)) {
    let mut filing = Filing { authority: line("ICO"), at: hour(4), reference: Some(line("IC-12345")) };
    change(&mut filing);
    story.run(&Command::HearFiled(Box::new(HearFiled { message: message(n), filing, exercise: false })), hour(5));
}

fn rely(n: u128, by: Actor) -> Command {
    let (set_sha256, reason) = (Digest32::of(b"filed"), long("They report for both."));
    Command::AcceptReliance { message: message(n), set_sha256, reason, by }
}

fn refused(story: &Stream, n: u128) -> Reliance {
    match story.refused(&rely(n, dpo(1)), hour(6)) {
        Refusal::Reliance(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The clock of a notice received ends by an officer's word, and not by the message itself.
#[test]
fn an_officer_accepts_their_report() {
    let mut story = Stream::received(IncidentKind::Breach);
    assert_eq!(refused(&story, 0), Reliance::NoSuchFiling);
    told(&mut story, 0, |_| {});
    assert!(story.exchange().ico_clock.as_ref().unwrap().is_open());
    for by in [responder(), person(5, Role::Manager), Actor::Node] {
        let refused = story.refused(&rely(0, by), hour(6));
        assert_eq!(refused, Refusal::Reliance(Reliance::DpoNeeded));
    }
    let events = story.run(&rely(0, dpo(1)), hour(6));
    assert!(events.iter().all(round_trips));
    let [Event::RelianceAccepted { reliance, .. }, _] = &events[..] else { panic!("{events:?}") };
    assert_eq!((reliance.message, reliance.set_sha256), (message(0), Digest32::of(b"filed")));
    assert!(matches!(change(&events, ClockKind::IcoReport), Some(ClockChange::NotRequired { .. })));
    assert!(matches!(story.exchange().ico_clock.as_ref().unwrap().state, ClockState::NotRequired { .. }));
    assert!(story.exchange().ladders.iter().all(|ladder| ladder.ended));
    assert_eq!(refused(&story, 0), Reliance::NoClock, "once");
}

/// Without a reference, to somebody else, in the future, replaced or withdrawn: none of these can be relied on.
#[test]
fn only_a_report_that_stands_is_relied_on() {
    let cases: [Spoilt; 3] = [
        (|filing| filing.reference = None, Standing::NoReference, Reliance::NoReference),
        (|filing| filing.authority = line("DPC"), Standing::OtherAuthority, Reliance::OtherAuthority),
        (|filing| filing.at = hour(40), Standing::Stands, Reliance::NotYet),
    ];
    for (change, standing, refusal) in cases {
        let mut story = Stream::received(IncidentKind::Breach);
        told(&mut story, 0, change);
        assert_eq!(story.exchange().their_filings().map(|(_, it)| it).collect::<Vec<_>>(), [standing]);
        assert_eq!(refused(&story, 0), refusal);
    }
    let mut story = Stream::received(IncidentKind::Breach);
    told(&mut story, 0, |_| {});
    told(&mut story, 1, |filing| filing.reference = Some(line("IC-99999")));
    assert_eq!(refused(&story, 0), Reliance::Replaced);
    let withdrawal = crate::exchange::ReceiveContent::Withdrawal {
        revision: 2,
        reason: WithdrawalReason::NotABreach,
        made_at: hour(6),
    };
    story.run(&receive(9, withdrawal), hour(6));
    assert_eq!(refused(&story, 1), Reliance::Withdrawn);
}

/// What we told them ourselves is no report of theirs.
#[test]
fn our_own_report_is_not_theirs() {
    let mut story = Stream::queued();
    let filing = Box::new(Filing { authority: line("ICO"), at: hour(4), reference: Some(line("IC-1")) });
    let events = story.run(&Command::TellFiled { filing, by: dpo(1) }, hour(5));
    let Event::FiledQueued { message, .. } = events[0] else { panic!("{events:?}") };
    assert_eq!(story.exchange().filing_to_rely_on(message, hour(6)), Err(Reliance::NoSuchFiling));
}
