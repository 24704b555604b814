//! Duties for which the law names no time, and targets of our own beside them.

use std::sync::Arc;

use super::kit::*;
use crate::clock::{Anchor, ClockKind, ClockState, Evidence};
use crate::facts::IncidentKind;
use crate::incident::decision::{self, People};
use crate::incident::duties::{Change, Command as Ask, Refusal as Fault};
use crate::incident::{Command, Duty, Event, Log, Refusal, Rules, Stage, WithdrawalReason, next_check};
use crate::ladder::Plans;
use crate::report::{Submission, SubmissionChannel};
use crate::undated::{Targets, UndatedDuty, UndatedState};
use crate::values::{Hours, Moment, Role};

const PEOPLE: UndatedDuty = UndatedDuty::PeopleTold;

fn ask(command: Ask) -> Command {
    Command::Duties { command, by: dpo(1) }
}

fn start(hours: i64) -> Command {
    ask(Ask::Start { duty: PEOPLE, since: hour(hours) })
}

fn with_targets(targets: Targets) -> Story {
    Story::logged(Log { rules: Rules { targets, ..Rules::default() }, ..log(IncidentKind::Breach, 0) })
}

fn submitted(at: Moment) -> Command {
    let submission = Submission {
        at,
        channel: SubmissionChannel::OnlineForm,
        ico_reference: None,
        delay_reasons: None,
        proof: None,
    };
    recorded(submission, dpo(1))
}

/// Aim: without a target nothing is ever due, overdue or on a ladder, however long it takes; the duty still holds the
/// incident open.
#[test]
fn no_time_in_the_law_is_no_clock() {
    let mut story = with_targets(Targets::default());
    story.run(&start(2), hour(2));
    let incident = story.incident();
    assert_eq!(
        incident.duties.open(PEOPLE).map(|owed| (owed.anchor, owed.since)),
        Some((Anchor::HighRiskDecided, hour(2)))
    );
    assert_eq!(incident.own_clocks().map(|clock| clock.kind).collect::<Vec<_>>(), [ClockKind::IcoReport]);
    let events = story.run(&Command::Tick { outstanding: Vec::new(), orders: Arc::default() }, hour(5_000)).events;
    assert!(events.iter().all(|event| !format!("{event:?}").contains("PeopleTold")), "{events:?}");
    assert_eq!(story.refused(&start(3), hour(3)), Fault::AlreadyOwed.into());
    assert_eq!(story.refused(&start(9_999), hour(3)), Fault::Time.into());
    let close = Command::Close { open_duties: Vec::new(), by: responder() };
    assert_eq!(
        story.refused(&close, hour(5_001)),
        Refusal::DutiesOpen { duties: vec![Duty::IcoReport, Duty::PeopleToTell] }
    );
}

/// Aim: a target of our own is a clock with a ladder, and late against it is late against ourselves only.
#[test]
fn a_target_of_our_own_is_a_clock() {
    let targets = Targets { people_told: Hours::new(24).ok(), ..Targets::default() };
    let mut story = with_targets(targets);
    story.run(&start(0), hour(1));
    let clock = story.incident().duties.target(ClockKind::PeopleTold).unwrap().clone();
    assert!(clock.own_target && clock.legal_limit().is_none());
    assert_eq!(clock.due(), hour(24));
    assert!(next_check(story.incident(), &Plans::default()).is_some_and(|check| check <= hour(12)));
    let events = story.run(&Command::Tick { outstanding: Vec::new(), orders: Arc::default() }, hour(12)).events;
    assert!(events.iter().any(|event| matches!(event, Event::StepFired { kind: ClockKind::PeopleTold, .. })));
    story.run(&Command::Tick { outstanding: Vec::new(), orders: Arc::default() }, hour(25));
    let done = Ask::RecordDone { duty: PEOPLE, at: hour(26) };
    story.run(&ask(done), hour(27));
    let duties = &story.incident().duties;
    let evidence = Evidence::RecordedTelling;
    assert_eq!(duties.target(ClockKind::PeopleTold).unwrap().state, ClockState::MetLate { at: hour(26), evidence });
    assert_eq!(duties.undated[0].state, UndatedState::Done { at: hour(26), evidence });
    assert!(story.incident().ladders.iter().filter(|it| it.kind == ClockKind::PeopleTold).all(|it| it.ended));
}

/// Aim: a person may aim at an instant, which takes the place of the one before; never at one behind us.
#[test]
fn a_person_sets_a_target() {
    let mut story = with_targets(Targets { people_told: Hours::new(24).ok(), ..Targets::default() });
    let set = |due| ask(Ask::SetTarget { duty: PEOPLE, due });
    assert_eq!(story.refused(&set(hour(9)), hour(1)), Fault::NotOwed.into());
    story.run(&start(0), hour(1));
    assert_eq!(story.refused(&set(hour(1)), hour(1)), Fault::Target.into());
    assert_eq!(story.refused(&set(hour(24 * 400)), hour(1)), Fault::Target.into());
    story.run(&Command::Tick { outstanding: Vec::new(), orders: Arc::default() }, hour(13));
    story.run(&set(hour(48)), hour(13));
    assert_eq!(story.refused(&set(hour(48)), hour(13)), Refusal::NothingChanges);
    let targets = &story.incident().duties.targets;
    assert_eq!(targets.iter().map(|clock| (clock.due(), clock.anchored_at)).collect::<Vec<_>>(), [(hour(48), hour(0))]);
    assert!(
        story
            .incident()
            .ladders
            .iter()
            .filter(|it| it.due == hour(24) && it.kind == ClockKind::PeopleTold)
            .all(|it| it.ended)
    );
}

/// Aim: a report that leaves something out starts the follow-up; one that leaves nothing out does not; a follow-up ends it.
#[test]
fn an_incomplete_report_is_followed_up() {
    let mut story = with_targets(Targets::default());
    story.run(&submitted(hour(5)), hour(6));
    let owed = story.incident().duties.open(UndatedDuty::FollowUp).unwrap().clone();
    assert_eq!((owed.anchor, owed.since), (Anchor::ReportIncomplete, hour(5)));
    let close = Command::Close { open_duties: Vec::new(), by: responder() };
    assert_eq!(story.refused(&close, hour(7)), Refusal::DutiesOpen { duties: vec![Duty::People, Duty::FollowUp] });
    let early = ask(Ask::RecordDone { duty: UndatedDuty::FollowUp, at: hour(4) });
    assert_eq!(story.refused(&early, hour(7)), Fault::Time.into());
    story.run(&ask(Ask::RecordDone { duty: UndatedDuty::FollowUp, at: hour(7) }), hour(7));
    let people = decision::Ask::People { people: People::RiskNotHigh, reasons: long("One person saw it.") };
    let people = decided(story.incident(), people, dpo(1));
    story.run(&people, hour(7));
    story.run(&close, hour(8));
    assert_eq!(story.incident().stage, Stage::Closed);
}

/// Aim: a withdrawal ends what is owed, with its reason; erasure keeps codes and instants and no words.
#[test]
fn a_withdrawal_ends_it_and_erasure_keeps_no_words() {
    let mut story = with_targets(Targets { people_told: Hours::new(24).ok(), ..Targets::default() });
    story.run(&start(0), hour(1));
    let withdraw = Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() };
    story.run(&withdraw, hour(2));
    assert_eq!(story.incident().duties.open_count(), 0);
    assert!(story.incident().duties.targets.iter().all(|clock| !clock.is_open()));
    let mut second = with_targets(Targets::default());
    second.run(&start(0), hour(1));
    second.run(&submitted(hour(1)), hour(1));
    let reason = long(&format!("The key of Alice Example is safe. {}", "It was kept apart. ".repeat(20)));
    for duty in [PEOPLE, UndatedDuty::FollowUp] {
        let events = second.run(&ask(Ask::NotRequired { duty, reason: reason.clone() }), hour(3)).events;
        assert!(matches!(&events[0], Event::Duties { change: Change::Changed { reason: Some(_), .. }, .. }));
    }
    let people = decision::Ask::People { people: People::RiskNotHigh, reasons: long("One person saw it.") };
    let people = decided(second.incident(), people, dpo(1));
    second.run(&people, hour(3));
    second.run(&Command::Close { open_duties: Vec::new(), by: responder() }, hour(4));
    second.run(&Command::Anonymise { by: person(9, Role::Administrator) }, hour(5));
    let survives = serde_json::to_string(second.incident()).unwrap();
    assert!(!survives.contains("Alice") && survives.contains("people_told"));
}

/// Aim: where we only process, the report is the controller's: a breach starts no ICO clock, at once or later.
#[test]
fn a_processor_has_no_ico_clock() {
    let rules = Rules { processor_only: true, ..Rules::default() };
    let breach = Story::logged(Log { rules, ..log(IncidentKind::Breach, 1) });
    assert_eq!(breach.incident().ico, None);
    let mut likely = Story::logged(Log { rules, ..log(IncidentKind::LikelyToGiveRise, 1) });
    likely.run(&Command::ConvertToBreach { aware_at: hour(1), owed: Vec::new(), by: responder() }, hour(2));
    assert_eq!((likely.incident().kind, &likely.incident().ico), (IncidentKind::Breach, &None));
}
