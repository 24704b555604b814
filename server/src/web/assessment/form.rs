//! The form of an assessment: what the facts propose stands in it, what a person departs from asks a reason, and every
//! fault is said at once.

use domain::facts::{Facts, YesNo};
use domain::incident::assessment::{Assess, Assessment, Chosen, ChosenContext, Fault, Picked, faults};
use domain::incident::{Incident, Seen};
use domain::self_assessment::{self, Given, Question, flow};
use domain::severity::{
    Availability, Basis, Choice, Confidentiality, DataContext, Ease, Identifier, IdentifierChoice, Integrity, Intent,
    Points, Proposal, method, propose,
};
use domain::suggestion::{self, Asked, Misuse, Restoration};
use domain::values::{Known, LongText};

use super::super::field::{Field, NOT_YET_KNOWN};
use super::super::form::{FieldError, Form, Reading};
use super::super::words::Reader;
use super::labels;

/// A part of the form: a heading, help, and rows of one or two fields.
pub(super) struct Section {
    pub(super) heading: &'static str,
    /// Under the heading before it.
    pub(super) lower: bool,
    pub(super) hint: &'static str,
    pub(super) rows: Vec<SectionRow>,
}

/// Fields that belong together.
pub(super) struct SectionRow {
    /// What they are about; empty for a field that says it itself.
    pub(super) legend: &'static str,
    pub(super) hint: String,
    pub(super) fields: Vec<Field>,
}

impl SectionRow {
    const fn plain(fields: Vec<Field>) -> Self {
        Self { legend: "", hint: String::new(), fields }
    }
}

/// One of the options; nothing when it was left open. An option that the form does not have is a fault.
fn listed<T>(reading: &mut Reading<'_>, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Option<T> {
    let given = reading.form().first(name);
    if given.is_empty() || given == NOT_YET_KNOWN {
        return None;
    }
    let found = from_word(given);
    if found.is_none() {
        reading.fault(name, "Choose one of the options");
    }
    found
}

fn known<T>(value: Option<T>) -> Known<T> {
    value.map_or(Known::NotYetKnown, Known::Known)
}

/// What the facts do not hold.
fn asked_fields(form: &Form) -> Vec<Field> {
    use suggestion::Question as Asks;
    let yes_no = || YesNo::ALL.iter().map(|option| (option.word(), option.label()));
    let radios = |name: &str, label: &str| Field::radios(form, name, label, yes_no()).or_not_yet_known(form);
    vec![
        radios("strong", Asks::Strong.words()).hint("Encryption or hashing that was broken, or is old, is not."),
        radios("key_safe", Asks::KeySafe.words()),
        Field::radios(
            form,
            "restoration",
            Asks::Restoration.words(),
            Restoration::ALL.map(|option| (option.word(), option.label())),
        )
        .hint("Of data that were lost, changed or out of reach.")
        .or_not_yet_known(form),
        radios("deletion_confirmed", Asks::DeletionConfirmed.words()),
        Field::radios(form, "misuse", Asks::Misuse.words(), Misuse::ALL.map(|option| (option.word(), option.label())))
            .or_not_yet_known(form),
        radios("high_risk_removed", "Do steps taken since make sure that no high risk is left?")
            .hint("Then people need not be told (Article 34(3)(b))."),
        radios("telling_disproportionate", "Would telling each person be out of all proportion?")
            .hint("Then a public notice can stand in its place (Article 34(3)(c))."),
    ]
}

fn read_asked(reading: &mut Reading<'_>) -> Asked {
    let mut yes_no = |name: &str| known(listed(reading, name, YesNo::from_word));
    let (strong, key_safe) = (yes_no("strong"), yes_no("key_safe"));
    let deletion_confirmed = yes_no("deletion_confirmed");
    let high_risk_removed = yes_no("high_risk_removed");
    let telling_disproportionate = yes_no("telling_disproportionate");
    Asked {
        strong,
        key_safe,
        restoration: known(listed(reading, "restoration", Restoration::from_word)),
        deletion_confirmed,
        misuse: known(listed(reading, "misuse", Misuse::from_word)),
        high_risk_removed,
        telling_disproportionate,
    }
}

/// Every part, with the faults found.
pub(super) fn sections(form: &Form, facts: &Facts, errors: &[FieldError]) -> Vec<Section> {
    let proposal = propose(facts);
    let mut sections = vec![
        Section {
            heading: "What the facts do not say",
            lower: false,
            hint: "Encryption, keys, backups and misuse. \u{201c}Not yet known\u{201d} is an answer: it never makes a \
                   suggestion milder.",
            rows: asked_fields(form).into_iter().map(|field| SectionRow::plain(vec![field])).collect(),
        },
        Section {
            heading: "How severe it is",
            lower: false,
            hint: "ENISA\u{2019}s method: kinds of data, times how easily people can be recognised, plus what happened. \
                   It is indicative, not the legal test. What the facts say needs no reason; whatever you add or move \
                   does.",
            rows: Vec::new(),
        },
        Section { heading: "Kinds of data", lower: true, hint: "", rows: contexts(form, &proposal) },
        Section {
            heading: "What people can be recognised by",
            lower: true,
            hint: "Choose at least one, with the reason. Of several the one that gives most away counts.",
            rows: identifiers(form),
        },
        Section { heading: "What happened", lower: true, hint: "", rows: circumstances(form, &proposal) },
        Section {
            heading: "The ICO\u{2019}s self-assessment",
            lower: false,
            hint: "Answer from the top, each time with the reason, until an answer leads to an end. \u{201c}Not sure\u{201d} is \
                   an answer. Nothing here decides, and the 72 hours go on.",
            rows: answers(form),
        },
        Section {
            heading: "Anything else",
            lower: false,
            hint: "",
            rows: vec![SectionRow::plain(vec![
                Field::area(form, "note", "Note").hint("May stay empty. Do not name the people affected."),
            ])],
        },
    ];
    for field in sections.iter_mut().flat_map(|section| &mut section.rows).flat_map(|row| &mut row.fields) {
        *field = field.clone().faults(errors);
    }
    sections
}

fn contexts(form: &Form, proposal: &Proposal) -> Vec<SectionRow> {
    let row = |context: &'static domain::severity::ContextRow| {
        let word = context.code.word();
        let from_facts = proposal.contexts.iter().any(|choice| choice.context == context.code);
        let (step, why) = (format!("step-{word}"), format!("why-{word}"));
        let mut steps = vec![(String::new(), format!("As the table has it: {}", context.base))];
        for by in (-3..=3_i8).rev().filter(|by| *by != 0) {
            let line = context.steps.iter().find(|line| line.by.get() == by);
            let label = line.map_or("no line of the table", |line| line.label.as_str());
            steps.push((by.to_string(), format!("{by:+}: {label}")));
        }
        let mut fields = Vec::new();
        if !from_facts {
            fields.push(Field::checks(
                form,
                &format!("add-{word}"),
                "Affected?",
                [("yes", "Yes, although no fact says so")],
            ));
        }
        let options = steps.iter().map(|(value, label)| (value.as_str(), label.as_str()));
        fields.push(Field::select(form, &step, "Does it weigh more or less here?", options));
        fields.push(Field::line(form, &why, "Why?"));
        let facts =
            if from_facts { " The facts name this kind: it counts. Correct the facts if it should not." } else { "" };
        SectionRow { legend: &context.label, hint: format!("For example: {}.{facts}", context.examples), fields }
    };
    method().contexts.iter().map(row).collect()
}

fn identifiers(form: &Form) -> Vec<SectionRow> {
    let row = |identifier: &'static domain::severity::IdentifierRow| {
        let word = identifier.code.word();
        let mut eases = vec![(String::new(), "Not among the data".to_owned())];
        for ease in &method().eases {
            let guide = identifier.guide.iter().find(|guide| guide.ease == ease.code);
            let label = guide.map_or(ease.label.as_str(), |guide| guide.label.as_str());
            eases.push((ease.code.word().to_owned(), format!("{}: {label}", ease.quarters)));
        }
        let options = eases.iter().map(|(value, label)| (value.as_str(), label.as_str()));
        let why = format!("Why? ({})", identifier.label);
        SectionRow::plain(vec![
            Field::select(form, &format!("ease-{word}"), &identifier.label, options),
            Field::line(form, &format!("why-{word}"), &why),
        ])
    };
    method().identifiers.iter().map(row).collect()
}

fn circumstances(form: &Form, proposal: &Proposal) -> Vec<SectionRow> {
    let said = |basis: Option<&Basis>| match basis {
        Some(Basis::Fact { fact }) => format!("From the facts: {}.", labels::fact(*fact)),
        Some(Basis::Person { .. }) | None => "The facts do not say it.".to_owned(),
    };
    let hints = [
        said(proposal.confidentiality.as_ref().map(|choice| &choice.basis)),
        said(proposal.integrity.as_ref().map(|choice| &choice.basis)),
        said(proposal.availability.as_ref().map(|choice| &choice.basis)),
        said(proposal.intent.as_ref().map(|choice| &choice.basis)),
    ];
    labels::circumstances()
        .into_iter()
        .zip(hints)
        .map(|((name, question, options), hint)| {
            let options = options.iter().map(|(word, label)| (*word, label.as_str()));
            SectionRow::plain(vec![
                Field::radios(form, name, question, options).hint(&hint),
                Field::line(form, &format!("why-{name}"), &format!("Why? ({name})"))
                    .hint("Only where it is not what the facts say."),
            ])
        })
        .collect()
}

fn answers(form: &Form) -> Vec<SectionRow> {
    let row = |step: &'static self_assessment::StepRow| {
        let name = format!("q-{}", step.code.word());
        let options = step.answers.iter().map(|answer| (answer.code.word(), answer.label.as_str()));
        let mut field = Field::radios(form, &name, &step.question, options).hint(&format!("{}.", step.provision));
        if step.code != Question::PersonalData {
            field = field.or_left_out(form, "Not asked: an answer above leads to an end");
        }
        SectionRow::plain(vec![field, Field::area(form, &format!("why-{name}"), "Why?")])
    };
    flow().steps.iter().map(row).collect()
}

/// The form filled from the facts and, where there is one, from the newest assessment.
pub(super) fn preset(incident: &Incident, facts: &Facts) -> Form {
    let mut form = Form::default();
    let proposal = propose(facts);
    let proposed = [
        ("confidentiality", proposal.confidentiality.map(|choice| choice.value.word())),
        ("integrity", proposal.integrity.map(|choice| choice.value.word())),
        ("availability", proposal.availability.map(|choice| choice.value.word())),
        ("intent", proposal.intent.map(|choice| choice.value.word())),
    ];
    for (name, word) in proposed {
        form.set(name, word.unwrap_or_default());
    }
    if let Some(last) = incident.assessments.last() {
        fill(&mut form, &last.assessment);
    }
    form
}

fn fill(form: &mut Form, last: &Assessment) {
    let yes_no = |known: Known<YesNo>| known.as_option().map_or(NOT_YET_KNOWN, |value| value.word());
    form.set("strong", yes_no(last.asked.strong));
    form.set("key_safe", yes_no(last.asked.key_safe));
    form.set("deletion_confirmed", yes_no(last.asked.deletion_confirmed));
    form.set("high_risk_removed", yes_no(last.asked.high_risk_removed));
    form.set("telling_disproportionate", yes_no(last.asked.telling_disproportionate));
    form.set("restoration", last.asked.restoration.as_option().map_or(NOT_YET_KNOWN, |value| value.word()));
    form.set("misuse", last.asked.misuse.as_option().map_or(NOT_YET_KNOWN, |value| value.word()));
    for choice in &last.inputs.contexts {
        let word = choice.context.word();
        if let Basis::Person { reason } = &choice.basis {
            form.set(&format!("add-{word}"), "yes");
            form.set(&format!("why-{word}"), reason.as_str());
        }
        if let Some(adjustment) = &choice.adjustment {
            form.set(&format!("step-{word}"), adjustment.by.get().to_string());
            form.set(&format!("why-{word}"), adjustment.reason.as_str());
        }
    }
    for choice in &last.inputs.identifiers {
        form.set(&format!("ease-{}", choice.identifier.word()), choice.ease.word());
        form.set(&format!("why-{}", choice.identifier.word()), choice.reason.as_str());
    }
    refill(form, "confidentiality", &last.inputs.confidentiality, Confidentiality::word);
    refill(form, "integrity", &last.inputs.integrity, Integrity::word);
    refill(form, "availability", &last.inputs.availability, Availability::word);
    refill(form, "intent", &last.inputs.intent, Intent::word);
    for given in &last.answers {
        form.set(&format!("q-{}", given.question.word()), given.answer.word());
        form.set(&format!("why-q-{}", given.question.word()), given.reason.as_str());
    }
}

/// What a person chose stays; what the facts said is theirs to say anew.
fn refill<T: Copy>(form: &mut Form, name: &str, choice: &Choice<T>, word: fn(T) -> &'static str) {
    if let Basis::Person { reason } = &choice.basis {
        form.set(name, word(choice.value));
        form.set(&format!("why-{name}"), reason.as_str());
    }
}

/// Reads the form and names everything that is missing, all at once.
pub(super) fn read(form: &Form, reader: Reader, facts: &Facts) -> Result<Assess, Vec<FieldError>> {
    let mut reading = Reading::new(form, reader);
    let seen: Option<Seen> = form.first("seen").parse().ok();
    let asked = read_asked(&mut reading);
    let chosen = Chosen {
        contexts: read_contexts(&mut reading, &propose(facts)),
        identifiers: read_identifiers(&mut reading),
        confidentiality: read_picked(&mut reading, "confidentiality", Confidentiality::from_word),
        integrity: read_picked(&mut reading, "integrity", Integrity::from_word),
        availability: read_picked(&mut reading, "availability", Availability::from_word),
        intent: read_picked(&mut reading, "intent", Intent::from_word),
    };
    let answers = read_answers(&mut reading);
    let note = reading.optional_text("note");
    let mut errors = reading.into_errors();
    for fault in faults(facts, &chosen, &answers) {
        let error = fault_of(fault, facts);
        // What is said of a field already, or follows from it, is not said twice.
        let follows = match fault {
            Fault::NoIdentifier => errors.iter().any(|error| is_of_identifier(&error.name)),
            Fault::Answers(_) | Fault::Unanswered(_) => errors.iter().any(|error| error.name.contains("q-")),
            Fault::NoContext
            | Fault::ContextReason(_)
            | Fault::ContextTwice(_)
            | Fault::IdentifierTwice(_)
            | Fault::Missing(_)
            | Fault::PartReason(_) => errors.iter().any(|known| known.name == error.name),
        };
        if !follows {
            errors.push(error);
        }
    }
    if errors.is_empty() {
        Ok(Assess { seen: seen.unwrap_or_default(), asked, chosen, answers, note })
    } else {
        Err(errors)
    }
}

fn is_of_identifier(name: &str) -> bool {
    let word = name.trim_start_matches("why-").trim_start_matches("ease-");
    Identifier::from_word(word).is_some()
}

fn read_contexts(reading: &mut Reading<'_>, proposal: &Proposal) -> Vec<ChosenContext> {
    let mut contexts = Vec::new();
    for context in DataContext::ALL.iter().copied() {
        let word = context.word();
        let points = |text: &str| text.parse::<i8>().ok().and_then(|points| Points::new(points).ok());
        let step = listed(reading, &format!("step-{word}"), points);
        let reason: Option<LongText> = reading.optional_text(&format!("why-{word}"));
        let added = reading.form().has(&format!("add-{word}"), "yes");
        let from_facts = proposal.contexts.iter().any(|choice| choice.context == context);
        if added || step.is_some() || (from_facts && reason.is_some()) {
            contexts.push(ChosenContext { context, step, reason });
        } else if reason.is_some() {
            reading.fault(&format!("add-{word}"), "Say that it is affected, or take the reason out");
        }
    }
    contexts
}

fn read_identifiers(reading: &mut Reading<'_>) -> Vec<IdentifierChoice> {
    let mut identifiers = Vec::new();
    for identifier in Identifier::ALL.iter().copied() {
        let word = identifier.word();
        let why = format!("why-{word}");
        if let Some(ease) = listed(reading, &format!("ease-{word}"), Ease::from_word) {
            let missing = format!("Say why, for \u{201c}{}\u{201d}", labels::identifier(identifier));
            identifiers.extend(reading.text(&why, &missing).map(|reason| IdentifierChoice {
                identifier,
                ease,
                reason,
            }));
        } else if !reading.form().is_blank(&why) {
            reading.fault(&format!("ease-{word}"), "Choose how easily it gives people away, or take the reason out");
        }
    }
    identifiers
}

fn read_picked<T>(reading: &mut Reading<'_>, name: &str, from_word: fn(&str) -> Option<T>) -> Picked<T> {
    let value = listed(reading, name, from_word);
    Picked { value, reason: reading.optional_text(&format!("why-{name}")) }
}

fn read_answers(reading: &mut Reading<'_>) -> Vec<Given> {
    let mut answers = Vec::new();
    for question in Question::ALL {
        let name = format!("q-{}", question.word());
        if let Some(answer) = listed(reading, &name, self_assessment::Answer::from_word) {
            let reason = reading.text(&format!("why-{name}"), "Say why you answer so");
            answers.extend(reason.map(|reason| Given { question, answer, reason }));
        }
    }
    answers
}

/// A fault of the rules at its field.
fn fault_of(fault: Fault, facts: &Facts) -> FieldError {
    let at = |name: String, anchor: String, message: String| FieldError { name, anchor, message };
    let same = |name: String, message: String| at(name.clone(), name, message);
    match fault {
        Fault::NoContext => {
            let message = if facts.data_categories.is_missing() {
                "Add a kind of data, with the reason, or add the kinds of data to the facts"
            } else {
                "Add a kind of data, with the reason"
            };
            same("add-simple".to_owned(), message.to_owned())
        }
        Fault::ContextReason(context) | Fault::ContextTwice(context) => {
            let label = labels::context(context).to_lowercase();
            same(format!("why-{}", context.word()), format!("Say why, for {label}"))
        }
        Fault::NoIdentifier => {
            same("ease-full_name".to_owned(), "Choose at least one thing that people can be recognised by".to_owned())
        }
        Fault::IdentifierTwice(identifier) => {
            same(format!("ease-{}", identifier.word()), "It is there twice".to_owned())
        }
        Fault::Missing(part) => {
            same(part.word().to_owned(), format!("The facts do not say it: choose one for {}", part.word()))
        }
        Fault::PartReason(part) => {
            same(format!("why-{}", part.word()), format!("It is not what the facts say: say why, for {}", part.word()))
        }
        Fault::Answers(refusal) => {
            let question = match refusal {
                self_assessment::Refusal::AnotherQuestion { asked, .. } => asked,
                self_assessment::Refusal::NotAnAnswer { question, .. } => question,
                self_assessment::Refusal::AtTheEnd(question) => question,
            };
            let message = match refusal {
                self_assessment::Refusal::AnotherQuestion { .. } => "Answer this first, with the reason",
                self_assessment::Refusal::NotAnAnswer { .. } => "Choose one of the options",
                self_assessment::Refusal::AtTheEnd(_) => {
                    "An answer above leads to an end: choose \u{201c}not asked\u{201d} here"
                }
            };
            same(format!("q-{}", question.word()), message.to_owned())
        }
        Fault::Unanswered(question) => same(
            format!("q-{}", question.word()),
            format!("Answer \u{201c}{}\u{201d}; \u{201c}not sure\u{201d} is an answer", labels::question(question)),
        ),
    }
}

/// The free texts of an assessment, for the check for personal data.
pub(super) fn texts(assess: &Assess) -> Vec<(&'static str, &'static str, &str)> {
    let chosen = &assess.chosen;
    let picked =
        [&chosen.confidentiality.reason, &chosen.integrity.reason, &chosen.availability.reason, &chosen.intent.reason];
    let reasons = chosen
        .contexts
        .iter()
        .filter_map(|choice| choice.reason.as_ref())
        .chain(chosen.identifiers.iter().map(|choice| &choice.reason))
        .chain(picked.into_iter().flatten())
        .chain(assess.answers.iter().map(|given| &given.reason))
        .map(|reason| ("reason", "A reason", reason.as_str()));
    reasons.chain(assess.note.as_ref().map(|note| ("note", "Note", note.as_str()))).collect()
}
