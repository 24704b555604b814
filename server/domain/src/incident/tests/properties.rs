//! Any commands in any order, on an incident together with its exchanges: nothing is refused that a fan-out asks, nothing
//! is lost in folding, and what happens once happens once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::kit::*;
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::exchange::{self, Acknowledgement, Call, CallChannel, Exchange, Stance};
use crate::facts::IncidentKind;
use crate::incident::decision::{Ask, NotABreach, People};
use crate::incident::{
    AwarenessOf, Command, Event, FAN_OUT_CHUNK, Incident, Log, Outstanding, Stage, WithdrawalReason, decide, evolve,
    fold, next_check, report,
};
use crate::ladder::Plans;
use crate::report::{Submission, SubmissionChannel};
use crate::values::{Actor, Digest32, ExchangeId, Moment, Role};

/// What happens next, and how many minutes later.
#[derive(Debug, Clone)]
struct Step {
    minutes: u16,
    action: u8,
    choice: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u16..900, 0_u8..26, any::<u8>());
    prop::collection::vec(step.prop_map(|(minutes, action, choice)| Step { minutes, action, choice }), 1..60)
}

/// An incident with its exchanges, and every event so far.
#[derive(Default)]
struct World {
    now_minutes: i64,
    incident: Option<Incident>,
    events: Vec<Event>,
    exchanges: BTreeMap<ExchangeId, (Exchange, Vec<exchange::Event>)>,
}

impl World {
    fn now(&self) -> Moment {
        at(LOGGED).plus_seconds(self.now_minutes * 60)
    }

    fn command(&self, command: &Command) -> Option<crate::incident::Decision> {
        decide(self.incident.as_ref(), command, self.now()).ok()
    }

    /// Decides and records; a refusal changes nothing.
    fn run(&mut self, command: &Command) {
        let before = self.incident.clone();
        let Some(decision) = self.command(command) else { return };
        self.check_stage(before.as_ref(), &decision.events);
        for event in &decision.events {
            assert!(round_trips(event), "{event:?}");
            check_clock(self.incident.as_ref().and_then(|incident| incident.ico.as_ref()), event);
            self.incident = evolve(self.incident.take(), event);
        }
        self.events.extend(decision.events);
        assert!(decision.asks.len() <= FAN_OUT_CHUNK);
        for (id, ask) in &decision.asks {
            assert!(self.ask(*id, ask), "a fan-out's command is never refused: {ask:?}");
        }
    }

    fn ask(&mut self, id: ExchangeId, command: &exchange::Command) -> bool {
        let (mut state, mut events) = match self.exchanges.remove(&id) {
            Some((state, events)) => (Some(state), events),
            None => (None, Vec::new()),
        };
        let decided = exchange::decide(state.as_ref(), command, self.now());
        for event in decided.iter().flatten() {
            assert!(round_trips(event), "{event:?}");
            check_exchange_clock(state.as_ref(), event);
            state = exchange::evolve(state, event);
            events.push(event.clone());
        }
        if let Some(state) = state {
            self.exchanges.insert(id, (state, events));
        }
        decided.is_ok()
    }

    /// What is over changes no more, but for what has to.
    fn check_stage(&self, before: Option<&Incident>, events: &[Event]) {
        let Some(before) = before else { return };
        let allowed = |event: &Event| match before.stage {
            Stage::Held | Stage::Active => true,
            Stage::Withdrawn { .. } => {
                matches!(
                    event,
                    Event::FanOutAdvanced { .. }
                        | Event::ReportSubmitted { .. }
                        | Event::Report { .. }
                        | Event::Anonymised { .. }
                )
            }
            Stage::Closed => matches!(event, Event::Anonymised { .. }),
            Stage::Anonymised => false,
        };
        assert!(events.iter().all(allowed), "{:?}: {events:?}", before.stage);
    }

    fn outstanding(&self) -> Vec<Outstanding> {
        let clocks = |exchange: &Exchange| [exchange.notice_clock.clone(), exchange.acknowledgement_clock.clone()];
        let mut groups: BTreeMap<(ClockKind, Moment), Outstanding> = BTreeMap::new();
        for (exchange, _) in self.exchanges.values() {
            for clock in clocks(exchange).into_iter().flatten().filter(Clock::is_open) {
                let due = match clock.kind {
                    ClockKind::PartnerAcknowledgement => clock.due().floor_minute(),
                    ClockKind::PartnerNotice
                    | ClockKind::IcoReport
                    | ClockKind::Assistance
                    | ClockKind::PeopleTold
                    | ClockKind::FollowUp
                    | ClockKind::ComplaintAcknowledgement
                    | ClockKind::ComplaintPromisedAcknowledgement
                    | ClockKind::ComplaintPromisedAnswer => clock.due(),
                };
                let found = groups.entry((clock.kind, due)).or_insert_with(|| Outstanding {
                    kind: clock.kind,
                    due,
                    anchored_at: clock.anchored_at,
                    partners: 0,
                    first: Vec::new(),
                });
                found.partners += 1;
                found.first.push(exchange.partner);
            }
        }
        groups.into_values().collect()
    }

    fn tick(&mut self) {
        let ids: Vec<ExchangeId> = self.exchanges.keys().copied().collect();
        for id in ids {
            assert!(self.ask(id, &exchange::Command::Tick { orders: Arc::default() }));
            let (exchange, _) = &self.exchanges[&id];
            assert_eq!(
                exchange::decide(Some(exchange), &exchange::Command::Tick { orders: Arc::default() }, self.now()),
                Ok(Vec::new())
            );
        }
        let tick = Command::Tick { outstanding: self.outstanding(), orders: Arc::default() };
        self.run(&tick);
        let again = self.command(&tick).map(|decision| decision.events);
        assert!(again.is_none_or(|events| events.is_empty()), "a second look finds nothing");
        let next = self.incident.as_ref().and_then(|it| next_check(it, &Plans::default()));
        assert!(next.is_none_or(|next| next > self.now()), "what was due has been done");
    }

    fn act(&mut self, step: &Step) {
        self.now_minutes += i64::from(step.minutes);
        let by = person(
            u128::from(step.choice % 3),
            if step.choice.is_multiple_of(2) { Role::Dpo } else { Role::Responder },
        );
        match step.action {
            0..=4 => self.run(&Command::Advance),
            5..=8 => self.tick(),
            9..=13 => self.hear(step),
            action => {
                if let Some(command) = self.person_does(action, step.choice, by) {
                    self.run(&command);
                }
            }
        }
    }

    fn person_does(&self, action: u8, choice: u8, by: Actor) -> Option<Command> {
        let incident = self.incident.as_ref()?;
        let earlier = self.now().plus_seconds(-i64::from(choice) * 600);
        let reason = || long("A reason.");
        Some(match action {
            14 => Command::Release { by },
            15 => Command::UpdateFacts {
                base_version: incident.facts_version,
                facts: newer_facts(&format!("At {earlier}")),
                by,
            },
            16 => Command::SendUpdate { by },
            17 => {
                let of = if choice.is_multiple_of(2) { AwarenessOf::Breach } else { AwarenessOf::Circumstances };
                Command::CorrectAwareness { of, at: earlier, reason: reason(), by }
            }
            18 => Command::ResolveCorrection { confirm: !choice.is_multiple_of(4), by },
            19 => Command::ConvertToBreach { aware_at: earlier, owed: vec![owed(0), owed(90)], by },
            20 => match choice % 8 {
                0 => Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by },
                1 => Command::Close { open_duties: vec![], by },
                2 => Command::Anonymise { by },
                _ => Command::DraftReport { by },
            },
            21 => match choice % 3 {
                0 => Command::Report { command: report::Command::FollowUp, by },
                _ => recorded(
                    Submission {
                        at: earlier,
                        channel: SubmissionChannel::Telephone,
                        ico_reference: None,
                        delay_reasons: choice.is_multiple_of(2).then(reason),
                        proof: None,
                    },
                    by,
                ),
            },
            22 => Command::ProposeNotRequired { reason: reason(), by },
            23 => match incident.ladders.get(usize::from(choice % 4)) {
                Some(ladder) => Command::TakeInHand { kind: ladder.kind, due: ladder.due, by },
                None => Command::ResolveNotRequired { approve: !choice.is_multiple_of(3), by },
            },
            24 => assess(incident, by),
            25 => decided(incident, decision_of(choice), by),
            _ => return None,
        })
    }

    /// A partner's receipt or acknowledgement, or a call. Repeats and nonsense are refused.
    fn hear(&mut self, step: &Step) {
        let count = self.exchanges.len().max(1);
        let Some((id, (exchange, _))) = self.exchanges.iter().nth(usize::from(step.choice) % count) else { return };
        let when = self.now().plus_seconds(-i64::from(step.choice) * 60);
        let notice = exchange.notices.get(usize::from(step.choice % 3));
        let message = notice.map_or(crate::values::MessageId::derive(*id, "none", 1), |notice| notice.message);
        let id = *id;
        let command = match step.action {
            9 | 10 => exchange::Command::RecordReceipt {
                message,
                toe: when.floor_second(),
                receipt_sha256: Digest32::of(b"receipt"),
            },
            11 => exchange::Command::RecordAcknowledgement {
                acknowledgement: Acknowledgement {
                    revision_seen: 1,
                    stance: Stance::ALL[usize::from(step.choice % 3)],
                    reference: None,
                    name: line("R. Example"),
                    role: line("dpo"),
                    at: when,
                    by_link: false,
                    deleted: false,
                },
                message,
            },
            12 => {
                let backdate_reason = Some(long("Busy."));
                let call = Call {
                    to_whom: line("Duty desk"),
                    how: CallChannel::Telephone,
                    at: when,
                    note: None,
                    backdate_reason,
                };
                exchange::Command::RecordCall { call, by: responder() }
            }
            _ => exchange::Command::Abandon { message, reason: long("The pairing ended."), by: responder() },
        };
        self.ask(id, &command);
    }
}

fn decision_of(choice: u8) -> Ask {
    let reasons = || long("A reason.");
    let ground = NotABreach::ALL[usize::from(choice % 3)];
    match choice % 8 {
        0 => Ask::Report { reasons: reasons() },
        1 => Ask::ProposeNotRequired { reasons: reasons() },
        2 => Ask::ResolveNotRequired { approve: choice > 64 },
        3 => Ask::People { people: People::Tell, reasons: reasons() },
        4 => Ask::People { people: People::RiskNotHigh, reasons: reasons() },
        5 => Ask::ExplainDelay { reasons: reasons() },
        6 => Ask::ProposeNotABreach { ground, reasons: reasons() },
        _ => Ask::ResolveNotABreach { approve: choice > 64 },
    }
}

/// A clock starts running, and once ended never opens again; only earlier evidence turns late into in time.
fn check_clock(clock: Option<&Clock>, event: &Event) {
    match event {
        Event::ClockStarted { .. } => assert!(clock.is_none(), "a clock starts once"),
        Event::ClockChanged { change, .. } => check_change(clock.unwrap(), change),
        _ => {}
    }
}

fn check_exchange_clock(state: Option<&Exchange>, event: &exchange::Event) {
    let clock_of = |kind| match (state, kind) {
        (None, _) => None,
        (Some(it), ClockKind::PartnerNotice) => it.notice_clock.as_ref(),
        (Some(it), ClockKind::PartnerAcknowledgement) => it.acknowledgement_clock.as_ref(),
        (Some(it), ClockKind::IcoReport) => it.ico_clock.as_ref(),
        (
            Some(_),
            ClockKind::Assistance
            | ClockKind::PeopleTold
            | ClockKind::FollowUp
            | ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer,
        ) => None,
    };
    match event {
        exchange::Event::ClockStarted { clock } => assert!(clock_of(clock.kind).is_none(), "a clock starts once"),
        exchange::Event::ClockChanged { kind, change, .. } => check_change(clock_of(*kind).unwrap(), change),
        _ => {}
    }
}

fn check_change(clock: &Clock, change: &ClockChange) {
    let after = clock.clone().evolve(change);
    assert!(clock.is_open() || !after.is_open(), "a clock ends once: {clock:?} {change:?}");
    if let (false, ClockChange::Met { late, .. }) = (clock.is_open(), change) {
        assert!(!late, "only earlier evidence changes an end: {clock:?} {change:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any story folds to the state kept step by step, fires each ladder step once, and opens everybody who is owed.
    #[test]
    fn any_story_holds_together(steps in steps(), hold in any::<bool>(), kind in 0_u8..3, partners in 0_usize..4) {
        let kind = [IncidentKind::Breach, IncidentKind::LikelyToGiveRise, IncidentKind::UnderInvestigation][usize::from(kind)];
        let mut world = World::default();
        world.run(&Command::Log(Box::new(Log { hold, ..log(kind, partners) })));
        for step in &steps {
            world.act(step);
        }
        let mut seen = BTreeSet::new();
        for event in &world.events {
            if let Event::StepFired { kind, due, offset_minutes, .. } = event {
                prop_assert!(seen.insert((*kind, *due, *offset_minutes)), "fired twice: {:?}", event);
            }
        }
        while !world.incident.as_ref().unwrap().fan_outs.is_empty() {
            world.run(&Command::Advance);
        }
        prop_assert_eq!(&fold(&world.events), &world.incident);
        for (state, events) in world.exchanges.values() {
            prop_assert_eq!(exchange::fold(events), Some(state.clone()));
        }
        let incident = world.incident.unwrap();
        prop_assert!(incident.owed.iter().all(|owed| world.exchanges.contains_key(&owed.exchange)));
        if let Stage::Withdrawn { .. } = incident.stage {
            prop_assert!(world.exchanges.values().all(|(exchange, _)| exchange.withdrawn.is_some()));
        }
    }
}
