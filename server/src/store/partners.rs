//! Partners and how far pairing has come; and our own organisation, keys and documents.
//!
//! Names lie sealed, and so do cards and manifests, which hold names and contacts; issuers, addresses and keys are plain.
//! Versions of manifests are kept for ever: incidents and old evidence refer to them.

mod card_marks;
mod ceremony;
mod listed;
mod many;
mod own;
mod signed;
#[cfg(test)]
mod tests;
mod unchanged;

use diesel::prelude::*;
use domain::values::{Line, Moment, PartnerId};

pub use self::card_marks::{CardMark, card_marks, cards};
pub use self::ceremony::{
    Checked, Confirmed, NewCard, checked, set_addresses, set_checked, set_later_card, set_verified_now,
    set_wrong_digits, start_ceremony, start_sequence_anew,
};
pub(super) use self::listed::open_name;
pub use self::listed::{insert_listed, rename_listed};
pub use self::many::by_ids;
pub use self::own::{
    KeyPurpose, KeyStage, KeySwitch, OwnKey, OwnKeyLine, earlier_set_keys, forget_earlier_keys, keep_own_document,
    keep_own_key, key_switch, one_person_pairing, organisation, own_document, own_document_version, own_key, own_keys,
    set_key_end, set_key_stage, set_key_switch, set_one_person_pairing, set_organisation, set_standing_answers,
    standing_answers,
};
use self::signed::{CARD, LATER_CARD, MANIFEST, TAKEN, manifest_row};
pub(super) use self::signed::{earlier, seal_earlier};
pub use self::unchanged::unchanged;
use super::schema::{manifests_by_identity, partners};
use super::{Rows, StoreError, Turn, outbox};

/// Where partners' names are sealed for.
const NAME: &str = "partners.name";
/// Partners in one answer; an agreement with more is beyond what one node is for.
const PARTNERS_MAX: i64 = 10_000;

/// How far pairing has come (protocol §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartnerState {
    /// Known by name only: no card yet.
    Listed,
    /// The card is here; nothing is trusted, sent or taken.
    Imported,
    /// The fingerprint was checked: heartbeats and receipts pass.
    Verified,
    /// Each side holds the other's receipt: everything passes.
    Active,
    /// An administrator stopped the exchange for now.
    Suspended,
    /// The pairing has ended; its history stays.
    Ended,
    /// Three wrong fingerprints.
    Locked,
}

impl PartnerState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Listed, Self::Imported, Self::Verified, Self::Active, Self::Suspended, Self::Ended, Self::Locked];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Imported => "imported",
            Self::Verified => "verified",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
            Self::Locked => "locked",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Another controller that we have, or may have, terms with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Which.
    pub id: PartnerId,
    /// Their name on the wire; `None` without a node.
    pub issuer: Option<String>,
    /// How far pairing has come.
    pub state: PartnerState,
    /// Their name.
    pub name: Line,
    /// The RFC 7638 thumbprint of their identity key.
    pub identity_thumbprint: Option<String>,
    /// Their identity key: `x` of an Ed25519 key, base64url.
    pub identity_x: Option<String>,
    /// Where messages go.
    pub push_url: Option<String>,
    /// Where their key manifest is.
    pub keys_url: Option<String>,
    /// Their party card, as signed.
    pub card: Option<String>,
    /// The version of their key manifest.
    pub manifest_version: Option<u64>,
    /// Their key manifest, as signed.
    pub manifest: Option<String>,
    /// When the manifest was last looked at (machine time).
    pub manifest_fetched_at: Option<Moment>,
    /// Address ranges that an administrator admits for them (CIDR).
    pub exceptions: Vec<String>,
    /// When they were added (duty time).
    pub added_at: Moment,
    /// When their fingerprint was last confirmed (duty time).
    pub verified_at: Option<Moment>,
    /// Wrong digits typed since the card came.
    pub wrong_digits: u32,
    /// A later card that waits for an administrator, because it changes an address.
    pub later_card: Option<String>,
}

/// A partner to add, trusted in nothing: imported with a card, listed without one.
#[derive(Debug, Clone)]
pub struct NewPartner {
    /// A fresh id.
    pub id: PartnerId,
    /// Their name on the wire; `None` without a node.
    pub issuer: Option<String>,
    /// Their name.
    pub name: Line,
    /// The thumbprint of their identity key.
    pub identity_thumbprint: Option<String>,
    /// Their identity key.
    pub identity_x: Option<String>,
    /// Where messages go.
    pub push_url: Option<String>,
    /// Where their key manifest is.
    pub keys_url: Option<String>,
    /// Their party card, as signed.
    pub card: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = partners)]
struct PartnerRow {
    id: Vec<u8>,
    issuer: Option<String>,
    state: String,
    name: Vec<u8>,
    identity_thumbprint: Option<String>,
    identity_x: Option<String>,
    push_url: Option<String>,
    keys_url: Option<String>,
    card: Option<String>,
    manifest_version: Option<i64>,
    manifest: Option<String>,
    manifest_fetched_at: Option<i64>,
    exceptions: String,
    added_at: i64,
    verified_at: Option<i64>,
    wrong_digits: i32,
    later_card: Option<String>,
}

impl PartnerRow {
    fn opened(self, rows: &Rows<'_>) -> Result<Partner, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: "partners", what };
        Ok(Partner {
            name: line(rows.seal.open(NAME, &self.id, &self.name)?).ok_or(corrupt("a name"))?,
            card: signed::opened(rows, CARD, &self.id, self.card)?,
            manifest: signed::opened(rows, MANIFEST, &self.id, self.manifest)?,
            later_card: signed::opened(rows, LATER_CARD, &self.id, self.later_card)?,
            id: PartnerId::from_slice(&self.id).map_err(|_| corrupt("an id"))?,
            issuer: self.issuer,
            state: PartnerState::from_word(&self.state).ok_or(corrupt("a state"))?,
            identity_thumbprint: self.identity_thumbprint,
            identity_x: self.identity_x,
            push_url: self.push_url,
            keys_url: self.keys_url,
            manifest_version: self.manifest_version.and_then(|version| u64::try_from(version).ok()),
            manifest_fetched_at: self.manifest_fetched_at.map(moment).transpose()?,
            exceptions: serde_json::from_str(&self.exceptions).map_err(|_| corrupt("address exceptions"))?,
            added_at: moment(self.added_at)?,
            verified_at: self.verified_at.map(moment).transpose()?,
            wrong_digits: u32::try_from(self.wrong_digits).unwrap_or(u32::MAX),
        })
    }
}

/// Adds a partner.
///
/// # Errors
/// [`StoreError::Conflict`] when the issuer is known; those of the database.
pub fn insert(turn: &mut Turn<'_>, new: &NewPartner) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    // Looked up first: on Postgres a unique violation would end the whole batch.
    if let Some(issuer) = &new.issuer
        && by_issuer(rows, issuer)?.is_some()
    {
        return Err(StoreError::Conflict);
    }
    let state = if new.card.is_some() { PartnerState::Imported } else { PartnerState::Listed };
    diesel::insert_into(partners::table)
        .values((
            partners::id.eq(new.id.as_bytes().as_slice()),
            partners::issuer.eq(new.issuer.as_deref()),
            partners::state.eq(state.word()),
            partners::name.eq(rows.seal.seal(NAME, new.id.as_bytes(), new.name.as_str().as_bytes())?),
            partners::identity_thumbprint.eq(new.identity_thumbprint.as_deref()),
            partners::identity_x.eq(new.identity_x.as_deref()),
            partners::push_url.eq(new.push_url.as_deref()),
            partners::keys_url.eq(new.keys_url.as_deref()),
            partners::card.eq(signed::sealed(rows, CARD, new.id.as_bytes(), new.card.as_deref())?),
            partners::exceptions.eq("[]"),
            partners::added_at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// The partner with this name on the wire, compared octet for octet.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn by_issuer(rows: &mut Rows<'_>, issuer: &str) -> Result<Option<Partner>, StoreError> {
    let found: Option<PartnerRow> = partners::table
        .filter(partners::issuer.eq(issuer))
        .select(PartnerRow::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| row.opened(rows)).transpose()
}

/// A partner.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn by_id(rows: &mut Rows<'_>, id: PartnerId) -> Result<Option<Partner>, StoreError> {
    let found: Option<PartnerRow> =
        partners::table.find(id.as_bytes().as_slice()).select(PartnerRow::as_select()).first(rows.db).optional()?;
    found.map(|row| row.opened(rows)).transpose()
}

/// Every partner, the first added first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn all(rows: &mut Rows<'_>) -> Result<Vec<Partner>, StoreError> {
    let found: Vec<PartnerRow> = partners::table
        .order((partners::added_at, partners::id))
        .limit(PARTNERS_MAX)
        .select(PartnerRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Moves a pairing. What may be sent changes with it, so the lane is looked at again.
///
/// # Errors
/// Those of the database.
pub fn set_state(turn: &mut Turn<'_>, id: PartnerId, state: PartnerState) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let partner = || partners::table.find(id.as_bytes().as_slice());
    diesel::update(partner()).set(partners::state.eq(state.word())).execute(rows.db)?;
    if state == PartnerState::Verified {
        diesel::update(partner()).set(partners::verified_at.eq(now.micros())).execute(rows.db)?;
    }
    outbox::wake_lane(rows, id)
}

/// Keeps a later card of the same identity, with the name in it.
///
/// # Errors
/// Those of the database.
pub fn set_card(turn: &mut Turn<'_>, id: PartnerId, name: &Line, token: &str) -> Result<(), StoreError> {
    let rows = turn.rows();
    let name = rows.seal.seal(NAME, id.as_bytes(), name.as_str().as_bytes())?;
    let card = rows.seal.seal_text(CARD, id.as_bytes(), token)?;
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set((partners::name.eq(name), partners::card.eq(card)))
        .execute(rows.db)?;
    Ok(())
}

/// Keeps a newer key manifest; earlier ones stay in the history. `looked_at` is machine time.
///
/// # Errors
/// Those of the database.
pub fn set_manifest(
    turn: &mut Turn<'_>,
    id: PartnerId,
    version: u64,
    token: &str,
    looked_at: Moment,
) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let identity: Option<String> =
        partners::table.find(id.as_bytes().as_slice()).select(partners::identity_thumbprint).first(rows.db)?;
    let version = i64::try_from(version).map_err(StoreError::corrupt("manifests_by_identity", "a version"))?;
    let identity = identity.unwrap_or_default();
    // Paired with an earlier identity again, its versions are in the history already.
    let known: i64 = manifests_by_identity::table
        .find((id.as_bytes().as_slice(), identity.as_str(), version))
        .count()
        .get_result(rows.db)?;
    if known == 0 {
        let kept = rows.seal.seal_text(TAKEN, &manifest_row(id.as_bytes(), &identity, version), token)?;
        diesel::insert_into(manifests_by_identity::table)
            .values((
                manifests_by_identity::partner_id.eq(id.as_bytes().as_slice()),
                manifests_by_identity::identity.eq(identity),
                manifests_by_identity::version.eq(version),
                manifests_by_identity::token.eq(kept),
                manifests_by_identity::taken_at.eq(now.micros()),
            ))
            .execute(rows.db)?;
    }
    let newest = rows.seal.seal_text(MANIFEST, id.as_bytes(), token)?;
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set((
            partners::manifest_version.eq(version),
            partners::manifest.eq(newest),
            partners::manifest_fetched_at.eq(looked_at.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// The manifest was looked at and nothing new came of it (machine time).
///
/// # Errors
/// Those of the database.
pub fn set_manifest_looked_at(turn: &mut Turn<'_>, id: PartnerId, looked_at: Moment) -> Result<(), StoreError> {
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set(partners::manifest_fetched_at.eq(looked_at.micros()))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Active and verified partners whose manifest was not looked at since `before` (machine time), the longest ago first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn stale_manifests(rows: &mut Rows<'_>, before: Moment, limit: u32) -> Result<Vec<Partner>, StoreError> {
    let never = partners::manifest_fetched_at.is_null();
    let found: Vec<PartnerRow> = partners::table
        .filter(partners::state.eq_any([PartnerState::Active.word(), PartnerState::Verified.word()]))
        .filter(partners::keys_url.is_not_null())
        .filter(never.or(partners::manifest_fetched_at.lt(before.micros())))
        // The databases sort NULL to different ends: never looked at comes first on both.
        .order((partners::manifest_fetched_at.is_not_null(), partners::manifest_fetched_at, partners::id))
        .limit(i64::from(limit))
        .select(PartnerRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Admits address ranges for one partner (CIDR), in the place of those admitted before.
///
/// # Errors
/// Those of the database.
pub fn set_exceptions(turn: &mut Turn<'_>, id: PartnerId, exceptions: &[String]) -> Result<(), StoreError> {
    let json = serde_json::to_string(exceptions).map_err(StoreError::corrupt("partners", "address exceptions"))?;
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set(partners::exceptions.eq(json))
        .execute(turn.rows().db)?;
    Ok(())
}

fn line(octets: Vec<u8>) -> Option<Line> {
    String::from_utf8(octets).ok().and_then(|text| Line::stored(&text).ok())
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("partners", "an instant"))
}
