//! Assessing and deciding, as officers do it: on what stands at that moment.

use domain::facts::Facts;
use domain::incident::assessment::{Assess, Chosen, ChosenContext, Picked};
use domain::incident::decision::{Ask, People};
use domain::incident::{Incident, Seen};
use domain::precedent::Precedent;
use domain::self_assessment::{Answer, Given, Question};
use domain::severity::{
    Availability, Confidentiality, DataContext, Ease, Identifier, IdentifierChoice, Integrity, Intent, propose,
};
use domain::suggestion::Asked;
use domain::values::{IncidentId, LongText};

use crate::facts::first_hour;
use crate::node::Party;

/// A reason.
///
/// # Panics
/// When it is no text.
#[must_use]
pub fn reason(text: &str) -> LongText {
    LongText::parse(text).expect("a text")
}

/// Chosen where the facts say nothing.
fn picked<T>(proposed: bool, value: T) -> Picked<T> {
    if proposed {
        Picked::default()
    } else {
        Picked { value: Some(value), reason: Some(reason("Weighed by the team.")) }
    }
}

/// An assessment of an incident as it stands: what its facts say, and the mildest choice where they say nothing.
///
/// # Panics
/// When its facts are erased.
#[must_use]
pub fn assess(incident: &Incident, asked: Asked) -> Assess {
    let facts = incident.facts.as_ref().expect("facts");
    let proposal = propose(facts);
    let context =
        ChosenContext { context: DataContext::Simple, step: None, reason: Some(reason("Names are among it.")) };
    let given =
        [(Question::PersonalData, Answer::Yes), (Question::Breach, Answer::Yes), (Question::Risk, Answer::NotSure)];
    Assess {
        seen: Seen::of(incident),
        asked,
        chosen: Chosen {
            contexts: if proposal.contexts.is_empty() { vec![context] } else { Vec::new() },
            identifiers: vec![IdentifierChoice {
                identifier: Identifier::FullName,
                ease: Ease::Limited,
                reason: reason("Few share these names."),
            }],
            confidentiality: picked(proposal.confidentiality.is_some(), Confidentiality::Exposed),
            integrity: picked(proposal.integrity.is_some(), Integrity::Changed),
            availability: picked(proposal.availability.is_some(), Availability::Recovered),
            intent: picked(proposal.intent.is_some(), Intent::NoneKnown),
        },
        answers: given
            .map(|(question, answer)| Given { question, answer, reason: reason("As the facts say.") })
            .to_vec(),
        note: None,
    }
}

/// A case of the guidelines as an officer would enter it.
#[must_use]
pub fn entered(case: &Precedent) -> Facts {
    let of = &case.circumstances;
    Facts {
        nature: of.nature.clone(),
        cause: of.cause,
        ico_category: of.ico_category,
        data_unintelligible: of.unintelligible,
        recipients_of_data: of.recipients,
        data_categories: of.data.clone(),
        subject_categories: of.subjects.clone(),
        data_subjects: of.people,
        ..first_hour(&case.title)
    }
}

impl Party {
    /// A data protection officer decides something on an incident as it stands.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn decides(&self, id: IncidentId, ask: Ask) {
        let seen = Seen::of(&self.incident(id).await);
        self.node.decide_on(&self.dpo(), id, seen, ask).await.expect("decided");
    }

    /// A data protection officer decides that the people affected need not be told.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn tells_nobody(&self, id: IncidentId) {
        let reasons = reason("The data are everyday and were seen by one person.");
        self.decides(id, Ask::People { people: People::RiskNotHigh, reasons }).await;
    }
}
