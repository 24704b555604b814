#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use chrono::Timelike;
use chrono_tz::Europe::London;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::clock::{Anchor, ClockState};
use crate::incident::tests::kit::{dpo, hold_golden, line, long};
use crate::ladder::Reachable;
use crate::values::{PersonId, Role};
use crate::working_time::{first_instant, last_instant};

const LAW: ClockKind = ClockKind::ComplaintAcknowledgement;
const PROMISED: ClockKind = ClockKind::ComplaintPromisedAcknowledgement;
const ANSWER: ClockKind = ClockKind::ComplaintPromisedAnswer;
/// In minutes.
const DAY: i32 = 24 * 60;
/// From the midnight that ends a limit's day to the morning after.
const MORNING: i32 = 9 * 60;
const VECTORS: &str = include_str!("../../testdata/complaint-clock-vectors.csv");

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn received() -> Moment {
    at("2026-11-23T10:00:00Z")
}

fn log() -> Log {
    Log {
        id: ComplaintId::from_uuid(Uuid::from_u128(0xcc)),
        reference: line("CP-2026-0007"),
        received_at: received(),
        channel: Channel::Email,
        category: Category::Security,
        about: long("A street report was sent to the wrong contractor."),
        incident: Some(IncidentId::from_uuid(Uuid::from_u128(1))),
        due: Due::of(Law::Uk, true, received(), &London).unwrap(),
        by: dpo(1),
    }
}

fn run(state: &mut Option<Complaint>, command: &Command, now: Moment) -> Vec<Event> {
    let events = decide(state.as_ref(), command, now).unwrap();
    for event in &events {
        *state = evolve(state.take(), event);
    }
    events
}

/// Aim: every given vector through what a logged complaint holds, at whatever hour of its day it came.
#[test]
fn every_complaint_vector() {
    let rows: Vec<Vec<&str>> = VECTORS.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let day: chrono::NaiveDate = row[1].parse().unwrap();
        let expected = last_instant(row[5].parse().unwrap(), &London);
        for received in [first_instant(day, &London), last_instant(day, &London)] {
            let due = Due::of(Law::Uk, true, received, &London).unwrap();
            let found = match (row[4], row[3]) {
                ("working_days_england_wales", "5") => due.promised_acknowledgement,
                ("working_days_england_wales", "20") => due.promised_answer,
                ("calendar_days_s164A_from_day_after_receipt", _) => due.acknowledgement.map(|limits| limits.limit),
                ("calendar_days_s164A_strict_receipt_day_counts", _) => due.acknowledgement.map(|limits| limits.alarm),
                other => panic!("unknown rule {other:?}"),
            };
            assert_eq!(found, Some(expected), "{}", row[0]);
        }
    }
}

/// Aim: no duty is made up: none before the law's first day or in another law, no promise that nobody made, no date for the
/// answer in law.
#[test]
fn nothing_is_owed_that_nobody_says() {
    let of = |law, promised, day: &str| Due::of(law, promised, at(day), &London).unwrap();
    assert_eq!(of(Law::Uk, false, "2026-06-18T10:00:00Z"), Due::default());
    assert_eq!(of(Law::Eu, false, "2026-11-23T10:00:00Z"), Due::default());
    let due = of(Law::Uk, false, "2026-06-19T10:00:00Z");
    assert!(due.acknowledgement.is_some() && due.promised_acknowledgement.is_none() && due.promised_answer.is_none());
    // Holidays of those years are not known: refused, not guessed.
    assert!(Due::of(Law::Uk, true, at("2034-12-20T10:00:00Z"), &London).is_err());
}

/// Aim: the way of a complaint, and that lateness is judged by the instants on the record.
#[test]
fn it_is_acknowledged_and_answered() {
    let mut state = None;
    run(&mut state, &Command::Log(Box::new(log())), at("2026-11-24T09:00:00Z"));
    let complaint = state.clone().unwrap();
    assert_eq!(complaint.next_due(), Some(at("2026-11-30T23:59:59.999999Z")));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-22T23:00:00Z")), Some(Timeliness::InTime));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-23T12:00:00Z")), Some(Timeliness::WithinLegalLimit));
    assert_eq!(complaint.acknowledgement_in_law(at("2026-12-24T00:00:00Z")), Some(Timeliness::Late));
    let now = at("2027-01-05T09:00:00Z");
    let refused = |command: &Command, state: &Option<Complaint>| decide(state.as_ref(), command, now).unwrap_err();
    let acknowledge = |text: &str| Command::Acknowledge { at: at(text), by: dpo(1) };
    assert_eq!(refused(&acknowledge("2026-11-23T09:59:59Z"), &state), Refusal::BeforeReceipt);
    assert_eq!(refused(&acknowledge("2027-01-05T09:00:01Z"), &state), Refusal::InFuture);
    assert_eq!(refused(&Command::Anonymise, &state), Refusal::NotAnswered);
    run(&mut state, &acknowledge("2026-12-22T12:00:00Z"), now);
    assert_eq!(refused(&acknowledge("2026-12-22T12:00:00Z"), &state), Refusal::AlreadyAcknowledged);
    // Recorded late, done in time.
    assert_eq!(state.as_ref().unwrap().acknowledgement_in_law(now), Some(Timeliness::InTime));
    assert_eq!(state.as_ref().unwrap().next_due(), Some(at("2026-12-21T23:59:59.999999Z")));
    run(&mut state, &Command::Note { note: long("Asked the contractor."), by: dpo(1) }, now);
    let answer = Command::Answer { at: now, outcome: Outcome::Upheld, note: Some(long("Sorry.")), by: dpo(1) };
    run(&mut state, &answer, now);
    assert_eq!(refused(&answer, &state), Refusal::AlreadyAnswered);
    let complaint = state.clone().unwrap();
    assert_eq!((complaint.stage, complaint.next_due(), complaint.notes), (Stage::Answered, None, 1));
    run(&mut state, &Command::Anonymise, now);
    let kept = serde_json::to_string(&state).unwrap();
    assert!(!kept.contains("contractor") && kept.contains("CP-2026-0007"));
    assert_eq!(refused(&acknowledge("2026-12-22T12:00:00Z"), &state), Refusal::Anonymised);
}

/// A data protection officer, a manager and a responder.
fn orders() -> Arc<Orders> {
    let reachable = |n: u128, role| Reachable { person: person(n), roles: vec![role] };
    let people = vec![reachable(1, Role::Dpo), reachable(2, Role::Manager), reachable(3, Role::Responder)];
    Arc::new(Orders { people, ..Orders::default() })
}

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

fn tick() -> Command {
    Command::Tick { orders: orders() }
}

fn minutes(from: Moment, minutes: i32) -> Moment {
    from.plus_seconds(i64::from(minutes) * 60)
}

/// What fired: which duty, at which step, whom it reached.
fn fired(events: &[Event]) -> Vec<(ClockKind, i32, Vec<PersonId>)> {
    let step = |event: &Event| {
        let Event::StepFired { kind, offset_minutes, reached, .. } = event else { return None };
        Some((*kind, *offset_minutes, reached.people.clone()))
    };
    events.iter().filter_map(step).collect()
}

fn owed(state: &Option<Complaint>, kind: ClockKind) -> Owed {
    state.as_ref().unwrap().owed().into_iter().find(|owed| owed.clock.kind == kind).unwrap()
}

/// Aim: what is owed is what was fixed when it was logged: the law's with its later limit, promises marked as ours.
#[test]
fn what_is_owed_has_clocks() {
    let mut state = None;
    run(&mut state, &Command::Log(Box::new(log())), received());
    let kinds: Vec<_> = state.as_ref().unwrap().owed().iter().map(|owed| owed.clock.kind).collect();
    assert_eq!(kinds, ClockKind::OF_COMPLAINTS);
    assert!(kinds.iter().all(|kind| kind.is_of_complaint()));
    let law = owed(&state, LAW);
    assert_eq!(
        (law.clock.due(), law.limit),
        (at("2026-12-22T23:59:59.999999Z"), Some(at("2026-12-23T23:59:59.999999Z")))
    );
    assert_eq!(
        (law.clock.anchor, law.clock.anchored_at, law.clock.own_target),
        (Anchor::ComplaintReceived, received(), false)
    );
    for kind in [PROMISED, ANSWER] {
        let promise = owed(&state, kind);
        assert!(promise.clock.own_target && promise.limit.is_none(), "a promise is never law");
    }
    let bare = Log { due: Due::default(), ..log() };
    let mut none = None;
    run(&mut none, &Command::Log(Box::new(bare)), received());
    assert_eq!(none.as_ref().unwrap().owed(), [], "nothing has a time, so nothing counts down");
    assert_eq!(run(&mut none, &tick(), at("2027-11-23T10:00:00Z")), []);
}

/// Aim: an awake node reminds in the morning, when people can act: seven and two days before the last day, on it, and every
/// day after it 30 times: data protection officers, and managers from the due instant on. Then it is silent, and the duty
/// stays overdue.
#[test]
fn an_awake_node_reminds_step_by_step() {
    let mut state = None;
    let only_law = Due { acknowledgement: log().due.acknowledgement, ..Due::default() };
    run(&mut state, &Command::Log(Box::new(Log { due: only_law, ..log() })), received());
    let due = owed(&state, LAW).clock.due();
    let mut steps = Vec::new();
    for hour in 0..24 * 90 {
        let now = minutes(received(), hour * 60);
        let new = fired(&run(&mut state, &tick(), now));
        assert!(new.is_empty() || now.to_chrono().with_timezone(&London).hour() == 9, "{now}: {new:?}");
        steps.extend(new);
    }
    let expected: Vec<i32> = [-8, -3, -1].into_iter().chain(0..30).map(|day| day * DAY + MORNING).collect();
    assert_eq!(steps.iter().map(|(_, offset, _)| *offset).collect::<Vec<_>>(), expected);
    for (_, offset, people) in steps {
        assert_eq!(people, if offset < 0 { vec![person(1)] } else { vec![person(1), person(2)] });
    }
    assert_eq!(owed(&state, LAW).clock.state, ClockState::Overdue);
    assert!(due < minutes(received(), 24 * 60 * 90));
}

/// Aim: after a sleep one step of each ladder fires, once; lateness is recorded once, and what is done is judged by its own
/// instant: in time though it was recorded as overdue, within the legal limit, or late.
#[test]
fn a_sleep_is_no_storm_and_ends_are_judged_by_the_deed() {
    let mut state = None;
    run(&mut state, &Command::Log(Box::new(log())), received());
    let now = minutes(owed(&state, LAW).clock.due(), MORNING + 90);
    let events = run(&mut state, &tick(), now);
    let steps: Vec<_> = fired(&events).into_iter().map(|(kind, offset, _)| (kind, offset)).collect();
    assert_eq!(steps, [(LAW, MORNING), (PROMISED, 22 * DAY + MORNING), (ANSWER, DAY + MORNING)]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::BecameOverdue { .. })).count(), 3);
    assert_eq!(run(&mut state, &tick(), now), [], "a second look finds nothing");

    let ends = |text: &str| {
        let mut state = state.clone();
        run(&mut state, &Command::Acknowledge { at: at(text), by: dpo(1) }, at("2027-02-01T00:00:00Z"));
        assert!(fired(&run(&mut state, &tick(), at("2027-02-01T00:00:00Z"))).iter().all(|(kind, ..)| *kind == ANSWER));
        [owed(&state, LAW).clock.state, owed(&state, PROMISED).clock.state]
    };
    let [law, promised] = ends("2026-11-25T12:00:00Z");
    assert!(matches!(law, ClockState::Met { proved_late: true, .. }) && matches!(promised, ClockState::Met { .. }));
    let [law, promised] = ends("2026-12-23T12:00:00Z");
    assert!(matches!(law, ClockState::Met { proved_late: false, .. }), "within the legal limit: {law:?}");
    assert!(matches!(promised, ClockState::MetLate { .. }));
    assert!(matches!(ends("2026-12-24T00:00:00Z")[0], ClockState::MetLate { .. }));

    let answer = Command::Answer { at: now, outcome: Outcome::Withdrawn, note: None, by: dpo(1) };
    run(&mut state, &answer, now);
    assert_eq!(run(&mut state, &tick(), at("2027-02-01T00:00:00Z")), [], "nothing is owed any more");
}

/// Aim: in hand, a duty rests for a day; then its ladder goes on where it stood. Only what is owed can be taken in hand.
#[test]
fn taken_in_hand_it_rests_for_a_day() {
    let mut state = None;
    run(&mut state, &Command::Log(Box::new(log())), received());
    let due = owed(&state, LAW).clock.due();
    let take = |kind, due, n| Command::TakeInHand { kind, due, by: dpo(n) };
    let now = minutes(due, -3 * DAY);
    run(&mut state, &tick(), now);
    let refused = |command: &Command, state: &Option<Complaint>| decide(state.as_ref(), command, now).unwrap_err();
    assert_eq!(refused(&take(LAW, received(), 1), &state), Refusal::NoSuchDuty);
    assert_eq!(refused(&take(ClockKind::IcoReport, due, 1), &state), Refusal::NoSuchDuty);
    for kind in [LAW, PROMISED, ANSWER] {
        let due = owed(&state, kind).clock.due();
        run(&mut state, &take(kind, due, 1), now);
    }
    assert_eq!(refused(&take(LAW, due, 1), &state), Refusal::InHandAlready);
    run(&mut state, &take(LAW, due, 2), now);
    let steps =
        |events: &[Event]| fired(events).into_iter().map(|(kind, offset, _)| (kind, offset)).collect::<Vec<_>>();
    assert_eq!(steps(&run(&mut state, &tick(), minutes(now, DAY - 1))), [], "it rests");
    let resumed = run(&mut state, &tick(), minutes(now, DAY));
    assert_eq!(steps(&resumed).first(), Some(&(LAW, -3 * DAY + MORNING)));
    assert!(resumed.iter().any(|event| matches!(event, Event::Ladder { change: LadderChange::Lapsed { .. }, .. })));
    let seen = LadderCommand::MarkSeen { kind: LAW, due };
    let unasked = refused(&Command::Ladder { command: seen, by: dpo(1) }, &state);
    assert_eq!(unasked, Refusal::Ladder(LadderRefusal::NotAsked));
    run(&mut state, &Command::Acknowledge { at: now, by: dpo(1) }, now);
    assert_eq!(refused(&take(LAW, due, 3), &state), Refusal::NoSuchDuty);
}

proptest! {
    /// Over any sequence of looks, deeds and takings in hand every step is recorded once, in order, never ahead of its time,
    /// and of each ladder at most one fires in a look.
    #[test]
    fn every_step_is_recorded_once(
        late in 0..200_000_i32,
        acts in prop::collection::vec((0..20_000_i32, 0..12_u8), 1..60),
    ) {
        let mut now = minutes(received(), late);
        let mut state = None;
        run(&mut state, &Command::Log(Box::new(log())), now);
        let mut recorded = std::collections::BTreeSet::new();
        let mut last = std::collections::BTreeMap::new();
        let mut overdue = std::collections::BTreeSet::new();
        for (after, act) in acts {
            now = minutes(now, after);
            let command = match act {
                0 => Command::Acknowledge { at: now, by: dpo(1) },
                1 => {
                    let kind = LAW;
                    Command::TakeInHand { kind, due: owed(&state, kind).clock.due(), by: dpo(1) }
                }
                _ => tick(),
            };
            let Ok(events) = decide(state.as_ref(), &command, now) else { continue };
            let mut of_look = std::collections::BTreeSet::new();
            for event in &events {
                state = evolve(state.take(), event);
                if let Event::BecameOverdue { kind, due, .. } = event {
                    prop_assert!(overdue.insert(*kind) && *due < now);
                }
                let Event::StepFired { kind, due, offset_minutes, passed, .. } = event else { continue };
                prop_assert!(of_look.insert(*kind), "one of each ladder");
                for offset in passed.iter().chain([offset_minutes]) {
                    prop_assert!(recorded.insert((*kind, *offset)), "{kind:?} {offset} twice");
                    prop_assert!(last.insert(*kind, *offset).is_none_or(|last| last < *offset));
                    prop_assert!(minutes(*due, *offset) <= now);
                }
            }
            let ticked = act > 1;
            let again = decide(state.as_ref(), &tick(), now).unwrap();
            prop_assert!(!ticked || again.is_empty(), "a second look finds nothing");
        }
    }
}

/// The JSON of every event is frozen.
#[test]
fn events_keep_their_form() {
    let (at, by) = (at("2026-11-24T09:00:00Z"), dpo(1));
    let logged = decide(None, &Command::Log(Box::new(log())), at).unwrap().remove(0);
    let state = evolve(None, &logged).unwrap();
    let survives = Box::new(Complaint { about: None, stage: Stage::Anonymised, ..state });
    let answered = Event::Answered { answered_at: at, outcome: Outcome::NotForUs, note: None, at, by: by.clone() };
    let due = log().due.acknowledgement.unwrap().alarm;
    let people = by.person().into_iter().collect();
    let reached = Reached { people, ..Reached::default() };
    let stepped = Event::StepFired { kind: LAW, due, offset_minutes: -2 * DAY, passed: vec![-7 * DAY], reached, at };
    hold_golden(
        "complaint",
        &[
            "logged",
            "acknowledged",
            "noted",
            "answered",
            "anonymised",
            "became_overdue",
            "step_fired",
            "taken_in_hand",
            "ladder",
        ],
        &[
            ("logged", logged),
            ("acknowledged", Event::Acknowledged { acknowledged_at: at, at, by: by.clone() }),
            ("noted", Event::Noted { note: long("Asked the contractor."), at, by: by.clone() }),
            ("answered", answered),
            ("anonymised", Event::Anonymised { survives, at }),
            ("became_overdue", Event::BecameOverdue { kind: LAW, due, at }),
            ("step_fired", stepped),
            ("taken_in_hand", Event::TakenInHand { kind: LAW, due, at, by: by.clone() }),
            (
                "ladder",
                Event::Ladder { change: LadderChange::Lapsed { kind: LAW, due, holder: by }, at, by: Actor::Node },
            ),
        ],
    );
    for (word, label) in Category::ALL.iter().map(|it| (it.word(), it.label())) {
        assert!(Category::from_word(word).is_some() && !label.is_empty());
    }
}
