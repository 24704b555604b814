//! Outgoing work: messages to carry, and the lanes that they wait in.
//!
//! A **lane** is one partner over one channel (ruling 23). It holds the next sequence number, the payload hash that the
//! next message names as `prev`, the back-off, and the lease.
//!
//! *Contract*, which other nodes can see:
//! - A message gets its number, `prev` and octets once, in lane order, under the lane's lease ([`keep_sealed`]), before it
//!   is sent. Sealing that loses its lease in between keeps nothing.
//! - Only a receipt ([`receipted()`]), a webhook's or a mail server's acceptance, or a person ([`abandon`]) ends a delivery.
//!   Whoever finishes without the lease changes nothing ([`finish`]).
//! - Nothing is sent to the node of a partner who is not active, but for heartbeats to a verified one; nothing but
//!   heartbeats goes out on a stopped lane. Webhooks and mail need a destination that is not paused, and a partner whose
//!   relation has not ended.
//!
//! *Economy*, which only saves effort: a lease keeps two workers from sending the same octets at once. If both do, the
//! partner's node recognises the repeat and answers with the same receipt. `due_at` says when a look at the lane may
//! find work; a look too early finds none and sets it right, so it is set to zero whenever work may have come.
//!
//! Lanes count in machine time (`elapsed`), as do `next_attempt_at` and `claimed_at` of messages; their other instants are
//! duty time. Machine time may be set back: an instant further ahead than any wait of ours counts as past. `claimed_at` is
//! since when a message waits: when it was first claimed, or the watch first saw it, whichever came first.

mod carry;
pub mod catch_up;
mod claim;
pub mod poll;
mod queue;
pub mod receipted;
pub mod reissue;
pub mod reroute;
mod resign;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::delivery::{self, Channel, Class};
use domain::values::{Digest32, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::schema::{exchanges, lanes, outbox};
use super::{Rows, StoreError, Turn, alerts};

pub use self::carry::{Finished, Sealed, finish, keep_sealed, receipted, release, rest};
pub use self::claim::{Claimed, FAILING_LANES_MAX, SealedItem, claim, next_due, outcome_word, something_due};
use self::queue::wake;
pub use self::queue::{checkpoint_told, ensure_lane, heartbeats_due, next_heartbeat, queue_heartbeat};
pub(super) use self::queue::{queue, wake_lane};
pub use self::resign::{sealed_octets, sealed_up_to};

/// Beyond this many attempts of one message, only counters grow, but for the first of a row of polls that fetch it.
pub const ATTEMPTS_KEPT: u32 = 200;
/// The longest wait that lanes ever set is an hour and its jitter; anything further ahead is a clock that was set back.
const AHEAD_SECONDS_MAX: i64 = 2 * 3_600;
/// A sign of life goes out once a day (protocol §13) …
const HEARTBEAT_SECONDS: i64 = 24 * 3_600;
/// … spread over so long before and after.
const HEARTBEAT_SPREAD_SECONDS: i64 = 2 * 3_600;
/// Heartbeats are due within a day; anything further ahead is a clock that was set back.
const HEARTBEAT_AHEAD_SECONDS_MAX: i64 = 48 * 3_600;
/// Where bodies are sealed for.
const BODY: &str = "outbox.body";

const _: () = {
    assert!(AHEAD_SECONDS_MAX > 3_600 + 3_600 / 5 + 1, "longer than the longest delay with its jitter");
    assert!(
        HEARTBEAT_AHEAD_SECONDS_MAX > HEARTBEAT_SECONDS + HEARTBEAT_SPREAD_SECONDS,
        "longer than any heartbeat's wait"
    );
};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutKind {
    /// The first word of an incident.
    Notified,
    /// A newer snapshot.
    Updated,
    /// The notice no longer stands.
    Withdrawn,
    /// Our acknowledgement of theirs.
    Acknowledged,
    /// Words about a case: a question, an answer, a forwarded request, a view.
    Message,
    /// What we have filed with an authority.
    Filed,
    /// A sign of life.
    Heartbeat,
}

impl OutKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Notified,
        Self::Updated,
        Self::Withdrawn,
        Self::Acknowledged,
        Self::Message,
        Self::Filed,
        Self::Heartbeat,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notified => "notified",
            Self::Updated => "updated",
            Self::Withdrawn => "withdrawn",
            Self::Acknowledged => "acknowledged",
            Self::Message => "message",
            Self::Filed => "filed",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How the engine treats it.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Notified => Class::FirstWord,
            Self::Updated | Self::Withdrawn | Self::Acknowledged | Self::Message | Self::Filed => Class::Other,
            Self::Heartbeat => Class::Heartbeat,
        }
    }

    const fn priority(self) -> i16 {
        match self.class() {
            Class::FirstWord => 0,
            Class::Other => 1,
            Class::Heartbeat | Class::Introduction => 2,
        }
    }
}

/// A lane as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The number that the next sequenced message gets.
    pub next_seq: i64,
    /// Failures since something cleared the back-off.
    pub fail_count: u32,
    /// The end of the back-off (machine time).
    pub waits_until: Option<Moment>,
    /// When a look may find work (machine time).
    pub due_at: Option<Moment>,
    /// Why nothing but heartbeats goes out.
    pub stopped: Option<String>,
    /// When a receipt last proved route, keys and storage (machine time).
    pub proven_at: Option<Moment>,
    /// When an authenticated message last came from the partner (machine time).
    pub heard_at: Option<Moment>,
    /// Since when attempts fail (machine time).
    pub failed_since: Option<Moment>,
    /// The word of the last failure.
    pub last_failure: Option<String>,
    /// When the next heartbeat is due (machine time).
    pub heartbeat_due_at: Option<Moment>,
}

/// The lane to a partner's node; `None` before there was any.
///
/// # Errors
/// Those of the database.
pub fn lane(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<Lane>, StoreError> {
    lane_of(rows, partner, Channel::Node)
}

/// The lane to a partner over a channel; `None` before there was any.
///
/// # Errors
/// Those of the database.
pub fn lane_of(rows: &mut Rows<'_>, partner: PartnerId, channel: Channel) -> Result<Option<Lane>, StoreError> {
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = lanes)]
    struct Row {
        next_seq: i64,
        fail_count: i32,
        waits_until: Option<i64>,
        due_at: Option<i64>,
        stopped: Option<String>,
        proven_at: Option<i64>,
        heard_at: Option<i64>,
        failed_since: Option<i64>,
        last_failure: Option<String>,
        heartbeat_due_at: Option<i64>,
    }
    let row: Option<Row> = lane_over(partner, channel).select(Row::as_select()).first(rows.db).optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Lane {
        next_seq: row.next_seq,
        fail_count: count(row.fail_count),
        waits_until: moment_or_none(row.waits_until)?,
        due_at: moment_or_none(row.due_at)?,
        stopped: row.stopped,
        proven_at: moment_or_none(row.proven_at)?,
        heard_at: moment_or_none(row.heard_at)?,
        failed_since: moment_or_none(row.failed_since)?,
        last_failure: row.last_failure,
        heartbeat_due_at: moment_or_none(row.heartbeat_due_at)?,
    }))
}

type ThisLane = diesel::helper_types::Find<lanes::table, (Vec<u8>, &'static str)>;

/// The lane to a partner's node.
fn this_lane(partner: PartnerId) -> ThisLane {
    lane_over(partner, Channel::Node)
}

fn lane_over(partner: PartnerId, channel: Channel) -> ThisLane {
    lanes::table.find((partner.as_bytes().to_vec(), channel.word()))
}

/// An authenticated message came from the partner: the back-off is over and open work is tried at once (protocol §9).
/// `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn heard_from(turn: &mut Turn<'_>, partner: PartnerId, elapsed: Moment) -> Result<(), StoreError> {
    catch_up::heard_from_all(turn, &[partner], elapsed)?;
    Ok(())
}

/// A heartbeat that waits by itself, because it was refused, is tried at once.
///
/// # Errors
/// Those of the database.
pub fn hurry_heartbeat(turn: &mut Turn<'_>, partner: PartnerId) -> Result<(), StoreError> {
    let rows = turn.rows();
    let waiting = outbox::table
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::open.eq(true))
        .filter(outbox::kind.eq(OutKind::Heartbeat.word()));
    diesel::update(waiting).set(outbox::next_attempt_at.eq(None::<i64>)).execute(rows.db)?;
    wake_lane(rows, partner)
}

/// A person has the lane to a partner's node tried at once: its back-off is over. It still counts as failing until something
/// comes through.
///
/// # Errors
/// Those of the database.
pub fn end_back_off(turn: &mut Turn<'_>, partner: PartnerId) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::update(this_lane(partner))
        .set((lanes::waits_until.eq(None::<i64>), lanes::due_at.eq(0)))
        .execute(rows.db)?;
    // The end of an attempt under way finds another lane than was claimed, and knows by that.
    let under_way = this_lane(partner).filter(lanes::lease.is_not_null()).filter(lanes::fail_count.gt(1));
    diesel::update(under_way).set(lanes::fail_count.eq(1)).execute(rows.db)?;
    Ok(())
}

/// Stops a lane: nothing but heartbeats goes out until [`resume_lane`]. `held` is the highest number of ours that the partner
/// holds, more than we remember, with the digest of its payload.
///
/// # Errors
/// Those of the database.
pub fn stop_lane(turn: &mut Turn<'_>, partner: PartnerId, held: Option<(i64, Digest32)>) -> Result<(), StoreError> {
    diesel::update(this_lane(partner))
        .set((
            lanes::stopped.eq("head_ahead"),
            lanes::held_seq.eq(held.map(|(seq, _)| seq)),
            lanes::held_payload.eq(held.map(|(_, payload)| payload.as_bytes().to_vec())),
        ))
        .execute(turn.rows().db)?;
    Ok(())
}

/// What the partner held when its lane stopped: number and digest of the payload.
///
/// # Errors
/// Those of the database.
pub fn held(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<(i64, Digest32)>, StoreError> {
    let found: Option<(Option<i64>, Option<Vec<u8>>)> =
        this_lane(partner).select((lanes::held_seq, lanes::held_payload)).first(rows.db).optional()?;
    let Some((Some(seq), payload)) = found else { return Ok(None) };
    Ok(digest_or_none(payload)?.map(|payload| (seq, payload)))
}

/// A person confirmed that a stopped lane may go on; with `after`, behind that number and payload (a restored backup,
/// protocol §8).
///
/// # Errors
/// Those of the database.
pub fn resume_lane(turn: &mut Turn<'_>, partner: PartnerId, after: Option<(i64, Digest32)>) -> Result<(), StoreError> {
    let rows = turn.rows();
    if let Some((seq, payload)) = after {
        diesel::update(this_lane(partner))
            .set((lanes::next_seq.eq(seq.saturating_add(1)), lanes::last_payload.eq(payload.as_bytes().as_slice())))
            .execute(rows.db)?;
    }
    diesel::update(this_lane(partner)).set(lanes::stopped.eq(None::<String>)).execute(rows.db)?;
    wake_lane(rows, partner)
}

/// Tries a parked message again. Answers whether it was parked.
///
/// # Errors
/// Those of the database.
pub fn retry_parked(turn: &mut Turn<'_>, message: MessageId) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let parked = outbox::table.find(message.as_bytes().as_slice()).filter(outbox::state.eq("parked"));
    let partner: Option<Vec<u8>> = parked.select(outbox::partner_id).first(rows.db).optional()?;
    let Some(partner) = partner else { return Ok(false) };
    diesel::update(outbox::table.find(message.as_bytes().as_slice()))
        .set((
            outbox::state.eq("waiting"),
            outbox::next_attempt_at.eq(None::<i64>),
            outbox::failures.eq(0),
            outbox::same_outcome.eq(0),
        ))
        .execute(rows.db)?;
    wake(rows, &[partner])?;
    Ok(true)
}

/// A person ended the carrying of a message. Answers whether it was open.
///
/// # Errors
/// Those of the database.
pub fn abandon(turn: &mut Turn<'_>, message: MessageId) -> Result<bool, StoreError> {
    let changed = diesel::update(outbox::table.find(message.as_bytes().as_slice()).filter(outbox::open))
        .set((outbox::state.eq("abandoned"), outbox::open.eq(false)))
        .execute(turn.rows().db)?;
    if changed == 1 {
        let id = message.as_bytes().as_slice();
        let partner: Vec<u8> = outbox::table.find(id).select(outbox::partner_id).first(turn.rows().db)?;
        alerts::end_with(turn, &[&partner], &[id])?;
    }
    Ok(changed == 1)
}

/// The pairing with a partner has ended, and with it its signs of life and what was wrong with them. An attempt under way
/// loses its lease, so that it can't say anew what is over. Answers how many were open.
///
/// # Errors
/// Those of the database.
pub fn end_heartbeats(turn: &mut Turn<'_>, partner: PartnerId) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let id = partner.as_bytes().as_slice();
    let open: Vec<Vec<u8>> = outbox::table
        .filter(outbox::partner_id.eq(id))
        .filter(outbox::open)
        .filter(outbox::kind.eq(OutKind::Heartbeat.word()))
        .select(outbox::id)
        .load(rows.db)?;
    diesel::update(outbox::table.filter(outbox::id.eq_any(&open)))
        .set((outbox::state.eq("abandoned"), outbox::open.eq(false)))
        .execute(rows.db)?;
    diesel::update(this_lane(partner))
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>)))
        .execute(rows.db)?;
    let messages: Vec<&[u8]> = open.iter().map(Vec::as_slice).collect();
    alerts::end_with(turn, &[id], &messages)?;
    Ok(open.len())
}

/// Erases what is to be carried, or was, for an exchange.
pub(super) fn erase(turn: &mut Turn<'_>, exchange: ExchangeId) -> Result<(), StoreError> {
    let rows = turn.rows();
    let of_exchange = outbox::table.filter(outbox::exchange_id.eq(exchange.as_bytes().as_slice()));
    let ended: Vec<(Vec<u8>, Vec<u8>)> =
        of_exchange.filter(outbox::open).select((outbox::partner_id, outbox::id)).load(rows.db)?;
    diesel::update(of_exchange.filter(outbox::open))
        .set((outbox::state.eq("abandoned"), outbox::open.eq(false)))
        .execute(rows.db)?;
    diesel::update(of_exchange).set(outbox::body.eq(Vec::<u8>::new())).execute(rows.db)?;
    let partners: Vec<&[u8]> = ended.iter().map(|(partner, _)| partner.as_slice()).collect();
    let messages: Vec<&[u8]> = ended.iter().map(|(_, message)| message.as_slice()).collect();
    alerts::end_with(turn, &partners, &messages)?;
    Ok(())
}

/// A message of ours as a receipt has to match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentItem {
    /// Which.
    pub message: MessageId,
    /// What it is.
    pub kind: OutKind,
    /// Which exchange it belongs to; `None` for a heartbeat.
    pub exchange: Option<ExchangeId>,
    /// Its number in the lane.
    pub seq: Option<i64>,
    /// Digest of the octets sent.
    pub set_sha256: Option<Digest32>,
    /// When it was first to be sent (duty time).
    pub first_attempt_at: Option<Moment>,
    /// Whether it is still being carried.
    pub open: bool,
}

/// A message of ours to this partner.
///
/// # Errors
/// Those of the database.
pub fn sent(rows: &mut Rows<'_>, partner: PartnerId, message: MessageId) -> Result<Option<SentItem>, StoreError> {
    type Found = (String, Option<Vec<u8>>, Option<i64>, Option<Vec<u8>>, Option<i64>, bool);
    let found: Option<Found> = outbox::table
        .find(message.as_bytes().as_slice())
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .select((
            outbox::kind,
            outbox::exchange_id,
            outbox::seq,
            outbox::set_sha256,
            outbox::first_attempt_at,
            outbox::open,
        ))
        .first(rows.db)
        .optional()?;
    let Some((kind, exchange, seq, set_sha256, first_attempt_at, open)) = found else { return Ok(None) };
    Ok(Some(SentItem {
        message,
        kind: OutKind::from_word(&kind).ok_or(StoreError::Corrupt { table: "outbox", what: "a kind" })?,
        exchange: exchange
            .map(|id| ExchangeId::from_slice(&id).map_err(StoreError::corrupt("outbox", "an exchange")))
            .transpose()?,
        seq,
        set_sha256: digest_or_none(set_sha256)?,
        first_attempt_at: moment_or_none(first_attempt_at)?,
        open,
    }))
}

/// A first word that is still without a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreceipted {
    /// Which.
    pub message: MessageId,
    /// To whom.
    pub partner: PartnerId,
    /// Of which exchange.
    pub exchange: Option<ExchangeId>,
    /// Of which incident.
    pub incident: Option<IncidentId>,
}

/// First words of which nobody noted yet since when they wait, at most `limit`: they may never be claimed, as while a partner
/// is suspended or has no way to be told.
///
/// # Errors
/// Those of the database.
pub fn unnoted(rows: &mut Rows<'_>, limit: usize) -> Result<Vec<MessageId>, StoreError> {
    let found: Vec<Vec<u8>> = outbox::table
        .filter(outbox::open)
        .filter(diesel::dsl::not(outbox::alerted))
        .filter(outbox::claimed_at.is_null())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(outbox::id)
        .load(rows.db)?;
    found.iter().map(|id| MessageId::from_slice(id).map_err(StoreError::corrupt("outbox", "an id"))).collect()
}

/// Notes that these messages wait at least since `elapsed` (machine time), for [`unreceipted`].
///
/// # Errors
/// Those of the database.
pub fn note_waiting(turn: &mut Turn<'_>, messages: &[MessageId], elapsed: Moment) -> Result<(), StoreError> {
    let ids: Vec<_> = messages.iter().map(|message| message.as_bytes().to_vec()).collect();
    claim::mark_claimed(turn.rows(), &ids, elapsed)
}

/// First words that have waited for a quarter of an hour of machine time, have no receipt, and were not alerted.
///
/// # Errors
/// Those of the database.
pub fn unreceipted(rows: &mut Rows<'_>, elapsed: Moment, limit: u32) -> Result<Vec<Unreceipted>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);
    let latest = elapsed.plus_seconds(-delivery::FIRST_WORD_ALERT_SECONDS);
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX);
    let found: Vec<Found> = outbox::table
        .left_join(exchanges::table.on(outbox::exchange_id.eq(exchanges::id.nullable())))
        .filter(outbox::open)
        .filter(diesel::dsl::not(outbox::alerted))
        .filter(outbox::claimed_at.le(latest.micros()).or(outbox::claimed_at.gt(ahead.micros())))
        .order(outbox::claimed_at)
        .limit(i64::from(limit))
        .select((outbox::id, outbox::partner_id, outbox::exchange_id, exchanges::incident_id.nullable()))
        .load(rows.db)?;
    let corrupt = || StoreError::corrupt("outbox", "an id");
    found
        .into_iter()
        .map(|(message, partner, exchange, incident)| {
            Ok(Unreceipted {
                message: MessageId::from_slice(&message).map_err(corrupt())?,
                partner: PartnerId::from_slice(&partner).map_err(corrupt())?,
                exchange: exchange.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(corrupt())?,
                incident: incident.map(|id| IncidentId::from_slice(&id)).transpose().map_err(corrupt())?,
            })
        })
        .collect()
}

/// The missing receipt of a first word was alerted, or needs no alert.
///
/// # Errors
/// Those of the database.
pub fn mark_alerted(turn: &mut Turn<'_>, message: MessageId) -> Result<(), StoreError> {
    diesel::update(outbox::table.find(message.as_bytes().as_slice()))
        .set(outbox::alerted.eq(true))
        .execute(turn.rows().db)?;
    Ok(())
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("outbox", "an instant"))
}

fn moment_or_none(micros: Option<i64>) -> Result<Option<Moment>, StoreError> {
    micros.map(moment).transpose()
}

fn digest_or_none(octets: Option<Vec<u8>>) -> Result<Option<Digest32>, StoreError> {
    octets.map(|octets| Digest32::from_slice(&octets)).transpose().map_err(StoreError::corrupt("outbox", "a digest"))
}

fn count(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}

fn stored_lease(lease: Uuid) -> Vec<u8> {
    lease.as_bytes().to_vec()
}
