//! Streams: the state of an incident, exchange or complaint is the fold of its events, stored and buffered.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::complaint::{self, Complaint};
use domain::exchange::{self, Exchange};
use domain::incident::{self, Incident};
use domain::values::{ComplaintId, ExchangeId, IncidentId};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Pending, event, from_stored, open};
use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::schema::{contents, ledger};
use crate::store::{Rows, StoreError};

/// Objects of one stream's events, in order; `None` for erased ones.
type Objects = Vec<Option<Vec<u8>>>;

/// The incident that was looked at last, as the entries stored by then leave it: a fan-out looks at one for each of its
/// chunks, and it holds what is owed to every partner. *Economy* only.
pub(in crate::store) struct Recent {
    id: IncidentId,
    /// Its newest stored entry. Whatever happens to an incident is an entry, its erasure too.
    last: i64,
    state: Incident,
}

/// The state of an incident.
pub(in crate::store) fn incident(
    rows: &mut Rows<'_>,
    pending: &mut Pending,
    id: IncidentId,
) -> Result<Option<Incident>, StoreError> {
    let stream = id.uuid();
    let last = last_entry(rows, stream)?;
    let untouched = pending.objects(stream).next().is_none();
    let known = pending.recent.as_ref().filter(|recent| untouched && recent.id == id && Some(recent.last) == last);
    if let Some(recent) = known {
        return Ok(Some(recent.state.clone()));
    }
    let stored = stored(rows, &[stream])?.remove(&stream).unwrap_or_default();
    let objects = stored.iter().map(Option::as_deref).chain(pending.objects(stream));
    let state = fold(objects, incident::evolve, |event| matches!(event, incident::Event::Anonymised { .. }))?;
    if let (true, Some(last), Some(state)) = (untouched, last, &state) {
        pending.recent = Some(Recent { id, last, state: state.clone() });
    }
    Ok(state)
}

fn last_entry(rows: &mut Rows<'_>, stream: Uuid) -> Result<Option<i64>, StoreError> {
    let of_stream = ledger::table.filter(ledger::stream.eq(stream.as_bytes().as_slice()));
    Ok(of_stream.order(ledger::n.desc()).select(ledger::n).first(rows.db).optional()?)
}

/// The state of a complaint.
pub(in crate::store) fn complaint(
    rows: &mut Rows<'_>,
    pending: &Pending,
    id: ComplaintId,
) -> Result<Option<Complaint>, StoreError> {
    let stream = id.uuid();
    let stored = stored(rows, &[stream])?.remove(&stream).unwrap_or_default();
    let objects = stored.iter().map(Option::as_deref).chain(pending.objects(stream));
    fold(objects, complaint::evolve, |event| matches!(event, complaint::Event::Anonymised { .. }))
}

/// The states of exchanges, in the order asked.
pub(in crate::store) fn exchanges(
    rows: &mut Rows<'_>,
    pending: &Pending,
    ids: &[ExchangeId],
) -> Result<Vec<(ExchangeId, Option<Exchange>)>, StoreError> {
    let streams: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    let mut found: HashMap<Uuid, Objects> = HashMap::new();
    for chunk in streams.chunks(KEYS_PER_STATEMENT) {
        found.extend(stored(rows, chunk)?);
    }
    let erasing = |event: &exchange::Event| matches!(event, exchange::Event::Anonymised { .. });
    ids.iter()
        .map(|id| {
            let stored = found.get(&id.uuid()).map(Vec::as_slice).unwrap_or_default();
            let objects = stored.iter().map(Option::as_deref).chain(pending.objects(id.uuid()));
            Ok((*id, fold(objects, exchange::evolve, erasing)?))
        })
        .collect()
}

/// Stored objects of some streams.
fn stored(rows: &mut Rows<'_>, streams: &[Uuid]) -> Result<HashMap<Uuid, Objects>, StoreError> {
    type Found = Vec<(i64, Option<Vec<u8>>, Option<Vec<u8>>)>;
    let query = ledger::table.inner_join(contents::table.on(contents::n.eq(ledger::n))).order(ledger::n).select((
        ledger::n,
        ledger::stream,
        contents::sealed,
    ));
    let found: Found = match streams {
        // The usual case has a prepared statement; a list of keys can't have one.
        [one] => query.filter(ledger::stream.eq(one.as_bytes().as_slice())).load(rows.db)?,
        many => {
            let many: Vec<&[u8]> = many.iter().map(|id| id.as_bytes().as_slice()).collect();
            query.filter(ledger::stream.eq_any(many)).load(rows.db)?
        }
    };
    let mut objects: HashMap<Uuid, Objects> = HashMap::new();
    for (n, stream, sealed) in found {
        let id = Uuid::from_slice(stream.as_deref().unwrap_or_default())
            .map_err(StoreError::corrupt("ledger", "a stream"))?;
        let object = match sealed {
            Some(sealed) => Some(open(rows.seal, from_stored(n)?, stream.as_deref(), &sealed)?.1),
            None => None,
        };
        objects.entry(id).or_default().push(object);
    }
    Ok(objects)
}

/// Folds stored and buffered events. Events in front of an erasing one, and erased ones, are passed over; a gap that no erasing
/// event follows means that somebody removed contents behind our back.
fn fold<'a, E: DeserializeOwned, S>(
    objects: impl Iterator<Item = Option<&'a [u8]>>,
    evolve: impl Fn(Option<S>, &E) -> Option<S>,
    erasing: impl Fn(&E) -> bool,
) -> Result<Option<S>, StoreError> {
    let mut state = None;
    let mut gap = false;
    for object in objects {
        let Some(object) = object else {
            gap = true;
            continue;
        };
        let event: E = event(object)?;
        if erasing(&event) {
            gap = false;
        }
        state = evolve(state, &event);
    }
    if gap {
        return Err(StoreError::Corrupt { table: "contents", what: "erased events that no erasure recorded" });
    }
    Ok(state)
}
