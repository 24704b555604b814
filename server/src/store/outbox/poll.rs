//! Messages for a partner that asks for them (protocol §12). Its lane is the same lane, with numbers, `prev` and a lease;
//! only nobody pushes: what waits is handed over when the partner polls.
//!
//! *Contract*: what was handed over is not handed over again for [`REPEAT_SECONDS`], nor for [`PAUSE_SECONDS`] once the
//! partner says that it stored it, and its delivery ends with the receipt alone. *Economy*: the lane's lease keeps two open
//! polls from sealing at once; a poll that finds it held hands over nothing for now.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{ExchangeId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::claim::{self, Claimed};
use super::queue::forget_heartbeat;
use super::{AHEAD_SECONDS_MAX, ATTEMPTS_KEPT, OutKind, moment_or_none, stored_lease, this_lane};
use crate::store::alerts::{self, AlertKind};
use crate::store::schema::{alerts as told_of, attempts, lanes, outbox, partners};
use crate::store::{Rows, StoreError, Turn};

/// A message that was handed over is not handed over again for so long: its receipt is pushed within a minute.
pub const REPEAT_SECONDS: i64 = 60;
/// For how long an acknowledged message rests while its receipt is under way (protocol §12).
pub const PAUSE_SECONDS: i64 = 900;
/// A message that was handed over so long ago and has no receipt is a person's turn (protocol §12).
pub const UNSIGNED_SECONDS: i64 = 3_600;
/// The outcome of handing a message over.
const POLLED: &str = "polled";
/// How long a message that can't be read rests before it is looked at again.
const BROKEN_REST_SECONDS: i64 = 900;

type Waiting = diesel::helper_types::IntoBoxed<'static, outbox::table, crate::store::backend::MultiBackend>;

/// What may be handed over now: open, not parked, due. With `heartbeats_only`, heartbeats.
fn waiting(partner: PartnerId, elapsed: Moment, heartbeats_only: bool) -> Waiting {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    let due = outbox::table
        .into_boxed()
        .filter(outbox::partner_id.eq(partner.as_bytes().to_vec()))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .filter(
            outbox::next_attempt_at
                .is_null()
                .or(outbox::next_attempt_at.le(elapsed.micros()))
                .or(outbox::next_attempt_at.gt(ahead)),
        );
    if heartbeats_only { due.filter(outbox::kind.eq(OutKind::Heartbeat.word())) } else { due }
}

/// Which messages a poll may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// At most so many.
    pub limit: usize,
    /// Messages that have no number yet may get one now.
    pub unsealed: bool,
}

/// Whether a poll would be given something now; and when to look again, if something waits (machine time).
///
/// # Errors
/// Those of the database.
pub fn look(rows: &mut Rows<'_>, partner: PartnerId, elapsed: Moment) -> Result<(bool, Option<Moment>), StoreError> {
    let heartbeats_only = heartbeats_only(rows, partner)?;
    let now: i64 = waiting(partner, elapsed, heartbeats_only).count().get_result(rows.db)?;
    let next: Option<i64> = outbox::table
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .select(diesel::dsl::min(outbox::next_attempt_at))
        .first(rows.db)?;
    Ok((now > 0, moment_or_none(next)?))
}

/// A partner that is not active yet, or a lane that stopped, is given heartbeats only.
fn heartbeats_only(rows: &mut Rows<'_>, partner: PartnerId) -> Result<bool, StoreError> {
    let stopped: Option<Option<String>> = this_lane(partner).select(lanes::stopped).first(rows.db).optional()?;
    let state: Option<String> =
        partners::table.find(partner.as_bytes().as_slice()).select(partners::state).first(rows.db).optional()?;
    Ok(stopped.flatten().is_some() || state.as_deref() != Some("active"))
}

/// Takes the lane's lease and the messages to hand over, in their order: numbered ones by number, then heartbeats, then
/// those that get their number now. `None`: another poll has the lease. An empty list leaves the lease free.
///
/// A message that can't be read is alerted and rests, as in [`super::claim`].
///
/// # Errors
/// Those of the database.
pub fn claim_polled(
    turn: &mut Turn<'_>,
    lease: Uuid,
    partner: PartnerId,
    elapsed: Moment,
    lease_until: Moment,
    given: Given,
) -> Result<Option<Vec<Claimed>>, StoreError> {
    let rows = turn.rows();
    let heartbeats_only = heartbeats_only(rows, partner)?;
    let limit = i64::try_from(given.limit).unwrap_or(i64::MAX);
    let by_number = waiting(partner, elapsed, heartbeats_only).filter(outbox::set_entry.is_not_null());
    // The databases sort NULL to different ends.
    let mut chosen: Vec<Vec<u8>> =
        by_number.order((outbox::seq.is_null(), outbox::seq)).limit(limit).select(outbox::id).load(rows.db)?;
    let left = limit.saturating_sub(i64::try_from(chosen.len()).unwrap_or(i64::MAX));
    let unsealed = waiting(partner, elapsed, heartbeats_only || !given.unsealed).filter(outbox::set_entry.is_null());
    let heartbeats_first = outbox::kind.ne(OutKind::Heartbeat.word());
    let unsealed: Vec<Vec<u8>> = unsealed
        .order((heartbeats_first, outbox::priority, outbox::position))
        .limit(left)
        .select(outbox::id)
        .load(rows.db)?;
    chosen.extend(unsealed);
    if chosen.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some((lanes, partners)) = take_lane(rows, partner, lease, elapsed, lease_until)? else { return Ok(None) };
    claim::mark_claimed(rows, &chosen, elapsed)?;
    let (mut claimed, broken) = claim::assemble(turn, &chosen, &lanes, &partners)?;
    for ((partner, _), message) in broken {
        alerts::raise(turn, AlertKind::OwnFault, Some(partner), None, None, Some(message))?;
        rests(turn.rows(), message, elapsed.plus_seconds(BROKEN_REST_SECONDS))?;
    }
    if claimed.is_empty() {
        give_back(turn.rows(), lease, partner)?;
    }
    let places: HashMap<Vec<u8>, usize> = chosen.into_iter().zip(0..).collect();
    claimed.sort_by_key(|item| places.get(item.message.as_bytes().as_slice()).copied());
    Ok(Some(claimed))
}

/// The partner's lane and the partner, each under its key, as [`claim::assemble`] wants them.
type Taken = (HashMap<claim::Candidate, claim::LaneRow>, HashMap<Vec<u8>, claim::PartnerRow>);

/// Takes the lane's lease. `None`: another poll has it.
fn take_lane(
    rows: &mut Rows<'_>,
    partner: PartnerId,
    lease: Uuid,
    elapsed: Moment,
    lease_until: Moment,
) -> Result<Option<Taken>, StoreError> {
    let lane = (partner.as_bytes().to_vec(), Channel::Node.word().to_owned());
    let won = claim::lease_lanes(rows, &[lane], lease, elapsed, lease_until)?;
    if won.is_empty() {
        return Ok(None);
    }
    let partners = claim::load_partners(rows, &won)?;
    Ok(Some((won.into_iter().map(|lane| (lane.place(), lane)).collect(), partners)))
}

fn rests(rows: &mut Rows<'_>, message: MessageId, until: Moment) -> Result<(), StoreError> {
    diesel::update(outbox::table.find(message.as_bytes().as_slice()))
        .set(outbox::next_attempt_at.eq(until.micros()))
        .execute(rows.db)?;
    Ok(())
}

/// The message refused by the partner in a poll, with the lane's lease taken for recording that. `None` when it is not open
/// on this partner's lane, was never handed over, or another poll has the lease: then it is refused again.
///
/// # Errors
/// Those of the database.
pub fn claim_refused(
    turn: &mut Turn<'_>,
    lease: Uuid,
    partner: PartnerId,
    message: MessageId,
    elapsed: Moment,
    lease_until: Moment,
) -> Result<Option<Claimed>, StoreError> {
    let rows = turn.rows();
    let id = message.as_bytes().to_vec();
    let handed_over: i64 = outbox::table
        .find(&id)
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"))
        .filter(outbox::set_entry.is_not_null())
        .count()
        .get_result(rows.db)?;
    if handed_over == 0 {
        return Ok(None);
    }
    let Some((lanes, partners)) = take_lane(rows, partner, lease, elapsed, lease_until)? else { return Ok(None) };
    let (mut claimed, _) = claim::assemble(turn, &[id], &lanes, &partners)?;
    if claimed.is_empty() {
        give_back(turn.rows(), lease, partner)?;
    }
    Ok(claimed.pop())
}

/// The partner says that it stored these: they are not handed over again until their receipts had time to come. Ids that
/// are not open on its lane are passed over.
///
/// # Errors
/// Those of the database.
pub fn acknowledged(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    messages: &[MessageId],
    elapsed: Moment,
) -> Result<(), StoreError> {
    let ids: Vec<_> = messages.iter().map(|message| message.as_bytes().to_vec()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let until = elapsed.plus_seconds(PAUSE_SECONDS).micros();
    let theirs = outbox::table
        .filter(outbox::id.eq_any(ids))
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::open)
        .filter(outbox::set_entry.is_not_null());
    diesel::update(theirs).set(outbox::next_attempt_at.eq(until)).execute(turn.rows().db)?;
    Ok(())
}

/// Records what is handed over, and gives the lane back. Only what was under this lease is recorded.
///
/// # Errors
/// Those of the database.
pub fn handed_over(
    turn: &mut Turn<'_>,
    lease: Uuid,
    partner: PartnerId,
    items: &[Claimed],
    elapsed: Moment,
) -> Result<bool, StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    if !give_back(rows, lease, partner)? {
        return Ok(false);
    }
    diesel::update(this_lane(partner)).set(lanes::tried_at.eq(elapsed.micros())).execute(rows.db)?;
    let stored = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    for item in items {
        let id = item.message.as_bytes().as_slice();
        let number = item.attempts.saturating_add(1);
        let before = item.last_outcome.as_ref().filter(|(word, _)| word == POLLED).map_or(0, |(_, times)| *times);
        diesel::update(outbox::table.find(id).filter(outbox::open))
            .set((
                outbox::state.eq("unconfirmed"),
                outbox::attempts.eq(stored(number)),
                outbox::last_outcome.eq(POLLED),
                outbox::same_outcome.eq(stored(before.saturating_add(1))),
                outbox::next_attempt_at.eq(elapsed.plus_seconds(REPEAT_SECONDS).micros()),
                outbox::last_attempt_at.eq(now.micros()),
            ))
            .execute(rows.db)?;
        // From the first of a row on the receipt is awaited: `unsigned` needs it, however many attempts went before.
        if number <= ATTEMPTS_KEPT || before == 0 {
            diesel::insert_into(attempts::table)
                .values((
                    attempts::message.eq(id),
                    attempts::number.eq(stored(number)),
                    attempts::at.eq(now.micros()),
                    attempts::outcome.eq(POLLED),
                    attempts::status.eq(200),
                    attempts::took_ms.eq(0),
                ))
                .execute(rows.db)?;
        }
    }
    Ok(true)
}

/// Gives the lane back. Answers whether the lease still held.
fn give_back(rows: &mut Rows<'_>, lease: Uuid, partner: PartnerId) -> Result<bool, StoreError> {
    let held = this_lane(partner).filter(lanes::lease.eq(stored_lease(lease)));
    let changed = diesel::update(held)
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>)))
        .execute(rows.db)?;
    Ok(changed == 1)
}

/// A receipt came as a message of its own: the way to the partner is proven, and a heartbeat that it is for has ended.
/// `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn proven(turn: &mut Turn<'_>, partner: PartnerId, message: MessageId, elapsed: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::update(this_lane(partner))
        .set((lanes::proven_at.eq(elapsed.micros()), lanes::failed_since.eq(None::<i64>)))
        .execute(rows.db)?;
    let heartbeat: i64 = outbox::table
        .find(message.as_bytes().as_slice())
        .filter(outbox::kind.eq(OutKind::Heartbeat.word()))
        .filter(diesel::dsl::not(outbox::open))
        .count()
        .get_result(rows.db)?;
    if heartbeat > 0 { forget_heartbeat(rows, message) } else { Ok(()) }
}

/// Whether [`note_waiting`] would see any.
///
/// # Errors
/// Those of the database.
pub fn is_unseen(rows: &mut Rows<'_>) -> Result<bool, StoreError> {
    let unseen = outbox::table
        .inner_join(partners::table.on(partners::id.eq(outbox::partner_id)))
        .filter(outbox::open)
        .filter(outbox::claimed_at.is_null())
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(partners::push_url.is_null())
        .filter(partners::issuer.is_not_null())
        .filter(partners::state.eq("active"));
    Ok(diesel::select(diesel::dsl::exists(unseen)).get_result(rows.db)?)
}

/// Messages for partners that poll start to wait when this first sees them, so that one that nobody fetches is alerted
/// like one that could not be pushed. Answers how many it saw.
///
/// # Errors
/// Those of the database.
pub fn note_waiting(turn: &mut Turn<'_>, elapsed: Moment) -> Result<usize, StoreError> {
    let pollers = partners::table
        .filter(partners::push_url.is_null())
        .filter(partners::issuer.is_not_null())
        .filter(partners::state.eq("active"))
        .select(partners::id);
    let unseen = outbox::table
        .filter(outbox::open)
        .filter(outbox::claimed_at.is_null())
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::partner_id.eq_any(pollers));
    Ok(diesel::update(unseen).set(outbox::claimed_at.eq(elapsed.micros())).execute(turn.rows().db)?)
}

/// A message that was handed over, and whose receipt did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsigned {
    /// Which.
    pub message: MessageId,
    /// Who fetched it.
    pub partner: PartnerId,
    /// Of which exchange.
    pub exchange: Option<ExchangeId>,
}

/// Messages that were first handed over at an instant of duty time or before, have no receipt and were never told of, at
/// most `limit`, those with the longest wait first.
///
/// # Errors
/// Those of the database.
pub fn unsigned(rows: &mut Rows<'_>, latest: Moment, limit: u32) -> Result<Vec<Unsigned>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let handed_over = attempts::table
        .filter(attempts::message.eq(outbox::id))
        .filter(attempts::outcome.eq(POLLED))
        .filter(attempts::at.le(latest.micros()));
    let told = told_of::table
        .filter(told_of::kind.eq(AlertKind::PolledUnsigned.word()))
        .filter(told_of::message.is_not_null())
        .select(told_of::message.assume_not_null());
    let found: Vec<Found> = outbox::table
        .filter(outbox::open)
        .filter(outbox::id.ne_all(told))
        .filter(outbox::last_outcome.eq(POLLED))
        .filter(outbox::kind.ne(OutKind::Heartbeat.word()))
        .filter(diesel::dsl::exists(handed_over))
        .order(outbox::claimed_at)
        .limit(i64::from(limit))
        .select((outbox::id, outbox::partner_id, outbox::exchange_id))
        .load(rows.db)?;
    let corrupt = || StoreError::corrupt("outbox", "an id");
    found
        .into_iter()
        .map(|(message, partner, exchange)| {
            Ok(Unsigned {
                message: MessageId::from_slice(&message).map_err(corrupt())?,
                partner: PartnerId::from_slice(&partner).map_err(corrupt())?,
                exchange: exchange.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(corrupt())?,
            })
        })
        .collect()
}

/// Uses a poll token's id up. Answers false for one that was used before. Ids are remembered for `memory_seconds` of
/// machine time, a few at a time forgotten here.
///
/// # Errors
/// Those of the database.
pub fn use_token(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    jti: &str,
    elapsed: Moment,
    memory_seconds: i64,
) -> Result<bool, StoreError> {
    use crate::store::schema::poll_tokens;
    let rows = turn.rows();
    let id = partner.as_bytes().as_slice();
    let known: i64 = poll_tokens::table.find((id, jti)).count().get_result(rows.db)?;
    if known > 0 {
        return Ok(false);
    }
    let old = poll_tokens::table.filter(poll_tokens::seen_at.lt(elapsed.plus_seconds(-memory_seconds).micros()));
    diesel::delete(old).execute(rows.db)?;
    diesel::insert_into(poll_tokens::table)
        .values((poll_tokens::partner_id.eq(id), poll_tokens::jti.eq(jti), poll_tokens::seen_at.eq(elapsed.micros())))
        .execute(rows.db)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    //! Whom a person hears of, on both databases.

    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::facts::IncidentKind;

    use super::super::{end_heartbeats, queue_heartbeat};
    use super::*;
    use crate::store::partners::PartnerState;
    use crate::store::projections::samples::{add_partner, advance, log, on_incident, partner_id};
    use crate::store::testing::{at, both, id};

    both!(
        /// Aim: a message that failed more often than is listed, and is fetched at last, is told of like any other.
        long_failing_messages_are_told_of_once_fetched, |store| {
            store.write::<_, StoreError>(at(60), |turn| {
                add_partner(turn, 1, PartnerState::Active)?;
                assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, 1, false))?);
                advance(turn, 1)?;
                let tried = i32::try_from(ATTEMPTS_KEPT).unwrap();
                diesel::update(outbox::table)
                    .set((outbox::attempts.eq(tried), outbox::last_outcome.eq("not_reached"), outbox::same_outcome.eq(tried)))
                    .execute(turn.rows().db)?;
                Ok(())
            }).await.unwrap();
            for seconds in [61, 61 + REPEAT_SECONDS] {
                store.write::<_, StoreError>(at(seconds), move |turn| {
                    let (lease, partner, given) = (id(1), partner_id(1), Given { limit: 9, unsealed: true });
                    let claimed = claim_polled(turn, lease, partner, at(seconds), at(seconds + 90), given)?.unwrap();
                    assert_eq!(claimed.len(), 1);
                    assert!(handed_over(turn, lease, partner, &claimed, at(seconds))?);
                    assert_eq!(unsigned(turn.rows(), at(60), 9)?.len(), 0);
                    assert_eq!(unsigned(turn.rows(), at(61), 9)?.len(), 1, "since it was first fetched");
                    let kept: i64 = attempts::table.count().get_result(turn.rows().db)?;
                    assert_eq!(kept, 1, "of those that follow, only counters grow");
                    Ok(())
                }).await.unwrap();
            }
        }
    );

    both!(
        /// Aim: a pairing's end closes its signs of life with what was wrong with them, also while one is under way; what is
        /// told of others stays.
        signs_of_life_end_with_the_pairing, |store| {
            store.write::<_, StoreError>(at(60), |turn| {
                let (lease, given) = (id(1), Given { limit: 9, unsealed: true });
                for partner in 1..=2 {
                    add_partner(turn, partner, PartnerState::Active)?;
                    let message = MessageId::from_uuid(id(partner));
                    assert!(queue_heartbeat(turn, partner_id(partner), message, at(60))?);
                    for kind in [AlertKind::HeartbeatRefused, AlertKind::Misdirected, AlertKind::Unconfirmed] {
                        alerts::raise(turn, kind, Some(partner_id(partner)), None, None, Some(message))?;
                    }
                }
                let under_way = claim_polled(turn, lease, partner_id(1), at(60), at(150), given)?.unwrap();
                assert_eq!(under_way.len(), 1);
                assert_eq!(end_heartbeats(turn, partner_id(1))?, 1);
                assert!(!handed_over(turn, lease, partner_id(1), &under_way, at(61))?, "its lease is lost");
                let left = alerts::open(turn.rows(), 99)?;
                assert_eq!(left.len(), 3);
                assert!(left.iter().all(|alert| alert.partner == Some(partner_id(2))));
                assert!(claim_polled(turn, lease, partner_id(1), at(60), at(150), given)?.unwrap().is_empty());
                assert_eq!(end_heartbeats(turn, partner_id(1))?, 0);
                Ok(())
            }).await.unwrap();
        }
    );

    both!(
        /// Aim: what was told of makes room for what waits behind it.
        unsigned_messages_are_told_of_in_turn, |store| {
            store.write::<_, StoreError>(at(60), |turn| {
                for partner in 1..=5 {
                    add_partner(turn, partner, PartnerState::Active)?;
                }
                assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, 5, false))?);
                advance(turn, 1)?;
                diesel::update(outbox::table)
                    .set((outbox::last_outcome.eq(POLLED), outbox::claimed_at.eq(at(60).micros())))
                    .execute(turn.rows().db)?;
                let messages: Vec<Vec<u8>> = outbox::table.select(outbox::id).load(turn.rows().db)?;
                for message in messages {
                    let attempt = (
                        attempts::message.eq(message),
                        attempts::number.eq(1),
                        attempts::at.eq(at(61).micros()),
                        attempts::outcome.eq(POLLED),
                        attempts::took_ms.eq(0),
                    );
                    diesel::insert_into(attempts::table).values(attempt).execute(turn.rows().db)?;
                }
                assert_eq!(unsigned(turn.rows(), at(60), 9)?, [], "they wait since then, and were fetched later");
                Ok(())
            }).await.unwrap();
            store.write::<_, StoreError>(at(4_000), |turn| {
                let mut told = std::collections::BTreeSet::new();
                for left in [5_usize, 3, 1, 0] {
                    let some = unsigned(turn.rows(), at(61), 2)?;
                    assert_eq!(some.len(), left.min(2));
                    for item in some {
                        assert!(told.insert(item.message));
                        let (kind, message) = (AlertKind::PolledUnsigned, Some(item.message));
                        alerts::raise(turn, kind, Some(item.partner), item.exchange, None, message)?;
                        alerts::clear(turn, kind, Some(item.partner), message)?;
                    }
                }
                Ok(())
            }).await.unwrap();
        }
    );
}
