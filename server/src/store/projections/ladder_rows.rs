//! Rows of ladders: where each stands, who sees to it, and when its next step comes by the plan that stands.

use std::borrow::Cow;
use std::collections::HashMap;

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::ladder::{self, Plan, Plans};
use domain::values::{Moment, PersonId};

use super::plan::LadderStep;
use super::rows::{IN_HAND_BY, LadderKey, LadderRow};
use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::backend::bulk::insert_many;
use crate::store::schema::{clocks, ladders};
use crate::store::{Rows, StoreError, ladder_plans};

/// The plans that stand, read when the first step asks for one, and then no more: however many steps a batch has.
#[derive(Default)]
struct Standing(Option<Plans>);

impl Standing {
    fn of(&mut self, rows: &mut Rows<'_>, kind: ClockKind) -> Result<Cow<'_, Plan>, StoreError> {
        if self.0.is_none() {
            self.0 = Some(ladder_plans::standing(rows)?);
        }
        Ok(self.0.get_or_insert_default().of(kind))
    }

    /// When the step after this one comes.
    fn after(&mut self, rows: &mut Rows<'_>, key: &LadderKey, offset: i32) -> Result<Option<i64>, StoreError> {
        let plan = self.of(rows, key.kind)?;
        // Whatever lies before the anchor is behind the step that was recorded.
        Ok(ladder::next_step(&plan, key.due, Moment::EPOCH, Some(offset)).map(Moment::micros))
    }
}

/// Writes steps in their order. Ladders that are wanted are looked for together, as far as no other step comes between.
pub(super) fn write(rows: &mut Rows<'_>, steps: Vec<LadderStep>) -> Result<(), StoreError> {
    let mut plans = Standing::default();
    let mut wanted = Vec::new();
    for step in steps {
        if !matches!(step, LadderStep::Wanted { .. }) {
            want(rows, &mut plans, std::mem::take(&mut wanted))?;
        }
        match step {
            LadderStep::Wanted { key, anchored_at } => wanted.push((key, anchored_at)),
            LadderStep::Left { key } => leave(rows, key)?,
            LadderStep::Passed { key, offset } => {
                let set = (ladders::last_offset.eq(offset), ladders::next_step_at.eq(plans.after(rows, &key, offset)?));
                diesel::update(ladder(&key)).set(set).execute(rows.db)?;
            }
            LadderStep::Fired { key, offset, asked, instead } => {
                let next = plans.after(rows, &key, offset)?;
                fired(rows, &key, next, offset, asked, instead)?;
            }
            LadderStep::Seen { key, person } => seen(rows, &key, person)?,
            LadderStep::Lapsed { key } => lapsed(rows, &mut plans, &key)?,
            LadderStep::Ended { key } => {
                diesel::update(ladder(&key)).set(ladders::next_step_at.eq(None::<i64>)).execute(rows.db)?;
            }
            LadderStep::InHand { key, by, at } => in_hand(rows, &mut plans, &key, &by, at)?,
            LadderStep::Gone { stream } => {
                let stream = stream.as_bytes().as_slice();
                diesel::delete(ladders::table.filter(ladders::stream.eq(stream))).execute(rows.db)?;
            }
        }
    }
    want(rows, &mut plans, wanted)
}

/// A step fired: nobody has seen it yet.
fn fired(
    rows: &mut Rows<'_>,
    key: &LadderKey,
    next: Option<i64>,
    offset: i32,
    asked: Option<Vec<u8>>,
    instead: bool,
) -> Result<(), StoreError> {
    let set = (
        ladders::last_offset.eq(offset),
        ladders::next_step_at.eq(next),
        ladders::fired.eq(ladders::fired + 1),
        ladders::asked.eq(asked),
        ladders::seen.eq(None::<Vec<u8>>),
        ladders::instead.eq(instead),
    );
    diesel::update(ladder(key)).set(set).execute(rows.db)?;
    Ok(())
}

fn seen(rows: &mut Rows<'_>, key: &LadderKey, person: PersonId) -> Result<(), StoreError> {
    let seen: Option<Option<Vec<u8>>> = ladder(key).select(ladders::seen).first(rows.db).optional()?;
    let mut seen = seen.flatten().unwrap_or_default();
    seen.extend_from_slice(person.as_bytes());
    diesel::update(ladder(key)).set(ladders::seen.eq(seen)).execute(rows.db)?;
    Ok(())
}

/// Whoever had it in hand has it no more: it climbs on.
fn lapsed(rows: &mut Rows<'_>, plans: &mut Standing, key: &LadderKey) -> Result<(), StoreError> {
    let row: Option<LadderRow> = ladder(key).select(LadderRow::as_select()).first(rows.db).optional()?;
    let Some(mut row) = row else { return Ok(()) };
    (row.in_hand_by, row.in_hand_at) = (None, None);
    let set = (
        ladders::in_hand_by.eq(None::<Vec<u8>>),
        ladders::in_hand_at.eq(None::<i64>),
        ladders::next_step_at.eq(row.next_at(&*plans.of(rows, key.kind)?)),
    );
    diesel::update(ladder(key)).set(set).execute(rows.db)?;
    Ok(())
}

fn in_hand(
    rows: &mut Rows<'_>,
    plans: &mut Standing,
    key: &LadderKey,
    by: &[u8],
    at: Moment,
) -> Result<(), StoreError> {
    let lapse = ladder::lapse_at(&*plans.of(rows, key.kind)?, at).map(Moment::micros);
    let set = (
        ladders::in_hand_by.eq(rows.seal.seal(IN_HAND_BY, key.stream.as_bytes(), by)?),
        ladders::in_hand_at.eq(at.micros()),
        ladders::next_step_at.eq(lapse),
    );
    diesel::update(ladder(key)).set(set).execute(rows.db)?;
    Ok(())
}

/// Stream, kind, due instant.
type LadderId = (Vec<u8>, String, i64);
type OneLadder = diesel::helper_types::Find<ladders::table, (Vec<u8>, &'static str, i64)>;

fn ladder(key: &LadderKey) -> OneLadder {
    ladders::table.find((key.stream.as_bytes().to_vec(), key.kind.word(), key.due.micros()))
}

/// Begins ladders that are not there, and has those go on that fell silent.
fn want(rows: &mut Rows<'_>, plans: &mut Standing, wanted: Vec<(LadderKey, i64)>) -> Result<(), StoreError> {
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
    let mut begun = Vec::new();
    for (key, anchored_at) in wanted {
        let id = (key.stream.as_bytes().to_vec(), key.kind.word().to_owned(), key.due.micros());
        match known.get(&id) {
            None => {
                let plan = plans.of(rows, key.kind)?;
                let row = LadderRow::begun(key, anchored_at, &plan);
                known.insert(id, row.clone());
                begun.push(row);
            }
            Some(row) if row.next_step_at.is_none() => {
                let next = row.next_at(&*plans.of(rows, key.kind)?);
                diesel::update(ladder(&key)).set(ladders::next_step_at.eq(next)).execute(rows.db)?;
            }
            Some(_) => {}
        }
    }
    insert_many!(rows.db, ladders::table, &begun)
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::store::testing::{at, both};

    both!(
        /// However many steps are recorded together, the plans are read once for all of them.
        plans_are_read_once, |store| {
            let passed = |offset| move |n: u128| {
                let stream = uuid::Uuid::from_u128(n);
                let key = LadderKey { stream, of_incident: true, kind: ClockKind::PartnerNotice, due: at(3_600) };
                LadderStep::Passed { key, offset }
            };
            let mut costs = Vec::new();
            for steps in [1, 1, 41] {
                let before = store.statements();
                store
                    .write(at(60), move |turn| write(turn.rows(), (0..steps).map(passed(-60)).collect()))
                    .await
                    .unwrap();
                costs.push(store.statements() - before);
            }
            assert_eq!(costs[2] - costs[1], 40, "one for each further step, and no more: {costs:?}");
        }
    );
}
