//! What was posted to an integration, and what came of it; and sending it again.

use diesel::prelude::*;
use domain::values::Moment;
use uuid::Uuid;

use super::{Occasion, Subscribed, moment, octets};
use crate::store::backend::bulk::{Value, update_many};
use crate::store::schema::{attempts, posts};
use crate::store::{Rows, StoreError, Turn};

/// Attempts of one post in one answer: as many as are kept.
const ATTEMPTS_MAX: i64 = 200;

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostState {
    /// Not tried yet.
    Queued,
    /// Tried; it waits for the next attempt.
    Waiting,
    /// The other side took it.
    Taken,
    /// It is tried no more.
    Failed,
}

impl PostState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Waiting, Self::Taken, Self::Failed];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Taken => "accepted",
            Self::Failed => "failed",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Where a page of the log begins: after the post queued then, of this id.
pub type PostKey = (Moment, Uuid);

/// A post in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostLine {
    /// Which.
    pub id: Uuid,
    /// What happened.
    pub event: Subscribed,
    /// When it was queued, or queued again (duty time).
    pub queued_at: Moment,
    /// What it is about; `None` when it holds something else.
    pub occasion: Option<Occasion>,
    /// Where it stands.
    pub state: PostState,
    /// Attempts so far.
    pub attempts: u32,
    /// The word of the last outcome.
    pub last_outcome: Option<String>,
    /// When it ended (duty time).
    pub done_at: Option<Moment>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptLine {
    /// 1, 2, 3 …
    pub number: u32,
    /// When (duty time).
    pub at: Moment,
    /// What it came to, in the word of delivery.
    pub outcome: String,
    /// The status, if a server answered.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = posts)]
struct Row {
    id: Vec<u8>,
    event: String,
    body: Vec<u8>,
    queued_at: i64,
    state: String,
    attempts: i32,
    last_outcome: Option<String>,
    done_at: Option<i64>,
}

impl Row {
    fn opened(self, rows: &Rows<'_>) -> Result<PostLine, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: "posts", what };
        let body = octets(rows, &self.id, &self.body)?;
        Ok(PostLine {
            id: Uuid::from_slice(&self.id).map_err(|_| corrupt("an id"))?,
            event: Subscribed::from_word(&self.event).ok_or(corrupt("an event"))?,
            queued_at: moment(self.queued_at)?,
            occasion: serde_json::from_slice(&body).ok(),
            state: PostState::from_word(&self.state).ok_or(corrupt("a state"))?,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            last_outcome: self.last_outcome,
            done_at: self.done_at.map(moment).transpose()?,
        })
    }
}

/// Posts to an integration, the newest first, after the one with this key.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn page(
    rows: &mut Rows<'_>,
    endpoint: Uuid,
    after: Option<PostKey>,
    limit: u32,
) -> Result<Vec<PostLine>, StoreError> {
    let mut query = posts::table
        .filter(posts::endpoint_id.eq(endpoint.as_bytes().to_vec()))
        .order((posts::queued_at.desc(), posts::id.desc()))
        .limit(i64::from(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = after {
        let same = posts::queued_at.eq(at.micros()).and(posts::id.lt(id.as_bytes().to_vec()));
        query = query.filter(posts::queued_at.lt(at.micros()).or(same));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// One post to an integration.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn post(rows: &mut Rows<'_>, endpoint: Uuid, id: Uuid) -> Result<Option<PostLine>, StoreError> {
    let found: Option<Row> = posts::table
        .find(id.as_bytes().as_slice())
        .filter(posts::endpoint_id.eq(endpoint.as_bytes().as_slice()))
        .select(Row::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| row.opened(rows)).transpose()
}

/// Whether there is a post with this id, to an integration.
///
/// # Errors
/// Those of the database.
pub fn is_for_integration(rows: &mut Rows<'_>, id: Uuid) -> Result<bool, StoreError> {
    let this = posts::table.find(id.as_bytes().to_vec()).filter(posts::endpoint_id.is_not_null());
    Ok(diesel::select(diesel::dsl::exists(this)).get_result(rows.db)?)
}

/// The attempts of a post, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn attempts_of(rows: &mut Rows<'_>, id: Uuid) -> Result<Vec<AttemptLine>, StoreError> {
    type Found = (i32, i64, String, Option<i32>, i32);
    let found: Vec<Found> = attempts::table
        .filter(attempts::message.eq(id.as_bytes().as_slice()))
        .order(attempts::number.desc())
        .limit(ATTEMPTS_MAX)
        .select((attempts::number, attempts::at, attempts::outcome, attempts::status, attempts::took_ms))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(number, at, outcome, status, took_ms)| {
            Ok(AttemptLine {
                number: u32::try_from(number).unwrap_or(0),
                at: moment(at)?,
                outcome,
                status: status.and_then(|status| u16::try_from(status).ok()),
                took_ms: u32::try_from(took_ms).unwrap_or(0),
            })
        })
        .collect()
}

/// Sends posts of an integration again: those of these ids that have ended. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn replay(turn: &mut Turn<'_>, endpoint: Uuid, ids: &[Uuid]) -> Result<usize, StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    again(turn, endpoint, &ids)
}

/// Sends what was queued for an integration since an instant of duty time again, as far as it has ended, the oldest first,
/// at most `limit`; tests are left out. Answers how many, and whether there are more.
///
/// # Errors
/// Those of the database.
pub fn replay_since(
    turn: &mut Turn<'_>,
    endpoint: Uuid,
    since: Moment,
    limit: usize,
) -> Result<(usize, bool), StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut ids: Vec<Vec<u8>> = posts::table
        .filter(posts::endpoint_id.eq(endpoint.as_bytes().as_slice()))
        .filter(posts::queued_at.ge(since.micros()))
        .filter(posts::event.ne(Subscribed::Test.word()))
        .filter(diesel::dsl::not(posts::open))
        .order((posts::queued_at, posts::id))
        .limit(most)
        .select(posts::id)
        .load(turn.rows().db)?;
    let more = ids.len() > limit;
    ids.truncate(limit);
    Ok((again(turn, endpoint, &ids)?, more))
}

/// Queues ended posts again, in the order in which they were queued, under the same ids: a receiver that knows one may pass
/// it over.
fn again(turn: &mut Turn<'_>, endpoint: Uuid, ids: &[Vec<u8>]) -> Result<usize, StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let ended: Vec<Vec<u8>> = posts::table
        .filter(posts::id.eq_any(ids))
        .filter(posts::endpoint_id.eq(endpoint.as_bytes().as_slice()))
        .filter(diesel::dsl::not(posts::open))
        .order((posts::queued_at, posts::id))
        .select(posts::id)
        .load(rows.db)?;
    diesel::update(posts::table.filter(posts::id.eq_any(&ended)))
        .set((
            posts::state.eq(PostState::Queued.word()),
            posts::open.eq(true),
            posts::next_attempt_at.eq(0),
            posts::same_outcome.eq(0),
            posts::done_at.eq(None::<i64>),
        ))
        .execute(rows.db)?;
    let places: Vec<_> = ended
        .into_iter()
        .zip(now.micros()..)
        .map(|(id, at)| vec![Value::Octets(Some(id)), Value::Big(Some(at))])
        .collect();
    update_many(rows.db, "posts", &["id"], &["queued_at"], &places)
}
