//! Moving what waits to another channel, when a partner is told another way from now on.
//!
//! A sealed message has its number in its lane and stays there; what was never sealed takes a place in the new lane, in
//! the same order. Workers that hold the old lanes lose their leases, so that nothing is sealed in a lane it has left.

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::PartnerId;

use super::OutKind;
use super::queue::{ensure_lanes, wake};
use crate::store::schema::{lanes, outbox};
use crate::store::{StoreError, Turn};

/// Moves a partner's open messages, but for those that have a number in the stream to its node, to the lane of a channel,
/// where they are sealed anew, and looks at that lane at once, as one
/// that never failed. Answers how many were moved.
///
/// # Errors
/// Those of the database.
pub fn reroute(turn: &mut Turn<'_>, partner: PartnerId, channel: Channel) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let id = partner.as_bytes().to_vec();
    ensure_lanes(rows, vec![(id.clone(), channel)])?;
    let others = lanes::table.filter(lanes::partner_id.eq(&id)).filter(lanes::channel.ne(channel.word()));
    diesel::update(others)
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>)))
        .execute(rows.db)?;
    let movable = outbox::table
        .filter(outbox::partner_id.eq(&id))
        .filter(outbox::open)
        .filter(outbox::channel.ne(channel.word()))
        .filter(outbox::kind.ne(OutKind::Heartbeat.word()))
        // A number in the stream to a partner's node stays taken; over other channels nobody counts.
        .filter(outbox::payload_sha256.is_null().or(outbox::channel.ne(Channel::Node.word())));
    let moved = diesel::update(movable)
        .set((
            outbox::channel.eq(channel.word()),
            outbox::state.eq("queued"),
            outbox::next_attempt_at.eq(None::<i64>),
            outbox::failures.eq(0),
            outbox::seq.eq(None::<i64>),
            outbox::payload_sha256.eq(None::<Vec<u8>>),
            outbox::set_sha256.eq(None::<Vec<u8>>),
            outbox::set_entry.eq(None::<i64>),
        ))
        .execute(rows.db)?;
    diesel::update(lanes::table.find((id.clone(), channel.word())))
        .set((
            lanes::fail_count.eq(0),
            lanes::waits_until.eq(None::<i64>),
            lanes::failed_since.eq(None::<i64>),
            lanes::last_failure.eq(None::<String>),
        ))
        .execute(rows.db)?;
    wake(rows, &[id])?;
    Ok(moved)
}
