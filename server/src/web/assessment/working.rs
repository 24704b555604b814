//! How a score came about, line by line; where the self-assessment led; what is suggested, with every ground.

use domain::incident::assessment::{Advice, Assessment};
use domain::self_assessment::{Outcome, flow};
use domain::severity::{Basis, Level, Term};
use domain::suggestion::{Ground, Leans, Question};
use domain::values::Known;

use super::super::field::{NOT_YET_KNOWN_LABEL, Tag};
use super::labels;

/// One line of a working.
pub(super) struct Line {
    pub(super) what: String,
    pub(super) number: String,
    pub(super) ground: String,
    pub(super) why: String,
    /// How sure the line of the table is; empty when it is verified or plain arithmetic.
    pub(super) sure: &'static str,
}

/// What is suggested, and why.
pub(super) struct Grounds {
    pub(super) to_ico: &'static str,
    pub(super) to_people: &'static str,
    pub(super) ico: Vec<Reason>,
    pub(super) people: Vec<Reason>,
    pub(super) open: Vec<&'static str>,
    pub(super) rules: String,
}

/// One ground with the provision that it rests on.
pub(super) struct Reason {
    pub(super) words: String,
    pub(super) provision: &'static str,
    pub(super) leans: &'static str,
}

/// A level in shape, word and colour. Low is no green light.
pub(super) fn level_tag(level: Level) -> Tag {
    let word = format!("{} severity", labels::level(level));
    match level {
        Level::Low => Tag::grey(word),
        Level::Medium => Tag::blue(word),
        Level::High => Tag::amber(word),
        Level::VeryHigh => Tag::red(word),
    }
}

fn sure(confidence: domain::law::Confidence) -> &'static str {
    match confidence {
        domain::law::Confidence::Verified => "",
        domain::law::Confidence::Secondary | domain::law::Confidence::Derived | domain::law::Confidence::Unverified => {
            confidence.word()
        }
    }
}

/// The working of the score; empty when the tables that gave it are no longer in force.
pub(super) fn of_score(assessment: &Assessment) -> Vec<Line> {
    let Some(score) = assessment.score() else { return Vec::new() };
    score
        .working
        .into_iter()
        .map(|step| Line {
            what: what(step.term),
            number: step.number.to_string(),
            why: step.basis.map(|basis| why(&basis)).unwrap_or_default(),
            sure: sure(step.confidence),
            ground: step.ground,
        })
        .collect()
}

fn what(term: Term) -> String {
    match term {
        Term::Base { context } | Term::Adjusted { context } | Term::Held { context } => {
            format!("{}: {}", labels::context(context), term.label().to_lowercase())
        }
        Term::Identifier { identifier } => {
            format!("{}: how easily it gives people away", labels::identifier(identifier))
        }
        Term::Context
        | Term::Ease
        | Term::Product
        | Term::Confidentiality
        | Term::Integrity
        | Term::Availability
        | Term::Intent
        | Term::Circumstances
        | Term::Severity
        | Term::Level => term.label().to_owned(),
    }
}

fn why(basis: &Basis) -> String {
    match basis {
        Basis::Fact { fact } => format!("From the facts: {}", labels::fact(*fact)),
        Basis::Person { reason } => reason.to_string(),
    }
}

/// What is shown beside the score and never added.
pub(super) fn flags(assessment: &Assessment) -> Vec<(&'static str, &'static str)> {
    let word = |known: Known<bool>| match known {
        Known::Known(true) => "Yes",
        Known::Known(false) => "No",
        Known::NotYetKnown => NOT_YET_KNOWN_LABEL,
    };
    let flags = assessment.inputs.flags;
    vec![
        ("More than 100 people", word(flags.more_than_100_people)),
        ("Nobody can read the data: strong means, the key safe", word(flags.unintelligible)),
    ]
}

/// What to do about an outcome.
pub(super) fn next(outcome: Outcome) -> &'static str {
    flow().outcomes.iter().find(|row| row.code == outcome).map_or("", |row| &row.next)
}

/// The answers with their reasons.
pub(super) fn of_answers(assessment: &Assessment) -> Vec<Line> {
    let walked = assessment.self_assessment();
    assessment
        .answers
        .iter()
        .enumerate()
        .map(|(place, given)| {
            let step = walked.as_ref().and_then(|walk| walk.working.get(place));
            Line {
                what: labels::question(given.question).to_owned(),
                number: labels::answer(given.question, given.answer).to_owned(),
                ground: step.map(|step| format!("{} ({})", step.ground, step.provision)).unwrap_or_default(),
                why: given.reason.to_string(),
                sure: step.map_or("", |step| sure(step.confidence)),
            }
        })
        .collect()
}

/// What was asked beside the facts.
pub(super) fn asked(assessment: &Assessment) -> Vec<(&'static str, String)> {
    fn said<T: Copy>(known: Known<T>, label: fn(T) -> &'static str) -> String {
        known.as_option().map_or(NOT_YET_KNOWN_LABEL, |value| label(*value)).to_owned()
    }
    let asked = &assessment.asked;
    vec![
        (Question::Strong.words(), said(asked.strong, domain::facts::YesNo::label)),
        (Question::KeySafe.words(), said(asked.key_safe, domain::facts::YesNo::label)),
        (Question::Restoration.words(), said(asked.restoration, domain::suggestion::Restoration::label)),
        (Question::DeletionConfirmed.words(), said(asked.deletion_confirmed, domain::facts::YesNo::label)),
        (Question::Misuse.words(), said(asked.misuse, domain::suggestion::Misuse::label)),
        (
            "Do steps taken since make sure that no high risk is left?",
            said(asked.high_risk_removed, domain::facts::YesNo::label),
        ),
        (
            "Would telling each person be out of all proportion?",
            said(asked.telling_disproportionate, domain::facts::YesNo::label),
        ),
    ]
}

/// The suggestion as it was kept: its grounds by their names.
pub(super) fn grounds(advice: &Advice) -> Grounds {
    let named = |names: &[String]| {
        let reason = |name: &String| match Ground::with_id(name) {
            Some(ground) => Reason {
                words: ground.words.to_owned(),
                provision: ground.provision.citation(),
                leans: match ground.leans {
                    Leans::Towards => "for",
                    Leans::Against => "against",
                    Leans::Neither => "either way",
                },
            },
            // A ground of rules that are no longer known here.
            None => Reason { words: name.clone(), provision: "", leans: "" },
        };
        names.iter().map(reason).collect()
    };
    Grounds {
        to_ico: advice.to_ico.label(),
        to_people: advice.to_people.label(),
        ico: named(&advice.ico_grounds),
        people: named(&advice.people_grounds),
        open: advice.open.iter().map(|question| question.words()).collect(),
        rules: advice.rules.clone(),
    }
}
