//! Any messages of a partner in any order: nothing is lost in folding, clocks start and end once.

use proptest::prelude::*;

use super::kit::*;
use crate::clock::Clock;
use crate::exchange::{Command, Event, Exchange, ReceiveContent, Stance, decide, evolve, fold, next_check};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;
use crate::ladder::Plans;
use crate::values::{IncidentId, Moment};

fn content() -> impl Strategy<Value = ReceiveContent> {
    let kinds = prop::sample::select(vec![
        IncidentKind::Breach,
        IncidentKind::LikelyToGiveRise,
        IncidentKind::UnderInvestigation,
    ]);
    prop_oneof![
        5 => (1_u32..9, kinds).prop_map(|(revision, kind)| their_notice(revision, kind)),
        1 => (1_u32..9).prop_map(|revision| {
            ReceiveContent::Withdrawal { revision, reason: WithdrawalReason::NotABreach, made_at: hour(3) }
        }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => (0_u128..20, content()).prop_map(|(n, content)| receive(n, content)),
        4 => Just(tick()),
        2 => prop::sample::select(Stance::ALL.to_vec()).prop_map(|stance| Command::Acknowledge {
            stance,
            reference: None,
            by: responder(),
            role: line("analyst"),
            deleted: false,
        }),
        2 => (0_u128..30, 0_i64..40).prop_map(|(n, due)| super::said::theirs_due(n, hour(due))),
        2 => (0_u128..30).prop_map(super::said::answering),
        1 => Just(Command::Link { incident: IncidentId::from_uuid(uuid(5)), by: responder() }),
        1 => Just(Command::Anonymise),
    ]
}

fn is_open(clock: Option<&Clock>) -> bool {
    clock.is_some_and(Clock::is_open)
}

/// Revisions go up, a withdrawal stays, a linked or ended clock never comes back.
fn check(before: Option<&Exchange>, after: &Exchange, event: &Event, now: Moment) {
    assert!(round_trips(event), "{event:?}");
    let Some(before) = before else { return };
    assert!(before.withdrawn.is_none() || after.withdrawn == before.withdrawn);
    assert!(!before.anonymised, "nothing after erasure: {event:?}");
    if let Some(ico) = &before.ico_clock {
        assert!(ico.is_open() || !is_open(after.ico_clock.as_ref()));
    }
    if before.incident.is_some() {
        assert!(after.ico_clock.is_none(), "the incident has it");
    }
    assert!(after.ico_clock.as_ref().is_none_or(|clock| clock.anchored_at <= now));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any story of a notice received holds together.
    #[test]
    fn any_received_story_holds_together(commands in prop::collection::vec((command(), 0_i64..900), 1..40)) {
        let mut state: Option<Exchange> = None;
        let mut events: Vec<Event> = Vec::new();
        let mut now = at(LOGGED);
        for (command, minutes) in &commands {
            now = now.plus_seconds(minutes * 60);
            let Ok(decided) = decide(state.as_ref(), command, now) else { continue };
            for event in decided {
                let before = state.clone();
                state = evolve(state, &event);
                check(before.as_ref(), state.as_ref().unwrap(), &event, now);
                events.push(event);
            }
            if matches!(command, Command::Tick { .. }) {
                prop_assert_eq!(decide(state.as_ref(), command, now).unwrap_or_default(), []);
                let next = state.as_ref().and_then(|it| next_check(it, &Plans::default()));
                prop_assert!(next.is_none_or(|next| next > now));
            }
        }
        prop_assert_eq!(fold(&events), state);
    }
}
