use super::kit::*;
use crate::facts::{Cause, DataCategory, DataRecipients, Facts, IncidentKind, Nature, Partly, YesNo};
use crate::incident::assessment::{
    ASSESSMENTS_MAX, Assess, Chosen, ChosenContext, Command as Ask, Fault, Part, Picked, Refusal as NotAssessed,
};
use crate::incident::{Command, Event, Incident, Log, Refusal, Seen, decide};
use crate::report::ReportState;
use crate::self_assessment::{Answer, Given, Outcome, Question};
use crate::severity::{Basis, Confidentiality, DataContext, FactName, Level, Points};
use crate::suggestion::{Asked, ToIco};
use crate::values::{Actor, Known, Role};

/// Facts that answer all that a score can take from them.
fn told() -> Facts {
    Facts {
        nature: Known::Known([Nature::Confidentiality].into()),
        cause: Known::Known(Cause::InternalAccidental),
        recipients_of_data: Known::Known(DataRecipients::Known),
        data_categories: Known::Known([DataCategory::Health].into()),
        data_unintelligible: Known::Known(Partly::Yes),
        ..facts()
    }
}

fn breach() -> Story {
    Story::logged(Log { facts: told(), ..log(IncidentKind::Breach, 0) })
}

fn asks(incident: &Incident, change: impl FnOnce(&mut Assess)) -> Command {
    let Command::Assessment { command: Ask::Assess(mut asked), by } = assess(incident, responder()) else { panic!() };
    change(&mut asked);
    Command::Assessment { command: Ask::Assess(asked), by }
}

fn faults(incident: &Incident, chosen: Chosen) -> Vec<Fault> {
    match decide(Some(incident), &asks(incident, |asked| asked.chosen = chosen), hour(3)) {
        Err(Refusal::Assessment(NotAssessed::Incomplete(faults))) => faults,
        other => panic!("{other:?}"),
    }
}

/// Only what nobody can read off the facts: the identifiers.
fn as_the_facts_say() -> Chosen {
    Chosen { identifiers: chosen().identifiers, ..Chosen::default() }
}

/// What the facts say needs no reason and is kept as theirs; the score, the outcome and the advice are frozen with the
/// names of their tables, and a draft of the report opens when reporting is suggested.
#[test]
fn the_facts_answer_and_the_results_are_kept() {
    let mut story = breach();
    let command = asks(story.incident(), |asked| asked.chosen = as_the_facts_say());
    let events = story.run(&command, hour(3)).events;
    assert!(matches!(&events[..], [Event::Assessment { .. }, Event::ReportDrafted { by: Actor::Node, .. }]));
    let made = &story.incident().assessments[0];
    let assessment = &made.assessment;
    assert_eq!((assessment.number, assessment.facts_version, made.at), (1, 1, hour(3)));
    assert_eq!(assessment.inputs.contexts[0].context, DataContext::Sensitive);
    let basis = Basis::Fact { fact: FactName::Recipients };
    assert_eq!(assessment.inputs.confidentiality.value, Confidentiality::KnownRecipients);
    assert_eq!(assessment.inputs.confidentiality.basis, basis);
    // 4 x 0.5 + 0.25
    let results = &assessment.results;
    assert_eq!((results.severity.get(), results.level, results.outcome), (9, Level::Medium, Outcome::Unclear));
    assert_eq!((results.method.as_str(), results.flow.as_str()), ("enisa-2013", "ico-self-assessment-2026-11"));
    let advice = results.advice.as_ref().unwrap();
    assert_eq!(advice.to_ico, ToIco::SuggestReporting);
    assert!(advice.ico_grounds.iter().any(|ground| ground == "seen_by_known"), "{advice:?}");
    assert_eq!(results.cases.len(), 3);
    assert_eq!(assessment.score().unwrap().severity, results.severity, "the working can still be shown");
    assert_eq!(assessment.self_assessment().unwrap().outcome(), Some(Outcome::Unclear));
}

/// Every adjustment asks a reason, and every fault is named at once.
#[test]
fn an_adjustment_without_a_reason_is_refused() {
    let story = breach();
    let step = ChosenContext { context: DataContext::Sensitive, step: Some(Points::new(-2).unwrap()), reason: None };
    let added = ChosenContext { context: DataContext::Financial, step: None, reason: None };
    let other = Picked { value: Some(Confidentiality::Exposed), reason: None };
    let chosen = Chosen { contexts: vec![step, added], confidentiality: other, ..Chosen::default() };
    let expected = [
        Fault::ContextReason(DataContext::Sensitive),
        Fault::ContextReason(DataContext::Financial),
        Fault::NoIdentifier,
        Fault::PartReason(Part::Confidentiality),
    ];
    assert_eq!(faults(story.incident(), chosen), expected);
    let unknown = Story::breach(0);
    let missing = [Part::Confidentiality, Part::Integrity, Part::Availability, Part::Intent].map(Fault::Missing);
    assert_eq!(faults(unknown.incident(), as_the_facts_say())[1..], missing);
    assert_eq!(faults(unknown.incident(), as_the_facts_say())[0], Fault::NoContext);
}

/// The same choice as the facts needs no reason; with one it is the person's.
#[test]
fn a_reason_makes_a_choice_the_persons() {
    let mut story = breach();
    let command = asks(story.incident(), |asked| {
        asked.chosen = as_the_facts_say();
        asked.chosen.confidentiality = Picked { value: Some(Confidentiality::KnownRecipients), reason: None };
        asked.chosen.intent.reason = Some(long("The clerk said so."));
    });
    story.run(&command, hour(3));
    let inputs = &story.incident().assessments[0].assessment.inputs;
    assert_eq!(inputs.confidentiality.basis, Basis::Fact { fact: FactName::Recipients });
    assert_eq!(inputs.intent.basis, Basis::Person { reason: long("The clerk said so.") });
}

/// Unreadable data are flagged only once strong means and a safe key are shown.
#[test]
fn encryption_is_flagged_only_when_it_is_shown() {
    for (strong, key_safe, flag) in [
        (Known::Known(YesNo::Yes), Known::Known(YesNo::Yes), Known::Known(true)),
        (Known::Known(YesNo::Yes), Known::NotYetKnown, Known::NotYetKnown),
        (Known::Known(YesNo::Yes), Known::Known(YesNo::No), Known::Known(false)),
    ] {
        let mut story = breach();
        let command = asks(story.incident(), |asked| {
            asked.chosen = as_the_facts_say();
            asked.asked = Asked { strong, key_safe, ..Asked::default() };
        });
        story.run(&command, hour(3));
        assert_eq!(story.incident().assessments[0].assessment.inputs.flags.unintelligible, flag);
    }
}

/// A walk that ends nowhere, and answers after the end, are faults.
#[test]
fn the_self_assessment_leads_somewhere() {
    let story = breach();
    let given = |question, answer| Given { question, answer, reason: long("Weighed.") };
    let refused = |answers: Vec<Given>| {
        let command = asks(story.incident(), |asked| asked.answers = answers);
        matches!(story.refused(&command, hour(3)), Refusal::Assessment(NotAssessed::Incomplete(_)))
    };
    assert!(refused(vec![]));
    assert!(refused(vec![given(Question::PersonalData, Answer::Yes)]));
    let ended = given(Question::PersonalData, Answer::No);
    assert!(refused(vec![ended.clone(), given(Question::Breach, Answer::No)]));
    let command = asks(story.incident(), |asked| asked.answers = vec![ended]);
    assert!(decide(Some(story.incident()), &command, hour(3)).is_ok());
}

/// Circumstances that are only likely to give rise to a breach get a score and no suggestion; what a partner calls a breach
/// does get one.
#[test]
fn likely_to_give_rise_gets_no_suggestion() {
    for (kind, suggested) in [
        (IncidentKind::LikelyToGiveRise, false),
        (IncidentKind::UnderInvestigation, true),
        (IncidentKind::Breach, true),
    ] {
        let mut story = Story::logged(log(kind, 0));
        let command = assess(story.incident(), dpo(1));
        story.run(&command, hour(3));
        assert_eq!(story.incident().assessments[0].assessment.results.advice.is_some(), suggested);
        let drafted = matches!(story.incident().report, ReportState::Draft { .. });
        assert_eq!(drafted, kind == IncidentKind::Breach, "only a breach has a report");
    }
}

/// Newer assessments are added; newer facts make those before them older than the facts.
#[test]
fn assessments_are_added_never_overwritten() {
    let mut story = breach();
    let first = assess(story.incident(), responder());
    story.run(&first, hour(3));
    assert_eq!(story.refused(&first, hour(3)), Refusal::NothingChanges, "the same form sent twice");
    let stale = asks(story.incident(), |asked| asked.seen = Seen { assessments: 0, ..asked.seen });
    let stale = match stale {
        Command::Assessment { command, .. } => Command::Assessment { command, by: dpo(2) },
        other => other,
    };
    let first_of_all = Refusal::Meanwhile { what: "assessed", by: responder(), at: hour(3) };
    assert_eq!(story.refused(&stale, hour(4)), first_of_all);
    let newer = Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() };
    story.run(&newer, hour(5));
    assert!(story.incident().assessments[0].is_older_than_the_facts(story.incident()));
    assert_eq!(story.refused(&stale, hour(6)), Refusal::FactsChanged { current: 2 });
    let again = assess(story.incident(), dpo(1));
    story.run(&again, hour(7));
    let made = &story.incident().assessments;
    assert_eq!(made.iter().map(|made| made.assessment.number).collect::<Vec<_>>(), [1, 2]);
    assert!(!made[1].is_older_than_the_facts(story.incident()));
    assert_eq!(made[0].assessment.facts_version, 1);
}

/// There is a limit to how many and to how much; only responders and officers assess, and only what is open.
#[test]
fn limits_and_roles() {
    let mut story = breach();
    for role in [Role::Manager, Role::Auditor, Role::Reporter, Role::Administrator] {
        let command = assess(story.incident(), person(7, role));
        assert_eq!(story.refused(&command, hour(3)), Refusal::Assessment(NotAssessed::RoleNeeded));
    }
    let much = long(&"x".repeat(8_000));
    let command = asks(story.incident(), |asked| {
        asked.answers.iter_mut().for_each(|given| given.reason = much.clone());
        asked.note = Some(much.clone());
        asked.chosen.contexts.iter_mut().for_each(|choice| choice.reason = Some(much.clone()));
        let parts = [&mut asked.chosen.integrity.reason, &mut asked.chosen.availability.reason];
        parts.into_iter().chain([&mut asked.chosen.intent.reason]).for_each(|reason| *reason = Some(much.clone()));
        asked.chosen.confidentiality.reason = Some(much.clone());
    });
    assert_eq!(story.refused(&command, hour(3)), Refusal::Assessment(NotAssessed::TooLong));
    for number in 0..ASSESSMENTS_MAX {
        let command = asks(story.incident(), |asked| asked.note = Some(long(&format!("Look {number}."))));
        story.run(&command, hour(3));
    }
    let command = asks(story.incident(), |asked| asked.note = None);
    assert_eq!(story.refused(&command, hour(3)), Refusal::Assessment(NotAssessed::TooMany));
}
