//! Partners that a directory names before any card is here.

use diesel::prelude::*;
use domain::values::{Line, PartnerId};

use super::{NAME, PartnerState};
use crate::store::bulk::insert_many;
use crate::store::schema::partners;
use crate::store::{StoreError, Turn};

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
