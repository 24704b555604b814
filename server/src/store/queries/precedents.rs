//! What was decided on earlier incidents of our own that were like this one.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::precedent::{self, Distance, Near};
use domain::suggestion::Circumstances;
use domain::values::{IncidentId, Moment};

use super::{incident_id, moment};
use crate::store::projections::open_why;
use crate::store::schema::{incidents, precedents};
use crate::store::{Rows, StoreError};

/// The newest decisions that are compared: what is older is no longer how we decide.
pub const COMPARED_MAX: i64 = 500;
const TABLE: &str = "precedents";

/// An earlier incident, what was decided on it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precedent {
    /// Which.
    pub id: IncidentId,
    /// Our reference.
    pub reference: String,
    /// When it was decided.
    pub decided_at: Moment,
    /// `report`, `not_required` or `not_a_breach`.
    pub to_ico: String,
    /// Why.
    pub why: String,
    /// The word of what was decided about telling people.
    pub people: Option<String>,
    /// Why.
    pub why_people: Option<String>,
    /// How far it is from the one in hand, with the working.
    pub distance: Distance,
}

/// The nearest of the newest decisions, nearest first; never the incident itself.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn nearest(
    rows: &mut Rows<'_>,
    to: &Circumstances,
    except: IncidentId,
    most: usize,
) -> Result<Vec<Precedent>, StoreError> {
    let found: Vec<(Vec<u8>, String)> = precedents::table
        .filter(precedents::incident_id.ne(except.as_bytes().as_slice()))
        .order((precedents::decided_at.desc(), precedents::incident_id.desc()))
        .limit(COMPARED_MAX)
        .select((precedents::incident_id, precedents::circumstances))
        .load(rows.db)?;
    let mut known: Vec<(Vec<u8>, Circumstances)> = Vec::with_capacity(found.len());
    for (id, circumstances) in found {
        let read = serde_json::from_str(&circumstances).map_err(StoreError::corrupt(TABLE, "circumstances"))?;
        known.push((id, read));
    }
    let near = precedent::nearest(to, known.iter().map(|(id, circumstances)| (circumstances, id)), most);
    near.into_iter().map(|near| named(rows, &near)).collect()
}

type Row = (String, i64, String, Option<String>, Vec<u8>);

fn named(rows: &mut Rows<'_>, near: &Near<&Vec<u8>>) -> Result<Precedent, StoreError> {
    let (reference, decided_at, to_ico, people, why): Row = precedents::table
        .inner_join(incidents::table.on(incidents::id.eq(precedents::incident_id)))
        .filter(precedents::incident_id.eq(near.what.as_slice()))
        .select((incidents::reference, precedents::decided_at, precedents::to_ico, precedents::people, precedents::why))
        .first(rows.db)?;
    let why = open_why(rows.seal, near.what, &why)?;
    Ok(Precedent {
        id: incident_id(TABLE, near.what)?,
        reference,
        decided_at: moment(TABLE, decided_at)?,
        to_ico,
        why: why.to_ico,
        people,
        why_people: why.people,
        distance: near.distance.clone(),
    })
}
