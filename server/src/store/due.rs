//! Which duties and fan-outs want attention, and when: what the watch asks. Every question goes by an index over what is
//! still open, so that history costs nothing.
//!
//! Answers are hints about where to look. What is then true is decided by the rules on the stream's own state.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::clock::ClockKind;
use domain::incident::{Outstanding, STEP_NAMES_MAX};
use domain::ladder::Orders;
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment, PartnerId};

use super::projections::LadderRow;
use super::schema::{clocks, duties, incidents, ladders};
use super::{Rows, StoreError, Turn, ladder_plans, people, rota};

/// Open clocks of one incident looked at: two for each of more partners than one node is for.
const OPEN_CLOCKS_MAX: i64 = 20_000;
/// Stages in which time passes for an incident.
const OPEN_STAGES: [&str; 2] = ["held", "active"];

/// Written out, not bound: SQLite uses the index over running clocks only for this very text.
fn running() -> diesel::expression::SqlLiteral<Bool> {
    sql::<Bool>("clocks.state = 'running'")
}

/// Exchanges whose clocks are overdue or whose own ladder has a step due, at most `limit`, the longest due first.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id can't be read; those of the database.
pub fn exchanges(rows: &mut Rows<'_>, now: Moment, limit: usize) -> Result<Vec<ExchangeId>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: Vec<Option<Vec<u8>>> = clocks::table
        .filter(running())
        .filter(clocks::due_at.lt(now.micros()))
        .filter(clocks::exchange_id.is_not_null())
        .order((clocks::due_at, clocks::stream))
        .limit(most)
        .select(clocks::exchange_id)
        .load(rows.db)?;
    let climbing: Vec<Vec<u8>> = ladders::table
        .filter(ladders::next_step_at.le(now.micros()))
        .filter(ladders::incident_id.is_null())
        .filter(ladders::kind.ne_all(of_complaints()))
        .order((ladders::next_step_at, ladders::stream))
        .limit(most)
        .select(ladders::stream)
        .load(rows.db)?;
    found.extend(climbing.into_iter().map(Some));
    distinct(found.into_iter().flatten(), limit, |id| ExchangeId::from_slice(id).ok())
}

/// Open incidents whose own clock is overdue or that have a ladder step due, at most `limit`, the longest due first.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id can't be read; those of the database.
pub fn incidents(rows: &mut Rows<'_>, now: Moment, limit: usize) -> Result<Vec<IncidentId>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: Vec<Vec<u8>> = clocks::table
        .inner_join(incidents::table.on(incidents::id.eq(clocks::stream)))
        .filter(running())
        .filter(clocks::due_at.lt(now.micros()))
        .filter(clocks::exchange_id.is_null())
        .filter(incidents::stage.eq_any(OPEN_STAGES))
        .order((clocks::due_at, clocks::stream))
        .limit(most)
        .select(clocks::stream)
        .load(rows.db)?;
    let climbing: Vec<Vec<u8>> = ladders::table
        .inner_join(incidents::table.on(incidents::id.eq(ladders::stream)))
        .filter(ladders::next_step_at.le(now.micros()))
        .filter(incidents::stage.eq_any(OPEN_STAGES))
        .order((ladders::next_step_at, ladders::stream))
        .limit(most)
        .select(ladders::stream)
        .load(rows.db)?;
    found.extend(climbing);
    distinct(found.into_iter(), limit, |id| IncidentId::from_slice(id).ok())
}

/// Complaints with something overdue or that have a ladder step due, at most `limit`, the longest due first.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id can't be read; those of the database.
pub fn complaints(rows: &mut Rows<'_>, now: Moment, limit: usize) -> Result<Vec<ComplaintId>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: Vec<Vec<u8>> = clocks::table
        .filter(running())
        .filter(clocks::due_at.lt(now.micros()))
        .filter(clocks::kind.eq_any(of_complaints()))
        .order((clocks::due_at, clocks::stream))
        .limit(most)
        .select(clocks::stream)
        .load(rows.db)?;
    let climbing: Vec<Vec<u8>> = ladders::table
        .filter(ladders::next_step_at.le(now.micros()))
        .filter(ladders::kind.eq_any(of_complaints()))
        .order((ladders::next_step_at, ladders::stream))
        .limit(most)
        .select(ladders::stream)
        .load(rows.db)?;
    found.extend(climbing);
    distinct(found.into_iter(), limit, |id| ComplaintId::from_slice(id).ok())
}

fn of_complaints() -> [&'static str; 3] {
    ClockKind::OF_COMPLAINTS.map(ClockKind::word)
}

fn distinct<Id: PartialEq>(
    found: impl Iterator<Item = Vec<u8>>,
    limit: usize,
    read: impl Fn(&[u8]) -> Option<Id>,
) -> Result<Vec<Id>, StoreError> {
    let mut ids = Vec::new();
    for octets in found {
        let id = read(&octets).ok_or(StoreError::Corrupt { table: "clocks", what: "a stream" })?;
        if ids.len() < limit && !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Partners still outstanding on an incident's duties, grouped as its ladders are.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row can't be read; those of the database.
pub fn outstanding(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Vec<Outstanding>, StoreError> {
    let id = incident.as_bytes().as_slice();
    let open: Vec<(String, i64, Vec<u8>, i64)> = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.eq(id))
        .filter(clocks::partner_id.is_not_null())
        .order((clocks::kind, clocks::group_due_at, clocks::partner_id))
        .limit(OPEN_CLOCKS_MAX)
        .select((clocks::kind, clocks::group_due_at, clocks::partner_id.assume_not_null(), clocks::anchored_at))
        .load(rows.db)?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    // A group counts from where its ladder began.
    let began: BTreeMap<(String, i64), i64> = ladders::table
        .filter(ladders::stream.eq(id))
        .select((ladders::kind, ladders::due_at, ladders::anchored_at))
        .load::<(String, i64, i64)>(rows.db)?
        .into_iter()
        .map(|(kind, due, anchored_at)| ((kind, due), anchored_at))
        .collect();
    let mut groups: Vec<Outstanding> = Vec::new();
    for (word, due_at, partner, anchored_at) in open {
        let partner = PartnerId::from_slice(&partner).map_err(StoreError::corrupt("clocks", "a partner"))?;
        let kind = kind_of(&word)?;
        let due = moment(due_at)?;
        match groups.last_mut().filter(|group| group.kind == kind && group.due == due) {
            Some(group) => {
                group.partners = group.partners.saturating_add(1);
                if group.first.len() < STEP_NAMES_MAX {
                    group.first.push(partner);
                }
            }
            None => groups.push(Outstanding {
                kind,
                due,
                anchored_at: moment(began.get(&(word, due_at)).copied().unwrap_or(anchored_at))?,
                partners: 1,
                first: vec![partner],
            }),
        }
    }
    Ok(groups)
}

/// How many duties towards partners of each kind are still open on an incident: clocks, and controllers to be told for whom
/// nobody named hours. A target of our own is none by itself.
///
/// # Errors
/// [`StoreError::Corrupt`] when a kind can't be read; those of the database.
pub fn open_duties(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Vec<(ClockKind, u32)>, StoreError> {
    let open: Vec<(String, i64)> = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(clocks::exchange_id.is_not_null())
        .filter(diesel::dsl::not(clocks::own_target))
        .group_by(clocks::kind)
        .order(clocks::kind.desc())
        .select((clocks::kind, diesel::dsl::count_star()))
        .load(rows.db)?;
    let undated: i64 = duties::table
        .filter(duties::open)
        .filter(duties::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(duties::exchange_id.is_not_null())
        .count()
        .get_result(rows.db)?;
    let many = |open: i64| u32::try_from(open).unwrap_or(u32::MAX);
    let mut all = Vec::with_capacity(open.len());
    for (kind, open) in open {
        all.push((kind_of(&kind)?, many(open)));
    }
    if undated > 0 {
        match all.iter_mut().find(|(kind, _)| *kind == ClockKind::PartnerNotice) {
            Some((_, open)) => *open = open.saturating_add(many(undated)),
            None => all.insert(0, (ClockKind::PartnerNotice, many(undated))),
        }
    }
    Ok(all)
}

/// Incidents with an unfinished fan-out, the first logged first, at most `limit`.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id can't be read; those of the database.
pub fn open_fan_outs(rows: &mut Rows<'_>, limit: u32) -> Result<Vec<IncidentId>, StoreError> {
    let found: Vec<Vec<u8>> = incidents::table
        .filter(incidents::fan_out_open)
        .order(incidents::id)
        .limit(i64::from(limit))
        .select(incidents::id)
        .load(rows.db)?;
    found.iter().map(|id| IncidentId::from_slice(id).map_err(StoreError::corrupt("incidents", "an id"))).collect()
}

/// When passing time next changes something (duty time); may lie in the past: then at once. `None` when nothing runs.
///
/// # Errors
/// Those of the database.
pub fn next_duty(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let running: Option<i64> =
        clocks::table.filter(running()).select(diesel::dsl::min(clocks::due_at)).first(rows.db)?;
    // At the due instant itself a duty is still in time.
    let overdue = running.map(|due| due.saturating_add(1));
    let own: Option<i64> = ladders::table
        .filter(ladders::incident_id.is_null())
        .filter(ladders::next_step_at.is_not_null())
        .select(diesel::dsl::min(ladders::next_step_at))
        .first(rows.db)?;
    let of_incidents: Option<i64> = ladders::table
        .inner_join(incidents::table.on(incidents::id.eq(ladders::stream)))
        .filter(ladders::next_step_at.is_not_null())
        .filter(incidents::stage.eq_any(OPEN_STAGES))
        .select(diesel::dsl::min(ladders::next_step_at))
        .first(rows.db)?;
    [overdue, own, of_incidents].into_iter().flatten().min().map(moment).transpose()
}

/// What a tick has to know of the day: the plans that stand, who can be reached, who is on call.
///
/// # Errors
/// [`StoreError::Corrupt`] when something of it does not open; those of the database.
pub fn orders(rows: &mut Rows<'_>, zone: Tz, now: Moment) -> Result<Orders, StoreError> {
    let plans = ladder_plans::standing(rows)?;
    Ok(Orders { plans, people: people::reachable(rows)?, on_call: rota::on_call(rows, zone, now)? })
}

/// Ladders of the open duties of these kinds come again when the plans that stand say.
///
/// # Errors
/// Those of the database.
pub fn reschedule(turn: &mut Turn<'_>, kinds: &[ClockKind]) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let plans = ladder_plans::standing(rows)?;
    let mut moved = 0;
    for kind in kinds {
        let plan = plans.of(*kind);
        let open = || clocks::table.filter(clocks::open).filter(clocks::kind.eq(kind.word()));
        let own: Vec<(Option<Vec<u8>>, i64)> = open()
            .filter(clocks::incident_id.is_not_null())
            .select((clocks::incident_id, clocks::group_due_at))
            .distinct()
            .load(rows.db)?;
        let alone = open().filter(clocks::incident_id.is_null()).distinct();
        let received: Vec<(Option<Vec<u8>>, i64)> = if kind.is_of_complaint() {
            alone.select((clocks::stream.nullable(), clocks::group_due_at)).load(rows.db)?
        } else {
            alone.select((clocks::exchange_id, clocks::group_due_at)).load(rows.db)?
        };
        for (stream, due) in own.into_iter().chain(received) {
            let Some(stream) = stream else { continue };
            let this = || ladders::table.find((stream.clone(), kind.word(), due));
            let row: Option<LadderRow> = this().select(LadderRow::as_select()).first(rows.db).optional()?;
            let Some(row) = row else { continue };
            let next = row.next_at(&plan);
            if next != row.next_step_at {
                moved += diesel::update(this()).set(ladders::next_step_at.eq(next)).execute(rows.db)?;
            }
        }
    }
    Ok(moved)
}

fn kind_of(word: &str) -> Result<ClockKind, StoreError> {
    let kind = ClockKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.ok_or(StoreError::Corrupt { table: "clocks", what: "a kind" })
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("clocks", "an instant"))
}
