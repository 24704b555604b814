//! Filters of the register that somebody keeps under a name, for themselves or for all. No part of the record.

use diesel::prelude::*;
use domain::values::PersonId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::schema::register_views;
use crate::store::{Rows, StoreError, Turn};

/// Views that one person may keep.
pub const VIEWS_MAX: i64 = 30;
/// Views that are shared, in all.
pub const SHARED_MAX: i64 = 100;
/// Where they are sealed for.
const CONTENT: &str = "register_views.content";

/// A kept filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub person: PersonId,
    /// For all.
    pub shared: bool,
    /// Its name.
    pub name: String,
    /// The query of its address.
    pub query: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    name: String,
    query: String,
}

/// Id, owner, shared, sealed name and query.
type ViewRow = (Vec<u8>, Vec<u8>, bool, Vec<u8>);

/// One's own views and those of others that are shared, by name.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn views(rows: &mut Rows<'_>, person: PersonId) -> Result<Vec<View>, StoreError> {
    let select = (register_views::id, register_views::person_id, register_views::shared, register_views::content);
    let mut found: Vec<ViewRow> = register_views::table
        .filter(register_views::person_id.eq(person.as_bytes().as_slice()))
        .limit(VIEWS_MAX)
        .select(select)
        .load(rows.db)?;
    let shared: Vec<ViewRow> = register_views::table
        .filter(register_views::shared)
        .filter(register_views::person_id.ne(person.as_bytes().as_slice()))
        .order(register_views::id)
        .limit(SHARED_MAX)
        .select(select)
        .load(rows.db)?;
    found.extend(shared);
    let corrupt = |what| StoreError::Corrupt { table: "register_views", what };
    let mut views = Vec::with_capacity(found.len());
    for (id, owner, shared, sealed) in found {
        let Content { name, query } = rows.seal.open_json(CONTENT, &id, &sealed)?;
        views.push(View {
            id: Uuid::from_slice(&id).map_err(|_| corrupt("an id"))?,
            person: PersonId::from_slice(&owner).map_err(|_| corrupt("a person"))?,
            shared,
            name,
            query,
        });
    }
    views.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(views)
}

/// Keeps a view. One of the same person with the same name is replaced.
///
/// # Errors
/// [`StoreError::TooMuch`] beyond the limits; those of the database.
pub fn keep(turn: &mut Turn<'_>, view: &View) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let known = views(rows, view.person)?;
    if let Some(same) = known.iter().find(|known| known.person == view.person && known.name == view.name) {
        diesel::delete(register_views::table.find(same.id.as_bytes().as_slice())).execute(rows.db)?;
    }
    let own = register_views::table.filter(register_views::person_id.eq(view.person.as_bytes().as_slice()));
    let own: i64 = own.count().get_result(rows.db)?;
    let shared: i64 = register_views::table.filter(register_views::shared).count().get_result(rows.db)?;
    if own >= VIEWS_MAX || (view.shared && shared >= SHARED_MAX) {
        return Err(StoreError::TooMuch { what: "the number of kept filters" });
    }
    let content = Content { name: view.name.clone(), query: view.query.clone() };
    diesel::insert_into(register_views::table)
        .values((
            register_views::id.eq(view.id.as_bytes().as_slice()),
            register_views::person_id.eq(view.person.as_bytes().as_slice()),
            register_views::shared.eq(view.shared),
            register_views::content.eq(rows.seal.seal_json(CONTENT, view.id.as_bytes(), &content)?),
            register_views::made_at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Forgets one's own view; with `shared` also one that somebody else shows to all. Tells whether it is gone.
///
/// # Errors
/// Those of the database.
pub fn forget(turn: &mut Turn<'_>, id: Uuid, person: PersonId, shared: bool) -> Result<bool, StoreError> {
    let one = register_views::table.find(id.as_bytes().as_slice());
    let theirs = register_views::person_id.eq(person.as_bytes().as_slice());
    if shared {
        diesel::delete(one.filter(theirs.or(register_views::shared))).execute(turn.rows().db)?;
    } else {
        diesel::delete(one.filter(theirs)).execute(turn.rows().db)?;
    }
    let left: i64 = one.count().get_result(turn.rows().db)?;
    Ok(left == 0)
}
