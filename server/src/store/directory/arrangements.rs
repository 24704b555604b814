//! Terms with partners as incidents are logged under them: resolved, versioned, immutable.

use diesel::prelude::*;
use domain::arrangement::Arrangement;
use domain::values::{ArrangementId, PartnerId};

use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::backend::bulk::insert_many;
use crate::store::schema::arrangements;
use crate::store::{Rows, StoreError, Turn};

/// Where terms are sealed for.
const TERMS: &str = "arrangements.terms";
/// Arrangements in one answer.
const ARRANGEMENTS_MAX: i64 = 10_000;

/// The current terms with every partner.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn arrangements(rows: &mut Rows<'_>) -> Result<Vec<Arrangement>, StoreError> {
    let found: Vec<(Vec<u8>, Vec<u8>)> = arrangements::table
        .filter(arrangements::current)
        .order(arrangements::id)
        .limit(ARRANGEMENTS_MAX)
        .select((arrangements::id, arrangements::terms))
        .load(rows.db)?;
    found.into_iter().map(|(id, terms)| rows.seal.open_json(TERMS, &id, &terms)).collect()
}

/// The current terms with one partner: whom to ring is in them.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn arrangements_with(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Vec<Arrangement>, StoreError> {
    let found: Vec<(Vec<u8>, Vec<u8>)> = arrangements::table
        .filter(arrangements::current)
        .filter(arrangements::partner_id.eq(partner.as_bytes().as_slice()))
        .order(arrangements::id)
        .select((arrangements::id, arrangements::terms))
        .load(rows.db)?;
    found.into_iter().map(|(id, terms)| rows.seal.open_json(TERMS, &id, &terms)).collect()
}

/// One version of terms, current or not.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn arrangement(rows: &mut Rows<'_>, id: ArrangementId, version: u32) -> Result<Option<Arrangement>, StoreError> {
    let found: Option<Vec<u8>> = arrangements::table
        .find((id.as_bytes().as_slice(), i32::try_from(version).unwrap_or(i32::MAX)))
        .select(arrangements::terms)
        .first(rows.db)
        .optional()?;
    found.map(|terms| rows.seal.open_json(TERMS, id.as_bytes(), &terms)).transpose()
}

/// One version, as it is stored.
#[derive(Insertable)]
#[diesel(table_name = arrangements, treat_none_as_default_value = false)]
struct NewRow {
    id: Vec<u8>,
    version: i32,
    partner_id: Vec<u8>,
    current: bool,
    digest: Vec<u8>,
    terms: Vec<u8>,
}

/// Adds versions of terms, at most one of each arrangement; they become the current ones.
///
/// # Errors
/// [`StoreError::Conflict`] when a version is there; those of the database.
pub fn insert_arrangements(turn: &mut Turn<'_>, added: &[Arrangement]) -> Result<(), StoreError> {
    let rows = turn.rows();
    let mut new = Vec::with_capacity(added.len());
    for terms in added {
        let version = i32::try_from(terms.version).map_err(StoreError::corrupt("arrangements", "a version"))?;
        new.push(NewRow {
            id: terms.id.as_bytes().to_vec(),
            version,
            partner_id: terms.partner.as_bytes().to_vec(),
            current: true,
            digest: terms.digest().as_bytes().to_vec(),
            terms: rows.seal.seal_json(TERMS, terms.id.as_bytes(), terms)?,
        });
    }
    for chunk in new.chunks(KEYS_PER_STATEMENT) {
        let ids: Vec<&[u8]> = chunk.iter().map(|row| row.id.as_slice()).collect();
        // Looked up first: on Postgres a unique violation would end the whole batch.
        let newest: Vec<(Vec<u8>, Option<i32>)> = arrangements::table
            .filter(arrangements::id.eq_any(&ids))
            .group_by(arrangements::id)
            .select((arrangements::id, diesel::dsl::max(arrangements::version)))
            .load(rows.db)?;
        let taken = |row: &NewRow| newest.iter().any(|(id, version)| *id == row.id && *version >= Some(row.version));
        if !newest.is_empty() && chunk.iter().any(taken) {
            return Err(StoreError::Conflict);
        }
        diesel::update(arrangements::table.filter(arrangements::id.eq_any(&ids)))
            .set(arrangements::current.eq(false))
            .execute(rows.db)?;
    }
    insert_many!(rows.db, arrangements::table, &new)
}

/// The terms are no longer current: what is logged from now on owes nothing under them.
///
/// # Errors
/// Those of the database.
pub fn retire_arrangement(turn: &mut Turn<'_>, id: ArrangementId) -> Result<(), StoreError> {
    diesel::update(arrangements::table.filter(arrangements::id.eq(id.as_bytes().as_slice())))
        .set(arrangements::current.eq(false))
        .execute(turn.rows().db)?;
    Ok(())
}
