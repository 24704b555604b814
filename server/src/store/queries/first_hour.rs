//! How far a new organisation has come: what the home page leads to until all of it was done once.

use diesel::prelude::*;
use domain::directory::RecordKind;
use domain::exchange::Direction;

use super::people;
use crate::store::partners::PartnerState;
use crate::store::schema::{directory, exchanges, incidents, partners};
use crate::store::{Rows, StoreError};

/// Incidents, and notices received, that are looked at: who has more is past the first hour.
const LOOKED_AT: i64 = 200;

/// What was done, each at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstHour {
    /// An agreement is here.
    pub agreement: bool,
    /// There is a second administrator.
    pub second_administrator: bool,
    /// One administrator may pair alone: a second one is not needed.
    pub one_person_pairing: bool,
    /// A partner is paired.
    pub paired: bool,
    /// An exercise was logged, or one was received and acknowledged; or there was so much that none is called for.
    pub exercise: bool,
}

impl FirstHour {
    /// Nothing is left to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        self.agreement && (self.second_administrator || self.one_person_pairing) && self.paired && self.exercise
    }
}

/// Looks, at the cost of five short selects, however much there is.
///
/// # Errors
/// Those of the database.
pub fn first_hour(rows: &mut Rows<'_>) -> Result<FirstHour, StoreError> {
    let agreement: Option<i32> = directory::table
        .filter(directory::kind.eq(RecordKind::Agreement.word()))
        .filter(directory::current)
        .select(directory::version)
        .first(rows.db)
        .optional()?;
    let census = people::census(rows)?;
    Ok(FirstHour {
        agreement: agreement.is_some(),
        second_administrator: census.administrators >= 2,
        one_person_pairing: census.one_person_pairing,
        paired: is_paired(rows)?,
        exercise: was_exercised(rows)?,
    })
}

/// Looks at the oldest incidents and notices only, each along an index.
fn was_exercised(rows: &mut Rows<'_>) -> Result<bool, StoreError> {
    let many = |found: usize| i64::try_from(found).is_ok_and(|found| found > LOOKED_AT);
    let logged: Vec<bool> = incidents::table
        .order((incidents::logged_at, incidents::id))
        .limit(LOOKED_AT + 1)
        .select(incidents::exercise)
        .load(rows.db)?;
    if logged.contains(&true) || many(logged.len()) {
        return Ok(true);
    }
    let received: Vec<(bool, Option<i64>)> = exchanges::table
        .filter(exchanges::direction.eq(Direction::Incoming.word()))
        .order((exchanges::opened_at, exchanges::id))
        .limit(LOOKED_AT + 1)
        .select((exchanges::exercise, exchanges::acknowledged_at))
        .load(rows.db)?;
    Ok(many(received.len()) || received.iter().any(|(exercise, acknowledged)| *exercise && acknowledged.is_some()))
}

/// Whether a notice could reach anybody.
///
/// # Errors
/// Those of the database.
pub fn is_paired(rows: &mut Rows<'_>) -> Result<bool, StoreError> {
    let paired: Option<String> = partners::table
        .filter(partners::state.eq(PartnerState::Active.word()))
        .select(partners::state)
        .first(rows.db)
        .optional()?;
    Ok(paired.is_some())
}
