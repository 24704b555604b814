//! Messages about a case that came before its notice. They were kept and signed for; when the notice comes, they find their
//! place.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::values::{ExchangeId, MessageId, PartnerId};

use super::number;
use crate::store::schema::inbox;
use crate::store::{Rows, StoreError, Turn};

/// Messages looked through for one notice, the newest: a partner can't make one cost more.
const LOOKED_THROUGH_MAX: i64 = 100;

/// Events that wait for a notice. The words stand here as in the index that holds such messages alone: neither database
/// would use it for words that are bound.
fn waits() -> SqlLiteral<Bool> {
    sql::<Bool>("inbox.event IN ('message', 'filed')")
}

/// Messages of a partner that belong to no exchange, with their octets, in the order of their numbers; also those of this
/// very batch. Erased ones are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn of(turn: &mut Turn<'_>, partner: PartnerId) -> Result<Vec<(MessageId, Vec<u8>)>, StoreError> {
    let found: Vec<(Vec<u8>, i64)> = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::exchange_id.is_null())
        .filter(waits())
        .order((inbox::received_at.desc(), inbox::seq.desc()))
        .limit(LOOKED_THROUGH_MAX)
        .select((inbox::message, inbox::set_entry))
        .load(turn.rows().db)?;
    let mut waiting = Vec::with_capacity(found.len());
    for (message, entry) in found.into_iter().rev() {
        let message = MessageId::from_slice(&message).map_err(StoreError::corrupt("inbox", "an id"))?;
        waiting.extend(turn.object(number(entry)?)?.map(|octets| (message, octets)));
    }
    Ok(waiting)
}

/// A message has found the exchange that it belongs to.
///
/// # Errors
/// Those of the database.
pub fn place(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    message: MessageId,
    exchange: ExchangeId,
) -> Result<(), StoreError> {
    diesel::update(inbox::table.find((partner.as_bytes().as_slice(), message.as_bytes().as_slice())))
        .set(inbox::exchange_id.eq(exchange.as_bytes().as_slice()))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Those of these partners of whom a message waits for its notice.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn writers(rows: &mut Rows<'_>, partners: &[PartnerId]) -> Result<Vec<PartnerId>, StoreError> {
    let ids: Vec<&[u8]> = partners.iter().map(|partner| partner.as_bytes().as_slice()).collect();
    let found: Vec<Vec<u8>> = inbox::table
        .filter(inbox::partner_id.eq_any(ids))
        .filter(inbox::exchange_id.is_null())
        .filter(waits())
        .select(inbox::partner_id)
        .distinct()
        .load(rows.db)?;
    found.iter().map(|id| PartnerId::from_slice(id).map_err(StoreError::corrupt("inbox", "a partner"))).collect()
}
