//! How a complaint looks in the tables.

use diesel::prelude::*;
use domain::complaint::{Complaint, Event};
use domain::values::{IncidentId, Moment};

use super::rows;
use crate::store::schema::complaints;
use crate::store::sealed::Seal;
use crate::store::{Change, Rows, StoreError};

pub(super) const ABOUT: &str = "complaints.about";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = complaints, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ComplaintRow {
    pub id: Vec<u8>,
    pub reference: String,
    pub received_at: i64,
    pub channel: String,
    pub category: String,
    pub incident_id: Option<Vec<u8>>,
    pub stage: String,
    pub about: Vec<u8>,
    pub acknowledge_by: Option<i64>,
    pub acknowledge_limit: Option<i64>,
    pub promised_acknowledgement_by: Option<i64>,
    pub promised_answer_by: Option<i64>,
    pub acknowledged_at: Option<i64>,
    pub answered_at: Option<i64>,
    pub outcome: Option<String>,
    #[diesel(skip_update)]
    pub logged_at: i64,
    pub next_due_at: Option<i64>,
    pub notes: i32,
}

impl ComplaintRow {
    /// `logged_at` is no part of the state and is written once, with the first event.
    fn of(complaint: &Complaint, logged_at: Moment) -> Self {
        let micros = |at: Option<Moment>| at.map(Moment::micros);
        let due = complaint.due;
        Self {
            id: complaint.id.as_bytes().to_vec(),
            reference: complaint.reference.to_string(),
            received_at: complaint.received_at.micros(),
            channel: complaint.channel.word().to_owned(),
            category: complaint.category.word().to_owned(),
            incident_id: complaint.incident.map(|id: IncidentId| id.as_bytes().to_vec()),
            stage: complaint.stage.word().to_owned(),
            about: complaint.about.as_ref().map(|about| about.as_str().into()).unwrap_or_default(),
            acknowledge_by: micros(due.acknowledgement.map(|limits| limits.alarm)),
            acknowledge_limit: micros(due.acknowledgement.map(|limits| limits.limit)),
            promised_acknowledgement_by: micros(due.promised_acknowledgement),
            promised_answer_by: micros(due.promised_answer),
            acknowledged_at: micros(complaint.acknowledged_at),
            answered_at: micros(complaint.answered.map(|(at, _)| at)),
            outcome: complaint.answered.map(|(_, outcome)| outcome.word().to_owned()),
            logged_at: logged_at.micros(),
            next_due_at: micros(complaint.next_due()),
            notes: rows::number(complaint.notes),
        }
    }

    fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.about = seal.seal(ABOUT, &self.id, &self.about)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.about = seal.open(ABOUT, &self.id, &self.about)?;
        Ok(self)
    }
}

/// Brings the table up to a change of one complaint. `since` is when its erased first entry was made, for rebuilding.
pub(super) fn project(rows: &mut Rows<'_>, change: &Change, since: Option<Moment>) -> Result<(), StoreError> {
    let Change::Complaint { before, events, .. } = change else { return Ok(()) };
    let Some(after) = events.iter().fold(before.clone(), domain::complaint::evolve) else { return Ok(()) };
    let began = events.iter().find_map(|event| match event {
        Event::Logged { at, .. } | Event::Anonymised { at, .. } => Some(*at),
        Event::Acknowledged { .. }
        | Event::Noted { .. }
        | Event::Answered { .. }
        | Event::BecameOverdue { .. }
        | Event::StepFired { .. }
        | Event::TakenInHand { .. }
        | Event::Ladder { .. } => None,
    });
    let logged_at = since.or(began).unwrap_or(Moment::EPOCH);
    let row = ComplaintRow::of(&after, logged_at).sealed(rows.seal)?;
    if before.is_some() {
        diesel::update(complaints::table.find(&row.id)).set(&row).execute(rows.db)?;
    } else {
        diesel::insert_into(complaints::table).values(&row).execute(rows.db)?;
    }
    Ok(())
}
