//! Read tables can be made again from event entries alone; a test does so and compares.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::complaint::{self, Complaint};
use domain::exchange::{self, Exchange};
use domain::incident::{self, Incident};
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment};

use super::{LoggedEvent, PAGE, from_stored, logged, open};
use crate::store::schema::{contents, ledger};
use crate::store::{Change, Rows, StoreError, Turn, ladder_plans, projections};

/// Replays every event entry of one store into the read tables of another, fresh one, by the plans of ladders that stand. Answers how many there were.
///
/// # Errors
/// [`StoreError::Corrupt`] when an entry can't be read.
pub(in crate::store) fn rebuild(from: &mut Rows<'_>, into: &mut Turn<'_>) -> Result<u64, StoreError> {
    type Found = Vec<(i64, i64, String, Option<Vec<u8>>, Option<Vec<u8>>)>;
    ladder_plans::copy(from, into)?;
    let mut incidents: HashMap<IncidentId, Incident> = HashMap::new();
    let mut exchanges: HashMap<ExchangeId, Exchange> = HashMap::new();
    let mut complaints: HashMap<ComplaintId, Complaint> = HashMap::new();
    // When the first erased entry of a stream was made.
    let mut began: HashMap<Vec<u8>, Moment> = HashMap::new();
    let (mut replayed, mut after) = (0, -1_i64);
    loop {
        let page: Found = ledger::table
            .inner_join(contents::table.on(contents::n.eq(ledger::n)))
            .filter(ledger::stream.is_not_null().and(ledger::n.gt(after)))
            .order(ledger::n)
            .limit(PAGE)
            .select((ledger::n, ledger::at, ledger::kind, ledger::stream, contents::sealed))
            .load(from.db)?;
        let Some((last, ..)) = page.last() else { return Ok(replayed) };
        after = *last;
        for (n, at, kind, stream, sealed) in page {
            let stream = stream.unwrap_or_default();
            let Some(sealed) = sealed else {
                let at = Moment::from_micros(at).map_err(StoreError::corrupt("ledger", "an instant"))?;
                began.entry(stream).or_insert(at);
                continue;
            };
            let object = open(from.seal, from_stored(n)?, Some(&stream), &sealed)?.1;
            let change = match logged(&kind, &stream, Some(&object))? {
                LoggedEvent::Incident(event) => {
                    let id = IncidentId::from_slice(&stream).map_err(StoreError::corrupt("ledger", "a stream"))?;
                    let before = incidents.remove(&id);
                    incidents.extend(incident::evolve(before.clone(), &event).map(|state| (id, state)));
                    Change::Incident { id, before, events: vec![event] }
                }
                LoggedEvent::Exchange(id, event) => {
                    let before = exchanges.remove(&id);
                    exchanges.extend(exchange::evolve(before.clone(), &event).map(|state| (id, state)));
                    Change::Exchange { id, before, events: vec![event] }
                }
                LoggedEvent::Complaint(event) => {
                    let id = ComplaintId::from_slice(&stream).map_err(StoreError::corrupt("ledger", "a stream"))?;
                    let before = complaints.remove(&id);
                    complaints.extend(complaint::evolve(before.clone(), &event).map(|state| (id, state)));
                    Change::Complaint { id, before, events: vec![event] }
                }
                LoggedEvent::Erased => continue,
            };
            projections::replay(into, &change, began.get(&stream).copied())?;
            replayed += 1;
        }
    }
}
