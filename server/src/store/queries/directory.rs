//! What pages and the API show of parties, services, agreements and arrangements.
//!
//! A partner that was paired before anybody wrote a record about it, a service made at set-up, and we ourselves have a
//! record all the same: one of version 0, made from what is known, so that files can refer to them.

use std::collections::{HashMap, HashSet};

use domain::arrangement::FallbackContact;
use domain::directory::{Agreement, ArrangementRecord, Directory, Key, Party, RecordKind, ServiceRecord, digest_of};
use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{AgreementId, ArrangementId, Moment, ServiceId};
use uuid::Uuid;

pub use crate::store::directory::{OUR_PARTY, Stored, version_of, versions};
use crate::store::{Rows, StoreError, directory, partners};

/// Everything that is known, as records with their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Parties: ours first, under [`OUR_PARTY`]; every other under its partner id.
    pub parties: Vec<Stored<Party>>,
    /// Services, in the order shown, each under its service id.
    pub services: Vec<Stored<ServiceRecord>>,
    /// Every version of every agreement, oldest first.
    pub agreements: Vec<Stored<Agreement>>,
    /// Current arrangements.
    pub arrangements: Vec<Stored<ArrangementRecord>>,
}

impl Known {
    /// Our own party.
    #[must_use]
    pub fn ours(&self) -> Option<&Stored<Party>> {
        self.parties.iter().find(|party| party.id == OUR_PARTY)
    }

    /// The same as a file holds it.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory {
            us: self.ours().map(|ours| ours.record.key.clone()),
            parties: records(&self.parties),
            services: records(&self.services),
            agreements: records(&self.agreements),
            arrangements: records(&self.arrangements),
        }
    }
}

fn records<T: Clone>(stored: &[Stored<T>]) -> Vec<T> {
    stored.iter().map(|stored| stored.record.clone()).collect()
}

/// Everything that is known.
///
/// # Errors
/// [`StoreError::Corrupt`] when a record does not open; those of the database.
pub fn known(rows: &mut Rows<'_>) -> Result<Known, StoreError> {
    Ok(Known {
        parties: parties(rows)?,
        services: services(rows)?,
        agreements: directory::every_version(rows, RecordKind::Agreement)?,
        arrangements: arrangements(rows)?,
    })
}

/// A record that nobody wrote down yet.
fn made<T: serde::Serialize>(id: Uuid, at: Moment, record: T) -> Stored<T> {
    Stored { id, version: 0, digest: digest_of(&record), at, record }
}

/// Every party: ours first, then partners in the order in which they were added.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn parties(rows: &mut Rows<'_>) -> Result<Vec<Stored<Party>>, StoreError> {
    let written: Vec<Stored<Party>> = directory::current(rows, RecordKind::Party)?;
    let mut taken: HashSet<Key> = written.iter().map(|party| party.record.key.clone()).collect();
    let mut written: HashMap<Uuid, Stored<Party>> = written.into_iter().map(|party| (party.id, party)).collect();
    let mut found = Vec::new();
    match written.remove(&OUR_PARTY) {
        Some(ours) => found.push(ours),
        None => found.extend(partners::organisation(rows)?.map(|us| {
            let key = fresh_key(us.name.as_str(), &mut taken);
            // Said at set-up, in the form of a record.
            made(OUR_PARTY, Moment::EPOCH, party_of(key, us))
        })),
    }
    for partner in partners::all(rows)? {
        found.push(written.remove(&partner.id.uuid()).unwrap_or_else(|| {
            let key = fresh_key(partner.name.as_str(), &mut taken);
            made(partner.id.uuid(), partner.added_at, Party::named(key, partner.name))
        }));
    }
    Ok(found)
}

fn fresh_key(name: &str, taken: &mut HashSet<Key>) -> Key {
    let key = Key::made_of(name, |key| taken.contains(key));
    taken.insert(key.clone());
    key
}

/// Our organisation as set-up was told, as a party.
fn party_of(key: Key, us: Organisation) -> Party {
    Party {
        address: us.address,
        ico_registration: us.ico_registration,
        sector: us.sector,
        dpo: us.dpo.map(contact_of),
        breach_contact: Some(contact_of(us.contact)),
        ..Party::named(key, us.name)
    }
}

fn contact_of(contact: Contact) -> FallbackContact {
    FallbackContact {
        who: contact.role,
        phone: contact.phone,
        out_of_hours: contact.out_of_hours,
        email: contact.email,
    }
}

/// Every service, in the order shown.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn services(rows: &mut Rows<'_>) -> Result<Vec<Stored<ServiceRecord>>, StoreError> {
    let written: Vec<Stored<ServiceRecord>> = directory::current(rows, RecordKind::Service)?;
    let mut taken: HashSet<Key> = written.iter().map(|service| service.record.key.clone()).collect();
    let mut written: HashMap<Uuid, Stored<ServiceRecord>> =
        written.into_iter().map(|service| (service.id, service)).collect();
    let shown = directory::services(rows)?;
    Ok(shown
        .into_iter()
        .map(|service| {
            written.remove(&service.id.uuid()).unwrap_or_else(|| {
                let key = fresh_key(service.name.as_str(), &mut taken);
                made(service.id.uuid(), Moment::EPOCH, ServiceRecord::named(key, service.name))
            })
        })
        .collect())
}

/// The newest version of every agreement.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn agreements(rows: &mut Rows<'_>) -> Result<Vec<Stored<Agreement>>, StoreError> {
    directory::current(rows, RecordKind::Agreement)
}

/// Every arrangement that is current.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn arrangements(rows: &mut Rows<'_>) -> Result<Vec<Stored<ArrangementRecord>>, StoreError> {
    directory::current(rows, RecordKind::Arrangement)
}

/// A party: [`OUR_PARTY`] or a partner's id.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn party(rows: &mut Rows<'_>, id: Uuid) -> Result<Option<Stored<Party>>, StoreError> {
    // The key of one without a record depends on those before it.
    Ok(parties(rows)?.into_iter().find(|party| party.id == id))
}

/// A service.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn service(rows: &mut Rows<'_>, id: ServiceId) -> Result<Option<Stored<ServiceRecord>>, StoreError> {
    Ok(services(rows)?.into_iter().find(|service| service.id == id.uuid()))
}

/// The versions of an agreement, newest first; empty when there is no such agreement.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn agreement_versions(rows: &mut Rows<'_>, id: AgreementId) -> Result<Vec<Stored<Agreement>>, StoreError> {
    directory::versions(rows, RecordKind::Agreement, id.uuid())
}

/// The newest version of an agreement.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn agreement(rows: &mut Rows<'_>, id: AgreementId) -> Result<Option<Stored<Agreement>>, StoreError> {
    Ok(agreement_versions(rows, id)?.into_iter().next())
}

/// An agreement by key and version, as an arrangement refers to it.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn agreement_named(rows: &mut Rows<'_>, key: &Key, version: u32) -> Result<Option<Stored<Agreement>>, StoreError> {
    let Some(found) = agreements(rows)?.into_iter().find(|agreement| agreement.record.key == *key) else {
        return Ok(None);
    };
    if found.version == version {
        return Ok(Some(found));
    }
    directory::version_of(rows, RecordKind::Agreement, found.id, version)
}

/// The versions of an arrangement, newest first; those of an ended one too.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn arrangement_versions(
    rows: &mut Rows<'_>,
    id: ArrangementId,
) -> Result<Vec<Stored<ArrangementRecord>>, StoreError> {
    directory::versions(rows, RecordKind::Arrangement, id.uuid())
}

/// The newest version of an arrangement; whether it is still current is [`is_current`].
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn arrangement(rows: &mut Rows<'_>, id: ArrangementId) -> Result<Option<Stored<ArrangementRecord>>, StoreError> {
    Ok(arrangement_versions(rows, id)?.into_iter().next())
}

/// Whether notices are owed under an arrangement from now on: false once it has ended.
///
/// # Errors
/// Those of the database.
pub fn is_current(rows: &mut Rows<'_>, id: ArrangementId) -> Result<bool, StoreError> {
    directory::is_current(rows, RecordKind::Arrangement, id.uuid())
}
