//! Receipts that their senders do not hold yet: of messages that were fetched by polling, the receipt is pushed afterwards
//! (protocol §12), and owed until that worked.

use diesel::prelude::*;
use domain::values::{MessageId, PartnerId};

use super::number;
use crate::store::schema::{inbox, partners};
use crate::store::{Rows, StoreError, Turn, ledger};

/// Partners looked at in one round.
const PARTNERS_MAX: i64 = 1_000;

/// The receipt of a message that is held is owed to its sender.
///
/// # Errors
/// Those of the database.
pub fn owe(turn: &mut Turn<'_>, partner: PartnerId, message: MessageId) -> Result<(), StoreError> {
    set(turn, partner, message, true)
}

/// The sender holds the receipt, or will ask for it again.
///
/// # Errors
/// Those of the database.
pub fn paid(turn: &mut Turn<'_>, partner: PartnerId, message: MessageId) -> Result<(), StoreError> {
    set(turn, partner, message, false)
}

fn set(turn: &mut Turn<'_>, partner: PartnerId, message: MessageId, owed: bool) -> Result<(), StoreError> {
    diesel::update(inbox::table.find((partner.as_bytes().as_slice(), message.as_bytes().as_slice())))
        .set(inbox::receipt_owed.eq(owed))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Partners that a receipt is owed to and that may be sent one.
///
/// # Errors
/// Those of the database.
pub fn creditors(rows: &mut Rows<'_>) -> Result<Vec<PartnerId>, StoreError> {
    let found: Vec<Vec<u8>> = partners::table
        .filter(partners::state.eq_any(["verified", "active"]))
        .filter(partners::push_url.is_not_null())
        .filter(diesel::dsl::exists(
            inbox::table.filter(inbox::partner_id.eq(partners::id)).filter(inbox::receipt_owed),
        ))
        .order(partners::id)
        .limit(PARTNERS_MAX)
        .select(partners::id)
        .load(rows.db)?;
    found.iter().map(|id| PartnerId::from_slice(id).map_err(StoreError::corrupt("inbox", "a partner"))).collect()
}

/// Receipts owed to a partner, at most `limit`, the oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn to(rows: &mut Rows<'_>, partner: PartnerId, limit: u32) -> Result<Vec<(MessageId, String)>, StoreError> {
    let found: Vec<(Vec<u8>, i64)> = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::receipt_owed)
        .order((inbox::received_at, inbox::message))
        .limit(i64::from(limit))
        .select((inbox::message, inbox::receipt_entry))
        .load(rows.db)?;
    let mut owed = Vec::with_capacity(found.len());
    for (message, entry) in found {
        let receipt = ledger::object(rows, number(entry)?)?;
        let receipt = receipt.ok_or(StoreError::Corrupt { table: "inbox", what: "a receipt that is gone" })?;
        owed.push((
            MessageId::from_slice(&message).map_err(StoreError::corrupt("inbox", "an id"))?,
            String::from_utf8(receipt).map_err(StoreError::corrupt("inbox", "a receipt that is no token"))?,
        ));
    }
    Ok(owed)
}
