//! Which partner has taken which key manifest of ours: one row per partner, for the newest manifest. Machine time.
//!
//! A row stays when the manifest was taken, so that people see who holds it. Rows of partners that are suspended wait, and
//! are due again when the exchange is taken up.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use diesel::prelude::*;
use domain::values::{Moment, PartnerId};

use super::partners::PartnerState;
use super::schema::{manifest_offers, partners};
use super::{Rows, StoreError, Turn, backend::bulk};

const TABLE: &str = "manifest_offers";
/// Partners that a manifest is offered to; an agreement with more is beyond what one node is for.
const OFFERS_MAX: i64 = 10_000;
/// No wait of ours is longer; an instant further ahead is a clock that was set back.
const AHEAD_SECONDS_MAX: i64 = 2 * 3_600;

/// A manifest to be handed over to one partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// To whom.
    pub partner: PartnerId,
    /// The manifest's version.
    pub version: u64,
    /// Attempts so far.
    pub attempts: u32,
}

/// What is known of one partner's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub partner: PartnerId,
    /// The version offered last.
    pub offered: u64,
    /// The version that the partner's node took last from us.
    pub taken: Option<u64>,
    /// Attempts to hand over the one offered.
    pub attempts: u32,
}

#[derive(Insertable)]
#[diesel(table_name = manifest_offers, treat_none_as_default_value = false)]
struct Row {
    partner_id: Vec<u8>,
    version: i64,
    taken_version: Option<i64>,
    attempts: i32,
    next_at: Option<i64>,
}

/// Offers a manifest, from this instant on (machine time), to every partner whose fingerprint was checked and whose pairing
/// has not ended.
///
/// # Errors
/// Those of the database.
pub fn offer_to_all(turn: &mut Turn<'_>, version: u64, elapsed: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    let paired: Vec<Vec<u8>> = partners::table
        .filter(partners::state.eq_any([
            PartnerState::Verified.word(),
            PartnerState::Active.word(),
            PartnerState::Suspended.word(),
        ]))
        .filter(partners::issuer.is_not_null())
        .order(partners::id)
        .limit(OFFERS_MAX)
        .select(partners::id)
        .load(rows.db)?;
    let known: HashSet<Vec<u8>> = manifest_offers::table
        .limit(OFFERS_MAX)
        .select(manifest_offers::partner_id)
        .load(rows.db)?
        .into_iter()
        .collect();
    let version = stored(version)?;
    diesel::update(manifest_offers::table)
        .set((
            manifest_offers::version.eq(version),
            manifest_offers::attempts.eq(0),
            manifest_offers::next_at.eq(elapsed.micros()),
        ))
        .execute(rows.db)?;
    let fresh: Vec<Row> = paired
        .into_iter()
        .filter(|partner| !known.contains(partner))
        .map(|partner_id| Row {
            partner_id,
            version,
            taken_version: None,
            attempts: 0,
            next_at: Some(elapsed.micros()),
        })
        .collect();
    bulk::insert_many!(rows.db, manifest_offers::table, &fresh)
}

/// Offers that are due at an instant of machine time, the longest due first.
///
/// # Errors
/// Those of the database.
pub fn due(rows: &mut Rows<'_>, elapsed: Moment, limit: u32) -> Result<Vec<Offer>, StoreError> {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    let found: Vec<(Vec<u8>, i64, i32)> = manifest_offers::table
        .inner_join(partners::table.on(partners::id.eq(manifest_offers::partner_id)))
        .filter(partners::state.eq_any([PartnerState::Verified.word(), PartnerState::Active.word()]))
        .filter(manifest_offers::next_at.le(elapsed.micros()).or(manifest_offers::next_at.gt(ahead)))
        .order((manifest_offers::next_at, manifest_offers::partner_id))
        .limit(i64::from(limit))
        .select((manifest_offers::partner_id, manifest_offers::version, manifest_offers::attempts))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(partner, offered, attempts)| {
            Ok(Offer { partner: partner_id(&partner)?, version: number(offered)?, attempts: count(attempts) })
        })
        .collect()
}

/// When the next offer is due (machine time).
///
/// # Errors
/// Those of the database.
pub fn next_due(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let next: Option<i64> = manifest_offers::table
        .inner_join(partners::table.on(partners::id.eq(manifest_offers::partner_id)))
        .filter(partners::state.eq_any([PartnerState::Verified.word(), PartnerState::Active.word()]))
        .select(diesel::dsl::min(manifest_offers::next_at))
        .first(rows.db)?;
    next.map(Moment::from_micros).transpose().map_err(StoreError::corrupt(TABLE, "an instant"))
}

/// The partner's node took this manifest. Answers whether that was news.
///
/// # Errors
/// Those of the database.
pub fn taken(turn: &mut Turn<'_>, partner: PartnerId, version: u64) -> Result<bool, StoreError> {
    let version = stored(version)?;
    let rows = turn.rows();
    let this = || manifest_offers::table.find(partner.as_bytes().as_slice());
    let older = manifest_offers::taken_version.is_null().or(manifest_offers::taken_version.lt(version));
    let news = diesel::update(this().filter(older)).set(manifest_offers::taken_version.eq(version)).execute(rows.db)?;
    diesel::update(this().filter(manifest_offers::version.le(version)))
        .set(manifest_offers::next_at.eq(None::<i64>))
        .execute(rows.db)?;
    Ok(news == 1)
}

/// An offer was not taken; the next attempt is at `next_at` (machine time). A newer manifest offered meanwhile is due as it
/// was.
///
/// # Errors
/// Those of the database.
pub fn not_taken(turn: &mut Turn<'_>, offer: &Offer, next_at: Moment) -> Result<(), StoreError> {
    let attempts = i32::try_from(offer.attempts.saturating_add(1)).unwrap_or(i32::MAX);
    let this = manifest_offers::table
        .find(offer.partner.as_bytes().as_slice())
        .filter(manifest_offers::version.eq(stored(offer.version)?))
        .filter(manifest_offers::next_at.is_not_null());
    diesel::update(this)
        .set((manifest_offers::attempts.eq(attempts), manifest_offers::next_at.eq(next_at.micros())))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Active partners that have not taken what was offered.
///
/// # Errors
/// Those of the database.
pub fn outstanding(rows: &mut Rows<'_>) -> Result<u64, StoreError> {
    let open: i64 = manifest_offers::table
        .inner_join(partners::table.on(partners::id.eq(manifest_offers::partner_id)))
        .filter(partners::state.eq(PartnerState::Active.word()))
        .filter(manifest_offers::next_at.is_not_null())
        .count()
        .get_result(rows.db)?;
    Ok(open.unsigned_abs())
}

/// What every partner holds, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn all(rows: &mut Rows<'_>, limit: u32) -> Result<Vec<Standing>, StoreError> {
    let found: Vec<(Vec<u8>, i64, Option<i64>, i32)> = manifest_offers::table
        .order(manifest_offers::partner_id)
        .limit(i64::from(limit))
        .select((
            manifest_offers::partner_id,
            manifest_offers::version,
            manifest_offers::taken_version,
            manifest_offers::attempts,
        ))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(partner, offered, taken, attempts)| {
            Ok(Standing {
                partner: partner_id(&partner)?,
                offered: number(offered)?,
                taken: taken.map(number).transpose()?,
                attempts: count(attempts),
            })
        })
        .collect()
}

fn partner_id(octets: &[u8]) -> Result<PartnerId, StoreError> {
    PartnerId::from_slice(octets).map_err(StoreError::corrupt(TABLE, "an id"))
}

fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(StoreError::corrupt(TABLE, "a version"))
}

fn stored(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(StoreError::corrupt(TABLE, "a version"))
}

fn count(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}
