use super::kit::*;
use crate::clock::ClockState;
use crate::facts::IncidentKind;
use crate::incident::{Command, Duty, Event, Refusal, Stage, WithdrawalReason, evolve, fold};

fn anonymise() -> Command {
    Command::Anonymise { by: dpo(1) }
}

/// Only what is over is erased: closed, or withdrawn with every partner told.
#[test]
fn only_what_is_over_is_erased() {
    let mut story = Story::breach(1);
    assert_eq!(story.refused(&anonymise(), hour(4)), Refusal::NotOpen { stage: "active" });
    story.run(&Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() }, hour(4));
    assert_eq!(story.refused(&anonymise(), hour(4)), Refusal::DutiesOpen { duties: vec![Duty::FanOut] });
    story.advance_all();
    story.run(&anonymise(), hour(5));
    assert_eq!(story.incident().stage, Stage::Anonymised);
    assert_eq!(story.refused(&anonymise(), hour(6)), Refusal::NotOpen { stage: "anonymised" });
    assert_eq!(story.tick(&[], hour(99)), []);
}

/// No free text survives, and the last event alone gives the same state as the whole stream (ruling 16).
#[test]
fn no_free_text_survives() {
    let mut story = Story::breach(2);
    story.run(&Command::ProposeNotRequired { reason: long("Seen by Jo Bloggs only."), by: dpo(1) }, hour(3));
    story.run(&Command::ResolveNotRequired { approve: true, by: dpo(2) }, hour(3));
    story.run(&assess(story.incident(), responder()), hour(3));
    story.run(&Command::Close { open_duties: vec![], by: responder() }, hour(4));
    let events = story.run(&anonymise(), hour(5)).events;
    let json = serde_json::to_string(&events).unwrap();
    for text in ["Bloggs", "mailbox", "Person", "R-1", "Weighed"] {
        assert!(!json.contains(text), "{json}");
    }
    let alone = fold(&events).unwrap();
    assert_eq!(&alone, story.incident());
    assert_eq!((alone.kind, alone.facts_version, alone.reference), (IncidentKind::Breach, 1, line("TC-2026-0042")));
    assert!(matches!(alone.ico.unwrap().state, ClockState::NotRequired { at, .. } if at == hour(3)));
}

/// Events whose beginning is erased change nothing.
#[test]
fn an_event_without_a_beginning_is_ignored() {
    assert_eq!(evolve(None, &Event::Closed { at: hour(1), by: responder() }), None);
}
