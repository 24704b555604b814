//! What a person has to look at.

use diesel::prelude::*;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;

use super::{Page, count, exchange_id, incident_id, moment, one_more, partner_id, partners};
use crate::store::alerts::AlertKind;
use crate::store::schema::alerts;
use crate::store::{Rows, StoreError};

const TABLE: &str = "alerts";

/// An open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Which.
    pub id: Uuid,
    /// Whether a person's look ends it.
    pub may_be_seen_to: bool,
    /// What is wrong, in words.
    pub words: &'static str,
    /// About our own keys: their page says more.
    pub own_keys: bool,
    /// A message that nobody here has read.
    pub message_unread: bool,
    /// About an exercise that is due.
    pub exercise_due: bool,
    /// When it was raised.
    pub at: Moment,
    /// The partner that it is about, with their name.
    pub partner: Option<(PartnerId, String)>,
    /// The exchange.
    pub exchange: Option<ExchangeId>,
    /// The incident.
    pub incident: Option<IncidentId>,
}

/// Whether an alert is open.
///
/// # Errors
/// Those of the database.
pub fn is_open(rows: &mut Rows<'_>, id: Uuid) -> Result<bool, StoreError> {
    let this = alerts::table.find(id.as_bytes().as_slice()).filter(alerts::cleared_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(this)).get_result(rows.db)?)
}

/// How many alerts are open.
///
/// # Errors
/// Those of the database.
pub fn how_many(rows: &mut Rows<'_>) -> Result<u32, StoreError> {
    let many: i64 = alerts::table.filter(alerts::cleared_at.is_null()).count().get_result(rows.db)?;
    Ok(count(many))
}

/// Open alerts, the newest first; `before` is the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn page(
    rows: &mut Rows<'_>,
    before: Option<(Moment, Uuid)>,
    limit: usize,
) -> Result<Page<Open, (Moment, Uuid)>, StoreError> {
    let items = load(rows, before, one_more(limit))?;
    Ok(Page::of(items, limit, |alert| (alert.at, alert.id)))
}

/// Open alerts, the newest first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn open(rows: &mut Rows<'_>, limit: i64) -> Result<Vec<Open>, StoreError> {
    load(rows, None, limit)
}

fn load(rows: &mut Rows<'_>, before: Option<(Moment, Uuid)>, limit: i64) -> Result<Vec<Open>, StoreError> {
    type Found = (Vec<u8>, String, i64, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
    let mut query = alerts::table
        .filter(alerts::cleared_at.is_null())
        .order((alerts::at.desc(), alerts::id.desc()))
        .limit(limit)
        .select((alerts::id, alerts::kind, alerts::at, alerts::partner_id, alerts::exchange_id, alerts::incident_id))
        .into_boxed();
    if let Some((at, id)) = before {
        let id = id.as_bytes().to_vec();
        let older = alerts::at.lt(at.micros());
        query = query.filter(older.or(alerts::at.eq(at.micros()).and(alerts::id.lt(id))));
    }
    let found: Vec<Found> = query.load(rows.db)?;
    let mut open = Vec::with_capacity(found.len());
    for (id, kind, at, partner, exchange, incident) in found {
        let partner = partner.map(|id| partner_id(TABLE, &id)).transpose()?;
        let kind = AlertKind::from_word(&kind).ok_or(StoreError::Corrupt { table: TABLE, what: "a kind of alert" })?;
        open.push(Open {
            id: Uuid::from_slice(&id).map_err(StoreError::corrupt(TABLE, "an id"))?,
            may_be_seen_to: kind.is_seen_to(),
            words: kind.label(),
            message_unread: kind == AlertKind::MessageUnread,
            exercise_due: kind == AlertKind::ExerciseDue,
            own_keys: matches!(kind, AlertKind::KeysExpiring | AlertKind::KeysExpired),
            at: moment(TABLE, at)?,
            partner: partner.map(|id| Ok::<_, StoreError>((id, partners::name(rows, id)?))).transpose()?,
            exchange: exchange.map(|id| exchange_id(TABLE, &id)).transpose()?,
            incident: incident.map(|id| incident_id(TABLE, &id)).transpose()?,
        });
    }
    Ok(open)
}
