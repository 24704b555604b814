//! One-time links: invitations and password resets. Of a link only the SHA-256 is kept; all instants are machine time.
//!
//! A person has at most one open link, and each is used at most once, whatever is tried at the same moment.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::values::{Moment, PersonId};

use super::schema::links;
use super::{Rows, StoreError, Turn};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Sets the first password of a new account.
    Invitation,
    /// Sets another password.
    Reset,
}

impl Purpose {
    /// The stored word, also used on the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        match word {
            "invitation" => Ok(Self::Invitation),
            "reset" => Ok(Self::Reset),
            _ => Err(StoreError::Corrupt { table: "links", what: "a purpose" }),
        }
    }
}

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whose.
    pub person: PersonId,
    /// What for.
    pub purpose: Purpose,
    /// When it ends (machine time).
    pub expires_at: Moment,
    /// When it was used, or ended because a newer one was made (machine time).
    pub used_at: Option<Moment>,
}

impl Link {
    /// Why it can't be used any more; `None` while it can.
    #[must_use]
    pub fn fault(&self, elapsed: Moment) -> Option<&'static str> {
        if self.used_at.is_some() {
            Some("used or replaced")
        } else if self.expires_at <= elapsed {
            Some("expired")
        } else {
            None
        }
    }
}

/// Makes a link; every open one of that person ends.
///
/// # Errors
/// Those of the database.
pub fn make(
    turn: &mut Turn<'_>,
    token_sha256: [u8; 32],
    person: PersonId,
    purpose: Purpose,
    elapsed: Moment,
    expires_at: Moment,
) -> Result<(), StoreError> {
    let rows = turn.rows();
    let whose = links::person_id.eq(person.as_bytes().as_slice());
    diesel::update(links::table.filter(whose).filter(links::used_at.is_null()))
        .set(links::used_at.eq(elapsed.micros()))
        .execute(rows.db)?;
    diesel::insert_into(links::table)
        .values((
            links::token_sha256.eq(token_sha256.as_slice()),
            links::person_id.eq(person.as_bytes().as_slice()),
            links::purpose.eq(purpose.word()),
            links::made_at.eq(elapsed.micros()),
            links::expires_at.eq(expires_at.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// A link, also one that can't be used any more.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable row; those of the database.
pub fn find(rows: &mut Rows<'_>, token_sha256: [u8; 32]) -> Result<Option<Link>, StoreError> {
    let found: Option<(Vec<u8>, String, i64, Option<i64>)> = links::table
        .find(token_sha256.as_slice())
        .select((links::person_id, links::purpose, links::expires_at, links::used_at))
        .first(rows.db)
        .optional()?;
    let Some((person, purpose, expires_at, used_at)) = found else { return Ok(None) };
    Ok(Some(Link {
        person: PersonId::from_slice(&person).map_err(StoreError::corrupt("links", "a person"))?,
        purpose: Purpose::parse(&purpose)?,
        expires_at: moment(expires_at)?,
        used_at: used_at.map(moment).transpose()?,
    }))
}

/// The open link of a person: what for, and when it ends.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable row; those of the database.
pub fn open_of(
    rows: &mut Rows<'_>,
    person: PersonId,
    elapsed: Moment,
) -> Result<Option<(Purpose, Moment)>, StoreError> {
    let found: Option<(String, i64)> = links::table
        .filter(links::person_id.eq(person.as_bytes().as_slice()))
        .filter(links::used_at.is_null())
        .filter(links::expires_at.gt(elapsed.micros()))
        .order(links::expires_at.desc())
        .select((links::purpose, links::expires_at))
        .first(rows.db)
        .optional()?;
    found.map(|(purpose, ends)| Ok((Purpose::parse(&purpose)?, moment(ends)?))).transpose()
}

/// Uses a link. Answers whether it could be used: at most one turn ever gets `true`.
///
/// # Errors
/// Those of the database.
pub fn use_up(turn: &mut Turn<'_>, token_sha256: [u8; 32], elapsed: Moment) -> Result<bool, StoreError> {
    let open = links::table
        .find(token_sha256.as_slice())
        .filter(links::used_at.is_null())
        .filter(links::expires_at.gt(elapsed.micros()));
    let used = diesel::update(open).set(links::used_at.eq(elapsed.micros())).execute(turn.rows().db)?;
    Ok(used == 1)
}

/// Ends every link of a person.
///
/// # Errors
/// Those of the database.
pub fn end_of(turn: &mut Turn<'_>, person: PersonId) -> Result<(), StoreError> {
    diesel::delete(links::table.filter(links::person_id.eq(person.as_bytes().as_slice()))).execute(turn.rows().db)?;
    Ok(())
}

/// Removes links that ended before an instant (machine time), at most `limit`. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, ended_before: Moment, limit: usize) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let ended: Vec<Vec<u8>> = links::table
        .filter(links::expires_at.le(ended_before.micros()))
        .order(links::expires_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(links::token_sha256)
        .load(rows.db)?;
    Ok(diesel::delete(links::table.filter(links::token_sha256.eq_any(ended))).execute(rows.db)?)
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("links", "an instant"))
}
