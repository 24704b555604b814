//! Checkpoints of many partners at once, as a batch of receipts brings them: what [`super::keep_checkpoint_seen`] does one
//! by one, with one look and one insertion. Whatever is unusual is left to that.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use domain::values::{Digest32, Moment, PartnerId};

use super::{UNDER_WAY_SECONDS, stored};
use crate::store::backend::bulk::insert_many;
use crate::store::schema::checkpoints_seen;
use crate::store::{Rows, StoreError, Turn};

/// Kept checkpoints of one partner that are looked at here.
const LOOKED_AT: i64 = 8;

/// A verified checkpoint that a partner stated as its newest.
#[derive(Debug, Clone)]
pub struct Stated<'a> {
    /// Whose.
    pub partner: PartnerId,
    /// Entries that it covers.
    pub size: u64,
    /// The root over them.
    pub root: Digest32,
    /// The signed note.
    pub note: &'a str,
    /// When it was stated (duty time).
    pub stated_at: Moment,
}

/// What there is to do about one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it was seen before, and contradicts none.
    Known,
    /// Keep it; it contradicts none.
    New,
    /// It contradicts another, or there is too much to look at: it is judged alone.
    Unclear,
}

/// How these checkpoints, at most one of each partner, stand beside those seen before.
///
/// # Errors
/// Those of the database.
pub fn standing(rows: &mut Rows<'_>, stated: &[Stated<'_>]) -> Result<Vec<Standing>, StoreError> {
    let Some(smallest) = stated.iter().map(|one| one.size).min() else { return Ok(Vec::new()) };
    let limit = i64::try_from(stated.len()).unwrap_or(i64::MAX / LOOKED_AT) * LOOKED_AT;
    let partners: Vec<&[u8]> = stated.iter().map(|one| one.partner.as_bytes().as_slice()).collect();
    let found: Vec<(Vec<u8>, i64, Vec<u8>, i64)> = checkpoints_seen::table
        .filter(checkpoints_seen::partner_id.eq_any(partners))
        .filter(checkpoints_seen::size.ge(stored(smallest)?))
        .limit(limit)
        .select((checkpoints_seen::partner_id, checkpoints_seen::size, checkpoints_seen::root, checkpoints_seen::at))
        .load(rows.db)?;
    if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
        return Ok(vec![Standing::Unclear; stated.len()]);
    }
    type Seen = Vec<(i64, Vec<u8>, i64)>;
    let mut seen: HashMap<Vec<u8>, Seen> = HashMap::new();
    for (partner, size, root, at) in found {
        seen.entry(partner).or_default().push((size, root, at));
    }
    let mut twice = HashSet::new();
    stated
        .iter()
        .map(|one| {
            if !twice.insert(one.partner) {
                return Ok(Standing::Unclear);
            }
            let before = seen.get(one.partner.as_bytes().as_slice()).map(Vec::as_slice).unwrap_or_default();
            judged(one, before)
        })
        .collect()
}

fn judged(one: &Stated<'_>, seen: &[(i64, Vec<u8>, i64)]) -> Result<Standing, StoreError> {
    let size = stored(one.size)?;
    let before = one.stated_at.plus_seconds(-UNDER_WAY_SECONDS).micros();
    let shrunk = seen.iter().any(|(larger, _, at)| *larger > size && *at < before);
    let mut same = seen.iter().filter(|(known, ..)| *known == size).map(|(_, root, _)| root == one.root.as_bytes());
    Ok(match (shrunk, same.next(), same.next()) {
        (false, None, _) => Standing::New,
        (false, Some(true), None) => Standing::Known,
        (false, Some(_), _) | (true, ..) => Standing::Unclear,
    })
}

#[derive(Insertable)]
#[diesel(table_name = checkpoints_seen, treat_none_as_default_value = false)]
struct SeenRow {
    partner_id: Vec<u8>,
    size: i64,
    root: Vec<u8>,
    note: String,
    at: i64,
}

/// Keeps checkpoints that are new.
///
/// # Errors
/// Those of the database.
pub fn keep_new(turn: &mut Turn<'_>, new: &[Stated<'_>]) -> Result<(), StoreError> {
    let at = turn.now().micros();
    let mut rows = Vec::with_capacity(new.len());
    for one in new {
        rows.push(SeenRow {
            partner_id: one.partner.as_bytes().to_vec(),
            size: stored(one.size)?,
            root: one.root.as_bytes().to_vec(),
            note: one.note.to_owned(),
            at,
        });
    }
    insert_many!(turn.rows().db, checkpoints_seen::table, &rows)
}
