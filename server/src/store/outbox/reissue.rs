//! What a person does about messages that don't get through: have them tried now, or have a refused one said again.
//!
//! Trying now only ends waits. Failures stay counted, so that a thousand partners tried at once are still tried a few at a
//! time while they fail; but for those of a lane with an attempt under way, which then starts anew, should that fail too.

use diesel::prelude::*;
use domain::values::{ExchangeId, MessageId, PartnerId};

use super::BODY;
use crate::store::schema::{endpoints, lanes, outbox};
use crate::store::{Rows, StoreError, Turn};

/// A parked message, with what queued it.
#[derive(Debug, Clone)]
pub struct Parked {
    /// To whom.
    pub partner: PartnerId,
    /// Of which exchange.
    pub exchange: ExchangeId,
    /// JSON of the exchange's event that queued it.
    pub body: Vec<u8>,
}

/// A parked message of an exchange; `None` when there is no such message, or it is not parked.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn parked(rows: &mut Rows<'_>, message: MessageId) -> Result<Option<Parked>, StoreError> {
    type Found = (Vec<u8>, Option<Vec<u8>>, Vec<u8>);
    let found: Option<Found> = outbox::table
        .find(message.as_bytes().as_slice())
        .filter(outbox::open)
        .filter(outbox::state.eq("parked"))
        .select((outbox::partner_id, outbox::exchange_id, outbox::body))
        .first(rows.db)
        .optional()?;
    let Some((partner, Some(exchange), body)) = found else { return Ok(None) };
    Ok(Some(Parked {
        partner: PartnerId::from_slice(&partner).map_err(StoreError::corrupt("outbox", "a partner"))?,
        exchange: ExchangeId::from_slice(&exchange).map_err(StoreError::corrupt("outbox", "an exchange"))?,
        body: rows.seal.open(BODY, message.as_bytes(), &body)?,
    }))
}

/// Notes on a queued message which one it says again.
///
/// # Errors
/// Those of the database.
pub fn says_again(turn: &mut Turn<'_>, message: MessageId, old: MessageId) -> Result<(), StoreError> {
    diesel::update(outbox::table.find(message.as_bytes().as_slice()))
        .set(outbox::reissue_of.eq(old.as_bytes().as_slice()))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Ends every wait of what is being carried to these partners, over every channel. Parked messages stay parked.
///
/// # Errors
/// Those of the database.
pub fn try_now(turn: &mut Turn<'_>, partners: &[PartnerId]) -> Result<(), StoreError> {
    let rows = turn.rows();
    let whom: Vec<&[u8]> = partners.iter().map(|id| id.as_bytes().as_slice()).collect();
    let waiting = outbox::table
        .filter(outbox::partner_id.eq_any(&whom))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .filter(outbox::next_attempt_at.is_not_null());
    diesel::update(waiting).set(outbox::next_attempt_at.eq(None::<i64>)).execute(rows.db)?;
    diesel::update(lanes::table.filter(lanes::partner_id.eq_any(&whom)))
        .set((lanes::waits_until.eq(None::<i64>), lanes::due_at.eq(0)))
        .execute(rows.db)?;
    // The attempt's end finds another lane than was claimed, and knows by that. It still counts as failing.
    let under_way = lanes::table.filter(lanes::partner_id.eq_any(&whom)).filter(lanes::lease.is_not_null());
    diesel::update(under_way.filter(lanes::fail_count.gt(1))).set(lanes::fail_count.eq(1)).execute(rows.db)?;
    diesel::update(endpoints::table.filter(endpoints::partner_id.eq_any(&whom)))
        .set(endpoints::waits_until.eq(None::<i64>))
        .execute(rows.db)?;
    Ok(())
}
