//! Door 1a: assessing an incident and deciding on it. Who may is in the proofs; everything else is the rules' word.

use domain::incident::assessment::{self, Assess};
use domain::incident::decision::{self, Ask, Duty, is_asked_again, open_duties};
use domain::incident::{Command, Incident, Seen};
use domain::values::{IncidentId, Moment, PersonId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::views::Draft;
use super::{DoorError, Node, execute};
use crate::access::{Dpo, Responder, SignedIn};
use crate::store::{Turn, due, forms};

/// The purpose of a draft assessment, and of a draft decision.
#[must_use]
pub fn draft_purpose(incident: IncidentId) -> String {
    format!("assess:{incident}")
}

/// The draft assessment that a person has of an incident: one each.
#[must_use]
pub fn draft_id(incident: IncidentId, person: PersonId) -> Uuid {
    let digest = Sha256::new().chain_update(b"draft of an assessment");
    let digest = digest.chain_update(incident.as_bytes()).chain_update(person.as_bytes());
    uuid::Builder::from_custom_bytes(first_octets(digest)).into_uuid()
}

/// The draft decision that a person has of one question about an incident: one each.
fn draft_of_decision(incident: IncidentId, person: PersonId, question: &str) -> Uuid {
    let digest = Sha256::new().chain_update(b"draft of a decision");
    let digest = digest.chain_update(incident.as_bytes()).chain_update(person.as_bytes());
    uuid::Builder::from_custom_bytes(first_octets(digest.chain_update(question.as_bytes()))).into_uuid()
}

fn first_octets(digest: Sha256) -> [u8; 16] {
    let mut octets = [0_u8; 16];
    for (to, from) in octets.iter_mut().zip(digest.finalize().iter()) {
        *to = *from;
    }
    octets
}

/// The question that a person answers, as its page's address names it; none for the second officer's word.
const fn question(ask: &Ask) -> Option<&'static str> {
    match ask {
        Ask::Report { .. } | Ask::ProposeNotRequired { .. } => Some("report"),
        Ask::People { .. } => Some("people"),
        Ask::ExplainDelay { .. } => Some("delay"),
        Ask::ProposeNotABreach { .. } => Some("not-a-breach"),
        Ask::ResolveNotRequired { .. } | Ask::ResolveNotABreach { .. } => None,
    }
}

/// Erases everybody's draft assessments and decisions of an incident.
pub(super) fn erase_drafts(turn: &mut Turn<'_>, incident: IncidentId) -> Result<(), DoorError> {
    Ok(forms::delete_drafts(turn, &draft_purpose(incident))?)
}

impl Node {
    /// Keeps what a person typed in an assessment of an incident. Answers when it was kept.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits of length and number, [`DoorError::NotFound`].
    pub async fn keep_assessment_draft(
        &self,
        by: &SignedIn,
        id: IncidentId,
        content: Vec<u8>,
    ) -> Result<Moment, DoorError> {
        self.keep_draft_about(by, id, (draft_id(id, by.id()), draft_purpose(id)), content, |_| true).await
    }

    /// Keeps what a person typed about one question that is to be decided. Answers when it was kept.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits of length and number, or when somebody decided since; [`DoorError::NotFound`].
    pub async fn keep_decision_draft(
        &self,
        by: &SignedIn,
        id: IncidentId,
        question: &str,
        seen: Seen,
        content: Vec<u8>,
    ) -> Result<Moment, DoorError> {
        let draft = (draft_of_decision(id, by.id(), question), draft_purpose(id));
        // One that arrives after its own decision would bring back what was decided.
        let stands = move |incident: &Incident| incident.decisions.steps == seen.decisions;
        self.keep_draft_about(by, id, draft, content, stands).await
    }

    /// What a person typed about a question and has not decided.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn decision_draft(
        &self,
        by: &SignedIn,
        id: IncidentId,
        question: &str,
    ) -> Result<Option<Draft>, DoorError> {
        self.draft(by, draft_of_decision(id, by.id(), question)).await
    }

    /// Forgets it.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn discard_decision_draft(&self, by: &SignedIn, id: IncidentId, question: &str) -> Result<(), DoorError> {
        self.discard_draft(by, draft_of_decision(id, by.id(), question)).await
    }

    /// Assesses an incident. Answers the assessment's number.
    ///
    /// # Errors
    /// [`DoorError::Refused`], also when somebody else was first; [`DoorError::NotFound`].
    pub async fn assess(&self, by: &Responder, id: IncidentId, assess: Assess) -> Result<u32, DoorError> {
        let by = by.actor().clone();
        let command = Command::Assessment { command: assessment::Command::Assess(Box::new(assess)), by };
        let keys = self.keys();
        let number = self
            .store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let number = Seen::of(&before).assessments.saturating_add(1);
                execute::decide(turn, &keys, id, Some(before), command)?;
                Ok::<_, DoorError>(number)
            })
            .await?;
        self.changed();
        Ok(number)
    }

    /// Decides something on an incident, proposes it, or answers a proposal. `seen` is what the officer had in front of
    /// them.
    ///
    /// # Errors
    /// [`DoorError::Refused`], also when somebody else was first; [`DoorError::NotFound`].
    pub async fn decide_on(&self, by: &Dpo, id: IncidentId, seen: Seen, ask: Ask) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        let person = by.person().ok_or(DoorError::FormUnknown)?;
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                // With the decision its draft is done; a refusal below undoes this too.
                if let Some(question) = question(&ask) {
                    forms::delete_draft(turn, draft_of_decision(id, person, question), person)?;
                }
                if seen != Seen::of(&before) && is_asked_again(&before, &ask, &by) {
                    return Ok(());
                }
                let command = Command::Decision { command: decision::Command { seen, ask }, by };
                execute::decide(turn, &keys, id, Some(before), command)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Every duty that keeps an incident open.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn open_duties(&self, incident: &Incident) -> Result<Vec<Duty>, DoorError> {
        let id = incident.id;
        let partners = self.store.read(move |rows| due::open_duties(rows, id)).await?;
        Ok(open_duties(incident, &partners))
    }
}
