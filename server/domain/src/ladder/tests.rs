//! Rules of ladders, by the built-in plan and under changing ones.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::values::Role;

const HOUR: i64 = 3_600;

fn due() -> Moment {
    Moment::parse("2026-03-05T02:10:00Z").unwrap()
}

fn anchored() -> Moment {
    due().plus_seconds(-48 * HOUR)
}

fn plan() -> Plan {
    Plan::built_in(ClockKind::PartnerNotice)
}

fn at_minutes(minutes: i32) -> Moment {
    due().plus_seconds(i64::from(minutes) * 60)
}

#[test]
fn steps_come_before_at_hourly_for_a_day_and_daily_for_a_year() {
    let mut steps = Vec::new();
    let plan = plan();
    while let Some(step) = plan.offset_after(steps.last().copied()) {
        steps.push(step);
    }
    let (before, after) = steps.split_at(6);
    assert!(plan.up_to_due().eq(before.iter().copied()));
    assert_eq!(before, [-1440, -720, -360, -120, -30, 0]);
    assert!(after.iter().take(24).copied().eq((1..=24).map(|hour| hour * 60)));
    assert!(after.iter().skip(24).copied().eq((2..=365).map(|day| day * 1440)));
}

/// Aim: steps every day keep the hour of the last listed one; where steps every hour come between they count from the due
/// instant; and a plan that comes to another hour goes on from the last step of the one before.
#[test]
fn steps_every_day_keep_their_hour() {
    let plan = Plan::built_in(ClockKind::ComplaintAcknowledgement);
    let all = |plan: &Plan| {
        let mut steps: Vec<i32> = Vec::new();
        while let Some(step) = plan.offset_after(steps.last().copied()) {
            steps.push(step);
        }
        steps
    };
    let steps = all(&plan);
    assert_eq!(steps.iter().take(5).copied().collect::<Vec<_>>(), [-10_980, -3_780, -900, 540, 1_980]);
    assert_eq!((steps.len(), steps.last().copied()), (33, Some(29 * 1_440 + 540)));
    assert_eq!(plan.offset_after(Some(1_440)), Some(1_980));
    let hourly = all(&Plan { hourly_until: 1_440, ..plan.clone() });
    assert!(hourly.iter().skip(4).take(15).copied().eq((10..=24).map(|hour| hour * 60)));
    assert!(hourly.iter().skip(19).copied().eq((2..=30).map(|day| day * 1_440)));

    let mut later = plan.clone();
    later.steps[3].offset_minutes = 600;
    let later = later.replacing(&plan, at_minutes(0));
    assert_eq!((later.repeats_since, later.steps[2].since), (Some(at_minutes(0)), None));
    let listed = Plan {
        steps: [plan.steps.clone(), vec![Step { offset_minutes: 1_980, ..plan.steps[3].clone() }]].concat(),
        ..plan.clone()
    };
    assert_eq!(listed.replacing(&plan, at_minutes(5_000)).steps[4].since, None, "it was one that repeated");
}

#[test]
fn a_step_fires_at_its_instant_not_before() {
    let early = decide(&plan(), due(), anchored(), None, at_minutes(-1440).plus_seconds(-1));
    assert_eq!(early, StepDecision { fire: None, passed: vec![], next_at: Some(at_minutes(-1440)) });
    let on_time = decide(&plan(), due(), anchored(), None, at_minutes(-1440));
    assert_eq!(on_time, StepDecision { fire: Some(-1440), passed: vec![], next_at: Some(at_minutes(-720)) });
    assert_eq!(on_time.reached(), Some(-1440));
    let again = decide(&plan(), due(), anchored(), on_time.reached(), at_minutes(-1440));
    assert_eq!(again, StepDecision { fire: None, passed: vec![], next_at: Some(at_minutes(-720)) });
}

#[test]
fn after_a_sleep_the_most_urgent_fires_and_the_others_are_passed() {
    let woken = decide(&plan(), due(), anchored(), Some(-1440), at_minutes(61));
    assert_eq!(woken.fire, Some(60));
    assert_eq!(woken.passed, [-720, -360, -120, -30, 0]);
    assert_eq!(woken.next_at, Some(at_minutes(120)));
}

#[test]
fn steps_at_or_before_the_anchor_are_passed_and_never_fire() {
    let anchor = at_minutes(-720);
    let at_start = decide(&plan(), due(), anchor, None, anchor);
    assert_eq!(at_start, StepDecision { fire: None, passed: vec![-1440, -720], next_at: Some(at_minutes(-360)) });
    assert_eq!(at_start.reached(), Some(-720));
    assert_eq!(next_step(&plan(), due(), anchor, None), Some(at_minutes(-360)));
    assert_eq!(next_step(&plan(), due(), anchored(), None), Some(at_minutes(-1440)));
    assert_eq!(next_step(&plan(), due(), anchor, at_start.reached()), Some(at_minutes(-360)));
}

#[test]
fn a_very_long_sleep_stays_bounded_and_the_ladder_ends_after_a_year() {
    let woken = decide(&plan(), due(), anchored(), None, due().plus_seconds(1000 * 24 * HOUR));
    assert_eq!((woken.fire, woken.next_at), (Some(OFFSET_MAX), None));
    assert_eq!((woken.passed.len(), woken.passed.last().copied()), (PASSED_MAX, Some(OFFSET_MAX - 1_440)));
    assert_eq!(next_step(&plan(), due(), anchored(), Some(OFFSET_MAX)), None);
    let later = decide(&plan(), due(), anchored(), woken.reached(), due().plus_seconds(2000 * 24 * HOUR));
    assert_eq!(later, StepDecision { fire: None, passed: vec![], next_at: None });
}

#[test]
fn the_state_is_stored_and_read_back() {
    let state = LadderState {
        last_offset: Some(-30),
        in_hand: Some(Actor::Node),
        in_hand_at: Some(due()),
        ..LadderState::new(ClockKind::IcoReport, due())
    };
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<LadderState>(&json).unwrap(), state);
}

/// Aim: a person with the duty in hand stops the ladder for the stated time; then it goes on, and says who had it.
#[test]
fn taking_in_hand_lapses() {
    let (kind, by) = (ClockKind::PartnerNotice, person(1));
    let mut ladder = LadderState::new(kind, due());
    assert_eq!(lapsed(&ladder, &plan(), at_minutes(9_999)), None);
    ladder.take(&by, at_minutes(-600));
    assert_eq!(ladder.lapses_at(&plan()), Some(at_minutes(-360)));
    assert_eq!(lapsed(&ladder, &plan(), at_minutes(-360).plus_seconds(-1)), None);
    let change = lapsed(&ladder, &plan(), at_minutes(-360)).unwrap();
    assert_eq!(change, LadderChange::Lapsed { kind, due: due(), holder: by.clone() });
    ladder.change(&change, &Actor::Node);
    assert_eq!((lapsed(&ladder, &plan(), at_minutes(0)), ladder.in_hand.clone()), (None, None), "once");
    ladder.take(&by, at_minutes(0));
    let never = Plan { lapse_minutes: None, ..plan() };
    assert_eq!(lapsed(&ladder, &never, at_minutes(9_999)), None);
}

/// Aim: only who was asked says that they have seen it, once; who has not is unseen.
#[test]
fn each_says_that_they_have_seen_it() {
    let kind = ClockKind::IcoReport;
    let seen = LadderCommand::MarkSeen { kind, due: due() };
    let mut ladder = LadderState::new(kind, due());
    assert_eq!(command(None, &seen, &person(1)), Err(LadderRefusal::NoSuchDuty));
    assert_eq!(command(Some(&ladder), &seen, &person(1)), Err(LadderRefusal::NotAsked));
    ladder.fire(-30, &Reached { people: vec![id(1), id(2)], must_see: true, ..Reached::default() });
    assert_eq!(ladder.unseen(), [id(1), id(2)]);
    assert_eq!(command(Some(&ladder), &seen, &person(3)), Err(LadderRefusal::NotAsked));
    assert_eq!(command(Some(&ladder), &seen, &Actor::Node), Err(LadderRefusal::NotAsked));
    let change = command(Some(&ladder), &seen, &person(2)).unwrap();
    ladder.change(&change, &person(2));
    assert_eq!(ladder.unseen(), [id(1)]);
    assert_eq!(command(Some(&ladder), &seen, &person(2)), Err(LadderRefusal::SeenAlready));
    ladder.fire(0, &Reached { people: vec![id(1)], ..Reached::default() });
    assert_eq!(ladder.unseen(), [], "the next step asks nobody");
}

/// Aim: roles, people and whoever is on call are reached, each once; where that is nobody, managers are.
#[test]
fn a_step_reaches_whom_it_names() {
    let kind = ClockKind::PartnerNotice;
    let reachable = |number, roles: &[Role]| Reachable { person: id(number), roles: roles.to_vec() };
    let mut orders = Orders {
        people: vec![
            reachable(1, &[Role::Responder]),
            reachable(2, &[Role::Manager]),
            reachable(3, &[Role::Auditor]),
            reachable(4, &[Role::Responder, Role::Dpo]),
        ],
        ..Orders::default()
    };
    assert_eq!(orders.reach(kind, 0, None).people, [id(1), id(2), id(4)]);
    let reaching = |reaches: Reach| {
        let mut plan = plan();
        plan.steps.iter_mut().for_each(|step| step.reaches = reaches.clone());
        let mut plans = Plans::default();
        plans.set(kind, plan);
        plans
    };
    orders.plans = reaching(Reach { on_call: true, people: vec![id(3), id(9)], ..Reach::default() });
    orders.on_call = vec![id(4)];
    let reached = orders.reach(kind, 1_500, None);
    assert_eq!((reached.people.clone(), reached.instead), (vec![id(3), id(4)], false), "a repeated step too");
    orders.on_call = Vec::new();
    let reached = orders.reach(kind, 0, None);
    assert_eq!((reached.people.clone(), reached.instead), (vec![id(2), id(3)], true), "nobody on call");
    orders.plans = reaching(Reach { people: vec![id(9)], ..Reach::default() });
    assert_eq!(orders.reach(kind, 0, None).people, [id(2)], "whom it names is gone");
}

/// Aim: every limit of a plan is refused by name.
#[test]
fn a_plan_keeps_its_limits() {
    for kind in ClockKind::ALL {
        assert_eq!(Plan::built_in(kind).faults(), []);
    }
    let with = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.faults()
    };
    assert_eq!(with(|plan| plan.steps.clear()), [PlanFault::Count, PlanFault::NoneBefore]);
    assert_eq!(with(|plan| plan.steps[0].offset_minutes = OFFSET_MIN - 1), [PlanFault::Offset { step: 0 }]);
    assert_eq!(with(|plan| plan.steps[1].offset_minutes = -1_440), [PlanFault::Twice { step: 1 }]);
    assert_eq!(with(|plan| plan.steps[2].reaches = Reach::default()), [PlanFault::Nobody { step: 2 }]);
    assert_eq!(with(|plan| plan.steps.retain(|step| step.offset_minutes > 0)).len(), 2);
    let none_after = with(|plan| (plan.hourly_until, plan.daily_until) = (0, 0));
    assert_eq!(none_after, [PlanFault::NoneAfter]);
    assert_eq!(with(|plan| plan.hourly_until = 90), [PlanFault::Repeats]);
    assert_eq!(with(|plan| plan.lapse_minutes = Some(14)), [PlanFault::Lapse]);
    let twenty_one = with(|plan| {
        let step = plan.steps[5].clone();
        plan.steps.extend((1..16).map(|minutes| Step { offset_minutes: minutes, ..step.clone() }));
    });
    assert_eq!(twenty_one, [PlanFault::Count]);
}

/// Aim: a step that a change adds calls nobody for an instant gone by; what both plans have stays as it was.
#[test]
fn a_change_calls_nobody_for_the_past() {
    let now = at_minutes(-700);
    let mut next = plan();
    next.steps.insert(2, Step { offset_minutes: -701, ..next.steps[0].clone() });
    next.steps.insert(3, Step { offset_minutes: -699, ..next.steps[0].clone() });
    let next = next.replacing(&plan(), now);
    assert_eq!(next.steps[0].since, None);
    assert_eq!(next.repeats_since, None);
    let decided = decide(&next, due(), anchored(), Some(-1_440), now);
    assert_eq!((decided.fire, decided.next_at), (Some(-720), Some(at_minutes(-699))));
    assert_eq!(next_step(&next, due(), anchored(), Some(-720)), Some(at_minutes(-699)));
}

fn id(number: u128) -> PersonId {
    PersonId::from_slice(uuid::Uuid::from_u128(number).as_bytes()).unwrap()
}

fn person(number: u128) -> Actor {
    let name = crate::values::Line::parse("Somebody").unwrap();
    Actor::Person { id: id(number), name, role: Role::Responder, through: None }
}

proptest! {
    /// Over any sequence of ticks every step is fired or passed once, in order, and never ahead of its time.
    #[test]
    fn every_step_happens_once(
        length in 1..200_i64,
        mut ticks in prop::collection::vec(0..60_i64 * 24 * 60, 1..60),
    ) {
        ticks.sort_unstable();
        let anchored = due().plus_seconds(-length * HOUR);
        let (mut last, mut seen, mut fired) = (None, BTreeSet::new(), Vec::new());
        for minutes in ticks {
            let now = anchored.plus_seconds(minutes * 60);
            let decision = decide(&plan(), due(), anchored, last, now);
            for step in decision.passed.iter().chain(&decision.fire) {
                prop_assert!(seen.insert(*step), "a step happens once");
                prop_assert!(step_at(due(), *step) <= now.max(anchored));
            }
            if let Some(step) = decision.fire {
                prop_assert!(step_at(due(), step) > anchored);
                fired.push(step);
            }
            prop_assert!(decision.next_at.is_none_or(|next| next > now));
            let reached = decision.reached();
            prop_assert_eq!(next_step(&plan(), due(), anchored, reached.or(last)), decision.next_at);
            last = reached.or(last);
        }
        prop_assert!(fired.is_sorted());
    }

    /// Ticking every minute fires each step after the anchor at exactly its instant, and passes none of them.
    #[test]
    fn an_awake_node_misses_nothing(length in 1..72_i32) {
        let anchor = at_minutes(-length * 60);
        let (mut last, mut fired) = (None, Vec::new());
        for minutes in -length * 60..=180 {
            let decision = decide(&plan(), due(), anchor, last, at_minutes(minutes));
            prop_assert!(decision.fire.is_none_or(|step| step == minutes));
            fired.extend(decision.fire);
            last = decision.reached().or(last);
        }
        let expected: Vec<i32> = [-1440, -720, -360, -120, -30, 0, 60, 120, 180]
            .into_iter()
            .filter(|step| *step > -length * 60)
            .collect();
        prop_assert_eq!(fired, expected);
    }

    /// Over any sequence of ticks and changes of the plan every step is recorded at most once, in order, never ahead of its
    /// time, at most one fires in a tick, and none that came into the plan after its instant.
    #[test]
    fn changes_of_the_plan_fire_nothing_twice(
        length in 1..100_i64,
        acts in prop::collection::vec((0..20_i64 * 60, prop::option::of(plans())), 1..40),
    ) {
        let anchored = due().plus_seconds(-length * HOUR);
        let (mut now, mut plan, mut last) = (anchored, plan(), None);
        let mut recorded = BTreeSet::new();
        for (minutes, change) in acts {
            now = now.plus_seconds(minutes * 60);
            if let Some(change) = change {
                plan = change.replacing(&plan, now);
            }
            let decision = decide(&plan, due(), anchored, last, now);
            let newest = decision.reached().or(last);
            for step in decision.passed.iter().chain(&decision.fire) {
                prop_assert!(recorded.insert(*step), "step {} twice", step);
                prop_assert!(last.is_none_or(|last| *step > last), "the record stays in order");
                prop_assert!(step_at(due(), *step) <= now.max(anchored));
            }
            if let Some(fire) = decision.fire {
                let listed = plan.steps.iter().find(|step| step.offset_minutes == fire);
                let since = listed.map_or(plan.repeats_since, |step| step.since);
                prop_assert!(since.is_none_or(|since| step_at(due(), fire) > since));
            }
            let again = decide(&plan, due(), anchored, newest, now);
            prop_assert_eq!(again.fire, None, "a second look fires nothing");
            prop_assert!(next_step(&plan, due(), anchored, newest).is_none_or(|next| next > now));
            last = again.reached().or(newest);
            recorded.extend(again.passed);
        }
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let offsets = prop::collection::btree_set((-3_000..3_000_i32).prop_map(|minutes| minutes / 30 * 30), 1..8);
    (offsets, 0..30_i32, 0..20_i32).prop_map(|(offsets, hours, days)| {
        let first = plan().steps.remove(0);
        let steps = offsets.into_iter().map(|offset_minutes| Step { offset_minutes, ..first.clone() }).collect();
        Plan { steps, hourly_until: hours * 60, daily_until: days * 1_440, ..plan() }
    })
}
