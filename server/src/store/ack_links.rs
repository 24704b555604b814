//! Links by which a person without an account reads a notice and acknowledges it (protocol §16). Of a link only the SHA-256
//! is kept; all instants are machine time.
//!
//! Every attempt to carry a message makes a link of its own, because an earlier one may have arrived all the same. They
//! are all of one use: whoever acknowledges through one has used the message's others too.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::exchange::Event;
use domain::values::{ExchangeId, MessageId, Moment, PartnerId};

use super::schema::{ack_links, ledger as entries};
use super::{Rows, StoreError, Turn, ledger};

/// How long a link is good, in seconds: 30 days (protocol §16).
pub const GOOD_SECONDS: i64 = 30 * 86_400;
/// Links of one message; beyond it the oldest go. As many as tries of every quarter of an hour make while a link is good,
/// since the first of them may be the one that arrived.
const LINKS_MAX: i64 = GOOD_SECONDS / 900;

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckLink {
    /// Which message of ours it was sent with.
    pub message: MessageId,
    /// Of which exchange.
    pub exchange: ExchangeId,
    /// To whom.
    pub partner: PartnerId,
    /// Until when it is good.
    pub expires_at: Moment,
    /// When the message was acknowledged, through this link or another.
    pub used_at: Option<Moment>,
}

/// Ends every unused link of a partner: the address that they went to was not theirs.
///
/// # Errors
/// Those of the database.
pub fn end_of(turn: &mut Turn<'_>, partner: PartnerId) -> Result<usize, StoreError> {
    let theirs = ack_links::table
        .filter(ack_links::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(ack_links::used_at.is_null());
    Ok(diesel::delete(theirs).execute(turn.rows().db)?)
}

/// Keeps a new link.
///
/// # Errors
/// Those of the database.
pub fn mint(
    turn: &mut Turn<'_>,
    message: MessageId,
    exchange: ExchangeId,
    partner: PartnerId,
    token_sha256: [u8; 32],
    elapsed: Moment,
) -> Result<(), StoreError> {
    let rows = turn.rows();
    let of_message = || ack_links::table.filter(ack_links::message.eq(message.as_bytes().to_vec()));
    let surplus: Vec<Vec<u8>> = of_message()
        .order((ack_links::made_at.desc(), ack_links::token_sha256))
        .offset(LINKS_MAX - 1)
        .limit(LINKS_MAX)
        .select(ack_links::token_sha256)
        .load(rows.db)?;
    if !surplus.is_empty() {
        diesel::delete(ack_links::table.filter(ack_links::token_sha256.eq_any(surplus))).execute(rows.db)?;
    }
    // A message that was acknowledged takes no second one, whatever link comes with it.
    let used_at: Option<i64> = of_message()
        .filter(ack_links::used_at.is_not_null())
        .select(ack_links::used_at)
        .first::<Option<i64>>(rows.db)
        .optional()?
        .flatten();
    diesel::insert_into(ack_links::table)
        .values((
            ack_links::token_sha256.eq(token_sha256.as_slice()),
            ack_links::message.eq(message.as_bytes().as_slice()),
            ack_links::exchange_id.eq(exchange.as_bytes().as_slice()),
            ack_links::partner_id.eq(partner.as_bytes().as_slice()),
            ack_links::made_at.eq(elapsed.micros()),
            ack_links::expires_at.eq(elapsed.plus_seconds(GOOD_SECONDS).micros()),
            ack_links::used_at.eq(used_at),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// A link that has not expired.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable row; those of the database.
pub fn find(rows: &mut Rows<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<Option<AckLink>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<i64>);
    let found: Option<Found> = ack_links::table
        .find(token_sha256.as_slice())
        .filter(ack_links::expires_at.gt(elapsed.micros()))
        .select((
            ack_links::message,
            ack_links::exchange_id,
            ack_links::partner_id,
            ack_links::expires_at,
            ack_links::used_at,
        ))
        .first(rows.db)
        .optional()?;
    let Some((message, exchange, partner, expires_at, used_at)) = found else { return Ok(None) };
    let corrupt = || StoreError::corrupt("ack_links", "an id");
    let moment = |micros| Moment::from_micros(micros).map_err(StoreError::corrupt("ack_links", "an instant"));
    Ok(Some(AckLink {
        message: MessageId::from_slice(&message).map_err(corrupt())?,
        exchange: ExchangeId::from_slice(&exchange).map_err(corrupt())?,
        partner: PartnerId::from_slice(&partner).map_err(corrupt())?,
        expires_at: moment(expires_at)?,
        used_at: used_at.map(moment).transpose()?,
    }))
}

/// Uses a link, and with it every link of the same message. Answers whether it could be used: at most one turn ever gets
/// `true` for a message.
///
/// # Errors
/// Those of the database.
pub fn use_up(turn: &mut Turn<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let open = ack_links::table
        .find(token_sha256.as_slice())
        .filter(ack_links::used_at.is_null())
        .filter(ack_links::expires_at.gt(elapsed.micros()));
    let message: Option<Vec<u8>> = open.select(ack_links::message).first(rows.db).optional()?;
    let Some(message) = message else { return Ok(false) };
    let unused = ack_links::table.filter(ack_links::message.eq(message)).filter(ack_links::used_at.is_null());
    Ok(diesel::update(unused).set(ack_links::used_at.eq(elapsed.micros())).execute(rows.db)? > 0)
}

/// Removes links that have expired, at most `limit`. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, elapsed: Moment, limit: usize) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let ended: Vec<Vec<u8>> = ack_links::table
        .filter(ack_links::expires_at.le(elapsed.micros()))
        .order(ack_links::expires_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ack_links::token_sha256)
        .load(rows.db)?;
    Ok(diesel::delete(ack_links::table.filter(ack_links::token_sha256.eq_any(ended))).execute(rows.db)?)
}

/// The events of an exchange that asked for something to be carried to the partner, in order; erased ones are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable one; those of the database.
pub fn queued(rows: &mut Rows<'_>, exchange: ExchangeId) -> Result<Vec<(MessageId, Event)>, StoreError> {
    let numbers: Vec<i64> = entries::table
        .filter(entries::stream.eq(exchange.as_bytes().as_slice()))
        .order(entries::n)
        .select(entries::n)
        .load(rows.db)?;
    let mut found = Vec::new();
    for n in numbers {
        let n = u64::try_from(n).map_err(StoreError::corrupt("ledger", "a number"))?;
        let Some(octets) = ledger::object(rows, n)? else { continue };
        let event: Event =
            serde_json::from_slice(&octets).map_err(StoreError::corrupt("ledger", "an event of another form"))?;
        if let Some(message) = carried_by(&event) {
            found.push((message, event));
        }
    }
    Ok(found)
}

/// `if let`s, not a match: whatever else is ever decided is not for the partner to read.
fn carried_by(event: &Event) -> Option<MessageId> {
    if let Event::NoticeQueued { notice, .. } | Event::WithdrawalQueued { notice, .. } = event {
        return Some(notice.message);
    }
    if let Event::MessageQueued { said, .. } = event {
        return Some(said.message);
    }
    if let Event::FiledQueued { message, .. } = event {
        return Some(*message);
    }
    None
}
