//! Claiming posts that are due, and what came of an attempt.

use diesel::prelude::*;
use domain::delivery::{Attempts, Heard, ItemNext, Lane, Next};
use domain::values::{Moment, PersonId};
use uuid::Uuid;

use super::log::PostState;
use super::{Destination, Subscribed, TRIED_SECONDS, moment, octets};
use crate::store::alerts::{self, AlertKind};
use crate::store::endpoints::{self, Endpoint};
use crate::store::outbox::{ATTEMPTS_KEPT, outcome_word};
use crate::store::schema::{attempts, endpoints as endpoint_rows, posts};
use crate::store::{Rows, StoreError, Turn};

/// An instant further ahead than any wait of ours is a clock that was set back (seconds of machine time).
pub const AHEAD_SECONDS_MAX: i64 = 2 * 3_600;
/// An integration that fails for so long is a person's turn, in seconds of machine time.
const FAILING_SECONDS: i64 = 900;

/// A post under our lease.
#[derive(Debug, Clone)]
pub struct ClaimedPost {
    /// Which.
    pub id: Uuid,
    /// Whom it is for.
    pub to: Destination,
    /// The integration it is for; none for a person.
    pub endpoint: Option<Endpoint>,
    /// What happened.
    pub event: Subscribed,
    /// As it was queued.
    pub body: Vec<u8>,
    /// Attempts so far.
    pub attempts: u32,
    /// The word of the last outcome, and how many attempts in a row, it included, came to that.
    pub last_outcome: Option<(String, u32)>,
}

impl ClaimedPost {
    /// What came before an attempt with this outcome. A person's own mail has no lane: its attempts stand for failures.
    #[must_use]
    pub fn history(&self, heard: Heard) -> Attempts {
        let same_outcome = match &self.last_outcome {
            Some((word, times)) if word == outcome_word(heard) => *times,
            Some(_) | None => 0,
        };
        let lane = match &self.endpoint {
            Some(endpoint) => Lane { fail_count: endpoint.fail_count, next_attempt_at: endpoint.waits_until },
            None => Lane { fail_count: self.attempts, next_attempt_at: None },
        };
        Attempts { attempts: self.attempts, same_outcome, lane }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = posts)]
struct Row {
    id: Vec<u8>,
    endpoint_id: Option<Vec<u8>>,
    person_id: Option<Vec<u8>>,
    event: String,
    body: Vec<u8>,
    queued_at: i64,
    attempts: i32,
    same_outcome: i32,
    last_outcome: Option<String>,
}

/// The most posts of each kind that are taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Mail to people.
    pub mails: usize,
    /// Webhooks to integrations.
    pub integrations: usize,
}

/// Takes leases on posts that are due: of each integration the one that waits longest, and mail to people. What is older
/// than [`TRIED_SECONDS`] fails. `elapsed` and `lease_until` are machine time.
///
/// # Errors
/// Those of the database.
pub fn claim(
    turn: &mut Turn<'_>,
    lease: Uuid,
    elapsed: Moment,
    lease_until: Moment,
    places: Places,
) -> Result<Vec<ClaimedPost>, StoreError> {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX);
    let stale = turn.now().plus_seconds(-TRIED_SECONDS);
    let people = for_people(turn.rows(), elapsed, ahead, places.mails)?;
    let mut found: Vec<(Row, Option<Endpoint>)> = people.into_iter().map(|row| (row, None)).collect();
    let most = found.len().saturating_add(places.integrations);
    for endpoint in endpoints::integrations(turn.rows())? {
        let waits = endpoint.waits_until.is_some_and(|until| elapsed < until && until <= ahead);
        if found.len() < most && !endpoint.paused && !waits {
            give_up(turn, &endpoint, stale)?;
            if let Some(row) = first_of(turn.rows(), endpoint.id, elapsed, ahead)? {
                found.push((row, Some(endpoint)));
            }
        }
    }
    let mut claimed = Vec::with_capacity(found.len());
    for (row, endpoint) in found {
        let id = row.id.clone();
        if row.queued_at < stale.micros() {
            end_unsent(turn, &id)?;
            continue;
        }
        match opened(turn.rows(), row, endpoint) {
            Ok(post) => claimed.push(post),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, "a post could not be read; it is not sent");
                end_unsent(turn, &id)?;
                continue;
            }
            Err(error) => return Err(error),
        }
        diesel::update(posts::table.find(&id))
            .set((posts::lease.eq(lease.as_bytes().to_vec()), posts::lease_until.eq(lease_until.micros())))
            .execute(turn.rows().db)?;
    }
    Ok(claimed)
}

/// Takes the lease of one queued post, whatever its integration's back-off: a test that a person waits for.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn claim_one(
    turn: &mut Turn<'_>,
    lease: Uuid,
    lease_until: Moment,
    id: Uuid,
    endpoint: Endpoint,
) -> Result<Option<ClaimedPost>, StoreError> {
    let rows = turn.rows();
    let this = || posts::table.find(id.as_bytes().to_vec()).filter(posts::open);
    let row: Option<Row> = this().select(Row::as_select()).first(rows.db).optional()?;
    let Some(row) = row else { return Ok(None) };
    diesel::update(this())
        .set((posts::lease.eq(lease.as_bytes().to_vec()), posts::lease_until.eq(lease_until.micros())))
        .execute(rows.db)?;
    opened(rows, row, Some(endpoint)).map(Some)
}

/// Fails what waits for a paused integration for too long, as for any other; nobody is alarmed, for nothing is wrong.
///
/// # Errors
/// Those of the database.
pub(super) fn give_up_paused(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let stale = turn.now().plus_seconds(-TRIED_SECONDS);
    for endpoint in endpoints::integrations(turn.rows())?.into_iter().filter(|endpoint| endpoint.paused) {
        end_stale(turn, &endpoint, stale)?;
    }
    Ok(())
}

fn end_stale(turn: &mut Turn<'_>, endpoint: &Endpoint, stale: Moment) -> Result<usize, StoreError> {
    let now = turn.now();
    let old = posts::table
        .filter(posts::endpoint_id.eq(endpoint.id.as_bytes().as_slice()))
        .filter(posts::open)
        .filter(posts::queued_at.lt(stale.micros()));
    Ok(diesel::update(old)
        .set((posts::open.eq(false), posts::state.eq(PostState::Failed.word()), posts::done_at.eq(now.micros())))
        .execute(turn.rows().db)?)
}

/// Fails what waited for too long.
fn give_up(turn: &mut Turn<'_>, endpoint: &Endpoint, stale: Moment) -> Result<(), StoreError> {
    let ended = end_stale(turn, endpoint, stale)?;
    if ended > 0 {
        tracing::warn!(integration = %endpoint.id, ended, "posts were tried for seven days and failed");
        alerts::raise(turn, AlertKind::IntegrationFailing, None, None, None, None)?;
    }
    Ok(())
}

/// The post of an integration that goes next; none while another is in flight.
fn first_of(rows: &mut Rows<'_>, endpoint: Uuid, elapsed: Moment, ahead: Moment) -> Result<Option<Row>, StoreError> {
    let open = || posts::table.filter(posts::endpoint_id.eq(endpoint.as_bytes().to_vec())).filter(posts::open);
    let in_flight = open()
        .filter(posts::lease.is_not_null())
        .filter(posts::lease_until.gt(elapsed.micros()))
        .filter(posts::lease_until.le(ahead.micros()));
    if diesel::select(diesel::dsl::exists(in_flight)).get_result::<bool>(rows.db)? {
        return Ok(None);
    }
    Ok(open().order((posts::queued_at, posts::id)).select(Row::as_select()).first(rows.db).optional()?)
}

fn for_people(rows: &mut Rows<'_>, elapsed: Moment, ahead: Moment, limit: usize) -> Result<Vec<Row>, StoreError> {
    let free = posts::lease
        .is_null()
        .or(posts::lease_until.is_null())
        .or(posts::lease_until.le(elapsed.micros()))
        .or(posts::lease_until.gt(ahead.micros()));
    let due = posts::next_attempt_at.le(elapsed.micros()).or(posts::next_attempt_at.gt(ahead.micros()));
    Ok(posts::table
        .filter(posts::open)
        .filter(posts::person_id.is_not_null())
        .filter(due)
        .filter(free)
        .order((posts::next_attempt_at, posts::id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(rows.db)?)
}

fn end_unsent(turn: &mut Turn<'_>, id: &[u8]) -> Result<(), StoreError> {
    let now = turn.now();
    diesel::update(posts::table.find(id))
        .set((posts::open.eq(false), posts::state.eq(PostState::Failed.word()), posts::done_at.eq(now.micros())))
        .execute(turn.rows().db)?;
    Ok(())
}

fn opened(rows: &Rows<'_>, row: Row, endpoint: Option<Endpoint>) -> Result<ClaimedPost, StoreError> {
    let corrupt = |what| StoreError::Corrupt { table: "posts", what };
    let to = match (&row.endpoint_id, &row.person_id) {
        (Some(id), _) => Destination::Endpoint(Uuid::from_slice(id).map_err(|_| corrupt("an endpoint"))?),
        (None, Some(id)) => Destination::Person(PersonId::from_slice(id).map_err(|_| corrupt("a person"))?),
        (None, None) => return Err(corrupt("a post for nobody")),
    };
    Ok(ClaimedPost {
        id: Uuid::from_slice(&row.id).map_err(|_| corrupt("an id"))?,
        to,
        endpoint,
        event: Subscribed::from_word(&row.event).ok_or(corrupt("an event"))?,
        body: octets(rows, &row.id, &row.body)?,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        last_outcome: row.last_outcome.map(|word| (word, u32::try_from(row.same_outcome).unwrap_or(0))),
    })
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct FinishedPost {
    /// What was heard.
    pub heard: Heard,
    /// The status, if a server answered.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// When it ended (machine time).
    pub elapsed: Moment,
    /// What follows.
    pub next: Next,
    /// It is not tried again whatever came of it.
    pub once: bool,
}

/// Records an attempt and gives the post back. Answers false, and changes nothing, when the lease was lost.
///
/// # Errors
/// Those of the database.
pub fn finish(turn: &mut Turn<'_>, lease: Uuid, post: &ClaimedPost, done: &FinishedPost) -> Result<bool, StoreError> {
    let now = turn.now();
    let number = post.attempts.saturating_add(1);
    let stored = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let word = outcome_word(done.heard);
    let (state, next) = match done.next.item {
        ItemNext::Done => (PostState::Taken, None),
        ItemNext::RetryAt(_) | ItemNext::Park { .. } if done.once => (PostState::Failed, None),
        ItemNext::RetryAt(at) => (PostState::Waiting, Some(at)),
        ItemNext::Park { .. } => (PostState::Failed, None),
    };
    let open = state == PostState::Waiting;
    let held = posts::table.find(post.id.as_bytes().as_slice()).filter(posts::lease.eq(lease.as_bytes().to_vec()));
    let rows = turn.rows();
    let changed = diesel::update(held)
        .set((
            posts::state.eq(state.word()),
            posts::open.eq(open),
            posts::next_attempt_at.eq(next.map(Moment::micros)),
            posts::attempts.eq(stored(number)),
            posts::same_outcome.eq(stored(post.history(done.heard).same_outcome.saturating_add(1))),
            posts::last_outcome.eq(word),
            posts::lease.eq(None::<Vec<u8>>),
            posts::lease_until.eq(None::<i64>),
            posts::done_at.eq((!open).then_some(now.micros())),
        ))
        .execute(rows.db)?;
    if changed == 0 {
        return Ok(false);
    }
    if number <= ATTEMPTS_KEPT {
        diesel::insert_into(attempts::table)
            .values((
                attempts::message.eq(post.id.as_bytes().as_slice()),
                attempts::number.eq(stored(number)),
                attempts::at.eq(now.micros()),
                attempts::outcome.eq(word),
                attempts::status.eq(done.status.map(i32::from)),
                attempts::took_ms.eq(stored(done.took_ms)),
            ))
            .execute(rows.db)?;
    }
    if let Some(endpoint) = post.endpoint.as_ref().filter(|_| !done.once) {
        back_off(turn, endpoint, done)?;
    }
    Ok(true)
}

/// The integration's back-off, and the alert of one that fails.
fn back_off(turn: &mut Turn<'_>, endpoint: &Endpoint, done: &FinishedPost) -> Result<(), StoreError> {
    let this = || endpoint_rows::table.find(endpoint.id.as_bytes().to_vec());
    let fine = done.next.item == ItemNext::Done;
    // Removed meanwhile, or recovered by another process: the row decides.
    let failed_since: Option<Option<i64>> =
        this().select(endpoint_rows::failed_since).first(turn.rows().db).optional()?;
    let Some(failed_since) = failed_since else { return Ok(()) };
    let since = if fine { None } else { Some(failed_since.unwrap_or(done.elapsed.micros())) };
    let waits_until = match done.next.item {
        // The lane waits for as long as its first post does: what is after it is no luckier.
        ItemNext::RetryAt(at) => Some(at),
        ItemNext::Done | ItemNext::Park { .. } => None,
    };
    diesel::update(this())
        .set((
            endpoint_rows::fail_count.eq(i32::try_from(done.next.lane.fail_count).unwrap_or(i32::MAX)),
            endpoint_rows::waits_until.eq(waits_until.map(Moment::micros)),
            endpoint_rows::failed_since.eq(since),
        ))
        .execute(turn.rows().db)?;
    let long = |since: i64| done.elapsed.micros().saturating_sub(since) >= FAILING_SECONDS * 1_000_000;
    if since.is_some_and(long) {
        alerts::raise(turn, AlertKind::IntegrationFailing, None, None, None, None)?;
    } else if fine && failed_since.is_some() {
        clear_alert(turn)?;
    }
    Ok(())
}

/// Clears the alert about failing integrations once none fails any more: one recovered, was paused or was removed.
///
/// # Errors
/// Those of the database.
pub fn clear_alert(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let failing = endpoint_rows::table
        .filter(endpoint_rows::partner_id.is_null())
        .filter(endpoint_rows::failed_since.is_not_null())
        .filter(diesel::dsl::not(endpoint_rows::paused));
    if !diesel::select(diesel::dsl::exists(failing)).get_result::<bool>(turn.rows().db)? {
        alerts::clear(turn, AlertKind::IntegrationFailing, None, None)?;
    }
    Ok(())
}

/// When a claim may next find something (machine time); may lie in the past: then at once. `None` when nothing waits.
///
/// # Errors
/// Those of the database.
pub fn next_due(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let mut earliest: Option<i64> = None;
    let mut may = |at: i64| earliest = Some(earliest.map_or(at, |known: i64| known.min(at)));
    for endpoint in endpoints::integrations(rows)?.into_iter().filter(|endpoint| !endpoint.paused) {
        let open = || posts::table.filter(posts::endpoint_id.eq(endpoint.id.as_bytes().to_vec())).filter(posts::open);
        let leased: Option<Option<i64>> =
            open().filter(posts::lease.is_not_null()).select(posts::lease_until).first(rows.db).optional()?;
        if let Some(until) = leased {
            may(until.unwrap_or(0));
        } else if diesel::select(diesel::dsl::exists(open())).get_result::<bool>(rows.db)? {
            may(endpoint.waits_until.map_or(0, Moment::micros));
        }
    }
    let people = posts::table.filter(posts::open).filter(posts::person_id.is_not_null());
    let free: Option<i64> =
        people.filter(posts::lease.is_null()).select(diesel::dsl::min(posts::next_attempt_at)).first(rows.db)?;
    let leased: Option<i64> = posts::table
        .filter(posts::open)
        .filter(posts::person_id.is_not_null())
        .filter(posts::lease.is_not_null())
        .select(diesel::dsl::min(posts::lease_until))
        .first(rows.db)?;
    for at in [free, leased].into_iter().flatten() {
        may(at);
    }
    earliest.map(moment).transpose()
}
