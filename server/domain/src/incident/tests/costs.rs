use chrono::NaiveDate;

use super::kit::*;
use crate::incident::costs::{
    CORRECTIONS_MAX, COSTS_MAX, Change, Command as Ask, Cost, Kept, Kind, Pence, Refusal as Fault, Seen,
};
use crate::incident::{Command, Event, Refusal, Stage, fold};

fn day(n: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
}

fn ask(command: Ask) -> Command {
    Command::Costs { command, by: dpo(1) }
}

fn cost(kind: Kind, pence: i64) -> Cost {
    Cost { kind, pence: Pence::new(pence).unwrap(), on: None, estimate: false, note: None }
}

fn record(cost: Cost) -> Command {
    ask(Ask::Record { cost, today: day(10) })
}

fn correct(number: u32, revision: u32, cost: Cost) -> Command {
    let seen = Seen { number, revision };
    ask(Ask::Correct { seen, cost, reason: long("The invoice of Jo Bloggs came."), today: day(10) })
}

fn strike(number: u32, revision: u32) -> Command {
    ask(Ask::Strike { seen: Seen { number, revision }, reason: long("Paid by the insurance of Jo Bloggs.") })
}

fn fault(story: &Story, command: &Command) -> Fault {
    match story.refused(command, hour(200)) {
        Refusal::Costs(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// A cost is recorded, corrected by whoever saw it last, and struck out; nothing is forgotten and only what stands counts.
#[test]
fn a_cost_is_corrected_and_struck_out() {
    let mut story = Story::breach(0);
    assert_eq!((story.incident().costs.total(), story.incident().costs.estimated()), (None, 0));
    let guess = Cost { estimate: true, ..cost(Kind::OutsideHelp, 500_000) };
    story.run(&record(guess.clone()), hour(100));
    story.run(&record(Cost { on: Some(day(10)), ..cost(Kind::StaffTime, 120_050) }), hour(101));
    let costs = &story.incident().costs;
    assert_eq!((costs.total(), costs.estimated()), (Some(620_050), 500_000));
    assert_eq!(fault(&story, &correct(1, 1, guess)), Fault::Same);
    assert_eq!(fault(&story, &correct(3, 1, cost(Kind::Other, 1))), Fault::NoSuchCost);
    story.run(&correct(1, 1, cost(Kind::OutsideHelp, 432_100)), hour(102));
    assert_eq!(fault(&story, &correct(1, 1, cost(Kind::OutsideHelp, 1))), Fault::CostMoved { current: 2 });
    assert_eq!(fault(&story, &strike(1, 1)), Fault::CostMoved { current: 2 });
    let costs = &story.incident().costs;
    assert_eq!(costs.by_kind(), [(Kind::StaffTime, 120_050), (Kind::OutsideHelp, 432_100)]);
    assert_eq!((costs.estimated(), costs.cost(1).unwrap().earlier[0].cost.pence.get()), (0, 500_000));
    story.run(&strike(1, 2), hour(103));
    assert_eq!(fault(&story, &strike(1, 2)), Fault::StruckOut);
    assert_eq!(fault(&story, &correct(1, 2, cost(Kind::Other, 1))), Fault::StruckOut);
    let costs = &story.incident().costs;
    assert_eq!((costs.total(), costs.recorded.len()), (Some(120_050), 2));
    story.run(&strike(2, 1), hour(104));
    assert_eq!(story.incident().costs.total(), None, "nothing stands, which is not nought");
    story.run(&record(cost(Kind::Penalty, 1)), hour(105));
    assert_eq!(story.incident().costs.recorded.last().unwrap().number, 3, "no number is given twice");
}

/// A day is not in the future and no slip of the hand; it may be left out.
#[test]
fn days_are_possible() {
    let mut story = Story::breach(0);
    let on = |on| record(Cost { on: Some(on), ..cost(Kind::Support, 100) });
    assert_eq!(fault(&story, &on(day(11))), Fault::InFuture);
    assert_eq!(fault(&story, &on(NaiveDate::from_ymd_opt(1999, 12, 31).unwrap())), Fault::TooEarly);
    story.run(&on(NaiveDate::from_ymd_opt(2000, 1, 1).unwrap()), hour(100));
    let later = Cost { on: Some(day(11)), ..cost(Kind::Support, 100) };
    assert_eq!(fault(&story, &correct(1, 1, later)), Fault::InFuture);
}

/// Numbers of costs, and of corrections of one, are limited.
#[test]
fn there_are_limits() {
    let mut story = Story::breach(0);
    for n in 1..=i64::try_from(COSTS_MAX).unwrap() {
        story.run(&record(cost(Kind::Other, n)), hour(100));
    }
    story.run(&strike(2, 1), hour(101));
    assert_eq!(fault(&story, &record(cost(Kind::Other, 1))), Fault::TooManyCosts, "one struck out counts too");
    for n in 1..=u32::try_from(CORRECTIONS_MAX).unwrap() {
        story.run(&correct(1, n, cost(Kind::Other, 1 + i64::from(n))), hour(102));
    }
    assert_eq!(fault(&story, &correct(1, 21, cost(Kind::Other, 9_999))), Fault::TooManyCorrections);
}

/// Invoices come after closing too. After erasure amounts stand, words are gone, and nothing more is recorded.
#[test]
fn amounts_survive_erasure_and_words_do_not() {
    let mut story = Story::circumstances(0);
    story.run(&Command::Close { open_duties: Vec::new(), by: responder() }, hour(101));
    assert_eq!(story.incident().stage, Stage::Closed);
    let noted = Cost { note: Some(line("Invoice 17 of Jo Bloggs.")), on: Some(day(9)), ..cost(Kind::OutsideHelp, 900) };
    story.run(&record(noted), hour(102));
    story.run(&correct(1, 1, Cost { on: Some(day(9)), ..cost(Kind::OutsideHelp, 950) }), hour(103));
    story.run(&record(cost(Kind::Other, 5)), hour(103));
    story.run(&strike(2, 1), hour(104));
    story.run(&record(Cost { estimate: true, ..cost(Kind::Compensation, 100) }), hour(104));
    let events = story.run(&Command::Anonymise { by: dpo(1) }, hour(105)).events;
    let json = serde_json::to_string(&events).unwrap();
    assert!(!json.contains("Bloggs") && !json.contains("Person"), "{json}");
    let written = r#""costs":[{"kind":"outside_help","pence":950,"on":"2026-03-09"},{"kind":"compensation","pence":100,"estimate":true}]"#;
    assert!(json.contains(written), "{json}");
    assert_eq!(&fold(&events).unwrap(), story.incident());
    let costs = &story.incident().costs;
    assert_eq!((costs.total(), costs.estimated(), costs.recorded.len()), (Some(1_050), 100, 0));
    let kept = Kept { kind: Kind::OutsideHelp, pence: Pence::new(950).unwrap(), on: Some(day(9)), estimate: false };
    assert_eq!(costs.standing().next(), Some(kept));
    assert_eq!(story.refused(&record(cost(Kind::Other, 1)), hour(106)), Refusal::NotOpen { stage: "anonymised" });
}

/// The JSON of every change is frozen, and so is every word of a kind.
#[test]
fn changes_keep_their_form() {
    let whole =
        Cost { on: Some(day(9)), estimate: true, note: Some(line("Quote 17.")), ..cost(Kind::OutsideHelp, 125_050) };
    let changes = vec![
        ("recorded", Change::Recorded { number: 1, cost: whole }),
        (
            "corrected",
            Change::Corrected { number: 1, cost: cost(Kind::StaffTime, 99_900), reason: long("The invoice came.") },
        ),
        ("struck", Change::Struck { number: 1, reason: long("Paid back.") }),
    ];
    let name = |change: &Change| match change {
        Change::Recorded { .. } => "recorded",
        Change::Corrected { .. } => "corrected",
        Change::Struck { .. } => "struck",
    };
    assert!(changes.iter().all(|(given, change)| *given == name(change)));
    let names: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
    hold_golden("costs", &names, &changes);
    assert!(changes.into_iter().all(|(_, change)| round_trips(&Event::Costs { change, at: hour(5), by: dpo(1) })));
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(
        words,
        ["staff_time", "outside_help", "telling_people", "support", "replacement", "compensation", "penalty", "other",]
    );
    assert!(Kind::ALL.iter().all(|kind| Kind::from_word(kind.word()) == Some(*kind) && !kind.label().is_empty()));
}
