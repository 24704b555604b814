//! What is done under a lease: sealing, recording what came of an attempt, giving the lane back.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::delivery::{Channel, Class, FIRST_WORD_SECONDS, Heard, ItemNext, Lane as BackOff, Next};
use domain::values::{Digest32, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::claim::{Claimed, outcome_word};
use super::queue::forget_heartbeat;
use super::{ATTEMPTS_KEPT, OutKind, count, lane_over, moment_or_none, stored_lease};
use crate::store::backend::bulk::{Value, update_many};
use crate::store::schema::{attempts, exchanges, lanes, outbox};
use crate::store::{EntryKind, Rows, StoreError, Turn, alerts};

/// Open messages of a lane looked at to find when the next is due.
const LOOKED_AT: i64 = 200;

/// A message sealed outside the turn, to be kept before it is sent.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: Channel,
    /// Which message.
    pub message: MessageId,
    /// The lane's next number, or the one it has when it is signed anew; `None` for a heartbeat.
    pub seq: Option<i64>,
    /// Digest of the payload.
    pub payload_sha256: Digest32,
    /// Digest of the octets.
    pub set_sha256: Digest32,
    /// The octets as sent: a compact token.
    pub octets: Vec<u8>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct ItemRow {
    id: Vec<u8>,
    exchange_id: Option<Vec<u8>>,
    seq: Option<i64>,
    payload_sha256: Option<Vec<u8>>,
    first_attempt_at: Option<i64>,
}

/// Keeps sealed octets: an entry each, and the lane's next number. Answers which messages may be sent: those whose lane's
/// lease still holds, which are still open, and which are numbered as the lane says.
///
/// # Errors
/// Those of the database.
pub fn keep_sealed(turn: &mut Turn<'_>, lease: Uuid, items: Vec<Sealed>) -> Result<Vec<MessageId>, StoreError> {
    let now = turn.now().micros();
    let rows = turn.rows();
    let partners: Vec<_> = items.iter().map(|item| item.partner.as_bytes().to_vec()).collect();
    let mut next: HashMap<(Vec<u8>, String), i64> = lanes::table
        .filter(lanes::partner_id.eq_any(&partners))
        .filter(lanes::lease.eq(stored_lease(lease)))
        .select((lanes::partner_id, lanes::channel, lanes::next_seq))
        .load::<(Vec<u8>, String, i64)>(rows.db)?
        .into_iter()
        .map(|(partner, channel, next_seq)| ((partner, channel), next_seq))
        .collect();
    let known = load_items(rows, &items)?;
    let subjects = load_subjects(rows, &known)?;
    let (mut kept, mut item_rows, mut lane_rows) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        let lane = (item.partner.as_bytes().to_vec(), item.channel.word().to_owned());
        let (Some(row), Some(next_seq)) = (known.get(item.message.as_bytes().as_slice()), next.get_mut(&lane)) else {
            continue;
        };
        let payload = item.payload_sha256.as_bytes().to_vec();
        let again = row.payload_sha256.is_some();
        if again && (row.seq != item.seq || row.payload_sha256.as_ref() != Some(&payload)) {
            continue;
        }
        if !again && let Some(seq) = item.seq {
            if seq != *next_seq {
                continue;
            }
            *next_seq = seq.saturating_add(1);
            lane_rows.push(vec![
                Value::Octets(Some(lane.0)),
                Value::Text(Some(lane.1)),
                Value::Big(Some(*next_seq)),
                Value::Octets(Some(payload.clone())),
            ]);
        }
        let subject = row.exchange_id.as_ref().and_then(|id| subjects.get(id)).copied();
        let entry = turn.append(EntryKind::SetSent, None, subject, &item.octets)?;
        item_rows.push(vec![
            Value::Octets(Some(item.message.as_bytes().to_vec())),
            Value::Big(item.seq),
            Value::Octets(Some(payload)),
            Value::Octets(Some(item.set_sha256.as_bytes().to_vec())),
            Value::Big(i64::try_from(entry).ok()),
            Value::Text(Some("sealed".to_owned())),
            Value::Big(Some(row.first_attempt_at.unwrap_or(now))),
        ]);
        kept.push(item.message);
    }
    let columns = ["seq", "payload_sha256", "set_sha256", "set_entry", "state", "first_attempt_at"];
    update_many(turn.rows().db, "outbox", &["id"], &columns, &item_rows)?;
    update_many(turn.rows().db, "lanes", &["partner_id", "channel"], &["next_seq", "last_payload"], &lane_rows)?;
    Ok(kept)
}

fn load_items(rows: &mut Rows<'_>, items: &[Sealed]) -> Result<HashMap<Vec<u8>, ItemRow>, StoreError> {
    let ids: Vec<_> = items.iter().map(|item| item.message.as_bytes().to_vec()).collect();
    let found =
        outbox::table.filter(outbox::id.eq_any(ids)).filter(outbox::open).select(ItemRow::as_select()).load(rows.db)?;
    Ok(found.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// What the entries of these messages are filed under: the incident, or the exchange without one.
fn load_subjects(rows: &mut Rows<'_>, items: &HashMap<Vec<u8>, ItemRow>) -> Result<HashMap<Vec<u8>, Uuid>, StoreError> {
    let ids: Vec<_> = items.values().filter_map(|row| row.exchange_id.as_ref()).collect();
    let found: Vec<(Vec<u8>, Option<Vec<u8>>)> = exchanges::table
        .filter(exchanges::id.eq_any(ids))
        .select((exchanges::id, exchanges::incident_id))
        .load(rows.db)?;
    let corrupt = || StoreError::corrupt("exchanges", "an id");
    found
        .into_iter()
        .map(|(id, incident)| {
            let subject = Uuid::from_slice(incident.as_deref().unwrap_or(&id)).map_err(corrupt())?;
            Ok((id, subject))
        })
        .collect()
}

/// What came of one attempt, and what `domain::delivery` decided on it. Made by [`Claimed::finished`].
#[derive(Debug, Clone)]
pub struct Finished {
    partner: PartnerId,
    channel: Channel,
    message: MessageId,
    kind: OutKind,
    attempts: u32,
    failures: u32,
    same_outcome: u32,
    heard: Heard,
    status: Option<u16>,
    elapsed: Moment,
    took_ms: u32,
    /// The lane as it was claimed.
    lane: BackOff,
    next: Next,
}

/// A line of the list of attempts.
#[derive(Insertable)]
#[diesel(table_name = attempts, treat_none_as_default_value = false)]
pub(super) struct Listed {
    message: Vec<u8>,
    number: i32,
    at: i64,
    outcome: &'static str,
    status: Option<i32>,
    took_ms: i32,
}

impl Finished {
    pub(super) const fn message(&self) -> MessageId {
        self.message
    }

    /// Whose lane it went over, and when it ended (machine time).
    pub(super) const fn over(&self) -> (&PartnerId, Moment) {
        (&self.partner, self.elapsed)
    }

    /// Which attempt it was.
    pub(super) const fn number(&self) -> u32 {
        self.attempts.saturating_add(1)
    }

    /// How many attempts in a row came to the same, this one included.
    pub(super) const fn times(&self) -> u32 {
        self.same_outcome.saturating_add(1)
    }

    pub(super) fn listed(&self, now: Moment) -> Listed {
        let stored = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        Listed {
            message: self.message.as_bytes().to_vec(),
            number: stored(self.number()),
            at: now.micros(),
            outcome: outcome_word(self.heard),
            status: self.status.map(i32::from),
            took_ms: stored(self.took_ms),
        }
    }
}

impl Claimed {
    /// What came of the attempt that this claim was for: what was heard, the HTTP status of an answer, when it ended
    /// (machine time), how many milliseconds it took, and what follows.
    #[must_use]
    pub fn finished(&self, heard: Heard, status: Option<u16>, elapsed: Moment, took_ms: u32, next: Next) -> Finished {
        Finished {
            partner: self.partner,
            channel: self.channel,
            message: self.message,
            kind: self.kind,
            attempts: self.attempts,
            failures: self.failures,
            same_outcome: self.history(heard).same_outcome,
            heard,
            status,
            elapsed,
            took_ms,
            lane: self.lane,
            next,
        }
    }
}

/// Records an attempt and gives the lane back. Answers false, and changes nothing, when the lease was lost. A receipt
/// itself is recorded by [`receipted`], in the same turn.
///
/// # Errors
/// Those of the database.
pub fn finish(turn: &mut Turn<'_>, lease: Uuid, finished: &Finished) -> Result<bool, StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let Some(lane) = lane_from_now_on(rows, lease, finished)? else { return Ok(false) };
    let waits_until = lane.next_attempt_at.filter(|until| *until > finished.elapsed);
    // While the lane backs off, the lane decides; clearing it frees the message too.
    let own_next = match finished.next.item {
        ItemNext::RetryAt(at) if waits_until.is_none() => Some(at),
        ItemNext::RetryAt(_) | ItemNext::Done | ItemNext::Park { .. } => None,
    };
    let mut open = open_messages(rows, finished.partner.as_bytes(), finished.channel, Some(finished.message))?;
    if matches!(finished.next.item, ItemNext::RetryAt(_)) {
        open.push(OpenMessage {
            class: finished.kind.class(),
            tried: true,
            next_attempt_at: own_next.map(Moment::micros),
        });
    }
    let due_at = due_of(&open, waits_until.map(Moment::micros), Some(finished.elapsed.micros()));
    let lane = BackOff { next_attempt_at: waits_until, ..lane };
    if !give_back(rows, lease, finished, lane, due_at)? {
        return Ok(false);
    }
    record_attempt(rows, finished, own_next, now)?;
    if finished.next.item == ItemNext::Done && finished.kind == OutKind::Heartbeat {
        forget_heartbeat(rows, finished.message)?;
    }
    // A receipt ended what was wrong already, when it was recorded.
    if finished.heard == Heard::Accepted {
        let partner = finished.partner.as_bytes().as_slice();
        alerts::end_with(turn, &[partner], &[finished.message.as_bytes().as_slice()])?;
    }
    Ok(true)
}

/// The lane after an attempt. Another one than was claimed shows that its back-off was ended meanwhile: that counts. `None`
/// when the lease was lost.
fn lane_from_now_on(rows: &mut Rows<'_>, lease: Uuid, finished: &Finished) -> Result<Option<BackOff>, StoreError> {
    if finished.lane == BackOff::CLEAR {
        return Ok(Some(finished.next.lane));
    }
    let held: Option<(i32, Option<i64>)> = lane_over(finished.partner, finished.channel)
        .filter(lanes::lease.eq(stored_lease(lease)))
        .select((lanes::fail_count, lanes::waits_until))
        .first(rows.db)
        .optional()?;
    let Some((fail_count, waits_until)) = held else { return Ok(None) };
    let now = BackOff { fail_count: count(fail_count), next_attempt_at: moment_or_none(waits_until)? };
    Ok(Some(if now == finished.lane { finished.next.lane } else { finished.next.cleared }))
}

fn give_back(
    rows: &mut Rows<'_>,
    lease: Uuid,
    finished: &Finished,
    lane: BackOff,
    due_at: Option<i64>,
) -> Result<bool, StoreError> {
    let elapsed = finished.elapsed.micros();
    let fail_count = i32::try_from(lane.fail_count).unwrap_or(i32::MAX);
    let this = || lane_over(finished.partner, finished.channel);
    let held = this().filter(lanes::lease.eq(stored_lease(lease)));
    let changed = diesel::update(held)
        .set((
            lanes::lease.eq(None::<Vec<u8>>),
            lanes::lease_until.eq(None::<i64>),
            lanes::fail_count.eq(fail_count),
            lanes::waits_until.eq(lane.next_attempt_at.map(Moment::micros)),
            lanes::tried_at.eq(elapsed),
            lanes::due_at.eq(due_at),
        ))
        .execute(rows.db)?;
    if changed == 0 {
        return Ok(false);
    }
    if finished.next.item == ItemNext::Done {
        diesel::update(this()).set(lanes::failed_since.eq(None::<i64>)).execute(rows.db)?;
        if finished.heard == Heard::Receipted {
            diesel::update(this()).set(lanes::proven_at.eq(elapsed)).execute(rows.db)?;
        }
    } else {
        diesel::update(this()).set(lanes::last_failure.eq(outcome_word(finished.heard))).execute(rows.db)?;
        diesel::update(this().filter(lanes::failed_since.is_null()))
            .set(lanes::failed_since.eq(elapsed))
            .execute(rows.db)?;
    }
    if let Some(at) = finished.next.probe_at {
        diesel::update(this()).set(lanes::heartbeat_due_at.eq(at.micros())).execute(rows.db)?;
    }
    Ok(true)
}

fn record_attempt(
    rows: &mut Rows<'_>,
    finished: &Finished,
    own_next: Option<Moment>,
    now: Moment,
) -> Result<(), StoreError> {
    let word = outcome_word(finished.heard);
    let number = finished.number();
    let stored = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let id = finished.message.as_bytes().as_slice();
    let state = match (finished.next.item, finished.heard) {
        (ItemNext::Done, Heard::Accepted) => "accepted",
        (ItemNext::Done, _) => "receipted",
        (ItemNext::Park { .. }, _) => "parked",
        (ItemNext::RetryAt(_), Heard::Unconfirmed) => "unconfirmed",
        (
            ItemNext::RetryAt(_),
            Heard::Receipted
            | Heard::Accepted
            | Heard::NotReached
            | Heard::Busy { .. }
            | Heard::Misdirected { .. }
            | Heard::Refused { .. },
        ) => "waiting",
    };
    // Whatever failed: nobody knows whether it was for the message or for the way to the partner.
    let failed = u32::from(finished.next.item != ItemNext::Done);
    diesel::update(outbox::table.find(id))
        .set((
            outbox::attempts.eq(stored(number)),
            outbox::failures.eq(stored(finished.failures.saturating_add(failed))),
            outbox::last_outcome.eq(word),
            outbox::same_outcome.eq(stored(finished.times())),
            outbox::next_attempt_at.eq(own_next.map(Moment::micros)),
            outbox::last_attempt_at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    if finished.heard == Heard::Accepted {
        let ended = (outbox::state.eq(state), outbox::open.eq(false), outbox::alerted.eq(true));
        diesel::update(outbox::table.find(id).filter(outbox::open)).set(ended).execute(rows.db)?;
    } else if finished.next.item != ItemNext::Done {
        // A receipt or a person may have ended it meanwhile.
        diesel::update(outbox::table.find(id).filter(outbox::open)).set(outbox::state.eq(state)).execute(rows.db)?;
    }
    if number <= ATTEMPTS_KEPT {
        diesel::insert_into(attempts::table).values(&finished.listed(now)).execute(rows.db)?;
    }
    Ok(())
}

/// A verified receipt ended a delivery: `entry` is the receipt's entry, `toe` since when the partner holds the message.
/// Of several receipts the earliest counts. Answers whether anything changed.
///
/// # Errors
/// Those of the database.
pub fn receipted(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    message: MessageId,
    entry: u64,
    toe: Moment,
) -> Result<bool, StoreError> {
    let entry = i64::try_from(entry).map_err(StoreError::corrupt("outbox", "an entry"))?;
    let item = outbox::table
        .find(message.as_bytes().as_slice())
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::receipted_at.is_null().or(outbox::receipted_at.gt(toe.micros())));
    let changed = diesel::update(item)
        .set((
            outbox::state.eq("receipted"),
            outbox::open.eq(false),
            outbox::receipted_at.eq(toe.micros()),
            outbox::receipt_entry.eq(entry),
        ))
        .execute(turn.rows().db)?;
    if changed == 1 {
        alerts::end_with(turn, &[partner.as_bytes().as_slice()], &[message.as_bytes().as_slice()])?;
    }
    Ok(changed == 1)
}

/// Lets a message that we could not write rest until an instant of machine time, and gives its lane back. Answers false,
/// and changes nothing, when the lease was lost.
///
/// # Errors
/// Those of the database.
pub fn rest(
    turn: &mut Turn<'_>,
    lease: Uuid,
    (partner, channel): (PartnerId, Channel),
    message: MessageId,
    until: Moment,
) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let held = diesel::dsl::exists(lane_over(partner, channel).filter(lanes::lease.eq(stored_lease(lease))));
    if !diesel::select(held).get_result::<bool>(rows.db)? {
        return Ok(false);
    }
    diesel::update(outbox::table.find(message.as_bytes().as_slice()))
        .set(outbox::next_attempt_at.eq(until.micros()))
        .execute(rows.db)?;
    settle(rows, (partner.as_bytes(), channel), lease, false)?;
    Ok(true)
}

/// Gives a lane back untried: it stays due.
///
/// # Errors
/// Those of the database.
pub fn release(turn: &mut Turn<'_>, lease: Uuid, partner: PartnerId, channel: Channel) -> Result<(), StoreError> {
    diesel::update(lane_over(partner, channel).filter(lanes::lease.eq(stored_lease(lease))))
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>)))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Gives back a lane that had nothing to send yet, and sets when the next look may find something.
pub(super) fn settle(
    rows: &mut Rows<'_>,
    (partner, channel): (&[u8], Channel),
    lease: Uuid,
    heartbeats_only: bool,
) -> Result<(), StoreError> {
    let this = || lanes::table.find((partner, channel.word())).filter(lanes::lease.eq(stored_lease(lease)));
    let (waits_until, tried_at): (Option<i64>, Option<i64>) =
        this().select((lanes::waits_until, lanes::tried_at)).first(rows.db)?;
    let mut open = open_messages(rows, partner, channel, None)?;
    if heartbeats_only {
        open.retain(|message| message.class == Class::Heartbeat);
    }
    let due_at = due_of(&open, waits_until, tried_at);
    diesel::update(this())
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>), lanes::due_at.eq(due_at)))
        .execute(rows.db)?;
    Ok(())
}

/// A message of a lane that is neither ended nor parked.
pub(super) struct OpenMessage {
    class: Class,
    tried: bool,
    next_attempt_at: Option<i64>,
}

pub(super) fn open_message(kind: &str, attempts: i32, next_attempt_at: Option<i64>) -> Result<OpenMessage, StoreError> {
    let kind = OutKind::from_word(kind).ok_or(StoreError::Corrupt { table: "outbox", what: "a kind" })?;
    Ok(OpenMessage { class: kind.class(), tried: count(attempts) > 0, next_attempt_at })
}

/// Messages of a lane that are neither ended nor parked.
fn open_messages(
    rows: &mut Rows<'_>,
    partner: &[u8],
    channel: Channel,
    but: Option<MessageId>,
) -> Result<Vec<OpenMessage>, StoreError> {
    let mut open = outbox::table
        .filter(outbox::partner_id.eq(partner))
        .filter(outbox::channel.eq(channel.word()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .order((outbox::priority, outbox::position))
        .limit(LOOKED_AT)
        .select((outbox::kind, outbox::attempts, outbox::next_attempt_at))
        .into_boxed();
    if let Some(but) = but {
        open = open.filter(outbox::id.ne(but.as_bytes().to_vec()));
    }
    open.load::<(String, i32, Option<i64>)>(rows.db)?
        .into_iter()
        .map(|(kind, attempts, next_attempt_at)| open_message(&kind, attempts, next_attempt_at))
        .collect()
}

/// When a look at a lane with these messages may find one to send; `None` when there are none. Mirrors
/// `domain::delivery::may_try`.
pub(super) fn due_of(open: &[OpenMessage], waits_until: Option<i64>, tried_at: Option<i64>) -> Option<i64> {
    let rested = tried_at.map_or(0, |tried| tried.saturating_add(FIRST_WORD_SECONDS * 1_000_000));
    open.iter()
        .map(|message| {
            let own = message.next_attempt_at.unwrap_or(0);
            let lane = match waits_until {
                None => 0,
                Some(until) if message.class == Class::FirstWord && !message.tried => until.min(rested),
                Some(until) => until,
            };
            own.max(lane)
        })
        .min()
}
