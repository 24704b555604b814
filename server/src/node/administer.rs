//! Door 1b: what an administrator asks, and set-up. Each change has its ledger entry in the same transaction.

use domain::report::Organisation;
use domain::values::{Actor, Line, Moment, PersonId, ServiceId};
use serde_json::json;
use webhooks::values::Schemes;
use zeroize::Zeroizing;

use super::directory::insert_service;
use super::keys::{self, CardDetails, FreshKeys, KeyFault, OnlineKeys, StoredKeys};
use super::pairing::Confirmation;
use super::views::{LaneProof, NewPerson};
use super::{DoorError, Node, StartError};
use crate::access::passwords::{self, PasswordError};
use crate::access::{Administrator, SignedIn};
use crate::store::directory::{self, Service};
use crate::store::endpoints::Told;
use crate::store::partners::{self, KeyPurpose, Partner, PartnerState};
use crate::store::people;
use crate::store::{EntryKind, Store, StoreError, Turn, outbox};
use crate::time_source::TimeSource;

/// What a new node is made with.
pub struct SetUp {
    /// Who we are.
    pub organisation: Organisation,
    /// Seals the identity key; needed again only to replace keys.
    pub passphrase: Zeroizing<String>,
    /// The first people.
    pub people: Vec<NewPerson>,
    /// Services under joint control, in the order shown.
    pub services: Vec<Line>,
    /// Who confirms a partner's digits: chosen here, shown ever after (ruling 34).
    pub confirmation: Confirmation,
}

/// A node's own part of the store.
pub(super) struct Own {
    pub(super) organisation: Organisation,
    pub(super) keys: OnlineKeys,
}

impl From<KeyFault> for StartError {
    fn from(KeyFault(why): KeyFault) -> Self {
        Self::Keys(why)
    }
}

/// Who makes a node, and where it is reached.
pub(super) struct Birth<'a> {
    pub(super) time: &'a dyn TimeSource,
    pub(super) issuer: &'a str,
    pub(super) schemes: Schemes,
    pub(super) reachable: bool,
    pub(super) bcrypt_cost: u32,
}

/// Loads the node's own keys and documents; a database without them is set up when that is asked for.
pub(super) async fn own(store: &Store, birth: &Birth<'_>, set_up: Option<SetUp>) -> Result<Own, StartError> {
    if let Some(stored) = store.read(stored_own).await? {
        return load(stored, birth);
    }
    let set_up = set_up.ok_or(StartError::NotSetUp)?;
    make(store, birth, set_up).await?;
    let stored = store.read(stored_own).await?.ok_or(StartError::Keys("the new keys were not kept"))?;
    load(stored, birth)
}

struct StoredOwn {
    organisation: Organisation,
    keys: StoredKeys,
}

fn load(stored: StoredOwn, birth: &Birth<'_>) -> Result<Own, StartError> {
    let keys = OnlineKeys::load(stored.keys, birth.issuer, birth.schemes)?;
    Ok(Own { organisation: stored.organisation, keys })
}

fn stored_own(rows: &mut crate::store::Rows<'_>) -> Result<Option<StoredOwn>, StoreError> {
    let (Some(organisation), Some(keys)) = (partners::organisation(rows)?, StoredKeys::read(rows)?) else {
        return Ok(None);
    };
    Ok(Some(StoredOwn { organisation, keys }))
}

async fn make(store: &Store, birth: &Birth<'_>, set_up: SetUp) -> Result<(), StartError> {
    let now = birth.time.now();
    let details = CardDetails {
        issuer: birth.issuer,
        organisation: &set_up.organisation,
        reachable: birth.reachable,
        schemes: birth.schemes,
    };
    let fresh = keys::make(&details, &set_up.passphrase, now)?;
    let mut people = Vec::with_capacity(set_up.people.len());
    for person in set_up.people {
        people.push(hashed(person, birth.bcrypt_cost).await.map_err(StartError::SetUp)?);
    }
    let ids: Vec<PersonId> = people.iter().map(|_| PersonId::from_uuid(birth.time.fresh_id())).collect();
    let services: Vec<(ServiceId, Line)> =
        set_up.services.into_iter().map(|name| (ServiceId::from_uuid(birth.time.fresh_id()), name)).collect();
    let organisation = set_up.organisation;
    let confirmation = set_up.confirmation;
    store
        .write(now, move |turn| {
            keep_keys(turn, &fresh)?;
            partners::set_organisation(turn, &organisation)?;
            note(turn, &Actor::Node, "organisation_set", &json!({ "organisation": &organisation }))?;
            partners::set_one_person_pairing(turn, confirmation == Confirmation::OnePerson)?;
            note(turn, &Actor::Node, "pairing_rule_set", &json!({ "confirmation": confirmation }))?;
            for (id, person) in ids.into_iter().zip(&people) {
                insert_person(turn, id, person, &Actor::Node)?;
            }
            for (id, name) in services {
                insert_service(turn, id, &name, &Actor::Node)?;
            }
            Ok::<_, DoorError>(())
        })
        .await
        .map_err(StartError::SetUp)?;
    // The first checkpoint, so that the first receipt has one to carry.
    let stored = store.read(stored_own).await?.ok_or(StartError::Keys("the new keys were not kept"))?;
    let own = load(stored, birth)?;
    store.write(now, move |turn| own.keys.checkpoint(turn)).await?;
    Ok(())
}

fn keep_keys(turn: &mut Turn<'_>, fresh: &FreshKeys) -> Result<(), StoreError> {
    let (from, until) = (fresh.valid_from, fresh.valid_until);
    partners::keep_own_key(turn, KeyPurpose::Identity, &fresh.identity_kid, &fresh.sealed_identity, from, until)?;
    partners::keep_own_key(turn, KeyPurpose::Set, &fresh.set.0, fresh.set.1.octets(), from, until)?;
    partners::keep_own_key(turn, KeyPurpose::Log, &fresh.log.0, fresh.log.1.octets(), from, until)?;
    partners::keep_own_key(turn, KeyPurpose::Webhook, &fresh.webhook.0, fresh.webhook.1.octets(), from, until)?;
    for (kind, entry, token) in
        [("card", EntryKind::Card, &fresh.card_token), ("manifest", EntryKind::KeyManifest, &fresh.manifest_token)]
    {
        turn.append(entry, None, None, token.as_bytes())?;
        partners::keep_own_document(turn, kind, 1, token)?;
    }
    Ok(())
}

impl Node {
    /// Adds a person with an account.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for a password of another length, [`DoorError::Taken`] when the address has an account.
    pub async fn add_person(&self, by: &Administrator, person: NewPerson) -> Result<PersonId, DoorError> {
        let id = PersonId::from_uuid(self.time.fresh_id());
        let person = hashed(person, self.bcrypt_cost).await?;
        let by = by.actor().clone();
        self.store.write(self.time.now(), move |turn| insert_person(turn, id, &person, &by)).await?;
        Ok(id)
    }

    /// Who is somebody with this account: for set-up through the library, where nobody signs in.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn person(&self, id: PersonId) -> Result<SignedIn, DoorError> {
        let person = self.store.read(move |rows| people::by_id(rows, id)).await?.ok_or(DoorError::NotFound)?;
        Ok(SignedIn::new(person.id, person.name, person.roles))
    }

    /// Every partner.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn partners(&self) -> Result<Vec<Partner>, DoorError> {
        Ok(self.store.read(partners::all).await?)
    }

    /// Every service that is current, in the order shown.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn services(&self) -> Result<Vec<Service>, DoorError> {
        Ok(self.store.read(directory::services).await?)
    }
}

/// A person whose password is hashed already.
struct HashedPerson {
    person: NewPerson,
    hash: String,
}

/// Hashes a password on a blocking thread.
async fn hashed(person: NewPerson, cost: u32) -> Result<HashedPerson, DoorError> {
    let hashing = tokio::task::spawn_blocking(move || {
        let hash = passwords::hash(&person.password, cost);
        hash.map(|hash| HashedPerson { person, hash })
    });
    match hashing.await {
        Ok(Ok(person)) => Ok(person),
        Ok(Err(PasswordError::TooShort)) => Err(DoorError::Invalid("a password has at least 12 characters")),
        Ok(Err(PasswordError::TooLong)) => Err(DoorError::Invalid("a password has at most 72 characters")),
        Ok(Err(PasswordError::Failed)) | Err(_) => Err(DoorError::Invalid("the password could not be kept")),
    }
}

fn insert_person(turn: &mut Turn<'_>, id: PersonId, person: &HashedPerson, by: &Actor) -> Result<(), DoorError> {
    let NewPerson { name, email, roles, .. } = &person.person;
    match people::insert(turn, id, email.as_str(), name, roles, &person.hash) {
        Ok(()) => {}
        Err(StoreError::Conflict) => return Err(DoorError::Taken),
        Err(error) => return Err(error.into()),
    }
    note(turn, by, "person_added", &json!({ "person": id, "name": name, "roles": roles }))?;
    Ok(())
}

/// The ledger entry of an administrator's action: who, what, and what it was about.
pub(super) fn note(
    turn: &mut Turn<'_>,
    by: &Actor,
    action: &'static str,
    about: &serde_json::Value,
) -> Result<(), StoreError> {
    let at: Moment = turn.now();
    let record = json!({ "action": action, "by": by, "at": at, "about": about });
    turn.append(EntryKind::OperatorAction, None, None, record.to_string().as_bytes())?;
    Ok(())
}

/// What is known about the way to a partner.
pub(super) fn lane_proof(partner: &Partner, told: Told, lane: Option<&outbox::Lane>) -> LaneProof {
    let by_lane = match lane {
        Some(outbox::Lane { failed_since: Some(since), .. }) => LaneProof::Silent { since: *since },
        Some(outbox::Lane { proven_at: Some(at), .. }) => LaneProof::Proven { at: *at },
        Some(outbox::Lane { failed_since: None, proven_at: None, .. }) | None => LaneProof::Untried,
    };
    // Webhooks and mail need no pairing.
    if matches!(told, Told::Webhook | Told::Mail) {
        return by_lane;
    }
    match partner.state {
        PartnerState::Active => by_lane,
        PartnerState::Listed
        | PartnerState::Imported
        | PartnerState::Verified
        | PartnerState::Suspended
        | PartnerState::Ended
        | PartnerState::Locked => LaneProof::NotPaired,
    }
}
