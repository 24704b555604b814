//! One-use forms and drafts: what pages keep for a person between two requests.
//!
//! A form is used once (ruling 35): the turn that uses it stores its answer, and the same form with the same words again
//! gets that answer without doing anything; with other words it is refused, since they would be lost. Drafts are sealed; nobody but their author opens them. All of it counts in machine time and is
//! no part of the record, but for `updated_at`, which people read.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::values::{Digest32, Moment, PersonId};
use uuid::Uuid;

use super::backend::KEYS_PER_STATEMENT;
use super::schema::{drafts, forms};
use super::{Rows, StoreError, Turn};

/// Drafts that one person may keep.
pub const DRAFTS_MAX: u32 = 50;
/// A form that was not used for so long is swept, with its answer.
const KEPT_SECONDS: i64 = 7 * 86_400;
/// What the words of a form are looked up by.
const SAID: &str = "forms.said";
/// Where drafts are sealed for.
const CONTENT: &str = "drafts.content";

/// A one-use form as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentForm {
    /// Which.
    pub id: Uuid,
    /// SHA-256 of its id and all that was said in it.
    pub said: [u8; 32],
}

impl SentForm {
    /// A form whose words nobody compares, because whoever sends it only ever says one thing with it.
    #[must_use]
    pub const fn said_once(id: Uuid) -> Self {
        Self { id, said: [0; 32] }
    }
}

/// What came of using a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormUse {
    /// It was unused; now it is used, and whoever used it stores an answer with [`answer`].
    Fresh,
    /// It was used before, and said the same.
    Used {
        /// The first answer.
        answer: Option<String>,
    },
    /// It was used before, and said something else.
    UsedOtherwise,
    /// There is no such form of this person for this purpose.
    Unknown,
}

/// Makes a form. `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn make(turn: &mut Turn<'_>, id: Uuid, person: PersonId, purpose: &str, elapsed: Moment) -> Result<(), StoreError> {
    diesel::insert_into(forms::table)
        .values((
            forms::id.eq(id.as_bytes().as_slice()),
            forms::person_id.eq(person.as_bytes().as_slice()),
            forms::purpose.eq(purpose),
            forms::made_at.eq(elapsed.micros()),
        ))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Whether there is a form with this id, used or not.
///
/// # Errors
/// Those of the database.
pub fn exists(rows: &mut Rows<'_>, id: Uuid) -> Result<bool, StoreError> {
    let found: i64 = forms::table.filter(forms::id.eq(id.as_bytes().as_slice())).count().get_result(rows.db)?;
    Ok(found > 0)
}

/// Uses a form: at most one turn ever gets [`FormUse::Fresh`].
///
/// # Errors
/// Those of the database.
pub fn use_once(turn: &mut Turn<'_>, sent: &SentForm, person: PersonId, purpose: &str) -> Result<FormUse, StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    // Keyed, so that whoever has the database alone can't try words that are sealed elsewhere.
    let said = rows.seal.lookup(SAID, &Digest32::from_bytes(sent.said).to_string());
    let theirs = || {
        forms::table
            .find(sent.id.as_bytes().as_slice())
            .filter(forms::person_id.eq(person.as_bytes().to_vec()))
            .filter(forms::purpose.eq(purpose))
    };
    let used = diesel::update(theirs().filter(forms::used_at.is_null()))
        .set((forms::used_at.eq(now.micros()), forms::said_mac.eq(&said)))
        .execute(rows.db)?;
    if used == 1 {
        return Ok(FormUse::Fresh);
    }
    let used: Option<(Option<String>, Option<Vec<u8>>)> =
        theirs().select((forms::answer, forms::said_mac)).first(rows.db).optional()?;
    Ok(match used {
        None => FormUse::Unknown,
        // A form that was used before its words were noted is taken to say the same.
        Some((answer, before)) if before.as_ref().is_none_or(|before| *before == said) => FormUse::Used { answer },
        Some(_) => FormUse::UsedOtherwise,
    })
}

/// Stores the answer of a form that this turn used.
///
/// # Errors
/// Those of the database.
pub fn answer(turn: &mut Turn<'_>, id: Uuid, answer: &str) -> Result<(), StoreError> {
    diesel::update(forms::table.find(id.as_bytes().as_slice()))
        .set(forms::answer.eq(answer))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Sweeps forms that are a week old, at most `limit`. Answers how many. `elapsed` is machine time.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, elapsed: Moment, limit: usize) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let old: Vec<Vec<u8>> = forms::table
        .filter(forms::made_at.lt(elapsed.plus_seconds(-KEPT_SECONDS).micros()))
        .order(forms::made_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(forms::id)
        .load(rows.db)?;
    Ok(diesel::delete(forms::table.filter(forms::id.eq_any(old))).execute(rows.db)?)
}

/// What a person typed and has not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Which.
    pub id: Uuid,
    /// What it is for.
    pub purpose: String,
    /// What was typed, in the page's own format.
    pub content: Vec<u8>,
    /// When it was last kept (duty time).
    pub updated_at: Moment,
}

/// Keeps a draft, new or newer.
///
/// # Errors
/// [`StoreError::TooMuch`] beyond [`DRAFTS_MAX`]; [`StoreError::Conflict`] when the id is somebody else's draft; those of
/// the database.
pub fn put_draft(
    turn: &mut Turn<'_>,
    id: Uuid,
    person: PersonId,
    purpose: &str,
    content: &[u8],
) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let content = rows.seal.seal(CONTENT, id.as_bytes(), content)?;
    let known = drafts::table.find(id.as_bytes().as_slice()).filter(drafts::person_id.eq(person.as_bytes().as_slice()));
    let kept = diesel::update(known)
        .set((drafts::content.eq(&content), drafts::purpose.eq(purpose), drafts::updated_at.eq(now.micros())))
        .execute(rows.db)?;
    if kept == 1 {
        return Ok(());
    }
    let theirs: i64 =
        drafts::table.filter(drafts::person_id.eq(person.as_bytes().as_slice())).count().get_result(rows.db)?;
    if theirs >= i64::from(DRAFTS_MAX) {
        return Err(StoreError::TooMuch { what: "the number of drafts" });
    }
    // Looked up first: on Postgres a unique violation would end the whole batch.
    let taken: i64 = drafts::table.filter(drafts::id.eq(id.as_bytes().as_slice())).count().get_result(rows.db)?;
    if taken > 0 {
        return Err(StoreError::Conflict);
    }
    diesel::insert_into(drafts::table)
        .values((
            drafts::id.eq(id.as_bytes().as_slice()),
            drafts::person_id.eq(person.as_bytes().as_slice()),
            drafts::purpose.eq(purpose),
            drafts::content.eq(content),
            drafts::updated_at.eq(now.micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// One's own draft.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn draft(rows: &mut Rows<'_>, id: Uuid, person: PersonId) -> Result<Option<Draft>, StoreError> {
    let found: Option<DraftRow> = drafts::table
        .find(id.as_bytes().as_slice())
        .filter(drafts::person_id.eq(person.as_bytes().as_slice()))
        .select((drafts::id, drafts::purpose, drafts::content, drafts::updated_at))
        .first(rows.db)
        .optional()?;
    found.map(|row| opened(rows, row)).transpose()
}

/// One's own drafts for a purpose, newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn drafts(rows: &mut Rows<'_>, person: PersonId, purpose: &str) -> Result<Vec<Draft>, StoreError> {
    let found: Vec<DraftRow> = drafts::table
        .filter(drafts::person_id.eq(person.as_bytes().as_slice()))
        .filter(drafts::purpose.eq(purpose))
        .order((drafts::updated_at.desc(), drafts::id.desc()))
        .limit(i64::from(DRAFTS_MAX))
        .select((drafts::id, drafts::purpose, drafts::content, drafts::updated_at))
        .load(rows.db)?;
    found.into_iter().map(|row| opened(rows, row)).collect()
}

/// Forgets everybody's drafts for a purpose: what they are about is erased.
///
/// # Errors
/// Those of the database.
pub fn delete_drafts(turn: &mut Turn<'_>, purpose: &str) -> Result<(), StoreError> {
    diesel::delete(drafts::table.filter(drafts::purpose.eq(purpose))).execute(turn.rows().db)?;
    Ok(())
}

/// Forgets one's own draft.
///
/// # Errors
/// Those of the database.
pub fn delete_draft(turn: &mut Turn<'_>, id: Uuid, person: PersonId) -> Result<(), StoreError> {
    let theirs =
        drafts::table.find(id.as_bytes().as_slice()).filter(drafts::person_id.eq(person.as_bytes().as_slice()));
    diesel::delete(theirs).execute(turn.rows().db)?;
    Ok(())
}

/// Forgets drafts, whoever's they are: those about an incident that is erased.
///
/// # Errors
/// Those of the database.
pub fn erase_drafts(turn: &mut Turn<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let keys: Vec<&[u8]> = chunk.iter().map(|id| id.as_bytes().as_slice()).collect();
        diesel::delete(drafts::table.filter(drafts::id.eq_any(keys))).execute(turn.rows().db)?;
    }
    Ok(())
}

/// Id, purpose, sealed content, instant.
type DraftRow = (Vec<u8>, String, Vec<u8>, i64);

fn opened(rows: &Rows<'_>, (id, purpose, content, updated_at): DraftRow) -> Result<Draft, StoreError> {
    Ok(Draft {
        content: rows.seal.open(CONTENT, &id, &content)?,
        id: Uuid::from_slice(&id).map_err(StoreError::corrupt("drafts", "an id"))?,
        purpose,
        updated_at: Moment::from_micros(updated_at).map_err(StoreError::corrupt("drafts", "an instant"))?,
    })
}
