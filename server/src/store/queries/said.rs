//! Messages about a case, ours and theirs, as pages and the API read them.
//!
//! The table is a projection of events, sealed; how our messages are carried is the outbox's to say, and when an answer is
//! due is the clock's.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use diesel::prelude::*;
use domain::clock::Anchor;
use domain::exchange::{Direction, Exchange, Said};
use domain::values::{ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use super::{clocks, partners};
use crate::store::schema::{clocks as clock_rows, exchanges, outbox, said};
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "said";

/// A message in its thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it says, and who says it.
    pub said: Said,
    /// It is ours.
    pub sent: bool,
    /// When it came into our record.
    pub at: Moment,
    /// When a person here read it; of theirs.
    pub read_at: Option<Moment>,
    /// Until the answer, when it asks for one by an instant.
    pub clock: Option<clocks::Single>,
    /// The word of how its carrying stands; of ours.
    pub carried: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = said)]
struct Row {
    message: Vec<u8>,
    sent: bool,
    content: Vec<u8>,
    at: i64,
    read_at: Option<i64>,
}

/// The newest messages of an exchange, at most `limit`, in the order of its record.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn thread(rows: &mut Rows<'_>, exchange: &Exchange, limit: usize) -> Result<Vec<Message>, StoreError> {
    let skipped = exchange.said.len().saturating_sub(limit);
    let ids: Vec<MessageId> = exchange.said.iter().skip(skipped).map(|mark| mark.message).collect();
    let octets = || ids.iter().map(|id| id.as_bytes().as_slice()).collect::<Vec<_>>();
    let found: Vec<Row> = said::table.filter(said::message.eq_any(octets())).select(Row::as_select()).load(rows.db)?;
    let mut found: HashMap<Vec<u8>, Row> = found.into_iter().map(|row| (row.message.clone(), row)).collect();
    let mut clocks: HashMap<MessageId, clocks::Single> =
        clocks::of_requests(rows, &ids)?.into_iter().map(|clock| (MessageId::from_uuid(clock.stream), clock)).collect();
    let mut carried: HashMap<Vec<u8>, String> = outbox::table
        .filter(outbox::id.eq_any(octets()))
        .select((outbox::id, outbox::state))
        .load::<(Vec<u8>, String)>(rows.db)?
        .into_iter()
        .collect();
    let messages = ids.iter().filter_map(|id| Some((*id, found.remove(id.as_bytes().as_slice())?))).map(|(id, row)| {
        Ok(Message {
            said: projections::open_said(rows.seal, id, &row.content)?,
            sent: row.sent,
            at: moment(row.at)?,
            read_at: row.read_at.map(moment).transpose()?,
            clock: clocks.remove(&id),
            carried: carried.remove(&row.message),
        })
    });
    messages.collect()
}

/// What waits to be read, or for the partner's answer, in one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub exchange: ExchangeId,
    /// Who told whom.
    pub direction: Direction,
    /// With whom.
    pub partner: PartnerId,
    /// Their name.
    pub partner_name: String,
    /// The sender's reference.
    pub reference: String,
    /// Messages that nobody here has read.
    pub unread: u32,
    /// When the first answer that the partner owes us is due.
    pub owes_us: Option<Moment>,
}

/// Exchanges with messages that nobody here has read, at most `limit`; of one incident, or of all.
///
/// # Errors
/// Those of the database.
pub fn unread(rows: &mut Rows<'_>, incident: Option<IncidentId>, limit: u32) -> Result<Vec<Waiting>, StoreError> {
    let mut query = said::table
        .filter(said::read_at.is_null())
        .filter(diesel::dsl::not(said::sent))
        .order(said::at)
        .limit(i64::from(limit).saturating_mul(10))
        .select(said::exchange_id)
        .into_boxed();
    if let Some(incident) = incident {
        query = query.filter(said::incident_id.eq(incident.as_bytes().to_vec()));
    }
    let found: Vec<Vec<u8>> = query.load(rows.db)?;
    waiting(rows, found, limit)
}

/// Exchanges of an incident in which the partner owes us an answer, the first due first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn owed_to_us(rows: &mut Rows<'_>, incident: IncidentId, limit: u32) -> Result<Vec<Waiting>, StoreError> {
    let found: Vec<Option<Vec<u8>>> = clock_rows::table
        .inner_join(exchanges::table.on(clock_rows::exchange_id.eq(exchanges::id.nullable())))
        .filter(exchanges::incident_id.eq(incident.as_bytes().to_vec()))
        .filter(clock_rows::open)
        .filter(clock_rows::anchor.eq(Anchor::AskedByUs.word()))
        .order(clock_rows::due_at)
        .limit(i64::from(limit).saturating_mul(10))
        .select(clock_rows::exchange_id)
        .load(rows.db)?;
    waiting(rows, found.into_iter().flatten().collect(), limit)
}

fn waiting(rows: &mut Rows<'_>, found: Vec<Vec<u8>>, limit: u32) -> Result<Vec<Waiting>, StoreError> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut order: Vec<Vec<u8>> = Vec::new();
    for exchange in found {
        if order.len() < most && !order.contains(&exchange) {
            order.push(exchange);
        }
    }
    order.iter().map(|exchange| one(rows, exchange)).collect()
}

fn one(rows: &mut Rows<'_>, exchange: &[u8]) -> Result<Waiting, StoreError> {
    let (partner, direction, reference, unread): (Vec<u8>, String, String, i32) = exchanges::table
        .find(exchange)
        .select((exchanges::partner_id, exchanges::direction, exchanges::reference, exchanges::unread))
        .first(rows.db)?;
    let owes_us: Option<i64> = clock_rows::table
        .filter(clock_rows::exchange_id.eq(exchange))
        .filter(clock_rows::open)
        .filter(clock_rows::anchor.eq(Anchor::AskedByUs.word()))
        .select(diesel::dsl::min(clock_rows::due_at))
        .first(rows.db)?;
    let partner = PartnerId::from_slice(&partner).map_err(StoreError::corrupt("exchanges", "a partner"))?;
    Ok(Waiting {
        exchange: ExchangeId::from_slice(exchange).map_err(StoreError::corrupt(TABLE, "an exchange"))?,
        direction: if direction == Direction::Outgoing.word() { Direction::Outgoing } else { Direction::Incoming },
        partner,
        partner_name: partners::name(rows, partner)?,
        reference,
        unread: u32::try_from(unread).unwrap_or(0),
        owes_us: owes_us.map(moment).transpose()?,
    })
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt(TABLE, "an instant"))
}
