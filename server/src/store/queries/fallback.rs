//! Whom to ring about a duty that machines did not end: partners still outstanding on one ladder, each with the next
//! contact of their arrangement.

use diesel::prelude::*;
use domain::arrangement::{FallbackCall, FallbackContact, fallback_call};
use domain::clock::ClockKind;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};

use super::{exchange_id, partner_id, partners};
use crate::store::schema::clocks;
use crate::store::{Rows, StoreError};

/// Partners named with their contact at one step; more are counted.
pub const RINGS_MAX: i64 = 5;

/// A partner to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Which.
    pub partner: PartnerId,
    /// Their name.
    pub name: String,
    /// Where the call is recorded.
    pub exchange: ExchangeId,
    /// Whom to ring now; `None` when no arrangement has a telephone number.
    pub call: Option<FallbackCall>,
    /// Everybody whom their arrangements name, in order.
    pub contacts: Vec<FallbackContact>,
}

/// The first partners outstanding on a ladder, at most `limit`, each with the contact whose turn it is when so many steps
/// have fired.
///
/// # Errors
/// [`StoreError::Corrupt`] when something does not open; those of the database.
pub fn outstanding(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    kind: ClockKind,
    group_due: Moment,
    fired: u32,
    limit: i64,
) -> Result<Vec<Ring>, StoreError> {
    match kind {
        ClockKind::PartnerNotice | ClockKind::PartnerAcknowledgement => {}
        // Nobody is rung about a duty of our own.
        ClockKind::IcoReport
        | ClockKind::Assistance
        | ClockKind::PeopleTold
        | ClockKind::FollowUp
        | ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => return Ok(Vec::new()),
    }
    let found: Vec<(Vec<u8>, Vec<u8>)> = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(clocks::kind.eq(kind.word()))
        .filter(clocks::group_due_at.eq(group_due.micros()))
        .filter(clocks::partner_id.is_not_null())
        .filter(clocks::exchange_id.is_not_null())
        .order(clocks::partner_id)
        .limit(limit)
        .select((clocks::partner_id.assume_not_null(), clocks::exchange_id.assume_not_null()))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(partner, exchange)| {
            let partner = partner_id("clocks", &partner)?;
            let contacts = partners::contacts(rows, partner)?;
            Ok(Ring {
                partner,
                name: partners::name(rows, partner)?,
                exchange: exchange_id("clocks", &exchange)?,
                call: fallback_call(&contacts, fired),
                contacts,
            })
        })
        .collect()
}
