//! Writes a plan to the tables: a fixed number of statements for one stream, few for many.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::ladder::{self, Plans};
use domain::values::Moment;

use super::actions::ActionStep;
use super::duty_rows;
use super::enter;
use super::plan::{ClocksChanged, ExchangeChanged, LadderStep, Plan, SaidStep};
use super::precedents;
use super::rows::{ClockRow, ExchangeRow, IN_HAND_BY, LadderKey, LadderRow};
use crate::store::alerts::{self, AlertKind};
use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::backend::bulk::{insert_many, replace_many, update_many};
use crate::store::schema::{clocks, exchanges, facts, incidents, ladders, said};
use crate::store::{Rows, StoreError, Turn, ladder_plans, outbox, reports};

pub(super) fn apply(turn: &mut Turn<'_>, plan: Plan) -> Result<(), StoreError> {
    let Plan { queued, abandoned, erased, ladders, said, register, tallies, actions, .. } =
        write_rows(turn.rows(), plan)?;
    enter::enter(turn.rows(), register)?;
    enter::count(turn.rows(), tallies)?;
    move_ladders(turn.rows(), ladders)?;
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

/// Ladders that are wanted are looked for together, as far as no other step comes between.
fn move_ladders(rows: &mut Rows<'_>, steps: Vec<LadderStep>) -> Result<(), StoreError> {
    let mut wanted = Vec::new();
    for step in steps {
        match step {
            LadderStep::Wanted { key, anchored_at } => wanted.push((key, anchored_at)),
            LadderStep::Left { .. }
            | LadderStep::Passed { .. }
            | LadderStep::Fired { .. }
            | LadderStep::Seen { .. }
            | LadderStep::Lapsed { .. }
            | LadderStep::Ended { .. }
            | LadderStep::InHand { .. }
            | LadderStep::Gone { .. } => {
                want(rows, std::mem::take(&mut wanted))?;
                move_ladder(rows, step)?;
            }
        }
    }
    want(rows, wanted)
}

fn move_ladder(rows: &mut Rows<'_>, step: LadderStep) -> Result<(), StoreError> {
    match step {
        LadderStep::Wanted { key, anchored_at } => want(rows, vec![(key, anchored_at)]),
        LadderStep::Left { key } => leave(rows, key),
        LadderStep::Passed { key, offset } => {
            let set = (ladders::last_offset.eq(offset), ladders::next_step_at.eq(after(rows, &key, offset)?));
            diesel::update(ladder(&key)).set(set).execute(rows.db)?;
            Ok(())
        }
        LadderStep::Fired { key, offset, asked, instead } => {
            let set = (
                ladders::last_offset.eq(offset),
                ladders::next_step_at.eq(after(rows, &key, offset)?),
                ladders::fired.eq(ladders::fired + 1),
                ladders::asked.eq(asked),
                ladders::seen.eq(None::<Vec<u8>>),
                ladders::instead.eq(instead),
            );
            diesel::update(ladder(&key)).set(set).execute(rows.db)?;
            Ok(())
        }
        LadderStep::Seen { key, person } => {
            let seen: Option<Option<Vec<u8>>> = ladder(&key).select(ladders::seen).first(rows.db).optional()?;
            let mut seen = seen.flatten().unwrap_or_default();
            seen.extend_from_slice(person.as_bytes());
            diesel::update(ladder(&key)).set(ladders::seen.eq(seen)).execute(rows.db)?;
            Ok(())
        }
        LadderStep::Lapsed { key } => {
            let row: Option<LadderRow> = ladder(&key).select(LadderRow::as_select()).first(rows.db).optional()?;
            let Some(mut row) = row else { return Ok(()) };
            (row.in_hand_by, row.in_hand_at) = (None, None);
            let next = row.next_at(&ladder_plans::of(rows, key.kind)?);
            let set = (
                ladders::in_hand_by.eq(None::<Vec<u8>>),
                ladders::in_hand_at.eq(None::<i64>),
                ladders::next_step_at.eq(next),
            );
            diesel::update(ladder(&key)).set(set).execute(rows.db)?;
            Ok(())
        }
        LadderStep::Ended { key } => {
            diesel::update(ladder(&key)).set(ladders::next_step_at.eq(None::<i64>)).execute(rows.db)?;
            Ok(())
        }
        LadderStep::InHand { key, by, at } => {
            let by = rows.seal.seal(IN_HAND_BY, key.stream.as_bytes(), &by)?;
            let set = (
                ladders::in_hand_by.eq(by),
                ladders::in_hand_at.eq(at.micros()),
                ladders::next_step_at.eq(ladder::lapse_at(&ladder_plans::of(rows, key.kind)?, at).map(Moment::micros)),
            );
            diesel::update(ladder(&key)).set(set).execute(rows.db)?;
            Ok(())
        }
        LadderStep::Gone { stream } => {
            diesel::delete(ladders::table.filter(ladders::stream.eq(stream.as_bytes().as_slice()))).execute(rows.db)?;
            Ok(())
        }
    }
}

/// When the step after this one comes, by the plan that stands.
fn after(rows: &mut Rows<'_>, key: &LadderKey, offset: i32) -> Result<Option<i64>, StoreError> {
    // Whatever lies before the anchor is behind the step that was recorded.
    let plan = ladder_plans::of(rows, key.kind)?;
    Ok(ladder::next_step(&plan, key.due, Moment::EPOCH, Some(offset)).map(Moment::micros))
}

/// Stream, kind, due instant.
type LadderId = (Vec<u8>, String, i64);
type OneLadder = diesel::helper_types::Find<ladders::table, (Vec<u8>, &'static str, i64)>;

fn ladder(key: &LadderKey) -> OneLadder {
    ladders::table.find((key.stream.as_bytes().to_vec(), key.kind.word(), key.due.micros()))
}

fn want(rows: &mut Rows<'_>, wanted: Vec<(LadderKey, i64)>) -> Result<(), StoreError> {
    let mut streams: Vec<&[u8]> = wanted.iter().map(|(key, _)| key.stream.as_bytes().as_slice()).collect();
    streams.sort_unstable();
    streams.dedup();
    let mut known: HashMap<LadderId, LadderRow> = HashMap::new();
    for chunk in streams.chunks(KEYS_PER_STATEMENT) {
        let found: Vec<LadderRow> = match chunk {
            // The usual case has a statement of its own on SQLite, where a list of keys can't be kept prepared.
            [one] => ladders::table.filter(ladders::stream.eq(one)).select(LadderRow::as_select()).load(rows.db)?,
            many => ladders::table.filter(ladders::stream.eq_any(many)).select(LadderRow::as_select()).load(rows.db)?,
        };
        known.extend(found.into_iter().map(|row| ((row.stream.clone(), row.kind.clone(), row.due_at), row)));
    }
    let mut plans = None;
    let mut begun = Vec::new();
    for (key, anchored_at) in wanted {
        let id = (key.stream.as_bytes().to_vec(), key.kind.word().to_owned(), key.due.micros());
        match known.get(&id) {
            None => {
                let plan = plans_of(rows, &mut plans)?.of(key.kind);
                let row = LadderRow::begun(key, anchored_at, &plan);
                known.insert(id, row.clone());
                begun.push(row);
            }
            Some(row) if row.next_step_at.is_none() => {
                let next = row.next_at(&plans_of(rows, &mut plans)?.of(key.kind));
                diesel::update(ladder(&key)).set(ladders::next_step_at.eq(next)).execute(rows.db)?;
            }
            Some(_) => {}
        }
    }
    insert_many!(rows.db, ladders::table, &begun)
}

/// The plans that stand, read once.
fn plans_of<'a>(rows: &mut Rows<'_>, known: &'a mut Option<Plans>) -> Result<&'a Plans, StoreError> {
    if known.is_none() {
        *known = Some(ladder_plans::standing(rows)?);
    }
    Ok(known.get_or_insert_default())
}

fn leave(rows: &mut Rows<'_>, key: LadderKey) -> Result<(), StoreError> {
    let group = clocks::table
        .filter(clocks::kind.eq(key.kind.word()))
        .filter(clocks::group_due_at.eq(key.due.micros()))
        .filter(clocks::open);
    let silent = ladders::next_step_at.eq(None::<i64>);
    let stream = key.stream.as_bytes().to_vec();
    if key.of_incident {
        let open = group.filter(clocks::incident_id.eq(stream));
        diesel::update(ladder(&key))
            .filter(diesel::dsl::not(diesel::dsl::exists(open)))
            .set(silent)
            .execute(rows.db)?;
    } else if key.kind == ClockKind::Assistance {
        // Requests are filed under their messages; the index over open clocks goes by the due instant.
        let open = group.filter(clocks::exchange_id.eq(stream)).filter(clocks::due_at.eq(key.due.micros()));
        diesel::update(ladder(&key))
            .filter(diesel::dsl::not(diesel::dsl::exists(open)))
            .set(silent)
            .execute(rows.db)?;
    } else {
        let open = group.filter(clocks::stream.eq(stream));
        diesel::update(ladder(&key))
            .filter(diesel::dsl::not(diesel::dsl::exists(open)))
            .set(silent)
            .execute(rows.db)?;
    }
    Ok(())
}
