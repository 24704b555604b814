//! Exchanges to build stories from.

use std::sync::Arc;

use crate::clock::{Anchor, ClockChange, ClockKind};
use crate::clock_terms::Law;
use crate::exchange::{
    Acknowledgement, Call, CallChannel, Command, Event, Exchange, Open, Phase, Receive, ReceiveContent, Refusal,
    Stance, StatedClock, decide, evolve, fold,
};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::{
    AWARE, LOGGED, at, case_id, exchange_id, hour, incident_id, line, long, partner_id, responder, terms, uuid,
};
use crate::values::{Digest32, Hours, MessageId, Moment};

/// Time has passed, by the built-in plans.
pub(super) fn tick() -> Command {
    Command::Tick { orders: Arc::default() }
}

pub(super) fn open(queue: Option<u32>) -> Command {
    Command::Open(Box::new(Open {
        id: exchange_id(0),
        partner: partner_id(0),
        case: case_id(0),
        reference: line("R-0"),
        incident: incident_id(),
        exercise: false,
        kind: IncidentKind::LikelyToGiveRise,
        terms: terms(),
        anchor: Anchor::AwareOfCircumstances,
        anchored_at: at(AWARE),
        queue,
        own_target: None,
    }))
}

/// The id of the message that carries this revision of our notice.
pub(super) fn notice_message(revision: u32) -> MessageId {
    MessageId::derive(exchange_id(0), "notice", revision)
}

pub(super) fn receipt(revision: u32, toe: Moment) -> Command {
    Command::RecordReceipt { message: notice_message(revision), toe, receipt_sha256: Digest32::of(b"receipt") }
}

pub(super) fn update(facts_version: u32, kind: IncidentKind, anchored_at: Moment) -> Command {
    Command::Update {
        facts_version,
        kind,
        anchor: Anchor::AwareOfCircumstances,
        anchored_at,
        anchor_reason: Some(long("The log shows it.")),
    }
}

pub(super) fn acknowledgement(stance: Stance, at: Moment) -> Acknowledgement {
    Acknowledgement {
        revision_seen: 1,
        stance,
        reference: Some(line("B-2026-0117")),
        name: line("R. Example"),
        role: line("data_protection_officer"),
        at,
        by_link: false,
        deleted: false,
    }
}

pub(super) fn acknowledged(stance: Stance, at: Moment) -> Command {
    let message = MessageId::from_uuid(uuid(0x77));
    Command::RecordAcknowledgement { acknowledgement: acknowledgement(stance, at), message }
}

pub(super) fn call(at: Moment, backdate_reason: Option<&str>) -> Command {
    let backdate_reason = backdate_reason.map(long);
    let call = Call { to_whom: line("Duty desk"), how: CallChannel::Telephone, at, note: None, backdate_reason };
    Command::RecordCall { call, by: responder() }
}

pub(super) fn withdraw(reason: WithdrawalReason) -> Command {
    Command::Withdraw { reason, note: None }
}

/// A message from a partner; its id follows from `n`.
pub(super) fn received(n: u128, content: ReceiveContent) -> Receive {
    Receive {
        id: exchange_id(0),
        partner: partner_id(0),
        case: case_id(0),
        message: MessageId::from_uuid(uuid(0x1000 + n)),
        set_sha256: Digest32::of(&n.to_be_bytes()),
        exercise: false,
        law: Law::Uk,
        content,
    }
}

pub(super) fn their_notice(revision: u32, kind: IncidentKind) -> ReceiveContent {
    let phase = if revision == 1 { Phase::Initial } else { Phase::Update };
    let clock = StatedClock { anchor: Anchor::AwareOfCircumstances, at: at(AWARE), hours: Hours::CONTRACT };
    ReceiveContent::Notice { revision, phase, kind, reference: line(&format!("their {revision}")), clock: Some(clock) }
}

pub(super) fn receive(n: u128, content: ReceiveContent) -> Command {
    Command::Receive(Box::new(received(n, content)))
}

/// One exchange's stream, kept state by state.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) state: Option<Exchange>,
    pub(super) events: Vec<Event>,
}

impl Stream {
    /// Our notice, queued when the incident was logged.
    pub(super) fn queued() -> Self {
        let mut story = Self::default();
        story.run(&open(Some(1)), at(LOGGED));
        story
    }

    pub(super) fn held() -> Self {
        let mut story = Self::default();
        story.run(&open(None), at(LOGGED));
        story
    }

    /// Their notice, received three hours after they became aware.
    pub(super) fn received(kind: IncidentKind) -> Self {
        let mut story = Self::default();
        story.run(&receive(1, their_notice(1, kind)), hour(3));
        story
    }

    /// Decides, evolves, and holds that folding everything gives the same state.
    pub(super) fn run(&mut self, command: &Command, now: Moment) -> Vec<Event> {
        let events = decide(self.state.as_ref(), command, now).expect("allowed");
        for event in &events {
            self.state = evolve(self.state.take(), event);
        }
        self.events.extend(events.iter().cloned());
        assert_eq!(fold(&self.events), self.state, "the fold is the state kept step by step");
        events
    }

    /// Records events decided elsewhere.
    pub(super) fn take(&mut self, events: &[Event]) {
        self.state = events.iter().fold(self.state.take(), evolve);
        self.events.extend(events.iter().cloned());
    }

    pub(super) fn refused(&self, command: &Command, now: Moment) -> Refusal {
        decide(self.state.as_ref(), command, now).expect_err("refused")
    }

    pub(super) fn exchange(&self) -> &Exchange {
        self.state.as_ref().unwrap()
    }
}

/// The change of a clock of this kind among these events.
pub(super) fn change(events: &[Event], of: ClockKind) -> Option<&ClockChange> {
    events.iter().find_map(|event| match event {
        Event::ClockChanged { kind, change, .. } if *kind == of => Some(change),
        _ => None,
    })
}
