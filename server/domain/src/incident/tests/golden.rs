use std::collections::BTreeSet;

use super::kit::*;
use crate::arrangement::Lead;
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, Evidence};
use crate::facts::{
    Cause, DataCategory, DataRecipients, Facts, IcoCategory, IncidentKind, Nature, Occurred, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use crate::incident::assessment::{Advice, Assessment, CaseName, Results};
use crate::incident::decision::{NotABreach, People};
use crate::incident::joint::Change;
use crate::incident::register::{Imported, Outcome as Recorded, Record, Register};
use crate::incident::{
    Awareness, AwarenessOf, CorrectionProposal, Duties, Event, FanOut, FanOutWork, NotRequiredProposal, Rules,
    Survives, WithdrawalReason, assessment, costs, decision, duties, lessons, register, telling,
};
use crate::ladder::{LadderChange, Reached};
use crate::report::{Submission, SubmissionChannel};
use crate::self_assessment::{Answer, Outcome};
use crate::severity::{
    Adjustment, Availability, Basis, Choice, Confidentiality, ContextChoice, DataContext, Ease, FactName, Flags,
    Identifier, IdentifierChoice, Inputs, Integrity, Intent, Level, Points, Quarters,
};
use crate::suggestion::{self, Asked, Misuse, ToIco, ToPeople};
use crate::undated::{Undated, UndatedChange, UndatedDuty};
use crate::values::{Actor, Count, CountBasis, Hours, Known, ServiceId};

/// Every variant. A new one does not compile until it has a name here, and does not pass until it has a file.
const NAMES: [&str; 36] = [
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
    "ladder",
    "report_drafted",
    "report_submitted",
    "not_required_proposed",
    "not_required_resolved",
    "closed",
    "register",
    "telling",
    "lessons",
    "costs",
    "joint",
    "duties",
    "report",
    "assessment_assessed",
    "decision_decided_to_report",
    "decision_people_decided",
    "decision_delay_explained",
    "decision_not_a_breach_proposed",
    "decision_not_a_breach_resolved",
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
        Event::Ladder { .. } => "ladder",
        Event::ReportDrafted { .. } => "report_drafted",
        Event::ReportSubmitted { .. } => "report_submitted",
        Event::NotRequiredProposed { .. } => "not_required_proposed",
        Event::NotRequiredResolved { .. } => "not_required_resolved",
        Event::Closed { .. } => "closed",
        Event::Register { .. } => "register",
        Event::Telling { .. } => "telling",
        Event::Lessons { .. } => "lessons",
        Event::Costs { .. } => "costs",
        Event::Joint { .. } => "joint",
        Event::Duties { .. } => "duties",
        Event::Report { .. } => "report",
        Event::Assessment { change: assessment::Change::Assessed { .. }, .. } => "assessment_assessed",
        Event::Decision { change, .. } => match change {
            decision::Change::DecidedToReport { .. } => "decision_decided_to_report",
            decision::Change::PeopleDecided { .. } => "decision_people_decided",
            decision::Change::DelayExplained { .. } => "decision_delay_explained",
            decision::Change::NotABreachProposed { .. } => "decision_not_a_breach_proposed",
            decision::Change::NotABreachResolved { .. } => "decision_not_a_breach_resolved",
        },
        Event::Anonymised { .. } => "anonymised",
    }
}

/// An assessment written by hand, so that no change of the tables changes the file.
fn assessed() -> Event {
    let reason = || long("Few share these names.");
    let chosen = Basis::Person { reason: reason() };
    let grounds = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let assessment = Assessment {
        number: 1,
        facts_version: 2,
        asked: Asked { strong: Known::Known(YesNo::Yes), misuse: Known::Known(Misuse::Nuisance), ..Asked::default() },
        inputs: Inputs {
            contexts: vec![ContextChoice {
                context: DataContext::Simple,
                basis: Basis::Fact { fact: FactName::DataCategories },
                adjustment: Some(Adjustment { by: Points::new(1).unwrap(), reason: reason() }),
            }],
            identifiers: vec![IdentifierChoice {
                identifier: Identifier::FullName,
                ease: Ease::Limited,
                reason: reason(),
            }],
            confidentiality: Choice { value: Confidentiality::UnknownRecipients, basis: chosen.clone() },
            integrity: Choice { value: Integrity::NotAffected, basis: Basis::Fact { fact: FactName::Nature } },
            availability: Choice { value: Availability::NotAffected, basis: Basis::Fact { fact: FactName::Nature } },
            intent: Choice { value: Intent::Deliberate, basis: chosen },
            flags: Flags { more_than_100_people: Known::Known(true), unintelligible: Known::NotYetKnown },
        },
        answers: answers(Answer::Unlikely),
        note: Some(long("A first view.")),
        results: Results {
            method: "enisa-2013".to_owned(),
            severity: Quarters::new(8),
            level: Level::Medium,
            flow: "ico-self-assessment-2026-11".to_owned(),
            outcome: Outcome::RecordOnly,
            advice: Some(Advice {
                rules: "tocsin-suggestion-2026-11".to_owned(),
                to_ico: ToIco::SuggestReporting,
                ico_grounds: grounds(["seen_by_unknown", "recorded"]),
                to_people: ToPeople::NotClear,
                people_grounds: grounds(["misuse_not_assessed", "data_not_known"]),
                open: vec![suggestion::Question::Restoration],
            }),
            cases: vec![CaseName { guideline: "01/2021".to_owned(), number: "18".to_owned() }],
        },
    };
    Event::Assessment {
        change: assessment::Change::Assessed { assessment: Box::new(assessment) },
        at: hour(5),
        by: responder(),
    }
}

fn decision_events() -> Vec<Event> {
    let (reasons, basis) =
        (long("The recipients are unknown."), decision::Basis { facts_version: 2, assessment: Some(1) });
    let people = People::OutOfProportion { public_communication: long("A notice on the website.") };
    let ground = NotABreach::NearMiss;
    [
        decision::Change::DecidedToReport { reasons: reasons.clone(), basis },
        decision::Change::PeopleDecided { people, reasons: reasons.clone(), basis },
        decision::Change::DelayExplained { reasons: reasons.clone(), basis },
        decision::Change::NotABreachProposed { ground, reasons, basis: decision::Basis { assessment: None, ..basis } },
        decision::Change::NotABreachResolved { approved: true },
    ]
    .map(|change| Event::Decision { change, at: hour(6), by: dpo(1) })
    .to_vec()
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
            rules: Rules::default(),
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
        Event::StepFired {
            kind,
            due,
            offset_minutes: -720,
            passed: vec![-1_440],
            partners: 1,
            first,
            reached: Reached::default(),
            at,
        },
        Event::StepsPassed { kind: ClockKind::PartnerAcknowledgement, due, offsets: vec![-1_440, -720], at },
        Event::LadderEnded { kind, due },
        Event::TakenInHand { kind, due, at, by: responder() },
        Event::Ladder { change: LadderChange::Lapsed { kind, due, holder: responder() }, at, by: Actor::Node },
    ]
}

fn imported() -> Event {
    let imported = Imported {
        recorded_at: hour(2),
        outcome: Recorded::Reported { at: hour(30) },
        ico_reference: Some(line("IC-9")),
    };
    let record = Record {
        id: incident_id(),
        reference: line("OLD-7"),
        kind: IncidentKind::Breach,
        facts: Box::new(facts()),
        awareness: Awareness { circumstances: None, breach: Some(hour(0)) },
        services: BTreeSet::from([ServiceId::from_uuid(uuid(0x50))]),
        not_a_breach: true,
        imported,
    };
    Event::Register { change: register::Change::Imported { record: Box::new(record) }, at: hour(90), by: dpo(1) }
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
        imported(),
        Event::Telling { change: telling::Change::Struck { wave: 1, reason: long("A typing error.") }, at, by: dpo(1) },
        Event::Lessons {
            change: lessons::Change::ActionDropped { action: 1, reason: long("Not needed.") },
            at,
            by: dpo(1),
        },
        Event::Costs { change: costs::Change::Struck { number: 1, reason: long("Paid back.") }, at, by: dpo(1) },
        Event::Joint {
            change: Change::LeadChosen { lead: Lead::Us, reason: long("We keep the service.") },
            at,
            by: dpo(1),
        },
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
                register: Register::default(),
                told: Vec::new(),
                cause: None,
                costs: Vec::new(),
                rules: Rules::default(),
                duties: Duties::default(),
            }),
            at,
        },
    ]
}

/// Duties for which the law names no time.
fn duty_changes() -> Vec<duties::Change> {
    let (at, duty) = (hour(30), UndatedDuty::PeopleTold);
    let kind = duty.target_kind();
    vec![
        duties::Change::Started { duty: Undated::start(duty, Anchor::HighRiskDecided, hour(29)) },
        duties::Change::Changed {
            duty,
            how: UndatedChange::NotRequired { at, reason: line("The key is safe.") },
            reason: Some(long("The key is safe, as the log shows.")),
        },
        duties::Change::TargetSet { clock: Clock::target_until(kind, Anchor::HighRiskDecided, hour(29), hour(40)) },
    ]
}

#[test]
fn duties_keep_their_form() {
    let names = ["started", "changed", "target_set"];
    let named: Vec<_> = names.into_iter().zip(duty_changes()).collect();
    hold_golden("duties", &names, &named);
}

/// The JSON of every event is frozen.
#[test]
fn events_keep_their_form() {
    let change = duty_changes().swap_remove(0);
    let duty = Event::Duties { change, at: hour(30), by: dpo(1) };
    let report = super::report::golden::changes().swap_remove(0);
    let report = Event::Report { change: report, at: hour(61), by: dpo(1) };
    let chapters = [vec![assessed(), duty, report], decision_events()].concat();
    let events = [first_events(), awareness_events(), ladder_events(), last_events(), chapters].concat();
    let named: Vec<(&str, Event)> = events.into_iter().map(|event| (name(&event), event)).collect();
    hold_golden("incident", &NAMES, &named);
}
