//! What is ours: keys, the documents that they signed, and who we are.

use diesel::prelude::*;
use domain::report::{Organisation, Standing};
use domain::values::Moment;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::moment;
use super::signed::{OWN, own_row};
use crate::store::schema::{meta, own_documents, own_keys};
use crate::store::{Rows, StoreError, Turn};

/// Where our own keys are sealed for.
const SEED: &str = "own_keys.seed";
/// Where single values are sealed for.
const META: &str = "meta.value";
/// Names our organisation among the single values.
const ORGANISATION: &str = "organisation";
/// Names, among the single values, the answers that stand for every report.
const STANDING_ANSWERS: &str = "standing_answers";
/// Names, among the single values, whether one person may pair.
const ONE_PERSON_PAIRING: &str = "one_person_pairing";
/// Names, among the single values, how far replacing our online keys has come.
const KEY_SWITCH: &str = "key_switch";
/// Keys of ours in one answer; a manifest holds at most a hundred.
const OWN_KEYS_MAX: i64 = 1_000;

/// What a key of ours signs (protocol §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Cards and key manifests; sealed by a passphrase as well (ruling 18).
    Identity,
    /// Messages and receipts.
    Set,
    /// Checkpoints.
    Log,
    /// Webhooks (`v1a`).
    Webhook,
}

impl KeyPurpose {
    /// The word in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Set => "set",
            Self::Log => "log",
            Self::Webhook => "webhook",
        }
    }

    /// The purpose with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Identity, Self::Set, Self::Log, Self::Webhook].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// Where a key of ours stands in its life (protocol §14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStage {
    /// Listed in the manifest, and not signed with before partners hold it.
    Next,
    /// Signs.
    Current,
    /// Replaced as planned: what it signed stays good, and it signs no more.
    Retired,
    /// Replaced because somebody else may have it.
    Revoked,
}

impl KeyStage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::Next, Self::Current, Self::Retired, Self::Revoked];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// The stage with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

/// A key of ours as pages show it: never its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKeyLine {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// Where it stands.
    pub stage: KeyStage,
    /// From when it may sign (duty time).
    pub valid_from: Moment,
    /// Until when (duty time).
    pub valid_until: Moment,
}

/// How far replacing our online keys has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySwitch {
    /// While new keys wait to be signed with: until when at most (machine time).
    pub waits_until: Option<Moment>,
    /// When keys were last switched (duty time).
    pub switched_at: Option<Moment>,
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

/// The key of ours that signs for a purpose; of several the newest.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn own_key(rows: &mut Rows<'_>, purpose: KeyPurpose) -> Result<Option<OwnKey>, StoreError> {
    let found: Option<(String, Vec<u8>, i64, i64)> = own_keys::table
        .filter(own_keys::purpose.eq(purpose.word()))
        .filter(own_keys::stage.eq(KeyStage::Current.word()))
        .order((own_keys::valid_from.desc(), own_keys::kid))
        .select((own_keys::kid, own_keys::seed, own_keys::valid_from, own_keys::valid_until))
        .first(rows.db)
        .optional()?;
    let Some((kid, seed, from, until)) = found else { return Ok(None) };
    let seed = Zeroizing::new(rows.seal.open(SEED, kid.as_bytes(), &seed)?);
    Ok(Some(OwnKey { kid, seed, valid_from: moment(from)?, valid_until: moment(until)? }))
}

/// Every key of ours, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn own_keys(rows: &mut Rows<'_>) -> Result<Vec<OwnKeyLine>, StoreError> {
    type Found = (String, String, String, i64, i64);
    let found: Vec<Found> = own_keys::table
        .order((own_keys::valid_from.desc(), own_keys::purpose, own_keys::kid))
        .limit(OWN_KEYS_MAX)
        .select((own_keys::kid, own_keys::purpose, own_keys::stage, own_keys::valid_from, own_keys::valid_until))
        .load(rows.db)?;
    let corrupt = |what| StoreError::Corrupt { table: "own_keys", what };
    found
        .into_iter()
        .map(|(kid, purpose, stage, from, until)| {
            Ok(OwnKeyLine {
                kid,
                purpose: KeyPurpose::from_word(&purpose).ok_or(corrupt("a purpose"))?,
                stage: KeyStage::from_word(&stage).ok_or(corrupt("a stage"))?,
                valid_from: moment(from)?,
                valid_until: moment(until)?,
            })
        })
        .collect()
}

/// Moves a key of ours on to another stage.
///
/// # Errors
/// Those of the database.
pub fn set_key_stage(turn: &mut Turn<'_>, kid: &str, stage: KeyStage) -> Result<(), StoreError> {
    diesel::update(own_keys::table.find(kid)).set(own_keys::stage.eq(stage.word())).execute(turn.rows().db)?;
    Ok(())
}

/// Says until when a key of ours is listed as good (duty time).
///
/// # Errors
/// Those of the database.
pub fn set_key_end(turn: &mut Turn<'_>, kid: &str, until: Moment) -> Result<(), StoreError> {
    diesel::update(own_keys::table.find(kid)).set(own_keys::valid_until.eq(until.micros())).execute(turn.rows().db)?;
    Ok(())
}

/// Private halves of message keys that sign no more: a receipt may still name octets that they signed. Empty once
/// [`forget_earlier_keys`] was called.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn earlier_set_keys(rows: &mut Rows<'_>) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
    let found: Vec<(String, Vec<u8>)> = own_keys::table
        .filter(own_keys::purpose.eq(KeyPurpose::Set.word()))
        .filter(own_keys::stage.eq_any([KeyStage::Retired.word(), KeyStage::Revoked.word()]))
        .order((own_keys::valid_from.desc(), own_keys::kid))
        .limit(OWN_KEYS_MAX)
        .select((own_keys::kid, own_keys::seed))
        .load(rows.db)?;
    let mut seeds = Vec::with_capacity(found.len());
    for (kid, sealed) in found.into_iter().filter(|(_, sealed)| !sealed.is_empty()) {
        seeds.push(Zeroizing::new(rows.seal.open(SEED, kid.as_bytes(), &sealed)?));
    }
    Ok(seeds)
}

/// Forgets the private halves of keys that sign no more. Answers how many were left.
///
/// # Errors
/// Those of the database.
pub fn forget_earlier_keys(turn: &mut Turn<'_>) -> Result<usize, StoreError> {
    let earlier = own_keys::table
        .filter(own_keys::stage.eq_any([KeyStage::Retired.word(), KeyStage::Revoked.word()]))
        .filter(own_keys::seed.ne(Vec::<u8>::new()));
    Ok(diesel::update(earlier).set(own_keys::seed.eq(Vec::<u8>::new())).execute(turn.rows().db)?)
}

/// Where replacing our online keys stands.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn key_switch(rows: &mut Rows<'_>) -> Result<KeySwitch, StoreError> {
    Ok(single(rows, KEY_SWITCH)?.unwrap_or_default())
}

/// Says where it stands.
///
/// # Errors
/// Those of the database.
pub fn set_key_switch(turn: &mut Turn<'_>, switch: &KeySwitch) -> Result<(), StoreError> {
    set_single(turn, KEY_SWITCH, switch)
}

/// Keeps a document that we signed (`card`, `manifest`), under its version.
///
/// # Errors
/// Those of the database.
pub fn keep_own_document(turn: &mut Turn<'_>, kind: &str, version: u64, token: &str) -> Result<(), StoreError> {
    let now = turn.now();
    let version = i64::try_from(version).map_err(StoreError::corrupt("own_documents", "a version"))?;
    let rows = turn.rows();
    let token = rows.seal.seal_text(OWN, &own_row(kind, version), token)?;
    diesel::insert_into(own_documents::table)
        .values((
            own_documents::kind.eq(kind),
            own_documents::version.eq(version),
            own_documents::token.eq(token),
            own_documents::at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// The version of our newest document of a kind; `None` before there was any.
///
/// # Errors
/// Those of the database.
pub fn own_document_version(rows: &mut Rows<'_>, kind: &str) -> Result<Option<u64>, StoreError> {
    let newest: Option<i64> = own_documents::table
        .filter(own_documents::kind.eq(kind))
        .select(diesel::dsl::max(own_documents::version))
        .first(rows.db)?;
    newest.map(|version| u64::try_from(version).map_err(StoreError::corrupt("own_documents", "a version"))).transpose()
}

/// The newest document of ours of a kind.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn own_document(rows: &mut Rows<'_>, kind: &str) -> Result<Option<String>, StoreError> {
    let found: Option<(i64, String)> = own_documents::table
        .filter(own_documents::kind.eq(kind))
        .order(own_documents::version.desc())
        .select((own_documents::version, own_documents::token))
        .first(rows.db)
        .optional()?;
    found.map(|(version, token)| rows.seal.open_text(OWN, &own_row(kind, version), token)).transpose()
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

/// The answers that stand for every report, and which version of them it is: 0 before anybody wrote one.
///
/// # Errors
/// [`StoreError::Corrupt`] when they do not open; those of the database.
pub fn standing_answers(rows: &mut Rows<'_>) -> Result<(u32, Standing), StoreError> {
    Ok(single(rows, STANDING_ANSWERS)?.unwrap_or_default())
}

/// Writes the answers that stand for every report.
///
/// # Errors
/// Those of the database.
pub fn set_standing_answers(turn: &mut Turn<'_>, version: u32, standing: &Standing) -> Result<(), StoreError> {
    set_single(turn, STANDING_ANSWERS, &(version, standing))
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
