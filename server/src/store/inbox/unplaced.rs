//! Messages about a case that came before its notice. They were kept and signed for; when the notice comes, they find their
//! place.

use std::collections::HashSet;

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::values::{CaseId, ExchangeId, MessageId, PartnerId};

use super::number;
use crate::store::schema::inbox;
use crate::store::{Rows, StoreError, Turn};

/// Messages looked through for one notice, the newest: a partner can't make one cost more.
const LOOKED_THROUGH_MAX: i64 = 100;

/// In the place of the case of a message that an earlier version kept without looking: no UUID.
const UNNOTED: &[u8] = &[0];

/// Events that wait for a notice. The words stand here as in the index that holds such messages alone: neither database
/// would use it for words that are bound.
fn waits() -> SqlLiteral<Bool> {
    sql::<Bool>("inbox.event IN ('message', 'filed')")
}

/// A message without a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Which.
    pub message: MessageId,
    /// The case that it waits for; `None` for one that an earlier version kept without looking.
    pub case: Option<CaseId>,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// Messages of a partner that wait for a case, or for one that nobody noted, in the order of their numbers; also those of
/// this very batch. Erased ones are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn of(turn: &mut Turn<'_>, partner: PartnerId, case: CaseId) -> Result<Vec<Unplaced>, StoreError> {
    type Found = (Vec<u8>, i64, Option<Vec<u8>>);
    let found: Vec<Found> = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::case_id.eq_any([case.as_bytes().as_slice(), UNNOTED]))
        .filter(inbox::exchange_id.is_null())
        .filter(waits())
        .order((inbox::received_at.desc(), inbox::seq.desc()))
        .limit(LOOKED_THROUGH_MAX)
        .select((inbox::message, inbox::set_entry, inbox::case_id))
        .load(turn.rows().db)?;
    let mut waiting = Vec::with_capacity(found.len());
    for (message, entry, case) in found.into_iter().rev() {
        let message = MessageId::from_slice(&message).map_err(StoreError::corrupt("inbox", "an id"))?;
        let case = noted(case)?;
        if let Some(octets) = turn.object(number(entry)?)? {
            waiting.push(Unplaced { message, case, octets });
        } else if case.is_none() {
            // Erased: nobody will ever know, and nothing waits.
            note(turn, partner, message, None)?;
        }
    }
    Ok(waiting)
}

/// Notes which case a message waits for that an earlier version kept without looking; without one, that it waits for none.
///
/// # Errors
/// Those of the database.
pub fn note(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    message: MessageId,
    case: Option<CaseId>,
) -> Result<(), StoreError> {
    diesel::update(inbox::table.find((partner.as_bytes().as_slice(), message.as_bytes().as_slice())))
        .set(inbox::case_id.eq(case.map(|case| case.as_bytes().to_vec())))
        .execute(turn.rows().db)?;
    Ok(())
}

fn noted(case: Option<Vec<u8>>) -> Result<Option<CaseId>, StoreError> {
    let case = case.filter(|case| case != UNNOTED).map(|case| CaseId::from_slice(&case)).transpose();
    case.map_err(StoreError::corrupt("inbox", "a case"))
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

/// Those of these cases for which a message of their partner waits; with `None`, partners of whom one waits for a case that
/// nobody noted.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn awaited(
    rows: &mut Rows<'_>,
    cases: &[(PartnerId, CaseId)],
) -> Result<HashSet<(PartnerId, Option<CaseId>)>, StoreError> {
    let partners: Vec<&[u8]> = cases.iter().map(|(partner, _)| partner.as_bytes().as_slice()).collect();
    let ids = cases.iter().map(|(_, case)| case.as_bytes().as_slice()).chain([UNNOTED]);
    let found: Vec<(Vec<u8>, Option<Vec<u8>>)> = inbox::table
        .filter(inbox::partner_id.eq_any(partners))
        .filter(inbox::case_id.eq_any(ids.collect::<Vec<_>>()))
        .filter(inbox::exchange_id.is_null())
        .filter(waits())
        .select((inbox::partner_id, inbox::case_id))
        .distinct()
        .load(rows.db)?;
    let mut awaited = HashSet::new();
    for (partner, case) in found {
        let partner = PartnerId::from_slice(&partner).map_err(StoreError::corrupt("inbox", "a partner"))?;
        awaited.insert((partner, noted(case)?));
    }
    // Of two partners' cases one may be called as the other's.
    awaited.retain(|(partner, case)| case.is_none_or(|case| cases.contains(&(*partner, case))));
    Ok(awaited)
}
