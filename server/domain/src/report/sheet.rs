//! A form filled with what the facts say and what people wrote: what is missing, what may be personal data, what a
//! signature covers, and what has changed since a report was sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::{Form, Question};
use super::source::{Fact, On, Source};
use super::written::count_words;
use super::{About, Answer, AnswerValue, QuestionId, Section};
use crate::incident::{Incident, Stage};
use crate::personal_data::{self, Finding, Known, Severity};
use crate::values::{Digest32, Moment};

/// A form with its answers.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Which form.
    pub form: &'static Form,
    /// Which report of the incident: 1 is the first, 2 the first that follows up.
    pub number: u32,
    /// Its parts, in the form's order.
    pub sections: Vec<Section>,
}

/// An answer as it was signed off or submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenAnswer {
    /// Stable name of the question.
    pub question: String,
    /// As the form asked it then.
    pub asked: String,
    /// The answer.
    pub value: AnswerValue,
}

/// An answer that is not what the regulator was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Stable name of the question.
    pub question: String,
    /// As the form asked it.
    pub asked: String,
    /// What the regulator was told; `None` for nothing.
    pub was: Option<AnswerValue>,
    /// What it is now.
    pub is: AnswerValue,
}

/// A text with what in it looks like personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable name of the question.
    pub question: QuestionId,
    /// As the form asks it.
    pub asked: String,
    /// The text.
    pub text: String,
    /// What was found, in the order of the text.
    pub findings: Vec<Finding>,
}

impl Warning {
    /// Whether a person has to take it out or say why it may stay.
    #[must_use]
    pub fn is_serious(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Warn)
    }

    /// What a reason for letting it stay is bound to.
    #[must_use]
    pub fn digest(&self) -> Digest32 {
        Digest32::of(self.text.as_bytes())
    }
}

impl Sheet {
    /// Every answer, in the form's order.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.sections.iter().flat_map(|section| &section.answers)
    }

    /// The answer to a question.
    #[must_use]
    pub fn answer(&self, question: &QuestionId) -> Option<&Answer> {
        self.answers().find(|answer| answer.asked.id == *question)
    }

    /// What goes into the regulator's form.
    #[must_use]
    pub fn frozen(&self) -> Vec<FrozenAnswer> {
        let said = self.answers().filter(|answer| answer.value.is_said());
        said.map(|answer| FrozenAnswer {
            question: answer.id.clone(),
            asked: answer.question.clone(),
            value: answer.value.clone(),
        })
        .collect()
    }

    /// What a signature covers: the form, which report it is, and every answer that goes into it.
    #[must_use]
    pub fn digest(&self) -> Digest32 {
        let octets = serde_json::to_vec(&(&self.form.id, self.number, self.frozen())).unwrap_or_default();
        Digest32::of(&octets)
    }
}

/// The report that is worked on, filled as things stand at `now`.
#[must_use]
pub fn fill_current(incident: &Incident, about: &About, now: Moment) -> Sheet {
    fill(incident, about, Form::of(&incident.reports.form), now)
}

/// A form filled as things stand at `now`.
#[must_use]
pub fn fill(incident: &Incident, about: &About, form: &'static Form, now: Moment) -> Sheet {
    let number = incident.reports.number();
    let on = On { incident, about, number, now };
    let mut sections: Vec<Section> = Vec::new();
    let mut so_far: BTreeMap<QuestionId, AnswerValue> = BTreeMap::new();
    for question in form.questions() {
        let answer = answer(form, question, &on, &so_far);
        so_far.insert(question.id.clone(), answer.value.clone());
        match sections.last_mut() {
            Some(section) if section.title == question.section => section.answers.push(answer),
            Some(_) | None => sections.push(Section { title: question.section.clone(), answers: vec![answer] }),
        }
    }
    Sheet { form, number, sections }
}

/// The parts of the report that is worked on, filled as things stand at `now`: what is printed.
#[must_use]
pub fn sections(incident: &Incident, about: &About, now: Moment) -> Vec<Section> {
    fill_current(incident, about, now).sections
}

fn answer(form: &Form, question: &'static Question, on: &On<'_>, so_far: &BTreeMap<QuestionId, AnswerValue>) -> Answer {
    let fact = resolved(question, question.source.tell(on));
    let (version, written) = on.incident.reports.written(&question.id);
    let unmet = question.show_if.as_ref().filter(|condition| !condition.holds(so_far));
    let value = match (unmet, &written) {
        (Some(condition), _) => AnswerValue::DoesNotApply(format!("Only if {}", condition.words(form))),
        (None, Some(written)) => written.answer.value(question),
        (None, None) => optional(question, fact.clone()),
    };
    let value = unknown_allowed(form, question, so_far, value);
    let from = written.as_ref().map_or_else(|| question.source.from().to_owned(), |written| written.from.clone());
    Answer {
        id: question.id.to_string(),
        question: question.label.clone(),
        article: question.article.clone(),
        asked: question,
        value,
        from,
        version,
        applies: unmet.is_none(),
        fact_changed: written.as_ref().is_some_and(|written| written.fact != value_digest(&fact)),
        written: written.map(|written| written.answer),
        fact,
    }
}

/// *Not yet known* is no answer where the form takes it only of a report that says it is not complete.
fn unknown_allowed(
    form: &Form,
    question: &Question,
    so_far: &BTreeMap<QuestionId, AnswerValue>,
    value: AnswerValue,
) -> AnswerValue {
    let unmet = question.unknown_if.as_ref().filter(|condition| !condition.holds(so_far));
    match (unmet, &value) {
        (Some(condition), AnswerValue::NotYetKnown(text)) => AnswerValue::Missing(format!(
            "Not known yet, and the form takes \u{201c}{text}\u{201d} only if {}.",
            condition.words(form)
        )),
        (Some(_) | None, _) => value,
    }
}

/// What tells one value of the facts from another.
pub(crate) fn value_digest(value: &AnswerValue) -> Digest32 {
    Digest32::of(&serde_json::to_vec(value).unwrap_or_default())
}

fn optional(question: &Question, fact: AnswerValue) -> AnswerValue {
    match fact {
        AnswerValue::Missing(_) if question.optional => AnswerValue::DoesNotApply("It may stay empty".to_owned()),
        AnswerValue::Missing(_)
        | AnswerValue::Given(_)
        | AnswerValue::Instant(_)
        | AnswerValue::Period { .. }
        | AnswerValue::NotYetKnown(_)
        | AnswerValue::DoesNotApply(_) => fact,
    }
}

/// What a source says, in the form's words.
fn resolved(question: &Question, fact: Fact) -> AnswerValue {
    match fact {
        Fact::Codes(codes) if question.kind.is_choice() => {
            let options: Vec<&str> = codes.iter().filter_map(|(word, _)| question.option_for(word)).collect();
            if options.is_empty() {
                return AnswerValue::Missing("The form has no option for what is recorded: choose one.".to_owned());
            }
            // In the form's order, each once.
            let listed = question.options.iter().filter(|option| options.contains(&option.as_str()));
            AnswerValue::Given(listed.map(String::as_str).collect::<Vec<_>>().join("\n"))
        }
        Fact::Codes(codes) => {
            AnswerValue::Given(codes.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join("\n"))
        }
        Fact::Text(text) => AnswerValue::Given(text),
        Fact::Instant(at) => AnswerValue::Instant(at),
        Fact::Period { from, to, estimated } => AnswerValue::Period { from, to, estimated },
        Fact::Count(count) => AnswerValue::Given(count_words(&count)),
        Fact::Unknown if question.kind.is_choice() && question.unknown_option().is_none() => {
            AnswerValue::Missing("Not known yet, and the form has no option for that: choose one.".to_owned())
        }
        Fact::Unknown => AnswerValue::NotYetKnown(question.unknown_option().unwrap_or("Not yet known").to_owned()),
        Fact::Nothing(why) => AnswerValue::Missing(why.to_owned()),
        Fact::NotCalledFor(why) => AnswerValue::DoesNotApply(why.to_owned()),
    }
}

/// Questions still open, by id, in the form's order: missing, or answered *not yet known*.
#[must_use]
pub fn gaps(sections: &[Section]) -> Vec<String> {
    let answers = sections.iter().flat_map(|section| &section.answers);
    answers.filter(|answer| answer.value.is_open()).map(|answer| answer.id.clone()).collect()
}

/// Questions that a report can't do without and that nothing answers.
#[must_use]
pub fn missing_required(sheet: &Sheet) -> Vec<&Answer> {
    let missing = |answer: &&Answer| matches!(answer.value, AnswerValue::Missing(_));
    sheet.answers().filter(missing).filter(|answer| answer.asked.required.is_some()).collect()
}

/// Answers that people wrote as an option, a time or a number, and for which the facts say another one. A text says things in
/// its own words; of the others one of the two is wrong.
#[must_use]
pub fn unlike_the_facts(sheet: &Sheet) -> Vec<&Answer> {
    sheet.answers().filter(|answer| answer.is_unlike_the_facts()).collect()
}

/// What in the texts of a sheet looks like personal data, but for our own details.
#[must_use]
pub fn warnings(sheet: &Sheet, known: &Known<'_>) -> Vec<Warning> {
    let texts = sheet.answers().filter(|answer| answer.asked.kind.is_text() && !answer.asked.ours);
    texts
        .filter_map(|answer| {
            let AnswerValue::Given(text) = &answer.value else { return None };
            let findings = personal_data::check(answer.asked.id.as_str(), text, known);
            (!findings.is_empty()).then(|| Warning {
                question: answer.asked.id.clone(),
                asked: answer.question.clone(),
                text: text.clone(),
                findings,
            })
        })
        .collect()
}

/// What the newest submitted report says and things now do not: then the regulator has to be told. Answers that are about
/// one report only are left out, and those about ourselves: another telephone number or another course changes nothing in
/// what the regulator was told of a breach. Nothing while no submitted report is known by its answers, and nothing of an
/// incident that is over: no follow-up could be opened there.
#[must_use]
pub fn out_of_date(incident: &Incident, about: &About, now: Moment) -> Vec<Change> {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } => {}
        Stage::Closed | Stage::Anonymised => return Vec::new(),
    }
    let Some(filed) = incident.reports.filed.last() else { return Vec::new() };
    let sheet = fill(incident, about, Form::of(&filed.form), now);
    let told = |source: Source| !source.is_of_one_report() && !source.is_of_ourselves();
    let changed = sheet.answers().filter(|answer| told(answer.asked.source));
    changed
        .filter_map(|answer| {
            let was = filed.answers.iter().find(|was| was.question == answer.id).map(|was| was.value.clone());
            let same = match &was {
                Some(was) => *was == answer.value,
                None => !answer.value.is_said(),
            };
            (!same).then(|| Change {
                question: answer.id.clone(),
                asked: answer.question.clone(),
                was,
                is: answer.value.clone(),
            })
        })
        .collect()
}
