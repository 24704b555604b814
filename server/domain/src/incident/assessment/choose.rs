//! What a person chooses for the score, held against the facts: what a fact says needs no reason, whatever departs from it
//! or stands on nothing does.

use crate::facts::Facts;
use crate::self_assessment::{self, Given, Next, Outcome};
use crate::severity::{
    Adjustment, Availability, Basis, Choice, Confidentiality, ContextChoice, DataContext, Identifier, IdentifierChoice,
    Inputs, Integrity, Intent, Points, propose,
};
use crate::values::LongText;

/// The choices behind a score.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Kinds of data that the facts don't name, or that weigh more or less here. Those of the facts always count.
    pub contexts: Vec<ChosenContext>,
    /// What people can be recognised by.
    pub identifiers: Vec<IdentifierChoice>,
    /// Loss of confidentiality.
    pub confidentiality: Picked<Confidentiality>,
    /// Loss of integrity.
    pub integrity: Picked<Integrity>,
    /// Loss of availability.
    pub availability: Picked<Availability>,
    /// Malicious intent.
    pub intent: Picked<Intent>,
}

/// A kind of data that a person said something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenContext {
    /// Which.
    pub context: DataContext,
    /// The step from its base score; nothing for none.
    pub step: Option<Points>,
    /// Why it is affected though no fact says so, or why it weighs more or less.
    pub reason: Option<LongText>,
}

/// One of several; nothing stands for what the facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked<T> {
    /// The choice.
    pub value: Option<T>,
    /// Why.
    pub reason: Option<LongText>,
}

impl<T> Default for Picked<T> {
    fn default() -> Self {
        Self { value: None, reason: None }
    }
}

/// A circumstance that one of several is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Confidentiality.
    Confidentiality,
    /// Integrity.
    Integrity,
    /// Availability.
    Availability,
    /// Intent.
    Intent,
}

impl Part {
    /// The word in forms and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confidentiality => "confidentiality",
            Self::Integrity => "integrity",
            Self::Availability => "availability",
            Self::Intent => "intent",
        }
    }
}

/// What is missing, in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No kind of data is affected.
    #[error("choose at least one kind of data, or add the kinds of data to the facts")]
    NoContext,
    /// A kind of data that no fact names, or a step, without a reason.
    #[error("say why, for the kind of data \u{201c}{}\u{201d}", .0.word())]
    ContextReason(DataContext),
    /// A kind of data that is there twice.
    #[error("the kind of data \u{201c}{}\u{201d} is there twice", .0.word())]
    ContextTwice(DataContext),
    /// Nothing that people can be recognised by.
    #[error("choose at least one thing that people can be recognised by")]
    NoIdentifier,
    /// An identifier that is there twice.
    #[error("the identifier \u{201c}{}\u{201d} is there twice", .0.word())]
    IdentifierTwice(Identifier),
    /// Neither the facts nor the person say it.
    #[error("the facts do not say it: choose one for {}", .0.word())]
    Missing(Part),
    /// It departs from the facts, or stands on nothing.
    #[error("say why, for {}", .0.word())]
    PartReason(Part),
    /// The answers can't be followed.
    #[error("{0}")]
    Answers(self_assessment::Refusal),
    /// The walk ends nowhere yet.
    #[error("answer \u{201c}{}\u{201d}: \u{201c}not sure\u{201d} is an answer", .0.word())]
    Unanswered(self_assessment::Question),
}

impl Fault {
    /// All of them in one sentence.
    pub(super) fn list(faults: &[Self]) -> String {
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// The inputs of the score, or what is missing for them.
pub(super) fn inputs(facts: &Facts, chosen: &Chosen, faults: &mut Vec<Fault>) -> Option<Inputs> {
    let proposal = propose(facts);
    let contexts = contexts(proposal.contexts, &chosen.contexts, faults);
    for (place, choice) in chosen.identifiers.iter().enumerate() {
        if chosen.identifiers.iter().take(place).any(|earlier| earlier.identifier == choice.identifier) {
            faults.push(Fault::IdentifierTwice(choice.identifier));
        }
    }
    if chosen.identifiers.is_empty() {
        faults.push(Fault::NoIdentifier);
    }
    let confidentiality = picked(proposal.confidentiality, &chosen.confidentiality, Part::Confidentiality, faults);
    let integrity = picked(proposal.integrity, &chosen.integrity, Part::Integrity, faults);
    let availability = picked(proposal.availability, &chosen.availability, Part::Availability, faults);
    let intent = picked(proposal.intent, &chosen.intent, Part::Intent, faults);
    let inputs = Inputs {
        contexts,
        identifiers: chosen.identifiers.clone(),
        confidentiality: confidentiality?,
        integrity: integrity?,
        availability: availability?,
        intent: intent?,
        flags: proposal.flags,
    };
    faults.is_empty().then_some(inputs)
}

/// Kinds of data that the facts name always count: whoever disagrees moves them, or corrects the facts.
fn contexts(proposed: Vec<ContextChoice>, chosen: &[ChosenContext], faults: &mut Vec<Fault>) -> Vec<ContextChoice> {
    let mut contexts = proposed;
    for (place, choice) in chosen.iter().enumerate() {
        if chosen.iter().take(place).any(|earlier| earlier.context == choice.context) {
            faults.push(Fault::ContextTwice(choice.context));
            continue;
        }
        let step = choice.step.filter(|step| step.get() != 0);
        let known = contexts.iter_mut().find(|known| known.context == choice.context);
        match (known, &choice.reason) {
            (Some(_), None) if step.is_none() => {}
            (_, None) => faults.push(Fault::ContextReason(choice.context)),
            (Some(known), Some(reason)) => {
                known.adjustment = step.map(|by| Adjustment { by, reason: reason.clone() });
                if known.adjustment.is_none() {
                    known.basis = Basis::Person { reason: reason.clone() };
                }
            }
            (None, Some(reason)) => contexts.push(ContextChoice {
                context: choice.context,
                basis: Basis::Person { reason: reason.clone() },
                adjustment: step.map(|by| Adjustment { by, reason: reason.clone() }),
            }),
        }
    }
    if contexts.is_empty() && faults.is_empty() {
        faults.push(Fault::NoContext);
    }
    contexts.sort_by_key(|choice| choice.context);
    contexts
}

fn picked<T: Copy + PartialEq>(
    proposed: Option<Choice<T>>,
    picked: &Picked<T>,
    part: Part,
    faults: &mut Vec<Fault>,
) -> Option<Choice<T>> {
    let Some(value) = picked.value.or(proposed.as_ref().map(|choice| choice.value)) else {
        faults.push(Fault::Missing(part));
        return None;
    };
    if let Some(reason) = &picked.reason {
        return Some(Choice { value, basis: Basis::Person { reason: reason.clone() } });
    }
    let said = proposed.filter(|choice| choice.value == value);
    if said.is_none() {
        faults.push(Fault::PartReason(part));
    }
    said
}

/// The flow that was walked, and where it led.
pub(super) fn walked(answers: &[Given], faults: &mut Vec<Fault>) -> Option<(String, Outcome)> {
    match self_assessment::assess(answers) {
        Ok(walk) => match walk.stands {
            Next::Outcome(outcome) => return Some((walk.flow, outcome)),
            Next::Step(question) => faults.push(Fault::Unanswered(question)),
        },
        Err(refusal) => faults.push(Fault::Answers(refusal)),
    }
    None
}
