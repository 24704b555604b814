//! What a partner turns out not to hold any more, and how its node stands with ours (protocol §10, §13).

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{MessageId, Moment, PartnerId};

use super::{moment_or_none, queue, this_lane};
use crate::store::schema::{lanes, outbox, partners};
use crate::store::{Rows, StoreError, Turn, ledger};

/// Messages sent again for one receipt; the next receipt names what is left.
pub const RESENT_MAX: i64 = 100;
/// What is lost again and again rests so long for each attempt there was, in microseconds.
const REST_MICROS: i64 = 5_000_000;
/// Partners in one answer.
const PARTNERS_MAX: i64 = 10_000;

/// Sends messages again that the partner signed for and has lost since (a restored backup): those numbered above its
/// `head`, and the `missing` ones, as it stated them at `toe` by its own clock. What it signed for at that instant or
/// later was under way. The octets are the same; what was erased here meanwhile stays erased. Answers which.
///
/// # Errors
/// Those of the database.
pub fn reopen_lost(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    head: u64,
    missing: &[u64],
    toe: Moment,
) -> Result<Vec<MessageId>, StoreError> {
    let now = turn.now().micros();
    let rows = turn.rows();
    let head = i64::try_from(head).unwrap_or(i64::MAX);
    let missing: Vec<i64> = missing.iter().filter_map(|seq| i64::try_from(*seq).ok()).collect();
    type Lost = (Vec<u8>, Option<i64>, i32, Option<i64>);
    let lost: Vec<Lost> = outbox::table
        .filter(outbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(outbox::channel.eq(Channel::Node.word()))
        .filter(outbox::receipted_at.lt(toe.micros()))
        .filter(diesel::dsl::not(outbox::open))
        .filter(outbox::seq.gt(head).or(outbox::seq.eq_any(missing)))
        .order(outbox::seq)
        .limit(RESENT_MAX)
        .select((outbox::id, outbox::set_entry, outbox::attempts, outbox::last_attempt_at))
        .load(rows.db)?;
    let mut again = Vec::with_capacity(lost.len());
    for (id, entry, attempts, tried) in lost {
        // Sent a moment ago: whoever goes on losing it waits longer each time.
        let rest = i64::from(attempts.clamp(1, 180)) * REST_MICROS;
        if tried.is_some_and(|tried| now < tried.saturating_add(rest)) {
            continue;
        }
        let Some(entry) = entry.and_then(|entry| u64::try_from(entry).ok()) else { continue };
        if ledger::object(rows, entry)?.is_some() {
            again.push(id);
        }
    }
    diesel::update(outbox::table.filter(outbox::id.eq_any(&again)))
        .set((
            outbox::state.eq("sealed"),
            outbox::open.eq(true),
            outbox::next_attempt_at.eq(None::<i64>),
            outbox::failures.eq(0),
            outbox::same_outcome.eq(0),
        ))
        .execute(rows.db)?;
    queue::wake_lane(rows, partner)?;
    again.iter().map(|id| MessageId::from_slice(id).map_err(StoreError::corrupt("outbox", "an id"))).collect()
}

/// A receipt that proves no more than the one held. Answers whether it is another one than that, to be kept beside it. A
/// message that was being sent again has arrived.
///
/// # Errors
/// Those of the database.
pub fn signed_again(turn: &mut Turn<'_>, message: MessageId, receipt: &[u8]) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let id = message.as_bytes().as_slice();
    let found: Option<(bool, Option<i64>)> = outbox::table
        .find(id)
        .filter(outbox::receipted_at.is_not_null())
        .select((outbox::open, outbox::receipt_entry))
        .first(rows.db)
        .optional()?;
    let Some((open, entry)) = found else { return Ok(false) };
    if open {
        diesel::update(outbox::table.find(id))
            .set((outbox::state.eq("receipted"), outbox::open.eq(false)))
            .execute(rows.db)?;
    }
    let Some(entry) = entry.and_then(|entry| u64::try_from(entry).ok()) else { return Ok(false) };
    // Held in this very batch: it is the same attempt.
    let held = ledger::object(rows, entry)?;
    Ok(held.is_some_and(|held| held != receipt))
}

/// Authenticated messages came from these partners: for each, what [`super::heard_from`] does. Answers whether anything
/// waits for one of them. `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn heard_from_all(turn: &mut Turn<'_>, partners: &[PartnerId], elapsed: Moment) -> Result<bool, StoreError> {
    let ids: Vec<&[u8]> = partners.iter().map(|partner| partner.as_bytes().as_slice()).collect();
    let theirs =
        || lanes::table.filter(lanes::channel.eq(Channel::Node.word())).filter(lanes::partner_id.eq_any(ids.clone()));
    let rows = turn.rows();
    diesel::update(theirs())
        .set((
            lanes::heard_at.eq(elapsed.micros()),
            lanes::fail_count.eq(0),
            lanes::waits_until.eq(None::<i64>),
            lanes::failed_since.eq(None::<i64>),
        ))
        .execute(rows.db)?;
    let waiting = theirs().filter(lanes::due_at.is_not_null());
    Ok(diesel::update(waiting).set(lanes::due_at.eq(0)).execute(rows.db)? > 0)
}

/// Keeps how far the partner's clock is ahead of ours, in seconds, as last estimated.
///
/// # Errors
/// Those of the database.
pub fn set_skew(turn: &mut Turn<'_>, partner: PartnerId, seconds: i64) -> Result<(), StoreError> {
    let seconds = i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX });
    diesel::update(this_lane(partner)).set(lanes::skew_seconds.eq(seconds)).execute(turn.rows().db)?;
    Ok(())
}

/// How far the partner's clock is ahead of ours, in seconds, as last estimated.
///
/// # Errors
/// Those of the database.
pub fn skew(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<i32>, StoreError> {
    let found: Option<Option<i32>> = this_lane(partner).select(lanes::skew_seconds).first(rows.db).optional()?;
    Ok(found.flatten())
}

/// An active partner's node as it stands with ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub partner: PartnerId,
    /// When a receipt last proved the way to it (machine time).
    pub proven_at: Option<Moment>,
    /// How far its clock is ahead of ours, in seconds.
    pub skew_seconds: Option<i32>,
}

/// Active partners' nodes that signed for nothing since `unproven_since` (machine time), or whose clocks differ from ours
/// by more than `skew_seconds`.
///
/// # Errors
/// Those of the database.
pub fn doubtful(rows: &mut Rows<'_>, unproven_since: Moment, skew_seconds: i32) -> Result<Vec<Standing>, StoreError> {
    let found: Vec<(Vec<u8>, Option<i64>, Option<i32>)> = lanes::table
        .inner_join(partners::table.on(partners::id.eq(lanes::partner_id)))
        .filter(lanes::channel.eq(Channel::Node.word()))
        .filter(partners::state.eq("active"))
        .filter(
            lanes::proven_at
                .lt(unproven_since.micros())
                .or(lanes::skew_seconds.gt(skew_seconds))
                .or(lanes::skew_seconds.lt(skew_seconds.saturating_neg())),
        )
        .limit(PARTNERS_MAX)
        .select((lanes::partner_id, lanes::proven_at, lanes::skew_seconds))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(partner, proven_at, skew_seconds)| {
            Ok(Standing {
                partner: PartnerId::from_slice(&partner).map_err(StoreError::corrupt("lanes", "a partner"))?,
                proven_at: moment_or_none(proven_at)?,
                skew_seconds,
            })
        })
        .collect()
}
