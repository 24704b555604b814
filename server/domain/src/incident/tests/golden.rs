use std::collections::BTreeSet;

use super::kit::*;
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, Evidence};
use crate::facts::{
    Cause, DataCategory, DataRecipients, Facts, IcoCategory, IncidentKind, Nature, Occurred, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use crate::incident::{
    Awareness, AwarenessOf, CorrectionProposal, Event, FanOut, FanOutWork, NotRequiredProposal, Survives,
    WithdrawalReason, report,
};
use crate::report::{
    AnswerValue, FormId, FrozenAnswer, OptionText, QuestionId, Submission, SubmissionChannel, Written,
};
use crate::values::{Count, CountBasis, Digest32, Hours, Known, ServiceId};

/// Every variant. A new one does not compile until it has a name here, and does not pass until it has a file.
const NAMES: [&str; 29] = [
    "logged",
    "clock_started",
    "clock_changed",
    "fan_out_started",
    "fan_out_advanced",
    "released",
    "facts_updated",
    "correction_proposed",
    "correction_refused",
    "awareness_corrected",
    "became_breach",
    "withdrawn",
    "step_fired",
    "steps_passed",
    "ladder_ended",
    "taken_in_hand",
    "report_drafted",
    "report_submitted",
    "not_required_proposed",
    "not_required_resolved",
    "closed",
    "report-form_chosen",
    "report-answer_written",
    "report-warning_accepted",
    "report-signed_off",
    "report-filed",
    "report-proof_added",
    "report-follow_up_opened",
    "anonymised",
];

fn name(event: &Event) -> &'static str {
    match event {
        Event::Logged { .. } => "logged",
        Event::ClockStarted { .. } => "clock_started",
        Event::ClockChanged { .. } => "clock_changed",
        Event::FanOutStarted { .. } => "fan_out_started",
        Event::FanOutAdvanced { .. } => "fan_out_advanced",
        Event::Released { .. } => "released",
        Event::FactsUpdated { .. } => "facts_updated",
        Event::CorrectionProposed { .. } => "correction_proposed",
        Event::CorrectionRefused { .. } => "correction_refused",
        Event::AwarenessCorrected { .. } => "awareness_corrected",
        Event::BecameBreach { .. } => "became_breach",
        Event::Withdrawn { .. } => "withdrawn",
        Event::StepFired { .. } => "step_fired",
        Event::StepsPassed { .. } => "steps_passed",
        Event::LadderEnded { .. } => "ladder_ended",
        Event::TakenInHand { .. } => "taken_in_hand",
        Event::ReportDrafted { .. } => "report_drafted",
        Event::ReportSubmitted { .. } => "report_submitted",
        Event::NotRequiredProposed { .. } => "not_required_proposed",
        Event::NotRequiredResolved { .. } => "not_required_resolved",
        Event::Closed { .. } => "closed",
        Event::Report { change, .. } => match change {
            report::Change::FormChosen { .. } => "report-form_chosen",
            report::Change::AnswerWritten { .. } => "report-answer_written",
            report::Change::WarningAccepted { .. } => "report-warning_accepted",
            report::Change::SignedOff { .. } => "report-signed_off",
            report::Change::Filed { .. } => "report-filed",
            report::Change::ProofAdded { .. } => "report-proof_added",
            report::Change::FollowUpOpened { .. } => "report-follow_up_opened",
        },
        Event::Anonymised { .. } => "anonymised",
    }
}

/// Every fact known, to freeze the form of each.
fn known_facts() -> Facts {
    let count = |value, basis, max| Known::Known(Count { value, basis, max });
    Facts {
        occurred: Known::Known(Occurred { from: hour(-2), to: Some(hour(-1)), precision: Precision::Exact }),
        detected_at: Some(hour(-1)),
        nature: Known::Known(BTreeSet::from([Nature::Confidentiality])),
        ongoing: Known::Known(YesNo::No),
        cause: Known::Known(Cause::ExternalMalicious),
        ico_category: Known::Known(IcoCategory::Cyber),
        data_unintelligible: Known::Known(Partly::No),
        recipients_of_data: Known::Known(DataRecipients::Unknown),
        data_categories: Known::Known(BTreeSet::from([DataCategory::BasicIdentifiers, DataCategory::Health])),
        subject_categories: Known::Known(BTreeSet::from([SubjectCategory::Users])),
        data_subjects: count(120, CountBasis::Approximate, Some(200)),
        records: count(300, CountBasis::Exact, None),
        likely_consequences: Known::Known(long("Unwanted messages.")),
        actual_harm: Some(long("None seen.")),
        risk_view: Known::Known(RiskView::Risk),
        containment: Known::Known(long("Sessions were ended.")),
        mitigation: Known::Known(long("People will be warned.")),
        asked_of_recipient: Some(long("Please check your own accounts.")),
        notified_late_reason: Some(long("The mail server was down.")),
        ..facts()
    }
}

fn first_events() -> Vec<Event> {
    let (at, by) = (hour(1), responder());
    vec![
        Event::Logged {
            id: incident_id(),
            reference: line("TC-2026-0042"),
            kind: IncidentKind::LikelyToGiveRise,
            exercise: true,
            facts: Box::new(facts()),
            awareness: Awareness { circumstances: Some(hour(0)), breach: None },
            old_reason: Some(long("Found in an audit.")),
            services: BTreeSet::from([ServiceId::from_uuid(uuid(0x50))]),
            owed: vec![owed(0)],
            held: true,
            opened_from: Some(exchange_id(9)),
            at,
            by: by.clone(),
        },
        Event::ClockStarted { clock: Clock::start(ClockKind::IcoReport, Anchor::AwareOfBreach, hour(0), Hours::ICO) },
        Event::ClockChanged {
            kind: ClockKind::IcoReport,
            change: ClockChange::Met {
                at: hour(70),
                evidence: Evidence::RecordedSubmission,
                late: false,
                proved_late: true,
            },
            at: hour(75),
        },
        Event::FanOutStarted {
            fan_out: FanOut {
                work: FanOutWork::Update { facts_version: 2, anchor_reason: Some(long("The log shows it.")) },
                done: 0,
                until: 1,
                from: 0,
            },
            at,
            by: by.clone(),
        },
        Event::FanOutAdvanced { done: 1, finished: true },
        Event::Released { at, by: by.clone() },
        Event::FactsUpdated { version: 2, facts: Box::new(known_facts()), at, by },
    ]
}

fn awareness_events() -> Vec<Event> {
    let (at, by, second) = (hour(3), responder(), Some(dpo(1)));
    let (of, reason) = (AwarenessOf::Circumstances, long("The log shows it."));
    vec![
        Event::CorrectionProposed {
            proposal: CorrectionProposal { of, at: hour(1), reason: reason.clone(), by: by.clone() },
            at,
        },
        Event::CorrectionRefused { at, by: by.clone() },
        Event::AwarenessCorrected { of, was: Some(hour(0)), is: hour(1), reason, at, by: by.clone(), second },
        Event::BecameBreach { aware_at: hour(2), owed: vec![owed(1)], at, by: by.clone() },
        Event::Withdrawn { reason: WithdrawalReason::NotABreach, note: Some(long("An audit.")), at, by },
    ]
}

fn ladder_events() -> Vec<Event> {
    let (kind, due, at) = (ClockKind::PartnerNotice, hour(48), hour(36));
    let first = vec![partner_id(0)];
    vec![
        Event::StepFired { kind, due, offset_minutes: -720, passed: vec![-1_440], partners: 1, first, at },
        Event::StepsPassed { kind: ClockKind::PartnerAcknowledgement, due, offsets: vec![-1_440, -720], at },
        Event::LadderEnded { kind, due },
        Event::TakenInHand { kind, due, at, by: responder() },
    ]
}

fn last_events() -> Vec<Event> {
    let at = hour(50);
    let submission = Submission {
        at: hour(49),
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line("IC-123")),
        delay_reasons: Some(long("Facts were missing.")),
        proof: Some(line("mail 17")),
    };
    vec![
        Event::ReportDrafted { gaps: vec!["cause".to_owned()], at, by: crate::values::Actor::Node },
        Event::ReportSubmitted { submission, at, by: dpo(1) },
        Event::NotRequiredProposed { proposal: NotRequiredProposal { reason: long("Unlikely."), by: dpo(1), at } },
        Event::NotRequiredResolved { approved: true, at, by: dpo(2) },
        Event::Closed { at, by: responder() },
        Event::Anonymised {
            survives: Box::new(Survives {
                id: incident_id(),
                reference: line("TC-2026-0042"),
                kind: IncidentKind::Breach,
                exercise: false,
                facts_version: 2,
                awareness: Awareness { circumstances: Some(hour(0)), breach: Some(hour(1)) },
                services: BTreeSet::from([ServiceId::from_uuid(uuid(0x50))]),
                owed: 1,
                ico: Some(Clock::start(ClockKind::IcoReport, Anchor::AwareOfBreach, hour(1), Hours::ICO)),
                withdrawn: None,
            }),
            at,
        },
    ]
}

fn report_events() -> Vec<Event> {
    let question = |id: &str| QuestionId::parse(id).unwrap();
    let submission = Submission {
        at: hour(60),
        channel: SubmissionChannel::Email,
        ico_reference: Some(line("IC-123")),
        delay_reasons: None,
        proof: None,
    };
    let proof = report::Proof {
        name: line("receipt.pdf"),
        kind: crate::values::Text::parse("pdf").unwrap(),
        octets: 2_048,
        sha256: Digest32::of(b"receipt"),
    };
    let frozen =
        |value| FrozenAnswer { question: "high_risk".to_owned(), asked: "Is the risk high?".to_owned(), value };
    let answers = vec![
        frozen(AnswerValue::Given("No".to_owned())),
        frozen(AnswerValue::Instant(hour(1))),
        frozen(AnswerValue::Period { from: hour(1), to: Some(hour(2)), estimated: true }),
        frozen(AnswerValue::NotYetKnown("Not yet known".to_owned())),
    ];
    let (number, version, form) = (2, 3, FormId::parse("edpb").unwrap());
    let changes = vec![
        report::Change::FormChosen { form: form.clone() },
        report::Change::AnswerWritten {
            question: question("high_risk"),
            version,
            base_version: 2,
            answer: Some(Written::Options { options: vec![OptionText::parse("No").unwrap()] }),
            fact: Digest32::of(b"fact"),
        },
        report::Change::WarningAccepted {
            question: question("containment"),
            text: Digest32::of(b"text"),
            reason: long("It is our own mailbox."),
        },
        report::Change::SignedOff { number, version, digest: Digest32::of(b"answers"), answers: answers.clone() },
        report::Change::Filed { number, form, submission, signed: Some(version), answers, proof: Some(proof.clone()) },
        report::Change::ProofAdded { number, proof },
        report::Change::FollowUpOpened { number, starts_anew: vec![question("delay_reason")] },
    ];
    changes.into_iter().map(|change| Event::Report { change, at: hour(61), by: dpo(1) }).collect()
}

/// The JSON of every event is frozen.
#[test]
fn events_keep_their_form() {
    let events = [first_events(), awareness_events(), ladder_events(), last_events(), report_events()].concat();
    let named: Vec<(&str, Event)> = events.into_iter().map(|event| (name(&event), event)).collect();
    hold_golden("incident", &NAMES, &named);
}
