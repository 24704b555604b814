//! Carrying a message to a partner: what an answer means, when to try next, when it is a person's turn (protocol §9).
//!
//! Promises: nothing is given up by a timer; only a 400 with an `err` of the table parks an item (ruling 26); a person
//! hears of everything that waiting won't mend. Delays belong to *machine time* (`elapsed`), duties to *duty time*
//! (ruling 1); the two meet only in [`Duty::remaining_seconds`].
//!
//! | call | answers |
//! |---|---|
//! | [`after`] | the item's next step, the lane's back-off, an alert |
//! | [`may_try`] | whether an item may be sent now |
//! | [`next_item`] | which item of a lane goes first |
//! | [`start_wait_seconds`] | how long a lane's heartbeat waits at start |
//!
//! A **lane** is one partner over one channel; it has one request in flight. A **first word** is an initial notice
//! (`notified`).

use sha2::{Digest as _, Sha256};

use crate::values::{MessageId, Moment, PartnerId};

/// Seconds for which a claimed item belongs to one worker.
pub const LEASE_SECONDS: i64 = 90;
/// Seconds that one whole exchange over HTTP may take.
pub const REQUEST_SECONDS: i64 = 30;
/// Seconds to connect.
pub const CONNECT_SECONDS: i64 = 5;
/// Seconds between tries of new first words on a lane that is backing off.
pub const FIRST_WORD_SECONDS: i64 = 60;
/// Seconds after queueing at which a first word without a receipt is alerted.
pub const FIRST_WORD_ALERT_SECONDS: i64 = 900;
/// An item that failed so often is stepped over while others wait (ruling 26).
pub const STEP_OVER_AFTER: u32 = 3;
/// The longest wait of a lane's heartbeat at start, in seconds.
pub const START_WAIT_SECONDS_MAX: i64 = 30;

/// Back-off of a lane, by failures before this one.
const BACK_OFF: [i64; 7] = [5, 15, 30, 60, 120, 300, 600];
/// Further steps while the duty has not ended, and of everything that waiting alone won't mend.
const STEP: i64 = 900;
/// Further steps after the duty has ended, and the probe of a partner that has suspended us.
const SLOW_STEP: i64 = 3_600;
/// After a 2xx without a valid receipt; then [`STEP`].
const UNCONFIRMED: [i64; 2] = [60, 300];
/// An unconfirmed delivery is alerted at this one in a row, counted from 0.
const UNCONFIRMED_ALERT: u32 = 2;
/// Retries of a refusal that a newer manifest or a clock may mend, before parking.
const BEFORE_PARKING: [i64; 3] = [60, 300, STEP];
/// `Retry-After` is honoured up to here …
const RETRY_AFTER_MAX: i64 = 3_600;
/// … and never past so long before a deadline.
const DEADLINE_MARGIN: i64 = 900;
/// Jitter is at most one part in so many of the delay, and at least a second.
const JITTER_PARTS: i64 = 5;

const _: () = {
    assert!(LEASE_SECONDS > REQUEST_SECONDS, "a lease outlives a request");
    assert!(REQUEST_SECONDS > CONNECT_SECONDS, "connecting is part of a request");
    let [a, b, c, d, e, f, g] = BACK_OFF;
    assert!(a < b && b < c && c < d && d < e && e < f && f < g && g < STEP && STEP < SLOW_STEP, "delays grow");
    assert!(a >= JITTER_PARTS, "a second of jitter is at most 20 % of the shortest delay");
    assert!(RETRY_AFTER_MAX >= STEP && DEADLINE_MARGIN <= STEP, "an asked delay keeps clear of the deadline");
};

/// How a message is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// To the partner's node: pushed events, signed receipts.
    Node,
    /// To a ticket system: Standard Webhooks.
    Webhook,
    /// By e-mail, as a link to a page.
    Mail,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Node, Self::Webhook, Self::Mail];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }

    /// The channel with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// What is carried, as far as its treatment differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An initial notice: goes first, may break a back-off, is alerted without a receipt.
    FirstWord,
    /// Any other message about a case.
    Other,
    /// A sign of life: never parks.
    Heartbeat,
    /// A sign of life to a partner that is not active yet: while two parties pair, one of them is always first, so that one
    /// that does not take us yet is asked again soon.
    Introduction,
}

/// Why a partner's node refused a message (`err` of a 400; RFC 8935, section 2.4, and protocol §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusedErr {
    /// It does not know the key: it may hold an old manifest of ours.
    InvalidKey,
    /// The signature or the times did not hold.
    AuthenticationFailed,
    /// It has suspended us.
    AccessDenied,
    /// It can't read the message.
    InvalidRequest,
    /// It does not know us.
    InvalidIssuer,
    /// It is not the one addressed.
    InvalidAudience,
}

impl RefusedErr {
    /// Every known one.
    pub const ALL: [Self; 6] = [
        Self::InvalidKey,
        Self::AuthenticationFailed,
        Self::AccessDenied,
        Self::InvalidRequest,
        Self::InvalidIssuer,
        Self::InvalidAudience,
    ];

    /// The word on the wire and in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidKey => "invalid_key",
            Self::AuthenticationFailed => "authentication_failed",
            Self::AccessDenied => "access_denied",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InvalidKey => "The partner's node does not know our key",
            Self::AuthenticationFailed => "The partner's node could not check our signature",
            Self::AccessDenied => "The partner has suspended us",
            Self::InvalidRequest => "The partner's node could not read the message",
            Self::InvalidIssuer => "The partner's node does not know us",
            Self::InvalidAudience => "The message reached the wrong node",
        }
    }

    /// The error with this word; `None` for one that the table does not name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|err| err.word() == word)
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A valid signed receipt.
    Receipted,
    /// A webhook's 2xx, or a mail server's acceptance: the carrying has ended, and nothing is proved.
    Accepted,
    /// A 2xx without a valid receipt.
    Unconfirmed,
    /// No answer: network, TLS or time-out.
    NotReached,
    /// 408, 425, 429 or any 5xx.
    Busy {
        /// `Retry-After`, in seconds from now.
        retry_after_seconds: Option<u32>,
    },
    /// An answer that no partner's node gives: an intermediary, or a wrong address.
    Misdirected {
        /// The HTTP status.
        status: u16,
    },
    /// A 400 with an `err` of the table.
    Refused {
        /// Why.
        err: RefusedErr,
    },
}

impl Heard {
    /// The word in the list of attempts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Receipted => "receipted",
            Self::Accepted => "accepted",
            Self::Unconfirmed => "unconfirmed",
            Self::NotReached => "not_reached",
            Self::Busy { .. } => "busy",
            Self::Misdirected { .. } => "misdirected",
            Self::Refused { .. } => "refused",
        }
    }
}

/// The item that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub id: MessageId,
    /// How it is treated.
    pub class: Class,
}

/// What came before this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Attempts of this item before this one.
    pub attempts: u32,
    /// How many of them, in a row up to this one, came to the same outcome; 0 when this outcome is new.
    pub same_outcome: u32,
    /// The lane before this attempt.
    pub lane: Lane,
}

/// Back-off of a lane. It survives restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lane {
    /// Failures since a receipt, or another authenticated message from the partner, cleared it.
    pub fail_count: u32,
    /// Nothing but a new first word is sent before this instant of machine time; `None` when the lane works.
    pub next_attempt_at: Option<Moment>,
}

impl Lane {
    /// The lane after an authenticated message from the partner: back-off is over.
    pub const CLEAR: Self = Self { fail_count: 0, next_attempt_at: None };

    /// Whether it is backing off.
    #[must_use]
    pub fn is_backing_off(self, now: Moment) -> bool {
        self.next_attempt_at.is_some_and(|next| now < next)
    }
}

/// The duty that a message serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// Met, or decided otherwise; also for messages that serve none.
    pub ended: bool,
    /// Duty time until it is due, in seconds; negative after it; `None` without a due instant.
    pub remaining_seconds: Option<i64>,
}

/// What happens to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemNext {
    /// The receipt is there: the delivery has ended.
    Done,
    /// Send the same octets again at this instant of machine time.
    RetryAt(Moment),
    /// Wait for a person: retry, re-issue or abandon.
    Park {
        /// Why.
        why: RefusedErr,
    },
}

/// Something that a person has to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// The partner's server accepts messages but signs for none.
    Unconfirmed,
    /// Something other than a partner's node answers there.
    Misdirected {
        /// The HTTP status.
        status: u16,
    },
    /// An item waits for a person.
    Parked {
        /// Why.
        why: RefusedErr,
    },
    /// An active partner's node refuses a sign of life, as it would a notice; it goes on being tried.
    HeartbeatRefused {
        /// Why.
        why: RefusedErr,
    },
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The item's next step.
    pub item: ItemNext,
    /// The lane from now on.
    pub lane: Lane,
    /// The lane from now on instead, when its back-off was ended while the attempt was under way: the partner was heard from,
    /// or a person had everything tried.
    pub cleared: Lane,
    /// Tell a person; once per run of equal outcomes.
    pub alert: Option<AlertKind>,
    /// Post our own key manifest to the partner before the next attempt.
    pub send_manifest: bool,
    /// The partner has suspended us: probe with a heartbeat at this instant of machine time.
    pub probe_at: Option<Moment>,
}

/// What follows an attempt that ended at `elapsed`, an instant of machine time.
#[must_use]
pub fn after(sent: Sent, history: Attempts, heard: Heard, elapsed: Moment, duty: Duty) -> Next {
    let cleared = decide(sent, Attempts { lane: Lane::CLEAR, ..history }, heard, elapsed, duty).lane;
    Next { cleared, ..decide(sent, history, heard, elapsed, duty) }
}

fn decide(sent: Sent, history: Attempts, heard: Heard, elapsed: Moment, duty: Duty) -> Next {
    let retry = |seconds: i64| elapsed.plus_seconds(seconds + jitter(sent.id, history.attempts, seconds));
    let waits = |at: Moment, alert: Option<AlertKind>| Next {
        item: ItemNext::RetryAt(at),
        lane: history.lane,
        cleared: Lane::CLEAR,
        alert,
        send_manifest: false,
        probe_at: None,
    };
    match heard {
        Heard::Receipted | Heard::Accepted => Next { item: ItemNext::Done, lane: Lane::CLEAR, ..waits(elapsed, None) },
        Heard::Unconfirmed => {
            let alert = (history.same_outcome == UNCONFIRMED_ALERT).then_some(AlertKind::Unconfirmed);
            waits(retry(step(&UNCONFIRMED, history.same_outcome).unwrap_or(STEP)), alert)
        }
        Heard::NotReached => fails(waits(retry(back_off(history.lane, duty)), None), elapsed, None),
        Heard::Busy { retry_after_seconds } => {
            let own = retry(back_off(history.lane, duty));
            let asked = retry_after_seconds.map(|asked| honoured(asked, elapsed, duty, retry));
            fails(waits(asked.map_or(own, |asked| own.max(asked)), None), elapsed, asked)
        }
        Heard::Misdirected { status } => {
            let alert = (history.same_outcome == 0).then_some(AlertKind::Misdirected { status });
            let at = retry(STEP);
            fails(waits(at, alert), elapsed, Some(at))
        }
        Heard::Refused { err } => refused(sent, history, err, waits(retry(STEP), None), retry),
    }
}

/// A refusal concerns the item, not the lane.
fn refused(sent: Sent, history: Attempts, err: RefusedErr, waits: Next, retry: impl Fn(i64) -> Moment) -> Next {
    let mending: &[i64] = match err {
        RefusedErr::InvalidKey | RefusedErr::AuthenticationFailed => &BEFORE_PARKING,
        RefusedErr::AccessDenied
        | RefusedErr::InvalidRequest
        | RefusedErr::InvalidIssuer
        | RefusedErr::InvalidAudience => &[],
    };
    let mends = step(mending, history.same_outcome);
    let before = u32::try_from(mending.len()).unwrap_or(u32::MAX);
    let (send_manifest, probes) = match err {
        RefusedErr::InvalidKey => (true, false),
        RefusedErr::AccessDenied => (false, true),
        RefusedErr::AuthenticationFailed
        | RefusedErr::InvalidRequest
        | RefusedErr::InvalidIssuer
        | RefusedErr::InvalidAudience => (false, false),
    };
    if let Some(seconds) = mends {
        return Next { item: ItemNext::RetryAt(retry(seconds)), send_manifest, ..waits };
    }
    let slow = retry(SLOW_STEP);
    match sent.class {
        // It goes on by itself. A person hears of it when another message would be parked: a notice would fare no better.
        Class::Heartbeat => {
            let alert = (history.same_outcome == before).then_some(AlertKind::HeartbeatRefused { why: err });
            Next { item: ItemNext::RetryAt(slow), alert, send_manifest, ..waits }
        }
        Class::Introduction => {
            let soon: &[i64] = match err {
                RefusedErr::AccessDenied | RefusedErr::InvalidIssuer => &BACK_OFF,
                RefusedErr::InvalidKey
                | RefusedErr::AuthenticationFailed
                | RefusedErr::InvalidRequest
                | RefusedErr::InvalidAudience => &[],
            };
            let wait = step(soon, history.same_outcome).map_or(slow, retry);
            Next { item: ItemNext::RetryAt(wait), send_manifest, ..waits }
        }
        Class::FirstWord | Class::Other => Next {
            item: ItemNext::Park { why: err },
            alert: Some(AlertKind::Parked { why: err }),
            probe_at: probes.then_some(slow),
            ..waits
        },
    }
}

/// The lane backs off until the item's retry. Several failures inside one back-off period count once; it still lasts until
/// `at_least`, which the answer asks for.
fn fails(mut next: Next, elapsed: Moment, at_least: Option<Moment>) -> Next {
    let ItemNext::RetryAt(at) = next.item else { return next };
    if next.lane.is_backing_off(elapsed) {
        next.lane.next_attempt_at = next.lane.next_attempt_at.max(at_least);
    } else {
        next.lane = Lane { fail_count: next.lane.fail_count.saturating_add(1), next_attempt_at: Some(at) };
    }
    next
}

fn back_off(lane: Lane, duty: Duty) -> i64 {
    step(&BACK_OFF, lane.fail_count).unwrap_or(if duty.ended { SLOW_STEP } else { STEP })
}

/// The instant that a `Retry-After` asks for, within what is honoured.
fn honoured(asked: u32, elapsed: Moment, duty: Duty, retry: impl Fn(i64) -> Moment) -> Moment {
    let latest = elapsed.plus_seconds(RETRY_AFTER_MAX);
    let asked = retry(i64::from(asked).min(RETRY_AFTER_MAX)).min(latest);
    match duty.remaining_seconds {
        Some(remaining) if remaining > 0 && !duty.ended => {
            asked.min(elapsed.plus_seconds((remaining - DEADLINE_MARGIN).max(0)))
        }
        Some(_) | None => asked,
    }
}

fn step(steps: &[i64], n: u32) -> Option<i64> {
    usize::try_from(n).ok().and_then(|n| steps.get(n)).copied()
}

/// Added to a delay, never taken from it: 0–20 %, at least a second. Derived from the item and the attempt, so that many
/// items spread out and every test is exact.
fn jitter(id: MessageId, attempt: u32, seconds: i64) -> i64 {
    1 + derived(&[id.as_bytes(), &attempt.to_be_bytes()], (seconds / JITTER_PARTS).max(1))
}

/// A number from 0 to below `bound`, fixed by what it is derived from.
fn derived(from: &[&[u8]], bound: i64) -> i64 {
    let mut hasher = Sha256::new();
    for part in from {
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let number = digest.iter().take(4).fold(0_i64, |number, octet| (number << 8) | i64::from(*octet));
    number.rem_euclid(bound.max(1))
}

/// How long a lane's heartbeat waits when the program starts, 0 to 30 s, so that not every partner is called at once. A
/// due first word never waits.
#[must_use]
pub fn start_wait_seconds(partner: PartnerId) -> i64 {
    derived(&[partner.as_bytes()], START_WAIT_SECONDS_MAX + 1)
}

/// An item waiting in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The message.
    pub id: MessageId,
    /// How it is treated.
    pub class: Class,
    /// Its place in the lane: `seq`, or the order of queueing.
    pub order: u64,
    /// Attempts so far.
    pub attempts: u32,
    /// Those of them that failed, for whatever reason; a person's retry counts anew.
    pub fails: u32,
    /// Not before this instant of machine time; `None` for at once.
    pub next_attempt_at: Option<Moment>,
    /// A person's turn.
    pub parked: bool,
}

/// Whether an item may be sent now. A lane that backs off lets only a new first word through, at most once a minute;
/// `tried_at` is the lane's latest attempt.
#[must_use]
pub fn may_try(item: &Waiting, lane: Lane, tried_at: Option<Moment>, now: Moment) -> bool {
    if item.parked || item.next_attempt_at.is_some_and(|next| now < next) {
        return false;
    }
    if !lane.is_backing_off(now) {
        return true;
    }
    let rested = tried_at.is_none_or(|tried| now.seconds_since(tried) >= FIRST_WORD_SECONDS);
    match item.class {
        Class::FirstWord => item.attempts == 0 && rested,
        Class::Other | Class::Heartbeat | Class::Introduction => false,
    }
}

/// Which item goes next: first words before other kinds, then by place. Parked items are stepped over; so are items that
/// failed three times, until nothing else waits: then the one with the fewest attempts goes, whatever its kind, so that an
/// item that is always refused never holds up another. On a lane where everything fails they take turns.
#[must_use]
pub fn next_item(items: &[Waiting], lane: Lane, tried_at: Option<Moment>, now: Moment) -> Option<MessageId> {
    items
        .iter()
        .filter(|item| may_try(item, lane, tried_at, now))
        .min_by_key(|item| {
            let stepped_over = item.fails >= STEP_OVER_AFTER;
            let turns = if stepped_over { item.attempts } else { 0 };
            let rank = match item.class {
                Class::FirstWord => 0_u8,
                Class::Other => 1,
                Class::Heartbeat | Class::Introduction => 2,
            };
            (stepped_over, turns, rank, item.order)
        })
        .map(|item| item.id)
}

#[cfg(test)]
mod tests;
