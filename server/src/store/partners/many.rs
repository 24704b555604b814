//! Many partners at once.

use diesel::prelude::*;
use domain::values::PartnerId;

use super::{Partner, PartnerRow};
use crate::store::schema::partners;
use crate::store::{Rows, StoreError};

/// These partners, in no order; those that are not known are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn by_ids(rows: &mut Rows<'_>, ids: &[PartnerId]) -> Result<Vec<Partner>, StoreError> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    let found: Vec<PartnerRow> =
        partners::table.filter(partners::id.eq_any(ids)).select(PartnerRow::as_select()).load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}
