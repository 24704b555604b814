//! Whether partners are still as somebody remembers them, in one look at plain columns.

use diesel::prelude::*;
use domain::values::PartnerId;

use super::Partner;
use crate::store::schema::partners;
use crate::store::{Rows, StoreError};

/// Which of these partners stand as they did: the same pairing state, identity and list of keys.
///
/// # Errors
/// Those of the database.
pub fn unchanged(rows: &mut Rows<'_>, known: &[&Partner]) -> Result<Vec<PartnerId>, StoreError> {
    let ids: Vec<&[u8]> = known.iter().map(|partner| partner.id.as_bytes().as_slice()).collect();
    type Found = (Vec<u8>, String, Option<String>, Option<i64>);
    let found: Vec<Found> = partners::table
        .filter(partners::id.eq_any(ids))
        .select((partners::id, partners::state, partners::identity_thumbprint, partners::manifest_version))
        .load(rows.db)?;
    let same = |partner: &&&Partner| {
        found.iter().any(|(id, state, identity, version)| {
            id == partner.id.as_bytes()
                && state == partner.state.word()
                && *identity == partner.identity_thumbprint
                && version.and_then(|version| u64::try_from(version).ok()) == partner.manifest_version
        })
    };
    Ok(known.iter().filter(same).map(|partner| partner.id).collect())
}
