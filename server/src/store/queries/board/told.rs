//! What one partner was told: what they hold beside what we say now, and the delivery log of each message.

use diesel::prelude::*;
use domain::facts::Facts;
use domain::values::{ExchangeId, IncidentId, MessageId};

use super::{Listed, one};
use crate::store::queries::{incidents, message_id, number};
use crate::store::schema::outbox;
use crate::store::{Rows, StoreError};

/// What we say now beside what a partner holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// The partner, as on the board.
    pub listed: Listed,
    /// The incident.
    pub incident: IncidentId,
    /// Its reference.
    pub reference: String,
    /// A drill.
    pub exercise: bool,
    /// The version of the facts that stands, and what it says; `None` when it was erased.
    pub now: (u32, Option<Facts>),
    /// The version that they hold, and what it says; `None` when they hold none.
    pub held: Option<(u32, Option<Facts>)>,
}

/// What we say now beside what a partner holds: signed for or acknowledged, else what their server took.
///
/// # Errors
/// [`StoreError::Corrupt`] when something can't be read; those of the database.
pub fn differences(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<Differences>, StoreError> {
    let Some(listed) = one(rows, id)? else { return Ok(None) };
    let Some(state) = incidents::exchange_state(rows, id)? else { return Ok(None) };
    let Some(incident) = state.incident else { return Ok(None) };
    let Some(about) = incidents::one(rows, incident)? else { return Ok(None) };
    let holds = if listed.holds > 0 { listed.holds } else { listed.taken };
    // A withdrawal holds no facts: what they were told before it is what they have.
    let told = state.notices.iter().filter(|notice| notice.revision <= holds && notice.facts_version > 0);
    let mut facts = |version: u32| -> Result<Option<Facts>, StoreError> {
        Ok(incidents::facts_version(rows, incident, version)?.map(|(facts, _)| facts))
    };
    let held = match told.map(|notice| notice.facts_version).max() {
        Some(version) => Some((version, facts(version)?)),
        None => None,
    };
    let now = (about.facts_version, facts(about.facts_version)?);
    Ok(Some(Differences { listed, incident, reference: about.reference, exercise: about.exercise, now, held }))
}

/// A message of an exchange, as its delivery log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub message: MessageId,
    /// What it is: `notified`, `updated` …
    pub kind: String,
    /// The revision that it carries.
    pub revision: u32,
    /// The word of its channel.
    pub channel: String,
    /// Attempts made, also those that are no longer listed one by one.
    pub attempts: u32,
    /// The message that it says again.
    pub reissue_of: Option<MessageId>,
}

/// A message of this exchange, for its delivery log.
///
/// # Errors
/// Those of the database.
pub fn logged(rows: &mut Rows<'_>, exchange: ExchangeId, message: MessageId) -> Result<Option<Logged>, StoreError> {
    type Found = (String, i32, String, i32, Option<Vec<u8>>);
    let found: Option<Found> = outbox::table
        .find(message.as_bytes().as_slice())
        .filter(outbox::exchange_id.eq(exchange.as_bytes().as_slice()))
        .select((outbox::kind, outbox::revision, outbox::channel, outbox::attempts, outbox::reissue_of))
        .first(rows.db)
        .optional()?;
    let Some((kind, revision, channel, attempts, reissue_of)) = found else { return Ok(None) };
    Ok(Some(Logged {
        message,
        kind,
        revision: number(revision),
        channel,
        attempts: number(attempts),
        reissue_of: reissue_of.map(|id| message_id("outbox", &id)).transpose()?,
    }))
}
