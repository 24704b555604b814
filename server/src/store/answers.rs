//! Answers to programs, kept so that the same request again gets the same answer and does nothing (ruling 35).
//!
//! A program names each request by a key of its own. The turn that claims a key comes before anything is done; the answer
//! is kept, sealed, when it is known. A claim without an answer means that the request is under way, or was cut off: nobody
//! can tell which, so nobody does it again. Counted in machine time; no part of the record.

use diesel::prelude::*;
use domain::values::{Digest32, Moment};
use uuid::Uuid;

use super::schema::api_answers;
use super::{Rows, StoreError, Turn};

/// An answer is kept for so long; its key may be used anew afterwards.
const KEPT_SECONDS: i64 = 7 * 86_400;
/// Where answers are sealed for.
const ANSWER: &str = "api_answers.answer";
/// What requests are known again by. A plain digest would let whoever has the database try out names and passphrases.
const REQUEST: &str = "api_answers.request";

/// A request that a program has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The token that asks.
    pub token: Uuid,
    /// SHA-256 of the key.
    pub key_sha256: [u8; 32],
    /// SHA-256 of all that makes it this request and no other.
    pub request_sha256: [u8; 32],
}

/// What came of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is this caller's: it does what is asked, and keeps the answer.
    Fresh,
    /// The same request came before; its answer.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The answer as it was kept; `None` when it held a secret.
        answer: Option<Vec<u8>>,
    },
    /// The same request came before, and no answer is known.
    Unanswered,
    /// The key names another request.
    OtherRequest,
}

/// Claims a key: at most one turn ever gets [`Claim::Fresh`] while it is kept. `elapsed` is machine time.
///
/// # Errors
/// [`StoreError::Corrupt`] when the answer does not open; those of the database.
pub fn claim(turn: &mut Turn<'_>, named: &Named, elapsed: Moment) -> Result<Claim, StoreError> {
    type Found = (Vec<u8>, Option<i32>, Option<Vec<u8>>);
    let rows = turn.rows();
    let asked = rows.seal.lookup(REQUEST, &Digest32::from_bytes(named.request_sha256).to_string());
    // Looked up first: on Postgres a unique violation would end the whole batch.
    let found: Option<Found> = api_answers::table
        .find((named.token.as_bytes().as_slice(), named.key_sha256.as_slice()))
        .select((api_answers::request_sha256, api_answers::status, api_answers::answer))
        .first(rows.db)
        .optional()?;
    let Some((request, status, sealed)) = found else {
        diesel::insert_into(api_answers::table)
            .values((
                api_answers::token_id.eq(named.token.as_bytes().as_slice()),
                api_answers::key_sha256.eq(named.key_sha256.as_slice()),
                api_answers::request_sha256.eq(asked),
                api_answers::made_at.eq(elapsed.micros()),
            ))
            .execute(rows.db)?;
        return Ok(Claim::Fresh);
    };
    if request != asked {
        return Ok(Claim::OtherRequest);
    }
    let Some(status) = status else { return Ok(Claim::Unanswered) };
    Ok(Claim::Answered {
        status: u16::try_from(status).map_err(StoreError::corrupt("api_answers", "a status"))?,
        answer: sealed.map(|sealed| rows.seal.open(ANSWER, &row(named), &sealed)).transpose()?,
    })
}

/// Keeps the answer of a request that was claimed; `None` when it holds a secret.
///
/// # Errors
/// Those of the database.
pub fn keep(turn: &mut Turn<'_>, named: &Named, status: u16, answer: Option<&[u8]>) -> Result<(), StoreError> {
    let rows: &mut Rows<'_> = turn.rows();
    let sealed = answer.map(|answer| rows.seal.seal(ANSWER, &row(named), answer)).transpose()?;
    diesel::update(api_answers::table.find((named.token.as_bytes().as_slice(), named.key_sha256.as_slice())))
        .set((api_answers::status.eq(i32::from(status)), api_answers::answer.eq(sealed)))
        .execute(rows.db)?;
    Ok(())
}

/// Gives a key back whose request was not done at all.
///
/// # Errors
/// Those of the database.
pub fn release(turn: &mut Turn<'_>, named: &Named) -> Result<(), StoreError> {
    let claimed = api_answers::table.find((named.token.as_bytes().as_slice(), named.key_sha256.as_slice()));
    diesel::delete(claimed.filter(api_answers::status.is_null())).execute(turn.rows().db)?;
    Ok(())
}

/// Sweeps answers that are a week old, at most `limit`. Answers how many. `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, elapsed: Moment, limit: usize) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let old: Vec<(Vec<u8>, Vec<u8>)> = api_answers::table
        .filter(api_answers::made_at.lt(elapsed.plus_seconds(-KEPT_SECONDS).micros()))
        .order(api_answers::made_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((api_answers::token_id, api_answers::key_sha256))
        .load(rows.db)?;
    for (token, key) in &old {
        diesel::delete(api_answers::table.find((token, key))).execute(rows.db)?;
    }
    Ok(old.len())
}

/// What an answer is bound to.
fn row(named: &Named) -> Vec<u8> {
    [named.token.as_bytes().as_slice(), named.key_sha256.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::testing::{at, both, id};

    fn named(key: u8, request: u8) -> Named {
        Named { token: id(7), key_sha256: [key; 32], request_sha256: [request; 32] }
    }

    both!(
        /// Aim: a key is fresh once; then it gives its answer, or says that none is known, or that it names something else.
        one_key_one_request, |store| {
            store.write::<_, StoreError>(at(0), |turn| {
                assert_eq!(claim(turn, &named(1, 1), at(0))?, Claim::Fresh);
                let kept: Vec<u8> = api_answers::table.select(api_answers::request_sha256).first(turn.rows().db)?;
                assert_ne!(kept, [1; 32], "a digest that anybody can compute is not kept");
                assert_eq!(claim(turn, &named(1, 1), at(1))?, Claim::Unanswered);
                assert_eq!(claim(turn, &named(1, 2), at(1))?, Claim::OtherRequest);
                keep(turn, &named(1, 1), 201, Some(b"planted words"))?;
                let answered = Claim::Answered { status: 201, answer: Some(b"planted words".to_vec()) };
                assert_eq!(claim(turn, &named(1, 1), at(2))?, answered);
                release(turn, &named(1, 1))?;
                assert_eq!(claim(turn, &named(1, 1), at(2))?, answered, "what was answered is not given back");
                assert_eq!(claim(turn, &named(2, 1), at(0))?, Claim::Fresh);
                keep(turn, &named(2, 1), 201, None)?;
                assert_eq!(claim(turn, &named(2, 1), at(0))?, Claim::Answered { status: 201, answer: None });
                assert_eq!(claim(turn, &named(3, 1), at(0))?, Claim::Fresh);
                release(turn, &named(3, 1))?;
                assert_eq!(claim(turn, &named(3, 2), at(0))?, Claim::Fresh);
                Ok(())
            }).await.unwrap();
            assert!(!store.shows("planted words"));
        }
    );

    both!(
        /// Aim: answers of a week ago are swept, few at a time.
        swept, |store| {
            store.write::<_, StoreError>(at(0), |turn| {
                for key in 0..5 {
                    claim(turn, &named(key, 1), at(0))?;
                }
                assert_eq!(sweep(turn, at(1_000), 9)?, 0);
                assert_eq!(sweep(turn, at(700_000), 3)?, 3);
                assert_eq!(sweep(turn, at(700_000), 9)?, 2);
                assert_eq!(claim(turn, &named(0, 2), at(700_000))?, Claim::Fresh);
                Ok(())
            }).await.unwrap();
        }
    );
}
