//! Lasting checks on partners' nodes (protocol §8, §10, §13): what is missing of their messages, what they have lost of
//! ours, what they fetched and did not sign for, whether anything proves that they are there, and their clocks.
//!
//! Gaps and losses mend themselves, because open messages are sent again; here it is seen to that a person hears when they
//! do not. Lengths of time are machine time: back-off and heartbeats count in it.

use std::collections::BTreeSet;

use domain::values::{Moment, PartnerId};
use webhooks::receipt::VerifiedReceipt;

use super::{DoorError, Node};
use crate::store::alerts::{self, AlertKind};
use crate::store::inbox::{self, Gap};
use crate::store::outbox::{self, catch_up, poll};
use crate::store::{Rows, StoreError, Turn};

/// Between two rounds, in machine seconds.
const ROUND_SECONDS: i64 = 60;
/// A gap is shown after so long …
pub const GAP_SHOWN_SECONDS: i64 = 120;
/// … and alerted after so long (protocol §10).
const GAP_ALERT_SECONDS: i64 = 900;
/// A node that signed for nothing for so long is warned of …
pub const UNPROVEN_SECONDS: i64 = 26 * 3_600;
/// … and for so long, alarmed about (protocol §13).
const UNPROVEN_LONG_SECONDS: i64 = 72 * 3_600;
/// Clocks that differ by more are noted on the partner's page …
pub const SKEW_SHOWN_SECONDS: i32 = 60;
/// … and by more than this, alarmed about (protocol §13).
const SKEW_ALERT_SECONDS: i32 = 300;
/// A clock that stays wrong is told of once a day.
const SKEW_AGAIN_SECONDS: i64 = 86_400;
/// Messages without a receipt told of in one round.
const UNSIGNED_MAX: u32 = 250;
/// Alerts raised or cleared in one turn: nobody else waits for the writer longer than 100 ms (ruling 22).
const TOLD_MAX: usize = 250;

/// Alerts that end by themselves when what they tell of does.
const ENDING: [AlertKind; 4] = [AlertKind::Gap, AlertKind::NotProven, AlertKind::NotProvenLong, AlertKind::ClockSkew];

/// How a partner's node stands with ours, for its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What is missing of its messages.
    pub gap: Option<Gap>,
    /// How far its clock is ahead of ours, in seconds, as last estimated.
    pub skew_seconds: Option<i32>,
}

impl Standing {
    pub(super) fn read(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Self, StoreError> {
        Ok(Self { gap: inbox::gap(rows, partner)?, skew_seconds: catch_up::skew(rows, partner)? })
    }
}

/// Something about a partner that a person should know, true since an instant of machine time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Trouble {
    kind: AlertKind,
    partner: PartnerId,
    since: Moment,
}

impl Node {
    /// One round of checks, at most once a minute. Says how many alerts it raised or cleared.
    pub(super) async fn catch_up(&self) -> Result<usize, DoorError> {
        let elapsed = self.time.elapsed();
        if !self.catching_up.is_due(elapsed, ROUND_SECONDS) {
            return Ok(0);
        }
        let now = self.time.now();
        // Attempts are listed in duty time, of which more passes in an hour of the machine while it runs fast.
        let speed = i64::from(self.time.speed().max(1));
        let fetched = now.plus_seconds(-poll::UNSIGNED_SECONDS.saturating_mul(speed));
        let Round { unseen, unsigned, new, over } =
            self.store.read(move |rows| Round::look(rows, elapsed, now, fetched)).await?;
        let mut told = 0;
        if unseen || unsigned {
            let noting = self.store.write(now, move |turn| {
                poll::note_waiting(turn, elapsed)?;
                Ok::<_, DoorError>(tell_unsigned(turn, fetched)?)
            });
            told += noting.await?;
        }
        for some in new.chunks(TOLD_MAX).map(<[Trouble]>::to_vec) {
            told += some.len();
            let raising = self.store.write(now, move |turn| {
                for trouble in some {
                    alerts::raise(turn, trouble.kind, Some(trouble.partner), None, None, None)?;
                }
                Ok::<_, DoorError>(())
            });
            raising.await?;
        }
        for some in over.chunks(TOLD_MAX).map(<[Open]>::to_vec) {
            told += some.len();
            let clearing = self.store.write(now, move |turn| {
                for (kind, partner) in some {
                    alerts::clear(turn, kind, Some(partner), None)?;
                }
                Ok::<_, DoorError>(())
            });
            clearing.await?;
        }
        Ok(told)
    }
}

/// An alert that is open.
type Open = (AlertKind, PartnerId);

/// What one round has to record. Whatever is on record already is left out, so that most rounds write nothing.
struct Round {
    /// Messages wait for partners that poll, and nobody noted since when.
    unseen: bool,
    /// Something that was fetched has no receipt, and nobody was told.
    unsigned: bool,
    new: Vec<Trouble>,
    over: Vec<Open>,
}

impl Round {
    /// `fetched`: what was handed over then (duty time) should have its receipt.
    fn look(rows: &mut Rows<'_>, elapsed: Moment, now: Moment, fetched: Moment) -> Result<Self, StoreError> {
        let troubles = troubles(rows, elapsed)?;
        let there: BTreeSet<Open> = troubles.iter().map(|it| (it.kind, it.partner)).collect();
        let open: BTreeSet<Open> = alerts::open(rows, u32::MAX)?
            .into_iter()
            .filter(|alert| ENDING.contains(&alert.kind))
            .filter_map(|alert| Some((alert.kind, alert.partner?)))
            .collect();
        let mut new = Vec::new();
        for trouble in troubles {
            let since = now.plus_seconds(trouble.since.seconds_since(elapsed));
            let told = open.contains(&(trouble.kind, trouble.partner))
                || alerts::raised_since(rows, trouble.kind, trouble.partner, None, since)?;
            if !told {
                new.push(trouble);
            }
        }
        Ok(Self {
            unseen: poll::is_unseen(rows)?,
            unsigned: !poll::unsigned(rows, fetched, 1)?.is_empty(),
            new,
            over: open.difference(&there).copied().collect(),
        })
    }
}

/// Tells of messages that were fetched and have no receipt; answers of how many. It looks by itself, in the turn that tells:
/// a receipt may have come since anybody looked before.
fn tell_unsigned(turn: &mut Turn<'_>, fetched: Moment) -> Result<usize, StoreError> {
    let unsigned = poll::unsigned(turn.rows(), fetched, UNSIGNED_MAX)?;
    for item in &unsigned {
        let (partner, message) = (Some(item.partner), Some(item.message));
        alerts::raise(turn, AlertKind::PolledUnsigned, partner, item.exchange, None, message)?;
    }
    Ok(unsigned.len())
}

fn troubles(rows: &mut Rows<'_>, elapsed: Moment) -> Result<Vec<Trouble>, StoreError> {
    let mut found: Vec<Trouble> = inbox::gaps(rows, elapsed.plus_seconds(-GAP_ALERT_SECONDS))?
        .into_iter()
        .map(|gap| Trouble { kind: AlertKind::Gap, partner: gap.partner, since: gap.since })
        .collect();
    let unproven_since = elapsed.plus_seconds(-UNPROVEN_SECONDS);
    for standing in catch_up::doubtful(rows, unproven_since, SKEW_ALERT_SECONDS)? {
        let partner = standing.partner;
        if let Some(since) = standing.proven_at.filter(|at| *at < unproven_since) {
            found.push(Trouble { kind: AlertKind::NotProven, partner, since });
            if elapsed.seconds_since(since) > UNPROVEN_LONG_SECONDS {
                found.push(Trouble { kind: AlertKind::NotProvenLong, partner, since });
            }
        }
        if standing.skew_seconds.is_some_and(|skew| skew.unsigned_abs() > SKEW_ALERT_SECONDS.unsigned_abs()) {
            let since = elapsed.plus_seconds(-SKEW_AGAIN_SECONDS);
            found.push(Trouble { kind: AlertKind::ClockSkew, partner, since });
        }
    }
    Ok(found)
}

/// A receipt states less than the partner signed for before: it has lost data (a restored backup). What it lost is sent
/// again, and a person is told. `next_seq` is the lane's next number.
pub(super) fn mend_loss(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    receipt: &VerifiedReceipt,
    next_seq: u64,
) -> Result<(), StoreError> {
    let stated = receipt.receipt();
    if stated.missing.is_empty() && stated.head.seq.saturating_add(1) >= next_seq {
        return Ok(());
    }
    let toe = Moment::from_unix_seconds(receipt.toe()).unwrap_or_else(|_| turn.now());
    let again = catch_up::reopen_lost(turn, partner, stated.head.seq, &stated.missing, toe)?;
    if again.is_empty() {
        return Ok(());
    }
    tracing::error!(%partner, messages = again.len(), "the partner has lost messages that it had signed for");
    alerts::raise(turn, AlertKind::Resent, Some(partner), None, None, None)
}

/// Whether a receipt that changes nothing is to be kept all the same, beside the one held (protocol §10).
pub(super) fn is_another(turn: &mut Turn<'_>, receipt: &VerifiedReceipt) -> Result<bool, StoreError> {
    let message = domain::values::MessageId::from_uuid(receipt.receipt().of.jti);
    catch_up::signed_again(turn, message, receipt.set().octets().as_bytes())
}

/// Notes how far the partner's clock is ahead of ours, after a heartbeat, or when it is worth a note.
pub(super) fn note_skew(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    kind: outbox::OutKind,
    skew_seconds: Option<i64>,
) -> Result<(), StoreError> {
    match skew_seconds {
        Some(skew) if kind == outbox::OutKind::Heartbeat || skew.abs() > i64::from(SKEW_SHOWN_SECONDS) => {
            catch_up::set_skew(turn, partner, skew)
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    //! What is told is true in the turn that tells, on both databases.

    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::testing::{at, both, id};

    both!(
        /// Aim: a receipt that comes between the look and the turn that would tell leaves no alert; without one a person is
        /// told once.
        a_receipt_in_between_leaves_no_alert, |store| {
            for n in 1..=2 {
                let (message, partner) = (store.literal(id(n).as_bytes()), store.literal(id(9).as_bytes()));
                store.tamper(&format!(
                    "INSERT INTO outbox (id, partner_id, channel, kind, revision, body, state, open, priority, position, \
                     attempts, failures, queued_at, alerted, same_outcome, last_outcome, claimed_at) \
                     VALUES ({message}, {partner}, 'node', 'notice', 1, {message}, 'unconfirmed', TRUE, 0, {n}, \
                     1, 0, 0, FALSE, 1, 'polled', {})",
                    at(0).micros(),
                ));
                store.tamper(&format!(
                    "INSERT INTO attempts (message, number, at, outcome, took_ms) VALUES ({message}, 1, {}, 'polled', 0)",
                    at(0).micros(),
                ));
            }
            let look = || store.read(|rows| Round::look(rows, at(4_000), at(4_000), at(400)));
            let seen = look().await.unwrap();
            assert!(seen.unsigned);
            store.tamper("UPDATE outbox SET open = FALSE, state = 'receipted' WHERE position = 1");
            for told in [1, 0] {
                let now = store.write(at(4_000), |turn| tell_unsigned(turn, at(400))).await.unwrap();
                assert_eq!(now, told);
            }
            let open = store.read(|rows| alerts::open(rows, 9)).await.unwrap();
            let open: Vec<_> = open.iter().map(|alert| (alert.kind, alert.message.map(|id| id.uuid()))).collect();
            assert_eq!(open, [(AlertKind::PolledUnsigned, Some(id(2)))]);
            assert!(!look().await.unwrap().unsigned);
        }
    );
}
