//! Incidents as lists and pages show them.

use diesel::prelude::*;
use domain::exchange::{self, Exchange};
use domain::facts::{Facts, IncidentKind};
use domain::incident::{self, Incident};
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Page, clocks, incident_id, kind, moment, moment_or_none, number, one_more, partners};
use crate::store::schema::{exchanges, facts, incidents, ledger};
use crate::store::{LoggedEvent, Rows, StoreError, TimelineEntry, ledger as entries, projections};

const TABLE: &str = "incidents";

/// An incident in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: IncidentId,
    /// Our reference.
    pub reference: String,
    /// A few words; empty after erasure.
    pub title: String,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// The word of its stage.
    pub stage: String,
    /// A drill.
    pub exercise: bool,
    /// When it was logged.
    pub logged_at: Moment,
    /// When we became aware of circumstances.
    pub aware_circumstances_at: Option<Moment>,
    /// When we became aware of a breach.
    pub aware_breach_at: Option<Moment>,
    /// Versions of the facts.
    pub facts_version: u32,
    /// The version last sent.
    pub sent_version: u32,
    /// Partners owed a notice.
    pub owed: u32,
    /// Work for all partners is still under way.
    pub fan_out_open: bool,
    /// The word of its report's state.
    pub report_state: String,
    /// Questions that no fact answers.
    pub report_gaps: u32,
    /// When it was closed.
    pub closed_at: Option<Moment>,
    /// The earliest due instant among its open clocks.
    pub next_due: Option<Moment>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = incidents)]
struct Row {
    id: Vec<u8>,
    reference: String,
    kind: String,
    stage: String,
    exercise: bool,
    title: Vec<u8>,
    logged_at: i64,
    aware_circumstances_at: Option<i64>,
    aware_breach_at: Option<i64>,
    facts_version: i32,
    sent_version: i32,
    owed: i32,
    fan_out_open: bool,
    report_state: String,
    report_gaps: i32,
    closed_at: Option<i64>,
}

impl Row {
    fn view(self, rows: &mut Rows<'_>) -> Result<Listed, StoreError> {
        let id = incident_id(TABLE, &self.id)?;
        Ok(Listed {
            id,
            reference: self.reference,
            title: projections::open_title(rows.seal, id.uuid(), &self.title)?,
            kind: kind(TABLE, &self.kind)?,
            stage: self.stage,
            exercise: self.exercise,
            logged_at: moment(TABLE, self.logged_at)?,
            aware_circumstances_at: moment_or_none(TABLE, self.aware_circumstances_at)?,
            aware_breach_at: moment_or_none(TABLE, self.aware_breach_at)?,
            facts_version: number(self.facts_version),
            sent_version: number(self.sent_version),
            owed: number(self.owed),
            fan_out_open: self.fan_out_open,
            report_state: self.report_state,
            report_gaps: number(self.report_gaps),
            closed_at: moment_or_none(TABLE, self.closed_at)?,
            next_due: clocks::next_due(rows, id)?,
        })
    }
}

/// Incidents, the newest first; `before` is the key of the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn newest(
    rows: &mut Rows<'_>,
    before: Option<(Moment, IncidentId)>,
    limit: usize,
) -> Result<Page<Listed, (Moment, IncidentId)>, StoreError> {
    let mut query = incidents::table
        .order((incidents::logged_at.desc(), incidents::id.desc()))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = before {
        let id = id.as_bytes().to_vec();
        query = query
            .filter(incidents::logged_at.le(at.micros()))
            .filter(incidents::logged_at.lt(at.micros()).or(incidents::id.lt(id)));
    }
    let found = query.load(rows.db)?;
    page(rows, found, limit)
}

/// Incidents, the oldest first; `after` is the key of the last one already given.
///
/// # Errors
/// Those of the database.
pub fn oldest(
    rows: &mut Rows<'_>,
    after: Option<(Moment, IncidentId)>,
    limit: usize,
) -> Result<Page<Listed, (Moment, IncidentId)>, StoreError> {
    let mut query = incidents::table
        .order((incidents::logged_at, incidents::id))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = after {
        let id = id.as_bytes().to_vec();
        query = query
            .filter(incidents::logged_at.ge(at.micros()))
            .filter(incidents::logged_at.gt(at.micros()).or(incidents::id.gt(id)));
    }
    let found = query.load(rows.db)?;
    page(rows, found, limit)
}

fn page(rows: &mut Rows<'_>, found: Vec<Row>, limit: usize) -> Result<Page<Listed, (Moment, IncidentId)>, StoreError> {
    let items = found.into_iter().map(|row| row.view(rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |incident| (incident.logged_at, incident.id)))
}

/// One incident.
///
/// # Errors
/// Those of the database.
pub fn one(rows: &mut Rows<'_>, id: IncidentId) -> Result<Option<Listed>, StoreError> {
    let found: Option<Row> =
        incidents::table.find(id.as_bytes().as_slice()).select(Row::as_select()).first(rows.db).optional()?;
    found.map(|row| row.view(rows)).transpose()
}

/// Incidents that still have an open clock, for a filter: at most `limit`, the newest first.
///
/// # Errors
/// Those of the database.
pub fn with_open_clocks(rows: &mut Rows<'_>, limit: i64) -> Result<Vec<(IncidentId, String)>, StoreError> {
    use crate::store::schema::clocks;
    let found: Vec<Option<Vec<u8>>> = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.is_not_null())
        .select(clocks::incident_id)
        .distinct()
        .limit(limit)
        .load(rows.db)?;
    let found: Vec<Vec<u8>> = found.into_iter().flatten().collect();
    let named: Vec<(Vec<u8>, String)> = incidents::table
        .filter(incidents::id.eq_any(found))
        .order(incidents::logged_at.desc())
        .select((incidents::id, incidents::reference))
        .load(rows.db)?;
    named.into_iter().map(|(id, reference)| Ok((incident_id(TABLE, &id)?, reference))).collect()
}

/// One version of the facts, with when it was recorded; `None` when there is none or it was erased.
///
/// # Errors
/// Those of the database.
pub fn facts_version(rows: &mut Rows<'_>, id: IncidentId, version: u32) -> Result<Option<(Facts, Moment)>, StoreError> {
    let key = (id.as_bytes().to_vec(), i32::try_from(version).unwrap_or(i32::MAX));
    let found: Option<(Vec<u8>, i64)> =
        facts::table.find(key).select((facts::sealed, facts::at)).first(rows.db).optional()?;
    let Some((sealed, at)) = found else { return Ok(None) };
    Ok(Some((projections::open_facts(rows.seal, id.uuid(), &sealed)?, moment("facts", at)?)))
}

/// The state of an incident: the fold of its stream.
///
/// # Errors
/// [`StoreError::Corrupt`] when its entries can't be read.
pub fn state(rows: &mut Rows<'_>, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    fold(rows, id.uuid(), incident::evolve)
}

/// The state of an exchange: the fold of its stream.
///
/// # Errors
/// [`StoreError::Corrupt`] when its entries can't be read.
pub fn exchange_state(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
    fold(rows, id.uuid(), exchange::evolve)
}

fn fold<E: DeserializeOwned, S>(
    rows: &mut Rows<'_>,
    stream: Uuid,
    evolve: impl Fn(Option<S>, &E) -> Option<S>,
) -> Result<Option<S>, StoreError> {
    let numbers: Vec<i64> = ledger::table
        .filter(ledger::stream.eq(stream.as_bytes().as_slice()))
        .order(ledger::n)
        .select(ledger::n)
        .load(rows.db)?;
    let mut state = None;
    for n in numbers {
        let n = u64::try_from(n).map_err(StoreError::corrupt("ledger", "a number"))?;
        // Erased entries lie before the event that carries what survives.
        let Some(octets) = entries::object(rows, n)? else { continue };
        let event: E =
            serde_json::from_slice(&octets).map_err(StoreError::corrupt("ledger", "an event of another form"))?;
        state = evolve(state, &event);
    }
    Ok(state)
}

/// An entry of a timeline, with the partner that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The entry.
    pub entry: TimelineEntry,
    /// The exchange that it belongs to, with the partner's name.
    pub with: Option<(ExchangeId, String)>,
    /// Partners that the entry itself names, with their names.
    pub named: Vec<(PartnerId, String)>,
}

/// What happened about an incident, or about an exchange without one: the newest first, before entry `before`.
///
/// # Errors
/// Those of the database.
pub fn timeline(
    rows: &mut Rows<'_>,
    subject: Uuid,
    before: Option<u64>,
    limit: usize,
) -> Result<Page<Told, u64>, StoreError> {
    let asked = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
    let mut told = Vec::new();
    for entry in entries::timeline(rows, subject, before, asked)? {
        let with = match &entry.entry {
            LoggedEvent::Exchange(id, _) => Some((*id, partner_of(rows, *id)?)),
            LoggedEvent::Incident(_) | LoggedEvent::Complaint(_) | LoggedEvent::Erased => None,
        };
        let named = named(rows, &entry.entry)?;
        told.push(Told { entry, with, named });
    }
    Ok(Page::of(told, limit, |told| told.entry.n))
}

fn named(rows: &mut Rows<'_>, entry: &LoggedEvent) -> Result<Vec<(PartnerId, String)>, StoreError> {
    let LoggedEvent::Incident(incident::Event::Joint { change, .. }) = entry else { return Ok(Vec::new()) };
    change.partners().into_iter().map(|id| Ok((id, partners::name(rows, id)?))).collect()
}

fn partner_of(rows: &mut Rows<'_>, id: ExchangeId) -> Result<String, StoreError> {
    let partner: Option<Vec<u8>> =
        exchanges::table.find(id.as_bytes().as_slice()).select(exchanges::partner_id).first(rows.db).optional()?;
    match partner {
        Some(partner) => partners::name(rows, super::partner_id("exchanges", &partner)?),
        None => Ok(String::new()),
    }
}

/// The incident of ours that took an exchange over, if there is one.
///
/// # Errors
/// Those of the database.
pub fn of_exchange(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<IncidentId>, StoreError> {
    let found: Option<Option<Vec<u8>>> =
        exchanges::table.find(id.as_bytes().as_slice()).select(exchanges::incident_id).first(rows.db).optional()?;
    found.flatten().map(|id| incident_id("exchanges", &id)).transpose()
}

/// How many entries the ledger has.
///
/// # Errors
/// Those of the database.
pub fn ledger_size(rows: &mut Rows<'_>) -> Result<u64, StoreError> {
    use crate::store::schema::ledger_head;
    let size: i64 = ledger_head::table.find(1_i16).select(ledger_head::size).first(rows.db)?;
    u64::try_from(size).map_err(StoreError::corrupt("ledger_head", "a size"))
}
