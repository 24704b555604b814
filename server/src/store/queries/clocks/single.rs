//! Clocks one by one, open or ended, as the API lists them.

use diesel::prelude::*;
use domain::clock::{Anchor, ClockKind};
use domain::values::{ComplaintId, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::super::{Page, exchange_id, incident_id, moment, moment_or_none, number, one_more, partner_id};
use super::{TABLE, anchor, clock_kind};
use crate::store::schema::clocks;
use crate::store::{Rows, StoreError, projections};

/// One clock, open or ended, as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Names it together with `kind`: the stream that it belongs to.
    pub stream: Uuid,
    /// Which duty.
    pub kind: ClockKind,
    /// The incident of ours.
    pub incident: Option<IncidentId>,
    /// The exchange.
    pub exchange: Option<ExchangeId>,
    /// The complaint.
    pub complaint: Option<ComplaintId>,
    /// The partner.
    pub partner: Option<PartnerId>,
    /// What started it.
    pub anchor: Anchor,
    /// When.
    pub anchored_at: Moment,
    /// How long it runs.
    pub hours: u32,
    /// When it is due.
    pub due: Moment,
    /// The statute's limit.
    pub legal_limit: Option<Moment>,
    /// The word of its state as recorded; passing time may have made it overdue since.
    pub state: String,
    /// Still to be done.
    pub open: bool,
    /// The instant of the evidence, or of the decision.
    pub ended_at: Option<Moment>,
    /// The word of what met it.
    pub evidence: Option<String>,
    /// Met in time, but proved only after it had been recorded as overdue.
    pub proved_late: bool,
    /// Why it was not required.
    pub reason: Option<String>,
    /// A drill.
    pub exercise: bool,
    /// Nobody but our own people set it.
    pub own_target: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clocks)]
struct SingleRow {
    stream: Vec<u8>,
    kind: String,
    incident_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    partner_id: Option<Vec<u8>>,
    anchor: String,
    anchored_at: i64,
    hours: i32,
    due_at: i64,
    legal_limit_at: Option<i64>,
    state: String,
    open: bool,
    ended_at: Option<i64>,
    evidence: Option<String>,
    proved_late: bool,
    reason: Option<Vec<u8>>,
    exercise: bool,
    own_target: bool,
}

impl SingleRow {
    fn view(self, rows: &Rows<'_>) -> Result<Single, StoreError> {
        let stream = Uuid::from_slice(&self.stream).map_err(StoreError::corrupt(TABLE, "a stream"))?;
        let reason = self.reason.map(|sealed| projections::open_reason(rows.seal, stream, &sealed)).transpose()?;
        let kind = clock_kind(&self.kind)?;
        Ok(Single {
            stream,
            kind,
            complaint: kind.is_of_complaint().then(|| ComplaintId::from_uuid(stream)),
            incident: self.incident_id.map(|id| incident_id(TABLE, &id)).transpose()?,
            exchange: self.exchange_id.map(|id| exchange_id(TABLE, &id)).transpose()?,
            partner: self.partner_id.map(|id| partner_id(TABLE, &id)).transpose()?,
            anchor: anchor(&self.anchor)?,
            anchored_at: moment(TABLE, self.anchored_at)?,
            hours: number(self.hours),
            due: moment(TABLE, self.due_at)?,
            legal_limit: moment_or_none(TABLE, self.legal_limit_at)?,
            state: self.state,
            open: self.open,
            ended_at: moment_or_none(TABLE, self.ended_at)?,
            evidence: self.evidence,
            proved_late: self.proved_late,
            reason,
            exercise: self.exercise,
            own_target: self.own_target,
        })
    }
}

/// Every clock, the oldest stream first.
///
/// # Errors
/// Those of the database.
pub fn every(
    rows: &mut Rows<'_>,
    after: Option<(Uuid, ClockKind)>,
    limit: usize,
) -> Result<Page<Single, (Uuid, ClockKind)>, StoreError> {
    let mut query = clocks::table
        .order((clocks::stream, clocks::kind))
        .limit(one_more(limit))
        .select(SingleRow::as_select())
        .into_boxed();
    if let Some((stream, kind)) = after {
        let stream = stream.as_bytes().to_vec();
        query = query
            .filter(clocks::stream.ge(stream.clone()))
            .filter(clocks::stream.gt(stream).or(clocks::kind.gt(kind.word())));
    }
    let found: Vec<SingleRow> = query.load(rows.db)?;
    let items = found.into_iter().map(|row| row.view(rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |clock| (clock.stream, clock.kind)))
}

/// The clocks of one stream: an incident's own, or an exchange's.
///
/// # Errors
/// Those of the database.
pub fn of_stream(rows: &mut Rows<'_>, stream: Uuid) -> Result<Vec<Single>, StoreError> {
    let found: Vec<SingleRow> = clocks::table
        .filter(clocks::stream.eq(stream.as_bytes().as_slice()))
        .order(clocks::kind)
        .select(SingleRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.view(rows)).collect()
}

/// The clocks of requests, by the messages that ask.
///
/// # Errors
/// Those of the database.
pub fn of_requests(rows: &mut Rows<'_>, requests: &[MessageId]) -> Result<Vec<Single>, StoreError> {
    let streams: Vec<&[u8]> = requests.iter().map(|id| id.as_bytes().as_slice()).collect();
    let found: Vec<SingleRow> = clocks::table
        .filter(clocks::stream.eq_any(streams))
        .filter(clocks::kind.eq(ClockKind::Assistance.word()))
        .select(SingleRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.view(rows)).collect()
}
