//! What signing messages again needs to know (protocol §9). The octets themselves are replaced like they were first kept,
//! under the lane's lease ([`super::keep_sealed`]): the payload and the number stay, and an entry of its own is added.

use diesel::prelude::*;
use domain::values::{MessageId, Moment};

use crate::store::schema::outbox;
use crate::store::{Rows, StoreError, ledger};

/// The octets of a message as last sealed; `None` for one that is not known, was never sealed, or was erased.
///
/// # Errors
/// [`StoreError::Corrupt`] when they do not open; those of the database.
pub fn sealed_octets(rows: &mut Rows<'_>, message: MessageId) -> Result<Option<Vec<u8>>, StoreError> {
    let entry: Option<Option<i64>> =
        outbox::table.find(message.as_bytes().as_slice()).select(outbox::set_entry).first(rows.db).optional()?;
    let Some(entry) = entry.flatten() else { return Ok(None) };
    ledger::object(rows, u64::try_from(entry).map_err(StoreError::corrupt("outbox", "an entry"))?)
}

/// Whether a message that was first sealed up to this instant of duty time is still without a receipt.
///
/// # Errors
/// Those of the database.
pub fn sealed_up_to(rows: &mut Rows<'_>, at: Moment) -> Result<bool, StoreError> {
    let open = outbox::table.filter(outbox::open).filter(outbox::first_attempt_at.le(at.micros()));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(rows.db)?)
}
