//! People with accounts, their sessions, and programs with API tokens.
//!
//! Names and addresses are sealed; an account is found by a keyed digest of its address. Of tokens only the SHA-256 is
//! kept. Sessions, locks and tokens count in machine time; when somebody last signed in is duty time, because people read it.

mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

pub use sessions::{
    OpenSession, Session, close_session, close_sessions_but, open_session, session, session_owner, sessions_of,
    sweep_sessions, touch_session,
};
pub use tokens::{
    ApiToken, HeldToken, api_token, end_api_token, end_tokens_of, insert_api_token, token_owner, tokens_of,
    touch_api_token,
};

use diesel::prelude::*;
use domain::ladder::Reachable;
use domain::values::{Line, Moment, PersonId, Role};
use serde::{Deserialize, Serialize};

use super::schema::{api_tokens, counters, drafts, feed_links, forms, links, people, sessions as session_rows, shifts};
use super::{Rows, StoreError, Turn};

/// Where names and addresses are sealed for.
const DETAILS: &str = "people.details";
/// What addresses are looked up by.
const EMAIL: &str = "people.email_key";
/// Accounts there may be, and in one answer of [`all`].
pub const PEOPLE_MAX: u32 = 1_000;

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
    /// The bcrypt hash of their password; empty while they have none, which no password matches.
    pub password_hash: String,
    /// Whether they may not sign in any more.
    pub disabled: bool,
    /// Failed attempts in a row.
    pub failures: u32,
    /// No attempt is taken before this machine time.
    pub locked_until: Option<Moment>,
    /// When the account was made (duty time).
    pub created_at: Moment,
    /// When they last signed in (duty time).
    pub seen_at: Option<Moment>,
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
    created_at: i64,
    seen_at: Option<i64>,
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
            created_at: moment(self.created_at)?,
            seen_at: self.seen_at.map(moment).transpose()?,
        })
    }
}

/// Adds a person.
///
/// # Errors
/// [`StoreError::Conflict`] when the address has an account; [`StoreError::TooMuch`] beyond 1000; those of the database.
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
    if count(rows)? >= PEOPLE_MAX {
        return Err(StoreError::TooMuch { what: "the number of accounts" });
    }
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
        .limit(i64::from(PEOPLE_MAX))
        .select(PersonRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Accounts from after a key, the first made first; at most `limit`.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn after(rows: &mut Rows<'_>, after: Option<(Moment, PersonId)>, limit: i64) -> Result<Vec<Person>, StoreError> {
    let mut wanted = people::table.order((people::created_at, people::id)).limit(limit).into_boxed();
    if let Some((at, id)) = after {
        let later = people::created_at.gt(at.micros());
        let same = people::created_at.eq(at.micros()).and(people::id.gt(id.as_bytes().to_vec()));
        wanted = wanted.filter(later.or(same));
    }
    let found: Vec<PersonRow> = wanted.select(PersonRow::as_select()).load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Whoever can sign in, with their roles; nothing of them is opened.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id or a role can't be read; those of the database.
pub fn reachable(rows: &mut Rows<'_>) -> Result<Vec<Reachable>, StoreError> {
    let found: Vec<(Vec<u8>, String)> = people::table
        .filter(diesel::dsl::not(people::disabled))
        .filter(people::password_hash.ne(""))
        .order(people::id)
        .limit(i64::from(PEOPLE_MAX))
        .select((people::id, people::roles))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(id, words)| {
            let person = PersonId::from_slice(&id).map_err(StoreError::corrupt("people", "an id"))?;
            Ok(Reachable { person, roles: roles(&words)? })
        })
        .collect()
}

/// How many accounts there are.
///
/// # Errors
/// Those of the database.
pub fn count(rows: &mut Rows<'_>) -> Result<u32, StoreError> {
    let found: i64 = people::table.count().get_result(rows.db)?;
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
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

/// Gives a person another name and address.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else has the address; those of the database.
pub fn set_details(turn: &mut Turn<'_>, id: PersonId, email: &str, name: &Line) -> Result<(), StoreError> {
    let rows = turn.rows();
    if by_email(rows, email)?.is_some_and(|found| found.id != id) {
        return Err(StoreError::Conflict);
    }
    let details = Details { name: name.clone(), email: email.to_owned() };
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set((
            people::email_key.eq(email_key(rows, email)),
            people::details.eq(rows.seal.seal_json(DETAILS, id.as_bytes(), &details)?),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Gives a person another password; what was counted against them is forgotten.
///
/// # Errors
/// Those of the database.
pub fn set_password(turn: &mut Turn<'_>, id: PersonId, password_hash: &str) -> Result<(), StoreError> {
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set((people::password_hash.eq(password_hash), people::failures.eq(0), people::locked_until.eq(None::<i64>)))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Lets a person sign in no more, or again; their sessions, open links and calendar addresses end with it.
///
/// # Errors
/// Those of the database.
pub fn set_disabled(turn: &mut Turn<'_>, id: PersonId, disabled: bool) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(people::disabled.eq(disabled)).execute(rows.db)?;
    close_sessions_but(turn, id, None)?;
    diesel::delete(feed_links::table.filter(feed_links::person_id.eq(id.as_bytes().as_slice())))
        .execute(turn.rows().db)?;
    super::links::end_of(turn, id)
}

/// Removes a person with all that was kept for them alone: sessions, links, tokens, forms, drafts and shifts. The ledger keeps what
/// they did.
///
/// # Errors
/// Those of the database.
pub fn remove(turn: &mut Turn<'_>, id: PersonId) -> Result<(), StoreError> {
    let rows = turn.rows();
    let whose = id.as_bytes().as_slice();
    diesel::delete(session_rows::table.filter(session_rows::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(links::table.filter(links::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(api_tokens::table.filter(api_tokens::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(shifts::table.filter(shifts::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(feed_links::table.filter(feed_links::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(forms::table.filter(forms::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(drafts::table.filter(drafts::person_id.eq(whose))).execute(rows.db)?;
    diesel::delete(people::table.find(whose)).execute(rows.db)?;
    Ok(())
}

/// How many administrators can sign in: not disabled, and with a password.
///
/// # Errors
/// Those of the database.
pub fn active_administrators(rows: &mut Rows<'_>) -> Result<u32, StoreError> {
    // No role's word is a part of another's.
    let is_administrator = people::roles.like(format!("%{}%", Role::Administrator.word()));
    let found: i64 = people::table
        .filter(is_administrator)
        .filter(diesel::dsl::not(people::disabled))
        .filter(people::password_hash.ne(""))
        .count()
        .get_result(rows.db)?;
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
}

/// When something that may happen often was last put on the record (machine time).
///
/// # Errors
/// Those of the database.
pub fn last_noted(rows: &mut Rows<'_>, what: &str) -> Result<Option<Moment>, StoreError> {
    let found: Option<i64> = counters::table.find(what).select(counters::value).first(rows.db).optional()?;
    found.map(moment).transpose()
}

/// It is put on the record now (machine time).
///
/// # Errors
/// Those of the database.
pub fn set_noted(turn: &mut Turn<'_>, what: &str, elapsed: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    let changed =
        diesel::update(counters::table.find(what)).set(counters::value.eq(elapsed.micros())).execute(rows.db)?;
    if changed == 0 {
        diesel::insert_into(counters::table)
            .values((counters::name.eq(what), counters::value.eq(elapsed.micros())))
            .execute(rows.db)?;
    }
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

/// The right password: they are here now.
///
/// # Errors
/// Those of the database.
pub fn succeeded(turn: &mut Turn<'_>, id: PersonId) -> Result<(), StoreError> {
    let now = turn.now();
    diesel::update(people::table.find(id.as_bytes().as_slice()))
        .set((people::failures.eq(0), people::locked_until.eq(None::<i64>), people::seen_at.eq(now.micros())))
        .execute(turn.rows().db)?;
    Ok(())
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
