//! Which partners can be asked for messages, and whether their cards are still those that somebody has read, without
//! reading or opening any.
//!
//! A card lies sealed, and whatever is sealed begins with a random nonce: the head of what is stored changes with every
//! writing, and tells one card from any other.

use diesel::define_sql_function;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use domain::values::PartnerId;

use super::signed::{CARD, opened};
use super::{PARTNERS_MAX, PartnerState};
use crate::store::schema::partners;
use crate::store::{Rows, StoreError};

define_sql_function! {
    /// Part of a text: both databases have it.
    fn substr(text: Nullable<Text>, from: Integer, characters: Integer) -> Nullable<Text>;
}

/// Characters of a mark: the sealing's own mark and its nonce are 19.
const CHARACTERS: i32 = 32;

/// Tells a card from those before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardMark(String);

#[cfg(test)]
impl CardMark {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Active and verified partners with a node, each with the mark of its card, in the order of ids.
///
/// # Errors
/// [`StoreError::Corrupt`] when an id is none; those of the database.
pub fn card_marks(rows: &mut Rows<'_>) -> Result<Vec<(PartnerId, CardMark)>, StoreError> {
    let found: Vec<(Vec<u8>, Option<String>)> = partners::table
        .filter(partners::state.eq_any([PartnerState::Active.word(), PartnerState::Verified.word()]))
        .filter(partners::issuer.is_not_null())
        .filter(partners::card.is_not_null())
        .order(partners::id)
        .limit(PARTNERS_MAX)
        .select((partners::id, substr(partners::card, 1, CHARACTERS)))
        .load(rows.db)?;
    let marked = found.into_iter().map(|(id, mark)| Ok((partner(&id)?, CardMark(mark.unwrap_or_default()))));
    marked.collect()
}

/// The cards of these partners as signed, each with its mark; those that have none are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn cards(rows: &mut Rows<'_>, ids: &[PartnerId]) -> Result<Vec<(PartnerId, CardMark, String)>, StoreError> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    let found: Vec<(Vec<u8>, Option<String>, Option<String>)> = partners::table
        .filter(partners::id.eq_any(ids))
        .select((partners::id, substr(partners::card, 1, CHARACTERS), partners::card))
        .load(rows.db)?;
    let mut cards = Vec::with_capacity(found.len());
    for (id, mark, card) in found {
        if let (Some(mark), Some(card)) = (mark, opened(rows, CARD, &id, card)?) {
            cards.push((partner(&id)?, CardMark(mark), card));
        }
    }
    Ok(cards)
}

fn partner(id: &[u8]) -> Result<PartnerId, StoreError> {
    PartnerId::from_slice(id).map_err(|_| StoreError::Corrupt { table: "partners", what: "an id" })
}
