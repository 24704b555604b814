//! Corrective actions as rows: one for each, by which the list over all incidents is found.

use chrono::NaiveDate;
use diesel::prelude::*;
use domain::incident::Incident;
use domain::incident::lessons::{Action, ActionState, Owner};
use domain::values::IncidentId;

use super::rows;
use crate::store::schema::corrective_actions;
use crate::store::sealed::Seal;
use crate::store::{Rows, StoreError};

pub(super) const PLAN: &str = "corrective_actions.plan";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = corrective_actions, primary_key(incident_id, number), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ActionRow {
    pub incident_id: Vec<u8>,
    pub number: i32,
    pub state: String,
    pub open: bool,
    pub due_on: i32,
    pub owner_id: Option<Vec<u8>>,
    pub exercise: bool,
    pub plan: Vec<u8>,
}

/// What happens to the rows of one incident.
#[derive(Debug)]
pub(super) enum ActionStep {
    /// One was added.
    New(ActionRow),
    /// One was changed.
    Changed(ActionRow),
    /// All are erased.
    Gone(IncidentId),
}

/// What a change of an incident does to its rows. Most changes leave its actions alone.
pub(super) fn steps(before: Option<&Incident>, after: &Incident) -> Result<Vec<ActionStep>, StoreError> {
    let was: &[Action] = before.map(|before| before.lessons.actions.as_slice()).unwrap_or_default();
    let is = &after.lessons.actions;
    if was == is.as_slice() {
        return Ok(Vec::new());
    }
    if is.is_empty() {
        return Ok(vec![ActionStep::Gone(after.id)]);
    }
    let mut steps = Vec::new();
    for action in is {
        match was.iter().find(|was| was.number == action.number) {
            Some(was) if was == action => {}
            Some(_) => steps.push(ActionStep::Changed(ActionRow::of(after, action)?)),
            None => steps.push(ActionStep::New(ActionRow::of(after, action)?)),
        }
    }
    Ok(steps)
}

impl ActionRow {
    fn of(incident: &Incident, action: &Action) -> Result<Self, StoreError> {
        let owner = match &action.plan.owner {
            Owner::Account { id, .. } => Some(id.as_bytes().to_vec()),
            Owner::Role { .. } => None,
        };
        Ok(Self {
            incident_id: incident.id.as_bytes().to_vec(),
            number: rows::number(action.number),
            state: action.state.word().to_owned(),
            open: action.state == ActionState::Open,
            due_on: days(action.plan.due_on),
            owner_id: owner,
            exercise: incident.exercise,
            plan: rows::json(&action.plan, "corrective_actions")?,
        })
    }

    fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.plan = seal.seal(PLAN, &self.incident_id, &self.plan)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.plan = seal.open(PLAN, &self.incident_id, &self.plan)?;
        Ok(self)
    }
}

impl ActionStep {
    pub(super) fn write(self, rows: &mut Rows<'_>) -> Result<(), StoreError> {
        match self {
            Self::New(row) => {
                let row = row.sealed(rows.seal)?;
                diesel::insert_into(corrective_actions::table).values(&row).execute(rows.db)?;
            }
            Self::Changed(row) => {
                let row = row.sealed(rows.seal)?;
                let key = (&row.incident_id, row.number);
                diesel::update(corrective_actions::table.find(key)).set(&row).execute(rows.db)?;
            }
            Self::Gone(id) => {
                let of_it = corrective_actions::incident_id.eq(id.as_bytes().as_slice());
                diesel::delete(corrective_actions::table.filter(of_it)).execute(rows.db)?;
            }
        }
        Ok(())
    }
}

/// Days since 1970-01-01.
pub(in crate::store) fn days(day: NaiveDate) -> i32 {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}
