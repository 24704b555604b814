//! Queueing: messages and heartbeats, and waking the lanes that they wait in.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use domain::delivery::{self, Channel, Class};
use domain::values::{ExchangeId, MessageId, Moment, PartnerId};

use super::{
    BODY, HEARTBEAT_AHEAD_SECONDS_MAX, HEARTBEAT_SECONDS, HEARTBEAT_SPREAD_SECONDS, OutKind, moment_or_none, this_lane,
};
use crate::store::backend::bulk::insert_many;
use crate::store::projections::Queued;
use crate::store::schema::{attempts, lanes, outbox, partners};
use crate::store::{Rows, StoreError, Turn};

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewItem {
    id: Vec<u8>,
    partner_id: Vec<u8>,
    channel: &'static str,
    kind: &'static str,
    exchange_id: Option<Vec<u8>>,
    revision: i32,
    body: Vec<u8>,
    checkpoint_size: Option<i64>,
    state: &'static str,
    open: bool,
    priority: i16,
    position: i64,
    attempts: i32,
    failures: i32,
    queued_at: i64,
    alerted: bool,
    same_outcome: i32,
}

#[derive(Insertable)]
#[diesel(table_name = lanes, treat_none_as_default_value = false)]
struct NewLane {
    partner_id: Vec<u8>,
    channel: &'static str,
    next_seq: i64,
    fail_count: i32,
}

impl NewLane {
    fn of((partner_id, channel): (Vec<u8>, Channel)) -> Self {
        Self { partner_id, channel: channel.word(), next_seq: 1, fail_count: 0 }
    }
}

/// Makes the lane to the partner's node if there is none.
///
/// # Errors
/// Those of the database.
pub fn ensure_lane(turn: &mut Turn<'_>, partner: PartnerId) -> Result<(), StoreError> {
    ensure_lanes(turn.rows(), vec![(partner.as_bytes().to_vec(), Channel::Node)])
}

/// Makes those of these lanes that there are not yet.
pub(super) fn ensure_lanes(rows: &mut Rows<'_>, lanes: Vec<(Vec<u8>, Channel)>) -> Result<(), StoreError> {
    let partners: Vec<&[u8]> = lanes.iter().map(|(partner, _)| partner.as_slice()).collect();
    let known: BTreeSet<(Vec<u8>, String)> = lanes::table
        .filter(lanes::partner_id.eq_any(partners))
        .select((lanes::partner_id, lanes::channel))
        .load(rows.db)?
        .into_iter()
        .collect();
    let missing: Vec<_> = lanes
        .into_iter()
        .filter(|(partner, channel)| !known.contains(&(partner.clone(), channel.word().to_owned())))
        .map(NewLane::of)
        .collect();
    insert_many!(rows.db, lanes::table, &missing)
}

/// Over which lane each of these partners is told. Until a partner without any channel is paired, what is queued for it
/// waits on the lane to its node.
fn channels(rows: &mut Rows<'_>, partners: &BTreeSet<Vec<u8>>) -> Result<BTreeMap<Vec<u8>, Channel>, StoreError> {
    let found: Vec<(Vec<u8>, String)> = partners::table
        .filter(partners::id.eq_any(partners))
        .select((partners::id, partners::channel))
        .load(rows.db)?;
    let channel = |word: String| Channel::from_word(&word).unwrap_or(Channel::Node);
    Ok(found.into_iter().map(|(partner, word)| (partner, channel(word))).collect())
}

/// Queues messages and wakes their lanes, all together.
pub(in crate::store) fn queue(turn: &mut Turn<'_>, queued: Vec<Queued>) -> Result<(), StoreError> {
    if queued.is_empty() {
        return Ok(());
    }
    let checkpoint_size = turn.fan_out_checkpoint().map(i64::try_from).transpose();
    let checkpoint_size = checkpoint_size.map_err(StoreError::corrupt("outbox", "a size beyond all ledgers"))?;
    let rows = turn.rows();
    let all: BTreeSet<_> = queued.iter().map(|item| item.partner.as_bytes().to_vec()).collect();
    let channels = channels(rows, &all)?;
    let channel_of = |partner: &Vec<u8>| channels.get(partner).copied().unwrap_or(Channel::Node);
    let mut first_words = BTreeSet::new();
    let mut items = Vec::with_capacity(queued.len());
    for item in queued {
        let id = item.message.as_bytes().to_vec();
        let partner = item.partner.as_bytes().to_vec();
        if item.kind.class() == Class::FirstWord {
            first_words.insert(partner.clone());
        }
        items.push(NewItem {
            body: rows.seal.seal(BODY, &id, &item.body)?,
            id,
            channel: channel_of(&partner).word(),
            partner_id: partner,
            kind: item.kind.word(),
            exchange_id: Some(item.exchange.as_bytes().to_vec()),
            revision: i32::try_from(item.revision).unwrap_or(i32::MAX),
            checkpoint_size,
            state: "queued",
            open: true,
            priority: item.kind.priority(),
            position: i64::try_from(item.position).unwrap_or(i64::MAX),
            attempts: 0,
            failures: 0,
            queued_at: item.at.micros(),
            alerted: item.kind.class() != Class::FirstWord,
            same_outcome: 0,
        });
    }
    insert_many!(rows.db, outbox::table, &items)?;
    let all: Vec<_> = all.into_iter().collect();
    ensure_lanes(rows, all.iter().map(|partner| (partner.clone(), channel_of(partner))).collect())?;
    wake(rows, &all)?;
    wake_for_first_words(rows, &first_words.into_iter().collect::<Vec<_>>())
}

/// The newest checkpoint fixed for messages of these exchanges, by its size.
///
/// # Errors
/// Those of the database.
pub fn checkpoint_told(rows: &mut Rows<'_>, exchanges: &[ExchangeId]) -> Result<Option<u64>, StoreError> {
    if exchanges.is_empty() {
        return Ok(None);
    }
    let ids: Vec<&[u8]> = exchanges.iter().map(|id| id.as_bytes().as_slice()).collect();
    let size: Option<i64> = outbox::table
        .filter(outbox::exchange_id.eq_any(ids))
        .select(diesel::dsl::max(outbox::checkpoint_size))
        .first(rows.db)?;
    size.map(u64::try_from).transpose().map_err(StoreError::corrupt("outbox", "a size"))
}

/// Work may have come: a lane that works is looked at at once, one that backs off when its back-off ends.
pub(super) fn wake(rows: &mut Rows<'_>, partners: &[Vec<u8>]) -> Result<(), StoreError> {
    let these = || lanes::table.filter(lanes::partner_id.eq_any(partners));
    diesel::update(these().filter(lanes::waits_until.is_null())).set(lanes::due_at.eq(0)).execute(rows.db)?;
    diesel::update(these().filter(lanes::waits_until.is_not_null()).filter(lanes::due_at.is_null()))
        .set(lanes::due_at.eq(lanes::waits_until))
        .execute(rows.db)?;
    Ok(())
}

/// A new first word may break a back-off, at most once a minute (protocol §9).
fn wake_for_first_words(rows: &mut Rows<'_>, partners: &[Vec<u8>]) -> Result<(), StoreError> {
    if partners.is_empty() {
        return Ok(());
    }
    let rested = lanes::tried_at + delivery::FIRST_WORD_SECONDS * 1_000_000;
    diesel::update(lanes::table.filter(lanes::partner_id.eq_any(partners)))
        .filter(lanes::waits_until.is_not_null())
        .filter(lanes::due_at.gt(rested))
        .set(lanes::due_at.eq(rested))
        .execute(rows.db)?;
    Ok(())
}

/// Looks at the partner's lane again at once: the partner, or the lane, may send more than before.
pub(in crate::store) fn wake_lane(rows: &mut Rows<'_>, partner: PartnerId) -> Result<(), StoreError> {
    wake(rows, &[partner.as_bytes().to_vec()])
}

/// Queues a heartbeat, unless one is under way, and sets when the next is due. Answers whether it was queued. `at` is
/// machine time.
///
/// # Errors
/// Those of the database.
pub fn queue_heartbeat(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    message: MessageId,
    at: Moment,
) -> Result<bool, StoreError> {
    let now = turn.now();
    let position = i64::try_from(turn.ledger_size()).unwrap_or(i64::MAX);
    let rows = turn.rows();
    let partner_id = partner.as_bytes().to_vec();
    ensure_lanes(rows, vec![(partner_id.clone(), Channel::Node)])?;
    let spread =
        delivery::start_wait_seconds(partner) * (2 * HEARTBEAT_SPREAD_SECONDS / delivery::START_WAIT_SECONDS_MAX);
    let next = at.plus_seconds(HEARTBEAT_SECONDS - HEARTBEAT_SPREAD_SECONDS + spread);
    diesel::update(this_lane(partner)).set(lanes::heartbeat_due_at.eq(next.micros())).execute(rows.db)?;
    let under_way: Option<Vec<u8>> = outbox::table
        .filter(outbox::partner_id.eq(&partner_id))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::priority.eq(OutKind::Heartbeat.priority()))
        .select(outbox::id)
        .first(rows.db)
        .optional()?;
    if under_way.is_some() {
        return Ok(false);
    }
    let id = message.as_bytes().to_vec();
    let item = NewItem {
        body: rows.seal.seal(BODY, &id, b"{}")?,
        id,
        partner_id: partner_id.clone(),
        channel: Channel::Node.word(),
        kind: OutKind::Heartbeat.word(),
        exchange_id: None,
        revision: 0,
        checkpoint_size: None,
        state: "queued",
        open: true,
        priority: OutKind::Heartbeat.priority(),
        position,
        attempts: 0,
        failures: 0,
        queued_at: now.micros(),
        alerted: true,
        same_outcome: 0,
    };
    diesel::insert_into(outbox::table).values(&item).execute(rows.db)?;
    wake(rows, &[partner_id])?;
    Ok(true)
}

/// Partners whose heartbeat is due, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn heartbeats_due(rows: &mut Rows<'_>, elapsed: Moment, limit: u32) -> Result<Vec<PartnerId>, StoreError> {
    let ahead = elapsed.plus_seconds(HEARTBEAT_AHEAD_SECONDS_MAX);
    let found: Vec<Vec<u8>> = lanes::table
        .inner_join(partners::table.on(partners::id.eq(lanes::partner_id)))
        .filter(partners::state.eq_any(["verified", "active"]))
        .filter(lanes::heartbeat_due_at.le(elapsed.micros()).or(lanes::heartbeat_due_at.gt(ahead.micros())))
        .order(lanes::heartbeat_due_at)
        .limit(i64::from(limit))
        .select(lanes::partner_id)
        .load(rows.db)?;
    found.iter().map(|id| PartnerId::from_slice(id).map_err(StoreError::corrupt("lanes", "a partner"))).collect()
}

/// When the next heartbeat is due (machine time).
///
/// # Errors
/// Those of the database.
pub fn next_heartbeat(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let next: Option<i64> = lanes::table
        .inner_join(partners::table.on(partners::id.eq(lanes::partner_id)))
        .filter(partners::state.eq_any(["verified", "active"]))
        .select(diesel::dsl::min(lanes::heartbeat_due_at))
        .first(rows.db)?;
    moment_or_none(next)
}

/// Removes a finished heartbeat: the ledger holds it, the lane remembers when it was.
pub(super) fn forget_heartbeat(rows: &mut Rows<'_>, message: MessageId) -> Result<(), StoreError> {
    let id = message.as_bytes().as_slice();
    diesel::delete(outbox::table.find(id)).execute(rows.db)?;
    diesel::delete(attempts::table.filter(attempts::message.eq(id))).execute(rows.db)?;
    Ok(())
}
