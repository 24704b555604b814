//! How far a new organisation has come: what the home page leads to until all of it was done once.

use diesel::prelude::*;
use domain::directory::RecordKind;

use super::people;
use crate::store::partners::PartnerState;
use crate::store::schema::{directory, incidents, partners};
use crate::store::{Rows, StoreError};

/// What was done, each at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstHour {
    /// An agreement is here.
    pub agreement: bool,
    /// There is a second administrator, or one may pair alone.
    pub second_administrator: bool,
    /// A partner is paired.
    pub paired: bool,
    /// An exercise was logged.
    pub exercise: bool,
}

impl FirstHour {
    /// Nothing is left to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        self.agreement && self.second_administrator && self.paired && self.exercise
    }
}

/// Looks, at the cost of four short selects.
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
    let exercise: Option<bool> =
        incidents::table.filter(incidents::exercise).select(incidents::exercise).first(rows.db).optional()?;
    let paired = is_paired(rows)?;
    Ok(FirstHour {
        agreement: agreement.is_some(),
        second_administrator: !people::census(rows)?.needs_second_administrator(),
        paired,
        exercise: exercise.is_some(),
    })
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
