//! Assessing incidents of ours, and deciding on them.

pub mod decisions;
pub mod shown;

use domain::facts::YesNo;
use domain::incident::assessment::{self, Assess, Chosen, ChosenContext, Fault, Picked};
use domain::incident::{Refusal, Seen};
use domain::self_assessment::{Answer, Given, Question};
use domain::severity::{
    Availability, Confidentiality, DataContext, Ease, Identifier, IdentifierChoice, Integrity, Intent, Points,
};
use domain::suggestion::{Asked, Misuse, Restoration};
use domain::values::{IncidentId, Known, LongText};

use self::shown::Assessment;
use super::call::{Call, Reply};
use super::facts::texts_must_be_checked;
use super::incidents::state;
use super::operation::{Group, get, post, run};
use super::shape::{answer, record, request};
use crate::access::Scope;
use crate::node::DoorError;
use crate::problem::{FieldFault, Problem};

/// Operations on assessments and decisions.
pub const GROUP: Group = Group {
    name: "Assessments and decisions",
    about: "How severe an incident is and what is suggested, and what a data protection officer decided: to report it, to tell \
            people, that it was no breach. A suggestion decides nothing and stops no clock.",
    operations: &[
        get(
            "/incidents/{id}/assessments",
            "list_assessments",
            "Assessments of an incident, the first first",
            run!(list),
        )
        .lists::<Assessment>(),
        post("/incidents/{id}/assessments", "assess_incident", "Assess the facts as they stand", run!(assess))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<AssessIncident>()
            .makes::<AssessmentMade>(),
        decisions::READ,
        decisions::REPORT,
        decisions::NOT_REQUIRED,
        decisions::RESOLVE_NOT_REQUIRED,
        decisions::PEOPLE,
        decisions::DELAY,
        decisions::NOT_A_BREACH,
        decisions::RESOLVE_NOT_A_BREACH,
    ],
};

record! {
    /// The versions that whoever assesses or decides has seen; when others stand, nothing is done.
    Seen as "SeenVersions" {
        /// Of the facts.
        facts_version: u32,
        /// How many assessments there were.
        assessments: u32,
        /// How many steps of deciding there were.
        decisions: u32,
    }
}

record! {
    /// What the facts do not hold; null is "not yet known".
    Asked as "AssessmentQuestions" {
        /// Whether the encryption (or hashing) is still held to be strong.
        strong: Known<YesNo>,
        /// Whether the key is safe.
        key_safe: Known<YesNo>,
        /// Whether data that were lost or changed could be used again, and when.
        restoration: Known<Restoration>,
        /// Whether whoever received the data confirmed that they are gone.
        deletion_confirmed: Known<YesNo>,
        /// The worst that somebody could do with the data.
        misuse: Known<Misuse>,
        /// Whether steps taken since make sure that no high risk is left.
        high_risk_removed: Known<YesNo>,
        /// Whether telling each person would be out of all proportion.
        telling_disproportionate: Known<YesNo>,
    }
}

record! {
    /// A kind of data that is affected although no fact says so, or that weighs more or less here.
    ChosenContext as "ChosenContext" {
        /// Which.
        context: DataContext,
        /// The step from its base score.
        step: Option<Points>,
        /// Why; compulsory for a step, and for a kind that no fact names.
        reason: Option<LongText>,
    }
}

record! {
    /// Something that people can be recognised by.
    IdentifierChoice as "ChosenIdentifier" {
        /// What.
        identifier: Identifier,
        /// How easily.
        ease: Ease,
        /// Why.
        reason: LongText,
    }
}

record! {
    /// An answer to a question of the ICO's self-assessment.
    Given as "SelfAssessmentAnswer" {
        /// To which question.
        question: Question,
        /// What it is.
        answer: Answer,
        /// Why.
        reason: LongText,
    }
}

request! {
    /// An assessment. A choice that is left out is what the facts say; one that departs from them needs its reason.
    AssessIncident {
        /// What was looked at.
        seen: Seen,
        /// What the facts do not hold.
        asked: Asked,
        /// Kinds of data, beside those of the facts.
        contexts: Vec<ChosenContext>,
        /// What people can be recognised by: at least one.
        identifiers: Vec<IdentifierChoice>,
        /// Loss of confidentiality.
        confidentiality: Option<Confidentiality>,
        /// Why.
        confidentiality_reason: Option<LongText>,
        /// Loss of integrity.
        integrity: Option<Integrity>,
        /// Why.
        integrity_reason: Option<LongText>,
        /// Loss of availability.
        availability: Option<Availability>,
        /// Why.
        availability_reason: Option<LongText>,
        /// Malicious intent.
        intent: Option<Intent>,
        /// Why.
        intent_reason: Option<LongText>,
        /// The self-assessment, from its first question to an end.
        answers: Vec<Given>,
        /// Anything else.
        note: Option<LongText>,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

answer! {
    /// What was added.
    AssessmentMade {
        /// Its number.
        number: u32,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let incident = state(&call, call.id()?).await?;
    let page = call.page_of(incident.assessments.clone(), |made| made.assessment.number.to_string())?;
    Ok(page.reply(|made| Assessment::of(&made, &incident)))
}

async fn assess(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let id: IncidentId = call.id()?;
    let body: AssessIncident = call.body()?;
    let checked = body.checked.unwrap_or(false);
    let assess = Assess {
        seen: body.seen,
        asked: body.asked,
        chosen: Chosen {
            contexts: body.contexts,
            identifiers: body.identifiers,
            confidentiality: Picked { value: body.confidentiality, reason: body.confidentiality_reason },
            integrity: Picked { value: body.integrity, reason: body.integrity_reason },
            availability: Picked { value: body.availability, reason: body.availability_reason },
            intent: Picked { value: body.intent, reason: body.intent_reason },
        },
        answers: body.answers,
        note: body.note,
    };
    texts_must_be_checked(&call, &texts(&assess), checked, "").await?;
    match call.node.assess(&by, id, assess).await {
        Ok(number) => Ok(Reply::made(&AssessmentMade { number }, &format!("/incidents/{id}/assessments"))),
        Err(DoorError::Refused(Refusal::Assessment(assessment::Refusal::Incomplete(faults)))) => {
            Err(Problem::Fields(faults.into_iter().map(fault).collect()))
        }
        Err(error) => Err(error.into()),
    }
}

fn texts(assess: &Assess) -> Vec<(&'static str, &str)> {
    let contexts = assess.chosen.contexts.iter().filter_map(|choice| choice.reason.as_ref());
    let named = [
        ("confidentiality_reason", &assess.chosen.confidentiality.reason),
        ("integrity_reason", &assess.chosen.integrity.reason),
        ("availability_reason", &assess.chosen.availability.reason),
        ("intent_reason", &assess.chosen.intent.reason),
        ("note", &assess.note),
    ];
    contexts
        .map(|reason| ("contexts", reason.as_str()))
        .chain(assess.chosen.identifiers.iter().map(|choice| ("identifiers", choice.reason.as_str())))
        .chain(assess.answers.iter().map(|given| ("answers", given.reason.as_str())))
        .chain(named.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| (name, text.as_str()))))
        .collect()
}

/// A fault of the rules at its member.
fn fault(fault: Fault) -> FieldFault {
    let field = match fault {
        Fault::NoContext | Fault::ContextReason(_) | Fault::ContextTwice(_) => "/contexts".to_owned(),
        Fault::NoIdentifier | Fault::IdentifierTwice(_) => "/identifiers".to_owned(),
        Fault::Missing(part) => format!("/{}", part.word()),
        Fault::PartReason(part) => format!("/{}_reason", part.word()),
        Fault::Answers(_) | Fault::Unanswered(_) => "/answers".to_owned(),
    };
    FieldFault { field, message: fault.to_string() }
}
