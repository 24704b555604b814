//! Telling the people affected: a first draft of the message from the facts and the arrangement, its versions, and what a
//! person records. The node itself sends nothing: it never knows who the people are.

use std::collections::HashMap;

use domain::arrangement::Arrangement;
use domain::directory::{Agreement, Party, RecordKind};
use domain::incident::telling::{self, Communication, ContactPoint, Letter, Proposal, Wording};
use domain::incident::{self, Incident};
use domain::report::Organisation;
use domain::values::{AgreementId, IncidentId, LongText, Moment, PersonId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::execute::{decide, used};
use super::{DoorError, Node};
use crate::access::Reporter;
use crate::store::directory::{OUR_PARTY, Stored};
use crate::store::forms::{self, SentForm};
use crate::store::{Rows, StoreError, Turn, directory, people, queries};

/// What a one-use form for recording a communication is made for.
pub const TOLD_FORM: &str = "people told";
/// What a draft of the message is kept for.
pub const LETTER_DRAFT: &str = "message to people";
/// Arrangements that are looked into for their contact point.
const ARRANGEMENTS_READ_MAX: usize = 50;

impl Node {
    /// A first draft of the message, from the facts as they stand and the contact point that the arrangement names.
    ///
    /// # Errors
    /// [`DoorError::NotFound`], also after erasure.
    pub async fn propose_letter(&self, id: IncidentId) -> Result<Proposal, DoorError> {
        let us = self.organisation();
        let ours = us.clone();
        let found = self
            .store
            .read(move |rows| {
                let Some(incident) = queries::incidents::state(rows, id)? else { return Ok(None) };
                let contacts = contact_points(rows, &incident, &ours)?;
                Ok(Some((incident, contacts)))
            })
            .await?;
        let (incident, contacts) = found.ok_or(DoorError::NotFound)?;
        let facts = incident.facts.as_ref().ok_or(DoorError::NotFound)?;
        let zone = self.zone();
        let date = |at: Moment| at.to_chrono().with_timezone(&zone).format("%-d %B %Y").to_string();
        Ok(telling::propose(facts, &us.name, &contacts, &date))
    }

    /// What can be printed of the message: the version asked for, or the newest one, or the first draft before there is any.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] without such a version, and after erasure.
    pub async fn wording(&self, incident: &Incident, version: Option<u32>) -> Result<Wording, DoorError> {
        let telling = &incident.telling;
        match version.map_or_else(|| telling.newest(), |number| telling.version(number)) {
            Some(version) => Ok(Wording::Kept(Box::new(version.clone()))),
            None if version.is_some() => Err(DoorError::NotFound),
            None => Ok(Wording::FirstDraft(Box::new(self.propose_letter(incident.id).await?))),
        }
    }

    /// Keeps a newer version of the message.
    ///
    /// # Errors
    /// [`DoorError::Refused`] with the version that stands when somebody else wrote one meanwhile.
    pub async fn write_letter(
        &self,
        by: &Reporter,
        id: IncidentId,
        base: u32,
        letter: Letter,
    ) -> Result<(), DoorError> {
        let command = telling::Command::Write { base, letter: Box::new(letter) };
        self.on_incident(id, incident::Command::Telling { command, by: by.actor().clone() }).await
    }

    /// Records that people were told. The same form again changes nothing; a program has its idempotency key.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`].
    pub async fn record_told(
        &self,
        by: &Reporter,
        id: IncidentId,
        form: Option<SentForm>,
        communication: Communication,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        let command = telling::Command::Record { communication: Box::new(communication) };
        self.once(id, form, TOLD_FORM, incident::Command::Telling { command, by }).await
    }

    /// A record of a communication was made in error.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when there is no such record that stands.
    pub async fn strike_told(
        &self,
        by: &Reporter,
        id: IncidentId,
        wave: u32,
        reason: LongText,
    ) -> Result<(), DoorError> {
        let command = telling::Command::Strike { wave, reason };
        self.on_incident(id, incident::Command::Telling { command, by: by.actor().clone() }).await
    }

    /// One command on one incident, once for a one-use form.
    pub(super) async fn once(
        &self,
        id: IncidentId,
        form: Option<SentForm>,
        purpose: &'static str,
        command: incident::Command,
    ) -> Result<(), DoorError> {
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                if let Some(form) = form {
                    let person = actor_of(&command).ok_or(DoorError::FormUnknown)?;
                    if used(turn, &form, person, purpose)? {
                        return Ok(());
                    }
                }
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                decide(turn, &keys, id, Some(before), command)
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// The person who asks, where a chapter's command says so.
const fn actor_of(command: &incident::Command) -> Option<PersonId> {
    if let incident::Command::Telling { by, .. }
    | incident::Command::Lessons { by, .. }
    | incident::Command::Costs { by, .. } = command
    {
        by.person()
    } else {
        None
    }
}

/// The id under which a person's draft of an incident's message is kept. It follows from both, so that the drafts about an
/// incident can be found when it is erased.
#[must_use]
pub fn letter_draft(incident: IncidentId, person: PersonId) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"draft of a message to people")
        .chain_update(incident.as_bytes())
        .chain_update(person.as_bytes())
        .finalize();
    let mut octets = [0_u8; 16];
    for (to, from) in octets.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(octets).into_uuid()
}

/// Forgets everybody's draft of an incident's message.
pub(super) fn erase_drafts(turn: &mut Turn<'_>, id: IncidentId) -> Result<(), StoreError> {
    let drafts: Vec<Uuid> = people::all(turn.rows())?.into_iter().map(|person| letter_draft(id, person.id)).collect();
    forms::erase_drafts(turn, &drafts)
}

/// Whom people may ask, each once: as the arrangements name them that the incident was logged under, ours where they name
/// nobody.
fn contact_points(
    rows: &mut Rows<'_>,
    incident: &Incident,
    us: &Organisation,
) -> Result<Vec<ContactPoint>, StoreError> {
    let named = incident.owed.iter().flat_map(|owed| &owed.terms.arrangements).take(ARRANGEMENTS_READ_MAX);
    let mut terms = Vec::new();
    for arrangement in named {
        terms.extend(directory::arrangement(rows, arrangement.id, arrangement.version)?);
    }
    let parties = if terms.is_empty() { Vec::new() } else { queries::directory::parties(rows)? };
    let mut authors = HashMap::new();
    let mut points: Vec<ContactPoint> = Vec::new();
    for terms in &terms {
        let party = party_named(rows, terms, &parties, &mut authors)?;
        let point = party.map_or_else(|| ours(us), |party| point_of(party, us));
        if !points.contains(&point) {
            points.push(point);
        }
    }
    if points.is_empty() {
        points.push(ours(us));
    }
    Ok(points)
}

/// The authors of agreements' versions, as far as they were looked up.
type Authors = HashMap<(AgreementId, u32), Option<Uuid>>;

/// The party that terms name as the contact point. "The client" is whichever side did not write the agreement; `each`
/// sends everybody to their own organisation, which for our message is us.
fn party_named<'a>(
    rows: &mut Rows<'_>,
    terms: &Arrangement,
    parties: &'a [Stored<Party>],
    authors: &mut Authors,
) -> Result<Option<&'a Stored<Party>>, StoreError> {
    let with_id = |id: Uuid| parties.iter().find(|party| party.id == id);
    Ok(match terms.contact_point.as_ref().map(|word| word.as_str()) {
        None | Some("each") => None,
        Some("client") => match author(rows, terms, parties, authors)? {
            Some(author) if author == OUR_PARTY => with_id(terms.partner.uuid()),
            Some(_) | None => None,
        },
        Some(key) => parties.iter().find(|party| party.record.key.as_str() == key),
    })
}

fn author(
    rows: &mut Rows<'_>,
    terms: &Arrangement,
    parties: &[Stored<Party>],
    authors: &mut Authors,
) -> Result<Option<Uuid>, StoreError> {
    let version = (terms.agreement, terms.agreement_version);
    if let Some(known) = authors.get(&version) {
        return Ok(*known);
    }
    let found: Option<Stored<Agreement>> =
        directory::version_of(rows, RecordKind::Agreement, terms.agreement.uuid(), terms.agreement_version)?;
    let key = found.and_then(|agreement| agreement.record.author);
    let author = key.and_then(|key| parties.iter().find(|party| party.record.key == key)).map(|party| party.id);
    authors.insert(version, author);
    Ok(author)
}

fn ours(us: &Organisation) -> ContactPoint {
    let contact = us.dpo.as_ref().unwrap_or(&us.contact);
    ContactPoint {
        organisation: us.name.clone(),
        contact: Some(domain::arrangement::FallbackContact {
            who: contact.role.clone(),
            phone: contact.phone.clone(),
            out_of_hours: None,
            email: contact.email.clone(),
        }),
    }
}

fn point_of(party: &Stored<Party>, us: &Organisation) -> ContactPoint {
    if party.id == OUR_PARTY {
        return ours(us);
    }
    let Party { name, dpo, service_contact, breach_contact, .. } = &party.record;
    let contact = [dpo, service_contact, breach_contact].into_iter().flatten().next();
    ContactPoint { organisation: name.clone(), contact: contact.cloned() }
}
