//! How clocks stand, in few words: of an incident, and whether our own report is still to be made.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::exchange::Exchange;
use domain::values::{IncidentId, Moment};

use super::super::{count, moment_or_none};
use super::{TABLE, clock_kind};
use crate::store::schema::clocks;
use crate::store::{Rows, StoreError};

/// How the clocks of an incident stand: (kind, state, how many).
///
/// # Errors
/// Those of the database.
pub fn tally(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Vec<(ClockKind, String, u32)>, StoreError> {
    let found: Vec<(String, String, i64)> = clocks::table
        .filter(clocks::incident_id.eq(incident.as_bytes().as_slice()))
        .group_by((clocks::kind, clocks::state))
        .select((clocks::kind, clocks::state, count_star()))
        .load(rows.db)?;
    found.into_iter().map(|(kind, state, many)| Ok((clock_kind(&kind)?, state, count(many)))).collect()
}

/// The earliest due instant among the open clocks of an incident.
///
/// # Errors
/// Those of the database.
pub fn next_due(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Option<Moment>, StoreError> {
    let due: Option<i64> = clocks::table
        .filter(clocks::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(clocks::open)
        .select(min(clocks::due_at))
        .first(rows.db)?;
    moment_or_none(TABLE, due)
}

/// Whether our own clock for a report to the ICO runs: at the incident that took the exchange over, or at the exchange.
///
/// # Errors
/// Those of the database.
pub fn report_is_open(rows: &mut Rows<'_>, exchange: &Exchange) -> Result<bool, StoreError> {
    let stream = exchange.incident.map_or(exchange.id.uuid(), IncidentId::uuid);
    let clock = clocks::table.find((stream.as_bytes().to_vec(), ClockKind::IcoReport.word()));
    let open: Option<bool> = clock.select(clocks::open).first(rows.db).optional()?;
    Ok(open.unwrap_or(false))
}
