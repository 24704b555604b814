//! The register of a database that an earlier version wrote: made once, at the first start, from the streams.

use diesel::prelude::*;
use domain::values::{ExchangeId, IncidentId, Moment};

use super::plan::Plan;
use super::{enter, rows};
use crate::store::queries::incidents as streams;
use crate::store::schema::{exchanges, incidents, register};
use crate::store::{Rows, StoreError};

/// Streams that are entered together.
const TOGETHER: i64 = 200;

/// Whether there are streams and no register.
pub(in crate::store) fn is_wanted(db: &mut crate::store::backend::Db) -> Result<bool, StoreError> {
    let lines: Option<Vec<u8>> = register::table.select(register::id).first(db).optional()?;
    if lines.is_some() {
        return Ok(false);
    }
    let ours: Option<Vec<u8>> = incidents::table.select(incidents::id).first(db).optional()?;
    let theirs: Option<Vec<u8>> = exchanges::table.select(exchanges::id).first(db).optional()?;
    Ok(ours.is_some() || theirs.is_some())
}

/// Enters every stream.
pub(in crate::store) fn fill(rows: &mut Rows<'_>) -> Result<(), StoreError> {
    fill_incidents(rows)?;
    fill_exchanges(rows)
}

fn fill_incidents(rows: &mut Rows<'_>) -> Result<(), StoreError> {
    let mut after = Vec::new();
    loop {
        let page: Vec<(Vec<u8>, i64, i32)> = incidents::table
            .filter(incidents::id.gt(&after))
            .order(incidents::id)
            .limit(TOGETHER)
            .select((incidents::id, incidents::logged_at, incidents::owed))
            .load(rows.db)?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        let mut plan = Plan::default();
        for (id, logged_at, owed) in page {
            let id = IncidentId::from_slice(&id).map_err(StoreError::corrupt("incidents", "an id"))?;
            let logged_at = moment(logged_at)?;
            let Some(state) = streams::state(rows, id)? else { continue };
            plan.enter_incident(None, &state, Some(logged_at), Some(owed));
        }
        write(rows, plan)?;
    }
}

fn fill_exchanges(rows: &mut Rows<'_>) -> Result<(), StoreError> {
    let mut after = Vec::new();
    loop {
        let page: Vec<(Vec<u8>, i64)> = exchanges::table
            .filter(exchanges::id.gt(&after))
            .order(exchanges::id)
            .limit(TOGETHER)
            .select((exchanges::id, exchanges::opened_at))
            .load(rows.db)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        let mut plan = Plan::default();
        for (id, opened_at) in page {
            let id = ExchangeId::from_slice(&id).map_err(StoreError::corrupt("exchanges", "an id"))?;
            let opened_at = Some(moment(opened_at)?);
            let Some(state) = streams::exchange_state(rows, id)? else { continue };
            let row = rows::ExchangeRow::of(&state, opened_at)?;
            plan.enter_exchange(None, &state, (None, &row), opened_at);
        }
        write(rows, plan)?;
    }
}

/// Partners come with the exchanges, each once.
fn write(rows: &mut Rows<'_>, plan: Plan) -> Result<(), StoreError> {
    let alone = |step| match step {
        enter::RegisterStep::New { row, owes: _ } => enter::RegisterStep::New { row, owes: false },
        step @ (enter::RegisterStep::Changed(_)
        | enter::RegisterStep::Has { .. }
        | enter::RegisterStep::HasNot { .. }
        | enter::RegisterStep::Gone { .. }) => step,
    };
    enter::enter(rows, plan.register.into_iter().map(alone).collect())?;
    enter::count(rows, plan.tallies)
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("register", "an instant"))
}
