//! Shifts of the rota. Who is on call is worked out by `domain::rota`; here are the rows that it is worked out from, by
//! indexes over what still lasts, so that shifts long past cost nothing.

use chrono_tz::Tz;
use diesel::prelude::*;
use domain::rota::{self, SHIFT_MINUTES_MAX, Shift, Span, When};
use domain::values::{Moment, PersonId};
use uuid::Uuid;

use super::backend::bulk::insert_many;
use super::schema::shifts;
use super::{Rows, StoreError, Turn};

/// Weekly shifts there may be.
pub const WEEKLY_MAX: usize = 100;
/// Shifts for one time that there may be, from now on.
pub const ONCE_MAX: usize = 2_000;
/// Shifts that ended so long ago are forgotten, in seconds of duty time.
const KEPT_SECONDS: i64 = 90 * 86_400;
const TABLE: &str = "shifts";

/// A shift with what the pages show of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptShift {
    /// It.
    pub shift: Shift,
    /// It came from a calendar.
    pub imported: bool,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = shifts, treat_none_as_default_value = false)]
struct Row {
    id: Vec<u8>,
    person_id: Vec<u8>,
    weekly: bool,
    swap: bool,
    from_at: i64,
    until_at: i64,
    day: i16,
    from_minute: i32,
    minutes: i32,
    imported: bool,
}

impl Row {
    fn of(kept: &KeptShift) -> Self {
        let Shift { id, person, when, swap } = kept.shift;
        let (weekly, from_at, until_at, day, from_minute, minutes) = match when {
            When::Once { from, until } => (false, from.micros(), until.micros(), 0, 0, 0),
            When::Weekly { day, from_minute, minutes } => {
                let minutes = i32::try_from(minutes).unwrap_or(i32::MAX);
                (true, 0, 0, i16::from(day), i32::from(from_minute), minutes)
            }
        };
        let (id, person_id) = (id.as_bytes().to_vec(), person.as_bytes().to_vec());
        Self { id, person_id, weekly, swap, from_at, until_at, day, from_minute, minutes, imported: kept.imported }
    }

    fn opened(&self) -> Result<KeptShift, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: TABLE, what };
        let when = if self.weekly {
            When::Weekly {
                day: u8::try_from(self.day).map_err(|_| corrupt("a day"))?,
                from_minute: u16::try_from(self.from_minute).map_err(|_| corrupt("a time"))?,
                minutes: u32::try_from(self.minutes).map_err(|_| corrupt("a length"))?,
            }
        } else {
            let moment = |micros| Moment::from_micros(micros).map_err(|_| corrupt("an instant"));
            When::Once { from: moment(self.from_at)?, until: moment(self.until_at)? }
        };
        Ok(KeptShift {
            shift: Shift {
                id: Uuid::from_slice(&self.id).map_err(|_| corrupt("an id"))?,
                person: PersonId::from_slice(&self.person_id).map_err(|_| corrupt("a person"))?,
                when,
                swap: self.swap,
            },
            imported: self.imported,
        })
    }
}

/// Every weekly shift, and those for one time that touch the time between two instants.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn between(rows: &mut Rows<'_>, from: Moment, until: Moment) -> Result<Vec<KeptShift>, StoreError> {
    let most = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: Vec<Row> = shifts::table
        .filter(shifts::weekly)
        .order((shifts::day, shifts::from_minute, shifts::id))
        .limit(most(WEEKLY_MAX))
        .select(Row::as_select())
        .load(rows.db)?;
    let once: Vec<Row> = shifts::table
        .filter(diesel::dsl::not(shifts::weekly))
        .filter(shifts::until_at.gt(from.micros()))
        .filter(shifts::from_at.lt(until.micros()))
        .order((shifts::until_at, shifts::id))
        .limit(most(ONCE_MAX))
        .select(Row::as_select())
        .load(rows.db)?;
    found.extend(once);
    found.iter().map(Row::opened).collect()
}

/// The rota as it falls between two instants.
///
/// # Errors
/// [`StoreError::Corrupt`] when a shift can't be read; those of the database.
pub fn spans(rows: &mut Rows<'_>, zone: Tz, from: Moment, until: Moment) -> Result<Vec<Span>, StoreError> {
    let shifts: Vec<Shift> = between(rows, from, until)?.into_iter().map(|kept| kept.shift).collect();
    Ok(rota::spans(&shifts, &zone, from, until))
}

/// Who is on call at an instant.
///
/// # Errors
/// [`StoreError::Corrupt`] when a shift can't be read; those of the database.
pub fn on_call(rows: &mut Rows<'_>, zone: Tz, at: Moment) -> Result<Vec<PersonId>, StoreError> {
    let spans = spans(rows, zone, at, at.plus_seconds(1))?;
    Ok(rota::on_call(&spans, at))
}

/// Adds shifts: all of them, or none.
///
/// # Errors
/// [`StoreError::TooMuch`] beyond [`WEEKLY_MAX`] or [`ONCE_MAX`]; those of the database.
pub fn add(turn: &mut Turn<'_>, new: &[KeptShift]) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let is_weekly = |kept: &&KeptShift| matches!(kept.shift.when, When::Weekly { .. });
    let weekly = new.iter().filter(is_weekly).count();
    let kept_weekly: i64 = shifts::table.filter(shifts::weekly).count().get_result(rows.db)?;
    let kept_once: i64 = shifts::table
        .filter(diesel::dsl::not(shifts::weekly))
        .filter(shifts::until_at.gt(now.micros()))
        .count()
        .get_result(rows.db)?;
    let sum = |kept: i64, new: usize| usize::try_from(kept).unwrap_or(usize::MAX).saturating_add(new);
    if sum(kept_weekly, weekly) > WEEKLY_MAX || sum(kept_once, new.len() - weekly) > ONCE_MAX {
        return Err(StoreError::TooMuch { what: "the number of shifts" });
    }
    let new: Vec<Row> = new.iter().map(Row::of).collect();
    insert_many!(rows.db, shifts::table, &new)
}

/// Removes a shift. Answers it, if there was one.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn remove(turn: &mut Turn<'_>, id: Uuid) -> Result<Option<KeptShift>, StoreError> {
    let rows = turn.rows();
    let this = || shifts::table.find(id.as_bytes().to_vec());
    let row: Option<Row> = this().select(Row::as_select()).first(rows.db).optional()?;
    let Some(row) = row else { return Ok(None) };
    diesel::delete(this()).execute(rows.db)?;
    row.opened().map(Some)
}

/// Removes imported shifts that begin at or after an instant: a calendar that is imported again takes their place. Answers
/// how many.
///
/// # Errors
/// Those of the database.
pub fn remove_imported(turn: &mut Turn<'_>, from: Moment) -> Result<usize, StoreError> {
    let theirs = shifts::table
        .filter(shifts::imported)
        .filter(diesel::dsl::not(shifts::weekly))
        .filter(shifts::until_at.gt(from.micros()))
        .filter(shifts::from_at.ge(from.micros()));
    Ok(diesel::delete(theirs).execute(turn.rows().db)?)
}

/// Forgets shifts that ended a quarter of a year ago, at most `limit`. Answers how many.
///
/// # Errors
/// Those of the database.
pub fn sweep(turn: &mut Turn<'_>, limit: usize) -> Result<usize, StoreError> {
    let before = turn.now().plus_seconds(-KEPT_SECONDS).micros();
    let rows = turn.rows();
    let old: Vec<Vec<u8>> = shifts::table
        .filter(diesel::dsl::not(shifts::weekly))
        .filter(shifts::until_at.lt(before))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(shifts::id)
        .load(rows.db)?;
    Ok(diesel::delete(shifts::table.filter(shifts::id.eq_any(old))).execute(rows.db)?)
}

const _: () = assert!(SHIFT_MINUTES_MAX < 1 << 20, "a length fits its column");
