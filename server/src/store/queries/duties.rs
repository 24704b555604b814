//! Duties for which the law names no time, as pages show them: the longest owed first, those of one incident together.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use domain::clock::Anchor;
use domain::undated::UndatedDuty;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;

use super::clocks::{Filter, Subject, subject};
use super::{Page, count, exchange_id, incident_id, moment, moment_or_none, one_more, partner_id, partners};
use crate::store::schema::duties;
use crate::store::{Rows, StoreError, projections};

/// Groups counted beyond those shown.
const GROUPS_MAX: i64 = 500;
const TABLE: &str = "duties";

/// Open duties of one kind of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Which duty.
    pub duty: UndatedDuty,
    /// The incident.
    pub subject: Option<Subject>,
    /// The exchange, when it is towards one partner.
    pub exchange: Option<ExchangeId>,
    /// The partner, when it is one, with their name.
    pub partner: Option<(PartnerId, String)>,
    /// How many are open.
    pub open: u32,
    /// What started the longest owed.
    pub anchor: Anchor,
    /// Since when it is owed.
    pub since: Moment,
    /// What our own people aim at.
    pub target: Option<Moment>,
    /// A drill.
    pub exercise: bool,
}

/// Open duties, those with a target of our own first and by it, then the longest owed; at most `limit`, and how many more
/// there are.
///
/// # Errors
/// Those of the database.
pub fn open(rows: &mut Rows<'_>, filter: Filter, limit: usize) -> Result<(Vec<Owed>, u32), StoreError> {
    type Found = Vec<(Option<Vec<u8>>, String, Option<i64>, i64)>;
    let mut query = duties::table
        .filter(duties::open)
        .filter(duties::incident_id.is_not_null())
        .group_by((duties::incident_id, duties::duty))
        .select((duties::incident_id, duties::duty, min(duties::since_at), count_star()))
        .order(min(duties::since_at))
        .limit(GROUPS_MAX)
        .into_boxed();
    if let Some(kind) = filter.kind {
        let words = UndatedDuty::ALL.into_iter().filter(|duty| duty.target_kind() == kind).map(UndatedDuty::word);
        query = query.filter(duties::duty.eq_any(words.collect::<Vec<_>>()));
    }
    if let Some(partner) = filter.partner {
        query = query.filter(duties::partner_id.eq(partner.as_bytes().to_vec()));
    }
    if let Some(incident) = filter.incident {
        query = query.filter(duties::incident_id.eq(incident.as_bytes().to_vec()));
    }
    let mut found: Found = query.load(rows.db)?;
    let more = count(i64::try_from(found.len().saturating_sub(limit)).unwrap_or(i64::MAX));
    found.truncate(limit);
    let mut owed = Vec::with_capacity(found.len());
    for (incident, duty, since, open) in found {
        owed.extend(group(rows, incident.as_deref().unwrap_or_default(), &duty, since.unwrap_or(0), open)?);
    }
    owed.sort_by_key(|owed| (owed.target.is_none(), owed.target, owed.since));
    Ok((owed, more))
}

fn group(rows: &mut Rows<'_>, incident: &[u8], duty: &str, since: i64, open: i64) -> Result<Option<Owed>, StoreError> {
    type Face = (Option<Vec<u8>>, Option<Vec<u8>>, String, Option<i64>, bool);
    let face: Option<Face> = duties::table
        .filter(duties::incident_id.eq(incident))
        .filter(duties::duty.eq(duty))
        .filter(duties::open)
        .order((duties::since_at, duties::stream))
        .select((duties::exchange_id, duties::partner_id, duties::anchor, duties::target_at, duties::exercise))
        .first(rows.db)
        .optional()?;
    let Some((exchange, partner, anchor, target, exercise)) = face else { return Ok(None) };
    let single = open == 1;
    let partner = partner.as_deref().filter(|_| single).map(|id| partner_id(TABLE, id)).transpose()?;
    Ok(Some(Owed {
        duty: read_duty(duty)?,
        subject: subject(rows, incident_id(TABLE, incident)?)?,
        exchange: exchange.as_deref().filter(|_| single).map(|id| exchange_id(TABLE, id)).transpose()?,
        partner: partner.map(|id| Ok::<_, StoreError>((id, partners::name(rows, id)?))).transpose()?,
        open: count(open),
        anchor: read_anchor(&anchor)?,
        since: moment(TABLE, since)?,
        target: moment_or_none(TABLE, target)?,
        exercise,
    }))
}

/// One duty, open or ended, as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Names it together with `duty`: the incident or the exchange.
    pub stream: Uuid,
    /// Which duty.
    pub duty: UndatedDuty,
    /// The incident of ours.
    pub incident: Option<IncidentId>,
    /// The exchange.
    pub exchange: Option<ExchangeId>,
    /// The partner.
    pub partner: Option<PartnerId>,
    /// What started it.
    pub anchor: Anchor,
    /// Since when it is owed.
    pub since: Moment,
    /// What our own people aim at.
    pub target: Option<Moment>,
    /// The word of its state.
    pub state: String,
    /// The instant of the evidence, or of the decision.
    pub ended_at: Option<Moment>,
    /// The word of what shows that it was done.
    pub evidence: Option<String>,
    /// Why it was not required.
    pub reason: Option<String>,
    /// A drill.
    pub exercise: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = duties)]
struct SingleRow {
    stream: Vec<u8>,
    duty: String,
    incident_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    partner_id: Option<Vec<u8>>,
    anchor: String,
    since_at: i64,
    target_at: Option<i64>,
    state: String,
    ended_at: Option<i64>,
    evidence: Option<String>,
    reason: Option<Vec<u8>>,
    exercise: bool,
}

impl SingleRow {
    fn view(self, rows: &Rows<'_>) -> Result<Single, StoreError> {
        let stream = Uuid::from_slice(&self.stream).map_err(StoreError::corrupt(TABLE, "a stream"))?;
        let reason = self.reason.map(|sealed| projections::open_duty_reason(rows.seal, stream, &sealed)).transpose()?;
        Ok(Single {
            stream,
            duty: read_duty(&self.duty)?,
            incident: self.incident_id.map(|id| incident_id(TABLE, &id)).transpose()?,
            exchange: self.exchange_id.map(|id| exchange_id(TABLE, &id)).transpose()?,
            partner: self.partner_id.map(|id| partner_id(TABLE, &id)).transpose()?,
            anchor: read_anchor(&self.anchor)?,
            since: moment(TABLE, self.since_at)?,
            target: moment_or_none(TABLE, self.target_at)?,
            state: self.state,
            ended_at: moment_or_none(TABLE, self.ended_at)?,
            evidence: self.evidence,
            reason,
            exercise: self.exercise,
        })
    }
}

/// The duties of one stream: an incident's own, or the one towards a partner.
///
/// # Errors
/// Those of the database.
pub fn of_stream(rows: &mut Rows<'_>, stream: Uuid) -> Result<Vec<Single>, StoreError> {
    let found: Vec<SingleRow> = duties::table
        .filter(duties::stream.eq(stream.as_bytes().as_slice()))
        .order(duties::duty)
        .select(SingleRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.view(rows)).collect()
}

/// Every duty without a time in law, the oldest stream first.
///
/// # Errors
/// Those of the database.
pub fn every(
    rows: &mut Rows<'_>,
    after: Option<(Uuid, UndatedDuty)>,
    limit: usize,
) -> Result<Page<Single, (Uuid, UndatedDuty)>, StoreError> {
    let mut query = duties::table
        .order((duties::stream, duties::duty))
        .limit(one_more(limit))
        .select(SingleRow::as_select())
        .into_boxed();
    if let Some((stream, duty)) = after {
        let stream = stream.as_bytes().to_vec();
        query = query
            .filter(duties::stream.ge(stream.clone()))
            .filter(duties::stream.gt(stream).or(duties::duty.gt(duty.word())));
    }
    let found: Vec<SingleRow> = query.load(rows.db)?;
    let items = found.into_iter().map(|row| row.view(rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |owed| (owed.stream, owed.duty)))
}

fn read_duty(word: &str) -> Result<UndatedDuty, StoreError> {
    UndatedDuty::from_word(word).ok_or(StoreError::Corrupt { table: TABLE, what: "a duty" })
}

fn read_anchor(word: &str) -> Result<Anchor, StoreError> {
    let found = Anchor::ALL.into_iter().find(|anchor| anchor.word() == word);
    found.ok_or(StoreError::Corrupt { table: TABLE, what: "an anchor" })
}
