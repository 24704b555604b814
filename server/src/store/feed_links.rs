//! Secret addresses at which a person's calendar reads the deadlines. Of an address only the SHA-256 is kept; it is good until
//! its person, or an administrator, ends it. Instants are machine time.

use diesel::prelude::*;
use domain::values::{Digest32, Moment, PersonId};

use super::schema::feed_links;
use super::{Rows, StoreError, Turn};

/// Addresses that one person may have at a time.
pub const LINKS_MAX: i64 = 5;

/// An address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLink {
    /// The SHA-256 of its secret: names it in lists.
    pub digest: Digest32,
    /// When it was made (machine time).
    pub made_at: Moment,
}

/// Keeps a new address.
///
/// # Errors
/// [`StoreError::TooMuch`] beyond [`LINKS_MAX`]; those of the database.
pub fn make(turn: &mut Turn<'_>, digest: Digest32, person: PersonId, elapsed: Moment) -> Result<(), StoreError> {
    let rows = turn.rows();
    let whose = feed_links::person_id.eq(person.as_bytes().to_vec());
    let kept: i64 = feed_links::table.filter(whose).count().get_result(rows.db)?;
    if kept >= LINKS_MAX {
        return Err(StoreError::TooMuch { what: "the number of calendar addresses" });
    }
    diesel::insert_into(feed_links::table)
        .values((
            feed_links::token_sha256.eq(digest.as_bytes().to_vec()),
            feed_links::person_id.eq(person.as_bytes().to_vec()),
            feed_links::made_at.eq(elapsed.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// Whose address it is. The secret itself is compared with nothing: it is digested, and the digest is looked up, so that how
/// long an answer takes tells nothing of a secret.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable row; those of the database.
pub fn owner(rows: &mut Rows<'_>, digest: Digest32) -> Result<Option<PersonId>, StoreError> {
    let found: Option<Vec<u8>> =
        feed_links::table.find(digest.as_bytes().to_vec()).select(feed_links::person_id).first(rows.db).optional()?;
    found.map(|id| PersonId::from_slice(&id).map_err(StoreError::corrupt("feed_links", "a person"))).transpose()
}

/// The addresses of a person, the first made first.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unreadable row; those of the database.
pub fn of(rows: &mut Rows<'_>, person: PersonId) -> Result<Vec<FeedLink>, StoreError> {
    let found: Vec<(Vec<u8>, i64)> = feed_links::table
        .filter(feed_links::person_id.eq(person.as_bytes().as_slice()))
        .order((feed_links::made_at, feed_links::token_sha256))
        .limit(LINKS_MAX)
        .select((feed_links::token_sha256, feed_links::made_at))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(digest, made_at)| {
            let corrupt = |what| StoreError::Corrupt { table: "feed_links", what };
            let digest: [u8; 32] = digest.try_into().map_err(|_| corrupt("a digest"))?;
            let made_at = Moment::from_micros(made_at).map_err(|_| corrupt("an instant"))?;
            Ok(FeedLink { digest: Digest32::from_bytes(digest), made_at })
        })
        .collect()
}

/// Ends an address of a person. Answers whether there was one.
///
/// # Errors
/// Those of the database.
pub fn end(turn: &mut Turn<'_>, person: PersonId, digest: Digest32) -> Result<bool, StoreError> {
    let this =
        feed_links::table.find(digest.as_bytes().to_vec()).filter(feed_links::person_id.eq(person.as_bytes().to_vec()));
    Ok(diesel::delete(this).execute(turn.rows().db)? == 1)
}
