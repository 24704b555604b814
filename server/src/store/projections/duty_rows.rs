//! How duties for which the law names no time look in the tables: there is no column for when they are due, only for a
//! target of our own.

use diesel::prelude::*;
use domain::exchange::Exchange;
use domain::incident::Incident;
use domain::undated::{Undated, UndatedState};
use domain::values::Moment;
use uuid::Uuid;

use crate::store::schema::duties;
use crate::store::sealed::Seal;
use crate::store::{Rows, StoreError};

pub(super) const REASON: &str = "duties.reason";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = duties, treat_none_as_default_value = false)]
pub(in crate::store) struct DutyRow {
    pub stream: Vec<u8>,
    pub duty: String,
    pub incident_id: Option<Vec<u8>>,
    pub exchange_id: Option<Vec<u8>>,
    pub partner_id: Option<Vec<u8>>,
    pub anchor: String,
    pub since_at: i64,
    pub target_at: Option<i64>,
    pub state: String,
    pub open: bool,
    pub ended_at: Option<i64>,
    pub evidence: Option<String>,
    pub reason: Option<Vec<u8>>,
    pub exercise: bool,
}

impl DutyRow {
    fn of(owed: &Undated, stream: Uuid, exercise: bool) -> Self {
        let (ended_at, evidence, reason) = match &owed.state {
            UndatedState::Open => (None, None, None),
            UndatedState::Done { at, evidence } => (Some(*at), Some(evidence.word().to_owned()), None),
            UndatedState::NotRequired { at, reason } => (Some(*at), None, Some(reason.as_str().into())),
        };
        Self {
            stream: stream.as_bytes().to_vec(),
            duty: owed.duty.word().to_owned(),
            incident_id: None,
            exchange_id: None,
            partner_id: None,
            anchor: owed.anchor.word().to_owned(),
            since_at: owed.since.micros(),
            target_at: None,
            state: owed.state.word().to_owned(),
            open: owed.is_open(),
            ended_at: ended_at.map(Moment::micros),
            evidence,
            reason,
            exercise,
        }
    }

    /// Those of an incident itself.
    pub(super) fn of_incident(incident: &Incident) -> Vec<Self> {
        let row = |owed: &Undated| Self {
            incident_id: Some(incident.id.as_bytes().to_vec()),
            target_at: incident.duties.target(owed.duty.target_kind()).map(|clock| clock.due().micros()),
            ..Self::of(owed, incident.id.uuid(), incident.exercise)
        };
        incident.duties.undated.iter().map(row).collect()
    }

    /// The one towards a partner.
    pub(super) fn of_exchange(exchange: &Exchange) -> Vec<Self> {
        let row = |owed: &Undated| Self {
            incident_id: exchange.incident.map(|id| id.as_bytes().to_vec()),
            exchange_id: Some(exchange.id.as_bytes().to_vec()),
            partner_id: Some(exchange.partner.as_bytes().to_vec()),
            target_at: exchange.notice_clock.as_ref().map(|clock| clock.due().micros()),
            ..Self::of(owed, exchange.id.uuid(), exchange.exercise)
        };
        exchange.undated.iter().map(row).collect()
    }

    fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.reason = self.reason.map(|plain| seal.seal(REASON, &self.stream, &plain)).transpose()?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.reason = self.reason.map(|sealed| seal.open(REASON, &self.stream, &sealed)).transpose()?;
        Ok(self)
    }
}

/// Rows that differ now from what they were. A row never goes: the newest duty of a kind takes the place of the one before.
pub(super) fn changed(before: &[DutyRow], after: Vec<DutyRow>) -> impl Iterator<Item = DutyRow> {
    after.into_iter().filter(|row| !before.contains(row))
}

/// Writes changed rows, each in the place of the one before.
pub(super) fn write(rows: &mut Rows<'_>, changed: Vec<DutyRow>) -> Result<(), StoreError> {
    for row in changed {
        let row = row.sealed(rows.seal)?;
        diesel::delete(duties::table.find((&row.stream, &row.duty))).execute(rows.db)?;
        diesel::insert_into(duties::table).values(&row).execute(rows.db)?;
    }
    Ok(())
}
