//! Door 1a: assessing an incident and deciding on it. Who may is in the proofs; everything else is the rules' word.

use domain::incident::assessment::{self, Assess};
use domain::incident::decision::{self, Ask, Duty, open_duties};
use domain::incident::{Command, Incident, Seen};
use domain::values::{IncidentId, PersonId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{DoorError, Node, execute};
use crate::access::{Dpo, Responder};
use crate::store::{Turn, due, forms};

/// The purpose of a draft assessment.
#[must_use]
pub fn draft_purpose(incident: IncidentId) -> String {
    format!("assess:{incident}")
}

/// The draft assessment that a person has of an incident: one each.
#[must_use]
pub fn draft_id(incident: IncidentId, person: PersonId) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"draft of an assessment")
        .chain_update(incident.as_bytes())
        .chain_update(person.as_bytes())
        .finalize();
    let mut octets = [0_u8; 16];
    for (to, from) in octets.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(octets).into_uuid()
}

/// Erases everybody's draft assessments of an incident.
pub(super) fn erase_drafts(turn: &mut Turn<'_>, incident: IncidentId) -> Result<(), DoorError> {
    Ok(forms::delete_drafts(turn, &draft_purpose(incident))?)
}

impl Node {
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
        let command = Command::Decision { command: decision::Command { seen, ask }, by: by.actor().clone() };
        self.on_incident(id, command).await
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
