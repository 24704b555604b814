//! Partners that a directory names before any card is here.

use diesel::prelude::*;
use domain::values::{Line, PartnerId};

use super::{NAME, PartnerState, line};
use crate::store::backend::bulk::insert_many;
use crate::store::schema::partners;
use crate::store::{Rows, StoreError, Turn};

#[derive(Insertable)]
#[diesel(table_name = partners, treat_none_as_default_value = false)]
struct ListedRow {
    id: Vec<u8>,
    state: &'static str,
    name: Vec<u8>,
    exceptions: &'static str,
    added_at: i64,
}

/// Adds partners known by name only.
///
/// # Errors
/// Those of the database.
pub fn insert_listed(turn: &mut Turn<'_>, added: &[(PartnerId, Line)]) -> Result<(), StoreError> {
    let added_at = turn.now().micros();
    let rows = turn.rows();
    let mut new = Vec::with_capacity(added.len());
    for (id, name) in added {
        let name = rows.seal.seal(NAME, id.as_bytes(), name.as_str().as_bytes())?;
        let state = PartnerState::Listed.word();
        new.push(ListedRow { id: id.as_bytes().to_vec(), state, name, exceptions: "[]", added_at });
    }
    insert_many!(rows.db, partners::table, &new)
}

/// Gives a partner that is known by name only another one. Once there is a card, the name in it stands.
///
/// # Errors
/// Those of the database.
pub fn rename_listed(turn: &mut Turn<'_>, id: PartnerId, name: &Line) -> Result<(), StoreError> {
    let rows = turn.rows();
    let sealed = rows.seal.seal(NAME, id.as_bytes(), name.as_str().as_bytes())?;
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .filter(partners::state.eq(PartnerState::Listed.word()))
        .set(partners::name.eq(sealed))
        .execute(rows.db)?;
    Ok(())
}

/// A partner's name from the table, for queries that look at many partners at once.
pub(in crate::store) fn open_name(rows: &Rows<'_>, id: &[u8], sealed: &[u8]) -> Result<String, StoreError> {
    let name = line(rows.seal.open(NAME, id, sealed)?);
    Ok(name.ok_or(StoreError::Corrupt { table: "partners", what: "a name" })?.to_string())
}
