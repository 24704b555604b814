//! Deliveries that receipts ended, many at once, with a fixed number of statements: what [`super::receipted()`] and
//! [`super::finish`] do one by one. For numbered messages to nodes whose lanes are held and whose receipts are the first.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{Moment, PartnerId};
use uuid::Uuid;

use super::carry::{Finished, OpenMessage, due_of, open_message};
use super::stored_lease;
use crate::store::backend::bulk::{Value, insert_many, update_many_and};
use crate::store::schema::{attempts, lanes, outbox};
use crate::store::{Rows, StoreError, Turn, alerts};

/// Open messages of one lane that are looked at here, on average.
const LOOKED_AT: i64 = 8;
/// What every message has in common that a receipt ended.
const ENDED: &str = "state = 'receipted', open = FALSE, next_attempt_at = NULL, last_outcome = 'receipted'";
/// What every lane has in common that is given back after a receipt.
const CLEARED: &str = "lease = NULL, lease_until = NULL, fail_count = 0, waits_until = NULL, failed_since = NULL";

/// A delivery that a receipt ended.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The attempt.
    pub finished: Finished,
    /// The receipt's entry.
    pub entry: u64,
    /// Since when the partner holds the message.
    pub toe: Moment,
}

/// The next number of each of these lanes to nodes that is still held under the lease named with it.
///
/// # Errors
/// Those of the database.
pub fn held(rows: &mut Rows<'_>, leases: &[(PartnerId, Uuid)]) -> Result<HashMap<PartnerId, i64>, StoreError> {
    let partners: Vec<&[u8]> = leases.iter().map(|(partner, _)| partner.as_bytes().as_slice()).collect();
    let found: Vec<(Vec<u8>, Option<Vec<u8>>, i64)> = lanes::table
        .filter(lanes::partner_id.eq_any(partners))
        .filter(lanes::channel.eq(Channel::Node.word()))
        .select((lanes::partner_id, lanes::lease, lanes::next_seq))
        .load(rows.db)?;
    let found: HashMap<Vec<u8>, (Option<Vec<u8>>, i64)> =
        found.into_iter().map(|(partner, lease, next_seq)| (partner, (lease, next_seq))).collect();
    let held = leases.iter().filter_map(|(partner, lease)| {
        let (now, next_seq) = found.get(partner.as_bytes().as_slice())?;
        (now.as_ref() == Some(&stored_lease(*lease))).then_some((*partner, *next_seq))
    });
    Ok(held.collect())
}

/// Ends these deliveries, lists their attempts, and gives their lanes back, which the caller found [`held`] in this turn.
///
/// # Errors
/// Those of the database.
pub fn finish_proven(turn: &mut Turn<'_>, proven: &[Proven]) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let mut items = Vec::with_capacity(proven.len());
    let mut listed = Vec::with_capacity(proven.len());
    for Proven { finished, entry, toe } in proven {
        let id = finished.message().as_bytes().to_vec();
        let entry = i64::try_from(*entry).map_err(StoreError::corrupt("outbox", "an entry"))?;
        items.push(vec![
            Value::Octets(Some(id)),
            Value::Big(Some(i64::from(finished.number()))),
            Value::Big(Some(i64::from(finished.times()))),
            Value::Big(Some(now.micros())),
            Value::Big(Some(toe.micros())),
            Value::Big(Some(entry)),
        ]);
        listed.push(finished.listed(now));
    }
    let columns = ["attempts", "same_outcome", "last_attempt_at", "receipted_at", "receipt_entry"];
    update_many_and(rows.db, "outbox", &["id"], &columns, ENDED, &items)?;
    insert_many!(rows.db, attempts::table, &listed)?;
    let due = next_due(rows, proven)?;
    let lanes = given_back(proven, due.as_ref());
    update_many_and(
        rows.db,
        "lanes",
        &["partner_id", "channel"],
        &["tried_at", "proven_at", "due_at"],
        CLEARED,
        &lanes,
    )?;
    let partners: Vec<&[u8]> =
        proven.iter().map(|Proven { finished, .. }| finished.over().0.as_bytes().as_slice()).collect();
    let ids: Vec<_> = proven.iter().map(|Proven { finished, .. }| finished.message()).collect();
    let messages: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    alerts::end_with(turn, &partners, &messages)?;
    Ok(())
}

/// The lanes' rows: tried and proven now, due when there may be another message.
fn given_back(proven: &[Proven], due: Option<&HashMap<Vec<u8>, Option<i64>>>) -> Vec<Vec<Value>> {
    let row = |Proven { finished, .. }: &Proven| {
        let (partner, elapsed) = finished.over();
        let due_at = due.map_or(Some(0), |due| due.get(partner.as_bytes().as_slice()).copied().flatten());
        vec![
            Value::Octets(Some(partner.as_bytes().to_vec())),
            Value::Text(Some(Channel::Node.word().to_owned())),
            Value::Big(Some(elapsed.micros())),
            Value::Big(Some(elapsed.micros())),
            Value::Big(due_at),
        ]
    };
    proven.iter().map(row).collect()
}

/// When a look at each of these lanes may find a message; absent for those without any. `None` when there are too many to
/// look at here: then every lane is looked at when it is claimed.
type Due = Option<HashMap<Vec<u8>, Option<i64>>>;

fn next_due(rows: &mut Rows<'_>, proven: &[Proven]) -> Result<Due, StoreError> {
    let limit = i64::try_from(proven.len()).unwrap_or(i64::MAX / LOOKED_AT) * LOOKED_AT;
    let partners: HashSet<&[u8]> =
        proven.iter().map(|Proven { finished, .. }| finished.over().0.as_bytes().as_slice()).collect();
    let open: Vec<(Vec<u8>, String, i32, Option<i64>)> = outbox::table
        .filter(outbox::partner_id.eq_any(partners))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .limit(limit)
        .select((outbox::partner_id, outbox::kind, outbox::attempts, outbox::next_attempt_at))
        .load(rows.db)?;
    if i64::try_from(open.len()).unwrap_or(i64::MAX) >= limit {
        return Ok(None);
    }
    let mut by_lane: HashMap<Vec<u8>, Vec<OpenMessage>> = HashMap::new();
    for (partner, kind, attempts, next_attempt_at) in open {
        by_lane.entry(partner).or_default().push(open_message(&kind, attempts, next_attempt_at)?);
    }
    Ok(Some(by_lane.into_iter().map(|(partner, open)| (partner, due_of(&open, None, None))).collect()))
}
