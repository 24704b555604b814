use super::kit::{acknowledgement, notice_message};
use crate::arrangement::{OurRole, Terms};
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, Evidence};
use crate::exchange::{
    Call, CallChannel, Direction, Event, Filing, MessageKind, Notice, NoticeDelivery, Phase, ReceivedVersion, Said,
    Stance, StatedClock, Survives,
};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;
use crate::ladder::{LadderChange, Reached};
use crate::reliance::Reliance;
use crate::undated::{Undated, UndatedChange, UndatedDuty};
use crate::values::{Digest32, Hours, MessageId};

/// Every variant. A new one does not compile until it has a name here, and does not pass until it has a file.
const NAMES: [&str; 27] = [
    "opened",
    "notice_queued",
    "withdrawal_queued",
    "withdrawn_unsent",
    "receipted",
    "clock_started",
    "clock_changed",
    "acknowledged",
    "call_recorded",
    "abandoned",
    "notice_received",
    "withdrawal_received",
    "acknowledgement_queued",
    "linked",
    "step_fired",
    "taken_in_hand",
    "ladder",
    "accepted",
    "message_queued",
    "message_received",
    "message_read",
    "assistance_changed",
    "filed_queued",
    "filed_received",
    "reliance_accepted",
    "undated_changed",
    "anonymised",
];

fn name(event: &Event) -> &'static str {
    match event {
        Event::Opened { .. } => "opened",
        Event::NoticeQueued { .. } => "notice_queued",
        Event::WithdrawalQueued { .. } => "withdrawal_queued",
        Event::WithdrawnUnsent { .. } => "withdrawn_unsent",
        Event::Receipted { .. } => "receipted",
        Event::ClockStarted { .. } => "clock_started",
        Event::ClockChanged { .. } => "clock_changed",
        Event::Acknowledged { .. } => "acknowledged",
        Event::CallRecorded { .. } => "call_recorded",
        Event::Abandoned { .. } => "abandoned",
        Event::NoticeReceived { .. } => "notice_received",
        Event::WithdrawalReceived { .. } => "withdrawal_received",
        Event::AcknowledgementQueued { .. } => "acknowledgement_queued",
        Event::Linked { .. } => "linked",
        Event::StepFired { .. } => "step_fired",
        Event::TakenInHand { .. } => "taken_in_hand",
        Event::Ladder { .. } => "ladder",
        Event::Accepted { .. } => "accepted",
        Event::MessageQueued { .. } => "message_queued",
        Event::MessageReceived { .. } => "message_received",
        Event::MessageRead { .. } => "message_read",
        Event::AssistanceChanged { .. } => "assistance_changed",
        Event::FiledQueued { .. } => "filed_queued",
        Event::FiledReceived { .. } => "filed_received",
        Event::RelianceAccepted { .. } => "reliance_accepted",
        Event::UndatedChanged { .. } => "undated_changed",
        Event::Anonymised { .. } => "anonymised",
    }
}

fn stated() -> StatedClock {
    StatedClock { anchor: Anchor::AwareOfBreach, at: hour(0), hours: Hours::CONTRACT }
}

fn clock() -> Clock {
    Clock::start(ClockKind::PartnerNotice, Anchor::AwareOfBreach, hour(0), Hours::CONTRACT)
}

fn undated() -> Undated {
    Undated::start(UndatedDuty::ControllerTold, Anchor::AwareOfBreach, hour(0))
}

fn notice(revision: u32, phase: Phase, facts_version: u32) -> Notice {
    let delivery = NoticeDelivery::Queued;
    Notice { revision, phase, message: notice_message(revision), facts_version, delivery }
}

fn outgoing_events() -> Vec<Event> {
    let at = hour(1);
    vec![
        Event::Opened {
            id: exchange_id(0),
            partner: partner_id(0),
            case: case_id(0),
            reference: line("R-0"),
            incident: incident_id(),
            exercise: true,
            kind: IncidentKind::Breach,
            terms: terms(),
            clock: Some(clock()),
            undated: None,
            at,
        },
        Event::UndatedChanged {
            change: UndatedChange::Done { at: hour(1), evidence: Evidence::SignedReceipt },
            at: hour(2),
        },
        Event::NoticeQueued {
            notice: notice(2, Phase::Update, 2),
            kind: IncidentKind::UnderInvestigation,
            stated: Some(stated()),
            anchor_reason: Some(long("The log shows it.")),
            at,
        },
        Event::WithdrawalQueued {
            notice: notice(3, Phase::Withdrawal, 0),
            reason: WithdrawalReason::WrongRecipient,
            note: Some(long("Please delete it.")),
            at,
        },
        Event::WithdrawnUnsent { reason: WithdrawalReason::SentInError, at },
        Event::Receipted { message: notice_message(1), toe: hour(1), receipt_sha256: Digest32::of(b"receipt"), at },
        Event::ClockStarted { clock: clock() },
        Event::ClockChanged {
            kind: ClockKind::PartnerNotice,
            change: ClockChange::Reanchored { anchor: Anchor::AwareOfCircumstances, at: hour(-1), term: None },
            at,
        },
        Event::Acknowledged {
            acknowledgement: acknowledgement(Stance::NotAffected, hour(4)),
            message: MessageId::from_uuid(uuid(0x77)),
            at: hour(5),
        },
        Event::CallRecorded {
            call: Call {
                to_whom: line("Duty desk"),
                how: CallChannel::InPerson,
                at: hour(2),
                note: Some(long("They know.")),
                backdate_reason: Some(long("Busy.")),
            },
            backdated: true,
            at: hour(5),
            by: responder(),
        },
        Event::Abandoned { message: notice_message(1), reason: long("Told by telephone."), at, by: responder() },
    ]
}

fn incoming_events() -> Vec<Event> {
    let version = |revision, phase| ReceivedVersion {
        revision,
        phase,
        message: MessageId::from_uuid(uuid(0x1001)),
        set_sha256: Digest32::of(b"set"),
        at: hour(3),
        made_at: None,
    };
    let (kind, due, by) = (ClockKind::IcoReport, hour(75), responder());
    vec![
        Event::NoticeReceived {
            id: exchange_id(0),
            partner: partner_id(0),
            case: case_id(0),
            exercise: true,
            kind: IncidentKind::LikelyToGiveRise,
            reference: line("B-2026-0117"),
            stated: Some(stated()),
            version: version(1, Phase::Initial),
        },
        Event::WithdrawalReceived {
            id: exchange_id(0),
            partner: partner_id(0),
            case: case_id(0),
            exercise: true,
            reason: WithdrawalReason::DuplicateOf,
            version: version(2, Phase::Withdrawal),
        },
        Event::AcknowledgementQueued {
            message: MessageId::derive(exchange_id(0), "acknowledged", 1),
            acknowledgement: acknowledgement(Stance::Assessing, hour(4)),
            at: hour(4),
            by: by.clone(),
        },
        Event::Linked { incident: incident_id(), at: hour(5), by: by.clone() },
        Event::StepFired {
            kind,
            due,
            offset_minutes: 60,
            passed: vec![-30, 0],
            reached: Reached::default(),
            at: hour(76),
        },
        Event::TakenInHand { kind, due, at: hour(76), by: by.clone() },
        Event::Ladder { change: LadderChange::Seen { kind, due }, at: hour(77), by },
        Event::Anonymised {
            survives: Box::new(Survives {
                id: exchange_id(0),
                partner: partner_id(0),
                case: case_id(0),
                direction: Direction::Outgoing,
                reference: line("R-0"),
                incident: Some(incident_id()),
                exercise: false,
                kind: IncidentKind::Breach,
                revisions: 3,
                notice_clock: Some(clock()),
                undated: None,
                acknowledgement_clock: None,
                ico_clock: None,
                stance: Some(Stance::Affected),
                withdrawn: Some(WithdrawalReason::NotABreach),
                asked: Vec::new(),
                filed_at: None,
            }),
            at: hour(900),
        },
    ]
}

/// Messages, filings, and channels that prove nothing.
fn later_events() -> Vec<Event> {
    let (message, at, by) = (MessageId::from_uuid(uuid(0x77)), hour(5), responder());
    let said = |kind, due| Said {
        message,
        kind,
        text: long("Please send the access logs."),
        re: Some(notice_message(1)),
        due,
        received_at: Some(hour(2)),
        name: line("R. Example"),
        role: line("analyst"),
        at: hour(4),
    };
    let clock = |anchor| Clock::until(ClockKind::Assistance, anchor, hour(4), hour(9).plus_seconds(90));
    let filing = Filing { authority: line("ICO"), at: hour(4), reference: Some(line("IC-12345")) };
    vec![
        Event::Accepted { message, accepted_at: hour(4), at },
        Event::MessageQueued {
            said: Box::new(said(MessageKind::ForwardedRequest, Some(hour(9).plus_seconds(90)))),
            clock: Some(clock(Anchor::AskedByUs)),
            at,
            by: by.clone(),
        },
        Event::MessageReceived {
            said: Box::new(said(MessageKind::AssistanceRequest, Some(hour(9).plus_seconds(90)))),
            clock: Some(clock(Anchor::AskedOfUs)),
            at,
        },
        Event::MessageRead { message, at, by: by.clone() },
        Event::AssistanceChanged {
            request: message,
            change: ClockChange::Met { at, evidence: Evidence::Answer, late: false, proved_late: false },
            at,
        },
        Event::FiledQueued { message, filing: filing.clone(), at, by },
        Event::FiledReceived { message, filing: filing.clone(), at },
        Event::RelianceAccepted {
            reliance: Box::new(Reliance {
                partner: partner_id(0),
                exchange: exchange_id(0),
                message,
                set_sha256: Digest32::of(b"filed"),
                filing,
                reason: long("They report for both."),
            }),
            at,
            by: dpo(1),
        },
    ]
}

/// A controller for whom we process, and who agreed no hours.
#[test]
fn a_processors_opening_keeps_its_form() {
    let at = hour(1);
    let opened = Event::Opened {
        id: exchange_id(0),
        partner: partner_id(0),
        case: case_id(0),
        reference: line("R-0"),
        incident: incident_id(),
        exercise: false,
        kind: IncidentKind::Breach,
        terms: Terms { notice_hours: None, our_role: OurRole::Processor, ..terms() },
        clock: Some(Clock { own_target: true, ..clock() }),
        undated: Some(undated()),
        at,
    };
    hold_golden("processor", &["opened"], &[("opened", opened)]);
}

/// The JSON of every event is frozen.
#[test]
fn events_keep_their_form() {
    let events = [outgoing_events(), incoming_events(), later_events()].concat();
    let named: Vec<(&str, Event)> = events.into_iter().map(|event| (name(&event), event)).collect();
    hold_golden("exchange", &NAMES, &named);
}
