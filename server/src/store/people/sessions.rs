//! Sessions of people. Of a token only the SHA-256 is kept; all instants are machine time.

use diesel::prelude::*;
use domain::values::{Digest32, Moment, PersonId};

use super::{Person, PersonRow, moment};
use crate::store::schema::{people, sessions};
use crate::store::{Rows, StoreError, Turn};

/// Sessions of one person in a list.
const LISTED_MAX: i64 = 50;

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub person: Person,
    /// The secret that its forms carry.
    pub csrf: Vec<u8>,
    /// When it was last used (machine time).
    pub seen_at: Moment,
    /// When it ends unless used (machine time).
    pub expires_at: Moment,
}

/// Starts a session.
///
/// # Errors
/// Those of the database.
pub fn open_session(
    turn: &mut Turn<'_>,
    token_sha256: [u8; 32],
    id: PersonId,
    csrf: [u8; 32],
    elapsed: Moment,
    expires_at: Moment,
) -> Result<(), StoreError> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_sha256.eq(token_sha256.as_slice()),
            sessions::person_id.eq(id.as_bytes().as_slice()),
            sessions::csrf.eq(csrf.as_slice()),
            sessions::created_at.eq(elapsed.micros()),
            sessions::seen_at.eq(elapsed.micros()),
            sessions::expires_at.eq(expires_at.micros()),
        ))
        .execute(turn.rows().db)?;
    Ok(())
}

/// The session of a token, while it lives and its person may sign in.
///
/// # Errors
/// [`StoreError::Corrupt`] when the person does not open; those of the database.
pub fn session(rows: &mut Rows<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<Option<Session>, StoreError> {
    let found: Option<(PersonRow, Vec<u8>, i64, i64)> = sessions::table
        .inner_join(people::table.on(people::id.eq(sessions::person_id)))
        .filter(sessions::token_sha256.eq(token_sha256.as_slice()))
        .filter(sessions::expires_at.gt(elapsed.micros()))
        .filter(diesel::dsl::not(people::disabled))
        .select((PersonRow::as_select(), sessions::csrf, sessions::seen_at, sessions::expires_at))
        .first(rows.db)
        .optional()?;
    let Some((person, csrf, seen_at, expires_at)) = found else { return Ok(None) };
    Ok(Some(Session { person: person.opened(rows)?, csrf, seen_at: moment(seen_at)?, expires_at: moment(expires_at)? }))
}

/// A session was used: it lives until `expires_at`.
///
/// # Errors
/// Those of the database.
pub fn touch_session(
    turn: &mut Turn<'_>,
    token_sha256: [u8; 32],
    elapsed: Moment,
    expires_at: Moment,
) -> Result<(), StoreError> {
    diesel::update(sessions::table.find(token_sha256.as_slice()))
        .set((sessions::seen_at.eq(elapsed.micros()), sessions::expires_at.eq(expires_at.micros())))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// Those of the database.
pub fn close_session(turn: &mut Turn<'_>, token_sha256: [u8; 32]) -> Result<(), StoreError> {
    diesel::delete(sessions::table.find(token_sha256.as_slice())).execute(turn.rows().db)?;
    Ok(())
}

/// Removes sessions that have ended, at most `limit`. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn sweep_sessions(turn: &mut Turn<'_>, elapsed: Moment, limit: usize) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let ended: Vec<Vec<u8>> = sessions::table
        .filter(sessions::expires_at.le(elapsed.micros()))
        .order(sessions::expires_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(sessions::token_sha256)
        .load(rows.db)?;
    Ok(diesel::delete(sessions::table.filter(sessions::token_sha256.eq_any(ended))).execute(rows.db)?)
}

/// A session in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession {
    /// Which: the digest of its token, which opens nothing.
    pub id: Digest32,
    /// When it began (machine time).
    pub began_at: Moment,
    /// When it was last used (machine time).
    pub seen_at: Moment,
}

/// A person's live sessions, the last used first; at most 50.
///
/// # Errors
/// Those of the database.
pub fn sessions_of(rows: &mut Rows<'_>, id: PersonId, elapsed: Moment) -> Result<Vec<OpenSession>, StoreError> {
    let found: Vec<(Vec<u8>, i64, i64)> = sessions::table
        .filter(sessions::person_id.eq(id.as_bytes().as_slice()))
        .filter(sessions::expires_at.gt(elapsed.micros()))
        .order((sessions::seen_at.desc(), sessions::token_sha256))
        .limit(LISTED_MAX)
        .select((sessions::token_sha256, sessions::created_at, sessions::seen_at))
        .load(rows.db)?;
    let open = |(id, began, seen): (Vec<u8>, i64, i64)| {
        let id = Digest32::from_slice(&id).map_err(StoreError::corrupt("sessions", "a digest"))?;
        Ok(OpenSession { id, began_at: moment(began)?, seen_at: moment(seen)? })
    };
    found.into_iter().map(open).collect()
}

/// Whose session it is, if it lives.
///
/// # Errors
/// Those of the database.
pub fn session_owner(rows: &mut Rows<'_>, id: Digest32, elapsed: Moment) -> Result<Option<PersonId>, StoreError> {
    let found: Option<Vec<u8>> = sessions::table
        .find(id.as_bytes().as_slice())
        .filter(sessions::expires_at.gt(elapsed.micros()))
        .select(sessions::person_id)
        .first(rows.db)
        .optional()?;
    found.map(|id| PersonId::from_slice(&id).map_err(StoreError::corrupt("sessions", "a person"))).transpose()
}

/// Ends a person's sessions, but for one if it is named. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn close_sessions_but(turn: &mut Turn<'_>, id: PersonId, but: Option<Digest32>) -> Result<usize, StoreError> {
    let whose = sessions::person_id.eq(id.as_bytes().as_slice());
    let but = but.map(|but| but.as_bytes().to_vec()).unwrap_or_default();
    let all = sessions::table.filter(whose).filter(sessions::token_sha256.ne(but));
    Ok(diesel::delete(all).execute(turn.rows().db)?)
}
