//! Services as the log form shows them: an id, a place in the order, a sealed name. What else is known of a service is its
//! record.

use diesel::prelude::*;
use domain::values::{Line, ServiceId};

use crate::store::schema::services;
use crate::store::{Rows, StoreError, Turn};

/// Where services' names are sealed for.
const SERVICE: &str = "services.name";
/// Services in one answer.
const SERVICES_MAX: i64 = 1_000;

/// A service: a processing activity under joint control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which.
    pub id: ServiceId,
    /// Its name.
    pub name: Line,
}

/// Every current service, in the order shown.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn services(rows: &mut Rows<'_>) -> Result<Vec<Service>, StoreError> {
    let found: Vec<(Vec<u8>, Vec<u8>)> = services::table
        .filter(services::current)
        .order((services::position, services::id))
        .limit(SERVICES_MAX)
        .select((services::id, services::name))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(id, name)| {
            let corrupt = |what| StoreError::Corrupt { table: "services", what };
            Ok(Service {
                name: line(rows.seal.open(SERVICE, &id, &name)?).ok_or(corrupt("a name"))?,
                id: ServiceId::from_slice(&id).map_err(|_| corrupt("an id"))?,
            })
        })
        .collect()
}

/// Adds a service at the end.
///
/// # Errors
/// Those of the database.
pub fn insert_service(turn: &mut Turn<'_>, id: ServiceId, name: &Line) -> Result<(), StoreError> {
    let rows = turn.rows();
    let last: Option<i32> = services::table.select(diesel::dsl::max(services::position)).first(rows.db)?;
    diesel::insert_into(services::table)
        .values((
            services::id.eq(id.as_bytes().as_slice()),
            services::position.eq(last.map_or(0, |last| last.saturating_add(1))),
            services::name.eq(rows.seal.seal(SERVICE, id.as_bytes(), name.as_str().as_bytes())?),
            services::current.eq(true),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Gives a service another name; its place stays.
///
/// # Errors
/// Those of the database.
pub fn rename_service(turn: &mut Turn<'_>, id: ServiceId, name: &Line) -> Result<(), StoreError> {
    let rows = turn.rows();
    let sealed = rows.seal.seal(SERVICE, id.as_bytes(), name.as_str().as_bytes())?;
    diesel::update(services::table.find(id.as_bytes().as_slice())).set(services::name.eq(sealed)).execute(rows.db)?;
    Ok(())
}

fn line(octets: Vec<u8>) -> Option<Line> {
    String::from_utf8(octets).ok().and_then(|text| Line::stored(&text).ok())
}
