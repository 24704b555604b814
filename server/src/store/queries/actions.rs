//! Corrective actions that are still to be done, over all incidents.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use domain::values::{IncidentId, PersonId};

use super::{Page, count, incident_id, number, one_more};
use crate::store::schema::{corrective_actions, incidents};
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "corrective_actions";

/// The key that pages go on from: day, incident, number.
pub type Key = (NaiveDate, IncidentId, u32);

/// An action that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAction {
    /// Of which incident.
    pub incident: IncidentId,
    /// Our reference for it.
    pub reference: String,
    /// It is a drill.
    pub exercise: bool,
    /// Its number there.
    pub number: u32,
    /// What is to be done.
    pub what: String,
    /// Who sees to it, by name or role.
    pub owner: String,
    /// By the end of which day.
    pub due_on: NaiveDate,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = corrective_actions)]
struct Row {
    incident_id: Vec<u8>,
    number: i32,
    due_on: i32,
    exercise: bool,
    plan: Vec<u8>,
}

/// Actions still to be done, the first due first: of everybody, or of one person. `after` is the key of the last one
/// already shown.
///
/// # Errors
/// Those of the database.
pub fn open(
    rows: &mut Rows<'_>,
    owner: Option<PersonId>,
    after: Option<Key>,
    limit: usize,
) -> Result<Page<OpenAction, Key>, StoreError> {
    let mut query = corrective_actions::table
        .filter(corrective_actions::open)
        .order((corrective_actions::due_on, corrective_actions::incident_id, corrective_actions::number))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some(owner) = owner {
        query = query.filter(corrective_actions::owner_id.eq(owner.as_bytes().to_vec()));
    }
    if let Some((day, incident, action)) = after {
        let (day, incident) = (projections::days(day), incident.as_bytes().to_vec());
        let later = corrective_actions::due_on.gt(day);
        let another = corrective_actions::incident_id.gt(incident.clone());
        let further = corrective_actions::incident_id
            .eq(incident)
            .and(corrective_actions::number.gt(i32::try_from(action).unwrap_or(i32::MAX)));
        // The first condition is what the index goes by.
        query = query.filter(corrective_actions::due_on.ge(day)).filter(later.or(another.or(further)));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    let ids: Vec<&[u8]> = found.iter().map(|row| row.incident_id.as_slice()).collect();
    let references: HashMap<Vec<u8>, String> = incidents::table
        .filter(incidents::id.eq_any(ids))
        .select((incidents::id, incidents::reference))
        .load::<(Vec<u8>, String)>(rows.db)?
        .into_iter()
        .collect();
    let items = found.into_iter().map(|row| row.view(rows, &references)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |action| (action.due_on, action.incident, action.number)))
}

/// How many actions are still to be done: of everybody, or of one person.
///
/// # Errors
/// Those of the database.
pub fn how_many(rows: &mut Rows<'_>, owner: Option<PersonId>) -> Result<u32, StoreError> {
    let mut query = corrective_actions::table.filter(corrective_actions::open).count().into_boxed();
    if let Some(owner) = owner {
        query = query.filter(corrective_actions::owner_id.eq(owner.as_bytes().to_vec()));
    }
    Ok(count(query.get_result(rows.db)?))
}

impl Row {
    fn view(self, rows: &Rows<'_>, references: &HashMap<Vec<u8>, String>) -> Result<OpenAction, StoreError> {
        let incident = incident_id(TABLE, &self.incident_id)?;
        let plan = projections::open_plan(rows.seal, incident.uuid(), &self.plan)?;
        let day = NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(self.due_on)));
        Ok(OpenAction {
            incident,
            reference: references.get(&self.incident_id).cloned().unwrap_or_default(),
            exercise: self.exercise,
            number: number(self.number),
            what: plan.what.to_string(),
            owner: plan.owner.words().to_string(),
            due_on: day.ok_or(StoreError::Corrupt { table: TABLE, what: "a day" })?,
        })
    }
}
