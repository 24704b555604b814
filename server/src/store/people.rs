//! People with accounts, their sessions, and programs with API tokens.
//!
//! Names and addresses are sealed; an account is found by a keyed digest of its address. Of tokens only the SHA-256 is
//! kept. Sessions, locks and tokens count in machine time.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::values::{Line, Moment, PersonId, Role};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::{api_tokens, people, sessions};
use super::{Rows, StoreError, Turn};

/// Where names and addresses are sealed for.
const DETAILS: &str = "people.details";
/// What addresses are looked up by.
const EMAIL: &str = "people.email_key";
/// Where the names of API tokens are sealed for.
const LABEL: &str = "api_tokens.label";
/// Accounts in one answer of [`all`].
const PEOPLE_MAX: i64 = 1_000;

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Which.
    pub id: PersonId,
    /// Their name.
    pub name: Line,
    /// Their mail address.
    pub email: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The bcrypt hash of their password.
    pub password_hash: String,
    /// Whether they may not sign in any more.
    pub disabled: bool,
    /// Failed attempts in a row.
    pub failures: u32,
    /// No attempt is taken before this machine time.
    pub locked_until: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    name: Line,
    email: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
struct PersonRow {
    id: Vec<u8>,
    details: Vec<u8>,
    password_hash: String,
    roles: String,
    disabled: bool,
    failures: i32,
    locked_until: Option<i64>,
}

impl PersonRow {
    fn opened(self, rows: &Rows<'_>) -> Result<Person, StoreError> {
        let Details { name, email } = rows.seal.open_json(DETAILS, &self.id, &self.details)?;
        Ok(Person {
            id: PersonId::from_slice(&self.id).map_err(StoreError::corrupt("people", "an id"))?,
            name,
            email,
            roles: roles(&self.roles)?,
            password_hash: self.password_hash,
            disabled: self.disabled,
            failures: u32::try_from(self.failures).unwrap_or(0),
            locked_until: self.locked_until.map(moment).transpose()?,
        })
    }
}

/// Adds a person.
///
/// # Errors
/// [`StoreError::Conflict`] when the address has an account; those of the database.
pub fn insert(
    turn: &mut Turn<'_>,
    id: PersonId,
    email: &str,
    name: &Line,
    roles: &[Role],
    password_hash: &str,
) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    // Looked up first: on Postgres a unique violation would end the whole batch.
    if by_email(rows, email)?.is_some() {
        return Err(StoreError::Conflict);
    }
    let details = Details { name: name.clone(), email: email.to_owned() };
    diesel::insert_into(people::table)
        .values((
            people::id.eq(id.as_bytes().as_slice()),
            people::email_key.eq(email_key(rows, email)),
            people::details.eq(rows.seal.seal_json(DETAILS, id.as_bytes(), &details)?),
            people::password_hash.eq(password_hash),
            people::roles.eq(role_words(roles)),
            people::disabled.eq(false),
            people::failures.eq(0),
            people::created_at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// The account of an address; upper and lower case are one.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn by_email(rows: &mut Rows<'_>, email: &str) -> Result<Option<Person>, StoreError> {
    let found: Option<PersonRow> = people::table
        .filter(people::email_key.eq(email_key(rows, email)))
        .select(PersonRow::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| row.opened(rows)).transpose()
}

/// A person.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn by_id(rows: &mut Rows<'_>, id: PersonId) -> Result<Option<Person>, StoreError> {
    let found: Option<PersonRow> =
        people::table.find(id.as_bytes().as_slice()).select(PersonRow::as_select()).first(rows.db).optional()?;
    found.map(|row| row.opened(rows)).transpose()
}

/// Everybody with an account, the first made first; at most 1000.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn all(rows: &mut Rows<'_>) -> Result<Vec<Person>, StoreError> {
    let found: Vec<PersonRow> = people::table
        .order((people::created_at, people::id))
        .limit(PEOPLE_MAX)
        .select(PersonRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Gives a person other roles.
///
/// # Errors
/// Those of the database.
pub fn set_roles(turn: &mut Turn<'_>, id: PersonId, roles: &[Role]) -> Result<(), StoreError> {
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set(people::roles.eq(role_words(roles)))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Lets a person sign in no more, or again; their sessions end with it.
///
/// # Errors
/// Those of the database.
pub fn set_disabled(turn: &mut Turn<'_>, id: PersonId, disabled: bool) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(people::disabled.eq(disabled)).execute(rows.db)?;
    diesel::delete(sessions::table.filter(sessions::person_id.eq(id.as_bytes().as_slice()))).execute(rows.db)?;
    Ok(())
}

/// A wrong password. The `failures_max`-th in a row locks the account until `until` (machine time), and counting starts
/// anew.
///
/// # Errors
/// Those of the database.
pub fn failed(turn: &mut Turn<'_>, id: PersonId, failures_max: u32, until: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    let person = || people::table.find(id.as_bytes().as_slice());
    diesel::update(person()).set(people::failures.eq(people::failures + 1)).execute(rows.db)?;
    let most = i32::try_from(failures_max).unwrap_or(i32::MAX);
    diesel::update(person().filter(people::failures.ge(most)))
        .set((people::failures.eq(0), people::locked_until.eq(until.micros())))
        .execute(rows.db)?;
    Ok(())
}

/// The right password.
///
/// # Errors
/// Those of the database.
pub fn succeeded(turn: &mut Turn<'_>, id: PersonId) -> Result<(), StoreError> {
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set((people::failures.eq(0), people::locked_until.eq(None::<i64>)))
        .execute(turn.rows().db)?;
    Ok(())
}

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

/// A program that reads through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Which.
    pub id: Uuid,
    /// What people call it.
    pub label: Line,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Adds an API token; `created_at` and `expires_at` are machine time.
///
/// # Errors
/// Those of the database.
pub fn insert_api_token(
    turn: &mut Turn<'_>,
    token_sha256: [u8; 32],
    id: Uuid,
    label: &Line,
    scopes: &[String],
    created_at: Moment,
    expires_at: Option<Moment>,
) -> Result<(), StoreError> {
    let rows = turn.rows();
    let label = rows.seal.seal(LABEL, id.as_bytes(), label.as_str().as_bytes())?;
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::token_sha256.eq(token_sha256.as_slice()),
            api_tokens::id.eq(id.as_bytes().as_slice()),
            api_tokens::label.eq(label),
            api_tokens::scopes.eq(scopes.join(" ")),
            api_tokens::created_at.eq(created_at.micros()),
            api_tokens::expires_at.eq(expires_at.map(Moment::micros)),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Whom an API token belongs to, while it is good.
///
/// # Errors
/// [`StoreError::Corrupt`] when its name does not open; those of the database.
pub fn api_token(rows: &mut Rows<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<Option<ApiToken>, StoreError> {
    let found: Option<(Vec<u8>, Vec<u8>, String)> = api_tokens::table
        .find(token_sha256.as_slice())
        .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(elapsed.micros())))
        .select((api_tokens::id, api_tokens::label, api_tokens::scopes))
        .first(rows.db)
        .optional()?;
    let Some((id, label, scopes)) = found else { return Ok(None) };
    let label = rows.seal.open(LABEL, &id, &label)?;
    let label = std::str::from_utf8(&label).ok().and_then(|label| Line::parse(label).ok());
    Ok(Some(ApiToken {
        id: Uuid::from_slice(&id).map_err(StoreError::corrupt("api_tokens", "an id"))?,
        label: label.ok_or(StoreError::Corrupt { table: "api_tokens", what: "a name" })?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    }))
}

/// Ends an API token. Answers whether there was one.
///
/// # Errors
/// Those of the database.
pub fn end_api_token(turn: &mut Turn<'_>, id: Uuid) -> Result<bool, StoreError> {
    let ended = diesel::delete(api_tokens::table.filter(api_tokens::id.eq(id.as_bytes().as_slice())))
        .execute(turn.rows().db)?;
    Ok(ended == 1)
}

fn email_key(rows: &Rows<'_>, email: &str) -> Vec<u8> {
    rows.seal.lookup(EMAIL, &email.trim().to_lowercase())
}

fn role_words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(" ")
}

fn roles(words: &str) -> Result<Vec<Role>, StoreError> {
    words.split_whitespace().map(|word| word.parse().map_err(StoreError::corrupt("people", "a role"))).collect()
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("people", "an instant"))
}
