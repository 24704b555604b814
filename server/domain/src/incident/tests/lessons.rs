use chrono::NaiveDate;

use super::kit::*;
use crate::incident::lessons::{
    ACTIONS_MAX, ActionState, CAUSES_MAX, Change, Command as Lesson, Effect, Owner, Plan, REVIEWS_MAX,
    Refusal as Fault, Review, RootCause, Seen,
};
use crate::incident::{Command, Event, Refusal, Stage, WithdrawalReason};
use crate::incident_type::TypeCode;
use crate::values::{LongText, PersonId};

fn day(n: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
}

fn today() -> NaiveDate {
    day(10)
}

fn lesson(command: Lesson) -> Command {
    Command::Lessons { command, by: dpo(1) }
}

fn plan(what: &str, due: u32) -> Plan {
    Plan { what: long(what), owner: Owner::Role { words: line("Head of IT") }, due_on: day(due) }
}

fn add(what: &str, due: u32) -> Command {
    lesson(Lesson::Add { plan: plan(what, due), today: today() })
}

fn seen(number: u32, revision: u32) -> Seen {
    Seen { number, revision }
}

fn done(action: Seen, on: u32) -> Command {
    lesson(Lesson::Done { action, on: day(on), evidence: long("Ticket 17."), today: today() })
}

fn reason() -> LongText {
    long("Not needed any more.")
}

fn review(action: Seen, on: u32, effect: Effect) -> Command {
    let review = Review { on: day(on), reviewer: line("Internal audit"), effect, words: long("No repeat in a month.") };
    lesson(Lesson::Review { action, review, today: today() })
}

fn cause(kind: &str, words: &str) -> RootCause {
    RootCause { kind: TypeCode::from_word(kind).unwrap(), words: long(words) }
}

fn find(base: u32, cause: RootCause) -> Command {
    lesson(Lesson::FindCause { base, cause })
}

fn fault(story: &Story, command: &Command) -> Fault {
    match story.refused(command, hour(200)) {
        Refusal::Lessons(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn story() -> Story {
    Story::breach(0)
}

/// A root cause is recorded over the one that was seen; earlier ones stay.
#[test]
fn a_root_cause_has_versions() {
    let mut story = story();
    story.run(&find(0, cause("phishing", "A link was followed.")), hour(100));
    assert_eq!(fault(&story, &find(0, cause("malware", "Another."))), Fault::CauseChanged { current: 1 });
    assert_eq!(fault(&story, &find(1, cause("phishing", "A link was followed."))), Fault::Same);
    story.run(&find(1, cause("phishing", "No second factor.")), hour(101));
    let lessons = &story.incident().lessons;
    assert_eq!((lessons.causes.len(), lessons.cause().unwrap().number), (2, 2));
    assert_eq!(lessons.kind().unwrap().label(), "Phishing");
    for base in 2..u32::try_from(CAUSES_MAX).unwrap() {
        story.run(&find(base, cause("phishing", &format!("Version {base}."))), hour(102));
    }
    assert_eq!(fault(&story, &find(50, cause("phishing", "One more."))), Fault::TooManyCauses);
}

/// From added to reviewed: each step only in its state, and only by somebody who saw the newest revision.
#[test]
fn an_action_goes_its_way() {
    let mut story = story();
    story.run(&add("Turn the second factor on.", 20), hour(100));
    let changed =
        |due| lesson(Lesson::Change { action: seen(1, 1), plan: plan("For everybody.", due), today: today() });
    story.run(&changed(25), hour(101));
    assert_eq!(fault(&story, &changed(26)), Fault::ActionMoved { current: 2 });
    assert_eq!(fault(&story, &done(seen(2, 1), 9)), Fault::NoSuchAction);
    assert_eq!(fault(&story, &review(seen(1, 2), 9, Effect::Worked)), Fault::WrongState { state: "open" });
    assert_eq!(fault(&story, &done(seen(1, 2), 11)), Fault::DoneInFuture);
    story.run(&done(seen(1, 2), 9), hour(102));
    assert_eq!(fault(&story, &done(seen(1, 3), 9)), Fault::WrongState { state: "done" });
    assert_eq!(fault(&story, &review(seen(1, 3), 8, Effect::Worked)), Fault::ReviewDay);
    assert_eq!(fault(&story, &review(seen(1, 3), 11, Effect::Worked)), Fault::ReviewDay);
    story.run(&review(seen(1, 3), 10, Effect::InPart), hour(103));
    let reopen = |revision| lesson(Lesson::Reopen { action: seen(1, revision), reason: reason() });
    story.run(&reopen(4), hour(104));
    assert_eq!(fault(&story, &reopen(5)), Fault::WrongState { state: "open" });
    story.run(&lesson(Lesson::Drop { action: seen(1, 5), reason: reason() }), hour(105));
    let action = story.incident().lessons.action(1).unwrap();
    assert_eq!(action.state, ActionState::Dropped { reason: reason() });
    assert_eq!((action.revision, action.reviews.len(), story.incident().lessons.open()), (6, 1, 0));
}

/// An action is due today or later and within ten years; one that is overdue keeps its day while its words change.
#[test]
fn days_are_possible() {
    let mut story = story();
    assert_eq!(fault(&story, &add("Train everybody.", 9)), Fault::DueDay);
    let far = Plan { due_on: NaiveDate::from_ymd_opt(2036, 4, 1).unwrap(), ..plan("Train everybody.", 10) };
    assert_eq!(fault(&story, &lesson(Lesson::Add { plan: far, today: today() })), Fault::DueDay);
    story.run(&add("Train everybody.", 10), hour(100));
    let later = |plan| lesson(Lesson::Change { action: seen(1, 1), plan, today: day(20) });
    assert_eq!(fault(&story, &later(plan("Train everybody.", 10))), Fault::Same);
    assert_eq!(fault(&story, &later(plan("Train everybody.", 11))), Fault::DueDay);
    story.run(&later(plan("Train the team.", 10)), hour(300));
}

/// Numbers and reviews are limited.
#[test]
fn there_are_limits() {
    let mut story = story();
    for n in 1..=ACTIONS_MAX {
        story.run(&add(&format!("Action {n}"), 20), hour(100));
    }
    assert_eq!(fault(&story, &add("One more.", 20)), Fault::TooManyActions);
    story.run(&done(seen(1, 1), 9), hour(101));
    for revision in 2..2 + u32::try_from(REVIEWS_MAX).unwrap() {
        story.run(&review(seen(1, revision), 10, Effect::DidNot), hour(102));
    }
    assert_eq!(fault(&story, &review(seen(1, 22), 10, Effect::DidNot)), Fault::TooManyReviews);
}

/// Lessons go on after closing; erasure waits until nothing is left to be done, and keeps the type of the cause alone.
#[test]
fn lessons_outlive_closing_and_hold_erasure_up() {
    let mut story = Story::circumstances(0);
    story.run(&find(0, cause("ransomware", "Seen by Jo Bloggs.")), hour(100));
    story.run(&Command::Close { open_duties: Vec::new(), by: responder() }, hour(101));
    assert_eq!(story.incident().stage, Stage::Closed);
    story.run(&add("Ask Jo Bloggs.", 20), hour(102));
    assert_eq!(fault(&story, &Command::Anonymise { by: dpo(1) }), Fault::StillOpen { open: 1 });
    story.run(&done(seen(1, 1), 9), hour(103));
    let events = story.run(&Command::Anonymise { by: dpo(1) }, hour(104)).events;
    assert!(!serde_json::to_string(&events).unwrap().contains("Bloggs"));
    assert_eq!(story.incident().lessons.kind().unwrap().word(), "ransomware");
    assert_eq!(story.refused(&add("More.", 20), hour(105)), Refusal::NotOpen { stage: "anonymised" });
    let mut withdrawn = Story::breach(0);
    withdrawn.run(&Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() }, hour(4));
    withdrawn.run(&add("Check twice.", 20), hour(102));
}

/// The JSON of every change is frozen.
#[test]
fn changes_keep_their_form() {
    let owner = Owner::Account { id: PersonId::from_uuid(uuid(0xa001)), name: line("Person 1") };
    let found = Review { on: day(10), reviewer: line("Internal audit"), effect: Effect::Worked, words: long("None.") };
    let changes = vec![
        ("cause_found", Change::CauseFound { version: 1, cause: cause("phishing", "A link was followed.") }),
        ("action_added", Change::ActionAdded { action: 1, plan: plan("Turn it on.", 20) }),
        ("action_changed", Change::ActionChanged { action: 1, plan: Plan { owner, ..plan("Turn it on.", 21) } }),
        ("action_done", Change::ActionDone { action: 1, on: day(9), evidence: long("Ticket 17.") }),
        ("action_dropped", Change::ActionDropped { action: 1, reason: reason() }),
        ("action_reopened", Change::ActionReopened { action: 1, reason: reason() }),
        ("effect_reviewed", Change::EffectReviewed { action: 1, review: found }),
    ];
    let name = |change: &Change| match change {
        Change::CauseFound { .. } => "cause_found",
        Change::ActionAdded { .. } => "action_added",
        Change::ActionChanged { .. } => "action_changed",
        Change::ActionDone { .. } => "action_done",
        Change::ActionDropped { .. } => "action_dropped",
        Change::ActionReopened { .. } => "action_reopened",
        Change::EffectReviewed { .. } => "effect_reviewed",
    };
    assert!(changes.iter().all(|(given, change)| *given == name(change)));
    let names: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
    hold_golden("lessons", &names, &changes);
    assert!(changes.into_iter().all(|(_, change)| round_trips(&Event::Lessons { change, at: hour(5), by: dpo(1) })));
    for effect in Effect::ALL {
        assert_eq!(Effect::from_word(effect.word()), Some(effect));
        assert_eq!(serde_json::to_value(effect).unwrap(), effect.word());
    }
}
