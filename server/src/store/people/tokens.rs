//! API tokens: programs that act for a person. Of a token only the SHA-256 is kept; all instants are machine time.

use diesel::prelude::*;
use domain::values::{Line, Moment, PersonId};
use uuid::Uuid;

use super::moment;
use crate::store::schema::api_tokens;
use crate::store::{Rows, StoreError, Turn};

/// Where the names of API tokens are sealed for.
const LABEL: &str = "api_tokens.label";
/// Good tokens of one person.
const TOKENS_MAX: i64 = 50;
/// Tokens of one person in a list; older ones that have ended are forgotten when one is added.
const LISTED_MAX: i64 = 100;

/// A program that acts through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Which.
    pub id: Uuid,
    /// For whom; nobody for one that the node itself was given, which only reads.
    pub person: Option<PersonId>,
    /// What people call it.
    pub label: Line,
    /// The words of what it may do.
    pub scopes: Vec<String>,
    /// When it was last used (machine time).
    pub used_at: Option<Moment>,
}

/// A token in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldToken {
    /// What it is.
    pub token: ApiToken,
    /// When it was made (machine time).
    pub made_at: Moment,
    /// When it ends by itself (machine time).
    pub expires_at: Option<Moment>,
    /// When a person ended it (machine time).
    pub ended_at: Option<Moment>,
}

impl HeldToken {
    /// Whether it is good.
    #[must_use]
    pub fn is_good(&self, elapsed: Moment) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|expires| expires > elapsed)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
struct TokenRow {
    id: Vec<u8>,
    label: Vec<u8>,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    person_id: Option<Vec<u8>>,
    used_at: Option<i64>,
    ended_at: Option<i64>,
}

impl TokenRow {
    fn opened(self, rows: &Rows<'_>) -> Result<HeldToken, StoreError> {
        let label = rows.seal.open(LABEL, &self.id, &self.label)?;
        let label = std::str::from_utf8(&label).ok().and_then(|label| Line::stored(label).ok());
        let person = self.person_id.map(|id| PersonId::from_slice(&id));
        Ok(HeldToken {
            token: ApiToken {
                id: Uuid::from_slice(&self.id).map_err(StoreError::corrupt("api_tokens", "an id"))?,
                person: person.transpose().map_err(StoreError::corrupt("api_tokens", "a person"))?,
                label: label.ok_or(StoreError::Corrupt { table: "api_tokens", what: "a name" })?,
                scopes: self.scopes.split_whitespace().map(str::to_owned).collect(),
                used_at: self.used_at.map(moment).transpose()?,
            },
            made_at: moment(self.created_at)?,
            expires_at: self.expires_at.map(moment).transpose()?,
            ended_at: self.ended_at.map(moment).transpose()?,
        })
    }
}

/// Adds an API token; `created_at` and `expires_at` are machine time. `made_by` is the token of the program that asked for
/// it: with that one it ends.
///
/// # Errors
/// [`StoreError::TooMuch`] when its person has 50 good ones; those of the database.
pub fn insert_api_token(
    turn: &mut Turn<'_>,
    token_sha256: [u8; 32],
    token: &ApiToken,
    made_by: Option<Uuid>,
    created_at: Moment,
    expires_at: Option<Moment>,
) -> Result<(), StoreError> {
    if let Some(person) = token.person {
        make_room(turn, person, created_at)?;
    }
    let rows = turn.rows();
    let label = rows.seal.seal(LABEL, token.id.as_bytes(), token.label.as_str().as_bytes())?;
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::token_sha256.eq(token_sha256.as_slice()),
            api_tokens::id.eq(token.id.as_bytes().as_slice()),
            api_tokens::label.eq(label),
            api_tokens::scopes.eq(token.scopes.join(" ")),
            api_tokens::created_at.eq(created_at.micros()),
            api_tokens::expires_at.eq(expires_at.map(Moment::micros)),
            api_tokens::person_id.eq(token.person.map(|person| person.as_bytes().to_vec())),
            api_tokens::made_by.eq(made_by.map(|id| id.as_bytes().to_vec())),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Forgets a person's oldest tokens that are no longer good, so that their list stays short.
fn make_room(turn: &mut Turn<'_>, person: PersonId, elapsed: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    let whose = api_tokens::person_id.eq(person.as_bytes().to_vec());
    let live: i64 = api_tokens::table
        .filter(whose.clone())
        .filter(api_tokens::ended_at.is_null())
        .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(elapsed.micros())))
        .count()
        .get_result(rows.db)?;
    if live >= TOKENS_MAX {
        return Err(StoreError::TooMuch { what: "the number of tokens" });
    }
    let ended: Vec<Vec<u8>> = api_tokens::table
        .filter(whose)
        .filter(api_tokens::ended_at.is_not_null().or(api_tokens::expires_at.le(elapsed.micros())))
        .order((api_tokens::created_at.desc(), api_tokens::id))
        .offset(LISTED_MAX - TOKENS_MAX - 1)
        .limit(LISTED_MAX)
        .select(api_tokens::token_sha256)
        .load(rows.db)?;
    diesel::delete(api_tokens::table.filter(api_tokens::token_sha256.eq_any(ended))).execute(rows.db)?;
    Ok(())
}

/// Whom an API token belongs to, while it is good.
///
/// # Errors
/// [`StoreError::Corrupt`] when its name does not open; those of the database.
pub fn api_token(rows: &mut Rows<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<Option<ApiToken>, StoreError> {
    let found: Option<TokenRow> = api_tokens::table
        .find(token_sha256.as_slice())
        .filter(api_tokens::ended_at.is_null())
        .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(elapsed.micros())))
        .select(TokenRow::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| Ok(row.opened(rows)?.token)).transpose()
}

/// A token was used (machine time).
///
/// # Errors
/// Those of the database.
pub fn touch_api_token(turn: &mut Turn<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<(), StoreError> {
    diesel::update(api_tokens::table.find(token_sha256.as_slice()))
        .set(api_tokens::used_at.eq(elapsed.micros()))
        .execute(turn.rows().db)?;
    Ok(())
}

/// A person's tokens, the last made first; at most 100.
///
/// # Errors
/// [`StoreError::Corrupt`] when a name does not open; those of the database.
pub fn tokens_of(rows: &mut Rows<'_>, person: PersonId) -> Result<Vec<HeldToken>, StoreError> {
    let found: Vec<TokenRow> = api_tokens::table
        .filter(api_tokens::person_id.eq(person.as_bytes().to_vec()))
        .order((api_tokens::created_at.desc(), api_tokens::id))
        .limit(LISTED_MAX)
        .select(TokenRow::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Whose token it is, and what it is called; `None` when there is none or it has been ended.
///
/// # Errors
/// [`StoreError::Corrupt`] when its name does not open; those of the database.
pub fn token_owner(rows: &mut Rows<'_>, id: Uuid) -> Result<Option<ApiToken>, StoreError> {
    let found: Option<TokenRow> = api_tokens::table
        .filter(api_tokens::id.eq(id.as_bytes().as_slice()))
        .filter(api_tokens::ended_at.is_null())
        .select(TokenRow::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| Ok(row.opened(rows)?.token)).transpose()
}

/// Ends an API token (machine time), and those that were made with it, and with those. Answers how many ended.
///
/// # Errors
/// Those of the database.
pub fn end_api_token(turn: &mut Turn<'_>, id: Uuid, elapsed: Moment) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let mut all = vec![id.as_bytes().to_vec()];
    let mut newest = all.clone();
    // Each was made after the one that made it, so that this ends.
    while !newest.is_empty() {
        newest = api_tokens::table
            .filter(api_tokens::made_by.eq_any(newest))
            .filter(api_tokens::id.ne_all(&all))
            .select(api_tokens::id)
            .load(rows.db)?;
        all.extend_from_slice(&newest);
    }
    let good = api_tokens::table.filter(api_tokens::id.eq_any(all)).filter(api_tokens::ended_at.is_null());
    Ok(diesel::update(good).set(api_tokens::ended_at.eq(elapsed.micros())).execute(rows.db)?)
}

/// Ends all of a person's tokens (machine time). Answers how many were good.
///
/// # Errors
/// Those of the database.
pub fn end_tokens_of(turn: &mut Turn<'_>, person: PersonId, elapsed: Moment) -> Result<usize, StoreError> {
    let theirs = api_tokens::table
        .filter(api_tokens::person_id.eq(person.as_bytes().to_vec()))
        .filter(api_tokens::ended_at.is_null());
    Ok(diesel::update(theirs).set(api_tokens::ended_at.eq(elapsed.micros())).execute(turn.rows().db)?)
}
