//! Work for our own integrations and people: posts, their leases and attempts.
//!
//! A post says that something happened, never what: codes, references and instants, and a link for whoever may read more.
//! It is queued in the transaction that records what happened. Being told of it is no duty: a post is tried for seven days
//! of duty time and then failed, where the people who keep the integrations see it and can send it again.
//!
//! *Contract*: a destination has one post in flight, in the order of queueing; whoever finishes without the lease changes
//! nothing. Attempts are listed with those of the outbox, under the post's id.
//!
//! `queued_at` and `done_at` are duty time; leases and back-off are machine time.

mod claim;
mod log;
mod occasion;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{Digest32, ExchangeId, IncidentId, Moment, PersonId};
use uuid::Uuid;

use super::backend::bulk::insert_many;
use super::schema::{attempts, posts};
use super::{Rows, StoreError, Turn};

pub use self::claim::{
    AHEAD_SECONDS_MAX, ClaimedPost, FinishedPost, Places, claim, claim_one, clear_alert, finish, next_due,
};
pub use self::log::{
    AttemptLine, PostKey, PostLine, PostState, attempts_of, is_for_integration, page, post, replay, replay_since,
};
pub(super) use self::occasion::hook;
pub use self::occasion::{Names, Occasion, Step, names};

/// A post is tried for so long, in seconds of duty time.
pub const TRIED_SECONDS: i64 = 7 * 86_400;
/// A post that has ended is kept for so long, in seconds of duty time.
const KEPT_SECONDS: i64 = 30 * 86_400;
/// Where bodies are sealed for.
const BODY: &str = "posts.body";

/// What our integrations can hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subscribed {
    /// An incident of ours was logged.
    IncidentLogged,
    /// A clock reached a step before it is due: a partner's, a target of our own, a complaint's.
    ClockStep,
    /// A clock is overdue: at the first step from then on, and at every one after.
    ClockOverdue,
    /// A partner told us of a case.
    NoticeReceived,
    /// A partner's node signed for a notice of ours.
    Receipt,
    /// A person at a partner has read a notice of ours.
    Acknowledgement,
    /// The clock of the report to the ICO reached a step before it is due.
    ReportDue,
    /// A person asked for a test: nobody subscribes to it.
    Test,
}

impl Subscribed {
    /// What can be subscribed to.
    pub const ALL: [Self; 7] = [
        Self::IncidentLogged,
        Self::ClockStep,
        Self::ClockOverdue,
        Self::NoticeReceived,
        Self::Receipt,
        Self::Acknowledgement,
        Self::ReportDue,
    ];

    /// The word in tables, bodies and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::IncidentLogged => "incident_logged",
            Self::ClockStep => "clock_step",
            Self::ClockOverdue => "clock_overdue",
            Self::NoticeReceived => "notice_received",
            Self::Receipt => "receipt",
            Self::Acknowledgement => "acknowledgement",
            Self::ReportDue => "report_due",
            Self::Test => "test",
        }
    }

    /// The event with this word, the test included.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Test]).find(|event| event.word() == word)
    }

    /// As the table holds a list: words with blanks between.
    pub(super) fn written(events: &[Self]) -> String {
        events.iter().map(|event| event.word()).collect::<Vec<_>>().join(" ")
    }

    /// A list as the table holds it; a word of a later version is passed over.
    pub(super) fn read(words: &str) -> Vec<Self> {
        words.split(' ').filter_map(Self::from_word).collect()
    }
}

/// Whom a post is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// An integration of our own, by webhook.
    Endpoint(Uuid),
    /// One of our people, by mail.
    Person(PersonId),
}

impl Destination {
    const fn channel(self) -> Channel {
        match self {
            Self::Endpoint(_) => Channel::Webhook,
            Self::Person(_) => Channel::Mail,
        }
    }

    /// Their id.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Endpoint(id) => id,
            Self::Person(id) => id.uuid(),
        }
    }
}

/// A post to queue.
#[derive(Debug, Clone)]
pub struct Post {
    /// Derived from what it is about and whom it is for ([`derived`]), so that it is queued once.
    pub id: Uuid,
    /// Whom it is for.
    pub to: Destination,
    /// What happened.
    pub event: Subscribed,
    /// JSON of an [`Occasion`], or of what else its sender will want.
    pub body: Vec<u8>,
    /// About which incident.
    pub incident: Option<IncidentId>,
    /// About which exchange.
    pub exchange: Option<ExchangeId>,
}

#[derive(Insertable)]
#[diesel(table_name = posts, treat_none_as_default_value = false)]
struct NewPost {
    id: Vec<u8>,
    endpoint_id: Option<Vec<u8>>,
    person_id: Option<Vec<u8>>,
    channel: &'static str,
    event: &'static str,
    body: Vec<u8>,
    incident_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    state: &'static str,
    open: bool,
    queued_at: i64,
    next_attempt_at: Option<i64>,
    attempts: i32,
    same_outcome: i32,
}

/// Queues posts, to be tried at once. One whose id is known is passed over.
///
/// # Errors
/// [`StoreError::Encryption`]; those of the database.
pub fn queue(turn: &mut Turn<'_>, queued: Vec<Post>) -> Result<(), StoreError> {
    if queued.is_empty() {
        return Ok(());
    }
    let now = turn.now();
    let rows = turn.rows();
    let ids: Vec<_> = queued.iter().map(|post| post.id.as_bytes().to_vec()).collect();
    let known: Vec<Vec<u8>> = posts::table.filter(posts::id.eq_any(&ids)).select(posts::id).load(rows.db)?;
    let mut seen: HashSet<Vec<u8>> = known.into_iter().collect();
    let mut new = Vec::with_capacity(queued.len());
    for (post, id) in queued.into_iter().zip(ids) {
        if !seen.insert(id.clone()) {
            continue;
        }
        let (endpoint_id, person_id) = match post.to {
            Destination::Endpoint(to) => (Some(to.as_bytes().to_vec()), None),
            Destination::Person(to) => (None, Some(to.as_bytes().to_vec())),
        };
        new.push(NewPost {
            body: rows.seal.seal(BODY, &id, &post.body)?,
            id,
            endpoint_id,
            person_id,
            channel: post.to.channel().word(),
            event: post.event.word(),
            incident_id: post.incident.map(|id| id.as_bytes().to_vec()),
            exchange_id: post.exchange.map(|id| id.as_bytes().to_vec()),
            state: "queued",
            open: true,
            queued_at: now.micros(),
            next_attempt_at: Some(0),
            attempts: 0,
            same_outcome: 0,
        });
    }
    insert_many!(rows.db, posts::table, &new)
}

/// An id derived from what a post is about, so that the same post has the same id whenever it is made: a UUID of version 8
/// (RFC 9562, section 5.8).
#[must_use]
pub fn derived(parts: &[&[u8]]) -> Uuid {
    let mut told = b"post".to_vec();
    for part in parts {
        told.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        told.extend_from_slice(part);
    }
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(Digest32::of(&told).as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// Ends everything that waits for a destination that is removed.
///
/// # Errors
/// Those of the database.
pub fn end_of(turn: &mut Turn<'_>, endpoint: Uuid) -> Result<usize, StoreError> {
    let now = turn.now();
    let waiting = posts::table.filter(posts::endpoint_id.eq(endpoint.as_bytes().as_slice())).filter(posts::open);
    Ok(diesel::update(waiting)
        .set((
            posts::open.eq(false),
            posts::state.eq(PostState::Failed.word()),
            posts::done_at.eq(now.micros()),
            posts::lease.eq(None::<Vec<u8>>),
        ))
        .execute(turn.rows().db)?)
}

/// Fails what paused integrations were not sent for seven days, and forgets posts that ended a month of duty time ago, with
/// their attempts, at most `limit`. Answers how many it forgot.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, limit: usize) -> Result<usize, StoreError> {
    claim::give_up_paused(turn)?;
    let before = turn.now().plus_seconds(-KEPT_SECONDS).micros();
    let rows = turn.rows();
    let old: Vec<Vec<u8>> = posts::table
        .filter(posts::done_at.lt(before))
        .filter(diesel::dsl::not(posts::open))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(posts::id)
        .load(rows.db)?;
    if old.is_empty() {
        return Ok(0);
    }
    diesel::delete(attempts::table.filter(attempts::message.eq_any(&old))).execute(rows.db)?;
    Ok(diesel::delete(posts::table.filter(posts::id.eq_any(&old))).execute(rows.db)?)
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("posts", "an instant"))
}

fn octets(rows: &Rows<'_>, id: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    rows.seal.open(BODY, id, sealed)
}
