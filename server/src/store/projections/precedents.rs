//! What was decided on an incident, as a precedent for later ones: a function of its state. Codes are plain, so that a
//! comparison opens nothing; the reasons are sealed. A drill decides nothing that later ones could go by.

use diesel::prelude::*;
use domain::incident::Incident;
use domain::incident::decision::What;
use domain::values::IncidentId;
use serde::{Deserialize, Serialize};

use super::rows;
use crate::store::schema::precedents;
use crate::store::sealed::Seal;
use crate::store::{Rows, StoreError};

const WHY: &str = "precedents.why";
const TABLE: &str = "precedents";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = precedents, treat_none_as_default_value = false)]
pub(in crate::store) struct PrecedentRow {
    pub incident_id: Vec<u8>,
    pub decided_at: i64,
    pub circumstances: String,
    pub to_ico: String,
    pub people: Option<String>,
    pub why: Vec<u8>,
}

/// Why it was decided so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Why {
    /// About the ICO.
    pub to_ico: String,
    /// About the people affected.
    pub people: Option<String>,
}

impl PrecedentRow {
    /// `None` while nothing about reporting is decided.
    pub(super) fn of(incident: &Incident) -> Result<Option<Self>, StoreError> {
        let decisions = &incident.decisions;
        let (Some(decided), Some(on)) = (decisions.report(), &decisions.on) else { return Ok(None) };
        if incident.exercise {
            return Ok(None);
        }
        let people = decisions.people();
        let why =
            Why { to_ico: decided.reasons.to_string(), people: people.map(|(decided, _)| decided.reasons.to_string()) };
        let circumstances =
            serde_json::to_string(on).map_err(StoreError::corrupt(TABLE, "circumstances that can't be written"))?;
        Ok(Some(Self {
            incident_id: incident.id.as_bytes().to_vec(),
            decided_at: decided.at.micros(),
            circumstances,
            to_ico: to_ico(&decided.what).to_owned(),
            people: people.map(|(_, people)| people.word().to_owned()),
            why: rows::json(&why, TABLE)?,
        }))
    }

    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.why = seal.seal(WHY, &self.incident_id, &self.why)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.why = seal.open(WHY, &self.incident_id, &self.why)?;
        Ok(self)
    }
}

/// The word of a decision about reporting.
const fn to_ico(what: &What) -> &'static str {
    match what {
        What::Report => "report",
        What::NotRequired => "not_required",
        What::NotABreach { .. } => "not_a_breach",
        // Never about reporting.
        What::People { .. } | What::Delay => "",
    }
}

/// Puts the precedent of each incident in the place of the one before.
pub(super) fn keep(rows: &mut Rows<'_>, changed: Vec<(IncidentId, Option<PrecedentRow>)>) -> Result<(), StoreError> {
    for (id, row) in changed {
        diesel::delete(precedents::table.find(id.as_bytes().as_slice())).execute(rows.db)?;
        if let Some(row) = row {
            diesel::insert_into(precedents::table).values(&row.sealed(rows.seal)?).execute(rows.db)?;
        }
    }
    Ok(())
}

/// Opens `precedents.why`.
pub(in crate::store) fn open_why(seal: &Seal, incident: &[u8], sealed: &[u8]) -> Result<Why, StoreError> {
    seal.open_json(WHY, incident, sealed)
}
