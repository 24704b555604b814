//! The ICO report drafted from facts: every question answered or plainly missing, in the form's order.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::arrangement::{ArrangementRef, OurRole, Owed, Terms, Trigger};
use crate::clock::{Anchor, Clock, ClockKind};
use crate::facts::tests::nothing_known;
use crate::facts::{
    Cause, DataCategory, DataRecipients, Facts, IcoCategory, IncidentKind, Nature, Occurred, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use crate::incident::{Awareness, Duties, Incident, Rules, Stage};
use crate::values::{
    ArrangementId, CaseId, Count, CountBasis, Digest32, ExchangeId, Hours, IncidentId, Known, Options, PartnerId,
};

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn aware() -> Moment {
    at("2026-03-03T02:10:00Z")
}

fn text(text: &str) -> LongText {
    LongText::parse(text).unwrap()
}

fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

fn full_facts() -> Facts {
    Facts {
        occurred: Known::Known(Occurred {
            from: at("2026-03-01T22:00:00Z"),
            to: None,
            precision: Precision::Estimated,
        }),
        nature: Known::Known([Nature::Confidentiality, Nature::Availability].into()),
        ongoing: Known::Known(YesNo::No),
        cause: Known::Known(Cause::ExternalMalicious),
        ico_category: Known::Known(IcoCategory::Cyber),
        data_unintelligible: Known::Known(Partly::No),
        recipients_of_data: Known::Known(DataRecipients::Unknown),
        data_categories: Known::Known([DataCategory::BasicIdentifiers, DataCategory::Other].into()),
        subject_categories: Known::Known([SubjectCategory::Users].into()),
        data_subjects: Known::Known(Count { value: 900, basis: CountBasis::Approximate, max: Some(1_200) }),
        records: Known::Known(Count { value: 40, basis: CountBasis::Exact, max: None }),
        likely_consequences: Known::Known(text("Unwanted mail.")),
        actual_harm: Some(text("None so far.")),
        risk_view: Known::Known(RiskView::Risk),
        containment: Known::Known(text("The account was closed.")),
        mitigation: Known::Known(text("People will be told.")),
        ..nothing_known()
    }
}

fn owed(n: u128) -> Owed {
    Owed {
        partner: PartnerId::from_uuid(Uuid::from_u128(n)),
        terms: Terms {
            notice_hours: Some(Hours::CONTRACT),
            acknowledgement_hours: Hours::ACKNOWLEDGEMENT,
            our_role: OurRole::JointController,
            trigger: Trigger::BreachOrCircumstances,
            arrangements: vec![ArrangementRef {
                id: ArrangementId::from_uuid(Uuid::from_u128(n)),
                version: 1,
                digest: Digest32::of(b""),
                title: line("Data sharing agreement"),
                ico_lead: None,
            }],
        },
        exchange: ExchangeId::from_uuid(Uuid::from_u128(n)),
        case: CaseId::from_uuid(Uuid::from_u128(n)),
        reference: line("R"),
    }
}

fn incident(facts: Facts) -> Incident {
    Incident {
        id: IncidentId::from_uuid(Uuid::nil()),
        reference: line("TC-2026-0042"),
        kind: IncidentKind::Breach,
        exercise: false,
        facts: Some(facts),
        facts_version: 1,
        sent_version: 0,
        awareness: Awareness { circumstances: None, breach: Some(aware()) },
        services: Options::new(),
        owed: vec![],
        owed_when_logged: 0,
        stage: Stage::Active,
        fan_outs: vec![],
        ico: Some(Clock::start(ClockKind::IcoReport, Anchor::AwareOfBreach, aware(), Hours::ICO)),
        ladders: vec![],
        report: ReportState::None,
        not_required: None,
        correction: None,
        opened_from: None,
        told_filed: false,
        register: Box::default(),
        telling: crate::incident::telling::Telling::default(),
        lessons: crate::incident::lessons::Lessons::default(),
        costs: crate::incident::costs::Costs::default(),
        joint: Box::default(),
        rules: Rules::default(),
        duties: Duties::default(),
        assessments: Vec::new(),
        decisions: Box::default(),
        reports: Box::default(),
    }
}

fn about() -> About {
    let organisation = Organisation {
        name: line("Example Borough Council"),
        contact: Contact {
            role: line("Security lead"),
            email: Some(line("security@example.org")),
            phone: Some(line("020 7946 0000")),
            out_of_hours: None,
        },
        dpo: None,
        address: Some(line("1 High Street")),
        ico_registration: None,
        sector: None,
    };
    About { organisation, standing: Standing::default() }
}

fn answer_at(incident: &Incident, id: &str, now: Moment) -> AnswerValue {
    let sections = sections(incident, &about(), now);
    let found = sections.iter().flat_map(|section| &section.answers).find(|answer| answer.id == id);
    found.unwrap().value.clone()
}

fn answer(incident: &Incident, id: &str) -> AnswerValue {
    answer_at(incident, id, aware())
}

fn given(text: &str) -> AnswerValue {
    AnswerValue::Given(text.to_owned())
}

#[test]
fn the_form_is_asked_in_its_order_without_repeats() {
    let sections = sections(&incident(full_facts()), &about(), aware());
    let titles: Vec<&str> = sections.iter().map(|section| section.title.as_str()).collect();
    let expected = [
        "About the report",
        "About the breach",
        "Cyber incidents only",
        "Training and delay",
        "Taking action",
        "About you",
    ];
    assert_eq!(titles, expected);
    let ids: Vec<&str> =
        sections.iter().flat_map(|section| &section.answers).map(|answer| answer.id.as_str()).collect();
    assert_eq!(ids.len(), 44);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for older in ["what_happened", "potential_consequences", "likelihood", "likelihood_details", "told_subjects_2018"] {
        assert!(!ids.contains(&older), "{older}");
    }
}

#[test]
fn every_form_is_read_and_its_conditions_look_back_at_options_that_are_there() {
    assert_eq!(Form::all().len(), form::FILES_COUNT);
    let mut ids = BTreeSet::new();
    for form in Form::all() {
        assert!(form.questions().count() > 40, "{}", form.id);
        let mut before: Vec<&Question> = Vec::new();
        for question in form.questions() {
            assert!(ids.insert(question.id.clone()), "{} is there twice", question.id);
            assert_eq!(question.kind.is_choice(), !question.options.is_empty(), "{}", question.id);
            for (other, options) in question.show_if.iter().chain(&question.unknown_if).flat_map(Condition::looks_at) {
                let other = before.iter().find(|before| before.id == *other).expect("a question before it");
                assert!(options.iter().all(|option| other.options.contains(option)), "{}", question.id);
            }
            if let Some(bound) = &question.not_before {
                assert!(before.iter().any(|before| before.id == *bound) || form.question(bound).is_some());
            }
            for (word, option) in &question.words {
                assert!(question.options.contains(option), "{} {word}", question.id);
                assert!(option.chars().count() <= 400, "{}", question.id);
            }
            before.push(question);
        }
        for required in form.questions().filter(|question| question.required.is_some()) {
            assert!(!required.optional, "{}", required.id);
        }
    }
}

/// Every word that a source can say, for those that say words.
fn words_of(source: Source) -> Vec<&'static str> {
    use crate::facts;
    macro_rules! all {
        ($list:ty) => {
            <$list>::ALL.iter().map(|option| option.word()).collect()
        };
    }
    match source {
        Source::ReportType => vec!["initial", "follow_up"],
        Source::Completeness => vec!["complete", "incomplete"],
        Source::Threshold => vec!["met", "not_met", "not_yet_known"],
        Source::OrganisationSize => vec!["under_250", "from_250"],
        Source::FirstContact | Source::CodeOfConduct | Source::OccurredEstimated => vec!["yes", "no"],
        Source::Cyber | Source::HighRisk => vec!["yes", "no", "not_yet_known"],
        Source::OccurredKind => vec!["day", "range", "ongoing", "not_yet_known"],
        Source::DataSubjectsBasis | Source::RecordsBasis => vec!["exact", "approximate", "minimum", "not_yet_known"],
        Source::PeopleTold => {
            vec!["told_high_risk", "told_not_high_risk", "told", "planned_high_risk", "planned", "not_needed", "exempt"]
        }
        Source::PeopleExempt => vec!["unreadable", "high_risk_removed", "out_of_proportion"],
        Source::PeopleToldAll => vec!["all", "some"],
        Source::PeopleToldHow => vec!["each", "public", "both"],
        Source::ToldOthers | Source::OthersInvolved | Source::SystemsAffected => vec!["yes"],
        Source::Cause => all!(facts::Cause),
        Source::DiscoveryMethod => all!(facts::DiscoveryMethod),
        Source::Nature => all!(facts::Nature),
        Source::Unintelligible => all!(facts::Partly),
        Source::DataCategories => all!(facts::DataCategory),
        Source::SubjectCategories => all!(facts::SubjectCategory),
        Source::RiskView => all!(facts::RiskView),
        _ => Vec::new(),
    }
}

#[test]
fn each_word_of_a_source_has_an_option_wherever_a_choice_is_asked() {
    for question in Form::all().iter().flat_map(Form::questions).filter(|question| question.kind.is_choice()) {
        let words = words_of(question.source);
        assert!(!words.is_empty() || question.source == Source::Asked, "{}", question.id);
        for word in words {
            let left_out = question.no_option.iter().any(|left_out| left_out == word);
            assert!(question.words.contains_key(word) != left_out, "{}: {word}", question.id);
        }
        for word in question.words.keys() {
            let known = words_of(question.source).contains(&word.as_str()) || word == form::NOT_YET_KNOWN;
            assert!(known, "{}: no source says {word}", question.id);
        }
    }
}

#[test]
fn every_source_is_asked_for_by_a_form() {
    let asked: Vec<Source> = Form::all().iter().flat_map(Form::questions).map(|question| question.source).collect();
    for source in Source::ALL {
        assert!(asked.contains(source), "{source:?}");
    }
}

#[test]
fn a_choice_is_answered_with_the_forms_own_options() {
    for (facts, owed) in [(nothing_known(), vec![]), (full_facts(), vec![owed(1)])] {
        let incident = Incident { owed, ..incident(facts) };
        for form in Form::all() {
            let sheet = fill(&incident, &about(), form, aware());
            for answer in sheet.answers().filter(|answer| answer.asked.kind.is_choice()) {
                if let AnswerValue::Given(text) = &answer.value {
                    for line in text.lines() {
                        assert!(answer.asked.options.iter().any(|option| option == line), "{}: {line}", answer.id);
                    }
                    assert!(answer.asked.kind == Kind::Multi || text.lines().count() == 1, "{}", answer.id);
                }
            }
        }
    }
}

#[test]
fn known_facts_are_given() {
    let incident = incident(full_facts());
    assert_eq!(answer(&incident, "describe_what_happened"), given("A mailbox was opened from outside."));
    assert_eq!(answer(&incident, "how_discovered"), given("We found it ourselves. The security lead confirmed it."));
    assert_eq!(answer(&incident, "discovered_at"), AnswerValue::Instant(aware()));
    let period = AnswerValue::Period { from: at("2026-03-01T22:00:00Z"), to: None, estimated: true };
    assert_eq!(answer(&incident, "happened_at"), period);
    assert_eq!(
        answer(&incident, "data_categories"),
        given("Basic personal identifiers, eg name, contact details\nOther (please give details below)")
    );
    assert_eq!(answer(&incident, "detriment"), given("So far: None so far.\n\nWhat may happen: Unwanted mail."));
    assert_eq!(answer(&incident, "reason_for_report"), given("I consider the incident meets the threshold to report"));
    assert_eq!(answer(&incident, "high_risk"), given("No"));
    assert_eq!(answer(&incident, "cia_which"), given("Confidentiality\nAvailability"));
    assert!(matches!(answer(&incident, "data_categories_other"), AnswerValue::Missing(_)));
    assert!(matches!(answer(&incident, "subject_categories_other"), AnswerValue::DoesNotApply(_)));
}

#[test]
fn the_most_that_may_be_affected_comes_first() {
    let counted = |value, basis, max| {
        let facts = Facts { data_subjects: Known::Known(Count { value, basis, max }), ..full_facts() };
        answer(&incident(facts), "subjects_count")
    };
    assert_eq!(counted(900, CountBasis::Approximate, Some(1_200)), given("Up to 1200 (best present figure: 900)"));
    assert_eq!(counted(900, CountBasis::Minimum, Some(1_200)), given("Up to 1200 (at least 900)"));
    assert_eq!(counted(900, CountBasis::Exact, None), given("900"));
    assert_eq!(counted(900, CountBasis::Exact, Some(900)), given("900"));
    assert_eq!(counted(900, CountBasis::Approximate, None), given("About 900 (an estimate)"));
}

#[test]
fn unknown_facts_are_answers_where_the_form_allows_it_and_stay_gaps() {
    let incident = incident(nothing_known());
    for id in ["data_categories", "subject_categories", "high_risk"] {
        assert_eq!(answer(&incident, id), AnswerValue::NotYetKnown("Not yet known".to_owned()), "{id}");
    }
    assert_eq!(answer(&incident, "cyber_incident"), AnswerValue::NotYetKnown("Don't know".to_owned()));
    let gaps = gaps(&sections(&incident, &about(), aware()));
    for id in ["data_categories", "cyber_incident", "records_count", "registration_number", "staff_trained"] {
        assert!(gaps.iter().any(|gap| gap == id), "{id}");
    }
    for id in ["describe_what_happened", "organisation_address", "ico_staff_name", "organisation_impact"] {
        assert!(!gaps.iter().any(|gap| gap == id), "{id}");
    }
}

#[test]
fn the_cyber_part_applies_to_cyber_incidents_only() {
    for (category, applies) in [(IcoCategory::Cyber, true), (IcoCategory::NonCyber, false)] {
        let incident = incident(Facts { ico_category: Known::Known(category), ..full_facts() });
        for id in ["cia_affected", "cia_which", "organisation_impact", "recovery_time"] {
            assert_eq!(!matches!(answer(&incident, id), AnswerValue::DoesNotApply(_)), applies, "{id}");
        }
    }
}

#[test]
fn reasons_for_delay_are_missing_only_after_the_legal_limit() {
    let incident = incident(full_facts());
    let strict = at("2026-03-06T02:10:00Z");
    let legal = at("2026-03-06T03:00:00Z");
    let why = |now| match answer_at(&incident, "delay_reason", now) {
        AnswerValue::DoesNotApply(why) => Some(why),
        AnswerValue::Given(_)
        | AnswerValue::Instant(_)
        | AnswerValue::Period { .. }
        | AnswerValue::NotYetKnown(_)
        | AnswerValue::Missing(_) => None,
    };
    assert!(why(strict).unwrap().contains("not late"));
    assert!(why(strict.plus_seconds(1)).unwrap().contains("may give reasons"));
    assert!(why(legal).unwrap().contains("may give reasons"));
    assert!(matches!(answer_at(&incident, "delay_reason", legal.plus_seconds(1)), AnswerValue::Missing(_)));
}

#[test]
fn a_report_that_follows_up_says_so_and_names_the_case() {
    let submission = Submission {
        at: aware().plus_seconds(3_600),
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line("IC-123456-A1B2")),
        delay_reasons: None,
        proof: None,
    };
    let submitted =
        Incident { report: ReportState::Submitted { submission: submission.clone() }, ..incident(full_facts()) };
    assert_eq!(answer(&submitted, "report_type"), given("Initial report"));
    let follow_up = |of: &Incident| {
        let reports = crate::incident::report::Reports { follow_ups: 1, ..Default::default() };
        Incident { reports: Box::new(reports), ..of.clone() }
    };
    assert_eq!(answer(&follow_up(&submitted), "report_type"), given("Follow-up report"));
    assert_eq!(answer(&follow_up(&submitted), "ico_case_reference"), given("IC-123456-A1B2"));
    assert!(matches!(answer(&follow_up(&submitted), "delay_reason"), AnswerValue::DoesNotApply(_)));
    let late = Submission { ico_reference: None, delay_reasons: Some(text("The system was down.")), ..submission };
    let late = Incident { report: ReportState::Submitted { submission: late }, ..incident(full_facts()) };
    assert_eq!(answer(&late, "delay_reason"), given("The system was down."));
    assert!(matches!(answer(&follow_up(&late), "ico_case_reference"), AnswerValue::Missing(_)));
    assert_eq!(answer(&incident(full_facts()), "report_type"), given("Initial report"));
}

#[test]
fn partners_are_other_organisations_told() {
    let told = Incident { owed: vec![owed(1), owed(2)], ..incident(full_facts()) };
    assert_eq!(answer(&told, "told_others"), given("Yes"));
    assert_eq!(answer(&told, "told_others_which"), given("2 joint controllers, under: Data sharing agreement"));
    let nobody = incident(full_facts());
    assert!(matches!(answer(&nobody, "told_others"), AnswerValue::Missing(_)));
}

#[test]
fn erased_facts_are_missing() {
    let erased = Incident { facts: None, ..incident(full_facts()) };
    assert!(matches!(answer(&erased, "describe_what_happened"), AnswerValue::Missing(why) if why.contains("erased")));
    assert_eq!(answer(&erased, "organisation_name"), given("Example Borough Council"));
}

#[test]
fn the_dpo_is_the_same_unless_another_is_set() {
    let incident = incident(full_facts());
    assert_eq!(
        answer(&incident, "reporter"),
        given("Security lead\nE-mail: security@example.org\nTelephone: 020 7946 0000")
    );
    assert_eq!(answer(&incident, "dpo"), given("Same as above"));
}

#[test]
fn states_and_channels_are_stored_and_read_back() {
    let submission = Submission {
        at: aware(),
        channel: SubmissionChannel::Post,
        ico_reference: None,
        delay_reasons: None,
        proof: Some(line("Proof of posting, folder 7")),
    };
    let states = [
        ReportState::None,
        ReportState::Draft { opened_at: aware(), gaps: vec!["staff_trained".to_owned()] },
        ReportState::Submitted { submission },
        ReportState::NotRequired {
            reason: text("No data left us."),
            proposed_by: Actor::Node,
            approved_by: Actor::Node,
            at: aware(),
        },
    ];
    for state in states {
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<ReportState>(&json).unwrap(), state);
    }
    for channel in SubmissionChannel::ALL {
        assert_eq!(SubmissionChannel::from_word(channel.word()), Some(channel));
        assert!(!channel.label().is_empty());
    }
}

/// Aim: *to be determined* is an answer only of a notification that says it is not complete; else a person has to answer.
#[test]
fn what_is_not_known_is_taken_only_of_an_incomplete_notification() {
    let form = Form::of(&FormId::parse("edpb").unwrap());
    let told = |facts: Facts| {
        let sheet = fill(&incident(facts), &about(), form, aware());
        let found = sheet.answers().find(|answer| answer.asked.source == Source::PeopleTold).unwrap();
        found.value.clone()
    };
    let open = "No, the investigation is still ongoing";
    assert_eq!(told(nothing_known()), AnswerValue::NotYetKnown(open.to_owned()));
    assert!(matches!(told(full_facts()), AnswerValue::Missing(why) if why.contains("\u{201c}Incomplete\u{201d}")));
}

/// Aim: whether people were told is answered from the record: decided, told, told of how high a risk.
#[test]
fn telling_people_answers_from_the_record() {
    let told = |view, survived: Vec<crate::incident::telling::Told>| {
        let facts = Facts { risk_view: Known::Known(view), ..full_facts() };
        let telling = crate::incident::telling::Telling { survived, ..Default::default() };
        answer(&Incident { telling, ..incident(facts) }, "told_subjects_2021")
    };
    let wave = |channel| crate::incident::telling::Told { at: aware(), channel, people: Some(9) };
    let each = || vec![wave(crate::incident::telling::Channel::Letter)];
    let starts = |value: AnswerValue, with: &str| matches!(value, AnswerValue::Given(text) if text.contains(with));
    assert!(matches!(told(RiskView::HighRisk, Vec::new()), AnswerValue::Missing(_)), "nobody has decided");
    assert!(starts(told(RiskView::HighRisk, each()), "therefore we have communicated"));
    assert!(starts(told(RiskView::Risk, each()), "decided to tell them anyway"));
    let telling = crate::incident::telling::Telling { survived: each(), ..Default::default() };
    let unsure = Incident { telling, ..incident(Facts { risk_view: Known::NotYetKnown, ..full_facts() }) };
    assert!(matches!(answer(&unsure, "told_subjects_2021"), AnswerValue::Missing(why) if why.contains("no option")));
}
