//! What a person has to look at.

use diesel::prelude::*;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;

use super::{exchange_id, incident_id, moment, partner_id, partners};
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

/// Open alerts, the newest first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn open(rows: &mut Rows<'_>, limit: i64) -> Result<Vec<Open>, StoreError> {
    type Found = (Vec<u8>, String, i64, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
    let found: Vec<Found> = alerts::table
        .filter(alerts::cleared_at.is_null())
        .order((alerts::at.desc(), alerts::id.desc()))
        .limit(limit)
        .select((alerts::id, alerts::kind, alerts::at, alerts::partner_id, alerts::exchange_id, alerts::incident_id))
        .load(rows.db)?;
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
