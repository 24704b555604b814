#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::facts::tests::nothing_known;
use crate::facts::{Cause, DataCategory, DataRecipients, Facts, Nature, Partly, SubjectCategory};
use crate::values::{Count, CountBasis, Options};
use crate::vectors::rows;

const VECTORS: &str = include_str!("../../testdata/enisa-vectors.csv");
const GRID: &str = include_str!("../../testdata/enisa-grid.csv");

fn long(text: &str) -> LongText {
    LongText::parse(text).unwrap()
}

fn person() -> Basis {
    Basis::Person { reason: long("Seen in the log") }
}

fn chosen<T>(value: T) -> Choice<T> {
    Choice { value, basis: person() }
}

fn context(context: DataContext, by: i8) -> ContextChoice {
    let adjustment = Adjustment { by: Points::new(by).unwrap(), reason: long("Ten years of letters") };
    ContextChoice { context, basis: person(), adjustment: (by != 0).then_some(adjustment) }
}

fn identifier(identifier: Identifier, ease: Ease) -> IdentifierChoice {
    IdentifierChoice { identifier, ease, reason: long("The name is on it") }
}

/// Circumstances that add these quarters, each by the last of its lines that does.
fn inputs(contexts: Vec<ContextChoice>, ease: Ease, circumstances: [i16; 4]) -> Inputs {
    fn line<T: Copy>(rows: &[Row<T>], quarters: i16) -> Choice<T> {
        chosen(rows.iter().rfind(|row| row.quarters.get() == quarters).unwrap().code)
    }
    let rows = &method().circumstances;
    Inputs {
        contexts,
        identifiers: vec![identifier(Identifier::FullName, ease)],
        confidentiality: line(&rows.confidentiality, circumstances[0]),
        integrity: line(&rows.integrity, circumstances[1]),
        availability: line(&rows.availability, circumstances[2]),
        intent: line(&rows.intent, circumstances[3]),
        flags: Flags::default(),
    }
}

fn number(score: &Score, term: Term) -> Quarters {
    score.working.iter().find(|step| step.term == term).unwrap().number
}

/// `0.75` as quarters.
fn quarters(text: &str) -> i16 {
    (0..=24).find(|quarters| Quarters::new(*quarters).to_string() == text).unwrap()
}

#[test]
fn every_severity_vector() {
    let rows = rows(VECTORS);
    assert_eq!(rows.len(), 25);
    for row in rows {
        let case = &row["id"];
        let kind = DataContext::from_word(&row["dpc_category"]).unwrap();
        let ease = Ease::ALL[usize::try_from(quarters(&row["ei"]) - 1).unwrap()];
        let added =
            ["cb_confidentiality", "cb_integrity", "cb_availability", "cb_malicious"].map(|name| quarters(&row[name]));
        let flag = |name: &str| if row[name] == "true" { Known::Known(true) } else { Known::NotYetKnown };
        let flags =
            Flags { more_than_100_people: flag("flag_over_100_people"), unintelligible: flag("flag_unintelligible") };
        let by = row["dpc_adjustment"].parse().unwrap();
        let score = score(&Inputs { flags, ..inputs(vec![context(kind, by)], ease, added) }).unwrap();
        let whole = |name: &str| Quarters::whole(row[name].parse().unwrap());
        assert_eq!(number(&score, Term::Base { context: kind }), whole("dpc_base"), "{case}");
        assert_eq!(number(&score, Term::Context), whole("dpc"), "{case}");
        assert_eq!(number(&score, Term::Ease).to_string(), row["ei"], "{case}");
        assert_eq!(number(&score, Term::Circumstances).to_string(), row["cb"], "{case}");
        assert_eq!(score.severity.to_string(), row["se"], "{case}");
        assert_eq!(score.severity.get().to_string(), row["se_quarters"], "{case}");
        assert_eq!(score.level.word(), row["band"], "{case}");
        assert_eq!(score.flags, flags, "{case}");
    }
}

#[test]
fn every_row_of_the_grid() {
    let rows = rows(GRID);
    assert_eq!(rows.len(), 144);
    for row in rows {
        let [dpc, ease, added] = ["dpc", "ei_quarters", "cb_quarters"].map(|name| row[name].parse::<i16>().unwrap());
        let kind = context(DataContext::Simple, i8::try_from(dpc - 1).unwrap());
        let intent = if added > 6 { 2 } else { 0 };
        let mut left = added - intent;
        let [confidentiality, integrity, availability] = [(); 3].map(|()| {
            let part = left.min(2);
            left -= part;
            part
        });
        let ease = Ease::ALL[usize::try_from(ease - 1).unwrap()];
        let score = score(&inputs(vec![kind], ease, [confidentiality, integrity, availability, intent])).unwrap();
        assert_eq!(score.severity.get().to_string(), row["se_quarters"], "{row:?}");
        assert_eq!(score.level.word(), row["band"], "{row:?}");
    }
}

/// The working can be followed line by line: each number, its ground, and the reason behind every choice.
#[test]
fn the_working_is_written_down_in_order() {
    let kinds = vec![context(DataContext::Simple, 0), context(DataContext::Sensitive, -1)];
    let mut inputs = inputs(kinds, Ease::Limited, [1, 0, 1, 2]);
    inputs.identifiers.push(identifier(Identifier::Email, Ease::Maximum));
    let score = score(&inputs).unwrap();
    let working: Vec<(Term, String)> = score.working.iter().map(|step| (step.term, step.number.to_string())).collect();
    let expected = [
        (Term::Base { context: DataContext::Simple }, "1.00"),
        (Term::Base { context: DataContext::Sensitive }, "4.00"),
        (Term::Adjusted { context: DataContext::Sensitive }, "-1.00"),
        (Term::Held { context: DataContext::Sensitive }, "3.00"),
        (Term::Context, "3.00"),
        (Term::Identifier { identifier: Identifier::FullName }, "0.50"),
        (Term::Identifier { identifier: Identifier::Email }, "1.00"),
        (Term::Ease, "1.00"),
        (Term::Product, "3.00"),
        (Term::Confidentiality, "0.25"),
        (Term::Integrity, "0.00"),
        (Term::Availability, "0.25"),
        (Term::Intent, "0.50"),
        (Term::Circumstances, "1.00"),
        (Term::Severity, "4.00"),
        (Term::Level, "4.00"),
    ];
    assert_eq!(working, expected.map(|(term, number)| (term, number.to_owned())));
    assert!(score.working.iter().all(|step| !step.ground.is_empty() && !step.term.label().is_empty()));
    assert_eq!(score.working[2].ground, "It allows guesses at something sensitive");
    assert_eq!(score.working[2].basis, Some(Basis::Person { reason: long("Ten years of letters") }));
    assert_eq!(score.working.iter().filter(|step| step.basis.is_some()).count(), 9, "choices; the rest only counts");
    assert_eq!(
        score.working[15].ground,
        "Very high, from 4.00 up: People may be hit so hard that they never get over it"
    );
}

/// A step or an ease that the method's tables do not name is taken, and said to be a person's own.
#[test]
fn what_the_tables_do_not_name_is_shown_as_a_persons_own() {
    let mut inputs = inputs(vec![context(DataContext::Financial, -3)], Ease::Limited, [0; 4]);
    inputs.identifiers = vec![identifier(Identifier::Email, Ease::Limited)];
    let score = score(&inputs).unwrap();
    assert_eq!(score.working[1].ground, method().rules.own_adjustment.label);
    assert_eq!(score.working[2].number, Quarters::whole(1), "kept between 1 and 4");
    assert_eq!(score.working[4].ground, method().rules.own_ease.label);
}

/// Low never hides a question, and no level answers one: openly published names and addresses score low.
#[test]
fn both_questions_are_asked_at_every_level() {
    let raised = |by, ease, added| {
        let score = score(&inputs(vec![context(DataContext::Simple, by)], ease, added)).unwrap();
        let asked: Vec<Question> = score.prompts.iter().map(|prompt| prompt.question).collect();
        assert_eq!(asked, Question::ALL);
        assert!(score.prompts.iter().all(|prompt| prompt.provision.starts_with("UK GDPR Article 3")));
        (score.level, score.prompts[0].raised, score.prompts[1].raised)
    };
    assert_eq!(raised(0, Ease::Maximum, [2, 0, 0, 0]), (Level::Low, false, false));
    assert_eq!(raised(1, Ease::Maximum, [2, 0, 0, 0]), (Level::Medium, true, false));
    assert_eq!(raised(2, Ease::Maximum, [0, 0, 0, 0]), (Level::High, true, true));
    assert_eq!(raised(3, Ease::Maximum, [0, 0, 0, 0]), (Level::VeryHigh, true, true));
}

#[test]
fn a_missing_or_doubled_choice_is_refused() {
    let one = || vec![context(DataContext::Simple, 0)];
    assert_eq!(score(&inputs(Vec::new(), Ease::Limited, [0; 4])), Err(Refusal::NoContext));
    let twice = vec![context(DataContext::Simple, 0), context(DataContext::Simple, 1)];
    assert_eq!(score(&inputs(twice, Ease::Limited, [0; 4])), Err(Refusal::ContextTwice(DataContext::Simple)));
    let none = Inputs { identifiers: Vec::new(), ..inputs(one(), Ease::Limited, [0; 4]) };
    assert_eq!(score(&none), Err(Refusal::NoIdentifier));
    let email = identifier(Identifier::Email, Ease::Limited);
    let twice = Inputs { identifiers: vec![email.clone(), email], ..none };
    assert_eq!(score(&twice), Err(Refusal::IdentifierTwice(Identifier::Email)));
    assert!(Points::new(4).is_err() && Points::new(-4).is_err());
    assert!(serde_json::from_str::<Points>("4").is_err());
}

/// The tables hold a line for every choice, levels without a gap, and steps that stay within 1 to 4.
#[test]
fn the_tables_are_whole() {
    let method = method();
    assert_eq!(method.id, "enisa-2013");
    assert!(method.validity.covers("2026-11-22".parse().unwrap()));
    let contexts: Vec<DataContext> = method.contexts.iter().map(|row| row.code).collect();
    assert_eq!(contexts, DataContext::ALL);
    for row in &method.contexts {
        assert!(row.steps.iter().all(|step| (1..=4).contains(&(i16::from(row.base) + i16::from(step.by.get())))));
    }
    let identifiers: Vec<Identifier> = method.identifiers.iter().map(|row| row.code).collect();
    assert_eq!(identifiers, Identifier::ALL);
    let eases: Vec<(Ease, i16)> = method.eases.iter().map(|row| (row.code, row.quarters.get())).collect();
    assert_eq!(eases, Ease::ALL.iter().copied().zip(1..=4).collect::<Vec<_>>());
    let rows = &method.circumstances;
    assert_eq!(rows.confidentiality.iter().map(|row| row.code).collect::<Vec<_>>(), Confidentiality::ALL);
    assert_eq!(rows.integrity.iter().map(|row| row.code).collect::<Vec<_>>(), Integrity::ALL);
    assert_eq!(rows.availability.iter().map(|row| row.code).collect::<Vec<_>>(), Availability::ALL);
    assert_eq!(rows.intent.iter().map(|row| row.code).collect::<Vec<_>>(), Intent::ALL);
    let levels: Vec<(Level, i16)> = method.levels.iter().map(|row| (row.code, row.from_quarters.get())).collect();
    assert_eq!(levels, [(Level::Low, 0), (Level::Medium, 8), (Level::High, 12), (Level::VeryHigh, 16)]);
    assert_eq!(method.questions.iter().map(|row| row.code).collect::<Vec<_>>(), Question::ALL);
    assert_eq!(method.flags.len(), 2);
    let left: Vec<&DataCategory> = DataCategory::ALL
        .iter()
        .filter(|category| !method.from_facts.data_categories.contains_key(*category))
        .collect();
    assert_eq!(left, [&DataCategory::IdentificationData, &DataCategory::Other]);
}

/// Facts that nobody knows propose nothing, and everything is asked.
#[test]
fn unknown_facts_propose_nothing() {
    let proposal = propose(&nothing_known());
    assert!(proposal.contexts.is_empty());
    let open =
        [Open::Contexts, Open::Identifiers, Open::Confidentiality, Open::Integrity, Open::Availability, Open::Intent];
    assert_eq!(proposal.open, open);
    assert_eq!(proposal.flags, Flags::default());
}

/// Facts answer what they can, by name, and never how easily people can be recognised.
#[test]
fn known_facts_propose_choices_by_name() {
    let count = Count { value: 101, basis: CountBasis::Approximate, max: None };
    let facts = Facts {
        nature: Known::Known(Options::from([Nature::Confidentiality])),
        cause: Known::Known(Cause::ExternalMalicious),
        recipients_of_data: Known::Known(DataRecipients::Published),
        data_categories: Known::Known(Options::from([
            DataCategory::BasicIdentifiers,
            DataCategory::Health,
            DataCategory::IdentificationData,
            DataCategory::Other,
        ])),
        subject_categories: Known::Known(Options::from([SubjectCategory::Children])),
        data_subjects: Known::Known(count),
        data_unintelligible: Known::Known(Partly::Partly),
        ..nothing_known()
    };
    let proposal = propose(&facts);
    let fact = |fact| Basis::Fact { fact };
    let contexts: Vec<DataContext> = proposal.contexts.iter().map(|choice| choice.context).collect();
    assert_eq!(contexts, [DataContext::Simple, DataContext::Sensitive]);
    assert!(proposal.contexts.iter().all(|choice| choice.adjustment.is_none()));
    let expected = Choice { value: Confidentiality::UnknownRecipients, basis: fact(FactName::Recipients) };
    assert_eq!(proposal.confidentiality, Some(expected));
    let expected = Choice { value: Integrity::NotAffected, basis: fact(FactName::Nature) };
    assert_eq!(proposal.integrity, Some(expected));
    assert_eq!(proposal.intent, Some(Choice { value: Intent::Deliberate, basis: fact(FactName::Cause) }));
    assert_eq!(proposal.open, [Open::Credentials, Open::OtherData, Open::PeopleAtRisk, Open::Identifiers]);
    let flags = Flags { more_than_100_people: Known::Known(true), unintelligible: Known::Known(false) };
    assert_eq!(proposal.flags, flags);
}

/// A figure of 100 or less settles nothing while more may be affected.
#[test]
fn a_figure_that_may_grow_leaves_the_flag_open() {
    let flag = |value, basis, max| {
        let count = Known::Known(Count { value, basis, max });
        propose(&Facts { data_subjects: count, ..nothing_known() }).flags.more_than_100_people
    };
    assert_eq!(flag(100, CountBasis::Exact, None), Known::Known(false));
    assert_eq!(flag(100, CountBasis::Minimum, None), Known::NotYetKnown);
    assert_eq!(flag(100, CountBasis::Approximate, Some(101)), Known::NotYetKnown);
    assert_eq!(flag(101, CountBasis::Minimum, None), Known::Known(true));
}

/// Choices and scores are stored and read back; each word leads back to its choice.
#[test]
fn choices_and_scores_are_stored_and_read_back() {
    let inputs = inputs(vec![context(DataContext::Behavioural, 2)], Ease::Significant, [2, 1, 0, 2]);
    let json = serde_json::to_string(&inputs).unwrap();
    assert_eq!(serde_json::from_str::<Inputs>(&json).unwrap(), inputs);
    let score = score(&inputs).unwrap();
    let json = serde_json::to_string(&score).unwrap();
    assert_eq!(serde_json::from_str::<Score>(&json).unwrap(), score);
    for level in Level::ALL {
        assert_eq!(Level::from_word(level.word()), Some(*level));
        assert_eq!(serde_json::to_string(level).unwrap(), format!("\"{}\"", level.word()));
    }
    let facts: BTreeSet<&str> = nothing_known().missing_items().into_iter().collect();
    assert!(FactName::ALL.iter().all(|fact| facts.contains(fact.word())), "the names of the wire");
}
