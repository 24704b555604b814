//! What is ours: keys, the documents that they signed, and who we are.

use diesel::prelude::*;
use domain::report::Organisation;
use domain::values::Moment;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::moment;
use crate::store::schema::{meta, own_documents, own_keys};
use crate::store::{Rows, StoreError, Turn};

/// Where our own keys are sealed for.
const SEED: &str = "own_keys.seed";
/// Where single values are sealed for.
const META: &str = "meta.value";
/// Names our organisation among the single values.
const ORGANISATION: &str = "organisation";
/// Names, among the single values, whether one person may pair.
const ONE_PERSON_PAIRING: &str = "one_person_pairing";

/// What a key of ours signs (protocol §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Cards and key manifests; sealed by a passphrase as well (ruling 18).
    Identity,
    /// Messages and receipts.
    Set,
    /// Checkpoints.
    Log,
}

impl KeyPurpose {
    /// The word in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Set => "set",
            Self::Log => "log",
        }
    }
}

/// A key of ours.
pub struct OwnKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Its seed; of the identity key, what the passphrase opens.
    pub seed: Zeroizing<Vec<u8>>,
    /// From when it may sign (duty time).
    pub valid_from: Moment,
    /// Until when (duty time).
    pub valid_until: Moment,
}

/// Keeps a key of ours, sealed.
///
/// # Errors
/// Those of the database.
pub fn keep_own_key(
    turn: &mut Turn<'_>,
    purpose: KeyPurpose,
    kid: &str,
    seed: &[u8],
    valid_from: Moment,
    valid_until: Moment,
) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::insert_into(own_keys::table)
        .values((
            own_keys::kid.eq(kid),
            own_keys::purpose.eq(purpose.word()),
            own_keys::seed.eq(rows.seal.seal(SEED, kid.as_bytes(), seed)?),
            own_keys::valid_from.eq(valid_from.micros()),
            own_keys::valid_until.eq(valid_until.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// The newest key of ours for a purpose.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn own_key(rows: &mut Rows<'_>, purpose: KeyPurpose) -> Result<Option<OwnKey>, StoreError> {
    let found: Option<(String, Vec<u8>, i64, i64)> = own_keys::table
        .filter(own_keys::purpose.eq(purpose.word()))
        .order((own_keys::valid_from.desc(), own_keys::kid))
        .select((own_keys::kid, own_keys::seed, own_keys::valid_from, own_keys::valid_until))
        .first(rows.db)
        .optional()?;
    let Some((kid, seed, from, until)) = found else { return Ok(None) };
    let seed = Zeroizing::new(rows.seal.open(SEED, kid.as_bytes(), &seed)?);
    Ok(Some(OwnKey { kid, seed, valid_from: moment(from)?, valid_until: moment(until)? }))
}

/// Keeps a document that we signed (`card`, `manifest`), under its version.
///
/// # Errors
/// Those of the database.
pub fn keep_own_document(turn: &mut Turn<'_>, kind: &str, version: u64, token: &str) -> Result<(), StoreError> {
    let now = turn.now();
    let version = i64::try_from(version).map_err(StoreError::corrupt("own_documents", "a version"))?;
    diesel::insert_into(own_documents::table)
        .values((
            own_documents::kind.eq(kind),
            own_documents::version.eq(version),
            own_documents::token.eq(token),
            own_documents::at.eq(now.micros()),
        ))
        .execute(turn.rows().db)?;
    Ok(())
}

/// The newest document of ours of a kind.
///
/// # Errors
/// Those of the database.
pub fn own_document(rows: &mut Rows<'_>, kind: &str) -> Result<Option<String>, StoreError> {
    Ok(own_documents::table
        .filter(own_documents::kind.eq(kind))
        .order(own_documents::version.desc())
        .select(own_documents::token)
        .first(rows.db)
        .optional()?)
}

/// Who we are.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn organisation(rows: &mut Rows<'_>) -> Result<Option<Organisation>, StoreError> {
    single(rows, ORGANISATION)
}

/// Says who we are.
///
/// # Errors
/// Those of the database.
pub fn set_organisation(turn: &mut Turn<'_>, organisation: &Organisation) -> Result<(), StoreError> {
    set_single(turn, ORGANISATION, organisation)
}

/// Whether one administrator may confirm the digits that they typed themselves (ruling 34); unless that was chosen, no.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn one_person_pairing(rows: &mut Rows<'_>) -> Result<bool, StoreError> {
    Ok(single(rows, ONE_PERSON_PAIRING)?.unwrap_or(false))
}

/// Chooses whether one administrator may.
///
/// # Errors
/// Those of the database.
pub fn set_one_person_pairing(turn: &mut Turn<'_>, allowed: bool) -> Result<(), StoreError> {
    set_single(turn, ONE_PERSON_PAIRING, &allowed)
}

/// A single value, opened.
fn single<T: DeserializeOwned>(rows: &mut Rows<'_>, key: &str) -> Result<Option<T>, StoreError> {
    let found: Option<Vec<u8>> = meta::table.find(key).select(meta::value).first(rows.db).optional()?;
    found.map(|sealed| rows.seal.open_json(META, key.as_bytes(), &sealed)).transpose()
}

/// Keeps a single value, sealed.
fn set_single<T: Serialize>(turn: &mut Turn<'_>, key: &str, value: &T) -> Result<(), StoreError> {
    let rows = turn.rows();
    let sealed = rows.seal.seal_json(META, key.as_bytes(), value)?;
    let known = diesel::update(meta::table.find(key)).set(meta::value.eq(&sealed)).execute(rows.db)?;
    if known == 0 {
        diesel::insert_into(meta::table).values((meta::key.eq(key), meta::value.eq(&sealed))).execute(rows.db)?;
    }
    Ok(())
}
