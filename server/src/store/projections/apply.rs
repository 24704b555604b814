//! Writes a plan to the tables: a fixed number of statements for one stream, few for many.

use diesel::prelude::*;

use super::actions::ActionStep;
use super::duty_rows;
use super::enter;
use super::ladder_rows;
use super::plan::{ClocksChanged, ExchangeChanged, Plan, SaidStep};
use super::precedents;
use super::rows::{ClockRow, ExchangeRow};
use crate::store::alerts::{self, AlertKind};
use crate::store::backend::bulk::{insert_many, replace_many, update_many};
use crate::store::schema::{clocks, exchanges, facts, incidents, said};
use crate::store::{Rows, StoreError, Turn, outbox, reports};

pub(super) fn apply(turn: &mut Turn<'_>, plan: Plan) -> Result<(), StoreError> {
    let Plan { queued, abandoned, erased, ladders, said, register, tallies, actions, .. } =
        write_rows(turn.rows(), plan)?;
    enter::enter(turn.rows(), register)?;
    enter::count(turn.rows(), tallies)?;
    ladder_rows::write(turn.rows(), ladders)?;
    actions.into_iter().try_for_each(|step: ActionStep| step.write(turn.rows()))?;
    outbox::queue(turn, queued)?;
    for message in abandoned {
        outbox::abandon(turn, message)?;
    }
    for exchange in erased {
        outbox::erase(turn, exchange)?;
    }
    for step in said {
        say(turn, step)?;
    }
    Ok(())
}

fn say(turn: &mut Turn<'_>, step: SaidStep) -> Result<(), StoreError> {
    let rows = turn.rows();
    match step {
        SaidStep::New(row) => {
            diesel::insert_into(said::table).values(&row.sealed(rows.seal)?).execute(rows.db)?;
        }
        SaidStep::Read { partner, message, at } => {
            diesel::update(said::table.find(message.as_bytes().as_slice()))
                .set(said::read_at.eq(at.micros()))
                .execute(rows.db)?;
            alerts::clear(turn, AlertKind::MessageUnread, Some(partner), Some(message))?;
        }
        SaidStep::Linked { exchange, incident } => {
            diesel::update(said::table.filter(said::exchange_id.eq(exchange.as_bytes().as_slice())))
                .set(said::incident_id.eq(incident.as_bytes().as_slice()))
                .execute(rows.db)?;
        }
        SaidStep::Gone { exchange } => {
            diesel::delete(said::table.filter(said::exchange_id.eq(exchange.as_bytes().as_slice())))
                .execute(rows.db)?;
        }
    }
    Ok(())
}

/// Writes the rows that are functions of states; leaves the rest of the plan.
fn write_rows(rows: &mut Rows<'_>, mut plan: Plan) -> Result<Plan, StoreError> {
    let seal = rows.seal;
    let new: Vec<_> =
        std::mem::take(&mut plan.incidents_new).into_iter().map(|row| row.sealed(seal)).collect::<Result<_, _>>()?;
    insert_many!(rows.db, incidents::table, &new)?;
    for row in std::mem::take(&mut plan.incidents_changed) {
        let row = row.sealed(seal)?;
        diesel::update(incidents::table.find(&row.id)).set(&row).execute(rows.db)?;
    }
    for (id, at) in std::mem::take(&mut plan.closed) {
        diesel::update(incidents::table.find(id.as_bytes().as_slice()))
            .set(incidents::closed_at.eq(at.micros()))
            .execute(rows.db)?;
    }
    for id in std::mem::take(&mut plan.facts_gone) {
        diesel::delete(facts::table.filter(facts::incident_id.eq(id.as_bytes().as_slice()))).execute(rows.db)?;
        reports::erase(rows, id)?;
    }
    let new: Vec<_> =
        std::mem::take(&mut plan.facts_new).into_iter().map(|row| row.sealed(seal)).collect::<Result<_, _>>()?;
    insert_many!(rows.db, facts::table, &new)?;
    let new: Vec<_> =
        std::mem::take(&mut plan.exchanges_new).into_iter().map(|row| row.sealed(seal)).collect::<Result<_, _>>()?;
    insert_many!(rows.db, exchanges::table, &new)?;
    change_exchanges(rows, std::mem::take(&mut plan.exchanges_changed))?;
    let new: Vec<_> =
        std::mem::take(&mut plan.clocks_new).into_iter().map(|row| row.sealed(seal)).collect::<Result<_, _>>()?;
    insert_many!(rows.db, clocks::table, &new)?;
    change_clocks(rows, std::mem::take(&mut plan.clocks_changed))?;
    duty_rows::write(rows, std::mem::take(&mut plan.duties))?;
    precedents::keep(rows, std::mem::take(&mut plan.precedents))?;
    Ok(plan)
}

fn change_exchanges(rows: &mut Rows<'_>, changed: Vec<ExchangeChanged>) -> Result<(), StoreError> {
    let mut standings = Vec::with_capacity(changed.len());
    for ExchangeChanged { before, after } in changed {
        let same = before.is_same_case(&after);
        let row = after.sealed(rows.seal)?;
        if same {
            standings.push(row.standing_values());
        } else {
            diesel::update(exchanges::table.find(&row.id)).set(&row).execute(rows.db)?;
        }
    }
    update_many(rows.db, "exchanges", &["id"], &ExchangeRow::STANDING_COLUMNS, &standings)?;
    Ok(())
}

/// Clocks mostly end, or become overdue, which leaves their terms alone; those of streams where more happened are written
/// anew.
fn change_clocks(rows: &mut Rows<'_>, changed: Vec<ClocksChanged>) -> Result<(), StoreError> {
    let seal = rows.seal;
    if let [one] = changed.as_slice() {
        return change_clocks_of_one(rows, one);
    }
    let (mut states, mut begun) = (Vec::new(), Vec::new());
    let (mut streams, mut anew) = (Vec::new(), Vec::new());
    for ClocksChanged { stream, before, after } in changed {
        let was = |row: &ClockRow| before.iter().find(|was| was.kind == row.kind);
        let kept = before.iter().all(|was| after.iter().any(|row| row.has_same_terms(was)));
        if !kept {
            streams.push(stream.as_bytes().to_vec());
            anew.extend(after);
            continue;
        }
        for row in after {
            match was(&row) {
                Some(before) if *before == row => {}
                Some(_) => states.push(row.sealed(seal)?.state_values()),
                None => begun.push(row.sealed(seal)?),
            }
        }
    }
    update_many(rows.db, "clocks", &["stream", "kind"], &ClockRow::STATE_COLUMNS, &states)?;
    insert_many!(rows.db, clocks::table, &begun)?;
    let anew: Vec<_> = anew.into_iter().map(|row| row.sealed(seal)).collect::<Result<_, _>>()?;
    replace_many!(rows.db, clocks::table, clocks::stream, streams, anew)
}

fn change_clocks_of_one(rows: &mut Rows<'_>, changed: &ClocksChanged) -> Result<(), StoreError> {
    let same_kind = |row: &ClockRow, others: &[ClockRow]| others.iter().find(|other| other.kind == row.kind).cloned();
    for gone in changed.before.iter().filter(|row| same_kind(row, &changed.after).is_none()) {
        diesel::delete(clocks::table.find((&gone.stream, &gone.kind))).execute(rows.db)?;
    }
    for row in &changed.after {
        match same_kind(row, &changed.before) {
            Some(before) if before == *row => {}
            Some(_) => {
                let row = row.clone().sealed(rows.seal)?;
                diesel::update(clocks::table.find((&row.stream, &row.kind))).set(&row).execute(rows.db)?;
            }
            None => {
                diesel::insert_into(clocks::table).values(&row.clone().sealed(rows.seal)?).execute(rows.db)?;
            }
        }
    }
    Ok(())
}
