//! Complaints as pages and the API show them.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::complaint::{Category, Channel, Outcome, Stage};
use domain::values::{ComplaintId, IncidentId, Moment};

use super::{Page, count, incident_id, moment, moment_or_none, one_more};
use crate::store::schema::complaints;
use crate::store::{LoggedEvent, Rows, StoreError, ledger, projections};

const TABLE: &str = "complaints";
/// Entries read for one complaint, the newest: notes, and the steps of its ladders.
const ENTRIES_MAX: u32 = 500;

/// Which complaints to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only at this stage.
    pub stage: Option<Stage>,
    /// Only about this.
    pub category: Option<Category>,
    /// Only about this incident.
    pub incident: Option<IncidentId>,
    /// Only those with something past due at this instant.
    pub overdue_at: Option<Moment>,
}

/// One complaint of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: ComplaintId,
    /// Our reference.
    pub reference: String,
    /// When it reached us.
    pub received_at: Moment,
    /// How.
    pub channel: Channel,
    /// What it is about.
    pub category: Category,
    /// The incident that it is about.
    pub incident: Option<IncidentId>,
    /// Where it stands.
    pub stage: Stage,
    /// By when to acknowledge it in law: the alarm, and the limit.
    pub acknowledge_by: Option<(Moment, Moment)>,
    /// By when we promise to acknowledge it.
    pub promised_acknowledgement_by: Option<Moment>,
    /// By when we promise to answer it.
    pub promised_answer_by: Option<Moment>,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Moment>,
    /// When they were told the outcome.
    pub answered_at: Option<Moment>,
    /// Which.
    pub outcome: Option<Outcome>,
    /// The earliest instant by which something still has to be done.
    pub next_due: Option<Moment>,
    /// Progress notes.
    pub notes: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = complaints)]
struct Row {
    id: Vec<u8>,
    reference: String,
    received_at: i64,
    channel: String,
    category: String,
    incident_id: Option<Vec<u8>>,
    stage: String,
    acknowledge_by: Option<i64>,
    acknowledge_limit: Option<i64>,
    promised_acknowledgement_by: Option<i64>,
    promised_answer_by: Option<i64>,
    acknowledged_at: Option<i64>,
    answered_at: Option<i64>,
    outcome: Option<String>,
    next_due_at: Option<i64>,
    notes: i32,
}

impl Row {
    fn view(self) -> Result<Listed, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: TABLE, what };
        let limit = moment_or_none(TABLE, self.acknowledge_limit)?;
        Ok(Listed {
            id: ComplaintId::from_slice(&self.id).map_err(StoreError::corrupt(TABLE, "an id"))?,
            reference: self.reference,
            received_at: moment(TABLE, self.received_at)?,
            channel: Channel::from_word(&self.channel).ok_or(corrupt("a channel"))?,
            category: Category::from_word(&self.category).ok_or(corrupt("a category"))?,
            incident: self.incident_id.map(|id| incident_id(TABLE, &id)).transpose()?,
            stage: Stage::from_word(&self.stage).ok_or(corrupt("a stage"))?,
            acknowledge_by: moment_or_none(TABLE, self.acknowledge_by)?.zip(limit),
            promised_acknowledgement_by: moment_or_none(TABLE, self.promised_acknowledgement_by)?,
            promised_answer_by: moment_or_none(TABLE, self.promised_answer_by)?,
            acknowledged_at: moment_or_none(TABLE, self.acknowledged_at)?,
            answered_at: moment_or_none(TABLE, self.answered_at)?,
            outcome: self.outcome.map(|word| Outcome::from_word(&word).ok_or(corrupt("an outcome"))).transpose()?,
            next_due: moment_or_none(TABLE, self.next_due_at)?,
            notes: super::number(self.notes),
        })
    }
}

/// The newest received first, before a key; at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn newest(
    rows: &mut Rows<'_>,
    filter: Filter,
    before: Option<(Moment, ComplaintId)>,
    limit: usize,
) -> Result<Page<Listed, (Moment, ComplaintId)>, StoreError> {
    let mut query = complaints::table
        .order((complaints::received_at.desc(), complaints::id.desc()))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some(stage) = filter.stage {
        query = query.filter(complaints::stage.eq(stage.word()));
    }
    if let Some(category) = filter.category {
        query = query.filter(complaints::category.eq(category.word()));
    }
    if let Some(incident) = filter.incident {
        query = query.filter(complaints::incident_id.eq(incident.as_bytes().to_vec()));
    }
    if let Some(now) = filter.overdue_at {
        query = query.filter(complaints::next_due_at.lt(now.micros()));
    }
    if let Some((at, id)) = before {
        let same = complaints::received_at.eq(at.micros()).and(complaints::id.lt(id.as_bytes().to_vec()));
        query = query.filter(complaints::received_at.lt(at.micros()).or(same));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    let items = found.into_iter().map(Row::view).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |complaint| (complaint.received_at, complaint.id)))
}

/// What complaints ask of people now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many have something past due.
    pub overdue: u32,
    /// How many have something still to be done by an instant.
    pub running: u32,
    /// The earliest of those instants.
    pub next_due: Option<Moment>,
}

/// What complaints ask of people now. Costs what is open, not history.
///
/// # Errors
/// Those of the database.
pub fn waiting(rows: &mut Rows<'_>, now: Moment) -> Result<Waiting, StoreError> {
    let open = || complaints::table.filter(complaints::next_due_at.is_not_null());
    let overdue: i64 = open().filter(complaints::next_due_at.lt(now.micros())).count().get_result(rows.db)?;
    let all: i64 = open().count().get_result(rows.db)?;
    let next: Option<i64> = open().select(diesel::dsl::min(complaints::next_due_at)).first(rows.db)?;
    Ok(Waiting {
        overdue: count(overdue),
        running: count(all.saturating_sub(overdue)),
        next_due: moment_or_none(TABLE, next)?,
    })
}

/// One complaint as it stands, with its entries, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// As lists show it.
    pub listed: Listed,
    /// What it is about in words; empty after erasure.
    pub about: String,
    /// What was recorded, with when.
    pub entries: Vec<(Moment, LoggedEvent)>,
}

/// One complaint; `None` when there is none.
///
/// # Errors
/// Those of the database.
pub fn one(rows: &mut Rows<'_>, id: ComplaintId) -> Result<Option<Whole>, StoreError> {
    let key = id.as_bytes().as_slice();
    let found: Option<(Row, Vec<u8>)> =
        complaints::table.find(key).select((Row::as_select(), complaints::about)).first(rows.db).optional()?;
    let Some((row, about)) = found else { return Ok(None) };
    let entries = ledger::timeline(rows, id.uuid(), None, ENTRIES_MAX)?;
    Ok(Some(Whole {
        listed: row.view()?,
        about: projections::open_complaint(rows.seal, id, &about)?,
        entries: entries.into_iter().map(|entry| (entry.at, entry.entry)).collect(),
    }))
}
